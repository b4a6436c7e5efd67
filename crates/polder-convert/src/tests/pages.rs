//! Pages say everything: whatever is taken out of a document, its page is another one.

use std::fs;
use std::path::Path;

use polder_core::document::Source;
use serde_json::Value;

use super::examples::shared;
use crate::{html, markdown, product_html, product_markdown};

/// Parts without which a page is the same, by their last key, with the value that they have to have.
const SAME: [(&str, &[&str]); 13] = [
    // Addresses inside the document, for references.
    ("id", &[]),
    // The one value that there is.
    ("logicalType", &["object"]),
    // What the standard takes where nothing is said.
    ("type", &["foreignKey", "library", "rest"]),
    ("unit", &["rows"]),
    ("mustBe", &["0"]),
    ("required", &["false"]),
    ("primaryKey", &["false"]),
    ("unique", &["false"]),
    ("partitioned", &["false"]),
    ("criticalDataElement", &["false"]),
    // The rule of the key lists its columns in their order; before them, the columns stand in it.
    ("primaryKeyPosition", &[]),
    ("partitionKeyPosition", &[]),
    // Never a value, whether listed or not.
    ("missingValues", &["null"]),
];

/// What is not said twice where it is the same.
const TWINS: [[&str; 2]; 3] = [
    ["logicalType", "physicalType"],
    ["name", "physicalName"],
    ["name", "businessName"],
];

/// The pages of a document, in every form; nothing where it is none.
type Pages = fn(&Value) -> Option<[String; 2]>;

fn of_contract(document: &Value) -> Option<[String; 2]> {
    let contract = polder_contract::parse(&source(document)).contract?;
    Some([html(&contract, None), markdown(&contract)])
}

fn of_product(document: &Value) -> Option<[String; 2]> {
    let (product, _) = polder_contract::product::parse(&source(document));
    let product = product?;
    Some([product_html(&product, None), product_markdown(&product)])
}

fn source(document: &Value) -> Source {
    Source::new("document.yaml", document.to_string())
}

/// The paths of all parts of a value, outer ones first.
fn parts(value: &Value, path: &str, out: &mut Vec<String>) {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(entries) => entries.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(index, value)| (index.to_string(), value))
            .collect(),
        _ => Vec::new(),
    };
    for (key, value) in inner {
        let path = format!("{path}/{key}");
        parts(value, &path, out);
        out.push(path);
    }
}

fn without(document: &Value, path: &str) -> Value {
    let mut document = document.clone();
    let (outer, key) = path.rsplit_once('/').unwrap();
    match document.pointer_mut(outer).unwrap() {
        Value::Object(entries) => drop(entries.remove(key)),
        Value::Array(items) => drop(items.remove(key.parse().unwrap())),
        other => panic!("{outer} holds {other}"),
    }
    document
}

/// Whether the page may be the same without this part.
fn may_be_unsaid(document: &Value, path: &str) -> bool {
    let part = document.pointer(path).unwrap();
    let (outer, last) = path.rsplit_once('/').unwrap();
    let outer = document.pointer(outer).unwrap();
    let is_twin = TWINS.iter().any(|twins| {
        let mut beside = twins.iter().filter(|key| **key != last);
        twins.contains(&last) && beside.any(|key| outer.get(*key) == Some(part))
    });
    let key = path.rsplit('/').find(|key| key.parse::<usize>().is_err()).unwrap();
    let text = part.as_str().map_or_else(|| part.to_string(), str::to_owned);
    let is_same = |(known, values): &(&str, &[&str])| *known == key && (values.is_empty() || values.contains(&&*text));
    // A key has a value, whether that is said or not.
    let is_of_key = last == "required" && outer.get("primaryKey") == Some(&Value::Bool(true));
    let says_nothing = part.as_array().is_some_and(Vec::is_empty);
    says_nothing || is_twin || is_of_key || SAME.iter().any(is_same)
}

/// The parts that can be taken out of a document without any change of a page.
fn unsaid(document: &Value, pages: Pages) -> Vec<String> {
    let whole = pages(document).unwrap_or_else(|| panic!("no document: {document}"));
    let mut paths = Vec::new();
    parts(document, "", &mut paths);
    paths.retain(|path| {
        let pages = pages(&without(document, path));
        pages.is_some_and(|pages| pages.iter().zip(&whole).any(|(page, whole)| page == whole))
            && !may_be_unsaid(document, path)
    });
    paths
}

fn read(path: &Path) -> Value {
    value(&fs::read_to_string(path).unwrap())
}

fn value(text: &str) -> Value {
    polder_core::document::parse(&Source::new("document.yaml", text))
        .unwrap()
        .to_json()
}

#[test]
fn nothing_can_be_taken_out_of_a_contract_without_a_change_of_its_page() {
    let document = value(include_str!("pages/contract.odcs.yaml"));
    assert_eq!(unsaid(&document, of_contract), [""; 0]);
}

#[test]
fn nothing_can_be_taken_out_of_a_product_without_a_change_of_its_page() {
    let document = value(include_str!("pages/product.odps.yaml"));
    assert_eq!(unsaid(&document, of_product), [""; 0]);
}

#[test]
fn nothing_can_be_taken_out_of_an_official_example_without_a_change_of_its_page() {
    for (folder, ending, pages) in [
        ("odcs/examples", ".odcs.yaml", of_contract as Pages),
        ("odps", ".odps.yaml", of_product as Pages),
    ] {
        let Some(folder) = shared(folder) else { return };
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            // Thousands of parts, of the same kinds as the others'.
            if !name.ends_with(ending) || name.contains("adventureworks") {
                continue;
            }
            assert_eq!(unsaid(&read(&path), pages), [""; 0], "{name}");
        }
    }
}
