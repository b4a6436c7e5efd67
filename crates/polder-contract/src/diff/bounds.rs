//! Bounds of values: which counts, and how two of them stand to each other.

use std::cmp::Ordering;
use std::fmt;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use polder_core::document::Node;

use super::meaning;
use super::number::Number;
use super::range::{Moved, Part};
use super::shift::Shift;
use super::walk::{At, Pair, Walk};
use crate::number::Side;

/// Both bounds: what they are called, their keys, and the order of a tighter one to another.
const SIDES: [(Side, [&str; 2], Ordering); 2] = [
    (Side::Low, ["minimum", "exclusiveMinimum"], Ordering::Greater),
    (Side::High, ["maximum", "exclusiveMaximum"], Ordering::Less),
];

/// A bound of one side: the key that sets it, the value as written, whether the value itself is refused.
#[derive(Debug, Clone, Copy)]
struct Bound<'n> {
    key: &'static str,
    text: &'n str,
    exclusive: bool,
}

impl fmt::Display for Bound<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.text, if self.exclusive { " (exclusive)" } else { "" })
    }
}

impl Walk {
    /// The bounds of a column, held against whatever else limits its values. Gives the keys that it spoke of.
    pub(super) fn bounds(&mut self, moved: Option<&Moved>, options: Pair<'_>, at: &At) -> Vec<&'static str> {
        let mut spoken_of = Vec::new();
        for (side, keys, tighter) in SIDES {
            let differ = |key: &&str| !meaning::same(key, options.under(key).old, options.under(key).new);
            let Some(key) = keys.into_iter().find(differ) else {
                continue;
            };
            spoken_of.extend(keys);
            let (old, new) = (bound(options.old, keys, tighter), bound(options.new, keys, tighter));
            let shown =
                |bound: Option<Bound<'_>>| bound.map_or_else(|| "nothing".to_owned(), |bound| bound.to_string());
            let what = format!(
                "the {} of {} changed from {} to {}",
                keys[0],
                at.shown(),
                shown(old),
                shown(new)
            );
            let rule = old.or(new).map_or(key, |bound| bound.key);
            let (said, at) = (options.under(key), at.rule(at.rule_id(rule)));
            match moved.filter(|moved| moved.is_read()) {
                Some(moved) => self.ranged(moved, Part::Bounds, &[side], said, &at, &what),
                None => {
                    let sides = (old.is_some(), new.is_some());
                    self.limit(as_written(old, new, tighter), sides, said, &at, &what);
                }
            }
        }
        spoken_of
    }
}

/// How a bound moved whose values nobody here can hold against those of the column.
fn as_written(old: Option<Bound<'_>>, new: Option<Bound<'_>>, tighter: Ordering) -> Shift {
    match (old, new) {
        (None, None) => Shift::Restated,
        (None, _) => Shift::Tightened,
        (_, None) => Shift::Loosened,
        (Some(old), Some(new)) => match order(new, old) {
            Some(Ordering::Equal) => Shift::Restated,
            Some(order) if order == tighter => Shift::Tightened,
            Some(_) => Shift::Loosened,
            None => Shift::Changed,
        },
    }
}

/// The bound that counts: the tighter one where both are written.
fn bound<'n>(
    options: Option<&'n Node>,
    [key, exclusive_key]: [&'static str; 2],
    tighter: Ordering,
) -> Option<Bound<'n>> {
    let read = |key: &'static str, exclusive| {
        let text = options?.get(key)?.scalar_text()?;
        Some(Bound { key, text, exclusive })
    };
    match (read(key, false), read(exclusive_key, true)) {
        (Some(inclusive), Some(exclusive)) => match order(inclusive, exclusive) {
            Some(order) if order == tighter => Some(inclusive),
            _ => Some(exclusive),
        },
        (one, other) => one.or(other),
    }
}

/// The order of two bounds of the same side. Of equal values the exclusive one is tighter: above an inclusive minimum,
/// below an inclusive maximum.
fn order(one: Bound<'_>, other: Bound<'_>) -> Option<Ordering> {
    let values = values(one.text, other.text)?;
    if values != Ordering::Equal || one.exclusive == other.exclusive {
        return Some(values);
    }
    let lower = matches!(one.key, "minimum" | "exclusiveMinimum");
    Some(if one.exclusive == lower {
        Ordering::Greater
    } else {
        Ordering::Less
    })
}

/// The order of two values as written: numbers, instants, days or times of day.
fn values(one: &str, other: &str) -> Option<Ordering> {
    if let (Some(one), Some(other)) = (Number::read(one), Number::read(other)) {
        return Some(one.cmp(&other));
    }
    let instant = |text: &str| DateTime::parse_from_rfc3339(text).ok().map(|at| at.with_timezone(&Utc));
    if let (Some(one), Some(other)) = (instant(one), instant(other)) {
        return Some(one.cmp(&other));
    }
    let local = |text: &str| {
        let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
        let forms = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"];
        day.and_then(|day| day.and_hms_opt(0, 0, 0)).or_else(|| {
            forms
                .iter()
                .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
        })
    };
    if let (Some(one), Some(other)) = (local(one), local(other)) {
        return Some(one.cmp(&other));
    }
    let time = |text: &str| {
        let forms = ["%H:%M:%S%.f", "%H:%M"];
        forms.iter().find_map(|form| NaiveTime::parse_from_str(text, form).ok())
    };
    match (time(one), time(other)) {
        (Some(one), Some(other)) => Some(one.cmp(&other)),
        _ => (one == other).then_some(Ordering::Equal),
    }
}
