//! What is wrong with samples themselves, whatever the rules say of them.

use std::collections::BTreeSet;

use polder_contract::DatasetContract;
use polder_contract::rule::Rule;
use polder_core::document::{Diagnostic, nearest};

use super::rows::{Rows, UNKNOWN_COLUMN, no_column, problem};
use super::{BadRow, Samples};

/// What is wrong with the samples themselves, each mistake once: values that are none of their column's type, columns and
/// rules that the contract does not have. Nothing, where the contract itself is wrong.
pub fn problems(contract: &DatasetContract, samples: &Samples) -> Vec<Diagnostic> {
    match (contract.rules(), Rows::new(contract)) {
        (Ok(rules), Ok(rows)) => wrong(&rules, &rows, samples),
        _ => Vec::new(),
    }
}

/// The same of a contract whose rules and rows are at hand.
pub(super) fn wrong(rules: &[Rule], rows: &Rows, samples: &Samples) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for row in &samples.good {
        rows.check(row, &mut problems);
    }
    let mut unfounded = None;
    for row in samples.bad.iter().flat_map(|sample| &sample.rows) {
        match row {
            BadRow::Whole(row) => rows.check(row, &mut problems),
            BadRow::Changed(change) => {
                rows.check(change, &mut problems);
                unfounded.get_or_insert(&change.place);
            }
        }
    }
    if let Some(place) = unfounded.filter(|_| samples.good.is_empty() && !samples.flawed) {
        let help = Some("add a row to `good`".to_owned());
        let message = "there is no good row to change".to_owned();
        problems.push(problem(place, "sample-value", message, help));
    }
    problems.extend(shown_and_skipped(samples));
    // A column that is not there is not there in every row, and has no rule.
    let mut columns = BTreeSet::new();
    problems.retain(|found| found.code != UNKNOWN_COLUMN || columns.insert(found.message.clone()));
    let unknown = unknown_rules(rules, samples).into_iter();
    problems.extend(unknown.filter_map(|(named, found)| {
        let column = named.split(['.', '[']).next().unwrap_or_default();
        (!columns.contains(&no_column(column))).then_some(found)
    }));
    problems
}

/// Rules that are skipped and that a bad sample names: one of both would mean nothing.
fn shown_and_skipped(samples: &Samples) -> impl Iterator<Item = Diagnostic> {
    let shown: BTreeSet<&str> = samples
        .bad
        .iter()
        .flat_map(|sample| sample.rules.iter().map(|(rule, _)| rule.as_str()))
        .collect();
    let both = samples
        .skip
        .iter()
        .filter(move |skipped| shown.contains(skipped.rule.as_str()));
    both.map(|skipped| {
        let message = format!("`{}` is skipped, and a bad sample names it", skipped.rule);
        let help = "take it out of `skip`, or out of the samples in `bad`".to_owned();
        problem(&skipped.place, "skipped-rule", message, Some(help))
    })
}

/// A rule by its id; a number that is nowhere in the document, with where that rule is declared.
fn listed(rule: &Rule) -> String {
    match rule.id.contains('#') {
        true => format!("{} (line {})", rule.id, rule.place.span.line),
        false => rule.id.clone(),
    }
}

/// Rules that samples name and the contract does not have.
fn unknown_rules<'s>(rules: &[Rule], samples: &'s Samples) -> Vec<(&'s str, Diagnostic)> {
    let named = samples
        .bad
        .iter()
        .flat_map(|sample| sample.rules.iter().map(|(rule, place)| (rule, place)));
    let skipped = samples.skip.iter().map(|skipped| (&skipped.rule, &skipped.place));
    let unknown = named
        .chain(skipped)
        .filter(|(named, _)| !rules.iter().any(|rule| rule.id == **named));
    unknown
        .map(|(named, place)| {
            let ids = rules.iter().map(|rule| rule.id.as_str());
            let help = match nearest(named, ids.clone()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!(
                    "its rules are: {}",
                    rules.iter().map(listed).collect::<Vec<_>>().join(", ")
                ),
            };
            let message = format!("the contract has no rule `{named}`");
            (named.as_str(), problem(place, "unknown-rule", message, Some(help)))
        })
        .collect()
}
