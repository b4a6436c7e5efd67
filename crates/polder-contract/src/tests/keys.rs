//! Keys are made of values of which a row has one each.

use super::*;

const OBJECT: &str = "logicalType: object, properties: [{name: a, logicalType: integer}]";
const WIDE: &str = "logicalType: object, properties: [{name: a, logicalType: integer}, {name: b, logicalType: object, \
                    properties: [{name: c, logicalType: string}]}, {name: l, logicalType: array, items: {logicalType: string}}]";
const LIST: &str = "logicalType: array, items: {logicalType: integer}";
const MAP: &str = "logicalType: map, map: {key: {logicalType: string}, value: {logicalType: integer}}";

/// Every way to say that `k` is a key.
const KEYS: [(&str, &str); 4] = [
    ("k.unique", "unique: true"),
    ("primaryKey", "primaryKey: true"),
    ("k.duplicateValues", "quality: [{metric: duplicateValues, mustBe: 0}]"),
    (
        "k.duplicateValues",
        "quality: [{metric: duplicateValues, mustBeLessThan: 5, unit: percent}]",
    ),
];

#[test]
fn a_column_with_values_inside_is_refused_as_a_key_with_what_to_name_instead() {
    let cases = [
        (OBJECT, "an object", "name the field inside: `unique: true` of `k.a`"),
        (
            WIDE,
            "an object",
            "{metric: duplicateValues, arguments: {properties: [k.a, k.b.c]}, mustBe: 0}",
        ),
        (LIST, "a list", "is said by `uniqueItems`"),
        (MAP, "a map", "let a column of one value stand for it"),
    ];
    for (kind, called, help) in cases {
        for (rule, key) in KEYS {
            let found = findings(&with_properties(&[
                "{name: id, logicalType: integer}",
                &format!("{{name: k, {kind}, {key}}}"),
            ]));
            let [found] = found.as_slice() else {
                panic!("{found:#?}")
            };
            let says = format!("nested-key {rule}: `k` is {called}, and keys are made of single values");
            assert!(found.starts_with("10:") && found.contains(&says), "{found}");
            assert!(found.contains(help), "{found}");
        }
    }
}

#[test]
fn a_key_of_several_columns_is_refused_at_the_column_with_values_inside() {
    let object = format!("{{name: k, {OBJECT}, primaryKey: true, primaryKeyPosition: 2}}");
    let found = findings(&with_properties(&[
        "{name: id, logicalType: integer, primaryKey: true, primaryKeyPosition: 1}",
        &object,
    ]));
    let [only] = found.as_slice() else { panic!("{found:#?}") };
    assert!(
        only.starts_with("10:") && only.contains("properties: [id, k.a]"),
        "{only}"
    );

    let properties = with_properties(&["{name: id, logicalType: integer}", &format!("{{name: k, {OBJECT}}}")]);
    let of = |columns: &str| {
        let rule = format!("{{metric: duplicateValues, arguments: {{properties: {columns}}}, mustBe: 0}}");
        findings(&format!("{properties}    quality:\n      - {rule}\n"))
    };
    let found = of("[id, k]");
    let [only] = found.as_slice() else { panic!("{found:#?}") };
    // The `k` of the list.
    assert!(
        only.starts_with("12:64 nested-key duplicateValues: `k` is an object"),
        "{only}"
    );
    assert_eq!(of("[id, k.a]"), [""; 0]);
}

#[test]
fn fields_inside_objects_are_keys_and_tables_of_other_stores_may_say_what_they_like() {
    let field = "{name: k, logicalType: object, properties: [{name: a, logicalType: integer, unique: true}]}";
    assert_eq!(findings(&with_properties(&[field])), [""; 0]);
    for (_, key) in KEYS {
        let text = with_properties(&[&format!("{{name: k, {LIST}, {key}}}")]);
        let unbound = text.replace("physicalName: sales.bronze.t", "physicalName: dbo.t");
        assert_eq!(findings(&unbound), [""; 0], "{key}");
    }
}

#[test]
fn a_reference_begins_at_single_values() {
    let reference = "relationships: [{to: sales.bronze.other.id}]";
    let cases = [
        (OBJECT, "`k` is an object", "begin it at the values inside: k.a"),
        (
            LIST,
            "`k` is a list",
            "let a column of one value refer to the other dataset",
        ),
    ];
    for (kind, says, help) in cases {
        let found = findings(&with_properties(&[&format!("{{name: k, {kind}, {reference}}}")]));
        let [found] = found.as_slice() else {
            panic!("{found:#?}")
        };
        assert!(
            found.contains("k.foreignKey") && found.contains(says) && found.contains(help),
            "{found}"
        );
    }
}
