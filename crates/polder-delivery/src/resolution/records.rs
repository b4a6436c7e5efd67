//! Quarantined records as rows again.
//!
//! A record is JSON; a row has the contract's types. What the types of today do not hold exactly (a decimal with more
//! digits, a number that was not finite and is null in JSON) must not slip through changed: each row is written as
//! JSON again and compared with its record.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::compute::concat_batches;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::json::ReaderBuilder;
use chrono::DateTime;
use polder_core::{ErrorKind, Result, ResultExt};
use polder_gate::engine_words::types_in_words;
use polder_gate::map_keys;
use serde_json::{Map, Value};

use crate::row_json::{json_rows, with_keys, with_text_keys};

/// Records as rows of a schema. `lost[n]` is what is lost of record `n`, where something is.
pub(super) struct Records {
    pub(super) rows: RecordBatch,
    pub(super) lost: Vec<Option<Loss>>,
}

/// What a row does not hold of its record.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Loss {
    /// It is no row of these types at all; the row is all nulls.
    Everything(String),
    /// These columns.
    Columns(Vec<String>),
}

/// Reads records, one JSON object each, into these columns; what is not in a record is null.
///
/// # Errors
/// `Internal`, where a type has no JSON form.
pub(super) fn read(records: &[&str], contract: &SchemaRef) -> Result<Records> {
    let fields = contract
        .fields()
        .iter()
        .map(|field| field.as_ref().clone().with_nullable(true));
    let schema = SchemaRef::new(Schema::new(fields.collect::<Vec<_>>()));
    let unread = || "cannot put quarantined records together".to_owned();
    let mut lost = vec![None; records.len()];
    let rows = match decode(records, &schema) {
        Ok(rows) => rows,
        // One of them does not decode: each for itself.
        Err(_) => {
            let mut rows = Vec::with_capacity(records.len());
            for (record, lost) in records.iter().zip(&mut lost) {
                rows.push(
                    decode(&[record], &schema).or_else(|error| match without_misfits(record, &schema) {
                        Some((row, misfits)) => {
                            *lost = Some(Loss::Columns(misfits));
                            Ok(row)
                        }
                        None => {
                            *lost = Some(Loss::Everything(why(&error)));
                            nulls(&schema)
                        }
                    }),
                );
            }
            let rows = rows
                .into_iter()
                .collect::<Result<Vec<_>, _>>()
                .context(ErrorKind::Internal, unread)?;
            concat_batches(&schema, &rows).context(ErrorKind::Internal, unread)?
        }
    };
    let all: Vec<usize> = (0..rows.num_rows()).collect();
    let mut twice = keys_twice(&rows)?;
    for ((row, (record, lost)), again) in records.iter().zip(&mut lost).enumerate().zip(json_rows(&rows, &all)?) {
        let twice = twice.remove(&row).unwrap_or_default();
        // What has no place in its type was left out already; the other columns may have changed all the same.
        let mut changed = match lost.take() {
            None if *record == again && twice.is_empty() => continue,
            None => twice,
            Some(Loss::Columns(columns)) => [columns, twice].concat(),
            everything => {
                *lost = everything;
                continue;
            }
        };
        let (Ok(Value::Object(before)), Ok(after)) =
            (serde_json::from_str(record), serde_json::from_str::<Value>(&again))
        else {
            *lost = Some(Loss::Everything("the record is no JSON object".to_owned()));
            continue;
        };
        let differing: Vec<String> = before
            .into_iter()
            .filter(|(name, value)| {
                schema.index_of(name).is_ok() && !after.get(name).is_some_and(|now| same(value, now))
            })
            .map(|(name, _)| name)
            .filter(|name| !changed.contains(name))
            .collect();
        changed.extend(differing);
        if !changed.is_empty() {
            *lost = Some(Loss::Columns(changed));
        }
    }
    Ok(Records { rows, lost })
}

/// The columns of each row in which a map has a key twice: its bytes may tell keys apart that were one in an earlier type.
fn keys_twice(rows: &RecordBatch) -> Result<BTreeMap<usize, Vec<String>>> {
    let mut twice: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for (field, column) in rows.schema().fields().iter().zip(rows.columns()) {
        let failure = || format!("cannot compare the keys of column `{}`", field.name());
        for (row, _) in map_keys::repeated(column).context(ErrorKind::Internal, failure)? {
            twice.entry(row).or_default().push(field.name().clone());
        }
    }
    Ok(twice)
}

