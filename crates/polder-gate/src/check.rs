//! One row rule, compiled: which rows of a column break it.

use std::collections::HashSet;

use arrow::array::{Array, ArrayRef, AsArray, PrimitiveArray};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, TimeUnit,
    TimestampMicrosecondType,
};
use polder_contract::{ColumnType, RowCheck};
use regex::{Regex, RegexBuilder};

use crate::number::{self, Side};

/// Memory that one compiled pattern may take, bytes: a contract is written by people, but read by servers.
const PATTERN_LIMIT: usize = 1 << 20;

/// A check of one column's values. Null passes every check but `Required`.
#[derive(Debug)]
pub(crate) enum Check {
    /// There must be a value.
    Required,
    /// Integers (unscaled, days, microseconds) from the first to the second, both included.
    Between(Option<i128>, Option<i128>),
    /// A float at least, or above, the bound. NaN is neither.
    FloatFrom(f64, bool),
    /// A float at most, or below, the bound. NaN is neither.
    FloatTo(f64, bool),
    /// Text of at least, or bytes of at least, so many characters.
    LengthFrom(usize),
    /// Text of at most, or bytes of at most, so many characters.
    LengthTo(usize),
    /// Text in which the pattern is found.
    Pattern(Regex),
    /// One of these texts.
    Texts(HashSet<String>),
    /// One of these integers (unscaled, days, microseconds).
    Numbers(HashSet<i128>),
    /// One of these floats.
    Floats(Vec<f64>),
    /// One of these truth values.
    Booleans(Vec<bool>),
    /// An integer that times `shift` is divisible by `by`.
    Multiple { shift: i128, by: i128 },
    /// A float that is a whole number of these, within a billionth of one.
    FloatMultiple(f64),
}

impl Check {
    /// Compiles a rule for a column of this type, or says why it makes no sense there.
    pub(crate) fn compile(rule: &RowCheck, column: &ColumnType) -> Result<Self, String> {
        match rule {
            RowCheck::Required => Ok(Self::Required),
            RowCheck::Minimum { value, exclusive } => bound(column, value, Side::Low, *exclusive),
            RowCheck::Maximum { value, exclusive } => bound(column, value, Side::High, *exclusive),
            RowCheck::MinLength(length) => sized(column).map(|()| Self::LengthFrom(clamp(*length))),
            RowCheck::MaxLength(length) => sized(column).map(|()| Self::LengthTo(clamp(*length))),
            RowCheck::Pattern(pattern) => match column {
                ColumnType::String => RegexBuilder::new(pattern)
                    .size_limit(PATTERN_LIMIT)
                    .dfa_size_limit(PATTERN_LIMIT)
                    .build()
                    .map(Self::Pattern)
                    .map_err(|error| format!("the pattern `{pattern}` cannot be used: {error}")),
                _ => Err("a pattern needs a string column".to_owned()),
            },
            RowCheck::OneOf(values) => one_of(column, values),
            RowCheck::MultipleOf(value) => multiple(column, value),
        }
    }

    /// The rows that break the rule, ascending; `None` where the array has not the type that the check was compiled
    /// for.
    pub(crate) fn failing(&self, array: &ArrayRef) -> Option<Vec<usize>> {
        match self {
            Self::Required => Some(match array.logical_nulls() {
                Some(nulls) if nulls.null_count() > 0 => (0..array.len()).filter(|row| nulls.is_null(*row)).collect(),
                _ => Vec::new(),
            }),
            Self::Between(low, high) => {
                let (low, high) = (low.unwrap_or(i128::MIN), high.unwrap_or(i128::MAX));
                integers(array, |value| value < low || value > high)
            }
            Self::FloatFrom(low, false) => floats(array, |value| value.is_nan() || value < *low),
            Self::FloatFrom(low, true) => floats(array, |value| value.is_nan() || value <= *low),
            Self::FloatTo(high, false) => floats(array, |value| value.is_nan() || value > *high),
            Self::FloatTo(high, true) => floats(array, |value| value.is_nan() || value >= *high),
            Self::LengthFrom(length) => lengths(array, |text| shorter(text, *length), |bytes| bytes.len() < *length),
            Self::LengthTo(length) => lengths(
                array,
                |text| text.len() > *length && text.chars().count() > *length,
                |bytes| bytes.len() > *length,
            ),
            Self::Pattern(pattern) => texts(array, |text| !pattern.is_match(text)),
            Self::Texts(values) => texts(array, |text| !values.contains(text)),
            Self::Numbers(values) => integers(array, |value| !values.contains(&value)),
            Self::Floats(values) => floats(array, |value| !values.contains(&value)),
            Self::Booleans(values) => {
                let array = array.as_boolean_opt()?;
                Some(
                    (0..array.len())
                        .filter(|row| array.is_valid(*row) && !values.contains(&array.value(*row)))
                        .collect(),
                )
            }
            Self::Multiple { shift, by } => integers(array, |value| (value % by) * shift % by != 0),
            Self::FloatMultiple(by) => floats(array, |value| {
                let times = value / by;
                !times.is_finite() || (times - times.round()).abs() > 1e-9
            }),
        }
    }
}

