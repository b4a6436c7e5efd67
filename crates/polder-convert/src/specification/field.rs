//! Fields, and what they have in common with models.

use polder_core::Result;
use serde_json::{Map, Value, json};

use super::{OPTIONS, SHARED, TYPES};
use crate::bounds::Bounds;
use crate::draft::{add_rule, allowed_values, custom, push};
use crate::kind::{Kind, option};
use crate::loss::View;

pub(super) fn read_field(name: Option<&str>, field: &View<'_>, depth: usize, bounds: &Bounds) -> Result<Value> {
    bounds.enter(depth, &field.path)?;
    let mut property = Map::new();
    property.extend(name.map(|name| ("name".to_owned(), json!(name))));
    let kind = kind(field);
    kind.write(&mut property);
    shared(field, &SHARED, &mut property);
    for key in ["required", "unique", "primaryKey"] {
        if field.flag(key) {
            property.insert(key.to_owned(), json!(true));
        }
    }
    if field.flag("primary") {
        property.insert("primaryKey".to_owned(), json!(true));
    }
    if let Some(text) = field.text("classification") {
        property.insert("classification".to_owned(), json!(text));
    }
    if let Some(pii) = field.take("pii") {
        custom(&mut property, "pii", pii.clone());
    }
    let numeric = matches!(
        kind,
        Kind::Integer { .. } | Kind::Float32 | Kind::Float64 | Kind::Decimal { .. }
    );
    for key in OPTIONS {
        let Some(value) = field.get(key) else { continue };
        let fits = match key {
            "minLength" | "maxLength" => kind == Kind::String && value.value.is_u64(),
            "pattern" | "format" => kind == Kind::String && value.value.is_string(),
            _ => numeric && value.value.is_number(),
        };
        if fits {
            value.keep();
            option(&mut property, key, value.value.clone());
        }
    }
    if let Some(list) = field
        .get("enum")
        .filter(|list| list.value.as_array().is_some_and(|items| !items.is_empty()))
    {
        list.keep();
        allowed_values(&mut property, list.value.as_array().cloned().unwrap_or_default());
    }
    if let Some(to) = field.text("references") {
        push(&mut property, "relationships", json!({"to": to}));
    }
    quality(field, &mut property);
    match kind {
        Kind::Object => {
            let fields = field.get("fields").map(|fields| fields.entries()).unwrap_or_default();
            let mut properties = Vec::new();
            for (name, inner) in fields {
                properties.push(read_field(Some(name), &inner, depth + 1, bounds)?);
            }
            property.insert("properties".to_owned(), Value::Array(properties));
        }
        Kind::Array => {
            if let Some(items) = field.get("items") {
                property.insert("items".to_owned(), read_field(None, &items, depth + 1, bounds)?);
            }
        }
        Kind::Map => {
            let side = |key: &str| match field.get(key) {
                Some(side) => read_field(None, &side, depth + 1, bounds),
                None => Ok(json!({"logicalType": "string"})),
            };
            let sides = json!({"key": side("keys")?, "value": side("values")?});
            property.insert("map".to_owned(), sides);
        }
        _ => {}
    }
    Ok(Value::Object(property))
}

/// Takes over what an element of either kind says under these keys.
pub(super) fn shared(from: &View<'_>, keys: &[&str], to: &mut Map<String, Value>) {
    for key in keys {
        if let Some(value) = from.get(key) {
            let fits = if *key == "description" {
                value.value.is_string()
            } else {
                value.value.is_array()
            };
            if fits {
                value.keep();
                to.insert((*key).to_owned(), value.value.clone());
            }
        }
    }
    if let Some(title) = from.text("title") {
        to.insert("businessName".to_owned(), json!(title));
    }
    for (key, value) in from.get("config").map(|config| config.entries()).unwrap_or_default() {
        value.keep();
        custom(to, key, value.value.clone());
    }
}

pub(super) fn quality(from: &View<'_>, to: &mut Map<String, Value>) {
    for rule in from.items("quality") {
        if rule.value.is_object() && rule_is_known(rule.value) {
            rule.keep();
            add_rule(to, rule.value.clone());
        }
    }
}

/// Whether a rule means the same in both formats: the specification took its rules from the standard.
fn rule_is_known(rule: &Value) -> bool {
    let probe = json!({
        "apiVersion": "v3.1.0", "kind": "DataContract", "id": "probe", "version": "1.0.0", "status": "draft",
        "schema": [{"name": "t", "quality": [rule]}],
    });
    let source = polder_core::document::Source::new("probe", probe.to_string());
    // Whether it makes sense for the columns is told where it stands.
    polder_contract::parse(&source)
        .diagnostics
        .iter()
        .all(|found| found.code == "rule")
}

fn kind(field: &View<'_>) -> Kind {
    let Some(word) = field.get("type") else {
        if field.value.get("fields").is_some() {
            return Kind::Object;
        }
        field.lose_part("type", "not given", "a field of no known type is written as text");
        return Kind::String;
    };
    let text = word.value.as_str().unwrap_or_default().to_lowercase();
    let digits = |key: &str| {
        field
            .value
            .get(key)
            .and_then(Value::as_u64)
            .and_then(|number| u32::try_from(number).ok())
    };
    if matches!(text.as_str(), "decimal" | "numeric" | "number")
        && let Some(precision) = digits("precision").filter(|precision| (1..=38).contains(precision))
    {
        let scale = digits("scale").unwrap_or(0);
        if scale <= precision {
            for key in ["type", "precision", "scale"] {
                field.take(key);
            }
            return Kind::Decimal { precision, scale };
        }
    }
    match TYPES.iter().find(|(known, _)| *known == text) {
        Some((known, kind)) => {
            match *known {
                "decimal" | "numeric" => word.lose("without precision it has no lossless type: written as a float"),
                "json" | "null" => word.lose("written as text"),
                _ => word.keep(),
            }
            if *kind == Kind::String && field.value.get("format").and_then(Value::as_str) == Some("uuid") {
                field.take("format");
                return Kind::Uuid;
            }
            *kind
        }
        None => {
            word.lose("the standard has no such type: written as text");
            Kind::String
        }
    }
}
