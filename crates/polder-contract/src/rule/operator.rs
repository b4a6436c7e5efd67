//! What a figure must be, and whether one can ever be that.

use std::cmp::Ordering;

use super::Operator;

impl Operator {
    /// Its figures, as written.
    pub(super) fn bounds(&self) -> Vec<&str> {
        match self {
            Self::MustBe(bound)
            | Self::MustNotBe(bound)
            | Self::GreaterThan(bound)
            | Self::GreaterOrEqual(bound)
            | Self::LessThan(bound)
            | Self::LessOrEqual(bound) => vec![bound],
            Self::Between(low, high) | Self::NotBetween(low, high) => vec![low, high],
        }
    }

    /// Why no figure can ever be what the operator asks for, together with the lower bound beside it, and what to do
    /// about it.
    pub(super) fn problem(&self, lower: Option<&Self>) -> Option<(String, &'static str)> {
        let number = |text: &str| text.trim().parse::<f64>().ok();
        match (self, lower) {
            (Self::Between(low, high) | Self::NotBetween(low, high), _) => {
                (number(low)?.partial_cmp(&number(high)?) != Some(Ordering::Less)).then(|| {
                    (
                        format!("nothing is between {low} and {high}"),
                        "write the smaller number first: [low, high]",
                    )
                })
            }
            (
                Self::LessThan(high) | Self::LessOrEqual(high),
                Some(Self::GreaterThan(low) | Self::GreaterOrEqual(low)),
            ) => {
                let closed = matches!((self, lower), (Self::LessOrEqual(_), Some(Self::GreaterOrEqual(_))));
                let holds = match number(low)?.partial_cmp(&number(high)?) {
                    Some(Ordering::Less) => true,
                    Some(Ordering::Equal) => closed,
                    _ => false,
                };
                (!holds).then(|| {
                    (
                        format!("nothing is above {low} and below {high}"),
                        "the lower bound is the smaller number",
                    )
                })
            }
            _ => None,
        }
    }

    /// Whether every share of rows is what the operator asks for, so that the rule can never fail: its figure lies
    /// outside of 0 to 100 percent.
    pub(super) fn pointless_share(&self) -> bool {
        let number = |text: &str| text.trim().parse::<f64>().ok();
        let above = |text: &str| number(text).is_some_and(|bound| bound > 100.0);
        let below = |text: &str| number(text).is_some_and(|bound| bound < 0.0);
        match self {
            Self::LessThan(bound) | Self::LessOrEqual(bound) => above(bound),
            Self::GreaterThan(bound) | Self::GreaterOrEqual(bound) => below(bound),
            Self::MustNotBe(figure) => above(figure) || below(figure),
            Self::Between(low, high) => below(low) && above(high),
            Self::NotBetween(low, high) => above(low) || below(high),
            Self::MustBe(_) => false,
        }
    }

    /// Why no count of rows, or no share of them, can be what the operator asks for, and what to do about it.
    pub(super) fn impossible(&self, percent: bool) -> Option<(String, &'static str)> {
        let number = |text: &str| text.trim().parse::<f64>().ok();
        let possible = match self {
            Self::MustBe(figure) => {
                let figure = number(figure)?;
                figure >= 0.0
                    && if percent {
                        figure <= 100.0
                    } else {
                        figure.fract() == 0.0
                    }
            }
            Self::LessThan(bound) => number(bound)? > 0.0,
            Self::LessOrEqual(bound) => number(bound)? >= 0.0,
            Self::GreaterThan(bound) => !percent || number(bound)? < 100.0,
            Self::GreaterOrEqual(bound) => !percent || number(bound)? <= 100.0,
            Self::Between(low, high) => {
                let (low, high) = (number(low)?, number(high)?);
                // The least count above the lower bound.
                let least = (low.floor() + 1.0).max(0.0);
                if percent {
                    high > 0.0 && low < 100.0
                } else {
                    least < high
                }
            }
            Self::MustNotBe(_) | Self::NotBetween(..) => true,
        };
        (!possible).then(|| match percent {
            true => (
                "no share of rows is ever that".to_owned(),
                "a share is from 0 to 100 percent",
            ),
            false => (
                "no count is ever that".to_owned(),
                "a count is a whole number from 0 on",
            ),
        })
    }
}
