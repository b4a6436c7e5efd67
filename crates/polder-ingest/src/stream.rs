//! Declared streams: `pipelines/<domain>/<name>.stream.yaml`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use polder_core::config::{Mesh, References};
use polder_core::document::{Diagnostic, MapReader, Reader, Severity, Source, Span, parse};
use polder_core::units::{parse_bytes, parse_duration};
use polder_core::{DatasetName, Error, ErrorKind, Layer, ObjectName, Result, Secret};

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
    /// Avro in Confluent's wire format: magic byte 0, schema id, body.
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
            let spec = read(domain, &source.path, &map, references);
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

fn read(domain: &str, path: &Path, map: &MapReader<'_, '_, '_>, references: References<'_>) -> Option<StreamSpec> {
    let reader = map.reader();
    let file = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let stem = file.strip_suffix(SUFFIX).unwrap_or(&file);
    let top = Span {
        end: map.span().start,
        ..map.span()
    };
    let name = ObjectName::new(domain, stem)
        .map_err(|error| reader.error(top, "stream-name", error.to_string(), error.help().map(str::to_owned)))
        .ok();
    let description = map.optional_string("description");
    let dataset = map.required_parsed::<DatasetName>("dataset");
    if let Some(dataset) = dataset.as_ref().filter(|dataset| dataset.layer() != Layer::Bronze) {
        let message = format!("`{dataset}` is no bronze dataset: a stream lands records as they arrive");
        reader.error(
            map.span_of("dataset"),
            "stream-layer",
            message,
            Some("name a dataset of the bronze layer".to_owned()),
        );
    }
    let format_map = map.required_map("format");
    let format = format_map.as_ref().and_then(read_format);
    let source = map.required_map("source").and_then(|source| {
        let spec = read_source(&source, references);
        source.finish();
        spec
    });
    if let (
        Some(SourceSpec::Files { .. }),
        Some(Format {
            encoding: Encoding::Avro { .. },
            ..
        }),
        Some(format_map),
    ) = (&source, &format, &format_map)
    {
        let message = "files hold JSON lines; `avro` is for topics";
        reader.error(
            format_map.span_of("encoding"),
            "stream-encoding",
            message,
            Some("write `encoding: json`".to_owned()),
        );
    }
    if let Some(format_map) = format_map {
        format_map.finish();
    }
    let trigger = map.map("trigger").map_or_else(Trigger::default, |trigger| {
        let read = read_trigger(&trigger);
        trigger.finish();
        read
    });
    Some(StreamSpec {
        name: name?,
        description,
        dataset: dataset?,
        source: source?,
        format: format?,
        trigger,
        path: path.to_owned(),
    })
}

fn read_source(map: &MapReader<'_, '_, '_>, references: References<'_>) -> Option<SourceSpec> {
    match (map.map("kafka"), map.map("files")) {
        (Some(kafka), None) => {
            let topic = kafka.required_string("topic");
            let properties = read_properties(&kafka, references);
            let on_lost =
                kafka.optional_with("on_lost", |text| match text {
                    "stop" => Ok(OnLost::Stop),
                    "skip" => Ok(OnLost::Skip),
                    _ => Err(Error::new(ErrorKind::Usage, format!("`{text}` is not known"))
                        .with_help("write `stop` or `skip`")),
                });
            kafka.finish();
            Some(SourceSpec::Kafka {
                topic: topic?,
                properties,
                on_lost: on_lost.unwrap_or_default(),
            })
        }
        (None, Some(files)) => {
            let path = files.required_string("path");
            if let Some(path) = &path {
                check_pattern(path, &files);
            }
            files.finish();
            Some(SourceSpec::Files { path: path? })
        }
        (kafka, files) => {
            let message = match (&kafka, &files) {
                (Some(_), Some(_)) => "a stream has one source, here are two",
                _ => "the stream names no source",
            };
            map.reader().error(
                map.span(),
                "stream-source",
                message,
                Some("write either `kafka:` or `files:`".to_owned()),
            );
            kafka.into_iter().chain(files).for_each(MapReader::finish);
            None
        }
    }
}

