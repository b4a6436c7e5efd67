//! The one type of a schema, and the limits that go with it.

use serde_json::{Map, Value, json};

use super::parts::Parts;
use super::{FORMATS, options_of};
use crate::kind::{INT64, Kind, option};
use crate::loss::View;

/// The one type of a schema, and whether null is another.
pub(super) fn type_word<'a>(parts: &Parts<'a>, values: &[Value]) -> (&'a str, bool) {
    let Some(view) = parts.get("type") else {
        let all = |test: fn(&Value) -> bool| !values.is_empty() && values.iter().all(test);
        let word = match () {
            () if parts.get("properties").is_some() || parts.get("additionalProperties").is_some() => "object",
            () if parts.get("items").is_some() => "array",
            () if all(Value::is_boolean) => "boolean",
            () if all(|value| value.is_i64() || value.is_u64()) => "integer",
            () if all(Value::is_number) => "number",
            () => {
                // Any value is null too.
                let any = values.is_empty() && parts.types == 0;
                if let Some(first) = parts.parts.first().filter(|_| any) {
                    first.lose_part("type", "no type", "a value of any type is written as text");
                }
                return ("string", any);
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

pub(super) fn kind(parts: &Parts<'_>, word: &str) -> Kind {
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
        "array" if parts.get("items").is_some_and(|items| says_items(items.value)) => Kind::Array,
        "array" => {
            if let Some(first) = parts.parts.first() {
                first.lose_part("", "an array of unknown items", "written as text (JSON)");
            }
            Kind::String
        }
        "object" if map_values(parts).is_some() => Kind::Map,
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

/// The schema of an object's values where its keys are data, and the pattern of the keys where that is said with it.
pub(super) fn map_values<'a>(parts: &Parts<'a>) -> Option<(Option<&'a str>, View<'a>)> {
    if parts.get("properties").is_some() {
        return None;
    }
    let rest = parts.get("additionalProperties")?;
    if rest.value.is_object() {
        return Some((None, rest));
    }
    let patterns = parts
        .get("patternProperties")
        .filter(|_| rest.value == &Value::Bool(false))?;
    match patterns.entries().as_slice() {
        [(pattern, values)] if values.value.is_object() => Some((Some(pattern), values.clone())),
        _ => None,
    }
}

/// Whether these items are one schema, and not one for each place.
pub(super) fn says_items(items: &Value) -> bool {
    items.is_object() || items == &Value::Bool(true)
}

/// Takes over the limits that go with the kind.
pub(super) fn limits(parts: &Parts<'_>, kind: Kind, out: &mut Map<String, Value>) {
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
