//! What each kind of change means, there and back.

use polder_core::document::Source;

use crate::diff::{Bump, Class, Comparison, Reliance, compare};
use crate::{Contract, parse};

pub(super) const BASE: &str = r#"apiVersion: v3.2.0
kind: DataContract
id: sales.silver.lines
version: 1.4.0
status: active
description:
  purpose: Lines.
tags: [silver]
servers:
  - server: prod
    type: postgres
    host: db.example
    port: 5432
    database: shop
    schema: sales
roles:
  - role: reader
    access: read
schema:
  - name: lines
    physicalName: sales.silver.lines
    properties:
      - id: p_id
        name: id
        logicalType: string
        required: true
        primaryKey: true
        primaryKeyPosition: 1
      - id: p_quantity
        name: quantity
        logicalType: integer
        physicalType: int
        required: true
        logicalTypeOptions:
          minimum: 0
          maximum: 100
      - id: p_price
        name: price
        logicalType: number
        physicalType: decimal(12,3)
        logicalTypeOptions:
          exclusiveMinimum: 0
      - id: p_day
        name: day
        logicalType: date
      - id: p_kind
        name: kind
        logicalType: string
        enum: [{value: product}, {value: other}]
        logicalTypeOptions:
          maxLength: 20
      - id: p_address
        name: address
        logicalType: object
        properties:
          - name: city
            logicalType: string
            required: true
          - name: zip
            logicalType: string
      - id: p_tags
        name: labels
        logicalType: array
        items:
          logicalType: string
          logicalTypeOptions: {pattern: "^[a-z]+$"}
      - id: p_currency
        name: currency
        logicalType: string
        classification: public
        quality:
          - id: currency_known
            metric: invalidValues
            arguments: {validValues: [GBP, EUR]}
            mustBe: 0
          - metric: nullValues
            mustBeLessThan: 5
            unit: percent
    quality:
      - id: enough_rows
        metric: rowCount
        mustBeGreaterOrEqualTo: 1000
      - id: totals
        type: sql
        query: SELECT count(*) FROM ${object} WHERE price < 0
        mustBe: 0
team:
  name: sales
  members:
    - username: ann@shop.example
      role: owner
price:
  priceAmount: 10
  priceCurrency: EUR
slaProperties:
  - property: latency
    value: 60
    unit: m
    element: lines.day
  - property: availability
    value: 99.5
    unit: percent
  - property: retention
    value: 1
    unit: y
  - property: endOfLife
    value: "2030-01-01"
"#;

pub(super) fn contract(text: &str) -> Contract {
    let parsed = parse(&Source::new("c.odcs.yaml", text));
    parsed
        .contract
        .unwrap_or_else(|| panic!("{:#?}\n{text}", parsed.diagnostics))
}

/// The base with one stretch of text replaced.
pub(super) fn edited(from: &str, to: &str) -> Contract {
    assert_eq!(
        BASE.matches(from).count(),
        1,
        "`{from}` is not exactly once in the base"
    );
    contract(&BASE.replacen(from, to, 1))
}

fn said(comparison: &Comparison) -> Vec<String> {
    let line = |change: &crate::diff::Change| {
        let at = [&change.column, &change.rule].map(|part| part.as_deref().unwrap_or("-"));
        format!("{} {} | {} {}", change.code, change.class.as_str(), at[0], at[1])
    };
    comparison.changes.iter().map(line).collect()
}

/// The base in which a column says what happens to failing rows.
fn on_failure(column: &str, word: &str) -> (String, String) {
    let line = format!("name: {column}\n");
    let said = format!("{line}        customProperties: [{{property: polder.onFailure, value: {word}}}]\n");
    (line, said)
}

