//! What contracts promise about delivery, as `polder test` and `polder slo` tell it.
//!
//! The gold of a new mesh promises days that are at most one day old. Its newest is the fifth of January 2026, from the file
//! that the mesh comes with.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};

use crate::new_mesh::NewMesh;

const GOLD: &str = "shop.gold.daily_orders";
const CONTRACT: &str = "contracts/shop/daily_orders.odcs.yaml";

/// Puts something else into the contract of the gold.
fn edit(mesh: &NewMesh, old: &str, new: &str) {
    let text = fs::read_to_string(mesh.path(CONTRACT)).unwrap();
    assert_eq!(text.matches(old).count(), 1, "{old:?} in {text}");
    fs::write(mesh.path(CONTRACT), text.replace(old, new)).unwrap();
}

/// The events in a file, one line each.
fn events(mesh: &NewMesh, file: &str) -> Vec<Value> {
    let text = fs::read_to_string(mesh.path(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_broken_service_level_is_warned_of_with_the_rows_and_one_that_nobody_measures_is_not_passed() {
    let mesh = NewMesh::built();
    // When somebody learns of a failure is in no log.
    edit(
        &mesh,
        "slaProperties:\n",
        "slaProperties:\n  - {property: timeToDetect, value: 1, unit: h}\n",
    );
    let ended = mesh.polder.run(&["test", GOLD, "--report", "json=report.json"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let report: Value = serde_json::from_str(&fs::read_to_string(mesh.path("report.json")).unwrap()).unwrap();
    let levels: BTreeMap<&str, &Value> = report["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|check| Some((check["check"].as_str()?.strip_prefix("slaProperties.")?, check)))
        .collect();
    let outcomes: Vec<_> = levels
        .iter()
        .map(|(level, check)| (*level, &check["outcome"]))
        .collect();
    assert_eq!(
        outcomes,
        [
            ("frequency", &json!("passed")),
            ("latency", &json!("warned")),
            ("retention", &json!("passed")),
            ("timeToDetect", &json!("not run")),
        ]
    );
    assert_eq!((&report["warned"], &report["not_run"]), (&json!(1), &json!(1)));
    let (broken, unknown) = (levels["latency"], levels["timeToDetect"]);
    assert_eq!(
        broken["help"],
        "a broken service level only warns here; `polder slo` fails"
    );
    let told = broken["message"].as_str().unwrap();
    assert!(told.starts_with("promised 1d, measured "), "{told}");
    assert!(!unknown["message"].as_str().unwrap().is_empty(), "{unknown}");
    assert!(ended.stderr.contains("1 service level is broken"), "{ended:?}");
    // What was not run is no part of what was covered.
    mesh.refused(
        &["test", GOLD, "--min-coverage", "100"],
        1,
        &["timeToDetect", "not run"],
    );
}

#[test]
fn a_broken_service_level_fails_polder_slo_and_is_one_event_however_often_it_is_told() {
    let mesh = NewMesh::built();
    let measure = ["slo", "--events", "breaches.jsonl", "--format", "json"];
    for calls in 1..=2 {
        let ended = mesh.polder.run(&measure);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        let levels: Vec<Value> = serde_json::from_str(&ended.stdout).unwrap();
        let verdicts: Vec<_> = levels
            .iter()
            .map(|level| {
                (
                    level["dataset"].as_str().unwrap(),
                    level["property"].as_str().unwrap(),
                    level["verdict"].as_str().unwrap(),
                )
            })
            .collect();
        assert_eq!(
            verdicts,
            [
                ("shop.bronze.orders", "retention", "met"),
                (GOLD, "latency", "breached"),
                (GOLD, "frequency", "met"),
                (GOLD, "retention", "met"),
            ]
        );
        // A line is appended for each call.
        assert_eq!(events(&mesh, "breaches.jsonl").len(), calls);
    }
    let told = events(&mesh, "breaches.jsonl");
    assert!(told[0]["id"].is_string(), "{told:?}");
    assert_eq!(told[0]["id"], told[1]["id"]);
    for event in &told {
        let said = ["specversion", "type", "source", "subject"].map(|key| event[key].as_str().unwrap());
        let source = format!("/datasets/{GOLD}");
        assert_eq!(said, ["1.0", "polder.service-level.breached.v1", &source, "latency"]);
        let data = &event["data"];
        // The newest day is over when the sixth begins, and a day later the promise is broken.
        assert_eq!(
            (&data["promised"], &data["since"], &data["owner"]),
            (&json!("1d"), &json!("2026-01-07T00:00:00Z"), &json!("you@shop.example"))
        );
    }

    // Without a breach there is a file, and nothing in it.
    edit(
        &mesh,
        "value: 1\n    unit: d\n    element",
        "value: 900\n    unit: y\n    element",
    );
    let ended = mesh.polder.run(&["slo", "--events", "none.jsonl"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    assert_eq!(events(&mesh, "none.jsonl"), Vec::<Value>::new());
    // An event that cannot be written is no success.
    let folder = ["slo", "--events", "contracts"];
    mesh.refused(&folder, 3, &["cannot write events to contracts"]);
}

#[test]
fn service_levels_are_measured_over_the_time_that_is_asked_about() {
    let mesh = NewMesh::built();
    // Seconds between the ends of the window of a level that is measured over all of it; of more than a day the rest.
    let looked_at = |since: &[&str]| {
        let ended = mesh
            .polder
            .run(&[&["slo", "shop.bronze.orders", "--format", "json"][..], since].concat());
        let levels: Vec<Value> = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended:?}"));
        let of_day = |end: &str| -> i64 {
            let (_, time) = levels[0]["window"][end].as_str().unwrap().split_once('T').unwrap();
            let mut parts = time
                .get(..8)
                .unwrap()
                .split(':')
                .map(|part| part.parse::<i64>().unwrap());
            let mut part = || parts.next().unwrap();
            part() * 3_600 + part() * 60 + part()
        };
        (of_day("to") - of_day("from")).rem_euclid(86_400)
    };
    assert_eq!(looked_at(&[]), 0);
    assert_eq!(looked_at(&["--since", "12h"]), 12 * 3_600);
    assert_eq!(looked_at(&["--since", "90m"]), 90 * 60);
    mesh.refused(&["slo", "--since", "900000000d"], 2, &["--since 900000000d", "too far"]);
    mesh.refused(&["slo", "--since", "2y"], 2, &["--since 2y", "30d"]);
}
