//! Columns, and the values inside them.

use polder_core::document::Node;

use super::misfits::misfits;
use super::pairing::{COLUMN_IDENTITIES, Paired, by_physical_name, pair as pair_items};
use super::shift::Shift;
use super::types::{self, TYPE_KEYS};
use super::walk::{At, Pair, Walk};
use super::widths::width;
use super::{Class, meaning};
use crate::rule::OnFailure;

/// Keys that the primary key's change has spoken of.
const KEY_KEYS: [&str; 2] = ["primaryKey", "primaryKeyPosition"];

/// What was said of a type that changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TypeSaid {
    /// How its names changed. The format, of which texts have one too, is compared by itself.
    ByName,
    /// How the type follows the width of the numbers, which is all that changed.
    ByWidth,
}

/// The position in a key, from 1.
fn position(written: Option<&Node>) -> u64 {
    let read = written.and_then(Node::scalar_text).and_then(|text| text.parse().ok());
    read.filter(|position| *position > 0).unwrap_or(1)
}

impl Walk {
    /// The columns of an object, or the fields of a value.
    ///
    /// Of what is gone the new document shows whose it was: `owner` is the object, or the column with the value.
    pub(super) fn properties(&mut self, owner: Pair<'_>, pair: Pair<'_>, at: &At) {
        let (old, new) = pair.items();
        let pairs = pair_items(old, new, &COLUMN_IDENTITIES, false);
        let keys = self.keys(pair, &pairs, at);
        for (index, paired) in pairs.iter().enumerate() {
            let around = if paired.new.is_some() { pair } else { owner };
            let inner = around.of(paired.old.map(|(_, node)| node), paired.new.map(|(_, node)| node));
            if inner.old.is_some() && inner.new.is_some() && meaning::same("", inner.old, inner.new) {
                continue;
            }
            let name = inner.old.or(inner.new).and_then(by_physical_name).unwrap_or_default();
            let misfits = match (inner.old, inner.new) {
                (Some(old), Some(new)) if at.column.is_none() => misfits(old, new, at.policies),
                _ => at.misfits,
            };
            let at = At {
                is_key: (keys.old == [index], keys.new == [index]),
                misfits,
                ..at.field(&name)
            };
            match (inner.old, inner.new) {
                (Some(gone), None) => {
                    let what = format!("{} was removed", at.shown());
                    self.add("column-removed", Class::BreaksReaders, inner, &at, what);
                    let rules = self.rules_of_column(gone, &at);
                    self.with_gone(rules);
                }
                (None, Some(_)) if at.asks_value(inner.new) && at.within(inner).policies.new != OnFailure::Warn => {
                    let what = format!("{} was added and is required", at.shown());
                    self.add("required-column-added", Class::BreaksWriters, inner, &at, what);
                }
                (None, Some(_)) => {
                    let optional = match at.asks_value(inner.new) {
                        true => "only reports what has no value",
                        false => "is optional",
                    };
                    let what = format!("{} was added and {optional}", at.shown());
                    self.add("column-added", Class::Compatible, inner, &at, what);
                }
                _ => self.column(inner, &at, keys.are_said),
            }
        }
        self.order(pair, &pairs, at);
    }

