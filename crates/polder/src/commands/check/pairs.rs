//! The contracts of two revisions, each old one with what became of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use polder_contract::diff::{Change, Comparison, compare as compare_contracts};
use polder_contract::{Contract, ContractSet};
use polder_core::DatasetName;

use super::Declared;

/// Kinds of changes after which a query may no longer plan, or give another type.
const STRUCTURAL: [&str; 10] = [
    "column-removed",
    "column-renamed",
    "column-became-repeatable",
    "object-removed",
    "object-renamed",
    "object-kind-changed",
    "type-changed",
    "type-narrowed",
    "type-restated",
    "type-widened",
];

/// Contracts of the base with what became of them.
pub(super) struct Pairs {
    pub(super) changed: Vec<(Arc<Contract>, Arc<Contract>, Comparison)>,
    pub(super) removed: Vec<(Arc<Contract>, DatasetName)>,
    pub(super) added: usize,
}

impl Pairs {
    /// A contract is the same by its id, whatever document it is in; else by the dataset that it describes.
    pub(super) fn of(base: &ContractSet, mesh: &Declared<'_>) -> Self {
        let new = mesh.contracts;
        let by_id: BTreeMap<_, _> = new
            .contracts()
            .iter()
            .map(|contract| (contract.id.as_str(), contract))
            .collect();
        let mut pairs = Self {
            changed: Vec::new(),
            removed: Vec::new(),
            added: 0,
        };
        for old in base.contracts() {
            let same = by_id.get(old.id.as_str()).copied();
            if let Some(new) = same {
                pairs.compare(old, new, |comparison| comparison);
            } else if unreadable(mesh, &old.source_path) {
                // What is wrong with the document is reported; that it went is not known.
                continue;
            }
            for dataset in datasets(old) {
                let is_there = same.is_some_and(|new| datasets(new).any(|name| name == dataset));
                match new.get(dataset) {
                    _ if is_there => {}
                    Some(elsewhere) => pairs.compare(old, &elsewhere.contract, |comparison| Comparison {
                        changes: only(&comparison, dataset),
                        ..comparison
                    }),
                    // An object that left a contract is a change of that contract.
                    None if same.is_some() => {}
                    None => pairs.removed.push((Arc::clone(old), dataset.clone())),
                }
            }
        }
        let known: BTreeSet<_> = base.contracts().iter().map(|contract| contract.id.as_str()).collect();
        pairs.added = by_id.keys().filter(|id| !known.contains(*id)).count();
        pairs
    }

    fn compare(&mut self, old: &Arc<Contract>, new: &Arc<Contract>, narrow: impl FnOnce(Comparison) -> Comparison) {
        // The same text means the same.
        if old.text == new.text {
            return;
        }
        let comparison = narrow(compare_contracts(old, new));
        if !comparison.is_empty() {
            self.changed.push((Arc::clone(old), Arc::clone(new), comparison));
        }
    }

    /// Whether there is a change after which a query may not plan.
    pub(super) fn needs_plans(&self) -> bool {
        let mut changes = self.changed.iter().flat_map(|(_, _, comparison)| &comparison.changes);
        !self.removed.is_empty() || changes.any(is_structural)
    }
}

/// The changes of one dataset, without those of its contract as a whole.
fn only(comparison: &Comparison, dataset: &DatasetName) -> Vec<Change> {
    let changes = comparison.changes.iter();
    changes
        .filter(|change| change.dataset.as_ref() == Some(dataset))
        .cloned()
        .collect()
}

/// Whether a query may no longer plan, or give another type, after a change.
pub(super) fn is_structural(change: &Change) -> bool {
    change.class.breaks_readers() && STRUCTURAL.contains(&change.code)
}

/// Whether a document is there but is no contract that can be read.
fn unreadable(mesh: &Declared<'_>, path: &Path) -> bool {
    let read = mesh
        .contracts
        .contracts()
        .iter()
        .any(|contract| contract.source_path == path);
    !read && mesh.platform.mesh.path(path).is_file()
}

/// The datasets that a contract describes.
pub(super) fn datasets(contract: &Contract) -> impl Iterator<Item = &DatasetName> {
    contract.objects.iter().filter_map(|object| object.dataset.as_ref())
}
