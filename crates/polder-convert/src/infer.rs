//! A contract from the columns that a table has, and what its rows show beside them.

use std::collections::{BTreeMap, HashSet};

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use arrow::row::{OwnedRow, RowConverter, SortField};
use arrow::util::display::array_value_to_string;
use polder_core::units::counted;
use polder_core::{Error, ErrorKind, Result, ResultExt};
use serde_json::{Map, Value, json};

use crate::bounds::Bounds;
use crate::dialect::Dialect;
use crate::draft::{Draft, ImportOptions};
use crate::kind::{INT64, Kind};
use crate::loss::{Converted, Tracker, describe};
use crate::proof::last_row;
use crate::sql::apply_check;

const NO_PLACE: &str = "a contract has no place for it";
/// What stands for a value that is not told.
const HIDDEN: &str = "***";
/// Rows that are kept to prove a column unique; a longer table is not proven.
const MAX_ROWS: u64 = 1_000_000;

/// What a table says of itself beside its columns.
#[derive(Debug, Clone, Default)]
pub struct TableFacts {
    /// What it is.
    pub description: Option<String>,
    /// The columns that part its files, in their order.
    pub partitions: Vec<String>,
    /// Its settings. Those of the form `delta.constraints.<name>` are conditions of its rows.
    pub configuration: BTreeMap<String, String>,
}

/// A contract of a table with these columns. Only what the schema itself says (types, what is never null) is
/// promised; what `rows` showed stands in comments at the top, for people to take up. Columns that begin with an
/// underscore are the platform's and left out where the contract is bound to a dataset.
///
/// # Errors
/// `Document` where no column is left or the columns make no contract.
pub fn infer(
    schema: &Schema,
    facts: &TableFacts,
    rows: Option<&Observed>,
    options: &ImportOptions,
) -> Result<Converted<String>> {
    let tracker = Tracker::default();
    let bounds = Bounds::default();
    let name = options.name.clone().unwrap_or_else(|| "table".to_owned());
    let mut object = Map::from_iter([("name".to_owned(), json!(name))]);
    let mut properties = Vec::new();
    for field in schema.fields() {
        if options.dataset.is_some() && field.name().starts_with('_') {
            tracker.lose(
                field.name().as_str(),
                "a column of the platform",
                "contracts do not name those",
            );
            continue;
        }
        properties.push(property(field, field.name(), 0, &tracker, &bounds)?);
    }
    if properties.is_empty() {
        return Err(Error::new(
            ErrorKind::Document,
            "the table has no columns to make a contract of",
        ));
    }
    if let Some(text) = &facts.description {
        object.insert("description".to_owned(), json!(text));
    }
    declared(facts, &mut properties, &mut object, &tracker);
    for key in schema.metadata().keys() {
        tracker.lose("metadata", key.as_str(), NO_PLACE);
    }
    let properties = properties.into_iter().map(Value::Object).collect();
    object.insert("properties".to_owned(), Value::Array(properties));
    let draft = Draft {
        root: Map::new(),
        objects: vec![object],
    };
    let text = draft.write(options, &tracker)?;
    let comments = rows.map(Observed::comments).unwrap_or_default();
    Ok(Converted {
        value: format!("{comments}{text}"),
        losses: tracker.finish(&Value::Null, |_| String::new()),
    })
}

/// Takes partitions and conditions over; other settings are named.
fn declared(
    facts: &TableFacts,
    properties: &mut [Map<String, Value>],
    object: &mut Map<String, Value>,
    tracker: &Tracker,
) {
    for (index, name) in facts.partitions.iter().enumerate() {
        match properties
            .iter_mut()
            .find(|known| known.get("name") == Some(&json!(name)))
        {
            Some(property) => {
                property.insert("partitioned".to_owned(), json!(true));
                property.insert("partitionKeyPosition".to_owned(), json!(index + 1));
            }
            None => tracker.lose(name.as_str(), "a partition", "its column is not in the contract"),
        }
    }
    for (key, value) in &facts.configuration {
        let Some(name) = key.strip_prefix("delta.constraints.") else {
            tracker.lose("configuration", format!("{key}: {}", describe(&json!(value))), NO_PLACE);
            continue;
        };
        // Delta's conditions are Spark's expressions.
        match apply_check(value, Dialect::Spark, Some(name), properties, object) {
            Ok(true) => tracker.stands(last_row(object), format!("configuration.{key}")),
            Ok(false) => {
                let why = "the limits of a column have no name in a contract";
                tracker.lose("configuration", key.as_str(), why);
            }
            Err(why) => tracker.lose("configuration", format!("{key}: {value}"), why),
        }
    }
}

