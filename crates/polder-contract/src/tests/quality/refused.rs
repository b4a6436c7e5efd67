//! Rules that nobody could measure, and proof that none is lost.

use proptest::prelude::*;

use super::*;

#[test]
fn a_share_that_every_table_keeps_is_a_warning() {
    let told = |rule: &str| findings(&document("v3.1.0", &format!("{{metric: nullValues, {rule}}}"), ""));
    for rule in [
        "mustBeLessThan: 500, unit: percent",
        "mustBeLessOrEqualTo: 100.5, unit: percent",
        "mustBeGreaterThan: -1, unit: '%'",
        "mustBeBetween: [-5, 101], unit: percent",
        "mustNotBe: 101, unit: percent",
    ] {
        let told = told(rule);
        assert_eq!(told.len(), 1, "{rule}: {told:?}");
        assert!(format!("{:?}", told[0]).contains("this can never fail"), "{told:?}");
    }
    for rule in [
        "mustBeLessThan: 500",
        "mustBeLessThan: 100, unit: percent",
        "mustBeLessOrEqualTo: 100, unit: percent",
        "mustBeGreaterOrEqualTo: 0, unit: percent",
        "mustBeBetween: [-1, 5], unit: percent",
        "mustBeGreaterThan: 10, mustBeLessThan: 500, unit: percent",
    ] {
        assert!(told(rule).is_empty(), "{rule}");
    }
}

#[test]
fn rules_that_can_never_be_measured_are_refused_at_their_place() {
    let of_column = [
        ("{metric: nullValues, mustBe: none}", "`none` is no number"),
        (
            "{metric: nullValues, mustBeBetween: [5, 1]}",
            "nothing is between 5 and 1 (write the smaller number first",
        ),
        (
            "{metric: nullValues, mustBeGreaterThan: 10, mustBeLessThan: 4}",
            "nothing is above 10 and below 4",
        ),
        (
            "{metric: rowCount, mustBeGreaterOrEqualTo: 4, mustBeLessThan: 4}",
            "nothing is above 4 and below 4",
        ),
        ("{metric: nullValues, mustBeLessThan: 0}", "no count is ever that"),
        ("{metric: nullValues, mustBe: -1}", "no count is ever that"),
        ("{metric: nullValues, mustBe: 2.5}", "no count is ever that"),
        ("{metric: nullValues, mustBeBetween: [4, 5]}", "no count is ever that"),
        (
            "{metric: nullValues, mustBeGreaterThan: 100, unit: '%'}",
            "no share of rows is ever that",
        ),
        (
            "{metric: nullValues, mustBe: [5]}",
            "must be a single value, but is a list",
        ),
        ("{type: sql, query: select 1, mustBe: [0]}", "must be a single value"),
        ("{type: sql, query: select 1, mustBe: null}", "must be a single value"),
        (
            "{type: sql, query: select 1, mustNotBe: {a: 1}}",
            "must be a single value",
        ),
        (
            "{metric: nullValues, mustBe: 0, arguments: {validValues: [x]}}",
            "takes no argument `validValues` (it takes none",
        ),
        (
            "{metric: missingValues, mustBe: 0, arguments: {missingValue: [x]}}",
            "did you mean `missingValues`?",
        ),
        (
            "{metric: missingValues, mustBe: 0, arguments: {missingValues: x}}",
            "a list of values is needed",
        ),
        (
            "{metric: invalidValues, mustBe: 0}",
            "does not say which values are valid",
        ),
        (
            "{metric: invalidValues, mustBe: 0, arguments: {pattern: 5}}",
            "the pattern must be text",
        ),
        (
            "{metric: invalidValues, mustBe: 0, arguments: {pattern: '('}}",
            "cannot be used",
        ),
        (
            "{metric: nullValues, mustBe: 0, unit: procent}",
            "the unit `procent` is not known (did you mean `percent`?)",
        ),
        (
            "{metric: rowCount, mustBeLessThan: 5, unit: percent}",
            "the number of rows is no share of them",
        ),
        ("{type: sql, query: ' ', mustBe: 0}", "the query is empty"),
        (
            "{type: sql, query: select 1, mustBeBetween: [2, 1]}",
            "nothing is between 2 and 1",
        ),
        (
            "{type: custom, engine: polder, implementation: rows}",
            "says exactly one thing",
        ),
        (
            "{type: custom, engine: polder, implementation: {row: a, volume: {}}}",
            "says exactly one thing",
        ),
        (
            "{type: custom, engine: polder, implementation: {rows: a}}",
            "did you mean `row`?",
        ),
        (
            "{type: custom, engine: polder, implementation: {row: ''}}",
            "must be a SQL expression",
        ),
        (
            "{type: custom, engine: polder, implementation: {freshness: {column: b}}}",
            "how old its newest value may be",
        ),
        (
            "{type: custom, engine: polder, implementation: {freshness: {column: a, within: 1h}}}",
            "`a` is string, which has no age",
        ),
        (
            "{type: custom, engine: polder, implementation: {freshness: {column: bbb, within: 1h}}}",
            "did you mean `bb`?",
        ),
        (
            "{type: custom, engine: polder, implementation: {freshness: {column: bb.at, within: 1h}}}",
            "`bb.at` leads into a column",
        ),
        (
            "{type: custom, engine: polder, implementation: {freshness: {column: b, within: soon}}}",
            "`soon` is no age",
        ),
        (
            "{type: custom, engine: polder, implementation: {freshness: {column: b, withn: 1h}}}",
            "did you mean `within`?",
        ),
        (
            "{type: custom, engine: polder, implementation: {volume: {commits: 2}}}",
            "a number from 5 to",
        ),
        (
            "{type: custom, engine: polder, implementation: {volume: {commits: 501}}}",
            "a number from 5 to 500",
        ),
        (
            "{type: custom, engine: polder, implementation: {volume: {deviation: -1}}}",
            "a number above 0",
        ),
        (
            "{metric: nullValues, mustBe: 0, severity: info, customProperties: [{property: polder.onFailure, value: reject}]}",
            "its severity is info, but polder.onFailure says reject",
        ),
        (
            "{metric: nullValues, mustBe: 0, customProperties: [{property: polder.onFailure, value: drop}]}",
            "rows are never dropped",
        ),
        (
            "{metric: nullValues, mustBe: 0, customProperties: [{property: polder.onFailure, value: quarantin}]}",
            "did you mean `quarantine`?",
        ),
        (
            "{metric: nullValues, mustBe: 0, customProperties: [{property: polder.onFail, value: warn}]}",
            "did you mean `polder.onFailure`?",
        ),
    ];
    for (rule, problem) in of_column {
        let found = findings(&document("v3.1.0", rule, ""));
        assert_eq!(found.len(), 1, "{rule}: {found:#?}");
        assert!(
            found[0].contains(problem) && found[0].starts_with("10:"),
            "{rule}: {found:#?}"
        );
    }
    let of_object = [
        (
            "{metric: nullValues, mustBe: 0}",
            "nullValues is about a column (move the rule",
        ),
        ("{metric: duplicateValues, mustBe: 0}", "which columns make the key"),
        (
            "{metric: duplicateValues, mustBe: 0, arguments: {properties: [a, bc]}}",
            "there is no column `bc` (did you mean `bb`?)",
        ),
        (
            "{type: sql, query: 'select count({property}) from {object}', mustBe: 0}",
            "{property} stands for nothing",
        ),
    ];
    for (rule, problem) in of_object {
        let found = findings(&document("v3.1.0", "", rule));
        assert_eq!(found.len(), 1, "{rule}: {found:#?}");
        assert!(
            found[0].contains(problem) && found[0].starts_with("12:"),
            "{rule}: {found:#?}"
        );
    }
}

