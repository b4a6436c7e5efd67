//! Quality rules and relationships: tightened, loosened, or asking something else.

use std::collections::HashMap;
use std::sync::Arc;

use polder_core::document::Node;

use super::Class;
use super::meaning;
use super::pairing::{Identity, by_id, by_name, pair as pair_items, word};
use super::query::{without_blanks, without_comments};
use super::shift::Shift;
use super::thresholds::{Accepted, accepted};
use super::walk::{At, Pair, Walk};
use crate::place::{Place, items};
use crate::quality::{Quality, is_percent};
use crate::rule::reference::id_on_object;
use crate::rule::{RuleSeverity, id};
use crate::schema::SchemaObject;
use crate::structure::OPERATORS;

/// What makes up what a rule measures.
const ESSENCE: [&str; 5] = ["type", "metric", "query", "engine", "implementation"];

/// Metrics that count rows, but in percent.
const COUNTS: [&str; 5] = [
    "rowCount",
    "nullValues",
    "missingValues",
    "invalidValues",
    "duplicateValues",
];

/// What tells rules apart.
pub(super) const RULE_IDENTITIES: [Identity; 4] = [by_id, by_name, kind_and_operator, kind];

/// What gates call a rule under `quality`.
pub(super) fn label(rule: &Node, at: &At, document: &Place) -> String {
    id::of_quality(at.column.as_deref(), &Quality::read(rule, document))
}

fn measured(rule: &Node) -> String {
    let metric = word(rule, "metric").or_else(|| word(rule, "rule"));
    metric
        .or_else(|| word(rule, "type"))
        .unwrap_or_else(|| "rule".to_owned())
}

pub(super) fn is_text(rule: &Node) -> bool {
    word(rule, "type").is_some_and(|kind| kind == "text")
}

fn kind_and_operator(rule: &Node) -> Option<String> {
    let operator = OPERATORS.iter().find(|operator| rule.get(operator).is_some());
    Some(format!("{} {}", measured(rule), operator.unwrap_or(&"")))
}

fn kind(rule: &Node) -> Option<String> {
    Some(measured(rule))
}

impl Walk {
    /// The rules of a column or object.
    pub(super) fn rules(&mut self, pair: Pair<'_>, at: &At) {
        let (old, new) = pair.items();
        for paired in pair_items(old, new, &RULE_IDENTITIES, true) {
            let inner = pair.of(paired.old.map(|(_, node)| node), paired.new.map(|(_, node)| node));
            let Some(named) = inner.old.or(inner.new) else { continue };
            if meaning::same("", inner.old, inner.new) {
                continue;
            }
            let label = label(named, at, self.old_place());
            let at = at.rule(label.clone());
            let (come, gone) = if is_text(named) {
                (Class::Documentation, Class::Documentation)
            } else {
                (Class::QualityTightened, Class::QualityLoosened)
            };
            match (inner.old, inner.new) {
                (Some(_), None) => {
                    let what = format!("the rule `{label}` of {} was removed", at.shown());
                    self.add("rule-removed", gone, inner, &at, what);
                }
                (None, Some(_)) => {
                    let what = format!("the rule `{label}` of {} was added", at.shown());
                    self.add("rule-added", come, inner, &at, what);
                }
                (Some(old), Some(new)) => self.rule(inner, old, new, &at),
                (None, None) => {}
            }
        }
    }

    fn rule(&mut self, pair: Pair<'_>, old: &Node, new: &Node, at: &At) {
        let label = at.rule.clone().unwrap_or_default();
        let essence =
            |key: &str| ESSENCE.contains(&key) || (key == "rule" && old.get("metric").or(new.get("metric")).is_none());
        let other = pair.differing().into_iter().find(|key| {
            let texts = pair.under(key).texts();
            let same = |old: &str, new: &str| match *key {
                "query" => without_comments(old) == without_comments(new),
                _ => without_blanks(old) == without_blanks(new),
            };
            essence(key) && !matches!(texts, (Some(old), Some(new)) if same(old, new))
        });
        if let Some(key) = other {
            let inner = pair.under(key);
            let what = format!(
                "the rule `{label}` of {} asks something else: `{key}` {}",
                at.shown(),
                inner.said()
            );
            self.moved("rule-changed", Shift::Changed, inner, at, &what);
        }
        let mut spoken_of: Vec<&str> = if other.is_some() { ESSENCE.to_vec() } else { Vec::new() };
        if let Some(key) = pair
            .differing()
            .into_iter()
            .find(|key| OPERATORS.contains(key) || *key == "unit")
        {
            self.threshold(pair, key, old, new, at);
            spoken_of.extend(OPERATORS);
            spoken_of.push("unit");
        }
        self.each(pair, at, &spoken_of, |walk, key, inner| match key {
            "arguments" => walk.arguments(inner, accepted(old).zip(accepted(new)), at),
            "severity" => walk.severity(inner, at),
            "customProperties" => walk.custom(pair, inner, at),
            _ => walk.documentation(key, inner, at),
        });
    }

