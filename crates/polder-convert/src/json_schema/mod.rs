//! JSON Schema, drafts 7, 2019-09 and 2020-12 (draft 4's `exclusiveMinimum` and OpenAPI's `nullable` are read too).
//! Formats of numbers and local times are those of the OpenAPI format registry.

mod export;
mod import;
mod parts;
#[cfg(test)]
mod tests;
mod types;

pub(crate) use export::export;
pub(crate) use import::import;

use crate::kind::{INT32, INT64, Kind, UINT32, UINT64};

/// The formats that say which type a string or number is.
const FORMATS: [(&str, &str, Kind); 19] = [
    ("integer", "int8", Kind::Integer { bits: 8, signed: true }),
    ("integer", "int16", Kind::Integer { bits: 16, signed: true }),
    ("integer", "int32", INT32),
    ("integer", "int64", INT64),
    ("integer", "uint8", Kind::Integer { bits: 8, signed: false }),
    (
        "integer",
        "uint16",
        Kind::Integer {
            bits: 16,
            signed: false,
        },
    ),
    ("integer", "uint32", UINT32),
    ("integer", "uint64", UINT64),
    ("number", "float", Kind::Float32),
    ("number", "double", Kind::Float64),
    ("string", "date", Kind::Date),
    ("string", "date-time", Kind::Timestamp),
    ("string", "date-time-local", Kind::TimestampLocal),
    ("string", "time-local", Kind::Time),
    ("string", "time", Kind::Time),
    ("string", "uuid", Kind::Uuid),
    ("string", "byte", Kind::Binary),
    ("string", "base64url", Kind::Binary),
    ("string", "binary", Kind::Binary),
];

/// Options that JSON Schema calls by the same names, by the kinds of values that have them.
const NUMERIC: [&str; 5] = [
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
];
const TEXT: [&str; 3] = ["minLength", "maxLength", "pattern"];
const ITEMS: [&str; 3] = ["minItems", "maxItems", "uniqueItems"];
const FIELDS: [&str; 2] = ["minProperties", "maxProperties"];

/// The options that go with a kind.
fn options_of(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Integer { .. } | Kind::Float32 | Kind::Float64 | Kind::Decimal { .. } => &NUMERIC,
        Kind::String => &TEXT,
        Kind::Array => &ITEMS,
        Kind::Object => &FIELDS,
        _ => &[],
    }
}
