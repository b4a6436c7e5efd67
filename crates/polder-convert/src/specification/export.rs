//! From contracts to the Data Contract Specification.

use polder_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

use super::{OPTIONS, SHARED, TYPES};
use crate::draft::push;
use crate::element::{Column, tables, why_lost};
use crate::kind::{INT32, INT64, Kind, UINT32, UINT64};
use crate::loss::{Converted, Tracker, View, scalar_text};
use crate::yaml;

const VERSION: &str = "1.2.0";

/// The same contract by the specification.
pub(crate) fn export(contract: &Value) -> Result<Converted<String>> {
    let tracker = Tracker::default();
    let root = tracker.root(contract);
    let mut out = Map::from_iter([("dataContractSpecification".to_owned(), json!(VERSION))]);
    if let Some(id) = root.take("id") {
        out.insert("id".to_owned(), id.clone());
    }
    out.insert("info".to_owned(), Value::Object(info(&root)));
    servers(&root, &mut out);
    terms(&root, &mut out);
    let mut models = Map::new();
    for table in tables(&root) {
        let mut model = Map::from_iter([(
            "type".to_owned(),
            json!(table.view.text("physicalType").unwrap_or("table")),
        )]);
        if table.physical == Some(table.name) {
            table.view.take("physicalName");
        }
        shared(&table.view, &mut model);
        quality(&table.view, &mut model);
        let key = table.key();
        for column in &key {
            column.view.take("primaryKey");
            column.view.take("primaryKeyPosition");
        }
        let names: Vec<&str> = key.iter().map(|column| column.name).collect();
        let single = match names.as_slice() {
            [one] => Some(*one),
            _ => None,
        };
        if names.len() > 1 {
            model.insert("primaryKey".to_owned(), json!(names));
        }
        let fields: Map<String, Value> = table
            .columns
            .iter()
            .map(|column| (column.name.to_owned(), field(column, single == Some(column.name))))
            .collect();
        model.insert("fields".to_owned(), Value::Object(fields));
        models.insert(table.name.to_owned(), Value::Object(model));
    }
    if models.is_empty() {
        return Err(Error::new(ErrorKind::Document, "the contract has no schema to export"));
    }
    out.insert("models".to_owned(), Value::Object(models));
    service_levels(&root, &mut out);
    if let Some(tags) = root.take("tags") {
        out.insert("tags".to_owned(), tags.clone());
    }
    Ok(Converted {
        value: yaml::write(&Value::Object(out)),
        losses: tracker.finish(contract, |path| match path.rsplit('.').next() {
            Some("transformSourceObjects") => {
                "the specification names the fields that a field is made from, not their objects alone".to_owned()
            }
            _ => why_lost(path, "the specification"),
        }),
    })
}

fn info(root: &View<'_>) -> Map<String, Value> {
    let mut info = Map::new();
    let title = root
        .text("name")
        .or_else(|| root.value.get("id").and_then(Value::as_str))
        .unwrap_or("contract");
    info.insert("title".to_owned(), json!(title));
    if let Some(version) = root.text("version") {
        info.insert("version".to_owned(), json!(version));
    }
    if let Some(status) = root.text("status") {
        info.insert("status".to_owned(), json!(status));
    }
    let description = root.get("description");
    if let Some(text) = description.as_ref().and_then(|description| description.text("purpose")) {
        info.insert("description".to_owned(), json!(text));
    }
    if let Some(name) = root.get("team").and_then(|team| team.text("name")) {
        info.insert("owner".to_owned(), json!(name));
    }
    info
}

fn servers(root: &View<'_>, out: &mut Map<String, Value>) {
    let mut servers = Map::new();
    for server in root.items("servers") {
        let Some(name) = server.text("server") else { continue };
        let mut entry = Map::new();
        for (key, value) in server.entries() {
            if !matches!(key, "server" | "id" | "customProperties" | "roles") {
                value.keep();
                entry.insert(key.to_owned(), value.value.clone());
            }
        }
        for role in server.items("roles").iter().filter_map(role) {
            push(&mut entry, "roles", role);
        }
        servers.insert(name.to_owned(), Value::Object(entry));
    }
    if !servers.is_empty() {
        out.insert("servers".to_owned(), Value::Object(servers));
    }
}

/// A role of a server, of which the specification knows the name and what it is for.
fn role(role: &View<'_>) -> Option<Value> {
    let mut entry = Map::from_iter([("name".to_owned(), json!(role.text("role")?))]);
    entry.extend(
        role.text("description")
            .map(|text| ("description".to_owned(), json!(text))),
    );
    Some(Value::Object(entry))
}

