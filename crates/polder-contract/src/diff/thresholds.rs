//! What a figure may be, as ranges of numbers: whether one threshold asks more than another.

use polder_core::document::Node;

use super::number::Number;
use super::types::Shift;
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

/// Reads what a rule accepts; nothing where it compares with text, or with nothing.
pub(super) fn accepted(rule: &Node) -> Option<Accepted> {
    let (operator, value) = OPERATORS
        .iter()
        .find_map(|operator| rule.get(operator).map(|value| (*operator, value)))?;
    let one = || Number::read(value.scalar_text()?);
    let pair = || {
        let [low, high] = value.as_list()? else { return None };
        let (low, high) = (Number::read(low.scalar_text()?)?, Number::read(high.scalar_text()?)?);
        (low <= high).then_some((low, high))
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
            vec![range(Some((low, false)), Some((high, false)))]
        }
        "mustNotBeBetween" => {
            let (low, high) = pair()?;
            vec![range(None, Some((low, true))), range(Some((high, true)), None)]
        }
        _ => return None,
    }))
}

impl Accepted {
    /// How the accepted figures moved.
    pub(super) fn shift(old: &Self, new: &Self) -> Shift {
        Shift::of(new.within(old), old.within(new))
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

    fn within(&self, outer: &Self) -> bool {
        self.0
            .iter()
            .all(|range| outer.0.iter().any(|outer| range.within(outer)))
    }
}

impl Range {
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
