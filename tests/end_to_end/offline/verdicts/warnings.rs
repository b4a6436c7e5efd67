//! What a contract declares to happen does not change what is found: the same rows break the same rules where they are
//! kept out, where everything is refused, and where somebody is only told.

use serde_json::{Value, json};

use super::{DATASET, Mesh, contract, sets::unwrapped, ten_rows};

/// Ways in which a contract says that a rule only warns: at the rule, at its column, by severity.
const WARN: [(&str, &str); 3] = [
    (
        "state",
        "quality: [{id: known, metric: invalidValues, arguments: {validValues: [new, paid]}, mustBe: 0, customProperties: \
         [{property: polder.onFailure, value: warn}]}]",
    ),
    (
        "must",
        "required: true, customProperties: [{property: polder.onFailure, value: warn}]",
    ),
    (
        "note",
        "quality: [{id: given, metric: nullValues, mustBe: 0, severity: warning}, {id: half, metric: missingValues, \
         arguments: {missingValues: ['', 'n/a']}, mustBeLessThan: 30, unit: percent, severity: info}]",
    ),
];

#[test]
fn a_rule_that_warns_finds_the_same_rows_and_figures_at_every_gate_and_keeps_none_out() {
    let rows = ten_rows();
    let strict = contract("2.0.0", &WARN, "");
    let figures = [("known", 4), ("must.required", 2), ("given", 1), ("half", 30)];

    let mesh = Mesh::under(&strict, &rows);
    let landed = mesh.ingest();
    assert!(
        landed
            .stdout
            .contains("7 warned of (given 1, known 4, must.required 2)"),
        "{landed:?}"
    );
    let said = unwrapped(&landed.stderr);
    assert!(
        said.contains("rule half: it would be 30 percent missing values, asked: less than 30"),
        "{said}"
    );
    assert_eq!(mesh.count(), "10");

    let (ended, checks) = mesh.test();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for (rule, figure) in figures {
        assert_eq!(checks[rule]["outcome"], "warned", "{rule}");
        assert_eq!(checks[rule]["figure"], figure, "{rule}");
    }

    // A rule that warns is one that can be proven, too.
    let good: Vec<Value> = rows[4..].to_vec();
    let bad = [
        json!({"rule": "known", "change": {"state": "lost"}}),
        json!({"rule": "must.required", "change": {"must": null}}),
        json!({"rule": "given", "change": {"note": null}}),
        json!({"rule": "half", "changes": [{"note": ""}, {"note": "n/a"}, {"note": ""}]}),
    ];
    mesh.samples(&good, &bad);
    let (ended, proved) = mesh.proved();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for (rule, _) in figures {
        assert_eq!(proved[rule].0, "proven", "{rule}");
    }
}

#[test]
fn a_rule_that_rejects_finds_the_same_row_and_nothing_lands() {
    let rows = ten_rows();
    let strict = contract(
        "2.0.0",
        &[(
            "price",
            "logicalTypeOptions: {maximum: 9}, customProperties: [{property: polder.onFailure, value: reject}]",
        )],
        "",
    );
    let mesh = Mesh::under(&strict, &rows);
    let refused = mesh.polder.run(&["ingest", "--until-end"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    let said = unwrapped(&refused.stderr);
    assert!(
        said.contains("price.maximum") && said.contains("price is 10.00: the maximum is 9"),
        "{said}"
    );
    assert_eq!(
        mesh.polder.run(&["sql", &format!("SELECT * FROM {DATASET}")]).code,
        Some(0)
    );
    assert_eq!(mesh.count(), "0");

    let mesh = Mesh::landed_before(&strict, &rows);
    let (ended, checks) = mesh.test();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(checks["price.maximum"]["outcome"], "failed");
    assert_eq!(checks["price.maximum"]["figure"], 1);
}
