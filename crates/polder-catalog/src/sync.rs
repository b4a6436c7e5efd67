//! Rebuilding the catalog from an inventory of the mesh, and saying what that changed.

use std::collections::BTreeMap;

use polder_core::{ObjectName, Result};
use serde::Serialize;

use crate::database::Catalog;
use crate::dataset::{self, Dataset};
use crate::lineage::{self, Edge};
use crate::model::{self, ModelVersion};
use crate::row::from_count;
use crate::run::{self, Run};

/// All that the repository and the lake say of a mesh.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    /// Every dataset that has a contract or a table.
    pub datasets: Vec<Dataset>,
    /// Every edge that the declared steps make.
    pub lineage: Vec<Edge>,
    /// Every model version that has an artefact; of a model, at most one promoted.
    pub models: Vec<ModelVersion>,
    /// Runs that left commits. They are added where the catalog does not have them.
    pub runs: Vec<Run>,
}

/// What a sync changed in one part of the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Difference {
    /// In the inventory, but not in the catalog before.
    pub added: usize,
    /// In both, and not the same.
    pub changed: usize,
    /// In the catalog before, but not in the inventory; no longer there.
    pub removed: usize,
    /// In both, and the same.
    pub unchanged: usize,
}

/// What a sync changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct SyncReport {
    /// Of the datasets.
    pub datasets: Difference,
    /// Of the lineage's edges, which are the same or not there.
    pub lineage: Difference,
    /// Of the model versions.
    pub models: Difference,
    /// Runs that the catalog did not have.
    pub runs_added: usize,
}

impl SyncReport {
    /// What no inventory can bring back once the database is lost.
    pub const NOT_REBUILT: &'static [&'static str] = &[
        "runs that failed, were cut off or wrote nothing",
        "messages of runs other than replays",
    ];
}

impl Catalog {
    /// Makes the catalog say what the inventory says, all at once: what is not in it goes, except for runs.
    ///
    /// # Errors
    /// `Unreachable`, `Refused` or `Conflict` from the database; then nothing is changed.
    pub async fn replace_all(&self, inventory: &Inventory) -> Result<SyncReport> {
        let failed = |cause: sqlx::Error| self.failure("replace the content", &cause);
        let (datasets, edges, models) = (self.datasets().await?, self.lineage().await?, self.models().await?);
        let mut report = SyncReport::default();
        let mut transaction = self.begin().await?;

        let plan = Plan::new(datasets.iter(), inventory.datasets.iter(), |dataset| {
            dataset.name.clone()
        });
        for name in plan.gone {
            let delete = sqlx::query("DELETE FROM polder_dataset WHERE name = $1").bind(name.to_string());
            delete.execute(&mut *transaction).await.map_err(failed)?;
        }
        for dataset in plan.new {
            dataset::write(&mut transaction, dataset).await.map_err(failed)?;
        }
        report.datasets = plan.difference;

        let plan = Plan::new(edges.iter(), inventory.lineage.iter(), Edge::clone);
        for edge in plan.gone {
            lineage::delete(&mut transaction, &edge).await.map_err(failed)?;
        }
        for edge in plan.new {
            lineage::insert(&mut transaction, edge).await.map_err(failed)?;
        }
        report.lineage = plan.difference;

        let key = |model: &ModelVersion| (model.name.clone(), model.version);
        let plan: Plan<'_, (ObjectName, u64), ModelVersion> = Plan::new(models.iter(), inventory.models.iter(), key);
        for (name, version) in plan.gone {
            let delete = sqlx::query("DELETE FROM polder_model WHERE name = $1 AND version = $2");
            let delete = delete.bind(name.to_string()).bind(from_count(version));
            delete.execute(&mut *transaction).await.map_err(failed)?;
        }
        for model in plan.new {
            model::write(&mut transaction, model).await.map_err(failed)?;
        }
        report.models = plan.difference;

        for run in &inventory.runs {
            report.runs_added += usize::from(run::insert(&mut transaction, run).await.map_err(failed)?);
        }
        transaction.commit().await.map_err(failed)?;
        Ok(report)
    }
}

/// What must go and what must be written for the old things to become the new ones.
struct Plan<'a, K, T> {
    /// Keys of what must go, also of what is written anew: a write keeps what is newer, and here the inventory rules.
    gone: Vec<K>,
    new: Vec<&'a T>,
    difference: Difference,
}

impl<'a, K: Ord + Clone, T: PartialEq> Plan<'a, K, T> {
    fn new(old: impl Iterator<Item = &'a T>, new: impl Iterator<Item = &'a T>, key: impl Fn(&T) -> K) -> Self {
        let mut old: BTreeMap<K, &T> = old.map(|item| (key(item), item)).collect();
        let new: BTreeMap<K, &T> = new.map(|item| (key(item), item)).collect();
        let mut plan = Self {
            gone: Vec::new(),
            new: Vec::new(),
            difference: Difference::default(),
        };
        for (key, item) in new {
            match old.remove(&key) {
                Some(before) if before == item => {
                    plan.difference.unchanged += 1;
                    continue;
                }
                Some(_) => {
                    plan.difference.changed += 1;
                    plan.gone.push(key);
                }
                None => plan.difference.added += 1,
            }
            plan.new.push(item);
        }
        plan.difference.removed = old.len();
        plan.gone.extend(old.into_keys());
        plan
    }
}
