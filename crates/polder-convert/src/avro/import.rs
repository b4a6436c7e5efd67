//! From Avro to contracts.

use std::cell::RefCell;
use std::collections::HashMap;

use polder_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

use crate::bounds::Bounds;
use crate::document::Document;
use crate::draft::{Draft, ImportOptions, allowed_values};
use crate::kind::{INT32, INT64, Kind, option};
use crate::loss::{Converted, Tracker, View};

const NO_NAMES: &str = "types inside a contract have no name";

/// A contract of the records of a schema.
pub(crate) fn import(source: &Document<'_>, options: &ImportOptions) -> Result<Converted<String>> {
    let document = source.json("Avro schema")?;
    let tracker = Tracker::default();
    let root = tracker.root(&document);
    let reader = Reader::default();
    let mut draft = Draft::default();
    let top = if document.is_array() { root.list() } else { vec![root] };
    for schema in top {
        if schema.value.get("type").and_then(Value::as_str) == Some("record") {
            draft.objects.push(reader.object(&schema)?);
        } else if let Some(name) = schema.value.get("name").and_then(Value::as_str) {
            // A type beside the records: they name it.
            let namespace = schema
                .value
                .get("namespace")
                .and_then(Value::as_str)
                .unwrap_or_default();
            reader
                .named
                .borrow_mut()
                .insert(full_name(name, namespace), schema.clone());
        } else {
            schema.lose("it is no record, and so no table");
        }
    }
    if draft.objects.is_empty() {
        return Err(
            Error::new(ErrorKind::Document, "the Avro schema has no record at its root")
                .with_help("a table is a record: {\"type\": \"record\", \"name\": …, \"fields\": […]}"),
        );
    }
    let value = draft.write(options, &tracker)?;
    let losses = tracker.finish(&document, |_| "a contract has no place for it".to_owned());
    Ok(Converted { value, losses })
}

#[derive(Default)]
struct Reader<'a> {
    named: RefCell<HashMap<String, View<'a>>>,
    /// Records that are being read: one that names itself has no end.
    open: RefCell<Vec<String>>,
    bounds: Bounds,
}

fn full_name(name: &str, namespace: &str) -> String {
    if name.contains('.') || namespace.is_empty() {
        name.to_owned()
    } else {
        format!("{namespace}.{name}")
    }
}

fn wrong(view: &View<'_>, message: &str) -> Error {
    let place = if view.path.is_empty() { "the schema" } else { &view.path };
    Error::new(ErrorKind::Document, format!("{place}: {message}"))
}

impl<'a> Reader<'a> {
    fn object(&self, record: &View<'a>) -> Result<Map<String, Value>> {
        let mut object = Map::new();
        let name = record
            .text("name")
            .ok_or_else(|| wrong(record, "the record has no name"))?;
        let full = full_name(name, record.text("namespace").unwrap_or_default());
        let short = full.rsplit('.').next().unwrap_or(&full);
        object.insert("name".to_owned(), json!(short));
        if short != full {
            object.insert("physicalName".to_owned(), json!(full));
        }
        if let Some(doc) = record.text("doc") {
            object.insert("description".to_owned(), json!(doc));
        }
        record.take("type");
        let fields = self.fields(record, &full, 0)?;
        object.insert("properties".to_owned(), fields);
        Ok(object)
    }

    /// The fields of a record of this full name.
    fn fields(&self, record: &View<'a>, full: &str, depth: usize) -> Result<Value> {
        if self.open.borrow().iter().any(|open| open == full) {
            let message = format!("the record `{full}` contains itself, which no table can hold");
            return Err(wrong(record, &message));
        }
        self.named.borrow_mut().insert(full.to_owned(), record.clone());
        self.open.borrow_mut().push(full.to_owned());
        let namespace = full.rsplit_once('.').map_or("", |(namespace, _)| namespace);
        let mut properties = Vec::new();
        for field in record.items("fields") {
            let mut property = Map::new();
            let name = field
                .text("name")
                .ok_or_else(|| wrong(&field, "the field has no name"))?;
            property.insert("name".to_owned(), json!(name));
            if let Some(doc) = field.text("doc") {
                property.insert("description".to_owned(), json!(doc));
            }
            let schema = field
                .get("type")
                .ok_or_else(|| wrong(&field, "the field has no type"))?;
            let nullable = self.read(&schema, namespace, depth + 1, &mut property)?;
            if nullable {
                field.take_null("default");
            } else {
                property.insert("required".to_owned(), json!(true));
            }
            properties.push(Value::Object(property));
        }
        self.open.borrow_mut().pop();
        Ok(Value::Array(properties))
    }

