//! What is no change, and the words of the classes.

use super::{BASE, contract, edited, said};
use crate::diff::{Bump, Class, compare};

#[test]
fn what_means_the_same_is_no_change() {
    let cases = [
        ("tags: [silver]", "tags:\n  - silver"),
        (
            "          minimum: 0\n          maximum: 100\n",
            "          maximum: 100.0\n          minimum: 0e0\n",
        ),
        ("{value: product}, {value: other}", "{value: other}, {value: product}"),
        (
            "metric: rowCount",
            "metric: rowCount\n        type: library\n        severity: error",
        ),
        (
            "name: zip\n",
            "name: zip\n            required: false\n            tags: []\n",
        ),
        (
            "  - property: availability\n    value: 99.5\n    unit: percent\n  - property: retention\n    value: 1\n    unit: y\n",
            "  - property: retention\n    unit: y\n    value: 1\n  - property: availability\n    value: 99.50\n    unit: percent\n",
        ),
    ];
    for (from, to) in cases {
        let comparison = compare(&contract(BASE), &edited(from, to));
        assert_eq!(said(&comparison), Vec::<String>::new(), "{to}");
        assert_eq!(comparison.required_bump(), Bump::None);
    }
}

/// A contract in a few words: of the whole, of its only column, of the timestamp, of the rule, of the server, and of the
/// service level.
fn with(parts: [&str; 6]) -> String {
    let [whole, column, options, rule, server, level] = parts;
    format!(
        "apiVersion: v3.2.0\nkind: DataContract\nid: x\nversion: 1.0.0\nstatus: active\n{whole}servers:\n  - {{server: s, \
         type: sqlserver, host: h, database: d, schema: e{server}}}\nschema:\n  - name: t\n    physicalName: s.silver.t\n    \
         properties:\n      - {{name: a, logicalType: integer, primaryKey: true{column}}}\n      - {{name: at, logicalType: \
         timestamp{options}}}\n      - {{name: list, logicalType: array, items: {{logicalType: string}}}}\n    quality:\n      \
         - {{id: many, metric: rowCount, mustBeGreaterThan: 1{rule}}}\nslaProperties:\n  - {{property: {level}}}\n"
    )
}

/// A place of the contract above, a default spelled out there, and what differs from it with the changes that it is.
type Default = (usize, &'static str, &'static str, &'static [&'static str]);

