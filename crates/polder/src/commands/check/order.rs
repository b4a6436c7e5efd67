//! Columns that stand in another place, and queries that take them by their place: such a query goes on with other values
//! under the same names.

use std::collections::BTreeSet;

use polder_contract::diff::Comparison;
use polder_contract::{Contract, Property};
use polder_core::DatasetName;
use polder_core::document::{Diagnostic, Severity};
use polder_engine::{Altered, Broken, DatasetColumn, Still};

use super::compatibility::Compared;
use super::judge::Judge;
use super::meaning;
use super::summary::Concerned;
use super::telling::{breaking, head};

/// The datasets of which columns, or fields of objects, stand in another place, unless they only follow behind those that
/// were there.
pub(super) fn moved<'c>(old: &'c Contract, new: &'c Contract) -> impl Iterator<Item = &'c DatasetName> {
    old.datasets()
        .filter(|dataset| match (columns(old, dataset), columns(new, dataset)) {
            (Some(old), Some(new)) => any_moved(old, new),
            _ => false,
        })
}

fn columns<'c>(contract: &'c Contract, dataset: &DatasetName) -> Option<&'c [Property]> {
    let mut objects = contract.objects.iter();
    let object = objects.find(|object| object.dataset.as_ref() == Some(dataset))?;
    Some(&object.properties)
}

/// Whether some of these, or of the fields in them, stand in another place.
fn any_moved(old: &[Property], new: &[Property]) -> bool {
    let names = |of: &[Property]| of.iter().map(|one| one.name.clone()).collect::<Vec<_>>();
    let moved_inside = |old: &Property| {
        let mut same = new.iter().filter(|new| new.name == old.name);
        same.any(|new| is_moved_inside(old, new))
    };
    !names(new).starts_with(&names(old)) || old.iter().any(moved_inside)
}

fn is_moved_inside(old: &Property, new: &Property) -> bool {
    let items = old.items.as_deref().zip(new.items.as_deref());
    let values = old.map.as_ref().zip(new.map.as_ref());
    any_moved(&old.properties, &new.properties)
        || items.is_some_and(|(old, new)| is_moved_inside(old, new))
        || values.is_some_and(|(old, new)| is_moved_inside(&old.1, &new.1))
}

/// What is told of queries that go on with columns in other places, in the words of a change that breaks somebody (`broken`).
fn told(by_place: &[&Altered], broken: Diagnostic, draft: bool) -> Diagnostic {
    let mut help: Vec<String> = broken.help.into_iter().collect();
    help.extend(by_place.iter().map(|altered| meaning::says(altered)));
    help.push(
        "a query that names its columns does not depend on their order: name them, or put new columns at the end"
            .to_owned(),
    );
    Diagnostic {
        severity: match draft {
            true => Severity::Warning,
            false => Severity::Error,
        },
        help: Some(help.join("\n")),
        ..broken
    }
}

impl Judge<'_> {
    /// Columns of a dataset that stand in another place, and pipelines that take them by their place.
    pub(super) fn moved(
        &self,
        new: &Contract,
        comparison: &Comparison,
        dataset: &DatasetName,
        compared: &mut Compared,
    ) {
        // What is by a column that came, went or changed its name is told with that.
        let told_there = |altered: &Altered| comparison.changes.iter().any(|change| meaning::is_by(altered, change));
        let reads = |altered: &Altered| {
            let (mut was, mut is) = (altered.was.iter(), altered.is.keys());
            let of = |column: &DatasetColumn| column.dataset == *dataset;
            was.any(of) && (is.any(of) || altered.still == Still::Takes)
        };
        let by_place = self
            .altered
            .iter()
            .filter(|altered| reads(altered) && !told_there(altered));
        let by_place: Vec<_> = by_place.filter(|altered| altered.step().is_some()).collect();
        if by_place.is_empty() {
            return;
        }
        let broken = Broken {
            rows: by_place.iter().filter_map(|altered| altered.step().cloned()).collect(),
            ..Broken::default()
        };
        let mut reached = self.reach.by_promise(dataset, None, &BTreeSet::new(), &broken);
        reached.unaffected = self.elsewhere(dataset, reached.unaffected);
        reached.waiting = self.elsewhere(dataset, reached.waiting);
        let what = format!("the columns of {dataset} stand in other places");
        let concerned = Concerned::of(&reached);
        compared.summary.dataset(dataset, "columns-reordered", &what, concerned);
        let mut found = breaking(&what, Some(&dataset.to_string()), "other places", reached);
        let mut objects = new.objects.iter();
        let object = objects.find(|object| object.dataset.as_ref() == Some(dataset));
        found.file = new.source_path.clone();
        found.span = object.map(|object| head(object.place.span));
        compared.diagnostics.push(told(&by_place, found, comparison.draft));
    }
}
