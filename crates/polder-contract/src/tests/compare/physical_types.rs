//! Limits in the names of physical types.

use super::said;
use crate::diff::compare;
use crate::tests::{contract, with_properties};

/// What a change of the column `a` is, there and back.
fn moved(old: &str, new: &str) -> [Vec<String>; 2] {
    let read = |keys: &str| contract(&with_properties(&[&format!("{{name: a, {keys}}}")]));
    let (old, new) = (read(old), read(new));
    [said(&compare(&old, &new)), said(&compare(&new, &old))]
}

#[test]
fn a_limit_in_the_name_of_a_type_moves_as_any_other() {
    for (old, new, there, back) in [
        (
            "logicalType: string, physicalType: text",
            "logicalType: string, physicalType: uuid",
            "type-narrowed breaks writers | a a.physicalType",
            "type-widened breaks readers | a a.physicalType",
        ),
        (
            "logicalType: string, physicalType: char",
            "logicalType: string, physicalType: char(2)",
            "type-widened breaks readers | a a.physicalType",
            "type-narrowed breaks writers | a a.physicalType",
        ),
        (
            "logicalType: integer, physicalType: mediumint",
            "logicalType: integer, physicalType: smallint",
            "type-narrowed breaks writers | a a.physicalType",
            "type-widened breaks readers | a a.physicalType",
        ),
        (
            "logicalType: string, physicalType: \"enum('x','y')\"",
            "logicalType: string, physicalType: \"enum('y','x','z')\"",
            "type-widened breaks readers | a a.physicalType",
            "type-narrowed breaks writers | a a.physicalType",
        ),
        // One name says what the other does.
        (
            "logicalType: string, physicalType: char",
            "logicalType: string, physicalType: varchar(1)",
            "type-restated documentation | a -",
            "type-restated documentation | a -",
        ),
        // What nobody checks may have been meant.
        (
            "logicalType: string, physicalType: varchar(9 furlongs)",
            "logicalType: string, physicalType: varchar",
            "type-widened breaks readers | a -",
            "type-narrowed breaks readers and writers | a -",
        ),
    ] {
        assert_eq!(moved(old, new), [[there], [back]], "{old} → {new}");
    }
}

#[test]
fn a_limit_that_moves_from_the_name_of_the_type_to_an_option_changes_nothing() {
    for (named, said) in [
        ("physicalType: uuid", "logicalTypeOptions: {format: uuid}"),
        ("physicalType: char", "logicalTypeOptions: {maxLength: 1}"),
        ("physicalType: \"enum('x','y')\"", "enum: [{value: y}, {value: x}]"),
    ] {
        let changes = moved(
            &format!("logicalType: string, {named}"),
            &format!("logicalType: string, {said}"),
        );
        for change in changes.into_iter().flatten() {
            assert!(change.contains("documentation"), "{named}: {change}");
        }
    }
}

#[test]
fn a_bare_enum_names_what_the_listed_values_are_in_the_store() {
    let bare = "logicalType: string, physicalType: enum, enum: [{value: a}]";
    for same in [
        "logicalType: string, physicalType: \"enum('a')\"",
        "logicalType: string, physicalType: \"enum('a')\", enum: [{value: a}]",
        "logicalType: string, physicalType: text, enum: [{value: a}]",
    ] {
        for change in moved(bare, same).into_iter().flatten() {
            assert!(change.contains("documentation"), "{same}: {change}");
        }
    }
    let more = moved(bare, "logicalType: string, physicalType: \"enum('a','b')\"");
    for (changes, class) in more.iter().zip(["breaks readers |", "breaks writers |"]) {
        let (told, others): (Vec<_>, Vec<_>) = changes.iter().partition(|change| change.contains(class));
        assert!(
            !told.is_empty() && others.iter().all(|change| change.contains("documentation")),
            "{changes:?}"
        );
    }
    // Without values beside it nothing was checked.
    assert_eq!(
        moved(
            "logicalType: string, physicalType: enum",
            "logicalType: string, physicalType: \"enum('a')\""
        ),
        [
            ["type-changed breaks writers | a a.physicalType"],
            ["type-changed breaks readers | a a.physicalType"]
        ]
    );
}

#[test]
fn values_listed_twice_are_those_in_both() {
    let column = |values: &str| format!("logicalType: string, physicalType: \"enum('x','y')\", enum: [{values}]");
    assert_eq!(
        moved(&column("{value: x}"), &column("{value: x}, {value: y}")),
        [
            ["limit-loosened breaks readers | a a.enum"],
            ["limit-tightened breaks writers | a a.enum"]
        ]
    );
    // The store takes no other value anyway.
    assert_eq!(
        moved(&column("{value: x}"), &column("{value: x}, {value: z}"))[0],
        ["limit-restated documentation | a a.enum"]
    );
}