#[test]
fn a_limit_that_only_warns_is_none_to_those_who_read() {
    let there_and_back = |old: &Contract, new: &Contract, there: &[&str], back: &[&str]| {
        assert_eq!(said(&compare(old, new)), there);
        assert_eq!(said(&compare(new, old)), back);
    };
    let base = contract(BASE);
    let (line, warns) = on_failure("quantity", "warn");
    let column = |turn: &str| {
        ["required", "minimum", "maximum"].map(|key| format!("on-failure-changed {turn} | quantity quantity.{key}"))
    };
    let texts = |all: &[String]| all.iter().map(|text| text.as_str().to_owned()).collect::<Vec<_>>();
    assert_eq!(
        said(&compare(&base, &edited(&line, &warns))),
        texts(&column("breaks readers"))
    );
    assert_eq!(
        said(&compare(&edited(&line, &warns), &base)),
        texts(&column("breaks writers"))
    );
    // Rows that were kept out one way are kept out the other.
    let (line, rejects) = on_failure("quantity", "reject");
    assert_eq!(
        said(&compare(&base, &edited(&line, &rejects))),
        texts(&column("quality tightened"))
    );
    // One word on the object: every rule that says nothing itself, the key, and values inside of others.
    let object = "    physicalName: sales.silver.lines\n";
    let all = edited(
        object,
        &format!("{object}    customProperties: [{{property: polder.onFailure, value: warn}}]\n"),
    );
    there_and_back(
        &base,
        &all,
        &[
            "on-failure-changed quality loosened | - enough_rows",
            "on-failure-changed quality loosened | - totals",
            "on-failure-changed breaks readers | - primaryKey",
            "on-failure-changed breaks readers | id id.required",
            "on-failure-changed breaks readers | quantity quantity.required",
            "on-failure-changed breaks readers | quantity quantity.minimum",
            "on-failure-changed breaks readers | quantity quantity.maximum",
            "on-failure-changed breaks readers | price price.exclusiveMinimum",
            "on-failure-changed breaks readers | kind kind.enum",
            "on-failure-changed breaks readers | kind kind.maxLength",
            "on-failure-changed breaks readers | address.city address.city.required",
            "on-failure-changed breaks readers | labels[] labels[].pattern",
            "on-failure-changed quality loosened | currency currency_known",
            "on-failure-changed quality loosened | currency currency.nullValues",
        ],
        &[
            "on-failure-changed quality tightened | - enough_rows",
            "on-failure-changed quality tightened | - totals",
            "on-failure-changed breaks writers | - primaryKey",
            "on-failure-changed breaks writers | id id.required",
            "on-failure-changed breaks writers | quantity quantity.required",
            "on-failure-changed breaks writers | quantity quantity.minimum",
            "on-failure-changed breaks writers | quantity quantity.maximum",
            "on-failure-changed breaks writers | price price.exclusiveMinimum",
            "on-failure-changed breaks writers | kind kind.enum",
            "on-failure-changed breaks writers | kind kind.maxLength",
            "on-failure-changed breaks writers | address.city address.city.required",
            "on-failure-changed breaks writers | labels[] labels[].pattern",
            "on-failure-changed quality tightened | currency currency_known",
            "on-failure-changed quality tightened | currency currency.nullValues",
        ],
    );
    // A limit that only warns before and after is a rule about quality; the nearest word counts.
    let object_warns = BASE.replace(
        object,
        &format!("{object}    customProperties: [{{property: polder.onFailure, value: warn}}]\n"),
    );
    let looser = contract(&object_warns.replace("maximum: 100", "maximum: 200"));
    there_and_back(
        &contract(&object_warns),
        &looser,
        &["limit-loosened quality loosened | quantity quantity.maximum"],
        &["limit-tightened quality tightened | quantity quantity.maximum"],
    );
    let (line, keeps) = on_failure("quantity", "quarantine");
    let kept = contract(&object_warns.replace(&line, &keeps));
    let changes = said(&compare(&base, &kept));
    assert!(
        !changes.iter().any(|change| change.contains("quantity.")),
        "{changes:#?}"
    );
    // Whoever relies on a rule is broken by it.
    let relies = |guarantee: &str| Reliance {
        columns: Some(vec!["day".to_owned()]),
        guarantees: vec![guarantee.to_owned()],
    };
    let comparison = compare(&base, &all);
    for guarantee in ["quantity.required", "currency_known", "primaryKey", "labels[].pattern"] {
        let breaks = comparison.breaks(&relies(guarantee));
        let rules: Vec<_> = breaks.iter().filter_map(|change| change.rule.as_deref()).collect();
        // A key is about every row.
        let both = if guarantee == "primaryKey" { 1 } else { 2 };
        assert_eq!(rules.len(), both, "{guarantee}: {rules:?}");
        assert!(rules.contains(&guarantee), "{guarantee}: {rules:?}");
    }
    assert_eq!(comparison.breaks(&relies("latency")).len(), 1);
    assert_eq!(comparison.required_bump(), Bump::Major);
}

