//! Policies over whole contracts.

mod defaults;
mod documents;
mod expressions;
mod hiding;
mod landing;
mod plurals;
mod said_of_plurals;

use chrono::NaiveDate;
use polder_contract::ContractSet;
use polder_core::document::{Diagnostic, Severity, Source};

use crate::{Policies, check};

/// A contract of one dataset of the domain `sales` with these columns and more at its top level.
fn contract(layer: &str, columns: &str, more: &str) -> String {
    format!(
        "apiVersion: v3.1.0
kind: DataContract
id: sales.{layer}.orders
name: Orders
version: 1.0.0
status: active
description:
  purpose: What was ordered.
schema:
  - name: orders
    physicalName: sales.{layer}.orders
    description: One row an order.
    properties:
{columns}
team:
  name: sales
{more}"
    )
}

const KEY: &str =
    "      - {name: order_id, description: The number., logicalType: string, primaryKey: true, required: true}\n";
const LEVELS: &str = "slaProperties:
  - {property: retention, value: 3, unit: y}
  - {property: latency, value: 2, unit: h}
  - {property: frequency, value: 1, unit: d}
customProperties:
  - {property: polder.noticePeriod, value: 90d}
";

fn contracts(text: &str) -> ContractSet {
    let source = Source::new("contracts/sales/orders.odcs.yaml", text);
    let (set, problems) = ContractSet::load([("sales".to_owned(), source)]);
    let errors: Vec<_> = problems
        .iter()
        .filter(|problem| problem.severity == Severity::Error)
        .collect();
    assert!(errors.is_empty(), "{errors:?}\n{text}");
    set
}

fn policies(text: &str) -> Policies {
    let (policies, problems) = Policies::load([Source::new("catalog/policies/own.yaml", text)]);
    assert!(problems.is_empty(), "{problems:?}");
    policies
}

fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 6, 30).unwrap()
}

fn codes(diagnostics: &[Diagnostic]) -> Vec<&str> {
    diagnostics.iter().map(|diagnostic| diagnostic.code.as_ref()).collect()
}

/// What the default set finds in a contract of this layer with these columns beside its key.
fn found_by_default(layer: &str, columns: &str) -> Vec<Diagnostic> {
    let text = contract(layer, &format!("{KEY}{columns}"), LEVELS);
    check(&Policies::defaults(), &contracts(&text), today())
}
