//! Rules go by the same names in a comparison and at the gates, so that who relies on one is found.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::subsequence;
use serde_json::{Map, Value, json};

use crate::diff::{Change, Reliance, compare};
use crate::tests::contract;
use crate::{Contract, DatasetContract, RuleKind};

/// Options and other keys that a column of each kind may have, alone and together.
const KEYS: [(&str, &[&str]); 6] = [
    (
        "string",
        &[
            "physicalType: varchar(9)",
            "physicalType: char",
            "physicalType: uuid",
            "physicalType: \"enum('a','b')\"",
            "physicalType: varchar2(9 byte)",
            "physicalType: varchar(9 furlongs)",
            "enum: [{value: a}]",
            "logicalTypeOptions.minLength: 1",
            "logicalTypeOptions.maxLength: 5",
            "logicalTypeOptions.pattern: a",
            "logicalTypeOptions.format: email",
        ],
    ),
    (
        "integer",
        &[
            "physicalType: smallint",
            "physicalType: mediumint",
            "enum: [{value: 1}]",
            "logicalTypeOptions.minimum: 1",
            "logicalTypeOptions.exclusiveMaximum: 9",
            "logicalTypeOptions.multipleOf: 1",
            "logicalTypeOptions.format: i32",
        ],
    ),
    (
        "timestamp",
        &[
            "physicalType: timestamp(3)",
            "logicalTypeOptions.format: yyyy",
            "logicalTypeOptions.defaultTimezone: UTC",
            "logicalTypeOptions.maximum: \"2030-01-01T00:00:00Z\"",
        ],
    ),
    (
        "object",
        &[
            "logicalTypeOptions.required: [first]",
            "logicalTypeOptions.minProperties: 1",
            "logicalTypeOptions.maxProperties: 2",
        ],
    ),
    (
        "array",
        &[
            "logicalTypeOptions.minItems: 1",
            "logicalTypeOptions.maxItems: 2",
            "logicalTypeOptions.uniqueItems: true",
        ],
    ),
    (
        "map",
        &["logicalTypeOptions.minItems: 1", "logicalTypeOptions.maxItems: 2"],
    ),
];

/// Rules of columns, with names of their own and without.
const QUALITY: [&str; 7] = [
    "{metric: nullValues, mustBeLessThan: 5, unit: percent}",
    "{metric: nullValues, mustBe: 0, name: full}",
    "{id: known, metric: missingValues, arguments: {missingValues: [x]}, mustBe: 0}",
    "{type: sql, query: 'SELECT count(*) FROM {object}', mustBe: 0}",
    "{type: text, description: words}",
    "{type: custom, engine: soda, implementation: x}",
    "{metric: nullValues, mustBeGreaterThan: 1, mustBeLessThan: 5}",
];

const OF_OBJECT: [&str; 7] = [
    "{metric: rowCount, mustBeGreaterThan: 0}",
    "{metric: rowCount, mustBeGreaterThan: 0, name: many}",
    "{metric: duplicateValues, arguments: {properties: [kept]}, mustBe: 0}",
    "{type: sql, query: 'SELECT 0', mustBe: 0}",
    "{type: custom, engine: polder, implementation: {row: 'kept > 0'}}",
    "{type: custom, engine: polder, implementation: {volume: {commits: 5}}}",
    "{type: text, description: words}",
];

const REFERENCES: [&str; 4] = [
    "{from: t.kept, to: sales.silver.other.id}",
    "{from: schema/the_t/properties/kept, to: sales.silver.more.id}",
    "{from: [t.kept, t.kept], to: [sales.silver.other.a, sales.silver.other.b]}",
    "{from: t.around.first, to: sales.silver.other.id}",
];

fn yaml(text: &str) -> Value {
    let source = polder_core::document::Source::new("x", text);
    polder_core::document::parse(&source).unwrap().to_json()
}

fn said(kind: &str, keys: &[&str]) -> Map<String, Value> {
    let mut column = Map::from_iter([("logicalType".to_owned(), json!(kind))]);
    for key in keys {
        let Value::Object(entry) = yaml(key) else { continue };
        for (key, value) in entry {
            match key.split_once('.') {
                Some((outer, inner)) => {
                    column.entry(outer).or_insert_with(|| json!({}))[inner] = value;
                }
                None => drop(column.insert(key, value)),
            }
        }
    }
    column
}

fn some(all: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    subsequence(all, 0..=all.len())
}

fn value(kind: usize) -> impl Strategy<Value = Map<String, Value>> {
    let (kind, keys) = KEYS[kind];
    (some(keys), some(&QUALITY), any::<[bool; 4]>()).prop_map(
        move |(keys, quality, [required, unique, key, refers])| {
            let mut column = said(kind, &keys);
            let scalar = KEYS[..3].iter().any(|(known, _)| *known == kind);
            column.insert("required".to_owned(), json!(required));
            if scalar {
                column.insert("unique".to_owned(), json!(unique));
                column.insert("primaryKey".to_owned(), json!(key));
                column.insert("quality".to_owned(), quality.iter().map(|rule| yaml(rule)).collect());
                if refers {
                    column.insert("relationships".to_owned(), json!([{"to": "sales.silver.other.id"}]));
                }
            }
            column
        },
    )
}

