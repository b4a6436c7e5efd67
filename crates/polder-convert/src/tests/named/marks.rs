//! Formats that are text, with marks around what can be left out.

use super::none;
use crate::{Dialect, Format, ImportOptions, import};

/// The places between `⟦` and `⟧` of a text that can be taken out of it without any effect.
pub(super) fn silent_marks(format: Format, marked: &str) -> Vec<String> {
    let plain = |text: &str| text.replace(['⟦', '⟧'], "");
    let convert = |text: &str| import(format, &plain(text), &ImportOptions::default());
    let whole = convert(marked).unwrap_or_else(|error| panic!("{}", error.report()));
    let mut found = Vec::new();
    for (start, mark) in marked.match_indices('⟦') {
        let end = start + marked[start..].find('⟧').unwrap();
        let inside = &marked[start + mark.len()..end];
        let without = format!("{}{}", &marked[..start], &marked[end..]);
        if convert(&without).is_ok_and(|other| other == whole) {
            found.push(inside.to_owned());
        }
    }
    assert!(marked.contains('⟦'));
    found
}

#[test]
fn everything_in_sql_is_carried_or_named() {
    let postgres = "
⟦CREATE SCHEMA shop;⟧
⟦CREATE EXTENSION btree_gist;⟧
⟦CREATE SEQUENCE numbers;⟧
CREATE TYPE mood AS ENUM ('sad'⟦, 'ok'⟧);
⟦CREATE TYPE span AS RANGE (subtype = float8);⟧
CREATE TYPE place AS (street text⟦ COLLATE \"C\"⟧⟦, number int⟧);
CREATE DOMAIN year AS integer⟦ DEFAULT 5⟧⟦ CHECK (VALUE > 1900)⟧;
CREATE DOMAIN name AS text⟦ COLLATE \"C\"⟧;
CREATE⟦ UNLOGGED⟧ TABLE ⟦shop.⟧customers (
    id ⟦big⟧serial⟦ CONSTRAINT customers_pk⟧⟦ PRIMARY KEY⟧,
    email varchar⟦(200)⟧⟦ CONSTRAINT filled⟧⟦ NOT NULL⟧⟦ UNIQUE⟧⟦ COLLATE \"C\"⟧,
    initial char⟦(1)⟧,
    mood mood⟦ DEFAULT 'ok'⟧,
    born year, known name, at place,
    tags text⟦[]⟧, three int[⟦3⟧],
    code citext, data ⟦jsonb⟧, took interval, balance numeric⟦(50,2)⟧, much numeric,
    seen timestamptz⟦(3)⟧, added int⟦ GENERATED ALWAYS AS IDENTITY⟧, sum int⟦ GENERATED ALWAYS AS (added + 1) STORED⟧,
    age smallint⟦ CONSTRAINT sane⟧⟦ CHECK (age > 0)⟧,
    ⟦x int,⟧
    during tstzrange,
    ⟦EXCLUDE USING gist (during WITH &&),⟧
    ⟦LIKE others INCLUDING ALL,⟧
    ⟦CONSTRAINT rule CHECK (age > 17 OR email IS NULL),⟧
    ⟦CONSTRAINT expr CHECK (lower(email) = email) ,⟧
    UNIQUE⟦ NULLS NOT DISTINCT⟧ (age⟦, id⟧)⟦ DEFERRABLE⟧
)⟦ INHERITS (people)⟧⟦ PARTITION BY RANGE (seen)⟧⟦ WITH (fillfactor = 70)⟧;
⟦CREATE TABLE customers_2020 PARTITION OF customers FOR VALUES FROM (1) TO (2);⟧
⟦CREATE TABLE copied AS SELECT * FROM customers;⟧
CREATE TABLE orders (
    id int, line int, customer bigint,
    ⟦CONSTRAINT named ⟧PRIMARY KEY (id⟦, line⟧)
);
ALTER TABLE ONLY orders ADD⟦ CONSTRAINT fk⟧ FOREIGN KEY (customer) REFERENCES shop.customers⟦(id)⟧⟦ MATCH FULL⟧⟦ ON DELETE CASCADE⟧⟦ ON UPDATE SET NULL⟧⟦ DEFERRABLE INITIALLY DEFERRED⟧⟦ NOT VALID⟧;
⟦ALTER TABLE orders ALTER COLUMN customer SET NOT NULL;⟧
⟦ALTER TABLE orders ALTER COLUMN customer SET DEFAULT 5;⟧
⟦ALTER TABLE orders ALTER COLUMN customer TYPE int⟧⟦ USING customer::int⟧;
⟦ALTER TABLE orders ADD COLUMN note text;⟧
⟦ALTER TABLE orders DROP CONSTRAINT fk;⟧
⟦ALTER TABLE orders OWNER TO me;⟧
⟦ALTER TABLE orders ENABLE ROW LEVEL SECURITY;⟧
⟦ALTER TABLE orders ADD CONSTRAINT ex EXCLUDE USING gist (id WITH =);⟧
⟦ALTER TYPE mood ADD VALUE 'great';⟧
⟦COMMENT ON TABLE orders IS 'What was ordered.';⟧
⟦COMMENT ON COLUMN orders.id IS 'The key.';⟧
⟦COMMENT ON SCHEMA shop IS 'The shop.';⟧
⟦CREATE INDEX i ON orders (customer);⟧
CREATE UNIQUE INDEX⟦ u⟧ ON orders (customer⟦ DESC⟧)⟦ INCLUDE (line)⟧;
⟦CREATE UNIQUE INDEX some ON orders (line) WHERE id > 5;⟧
⟦CREATE VIEW v AS SELECT 1;⟧
⟦GRANT SELECT ON orders TO me;⟧
⟦INSERT INTO orders VALUES (1, 2, 3);⟧
";
    // Two clauses that mean what the rest says: the key that is referred to, and the type's own default.
    let own = ["(id)".to_owned()];
    let found: Vec<_> = silent_marks(Format::Sql(Dialect::Postgres), postgres);
    assert_eq!(found, own);
    let spark = "CREATE⟦ EXTERNAL⟧ TABLE ⟦lake.⟧orders (
  id BIGINT⟦ NOT NULL⟧⟦ COMMENT 'The key'⟧⟦ DEFAULT 5⟧, own BIGINT⟦ GENERATED ALWAYS AS IDENTITY⟧,
  lines ARRAY<STRUCT<sku: STRING⟦, n: INT⟧>>, m MAP<STRING, ⟦INT⟧>, day DATE, c CHAR(⟦1⟧3), d INTERVAL
)⟦ USING parquet⟧⟦ PARTITIONED BY (day)⟧⟦ COMMENT 'Orders.'⟧⟦ LOCATION 's3://x'⟧⟦ TBLPROPERTIES ('a' = 'b')⟧⟦ CLUSTER BY (id)⟧";
    assert_eq!(
        silent_marks(Format::Sql(Dialect::Spark), &spark.replace("⟦INT⟧", "INT")),
        none()
    );
    let snowflake = "CREATE⟦ TRANSIENT⟧ TABLE orders (
  id NUMBER⟦(10,2)⟧⟦ NOT NULL⟧⟦ COMMENT 'The key'⟧, own NUMBER⟦ AUTOINCREMENT⟧, v VARIANT, g GEOGRAPHY, s VARCHAR⟦(20)⟧⟦ COLLATE 'de'⟧,
  e VARCHAR⟦ MASKING POLICY p⟧⟦ WITH TAG (t = 'x')⟧, z TIMESTAMP_TZ⟦(3)⟧
)⟦ CLUSTER BY (id)⟧⟦ COMMENT = 'Orders.'⟧⟦ DATA_RETENTION_TIME_IN_DAYS = 5⟧⟦ CHANGE_TRACKING = TRUE⟧";
    assert_eq!(silent_marks(Format::Sql(Dialect::Snowflake), snowflake), none());
    let bigquery = "CREATE TABLE `p.d.orders` (
  id INT64⟦ NOT NULL⟧⟦ OPTIONS(description=\"Key\")⟧⟦ DEFAULT 5⟧, lines ARRAY<STRUCT<sku STRING⟦, n INT64⟧>>,
  big BIGNUMERIC⟦(40, 2)⟧, n NUMERIC⟦(5, 2)⟧, s STRING⟦(5)⟧, b BYTES⟦(3)⟧, g GEOGRAPHY, j JSON
)⟦ PARTITION BY day⟧⟦ CLUSTER BY id⟧ OPTIONS(⟦description=\"Orders.\",⟧ require_partition_filter=true⟦, labels=[(\"a\", \"b\")]⟧)";
    assert_eq!(silent_marks(Format::Sql(Dialect::BigQuery), bigquery), none());
    let duckdb = "CREATE⟦ TEMP⟧ TABLE orders (lines STRUCT(sku VARCHAR⟦, n INTEGER⟧)[], u UBIGINT, h HUGEINT, e ENUM('a'⟦, 'b'⟧),
  s VARCHAR⟦ DEFAULT 'a'⟧⟦ CHECK (s <> 'b')⟧, t TIMESTAMP_NS, f INTEGER[⟦3⟧])";
    assert_eq!(silent_marks(Format::Sql(Dialect::DuckDb), duckdb), none());
}

