//! Columns into the contract's types, exactly: what a type cannot hold is reported, never rounded or cut.
//!
//! One exception: times finer than a microsecond are cut to it, because no Delta timestamp holds more.

use std::sync::Arc;

use arrow::array::timezone::Tz;
use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, BooleanBuilder, Date32Array, Decimal128Array, FixedSizeBinaryArray,
    Float64Array, Int32Array, Int64Array, ListArray, StringArray, StringBuilder, StructArray,
    TimestampMicrosecondArray, UInt32Array, new_null_array,
};
use arrow::compute::kernels::cmp::distinct;
use arrow::compute::{CastOptions, cast_with_options, interleave, take};
use arrow::datatypes::{DataType, Decimal128Type, Field, TimeUnit};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use uuid::Uuid;

use super::{maps, text};

/// Characters of a value that a reason shows.
const SHOWN: usize = 64;

/// A column in its wanted type. Where a value did not fit, the row is null and is listed with the reason.
#[derive(Debug)]
pub(crate) struct Cast {
    pub(crate) array: ArrayRef,
    pub(crate) failures: Vec<(usize, String)>,
}

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
        (Map(..), Map(..)) if let Some((entries, sides)) = maps::sides(wanted) => maps::from_map(array, entries, sides),
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

fn from_text(array: &StringArray, wanted: &DataType) -> Result<Cast, ArrowError> {
    use DataType::*;
    let texts = || array.iter();
    let read: ArrayRef = match wanted {
        Boolean => {
            let parse = |text: &str| text.parse::<bool>().ok();
            Arc::new(texts().map(|text| text.and_then(parse)).collect::<BooleanArray>())
        }
        Int32 => {
            let parse = |text: &str| text::integer(text).and_then(|value| i32::try_from(value).ok());
            Arc::new(texts().map(|text| text.and_then(parse)).collect::<Int32Array>())
        }
        Int64 => Arc::new(texts().map(|text| text.and_then(text::integer)).collect::<Int64Array>()),
        Float64 => {
            // Rust reads words ("inf", "NaN") too, and what is beyond the largest number becomes infinite.
            let parse = |text: &str| text.parse::<f64>().ok().filter(|value| value.is_finite());
            Arc::new(texts().map(|text| text.and_then(parse)).collect::<Float64Array>())
        }
        Decimal128(precision, scale) => {
            let parse = |text: &str| text::decimal(text, *precision, *scale);
            let values: Decimal128Array = texts().map(|text| text.and_then(parse)).collect();
            Arc::new(values.with_data_type(wanted.clone()))
        }
        Date32 => Arc::new(texts().map(|text| text.and_then(text::date)).collect::<Date32Array>()),
        Timestamp(TimeUnit::Microsecond, zone) => {
            let zoned = zone.as_deref().map(str::parse::<Tz>).transpose()?;
            let parse = |text: &str| match &zoned {
                Some(zone) => text::instant(text, zone),
                None => text::local(text),
            };
            let values: TimestampMicrosecondArray = texts().map(|text| text.and_then(parse)).collect();
            Arc::new(values.with_timezone_opt(zone.clone()))
        }
        Binary => cast_with_options(array, wanted, &SAFE)?,
        _ => new_null_array(wanted, array.len()),
    };
    let whole: ArrayRef = Arc::new(array.clone());
    let changed = valid_rows(&whole).filter(|row| read.is_null(*row)).collect();
    Ok(Cast {
        array: read,
        failures: reasons(&whole, wanted, changed)?,
    })
}

pub(super) fn is_uuid(field: &Field) -> bool {
    field.metadata().get("logicalType").is_some_and(|kind| kind == "uuid")
}

