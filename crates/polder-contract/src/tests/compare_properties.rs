//! Laws of comparing, tried on the standard's own examples with random changes.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use polder_core::document::{Entry, Node, Source, Value, parse as parse_document};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Map, Value as Json};

use super::examples::examples;
use crate::diff::{Bump, Change, Class, Comparison, compare};
use crate::{Contract, Place, parse};

/// One thing done to a document.
#[derive(Debug, Clone)]
enum Edit {
    Remove,
    Alter,
    Double,
    Swap(Index),
    Take(Index),
}

fn edit() -> impl Strategy<Value = (Index, Edit)> {
    let what = prop_oneof![
        2 => Just(Edit::Remove),
        4 => Just(Edit::Alter),
        1 => Just(Edit::Double),
        2 => any::<Index>().prop_map(Edit::Swap),
        1 => any::<Index>().prop_map(Edit::Take),
    ];
    (any::<Index>(), what)
}

/// Every place of the document but its root, as a path of positions.
fn places(node: &Node, path: &mut Vec<usize>, out: &mut Vec<Vec<usize>>) {
    let inside: Vec<&Node> = match &node.value {
        Value::Map(entries) => entries.iter().map(|entry| &entry.value).collect(),
        Value::List(items) => items.iter().collect(),
        _ => return,
    };
    for (index, child) in inside.into_iter().enumerate() {
        path.push(index);
        out.push(path.clone());
        places(child, path, out);
        path.pop();
    }
}

fn at<'n>(node: &'n mut Node, path: &[usize]) -> &'n mut Node {
    match path.split_first() {
        None => node,
        Some((index, rest)) => match &mut node.value {
            Value::Map(entries) => at(&mut entries[*index].value, rest),
            Value::List(items) => at(&mut items[*index], rest),
            _ => unreachable!("paths lead through lists and mappings"),
        },
    }
}

fn apply(document: &mut Node, pick: Index, edit: &Edit) {
    let mut paths = Vec::new();
    places(document, &mut Vec::new(), &mut paths);
    let path = pick.get(&paths).clone();
    let (last, parents) = path.split_last().expect("the root is not among the places");
    let parent = at(document, parents);
    match (edit, &mut parent.value) {
        (Edit::Remove, Value::Map(entries)) => drop(entries.remove(*last)),
        (Edit::Remove, Value::List(items)) => drop(items.remove(*last)),
        (Edit::Double, Value::List(items)) => items.insert(*last, items[*last].clone()),
        (Edit::Swap(other), Value::Map(entries)) => {
            let other = other.index(entries.len());
            entries.swap(*last, other);
        }
        (Edit::Swap(other), Value::List(items)) => {
            let other = other.index(items.len());
            items.swap(*last, other);
        }
        (Edit::Take(other), Value::Map(entries)) => {
            // The value of another key: nonsense that sometimes is none.
            let other: &Entry = &entries[other.index(entries.len())];
            let value = other.value.clone();
            entries[*last].value = value;
        }
        (Edit::Alter, _) => alter(at(document, &path)),
        _ => {}
    }
}

fn alter(node: &mut Node) {
    node.value = match &node.value {
        Value::Bool(value) => Value::Bool(!value),
        Value::Number(text) => Value::Number(match text.parse::<i64>() {
            Ok(number) => (number + 1).to_string(),
            Err(_) => "7".to_owned(),
        }),
        Value::String(text) => Value::String(match text.as_str() {
            "active" => "deprecated".to_owned(),
            "string" => "integer".to_owned(),
            "integer" => "number".to_owned(),
            "error" => "warning".to_owned(),
            "d" => "h".to_owned(),
            text => format!("{text}x"),
        }),
        other => other.clone(),
    };
}

fn contract(name: &str, document: &Node) -> Option<Contract> {
    parse(&Source::new(name, document.to_json().to_string())).contract
}

/// What a document means, told apart without the code under test: the same JSON for the same meaning.
fn meaning(key: &str, value: &Json, free: bool) -> Json {
    match value {
        Json::Array(items) => {
            let ordered = free || matches!(key, "properties" | "from" | "to" | "mustBeBetween" | "mustNotBeBetween");
            let in_key = items.iter().filter(|item| item["primaryKey"] == true).count();
            let mut items: Vec<Json> = items
                .iter()
                .map(|item| {
                    let mut item = meaning("", item, free || key == "examples");
                    // A lone column of the key has no position in it.
                    if let (false, "properties", 1, Json::Object(column)) = (free, key, in_key, &mut item) {
                        column.remove("primaryKeyPosition");
                    }
                    item
                })
                .collect();
            if !ordered || key == "examples" {
                items.sort_by_key(Json::to_string);
            }
            Json::Array(items)
        }
        Json::Object(entries) => {
            let on = |flag: &str| entries.get(flag) == Some(&Json::Bool(true));
            let kept = entries.iter().filter(|(key, value)| {
                free || !(matches!(value, Json::Array(items) if items.is_empty() && !is_free(key))
                    || matches!(value, Json::Object(map) if map.is_empty() && !is_free(key))
                    || (**value == Json::Bool(false)
                        && [
                            "required",
                            "unique",
                            "primaryKey",
                            "partitioned",
                            "criticalDataElement",
                            "uniqueItems",
                        ]
                        .contains(&key.as_str()))
                    || (*key == "type" && (**value == "library" || **value == "foreignKey"))
                    || (*key == "severity" && **value == "error")
                    || (*key == "semanticType" && **value == "column")
                    || (*key == "timezone" && **value == true)
                    || (*key == "defaultTimezone" && ["UTC", "Etc/UTC", "Z"].iter().any(|utc| **value == **utc))
                    || (matches!(key.as_str(), "minItems" | "minProperties") && **value == 0)
                    || (*key == "unit" && **value == "rows" && !entries.contains_key("property"))
                    || (key.ends_with("KeyPosition") && value.as_i64().is_some_and(|position| position <= 1))
                    || (*key == "port" && entries["type"] == "sqlserver" && **value == 1433)
                    || (*key == "primaryKeyPosition" && !on("primaryKey"))
                    || (*key == "partitionKeyPosition" && !on("partitioned")))
            });
            let sorted: BTreeMap<String, Json> = kept
                .map(|(key, value)| (key.clone(), meaning(key, value, free || is_free(key))))
                .filter(|(key, value)| free || is_free(key) || value.as_object().is_none_or(|map| !map.is_empty()))
                .collect();
            Json::Object(sorted.into_iter().collect::<Map<_, _>>())
        }
        Json::Number(number) => match number.to_string().parse::<f64>() {
            Ok(number) => Json::String(format!("number {number}")),
            Err(_) => value.clone(),
        },
        other => other.clone(),
    }
}

