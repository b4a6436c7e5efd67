//! The rules that go with columns and objects: with those that are gone, and with names that nothing has any more.

use polder_core::document::Node;

use super::pairing::by_physical_name;
use super::walk::{At, Pair, Walk};
use super::{limits, quality};
use crate::place::{flag, items};

impl Walk {
    /// The ids of the rules of a column, those inside it too, that go by its old name: no rule is called so any more. Rules
    /// with an id of their own keep it.
    pub(super) fn rules_of_old_name(&self, pair: Pair<'_>, at: &At, old: &str, new: &str) -> Vec<String> {
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
