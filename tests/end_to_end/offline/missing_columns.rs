//! A column that a contract has got and that the table, or a file, does not have yet: SQL reads nulls wherever it is asked.

use std::fs;

use serde_json::{Value, json};

use crate::new_mesh::NewMesh;

const ORDERS: &str = "contracts/shop/orders.odcs.yaml";
const DAILY: &str = "pipelines/shop/daily_orders.sql";
const FILE: &str = "orders.parquet";
/// The rule of [`with_column`] that is a query.
const RULE: &str = "big_discount";

fn edit(mesh: &NewMesh, document: &str, old: &str, new: &str) {
    let path = mesh.path(document);
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.matches(old).count(), 1, "{old:?} in {document}");
    fs::write(path, text.replace(old, new)).unwrap();
}

/// A mesh of which everything is built, whose contract for orders then gets one more column and a rule about it. The table of the
/// orders does not have it yet, and neither has a file of its rows.
fn with_column(required: bool) -> NewMesh {
    let mesh = NewMesh::built();
    mesh.polder
        .expect(&["sql", "-o", FILE, "SELECT * FROM shop.bronze.orders"]);
    let column = format!(
        "      - name: disc
        description: What was taken off the amount.
        logicalType: number
        physicalType: decimal(12,2)
        required: {required}
    quality:
      - id: {RULE}
        type: sql
        query: SELECT count(*) FROM {{object}} WHERE disc > 100
        mustBe: 0
      - id: given
        type: sql
        query: SELECT count(DISTINCT disc) FROM {{object}}
        mustBe: 0
team:
"
    );
    edit(&mesh, ORDERS, "team:\n", &column);
    edit(&mesh, ORDERS, "version: 1.0.0", "version: 1.1.0");
    edit(&mesh, DAILY, "sum(amount)", "sum(amount - coalesce(disc, 0))");
    mesh
}

/// What `polder test` gives for a rule: verdict and figure.
fn verdict(mesh: &NewMesh, rule: &str, of: &[&str]) -> (String, Value) {
    let ended = mesh.polder.run(&[&["test", "--format", "json"], of].concat());
    let rules: Vec<Value> = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended:?}"));
    let found = rules.iter().find(|found| found["rule"] == rule);
    let found = found.unwrap_or_else(|| panic!("{rule}: {ended:?}"));
    (found["verdict"].as_str().unwrap().to_owned(), found["figure"].clone())
}

#[test]
fn a_column_that_a_table_does_not_have_yet_is_of_nulls_to_all_sql() {
    let mesh = with_column(false);
    let totals = "SELECT order_day, currency, orders, amount FROM shop.gold.daily_orders ORDER BY 1, 2";
    let (before, held) = (mesh.csv(totals), ("passed".to_owned(), json!(0)));
    mesh.polder.expect(&["check"]);

    // Queries, of the table as it is and of its past.
    for of in ["", " VERSION AS OF 1"] {
        let said = mesh.csv(&format!(
            "SELECT count(*) AS n, count(disc) AS given, sum(disc) AS total FROM shop.bronze.orders{of}"
        ));
        assert_eq!(said, "n,given,total\n3,0,\n");
    }
    assert_eq!(
        mesh.csv("SELECT arrow_typeof(disc) AS kind FROM shop.bronze.orders LIMIT 1"),
        "kind\n\"Decimal128(12, 2)\"\n"
    );
    assert_eq!(
        mesh.csv("SELECT order_id FROM shop.bronze.orders WHERE disc IS NOT NULL OR disc < 1"),
        "order_id\n"
    );

    // Rules, over the table, its past and files.
    for rule in [RULE, "given"] {
        assert_eq!(verdict(&mesh, rule, &["shop.bronze.orders"]), held);
        for file in [FILE, "data/orders/2026-01.jsonl"] {
            assert_eq!(verdict(&mesh, rule, &[ORDERS, "--data", file]), held, "{file}");
        }
    }
    let backtest = ["contract", "backtest", "shop.bronze.orders", "--format", "json"];
    let past: Value = serde_json::from_str(&mesh.polder.expect(&backtest)).unwrap();
    assert_eq!(past[0]["rules"], json!([]), "{past}");

    // Pipelines.
    let said = mesh.polder.expect(&["run"]);
    assert!(said.contains("definition changed"), "{said}");
    assert_eq!(mesh.csv(totals), before);

    // Nothing of it is another once the table has the column.
    mesh.polder.expect(&["ingest", "--until-end"]);
    assert_eq!(verdict(&mesh, RULE, &["shop.bronze.orders"]), held);
    mesh.polder.expect(&backtest);
    mesh.polder.expect(&["run"]);
    assert_eq!(mesh.csv(totals), before);
}

#[test]
fn a_column_of_which_a_value_is_required_must_be_there() {
    let mesh = with_column(true);
    mesh.refused(
        &["sql", "SELECT disc FROM shop.bronze.orders"],
        2,
        &["there is no column `disc`"],
    );
    for tells in ["plan", "run"] {
        mesh.refused(&[tells], 2, &["there is no column `disc`", "daily_orders.sql:5:27"]);
    }
    // What is not there is no value, whichever rule says so.
    assert_eq!(
        verdict(&mesh, "disc.required", &["shop.bronze.orders"]),
        ("failed".to_owned(), json!(3))
    );
    for of in [&["shop.bronze.orders"][..], &[ORDERS, "--data", FILE]] {
        assert_eq!(verdict(&mesh, "given", of), ("passed".to_owned(), json!(0)));
    }
}
