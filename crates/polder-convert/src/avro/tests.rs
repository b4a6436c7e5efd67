use serde_json::{Value, json};

use crate::tests::{contract, imported, properties};
use crate::{Format, export};

/// A schema as a Kafka shop writes it: nested records, an enumeration, arrays, maps, logical types, a type by name.
const ORDER: &str = r#"{
  "type": "record", "name": "Order", "namespace": "com.example.shop", "doc": "An order as placed.",
  "fields": [
    {"name": "id", "type": {"type": "string", "logicalType": "uuid"}},
    {"name": "placed_at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    {"name": "total", "type": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}},
    {"name": "status", "type": {"type": "enum", "name": "Status", "symbols": ["OPEN", "PAID"], "default": "OPEN"}},
    {"name": "bill_to", "type": {"type": "record", "name": "Address", "fields": [
      {"name": "city", "type": "string", "doc": "As written."},
      {"name": "zip", "type": ["null", "string"], "default": null}
    ]}},
    {"name": "ship_to", "type": ["null", "Address"], "default": null},
    {"name": "lines", "type": {"type": "array", "items": {"type": "record", "name": "Line", "fields": [
      {"name": "sku", "type": "string"}, {"name": "quantity", "type": "int", "default": 1}
    ]}}},
    {"name": "labels", "type": {"type": "map", "values": ["null", "long"]}},
    {"name": "signature", "type": {"type": "fixed", "name": "Sha", "size": 32}},
    {"name": "local", "type": {"type": "long", "logicalType": "local-timestamp-micros"}},
    {"name": "either", "type": ["string", "long"]}
  ]
}"#;

#[test]
fn a_schema_of_every_type_becomes_a_contract() {
    let (document, losses) = imported(Format::Avro, ORDER);
    assert_eq!(document["apiVersion"], "v3.2.0");
    assert_eq!(document["schema"][0]["physicalName"], "com.example.shop.Order");
    assert_eq!(document["schema"][0]["description"], "An order as placed.");
    let columns = properties(&document, 0);
    assert_eq!(
        columns[0],
        json!({"name": "id", "logicalType": "string", "required": true, "logicalTypeOptions": {"format": "uuid"}})
    );
    assert_eq!(columns[2]["physicalType"], "decimal(12,2)");
    assert_eq!(
        columns[3]["quality"][0]["arguments"]["validValues"],
        json!(["OPEN", "PAID"])
    );
    let city = json!({"name": "city", "logicalType": "string", "description": "As written.", "required": true});
    assert_eq!(columns[4]["properties"][0], city);
    // The type by name is the same, and this column may be null.
    assert_eq!(columns[5]["properties"], columns[4]["properties"]);
    assert_eq!(
        (&columns[4]["required"], &columns[5]["required"]),
        (&json!(true), &json!(null))
    );
    assert_eq!(columns[6]["items"]["properties"][1]["logicalType"], "integer");
    assert_eq!(
        columns[7]["map"]["value"],
        json!({"logicalType": "integer", "logicalTypeOptions": {"format": "i64"}})
    );
    assert_eq!(columns[9]["physicalType"], "timestamp_ntz");
    assert_eq!(
        losses,
        [
            "fields[placed_at].type.logicalType: timestamp-millis",
            "fields[status].type.name: Status",
            "fields[bill_to].type.name: Address",
            "fields[lines].type.items.name: Line",
            "fields[signature].type.name: Sha",
            "fields[either].type: a union of 2 types",
            "fields[status].type.default: OPEN",
            "fields[lines].type.items.fields[quantity].default: 1",
        ]
    );
}

#[test]
fn several_records_beside_each_other_are_several_objects() {
    let text = r#"[
      {"type": "enum", "name": "Colour", "symbols": ["RED"]},
      {"type": "record", "name": "A", "fields": [{"name": "colour", "type": "Colour"}]},
      {"type": "record", "name": "B", "fields": [{"name": "x", "type": {"type": "int", "logicalType": "date"}}]}
    ]"#;
    let (document, _) = imported(Format::Avro, text);
    assert_eq!(
        properties(&document, 0)[0]["quality"][0]["arguments"]["validValues"],
        json!(["RED"])
    );
    assert_eq!(properties(&document, 1)[0]["logicalType"], "date");
}

#[test]
fn a_decimal_that_makes_no_sense_stays_bytes_and_is_named() {
    let text = r#"{"type": "record", "name": "A", "fields": [
      {"name": "x", "type": {"type": "bytes", "logicalType": "decimal", "precision": 50}}]}"#;
    let (document, losses) = imported(Format::Avro, text);
    assert_eq!(properties(&document, 0)[0]["physicalType"], "binary");
    assert!(
        losses.iter().any(|loss| loss == "fields[x].type.logicalType: decimal"),
        "{losses:?}"
    );
}

