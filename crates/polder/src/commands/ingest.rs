//! `polder ingest`: streams into bronze.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use indicatif::ProgressBar;
use polder_catalog::{Node, RunEnd, RunStart, RunStatus, Step, StepKind};
use polder_contract::ContractSet;
use polder_core::units::counted;
use polder_core::{DatasetName, Error, ErrorKind, ObjectName, Result, RunId, clock};
use polder_ingest::{CommitSummary, Ingest, Mode, Observer, StreamSpec, Summary};
use polder_query::{RuleQueries, Session, SessionOptions};
use tokio_util::sync::CancellationToken;

use crate::inventory::source_node;
use crate::options::IngestArgs;
use crate::platform::{Platform, select_streams};
use crate::progress::Bars;
use crate::recorder::Recorder;
use crate::{output, report};

mod queue;

use queue::Queue;

/// Runs the streams that are named, or all, side by side; up to the end of their sources those first whose rows
/// the rules of others ask.
pub(crate) async fn run(platform: &Platform, args: &IngestArgs, quiet: bool) -> Result<ExitCode> {
    let all = platform.streams()?;
    let streams = select_streams(all.clone(), &args.streams)?;
    if streams.is_empty() {
        return Err(Error::new(ErrorKind::NotFound, "this mesh has no stream")
            .with_help("declare one in pipelines/<domain>/<name>.stream.yaml"));
    }
    let mode = if args.until_end {
        Mode::UntilEnd
    } else {
        Mode::Continuous
    };
    let shutdown = CancellationToken::new();
    stop_on_signal(shutdown.clone())?;
    let ingest = platform.ingest()?;
    let contracts = platform.contracts()?;
    let recorder = Recorder::open(platform).await;
    let bars = Bars::new(quiet);
    let start = |place: usize| {
        let stream = &streams[place];
        let run = run_stream(&ingest, stream, mode, shutdown.clone(), &bars, &recorder);
        async move { (place, run.await) }
    };
    // What rules ask is landed first: else the keys of the same delivery would have no match. A stream that runs on waits
    // for nobody.
    let rules = Session::without_lake(&SessionOptions::default())?;
    let mut queue = match mode {
        Mode::UntilEnd => Queue::new(&before(&streams, &contracts, &rules)),
        Mode::Continuous => Queue::new(&vec![BTreeSet::new(); streams.len()]),
    };
    let mut running: FuturesUnordered<_> = queue.ready().into_iter().map(start).collect();
    let mut code = 0;
    while let Some((place, result)) = running.next().await {
        let stream = &streams[place];
        queue.end(place);
        running.extend(queue.ready().into_iter().map(start));
        match result {
            Ok(summary) => output::line(&sentence(stream, &summary))?,
            Err(error) => {
                report::error(&error, Some(&platform.mesh.root));
                code = code.max(error.exit_code());
                for other in first(&error, &asked(stream, &contracts, &rules), &all, &streams) {
                    output::remark(&format!(
                        "{} refers to what {other} lands: run that first, or both with one command",
                        stream.name
                    ));
                }
                if mode == Mode::Continuous {
                    // Whoever watches the process must hear of it: the other streams commit what they read and end too.
                    output::remark(&format!(
                        "{} failed: all streams stop, what was read is committed first",
                        stream.name
                    ));
                    shutdown.cancel();
                }
            }
        }
    }
    Ok(ExitCode::from(code))
}

/// The other datasets that a stream's contract asks by its rules, each with the ids of these rules.
fn asked(stream: &StreamSpec, contracts: &ContractSet, session: &Session) -> BTreeMap<DatasetName, BTreeSet<String>> {
    let contract = contracts.get(&stream.dataset);
    contract.map_or_else(BTreeMap::new, |contract| RuleQueries::new(session, &contract).others())
}

/// Which of the streams land what the rules of each one ask.
fn before(streams: &[StreamSpec], contracts: &ContractSet, session: &Session) -> Vec<BTreeSet<usize>> {
    let before = streams.iter().map(|stream| {
        let asked = asked(stream, contracts, session);
        let others = streams.iter().enumerate();
        let others = others.filter(|(_, other)| asked.contains_key(&other.dataset));
        others.map(|(place, _)| place).collect()
    });
    before.collect()
}

/// The streams that did not run now and land what a refused stream asks, where the refusal names that or the rule that
/// asks.
fn first<'s>(
    error: &Error,
    asked: &BTreeMap<DatasetName, BTreeSet<String>>,
    all: &'s [StreamSpec],
    run: &[StreamSpec],
) -> Vec<&'s ObjectName> {
    let report = error.report();
    let named = |dataset: &DatasetName| {
        asked.get(dataset).is_some_and(|rules| {
            report.contains(&format!(" {dataset}"))
                || rules.iter().any(|rule| report.contains(&format!("rule {rule}: ")))
        })
    };
    let others = all
        .iter()
        .filter(|other| named(&other.dataset) && run.iter().all(|run| run.name != other.name));
    others.map(|other| &other.name).collect()
}

