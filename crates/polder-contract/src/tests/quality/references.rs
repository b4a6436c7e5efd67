//! References to other objects and datasets.

use super::*;

const REFERENCES: &str = "\
apiVersion: v3.1.0
kind: DataContract
id: t
version: 1.0.0
status: active
schema:
  - id: orders_tbl
    name: orders
    physicalName: sales.silver.orders
    relationships:
      - {from: orders.id, to: lines.order_id}
      - {from: [orders.id, orders.customer], to: [lines.order_id, lines.customer], type: foreignKey}
    properties:
      - {id: order_id, name: id, logicalType: integer}
      - name: customer
        physicalName: cust
        logicalType: integer
        relationships:
          - {to: schema/customers_tbl/properties/key}
          - {to: customers.address.zip}
          - {to: crm.gold.people.person_id}
          - {to: customers.odcs.yaml#/schema/customers_tbl/properties/key}
          - {to: loose.x}
  - id: customers_tbl
    name: customers
    physicalName: sales.silver.customers
    properties:
      - {id: key, name: customer id, physicalName: customer_id, logicalType: integer}
      - {name: address, logicalType: object, properties: [{name: zip, logicalType: string}]}
  - {name: lines, physicalName: sales.silver.lines, properties: [{name: order_id, logicalType: integer}, {name: customer, logicalType: integer}]}
  - {name: loose, properties: [{name: x, logicalType: integer}]}
";

#[test]
fn references_name_datasets_and_their_columns() {
    let contract = std::sync::Arc::new(contract(REFERENCES));
    let rules = DatasetContract { contract, object: 0 }.rules().unwrap();
    let shown: Vec<_> = rules
        .iter()
        .map(|rule| match &rule.kind {
            RuleKind::Set(SetTest {
                metric: Metric::Orphans { columns, dataset, to },
                ..
            }) => format!("{}: {columns:?} {dataset} {to:?}", rule.id),
            RuleKind::NotRun { why } => format!("{}: {why}", rule.id),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        shown,
        [
            "cust.foreignKey: [\"cust\"] sales.silver.customers [\"customer_id\"]",
            "cust.foreignKey#2: [\"cust\"] sales.silver.customers [\"address.zip\"]",
            "cust.foreignKey#3: [\"cust\"] crm.gold.people [\"person_id\"]",
            "cust.foreignKey#4: `customers.odcs.yaml` is no contract that was read here, or has no such column",
            "cust.foreignKey#5: `loose` is bound to no dataset",
            "id.foreignKey: [\"id\"] sales.silver.lines [\"order_id\"]",
            "foreignKey: [\"id\", \"cust\"] sales.silver.lines [\"order_id\", \"customer\"]",
        ]
    );
}

#[test]
fn references_to_nothing_are_refused_at_their_place() {
    let cases = [
        (
            "{to: customers.address.zip}",
            "{to: custmers.address.zip}",
            "there is no object `custmers` (did you mean `customers`?)",
        ),
        (
            "{to: customers.address.zip}",
            "{to: customers.adress.zip}",
            "there is no property `adress` (did you mean `address`?)",
        ),
        (
            "properties/key}\n          - {to: cust",
            "properties/kez}\n          - {to: cust",
            "there is no property `kez` (did you mean `key`?)",
        ),
        (
            "{from: orders.id, ",
            "{from: orders.ident, ",
            "there is no property `ident`",
        ),
        (
            "{from: orders.id, ",
            "{from: lines.order_id, ",
            "there is no object `lines`",
        ),
        (
            "[lines.order_id, lines.customer]",
            "[lines.order_id, customers.address.zip]",
            "columns of several datasets",
        ),
    ];
    for (good, bad, problem) in cases {
        let found = findings(&REFERENCES.replace(good, bad));
        assert_eq!(found.len(), 1, "{bad}: {found:#?}");
        assert!(found[0].contains(problem), "{bad}: {found:#?}");
    }
}