#[test]
fn every_kind_of_change_has_its_class_there_and_back() {
    let cases: &[(&str, &str, &[&str], &[&str])] = &[
        // Columns.
        (
            "      - id: p_day\n        name: day\n        logicalType: date\n",
            "",
            &["column-removed breaks readers | day -"],
            &["column-added compatible | day -"],
        ),
        (
            "      - id: p_day\n        name: day\n        logicalType: date\n",
            "      - id: p_day\n        name: day\n        logicalType: date\n      - name: hour\n        logicalType: integer\n        required: true\n",
            &["required-column-added breaks writers | hour -"],
            &["column-removed breaks readers | hour -"],
        ),
        (
            "name: day",
            "name: sold_on",
            &["column-renamed breaks readers and writers | day -"],
            &["column-renamed breaks readers and writers | sold_on -"],
        ),
        (
            "logicalType: date\n",
            "logicalType: date\n        physicalName: sold_on\n",
            &["column-renamed breaks readers and writers | day -"],
            &["column-renamed breaks readers and writers | sold_on -"],
        ),
        (
            "          - name: zip\n            logicalType: string\n",
            "",
            &["column-removed breaks readers | address.zip -"],
            &["column-added compatible | address.zip -"],
        ),
        (
            "          - name: city\n            logicalType: string\n            required: true\n",
            "          - name: city\n            logicalType: string\n",
            &["column-became-optional breaks readers | address.city address.city.required"],
            &["column-became-required breaks writers | address.city address.city.required"],
        ),
        // Types.
        (
            "physicalType: int\n",
            "physicalType: bigint\n",
            &["type-widened breaks readers | quantity -"],
            &["type-narrowed breaks readers and writers | quantity -"],
        ),
        (
            "physicalType: int\n",
            "physicalType: integer\n",
            &["type-restated documentation | quantity -"],
            &["type-restated documentation | quantity -"],
        ),
        // What the name of a type keeps out is a limit: the column is the same.
        (
            "physicalType: int\n",
            "physicalType: smallint\n",
            &["type-narrowed breaks writers | quantity quantity.physicalType"],
            &["type-widened breaks readers | quantity quantity.physicalType"],
        ),
        (
            "name: kind\n        logicalType: string\n",
            "name: kind\n        logicalType: string\n        physicalType: varchar(20)\n",
            &["type-narrowed breaks writers | kind kind.physicalType"],
            &["type-widened breaks readers | kind kind.physicalType"],
        ),
        (
            "decimal(12,3)",
            "decimal(14,3)",
            &["type-widened breaks readers | price -"],
            &["type-narrowed breaks readers and writers | price -"],
        ),
        (
            "decimal(12,3)",
            "decimal(12,4)",
            &["type-changed breaks readers and writers | price -"],
            &["type-changed breaks readers and writers | price -"],
        ),
        (
            "logicalType: date\n",
            "logicalType: timestamp\n",
            &["type-changed breaks readers and writers | day -"],
            &["type-changed breaks readers and writers | day -"],
        ),
        // Keys.
        (
            "      - id: p_day\n        name: day\n",
            "      - id: p_day\n        name: day\n        primaryKey: true\n        primaryKeyPosition: 2\n",
            &["primary-key-changed breaks readers and writers | - primaryKey"],
            &["primary-key-changed breaks readers and writers | - primaryKey"],
        ),
        (
            "        primaryKey: true\n        primaryKeyPosition: 1\n",
            "        primaryKey: false\n        primaryKeyPosition: -1\n",
            &["primary-key-changed breaks readers | - primaryKey"],
            &["primary-key-changed breaks writers | - primaryKey"],
        ),
        (
            "name: day\n",
            "name: day\n        unique: true\n",
            &["column-became-unique breaks writers | day day.unique"],
            &["column-became-repeatable breaks readers | day day.unique"],
        ),
        // Limits.
        (
            "maximum: 100",
            "maximum: 50",
            &["limit-tightened breaks writers | quantity quantity.maximum"],
            &["limit-loosened breaks readers | quantity quantity.maximum"],
        ),
        (
            "          minimum: 0\n",
            "",
            &["limit-loosened breaks readers | quantity quantity.minimum"],
            &["limit-tightened breaks writers | quantity quantity.minimum"],
        ),
        (
            "exclusiveMinimum: 0",
            "minimum: 0",
            &["limit-loosened breaks readers | price price.exclusiveMinimum"],
            &["limit-tightened breaks writers | price price.minimum"],
        ),
        (
            "maxLength: 20",
            "maxLength: 40",
            &["limit-loosened breaks readers | kind kind.maxLength"],
            &["limit-tightened breaks writers | kind kind.maxLength"],
        ),
        (
            "^[a-z]+$",
            "^[a-z0-9]+$",
            &["limit-changed breaks readers and writers | labels[] labels[].pattern"],
            &["limit-changed breaks readers and writers | labels[] labels[].pattern"],
        ),
        (
            "{value: other}]",
            "{value: other}, {value: fee}]",
            &["enum-grown breaks readers | kind kind.enum"],
            &["enum-shrunk breaks writers | kind kind.enum"],
        ),
        (
            "        enum: [{value: product}, {value: other}]\n",
            "",
            &["limit-loosened breaks readers | kind kind.enum"],
            &["limit-tightened breaks writers | kind kind.enum"],
        ),
        // Quality.
        (
            "validValues: [GBP, EUR]",
            "validValues: [EUR, GBP, USD]",
            &["rule-arguments-changed quality loosened | currency currency_known"],
            &["rule-arguments-changed quality tightened | currency currency_known"],
        ),
        (
            "mustBeLessThan: 5\n",
            "mustBeLessThan: 7.5\n",
            &["threshold-changed quality loosened | currency currency.nullValues"],
            &["threshold-changed quality tightened | currency currency.nullValues"],
        ),
        (
            "unit: percent\n    quality",
            "unit: rows\n    quality",
            &[
                "threshold-changed quality loosened | currency currency.nullValues",
                "threshold-changed quality tightened | currency currency.nullValues",
            ],
            &[
                "threshold-changed quality loosened | currency currency.nullValues",
                "threshold-changed quality tightened | currency currency.nullValues",
            ],
        ),
        (
            "mustBeGreaterOrEqualTo: 1000\n",
            "mustBeBetween: [1000, 5000]\n",
            &["threshold-changed quality tightened | - enough_rows"],
            &["threshold-changed quality loosened | - enough_rows"],
        ),
        (
            "mustBeGreaterOrEqualTo: 1000\n",
            "mustBeGreaterOrEqualTo: 1000\n        severity: warning\n",
            &["severity-changed quality loosened | - enough_rows"],
            &["severity-changed quality tightened | - enough_rows"],
        ),
        (
            "mustBeGreaterOrEqualTo: 1000\n",
            "mustBeGreaterOrEqualTo: 1000\n        customProperties: [{property: polder.onFailure, value: warn}]\n",
            &["on-failure-changed quality loosened | - enough_rows"],
            &["on-failure-changed quality tightened | - enough_rows"],
        ),
        (
            "WHERE price < 0",
            "WHERE price < 1",
            &[
                "rule-changed quality loosened | - totals",
                "rule-changed quality tightened | - totals",
            ],
            &[
                "rule-changed quality loosened | - totals",
                "rule-changed quality tightened | - totals",
            ],
        ),
        (
            "WHERE price < 0",
            "WHERE price < 0 AND kind = 'a  b'",
            &[
                "rule-changed quality loosened | - totals",
                "rule-changed quality tightened | - totals",
            ],
            &[
                "rule-changed quality loosened | - totals",
                "rule-changed quality tightened | - totals",
            ],
        ),
        // A lower and an upper bound are judged together; the ends of a range are outside, as gates judge it.
        (
            "mustBeGreaterOrEqualTo: 1000\n",
            "mustBeGreaterOrEqualTo: 1000\n        mustBeLessThan: 5000\n",
            &["threshold-changed quality tightened | - enough_rows"],
            &["threshold-changed quality loosened | - enough_rows"],
        ),
        (
            "mustBeGreaterOrEqualTo: 1000\n",
            "mustNotBeBetween: [1000, 2000]\n",
            &[
                "threshold-changed quality loosened | - enough_rows",
                "threshold-changed quality tightened | - enough_rows",
            ],
            &[
                "threshold-changed quality loosened | - enough_rows",
                "threshold-changed quality tightened | - enough_rows",
            ],
        ),
        (
            "mustBeGreaterOrEqualTo: 1000\n",
            "mustBeGreaterOrEqualTo: 1000\n        severity: warn\n",
            &["severity-changed quality loosened | - enough_rows"],
            &["severity-changed quality tightened | - enough_rows"],
        ),
        (
            "mustBeGreaterOrEqualTo: 1000\n",
            "mustBeGreaterOrEqualTo: 1000\n        severity: critical\n",
            &["severity-changed documentation | - enough_rows"],
            &["severity-changed documentation | - enough_rows"],
        ),
        (
            "mustBeLessThan: 5\n            unit: percent\n",
            "mustBeLessThan: 5\n            unit: '%'\n",
            &["threshold-changed documentation | currency currency.nullValues"],
            &["threshold-changed documentation | currency currency.nullValues"],
        ),
        (
            "WHERE price < 0",
            "WHERE  price < 0",
            &["documentation-changed documentation | - totals"],
            &["documentation-changed documentation | - totals"],
        ),
        (
            "      - id: enough_rows\n        metric: rowCount\n        mustBeGreaterOrEqualTo: 1000\n",
            "",
            &["rule-removed quality loosened | - enough_rows"],
            &["rule-added quality tightened | - enough_rows"],
        ),
        (
            "name: day\n",
            "name: day\n        relationships: [{to: lines.id}]\n",
            &["relationship-added quality tightened | day day.foreignKey"],
            &["relationship-removed quality loosened | day day.foreignKey"],
        ),
        // Whole numbers and days have a next one; at least nothing is no limit, and a width beside closer bounds neither.
        (
            "          minimum: 0\n",
            "          exclusiveMinimum: -1\n",
            &["limit-restated documentation | quantity quantity.minimum"],
            &["limit-restated documentation | quantity quantity.exclusiveMinimum"],
        ),
        (
            "          maximum: 100\n",
            "          exclusiveMaximum: 100.5\n",
            &["limit-restated documentation | quantity quantity.maximum"],
            &["limit-restated documentation | quantity quantity.exclusiveMaximum"],
        ),
        (
            "          maximum: 100\n",
            "          exclusiveMaximum: 100\n",
            &["limit-tightened breaks writers | quantity quantity.maximum"],
            &["limit-loosened breaks readers | quantity quantity.exclusiveMaximum"],
        ),
        (
            "          maxLength: 20\n",
            "          maxLength: 20\n          minLength: 0\n",
            &["limit-restated documentation | kind kind.minLength"],
            &["limit-restated documentation | kind kind.minLength"],
        ),
        (
            "          maximum: 100\n",
            "          maximum: 100\n          format: u8\n",
            &["limit-restated documentation | quantity quantity.format"],
            &["limit-restated documentation | quantity quantity.format"],
        ),
        (
            "          maximum: 100\n",
            "          maximum: 100\n          multipleOf: 1\n",
            &["limit-restated documentation | quantity quantity.multipleOf"],
            &["limit-restated documentation | quantity quantity.multipleOf"],
        ),
        (
            "mustBeGreaterOrEqualTo: 1000\n",
            "mustBeGreaterThan: 999\n",
            &["threshold-changed documentation | - enough_rows"],
            &["threshold-changed documentation | - enough_rows"],
        ),
        (
            "WHERE price < 0",
            "/* what was sold */ WHERE price < 0 -- for nothing",
            &["documentation-changed documentation | - totals"],
            &["documentation-changed documentation | - totals"],
        ),
        // Service levels, with their units.
        (
            "value: 60\n    unit: m\n",
            "value: 1\n    unit: h\n",
            &["service-level-changed documentation | - latency"],
            &["service-level-changed documentation | - latency"],
        ),
        (
            "value: 60\n    unit: m\n",
            "value: 2\n    unit: h\n",
            &["service-level-changed service level lowered | - latency"],
            &["service-level-changed service level raised | - latency"],
        ),
        (
            "value: 60\n    unit: m\n",
            "value: PT2H\n",
            &["service-level-changed service level lowered | - latency"],
            &["service-level-changed service level raised | - latency"],
        ),
        (
            "value: 1\n    unit: y\n",
            "value: 12\n    unit: months\n",
            &["service-level-changed documentation | - retention"],
            &["service-level-changed documentation | - retention"],
        ),
        (
            "value: 99.5\n",
            "value: 99.9\n",
            &["service-level-changed service level raised | - availability"],
            &["service-level-changed service level lowered | - availability"],
        ),
        (
            "value: 1\n    unit: y\n",
            "value: 200\n    unit: d\n",
            &["service-level-changed service level lowered | - retention"],
            &["service-level-changed service level raised | - retention"],
        ),
        (
            "2030-01-01",
            "2029-06-30",
            &["service-level-changed service level lowered | - endOfLife"],
            &["service-level-changed service level raised | - endOfLife"],
        ),
        (
            "element: lines.day",
            "element: lines.id",
            &[
                "service-level-changed service level lowered | - latency",
                "service-level-changed service level raised | - latency",
            ],
            &[
                "service-level-changed service level lowered | - latency",
                "service-level-changed service level raised | - latency",
            ],
        ),
        (
            "  - property: retention\n    value: 1\n    unit: y\n",
            "",
            &["service-level-removed service level lowered | - retention"],
            &["service-level-added service level raised | - retention"],
        ),
        (
            "  - property: endOfLife\n    value: \"2030-01-01\"\n",
            "",
            &["service-level-removed service level raised | - endOfLife"],
            &["service-level-added service level lowered | - endOfLife"],
        ),
        (
            "value: 99.5\n",
            "value: 99.5\n    schedule: daily\n",
            &["service-level-changed service level raised | - availability"],
            &["service-level-changed service level lowered | - availability"],
        ),
        // The contract as a whole.
        (
            "status: active",
            "status: in review",
            &["status-changed service level lowered | - status"],
            &["status-changed service level raised | - status"],
        ),
        (
            "status: active",
            "status: deprecated",
            &["status-changed service level lowered | - status"],
            &["status-changed service level raised | - status"],
        ),
        (
            "status: active",
            "status: retired",
            &["status-changed breaks readers and writers | - status"],
            &["status-changed breaks readers and writers | - status"],
        ),
        (
            "id: sales.silver.lines",
            "id: other",
            &["contract-id-changed breaks readers and writers | - -"],
            &["contract-id-changed breaks readers and writers | - -"],
        ),
        (
            "physicalName: sales.silver.lines",
            "physicalName: sales.silver.invoice_lines",
            &["object-renamed breaks readers and writers | - -"],
            &["object-renamed breaks readers and writers | - -"],
        ),
        (
            "host: db.example",
            "host: db2.example",
            &["server-changed breaks readers and writers | - -"],
            &["server-changed breaks readers and writers | - -"],
        ),
        (
            "access: read\n",
            "access: read\n  - role: writer\n",
            &["role-added compatible | - -"],
            &["role-removed breaks readers | - -"],
        ),
        (
            "priceAmount: 10",
            "priceAmount: 12",
            &["price-changed service level lowered | - price"],
            &["price-changed service level raised | - price"],
        ),
        (
            "classification: public",
            "classification: confidential",
            &["classification-changed compatible | currency -"],
            &["classification-changed compatible | currency -"],
        ),
        (
            "ann@shop.example",
            "bob@shop.example",
            &["team-changed documentation | - -", "team-changed documentation | - -"],
            &["team-changed documentation | - -", "team-changed documentation | - -"],
        ),
        (
            "purpose: Lines.",
            "purpose: Invoice lines.",
            &["description-changed documentation | - -"],
            &["description-changed documentation | - -"],
        ),
        (
            "tags: [silver]",
            "tags: [silver, sales]\ncustomProperties: [{property: polder.compatibility, value: none}]",
            &[
                "compatibility-mode-changed quality loosened | - -",
                "tags-changed documentation | - -",
            ],
            &[
                "compatibility-mode-changed quality tightened | - -",
                "tags-changed documentation | - -",
            ],
        ),
    ];
    for (from, to, there, back) in cases {
        let (old, new) = (contract(BASE), edited(from, to));
        let sorted = |comparison: &Comparison| {
            let mut lines = said(comparison);
            lines.sort();
            lines
        };
        assert_eq!(sorted(&compare(&old, &new)), *there, "{from} -> {to}");
        assert_eq!(sorted(&compare(&new, &old)), *back, "{to} -> {from}");
    }
}