#[test]
fn a_default_spelled_out_is_no_change_there_and_back_and_another_word_in_its_place_is() {
    let latency = "latency, value: 60, unit: m";
    let properties = |name: &str, value: &str| format!("customProperties: [{{property: {name}, value: {value}}}]");
    let failure = |word: &str| format!(", {}", properties("polder.onFailure", word));
    let whole = |name: &str, value: &str| format!("{}\n", properties(name, value));
    let cases: [Default; 14] = [
        (
            1,
            ", primaryKeyPosition: 1",
            ", primaryKey: false",
            &[
                "column-became-optional breaks readers | a a.required",
                "primary-key-changed breaks readers | - primaryKey",
            ],
        ),
        (1, ", primaryKeyPosition: -1", ", unique: false, required: false", &[]),
        (
            1,
            ", semanticType: column",
            ", semanticType: measure",
            &["documentation-changed documentation | a -"],
        ),
        (
            2,
            ", logicalTypeOptions: {timezone: true}",
            ", logicalTypeOptions: {timezone: false}",
            &["limit-changed breaks readers and writers | at at.timezone"],
        ),
        (
            2,
            ", logicalTypeOptions: {defaultTimezone: UTC}",
            ", logicalTypeOptions: {defaultTimezone: Europe/Berlin}",
            &["limit-changed breaks readers and writers | at at.defaultTimezone"],
        ),
        (
            2,
            ", logicalTypeOptions: {defaultTimezone: Etc/UTC}",
            ", logicalTypeOptions: {defaultTimezone: \"+01:00\"}",
            &["limit-changed breaks readers and writers | at at.defaultTimezone"],
        ),
        (
            2,
            ", logicalTypeOptions: {defaultTimezone: \"+00:00\"}",
            ", logicalTypeOptions: {timezone: true, defaultTimezone: Z}",
            &[],
        ),
        (3, ", unit: rows", ", unit: row", &[]),
        (
            4,
            ", port: 1433",
            ", port: 1434",
            &["server-changed breaks readers and writers | - -"],
        ),
        (
            5,
            "ly, value: 1, unit: h",
            "latency, value: 2, unit: h",
            &["service-level-changed service level lowered | - latency"],
        ),
        (
            5,
            "Latency, value: PT1H",
            "latency, value: 59, unit: min",
            &["service-level-changed service level raised | - latency"],
        ),
        (
            5,
            "latency, value: 3600, unit: s",
            "latency, value: soon",
            &[
                "service-level-changed service level lowered | - latency",
                "service-level-changed service level raised | - latency",
            ],
        ),
        (5, "latency, value: \"60min\"", "latency, value: \"3600 s\"", &[]),
        (5, "latency, value: 60.0, unit: minutes", "LY, value: 1, unit: hr", &[]),
    ];
    let plain = ["", "", "", "", "", latency];
    let put = |place: usize, words: &str| {
        let mut parts = plain;
        parts[place] = words;
        contract(&with(parts).replace("primaryKey: true, primaryKey: false", "primaryKey: false"))
    };
    let old = contract(&with(plain));
    let changes = |new: &crate::Contract| {
        let mut lines = said(&compare(&old, new));
        lines.sort();
        lines
    };
    for (place, default, other, expected) in cases {
        let spelled = put(place, default);
        assert_eq!(changes(&spelled), Vec::<String>::new(), "{default}");
        assert!(compare(&spelled, &old).is_empty(), "{default}, back");
        assert_eq!(changes(&put(place, other)), expected, "{other}");
        // What differs from the default differs from it as well where it is spelled out.
        // Changes go by the name that the level had.
        let from_spelled = said(&compare(&spelled, &put(place, other))).into_iter();
        let by_name = from_spelled.map(|line| line.replace("- Latency", "- latency").replace("- ly", "- latency"));
        let mut from_spelled: Vec<_> = by_name.collect();
        from_spelled.sort();
        assert_eq!(from_spelled, expected, "{default} -> {other}");
    }
    let custom: [(usize, String, String, &[&str]); 4] = [
        (
            0,
            whole("polder.compatibility", "backward"),
            whole("polder.compatibility", "forward"),
            &[
                "compatibility-mode-changed quality loosened | - -",
                "compatibility-mode-changed quality tightened | - -",
            ],
        ),
        (
            0,
            whole("polder.noticePeriod", "0d"),
            whole("polder.noticePeriod", "30d"),
            &["notice-period-changed service level raised | - noticePeriod"],
        ),
        (
            1,
            failure("quarantine"),
            failure("warn"),
            &[
                "on-failure-changed breaks readers | - primaryKey",
                "on-failure-changed breaks readers | a a.required",
            ],
        ),
        (
            3,
            failure("quarantine"),
            failure("reject"),
            &["on-failure-changed quality tightened | - many"],
        ),
    ];
    for (place, default, other, expected) in &custom {
        let spelled = put(*place, default);
        assert_eq!(changes(&spelled), Vec::<String>::new(), "{default}");
        assert!(compare(&spelled, &old).is_empty(), "{default}, back");
        assert_eq!(changes(&put(*place, other)), *expected, "{other}");
        // What is said about it are words.
        let described = put(*place, &default.replace("value:", "description: why, value:"));
        let [only] = changes(&described).try_into().unwrap();
        assert!(only.starts_with("custom-property-changed documentation"), "{only}");
    }
}

#[test]
fn the_word_around_is_the_default_inside() {
    let object = "    physicalName: sales.silver.lines\n";
    let column = "        name: quantity\n";
    let says = |indent: &str, word: &str| {
        format!("{indent}customProperties: [{{property: polder.onFailure, value: {word}}}]\n")
    };
    let warns = BASE.replacen(object, &format!("{object}{}", says("    ", "warn")), 1);
    let inside = |word: &str| contract(&warns.replacen(column, &format!("{column}{}", says("        ", word)), 1));
    let warns = contract(&warns);
    assert_eq!(said(&compare(&warns, &inside("warn"))), Vec::<String>::new());
    assert_eq!(said(&compare(&inside("warn"), &warns)), Vec::<String>::new());
    let keeps_out = said(&compare(&warns, &inside("quarantine")));
    assert!(
        keeps_out.contains(&"on-failure-changed breaks writers | quantity quantity.maximum".to_owned()),
        "{keeps_out:?}"
    );
}

#[test]
fn positions_of_several_columns_in_a_key_are_words() {
    let key = |one: &str, other: &str| {
        contract(&with([
            "",
            &format!("{one}}}\n      - {{name: b, logicalType: integer, primaryKey: true{other}"),
            "",
            "",
            "",
            "latency, value: 1, unit: h",
        ]))
    };
    let at = |position: u8| format!(", primaryKeyPosition: {position}");
    let (ordered, turned) = (key(&at(1), &at(2)), key(&at(2), &at(1)));
    assert_eq!(
        said(&compare(&ordered, &turned)),
        [
            "documentation-changed documentation | a -",
            "documentation-changed documentation | b -"
        ]
    );
    // The first is meant where nothing is said.
    assert!(compare(&ordered, &key("", &at(2))).is_empty());
}

#[test]
fn classes_have_words_of_their_own() {
    let words: std::collections::BTreeSet<_> = Class::ALL.iter().map(|class| class.as_str()).collect();
    assert_eq!(words.len(), Class::ALL.len());
}
