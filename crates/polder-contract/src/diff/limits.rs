//! Limits of values: options of the logical type, and listed values.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use polder_core::document::Node;

use super::failures::Policies;
use super::number::Number;
use super::pairing::{Identity, Paired, pair as pair_items, word};
use super::types::{self, Shift};
use super::walk::{At, Pair, Walk};
use super::{Class, meaning};
use crate::place::{flag, items};

/// A bound of one side: the key that sets it, the value as written, whether the value itself is refused.
#[derive(Debug, Clone, Copy)]
struct Bound<'n> {
    key: &'static str,
    text: &'n str,
    exclusive: bool,
}

/// A width of numbers: its word, whether it is signed, bits.
type Width = (&'static str, bool, u32);

/// Widths of numbers: what they hold, as (signed, bits); floating point of either width apart.
const WIDTHS: [Width; 10] = [
    ("i8", true, 8),
    ("i16", true, 16),
    ("i32", true, 32),
    ("i64", true, 64),
    ("i128", true, 128),
    ("u8", false, 8),
    ("u16", false, 16),
    ("u32", false, 32),
    ("u64", false, 64),
    ("u128", false, 128),
];

/// The options that are limits of their own, with whether a greater number allows more.
const COUNTS: [(&str, bool); 6] = [
    ("minLength", false),
    ("maxLength", true),
    ("minItems", false),
    ("maxItems", true),
    ("minProperties", false),
    ("maxProperties", true),
];

impl Walk {
    /// The options of a column's logical type; `format` is left out where the type has spoken of it.
    pub(super) fn limits(&mut self, column: Pair<'_>, pair: Pair<'_>, at: &At, types_said: bool) {
        let lower = (
            bound(pair.old, "minimum", "exclusiveMinimum", Ordering::Greater),
            bound(pair.new, "minimum", "exclusiveMinimum", Ordering::Greater),
        );
        let upper = (
            bound(pair.old, "maximum", "exclusiveMaximum", Ordering::Less),
            bound(pair.new, "maximum", "exclusiveMaximum", Ordering::Less),
        );
        let mut spoken_of = Vec::new();
        for (name, (old, new), tighter) in [
            ("minimum", lower, Ordering::Greater),
            ("maximum", upper, Ordering::Less),
        ] {
            let keys = if name == "minimum" {
                ["minimum", "exclusiveMinimum"]
            } else {
                ["maximum", "exclusiveMaximum"]
            };
            let differ = |key: &&str| !meaning::same(key, pair.under(key).old, pair.under(key).new);
            if !keys.iter().any(&differ) {
                continue;
            }
            spoken_of.extend(keys);
            let key = keys.into_iter().find(|key| differ(key)).unwrap_or(name);
            let inner = pair.under(key);
            let whole = |bound| smallest_step(column, bound, name == "minimum");
            let shift = match (old, new) {
                (None, _) => Shift::Tightened,
                (_, None) => Shift::Loosened,
                (Some(old), Some(new)) => match whole(new)
                    .zip(whole(old))
                    .map(|(new, old)| new.cmp(&old))
                    .or_else(|| order(new, old))
                {
                    Some(Ordering::Equal) => Shift::Restated,
                    Some(order) if order == tighter => Shift::Tightened,
                    Some(_) => Shift::Loosened,
                    None => Shift::Changed,
                },
            };
            let shown = |bound: Option<Bound<'_>>| {
                bound.map_or("nothing".to_owned(), |bound| {
                    format!("{}{}", bound.text, if bound.exclusive { " (exclusive)" } else { "" })
                })
            };
            let what = format!(
                "the {name} of {} changed from {} to {}",
                at.shown(),
                shown(old),
                shown(new)
            );
            let rule = old.or(new).map_or(name, |bound| bound.key);
            let sides = (old.is_some(), new.is_some());
            self.limit(shift, sides, inner, &at.rule(at.rule_id(rule)), &what);
        }
        if types_said {
            spoken_of.push("format");
        }
        self.each(pair, at, &spoken_of, |walk, key, inner| {
            let shift = option(key, inner, column);
            let what = format!("`{key}` of {} {}", at.shown(), inner.said());
            let at = at.rule(at.rule_id(key));
            let sides = (inner.old.is_some(), inner.new.is_some());
            if is_checked(key, column) {
                walk.limit(shift, sides, inner, &at, &what);
            } else {
                // What a value means goes by no rule that could fail.
                let policies = Policies::default();
                walk.limit(shift, sides, inner, &At { policies, ..at }, &what);
            }
        });
    }

    /// A limit that moved, on the sides that have it.
    fn limit(&mut self, shift: Shift, sides: (bool, bool), pair: Pair<'_>, at: &At, what: &str) {
        let code = |shift| match shift {
            Shift::Restated => "limit-restated",
            Shift::Tightened => "limit-tightened",
            Shift::Loosened => "limit-loosened",
            Shift::Changed => "limit-changed",
        };
        self.limited(code, shift, sides, pair, at, what);
    }

    /// Anything that limits what values there are, on the sides that have it. What only warns limits nothing: to who
    /// reads it is a rule about quality.
    pub(super) fn limited(
        &mut self,
        code: impl Fn(Shift) -> &'static str,
        shift: Shift,
        sides: (bool, bool),
        pair: Pair<'_>,
        at: &At,
        what: &str,
    ) {
        let (shift, binding) = at.policies.limit(shift, sides);
        let code = code(shift);
        let class = match shift {
            _ if !binding => return self.moved(code, shift, pair, at, what),
            Shift::Restated => Class::Documentation,
            Shift::Tightened => Class::BreaksWriters,
            Shift::Loosened => Class::BreaksReaders,
            Shift::Changed => Class::BreaksBoth,
        };
        self.add(code, class, pair, at, what);
    }

    /// Listed values.
    pub(super) fn allowed(&mut self, pair: Pair<'_>, at: &At) {
        let (old, new) = pair.items();
        let rule = at.rule(at.rule_id("enum"));
        let value: Identity = |node| node.get("value").map(|value| meaning::of("", value));
        let shown = |nodes: &[&Node]| {
            let words = nodes.iter().filter_map(|node| word(node, "value"));
            words.map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
        };
        if old.is_empty() || new.is_empty() {
            let (shift, what) = if old.is_empty() {
                let values: Vec<&Node> = new.iter().collect();
                (
                    Shift::Tightened,
                    format!("{} is one of {} now", at.shown(), shown(&values)),
                )
            } else {
                (Shift::Loosened, format!("{} takes any value now", at.shown()))
            };
            self.limit(shift, (!old.is_empty(), !new.is_empty()), pair, &rule, &what);
            return;
        }
        let pairs = pair_items(old, new, &[value], false);
        let side = |pick: fn(&Paired<'_>) -> bool| {
            let picked = pairs.iter().filter(|paired| pick(paired));
            picked
                .filter_map(|paired| paired.new.or(paired.old).map(|(_, node)| node))
                .collect::<Vec<_>>()
        };
        let come = side(|paired| paired.old.is_none());
        let gone = side(|paired| paired.new.is_none());
        if !come.is_empty() {
            let inner = pair.of(pair.old, come.first().copied());
            let what = format!("{} may be {} too", at.shown(), shown(&come));
            self.limited(|_| "enum-grown", Shift::Loosened, (true, true), inner, &rule, &what);
        }
        if !gone.is_empty() {
            let inner = pair.of(gone.first().copied(), pair.new);
            let what = format!("{} may not be {} any more", at.shown(), shown(&gone));
            self.limited(|_| "enum-shrunk", Shift::Tightened, (true, true), inner, &rule, &what);
        }
        for paired in &pairs {
            if let (Some((_, old)), Some((_, new))) = (paired.old, paired.new) {
                self.each(pair.of(Some(old), Some(new)), &rule, &[], |walk, key, inner| {
                    walk.documentation(key, inner, &rule);
                });
            }
        }
    }
}

