//! Fields, and what they have in common with models.

use polder_core::Result;
use serde_json::{Map, Value, json};

use super::{OPTIONS, SHARED, TYPES};
use crate::bounds::Bounds;
use crate::draft::{add_rule, allowed_values, custom, push};
use crate::kind::{Kind, option};
use crate::loss::View;

/// Reads the fields of one document.
pub(super) struct Fields<'a> {
    pub(super) bounds: Bounds,
    /// What fields refer to, by name.
    pub(super) definitions: Option<View<'a>>,
}

impl<'a> Fields<'a> {
    /// What a field says with `$ref: '#/definitions/name'`.
    fn definition(&self, field: &View<'a>) -> Option<View<'a>> {
        let reference = field.get("$ref")?;
        let name = reference.value.as_str()?.strip_prefix("#/definitions/")?;
        let found = self.definitions.as_ref()?.get(name)?;
        reference.keep();
        Some(found)
    }

    /// A field as a property. What it refers to holds where it says nothing itself.
    pub(super) fn read(&self, name: Option<&str>, field: &View<'a>, depth: usize) -> Result<Value> {
        self.bounds.enter(depth, &field.path)?;
        let definition = self.definition(field);
        let mut property = match &definition {
            Some(definition) => match self.read(None, definition, depth + 1)? {
                Value::Object(property) => property,
                _ => Map::new(),
            },
            None => Map::new(),
        };
        let own_type = ["type", "fields"].iter().any(|key| field.get(key).is_some());
        let (kind, from) = match &definition {
            Some(definition) if !own_type => (self.defined_kind(definition, 0), definition),
            _ => (kind(field), field),
        };
        if let Some(definition) = definition.as_ref().filter(|_| own_type) {
            if let Some(other) = definition.get("type")
                && Some(other.value) != field.value.get("type")
            {
                let path = format!("{}.type", definition.path);
                other.lose(format!("`{}` refers to `{path}` and has a type of its own", field.path));
            }
            for key in [
                "logicalType",
                "physicalType",
                "logicalTypeOptions",
                "properties",
                "items",
                "map",
            ] {
                property.remove(key);
            }
        }
        property.extend(name.map(|name| ("name".to_owned(), json!(name))));
        if own_type || definition.is_none() {
            kind.write(&mut property);
        }
        self.said(field, kind, &mut property);
        if std::ptr::eq(from.value, field.value) {
            self.inside(field, kind, depth, &mut property)?;
        }
        Ok(Value::Object(property))
    }

    /// The kind of a definition, which may refer to another one.
    fn defined_kind(&self, definition: &View<'a>, depth: usize) -> Kind {
        let own_type = ["type", "fields"].iter().any(|key| definition.get(key).is_some());
        match self.definition(definition) {
            Some(further) if !own_type && depth < 32 => self.defined_kind(&further, depth + 1),
            _ => kind(definition),
        }
    }

    /// What a field says beside its type.
    fn said(&self, field: &View<'a>, kind: Kind, property: &mut Map<String, Value>) {
        shared(field, &SHARED, property);
        example(field, property);
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
            custom(property, "pii", pii.clone());
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
                option(property, key, value.value.clone());
            }
        }
        if let Some(list) = field
            .get("enum")
            .filter(|list| list.value.as_array().is_some_and(|items| !items.is_empty()))
        {
            list.keep();
            allowed_values(property, list.value.as_array().cloned().unwrap_or_default());
        }
        if let Some(to) = field.text("references") {
            push(property, "relationships", json!({"to": to}));
        }
        quality(field, property);
    }

    /// What is inside a field.
    fn inside(&self, field: &View<'a>, kind: Kind, depth: usize, property: &mut Map<String, Value>) -> Result<()> {
        match kind {
            Kind::Object => {
                let fields = field.get("fields").map(|fields| fields.entries()).unwrap_or_default();
                let mut properties = Vec::new();
                for (name, inner) in fields {
                    properties.push(self.read(Some(name), &inner, depth + 1)?);
                }
                property.insert("properties".to_owned(), Value::Array(properties));
            }
            Kind::Array => {
                if let Some(items) = field.get("items") {
                    property.insert("items".to_owned(), self.read(None, &items, depth + 1)?);
                }
            }
            Kind::Map => {
                let side = |key: &str| match field.get(key) {
                    Some(side) => self.read(None, &side, depth + 1),
                    None => Ok(json!({"logicalType": "string"})),
                };
                let sides = json!({"key": side("keys")?, "value": side("values")?});
                property.insert("map".to_owned(), sides);
            }
            _ => {}
        }
        Ok(())
    }
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

/// The one example of older files, which stands before the list of newer ones. Of a list or an object nobody knows
/// whether it is one example or several: it is named.
fn example(field: &View<'_>, property: &mut Map<String, Value>) {
    let Some(example) = field.get("example") else { return };
    if example.value.is_array() || example.value.is_object() {
        return;
    }
    example.keep();
    let examples = property.entry("examples").or_insert_with(|| json!([]));
    if let Some(list) = examples.as_array_mut().filter(|list| !list.contains(example.value)) {
        list.insert(0, example.value.clone());
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
