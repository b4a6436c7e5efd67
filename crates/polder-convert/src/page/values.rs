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
        .filter_map(|item| Some(format!("{} ({})", text(item, "url")?, text(item, "type")?)))
        .collect();
    (!places.is_empty()).then(|| format!("See {}", places.join(", ")))
}

/// Custom properties in one line.
pub(super) fn custom(node: &Node) -> String {
    let parts: Vec<String> = node
        .as_list()
        .unwrap_or_default()
        .iter()
        .filter_map(|item| Some(format!("{}: {}", text(item, "property")?, shown(item.get("value")?))))
        .collect();
    parts.join("; ")
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
