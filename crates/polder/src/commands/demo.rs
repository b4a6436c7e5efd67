//! `polder demo`: the whole mesh in one process, from nothing to answers. The broker and the registry are in process and end with
//! it; everything else is what a real mesh uses, and stays in the demo's folder.

mod report;

use std::fs;
use std::path::Path;
use std::time::Instant;

use polder_core::config::Mesh;
use polder_core::{Error, ErrorKind, Result, ResultExt};
use polder_engine::{RunOptions, StepOutcome};
use polder_ingest::Mode;
use polder_registry::Embedded;
use polder_source::{EventSource, Limit, Publisher, PublisherOptions, RetailFiles, Shop, ShopOptions, TOPIC};
use rdkafka::mocking::MockCluster;
use tokio_util::sync::CancellationToken;

use super::ingest::run_stream;
use super::new::write_all;
use super::run::run_steps;
use crate::documents;
use crate::inventory;
use crate::options::DemoArgs;
use crate::output::remark;
use crate::platform::Platform;
use crate::progress::Bars;
use crate::recorder::Recorder;

/// Marks a folder as one that a demo made and may make anew.
const MARKER: &str = ".polder-demo";
/// Partitions of the demo's topic.
const PARTITIONS: u16 = 8;
/// Bytes that are published before ingest takes them: librdkafka's in-process broker forgets what exceeds 5 MiB a partition, so
/// this stays far below eight times that, whatever the keys.
const ROUND_BYTES: u64 = 12 << 20;

/// What was published, to hold the lake against.
pub(crate) struct Published {
    /// Events in all.
    pub(crate) events: u64,
    /// Events that are faulty on purpose.
    pub(crate) faulty: u64,
}

/// Builds the demo's mesh in its folder and reports.
pub(crate) async fn run(args: &DemoArgs, quiet: bool) -> Result<()> {
    let started = Instant::now();
    // What cannot be read is said before anything is deleted.
    let mut source: Box<dyn EventSource> = match &args.retail {
        Some(folder) => Box::new(RetailFiles::open(folder)?),
        None => Box::new(Shop::new(ShopOptions {
            seed: args.seed,
            weeks: args.weeks,
            ..ShopOptions::default()
        })?),
    };
    prepare(&args.dir)?;
    let cluster = MockCluster::new(1).context(ErrorKind::Internal, || {
        "the in-process broker does not start".to_owned()
    })?;
    cluster
        .create_topic(TOPIC, i32::from(PARTITIONS), 1)
        .context(ErrorKind::Internal, || {
            "the in-process broker makes no topic".to_owned()
        })?;
    let registry = Embedded::start().await?;
    let mut mesh = Mesh::load_with(&args.dir, |_| None, [])?;
    mesh.config.kafka.brokers = cluster.bootstrap_servers();
    mesh.config.registry.url = registry.url();
    let platform = Platform::from(mesh);
    let bars = Bars::new(quiet);
    let say = |text: &str| {
        if !quiet {
            bars.line(text);
        }
    };
    say(&format!(
        "a mesh is in {}; events are published and land in bronze",
        args.dir.display()
    ));
    let published = land(&platform, source.as_mut(), &bars).await?;
    say("pipelines build silver and gold, models are trained");
    build(&platform, &bars).await?;
    let catalog = platform.catalog().await?;
    let taken = inventory::take(&platform).await?;
    if let Some(error) = taken.unreadable.into_iter().next() {
        return Err(error);
    }
    catalog.replace_all(&taken.inventory).await?;
    report::print(&platform, &args.dir, &published, started.elapsed()).await?;
    registry.stop().await;
    Ok(())
}

/// An empty folder with the demo's documents. Only a folder that a demo made, or that holds nothing, is taken.
fn prepare(dir: &Path) -> Result<()> {
    let cannot = || format!("cannot prepare {}", dir.display());
    if dir.join(MARKER).is_file() {
        fs::remove_dir_all(dir).context(ErrorKind::Refused, cannot)?;
    } else if dir.is_file() || fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("{} holds something that no demo made", dir.display()),
        )
        .with_help("name another folder with --dir DIR; the demo would delete what is in it"));
    }
    write_all(dir, &[(MARKER, "polder demo rebuilds this folder at each run.\n")])?;
    write_all(dir, documents::SHOP)
}

/// Publishes in rounds; each is in the lake before the next begins.
async fn land(platform: &Platform, source: &mut dyn EventSource, bars: &Bars) -> Result<Published> {
    let options = PublisherOptions {
        partitions: PARTITIONS,
        ..PublisherOptions::default()
    };
    let mut publisher = Publisher::open(&platform.mesh.config.kafka, &platform.registry()?, options).await?;
    let ingest = platform.ingest()?;
    let recorder = Recorder::open(platform).await;
    let streams = platform.streams()?;
    let bar = bars.bar("publishing", source.expected());
    let limit = Limit {
        events: None,
        bytes: Some(ROUND_BYTES),
    };
    loop {
        let round = publisher
            .publish(source, limit, &mut |totals| bar.set_position(totals.events))
            .await?;
        for stream in &streams {
            run_stream(
                &ingest,
                stream,
                Mode::UntilEnd,
                CancellationToken::new(),
                bars,
                &recorder,
            )
            .await?;
        }
        if round.finished {
            break;
        }
    }
    bar.finish_and_clear();
    let totals = publisher.totals();
    Ok(Published {
        events: totals.events,
        faulty: totals.faulty,
    })
}

async fn build(platform: &Platform, bars: &Bars) -> Result<()> {
    let recorder = Recorder::open(platform).await;
    let results = run_steps(&platform.engine()?, &RunOptions::default(), bars, &recorder).await?;
    let mut failed = None;
    for result in results {
        match result.outcome {
            StepOutcome::Failed(error) => {
                remark(&format!("{} failed: {}", result.name, error.report()));
                failed.get_or_insert(error);
            }
            StepOutcome::Blocked { by } => remark(&format!("{} waits for {by}", result.name)),
            StepOutcome::Succeeded | StepOutcome::UpToDate | StepOutcome::WaitsForData => {}
        }
    }
    failed.map_or(Ok(()), Err)
}
