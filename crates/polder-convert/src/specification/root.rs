//! What a document says beside its models: who, where, on which terms and at which service levels.

use serde_json::{Map, Value, json};

use super::levels::measured;
use crate::draft::{custom, push};
use crate::loss::{View, scalar_text};

pub(super) fn about(root: &View<'_>, out: &mut Map<String, Value>) {
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

pub(super) fn servers(root: &View<'_>, out: &mut Map<String, Value>) {
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
        for role in server.items("roles").iter().filter_map(role) {
            push(&mut entry, "roles", role);
        }
        push(out, "servers", Value::Object(entry));
    }
}

/// A role of a server; the standard knows none without a name.
fn role(role: &View<'_>) -> Option<Value> {
    let mut entry = Map::from_iter([("role".to_owned(), json!(role.text("name")?))]);
    entry.extend(
        role.text("description")
            .map(|text| ("description".to_owned(), json!(text))),
    );
    Some(Value::Object(entry))
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

pub(super) fn terms(root: &View<'_>, out: &mut Map<String, Value>) {
    let Some(terms) = root.get("terms") else { return };
    for (key, to) in [("usage", "usage"), ("limitations", "limitations")] {
        if let Some(text) = terms.text(key) {
            describe(out, to, text);
        }
    }
    if let Some(notice) = terms.get("noticePeriod") {
        let period = notice.value.as_str().and_then(measured);
        match period.filter(|(value, unit)| value.is_u64() && matches!(*unit, "y" | "mo" | "w" | "d")) {
            Some((value, unit)) => {
                notice.keep();
                custom(out, "polder.noticePeriod", json!(format!("{value}{unit}")));
            }
            None => notice.lose("a notice period is a number of days, weeks, months or years"),
        }
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
