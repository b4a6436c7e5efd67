//! What commands list for programs: every one that takes `--format`, as JSON and as CSV.

use std::fs;

use polder_testkit::Polder;
use serde_json::{Value, json};

use crate::new_mesh::NewMesh;

const ORDERS: &str = "shop.bronze.orders";
const CONTRACT: &str = "contracts/shop/orders.odcs.yaml";

/// Arguments, and what is a number, a list and a time in every row.
type Listed<'a> = (&'a [&'a str], &'a [&'a str], &'a [&'a str], &'a [&'a str]);

/// What the command prints as JSON. That something does not hold is no failure of the listing.
fn json_of(polder: &Polder, arguments: &[&str]) -> Value {
    let ended = polder.run(&[arguments, &["--format", "json"]].concat());
    assert!(matches!(ended.code, Some(0 | 1)), "{arguments:?}: {ended:?}");
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {ended:?}"))
}

/// The header of what the command prints as CSV.
fn header_of(polder: &Polder, arguments: &[&str]) -> Vec<String> {
    let ended = polder.run(&[arguments, &["--format", "csv"]].concat());
    let mut reader = csv::Reader::from_reader(ended.stdout.as_bytes());
    let header = reader.headers().unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    header.iter().map(str::to_owned).collect()
}

/// Keys of rows in quarantine are the names of its table's columns, by which `--where` asks; those of the platform begin
/// with an underscore.
fn is_key(key: &str) -> bool {
    let key = key.strip_prefix('_').unwrap_or(key);
    let rest = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    key.starts_with(|c: char| c.is_ascii_lowercase()) && key.chars().all(rest)
}

/// Every key, however deep; those of a document are the standard's that it follows.
fn expect_keys(value: &Value, arguments: &[&str]) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields.iter().filter(|(key, _)| *key != "document") {
                assert!(is_key(key), "{arguments:?}: {key}");
                expect_keys(value, arguments);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| expect_keys(value, arguments)),
        _ => {}
    }
}

/// `2026-01-02T03:04:05Z`, perhaps with parts of seconds.
fn is_time(value: &Value) -> bool {
    let text = value.as_str().unwrap_or_default();
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let fraction = shape
        .strip_prefix("0000-00-00T00:00:00")
        .and_then(|rest| rest.strip_suffix('Z'));
    fraction.is_some_and(|fraction| fraction.is_empty() || fraction.starts_with('.'))
}

fn expect_listed(polder: &Polder, (arguments, numbers, lists, times): Listed<'_>) {
    let listed = json_of(polder, arguments);
    expect_keys(&listed, arguments);
    let rows = listed.as_array().unwrap_or_else(|| panic!("{arguments:?}: {listed}"));
    assert!(!rows.is_empty(), "{arguments:?}");
    for row in rows {
        let named = |keys: &[&str], is: fn(&Value) -> bool| {
            for key in keys {
                assert!(row.get(key).is_some_and(is), "{arguments:?} {key}: {row}");
            }
        };
        named(numbers, Value::is_number);
        named(lists, Value::is_array);
        named(times, is_time);
        for (key, value) in row.as_object().unwrap() {
            assert_ne!(value, "", "{arguments:?} {key}: what is not there is null");
        }
    }
    // What has no place in CSV is refused there.
    if !arguments.contains(&"--show") {
        let keys: Vec<&String> = rows[0].as_object().unwrap().keys().collect();
        assert_eq!(
            header_of(polder, arguments).iter().collect::<Vec<_>>(),
            keys,
            "{arguments:?}"
        );
    }
}

#[test]
fn lists_have_keys_numbers_nulls_and_times_that_programs_expect() {
    let mesh = NewMesh::built();
    let polder = &mesh.polder;
    // The row that was refused is tried once more, and a card number is landed.
    assert_eq!(polder.run(&["quarantine", "replay", ORDERS]).code, Some(1));
    fs::write(
        mesh.path("data/orders/2026-02.jsonl"),
        "{\"order_id\": \"B-1\", \"ordered_at\": \"2026-02-01T08:00:00Z\", \"customer\": \"4111 1111 1111 1111\", \
         \"amount\": 1.25, \"currency\": \"EUR\"}\n",
    )
    .unwrap();
    polder.expect(&["ingest", "--until-end"]);
    let contract = fs::read_to_string(mesh.path(CONTRACT)).unwrap();
    assert!(contract.contains("minimum: 0"), "{contract}");
    fs::write(
        mesh.path("stricter.yaml"),
        contract.replace("minimum: 0", "minimum: 20"),
    )
    .unwrap();

    let lists: &[Listed<'_>] = &[
        (&["plan"], &[], &[], &[]),
        (&["run"], &["rows", "rejected", "version", "seconds"], &[], &[]),
        (&["test", ORDERS], &[], &[], &[]),
        (&["test", ORDERS, "--show", "3"], &[], &[], &[]),
        (&["slo"], &[], &[], &[]),
        (&["catalog", "list"], &["version", "rows"], &[], &["updated"]),
        (&["lineage", ORDERS], &["distance"], &[], &[]),
        (&["lineage", ORDERS, "--columns"], &[], &["how"], &[]),
        (&["lineage", "shop.bronze.orders.amount"], &["chain"], &["how"], &[]),
        (&["quarantine", "list"], &["rows"], &[], &["first", "last"]),
        (&["quarantine", "list", "--all"], &["rows"], &[], &["first", "last"]),
        (
            &["quarantine", "show", ORDERS],
            &["_partition", "_offset", "attempts"],
            &["history"],
            &["_ingested_at", "_event_time"],
        ),
        (&["quarantine", "stats"], &["rows", "percent"], &[], &[]),
        (&["quarantine", "replay", ORDERS, "--dry-run"], &["rows"], &[], &[]),
        (&["policy", "list"], &["exceptions"], &[], &[]),
        (&["policy", "scan", ORDERS], &["values", "first_row"], &[], &[]),
        (&["contract", "test"], &["good", "bad"], &[], &[]),
        (
            &["contract", "backtest", "stricter.yaml", "--since", "0"],
            &["version", "rows", "refused", "warned"],
            &["rules"],
            &["time"],
        ),
        (&["contract", "status"], &[], &["consumers", "cancelled"], &[]),
    ];
    for listed in lists {
        expect_listed(polder, *listed);
    }

    // One thing is one object.
    for arguments in [
        &["catalog", "show", ORDERS][..],
        &["policy", "show", "money-decimal"],
        &["contract", "diff", CONTRACT, "stricter.yaml"],
    ] {
        let shown = json_of(polder, arguments);
        assert!(shown.is_object(), "{arguments:?}: {shown}");
        expect_keys(&shown, arguments);
    }
}

/// One row of a list, by the value of one of its keys.
fn row<'a>(listed: &'a Value, key: &str, value: &str) -> &'a Value {
    let rows = listed.as_array().unwrap();
    rows.iter()
        .find(|row| row[key] == value)
        .unwrap_or_else(|| panic!("no {key} {value} in {listed}"))
}

