//! A query's columns held against the contract of the dataset that it builds.

use arrow::datatypes::{DataType, Field, SchemaRef};
use datafusion::common::DFSchema;
use polder_core::DatasetName;
use polder_core::document::{Diagnostic, nearest};

use crate::sql::place::SqlText;

/// Everything in which the columns differ, by name and type. Whether a value may be null is the gate's to say.
pub(crate) fn compare(
    text: &SqlText<'_>,
    dataset: &DatasetName,
    given: &DFSchema,
    wanted: &SchemaRef,
) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    let names: Vec<_> = given.fields().iter().map(|field| field.name().as_str()).collect();
    for field in wanted.fields() {
        let found: Vec<_> = given.fields().iter().filter(|one| one.name() == field.name()).collect();
        match found.as_slice() {
            [] => {
                let unknown = names
                    .iter()
                    .copied()
                    .filter(|name| wanted.field_with_name(name).is_err());
                let help = nearest(field.name(), unknown).map(|near| format!("is `{near}` meant to be it?"));
                let message = format!(
                    "the query does not give `{}` ({}), which {dataset} promises",
                    field.name(),
                    readable(field.data_type())
                );
                diagnostics.push(text.error(None, "missing-column", message, help));
            }
            [one] => diagnostics.extend(mismatch(text, dataset, one, field)),
            _ => {
                let message = format!("the query gives `{}` more than once", field.name());
                diagnostics.push(text.error(text.last_word(field.name()), "duplicate-column", message, None));
            }
        }
    }
    for field in given.fields() {
        if wanted.field_with_name(field.name()).is_err() {
            let near = nearest(field.name(), wanted.fields().iter().map(|one| one.name().as_str()));
            let help = match near {
                Some(near) if !names.contains(&near) => format!("did you mean `{near}`?"),
                _ => "add it to the contract, or leave it out".to_owned(),
            };
            let message = format!("`{}` is not in the contract of {dataset}", field.name());
            diagnostics.push(text.error(text.last_word(field.name()), "extra-column", message, Some(help)));
        }
    }
    diagnostics
}

fn mismatch(text: &SqlText<'_>, dataset: &DatasetName, given: &Field, wanted: &Field) -> Option<Diagnostic> {
    if fits(given.data_type(), wanted.data_type()) {
        return None;
    }
    let (is, must) = (readable(given.data_type()), readable(wanted.data_type()));
    let message = format!("`{}` is {is}, but {dataset} promises {must}", given.name());
    let help = sql_type(wanted.data_type()).map(|name| format!("CAST(… AS {name}) AS {}", given.name()));
    Some(text.error(text.last_word(given.name()), "wrong-type", message, help))
}

/// Whether every value of one type is a value of the other, written the same way.
fn fits(given: &DataType, wanted: &DataType) -> bool {
    use DataType::*;
    match (given, wanted) {
        (Null, _) => true,
        (Dictionary(_, values), _) => fits(values, wanted),
        (Utf8 | LargeUtf8 | Utf8View, Utf8) | (Binary | LargeBinary | BinaryView | FixedSizeBinary(_), Binary) => true,
        (Int8 | Int16 | UInt8 | UInt16, Int32) | (Int8 | Int16 | Int32 | UInt8 | UInt16 | UInt32, Int64) => true,
        (Float16 | Float32, Float64) => true,
        (Decimal32(p, s) | Decimal64(p, s) | Decimal128(p, s) | Decimal256(p, s), Decimal128(to_p, to_s)) => {
            s <= to_s && i16::from(*p) - i16::from(*s) <= i16::from(*to_p) - i16::from(*to_s)
        }
        // Tables keep microseconds; what is finer is not measured by anything that lands here.
        (Timestamp(_, from), Timestamp(_, to)) => from.is_some() == to.is_some(),
        (List(from) | LargeList(from) | FixedSizeList(from, _), List(to)) => fits(from.data_type(), to.data_type()),
        (Struct(from), Struct(to)) => {
            from.len() == to.len()
                && to.iter().all(|to| {
                    from.iter()
                        .any(|from| from.name() == to.name() && fits(from.data_type(), to.data_type()))
                })
        }
        (given, wanted) => given == wanted,
    }
}

