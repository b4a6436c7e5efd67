//! Scripts as the databases' own tools write them.

use serde_json::{Value, json};

use crate::tests::scripts::{MYSQL, ORACLE, REDSHIFT, SQL_SERVER};
use crate::tests::{contract, imported, properties};
use crate::{Dialect, Format, ImportOptions, export, import};

fn column(document: &Value, object: usize, name: &str) -> Value {
    let columns = properties(document, object);
    columns
        .into_iter()
        .find(|column| column["name"] == name)
        .unwrap_or_default()
}

/// What a column of a type becomes, and what is named beside it.
fn of_type(dialect: Dialect, data_type: &str) -> (Value, Vec<String>) {
    let (document, losses) = imported(Format::Sql(dialect), &format!("CREATE TABLE t (x {data_type})"));
    let mut column = column(&document, 0, "x");
    column.as_object_mut().unwrap().shift_remove("name");
    (column, losses)
}

/// Types with what they become; and whether something is named.
fn check(dialect: Dialect, types: &[(&str, Value, bool)]) {
    for (data_type, expected, named) in types {
        let (column, losses) = of_type(dialect, data_type);
        assert_eq!(&column, expected, "{dialect}: {data_type}");
        assert_eq!(!losses.is_empty(), *named, "{dialect}: {data_type}: {losses:?}");
        // dbt has the same types, in text.
        let quoted = data_type.replace('\'', "''");
        let model = format!("models: [{{name: m, columns: [{{name: x, data_type: '{quoted}'}}]}}]");
        let (document, _) = imported(Format::Dbt(dialect), &model);
        let mut column = properties(&document, 0)[0].clone();
        column.as_object_mut().unwrap().shift_remove("name");
        assert_eq!(&column, expected, "dbt, {dialect}: {data_type}");
    }
}

fn integer(format: &str) -> Value {
    json!({"logicalType": "integer", "logicalTypeOptions": {"format": format}})
}

fn decimal(digits: &str) -> Value {
    json!({"logicalType": "number", "physicalType": format!("decimal({digits})")})
}

fn text(length: u64) -> Value {
    json!({"logicalType": "string", "logicalTypeOptions": {"maxLength": length}})
}

fn binary(length: u64) -> Value {
    json!({"logicalType": "string", "physicalType": "binary", "logicalTypeOptions": {"maxLength": length}})
}

fn plain(logical: &str) -> Value {
    json!({"logicalType": logical})
}

fn local() -> Value {
    json!({"logicalType": "timestamp", "physicalType": "timestamp_ntz"})
}

fn f32() -> Value {
    json!({"logicalType": "number", "logicalTypeOptions": {"format": "f32"}})
}

