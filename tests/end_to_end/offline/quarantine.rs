//! What becomes of refused rows and shipments, on a mesh that needs no service.

mod fitting;

use std::fs::{self, OpenOptions};
use std::io::Write as _;

use serde_json::{Value, json};

use crate::new_mesh::NewMesh;

const ORDERS: &str = "shop.bronze.orders";
const CONTRACT: &str = "contracts/shop/orders.odcs.yaml";

fn count(mesh: &NewMesh, query: &str) -> u64 {
    mesh.csv(query).lines().nth(1).unwrap().parse().unwrap()
}

/// One more order in the file that the mesh came with.
fn order(mesh: &NewMesh, id: &str, amount: &str) {
    line(
        mesh,
        &format!(
            "{{\"order_id\": \"{id}\", \"ordered_at\": \"2026-01-06T08:00:00Z\", \"customer\": \"ada\", \
             \"amount\": {amount}, \"currency\": \"EUR\"}}"
        ),
    );
}

/// One more line in that file.
fn line(mesh: &NewMesh, text: &str) {
    let mut file = OpenOptions::new()
        .append(true)
        .open(mesh.path("data/orders/2026-01.jsonl"))
        .unwrap();
    writeln!(file, "{text}").unwrap();
}

fn change_contract(mesh: &NewMesh, from: &str, to: &str) {
    let path = mesh.path(CONTRACT);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from} not in {text}");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn a_refused_row_is_mended_and_comes_back_once_with_its_history() {
    let mesh = NewMesh::built();
    let listed = mesh.polder.expect(&["quarantine", "list", "--format", "csv"]);
    assert!(
        listed.contains("shop.bronze.orders,amount.minimum,1.0.0,1,"),
        "{listed}"
    );

    // Under the same contract it is refused again, and stays.
    let rehearsed = mesh
        .polder
        .run(&["quarantine", "replay", ORDERS, "--dry-run", "--format", "csv"]);
    assert_eq!(rehearsed.code, Some(1), "{rehearsed:?}");
    assert!(
        rehearsed.stdout.contains("would be refused,amount.minimum,1,"),
        "{rehearsed:?}"
    );
    let mend = [
        "quarantine",
        "replay",
        ORDERS,
        "--set",
        "amount = abs(amount)",
        "--by",
        "ada",
    ];
    mesh.polder.expect(&mend);
    let row = "SELECT amount, _topic, _offset FROM shop.bronze.orders WHERE order_id = 'A-3'";
    assert_eq!(
        mesh.csv(row),
        "amount,_topic,_offset\n5.00,data/orders/2026-01.jsonl,3\n"
    );

    // The catalog says where the version came from, and so does one that is made anew from the table's log.
    let explained = |mesh: &NewMesh| {
        let shown = mesh.polder.expect(&["catalog", "show", ORDERS, "--format", "json"]);
        let shown: Value = serde_json::from_str(&shown).unwrap();
        let runs = shown["runs"].as_array().unwrap().iter();
        let replays = runs.filter(|run| run["step"] == "replay shop.orders");
        let replays: Vec<Value> = replays.cloned().collect();
        let [replay] = replays.as_slice() else {
            panic!("{shown}");
        };
        assert_eq!(replay["version"], shown["dataset"]["version"], "{shown}");
        assert!(replay["started"].as_str().is_some_and(|started| started.ends_with('Z')));
        let told = ["status", "accepted", "rejected", "message"].map(|key| replay[key].clone());
        assert_eq!(told, [json!("succeeded"), json!(1), json!(0), json!("replayed by ada")]);
    };
    explained(&mesh);
    let listed = mesh.polder.expect(&["catalog", "show", ORDERS]);
    assert!(
        listed.contains("replay shop.orders") && listed.contains("replayed by ada"),
        "{listed}"
    );
    for name in ["catalog.db", "catalog.db-wal", "catalog.db-shm"] {
        let _ = fs::remove_file(mesh.path(".polder").join(name));
    }
    mesh.polder.expect(&["catalog", "sync"]);
    explained(&mesh);

    // There is nothing left to replay, and the stream does not bring it a second time.
    mesh.polder.expect(&mend);
    mesh.polder.expect(&["ingest", "--until-end"]);
    assert_eq!(count(&mesh, "SELECT count(*) FROM shop.bronze.orders"), 4);
    assert_eq!(
        mesh.polder.expect(&["quarantine", "list", "--format", "json"]).trim(),
        "[]"
    );
    let shown = mesh
        .polder
        .expect(&["quarantine", "show", ORDERS, "--all", "--format", "json"]);
    for part in [
        r#""state":"replayed""#,
        "set amount = abs(amount)",
        r#""resolved_by":"ada""#,
        r#"\"amount\":-5.00"#,
    ] {
        assert!(shown.contains(part), "{part} not in {shown}");
    }
    // Gold follows.
    mesh.polder.expect(&["run"]);
    assert_eq!(count(&mesh, "SELECT count(*) FROM shop.gold.daily_orders"), 3);
    let pipeline = "shop.gold.daily_orders";
    mesh.polder.expect(&["quarantine", "replay", pipeline]);
}

