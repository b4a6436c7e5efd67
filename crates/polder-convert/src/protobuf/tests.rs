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
        json!(["STATUS_UNSPECIFIED", "STATUS_OPEN", "STATUS_PAID"])
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

/// What a contract of one column of text with these allowed values exports to, and the losses (`path: what`).
fn exported(columns: &[(&str, &[&str])]) -> (String, Vec<String>) {
    let properties: Vec<Value> = columns
        .iter()
        .map(|(name, values)| {
            let rule = json!({"metric": "invalidValues", "arguments": {"validValues": values}, "mustBe": 0});
            json!({"name": name, "logicalType": "string", "required": true, "quality": [rule]})
        })
        .collect();
    let document = json!({
        "apiVersion": "v3.1.0", "kind": "DataContract", "id": "x", "version": "1.0.0", "status": "draft",
        "schema": [{"name": "t", "properties": properties}],
    });
    let exported = export(&contract(&document.to_string()), None, Format::Protobuf).unwrap();
    // Another's parser agrees that names are told apart.
    protox_parse::parse("t.proto", &exported.value).unwrap();
    let losses = exported.losses.iter().filter(|loss| loss.path.starts_with("schema"));
    let losses = losses.map(|loss| format!("{}: {}", loss.path, loss.what)).collect();
    (exported.value, losses)
}

/// The lines of a file's enumerations.
fn enumerations(text: &str) -> Vec<&str> {
    let lines = text.lines().map(str::trim);
    let inside = lines.scan(false, |open, line| {
        let is_in = *open || line.starts_with("enum ");
        *open = is_in && line != "}";
        Some(is_in.then_some(line))
    });
    inside.flatten().collect()
}

#[test]
fn values_of_an_enumeration_are_what_protobuf_s_json_carries() {
    // See <https://protobuf.dev/programming-guides/json/>: the name of the value as specified in the .proto file.
    for (declared, values) in [
        (
            "STATUS_UNSPECIFIED = 0; STATUS_OPEN = 1; STATUS_PAID = 2;",
            json!(["STATUS_UNSPECIFIED", "STATUS_OPEN", "STATUS_PAID"]),
        ),
        ("UNKNOWN = 0; OPEN = 1;", json!(["UNKNOWN", "OPEN"])),
        ("UNSPECIFIED = 0; STATUS = 1;", json!(["UNSPECIFIED", "STATUS"])),
    ] {
        let text = format!("syntax = \"proto3\"; enum Status {{ {declared} }} message T {{ Status status = 1; }}");
        let (document, losses) = imported(Format::Protobuf, &text);
        let status = &properties(&document, 0)[0];
        assert_eq!(status["quality"][0]["arguments"]["validValues"], values, "{declared}");
        assert_eq!(losses, [""; 0], "{declared}");
        // And back, with the same names and numbers.
        let back = export(&contract(&document.to_string()), None, Format::Protobuf).unwrap();
        let written = enumerations(&back.value);
        assert_eq!(written[1..written.len() - 1].join(" "), declared, "{}", back.value);
    }
}

#[test]
fn allowed_values_become_an_enumeration_of_their_own_names() {
    let (text, losses) = exported(&[("order_status", &["OPEN", "paid"])]);
    assert_eq!(
        enumerations(&text),
        [
            "enum OrderStatus {",
            "ORDER_STATUS_UNSPECIFIED = 0;",
            "OPEN = 1;",
            "paid = 2;",
            "}"
        ]
    );
    assert_eq!(
        losses,
        ["schema[t].properties[order_status].quality[0]: ORDER_STATUS_UNSPECIFIED is added"]
    );
}

#[test]
fn allowed_values_that_are_no_names_of_an_enumeration_are_named() {
    for values in [
        &["in transit"][..],
        &["1st"],
        &["option"],
        // Proto3 takes these for one.
        &["open", "OPEN"],
        &["a_b", "AB"],
        &["paid", "STATUS_PAID"],
        &["open", "UNSPECIFIED"],
        // The field and the type.
        &["status"],
        &["Status"],
    ] {
        let (text, losses) = exported(&[("status", values)]);
        assert!(text.contains("string status = 1;"), "{values:?}\n{text}");
        assert_eq!(losses.len(), 1, "{values:?}: {losses:?}");
        assert!(
            losses[0].starts_with("schema[t].properties[status].quality[0]: "),
            "{losses:?}"
        );
    }
}

#[test]
fn enumerations_of_one_message_share_no_name() {
    let (text, losses) = exported(&[
        ("old", &["OPEN", "PAID"]),
        ("new", &["OPEN", "PAID"]),
        ("third", &["OPEN"]),
    ]);
    for line in ["Old old = 1;", "Old new = 2;", "string third = 3;"] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert_eq!(text.matches("enum ").count(), 1, "{text}");
    assert_eq!(losses.len(), 3, "{losses:?}");
}
