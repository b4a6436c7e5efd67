//! Quality rules, references, and what happens to what breaks a rule.

use proptest::prelude::*;

use super::{contract, findings, object, with_properties};
use crate::{
    DatasetContract, Figure, Metric, OnFailure, Operator, RowCheck, RowTest, Rule, RuleKind, RuleSeverity, SetTest,
};

/// A contract of version 3.0, 3.1 or 3.2 with one column `a` and these rules of it, and of the object.
fn document(version: &str, of_column: &str, of_object: &str) -> String {
    format!(
        "apiVersion: {version}\nkind: DataContract\nid: t\nversion: 1.0.0\nstatus: active\nschema:\n  - name: t\n    \
         physicalName: sales.bronze.t\n    properties:\n      - {{name: a, logicalType: string, quality: [{of_column}]}}\n      \
         - {{name: b, physicalName: bb, logicalType: timestamp}}\n    quality: [{of_object}]\n"
    )
}

fn set(rules: &str) -> SetTest {
    let contract = contract(&document("v3.1.0", rules, ""));
    match contract.objects[0].rules().unwrap().remove(0).kind {
        RuleKind::Set(test) => test,
        other => panic!("{other:?}"),
    }
}

fn of_object(rules: &str) -> Vec<Rule> {
    contract(&document("v3.2.0", "", rules)).objects[0].rules().unwrap()
}

#[test]
fn every_operator_and_unit_is_read() {
    let text = |text: &str| text.to_owned();
    let cases = [
        ("mustBe: 1", Operator::MustBe(text("1")), [false, true, false]),
        ("mustNotBe: 1", Operator::MustNotBe(text("1")), [true, false, true]),
        (
            "mustBeGreaterThan: 1",
            Operator::GreaterThan(text("1")),
            [false, false, true],
        ),
        (
            "mustBeGreaterOrEqualTo: 1",
            Operator::GreaterOrEqual(text("1")),
            [false, true, true],
        ),
        ("mustBeLessThan: 1", Operator::LessThan(text("1")), [true, false, false]),
        (
            "mustBeLessOrEqualTo: 1",
            Operator::LessOrEqual(text("1")),
            [true, true, false],
        ),
        // By the standard's words the same as mustBeGreaterThan and mustBeLessThan together.
        (
            "mustBeBetween: [0, 2]",
            Operator::Between(text("0"), text("2")),
            [false, true, false],
        ),
        (
            "mustNotBeBetween: [0, 2]",
            Operator::NotBetween(text("0"), text("2")),
            [true, false, true],
        ),
    ];
    for (written, operator, holds) in cases {
        let test = set(&format!("{{metric: nullValues, {written}, unit: percent}}"));
        assert_eq!((&test.operator, test.percent), (&operator, true), "{written}");
        for (figure, expected) in [0, 1, 2].into_iter().zip(holds) {
            assert_eq!(operator.holds(&Figure::Whole(figure)), expected, "{written} {figure}");
        }
    }
    assert!(!set("{metric: nullValues, mustBeLessThan: 1, unit: rows}").percent);
}

#[test]
fn the_names_of_version_3_0_mean_the_same() {
    let cases = [
        (
            "{rule: nullCheck, mustBeLessThan: 5}",
            "a.nullCheck: null values: less than 5",
        ),
        (
            "{rule: duplicateCount, mustBeLessThan: 10, unit: rows, name: few}",
            "few: duplicate values: less than 10",
        ),
        (
            "{rule: duplicateCount, mustBeLessThan: 1, unit: percent}",
            "a.duplicateCount: duplicate values: less than 1 percent",
        ),
        (
            "{rule: validValues, validValues: [pounds]}",
            "a.validValues: it must be one of pounds",
        ),
        ("{rule: unique}", "a.unique: no duplicate values"),
        (
            "{rule: rowCount, mustBeGreaterThan: 1}",
            "a.rowCount: rows: more than 1",
        ),
    ];
    for (rule, expected) in cases {
        let contract = contract(&document("v3.0.2", rule, ""));
        let rules = contract.objects[0].rules().unwrap();
        assert_eq!(format!("{}: {}", rules[0].id, rules[0].says), expected);
    }
    let contract = contract(&document("v3.0.2", "{rule: between, mustBe: 0}", ""));
    let rules = contract.objects[0].rules().unwrap();
    assert_eq!(
        rules[0].kind,
        RuleKind::NotRun {
            why: "`between` is no metric of the standard's library".to_owned()
        }
    );
}

