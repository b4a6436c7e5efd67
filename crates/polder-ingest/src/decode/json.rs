//! JSON objects, read with the contract's types.
//!
//! Numbers keep the digits that they were written with. Scalars go through their text, so `2.550`, `"2.550"` and
//! `2.55` are one decimal; times are ISO 8601 text.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, ListArray, StringBuilder, StructArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::{cast, nullif};
use arrow::datatypes::{DataType, Field};
use arrow::error::ArrowError;
use polder_core::{ErrorKind, Result, ResultExt};
use serde_json::{Map, Value};

use super::cast::{Cast, exact, words};
use super::shape::{EVENT_TIME_RULE, Shaped, event_time_in, event_time_type, merge};
use super::{Decoded, Refused, Target};
use super::{maps, object};
use crate::chunk::Chunk;

/// Decodes records that are JSON objects.
pub(crate) struct JsonDecoder {
    target: Target,
    /// The fields that are read.
    named: HashSet<String>,
}

/// A value, or its absence.
type Slot<'a> = Option<&'a Value>;

impl JsonDecoder {
    pub(crate) fn new(target: Target) -> Self {
        let named = target.named().map(str::to_owned).collect();
        Self { target, named }
    }

    /// Decodes these records of the chunk.
    pub(crate) fn decode(&mut self, chunk: &Chunk, records: Vec<usize>, decoded: &mut Decoded) -> Result<()> {
        let (mut objects, mut rows) = (Vec::with_capacity(records.len()), Vec::with_capacity(records.len()));
        for record in records {
            match self.object(chunk.value(record).unwrap_or_default()) {
                Ok(object) => {
                    objects.push(object);
                    rows.push(record);
                }
                Err((rule, reason)) => decoded.refused.push(Refused {
                    record,
                    schema_id: None,
                    rule,
                    reason,
                    received: None,
                }),
            }
        }
        if rows.is_empty() {
            return Ok(());
        }
        for object in &objects {
            decoded.unnamed.note(1, self.unnamed(object));
        }
        let failure = || "cannot bring JSON into the contract's columns".to_owned();
        let shaped = self.shape(&objects).context(ErrorKind::Internal, failure)?;
        decoded
            .take(shaped, rows, None, |row| Ok(self.received(&objects[row])))
            .context(ErrorKind::Internal, failure)
    }

    fn object(&self, bytes: &[u8]) -> Result<Map<String, Value>, (String, String)> {
        let refusal = |reason: String| ("format.json".to_owned(), reason);
        let object = match object::read(bytes) {
            Ok(Value::Object(object)) => object,
            Ok(other) => return Err(refusal(format!("the record is {}, not an object", kind(&other)))),
            Err(cause) => return Err(refusal(format!("the record is no JSON: {cause}"))),
        };
        if let Some(payload) = &self.target.payload {
            let problem = match object.get(payload) {
                Some(Value::Object(_) | Value::Null) => return Ok(object),
                Some(other) => format!("`{payload}` is {}, not an object", kind(other)),
                None => format!("there is no field `{payload}`"),
            };
            return Err((format!("{payload}.type"), problem));
        }
        Ok(object)
    }

