//! Every kind of rule in one contract, and the same hundred rows at every gate.
//!
//! All rules only warn, so that every row lands and the gates see the same table; then the same contract keeps rows out.
//! Values that their type cannot hold never land, whatever is declared: they are in [`super::rows`].

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{
    CONTRACT, DATASET, Mesh, contract, good,
    history::{is_age_of_old, now, says_age_of_old},
    mesh::failing_rows,
    references,
    rows::{FORMATS, OBJECT_RULES, ROW_RULES, bad_rows},
    sets::unwrapped,
};

/// What the last shipment holds: the two good rows and one for each of the bad ones (ids 0 to 45), one that breaks two rules,
/// the row 1 again, and two more good ones.
fn last() -> Vec<Value> {
    let mut rows = vec![good(0), good(1)];
    let mut changes: Vec<Value> = bad_rows().into_iter().map(|(change, _)| change).collect();
    changes.extend(FORMATS.map(|(format, _, not)| json!({column_of(format): not})));
    changes.push(json!({"size": "x", "level": 0}));
    for change in changes {
        let mut row = good(rows.len());
        for (column, value) in change.as_object().unwrap() {
            row[column] = value.clone();
        }
        rows.push(row);
    }
    assert_eq!(rows.len(), 47);
    rows.push(good(1));
    rows.extend((47..49).map(good));
    rows
}

/// The column of texts of a format; good rows have none.
fn column_of(format: &str) -> String {
    format!("as_{}", format.replace('-', "_"))
}

/// Rows of the shipments before, all of them good: their mean is 10 and their standard deviation (of a sample) is 2.
const USUALLY: [usize; 5] = [8, 8, 12, 12, 10];

fn usual(shipment: usize) -> Vec<Value> {
    (0..USUALLY[shipment])
        .map(|n| good(1000 * (shipment + 1) + n))
        .collect()
}

/// A rule about the table, with the figure over the hundred rows and what is said of it; counted by hand.
struct About {
    rule: &'static str,
    /// The column at which it stands; none: it stands at the object.
    column: Option<&'static str>,
    asks: &'static str,
    figure: &'static str,
    said: &'static str,
}

#[rustfmt::skip]
fn about_the_table() -> Vec<About> {
    let about = |rule, column, asks, figure, said| About { rule, column, asks, figure, said };
    vec![
        about("few", None, "metric: rowCount, mustBeLessThan: 100", "100", "100 rows, asked: less than 100"),
        about("exactly", None, "metric: rowCount, mustBe: 99", "100", "100 rows, asked: 99"),
        about("other", None, "metric: rowCount, mustNotBe: 100", "100", "100 rows, asked: not 100"),
        about("away", None, "metric: rowCount, mustNotBeBetween: [99, 101]", "100", "100 rows, asked: at most 99 or at least 101"),
        // One row has no `must`.
        about("empty", Some("must"), "metric: nullValues, mustBeGreaterOrEqualTo: 2", "1", "1 null value, asked: at least 2"),
        about("inside", Some("must"), "metric: nullValues, mustBeBetween: [1, 9]", "1", "1 null value, asked: more than 1 and less than 9"),
        about("mostly", Some("must"), "metric: nullValues, mustBeLessThan: 1, unit: percent", "1", "1 percent null values, asked: less than 1"),
        // All but one have the same address.
        about("ours", Some("mail"), "metric: missingValues, arguments: {missingValues: [ada@shop.example]}, mustBeLessThan: 99", "99", "99 missing values, asked: less than 99"),
        about("ours_share", Some("mail"), "metric: missingValues, arguments: {missingValues: [ada@shop.example]}, mustBeLessThan: 98.5, unit: percent", "99", "99 percent missing values, asked: less than 98.5"),
        // One code is `abc`, all others are `ABC`.
        about("known", Some("code"), "metric: invalidValues, arguments: {validValues: [abc, xyz]}, mustBeLessOrEqualTo: 98", "99", "99 invalid values, asked: at most 98"),
        about("shaped", Some("code"), "metric: invalidValues, arguments: {pattern: '^a'}, mustBeLessThan: 99, unit: percent", "99", "99 percent invalid values, asked: less than 99"),
        about("last_code", Some("code"), "type: sql, query: 'SELECT max({property}) FROM {object}', mustBe: ABC", "abc", "abc, asked: ABC"),
        // Prices are 999.99, once 0 and once 1000.
        about("distinct", Some("price"), "metric: duplicateValues, mustBeLessThan: 97", "97", "97 duplicate values, asked: less than 97"),
        about("distinct_share", Some("price"), "metric: duplicateValues, mustBeLessThan: 97, unit: percent", "97", "97 percent duplicate values, asked: less than 97"),
        about("cheap", Some("price"), "type: sql, query: 'SELECT count(*) FROM {object} WHERE {property} < 1000', mustBe: 0", "99", "99, asked: 0"),
        // Six pairs: 95 with each price, and 0 (twice), 100 and 7 with 999.99.
        about("pairs", None, "metric: duplicateValues, arguments: {properties: [level, price]}, mustBeLessThan: 94", "94", "94 duplicates of level, price, asked: less than 94"),
        // `high` is 1, and once 2.
        about("turnover", None, "type: sql, query: 'SELECT sum(high) FROM {object}', mustBeGreaterThan: 101", "101", "101, asked: more than 101"),
    ]
}

