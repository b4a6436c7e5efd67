//! Columns of tables that cannot be read as their contract promises them, whatever values they hold. Told by types alone, for who
//! reads the rows and for who wants to know before.

use std::collections::BTreeSet;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema};
use polder_gate::becomes;

/// A column, or a value inside of it, that cannot be read as its contract promises it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The column.
    pub column: String,
    /// Where in the column: its own name, or a path into its values (`address.city`, `lines[].price`, `totals.value`).
    pub path: String,
    /// Why it cannot be read.
    pub why: WhyUnreadable,
}

/// Why a column, or a value inside of it, cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhyUnreadable {
    /// The table has no such column, and a value is required. Nothing that names the column plans.
    Missing,
    /// The table has no such column or field, but one that is written like this and differs by case alone.
    OtherCase(String),
    /// The objects do not have the field, and it is required.
    NoField,
    /// Values of the table's type do not become those of the promised one.
    OtherType {
        /// The type in the table.
        table: DataType,
        /// The type that the contract promises.
        promised: DataType,
    },
}

/// Where and why values of a type are not read as a column, of which the values at the paths `required` must be there; nothing
/// where only single values may not fit.
pub(super) fn obstacles(kind: &DataType, field: &Field, required: &BTreeSet<String>) -> Vec<(String, WhyUnreadable)> {
    let mut found = Vec::new();
    inside(field.name(), kind, field, required, &mut found);
    if found.is_empty() && !becomes(kind, field) {
        found.push((field.name().clone(), other_type(kind, field)));
    }
    found
}

/// Why a table with these columns, which has none of this name, cannot be read as if it had it with nulls.
pub(super) fn missing(own: &Schema, field: &Field) -> Option<WhyUnreadable> {
    let by_another_name = |other: &&str| other.eq_ignore_ascii_case(field.name());
    let names = own.fields().iter().map(|field| field.name().as_str());
    match names.into_iter().find(by_another_name) {
        Some(other) => Some(WhyUnreadable::OtherCase(other.to_owned())),
        None => (!field.is_nullable()).then_some(WhyUnreadable::Missing),
    }
}

/// What of a promised column cannot be read in a table with these columns by who builds of it
/// ([`Otherwise::Built`](super::Otherwise::Built)), where the values at the paths `required` must be there; nothing where only
/// single values may not fit.
pub fn unreadable(own: &Schema, field: &Field, required: &BTreeSet<String>) -> Vec<Unreadable> {
    let found = match own.field_with_name(field.name()) {
        Err(_) => Vec::from_iter(missing(own, field).map(|why| (field.name().clone(), why))),
        Ok(there) => obstacles(there.data_type(), field, required),
    };
    let column = field.name();
    let found = found.into_iter().map(|(path, why)| Unreadable {
        column: column.clone(),
        path,
        why,
    });
    found.collect()
}

fn other_type(kind: &DataType, field: &Field) -> WhyUnreadable {
    WhyUnreadable::OtherType {
        table: kind.clone(),
        promised: field.data_type().clone(),
    }
}

/// The places at which a value is in the way.
fn inside(
    path: &str,
    kind: &DataType,
    wanted: &Field,
    required: &BTreeSet<String>,
    found: &mut Vec<(String, WhyUnreadable)>,
) {
    match (kind, wanted.data_type()) {
        (DataType::Struct(own), DataType::Struct(fields)) => {
            if !fields.is_empty() && fields.iter().all(|field| alike(own, field).is_none()) {
                // Objects of something else: nulls would say that there is nothing.
                found.push((path.to_owned(), other_type(kind, wanted)));
                return;
            }
            for field in fields {
                let path = format!("{path}.{}", field.name());
                match (own.find(field.name()), alike(own, field)) {
                    (Some((_, there)), _) => inside(&path, there.data_type(), field, required, found),
                    (None, Some(other)) => found.push((path, WhyUnreadable::OtherCase(other.name().clone()))),
                    (None, None) if required.contains(&path) => found.push((path, WhyUnreadable::NoField)),
                    (None, None) => {}
                }
            }
        }
        (
            DataType::List(own)
            | DataType::LargeList(own)
            | DataType::FixedSizeList(own, _)
            | DataType::ListView(own)
            | DataType::LargeListView(own),
            DataType::List(item),
        ) => inside(&format!("{path}[]"), own.data_type(), item, required, found),
        (DataType::Map(own, _), DataType::Map(entries, _)) => {
            if let (DataType::Struct(own), DataType::Struct(entry)) = (own.data_type(), entries.data_type()) {
                for (part, (own, wanted)) in ["key", "value"].into_iter().zip(own.iter().zip(entry)) {
                    inside(&format!("{path}.{part}"), own.data_type(), wanted, required, found);
                }
            }
        }
        _ if !becomes(kind, wanted) => found.push((path.to_owned(), other_type(kind, wanted))),
        _ => {}
    }
}

