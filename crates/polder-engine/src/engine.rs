//! The engine: everything declared, and the lake that it is built in.

use std::sync::Arc;

use polder_contract::{ContractSet, DatasetContract};
use polder_core::{DatasetName, Result};
use polder_delivery::Discretion;
use polder_domain::Domain;
use polder_lake::Lake;
use polder_policy::Policies;
use polder_query::Session;

use crate::definition::{ModelDefinition, Pipeline};
use crate::model::ModelStore;
use crate::source::no_contract;

/// Pipelines and models over one lake.
pub struct Engine {
    pub(crate) lake: Lake,
    pub(crate) contracts: Arc<ContractSet>,
    pub(crate) pipelines: Arc<Vec<Pipeline>>,
    pub(crate) models: Arc<Vec<ModelDefinition>>,
    pub(crate) domains: Arc<Vec<Domain>>,
    pub(crate) session: Session,
    pub(crate) discretion: Discretion,
    pub(crate) policies: Arc<Policies>,
    pub(crate) limits: Limits,
}

/// How much of an increment, or of a commit of the past, is held in memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Up to so many rows that a rewrite of files changed; beyond, everything is built anew.
    pub(crate) changed_rows: usize,
    /// Up to so many touched groups; beyond, everything is built anew.
    pub(crate) touched_groups: usize,
    /// Up to so many bytes of new rows, to see whether they say anything new before a file is written.
    pub(crate) held_bytes: usize,
    /// Up to so many new rows in a hash table to be compared with the table's; beyond, both sides are sorted, which can
    /// use the disk.
    pub(crate) hashed_rows: u64,
    /// Up to so many bytes of rows that a contract would have taken of a commit, to ask its queries of them without the
    /// others; beyond, they are not run.
    pub(crate) taken_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            changed_rows: 500_000,
            touched_groups: 1_000_000,
            held_bytes: 32 * 1024 * 1024,
            hashed_rows: 500_000,
            taken_bytes: 128 * 1024 * 1024,
        }
    }
}

/// What to run.
#[derive(Debug, Clone, Default)]
pub struct RunOptions {
    /// Full names of pipelines and models, or names of the datasets that are built; all, when none is named. Nothing
    /// besides them is run, neither before nor after.
    pub select: Vec<String>,
    /// Builds everything anew and trains again, whatever is up to date.
    pub full: bool,
}

impl Engine {
    /// An engine over everything that a mesh declares. `domains` are the crates that implement its models; `session`
    /// gives queries their memory.
    pub fn new(
        lake: Lake,
        session: Session,
        contracts: impl Into<Arc<ContractSet>>,
        pipelines: Vec<Pipeline>,
        models: Vec<ModelDefinition>,
        domains: Vec<Domain>,
    ) -> Self {
        let contracts = contracts.into();
        Self {
            lake,
            session: session.under(contracts.iter()),
            discretion: Discretion::default(),
            policies: Arc::default(),
            contracts,
            pipelines: Arc::new(pipelines),
            models: Arc::new(models),
            domains: Arc::new(domains),
            limits: Limits::default(),
        }
    }

    /// The same, where reports and refusals do not tell the values that not everybody may see.
    #[must_use]
    pub fn with_discretion(self, discretion: Discretion) -> Self {
        Self { discretion, ..self }
    }

    /// The same, where what pipelines write is searched for what these policies let no row hold.
    #[must_use]
    pub fn with_policies(self, policies: Arc<Policies>) -> Self {
        Self { policies, ..self }
    }

    /// The declared pipelines.
    pub fn pipelines(&self) -> &[Pipeline] {
        &self.pipelines
    }

    /// The declared models.
    pub fn models(&self) -> &[ModelDefinition] {
        &self.models
    }

    /// The trained models.
    pub fn model_store(&self) -> ModelStore {
        ModelStore::new(self.lake.objects())
    }

    pub(crate) fn contract(&self, dataset: &DatasetName) -> Result<DatasetContract> {
        self.contracts.get(dataset).ok_or_else(|| no_contract(dataset))
    }
}
