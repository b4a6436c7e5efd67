//! Policies and sample rows, from documents to exit codes.

use std::fs;

use crate::{mesh::Mesh, new_mesh::NewMesh};

/// A published test number of a card network.
const CARD: &str = "4111 1111 1111 1111";

#[test]
fn the_repositorys_rules_are_all_proven_by_samples() {
    let mesh = Mesh::offline();
    let said = mesh
        .polder
        .expect(&["contract", "test", "--require-all", "--format", "json"]);
    let results: Vec<serde_json::Value> = serde_json::from_str(&said).unwrap();
    assert!(results.len() > 50);
    assert!(results.iter().all(|result| result["result"] == "proven"), "{said}");
}

#[test]
fn a_rule_that_its_samples_do_not_show_fails_the_test() {
    let mesh = NewMesh::landed();
    let said = mesh
        .polder
        .expect(&["contract", "test", "shop.bronze.orders", "--require-all"]);
    assert!(said.contains("6 rules: 6 proven"), "{said}");
    mesh.refused(&["contract", "test", "shop.bronze.order"], 2, &["shop.bronze.orders"]);

    let contract = mesh.path("contracts/shop/orders.odcs.yaml");
    let text = fs::read_to_string(&contract).unwrap();
    fs::write(&contract, text.replace("minimum: 0", "minimum: -1")).unwrap();
    let ended = mesh.polder.run(&["contract", "test"]);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stdout.contains("it does not fire on its bad sample"),
        "{}",
        ended.stdout
    );

    fs::remove_file(mesh.path("contracts/shop/orders.samples.yaml")).unwrap();
    assert_eq!(mesh.polder.run(&["contract", "test"]).code, Some(0));
    assert_eq!(mesh.polder.run(&["contract", "test", "--require-all"]).code, Some(1));
}

#[test]
fn a_contract_that_breaks_a_declared_policy_fails_the_check() {
    let mesh = Mesh::offline();
    mesh.edit(
        "contracts/sales/products.silver.odcs.yaml",
        "  - property: retention\n",
        "  - property: timeToRepair\n",
    );
    mesh.refused(
        &["check"],
        2,
        &[
            "retention-set",
            "contracts/sales/products.silver.odcs.yaml",
            "slaProperties",
        ],
    );
    mesh.edit(
        "catalog/policies/delivery.yaml",
        "    parameters: {properties: [retention]}\n",
        "    parameters: {properties: [retention]}\n    exceptions: [{dataset: sales.silver.products, reason: a trial, until: 2999-12-31}]\n",
    );
    assert!(mesh.polder.expect(&["check"]).contains("0 errors, 0 warnings"));
}

#[test]
fn a_mesh_without_policies_is_warned_by_the_default_set() {
    let mesh = NewMesh::landed();
    assert!(mesh.polder.expect(&["check"]).contains("0 errors, 0 warnings"));
    let contract = mesh.path("contracts/shop/orders.odcs.yaml");
    let text = fs::read_to_string(&contract).unwrap();
    fs::write(
        &contract,
        text.replace("        classification: confidential\n", "")
            .replace("name: customer\n", "name: customer_name\n"),
    )
    .unwrap();
    let samples = mesh.path("contracts/shop/orders.samples.yaml");
    let text = fs::read_to_string(&samples).unwrap();
    fs::write(&samples, text.replace("customer:", "customer_name:")).unwrap();
    let ended = mesh.polder.run(&["check"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("warning[personal-data]"), "{}", ended.stderr);
    assert!(
        mesh.polder
            .expect(&["policy", "list", "--format", "json"])
            .contains("personal-data")
    );
    assert!(
        mesh.polder
            .expect(&["policy", "show", "personal-data"])
            .contains("classification")
    );
    mesh.refused(&["policy", "show", "personal-date"], 2, &["personal-data"]);
}

#[test]
fn policies_that_are_switched_off_are_told() {
    let mesh = NewMesh::landed();
    fs::create_dir_all(mesh.path("catalog/policies")).unwrap();
    let list = mesh.polder.run(&["policy", "list"]);
    assert!(list.stdout.contains("personal-data"), "{}", list.stdout);
    fs::write(mesh.path("catalog/policies/own.yaml"), "policies: []\n").unwrap();
    for command in [&["check"][..], &["policy", "list"]] {
        let ended = mesh.polder.run(command);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let said =
            "warning[no-policy]: catalog/policies/own.yaml: catalog/policies declares no policy: nothing is checked";
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
    }
}

#[test]
fn a_card_number_in_a_table_is_found_and_never_shown() {
    let mesh = NewMesh::landed();
    let scan = ["policy", "scan", "shop.bronze.orders"];
    assert!(mesh.polder.expect(&scan).contains("nothing in 3 rows"));
    // A search of a part says so.
    let ended = mesh
        .polder
        .run(&["policy", "scan", "shop.bronze.orders", "--rows", "2"]);
    assert!(ended.stdout.contains("nothing in 2 of 3 rows"), "{}", ended.stdout);
    assert!(ended.stderr.contains("`--rows 0` searches all"), "{}", ended.stderr);
    let whole = ["policy", "scan", "shop.bronze.orders", "--rows", "3"];
    assert!(mesh.polder.expect(&whole).contains("nothing in 3 rows"));
    // The pipeline has not run yet.
    let gold = ["policy", "scan", "shop.gold.daily_orders"];
    mesh.refused(&gold, 2, &["shop.gold.daily_orders has no table yet"]);
    let order = format!(
        "{{\"order_id\": \"{CARD}\", \"ordered_at\": \"2026-03-01T08:00:00Z\", \"amount\": 1.00, \"currency\": \"EUR\"}}\n"
    );
    fs::write(mesh.path("data/orders/2026-03.jsonl"), order).unwrap();
    mesh.polder.expect(&["ingest", "--until-end"]);
    let ended = mesh.polder.run(&scan);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stdout.contains("card-number") && ended.stdout.contains("************1111"),
        "{}",
        ended.stdout
    );
    for said in [&ended.stdout, &ended.stderr] {
        assert!(!said.contains(CARD) && !said.contains("4111"), "{said}");
    }
}

