//! Queries of pipelines, models and rules that are as they were and ask something else after a change: who is broken by it
//! though everything still plans.

use std::collections::BTreeSet;

use polder_contract::Contract;
use polder_contract::diff::{Change, renamed_columns};
use polder_core::DatasetName;
use polder_engine::{Altered, Asker, Broken, DatasetColumn, Reached, Renamed, Retyped, Still, Target};

use super::pairs::{Pairs, adds_column, is_structural, sets_type};
use super::telling::start;

/// The names that mean other columns than in the base.
pub(super) fn renamed(pairs: &Pairs) -> Renamed {
    let mut renamed = Renamed::default();
    for (old, new, _) in &pairs.changed {
        for dataset in old.datasets() {
            renamed.add(dataset, renamed_columns(old, new, dataset));
        }
    }
    renamed
}

/// Whether a query is altered by a change.
pub(super) fn is_by(altered: &Altered, change: &Change) -> bool {
    let (Some(dataset), Some(column)) = (&change.dataset, &change.column) else {
        let mut datasets = change.dataset.iter();
        return is_structural(change) && datasets.any(|dataset| lost(altered, dataset));
    };
    match change.code {
        "column-removed" | "column-renamed" => altered.is_by_old(dataset, column),
        _ if adds_column(change) => altered.is_by_new(dataset, column),
        // What still plans with another type is sound where it does the same with its values.
        _ => match altered.still {
            Still::Asks => false,
            Still::Takes => sets_type(change) && altered.is_by_old(dataset, column),
            Still::Compares | Still::Fails => is_structural(change) && altered.is_by_old(dataset, column),
        },
    }
}

/// Whether a query asked a dataset and cannot be asked any more.
fn lost(altered: &Altered, dataset: &DatasetName) -> bool {
    altered.still == Still::Fails && altered.asked(dataset)
}

/// What of a query is altered, in a sentence.
pub(super) fn says(altered: &Altered) -> String {
    let asker = &altered.asker;
    let (what, made, one) = match &altered.to {
        Some(Target::Rows(dataset)) => (format!("the rows of {dataset}"), "chosen by", false),
        Some(to) => (to.to_string(), "made of", true),
        None => (asker.to_string(), "made of", true),
    };
    let (does, did) = if one { ("is", "was") } else { ("are", "were") };
    match altered.still {
        Still::Asks => {}
        Still::Takes => {
            let uses: Vec<_> = altered.retyped.iter().map(taken).collect();
            return format!("{what} {does} {made} {}", uses.join(", and "));
        }
        Still::Compares => return format!("{asker} holds values against values of another kind now"),
        Still::Fails => return format!("{asker} cannot be asked any more"),
    }
    let was: Vec<_> = altered.was.iter().map(ToString::to_string).collect();
    let is: Vec<_> = altered
        .is
        .iter()
        .map(|(now, before)| shown(now, before.as_ref()))
        .collect();
    let (was, is) = (was.join(", "), is.join(", "));
    match (was.is_empty(), is.is_empty()) {
        (false, false) => format!("{what} {does} {made} {is} now, and {did} {made} {was}"),
        (true, _) => format!("{what} {does} {made} {is} too now"),
        (_, true) => format!("{what} {does} {made} {was} no more"),
    }
}

/// What is done with the values of a column, and as what these are taken.
fn taken(one: &Retyped) -> String {
    let (column, by) = (&one.column, &one.by);
    match (&one.was, &one.is) {
        (Some(was), Some(is)) => format!("{column} by {by}, which takes {is} now, and took {was}"),
        (None, Some(is)) => format!("{column} by {by} now, which takes {is}"),
        (Some(was), None) => format!("{column} by {by} no more, which took {was}"),
        (None, None) => column.to_string(),
    }
}

/// A column, with the name that it had.
fn shown(now: &DatasetColumn, before: Option<&DatasetColumn>) -> String {
    match before {
        Some(before) if before == now => now.to_string(),
        Some(before) => format!("{now} (`{}` before)", before.column),
        None => format!("{now} (another column before)"),
    }
}

/// The altered queries of a change.
#[derive(Debug, Default)]
pub(super) struct Alterations<'a>(Vec<&'a Altered>);

impl<'a> Alterations<'a> {
    /// Those among `all`. A contract's own rules are changed with it, by the same hands.
    pub(super) fn of(all: &'a [Altered], new: &Contract, change: &Change) -> Self {
        let own = |altered: &Altered| match &altered.asker {
            Asker::Rule { dataset, .. } => new.datasets().any(|own| own == dataset),
            Asker::Step(_) => false,
        };
        Self(all.iter().filter(|one| is_by(one, change) && !own(one)).collect())
    }

    /// Those that asked a dataset whose contract went.
    pub(super) fn without(all: &'a [Altered], dataset: &DatasetName) -> Self {
        Self(all.iter().filter(|one| lost(one, dataset)).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds the steps to those that are broken.
    pub(super) fn stop(&self, broken: &mut Broken) {
        for altered in &self.0 {
            let Some(step) = altered.step() else { continue };
            let steps = match altered.to {
                Some(Target::Column(_)) => &mut broken.values,
                _ => &mut broken.rows,
            };
            steps.insert(step.clone());
        }
    }

    /// Adds the rules to what is reached.
    pub(super) fn reach(&self, dataset: &DatasetName, column: Option<&str>, reached: &mut Reached) {
        let rules = self.0.iter().filter(|altered| altered.step().is_none());
        for rule in rules.map(|altered| altered.asker.to_string()).collect::<BTreeSet<_>>() {
            reached.chains.push(format!("{} → {rule}", start(dataset, column)));
            reached.broken.insert(rule);
        }
    }

    /// What is altered, in sentences, and what helps.
    pub(super) fn reasons(&self) -> Vec<String> {
        let mut reasons: Vec<_> = self.0.iter().map(|altered| says(altered)).collect();
        if self.0.iter().any(|altered| altered.still == Still::Asks) {
            reasons.push(
                "the query's text is as it was: change it along to say what is meant; names with their tables (b.k), and columns \
                 in place of NATURAL JOIN and `*`, keep their meaning"
                    .to_owned(),
            );
        }
        if self.0.iter().any(|altered| altered.still == Still::Takes) {
            reasons.push(
                "the query's text is as it was, and does something else with values of another type: cast them to the type that \
                 is meant (an object: name the fields that are), or change the query along"
                    .to_owned(),
            );
        }
        reasons
    }
}
