//! Rules about rows: the same verdict for each row at every gate.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{CONTRACT, DATASET, Mesh, contract, good, mesh::failing_rows};

/// What rules about rows add to the columns.
pub(super) const ROW_RULES: [(&str, &str); 20] = [
    ("must", "required: true"),
    ("size", "logicalTypeOptions: {minLength: 2, maxLength: 4}"),
    (
        "level",
        "logicalTypeOptions: {minimum: 1, exclusiveMaximum: 100, multipleOf: 5}",
    ),
    ("price", "logicalTypeOptions: {exclusiveMinimum: 0, maximum: 999.99}"),
    ("code", "logicalTypeOptions: {pattern: '^[A-Z]{3}$'}"),
    ("mail", "logicalTypeOptions: {format: email}"),
    (
        "state",
        "quality: [{id: state_known, metric: invalidValues, arguments: {validValues: [new, paid]}, mustBe: 0}]",
    ),
    ("note", "quality: [{id: note_given, metric: nullValues, mustBe: 0}]"),
    ("seen", "logicalTypeOptions: {minimum: '2020-01-01T00:00:00Z'}"),
    ("day", "logicalTypeOptions: {exclusiveMaximum: '2026-07-01'}"),
    ("short", "logicalTypeOptions: {format: i16}"),
    // What the names of types promise beyond the columns' own.
    ("note", "physicalType: 'varchar(3)'"),
    ("low", "logicalType: integer, physicalType: smallint"),
    ("kind", "enum: [{value: a}, {value: b}]"),
    (
        "word",
        "quality: [{id: word_said, metric: missingValues, arguments: {missingValues: ['', '-']}, mustBe: 0}, {id: \
         word_plain, metric: invalidValues, arguments: {pattern: '^[a-z]*-?$'}, mustBe: 0, unit: percent}]",
    ),
    (
        "tags",
        "logicalType: array, logicalTypeOptions: {minItems: 1, maxItems: 2, uniqueItems: true}, \
         items: {logicalType: string, logicalTypeOptions: {minLength: 2}}",
    ),
    (
        "place",
        "logicalType: object, logicalTypeOptions: {minProperties: 2, maxProperties: 2}, properties: [{name: city, logicalType: \
         string, required: true}, {name: zip, logicalType: string, logicalTypeOptions: {pattern: '^[0-9]{5}$'}}, {name: \
         land, logicalType: string}]",
    ),
    (
        "box",
        "logicalType: object, logicalTypeOptions: {required: [wide]}, properties: [{name: wide, logicalType: string}, \
         {name: high, logicalType: string}]",
    ),
    (
        "lines",
        "logicalType: array, items: {logicalType: object, properties: [{name: pieces, logicalType: integer, physicalType: \
         int, logicalTypeOptions: {minimum: 1}}]}",
    ),
    (
        "rates",
        "logicalType: map, map: {key: {logicalType: string, logicalTypeOptions: {pattern: '^[A-Z]{3}$'}}, value: \
         {logicalType: integer, physicalType: int, logicalTypeOptions: {minimum: 0}}}",
    ),
];

/// The rule about several columns.
pub(super) const OBJECT_RULES: &str = "    quality:
      - {id: low_to_high, type: custom, engine: polder, implementation: {row: 'low <= high'}}
";

/// Bad rows: what differs from the good one, and the rule that it breaks.
pub(super) fn bad_rows() -> Vec<(Value, &'static str)> {
    vec![
        (json!({"must": null}), "must.required"),
        (json!({"size": "x"}), "size.minLength"),
        (json!({"size": "xxxxx"}), "size.maxLength"),
        (json!({"level": 0}), "level.minimum"),
        (json!({"level": 100}), "level.exclusiveMaximum"),
        (json!({"level": 7}), "level.multipleOf"),
        (json!({"price": 0}), "price.exclusiveMinimum"),
        (json!({"price": 1000}), "price.maximum"),
        (json!({"code": "abc"}), "code.pattern"),
        (json!({"mail": "nobody"}), "mail.format"),
        (json!({"state": "lost"}), "state_known"),
        (json!({"note": null}), "note_given"),
        (json!({"low": 3, "high": 2}), "low_to_high"),
        (json!({"seen": "2019-12-31T23:59:59Z"}), "seen.minimum"),
        (json!({"day": "2026-07-01"}), "day.exclusiveMaximum"),
        (json!({"short": 32768}), "short.format"),
        (json!({"note": "äöüé"}), "note.physicalType"),
        (json!({"low": -32769}), "low.physicalType"),
        (json!({"kind": "c"}), "kind.enum"),
        (json!({"word": "-"}), "word_said"),
        (json!({"word": "W"}), "word_plain"),
        (json!({"tags": []}), "tags.minItems"),
        (json!({"tags": ["aa", "bb", "cc"]}), "tags.maxItems"),
        (json!({"tags": ["aa", "aa"]}), "tags.uniqueItems"),
        (json!({"tags": ["a"]}), "tags[].minLength"),
        (json!({"place": {"city": "Berlin"}}), "place.minProperties"),
        (
            json!({"place": {"city": "Berlin", "zip": "10115", "land": "DE"}}),
            "place.maxProperties",
        ),
        (json!({"box": {"high": "h"}}), "box.requiredProperties"),
        (json!({"place": {"city": "Berlin", "zip": "1"}}), "place.zip.pattern"),
        (
            json!({"lines": [{"pieces": 1}, {"pieces": 0}]}),
            "lines[].pieces.minimum",
        ),
        (json!({"rates": {"EUR": 1, "usd": 2}}), "rates.key.pattern"),
        (json!({"rates": {"EUR": -1}}), "rates.value.minimum"),
    ]
}

