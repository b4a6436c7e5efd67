//! Column types and row rules.

use super::{findings, object, with_properties};
use crate::{ColumnType, RowCheck, RowRule};

fn column(property: &str) -> ColumnType {
    object(&[property]).properties[0].column_type().unwrap()
}

fn rules(property: &str) -> Vec<(String, RowCheck)> {
    let rules = object(&[property]).row_rules().unwrap();
    rules.into_iter().map(|RowRule { id, check, .. }| (id, check)).collect()
}

fn minimum(value: &str, exclusive: bool) -> RowCheck {
    RowCheck::Minimum {
        value: value.to_owned(),
        exclusive,
    }
}

fn maximum(value: &str, exclusive: bool) -> RowCheck {
    RowCheck::Maximum {
        value: value.to_owned(),
        exclusive,
    }
}

#[test]
fn a_column_has_the_type_that_its_property_declares() {
    let decimal = |precision, scale| ColumnType::Decimal { precision, scale };
    let cases = [
        ("{name: a, logicalType: string}", ColumnType::String),
        (
            "{name: a, logicalType: string, physicalType: varchar(18)}",
            ColumnType::String,
        ),
        (
            "{name: a, logicalType: string, physicalType: binary}",
            ColumnType::Binary,
        ),
        ("{name: a, logicalType: integer}", ColumnType::Int32),
        (
            "{name: a, logicalType: integer, logicalTypeOptions: {format: i64}}",
            ColumnType::Int64,
        ),
        (
            "{name: a, logicalType: integer, logicalTypeOptions: {format: u64}}",
            decimal(20, 0),
        ),
        (
            "{name: a, logicalType: integer, physicalType: bigint}",
            ColumnType::Int64,
        ),
        (
            "{name: a, logicalType: integer, physicalType: SMALLINT}",
            ColumnType::Int32,
        ),
        ("{name: a, logicalType: number}", ColumnType::Float64),
        (
            "{name: a, logicalType: number, physicalType: \"float(3,2)\"}",
            ColumnType::Float64,
        ),
        (
            "{name: a, logicalType: number, physicalType: \"decimal(12,3)\"}",
            decimal(12, 3),
        ),
        (
            "{name: a, logicalType: number, physicalType: \"NUMERIC( 38 , 0 )\"}",
            decimal(38, 0),
        ),
        (
            "{name: a, logicalType: number, physicalType: decimal(5)}",
            decimal(5, 0),
        ),
        ("{name: a, logicalType: boolean}", ColumnType::Boolean),
        ("{name: a, logicalType: date}", ColumnType::Date),
        ("{name: a, logicalType: time}", ColumnType::Time),
        ("{name: a, logicalType: timestamp}", ColumnType::Timestamp),
        (
            "{name: a, logicalType: timestamp, physicalType: timestamp(6) with time zone}",
            ColumnType::Timestamp,
        ),
        (
            "{name: a, logicalType: timestamp, physicalType: timestamp_ntz}",
            ColumnType::TimestampLocal,
        ),
        ("{name: a, physicalType: \"decimal(4,1)\"}", decimal(4, 1)),
        (
            "{name: a, logicalType: array, items: {logicalType: date}}",
            ColumnType::List(Box::new(ColumnType::Date)),
        ),
        (
            "{name: a, logicalType: object, properties: [{name: x, logicalType: date, required: true}, {name: y, logicalType: string}]}",
            ColumnType::Struct(vec![
                ("x".into(), ColumnType::Date, false),
                ("y".into(), ColumnType::String, true),
            ]),
        ),
    ];
    for (property, expected) in cases {
        assert_eq!(column(property), expected, "{property}");
    }
}

#[test]
fn the_physical_name_is_the_columns_name() {
    let object = object(&["{name: transaction date, physicalName: txn_dt, logicalType: date, required: true}"]);
    assert_eq!(object.properties[0].name, "txn_dt");
    assert_eq!(object.properties[0].declared_name.as_deref(), Some("transaction date"));
    let rules = object.row_rules().unwrap();
    assert_eq!(
        (rules[0].id.as_str(), rules[0].column.as_str()),
        ("txn_dt.required", "txn_dt")
    );
}

