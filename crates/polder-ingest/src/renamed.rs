//! A stream that was given another name would read everything a second time: its progress is under the old one.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use polder_core::config::KafkaConfig;
use polder_core::document::{Node, Source, parse};
use polder_core::{DatasetName, Error, ErrorKind, ObjectName, Result};
use polder_lake::Table;

use crate::chunk::Lane;
use crate::source::files::{folder_and_pattern, present};
use crate::source::kafka::probe_topics;
use crate::stream::{SUFFIX, SourceSpec, StreamSpec};

/// So many of the newest commits are looked at for other names.
const COMMITS: usize = 100;

/// So many partitions are asked for where no brokers tell how many there are.
const PARTITIONS: usize = 16;

/// Refuses a stream that has no progress on `lanes`, where another name has some in the same table.
///
/// # Errors
/// `Document`, which names the other stream; otherwise as [`Table::history`] and [`Table::progress`].
pub(crate) async fn refuse(stream: &StreamSpec, table: &Table, lanes: &[Arc<Lane>]) -> Result<()> {
    let others = others(stream, table).await?;
    let own = stream.progress_id("");
    let places = lanes.iter().filter_map(|lane| lane.progress.strip_prefix(&own));
    let places: Vec<_> = places.map(str::to_owned).collect();
    match read_by(&others, table, &places).await? {
        Some((other, place)) => {
            let refusal = refusal(stream, other, place);
            let help = format!("nothing was read; {}", refusal.help().unwrap_or_default());
            Err(refusal.with_help(help))
        }
        None => Ok(()),
    }
}

/// What a run of this stream would be refused with because its table holds what it reads, by a stream of another name; of
/// what its source has now. Files are from `root` on; where the brokers do not answer, the topic's first partitions count.
///
/// # Errors
/// As [`Table::history`] and [`Table::progress`]; `Refused` where the folder of its files cannot be read.
pub async fn refused_as_renamed(
    stream: &StreamSpec,
    table: &Table,
    root: &Path,
    kafka: &KafkaConfig,
) -> Result<Option<Error>> {
    // Most streams have progress of their own at the first place that is asked for.
    if let SourceSpec::Kafka { topic, .. } = &stream.source
        && reads_on(stream, table, &[format!("{topic}/0")]).await?
    {
        return Ok(None);
    }
    let files = match &stream.source {
        SourceSpec::Kafka { .. } => None,
        SourceSpec::Files { path } => match present(root, path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            found => Some(found?),
        },
    };
    if let Some(files) = &files
        && reads_on(stream, table, files).await?
    {
        return Ok(None);
    }
    let others = others(stream, table).await?;
    if others.is_empty() {
        return Ok(None);
    }
    let places = match (&stream.source, files) {
        (_, Some(files)) => files,
        (SourceSpec::Kafka { topic, properties, .. }, None) => {
            let asked = probe_topics(kafka, properties, vec![topic.clone()]).await;
            let partitions = match asked.map(|mut found| found.pop()) {
                Ok(Some(Ok(partitions))) => partitions,
                // There is no such topic: nothing would be read.
                Ok(_) => 0,
                Err(_) => PARTITIONS,
            };
            (0..partitions)
                .map(|partition| format!("{topic}/{partition}"))
                .collect()
        }
        (SourceSpec::Files { .. }, None) => Vec::new(),
    };
    if reads_on(stream, table, &places).await? {
        return Ok(None);
    }
    let found = read_by(&others, table, &places).await?;
    Ok(found.map(|(other, place)| refusal(stream, other, place)))
}

