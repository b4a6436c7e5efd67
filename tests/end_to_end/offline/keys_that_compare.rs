//! What can be a key, and which keys can be held against each other: what no gate could answer is refused by all of them
//! where it is written, and what is accepted is enforced.

use std::fs;

use polder_testkit::Ended;

use super::altered_queries::with_properties;
use super::pull_requests::{Repository, said};

const ID: &str = "      - {name: id, logicalType: integer, required: true, primaryKey: true}\n";

/// A mesh of two streams: `s.bronze.b` has `k`, to which `f` of `s.bronze.a` refers where it has a type.
fn mesh(k: &str, f: Option<&str>, rows_of_b: &str, rows_of_a: &str) -> Repository {
    let stream = |name: &str| {
        format!(
            "description: It.\ndataset: s.bronze.{name}\nsource: {{files: {{path: data/{name}.jsonl}}}}\nformat: {{encoding: \
             json}}\n"
        )
    };
    Repository::of(&[
        ("polder.yaml", "name: m\nlake: {location: .polder/lake}\n"),
        (
            "catalog/domains.yaml",
            "domains:\n  s: {description: S., owner: you@s.example}\n",
        ),
        ("contracts/s/b.odcs.yaml", &b("1.0.0", k)),
        ("contracts/s/a.odcs.yaml", &a("1.0.0", f)),
        ("pipelines/s/b.stream.yaml", &stream("b")),
        ("pipelines/s/a.stream.yaml", &stream("a")),
        ("data/b.jsonl", rows_of_b),
        ("data/a.jsonl", rows_of_a),
    ])
}

fn b(version: &str, k: &str) -> String {
    with_properties("s.bronze.b", version, &format!("{ID}      - {{name: k, {k}}}\n"), "")
}

fn a(version: &str, f: Option<&str>) -> String {
    let reference = |kind| format!("      - {{name: f, {kind}, relationships: [{{to: s.bronze.b.k}}]}}\n");
    let f = f.map(reference).unwrap_or_default();
    with_properties("s.bronze.a", version, &format!("{ID}{f}"), "")
}

