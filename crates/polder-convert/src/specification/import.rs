//! From the Data Contract Specification to contracts.

use polder_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

use super::{OPTIONS, SHARED, TYPES};
use crate::bounds::Bounds;
use crate::draft::{Draft, ImportOptions, add_rule, allowed_values, custom, push};
use crate::kind::{Kind, option};
use crate::loss::{Converted, Tracker, View, scalar_text};

/// The same contract by the Open Data Contract Standard.
pub(crate) fn import(text: &str, options: &ImportOptions) -> Result<Converted<String>> {
    let document = crate::read_yaml(text)?;
    let tracker = Tracker::default();
    let root = tracker.root(&document);
    if root.scalar("dataContractSpecification").is_none() {
        return Err(
            Error::new(ErrorKind::Document, "there is no `dataContractSpecification`")
                .with_help("documents of the Data Contract Specification begin with dataContractSpecification: 1.2.0"),
        );
    }
    let mut draft = Draft::default();
    about(&root, &mut draft.root);
    servers(&root, &mut draft.root);
    terms(&root, &mut draft.root);
    service_levels(&root, &mut draft.root);
    let bounds = Bounds::default();
    for (name, model) in root.get("models").map(|models| models.entries()).unwrap_or_default() {
        let mut object = Map::from_iter([("name".to_owned(), json!(name))]);
        if let Some(kind) = model.get("type") {
            match kind.value.as_str() {
                Some("table") => kind.keep(),
                Some(word) => {
                    object.insert("physicalType".to_owned(), json!(word));
                    kind.keep();
                }
                None => {}
            }
        }
        shared(&model, &mut object);
        quality(&model, &mut object);
        let mut properties = Vec::new();
        for (name, field) in model.get("fields").map(|fields| fields.entries()).unwrap_or_default() {
            properties.push(read_field(Some(name), &field, 0, &bounds)?);
        }
        for (index, column) in model.items("primaryKey").into_iter().enumerate() {
            let found = properties
                .iter_mut()
                .filter_map(Value::as_object_mut)
                .find(|known| known.get("name") == Some(column.value));
            if let Some(property) = found {
                column.keep();
                property.insert("primaryKey".to_owned(), json!(true));
                property.insert("primaryKeyPosition".to_owned(), json!(index + 1));
            }
        }
        object.insert("properties".to_owned(), Value::Array(properties));
        draft.objects.push(object);
    }
    let names: Vec<String> = draft
        .objects
        .iter()
        .filter_map(|object| object.get("name")?.as_str().map(str::to_owned))
        .collect();
    drop_unknown_references(&mut draft.objects, &names, &tracker);
    let value = draft.write(options)?;
    let losses = tracker.finish(&document, |_| "the standard has no place for it".to_owned());
    Ok(Converted { value, losses })
}

/// References to what this document does not describe cannot be followed.
fn drop_unknown_references(objects: &mut [Map<String, Value>], names: &[String], tracker: &Tracker) {
    for object in objects {
        let table = object
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        let Some(properties) = object.get_mut("properties").and_then(Value::as_array_mut) else {
            continue;
        };
        for property in properties.iter_mut().filter_map(Value::as_object_mut) {
            let to = property
                .get("relationships")
                .and_then(|list| list.get(0)?.get("to")?.as_str())
                .map(str::to_owned);
            let Some(to) = to else { continue };
            let target = to.split('.').next().unwrap_or_default();
            let plain = to
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.');
            if !plain || !to.contains('.') || !names.iter().any(|name| name == target) {
                property.remove("relationships");
                let name = property.get("name").and_then(Value::as_str).unwrap_or_default();
                let path = format!("models.{table}.fields.{name}.references");
                tracker.lose(path, to, "there is no such model in the document");
            }
        }
    }
}

