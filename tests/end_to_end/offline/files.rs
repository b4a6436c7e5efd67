//! Files held against contracts by `polder test --data`: the rows that are shown, and files that cannot be judged.

use std::fs;

use polder_testkit::Polder;
use serde_json::{Value, json};

use crate::new_mesh::NewMesh;

const CONTRACT: &str = "people.odcs.yaml";
const FILE: &str = "people.parquet";

/// Three people, of whom two have one id, one has a code that the contract does not know, and one no mail address.
fn people() -> NewMesh {
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
      - name: mail
        logicalType: string
        classification: restricted
        logicalTypeOptions: {format: email}
        quality: [{id: most_have_mail, metric: nullValues, mustBeLessThan: 50, unit: percent}]
    quality:
      - {id: known_orders, type: sql, query: 'SELECT count(*) FROM people', mustBe: 3}
";
    fs::write(mesh.path(CONTRACT), contract).unwrap();
    let query = "SELECT column1 AS id, column2 AS code, column3 AS mail \
                 FROM (VALUES (1, 'a', 'ada@shop.example'), (1, 'b', 'ben at shop'), (2, 'c', NULL))";
    mesh.polder.expect(&["sql", "--format", "parquet", "-o", FILE, query]);
    mesh
}

#[test]
fn rows_that_break_rules_stand_under_them_in_one_document_without_what_not_everybody_may_see() {
    let mesh = people();
    let told = mesh
        .polder
        .run(&["test", CONTRACT, "--data", FILE, "--show", "5", "--format", "json"]);
    assert_eq!(told.code, Some(1), "{told:?}");
    assert!(!format!("{told:?}").contains("shop.example"), "{told:?}");
    assert!(!format!("{told:?}").contains("ben at"), "{told:?}");
    let rules: Vec<Value> = serde_json::from_str(&told.stdout).unwrap();
    let rule = |id: &str| rules.iter().find(|rule| rule["rule"] == id).unwrap();

    let key = rule("primaryKey");
    assert_eq!(key["failing_rows"], 1);
    assert_eq!(
        key["rows"],
        json!([{"reason": "id is 1: no duplicate values", "row": {"id": 1, "code": "b", "mail": "***"}}])
    );
    assert_eq!(
        rule("code.pattern")["rows"],
        json!([{"reason": "code is c: it must match ^[ab]$", "row": {"id": 2, "code": "c"}}])
    );
    assert_eq!(rule("mail.format")["rows"][0]["row"]["id"], 1);
    assert!(!rule("mail.format")["rows"][0]["reason"].to_string().contains("ben"));
    // A row that a threshold lets be breaks nothing.
    assert_eq!(rule("most_have_mail")["failing_rows"], 1);
    assert_eq!(rule("most_have_mail")["rows"], json!([]));
    assert_eq!(rule("known_orders")["verdict"], "passed");
    // A query counts no rows.
    assert_eq!(
        (&rule("known_orders")["failing_rows"], &rule("known_orders")["rows"]),
        (&Value::Null, &Value::Null)
    );
}

