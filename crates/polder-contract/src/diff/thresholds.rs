//! What a figure may be, as ranges of numbers: whether one threshold asks more than another.

use std::cmp::Ordering;

use polder_core::document::Node;

use super::number::Number;
use super::shift::Shift;
use crate::structure::OPERATORS;

/// One end of a range; nothing where it has no end.
type End = Option<(Number, bool)>;

/// A range of numbers; the flag of an end says whether the number itself is outside.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Range {
    low: End,
    high: End,
}

/// The figures that a rule accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Accepted(Vec<Range>);

/// Reads what a rule accepts, by all of its operators together; nothing where it compares with text, or with nothing.
pub(super) fn accepted(rule: &Node) -> Option<Accepted> {
    let mut declared = OPERATORS
        .iter()
        .filter_map(|operator| rule.get(operator).map(|value| (*operator, value)));
    let (operator, value) = declared.next()?;
    declared.try_fold(by_operator(operator, value)?, |so_far, (operator, value)| {
        Some(so_far.and(&by_operator(operator, value)?))
    })
}

/// The figures that one operator accepts, as the gate judges them: the ends of a range are outside of it.
fn by_operator(operator: &str, value: &Node) -> Option<Accepted> {
    let one = || Number::read(value.scalar_text()?.trim());
    let pair = || {
        let [low, high] = value.as_list()? else { return None };
        let read = |node: &Node| Number::read(node.scalar_text()?.trim());
        let (low, high) = (read(low)?, read(high)?);
        (low < high).then_some((low, high))
    };
    let range = |low: End, high: End| Range { low, high };
    Some(Accepted(match operator {
        "mustBe" => vec![range(Some((one()?, false)), Some((one()?, false)))],
        "mustNotBe" => vec![range(None, Some((one()?, true))), range(Some((one()?, true)), None)],
        "mustBeGreaterThan" => vec![range(Some((one()?, true)), None)],
        "mustBeGreaterOrEqualTo" => vec![range(Some((one()?, false)), None)],
        "mustBeLessThan" => vec![range(None, Some((one()?, true)))],
        "mustBeLessOrEqualTo" => vec![range(None, Some((one()?, false)))],
        "mustBeBetween" => {
            let (low, high) = pair()?;
            vec![range(Some((low, true)), Some((high, true)))]
        }
        "mustNotBeBetween" => {
            let (low, high) = pair()?;
            vec![range(None, Some((low, false))), range(Some((high, false)), None)]
        }
        _ => return None,
    }))
}

impl Accepted {
    /// How the accepted figures moved.
    pub(super) fn shift(old: &Self, new: &Self) -> Shift {
        Shift::of(new.within(old), old.within(new))
    }

    /// The same of figures that count something: whole numbers, none below 0.
    pub(super) fn counting(&self) -> Self {
        let ranges = self.0.iter().map(Range::counting);
        Self(ranges.filter(|range| !range.is_empty()).collect())
    }

    /// Whether only 0 is accepted, of figures that are never negative: that means the same in every unit.
    pub(super) fn only_zero(&self) -> bool {
        match self.0.as_slice() {
            [
                Range {
                    high: Some((high, false)),
                    low,
                },
            ] => high.is_zero() && low.as_ref().is_none_or(|(low, outside)| low < high || !*outside),
            _ => false,
        }
    }

    /// Whether less is always accepted where more is: the figure counts what is wrong.
    pub(super) fn less_is_better(&self) -> bool {
        let zero = Number::read("0");
        match self.0.as_slice() {
            [Range { low, high: Some(_) }] => low
                .as_ref()
                .is_none_or(|(low, outside)| zero.is_some_and(|zero| *low < zero || (*low == zero && !outside))),
            _ => false,
        }
    }

    /// What both accept.
    fn and(&self, other: &Self) -> Self {
        let ranges = self.0.iter().flat_map(|one| other.0.iter().map(|other| one.and(other)));
        Self(ranges.filter(|range| !range.is_empty()).collect())
    }

    fn within(&self, outer: &Self) -> bool {
        self.0
            .iter()
            .all(|range| outer.0.iter().any(|outer| range.within(outer)))
    }
}

