//! Columns, and the values inside them.

use std::collections::BTreeSet;

use polder_core::document::Node;

use super::pairing::{Identity, Paired, by_id, by_name, by_physical_name, pair as pair_items};
use super::types::{self, Shift, TYPE_KEYS};
use super::walk::{At, Pair, Walk};
use super::{Class, limits, meaning, quality};
use crate::place::{count, flag, items};

/// Keys that the primary key's change has spoken of.
const KEY_KEYS: [&str; 2] = ["primaryKey", "primaryKeyPosition"];

impl Walk {
    /// The columns of an object, or the fields of a value.
    pub(super) fn properties(&mut self, pair: Pair<'_>, at: &At) {
        let (old, new) = pair.items();
        let identities: [Identity; 3] = [by_id, by_physical_name, by_name];
        let pairs = pair_items(old, new, &identities, false);
        let keys = self.keys(pair, &pairs, at);
        for paired in &pairs {
            let inner = pair.of(paired.old.map(|(_, node)| node), paired.new.map(|(_, node)| node));
            if inner.old.is_some() && inner.new.is_some() && meaning::same("", inner.old, inner.new) {
                continue;
            }
            let name = inner.old.or(inner.new).and_then(by_physical_name).unwrap_or_default();
            let column = match &at.column {
                Some(column) => format!("{column}.{name}"),
                None => name,
            };
            let at = At {
                column: Some(column),
                ..at.clone()
            };
            match (inner.old, inner.new) {
                (Some(gone), None) => {
                    let what = format!("{} was removed", at.shown());
                    self.add("column-removed", Class::BreaksReaders, inner, &at, what);
                    let rules = self.rules_of_column(gone, &at);
                    self.with_gone(rules);
                }
                (None, Some(come)) if flag(come, "required") => {
                    let what = format!("{} was added and is required", at.shown());
                    self.add("required-column-added", Class::BreaksWriters, inner, &at, what);
                }
                (None, Some(_)) => {
                    let what = format!("{} was added and is optional", at.shown());
                    self.add("column-added", Class::Compatible, inner, &at, what);
                }
                _ => self.column(inner, &at, keys),
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

    /// The primary key. Gives whether anything was said of it.
    fn keys(&mut self, pair: Pair<'_>, pairs: &[Paired<'_>], at: &At) -> bool {
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
        let as_set = |key: &[usize]| key.iter().copied().collect::<BTreeSet<_>>();
        if as_set(&old) == as_set(&new) {
            return false;
        }
        let name = |index: &usize, new: bool| {
            let paired = &pairs[*index];
            let side = if new { paired.new } else { paired.old };
            side.and_then(|(_, node)| by_physical_name(node)).unwrap_or_default()
        };
        let shown = |key: &[usize], new: bool| key.iter().map(|index| name(index, new)).collect::<Vec<_>>().join(", ");
        let (class, what) = if old.is_empty() {
            let what = format!("{} has the primary key ({}) now", at.shown(), shown(&new, true));
            (Class::BreaksWriters, what)
        } else if new.is_empty() {
            let what = format!(
                "{} has no primary key any more; it was ({})",
                at.shown(),
                shown(&old, false)
            );
            (Class::BreaksReaders, what)
        } else {
            let (old, new) = (shown(&old, false), shown(&new, true));
            let what = format!("the primary key of {} changed from ({old}) to ({new})", at.shown());
            (Class::BreaksBoth, what)
        };
        let at = at.rule(at.rule_id("primaryKey"));
        self.add("primary-key-changed", class, pair, &at, what);
        true
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
            spoken_of.extend(["name", "physicalName"]);
        }
        self.value(pair, at, &mut spoken_of);
    }

    /// A value: what columns, items and sides of maps have in common.
    fn value(&mut self, pair: Pair<'_>, at: &At, spoken_of: &mut Vec<&str>) {
        let types_said = self.value_type(pair, at);
        if types_said {
            spoken_of.extend(TYPE_KEYS);
        }
        self.each(pair, at, spoken_of, |walk, key, inner| match key {
            "required" => walk.flag(inner, at, "required", "requires a value", "accepts null"),
            "unique" => walk.flag(inner, at, "unique", "accepts no value twice", "accepts a value twice"),
            "logicalTypeOptions" => walk.limits(pair, inner, at, types_said),
            "enum" => walk.allowed(inner, at),
            "quality" => walk.rules(inner, at),
            "relationships" => walk.relationships(inner, at),
            "properties" => walk.properties(inner, at),
            "items" => walk.inside(inner, at, "[]"),
            "map" => {
                walk.inside(inner.under("key"), at, ".key");
                walk.inside(inner.under("value"), at, ".value");
            }
            "customProperties" => walk.custom(inner, at),
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
        let at = At {
            column: Some(format!("{}{step}", at.column.as_deref().unwrap_or_default())),
            ..at.clone()
        };
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

    /// The type. Gives whether anything was said of it.
    fn value_type(&mut self, pair: Pair<'_>, at: &At) -> bool {
        let (Some(old), Some(new)) = (pair.old, pair.new) else {
            return false;
        };
        let differs = |key: &str| !meaning::same(key, old.get(key), new.get(key));
        let key = TYPE_KEYS.into_iter().rev().find(|key| differs(key));
        if key.is_none() && limits::width(old) == limits::width(new) {
            return false;
        }
        let (shift, from, to) = types::shift(old, new, self.old_place(), self.new_place());
        let inner = match key {
            Some(key) => pair.under(key),
            None => pair.under("logicalTypeOptions").under("format"),
        };
        let (code, class, what) = match shift {
            Shift::Restated if key.is_none() => return false,
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
        true
    }

    fn flag(&mut self, pair: Pair<'_>, at: &At, rule: &str, tight: &str, loose: &str) {
        let tightened = pair.new.and_then(Node::scalar_text) == Some("true");
        let (code, class, what) = match (rule, tightened) {
            ("required", true) => ("column-became-required", Class::BreaksWriters, tight),
            ("required", false) => ("column-became-optional", Class::BreaksReaders, loose),
            (_, true) => ("column-became-unique", Class::BreaksWriters, tight),
            (_, false) => ("column-became-repeatable", Class::BreaksReaders, loose),
        };
        let at = at.rule(at.rule_id(rule));
        self.add(code, class, pair, &at, format!("{} {what} now", at.shown()));
    }

    /// The ids of all rules of a column that is gone, those inside it too.
    pub(super) fn rules_of_column(&self, node: &Node, at: &At) -> Vec<String> {
        let mut rules: Vec<String> = limits::rule_ids(node, at);
        rules.extend(quality::labels(node, at));
        let within = |step: String| At {
            column: Some(format!("{}{step}", at.column.as_deref().unwrap_or_default())),
            ..at.clone()
        };
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
    pub(super) fn rules_of_object(&self, node: &Node) -> Vec<String> {
        let at = At::default();
        let own = quality::labels(node, &at).into_iter();
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
