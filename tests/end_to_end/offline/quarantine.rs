//! What becomes of refused rows and shipments, on a mesh that needs no service.

use std::fs::{self, OpenOptions};
use std::io::Write as _;

use crate::new_mesh::NewMesh;

const ORDERS: &str = "shop.bronze.orders";
const CONTRACT: &str = "contracts/shop/orders.odcs.yaml";

fn count(mesh: &NewMesh, query: &str) -> u64 {
    mesh.csv(query).lines().nth(1).unwrap().parse().unwrap()
}

/// One more order in the file that the mesh came with.
fn order(mesh: &NewMesh, id: &str, amount: &str) {
    let mut file = OpenOptions::new()
        .append(true)
        .open(mesh.path("data/orders/2026-01.jsonl"))
        .unwrap();
    writeln!(
        file,
        "{{\"order_id\": \"{id}\", \"ordered_at\": \"2026-01-06T08:00:00Z\", \"customer\": \"ada\", \"amount\": {amount}, \
         \"currency\": \"EUR\"}}"
    )
    .unwrap();
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
fn a_value_that_its_type_cannot_hold_is_mended_like_any_other() {
    let mesh = NewMesh::built();
    order(&mesh, "T-1", "1.005");
    mesh.polder.expect(&["ingest", "--until-end"]);
    // Under the same contract the value is never cut to fit: it stays until somebody says what it is.
    let again = mesh
        .polder
        .run(&["quarantine", "replay", ORDERS, "--rule", "amount.type"]);
    assert_eq!(again.code, Some(1), "{again:?}");
    assert!(again.stdout.contains("`amount`"), "{again:?}");
    let it = "record LIKE '%T-1%'";
    let mend = ["quarantine", "replay", ORDERS, "--where", it, "--set", "amount = 1.01"];
    mesh.polder.expect(&mend);
    let row = "SELECT amount, customer, _topic FROM shop.bronze.orders WHERE order_id = 'T-1'";
    assert_eq!(
        mesh.csv(row),
        "amount,customer,_topic\n1.01,ada,data/orders/2026-01.jsonl\n"
    );
}
