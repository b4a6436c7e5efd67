//! Changes that come together: none hides another one.

use proptest::prelude::*;

use super::super::{contract, with_properties};
use super::said;
use crate::diff::compare;

/// The lines of changes from one column to another.
fn from_to(old: &str, new: &str) -> Vec<String> {
    let [old, new] = [old, new].map(|column| contract(&with_properties(&[column])));
    let mut said = said(&compare(&old, &new));
    said.sort();
    said
}

#[test]
fn a_restated_type_hides_no_change_of_the_format() {
    for (old, new, expected) in [
        (
            "{name: c, logicalType: string, logicalTypeOptions: {format: uuid}}",
            "{name: c, logicalType: string, physicalType: string, logicalTypeOptions: {format: email}}",
            vec![
                "limit-changed breaks readers and writers | c c.format",
                "type-restated documentation | c -",
            ],
        ),
        (
            "{name: c, logicalType: string, physicalType: text, logicalTypeOptions: {format: uuid}}",
            "{name: c, logicalType: string, physicalType: string}",
            vec![
                "limit-loosened breaks readers | c c.format",
                "type-restated documentation | c -",
            ],
        ),
        (
            "{name: c, logicalType: date, logicalTypeOptions: {format: yyyy-MM-dd}}",
            "{name: c, logicalType: date, physicalType: date, logicalTypeOptions: {format: dd.MM.yyyy}}",
            vec![
                "limit-changed breaks readers and writers | c c.format",
                "type-restated documentation | c -",
            ],
        ),
        (
            "{name: c, logicalType: integer, logicalTypeOptions: {format: i64}}",
            "{name: c, logicalType: integer, physicalType: bigint, logicalTypeOptions: {format: u32}}",
            vec![
                "limit-tightened breaks writers | c c.format",
                "type-restated documentation | c -",
            ],
        ),
        (
            "{name: c, logicalType: string, physicalType: varchar(10), logicalTypeOptions: {format: uuid}}",
            "{name: c, logicalType: string, physicalType: varchar(20), logicalTypeOptions: {format: email}}",
            vec![
                "limit-changed breaks readers and writers | c c.format",
                "type-widened breaks readers | c c.physicalType",
            ],
        ),
    ] {
        assert_eq!(from_to(old, new), expected, "{old} -> {new}");
    }
}

#[test]
fn a_width_that_leaves_values_out_breaks_writers_whatever_the_column_could_hold() {
    let width = |format: &str| format!("{{name: c, logicalType: integer, logicalTypeOptions: {{format: {format}}}}}");
    for (old, new, expected) in [
        ("i32", "u32", "type-changed breaks readers and writers | c -"),
        ("i16", "u32", "type-changed breaks readers and writers | c -"),
        ("i64", "u64", "type-changed breaks readers and writers | c -"),
        ("i8", "u8", "limit-changed breaks readers and writers | c c.format"),
        ("i64", "u32", "limit-tightened breaks writers | c c.format"),
        ("u8", "u32", "type-widened breaks readers | c -"),
        ("i32", "i64", "type-widened breaks readers | c -"),
        ("u32", "i32", "type-narrowed breaks readers and writers | c -"),
    ] {
        let found = from_to(&width(old), &width(new));
        let [only] = found.as_slice() else {
            panic!("{old} -> {new}: {found:?}");
        };
        let both = only.contains("breaks readers and writers") && expected.contains("breaks readers and writers");
        assert!(only == expected || both, "{old} -> {new}: {only}");
    }
    // No number below 0 was there before.
    let bounded = |format: &str| {
        format!("{{name: c, logicalType: integer, logicalTypeOptions: {{format: {format}, minimum: 0}}}}")
    };
    assert_eq!(
        from_to(&bounded("i32"), &bounded("u32")),
        ["type-widened breaks readers | c -"]
    );
}