#[test]
fn polders_own_rules_are_read() {
    let rules = of_object(
        "{type: custom, engine: polder, id: order, implementation: {row: \"a <> 'x'\"}, dimension: accuracy}, \
         {type: custom, engine: polder, implementation: {freshness: {column: b, within: 24h}}}, \
         {type: custom, engine: polder, name: steady, implementation: {volume: {commits: 7, deviation: 2.5}}}, \
         {type: custom, engine: polder, implementation: {volume: {}}}",
    );
    let kinds: Vec<_> = rules.iter().map(|rule| (rule.id.as_str(), &rule.kind)).collect();
    assert_eq!(kinds[0], ("order", &RuleKind::Row(RowTest::Sql("a <> 'x'".to_owned()))));
    assert_eq!(rules[0].dimension.as_deref(), Some("accuracy"));
    let set = |metric, bound: &str| {
        RuleKind::Set(SetTest {
            metric,
            operator: Operator::LessOrEqual(bound.to_owned()),
            percent: false,
        })
    };
    let column = "bb".to_owned();
    assert_eq!(
        kinds[1],
        (
            "custom",
            &set(
                Metric::Freshness {
                    column,
                    within_seconds: 86_400
                },
                "86400"
            )
        )
    );
    assert_eq!(
        kinds[2],
        (
            "steady",
            &set(
                Metric::Volume {
                    commits: 7,
                    deviation: 2.5
                },
                "2.5"
            )
        )
    );
    assert_eq!(
        kinds[3],
        (
            "custom#2",
            &set(
                Metric::Volume {
                    commits: 10,
                    deviation: 3.0
                },
                "3"
            )
        )
    );
    assert_eq!(rules[1].says, "the newest bb is at most 1 day old");
}