/// What a rule asks for, as the end of a sentence about a value.
pub(crate) fn says(rule: &RowCheck) -> String {
    match rule {
        RowCheck::Required => "a value is required".to_owned(),
        RowCheck::Minimum {
            value,
            exclusive: false,
        } => format!("the minimum is {value}"),
        RowCheck::Minimum { value, exclusive: true } => format!("it must be above {value}"),
        RowCheck::Maximum {
            value,
            exclusive: false,
        } => format!("the maximum is {value}"),
        RowCheck::Maximum { value, exclusive: true } => format!("it must be below {value}"),
        RowCheck::MinLength(length) => format!("it must have at least {length} characters"),
        RowCheck::MaxLength(length) => format!("it must have at most {length} characters"),
        RowCheck::Pattern(pattern) => format!("it must match {pattern}"),
        RowCheck::OneOf(values) => {
            let shown: Vec<_> = values.iter().take(10).map(String::as_str).collect();
            let more = if values.len() > shown.len() { ", …" } else { "" };
            format!("it must be one of {}{more}", shown.join(", "))
        }
        RowCheck::MultipleOf(value) => format!("it must be a multiple of {value}"),
    }
}

fn bound(column: &ColumnType, text: &str, side: Side, exclusive: bool) -> Result<Check, String> {
    if matches!(column, ColumnType::Float64) {
        let value = float(text)?;
        return Ok(match side {
            Side::Low => Check::FloatFrom(value, exclusive),
            Side::High => Check::FloatTo(value, exclusive),
        });
    }
    ordered(column)?;
    let value = number::bound(column, text, side, exclusive).ok_or_else(|| no_value(column, text))?;
    Ok(match side {
        Side::Low => Check::Between(Some(value), None),
        Side::High => Check::Between(None, Some(value)),
    })
}

fn one_of(column: &ColumnType, values: &[String]) -> Result<Check, String> {
    match column {
        ColumnType::String => Ok(Check::Texts(values.iter().cloned().collect())),
        ColumnType::Float64 => values
            .iter()
            .map(|text| float(text))
            .collect::<Result<_, _>>()
            .map(Check::Floats),
        ColumnType::Boolean => values
            .iter()
            .map(|text| text.parse().map_err(|_| no_value(column, text)))
            .collect::<Result<_, _>>()
            .map(Check::Booleans),
        _ => {
            ordered(column)?;
            values
                .iter()
                .map(|text| number::value(column, text).ok_or_else(|| no_value(column, text)))
                .collect::<Result<_, _>>()
                .map(Check::Numbers)
        }
    }
}

fn multiple(column: &ColumnType, text: &str) -> Result<Check, String> {
    match column {
        ColumnType::Float64 => match float(text)? {
            by if by > 0.0 => Ok(Check::FloatMultiple(by)),
            _ => Err(format!("`{text}` is not above zero")),
        },
        ColumnType::Int32 | ColumnType::Int64 | ColumnType::Decimal { .. } => number::divisor(column, text)
            .map(|(shift, by)| Check::Multiple { shift, by })
            .ok_or_else(|| format!("`{text}` is no divisor above zero that can be checked exactly")),
        _ => Err("only numbers have multiples".to_owned()),
    }
}

/// Whether the column holds integers of some unit, which have an order.
fn ordered(column: &ColumnType) -> Result<(), String> {
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

fn sized(column: &ColumnType) -> Result<(), String> {
    match column {
        ColumnType::String | ColumnType::Binary => Ok(()),
        _ => Err("a length needs a string or binary column".to_owned()),
    }
}

fn no_value(column: &ColumnType, text: &str) -> String {
    format!("`{text}` is no value of the column's type {column}")
}

fn float(text: &str) -> Result<f64, String> {
    text.trim()
        .parse()
        .ok()
        .filter(|value: &f64| !value.is_nan())
        .ok_or_else(|| format!("`{text}` is not a number"))
}

fn clamp(length: u64) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

/// Whether the text has fewer characters; counts only where its bytes leave a doubt.
fn shorter(text: &str, length: usize) -> bool {
    text.len() < length || (text.len() / 4 < length && text.chars().count() < length)
}

fn primitive<T: ArrowPrimitiveType>(array: &PrimitiveArray<T>, breaks: impl Fn(T::Native) -> bool) -> Vec<usize> {
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

fn integers(array: &ArrayRef, breaks: impl Fn(i128) -> bool) -> Option<Vec<usize>> {
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

fn floats(array: &ArrayRef, breaks: impl Fn(f64) -> bool) -> Option<Vec<usize>> {
    Some(primitive(array.as_primitive_opt::<Float64Type>()?, breaks))
}

fn texts(array: &ArrayRef, breaks: impl Fn(&str) -> bool) -> Option<Vec<usize>> {
    let array = array.as_string_opt::<i32>()?;
    Some(
        (0..array.len())
            .filter(|row| array.is_valid(*row) && breaks(array.value(*row)))
            .collect(),
    )
}

fn lengths(
    array: &ArrayRef,
    text_breaks: impl Fn(&str) -> bool,
    bytes_break: impl Fn(&[u8]) -> bool,
) -> Option<Vec<usize>> {
    let Some(bytes) = array.as_binary_opt::<i32>() else {
        return texts(array, text_breaks);
    };
    Some(
        (0..bytes.len())
            .filter(|row| bytes.is_valid(*row) && bytes_break(bytes.value(*row)))
            .collect(),
    )
}
