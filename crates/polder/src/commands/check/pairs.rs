//! The contracts of two revisions, each old one with what became of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use polder_contract::diff::{Change, Comparison, compare as compare_contracts};
use polder_contract::{Contract, ContractSet};
use polder_core::DatasetName;

use super::nulls::allows_null;
use super::order;

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
    /// The ids of contracts that are new.
    pub(super) added: Vec<String>,
}

impl Pairs {
    /// A contract is the same by its id, whatever document it is in; else by the dataset that it describes. `new` has every
    /// contract that cannot be read now as it was: that it went is not known.
    pub(super) fn of(base: &ContractSet, new: &ContractSet) -> Self {
        let by_id: BTreeMap<_, _> = new
            .contracts()
            .iter()
            .map(|contract| (contract.id.as_str(), contract))
            .collect();
        let mut pairs = Self {
            changed: Vec::new(),
            removed: Vec::new(),
            added: Vec::new(),
        };
        // Also ids that only took the place of another: such a contract changed, it is no new one.
        let mut known: BTreeSet<String> = base.contracts().iter().map(|contract| contract.id.clone()).collect();
        for old in base.contracts() {
            match by_id.get(old.id.as_str()) {
                Some(same) => pairs.same_id(old, same, new),
                None => {
                    let heirs = pairs.other_id(old, new);
                    known.extend(heirs.into_iter().map(|heir| heir.id.clone()));
                }
            }
        }
        let added = by_id.keys().filter(|id| !known.contains(**id));
        pairs.added = added.map(|id| (*id).to_owned()).collect();
        pairs
    }

    /// A contract that is still there: the whole of it, and of datasets that moved to other contracts what is said of them
    /// there.
    fn same_id(&mut self, old: &Arc<Contract>, same: &Arc<Contract>, new: &ContractSet) {
        self.compare(old, same, |comparison| without_moved(comparison, same, new));
        for dataset in old.datasets() {
            // An object that left a contract for none is a change of that contract.
            if !same.datasets().any(|name| name == dataset)
                && let Some(elsewhere) = new.get(dataset)
            {
                // Of what the whole contracts say, it is what this dataset had and has.
                let part = Arc::new(elsewhere.contract.part(dataset));
                self.compare(&Arc::new(old.part(dataset)), &part, |comparison| Comparison {
                    changes: only(&comparison, dataset),
                    ..comparison
                });
            }
        }
    }

    /// A contract whose id went: its promises are those of the contracts that describe its datasets now,
    /// which are given back.
    fn other_id(&mut self, old: &Arc<Contract>, new: &ContractSet) -> Vec<Arc<Contract>> {
        let mut heirs: Vec<Arc<Contract>> = Vec::new();
        for dataset in old.datasets() {
            match new.get(dataset) {
                None => self.removed.push((Arc::clone(old), dataset.clone())),
                Some(heir) if heirs.iter().any(|known| known.id == heir.contract.id) => {}
                Some(heir) => heirs.push(heir.contract),
            }
        }
        for heir in &heirs {
            // What is gone for good is told as that.
            self.compare(old, heir, |comparison| {
                let comparison = without_moved(comparison, heir, new);
                let gone = |change: &Change| {
                    let mut datasets = change.dataset.iter();
                    change.code == "object-removed" && datasets.any(|dataset| new.get(dataset).is_none())
                };
                Comparison {
                    changes: comparison.changes.into_iter().filter(|change| !gone(change)).collect(),
                    ..comparison
                }
            });
        }
        heirs
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

    /// Whether there is a change after which a query may not plan, or may give null.
    pub(super) fn needs_plans(&self) -> bool {
        let mut changes = self.changed.iter().flat_map(|(_, _, comparison)| &comparison.changes);
        !self.removed.is_empty() || changes.any(|change| is_structural(change) || allows_null(change))
    }

    /// The datasets of which a query that reads them may ask something else: with columns that were not there, or that stand
    /// in other places.
    pub(super) fn altering(&self) -> BTreeSet<&DatasetName> {
        let mut altering = BTreeSet::new();
        for (old, new, comparison) in &self.changed {
            let added = comparison.changes.iter().filter(|change| adds_column(change));
            altering.extend(added.filter_map(|change| change.dataset.as_ref()));
            altering.extend(order::moved(old, new));
        }
        altering
    }
}

/// Without the datasets that went from the contract to another one: they are compared with what that says of them.
fn without_moved(comparison: Comparison, here: &Contract, new: &ContractSet) -> Comparison {
    let moved = |change: &Change| {
        change.code == "object-removed"
            && change
                .dataset
                .as_ref()
                .is_some_and(|dataset| new.get(dataset).is_some() && !here.datasets().any(|name| name == dataset))
    };
    Comparison {
        changes: comparison.changes.into_iter().filter(|change| !moved(change)).collect(),
        ..comparison
    }
}

/// The changes of one dataset that moved to another contract. What the contract as a whole promised (service levels,
/// notice, mode, roles, price, servers) it promised of this dataset too; that another one has another id and other words is
/// no news.
fn only(comparison: &Comparison, dataset: &DatasetName) -> Vec<Change> {
    let breaks = |change: &Change| {
        change.class.breaks_readers() || change.class.breaks_writers() || change.class.weakens_guarantee()
    };
    let changes = comparison.changes.iter();
    let kept = changes.filter(|change| match &change.dataset {
        Some(of) => of == dataset,
        None => change.code != "contract-id-changed" && breaks(change),
    });
    kept.map(|change| {
        let mut change = change.clone();
        change.dataset = Some(dataset.clone());
        change
    })
    .collect()
}

/// Whether a query may no longer plan, or give another type, after a change.
pub(super) fn is_structural(change: &Change) -> bool {
    change.class.breaks_readers() && STRUCTURAL.contains(&change.code)
}

/// Whether values are of another type: what is done with them may be something else.
pub(super) fn sets_type(change: &Change) -> bool {
    change.code.starts_with("type-")
}

/// Whether there is a column that was not there: names may mean it from now on.
pub(super) fn adds_column(change: &Change) -> bool {
    matches!(change.code, "column-added" | "required-column-added")
}
