//! Fingerprints of keys: 128 bits that stand for the values of a row's key.
//!
//! The hash is XXH3-128 over a plain form of the value: text and bytes as they are, whole numbers, days and
//! microseconds as 8 bytes, decimals as the 16 bytes of their unscaled value. A key of several columns is the hash of
//! its columns' hashes. So the fingerprint of a key depends on its values alone, not on how batches are cut nor on the
//! encoding of a column (plain, view, dictionary). Two different keys among 10⁹ have one fingerprint with a
//! probability of about 10⁻²¹.

use arrow::array::{Array, ArrayRef, AsArray, PrimitiveArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimeUnit, TimestampMicrosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use xxhash_rust::xxh3::xxh3_128;

/// The fingerprints of one column's values, in a buffer that is used again, and where there is none.
///
/// Returns the places of nulls; what the buffer holds there means nothing. `Err` names a type that has none.
pub(crate) fn of_column(array: &ArrayRef, hashes: &mut Vec<u128>) -> Result<Option<NullBuffer>, DataType> {
    hashes.clear();
    hashes.reserve(array.len());
    match array.data_type() {
        DataType::Int8 => whole::<Int8Type>(array.as_primitive(), hashes),
        DataType::Int16 => whole::<Int16Type>(array.as_primitive(), hashes),
        DataType::Int32 => whole::<Int32Type>(array.as_primitive(), hashes),
        DataType::Int64 => whole::<Int64Type>(array.as_primitive(), hashes),
        DataType::UInt8 => whole::<UInt8Type>(array.as_primitive(), hashes),
        DataType::UInt16 => whole::<UInt16Type>(array.as_primitive(), hashes),
        DataType::UInt32 => whole::<UInt32Type>(array.as_primitive(), hashes),
        // Two numbers that differ do so in their bits too.
        DataType::UInt64 => values(array.as_primitive::<UInt64Type>(), hashes, |value| {
            xxh3_128(&value.to_le_bytes())
        }),
        DataType::Date32 => whole::<Date32Type>(array.as_primitive(), hashes),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            whole::<TimestampMicrosecondType>(array.as_primitive(), hashes);
        }
        DataType::Decimal128(..) => {
            values(array.as_primitive::<Decimal128Type>(), hashes, |value| {
                xxh3_128(&value.to_le_bytes())
            });
        }
        DataType::Float32 => values(array.as_primitive::<Float32Type>(), hashes, |value| {
            float(f64::from(value))
        }),
        DataType::Float64 => values(array.as_primitive::<Float64Type>(), hashes, float),
        DataType::Boolean => {
            let (no, yes) = (xxh3_128(&[0]), xxh3_128(&[1]));
            hashes.extend(
                array
                    .as_boolean()
                    .values()
                    .iter()
                    .map(|value| if value { yes } else { no }),
            );
        }
        DataType::Utf8 => hashes.extend(array.as_string::<i32>().iter().map(text)),
        DataType::LargeUtf8 => hashes.extend(array.as_string::<i64>().iter().map(text)),
        DataType::Utf8View => hashes.extend(array.as_string_view().iter().map(text)),
        DataType::Binary => hashes.extend(array.as_binary::<i32>().iter().map(bytes)),
        DataType::LargeBinary => hashes.extend(array.as_binary::<i64>().iter().map(bytes)),
        DataType::BinaryView => hashes.extend(array.as_binary_view().iter().map(bytes)),
        DataType::FixedSizeBinary(_) => hashes.extend(array.as_fixed_size_binary().iter().map(bytes)),
        DataType::Dictionary(..) => {
            let Some(dictionary) = array.as_any_dictionary_opt() else {
                return Err(array.data_type().clone());
            };
            if dictionary.values().is_empty() {
                hashes.resize(array.len(), 0);
                return Ok(array.logical_nulls());
            }
            let mut of_values = Vec::new();
            of_column(dictionary.values(), &mut of_values)?;
            // A null's key may point anywhere.
            let places = dictionary.normalized_keys();
            hashes.extend(
                places
                    .into_iter()
                    .map(|place| of_values.get(place).copied().unwrap_or_default()),
            );
            return Ok(array.logical_nulls());
        }
        other => return Err(other.clone()),
    }
    Ok(array.logical_nulls())
}