/// Records of which nothing is asked but that they are of these types, as rows.
///
/// # Errors
/// Where one of them is not.
pub(super) fn decode(records: &[&str], schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let fields = schema.fields().iter();
    let fields = fields.map(|field| field.as_ref().clone().with_data_type(with_text_keys(field.data_type())));
    let mut decoder = ReaderBuilder::new(Arc::new(Schema::new(fields.collect::<Vec<_>>())))
        .with_batch_size(records.len().max(1))
        .build_decoder()?;
    for record in records {
        decoder.decode(record.as_bytes())?;
        decoder.decode(b"\n")?;
    }
    let rows = match decoder.flush()? {
        Some(rows) if rows.num_rows() == records.len() => rows,
        _ => return Err(ArrowError::JsonError("a record is not one JSON object".to_owned())),
    };
    let columns = rows.columns().iter().zip(schema.fields());
    let columns = columns.map(|(column, field)| with_keys(column, field.data_type()));
    let columns = columns.collect::<Result<_, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(records.len()));
    RecordBatch::try_new_with_options(SchemaRef::clone(schema), columns, &options)
}

/// A record without the columns whose values their types cannot read, and their names; nothing where it has no others or
/// is no object.
fn without_misfits(record: &str, schema: &SchemaRef) -> Option<(RecordBatch, Vec<String>)> {
    let Ok(Value::Object(mut fields)) = serde_json::from_str(record) else {
        return None;
    };
    let misfits: Vec<String> = schema
        .fields()
        .iter()
        .filter(|field| {
            let alone = SchemaRef::new(Schema::new(vec![Arc::clone(field)]));
            fields.get(field.name()).is_some_and(|value| {
                let object = Map::from_iter([(field.name().clone(), value.clone())]);
                decode(&[&Value::Object(object).to_string()], &alone).is_err()
            })
        })
        .map(|field| field.name().clone())
        .collect();
    fields.retain(|name, _| !misfits.contains(name));
    let row = decode(&[&Value::Object(fields).to_string()], schema).ok()?;
    (!misfits.is_empty()).then_some((row, misfits))
}

fn why(error: &ArrowError) -> String {
    let text = error.to_string();
    let text = text.strip_prefix("Json error: ").unwrap_or(&text);
    format!("the record does not fit the contract's types: {}", types_in_words(text))
}

/// One row of nulls.
fn nulls(schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let columns: Vec<ArrayRef> = schema
        .fields()
        .iter()
        .map(|field| new_null_array(field.data_type(), 1))
        .collect();
    RecordBatch::try_new(SchemaRef::clone(schema), columns)
}

/// Whether two JSON values say the same; numbers may have another number of zeros at their end, instants another offset.
/// A time without an offset is none of ours to place: the bytes of its record are read in the zone of its column.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (Value::Object(left), Value::Object(right)) => left
            .iter()
            .all(|(name, value)| right.get(name).is_some_and(|right| same(value, right))),
        (Value::Number(left), Value::Number(right)) => plain(&left.to_string()) == plain(&right.to_string()),
        (Value::String(left), Value::String(right)) => {
            left == right
                || decimal(left).is_some_and(|left| Some(left) == decimal(right))
                || instant(left).is_some_and(|left| Some(left) == instant(right))
        }
        (Value::String(text), Value::Number(number)) | (Value::Number(number), Value::String(text)) => {
            decimal(text).is_some_and(|text| text == plain(&number.to_string()))
        }
        (left, right) => left == right,
    }
}

/// A number's digits without zeros at the end of its fraction.
fn plain(number: &str) -> String {
    match number.contains('.') && !number.contains(['e', 'E']) {
        true => number.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => number.to_owned(),
    }
}

/// Text that is a decimal number, in plain digits.
fn decimal(text: &str) -> Option<String> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_decimal = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    is_decimal.then(|| plain(text))
}