/// Two good rows, then the bad ones; ids from 0.
fn rows() -> Vec<Value> {
    let mut rows = vec![good(0), good(1)];
    for (change, _) in bad_rows() {
        let mut row = good(rows.len());
        for (column, value) in change.as_object().unwrap() {
            row[column] = value.clone();
        }
        rows.push(row);
    }
    rows
}

/// Each bad row's id with the rule that it breaks.
fn expected() -> BTreeSet<(u64, String)> {
    let bad = bad_rows();
    let rules = bad.iter().map(|(_, rule)| (*rule).to_owned());
    (2..).zip(rules).collect()
}

#[test]
fn rules_about_rows_give_the_same_verdict_row_for_row_at_every_gate() {
    let strict = contract("2.0.0", &ROW_RULES, OBJECT_RULES);

    // The write.
    let mesh = Mesh::under(&strict, &rows());
    mesh.ingest();
    assert_eq!(mesh.quarantined(), expected());
    let (ended, checks) = mesh.test();
    assert_eq!(ended.code, Some(0), "what came through keeps every rule: {ended:?}");
    for (_, rule) in bad_rows() {
        assert_eq!(checks[rule]["outcome"], "passed", "{rule}");
    }

    // `polder test`, on the rows in a table, and on a file.
    let mesh = Mesh::landed_before(&strict, &rows());
    let select = format!("SELECT * FROM {DATASET}");
    mesh.polder
        .expect(&["sql", "--format", "parquet", "-o", "rows.parquet", &select]);
    for target in [
        vec![DATASET],
        vec![CONTRACT, "--data", "rows.parquet"],
        vec![CONTRACT, "--data", "data"],
    ] {
        let mut arguments = vec!["test"];
        arguments.extend(&target);
        let (ended, checks) = mesh.tested(&arguments);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        for (_, rule) in bad_rows() {
            assert_eq!(checks[rule]["outcome"], "failed", "{rule}");
            assert_eq!(checks[rule]["figure"], 1, "{rule}");
        }
        assert_eq!(failing_rows(&checks), expected(), "{target:?}");
        let failed = checks.values().filter(|check| check["outcome"] == "failed").count();
        assert_eq!(failed, bad_rows().len());
    }

    // Samples: each rule fires on its row, and none on the good ones.
    let samples: Vec<Value> = bad_rows()
        .iter()
        .zip(&rows()[2..])
        .map(|((_, rule), row)| json!({"rule": rule, "row": row}))
        .collect();
    mesh.samples(&rows()[..2], &samples);
    let (ended, proved) = mesh.proved();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for (_, rule) in bad_rows() {
        assert_eq!(proved[rule].0, "proven", "{rule}");
    }
}

/// Formats of text: one that fits and one that does not.
pub(super) const FORMATS: [(&str, &str, &str); 12] = [
    ("uuid", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "f81d4fae"),
    ("email", "a@b.example", "a@"),
    ("uri", "https://shop.example/a", "shop"),
    ("hostname", "shop.example", "-shop"),
    ("ipv4", "192.0.2.1", "192.0.2.256"),
    ("ipv6", "2001:db8::1", "2001:db8"),
    ("byte", "YWI=", "YWI"),
    ("json", "[1]", "[1"),
    ("date", "2024-02-29", "2023-02-29"),
    ("date-time", "2024-02-29T12:00:00Z", "2024-02-29 noon"),
    ("time", "12:30:00", "25:30:00"),
    ("duration", "P3DT4H", "3 days"),
];