/// Takes the description out of a field's metadata, and names the rest.
fn about(field: &Field, path: &str, tracker: &Tracker, property: &mut Map<String, Value>) {
    let metadata: BTreeMap<_, _> = field.metadata().iter().collect();
    for (key, value) in metadata {
        match key.as_str() {
            "comment" | "description" if !property.contains_key("description") => {
                property.insert("description".to_owned(), json!(value));
            }
            _ => tracker.lose(path, format!("{key}: {}", describe(&json!(value))), NO_PLACE),
        }
    }
}

fn property(field: &Field, path: &str, depth: usize, tracker: &Tracker, bounds: &Bounds) -> Result<Map<String, Value>> {
    let mut property = Map::from_iter([("name".to_owned(), json!(field.name()))]);
    about(field, path, tracker, &mut property);
    typed(field.data_type(), path, depth, tracker, bounds, &mut property)?;
    if !field.is_nullable() {
        property.insert("required".to_owned(), json!(true));
    }
    Ok(property)
}

fn inside(field: &Field, path: &str, depth: usize, tracker: &Tracker, bounds: &Bounds) -> Result<Value> {
    let mut inside = property(field, path, depth, tracker, bounds)?;
    inside.remove("name");
    Ok(Value::Object(inside))
}

fn typed(
    data_type: &DataType,
    path: &str,
    depth: usize,
    tracker: &Tracker,
    bounds: &Bounds,
    out: &mut Map<String, Value>,
) -> Result<()> {
    bounds.enter(depth, path)?;
    let integer = |bits, signed| Kind::Integer { bits, signed };
    let lose = |why: &str| tracker.lose(path, data_type.to_string(), why);
    let kind = match data_type {
        DataType::Boolean => Kind::Boolean,
        DataType::Int8 => integer(8, true),
        DataType::Int16 => integer(16, true),
        DataType::Int32 => integer(32, true),
        DataType::Int64 => INT64,
        DataType::UInt8 => integer(8, false),
        DataType::UInt16 => integer(16, false),
        DataType::UInt32 => integer(32, false),
        DataType::UInt64 => integer(64, false),
        DataType::Float16 | DataType::Float32 => Kind::Float32,
        DataType::Float64 => Kind::Float64,
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => match u32::try_from(*scale) {
            Ok(scale) if *precision <= 38 => Kind::Decimal {
                precision: u32::from(*precision),
                scale,
            },
            _ => {
                lose("a contract has decimals of up to 38 digits: written as a float");
                Kind::Float64
            }
        },
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Kind::String,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => Kind::Binary,
        DataType::FixedSizeBinary(_) => {
            lose("a contract has no length of bytes");
            Kind::Binary
        }
        DataType::Date32 | DataType::Date64 => Kind::Date,
        DataType::Timestamp(unit, zone) => {
            if *unit != TimeUnit::Microsecond {
                lose("times in a contract are of microseconds");
            }
            if let Some(zone) = zone {
                if !matches!(zone.as_ref(), "UTC" | "+00:00" | "Z") {
                    lose("instants in a contract are of no other zone than UTC");
                }
                Kind::Timestamp
            } else {
                Kind::TimestampLocal
            }
        }
        DataType::Time32(unit) | DataType::Time64(unit) => {
            if *unit != TimeUnit::Microsecond {
                lose("times in a contract are of microseconds");
            }
            Kind::Time
        }
        DataType::Dictionary(_, values) => return typed(values, path, depth + 1, tracker, bounds, out),
        DataType::RunEndEncoded(_, values) => return typed(values.data_type(), path, depth + 1, tracker, bounds, out),
        DataType::List(items)
        | DataType::LargeList(items)
        | DataType::ListView(items)
        | DataType::LargeListView(items)
        | DataType::FixedSizeList(items, _) => {
            if let DataType::FixedSizeList(..) = data_type {
                lose("a list of no fixed length");
            }
            Kind::Array.write(out);
            let items = inside(items, &format!("{path}.items"), depth + 1, tracker, bounds)?;
            out.insert("items".to_owned(), items);
            return Ok(());
        }
        DataType::Struct(fields) => {
            Kind::Object.write(out);
            let fields: Result<Vec<Value>> = fields
                .iter()
                .map(|field| {
                    let path = format!("{path}.{}", field.name());
                    property(field, &path, depth + 1, tracker, bounds).map(Value::Object)
                })
                .collect();
            out.insert("properties".to_owned(), Value::Array(fields?));
            return Ok(());
        }
        DataType::Map(entries, _) => {
            Kind::Map.write(out);
            if let DataType::Struct(sides) = entries.data_type()
                && let [key, value] = sides.iter().as_slice()
            {
                let key = inside(key, &format!("{path}.key"), depth + 1, tracker, bounds)?;
                let value = inside(value, &format!("{path}.value"), depth + 1, tracker, bounds)?;
                out.insert("map".to_owned(), json!({"key": key, "value": value}));
            }
            return Ok(());
        }
        DataType::Null | DataType::Duration(_) | DataType::Interval(_) | DataType::Union(_, _) => {
            lose("a contract has no such type: written as text");
            Kind::String
        }
    };
    kind.write(out);
    Ok(())
}

