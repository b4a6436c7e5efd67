//! From contracts to JSON Schema 2020-12.

use polder_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

use super::{FORMATS, options_of};
use crate::element::{Column, Table, tables, why_lost};
use crate::kind::Kind;
use crate::loss::{Converted, Tracker};

/// A schema for rows of the contract's object; for several objects, one that takes rows of any, defined under `$defs`.
pub(crate) fn export(contract: &Value) -> Result<Converted<String>> {
    let tracker = Tracker::default();
    let tables = tables(&tracker.root(contract));
    let mut schema = Map::new();
    schema.insert(
        "$schema".to_owned(),
        json!("https://json-schema.org/draft/2020-12/schema"),
    );
    match tables.as_slice() {
        [] => return Err(Error::new(ErrorKind::Document, "the contract has no schema to export")),
        [table] => schema.extend(object(table)),
        many => {
            let references: Vec<Value> = many
                .iter()
                .map(|table| json!({"$ref": format!("#/$defs/{}", pointer(table.name))}))
                .collect();
            schema.insert("anyOf".to_owned(), Value::Array(references));
            let definitions = many
                .iter()
                .map(|table| (table.name.to_owned(), Value::Object(object(table))));
            schema.insert("$defs".to_owned(), Value::Object(definitions.collect()));
        }
    }
    Ok(Converted {
        value: crate::pretty(&Value::Object(schema)),
        losses: tracker.finish(contract, |path| why_lost(path, "JSON Schema")),
    })
}