#[test]
fn neither_a_column_that_no_contract_names_nor_a_figure_shows_what_not_everybody_may_see() {
    let mesh = people();
    let contract = fs::read_to_string(mesh.path(CONTRACT)).unwrap();
    let rules = "      - {id: last, type: sql, query: 'SELECT max(mail) FROM {object}', mustBe: nobody}
      - {id: with_mail, type: sql, query: 'SELECT count(mail) FROM {object}', mustBe: 3}\n";
    fs::write(mesh.path(CONTRACT), contract + rules).unwrap();
    let query =
        "SELECT column1 AS id, 'c' AS code, 'ada@shop.example' AS mail, 'Lovelace' AS surname FROM (VALUES (1), (2))";
    mesh.polder
        .expect(&["sql", "--format", "parquet", "-o", "more.parquet", query]);
    let test = ["test", CONTRACT, "--data", "more.parquet", "--format", "json"];
    let reports = [
        "json=report.json",
        "junit=report.xml",
        "sarif=report.sarif",
        "github=report.txt",
    ];
    for show in [&[][..], &["--show", "2"]] {
        let asked = reports.iter().flat_map(|report| ["--report", report]);
        let told = mesh
            .polder
            .run(&[&test, show].concat().into_iter().chain(asked).collect::<Vec<_>>());
        assert_eq!(told.code, Some(1), "{told:?}");
        let rules: Vec<Value> = serde_json::from_str(&told.stdout).unwrap();
        let rule = |id: &str| rules.iter().find(|rule| rule["rule"] == id).unwrap();
        assert_eq!(
            (&rule("last")["verdict"], &rule("last")["figure"]),
            (&json!("failed"), &json!("***"))
        );
        assert_eq!(rule("with_mail")["figure"], 2);
        if !show.is_empty() {
            assert_eq!(rule("code.pattern")["rows"][0]["row"]["surname"], "***");
        }
        let mut written = format!("{told:?}");
        for report in reports {
            let (_, file) = report.split_once('=').unwrap();
            written += &fs::read_to_string(mesh.path(file)).unwrap();
        }
        assert!(!written.contains("ada@") && !written.contains("Lovelace"), "{written}");
    }
}

/// A commit of the table's log that nobody can read.
fn spoil(mesh: &NewMesh, dataset: &str) {
    let log = mesh.path(&format!(".polder/lake/{dataset}/_delta_log/00000000000000000001.json"));
    assert!(log.is_file(), "{log:?}");
    fs::write(log, "{\"add\":{\"path\":7}}").unwrap();
}

#[test]
fn a_dataset_that_cannot_be_read_hides_nothing_of_the_others() {
    let mesh = NewMesh::built();
    spoil(&mesh, "shop/bronze/orders");
    let told = mesh
        .polder
        .run(&["test", "--format", "json", "--report", "json=report.json"]);
    let why = "shop.bronze.orders cannot be held against its contract";
    assert_eq!(told.code, Some(1), "{told:?}");
    assert!(told.stderr.contains(why), "{told:?}");
    let rules: Vec<Value> = serde_json::from_str(&told.stdout).unwrap();
    assert!(
        rules.iter().any(|rule| rule["dataset"] == "shop.gold.daily_orders"),
        "{told:?}"
    );
    let report: Value = serde_json::from_slice(&fs::read(mesh.path("report.json")).unwrap()).unwrap();
    let checks = report["checks"].as_array().unwrap();
    let read = checks.iter().find(|check| check["check"] == "read").unwrap();
    assert_eq!(
        (&read["subject"], &read["outcome"]),
        (&json!("shop.bronze.orders"), &json!("failed"))
    );
    assert!(read["message"].to_string().contains(why), "{read}");
}