fn documents() -> impl Strategy<Value = Value> {
    let inside = || prop::collection::vec((0_usize..3).prop_flat_map(value), 4);
    let columns = prop::collection::vec((0_usize..3).prop_flat_map(value), 0..4);
    let compound = (value(3), value(4), value(5), inside());
    (columns, compound, some(&OF_OBJECT), some(&REFERENCES)).prop_map(
        |(columns, (mut object, mut list, mut map, mut inside), quality, references)| {
            let mut named = Vec::new();
            for (at, mut column) in columns.into_iter().enumerate() {
                column.insert("name".to_owned(), json!(format!("c{at}")));
                column.insert("physicalName".to_owned(), json!(format!("c_{at}")));
                named.push(Value::Object(column));
            }
            for value in &mut inside {
                value.remove("primaryKey");
            }
            let mut next = || inside.pop().unwrap_or_default();
            let mut first = next();
            first.insert("name".to_owned(), json!("first"));
            first.insert("physicalName".to_owned(), json!("first_one"));
            object.insert("properties".to_owned(), json!([first]));
            list.insert("items".to_owned(), Value::Object(next()));
            map.insert("map".to_owned(), json!({"key": next(), "value": next()}));
            for (name, mut column) in [("around", object), ("list", list), ("map", map)] {
                column.insert("name".to_owned(), json!(name));
                named.push(Value::Object(column));
            }
            named.push(json!({"name": "kept", "physicalName": "is_kept", "logicalType": "integer"}));
            let list = |texts: Vec<&str>| -> Value { texts.into_iter().map(yaml).collect() };
            json!({
                "apiVersion": "v3.2.0", "kind": "DataContract", "id": "x", "version": "1.0.0", "status": "active",
                "schema": [{
                    "id": "the_t", "name": "t", "physicalName": "sales.silver.t", "properties": named,
                    "quality": list(quality), "relationships": list(references),
                }],
            })
        },
    )
}

/// What the rules are called without the numbers that tell repeated names apart; of those that run, and of all.
fn at_the_gate(contract: &Contract) -> (BTreeSet<String>, BTreeSet<String>) {
    let contract = DatasetContract {
        contract: Arc::new(contract.clone()),
        object: 0,
    };
    let rules = contract.rules().unwrap();
    let plain = |id: &str| id.split('#').next().unwrap_or_default().to_owned();
    let runs = rules
        .iter()
        .filter(|rule| !matches!(rule.kind, RuleKind::NotRun { .. }));
    (
        runs.map(|rule| plain(&rule.id)).collect(),
        rules.iter().map(|rule| plain(&rule.id)).collect(),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Who turns all rules of an object into reports changes each of them, by the name that gates call it.
    #[test]
    fn a_comparison_calls_every_rule_as_gates_do(old in documents()) {
        let mut new = old.clone();
        new["schema"][0]["customProperties"] = json!([{"property": "polder.onFailure", "value": "warn"}]);
        let (old, new) = (contract(&old.to_string()), contract(&new.to_string()));
        let named: BTreeSet<String> = compare(&old, &new).changes.into_iter().filter_map(|change| change.rule).collect();
        let (run, all) = at_the_gate(&old);
        let unnamed: Vec<_> = run.difference(&named).collect();
        let unknown: Vec<_> = named.difference(&all).collect();
        prop_assert!(unnamed.is_empty() && unknown.is_empty(), "not named: {:?}, not known: {:?}", unnamed, unknown);
    }
}

fn with(object: &str) -> Contract {
    contract(&format!(
        "apiVersion: v3.2.0\nkind: DataContract\nid: x\nversion: 1.0.0\nstatus: active\nschema:\n  - name: x\n    \
         physicalName: sales.silver.x\n{object}"
    ))
}

fn broken(old: &str, new: &str, guarantee: &str) -> Vec<String> {
    let comparison = compare(&with(old), &with(new));
    let reliance = Reliance {
        columns: Some(vec!["id".to_owned()]),
        guarantees: vec![guarantee.to_owned()],
    };
    let broken = comparison.breaks(&reliance);
    broken.into_iter().map(|change: &Change| change.what.clone()).collect()
}

const ID: &str = "    properties:\n      - {name: id, logicalType: string}\n      - {name: pid, physicalName: p_id, logicalType: string}\n";

fn address(options: &str) -> String {
    format!(
        "{ID}      - name: a\n        logicalType: object\n{options}        properties:\n          - {{name: city, logicalType: \
         string}}\n"
    )
}

#[test]
fn who_relies_on_fields_that_must_be_there_is_broken_where_they_need_not_or_where_all_is_gone() {
    let asks = address("        logicalTypeOptions: {required: [city]}\n");
    assert_eq!(
        broken(&asks, &address(""), "a.requiredProperties"),
        ["`required` of the column `a` was removed"]
    );
    assert_eq!(
        broken(&asks, ID, "a.requiredProperties"),
        ["the column `a` was removed"]
    );
    // A value was never asked for.
    assert_eq!(broken(&asks, &address(""), "a.required"), [""; 0]);
}

#[test]
fn who_relies_on_a_reference_is_broken_where_it_goes_by_the_name_in_the_store() {
    for from in ["x.pid", "schema/x/properties/pid"] {
        let refers = format!("{ID}    relationships: [{{from: {from}, to: sales.silver.p.id}}]\n");
        assert_eq!(
            broken(&refers, ID, "p_id.foreignKey"),
            ["the relationship of `x` to sales.silver.p.id was removed"],
            "{from}"
        );
    }
}