/// A mesh whose orders have a comment, with a delivery that waits: a card number in free text, and an order that the
/// contract refuses.
fn with_a_card_in_a_comment() -> NewMesh {
    let mesh = NewMesh::landed();
    let contract = mesh.path("contracts/shop/orders.odcs.yaml");
    let text = fs::read_to_string(&contract).unwrap();
    let column = "      - name: comment\n        description: What the customer wrote.\n        logicalType: string\n        physicalType: string\n";
    fs::write(&contract, text.replace("team:\n", &format!("{column}team:\n"))).unwrap();
    let orders = "{\"order_id\": \"C-1\", \"ordered_at\": \"2026-03-01T08:00:00Z\", \"amount\": -1.00, \"currency\": \"EUR\"}\n\
                  {\"order_id\": \"C-2\", \"ordered_at\": \"2026-03-01T09:00:00Z\", \"amount\": 1.00, \"currency\": \"EUR\", \
                  \"comment\": \"by 4111111111111111, please\"}\n";
    fs::write(mesh.path("data/orders/2026-03.jsonl"), orders).unwrap();
    mesh
}

const INGEST: [&str; 2] = ["ingest", "--until-end"];
const ORDERS: &str = "SELECT count(*) AS n FROM shop.bronze.orders";
const REFUSED: &str = "SELECT count(*) AS n FROM shop.quarantine.bronze_orders";
/// What is said of the comment, whoever says it.
const FOUND: &str = "`comment` holds a card number (************1111)";

/// Declares the policy about rows, with more keys of its own.
fn declare(mesh: &NewMesh, severity: &str, more: &str) {
    fs::create_dir_all(mesh.path("catalog/policies")).unwrap();
    let text = format!(
        "policies:\n  - {{id: no-cards, description: d, reason: r, remedy: Mask it at the source., severity: {severity}, \
         rule: no-secrets-landed{more}}}\n"
    );
    fs::write(mesh.path("catalog/policies/own.yaml"), text).unwrap();
}

#[test]
fn a_card_number_that_lands_is_told_of_without_its_value() {
    let mesh = with_a_card_in_a_comment();
    // Two commits, each with one: it is told once a run.
    let again = fs::read_to_string(mesh.path("data/orders/2026-03.jsonl")).unwrap();
    fs::write(mesh.path("data/orders/2026-04.jsonl"), again).unwrap();
    let stream = mesh.path("pipelines/shop/orders.stream.yaml");
    let text = fs::read_to_string(&stream).unwrap();
    fs::write(&stream, format!("{text}trigger: {{rows: 2}}\n")).unwrap();
    let ended = mesh.polder.run(&INGEST);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stdout.contains("2 commits"), "{}", ended.stdout);
    let said = format!("shop.orders: policy no-secrets-landed: {FOUND}, in 1 value of 1 row searched");
    assert_eq!(ended.stderr.matches(&said).count(), 1, "{}", ended.stderr);
    assert!(!ended.stderr.contains("4111") && !ended.stdout.contains("4111"));
    assert_eq!(mesh.csv(ORDERS), "n\n5\n");
    // What landed is not news.
    assert!(!mesh.polder.run(&INGEST).stderr.contains("holds a card number"));
    let policy = mesh.polder.expect(&["policy", "show", "no-secrets-landed"]);
    assert!(policy.contains("polder policy scan"), "{policy}");
}

