//! What somebody could send on purpose: an error that says what is wrong, soon, and nothing else.

use std::fmt::Write;
use std::sync::LazyLock;

use polder_core::ErrorKind;
use proptest::prelude::*;

use super::{contract, formats, scripts};
use crate::{Dialect, Format, ImportOptions, export, import};

fn refused(format: Format, text: &str) -> String {
    import(format, text, &ImportOptions::default()).unwrap_err().report()
}

#[test]
fn records_that_contain_themselves_are_refused() {
    let avro = r#"{"type":"record","name":"a.Node","fields":[{"name":"next","type":["null","Node"]}]}"#;
    assert!(refused(Format::Avro, avro).contains("the record `a.Node` contains itself"));
    let schema = r##"{"type":"object","properties":{"next":{"$ref":"#"}}}"##;
    assert!(refused(Format::JsonSchema, schema).contains("`#` leads back to itself"));
    let schema = r##"{"$defs":{"A":{"allOf":[{"$ref":"#/$defs/B"}]},"B":{"$ref":"#/$defs/A"}},
        "type":"object","properties":{"x":{"$ref":"#/$defs/A"}}}"##;
    assert!(refused(Format::JsonSchema, schema).contains("leads back to itself"));
    let proto = "syntax = \"proto3\"; message A { B b = 1; } message B { A a = 1; }";
    assert!(refused(Format::Protobuf, proto).contains("contained in another"));
    let proto = "syntax = \"proto3\"; message A { A a = 1; }";
    assert!(refused(Format::Protobuf, proto).contains("`A` contains itself"));
}

