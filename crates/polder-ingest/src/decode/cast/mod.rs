//! Columns into the contract's types, exactly: what a type cannot hold is reported, never rounded or cut.
//!
//! One exception: times finer than a microsecond are cut to it, because no Delta timestamp holds more.

mod maps;
mod nested;
mod uuids;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, BooleanBuilder, Decimal128Array, new_null_array};
use arrow::compute::kernels::cmp::distinct;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Decimal128Type, Field, TimeUnit};
use arrow::error::ArrowError;
use arrow::util::display::FormatOptions;
use polder_gate::reading::{Cast, from_text, reasons, sides, words};

use self::maps::from_map;
use self::nested::{from_list, from_struct, from_union};
use self::uuids::from_uuid;
pub(super) use self::uuids::is_uuid;

/// Casts `array`, which `field` describes, to `wanted`.
pub(crate) fn exact(array: &ArrayRef, field: &Field, wanted: &DataType) -> Result<Cast, ArrowError> {
    use DataType::*;
    let from = array.data_type();
    match (from, wanted) {
        (Decimal128(..), Decimal128(precision, _)) if from == wanted => Ok(within_precision(array, *precision, wanted)),
        _ if from == wanted => Ok(Cast {
            array: Arc::clone(array),
            failures: Vec::new(),
        }),
        (Null, _) => Ok(Cast {
            array: new_null_array(wanted, array.len()),
            failures: Vec::new(),
        }),
        (Dictionary(_, values), _) => {
            let plain = cast_with_options(array, values, &SAFE)?;
            exact(&plain, &Field::new(field.name(), values.as_ref().clone(), true), wanted)
        }
        (Union(..), _) => from_union(array, wanted),
        _ if let Some(plain) = of_engine(from) => {
            let plain_array = cast_with_options(array, &plain, &SAFE)?;
            exact(&plain_array, &Field::new(field.name(), plain, true), wanted)
        }
        (Struct(_), Struct(fields)) => from_struct(array.as_struct(), fields, wanted),
        (List(item), List(element)) => from_list(array.as_list(), item, element, wanted),
        (Map(..), Map(..)) if let Some((entries, sides)) = sides(wanted) => from_map(array, entries, sides),
        (Utf8, _) => from_text(array.as_string(), wanted),
        (FixedSizeBinary(16), Utf8) if is_uuid(field) => Ok(from_uuid(array.as_fixed_size_binary())),
        (Float32 | Float64, Decimal128(..)) => {
            // The shortest decimal that stands for the number is what its writer meant.
            let written = cast_with_options(array, &Utf8, &SAFE)?;
            let mut cast = from_text(written.as_string(), wanted)?;
            cast.failures = reasons(array, wanted, cast.failures.into_iter().map(|(row, _)| row).collect())?;
            Ok(cast)
        }
        _ if is_lossless(from, wanted) => compared(array, wanted),
        _ => {
            let why = match (from, wanted) {
                (Timestamp(_, None), Timestamp(_, Some(_))) => "a local time is no instant".to_owned(),
                (Timestamp(_, Some(_)), Timestamp(_, None)) => "an instant is no local time".to_owned(),
                _ => format!("{} is not {}", words(from), words(wanted)),
            };
            let failures = valid_rows(array).map(|row| (row, why.clone())).collect();
            Ok(Cast {
                array: new_null_array(wanted, array.len()),
                failures,
            })
        }
    }
}

/// A value that does not fit becomes null; the comparison afterwards finds it.
const SAFE: CastOptions<'static> = CastOptions {
    safe: true,
    format_options: FormatOptions::new(),
};

/// What a query engine computes with beside the types of records: the same values in a type that records have.
fn of_engine(kind: &DataType) -> Option<DataType> {
    use DataType::*;
    Some(match kind {
        LargeUtf8 | Utf8View => Utf8,
        BinaryView => Binary,
        Int8 | Int16 | UInt8 | UInt16 => Int32,
        UInt32 => Int64,
        UInt64 => Decimal128(20, 0),
        Decimal32(precision, scale) | Decimal64(precision, scale) => Decimal128(*precision, *scale),
        Float16 => Float32,
        LargeList(item) | ListView(item) | LargeListView(item) | FixedSizeList(item, _) => List(Arc::clone(item)),
        _ => return None,
    })
}

