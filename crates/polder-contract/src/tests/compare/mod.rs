//! What each kind of change means, there and back.

mod columns;
mod contract;
mod currency;
mod ids;
mod limits;
mod meaning;
mod measured;
mod on_failure;
mod physical_types;
mod places;
mod quality;
mod ranges;
mod references;
mod service_levels;
mod together;
mod widths;

use super::contract;
use crate::Contract;
use crate::diff::{Comparison, compare};

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

/// Edits of the base with the changes that they are, there and back.
fn there_and_back(cases: &[(&str, &str, &[&str], &[&str])]) {
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