#[test]
fn what_is_exported_is_read_by_another_maker_s_parser() {
    let text = "
apiVersion: v3.2.0
kind: DataContract
id: x
version: 1.0.0
status: active
schema:
  - name: order-lines
    description: Lines.
    properties:
      - name: größe
        logicalType: string
        required: true
      - name: status
        logicalType: string
        enum: [{value: OPEN}, {value: PAID}]
      - name: price
        logicalType: number
        physicalType: decimal(12,2)
        logicalTypeOptions: {minimum: 0}
      - name: parts
        logicalType: array
        items: {logicalType: object, properties: [{name: a, logicalType: date}]}
      - name: parts_item
        logicalType: object
        properties: [{name: a, logicalType: timestamp, required: true}]
";
    let exported = export(&contract(text), None, Format::Avro).unwrap();
    let schema =
        apache_avro::Schema::parse_str(&exported.value).unwrap_or_else(|error| panic!("{error}\n{}", exported.value));
    let apache_avro::Schema::Record(record) = schema else {
        panic!("no record")
    };
    let names: Vec<&str> = record.fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(names, ["gr__e", "status", "price", "parts", "parts_item"]);
    let losses: Vec<String> = exported
        .losses
        .iter()
        .map(|loss| format!("{}: {}", loss.path, loss.what))
        .collect();
    assert!(
        losses.contains(&"schema[order-lines].properties[price].logicalTypeOptions: minimum".to_owned()),
        "{losses:?}"
    );
    assert!(
        losses.contains(&"schema[order-lines].properties[größe].name: größe".to_owned()),
        "{losses:?}"
    );
    assert!(
        losses.contains(&"schema[order-lines].name: order-lines".to_owned()),
        "{losses:?}"
    );
}

#[test]
fn types_that_are_defined_in_a_union_of_several_are_known_elsewhere() {
    let schema = r#"{"type": "record", "name": "R", "namespace": "n.s", "fields": [
        {"name": "u", "type": ["null", {"type": "record", "name": "A", "fields": [
            {"name": "x", "type": {"type": "array", "items": {"type": "enum", "name": "m.E", "symbols": ["P", "Q"]}}}
        ]}, {"type": "fixed", "name": "F", "size": 4}]},
        {"name": "a", "type": "A"},
        {"name": "e", "type": "m.E"},
        {"name": "f", "type": ["null", "F"]}
    ]}"#;
    apache_avro::Schema::parse_str(schema).unwrap();
    let (document, losses) = imported(Format::Avro, schema);
    let columns = properties(&document, 0);
    let types: Vec<&str> = columns
        .iter()
        .filter_map(|column| column["logicalType"].as_str())
        .collect();
    assert_eq!(types, ["string", "object", "string", "string"]);
    assert_eq!(columns[1]["properties"][0]["logicalType"], "array");
    assert_eq!(columns[2]["quality"][0]["arguments"]["validValues"], json!(["P", "Q"]));
    assert!(
        losses.contains(&"fields[u].type: a union of 2 types".to_owned()),
        "{losses:?}"
    );
}

#[test]
fn bytes_of_one_length_are_fixed_both_ways() {
    let schema = r#"{"type": "record", "name": "R", "fields": [
        {"name": "id", "type": {"type": "fixed", "name": "Id", "size": 16}},
        {"name": "ids", "type": {"type": "array", "items": "Id"}},
        {"name": "any", "type": "bytes"}
    ]}"#;
    let (document, _) = imported(Format::Avro, schema);
    let exported = export(&contract(&document.to_string()), None, Format::Avro).unwrap();
    apache_avro::Schema::parse_str(&exported.value).unwrap();
    let written: Value = serde_json::from_str(&exported.value).unwrap();
    let id = &written["fields"][0]["type"];
    assert_eq!((&id["type"], &id["size"]), (&json!("fixed"), &json!(16)));
    let item = &written["fields"][1]["type"]["items"];
    assert_eq!((&item["type"], &item["size"]), (&json!("fixed"), &json!(16)));
    assert_eq!(written["fields"][2]["type"], "bytes");
    assert!(
        !exported.losses.iter().any(|loss| loss.path.contains("Length")),
        "{:?}",
        exported.losses
    );
    let (again, _) = imported(Format::Avro, &exported.value);
    assert_eq!(properties(&again, 0)[0], properties(&document, 0)[0]);
}

#[test]
fn a_name_stands_for_one_type_in_the_whole_schema() {
    let object = |name: &str, column: &str| {
        format!(
            "  - name: {name}\n    properties:\n      - {{name: {column}, logicalType: string, physicalType: binary, \
             logicalTypeOptions: {{minLength: 4, maxLength: 4}}}}\n"
        )
    };
    let text = format!(
        "apiVersion: v3.1.0\nkind: DataContract\nid: x\nversion: 1.0.0\nstatus: active\nschema:\n{}{}{}",
        object("A", "b_c"),
        object("A_b", "c"),
        object("A_b_c_2", "d")
    );
    let exported = export(&contract(&text), None, Format::Avro).unwrap();
    let written: Value = serde_json::from_str(&exported.value).unwrap();
    let names: Vec<_> = (0..3)
        .map(|record| written[record]["fields"][0]["type"][1]["name"].clone())
        .collect();
    assert_eq!(names, ["A_b_c", "A_b_c_3", "A_b_c_2_d"]);
    apache_avro::Schema::parse_str(&exported.value).unwrap_or_else(|error| panic!("{error}\n{}", exported.value));
}
