//! Service levels and the price: what is promised about delivery, raised or lowered.

use std::cmp::Ordering;

use chrono::NaiveTime;
use polder_core::document::Node;

use super::number::Number;
use super::pairing::{LEVEL_IDENTITIES, level_name, pair as pair_items, word};
use super::walk::{At, Pair, Walk};
use super::{Class, meaning};
use crate::dates::{days, offset};
use crate::place::Place;
use crate::promise::{Promised, Span};
use crate::service_level::{ServiceLevel, more_is_better, service_level_name};

/// Whether it says when the contract or its support ends: without it there is no end.
pub(super) fn ends(property: &str) -> bool {
    matches!(service_level_name(property).as_str(), "endofsupport" | "endoflife")
}

/// Whether it is a date of the contract's life.
pub(super) fn life_date(property: &str) -> bool {
    ends(property) || service_level_name(property) == "generalavailability"
}

/// How a promise moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Move {
    /// The same, however it is written.
    Same,
    /// Nearly the same: a month is as long as its mean.
    Restated,
    Raised,
    Lowered,
    Changed,
}

impl Move {
    /// The same of what is worse where there is more of it.
    pub(super) fn turned(self) -> Self {
        match self {
            Self::Raised => Self::Lowered,
            Self::Lowered => Self::Raised,
            same => same,
        }
    }
}

impl Walk {
    pub(super) fn service_levels(&mut self, pair: Pair<'_>) {
        let (old, new) = pair.items();
        for paired in pair_items(old, new, &LEVEL_IDENTITIES, false) {
            let inner = pair.of(paired.old.map(|(_, node)| node), paired.new.map(|(_, node)| node));
            if meaning::same("", inner.old, inner.new) {
                continue;
            }
            let Some(named) = inner.old.or(inner.new) else { continue };
            let name = word(named, "property").unwrap_or_default();
            let at = At::default().rule(name.clone());
            match (inner.old, inner.new) {
                (Some(gone), None) => {
                    let what = format!("the service level `{name}` ({}) was removed", shown(gone));
                    let class = if ends(&name) {
                        Class::ServiceLevelRaised
                    } else {
                        Class::ServiceLevelLowered
                    };
                    self.add("service-level-removed", class, inner, &at, what);
                }
                (None, Some(come)) => {
                    let what = format!("the service level `{name}` ({}) was added", shown(come));
                    let class = if ends(&name) {
                        Class::ServiceLevelLowered
                    } else {
                        Class::ServiceLevelRaised
                    };
                    self.add("service-level-added", class, inner, &at, what);
                }
                (Some(old), Some(new)) => self.service_level(inner, old, new, &at),
                (None, None) => {}
            }
        }
    }

    fn service_level(&mut self, pair: Pair<'_>, old: &Node, new: &Node, at: &At) {
        let name = at.rule.clone().unwrap_or_default();
        let value = |key: &str| matches!(key, "value" | "unit" | "valueExt");
        let mut spoken_of: Vec<&str> = Vec::new();
        if let Some(key) = pair.differing().into_iter().find(|key| value(key)) {
            let extended = meaning::same("valueExt", old.get("valueExt"), new.get("valueExt"));
            let moved = if extended {
                promise(&level_name(old), old, new, self.new_place())
            } else {
                Move::Changed
            };
            let verb = match moved {
                Move::Same | Move::Restated => "is written otherwise",
                Move::Raised => "was raised",
                Move::Lowered => "was lowered",
                Move::Changed => "changed",
            };
            let what = format!(
                "the service level `{name}` {verb} from {} to {}",
                shown(old),
                shown(new)
            );
            self.promised("service-level-changed", moved, pair.under(key), at, &what);
            spoken_of.extend(["value", "unit", "valueExt"]);
        }
        self.each(pair, at, &spoken_of, |walk, key, inner| match key {
            "property" if level_name(old) == level_name(new) => walk.means_the_same(),
            // What that comes to is told of the level as a whole.
            "element" => walk.means_the_same(),
            // Which of two schedules runs more often is not told: less may be promised.
            "schedule" => {
                let what = format!("the schedule of the service level `{name}` {}", inner.said());
                let moved = match inner.texts() {
                    (None, Some(_)) => Move::Raised,
                    (Some(_), None) => Move::Lowered,
                    _ => Move::Changed,
                };
                walk.promised("service-level-changed", moved, inner, at, &what);
            }
            "property" => {
                let what = format!("`{key}` of the service level `{name}` {}", inner.said());
                walk.promised("service-level-changed", Move::Changed, inner, at, &what);
            }
            _ => walk.documentation(key, inner, at),
        });
    }

    /// A promise that moved. One that neither raises nor lowers does both: the old one is gone, the new one is new.
    pub(super) fn promised(&mut self, code: &'static str, moved: Move, pair: Pair<'_>, at: &At, what: &str) {
        if matches!(moved, Move::Lowered | Move::Changed) {
            self.add(code, Class::ServiceLevelLowered, pair, at, what);
        }
        if matches!(moved, Move::Raised | Move::Changed) {
            self.add(code, Class::ServiceLevelRaised, pair, at, what);
        }
        match moved {
            Move::Same => self.means_the_same(),
            Move::Restated => self.add(code, Class::Documentation, pair, at, what),
            Move::Raised | Move::Lowered | Move::Changed => {}
        }
    }

