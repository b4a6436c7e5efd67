//! What happens to failing rows, and what that means to those who read.

use super::{BASE, contract, edited, said, there_and_back};
use crate::Contract;
use crate::diff::{Bump, Reliance, compare};

/// The base in which a column says what happens to failing rows.
fn on_failure(column: &str, word: &str) -> (String, String) {
    let line = format!("name: {column}\n");
    let said = format!("{line}        customProperties: [{{property: polder.onFailure, value: {word}}}]\n");
    (line, said)
}

#[test]
fn a_limit_that_only_warns_is_none_to_those_who_read() {
    let both_ways = |old: &Contract, new: &Contract, there: &[&str], back: &[&str]| {
        assert_eq!(said(&compare(old, new)), there);
        assert_eq!(said(&compare(new, old)), back);
    };
    let base = contract(BASE);
    let (line, warns) = on_failure("quantity", "warn");
    let column = |turn: &str| {
        ["required", "minimum", "maximum"].map(|key| format!("on-failure-changed {turn} | quantity quantity.{key}"))
    };
    let texts = |all: &[String]| all.iter().map(|text| text.as_str().to_owned()).collect::<Vec<_>>();
    assert_eq!(
        said(&compare(&base, &edited(&line, &warns))),
        texts(&column("breaks readers"))
    );
    assert_eq!(
        said(&compare(&edited(&line, &warns), &base)),
        texts(&column("breaks writers"))
    );
    // Rows that were kept out one way are kept out the other, those too whose value is none of the column's type.
    let (line, rejects) = on_failure("quantity", "reject");
    let mut all = texts(&column("quality tightened"));
    all.push("on-failure-changed quality tightened | quantity quantity.type".to_owned());
    assert_eq!(said(&compare(&base, &edited(&line, &rejects))), all);
    // One word on the object: every rule that says nothing itself, the key, and values inside of others.
    let object = "    physicalName: sales.silver.lines\n";
    let all = edited(
        object,
        &format!("{object}    customProperties: [{{property: polder.onFailure, value: warn}}]\n"),
    );
    both_ways(
        &base,
        &all,
        &[
            "on-failure-changed quality loosened | - enough_rows",
            "on-failure-changed quality loosened | - totals",
            "on-failure-changed breaks readers | - primaryKey",
            "on-failure-changed breaks readers | id id.required",
            "on-failure-changed breaks readers | quantity quantity.required",
            "on-failure-changed breaks readers | quantity quantity.minimum",
            "on-failure-changed breaks readers | quantity quantity.maximum",
            "on-failure-changed breaks readers | price price.exclusiveMinimum",
            "on-failure-changed breaks readers | kind kind.enum",
            "on-failure-changed breaks readers | kind kind.maxLength",
            "on-failure-changed breaks readers | address.city address.city.required",
            "on-failure-changed breaks readers | labels[] labels[].pattern",
            "on-failure-changed quality loosened | currency currency_known",
            "on-failure-changed quality loosened | currency currency.nullValues",
        ],
        &[
            "on-failure-changed quality tightened | - enough_rows",
            "on-failure-changed quality tightened | - totals",
            "on-failure-changed breaks writers | - primaryKey",
            "on-failure-changed breaks writers | id id.required",
            "on-failure-changed breaks writers | quantity quantity.required",
            "on-failure-changed breaks writers | quantity quantity.minimum",
            "on-failure-changed breaks writers | quantity quantity.maximum",
            "on-failure-changed breaks writers | price price.exclusiveMinimum",
            "on-failure-changed breaks writers | kind kind.enum",
            "on-failure-changed breaks writers | kind kind.maxLength",
            "on-failure-changed breaks writers | address.city address.city.required",
            "on-failure-changed breaks writers | labels[] labels[].pattern",
            "on-failure-changed quality tightened | currency currency_known",
            "on-failure-changed quality tightened | currency currency.nullValues",
        ],
    );
    // A limit that only warns before and after is a rule about quality; the nearest word counts.
    let object_warns = BASE.replace(
        object,
        &format!("{object}    customProperties: [{{property: polder.onFailure, value: warn}}]\n"),
    );
    let looser = contract(&object_warns.replace("maximum: 100", "maximum: 200"));
    both_ways(
        &contract(&object_warns),
        &looser,
        &["limit-loosened quality loosened | quantity quantity.maximum"],
        &["limit-tightened quality tightened | quantity quantity.maximum"],
    );
    let (line, keeps) = on_failure("quantity", "quarantine");
    let kept = contract(&object_warns.replace(&line, &keeps));
    let changes = said(&compare(&base, &kept));
    assert!(
        !changes.iter().any(|change| change.contains("quantity.")),
        "{changes:#?}"
    );
    // Whoever relies on a rule is broken by it.
    let relies = |guarantee: &str| Reliance {
        columns: Some(vec!["day".to_owned()]),
        guarantees: vec![guarantee.to_owned()],
    };
    let comparison = compare(&base, &all);
    for guarantee in ["quantity.required", "currency_known", "primaryKey", "labels[].pattern"] {
        let breaks = comparison.breaks(&relies(guarantee));
        let rules: Vec<_> = breaks.iter().filter_map(|change| change.rule.as_deref()).collect();
        // A key is about every row.
        let both = if guarantee == "primaryKey" { 1 } else { 2 };
        assert_eq!(rules.len(), both, "{guarantee}: {rules:?}");
        assert!(rules.contains(&guarantee), "{guarantee}: {rules:?}");
    }
    assert_eq!(comparison.breaks(&relies("latency")).len(), 1);
    assert_eq!(comparison.required_bump(), Bump::Major);
}