fn read_properties(kafka: &MapReader<'_, '_, '_>, references: References<'_>) -> BTreeMap<String, Secret> {
    let mut properties = kafka.string_map("properties");
    let Some(map) = kafka.map("properties") else {
        return BTreeMap::new();
    };
    for entry in map.entries() {
        if let Some(value) = properties.get_mut(&entry.key) {
            match references.resolve(value) {
                Ok(resolved) => *value = resolved,
                Err(error) => {
                    let message = format!("`{}`: {error}", map.path_of(&entry.key));
                    let help = error.help().map(str::to_owned);
                    map.reader()
                        .error(entry.value.span, "unresolved-reference", message, help);
                }
            }
        }
    }
    properties
        .into_iter()
        .map(|(key, value)| (key, Secret::new(value)))
        .collect()
}

fn check_pattern(path: &str, files: &MapReader<'_, '_, '_>) {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let problem = if path.is_empty() || path.ends_with('/') {
        "the path names no files"
    } else if folder.contains(['*', '?']) {
        "a pattern can only be the path's last part"
    } else {
        return;
    };
    let help = Some("write a file, or a folder and a pattern such as data/*.jsonl".to_owned());
    files
        .reader()
        .error(files.span_of("path"), "stream-path", problem, help);
}

fn read_format(map: &MapReader<'_, '_, '_>) -> Option<Format> {
    let reader = map.reader();
    let encoding = map.required_string("encoding");
    let record = map.optional_string("record");
    let payload = map.optional_string("payload");
    let event_time = map.optional_string("event_time");
    let tombstones =
        map.optional_with("tombstones", |text| match text {
            "quarantine" => Ok(Tombstones::Quarantine),
            "ignore" => Ok(Tombstones::Ignore),
            _ => Err(Error::new(ErrorKind::Usage, format!("`{text}` is not known"))
                .with_help("write `quarantine` or `ignore`")),
        });
    let encoding = match (encoding?.as_str(), record) {
        ("avro", Some(record)) => Encoding::Avro { record },
        ("avro", None) => {
            let message = "`format.record` is missing: bytes of another record can decode by chance";
            let help = "name the writer's record in full, such as `record: retail.InvoiceLine`";
            reader.error(map.span_of("encoding"), "stream-record", message, Some(help.to_owned()));
            return None;
        }
        ("json", None) => Encoding::Json,
        ("json", Some(_)) => {
            let message = "JSON has no record names";
            reader.error(
                map.span_of("record"),
                "stream-record",
                message,
                Some("leave `record` out".to_owned()),
            );
            return None;
        }
        (other, _) => {
            let message = format!("`{other}` is no encoding that is known");
            let help = Some("encodings are `avro` and `json`".to_owned());
            reader.error(map.span_of("encoding"), "stream-encoding", message, help);
            return None;
        }
    };
    Some(Format {
        encoding,
        payload,
        event_time,
        tombstones: tombstones.unwrap_or_default(),
    })
}

