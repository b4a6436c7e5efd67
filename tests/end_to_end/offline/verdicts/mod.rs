//! Contracts with every kind of rule, and the same rows at every gate: the write, `polder test`, and what CI runs without
//! a table, which is `polder contract test` on samples and `polder check`. What each row breaks, and each figure, is written
//! beside the rows, by hand.

mod backtests;
mod everything;
mod history;
mod keys;
mod mesh;
mod not_run;
mod numbers;
mod past;
mod physical_types;
mod references;
mod reports;
mod rows;
mod sets;
mod warnings;

use serde_json::{Value, json};

pub(super) use mesh::Mesh;

/// The dataset that is written and tested.
pub(super) const DATASET: &str = "sales.bronze.everything";
/// Its contract.
pub(super) const CONTRACT: &str = "contracts/sales/everything.odcs.yaml";

/// The columns, without any rule.
const COLUMNS: [(&str, &str); 21] = [
    ("id", "logicalType: integer, physicalType: int"),
    ("must", "logicalType: string"),
    ("size", "logicalType: string"),
    ("level", "logicalType: integer, physicalType: int"),
    ("price", "logicalType: number, physicalType: 'decimal(10,2)'"),
    ("code", "logicalType: string"),
    ("mail", "logicalType: string"),
    ("state", "logicalType: string"),
    ("note", "logicalType: string"),
    ("low", "logicalType: integer, physicalType: int"),
    ("high", "logicalType: integer, physicalType: int"),
    ("seen", "logicalType: timestamp, physicalType: timestamp"),
    ("day", "logicalType: date"),
    ("short", "logicalType: integer, physicalType: bigint"),
    ("kind", "logicalType: string"),
    ("word", "logicalType: string"),
    ("tags", "logicalType: array, items: {logicalType: string}"),
    (
        "place",
        "logicalType: object, properties: [{name: city, logicalType: string}, {name: zip, logicalType: string}, \
         {name: land, logicalType: string}]",
    ),
    (
        "box",
        "logicalType: object, properties: [{name: wide, logicalType: string}, {name: high, logicalType: string}]",
    ),
    (
        "lines",
        "logicalType: array, items: {logicalType: object, properties: [{name: pieces, logicalType: integer, physicalType: \
         int}]}",
    ),
    (
        "rates",
        "logicalType: map, map: {key: {logicalType: string}, value: {logicalType: integer, physicalType: int}}",
    ),
];

/// A row that keeps every rule.
fn good(id: usize) -> Value {
    json!({
        "id": id, "must": "yes", "size": "äöü", "level": 95, "price": 999.99, "code": "ABC", "mail": "ada@shop.example",
        "state": "new", "note": "n", "low": 1, "high": 1, "seen": "2026-01-02T03:04:05Z", "day": "2026-01-02",
        "short": 32767, "kind": "a", "word": "w", "tags": ["aa", "bb"], "place": {"city": "Berlin", "zip": "10115"}, "box": {"wide": "w"},
        "lines": [{"pieces": 1}, {"pieces": 2}], "rates": {"EUR": 1, "USD": 2},
    })
}

/// Ten rows, with ids from 0: two nulls, three that stand for nothing, four unknown states, two codes, eight pairs of code
/// and level, and prices of 1 to 10.
fn ten_rows() -> Vec<Value> {
    (0..10)
        .map(|n| {
            let mut row = good(n);
            row["must"] = if n < 2 { Value::Null } else { json!("yes") };
            row["note"] = json!(["", "n/a"].get(n).copied().unwrap_or("n"));
            if n == 2 {
                row["note"] = Value::Null;
            }
            row["state"] = json!(if n < 4 { "lost" } else { "new" });
            row["code"] = json!(if n % 2 == 0 { "ABC" } else { "DEF" });
            row["level"] = json!(5 * (1 + n % 5 % 4));
            row["price"] = json!(n + 1);
            row
        })
        .collect()
}

/// A contract of the dataset: the columns with what is added to them, then whatever the object as a whole gets.
fn contract(version: &str, added: &[(&str, &str)], object: &str) -> String {
    let columns: String = COLUMNS
        .iter()
        .map(|(name, column)| {
            let rules: Vec<&str> = added
                .iter()
                .filter(|(of, _)| of == name)
                .map(|(_, rule)| *rule)
                .collect();
            // What is added may spell a compound type out anew.
            let column = if rules.iter().any(|rule| rule.starts_with("logicalType:")) {
                String::new()
            } else {
                format!(", {column}")
            };
            let rules: String = rules.iter().map(|rule| format!(", {rule}")).collect();
            format!("      - {{name: {name}{column}{rules}}}\n")
        })
        .collect();
    format!(
        "apiVersion: v3.1.0\nkind: DataContract\nid: {DATASET}\nname: Everything\nversion: {version}\nstatus: active\n\
         schema:\n  - name: everything\n    physicalName: {DATASET}\n{object}    properties:\n{columns}"
    )
}