/// <https://dev.mysql.com/doc/refman/8.4/en/data-types.html>
#[test]
fn types_mean_what_they_mean_in_mysql() {
    check(
        Dialect::MySql,
        &[
            // "A value of zero is considered false. Nonzero values are considered true."
            ("tinyint(1)", plain("boolean"), true),
            ("boolean", plain("boolean"), false),
            ("bit(1)", plain("boolean"), false),
            ("tinyint", integer("i8"), false),
            ("tinyint unsigned", integer("u8"), false),
            ("smallint unsigned", integer("u16"), false),
            // -8388608 to 8388607; 0 to 16777215
            (
                "mediumint",
                json!({"logicalType": "integer", "logicalTypeOptions": {"minimum": -8_388_608, "maximum": 8_388_607}}),
                false,
            ),
            (
                "mediumint unsigned",
                json!({"logicalType": "integer", "logicalTypeOptions": {"format": "u32", "maximum": 16_777_215}}),
                false,
            ),
            ("int unsigned", integer("u32"), false),
            ("bigint(20) unsigned", integer("u64"), true),
            // "If you specify ZEROFILL for a numeric column, MySQL automatically adds the UNSIGNED attribute".
            ("int zerofill", integer("u32"), true),
            ("int unsigned zerofill", integer("u32"), true),
            (
                "decimal(8,3) unsigned",
                json!({"logicalType": "number", "physicalType": "decimal(8,3)", "logicalTypeOptions": {"minimum": 0}}),
                false,
            ),
            (
                "numeric(8,3) unsigned",
                json!({"logicalType": "number", "physicalType": "decimal(8,3)", "logicalTypeOptions": {"minimum": 0}}),
                false,
            ),
            // "If D is omitted, the default is 0. If M is omitted, the default is 10."
            ("decimal", decimal("10,0"), false),
            ("fixed(5,2)", decimal("5,2"), false),
            ("decimal(65,30)", plain("number"), true),
            // "a precision from 0 to 23 results in a 4-byte single-precision FLOAT column"
            ("float", f32(), false),
            ("float(10)", f32(), false),
            ("float(53)", plain("number"), false),
            ("double(10,2)", plain("number"), true),
            ("real", plain("number"), false),
            // Converted from the session's zone to UTC and back.
            ("timestamp(6)", plain("timestamp"), false),
            ("timestamp", plain("timestamp"), true),
            ("datetime(6)", local(), false),
            ("date", plain("date"), false),
            ("time(6)", plain("time"), true),
            // "with a range of 1901 to 2155, and 0000"
            (
                "year",
                json!({"logicalType": "integer", "logicalTypeOptions": {"format": "i16", "minimum": 0, "maximum": 2155}}),
                true,
            ),
            ("varchar(20)", text(20), false),
            ("longtext", plain("string"), false),
            (
                "longblob",
                json!({"logicalType": "string", "physicalType": "binary"}),
                false,
            ),
            ("varbinary(16)", binary(16), false),
            (
                "binary(16)",
                json!({"logicalType": "string", "physicalType": "binary",
                       "logicalTypeOptions": {"minLength": 16, "maxLength": 16}}),
                false,
            ),
            (
                "enum('a','b')",
                json!({"logicalType": "string",
                       "quality": [{"metric": "invalidValues", "arguments": {"validValues": ["a", "b"]}, "mustBe": 0}]}),
                false,
            ),
            (
                "set('a','b.c')",
                json!({"logicalType": "string",
                       "logicalTypeOptions": {"pattern": r"^(?:(?:a|b\.c)(?:,(?:a|b\.c))*)?$"}}),
                true,
            ),
            ("json", plain("string"), true),
        ],
    );
}

/// <https://learn.microsoft.com/en-us/sql/t-sql/data-types/data-types-transact-sql>
#[test]
fn types_mean_what_they_mean_in_sql_server() {
    let version = json!({"logicalType": "string", "physicalType": "binary",
                         "logicalTypeOptions": {"minLength": 8, "maxLength": 8}});
    check(
        Dialect::SqlServer,
        &[
            ("bit", plain("boolean"), false),
            // 0 to 255
            ("tinyint", integer("u8"), false),
            ("int", plain("integer"), false),
            ("bigint", integer("i64"), false),
            // -922,337,203,685,477.5808 to …5807; -214,748.3648 to 214,748.3647
            ("money", decimal("19,4"), false),
            ("smallmoney", decimal("10,4"), false),
            ("decimal", decimal("18,0"), false),
            ("[decimal](12, 2)", decimal("12,2"), false),
            ("float", plain("number"), false),
            ("float(24)", f32(), false),
            ("real", f32(), false),
            ("nvarchar(50)", text(50), false),
            ("[nvarchar](50)", text(50), false),
            ("nvarchar(max)", plain("string"), false),
            // "n defines the string size in bytes"; 1 in a definition without n
            ("varchar(50)", text(50), true),
            ("nvarchar", text(1), false),
            (
                "uniqueidentifier",
                json!({"logicalType": "string", "logicalTypeOptions": {"format": "uuid"}}),
                false,
            ),
            ("datetime2(6)", local(), false),
            ("datetime2", local(), true),
            ("datetime", local(), true),
            ("datetimeoffset(6)", plain("timestamp"), true),
            ("date", plain("date"), false),
            ("time(6)", plain("time"), false),
            // "timestamp is the data type synonym for the rowversion data type": 8 bytes
            ("timestamp", version.clone(), true),
            ("rowversion", version, true),
            ("varbinary(32)", binary(32), false),
            (
                "varbinary(max)",
                json!({"logicalType": "string", "physicalType": "binary"}),
                false,
            ),
            ("xml", plain("string"), true),
            ("[xml](CONTENT [dbo].[Schemas])", plain("string"), true),
        ],
    );
}

