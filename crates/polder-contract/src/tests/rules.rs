//! Column types and row rules.

use super::{findings, object, with_properties};
use crate::rule::{NumberWidth, TextFormat};
use crate::{ColumnType, RowCheck, RowTest, Rule, RuleKind, SchemaObject};

fn column(property: &str) -> ColumnType {
    object(&[property]).properties[0].column_type().unwrap()
}

/// Row checks of one column, with their ids.
fn rules(property: &str) -> Vec<(String, RowCheck)> {
    let row = |rule: Rule| match rule.kind {
        RuleKind::Row(RowTest::Value { check, .. }) => (rule.id, check),
        other => panic!("{}: {other:?}", rule.id),
    };
    object(&[property]).rules().unwrap().into_iter().map(row).collect()
}

/// Every rule of an object: its id and kind, in short.
fn all(object: &SchemaObject) -> Vec<String> {
    let short = |rule: Rule| {
        let kind = match rule.kind {
            RuleKind::Row(RowTest::Value { path, check }) => {
                assert_eq!(object.path(rule.column.as_deref().unwrap()), Some(path), "{}", rule.id);
                format!("row {check:?}")
            }
            RuleKind::Row(RowTest::Sql(sql)) => format!("row sql {sql}"),
            RuleKind::Set(test) => format!("set {}", test.says()),
            RuleKind::NotRun { why } => format!("not run: {why}"),
        };
        format!("{} {kind}", rule.id)
    };
    object.rules().unwrap().into_iter().map(short).collect()
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
    let rules = object.rules().unwrap();
    assert_eq!(
        (rules[0].id.as_str(), rules[0].column.as_deref()),
        ("txn_dt.required", Some("txn_dt"))
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
        [("a.format".to_owned(), RowCheck::Width(NumberWidth::U16))]
    );
    for (name, check) in [
        ("varchar(3)", RowCheck::MaxLength(3)),
        ("char(2)", RowCheck::MaxLength(2)),
        ("char", RowCheck::MaxLength(1)),
        ("uuid", RowCheck::Format(TextFormat::Uuid)),
        (
            "\"enum('a', 'b (c)')\"",
            RowCheck::OneOf(vec!["a".into(), "b (c)".into()]),
        ),
    ] {
        assert_eq!(
            rules(&format!("{{name: a, logicalType: string, physicalType: {name}}}")),
            [("a.physicalType".to_owned(), check)]
        );
    }
    for (name, width) in [
        ("smallint", NumberWidth::I16),
        ("TINYINT", NumberWidth::I8),
        ("mediumint", NumberWidth::I24),
    ] {
        assert_eq!(
            rules(&format!("{{name: a, logicalType: integer, physicalType: {name}}}")),
            [("a.physicalType".to_owned(), RowCheck::Width(width))]
        );
    }
    assert_eq!(rules("{name: a, logicalType: integer, physicalType: int(11)}"), []);
    for name in ["real", "float4", "float32"] {
        assert_eq!(
            rules(&format!("{{name: a, logicalType: number, physicalType: {name}}}")),
            [("a.physicalType".to_owned(), RowCheck::Width(NumberWidth::F32))]
        );
    }
    assert_eq!(rules("{name: a, logicalType: number, physicalType: float}"), []);
    assert_eq!(
        rules("{name: a, logicalType: string, enum: [{value: GBP}, {value: EUR, label: Euro}]}"),
        [("a.enum".to_owned(), RowCheck::OneOf(vec!["GBP".into(), "EUR".into()]))]
    );
}

#[test]
fn what_cannot_be_read_or_counted_in_the_name_of_a_type_is_not_run() {
    for (column, why) in [
        (
            "logicalType: string, physicalType: varchar(3 furlongs)",
            "what `varchar(3 furlongs)` allows cannot be read: write a length, or labels in quotes",
        ),
        (
            "logicalType: string, physicalType: varchar(99999999999999999999)",
            "what `varchar(99999999999999999999)` allows cannot be read: write a length, or labels in quotes",
        ),
        (
            "logicalType: string, physicalType: varchar(3 bytes)",
            "the bytes of a text depend on its encoding: its characters are counted, not those",
        ),
        (
            "logicalType: string, physicalType: enum",
            "`enum` does not say which values it has: list them under `enum`",
        ),
        (
            "logicalType: timestamp, physicalType: timestamp(3)",
            "the column holds microseconds, and nothing here counts their digits",
        ),
        (
            "logicalType: timestamp, physicalType: timestamp(abc)",
            "what `timestamp(abc)` allows cannot be read: write how many digits a second has",
        ),
    ] {
        let object = object(&[&format!("{{name: a, {column}}}")]);
        let rules = object.rules().unwrap();
        let [rule] = rules.as_slice() else {
            panic!("{column}: {rules:?}")
        };
        assert_eq!(rule.id, "a.physicalType");
        assert_eq!(rule.kind, RuleKind::NotRun { why: why.to_owned() });
    }
    // The values of a bare `enum` are listed beside it.
    let listed = all(&object(&[
        "{name: a, logicalType: string, physicalType: enum, enum: [{value: x}]}",
    ]));
    assert_eq!(listed, ["a.enum row OneOf([\"x\"])"]);
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
            "{metric: nullValues, mustBeLessOrEqualTo: 0.0}",
            "a.nullValues",
            RowCheck::Required,
        ),
        (
            "{metric: missingValues, mustBe: 0, arguments: {missingValues: ['', n/a, null, 7]}}",
            "a.missingValues",
            RowCheck::NotMissing(vec!["".into(), "n/a".into(), "7".into()]),
        ),
        (
            "{metric: invalidValues, mustBe: 0, arguments: {validValues: [x, 1, null], pattern: '^.$'}}",
            "a.invalidValues",
            RowCheck::All(vec![one_of.clone(), RowCheck::Pattern("^.$".into())]),
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
            RowCheck::Pattern("^a\\/b$".into()),
        ),
    ];
    for (quality, id, check) in cases {
        assert_eq!(rules_of(quality), [(id.to_owned(), check)], "{quality}");
    }
}

