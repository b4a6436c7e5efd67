//! A validator of JSON schemas for the tests: the keywords of draft 2019-09 that the standard's schemas and ours use.
//! Written after the specification alone, so that it can be held against what we read.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use regex::Regex;
use serde_json::Value;

/// A schema that applied to a value, with the value's path.
pub(super) type Applied<'s> = (Vec<String>, &'s Value);

/// A schema document.
pub(super) struct JsonSchema {
    root: Value,
}

/// Which keys of an object a valid schema looked at; empty for other values.
type Seen = Option<BTreeSet<String>>;

impl JsonSchema {
    pub(super) fn new(root: Value) -> Self {
        Self { root }
    }

    pub(super) fn root(&self) -> &Value {
        &self.root
    }

    pub(super) fn accepts(&self, value: &Value) -> bool {
        self.check(&self.root, value, &mut Vec::new(), &mut None).is_some()
    }

    /// Every schema that applies to every part of a value that is valid.
    pub(super) fn applied(&self, value: &Value) -> Vec<Applied<'_>> {
        let mut applied = Some(Vec::new());
        assert!(
            self.check(&self.root, value, &mut Vec::new(), &mut applied).is_some(),
            "the value is not valid"
        );
        applied.unwrap()
    }

    pub(super) fn resolve<'s>(&'s self, schema: &'s Value) -> &'s Value {
        match schema["$ref"].as_str() {
            Some(name) => self.root.pointer(name.trim_start_matches('#')).unwrap(),
            None => schema,
        }
    }

    fn check<'s>(
        &'s self,
        schema: &'s Value,
        value: &Value,
        path: &mut Vec<String>,
        applied: &mut Option<Vec<Applied<'s>>>,
    ) -> Seen {
        let Value::Object(keywords) = schema else {
            return (schema != &Value::Bool(false)).then(BTreeSet::new);
        };
        const KNOWN: &str = "$schema $ref $defs title description default examples deprecated type enum const format \
                             pattern minimum exclusiveMinimum items minItems maxItems uniqueItems properties required \
                             additionalProperties unevaluatedProperties maxProperties allOf anyOf oneOf not if then else";
        for keyword in keywords.keys() {
            assert!(
                KNOWN.split(' ').any(|known| known == keyword),
                "unknown keyword {keyword}"
            );
        }
        if !simple(schema, value) {
            return None;
        }
        let mark = applied.as_ref().map(Vec::len);
        if let Some(applied) = applied {
            applied.push((path.clone(), schema));
        }
        let outcome = self.inside(schema, value, path, applied);
        if let (None, Some(applied), Some(mark)) = (&outcome, applied, mark) {
            applied.truncate(mark);
        }
        outcome
    }

    fn inside<'s>(
        &'s self,
        schema: &'s Value,
        value: &Value,
        path: &mut Vec<String>,
        applied: &mut Option<Vec<Applied<'s>>>,
    ) -> Seen {
        let mut seen = BTreeSet::new();
        if schema.get("$ref").is_some() {
            seen.extend(self.check(self.resolve(schema), value, path, applied)?);
        }
        if let (Value::Array(items), Some(each)) = (value, schema.get("items")) {
            for (index, item) in items.iter().enumerate() {
                path.push(index.to_string());
                let valid = self.check(each, item, path, applied).is_some();
                path.pop();
                if !valid {
                    return None;
                }
            }
        }
        if let Value::Object(entries) = value {
            for (key, entry) in entries {
                let Some(schema) = schema.get("properties").and_then(|known| known.get(key)) else {
                    if schema.get("additionalProperties") == Some(&Value::Bool(false)) {
                        return None;
                    }
                    continue;
                };
                path.push(key.clone());
                let valid = self.check(schema, entry, path, applied).is_some();
                path.pop();
                if !valid {
                    return None;
                }
                seen.insert(key.clone());
            }
        }
        let branches = |key: &str| schema.get(key).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        for branch in branches("allOf") {
            seen.extend(self.check(branch, value, path, applied)?);
        }
        for (key, all) in [("anyOf", false), ("oneOf", true)] {
            if schema.get(key).is_none() {
                continue;
            }
            let valid: Vec<_> = branches(key)
                .iter()
                .filter_map(|branch| self.check(branch, value, path, applied))
                .collect();
            if valid.is_empty() || (all && valid.len() > 1) {
                return None;
            }
            seen.extend(valid.into_iter().flatten());
        }
        if let Some(not) = schema.get("not")
            && self.check(not, value, path, &mut None).is_some()
        {
            return None;
        }
        if let Some(condition) = schema.get("if") {
            match self.check(condition, value, path, &mut None) {
                Some(keys) => {
                    seen.extend(keys);
                    if let Some(then) = schema.get("then") {
                        seen.extend(self.check(then, value, path, applied)?);
                    }
                }
                None => {
                    if let Some(otherwise) = schema.get("else") {
                        seen.extend(self.check(otherwise, value, path, applied)?);
                    }
                }
            }
        }
        if schema.get("unevaluatedProperties") == Some(&Value::Bool(false))
            && let Value::Object(entries) = value
            && entries.keys().any(|key| !seen.contains(key))
        {
            return None;
        }
        Some(seen)
    }
}

