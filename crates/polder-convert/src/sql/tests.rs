use serde_json::{Value, json};

use crate::tests::{contract, imported, properties};
use crate::{Dialect, Format, ImportOptions, export, import};

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
            "line 5: customers.id: bigserial",
            "line 7: customers.mood: DEFAULT 'ok'",
            "line 10: customers.data: JSONB",
            "line 11: customers.balance: NUMERIC",
            "line 13: customers.seen: TIMESTAMPTZ(3)",
            "line 15: customers.country: CHAR(2)",
            "line 27: orders(customer): CONSTRAINT fk",
            "line 27: orders(customer): ON DELETE CASCADE",
            "line 30: 1 × CREATE INDEX",
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

#[test]
fn a_rule_goes_along_without_what_it_tells_of_itself() {
    let text = "
apiVersion: v3.1.0
kind: DataContract
id: x
version: 1.0.0
status: active
schema:
  - name: orders
    properties:
      - name: currency
        logicalType: string
        quality:
          - {id: known, description: Where we sell., metric: invalidValues, arguments: {validValues: [GBP, EUR]}, mustBe: 0}
      - {name: total, logicalType: integer}
    quality:
      - {id: paid, dimension: accuracy, type: custom, engine: polder, implementation: {row: total > 5}}
";
    let exported = export(&contract(text), None, Format::Sql(Dialect::Postgres)).unwrap();
    let expected = "\
CREATE TABLE orders (
    currency TEXT,
    CHECK (currency IN ('GBP', 'EUR')),
    total INTEGER,
    CHECK (total > 5)
);

";
    assert_eq!(exported.value, expected);
    let losses: Vec<&str> = exported.losses.iter().map(|loss| loss.path.as_str()).collect();
    for lost in ["].id", "].description", "].dimension"] {
        assert!(
            losses
                .iter()
                .any(|path| path.contains("quality") && path.ends_with(lost)),
            "{losses:?}"
        );
    }
}

/// The places and messages of what is wrong with a script.
fn refused(dialect: Dialect, script: &str) -> Vec<String> {
    let error = import(Format::Sql(dialect), script, &ImportOptions::default()).unwrap_err();
    error.diagnostics().iter().map(ToString::to_string).collect()
}

