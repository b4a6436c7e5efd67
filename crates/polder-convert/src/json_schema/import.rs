//! From JSON Schema to contracts.

use std::cell::RefCell;

use polder_core::{Error, ErrorKind, Result, ResultExt};
use serde_json::{Map, Value, json};

use super::{FORMATS, options_of};
use crate::bounds::Bounds;
use crate::draft::{Draft, ImportOptions, allowed_values};
use crate::kind::{INT64, Kind, option};
use crate::loss::{Converted, Tracker, View, scalar_text};

/// A contract of the objects of a schema: the root, the items of a root that is an array, or what a root's `anyOf`,
/// `oneOf` or definitions name.
pub(crate) fn import(text: &str, options: &ImportOptions) -> Result<Converted<String>> {
    let document: Value =
        serde_json::from_str(text).context(ErrorKind::Document, || "the JSON Schema is no JSON".to_owned())?;
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
    let value = draft.write(options)?;
    // What a definition says is taken where it is named; a definition that nobody names is lost.
    let losses = tracker.finish(&document, |_| "a contract has no place for it".to_owned());
    Ok(Converted { value, losses })
}

struct Reader<'a> {
    root: View<'a>,
    /// References that are being followed: one that leads to itself has no end.
    open: RefCell<Vec<String>>,
    bounds: Bounds,
}

/// A schema with everything that holds beside it: what it references, its `allOf`, the one type of an `anyOf` with null.
struct Parts<'a> {
    parts: Vec<View<'a>>,
    nullable: bool,
    /// References that were followed.
    followed: Vec<String>,
    /// Values of an `anyOf` of constants.
    constants: Vec<Value>,
    /// How many types an `anyOf` has that cannot be one.
    types: usize,
}

impl<'a> Parts<'a> {
    fn get(&self, key: &str) -> Option<View<'a>> {
        self.parts.iter().find_map(|part| part.get(key))
    }

    fn text(&self, key: &str) -> Option<&'a str> {
        self.parts.iter().find_map(|part| part.text(key))
    }
}

fn wrong(view: &View<'_>, message: &str) -> Error {
    let place = if view.path.is_empty() { "the schema" } else { &view.path };
    Error::new(ErrorKind::Document, format!("{place}: {message}"))
}