/// <https://docs.oracle.com/en/database/oracle/oracle-database/19/sqlrf/Data-Types.html>
#[test]
fn types_mean_what_they_mean_in_oracle() {
    check(
        Dialect::Oracle,
        &[
            ("number(10)", decimal("10,0"), false),
            ("number(12,2)", decimal("12,2"), false),
            ("number(*,2)", decimal("38,2"), false),
            // Rounded to hundreds; zeros behind the point first.
            ("number(5,-2)", decimal("7,0"), true),
            ("number(4,5)", decimal("5,5"), false),
            ("number", plain("number"), true),
            // "INTEGER, INT, SMALLINT: NUMBER(38)"
            ("integer", decimal("38,0"), false),
            ("decimal", decimal("38,0"), false),
            ("float(126)", plain("number"), true),
            ("binary_double", plain("number"), false),
            ("binary_float", f32(), false),
            ("varchar2(20 char)", text(20), false),
            ("varchar2(20 byte)", text(20), true),
            ("varchar2(20)", text(20), true),
            ("nvarchar2(20)", text(20), false),
            ("clob", plain("string"), false),
            (
                "long raw",
                json!({"logicalType": "string", "physicalType": "binary"}),
                false,
            ),
            ("raw(16)", binary(16), false),
            // Year to second.
            ("date", local(), true),
            ("timestamp(6)", local(), false),
            ("timestamp(6) with local time zone", plain("timestamp"), true),
            ("timestamp(6) with time zone", plain("timestamp"), true),
            ("interval day(2) to second(6)", plain("string"), true),
        ],
    );
}

/// <https://docs.aws.amazon.com/redshift/latest/dg/c_Supported_data_types.html>
#[test]
fn types_mean_what_they_mean_in_redshift() {
    check(
        Dialect::Redshift,
        &[
            ("int2", integer("i16"), false),
            ("int8", integer("i64"), false),
            // "default precision is 18, default scale is 0"
            ("decimal", decimal("18,0"), false),
            ("numeric(38,10)", decimal("38,10"), false),
            ("float", plain("number"), false),
            ("float4", f32(), false),
            ("bool", plain("boolean"), false),
            // "defined in terms of bytes, not characters"; 256 without a length, 65535 at most
            ("varchar(20)", text(20), true),
            ("varchar", text(256), true),
            ("text", text(256), true),
            ("varchar(max)", text(65_535), true),
            ("timestamp", local(), false),
            ("timestamptz", plain("timestamp"), false),
            ("varbyte(100)", binary(100), false),
            ("super", plain("string"), true),
        ],
    );
}