/// A name as a part of a JSON pointer in a URI.
fn pointer(name: &str) -> String {
    let mut out = String::new();
    for byte in name.replace('~', "~0").replace('/', "~1").bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn object(table: &Table<'_>) -> Map<String, Value> {
    let mut schema = Map::new();
    schema.insert("title".to_owned(), json!(table.name));
    if let Some(text) = table.view.text("description") {
        schema.insert("description".to_owned(), json!(text));
    }
    schema.insert("type".to_owned(), json!("object"));
    fields(&table.columns, &mut schema);
    schema
}

fn fields(columns: &[Column<'_>], schema: &mut Map<String, Value>) {
    let properties: Map<_, _> = columns
        .iter()
        .map(|column| (column.name.to_owned(), property(column)))
        .collect();
    schema.insert("properties".to_owned(), Value::Object(properties));
    let required: Vec<&str> = columns
        .iter()
        .filter(|column| column.required)
        .map(|column| column.name)
        .collect();
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
}

/// What a column is called and what it means.
fn in_words(column: &Column<'_>) -> Map<String, Value> {
    let mut schema = Map::new();
    for (key, from) in [("title", "businessName"), ("description", "description")] {
        if let Some(text) = column.view.text(from) {
            schema.insert(key.to_owned(), json!(text));
        }
    }
    schema
}

fn property(column: &Column<'_>) -> Value {
    let mut schema = in_words(column);
    let view = &column.view;
    let word = word(column.kind);
    let with_null = if column.required {
        json!(word)
    } else {
        json!([word, "null"])
    };
    schema.insert("type".to_owned(), with_null);
    // The first format of a kind is the one that is written.
    if let Some((_, format, _)) = FORMATS.iter().find(|(_, _, kind)| *kind == column.kind) {
        if column.kind == Kind::Binary {
            schema.insert("contentEncoding".to_owned(), json!("base64"));
        } else if column.kind != Kind::Float64 {
            schema.insert("format".to_owned(), json!(format));
        }
    } else if column.kind == Kind::String
        && let Some(format) = column.option("format")
    {
        format.keep();
        schema.insert("format".to_owned(), format.value.clone());
    }
    for key in options_of(column.kind) {
        if let Some(option) = column.option(key) {
            option.keep();
            schema.insert((*key).to_owned(), option.value.clone());
        }
    }
    width(column, &mut schema);
    let back = match column.kind {
        Kind::Decimal { .. } => Kind::Float64,
        kind => kind,
    };
    column
        .kind
        .settle(back, view, "JSON has numbers without digits to hold to");
    match column.kind {
        Kind::Object => fields(&column.fields(), &mut schema),
        Kind::Array => {
            if let Some(items) = column.items() {
                schema.insert("items".to_owned(), property(&items));
            }
        }
        Kind::Map => {
            if let Some((key, value)) = column.map() {
                let names = names(&key);
                if !names.is_empty() {
                    schema.insert("propertyNames".to_owned(), Value::Object(names));
                }
                schema.insert("additionalProperties".to_owned(), property(&value));
            }
        }
        _ => {}
    }
    if let Some(allowed) = column.allowed() {
        allowed.keep();
        let mut values: Vec<Value> = allowed.values.iter().map(|value| (*value).clone()).collect();
        if !column.required {
            values.push(Value::Null);
        }
        schema.insert("enum".to_owned(), Value::Array(values));
    }
    examples(column, &mut schema);
    Value::Object(schema)
}

fn examples(column: &Column<'_>, schema: &mut Map<String, Value>) {
    if let Some(examples) = column.view.take("examples") {
        schema.insert("examples".to_owned(), examples.clone());
    }
}

/// What the names of properties keep that are a map's keys. Keys in JSON are text: what text can be limited by goes over.
fn names(key: &Column<'_>) -> Map<String, Value> {
    let mut names = in_words(key);
    match key.kind {
        Kind::Uuid => {
            names.insert("format".to_owned(), json!("uuid"));
        }
        Kind::String => {
            if let Some(format) = key.option("format") {
                format.keep();
                names.insert("format".to_owned(), format.value.clone());
            }
        }
        kind => {
            kind.settle(Kind::String, &key.view, "keys in JSON are text");
            return names;
        }
    }
    for option in options_of(Kind::String) {
        if let Some(limit) = key.option(option) {
            limit.keep();
            names.insert((*option).to_owned(), limit.value.clone());
        }
    }
    if let Some(allowed) = key.allowed() {
        allowed.keep();
        let values = allowed.values.iter().map(|value| (*value).clone());
        names.insert("enum".to_owned(), values.collect());
    }
    examples(key, &mut names);
    names
}

/// A format of numbers that is left beside the type is a width of its own (`u32` in a `bigint`): its bounds, where the
/// declared ones are not narrower.
fn width(column: &Column<'_>, schema: &mut Map<String, Value>) {
    if !matches!(column.kind, Kind::Integer { .. } | Kind::Decimal { scale: 0, .. }) {
        return;
    }
    let Some(format) = column.option("format") else { return };
    let Some((least, greatest)) = format.value.as_str().and_then(bounds_of_width) else {
        return;
    };
    let bound = |key: &str, exclusive: &str| schema.get(key).or_else(|| schema.get(exclusive)).cloned();
    let (from, to) = (
        bound("minimum", "exclusiveMinimum"),
        bound("maximum", "exclusiveMaximum"),
    );
    if from.is_none_or(|from| from.as_f64().is_some_and(|from| from < least as f64)) {
        schema.insert("minimum".to_owned(), json!(least));
    }
    if to.is_none_or(|to| to.as_f64().is_some_and(|to| to > greatest as f64)) {
        schema.insert("maximum".to_owned(), json!(greatest));
    }
    format.keep();
}

/// The least and the greatest number of a width of up to 64 bits: `u32`, `i16`, …
fn bounds_of_width(format: &str) -> Option<(i64, u64)> {
    Some(match format {
        "i8" => (i8::MIN.into(), i8::MAX as u64),
        "i16" => (i16::MIN.into(), i16::MAX as u64),
        "i32" => (i32::MIN.into(), i32::MAX as u64),
        "i64" => (i64::MIN, i64::MAX as u64),
        "u8" => (0, u8::MAX.into()),
        "u16" => (0, u16::MAX.into()),
        "u32" => (0, u32::MAX.into()),
        "u64" => (0, u64::MAX),
        _ => return None,
    })
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Boolean => "boolean",
        Kind::Integer { .. } => "integer",
        Kind::Float32 | Kind::Float64 | Kind::Decimal { .. } => "number",
        Kind::Object | Kind::Map => "object",
        Kind::Array => "array",
        Kind::String | Kind::Uuid | Kind::Binary | Kind::Date | Kind::Timestamp | Kind::TimestampLocal | Kind::Time => {
            "string"
        }
    }
}