#[test]
fn policies_that_cannot_be_read_do_not_leave_rows_unsearched() {
    let mesh = with_a_card_in_a_comment();
    declare(&mesh, "fatal", "");
    let ended = mesh.polder.run(&INGEST);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    // Nobody says who may see what: not even the mask is told.
    let said = "policy no-secrets-landed: `comment` holds a card number, in 1 value of 1 row searched";
    assert!(
        ended.stderr.contains("`fatal` is not a severity") && ended.stderr.contains(said),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_card_number_that_a_policy_refuses_does_not_land_until_it_is_excused() {
    let mesh = with_a_card_in_a_comment();
    let before = mesh.csv(REFUSED);
    declare(&mesh, "error", "");
    for _ in 0..2 {
        let ended = mesh.refused(
            &INGEST,
            1,
            &[
                "policy no-cards refuses what shop.orders delivers to shop.bronze.orders",
                FOUND,
                "data/orders/2026-03.jsonl",
                "Mask it at the source.",
            ],
        );
        assert!(!ended.stderr.contains("4111") && !ended.stdout.contains("4111"));
        assert_eq!(
            (mesh.csv(ORDERS), mesh.csv(REFUSED)),
            ("n\n3\n".to_owned(), before.clone())
        );
    }
    // An exception of another column, or one that has ended, excuses nothing.
    for wrong in [
        "column: customer, reason: r, until: 9999-12-31",
        "column: comment, reason: r, until: 2026-01-01",
    ] {
        declare(
            &mesh,
            "error",
            &format!(", exceptions: [{{dataset: 'shop.*', {wrong}}}]"),
        );
        mesh.refused(&INGEST, 1, &[FOUND]);
    }
    let excused = ", exceptions: [{dataset: shop.bronze.orders, column: comment, reason: r, until: 9999-12-31}]";
    declare(&mesh, "error", excused);
    assert!(mesh.polder.expect(&["check"]).contains("0 errors, 0 warnings"));
    let ended = mesh.polder.run(&INGEST);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(!ended.stderr.contains("holds a card number"), "{}", ended.stderr);
    assert_eq!(mesh.csv(ORDERS), "n\n4\n");
    assert_ne!(mesh.csv(REFUSED), before);
}

#[test]
fn what_pipelines_write_and_what_is_replayed_is_held_against_the_policy_too() {
    let mesh = with_a_card_in_a_comment();
    mesh.polder.expect(&INGEST);
    let contract = fs::read_to_string(mesh.path("contracts/shop/orders.odcs.yaml")).unwrap();
    let silver = contract.replace("shop.bronze.orders", "shop.silver.orders");
    fs::write(mesh.path("contracts/shop/silver_orders.odcs.yaml"), silver).unwrap();
    fs::write(
        mesh.path("pipelines/shop/clean.pipeline.yaml"),
        "description: Orders.\ndataset: shop.silver.orders\nmaterialization: append\n",
    )
    .unwrap();
    let query = "SELECT order_id, ordered_at, customer, amount, currency, comment FROM shop.bronze.orders\n";
    fs::write(mesh.path("pipelines/shop/clean.sql"), query).unwrap();
    declare(&mesh, "error", "");
    let run = ["run", "--select", "shop.clean"];
    mesh.refused(
        &run,
        1,
        &[
            "policy no-cards refuses what shop.clean delivers to shop.silver.orders",
            FOUND,
        ],
    );
    declare(&mesh, "warning", "");
    let ended = mesh.polder.run(&run);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let said = format!("shop.clean: policy no-cards: {FOUND}, in 1 value of 4 rows searched");
    assert_eq!(ended.stderr.matches(&said).count(), 1, "{}", ended.stderr);

    declare(&mesh, "error", "");
    let replay = [
        "quarantine",
        "replay",
        "shop.bronze.orders",
        "--set",
        "amount = 1, comment = '4111111111111111'",
        "--by",
        "ann",
    ];
    let before = mesh.csv(ORDERS);
    mesh.refused(&replay, 1, &["policy no-cards refuses", FOUND]);
    assert_eq!(mesh.csv(ORDERS), before);
}
