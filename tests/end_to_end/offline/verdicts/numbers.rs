//! Numbers beyond their type, longer than a double, or none at all, and times: a rule over one row and a query that asks the
//! same give one verdict, at every gate, and a pipeline lands no wrong number.

use serde_json::{Value, json};

use super::{CONTRACT, DATASET, Mesh, sets::unwrapped};

/// A contract of the dataset with these rules.
fn numbers(version: &str, rules: &str) -> String {
    format!(
        "apiVersion: v3.1.0\nkind: DataContract\nid: {DATASET}\nname: Numbers\nversion: {version}\nstatus: active\n\
         schema:\n  - name: everything\n    physicalName: {DATASET}\n{rules}    properties:\n\
         \x20     - {{name: id, logicalType: integer, physicalType: int}}\n\
         \x20     - {{name: quantity, logicalType: integer, physicalType: int}}\n\
         \x20     - {{name: price, logicalType: integer, physicalType: int}}\n\
         \x20     - {{name: total, logicalType: integer, physicalType: bigint}}\n\
         \x20     - {{name: amount, logicalType: number, physicalType: 'decimal(20,2)'}}\n\
         \x20     - {{name: rate, logicalType: number, physicalType: double}}\n\
         \x20     - {{name: seen, logicalType: timestamp, physicalType: timestamp}}\n"
    )
}

fn rule(asks: &str) -> String {
    numbers("2.0.0", &format!("    quality: [{{id: asked, {asks}}}]\n"))
}

/// 100,000 times 100,000 is 10¹⁰, and twice 2⁶³ - 1 is 2⁶⁴ - 2.
fn rows() -> Vec<Value> {
    [100_000, 2]
        .iter()
        .enumerate()
        .map(|(id, many)| {
            json!({
                "id": id, "quantity": many, "price": many, "total": i64::MAX, "amount": "12345678901234567.89", "rate": 0.5,
                "seen": "2001-09-09T01:46:40Z",
            })
        })
        .collect()
}

/// The rows in a table, and then this contract.
fn landed(contract_now: &str) -> Mesh {
    let mesh = Mesh::under(&numbers("1.0.0", ""), &rows());
    mesh.ingest();
    mesh.write(CONTRACT, contract_now);
    mesh
}

#[test]
fn arithmetic_that_overflows_keeps_no_rule_at_any_gate() {
    let by_row = rule("type: custom, engine: polder, implementation: {row: 'quantity * price <= 2000000000'}");
    let mesh = Mesh::under(&by_row, &rows());
    mesh.ingest();
    assert_eq!(
        mesh.quarantined().into_iter().collect::<Vec<_>>(),
        [(0, "asked".to_owned())]
    );
    mesh.samples(&rows()[1..], &[json!({"rule": "asked", "row": rows()[0]})]);
    assert_eq!(mesh.proved().1["asked"].0, "proven");
    let mesh = landed(&by_row);
    assert_eq!(mesh.test().1["asked"]["figure"], 1);

    // The write is refused, a test fails, and so do samples.
    for (query, asked, why) in [
        (
            "SELECT count(*) FROM {object} WHERE NOT (quantity * price <= 2000000000)",
            "mustBe: 0",
            "100000 * 100000",
        ),
        (
            "SELECT max(total + id) FROM {object}",
            "mustBeGreaterThan: 0",
            "9223372036854775807 + 1",
        ),
        (
            "SELECT sum(total) FROM {object}",
            "mustBeGreaterThan: -5",
            "18446744073709551614",
        ),
    ] {
        let strict = rule(&format!("type: sql, query: '{query}', {asked}"));
        let mesh = Mesh::under(&strict, &rows());
        let refused = mesh.polder.run(&["ingest", "--until-end"]);
        assert_eq!(refused.code, Some(1), "{query}: {refused:?}");
        let said = unwrapped(&refused.stderr);
        assert!(said.contains("rule asked") && said.contains(why), "{query}: {said}");

        let mesh = landed(&strict);
        let (ended, checks) = mesh.test();
        assert_eq!(ended.code, Some(1), "{query}: {ended:?}");
        assert_eq!(checks["asked"]["outcome"], "failed", "{query}");
        assert_eq!(checks["asked"]["figure"], Value::Null, "{query}");
        mesh.samples(&rows(), &[]);
        let (ended, proved) = mesh.proved();
        assert_eq!(ended.code, Some(1), "{query}: {ended:?}");
        let (verdict, told) = &proved["asked"];
        assert!(verdict == "failed" && told.contains(why), "{query}: {told}");
    }
}

