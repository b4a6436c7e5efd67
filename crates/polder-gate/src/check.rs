//! One check of values, compiled: which of an array break it.

use arrow::array::{Array, ArrayRef, ArrowNativeTypeOp, AsArray, PrimitiveArray};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, TimeUnit,
    TimestampMicrosecondType,
};
use polder_contract::number::{self, Side};
use polder_contract::rule::{NumberWidth, TextFormat, regex};
use polder_contract::{ColumnType, RowCheck};

use crate::listed::Listed;
use crate::multiple::Divisor;
use crate::pattern::Pattern;
use crate::values::{float, floats, integers, no_value, ordered, primitive, texts};
use crate::{format, items, length};

/// A check of values of one type. Null passes every check but `Required` and `NotMissing`.
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
    Pattern(Pattern),
    /// Text of this format.
    Format(TextFormat),
    /// One of these.
    OneOf(Listed),
    /// Neither null nor one of these.
    NotMissing(Listed),
    /// An integer that times `shift` is divisible by `by`.
    Multiple { shift: i128, by: i128 },
    /// A float that is a whole number of these.
    FloatMultiple(Divisor),
    /// A float that 32 bits can hold, digits aside: no number and infinity are held too.
    Float32,
    /// A list or map of so many items.
    Items { least: usize, most: usize },
    /// A list whose items differ.
    Distinct,
    /// A struct with so many fields that are not null.
    Fields { least: usize, most: usize },
    /// A struct of which these fields are not null.
    Lacking(Vec<String>),
    /// Each of these; none: whatever the type can hold.
    All(Vec<Check>),
}

impl Check {
    /// Compiles a rule for a column of this type, or says why it makes no sense there.
    pub(crate) fn compile(rule: &RowCheck, column: &ColumnType) -> Result<Self, String> {
        match rule {
            RowCheck::Required => Ok(Self::Required),
            RowCheck::NotMissing(values) if values.is_empty() => Ok(Self::Required),
            RowCheck::NotMissing(values) => Listed::of(column, values).map(Self::NotMissing),
            RowCheck::Minimum { value, exclusive } => bound(column, value, Side::Low, *exclusive),
            RowCheck::Maximum { value, exclusive } => bound(column, value, Side::High, *exclusive),
            RowCheck::MinLength(length) => sized(column).map(|()| Self::LengthFrom(clamp(*length))),
            RowCheck::MaxLength(length) => sized(column).map(|()| Self::LengthTo(clamp(*length))),
            RowCheck::Pattern(pattern) => match column {
                ColumnType::String => regex(pattern).map(Pattern::new).map(Self::Pattern),
                _ => Err("a pattern needs a string column".to_owned()),
            },
            RowCheck::Format(format) => match column {
                ColumnType::String => Ok(Self::Format(*format)),
                _ => Err("a format of text needs a string column".to_owned()),
            },
            RowCheck::OneOf(values) => Listed::of(column, values).map(Self::OneOf),
            RowCheck::MultipleOf(value) => multiple(column, value),
            RowCheck::Width(value) => width(column, *value),
            RowCheck::MinItems(count) => several(column).map(|()| Self::items(clamp(*count), usize::MAX)),
            RowCheck::MaxItems(count) => several(column).map(|()| Self::items(0, clamp(*count))),
            RowCheck::UniqueItems => match column {
                ColumnType::List(_) => Ok(Self::Distinct),
                _ => Err("only the items of a list can differ".to_owned()),
            },
            RowCheck::MinProperties(count) => object(column).map(|()| Self::fields(clamp(*count), usize::MAX)),
            RowCheck::MaxProperties(count) => object(column).map(|()| Self::fields(0, clamp(*count))),
            RowCheck::RequiredProperties(names) => match column {
                ColumnType::Struct(fields) => {
                    match names.iter().find(|name| !fields.iter().any(|(own, ..)| own == *name)) {
                        Some(name) => Err(format!("there is no field `{name}`")),
                        None => Ok(Self::Lacking(names.clone())),
                    }
                }
                _ => Err("required fields need an object".to_owned()),
            },
            RowCheck::All(checks) => checks
                .iter()
                .map(|check| Self::compile(check, column))
                .collect::<Result<_, _>>()
                .map(Self::All),
        }
    }

    fn items(least: usize, most: usize) -> Self {
        Self::Items { least, most }
    }

    fn fields(least: usize, most: usize) -> Self {
        Self::Fields { least, most }
    }

    /// Whether null breaks it.
    pub(crate) fn needs_value(&self) -> bool {
        match self {
            Self::Required | Self::NotMissing(_) => true,
            Self::All(checks) => checks.iter().any(Self::needs_value),
            _ => false,
        }
    }

    /// How many values break the check; `None` as in [`Self::failing`].
    pub(crate) fn count_failing(&self, array: &ArrayRef) -> Option<u64> {
        let floats = || array.as_primitive_opt::<Float64Type>();
        Some(match self {
            Self::Between(low, high) => {
                let (low, high) = (low.unwrap_or(i128::MIN), high.unwrap_or(i128::MAX));
                match array.data_type() {
                    DataType::Int32 => outside(array.as_primitive::<Int32Type>(), low, high),
                    DataType::Int64 => outside(array.as_primitive::<Int64Type>(), low, high),
                    DataType::Decimal128(..) => outside(array.as_primitive::<Decimal128Type>(), low, high),
                    DataType::Date32 => outside(array.as_primitive::<Date32Type>(), low, high),
                    DataType::Timestamp(TimeUnit::Microsecond, _) => {
                        outside(array.as_primitive::<TimestampMicrosecondType>(), low, high)
                    }
                    _ => return None,
                }
            }
            // No number is neither above nor below anything.
            Self::FloatFrom(low, false) => number_of(floats()?, |value| value.is_nan() || value < *low),
            Self::FloatFrom(low, true) => number_of(floats()?, |value| value.is_nan() || value <= *low),
            Self::FloatTo(high, false) => number_of(floats()?, |value| value.is_nan() || value > *high),
            Self::FloatTo(high, true) => number_of(floats()?, |value| value.is_nan() || value >= *high),
            _ => self.failing(array)?.len() as u64,
        })
    }

