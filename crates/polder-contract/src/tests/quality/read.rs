//! Rules as they are read.

use super::*;

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
            "{rule: nullCount, mustBeLessThan: 5}",
            "a.nullCount: null values: less than 5",
        ),
        (
            "{rule: missingCount, mustBeLessThan: 5}",
            "a.missingCount: missing values: less than 5",
        ),
        (
            "{rule: countCheck, mustBeGreaterThan: 1}",
            "a.countCheck: rows: more than 1",
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