#[test]
fn formats_of_text_are_the_same_at_every_gate() {
    for (format, fits, not) in FORMATS {
        let rule = format!("logicalTypeOptions: {{format: {format}}}");
        let strict = contract("2.0.0", &[("word", &rule)], "");
        let rows: Vec<Value> = [fits, not]
            .iter()
            .enumerate()
            .map(|(id, text)| {
                let mut row = good(id);
                row["word"] = json!(text);
                row
            })
            .collect();
        let broken = BTreeSet::from([(1, "word.format".to_owned())]);

        let mesh = Mesh::under(&strict, &rows);
        mesh.ingest();
        assert_eq!(mesh.quarantined(), broken, "{format}");

        let mesh = Mesh::landed_before(&strict, &rows);
        let (_, checks) = mesh.test();
        assert_eq!(
            (&checks["word.format"]["outcome"], &checks["word.format"]["figure"]),
            (&json!("failed"), &json!(1)),
            "{format}"
        );
        assert_eq!(failing_rows(&checks), broken, "{format}");
        mesh.samples(&rows[..1], &[json!({"rule": "word.format", "row": rows[1]})]);
        assert_eq!(mesh.proved().1["word.format"].0, "proven", "{format}");
    }
}

#[test]
fn a_value_that_the_type_cannot_hold_is_refused_at_the_write_and_found_in_a_table() {
    let mut row = good(1);
    row["short"] = json!(3_000_000_000_u64);
    let rows = [good(0), row];
    // The column was wider when the rows came.
    let strict = contract("2.0.0", &[("short", "logicalType: integer, physicalType: int")], "");

    let mesh = Mesh::under(&strict, &rows);
    mesh.ingest();
    assert_eq!(mesh.quarantined(), BTreeSet::from([(1, "short.type".to_owned())]));

    let mesh = Mesh::landed_before(&strict, &rows);
    let (ended, checks) = mesh.test();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(checks["short.type"]["outcome"], "failed");
    assert_eq!(checks["short.type"]["figure"], 1);
}

/// Values that are written as none of their column's type: what differs from the good row, and the rule that it breaks.
fn misfits() -> Vec<(Value, &'static str)> {
    vec![
        (json!({"level": "abc"}), "level.type"),
        (json!({"level": 2.5}), "level.type"),
        (json!({"price": 12.345}), "price.type"),
        (json!({"seen": "yesterday"}), "seen.type"),
        (json!({"day": "2026-13-01"}), "day.type"),
        (json!({"tags": "aa"}), "tags.type"),
        (json!({"tags": ["aa", {"b": 1}]}), "tags.type"),
        (json!({"place": ["Berlin"]}), "place.type"),
        (json!({"lines": [{"pieces": 1}, {"pieces": "one"}]}), "lines.type"),
        (json!({"rates": {"EUR": "many"}}), "rates.type"),
        // What is there and does not fit is not missing.
        (json!({"must": {"a": 1}}), "must.type"),
        (json!({"must": null}), "must.required"),
    ]
}

#[test]
fn a_written_value_that_is_none_of_its_type_breaks_that_in_a_stream_and_in_a_file() {
    let strict = contract("2.0.0", &ROW_RULES, OBJECT_RULES);
    let mut rows = vec![good(0)];
    for (change, _) in misfits() {
        let mut row = good(rows.len());
        for (column, value) in change.as_object().unwrap() {
            row[column] = value.clone();
        }
        rows.push(row);
    }
    let expected: BTreeSet<(u64, String)> = (1..)
        .zip(misfits().iter().map(|(_, rule)| (*rule).to_owned()))
        .collect();
    let mesh = Mesh::under(&strict, &rows);
    mesh.ingest();
    assert_eq!(mesh.quarantined(), expected);

    let (ended, checks) = mesh.tested(&["test", CONTRACT, "--data", "data/0.jsonl"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(failing_rows(&checks), expected);
    for (rule, check) in &checks {
        let failing = expected.iter().filter(|(_, broken)| broken == rule).count();
        let (outcome, figure) = match failing {
            0 => ("passed", &Value::Null),
            _ => ("failed", &json!(failing)),
        };
        assert_eq!(check["outcome"], outcome, "{rule}: {check}");
        if failing > 0 {
            assert_eq!(check["figure"], *figure, "{rule}");
        }
    }
    // Rows are shown as they came, with what the reader says of them.
    let level = &checks["level.type"]["rows"];
    assert_eq!(level[0]["row"]["level"], "abc", "{level}");
    assert_eq!(level[0]["reason"], "level: `abc` is not a 32-bit integer");
    assert_eq!(level[0]["row"]["price"], json!(999.99), "{level}");
    assert_eq!(checks["must.type"]["rows"][0]["row"]["must"], json!({"a": 1}));

    // A query reads no value in their place.
    let asks = "    quality: [{id: levels, type: sql, query: 'SELECT count(level) FROM {object}', mustBe: 11}]\n";
    mesh.write(CONTRACT, &contract("2.0.0", &ROW_RULES, asks));
    let (_, checks) = mesh.tested(&["test", CONTRACT, "--data", "data/0.jsonl"]);
    assert_eq!(checks["levels"]["outcome"], "passed", "{}", checks["levels"]);
}
