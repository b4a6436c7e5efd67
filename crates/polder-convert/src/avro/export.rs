//! From contracts to Avro.

use std::collections::HashSet;

use polder_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

use super::is_name;
use crate::element::{Column, Table, tables, why_lost};
use crate::kind::{INT32, INT64, Kind, UINT32, UINT64};
use crate::loss::{Converted, Tracker};

const WHY: &str = "Avro has no such type";
/// Readers take the size of fixed bytes for an `int`.
const GREATEST_FIXED: u64 = i32::MAX as u64;

/// The schema of a contract: a record for its object, a union of records for several.
pub(crate) fn export(contract: &Value) -> Result<Converted<String>> {
    let tracker = Tracker::default();
    let tables = tables(&tracker.root(contract));
    let titles: Vec<_> = tables.iter().map(title).collect();
    // A name stands for one type in the whole schema.
    let mut names: HashSet<String> = titles.iter().map(|(_, name)| name.clone()).collect();
    let records = tables.iter().zip(titles);
    let mut records: Vec<Value> = records.map(|(table, title)| record(table, title, &mut names)).collect();
    let schema = match records.len() {
        0 => return Err(Error::new(ErrorKind::Document, "the contract has no schema to export")),
        1 => records.remove(0),
        _ => Value::Array(records),
    };
    Ok(Converted {
        value: crate::pretty(&schema),
        losses: tracker.finish(contract, |path| why_lost(path, "an Avro schema")),
    })
}

/// The namespace and the name of a record: the object's name in its store, where that is one in Avro.
fn title<'a>(table: &Table<'a>) -> (Option<&'a str>, String) {
    let full = table.physical.unwrap_or(table.name);
    let valid = full.split('.').all(is_name);
    if valid {
        table.view.take("physicalName");
    }
    let (namespace, name) = match full.rsplit_once('.') {
        Some((namespace, name)) if valid => (Some(namespace), name.to_owned()),
        _ if is_name(full) => (None, full.to_owned()),
        _ => (None, sanitised(table.name)),
    };
    if name != table.name {
        table
            .view
            .lose_part("name", table.name, format!("the record is named `{name}`"));
    }
    (namespace, name)
}

fn record(table: &Table<'_>, (namespace, name): (Option<&str>, String), names: &mut HashSet<String>) -> Value {
    let mut record = Map::new();
    record.insert("type".to_owned(), json!("record"));
    record.insert("name".to_owned(), json!(name));
    if let Some(namespace) = namespace {
        record.insert("namespace".to_owned(), json!(namespace));
    }
    if let Some(text) = table.view.text("description") {
        record.insert("doc".to_owned(), json!(text));
    }
    let fields = table.columns.iter().map(|column| field(column, &name, names));
    let fields: Vec<Value> = fields.collect();
    record.insert("fields".to_owned(), Value::Array(fields));
    Value::Object(record)
}

fn field(column: &Column<'_>, record: &str, names: &mut HashSet<String>) -> Value {
    let mut field = Map::new();
    let name = if is_name(column.name) {
        column.name.to_owned()
    } else {
        let name = sanitised(column.name);
        column.view.lose_part(
            "name",
            column.name,
            format!("it is no name in Avro; written as `{name}`"),
        );
        name
    };
    field.insert("name".to_owned(), json!(name));
    if let Some(text) = column.view.text("description") {
        field.insert("doc".to_owned(), json!(text));
    }
    let schema = nullable(column, &format!("{record}_{name}"), names);
    field.insert("type".to_owned(), schema);
    if !column.required {
        field.insert("default".to_owned(), Value::Null);
    }
    Value::Object(field)
}

/// The type of a column, in a union with null where it may be null. `name` is for types that need one.
fn nullable(column: &Column<'_>, name: &str, names: &mut HashSet<String>) -> Value {
    let schema = schema(column, name, names);
    if column.required {
        schema
    } else {
        json!(["null", schema])
    }
}