#[test]
fn discarding_needs_a_reason_and_a_choice() {
    let mesh = NewMesh::landed();
    mesh.refused(&["quarantine", "discard", ORDERS, "--all"], 2, &["--reason"]);
    mesh.refused(
        &["quarantine", "discard", ORDERS, "--reason", "x"],
        2,
        &["--rule", "--all"],
    );
    mesh.refused(
        &["quarantine", "replay", ORDERS, "--set", "amout = 1"],
        2,
        &["amout", "amount"],
    );
    // A decimal comma is of text, which is in the cast.
    mesh.refused(
        &[
            "quarantine",
            "replay",
            ORDERS,
            "--set",
            "amount = replace(amount, ',', '.')",
        ],
        2,
        &[
            "`replace` takes a string",
            "amount = replace(CAST(amount AS VARCHAR), ',', '.')",
        ],
    );
    mesh.polder.expect(&[
        "quarantine",
        "discard",
        ORDERS,
        "--where",
        "record LIKE '%A-3%'",
        "--reason",
        "a test order",
        "--by",
        "ada",
    ]);
    let stats = mesh
        .polder
        .expect(&["quarantine", "stats", "--by", "rule,state", "--format", "csv"]);
    assert!(
        stats.contains("shop.bronze.orders,amount.minimum,discarded,1,25.0"),
        "{stats}"
    );
    let kept = "SELECT resolution, resolved_by FROM shop.quarantine.bronze_orders";
    assert_eq!(mesh.csv(kept), "resolution,resolved_by\na test order,ada\n");
    mesh.polder.expect(&["quarantine", "replay", ORDERS]);
    assert_eq!(count(&mesh, "SELECT count(*) FROM shop.bronze.orders"), 3);
}

#[test]
fn a_contract_may_refuse_whole_shipments_and_whole_tables() {
    let mesh = NewMesh::built();
    let reject = "minimum: 0\n        customProperties: [{property: polder.onFailure, value: reject}]";
    change_contract(&mesh, "minimum: 0", reject);
    order(&mesh, "A-5", "7.00");
    order(&mesh, "A-6", "-7.00");
    mesh.refused(
        &["ingest", "--until-end"],
        1,
        &[
            "amount.minimum",
            ORDERS,
            "1.0.0",
            "data/orders/2026-01.jsonl",
            "offset 6",
            "-7.00",
        ],
    );
    assert_eq!(count(&mesh, "SELECT count(*) FROM shop.bronze.orders"), 3);
    assert_eq!(count(&mesh, "SELECT count(*) FROM shop.quarantine.bronze_orders"), 1);
    change_contract(&mesh, "value: reject", "value: warn");
    let said = mesh.polder.expect(&["ingest", "--until-end"]);
    assert!(said.contains("1 warned of (amount.minimum 1)"), "{said}");
    assert_eq!(count(&mesh, "SELECT count(*) FROM shop.bronze.orders"), 5);

    // Of orders with one number the first stays.
    change_contract(&mesh, "name: order_id\n", "name: order_id\n        unique: true\n");
    order(&mesh, "A-5", "8.00");
    order(&mesh, "A-7", "9.00");
    mesh.polder.expect(&["ingest", "--until-end"]);
    assert_eq!(count(&mesh, "SELECT count(*) FROM shop.bronze.orders"), 6);
    let listed = mesh.polder.expect(&["quarantine", "list", "--format", "csv"]);
    assert!(listed.contains("order_id.unique"), "{listed}");

    // No row comes at all where the contract's life is over.
    order(&mesh, "A-8", "9.00");
    change_contract(&mesh, "status: active", "status: retired");
    mesh.refused(&["ingest", "--until-end"], 1, &[ORDERS, "retired"]);
    assert_eq!(count(&mesh, "SELECT count(*) FROM shop.bronze.orders"), 6);
}

