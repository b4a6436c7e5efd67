//! Bounds of values: which counts, how two of them stand to each other, and what is next to one.

use std::cmp::Ordering;

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use polder_core::document::Node;

use super::number::Number;
use super::pairing::word;
use super::walk::Pair;

/// A bound of one side: the key that sets it, the value as written, whether the value itself is refused.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bound<'n> {
    pub(super) key: &'static str,
    pub(super) text: &'n str,
    pub(super) exclusive: bool,
}

/// The bound that counts: the tighter one where both are written.
pub(super) fn bound<'n>(
    options: Option<&'n Node>,
    key: &'static str,
    exclusive_key: &'static str,
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
pub(super) fn order(one: Bound<'_>, other: Bound<'_>) -> Option<Ordering> {
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

/// The least or greatest value that a bound allows, of columns in which there is one: whole numbers (as they are) and days
/// (counted).
pub(super) fn smallest_step(column: Pair<'_>, bound: Bound<'_>, lower: bool) -> Option<i128> {
    let of = |kind: &str| {
        let is = |side: Option<&Node>| {
            side.and_then(|side| word(side, "logicalType"))
                .is_some_and(|word| word == kind)
        };
        is(column.old) && is(column.new)
    };
    if of("integer") {
        return whole(bound, lower);
    }
    let day = NaiveDate::parse_from_str(bound.text, "%Y-%m-%d")
        .ok()
        .filter(|_| of("date"))?;
    let day = i128::from(day.num_days_from_ce());
    Some(day + inward(bound, lower))
}

/// The least or greatest whole number that a bound allows.
pub(super) fn whole(bound: Bound<'_>, lower: bool) -> Option<i128> {
    let number = Number::read(bound.text)?;
    let (floor, ceil) = (number.floor()?, number.ceil()?);
    let rounded = if lower { ceil } else { floor };
    // A bound between two whole numbers leaves out neither.
    let step = if floor == ceil { inward(bound, lower) } else { 0 };
    rounded.checked_add(step)
}

/// How far the first value inside is from the bound, in steps.
fn inward(bound: Bound<'_>, lower: bool) -> i128 {
    match (bound.exclusive, lower) {
        (false, _) => 0,
        (true, true) => 1,
        (true, false) => -1,
    }
}
