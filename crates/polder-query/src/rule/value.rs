//! What a query's one value is as a figure.

use chrono::{DateTime, NaiveTime, SecondsFormat, Utc};
use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::ScalarValue;
use polder_contract::ColumnType;
use polder_contract::rule::Figure;
use polder_core::{Error, ErrorKind, Result};
use polder_gate::in_words;

/// A value as a figure: truth counts 1 and 0, what is neither number, date nor time is text.
pub(super) fn figure(value: &ScalarValue) -> Result<Figure> {
    use ScalarValue as S;
    if let Some(error) = refused(&value.data_type()) {
        return Err(error);
    }
    if value.is_null() {
        return Ok(Figure::Null);
    }
    if let Some(moment) = moment(value) {
        return Ok(Figure::Moment(moment));
    }
    Ok(match value {
        S::Boolean(Some(truth)) => Figure::Whole((*truth).into()),
        S::Int8(Some(number)) => Figure::Whole((*number).into()),
        S::Int16(Some(number)) => Figure::Whole((*number).into()),
        S::Int32(Some(number)) => Figure::Whole((*number).into()),
        S::Int64(Some(number)) => Figure::Whole((*number).into()),
        S::UInt8(Some(number)) => Figure::Whole((*number).into()),
        S::UInt16(Some(number)) => Figure::Whole((*number).into()),
        S::UInt32(Some(number)) => Figure::Whole((*number).into()),
        S::UInt64(Some(number)) => Figure::Whole((*number).into()),
        S::Float32(Some(number)) => Figure::Real((*number).into()),
        S::Float64(Some(number)) => Figure::Real(*number),
        S::Decimal128(Some(number), _, 0) => Figure::Whole(*number),
        S::Decimal128(..) | S::Decimal256(..) | S::Decimal64(..) | S::Decimal32(..) => {
            Figure::of_decimal(&value.to_string())
        }
        other => Figure::Text(other.to_string()),
    })
}

/// Why values of a type are no figures.
pub(super) fn refused(kind: &DataType) -> Option<Error> {
    let (what, help) = match kind {
        DataType::Dictionary(_, values) => return refused(values),
        DataType::Duration(_) | DataType::Interval(_) => (
            "a span of time".to_owned(),
            "ask for seconds: date_part('epoch', max(at)) - date_part('epoch', min(at))",
        ),
        kind if kind.is_nested() => (
            in_words(kind),
            "one row of one column, such as SELECT count(*) FROM {object}",
        ),
        _ => return None,
    };
    let message = format!("the query gives {what}, and a rule needs one figure");
    Some(Error::new(ErrorKind::Usage, message).with_help(help))
}

/// The type of what has no order with numbers: text, dates and times.
pub(super) fn beside_numbers(kind: &DataType) -> Option<ColumnType> {
    match kind {
        DataType::Dictionary(_, values) => beside_numbers(values),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(ColumnType::String),
        DataType::Date32 | DataType::Date64 => Some(ColumnType::Date),
        DataType::Time32(_) | DataType::Time64(_) => Some(ColumnType::Time),
        DataType::Timestamp(_, Some(_)) => Some(ColumnType::Timestamp),
        DataType::Timestamp(_, None) => Some(ColumnType::TimestampLocal),
        _ => None,
    }
}

/// A date or time as contracts write it; nothing for other values and for years that no text has.
fn moment(value: &ScalarValue) -> Option<String> {
    // All of them are numbers of a unit since a beginning.
    let count = |kind: &DataType| match value.cast_to(kind).ok()? {
        ScalarValue::Int64(count) => count,
        ScalarValue::Int32(count) => count.map(i64::from),
        _ => None,
    };
    let kind = value.data_type();
    Some(match &kind {
        DataType::Date32 => at(count(&DataType::Int32)?.checked_mul(86_400)?, &TimeUnit::Second)?
            .date_naive()
            .to_string(),
        DataType::Date64 => at(count(&DataType::Int64)?, &TimeUnit::Millisecond)?
            .date_naive()
            .to_string(),
        DataType::Timestamp(unit, zone) => {
            let moment = at(count(&DataType::Int64)?, unit)?;
            match zone {
                Some(_) => moment.to_rfc3339_opts(SecondsFormat::AutoSi, true),
                None => moment.naive_utc().format("%Y-%m-%dT%H:%M:%S%.f").to_string(),
            }
        }
        DataType::Time32(unit) => time(at(count(&DataType::Int32)?, unit)?.time()),
        DataType::Time64(unit) => time(at(count(&DataType::Int64)?, unit)?.time()),
        _ => return None,
    })
}

fn time(time: NaiveTime) -> String {
    time.format("%H:%M:%S%.f").to_string()
}

/// So many units after the beginning of 1970.
fn at(count: i64, unit: &TimeUnit) -> Option<DateTime<Utc>> {
    let (a_second, nanoseconds) = match unit {
        TimeUnit::Second => (1, 1_000_000_000),
        TimeUnit::Millisecond => (1_000, 1_000_000),
        TimeUnit::Microsecond => (1_000_000, 1_000),
        TimeUnit::Nanosecond => (1_000_000_000, 1),
    };
    let rest = count.rem_euclid(a_second) * nanoseconds;
    DateTime::from_timestamp(count.div_euclid(a_second), u32::try_from(rest).ok()?)
}
