//! Rows that break rules, as `--show` prints them: without values that must not be shown to everybody.

use polder_contract::rule::{Metric, PathStep, RuleKind};
use polder_contract::{DatasetContract, Property};
use polder_core::units::counted;
use polder_core::{ErrorKind, Result, ResultExt};
use polder_delivery::STREAM_COLUMNS;
use polder_engine::Verification;
use polder_gate::table::{RuleResult, RuleVerdict};
use polder_policy::Policies;
use serde_json::{Map, Value, json};

/// What stands for a value that is not shown.
pub(super) const HIDDEN: &str = "***";

/// A row that breaks a rule, as it may be shown.
pub(super) struct ShownRow {
    pub(super) reason: String,
    /// The row's columns; those that are null are not there.
    pub(super) row: Value,
}

/// The rows that were found for a rule.
pub(super) fn rows(verification: &Verification, result: &RuleResult, policies: &Policies) -> Result<Vec<ShownRow>> {
    let failing = verification.failing.iter().filter(|row| row.rule == result.rule);
    let hides_reason = reads_hidden(
        &verification.contract,
        &subjects(&verification.contract, result),
        policies,
    );
    failing
        .map(|failing| {
            let mut row: Value = serde_json::from_str(&failing.row).context(ErrorKind::Internal, || {
                "a row that breaks a rule cannot be shown".to_owned()
            })?;
            hide_columns(&mut row, &verification.contract.object().properties, policies);
            let reason = match hides_reason {
                true => result.says.clone(),
                false => failing.reason.clone(),
            };
            Ok(ShownRow { reason, row })
        })
        .collect()
}

/// How many of the failing rows are not shown, in words; nothing where all are.
pub(super) fn cut(result: &RuleResult, shown: usize) -> Option<String> {
    let failing = result.failing_rows.filter(|_| result.verdict != RuleVerdict::Passed)?;
    let more = failing.saturating_sub(shown as u64);
    (more > 0).then(|| format!("{}: {shown} of {} shown", result.rule, counted(failing, "failing row")))
}

/// The rows as JSON values, each with what is wrong with it.
pub(super) fn as_json(rows: Vec<ShownRow>) -> Value {
    rows.into_iter()
        .map(|shown| json!({"reason": shown.reason, "row": shown.row}))
        .collect()
}

/// The paths of the values that a rule's reasons name; none where it may be any.
fn subjects(contract: &DatasetContract, result: &RuleResult) -> Vec<String> {
    let declared = contract.rules().unwrap_or_default();
    let of_key = declared.into_iter().find(|rule| rule.id == result.rule);
    match of_key.map(|rule| rule.kind) {
        Some(RuleKind::Set(test)) => match test.metric {
            Metric::Duplicates { columns } | Metric::Orphans { columns, .. } => columns,
            _ => result.column.iter().cloned().collect(),
        },
        _ => result.column.iter().cloned().collect(),
    }
}

/// Whether one of these values, or something around or inside of it, is hidden; without any, whether anything is.
pub(super) fn reads_hidden(contract: &DatasetContract, values: &[String], policies: &Policies) -> bool {
    let object = contract.object();
    let tops: Vec<String> = values
        .iter()
        .filter_map(|value| match object.path(value)?.into_iter().next()? {
            PathStep::Field(name) => Some(name),
            _ => None,
        })
        .collect();
    object
        .properties
        .iter()
        .filter(|property| tops.is_empty() || tops.contains(&property.name))
        .any(|property| holds_hidden(property, policies))
}

pub(super) fn holds_hidden(property: &Property, policies: &Policies) -> bool {
    let inside = property.properties.iter().chain(property.items.as_deref());
    let map = property.map.iter().flat_map(|map| [&map.0, &map.1]);
    policies.hides(property) || inside.chain(map).any(|property| holds_hidden(property, policies))
}

/// Whether it is a column that the platform adds.
pub(super) fn is_platforms(column: &str) -> bool {
    STREAM_COLUMNS.iter().any(|field| field.name() == column)
}