impl Range {
    /// The narrower end on either side; at the same number the one that leaves it out.
    fn and(&self, other: &Self) -> Self {
        let narrower = |one: &End, other: &End, lower: bool| match (one, other) {
            (None, end) | (end, None) => end.clone(),
            (Some((one, one_outside)), Some((other, other_outside))) => Some(match one.cmp(other) {
                Ordering::Equal => (one.clone(), *one_outside || *other_outside),
                order if order.is_gt() == lower => (one.clone(), *one_outside),
                _ => (other.clone(), *other_outside),
            }),
        };
        Self {
            low: narrower(&self.low, &other.low, true),
            high: narrower(&self.high, &other.high, false),
        }
    }

    /// Between the whole numbers that are inside, from 0 on; an end with too many digits stays as it is.
    fn counting(&self) -> Self {
        let end = |end: &End, lower: bool| -> End {
            let (number, outside) = end.as_ref()?;
            let around = number.floor().zip(number.ceil());
            let whole = around.and_then(|(floor, ceil)| {
                let step = i128::from(*outside && floor == ceil);
                Number::read(&if lower { ceil + step } else { floor - step }.to_string())
            });
            Some(whole.map_or_else(|| (number.clone(), *outside), |whole| (whole, false)))
        };
        let from_zero = Self {
            low: Number::read("0").map(|zero| (zero, false)),
            high: None,
        };
        Self {
            low: end(&self.low, true),
            high: end(&self.high, false),
        }
        .and(&from_zero)
    }

    fn is_empty(&self) -> bool {
        match (&self.low, &self.high) {
            (Some((low, low_outside)), Some((high, high_outside))) => {
                low > high || (low == high && (*low_outside || *high_outside))
            }
            _ => false,
        }
    }

    fn within(&self, outer: &Self) -> bool {
        let end = |inner: &End, outer: &End, lower: bool| match (inner, outer) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some((inner, inner_outside)), Some((outer, outer_outside))) => {
                inner == outer && (*inner_outside || !*outer_outside) || (inner != outer && (inner > outer) == lower)
            }
        };
        end(&self.low, &outer.low, true) && end(&self.high, &outer.high, false)
    }
}

#[cfg(test)]
mod tests {
    use polder_core::document::{Source, parse};
    use proptest::prelude::*;

    use super::*;
    use crate::{Figure, Operator};

    fn holds(accepted: &Accepted, figure: &Number) -> bool {
        accepted.0.iter().any(|range| {
            let above = range
                .low
                .as_ref()
                .is_none_or(|(low, outside)| low < figure || (low == figure && !outside));
            let below = range
                .high
                .as_ref()
                .is_none_or(|(high, outside)| figure < high || (high == figure && !outside));
            above && below
        })
    }

    /// A quarter of this many.
    fn quarters(count: i32) -> String {
        (f64::from(count) / 4.0).to_string()
    }

    fn operator(kind: usize, low: i32, width: i32) -> (String, Operator) {
        let (low, high) = (quarters(low), quarters(low + width));
        let pair = format!("[{low}, {high}]");
        let (value, operator) = match kind {
            0 => (low.clone(), Operator::MustBe(low)),
            1 => (low.clone(), Operator::MustNotBe(low)),
            2 => (low.clone(), Operator::GreaterThan(low)),
            3 => (low.clone(), Operator::GreaterOrEqual(low)),
            4 => (low.clone(), Operator::LessThan(low)),
            5 => (low.clone(), Operator::LessOrEqual(low)),
            6 => (pair, Operator::Between(low, high)),
            _ => (pair, Operator::NotBetween(low, high)),
        };
        (format!("{}: {value}", OPERATORS[kind]), operator)
    }

    proptest! {
        #[test]
        fn a_rule_accepts_what_the_gate_lets_pass(
            first in (0_usize..8, -8_i32..8, 1_i32..8),
            second in prop::option::of((0_usize..8, -8_i32..8, 1_i32..8)),
            figures in prop::collection::vec(-10_i32..18, 1..20),
        ) {
            let second = second.filter(|second| second.0 != first.0);
            let both: Vec<_> = [Some(first), second]
                .into_iter()
                .flatten()
                .map(|(kind, low, width)| operator(kind, low, width))
                .collect();
            let lines: Vec<_> = both.iter().map(|(line, _)| line.as_str()).collect();
            let accepted = accepted(&parse(&Source::new("rule.yaml", lines.join("\n"))).unwrap()).unwrap();
            for figure in figures {
                let number = Number::read(&quarters(figure)).unwrap();
                let figure = Figure::Real(f64::from(figure) / 4.0);
                prop_assert_eq!(
                    holds(&accepted, &number),
                    both.iter().all(|(_, operator)| operator.holds(&figure)),
                    "{:?} {:?}", figure, lines
                );
            }
        }
    }
}
