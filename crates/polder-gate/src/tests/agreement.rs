//! What is accepted when a contract is read can be enforced: neither side knows a rule that the other refuses.

use std::collections::HashSet;
use std::sync::Arc;

use polder_contract::{DatasetContract, parse};
use polder_core::document::Source;
use proptest::prelude::*;

use crate::Gate;
use crate::table::TableCheck;

const TYPES: [&str; 16] = [
    "logicalType: string",
    "logicalType: string, physicalType: binary",
    "logicalType: integer",
    "logicalType: integer, physicalType: bigint",
    "logicalType: integer, physicalType: 'decimal(20,0)'",
    "logicalType: integer, physicalType: 'decimal(5,2)'",
    "logicalType: number",
    "logicalType: number, physicalType: 'decimal(38,18)'",
    "logicalType: number, physicalType: int",
    "logicalType: boolean",
    "logicalType: date",
    "logicalType: timestamp",
    "logicalType: timestamp, physicalType: timestamp_ntz",
    "logicalType: array, items: {logicalType: string, required: true}",
    "logicalType: object, properties: [{name: x, logicalType: string}, {name: y, logicalType: map, map: {key: {logicalType: string}, value: {logicalType: integer}}}]",
    "logicalType: map, map: {key: {logicalType: string}, value: {logicalType: array, items: {logicalType: date}}}",
];

const VALUES: [&str; 22] = [
    "0",
    "1",
    "-3",
    "2.5",
    "1e3",
    "1e39",
    "1e-30",
    "0.000000000000000001",
    "99999999999999999999",
    "170141183460469231731687303715884105727",
    "'2026-01-31'",
    "'2026-01-31T12:00:00Z'",
    "'2026-01-31 12:00:00'",
    "'9999-12-31'",
    "abc",
    "''",
    "true",
    "null",
    "'[0-9]+'",
    "'(a*)*b'",
    "'((((a{9}){9}){9}){9}){9}'",
    "'\\d[[x]&&y]'",
];

const OPTIONS: [&str; 16] = [
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "format",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "required",
    "defaultTimezone",
];

const FORMATS: [&str; 12] = [
    "i8", "u32", "i64", "u64", "i128", "u128", "f32", "f64", "uuid", "json", "binary", "yyyy",
];

fn option() -> impl Strategy<Value = String> {
    let key = proptest::sample::select(OPTIONS.to_vec());
    let value = proptest::sample::select(VALUES.to_vec());
    let format = proptest::sample::select(FORMATS.to_vec());
    (key, value, format).prop_map(|(key, value, format)| match key {
        "format" => format!("format: {format}"),
        "required" => "required: [x]".to_owned(),
        "uniqueItems" => "uniqueItems: true".to_owned(),
        key => format!("{key}: {value}"),
    })
}

fn quality() -> impl Strategy<Value = String> {
    let value = || proptest::sample::select(VALUES.to_vec());
    let metric = proptest::sample::select(vec![
        "nullValues",
        "missingValues",
        "invalidValues",
        "duplicateValues",
        "rowCount",
    ]);
    let operator = proptest::sample::select(vec!["mustBe", "mustNotBe", "mustBeLessThan", "mustBeLessOrEqualTo"]);
    let argument = prop_oneof![
        Just(String::new()),
        (value(), value()).prop_map(|(a, b)| format!(", arguments: {{validValues: [{a}, {b}]}}")),
        (value(), value()).prop_map(|(a, b)| format!(", arguments: {{missingValues: [{a}, {b}]}}")),
        value().prop_map(|a| format!(", arguments: {{pattern: {a}}}")),
    ];
    let bound = prop_oneof![3 => Just("0"), 1 => value()];
    (metric, operator, bound, argument)
        .prop_map(|(metric, operator, bound, argument)| format!("{{metric: {metric}, {operator}: {bound}{argument}}}"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, max_global_rejects: 100_000, ..ProptestConfig::default() })]

    #[test]
    fn a_contract_that_is_accepted_can_be_enforced(
        kind in proptest::sample::select(TYPES.to_vec()),
        options in proptest::collection::vec(option(), 0..2),
        quality in proptest::collection::vec(quality(), 0..2),
        listed in proptest::collection::vec(proptest::sample::select(VALUES.to_vec()), 0..2),
        flags in any::<[bool; 3]>(),
    ) {
        let mut property = format!("name: a, {kind}, required: {}, unique: {}", flags[0], flags[1]);
        if !options.is_empty() {
            property.push_str(&format!(", logicalTypeOptions: {{{}}}", options.join(", ")));
        }
        if !listed.is_empty() {
            let values: Vec<_> = listed.iter().map(|value| format!("{{value: {value}}}")).collect();
            property.push_str(&format!(", enum: [{}]", values.join(", ")));
        }
        property.push_str(&format!(", quality: [{}]", quality.join(", ")));
        let property = match flags[2] {
            true => format!("{{name: outer, logicalType: array, items: {{logicalType: object, properties: [{{{property}}}]}}}}"),
            false => format!("{{{property}}}"),
        };
        let text = format!(
            "apiVersion: v3.2.0\nkind: DataContract\nid: t\nversion: 1.0.0\nschema:\n  - name: t\n    \
             physicalName: sales.bronze.t\n    properties:\n      - {property}\n"
        );
        let Some(contract) = parse(&Source::new("t.odcs.yaml", text)).contract else {
            return Err(TestCaseError::reject("refused when it is read"));
        };
        let contract = DatasetContract { contract: Arc::new(contract), object: 0 };
        let rules = contract.rules().unwrap();
        let ids: HashSet<_> = rules.iter().map(|rule| rule.id.as_str()).collect();
        prop_assert_eq!(ids.len(), rules.len());
        for rule in &rules {
            if let Some(column) = &rule.column {
                prop_assert!(contract.object().path(column).is_some(), "{}", column);
            }
        }
        if let Err(error) = Gate::compile(&contract) {
            prop_assert!(false, "{}: {}", property, error);
        }
        if let Err(error) = TableCheck::compile(&contract) {
            prop_assert!(false, "{}: {}", property, error);
        }
    }
}