#[test]
fn duplicates_over_several_columns_name_them() {
    let rules = of_object(
        "{metric: duplicateValues, mustBe: 0, arguments: {properties: [a, b]}}, {metric: rowCount, mustBeBetween: [100, 120]}",
    );
    assert_eq!(rules[0].says, "no duplicates of a, bb");
    assert_eq!(rules[1].says, "rows: more than 100 and less than 120");
    assert_eq!(rules[0].column, None);
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
fn the_nearest_word_says_what_happens_to_a_failing_row() {
    let on = |word: &str| format!("customProperties: [{{property: polder.onFailure, value: {word}}}]");
    let columns = [
        format!("{{name: a, logicalType: string, required: true, {}}}", on("warn")),
        format!(
            "{{name: b, logicalType: string, required: true, {}, quality: [{{metric: nullValues, mustBe: 0, {}}}, \
             {{metric: duplicateValues, mustBe: 0, severity: warning}}, {{metric: rowCount, mustBeGreaterThan: 0}}]}}",
            on("reject"),
            on("quarantine")
        ),
        format!(
            "{{name: o, logicalType: object, {}, properties: [{{name: x, logicalType: string, required: true}}]}}",
            on("reject")
        ),
        "{name: c, logicalType: string, required: true, unique: true}".to_owned(),
        "{name: d, logicalType: string, quality: [{metric: nullValues, mustBe: 0, severity: info}]}".to_owned(),
    ];
    let columns: Vec<_> = columns.iter().map(String::as_str).collect();
    let text = with_properties(&columns);
    let found = |text: &str| -> Vec<(String, OnFailure, RuleSeverity)> {
        let rules = contract(text).objects[0].rules().unwrap();
        rules
            .into_iter()
            .map(|rule| (rule.id, rule.on_failure, rule.severity))
            .collect()
    };
    let of_object = text.replace("    properties:\n", &format!("    {}\n    properties:\n", on("warn")));
    let expected = |rest: OnFailure, severity: RuleSeverity| {
        use {OnFailure as F, RuleSeverity as S};
        [
            ("a.required", F::Warn, S::Warning),
            ("b.required", F::Reject, S::Error),
            ("b.nullValues", F::Quarantine, S::Error),
            ("b.duplicateValues", F::Warn, S::Warning),
            ("b.rowCount", F::Reject, S::Error),
            ("o.x.required", F::Reject, S::Error),
            ("c.required", rest, severity),
            ("c.unique", rest, severity),
            ("d.nullValues", F::Warn, S::Info),
        ]
        .map(|(id, on_failure, severity)| (id.to_owned(), on_failure, severity))
    };
    assert_eq!(found(&text), expected(OnFailure::Quarantine, RuleSeverity::Error));
    assert_eq!(found(&of_object), expected(OnFailure::Warn, RuleSeverity::Warning));
}

const REFERENCES: &str = "\
apiVersion: v3.1.0
kind: DataContract
id: t
version: 1.0.0
status: active
schema:
  - id: orders_tbl
    name: orders
    physicalName: sales.silver.orders
    relationships:
      - {from: orders.id, to: lines.order_id}
      - {from: [orders.id, orders.customer], to: [lines.order_id, lines.customer], type: foreignKey}
    properties:
      - {id: order_id, name: id, logicalType: integer}
      - name: customer
        physicalName: cust
        logicalType: integer
        relationships:
          - {to: schema/customers_tbl/properties/key}
          - {to: customers.address.zip}
          - {to: crm.gold.people.person_id}
          - {to: customers.odcs.yaml#/schema/customers_tbl/properties/key}
          - {to: loose.x}
  - id: customers_tbl
    name: customers
    physicalName: sales.silver.customers
    properties:
      - {id: key, name: customer id, physicalName: customer_id, logicalType: integer}
      - {name: address, logicalType: object, properties: [{name: zip, logicalType: string}]}
  - {name: lines, physicalName: sales.silver.lines, properties: [{name: order_id, logicalType: integer}, {name: customer, logicalType: integer}]}
  - {name: loose, properties: [{name: x, logicalType: integer}]}
";

#[test]
fn references_name_datasets_and_their_columns() {
    let contract = std::sync::Arc::new(contract(REFERENCES));
    let rules = DatasetContract { contract, object: 0 }.rules().unwrap();
    let shown: Vec<_> = rules
        .iter()
        .map(|rule| match &rule.kind {
            RuleKind::Set(SetTest {
                metric: Metric::Orphans { columns, dataset, to },
                ..
            }) => format!("{}: {columns:?} {dataset} {to:?}", rule.id),
            RuleKind::NotRun { why } => format!("{}: {why}", rule.id),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        shown,
        [
            "cust.foreignKey: [\"cust\"] sales.silver.customers [\"customer_id\"]",
            "cust.foreignKey#2: [\"cust\"] sales.silver.customers [\"address.zip\"]",
            "cust.foreignKey#3: [\"cust\"] crm.gold.people [\"person_id\"]",
            "cust.foreignKey#4: `customers.odcs.yaml` is another document: name its dataset instead, such as \
             sales.silver.customers.customer_id",
            "cust.foreignKey#5: `loose` is bound to no dataset",
            "id.foreignKey: [\"id\"] sales.silver.lines [\"order_id\"]",
            "foreignKey: [\"id\", \"cust\"] sales.silver.lines [\"order_id\", \"customer\"]",
        ]
    );
}

#[test]
fn references_to_nothing_are_refused_at_their_place() {
    let cases = [
        (
            "{to: customers.address.zip}",
            "{to: custmers.address.zip}",
            "there is no object `custmers` (did you mean `customers`?)",
        ),
        (
            "{to: customers.address.zip}",
            "{to: customers.adress.zip}",
            "there is no property `adress` (did you mean `address`?)",
        ),
        (
            "properties/key}\n          - {to: cust",
            "properties/kez}\n          - {to: cust",
            "there is no property `kez` (did you mean `key`?)",
        ),
        (
            "{from: orders.id, ",
            "{from: orders.ident, ",
            "there is no property `ident`",
        ),
        (
            "{from: orders.id, ",
            "{from: lines.order_id, ",
            "there is no object `lines`",
        ),
        (
            "[lines.order_id, lines.customer]",
            "[lines.order_id, customers.address.zip]",
            "columns of several datasets",
        ),
    ];
    for (good, bad, problem) in cases {
        let found = findings(&REFERENCES.replace(good, bad));
        assert_eq!(found.len(), 1, "{bad}: {found:#?}");
        assert!(found[0].contains(problem), "{bad}: {found:#?}");
    }
}

#[test]
fn values_inside_keep_rules_of_quality_too() {
    let object = object(&[
        "{name: l, logicalType: array, items: {logicalType: object, properties: [{name: p, logicalType: integer, \
         quality: [{metric: invalidValues, mustBeLessThan: 5, unit: percent, arguments: {validValues: [1, 2]}}, \
         {metric: invalidValues, mustBe: 0, arguments: {validValues: [1, 2]}}]}]}}",
    ]);
    let rules = object.rules().unwrap();
    let one_of = RowCheck::OneOf(vec!["1".into(), "2".into()]);
    let RuleKind::Set(SetTest { metric, .. }) = &rules[0].kind else {
        panic!("{rules:?}")
    };
    let column = "l[].p".to_owned();
    assert_eq!(
        *metric,
        Metric::Invalid {
            column: column.clone(),
            checks: vec![one_of.clone()]
        }
    );
    let path = object.path(&column).unwrap();
    assert_eq!(object.value(&path).map(|property| property.name.as_str()), Some("p"));
    assert_eq!(rules[1].kind, RuleKind::Row(RowTest::Value { path, check: one_of }));
    assert_eq!(object.path("l[].q"), None);
    assert_eq!(object.path("l.p"), None);
}

#[test]
fn what_happens_to_failing_rows_is_not_said_for_the_whole_contract() {
    let text = document("v3.1.0", "", "").replace(
        "status: active\n",
        "status: active\ncustomProperties: [{property: polder.onFailure, value: warn}]\n",
    );
    let found = findings(&text);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(
        found[0].starts_with("6:31 custom-property `polder.onFailure` means nothing"),
        "{found:#?}"
    );
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
        let parsed = super::parsed(&text);
        if let Some(contract) = parsed.contract {
            prop_assert_eq!(contract.objects[0].rules().unwrap().len(), operators.len().max(1), "{}", text);
        } else {
            prop_assert!(!parsed.diagnostics.is_empty());
        }
    }
}
