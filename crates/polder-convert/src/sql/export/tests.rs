use serde_json::{Value, json};

use crate::tests::{contract, imported, properties};
use crate::{Dialect, Format, export};

/// <https://docs.aws.amazon.com/redshift/latest/dg/r_CREATE_TABLE_NEW.html>
#[test]
fn tables_of_redshift_are_written_in_its_types() {
    let text = r"
apiVersion: v3.1.0
kind: DataContract
id: x
version: 1.0.0
status: active
schema:
  - name: orders
    description: 'All \ of it.'
    properties:
      - {name: id, logicalType: integer, logicalTypeOptions: {format: i64}, primaryKey: true, required: true}
      - {name: tag, logicalType: string, logicalTypeOptions: {maxLength: 20}, description: It's short.}
      - {name: note, logicalType: string}
      - {name: at, logicalType: timestamp}
      - {name: local, logicalType: timestamp, physicalType: timestamp_ntz}
      - {name: price, logicalType: number, physicalType: 'decimal(12,2)'}
      - {name: data, logicalType: string, physicalType: binary}
      - {name: lines, logicalType: array, items: {logicalType: integer}}
";
    let exported = export(&contract(text), None, Format::Sql(Dialect::Redshift)).unwrap();
    // A character has up to four bytes.
    let expected = r#"CREATE TABLE "orders" (
    "id" BIGINT NOT NULL,
    "tag" VARCHAR(80),
    "note" VARCHAR(65535),
    "at" TIMESTAMP WITH TIME ZONE,
    "local" TIMESTAMP,
    "price" DECIMAL(12, 2),
    "data" VARBYTE,
    "lines" SUPER,
    PRIMARY KEY ("id")
);
COMMENT ON TABLE "orders" IS 'All \\ of it.';
COMMENT ON COLUMN "orders"."tag" IS 'It''s short.';

"#;
    assert_eq!(exported.value, expected);
    let losses: Vec<&str> = exported.losses.iter().map(|loss| loss.path.as_str()).collect();
    assert!(
        losses.iter().any(|path| path.contains("[tag].logicalTypeOptions")),
        "{losses:?}"
    );
    let (document, _) = imported(Format::Sql(Dialect::Redshift), &exported.value);
    assert_eq!(document["schema"][0]["description"], r"All \ of it.");
}

/// <https://dev.mysql.com/doc/refman/8.4/en/create-table.html>
#[test]
fn tables_of_mysql_are_written_in_its_types() {
    let text = r"
apiVersion: v3.1.0
kind: DataContract
id: x
version: 1.0.0
status: active
schema:
  - name: orders
    description: 'All \ of it.'
    properties:
      - {name: id, logicalType: string, primaryKey: true, required: true}
      - {name: key, logicalType: string, logicalTypeOptions: {maxLength: 20}, description: It's short.}
      - {name: note, logicalType: string}
      - {name: at, logicalType: timestamp}
      - {name: local, logicalType: timestamp, physicalType: timestamp_ntz}
      - {name: price, logicalType: number, physicalType: 'decimal(12,2)', logicalTypeOptions: {minimum: 0}}
      - {name: n, logicalType: integer, logicalTypeOptions: {format: u16}}
      - {name: lines, logicalType: array, items: {logicalType: integer}}
    quality:
      - {metric: duplicateValues, arguments: {properties: [key, n]}, mustBe: 0}
      - {metric: duplicateValues, arguments: {properties: [note, n]}, mustBe: 0}
";
    let exported = export(&contract(text), None, Format::Sql(Dialect::MySql)).unwrap();
    let expected = r"CREATE TABLE `orders` (
    `id` VARCHAR(255) NOT NULL,
    `key` VARCHAR(20) COMMENT 'It''s short.',
    `note` LONGTEXT,
    `at` TIMESTAMP(6),
    `local` DATETIME(6),
    `price` DECIMAL(12, 2),
    CHECK (`price` >= 0),
    `n` SMALLINT UNSIGNED,
    `lines` JSON,
    PRIMARY KEY (`id`),
    UNIQUE (`key`, `n`)
)
COMMENT = 'All \\ of it.';

";
    assert_eq!(exported.value, expected);
    let losses: Vec<&str> = exported.losses.iter().map(|loss| loss.path.as_str()).collect();
    for named in ["[id].logicalTypeOptions", "[at].logicalType", "quality[1]", "[lines]"] {
        assert!(losses.iter().any(|path| path.contains(named)), "{named} {losses:?}");
    }
    let (document, _) = imported(Format::Sql(Dialect::MySql), &exported.value);
    assert_eq!(document["schema"][0]["description"], r"All \ of it.");
    let price: Value = properties(&document, 0)[5].clone();
    assert_eq!(price["logicalTypeOptions"], json!({"minimum": 0}));
}

#[test]
fn floating_point_is_as_wide_in_exports_as_in_the_contract_s_table() {
    let with = |name: &str| {
        format!(
            "apiVersion: v3.1.0\nkind: DataContract\nid: x\nversion: 1.0.0\nstatus: active\nschema:\n  - name: t\n    \
             properties:\n      - {{name: f, logicalType: number, physicalType: {name}}}\n"
        )
    };
    let cases = [
        (Format::Avro, "float", "double"),
        (Format::Protobuf, "float f = 1", "double f = 1"),
        (Format::Sql(Dialect::Postgres), "f REAL", "f DOUBLE PRECISION"),
        (Format::Sql(Dialect::DuckDb), "f REAL", "f DOUBLE"),
        (Format::Sql(Dialect::MySql), "f FLOAT", "f DOUBLE"),
        (Format::Sql(Dialect::Spark), "f FLOAT", "f DOUBLE"),
        (Format::DataContractSpecification, "type: float", "type: double"),
    ];
    for (format, narrow, wide) in cases {
        for (names, word, format_back) in [
            (["real", "float4", "Float32"], narrow, json!("f32")),
            (["float", "float8", "double"], wide, Value::Null),
        ] {
            for name in names {
                let exported = export(&contract(&with(name)), None, format).unwrap();
                let text = exported.value.replace(['"', '`'], "");
                let other = if word == narrow { wide } else { narrow };
                assert!(
                    text.contains(word) && !text.contains(other),
                    "{format:?}, {name}: {text}"
                );
                let of_type = exported.losses.iter().filter(|loss| loss.path.contains("[f]"));
                assert_eq!(of_type.count(), 0, "{format:?}, {name}");
                let (document, _) = imported(format, &exported.value);
                let column = &properties(&document, 0)[0];
                assert_eq!(
                    column["logicalTypeOptions"]["format"], format_back,
                    "{format:?}, {name}"
                );
            }
        }
    }
    // What the target has no type for is named as the contract says it.
    let exported = export(&contract(&with("real")), None, Format::Sql(Dialect::BigQuery)).unwrap();
    let of_column = exported.losses.iter().filter(|loss| loss.path.contains("[f]"));
    let lost: Vec<_> = of_column.map(|loss| (loss.path.as_str(), loss.what.as_str())).collect();
    assert_eq!(lost, [("schema[t].properties[f].physicalType", "real")]);
    // What stands in brackets is named where the target has no place for it, or kept.
    let exported = export(&contract(&with("'float(3,2)'")), None, Format::Avro).unwrap();
    assert!(exported.value.contains("\"double\""), "{}", exported.value);
}
