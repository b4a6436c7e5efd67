use serde_json::{Value, json};

use crate::tests::{contract, imported, properties};
use crate::{Format, export};

#[test]
fn a_schema_of_draft_7_becomes_a_contract() {
    let text = r##"{
      "$schema": "http://json-schema.org/draft-07/schema#", "$id": "https://example.com/order.json",
      "title": "order", "description": "An order.", "type": "object", "additionalProperties": false,
      "definitions": {
        "address": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        "money": {"type": "number", "minimum": 0, "multipleOf": 0.01}
      },
      "properties": {
        "id": {"type": "string", "format": "uuid", "description": "The key."},
        "total": {"allOf": [{"$ref": "#/definitions/money"}], "title": "Total"},
        "status": {"enum": ["open", "paid", null]},
        "email": {"type": ["string", "null"], "format": "email", "maxLength": 200, "examples": ["a@b.example"]},
        "ship_to": {"anyOf": [{"$ref": "#/definitions/address"}, {"type": "null"}]},
        "bill_to": {"$ref": "#/definitions/address"},
        "tags": {"type": "array", "items": {"type": "string", "pattern": "^[a-z]+$"}, "uniqueItems": true},
        "counts": {"type": "object", "additionalProperties": {"type": "integer"}},
        "placed": {"type": "string", "format": "date-time"},
        "free": {"type": "object"},
        "old": {"type": "integer", "minimum": 5, "exclusiveMinimum": true},
        "kind": {"oneOf": [{"const": "a", "title": "A"}, {"const": "b"}]},
        "either": {"oneOf": [{"type": "string"}, {"type": "integer"}], "default": 5}
      },
      "required": ["id", "total", "bill_to", "email"]
    }"##;
    let (document, losses) = imported(Format::JsonSchema, text);
    let columns = properties(&document, 0);
    let column = |name: &str| columns.iter().find(|column| column["name"] == name).unwrap();
    assert_eq!(document["schema"][0]["name"], "order");
    assert_eq!(column("id")["required"], true);
    assert_eq!(
        column("total")["logicalTypeOptions"],
        json!({"minimum": 0, "multipleOf": 0.01})
    );
    assert_eq!(column("total")["businessName"], "Total");
    assert_eq!(
        column("status")["quality"][0]["arguments"]["validValues"],
        json!(["open", "paid"])
    );
    assert_eq!(column("email")["required"], Value::Null);
    assert_eq!(
        column("email")["logicalTypeOptions"],
        json!({"format": "email", "maxLength": 200})
    );
    assert_eq!(column("ship_to")["properties"][0]["required"], true);
    assert_eq!(column("bill_to")["required"], true);
    assert_eq!(column("tags")["items"]["logicalTypeOptions"]["pattern"], "^[a-z]+$");
    assert_eq!(column("counts")["map"]["value"]["logicalTypeOptions"]["format"], "i64");
    assert_eq!(column("placed")["logicalType"], "timestamp");
    assert_eq!(
        column("old")["logicalTypeOptions"],
        json!({"format": "i64", "exclusiveMinimum": 5})
    );
    assert_eq!(
        column("kind")["quality"][0]["arguments"]["validValues"],
        json!(["a", "b"])
    );
    assert_eq!(
        losses,
        [
            "additionalProperties: false",
            "properties.email.required: email",
            "properties.free: an object of unknown properties",
            "properties.either.oneOf: oneOf of 2 types",
            "properties.kind.oneOf[0].title: A",
            "properties.either.default: 5",
            "$id: https://example.com/order.json",
        ]
    );
}

#[test]
fn the_width_of_a_number_beside_its_type_is_exported_as_its_bounds() {
    let text = "
apiVersion: v3.1.0
kind: DataContract
id: x
version: 1.0.0
status: active
schema:
  - name: t
    properties:
      - {name: a, logicalType: integer, physicalType: bigint, logicalTypeOptions: {format: u32}}
      - {name: b, logicalType: integer, physicalType: bigint, logicalTypeOptions: {format: i16, minimum: 5, exclusiveMaximum: 9}}
";
    let exported = export(&contract(text), None, Format::JsonSchema).unwrap();
    let schema: Value = serde_json::from_str(&exported.value).unwrap();
    assert_eq!(
        schema["properties"],
        json!({
            "a": {"type": ["integer", "null"], "format": "int64", "minimum": 0, "maximum": 4_294_967_295_u64},
            "b": {"type": ["integer", "null"], "format": "int64", "minimum": 5, "exclusiveMaximum": 9},
        })
    );
    let losses: Vec<&str> = exported.losses.iter().map(|loss| loss.path.as_str()).collect();
    assert_eq!(losses, ["id", "version", "status"]);
}

