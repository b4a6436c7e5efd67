use serde_json::{Value, json};

use crate::tests::{contract, imported, properties};
use crate::{Dialect, Format, export};

fn column(document: &Value, object: usize, name: &str) -> Value {
    let columns = properties(document, object);
    columns
        .into_iter()
        .find(|column| column["name"] == name)
        .unwrap_or_default()
}

#[test]
fn tables_of_postgres_become_objects_with_keys_and_checks() {
    let script = "
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE DOMAIN year AS integer CHECK (VALUE > 1900);
CREATE TABLE shop.customers (
    id bigserial PRIMARY KEY,
    email varchar(200) NOT NULL UNIQUE,
    mood mood DEFAULT 'ok',
    born year,
    tags text[],
    data jsonb,
    balance numeric,
    joined timestamp without time zone,
    seen timestamptz(3),
    age smallint CHECK (age BETWEEN 0 AND 150),
    country char(2) CHECK (country IN ('NL', 'DE')),
    price numeric(12,2) CHECK (((price)::numeric >= (0)::numeric)),
    CONSTRAINT sane CHECK (age > 17 OR email IS NULL)
);
CREATE TABLE orders (
    id integer NOT NULL,
    line integer NOT NULL,
    customer bigint NOT NULL,
    a int, b int,
    PRIMARY KEY (id, line),
    UNIQUE (a, b)
);
ALTER TABLE ONLY orders ADD CONSTRAINT fk FOREIGN KEY (customer) REFERENCES shop.customers(id) ON DELETE CASCADE;
COMMENT ON TABLE orders IS 'What was ordered; it''s final.';
COMMENT ON COLUMN shop.customers.email IS 'Where to write.';
CREATE INDEX i ON orders (a);
";
    let (document, losses) = imported(Format::Sql(Dialect::Postgres), script);
    assert_eq!(document["schema"][0]["physicalName"], "shop.customers");
    assert_eq!(document["schema"][1]["description"], "What was ordered; it's final.");
    assert_eq!(
        column(&document, 0, "id"),
        json!({"name": "id", "logicalType": "integer", "required": true, "primaryKey": true,
               "logicalTypeOptions": {"format": "i64"}})
    );
    assert_eq!(
        column(&document, 0, "email"),
        json!({"name": "email", "description": "Where to write.", "logicalType": "string", "required": true,
               "unique": true, "logicalTypeOptions": {"maxLength": 200}})
    );
    assert_eq!(
        column(&document, 0, "mood")["quality"][0]["arguments"]["validValues"],
        json!(["sad", "ok"])
    );
    assert_eq!(column(&document, 0, "born")["logicalType"], "integer");
    assert_eq!(column(&document, 0, "tags")["items"]["logicalType"], "string");
    assert_eq!(column(&document, 0, "joined")["physicalType"], "timestamp_ntz");
    assert_eq!(column(&document, 0, "seen")["physicalType"], Value::Null);
    assert_eq!(
        column(&document, 0, "age")["logicalTypeOptions"],
        json!({"format": "i16", "minimum": 0, "maximum": 150})
    );
    assert_eq!(
        column(&document, 0, "country")["quality"][0]["arguments"]["validValues"],
        json!(["NL", "DE"])
    );
    assert_eq!(
        column(&document, 0, "price")["logicalTypeOptions"],
        json!({"minimum": 0})
    );
    let rule = &document["schema"][0]["quality"][0];
    assert_eq!((&rule["name"], &rule["engine"]), (&json!("sane"), &json!("polder")));
    assert_eq!(rule["implementation"]["row"], "age > 17 OR email IS NULL");
    assert_eq!(column(&document, 1, "line")["primaryKeyPosition"], 2);
    assert_eq!(
        column(&document, 1, "customer")["relationships"],
        json!([{"to": "customers.id"}])
    );
    assert_eq!(
        document["schema"][1]["quality"][0]["arguments"]["properties"],
        json!(["a", "b"])
    );
    assert_eq!(
        losses,
        [
            "line 3: year: CHECK (VALUE > 1900)",
            "line 7: customers.mood: DEFAULT 'ok'",
            "line 10: customers.data: JSONB",
            "line 11: customers.balance: NUMERIC",
            "line 13: customers.seen: TIMESTAMPTZ(3)",
            "orders(customer): ON DELETE CASCADE",
            "script: 1 × CREATE INDEX",
        ]
    );
}

