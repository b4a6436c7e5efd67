//! Custom properties: what a contract says beyond the standard.

use polder_core::document::Node;

use crate::place::{Place, items, text};

/// One custom property of an element.
#[derive(Debug, Clone)]
pub struct CustomProperty {
    /// Its name, as written.
    pub property: String,
    /// Its value; a null where none is given.
    pub value: Node,
    /// Where its name stands.
    pub place: Place,
}

impl CustomProperty {
    /// The custom properties of an element, in the order written.
    pub(crate) fn read(element: &Node, document: &Place) -> Vec<Self> {
        items(element, "customProperties")
            .iter()
            .map(|node| {
                let name = node.get("property").map_or(node.span, |name| name.span);
                Self {
                    property: text(node, "property").unwrap_or_default(),
                    value: node.get("value").cloned().unwrap_or(Node {
                        value: polder_core::document::Value::Null,
                        span: name,
                    }),
                    place: document.at(name),
                }
            })
            .collect()
    }
}

/// The value of a custom property of a mapping.
pub(crate) fn custom_property<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    items(node, "customProperties")
        .iter()
        .find(|property| property.get("property").and_then(Node::as_str) == Some(name))?
        .get("value")
}