#[test]
fn everything_in_a_protobuf_schema_is_carried_or_named() {
    let proto2 = "syntax = \"proto2\";
⟦package shop;⟧
import \"google/protobuf/descriptor.proto\";
⟦import public \"other.proto\";⟧
⟦option java_package = \"x\";⟧
⟦extend google.protobuf.FieldOptions { optional string own = 50000; }⟧
// An order.
message Order {
  ⟦option deprecated = true;⟧
  ⟦reserved 100 to 110;⟧ ⟦reserved \"old\";⟧
  ⟦extensions 200 to 300;⟧
  ⟦// The key.
  ⟧⟦required⟧ int64 id = 1;
  optional string name = 2⟦ [default = \"a\"]⟧;
  optional string gone = ⟦5⟧3⟦ [deprecated = true]⟧;
  ⟦optional⟧ fixed32 f = 4;
  repeated int32 packed = 5⟦ [packed = true]⟧;
  optional group Result = 6 { optional string url = 1⟦ [json_name = \"u\"]⟧; }
  ⟦extend Order { optional int32 more = 201; }⟧
  ⟦// Only seen here.
  message Unused { optional string x = 1; }⟧
}
⟦service Orders { rpc Get (Order) returns (Order); }⟧
";
    let found = silent_marks(
        Format::Protobuf,
        &proto2
            .replace("⟦required⟧", "required")
            .replace("⟦optional⟧", "optional"),
    );
    assert_eq!(found, none());
    let proto3 = "syntax = \"proto3\";
enum Top {⟦ option allow_alias = true;⟧ TOP_A = 0; TOP_B = ⟦1⟧0; ⟦TOP_C = 2⟦ [deprecated = true]⟧;⟧⟦ reserved 5 to 9;⟧ }
message Order {
  ⟦optional ⟧string id = 1;
  oneof⟦_⟧ choice {⟦ option (x) = 1;⟧ string a = 2; ⟦int32 b = 3;⟧ }
  map<string, ⟦s⟧int32> m = 4;
  Status status = 5;
  // How far it is.
  enum Status { ⟦// First.
  ⟧STATUS_UNSPECIFIED = 0; STATUS_OPEN = 1; STATUS_PAID = ⟦1⟧2; }
  google.protobuf.Any any = 6; google.protobuf.Duration took = 7; google.protobuf.StringValue wrapped = 8;
  Line line = 9; ⟦Top top = 10;⟧
}
message Line {⟦ string x = 1;⟧ string y = 2; }
";
    let proto3 = proto3.replace("oneof⟦_⟧", "oneof").replace("⟦ option (x) = 1;⟧", "");
    assert_eq!(silent_marks(Format::Protobuf, &proto3), none());
}
