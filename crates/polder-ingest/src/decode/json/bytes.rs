//! Bytes that came as text, as quarantine writes them.

use std::fmt::Write as _;

use arrow::datatypes::DataType;
use polder_gate::reading::{Scalar, Written, sides};
use serde_json::{Map, Value};

/// A value with the bytes in it as hexadecimal digits, which is how records in quarantine are read: JSON has no bytes, so a
/// stream's are those of the text.
pub(super) fn shown(value: &Value, wanted: &DataType) -> Value {
    match (wanted, value) {
        (DataType::Binary, value) => match value.scalar() {
            Some(Scalar::Text(text)) => Value::String(digits(text)),
            _ => value.clone(),
        },
        (DataType::List(item), Value::Array(items)) => {
            items.iter().map(|value| shown(value, item.data_type())).collect()
        }
        (DataType::Struct(fields), Value::Object(object)) => {
            let inside = object.iter().map(|(name, value)| {
                let value = match fields.find(name) {
                    Some((_, field)) => shown(value, field.data_type()),
                    None => value.clone(),
                };
                (name.clone(), value)
            });
            Value::Object(inside.collect())
        }
        (DataType::Map(..), Value::Object(object)) => {
            let Some((_, sides)) = sides(wanted) else {
                return value.clone();
            };
            let is_bytes = *sides[0].data_type() == DataType::Binary;
            let entries: Map<String, Value> = object
                .iter()
                .map(|(key, value)| {
                    let key = if is_bytes { digits(key) } else { key.clone() };
                    (key, shown(value, sides[1].data_type()))
                })
                .collect();
            Value::Object(entries)
        }
        _ => value.clone(),
    }
}

fn digits(text: &str) -> String {
    let mut digits = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        // Writing to a string does not fail.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}
