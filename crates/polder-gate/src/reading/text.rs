//! Text into values of the contract's types, without changing what it says.

use chrono::NaiveDate;

use crate::times::calendar_day;

/// Digits that an `i128` surely holds.
const MAX_DIGITS: usize = 38;

/// A decimal number (`-12.340`, `1e3`) as an unscaled integer of `precision` digits with `scale` of them behind the
/// point; nothing when it does not fit exactly.
pub(super) fn decimal(text: &str, precision: u8, scale: i8) -> Option<i128> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut value: i128 = 0;
    let mut digits = 0;
    for byte in whole.bytes().chain(fraction.trim_end_matches('0').bytes()) {
        if !byte.is_ascii_digit() {
            return None;
        }
        if value != 0 || byte != b'0' {
            digits += 1;
        }
        if digits > MAX_DIGITS {
            return None;
        }
        value = value * 10 + i128::from(byte - b'0');
    }
    // The point's place: `value` stands for value × 10^-behind.
    let behind = i32::try_from(fraction.trim_end_matches('0').len())
        .ok()?
        .checked_sub(exponent)?;
    let mut shift = i32::from(scale).checked_sub(behind)?;
    if value == 0 {
        return Some(0);
    }
    while shift > 0 {
        value = value.checked_mul(10)?;
        shift -= 1;
    }
    while shift < 0 {
        if value % 10 != 0 {
            return None;
        }
        value /= 10;
        shift += 1;
    }
    let limit = 10_i128.checked_pow(u32::from(precision));
    if limit.is_some_and(|limit| value >= limit) {
        return None;
    }
    Some(if negative { -value } else { value })
}

/// A whole number, also written `12.0` or `1e3`.
pub(super) fn integer(text: &str) -> Option<i64> {
    match text.parse() {
        Ok(value) => Some(value),
        Err(_) => decimal(text, MAX_DIGITS as u8, 0)?.try_into().ok(),
    }
}

/// A date in days since 1970.
pub(super) fn date(text: &str) -> Option<i32> {
    let date = calendar_day(text)?;
    let epoch = NaiveDate::default();
    date.signed_duration_since(epoch).num_days().try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_keep_every_digit() {
        let cases = [
            ("2.55", 12, 3, Some(2_550)),
            ("-11062.06", 12, 3, Some(-11_062_060)),
            ("0.001", 12, 3, Some(1)),
            ("1.2340", 12, 3, Some(1_234)),
            ("1.2345", 12, 3, None),
            ("+7", 12, 3, Some(7_000)),
            (".5", 12, 3, Some(500)),
            ("1e3", 12, 3, Some(1_000_000)),
            ("12e-4", 12, 3, None),
            ("1200e-2", 12, 3, Some(12_000)),
            ("999999999.999", 12, 3, Some(999_999_999_999)),
            ("1000000000", 12, 3, None),
            ("0e99999", 12, 3, Some(0)),
            ("1e999", 12, 3, None),
            (
                "99999999999999999999999999999999999999",
                38,
                0,
                Some(99999999999999999999999999999999999999),
            ),
            ("999999999999999999999999999999999999999", 38, 0, None),
            ("000000000000000000000000000000000000000001", 3, 0, Some(1)),
            ("", 12, 3, None),
            ("-", 12, 3, None),
            (".", 12, 3, None),
            ("1,5", 12, 3, None),
            ("0x1", 12, 3, None),
            ("nan", 12, 3, None),
            ("1 ", 12, 3, None),
        ];
        for (text, precision, scale, wanted) in cases {
            assert_eq!(decimal(text, precision, scale), wanted, "{text}");
        }
    }

    #[test]
    fn integers_may_be_written_as_decimals_and_must_be_whole() {
        let cases = [
            ("5", Some(5)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("5.0", Some(5)),
            ("1e3", Some(1000)),
            ("5.5", None),
            ("five", None),
        ];
        for (text, wanted) in cases {
            assert_eq!(integer(text), wanted, "{text}");
        }
    }

    #[test]
    fn dates_are_days_of_the_calendar() {
        assert_eq!(date("2010-12-01"), Some(14_944));
        for other in [
            "2010-13-01",
            "10-12-01",
            "2010-1-31",
            "+2010-12-01",
            " 2010-12-01",
            "2010-12-1 ",
            "2010/12/01",
            "２010-12-1",
        ] {
            assert_eq!(date(other), None, "{other}");
        }
    }
}
