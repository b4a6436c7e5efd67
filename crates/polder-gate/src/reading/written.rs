//! Columns of texts into the contract's types.

use std::sync::Arc;

use arrow::array::timezone::Tz;
use arrow::array::{
    Array, ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array, Int64Array, StringArray,
    TimestampMicrosecondArray, new_null_array,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit};
use arrow::error::ArrowError;

use super::{Cast, reasons, text};
use crate::times;

/// Values that are written as text. Bytes are those of the text.
///
/// # Errors
/// Where a timestamp has a zone that nobody knows.
pub fn from_text(array: &StringArray, wanted: &DataType) -> Result<Cast, ArrowError> {
    use DataType::*;
    let texts = || array.iter();
    let read: ArrayRef = match wanted {
        Utf8 => Arc::new(array.clone()),
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
                Some(zone) => times::instant(text, zone),
                None => times::local(text),
            };
            let values: TimestampMicrosecondArray = texts().map(|text| text.and_then(parse)).collect();
            Arc::new(values.with_timezone_opt(zone.clone()))
        }
        Binary => cast(array, wanted)?,
        _ => new_null_array(wanted, array.len()),
    };
    let unread = (0..array.len()).filter(|row| array.is_valid(*row) && read.is_null(*row));
    let unread = unread.collect();
    let texts: ArrayRef = Arc::new(array.clone());
    Ok(Cast {
        array: read,
        failures: reasons(&texts, wanted, unread)?,
    })
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray;
    use arrow::datatypes::{Decimal128Type, Float64Type};

    use super::*;

    fn read(texts: &[Option<&str>], wanted: &DataType) -> Cast {
        let read = from_text(&StringArray::from(texts.to_vec()), wanted).unwrap();
        assert_eq!(read.array.data_type(), wanted);
        read
    }

    fn failed(read: &Cast) -> Vec<usize> {
        read.failures.iter().map(|(row, _)| *row).collect()
    }

    #[test]
    fn text_is_read_as_what_it_says() {
        let texts = [Some("2.550"), Some("two"), None, Some("")];
        let decimals = read(&texts, &DataType::Decimal128(12, 3));
        assert_eq!(decimals.array.as_primitive::<Decimal128Type>().value(0), 2_550);
        let told = [(1, "`two` is"), (3, "`\"\"` is")].map(|(row, is)| (row, format!("{is} not a decimal(12,3)")));
        assert_eq!(decimals.failures, told);
        assert_eq!(failed(&read(&texts, &DataType::Int32)), [0, 1, 3]);
        assert_eq!(failed(&read(&[Some("true"), Some("1")], &DataType::Boolean)), [1]);
    }

    #[test]
    fn a_text_that_is_no_time_is_told_how_one_is_written() {
        let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        for text in [
            "2026-01-05",
            "2026-01-05 08:30",
            "2026-01-05T08:30:00+0100",
            "1767345300000",
            "02.01.2026",
        ] {
            let why = format!("`{text}` is not a timestamp: write it as 2026-01-31T08:30:00Z");
            assert_eq!(read(&[Some(text)], &utc).failures, [(0, why)]);
        }
        let local = DataType::Timestamp(TimeUnit::Microsecond, None);
        let why = "`2026-01-05T08:30:00Z` is not a local timestamp: write it as 2026-01-31T08:30:00";
        assert_eq!(
            read(&[Some("2026-01-05T08:30:00Z")], &local).failures,
            [(0, why.to_owned())]
        );
        let why = "`02.01.2026` is not a date: write it as 2026-01-31";
        assert_eq!(
            read(&[Some("02.01.2026")], &DataType::Date32).failures,
            [(0, why.to_owned())]
        );
    }

    #[test]
    fn only_finite_numbers_are_read_from_text() {
        let texts = ["2.5", "inf", "-Infinity", "NaN", "1e999", "1e-3"].map(Some);
        let numbers = read(&texts, &DataType::Float64);
        assert_eq!(failed(&numbers), [1, 2, 3, 4]);
        assert_eq!(numbers.array.as_primitive::<Float64Type>().value(5), 0.001);
    }
}
