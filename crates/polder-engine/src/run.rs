//! Running steps in order.

use std::collections::{BTreeMap, BTreeSet};

use polder_core::{DatasetName, ObjectName, Result, RunId, clock};

use crate::assess::assess;
use crate::build::build;
use crate::definition::{ModelDefinition, Pipeline};
use crate::engine::{Engine, RunOptions};
use crate::graph::Node;
use crate::rule_order::RunOrder;
use crate::source::versions;
use crate::step::{Action, Observer, StartedStep, StepOutcome, StepResult};
use crate::training::Learned;

impl Engine {
    /// Builds what is not up to date, each step after those that it reads from, and where that leaves a choice after those
    /// that build what its rules ask. A step that fails blocks those that
    /// read from it; all others are built. Gives every step's result, in the order of the run.
    ///
    /// Each step commits once, with its progress: stopping a run at any time leaves every dataset as it was before or
    /// after its step, and the next run goes on from there.
    ///
    /// # Errors
    /// `NotFound` for a name that is not declared; `Document` when steps cannot be ordered. Failures of steps are in
    /// their results.
    pub async fn run(&self, options: &RunOptions, observer: &dyn Observer) -> Result<Vec<StepResult>> {
        let order = RunOrder::new(self, self.graph()?);
        let mut broken: BTreeMap<DatasetName, ObjectName> = BTreeMap::new();
        let mut results = Vec::new();
        for node in order.graph.select(&options.select)? {
            let mut result = waiting(node);
            match node.reads.iter().find_map(|dataset| broken.get(dataset)) {
                Some(by) => {
                    result.why = format!("{by} was not built");
                    result.outcome = StepOutcome::Blocked { by: by.clone() };
                }
                None => self.step(node, options.full, observer, &mut result).await,
            }
            if let StepOutcome::Failed(_) | StepOutcome::Blocked { .. } = &result.outcome {
                broken.extend(node.writes().map(|dataset| (dataset, node.name.clone())));
            }
            if result.run.is_some() {
                let remark = order.remark(&node.name);
                result.remarks.extend(remark.map(|remark| ("order".to_owned(), remark)));
            }
            result.ended = clock::now();
            observer.finished(&result);
            results.push(result);
        }
        Ok(results)
    }

    async fn step(&self, node: &Node, full: bool, observer: &dyn Observer, result: &mut StepResult) {
        let done = match (self.pipeline(node), self.model(node)) {
            (Some(pipeline), _) => self.run_pipeline(node, pipeline, full, observer, result).await,
            (None, Some(model)) => self.run_model(node, model, full, observer, result).await,
            (None, None) => Ok(()),
        };
        match done {
            Ok(()) if result.run.is_some() => result.outcome = StepOutcome::Succeeded,
            Ok(()) => {}
            Err(error) => {
                tracing::debug!(step = %node.name, error = %error.report(), "step failed");
                result.outcome = StepOutcome::Failed(error);
            }
        }
    }

    async fn run_pipeline(
        &self,
        node: &Node,
        pipeline: &Pipeline,
        full: bool,
        observer: &dyn Observer,
        result: &mut StepResult,
    ) -> Result<()> {
        let reads: Vec<_> = node.reads.iter().cloned().collect();
        let assessment = assess(self, pipeline, &reads, &BTreeSet::new(), full).await?;
        (result.action, result.why) = (assessment.action, assessment.why.clone());
        result.reads = versions(assessment.sources.iter().map(|tracked| &tracked.source));
        if assessment.action == Action::Skip {
            let sources = &assessment.sources;
            if !sources.is_empty() && sources.iter().all(|tracked| tracked.source.table.is_none()) {
                result.outcome = StepOutcome::WaitsForData;
            }
            return assessment.renew_record(self, pipeline).await;
        }
        self.refuse_unsound(pipeline).await?;
        let run = begin(node, observer, result);
        let built = build(self, pipeline, &assessment, run, observer).await?;
        (result.action, result.why) = (built.action, built.why);
        (result.version, result.rows, result.rejected) = (built.version, built.rows, built.rejected);
        (result.warned, result.remarks) = (built.warned, built.remarks);
        Ok(())
    }

    async fn run_model(
        &self,
        node: &Node,
        model: &ModelDefinition,
        full: bool,
        observer: &dyn Observer,
        result: &mut StepResult,
    ) -> Result<()> {
        let training = self.assess_training(model, &node.reads, full).await?;
        (result.action, result.why) = (training.action, training.why.clone());
        result.reads = versions(&training.sources);
        if training.action == Action::Skip {
            if training.sources.iter().any(|source| source.table.is_none()) {
                result.outcome = StepOutcome::WaitsForData;
            }
            return Ok(());
        }
        let run = begin(node, observer, result);
        match self.train_model(model, &training, run).await? {
            Learned::Version(record) => {
                result.version = Some(record.version);
                result.model = Some(*record);
            }
            Learned::TooLittle(why) => {
                result.run = None;
                result.outcome = StepOutcome::WaitsForData;
                (result.action, result.why) = (Action::Skip, format!("not enough data yet: {why}"));
            }
        }
        Ok(())
    }
}

fn waiting(node: &Node) -> StepResult {
    let now = clock::now();
    StepResult {
        name: node.name.clone(),
        kind: node.kind(),
        dataset: node.produces.clone(),
        action: Action::Skip,
        why: String::new(),
        outcome: StepOutcome::UpToDate,
        run: None,
        started: now,
        ended: now,
        reads: BTreeMap::new(),
        version: None,
        rows: 0,
        rejected: 0,
        warned: BTreeMap::new(),
        remarks: BTreeMap::new(),
        model: None,
    }
}

fn begin(node: &Node, observer: &dyn Observer, result: &mut StepResult) -> RunId {
    let run = RunId::new();
    result.run = Some(run);
    observer.started(&StartedStep {
        name: node.name.clone(),
        kind: node.kind(),
        dataset: node.produces.clone(),
        run,
        action: result.action,
        why: result.why.clone(),
        started: result.started,
    });
    run
}
