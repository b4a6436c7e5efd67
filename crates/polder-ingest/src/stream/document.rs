//! The document of a stream, part by part.

use std::collections::BTreeMap;
use std::path::Path;

use polder_core::config::References;
use polder_core::document::{MapReader, Span};
use polder_core::units::{parse_bytes, parse_duration};
use polder_core::{DatasetName, Error, ErrorKind, Layer, ObjectName, Secret};

use super::{Encoding, Format, OnLost, SUFFIX, SourceSpec, StreamSpec, Tombstones, Trigger};

/// Reads a whole declaration; what is wrong with it goes to the map's reader.
pub(super) fn read(
    domain: &str,
    path: &Path,
    map: &MapReader<'_, '_, '_>,
    references: References<'_>,
) -> Option<StreamSpec> {
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
