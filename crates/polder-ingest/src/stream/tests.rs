//! Declarations, right and wrong.

use std::path::Path;

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
