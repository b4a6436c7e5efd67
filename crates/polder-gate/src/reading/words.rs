//! Types and values in words.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};

use crate::times;

/// Characters of a value that a reason shows.
const SHOWN: usize = 64;

/// Why these rows of a column do not fit the wanted type.
///
/// # Errors
/// Where a type has no text form.
pub fn reasons(array: &ArrayRef, wanted: &DataType, rows: Vec<usize>) -> Result<Vec<(usize, String)>, ArrowError> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let options = FormatOptions::new().with_display_error(true);
    let formatter = ArrayFormatter::try_new(array, &options)?;
    Ok(rows
        .into_iter()
        .map(|row| (row, not(&formatter.value(row).to_string(), wanted)))
        .collect())
}

/// The sentence for a value that does not fit.
fn not(value: &str, wanted: &DataType) -> String {
    let shown: String = value.chars().take(SHOWN).collect();
    let more = if shown.len() < value.len() { "…" } else { "" };
    match wanted {
        // It is a time, and another day it would be an instant.
        DataType::Timestamp(_, Some(zone)) if times::local(value).is_some() => {
            format!("`{shown}{more}` has no offset, and clocks in {zone} show it twice or never")
        }
        _ => format!("`{shown}{more}` is not {}", words(wanted)),
    }
}

/// A type in the words of contracts.
pub fn words(kind: &DataType) -> String {
    use DataType::*;
    match kind {
        Boolean => "a boolean".to_owned(),
        Int32 => "a 32-bit integer".to_owned(),
        Int64 => "a 64-bit integer".to_owned(),
        Float32 | Float64 => "a floating-point number".to_owned(),
        Decimal128(precision, scale) | Decimal256(precision, scale) => format!("a decimal({precision},{scale})"),
        Utf8 => "text".to_owned(),
        Binary | LargeBinary | FixedSizeBinary(_) => "bytes".to_owned(),
        Date32 => "a date".to_owned(),
        Timestamp(_, Some(_)) => "a timestamp".to_owned(),
        Timestamp(_, None) => "a local timestamp".to_owned(),
        Time32(_) | Time64(_) => "a time of day".to_owned(),
        List(_) => "a list".to_owned(),
        Map(..) => "a map".to_owned(),
        Struct(_) => "a record".to_owned(),
        Interval(_) => "a duration".to_owned(),
        other => other.to_string(),
    }
}
