//! Row rules in SQL, from contracts.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, Int64Array};
use polder_core::document::Severity;

use super::{batch, broken, contract, gate};
use crate::Gate;

fn rule(column: &str, sql: &str) -> String {
    format!(
        "{{name: {column}, logicalType: integer, quality: [{{id: order, type: custom, engine: polder, implementation: {{row: \"{sql}\"}}}}]}}"
    )
}

#[test]
fn a_rule_over_several_columns_names_their_values() {
    let gate = gate(&["{name: low, logicalType: integer}", &rule("high", "low <= high")]);
    let column = |values: Vec<Option<i32>>| -> ArrayRef { Arc::new(Int32Array::from(values)) };
    let verdict = gate
        .check(&batch(vec![
            ("low", column(vec![Some(1), Some(3), None])),
            ("high", column(vec![Some(1), Some(2), Some(1)])),
        ]))
        .unwrap();
    assert_eq!(broken(&verdict), [(1, "order")]);
    assert_eq!(
        verdict.violations[0].reason,
        "low <= high must hold, but low is 3 and high is 2"
    );
    // A missing column is null, and null breaks nothing.
    let verdict = gate.check(&batch(vec![("low", column(vec![Some(1)]))])).unwrap();
    assert_eq!(broken(&verdict), []);
}

#[test]
fn a_value_that_does_not_fit_its_type_is_named_once() {
    let gate = gate(&[
        "{name: low, logicalType: integer}",
        &rule("high", "high IS NOT NULL AND low >= 0"),
    ]);
    let column = |values: Vec<i64>| -> ArrayRef { Arc::new(Int64Array::from(values)) };
    let verdict = gate
        .check(&batch(vec![
            ("low", column(vec![1, -1])),
            ("high", column(vec![1 << 40, 1])),
        ]))
        .unwrap();
    assert_eq!(broken(&verdict), [(0, "high.type"), (1, "order")]);
}

#[test]
fn a_row_without_a_value_says_what_went_wrong() {
    let gate = gate(&["{name: part, logicalType: integer}", &rule("whole", "part / whole < 2")]);
    let column = |values: Vec<i32>| -> ArrayRef { Arc::new(Int32Array::from(values)) };
    let verdict = gate
        .check(&batch(vec![
            ("part", column(vec![1, 1])),
            ("whole", column(vec![0, 1])),
        ]))
        .unwrap();
    assert_eq!(broken(&verdict), [(0, "order")]);
    let reason = verdict.violations[0].reason.to_lowercase();
    assert!(
        reason.starts_with("part / whole < 2 must hold, but part is 1 and whole is 0: division by zero"),
        "{reason}"
    );
}

#[test]
fn a_rule_that_cannot_be_planned_is_refused_at_its_place() {
    for (sql, why) in [
        ("low", "must be true or false, but is int"),
        ("lwo > 1", "there is no column `lwo`; did you mean `low`?"),
        ("low > (SELECT max(low) FROM t)", "no subqueries"),
        ("low > now()", ""),
        ("low <", "is no expression"),
    ] {
        let contract = contract(&["{name: low, logicalType: integer}", &rule("high", sql)]);
        let error = Gate::compile(&contract).err().unwrap();
        let [found] = error.diagnostics() else {
            panic!("{error}")
        };
        assert!(found.message.contains(why), "{sql}: {found}");
        assert_eq!(
            (found.severity, found.span.map(|span| span.line)),
            (Severity::Error, Some(13)),
            "{found}"
        );
    }
}

#[test]
fn fields_lists_and_casts_can_be_used_in_expressions() {
    let gate = gate(&[
        "{name: address, logicalType: object, properties: [{name: city, logicalType: string}]}",
        "{name: tags, logicalType: array, items: {logicalType: string}}",
        "{name: code, logicalType: string, quality: [\
         {id: city, type: custom, engine: polder, implementation: {row: \"address.city <> 'Rom'\"}}, \
         {id: bracket, type: custom, engine: polder, implementation: {row: \"address['city'] <> 'Rom'\"}}, \
         {id: tagged, type: custom, engine: polder, implementation: {row: \"array_length(tags) > 1\"}}, \
         {id: number, type: custom, engine: polder, implementation: {row: \"CAST(code AS INT) > 3\"}}]}",
    ]);
    let list: Vec<serde_json::Value> = serde_json::from_str(
        r#"[{"address": {"city": "Bonn"}, "tags": ["a", "b"], "code": "4"},
            {"address": {"city": "Rom"}, "tags": ["a"], "code": "x"},
            {"address": null, "tags": null, "code": null}]"#,
    )
    .unwrap();
    let verdict = gate.check(&super::inside::rows(&gate, &list)).unwrap();
    assert_eq!(
        broken(&verdict),
        [(1, "city"), (1, "bracket"), (1, "tagged"), (1, "number")]
    );
    let reason = &verdict.violations[3].reason;
    assert!(
        reason.starts_with("CAST(code AS INT) > 3 must hold, but code is x: "),
        "{reason}"
    );
}