#[test]
fn figures_are_numbers_and_what_was_not_measured_is_null() {
    let mesh = NewMesh::built();
    let text = fs::read_to_string(mesh.path(CONTRACT)).unwrap();
    let rules = "    quality:\n      - {id: wide, type: sql, query: 'SELECT 9007199254740993 FROM {object} LIMIT \
                 1', mustBe: 1}\n\
                 \x20     - {id: third, type: sql, query: 'SELECT CAST(100 AS double) / count(*) FROM {object}', \
                 mustBe: 1}\n\
                 \x20     - {id: fine, type: sql, query: 'SELECT CAST(12345678901234567.89 AS decimal(38,2)) FROM {object} \
                 LIMIT 1', mustBe: 12345678901234567.88}\n\
                 \x20     - {id: said, type: text, description: Somebody looks at them.}\n";
    let at = text.find("    properties:\n").unwrap();
    fs::write(mesh.path(CONTRACT), format!("{}{rules}{}", &text[..at], &text[at..])).unwrap();

    let tested = json_of(&mesh.polder, &["test", ORDERS]);
    let figure = |rule: &str| &row(&tested, "rule", rule)["figure"];
    // Three rows, none of them under the minimum.
    assert_eq!(figure("amount.minimum"), 0);
    assert_eq!(figure("third").as_f64(), Some(100.0 / 3.0));
    // No double holds it.
    assert_eq!(figure("wide"), "9007199254740993");
    let fine = row(&tested, "rule", "fine");
    assert_eq!(
        (&fine["figure"], &fine["verdict"]),
        (&json!("12345678901234567.89"), &json!("failed"))
    );
    let said = row(&tested, "rule", "said");
    assert_eq!(
        (&said["verdict"], &said["figure"], &said["from"]),
        (&json!("not run"), &Value::Null, &Value::Null)
    );

    let replayed = ["quarantine", "replay", ORDERS, "--set", "amount = abs(amount)"];
    let outcome = json!([{"outcome": "replayed", "rule": null, "rows": 1, "example": null}]);
    assert_eq!(json_of(&mesh.polder, &replayed), outcome);
    // Where nothing is left, that is an empty list.
    for nothing in [&replayed[..], &["quarantine", "show", ORDERS], &["quarantine", "list"]] {
        assert_eq!(json_of(&mesh.polder, nothing), json!([]), "{nothing:?}");
    }
    for never in ["replay", "show"] {
        let nothing = ["quarantine", never, "shop.gold.daily_orders"];
        let ended = mesh.polder.run(&[&nothing[..], &["--format", "json"]].concat());
        assert_eq!(ended.stdout.trim(), "[]", "{ended:?}");
    }
}

