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