#[test]
fn types_that_double_at_every_step_are_refused() {
    // Every type names the one before it twice, in a list whose records stand beside each other.
    let mut definitions = r#"{"type":"record","name":"A0","fields":[{"name":"x","type":"int"}]}"#.to_owned();
    for level in 1..20 {
        let inner = level - 1;
        let field = |name: &str| format!(r#"{{"name":"{name}","type":"A{inner}"}}"#);
        let fields = format!("{},{}", field("x"), field("y"));
        let _ = write!(
            definitions,
            r#",{{"type":"record","name":"A{level}","fields":[{fields}]}}"#
        );
    }
    assert!(refused(Format::Avro, &format!("[{definitions}]")).contains("more than 50000 columns"));
    let mut proto = "syntax = \"proto3\"; message A0 { string x = 1; }".to_owned();
    for level in 1..22 {
        let _ = write!(proto, "message A{level} {{ A{0} x = 1; A{0} y = 2; }}", level - 1);
    }
    assert!(refused(Format::Protobuf, &proto).contains("more than 50000 columns"));
}

#[test]
fn deep_nesting_is_refused_in_every_format() {
    let deep = |open: &str, inner: &str, close: &str, times: usize| {
        format!("{}{inner}{}", open.repeat(times), close.repeat(times))
    };
    let avro = deep(r#"{"type":"array","items":"#, r#""int""#, "}", 60);
    let avro = format!(r#"{{"type":"record","name":"a","fields":[{{"name":"x","type":{avro}}}]}}"#);
    assert!(refused(Format::Avro, &avro).contains("nested deeper than 24"));
    let json = deep("[", "", "]", 100_000);
    assert!(refused(Format::Avro, &json).contains("is no JSON"));
    assert!(refused(Format::JsonSchema, &json).contains("is no JSON"));
    let schema = deep(r#"{"type":"array","items":"#, r#"{"type":"string"}"#, "}", 60);
    let schema = format!(r#"{{"type":"object","properties":{{"x":{schema}}}}}"#);
    assert!(refused(Format::JsonSchema, &schema).contains("nested deeper than 24"));
    let proto = deep("message A {", "", "}", 100_000);
    assert!(refused(Format::Protobuf, &proto).contains("nested deeper than 100"));
    for dialect in Dialect::ALL {
        let table = |inside: &str| format!("CREATE TABLE t (x {inside})");
        for column in [
            deep("ARRAY<", "INT", ">", 100_000),
            format!("INT{}", "[]".repeat(100_000)),
            format!("INT CHECK ({})", deep("(", "x > 0", ")", 100_000)),
        ] {
            let why = refused(Format::Sql(dialect), &table(&column));
            assert!(why.contains("nested deeper") || why.contains("cannot read"), "{why}");
        }
    }
    let dbt = format!(
        "models: [{{name: a, columns: [{{name: x, data_type: \"{}\"}}]}}]",
        deep("array<", "int", ">", 5000)
    );
    assert!(refused(Format::Dbt(Dialect::Spark), &dbt).contains("nested deeper"));
}

#[test]
fn a_chain_of_a_hundred_thousand_conditions_does_not_exhaust_the_stack() {
    let chain = vec!["x > 0"; 100_000].join(" AND ");
    let text = format!("CREATE TABLE t (x int CHECK ({chain}))");
    let _ = import(Format::Sql(Dialect::Postgres), &text, &ImportOptions::default());
}

#[test]
fn thousands_of_tables_are_read() {
    let mut text = String::new();
    for table in 0..3_000 {
        let _ = writeln!(
            text,
            "CREATE TABLE t{table} (id int PRIMARY KEY, before int REFERENCES t{} (id));",
            if table == 0 { 0 } else { table - 1 }
        );
    }
    let converted = import(Format::Sql(Dialect::Postgres), &text, &ImportOptions::default()).unwrap();
    let contract = contract(&converted.value);
    assert_eq!(contract.objects.len(), 3_000);
    let back = export(&contract, None, Format::Sql(Dialect::Postgres)).unwrap();
    assert_eq!(back.value.matches("CREATE TABLE").count(), 3_000);
}

#[test]
fn what_is_of_no_format_is_refused_with_a_reason() {
    for (format, text, reason) in [
        (Format::Avro, "", "is no JSON"),
        (Format::Avro, "\"string\"", "no record"),
        (Format::JsonSchema, "{}", "describes no object"),
        (Format::JsonSchema, "[]", "is no object"),
        (Format::Sql(Dialect::Ansi), "SELECT 1", "no CREATE TABLE"),
        (Format::Sql(Dialect::Ansi), "CREATE TABLE t (x", "the document:1:18"),
        (
            Format::Protobuf,
            "message A {\n  string a == 1;\n}",
            "the document:2:13",
        ),
        (
            Format::Protobuf,
            "syntax = \"proto3\"; import \"b.proto\"; message A { b.C c = 1; }",
            "imports are not followed",
        ),
        (Format::Dbt(Dialect::Ansi), "models: 5", "describes no models"),
        (Format::DataContractSpecification, "a: 1", "dataContractSpecification"),
    ] {
        let why = refused(format, text);
        let error = import(format, text, &ImportOptions::default()).unwrap_err();
        let whole = format!("{why} {}", error.help().unwrap_or_default());
        assert!(whole.contains(reason), "{format:?} {text}: {whole}");
    }
}

const CONTRACT: &str = "
apiVersion: v3.2.0
kind: DataContract
id: x
version: 1.0.0
status: active
schema:
  - name: orders
    physicalName: shop.gold.orders
    description: It's $a$ \"test\"; of \\ all -- marks /* of */ text.
    properties:
      - {name: id, logicalType: integer, primaryKey: true, required: true, description: The key.}
      - {name: total, logicalType: number, physicalType: 'decimal(12,2)', logicalTypeOptions: {minimum: 0, maximum: 10}}
      - name: status
        logicalType: string
        quality: [{metric: invalidValues, arguments: {validValues: [open, paid]}, mustBe: 0}]
      - name: lines
        logicalType: array
        items: {logicalType: object, properties: [{name: sku, logicalType: string}, {name: at, logicalType: timestamp}]}
      - {name: labels, logicalType: map, map: {key: {logicalType: string}, value: {logicalType: date}}}
";

/// The contract in every format that is written, and scripts of the dialects that are only read.
static EXPORTED: LazyLock<Vec<(Format, Vec<char>)>> = LazyLock::new(|| {
    let contract = contract(CONTRACT);
    let text = |format| export(&contract, None, format).unwrap().value.chars().collect();
    let mut texts: Vec<(Format, Vec<char>)> = formats().into_iter().map(|format| (format, text(format))).collect();
    for (dialect, script) in [
        (Dialect::MySql, scripts::MYSQL),
        (Dialect::SqlServer, scripts::SQL_SERVER),
        (Dialect::Oracle, scripts::ORACLE),
        (Dialect::Redshift, scripts::REDSHIFT),
    ] {
        texts.push((Format::Sql(dialect), script.chars().collect()));
    }
    texts
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever is cut out of a document, or put into it, reading it neither panics nor hangs.
    #[test]
    fn damaged_documents_bring_nothing_down(
        pick in any::<prop::sample::Index>(),
        from in any::<prop::sample::Index>(),
        length in 0..60_usize,
        insert in "[\\PC\n]{0,4}",
    ) {
        let (format, text) = pick.get(&EXPORTED);
        let start = from.index(text.len());
        let end = (start + length).min(text.len());
        let damaged: String = text[..start].iter().copied().chain(insert.chars()).chain(text[end..].iter().copied()).collect();
        if let Err(error) = import(*format, &damaged, &ImportOptions::default()) {
            prop_assert_ne!(error.kind(), ErrorKind::Internal, "{}", damaged);
        }
    }
}

#[test]
fn tables_of_many_defaults_are_read_soon() {
    let columns: Vec<String> = (0..20_000)
        .map(|column| format!("c{column} int DEFAULT {column}"))
        .collect();
    let text = format!("CREATE TABLE t ({})", columns.join(", "));
    let converted = import(Format::Sql(Dialect::Postgres), &text, &ImportOptions::default()).unwrap();
    assert_eq!(converted.losses.len(), 20_000);
}

#[test]
fn texts_that_never_end_are_read_soon() {
    let mut text = "CREATE TABLE t (x int);\n".to_owned();
    for mark in 0..300_000 {
        let _ = write!(text, "$a{mark}$ ");
    }
    assert!(refused(Format::Sql(Dialect::Postgres), &text).contains("2:1: what begins here does not end"));
}

#[test]
fn many_things_that_the_parser_does_not_know_are_named_soon() {
    let items: Vec<String> = (0..50_000).map(|table| format!("LIKE ü{table}")).collect();
    let text = format!("CREATE TABLE t (a int, {})", items.join(", "));
    let converted = import(Format::Sql(Dialect::Postgres), &text, &ImportOptions::default()).unwrap();
    assert_eq!(converted.losses.len(), 50_000);
}

#[test]
fn many_changes_of_many_tables_are_read_soon() {
    let mut text = String::new();
    for table in 0..20_000 {
        let _ = writeln!(text, "CREATE TABLE T{table} (a int);");
    }
    for table in 0..20_000 {
        let _ = writeln!(text, "ALTER TABLE t{table} ALTER COLUMN a SET NOT NULL;");
    }
    let converted = import(Format::Sql(Dialect::Postgres), &text, &ImportOptions::default()).unwrap();
    assert_eq!(converted.losses, []);
}

#[test]
fn scripts_without_an_end_of_anything_are_read_soon() {
    for (dialect, part) in [
        (Dialect::SqlServer, "CREATE PROCEDURE p AS SELECT [\n"),
        (Dialect::SqlServer, "CREATE TABLE t (a int)\n"),
        (Dialect::Oracle, "CREATE PROCEDURE p AS BEGIN x; END;\n"),
        (Dialect::Oracle, "SELECT q'[ ;\n"),
        (Dialect::MySql, "DELIMITER ;;\nCREATE TABLE t (a int) /*!50100 x\n;;\n"),
        (Dialect::MySql, "SELECT '# /* ;\n"),
    ] {
        let text = part.repeat(20_000);
        let _ = import(Format::Sql(dialect), &text, &ImportOptions::default());
    }
}
