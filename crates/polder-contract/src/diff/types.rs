//! What a change of a column's type means.

use std::collections::BTreeSet;

use polder_core::document::Node;

use super::pairing::word;
use super::range::{BOTH, Moved, Part, Values};
use super::shift::Shift;
use super::widths::{physical_limit, width};
use crate::column_type::ColumnType;
use crate::physical_limit::PhysicalLimit;
use crate::place::{Place, count, items};
use crate::schema::Property;

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
            let (one, other) = ((&old_type, old), (&new_type, new));
            let columns = Shift::of(kept(other, one), kept(one, other));
            let (old_shown, new_shown) = if old_type == new_type {
                (old_shown, new_shown)
            } else {
                let widths = (width(old), width(new));
                let shown = |column: &ColumnType, width: &Option<String>| match width {
                    Some(width) if widths.0 != widths.1 => format!("{column} ({width})"),
                    _ => column.to_string(),
                };
                (shown(&old_type, &widths.0), shown(&new_type, &widths.1))
            };
            (
                join(columns, limit((Some(&old_type), old), (Some(&new_type), new))),
                old_shown,
                new_shown,
            )
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
                        match limit((None, old), (None, new)) {
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

/// Whether every value of the one column is a value of the other: of its type, and of the width that it declares.
fn kept((inner_type, inner): (&ColumnType, &Node), (outer_type, outer): (&ColumnType, &Node)) -> bool {
    if !within(inner_type, outer_type) {
        return false;
    }
    // Of one type the width is a limit like any other, which is compared beside the type.
    let values = (Values::of(Some(inner_type), inner), Values::of(Some(outer_type), outer));
    match values {
        (Some(values), Some(outer)) if inner_type != outer_type => values.are_of_width(&outer),
        _ => true,
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
    if let Some(moved) = Moved::of(Values::of_column(old, old_file), Values::of_column(new, new_file)) {
        return (has_limit(old) || has_limit(new)).then(|| moved.kept_out(Part::Named, &BOTH));
    }
    let limits = |column: &Node| {
        has_limit(column)
            || ["maxLength", "format", "enum"]
                .iter()
                .any(|key| limits_too(key, column))
    };
    (has_limit(old) || has_limit(new)).then(|| (limits(old), limits(new)))
}

/// Whether the name of the type limits the values of a column beyond its type, by a limit that is checked.
pub(super) fn has_limit(column: &Node) -> bool {
    use PhysicalLimit::{Format, Length, Listed, Width};
    matches!(
        physical_limit(column),
        Some(Length(_) | Width(_) | Format(_) | Listed(_))
    )
}

/// The formats that a text keeps, by `format` and by the name of its type.
fn text_formats(column: &Node) -> BTreeSet<String> {
    let said = column.get("logicalTypeOptions").and_then(|of| word(of, "format"));
    let named = match physical_limit(column) {
        Some(PhysicalLimit::Format(format)) => Some(format.as_str().to_owned()),
        _ => None,
    };
    said.filter(|_| is_text(column)).into_iter().chain(named).collect()
}

/// Whether the logical type is text.
pub(super) fn is_text(column: &Node) -> bool {
    word(column, "logicalType").is_some_and(|logical| logical == "string")
}

/// How the formats that a text keeps moved, wherever either side says them.
pub(super) fn format_shift(old: &Node, new: &Node) -> Shift {
    let (old, new) = (text_formats(old), text_formats(new));
    Shift::of(new.is_superset(&old), old.is_superset(&new))
}

/// The values that a column takes, by `enum` and by the name of its type; none where neither lists any.
pub(super) fn listed(column: &Node) -> Option<BTreeSet<String>> {
    let said = items(column, "enum").iter().filter_map(|value| word(value, "value"));
    let said: BTreeSet<_> = said.collect();
    let named = match physical_limit(column) {
        Some(PhysicalLimit::Listed(values)) => Some(values.into_iter().collect::<BTreeSet<_>>()),
        _ => None,
    };
    match (said.is_empty(), named) {
        (true, named) => named,
        (false, None) => Some(said),
        (false, Some(named)) => Some(said.intersection(&named).cloned().collect()),
    }
}

/// Whether the name of the column's type lists its values.
pub(super) fn lists_by_name(column: &Node) -> bool {
    matches!(physical_limit(column), Some(PhysicalLimit::Listed(_)))
}

/// How the values that a column takes moved, wherever either side lists them.
pub(super) fn list_shift(old: &Node, new: &Node) -> Shift {
    match (listed(old), listed(new)) {
        (None, None) => Shift::Restated,
        (None, Some(_)) => Shift::Tightened,
        (Some(_), None) => Shift::Loosened,
        (Some(old), Some(new)) => Shift::of(new.is_subset(&old), old.is_subset(&new)),
    }
}

/// The most characters that a column takes, by `maxLength` and by the name of its type.
fn longest(column: &Node) -> Option<u64> {
    let named = match physical_limit(column) {
        Some(PhysicalLimit::Length(length)) => Some(length),
        _ => None,
    };
    let said = column.get("logicalTypeOptions").and_then(|of| count(of, "maxLength"));
    named.into_iter().chain(said).min()
}

/// Whether a column has the limit of this option, be it by the name of its type.
pub(super) fn limits_too(key: &str, column: &Node) -> bool {
    match key {
        "maxLength" => longest(column).is_some(),
        "format" => !text_formats(column).is_empty(),
        "enum" => listed(column).is_some(),
        _ => false,
    }
}

/// How the most characters that a column takes moved, wherever either side says it.
pub(super) fn length_shift(old: &Node, new: &Node) -> Shift {
    match (longest(old), longest(new)) {
        (None, None) => Shift::Restated,
        (None, Some(_)) => Shift::Tightened,
        (Some(_), None) => Shift::Loosened,
        (Some(old), Some(new)) => Shift::of(new <= old, old <= new),
    }
}

/// How the limit in the names of two types moved, `varchar(20)` to `varchar(40)`, `smallint` to `int`; nothing where
/// neither has one. What an option of the logical type says of the same counts too: who moves a limit from the one to the
/// other changes nothing.
fn limit(old_side: (Option<&ColumnType>, &Node), new_side: (Option<&ColumnType>, &Node)) -> Option<Shift> {
    use PhysicalLimit::{Format, Length, Listed, Width};
    let (old, new) = (old_side.1, new_side.1);
    Some(match (physical_limit(old), physical_limit(new)) {
        (None, None) => return None,
        (None | Some(Length(_)), None | Some(Length(_))) => length_shift(old, new),
        (None | Some(Width(_)), None | Some(Width(_))) => width_shift(old_side, new_side)?,
        (None | Some(Format(_)), None | Some(Format(_))) => format_shift(old, new),
        (None | Some(Listed(_)), None | Some(Listed(_))) => list_shift(old, new),
        (Some(old), Some(new)) => Shift::of(new.within(&old), old.within(&new)),
        (Some(_), None) => Shift::Loosened,
        (None, Some(_)) => Shift::Tightened,
    })
}

/// How the width in the name of the type moved. Of columns of one type that is a limit beside their others; where the type
/// is another one, its width is held against that of the other.
fn width_shift(
    (old_type, old): (Option<&ColumnType>, &Node),
    (new_type, new): (Option<&ColumnType>, &Node),
) -> Option<Shift> {
    let moved = Moved::of(Values::of(old_type, old), Values::of(new_type, new))?;
    Some(match moved.is_of_one_type() {
        true => moved.shift(Part::Named, &BOTH),
        false => moved.by_width(),
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
