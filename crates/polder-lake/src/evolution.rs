//! What may become of a table's columns: which columns it takes, and which not.

use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use deltalake::kernel::{StructField, StructType};
use polder_core::{DatasetName, Error, ErrorKind};

/// A column that a table does not take, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The column.
    pub column: String,
    /// Where in the column: its own name, or a path into its values (`address.city`, `lines[].price`, `totals.value`).
    pub path: String,
    /// Why it is not taken.
    pub why: Why,
}

/// Why a table does not take a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// It is new and required, and rows that are there do not have it.
    Required,
    /// It is new, and the table has a column that is written like this and differs by case alone: engines that do not
    /// mind the case could read neither.
    OtherCase(String),
    /// Its values are of another type.
    OtherType {
        /// The type in the table.
        table: DataType,
        /// The type that is wanted.
        wanted: DataType,
    },
    /// It is a new field of values that are there.
    NewField,
    /// It is a field that the table's values have, and nobody wants.
    LostField,
    /// Its fields are wanted in another order; this is the table's.
    OtherOrder(Vec<String>),
}

impl Refusal {
    /// The refusal in a sentence without its end; `words` gives the names of types.
    pub fn says(&self, words: impl Fn(&DataType) -> String) -> String {
        let Self { column, path, .. } = self;
        match &self.why {
            Why::Required => format!("column `{column}` is new and required, but the table has rows without it"),
            Why::OtherCase(known) => {
                format!("column `{column}` is new, but the table has a column `{known}`, which differs by case alone")
            }
            Why::OtherType { table, wanted } => format!(
                "column `{path}` is {} in the table and {} in the contract",
                words(table),
                words(wanted)
            ),
            Why::NewField => format!("`{path}` is new, but the table's values of `{column}` do not have that field"),
            Why::LostField => {
                format!("`{path}` is not in the contract, but the table's values of `{column}` have that field")
            }
            Why::OtherOrder(fields) => format!(
                "the fields of `{path}` stand in another order in the table: {}",
                fields.join(", ")
            ),
        }
    }
}

/// What a table with these columns does not take of wanted ones, in the order of these; nothing where rows of them fit in,
/// perhaps after new optional columns were added and `NOT NULL` was dropped.
///
/// A table takes new optional columns, required ones while it has no rows, and does without columns that nobody wants. It
/// keeps the types that it was made with: a wider one too would be another type for its readers.
pub fn refusals(table: &Schema, wanted: &Schema, has_rows: bool) -> Vec<Refusal> {
    let of = |field: &FieldRef| {
        let (name, path) = (field.name(), field.name().clone());
        let (path, why) = match table.field_with_name(name) {
            Ok(known) => difference(path, known.data_type(), field.data_type())?,
            Err(_) => match table.fields().iter().find(|known| same_but_case(known, name)) {
                Some(known) => (path, Why::OtherCase(known.name().clone())),
                None if !field.is_nullable() && has_rows => (path, Why::Required),
                None => return None,
            },
        };
        Some(Refusal {
            column: name.clone(),
            path,
            why,
        })
    };
    wanted.fields().iter().filter_map(of).collect()
}

fn same_but_case(field: &Field, name: &str) -> bool {
    field.name() != name && field.name().to_lowercase() == name.to_lowercase()
}

/// The first place at which two types differ; what list items are called and what may be null within is no difference.
fn difference(path: String, table: &DataType, wanted: &DataType) -> Option<(String, Why)> {
    match (table, wanted) {
        (DataType::List(a), DataType::List(b)) => difference(format!("{path}[]"), a.data_type(), b.data_type()),
        (DataType::Map(a, _), DataType::Map(b, _)) => match (a.data_type(), b.data_type()) {
            // Of the names of a map's parts each maker has its own.
            (DataType::Struct(a), DataType::Struct(b)) if a.len() == 2 && b.len() == 2 => ["key", "value"]
                .into_iter()
                .zip(a.iter().zip(b))
                .find_map(|(part, (a, b))| difference(format!("{path}.{part}"), a.data_type(), b.data_type())),
            (a, b) => difference(path, a, b),
        },
        (DataType::Struct(a), DataType::Struct(b)) => {
            let without =
                |one: &FieldRef, other: &arrow::datatypes::Fields| other.iter().all(|field| field.name() != one.name());
            let at = |field: &FieldRef| format!("{path}.{}", field.name());
            if let Some(new) = b.iter().find(|field| without(field, a)) {
                return Some((at(new), Why::NewField));
            }
            if let Some(lost) = a.iter().find(|field| without(field, b)) {
                return Some((at(lost), Why::LostField));
            }
            if a.iter().zip(b).any(|(a, b)| a.name() != b.name()) {
                let order = a.iter().map(|field| field.name().clone()).collect();
                return Some((path, Why::OtherOrder(order)));
            }
            a.iter()
                .zip(b)
                .find_map(|(a, b)| difference(at(a), a.data_type(), b.data_type()))
        }
        (table, wanted) => (table != wanted).then(|| {
            let (table, wanted) = (table.clone(), wanted.clone());
            (path, Why::OtherType { table, wanted })
        }),
    }
}

/// The error of a table that does not take columns.
pub(crate) fn refused(name: &DatasetName, refusals: &[Refusal]) -> Error {
    let says = refusals.iter().map(|refusal| refusal.says(ToString::to_string));
    let message = format!("{name}: {}", says.collect::<Vec<_>>().join("; "));
    Error::new(ErrorKind::Document, message)
        .with_help("add an optional column under a new name, or give the dataset a new name and rebuild it")
}

/// What must happen to a table before rows of wanted columns that it takes fit in.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Evolution {
    /// New columns, all nullable.
    pub(crate) add: Vec<StructField>,
    /// Columns that must take nulls from now on.
    pub(crate) relax: Vec<String>,
}