fn about(root: &View<'_>, out: &mut Map<String, Value>) {
    if let Some(id) = root.scalar("id") {
        out.insert("id".to_owned(), json!(id));
    }
    let Some(info) = root.get("info") else { return };
    if let Some(title) = info.text("title") {
        out.insert("name".to_owned(), json!(title));
    }
    if let Some(version) = info.scalar("version") {
        out.insert("version".to_owned(), json!(version));
    }
    if let Some(status) = info.text("status") {
        let word = if status == "in development" { "draft" } else { status };
        out.insert("status".to_owned(), json!(word));
    }
    if let Some(text) = info.text("description") {
        describe(out, "purpose", text);
    }
    if let Some(owner) = info.text("owner") {
        out.insert("team".to_owned(), json!({"name": owner}));
    }
    if let Some(contact) = info.get("contact") {
        let mut channel = Map::new();
        let name = contact
            .text("name")
            .or_else(|| contact.value.get("email").and_then(Value::as_str))
            .unwrap_or("contact");
        channel.insert("channel".to_owned(), json!(name));
        let url = contact.text("url").map(str::to_owned);
        let email = contact.text("email").map(|email| format!("mailto:{email}"));
        for url in url.into_iter().chain(email) {
            if channel.contains_key("url") {
                push(out, "support", json!({"channel": name, "url": url}));
            } else {
                channel.insert("url".to_owned(), json!(url));
            }
        }
        push(out, "support", Value::Object(channel));
    }
    for tag in root.items("tags") {
        if tag.value.is_string() {
            tag.keep();
            push(out, "tags", tag.value.clone());
        }
    }
}

fn describe(out: &mut Map<String, Value>, key: &str, text: &str) {
    let description = out.entry("description").or_insert_with(|| json!({}));
    if let Some(description) = description.as_object_mut() {
        description.insert(key.to_owned(), json!(text));
    }
}

fn servers(root: &View<'_>, out: &mut Map<String, Value>) {
    for (name, server) in root.get("servers").map(|servers| servers.entries()).unwrap_or_default() {
        let Some(kind) = server.value.get("type").and_then(Value::as_str) else {
            continue;
        };
        let mut entry = Map::from_iter([("server".to_owned(), json!(name)), ("type".to_owned(), json!(kind))]);
        let mut others = Vec::new();
        for (key, value) in server.entries() {
            match (key, scalar_text(value.value)) {
                ("type", _) => {}
                ("description" | "environment", Some(text)) => {
                    entry.insert(key.to_owned(), json!(text));
                }
                ("roles", _) | (_, None) => continue,
                (_, Some(_)) => others.push((key, value.value)),
            }
            value.keep();
        }
        for (key, value) in &others {
            let value = match value {
                Value::String(_) => (*value).clone(),
                other if *key == "port" => (*other).clone(),
                other => json!(other.to_string()),
            };
            entry.insert((*key).to_owned(), value);
        }
        // Which keys a server has depends on its type; one that the standard would refuse is one of one's own.
        if !server_is_known(&entry) {
            let known = ["server", "type", "description", "environment"];
            let mut plain: Map<String, Value> = known
                .iter()
                .filter_map(|key| Some(((*key).to_owned(), entry.get(*key)?.clone())))
                .collect();
            plain.insert("type".to_owned(), json!("custom"));
            custom(&mut plain, "type", json!(kind));
            for (key, value) in others {
                custom(&mut plain, key, value.clone());
            }
            entry = plain;
        }
        push(out, "servers", Value::Object(entry));
    }
}

/// Whether a contract with this server passes the lint.
fn server_is_known(server: &Map<String, Value>) -> bool {
    let probe = json!({
        "apiVersion": "v3.1.0", "kind": "DataContract", "id": "probe", "version": "1.0.0", "status": "draft",
        "servers": [server],
    });
    let source = polder_core::document::Source::new("probe", probe.to_string());
    polder_contract::parse(&source).contract.is_some()
}

fn terms(root: &View<'_>, out: &mut Map<String, Value>) {
    let Some(terms) = root.get("terms") else { return };
    for (key, to) in [("usage", "usage"), ("limitations", "limitations")] {
        if let Some(text) = terms.text(key) {
            describe(out, to, text);
        }
    }
    if let Some(notice) = terms.text("noticePeriod") {
        push(
            out,
            "customProperties",
            json!({"property": "noticePeriod", "value": notice}),
        );
    }
    if let Some(billing) = terms.text("billing") {
        push(
            out,
            "customProperties",
            json!({"property": "billing", "value": billing}),
        );
    }
    for policy in terms.items("policies") {
        if let Some(url) = policy.text("url") {
            let mut definition = Map::from_iter([("url".to_owned(), json!(url))]);
            let name = policy.text("name");
            definition.insert("type".to_owned(), json!(name.unwrap_or("policy")));
            definition.extend(
                policy
                    .text("description")
                    .map(|text| ("description".to_owned(), json!(text))),
            );
            push(out, "authoritativeDefinitions", Value::Object(definition));
        }
    }
}