#[test]
fn the_same_word_means_what_the_dialect_means() {
    let logical = |dialect: Dialect, column_type: &str| {
        let (document, _) = imported(Format::Sql(dialect), &format!("CREATE TABLE t (x {column_type})"));
        let column = column(&document, 0, "x");
        format!(
            "{} {}",
            column["logicalType"].as_str().unwrap(),
            column["physicalType"].as_str().unwrap_or("-")
        )
    };
    assert_eq!(logical(Dialect::Spark, "timestamp"), "timestamp -");
    assert_eq!(logical(Dialect::BigQuery, "TIMESTAMP"), "timestamp -");
    assert_eq!(logical(Dialect::Postgres, "timestamp"), "timestamp timestamp_ntz");
    assert_eq!(logical(Dialect::Snowflake, "TIMESTAMP_NTZ"), "timestamp timestamp_ntz");
    assert_eq!(logical(Dialect::Snowflake, "NUMBER"), "number decimal(38,0)");
    assert_eq!(logical(Dialect::Snowflake, "NUMBER(10,2)"), "number decimal(10,2)");
    assert_eq!(logical(Dialect::BigQuery, "NUMERIC"), "number decimal(38,9)");
    assert_eq!(logical(Dialect::DuckDb, "DECIMAL"), "number decimal(18,3)");
}

#[test]
fn nested_types_and_comments_of_spark_bigquery_and_duckdb_are_read() {
    let spark = "CREATE TABLE IF NOT EXISTS lake.sales.orders (
        id BIGINT NOT NULL COMMENT 'The customer\\'s key; \\\\ and all',
        lines ARRAY<STRUCT<sku: STRING, n: INT>>,
        labels MAP<STRING, DECIMAL(5,2)>,
        day DATE
      ) USING DELTA PARTITIONED BY (day) COMMENT 'Orders.'";
    let (document, _) = imported(Format::Sql(Dialect::Spark), spark);
    assert_eq!(
        column(&document, 0, "id")["description"],
        "The customer's key; \\ and all"
    );
    assert_eq!(column(&document, 0, "lines")["items"]["properties"][1]["name"], "n");
    assert_eq!(
        column(&document, 0, "labels")["map"]["value"]["physicalType"],
        "decimal(5,2)"
    );
    assert_eq!(column(&document, 0, "day")["partitionKeyPosition"], 1);
    assert_eq!(document["schema"][0]["description"], "Orders.");

    let bigquery = "CREATE TABLE `p.d.orders` (
        id INT64 NOT NULL OPTIONS(description=\"Key \\\"k\\\"\"),
        lines ARRAY<STRUCT<sku STRING, n INT64>>
      ) OPTIONS(description=\"Orders.\")";
    let (document, _) = imported(Format::Sql(Dialect::BigQuery), bigquery);
    assert_eq!(column(&document, 0, "id")["description"], "Key \"k\"");
    assert_eq!(column(&document, 0, "lines")["items"]["properties"][0]["name"], "sku");
    assert_eq!(document["schema"][0]["physicalName"], "p.d.orders");

    let duckdb = "CREATE TABLE orders (lines STRUCT(sku VARCHAR, n INTEGER)[], u UBIGINT)";
    let (document, _) = imported(Format::Sql(Dialect::DuckDb), duckdb);
    assert_eq!(
        column(&document, 0, "lines")["items"]["properties"][1]["logicalType"],
        "integer"
    );
    assert_eq!(column(&document, 0, "u")["logicalTypeOptions"]["format"], "u64");
}

#[test]
fn tables_are_written_behind_those_that_they_refer_to() {
    let text = "
apiVersion: v3.1.0
kind: DataContract
id: x
version: 1.0.0
status: active
schema:
  - name: orders
    physicalName: sales.silver.orders
    description: It's all.
    properties:
      - {name: id, logicalType: integer, primaryKey: true, required: true}
      - {name: customer, logicalType: string, relationships: [{to: customers.id}]}
      - {name: total, logicalType: number, physicalType: 'decimal(12,2)', logicalTypeOptions: {minimum: 0}}
    quality:
      - {type: custom, engine: polder, implementation: {row: total > 5 OR customer IS NULL}}
  - name: customers
    properties:
      - {name: id, logicalType: string, primaryKey: true, required: true, logicalTypeOptions: {maxLength: 20}}
";
    let contract = contract(text);
    let exported = export(&contract, None, Format::Sql(Dialect::Postgres)).unwrap();
    let expected = "\
CREATE TABLE customers (
    id VARCHAR(20) NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE orders (
    id INTEGER NOT NULL,
    customer TEXT,
    total NUMERIC(12, 2),
    CHECK (total >= 0),
    PRIMARY KEY (id),
    CHECK (total > 5 OR customer IS NULL),
    FOREIGN KEY (customer) REFERENCES customers (id)
);
COMMENT ON TABLE orders IS 'It''s all.';

";
    assert_eq!(exported.value, expected);
    let alone = export(&contract, Some(0), Format::Sql(Dialect::Spark)).unwrap();
    assert!(
        alone.value.starts_with("CREATE TABLE sales.silver.orders ("),
        "{}",
        alone.value
    );
    assert!(!alone.value.contains("customers"));
    let losses: Vec<&str> = alone.losses.iter().map(|loss| loss.path.as_str()).collect();
    assert!(
        losses.contains(&"schema[orders].properties[customer].relationships"),
        "{losses:?}"
    );
}