fn is_free(key: &str) -> bool {
    matches!(key, "value" | "arguments" | "implementation" | "examples")
}

/// What comes and goes with columns and the like, and types: the two that have no mirror.
const WITHOUT_MIRROR: [(&str, &str); 7] = [
    ("column-added", "column-removed"),
    ("required-column-added", "column-removed"),
    ("object-added", "object-removed"),
    ("server-added", "server-removed"),
    ("role-added", "role-removed"),
    ("type-widened", "type-narrowed"),
    ("columns-reordered", "columns-reordered"),
];

fn mirror(class: Class) -> Class {
    match class {
        Class::BreaksReaders => Class::BreaksWriters,
        Class::BreaksWriters => Class::BreaksReaders,
        Class::QualityTightened => Class::QualityLoosened,
        Class::QualityLoosened => Class::QualityTightened,
        Class::ServiceLevelRaised => Class::ServiceLevelLowered,
        Class::ServiceLevelLowered => Class::ServiceLevelRaised,
        same => same,
    }
}

fn has_mirror(change: &&Change) -> bool {
    WITHOUT_MIRROR
        .iter()
        .all(|(come, gone)| change.code != *come && change.code != *gone)
}

fn classes(comparison: &Comparison, turn: fn(Class) -> Class) -> Vec<Class> {
    let mut classes: Vec<Class> = comparison
        .changes
        .iter()
        .filter(has_mirror)
        .map(|change| turn(change.class))
        .collect();
    classes.sort();
    classes
}

fn inside(place: &Option<Place>, text: &str) -> bool {
    place
        .as_ref()
        .is_some_and(|place| text.get(place.span.start..place.span.end).is_some())
}

fn laws(old: &Contract, new: &Contract) -> Result<(), TestCaseError> {
    let there = compare(old, new);
    let back = compare(new, old);
    let same = meaning("", &old.document.to_json(), false) == meaning("", &new.document.to_json(), false);
    prop_assert_eq!(there.is_empty(), same, "{:#?}", there);
    prop_assert_eq!(back.is_empty(), same, "{:#?}", back);
    prop_assert_eq!(there.required_bump() == Bump::None, same);
    prop_assert!(compare(new, new).is_empty());
    for change in &there.changes {
        prop_assert!(
            inside(&change.old, &old.text) && inside(&change.new, &new.text),
            "{:?}",
            change
        );
        prop_assert!(!change.what.is_empty());
    }
    prop_assert_eq!(
        classes(&there, mirror),
        classes(&back, |class| class),
        "{:#?}\n{:#?}",
        there,
        back
    );
    for (come, gone) in WITHOUT_MIRROR {
        let count = |comparison: &Comparison, codes: &[&str]| {
            comparison
                .changes
                .iter()
                .filter(|change| codes.contains(&change.code))
                .count()
        };
        let come = if gone == "column-removed" {
            vec!["column-added", "required-column-added"]
        } else {
            vec![come]
        };
        prop_assert_eq!(count(&there, &come), count(&back, &[gone]));
        prop_assert_eq!(count(&back, &come), count(&there, &[gone]));
    }
    Ok(())
}

#[test]
fn an_example_compared_with_itself_has_no_changes() {
    for source in examples() {
        let contract = parse(&source).contract.unwrap();
        assert!(compare(&contract, &contract).is_empty(), "{}", source.path.display());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// Nothing changed goes unsaid, nothing unchanged is spoken of, and the way back mirrors the way there.
    #[test]
    fn comparing_keeps_its_laws(pick in any::<Index>(), edits in prop::collection::vec(edit(), 1..4)) {
        static SOURCES: LazyLock<Vec<Source>> = LazyLock::new(examples);
        if SOURCES.is_empty() {
            return Ok(());
        }
        let source = pick.get(&SOURCES);
        let old_document = parse_document(source).unwrap();
        let mut new_document = old_document.clone();
        for (pick, edit) in &edits {
            apply(&mut new_document, *pick, edit);
        }
        let old = contract("old.odcs.yaml", &old_document).unwrap();
        // What the standard refuses is nobody's contract.
        if let Some(new) = contract("new.odcs.yaml", &new_document) {
            laws(&old, &new)?;
        }
    }
}
