//! JSON objects, read with the contract's types.
//!
//! Numbers keep the digits that they were written with; what becomes of a value is [`polder_gate::reading`]'s to say.

mod bytes;

use std::collections::HashSet;

use arrow::array::ArrayRef;
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use polder_core::{ErrorKind, Result, ResultExt};
use polder_gate::reading::{Cast, FieldsBeyond, column, from_json, kind};
use serde_json::{Map, Value};

use super::shape::{EVENT_TIME_RULE, Shaped, event_time_in, event_time_type, merge};
use super::{Decoded, Refused, Target};
use crate::chunk::Chunk;

/// Decodes records that are JSON objects.
pub(crate) struct JsonDecoder {
    target: Target,
    /// The fields that are read.
    named: HashSet<String>,
    /// Those inside of columns that are not.
    inside: FieldsBeyond,
}

impl JsonDecoder {
    pub(crate) fn new(target: Target) -> Self {
        let named = target.named().map(str::to_owned).collect();
        let inside = FieldsBeyond::of(&target.columns, target.event_time.as_deref());
        Self { target, named, inside }
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
            let inside = self.inside.look(|column| self.target.find(object, column));
            decoded.unnamed.note(1, inside, self.unnamed(object));
            if let Some(path) = &self.target.event_time {
                decoded.dated.note(self.find_path(object, path).is_some());
            }
        }
        decoded.unnamed.name(self.inside.take());
        let failure = || "cannot bring JSON into the contract's columns".to_owned();
        let shaped = self.shape(&objects).context(ErrorKind::Internal, failure)?;
        decoded
            .take(shaped, rows, None, |row| Ok(self.received(&objects[row])))
            .context(ErrorKind::Internal, failure)
    }

    fn object(&self, bytes: &[u8]) -> Result<Map<String, Value>, (String, String)> {
        let refusal = |reason: String| ("format.json".to_owned(), reason);
        let object = match from_json(bytes) {
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
        let mut take = |rule: &str, slots: Vec<Option<&Value>>, wanted: &DataType| -> Result<ArrayRef, ArrowError> {
            let Cast { array, failures: found } = column(&slots, wanted)?;
            failures.extend(found.into_iter().map(|(row, reason)| (row, rule.to_owned(), reason)));
            Ok(array)
        };
        let mut columns = Vec::with_capacity(self.target.columns.len());
        for field in &self.target.columns {
            let slots = objects
                .iter()
                .map(|object| self.target.find(object, field.name()))
                .collect();
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

    /// The contract's columns of a record, with the values that it came with; those of bytes as quarantine writes bytes.
    fn received(&self, object: &Map<String, Value>) -> String {
        let columns = self.target.columns.iter().filter_map(|field| {
            let value = self
                .target
                .find(object, field.name())
                .filter(|value| !value.is_null())?;
            Some((field.name().clone(), bytes::shown(value, field.data_type())))
        });
        Value::Object(columns.collect()).to_string()
    }

    fn find_path<'a>(&self, object: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
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

impl Target {
    /// A column's value: from the payload, else from beside it.
    fn find<'a>(&self, object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
        let Some(payload) = &self.payload else {
            return object.get(name);
        };
        let inner = object.get(payload).and_then(|inner| inner.get(name));
        inner.or_else(|| if name == payload { None } else { object.get(name) })
    }
}

#[cfg(test)]
mod tests;
