//! What is kept of values that are one of several, or of another type.

use datafusion::arrow::datatypes::DataType;
use polder_contract::RowCheck;

use super::MOST_CONSTANTS;
use super::conditions::{at_least, at_most};
use super::constants::as_type;

/// What values keep that are one or the other.
pub(super) fn of_either(one: Vec<RowCheck>, other: Vec<RowCheck>) -> Vec<RowCheck> {
    match (one.as_slice(), other.as_slice()) {
        ([RowCheck::OneOf(none)], _) if none.is_empty() => other,
        (_, [RowCheck::OneOf(none)]) if none.is_empty() => one,
        ([RowCheck::OneOf(listed)], [RowCheck::OneOf(more)]) if listed.len() + more.len() <= MOST_CONSTANTS => {
            vec![RowCheck::OneOf(listed.iter().chain(more).cloned().collect())]
        }
        (some, same) if some == same => one,
        (one, other) => {
            let ends = [Side::Low, Side::High].into_iter();
            let widest = |side: Side| Some(side.bound(side.end(one)?.min(side.end(other)?)));
            ends.filter_map(widest).collect()
        }
    }
}

/// What values keep in another type.
pub(super) fn in_type(checks: Vec<RowCheck>, from: &DataType, to: &DataType) -> Vec<RowCheck> {
    if from == to {
        return checks;
    }
    let are_numbers = from.is_numeric() && to.is_numeric();
    let same = |value: &str| as_type(value, to).is_some_and(|same| same.parse::<f64>() == value.parse::<f64>());
    let holds = |value: &str| are_numbers && value.len() <= MOST_DIGITS && same(value);
    let of_type = |check| match check {
        RowCheck::OneOf(listed) => {
            let listed = listed.iter().map(|constant| as_type(constant, to));
            Some(RowCheck::OneOf(listed.collect::<Option<_>>()?))
        }
        // What is rounded may come to the end.
        RowCheck::Minimum { value, .. } => holds(&value).then(|| at_least(value)),
        RowCheck::Maximum { value, .. } => holds(&value).then(|| at_most(value)),
        _ => None,
    };
    checks.into_iter().filter_map(of_type).collect()
}

/// Longer numbers may be rounded.
const MOST_DIGITS: usize = 15;

/// One side of a range.
#[derive(Debug, Clone, Copy)]
enum Side {
    Low,
    High,
}

/// Where whole numbers end at one side, and whether before that: the greater, the sooner.
type End = (i128, bool);

impl Side {
    /// How far a number is from the other side.
    fn along(self, number: &str) -> Option<i128> {
        let number = number.parse::<i128>().ok()?;
        match self {
            Self::Low => Some(number),
            Self::High => number.checked_neg(),
        }
    }

    /// Where values end that keep some checks.
    fn end(self, checks: &[RowCheck]) -> Option<End> {
        let ends = checks.iter().filter_map(|check| match (self, check) {
            (Self::Low, RowCheck::Minimum { value, exclusive })
            | (Self::High, RowCheck::Maximum { value, exclusive }) => Some((self.along(value)?, *exclusive)),
            (_, RowCheck::OneOf(listed)) => {
                let all = listed.iter().map(|one| self.along(one)).collect::<Option<Vec<_>>>()?;
                Some((all.into_iter().min()?, false))
            }
            _ => None,
        });
        ends.max()
    }

    fn bound(self, (along, exclusive): End) -> RowCheck {
        match self {
            Self::Low => RowCheck::Minimum {
                value: along.to_string(),
                exclusive,
            },
            Self::High => RowCheck::Maximum {
                value: (-along).to_string(),
                exclusive,
            },
        }
    }
}
