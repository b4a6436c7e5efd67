//! Values of documents into columns.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, ListArray, StringBuilder, StructArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::nullif;
use arrow::datatypes::{DataType, Field, Fields, Float64Type};
use arrow::error::ArrowError;

use super::{Cast, Scalar, Written, assemble, from_text, sides, words};

/// Values, where there are any, as a column of the wanted type.
///
/// # Errors
/// Where a timestamp has a zone that nobody knows.
pub fn column<V: Written>(slots: &[Option<&V>], wanted: &DataType) -> Result<Cast, ArrowError> {
    match wanted {
        DataType::Struct(fields) => records(slots, fields, wanted),
        DataType::List(element) => lists(slots, element, wanted),
        DataType::Map(..) => objects(slots, wanted),
        _ => scalars(slots, wanted),
    }
}

fn scalars<V: Written>(slots: &[Option<&V>], wanted: &DataType) -> Result<Cast, ArrowError> {
    let mut texts = StringBuilder::with_capacity(slots.len(), slots.len() * 8);
    let (mut failures, mut beyond) = (Vec::new(), Vec::new());
    for (row, slot) in slots.iter().enumerate() {
        let Some(value) = slot else {
            texts.append_null();
            continue;
        };
        match value.scalar() {
            Some(Scalar::Null) => texts.append_null(),
            Some(Scalar::NotFinite(number, _)) if *wanted == DataType::Float64 => {
                texts.append_null();
                beyond.push((row, number));
            }
            Some(Scalar::Text(text) | Scalar::NotFinite(_, text)) => texts.append_value(text),
            None => {
                texts.append_null();
                failures.push((row, misfit(*value, wanted)));
            }
        }
    }
    let mut cast = from_text(&texts.finish(), wanted)?;
    cast.failures.extend(failures);
    if !beyond.is_empty() {
        let mut numbers: Vec<Option<f64>> = cast.array.as_primitive::<Float64Type>().iter().collect();
        for (row, number) in beyond {
            numbers[row] = Some(number);
        }
        cast.array = Arc::new(Float64Array::from(numbers));
    }
    Ok(cast)
}

fn records<V: Written>(slots: &[Option<&V>], fields: &Fields, wanted: &DataType) -> Result<Cast, ArrowError> {
    let mut failures = misfits(slots, wanted, is_object);
    let mut columns = Vec::with_capacity(fields.len());
    for field in fields {
        let inner: Vec<Option<&V>> = slots
            .iter()
            .map(|slot| slot.and_then(|value| value.field(field.name())))
            .collect();
        let cast = column(&inner, field.data_type())?;
        failures.extend(
            cast.failures
                .into_iter()
                .map(|(row, reason)| (row, format!("{}: {reason}", field.name()))),
        );
        columns.push(cast.array);
    }
    let valid = NullBuffer::from_iter(slots.iter().map(|slot| slot.is_some_and(is_object)));
    let array = StructArray::try_new_with_length(fields.clone(), columns, Some(valid), slots.len())?;
    without_failed(Arc::new(array), failures)
}

fn lists<V: Written>(slots: &[Option<&V>], element: &Arc<Field>, wanted: &DataType) -> Result<Cast, ArrowError> {
    let mut failures = misfits(slots, wanted, |value| value.items().is_some());
    let mut inner: Vec<Option<&V>> = Vec::new();
    let mut lengths = Vec::with_capacity(slots.len());
    for slot in slots {
        let before = inner.len();
        inner.extend(slot.and_then(Written::items).into_iter().flatten().map(Some));
        lengths.push(inner.len() - before);
    }
    let values = column(&inner, element.data_type())?;
    let offsets = OffsetBuffer::<i32>::from_lengths(lengths);
    let row_of =
        |index: usize| offsets.partition_point(|start| usize::try_from(*start).is_ok_and(|start| start <= index)) - 1;
    failures.extend(values.failures.into_iter().map(|(index, reason)| {
        let row = row_of(index);
        let first = usize::try_from(offsets[row]).unwrap_or_default();
        (row, format!("item {}: {reason}", index - first + 1))
    }));
    let valid = NullBuffer::from_iter(
        slots
            .iter()
            .map(|slot| slot.is_some_and(|value| value.items().is_some())),
    );
    let array = ListArray::try_new(Arc::clone(element), offsets, values.array, Some(valid))?;
    without_failed(Arc::new(array), failures)
}

/// Objects whose keys are data.
fn objects<V: Written>(slots: &[Option<&V>], wanted: &DataType) -> Result<Cast, ArrowError> {
    let Some((entries, sides)) = sides(wanted) else {
        return scalars(slots, wanted);
    };
    let mut keys = StringBuilder::new();
    let mut values: Vec<Option<&V>> = Vec::new();
    let mut lengths = Vec::with_capacity(slots.len());
    for slot in slots {
        let before = values.len();
        for (key, value) in slot.and_then(Written::entries).into_iter().flatten() {
            keys.append_value(key);
            values.push(Some(value));
        }
        lengths.push(values.len() - before);
    }
    let keys = from_text(&keys.finish(), sides[0].data_type())?;
    let values = column(&values, sides[1].data_type())?;
    let valid = slots.iter().map(|slot| slot.is_some_and(is_object)).collect();
    let mut cast = assemble(keys, values, lengths, valid, entries, sides)?;
    cast.failures.extend(misfits(slots, wanted, is_object));
    without_failed(cast.array, cast.failures)
}