#[test]
fn what_is_no_sql_is_told_with_its_place() {
    let script = "\u{feff}CREAT TABLE a (x int);
CREATE TABEL b (x int);
CREATE TABLE c (
  ä int,
  x int NOT NUL
);
CREATE TABLE d (y text DEFAULT 'open);
";
    assert_eq!(
        refused(Dialect::Postgres, script),
        [
            "the document:1:1: `CREAT` begins no statement of SQL",
            "the document:2:8: `CREATE TABEL` is no statement of SQL",
            "the document:5:9: not valid PostgreSQL: expected: ',' or ')' after column definition, found: NOT",
            "the document:7:32: what begins here does not end",
        ]
    );
    assert!(refused(Dialect::Postgres, "CREATE TABLE t (x int); /* and")[0].contains("1:25"));
}

#[test]
fn who_has_named_a_dialect_is_not_asked_to_name_one() {
    let help = |dialect| {
        let error = import(
            Format::Sql(dialect),
            "CREATE TABLE t (x int NOT NUL);",
            &ImportOptions::default(),
        );
        error.unwrap_err().diagnostics()[0].help.clone().unwrap()
    };
    assert_eq!(
        help(Dialect::Ansi),
        "name the dialect that it is written in with --dialect: postgres, spark, snowflake, bigquery, duckdb, mysql, \
         sqlserver, oracle, redshift"
    );
    assert_eq!(
        help(Dialect::Postgres),
        "mend it, or name another dialect than postgres with --dialect"
    );
}

#[test]
fn a_check_that_means_another_thing_in_a_contract_is_named() {
    let script = "CREATE TABLE t (a int, b int, CHECK (a ^ 2 > b), CHECK (a / b > 0.6));";
    let (document, losses) = imported(Format::Sql(Dialect::DuckDb), script);
    assert_eq!(losses, ["line 1: t: CHECK (a ^ 2 > b)"]);
    let rules = document["schema"][0]["quality"].as_array().unwrap();
    assert_eq!(rules.len(), 1, "{rules:?}");
    assert_eq!(
        rules[0]["implementation"]["row"],
        "CAST(a AS DOUBLE) / NULLIF(b, 0) > 0.6"
    );
}

#[test]
fn what_a_database_says_in_its_own_words_is_passed_over_beside_tables() {
    let script = "CREATE OR REPLACE PROCEDURE tidy() RETURNS int LANGUAGE SQL AS
BEGIN
  CREATE TABLE scratch (x int);
EXCEPTION
  WHEN OTHER THEN
    RETURN 0;
END;
QUALIFY things;
CREATE TABLE t (x int);
";
    for dialect in [Dialect::Snowflake, Dialect::BigQuery] {
        let (document, losses) = imported(Format::Sql(dialect), script);
        assert_eq!(document["schema"].as_array().unwrap().len(), 1);
        assert_eq!(document["schema"][0]["name"], "t");
        assert_eq!(
            losses,
            ["line 1: 1 × CREATE OR REPLACE PROCEDURE", "line 8: 1 × QUALIFY THINGS"]
        );
    }
    assert_eq!(
        refused(Dialect::Snowflake, "QUALIFY things;\nSELECT 1;"),
        ["the document:1:1: `QUALIFY` begins no statement of SQL"]
    );
}

#[test]
fn changes_of_a_table_are_followed_or_named() {
    let script = "
CREATE TYPE place AS (street text, number int);
CREATE TABLE t (a int NOT NULL, b text NOT NULL, c int, at place);
ALTER TABLE t ALTER COLUMN c SET NOT NULL, ALTER COLUMN b DROP NOT NULL;
ALTER TABLE t ALTER COLUMN a TYPE bigint;
ALTER TABLE t ADD COLUMN d varchar(5) UNIQUE;
CREATE UNIQUE INDEX one ON t (a);
CREATE UNIQUE INDEX some ON t (c) WHERE b IS NULL;
ALTER TABLE t RENAME COLUMN a TO aa;
ALTER TABLE t OWNER TO me;
ALTER TABLE gone ADD COLUMN x int;
";
    let (document, losses) = imported(Format::Sql(Dialect::Postgres), script);
    assert_eq!(column(&document, 0, "c")["required"], true);
    assert_eq!(column(&document, 0, "b")["required"], Value::Null);
    assert_eq!(column(&document, 0, "a")["logicalTypeOptions"]["format"], "i64");
    assert_eq!(column(&document, 0, "a")["required"], true);
    assert_eq!(column(&document, 0, "a")["unique"], true);
    assert_eq!(column(&document, 0, "d")["logicalTypeOptions"]["maxLength"], 5);
    assert_eq!(column(&document, 0, "d")["unique"], true);
    assert_eq!(column(&document, 0, "at")["properties"][1]["name"], "number");
    assert_eq!(
        losses,
        [
            "line 7: t: INDEX one",
            "line 8: t: CREATE UNIQUE INDEX some ON t(c) WHERE b IS NULL",
            "line 9: t: RENAME COLUMN a TO aa",
            "line 10: t: OWNER TO me",
            "line 11: gone: ADD COLUMN x INT",
        ]
    );
}

#[test]
fn a_check_is_a_limit_only_where_it_means_the_same() {
    let script = "CREATE TABLE t (
  a varchar(10) CHECK (length(a) <= 5),
  b timestamp CHECK (b::date <= '2020-01-01'),
  c numeric(5,2) CHECK (c::int >= 1),
  d text CHECK ((d)::text = ANY ((ARRAY['x'::character varying, 'y'::character varying])::text[])),
  e int CHECK (e > 0) CHECK (e > 5)
)";
    let (document, _) = imported(Format::Sql(Dialect::Postgres), script);
    let rows: Vec<&Value> = document["schema"][0]["quality"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| &rule["implementation"]["row"])
        .collect();
    assert_eq!(
        rows,
        ["length(a) <= 5", "b::DATE <= '2020-01-01'", "c::INT >= 1", "e > 5"]
    );
    assert_eq!(column(&document, 0, "a")["logicalTypeOptions"]["maxLength"], 10);
    assert_eq!(
        column(&document, 0, "d")["quality"][0]["arguments"]["validValues"],
        json!(["x", "y"])
    );
}

#[test]
fn a_list_of_lists_is_one_of_structs_in_bigquery() {
    let text = "apiVersion: v3.1.0\nkind: DataContract\nid: x\nversion: 1.0.0\nstatus: draft\nschema:\n  - name: t\n    properties:\n      \
                - {name: a, logicalType: array, items: {logicalType: array, items: {logicalType: string}}}\n";
    let exported = export(&contract(text), None, Format::Sql(Dialect::BigQuery)).unwrap();
    assert!(
        exported.value.contains("a ARRAY<STRUCT<items ARRAY<STRING>>>"),
        "{}",
        exported.value
    );
    let paths: Vec<&str> = exported.losses.iter().map(|loss| loss.path.as_str()).collect();
    assert_eq!(paths[0], "schema[t].properties[a].items", "{paths:?}");
}
