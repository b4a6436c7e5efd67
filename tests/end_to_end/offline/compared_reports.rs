//! What `polder check --base` found out about a change, in every report: whom it breaks and by which way, who may lose rows,
//! who is not affected. Names, classes and places are written by hand from the mesh below.

use std::fs;

use polder_testkit::Ended;
use serde_json::{Value, json};

use super::pull_requests::{Repository, said};

const A: &str = "contracts/s/a.odcs.yaml";

/// What is read: `x` in lines 15 to 18, `k` from line 19 on, `note` last.
const BRONZE: &str = "apiVersion: v3.1.0
kind: DataContract
id: s.bronze.a
name: A
version: 1.0.0
status: active
domain: s
schema:
  - name: a
    physicalName: s.bronze.a
    properties:
      - name: id
        logicalType: integer
        physicalType: bigint
      - name: x
        logicalType: integer
        physicalType: bigint
        logicalTypeOptions: {maximum: 10}
      - name: k
        logicalType: string
        physicalType: string
      - name: note
        logicalType: string
        physicalType: string
";

/// The lines of `k` and `note` in it.
const LAST: &str = "      - name: k
        logicalType: string
        physicalType: string
      - name: note
        logicalType: string
        physicalType: string
";

const PRODUCT: &str = "apiVersion: v1.0.0
kind: DataProduct
id: s.p
name: P
version: 1.0.0
status: active
domain: s
description: {purpose: It.}
outputPorts:
  - {name: g, version: 1.0.0, contractId: s.gold.g}
team: {name: s, members: [{username: you@s.example, role: owner}]}
";

fn gold(name: &str, column: &str) -> String {
    format!(
        "apiVersion: v3.1.0\nkind: DataContract\nid: s.gold.{name}\nname: {name}\nversion: 1.0.0\nstatus: active\ndomain: s\n\
         schema:\n  - name: {name}\n    physicalName: s.gold.{name}\n    properties: [{{name: id, logicalType: integer, \
         physicalType: bigint}}, {column}]\n"
    )
}

fn consumer(name: &str, read: &str) -> String {
    format!(
        "consumer: {name}\nowner: {name}@s.example\ndescription: It.\nreads:\n  - {{dataset: {read}, since: 2026-01-01}}\n"
    )
}

/// `s.bronze.a`, of whose `x` the pipeline `s.g` makes an object with a limit, and whose `k` the pipeline `s.h` hands on.
fn mesh() -> Repository {
    let pipeline = |name: &str| format!("description: It.\ndataset: s.gold.{name}\nmaterialization: replace_groups\n");
    let object = "{name: o, logicalType: object, properties: [{name: x, logicalType: integer, physicalType: bigint, \
                  logicalTypeOptions: {maximum: 10}}]}";
    let text = "{name: k, logicalType: string, physicalType: string}";
    Repository::of(&[
        ("polder.yaml", "name: m\nlake: {location: .polder/lake}\n"),
        ("catalog/policies/none.yaml", "policies: []\n"),
        (
            "catalog/domains.yaml",
            "domains:\n  s: {description: S., owner: you@s.example}\n",
        ),
        ("catalog/consumers/board.yaml", &consumer("board", "s.gold.g")),
        ("catalog/consumers/keys.yaml", &consumer("keys", "s.gold.h")),
        (
            "catalog/consumers/ids.yaml",
            &consumer("ids", "s.gold.h, columns: [id]"),
        ),
        (A, BRONZE),
        ("contracts/s/g.odcs.yaml", &gold("g", object)),
        ("contracts/s/h.odcs.yaml", &gold("h", text)),
        ("contracts/s/p.odps.yaml", PRODUCT),
        ("pipelines/s/g.pipeline.yaml", &pipeline("g")),
        (
            "pipelines/s/g.sql",
            "SELECT id, named_struct('x', x) AS o FROM s.bronze.a",
        ),
        ("pipelines/s/h.pipeline.yaml", &pipeline("h")),
        ("pipelines/s/h.sql", "SELECT id, k FROM s.bronze.a"),
    ])
}