    /// A rule that moved. What neither asks more nor less does both: what it promised is gone, and what it asks is new.
    pub(super) fn moved(&mut self, code: &'static str, shift: Shift, pair: Pair<'_>, at: &At, what: &str) {
        if matches!(shift, Shift::Loosened | Shift::Changed) {
            self.add(code, Class::QualityLoosened, pair, at, what);
        }
        if matches!(shift, Shift::Tightened | Shift::Changed) {
            self.add(code, Class::QualityTightened, pair, at, what);
        }
        if shift == Shift::Restated {
            self.add(code, Class::Documentation, pair, at, what);
        }
    }

    fn threshold(&mut self, pair: Pair<'_>, key: &str, old: &Node, new: &Node, at: &At) {
        let percent = |node: &Node| word(node, "unit").is_some_and(|unit| is_percent(&unit));
        let units = percent(old) == percent(new);
        // Rows are counted: more than 100 are 101 at least.
        let counts = |rule: &Node| {
            word(rule, "metric").is_some_and(|metric| COUNTS.contains(&metric.as_str())) && !percent(rule)
        };
        let figures = |rule: &Node| {
            let figures = accepted(rule)?;
            let counted = counts(old) && counts(new);
            Some(if counted { figures.counting() } else { figures })
        };
        // Words for the share, of which there are several.
        if percent(old) && percent(new) && same_operators(old, new) {
            return self.means_the_same();
        }
        let shift = match (figures(old), figures(new)) {
            (Some(old), Some(new)) if units || (old.only_zero() && new.only_zero()) => Accepted::shift(&old, &new),
            _ if units && same_operators(old, new) => Shift::Restated,
            _ => Shift::Changed,
        };
        let shown = |node: &Node| {
            let unit = word(node, "unit").map_or_else(String::new, |unit| format!(" {unit}"));
            let operators = OPERATORS.iter().filter_map(|operator| {
                let value = node.get(operator)?;
                let value = value
                    .scalar_text()
                    .map_or_else(|| value.to_json().to_string(), str::to_owned);
                Some(format!("{operator} {value}{unit}"))
            });
            match operators.collect::<Vec<_>>() {
                none if none.is_empty() => "nothing".to_owned(),
                operators => operators.join(" and "),
            }
        };
        let label = at.rule.clone().unwrap_or_default();
        let verb = match shift {
            Shift::Restated => "is written otherwise",
            Shift::Tightened => "was tightened",
            Shift::Loosened => "was loosened",
            Shift::Changed => "changed",
        };
        let what = format!(
            "the rule `{label}` of {} {verb}: {}, now {}",
            at.shown(),
            shown(old),
            shown(new)
        );
        self.moved("threshold-changed", shift, pair.under(key), at, &what);
    }

    fn arguments(&mut self, pair: Pair<'_>, accepted: Option<(Accepted, Accepted)>, at: &At) {
        let counts_wrong = accepted.is_some_and(|(old, new)| old.less_is_better() && new.less_is_better());
        let label = at.rule.clone().unwrap_or_default();
        self.each(pair, at, &[], |walk, key, inner| {
            let set = |node: Option<&Node>| -> Option<Vec<String>> {
                let mut items: Vec<_> = node?.as_list()?.iter().map(|item| meaning::of("", item)).collect();
                items.sort();
                Some(items)
            };
            let (old, new) = (set(inner.old), set(inner.new));
            let within = |inner: &[String], outer: &[String]| inner.iter().all(|item| outer.contains(item));
            let shift = match (key, old, new) {
                ("validValues" | "properties", Some(old), Some(new)) if counts_wrong => {
                    Shift::of(within(&new, &old), within(&old, &new))
                }
                ("missingValues", Some(old), Some(new)) if counts_wrong => {
                    Shift::of(within(&old, &new), within(&new, &old))
                }
                ("validValues" | "missingValues" | "pattern", None, Some(_)) if counts_wrong => Shift::Tightened,
                ("validValues" | "missingValues" | "pattern", Some(_), None) if counts_wrong => Shift::Loosened,
                ("pattern", None, None) if counts_wrong && inner.old.is_none() => Shift::Tightened,
                ("pattern", None, None) if counts_wrong && inner.new.is_none() => Shift::Loosened,
                (_, Some(old), Some(new)) if old == new => Shift::Restated,
                _ => Shift::Changed,
            };
            let what = format!("`{key}` of the rule `{label}` of {} {}", at.shown(), inner.said());
            walk.moved("rule-arguments-changed", shift, inner, at, &what);
        });
    }

