//! Two documents held against each other: `polder contract diff` and `polder product diff`.

use std::fs;

use polder_testkit::{Ended, Polder};
use serde_json::Value;

use crate::mesh::repository;

/// What a comparison of the kind of document says of these two.
fn compared(kind: &str, old: &str, new: &str, more: &[&str]) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("old.yaml"), old).unwrap();
    fs::write(folder.path().join("new.yaml"), new).unwrap();
    let both = [kind, "diff", "old.yaml", "new.yaml"];
    Polder::in_folder(folder.path()).run(&[&both[..], more].concat())
}

/// A document with other texts in the places of some that it has once.
fn edited(document: &str, edits: &[(&str, &str)]) -> String {
    edits.iter().fold(document.to_owned(), |text, (from, to)| {
        assert_eq!(text.matches(from).count(), 1, "{from:?} in {text}");
        text.replace(from, to)
    })
}

#[test]
fn the_mode_that_is_named_decides_instead_of_the_one_that_is_declared() {
    let contract = |version: &str, columns: &str| {
        format!(
            "apiVersion: v3.1.0\nkind: DataContract\nid: people\nname: People\nversion: {version}\nstatus: active\n\
             schema:\n  - name: people\n    properties:\n{columns}"
        )
    };
    let id = "      - {name: id, logicalType: string}\n";
    let old = contract("1.0.0", id);
    // Who writes has to give a column more from now on; who reads is not troubled.
    let code = "      - {name: code, logicalType: string, required: true}\n";
    let new = contract("1.1.0", &[id, code].concat());
    for (mode, code, bump, forbidden) in [
        (None, 0, "minor", false),
        (Some("backward"), 0, "minor", false),
        (Some("forward"), 1, "major", true),
        (Some("full"), 1, "major", true),
        (Some("none"), 0, "minor", false),
    ] {
        let named: Vec<&str> = mode.iter().flat_map(|mode| ["--mode", mode]).collect();
        let ended = compared("contract", &old, &new, &[&named[..], &["--format", "json"]].concat());
        assert_eq!(ended.code, Some(code), "{mode:?}: {ended:?}");
        let told: Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(told["mode"], mode.unwrap_or("backward"), "{told}");
        assert_eq!(told["required_bump"], bump, "{mode:?}: {told}");
        assert_eq!(told["problems"].as_array().unwrap().is_empty(), code == 0, "{told}");
        let mut changes = told["changes"].as_array().unwrap().iter();
        let change = changes.find(|change| change["column"] == "code").unwrap();
        assert_eq!(change["class"], "breaks writers", "{told}");
        assert_eq!(change["forbidden"], forbidden, "{mode:?}: {told}");
        // People are told the same.
        let ended = compared("contract", &old, &new, &named);
        assert_eq!(ended.code, Some(code), "{mode:?}: {ended:?}");
        let needs = format!("needs a {bump} version: ");
        let mode = format!("(mode {})", mode.unwrap_or("backward"));
        assert!(
            ended.stdout.contains(&needs) && ended.stdout.contains(&mode),
            "{ended:?}"
        );
    }
    let ended = compared("contract", &old, &new, &["--mode", "sideways"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
}

#[test]
fn the_new_product_is_held_against_the_old_one_and_not_the_other_way_round() {
    let old = fs::read_to_string(repository().join("contracts/product/product_sales.odps.yaml")).unwrap();
    let port =
        "  - name: returns\n    type: tables\n    version: 1.0.0\n    contractId: product.gold.returns\nsupport:\n";
    let with_port = |version: &str| edited(&old, &[("support:\n", port), ("\nversion: 1.0.0\n", version)]);
    let ended = compared("product", &old, &with_port("\nversion: 1.1.0\n"), &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for words in [
        "Product sales: 1.0.0 (old.yaml) to 1.1.0 (new.yaml)",
        "compatible (1)",
        "the output port `returns` (tables) was added",
        "needs a minor version: 1.1.0 or later",
    ] {
        assert!(ended.stdout.contains(words), "{words}\n{ended:?}");
    }
    // A new port is no mere patch.
    let ended = compared("product", &old, &with_port("\nversion: 1.0.1\n"), &["--format", "json"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let told: Value = serde_json::from_str(&ended.stdout).unwrap();
    let said = [&told["old"]["version"], &told["new"]["version"], &told["required_bump"]];
    assert_eq!(said.map(|said| said.as_str().unwrap()), ["1.0.0", "1.0.1", "minor"]);
    assert_eq!(told["problems"].as_array().unwrap().len(), 1, "{told}");

    // What is gone breaks who reads it, unless nobody was promised anything.
    let renamed = [
        ("  - name: product_sales\n", "  - name: sold\n"),
        ("\nversion: 1.0.0\n", "\nversion: 1.1.0\n"),
    ];
    let new = edited(&old, &renamed);
    let ended = compared("product", &old, &new, &[]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for words in [
        "breaks readers (",
        "needs a major version: 2.0.0 or later (mode backward)",
    ] {
        assert!(ended.stdout.contains(words), "{words}\n{ended:?}");
    }
    let ended = compared("product", &old, &new, &["--mode", "none"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("(mode none)"), "{ended:?}");
}
