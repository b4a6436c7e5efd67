//! Documents that the standard forbids.

use super::{findings, with_properties};

const HEAD: &str = "apiVersion: v3.1.0\nkind: DataContract\nid: x\nversion: 1.0.0\nstatus: active\n";

#[test]
fn every_mistake_is_told_at_once_with_place_and_hint() {
    let text = "\
apiVersion: v9.0.0
kind: DataContrct
version: 1.0
status: active
schem: []
schema:
  - name: orders
    propertys: []
    properties:
      - nam: id
      - {name: a, logicalType: strng}
      - {name: a, logicalType: string, logicalTypeOptions: {minimum: 3}}
servers:
  - {server: s, type: postgres, host: h, port: x, database: d}
";
    assert_eq!(
        findings(text),
        [
            "1:1 missing-value `id` is missing",
            "1:13 wrong-value `v9.0.0` is no version of the standard (known versions: v3.2.0, v3.1.0, v3.0.2, v3.0.1, v3.0.0)",
            "2:7 wrong-value `kind`: `DataContrct` is not allowed (did you mean `DataContract`?)",
            "3:10 wrong-type `version` must be text, but is a number (put it in quotes)",
            "5:1 unknown-key `schem` is not known (did you mean `schema`?)",
            "8:5 unknown-key `schema[0].propertys` is not known (did you mean `properties`?)",
            "10:9 unknown-key `schema[0].properties[0].nam` is not known (did you mean `name`?)",
            "10:9 missing-value `schema[0].properties[0].name` is missing",
            "11:32 wrong-value `schema[0].properties[1].logicalType`: `strng` is not allowed (did you mean `string`?)",
            "12:16 duplicate-name `schema[0]` has two properties `a` (give one of them another name)",
            "12:61 unknown-key `schema[0].properties[2].logicalTypeOptions.minimum` is not known \
             (the standard has no such key here; what is your own goes to `customProperties`)",
            "14:5 missing-value `servers[0].schema` is missing",
            "14:48 wrong-type `servers[0].port` must be a whole number, but is text",
        ]
    );
}

#[test]
fn each_kind_of_value_is_held_to_its_rule() {
    let cases = [
        ("team: {members: [{role: owner}]}", "missing-value"),
        ("team: [{username: x, dateIn: 2020-13-01}]", "wrong-value"),
        ("team: x", "wrong-type"),
        ("roles: [{access: read}]", "missing-value"),
        ("support: [{url: x}]", "missing-value"),
        ("price: {priceAmount: \"9\"}", "wrong-type"),
        ("slaProperties: [{property: latency}]", "missing-value"),
        ("slaProperties: [{property: latency, value: [1]}]", "wrong-type"),
        ("tags: [1]", "wrong-type"),
        ("tags: gold", "wrong-type"),
        ("customProperties: [{property: x}]", "missing-value"),
        ("authoritativeDefinitions: [{url: x}]", "missing-value"),
        ("contractCreatedTs: 2020-01-01", "wrong-value"),
        ("description:", "wrong-type"),
        ("servers: [{server: x, type: postgress}]", "wrong-value"),
        ("schema: [{name: t, logicalType: array}]", "wrong-value"),
        ("schema: [{name: t, id: a.b}]", "wrong-value"),
        ("schema: [{name: t, relationships: [{from: t.a}]}]", "missing-value"),
        (
            "schema: [{name: t, relationships: [{from: t.a, to: [u.a]}]}]",
            "wrong-value",
        ),
        (
            "schema: [{name: t, relationships: [{from: t.a, to: u}]}]",
            "wrong-value",
        ),
        (
            "schema: [{name: t, properties: [{name: a, logicalType: string, relationships: [{from: t.a, to: u.a}]}]}]",
            "unknown-key",
        ),
        (
            "schema: [{name: t, properties: [{name: a, logicalType: string, items: {logicalType: string}}]}]",
            "unknown-key",
        ),
        (
            "schema: [{name: t, properties: [{name: a, logicalType: map}]}]",
            "missing-value",
        ),
        (
            "schema: [{name: t, properties: [{name: a, logicalType: integer, logicalTypeOptions: {multipleOf: 0}}]}]",
            "wrong-value",
        ),
        (
            "schema: [{name: t, properties: [{name: a, logicalType: integer, logicalTypeOptions: {format: f32}}]}]",
            "wrong-value",
        ),
        (
            "schema: [{name: t, properties: [{name: a, logicalType: string, logicalTypeOptions: {minLength: -1}}]}]",
            "wrong-value",
        ),
        ("schema: [{name: t, properties: [{name: a, enum: []}]}]", "wrong-value"),
        (
            "schema: [{name: t, properties: [{name: a, enum: [{value: 1}, {value: 1}]}]}]",
            "duplicate-item",
        ),
        ("schema: [{name: t, quality: [{metric: rowCount}]}]", "missing-value"),
        (
            "schema: [{name: t, quality: [{metric: rowCounts, mustBe: 1}]}]",
            "wrong-value",
        ),
        (
            "schema: [{name: t, quality: [{metric: rowCount, mustBe: 1, mustNotBe: 2}]}]",
            "wrong-value",
        ),
        (
            "schema: [{name: t, quality: [{metric: rowCount, mustBeBetween: [1]}]}]",
            "wrong-value",
        ),
        (
            "schema: [{name: t, quality: [{metric: rowCount, mustBeGreaterThan: many}]}]",
            "wrong-type",
        ),
        (
            "schema: [{name: t, quality: [{type: sql, mustBe: 0}]}]",
            "missing-value",
        ),
        (
            "schema: [{name: t, quality: [{type: custom, engine: soda}]}]",
            "missing-value",
        ),
        (
            "schema: [{name: t, quality: [{type: text, dimension: beauty}]}]",
            "wrong-value",
        ),
    ];
    for (line, code) in cases {
        let found = findings(&format!("{HEAD}{line}\n"));
        assert!(
            found.len() == 1 && found[0].starts_with("6:") && found[0].contains(code),
            "{line}: {found:?}"
        );
    }
    let valid = [
        "schema: [{name: t, quality: [{type: text, description: clean}]}]",
        "schema: [{name: t, properties: [{name: a, logicalType: map, map: {key: {logicalType: string}, value: {logicalType: integer}}}]}]",
        "schema: [{name: t, relationships: [{from: [t.a], to: [schema/u/properties/a]}]}]",
        "schema: [{name: t, properties: [{name: a, logicalType: boolean, logicalTypeOptions: {own: 1}}]}]",
        "team: {members: [{username: a, dateIn: \"2020-12-01\"}]}",
    ];
    for line in valid {
        assert_eq!(findings(&format!("{HEAD}{line}\n")), [""; 0], "{line}");
    }
}