    /// Reads a type into a property; gives whether it can be null.
    fn read(&self, schema: &View<'a>, namespace: &str, depth: usize, out: &mut Map<String, Value>) -> Result<bool> {
        self.bounds.enter(depth, &schema.path)?;
        match schema.value {
            Value::String(name) => {
                schema.keep();
                self.by_name(schema, name, namespace, depth, out)
            }
            Value::Array(_) => self.union(schema, namespace, depth, out),
            Value::Object(_) => self.complex(schema, namespace, depth, out),
            _ => Err(wrong(schema, "it is no type")),
        }
    }

    fn by_name(
        &self,
        schema: &View<'a>,
        name: &str,
        namespace: &str,
        depth: usize,
        out: &mut Map<String, Value>,
    ) -> Result<bool> {
        let kind = match name {
            "null" => {
                schema.lose("a column that is always null is written as text");
                Kind::String.write(out);
                return Ok(true);
            }
            "boolean" => Kind::Boolean,
            "int" => INT32,
            "long" => INT64,
            "float" => Kind::Float32,
            "double" => Kind::Float64,
            "bytes" => Kind::Binary,
            "string" => Kind::String,
            _ => {
                let named = self.named.borrow();
                let full = full_name(name, namespace);
                let found = named.get(&full).or_else(|| named.get(name)).cloned();
                drop(named);
                let Some(found) = found else {
                    let message = format!("there is no type `{name}`");
                    return Err(wrong(schema, &message).with_help("types are defined before they are named"));
                };
                return self.complex(&found, namespace, depth, out);
            }
        };
        kind.write(out);
        Ok(false)
    }

    fn union(&self, schema: &View<'a>, namespace: &str, depth: usize, out: &mut Map<String, Value>) -> Result<bool> {
        let branches = schema.list();
        let is_null = |branch: &View<'_>| branch.value.as_str() == Some("null");
        let nullable = branches.iter().any(is_null);
        let rest: Vec<_> = branches.iter().filter(|branch| !is_null(branch)).collect();
        branches.iter().filter(|branch| is_null(branch)).for_each(View::keep);
        match rest.as_slice() {
            [] => {
                schema.lose("a column that is always null is written as text");
                Kind::String.write(out);
            }
            [one] => {
                self.read(one, namespace, depth, out)?;
            }
            many => {
                schema.lose_part(
                    "",
                    format!("a union of {} types", many.len()),
                    "a column has one type: written as text",
                );
                // Types that are defined inside are named elsewhere all the same.
                for branch in many {
                    self.define(branch, namespace, depth)?;
                }
                schema.keep();
                Kind::String.write(out);
            }
        }
        Ok(nullable)
    }

    /// Remembers the types with a name that are defined somewhere in a type that itself goes nowhere.
    fn define(&self, schema: &View<'a>, namespace: &str, depth: usize) -> Result<()> {
        self.bounds.enter(depth, &schema.path)?;
        let own = schema
            .value
            .get("namespace")
            .and_then(Value::as_str)
            .unwrap_or(namespace);
        let word = schema.value.get("type").and_then(Value::as_str);
        let mut inner = namespace.to_owned();
        if let (Some(name), Some("record" | "error" | "enum" | "fixed")) =
            (schema.value.get("name").and_then(Value::as_str), word)
        {
            let full = full_name(name, own);
            inner = full.rsplit_once('.').map_or("", |(namespace, _)| namespace).to_owned();
            self.named.borrow_mut().insert(full, schema.clone());
        }
        let fields = schema.items("fields");
        let inside = ["type", "items", "values"]
            .into_iter()
            .filter_map(|key| schema.get(key));
        let types = fields.iter().filter_map(|field| field.get("type"));
        for one in inside.chain(types).chain(schema.list()) {
            if !one.value.is_string() {
                self.define(&one, &inner, depth + 1)?;
            }
        }
        Ok(())
    }

