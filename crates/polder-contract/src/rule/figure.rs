//! Measured figures, and what holds of them.

use std::cmp::Ordering;
use std::fmt;

use super::Operator;
use crate::bound::{normal, order as order_of_bounds};
use crate::column_type::ColumnType;

/// A measured figure.
#[derive(Debug, Clone, PartialEq)]
pub enum Figure {
    /// A whole number.
    Whole(i128),
    /// Any other number.
    Real(f64),
    /// A decimal with more digits than a double holds, as it is written.
    Decimal(String),
    /// A date or time as contracts write bounds: `YYYY-MM-DD`, an instant by RFC 3339 in UTC, a local timestamp, `HH:MM:SS`.
    Moment(String),
    /// Text.
    Text(String),
    /// Nothing.
    Null,
}

impl Figure {
    /// A decimal as it is written: a double where that holds all its digits.
    pub fn of_decimal(text: &str) -> Self {
        let short = match text.contains('.') {
            true => text.trim_end_matches('0').trim_end_matches('.'),
            false => text,
        };
        match text.parse::<f64>() {
            Ok(number) if number.to_string() == short => Self::Real(number),
            Ok(_) => Self::Decimal(short.to_owned()),
            Err(_) => Self::Text(text.to_owned()),
        }
    }

    /// The order with a number as it is written, digit by digit; none where either is no number.
    pub fn order(&self, number: &str) -> Option<Ordering> {
        order(self, number)
    }

    /// The figure with all its digits, so that it reads back as the same number; none of what is no number.
    pub fn digits(&self) -> Option<String> {
        match self {
            Self::Whole(number) => Some(number.to_string()),
            Self::Real(number) => (!number.is_nan()).then(|| number.to_string()),
            Self::Decimal(text) => Some(text.clone()),
            Self::Moment(_) | Self::Text(_) | Self::Null => None,
        }
    }
}

impl fmt::Display for Figure {
    /// Whole numbers and long decimals with every digit, others with at most six behind the point and no needless zero.
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
            Self::Decimal(text) | Self::Moment(text) | Self::Text(text) => f.write_str(text),
            Self::Null => f.write_str("null"),
        }
    }
}

impl Operator {
    /// Whether the figure is what the operator asks for. Numbers are compared as numbers, dates, times and text only for
    /// equality; nothing holds of null nor of NaN, and no order holds of what is no number.
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

    /// Why a figure of a type can never be what the operator asks for, and what to do about it: numbers have no order with
    /// text, dates and times, and not every text is a date or a time.
    pub fn misfit(&self, kind: &ColumnType) -> Option<(String, &'static str)> {
        use ColumnType as T;
        let moment = matches!(kind, T::Date | T::Timestamp | T::TimestampLocal | T::Time);
        match self {
            Self::MustBe(value) | Self::MustNotBe(value) if moment => {
                let why = normal(kind, value.trim(), None).err()?;
                Some((
                    format!("the query gives a {kind}, and {why}"),
                    "write both the same way",
                ))
            }
            Self::MustBe(_) | Self::MustNotBe(_) => None,
            _ if moment || *kind == T::String => Some((
                format!(
                    "the query gives a {kind}, which has no order with a number, and {} is asked",
                    self.says()
                ),
                "ask for a number, such as how many seconds ago it was, or for the one value with mustBe",
            )),
            _ => None,
        }
    }
}

fn equal(figure: &Figure, value: &str) -> Option<bool> {
    match figure {
        Figure::Null => None,
        // What is no number neither is the value nor another one.
        Figure::Real(number) if number.is_nan() => None,
        Figure::Moment(moment) => Some(same_moment(moment, value)),
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

/// The figure against a declared number, digit by digit; none where either is no number.
fn order(figure: &Figure, bound: &str) -> Option<Ordering> {
    let bound = bound.trim();
    let real = || bound.parse::<f64>().ok().filter(|bound| !bound.is_nan());
    let exact = |text: &str| Some(Written::read(text)?.order(&Written::read(bound)?));
    match figure {
        Figure::Whole(number) => match exact(&number.to_string()) {
            None => (*number as f64).partial_cmp(&real()?),
            exact => exact,
        },
        // As many digits as it takes to tell it from all other doubles; the bound may have more.
        Figure::Real(number) => match number.partial_cmp(&real()?)? {
            Ordering::Equal => exact(&number.to_string()).or(Some(Ordering::Equal)),
            unequal => Some(unequal),
        },
        Figure::Decimal(text) => match exact(text) {
            None => text.parse::<f64>().ok()?.partial_cmp(&real()?),
            exact => exact,
        },
        Figure::Moment(_) | Figure::Text(_) | Figure::Null => None,
    }
}

/// A number of digits and perhaps a point, however long, without needless zeros.
struct Written<'t> {
    negative: bool,
    whole: &'t str,
    fraction: &'t str,
}

impl<'t> Written<'t> {
    /// None where it is written otherwise, as with an exponent.
    fn read(text: &'t str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() && fraction.is_empty() || !digits(whole) || !digits(fraction) {
            return None;
        }
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        Some(Self {
            negative: negative && !(whole.is_empty() && fraction.is_empty()),
            whole,
            fraction,
        })
    }

    fn order(&self, other: &Self) -> Ordering {
        let size = |number: &Self| (number.whole.len(), number.whole.to_owned(), number.fraction.to_owned());
        match (self.negative, other.negative) {
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => size(self).cmp(&size(other)),
            (true, true) => size(other).cmp(&size(self)),
        }
    }
}