#[test]
fn every_declared_rule_is_one_rule() {
    let object = object(&[
        "{name: a, logicalType: string, primaryKey: true, unique: true, logicalTypeOptions: {format: ipv6}}",
        "{name: b, logicalType: array, items: {logicalType: string, logicalTypeOptions: {maxLength: 3}}, logicalTypeOptions: {minItems: 0, maxItems: 3, uniqueItems: true}}",
        "{name: c, logicalType: string, logicalTypeOptions: {format: password}, quality: [{metric: nullValues, mustBeLessThan: 5, unit: percent}, \
         {metric: nullValues, mustBe: 0, severity: warning}, {type: sql, query: select 1, mustBe: 1, id: one}, {type: text, description: nice}, \
         {type: custom, engine: soda, implementation: x}, {metric: missingValues, mustBeLessThan: 9, arguments: {missingValues: [n/a]}}, \
         {metric: duplicateValues, mustBeBetween: [0, 9]}, {metric: invalidValues, mustNotBe: 3, arguments: {pattern: x}}]}",
        "{name: d, logicalType: date, logicalTypeOptions: {format: yyyy-MM-dd}}",
        "{name: o, logicalType: object, required: true, logicalTypeOptions: {minProperties: 1, maxProperties: 2, required: [x]}, properties: \
         [{name: x, logicalType: integer, required: true, logicalTypeOptions: {minimum: 1}}, {name: y, logicalType: array, \
         items: {logicalType: object, properties: [{name: z, logicalType: string, unique: true, enum: [{value: q}]}]}}]}",
        "{name: m, logicalType: map, map: {key: {logicalType: string, logicalTypeOptions: {minLength: 1}}, \
         value: {logicalType: integer, logicalTypeOptions: {minimum: 0}, quality: [{metric: nullValues, mustBe: 0}]}}}",
        "{name: k, logicalType: integer, primaryKey: true, primaryKeyPosition: 2, logicalTypeOptions: {format: i32}}",
    ]);
    assert_eq!(
        all(&object),
        [
            // As part of the key.
            "a.required row Required",
            "a.format row Format(Ipv6)",
            "a.unique set no duplicate values",
            "b.minItems row MinItems(0)",
            "b.maxItems row MaxItems(3)",
            "b.uniqueItems row UniqueItems",
            "b[].maxLength row MaxLength(3)",
            "c.format not run: `password` says how a text is to be shown, and any text can be one",
            "c.nullValues set null values: less than 5 percent",
            "c.nullValues#2 row Required",
            "one set the query's figure: 1",
            "c.text not run: a rule in words, for people",
            "c.custom not run: a rule of soda",
            "c.missingValues set missing values: less than 9",
            "c.duplicateValues set duplicate values: more than 0 and less than 9",
            "c.invalidValues set invalid values: not 3",
            "d.format not run: it says how values are written as text, and the column holds values of the type date",
            "o.required row Required",
            "o.minProperties row MinProperties(1)",
            "o.maxProperties row MaxProperties(2)",
            "o.requiredProperties row RequiredProperties([\"x\"])",
            "o.x.required row Required",
            "o.x.minimum row Minimum { value: \"1\", exclusive: false }",
            "o.y[].z.enum row OneOf([\"q\"])",
            "o.y[].z.unique not run: a row has many of these values: what must differ is said by `uniqueItems` of the list",
            "m.key.minLength row MinLength(1)",
            "m.value.minimum row Minimum { value: \"0\", exclusive: false }",
            "m.value.nullValues row Required",
            "k.required row Required",
            "k.format row Width(I32)",
            "primaryKey set no duplicates of a, k",
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
        "{name: e, logicalType: array, items: {logicalType: string, logicalTypeOptions: {pattern: \"[\"}}}",
    ]);
    let found = findings(&text);
    assert_eq!(found.len(), 5, "{found:#?}");
    assert!(
        found[0].starts_with("9:70 rule a.pattern: the pattern `(?=x)` cannot be used: look-around"),
        "{found:#?}"
    );
    assert!(
        found[1].starts_with("10:68 rule b.minimum: `tomorrow` is not a date"),
        "{found:#?}"
    );
    assert!(found[2].starts_with("11:70 rule c.pattern"), "{found:#?}");
    assert!(
        found[3].contains("rule d.invalidValues: `one` is not a whole number, such as 12"),
        "{found:#?}"
    );
    assert!(found[4].starts_with("13:98 rule e[].pattern"), "{found:#?}");
}

