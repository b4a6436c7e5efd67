//! What happens to failing rows, and what that means to those who read.

use super::{BASE, contract, edited, said};
use crate::Contract;
use crate::diff::{Bump, Reliance, compare};

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