/// Hides a row's values. Of a column that the contract does not name, nobody said who may see it.
fn hide_columns(row: &mut Value, properties: &[Property], policies: &Policies) {
    hide_fields(row, properties, is_platforms, policies);
}

/// Hides values of fields that must not be shown, and of those that are neither declared nor `known`.
fn hide_fields(value: &mut Value, properties: &[Property], known: fn(&str) -> bool, policies: &Policies) {
    let Value::Object(fields) = value else { return };
    for (name, value) in fields {
        match properties.iter().find(|property| property.name == *name) {
            Some(property) => hide(value, property, policies),
            None if value.is_null() || known(name) => {}
            None => *value = Value::from(HIDDEN),
        }
    }
}

fn hide(value: &mut Value, property: &Property, policies: &Policies) {
    if value.is_null() {
        return;
    }
    if policies.hides(property) {
        *value = Value::from(HIDDEN);
        return;
    }
    // An object without declared fields is its own value, with whatever it holds.
    if !property.properties.is_empty() {
        hide_fields(value, &property.properties, |_| false, policies);
    }
    if let (Some(items), Value::Array(values)) = (&property.items, &mut *value) {
        for value in values {
            hide(value, items, policies);
        }
    }
    if let (Some(map), Value::Object(values)) = (&property.map, &mut *value) {
        let (key, of_key) = map.as_ref();
        if holds_hidden(key, policies) {
            *values = Map::from_iter([(HIDDEN.to_owned(), Value::from(HIDDEN))]);
            return;
        }
        for value in values.values_mut() {
            hide(value, of_key, policies);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use polder_core::document::Source;

    use super::*;

    fn contract(properties: &str) -> DatasetContract {
        let text = format!(
            "apiVersion: v3.1.0\nkind: DataContract\nid: t\nname: t\nversion: 1.0.0\nstatus: active\n\
             schema:\n  - name: t\n    physicalName: sales.bronze.t\n    properties:\n{properties}"
        );
        let parsed = polder_contract::parse(&Source::new("contracts/sales/t.odcs.yaml", text));
        let contract = parsed.contract.unwrap_or_else(|| panic!("{:?}", parsed.diagnostics));
        DatasetContract {
            contract: Arc::new(contract),
            object: 0,
        }
    }

    #[test]
    fn values_that_are_restricted_or_masked_are_not_shown_wherever_they_lie() {
        let contract = contract(
            "      - {name: id, logicalType: integer}\n\
             \x20     - {name: mail, logicalType: string, classification: Highly Confidential}\n\
             \x20     - {name: city, logicalType: string, classification: public}\n\
             \x20     - {name: iban, logicalType: string, encryptedName: iban_encrypted}\n\
             \x20     - {name: phone, logicalType: string, customProperties: [{property: polder.mask, value: last4}]}\n\
             \x20     - name: people\n        logicalType: array\n        items:\n          logicalType: object\n\
             \x20         properties:\n            - {name: name, logicalType: string, classification: restricted}\n\
             \x20           - {name: age, logicalType: integer}\n",
        );
        let policies = Policies::defaults();
        let mut row = json!({
            "id": 1, "mail": "a@b.c", "city": "Oslo", "iban": "NO93", "phone": "4711",
            "people": [{"name": "Ada", "age": 36, "maiden": "King"}], "_offset": 7, "dropped": "Ada", "old": {"id": 3}, "_made": null,
        });
        hide_columns(&mut row, &contract.object().properties, &policies);
        assert_eq!(
            row,
            json!({
                "id": 1, "mail": "***", "city": "Oslo", "iban": "***", "phone": "***",
                "people": [{"name": "***", "age": 36, "maiden": "***"}], "_offset": 7, "dropped": "***", "old": "***", "_made": null,
            })
        );
        let hides = |values: &[&str]| {
            let values: Vec<_> = values.iter().map(|value| (*value).to_owned()).collect();
            reads_hidden(&contract, &values, &policies)
        };
        assert!(hides(&["mail"]) && hides(&["people[].age"]) && hides(&["id", "phone"]) && hides(&[]));
        assert!(!hides(&["id"]) && !hides(&["id", "city"]));
    }
}
