//! A query's columns held against the contract of the dataset that it builds.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, SchemaRef, TimeUnit};
use datafusion::common::DFSchema;
use polder_core::DatasetName;
use polder_core::document::{Diagnostic, nearest};
use polder_gate::in_words;

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
    let help = in_sql(given.data_type(), wanted.data_type()).map(|sql| format!("{sql} AS {}", given.name()));
    Some(text.error(text.last_word(given.name()), "wrong-type", message, help))
}

/// Whether every value of one type is a value of the other, written the same way; but for those that the gate is left to refuse.
fn fits(given: &DataType, wanted: &DataType) -> bool {
    use DataType::*;
    match (given, wanted) {
        (Null, _) => true,
        (Dictionary(_, values), _) => fits(values, wanted),
        (Utf8 | LargeUtf8 | Utf8View, Utf8) | (Binary | LargeBinary | BinaryView | FixedSizeBinary(_), Binary) => true,
        (Int8 | Int16 | UInt8 | UInt16, Int32) | (Int8 | Int16 | Int32 | UInt8 | UInt16 | UInt32, Int64) => true,
        // What ranks and counts is of no sign to the engine, and an integer everywhere else: a value that does not fit breaks the
        // rule of its column's type.
        (UInt64, Int64) => true,
        (UInt64, Decimal128(p, s)) => i16::from(*p) - i16::from(*s) >= 20,
        (Float16 | Float32, Float64) => true,
        (Decimal32(p, s) | Decimal64(p, s) | Decimal128(p, s) | Decimal256(p, s), Decimal128(to_p, to_s)) => {
            s <= to_s && i16::from(*p) - i16::from(*s) <= i16::from(*to_p) - i16::from(*to_s)
        }
        // Tables keep microseconds: a value that is finer breaks the rule of its column's type.
        (Timestamp(_, from), Timestamp(_, to)) => from.is_some() == to.is_some(),
        (List(from) | LargeList(from) | FixedSizeList(from, _), List(to)) => fits(from.data_type(), to.data_type()),
        // Whatever their entries are called.
        (Map(from, _), Map(to, _)) => match (from.data_type(), to.data_type()) {
            (Struct(from), Struct(to)) => {
                let mut pairs = from.iter().zip(to);
                from.len() == to.len() && pairs.all(|(from, to)| fits(from.data_type(), to.data_type()))
            }
            _ => false,
        },
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

/// The type in which a column is handed to the gate: the wanted one, but with times as fine as they are given, and numbers
/// without a sign as they are. What tables do not keep of them is for the gate to refuse, where a cast would cut it or fail.
pub(crate) fn handed_over(given: &DataType, wanted: &DataType) -> DataType {
    use DataType::*;
    let of = |given: &Field, wanted: &Field| {
        let data_type = handed_over(given.data_type(), wanted.data_type());
        Arc::new(wanted.clone().with_data_type(data_type))
    };
    match (given, wanted) {
        (Dictionary(_, values), _) => handed_over(values, wanted),
        (Timestamp(TimeUnit::Nanosecond, _), Timestamp(_, zone)) => Timestamp(TimeUnit::Nanosecond, zone.clone()),
        (UInt64, _) => UInt64,
        (List(from) | LargeList(from) | FixedSizeList(from, _), List(to)) => List(of(from, to)),
        (Map(from, _), Map(to, sorted)) => match (from.data_type(), to.data_type()) {
            (Struct(pair), Struct(wanted)) if pair.len() == wanted.len() => {
                let pair = pair.iter().zip(wanted).map(|(from, to)| of(from, to));
                let entries = to.as_ref().clone().with_data_type(Struct(pair.collect()));
                Map(Arc::new(entries), *sorted)
            }
            _ => Map(Arc::clone(to), *sorted),
        },
        (Struct(from), Struct(to)) => {
            let given = |name: &str| from.iter().find(|from| from.name() == name);
            let fields = to.iter().map(|to| match given(to.name()) {
                Some(from) => of(from, to),
                None => Arc::clone(to),
            });
            Struct(fields.collect())
        }
        (_, wanted) => wanted.clone(),
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
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => {
            let bits = 8 * data_type.primitive_width().unwrap_or_default();
            format!("integer ({bits} bits, no sign)")
        }
        DataType::Dictionary(_, values) => readable(values),
        DataType::FixedSizeList(items, _) => in_words(&DataType::List(Arc::clone(items))),
        other => in_words(other),
    }
}

/// The SQL that makes one type of another.
fn in_sql(given: &DataType, wanted: &DataType) -> Option<String> {
    use DataType::*;
    Some(match (given, wanted) {
        // A cast to a timestamp with time zone gives none: the session has no zone.
        (Timestamp(_, None), Timestamp(_, Some(_))) => "… AT TIME ZONE 'UTC'".to_owned(),
        (Int8 | Int16 | Int32 | Int64 | UInt8 | UInt16 | UInt32, Timestamp(_, Some(_))) => {
            "to_timestamp_millis(…) AT TIME ZONE 'UTC'".to_owned()
        }
        (List(_) | LargeList(_) | Struct(_) | Map(..), _) => return None,
        (_, Timestamp(_, Some(_))) => "CAST(… AS TIMESTAMP) AT TIME ZONE 'UTC'".to_owned(),
        (_, wanted) => format!("CAST(… AS {})", sql_type(wanted)?),
    })
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
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{Fields, Schema};
    use polder_core::document::Source;

    use super::*;

    fn found(sql: &str, given: &[(&str, DataType)], wanted: &[(&str, DataType)]) -> Vec<Diagnostic> {
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
    }

    fn findings(sql: &str, given: &[(&str, DataType)], wanted: &[(&str, DataType)]) -> Vec<String> {
        found(sql, given, wanted).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_help_is_sql_that_gives_the_type() {
        let utc = || DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let local = || DataType::Timestamp(TimeUnit::Nanosecond, None);
        let cases = [
            (local(), utc(), Some("… AT TIME ZONE 'UTC' AS at")),
            (
                DataType::Utf8,
                utc(),
                Some("CAST(… AS TIMESTAMP) AT TIME ZONE 'UTC' AS at"),
            ),
            (
                DataType::Date32,
                utc(),
                Some("CAST(… AS TIMESTAMP) AT TIME ZONE 'UTC' AS at"),
            ),
            (
                DataType::Int64,
                utc(),
                Some("to_timestamp_millis(…) AT TIME ZONE 'UTC' AS at"),
            ),
            (utc(), local(), Some("CAST(… AS TIMESTAMP) AS at")),
            (DataType::Int64, DataType::Int32, Some("CAST(… AS INT) AS at")),
            (DataType::new_list(DataType::Int64, true), DataType::Binary, None),
        ];
        for (given, wanted, help) in cases {
            let found = found("", &[("at", given.clone())], &[("at", wanted)]);
            assert_eq!(found[0].help.as_deref(), help, "{given}");
        }
    }

    #[test]
    fn nested_types_are_named_as_contracts_name_them() {
        let record = DataType::Struct(vec![Field::new("a", DataType::Utf8, true)].into());
        let given = [("tags", DataType::new_list(DataType::Int64, true)), ("one", record)];
        let wanted = [
            ("tags", DataType::new_list(DataType::Utf8, true)),
            ("one", DataType::Utf8),
        ];
        assert_eq!(
            findings("", &given, &wanted),
            [
                "pipelines/a/b.sql:1:1: `tags` is array<bigint>, but a.silver.b promises array<string>",
                "pipelines/a/b.sql:1:1: `one` is struct<a:string>, but a.silver.b promises string",
            ]
        );
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
            ("f", DataType::UInt64),
            ("g", DataType::UInt64),
        ];
        let wanted = [
            ("a", DataType::Int64),
            ("b", DataType::Decimal128(12, 3)),
            ("c", DataType::Utf8),
            ("d", utc(TimeUnit::Microsecond)),
            ("e", DataType::Date32),
            ("f", DataType::Int64),
            ("g", DataType::Decimal128(20, 0)),
        ];
        assert_eq!(findings("", &given, &wanted), Vec::<String>::new());
        for narrow in [
            DataType::Int32,
            DataType::Decimal128(19, 0),
            DataType::Decimal128(20, 1),
            DataType::Float64,
        ] {
            assert_eq!(
                findings("", &given[5..6], &[("f", narrow.clone())]).len(),
                1,
                "{narrow}"
            );
        }
    }

    /// A map whose entries are called as `names` says.
    fn map(names: [&str; 3], key: DataType, value: DataType) -> DataType {
        let pair = vec![Field::new(names[1], key, false), Field::new(names[2], value, true)];
        let entries = Field::new(names[0], DataType::Struct(pair.into()), false);
        DataType::Map(Arc::new(entries), false)
    }

    const OF_DELTA: [&str; 3] = ["key_value", "key", "value"];
    const OF_THE_ENGINE: [&str; 3] = ["entries", "k", "v"];

    #[test]
    fn maps_fit_by_what_they_hold_and_not_by_what_the_engine_calls_it() {
        let given = map(OF_THE_ENGINE, DataType::Utf8View, DataType::Int32);
        let wanted = map(OF_DELTA, DataType::Utf8, DataType::Int64);
        let found = findings("", &[("m", given.clone())], &[("m", wanted.clone())]);
        assert_eq!(found, Vec::<String>::new());
        let narrow = map(OF_DELTA, DataType::Utf8, DataType::Int32);
        assert_eq!(
            findings("SELECT m", &[("m", wanted)], &[("m", narrow)]),
            ["pipelines/a/b.sql:1:8: `m` is map<string,bigint>, but a.silver.b promises map<string,int>"]
        );
        let fields: Fields = vec![Field::new("a", DataType::Int32, true)].into();
        let items = DataType::List(Arc::new(Field::new("item", DataType::Struct(fields), true)));
        assert_eq!(
            findings("SELECT m", &[("m", items)], &[("m", given)]),
            ["pipelines/a/b.sql:1:8: `m` is array<struct<a:int>>, but a.silver.b promises map<string,int>"]
        );
    }

    #[test]
    fn times_are_handed_over_as_fine_as_they_are_wherever_they_lie() {
        let at = |unit| DataType::Timestamp(unit, None);
        let (ns, us) = (at(TimeUnit::Nanosecond), at(TimeUnit::Microsecond));
        let list = |name: &str, of: &DataType| DataType::List(Arc::new(Field::new(name, of.clone(), true)));
        let fields = |of: [(&str, &DataType); 2]| {
            let fields = of.map(|(name, of)| Field::new(name, of.clone(), true));
            DataType::Struct(fields.to_vec().into())
        };
        for (given, wanted, handed) in [
            (ns.clone(), us.clone(), ns.clone()),
            (at(TimeUnit::Second), us.clone(), us.clone()),
            (DataType::UInt64, DataType::Int64, DataType::UInt64),
            (DataType::Int32, DataType::Int64, DataType::Int64),
            (list("item", &ns), list("element", &us), list("element", &ns)),
            (
                fields([("b", &ns), ("a", &DataType::Int32)]),
                fields([("a", &DataType::Int64), ("b", &us)]),
                fields([("a", &DataType::Int64), ("b", &ns)]),
            ),
            (
                map(OF_THE_ENGINE, DataType::Utf8View, ns.clone()),
                map(OF_DELTA, DataType::Utf8, us.clone()),
                map(OF_DELTA, DataType::Utf8, ns.clone()),
            ),
        ] {
            assert_eq!(handed_over(&given, &wanted), handed);
        }
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
