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

/// On which side of what is asked a figure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Below,
    Above,
    Inside,
}

/// Whether, of two figures that are not what is asked, the second is no further from it. One on the other side is.
fn no_worse(operator: &Operator, before: &Figure, after: &Figure) -> bool {
    if before == after {
        return true;
    }
    match (miss(operator, before), miss(operator, after)) {
        (Some((was, from)), Some((is, to))) => was == is && to <= from,
        // There was nothing, and there is something.
        (None, Some(_)) => *before == Figure::Null,
        _ => false,
    }
}

/// How far a figure is from what is asked; nothing where that is no distance.
fn miss(operator: &Operator, figure: &Figure) -> Option<(Side, f64)> {
    let number = |text: &str| text.trim().parse::<f64>().ok();
    let figure = match figure {
        Figure::Whole(figure) => *figure as f64,
        Figure::Real(figure) => *figure,
        Figure::Decimal(text) | Figure::Text(text) => number(text)?,
        Figure::Moment(_) | Figure::Null => return None,
    };
    let outside = |low: f64, high: f64| {
        if figure <= low {
            (Side::Below, low - figure)
        } else {
            (Side::Above, figure - high)
        }
    };
    Some(match operator {
        Operator::MustNotBe(_) => return None,
        Operator::MustBe(value) => outside(number(value)?, number(value)?),
        Operator::Between(low, high) => outside(number(low)?, number(high)?),
        Operator::GreaterThan(bound) | Operator::GreaterOrEqual(bound) => (Side::Below, number(bound)? - figure),
        Operator::LessThan(bound) | Operator::LessOrEqual(bound) => (Side::Above, figure - number(bound)?),
        Operator::NotBetween(low, high) => (Side::Inside, (figure - number(low)?).min(number(high)? - figure)),
    })
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
    }
}
