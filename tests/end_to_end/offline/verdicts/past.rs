//! What nobody can tell any more, or never could: said, and never taken for kept.

use std::fs;

use serde_json::{Value, json};

use super::{DATASET, Mesh, contract, good};

#[test]
fn a_backtest_that_cannot_look_at_everything_says_so_and_fails() {
    let usual = "    quality: [{id: usual, type: custom, engine: polder, implementation: {volume: {commits: 5, deviation: 2}}}]\n";
    let mesh = Mesh::under(&contract("1.0.0", &[], usual), &[good(0)]);
    mesh.ingest();
    let files = || -> Vec<_> {
        let folder = fs::read_dir(mesh.path(".polder/lake/sales/bronze/everything")).unwrap();
        let files = folder.map(|entry| entry.unwrap().path());
        files
            .filter(|path| path.extension().is_some_and(|end| end == "parquet"))
            .collect()
    };
    let first = files();
    mesh.rows("1", &[good(1), good(2)]);
    mesh.ingest();
    let asked = ["contract", "backtest", DATASET, "--since", "0", "--format", "json"];
    let (ended, commits) = mesh.json(&asked);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let rows: Vec<_> = commits
        .as_array()
        .unwrap()
        .iter()
        .map(|commit| &commit["rows"])
        .collect();
    assert_eq!(rows, [1, 2]);
    // A rule that nobody could run is there, with why.
    let not_run = &commits[1]["rules"][0];
    assert_eq!(
        (&not_run["rule"], &not_run["verdict"]),
        (&json!("usual"), &json!("not run"))
    );
    assert!(not_run["why"].as_str().unwrap().contains("it needs 5"), "{not_run}");
    assert!(
        ended.stderr.contains("rule usual was not run on 2 of 2 commits"),
        "{ended:?}"
    );

    for file in first {
        fs::remove_file(file).unwrap();
    }
    let (ended, commits) = mesh.json(&asked);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let rows: Vec<_> = commits
        .as_array()
        .unwrap()
        .iter()
        .map(|commit| &commit["rows"])
        .collect();
    assert_eq!(rows, [2]);
    let told = format!("{DATASET}: nothing is known of version 1: its files are not there any more");
    assert!(ended.stderr.contains(&told), "{ended:?}");
    // What came after it can be asked for.
    let later = ["contract", "backtest", DATASET, "--since", "1"];
    assert_eq!(mesh.polder.run(&later).code, Some(0));
}

#[test]
fn a_column_without_a_value_is_fresh_by_no_measure() {
    let fresh = "    quality: [{id: fresh, type: custom, engine: polder, implementation: {freshness: {column: seen, within: 1h}}}]\n";
    let promised = "slaProperties:\n  - {property: latency, value: 1, unit: h, element: everything.seen}\n  \
                    - {property: freshness, value: 1, unit: h}\n";
    let mut row = good(0);
    row["seen"] = Value::Null;
    let text = format!("{}{promised}", contract("2.0.0", &[], fresh));
    let mesh = Mesh::landed_before(&text, &[row]);
    let (_, checks) = mesh.test();
    assert_eq!(checks["fresh"]["outcome"], "failed");
    let (ended, levels) = mesh.json(&["slo", DATASET, "--format", "json"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let told: Vec<_> = levels
        .as_array()
        .unwrap()
        .iter()
        .map(|level| &level["verdict"])
        .collect();
    // The rows came a moment ago, which tells nothing of the column.
    assert_eq!(told, ["not measured", "met"]);
    assert_eq!(levels[0]["why"], "`seen` has no value whose age could be told");
    assert_eq!(levels[0]["measured"], Value::Null);
}
