//! Exact decimal numbers as documents write them, so that thresholds are compared without rounding.

use std::cmp::Ordering;

/// A number of any length: `0.<digits> × 10^exponent`, digits without leading and trailing zeros.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Number {
    negative: bool,
    digits: Vec<u8>,
    exponent: i64,
}

impl Number {
    /// Reads a number by YAML's core schema; nothing for what is none or has no end (`.inf`).
    pub(super) fn read(text: &str) -> Option<Self> {
        if let Some(based) = based(text) {
            return Self::read(&based.to_string());
        }
        let (negative, unsigned) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
            Some(at) => (&unsigned[..at], unsigned[at + 1..].parse::<i64>().ok()?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
        if !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let leading = digits.iter().take_while(|digit| **digit == b'0').count();
        let exponent = exponent.checked_add(whole.len() as i64)?.checked_sub(leading as i64)?;
        digits.drain(..leading);
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        if digits.is_empty() {
            return Some(Self {
                negative: false,
                digits,
                exponent: 0,
            });
        }
        Some(Self {
            negative,
            digits,
            exponent,
        })
    }

    /// So many units of `10^-scale`.
    pub(super) fn of_units(units: i128, scale: u32) -> Option<Self> {
        Self::read(&format!("{units}e-{scale}"))
    }

    /// The number times `10^places`.
    pub(super) fn shifted(&self, places: u32) -> Self {
        let exponent = match self.is_zero() {
            true => 0,
            false => self.exponent.saturating_add(places.into()),
        };
        Self {
            exponent,
            ..self.clone()
        }
    }

    /// The number with the other sign.
    pub(super) fn negated(&self) -> Self {
        Self {
            negative: !self.negative && !self.is_zero(),
            ..self.clone()
        }
    }

    /// Whether this is 0.
    pub(super) fn is_zero(&self) -> bool {
        self.digits.is_empty()
    }

    /// The greatest whole number that is not greater; nothing beyond 38 digits.
    pub(super) fn floor(&self) -> Option<i128> {
        let (whole, fraction) = self.parts()?;
        Some(if self.negative {
            -whole - i128::from(fraction)
        } else {
            whole
        })
    }

    /// The least whole number that is not less; nothing beyond 38 digits.
    pub(super) fn ceil(&self) -> Option<i128> {
        let (whole, fraction) = self.parts()?;
        Some(if self.negative {
            -whole
        } else {
            whole + i128::from(fraction)
        })
    }

    /// The whole part, and whether there is more.
    fn parts(&self) -> Option<(i128, bool)> {
        let places = usize::try_from(self.exponent.max(0))
            .ok()
            .filter(|places| *places <= 38)?;
        let digits = (0..places).map(|at| self.digits.get(at).copied().unwrap_or(b'0'));
        let whole = digits.fold(0_i128, |whole, digit| whole * 10 + i128::from(digit - b'0'));
        Some((whole, self.digits.len() > places))
    }

    /// One text for all ways of writing the number.
    pub(super) fn normal(&self) -> String {
        let sign = if self.negative { "-" } else { "" };
        format!("{sign}0.{}e{}", String::from_utf8_lossy(&self.digits), self.exponent)
    }

    /// Whether this is a whole multiple of `unit`; nothing where the two have too many digits to tell.
    pub(super) fn is_multiple_of(&self, unit: &Self) -> Option<bool> {
        if unit.is_zero() {
            return None;
        }
        let places = |number: &Self| (number.digits.len() as i64).saturating_sub(number.exponent);
        let scale = places(self).max(places(unit)).max(0);
        Some(self.scaled(scale)? % unit.scaled(scale)? == 0)
    }

    /// The number times `10^scale`, where that is whole and fits.
    fn scaled(&self, scale: i64) -> Option<i128> {
        let zeros = self
            .exponent
            .checked_add(scale)?
            .checked_sub(self.digits.len() as i64)?;
        let zeros = u32::try_from(zeros).ok()?;
        let digits: i128 = if self.is_zero() {
            0
        } else {
            std::str::from_utf8(&self.digits).ok()?.parse().ok()?
        };
        digits.checked_mul(10_i128.checked_pow(zeros)?)
    }

    fn magnitude(&self, other: &Self) -> Ordering {
        match (self.is_zero(), other.is_zero()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => self
                .exponent
                .cmp(&other.exponent)
                .then_with(|| self.digits.cmp(&other.digits)),
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.magnitude(other),
            (true, true) => other.magnitude(self),
        }
    }
}

fn based(text: &str) -> Option<u128> {
    let digits = |prefix: &str, radix| u128::from_str_radix(text.strip_prefix(prefix)?, radix).ok();
    digits("0x", 16).or_else(|| digits("0o", 8))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        Number::read(text).unwrap()
    }

