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

#[test]
fn what_has_values_inside_is_no_key_of_a_dataset() {
    let script = "CREATE TABLE shifts (id int UNIQUE, days text[] UNIQUE, name text UNIQUE);";
    let (contract, losses) = settled(import(Format::Sql(Dialect::Postgres), script, &bound()).unwrap());
    let columns = &contract["schema"][0]["properties"];
    let unique: Vec<_> = [0, 1, 2].iter().map(|at| columns[at].get("unique")).collect();
    assert_eq!(unique, [Some(&json!(true)), None, Some(&json!(true))]);
    let lost = "shifts.days: unique (keys of a dataset are made of single values)";
    assert!(losses.contains(&lost.to_owned()), "{losses:?}");

    // Without one of its columns a primary key would be another.
    let script = "CREATE TABLE shifts (id int, days text[], PRIMARY KEY (id, days));";
    let (contract, losses) = settled(import(Format::Sql(Dialect::Postgres), script, &bound()).unwrap());
    assert!(!contract.to_string().contains("primaryKey"), "{contract}");
    let lost = "shifts: primary key id, days (keys of a dataset are made of single values)";
    assert!(losses.contains(&lost.to_owned()), "{losses:?}");
    // A contract that describes no dataset of ours keeps what its tables have.
    let free = import(Format::Sql(Dialect::Postgres), script, &ImportOptions::default()).unwrap();
    assert!(free.value.contains("primaryKeyPosition: 2"), "{}", free.value);
}

fn into_layer(format: Format, text: &str) -> (Value, Vec<String>) {
    settled(import(format, text, &bound()).unwrap())
}

fn told(losses: &[String], lost: &[&str]) {
    for lost in lost {
        let loss = format!("{lost} (keys of a dataset are made of single values)");
        assert!(losses.contains(&loss), "{loss}: {losses:?}");
    }
}

#[test]
fn keys_and_foreign_keys_of_sql_with_values_inside_are_named_and_the_others_stay() {
    let script = r#"
CREATE TABLE a (id bigint PRIMARY KEY, "all tags" text[], tags text[], UNIQUE (id, tags), UNIQUE (id, "all tags"),
    n int, UNIQUE (id, n));
CREATE TABLE b (id bigint REFERENCES a (id), tags text[], day date, FOREIGN KEY (tags) REFERENCES a (tags),
    FOREIGN KEY (id, tags) REFERENCES a (id, tags));"#;
    let (contract, losses) = into_layer(Format::Sql(Dialect::Postgres), script);
    told(
        &losses,
        &[
            "a: duplicateValues of id, tags",
            "a: duplicateValues of id, all_tags",
            "b.tags: relationship to a.tags",
            "b: relationship to a.id, a.tags",
        ],
    );
    let rules = contract["schema"][0]["quality"].as_array().unwrap();
    assert_eq!(rules.len(), 1, "{rules:?}");
    assert_eq!(rules[0]["arguments"]["properties"], json!(["id", "n"]));
    let b = &contract["schema"][1];
    assert_eq!(b["properties"][0]["relationships"], json!([{"to": "a.id"}]));
    assert_eq!(b["properties"][1].get("relationships"), None);
    assert_eq!(b.get("relationships"), None);

    // A contract that describes no dataset of ours keeps what its tables have.
    let free = import(Format::Sql(Dialect::Postgres), script, &ImportOptions::default()).unwrap();
    for kept in ["- tags", "to: a.tags", "- a.tags"] {
        assert!(free.value.contains(kept), "{kept}: {}", free.value);
    }
    assert!(
        !free.losses.iter().any(|loss| loss.why.contains("single values")),
        "{:?}",
        free.losses
    );
}

#[test]
fn tests_of_dbt_about_keys_with_values_inside_are_named_and_the_others_stay() {
    let schema = r#"
version: 2
models:
  - name: customers
    columns:
      - name: id
        data_type: bigint
        data_tests: [unique]
      - name: tags
        data_type: "text[]"
        data_tests: [{relationships: {to: ref('plans'), field: tags}}]
    data_tests:
      - dbt_utils.unique_combination_of_columns: {combination_of_columns: [id, tags]}
  - name: plans
    columns:
      - {name: tags, data_type: "text[]"}
"#;
    let (contract, losses) = into_layer(Format::Dbt(Dialect::Postgres), schema);
    told(
        &losses,
        &[
            "customers: duplicateValues of id, tags",
            "customers.tags: relationship to plans.tags",
        ],
    );
    let customers = &contract["schema"][0];
    assert_eq!(customers.get("quality"), None);
    assert_eq!(customers["properties"][0]["unique"], true);
    assert_eq!(customers["properties"][1].get("relationships"), None);
}

#[test]
fn rules_of_the_specification_about_keys_with_values_inside_are_named_and_the_others_stay() {
    let document = "
dataContractSpecification: 1.1.0
id: orders
info: {title: Orders, version: 1.0.0}
models:
  orders:
    type: table
    fields:
      id: {type: text, quality: [{type: library, metric: duplicateValues, mustBe: 0}]}
      lines:
        type: array
        items: {type: string}
        references: other.lines
        quality:
          - {type: library, metric: duplicateValues, mustBe: 0}
          - {type: library, metric: duplicateValues, mustBeLessThan: 5, unit: percent}
          - {type: library, metric: nullValues, mustBe: 0}
      buyer:
        type: record
        fields:
          name: {type: text}
          at: {type: record, fields: {city: {type: text}}, quality: [{type: library, metric: duplicateValues, mustBe: 0}]}
      other: {type: text, references: other.lines}
    quality:
      - {type: library, metric: duplicateValues, arguments: {properties: [id, buyer.at]}, mustBe: 0}
      - {type: library, metric: duplicateValues, arguments: {properties: [id, buyer.name]}, mustBe: 0}
  other:
    type: table
    fields:
      lines: {type: array, items: {type: string}}
";
    let (contract, losses) = into_layer(Format::DataContractSpecification, document);
    told(
        &losses,
        &[
            "orders.lines: duplicateValues",
            "orders.lines: relationship to other.lines",
            "orders.buyer.at: duplicateValues",
            "orders.other: relationship to other.lines",
            "orders: duplicateValues of id, buyer.at",
        ],
    );
    let orders = &contract["schema"][0];
    let rules = orders["quality"].as_array().unwrap();
    assert_eq!(rules.len(), 1, "{rules:?}");
    assert_eq!(rules[0]["arguments"]["properties"], json!(["id", "buyer.name"]));
    let columns = &orders["properties"];
    assert_eq!(columns[0]["quality"][0]["metric"], "duplicateValues");
    let of_lines = columns[1]["quality"].as_array().unwrap();
    assert_eq!(of_lines.len(), 1, "{of_lines:?}");
    assert_eq!(of_lines[0]["metric"], "nullValues");
    assert_eq!(columns[3].get("relationships"), None);
}
