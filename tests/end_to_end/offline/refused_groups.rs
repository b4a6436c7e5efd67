//! Groups that a pipeline's runs compute anew: in quarantine is what the query gives now, and no more.

use std::fs::{self, OpenOptions};
use std::io::Write as _;

use serde_json::Value;

use crate::new_mesh::NewMesh;

const DAYS: &str = "shop.gold.daily_orders";

/// The mesh, where a day is refused that brought less than 50. Of its orders, the second of January brought 120.40, the
/// fifth 12.00.
fn strict() -> NewMesh {
    let mesh = NewMesh::landed();
    let path = mesh.path("contracts/shop/daily_orders.odcs.yaml");
    let text = fs::read_to_string(&path).unwrap();
    let (money, promises) = ("physicalType: decimal(38,2)\n", "slaProperties:\n");
    assert!(text.contains(money) && text.contains(promises), "{text}");
    let limit = format!("{money}        logicalTypeOptions: {{minimum: 50}}\n");
    let rate = format!("{promises}  - property: errorRate\n    value: 50\n    unit: percent\n");
    fs::write(path, text.replacen(money, &limit, 1).replacen(promises, &rate, 1)).unwrap();
    mesh.polder.expect(&["run"]);
    mesh
}

/// One more order of 15.00 on the fifth, which is landed and built in.
fn order(mesh: &NewMesh, id: &str) {
    let mut file = OpenOptions::new()
        .append(true)
        .open(mesh.path("data/orders/2026-01.jsonl"))
        .unwrap();
    let order =
        format!(r#"{{"order_id": "{id}", "ordered_at": "2026-01-05T11:30:00Z", "amount": 15.00, "currency": "EUR"}}"#);
    writeln!(file, "{order}").unwrap();
    mesh.polder.expect(&["ingest", "--until-end"]);
    mesh.polder.expect(&["run"]);
}

/// How many days are open, and for how much each.
fn open(mesh: &NewMesh) -> (usize, Vec<String>) {
    let listed = mesh.polder.expect(&["quarantine", "list", DAYS, "--format", "json"]);
    let listed: Vec<Value> = serde_json::from_str(&listed).unwrap();
    let rows = listed.iter().map(|rule| rule["rows"].as_u64().unwrap() as usize).sum();
    let query = "SELECT record FROM shop.quarantine.gold_daily_orders WHERE coalesce(state, 'open') = 'open'";
    let amounts = mesh.csv(query);
    let amounts = amounts.lines().skip(1).map(|line| {
        let (_, amount) = line.trim_end_matches("}\"").rsplit_once(':').unwrap();
        amount.to_owned()
    });
    (rows, amounts.collect())
}

#[test]
fn a_day_that_is_refused_until_it_brings_enough_is_in_quarantine_once_and_then_not_any_more() {
    let mesh = strict();
    assert_eq!(open(&mesh), (1, vec!["12.00".to_owned()]));
    order(&mesh, "B-1");
    assert_eq!(open(&mesh), (1, vec!["27.00".to_owned()]));
    order(&mesh, "B-2");
    assert_eq!(open(&mesh), (1, vec!["42.00".to_owned()]));
    order(&mesh, "B-3");
    assert_eq!(open(&mesh), (0, Vec::new()));
    let days = "SELECT order_day, currency, amount FROM shop.gold.daily_orders ORDER BY order_day";
    let built = mesh.csv(days);
    assert_eq!(
        built,
        "order_day,currency,amount\n2026-01-02,EUR,120.40\n2026-01-05,EUR,57.00\n"
    );
    // Of five rows that runs computed three were refused, whatever became of them.
    let levels = mesh.polder.run(&["slo", DAYS, "--format", "json"]);
    let levels: Vec<Value> = serde_json::from_str(&levels.stdout).unwrap();
    let rate = levels.iter().find(|level| level["property"] == "errorRate").unwrap();
    assert_eq!(rate["measured"]["percent"], 60.0);

    // Everything built anew is the same.
    let states = "SELECT state, count(*) AS rows FROM shop.quarantine.gold_daily_orders GROUP BY state";
    let replayed = mesh.csv(states);
    assert_eq!(replayed, "state,rows\nreplayed,3\n");
    mesh.polder.expect(&["run", "--select", "shop.daily_orders", "--full"]);
    assert_eq!(mesh.csv(states), replayed);
    assert_eq!(mesh.csv(days), built);
}
