//! The ends of relationships: which object and column they name. A short name, a full one and a path of ids may name the
//! same, and one name may come to mean another column.

use std::collections::HashMap;

use polder_core::document::Node;

use super::pairing::{
    COLUMN_IDENTITIES, Kept, OBJECT_IDENTITIES, Paired, by_physical_name, pair as pair_items, pair_by,
};
use super::quality::reference_ids;
use super::walk::{At, Pair, Walk};
use crate::contract::Contract;
use crate::rule::reference::{Target, begin, target};

/// What the ends of all relationships name, as they are written in either document.
#[derive(Debug, Default)]
pub(super) struct Ends {
    old: Named,
    new: Named,
}

/// What the ends in one document name: the same text for the same thing, in either document.
#[derive(Debug, Default)]
struct Named {
    /// Where relationships of objects begin. Columns go by their names, as the ids of these rules do.
    near: HashMap<String, String>,
    /// What they lead to. What was renamed is the same.
    far: HashMap<String, String>,
}

impl Ends {
    /// The ends of both contracts.
    pub(super) fn of(schema: Pair<'_>, old: &Contract, new: &Contract) -> Self {
        let (mut was, mut is) = (Named::written(old), Named::written(new));
        if !was.far.is_empty() || !is.far.is_empty() {
            let kept = Kept::all(schema);
            was.resolve(old, |object, column| {
                let kept = kept.iter().find(|kept| kept.old == object)?;
                let column = column.filter(|column| kept.became.contains(&Some(*column)));
                Some((kept.old, column))
            });
            is.resolve(new, |object, column| {
                let kept = kept.iter().find(|kept| kept.new == object)?;
                Some((kept.old, column.and_then(|column| *kept.became.get(column)?)))
            });
        }
        Self { old: was, new: is }
    }

    /// What tells references of the one document or the `new` one apart: what their two ends name.
    fn identity(&self, new: bool, relationship: &Node) -> String {
        let named = if new { &self.new } else { &self.old };
        let end = |key: &str, names: &HashMap<String, String>| {
            let written = relationship.get(key);
            let one = written.and_then(Node::as_str);
            let several = written.and_then(Node::as_list).unwrap_or_default();
            let all = one.into_iter().chain(several.iter().filter_map(Node::as_str));
            let all = all.map(|text| names.get(text).map_or(text, String::as_str));
            all.collect::<Vec<_>>().join(", ")
        };
        format!("{} -> {}", end("from", &named.near), end("to", &named.far))
    }

    /// Whether one name means two things.
    fn moved(&self) -> bool {
        let mut both = self.old.far.iter();
        both.any(|(text, named)| self.new.far.get(text).is_some_and(|other| other != named))
    }
}

impl Named {
    /// The ends as they are written.
    fn written(contract: &Contract) -> Self {
        let mut named = Self::default();
        for object in &contract.objects {
            for relationship in &object.relationships {
                let near = relationship.from.iter();
                named.near.extend(near.map(|end| {
                    let path = begin(object, &end.text).ok();
                    (end.text.clone(), path.unwrap_or_else(|| end.text.clone()))
                }));
            }
        }
        let far = contract
            .relationships()
            .into_iter()
            .flat_map(|relationship| &relationship.to);
        named.far.extend(far.map(|end| (end.text.clone(), end.text.clone())));
        named
    }

    /// Says what the ends lead to: the old position of an object and of its column, which `was` knows by those in this
    /// document; else the name.
    fn resolve(&mut self, contract: &Contract, was: impl Fn(usize, Option<usize>) -> Option<(usize, Option<usize>)>) {
        let objects = &contract.objects;
        for (text, named) in &mut self.far {
            let Some(Target { dataset, object, path }) = target(contract, text) else {
                continue;
            };
            // A full name may be that of an object of the contract; it enters lists without a word.
            let of_dataset = || {
                objects
                    .iter()
                    .position(|one| dataset.is_some() && one.dataset == dataset)
            };
            let object = object.or_else(of_dataset);
            let path = path.replace("[]", "");
            let head = path.split('.').next().unwrap_or_default();
            let column = object.and_then(|at| objects[at].properties.iter().position(|column| column.name == head));
            *named = match object.map(|object| (object, was(object, column))) {
                Some((_, Some((object, Some(column))))) => format!("#{object} #{column}{}", &path[head.len()..]),
                Some((_, Some((object, None)))) => format!("#{object} {path}"),
                Some((object, None)) => match &dataset {
                    Some(dataset) => format!("{dataset} {path}"),
                    None => format!("{} {path}", objects[object].name),
                },
                None => dataset.map_or_else(|| text.clone(), |dataset| format!("{dataset} {path}")),
            };
        }
    }
}

impl Walk {
    /// Which reference of the old list is which of the new one.
    pub(super) fn references<'n>(&self, pair: Pair<'n>) -> Vec<Paired<'n>> {
        let (old, new) = pair.items();
        pair_by(old, new, |new, node| self.ends.identity(new, node))
    }

    /// References that are written as before and lead elsewhere, because their names mean other things now.
    pub(super) fn led_elsewhere(&mut self, schema: Pair<'_>) {
        if !self.ends.moved() {
            return;
        }
        let (old, new) = schema.items();
        for paired in pair_items(old, new, &OBJECT_IDENTITIES, false) {
            let inner = schema.of(paired.old.map(|(_, node)| node), paired.new.map(|(_, node)| node));
            let at = At {
                references: reference_ids(inner, self.old_place()),
                ..At::of_object(inner)
            };
            self.led_elsewhere_in(inner, &at);
        }
    }

    fn led_elsewhere_in(&mut self, pair: Pair<'_>, at: &At) {
        if pair.old.is_none() || pair.new.is_none() {
            return;
        }
        // Those that are written otherwise were told where they stand.
        if !pair.differing().contains(&"relationships") {
            self.relationships(pair.under("relationships"), at);
        }
        let fields = pair.under("properties");
        let (old, new) = fields.items();
        for paired in pair_items(old, new, &COLUMN_IDENTITIES, false) {
            let inner = fields.of(paired.old.map(|(_, node)| node), paired.new.map(|(_, node)| node));
            let name = inner.old.or(inner.new).and_then(by_physical_name).unwrap_or_default();
            self.led_elsewhere_in(inner, &at.field(&name));
        }
        self.led_elsewhere_in(pair.under("items"), &at.value("[]"));
        let map = pair.under("map");
        self.led_elsewhere_in(map.under("key"), &at.value(".key"));
        self.led_elsewhere_in(map.under("value"), &at.value(".value"));
    }
}