/// Text that is an instant with its offset, in microseconds, which is all that a table holds of it.
fn instant(text: &str) -> Option<i64> {
    Some(DateTime::parse_from_rfc3339(text).ok()?.timestamp_micros())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        BinaryArray, Date32Array, Decimal128Array, Float64Array, Int32Array, ListArray, StringArray,
        TimestampMicrosecondArray,
    };
    use arrow::datatypes::{DataType, Field, Int32Type, TimeUnit};

    use super::*;

    fn schema(columns: &[(&str, DataType)]) -> SchemaRef {
        let fields = columns
            .iter()
            .map(|(name, data_type)| Field::new(*name, data_type.clone(), false));
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }

    #[test]
    fn rows_of_every_type_come_back_as_they_were() {
        let price = Decimal128Array::from(vec![Some(12_345), None])
            .with_precision_and_scale(12, 3)
            .unwrap();
        let at = TimestampMicrosecondArray::from(vec![Some(1_291_191_960_000_001), None]).with_timezone("UTC");
        let rows = RecordBatch::try_from_iter_with_nullable([
            (
                "text",
                Arc::new(StringArray::from(vec![Some("a \"b\"\n"), None])) as ArrayRef,
                true,
            ),
            ("n", Arc::new(Int32Array::from(vec![Some(-7), None])), true),
            ("x", Arc::new(Float64Array::from(vec![Some(0.1), Some(1e300)])), true),
            ("price", Arc::new(price), true),
            ("at", Arc::new(at), true),
            (
                "local",
                Arc::new(TimestampMicrosecondArray::from(vec![Some(-1), None])),
                true,
            ),
            ("day", Arc::new(Date32Array::from(vec![Some(-1), None])), true),
            (
                "bytes",
                Arc::new(BinaryArray::from(vec![Some(b"\x00\xff".as_slice()), None])),
                true,
            ),
            (
                "list",
                Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>([
                    Some(vec![Some(1), None]),
                    None,
                ])),
                true,
            ),
        ])
        .unwrap();
        let json = json_rows(&rows, &[0, 1]).unwrap();
        let records: Vec<&str> = json.iter().map(String::as_str).collect();
        let read = read(&records, &rows.schema()).unwrap();
        assert_eq!(read.rows, rows);
        assert_eq!(read.lost, [None, None]);
    }

    #[test]
    fn what_a_type_does_not_hold_is_told() {
        let columns = schema(&[
            ("n", DataType::Int32),
            ("price", DataType::Decimal128(6, 2)),
            ("x", DataType::Float64),
        ]);
        let records = [
            r#"{"n":1,"price":"1.500","x":1.5}"#,
            r#"{"n":1,"price":"1.234","x":null}"#,
            r#"{"n":1,"gone":true}"#,
            r#"{"n":99999999999}"#,
            r#"[1]"#,
        ];
        let read = read(&records, &columns).unwrap();
        assert_eq!(read.rows.num_rows(), 5);
        assert_eq!((&read.lost[0], &read.lost[2]), (&None, &None));
        let lost = Loss::Columns(vec!["price".to_owned(), "x".to_owned()]);
        assert_eq!(read.lost[1], Some(lost));
        // What does not decode at all is lost in its column alone.
        assert_eq!(read.lost[3], Some(Loss::Columns(vec!["n".to_owned()])));
        assert!(matches!(&read.lost[4], Some(Loss::Everything(_))));
    }

    #[test]
    fn beside_a_value_without_a_place_the_others_are_held_against_their_record_too() {
        let columns = schema(&[
            ("n", DataType::Int32),
            ("price", DataType::Decimal128(6, 2)),
            ("at", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))),
        ]);
        // Read in UTC, as Arrow does, a time without an offset would be another instant than at the write.
        let records = [
            r#"{"n":"six","price":"1.234","at":"2026-07-02T08:30:00"}"#,
            r#"{"n":"six","price":"1.23","at":"2026-07-02T08:30:00+02:00"}"#,
            r#"{"n":6,"price":"1.23","at":"2026-07-02T08:30:00"}"#,
        ];
        let read = read(&records, &columns).unwrap();
        let lost = |columns: &[&str]| Some(Loss::Columns(columns.iter().map(|&name| name.to_owned()).collect()));
        assert_eq!(read.lost[0], lost(&["n", "price", "at"]));
        assert_eq!(read.lost[1], lost(&["n"]));
        assert_eq!(read.lost[2], lost(&["at"]));
    }
}