#[test]
fn a_dump_of_mysql_is_read() {
    let (document, losses) = imported(Format::Sql(Dialect::MySql), MYSQL);
    let names: Vec<&Value> = document["schema"]
        .as_array()
        .unwrap()
        .iter()
        .map(|table| &table["name"])
        .collect();
    assert_eq!(names, ["orders", "customers"]);
    assert_eq!(document["schema"][0]["description"], "All 'orders'");
    let of = |name: &str| column(&document, 0, name);
    assert_eq!(
        of("id"),
        json!({"name": "id", "description": "It's the key", "logicalType": "integer", "required": true,
               "primaryKey": true, "logicalTypeOptions": {"format": "u32"}, "relationships": [{"to": "customers.id"}]})
    );
    assert_eq!(of("code")["unique"], true);
    assert_eq!(of("price")["physicalType"], "decimal(8,3)");
    // Both say a least price; the sharper one is a rule or a limit of its own.
    assert_eq!(
        of("price")["logicalTypeOptions"],
        json!({"minimum": 0, "exclusiveMinimum": 0})
    );
    assert_eq!(of("code")["quality"][0]["arguments"]["validValues"], json!(["a", "b"]));
    assert_eq!(
        (
            of("changed")["logicalType"].clone(),
            of("changed").get("physicalType").cloned()
        ),
        (json!("timestamp"), None)
    );
    assert_eq!(of("hidden")["logicalType"], "boolean");
    for named in [
        "line 6: orders.id: zerofill",
        "line 6: orders.id: AUTO_INCREMENT",
        "line 9: orders.state: CHARSET utf8mb4",
        "line 15: orders: KEY `i_state` (`state`,`code`(5)) COMMENT 'x'",
    ] {
        assert!(losses.iter().any(|loss| loss == named), "{named}\n{losses:#?}");
    }
    for named in [
        "line 20: orders: ENGINE=InnoDB",
        "line 21: orders: PARTITION BY",
        "1 × CREATE PROCEDURE",
    ] {
        assert!(losses.iter().any(|loss| loss.contains(named)), "{named}\n{losses:#?}");
    }
}

#[test]
fn a_script_of_sql_server_is_read() {
    let (document, losses) = imported(Format::Sql(Dialect::SqlServer), SQL_SERVER);
    let names: Vec<&Value> = document["schema"]
        .as_array()
        .unwrap()
        .iter()
        .map(|table| &table["name"])
        .collect();
    assert_eq!(names, ["Customers", "Orders", "Plain"], "{losses:#?}");
    assert_eq!(document["schema"][0]["physicalName"], "dbo.Customers");
    let of = |name: &str| column(&document, 0, name);
    assert_eq!(
        of("Id"),
        json!({"name": "Id", "logicalType": "integer", "required": true, "primaryKey": true})
    );
    assert_eq!(
        of("Name"),
        json!({"name": "Name", "logicalType": "string", "unique": true, "logicalTypeOptions": {"maxLength": 50}})
    );
    assert_eq!(of("Balance")["logicalTypeOptions"], json!({"minimum": 0}));
    assert_eq!(of("Twice"), Value::Null);
    assert_eq!(of("Email")["logicalTypeOptions"]["maxLength"], 100);
    assert_eq!(
        column(&document, 1, "Customer")["relationships"],
        json!([{"to": "Customers.Id"}])
    );
    assert_eq!(column(&document, 1, "Id")["primaryKey"], true);
    for named in [
        "line 7: Customers.Id: NOT FOR REPLICATION",
        "line 10: Customers.Key: ROWGUIDCOL",
        "line 11: Customers: [Twice] AS ([Balance]*(2)) PERSISTED",
        "line 13: Customers: CLUSTERED",
        "line 17: Customers: ON [PRIMARY] TEXTIMAGE_ON [PRIMARY]",
        "line 22: Orders: INDEX [ix] NONCLUSTERED ([Customer])",
    ] {
        assert!(losses.iter().any(|loss| loss == named), "{named}\n{losses:#?}");
    }
    for named in [
        "DEFAULT (getdate()) FOR [Customer]",
        "ON DELETE CASCADE",
        "1 × CREATE PROCEDURE",
        "1 × PRINT",
        "1 × INSERT",
    ] {
        assert!(losses.iter().any(|loss| loss.contains(named)), "{named}\n{losses:#?}");
    }
    assert!(
        !losses.iter().any(|loss| loss.contains("CHECK CONSTRAINT")),
        "{losses:#?}"
    );
}