    /// Columns that were there before and stand in another order.
    fn order(&mut self, pair: Pair<'_>, pairs: &[Paired<'_>], at: &At) {
        // Pairs come in the new document's order.
        let positions = || {
            pairs
                .iter()
                .filter_map(|paired| paired.new.and(paired.old).map(|(at, _)| at))
        };
        let sorted = positions().zip(positions().skip(1)).all(|(one, next)| one < next);
        if !sorted {
            let what = format!("the columns of {} stand in another order", at.shown());
            self.add("columns-reordered", Class::Compatible, pair, at, what);
        }
    }

    fn column(&mut self, pair: Pair<'_>, at: &At, keys_said: bool) {
        let mut spoken_of: Vec<&str> = Vec::new();
        if keys_said {
            spoken_of.extend(KEY_KEYS);
        }
        let named = |node: Option<&Node>| node.and_then(by_physical_name);
        if let (Some(old), Some(new)) = (named(pair.old), named(pair.new))
            && old != new
        {
            let what = format!("{} was renamed to `{new}`", at.shown());
            self.add("column-renamed", Class::BreaksBoth, pair, at, what);
            let rules = self.rules_of_old_name(pair, at, &old, &new);
            self.with_gone(rules);
            spoken_of.extend(["name", "physicalName"]);
        }
        self.value(pair, at, &mut spoken_of);
    }

    /// A value: what columns, items and sides of maps have in common.
    pub(super) fn value(&mut self, pair: Pair<'_>, at: &At, spoken_of: &mut Vec<&str>) {
        let at = &at.within(pair);
        let width_said = match self.value_type(pair, at) {
            Some(said) => {
                spoken_of.extend(TYPE_KEYS);
                said == TypeSaid::ByWidth
            }
            None => false,
        };
        if width_said && pair.under("logicalTypeOptions").differing() == ["format"] {
            spoken_of.push("logicalTypeOptions");
        }
        // A column of the key must have a value, whether it says so too or not.
        let asked = (at.asks_value(pair.old), at.asks_value(pair.new));
        if asked.0 != asked.1 && !at.never_null {
            let said = ["required", "primaryKey"].map(|key| pair.under(key));
            let inner = said
                .into_iter()
                .find(|said| said.old.or(said.new).is_some())
                .unwrap_or(pair);
            self.flag(asked, inner, at, "required", "requires a value", "accepts null");
            spoken_of.push("required");
        }
        self.each(pair, at, spoken_of, |walk, key, inner| match key {
            "unique" => {
                let differs = |own: Option<&Node>| own.and_then(Node::scalar_text) == Some("true");
                let unique = (differs(inner.old) || at.is_key.0, differs(inner.new) || at.is_key.1);
                if unique.0 != unique.1 {
                    walk.flag(
                        unique,
                        inner,
                        at,
                        "unique",
                        "accepts no value twice",
                        "accepts a value twice",
                    );
                }
            }
            "logicalTypeOptions" => walk.limits(pair, inner, at, width_said),
            "enum" => walk.allowed(pair, inner, at),
            "quality" => walk.rules(inner, at),
            "relationships" => walk.relationships(inner, at),
            "properties" => walk.properties(pair, inner, at),
            "items" => walk.inside(inner, &at.value("[]")),
            "map" => {
                let key = At {
                    never_null: true,
                    ..at.value(".key")
                };
                walk.inside(inner.under("key"), &key);
                walk.inside(inner.under("value"), &at.value(".value"));
            }
            "customProperties" => walk.custom(pair, inner, at),
            // A lone column is the first of its key, and so is one that says nothing.
            "primaryKeyPosition" if at.is_key == (true, true) || position(inner.old) == position(inner.new) => {
                walk.means_the_same();
            }
            "partitionKeyPosition" if position(inner.old) == position(inner.new) => walk.means_the_same(),
            "partitioned" | "partitionKeyPosition" => {
                let what = format!("`{key}` of {} {}", at.shown(), inner.said());
                walk.add("partitioning-changed", Class::Compatible, inner, at, what);
            }
            "classification" | "encryptedName" => {
                let what = format!("`{key}` of {} {}", at.shown(), inner.said());
                walk.add("classification-changed", Class::Compatible, inner, at, what);
            }
            _ => walk.documentation(key, inner, at),
        });
    }

    /// Items of a list, key or value of a map.
    fn inside(&mut self, pair: Pair<'_>, at: &At) {
        if meaning::same("", pair.old, pair.new) {
            return;
        }
        match (pair.old, pair.new) {
            (Some(_), Some(_)) => self.value(pair, at, &mut Vec::new()),
            (Some(_), None) => {
                let what = format!("{} is not described any more", at.shown());
                self.add("type-changed", Class::BreaksReaders, pair, at, what);
            }
            (None, _) => {
                let what = format!("{} is described now", at.shown());
                self.add("type-changed", Class::BreaksWriters, pair, at, what);
            }
        }
    }

    /// The type. Gives what was said of it, if anything was.
    fn value_type(&mut self, pair: Pair<'_>, at: &At) -> Option<TypeSaid> {
        let (old, new) = pair.old.zip(pair.new)?;
        let differs = |key: &str| !meaning::same(key, old.get(key), new.get(key));
        let key = TYPE_KEYS.into_iter().rev().find(|key| differs(key));
        if key.is_none() && width(old) == width(new) {
            return None;
        }
        let said = match key {
            Some(_) => TypeSaid::ByName,
            None => TypeSaid::ByWidth,
        };
        let (shift, from, to) = types::shift(old, new, self.old_place(), self.new_place());
        let inner = match key {
            Some(key) => pair.under(key),
            None => pair.under("logicalTypeOptions").under("format"),
        };
        if let Some(sides) = types::limited(old, new, self.old_place(), self.new_place())
            && shift != Shift::Restated
        {
            // The columns are the same: what the name of the type keeps out is a limit like any other.
            let (code, what) = match shift {
                Shift::Loosened => (
                    "type-widened",
                    format!("{} was widened from {from} to {to}", at.shown()),
                ),
                Shift::Tightened => (
                    "type-narrowed",
                    format!("{} was narrowed from {from} to {to}", at.shown()),
                ),
                _ => (
                    "type-changed",
                    format!("the type of {} changed from {from} to {to}", at.shown()),
                ),
            };
            let at = at.rule(at.rule_id("physicalType"));
            self.limited(|_| code, shift, sides, inner, &at, &what);
            return Some(said);
        }
        let (code, class, what) = match shift {
            Shift::Restated if key.is_none() => return None,
            Shift::Restated => (
                "type-restated",
                Class::Documentation,
                format!("the type of {} is written otherwise: `{from}`, now `{to}`", at.shown()),
            ),
            Shift::Loosened => (
                "type-widened",
                Class::BreaksReaders,
                format!("{} was widened from {from} to {to}", at.shown()),
            ),
            Shift::Tightened => (
                "type-narrowed",
                Class::BreaksBoth,
                format!("{} was narrowed from {from} to {to}", at.shown()),
            ),
            Shift::Changed => (
                "type-changed",
                Class::BreaksBoth,
                format!("the type of {} changed from {from} to {to}", at.shown()),
            ),
        };
        self.add(code, class, inner, at, what);
        Some(said)
    }

    /// A flag that holds on one side only.
    fn flag(&mut self, sides: (bool, bool), pair: Pair<'_>, at: &At, rule: &str, tight: &str, loose: &str) {
        let tightened = sides.1;
        let (shift, what) = if tightened {
            (Shift::Tightened, tight)
        } else {
            (Shift::Loosened, loose)
        };
        let code = match (rule, tightened) {
            ("required", true) => "column-became-required",
            ("required", false) => "column-became-optional",
            (_, true) => "column-became-unique",
            (_, false) => "column-became-repeatable",
        };
        let what = format!("{} {what} now", at.shown());
        let at = at.rule(at.rule_id(rule));
        self.limited(|_| code, shift, sides, pair, &at, &what);
    }
}