/// Whether a stream has progress of its own on one of these partitions or files.
async fn reads_on(stream: &StreamSpec, table: &Table, places: &[String]) -> Result<bool> {
    for place in places {
        if table.progress(&stream.progress_id(place)).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The other names under which the table was written lately.
async fn others(stream: &StreamSpec, table: &Table) -> Result<BTreeSet<ObjectName>> {
    let mut others = BTreeSet::new();
    for commit in table.history(COMMITS).await? {
        let origin = commit
            .metadata
            .get("origin")
            .and_then(|origin| origin.parse::<ObjectName>().ok());
        others.extend(origin.filter(|origin| *origin != stream.name));
    }
    Ok(others)
}

/// The first of these partitions or files of which another name has progress, with that.
async fn read_by<'a>(
    others: &'a BTreeSet<ObjectName>,
    table: &Table,
    places: &'a [String],
) -> Result<Option<(&'a ObjectName, &'a str)>> {
    for other in others {
        for place in places {
            if table.progress(&format!("stream/{other}/{place}")).await?.is_some() {
                return Ok(Some((other, place)));
            }
        }
    }
    Ok(None)
}

fn refusal(stream: &StreamSpec, other: &ObjectName, place: &str) -> Error {
    let message = format!(
        "{} holds {place} already, by stream {other}: stream {} would read it a second time",
        stream.dataset, stream.name
    );
    let help = format!(
        "if the stream was renamed, name its document after {other} again: progress is kept by that \
         name; otherwise let one of the two feed another dataset"
    );
    Error::new(ErrorKind::Document, message).with_help(help)
}

/// What a stream reads, and which dataset it feeds: what says, with its name, whether it goes on where it stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feed {
    /// The stream's name.
    pub name: ObjectName,
    /// The dataset that it feeds.
    pub dataset: DatasetName,
    origin: Origin,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Origin {
    Topic(String),
    /// The folder as progress names it, and the pattern of the files' names.
    Files(String, String),
}

impl Origin {
    fn files(root: &Path, path: &str) -> Self {
        let (folder, pattern) = folder_and_pattern(root, path);
        Self::Files(folder, pattern)
    }
}

impl Feed {
    /// That of a stream of the mesh in `root`.
    pub fn of(stream: &StreamSpec, root: &Path) -> Self {
        let origin = match &stream.source {
            SourceSpec::Kafka { topic, .. } => Origin::Topic(topic.clone()),
            SourceSpec::Files { path } => Origin::files(root, path),
        };
        Self {
            name: stream.name.clone(),
            dataset: stream.dataset.clone(),
            origin,
        }
    }

    /// That of a document of another day, as far as it says so: the rest may be wrong by now, such as what it asks of the
    /// environment.
    pub fn declared(domain: &str, source: &Source, root: &Path) -> Option<Self> {
        let file = source.path.file_name()?.to_string_lossy();
        let name = ObjectName::new(domain, file.strip_suffix(SUFFIX)?).ok()?;
        let document = parse(source).ok()?;
        let dataset = document.get("dataset").and_then(Node::as_str)?.parse().ok()?;
        let said = |kind: &str, key: &str| document.get("source")?.get(kind)?.get(key)?.as_str();
        let origin = match (said("kafka", "topic"), said("files", "path")) {
            (Some(topic), _) => Origin::Topic(topic.to_owned()),
            (None, Some(path)) => Origin::files(root, path),
            (None, None) => return None,
        };
        Some(Self { name, dataset, origin })
    }

    /// Whether both bring the same records into one dataset: those of a topic, or of a file that both may read.
    pub fn is_as(&self, other: &Self) -> bool {
        let same = match (&self.origin, &other.origin) {
            (Origin::Topic(own), Origin::Topic(others)) => own == others,
            (Origin::Files(own, pattern), Origin::Files(others, pattern_of_others)) => {
                own == others && meet(pattern.as_bytes(), pattern_of_others.as_bytes())
            }
            _ => false,
        };
        same && self.dataset == other.dataset
    }
}

/// Whether a name fits both patterns of `*` (any characters) and `?` (one character).
fn meet(one: &[u8], other: &[u8]) -> bool {
    // Whether what is left of `other` from a place on meets what is left of `one`: behind its end first.
    let only_stars = |left: &[u8]| left.iter().all(|byte| *byte == b'*');
    let mut behind: Vec<bool> = (0..=other.len()).map(|at| only_stars(&other[at..])).collect();
    for (at, byte) in one.iter().enumerate().rev() {
        let mut here = vec![false; other.len() + 1];
        here[other.len()] = only_stars(&one[at..]);
        for (place, others) in other.iter().enumerate().rev() {
            // What a star takes of the other pattern may be nothing, or a character (or star) of it.
            here[place] = match (byte, others) {
                (b'*', _) | (_, b'*') => behind[place] || here[place + 1],
                (b'?', _) | (_, b'?') => behind[place + 1],
                (byte, others) => byte == others && behind[place + 1],
            };
        }
        behind = here;
    }
    behind[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_meet_where_a_name_fits_both() {
        for (one, other, meets) in [
            ("*.jsonl", "*.jsonl", true),
            ("*.jsonl", "orders-*", true),
            ("a.jsonl", "*.jsonl", true),
            ("a.jsonl", "b.jsonl", false),
            ("*.jsonl", "*.json", false),
            ("day-??.jsonl", "day-*1.jsonl", true),
            ("day-?.jsonl", "day-??.jsonl", false),
            ("a*", "*b", true),
            ("a*", "b*", false),
            ("*", "?", true),
            ("**", "*?*", true),
            ("a?c*", "*bcd", true),
            ("a?c", "abcd*", false),
        ] {
            assert_eq!(meet(one.as_bytes(), other.as_bytes()), meets, "{one} {other}");
            assert_eq!(meet(other.as_bytes(), one.as_bytes()), meets, "{other} {one}");
        }
    }

    #[test]
    fn a_stream_is_the_same_by_what_it_reads_and_feeds() {
        let feed = |file: &str, dataset: &str, source: &str| {
            let text = format!("dataset: shop.bronze.{dataset}\nsource: {{{source}}}\nformat: {{encoding: json}}\n");
            let source = Source::new(format!("pipelines/shop/{file}.stream.yaml"), text);
            Feed::declared("shop", &source, Path::new("/mesh")).unwrap()
        };
        let base = feed("a", "orders", "files: {path: data/orders/*.jsonl}");
        assert_eq!(base.name.to_string(), "shop.a");
        for (dataset, source, same) in [
            ("orders", "files: {path: ./data/orders/2026*.jsonl}", true),
            ("orders", "files: {path: /mesh/data/orders/*.jsonl}", true),
            ("orders", "files: {path: data/*.jsonl}", false),
            ("orders", "kafka: {topic: orders}", false),
            ("returns", "files: {path: data/orders/*.jsonl}", false),
        ] {
            assert_eq!(feed("b", dataset, source).is_as(&base), same, "{dataset} {source}");
        }
        let topic = |name: &str| {
            let properties = "properties: {sasl.password: '${env:SET_NOWHERE}'}";
            feed("a", "orders", &format!("kafka: {{topic: {name}, {properties}}}"))
        };
        assert!(topic("orders").is_as(&topic("orders")) && !topic("orders").is_as(&topic("returns")));
    }
}
