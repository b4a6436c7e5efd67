//! From where to where the values of a column go: by its type, by the width in the name of that type, by its format and by
//! its bounds, all held together. A limit that takes nothing away from the others is none, and one that does what another
//! one did before is the same limit, written otherwise.

use polder_core::document::Node;

use super::number::Number;
use super::pairing::word;
use super::shift::Shift;
use super::widths::{format_width, greatest_float, named_width};
use crate::bound::normal;
use crate::column_type::ColumnType;
use crate::format::NumberWidth;
use crate::number::{self as units, Side};
use crate::place::Place;
use crate::rule::RowCheck;
use crate::schema::Property;

/// Both ends of a range.
pub(super) const BOTH: [Side; 2] = [Side::Low, Side::High];

/// Microseconds of a day: dates and timestamps are compared in them.
const DAY: i128 = 86_400_000_000;

/// One end of a range: the last value inside of it, or the first one outside.
#[derive(Debug, Clone, PartialEq, Eq)]
struct End {
    at: Number,
    open: bool,
}

impl End {
    fn closed(at: Number) -> Self {
        Self { at, open: false }
    }

    /// Whether fewer values are inside of this end than of the other one, on the same side.
    fn tighter(&self, other: &Self, side: Side) -> bool {
        let order = match side {
            Side::Low => self.at.cmp(&other.at),
            Side::High => other.at.cmp(&self.at),
        };
        order.then(self.open.cmp(&other.open)).is_gt()
    }
}

/// Values between two ends; without an end, all on that side.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Range {
    low: Option<End>,
    high: Option<End>,
}

impl Range {
    /// Whole numbers, both of them inside.
    fn whole((low, high): (i128, i128)) -> Self {
        Self::units(low, high, 0)
    }

    /// The numbers of a width; without an end those of 64 bits, as wide as a column of floating point.
    fn of_width(width: NumberWidth) -> Self {
        let float = |width| greatest_float().filter(|_| width == NumberWidth::F32);
        match (width.range(), float(width)) {
            (Some(range), _) => Self::whole(range),
            (None, Some(most)) => Self {
                low: Some(End::closed(most.negated())),
                high: Some(End::closed(most)),
            },
            (None, None) => Self::default(),
        }
    }

    /// Units of `10^-scale`, both of them inside.
    fn units(low: i128, high: i128, scale: u32) -> Self {
        let end = |units| Number::of_units(units, scale).map(End::closed);
        Self {
            low: end(low),
            high: end(high),
        }
    }

    fn end(&self, side: Side) -> Option<&End> {
        match side {
            Side::Low => self.low.as_ref(),
            Side::High => self.high.as_ref(),
        }
    }

    /// Whether the end of this range is inside of that of the other one.
    pub(super) fn is_tighter(&self, other: &Self, side: Side) -> bool {
        match (self.end(side), other.end(side)) {
            (Some(own), Some(other)) => own.tighter(other, side),
            (own, None) => own.is_some(),
            (None, Some(_)) => false,
        }
    }

    /// What is in both.
    fn and(&self, other: &Self) -> Self {
        let end = |side| {
            let tighter = if other.is_tighter(self, side) { other } else { self };
            tighter.end(side).cloned()
        };
        Self {
            low: end(Side::Low),
            high: end(Side::High),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        match (&self.low, &self.high) {
            (Some(low), Some(high)) => low.at > high.at || (low.at == high.at && (low.open || high.open)),
            _ => false,
        }
    }

    fn within(&self, other: &Self) -> bool {
        self.is_empty() || BOTH.into_iter().all(|side| !other.is_tighter(self, side))
    }

    /// What a column of this type can hold.
    pub(super) fn stored(column_type: &ColumnType) -> Self {
        stored(column_type)
    }

    /// What a column of this type holds that keeps checks; nothing where one of them cannot be read.
    pub(super) fn of_checks<'c>(
        column_type: &ColumnType,
        checks: impl IntoIterator<Item = &'c RowCheck>,
    ) -> Option<Self> {
        let mut range = stored(column_type);
        for check in checks {
            let read = |value: &str, side, exclusive| read_bound(column_type, value, side, exclusive);
            let one = match check {
                RowCheck::Minimum { value, exclusive } => Self {
                    low: Some(read(value, Side::Low, *exclusive)?),
                    high: None,
                },
                RowCheck::Maximum { value, exclusive } => Self {
                    low: None,
                    high: Some(read(value, Side::High, *exclusive)?),
                },
                RowCheck::Width(width) => Self::of_width(*width),
                _ => continue,
            };
            range = range.and(&one);
        }
        Some(range)
    }