/// What each form says of a change against `main`.
struct Reports {
    ended: Ended,
    json: Value,
    /// The results about the changed contract.
    sarif: Vec<Value>,
    junit: String,
    github: String,
}

fn reports(repository: &Repository) -> Reports {
    let forms = ["json=r.json", "sarif=r.sarif", "junit=r.xml", "github=r.txt"];
    let mut arguments = vec!["check", "--base", "main"];
    arguments.extend(forms.iter().flat_map(|form| ["--report", form]));
    let ended = repository.run(&arguments);
    let read = |name: &str| fs::read_to_string(repository.path(name)).unwrap();
    let sarif: Value = serde_json::from_str(&read("r.sarif")).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    let results = sarif["runs"][0]["results"].as_array().unwrap().iter();
    let uri = |result: &Value| {
        let place = &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
        place.as_str().unwrap().to_owned()
    };
    Reports {
        json: serde_json::from_str(&read("r.json")).unwrap(),
        sarif: results.filter(|result| uri(result).ends_with(A)).cloned().collect(),
        junit: read("r.xml"),
        github: read("r.txt"),
        ended,
    }
}

impl Reports {
    /// The checks of the changed contract.
    fn checks(&self) -> Vec<&Value> {
        let checks = self.json["checks"].as_array().unwrap().iter();
        checks.filter(|check| check["file"] == A).collect()
    }

    /// What is told of one change of the one contract that changed.
    fn change(&self, what: &str) -> Value {
        let contracts = self.json["comparison"]["contracts"].as_array().unwrap();
        assert_eq!(contracts.len(), 1, "{contracts:?}");
        let mut changes = contracts[0]["changes"].as_array().unwrap().iter();
        changes.find(|change| change["what"] == what).unwrap().clone()
    }
}

const LOOSER: &str = "the maximum of the column `x` changed from 10 to 100";