/// The keywords that look at the value alone.
fn simple(schema: &Value, value: &Value) -> bool {
    let number = |key: &str| schema.get(key).and_then(Value::as_f64);
    let is = |name: &str| match name {
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("unknown type {other}"),
    };
    let kinds = match schema.get("type") {
        None => true,
        Some(Value::String(name)) => is(name),
        Some(names) => names.as_array().unwrap().iter().any(|name| is(name.as_str().unwrap())),
    };
    let listed = schema
        .get("enum")
        .is_none_or(|words| words.as_array().unwrap().iter().any(|word| same(word, value)));
    let constant = schema.get("const").is_none_or(|word| same(word, value));
    let counts = |length: usize, least: &str, most: &str| {
        let length = length as f64;
        number(least).is_none_or(|least| length >= least) && number(most).is_none_or(|most| length <= most)
    };
    kinds
        && listed
        && constant
        && match value {
            Value::String(text) => {
                let fits = schema
                    .get("pattern")
                    .is_none_or(|pattern| matches(pattern.as_str().unwrap(), text));
                let format = match schema.get("format").and_then(Value::as_str) {
                    Some("date") => text.len() == 10 && chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok(),
                    Some("date-time") => chrono::DateTime::parse_from_rfc3339(text).is_ok(),
                    // Locations with `*` and `{model}` are in the standard's own examples.
                    _ => true,
                };
                fits && format
            }
            Value::Number(figure) => {
                let figure = figure.as_f64().unwrap();
                number("minimum").is_none_or(|least| figure >= least)
                    && number("exclusiveMinimum").is_none_or(|below| figure > below)
            }
            Value::Array(items) => {
                let unique = schema.get("uniqueItems") != Some(&Value::Bool(true))
                    || items
                        .iter()
                        .enumerate()
                        .all(|(index, item)| items[..index].iter().all(|other| !same(item, other)));
                unique && counts(items.len(), "minItems", "maxItems")
            }
            Value::Object(entries) => {
                let needed = schema.get("required").and_then(Value::as_array);
                counts(entries.len(), "minProperties", "maxProperties")
                    && needed.is_none_or(|keys| keys.iter().all(|key| entries.contains_key(key.as_str().unwrap())))
            }
            _ => true,
        }
}

/// Whether the pattern occurs in the text. Each is compiled once a thread.
fn matches(pattern: &str, text: &str) -> bool {
    thread_local! {
        static COMPILED: RefCell<HashMap<String, Regex>> = RefCell::default();
    }
    COMPILED.with_borrow_mut(|compiled| {
        let regex = compiled
            .entry(pattern.to_owned())
            .or_insert_with(|| Regex::new(pattern).unwrap());
        regex.is_match(text)
    })
}

/// Equality of JSON values: numbers by their value, objects in any order.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(key, value)| other.get(key).is_some_and(|other| same(value, other)))
        }
        _ => one == other,
    }
}