/// What the rows of a table show, gathered batch by batch.
pub struct Observed {
    rows: u64,
    /// Whether the table has more rows than were looked at.
    cut_off: bool,
    /// Whether a value holds what must stand in no document.
    is_secret: fn(&str) -> bool,
    columns: Vec<ObservedColumn>,
}

struct ObservedColumn {
    name: String,
    /// Whether its values must not be told.
    hidden: bool,
    nulls: u64,
    converter: RowConverter,
    least: Option<OwnedRow>,
    greatest: Option<OwnedRow>,
    /// Every value so far, while all differ.
    distinct: Option<HashSet<Box<[u8]>>>,
}

impl Observed {
    /// Nothing seen yet of a table with this schema. Columns whose values have no order (maps) are left out.
    pub fn new(schema: &Schema) -> Self {
        let columns = schema
            .fields()
            .iter()
            .filter(|field| !field.name().starts_with('_') && !field.data_type().is_nested())
            .filter_map(|field| {
                let converter = RowConverter::new(vec![SortField::new(field.data_type().clone())]).ok()?;
                // Amounts and times that happen to differ make no key.
                let identifies = field.data_type().is_integer() || field.data_type().is_string();
                Some(ObservedColumn {
                    name: field.name().clone(),
                    hidden: false,
                    nulls: 0,
                    converter,
                    least: None,
                    greatest: None,
                    distinct: identifies.then(HashSet::new),
                })
            })
            .collect();
        Self {
            rows: 0,
            cut_off: false,
            is_secret: |_| false,
            columns,
        }
    }

    /// Tells no value of the columns that `is_hidden` names, and none that `is_secret` recognises.
    #[must_use]
    pub fn hiding(mut self, is_hidden: impl Fn(&str) -> bool, is_secret: fn(&str) -> bool) -> Self {
        for column in &mut self.columns {
            column.hidden = is_hidden(&column.name);
        }
        self.is_secret = is_secret;
        self
    }

