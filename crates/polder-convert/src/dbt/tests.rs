use serde_json::{Value, json};

use crate::tests::{contract, imported, properties};
use crate::{Dialect, Format, export};

const SHOP: &str = r#"
version: 2
models:
  - name: customers
    description: One row a customer.
    config:
      contract: {enforced: true}
      materialized: table
      tags: [core]
      meta: {owner: "@shop"}
    columns:
      - name: customer_id
        data_type: bigint
        description: The key.
        constraints:
          - type: not_null
          - type: primary_key
        tests: [unique, not_null]
      - name: lines
        data_type: array<struct<sku string, n int>>
  - name: orders
    data_tests:
      - dbt_utils.unique_combination_of_columns:
          combination_of_columns: [order_id, status]
    columns:
      - name: order_id
        data_type: int
        data_tests:
          - unique:
              config: {severity: warn}
      - name: customer_id
        data_type: bigint
        data_tests:
          - relationships: {to: ref('customers'), field: customer_id}
      - name: status
        data_type: string
        data_tests:
          - accepted_values:
              arguments: {values: [placed, shipped]}
      - name: amount
        data_type: decimal(12,2)
        constraints:
          - {type: check, expression: "amount >= 0"}
        data_tests:
          - dbt_utils.accepted_range: {min_value: 0}
      - name: comment
sources:
  - name: raw
    database: lake
    tables:
      - name: payments
        columns: [{name: id, data_type: int}]
"#;

#[test]
fn models_and_sources_become_objects() {
    let (document, losses) = imported(Format::Dbt(Dialect::Spark), SHOP);
    let customers = properties(&document, 0);
    assert_eq!(document["schema"][0]["tags"], json!(["core"]));
    assert_eq!(
        document["schema"][0]["customProperties"],
        json!([{"property": "owner", "value": "@shop"}])
    );
    assert_eq!(
        customers[0],
        json!({"name": "customer_id", "description": "The key.", "logicalType": "integer", "required": true,
               "unique": true, "primaryKey": true, "logicalTypeOptions": {"format": "i64"}})
    );
    assert_eq!(customers[1]["items"]["properties"][0]["name"], "sku");
    let orders = properties(&document, 1);
    assert_eq!(
        document["schema"][1]["quality"][0]["arguments"]["properties"],
        json!(["order_id", "status"])
    );
    assert_eq!(orders[1]["relationships"], json!([{"to": "customers.customer_id"}]));
    assert_eq!(
        orders[2]["quality"][0]["arguments"]["validValues"],
        json!(["placed", "shipped"])
    );
    assert_eq!(orders[3]["logicalTypeOptions"], json!({"minimum": 0}));
    assert_eq!(
        orders[3]["quality"][0],
        json!({"type": "custom", "engine": "dbt", "implementation": {"dbt_utils.accepted_range": {"min_value": 0}}})
    );
    assert_eq!(document["schema"][2]["physicalName"], "lake.raw.payments");
    let severity = "models[orders].columns[order_id].data_tests: 1 item";
    assert_eq!(
        losses,
        [
            "models[orders].columns[comment].data_type: not given",
            "models[customers].config.materialized: table",
            severity,
        ]
    );
}

#[test]
fn a_contract_becomes_enforced_models() {
    let (document, _) = imported(Format::Dbt(Dialect::Spark), SHOP);
    let exported = export(
        &contract(&document.to_string()),
        Some(1),
        Format::Dbt(Dialect::Postgres),
    )
    .unwrap();
    let back: Value = crate::document::Document::new(&exported.value, None).yaml().unwrap();
    let model = &back["models"][0];
    assert_eq!(model["config"]["contract"]["enforced"], true);
    assert_eq!(model["columns"][0]["data_type"], "INTEGER");
    assert_eq!(model["columns"][0]["data_tests"], json!(["unique"]));
    assert_eq!(
        model["columns"][2]["data_tests"],
        json!([{"accepted_values": {"values": ["placed", "shipped"]}}])
    );
    assert_eq!(
        model["columns"][3]["data_tests"],
        json!([{"dbt_utils.accepted_range": {"min_value": 0}}])
    );
    let losses: Vec<&str> = exported.losses.iter().map(|loss| loss.path.as_str()).collect();
    // The model that it refers to is not exported with it.
    assert!(
        losses.contains(&"schema[orders].properties[customer_id].relationships"),
        "{losses:?}"
    );
}
