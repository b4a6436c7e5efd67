//! What happens to rows that break a rule. The nearest `polder.onFailure` counts, so one word on an object or column
//! changes every rule inside that says nothing itself.
//!
//! A limit of the type that only warns lets the values land that it names: it keeps nothing out, as if it were not there.

use polder_core::document::Node;

use super::columns::COLUMN_IDENTITIES;
use super::pairing::{by_physical_name, pair as pair_items, word};
use super::quality::{RULE_IDENTITIES, is_text, label, reference_ends, reference_id};
use super::types::Shift;
use super::walk::{At, Pair, Walk};
use super::{Class, limits, meaning};
use crate::place::items;
use crate::rule::{OnFailure, RuleSeverity};

/// What happens on either side to a row that breaks a rule which says nothing itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Policies {
    pub(super) old: OnFailure,
    pub(super) new: OnFailure,
}

impl Default for Policies {
    fn default() -> Self {
        Self {
            old: OnFailure::Quarantine,
            new: OnFailure::Quarantine,
        }
    }
}

impl Policies {
    /// The policies of an element inside; where one side lacks it, that side's stay.
    pub(super) fn of(self, element: Pair<'_>) -> Self {
        Self {
            old: own(element.old).unwrap_or(self.old),
            new: own(element.new).unwrap_or(self.new),
        }
    }

    /// How a limit moved that the old side had and the new one has, and whether it keeps rows out on either side.
    pub(super) fn limit(self, shift: Shift, (had, has): (bool, bool)) -> (Shift, bool) {
        // What is written otherwise, or limits nothing, is on both sides or on neither.
        let same = shift == Shift::Restated;
        let before = (had || same) && self.old != OnFailure::Warn;
        let now = (has || same) && self.new != OnFailure::Warn;
        match (before, now) {
            (true, false) => (Shift::Loosened, true),
            (false, true) => (Shift::Tightened, true),
            (both, _) => (shift, both),
        }
    }

    /// How what is kept out moved, from one policy to the other.
    fn shift(self) -> Shift {
        let rank = |policy| match policy {
            OnFailure::Reject => 3,
            OnFailure::Quarantine => 2,
            OnFailure::Warn => 1,
        };
        let (old, new) = (rank(self.old), rank(self.new));
        Shift::of(new >= old, old >= new)
    }
}

/// What an element itself says.
fn own(element: Option<&Node>) -> Option<OnFailure> {
    let properties = items(element?, "customProperties").iter();
    let ours = properties.filter(|one| word(one, "property").is_some_and(|name| name == "polder.onFailure"));
    ours.filter_map(|one| OnFailure::of_word(one.get("value")?.as_str()?))
        .next_back()
}

/// Whether either side says something itself.
fn says_itself(pair: Pair<'_>) -> bool {
    own(pair.old).or(own(pair.new)).is_some()
}

impl Walk {
    /// What happens to rows that break a limit of the type changed; `said` is the word that did it.
    pub(super) fn limit_failure(&mut self, said: Pair<'_>, at: &At) {
        let Policies { old, new } = at.policies;
        let what = failure_in_words(at);
        match (old == OnFailure::Warn, new == OnFailure::Warn) {
            (false, true) => self.add("on-failure-changed", Class::BreaksReaders, said, at, what),
            (true, false) => self.add("on-failure-changed", Class::BreaksWriters, said, at, what),
            _ => self.quality_failure(said, at),
        }
    }

    /// The same of a rule under `quality`, or of a reference.
    fn quality_failure(&mut self, said: Pair<'_>, at: &At) {
        if at.policies.old != at.policies.new {
            self.moved(
                "on-failure-changed",
                at.policies.shift(),
                said,
                at,
                &failure_in_words(at),
            );
        }
    }

    /// A rule or reference whose own word, or that of an element around it, changed.
    pub(super) fn rule_failure(&mut self, said: Pair<'_>, rule: Pair<'_>, at: &At) {
        let advises = |side: Option<&Node>| {
            let severity = side.and_then(|rule| word(rule, "severity"));
            severity.is_some_and(|word| RuleSeverity::of_word(&word) != RuleSeverity::Error)
        };
        // By its severity it only warns, whatever is said around it.
        if advises(rule.old) && advises(rule.new) {
            return;
        }
        let policies = at.policies.of(rule);
        self.quality_failure(said, &At { policies, ..at.clone() });
    }

    /// The rules inside an object, column or value that say nothing themselves, after its word changed (`said`).
    pub(super) fn inherited(&mut self, said: Pair<'_>, pair: Pair<'_>, at: &At) {
        let (Some(old), Some(new)) = (pair.old, pair.new) else {
            return;
        };
        if at.policies.old == at.policies.new {
            return;
        }
        if at.column.is_some() {
            let kept = limits::checked(new);
            for key in limits::checked(old).into_iter().filter(|key| kept.contains(key)) {
                self.limit_failure(said, &at.rule(at.rule_id(key)));
            }
        }
        self.inherited_rules(said, pair, at);
        let properties = pair.under("properties");
        let (old_columns, new_columns) = properties.items();
        let columns = pair_items(old_columns, new_columns, &COLUMN_IDENTITIES, false);
        // Where columns differ, their own comparison speaks of the key.
        if meaning::same("properties", properties.old, properties.new) {
            self.keys(said, &columns, at);
        }
        for column in &columns {
            let inner = properties.of(column.old.map(|(_, node)| node), column.new.map(|(_, node)| node));
            let name = inner.old.and_then(by_physical_name).unwrap_or_default();
            self.inherited_by(said, inner, &at.field(&name));
        }
        self.inherited_by(said, pair.under("items"), &at.value("[]"));
        let map = pair.under("map");
        self.inherited_by(said, map.under("key"), &at.value(".key"));
        self.inherited_by(said, map.under("value"), &at.value(".value"));
    }

    /// A value inside, unless it says something itself: where that changed, its own comparison speaks of it.
    fn inherited_by(&mut self, said: Pair<'_>, pair: Pair<'_>, at: &At) {
        if !says_itself(pair) {
            self.inherited(said, pair, at);
        }
    }

    fn inherited_rules(&mut self, said: Pair<'_>, pair: Pair<'_>, at: &At) {
        let quality = pair.under("quality");
        let (old, new) = quality.items();
        for paired in pair_items(old, new, &RULE_IDENTITIES, true) {
            let (Some((_, old)), Some((_, new))) = (paired.old, paired.new) else {
                continue;
            };
            let inner = quality.of(Some(old), Some(new));
            if !is_text(old) && !says_itself(inner) {
                self.rule_failure(said, inner, &at.rule(label(old, at)));
            }
        }
        let relationships = pair.under("relationships");
        let (old, new) = relationships.items();
        for paired in pair_items(old, new, &[reference_ends], false) {
            let (Some((_, old)), Some((_, new))) = (paired.old, paired.new) else {
                continue;
            };
            let inner = relationships.of(Some(old), Some(new));
            if !says_itself(inner) {
                self.rule_failure(said, inner, &at.rule(reference_id(old, at)));
            }
        }
    }
}

fn failure_in_words(at: &At) -> String {
    format!(
        "what happens to rows that fail the rule `{}` changed from `{}` to `{}`",
        at.rule.as_deref().unwrap_or_default(),
        at.policies.old.as_str(),
        at.policies.new.as_str()
    )
}
