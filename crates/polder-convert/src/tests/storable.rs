//! What is bound to a dataset is what its table can hold.

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use polder_contract::ContractSet;
use polder_core::document::Source;
use serde_json::{Value, json};

use crate::{Binding, Converted, Dialect, Format, ImportOptions, TableFacts, export, import, infer};

const PATTERN: &str = r"^([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?$";

fn bound() -> ImportOptions {
    ImportOptions {
        dataset: Some("shop.bronze".parse::<Binding>().unwrap()),
        name: Some("shifts".to_owned()),
        ..ImportOptions::default()
    }
}

/// The contract as JSON, without a word of the lint, and the losses.
fn settled(converted: Converted<String>) -> (Value, Vec<String>) {
    let Converted { value, losses } = converted;
    let source = Source::new("contracts/shop/c.odcs.yaml", value.as_str());
    let (_, problems) = ContractSet::load([("shop".to_owned(), source)]);
    assert!(problems.is_empty(), "{problems:#?}\n{value}");
    let contract = crate::tests::contract(&value);
    let losses = losses.iter().map(ToString::to_string).collect();
    (contract.document.to_json(), losses)
}

fn time_as_text(name: &str) -> Value {
    json!({"name": name, "logicalType": "string", "logicalTypeOptions": {"pattern": PATTERN}})
}

#[test]
fn a_time_of_sql_is_text_with_its_pattern() {
    let script = "CREATE TABLE shifts (id int PRIMARY KEY, starts time, ends time(3));";
    let options = bound();
    let (contract, losses) = settled(import(Format::Sql(Dialect::Postgres), script, &options).unwrap());
    let columns = &contract["schema"][0]["properties"];
    assert_eq!(columns[1], time_as_text("starts"));
    assert_eq!(columns[2], time_as_text("ends"));
    let why = "time (tables have no times of day: written as text with their pattern)";
    assert!(losses.contains(&format!("shifts.starts: {why}")), "{losses:?}");
    // A contract that describes no dataset of ours keeps what its tables have.
    let free = import(Format::Sql(Dialect::Postgres), script, &ImportOptions::default()).unwrap();
    assert!(free.value.contains("logicalType: time"), "{}", free.value);
}

#[test]
fn a_time_of_avro_is_text_wherever_it_stands() {
    let schema = r#"{"type": "record", "name": "Shift", "fields": [
        {"name": "starts", "type": ["null", {"type": "int", "logicalType": "time-millis"}]},
        {"name": "breaks", "type": ["null", {"type": "array", "items": {"type": "long", "logicalType": "time-micros"}}]},
        {"name": "at", "type": ["null", {"type": "map", "values": {"type": "int", "logicalType": "time-millis"}}]}]}"#;
    let (contract, losses) = settled(import(Format::Avro, schema, &bound()).unwrap());
    let columns = &contract["schema"][0]["properties"];
    assert_eq!(columns[0], time_as_text("starts"));
    assert_eq!(columns[1]["items"]["logicalType"], "string");
    assert_eq!(columns[1]["items"]["logicalTypeOptions"]["pattern"], PATTERN);
    assert_eq!(columns[2]["map"]["value"]["logicalType"], "string");
    let told = losses.iter().filter(|loss| loss.contains("no times of day")).count();
    assert_eq!(told, 3, "{losses:?}");
}