/// The property that says what happens to failing rows.
fn custom(word: &str) -> String {
    format!("customProperties: [{{property: polder.onFailure, value: {word}}}]")
}

#[test]
fn one_word_in_a_column_decides_about_values_that_its_type_cannot_hold() {
    const ZIP: &str = "          - name: zip\n            logicalType: string\n";
    const ITEMS: &str = "          logicalTypeOptions: {pattern: \"^[a-z]+$\"}\n";
    const DAY: &str = "        logicalType: date\n";
    let (day, zip) = (
        |word: &str| format!("{DAY}        {}\n", custom(word)),
        |word: &str| format!("{ZIP}            {}\n", custom(word)),
    );
    let of = |class: &str, column: &str| format!("on-failure-changed quality {class} | {column} {column}.type");
    let [tight, loose] = ["tightened", "loosened"];
    // No other rule is there: such a value alone can fail.
    let lone = |from: &str, to: &str, column: &str| {
        let (there, back) = (of(tight, column), of(loose, column));
        there_and_back(&[(from, to, &[&there], &[&back])]);
    };
    lone(DAY, &day("reject"), "day");
    lone(ZIP, &zip("reject"), "address");
    // It may come and go with a field.
    let street = format!(
        "{ZIP}          - {{name: street, logicalType: string, {}}}\n",
        custom("reject")
    );
    there_and_back(&[(
        ZIP,
        &street,
        &["column-added compatible | address.street -", &of(tight, "address")],
        &[
            "column-removed breaks readers | address.street -",
            &of(loose, "address"),
        ],
    )]);
    // Values inside have rules of their own beside.
    let labels = format!("{ITEMS}          {}\n", custom("reject"));
    there_and_back(&[(
        ITEMS,
        &labels,
        &[
            "on-failure-changed quality tightened | labels labels.type",
            "on-failure-changed quality tightened | labels[] labels[].pattern",
        ],
        &[
            "on-failure-changed quality loosened | labels labels.type",
            "on-failure-changed quality loosened | labels[] labels[].pattern",
        ],
    )]);
    // Such a value cannot be taken with a warning, and the default may be said: nothing changes.
    let words = |column: &str| format!("custom-property-changed documentation | {column} -");
    there_and_back(&[
        (DAY, &day("warn"), &[&words("day")], &[&words("day")]),
        (ZIP, &zip("warn"), &[&words("address.zip")], &[&words("address.zip")]),
        (DAY, &day("quarantine"), &[], &[]),
    ]);
    // The strictest word counts: a second one is documentation.
    let both = |street: &str| {
        let street = format!("          - {{name: street, logicalType: string{street}}}\n");
        contract(&BASE.replace(ZIP, &format!("{}{street}", zip("reject"))))
    };
    let second = both(&format!(", {}", custom("reject")));
    assert_eq!(said(&compare(&both(""), &second)), [words("address.street")]);
}

