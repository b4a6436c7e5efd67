//! Whether a float is a multiple of another, as people who write decimals mean it.
//!
//! A float stands for the shortest decimal that is read back as it, so 1234567.89 is a multiple of 0.01 although neither is
//! held exactly, and 0.010000000000000002 is none.

/// Every whole number below it, times a power of ten or not, is the shortest decimal of the float nearest to it.
const EXACT: f64 = 1e15;
/// Powers of ten that floats hold exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// A number above zero, `digits × 10^exponent`, of which floats are to be multiples.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Divisor {
    value: f64,
    digits: u64,
    exponent: i32,
}

impl Divisor {
    /// `None` where the number is not above zero and finite.
    pub(crate) fn new(value: f64) -> Option<Self> {
        let (digits, exponent) = shortest(value).filter(|_| value > 0.0)?;
        Some(Self {
            value,
            digits,
            exponent,
        })
    }

    /// Whether a float is a whole number of these; what is no number, or infinite, is not.
    pub(crate) fn divides(self, value: f64) -> bool {
        if !value.is_finite() {
            return false;
        }
        let whole = (value / self.value).round() * self.digits as f64;
        match POWERS.get(self.exponent.unsigned_abs() as usize) {
            // Both factors are exact, so the product is the float nearest to the multiple.
            Some(power) if whole.abs() < EXACT && self.exponent < 0 => whole / power == value,
            Some(power) if whole.abs() < EXACT => whole * power == value,
            _ => self.divides_digits(value),
        }
    }

    /// The same by the digits, which is slower.
    fn divides_digits(self, value: f64) -> bool {
        let Some((digits, exponent)) = shortest(value.abs()) else {
            return false;
        };
        if digits == 0 {
            return true;
        }
        // Digits do not end with a zero, so they are no multiple of ten times anything.
        let Ok(mut zeros) = u32::try_from(exponent - self.exponent) else {
            return false;
        };
        let by = u128::from(self.digits);
        let (mut rest, mut power) = (u128::from(digits) % by, 10 % by);
        while zeros > 0 {
            if zeros % 2 == 1 {
                rest = rest * power % by;
            }
            power = power * power % by;
            zeros /= 2;
        }
        rest == 0
    }
}

/// The shortest decimal that is read back as a float: its digits, which do not end with a zero, and their power of ten.
fn shortest(value: f64) -> Option<(u64, i32)> {
    let text = format!("{value:e}");
    let (mantissa, exponent) = text.split_once('e')?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: u64 = format!("{whole}{fraction}").parse().ok()?;
    let exponent: i32 = exponent.parse().ok()?;
    Some((digits, exponent - i32::try_from(fraction.len()).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn divides(by: f64, value: f64) -> bool {
        Divisor::new(by).unwrap().divides(value)
    }

    #[test]
    fn amounts_in_cents_are_multiples_of_a_cent_however_large() {
        let mut seed: u64 = 7;
        for digits in 1..=15 {
            for _ in 0..2_000 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let cents = (seed >> 11) % 10_u64.pow(digits);
                // As a program reads what people write.
                let text = format!("-{}.{:02}", cents / 100, cents % 100);
                assert!(divides(0.01, text.parse().unwrap()), "{text}");
                let text = format!("{}.{:02}1", cents / 100, cents % 100);
                // Sixteen digits can be one float with fifteen.
                assert!(digits == 15 || !divides(0.01, text.parse().unwrap()), "{text}");
            }
        }
        for value in [1_234_567.89, 98_765_432.1, 0.07, 0.0, -0.0] {
            assert!(divides(0.01, value), "{value}");
        }
    }

    #[test]
    fn what_is_a_hair_beside_a_multiple_is_none() {
        for value in [
            1e-12,
            0.010_000_000_001,
            0.010_000_000_000_000_002,
            0.005,
            f64::NAN,
            f64::INFINITY,
        ] {
            assert!(!divides(0.01, value), "{value}");
        }
    }

    #[test]
    fn numbers_of_many_digits_are_told_by_their_digits() {
        assert!(divides(3.0, 3e22) && divides(0.5, 1e300) && divides(1e300, 5e300));
        assert!(!divides(7.0, 3e22) && !divides(1e300, 1.5e300));
        // 2^53, and 2^53 + 2.
        assert!(divides(4.0, 9_007_199_254_740_992.0) && !divides(4.0, 9_007_199_254_740_994.0));
        assert!(divides(0.000_000_000_000_000_1, 0.123_456_789_012_345_6));
        assert!(!divides(1e-30, 1.5e-30) && divides(1e-30, 2e-30));
    }

    #[test]
    fn only_numbers_above_zero_divide() {
        for value in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Divisor::new(value).is_none(), "{value}");
        }
    }
}
