//! What a change of a column's type means.

use polder_core::document::Node;

use super::pairing::word;
use crate::column_type::ColumnType;
use crate::physical_limit::PhysicalLimit;
use crate::place::Place;
use crate::schema::Property;

/// How a type, a limit or a threshold moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shift {
    /// Written otherwise, the same in meaning.
    Restated,
    /// Fewer values are possible: all of them were possible before.
    Tightened,
    /// More values are possible: those of before among them.
    Loosened,
    /// Neither.
    Changed,
}

impl Shift {
    /// The shift from two tests: whether all new values are old ones, and whether all old ones are new ones.
    pub(super) fn of(new_in_old: bool, old_in_new: bool) -> Self {
        match (new_in_old, old_in_new) {
            (true, true) => Self::Restated,
            (true, false) => Self::Tightened,
            (false, true) => Self::Loosened,
            (false, false) => Self::Changed,
        }
    }
}

/// The keys that make up a type.
pub(super) const TYPE_KEYS: [&str; 2] = ["logicalType", "physicalType"];

/// How the type of a column moved, with the names of both types. Of values with values inside only the kind is
/// looked at: their parts are compared as columns are.
pub(super) fn shift(old: &Node, new: &Node, old_file: &Place, new_file: &Place) -> (Shift, String, String) {
    let logical = (word(old, "logicalType"), word(new, "logicalType"));
    let physical = (word(old, "physicalType"), word(new, "physicalType"));
    let compound = |word: &Option<String>| {
        word.as_deref()
            .is_some_and(|word| matches!(word, "object" | "array" | "map"))
    };
    let shown = |logical: &Option<String>, physical: &Option<String>| {
        physical
            .clone()
            .or(logical.clone())
            .unwrap_or_else(|| "none".to_owned())
    };
    let (old_shown, new_shown) = (shown(&logical.0, &physical.0), shown(&logical.1, &physical.1));
    if compound(&logical.0) && compound(&logical.1) {
        let same = |pair: (&Option<String>, &Option<String>)| pair.0 == pair.1;
        let shift = if same((&logical.0, &logical.1)) {
            Shift::Restated
        } else {
            Shift::Changed
        };
        return (shift, old_shown, new_shown);
    }
    let resolved = |node: &Node, file: &Place| Property::read(node, file).column_type().ok();
    match (resolved(old, old_file), resolved(new, new_file)) {
        (Some(old_type), Some(new_type)) => {
            let columns = Shift::of(within(&new_type, &old_type), within(&old_type, &new_type));
            let (old_shown, new_shown) = if old_type == new_type {
                (old_shown, new_shown)
            } else {
                (old_type.to_string(), new_type.to_string())
            };
            (join(columns, limit(&physical.0, &physical.1)), old_shown, new_shown)
        }
        // Types that no table of ours holds: the words are all that is known.
        _ => {
            let widened = |from: &str, to: &str| matches!((from, to), ("integer", "number"));
            let shift = match (&logical.0, &logical.1) {
                (Some(from), Some(to)) if widened(from, to) => Shift::Loosened,
                (Some(from), Some(to)) if widened(to, from) => Shift::Tightened,
                (from, to) if from != to => Shift::Changed,
                _ => match (&physical.0, &physical.1) {
                    (Some(from), Some(to)) if !from.eq_ignore_ascii_case(to) => {
                        let (from, to) = (head(from), head(to));
                        match limit(&physical.0, &physical.1) {
                            Some(shift) if from == to => shift,
                            _ => Shift::Changed,
                        }
                    }
                    _ => Shift::Restated,
                },
            };
            (shift, old_shown, new_shown)
        }
    }
}

/// Whether every value of one type is exactly a value of the other, of the same kind.
fn within(inner: &ColumnType, outer: &ColumnType) -> bool {
    use ColumnType as C;
    let digits = |whole: u32, precision: u32, scale: u32| precision - scale >= whole;
    match (inner, outer) {
        (a, b) if a == b => true,
        (C::Int32, C::Int64 | C::Float64) => true,
        (C::Int32, C::Decimal { precision, scale }) => digits(10, *precision, *scale),
        (C::Int64, C::Decimal { precision, scale }) => digits(19, *precision, *scale),
        (
            C::Decimal { precision, scale },
            C::Decimal {
                precision: outer,
                scale: outer_scale,
            },
        ) => outer_scale >= scale && digits(precision - scale, *outer, *outer_scale),
        _ => false,
    }
}

/// The kind of a type with its arguments, `varchar` of `varchar(20)`.
fn head(physical: &str) -> String {
    physical.split('(').next().unwrap_or_default().trim().to_lowercase()
}

/// On which sides the name of the type sets a limit, where that limit is all that moved: the columns are of one type.
pub(super) fn limited(old: &Node, new: &Node, old_file: &Place, new_file: &Place) -> Option<(bool, bool)> {
    let resolved = |node: &Node, file: &Place| Property::read(node, file).column_type().ok();
    if resolved(old, old_file)? != resolved(new, new_file)? {
        return None;
    }
    let sides = (has_limit(old), has_limit(new));
    (sides.0 || sides.1).then_some(sides)
}

/// Whether the name of the type limits the values of a column beyond its type.
pub(super) fn has_limit(column: &Node) -> bool {
    let name = word(column, "physicalType");
    let limit = name.and_then(|name| PhysicalLimit::read(&name));
    // Nothing counts the bytes of texts.
    limit.is_some_and(|limit| !matches!(limit, PhysicalLimit::BytesOfText(_)))
}

/// How the limit in the names of two types moved, `varchar(20)` to `varchar(40)`, `smallint` to `int`; nothing where
/// neither has one.
fn limit(old: &Option<String>, new: &Option<String>) -> Option<Shift> {
    let read = |text: &Option<String>| PhysicalLimit::read(text.as_deref()?);
    Some(match (read(old), read(new)) {
        (Some(old), Some(new)) => Shift::of(new.within(old), old.within(new)),
        (Some(_), None) => Shift::Loosened,
        (None, Some(_)) => Shift::Tightened,
        (None, None) => return None,
    })
}

/// Both moves at once.
fn join(one: Shift, other: Option<Shift>) -> Shift {
    match (one, other) {
        (shift, None | Some(Shift::Restated)) => shift,
        (Shift::Restated, Some(shift)) => shift,
        (one, Some(other)) if one == other => one,
        _ => Shift::Changed,
    }
}