fn terms(root: &View<'_>, out: &mut Map<String, Value>) {
    let mut terms = Map::new();
    if let Some(description) = root.get("description") {
        for key in ["usage", "limitations"] {
            if let Some(text) = description.text(key) {
                terms.insert(key.to_owned(), json!(text));
            }
        }
    }
    for item in root.items("customProperties") {
        let name = item.value.get("property").and_then(Value::as_str);
        match (name, item.value.get("value")) {
            (Some(name @ ("noticePeriod" | "billing")), Some(Value::String(text))) => {
                item.keep();
                terms.insert(name.to_owned(), json!(text));
            }
            (Some("polder.noticePeriod"), Some(value)) => {
                if let Some(period) = scalar_text(value).as_deref().and_then(period) {
                    item.keep();
                    terms.insert("noticePeriod".to_owned(), json!(period));
                }
            }
            _ => {}
        }
    }
    if !terms.is_empty() {
        out.insert("terms".to_owned(), Value::Object(terms));
    }
}

/// A notice period (`90d`, `3mo`) as ISO 8601 writes it.
fn period(notice: &str) -> Option<String> {
    let notice = notice.trim();
    let (number, unit) = notice.split_at(notice.bytes().take_while(u8::is_ascii_digit).count());
    let letter = match unit.trim().to_lowercase().as_str() {
        "" | "d" | "day" | "days" => 'D',
        "w" | "week" | "weeks" => 'W',
        "mo" | "month" | "months" => 'M',
        "y" | "yr" | "year" | "years" => 'Y',
        _ => return None,
    };
    (!number.is_empty()).then(|| format!("P{number}{letter}"))
}

fn service_levels(root: &View<'_>, out: &mut Map<String, Value>) {
    let mut levels = Map::new();
    for level in root.items("slaProperties") {
        let word = level.value.get("property").and_then(Value::as_str).unwrap_or_default();
        let key = match word {
            "availability" => "percentage",
            "retention" => "period",
            "latency" | "freshness" => "threshold",
            "frequency" => "interval",
            _ => continue,
        };
        let Some(text) = measured(&level) else { continue };
        if levels.contains_key(word) {
            continue;
        }
        for key in ["property", "value", "unit"] {
            level.take(key);
        }
        let mut entry = Map::from_iter([(key.to_owned(), json!(text))]);
        if let Some(text) = level.text("description") {
            entry.insert("description".to_owned(), json!(text));
        }
        if matches!(word, "freshness" | "retention")
            && let Some(element) = level.text("element")
        {
            entry.insert("timestampField".to_owned(), json!(element));
        }
        let is_cron = level.value.get("scheduler").is_none_or(|scheduler| scheduler == "cron");
        if word == "frequency"
            && is_cron
            && let Some(cron) = level.text("schedule")
        {
            level.take("scheduler");
            entry.insert("cron".to_owned(), json!(cron));
        }
        levels.insert(word.to_owned(), Value::Object(entry));
    }
    if !levels.is_empty() {
        out.insert("servicelevels".to_owned(), Value::Object(levels));
    }
}

/// Value and unit as the specification writes them: `99.9%`, `PT4H`.
fn measured(level: &View<'_>) -> Option<String> {
    let value = scalar_text(level.value.get("value")?)?;
    let unit = level.value.get("unit").and_then(Value::as_str).unwrap_or_default();
    Some(match unit {
        "percent" | "%" => format!("{value}%"),
        "y" | "yr" | "year" | "years" => format!("P{value}Y"),
        "mo" | "month" | "months" => format!("P{value}M"),
        "w" | "week" | "weeks" => format!("P{value}W"),
        "d" | "day" | "days" => format!("P{value}D"),
        "h" | "hour" | "hours" => format!("PT{value}H"),
        "m" | "min" | "minute" | "minutes" => format!("PT{value}M"),
        "s" | "second" | "seconds" => format!("PT{value}S"),
        "" => value,
        _ => return None,
    })
}

fn shared(from: &View<'_>, to: &mut Map<String, Value>) {
    if let Some(title) = from.text("businessName") {
        to.insert("title".to_owned(), json!(title));
    }
    for key in SHARED {
        if let Some(value) = from.take(key) {
            to.insert(key.to_owned(), value.clone());
        }
    }
    let mut config = Map::new();
    for item in from.items("customProperties") {
        let plain = item
            .value
            .as_object()
            .is_some_and(|map| map.keys().all(|key| key == "property" || key == "value"));
        let name = item.value.get("property").and_then(Value::as_str);
        match (name, item.value.get("value")) {
            (Some("pii"), Some(Value::Bool(pii))) if plain => {
                item.keep();
                to.insert("pii".to_owned(), json!(pii));
            }
            (Some(name), Some(value)) if plain => {
                item.keep();
                config.insert(name.to_owned(), value.clone());
            }
            _ => {}
        }
    }
    if !config.is_empty() {
        to.insert("config".to_owned(), Value::Object(config));
    }
}