impl Evolution {
    /// Compares a table with wanted columns, of which it refuses none: new ones are added as nullable columns, `NOT NULL`
    /// is dropped where it is no longer wanted (never added: older rows may hold nulls), and columns that are not wanted
    /// stay, and take nulls.
    pub(crate) fn of(table: &Schema, wanted: &StructType) -> Self {
        let mut evolution = Self::default();
        for field in wanted.fields() {
            match table.field_with_name(field.name()) {
                Ok(known) if field.is_nullable() && !known.is_nullable() => {
                    evolution.relax.push(field.name().clone());
                }
                Ok(_) => {}
                Err(_) => {
                    let new = StructField::nullable(field.name(), field.data_type().clone());
                    evolution.add.push(new);
                }
            }
        }
        for known in table.fields() {
            if !known.is_nullable() && wanted.field(known.name()).is_none() {
                evolution.relax.push(known.name().clone());
            }
        }
        evolution
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.add.is_empty() && self.relax.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::schema::to_delta;

    fn schema(fields: Vec<Field>) -> Schema {
        Schema::new(fields)
    }

    fn said(table: Field, wanted: Field) -> Vec<String> {
        refusals(&schema(vec![table]), &schema(vec![wanted]), true)
            .iter()
            .map(|refusal| refusal.says(ToString::to_string))
            .collect()
    }

    fn object(name: &str, fields: &[(&str, DataType)]) -> Field {
        let fields = fields.iter().map(|(name, kind)| Field::new(*name, kind.clone(), true));
        Field::new(name, DataType::Struct(fields.collect()), true)
    }

    #[test]
    fn optional_columns_are_added_and_required_ones_wait_for_an_empty_table() {
        let table = schema(vec![
            Field::new("id", DataType::Int64, false),
            Field::new("old", DataType::Int64, false),
        ]);
        let wanted = schema(vec![
            Field::new("id", DataType::Int64, true),
            Field::new("note", DataType::Utf8, true),
            Field::new("must", DataType::Utf8, false),
        ]);
        let refused = refusals(&table, &wanted, true);
        assert_eq!(refused.len(), 1);
        assert_eq!((refused[0].column.as_str(), &refused[0].why), ("must", &Why::Required));
        assert_eq!(refusals(&table, &wanted, false), []);
        let name: DatasetName = "sales.bronze.lines".parse().unwrap();
        let plan = Evolution::of(&table, &to_delta(&name, &Arc::new(wanted)).unwrap());
        assert_eq!(plan.relax, ["id", "old"]);
        let added: Vec<_> = plan
            .add
            .iter()
            .map(|field| (field.name().as_str(), field.is_nullable()))
            .collect();
        assert_eq!(added, [("note", true), ("must", true)]);
    }

    #[test]
    fn a_wider_type_is_another_type() {
        let said = said(
            Field::new("count", DataType::Int32, true),
            Field::new("count", DataType::Int64, false),
        );
        assert_eq!(said, ["column `count` is Int32 in the table and Int64 in the contract"]);
    }

    #[test]
    fn a_name_that_differs_by_case_alone_is_refused() {
        let said = said(
            Field::new("Straße", DataType::Utf8, true),
            Field::new("straße", DataType::Utf8, true),
        );
        assert_eq!(
            said,
            ["column `straße` is new, but the table has a column `Straße`, which differs by case alone"]
        );
    }

    #[test]
    fn values_keep_their_fields() {
        use DataType::{Int32, Int64, Utf8};
        let table = || object("place", &[("city", Utf8), ("zip", Int32)]);
        let cases = [
            (object("place", &[("city", Utf8), ("zip", Int32)]), None),
            (
                object("place", &[("zip", Int32), ("city", Utf8)]),
                Some("the fields of `place` stand in another order in the table: city, zip"),
            ),
            (
                object("place", &[("city", Utf8), ("zip", Int32), ("land", Utf8)]),
                Some("`place.land` is new, but the table's values of `place` do not have that field"),
            ),
            (
                object("place", &[("city", Utf8)]),
                Some("`place.zip` is not in the contract, but the table's values of `place` have that field"),
            ),
            (
                object("place", &[("city", Utf8), ("zip", Int64)]),
                Some("column `place.zip` is Int32 in the table and Int64 in the contract"),
            ),
        ];
        for (wanted, expected) in cases {
            assert_eq!(said(table(), wanted).first().map(String::as_str), expected);
        }
    }

    #[test]
    fn items_and_parts_of_maps_are_told_by_their_path() {
        let list = |name: &str, kind: DataType| {
            let item = Field::new(name, kind, name == "item");
            Field::new("lines", DataType::List(Arc::new(item)), true)
        };
        assert!(said(list("item", DataType::Utf8), list("element", DataType::Utf8)).is_empty());
        let prices = |kind| list("element", object("element", &[("price", kind)]).data_type().clone());
        assert_eq!(
            said(prices(DataType::Utf8), prices(DataType::Int32)),
            ["column `lines[].price` is Utf8 in the table and Int32 in the contract"]
        );
        let map = |key: &str, value: DataType| {
            let entry = vec![Field::new(key, DataType::Utf8, false), Field::new("v", value, true)];
            let entry = Field::new("entries", DataType::Struct(entry.into()), false);
            Field::new("totals", DataType::Map(Arc::new(entry), false), true)
        };
        assert!(said(map("key", DataType::Int32), map("k", DataType::Int32)).is_empty());
        assert_eq!(
            said(map("key", DataType::Int32), map("key", DataType::Utf8)),
            ["column `totals.value` is Int32 in the table and Utf8 in the contract"]
        );
    }
}
