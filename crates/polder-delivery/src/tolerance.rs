//! When a rule about the table that would not hold refuses a commit, and when the commit is not to blame.

use polder_contract::rule::{Figure, Metric, Operator, SetTest};
use polder_gate::table::{RuleResult, RuleVerdict, TableReport};

/// Why a rule that would not hold after a commit does not refuse it: the table did not keep it before either, and comes
/// no further from what is asked. Otherwise a table that breaks a rule once (rows that are too old after an outage, too
/// few of them) would take nothing any more, not even what mends it. Of a table without rows nothing can be kept, so
/// that the first rows are judged as they are; only they can be no reason to refuse what asks for rows that are there:
/// freshness, volume, and a least number of rows.
pub(crate) fn tolerated(test: &SetTest, before: &TableReport, after: &RuleResult) -> Option<Tolerance> {
    let now = after.figure.as_ref()?;
    let was = before.results.iter().find(|result| result.rule == after.rule)?;
    // Nobody can make up for a value that is yet to come but who takes it away again: it may only have been there before.
    if test.lies_ahead(now) && was.figure.as_ref() != Some(now) {
        return None;
    }
    let broken = matches!(was.verdict, RuleVerdict::Failed | RuleVerdict::Warned);
    let was = was.figure.as_ref();
    if before.rows == Some(0) {
        let excused = match test.metric {
            Metric::Freshness { .. } | Metric::Volume { .. } => true,
            Metric::Rows => broken && was.is_some_and(|was| no_worse(&test.operator, was, now)),
            _ => false,
        };
        return excused.then_some(Tolerance::NoRows);
    }
    let was = was.filter(|was| broken && no_worse(&test.operator, was, now))?;
    Some(Tolerance::NoWorse { was: was.clone() })
}

/// Why a rule that would not hold after a commit does not refuse it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Tolerance {
    /// The table has no rows.
    NoRows,
    /// The figure is no further from what is asked.
    NoWorse {
        /// What it is without the commit.
        was: Figure,
    },
}

impl Tolerance {
    /// In words, with the figure where it may be told.
    pub(crate) fn in_words(&self, told: bool) -> String {
        match self {
            Self::NoRows => "the table has no rows yet, so it is not refused".to_owned(),
            Self::NoWorse { was } if told => {
                format!("without these rows it is {was} and no better, so it is not refused")
            }
            Self::NoWorse { .. } => "without these rows it is no better, so it is not refused".to_owned(),
        }
    }
}

/// Whether, of two figures that are not what is asked, the second is no further from it. One on the other side is.
fn no_worse(operator: &Operator, before: &Figure, after: &Figure) -> bool {
    let is_nan = |figure: &Figure| matches!(figure, Figure::Real(number) if number.is_nan());
    match (is_nan(before), is_nan(after)) {
        (true, true) => true,
        (_, true) => false,
        // There was nothing that could be asked for, and there is something.
        _ if is_nan(before) || *before == Figure::Null => {
            after == before || (after.digits().is_some() && !matches!(operator, Operator::MustNotBe(_)))
        }
        _ => before == after || no_further(operator, before, after) == Some(true),
    }
}

/// The same of two numbers, by every digit, so that no row of small steps leads away; nothing where one is none.
fn no_further(operator: &Operator, before: &Figure, after: &Figure) -> Option<bool> {
    let moved = after.order(&before.digits()?)?;
    // Of figures outside of both.
    let towards = |low: &str, high: &str| {
        Some(match before.order(low)?.is_le() {
            true => moved.is_ge() && after.order(low)?.is_le(),
            false => moved.is_le() && after.order(high)?.is_ge(),
        })
    };
    match operator {
        Operator::MustNotBe(_) => None,
        Operator::MustBe(value) => towards(value, value),
        Operator::Between(low, high) => towards(low, high),
        Operator::GreaterThan(_) | Operator::GreaterOrEqual(_) => Some(moved.is_ge()),
        Operator::LessThan(_) | Operator::LessOrEqual(_) => Some(moved.is_le()),
        Operator::NotBetween(low, high) => {
            let (low, high) = (near(low)?, near(high)?);
            let distances = |figure: &Figure| {
                let figure = near(&figure.digits()?)?;
                Some((figure - low, high - figure))
            };
            let ((was_low, was_high), (is_low, is_high)) = (distances(before)?, distances(after)?);
            let out = match was_low <= was_high {
                true => moved.is_le(),
                false => moved.is_ge(),
            };
            // Past the middle only where even doubles tell that the other bound is nearer.
            Some(out || is_low.min(is_high) < was_low.min(was_high))
        }
    }
}

