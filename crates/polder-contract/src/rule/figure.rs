//! Measured figures, and what holds of them.

use std::cmp::Ordering;
use std::fmt;

use super::Operator;

/// A measured figure.
#[derive(Debug, Clone, PartialEq)]
pub enum Figure {
    /// A whole number.
    Whole(i128),
    /// Any other number.
    Real(f64),
    /// Text.
    Text(String),
    /// Nothing.
    Null,
}

impl fmt::Display for Figure {
    /// Whole numbers with every digit, others with at most six behind the point and no needless zero.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(number) => write!(f, "{number}"),
            Self::Real(number) if number.is_finite() => {
                let text = format!("{number:.6}");
                let text = text.trim_end_matches('0').trim_end_matches('.');
                match text {
                    // Six digits would hide that there is something.
                    "0" | "-0" if *number != 0.0 => write!(f, "{number:e}"),
                    "-0" => f.write_str("0"),
                    text => f.write_str(text),
                }
            }
            Self::Real(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
            Self::Null => f.write_str("null"),
        }
    }
}

impl Operator {
    /// Whether the figure is what the operator asks for. Numbers are compared as numbers, text only for equality;
    /// nothing holds of null nor of NaN, and no order holds of what is no number.
    pub fn holds(&self, figure: &Figure) -> bool {
        let against = |bound: &str| order(figure, bound);
        match self {
            Self::MustBe(value) => equal(figure, value) == Some(true),
            Self::MustNotBe(value) => equal(figure, value) == Some(false),
            Self::GreaterThan(bound) => against(bound).is_some_and(Ordering::is_gt),
            Self::GreaterOrEqual(bound) => against(bound).is_some_and(Ordering::is_ge),
            Self::LessThan(bound) => against(bound).is_some_and(Ordering::is_lt),
            Self::LessOrEqual(bound) => against(bound).is_some_and(Ordering::is_le),
            Self::Between(low, high) => inside(figure, low, high) == Some(true),
            Self::NotBetween(low, high) => inside(figure, low, high) == Some(false),
        }
    }
}

fn equal(figure: &Figure, value: &str) -> Option<bool> {
    match figure {
        Figure::Null => None,
        // What is no number neither is the value nor another one.
        Figure::Real(number) if number.is_nan() => None,
        Figure::Text(text) => Some(text == value),
        // A query may well count truth as a number.
        Figure::Whole(number) if matches!(value, "true" | "false") => Some((*number == 1) == (value == "true")),
        _ => Some(order(figure, value) == Some(Ordering::Equal)),
    }
}

/// Both bounds are outside, by the standard's words.
fn inside(figure: &Figure, low: &str, high: &str) -> Option<bool> {
    Some(order(figure, low)?.is_gt() && order(figure, high)?.is_lt())
}

/// The figure against a declared number; none where either is no number.
fn order(figure: &Figure, bound: &str) -> Option<Ordering> {
    let bound = bound.trim();
    let real = || bound.parse::<f64>().ok().filter(|bound| !bound.is_nan());
    match figure {
        Figure::Whole(number) => match bound.trim_start_matches('+').parse::<i128>() {
            Ok(bound) => Some(number.cmp(&bound)),
            Err(_) => (*number as f64).partial_cmp(&real()?),
        },
        Figure::Real(number) => number.partial_cmp(&real()?),
        Figure::Text(_) | Figure::Null => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_shown_without_needless_digits() {
        let cases = [
            (Figure::Whole(-12), "-12"),
            (Figure::Real(2.50), "2.5"),
            (Figure::Real(100.0), "100"),
            (Figure::Real(100.0 / 3.0), "33.333333"),
            (Figure::Real(-0.0), "0"),
            (Figure::Real(0.000_000_01), "1e-8"),
            (Figure::Text("a".to_owned()), "a"),
            (Figure::Null, "null"),
        ];
        for (figure, text) in cases {
            assert_eq!(figure.to_string(), text, "{figure:?}");
        }
    }

    #[test]
    fn operators_hold_of_numbers_exactly_and_of_text_by_equality() {
        let word = |text: &str| text.to_owned();
        let big = Figure::Whole(9_007_199_254_740_993);
        assert!(Operator::MustBe(word("9007199254740993")).holds(&big));
        assert!(!Operator::MustBe(word("9007199254740992")).holds(&big));
        assert!(Operator::LessThan(word("0.5")).holds(&Figure::Whole(0)));
        assert!(Operator::Between(word("10"), word("20")).holds(&Figure::Whole(19)));
        assert!(!Operator::Between(word("10"), word("20")).holds(&Figure::Real(20.0)));
        assert!(Operator::NotBetween(word("10"), word("20")).holds(&Figure::Real(20.5)));
        assert!(Operator::MustBe(word("GBP")).holds(&Figure::Text(word("GBP"))));
        assert!(Operator::MustNotBe(word("GBP")).holds(&Figure::Text(word("EUR"))));
        assert!(Operator::MustBe(word("true")).holds(&Figure::Whole(1)));
        assert!(!Operator::GreaterThan(word("0")).holds(&Figure::Text(word("1"))));
        for operator in [
            Operator::MustBe(word("0")),
            Operator::MustNotBe(word("0")),
            Operator::NotBetween(word("0"), word("1")),
        ] {
            assert!(!operator.holds(&Figure::Null), "{operator:?}");
            assert!(!operator.holds(&Figure::Real(f64::NAN)), "{operator:?}");
        }
        assert!(!Operator::LessThan(word("0")).holds(&Figure::Real(f64::NAN)));
    }
}