/// An ISO 8601 period of one unit, or `99.9%`, as value and unit.
fn measured(text: &str) -> Option<(Value, &'static str)> {
    let number = |text: &str| serde_json::from_str::<serde_json::Number>(text).ok().map(Value::Number);
    if let Some(percent) = text.trim().strip_suffix('%') {
        return Some((number(percent.trim())?, "percent"));
    }
    let (body, time) = match text.strip_prefix("PT") {
        Some(body) => (body, true),
        None => match text.strip_prefix('P') {
            Some(body) => (body, false),
            None => {
                let (amount, unit) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic())?);
                let unit = match unit {
                    "d" => "d",
                    "h" => "h",
                    "m" => "m",
                    "s" => "s",
                    "y" => "y",
                    _ => return None,
                };
                return Some((number(amount.trim())?, unit));
            }
        },
    };
    let unit = match (body.chars().last()?, time) {
        ('Y', false) => "y",
        ('M', false) => "mo",
        ('W', false) => "w",
        ('D', false) => "d",
        ('H', true) => "h",
        ('M', true) => "m",
        ('S', true) => "s",
        _ => return None,
    };
    Some((number(&body[..body.len() - 1])?, unit))
}

fn service_levels(root: &View<'_>, out: &mut Map<String, Value>) {
    let Some(levels) = root.get("servicelevels").or_else(|| root.get("serviceLevels")) else {
        return;
    };
    let figures = [
        ("availability", "percentage"),
        ("retention", "period"),
        ("latency", "threshold"),
        ("freshness", "threshold"),
        ("frequency", "interval"),
        ("frequency", "cron"),
        ("support", "responseTime"),
        ("support", "time"),
        ("backup", "recoveryTime"),
        ("backup", "recoveryPoint"),
        ("backup", "interval"),
    ];
    for (property, key) in figures {
        let Some(level) = levels.get(property) else { continue };
        let Some(text) = level.scalar(key) else { continue };
        let name = match (property, key) {
            ("support", "responseTime") => "supportResponseTime",
            ("backup", "recoveryTime") => "timeToRecover",
            ("backup", "recoveryPoint") => "recoveryPoint",
            ("support", "time") => "supportTime",
            _ => property,
        };
        let mut entry = Map::from_iter([("property".to_owned(), json!(name))]);
        match measured(&text) {
            Some((value, unit)) => {
                entry.insert("value".to_owned(), value);
                entry.insert("unit".to_owned(), json!(unit));
            }
            None => {
                entry.insert("value".to_owned(), json!(text));
            }
        }
        if let Some(text) = level.text("description") {
            entry.insert("description".to_owned(), json!(text));
        }
        let element = level
            .text("timestampField")
            .or_else(|| level.text("processedTimestampField"));
        if let Some(element) = element {
            entry.insert("element".to_owned(), json!(element));
        }
        push(out, "slaProperties", Value::Object(entry));
    }
}

fn shared(from: &View<'_>, to: &mut Map<String, Value>) {
    for key in SHARED {
        if let Some(value) = from.get(key) {
            let fits = if key == "description" {
                value.value.is_string()
            } else {
                value.value.is_array()
            };
            if fits {
                value.keep();
                to.insert(key.to_owned(), value.value.clone());
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

fn quality(from: &View<'_>, to: &mut Map<String, Value>) {
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

fn read_field(name: Option<&str>, field: &View<'_>, depth: usize, bounds: &Bounds) -> Result<Value> {
    bounds.enter(depth, &field.path)?;
    let mut property = Map::new();
    property.extend(name.map(|name| ("name".to_owned(), json!(name))));
    let kind = kind(field);
    kind.write(&mut property);
    shared(field, &mut property);
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
