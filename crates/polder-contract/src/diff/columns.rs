//! Columns, and the values inside them.

use std::collections::BTreeSet;

use polder_core::document::Node;

use super::pairing::{COLUMN_IDENTITIES, Paired, by_physical_name, pair as pair_items};
use super::policies::Policies;
use super::shift::Shift;
use super::types::{self, TYPE_KEYS};
use super::walk::{At, Pair, Walk};
use super::widths::width;
use super::{Class, limits, meaning, quality};
use crate::place::{count, flag, items};
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

/// The primary keys of both sides, as positions among the pairs of columns.
pub(super) struct Keys {
    old: Vec<usize>,
    new: Vec<usize>,
    /// Whether a change of them was told.
    are_said: bool,
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
            let at = At {
                is_key: (keys.old == [index], keys.new == [index]),
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

    /// The primary key.
    pub(super) fn keys(&mut self, pair: Pair<'_>, pairs: &[Paired<'_>], at: &At) -> Keys {
        let key = |new: bool| {
            let mut key: Vec<(u64, usize)> = pairs
                .iter()
                .enumerate()
                .filter_map(|(index, paired)| {
                    let (_, node) = if new { paired.new } else { paired.old }?;
                    let position = count(node, "primaryKeyPosition").filter(|position| *position > 0);
                    flag(node, "primaryKey").then_some((position.unwrap_or(1), index))
                })
                .collect();
            key.sort_by_key(|(position, _)| *position);
            key.into_iter().map(|(_, index)| index).collect::<Vec<_>>()
        };
        let (old, new) = (key(false), key(true));
        // A key of one column goes by what that says of failures; of several columns none is nearer than the object.
        let policy = |key: &[usize], side: fn(Policies) -> OnFailure| match key {
            [only] => {
                let column = &pairs[*only];
                let column = pair.of(column.old.map(|(_, node)| node), column.new.map(|(_, node)| node));
                side(at.policies.of(column.old, column.new))
            }
            _ => side(at.policies),
        };
        let policies = Policies {
            old: policy(&old, |policies| policies.old),
            new: policy(&new, |policies| policies.new),
        };
        let at = &At {
            policies,
            ..at.rule(at.rule_id("primaryKey"))
        };
        let as_set = |key: &[usize]| key.iter().copied().collect::<BTreeSet<_>>();
        if as_set(&old) == as_set(&new) {
            // Values inside of others make no key.
            if !old.is_empty() && at.column.is_none() {
                self.limit_failure(pair, at);
            }
            return Keys {
                old,
                new,
                are_said: false,
            };
        }
        let name = |index: &usize, new: bool| {
            let paired = &pairs[*index];
            let side = if new { paired.new } else { paired.old };
            side.and_then(|(_, node)| by_physical_name(node)).unwrap_or_default()
        };
        let shown = |key: &[usize], new: bool| key.iter().map(|index| name(index, new)).collect::<Vec<_>>().join(", ");
        let sides = (!old.is_empty(), !new.is_empty());
        let (shift, what) = if old.is_empty() {
            let what = format!("{} has the primary key ({}) now", at.shown(), shown(&new, true));
            (Shift::Tightened, what)
        } else if new.is_empty() {
            let what = format!(
                "{} has no primary key any more; it was ({})",
                at.shown(),
                shown(&old, false)
            );
            (Shift::Loosened, what)
        } else {
            let (before, now) = (shown(&old, false), shown(&new, true));
            let what = format!("the primary key of {} changed from ({before}) to ({now})", at.shown());
            (Shift::Changed, what)
        };
        self.limited(|_| "primary-key-changed", shift, sides, pair, at, &what);
        Keys {
            old,
            new,
            are_said: true,
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
        if asked.0 != asked.1 {
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
            "items" => walk.inside(inner, at, "[]"),
            "map" => {
                walk.inside(inner.under("key"), at, ".key");
                walk.inside(inner.under("value"), at, ".value");
            }
            "customProperties" => walk.custom(pair, inner, at),
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
    fn inside(&mut self, pair: Pair<'_>, at: &At, step: &str) {
        if meaning::same("", pair.old, pair.new) {
            return;
        }
        let at = at.value(step);
        match (pair.old, pair.new) {
            (Some(_), Some(_)) => self.value(pair, &at, &mut Vec::new()),
            (Some(_), None) => {
                let what = format!("{} is not described any more", at.shown());
                self.add("type-changed", Class::BreaksReaders, pair, &at, what);
            }
            (None, _) => {
                let what = format!("{} is described now", at.shown());
                self.add("type-changed", Class::BreaksWriters, pair, &at, what);
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

    /// The ids of the rules of a column, those inside it too, that go by its old name: no rule is called so any more. Rules
    /// with an id of their own keep it.
    fn rules_of_old_name(&self, pair: Pair<'_>, at: &At, old: &str, new: &str) -> Vec<String> {
        let around = at.column.as_deref().and_then(|column| column.strip_suffix(old));
        let renamed = At {
            column: around.map(|around| format!("{around}{new}")),
            ..at.clone()
        };
        let rules = |node: Option<&Node>, at: &At| node.map(|node| self.rules_of_column(node, at)).unwrap_or_default();
        let kept = rules(pair.new, &renamed);
        let mut gone = rules(pair.old, at);
        gone.retain(|rule| !kept.contains(rule));
        gone
    }

    /// The ids of all rules of a column that is gone, those inside it too.
    pub(super) fn rules_of_column(&self, node: &Node, at: &At) -> Vec<String> {
        let mut rules: Vec<String> = limits::rule_ids(node, at);
        rules.extend(quality::labels(node, at, self.old_place()));
        let within = |step: String| at.value(&step);
        for field in items(node, "properties") {
            let name = by_physical_name(field).unwrap_or_default();
            rules.extend(self.rules_of_column(field, &within(format!(".{name}"))));
        }
        let inner = [
            (node.get("items"), "[]"),
            (node.get("map").and_then(|map| map.get("key")), ".key"),
            (node.get("map").and_then(|map| map.get("value")), ".value"),
        ];
        for (value, step) in inner {
            if let Some(value) = value {
                rules.extend(self.rules_of_column(value, &within(step.to_owned())));
            }
        }
        rules
    }

    /// The ids of all rules of an object that is gone.
    pub(super) fn rules_of_object(&self, node: &Node, pair: Pair<'_>) -> Vec<String> {
        let at = At {
            references: quality::reference_ids(pair, self.old_place()),
            ..At::default()
        };
        let own = quality::labels(node, &at, self.old_place()).into_iter();
        let columns = items(node, "properties").iter().flat_map(|column| {
            let at = At {
                column: by_physical_name(column),
                ..At::default()
            };
            self.rules_of_column(column, &at)
        });
        let has_key = items(node, "properties")
            .iter()
            .any(|column| flag(column, "primaryKey"));
        own.chain(columns)
            .chain(has_key.then(|| "primaryKey".to_owned()))
            .collect()
    }
}