#[test]
fn the_word_of_an_object_decides_about_values_that_no_type_of_its_columns_can_hold() {
    let object = "    physicalName: sales.silver.lines\n";
    let strict = edited(object, &format!("{object}    {}\n", custom("reject")));
    let types = |old: &Contract, new: &Contract| {
        let changes = compare(old, new).changes.into_iter();
        let rules = changes.filter_map(|change| Some((change.rule?, change.class.as_str(), change.new?.span.line)));
        let types = rules.filter(|(rule, ..)| rule.ends_with(".type"));
        types.collect::<Vec<_>>()
    };
    let base = contract(BASE);
    let line = 1 + BASE.lines().position(|line| line == object.trim_end()).unwrap();
    let columns = [
        "id", "quantity", "price", "day", "kind", "address", "labels", "currency",
    ];
    let each =
        |class: &'static str, line: usize| columns.map(|column| (format!("{column}.type"), class, line)).to_vec();
    assert_eq!(types(&base, &strict), each("quality tightened", line + 1));
    let back = types(&strict, &base);
    assert_eq!(back.len(), columns.len());
    assert!(
        back.iter().all(|(_, class, _)| *class == "quality loosened"),
        "{back:?}"
    );
    // A column that says otherwise keeps what it says.
    let (name, keeps) = on_failure("day", "quarantine");
    let kept = contract(
        &BASE
            .replacen(object, &format!("{object}    {}\n", custom("reject")), 1)
            .replacen(&name, &keeps, 1),
    );
    let moved = types(&base, &kept);
    assert!(
        moved.len() == columns.len() - 1 && moved.iter().all(|(rule, ..)| rule != "day.type"),
        "{moved:?}"
    );
}

#[test]
fn what_a_comparison_takes_for_the_fate_of_values_of_other_types_is_what_gates_do() {
    let columns = [
        "{name: c, logicalType: string, WORD}",
        "{name: c, logicalType: object, properties: [{name: q, logicalType: integer, WORD}]}",
        "{name: c, logicalType: array, items: {logicalType: integer, WORD}}",
        "{name: c, logicalType: map, map: {key: {logicalType: string, WORD}, value: {logicalType: integer}}}",
        "{name: c, logicalType: map, map: {key: {logicalType: string}, value: {logicalType: integer, WORD}}}",
        "{name: c, logicalType: array, items: {logicalType: object, properties: [{name: q, logicalType: integer, WORD}]}}",
    ];
    for column in columns {
        for around in ["reject", "quarantine", "warn"] {
            let written = |word: &str| {
                contract(&format!(
                    "apiVersion: v3.1.0\nkind: DataContract\nid: s.a\nname: a\nversion: 1.0.0\nstatus: active\n\
                     schema:\n  - name: a\n    physicalName: s.bronze.a\n    {}\n    properties:\n      - {}\n",
                    custom(around),
                    column.replace("WORD", &custom(word))
                ))
            };
            for (from, to) in [("quarantine", "reject"), ("reject", "warn"), ("warn", "quarantine")] {
                let (old, new) = (written(from), written(to));
                let fate = |of: &Contract| of.objects[0].on_misfit(&of.objects[0].properties[0]);
                let differs = fate(&old) != fate(&new);
                let changes = compare(&old, &new).changes;
                let told = changes.iter().any(|change| change.rule.as_deref() == Some("c.type"));
                assert_eq!(told, differs, "{column} in {around}, {from} to {to}: {changes:?}");
            }
        }
    }
}
