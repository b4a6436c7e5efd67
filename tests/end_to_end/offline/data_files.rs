//! Several files, folders and JSON lines held against a contract by `polder test --data`, and the files that `polder sql`
//! writes.

use std::collections::BTreeMap;
use std::fs;

use polder_testkit::Ended;
use serde_json::{Value, json};

use crate::new_mesh::NewMesh;

const CONTRACT: &str = "people.odcs.yaml";

/// A contract for people: ids once, a code of one letter, a name that must be there.
fn mesh() -> NewMesh {
    let mesh = NewMesh::landed();
    let contract = "
apiVersion: v3.1.0
kind: DataContract
id: people
name: People
version: 1.0.0
status: active
schema:
  - name: people
    physicalName: shop.silver.people
    properties:
      - {name: id, logicalType: integer, physicalType: bigint, primaryKey: true}
      - {name: code, logicalType: string, logicalTypeOptions: {pattern: '^[ab]$'}}
      - {name: name, logicalType: string, required: true}
    quality:
      - {id: known, type: sql, query: 'SELECT count(*) FROM {object}', mustBe: 4}
";
    fs::write(mesh.path(CONTRACT), contract).unwrap();
    mesh
}

/// Writes rows, which SQL gives, to a file.
fn write(mesh: &NewMesh, file: &str, query: &str) {
    let path = mesh.path(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    mesh.polder.expect(&["sql", "-o", file, query]);
}

/// Verdict and figure of each rule.
fn tested(mesh: &NewMesh, data: &[&str]) -> (Ended, BTreeMap<String, (String, Value)>) {
    let data: Vec<&str> = data.iter().flat_map(|data| ["--data", *data]).collect();
    asked(mesh, &data)
}

/// The same of what else is said on the command line.
fn asked(mesh: &NewMesh, more: &[&str]) -> (Ended, BTreeMap<String, (String, Value)>) {
    let ended = mesh
        .polder
        .run(&[&["test", CONTRACT, "--format", "json"][..], more].concat());
    let rules: Vec<Value> = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended:?}"));
    let verdicts = rules.into_iter().map(|rule| {
        let text = |key: &str| rule[key].as_str().unwrap().to_owned();
        (text("rule"), (text("verdict"), rule["figure"].clone()))
    });
    (ended, verdicts.collect())
}

fn failed(figure: u64) -> (String, Value) {
    ("failed".to_owned(), json!(figure))
}

fn passed(figure: u64) -> (String, Value) {
    ("passed".to_owned(), json!(figure))
}

#[test]
fn rows_of_several_files_are_judged_together() {
    let mesh = mesh();
    write(
        &mesh,
        "parts/a.parquet",
        "SELECT column1 AS id, column2 AS code, column3 AS name FROM (VALUES (1, 'a', 'Ada'), (2, 'x', 'Ben'))",
    );
    // Another order of columns, one column less and one more.
    write(
        &mesh,
        "parts/deep/b.parquet",
        "SELECT 'b' AS code, column1 AS id, 7 AS size FROM (VALUES (2), (3))",
    );
    fs::write(mesh.path("parts/_SUCCESS"), "").unwrap();
    let several = &["parts/a.parquet", "parts/deep/b.parquet"][..];
    for data in [several, &["parts"][..], &["parts/deep", "parts/a.parquet"][..]] {
        let (ended, verdicts) = tested(&mesh, data);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert_eq!(verdicts["primaryKey"], failed(1), "2 is in both: {data:?}");
        assert_eq!(verdicts["code.pattern"], failed(1), "{data:?}");
        assert_eq!(
            verdicts["name.required"],
            failed(2),
            "the second file has no names: {data:?}"
        );
        assert_eq!(verdicts["known"], passed(4), "{data:?}");
        assert!(
            ended.stderr.contains("has size, of which the contract says nothing"),
            "{ended:?}"
        );
    }
}

