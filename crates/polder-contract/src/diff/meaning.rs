//! When two parts of a document mean the same: the order of keys never counts, the order of items only where the
//! standard gives it a meaning; what is left out means the same as its default; numbers are equal by value.

use polder_core::document::{Entry, Node, Value};

use super::number::Number;
use crate::dates::offset;
use crate::quality::counts_rows;

/// Lists whose order means something: columns, the two ends of a composite relationship, ranges.
const ORDERED: [&str; 5] = ["properties", "from", "to", "mustBeBetween", "mustNotBeBetween"];

/// Below these keys stands what is the author's own: nothing is known of its lists and defaults.
const FREE: [&str; 4] = ["value", "arguments", "implementation", "examples"];

/// Flags that mean `false` where they are left out.
const FLAGS: [&str; 6] = [
    "required",
    "unique",
    "primaryKey",
    "partitioned",
    "criticalDataElement",
    "uniqueItems",
];

/// Words that are meant where nothing is said.
const DEFAULTS: [(&str, &str); 4] = [
    ("type", "library"),
    ("type", "foreignKey"),
    ("severity", "error"),
    ("semanticType", "column"),
];

/// Least numbers that are meant where none is given.
const COUNTS: [&str; 2] = ["minItems", "minProperties"];

/// What is meant where a server says nothing, by its type.
const SERVERS: [(&str, &str, &str); 7] = [
    ("athena", "catalog", "awsdatacatalog"),
    ("kafka", "format", "json"),
    ("sqlserver", "port", "1433"),
    ("hive", "port", "10000"),
    ("impala", "port", "21050"),
    ("informix", "port", "9088"),
    ("zen", "port", "1583"),
];

/// Positions that mean something only beside their flag.
const POSITIONS: [(&str, &str); 2] = [
    ("primaryKeyPosition", "primaryKey"),
    ("partitionKeyPosition", "partitioned"),
];

/// Whether both mean the same, as the values of this key.
pub(super) fn same(key: &str, old: Option<&Node>, new: Option<&Node>) -> bool {
    let shown = |node: Option<&Node>| node.filter(|node| !is_default(key, node)).map(|node| of(key, node));
    shown(old) == shown(new)
}

/// One text for everything that means the same, as the value of this key.
pub(super) fn of(key: &str, node: &Node) -> String {
    let mut out = String::new();
    write(node, key, FREE.contains(&key), &mut out);
    out
}

/// The entries that say something: all but those that repeat a default.
pub(super) fn entries(node: &Node) -> impl Iterator<Item = &Entry> {
    let flag = |key: &str| crate::place::flag(node, key);
    node.as_map()
        .unwrap_or_default()
        .iter()
        .filter(move |entry| !is_default(&entry.key, &entry.value))
        .filter(move |entry| {
            POSITIONS
                .iter()
                .all(|(position, owner)| entry.key != *position || flag(owner))
        })
        .filter(|entry| !is_default_here(node, entry))
}

/// Whether an entry repeats what is meant beside the others of its element.
fn is_default_here(element: &Node, entry: &Entry) -> bool {
    let Some(said) = entry.value.scalar_text() else {
        return false;
    };
    match entry.key.as_str() {
        // Rules count rows; service levels, which have a property, say in which unit they are.
        "unit" => element.get("property").is_none() && counts_rows(said),
        key => {
            let kind = element.get("server").and_then(|_| element.get("type")?.as_str());
            kind.is_some_and(|kind| SERVERS.contains(&(kind, key, said)))
        }
    }
}

/// Whether a time zone is UTC, which is meant where none is said.
fn is_utc(zone: &str) -> bool {
    ["Z", "UTC", "Etc/UTC", "GMT", "Etc/GMT"].contains(&zone) || offset(zone) == Some(0)
}

fn is_default(key: &str, node: &Node) -> bool {
    match &node.value {
        Value::List(items) => items.is_empty() && !FREE.contains(&key),
        Value::Map(_) => entries(node).next().is_none() && !FREE.contains(&key),
        Value::Bool(false) => FLAGS.contains(&key),
        Value::Number(text) => COUNTS.contains(&key) && Number::read(text).is_some_and(|number| number.is_zero()),
        Value::String(text) if key == "defaultTimezone" => is_utc(text),
        Value::String(text) => DEFAULTS.contains(&(key, text)),
        _ => false,
    }
}

fn write(node: &Node, key: &str, free: bool, out: &mut String) {
    match &node.value {
        Value::Null => out.push('~'),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(text) => {
            out.push('#');
            match Number::read(text) {
                Some(number) => out.push_str(&number.normal()),
                None => out.push_str(text),
            }
        }
        Value::String(text) => {
            out.push('"');
            out.push_str(&text.len().to_string());
            out.push(':');
            out.push_str(text);
        }
        Value::List(items) => {
            let free_items = free || key == "examples";
            let mut parts: Vec<String> = items
                .iter()
                .map(|item| {
                    let mut part = String::new();
                    write(item, "", free_items, &mut part);
                    part
                })
                .collect();
            // Examples are the author's values, but in no order.
            if key == "examples" || !(free || ORDERED.contains(&key)) {
                parts.sort();
            }
            out.push('[');
            parts.iter().for_each(|part| {
                out.push_str(part);
                out.push(',');
            });
            out.push(']');
        }
        Value::Map(all) => {
            let mut shown: Vec<&Entry> = if free {
                all.iter().collect()
            } else {
                entries(node).collect()
            };
            shown.sort_by(|a, b| a.key.cmp(&b.key));
            out.push('{');
            for entry in shown {
                out.push_str(&entry.key.len().to_string());
                out.push(':');
                out.push_str(&entry.key);
                out.push('=');
                write(
                    &entry.value,
                    &entry.key,
                    free || FREE.contains(&entry.key.as_str()),
                    out,
                );
                out.push(',');
            }
            out.push('}');
        }
    }
}