    #[test]
    fn numbers_are_the_same_however_they_are_written() {
        for (a, b) in [
            ("1", "1.0"),
            ("1e3", "1000"),
            ("0.50", ".5"),
            ("-0", "0.00"),
            ("0x1F", "31"),
            ("+7", "007"),
        ] {
            assert_eq!(number(a), number(b), "{a} {b}");
        }
        for text in ["", "-", ".", "ten", ".inf", "1e", "1_000", "--1"] {
            assert_eq!(Number::read(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_have_their_order_to_the_last_digit() {
        let sorted = [
            "-1e40",
            "-10",
            "-9.5",
            "-0.01",
            "0",
            "0.01",
            "0.0100000000000000000000001",
            "9.5",
            "10",
            "1e40",
        ];
        for (i, a) in sorted.iter().enumerate() {
            for (j, b) in sorted.iter().enumerate() {
                assert_eq!(number(a).cmp(&number(b)), i.cmp(&j), "{a} {b}");
            }
        }
    }

    #[test]
    fn numbers_have_whole_ones_around_them() {
        for (text, floor, ceil) in [
            ("0", 0, 0),
            ("0.01", 0, 1),
            ("-0.01", -1, 0),
            ("1.0", 1, 1),
            ("1.5", 1, 2),
            ("-1.5", -2, -1),
            ("12e2", 1200, 1200),
            ("-700", -700, -700),
            (
                "99999999999999999999999999999999999999.5",
                99_999_999_999_999_999_999_999_999_999_999_999_999,
                10_i128.pow(38),
            ),
        ] {
            assert_eq!(
                (number(text).floor(), number(text).ceil()),
                (Some(floor), Some(ceil)),
                "{text}"
            );
        }
        assert_eq!(number("1e38").floor(), None);
    }

    #[test]
    fn numbers_are_counted_in_units() {
        for (units, scale, text) in [
            (0, 2, "0"),
            (-101, 2, "-1.01"),
            (i128::MAX, 0, "170141183460469231731687303715884105727"),
            (i128::MIN, 38, "-1.70141183460469231731687303715884105728"),
        ] {
            let found = Number::of_units(units, scale).unwrap();
            assert_eq!(found, number(text));
            assert_eq!(found.shifted(scale), number(&units.to_string()));
        }
        assert_eq!(number("-1.5").negated(), number("1.5"));
        assert_eq!(number("0").negated(), number("0"));
    }

    #[test]
    fn multiples_are_recognised() {
        assert_eq!(number("0.10").is_multiple_of(&number("0.01")), Some(true));
        assert_eq!(number("0.01").is_multiple_of(&number("0.1")), Some(false));
        assert_eq!(number("100").is_multiple_of(&number("5")), Some(true));
        assert_eq!(number("1e60").is_multiple_of(&number("1e-60")), None);
        assert_eq!(number("1").is_multiple_of(&number("0")), None);
        for exponent in [
            "9223372036854775807",
            "-9223372036854775808",
            "-9223372036854775807",
            "4294967296",
        ] {
            if let Some(extreme) = Number::read(&format!("7e{exponent}")) {
                assert_eq!(number("1").is_multiple_of(&extreme), None, "{exponent}");
                assert_eq!(extreme.is_multiple_of(&number("0.3")), None, "{exponent}");
            }
        }
    }
}