/// Whether a value stands for the same date or time; both are texts.
fn same_moment(moment: &str, value: &str) -> bool {
    let kind = match moment {
        _ if moment.ends_with('Z') => ColumnType::Timestamp,
        _ if moment.contains('T') => ColumnType::TimestampLocal,
        _ if moment.contains(':') => ColumnType::Time,
        _ => ColumnType::Date,
    };
    match (normal(&kind, moment, None), normal(&kind, value.trim(), None)) {
        (Ok(moment), Ok(value)) => order_of_bounds(&kind, &moment, &value) == Some(Ordering::Equal),
        _ => moment == value,
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
    fn a_decimal_that_no_double_holds_keeps_its_digits() {
        assert_eq!(Figure::of_decimal("1.50"), Figure::Real(1.5));
        assert_eq!(Figure::of_decimal("-100.000"), Figure::Real(-100.0));
        let sum = Figure::of_decimal("12345678901234567.8900");
        assert_eq!(sum.to_string(), "12345678901234567.89");
        let holds = |operator: Operator| operator.holds(&sum);
        assert!(holds(Operator::MustBe("12345678901234567.89".to_owned())));
        assert!(holds(Operator::MustBe("+12345678901234567.890".to_owned())));
        assert!(!holds(Operator::MustBe("12345678901234567.88".to_owned())));
        assert!(holds(Operator::GreaterThan("12345678901234567.88".to_owned())));
        assert!(holds(Operator::LessThan("12345678901234568".to_owned())));
        assert!(holds(Operator::GreaterThan("-1e3".to_owned())));
        // Too long for the exact way.
        assert!(holds(Operator::LessThan("9".repeat(60))));
        let small = Figure::of_decimal(&format!("0.{}1", "0".repeat(37)));
        assert!(Operator::LessThan(format!("1.{}", "0".repeat(30))).holds(&small));
    }

    #[test]
    fn bounds_are_told_from_figures_by_every_digit() {
        let long = "100.000000000000000001";
        for figure in [Figure::Whole(100), Figure::Real(100.0)] {
            assert!(Operator::LessThan(long.to_owned()).holds(&figure), "{figure:?}");
            assert!(!Operator::MustBe(long.to_owned()).holds(&figure), "{figure:?}");
            assert!(Operator::MustBe("+0100.00".to_owned()).holds(&figure), "{figure:?}");
        }
        assert!(!Operator::LessOrEqual("100".to_owned()).holds(&Figure::of_decimal(long)));
        // In order, each against each.
        let tiny = format!("0.{}1", "0".repeat(60));
        let numbers = [
            "-12.5",
            "-12",
            "-2.51",
            "-2.5",
            "0",
            tiny.as_str(),
            "2.5",
            "2.51",
            "10",
            "12345678901234567.89",
        ];
        for (at, number) in numbers.iter().enumerate() {
            for (than, bound) in numbers.iter().enumerate() {
                let figure = Figure::Decimal((*number).to_owned());
                assert_eq!(
                    Operator::LessThan((*bound).to_owned()).holds(&figure),
                    at < than,
                    "{number} < {bound}"
                );
                assert_eq!(
                    Operator::MustBe((*bound).to_owned()).holds(&figure),
                    at == than,
                    "{number} = {bound}"
                );
            }
        }
        assert!(Operator::MustBe("-0.0".to_owned()).holds(&Figure::Whole(0)));
        assert!(Operator::MustBe("1e2".to_owned()).holds(&Figure::Whole(100)));
    }

    #[test]
    fn a_moment_is_what_is_asked_however_that_is_written() {
        let holds = |moment: &str, value: &str| {
            let moment = Figure::Moment(moment.to_owned());
            let is = Operator::MustBe(value.to_owned()).holds(&moment);
            assert_ne!(Operator::MustNotBe(value.to_owned()).holds(&moment), is, "{value}");
            assert!(!Operator::GreaterThan("0".to_owned()).holds(&moment));
            is
        };
        assert!(holds("2026-01-31T08:00:00Z", "2026-01-31T09:00:00+01:00"));
        assert!(holds("2026-01-31T08:00:00.500Z", "2026-01-31 08:00:00.5"));
        assert!(holds("2026-01-31T00:00:00Z", "2026-01-31"));
        assert!(!holds("2026-01-31T08:00:00Z", "2026-01-31T08:00:00.001Z"));
        assert!(holds("2026-01-31T08:00:00", "2026-01-31 08:00:00"));
        assert!(holds("2026-01-31", "2026-01-31") && !holds("2026-01-31", "2026-02-01"));
        assert!(holds("08:00:00", "08:00") && !holds("08:00:00", "soon"));
    }

    #[test]
    fn what_no_figure_of_a_type_can_be_is_told() {
        let (least, day) = (
            Operator::GreaterThan("5".to_owned()),
            Operator::MustBe("2026-01-31".to_owned()),
        );
        for kind in [ColumnType::Timestamp, ColumnType::Date, ColumnType::String] {
            assert!(least.misfit(&kind).is_some() && day.misfit(&kind).is_none(), "{kind}");
        }
        assert!(least.misfit(&ColumnType::Int64).is_none());
        assert!(day.misfit(&ColumnType::Time).is_some());
        let (why, _) = Operator::MustNotBe("soon".to_owned())
            .misfit(&ColumnType::Timestamp)
            .unwrap();
        assert!(why.contains("`soon` is not an instant"), "{why}");
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