#[test]
fn large_patterns_are_few_in_a_contract() {
    let column = |name: usize, most: usize| {
        format!(
            "{{name: c{name}, logicalType: string, logicalTypeOptions: {{pattern: '^[\\p{{L}}\\p{{N}}]{{1,{most}}}$'}}}}"
        )
    };
    let found = |columns: Vec<String>| {
        let columns: Vec<_> = columns.iter().map(String::as_str).collect();
        findings(&with_properties(&columns))
    };
    assert_eq!(
        found((0..40).map(|name| column(name, 60)).collect()),
        Vec::<String>::new()
    );
    let many = found((0..18).map(|name| column(name, 40 + name)).collect());
    assert_eq!(many.len(), 2, "{many:?}");
    assert!(
        many[0].contains("more than 16 different patterns of more than 1 MiB"),
        "{many:?}"
    );
}

/// A value for an operator or another key, as YAML.
fn value() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "0", "5", "-1", "0.5", "x", "true", "null", "[0]", "[1, 2]", "[2, 1]", "{a: 1}",
    ])
}

proptest! {
    #[test]
    fn every_rule_is_in_the_report_or_refused(
        version in prop::sample::select(vec!["v3.0.2", "v3.1.0", "v3.2.0"]),
        kind in prop::sample::select(vec![
            "metric: nullValues",
            "metric: rowCount",
            "rule: duplicateCount",
            "rule: unheardOf",
            "type: library, metric: invalidValues, arguments: {validValues: [x]}",
            "type: sql, query: select 1",
            "type: text",
            "type: custom, engine: soda, implementation: x",
        ]),
        operators in prop::collection::btree_map(
            prop::sample::select(crate::structure::OPERATORS.to_vec()), value(), 0..3),
        unit in prop::option::of(prop::sample::select(vec!["percent", "%", "rows", "pounds"])),
        of_column in any::<bool>(),
    ) {
        let mut rule = vec![kind.to_owned()];
        rule.extend(operators.iter().map(|(operator, value)| format!("{operator}: {value}")));
        rule.extend(unit.map(|unit| format!("unit: '{unit}'")));
        let rule = format!("{{{}}}", rule.join(", "));
        let text = match of_column {
            true => document(version, &rule, ""),
            false => document(version, "", &rule),
        };
        let parsed = crate::tests::parsed(&text);
        if let Some(contract) = parsed.contract {
            prop_assert_eq!(contract.objects[0].rules().unwrap().len(), operators.len().max(1), "{}", text);
        } else {
            prop_assert!(!parsed.diagnostics.is_empty());
        }
    }
}
