//! The currency that amounts are in.

use super::said;
use crate::diff::{Bump, Reliance, compare};
use crate::tests::contract;

/// A contract of two objects: what it says of currencies as a whole, of the first object, and of its column.
fn with(whole: &str, object: &str, column: &str) -> crate::Contract {
    let says = |code: &str| match code {
        "" => "[]".to_owned(),
        code => format!("[{{property: polder.currency, value: {code}}}]"),
    };
    let (whole, object, column) = (says(whole), says(object), says(column));
    contract(&format!(
        "apiVersion: v3.1.0\nkind: DataContract\nid: x\nversion: 1.0.0\nstatus: active\ncustomProperties: {whole}\n\
         schema:\n  - name: lines\n    physicalName: shop.silver.lines\n    customProperties: {object}\n    properties:\n      \
         - {{name: price, logicalType: number, physicalType: 'decimal(9,2)', customProperties: {column}}}\n  - name: \
         fees\n    physicalName: shop.silver.fees\n    properties:\n      - {{name: fee, logicalType: number, physicalType: \
         'decimal(9,2)'}}\n"
    ))
}

/// The changes with the objects that they are about.
fn told(old: &crate::Contract, new: &crate::Contract) -> Vec<String> {
    let changes = compare(old, new).changes.into_iter();
    let line = |change: crate::diff::Change| {
        let object = change.object.unwrap_or_else(|| "-".to_owned());
        format!("{} {} | {object}", change.code, change.class.as_str())
    };
    changes.map(line).collect()
}

#[test]
fn amounts_in_another_currency_are_other_amounts_to_who_reads_and_who_writes() {
    let (euros, dollars) = (with("", "EUR", ""), with("", "USD", ""));
    for (old, new) in [(&euros, &dollars), (&dollars, &euros)] {
        let comparison = compare(old, new);
        assert_eq!(said(&comparison), ["currency-changed breaks readers and writers | - -"]);
        assert_eq!(comparison.required_bump(), Bump::Major);
        let reads = Reliance {
            columns: Some(vec!["price".to_owned()]),
            guarantees: Vec::new(),
        };
        assert_eq!(comparison.breaks(&reads).len(), 1);
    }
    assert_eq!(
        compare(&euros, &dollars).changes[0].what,
        "the amounts of `lines` are in USD now, no longer in EUR"
    );
    assert_eq!(
        told(&with("", "", ""), &euros),
        ["currency-changed breaks writers | lines"]
    );
    assert_eq!(
        told(&euros, &with("", "", "")),
        ["currency-changed breaks readers | lines"]
    );
}

#[test]
fn the_currency_of_the_contract_is_that_of_every_object_that_says_none() {
    let both = [
        "currency-changed breaks readers and writers | lines",
        "currency-changed breaks readers and writers | fees",
    ];
    assert_eq!(told(&with("EUR", "", ""), &with("USD", "", "")), both);
    // The one that says its own goes by that.
    let own = [both[1]];
    assert_eq!(told(&with("EUR", "GBP", ""), &with("USD", "GBP", "")), own);
    let mut moved = told(&with("EUR", "", ""), &with("USD", "GBP", ""));
    moved.sort();
    assert_eq!(moved, [both[1], both[0]]);
    // What the contract said the object says now.
    let words = "custom-property-changed documentation | lines";
    assert_eq!(told(&with("EUR", "", ""), &with("EUR", "EUR", "")), [words]);
    assert_eq!(told(&with("EUR", "EUR", ""), &with("EUR", "", "")), [words]);
}

#[test]
fn the_same_currency_written_otherwise_and_one_on_a_column_are_words() {
    let words = ["custom-property-changed documentation | lines"];
    assert_eq!(told(&with("", "EUR", ""), &with("", "eur", "")), words);
    assert_eq!(told(&with("", "EUR", "EUR"), &with("", "EUR", "USD")), words);
}