/// A type as contracts call it.
fn readable(data_type: &DataType) -> String {
    match data_type {
        DataType::Boolean => "boolean".to_owned(),
        DataType::Int32 => "integer (32 bits)".to_owned(),
        DataType::Int64 => "integer (64 bits)".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Decimal128(precision, scale) | DataType::Decimal256(precision, scale) => {
            format!("decimal({precision},{scale})")
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "string".to_owned(),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "binary".to_owned(),
        DataType::Date32 => "date".to_owned(),
        DataType::Timestamp(_, Some(_)) => "timestamp with time zone".to_owned(),
        DataType::Timestamp(_, None) => "timestamp without time zone".to_owned(),
        other => other.to_string(),
    }
}

/// A type as SQL calls it.
fn sql_type(data_type: &DataType) -> Option<String> {
    Some(match data_type {
        DataType::Boolean => "BOOLEAN".to_owned(),
        DataType::Int32 => "INT".to_owned(),
        DataType::Int64 => "BIGINT".to_owned(),
        DataType::Float64 => "DOUBLE".to_owned(),
        DataType::Decimal128(precision, scale) => format!("DECIMAL({precision},{scale})"),
        DataType::Utf8 => "VARCHAR".to_owned(),
        DataType::Date32 => "DATE".to_owned(),
        DataType::Timestamp(_, None) => "TIMESTAMP".to_owned(),
        DataType::Timestamp(_, Some(_)) => "TIMESTAMP WITH TIME ZONE".to_owned(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::{Schema, TimeUnit};
    use polder_core::document::Source;

    use super::*;

    fn findings(sql: &str, given: &[(&str, DataType)], wanted: &[(&str, DataType)]) -> Vec<String> {
        let schema = |columns: &[(&str, DataType)]| {
            let fields: Vec<_> = columns
                .iter()
                .map(|(name, kind)| Field::new(*name, kind.clone(), true))
                .collect();
            Schema::new(fields)
        };
        let file = Source::new("pipelines/a/b.sql", sql);
        let given = DFSchema::try_from(schema(given)).unwrap();
        compare(
            &SqlText::file(&file),
            &"a.silver.b".parse().unwrap(),
            &given,
            &Arc::new(schema(wanted)),
        )
        .iter()
        .map(ToString::to_string)
        .collect()
    }

    #[test]
    fn types_that_hold_every_value_are_allowed() {
        let utc = |unit| DataType::Timestamp(unit, Some("UTC".into()));
        let given = [
            ("a", DataType::Int32),
            ("b", DataType::Decimal128(10, 2)),
            ("c", DataType::Utf8View),
            ("d", utc(TimeUnit::Nanosecond)),
            ("e", DataType::Null),
        ];
        let wanted = [
            ("a", DataType::Int64),
            ("b", DataType::Decimal128(12, 3)),
            ("c", DataType::Utf8),
            ("d", utc(TimeUnit::Microsecond)),
            ("e", DataType::Date32),
        ];
        assert_eq!(findings("", &given, &wanted), Vec::<String>::new());
    }

    #[test]
    fn differences_name_both_types_and_stand_at_the_column() {
        let sql = "SELECT\n  quantity AS units,\n  price AS amount,\n  countri\nFROM t";
        let given = [
            ("units", DataType::Int64),
            ("amount", DataType::Decimal128(12, 3)),
            ("countri", DataType::Utf8),
        ];
        let wanted = [
            ("units", DataType::Int32),
            ("amount", DataType::Decimal128(12, 2)),
            ("country", DataType::Utf8),
        ];
        let findings = findings(sql, &given, &wanted);
        assert_eq!(
            findings,
            [
                "pipelines/a/b.sql:2:15: `units` is integer (64 bits), but a.silver.b promises integer (32 bits)",
                "pipelines/a/b.sql:3:12: `amount` is decimal(12,3), but a.silver.b promises decimal(12,2)",
                "pipelines/a/b.sql:1:1: the query does not give `country` (string), which a.silver.b promises",
                "pipelines/a/b.sql:4:3: `countri` is not in the contract of a.silver.b",
            ]
        );
    }
}