/// References, with the ids of rows that have no match.
const REFERENCES: [(&str, &[u64], &str); 2] = [
    (
        "code.foreignKey",
        &[10],
        "1 row without a match in code of sales.bronze.known, asked: none",
    ),
    (
        "foreignKey",
        &[5, 6, 7, 10, 46],
        "5 rows without a match in code, level of sales.bronze.known, asked: none",
    ),
];
/// What they refer to.
const KNOWN: &str = "{\"code\": \"ABC\", \"level\": 95}\n";

/// A query that asks the other dataset.
const ELSEWHERE: &str = "1, asked: 0";

/// Fifty rows after a usual ten.
const UNUSUAL: &str = "20 standard deviations from the mean of the 5 commits before, asked: at most 2";

/// Rules that no row breaks; a key's column must have a value.
const ALWAYS_THERE: [&str; 2] = ["id.required", "place.city.required"];

/// Rules that nobody here can check.
const NOT_RUN: [(&str, &str); 3] = [
    ("agreed", "a rule in words, for people"),
    ("checked_by_soda", "soda"),
    ("secret.format", "`password` says how a text is to be shown"),
];

/// The contract: each of the rules above, and all rules about rows. `on_failure` is for all of them.
fn everything(version: &str, on_failure: &str) -> String {
    let set = about_the_table();
    let mut columns: Vec<(&str, String)> = ROW_RULES
        .iter()
        .map(|(column, rule)| (*column, (*rule).to_owned()))
        .collect();
    columns.push(("id", "primaryKey: true, unique: true".to_owned()));
    for column in ["must", "mail", "code", "price"] {
        let of_column = set.iter().filter(|about| about.column == Some(column));
        let rules: Vec<String> = of_column.map(quality).collect();
        columns.push((column, format!("quality: [{}]", rules.join(", "))));
    }
    let columns: Vec<(&str, &str)> = columns.iter().map(|(column, rule)| (*column, rule.as_str())).collect();

    let mut object = format!(
        "    customProperties: [{{property: polder.onFailure, value: {on_failure}}}]\n    relationships:\n      \
         - {{from: everything.code, to: sales.bronze.known.code}}\n      - {{from: [everything.code, everything.level], \
         to: [sales.bronze.known.code, sales.bronze.known.level]}}\n{OBJECT_RULES}"
    );
    for about in set.iter().filter(|about| about.column.is_none()) {
        object += &format!("      - {}\n", quality(about));
    }
    object += "      - {id: once, metric: duplicateValues, arguments: {properties: [id, must]}, mustBe: 0}
      - {id: elsewhere, severity: warning, type: sql, query: 'SELECT count(*) FROM {object} WHERE code NOT \
               IN (SELECT code FROM sales.bronze.known)', mustBe: 0}
      - {id: fresh, severity: warning, type: custom, engine: polder, implementation: {freshness: {column: seen, within: 1h}}}
      - {id: usual, severity: warning, type: custom, engine: polder, implementation: {volume: {commits: 5, deviation: 2}}}
      - {id: agreed, type: text, description: Agreed with the shop once a year.}
      - {id: checked_by_soda, type: custom, engine: soda, implementation: 'type: duplicate_percent'}\n";
    let text = contract(version, &columns, &object);
    let formats = FORMATS.map(|(format, ..)| (column_of(format), format));
    let formats = formats.into_iter().chain([("secret".to_owned(), "password")]);
    formats.fold(text, |text, (column, format)| {
        text + &format!("      - {{name: {column}, logicalType: string, logicalTypeOptions: {{format: {format}}}}}\n")
    })
}

fn quality(about: &About) -> String {
    format!("{{id: {}, severity: warning, {}}}", about.rule, about.asks)
}

/// Rules about keys, which the row that comes again breaks.
const KEYS: [&str; 3] = ["id.unique", "once", "primaryKey"];