/// The field of this name, in whatever case it is written.
fn alike<'f>(own: &'f Fields, field: &Field) -> Option<&'f FieldRef> {
    own.iter().find(|own| own.name().eq_ignore_ascii_case(field.name()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::datatypes::Fields;

    use super::*;

    fn object(fields: &[(&str, DataType)]) -> DataType {
        let fields = fields.iter().map(|(name, kind)| Field::new(*name, kind.clone(), true));
        DataType::Struct(fields.collect())
    }

    fn list(item: DataType) -> DataType {
        DataType::List(Arc::new(Field::new("element", item, true)))
    }

    fn map(value: DataType) -> DataType {
        let entry: Fields = vec![
            Field::new("key", DataType::Utf8, false),
            Field::new("value", value, true),
        ]
        .into();
        DataType::Map(Arc::new(Field::new("entries", DataType::Struct(entry), false)), false)
    }

    fn told(table: &[(&str, DataType)], promised: &Field) -> Vec<(String, WhyUnreadable)> {
        let own = table.iter().map(|(name, kind)| Field::new(*name, kind.clone(), true));
        let required = BTreeSet::from(["c.must", "c[].must", "c.value.must"].map(str::to_owned));
        let found = unreadable(&Schema::new(own.collect::<Vec<_>>()), promised, &required);
        assert!(found.iter().all(|one| one.column == *promised.name()), "{found:?}");
        found.into_iter().map(|one| (one.path, one.why)).collect()
    }

    fn optional(kind: DataType) -> Field {
        Field::new("c", kind, true)
    }

    fn is_text_under_int(found: &[(String, WhyUnreadable)], path: &str) {
        let why = WhyUnreadable::OtherType {
            table: DataType::Utf8,
            promised: DataType::Int32,
        };
        assert_eq!(found, [(path.to_owned(), why)]);
    }

    #[test]
    fn what_values_decide_is_not_told() {
        for (table, promised) in [
            (DataType::Int64, DataType::Int32),
            (DataType::Int16, DataType::Int64),
            (DataType::LargeUtf8, DataType::Utf8),
            (
                object(&[("b", DataType::Utf8), ("x", DataType::Utf8), ("a", DataType::Int64)]),
                object(&[("a", DataType::Int32), ("b", DataType::Utf8)]),
            ),
        ] {
            assert_eq!(told(&[("c", table)], &optional(promised)), []);
        }
        assert_eq!(told(&[("d", DataType::Utf8)], &optional(DataType::Utf8)), []);
    }

    #[test]
    fn columns_that_are_not_there_are_told_where_they_are_no_nulls() {
        let must = Field::new("c", DataType::Utf8, false);
        let path = "c".to_owned();
        assert_eq!(
            told(&[("d", DataType::Utf8)], &must),
            [(path.clone(), WhyUnreadable::Missing)]
        );
        for field in [must, optional(DataType::Utf8)] {
            let why = WhyUnreadable::OtherCase("C".to_owned());
            assert_eq!(told(&[("C", DataType::Utf8)], &field), [(path.clone(), why)]);
        }
    }

    #[test]
    fn the_place_inside_of_a_value_is_told() {
        let (text, int) = (DataType::Utf8, DataType::Int32);
        is_text_under_int(&told(&[("c", text.clone())], &optional(int.clone())), "c");
        let (of_text, of_int) = (object(&[("a", text.clone())]), object(&[("a", int.clone())]));
        is_text_under_int(&told(&[("c", of_text.clone())], &optional(of_int.clone())), "c.a");
        is_text_under_int(
            &told(&[("c", list(of_text.clone()))], &optional(list(of_int.clone()))),
            "c[].a",
        );
        is_text_under_int(&told(&[("c", map(of_text))], &optional(map(of_int))), "c.value.a");

        let wanted = object(&[("a", int.clone()), ("b", text.clone()), ("must", text.clone())]);
        let found = told(&[("c", object(&[("a", int.clone()), ("B", text)]))], &optional(wanted));
        let other = WhyUnreadable::OtherCase("B".to_owned());
        assert_eq!(
            found,
            [("c.b".to_owned(), other), ("c.must".to_owned(), WhyUnreadable::NoField)]
        );
    }

    #[test]
    fn fields_that_objects_lack_are_told_where_they_are_required() {
        let int = || DataType::Int32;
        let own = || object(&[("a", int())]);
        let wanted = |further: &str| object(&[("a", int()), (further, int())]);
        let outer = |kind: DataType| object(&[("a", int()), ("o", kind)]);
        let fixed = |item| DataType::FixedSizeList(Arc::new(Field::new("item", item, true)), 2);
        for (table, promised) in [
            (own(), wanted("may")),
            (list(own()), list(wanted("may"))),
            (fixed(own()), list(wanted("may"))),
            (map(own()), map(wanted("may"))),
            (outer(own()), outer(wanted("may"))),
            // Not at the path that is required.
            (outer(own()), outer(wanted("must"))),
        ] {
            assert_eq!(told(&[("c", table)], &optional(promised)), []);
        }
        for (table, promised, path) in [
            (own(), wanted("must"), "c.must"),
            (list(own()), list(wanted("must")), "c[].must"),
            (fixed(own()), list(wanted("must")), "c[].must"),
            (map(own()), map(wanted("must")), "c.value.must"),
        ] {
            let found = told(&[("c", table)], &optional(promised));
            assert_eq!(found, [(path.to_owned(), WhyUnreadable::NoField)]);
        }
        // Nothing of what is wanted is there: objects of something else.
        let others = object(&[("b", int())]);
        let found = told(&[("c", outer(own()))], &optional(outer(others.clone())));
        let why = WhyUnreadable::OtherType {
            table: own(),
            promised: others,
        };
        assert_eq!(found, [("c.o".to_owned(), why)]);
    }
}
