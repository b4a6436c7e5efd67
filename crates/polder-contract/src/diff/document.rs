//! The contract as a whole, and its objects.

use polder_core::DatasetName;
use polder_core::document::Node;

use super::currency::{CURRENCY, currency};
use super::pairing::{Identity, OBJECT_IDENTITIES, by_id, by_name, by_physical_name, pair as pair_items, word};
use super::quality::reference_ids;
use super::walk::{At, Pair, Walk};
use super::{Class, Mode, meaning};
use crate::rule::OnFailure;
use crate::status::Status;

impl Walk {
    /// Everything but the objects is about the whole contract.
    pub(super) fn document(&mut self, pair: Pair<'_>) {
        let at = At::default();
        self.currency = (currency(pair.old), currency(pair.new));
        self.each(pair, &at, &[], |walk, key, inner| match key {
            "schema" => walk.objects(pair, inner),
            "slaProperties" => walk.service_levels(inner),
            // What that comes to is told of each service level.
            "slaDefaultElement" => walk.means_the_same(),
            "servers" => walk.servers(inner),
            "roles" => walk.roles(inner, &at),
            "price" => walk.price(inner),
            "status" => walk.status(inner),
            "customProperties" => walk.custom(pair, inner, &at),
            "id" => walk.add(
                "contract-id-changed",
                Class::BreaksBoth,
                inner,
                &at,
                format!("the contract's id {}", inner.said()),
            ),
            _ => walk.documentation(key, inner, &at),
        });
    }

    /// Of an object that is gone the new document shows the contract that it left.
    fn objects(&mut self, contract: Pair<'_>, pair: Pair<'_>) {
        let (old, new) = pair.items();
        for paired in pair_items(old, new, &OBJECT_IDENTITIES, false) {
            let (old, new) = (paired.old.map(|(_, node)| node), paired.new.map(|(_, node)| node));
            let inner = if new.is_some() { pair } else { contract }.of(old, new);
            let at = At::of_object(inner);
            match (old, new) {
                (Some(_), Some(_)) => self.object(inner, &at),
                (Some(gone), None) => {
                    let what = format!("{} was removed", shown(gone));
                    self.add("object-removed", Class::BreaksBoth, inner, &at, what);
                    let rules = self.rules_of_object(gone, inner);
                    self.with_gone(rules);
                }
                (None, Some(come)) => {
                    let what = format!("{} was added", shown(come));
                    self.add("object-added", Class::Compatible, inner, &at, what);
                }
                (None, None) => {}
            }
        }
    }

    fn object(&mut self, pair: Pair<'_>, at: &At) {
        let at = &At {
            references: reference_ids(pair, self.old_place()),
            ..at.within(pair)
        };
        let named = |node: Option<&Node>| node.and_then(by_physical_name);
        let renamed = named(pair.old) != named(pair.new);
        if renamed {
            let name = pair.of(
                pair.old.and_then(|node| node.get("physicalName").or(node.get("name"))),
                pair.new.and_then(|node| node.get("physicalName").or(node.get("name"))),
            );
            let what = format!("the name of {} {}", at.shown(), name.said());
            self.add("object-renamed", Class::BreaksBoth, name, at, what);
        }
        let spoken_of: &[&str] = if renamed { &["name", "physicalName"] } else { &[] };
        self.each(pair, at, spoken_of, |walk, key, inner| match key {
            "properties" => walk.properties(pair, inner, at),
            "quality" => walk.rules(inner, at),
            "relationships" => walk.relationships(inner, at),
            "customProperties" => walk.custom(pair, inner, at),
            "physicalType" => {
                let same = |(old, new): (Option<&str>, Option<&str>)| {
                    old.zip(new).is_some_and(|(old, new)| old.eq_ignore_ascii_case(new))
                };
                let class = match inner.texts() {
                    texts if same(texts) => Class::Documentation,
                    // What was not said promised nothing.
                    (None, _) | (_, None) => Class::Documentation,
                    _ => Class::BreaksBoth,
                };
                let what = format!("the kind of {} {}", at.shown(), inner.said());
                walk.add("object-kind-changed", class, inner, at, what);
            }
            _ => walk.documentation(key, inner, at),
        });
        self.misfits(pair, at);
    }