#[test]
fn what_is_not_shown_is_counted_and_what_has_no_place_for_rows_is_refused() {
    let mesh = people();
    let twice = "SELECT column1 AS id, 'x' AS code, 'a@b.example' AS mail FROM (VALUES (1), (1), (1))";
    mesh.polder
        .expect(&["sql", "--format", "parquet", "-o", "twice.parquet", twice]);
    let told = mesh
        .polder
        .run(&["test", CONTRACT, "--data", "twice.parquet", "--show", "1"]);
    assert!(
        told.stdout.contains("\nprimaryKey: 1 of 2 failing rows shown\n"),
        "{told:?}"
    );
    let with_rows = |more: &[&'static str]| [&["test", CONTRACT, "--data", FILE, "--show", "1"], more].concat();
    mesh.refused(&with_rows(&["--format", "csv"]), 2, &["CSV", "--format json"]);
    mesh.refused(&with_rows(&["--report", "json"]), 2, &["--report json=report.json"]);
    mesh.refused(&["test", CONTRACT, "--data", FILE, "--show", "1001"], 2, &["1000"]);
}

#[test]
fn a_file_that_cannot_be_judged_is_wrong_usage() {
    let mesh = people();
    let whole = fs::read(mesh.path(FILE)).unwrap();
    let half = whole[..whole.len() / 2].to_vec();
    // A footer that says to be longer than the file.
    let mut endless = whole.clone();
    let at = endless.len() - 8;
    endless[at..at + 4].copy_from_slice(&[0xff; 4]);
    let mut garbled = whole.clone();
    let footer = u32::from_le_bytes(whole[at..at + 4].try_into().unwrap()) as usize;
    garbled[at - footer..at].fill(0xa5);
    for (name, bytes, says) in [
        ("rows.csv", b"id,code,mail\n1,a,b\n".to_vec(), "is no Parquet file"),
        ("empty.parquet", Vec::new(), "is empty"),
        ("short.parquet", b"PAR1".to_vec(), "is no Parquet file"),
        ("half.parquet", half, "is cut off"),
        ("endless.parquet", endless, "is cut off"),
        ("garbled.parquet", garbled, "cannot be read as Parquet"),
    ] {
        fs::write(mesh.path(name), bytes).unwrap();
        mesh.refused(&["test", CONTRACT, "--data", name], 2, &[name, says]);
    }
    mesh.refused(
        &["test", CONTRACT, "--data", "rows.csv"],
        2,
        &["Parquet files (.parquet)", "JSON lines (.jsonl, .ndjson)"],
    );
    mesh.refused(
        &["test", CONTRACT, "--data", "contracts"],
        2,
        &["the folder contracts holds nothing to judge", ".jsonl"],
    );
    mesh.refused(
        &["test", CONTRACT, "--data", "nowhere.parquet"],
        2,
        &["there is no file"],
    );

    mesh.polder
        .expect(&["sql", "--format", "parquet", "-o", "other.parquet", "SELECT 1 AS x"]);
    let other = ["test", CONTRACT, "--data", "other.parquet"];
    mesh.refused(
        &other,
        2,
        &["none of the columns of shop.silver.people", "id, code, mail"],
    );

    // One that lacks a column can be judged: the column counts as nulls, and that is told.
    mesh.polder.expect(&[
        "sql",
        "--format",
        "parquet",
        "-o",
        "[few]*.parquet",
        "SELECT column1 AS id, 'a' AS code, 1 AS x FROM (VALUES (1), (2), (3))",
    ]);
    let few = mesh.polder.run(&["test", CONTRACT, "--data", "[few]*.parquet"]);
    assert_eq!(few.code, Some(1), "{few:?}");
    assert!(few.stderr.contains("does not have mail"), "{few:?}");
    assert!(
        few.stderr.contains("has x, of which the contract says nothing"),
        "{few:?}"
    );
    assert!(few.stdout.contains("most_have_mail"), "{few:?}");
}

#[test]
fn a_column_that_the_contract_requires_is_missing_also_from_a_file_without_rows() {
    let mesh = NewMesh::landed();
    let contract = "contracts/shop/orders.odcs.yaml";
    for condition in ["false", "order_id = 'O-1001'"] {
        let query = format!("SELECT order_id FROM shop.bronze.orders WHERE {condition}");
        mesh.polder
            .expect(&["sql", "--format", "parquet", "-o", "few.parquet", &query]);
        let ended = mesh
            .polder
            .run(&["test", contract, "--data", "few.parquet", "--format", "json"]);
        assert_eq!(ended.code, Some(1), "{condition}: {ended:?}");
        let results: Vec<Value> = serde_json::from_str(&ended.stdout).unwrap();
        let of = |rule: &str| {
            let found = results.iter().find(|result| result["rule"] == rule);
            found.unwrap_or_else(|| panic!("{rule}: {results:?}"))
        };
        let required = of("amount.required");
        assert_eq!(required["verdict"], "failed", "{condition}: {required}");
        let why = "the file has no column `amount`";
        assert!(required["asked"].as_str().unwrap().contains(why), "{required}");
        assert_eq!(of("amount.type")["verdict"], "not run", "{condition}");
        assert_eq!(of("amount.type")["asked"], why, "{condition}");
        assert_eq!(of("order_id.required")["verdict"], "passed", "{condition}");
        assert!(ended.stderr.contains("amount"), "{ended:?}");
        assert!(ended.stderr.contains(": required by the contract"), "{ended:?}");
    }
}

#[test]
fn a_table_of_which_the_first_shipment_was_refused_is_tested_as_one_that_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    Polder::in_folder(folder.path()).expect(&["new", "mesh", "mine"]);
    let mesh = folder.path().join("mine");
    let polder = Polder::in_folder(&mesh);
    // One of the orders of the new mesh costs -5.00.
    let path = mesh.join("contracts/shop/orders.odcs.yaml");
    let before = fs::read_to_string(&path).unwrap();
    let amount = "      - name: amount\n";
    assert_eq!(before.matches(amount).count(), 1, "{before}");
    let reject = format!("{amount}        customProperties: [{{property: polder.onFailure, value: reject}}]\n");
    fs::write(&path, before.replace(amount, &reject)).unwrap();
    assert_eq!(polder.run(&["ingest", "--until-end"]).code, Some(1));

    let named = ["test", "shop.bronze.orders"];
    for arguments in [&named[..], &["test", "shop.bronze.orders", "--min-coverage", "50"]] {
        let ended = polder.run(arguments);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(
            ended
                .stderr
                .contains("shop.bronze.orders has no table yet: nothing was tested"),
            "{ended:?}"
        );
        assert!(!ended.stderr.contains("12 passed"), "{ended:?}");
    }
    let all = polder.run(&["test"]);
    assert_eq!(all.code, Some(0), "{all:?}");
    let last = all.stderr.lines().last().unwrap();
    assert!(
        last.contains("nothing was tested: no dataset has a table yet"),
        "{all:?}"
    );

    // What lands is tested.
    fs::write(&path, before).unwrap();
    polder.expect(&["ingest", "--until-end"]);
    assert_eq!(polder.run(&named).code, Some(0));
}