#[test]
fn another_order_of_columns_is_compatible() {
    let day = "      - id: p_day\n        name: day\n        logicalType: date\n";
    let moved = BASE.replacen(day, "", 1).replacen(
        "    quality:\n      - id: enough_rows",
        &format!("{day}    quality:\n      - id: enough_rows"),
        1,
    );
    let comparison = compare(&contract(BASE), &contract(&moved));
    assert_eq!(said(&comparison), ["columns-reordered compatible | - -"]);
}

#[test]
fn what_means_the_same_is_no_change() {
    let cases = [
        ("tags: [silver]", "tags:\n  - silver"),
        (
            "          minimum: 0\n          maximum: 100\n",
            "          maximum: 100.0\n          minimum: 0e0\n",
        ),
        ("{value: product}, {value: other}", "{value: other}, {value: product}"),
        (
            "metric: rowCount",
            "metric: rowCount\n        type: library\n        severity: error",
        ),
        (
            "name: zip\n",
            "name: zip\n            required: false\n            tags: []\n",
        ),
        (
            "  - property: availability\n    value: 99.5\n    unit: percent\n  - property: retention\n    value: 1\n    unit: y\n",
            "  - property: retention\n    unit: y\n    value: 1\n  - property: availability\n    value: 99.50\n    unit: percent\n",
        ),
    ];
    for (from, to) in cases {
        let comparison = compare(&contract(BASE), &edited(from, to));
        assert_eq!(said(&comparison), Vec::<String>::new(), "{to}");
        assert_eq!(comparison.required_bump(), Bump::None);
    }
}