fn is_object(view: &View<'_>) -> bool {
    let kind = view.value.get("type");
    let says = kind.and_then(Value::as_str) == Some("object")
        || kind
            .and_then(Value::as_array)
            .is_some_and(|kinds| kinds.iter().any(|kind| kind == "object"));
    says || view.value.get("properties").is_some()
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
            kind.keep();
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

    /// The schema that a reference names.
    fn resolve(&self, reference: &View<'a>) -> Result<View<'a>> {
        let text = reference
            .value
            .as_str()
            .ok_or_else(|| wrong(reference, "the reference is no text"))?;
        reference.keep();
        let Some(pointer) = text.strip_prefix('#') else {
            let message = format!("the reference `{text}` leads to another document");
            return Err(wrong(reference, &message).with_help("bundle the schema into one document first"));
        };
        let missing = || wrong(reference, &format!("there is nothing at `{text}`"));
        let mut view = self.root.clone();
        if pointer.is_empty() {
            return Ok(view);
        }
        let Some(pointer) = pointer.strip_prefix('/') else {
            return self.anchor(pointer).ok_or_else(missing);
        };
        for part in pointer.split('/') {
            let part = unescaped(part);
            view = match part.parse::<usize>() {
                Ok(index) if view.value.is_array() => view.list().into_iter().nth(index),
                _ => view.get(&part),
            }
            .ok_or_else(missing)?;
        }
        Ok(view)
    }

    /// A definition by its `$anchor` or its `$id` of draft 7 (`#name`).
    fn anchor(&self, name: &str) -> Option<View<'a>> {
        let definitions = ["$defs", "definitions"]
            .into_iter()
            .filter_map(|key| self.root.get(key));
        definitions
            .flat_map(|all| all.entries())
            .map(|(_, schema)| schema)
            .find(|schema| {
                let anchor = schema.value.get("$anchor").and_then(Value::as_str) == Some(name);
                let id = schema.value.get("$id").and_then(Value::as_str);
                anchor || id.and_then(|id| id.strip_prefix('#')) == Some(name)
            })
    }

    fn parts(&self, schema: &View<'a>, depth: usize) -> Result<Parts<'a>> {
        let mut parts = Parts {
            parts: Vec::new(),
            nullable: false,
            followed: Vec::new(),
            constants: Vec::new(),
            types: 0,
        };
        self.collect(schema, depth, &mut parts)?;
        Ok(parts)
    }

    fn collect(&self, schema: &View<'a>, depth: usize, parts: &mut Parts<'a>) -> Result<()> {
        self.bounds.enter(depth, &schema.path)?;
        match schema.value {
            Value::Object(_) => parts.parts.push(schema.clone()),
            Value::Bool(_) => {
                schema.lose("a schema of any value is written as text");
                return Ok(());
            }
            _ => return Err(wrong(schema, "it is no schema")),
        }
        if let Some(reference) = schema.get("$ref") {
            let target = self.resolve(&reference)?;
            let text = reference.value.as_str().unwrap_or_default().to_owned();
            if parts.followed.contains(&text) || self.open.borrow().contains(&text) {
                let message = format!("`{text}` leads back to itself, and no table can hold that");
                return Err(
                    wrong(&reference, &message).with_help("break the circle: leave the property out, or make it text")
                );
            }
            parts.followed.push(text);
            self.collect(&target, depth + 1, parts)?;
        }
        for part in schema.items("allOf") {
            self.collect(&part, depth + 1, parts)?;
        }
        for key in ["anyOf", "oneOf"] {
            let branches = schema.items(key);
            let is_null = |branch: &View<'_>| branch.value.get("type").and_then(Value::as_str) == Some("null");
            parts.nullable |= branches.iter().any(is_null);
            branches.iter().filter(|branch| is_null(branch)).for_each(View::keep);
            let rest: Vec<_> = branches.iter().filter(|branch| !is_null(branch)).collect();
            let constants: Vec<_> = rest.iter().filter_map(|branch| branch.get("const")).collect();
            match rest.as_slice() {
                [] => {}
                [one] => self.collect(one, depth + 1, parts)?,
                many if constants.len() == many.len() => {
                    constants.iter().for_each(View::keep);
                    parts
                        .constants
                        .extend(constants.iter().map(|constant| constant.value.clone()));
                }
                many => {
                    parts.types = many.len();
                    let what = format!("{key} of {} types", many.len());
                    schema.lose_part(key, what, "a column has one type: written as text");
                    many.iter().for_each(|branch| branch.keep());
                }
            }
        }
        Ok(())
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
        for (key, from) in [("businessName", "title"), ("description", "description")] {
            if let Some(text) = parts.text(from) {
                out.insert(key.to_owned(), json!(text));
            }
        }
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
                if let Some(items) = parts.get("items").filter(|items| !items.value.is_array()) {
                    out.insert("items".to_owned(), self.inside(&items, depth)?);
                }
            }
            Kind::Map => {
                if let Some(values) = parts.get("additionalProperties") {
                    let value = self.inside(&values, depth)?;
                    let key = json!({"logicalType": "string", "required": true});
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
        if let Some(examples) = parts.get("examples").filter(|examples| examples.value.is_array()) {
            examples.keep();
            out.insert("examples".to_owned(), examples.value.clone());
        }
        Ok(nullable)
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

/// The one type of a schema, and whether null is another.
fn type_word<'a>(parts: &Parts<'a>, values: &[Value]) -> (&'a str, bool) {
    let Some(view) = parts.get("type") else {
        let all = |test: fn(&Value) -> bool| !values.is_empty() && values.iter().all(test);
        let word = match () {
            () if parts.get("properties").is_some() || parts.get("additionalProperties").is_some() => "object",
            () if parts.get("items").is_some() => "array",
            () if all(Value::is_boolean) => "boolean",
            () if all(|value| value.is_i64() || value.is_u64()) => "integer",
            () if all(Value::is_number) => "number",
            () => {
                if values.is_empty()
                    && parts.types == 0
                    && let Some(first) = parts.parts.first()
                {
                    first.lose_part("type", "no type", "a value of any type is written as text");
                }
                "string"
            }
        };
        return (word, false);
    };
    view.keep();
    let words: Vec<&str> = match view.value {
        Value::String(word) => vec![word],
        Value::Array(words) => words.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let rest: Vec<&str> = words.iter().copied().filter(|word| *word != "null").collect();
    let word = match rest.as_slice() {
        [one] => one,
        ["integer", "number"] | ["number", "integer"] => "number",
        _ => {
            view.lose("a column has one type: written as text");
            "string"
        }
    };
    (word, words.len() > rest.len())
}

fn kind(parts: &Parts<'_>, word: &str) -> Kind {
    let format = parts.get("format");
    let named = format.as_ref().and_then(|format| format.value.as_str());
    if let Some((_, name, kind)) = FORMATS.iter().find(|(of, name, _)| *of == word && Some(*name) == named) {
        if let Some(format) = &format {
            match *name {
                "time" => format.lose("the offset from UTC: times of day in a contract have none"),
                _ => format.keep(),
            }
        }
        return *kind;
    }
    if word == "string"
        && let Some(encoding) = parts
            .get("contentEncoding")
            .filter(|encoding| encoding.value == "base64")
    {
        encoding.keep();
        return Kind::Binary;
    }
    match word {
        "boolean" => Kind::Boolean,
        // JSON's integers have no bounds of their own: the widest.
        "integer" => INT64,
        "number" => Kind::Float64,
        "array" => Kind::Array,
        "object"
            if parts.get("properties").is_none()
                && parts
                    .get("additionalProperties")
                    .is_some_and(|view| view.value.is_object()) =>
        {
            Kind::Map
        }
        "object" if parts.get("properties").is_some() => Kind::Object,
        "object" => {
            if let Some(first) = parts.parts.first() {
                first.lose_part("", "an object of unknown properties", "written as text (JSON)");
            }
            Kind::String
        }
        _ => Kind::String,
    }
}

/// Takes over the limits that go with the kind.
fn limits(parts: &Parts<'_>, kind: Kind, out: &mut Map<String, Value>) {
    if kind == Kind::String
        && let Some(format) = parts.text("format")
    {
        option(out, "format", json!(format));
    }
    for key in options_of(kind) {
        let Some(view) = parts.get(key) else { continue };
        match view.value {
            // Draft 4: the bound itself is under `minimum`.
            Value::Bool(exclusive) if key.starts_with("exclusive") => {
                view.keep();
                let bound = if *key == "exclusiveMinimum" {
                    "minimum"
                } else {
                    "maximum"
                };
                if let Some(bound_view) = parts.get(bound).filter(|_| *exclusive) {
                    option(out, key, bound_view.value.clone());
                    if let Some(options) = out.get_mut("logicalTypeOptions").and_then(Value::as_object_mut) {
                        options.remove(bound);
                    }
                }
            }
            // A contract counts in whole numbers.
            Value::Number(number) if !is_numeric(kind) && number.as_u64().is_none() => {}
            value => {
                view.keep();
                option(out, key, value.clone());
            }
        }
    }
}

fn is_numeric(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Integer { .. } | Kind::Float32 | Kind::Float64 | Kind::Decimal { .. }
    )
}

/// The name of the definition that a reference names.
fn last(reference: &View<'_>) -> Option<String> {
    reference.value.as_str()?.rsplit(['/', '#']).next().map(unescaped)
}

/// A part of a JSON pointer as it is meant: `%7E1` and `~1` are `/`.
fn unescaped(part: &str) -> String {
    let mut bytes = Vec::new();
    let mut index = 0;
    while index < part.len() {
        let encoded = part
            .get(index + 1..index + 3)
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (part.as_bytes()[index], encoded) {
            (b'%', Some(value)) => {
                bytes.push(value);
                index += 3;
            }
            (byte, _) => {
                bytes.push(byte);
                index += 1;
            }
        }
    }
    String::from_utf8_lossy(&bytes).replace("~1", "/").replace("~0", "~")
}
