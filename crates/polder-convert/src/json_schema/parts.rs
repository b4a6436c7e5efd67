//! A schema with everything that holds beside it: references, `allOf`, the branches of `anyOf` and `oneOf`.

use std::cell::RefCell;

use polder_core::{Error, ErrorKind, Result};
use serde_json::Value;

use crate::bounds::Bounds;
use crate::loss::View;

/// A walk over the schemas of one document.
pub(super) struct Reader<'a> {
    pub(super) root: View<'a>,
    /// References that are being followed: one that leads to itself has no end.
    pub(super) open: RefCell<Vec<String>>,
    pub(super) bounds: Bounds,
}

pub(super) fn wrong(view: &View<'_>, message: &str) -> Error {
    let place = if view.path.is_empty() { "the schema" } else { &view.path };
    Error::new(ErrorKind::Document, format!("{place}: {message}"))
}

/// A schema with everything that holds beside it: what it references, its `allOf`, the one type of an `anyOf` with null.
pub(super) struct Parts<'a> {
    pub(super) parts: Vec<View<'a>>,
    pub(super) nullable: bool,
    /// References that were followed, each once.
    pub(super) followed: Vec<String>,
    /// Those of them whose schemas are being collected: one that leads to any of these has no end.
    open: Vec<String>,
    /// Values of an `anyOf` of constants.
    pub(super) constants: Vec<Value>,
    /// How many types an `anyOf` has that cannot be one.
    pub(super) types: usize,
}

impl<'a> Parts<'a> {
    pub(super) fn get(&self, key: &str) -> Option<View<'a>> {
        self.parts.iter().find_map(|part| part.get(key))
    }

    pub(super) fn text(&self, key: &str) -> Option<&'a str> {
        self.parts.iter().find_map(|part| part.text(key))
    }
}

impl<'a> Reader<'a> {
    /// The schema that a reference names.
    pub(super) fn resolve(&self, reference: &View<'a>) -> Result<View<'a>> {
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

    pub(super) fn parts(&self, schema: &View<'a>, depth: usize) -> Result<Parts<'a>> {
        let mut parts = Parts {
            parts: Vec::new(),
            nullable: false,
            followed: Vec::new(),
            open: Vec::new(),
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
            if parts.open.contains(&text) || self.open.borrow().contains(&text) {
                let message = format!("`{text}` leads back to itself, and no table can hold that");
                return Err(
                    wrong(&reference, &message).with_help("break the circle: leave the property out, or make it text")
                );
            }
            // What two schemas share holds once.
            if !parts.followed.contains(&text) {
                parts.followed.push(text.clone());
                parts.open.push(text);
                self.collect(&target, depth + 1, parts)?;
                parts.open.pop();
            }
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
}

/// The name of the definition that a reference names.
pub(super) fn last(reference: &View<'_>) -> Option<String> {
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
