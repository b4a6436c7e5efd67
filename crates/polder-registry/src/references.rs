//! Avro schemas that name types of other subjects, made complete.
//!
//! A registry can keep a named type under a subject of its own and let other schemas refer to it. Decoders want one
//! self-contained schema, so each foreign type is written out where it is named first, as Avro's specification asks.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Writes the types of `referenced` out in `schema`, each at its first use. Types that `schema` does not use are left
/// out. Fails if a text is no JSON.
pub(crate) fn inline(schema: &str, referenced: &[String]) -> Result<String, serde_json::Error> {
    let mut known = BTreeMap::new();
    for text in referenced {
        let definition: Value = serde_json::from_str(text)?;
        if let Some(name) = full_name(&definition, None) {
            known.insert(name, definition);
        }
    }
    let mut inliner = Inliner {
        known,
        written: BTreeSet::new(),
    };
    let complete = inliner.complete(serde_json::from_str(schema)?, None);
    Ok(complete.to_string())
}

struct Inliner {
    /// Definitions that can be written out, by full name.
    known: BTreeMap<String, Value>,
    /// Types that stand in the text already; Avro allows only one definition.
    written: BTreeSet<String>,
}

impl Inliner {
    fn complete(&mut self, schema: Value, namespace: Option<&str>) -> Value {
        match schema {
            Value::String(name) => self.complete_name(name, namespace),
            Value::Array(branches) => Value::Array(
                branches
                    .into_iter()
                    .map(|branch| self.complete(branch, namespace))
                    .collect(),
            ),
            Value::Object(_) => self.complete_object(schema, namespace),
            other => other,
        }
    }

    fn complete_name(&mut self, name: String, namespace: Option<&str>) -> Value {
        let qualified = match namespace {
            Some(namespace) if !name.contains('.') => format!("{namespace}.{name}"),
            _ => name.clone(),
        };
        // An unqualified name is of the enclosing namespace; registries also let it mean the null namespace.
        for candidate in [&qualified, &name] {
            if self.written.contains(candidate) {
                return Value::String(candidate.clone());
            }
            if let Some(mut definition) = self.known.get(candidate).cloned() {
                if let Some(fields) = definition.as_object_mut()
                    && !candidate.contains('.')
                {
                    // Without this, the type would inherit the namespace of the place where it is written out.
                    fields.insert("namespace".to_owned(), Value::String(String::new()));
                }
                return self.complete(definition, None);
            }
        }
        Value::String(name)
    }

    fn complete_object(&mut self, mut schema: Value, namespace: Option<&str>) -> Value {
        let name = full_name(&schema, namespace);
        if let Some(name) = &name {
            self.written.insert(name.clone());
        }
        let inner = match &name {
            Some(name) => name.rsplit_once('.').map(|(namespace, _)| namespace),
            None => namespace,
        };
        let Some(object) = schema.as_object_mut() else {
            return schema;
        };
        if let Some(fields) = object.get_mut("fields").and_then(Value::as_array_mut) {
            for field in fields {
                if let Some(of_field) = field.get_mut("type") {
                    *of_field = self.complete(of_field.take(), inner);
                }
            }
        }
        let nested: &[&str] = if name.is_some() {
            &[]
        } else {
            &["type", "items", "values"]
        };
        for key in nested {
            if let Some(part) = object.get_mut(*key) {
                *part = self.complete(part.take(), inner);
            }
        }
        schema
    }
}

/// The full name of a record, enum or fixed type; `None` for all other types.
fn full_name(schema: &Value, enclosing: Option<&str>) -> Option<String> {
    let kind = schema.get("type")?.as_str()?;
    if !matches!(kind, "record" | "error" | "enum" | "fixed") {
        return None;
    }
    let name = schema.get("name")?.as_str()?;
    if name.contains('.') {
        return Some(name.to_owned());
    }
    let namespace = schema
        .get("namespace")
        .and_then(Value::as_str)
        .or(enclosing)
        .filter(|text| !text.is_empty());
    Some(namespace.map_or_else(|| name.to_owned(), |namespace| format!("{namespace}.{name}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONEY: &str =
        r#"{"type":"record","name":"Money","namespace":"shop","fields":[{"name":"cents","type":"long"}]}"#;

    #[test]
    fn a_foreign_type_is_defined_at_its_first_use_only() {
        let order = r#"{"type":"record","name":"Order","namespace":"shop","fields":[
            {"name":"net","type":"Money"},{"name":"tax","type":["null","shop.Money"]},
            {"name":"parts","type":{"type":"array","items":"Money"}}]}"#;
        let complete = inline(order, &[MONEY.to_owned()]).unwrap();
        let expected: Value = serde_json::from_str(
            r#"{"type":"record","name":"Order","namespace":"shop","fields":[
            {"name":"net","type":{"type":"record","name":"Money","namespace":"shop","fields":[{"name":"cents","type":"long"}]}},
            {"name":"tax","type":["null","shop.Money"]},
            {"name":"parts","type":{"type":"array","items":"shop.Money"}}]}"#,
        )
        .unwrap();
        assert_eq!(serde_json::from_str::<Value>(&complete).unwrap(), expected);
        apache_avro::Schema::parse_str(&complete).unwrap();
    }

    #[test]
    fn a_foreign_type_without_namespace_does_not_inherit_one() {
        let colour = r#"{"type":"enum","name":"Colour","symbols":["RED"]}"#;
        let item = r#"{"type":"record","name":"Item","namespace":"shop","fields":[{"name":"colour","type":"Colour"}]}"#;
        let complete: Value = serde_json::from_str(&inline(item, &[colour.to_owned()]).unwrap()).unwrap();
        assert_eq!(complete["fields"][0]["type"]["namespace"], "");
    }

    #[test]
    fn types_of_foreign_types_follow() {
        let line = r#"{"type":"record","name":"Line","namespace":"shop","fields":[{"name":"price","type":"Money"}]}"#;
        let order = r#"{"type":"record","name":"Order","fields":[{"name":"line","type":"shop.Line"}]}"#;
        let complete = inline(order, &[MONEY.to_owned(), line.to_owned()]).unwrap();
        apache_avro::Schema::parse_str(&complete).unwrap();
    }

    #[test]
    fn a_schema_that_refers_to_itself_is_left_alone() {
        let tree = r#"{"type":"record","name":"Tree","fields":[{"name":"next","type":["null","Tree"]}]}"#;
        assert_eq!(inline(tree, &[]).unwrap(), tree);
    }
}
