//! Keys of imported objects that are bound to datasets: those of columns with values inside are left out, and named as
//! lost.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use crate::loss::Tracker;

/// Why a column with values inside is no key.
const NO_KEY: &str = "keys of a dataset are made of single values";
/// The metrics that say how often a key occurs, by all their names.
const DUPLICATES: [&str; 3] = ["duplicateValues", "duplicateCount", "unique"];

/// Leaves every key with values inside out of the objects that `is_dataset` takes: `unique`, primary keys, rules about
/// duplicates and relationships.
pub(crate) fn drop_nested(
    objects: &mut [Map<String, Value>],
    is_dataset: fn(&Map<String, Value>) -> bool,
    tracker: &Tracker,
) {
    let datasets = objects.iter().filter(|object| is_dataset(object));
    let tables = Tables(
        datasets
            .map(|object| (name(object).to_owned(), Columns::of(object)))
            .collect(),
    );
    for object in objects.iter_mut().filter(|object| is_dataset(object)) {
        let path = name(object).to_owned();
        for property in list(object, "properties").iter_mut() {
            of_property(property, &path, &tables, tracker);
        }
        primary_key(list(object, "properties"), &path, tracker);
        retain(object, "quality", |rule| {
            let (Some(metric), Some(columns)) = (duplicates(rule), rule.pointer("/arguments/properties")) else {
                return true;
            };
            let columns = texts(columns);
            let stays = !columns.iter().any(|column| tables.is_compound_in(&path, column));
            if !stays {
                tracker.lose(&path, format!("{metric} of {}", columns.join(", ")), NO_KEY);
            }
            stays
        });
        relationships(object, &path, false, &tables, tracker);
    }
}

fn name(element: &Map<String, Value>) -> &str {
    element.get("name").and_then(Value::as_str).unwrap_or_default()
}

fn list<'v>(element: &'v mut Map<String, Value>, key: &str) -> &'v mut [Value] {
    let list = element.get_mut(key).and_then(Value::as_array_mut);
    list.map_or(&mut [], Vec::as_mut_slice)
}

/// Whether it has values inside.
fn is_compound(property: &Map<String, Value>) -> bool {
    let kind = property.get("logicalType").and_then(Value::as_str);
    matches!(kind, Some("object" | "array" | "map"))
}

/// What is written as one text or as a list of them.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    }
}

/// The metric of a rule about duplicates, as it is written there.
fn duplicates(rule: &Value) -> Option<&str> {
    let word = |key: &str| rule.get(key).and_then(Value::as_str);
    if matches!(word("type"), Some("sql" | "text" | "custom")) {
        return None;
    }
    let metric = word("metric").or_else(|| word("rule"));
    metric.filter(|metric| DUPLICATES.contains(metric))
}

/// Keeps some items of a list; an empty one is not left behind.
fn retain(element: &mut Map<String, Value>, key: &str, stays: impl FnMut(&Value) -> bool) {
    let Some(items) = element.get_mut(key).and_then(Value::as_array_mut) else {
        return;
    };
    let before = items.len();
    items.retain(stays);
    if items.is_empty() && before > 0 {
        element.remove(key);
    }
}

/// The keys that a column says itself, here and inside.
fn of_property(property: &mut Value, path: &str, tables: &Tables, tracker: &Tracker) {
    let Some(property) = property.as_object_mut() else {
        return;
    };
    let path = match name(property) {
        "" => path.to_owned(),
        name => format!("{path}.{name}"),
    };
    let compound = is_compound(property);
    if compound {
        if property.remove("unique") == Some(json!(true)) {
            tracker.lose(&path, "unique", NO_KEY);
        }
        retain(property, "quality", |rule| match duplicates(rule) {
            Some(metric) => {
                tracker.lose(&path, metric, NO_KEY);
                false
            }
            None => true,
        });
    }
    relationships(property, &path, compound, tables, tracker);
    for field in list(property, "properties").iter_mut() {
        of_property(field, &path, tables, tracker);
    }
    if let Some(items) = property.get_mut("items") {
        of_property(items, &format!("{path}.items"), tables, tracker);
    }
    for side in ["key", "value"] {
        if let Some(inside) = property.get_mut("map").and_then(|map| map.get_mut(side)) {
            of_property(inside, &format!("{path}.{side}"), tables, tracker);
        }
    }
}

/// The relationships of an object or column: none with values inside at either end. `compound` tells whether all begin
/// at such a column.
fn relationships(element: &mut Map<String, Value>, path: &str, compound: bool, tables: &Tables, tracker: &Tracker) {
    retain(element, "relationships", |relationship| {
        let ends = |key: &str| relationship.get(key).map(texts).unwrap_or_default();
        let (from, to) = (ends("from"), ends("to"));
        let stays = !compound && !from.iter().chain(&to).any(|end| tables.is_compound(end));
        if !stays {
            tracker.lose(path, format!("relationship to {}", to.join(", ")), NO_KEY);
        }
        stays
    });
}

/// Takes back a primary key with values inside: without that column it would be another.
fn primary_key(properties: &mut [Value], path: &str, tracker: &Tracker) {
    let is_key = |property: &Map<String, Value>| property.get("primaryKey") == Some(&json!(true));
    let columns = properties.iter().filter_map(Value::as_object);
    let key: Vec<_> = columns.filter(|property| is_key(property)).collect();
    if !key.iter().any(|property| is_compound(property)) {
        return;
    }
    let names = key.iter().filter_map(|property| property.get("name")?.as_str());
    let names: Vec<_> = names.collect();
    tracker.lose(path, format!("primary key {}", names.join(", ")), NO_KEY);
    for property in properties.iter_mut().filter_map(Value::as_object_mut) {
        property.remove("primaryKey");
        property.remove("primaryKeyPosition");
    }
}

/// The columns of the datasets, by the names of their objects.
struct Tables(HashMap<String, Columns>);

impl Tables {
    /// Whether a reference, `object.column…`, names values with others inside.
    fn is_compound(&self, reference: &str) -> bool {
        let named = reference.split_once('.');
        named.is_some_and(|(table, column)| self.is_compound_in(table, column))
    }

    fn is_compound_in(&self, table: &str, column: &str) -> bool {
        self.0.get(table).is_some_and(|columns| columns.is_compound(column))
    }
}

/// The columns of an object, or the fields of a column, by their names in the contract and in the store.
#[derive(Default)]
struct Columns {
    positions: HashMap<String, usize>,
    columns: Vec<Column>,
}

struct Column {
    is_compound: bool,
    fields: Columns,
}

impl Columns {
    fn of(element: &Map<String, Value>) -> Self {
        let mut found = Self::default();
        let properties = element.get("properties").and_then(Value::as_array);
        for property in properties.into_iter().flatten().filter_map(Value::as_object) {
            for key in ["name", "physicalName"] {
                if let Some(name) = property.get(key).and_then(Value::as_str) {
                    // The first of several is meant.
                    let position = found.columns.len();
                    found.positions.entry(name.to_owned()).or_insert(position);
                }
            }
            found.columns.push(Column {
                is_compound: is_compound(property),
                fields: Self::of(property),
            });
        }
        found
    }

    /// Whether a path, with dots between the names, leads to values with others inside.
    fn is_compound(&self, path: &str) -> bool {
        let mut columns = self;
        let mut compound = false;
        for name in path.split('.') {
            let position = columns.positions.get(name);
            let Some(column) = position.and_then(|position| columns.columns.get(*position)) else {
                return false;
            };
            compound = column.is_compound;
            columns = &column.fields;
        }
        compound
    }
}