    /// Takes the next rows.
    ///
    /// # Errors
    /// `Data` where a column cannot be compared.
    pub fn push(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows += batch.num_rows() as u64;
        for column in &mut self.columns {
            let Some(array) = batch.column_by_name(&column.name) else {
                continue;
            };
            let rows = column
                .converter
                .convert_columns(&[std::sync::Arc::clone(array)])
                .context(ErrorKind::Data, || {
                    format!("the values of `{}` cannot be compared", column.name)
                })?;
            for (index, row) in rows.iter().enumerate() {
                if array.is_null(index) {
                    column.nulls += 1;
                    continue;
                }
                if column.least.as_ref().is_none_or(|least| row < least.row()) {
                    column.least = Some(row.owned());
                }
                if column.greatest.as_ref().is_none_or(|greatest| row > greatest.row()) {
                    column.greatest = Some(row.owned());
                }
                if let Some(distinct) = &mut column.distinct
                    && (self.rows > MAX_ROWS || !distinct.insert(row.as_ref().into()))
                {
                    column.distinct = None;
                }
            }
        }
        Ok(())
    }

    /// The table has more rows than these: what they show is true of them alone, and no column is proven unique.
    pub fn cut_off(&mut self) {
        self.cut_off = true;
        for column in &mut self.columns {
            column.distinct = None;
        }
    }

