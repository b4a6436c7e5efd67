//! The walk over two documents side by side.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use polder_core::DatasetName;
use polder_core::document::{Node, Span};

use super::ends::Ends;
use super::pairing::{by_name, word};
use super::policies::Policies;
use super::{Change, Class, meaning};
use crate::contract::Contract;
use crate::place::{Place, flag};
use crate::rule::id;

/// Where in the contract the walk is.
#[derive(Debug, Clone, Default)]
pub(super) struct At {
    pub(super) dataset: Option<DatasetName>,
    pub(super) object: Option<String>,
    pub(super) column: Option<String>,
    pub(super) rule: Option<String>,
    /// What happens there to rows that fail.
    pub(super) policies: Policies,
    /// What happens there to rows with a value that the type of the column cannot hold, the column around it included.
    pub(super) misfits: Policies,
    /// Whether it is inside of another value: such values make no key.
    pub(super) inside: bool,
    /// Whether nothing there can be null, whatever it says: the keys of a map are not.
    pub(super) never_null: bool,
    /// Whether the column alone is the primary key, in the old document and in the new one.
    pub(super) is_key: (bool, bool),
    /// The ids of the references that the object declares, by their ends.
    pub(super) references: Arc<HashMap<String, String>>,
}

impl At {
    /// An object, as the old document names it, or the new one where it comes.
    pub(super) fn of_object(pair: Pair<'_>) -> Self {
        let named = pair.old.or(pair.new);
        Self {
            dataset: named.and_then(|object| word(object, "physicalName")?.parse().ok()),
            object: named.and_then(by_name),
            ..Self::default()
        }
    }

    /// The same place, at this rule.
    pub(super) fn rule(&self, rule: impl Into<String>) -> Self {
        Self {
            rule: Some(rule.into()),
            ..self.clone()
        }
    }

    /// A column of the object, or a field of the value.
    pub(super) fn field(&self, name: &str) -> Self {
        let column = match &self.column {
            Some(column) => format!("{column}.{name}"),
            None => name.to_owned(),
        };
        Self {
            column: Some(column),
            inside: self.column.is_some(),
            never_null: false,
            is_key: (false, false),
            ..self.clone()
        }
    }

    /// What is inside the value: its items (`[]`), or one side of a map.
    pub(super) fn value(&self, step: &str) -> Self {
        Self {
            column: Some(format!("{}{step}", self.column.as_deref().unwrap_or_default())),
            inside: true,
            never_null: false,
            is_key: (false, false),
            ..self.clone()
        }
    }

    /// Whether the column there must have a value: as it says itself, or as part of the primary key.
    pub(super) fn asks_value(&self, column: Option<&Node>) -> bool {
        let says = |key| column.is_some_and(|column| flag(column, key));
        says("required") || (!self.inside && says("primaryKey"))
    }

    /// The same place, with what its element says of rows that fail.
    pub(super) fn within(&self, element: Pair<'_>) -> Self {
        Self {
            policies: self.policies.of(element.old, element.new),
            ..self.clone()
        }
    }

    /// What a sentence calls the place.
    pub(super) fn shown(&self) -> String {
        match (&self.column, &self.object) {
            (Some(column), _) => format!("the column `{column}`"),
            (None, Some(object)) => format!("`{object}`"),
            (None, None) => "the contract".to_owned(),
        }
    }

    /// The id of a rule about the place, as gates call it.
    pub(super) fn rule_id(&self, rule: &str) -> String {
        id::of_value(self.column.as_deref(), rule)
    }

    /// The id of the rule that an option of the logical type makes.
    pub(super) fn option_id(&self, option: &str) -> String {
        self.rule_id(id::by_option(option))
    }
}

/// The same part of both documents; a part that one of them lacks has the span where it would belong.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair<'n> {
    pub(super) old: Option<&'n Node>,
    pub(super) new: Option<&'n Node>,
    old_span: Span,
    new_span: Span,
}

impl<'n> Pair<'n> {
    /// What stands under a key on both sides.
    pub(super) fn under(&self, key: &str) -> Self {
        self.of(
            self.old.and_then(|node| node.get(key)),
            self.new.and_then(|node| node.get(key)),
        )
    }

    /// Two parts within this one.
    pub(super) fn of(&self, old: Option<&'n Node>, new: Option<&'n Node>) -> Self {
        Self {
            old,
            new,
            old_span: old.map_or(self.old_span, head),
            new_span: new.map_or(self.new_span, head),
        }
    }