    fn shape(&self, objects: &[Map<String, Value>]) -> Result<Shaped, ArrowError> {
        let mut failures = Vec::new();
        let mut take = |rule: &str, slots: Vec<Slot<'_>>, wanted: &DataType| -> Result<ArrayRef, ArrowError> {
            let Cast { array, failures: found } = column(&slots, wanted)?;
            failures.extend(found.into_iter().map(|(row, reason)| (row, rule.to_owned(), reason)));
            Ok(array)
        };
        let mut columns = Vec::with_capacity(self.target.columns.len());
        for field in &self.target.columns {
            let slots = objects.iter().map(|object| self.find(object, field.name())).collect();
            columns.push(take(&format!("{}.type", field.name()), slots, field.data_type())?);
        }
        let event_time = match &self.target.event_time {
            Some(path) => {
                let slots = objects.iter().map(|object| self.find_path(object, path)).collect();
                let read = take(EVENT_TIME_RULE, slots, &event_time_in(&self.target))?;
                Some(cast(&read, &event_time_type())?)
            }
            None => None,
        };
        Ok(Shaped {
            columns,
            event_time,
            failures: merge(failures),
        })
    }

    /// The fields of a record that have a value which nobody reads. What lies beside a payload is about the record, not
    /// of it.
    fn unnamed<'a>(&self, object: &'a Map<String, Value>) -> impl Iterator<Item = &'a str> {
        let fields = match &self.target.payload {
            Some(payload) => object.get(payload).and_then(Value::as_object),
            None => Some(object),
        };
        let fields = fields.into_iter().flatten();
        fields
            .filter(|(name, value)| !value.is_null() && !self.named.contains(name.as_str()))
            .map(|(name, _)| name.as_str())
    }

    /// The contract's columns of a record, with the values that it came with.
    fn received(&self, object: &Map<String, Value>) -> String {
        let columns = self.target.columns.iter().filter_map(|field| {
            let value = self.find(object, field.name()).filter(|value| !value.is_null())?;
            Some((field.name().clone(), value.clone()))
        });
        Value::Object(columns.collect()).to_string()
    }

    /// A column's value: from the payload, else from beside it.
    fn find<'a>(&self, object: &'a Map<String, Value>, name: &str) -> Slot<'a> {
        let Some(payload) = &self.target.payload else {
            return object.get(name);
        };
        let inner = object.get(payload).and_then(|inner| inner.get(name));
        inner.or_else(|| if name == payload { None } else { object.get(name) })
    }

    fn find_path<'a>(&self, object: &'a Map<String, Value>, path: &str) -> Slot<'a> {
        let mut steps = path.split('.');
        let first = steps.next()?;
        let inner = || {
            self.target
                .payload
                .as_ref()
                .and_then(|payload| object.get(payload)?.get(first))
        };
        let start = object.get(first).or_else(inner)?;
        steps.try_fold(start, |value, step| value.get(step))
    }
}