#[test]
fn files_that_do_not_go_together_are_told() {
    let mesh = mesh();
    write(&mesh, "a.parquet", "SELECT 1 AS id, 'a' AS code");
    write(&mesh, "c.jsonl", "SELECT 1 AS id");
    let refused = |data: &[&str], says: &[&str]| {
        let mut arguments = vec!["test", CONTRACT];
        data.iter().for_each(|data| arguments.extend(["--data", data]));
        mesh.refused(&arguments, 2, says);
    };
    refused(
        &["a.parquet", "c.jsonl"],
        &["a.parquet is to be read as Parquet", "c.jsonl as JSON lines"],
    );
    refused(&["a.parquet", "./a.parquet"], &["named twice"]);
    refused(
        &[".polder/lake/shop/bronze/orders"],
        &["is a Delta table", "polder sql -o"],
    );
    mesh.refused(
        &["test", CONTRACT, "--data", "a.parquet", "b.parquet"],
        2,
        &["each further file has its own --data"],
    );
}

#[test]
fn folders_that_are_named_after_a_column_hold_its_values() {
    let mesh = mesh();
    let contract = fs::read_to_string(mesh.path(CONTRACT)).unwrap();
    let day = "      - {name: day, logicalType: date, required: true, logicalTypeOptions: {minimum: '2026-01-02'}}\n";
    let rules = "      - {id: days, type: sql, query: 'SELECT count(DISTINCT day) FROM {object}', mustBe: 2}\n";
    let contract = contract.replace("    quality:\n", &format!("{day}    quality:\n{rules}"));
    fs::write(mesh.path(CONTRACT), contract).unwrap();
    let row = |id: u64| format!("{{\"id\": {id}, \"code\": \"a\", \"name\": \"N\"}}\n");
    for (file, first) in [
        ("day=2026-01-01/a", 1),
        ("day=2026%2D01-02/land=DE/b", 3),
        ("day=__HIVE_DEFAULT_PARTITION__/c", 5),
    ] {
        let select = format!(
            "SELECT column1 AS id, 'a' AS code, 'N' AS name, 0.5 AS rate FROM (VALUES ({first}), ({}))",
            first + 1
        );
        write(&mesh, &format!("parquet/{file}.parquet"), &select);
        let path = mesh.path(&format!("json/{file}.jsonl"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, row(first) + &row(first + 1)).unwrap();
    }
    for data in ["parquet", "json"] {
        let (ended, verdicts) = tested(&mesh, &[data]);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        for (rule, verdict) in [
            ("day.minimum", failed(2)),
            ("day.required", failed(2)),
            ("day.type", passed(0)),
            ("days", passed(2)),
            ("known", failed(6)),
            ("primaryKey", passed(0)),
        ] {
            assert_eq!(verdicts[rule], verdict, "{data}: {rule}");
        }
    }
    let (_, verdicts) = tested(&mesh, &["parquet/day=2026-01-01/a.parquet"]);
    assert_eq!(
        (&verdicts["day.minimum"], &verdicts["day.required"]),
        (&failed(2), &passed(0))
    );

    // What does not fit, and what only some of the files have.
    write(&mesh, "wrong/day=soon/a.parquet", "SELECT 1 AS id");
    mesh.refused(
        &["test", CONTRACT, "--data", "wrong"],
        2,
        &["`day`", "wrong/day=soon/a.parquet", "`soon` is not a date"],
    );
    write(&mesh, "parquet/d.parquet", "SELECT 1 AS id");
    mesh.refused(
        &["test", CONTRACT, "--data", "parquet"],
        2,
        &["`day`", "not in those of parquet/d.parquet"],
    );
}

#[test]
fn json_lines_are_judged_as_the_rows_that_a_stream_would_read() {
    let mesh = mesh();
    let lines = "{\"id\": \"1\", \"code\": \"a\", \"name\": \"Ada\"}\n\
                 {\"id\": 2.0, \"code\": \"x\", \"name\": null, \"size\": 7}\r\n\
                 \n\
                 {\"id\": \"two\", \"code\": \"b\", \"name\": \"Cyd\"}\n\
                 {\"id\": 1, \"code\": \"b\", \"name\": \"Dan\"}";
    fs::write(mesh.path("people.ndjson"), lines).unwrap();
    let (ended, verdicts) = tested(&mesh, &["people.ndjson"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let expected = [
        ("id.type", failed(1)),
        ("code.type", passed(0)),
        ("code.pattern", failed(1)),
        ("name.required", failed(1)),
        ("primaryKey", failed(1)),
        ("known", passed(4)),
    ];
    for (rule, verdict) in expected {
        assert_eq!(verdicts[rule], verdict, "{rule}");
    }
    assert!(
        ended.stderr.contains("has size, of which the contract says nothing"),
        "{ended:?}"
    );

    // A column that no record names is null in all of them, and that is told.
    fs::write(mesh.path("few.jsonl"), "{\"id\": 1}\n{\"id\": 2}\n").unwrap();
    let (ended, verdicts) = tested(&mesh, &["few.jsonl"]);
    assert_eq!(verdicts["name.required"], failed(2));
    assert_eq!(verdicts["name.type"], passed(0));
    assert!(
        ended.stderr.contains("few.jsonl does not have name: required"),
        "{ended:?}"
    );

    // What Windows writes before the first line is no part of it; another encoding is named.
    let line = "{\"id\": 1, \"name\": \"Ada\"}\n";
    for between in ["", "\n"] {
        fs::write(mesh.path("marked.jsonl"), format!("\u{feff}{between}{line}")).unwrap();
        let (_, verdicts) = tested(&mesh, &["marked.jsonl"]);
        assert_eq!(verdicts["name.required"], passed(0));
    }
    let wide = format!("\u{feff}{line}");
    let wide: Vec<u8> = wide.encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(mesh.path("wide.jsonl"), wide).unwrap();
    let says = "line 1 of wide.jsonl is no JSON: it is text in UTF-16: write it in UTF-8";
    mesh.refused(&["test", CONTRACT, "--data", "wide.jsonl"], 2, &[says]);

    for (text, says) in [
        (
            "{\"id\": 1}\n{\"id\": 1, \"id\": 2}\n",
            "line 2 of bad.jsonl is no JSON: `id` is there twice",
        ),
        ("{\"id\": 1}\n[1]\n", "line 2 of bad.jsonl is a list, not an object"),
        ("{\"id\": 1}\n\n{\"id\"", "line 3 of bad.jsonl is no JSON"),
        ("", "bad.jsonl holds no record"),
        ("\n \n", "bad.jsonl holds no record"),
        (
            "{\"ID\": 1}\n",
            "bad.jsonl has none of the columns of shop.silver.people: it has ID",
        ),
    ] {
        fs::write(mesh.path("bad.jsonl"), text).unwrap();
        mesh.refused(&["test", CONTRACT, "--data", "bad.jsonl"], 2, &[says]);
    }
}

#[test]
fn what_did_not_fit_is_shown_to_those_alone_who_may_see_it() {
    let mesh = mesh();
    let contract = fs::read_to_string(mesh.path(CONTRACT)).unwrap();
    let contract = contract.replace(
        "name: name, logicalType: string",
        "name: name, logicalType: string, classification: restricted",
    );
    fs::write(mesh.path(CONTRACT), contract).unwrap();
    let line = "{\"id\": \"x-1\", \"code\": \"a\", \"name\": {\"first\": \"Ada\", \"last\": \"Lovelace\"}}\n";
    fs::write(mesh.path("people.jsonl"), line).unwrap();
    let told = mesh.polder.run(&[
        "test",
        CONTRACT,
        "--data",
        "people.jsonl",
        "--show",
        "5",
        "--format",
        "json",
        "--report",
        "json=report.json",
    ]);
    assert_eq!(told.code, Some(1), "{told:?}");
    let rules: Vec<Value> = serde_json::from_str(&told.stdout).unwrap();
    let rows = |rule: &str| rules.iter().find(|told| told["rule"] == rule).unwrap()["rows"].clone();
    let row = json!({"id": "x-1", "code": "a", "name": "***"});
    assert_eq!(
        rows("id.type"),
        json!([{"reason": "id: `x-1` is not a 64-bit integer", "row": row}])
    );
    assert_eq!(rows("name.type")[0]["row"], row);
    let report = fs::read_to_string(mesh.path("report.json")).unwrap();
    for told in [format!("{told:?}"), report] {
        assert!(!told.contains("Ada") && !told.contains("Lovelace"), "{told}");
    }
}

#[test]
fn more_json_lines_than_are_read_at_a_time_are_all_judged() {
    let mesh = mesh();
    // Every thousandth name is missing; ids come twice from 20,000 on; one id does not fit, behind the first batch.
    let lines: String = (0..25_000)
        .map(|n| {
            let name = if n % 1_000 == 0 { "null" } else { "\"N\"" };
            let id = if n == 12_345 {
                "\"x\"".to_owned()
            } else {
                (n % 20_000).to_string()
            };
            format!("{{\"id\": {id}, \"code\": \"a\", \"name\": {name}}}\n")
        })
        .collect();
    fs::write(mesh.path("many.jsonl"), lines).unwrap();
    let (_, verdicts) = tested(&mesh, &["many.jsonl"]);
    assert_eq!(verdicts["name.required"], failed(25));
    assert_eq!(verdicts["primaryKey"], failed(5_000));
    assert_eq!(verdicts["id.type"], failed(1));
    assert_eq!(verdicts["known"], failed(25_000));
}

#[test]
fn the_ending_of_a_file_says_how_rows_are_written_to_it() {
    let mesh = NewMesh::landed();
    let query = "SELECT column1 AS n, column2 AS t FROM (VALUES (1, 'a'), (2, NULL))";
    let read = |name: &str| fs::read_to_string(mesh.path(name)).unwrap();
    for (name, text) in [
        ("rows.csv", "n,t\n1,a\n2,\n"),
        ("rows.JSON", "[{\"n\":1,\"t\":\"a\"},{\"n\":2,\"t\":null}]\n"),
        ("rows.jsonl", "{\"n\":1,\"t\":\"a\"}\n{\"n\":2,\"t\":null}\n"),
        ("rows.ndjson", "{\"n\":1,\"t\":\"a\"}\n{\"n\":2,\"t\":null}\n"),
    ] {
        // What was there is overwritten.
        fs::write(mesh.path(name), "before").unwrap();
        mesh.polder.expect(&["sql", "-o", name, query]);
        assert_eq!(read(name), text, "{name}");
    }
    mesh.polder.expect(&["sql", "--output", "rows.parquet", query]);
    let written = fs::read(mesh.path("rows.parquet")).unwrap();
    assert!(written.starts_with(b"PAR1") && written.ends_with(b"PAR1"));

    // Whoever says it, means it.
    mesh.polder
        .expect(&["sql", "--format", "csv", "-o", "rows.parquet", query]);
    assert_eq!(read("rows.parquet"), "n,t\n1,a\n2,\n");
    mesh.polder
        .expect(&["sql", "--format", "table", "-o", "rows.txt", query]);
    assert!(read("rows.txt").contains("| 1 | a |"), "{}", read("rows.txt"));
    for name in ["rows", "rows.xlsx", "rows.csv.gz"] {
        mesh.refused(&["sql", "-o", name, query], 2, &[name, "--format", ".parquet"]);
        assert!(!mesh.path(name).exists(), "{name}");
    }
}

#[test]
fn rows_are_held_against_the_object_that_is_named() {
    let mesh = NewMesh::landed();
    let two = "
apiVersion: v3.1.0
kind: DataContract
id: two
name: Two
version: 1.0.0
status: active
schema:
  - name: letters
    properties:
      - {name: code, logicalType: string, logicalTypeOptions: {pattern: '^[a-z]$'}}
  - name: digits
    properties:
      - {name: code, logicalType: string, logicalTypeOptions: {pattern: '^[0-9]$'}}
";
    fs::write(mesh.path(CONTRACT), two).unwrap();
    fs::write(
        mesh.path("codes.jsonl"),
        "{\"code\": \"a\"}\n{\"code\": \"b\"}\n{\"code\": \"7\"}\n",
    )
    .unwrap();
    // Two of the codes are letters, one is a digit.
    for (object, fails) in [("letters", 1), ("digits", 2)] {
        let (ended, verdicts) = asked(&mesh, &["--data", "codes.jsonl", "--object", object]);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert_eq!(verdicts["code.pattern"], failed(fails), "{object}: {ended:?}");
    }
    let test = ["test", CONTRACT, "--data", "codes.jsonl"];
    for more in [&[][..], &["--object", "digit"]] {
        mesh.refused(&[&test[..], more].concat(), 2, &["letters, digits", "--object NAME"]);
    }
}