/// How an option moved that is no bound.
fn option(key: &str, pair: Pair<'_>, column: Pair<'_>) -> Shift {
    let texts = pair.texts();
    if let Some((_, more)) = COUNTS.iter().find(|(name, _)| *name == key) {
        // At least nothing is no limit.
        let read = |text: Option<&str>| text.and_then(Number::read).filter(|count| *more || !count.is_zero());
        return match (read(texts.0), read(texts.1)) {
            (None, None) => Shift::Restated,
            (None, _) => Shift::Tightened,
            (_, None) => Shift::Loosened,
            (Some(old), Some(new)) if old == new => Shift::Restated,
            (Some(old), Some(new)) if (new > old) == *more => Shift::Loosened,
            _ => Shift::Tightened,
        };
    }
    match key {
        "multipleOf" => {
            let read = |text: Option<&str>| text.and_then(Number::read);
            // Every whole number is a multiple of 1.
            let idle = |text: Option<&str>, column: Option<&Node>| {
                let divides = |unit: Number| Number::read("1").and_then(|one| one.is_multiple_of(&unit)) == Some(true);
                text.is_none() || (column.is_some_and(is_whole) && read(text).is_some_and(divides))
            };
            match (read(texts.0), read(texts.1)) {
                _ if idle(texts.0, column.old) && idle(texts.1, column.new) => Shift::Restated,
                (Some(old), Some(new)) => Shift::of(
                    new.is_multiple_of(&old) == Some(true),
                    old.is_multiple_of(&new) == Some(true),
                ),
                (None, Some(_)) => Shift::Tightened,
                (Some(_), None) => Shift::Loosened,
                (None, None) => Shift::Changed,
            }
        }
        "uniqueItems" => {
            if texts.1 == Some("true") {
                Shift::Tightened
            } else {
                Shift::Loosened
            }
        }
        "required" => {
            let names = |node: Option<&Node>| -> BTreeSet<String> {
                let list = node.and_then(Node::as_list).unwrap_or_default();
                list.iter()
                    .filter_map(|item| item.as_str().map(str::to_owned))
                    .collect()
            };
            let (old, new) = (names(pair.old), names(pair.new));
            Shift::of(new.is_superset(&old), old.is_superset(&new))
        }
        "format" if column.new.is_some_and(is_whole) && column.old.is_some_and(is_whole) => {
            let range = |text: Option<&str>| text.and_then(|text| WIDTHS.iter().find(|(name, ..)| *name == text));
            let idle = |width: Option<&Width>, column: Option<&Node>| {
                width.zip(column).is_none_or(|(width, column)| is_idle(width, column))
            };
            match (range(texts.0), range(texts.1)) {
                (old, new) if idle(old, column.old) && idle(new, column.new) => Shift::Restated,
                (Some(old), Some(new)) => Shift::of(holds(old, new), holds(new, old)),
                // The width that is meant where nothing is said is that of the type: not a limit of its own.
                (None, Some(_)) => Shift::Tightened,
                (Some(_), None) => Shift::Loosened,
                (None, None) => Shift::Changed,
            }
        }
        "pattern" | "format" => match texts {
            (None, _) => Shift::Tightened,
            (_, None) => Shift::Loosened,
            _ => Shift::Changed,
        },
        // How values without a zone are meant, and whatever else comes: neither fewer nor more values.
        _ => Shift::Changed,
    }
}