/// Both what it said and where, without where lines were broken.
fn told(ended: &Ended) -> String {
    said(ended).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_key_with_values_inside_is_refused_by_every_gate_at_its_place() {
    for (kind, value, called, help) in [
        (
            "logicalType: object, properties: [{name: a, logicalType: integer}]",
            "{\"a\": 1}",
            "an object",
            "name the field inside: `unique: true` of `k.a`",
        ),
        (
            "logicalType: array, items: {logicalType: integer}",
            "[1]",
            "a list",
            "let a column of one value stand for the list",
        ),
    ] {
        for key in [
            "unique: true",
            "quality: [{metric: duplicateValues, mustBeLessThan: 5}]",
        ] {
            let rows = format!("{{\"id\": 1, \"k\": {value}}}\n{{\"id\": 2, \"k\": {value}}}\n");
            let mesh = mesh(&format!("{kind}, {key}"), None, &rows, "");
            let file = mesh.path("contracts/s/b.odcs.yaml");
            let file = file.to_str().unwrap();
            for arguments in [
                &["contract", "lint"][..],
                &["check"],
                &["contract", "test"],
                &["ingest", "s.b", "--until-end"],
                &["test", file, "--data", "data/b.jsonl"],
            ] {
                let ended = mesh.polder().run(arguments);
                let told = told(&ended);
                assert_eq!(ended.code, Some(2), "{arguments:?}: {told}");
                let says = format!("`k` is {called}, and keys are made of single values");
                for part in [says.as_str(), "b.odcs.yaml:13:", help] {
                    assert!(told.contains(part), "{arguments:?}, {part}: {told}");
                }
            }
        }
    }
}

#[test]
fn the_field_inside_is_a_key_and_the_stream_keeps_to_it() {
    let rows = "{\"id\": 1, \"k\": {\"a\": 1}}\n{\"id\": 2, \"k\": {\"a\": 1}}\n{\"id\": 3, \"k\": {\"a\": 2}}\n";
    let field = "logicalType: object, properties: [{name: a, logicalType: integer, unique: true}]";
    let mesh = mesh(field, None, rows, "");
    mesh.polder().expect(&["check"]);
    let ended = mesh.polder().run(&["ingest", "s.b", "--until-end"]);
    assert!(
        told(&ended).contains("2 rows to s.bronze.b") && told(&ended).contains("1 to s.quarantine.bronze_b"),
        "{}",
        told(&ended)
    );
}

#[test]
fn a_relationship_of_values_that_do_not_compare_is_an_error_with_both_types() {
    for (f, k, says) in [
        (
            "logicalType: string",
            "logicalType: integer",
            "`f` is string, but s.bronze.b.k is int",
        ),
        (
            "logicalType: integer",
            "logicalType: string",
            "`f` is int, but s.bronze.b.k is string",
        ),
        (
            "logicalType: date",
            "logicalType: timestamp",
            "`f` is date, but s.bronze.b.k is timestamp",
        ),
        (
            "logicalType: number",
            "logicalType: number, physicalType: 'decimal(12,4)'",
            "`f` is double, but s.bronze.b.k is decimal(12,4)",
        ),
    ] {
        let mesh = mesh(k, None, "", "");
        mesh.polder().expect(&["check"]);
        // The pull request that brings it.
        fs::write(mesh.path("contracts/s/a.odcs.yaml"), a("1.1.0", Some(f))).unwrap();
        for arguments in [&["check", "--base", "main"][..], &["check"], &["contract", "lint"]] {
            let ended = mesh.polder().run(arguments);
            let told = told(&ended);
            assert_eq!(ended.code, Some(2), "{arguments:?}: {told}");
            let says = format!("error[reference-types]: f.foreignKey: {says}: their values cannot be compared");
            for part in [says.as_str(), "a.odcs.yaml:13:"] {
                assert!(told.contains(part), "{arguments:?}, {part}: {told}");
            }
        }
    }
}

#[test]
fn a_relationship_to_many_values_of_a_row_says_that_they_are_no_key() {
    let kind = "logicalType: array, items: {logicalType: string}";
    let mesh = mesh(kind, Some("logicalType: string"), "", "");
    for arguments in [&["check"][..], &["contract", "lint"]] {
        let ended = mesh.polder().run(arguments);
        let told = told(&ended);
        assert_eq!(ended.code, Some(2), "{arguments:?}: {told}");
        for part in [
            "f.foreignKey: it refers to s.bronze.b: `k` is a list, and keys are made of single values",
            "refer to a column of one value, or leave the relationship out",
        ] {
            assert!(told.contains(part), "{arguments:?}, {part}: {told}");
        }
    }
}

#[test]
fn a_type_with_which_a_relationship_does_not_compare_any_more_is_named_at_both_ends() {
    let mesh = mesh("logicalType: number", Some("logicalType: number"), "", "");
    mesh.polder().expect(&["check"]);
    let decimal = "logicalType: number, physicalType: 'decimal(10,2)'";
    fs::write(mesh.path("contracts/s/b.odcs.yaml"), b("2.0.0", decimal)).unwrap();
    let ended = mesh.polder().run(&["check", "--base", "main"]);
    let told = told(&ended);
    assert_eq!(ended.code, Some(2), "{told}");
    for part in [
        "f.foreignKey: `f` is double, but s.bronze.b.k is decimal(10,2): their values cannot be compared",
        "the type of the column `k` changed from double to decimal(10,2): it breaks rule f.foreignKey of s.bronze.a",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[test]
fn what_else_a_change_does_that_takes_such_a_key_out_is_compared_all_the_same() {
    let mesh = mesh(
        "logicalType: array, items: {logicalType: integer}, unique: true",
        None,
        "",
        "",
    );
    let without = with_properties(
        "s.bronze.b",
        "1.0.0",
        "      - {name: k, logicalType: array, items: {logicalType: integer}}\n",
        "",
    );
    fs::write(mesh.path("contracts/s/b.odcs.yaml"), without).unwrap();
    let ended = mesh.polder().run(&["check", "--base", "main"]);
    let told = told(&ended);
    assert_eq!(ended.code, Some(1), "{told}");
    for part in ["error[contract-version]", "the column `id` was removed", "added: 0"] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[test]
fn whole_numbers_are_held_against_decimals_and_doubles_either_way() {
    let whole = "logicalType: integer, physicalType: int";
    let decimal = "logicalType: number, physicalType: 'decimal(10,1)'";
    for other in [decimal, "logicalType: number"] {
        // 2.5 is no whole number, and none is rounded to it.
        let rows_of_b = "{\"id\": 1, \"k\": 1}\n{\"id\": 2, \"k\": 2.5}\n";
        for (f, figure) in [("[1, 1]", 0), ("[1, 2]", 1), ("[2, 3]", 2)] {
            let keys: Vec<i64> = serde_json::from_str(f).unwrap();
            let rows = keys
                .iter()
                .enumerate()
                .map(|(id, key)| format!("{{\"id\": {id}, \"f\": {key}}}\n"));
            let mesh = mesh(other, Some(whole), rows_of_b, &rows.collect::<String>());
            mesh.polder().expect(&["check"]);
            let ended = mesh.polder().run(&["ingest", "--until-end"]);
            let told = told(&ended);
            assert_eq!(ended.code, Some(i32::from(figure > 0)), "{other}: {told}");
            let rows = if figure == 1 { "1 row" } else { "2 rows" };
            let refused = format!("it would be {rows} without a match in k of s.bronze.b");
            assert_eq!(told.contains(&refused), figure > 0, "{other}: {told}");
        }
        // The other way round.
        let mesh = mesh(
            whole,
            Some(other),
            "{\"id\": 1, \"k\": 1}\n",
            "{\"id\": 1, \"f\": 1}\n{\"id\": 2, \"f\": 1.5}\n",
        );
        mesh.polder().expect(&["check"]);
        let ended = mesh.polder().run(&["ingest", "--until-end"]);
        assert!(
            told(&ended).contains("it would be 1 row without a match in k of s.bronze.b"),
            "{other}: {}",
            told(&ended)
        );
    }
}
