//! What tables cannot hold of an imported object that is bound to a dataset: times of day, names of columns that other
//! engines refuse, and keys with values inside.

use std::collections::{HashMap, HashSet};

use polder_core::DatasetName;
use serde_json::{Map, Value, json};

use crate::keys::drop_nested;
use crate::kind::option;
use crate::loss::{Tracker, describe};
use crate::names::snake_case;

/// Characters that no column of a dataset has in its name: what Spark refuses in Delta tables, and what names the inside
/// of columns.
const NOT_IN_NAMES: &str = " ,;{}()\n\t=.[]";
/// Times of day as text, to the microsecond.
const TIME: &str = r"^([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?$";
/// What text has of a type's options.
const OF_TEXT: [&str; 3] = ["minLength", "maxLength", "pattern"];

/// Brings the objects that are datasets into what their tables can hold, and names what is lost.
pub(crate) fn make_storable(objects: &mut [Map<String, Value>], tracker: &Tracker) {
    for object in objects.iter_mut().filter(|object| is_dataset(object)) {
        let name = object
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        let mut columns = HashMap::new();
        if let Some(properties) = object.get_mut("properties").and_then(Value::as_array_mut) {
            columns = rename(properties, &name, tracker);
            properties
                .iter_mut()
                .for_each(|property| store(property, &name, tracker));
        }
        if !columns.is_empty() {
            rules(object, &columns);
        }
    }
    // Keys are spoken of by the columns' new names.
    drop_nested(objects, is_dataset, tracker);
}

fn is_dataset(object: &Map<String, Value>) -> bool {
    let name = object.get("physicalName").and_then(Value::as_str);
    name.is_some_and(|name| name.parse::<DatasetName>().is_ok())
}

fn is_bad(c: char) -> bool {
    NOT_IN_NAMES.contains(c) || c.is_control()
}

/// Gives columns a name that their table can have, each its own; tells the old and the new ones.
fn rename(properties: &mut [Value], path: &str, tracker: &Tracker) -> HashMap<String, String> {
    let name = |property: &Value| property.get("name").and_then(Value::as_str).map(str::to_owned);
    let names: Vec<String> = properties.iter().filter_map(name).collect();
    let good = names.iter().filter(|name| !name.contains(is_bad));
    let mut taken: HashSet<String> = good.map(|name| name.to_lowercase()).collect();
    let (mut renamed, mut numbers) = (HashMap::new(), HashMap::new());
    for property in properties.iter_mut().filter_map(Value::as_object_mut) {
        let Some(from) = property.get("name").and_then(Value::as_str).map(str::to_owned) else {
            continue;
        };
        let place = format!("{path}.{from}");
        if let Some(physical) = property.get("physicalName").and_then(Value::as_str)
            && physical.contains(is_bad)
        {
            if physical != from {
                tracker.lose(
                    format!("{place}.physicalName"),
                    physical,
                    "no column of a dataset is called so",
                );
            }
            property.remove("physicalName");
        }
        if !from.contains(is_bad) {
            continue;
        }
        let base = match from.contains(|c: char| c.is_ascii_alphanumeric()) {
            true => from.trim().replace(is_bad, "_").trim_matches('_').to_owned(),
            false => snake_case(&from),
        };
        let mut to = base.clone();
        let number = numbers.entry(base.to_lowercase()).or_insert(2_usize);
        while !taken.insert(to.to_lowercase()) {
            to = format!("{base}_{number}");
            *number += 1;
        }
        tracker.lose(
            place,
            from.as_str(),
            format!("columns of a dataset have no such names: called {to}"),
        );
        property.insert("name".to_owned(), json!(to));
        renamed.insert(from, to);
    }
    renamed
}

/// Makes text of times of day, here and inside, and mends the names of fields.
fn store(property: &mut Value, path: &str, tracker: &Tracker) {
    let Some(property) = property.as_object_mut() else {
        return;
    };
    let path = match property.get("name").and_then(Value::as_str) {
        Some(name) => format!("{path}.{name}"),
        None => path.to_owned(),
    };
    if property.get("logicalType").and_then(Value::as_str) == Some("time") {
        as_text(property, &path, tracker);
    }
    if let Some(fields) = property.get_mut("properties").and_then(Value::as_array_mut) {
        rename(fields, &path, tracker);
        fields.iter_mut().for_each(|field| store(field, &path, tracker));
    }
    if let Some(items) = property.get_mut("items") {
        store(items, &format!("{path}.items"), tracker);
    }
    for side in ["key", "value"] {
        if let Some(inside) = property.get_mut("map").and_then(|map| map.get_mut(side)) {
            store(inside, &format!("{path}.{side}"), tracker);
        }
    }
}

fn as_text(property: &mut Map<String, Value>, path: &str, tracker: &Tracker) {
    let why = "tables have no times of day: written as text with their pattern";
    let physical = property.remove("physicalType");
    let word = physical.as_ref().and_then(Value::as_str).unwrap_or("time");
    tracker.lose(path, word, why);
    property.insert("logicalType".to_owned(), json!("string"));
    if let Some(options) = property.get_mut("logicalTypeOptions").and_then(Value::as_object_mut) {
        options.retain(|key, value| {
            let stays = OF_TEXT.contains(&key.as_str());
            if !stays {
                let place = format!("{path}.logicalTypeOptions.{key}");
                tracker.lose(place, describe(value), "of a time of day, not of text");
            }
            stays
        });
    }
    let has_pattern =
        |property: &Map<String, Value>| Some(property.get("logicalTypeOptions")?.get("pattern")?.is_string());
    if has_pattern(property) != Some(true) {
        option(property, "pattern", json!(TIME));
    }
}

/// A text of a rule with the new names of columns: alone, or quoted in an expression.
fn with_new_names(text: &str, renamed: &HashMap<String, String>) -> String {
    if let Some(to) = renamed.get(text) {
        return to.clone();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    // From quote to quote of the same kind.
    while let Some(open) = rest.find(['"', '`', '\'']) {
        let quote = &rest[open..=open];
        let inside = &rest[open + 1..];
        let Some(close) = inside.find(quote) else { break };
        let name = renamed.get(&inside[..close]).filter(|_| quote != "'");
        out.push_str(&rest[..open]);
        match name {
            Some(to) => out.push_str(&format!("\"{to}\"")),
            None => out.push_str(&rest[open..open + close + 2]),
        }
        rest = &inside[close + 1..];
    }
    out.push_str(rest);
    out
}

/// Rewrites the texts in the rules of an object and its columns. Relationships need none: the standard's references name
/// no such columns.
fn rules(element: &mut Map<String, Value>, renamed: &HashMap<String, String>) {
    if let Some(quality) = element.get_mut("quality") {
        texts(quality, renamed);
    }
    if let Some(properties) = element.get_mut("properties").and_then(Value::as_array_mut) {
        for property in properties.iter_mut().filter_map(Value::as_object_mut) {
            rules(property, renamed);
        }
    }
}

fn texts(value: &mut Value, renamed: &HashMap<String, String>) {
    match value {
        Value::String(text) => *text = with_new_names(text, renamed),
        Value::Array(items) => items.iter_mut().for_each(|item| texts(item, renamed)),
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                // Values that are allowed and what is said to people name no column.
                if !matches!(key.as_str(), "validValues" | "description" | "name" | "id") {
                    texts(value, renamed);
                }
            }
        }
        _ => {}
    }
}
