//! The engine: everything declared, and the lake that it is built in.

use std::sync::Arc;

use polder_contract::{ContractSet, DatasetContract};
use polder_core::{DatasetName, Error, ObjectName, Result};
use polder_domain::Domain;
use polder_lake::Lake;
use polder_query::Session;

use crate::build::Limits;
use crate::definition::{ModelDefinition, Pipeline};
use crate::graph::{Graph, Node};
use crate::model::ModelStore;
use crate::source::no_contract;
use crate::step::StepKind;

/// Pipelines and models over one lake.
pub struct Engine {
    pub(crate) lake: Lake,
    pub(crate) contracts: Arc<ContractSet>,
    pub(crate) pipelines: Arc<Vec<Pipeline>>,
    pub(crate) models: Arc<Vec<ModelDefinition>>,
    pub(crate) domains: Arc<Vec<Domain>>,
    pub(crate) session: Session,
    pub(crate) limits: Limits,
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

/// One step of the data's way, as declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineageEdge {
    /// The dataset that is read.
    pub from: DatasetName,
    /// The pipeline or model that reads it.
    pub via: ObjectName,
    /// Which of both it is.
    pub kind: StepKind,
    /// The dataset that is built; none for a model.
    pub to: Option<DatasetName>,
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
        Self {
            lake,
            session,
            contracts: contracts.into(),
            pipelines: Arc::new(pipelines),
            models: Arc::new(models),
            domains: Arc::new(domains),
            limits: Limits::default(),
        }
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

    /// What is read from what, for every declared pipeline and model.
    ///
    /// # Errors
    /// `Document`, with the diagnostics, when queries cannot be read or depend on each other in a circle.
    pub fn lineage(&self) -> Result<Vec<LineageEdge>> {
        Ok(self.graph()?.nodes.iter().flat_map(Node::edges).collect())
    }

    pub(crate) fn contract(&self, dataset: &DatasetName) -> Result<DatasetContract> {
        self.contracts.get(dataset).ok_or_else(|| no_contract(dataset))
    }

    /// The steps in the order in which they are built.
    ///
    /// # Errors
    /// `Document` with everything that is wrong.
    pub(crate) fn graph(&self) -> Result<Graph> {
        let (graph, diagnostics) = Graph::new(self);
        match diagnostics.is_empty() {
            true => Ok(graph),
            false => Err(Error::document(diagnostics)),
        }
    }

    pub(crate) fn pipeline(&self, node: &Node) -> Option<&Pipeline> {
        match node.at {
            crate::graph::At::Pipeline(i) => self.pipelines.get(i),
            crate::graph::At::Model(_) => None,
        }
    }

    pub(crate) fn model(&self, node: &Node) -> Option<&ModelDefinition> {
        match node.at {
            crate::graph::At::Model(i) => self.models.get(i),
            crate::graph::At::Pipeline(_) => None,
        }
    }
}