#[test]
fn who_looks_at_refused_rows_is_told_how_many_are_not_shown() {
    let mesh = NewMesh::landed();
    for id in ["T-1", "T-2"] {
        order(&mesh, id, "-1.00");
    }
    mesh.polder.expect(&["ingest", "--until-end"]);
    let show = |more: &[&str]| mesh.polder.run(&[&["quarantine", "show", ORDERS][..], more].concat());
    let some = show(&["--limit", "2"]);
    assert!(
        some.stderr.contains("2 of 3 rows shown; --limit 3 shows all"),
        "{some:?}"
    );
    assert!(!show(&[]).stderr.contains("shown"));
    let none = show(&["--id", "abc"]);
    assert!(
        none.stdout
            .contains("no row in the quarantine of shop.bronze.orders is selected"),
        "{none:?}"
    );
}

#[test]
fn an_attempt_that_fails_is_history_and_the_row_stays_what_it_was() {
    let mesh = NewMesh::landed();
    let replay = ["quarantine", "replay", ORDERS];
    let nonsense = [&replay[..], &["--set", "amount = 1 / 0", "--by", "ada"]].concat();
    let said = mesh.polder.run(&nonsense);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stdout.contains("division by zero"), "{said:?}");
    let kept = "SELECT rule, reason, contract_version, attempts FROM shop.quarantine.bronze_orders";
    assert_eq!(
        mesh.csv(kept),
        "rule,reason,contract_version,attempts\namount.minimum,amount is -5.00: the minimum is 0,1.0.0,1\n"
    );
    let shown = mesh
        .polder
        .expect(&["quarantine", "show", ORDERS, "--rule", "amount.minimum"]);
    for part in [
        "data/orders/2026-01.jsonl/0 offset 3:",
        "shop.orders: refused by amount.minimum (contract version 1.0.0): amount is -5.00",
        "ada: set amount = 1 / 0: refused by patch",
    ] {
        assert!(shown.contains(part), "{part} not in {shown}");
    }

    // Rules that no row has, columns that are not set, and conditions about what is no column.
    let help = ["amount.minimm", "did you mean `amount.minimum`"];
    for command in ["replay", "show"] {
        mesh.refused(&["quarantine", command, ORDERS, "--rule", "amount.minimm"], 2, &help);
    }
    let discard = [
        "quarantine",
        "discard",
        ORDERS,
        "--reason",
        "x",
        "--rule",
        "amount.minimm",
    ];
    mesh.refused(&discard, 2, &help);
    mesh.refused(
        &[&replay[..], &["--set", "_offset = 1"]].concat(),
        2,
        &["_offset", "amount"],
    );
    mesh.refused(
        &[&replay[..], &["--where", "amount < 0"]].concat(),
        2,
        &["amount", "record LIKE"],
    );
    // A rule that the contract has is no mistake.
    let none = mesh
        .polder
        .expect(&[&replay[..], &["--rule", "currency.pattern"]].concat());
    assert!(none.contains("no open row is selected"), "{none}");
    let discard = [
        "quarantine",
        "discard",
        ORDERS,
        "--reason",
        "x",
        "--rule",
        "currency.pattern",
    ];
    let none = mesh.polder.expect(&discard);
    assert!(none.contains("nothing was discarded"), "{none}");
    // A rehearsal points to no rule that the rows do not have.
    let rehearsed = mesh
        .polder
        .run(&[&replay[..], &["--dry-run", "--set", "currency = 'x'"]].concat());
    assert!(!rehearsed.stderr.contains("--rule"), "{rehearsed:?}");
    // Whoever decides is known, if nothing says it to the system, too.
    mesh.polder
        .expect(&["quarantine", "discard", ORDERS, "--all", "--reason", "noise"]);
    let by = mesh.csv("SELECT resolved_by FROM shop.quarantine.bronze_orders");
    assert_ne!(by, "resolved_by\nunknown\n");
}