/// A column of JSON values in the wanted type.
fn column(slots: &[Slot<'_>], wanted: &DataType) -> Result<Cast, ArrowError> {
    match wanted {
        DataType::Struct(fields) => records(slots, fields, wanted),
        DataType::List(element) => lists(slots, element, wanted),
        DataType::Map(..) => objects(slots, wanted),
        _ => scalars(slots, wanted),
    }
}

fn scalars(slots: &[Slot<'_>], wanted: &DataType) -> Result<Cast, ArrowError> {
    let mut texts = StringBuilder::with_capacity(slots.len(), slots.len() * 8);
    let mut failures = Vec::new();
    for (row, slot) in slots.iter().enumerate() {
        match slot {
            None | Some(Value::Null) => texts.append_null(),
            Some(Value::String(text)) => texts.append_value(text),
            Some(Value::Number(number)) => texts.append_value(number.as_str()),
            Some(Value::Bool(value)) => texts.append_value(if *value { "true" } else { "false" }),
            Some(other) => {
                texts.append_null();
                failures.push((row, misfit(other, wanted)));
            }
        }
    }
    let texts: ArrayRef = Arc::new(texts.finish());
    let mut cast = exact(&texts, &Field::new("", DataType::Utf8, true), wanted)?;
    cast.failures.extend(failures);
    Ok(cast)
}

fn records(slots: &[Slot<'_>], fields: &arrow::datatypes::Fields, wanted: &DataType) -> Result<Cast, ArrowError> {
    let mut failures = misfits(slots, wanted, Value::is_object);
    let mut columns = Vec::with_capacity(fields.len());
    for field in fields {
        let inner: Vec<Slot<'_>> = slots
            .iter()
            .map(|slot| slot.and_then(|value| value.get(field.name())))
            .collect();
        let cast = column(&inner, field.data_type())?;
        failures.extend(
            cast.failures
                .into_iter()
                .map(|(row, reason)| (row, format!("{}: {reason}", field.name()))),
        );
        columns.push(cast.array);
    }
    let valid = NullBuffer::from_iter(slots.iter().map(|slot| slot.is_some_and(Value::is_object)));
    let array = StructArray::try_new_with_length(fields.clone(), columns, Some(valid), slots.len())?;
    without_failed(Arc::new(array), failures)
}

fn lists(slots: &[Slot<'_>], element: &Arc<Field>, wanted: &DataType) -> Result<Cast, ArrowError> {
    let mut failures = misfits(slots, wanted, Value::is_array);
    let items = |slot: &Slot<'_>| slot.and_then(Value::as_array).map_or(0, Vec::len);
    let inner: Vec<Slot<'_>> = slots
        .iter()
        .filter_map(|slot| slot.and_then(Value::as_array))
        .flatten()
        .map(Some)
        .collect();
    let values = column(&inner, element.data_type())?;
    let offsets = OffsetBuffer::<i32>::from_lengths(slots.iter().map(items));
    let row_of =
        |index: usize| offsets.partition_point(|start| usize::try_from(*start).is_ok_and(|start| start <= index)) - 1;
    failures.extend(values.failures.into_iter().map(|(index, reason)| {
        let row = row_of(index);
        let first = usize::try_from(offsets[row]).unwrap_or_default();
        (row, format!("item {}: {reason}", index - first + 1))
    }));
    let valid = NullBuffer::from_iter(slots.iter().map(|slot| slot.is_some_and(Value::is_array)));
    let array = ListArray::try_new(Arc::clone(element), offsets, values.array, Some(valid))?;
    without_failed(Arc::new(array), failures)
}

/// Objects whose keys are data.
fn objects(slots: &[Slot<'_>], wanted: &DataType) -> Result<Cast, ArrowError> {
    let Some((entries, sides)) = maps::sides(wanted) else {
        return scalars(slots, wanted);
    };
    let maps: Vec<_> = slots.iter().map(|slot| slot.and_then(Value::as_object)).collect();
    let keys: Vec<Value> = maps
        .iter()
        .flatten()
        .flat_map(|map| map.keys().cloned().map(Value::String))
        .collect();
    let keys = column(&keys.iter().map(Some).collect::<Vec<_>>(), sides[0].data_type())?;
    let values: Vec<Slot<'_>> = maps.iter().flatten().flat_map(|map| map.values().map(Some)).collect();
    let values = column(&values, sides[1].data_type())?;
    let lengths = maps.iter().map(|map| map.map_or(0, Map::len)).collect();
    let valid = maps.iter().map(Option::is_some).collect();
    let mut cast = maps::assemble(keys, values, lengths, valid, entries, sides)?;
    cast.failures.extend(misfits(slots, wanted, Value::is_object));
    without_failed(cast.array, cast.failures)
}

/// Values that are neither null nor of the kind that is wanted.
fn misfits(slots: &[Slot<'_>], wanted: &DataType, fits: impl Fn(&Value) -> bool) -> Vec<(usize, String)> {
    let present = slots
        .iter()
        .enumerate()
        .filter_map(|(row, slot)| slot.map(|value| (row, value)));
    present
        .filter(|(_, value)| !value.is_null() && !fits(value))
        .map(|(row, value)| (row, misfit(value, wanted)))
        .collect()
}

fn misfit(value: &Value, wanted: &DataType) -> String {
    format!("{} is not {}", kind(value), words(wanted))
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

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray;
    use arrow::datatypes::{Decimal128Type, Fields, Int32Type, TimestampMicrosecondType};

    use super::*;
    use crate::chunk::{Head, Lane};

    fn chunk(lines: &[&str]) -> Chunk {
        let lane = Arc::new(Lane {
            topic: "t".into(),
            partition: 0,
            progress: "stream/a.b/t/0".to_owned(),
        });
        let mut chunk = Chunk::default();
        for (offset, line) in lines.iter().enumerate() {
            let head = Head {
                lane: &lane,
                offset: offset as i64,
                timestamp: None,
                guid: false,
            };
            chunk.push(head, None, Some(line.as_bytes()));
        }
        chunk
    }

    fn decode(columns: Vec<Field>, payload: Option<&str>, event_time: Option<&str>, lines: &[&str]) -> Decoded {
        let target = Target {
            columns: Fields::from(columns),
            payload: payload.map(str::to_owned),
            event_time: event_time.map(str::to_owned),
        };
        let mut decoded = Decoded::default();
        JsonDecoder::new(target)
            .decode(&chunk(lines), (0..lines.len()).collect(), &mut decoded)
            .unwrap();
        decoded
    }

    #[test]
    fn money_keeps_its_digits_however_it_is_written() {
        let lines = [
            r#"{"price": 2.550}"#,
            r#"{"price": "2.55"}"#,
            r#"{"price": 0.1}"#,
            r#"{"price": 2.5501}"#,
            "{}",
        ];
        let decoded = decode(
            vec![Field::new("price", DataType::Decimal128(12, 3), true)],
            None,
            None,
            &lines,
        );
        let part = &decoded.parts[0];
        assert_eq!(part.records, [0, 1, 2, 4]);
        let prices = part.columns[0].as_primitive::<Decimal128Type>();
        assert_eq!(
            prices.iter().collect::<Vec<_>>(),
            [Some(2_550), Some(2_550), Some(100), None]
        );
        assert_eq!(decoded.refused[0].record, 3);
        assert_eq!(decoded.refused[0].rule, "price.type");
        assert_eq!(decoded.refused[0].reason, "price.type: `2.5501` is not a decimal(12,3)");
    }

    #[test]
    fn the_payload_s_fields_become_columns_and_the_envelope_stays_beside_them() {
        let line = r#"{"id": "e1", "timestamp": "2010-12-01T08:26:00Z", "payload": {"quantity": 6, "timestamp": 7}}"#;
        let columns = vec![
            Field::new("quantity", DataType::Int32, true),
            Field::new("id", DataType::Utf8, true),
        ];
        let decoded = decode(columns, Some("payload"), Some("timestamp"), &[line]);
        let part = &decoded.parts[0];
        assert_eq!(part.columns[0].as_primitive::<Int32Type>().value(0), 6);
        assert_eq!(part.columns[1].as_string::<i32>().value(0), "e1");
        let time = part
            .event_time
            .as_ref()
            .unwrap()
            .as_primitive::<TimestampMicrosecondType>()
            .value(0);
        assert_eq!(time, 1_291_191_960_000_000);
    }

    #[test]
    fn what_is_no_object_is_refused_whole() {
        let lines = [
            "",
            "{",
            "[1]",
            "nonsense",
            r#"{"payload": 1}"#,
            "{}",
            r#"{"payload": null}"#,
            r#"{"payload": {"a": 1, "a": 2000}}"#,
        ];
        let decoded = decode(
            vec![Field::new("a", DataType::Int32, true)],
            Some("payload"),
            None,
            &lines,
        );
        let refused: Vec<_> = decoded
            .refused
            .iter()
            .map(|refused| (refused.record, refused.rule.as_str()))
            .collect();
        assert_eq!(
            refused,
            [
                (0, "format.json"),
                (1, "format.json"),
                (2, "format.json"),
                (3, "format.json"),
                (4, "payload.type"),
                (5, "payload.type"),
                (7, "format.json")
            ]
        );
        assert!(
            decoded.refused[6].reason.contains("`a` is there twice"),
            "{:?}",
            decoded.refused
        );
        assert_eq!(decoded.parts[0].records, [6]);
    }

    #[test]
    fn fields_that_nobody_reads_are_counted() {
        let a = || vec![Field::new("a", DataType::Int32, true)];
        let told = |payload, event_time, lines: &[&str]| {
            let unnamed = decode(a(), payload, event_time, lines).unnamed;
            (unnamed.records(), unnamed.says())
        };
        let lines = [
            r#"{"a": 1, "b": 2, "c": {"d": 1}}"#,
            r#"{"a": 1, "c": 3}"#,
            r#"{"a": 1, "b": null}"#,
        ];
        let (records, says) = told(None, None, &lines);
        assert_eq!(
            (records, says.unwrap()),
            (2, "the contract does not have: b, c (2 records)".to_owned())
        );
        // An envelope is no field of the rows, and an event time is read.
        let lines = [r#"{"id": "e1", "payload": {"a": 6, "at": "2026-01-01T00:00:00Z"}}"#];
        assert_eq!(told(Some("payload"), Some("at"), &lines), (0, None));
    }

    #[test]
    fn objects_are_maps_where_the_contract_says_so() {
        let sides = vec![
            Field::new("key", DataType::Int32, false),
            Field::new("value", DataType::Utf8, true),
        ];
        let entries = Arc::new(Field::new("key_value", DataType::Struct(sides.into()), false));
        let columns = vec![Field::new("m", DataType::Map(entries, false), true)];
        let lines = [
            r#"{"m": {"1": "a", "2": null}}"#,
            r#"{"m": {"1": "a", "x": "b"}}"#,
            r#"{"m": {"1": {}}}"#,
            r#"{"m": [1]}"#,
            r#"{"m": {}}"#,
            r#"{"m": null}"#,
        ];
        let decoded = decode(columns, None, None, &lines);
        let reasons: Vec<_> = decoded.refused.iter().map(|refused| refused.reason.as_str()).collect();
        assert_eq!(
            reasons,
            [
                "m.type: key 2: `x` is not a 32-bit integer",
                "m.type: value 1: an object is not text",
                "m.type: a list is not a map"
            ]
        );
        let part = &decoded.parts[0];
        assert_eq!(part.records, [0, 4, 5]);
        let map = part.columns[0].as_map();
        assert_eq!((map.value(0).len(), map.value(1).len(), map.is_null(2)), (2, 0, true));
        assert_eq!(map.value(0).column(0).as_primitive::<Int32Type>().value(1), 2);
    }

    #[test]
    fn nested_values_say_where_they_do_not_fit() {
        let columns = vec![
            Field::new(
                "tags",
                DataType::List(Arc::new(Field::new("element", DataType::Int32, true))),
                true,
            ),
            Field::new(
                "at",
                DataType::Struct(vec![Field::new("x", DataType::Int32, true)].into()),
                true,
            ),
        ];
        let lines = [
            r#"{"tags": [1, null, 3], "at": {"x": 1, "y": 2}}"#,
            r#"{"tags": [], "at": null}"#,
            r#"{"tags": [4, "five"], "at": {"x": {}}}"#,
            r#"{"tags": 1}"#,
        ];
        let decoded = decode(columns, None, None, &lines);
        let reasons: Vec<_> = decoded.refused.iter().map(|refused| refused.reason.as_str()).collect();
        assert_eq!(
            reasons,
            [
                "tags.type: item 2: `five` is not a 32-bit integer; at.type: x: an object is not a 32-bit integer",
                "tags.type: a number is not a list"
            ]
        );
        let part = &decoded.parts[0];
        assert_eq!(part.records, [0, 1]);
        assert_eq!(
            part.columns[0]
                .as_list::<i32>()
                .value(0)
                .as_primitive::<Int32Type>()
                .value(2),
            3
        );
        assert!(part.columns[1].is_null(1));
    }
}