/// Pairs of types where a value that survives the way there and back has not changed.
fn is_lossless(from: &DataType, to: &DataType) -> bool {
    use DataType::*;
    let pair = (from, to);
    let number = matches!(
        pair,
        (Int32 | Int64, Int32 | Int64 | Float64 | Decimal128(..) | Utf8)
            | (Float32 | Float64, Float64 | Int32 | Int64 | Utf8)
            | (Decimal128(..) | Decimal256(..), Decimal128(..) | Int32 | Int64 | Utf8)
    );
    let time = matches!(
        pair,
        (Timestamp(_, Some(_)), Timestamp(_, Some(_)))
            | (Timestamp(_, None), Timestamp(_, None))
            | (Time32(_) | Time64(_), Time64(_))
    );
    let other = matches!(
        pair,
        (Boolean | Date32 | Timestamp(..) | Time32(_) | Time64(_) | Binary, Utf8)
            | (Binary | LargeBinary | FixedSizeBinary(_), Binary)
    );
    number || time || other
}

/// Casts and compares with the way back.
fn compared(array: &ArrayRef, wanted: &DataType) -> Result<Cast, ArrowError> {
    let from = array.data_type();
    let there = cast_with_options(array, wanted, &SAFE)?;
    let cut = matches!(
        (from, wanted),
        (DataType::Timestamp(TimeUnit::Nanosecond, _), DataType::Timestamp(..))
    );
    // Into text nothing is lost, and not every text is read back by the same rules.
    let changed: Vec<usize> = if cut || *wanted == DataType::Utf8 {
        valid_rows(array).filter(|row| there.is_null(*row)).collect()
    } else {
        let back = cast_with_options(&there, from, &SAFE)?;
        let differs = distinct(array, &back)?;
        if differs.has_true() {
            differs.values().set_indices().collect()
        } else {
            Vec::new()
        }
    };
    let array = Arc::clone(array);
    Ok(Cast {
        array: without(there, &changed)?,
        failures: reasons(&array, wanted, changed)?,
    })
}

fn within_precision(array: &ArrayRef, precision: u8, wanted: &DataType) -> Cast {
    let decimals = array.as_primitive::<Decimal128Type>();
    let limit = 10_i128.checked_pow(u32::from(precision)).unwrap_or(i128::MAX);
    let fits = |value: i128| value.unsigned_abs() < limit.unsigned_abs();
    if decimals.iter().flatten().all(fits) {
        return Cast {
            array: Arc::clone(array),
            failures: Vec::new(),
        };
    }
    // The number itself is not shown: it has more digits than its type allows to print.
    let reason = format!("the number has more digits than {}", words(wanted));
    let beyond = decimals
        .iter()
        .enumerate()
        .filter(|(_, value)| value.is_some_and(|value| !fits(value)));
    let failures: Vec<_> = beyond.map(|(row, _)| (row, reason.clone())).collect();
    let kept: Decimal128Array = decimals
        .iter()
        .map(|value| value.filter(|value| fits(*value)))
        .collect();
    Cast {
        array: Arc::new(kept.with_data_type(wanted.clone())),
        failures,
    }
}

fn valid_rows(array: &ArrayRef) -> impl Iterator<Item = usize> + '_ {
    let nulls = array.logical_nulls();
    (0..array.len()).filter(move |row| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(*row)))
}

fn without(array: ArrayRef, rows: &[usize]) -> Result<ArrayRef, ArrowError> {
    if rows.is_empty() {
        return Ok(array);
    }
    let mut unfit = BooleanBuilder::with_capacity(array.len());
    unfit.append_n(array.len(), false);
    let mut unfit = unfit.finish().values().iter().collect::<Vec<_>>();
    rows.iter().for_each(|row| unfit[*row] = true);
    arrow::compute::nullif(&array, &BooleanArray::from(unfit))
}

#[cfg(test)]
mod tests;
