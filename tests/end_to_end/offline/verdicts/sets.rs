//! Rules about tables: the same figure and verdict at every gate.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{CONTRACT, DATASET, Mesh, contract, mesh::failing_rows, ten_rows};

/// A rule about the table that [`ten_rows`] do not keep.
struct SetRule {
    /// The rule's id.
    id: &'static str,
    /// The column that it stands at, where it is not one of the object.
    column: Option<&'static str>,
    /// What it asks, after the id.
    asks: &'static str,
    /// The figure over the rows as JSON, counted by hand.
    figure: &'static str,
    /// The figure in words, and what is asked.
    said: &'static str,
}

const fn set(
    id: &'static str,
    column: Option<&'static str>,
    asks: &'static str,
    figure: &'static str,
    said: &'static str,
) -> SetRule {
    SetRule {
        id,
        column,
        asks,
        figure,
        said,
    }
}

const SET_RULES: [SetRule; 17] = [
    set(
        "few",
        None,
        "metric: rowCount, mustBeLessThan: 10",
        "10",
        "10 rows, asked: less than 10",
    ),
    set("nine", None, "metric: rowCount, mustBe: 9", "10", "10 rows, asked: 9"),
    set(
        "other",
        None,
        "metric: rowCount, mustNotBe: 10",
        "10",
        "10 rows, asked: not 10",
    ),
    set(
        "away",
        None,
        "metric: rowCount, mustNotBeBetween: [9, 11]",
        "10",
        "10 rows, asked: at most 9 or at least 11",
    ),
    set(
        "empty",
        Some("must"),
        "metric: nullValues, mustBeGreaterOrEqualTo: 3",
        "2",
        "2 null values, asked: at least 3",
    ),
    set(
        "inside",
        Some("must"),
        "metric: nullValues, mustBeBetween: [2, 9]",
        "2",
        "2 null values, asked: more than 2 and less than 9",
    ),
    set(
        "mostly",
        Some("must"),
        "metric: nullValues, mustBeLessThan: 20, unit: percent",
        "20",
        "20 percent null values, asked: less than 20",
    ),
    set(
        "given",
        Some("note"),
        "metric: missingValues, arguments: {missingValues: ['', 'n/a']}, mustBeLessThan: 3",
        "3",
        "3 missing values, asked: less than 3",
    ),
    set(
        "given_share",
        Some("note"),
        "metric: missingValues, arguments: {missingValues: ['', 'n/a']}, mustBeLessThan: 25.5, unit: percent",
        "30",
        "30 percent missing values, asked: less than 25.5",
    ),
    set(
        "known",
        Some("state"),
        "metric: invalidValues, arguments: {validValues: [new, paid]}, mustBeLessOrEqualTo: 3",
        "4",
        "4 invalid values, asked: at most 3",
    ),
    set(
        "shaped",
        Some("state"),
        "metric: invalidValues, arguments: {pattern: '^n'}, mustBeLessThan: 40, unit: percent",
        "40",
        "40 percent invalid values, asked: less than 40",
    ),
    set(
        "distinct",
        Some("code"),
        "metric: duplicateValues, mustBeLessThan: 5",
        "8",
        "8 duplicate values, asked: less than 5",
    ),
    set(
        "distinct_share",
        Some("code"),
        "metric: duplicateValues, mustBeLessThan: 80, unit: percent",
        "80",
        "80 percent duplicate values, asked: less than 80",
    ),
    set(
        "pairs",
        None,
        "metric: duplicateValues, arguments: {properties: [code, level]}, mustBeLessThan: 2",
        "2",
        "2 duplicates of code, level, asked: less than 2",
    ),
    set(
        "turnover",
        None,
        "type: sql, query: 'SELECT CAST(sum(price) AS bigint) FROM {object}', mustBeGreaterThan: 100",
        "55",
        "55, asked: more than 100",
    ),
    set(
        "cheap",
        Some("price"),
        "type: sql, query: 'SELECT count(*) FROM {object} WHERE {property} < 4', mustBe: 0",
        "3",
        "3, asked: 0",
    ),
    set(
        "last_state",
        Some("state"),
        "type: sql, query: 'SELECT max({property}) FROM {object}', mustBe: paid",
        "\"new\"",
        "new, asked: paid",
    ),
];

