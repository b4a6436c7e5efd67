//! The Data Contract Specification (datacontract.com), versions 0.9 to 1.2: the format before the Open Data Contract
//! Standard took its place.

mod export;
mod field;
mod import;
mod levels;
mod root;
#[cfg(test)]
mod tests;

pub(crate) use export::export;
pub(crate) use import::import;

use crate::kind::{INT32, INT64, Kind};

/// The types of fields with the kinds that they mean; the first word of a kind is the one that is written.
const TYPES: [(&str, Kind); 27] = [
    ("string", Kind::String),
    ("text", Kind::String),
    ("varchar", Kind::String),
    ("integer", INT32),
    ("int", INT32),
    ("long", INT64),
    ("bigint", INT64),
    ("float", Kind::Float32),
    ("double", Kind::Float64),
    ("boolean", Kind::Boolean),
    ("timestamp", Kind::Timestamp),
    ("timestamp_tz", Kind::Timestamp),
    ("timestamp_ntz", Kind::TimestampLocal),
    ("date", Kind::Date),
    ("time", Kind::Time),
    ("bytes", Kind::Binary),
    ("object", Kind::Object),
    ("record", Kind::Object),
    ("struct", Kind::Object),
    ("array", Kind::Array),
    ("list", Kind::Array),
    ("map", Kind::Map),
    ("number", Kind::Float64),
    ("decimal", Kind::Float64),
    ("numeric", Kind::Float64),
    ("json", Kind::String),
    ("null", Kind::String),
];

/// Keys that a field and a property have in common.
const SHARED: [&str; 3] = ["description", "tags", "examples"];
/// Options that a field has beside its type and a property under `logicalTypeOptions`.
const OPTIONS: [&str; 8] = [
    "minLength",
    "maxLength",
    "pattern",
    "format",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
];
