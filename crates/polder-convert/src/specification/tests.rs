use serde_json::json;

use crate::tests::{contract, imported, properties};
use crate::{Format, export};

const ORDERS: &str = r#"
dataContractSpecification: 1.1.0
id: urn:datacontract:checkout:orders-latest
info:
  title: Orders Latest
  version: 2.0.0
  description: Successful customer orders.
  owner: Checkout Team
  contact: {name: Jane Doe, url: https://teams.example/checkout}
servers:
  production:
    type: s3
    environment: prod
    location: s3://orders/latest/*.json
    format: json
  odd:
    type: someday
    host: x
terms:
  usage: Reports and analyses.
  limitations: Not real time.
  noticePeriod: P3M
models:
  orders:
    type: table
    description: One record an order.
    fields:
      order_id: {type: string, format: uuid, required: true, primaryKey: true, description: The key.}
      order_total: {type: decimal, precision: 12, scale: 2, required: true, minimum: 0, examples: [1.50]}
      status: {type: string, enum: [open, paid], classification: internal, pii: false}
      customer: {type: string, references: customers.id}
      address: {type: object, fields: {city: {type: string}, lines: {type: array, items: {type: text}}}}
      odd: {type: geography, lineage: {inputFields: []}}
    quality:
      - {type: sql, description: Enough., query: SELECT COUNT(*) FROM orders, mustBeGreaterThan: 5}
servicelevels:
  availability: {description: Nearly always., percentage: 99.9%}
  retention: {period: P1Y, unlimited: false}
  latency: {threshold: 25h, sourceTimestampField: orders.order_timestamp}
  frequency: {type: batch, interval: daily}
tags: [checkout]
"#;

#[test]
fn the_same_contract_by_the_standard() {
    let (document, losses) = imported(Format::DataContractSpecification, ORDERS);
    assert_eq!(
        (&document["id"], &document["version"]),
        (&json!("urn:datacontract:checkout:orders-latest"), &json!("2.0.0"))
    );
    assert_eq!(
        (&document["name"], &document["status"]),
        (&json!("Orders Latest"), &json!("draft"))
    );
    assert_eq!(document["team"]["name"], "Checkout Team");
    assert_eq!(
        document["support"],
        json!([{"channel": "Jane Doe", "url": "https://teams.example/checkout"}])
    );
    assert_eq!(document["description"]["limitations"], "Not real time.");
    assert_eq!(document["servers"][0]["location"], "s3://orders/latest/*.json");
    // A server that the standard does not know is a custom one.
    assert_eq!(document["servers"][1]["type"], "custom");
    let columns = properties(&document, 0);
    assert_eq!(columns[0]["logicalTypeOptions"]["format"], "uuid");
    assert_eq!(columns[1]["physicalType"], "decimal(12,2)");
    assert_eq!(
        columns[2]["customProperties"],
        json!([{"property": "pii", "value": false}])
    );
    assert_eq!(columns[4]["properties"][1]["items"]["logicalType"], "string");
    assert_eq!(document["schema"][0]["quality"][0]["mustBeGreaterThan"], 5);
    assert_eq!(
        document["slaProperties"],
        json!([
            {"property": "availability", "description": "Nearly always.", "value": 99.9, "unit": "percent"},
            {"property": "retention", "value": 1, "unit": "y"},
            {"property": "latency", "value": 25, "unit": "h"},
            {"property": "frequency", "value": "daily"},
        ])
    );
    assert_eq!(
        losses,
        [
            "models.orders.fields.odd.type: geography",
            "models.orders.fields.customer.references: customers.id",
            "models.orders.fields.odd.lineage: inputFields",
            "servicelevels.retention.unlimited: false",
            "servicelevels.latency.sourceTimestampField: orders.order_timestamp",
            "servicelevels.frequency.type: batch",
        ]
    );
}

#[test]
fn what_the_two_formats_share_comes_back() {
    let (document, _) = imported(Format::DataContractSpecification, ORDERS);
    let exported = export(
        &contract(&document.to_string()),
        None,
        Format::DataContractSpecification,
    )
    .unwrap();
    let (again, _) = imported(Format::DataContractSpecification, &exported.value);
    assert_eq!(again["schema"], document["schema"]);
    assert_eq!(again["slaProperties"], document["slaProperties"]);
    assert_eq!(again["servers"][0], document["servers"][0]);
    assert!(
        exported.losses.iter().any(|loss| loss.path.starts_with("support")),
        "{:?}",
        exported.losses
    );
}
