//! Exact numbers and instants as contracts write them, as the integers that columns hold: unscaled decimals, days and
//! microseconds since 1970.

use crate::column_type::ColumnType;
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};

/// A decimal number without rounding: `unscaled × 10^-scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Exact {
    unscaled: i128,
    scale: u32,
}

impl Exact {
    /// Reads `-12`, `0.050`, `1e3` or `2.5E-3`; `None` where the text is no number or needs more than 38 digits.
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (mantissa, exponent) = match text.find(['e', 'E']) {
            Some(at) => (&text[..at], text[at + 1..].parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (negative, digits) = match mantissa.as_bytes().first()? {
            b'-' => (true, &mantissa[1..]),
            b'+' => (false, &mantissa[1..]),
            _ => (false, mantissa),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let mut unscaled: i128 = 0;
        for byte in whole.bytes().chain(fraction.bytes()) {
            let digit = byte.is_ascii_digit().then(|| i128::from(byte - b'0'))?;
            unscaled = unscaled.checked_mul(10)?.checked_add(digit)?;
        }
        let scale = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
        let (unscaled, scale) = match u32::try_from(scale) {
            Ok(scale) => (unscaled, scale),
            Err(_) => (unscaled.checked_mul(power_of_ten(scale.unsigned_abs())?)?, 0),
        };
        Some(Self {
            unscaled: if negative { -unscaled } else { unscaled },
            scale,
        })
    }

    /// The number in units of `10^-scale`, rounded down or up where it lies between two; `None` on overflow.
    fn at_scale(self, scale: u32, up: bool) -> Option<i128> {
        if self.scale <= scale {
            return self.unscaled.checked_mul(power_of_ten(scale - self.scale)?);
        }
        let Some(divisor) = power_of_ten(self.scale - scale) else {
            // Smaller than one unit, whatever the digits are.
            return Some(i128::from(up && self.unscaled > 0) - i128::from(!up && self.unscaled < 0));
        };
        let floor = self.unscaled.div_euclid(divisor);
        Some(if up && self.unscaled.rem_euclid(divisor) != 0 {
            floor + 1
        } else {
            floor
        })
    }

    /// The number in units of `10^-scale`, where it is a whole number of them.
    fn exactly_at_scale(self, scale: u32) -> Option<i128> {
        let floor = self.at_scale(scale, false)?;
        (Some(floor) == self.at_scale(scale, true)).then_some(floor)
    }
}

/// `10^exponent`, where it fits.
pub fn power_of_ten(exponent: u32) -> Option<i128> {
    10i128.checked_pow(exponent)
}

/// Which of two bounds a number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Values must be at least (exclusive: above) it.
    Low,
    /// Values must be at most (exclusive: below) it.
    High,
}

/// The smallest or largest integer that a column of this type may hold under a declared bound: unscaled units of a
/// decimal, days of a date, microseconds of a timestamp. `None` where the text is no value of the type.
pub fn bound(column: &ColumnType, text: &str, side: Side, exclusive: bool) -> Option<i128> {
    match scale_of(column) {
        Some(scale) => {
            let number = Exact::parse(text)?;
            let nearest = number.at_scale(scale, side == Side::Low)?;
            // A bound between two units is never hit, so it excludes nothing more than its neighbour does.
            let step = i128::from(exclusive && number.exactly_at_scale(scale).is_some());
            match side {
                Side::Low => nearest.checked_add(step),
                Side::High => nearest.checked_sub(step),
            }
        }
        None => {
            let value = moment(column, text)?;
            let step = i128::from(exclusive);
            Some(if side == Side::Low { value + step } else { value - step })
        }
    }
}

/// A declared value as the integer that the column holds, where the column can hold it exactly.
pub fn value(column: &ColumnType, text: &str) -> Option<i128> {
    match scale_of(column) {
        Some(scale) => Exact::parse(text)?.exactly_at_scale(scale),
        None => moment(column, text),
    }
}

/// A divisor in the column's own units: the pair `(shift, divisor)` for which a stored integer `x` is a multiple
/// exactly when `x × shift` is divisible by `divisor`. `None` where the text is no positive number, or so fine that
/// the product could overflow.
pub fn divisor(column: &ColumnType, text: &str) -> Option<(i128, i128)> {
    let scale = scale_of(column)?;
    let number = Exact::parse(text).filter(|number| number.unscaled > 0)?;
    let common = scale.max(number.scale);
    let shift = power_of_ten(common - scale)?;
    let divisor = number.unscaled.checked_mul(power_of_ten(common - number.scale)?)?;
    // The check reduces by the divisor first, so remainders times the shift must fit.
    divisor.checked_mul(shift)?;
    Some((shift, divisor))
}

/// Digits after the point of a number column; `None` for what is no exact number.
fn scale_of(column: &ColumnType) -> Option<u32> {
    match column {
        ColumnType::Int32 | ColumnType::Int64 => Some(0),
        ColumnType::Decimal { scale, .. } => Some(*scale),
        _ => None,
    }
}

/// Days since 1970 of a date, microseconds of a timestamp. An instant without an offset is read as UTC, a plain date
/// as its first moment.
fn moment(column: &ColumnType, text: &str) -> Option<i128> {
    let date = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    let local = || {
        let text = text.replacen(' ', "T", 1);
        NaiveDateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S%.f")
            .ok()
            .or_else(|| date().map(|day| day.and_time(NaiveTime::MIN)))
            .map(|moment| moment.and_utc())
    };
    match column {
        ColumnType::Date => date().map(|day| i128::from((day - NaiveDate::default()).num_days())),
        ColumnType::Timestamp => DateTime::parse_from_rfc3339(text)
            .map(|instant| instant.to_utc())
            .ok()
            .or_else(local)
            .map(|instant| i128::from(instant.timestamp_micros())),
        ColumnType::TimestampLocal => local().map(|moment| i128::from(moment.timestamp_micros())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CENTS: ColumnType = ColumnType::Decimal {
        precision: 12,
        scale: 2,
    };

    #[test]
    fn bounds_between_two_units_move_to_the_inner_neighbour() {
        assert_eq!(bound(&CENTS, "0.005", Side::Low, false), Some(1));
        assert_eq!(bound(&CENTS, "0.005", Side::Low, true), Some(1));
        assert_eq!(bound(&CENTS, "0.005", Side::High, true), Some(0));
        assert_eq!(bound(&CENTS, "-0.005", Side::Low, false), Some(0));
        assert_eq!(bound(&CENTS, "-0.005", Side::High, false), Some(-1));
    }

    #[test]
    fn exclusive_bounds_leave_their_own_value_out() {
        assert_eq!(bound(&CENTS, "1.5", Side::Low, true), Some(151));
        assert_eq!(bound(&CENTS, "1.5", Side::High, true), Some(149));
        assert_eq!(bound(&ColumnType::Int32, "0", Side::Low, true), Some(1));
        assert_eq!(bound(&ColumnType::Date, "1970-01-02", Side::High, true), Some(0));
    }

    #[test]
    fn numbers_are_read_in_every_notation_and_nothing_else_is() {
        assert_eq!(value(&CENTS, "1e3"), Some(100_000));
        assert_eq!(value(&CENTS, "-2.5E-1"), Some(-25));
        assert_eq!(value(&CENTS, "+.5"), Some(50));
        assert_eq!(value(&CENTS, "0.001"), None);
        for text in [
            "",
            "-",
            ".",
            "abc",
            "1_000",
            "0x10",
            "1e",
            "NaN",
            "99999999999999999999999999999999999999999",
        ] {
            assert_eq!(value(&CENTS, text), None, "{text}");
        }
        assert_eq!(bound(&CENTS, "1e-60", Side::Low, false), Some(1));
    }

    #[test]
    fn instants_are_read_with_and_without_offset() {
        let hour = 3_600_000_000;
        assert_eq!(value(&ColumnType::Timestamp, "1970-01-01T02:00:00+01:00"), Some(hour));
        assert_eq!(value(&ColumnType::Timestamp, "1970-01-01 01:00:00"), Some(hour));
        assert_eq!(value(&ColumnType::Timestamp, "1970-01-02"), Some(24 * hour));
        assert_eq!(
            value(&ColumnType::TimestampLocal, "1970-01-01T01:00:00.5"),
            Some(hour + 500_000)
        );
        assert_eq!(value(&ColumnType::TimestampLocal, "1970-01-01T01:00:00Z"), None);
        assert_eq!(value(&ColumnType::Date, "1969-12-31"), Some(-1));
    }

    #[test]
    fn divisors_finer_than_the_column_are_compared_exactly() {
        let (shift, by) = divisor(&CENTS, "0.125").unwrap();
        let multiple = |x: i128| (x % by) * shift % by == 0;
        assert!(multiple(25) && multiple(0) && multiple(-50));
        assert!(!multiple(12) && !multiple(13));
        assert_eq!(divisor(&CENTS, "0"), None);
    }
}
