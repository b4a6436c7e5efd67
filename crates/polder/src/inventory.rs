//! What repository and lake say of the mesh: the content of a catalog that can be rebuilt.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use polder_catalog::{
    ContractStatus, Dataset, Edge, Inventory, ModelState, ModelVersion, Node, Run, RunStatus, Step, StepKind,
};
use polder_contract::ContractSet;
use polder_core::{DatasetName, Error, ErrorKind, Layer, ObjectName, Result};
use polder_engine::{ModelRecord, StepKind as EngineStep};
use polder_ingest::{SourceSpec, StreamSpec};
use polder_lake::{CommitRecord, Lake, REPLAY_ORIGIN};

use crate::platform::Platform;

/// How many commits of a table are looked at for the runs that made them.
const HISTORY: usize = 1_000;

/// What was found of the mesh.
pub(crate) struct Taken {
    /// Everything that could be read; of a table that could not, what is declared of its dataset.
    pub(crate) inventory: Inventory,
    /// What is wrong with each table that cannot be read.
    pub(crate) unreadable: Vec<Error>,
}

/// Everything that the repository and the lake say.
///
/// # Errors
/// Those of the documents, and of a lake that does not answer or refuses.
pub(crate) async fn take(platform: &Platform) -> Result<Taken> {
    let describer = Describer::new(platform)?;
    let streams = platform.streams()?;
    let engine = platform.engine()?;
    let mut names: BTreeSet<DatasetName> = describer.lake.datasets().await?.into_iter().collect();
    names.extend(describer.contracts.datasets().cloned());
    let mut inventory = Inventory::default();
    let mut steps: BTreeMap<DatasetName, Step> = BTreeMap::new();
    for stream in &streams {
        let via = Step::new(StepKind::Stream, stream.name.clone());
        steps.insert(stream.dataset.clone(), via.clone());
        let to = Node::Dataset(stream.dataset.clone());
        inventory.lineage.push(Edge {
            from: source_node(stream),
            to,
            via,
        });
    }
    for edge in engine.lineage()? {
        let via = Step::new(step_kind(edge.kind), edge.via.clone());
        let to = match edge.to {
            Some(dataset) => {
                steps.insert(dataset.clone(), via.clone());
                Node::Dataset(dataset)
            }
            None => Node::Model(edge.via),
        };
        inventory.lineage.push(Edge {
            from: Node::Dataset(edge.from),
            to,
            via,
        });
    }
    let mut unreadable = Vec::new();
    for name in names {
        let described = async {
            let dataset = describer.dataset(&name).await?;
            let history = match describer.lake.load(&name).await? {
                Some(table) => table.history(HISTORY).await?,
                None => Vec::new(),
            };
            Ok::<_, Error>((dataset, history))
        };
        match described.await {
            Ok((dataset, history)) => {
                inventory.datasets.push(dataset);
                inventory.runs.extend(runs(steps.get(&name), &name, history)?);
            }
            // The others are none the worse for it.
            Err(error) if error.kind() == ErrorKind::Data => {
                inventory.datasets.push(describer.declared(&name));
                unreadable.push(error);
            }
            Err(error) => return Err(error),
        }
    }
    let store = engine.model_store();
    for model in store.models().await? {
        let promoted = store.promoted(&model).await?.map(|promotion| promotion.version);
        for record in store.versions(&model).await? {
            let state = if promoted == Some(record.version) {
                ModelState::Promoted
            } else {
                ModelState::Registered
            };
            inventory.models.push(model_version(&record, state));
        }
    }
    Ok(Taken { inventory, unreadable })
}

/// The catalog's word for a step of the engine.
pub(crate) fn step_kind(kind: EngineStep) -> StepKind {
    match kind {
        EngineStep::Pipeline => StepKind::Pipeline,
        EngineStep::Model => StepKind::Model,
    }
}

/// The step under which replays into a dataset are known.
pub(crate) fn replay_step(dataset: &DatasetName) -> Result<Step> {
    let name = ObjectName::new(dataset.domain(), dataset.name())?;
    Ok(Step::new(StepKind::Replay, name))
}

/// What a run of a replay says of itself: who decided.
pub(crate) fn replayed_by(by: &str) -> String {
    format!("replayed by {by}")
}

