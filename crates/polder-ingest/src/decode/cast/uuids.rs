//! UUIDs into text.

use std::sync::Arc;

use arrow::array::{Array, FixedSizeBinaryArray, StringBuilder};
use arrow::datatypes::Field;
use uuid::Uuid;

use super::Cast;

pub(in crate::decode) fn is_uuid(field: &Field) -> bool {
    field.metadata().get("logicalType").is_some_and(|kind| kind == "uuid")
}

pub(super) fn from_uuid(array: &FixedSizeBinaryArray) -> Cast {
    let mut texts = StringBuilder::with_capacity(array.len(), array.len() * 36);
    for value in array.iter() {
        texts.append_option(
            value
                .and_then(|bytes| Uuid::from_slice(bytes).ok())
                .map(|uuid| uuid.to_string()),
        );
    }
    Cast {
        array: Arc::new(texts.finish()),
        failures: Vec::new(),
    }
}
