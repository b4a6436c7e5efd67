//! The field that a stream of JSON takes for `_event_time`: what `polder check` says of it.

use std::fs;

use crate::offline::pull_requests::{Repository, said};

const STREAM: &str = "pipelines/shop/visits.stream.yaml";

fn mesh(format: &str) -> Repository {
    let contract = "apiVersion: v3.1.0\nkind: DataContract\nid: shop.bronze.visits\nname: Visits\nversion: 0.1.0\nstatus: \
                    draft\ndomain: shop\nschema:\n  - name: visits\n    physicalName: shop.bronze.visits\n    properties:\n\
                    \u{20}     - {name: created_at, logicalType: timestamp}\n\
                    \u{20}     - {name: seen_at, logicalType: timestamp, logicalTypeOptions: {timezone: false}, \
                    physicalType: timestamp_ntz}\n\
                    \u{20}     - {name: day, logicalType: date}\n\
                    \u{20}     - {name: company, logicalType: string}\n\
                    \u{20}     - {name: written, logicalType: string, logicalTypeOptions: {format: date-time}}\n\
                    \u{20}     - {name: pages, logicalType: integer, physicalType: int}\n\
                    \u{20}     - {name: meta, logicalType: object, properties: [{name: sent_at, logicalType: timestamp}, \
                    {name: size, logicalType: integer}]}\n";
    let stream = format!(
        "dataset: shop.bronze.visits\nsource: {{files: {{path: data/*.jsonl}}}}\nformat: {{encoding: json{format}}}\n"
    );
    Repository::of(&[
        ("polder.yaml", "name: shop\nlake:\n  location: .polder/lake\n"),
        ("contracts/shop/visits.odcs.yaml", contract),
        (STREAM, &stream),
    ])
}

#[test]
fn a_field_for_the_event_time_is_held_against_the_contract_s_columns() {
    let record = "{\"created_at\":\"2026-01-05T08:30:00Z\",\"seen_at\":\"2026-01-05T08:30:00\",\"day\":\"2026-01-05\",\
                  \"company\":\"Acme\",\"written\":\"2026-01-05T08:30:00Z\",\"pages\":3,\
                  \"meta\":{\"sent_at\":\"2026-01-05T08:30:00Z\",\"size\":1}}\n";
    for (format, code, parts) in [
        ("", 0, [""; 2]),
        (", event_time: created_at", 0, [""; 2]),
        (", event_time: seen_at", 0, [""; 2]),
        (", event_time: written", 0, [""; 2]),
        (", event_time: meta.sent_at", 0, [""; 2]),
        (
            ", event_time: createdat",
            0,
            ["warning[event-time]", "did you mean `created_at`?"],
        ),
        (
            ", event_time: meta.sentat",
            0,
            ["warning[event-time]", "did you mean `meta.sent_at`?"],
        ),
        (
            ", event_time: zzzzzz",
            0,
            ["warning[event-time]", "without the field _event_time is null"],
        ),
        (", event_time: company", 0, ["warning[event-time]", "it is string"]),
        (", event_time: pages", 2, ["error[event-time]", "it is int"]),
        (", event_time: day", 2, ["error[event-time]", "it is date"]),
        (", event_time: meta", 2, ["error[event-time]", "is no instant"]),
        (", event_time: meta.size", 2, ["error[event-time]", "is no instant"]),
        // An envelope's fields are about the record.
        (", payload: payload, event_time: zzzzzz", 0, [""; 2]),
        (", payload: payload, event_time: payload.created_at", 0, [""; 2]),
        (
            ", payload: payload, event_time: payload.createdat",
            0,
            ["warning[event-time]", "did you mean `created_at`?"],
        ),
    ] {
        let mesh = mesh(format);
        let ended = mesh.run(&["check"]);
        assert_eq!(ended.code, Some(code), "{format}: {}", said(&ended));
        for part in parts {
            assert!(ended.stderr.contains(part), "{format}: {part}: {}", said(&ended));
        }
        let is_told = ended.stderr.contains("[event-time]");
        assert_eq!(is_told, !parts[0].is_empty(), "{format}: {}", said(&ended));
        if is_told {
            assert!(
                ended.stderr.contains(&format!("{STREAM}:3:")),
                "{format}: {}",
                said(&ended)
            );
        }
        if format.contains("payload") {
            continue;
        }
        // What is an error refuses each row; of what is none, only a text may be no time.
        fs::create_dir_all(mesh.path("data")).unwrap();
        fs::write(mesh.path("data/a.jsonl"), record).unwrap();
        let run = mesh.run(&["ingest", "--until-end"]);
        let landed = if code == 0 && !format.ends_with("company") {
            "1 row to"
        } else {
            "0 rows to"
        };
        assert!(run.stdout.contains(landed), "{format}: {}", said(&run));
        let is_missed = said(&run).contains("no record has the field");
        assert_eq!(
            is_missed,
            parts[1].contains("did you mean") || format.ends_with("zzzzzz"),
            "{}",
            said(&run)
        );
    }
}
