//! Where something is defined or explained: authoritative definitions.

use polder_core::document::Node;

use crate::place::{Place, items, text};

/// A link to what says more, or decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// The address.
    pub url: String,
    /// What is to be found there, such as `businessDefinition` or `transformationImplementation`.
    pub kind: String,
    /// What it is in words.
    pub description: Option<String>,
    /// Where it is declared.
    pub place: Place,
}

impl Definition {
    /// The authoritative definitions of an element.
    pub(crate) fn all(element: &Node, document: &Place) -> Vec<Self> {
        let definitions = items(element, "authoritativeDefinitions").iter().map(|node| Self {
            url: text(node, "url").unwrap_or_default(),
            kind: text(node, "type").unwrap_or_default(),
            description: text(node, "description"),
            place: document.at(node.span),
        });
        definitions.collect()
    }
}