    fn complex(&self, schema: &View<'a>, namespace: &str, depth: usize, out: &mut Map<String, Value>) -> Result<bool> {
        let kind = schema.get("type").ok_or_else(|| wrong(schema, "it has no `type`"))?;
        let Some(word) = kind.value.as_str() else {
            return self.read(&kind, namespace, depth + 1, out);
        };
        kind.keep();
        let own_namespace = schema
            .value
            .get("namespace")
            .and_then(Value::as_str)
            .unwrap_or(namespace);
        let name = schema.value.get("name").and_then(Value::as_str);
        if let (Some(name), "record" | "error" | "enum" | "fixed") = (name, word) {
            let full = full_name(name, own_namespace);
            for key in ["name", "namespace"] {
                if let Some(word) = schema.get(key) {
                    word.lose(NO_NAMES);
                }
            }
            // The field's own words come first.
            match schema.get("doc") {
                Some(doc) if !out.contains_key("description") => {
                    doc.keep();
                    out.insert("description".to_owned(), doc.value.clone());
                }
                _ => {}
            }
            self.named.borrow_mut().insert(full.clone(), schema.clone());
            if matches!(word, "record" | "error") {
                Kind::Object.write(out);
                let fields = self.fields(schema, &full, depth)?;
                out.insert("properties".to_owned(), fields);
                return Ok(false);
            }
        }
        match word {
            "record" | "error" => return Err(wrong(schema, "the record has no name")),
            "enum" => {
                Kind::String.write(out);
                allowed_values(
                    out,
                    schema
                        .take("symbols")
                        .and_then(Value::as_array)
                        .cloned()
                        .unwrap_or_default(),
                );
            }
            "array" => {
                Kind::Array.write(out);
                let items = schema
                    .get("items")
                    .ok_or_else(|| wrong(schema, "the array has no items"))?;
                out.insert("items".to_owned(), self.inside(&items, namespace, depth)?);
            }
            "map" => {
                Kind::Map.write(out);
                let values = schema
                    .get("values")
                    .ok_or_else(|| wrong(schema, "the map has no values"))?;
                let value = self.inside(&values, namespace, depth)?;
                out.insert(
                    "map".to_owned(),
                    json!({"key": {"logicalType": "string", "required": true}, "value": value}),
                );
            }
            "fixed" | "bytes" | "int" | "long" | "string" => match logical(schema, word) {
                Some(kind) => kind.write(out),
                None if word == "fixed" => {
                    Kind::Binary.write(out);
                    if let Some(size) = schema.get("size").filter(|size| size.value.is_u64()) {
                        size.keep();
                        option(out, "minLength", size.value.clone());
                        option(out, "maxLength", size.value.clone());
                    }
                }
                None => return self.by_name(&kind, word, namespace, depth, out),
            },
            other => return self.by_name(&kind, other, namespace, depth, out),
        }
        Ok(false)
    }

    /// The items of an array, the values of a map.
    fn inside(&self, schema: &View<'a>, namespace: &str, depth: usize) -> Result<Value> {
        let mut property = Map::new();
        if !self.read(schema, namespace, depth + 1, &mut property)? {
            property.insert("required".to_owned(), json!(true));
        }
        Ok(Value::Object(property))
    }
}

/// The type that a logical type makes of a primitive. A logical type that does not go with its primitive is ignored, as
/// the specification says, and so named as lost.
fn logical(schema: &View<'_>, base: &str) -> Option<Kind> {
    let logical = schema.get("logicalType")?;
    let word = logical.value.as_str()?;
    let kind = match (word, base) {
        ("decimal", "bytes" | "fixed") => {
            let number = |key: &str| {
                schema
                    .value
                    .get(key)
                    .and_then(Value::as_u64)
                    .and_then(|n| u32::try_from(n).ok())
            };
            let precision = number("precision")?;
            let scale = number("scale").unwrap_or(0);
            if !(1..=38).contains(&precision) || scale > precision {
                return None;
            }
            schema.take("precision");
            schema.take("scale");
            schema.take("size");
            Kind::Decimal { precision, scale }
        }
        ("uuid", "string" | "fixed") => {
            schema.take("size");
            Kind::Uuid
        }
        ("date", "int") => Kind::Date,
        ("time-millis", "int") | ("time-micros", "long") => Kind::Time,
        ("timestamp-millis" | "timestamp-micros" | "timestamp-nanos", "long") => Kind::Timestamp,
        ("local-timestamp-millis" | "local-timestamp-micros" | "local-timestamp-nanos", "long") => Kind::TimestampLocal,
        _ => return None,
    };
    if word.ends_with("-millis") || word.ends_with("-nanos") {
        logical.lose("times in a contract are of microseconds");
    } else {
        logical.keep();
    }
    Some(kind)
}