#[test]
fn definitions_that_a_root_names_are_its_objects() {
    let text = r##"{"$schema": "https://json-schema.org/draft/2020-12/schema", "oneOf": [{"$ref": "#/$defs/a~1b"}, {"$ref": "#here"}],
      "$defs": {"a/b": {"type": "object", "properties": {"x": {"type": "boolean"}}},
                "c": {"$anchor": "here", "type": "object", "properties": {"y": {"type": "number"}}}}}"##;
    let (document, losses) = imported(Format::JsonSchema, text);
    assert_eq!(document["schema"][0]["name"], "a/b");
    assert_eq!(properties(&document, 1)[0]["name"], "y");
    assert_eq!(losses, ["$defs.c.$anchor: here"]);
}

#[test]
fn rows_that_may_be_null_are_allowed_to() {
    let text = "
apiVersion: v3.1.0
kind: DataContract
id: x
version: 1.0.0
status: active
schema:
  - name: t
    properties:
      - {name: a, logicalType: string, required: true, unique: true}
      - name: b
        logicalType: string
        quality: [{metric: invalidValues, arguments: {validValues: [x, y]}, mustBe: 0}]
      - {name: c, logicalType: number, physicalType: 'decimal(10,2)', logicalTypeOptions: {minimum: 0.50}}
";
    let exported = export(&contract(text), None, Format::JsonSchema).unwrap();
    let expected = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "t", "type": "object",
        "properties": {
            "a": {"type": "string"},
            "b": {"type": ["string", "null"], "enum": ["x", "y", null]},
            "c": {"type": ["number", "null"], "minimum": serde_json::from_str::<Value>("0.50").unwrap()},
        },
        "required": ["a"],
    });
    assert_eq!(serde_json::from_str::<Value>(&exported.value).unwrap(), expected);
    let losses: Vec<&str> = exported.losses.iter().map(|loss| loss.path.as_str()).collect();
    let column = "schema[t].properties";
    assert_eq!(
        losses,
        [
            format!("{column}[c].physicalType").as_str(),
            format!("{column}[a].unique").as_str(),
            "id",
            "version",
            "status",
        ]
    );
}

#[test]
fn what_two_schemas_share_is_no_circle() {
    let text = r##"{
      "title": "order", "type": "object",
      "$defs": {
        "Base": {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]},
        "Audited": {"allOf": [{"$ref": "#/$defs/Base"}], "properties": {"changed": {"type": "string"}}},
        "Owned": {"allOf": [{"$ref": "#/$defs/Base"}], "properties": {"owner": {"type": "string"}}}
      },
      "allOf": [{"$ref": "#/$defs/Audited"}, {"$ref": "#/$defs/Owned"}]
    }"##;
    let (document, _) = imported(Format::JsonSchema, text);
    let columns = properties(&document, 0);
    let mut names: Vec<_> = columns.iter().filter_map(|column| column["name"].as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["changed", "id", "owner"]);
    let id = columns.iter().find(|column| column["name"] == "id").unwrap();
    assert_eq!(id["required"], true);

    let circle = r##"{
      "title": "order", "type": "object", "properties": {"id": {"type": "string"}},
      "$defs": {"A": {"allOf": [{"$ref": "#/$defs/B"}]}, "B": {"allOf": [{"$ref": "#/$defs/A"}]}},
      "allOf": [{"$ref": "#/$defs/A"}]
    }"##;
    let error = crate::import(Format::JsonSchema, circle, &crate::ImportOptions::default()).unwrap_err();
    assert!(error.report().contains("leads back to itself"), "{}", error.report());
}

#[test]
fn a_pattern_that_no_contract_can_have_is_named_and_the_rest_imported() {
    let text = r#"{"title": "t", "type": "object", "properties": {
        "a": {"type": "string", "pattern": "(?=x)y", "maxLength": 9},
        "o": {"type": "object", "properties": {"b": {"type": "string", "pattern": "(a)\\1"}}},
        "Weird Name": {"type": "string", "pattern": "^[a-z]+$"}}}"#;
    let (document, losses) = imported(Format::JsonSchema, text);
    let expected = [r"t.a: pattern (?=x)y", r"t.o.b: pattern (a)\1"];
    for loss in expected {
        assert!(losses.iter().any(|found| found == loss), "{loss} {losses:#?}");
    }
    let columns = properties(&document, 0);
    let options =
        |name: &str| columns.iter().find(|column| column["name"] == name).unwrap()["logicalTypeOptions"].clone();
    assert_eq!(options("a"), serde_json::json!({"maxLength": 9}));
    assert_eq!(options("Weird Name"), serde_json::json!({"pattern": "^[a-z]+$"}));
}

