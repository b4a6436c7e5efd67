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
  frequency: {type: batch, interval: daily, cron: 0 6 * * *}
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
            {"property": "frequency", "value": 1, "unit": "d", "scheduler": "cron", "schedule": "0 6 * * *"},
        ])
    );
    assert_eq!(
        document["customProperties"],
        json!([{"property": "polder.noticePeriod", "value": "3mo"}])
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
    assert_eq!(again["customProperties"], document["customProperties"]);
    assert_eq!(again["servers"][0], document["servers"][0]);
    assert!(
        exported.losses.iter().any(|loss| loss.path.starts_with("support")),
        "{:?}",
        exported.losses
    );
}

/// The contract of one field, with these further keys of the document.
fn with_field(field: &str, further: &str) -> (serde_json::Value, Vec<String>) {
    let text = format!(
        "dataContractSpecification: 1.2.0\nid: x\ninfo: {{title: t, version: 1.0.0, owner: o}}\nmodels: {{m: {{fields: {{f: \
         {field}}}}}}}\n{further}\n"
    );
    imported(Format::DataContractSpecification, &text)
}

#[test]
fn how_often_is_a_length_of_time() {
    for (said, level) in [
        (
            "interval: weekly",
            json!({"property": "frequency", "value": 1, "unit": "w"}),
        ),
        (
            "interval: P1D",
            json!({"property": "frequency", "value": 1, "unit": "d"}),
        ),
        (
            "interval: 15m",
            json!({"property": "frequency", "value": 15, "unit": "m"}),
        ),
        (
            "cron: 30 * * * *",
            json!({"property": "frequency", "value": 1, "unit": "h", "scheduler": "cron", "schedule": "30 * * * *"}),
        ),
        (
            "cron: 0 4 * * mon",
            json!({"property": "frequency", "value": 1, "unit": "w", "scheduler": "cron", "schedule": "0 4 * * mon"}),
        ),
    ] {
        let (document, losses) = with_field("{type: text}", &format!("servicelevels: {{frequency: {{{said}}}}}"));
        assert_eq!(document["slaProperties"], json!([level]), "{said}");
        assert_eq!(losses, [""; 0], "{said}");
    }
    // Of these nobody knows how often.
    for said in ["cron: 0 4,16 * * *", "cron: every day"] {
        let (document, losses) = with_field("{type: text}", &format!("servicelevels: {{frequency: {{{said}}}}}"));
        assert_eq!(document.get("slaProperties"), None, "{said}");
        assert_eq!(losses.len(), 1, "{losses:?}");
    }
}

#[test]
fn a_notice_period_is_polder_s_or_named() {
    let (document, losses) = with_field("{type: text}", "terms: {noticePeriod: P90D}");
    assert_eq!(
        document["customProperties"],
        json!([{"property": "polder.noticePeriod", "value": "90d"}])
    );
    assert_eq!(losses, [""; 0]);
    let (document, losses) = with_field("{type: text}", "terms: {noticePeriod: soon}");
    assert_eq!(document.get("customProperties"), None);
    assert_eq!(losses, ["terms.noticePeriod: soon"]);
}

#[test]
fn a_field_takes_from_its_definition_what_it_does_not_say_itself() {
    let definitions = "definitions: {oid: {type: text, format: uuid, description: An order., domain: d}, \
                       deep: {$ref: '#/definitions/oid', classification: internal}, \
                       place: {type: struct, fields: {id: {$ref: '#/definitions/oid', required: true}}}}";
    let (document, losses) = with_field(
        "{$ref: '#/definitions/deep', required: true, description: Mine.}",
        definitions,
    );
    assert_eq!(
        properties(&document, 0)[0],
        json!({"name": "f", "description": "Mine.", "logicalType": "string", "classification": "internal",
               "required": true, "logicalTypeOptions": {"format": "uuid"}})
    );
    assert_eq!(losses, ["definitions.oid.domain: d", "definitions.place: type, fields"]);
    let (document, _) = with_field("{type: array, items: {$ref: '#/definitions/place'}}", definitions);
    let id = &properties(&document, 0)[0]["items"]["properties"][0];
    assert_eq!((&id["name"], &id["required"]), (&json!("id"), &json!(true)));
    assert_eq!(id["logicalTypeOptions"]["format"], "uuid");
}

