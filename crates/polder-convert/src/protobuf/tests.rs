use serde_json::{Value, json};

use crate::tests::{contract, imported, properties};
use crate::{Format, export};

const ORDER: &str = r#"
syntax = "proto3";
package shop.v1;
import "google/protobuf/timestamp.proto";
import "google/type/date.proto";

// An order
// as placed.
message Order {
  reserved 4;
  string id = 1;                         // The key.
  optional int64 customer = 2;
  google.protobuf.Timestamp placed = 3;
  repeated Line lines = 5;
  map<string, double> rates = 6;
  Status status = 7;
  oneof payment { string card = 8; string voucher = 9; }
  google.type.Date due = 10 [deprecated = true];
  google.protobuf.StringValue note = 11;
  enum Status { STATUS_UNSPECIFIED = 0; STATUS_OPEN = 1; STATUS_PAID = 2; }
  message Line { string sku = 1; uint32 quantity = 2; }
}
service Orders { rpc Get (Order) returns (Order); }
"#;

#[test]
fn a_file_becomes_a_contract_of_the_messages_that_no_other_contains() {
    let (document, losses) = imported(Format::Protobuf, ORDER);
    assert_eq!(document["schema"].as_array().unwrap().len(), 1);
    assert_eq!(document["schema"][0]["physicalName"], "shop.v1.Order");
    assert_eq!(document["schema"][0]["description"], "An order\nas placed.");
    let columns = properties(&document, 0);
    let column = |name: &str| columns.iter().find(|column| column["name"] == name).unwrap();
    assert_eq!(
        *column("id"),
        json!({"name": "id", "description": "The key.", "logicalType": "string", "required": true})
    );
    assert_eq!(column("customer")["required"], Value::Null);
    assert_eq!(
        (&column("placed")["logicalType"], &column("placed")["required"]),
        (&json!("timestamp"), &json!(null))
    );
    assert_eq!(
        column("lines")["items"]["properties"][1]["logicalTypeOptions"]["format"],
        "u32"
    );
    // A reserved number before it: readers know fields by number.
    assert_eq!(
        column("lines")["customProperties"],
        json!([{"property": "protobufFieldNumber", "value": 5}])
    );
    assert_eq!(column("rates")["map"]["value"]["logicalType"], "number");
    assert_eq!(
        column("status")["quality"][0]["arguments"]["validValues"],
        json!(["OPEN", "PAID"])
    );
    assert_eq!(column("card")["required"], Value::Null);
    assert_eq!(column("due")["logicalType"], "date");
    assert_eq!(column("note")["logicalType"], "string");
    assert_eq!(
        losses,
        [
            "Orders: a service",
            "shop.v1.Order: reserved 4",
            "shop.v1.Order.card: oneof payment",
            "shop.v1.Order.voucher: oneof payment",
            "shop.v1.Order.due: option deprecated",
        ]
    );
}

#[test]
fn numbers_of_fields_survive_the_way_back() {
    let (document, _) = imported(Format::Protobuf, ORDER);
    let text = export(&contract(&document.to_string()), None, Format::Protobuf)
        .unwrap()
        .value;
    for line in [
        "repeated Lines lines = 5;",
        "optional string note = 11;",
        "enum Status {",
        "STATUS_PAID = 2;",
        "package shop.v1;",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[test]
fn fields_of_proto2_are_required_as_they_say() {
    let text = "syntax = \"proto2\"; message A { required int32 a = 1; optional string b = 2 [default = \"x\"]; }";
    let (document, losses) = imported(Format::Protobuf, text);
    let columns = properties(&document, 0);
    assert_eq!(
        (&columns[0]["required"], &columns[1]["required"]),
        (&json!(true), &json!(null))
    );
    assert!(losses.contains(&"A.b: default x".to_owned()), "{losses:?}");
}

#[test]
fn no_two_fields_have_one_name_in_json() {
    let columns = ["foo_bar", "fooBar", "a_b", "a__b", "plain"];
    let properties: String = columns
        .iter()
        .map(|name| format!("      - {{name: {name}, logicalType: string}}\n"))
        .collect();
    let text = format!(
        "apiVersion: v3.1.0\nkind: DataContract\nid: x\nversion: 1.0.0\nstatus: draft\nschema:\n  - name: t\n    \
         properties:\n{properties}"
    );
    let exported = export(&contract(&text), None, Format::Protobuf).unwrap();
    let lines: Vec<&str> = exported
        .value
        .lines()
        .filter(|line| line.contains(" = "))
        .map(str::trim)
        .collect();
    assert_eq!(
        lines[1..],
        [
            "optional string foo_bar = 1;",
            "optional string fooBar2 = 2;",
            "optional string a_b = 3;",
            "optional string a__b2 = 4;",
            "optional string plain = 5;",
        ]
    );
    let named: Vec<&str> = exported
        .losses
        .iter()
        .map(|loss| loss.path.as_str())
        .filter(|path| path.contains("properties"))
        .collect();
    assert_eq!(
        named,
        ["schema[t].properties[fooBar].name", "schema[t].properties[a__b].name"]
    );
}
