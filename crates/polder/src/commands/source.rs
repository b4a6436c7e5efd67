//! `polder source`: events for trials, published to Kafka.

use std::path::PathBuf;
use std::time::Instant;

use polder_core::units::counted;
use polder_core::{Error, ErrorKind, Result};
use polder_source::{EventSource, Limit, Publisher, PublisherOptions, RetailFiles, Shop, ShopOptions};

use crate::options::{PublishArgs, SourceCommand};
use crate::output;
use crate::platform::Platform;
use crate::progress::Bars;

/// Publishes what the command names.
pub(crate) async fn run(platform: &Platform, command: &SourceCommand, quiet: bool) -> Result<()> {
    match command {
        SourceCommand::Retail { dir, publish: args } => {
            let dir = dir.clone().unwrap_or_else(retail_folder);
            publish(platform, &mut RetailFiles::open(&dir)?, args, quiet).await
        }
        SourceCommand::Shop {
            seed,
            weeks,
            publish: args,
        } => {
            let options = ShopOptions {
                seed: *seed,
                weeks: *weeks,
                ..ShopOptions::default()
            };
            publish(platform, &mut Shop::new(options)?, args, quiet).await
        }
    }
}

/// Where the real data lies by default: `POLDER_DATA`, else `../shared/data`.
fn retail_folder() -> PathBuf {
    std::env::var_os("POLDER_DATA")
        .map_or_else(|| PathBuf::from("../shared/data"), PathBuf::from)
        .join("online_retail/by-day")
}

async fn publish(platform: &Platform, source: &mut dyn EventSource, args: &PublishArgs, quiet: bool) -> Result<()> {
    let options = PublisherOptions {
        topic: args.topic.clone(),
        partitions: u16::try_from(args.partitions)
            .map_err(|_| Error::new(ErrorKind::Usage, "a topic has 1 to 65535 partitions"))?,
        rate: args.rate.map(f64::from),
    };
    let registry = platform.registry()?;
    let mut publisher = Publisher::open(&platform.mesh.config.kafka, &registry, options).await?;
    let bars = Bars::new(quiet);
    let total = [source.expected(), args.limit].into_iter().flatten().min();
    let bar = bars.bar(&format!("publishing to {}", args.topic), total);
    let started = Instant::now();
    let limit = Limit {
        events: args.limit,
        bytes: None,
    };
    let published = publisher
        .publish(source, limit, &mut |totals| bar.set_position(totals.events))
        .await;
    bar.finish_and_clear();
    published?;
    let totals = publisher.totals();
    let seconds = started.elapsed().as_secs_f64();
    let mut line = format!(
        "published {} ({:.1} MB) to {} in {seconds:.1} s",
        counted(totals.events, "event"),
        totals.bytes as f64 / 1e6,
        args.topic
    );
    if totals.faulty > 0 {
        line.push_str(&format!(", {} of them faulty on purpose", totals.faulty));
    }
    output::line(&line)
}