#[test]
fn figures_are_held_against_bounds_by_every_digit() {
    // Two amounts of 12345678901234567.89; the nearest doubles are four apart.
    for (asked, holds) in [
        ("mustBe: 24691357802469135.78", true),
        ("mustBe: 24691357802469135.79", false),
        ("mustNotBe: 24691357802469135.79", true),
        ("mustBeLessOrEqualTo: 24691357802469135.77", false),
        ("mustBeLessOrEqualTo: 24691357802469135.78", true),
    ] {
        let strict = rule(&format!(
            "type: sql, query: 'SELECT sum(amount) FROM {{object}}', {asked}"
        ));
        let mesh = Mesh::under(&strict, &rows());
        let written = mesh.polder.run(&["ingest", "--until-end"]);
        assert_eq!(written.code, Some(i32::from(!holds)), "{asked}: {written:?}");
        let mesh = landed(&strict);
        let (_, checks) = mesh.test();
        let outcome = if holds { "passed" } else { "failed" };
        assert_eq!(checks["asked"]["outcome"], outcome, "{asked}");
        assert_eq!(checks["asked"]["figure"], "24691357802469135.78", "{asked}");
        mesh.samples(&rows(), &[]);
        assert_eq!(mesh.proved().1["asked"].0 == "failed", !holds, "{asked}");
    }
}

#[test]
fn no_comparison_holds_of_nan_in_rules() {
    let mesh = Mesh::under(&numbers("1.0.0", ""), &rows());
    mesh.ingest();
    // Two rows: NaN and one number, which is the least and the greatest in the file's statistics.
    let select = format!(
        "SELECT id, quantity, price, total, amount, seen, CASE id WHEN 0 THEN cast('NaN' AS double) ELSE rate END AS rate FROM {DATASET}"
    );
    mesh.polder
        .expect(&["sql", "--format", "parquet", "-o", "rows.parquet", &select]);
    for (condition, broken) in [
        ("rate >= 0", 1),
        ("rate >= 0.25", 1),
        ("rate BETWEEN 0 AND 1", 1),
        ("rate <= 1", 1),
        // Nor does it equal anything, whatever the file says of its least and greatest value.
        ("rate = 0.5", 1),
        ("rate IN (0.5)", 1),
        ("rate IS NOT DISTINCT FROM 0.5", 1),
        ("isnan(rate) OR rate >= 0", 0),
    ] {
        let row = format!("type: custom, engine: polder, implementation: {{row: '{condition}'}}");
        let query = format!("SELECT count(*) FROM {{object}} WHERE NOT ({condition})");
        for asks in [row, format!("type: sql, query: '{query}', mustBe: 0")] {
            mesh.write(CONTRACT, &rule(&asks));
            let (_, checks) = mesh.tested(&["test", CONTRACT, "--data", "rows.parquet"]);
            assert_eq!(checks["asked"]["figure"], broken, "{asks}");
        }
    }
    // What the file tells of floats is not believed, and of the other columns it is.
    let bounded = numbers("2.0.0", "").replace("double}", "double, logicalTypeOptions: {minimum: 0}}");
    mesh.write(CONTRACT, &bounded.replace("name: id,", "name: id, required: true,"));
    let (ended, _) = mesh.tested(&["test", CONTRACT, "--data", "contracts/../rows.parquet"]);
    let told: Vec<Value> = serde_json::from_str(&ended.stdout).unwrap();
    for (rule, figure, from) in [("rate.minimum", 1, "scan"), ("id.required", 0, "statistics")] {
        let check = told.iter().find(|check| check["rule"] == rule).unwrap();
        assert_eq!(
            (&check["figure"], &check["from"]),
            (&json!(figure), &json!(from)),
            "{rule}"
        );
    }
    // A pipeline that makes NaN writes under the same rule.
    let row = "type: custom, engine: polder, implementation: {row: 'rate >= 0'}";
    let picked = rule(row).replace(DATASET, "sales.silver.picked");
    mesh.write("contracts/sales/picked.odcs.yaml", &picked);
    mesh.write(CONTRACT, &numbers("2.0.0", ""));
    mesh.write("pipelines/sales/picked.sql", &select);
    mesh.write(
        "pipelines/sales/picked.pipeline.yaml",
        "description: Rates.\ndataset: sales.silver.picked\nmaterialization: append\n",
    );
    mesh.polder.expect(&["run"]);
    let landed = "SELECT count(*) AS n FROM sales.silver.picked WHERE NOT isnan(rate)";
    assert_eq!(mesh.polder.expect(&["sql", "--format", "csv", landed]), "n\n1\n");
    let (_, refused) = mesh.json(&["quarantine", "show", "sales.silver.picked", "--format", "json"]);
    assert_eq!(refused[0]["rule"], "asked", "{refused}");
    // In SQL NaN is greater than all, also where the table tells 0.5 for the greatest value.
    mesh.write(
        "contracts/sales/picked.odcs.yaml",
        &picked.replace("rate >= 0", "id >= 0"),
    );
    mesh.polder.expect(&["run", "--full"]);
    let greater = "SELECT count(*) AS n FROM sales.silver.picked WHERE rate > 0.5";
    assert_eq!(mesh.polder.expect(&["sql", "--format", "csv", greater]), "n\n1\n");
}