    /// The keys whose values differ in meaning, in the order of the new document, then what only the old one has.
    pub(super) fn differing(&self) -> Vec<&'n str> {
        let entries = |node: Option<&'n Node>| node.into_iter().flat_map(meaning::entries);
        let has = |node: Option<&'n Node>, key: &str| entries(node).find(|entry| entry.key == key).map(|e| &e.value);
        let keys = entries(self.new).map(|entry| entry.key.as_str());
        let gone = entries(self.old)
            .map(|entry| entry.key.as_str())
            .filter(|key| has(self.new, key).is_none());
        keys.chain(gone)
            .filter(|key| !meaning::same(key, has(self.old, key), has(self.new, key)))
            .collect()
    }

    /// The items of the lists on both sides.
    pub(super) fn items(&self) -> (&'n [Node], &'n [Node]) {
        let list = |node: Option<&'n Node>| node.and_then(Node::as_list).unwrap_or_default();
        (list(self.old), list(self.new))
    }

    /// Text, numbers and booleans of both sides.
    pub(super) fn texts(&self) -> (Option<&'n str>, Option<&'n str>) {
        (
            self.old.and_then(Node::scalar_text),
            self.new.and_then(Node::scalar_text),
        )
    }

    /// How the value changed: ``changed from `a` to `b` ``, ``was added: `b` ``, ``was removed: `a` ``.
    pub(super) fn said(&self) -> String {
        let short = |text: &str| text.chars().count() <= 60 && !text.contains('\n');
        match (self.old, self.new, self.texts()) {
            (_, _, (Some(old), Some(new))) if short(old) && short(new) && old != new => {
                format!("changed from `{old}` to `{new}`")
            }
            (None, _, (_, Some(new))) if short(new) => format!("was added: `{new}`"),
            (None, ..) => "was added".to_owned(),
            (_, None, (Some(old), _)) if short(old) => format!("was removed: `{old}`"),
            (_, None, _) => "was removed".to_owned(),
            _ => "changed".to_owned(),
        }
    }
}

/// The stretch that stands for a mapping: its name, else its first key.
fn head(node: &Node) -> Span {
    let names = [
        "name", "property", "id", "server", "role", "username", "channel", "value",
    ];
    let Some(entries) = node.as_map() else {
        return node.span;
    };
    names
        .iter()
        .find_map(|name| node.get(name))
        .filter(|name| name.scalar_text().is_some())
        .map(|name| name.span)
        .or_else(|| entries.first().map(|entry| entry.key_span))
        .unwrap_or(node.span)
}

/// The walk and what it found.
pub(super) struct Walk {
    old_file: Place,
    new_file: Place,
    changes: Vec<Change>,
    /// How many differences were found to mean the same.
    same: usize,
    /// What the ends of relationships name.
    pub(super) ends: Ends,
    /// The currency of amounts where objects say none.
    pub(super) currency: (Option<String>, Option<String>),
}

impl Walk {
    /// Everything that differs in meaning between two contracts.
    pub(super) fn over(old: &Contract, new: &Contract) -> Vec<Change> {
        Self::over_documents(
            (&old.source_path, &old.document),
            (&new.source_path, &new.document),
            |walk, pair| {
                walk.ends = Ends::of(pair.under("schema"), old, new);
                walk.document(pair);
                walk.led_elsewhere(pair.under("schema"));
                walk.measured(pair, old, new);
            },
        )
    }

    /// Everything that a walk finds over two documents, each with its file.
    pub(super) fn over_documents(
        old: (&Path, &Node),
        new: (&Path, &Node),
        walk: impl FnOnce(&mut Self, Pair<'_>),
    ) -> Vec<Change> {
        let place = |(file, document): (&Path, &Node)| Place {
            file: Arc::from(file),
            span: document.span,
        };
        let mut found = Self {
            old_file: place(old),
            new_file: place(new),
            changes: Vec::new(),
            same: 0,
            ends: Ends::default(),
            currency: (None, None),
        };
        let pair = Pair {
            old: Some(old.1),
            new: Some(new.1),
            old_span: head(old.1),
            new_span: head(new.1),
        };
        walk(&mut found, pair);
        found.changes
    }

    /// Treats every key whose values differ, but those that were spoken of. What a treatment does not speak of is
    /// reported as documentation, so that nothing goes unsaid.
    pub(super) fn each<'n>(
        &mut self,
        pair: Pair<'n>,
        at: &At,
        spoken_of: &[&str],
        mut treat: impl FnMut(&mut Self, &'n str, Pair<'n>),
    ) {
        for key in pair.differing() {
            if spoken_of.contains(&key) {
                continue;
            }
            let before = self.count();
            let inner = pair.under(key);
            treat(self, key, inner);
            if self.count() == before {
                self.documentation(key, inner, at);
            }
        }
    }

    /// How many changes there are so far.
    pub(super) fn told(&self) -> usize {
        self.changes.len()
    }

    /// How many differences were judged so far: those that are changes, and those that mean the same.
    pub(super) fn count(&self) -> usize {
        self.changes.len() + self.same
    }

    /// Notes that what is written otherwise on both sides means the same, or is told elsewhere: it is no change here.
    pub(super) fn means_the_same(&mut self) {
        self.same += 1;
    }

    /// Adds a change.
    pub(super) fn add(&mut self, code: &'static str, class: Class, pair: Pair<'_>, at: &At, what: impl Into<String>) {
        self.changes.push(Change {
            code,
            dataset: at.dataset.clone(),
            object: at.object.clone(),
            column: at.column.clone(),
            rule: at.rule.clone(),
            class,
            what: what.into(),
            old: Some(self.old_file.at(pair.old_span)),
            new: Some(self.new_file.at(pair.new_span)),
            gone: Vec::new(),
        });
    }

    /// Notes the rules that went with what the last change removed.
    pub(super) fn with_gone(&mut self, gone: Vec<String>) {
        if let Some(change) = self.changes.last_mut() {
            change.gone = gone;
        }
    }

    /// The old document's file.
    pub(super) fn old_place(&self) -> &Place {
        &self.old_file
    }

    /// The new document's file.
    pub(super) fn new_place(&self) -> &Place {
        &self.new_file
    }
}