#[test]
fn rules_about_tables_give_the_same_figure_and_verdict_at_every_gate() {
    let rows = ten_rows();
    for SetRule {
        id: rule,
        column,
        asks,
        figure,
        said,
    } in SET_RULES
    {
        let quality = format!("quality: [{{id: {rule}, {asks}}}]");
        let strict = match column {
            Some(column) => contract("2.0.0", &[(column, &quality)], ""),
            None => contract("2.0.0", &[], &format!("    {quality}\n")),
        };

        // The write.
        let mesh = Mesh::under(&strict, &rows);
        let refused = mesh.polder.run(&["ingest", "--until-end"]);
        assert_eq!(refused.code, Some(1), "{rule}: {refused:?}");
        let sentence = format!("rule {rule}: it would be {said}");
        assert!(
            unwrapped(&refused.stderr).contains(&sentence),
            "{sentence}: {refused:?}"
        );
        // Nothing has landed, and the position is where it was: with another contract the same rows come again.
        mesh.write(CONTRACT, &contract("2.0.1", &[], ""));
        mesh.ingest();
        assert_eq!(mesh.count(), "10", "{rule}");

        // `polder test`, on the rows in a table, and on a file.
        let mesh = Mesh::landed_before(&strict, &rows);
        let select = format!("SELECT * FROM {DATASET}");
        mesh.polder
            .expect(&["sql", "--format", "parquet", "-o", "rows.parquet", &select]);
        for target in [vec!["test", DATASET], vec!["test", CONTRACT, "--data", "rows.parquet"]] {
            let (ended, checks) = mesh.tested(&target);
            assert_eq!(ended.code, Some(1), "{rule} {target:?}: {ended:?}");
            assert_eq!(checks[rule]["outcome"], "failed", "{rule} {target:?}");
            assert_eq!(checks[rule]["figure"].to_string(), figure, "{rule} {target:?}");
        }

        // Samples: the same rows together.
        mesh.samples(&rows, &[]);
        let (ended, proved) = mesh.proved();
        assert_eq!(ended.code, Some(1), "{rule}: {ended:?}");
        let why = format!("it refuses the good rows together: {said}");
        assert_eq!(proved[rule], ("failed".to_owned(), why));
    }
}

/// What is printed for people, in one line.
pub(super) fn unwrapped(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn of_rows_with_one_key_the_first_stays_and_a_test_counts_the_others() {
    let rows = ten_rows();
    // The pairs (ABC, 5) and (DEF, 5) come again with ids 4 and 9.
    let later = BTreeSet::from([4, 9]);
    let rule =
        "    quality: [{id: pairs, metric: duplicateValues, arguments: {properties: [code, level]}, mustBe: 0}]\n";
    let strict = contract("2.0.0", &[], rule);

    let mesh = Mesh::under(&strict, &rows);
    mesh.ingest();
    let refused: BTreeSet<(u64, String)> = later.iter().map(|id| (*id, "pairs".to_owned())).collect();
    assert_eq!(mesh.quarantined(), refused);

    let mesh = Mesh::landed_before(&strict, &rows);
    let (ended, checks) = mesh.test();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(checks["pairs"]["figure"], 2);
    assert_eq!(failing_rows(&checks), refused);

    let first: Vec<Value> = rows.iter().filter(|row| !is_later(row, &later)).cloned().collect();
    let repeated = rows.iter().filter(|row| is_later(row, &later));
    let samples: Vec<Value> = repeated.map(|row| json!({"rule": "pairs", "row": row})).collect();
    mesh.samples(&first, &samples);
    assert_eq!(mesh.proved().1["pairs"].0, "proven");
}

fn is_later(row: &Value, later: &BTreeSet<u64>) -> bool {
    row["id"].as_u64().is_some_and(|id| later.contains(&id))
}

#[test]
fn primary_keys_and_unique_columns_are_the_same_at_every_gate() {
    let rows = ten_rows();
    for (column, key, rule) in [
        ("price", "unique: true", "price.unique"),
        ("price", "primaryKey: true", "primaryKey"),
    ] {
        let strict = contract("2.0.0", &[(column, key)], "");
        let mut again = rows.clone();
        // The price of the row 3 once more.
        again[7]["price"] = json!(4);
        let mesh = Mesh::under(&strict, &again);
        mesh.ingest();
        assert_eq!(mesh.quarantined(), BTreeSet::from([(7, rule.to_owned())]));

        let mesh = Mesh::landed_before(&strict, &again);
        let (ended, checks) = mesh.test();
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert_eq!(
            (&checks[rule]["outcome"], &checks[rule]["figure"]),
            (&json!("failed"), &json!(1))
        );
        assert_eq!(failing_rows(&checks), BTreeSet::from([(7, rule.to_owned())]));
        mesh.samples(&rows, &[json!({"rule": rule, "row": again[7]})]);
        // The sample repeats the row 7 itself as well, but for its price.
        assert_eq!(mesh.proved().1[rule].0, "proven");
    }
}