fn from_uuid(array: &FixedSizeBinaryArray) -> Cast {
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

/// By field names: fields that the contract does not have fall away, those that are missing are null.
fn from_struct(array: &StructArray, fields: &arrow::datatypes::Fields, wanted: &DataType) -> Result<Cast, ArrowError> {
    let mut failures = Vec::new();
    let mut columns = Vec::with_capacity(fields.len());
    for field in fields {
        let found = array.fields().iter().position(|from| from.name() == field.name());
        let column = match found {
            Some(index) => {
                let cast = exact(array.column(index), &array.fields()[index], field.data_type())?;
                let inside = cast.failures.into_iter().filter(|(row, _)| array.is_valid(*row));
                failures.extend(inside.map(|(row, reason)| (row, format!("{}: {reason}", field.name()))));
                cast.array
            }
            None => new_null_array(field.data_type(), array.len()),
        };
        columns.push(column);
    }
    let cast: ArrayRef = Arc::new(StructArray::try_new_with_length(
        fields.clone(),
        columns,
        array.nulls().cloned(),
        array.len(),
    )?);
    settle(cast, failures, wanted)
}

fn from_list(array: &ListArray, item: &Field, element: &Arc<Field>, wanted: &DataType) -> Result<Cast, ArrowError> {
    // Only the values that rows refer to: others may lie before, between and behind them.
    let compact = compact(array)?;
    let values = exact(compact.values(), item, element.data_type())?;
    let mut failures = Vec::new();
    let mut rows = compact.offsets().windows(2).enumerate();
    let mut current = rows.next();
    for (index, reason) in values.failures {
        while let Some((row, bounds)) = current {
            let (start, end) = (bounds[0] as usize, bounds[1] as usize);
            if index < end {
                failures.push((row, format!("item {}: {reason}", index - start + 1)));
                break;
            }
            current = rows.next();
        }
    }
    let nulls = compact.nulls().cloned();
    let cast = ListArray::try_new(Arc::clone(element), compact.offsets().clone(), values.array, nulls)?;
    settle(Arc::new(cast), failures, wanted)
}

fn compact(array: &ListArray) -> Result<ListArray, ArrowError> {
    let all: UInt32Array = (0..array.len())
        .map(|row| array.is_valid(row).then_some(row as u32))
        .collect();
    Ok(take(array, &all, None)?.as_list().clone())
}

/// One reason a row, the first; failed rows are null.
fn settle(array: ArrayRef, mut failures: Vec<(usize, String)>, wanted: &DataType) -> Result<Cast, ArrowError> {
    failures.sort_by_key(|(row, _)| *row);
    failures.dedup_by_key(|(row, _)| *row);
    let rows: Vec<usize> = failures.iter().map(|(row, _)| *row).collect();
    debug_assert_eq!(array.data_type(), wanted);
    Ok(Cast {
        array: without(array, &rows)?,
        failures,
    })
}

/// Each row by its branch: what one branch cannot give, another may.
fn from_union(array: &ArrayRef, wanted: &DataType) -> Result<Cast, ArrowError> {
    let union = array.as_union();
    let DataType::Union(fields, _) = array.data_type() else {
        return Err(ArrowError::CastError("not a union".to_owned()));
    };
    let mut branches = Vec::with_capacity(fields.len());
    let mut failed = std::collections::HashMap::new();
    let mut places = [0_usize; 256];
    for (place, (id, field)) in fields.iter().enumerate() {
        let cast = exact(union.child(id), field, wanted)?;
        failed.extend(cast.failures.into_iter().map(|(row, reason)| ((place, row), reason)));
        places[usize::from(id as u8)] = place;
        branches.push(cast.array);
    }
    let picked: Vec<(usize, usize)> = (0..union.len())
        .map(|row| (places[usize::from(union.type_id(row) as u8)], union.value_offset(row)))
        .collect();
    let values: Vec<&dyn Array> = branches.iter().map(AsRef::as_ref).collect();
    let failures = picked
        .iter()
        .enumerate()
        .filter_map(|(row, pick)| failed.get(pick).map(|reason| (row, reason.clone())))
        .collect();
    Ok(Cast {
        array: interleave(&values, &picked)?,
        failures,
    })
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

fn reasons(array: &ArrayRef, wanted: &DataType, rows: Vec<usize>) -> Result<Vec<(usize, String)>, ArrowError> {
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
pub(crate) fn not(value: &str, wanted: &DataType) -> String {
    let shown: String = value.chars().take(SHOWN).collect();
    let more = if shown.len() < value.len() { "…" } else { "" };
    match wanted {
        // It is a time, and another day it would be an instant.
        DataType::Timestamp(_, Some(zone)) if text::local(value).is_some() => {
            format!("`{shown}{more}` has no offset, and clocks in {zone} show it twice or never")
        }
        _ => format!("`{shown}{more}` is not {}", words(wanted)),
    }
}

/// A type in the words of contracts.
pub(crate) fn words(kind: &DataType) -> String {
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

#[cfg(test)]
mod tests {
    use arrow::array::{
        Decimal256Array, Float32Array, TimestampMillisecondArray, TimestampNanosecondArray, UnionArray, types,
    };
    use arrow::buffer::ScalarBuffer;
    use arrow::datatypes::{Fields, Int32Type, UnionFields, i256};

    use super::*;

    fn cast(array: impl Array + 'static, wanted: DataType) -> Cast {
        let array: ArrayRef = Arc::new(array);
        let field = Field::new("x", array.data_type().clone(), true);
        let cast = exact(&array, &field, &wanted).unwrap();
        assert_eq!(cast.array.data_type(), &wanted);
        assert_eq!(cast.array.len(), array.len());
        for (row, _) in &cast.failures {
            assert!(cast.array.is_null(*row));
        }
        cast
    }

    fn failed(cast: &Cast) -> Vec<usize> {
        cast.failures.iter().map(|(row, _)| *row).collect()
    }

    fn utc() -> DataType {
        DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
    }

    #[test]
    fn a_decimal_loses_no_digit_on_its_way_to_another_scale() {
        let values = Decimal128Array::from(vec![Some(12_340), Some(12_345), None, Some(10_i128.pow(20))]);
        let cast = cast(
            values.with_precision_and_scale(21, 4).unwrap(),
            DataType::Decimal128(12, 3),
        );
        assert_eq!(cast.array.as_primitive::<Decimal128Type>().value(0), 1_234);
        assert_eq!(failed(&cast), [1, 3]);
        assert_eq!(cast.failures[0].1, "`1.2345` is not a decimal(12,3)");
    }

    #[test]
    fn a_decimal_beyond_its_own_precision_does_not_pass() {
        let values = Decimal128Array::from(vec![999, -999, 1000])
            .with_precision_and_scale(3, 1)
            .unwrap();
        let cast = cast(values, DataType::Decimal128(3, 1));
        assert_eq!(failed(&cast), [2]);
        assert_eq!(cast.array.as_primitive::<Decimal128Type>().value(1), -999);
    }

    #[test]
    fn wide_decimals_become_narrow_where_they_fit() {
        let values = Decimal256Array::from(vec![i256::from_i128(5_000), i256::MAX]);
        let cast = cast(
            values.with_precision_and_scale(76, 3).unwrap(),
            DataType::Decimal128(12, 2),
        );
        assert_eq!(cast.array.as_primitive::<Decimal128Type>().value(0), 500);
        assert_eq!(failed(&cast), [1]);
    }

    #[test]
    fn floats_become_the_decimal_that_they_were_written_as() {
        let cast = cast(
            Float64Array::from(vec![2.55, 0.1, 1.0 / 3.0, f64::NAN]),
            DataType::Decimal128(12, 3),
        );
        let decimals = cast.array.as_primitive::<Decimal128Type>();
        assert_eq!((decimals.value(0), decimals.value(1)), (2_550, 100));
        assert_eq!(failed(&cast), [2, 3]);
    }

    #[test]
    fn integers_keep_their_value_in_every_type() {
        let values = vec![Some(1), Some(i64::from(i32::MAX) + 1), None, Some((1 << 53) + 1)];
        assert_eq!(failed(&cast(Int64Array::from(values.clone()), DataType::Int32)), [1, 3]);
        assert_eq!(failed(&cast(Int64Array::from(values.clone()), DataType::Float64)), [3]);
        assert_eq!(
            failed(&cast(Int64Array::from(values), DataType::Decimal128(12, 3))),
            [1, 3]
        );
        assert_eq!(failed(&cast(Float64Array::from(vec![2.0, 2.5]), DataType::Int32)), [1]);
        let text = cast(Int32Array::from(vec![17850]), DataType::Utf8);
        assert_eq!(text.array.as_string::<i32>().value(0), "17850");
    }

    #[test]
    fn instants_are_microseconds_in_utc() {
        let millis = TimestampMillisecondArray::from(vec![1_291_191_960_123]).with_timezone("+00:00");
        let cast_millis = cast(millis, utc());
        assert_eq!(
            cast_millis
                .array
                .as_primitive::<types::TimestampMicrosecondType>()
                .value(0),
            1_291_191_960_123_000
        );
        let nanos = TimestampNanosecondArray::from(vec![1_234_567]).with_timezone("+00:00");
        let cast_nanos = cast(nanos, utc());
        assert_eq!(
            cast_nanos
                .array
                .as_primitive::<types::TimestampMicrosecondType>()
                .value(0),
            1_234
        );
        assert!(cast_nanos.failures.is_empty());
        let beyond = TimestampMillisecondArray::from(vec![i64::MAX]).with_timezone("+00:00");
        assert_eq!(failed(&cast(beyond, utc())), [0]);
    }

    #[test]
    fn a_local_time_is_no_instant() {
        let local = TimestampMillisecondArray::from(vec![Some(0), None]);
        let refused = cast(local, utc());
        assert_eq!(refused.failures, [(0, "a local time is no instant".to_owned())]);
    }

    #[test]
    fn text_is_read_as_what_it_says() {
        let texts = || StringArray::from(vec![Some("2.550"), Some("two"), None]);
        let decimals = cast(texts(), DataType::Decimal128(12, 3));
        assert_eq!(decimals.array.as_primitive::<Decimal128Type>().value(0), 2_550);
        assert_eq!(decimals.failures, [(1, "`two` is not a decimal(12,3)".to_owned())]);
        assert_eq!(failed(&cast(texts(), DataType::Int32)), [0, 1]);
        assert_eq!(
            failed(&cast(StringArray::from(vec!["true", "1"]), DataType::Boolean)),
            [1]
        );
    }

    #[test]
    fn only_finite_numbers_are_read_from_text() {
        let texts = StringArray::from(vec!["2.5", "inf", "-Infinity", "NaN", "1e999", "1e-3"]);
        let cast = cast(texts, DataType::Float64);
        assert_eq!(failed(&cast), [1, 2, 3, 4]);
        assert_eq!(cast.array.as_primitive::<types::Float64Type>().value(5), 0.001);
    }

    #[test]
    fn types_that_do_not_match_fail_where_there_is_a_value() {
        let cast = cast(BooleanArray::from(vec![Some(true), None]), DataType::Int32);
        assert_eq!(cast.failures, [(0, "a boolean is not a 32-bit integer".to_owned())]);
    }

    #[test]
    fn records_and_lists_are_cast_by_name_and_by_item() {
        let inner = StructArray::from(vec![
            (
                Arc::new(Field::new("b", DataType::Int64, true)),
                Arc::new(Int64Array::from(vec![1, 1 << 40])) as ArrayRef,
            ),
            (
                Arc::new(Field::new("z", DataType::Int64, true)),
                Arc::new(Int64Array::from(vec![0, 0])) as ArrayRef,
            ),
        ]);
        let wanted = Fields::from(vec![
            Field::new("a", DataType::Utf8, true),
            Field::new("b", DataType::Int32, true),
        ]);
        let record = cast(inner, DataType::Struct(wanted));
        assert_eq!(
            record.failures,
            [(1, "b: `1099511627776` is not a 32-bit integer".to_owned())]
        );
        assert!(record.array.as_struct().column(0).is_null(0));

        let lists = ListArray::from_iter_primitive::<types::Int64Type, _, _>(vec![
            Some(vec![Some(1), None]),
            None,
            Some(vec![]),
            Some(vec![Some(2), Some(1 << 40)]),
        ]);
        let list = cast(
            lists,
            DataType::List(Arc::new(Field::new("element", DataType::Int32, true))),
        );
        assert_eq!(
            list.failures,
            [(3, "item 2: `1099511627776` is not a 32-bit integer".to_owned())]
        );
        assert_eq!(
            list.array
                .as_list::<i32>()
                .value(0)
                .as_primitive::<Int32Type>()
                .value(0),
            1
        );
    }

    #[test]
    fn each_branch_of_a_union_is_cast_for_itself() {
        let fields = UnionFields::try_new(
            vec![0, 1],
            vec![
                Field::new("int", DataType::Int32, true),
                Field::new("string", DataType::Utf8, true),
            ],
        );
        let children: Vec<ArrayRef> = vec![
            Arc::new(Int32Array::from(vec![7])),
            Arc::new(StringArray::from(vec!["8", "x"])),
        ];
        let (ids, offsets) = (ScalarBuffer::from(vec![1_i8, 0, 1]), ScalarBuffer::from(vec![0, 0, 1]));
        let union = UnionArray::try_new(fields.unwrap(), ids, Some(offsets), children).unwrap();
        let cast = cast(union, DataType::Int64);
        assert_eq!(cast.array.as_primitive::<types::Int64Type>().values()[..2], [8, 7]);
        assert_eq!(cast.failures, [(2, "`x` is not a 64-bit integer".to_owned())]);
    }

    #[test]
    fn uuids_become_their_text() {
        let id = Uuid::from_u128(0x1234_5678_9abc_def0_1234_5678_9abc_def0);
        let array: ArrayRef = Arc::new(FixedSizeBinaryArray::try_from_iter([id.as_bytes()].into_iter()).unwrap());
        let field = Field::new("id", array.data_type().clone(), true)
            .with_metadata([("logicalType".to_owned(), "uuid".to_owned())].into());
        let cast = exact(&array, &field, &DataType::Utf8).unwrap();
        assert_eq!(
            cast.array.as_string::<i32>().value(0),
            "12345678-9abc-def0-1234-56789abcdef0"
        );
    }

    #[test]
    fn what_an_engine_computed_is_read_as_exactly_as_what_came() {
        let views = arrow::array::StringViewArray::from(vec![Some("7"), Some("seven"), None]);
        assert_eq!(failed(&cast(views, DataType::Int32)), [1]);
        let beyond = arrow::array::UInt64Array::from(vec![5, u64::MAX]);
        assert_eq!(failed(&cast(beyond, DataType::Int64)), [1]);
        let small = arrow::array::Int16Array::from(vec![-5]);
        assert_eq!(
            cast(small, DataType::Int64)
                .array
                .as_primitive::<types::Int64Type>()
                .value(0),
            -5
        );
    }

    #[test]
    fn single_precision_floats_widen() {
        let cast = cast(Float32Array::from(vec![0.5]), DataType::Float64);
        assert_eq!(cast.array.as_primitive::<types::Float64Type>().value(0), 0.5);
    }
}