fn is_whole(column: &Node) -> bool {
    word(column, "logicalType").is_some_and(|logical| logical == "integer")
}

/// Whether every number of the one width is one of the other.
fn holds(outer: &Width, inner: &Width) -> bool {
    match (outer.1, inner.1) {
        (true, false) => outer.2 > inner.2,
        (false, true) => false,
        _ => outer.2 >= inner.2,
    }
}

/// Whether the column's bounds allow no number that the width does not hold.
fn is_idle(&(_, signed, bits): &Width, column: &Node) -> bool {
    let options = column.get("logicalTypeOptions");
    let low = bound(options, "minimum", "exclusiveMinimum", Ordering::Greater);
    let high = bound(options, "maximum", "exclusiveMaximum", Ordering::Less);
    let (Some(low), Some(high)) = (
        low.and_then(|low| whole(low, true)),
        high.and_then(|high| whole(high, false)),
    ) else {
        return false;
    };
    // 2^(bits - 1) and 2^bits; of the widest the top is beyond every bound that is read.
    let power = |bits: u32| 1_i128.checked_shl(bits).filter(|power| *power > 0).unwrap_or(i128::MAX);
    let (least, beyond) = match signed {
        true => (-power(bits - 1), power(bits - 1)),
        false => (0, power(bits)),
    };
    low >= least && high < beyond
}