    fn severity(&mut self, pair: Pair<'_>, at: &At) {
        let rank = |text: Option<&str>| match text.map_or(RuleSeverity::Error, RuleSeverity::of_word) {
            RuleSeverity::Error => 3,
            RuleSeverity::Warning => 2,
            RuleSeverity::Info => 1,
        };
        let (old, new) = (rank(pair.texts().0), rank(pair.texts().1));
        let label = at.rule.clone().unwrap_or_default();
        let what = format!("the severity of the rule `{label}` of {} {}", at.shown(), pair.said());
        self.moved("severity-changed", Shift::of(new >= old, old >= new), pair, at, &what);
    }

    /// References to other elements: each is a promise that they are there.
    pub(super) fn relationships(&mut self, pair: Pair<'_>, at: &At) {
        for paired in self.references(pair) {
            let inner = pair.of(paired.old.map(|(_, node)| node), paired.new.map(|(_, node)| node));
            if meaning::same("", inner.old, inner.new) {
                continue;
            }
            let Some(named) = inner.old.or(inner.new) else { continue };
            let to = match named.get("to") {
                Some(to) => match to.as_list() {
                    Some(list) => list.iter().filter_map(Node::as_str).collect::<Vec<_>>().join(", "),
                    None => to.as_str().unwrap_or_default().to_owned(),
                },
                None => String::new(),
            };
            let at = at.rule(reference_id(named, at));
            match (inner.old, inner.new) {
                (Some(_), None) => {
                    let what = format!("the relationship of {} to {to} was removed", at.shown());
                    self.add("relationship-removed", Class::QualityLoosened, inner, &at, what);
                }
                (None, Some(_)) => {
                    let what = format!("the relationship of {} to {to} was added", at.shown());
                    self.add("relationship-added", Class::QualityTightened, inner, &at, what);
                }
                _ => self.each(inner, &at, &[], |walk, key, value| match key {
                    "type" => {
                        let what = format!(
                            "the kind of the relationship of {} to {to} {}",
                            at.shown(),
                            value.said()
                        );
                        walk.moved("relationship-changed", Shift::Changed, value, &at, &what);
                    }
                    // They were paired by what their ends name.
                    "from" | "to" => {
                        let what = format!(
                            "the relationship of {} to {to} names the same columns otherwise: `{key}` {}",
                            at.shown(),
                            value.said()
                        );
                        walk.moved("relationship-restated", Shift::Restated, value, &at, &what);
                    }
                    "customProperties" => walk.custom(inner, value, &at),
                    _ => walk.documentation(key, value, &at),
                }),
            }
        }
    }
}

/// The two ends of a reference as they are written.
fn reference_ends(node: &Node) -> Option<String> {
    let end = |key| node.get(key).map_or_else(String::new, |end| meaning::of(key, end));
    Some(format!("{} {}", end("from"), end("to")))
}

fn same_operators(old: &Node, new: &Node) -> bool {
    OPERATORS
        .iter()
        .all(|operator| meaning::same(operator, old.get(operator), new.get(operator)))
}

/// What gates call a reference to another element.
pub(super) fn reference_id(relationship: &Node, at: &At) -> String {
    let declared = || reference_ends(relationship).and_then(|ends| at.references.get(&ends).cloned());
    match at.column {
        Some(_) => at.rule_id("foreignKey"),
        None => declared().unwrap_or_else(|| at.rule_id("foreignKey")),
    }
}

/// What gates call the references of an object, by their ends; as the old side says where both have them.
pub(super) fn reference_ids(object: Pair<'_>, document: &Place) -> Arc<HashMap<String, String>> {
    let mut ids = HashMap::new();
    for node in [object.new, object.old].into_iter().flatten() {
        let declared = items(node, "relationships");
        if declared.is_empty() {
            continue;
        }
        let object = SchemaObject::read(node, document);
        let named = declared.iter().zip(&object.relationships);
        ids.extend(named.filter_map(|(node, one)| Some((reference_ends(node)?, id_on_object(&object, one)))));
    }
    Arc::new(ids)
}

/// The rules and references of an object or column, for those that go with it.
pub(super) fn labels(node: &Node, at: &At, document: &Place) -> Vec<String> {
    let rules = items(node, "quality").iter().map(|rule| label(rule, at, document));
    let references = items(node, "relationships")
        .iter()
        .map(|reference| reference_id(reference, at));
    rules.chain(references).collect()
}
