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
    let is_text = *array.data_type() == DataType::Utf8;
    Ok(rows
        .into_iter()
        .map(|row| (row, not(&formatter.value(row).to_string(), wanted, is_text)))
        .collect())
}

/// The sentence for a value that does not fit; of one that is text, with how it would be written.
fn not(value: &str, wanted: &DataType, is_text: bool) -> String {
    let shown: String = value.chars().take(SHOWN).collect();
    let more = if shown.len() < value.len() { "…" } else { "" };
    match wanted {
        // It is a time, and another day it would be an instant.
        DataType::Timestamp(_, Some(zone)) if times::local(value).is_some() => {
            format!("`{shown}{more}` has no offset, and clocks in {zone} show it twice or never")
        }
        _ => {
            let notation = notation(wanted).filter(|_| is_text);
            let as_in = notation.map_or_else(String::new, |notation| format!(": write it as {notation}"));
            // Nothing in quotation marks reads as if something were left out.
            let shown = if shown.is_empty() { "\"\"" } else { shown.as_str() };
            format!("`{shown}{more}` is not {}{as_in}", words(wanted))
        }
    }
}

/// How texts say values of a type that many write otherwise.
fn notation(kind: &DataType) -> Option<&'static str> {
    match kind {
        DataType::Date32 => Some("2026-01-31"),
        DataType::Timestamp(_, Some(_)) => Some("2026-01-31T08:30:00Z"),
        DataType::Timestamp(_, None) => Some("2026-01-31T08:30:00"),
        _ => None,
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