#[test]
fn the_status_is_needed_up_to_version_3_1() {
    let without = |version: &str| format!("apiVersion: {version}\nkind: DataContract\nid: x\nversion: 1.0.0\n");
    assert_eq!(findings(&without("v3.0.2")), ["1:1 missing-value `status` is missing"]);
    assert_eq!(findings(&without("v3.1.0")), ["1:1 missing-value `status` is missing"]);
    assert_eq!(findings(&without("v3.2.0")), [""; 0]);
}

#[test]
fn version_3_0_knows_a_metric_as_a_rule_too() {
    let with = |version: &str, quality: &str| {
        let head = HEAD.replace("v3.1.0", version);
        findings(&format!(
            "{head}schema: [{{name: t, quality: [{{{quality}, mustBe: 0}}]}}]\n"
        ))
        .len()
    };
    assert_eq!(with("v3.0.2", "type: library, rule: duplicateCount"), 0);
    assert_eq!(with("v3.1.0", "type: library, rule: duplicateCount"), 1);
    assert_eq!(with("v3.0.2", "type: library"), 1);
    assert_eq!(with("v3.0.2", "metric: duplicateCount"), 1);
}

#[test]
fn what_cannot_become_a_table_is_refused_where_a_dataset_is_bound() {
    let text = with_properties(&[
        "{name: a}",
        "{name: b, logicalType: number, physicalType: decimal}",
        "{name: c, logicalType: string, physicalType: bigint}",
        "{name: d, logicalType: number, physicalType: \"decimall(12,3)\"}",
        "{name: e, logicalType: array}",
        "{name: _f, logicalType: string}",
        "{name: g, logicalType: number, physicalType: \"decimal(39,0)\"}",
        "{name: A, logicalType: string}",
    ]);
    let found = findings(&text);
    let starts = [
        "9:16 column-type `a` has no type",
        "10:54 column-type the decimal `b` needs its digits",
        "11:54 column-type `c` is string by its logical type, but bigint by its physical type",
        "12:54 column-type `d` has the physical type `decimall(12,3)`, which is not known",
        "13:16 column-type the array `e` has no items",
        "14:16 reserved-name the column `_f` begins with an underscore",
        "15:54 column-type the decimal `g` needs its digits",
        "16:16 duplicate-name `t` has two columns `A`",
    ];
    assert_eq!(found.len(), starts.len(), "{found:#?}");
    for (found, start) in found.iter().zip(starts) {
        assert!(found.starts_with(start), "{found}");
    }
}

#[test]
fn no_document_is_too_odd_to_be_refused() {
    for text in [
        "",
        "[]",
        "x",
        "{}",
        "null",
        "1",
        "apiVersion: [v3.1.0]\nschema: {}\nservers: [1, null, []]\n",
        "schema: [[], {properties: [null, {items: []}]}]",
    ] {
        assert!(!findings(text).is_empty(), "{text}");
    }
}