#[test]
fn arrays_of_unknown_items_are_text_and_items_of_any_type_may_be_null() {
    let read = |schema: &str| {
        let text = format!(r#"{{"title": "t", "type": "object", "properties": {{"a": {schema}}}}}"#);
        let (document, losses) = imported(Format::JsonSchema, &text);
        (properties(&document, 0)[0].clone(), losses)
    };
    for schema in [
        r#"{"type": "array"}"#,
        r#"{"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}]}"#,
        r#"{"type": "array", "items": [{"type": "string"}]}"#,
        r#"{"type": "array", "items": false}"#,
    ] {
        let (column, losses) = read(schema);
        assert_eq!(column, json!({"name": "a", "logicalType": "string"}), "{schema}");
        assert_eq!(losses[0], "properties.a: an array of unknown items", "{schema}");
    }
    let (column, losses) = read(r#"{"type": "array", "items": {"type": "array"}}"#);
    assert_eq!(column["items"], json!({"logicalType": "string", "required": true}));
    assert_eq!(losses, ["properties.a.items: an array of unknown items"]);
    for schema in [
        r#"{"type": "array", "items": {}}"#,
        r#"{"type": "array", "items": true}"#,
    ] {
        let (column, losses) = read(schema);
        assert_eq!(column["items"], json!({"logicalType": "string"}), "{schema}");
        assert_eq!(losses.len(), 1, "{schema}: {losses:?}");
    }
}

#[test]
fn what_is_said_of_keys_is_said_of_a_maps_keys() {
    let schema = r#"{"title": "t", "type": "object", "properties": {
        "a": {"type": "object", "additionalProperties": {"type": "integer"}, "propertyNames": {"pattern": "^[a-z]+$", "maxLength": 8}},
        "b": {"type": "object", "patternProperties": {"^x-": {"type": "string"}}, "additionalProperties": false},
        "c": {"type": "object", "patternProperties": {"^x-": {"type": "string"}}},
        "d": {"type": "object", "additionalProperties": {"type": "number"}, "propertyNames": {"enum": ["nl", "de"]}},
        "e": {"type": "object", "additionalProperties": {"type": "number"}, "propertyNames": {"format": "uuid"}},
        "f": {"type": "object", "additionalProperties": {"type": "number"},
              "propertyNames": {"type": "string", "format": "email", "minLength": 9, "title": "Customer",
                "description": "Who bought.", "examples": ["ann@shop.example"]}}
    }}"#;
    let (document, losses) = imported(Format::JsonSchema, schema);
    let columns = properties(&document, 0);
    assert_eq!(
        columns[0]["map"]["key"],
        json!({"logicalType": "string", "required": true, "logicalTypeOptions": {"pattern": "^[a-z]+$", "maxLength": 8}})
    );
    assert_eq!(columns[1]["logicalType"], "map");
    assert_eq!(
        columns[1]["map"]["key"]["logicalTypeOptions"],
        json!({"pattern": "^x-"})
    );
    assert_eq!(columns[1]["map"]["value"]["logicalType"], "string");
    assert_eq!(
        columns[3]["map"]["key"]["quality"][0]["arguments"]["validValues"],
        json!(["nl", "de"])
    );
    assert_eq!(
        columns[4]["map"]["key"]["logicalTypeOptions"],
        json!({"format": "uuid"})
    );
    // Keys of any kind are allowed beside these.
    assert_eq!(columns[2]["logicalType"], "string");
    assert!(losses.iter().all(|loss| loss.starts_with("properties.c")), "{losses:?}");
    let exported = export(&contract(&document.to_string()), None, Format::JsonSchema).unwrap();
    let written: Value = serde_json::from_str(&exported.value).unwrap();
    assert_eq!(
        written["properties"]["a"]["propertyNames"],
        json!({"pattern": "^[a-z]+$", "maxLength": 8})
    );
    assert_eq!(
        written["properties"]["d"]["propertyNames"],
        json!({"enum": ["nl", "de"]})
    );
    assert_eq!(written["properties"]["e"]["propertyNames"], json!({"format": "uuid"}));
    assert_eq!(
        written["properties"]["f"]["propertyNames"],
        json!({"title": "Customer", "description": "Who bought.", "format": "email", "minLength": 9,
               "examples": ["ann@shop.example"]})
    );
    let (again, _) = imported(Format::JsonSchema, &exported.value);
    for (once, twice) in columns.iter().zip(properties(&again, 0)) {
        assert_eq!(once["map"]["key"], twice["map"]["key"]);
    }
    assert!(
        !exported.losses.iter().any(|loss| loss.path.contains("key")),
        "{:?}",
        exported.losses
    );
}