#[test]
fn the_one_example_of_older_files_is_among_the_examples() {
    let text = "dataContractSpecification: 0.9.3\nid: x\ninfo: {title: X, version: 1.0.0}\nmodels:\n  t:\n    fields:\n      a: \
                {type: string, example: v1}\n      b: {type: integer, example: 5, examples: [6, 5]}\n      c: {type: \
                integer, example: 7, examples: [8]}\n      d: {type: string, example: [v1, v2]}\n";
    let (document, losses) = imported(Format::DataContractSpecification, text);
    let columns = properties(&document, 0);
    let examples: Vec<_> = columns.iter().map(|column| column.get("examples")).collect();
    assert_eq!(
        examples,
        [Some(&json!(["v1"])), Some(&json!([6, 5])), Some(&json!([7, 8])), None]
    );
    assert_eq!(losses, ["models.t.fields.d.example: v1, v2"]);
    let exported = export(
        &contract(&document.to_string()),
        None,
        Format::DataContractSpecification,
    )
    .unwrap();
    let (again, _) = imported(Format::DataContractSpecification, &exported.value);
    assert_eq!(again["schema"], document["schema"]);
}

#[test]
fn a_reference_to_a_dataset_of_the_mesh_comes_back() {
    let text = "dataContractSpecification: 1.2.0
id: x
info: {title: x, version: 1.0.0}
models:
  m:
    type: table
    fields:
      a: {type: string, references: pay.bronze.merchants.merchant_id}
      b: {type: string, references: gone.id}
";
    let (document, losses) = imported(Format::DataContractSpecification, text);
    let columns = properties(&document, 0);
    assert_eq!(
        columns[0]["relationships"],
        json!([{"to": "pay.bronze.merchants.merchant_id"}])
    );
    assert_eq!(columns[1].get("relationships"), None);
    assert_eq!(losses.len(), 1, "{losses:?}");
}

#[test]
fn the_roles_of_a_server_go_both_ways() {
    let text = "dataContractSpecification: 1.2.0
id: x
info: {title: x, version: 1.0.0}
servers:
  prod: {type: postgres, host: h, port: 5432, database: d, schema: s, roles: [{name: reader, description: Reads all.}, {name: writer}]}
  odd: {type: someday, roles: [{name: guest, until: noon}, {description: Nobody.}]}
models: {m: {type: table, fields: {a: {type: string}}}}
";
    let (document, losses) = imported(Format::DataContractSpecification, text);
    let roles = |server: usize| &document["servers"][server]["roles"];
    assert_eq!(
        *roles(0),
        json!([{"role": "reader", "description": "Reads all."}, {"role": "writer"}])
    );
    assert_eq!(*roles(1), json!([{"role": "guest"}]));
    assert_eq!(
        losses,
        [
            "servers.odd.roles[guest].until: noon",
            "servers.odd.roles[1]: description"
        ]
    );
    let mut document = document;
    document["servers"][0]["roles"][0]["access"] = json!("read");
    let exported = export(
        &contract(&document.to_string()),
        None,
        Format::DataContractSpecification,
    )
    .unwrap();
    let lost: Vec<_> = exported
        .losses
        .iter()
        .filter(|loss| loss.path.contains("roles"))
        .collect();
    assert_eq!(lost.len(), 1, "{:?}", exported.losses);
    assert_eq!(lost[0].path, "servers[0].roles[0].access");
    let (again, _) = imported(Format::DataContractSpecification, &exported.value);
    document["servers"][0]["roles"][0]
        .as_object_mut()
        .unwrap()
        .remove("access");
    for server in [0, 1] {
        assert_eq!(again["servers"][server]["roles"], document["servers"][server]["roles"]);
    }
}

#[test]
fn where_a_column_comes_from_is_named_as_what_the_other_format_says_otherwise() {
    let text = "dataContractSpecification: 1.2.0\nid: x\ninfo: {title: x, version: 1.0.0}\nmodels: {m: {fields: {a: {type: string, \
                lineage: {inputFields: [{namespace: n, name: orders, field: b}]}}}}}\n";
    let converted = crate::import(
        Format::DataContractSpecification,
        text,
        &crate::ImportOptions::default(),
    )
    .unwrap();
    let why = |losses: &[crate::Loss]| losses.iter().map(|loss| loss.why.clone()).collect::<Vec<_>>();
    assert_eq!(
        why(&converted.losses),
        ["the standard names the objects that a column is made from, not their fields"]
    );
    let text = "{apiVersion: v3.1.0, kind: DataContract, id: x, version: 1.0.0, status: active, schema: [{name: m, properties: [{name: \
                a, logicalType: string, transformSourceObjects: [orders]}]}]}";
    let exported = export(&contract(text), None, Format::DataContractSpecification).unwrap();
    assert_eq!(
        why(&exported.losses),
        ["the specification names the fields that a field is made from, not their objects alone"]
    );
}
