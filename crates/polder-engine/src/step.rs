//! Steps: what is to be built and why, and how it went.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use polder_core::{DatasetName, Error, ObjectName, RunId};

use crate::model::ModelRecord;

/// What a step builds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StepKind {
    /// A dataset, from datasets.
    Pipeline,
    /// A model version, from datasets.
    Model,
}

impl StepKind {
    /// The kind's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pipeline => "pipeline",
            Self::Model => "model",
        }
    }
}

/// What is done with a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Nothing: it is up to date, or has no data yet.
    Skip,
    /// What changed is built in.
    Incremental,
    /// Everything is built anew.
    Full,
}

impl Action {
    /// The action's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Incremental => "incremental",
            Self::Full => "full",
        }
    }
}

/// A step as it would be run now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedStep {
    /// The pipeline or model.
    pub name: ObjectName,
    /// Which of both it is.
    pub kind: StepKind,
    /// The dataset that it builds; none for a model.
    pub dataset: Option<DatasetName>,
    /// What would be done.
    pub action: Action,
    /// Why, in words.
    pub why: String,
}

/// A step that was run, or could have been.
#[derive(Debug)]
pub struct StepResult {
    /// The pipeline or model.
    pub name: ObjectName,
    /// Which of both it is.
    pub kind: StepKind,
    /// The dataset that it builds; none for a model.
    pub dataset: Option<DatasetName>,
    /// What was done.
    pub action: Action,
    /// Why, in words.
    pub why: String,
    /// How it ended.
    pub outcome: StepOutcome,
    /// The run, where one began.
    pub run: Option<RunId>,
    /// When it was looked at.
    pub started: DateTime<Utc>,
    /// When it was done.
    pub ended: DateTime<Utc>,
    /// The datasets that it reads, with the version that was read; a dataset that has no table yet is left out.
    pub reads: BTreeMap<DatasetName, u64>,
    /// The version of the dataset, or of the model, that this step made.
    pub version: Option<u64>,
    /// Rows that were computed and accepted.
    pub rows: u64,
    /// Rows that the contract refused.
    pub rejected: u64,
    /// Rows that were taken although they break rules which only warn, by rule.
    pub warned: BTreeMap<String, u64>,
    /// What is to be said of rules about the whole table that only warn and do not hold, and of every rule that was not
    /// run, by rule; and of the order in which it ran.
    pub remarks: BTreeMap<String, String>,
    /// The trained model.
    pub model: Option<ModelRecord>,
}

/// How a step ended.
#[derive(Debug)]
pub enum StepOutcome {
    /// It was built.
    Succeeded,
    /// There was nothing to do.
    UpToDate,
    /// What it reads has no data yet, or too little to learn from.
    WaitsForData,
    /// It was not tried, because a step that it depends on failed or was not tried.
    Blocked {
        /// That step.
        by: ObjectName,
    },
    /// It failed; nothing was committed.
    Failed(Error),
}

impl StepOutcome {
    /// The outcome's word.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::UpToDate => "up to date",
            Self::WaitsForData => "waiting for data",
            Self::Blocked { .. } => "blocked",
            Self::Failed(_) => "failed",
        }
    }
}

/// A step that begins.
#[derive(Debug, Clone)]
pub struct StartedStep {
    /// The pipeline or model.
    pub name: ObjectName,
    /// Which of both it is.
    pub kind: StepKind,
    /// The dataset that it builds; none for a model.
    pub dataset: Option<DatasetName>,
    /// The run.
    pub run: RunId,
    /// What is done.
    pub action: Action,
    /// Why, in words.
    pub why: String,
    /// When.
    pub started: DateTime<Utc>,
}

/// Is told how a run goes, in order: for each step that has something to do `started`, any number of `rows`,
/// `finished`; for every other step `finished` alone. Calls come from the run itself: they must return quickly.
pub trait Observer: Send + Sync {
    /// A step begins to build.
    fn started(&self, step: &StartedStep) {
        let _ = step;
    }

    /// So many rows of a step were computed so far.
    fn rows(&self, name: &ObjectName, rows: u64) {
        let _ = (name, rows);
    }

    /// A step is done: built, up to date, failed or blocked.
    fn finished(&self, result: &StepResult) {
        let _ = result;
    }
}