    /// The same without a number, where that is at one of its ends.
    pub(super) fn without(&self, column_type: &ColumnType, number: &str) -> Self {
        let mut without = self.clone();
        for side in BOTH {
            let is_it = |end: &End| !end.open && Number::read(number).as_ref() == Some(&end.at);
            let end = match side {
                Side::Low => &mut without.low,
                Side::High => &mut without.high,
            };
            if end.as_ref().is_some_and(is_it)
                && let Some(beyond) = read_bound(column_type, number, side, true)
            {
                *end = Some(beyond);
            }
        }
        without
    }

    /// The least and the greatest whole number in it, where it has both.
    pub(super) fn whole_ends(&self) -> Option<(i128, i128)> {
        Some((self.low.as_ref()?.at.ceil()?, self.high.as_ref()?.at.floor()?))
    }

    /// A whole number at one of its ends.
    pub(super) fn a_whole_number(&self) -> Option<i128> {
        let low = self.low.as_ref().and_then(|low| low.at.ceil());
        low.or_else(|| self.high.as_ref().and_then(|high| high.at.floor()))
    }

    /// Whether it has a value of a column of this type; nothing where that cannot be read.
    pub(super) fn has(&self, column_type: &ColumnType, value: &str) -> Option<bool> {
        let at = |side| read_bound(column_type, value, side, false);
        let value = Self {
            low: Some(at(Side::Low)?),
            high: Some(at(Side::High)?),
        };
        Some(value.within(self))
    }
}

/// What can limit the values of a column beyond its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The name of the physical type, `smallint`.
    Named,
    /// The width of whole numbers, `format: u8`.
    Format,
    /// `minimum` and the like.
    Bounds,
}

/// The part that the rule of this name stands for, and the ends of the range that it can set.
pub(super) fn part_of(rule: &str) -> Option<(Part, &'static [Side])> {
    Some(match rule {
        "minimum" | "exclusiveMinimum" => (Part::Bounds, &[Side::Low]),
        "maximum" | "exclusiveMaximum" => (Part::Bounds, &[Side::High]),
        "format" => (Part::Format, &BOTH),
        "physicalType" => (Part::Named, &BOTH),
        _ => return None,
    })
}

/// What kind of values it is: those of two kinds do not compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Numbers,
    Moments,
}

/// The values that a column takes, part by part.
#[derive(Debug, Clone)]
pub(super) struct Values {
    kind: Kind,
    column_type: Option<ColumnType>,
    stored: Range,
    named: Range,
    format: Range,
    bounds: Range,
    /// Whether every bound could be read.
    is_read: bool,
}

impl Values {
    /// Of a column, wherever it is declared; nothing where its values have no order that is known here.
    pub(super) fn of_column(column: &Node, file: &Place) -> Option<Self> {
        let column_type = Property::read(column, file).column_type().ok();
        Self::of(column_type.as_ref(), column)
    }