#[test]
fn a_limit_that_another_key_says_from_now_on_is_the_same_limit() {
    for (old, new) in [
        (
            "{name: c, logicalType: string, physicalType: varchar(10)}",
            "{name: c, logicalType: string, logicalTypeOptions: {maxLength: 10}}",
        ),
        (
            "{name: c, logicalType: integer, physicalType: smallint}",
            "{name: c, logicalType: integer, logicalTypeOptions: {format: i16}}",
        ),
        (
            "{name: c, logicalType: string, unique: true, primaryKey: true}",
            "{name: c, logicalType: string, primaryKey: true}",
        ),
        (
            "{name: c, logicalType: string, required: true, primaryKey: true}",
            "{name: c, logicalType: string, primaryKey: true}",
        ),
    ] {
        for (old, new) in [(old, new), (new, old)] {
            let found = from_to(old, new);
            assert!(!found.is_empty(), "{old} -> {new}");
            let breaking: Vec<_> = found.iter().filter(|line| line.contains("breaks")).collect();
            assert!(breaking.is_empty(), "{old} -> {new}: {breaking:?}");
        }
    }
    assert_eq!(
        from_to(
            "{name: c, logicalType: string, physicalType: varchar(10)}",
            "{name: c, logicalType: string, logicalTypeOptions: {maxLength: 20}}"
        ),
        [
            "limit-loosened breaks readers | c c.maxLength",
            "type-widened breaks readers | c c.physicalType"
        ]
    );
}

/// Words about a column of text; the first of each list is the column as it was.
const TEXT: [&[&str]; 6] = [
    &["", ", physicalType: string", ", physicalType: text"],
    &["format: uuid", "format: email", "minLength: 0"],
    &["pattern: ^a", "pattern: ^b", "maxLength: 9"],
    &["", ", required: true"],
    &["", ", unique: true"],
    &[", enum: [{value: a}]", ", enum: [{value: a}, {value: b}]", ""],
];

/// The same of a column of whole numbers.
const NUMBER: [&[&str]; 6] = [
    &["", ", physicalType: int", ", physicalType: bigint"],
    &["format: i32", "format: u32", "format: i64", "format: u8"],
    &["minimum: 3", "minimum: 1", "maximum: 7"],
    &["", ", required: true"],
    &["", ", unique: true"],
    &[", enum: [{value: 4}]", ", enum: [{value: 4}, {value: 5}]", ""],
];

fn column(words: &[&[&str]; 6], picked: &[usize; 6]) -> String {
    let word = |subject: usize| words[subject][picked[subject] % words[subject].len()];
    let kind = if words[1][0] == "format: uuid" {
        "string"
    } else {
        "integer"
    };
    format!(
        "{{name: c, logicalType: {kind}{}{}{}{}, logicalTypeOptions: {{{}, {}}}}}",
        word(0),
        word(3),
        word(4),
        word(5),
        word(1),
        word(2)
    )
}

proptest! {
    /// Who reads or writes is broken by two changes together where one of them alone breaks them.
    #[test]
    fn two_changes_together_break_everybody_whom_one_of_them_breaks(
        numbers in any::<bool>(),
        picked in prop::array::uniform6(0..4_usize),
        (one, other) in (0..6_usize, 0..6_usize).prop_filter("two subjects", |(one, other)| one != other),
        to in (0..4_usize, 0..4_usize),
    ) {
        let words = if numbers { &NUMBER } else { &TEXT };
        // Where no physical type is said, the format chooses it: the two are one subject then.
        let unsaid = |word: usize| words[0][word % words[0].len()].is_empty();
        let type_to = [(one, to.0), (other, to.1)].into_iter().find(|(subject, _)| *subject == 0);
        let format_too = one == 1 || other == 1;
        if numbers && format_too && type_to.is_some_and(|(_, word)| unsaid(word) || unsaid(picked[0])) {
            return Ok(());
        }
        let with = |changes: &[(usize, usize)]| {
            let mut now = picked;
            for (subject, word) in changes {
                now[*subject] = *word;
            }
            contract(&with_properties(&[&column(words, &now)]))
        };
        let broken = |changes: &[(usize, usize)]| {
            let comparison = compare(&with(&[]), &with(changes));
            let any = |breaks: fn(crate::diff::Class) -> bool| comparison.changes.iter().any(|c| breaks(c.class));
            (any(crate::diff::Class::breaks_readers), any(crate::diff::Class::breaks_writers))
        };
        let (first, second) = (broken(&[(one, to.0)]), broken(&[(other, to.1)]));
        let both = broken(&[(one, to.0), (other, to.1)]);
        prop_assert!(
            both.0 >= (first.0 || second.0) && both.1 >= (first.1 || second.1),
            "{} -> {:?} {:?}: {first:?} and {second:?} make {both:?}",
            column(words, &picked), (one, to.0), (other, to.1)
        );
    }
}