    fn comments(&self) -> String {
        if self.rows == 0 {
            return String::new();
        }
        let mut out = format!(
            "# Observed in {}{}, and promised nowhere below: take up what is meant, and delete this.\n",
            if self.cut_off { "the first " } else { "" },
            counted(self.rows, "row")
        );
        for column in &self.columns {
            let text = |row: &Option<OwnedRow>| {
                let arrays = column.converter.convert_rows([row.as_ref()?.row()]).ok()?;
                let text = array_value_to_string(arrays.first()?, 0).ok()?;
                if column.hidden || (self.is_secret)(&text) {
                    return Some(HIDDEN.to_owned());
                }
                let line: String = text.chars().filter(|c| !c.is_control()).take(40).collect();
                Some(line)
            };
            let mut says = vec![match column.nulls {
                0 => "never null".to_owned(),
                nulls => format!("{nulls} null"),
            }];
            if let (Some(least), Some(greatest)) = (text(&column.least), text(&column.greatest)) {
                says.push(format!("from `{least}` to `{greatest}`"));
            }
            if column.distinct.is_some() && column.nulls < self.rows {
                says.push(if column.nulls == 0 {
                    "every value differs: a candidate for primaryKey".to_owned()
                } else {
                    "every value differs: a candidate for unique".to_owned()
                });
            }
            out.push_str(&format!("# - {}: {}\n", column.name, says.join("; ")));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Decimal128Array, Int64Array, StringArray};

    use super::*;
    use crate::draft::Binding;

    fn batch() -> RecordBatch {
        let amount = Decimal128Array::from(vec![Some(1_050), None, Some(-20)])
            .with_precision_and_scale(12, 3)
            .unwrap();
        let schema = Schema::new(vec![
            Field::new("id", DataType::Int64, false),
            Field::new("amount", DataType::Decimal128(12, 3), true),
            Field::new("country", DataType::Utf8, true),
            Field::new("_offset", DataType::Int64, false),
        ]);
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from(vec![3, 1, 2])),
            Arc::new(amount),
            Arc::new(StringArray::from(vec!["NL", "NL", "DE"])),
            Arc::new(Int64Array::from(vec![0, 1, 2])),
        ];
        RecordBatch::try_new(Arc::new(schema), columns).unwrap()
    }

    #[test]
    fn a_table_becomes_a_contract_and_its_rows_suggestions() {
        let batch = batch();
        let mut observed = Observed::new(&batch.schema());
        observed.push(&batch).unwrap();
        let options = ImportOptions {
            dataset: Some("sales.silver.payments".parse::<Binding>().unwrap()),
            ..ImportOptions::default()
        };
        let converted = infer(&batch.schema(), &TableFacts::default(), Some(&observed), &options).unwrap();
        let expected = "\
# Observed in 3 rows, and promised nowhere below: take up what is meant, and delete this.
# - id: never null; from `1` to `3`; every value differs: a candidate for primaryKey
# - amount: 1 null; from `-0.020` to `1.050`
# - country: never null; from `DE` to `NL`
apiVersion: v3.1.0
kind: DataContract
id: sales.silver.payments
name: sales.silver.payments
version: \"0.1.0\"
";
        assert!(converted.value.starts_with(expected), "{}", converted.value);
        assert!(
            converted.value.contains("physicalType: decimal(12,3)"),
            "{}",
            converted.value
        );
        assert!(!converted.value.contains("primaryKey: true"));
        assert_eq!(converted.losses.len(), 1, "{:?}", converted.losses);
    }

    #[test]
    fn values_that_must_not_be_told_stand_in_no_comment() {
        let batch = batch();
        let mut observed = Observed::new(&batch.schema()).hiding(|column| column == "amount", |text| text == "DE");
        observed.push(&batch).unwrap();
        let comments = observed.comments();
        for line in [
            "# - id: never null; from `1` to `3`; every value differs",
            "# - amount: 1 null; from `***` to `***`\n",
            "# - country: never null; from `***` to `NL`\n",
        ] {
            assert!(comments.contains(line), "{line}\n{comments}");
        }
    }

    #[test]
    fn what_a_table_says_of_itself_is_taken_over_or_named() {
        let metadata = |entries: &[(&str, &str)]| {
            entries
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect()
        };
        let fields = vec![
            Field::new("id", DataType::Int64, false).with_metadata(metadata(&[("comment", "The key."), ("own", "5")])),
            Field::new("day", DataType::Date32, true),
            Field::new(
                "at",
                DataType::Timestamp(TimeUnit::Microsecond, Some("Europe/Amsterdam".into())),
                true,
            ),
            Field::new("three", DataType::new_fixed_size_list(DataType::Int32, 3, true), true),
        ];
        let facts = TableFacts {
            description: Some("Orders.".to_owned()),
            partitions: vec!["day".to_owned()],
            configuration: BTreeMap::from_iter([
                ("delta.appendOnly".to_owned(), "true".to_owned()),
                ("delta.constraints.positive".to_owned(), "id > 0".to_owned()),
                ("delta.constraints.sane".to_owned(), "id > 0 OR day IS NULL".to_owned()),
            ]),
        };
        let converted = infer(&Schema::new(fields), &facts, None, &ImportOptions::default()).unwrap();
        for line in [
            "description: Orders.",
            "description: The key.",
            "exclusiveMinimum: 0",
            "partitionKeyPosition: 1",
            "row: id > 0 OR day IS NULL",
        ] {
            assert!(converted.value.contains(line), "{line}\n{}", converted.value);
        }
        let losses: Vec<_> = converted
            .losses
            .iter()
            .map(|loss| format!("{}: {}", loss.path, loss.what))
            .collect();
        assert_eq!(losses.len(), 5, "{losses:?}");
        assert!(losses.contains(&"id: own: 5".to_owned()));
        assert!(losses.contains(&"configuration: delta.appendOnly: true".to_owned()));
        assert!(losses.contains(&"configuration: delta.constraints.positive".to_owned()));
    }

    #[test]
    fn a_part_of_a_table_proves_nothing() {
        let batch = batch();
        let mut observed = Observed::new(&batch.schema());
        observed.push(&batch).unwrap();
        observed.cut_off();
        let comments = observed.comments();
        assert!(
            comments.starts_with("# Observed in the first 3 rows") && !comments.contains("candidate"),
            "{comments}"
        );
    }

    #[test]
    fn a_longer_table_than_is_kept_proves_nothing() {
        let schema = Schema::new(vec![Field::new("id", DataType::Int64, false)]);
        let mut observed = Observed::new(&schema);
        for start in 0..11 {
            let ids = Int64Array::from_iter_values(start * 100_000..(start + 1) * 100_000);
            let batch = RecordBatch::try_new(Arc::new(schema.clone()), vec![Arc::new(ids) as ArrayRef]).unwrap();
            observed.push(&batch).unwrap();
        }
        assert!(!observed.comments().contains("candidate"));
    }
}