    /// Of a column of this type. Where the type is not known, the logical one says what the values are, and not how many
    /// there can be.
    pub(super) fn of(column_type: Option<&ColumnType>, column: &Node) -> Option<Self> {
        let logical = word(column, "logicalType").unwrap_or_default();
        let whole = ColumnType::Int64;
        let read_as = match (column_type, logical.as_str()) {
            (Some(known), _) => known,
            (None, "integer") => &whole,
            (None, "number") => &ColumnType::Float64,
            (None, "date") => &ColumnType::Date,
            (None, "timestamp") => &ColumnType::Timestamp,
            (None, _) => return None,
        };
        let kind = match read_as {
            ColumnType::Int32 | ColumnType::Int64 | ColumnType::Float64 | ColumnType::Decimal { .. } => Kind::Numbers,
            ColumnType::Date | ColumnType::Timestamp | ColumnType::TimestampLocal => Kind::Moments,
            _ => return None,
        };
        let range = |of: Option<NumberWidth>| of.map(Range::of_width).unwrap_or_default();
        let (bounds, is_read) = bounds(read_as, column);
        Some(Self {
            kind,
            column_type: column_type.cloned(),
            stored: column_type.map(stored).unwrap_or_default(),
            named: range(named_width(column)),
            format: range(format_width(column)),
            bounds,
            is_read,
        })
    }

    fn part(&self, part: Part) -> &Range {
        match part {
            Part::Named => &self.named,
            Part::Format => &self.format,
            Part::Bounds => &self.bounds,
        }
    }

    /// By the type and the widths, bounds aside.
    fn by_width(&self) -> Range {
        self.stored.and(&self.named).and(&self.format)
    }

    /// By everything.
    fn all(&self) -> Range {
        self.by_width().and(&self.bounds)
    }

    /// Whether a part sets the end of the values on a side.
    fn sets(&self, part: Part, side: Side) -> bool {
        let own = self.part(part).end(side);
        own.is_some() && own == self.all().end(side)
    }

    /// Whether a part keeps values out on a side that the type of the column has.
    fn keeps_out(&self, part: Part, side: Side) -> bool {
        self.sets(part, side) && self.all().is_tighter(&self.stored, side)
    }

    /// Whether the part says of these values from where to where they go: a width does so of whole numbers and decimals.
    pub(super) fn are_ranged_by(&self, part: Part) -> bool {
        let have_widths = self.kind == Kind::Numbers && !matches!(self.column_type, None | Some(ColumnType::Float64));
        part == Part::Bounds || have_widths
    }

    /// Whether all values are of the widths that another column declares.
    pub(super) fn are_of_width(&self, other: &Self) -> bool {
        self.all().within(&other.named.and(&other.format))
    }

    /// Whether both bounds are there, and no number between them is greater than this one or, negative, less.
    pub(super) fn are_bounded_by(&self, most: &Number) -> bool {
        let inside = Range {
            low: Some(End::closed(most.negated())),
            high: Some(End::closed(most.clone())),
        };
        self.is_read && self.bounds.within(&inside)
    }
}

/// The values of a column before and after a change.
#[derive(Debug, Clone)]
pub(super) struct Moved {
    old: Values,
    new: Values,
}

impl Moved {
    /// Nothing where values of the one column do not compare with those of the other.
    pub(super) fn of(old: Option<Values>, new: Option<Values>) -> Option<Self> {
        let (old, new) = old.zip(new)?;
        (old.kind == new.kind).then_some(Self { old, new })
    }

    /// Whether all bounds could be read.
    pub(super) fn is_read(&self) -> bool {
        self.old.is_read && self.new.is_read
    }

    /// Whether the type of the column is the same.
    pub(super) fn is_of_one_type(&self) -> bool {
        self.old.column_type == self.new.column_type
    }

    /// How the values moved on these sides by what the part says: it let fewer in where it sets the end now, and more where
    /// it set it before.
    pub(super) fn shift(&self, part: Part, sides: &[Side]) -> Shift {
        let (old, new) = (self.old.all(), self.new.all());
        let tightened = |side: &Side| self.new.sets(part, *side) && new.is_tighter(&old, *side);
        let loosened = |side: &Side| self.old.sets(part, *side) && old.is_tighter(&new, *side);
        Shift::of(
            new.is_empty() || !sides.iter().any(loosened),
            old.is_empty() || !sides.iter().any(tightened),
        )
    }

