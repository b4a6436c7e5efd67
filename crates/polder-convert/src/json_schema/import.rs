//! From JSON Schema to contracts.

use std::cell::RefCell;

use polder_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

use super::parts::{Parts, Reader, last, wrong};
use super::types::{kind, limits, map_values, says_items, type_word};
use crate::bounds::Bounds;
use crate::document::Document;
use crate::draft::{Draft, ImportOptions, allowed_values};
use crate::kind::{Kind, option};
use crate::loss::{Converted, Tracker, View, scalar_text};

/// A contract of the objects of a schema: the root, the items of a root that is an array, or what a root's `anyOf`,
/// `oneOf` or definitions name.
pub(crate) fn import(source: &Document<'_>, options: &ImportOptions) -> Result<Converted<String>> {
    let document = source.json("JSON Schema")?;
    let tracker = Tracker::default();
    let root = tracker.root(&document);
    if !document.is_object() {
        return Err(Error::new(ErrorKind::Document, "the JSON Schema is no object"));
    }
    root.take("$schema");
    let reader = Reader {
        root: root.clone(),
        open: RefCell::default(),
        bounds: Bounds::default(),
    };
    let mut draft = Draft::default();
    for (name, schema) in reader.objects(&root)? {
        let object = reader.object(name, &schema, options)?;
        draft.objects.push(object);
    }
    let value = draft.write(options, &tracker)?;
    // What a definition says is taken where it is named; a definition that nobody names is lost.
    let losses = tracker.finish(&document, |_| "a contract has no place for it".to_owned());
    Ok(Converted { value, losses })
}

fn is_object(view: &View<'_>) -> bool {
    let kind = view.value.get("type");
    let says = kind.and_then(Value::as_str) == Some("object")
        || kind
            .and_then(Value::as_array)
            .is_some_and(|kinds| kinds.iter().any(|kind| kind == "object"));
    says || view.value.get("properties").is_some()
}

/// What a property is called and what it means.
fn in_words(parts: &Parts<'_>, out: &mut Map<String, Value>) {
    for (key, from) in [("businessName", "title"), ("description", "description")] {
        if let Some(text) = parts.text(from) {
            out.insert(key.to_owned(), json!(text));
        }
    }
}

fn examples(parts: &Parts<'_>, out: &mut Map<String, Value>) {
    if let Some(examples) = parts.get("examples").filter(|examples| examples.value.is_array()) {
        examples.keep();
        out.insert("examples".to_owned(), examples.value.clone());
    }
}

impl<'a> Reader<'a> {
    /// The schemas that are tables, with the names that their definitions have.
    fn objects(&self, root: &View<'a>) -> Result<Vec<(Option<String>, View<'a>)>> {
        if is_object(root) || root.value.get("allOf").is_some() {
            return Ok(vec![(None, root.clone())]);
        }
        if let Some(items) = root.get("items").filter(|items| items.value.is_object()) {
            root.take("type");
            return Ok(vec![(None, items)]);
        }
        if let Some(reference) = root.get("$ref") {
            let target = self.resolve(&reference)?;
            return Ok(vec![(last(&reference), target)]);
        }
        for key in ["anyOf", "oneOf"] {
            let branches = root.items(key);
            if branches.is_empty() {
                continue;
            }
            return branches
                .into_iter()
                .map(|branch| match branch.get("$ref") {
                    Some(reference) => Ok((last(&reference), self.resolve(&reference)?)),
                    None => Ok((None, branch)),
                })
                .collect();
        }
        for key in ["$defs", "definitions"] {
            if let Some(definitions) = root.get(key) {
                let objects = definitions
                    .entries()
                    .into_iter()
                    .filter(|(_, schema)| is_object(schema));
                return Ok(objects.map(|(name, schema)| (Some(name.to_owned()), schema)).collect());
            }
        }
        Err(Error::new(ErrorKind::Document, "the JSON Schema describes no object")
            .with_help("a table is a schema with \"type\": \"object\" and \"properties\""))
    }

    fn object(&self, name: Option<String>, schema: &View<'a>, options: &ImportOptions) -> Result<Map<String, Value>> {
        let parts = self.parts(schema, 0)?;
        let mut object = Map::new();
        let title = parts.text("title");
        let name = title
            .map(str::to_owned)
            .or(name)
            .or_else(|| options.name.clone())
            .unwrap_or_else(|| "table".to_owned());
        object.insert("name".to_owned(), json!(name));
        if let Some(text) = parts.text("description") {
            object.insert("description".to_owned(), json!(text));
        }
        if let Some(kind) = parts.get("type") {
            let says_null = |kinds: &Vec<Value>| kinds.iter().any(|kind| kind == "null");
            match kind.value {
                Value::String(word) if word == "object" => kind.keep(),
                Value::Array(kinds) if kinds.len() == 1 && !says_null(kinds) => kind.keep(),
                _ => kind.lose("a table holds objects alone"),
            }
        }
        self.open.borrow_mut().extend(parts.followed.iter().cloned());
        if schema.path.is_empty() {
            self.open.borrow_mut().push("#".to_owned());
        }
        let properties = self.fields(&parts, 0)?;
        self.open.borrow_mut().clear();
        if properties.is_empty() {
            return Err(wrong(schema, "the object has no properties"));
        }
        object.insert("properties".to_owned(), Value::Array(properties));
        Ok(object)
    }