/// The least or greatest value that a bound allows, of columns in which there is one: whole numbers (as they are) and days
/// (counted).
fn smallest_step(column: Pair<'_>, bound: Bound<'_>, lower: bool) -> Option<i128> {
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
fn whole(bound: Bound<'_>, lower: bool) -> Option<i128> {
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

/// The format of a column of numbers, which is part of its type.
pub(super) fn width(column: &Node) -> Option<String> {
    let numbers = word(column, "logicalType").is_some_and(|logical| matches!(logical.as_str(), "integer" | "number"));
    column
        .get("logicalTypeOptions")
        .filter(|_| numbers)
        .and_then(|options| word(options, "format"))
}

/// The bound that counts: the tighter one where both are written.
fn bound<'n>(
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

/// Whether an option of the logical type makes a rule that rows can fail.
fn is_checked(key: &str, column: Pair<'_>) -> bool {
    column.new.or(column.old).is_some_and(|column| makes_rule(key, column))
}

fn makes_rule(key: &str, column: &Node) -> bool {
    let kind = word(column, "logicalType");
    match key {
        // Of dates and times it says how they are written as text.
        "format" => kind.is_some_and(|kind| matches!(kind.as_str(), "string" | "integer" | "number")),
        "timezone" | "defaultTimezone" => false,
        _ => true,
    }
}

/// The keys of a column that make rules which rows can fail.
pub(super) fn checked(column: &Node) -> Vec<&str> {
    let flags = ["required", "unique"].into_iter().filter(|key| flag(column, key));
    let listed = (!items(column, "enum").is_empty()).then_some("enum");
    let options = column
        .get("logicalTypeOptions")
        .and_then(Node::as_map)
        .unwrap_or_default();
    let options = options.iter().map(|entry| entry.key.as_str());
    let said = |key: &&str| *key != "uniqueItems" || column.get("logicalTypeOptions").is_some_and(|of| flag(of, key));
    let named = types::has_limit(column).then_some("physicalType");
    flags
        .chain(named)
        .chain(listed)
        .chain(options.filter(|key| makes_rule(key, column)).filter(said))
        .collect()
}

/// The ids of the rules that a column's own keys make, as gates call them.
pub(super) fn rule_ids(column: &Node, at: &At) -> Vec<String> {
    let flags = ["required", "unique"].into_iter().filter(|key| flag(column, key));
    let listed = (!items(column, "enum").is_empty()).then_some("enum");
    let options = column
        .get("logicalTypeOptions")
        .and_then(Node::as_map)
        .unwrap_or_default();
    let named = types::has_limit(column).then_some("physicalType");
    flags
        .chain(named)
        .chain(listed)
        .chain(options.iter().map(|entry| entry.key.as_str()))
        .map(|key| at.rule_id(key))
        .collect()
}
