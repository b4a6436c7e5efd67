//! Columns that stand in another place, and queries that take them by their place: such a query goes on with other values
//! under the same names.

use std::collections::BTreeSet;

use polder_contract::Contract;
use polder_contract::diff::Comparison;
use polder_core::document::{Diagnostic, Severity};
use polder_core::{DatasetName, ObjectName};
use polder_engine::{ColumnLineage, Pipeline, Shifted, Step, Target, shifted};

use super::Declared;
use super::compatibility::Compared;
use super::judge::Judge;
use super::telling::{breaking, head};

/// The datasets of which columns stand in another place, unless they only follow behind those that were there.
pub(super) fn moved<'c>(old: &'c Contract, new: &'c Contract) -> impl Iterator<Item = &'c DatasetName> {
    old.datasets()
        .filter(|dataset| match (columns(old, dataset), columns(new, dataset)) {
            (Some(old), Some(new)) => !new.starts_with(&old),
            _ => false,
        })
}

fn columns<'c>(contract: &'c Contract, dataset: &DatasetName) -> Option<Vec<&'c str>> {
    let mut objects = contract.objects.iter();
    let object = objects.find(|object| object.dataset.as_ref() == Some(dataset))?;
    Some(
        object
            .properties
            .iter()
            .map(|property| property.name.as_str())
            .collect(),
    )
}

/// Pipelines whose queries are as they were: whoever changed a query along says what is meant.
pub(super) fn unchanged(before: &[Pipeline], mesh: &Declared<'_>) -> BTreeSet<ObjectName> {
    let now = mesh.engine.pipelines().iter();
    let sound = now.filter(|now| !mesh.analysis.unsound.contains(&now.name));
    let same = sound.filter(|now| {
        let mut before = before.iter();
        before.any(|before| before.name == now.name && before.sql.text == now.sql.text)
    });
    same.map(|now| now.name.clone()).collect()
}

/// A pipeline that takes columns of a dataset by their place, with what it makes of which now.
#[derive(Debug)]
struct ByPlace {
    step: Step,
    /// In sentences.
    says: Vec<String>,
}

/// The pipelines among `unchanged` that go on with other columns of a dataset than before.
fn by_place(
    before: &ColumnLineage,
    mesh: &Declared<'_>,
    unchanged: &BTreeSet<ObjectName>,
    comparison: &Comparison,
    new: &Contract,
    dataset: &DatasetName,
) -> Vec<ByPlace> {
    let kept = columns(new, dataset).unwrap_or_default();
    let renamed = |name: &String| {
        let mut changes = comparison
            .changes
            .iter()
            .filter(|change| change.code == "column-renamed");
        changes.any(|change| change.dataset.as_ref() == Some(dataset) && change.column.as_ref() == Some(name))
    };
    let mut found: Vec<ByPlace> = Vec::new();
    for Shifted { via, to, was, is } in shifted(before, &mesh.analysis.lineage, dataset, unchanged) {
        // Rows chosen by a column that is gone may be chosen by others: `SELECT DISTINCT *`.
        let gone = |name: &String| !kept.contains(&name.as_str()) && !matches!(to, Target::Column(_));
        let was: Vec<_> = was.into_iter().filter(|name| !renamed(name) && !gone(name)).collect();
        if was.is_empty() {
            continue;
        }
        let shown = |names: &mut dyn Iterator<Item = &String>| {
            let names: Vec<_> = names.map(|name| format!("{dataset}.{name}")).collect();
            names.join(", ")
        };
        let says = format!(
            "{to} is made of {} now, and was made of {}",
            shown(&mut is.iter()),
            shown(&mut was.iter())
        );
        match found.iter_mut().find(|known| known.step == via) {
            Some(known) => known.says.push(says),
            None => found.push(ByPlace {
                step: via,
                says: vec![says],
            }),
        }
    }
    found
}

/// What is told of it, in the words of a change that breaks somebody (`broken`).
fn told(by_place: &[ByPlace], broken: Diagnostic, draft: bool) -> Diagnostic {
    let mut help: Vec<String> = broken.help.into_iter().collect();
    help.extend(by_place.iter().flat_map(|one| one.says.iter().cloned()));
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
        let by_place = by_place(self.before, self.mesh, self.unchanged, comparison, new, dataset);
        if by_place.is_empty() {
            return;
        }
        let steps = by_place.iter().map(|one| one.step.name.clone()).collect();
        let mut reached = self.reach.by_promise(dataset, None, &BTreeSet::new(), &steps);
        reached.unaffected = self.elsewhere(dataset, reached.unaffected);
        reached.waiting = self.elsewhere(dataset, reached.waiting);
        let what = format!("the columns of {dataset} stand in other places");
        let mut found = breaking(&what, Some(&dataset.to_string()), "other places", reached);
        let mut objects = new.objects.iter();
        let object = objects.find(|object| object.dataset.as_ref() == Some(dataset));
        found.file = new.source_path.clone();
        found.span = object.map(|object| head(object.place.span));
        compared.diagnostics.push(told(&by_place, found, comparison.draft));
    }
}