#[test]
fn limits_of_a_property_are_row_rules() {
    assert_eq!(
        rules(
            "{name: a, logicalType: integer, required: true, logicalTypeOptions: {minimum: 18, exclusiveMaximum: 100, multipleOf: 2}}"
        ),
        [
            ("a.required".to_owned(), RowCheck::Required),
            ("a.minimum".to_owned(), minimum("18", false)),
            ("a.exclusiveMaximum".to_owned(), maximum("100", true)),
            ("a.multipleOf".to_owned(), RowCheck::MultipleOf("2".to_owned())),
        ]
    );
    assert_eq!(
        rules(
            "{name: a, logicalType: string, logicalTypeOptions: {minLength: 11, maxLength: 11, pattern: \"ACC[0-9]{8}\"}}"
        ),
        [
            ("a.minLength".to_owned(), RowCheck::MinLength(11)),
            ("a.maxLength".to_owned(), RowCheck::MaxLength(11)),
            ("a.pattern".to_owned(), RowCheck::Pattern("ACC[0-9]{8}".to_owned())),
        ]
    );
    assert_eq!(
        rules(
            "{name: a, logicalType: number, physicalType: \"decimal(38,18)\", logicalTypeOptions: {minimum: 0.000000000000000001}}"
        ),
        [("a.minimum".to_owned(), minimum("0.000000000000000001", false))]
    );
    assert_eq!(
        rules("{name: a, logicalType: timestamp, logicalTypeOptions: {minimum: \"2020-01-01 00:00:00+10:00\"}}"),
        [("a.minimum".to_owned(), minimum("2019-12-31T14:00:00Z", false))]
    );
    assert_eq!(
        rules("{name: a, logicalType: integer, logicalTypeOptions: {format: u16}}"),
        [
            ("a.format".to_owned(), minimum("0", false)),
            ("a.format".to_owned(), maximum("65535", false))
        ]
    );
    assert_eq!(
        rules("{name: a, logicalType: string, enum: [{value: GBP}, {value: EUR, label: Euro}]}"),
        [("a.enum".to_owned(), RowCheck::OneOf(vec!["GBP".into(), "EUR".into()]))]
    );
}

#[test]
fn quality_rules_that_allow_no_failing_row_are_row_rules() {
    let rules_of = |quality: &str| rules(&format!("{{name: a, logicalType: string, quality: [{quality}]}}"));
    let one_of = RowCheck::OneOf(vec!["x".into(), "1".into()]);
    let cases = [
        ("{metric: nullValues, mustBe: 0}", "a.nullValues", RowCheck::Required),
        (
            "{metric: nullValues, mustBe: 0, unit: percent, id: filled}",
            "filled",
            RowCheck::Required,
        ),
        (
            "{metric: missingValues, mustBe: 0, arguments: {missingValues: [null]}}",
            "a.missingValues",
            RowCheck::Required,
        ),
        (
            "{metric: invalidValues, mustBe: 0, name: known, arguments: {validValues: [x, 1, null]}}",
            "known",
            one_of,
        ),
        (
            "{metric: invalidValues, mustBe: 0, arguments: {pattern: \"^a\\\\/b$\"}}",
            "a.invalidValues",
            RowCheck::Pattern("^a/b$".into()),
        ),
    ];
    for (quality, id, check) in cases {
        assert_eq!(rules_of(quality), [(id.to_owned(), check)], "{quality}");
    }
}