#[test]
fn models_and_products_are_listed_for_programs_too() {
    let folder = tempfile::tempdir().unwrap();
    Polder::in_folder(folder.path()).expect(&["demo", "--dir", "shop", "--weeks", "20"]);
    let polder = Polder::in_folder(&folder.path().join("shop"));
    let lists: &[Listed<'_>] = &[
        (&["model", "list"], &["version"], &[], &["trained"]),
        (
            &["model", "predict", "finance.net_revenue_forecast", "weeks=1"],
            &["net_revenue", "lower", "upper"],
            &[],
            &[],
        ),
        (&["product", "list"], &[], &["offers", "made_from"], &[]),
    ];
    for listed in lists {
        expect_listed(&polder, *listed);
    }
    let products = json_of(&polder, &["product", "list"]);
    assert_eq!(row(&products, "product", "Sales")["id"], "sales");
    for model in json_of(&polder, &["model", "list"]).as_array().unwrap() {
        let metrics = model["metrics"].as_object().unwrap();
        assert!(!metrics.is_empty() && metrics.values().all(Value::is_number), "{model}");
    }
    // The rows of one model's and one product's list are those of CSV.
    for (arguments, inside) in [
        (&["model", "show", "finance.net_revenue_forecast"][..], "versions"),
        (&["product", "show", "Sales"], "ports"),
    ] {
        let shown = json_of(&polder, arguments);
        expect_keys(&shown, arguments);
        let first: Vec<&String> = shown[inside][0].as_object().unwrap().keys().collect();
        assert_eq!(header_of(&polder, arguments).iter().collect::<Vec<_>>(), first);
    }
    let sales = json_of(&polder, &["product", "show", "Sales"]);
    assert_eq!(
        row(&sales["ports"], "port", "input")["datasets"],
        json!(["sales.bronze.invoice_lines"])
    );
}

#[test]
fn a_product_is_shown_to_people_with_its_support_and_everybody_of_its_team() {
    let mesh = NewMesh::landed();
    let product = "apiVersion: v1.0.0\nkind: DataProduct\nid: shop.orders\nname: Orders\nversion: 1.0.0\nstatus: active\ndomain: shop\n\
        outputPorts:\n  - {name: days, version: 1.0.0, contractId: shop.gold.daily_orders}\n\
        support:\n  - {channel: help, url: 'https://help.shop.example', scope: issues}\n\
        team:\n  name: The shop\n  members:\n    - {username: you@shop.example, role: owner}\n    \
        - {username: zoe@shop.example, name: Zoe, role: steward}\n    \
        - {username: ada@shop.example, role: owner, dateIn: '2024-01-01', dateOut: '2025-06-30'}\n    \
        - {username: bot@shop.example}\n";
    fs::write(mesh.path("contracts/shop/shop.odps.yaml"), product).unwrap();
    let shown = mesh.polder.expect(&["product", "show", "Orders"]);
    let people = "support (issues): help, https://help.shop.example\nteam: The shop\nmember (owner): you@shop.example\n\
        member (steward): zoe@shop.example, Zoe\nmember (owner): ada@shop.example, left 2025-06-30\nmember: bot@shop.example\n";
    assert!(shown.ends_with(people), "{shown}");
}

#[test]
fn a_backtest_says_why_a_query_has_no_figure() {
    let mesh = NewMesh::landed();
    let rules = "    quality:\n      - {id: sum, type: sql, query: 'SELECT sum(amount) FROM {object} WHERE amount < 0', mustBe: 0}\n";
    let text = fs::read_to_string(mesh.path(CONTRACT)).unwrap();
    let at = text.find("    properties:\n").unwrap();
    fs::write(mesh.path(CONTRACT), format!("{}{rules}{}", &text[..at], &text[at..])).unwrap();

    let backtest = ["contract", "backtest", ORDERS, "--since", "0"];
    let ended = mesh.polder.run(&backtest);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let said = "rule sum fails on 1 of 1 commit: the query gave NULL";
    assert!(ended.stderr.contains(said), "{ended:?}");
    let listed = mesh.polder.run(&[&backtest[..], &["--format", "json"]].concat());
    let commits: Value = serde_json::from_str(&listed.stdout).unwrap();
    let rule = row(&commits[0]["rules"], "rule", "sum");
    assert_eq!(rule["why"], "the query gave NULL", "{listed:?}");
}