    /// How long before its end a contract is given notice.
    pub(super) fn notice(&mut self, pair: Pair<'_>) {
        let read = |text: Option<&str>| text.map_or(Some(0), days);
        let moved = match (read(pair.texts().0), read(pair.texts().1)) {
            (Some(old), Some(new)) => by_order(new.cmp(&old), true),
            _ => Move::Changed,
        };
        let at = At::default().rule("noticePeriod");
        let what = format!("the notice period {}", pair.said());
        let code = "notice-period-changed";
        match moved {
            // Everybody was promised it, whatever they read and registered: else it would be worth nothing just before an end.
            Move::Lowered => self.add(code, Class::BreaksReaders, pair, &at, what),
            Move::Changed => {
                self.add(code, Class::BreaksReaders, pair, &at, what.clone());
                self.add(code, Class::ServiceLevelRaised, pair, &at, what);
            }
            Move::Same | Move::Restated | Move::Raised => self.promised(code, moved, pair, &at, &what),
        }
    }

    /// What consumers pay.
    pub(super) fn price(&mut self, pair: Pair<'_>) {
        let at = At::default().rule("price");
        match (pair.old, pair.new) {
            (None, _) => self.promised("price-changed", Move::Lowered, pair, &at, "a price was added"),
            (_, None) => self.promised("price-changed", Move::Raised, pair, &at, "the price was removed"),
            _ => self.each(pair, &at, &[], |walk, key, inner| {
                let read = |text: Option<&str>| text.and_then(Number::read);
                let moved = match (key, read(inner.texts().0), read(inner.texts().1)) {
                    ("priceAmount", Some(old), Some(new)) => by_order(new.cmp(&old), false),
                    ("id", ..) => return walk.documentation(key, inner, &at),
                    _ => Move::Changed,
                };
                let what = format!("`{key}` {}", inner.said());
                walk.promised("price-changed", moved, inner, &at, &what);
            }),
        }
    }
}

fn shown(level: &Node) -> String {
    let value = word(level, "value").unwrap_or_default();
    match word(level, "unit") {
        Some(unit) => format!("{value} {unit}"),
        None => value,
    }
}

fn by_order(order: Ordering, more_is_better: bool) -> Move {
    match (order, more_is_better) {
        (Ordering::Equal, _) => Move::Same,
        (Ordering::Greater, true) | (Ordering::Less, false) => Move::Raised,
        _ => Move::Lowered,
    }
}

/// How a service level moved; nothing can be said of names that nobody knows and units that do not compare.
fn promise(property: &str, old: &Node, new: &Node, file: &Place) -> Move {
    let Some(more_is_better) = more_is_better(property) else {
        return Move::Changed;
    };
    match order(old, new, file) {
        Some(Ordering::Equal) if !same_length(old, new, file) => Move::Restated,
        Some(order) => by_order(order, more_is_better),
        None => Move::Changed,
    }
}

fn promised(level: &Node, file: &Place) -> Option<Promised> {
    let promise = ServiceLevel::read(level, level, file).promise().ok()?;
    Some(promise.promised)
}

/// Whether both are as long in every month, where they are lengths of time.
fn same_length(old: &Node, new: &Node, file: &Place) -> bool {
    match (promised(old, file), promised(new, file)) {
        (Some(Promised::Span(old)), Some(Promised::Span(new))) => old == new,
        _ => true,
    }
}

/// How the new value stands to the old one.
fn order(old: &Node, new: &Node, file: &Place) -> Option<Ordering> {
    let (old_value, new_value) = (word(old, "value")?, word(new, "value")?);
    let same_unit = word(old, "unit") == word(new, "unit");
    if let (true, Some(old), Some(new)) = (same_unit, Number::read(&old_value), Number::read(&new_value)) {
        return Some(new.cmp(&old));
    }
    match (promised(old, file)?, promised(new, file)?) {
        (Promised::Span(old), Promised::Span(new)) => Some(length(new).cmp(&length(old))),
        (Promised::Percent(old), Promised::Percent(new)) => new.partial_cmp(&old),
        (
            Promised::Rate { rows, seconds },
            Promised::Rate {
                rows: new_rows,
                seconds: new_seconds,
            },
        ) => (new_rows * seconds as f64).partial_cmp(&(rows * new_seconds as f64)),
        (Promised::Instant(old), Promised::Instant(new)) => Some(new.cmp(&old)),
        _ if same_unit => Some(time_of_day(&new_value)?.cmp(&time_of_day(&old_value)?)),
        _ => None,
    }
}

/// The seconds of a length of time; a month has its mean in the Gregorian calendar, so that 12 of them are a year.
fn length(span: Span) -> u64 {
    const MONTH: u64 = 2_629_746;
    span.seconds.saturating_add(u64::from(span.months) * MONTH)
}

/// A time of day with its offset from UTC, `09:00-08:00`, as seconds of the day in UTC (of the day before below 0).
fn time_of_day(text: &str) -> Option<i64> {
    let at = text.find(['+', '-', 'Z']).unwrap_or(text.len());
    let (time, zone) = text.split_at(at);
    let forms = ["%H:%M:%S", "%H:%M"];
    let time = forms
        .iter()
        .find_map(|form| NaiveTime::parse_from_str(time.trim(), form).ok())?;
    let ahead = match zone {
        "" | "Z" => 0,
        written => i64::from(offset(written)?),
    };
    Some(i64::from(chrono::Timelike::num_seconds_from_midnight(&time)) - ahead)
}