/// The runs that left their id in a table's commits: of the step that builds it, where one is declared, and replays.
fn runs(step: Option<&Step>, dataset: &DatasetName, history: Vec<CommitRecord>) -> Result<Vec<Run>> {
    let replay = replay_step(dataset)?;
    let mut runs: BTreeMap<_, Run> = BTreeMap::new();
    for commit in history {
        let origin = commit.metadata.get("origin");
        let is_replay = origin.is_some_and(|origin| origin.starts_with(REPLAY_ORIGIN));
        let step = if is_replay { Some(&replay) } else { step };
        let (Some(id), Some(step)) = (commit.run_id, step) else {
            continue;
        };
        let run = runs.entry(id).or_insert_with(|| Run {
            id,
            step: step.clone(),
            dataset: Some(dataset.clone()),
            status: RunStatus::Succeeded,
            started: commit.timestamp,
            ended: Some(commit.timestamp),
            accepted: 0,
            rejected: 0,
            version: Some(commit.version),
            message: None,
        });
        if is_replay && let Some(by) = commit.metadata.get("by") {
            run.message = Some(replayed_by(by));
        }
        run.started = run.started.min(commit.timestamp);
        run.ended = run.ended.max(Some(commit.timestamp));
        run.version = run.version.max(Some(commit.version));
        let noted = |key: &str| {
            commit
                .metadata
                .get(key)
                .and_then(|n| n.parse::<u64>().ok())
                .unwrap_or(0)
        };
        run.accepted += noted("accepted");
        run.rejected += noted("rejected");
    }
    Ok(runs.into_values().collect())
}

/// Describes datasets from their contracts and tables.
pub(crate) struct Describer {
    lake: Lake,
    contracts: Arc<ContractSet>,
}

impl Describer {
    /// A describer for a mesh.
    pub(crate) fn new(platform: &Platform) -> Result<Self> {
        Ok(Self {
            lake: platform.lake()?,
            contracts: platform.contracts()?,
        })
    }

    /// What is declared of a dataset.
    fn declared(&self, name: &DatasetName) -> Dataset {
        let mut dataset = Dataset::new(name.clone());
        if let Some(bound) = self.contracts.get(name) {
            dataset.contract = Some(ContractStatus {
                id: bound.contract.id.clone(),
                version: bound.contract.version.clone(),
                status: bound.contract.status.to_string(),
            });
            dataset.owner = bound.contract.owner.clone();
            dataset.description = bound.object().description.clone();
        } else if name.layer() == Layer::Quarantine {
            dataset.description =
                Some("Rows that were rejected, whole, with rule, reason and source position.".to_owned());
        }
        dataset
    }

    /// How a dataset stands now.
    pub(crate) async fn dataset(&self, name: &DatasetName) -> Result<Dataset> {
        let mut dataset = self.declared(name);
        if let Some(table) = self.lake.load(name).await? {
            dataset.version = Some(table.version());
            dataset.rows = table.row_count();
            dataset.bytes = Some(table.size_bytes());
            dataset.updated = table.history(1).await?.first().map(|commit| commit.timestamp);
        }
        Ok(dataset)
    }
}

/// The steps of the engine as pairs of name and kind, for reading results.
pub(crate) fn step(kind: EngineStep, name: &ObjectName) -> Step {
    Step::new(step_kind(kind), name.clone())
}

/// Where a stream reads from, as lineage names it.
pub(crate) fn source_node(stream: &StreamSpec) -> Node {
    Node::Source(match &stream.source {
        SourceSpec::Kafka { topic, .. } => format!("kafka:{topic}"),
        SourceSpec::Files { path } => format!("files:{path}"),
    })
}

/// A model's version as the catalog keeps it.
pub(crate) fn model_version(record: &ModelRecord, state: ModelState) -> ModelVersion {
    ModelVersion {
        name: record.name.clone(),
        version: record.version,
        state,
        metrics: record.metrics.clone(),
        parameters: record.parameters.as_json().clone(),
        inputs: record.inputs.clone(),
        notes: record.notes.clone(),
        trained: record.trained_at,
        run: Some(record.run_id),
    }
}