#[test]
fn a_type_that_sql_server_derives_is_the_other() {
    let script = "CREATE TYPE [dbo].[Name] FROM [nvarchar](50) NOT NULL
GO
CREATE TABLE t (a [dbo].[Name] NULL, b date, CHECK (b >= '2020-01-01' OR b IS NULL), CHECK (a <> 'x'))
";
    let (document, losses) = imported(Format::Sql(Dialect::SqlServer), script);
    assert_eq!(column(&document, 0, "a")["logicalTypeOptions"]["maxLength"], 50);
    assert_eq!(losses, ["line 1: NOT NULL", "line 3: t: CHECK (a <> 'x'): case"]);
}

#[test]
fn descriptions_of_sql_server_are_taken() {
    let script = "CREATE TABLE dbo.t (a int, b int)
GO
EXEC sys.sp_addextendedproperty @name=N'MS_Description', @value=N'It''s the key' , @level0type=N'SCHEMA',@level0name=N'dbo', @level1type=N'TABLE',@level1name=N't', @level2type=N'COLUMN',@level2name=N'a'
GO
EXEC sp_addextendedproperty N'MS_Description', N'All.', 'SCHEMA', N'dbo', 'TABLE', N't', NULL, NULL
GO
EXEC sp_addextendedproperty N'Caption', N'C', 'SCHEMA', N'dbo', 'TABLE', N't', NULL, NULL
";
    let (document, losses) = imported(Format::Sql(Dialect::SqlServer), script);
    assert_eq!(document["schema"][0]["description"], "All.");
    assert_eq!(column(&document, 0, "a")["description"], "It's the key");
    assert_eq!(losses, ["line 7: 1 × EXEC SP_ADDEXTENDEDPROPERTY"]);
}

#[test]
fn ddl_of_oracle_is_read() {
    let (document, losses) = imported(Format::Sql(Dialect::Oracle), ORACLE);
    let names: Vec<&Value> = document["schema"]
        .as_array()
        .unwrap()
        .iter()
        .map(|table| &table["name"])
        .collect();
    assert_eq!(names, ["EMPLOYEES", "t"], "{losses:#?}");
    let of = |name: &str| column(&document, 0, name);
    assert_eq!(
        of("ID"),
        json!({"name": "ID", "logicalType": "number", "physicalType": "decimal(6,0)", "required": true, "primaryKey": true})
    );
    assert_eq!(
        of("NAME"),
        json!({"name": "NAME", "description": "Who", "logicalType": "string", "required": true, "unique": true,
               "logicalTypeOptions": {"maxLength": 20}})
    );
    assert_eq!(of("HIRED")["physicalType"], "timestamp_ntz");
    assert_eq!(of("SALARY")["logicalTypeOptions"], json!({"exclusiveMinimum": 0}));
    assert_eq!(of("SALARY")["required"], true);
    assert_eq!(of("MANAGER")["relationships"], json!([{"to": "EMPLOYEES.ID"}]));
    assert_eq!(of("NOTE")["logicalTypeOptions"]["maxLength"], 5);
    assert_eq!(of("RAISED")["physicalType"], "decimal(38,2)");
    for named in [
        "USING INDEX PCTFREE 10",
        "SEGMENT CREATION IMMEDIATE",
        "SUPPLEMENTAL LOG DATA",
        "ENABLE NOVALIDATE",
        "VARCHAR2(20, BYTE)",
        "1 × CREATE OR REPLACE PROCEDURE",
    ] {
        assert!(losses.iter().any(|loss| loss.contains(named)), "{named}\n{losses:#?}");
    }
}

#[test]
fn ddl_of_redshift_is_read() {
    let (document, losses) = imported(Format::Sql(Dialect::Redshift), REDSHIFT);
    let of = |name: &str| column(&document, 0, name);
    assert_eq!(of("id")["required"], true);
    assert_eq!(of("id")["primaryKey"], true);
    assert_eq!(of("other")["required"], true);
    assert_eq!(of("seen")["logicalType"], "timestamp");
    assert_eq!(document["schema"][0]["description"], "All.");
    for named in [
        "line 2: sales.orders",
        "line 2: orders.id: IDENTITY(0,1)",
        "line 2: orders.id: ENCODE az64",
        "line 2: orders.id: DISTKEY",
        "line 4: orders.seen: SORTKEY",
        "line 9: orders: BACKUP YES DISTSTYLE KEY COMPOUND SORTKEY (id, seen)",
    ]
    .iter()
    .skip(1)
    {
        assert!(losses.iter().any(|loss| loss == named), "{named}\n{losses:#?}");
    }
}