#[test]
fn what_a_record_says_is_read_by_the_contract_and_the_stream_of_now() {
    let mesh = NewMesh::landed();
    line(
        &mesh,
        r#"{"order_id": "N-1", "ordered_at": "2026-01-06T09:00:00+01:00", "kunde": "eve", "amount": "lots", "currency": "EUR"}"#,
    );
    line(
        &mesh,
        r#"{"order_id": "N-2", "ordered_at": "yesterday", "kunde": "eve", "amount": 2, "currency": "EUR"}"#,
    );
    mesh.polder.expect(&["ingest", "--until-end"]);
    // The event time that a refused record carries is kept, in whatever zone it was written.
    let times = "SELECT rule, _event_time FROM shop.quarantine.bronze_orders WHERE _offset > 4 ORDER BY _offset";
    assert_eq!(
        mesh.csv(times),
        "rule,_event_time\namount.type,2026-01-06T08:00:00Z\nordered_at.type,\n"
    );
    // The column is named after the record's field: its bytes say what its row did not.
    change_contract(&mesh, "name: customer\n", "name: kunde\n");
    change_contract(&mesh, "version: 1.0.0", "version: 2.0.0");
    let replay = ["quarantine", "replay", ORDERS, "--rule"];
    mesh.polder
        .expect(&[&replay[..], &["amount.type", "--set", "amount = 7"]].concat());
    let mend = "ordered_at = '2026-01-05T00:00:00Z'";
    mesh.polder
        .expect(&[&replay[..], &["ordered_at.type", "--set", mend]].concat());
    let rows = "SELECT order_id, ordered_at, _event_time, kunde, amount FROM shop.bronze.orders WHERE order_id LIKE 'N%' \
                ORDER BY order_id";
    assert_eq!(
        mesh.csv(rows),
        "order_id,ordered_at,_event_time,kunde,amount\n\
         N-1,2026-01-06T08:00:00Z,2026-01-06T08:00:00Z,eve,7.00\n\
         N-2,2026-01-05T00:00:00Z,2026-01-05T00:00:00Z,eve,2.00\n"
    );

    // Records that could not be read come back when their stream is declared as they are.
    let stream = mesh.path("pipelines/shop/orders.stream.yaml");
    let declared = fs::read_to_string(&stream).unwrap();
    fs::write(
        &stream,
        declared.replace("encoding: json", "encoding: json\n  payload: order"),
    )
    .unwrap();
    order(&mesh, "N-3", "3.00");
    line(&mesh, "no json");
    mesh.polder.expect(&["ingest", "--until-end"]);
    let listed = mesh.polder.expect(&["quarantine", "list", "--format", "csv"]);
    assert!(
        listed.contains("order.type") && listed.contains("format.json"),
        "{listed}"
    );
    fs::write(&stream, declared).unwrap();
    let said = mesh
        .polder
        .run(&["quarantine", "replay", ORDERS, "--where", "_offset > 6"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.stderr.contains("1 of 2 rows came into shop.bronze.orders"),
        "{said:?}"
    );
    mesh.polder.expect(&["ingest", "--until-end"]);
    let twice = "SELECT count(*) FROM shop.bronze.orders WHERE order_id = 'N-3'";
    assert_eq!(count(&mesh, twice), 1);
    let attempts = "SELECT count(*) FROM shop.quarantine.bronze_orders WHERE rule = 'format.json' AND attempts = 1";
    assert_eq!(count(&mesh, attempts), 1);
}

#[test]
fn what_a_record_says_beside_the_contract_of_now_can_be_named() {
    let mesh = NewMesh::landed();
    change_contract(&mesh, "name: customer\n", "name: client\n");
    let replay = ["quarantine", "replay", ORDERS, "--set"];
    // A word that no record has is a mistake, and what a record says is not set.
    mesh.refused(&[&replay[..], &["client = custmer"]].concat(), 2, &["custmer"]);
    mesh.refused(&[&replay[..], &["customer = 'x'"]].concat(), 2, &["customer"]);
    mesh.polder
        .expect(&[&replay[..], &["client = upper(customer), amount = abs(amount)"]].concat());
    let row = "SELECT client, amount FROM shop.bronze.orders WHERE order_id = 'A-3'";
    assert_eq!(mesh.csv(row), "client,amount\nADA,5.00\n");
}

#[test]
fn a_column_behind_a_dataset_is_traced_like_one_that_is_named_apart() {
    let mesh = NewMesh::built();
    let apart = ["lineage", ORDERS, "--columns", "--column", "amount", "--format", "csv"];
    let together = ["lineage", "shop.bronze.orders.amount", "--format", "csv"];
    let traced = mesh.polder.expect(&together);
    assert!(traced.contains("shop.gold.daily_orders"), "{traced}");
    assert_eq!(traced, mesh.polder.expect(&apart));
    let unknown = ["lineage", "shop.bronze.orders.amuont"];
    mesh.refused(&unknown, 2, &["amuont", "did you mean `amount`"]);
    let two = [
        "lineage",
        "shop.bronze.orders.amount",
        "--columns",
        "--column",
        "currency",
    ];
    mesh.refused(&two, 2, &["amount", "--column currency"]);
}

#[test]
fn refused_rows_are_a_dataset_like_any_other_under_a_contract_that_is_built_in() {
    const REFUSED: &str = "shop.quarantine.bronze_orders";
    let mesh = NewMesh::built();
    let tested = mesh.polder.run(&["test", REFUSED, "--format", "json"]);
    assert_eq!(tested.code, Some(0), "{tested:?}");
    let page = mesh.polder.expect(&["contract", "export", REFUSED, "--to", "markdown"]);
    assert!(page.starts_with("# Refused rows of shop.bronze.orders\n"), "{page}");
    assert!(page.contains("you@shop.example"), "{page}");
    assert!(!page.contains("goes to quarantine"), "{page}");

    // Pipelines read it: reports of what is refused need no contract written by hand.
    let query = format!("SELECT rule, count(*) AS refused FROM {REFUSED} WHERE state = 'open' GROUP BY rule");
    fs::write(mesh.path("pipelines/shop/refusals.sql"), query).unwrap();
    let declared =
        "description: What is refused.\ndataset: shop.gold.refusals\nmaterialization: replace_groups\nkey: [rule]\n";
    fs::write(mesh.path("pipelines/shop/refusals.pipeline.yaml"), declared).unwrap();
    let contract = "
apiVersion: v3.1.0
kind: DataContract
id: refusals
name: Refusals
version: 1.0.0
status: active
schema:
  - name: refusals
    physicalName: shop.gold.refusals
    properties:
      - {name: rule, logicalType: string, required: true}
      - {name: refused, logicalType: integer, physicalType: bigint, required: true}
";
    fs::write(mesh.path("contracts/shop/refusals.odcs.yaml"), contract).unwrap();
    // What is checked needs no lake, and looks at none.
    let (lake, aside) = (mesh.path(".polder"), mesh.path("aside"));
    fs::rename(&lake, &aside).unwrap();
    mesh.polder.expect(&["check"]);
    let _ = fs::remove_dir_all(&lake);
    fs::rename(&aside, &lake).unwrap();
    mesh.polder.expect(&["run", "--select", "shop.refusals"]);
    let shown = ["quarantine", "show", "shop.bronze.orders", "--where", "state = 'open'"];
    assert!(mesh.polder.expect(&shown).contains("amount.minimum"));
    let counted = mesh.csv("SELECT rule, refused FROM shop.gold.refusals");
    assert_eq!(counted, "rule,refused\namount.minimum,1\n");
    // It leads to where the rows came from.
    let lineage = mesh.polder.expect(&["lineage", "shop.gold.refusals"]);
    assert!(
        lineage.contains("stream shop.orders") && lineage.contains("data/orders"),
        "{lineage}"
    );

    // Nobody builds it.
    let builds = declared.replace("shop.gold.refusals", REFUSED);
    fs::write(mesh.path("pipelines/shop/refusals.pipeline.yaml"), builds).unwrap();
    for command in ["check", "run"] {
        mesh.refused(&[command], 2, &["built-in-contract", REFUSED, "no pipeline builds it"]);
    }
    assert_eq!(mesh.csv(&format!("SELECT count(*) AS n FROM {REFUSED}")), "n\n1\n");
    fs::write(mesh.path("pipelines/shop/refusals.pipeline.yaml"), declared).unwrap();

    // Nobody describes it anew.
    fs::write(
        mesh.path("contracts/shop/refusals.odcs.yaml"),
        contract.replace("shop.gold.refusals", REFUSED),
    )
    .unwrap();
    let checked = mesh.polder.run(&["check"]);
    assert!(
        checked.code == Some(2) && checked.stderr.contains("error[built-in-contract]"),
        "{checked:?}"
    );
}