    /// Whether the limit that makes the rule of this name keeps nothing out on either side of the change.
    pub(super) fn is_idle(&self, rule: &str) -> bool {
        self.is_read()
            && part_of(rule).is_some_and(|(part, sides)| {
                self.old.are_ranged_by(part)
                    && self.new.are_ranged_by(part)
                    && self.kept_out(part, sides) == (false, false)
            })
    }

    /// How the values moved by type and width, bounds aside.
    pub(super) fn by_width(&self) -> Shift {
        let (old, new) = (self.old.by_width(), self.new.by_width());
        Shift::of(new.within(&old), old.within(&new))
    }

    /// On which sides of the change the part keeps values out.
    pub(super) fn kept_out(&self, part: Part, sides: &[Side]) -> (bool, bool) {
        let keeps = |values: &Values| sides.iter().any(|side| values.keeps_out(part, *side));
        (keeps(&self.old), keeps(&self.new))
    }
}

/// What a column of this type can hold, where that has ends.
fn stored(column_type: &ColumnType) -> Range {
    match column_type {
        ColumnType::Int32 => Range::whole((i32::MIN.into(), i32::MAX.into())),
        ColumnType::Int64 => Range::whole((i64::MIN.into(), i64::MAX.into())),
        ColumnType::Decimal { precision, scale } => match units::power_of_ten(*precision) {
            Some(beyond) => Range::units(1 - beyond, beyond - 1, *scale),
            None => Range::default(),
        },
        _ => Range::default(),
    }
}

/// What the bounds of a column of this type let in, and whether they could be read.
fn bounds(column_type: &ColumnType, column: &Node) -> (Range, bool) {
    let options = column.get("logicalTypeOptions");
    let mut is_read = true;
    let mut end = |side| {
        let keys = match side {
            Side::Low => [("minimum", false), ("exclusiveMinimum", true)],
            Side::High => [("maximum", false), ("exclusiveMaximum", true)],
        };
        let mut ends: Vec<End> = Vec::new();
        for (key, exclusive) in keys {
            if let Some(written) = options.and_then(|of| of.get(key)) {
                let read = written
                    .scalar_text()
                    .and_then(|text| read_bound(column_type, text, side, exclusive));
                is_read &= read.is_some();
                ends.extend(read);
            }
        }
        ends.into_iter()
            .reduce(|one, other| if other.tighter(&one, side) { other } else { one })
    };
    let range = Range {
        low: end(Side::Low),
        high: end(Side::High),
    };
    (range, is_read)
}

/// A bound, brought to the outermost value that the column can hold inside of it.
fn read_bound(column_type: &ColumnType, text: &str, side: Side, exclusive: bool) -> Option<End> {
    let scale = match column_type {
        ColumnType::Int32 | ColumnType::Int64 => 0,
        ColumnType::Decimal { scale, .. } => *scale,
        ColumnType::Float64 => {
            let at = Number::read(text)?;
            return Some(End { at, open: exclusive });
        }
        _ => {
            let text = normal(column_type, text, None).ok()?;
            let held = units::bound(column_type, &text, side, exclusive)?;
            let step = if *column_type == ColumnType::Date { DAY } else { 1 };
            return Number::of_units(held.checked_mul(step)?, 0).map(End::closed);
        }
    };
    let number = Number::read(text)?;
    let in_units = number.shifted(scale);
    let (Some(floor), Some(ceil)) = (in_units.floor(), in_units.ceil()) else {
        // Beyond all that any column can hold.
        return Some(End {
            at: number,
            open: exclusive,
        });
    };
    // A bound between two values leaves out neither.
    let step = i128::from(exclusive && floor == ceil);
    let held = match side {
        Side::Low => ceil.checked_add(step)?,
        Side::High => floor.checked_sub(step)?,
    };
    Number::of_units(held, scale).map(End::closed)
}