/// The fingerprints of keys over several columns; `None` where a value of the key is null.
pub(crate) fn of_key(columns: &[ArrayRef]) -> Result<(Vec<u128>, Option<NullBuffer>), DataType> {
    let Some((first, rest)) = columns.split_first() else {
        return Ok((Vec::new(), None));
    };
    let mut hashes = Vec::new();
    let mut nulls = of_column(first, &mut hashes)?;
    let mut next = Vec::new();
    for column in rest {
        let more = of_column(column, &mut next)?;
        nulls = NullBuffer::union(nulls.as_ref(), more.as_ref());
        for (hash, next) in hashes.iter_mut().zip(&next) {
            let mut pair = [0; 32];
            pair[..16].copy_from_slice(&hash.to_le_bytes());
            pair[16..].copy_from_slice(&next.to_le_bytes());
            *hash = xxh3_128(&pair);
        }
    }
    Ok((hashes, nulls.filter(|nulls| nulls.null_count() > 0)))
}

fn values<T: ArrowPrimitiveType>(array: &PrimitiveArray<T>, hashes: &mut Vec<u128>, hash: impl Fn(T::Native) -> u128) {
    hashes.extend(array.values().iter().map(|value| hash(*value)));
}

fn whole<T: ArrowPrimitiveType>(array: &PrimitiveArray<T>, hashes: &mut Vec<u128>)
where
    T::Native: Into<i64>,
{
    values(array, hashes, |value| xxh3_128(&Into::<i64>::into(value).to_le_bytes()));
}

/// Equal floats have equal fingerprints: both zeros, and every NaN.
fn float(value: f64) -> u128 {
    let value = if value.is_nan() { f64::NAN } else { value + 0.0 };
    xxh3_128(&value.to_bits().to_le_bytes())
}

fn text(value: Option<&str>) -> u128 {
    value.map_or(0, |value| xxh3_128(value.as_bytes()))
}

fn bytes(value: Option<&[u8]>) -> u128 {
    value.map_or(0, xxh3_128)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{DictionaryArray, Float64Array, Int32Array, Int64Array, StringArray, StringViewArray};
    use arrow::compute::cast;
    use arrow::datatypes::Int8Type;

    use super::*;

    fn rows(columns: &[ArrayRef]) -> Vec<Option<u128>> {
        let (hashes, nulls) = of_key(columns).unwrap();
        let valid = |row| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
        hashes
            .iter()
            .enumerate()
            .map(|(row, hash)| valid(row).then_some(*hash))
            .collect()
    }

    #[test]
    fn the_encoding_of_a_column_does_not_show() {
        let values = vec![
            Some("a"),
            None,
            Some("a name that is longer than a view holds"),
            Some(""),
        ];
        let plain: ArrayRef = Arc::new(StringArray::from(values.clone()));
        let view: ArrayRef = Arc::new(StringViewArray::from(values.clone()));
        let dictionary: ArrayRef = Arc::new(values.into_iter().collect::<DictionaryArray<Int8Type>>());
        let expected = rows(&[Arc::clone(&plain)]);
        assert_eq!(expected[1], None);
        assert_eq!(expected[3], Some(xxh3_128(b"")));
        for other in [view, dictionary, cast(&plain, &DataType::LargeUtf8).unwrap()] {
            assert_eq!(rows(&[other]), expected);
        }
    }

    #[test]
    fn a_dictionary_without_values_has_only_nulls() {
        let empty: ArrayRef = Arc::new([None::<&str>, None].into_iter().collect::<DictionaryArray<Int8Type>>());
        assert_eq!(rows(&[empty]), [None, None]);
    }

    #[test]
    fn keys_of_several_columns_are_told_apart_by_column() {
        let column = |values: [&str; 2]| -> ArrayRef { Arc::new(StringArray::from(values.to_vec())) };
        let keys = rows(&[column(["ab", "a"]), column(["c", "bc"])]);
        assert_ne!(keys[0], keys[1]);
        let (a, b): (ArrayRef, ArrayRef) = (Arc::new(Int32Array::from(vec![1])), Arc::new(Int32Array::from(vec![2])));
        assert_ne!(rows(&[Arc::clone(&a), Arc::clone(&b)]), rows(&[b, a]));
    }

    #[test]
    fn numbers_are_told_apart_by_value_not_by_width() {
        let narrow: ArrayRef = Arc::new(Int32Array::from(vec![-7, 7]));
        let wide: ArrayRef = Arc::new(Int64Array::from(vec![-7, 7]));
        assert_eq!(rows(&[narrow]), rows(&[wide]));
        let floats: ArrayRef = Arc::new(Float64Array::from(vec![0.0, -0.0, f64::NAN, -f64::NAN]));
        let keys = rows(&[floats]);
        assert_eq!((keys[0], keys[2]), (keys[1], keys[3]));
        assert_ne!(keys[0], keys[2]);
    }

    #[test]
    fn a_null_anywhere_in_the_key_leaves_the_row_out() {
        let some: ArrayRef = Arc::new(Int32Array::from(vec![1, 1]));
        let with_null: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None]));
        let keys = rows(&[some, with_null]);
        assert!(keys[0].is_some() && keys[1].is_none());
    }
}
