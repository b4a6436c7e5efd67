//! Declared streams: `pipelines/<domain>/<name>.stream.yaml`.

mod document;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use polder_core::config::{Mesh, References};
use polder_core::document::{Diagnostic, Reader, Severity, Source, parse};
use polder_core::{DatasetName, Error, ObjectName, Result, Secret};

/// How the file names of streams end.
pub const SUFFIX: &str = ".stream.yaml";

/// A declared source that feeds a bronze dataset.
#[derive(Debug, Clone)]
pub struct StreamSpec {
    /// `<domain>.<name>`; progress is kept under it.
    pub name: ObjectName,
    /// What it brings, in a sentence.
    pub description: Option<String>,
    /// The bronze dataset that it feeds.
    pub dataset: DatasetName,
    /// Where records come from.
    pub source: SourceSpec,
    /// How records become rows.
    pub format: Format,
    /// When a commit is due.
    pub trigger: Trigger,
    /// The declaring file, as shown to users.
    pub path: PathBuf,
}

/// Where records come from.
#[derive(Debug, Clone)]
pub enum SourceSpec {
    /// All partitions of a topic.
    Kafka {
        /// The topic's name.
        topic: String,
        /// Properties of librdkafka for this stream; they win over those of `polder.yaml`.
        properties: BTreeMap<String, Secret>,
        /// What to do where brokers no longer have records that were not read.
        on_lost: OnLost,
    },
    /// JSON lines in files, read in the lexical order of their names.
    Files {
        /// A file, or a folder with a pattern (`*`, `?`) as its last part; relative to the mesh's root.
        path: String,
    },
}

/// What to do where brokers no longer have records that were not read yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnLost {
    /// The run ends with an error that says what is gone.
    #[default]
    Stop,
    /// The stream goes on with the first record that there is; what is gone is told and counted.
    Skip,
}

/// How records become rows.
#[derive(Debug, Clone)]
pub struct Format {
    /// The encoding of a record's value.
    pub encoding: Encoding,
    /// The nested record whose fields become columns; the fields beside it stay columns of their own.
    pub payload: Option<String>,
    /// The field that becomes `_event_time`; without one it is the broker's timestamp. `a.b` reaches into a record.
    pub event_time: Option<String>,
    /// What becomes of records without a value.
    pub tombstones: Tombstones,
}

/// The encoding of a record's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Encoding {
    /// Avro in Confluent's wire format: the schema's id or GUID, in the value or in a header, and the body.
    Avro {
        /// The full name that the writer's record must have.
        record: String,
    },
    /// A JSON object, read with the contract's types.
    Json,
}

/// What becomes of records without a value (tombstones of compacted topics).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tombstones {
    /// They are refused like other records that cannot be read.
    #[default]
    Quarantine,
    /// They are counted and passed over, because the stream's author says that they mean nothing here.
    Ignore,
}

/// When a commit is due: as soon as one of these is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trigger {
    /// Records since the last commit.
    pub rows: u64,
    /// Bytes received since the last commit.
    pub bytes: u64,
    /// Time since the first record that is not committed.
    pub interval: Duration,
}

impl Default for Trigger {
    fn default() -> Self {
        Self {
            rows: 500_000,
            bytes: 256 << 20,
            interval: Duration::from_secs(10),
        }
    }
}

impl StreamSpec {
    /// Reads one declaration; the stream's name is the file's, without the suffix. Values of `properties` may hold
    /// `references`.
    ///
    /// # Errors
    /// Everything that is wrong with the document, and references that do not resolve.
    pub fn parse(domain: &str, source: &Source, references: References<'_>) -> Result<Self, Vec<Diagnostic>> {
        let document = parse(source)?;
        let reader = Reader::new(source);
        let spec = reader.map(&document).and_then(|map| {
            let spec = document::read(domain, &source.path, &map, references);
            map.finish();
            spec
        });
        let diagnostics = reader.finish();
        match spec {
            Some(spec) if !diagnostics.iter().any(|found| found.severity == Severity::Error) => Ok(spec),
            _ => Err(diagnostics),
        }
    }

    /// The text that names a stream's progress on one topic and partition (or file) in the Delta log.
    pub(crate) fn progress_id(&self, lane: &str) -> String {
        format!("stream/{}/{lane}", self.name)
    }
}

/// Every stream of the mesh, by name.
///
/// # Errors
/// `Document`, with everything that is wrong in all declarations.
pub fn load_streams(mesh: &Mesh) -> Result<Vec<StreamSpec>> {
    let (streams, diagnostics) = read_streams(mesh);
    if !diagnostics.is_empty() {
        return Err(Error::document(diagnostics));
    }
    Ok(streams)
}

/// The streams of the mesh that can be read, by name, and everything that is wrong with the others.
pub fn read_streams(mesh: &Mesh) -> (Vec<StreamSpec>, Vec<Diagnostic>) {
    let references = References::of_process(&mesh.root);
    let (sources, mut diagnostics) = mesh.readable("pipelines", SUFFIX);
    let mut streams = Vec::new();
    for (domain, source) in sources {
        match StreamSpec::parse(&domain, &source, references) {
            Ok(stream) => streams.push(stream),
            Err(found) => diagnostics.extend(found),
        }
    }
    streams.sort_by(|a, b| a.name.cmp(&b.name));
    (streams, diagnostics)
}

#[cfg(test)]
mod tests;