#[test]
fn rows_that_may_be_lost_are_a_warning_at_the_change_in_every_report() {
    let repository = mesh();
    let looser = BRONZE
        .replace("version: 1.0.0", "version: 2.0.0")
        .replace("maximum: 10}", "maximum: 100}");
    fs::write(repository.path(A), looser).unwrap();
    let reports = reports(&repository);
    assert_eq!(reports.ended.code, Some(0), "{}", said(&reports.ended));
    let message = format!("{LOOSER}: pipeline s.g may lose rows");
    assert_eq!(
        said(&reports.ended).matches("may lose rows").count(),
        1,
        "{}",
        said(&reports.ended)
    );
    assert!(
        reports
            .ended
            .stdout
            .contains(&format!("{LOOSER}: breaks nobody; not affected: consumer board")),
        "{}",
        said(&reports.ended)
    );

    let found: Vec<_> = reports
        .checks()
        .into_iter()
        .filter(|check| check["check"] == "may-lose-rows")
        .collect();
    assert_eq!(found.len(), 1, "{:?}", reports.checks());
    for (key, expected) in [
        ("outcome", json!("warned")),
        ("message", json!(message)),
        ("line", json!(18)),
    ] {
        assert_eq!(found[0][key], expected, "{key}");
    }
    assert!(reports.checks().iter().all(|check| check["outcome"] != "passed"));
    let results: Vec<_> = reports
        .sarif
        .iter()
        .filter(|result| result["ruleId"] == "may-lose-rows")
        .collect();
    assert_eq!(results.len(), 1, "{:?}", reports.sarif);
    assert_eq!(results[0]["level"], "warning");
    let place = &results[0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], format!("data/shop/{A}"));
    assert_eq!(place["region"]["startLine"], 18);
    assert!(
        reports
            .github
            .contains(&format!("::warning file=data/shop/{A},line=18,"))
            && reports.github.contains(&message),
        "{}",
        reports.github
    );
    assert!(
        reports.junit.contains("name=\"may-lose-rows\"") && reports.junit.contains("pipeline s.g may lose rows"),
        "{}",
        reports.junit
    );

    let comparison = &reports.json["comparison"];
    assert_eq!(comparison["base"]["revision"], "main");
    assert_eq!(comparison["base"]["commit"].as_str().unwrap().len(), 40);
    assert_eq!(comparison["breaking_changes"], 0);
    let contract = &comparison["contracts"][0];
    assert_eq!(
        contract["old"],
        json!({"id": "s.bronze.a", "version": "1.0.0", "status": "active", "file": format!("main:{A}")})
    );
    assert_eq!(
        contract["new"],
        json!({"id": "s.bronze.a", "version": "2.0.0", "status": "active", "file": A})
    );
    assert_eq!(
        (&contract["mode"], &contract["required_bump"]),
        (&json!("backward"), &json!("major"))
    );
    let change = reports.change(LOOSER);
    for (key, expected) in [
        ("class", json!("breaks readers")),
        ("dataset", json!("s.bronze.a")),
        ("column", json!("x")),
        ("forbidden", json!(true)),
        ("breaks", json!([])),
        ("chains", json!([])),
        ("may_lose_rows", json!(["pipeline s.g"])),
        ("changes_with_it", json!([])),
        ("not_built_until_mended", json!([])),
    ] {
        assert_eq!(change[key], expected, "{key} of {change}");
    }
    let untouched = &change["not_affected"];
    assert!(
        untouched.as_array().unwrap().contains(&json!("consumer board")),
        "{untouched}"
    );
    assert!(
        !untouched.as_array().unwrap().contains(&json!("pipeline s.g")),
        "{untouched}"
    );
    assert!(
        change["old"].as_str().unwrap().starts_with(&format!("main:{A}:18:")),
        "{change}"
    );
    assert!(
        change["new"].as_str().unwrap().starts_with(&format!("{A}:18:")),
        "{change}"
    );

    // What is printed is the same, and without a base there is none.
    let printed = repository.run(&["check", "--base", "main", "--format", "json"]);
    assert_eq!(serde_json::from_str::<Value>(&printed.stdout).unwrap(), reports.json);
    let alone = repository.run(&["check", "--format", "json"]);
    let alone: Value = serde_json::from_str(&alone.stdout).unwrap();
    assert!(alone.get("comparison").is_none(), "{alone}");
}

#[test]
fn who_breaks_by_which_way_who_waits_and_who_does_not_break_is_in_the_comparison() {
    let repository = mesh();
    let less = BRONZE.replace("version: 1.0.0", "version: 2.0.0").replace(LAST, "");
    fs::write(repository.path(A), less).unwrap();
    let reports = reports(&repository);
    // The query of s.h does not plan any more.
    assert_eq!(reports.ended.code, Some(2), "{}", said(&reports.ended));
    assert_eq!(reports.json["comparison"]["breaking_changes"], 1);
    let broken = reports.change("the column `k` was removed");
    for (key, expected) in [
        ("code", json!("column-removed")),
        ("class", json!("breaks readers")),
        ("breaks", json!(["consumer keys", "pipeline s.h"])),
        (
            "chains",
            json!(["s.bronze.a.k → pipeline s.h → s.gold.h.k → consumer keys"]),
        ),
        ("may_lose_rows", json!([])),
        ("not_built_until_mended", json!(["consumer ids"])),
    ] {
        assert_eq!(broken[key], expected, "{key} of {broken}");
    }
    let untouched = broken["not_affected"].as_array().unwrap();
    for name in ["consumer board", "pipeline s.g"] {
        assert!(untouched.contains(&json!(name)), "{name}: {untouched:?}");
    }
    // A change that breaks nobody has its place in the reports too.
    let nobody = reports.change("the column `note` was removed");
    assert_eq!(
        (&nobody["class"], &nobody["breaks"]),
        (&json!("breaks readers"), &json!([]))
    );
    let found: Vec<_> = reports
        .sarif
        .iter()
        .map(|result| (&result["ruleId"], &result["level"]))
        .collect();
    for expected in [("breaking-change", "error"), ("breaks-readers", "note")] {
        assert!(
            found
                .iter()
                .any(|(id, level)| (**id == expected.0) && (**level == expected.1)),
            "{expected:?}: {found:?}"
        );
    }
    let note = "the column `note` was removed: breaks nobody";
    assert!(
        reports.github.contains(&format!("::notice file=data/shop/{A},line=9,")) && reports.github.contains(note),
        "{}",
        reports.github
    );
    assert!(reports.junit.contains(note), "{}", reports.junit);
    // People are told in a line.
    assert!(!reports.ended.stderr.contains(note), "{}", reports.ended.stderr);
    assert_eq!(
        reports.ended.stdout.matches(note).count(),
        1,
        "{}",
        reports.ended.stdout
    );
}