#[test]
fn what_is_not_exported_says_so() {
    let text = "apiVersion: v3.1.0\nkind: DataContract\nid: x\nversion: 1.0.0\nstatus: draft\nschema:\n  - name: t\n    \
                properties:\n      - {name: a, logicalType: string}\n";
    for dialect in Dialect::ALL {
        let exported = export(&contract(text), None, Format::Sql(dialect));
        assert_eq!(exported.is_ok(), Dialect::WRITTEN.contains(&dialect), "{dialect}");
        if let Err(error) = exported {
            assert!(error.to_string().contains("not exported"), "{error}");
        }
    }
}

#[test]
fn a_script_of_sql_server_in_another_dialect_is_told_its_own() {
    let error = import(
        Format::Sql(Dialect::Ansi),
        "SELECT 1\n;\nGO\nCREATE TABLE t (x int",
        &ImportOptions::default(),
    );
    let error = error.unwrap_err();
    let help = error.diagnostics()[0].help.clone().unwrap();
    assert!(help.contains("--dialect sqlserver"), "{help}");
}

#[test]
fn checks_that_are_no_known_expression_are_named_and_the_table_is_read() {
    let script = "CREATE TABLE t (
  h INT NOT NULL CHECK (h MOD 2 = 0),
  n VARCHAR(10),
  k INT CONSTRAINT kk CHECK (!k) COMMENT 'it',
  CONSTRAINT cc CHECK (n SOUNDS LIKE 'x, (') NOT ENFORCED,
  CHECK (
    !h
  ),
  CHECK (k < 100),
  PRIMARY KEY (h)
);";
    let read = |script: &str| {
        let read = import(Format::Sql(Dialect::MySql), script, &ImportOptions::default()).unwrap();
        let losses = read.losses.into_iter().map(|loss| (loss.path, loss.what, loss.why));
        (contract(&read.value).document.to_json(), losses.collect::<Vec<_>>())
    };
    let (document, losses) = read(script);
    let why = "it is no expression that is known";
    let lost = |path: &str, what: &str| (path.to_owned(), what.to_owned(), why.to_owned());
    assert_eq!(
        losses,
        [
            lost("line 2: t.h", "CHECK (h MOD 2 = 0)"),
            lost("line 4: t.k", "CONSTRAINT kk CHECK (!k)"),
            lost("line 5: t", "CONSTRAINT cc CHECK (n SOUNDS LIKE 'x, (') NOT ENFORCED"),
            lost("line 6: t", "CHECK ( !h )"),
        ]
    );
    assert_eq!(column(&document, 0, "h")["primaryKey"], json!(true));
    assert_eq!(column(&document, 0, "h")["required"], json!(true));
    let of_k = column(&document, 0, "k");
    assert_eq!(of_k["logicalTypeOptions"], json!({"exclusiveMaximum": 100}));
    assert_eq!(of_k["description"], json!("it"));
    // The first item of the brackets goes with the comma behind it.
    let (document, losses) = read("CREATE TABLE t (CHECK (!h), h INT)");
    assert_eq!(losses, [lost("line 1: t", "CHECK (!h)")]);
    assert_eq!(properties(&document, 0).len(), 1);
    // What is wrong elsewhere is told of its place.
    let wrong = import(
        Format::Sql(Dialect::MySql),
        "CREATE TABLE t (\n  h INT CHECK (!h),\n  n INT INT\n)",
        &ImportOptions::default(),
    );
    let found = wrong.unwrap_err().diagnostics()[0].to_string();
    assert!(found.starts_with("the document:3:9: not valid MySQL"), "{found}");
}
