//! Every mistake that a JSON schema forbids, made in a document.

use serde_json::{Value, json};

use crate::tests::json_schema::JsonSchema;

/// A value that a schema accepts: every key that it knows, down to a depth.
pub(super) fn sample(schema: &JsonSchema, part: &Value, depth: usize) -> Option<Value> {
    let part_of = schema.resolve(part);
    if let Some(words) = part_of.get("enum") {
        return Some(words[0].clone());
    }
    for branches in ["oneOf", "anyOf"] {
        if let Some(branch) = part_of.get(branches) {
            return sample(schema, &branch[0], depth);
        }
    }
    match part_of["type"].as_str()? {
        "string" => Some(match (part_of["pattern"].as_str(), part_of["format"].as_str()) {
            (Some(pattern), _) if pattern.starts_with("^sftp") => json!("sftp://host/x"),
            (Some(pattern), _) if pattern.contains("\\.") && !pattern.contains("properties") => json!("t.a"),
            (Some(_), _) => json!("x1"),
            (_, Some("date")) => json!("2026-01-31"),
            (_, Some("date-time")) => json!("2026-01-31T12:00:00Z"),
            _ => json!("text"),
        }),
        "integer" | "number" => Some(json!(1)),
        "boolean" => Some(json!(true)),
        "array" => {
            let item = part_of.get("items").filter(|_| depth > 0);
            Some(
                item.and_then(|item| sample(schema, item, depth - 1))
                    .map_or_else(|| json!([]), |item| json!([item])),
            )
        }
        "object" => {
            let mut object = serde_json::Map::new();
            let known = part_of["properties"].as_object();
            for (key, part) in known.into_iter().flatten() {
                let needed = part_of["required"]
                    .as_array()
                    .is_some_and(|keys| keys.contains(&json!(key)));
                if (depth > 0 || needed)
                    && let Some(value) = sample(schema, part, depth.saturating_sub(1))
                {
                    object.insert(key.clone(), value);
                }
            }
            Some(Value::Object(object))
        }
        _ => None,
    }
}

/// A change of a document: what is done, where, and at which place of the schema.
pub(in crate::tests) struct Mistake {
    pub(in crate::tests) path: Vec<String>,
    pub(in crate::tests) what: String,
    value: Option<Value>,
}

/// Every change that the schema suggests for a document that it accepts.
pub(in crate::tests) fn mistakes(schema: &JsonSchema, document: &Value) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    for (path, part) in schema.applied(document) {
        let here = at(document, &path);
        let mut push = |what: String, key: Option<&str>, value: Option<Value>| {
            let path = path.iter().cloned().chain(key.map(str::to_owned)).collect();
            mistakes.push(Mistake { path, what, value });
        };
        if part.get("type").is_some() || part.get("anyOf").is_some() || part.get("oneOf").is_some() {
            for (index, value) in [
                json!("text"),
                json!("7"),
                json!(7),
                json!(2.5),
                json!(3.0),
                json!(-1),
                json!(true),
                json!(null),
                json!([]),
                json!([1]),
                json!(["t.a"]),
                json!({}),
                json!({"own": 1}),
            ]
            .into_iter()
            .enumerate()
            {
                push(format!("type {index}"), None, Some(value));
            }
        }
        if part.get("pattern").is_some() {
            for text in [
                "",
                "a b",
                "a/b c",
                "é",
                "a.b",
                "a",
                "x.yaml#a.b",
                "x.yaml#/schema/a/properties/b",
                "schema/a",
            ] {
                push(format!("pattern {text}"), None, Some(json!(text)));
            }
        }
        if part.get("format").is_some() {
            for text in [
                "2026-01-31",
                "2026-13-01",
                "2026-1-1",
                "2026-01-31T12:00:00Z",
                "2026-01-31 12:00",
            ] {
                push(format!("format {text}"), None, Some(json!(text)));
            }
        }
        for word in part["enum"].as_array().into_iter().flatten() {
            push(format!("word {word}"), None, Some(word.clone()));
            push(
                format!("slip {word}"),
                None,
                Some(json!(format!("{}x", word.as_str().unwrap_or_default()))),
            );
        }
        for key in part["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            push(format!("without {key}"), Some(key), None);
        }
        if let (Value::Object(entries), Some(_)) = (here, part.get("properties")) {
            push("unknown".to_owned(), Some("quantitty"), Some(json!("x")));
            for (key, inner) in part["properties"].as_object().unwrap() {
                if !entries.contains_key(key) {
                    for depth in [0, 2] {
                        push(format!("with {key} {depth}"), Some(key), sample(schema, inner, depth));
                    }
                    push(format!("with null {key}"), Some(key), Some(json!(null)));
                }
            }
        }
        if let Value::Array(items) = here {
            push("empty".to_owned(), None, Some(json!([])));
            if let Some(first) = items.first() {
                let twice: Vec<_> = [first, first].into_iter().chain(&items[1..]).cloned().collect();
                push("twice".to_owned(), None, Some(json!(twice)));
                push("fewer".to_owned(), None, Some(json!(items[1..])));
            }
        }
        if part.get("minimum").is_some() || part.get("exclusiveMinimum").is_some() {
            for number in [json!(0), json!(-1), json!(-0.5), json!(1e3)] {
                push(format!("bound {number}"), None, Some(number));
            }
        }
    }
    mistakes
}

fn at<'v>(document: &'v Value, path: &[String]) -> &'v Value {
    path.iter().fold(document, |value, step| match value {
        Value::Array(items) => &items[step.parse::<usize>().unwrap()],
        other => &other[step],
    })
}

pub(in crate::tests) fn made(document: &Value, mistake: &Mistake) -> Value {
    let mut document = document.clone();
    let Some((last, way)) = mistake.path.split_last() else {
        return mistake.value.clone().unwrap_or_default();
    };
    let mut here = &mut document;
    for step in way {
        here = match here {
            Value::Array(items) => &mut items[step.parse::<usize>().unwrap()],
            other => &mut other[step],
        };
    }
    match (here, &mistake.value) {
        (Value::Array(items), Some(value)) => items[last.parse::<usize>().unwrap()] = value.clone(),
        (Value::Object(entries), Some(value)) => {
            entries.insert(last.clone(), value.clone());
        }
        (Value::Object(entries), None) => {
            entries.remove(last);
        }
        _ => panic!("no such place"),
    }
    document
}
