//! References that go in a circle: each dataset waits for rows of the next, and none can have its first.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use polder_contract::ContractSet;
use polder_contract::rule::{Metric, OnFailure, RowCheck, RowTest, Rule, RuleKind, SetTest};
use polder_core::DatasetName;
use polder_core::document::{Diagnostic, Severity};

/// A reference that refuses rows without a match.
struct Reference {
    to: DatasetName,
    rule: Rule,
    /// Whether rows can do without a key: those with a null in it are let through.
    optional: bool,
}

/// Every reference that is part of a circle of datasets which wait for each other: an error where no row of any of them can
/// come first, a warning where one can whose key is null. References that only warn keep nobody waiting, nor do those of a
/// dataset to itself, because a shipment is judged as a whole.
pub(crate) fn circles(contracts: &ContractSet) -> Vec<Diagnostic> {
    let mut references: BTreeMap<_, _> = contracts
        .iter()
        .map(|contract| {
            let own = contract.dataset();
            (own, references(own, &contract.rules().unwrap_or_default()))
        })
        .filter(|(_, references)| !references.is_empty())
        .collect();
    // What leads to an end is in no circle; mostly nothing is left.
    loop {
        let going_on: BTreeSet<DatasetName> = references.keys().map(|from| (*from).clone()).collect();
        for own in references.values_mut() {
            own.retain(|reference| going_on.contains(&reference.to));
        }
        references.retain(|_, own| !own.is_empty());
        if references.len() == going_on.len() {
            break;
        }
    }
    let mut found = Vec::new();
    for (from, own) in &references {
        for reference in own {
            let strict = !reference.optional;
            let (way, severity) = match way(&references, &reference.to, from, true).filter(|_| strict) {
                Some(way) => (way, Severity::Error),
                None => match way(&references, &reference.to, from, false) {
                    Some(way) => (way, Severity::Warning),
                    None => continue,
                },
            };
            let circle: Vec<_> = std::iter::once(*from).chain(way).map(ToString::to_string).collect();
            let circle = circle.join(" → ");
            let id = &reference.rule.id;
            let (message, help) = match severity {
                Severity::Error => (
                    format!("{id}: references go in a circle, so that no row can ever be first: {circle}"),
                    "let one of them only warn: customProperties: [{property: polder.onFailure, value: warn}]",
                ),
                _ => (
                    format!(
                        "{id}: references go in a circle, so that the first rows need a null in their key: {circle}"
                    ),
                    "ship such rows first, or let one of the references only warn",
                ),
            };
            found.push(Diagnostic {
                severity,
                ..reference.rule.place.error("circle", message, Some(help))
            });
        }
    }
    found
}

/// The references of a dataset to others that refuse rows.
fn references(own: &DatasetName, rules: &[Rule]) -> Vec<Reference> {
    let required: BTreeSet<&str> = rules
        .iter()
        .filter(|rule| rule.on_failure != OnFailure::Warn)
        .filter(|rule| {
            matches!(
                rule.kind,
                RuleKind::Row(RowTest::Value {
                    check: RowCheck::Required,
                    ..
                })
            )
        })
        .filter_map(|rule| rule.column.as_deref())
        .collect();
    let refusing = rules.iter().filter(|rule| rule.on_failure != OnFailure::Warn);
    let found = refusing.filter_map(|rule| match &rule.kind {
        RuleKind::Set(SetTest {
            metric: Metric::Orphans { columns, dataset, .. },
            ..
        }) if dataset != own => Some(Reference {
            to: dataset.clone(),
            rule: rule.clone(),
            optional: !columns.iter().all(|column| never_null(column, &required)),
        }),
        _ => None,
    });
    found.collect()
}

/// Whether a value and everything around it is required.
fn never_null(path: &str, required: &BTreeSet<&str>) -> bool {
    let around = path.match_indices('.').map(|(end, _)| &path[..end]);
    around.chain([path]).all(|part| required.contains(part))
}

/// The shortest way along references from one dataset to another, both ends named; only along those that no row can do
/// without, where that is asked.
fn way<'a>(
    references: &'a BTreeMap<&DatasetName, Vec<Reference>>,
    from: &'a DatasetName,
    to: &DatasetName,
    strict: bool,
) -> Option<Vec<&'a DatasetName>> {
    let mut before: BTreeMap<&DatasetName, Option<&DatasetName>> = BTreeMap::from([(from, None)]);
    let mut open = VecDeque::from([from]);
    while let Some(here) = open.pop_front() {
        if here == to {
            let mut way = vec![here];
            let mut at = here;
            while let Some(Some(earlier)) = before.get(at) {
                way.push(earlier);
                at = earlier;
            }
            way.reverse();
            return Some(way);
        }
        for reference in references.get(here).into_iter().flatten() {
            if (strict && reference.optional) || before.contains_key(&reference.to) {
                continue;
            }
            before.insert(&reference.to, Some(here));
            open.push_back(&reference.to);
        }
    }
    None
}