#[test]
fn a_double_beside_a_decimal_is_a_double_at_every_gate() {
    // The double of 0.1 + 0.2 is not that of 0.3, and no decimal of 15 digits before the point holds 10¹⁶.
    let rates = [json!(0.5), json!(0.300_000_000_000_000_04), json!(1e16)];
    let rows: Vec<Value> = rates
        .iter()
        .enumerate()
        .map(|(id, rate)| json!({"id": id, "rate": rate}))
        .collect();
    let figures = |asks: &str, of_rows: Option<&[u64]>, figure: u64| {
        if let Some(broken) = of_rows {
            let mesh = Mesh::under(&rule(asks), &rows);
            mesh.ingest();
            let refused: Vec<u64> = mesh.quarantined().into_iter().map(|(id, _)| id).collect();
            assert_eq!(refused, broken, "{asks}");
        }
        let mesh = Mesh::under(&numbers("1.0.0", ""), &rows);
        mesh.ingest();
        mesh.write(CONTRACT, &rule(asks));
        let (_, checks) = mesh.test();
        assert_eq!(checks["asked"]["figure"], figure, "{asks}");
    };
    for (condition, broken) in [
        ("coalesce(rate, 0.0) >= 0.5", &[1_u64][..]),
        ("greatest(rate, 0.3) > 0.3", &[]),
        ("least(rate, 0.3) = 0.3", &[]),
        ("nullif(rate, 0.3) IS NOT NULL", &[]),
        ("CASE WHEN id >= 0 THEN rate ELSE 0.0 END > 0.3", &[]),
        ("rate IN (0.5, 0.3)", &[1, 2]),
    ] {
        let row = format!("type: custom, engine: polder, implementation: {{row: '{condition}'}}");
        figures(&row, Some(broken), broken.len() as u64);
        let query = format!("SELECT count(*) FROM {{object}} WHERE NOT ({condition})");
        figures(
            &format!("type: sql, query: '{query}', mustBe: 0"),
            None,
            broken.len() as u64,
        );
    }
    for (query, figure) in [
        ("SELECT count(*) FROM {object} WHERE rate IN (SELECT 0.3)", 0),
        ("SELECT count(*) FROM {object} WHERE rate IN (SELECT 0.5)", 1),
        (
            "SELECT count(*) FROM {object} JOIN (SELECT 0.3 AS rate) AS o USING (rate)",
            0,
        ),
        (
            "SELECT count(*) FROM {object} JOIN (SELECT 0.5 AS rate) AS o USING (rate)",
            1,
        ),
    ] {
        figures(&format!("type: sql, query: '{query}', mustBe: 0"), None, figure);
    }
}