#[test]
fn a_contract_that_is_new_and_one_that_went_are_in_the_comparison() {
    let repository = mesh();
    fs::remove_file(repository.path("contracts/s/h.odcs.yaml")).unwrap();
    let other = gold("i", "{name: k, logicalType: string, physicalType: string}");
    fs::write(repository.path("contracts/s/i.odcs.yaml"), other).unwrap();
    let comparison = reports(&repository).json["comparison"].clone();
    assert_eq!(comparison["added"], json!(["s.gold.i"]));
    let datasets = comparison["datasets"].as_array().unwrap();
    assert_eq!(datasets.len(), 1, "{datasets:?}");
    assert_eq!(
        (&datasets[0]["dataset"], &datasets[0]["code"]),
        (&json!("s.gold.h"), &json!("contract-removed"))
    );
    let broken = datasets[0]["breaks"].as_array().unwrap();
    for name in ["consumer ids", "consumer keys"] {
        assert!(broken.contains(&json!(name)), "{name}: {broken:?}");
    }
}

#[test]
fn a_compatible_change_of_a_product_is_told_with_its_class() {
    let repository = mesh();
    let port = "  - {name: g, version: 1.0.0, contractId: s.gold.g}\n";
    let more = format!("{port}  - {{name: h, version: 1.0.0, contractId: s.gold.h}}\n");
    let more = PRODUCT
        .replace(port, &more)
        .replacen("version: 1.0.0", "version: 1.1.0", 1);
    fs::write(repository.path("contracts/s/p.odps.yaml"), more).unwrap();
    let added = reports(&repository);
    assert_eq!(added.ended.code, Some(0), "{}", said(&added.ended));
    let told = "  product P 1.0.0 → 1.1.0: compatible (1)";
    assert!(added.ended.stdout.contains(told), "{}", added.ended.stdout);
    let products = added.json["comparison"]["products"].as_array().unwrap();
    assert_eq!(products.len(), 1, "{products:?}");
    assert_eq!(
        (&products[0]["new"]["id"], &products[0]["new"]["version"]),
        (&json!("s.p"), &json!("1.1.0"))
    );
    assert_eq!(products[0]["required_bump"], "minor");
    let classes: Vec<_> = products[0]["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| &change["class"])
        .collect();
    assert!(classes.contains(&&json!("compatible")), "{classes:?}");

    // One that takes a port away breaks who reads it.
    repository.commit();
    repository.git(&["tag", "base"]);
    fs::write(
        repository.path("contracts/s/p.odps.yaml"),
        PRODUCT.replacen("version: 1.0.0", "version: 2.0.0", 1),
    )
    .unwrap();
    let ended = repository.run(&["check", "--base", "base", "--report", "json=r.json"]);
    assert_eq!(ended.code, Some(0), "{}", said(&ended));
    assert!(
        ended.stdout.contains("  product P 1.1.0 → 2.0.0: breaks readers (1)"),
        "{}",
        ended.stdout
    );
    let json: Value = serde_json::from_str(&fs::read_to_string(repository.path("r.json")).unwrap()).unwrap();
    let mut checks = json["checks"].as_array().unwrap().iter();
    let note = checks.find(|check| check["check"] == "breaks-readers").unwrap();
    assert_eq!(
        (&note["file"], &note["outcome"]),
        (&json!("contracts/s/p.odps.yaml"), &json!("noted"))
    );
}