    fn servers(&mut self, pair: Pair<'_>) {
        let (old, new) = pair.items();
        let at = At::default();
        let identities: [Identity; 2] = [by_id, |node| word(node, "server")];
        for paired in pair_items(old, new, &identities, false) {
            let inner = pair.of(paired.old.map(|(_, node)| node), paired.new.map(|(_, node)| node));
            let name = inner.old.or(inner.new).and_then(|node| word(node, "server"));
            let name = name.unwrap_or_default();
            match (inner.old, inner.new) {
                (Some(_), None) => {
                    let what = format!("the server `{name}` was removed");
                    self.add("server-removed", Class::BreaksBoth, inner, &at, what);
                }
                (None, Some(_)) => {
                    let what = format!("the server `{name}` was added");
                    self.add("server-added", Class::Compatible, inner, &at, what);
                }
                _ => self.each(inner, &at, &[], |walk, key, value| match key {
                    "id" | "description" | "environment" | "customProperties" => walk.documentation(key, value, &at),
                    "roles" => walk.roles(value, &at),
                    _ => {
                        let what = format!("`{key}` of the server `{name}` {}", value.said());
                        walk.add("server-changed", Class::BreaksBoth, value, &at, what);
                    }
                }),
            }
        }
    }

    fn roles(&mut self, pair: Pair<'_>, at: &At) {
        let (old, new) = pair.items();
        let identities: [Identity; 2] = [by_id, |node| word(node, "role")];
        for paired in pair_items(old, new, &identities, false) {
            let inner = pair.of(paired.old.map(|(_, node)| node), paired.new.map(|(_, node)| node));
            let name = inner.old.or(inner.new).and_then(|node| word(node, "role"));
            let name = name.unwrap_or_default();
            match (inner.old, inner.new) {
                (Some(_), None) => {
                    let what = format!("the role `{name}` was removed");
                    self.add("role-removed", Class::BreaksReaders, inner, at, what);
                }
                (None, Some(_)) => {
                    let what = format!("the role `{name}` was added");
                    self.add("role-added", Class::Compatible, inner, at, what);
                }
                _ => self.each(inner, at, &[], |walk, key, value| match key {
                    "role" | "access" => {
                        let what = format!("`{key}` of the role `{name}` {}", value.said());
                        walk.add("role-changed", Class::BreaksBoth, value, at, what);
                    }
                    _ => walk.documentation(key, value, at),
                }),
            }
        }
    }

    pub(super) fn status(&mut self, pair: Pair<'_>) {
        let read = |text: Option<&str>| text.map_or(Status::Draft, Status::read);
        let (old, new) = (read(pair.texts().0), read(pair.texts().1));
        if old == new {
            return self.means_the_same();
        }
        let class = match (old.promise(), new.promise()) {
            _ if old == Status::Retired || new == Status::Retired => Class::BreaksBoth,
            (old, new) if old < new => Class::ServiceLevelRaised,
            (old, new) if old > new => Class::ServiceLevelLowered,
            _ => Class::Documentation,
        };
        let at = At::default().rule("status");
        self.add(
            "status-changed",
            class,
            pair,
            &at,
            format!("the status {}", pair.said()),
        );
    }

    /// What people made up about an element. Of Polder's own properties some decide what is checked, and how.
    pub(super) fn custom(&mut self, element: Pair<'_>, pair: Pair<'_>, at: &At) {
        let (old, new) = pair.items();
        let identities: [Identity; 2] = [|node| word(node, "property"), by_id];
        for paired in pair_items(old, new, &identities, false) {
            let inner = pair.of(paired.old.map(|(_, node)| node), paired.new.map(|(_, node)| node));
            if meaning::same("", inner.old, inner.new) {
                continue;
            }
            let name = inner.new.or(inner.old).and_then(|node| word(node, "property"));
            let name = name.unwrap_or_default();
            let value = inner.under("value");
            let (before, told) = (self.count(), self.told());
            match name.as_str() {
                "polder.onFailure" if same_failure(element, value, at) => self.means_the_same(),
                "polder.onFailure" if at.rule.is_some() => self.rule_failure(value, element, at),
                "polder.onFailure" => {
                    self.inherited(value, element, at);
                    if self.count() == before && self.moves_misfits(element, at) {
                        self.means_the_same();
                    }
                }
                "polder.compatibility" => self.compatibility(value, at),
                "polder.noticePeriod" => self.notice(value),
                CURRENCY => self.currency(element, inner, at),
                _ => {}
            }
            // What is said of a property beside its value are words.
            let words = || {
                inner
                    .differing()
                    .iter()
                    .any(|key| !matches!(*key, "property" | "value"))
            };
            if self.count() == before || (self.told() == told && words()) {
                let said = if inner.old.is_some() && inner.new.is_some() {
                    value.said()
                } else {
                    inner.said()
                };
                let what = format!("the custom property `{name}` of {} {said}", at.shown());
                self.add("custom-property-changed", Class::Documentation, inner, at, what);
            }
        }
    }