    /// The properties of an object.
    fn fields(&self, parts: &Parts<'a>, depth: usize) -> Result<Vec<Value>> {
        let mut required = Vec::new();
        for part in &parts.parts {
            let list = part.take("required").and_then(Value::as_array);
            required.extend(list.into_iter().flatten().filter_map(Value::as_str));
            if let Some(rest) = part
                .get("additionalProperties")
                .filter(|rest| rest.value == &Value::Bool(false))
            {
                rest.lose("a contract does not say that records with further keys are refused");
            }
        }
        let mut names: Vec<&str> = Vec::new();
        let mut properties = Vec::new();
        for (name, schema) in parts
            .parts
            .iter()
            .filter_map(|part| part.get("properties"))
            .flat_map(|all| all.entries())
        {
            if names.contains(&name) {
                continue;
            }
            names.push(name);
            let mut property = Map::new();
            property.insert("name".to_owned(), json!(name));
            let nullable = self.read(&schema, depth + 1, &mut property)?;
            if required.contains(&name) {
                if nullable {
                    schema.lose_part(
                        "required",
                        name,
                        "the key must be there, but it may be null: it is not required",
                    );
                } else {
                    property.insert("required".to_owned(), json!(true));
                }
            }
            properties.push(Value::Object(property));
        }
        for name in required.iter().filter(|name| !names.contains(*name)) {
            if let Some(part) = parts.parts.first() {
                part.lose_part("required", *name, "there is no such property");
            }
        }
        Ok(properties)
    }

    /// Reads a schema into a property; gives whether it says that null is allowed.
    fn read(&self, schema: &View<'a>, depth: usize, out: &mut Map<String, Value>) -> Result<bool> {
        let parts = self.parts(schema, depth)?;
        in_words(&parts, out);
        let mut nullable = parts.nullable || parts.parts.iter().any(|part| part.flag("nullable"));
        let mut values = self.values(&parts);
        let before = values.len();
        values.retain(|value| !value.is_null());
        nullable |= values.len() < before;
        let (word, null) = type_word(&parts, &values);
        nullable |= null;
        let kind = kind(&parts, word);
        kind.write(out);
        limits(&parts, kind, out);
        let opened = parts.followed.len();
        self.open.borrow_mut().extend(parts.followed.iter().cloned());
        match kind {
            Kind::Object => {
                let fields = self.fields(&parts, depth)?;
                out.insert("properties".to_owned(), Value::Array(fields));
            }
            Kind::Array => {
                if let Some(items) = parts.get("items").filter(|items| says_items(items.value)) {
                    out.insert("items".to_owned(), self.inside(&items, depth)?);
                }
            }
            Kind::Map => {
                if let Some((pattern, values)) = map_values(&parts) {
                    let value = self.inside(&values, depth)?;
                    let key = self.key(&parts, pattern, depth)?;
                    out.insert("map".to_owned(), json!({"key": key, "value": value}));
                }
            }
            _ => {}
        }
        let mut open = self.open.borrow_mut();
        let left = open.len() - opened;
        open.truncate(left);
        drop(open);
        if !values.is_empty() {
            allowed_values(out, values);
        }
        examples(&parts, out);
        Ok(nullable)
    }

    /// The keys of a map: what `propertyNames` says of them, and a pattern.
    fn key(&self, parts: &Parts<'a>, pattern: Option<&str>, depth: usize) -> Result<Value> {
        let mut key = Map::from_iter([
            ("logicalType".to_owned(), json!("string")),
            ("required".to_owned(), json!(true)),
        ]);
        if let Some(names) = parts.get("propertyNames").filter(|names| names.value.is_object()) {
            let names = self.parts(&names, depth + 1)?;
            // Keys are text anyway.
            if let Some(word) = names.get("type").filter(|word| word.value == "string") {
                word.keep();
            }
            in_words(&names, &mut key);
            limits(&names, Kind::String, &mut key);
            let mut values = self.values(&names);
            // What is no text is the key of no object.
            values.retain(Value::is_string);
            if !values.is_empty() {
                allowed_values(&mut key, values);
            }
            examples(&names, &mut key);
        }
        if let Some(pattern) = pattern {
            if let Some(rest) = parts.get("additionalProperties") {
                rest.keep();
            }
            match key.get("logicalTypeOptions").and_then(|options| options.get("pattern")) {
                Some(_) => {
                    if let Some(patterns) = parts.get("patternProperties") {
                        patterns.lose_part("", pattern, "the keys have a pattern already");
                    }
                }
                None => option(&mut key, "pattern", json!(pattern)),
            }
        }
        Ok(Value::Object(key))
    }

    fn inside(&self, schema: &View<'a>, depth: usize) -> Result<Value> {
        let mut property = Map::new();
        if !self.read(schema, depth + 1, &mut property)? {
            property.insert("required".to_owned(), json!(true));
        }
        Ok(Value::Object(property))
    }

    /// The values that are allowed, where they are listed and single.
    fn values(&self, parts: &Parts<'a>) -> Vec<Value> {
        let single = |value: &Value| value.is_null() || scalar_text(value).is_some();
        if !parts.constants.is_empty() {
            return parts.constants.iter().filter(|value| single(value)).cloned().collect();
        }
        if let Some(constant) = parts.get("const").filter(|constant| single(constant.value)) {
            constant.keep();
            return vec![constant.value.clone()];
        }
        match parts.get("enum") {
            Some(list) if list.value.as_array().is_some_and(|items| items.iter().all(single)) => {
                list.keep();
                list.value.as_array().cloned().unwrap_or_default()
            }
            _ => Vec::new(),
        }
    }
}
