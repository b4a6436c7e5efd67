//! Whether the services that a mesh uses answer, and have what its streams and pipelines need.

use std::collections::{BTreeMap, BTreeSet};

use polder_core::config::KafkaConfig;
use polder_core::units::counted;
use polder_core::{Error, ErrorKind, Result};
use polder_ingest::{SourceSpec, StreamSpec, probe_kafka, probe_topics};

use super::foreign::Foreign;
use super::tables::Tables;
use crate::output;
use crate::platform::Platform;

/// Tries every service that the mesh uses, and says how its tables were found; gives the highest exit code. Where standard
/// output is not `for_people`, they read it on standard error.
pub(super) async fn connect(
    platform: &Platform,
    streams: &[StreamSpec],
    tables: Tables,
    for_people: bool,
) -> Result<u8> {
    let tell = |text: &str| match for_people {
        true => output::line(text),
        false => {
            output::remark(text);
            Ok(())
        }
    };
    let mut code = 0;
    let mut say = |what: &str, place: &str, result: Result<String>, grave: bool| match result {
        Ok(detail) => tell(&format!("ok      {what:9} {place}{detail}")),
        Err(error) => {
            let word = match grave {
                true => "failed ",
                false => "warning",
            };
            if grave {
                code = code.max(error.exit_code());
            }
            let help = error
                .help()
                .map_or_else(String::new, |help| format!("\n        {:9} {help}", ""));
            tell(&format!("{word} {what:9} {place}: {}{help}", error.report()))
        }
    };
    let fed: BTreeSet<_> = tables.unfit.keys().cloned().collect();
    let config = &platform.mesh.config;
    let lake = match platform.lake() {
        Ok(lake) => lake
            .probe()
            .await
            .map(|()| ": writes, reads and commits once".to_owned()),
        Err(error) => Err(error),
    };
    let answers = lake.is_ok();
    say("lake", &config.lake.location, lake, true)?;
    if answers {
        for (place, found, grave) in of_tables(tables) {
            say("tables", &place, found, grave)?;
        }
    }
    match platform.catalog().await {
        Ok(catalog) => {
            let answer = catalog.probe().await.map(|()| String::new());
            say("catalog", catalog.location(), answer, true)?;
        }
        Err(error) => say("catalog", "database", Err(error), true)?,
    }
    let uses_kafka = streams
        .iter()
        .any(|stream| matches!(stream.source, SourceSpec::Kafka { .. }));
    if !uses_kafka {
        return Ok(code);
    }
    let kafka = probe_kafka(&config.kafka)
        .await
        .map(|probe| format!(": brokers {}", probe.brokers.join(", ")));
    let answers = kafka.is_ok();
    say("kafka", &config.kafka.brokers, kafka, true)?;
    if answers {
        for (stream, topic, found) in topics(&config.kafka, streams).await {
            let missing = found.as_ref().err().map(Error::kind) == Some(ErrorKind::NotFound);
            // Before its first event a stream waits for its topic; one that has delivered has lost it.
            let grave = !missing || fed.contains(&stream.dataset);
            say("topic", &format!("{topic} of stream {}", stream.name), found, grave)?;
        }
    }
    match platform.registry() {
        Ok(registry) => {
            let answer = registry.probe().await.map(|()| String::new());
            say("registry", registry.url(), answer, true)?;
        }
        Err(error) => say("registry", "registry.url", Err(error), true)?,
    }
    Ok(code)
}

/// How the tables were found: in all, and those of which there is something to say; with whether it is grave.
fn of_tables(tables: Tables) -> Vec<(String, Result<String>, bool)> {
    let there = tables.unfit.len();
    let place = format!("{there} of {} that streams and pipelines write", tables.written);
    let fit = match tables.refusing() {
        0 if there == 0 => Ok(": there is none yet".to_owned()),
        0 => Ok(": they take what their contracts promise".to_owned()),
        refusing => Err(see_above(refusing, "take what the contract promises")),
    };
    let failed = tables.failed.into_iter();
    let mut found: Vec<_> = failed
        .map(|(dataset, error)| (dataset.to_string(), Err(error), true))
        .collect();
    found.push((place, fit, true));
    for (dataset, columns) in &tables.unnamed {
        let columns: Vec<_> = columns.iter().map(|column| format!("`{column}`")).collect();
        let says = format!(
            ": its contract does not name {} any more: {}, null in new rows",
            counted(columns.len(), "column"),
            columns.join(", ")
        );
        found.push((dataset.to_string(), Ok(says), true));
    }
    found.extend(of_foreign(tables.foreign));
    found
}

/// The same of tables that somebody else writes, where there are any.
fn of_foreign(foreign: Foreign) -> Vec<(String, Result<String>, bool)> {
    let (there, promised) = (foreign.there, foreign.promised);
    let readable = match (foreign.stopping, foreign.diagnostics.len()) {
        (0, 0) => Ok(": they can be read as their contracts promise".to_owned()),
        (0, _) => Ok(": what their contracts promise and they do not have stops no run (see above)".to_owned()),
        (stopping, _) => Err(see_above(stopping, "be read as the contract promises")),
    };
    let failed = foreign.failed.into_iter();
    let mut found: Vec<_> = failed.map(|(place, error, grave)| (place, Err(error), grave)).collect();
    if there > 0 {
        let place = format!("{there} of {promised} that no stream or pipeline writes");
        found.push((place, readable, true));
    }
    found
}

fn see_above(tables: usize, cannot: &str) -> Error {
    let message = format!("{tables} of them cannot {cannot} (see above)");
    Error::new(ErrorKind::CheckFailed, message)
}

/// The topics that streams read, each asked for with the stream's own properties.
async fn topics<'s>(kafka: &KafkaConfig, streams: &'s [StreamSpec]) -> Vec<(&'s StreamSpec, &'s str, Result<String>)> {
    // Streams without properties of their own share one connection.
    let mut asked: Vec<(BTreeMap<_, _>, Vec<(&StreamSpec, &str)>)> = Vec::new();
    for stream in streams {
        let SourceSpec::Kafka { topic, properties, .. } = &stream.source else {
            continue;
        };
        let shared = asked
            .iter_mut()
            .find(|(own, _)| own.is_empty() && properties.is_empty());
        match shared {
            Some((_, topics)) => topics.push((stream, topic)),
            None => asked.push((properties.clone(), vec![(stream, topic)])),
        }
    }
    let mut found = Vec::new();
    for (properties, topics) in asked {
        let names = topics.iter().map(|(_, topic)| (*topic).to_owned()).collect();
        match probe_topics(kafka, &properties, names).await {
            Ok(answers) => found.extend(topics.into_iter().zip(answers).map(|((stream, topic), partitions)| {
                let answer = partitions.map(|partitions| format!(": {}", counted(partitions, "partition")));
                (stream, topic, answer)
            })),
            Err(error) => {
                let first = topics.first().copied();
                found.extend(first.map(|(stream, topic)| (stream, topic, Err(error))));
            }
        }
    }
    found
}
