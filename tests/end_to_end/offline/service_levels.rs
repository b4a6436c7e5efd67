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
    mesh.refused(
        &["slo", "--since", "900000000d"],
        2,
        &["--since", "`900000000d` reaches back too far"],
    );

    // A time and a day, from its beginning, in UTC: the window begins there where the table is as old, else with the table.
    let begins = |since: &str| {
        let said = mesh
            .polder
            .run(&["slo", "shop.bronze.orders", "--format", "json", "--since", since]);
        let levels: Vec<Value> = serde_json::from_str(&said.stdout).unwrap_or_else(|_| panic!("{said:?}"));
        levels[0]["window"]["from"].as_str().unwrap().to_owned()
    };
    for (since, expected) in [
        ("2026-01-05", "2026-01-05T00:00:00"),
        ("2026-01-05T08:30:00+02:00", "2026-01-05T06:30:00"),
        ("2026-01-05T08:30", "2026-01-05T08:30:00"),
    ] {
        assert!(begins(since).starts_with(expected), "{since}: {}", begins(since));
    }

    // What is no time is refused alike wherever one looks back, and so is one to come.
    for words in [&["slo"][..], &["contract", "backtest", "shop.bronze.orders"]] {
        for (since, says) in [
            ("2y", "duration: write "),
            ("2026-02-30", "2026-01-31T08:00:00Z or 30d"),
            ("9000-01-01", "`9000-01-01` is not past"),
        ] {
            mesh.refused(&[words, &["--since", since]].concat(), 2, &["--since", since, says]);
        }
    }
}

#[test]
fn the_error_rate_sees_deliveries_of_which_every_row_was_refused() {
    let promised = |mesh: &NewMesh| {
        let path = mesh.path("contracts/shop/orders.odcs.yaml");
        let text = fs::read_to_string(&path).unwrap();
        let levels = "slaProperties:\n";
        assert_eq!(text.matches(levels).count(), 1, "{text}");
        let rate = format!("{levels}  - {{property: errorRate, value: 50, unit: percent}}\n");
        fs::write(path, text.replace(levels, &rate)).unwrap();
    };
    let refused = |mesh: &NewMesh, file: &str, rows: usize| {
        let row = |n| {
            format!(
                "{{\"order_id\": \"{file}-{n}\", \"ordered_at\": \"2026-01-06T08:00:00Z\", \"amount\": -1.00, \
                 \"currency\": \"EUR\"}}\n"
            )
        };
        let lines: String = (0..rows).map(row).collect();
        fs::write(mesh.path(&format!("data/orders/{file}.jsonl")), lines).unwrap();
        mesh.polder.expect(&["ingest", "--until-end"]);
    };
    let rate = |mesh: &NewMesh| {
        let ended = mesh.polder.run(&["slo", "shop.bronze.orders", "--format", "json"]);
        let levels: Vec<Value> = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended:?}"));
        let level = levels
            .into_iter()
            .find(|level| level["property"] == "errorRate")
            .unwrap();
        (
            ended.code,
            level["measured"]["percent"].clone(),
            level["verdict"].clone(),
        )
    };
    // One of four orders is refused.
    let mesh = NewMesh::new();
    promised(&mesh);
    mesh.polder.expect(&["ingest", "--until-end"]);
    assert_eq!(rate(&mesh), (Some(0), json!(25.0), json!("met")));
    refused(&mesh, "2026-02", 20);
    // 21 of 24.
    assert_eq!(rate(&mesh), (Some(1), json!(87.5), json!("breached")));

    // Nothing else ever came.
    let mesh = NewMesh::new();
    promised(&mesh);
    fs::remove_file(mesh.path("data/orders/2026-01.jsonl")).unwrap();
    refused(&mesh, "2026-02", 5);
    assert_eq!(rate(&mesh), (Some(1), json!(100.0), json!("breached")));
}

#[test]
fn the_error_rate_sees_an_increment_of_which_every_row_was_refused() {
    let mesh = NewMesh::landed();
    let write = |path: &str, text: &str| fs::write(mesh.path(path), text).unwrap();
    write(
        "contracts/shop/dear.odcs.yaml",
        "apiVersion: v3.1.0\nkind: DataContract\nid: shop.silver.dear\nname: Dear orders\nversion: 1.0.0\nstatus: active\n\
         domain: shop\ndescription: {purpose: Orders of 50 and more.}\nschema:\n  - name: dear\n    \
         physicalName: shop.silver.dear\n    description: One row an order.\n    properties:\n      \
         - {name: order_id, description: Its number., logicalType: string}\n      \
         - {name: amount, description: What it costs., logicalType: number, physicalType: 'decimal(12,2)', \
         logicalTypeOptions: {minimum: 50}}\n\
         team: {name: shop, members: [{username: you@shop.example, role: owner}]}\n\
         slaProperties:\n  - {property: errorRate, value: 70, unit: percent}\n",
    );
    write(
        "pipelines/shop/dear.pipeline.yaml",
        "dataset: shop.silver.dear\nmaterialization: append\n",
    );
    write(
        "pipelines/shop/dear.sql",
        "SELECT order_id, amount FROM shop.bronze.orders\n",
    );
    let rate = || {
        mesh.polder.expect(&["run", "--select", "shop.dear"]);
        let ended = mesh.polder.run(&["slo", "shop.silver.dear", "--format", "json"]);
        let levels: Vec<Value> = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended:?}"));
        let percent = levels[0]["measured"]["percent"].as_f64().unwrap();
        (ended.code, (percent * 100.0).round())
    };
    // Of 20.50, 99.90 and 12.00 one is taken.
    assert_eq!(rate(), (Some(0), 6_667.0));
    let cheap = |n| {
        format!(
            "{{\"order_id\": \"C-{n}\", \"ordered_at\": \"2026-01-06T08:00:00Z\", \"amount\": 1.00, \"currency\": \"EUR\"}}\n"
        )
    };
    write("data/orders/2026-02.jsonl", &(0..6).map(cheap).collect::<String>());
    mesh.polder.expect(&["ingest", "--until-end"]);
    // Eight of nine, and no more for a run that finds nothing new.
    assert_eq!(rate(), (Some(1), 8_889.0));
    assert_eq!(rate(), (Some(1), 8_889.0));
}