    /// The values that break the check, ascending; `None` where the array has not the type that the check was compiled
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
            Self::LengthFrom(length) => length::shorter(array, *length),
            Self::LengthTo(length) => length::longer(array, *length),
            Self::Pattern(pattern) => {
                let matcher = pattern.matcher();
                texts(array, |text| !matcher.is_match(text))
            }
            Self::Format(wanted) => texts(array, |text| !format::keeps(*wanted, text)),
            Self::OneOf(values) => values.among(array, false),
            Self::NotMissing(values) => Some(merged(vec![Self::Required.failing(array)?, values.among(array, true)?])),
            Self::Multiple { shift, by } => integers(array, |value| (value % by) * shift % by != 0),
            Self::FloatMultiple(by) => floats(array, |value| !by.divides(value)),
            Self::Float32 => floats(array, |value| value.is_finite() && value.abs() > f64::from(f32::MAX)),
            Self::Items { least, most } => items::counted(array, *least, *most),
            Self::Distinct => items::repeated(array),
            Self::Fields { least, most } => items::fields(array, *least, *most),
            Self::Lacking(names) => items::lacking(array, names),
            Self::All(checks) => {
                let each: Option<Vec<_>> = checks.iter().map(|check| check.failing(array)).collect();
                Some(merged(each?))
            }
        }
    }
}

/// How many values are below the one bound or above the other, nulls aside.
fn outside<T: ArrowPrimitiveType>(array: &PrimitiveArray<T>, low: i128, high: i128) -> u64
where
    T::Native: TryFrom<i128> + Into<i128> + PartialOrd,
{
    let (least, greatest) = (T::Native::MIN_TOTAL_ORDER, T::Native::MAX_TOTAL_ORDER);
    if low > greatest.into() || high < least.into() {
        return (array.len() - array.null_count()) as u64;
    }
    // A bound that the type cannot hold lies beyond all of its values.
    let low = T::Native::try_from(low).unwrap_or(least);
    let high = T::Native::try_from(high).unwrap_or(greatest);
    number_of(array, |value| (value < low) | (value > high))
}

/// How many values break something, nulls aside.
fn number_of<T: ArrowPrimitiveType>(array: &PrimitiveArray<T>, breaks: impl Fn(T::Native) -> bool) -> u64 {
    // Without branches, so many values at once; what lies under nulls is looked at only where it matters.
    let all = array.values().iter().filter(|value| breaks(**value)).count();
    match all {
        0 => 0,
        _ if array.null_count() == 0 => all as u64,
        _ => primitive(array, breaks).len() as u64,
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

/// The range of a width, in the column's own units.
fn width(column: &ColumnType, width: NumberWidth) -> Result<Check, String> {
    let whatever = Ok(Check::All(Vec::new()));
    match (width.range(), column) {
        (None, ColumnType::Float64) if width == NumberWidth::F32 => Ok(Check::Float32),
        // The greatest decimal is far below the greatest float.
        (None, ColumnType::Float64 | ColumnType::Int32 | ColumnType::Int64 | ColumnType::Decimal { .. }) => whatever,
        (Some((low, high)), ColumnType::Int32 | ColumnType::Int64) => Ok(Check::Between(Some(low), Some(high))),
        (Some((low, high)), ColumnType::Decimal { scale, .. }) => {
            // What overflows is beyond every decimal.
            let unit = number::power_of_ten(*scale).unwrap_or(i128::MAX);
            Ok(Check::Between(
                Some(low.saturating_mul(unit)),
                Some(high.saturating_mul(unit)),
            ))
        }
        _ => Err("a width needs a column of numbers".to_owned()),
    }
}

fn several(column: &ColumnType) -> Result<(), String> {
    match column {
        ColumnType::List(_) | ColumnType::Map(..) => Ok(()),
        _ => Err("a number of items needs a list or map".to_owned()),
    }
}

fn object(column: &ColumnType) -> Result<(), String> {
    match column {
        ColumnType::Struct(_) | ColumnType::Map(..) => Ok(()),
        _ => Err("a number of fields needs an object".to_owned()),
    }
}

/// Several ascending lists as one, each row once.
fn merged(mut lists: Vec<Vec<usize>>) -> Vec<usize> {
    lists.retain(|list| !list.is_empty());
    if lists.len() <= 1 {
        return lists.pop().unwrap_or_default();
    }
    let mut all = lists.concat();
    all.sort_unstable();
    all.dedup();
    all
}

fn multiple(column: &ColumnType, text: &str) -> Result<Check, String> {
    match column {
        ColumnType::Float64 => Divisor::new(float(text)?)
            .map(Check::FloatMultiple)
            .ok_or_else(|| format!("`{text}` is not above zero")),
        ColumnType::Int32 | ColumnType::Int64 | ColumnType::Decimal { .. } => number::divisor(column, text)
            .map(|(shift, by)| Check::Multiple { shift, by })
            .ok_or_else(|| format!("`{text}` is no divisor above zero that can be checked exactly")),
        _ => Err("only numbers have multiples".to_owned()),
    }
}

fn sized(column: &ColumnType) -> Result<(), String> {
    match column {
        ColumnType::String | ColumnType::Binary => Ok(()),
        _ => Err("a length needs a string or binary column".to_owned()),
    }
}

fn clamp(length: u64) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}