#[test]
fn a_change_points_into_both_documents() {
    let new = edited("physicalType: int\n", "physicalType: bigint\n");
    let comparison = compare(&contract(BASE), &new);
    let change = &comparison.changes[0];
    let at = |place: &Option<crate::Place>, text: &str| {
        let span = place.as_ref().unwrap().span;
        text[span.start..span.end].to_owned()
    };
    assert_eq!(
        (at(&change.old, BASE).as_str(), at(&change.new, &new.text).as_str()),
        ("int", "bigint")
    );
    assert_eq!(change.what, "the column `quantity` was widened from int to bigint");
    assert_eq!(change.dataset.as_ref().unwrap().to_string(), "sales.silver.lines");

    let gone = edited("      - id: p_day\n        name: day\n        logicalType: date\n", "");
    let change = &compare(&contract(BASE), &gone).changes[0];
    assert_eq!(at(&change.old, BASE), "day");
    assert!(change.new.is_some(), "what is gone stands where it would belong");
}

#[test]
fn what_is_gone_is_shown_at_what_it_was_part_of() {
    let line = |what: &str| 1 + BASE.lines().position(|line| line == what).unwrap() as u32;
    let field = "          - name: city\n            logicalType: string\n            required: true\n";
    let column = "      - id: p_day\n        name: day\n        logicalType: date\n";
    for (gone, of) in [(column, "  - name: lines"), (field, "        name: address")] {
        let comparison = compare(&contract(BASE), &edited(gone, ""));
        let removed = comparison.changes.iter().find(|change| change.code == "column-removed");
        let (old, new) = removed
            .map(|change| (change.old.clone().unwrap(), change.new.clone().unwrap()))
            .unwrap();
        let names_it = gone.lines().find(|line| line.contains("name: ")).unwrap();
        assert_eq!(
            (old.span.line as u32, new.span.line as u32),
            (line(names_it), line(of)),
            "{gone}"
        );
        let text = &BASE.replacen(gone, "", 1)[new.span.start..new.span.end];
        assert!(of.ends_with(text), "{text}");
    }
}

#[test]
fn classes_have_words_of_their_own() {
    let words: std::collections::BTreeSet<_> = Class::ALL.iter().map(|class| class.as_str()).collect();
    assert_eq!(words.len(), Class::ALL.len());
}