#[test]
fn a_test_without_a_table_fails_where_the_dataset_is_named_and_says_how_to_get_rows() {
    let folder = tempfile::tempdir().unwrap();
    Polder::in_folder(folder.path()).expect(&["new", "mesh", "mine"]);
    let polder = Polder::in_folder(&folder.path().join("mine"));
    let named = polder.run(&["test", "shop.bronze.orders", "--report", "junit=report.xml"]);
    assert_eq!(named.code, Some(1), "{named:?}");
    for told in [
        "shop.bronze.orders has no table yet: nothing was tested",
        "`polder ingest`",
        "`polder run`",
    ] {
        assert!(named.stderr.contains(told), "{told}: {named:?}");
    }
    let report = fs::read_to_string(folder.path().join("mine/report.xml")).unwrap();
    assert!(report.contains("has no table yet"), "{report}");
    assert_eq!(polder.run(&["-q", "test", "shop.bronze.orders"]).code, Some(1));

    let all = polder.run(&["test"]);
    assert_eq!(all.code, Some(0), "{all:?}");
    let last = all.stderr.lines().last().unwrap();
    assert!(
        last.contains("nothing was tested: no dataset has a table yet"),
        "{all:?}"
    );
    assert!(
        last.contains("`polder ingest`") && last.contains("`polder run`"),
        "{all:?}"
    );
    assert_eq!(polder.run(&["test", "--min-coverage", "1"]).code, Some(1));

    polder.expect(&["ingest", "--until-end"]);
    let some = polder.run(&["test"]);
    assert!(!some.stderr.contains("nothing was tested"), "{some:?}");
    assert_eq!(polder.run(&["test", "shop.bronze.orders"]).code, Some(0));
}