/// Runs one stream and records it.
pub(crate) async fn run_stream(
    ingest: &Ingest,
    stream: &StreamSpec,
    mode: Mode,
    shutdown: CancellationToken,
    bars: &Bars,
    recorder: &Recorder,
) -> Result<Summary> {
    let step = Step::new(StepKind::Stream, stream.name.clone());
    let start = RunStart {
        id: RunId::new(),
        step: step.clone(),
        dataset: Some(stream.dataset.clone()),
        started: clock::now(),
    };
    recorder.begin(&start).await;
    let watch = Watch::new(bars);
    let result = ingest.run(stream, mode, start.id, shutdown, &watch).await;
    watch.finish();
    let end = match &result {
        Ok(summary) => RunEnd {
            status: RunStatus::Succeeded,
            ended: clock::now(),
            accepted: summary.accepted,
            rejected: summary.rejected,
            version: summary.versions.last().copied(),
            message: None,
        },
        Err(error) => {
            // What was committed before it failed stays.
            let landed = watch.landed();
            RunEnd {
                status: RunStatus::Failed,
                ended: clock::now(),
                accepted: landed.accepted,
                rejected: landed.rejected,
                version: landed.version,
                message: Some(error.report()),
            }
        }
    };
    recorder.run(&start, &end).await;
    recorder.dataset(&stream.dataset).await;
    recorder.dataset(&stream.dataset.quarantine()).await;
    recorder
        .lineage(&step, &[source_node(stream)], &Node::Dataset(stream.dataset.clone()))
        .await;
    result
}

fn sentence(stream: &StreamSpec, summary: &Summary) -> String {
    let mut text = format!(
        "{}: {} to {}",
        stream.name,
        counted(summary.accepted, "row"),
        stream.dataset
    );
    if summary.rejected > 0 {
        text.push_str(&format!(", {} to {}", summary.rejected, stream.dataset.quarantine()));
    }
    text.push_str(&warned(&summary.warned));
    match (summary.commits, summary.versions.last()) {
        (0, _) | (_, None) if summary.rejected == 0 => text.push_str(" (nothing new)"),
        (_, None) => {}
        (commits, Some(version)) => {
            text.push_str(&format!(" ({}, now version {version})", counted(commits, "commit")));
        }
    }
    text
}

/// Rows that were taken although they break rules which only warn: `, 3 warned of (n.maximum 2, name.pattern 1)`.
pub(crate) fn warned(rows: &BTreeMap<String, u64>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let rules: Vec<String> = rows.iter().map(|(rule, rows)| format!("{rule} {rows}")).collect();
    format!(", {} warned of ({})", rows.values().sum::<u64>(), rules.join(", "))
}

/// SIGTERM and Ctrl-C end the streams: what was read is committed first.
fn stop_on_signal(shutdown: CancellationToken) -> Result<()> {
    use polder_core::ResultExt;
    use tokio::signal::unix::{SignalKind, signal};

    let cannot = || "signals cannot be listened to".to_owned();
    let mut terminate = signal(SignalKind::terminate()).context(ErrorKind::Internal, cannot)?;
    let mut interrupt = signal(SignalKind::interrupt()).context(ErrorKind::Internal, cannot)?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        output::remark("stopping: what was read is committed first; a second signal stops at once");
        shutdown.cancel();
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        // As a kill would: what is not committed is read again by the next run.
        #[allow(clippy::disallowed_methods)]
        std::process::exit(130)
    });
    Ok(())
}

/// Shows how streams go on.
struct Watch<'a> {
    bars: &'a Bars,
    running: Mutex<BTreeMap<ObjectName, ProgressBar>>,
    landed: Mutex<Landed>,
}

/// What a run has committed so far.
#[derive(Debug, Clone, Copy, Default)]
struct Landed {
    accepted: u64,
    rejected: u64,
    version: Option<u64>,
}

impl<'a> Watch<'a> {
    fn new(bars: &'a Bars) -> Self {
        Self {
            bars,
            running: Mutex::default(),
            landed: Mutex::default(),
        }
    }

    fn landed(&self) -> Landed {
        *self.landed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with_bar(&self, stream: &StreamSpec, act: impl FnOnce(&ProgressBar)) {
        // A poisoned lock means that another thread panicked; a bar is not worth a second panic.
        if let Ok(mut running) = self.running.lock() {
            act(running
                .entry(stream.name.clone())
                .or_insert_with(|| self.bars.bar(&stream.name.to_string(), Some(0))));
        }
    }

    fn finish(&self) {
        if let Ok(running) = self.running.lock() {
            running.values().for_each(ProgressBar::finish_and_clear);
        }
    }
}

impl Observer for Watch<'_> {
    fn expected(&self, stream: &StreamSpec, records: u64) {
        self.with_bar(stream, |bar| bar.inc_length(records));
    }

    fn read(&self, stream: &StreamSpec, records: u64, _bytes: u64) {
        self.with_bar(stream, |bar| bar.inc(records));
    }

    fn committed(&self, stream: &StreamSpec, commit: &CommitSummary) {
        let mut landed = self.landed.lock().unwrap_or_else(PoisonError::into_inner);
        landed.accepted += commit.accepted;
        landed.rejected += commit.rejected;
        landed.version = Some(commit.version);
        drop(landed);
        tracing::info!(
            stream = %stream.name, version = commit.version, accepted = commit.accepted, rejected = commit.rejected, "committed"
        );
    }

    fn notice(&self, stream: &StreamSpec, text: &str) {
        self.bars.line(&format!("{}: {text}", stream.name));
    }
}
