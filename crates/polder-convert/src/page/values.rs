//! Values of a document in words.

use polder_core::document::Node;

pub(super) fn text(node: &Node, key: &str) -> Option<String> {
    node.get(key)?.scalar_text().map(str::to_owned)
}

pub(super) fn items<'n>(node: &'n Node, key: &str) -> &'n [Node] {
    node.get(key).and_then(Node::as_list).unwrap_or_default()
}

pub(super) fn flag(node: &Node, key: &str) -> bool {
    text(node, key).as_deref() == Some("true")
}

/// Any value in one line.
pub(super) fn shown(node: &Node) -> String {
    if let Some(text) = node.scalar_text() {
        return text.to_owned();
    }
    if let Some(items) = node.as_list() {
        return items.iter().map(shown).collect::<Vec<_>>().join(", ");
    }
    let entries = node.as_map().unwrap_or_default();
    let parts: Vec<_> = entries
        .iter()
        .map(|entry| format!("{}: {}", entry.key, shown(&entry.value)))
        .collect();
    parts.join("; ")
}

/// Where it is defined, in one line.
pub(super) fn definitions(node: &Node) -> Option<String> {
    let places: Vec<String> = items(node, "authoritativeDefinitions")
        .iter()
        .filter_map(|item| {
            let said: Vec<_> = [text(item, "type"), text(item, "description")]
                .into_iter()
                .flatten()
                .collect();
            Some(format!("{} ({})", text(item, "url")?, said.join(": ")))
        })
        .collect();
    (!places.is_empty()).then(|| format!("See {}", places.join(", ")))
}

/// Custom properties in one line.
pub(super) fn custom(node: &Node) -> String {
    let parts: Vec<String> = node
        .as_list()
        .unwrap_or_default()
        .iter()
        .filter_map(|item| {
            let value = item.get("value").map(shown).unwrap_or_default();
            let about = text(item, "description").map_or_else(String::new, |text| format!(" ({text})"));
            Some(format!("{}: {value}{about}", text(item, "property")?))
        })
        .collect();
    parts.join("; ")
}

/// When something is checked, and by what.
pub(super) fn schedule(node: &Node) -> Option<String> {
    match (text(node, "schedule"), text(node, "scheduler")) {
        (Some(schedule), Some(scheduler)) => Some(format!("{schedule} ({scheduler})")),
        (schedule, scheduler) => schedule.or(scheduler),
    }
}

/// All that an element says beside the keys that are told of it elsewhere, its description first.
pub(super) fn beside(node: &Node, told: &[&str]) -> String {
    let mut words = Vec::new();
    for entry in node.as_map().unwrap_or_default() {
        match entry.key.as_str() {
            "id" => {}
            key if told.contains(&key) => {}
            "description" => words.insert(0, shown(&entry.value)),
            "customProperties" => words.push(custom(&entry.value)),
            "authoritativeDefinitions" => words.extend(definitions(node)),
            key => words.push(format!("{key}: {}", shown(&entry.value))),
        }
    }
    words.join("; ")
}

/// Text that ends as a sentence does.
pub(super) fn sentence(text: &str) -> String {
    let text = text.trim_end();
    if text.ends_with(['.', '!', '?', ':', ';']) {
        text.to_owned()
    } else {
        format!("{text}.")
    }
}