fn read_trigger(map: &MapReader<'_, '_, '_>) -> Trigger {
    let default = Trigger::default();
    let positive = |key: &'static str, value: u64| {
        if value == 0 {
            map.reader().error(
                map.span_of(key),
                "stream-trigger",
                format!("`trigger.{key}` must not be zero"),
                None,
            );
        }
        value
    };
    let rows = map.optional_u64("rows").map(|rows| positive("rows", rows));
    let bytes = map
        .optional_with("bytes", parse_bytes)
        .map(|bytes| positive("bytes", bytes));
    let interval = map.optional_with("interval", parse_duration);
    if let Some(interval) = interval {
        positive("interval", u64::try_from(interval.as_millis()).unwrap_or(u64::MAX));
    }
    Trigger {
        rows: rows.unwrap_or(default.rows),
        bytes: bytes.unwrap_or(default.bytes),
        interval: interval.unwrap_or(default.interval),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "\
description: invoice lines of the shop
dataset: sales.bronze.invoice_lines
source:
  kafka: {topic: retail.invoice_line, properties: {fetch.wait.max.ms: 50}}
format:
  encoding: avro
  record: retail.InvoiceLine
  payload: payload
  event_time: timestamp
trigger: {rows: 50000, bytes: 64MiB, interval: 10s}
";

    fn parse(text: &str) -> Result<StreamSpec, Vec<Diagnostic>> {
        let env = |name: &str| (name == "KAFKA_USER").then(|| "shop".to_owned());
        StreamSpec::parse(
            "sales",
            &Source::new("pipelines/sales/invoice_lines.stream.yaml", text),
            References::new(Path::new("no/such/folder"), &env),
        )
    }

    fn messages(text: &str) -> Vec<String> {
        parse(text).unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_whole_declaration_is_read() {
        let stream = parse(WHOLE).unwrap();
        assert_eq!(stream.name.to_string(), "sales.invoice_lines");
        assert_eq!(stream.dataset.to_string(), "sales.bronze.invoice_lines");
        assert_eq!(
            stream.format.encoding,
            Encoding::Avro {
                record: "retail.InvoiceLine".to_owned()
            }
        );
        assert_eq!(stream.format.payload.as_deref(), Some("payload"));
        assert_eq!(stream.format.event_time.as_deref(), Some("timestamp"));
        assert_eq!(
            stream.trigger,
            Trigger {
                rows: 50_000,
                bytes: 67_108_864,
                interval: Duration::from_secs(10)
            }
        );
        let SourceSpec::Kafka {
            topic,
            properties,
            on_lost,
        } = &stream.source
        else {
            panic!("not Kafka")
        };
        assert_eq!(*on_lost, OnLost::Stop);
        assert_eq!(topic, "retail.invoice_line");
        assert_eq!(properties["fetch.wait.max.ms"].expose(), "50");
        assert_eq!(stream.progress_id("t/0"), "stream/sales.invoice_lines/t/0");
    }

    #[test]
    fn properties_take_references_and_name_those_that_do_not_resolve() {
        let with = |properties: &str| WHOLE.replace("{fetch.wait.max.ms: 50}", properties);
        let stream = parse(&with("{sasl.username: \"${env:KAFKA_USER}-eu\"}, on_lost: skip")).unwrap();
        let SourceSpec::Kafka {
            properties, on_lost, ..
        } = &stream.source
        else {
            panic!("not Kafka")
        };
        assert_eq!(properties["sasl.username"].expose(), "shop-eu");
        assert_eq!(*on_lost, OnLost::Skip);
        let found = messages(&with("{a: \"${env:NOT_SET}\", b: \"${file:none}\"}, on_lost: ignore"));
        for text in [
            "4:55: `source.kafka.properties.a`: the variable NOT_SET is not set",
            "`source.kafka.properties.b`: cannot read the file none",
            "`source.kafka.on_lost`: `ignore` is not known",
        ] {
            assert!(
                found.iter().any(|message| message.contains(text)),
                "{text} not in {found:#?}"
            );
        }
    }

    #[test]
    fn a_trigger_that_is_not_declared_has_its_default() {
        let stream = parse(&WHOLE.replace(
            "trigger: {rows: 50000, bytes: 64MiB, interval: 10s}",
            "trigger: {rows: 7}",
        ));
        assert_eq!(
            stream.unwrap().trigger,
            Trigger {
                rows: 7,
                ..Trigger::default()
            }
        );
    }

    #[test]
    fn everything_wrong_is_named_with_its_place() {
        let found = messages(
            "dataset: sales.gold.x\nsource: {kafka: {topc: a}}\nformat: {encoding: avro}\ntrigger: {rows: 0, interval: 10}\n",
        );
        let wanted = [
            "1:10: `sales.gold.x` is no bronze",
            "`source.kafka.topic` is missing",
            "`source.kafka.topc` is not known",
            "`format.record` is missing",
            "`trigger.rows` must not be zero",
            "`trigger.interval`: `10` is not a duration",
        ];
        for text in wanted {
            assert!(
                found.iter().any(|message| message.contains(text)),
                "{text} not in {found:#?}"
            );
        }
    }

    #[test]
    fn files_hold_json() {
        let files = "dataset: sales.bronze.x\nsource: {files: {path: data/*.jsonl}}\nformat: {encoding: json}\n";
        let stream = parse(files).unwrap();
        assert!(matches!(stream.source, SourceSpec::Files { path } if path == "data/*.jsonl"));
        let found = messages(&files.replace("json}", "avro, record: a.B}"));
        assert!(found[0].contains("files hold JSON lines"), "{found:#?}");
        let found = messages(&files.replace("data/*.jsonl", "data/*/x.jsonl"));
        assert!(found[0].contains("only be the path's last part"), "{found:#?}");
    }

    #[test]
    fn one_source_is_needed_and_no_more() {
        let two = WHOLE.replace("source:\n", "source:\n  files: {path: x.jsonl}\n");
        assert!(messages(&two)[0].contains("here are two"));
        let none = "dataset: sales.bronze.x\nsource: {}\nformat: {encoding: json}\n";
        assert!(messages(none)[0].contains("names no source"));
    }
}
