//! What happens to rows that break a rule. The nearest `polder.onFailure` counts, so one word on an object or column
//! changes every rule inside that says nothing itself.
//!
//! A limit of the type that only warns lets the values land that it names: it keeps nothing out, as if it were not there.

use polder_core::document::Node;

use super::pairing::{COLUMN_IDENTITIES, by_physical_name, pair as pair_items, word};
use super::policies::{Policies, own};
use super::quality::{RULE_IDENTITIES, is_text, label, reference_id};
use super::range::{Moved, Values};
use super::walk::{At, Pair, Walk};
use super::{Class, limits, meaning};
use crate::rule::{OnFailure, RuleSeverity};

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
    pub(super) fn quality_failure(&mut self, said: Pair<'_>, at: &At) {
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
        let policies = at.policies.of(rule.old, rule.new);
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
            let kept = limits::checked(new, at);
            let before = Values::of_column(old, self.old_place());
            let moved = Moved::of(before, Values::of_column(new, self.new_place()));
            for rule in limits::checked(old, at).into_iter().filter(|rule| kept.contains(rule)) {
                let key = rule.rsplit('.').next().unwrap_or_default();
                // Nothing comes in or stays out for what every value of the column keeps.
                match moved.as_ref().is_some_and(|moved| moved.is_idle(key)) {
                    true => self.quality_failure(said, &at.rule(rule)),
                    false => self.limit_failure(said, &at.rule(rule)),
                }
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
                self.rule_failure(said, inner, &at.rule(label(old, at, self.old_place())));
            }
        }
        let relationships = pair.under("relationships");
        for paired in self.references(relationships) {
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