fn is_object<V: Written>(value: &V) -> bool {
    value.entries().is_some()
}

/// Values that are neither null nor of the kind that is wanted.
fn misfits<V: Written>(slots: &[Option<&V>], wanted: &DataType, fits: impl Fn(&V) -> bool) -> Vec<(usize, String)> {
    let present = slots
        .iter()
        .enumerate()
        .filter_map(|(row, slot)| slot.map(|value| (row, value)));
    present
        .filter(|(_, value)| !value.is_null() && !fits(value))
        .map(|(row, value)| (row, misfit(value, wanted)))
        .collect()
}

fn misfit<V: Written>(value: &V, wanted: &DataType) -> String {
    format!("{} is not {}", value.kind(), words(wanted))
}

/// One reason a row; failed rows are null.
fn without_failed(array: ArrayRef, mut failures: Vec<(usize, String)>) -> Result<Cast, ArrowError> {
    failures.sort_by_key(|(row, _)| *row);
    failures.dedup_by_key(|(row, _)| *row);
    if failures.is_empty() {
        return Ok(Cast { array, failures });
    }
    let mut failed = vec![false; array.len()];
    failures.iter().for_each(|(row, _)| failed[*row] = true);
    Ok(Cast {
        array: nullif(&array, &BooleanArray::from(failed))?,
        failures,
    })
}

#[cfg(test)]
mod tests {
    use polder_core::document::{Node, Source, parse};
    use serde_json::Value;

    use super::*;

    /// What a YAML value and the JSON value of the same text become.
    fn both(text: &str, wanted: &DataType) -> (Cast, Cast) {
        let node: Node = parse(&Source::new("x.yaml", format!("x: {text}\n"))).unwrap();
        let json: Value = serde_json::from_str(text).unwrap();
        let read = (
            column(&[node.get("x")], wanted).unwrap(),
            column(&[Some(&json)], wanted).unwrap(),
        );
        assert_eq!(read.0.array.data_type(), wanted);
        read
    }

    #[test]
    fn a_value_in_yaml_is_what_it_is_in_json() {
        use DataType::*;
        let utc = Timestamp(arrow::datatypes::TimeUnit::Microsecond, Some("UTC".into()));
        let texts = [
            "1",
            "1.0",
            "\"7\"",
            "1e2",
            "-0",
            "1.5",
            "1e400",
            "true",
            "\"true\"",
            "\"no\"",
            "\"\"",
            "null",
            "[1, 2.0]",
            "[1, \"x\"]",
            "{\"a\": 1}",
            "\"2026-01-02\"",
            "\"2026-01-02T03:04:05.1234567Z\"",
            "\"2026-01-02 03:04:05\"",
            "12345678901234567890",
            "0.1",
            "\"1,5\"",
            "[[1]]",
            "{}",
            "[]",
        ];
        let list = List(Arc::new(Field::new("element", Int32, true)));
        let record = Struct(vec![Field::new("a", Int32, true)].into());
        for wanted in [
            Int32,
            Int64,
            Float64,
            Decimal128(9, 2),
            Boolean,
            Utf8,
            Binary,
            Date32,
            utc,
            list,
            record,
        ] {
            for text in texts {
                // `1e2` is `1e+2` where JSON is text, which no reader of either can tell.
                if matches!(wanted, Utf8 | Binary) && text.starts_with("1e") {
                    continue;
                }
                let (yaml, json) = both(text, &wanted);
                assert_eq!(yaml.array.to_data(), json.array.to_data(), "{text} as {wanted}");
                let rows = |cast: &Cast| cast.failures.iter().map(|(row, _)| *row).collect::<Vec<_>>();
                assert_eq!(rows(&yaml), rows(&json), "{text} as {wanted}");
            }
        }
    }

    #[test]
    fn numbers_that_json_cannot_write_are_taken_where_a_column_has_them() {
        let read = |text: &str, wanted: &DataType| {
            let node = parse(&Source::new("x.yaml", format!("x: {text}\n"))).unwrap();
            column(&[node.get("x")], wanted).unwrap()
        };
        for (text, wanted) in [
            (".inf", f64::INFINITY),
            ("-.INF", f64::NEG_INFINITY),
            ("+.Inf", f64::INFINITY),
        ] {
            let cast = read(text, &DataType::Float64);
            assert_eq!(cast.array.as_primitive::<Float64Type>().value(0), wanted);
        }
        let cast = read(".nan", &DataType::Float64);
        assert!(cast.array.is_valid(0) && cast.array.as_primitive::<Float64Type>().value(0).is_nan());
        // A text that looks like one is a text.
        assert_eq!(read("'.nan'", &DataType::Float64).failures.len(), 1);
        let cast = read(".nan", &DataType::Int32);
        assert_eq!(cast.failures, [(0, "`.nan` is not a 32-bit integer".to_owned())]);
    }
}