#[test]
fn every_other_declared_rule_is_listed() {
    let object = object(&[
        "{name: a, logicalType: string, primaryKey: true, unique: true, logicalTypeOptions: {format: ipv6}}",
        "{name: b, logicalType: array, items: {logicalType: string, logicalTypeOptions: {maxLength: 3}}, logicalTypeOptions: {maxItems: 3}}",
        "{name: c, logicalType: string, quality: [{metric: nullValues, mustBeLessThan: 5}, {metric: nullValues, mustBe: 0, severity: warning}, \
         {type: sql, query: select 1, mustBe: 1, id: one}, {type: text, description: nice}, {type: custom, engine: soda, implementation: x}, \
         {metric: missingValues, mustBe: 0, arguments: {missingValues: [n/a]}}, {metric: duplicateValues, mustBe: 0}]}",
    ]);
    assert_eq!(object.row_rules().unwrap(), []);
    assert_eq!(
        object.not_row_rules(),
        [
            "a.unique: a rule over the table",
            "a.primaryKey: a rule over the table",
            "a.format: no check is known for the format ipv6",
            "b.maxItems: a rule about values inside another",
            "b[].maxLength: a rule about values inside another",
            "c.nullValues: nullValues is a figure over the table",
            "c.nullValues: its severity is warning, so no row is refused",
            "c.one: a query over the table",
            "c.text: a rule in words, for people",
            "c.custom: a rule of soda",
            "c.missingValues: missingValues is a figure over the table",
            "c.duplicateValues: duplicateValues is a figure over the table",
        ]
    );
}

#[test]
fn rules_that_make_no_sense_are_refused_at_their_place() {
    let text = with_properties(&[
        "{name: a, logicalType: string, logicalTypeOptions: {pattern: \"(?=x)\"}}",
        "{name: b, logicalType: date, logicalTypeOptions: {minimum: tomorrow}}",
        "{name: c, logicalType: string, logicalTypeOptions: {pattern: \"(a{1000}){1000}\"}}",
        "{name: d, logicalType: integer, quality: [{metric: invalidValues, mustBe: 0, arguments: {validValues: [one]}}]}",
    ]);
    let found = findings(&text);
    assert_eq!(found.len(), 4, "{found:#?}");
    assert!(
        found[0].starts_with("9:70 row-rule a.pattern: the pattern `(?=x)` cannot be used: look-around"),
        "{found:#?}"
    );
    assert!(
        found[1].starts_with("10:68 row-rule b.minimum: `tomorrow` is not a date"),
        "{found:#?}"
    );
    assert!(found[2].starts_with("11:70 row-rule c.pattern"), "{found:#?}");
    assert!(
        found[3].contains("row-rule d.invalidValues: `one` is not a decimal number"),
        "{found:#?}"
    );
}

#[test]
fn known_formats_of_text_accept_and_refuse() {
    let cases: [(&str, &[&str], &[&str]); 5] = [
        (
            "uuid",
            &["53581432-6c55-4ba2-a65f-72344a91553a"],
            &["53581432-6c55-4ba2-a65f", "x"],
        ),
        ("email", &["a.b@shop.example"], &["a.b", "@shop.example", "a b@c.de"]),
        ("ipv4", &["127.0.0.1", "255.255.255.255"], &["256.0.0.1", "1.2.3"]),
        ("hostname", &["shop.example", "a"], &["-a.b", "a..b", "a_b"]),
        (
            "uri",
            &["https://shop.example/x?y", "mailto:a@b.c"],
            &["shop.example", "1a:x"],
        ),
    ];
    for (format, good, bad) in cases {
        let rules = rules(&format!(
            "{{name: a, logicalType: string, logicalTypeOptions: {{format: {format}}}}}"
        ));
        let [(id, RowCheck::Pattern(pattern))] = rules.as_slice() else {
            panic!("{rules:?}")
        };
        assert_eq!(id, "a.format");
        let pattern = regex::Regex::new(pattern).unwrap();
        good.iter()
            .for_each(|text| assert!(pattern.is_match(text), "{format} {text}"));
        bad.iter()
            .for_each(|text| assert!(!pattern.is_match(text), "{format} {text}"));
    }
}