    /// The mode is a promise about changes to come: its two halves are what readers and what writers are promised.
    fn compatibility(&mut self, pair: Pair<'_>, at: &At) {
        let read = |text: Option<&str>| text.and_then(|text| text.parse().ok()).unwrap_or_default();
        let (old, new): (Mode, Mode) = (read(pair.texts().0), read(pair.texts().1));
        let rank = |promised: bool, mode: Mode| u8::from(promised) * (1 + u8::from(mode.is_transitive()));
        let halves = |mode: Mode| [rank(mode.protects_readers(), mode), rank(mode.protects_writers(), mode)];
        let lost = halves(old).iter().zip(halves(new)).any(|(old, new)| *old > new);
        let won = halves(old).iter().zip(halves(new)).any(|(old, new)| *old < new);
        if old == new {
            return self.means_the_same();
        }
        let what = format!("the compatibility mode {}", pair.said());
        if lost {
            self.add(
                "compatibility-mode-changed",
                Class::QualityLoosened,
                pair,
                at,
                what.clone(),
            );
        }
        if won {
            self.add("compatibility-mode-changed", Class::QualityTightened, pair, at, what);
        }
    }

    /// What is said in words, item by item where items have names.
    pub(super) fn documentation(&mut self, key: &str, pair: Pair<'_>, at: &At) {
        let code = match key {
            "team" | "members" => "team-changed",
            "support" => "support-changed",
            "tags" => "tags-changed",
            "version" => "version-changed",
            "description" | "purpose" | "usage" | "limitations" => "description-changed",
            _ => "documentation-changed",
        };
        let of = match (&at.rule, at.shown()) {
            (Some(rule), _) => format!("the rule `{rule}`"),
            (None, shown) => shown,
        };
        let identity: Option<Identity> = match key {
            "tags" => Some(|node| node.scalar_text().map(str::to_owned)),
            "support" => Some(|node| word(node, "channel")),
            "members" | "team" => Some(|node| word(node, "username")),
            _ => None,
        };
        let before = self.count();
        let lists = pair.old.or(pair.new).is_some_and(|node| node.as_list().is_some());
        if let Some(identity) = identity.filter(|_| lists) {
            let (old, new) = pair.items();
            for paired in pair_items(old, new, &[identity], false) {
                let inner = pair.of(paired.old.map(|(_, node)| node), paired.new.map(|(_, node)| node));
                if !meaning::same("", inner.old, inner.new) {
                    let name = inner.new.or(inner.old).and_then(identity).unwrap_or_default();
                    let said = match (inner.old, inner.new) {
                        (None, _) => "was added",
                        (_, None) => "was removed",
                        _ => "changed",
                    };
                    self.add(
                        code,
                        Class::Documentation,
                        inner,
                        at,
                        format!("`{name}` in `{key}` of {of} {said}"),
                    );
                }
            }
        }
        let both = pair.old.and_then(Node::as_map).is_some() && pair.new.and_then(Node::as_map).is_some();
        if both && matches!(key, "team" | "description") {
            for inner in pair.differing() {
                self.documentation(inner, pair.under(inner), at);
            }
        }
        if self.count() > before {
            return;
        }
        let written_otherwise = matches!(pair.texts(), (Some(old), Some(new)) if old == new);
        let said = if written_otherwise {
            "is written otherwise".to_owned()
        } else {
            pair.said()
        };
        self.add(code, Class::Documentation, pair, at, format!("`{key}` of {of} {said}"));
    }
}

/// Whether rows that fail fare as before, though one side says so and the other leaves it to what is around.
fn same_failure(element: Pair<'_>, value: Pair<'_>, at: &At) -> bool {
    let read = |word: Option<&str>| word.is_none_or(|word| OnFailure::of_word(word).is_some());
    let policies = at.policies.of(element.old, element.new);
    policies.old == policies.new && read(value.texts().0) && read(value.texts().1)
}

/// The dataset that an object is bound to.
fn dataset(object: &Node) -> Option<DatasetName> {
    word(object, "physicalName")?.parse().ok()
}

fn shown(object: &Node) -> String {
    match (dataset(object), by_name(object)) {
        (Some(dataset), _) => format!("the dataset {dataset}"),
        (None, Some(name)) => format!("the object `{name}`"),
        (None, None) => "an object".to_owned(),
    }
}