/// A number as near as a double comes.
fn near(number: &str) -> Option<f64> {
    number.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn better(operator: &Operator, before: i128, after: i128) -> bool {
        no_worse(operator, &Figure::Whole(before), &Figure::Whole(after))
    }

    #[test]
    fn a_figure_is_no_worse_where_it_is_no_further_on_the_same_side() {
        let word = |number: i32| number.to_string();
        let least = Operator::GreaterThan(word(100));
        assert!(better(&least, 10, 20) && better(&least, 10, 10) && !better(&least, 20, 10));
        let most = Operator::LessOrEqual(word(60));
        assert!(better(&most, 900, 300) && !better(&most, 300, 900));
        let between = Operator::Between(word(10), word(20));
        assert!(better(&between, 2, 5) && better(&between, 30, 25));
        assert!(!better(&between, 5, 22), "beyond the other bound");
        let none = Operator::MustBe(word(0));
        assert!(better(&none, 3, 3) && better(&none, 3, 1) && !better(&none, 3, 4));
        let out = Operator::NotBetween(word(10), word(20));
        assert!(better(&out, 15, 19) && !better(&out, 19, 15));
        assert!(no_worse(&least, &Figure::Null, &Figure::Whole(1)));
        assert!(!no_worse(&least, &Figure::Whole(1), &Figure::Null));
        let text = |text: &str| Figure::Text(text.to_owned());
        assert!(!no_worse(&Operator::MustBe("a".to_owned()), &text("b"), &text("c")));
        assert!(no_worse(&Operator::MustBe("a".to_owned()), &text("b"), &text("b")));
        assert!(!better(&Operator::MustNotBe(word(3)), 3, 4));
    }

    #[test]
    fn figures_are_told_apart_by_every_digit() {
        let decimal = |text: &str| Figure::of_decimal(text);
        let most = Operator::LessOrEqual("12345678901234567.88".to_owned());
        let steps = [
            "12345678901234567.89",
            "12345678901234567.90",
            "12345678901234567.95",
            "12345678901234568.15",
            "12345678901234568.65",
        ];
        let least = Operator::GreaterThan("12345678901234568.7".to_owned());
        let one = Operator::MustBe("12345678901234567.88".to_owned());
        for pair in steps.windows(2) {
            let (less, more) = (decimal(pair[0]), decimal(pair[1]));
            for operator in [&most, &one] {
                assert!(!no_worse(operator, &less, &more), "{pair:?}");
                assert!(no_worse(operator, &more, &less), "{pair:?}");
            }
            assert!(
                no_worse(&least, &less, &more) && !no_worse(&least, &more, &less),
                "{pair:?}"
            );
        }
        // Beyond 2^53 doubles are even.
        let whole = Operator::LessThan("9007199254740990".to_owned());
        assert!(!better(&whole, 9_007_199_254_740_992, 9_007_199_254_740_993));
        assert!(better(&whole, 9_007_199_254_740_993, 9_007_199_254_740_992));
        let out = Operator::NotBetween("0".to_owned(), "12345678901234570".to_owned());
        assert!(no_worse(&out, &decimal(steps[0]), &decimal(steps[1])));
        assert!(!no_worse(&out, &decimal(steps[1]), &decimal(steps[0])));
    }

    #[test]
    fn what_is_no_number_is_further_than_any_and_no_worse_than_itself() {
        let most = Operator::LessThan("100".to_owned());
        let nan = Figure::Real(f64::NAN);
        assert!(no_worse(&most, &nan, &nan), "the commit is not to blame");
        assert!(no_worse(&most, &nan, &Figure::Whole(150)));
        for before in [Figure::Whole(150), Figure::Real(1e300), Figure::Null] {
            assert!(!no_worse(&most, &before, &nan), "{before}");
        }
        assert!(!no_worse(&most, &nan, &Figure::Null));
        assert!(no_worse(&most, &Figure::Null, &Figure::Null));
        assert!(!no_worse(&Operator::MustNotBe("5".to_owned()), &nan, &Figure::Whole(5)));
    }
}