#[test]
fn a_column_with_a_blank_is_called_by_an_underscore_also_where_it_is_spoken_of() {
    let script = r#"
CREATE TABLE customers ("customer id" int PRIMARY KEY);
CREATE TABLE orders (
    "order id" int, "Order_ID" int, "unit price" int CHECK ("unit price" > 0), "sold for" int, buyer int,
    UNIQUE ("order id", buyer), CHECK ("unit price" < "sold for" AND 'unit price' <> '"sold for'),
    FOREIGN KEY (buyer) REFERENCES customers ("customer id")
);"#;
    let (contract, losses) = settled(import(Format::Sql(Dialect::Postgres), script, &bound()).unwrap());
    let names = |object: usize| -> Vec<String> {
        let columns = contract["schema"][object]["properties"].as_array().unwrap();
        columns
            .iter()
            .map(|column| column["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(0), ["customer_id"]);
    assert_eq!(names(1), ["order_id_2", "Order_ID", "unit_price", "sold_for", "buyer"]);
    for old in ["customer id", "order id", "unit price", "sold for"] {
        assert!(
            losses.iter().any(|loss| loss.contains(&format!(".{old}: {old} ("))),
            "{losses:?}"
        );
    }
    assert_eq!(
        contract["schema"][1]["quality"][0]["arguments"]["properties"],
        json!(["order_id_2", "buyer"])
    );
    let rule = &contract["schema"][1]["quality"][1]["implementation"]["row"];
    assert_eq!(rule, r#""unit_price" < "sold_for" AND 'unit price' <> '"sold for'"#);
}

#[test]
fn a_contract_of_a_table_that_was_found_passes_too() {
    let schema = Schema::new(vec![
        Field::new("opens at", DataType::Time64(TimeUnit::Microsecond), true),
        Field::new("a.b", DataType::Int64, true),
        Field::new(
            "in",
            DataType::Struct(vec![Field::new("x y", DataType::Int32, true)].into()),
            true,
        ),
    ]);
    let (contract, losses) = settled(infer(&schema, &TableFacts::default(), None, &bound()).unwrap());
    let columns = &contract["schema"][0]["properties"];
    assert_eq!(columns[0], time_as_text("opens_at"));
    assert_eq!(columns[1]["name"], "a_b");
    assert_eq!(columns[2]["properties"][0]["name"], "x_y");
    assert_eq!(losses.len(), 4, "{losses:?}");
}

#[test]
fn a_timestamp_whose_texts_carry_no_offset_is_an_instant_all_the_same() {
    let document = "\
apiVersion: v3.1.0
kind: DataContract
id: c
version: 1.0.0
status: active
schema:
  - name: t
    properties:
      - {name: at, logicalType: timestamp, logicalTypeOptions: {timezone: false}}
      - {name: ntz, logicalType: timestamp, physicalType: timestamp_ntz}
";
    let contract = crate::tests::contract(document);
    let spark = export(&contract, None, Format::Sql(Dialect::Spark)).unwrap().value;
    assert!(
        spark.contains("at TIMESTAMP,") || spark.contains("`at` TIMESTAMP,"),
        "{spark}"
    );
    assert!(spark.contains("ntz TIMESTAMP_NTZ"), "{spark}");
    let avro: Value = serde_json::from_str(&export(&contract, None, Format::Avro).unwrap().value).unwrap();
    let text = avro["fields"].to_string();
    assert!(
        text.contains(r#""timestamp-micros""#) && text.contains(r#""local-timestamp-micros""#),
        "{text}"
    );

    let script = "CREATE TABLE t (at TIMESTAMP WITHOUT TIME ZONE, z TIMESTAMP WITH TIME ZONE);";
    let (contract, _) = crate::tests::imported(Format::Sql(Dialect::Postgres), script);
    let columns = &contract["schema"][0]["properties"];
    assert_eq!(columns[0]["physicalType"], "timestamp_ntz");
    assert_eq!(columns[1], json!({"name": "z", "logicalType": "timestamp"}));
    let local = r#"{"type": "record", "name": "r", "fields": [
        {"name": "at", "type": {"type": "long", "logicalType": "local-timestamp-micros"}}]}"#;
    let (contract, _) = crate::tests::imported(Format::Avro, local);
    assert_eq!(contract["schema"][0]["properties"][0]["physicalType"], "timestamp_ntz");
}

#[test]
fn thousands_of_names_that_become_the_same_are_told_apart_soon() {
    let blanks = |n: usize| format!("{:b}", n + (1 << 14)).replace('0', " ").replace('1', ".");
    let fields: Vec<_> = (0..9_000)
        .map(|n| Field::new(format!("a{}b", blanks(n)), DataType::Int32, true))
        .collect();
    let begun = std::time::Instant::now();
    let (contract, _) = settled(infer(&Schema::new(fields), &TableFacts::default(), None, &bound()).unwrap());
    assert_eq!(contract["schema"][0]["properties"].as_array().unwrap().len(), 9_000);
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}