fn schema(column: &Column<'_>, name: &str, names: &mut HashSet<String>) -> Value {
    let logical = |base: &str, word: &str| json!({"type": base, "logicalType": word});
    let (schema, back) = match column.kind {
        Kind::Boolean => (json!("boolean"), Kind::Boolean),
        UINT64 => (
            json!({"type": "bytes", "logicalType": "decimal", "precision": 20, "scale": 0}),
            Kind::Decimal {
                precision: 20,
                scale: 0,
            },
        ),
        INT64 | UINT32 => (json!("long"), INT64),
        Kind::Integer { .. } => (json!("int"), INT32),
        Kind::Float32 => (json!("float"), Kind::Float32),
        Kind::Float64 => (json!("double"), Kind::Float64),
        Kind::Decimal { precision, scale } => (
            json!({"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale}),
            column.kind,
        ),
        Kind::String => (text(column, name, names), Kind::String),
        Kind::Uuid => (logical("string", "uuid"), Kind::Uuid),
        Kind::Binary => (bytes(column, name, names), Kind::Binary),
        Kind::Date => (logical("int", "date"), Kind::Date),
        Kind::Timestamp => (logical("long", "timestamp-micros"), Kind::Timestamp),
        Kind::TimestampLocal => (logical("long", "local-timestamp-micros"), Kind::TimestampLocal),
        Kind::Time => (logical("long", "time-micros"), Kind::Time),
        Kind::Object => {
            let name = unique(name, names);
            let fields: Vec<Value> = column.fields().iter().map(|inner| field(inner, &name, names)).collect();
            (json!({"type": "record", "name": name, "fields": fields}), Kind::Object)
        }
        Kind::Array => match column.items() {
            Some(items) => (
                json!({"type": "array", "items": inside(&items, name, names)}),
                Kind::Array,
            ),
            None => (json!({"type": "array", "items": "string"}), Kind::Array),
        },
        Kind::Map => match column.map() {
            Some((key, value)) => {
                key.kind.settle(Kind::String, &key.view, "keys in Avro are text");
                (json!({"type": "map", "values": inside(&value, name, names)}), Kind::Map)
            }
            None => (json!({"type": "map", "values": "string"}), Kind::Map),
        },
    };
    column.kind.settle(back, &column.view, WHY);
    schema
}

fn inside(column: &Column<'_>, name: &str, names: &mut HashSet<String>) -> Value {
    nullable(column, &format!("{name}_item"), names)
}

/// Text, or an enumeration where all allowed values are names.
fn text(column: &Column<'_>, name: &str, names: &mut HashSet<String>) -> Value {
    let allowed = column.allowed();
    let symbols = allowed.as_ref().and_then(|allowed| allowed.texts()).filter(|symbols| {
        let distinct: HashSet<_> = symbols.iter().collect();
        distinct.len() == symbols.len() && symbols.iter().all(|symbol| is_name(symbol))
    });
    match (allowed.as_ref(), symbols) {
        (Some(allowed), Some(symbols)) => {
            allowed.keep();
            json!({"type": "enum", "name": unique(name, names), "symbols": symbols})
        }
        _ => json!("string"),
    }
}

/// Bytes, or a fixed number of them where all values have as many.
fn bytes(column: &Column<'_>, name: &str, names: &mut HashSet<String>) -> Value {
    let (Some(least), Some(greatest)) = (column.option("minLength"), column.option("maxLength")) else {
        return json!("bytes");
    };
    match least.value.as_u64().filter(|size| (1..=GREATEST_FIXED).contains(size)) {
        Some(size) if greatest.value.as_u64() == Some(size) => {
            least.keep();
            greatest.keep();
            json!({"type": "fixed", "name": unique(name, names), "size": size})
        }
        _ => json!("bytes"),
    }
}

/// A name that no other type has.
fn unique(name: &str, names: &mut HashSet<String>) -> String {
    let mut candidate = name.to_owned();
    let mut number = 2;
    while !names.insert(candidate.clone()) {
        candidate = format!("{name}_{number}");
        number += 1;
    }
    candidate
}

/// The nearest name to any text.
fn sanitised(text: &str) -> String {
    let name: String = text
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    if is_name(&name) { name } else { format!("_{name}") }
}
