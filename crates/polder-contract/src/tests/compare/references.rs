//! Relationships, whose ends are compared by what they name.

use super::said;
use crate::Contract;
use crate::diff::{Bump, compare};
use crate::tests::contract;

const SHOP: &str = r"apiVersion: v3.1.0
kind: DataContract
id: shop.silver
version: 1.0.0
status: active
schema:
  - id: o_customers
    name: customers
    physicalName: shop.silver.customers
    properties:
      - {id: c_id, name: customer, physicalName: customer_id, logicalType: string}
      - {id: c_other, name: other_id, logicalType: string}
  - id: o_orders
    name: orders
    physicalName: shop.silver.orders
    properties:
      - id: c_by
        name: ordered_by
        logicalType: string
        relationships: [{to: customers.customer}]
      - {id: c_for, name: for_whom, logicalType: string}
    relationships:
      - {from: [orders.ordered_by, orders.for_whom], to: [customers.customer, customers.other_id]}
";

fn with(edits: &[(&str, &str)]) -> Contract {
    let text = edits.iter().fold(SHOP.to_owned(), |text, (from, to)| {
        assert_eq!(text.matches(from).count(), 1, "`{from}`");
        text.replacen(from, to, 1)
    });
    contract(&text)
}

const TO: &str = "[{to: customers.customer}]";

/// What the changes of relationships are, there and back.
fn moved(edits: &[(&str, &str)]) -> [Vec<String>; 2] {
    let (old, new) = (with(&[]), with(edits));
    [compare(&old, &new), compare(&new, &old)].map(|comparison| {
        let mut lines = said(&comparison);
        lines.retain(|line| !line.starts_with("column-renamed") && !line.starts_with("object-renamed"));
        lines.sort();
        lines
    })
}

#[test]
fn an_end_by_another_name_of_the_same_column_is_documentation() {
    for same in [
        "customers.customer_id",
        "shop.silver.customers.customer_id",
        "schema/o_customers/properties/c_id",
        "/schema/customers/properties/c_id",
    ] {
        let to = format!("[{{to: {same}}}]");
        let new = with(&[(TO, &to)]);
        let comparison = compare(&with(&[]), &new);
        let expected = ["relationship-restated documentation | ordered_by ordered_by.foreignKey"];
        assert_eq!(said(&comparison), expected, "{same}");
        assert_eq!(said(&compare(&new, &with(&[]))), expected, "{same}, back");
        assert_eq!(comparison.required_bump(), Bump::Patch);
    }
    for (from, to) in [
        ("from: [orders.ordered_by,", "from: [schema/o_orders/properties/c_by,"),
        ("to: [customers.customer,", "to: [shop.silver.customers.customer_id,"),
    ] {
        let words = ["relationship-restated documentation | - foreignKey"];
        assert_eq!(moved(&[(from, to)]), [words, words], "{to}");
    }
}

#[test]
fn an_end_that_names_another_column_is_another_relationship() {
    let column = [
        "relationship-added quality tightened | ordered_by ordered_by.foreignKey",
        "relationship-removed quality loosened | ordered_by ordered_by.foreignKey",
    ];
    for other in [
        "customers.other_id",
        "shop.silver.customers.other_id",
        "shop.silver.people.customer_id",
        "schema/o_customers/properties/c_other",
        "other.odcs.yaml#customers.customer",
    ] {
        assert_eq!(
            moved(&[(TO, &format!("[{{to: {other}}}]"))]),
            [column, column],
            "{other}"
        );
    }
    let object = [
        "relationship-added quality tightened | - foreignKey",
        "relationship-removed quality loosened | - foreignKey",
    ];
    // Each column of the one end goes with the one of the other end in its place.
    let turned = [(
        "[customers.customer, customers.other_id]",
        "[customers.other_id, customers.customer]",
    )];
    assert_eq!(moved(&turned), [object, object]);
    let begins = [(
        "[orders.ordered_by, orders.for_whom]",
        "[orders.for_whom, orders.ordered_by]",
    )];
    assert_eq!(moved(&begins), [object, object]);
}

#[test]
fn what_was_renamed_is_referred_to_as_before() {
    let renamed = [
        (
            "name: customer, physicalName: customer_id",
            "name: number, physicalName: number",
        ),
        (TO, "[{to: customers.number}]"),
        ("to: [customers.customer,", "to: [customers.number,"),
    ];
    let words = [
        "relationship-restated documentation | - foreignKey",
        "relationship-restated documentation | ordered_by ordered_by.foreignKey",
    ];
    assert_eq!(moved(&renamed), [words, words]);
}

#[test]
fn a_name_that_means_another_column_from_now_on_leads_elsewhere() {
    let swapped = [
        ("name: customer, physicalName: customer_id", "name: kept_id"),
        ("name: other_id", "name: customer"),
        ("customers.other_id]", "customers.kept_id]"),
    ];
    let [there, back] = moved(&swapped);
    let told = [
        "relationship-added quality tightened | - foreignKey",
        "relationship-added quality tightened | ordered_by ordered_by.foreignKey",
        "relationship-removed quality loosened | - foreignKey",
        "relationship-removed quality loosened | ordered_by ordered_by.foreignKey",
    ];
    assert_eq!(there, told);
    assert_eq!(back, told);
}

#[test]
fn what_happens_to_rows_is_told_of_a_reference_by_another_name_too() {
    let quiet =
        "{to: shop.silver.customers.customer_id, customProperties: [{property: polder.onFailure, value: warn}]}";
    assert_eq!(
        moved(&[("{to: customers.customer}", quiet)])[0],
        [
            "on-failure-changed quality loosened | ordered_by ordered_by.foreignKey",
            "relationship-restated documentation | ordered_by ordered_by.foreignKey",
        ]
    );
}
