//! `polder plan` and `polder run`: what would be built and why, and building it.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Mutex;

use indicatif::ProgressBar;
use polder_catalog::{ModelState, Node, RunEnd, RunStart, RunStatus};
use polder_core::units::counted;
use polder_core::{ObjectName, Result};
use polder_engine::{Engine, Observer, RunOptions, StartedStep, StepKind, StepOutcome, StepResult};

use crate::commands::ingest::warned;
use crate::inventory::step;
use crate::options::{PlanArgs, RunArgs};
use crate::output::{self, Cell, Listing, cells};
use crate::platform::Platform;
use crate::progress::Bars;
use crate::recorder::Recorder;
use crate::report;

/// Shows what a run would do now.
pub(crate) async fn plan(platform: &Platform, args: &PlanArgs) -> Result<()> {
    let options = RunOptions {
        select: args.select.clone(),
        full: args.full,
    };
    let mut listing = Listing::new(["step", "kind", "builds", "action", "why"]);
    for step in platform.engine()?.plan(&options).await? {
        listing.row(cells![
            step.name.to_string(),
            step.kind.as_str(),
            step.dataset.map(|dataset| dataset.to_string()),
            step.action.as_str(),
            step.why,
        ]);
    }
    listing.print(args.format.format, "this mesh declares no pipeline and no model")
}

/// Builds what is out of date; a step that failed or was blocked gives the exit code of its error.
pub(crate) async fn run(platform: &Platform, args: &RunArgs, quiet: bool) -> Result<ExitCode> {
    let engine = platform.engine()?;
    let options = RunOptions {
        select: args.select.clone(),
        full: args.full,
    };
    let recorder = Recorder::open(platform).await;
    let results = run_steps(&engine, &options, &Bars::new(quiet), &recorder).await?;
    listing(&results).print(args.format.format, "this mesh declares no pipeline and no model")?;
    let mut code = 0;
    for result in &results {
        if !result.warned.is_empty() {
            output::remark(&format!(
                "{}: {}{}",
                result.name,
                counted(result.rows, "row"),
                warned(&result.warned)
            ));
        }
        for remark in result.remarks.values() {
            output::remark(&format!("{}: {remark}", result.name));
        }
        if let StepOutcome::Failed(failure) = &result.outcome {
            // Where the diagnostics say it all, once is enough.
            let (message, help) = match report::is_summary(failure) {
                true => (format!("{} failed", result.name), None),
                false => (format!("{} failed: {}", result.name, failure.report()), failure.help()),
            };
            let mut error =
                polder_core::Error::new(failure.kind(), message).with_diagnostics(failure.diagnostics().to_vec());
            if let Some(help) = help {
                error = error.with_help(help);
            }
            report::error(&error, Some(&platform.mesh.root));
            code = code.max(error.exit_code());
        }
    }
    Ok(ExitCode::from(code))
}

/// Runs steps, with bars, and records them.
pub(crate) async fn run_steps(
    engine: &Engine,
    options: &RunOptions,
    bars: &Bars,
    recorder: &Recorder,
) -> Result<Vec<StepResult>> {
    let watch = Watch {
        bars,
        running: Mutex::default(),
    };
    let results = engine.run(options, &watch).await?;
    for result in &results {
        record(recorder, result).await;
    }
    Ok(results)
}

fn listing(results: &[StepResult]) -> Listing {
    let mut listing = Listing::new([
        "step",
        "action",
        "outcome",
        "rows",
        "rejected",
        "version",
        "seconds",
        "why",
        "blocked_by",
    ])
    .for_programs(&["blocked_by"]);
    for result in results {
        let seconds = (result.ended - result.started).as_seconds_f64();
        let (outcome, blocked_by) = (
            Cell::from(result.outcome.as_str()),
            match &result.outcome {
                StepOutcome::Blocked { by } => Some(by.to_string()),
                _ => None,
            },
        );
        listing.row(cells![
            result.name.to_string(),
            result.action.as_str(),
            match &blocked_by {
                Some(by) => outcome.in_words(format!("blocked by {by}")),
                None => outcome,
            },
            result.rows,
            result.rejected,
            result.version,
            Cell::from(seconds).in_words(format!("{seconds:.1}")),
            result.why.as_str(),
            blocked_by,
        ]);
    }
    listing
}

async fn record(recorder: &Recorder, result: &StepResult) {
    let step = step(result.kind, &result.name);
    let (status, message) = match &result.outcome {
        StepOutcome::Succeeded => (RunStatus::Succeeded, None),
        StepOutcome::Failed(error) => (RunStatus::Failed, Some(error.report())),
        StepOutcome::UpToDate | StepOutcome::WaitsForData | StepOutcome::Blocked { .. } => return,
    };
    let Some(id) = result.run else { return };
    let start = RunStart {
        id,
        step: step.clone(),
        dataset: result.dataset.clone(),
        started: result.started,
    };
    let end = RunEnd {
        status,
        ended: result.ended,
        accepted: result.rows,
        rejected: result.rejected,
        version: result.version,
        message,
    };
    recorder.run(&start, &end).await;
    let inputs: Vec<Node> = result.reads.keys().cloned().map(Node::Dataset).collect();
    match (result.kind, &result.dataset, &result.model) {
        (StepKind::Pipeline, Some(dataset), _) => {
            recorder.dataset(dataset).await;
            recorder.dataset(&dataset.quarantine()).await;
            recorder.lineage(&step, &inputs, &Node::Dataset(dataset.clone())).await;
        }
        (StepKind::Model, _, Some(model)) => {
            recorder.model(model, ModelState::Registered).await;
            recorder
                .lineage(&step, &inputs, &Node::Model(result.name.clone()))
                .await;
        }
        _ => {}
    }
}

/// Shows how steps go on.
struct Watch<'a> {
    bars: &'a Bars,
    running: Mutex<BTreeMap<ObjectName, ProgressBar>>,
}

impl Observer for Watch<'_> {
    fn started(&self, step: &StartedStep) {
        tracing::info!(step = %step.name, action = step.action.as_str(), why = %step.why, "builds");
        let bar = self.bars.bar(&format!("{} {}", step.action.as_str(), step.name), None);
        // A poisoned lock means that another thread panicked; a bar is not worth a second panic.
        if let Ok(mut running) = self.running.lock() {
            running.insert(step.name.clone(), bar);
        }
    }

    fn rows(&self, name: &ObjectName, rows: u64) {
        if let Ok(running) = self.running.lock()
            && let Some(bar) = running.get(name)
        {
            bar.set_position(rows);
        }
    }

    fn finished(&self, result: &StepResult) {
        if let Ok(mut running) = self.running.lock()
            && let Some(bar) = running.remove(&result.name)
        {
            bar.finish_and_clear();
        }
    }
}
