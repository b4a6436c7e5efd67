//! Kafka and a schema registry for a benchmark alone, and the topic of invoice lines in it.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result, bail};

use super::{mesh::Mesh, process};
use crate::{checkout::Cache, processes, services};

/// Services of one benchmark; they end, with their data, when this is dropped.
///
/// Not those that may be running already: what they hold is somebody's, and a topic is not deleted at once.
pub(super) struct Services {
    cache: Cache,
    /// How programs reach them.
    pub(super) environment: Vec<(String, String)>,
}

impl Services {
    pub(super) fn start(scratch: &Path) -> Result<Self> {
        let mut cache = Cache::open()?;
        cache.state = scratch.join("services");
        fs::create_dir_all(&cache.state)?;
        let mut services = Self {
            cache,
            environment: Vec::new(),
        };
        for (_, started) in services::named_up(&services.cache, &["kafka", "apicurio"])? {
            started?;
        }
        services.environment = services::environment(&services.cache);
        Ok(services)
    }

    /// The brokers' addresses.
    pub(super) fn brokers(&self) -> Result<&str> {
        let found = self
            .environment
            .iter()
            .find(|(name, _)| name == "POLDER_KAFKA__BROKERS");
        Ok(&found.context("Kafka does not answer")?.1)
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        if let Err(error) = services::down(&self.cache) {
            eprintln!("services of the benchmark are still running: {error:#}");
        }
    }
}

/// A topic's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) events: u64,
    /// Bytes of keys and messages, not compressed.
    pub(super) bytes: u64,
}

/// Publishes the invoice lines, again and again, until so many more events are in the topic.
pub(super) fn publish(mesh: &Mesh, retail: &Path, events: u64) -> Result<()> {
    let mut left = events;
    while left > 0 {
        let mut command = mesh.polder();
        command.args(["source", "retail", "--topic", super::mesh::TOPIC, "--dir"]);
        command.arg(retail).arg("--limit").arg(left.to_string());
        let said = processes::output(&mut command)?;
        let published = said
            .split_whitespace()
            .nth(1)
            .and_then(|number| number.parse::<u64>().ok());
        match published {
            Some(published) if published > 0 => left = left.saturating_sub(published),
            _ => bail!("polder source did not say how much it published: {said}"),
        }
        print!("{said}");
    }
    Ok(())
}

/// Reads the topic to its end with a bare consumer.
pub(super) fn consume(consume: &Path, services: &Services) -> Result<(process::Run, Content)> {
    let mut command = Command::new(consume);
    command.args([services.brokers()?, super::mesh::TOPIC]);
    let run = process::measure(&mut command)?;
    let numbers: Vec<u64> = run
        .output
        .split_whitespace()
        .filter_map(|number| number.parse().ok())
        .collect();
    match numbers[..] {
        [events, bytes] => Ok((run, Content { events, bytes })),
        _ => bail!("the consume loop did not say what it read: {}", run.output),
    }
}