/// The specification took its rules from the standard: they are the same, but those that are keys of a field.
fn quality(from: &View<'_>, to: &mut Map<String, Value>) {
    let rules: Vec<Value> = from
        .items("quality")
        .iter()
        .filter(|rule| rule.value.get("type").is_some() || rule.value.get("metric").is_some())
        .map(|rule| {
            rule.keep();
            rule.value.clone()
        })
        .collect();
    if !rules.is_empty() {
        to.insert("quality".to_owned(), Value::Array(rules));
    }
}

fn field(column: &Column<'_>, is_key: bool) -> Value {
    let mut field = Map::new();
    let view = &column.view;
    let back = match column.kind {
        Kind::Decimal { precision, scale } => {
            field.insert("type".to_owned(), json!("decimal"));
            field.insert("precision".to_owned(), json!(precision));
            field.insert("scale".to_owned(), json!(scale));
            column.kind
        }
        Kind::Uuid => {
            field.insert("type".to_owned(), json!("string"));
            field.insert("format".to_owned(), json!("uuid"));
            Kind::Uuid
        }
        kind => {
            let nearest = match kind {
                UINT64 => Kind::Float64,
                UINT32 => INT64,
                Kind::Integer { bits: 64, .. } => INT64,
                Kind::Integer { .. } => INT32,
                other => other,
            };
            let word = TYPES
                .iter()
                .find(|(_, known)| *known == nearest)
                .map_or("string", |(word, _)| word);
            field.insert("type".to_owned(), json!(word));
            nearest
        }
    };
    column.kind.settle(back, view, "the specification has no such type");
    shared(view, &mut field);
    if column.required {
        field.insert("required".to_owned(), json!(true));
    }
    if view.flag("unique") {
        field.insert("unique".to_owned(), json!(true));
    }
    if is_key {
        field.insert("primaryKey".to_owned(), json!(true));
    }
    if let Some(text) = view.text("classification") {
        field.insert("classification".to_owned(), json!(text));
    }
    let numeric = matches!(
        column.kind,
        Kind::Integer { .. } | Kind::Float32 | Kind::Float64 | Kind::Decimal { .. }
    );
    for key in OPTIONS {
        let fits = match key {
            "minLength" | "maxLength" | "pattern" | "format" => column.kind == Kind::String,
            _ => numeric,
        };
        if let Some(value) = column.option(key).filter(|_| fits) {
            value.keep();
            field.insert(key.to_owned(), value.value.clone());
        }
    }
    if let Some(allowed) = column.allowed()
        && let Some(texts) = allowed.texts()
    {
        allowed.keep();
        field.insert("enum".to_owned(), json!(texts));
        // The rule is taken: it must not come back beside the key.
        let rest: Vec<Value> = rules_but_allowed(view);
        if !rest.is_empty() {
            field.insert("quality".to_owned(), Value::Array(rest));
        }
    } else {
        quality(view, &mut field);
    }
    if let [relationship] = view.items("relationships").as_slice() {
        let plain = relationship
            .value
            .as_object()
            .is_some_and(|map| map.keys().all(|key| key == "to" || key == "type"));
        if let Some(to) = relationship.value.get("to").filter(|_| plain) {
            relationship.keep();
            field.insert("references".to_owned(), to.clone());
        }
    }
    match column.kind {
        Kind::Object => {
            let inner: Map<String, Value> = column
                .fields()
                .iter()
                .map(|inner| (inner.name.to_owned(), self::field(inner, false)))
                .collect();
            field.insert("fields".to_owned(), Value::Object(inner));
        }
        Kind::Array => {
            field.extend(
                column
                    .items()
                    .map(|items| ("items".to_owned(), self::field(&items, false))),
            );
        }
        Kind::Map => {
            if let Some((key, value)) = column.map() {
                field.insert("keys".to_owned(), self::field(&key, false));
                field.insert("values".to_owned(), self::field(&value, false));
            }
        }
        _ => {}
    }
    Value::Object(field)
}

/// The rules of a property without the one that lists its allowed values.
fn rules_but_allowed(view: &View<'_>) -> Vec<Value> {
    let mut out = Map::new();
    quality(view, &mut out);
    let rules = out
        .remove("quality")
        .and_then(|rules| rules.as_array().cloned())
        .unwrap_or_default();
    let listed = view.value.get("enum").is_some();
    let mut dropped = listed;
    rules
        .into_iter()
        .filter(|rule| {
            let lists = rule.get("metric").and_then(Value::as_str) == Some("invalidValues")
                && rule
                    .get("arguments")
                    .and_then(|arguments| arguments.get("validValues"))
                    .is_some()
                && rule.as_object().is_some_and(|map| {
                    map.keys()
                        .all(|key| matches!(key.as_str(), "metric" | "type" | "arguments" | "mustBe"))
                });
            let drop = lists && !dropped;
            dropped |= lists;
            !drop
        })
        .collect()
}
