//! JSON values and the nodes of YAML documents as what is read.

use polder_core::document::{self, Node};
use serde_json::Value;

use super::{Scalar, Written};

/// What a JSON value is, in words.
pub fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

impl Written for Value {
    fn scalar(&self) -> Option<Scalar<'_>> {
        Some(match self {
            Self::Null => Scalar::Null,
            Self::Bool(true) => Scalar::Text("true"),
            Self::Bool(false) => Scalar::Text("false"),
            Self::Number(number) => Scalar::Text(number.as_str()),
            Self::String(text) => Scalar::Text(text),
            Self::Array(_) | Self::Object(_) => return None,
        })
    }

    fn items(&self) -> Option<impl Iterator<Item = &Self>> {
        Some(self.as_array()?.iter())
    }

    fn entries(&self) -> Option<impl Iterator<Item = (&str, &Self)>> {
        Some(self.as_object()?.iter().map(|(key, value)| (key.as_str(), value)))
    }

    fn field(&self, name: &str) -> Option<&Self> {
        self.get(name)
    }

    fn kind(&self) -> &'static str {
        kind(self)
    }
}

impl Written for Node {
    fn scalar(&self) -> Option<Scalar<'_>> {
        if self.is_null() {
            return Some(Scalar::Null);
        }
        let text = self.scalar_text()?;
        Some(match &self.value {
            document::Value::Number(_) => not_finite(text).map_or(Scalar::Text(text), |n| Scalar::NotFinite(n, text)),
            _ => Scalar::Text(text),
        })
    }

    fn items(&self) -> Option<impl Iterator<Item = &Self>> {
        Some(self.as_list()?.iter())
    }

    fn entries(&self) -> Option<impl Iterator<Item = (&str, &Self)>> {
        let entries = self.as_map()?.iter();
        Some(entries.map(|entry| (entry.key.as_str(), &entry.value)))
    }

    fn field(&self, name: &str) -> Option<&Self> {
        self.get(name)
    }

    fn kind(&self) -> &'static str {
        Self::kind(self)
    }
}

/// What YAML writes for numbers that are not finite.
fn not_finite(text: &str) -> Option<f64> {
    if text.eq_ignore_ascii_case(".nan") {
        return Some(f64::NAN);
    }
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(unsigned) => (-1.0, unsigned),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    unsigned.eq_ignore_ascii_case(".inf").then_some(sign * f64::INFINITY)
}