/// Rules about rows and keys, with the ids of the rows that break them.
fn about_rows() -> BTreeMap<String, BTreeSet<u64>> {
    let mut broken: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    for (id, (_, rule)) in (2..).zip(bad_rows()) {
        broken.entry(rule.to_owned()).or_default().insert(id);
    }
    for (id, (format, ..)) in (34..).zip(FORMATS) {
        broken.insert(format!("{}.format", column_of(format)), BTreeSet::from([id]));
    }
    for rule in ["size.minLength", "level.minimum"] {
        broken.entry(rule.to_owned()).or_default().insert(46);
    }
    for key in KEYS {
        broken.insert(key.to_owned(), BTreeSet::from([1]));
    }
    broken
}

/// A figure, whether it is a number or a text.
fn figure(check: &Value) -> String {
    match &check["figure"] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The shipments before the last one under this contract, each in a commit of its own.
fn shipped_usually(strict: &str) -> Mesh {
    let mesh = Mesh::under(strict, &usual(0));
    references::with_known(&mesh, KNOWN);
    mesh.ingest();
    for shipment in 1..USUALLY.len() {
        mesh.rows(&shipment.to_string(), &usual(shipment));
        mesh.ingest();
    }
    mesh
}

/// What is said of each rule about the table but freshness, whose figure depends on the clock.
fn said_of_the_table() -> Vec<(&'static str, &'static str)> {
    let mut said: Vec<_> = about_the_table().iter().map(|about| (about.rule, about.said)).collect();
    said.extend(REFERENCES.map(|(rule, _, text)| (rule, text)));
    said.extend([("elsewhere", ELSEWHERE), ("usual", UNUSUAL)]);
    said
}

#[test]
fn one_contract_with_every_kind_of_rule_gives_the_same_verdicts_at_every_gate() {
    let mesh = shipped_usually(&everything("2.0.0", "warn"));
    at_the_write(&mesh);
    assert_eq!(mesh.count(), "100");
    in_a_test(&mesh, &["test", DATASET], false);
    let select = format!("SELECT * FROM {DATASET}");
    mesh.polder
        .expect(&["sql", "--format", "parquet", "-o", "rows.parquet", &select]);
    in_a_test(&mesh, &["test", CONTRACT, "--data", "rows.parquet"], true);
    mesh.polder.expect(&["sql", "-o", "rows.jsonl", &select]);
    in_a_test(&mesh, &["test", CONTRACT, "--data", "rows.jsonl"], true);
    // What the stream was given, file by file.
    in_a_test(&mesh, &["test", CONTRACT, "--data", "data"], true);
    on_samples(&mesh);
}

#[test]
fn the_same_contract_keeps_the_same_rows_out() {
    let mesh = shipped_usually(&everything("2.0.0", "quarantine"));
    mesh.rows("last", &last());
    mesh.ingest();
    let broken = about_rows();
    // A row that breaks several rules is in quarantine once, under the first: the row that comes again under the first about
    // its key, and the row 46 under the rule of the first column.
    let under_another = |rule: &str, id: u64| (KEYS[1..].contains(&rule)) || (rule, id) == ("level.minimum", 46);
    let refused: BTreeSet<(u64, String)> = broken
        .iter()
        .flat_map(|(rule, ids)| ids.iter().map(|id| (*id, rule.clone())))
        .filter(|(id, rule)| !under_another(rule, *id))
        .collect();
    assert_eq!(mesh.quarantined(), refused);
    assert_eq!(mesh.count(), "54", "the good rows: 50, 2 and 2");
    let (_, checks) = mesh.test();
    for rule in broken
        .keys()
        .map(String::as_str)
        .chain(["code.foreignKey", "foreignKey", "elsewhere"])
    {
        assert_eq!(checks[rule]["outcome"], "passed", "{rule}");
    }
}

fn at_the_write(mesh: &Mesh) {
    mesh.rows("last", &last());
    let before = now();
    let landed = mesh.ingest();
    let counted: Vec<String> = about_rows()
        .iter()
        .map(|(rule, ids)| format!("{rule} {}", ids.len()))
        .collect();
    // 32 bad rows, 12 formats, two rules of one row, three keys.
    let warned = format!("50 rows to {DATASET}, 49 warned of ({})", counted.join(", "));
    assert!(landed.stdout.contains(&warned), "{warned}: {landed:?}");
    let said = unwrapped(&landed.stderr);
    let told: Vec<&str> = said.split("sales.everything: ").collect();
    for (rule, figure) in said_of_the_table() {
        let sentence = format!("only a warning: rule {rule}: it would be {figure}");
        assert!(
            told.iter().any(|told| told.starts_with(&sentence)),
            "{sentence}: {said}"
        );
    }
    says_age_of_old(&landed.stderr, before);
    for (rule, why) in NOT_RUN {
        let sentence = format!("rule {rule} was not run: ");
        let found = told.iter().find(|told| told.starts_with(&sentence));
        assert!(found.is_some_and(|told| told.contains(why)), "{sentence}{why}: {said}");
    }
}

/// What `polder test` says of the rows, in their table or in a file `alone`, with nothing before it or beside it.
fn in_a_test(mesh: &Mesh, target: &[&str], alone: bool) {
    let before = now();
    let (ended, mut checks) = mesh.tested(target);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let shown = failing_rows(&checks);
    let rows_of = |rule: &str| -> BTreeSet<u64> {
        let of_rule = shown.iter().filter(|(_, shown)| shown == rule);
        of_rule.map(|(id, _)| *id).collect()
    };
    let mut take = |rule: &str| checks.remove(rule).unwrap_or_else(|| panic!("{target:?}: no {rule}"));

    for (rule, ids) in about_rows() {
        let check = take(&rule);
        assert_eq!(check["outcome"], "warned", "{target:?} {rule}");
        assert_eq!(figure(&check), ids.len().to_string(), "{target:?} {rule}");
        assert_eq!(rows_of(&rule), ids, "{target:?} {rule}");
    }
    for about in about_the_table() {
        let check = take(about.rule);
        assert_eq!(check["outcome"], "warned", "{target:?} {}", about.rule);
        assert_eq!(figure(&check), about.figure, "{target:?} {}", about.rule);
    }
    let fresh = take("fresh");
    assert_eq!(fresh["outcome"], "warned", "{target:?}");
    is_age_of_old(&figure(&fresh), before);
    for (rule, count) in [
        ("code.foreignKey", "1"),
        ("foreignKey", "5"),
        ("elsewhere", "1"),
        ("usual", "20"),
    ] {
        let check = take(rule);
        if alone {
            assert_eq!(check["outcome"], "not run", "{target:?} {rule}");
        } else {
            assert_eq!(
                (&check["outcome"], figure(&check)),
                (&json!("warned"), count.to_owned()),
                "{rule}"
            );
        }
    }
    for (rule, ids, _) in REFERENCES {
        let without_match = if alone {
            BTreeSet::new()
        } else {
            ids.iter().copied().collect()
        };
        assert_eq!(rows_of(rule), without_match, "{target:?} {rule}");
    }
    for (rule, why) in NOT_RUN {
        let check = take(rule);
        assert_eq!(check["outcome"], "not run", "{target:?} {rule}");
        assert!(check["message"].as_str().unwrap().contains(why), "{target:?} {check}");
    }
    // What is left are the types, and the fields that no row is without.
    for (rule, check) in checks {
        assert_eq!(check["outcome"], "passed", "{target:?} {rule}");
        assert!(
            rule.ends_with(".type") || ALWAYS_THERE.contains(&rule.as_str()),
            "{target:?} {rule}"
        );
    }
}

/// What continuous integration says of the same rows, without a table.
fn on_samples(mesh: &Mesh) {
    let mut rows = last();
    rows.extend((0..USUALLY.len()).flat_map(usual));
    assert_eq!(rows.len(), 100);
    let samples = json!({"everything": {"good": rows, "now": "2026-01-02T05:04:05Z"}});
    mesh.write("contracts/sales/everything.samples.yaml", &samples.to_string());
    let known: Value = serde_json::from_str(KNOWN).unwrap();
    let known = json!({"known": {"good": [known]}});
    mesh.write("contracts/sales/known.samples.yaml", &known.to_string());
    let (ended, mut proved) = mesh.proved();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let mut take = |rule: &str| proved.remove(rule).unwrap_or_else(|| panic!("no {rule}"));

    for (rule, ids) in about_rows() {
        let (result, why) = take(&rule);
        let told = match rule.as_str() {
            "primaryKey" | "id.unique" => {
                "it refuses the good rows together: 1 duplicate value, asked: none".to_owned()
            }
            "once" => "it refuses the good rows together: 1 duplicate of id, must, asked: none".to_owned(),
            // People count rows from 1.
            _ => format!("it refuses the good row {}: ", ids.first().unwrap() + 1),
        };
        assert!(result == "failed" && why.starts_with(&told), "{rule}: {result}: {why}");
    }
    let (usual, _) = take("usual");
    assert_eq!(usual, "not run", "samples have no commits before them");
    let too_old = ("fresh", "2 hours since the newest seen, asked: at most 1 hour");
    let said = said_of_the_table().into_iter().filter(|(rule, _)| *rule != "usual");
    for (rule, figure) in said.chain([too_old]) {
        let told = format!("it refuses the good rows together: {figure}");
        assert_eq!(take(rule), ("failed".to_owned(), told), "{rule}");
    }
    for (rule, why) in NOT_RUN {
        let (result, told) = take(rule);
        assert!(result == "not run" && told.contains(why), "{rule}: {told}");
    }
    let left: Vec<&String> = proved.keys().collect();
    assert_eq!(left, ALWAYS_THERE);
}
