//! Values one by one: as a contract writes them for a column, and as arrays hold them.

use arrow::array::{Array, ArrayRef, AsArray, PrimitiveArray};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, TimeUnit,
    TimestampMicrosecondType,
};
use polder_contract::ColumnType;

/// Whether the column holds integers of some unit, which have an order.
pub(crate) fn ordered(column: &ColumnType) -> Result<(), String> {
    match column {
        ColumnType::Int32
        | ColumnType::Int64
        | ColumnType::Decimal { .. }
        | ColumnType::Date
        | ColumnType::Timestamp
        | ColumnType::TimestampLocal => Ok(()),
        _ => Err("the rule needs a number, a date or a timestamp".to_owned()),
    }
}

/// What is wrong with a text that is no value of its column.
pub(crate) fn no_value(column: &ColumnType, text: &str) -> String {
    format!("`{text}` is no value of the column's type {column}")
}

/// A number as a contract writes it; no number (`NaN`) is none.
pub(crate) fn float(text: &str) -> Result<f64, String> {
    text.trim()
        .parse()
        .ok()
        .filter(|value: &f64| !value.is_nan())
        .ok_or_else(|| format!("`{text}` is not a number"))
}

/// The rows whose value breaks something; nulls break nothing.
pub(crate) fn primitive<T: ArrowPrimitiveType>(
    array: &PrimitiveArray<T>,
    breaks: impl Fn(T::Native) -> bool,
) -> Vec<usize> {
    let values = array.values().iter().enumerate();
    match array.nulls() {
        Some(nulls) => values
            .filter(|(row, value)| breaks(**value) && nulls.is_valid(*row))
            .map(|(row, _)| row)
            .collect(),
        None => values
            .filter(|(_, value)| breaks(**value))
            .map(|(row, _)| row)
            .collect(),
    }
}

/// As [`primitive`], of whatever is kept as integers (unscaled, days, microseconds); `None` for another type.
pub(crate) fn integers(array: &ArrayRef, breaks: impl Fn(i128) -> bool) -> Option<Vec<usize>> {
    match array.data_type() {
        DataType::Int32 => Some(primitive(array.as_primitive::<Int32Type>(), |value| {
            breaks(value.into())
        })),
        DataType::Int64 => Some(primitive(array.as_primitive::<Int64Type>(), |value| {
            breaks(value.into())
        })),
        DataType::Decimal128(..) => Some(primitive(array.as_primitive::<Decimal128Type>(), breaks)),
        DataType::Date32 => Some(primitive(array.as_primitive::<Date32Type>(), |value| {
            breaks(value.into())
        })),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            Some(primitive(array.as_primitive::<TimestampMicrosecondType>(), |value| {
                breaks(value.into())
            }))
        }
        _ => None,
    }
}

/// As [`primitive`], of floats; `None` for another type.
pub(crate) fn floats(array: &ArrayRef, breaks: impl Fn(f64) -> bool) -> Option<Vec<usize>> {
    Some(primitive(array.as_primitive_opt::<Float64Type>()?, breaks))
}

/// As [`primitive`], of texts in either layout; `None` for another type.
pub(crate) fn texts(array: &ArrayRef, breaks: impl Fn(&str) -> bool) -> Option<Vec<usize>> {
    if let Some(views) = array.as_string_view_opt() {
        return Some(valid_rows(views, |row| breaks(views.value(row))));
    }
    let array = array.as_string_opt::<i32>()?;
    Some(valid_rows(array, |row| breaks(array.value(row))))
}

/// The rows that have a value which breaks something.
pub(crate) fn valid_rows(array: &dyn Array, breaks: impl Fn(usize) -> bool) -> Vec<usize> {
    let rows = 0..array.len();
    match array.nulls() {
        Some(nulls) if nulls.null_count() > 0 => rows.filter(|row| nulls.is_valid(*row) && breaks(*row)).collect(),
        _ => rows.filter(|row| breaks(*row)).collect(),
    }
}