#[test]
fn bounds_that_no_value_keeps_are_refused() {
    let cases = [
        (
            "{name: a, logicalType: integer, logicalTypeOptions: {minimum: 3, maximum: 2}}",
            "no value is from 3 to 2",
        ),
        (
            "{name: a, logicalType: number, logicalTypeOptions: {exclusiveMinimum: 2, maximum: 2.0}}",
            "no value is from 2 to 2.0",
        ),
        (
            "{name: a, logicalType: date, logicalTypeOptions: {minimum: '2026-01-02', exclusiveMaximum: '2026-01-02'}}",
            "no value is from",
        ),
        (
            "{name: a, logicalType: timestamp, logicalTypeOptions: {minimum: '2026-01-01T00:00:00.5Z', maximum: '2026-01-01T01:00:00+01:00'}}",
            "no value is from",
        ),
        (
            "{name: a, logicalType: string, logicalTypeOptions: {minLength: 3, maxLength: 2}}",
            "minLength 3 is more than maxLength 2",
        ),
        (
            "{name: a, logicalType: array, items: {logicalType: string}, logicalTypeOptions: {minItems: 3, maxItems: 2}}",
            "minItems 3 is more",
        ),
        (
            "{name: a, logicalType: object, properties: [{name: x, logicalType: string}], logicalTypeOptions: {required: [y, xx]}}",
            "has no field `xx` (did you mean `x`?)",
        ),
    ];
    for (property, problem) in cases {
        let found = findings(&with_properties(&[property]));
        assert!(
            found.iter().any(|found| found.contains(problem)),
            "{property}: {found:#?}"
        );
    }
    let sound = "{name: a, logicalType: integer, logicalTypeOptions: {minimum: 2, maximum: 2}}";
    assert_eq!(findings(&with_properties(&[sound])), Vec::<String>::new());
}

#[test]
fn formats_of_text_are_known_by_the_standards_words() {
    let cases = [
        ("uuid", TextFormat::Uuid),
        ("email", TextFormat::Email),
        ("ipv4", TextFormat::Ipv4),
        ("ipv6", TextFormat::Ipv6),
        ("hostname", TextFormat::Hostname),
        ("uri", TextFormat::Uri),
        ("byte", TextFormat::Byte),
        ("json", TextFormat::Json),
        ("date-time", TextFormat::DateTime),
    ];
    for (word, format) in cases {
        let property = format!("{{name: a, logicalType: string, logicalTypeOptions: {{format: {word}}}}}");
        assert_eq!(rules(&property), [("a.format".to_owned(), RowCheck::Format(format))]);
        assert_eq!(format.as_str(), word);
    }
}

#[test]
fn a_type_of_no_zone_says_so_and_no_option_the_contrary() {
    let found = |keys: &str| {
        let column = format!("{{name: at, logicalType: timestamp, {keys}}}");
        findings(&with_properties(&[&column]))
    };
    let zoned = "logicalTypeOptions: {timezone: true}";
    for name in ["timestamp_ntz", "timestamp without time zone", "datetime"] {
        assert_eq!(
            found(&format!("physicalType: {name}, {zoned}")),
            ["9:MM rule `at`: `timezone: true` says that its times have a zone, but timestamp_ntz is a type of no zone, \
              which is what counts (leave `timezone` out; where these are instants, write physicalType: timestamp)"
                .replace("MM", &(91 + name.len()).to_string())],
            "{name}"
        );
    }
    for sound in [
        zoned.to_owned(),
        format!("physicalType: timestamp, {zoned}"),
        "physicalType: timestamp_ntz, logicalTypeOptions: {timezone: false}".to_owned(),
    ] {
        assert_eq!(found(&sound), Vec::<String>::new(), "{sound}");
    }
}

#[test]
fn time_zones_have_names_also_where_no_bound_is_set() {
    let found = |zone: &str| {
        findings(&with_properties(&[&format!(
            "{{name: at, logicalType: timestamp, logicalTypeOptions: {{defaultTimezone: '{zone}'}}}}"
        )]))
    };
    for zone in ["Etc/UTC", "UTC", "Australia/Sydney", "+02:00"] {
        assert_eq!(found(zone), Vec::<String>::new());
    }
    assert!(found("+02:00x")[0].contains("there is no time zone `+02:00x`"));
    assert!(found("Mars/X")[0].contains("`at`: there is no time zone `Mars/X`"));
    assert!(found("Europe/Amstredam")[0].contains("did you mean `Europe/Amsterdam`?"));
}