#[test]
fn times_of_queries_are_figures_that_people_can_read_and_ask_for() {
    let query = "type: sql, query: 'SELECT max(seen) FROM {object}'";
    for (asked, holds) in [
        ("mustBe: '2001-09-09T01:46:40Z'", true),
        ("mustBe: '2001-09-09T03:46:40+02:00'", true),
        ("mustNotBe: '2001-09-09T01:46:40Z'", false),
        ("mustBe: '2001-09-09'", false),
    ] {
        let strict = rule(&format!("{query}, {asked}"));
        let mesh = Mesh::under(&strict, &rows());
        let written = mesh.polder.run(&["ingest", "--until-end"]);
        assert_eq!(written.code, Some(i32::from(!holds)), "{asked}: {written:?}");
        let mesh = landed(&strict);
        let (_, checks) = mesh.test();
        let outcome = if holds { "passed" } else { "failed" };
        assert_eq!(checks["asked"]["outcome"], outcome, "{asked}");
        assert_eq!(checks["asked"]["figure"], "2001-09-09T01:46:40Z", "{asked}");
        mesh.samples(&rows(), &[]);
        assert_eq!(mesh.proved().1["asked"].0 == "failed", !holds, "{asked}");
    }
    // What no instant can be is told before anything is written.
    for (asks, why) in [
        (
            format!("{query}, mustBeGreaterThan: 5"),
            "the query gives a timestamp, which has no order with a number",
        ),
        (format!("{query}, mustBe: soon"), "`soon` is not an instant"),
        (
            "type: sql, query: 'SELECT max(seen) - min(seen) FROM {object}', mustBe: 0".to_owned(),
            "the query gives a span of time",
        ),
    ] {
        let mesh = Mesh::under(&rule(&asks), &rows());
        let checked = mesh.polder.run(&["check"]);
        assert_ne!(checked.code, Some(0), "{asks}: {checked:?}");
        let said = unwrapped(&(checked.stdout.clone() + &checked.stderr));
        assert!(said.contains(why) && said.contains(CONTRACT), "{asks}: {said}");
    }
}

#[test]
fn a_pipeline_whose_sum_does_not_fit_lands_nothing_and_says_so() {
    let mesh = landed(&numbers("1.0.0", ""));
    let contract = "apiVersion: v3.1.0\nkind: DataContract\nid: sales.gold.sums\nname: Sums\nversion: 1.0.0\nstatus: active\n\
                    schema:\n  - name: sums\n    physicalName: sales.gold.sums\n    properties:\n\
                    \x20     - {name: price, logicalType: integer, physicalType: int, primaryKey: true}\n\
                    \x20     - {name: total, logicalType: integer, physicalType: bigint}\n";
    mesh.write("contracts/sales/sums.odcs.yaml", contract);
    mesh.write(
        "pipelines/sales/sums.pipeline.yaml",
        "description: Sums.\ndataset: sales.gold.sums\nmaterialization: replace_groups\n",
    );
    for (query, why) in [
        ("SELECT price, sum(total + 0) AS total", "18446744073709551614"),
        ("SELECT price, max(total + 5) AS total", "9223372036854775807 + 5"),
    ] {
        let of_all =
            format!("{query} FROM (SELECT cast(1 AS int) AS price, total FROM {DATASET}) AS one GROUP BY price");
        mesh.write("pipelines/sales/sums.sql", &of_all);
        let ended = mesh.polder.run(&["run"]);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        let said = unwrapped(&ended.stderr);
        assert!(said.contains("sums") && said.contains(why), "{said}");
        let read = "SELECT count(*) AS n FROM sales.gold.sums";
        assert_eq!(mesh.polder.expect(&["sql", "--format", "csv", read]), "n\n0\n");
    }
    let by_hand = mesh.polder.run(&["sql", &format!("SELECT sum(total) FROM {DATASET}")]);
    assert_eq!(by_hand.code, Some(1), "{by_hand:?}");
    assert!(
        unwrapped(&by_hand.stderr).contains("which does not fit bigint"),
        "{by_hand:?}"
    );
}
