//! Values as YAML, by the writer of documents.

use polder_core::document::{self, Entry, Node, Span};
use serde_json::Value;

/// The document's text in block style, with a line feed at its end.
pub(crate) fn write(value: &Value) -> String {
    document::write(&node(value))
}

fn node(value: &Value) -> Node {
    let value = match value {
        Value::Null => document::Value::Null,
        Value::Bool(flag) => document::Value::Bool(*flag),
        Value::Number(number) => document::Value::Number(number.to_string()),
        Value::String(text) => document::Value::String(text.clone()),
        Value::Array(items) => document::Value::List(items.iter().map(node).collect()),
        Value::Object(map) => document::Value::Map(
            map.iter()
                .map(|(key, value)| Entry {
                    key: key.clone(),
                    key_span: Span::default(),
                    value: node(value),
                })
                .collect(),
        ),
    };
    // What is not read from a text has no place in one.
    Node {
        value,
        span: Span::default(),
    }
}
