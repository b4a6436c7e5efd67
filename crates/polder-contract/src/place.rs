//! Where in which document something is declared.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use polder_core::document::{Diagnostic, Node, Severity, Source, Span, shortened};

/// A place in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The document, as shown to users.
    pub file: Arc<Path>,
    /// The stretch of its text.
    pub span: Span,
}

impl Place {
    /// A stretch of a document.
    pub(crate) fn of(source: &Source, span: Span) -> Self {
        Self {
            file: Arc::from(source.path.as_path()),
            span,
        }
    }

    /// Another stretch of the same document.
    pub(crate) fn at(&self, span: Span) -> Self {
        Self {
            file: Arc::clone(&self.file),
            span,
        }
    }

    /// An error at this place.
    pub fn error(&self, code: &'static str, message: impl Into<String>, help: Option<&str>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            code: Cow::Borrowed(code),
            message: shortened(message.into()),
            help: help.map(str::to_owned),
            file: self.file.to_path_buf(),
            span: Some(self.span),
        }
    }
}

/// A value as written, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The value's text; numbers with every digit.
    pub text: String,
    /// Where it stands.
    pub place: Place,
}

impl Written {
    /// The text, number or boolean under a key.
    pub(crate) fn under(node: &Node, key: &str, place: &Place) -> Option<Self> {
        let value = node.get(key)?;
        Some(Self {
            text: value.scalar_text()?.to_owned(),
            place: place.at(value.span),
        })
    }
}

/// The text under a key.
pub(crate) fn text(node: &Node, key: &str) -> Option<String> {
    node.get(key)?.as_str().map(str::to_owned)
}

/// Whether the value under a key is `true`.
pub(crate) fn flag(node: &Node, key: &str) -> bool {
    node.get(key)
        .is_some_and(|value| value.value == polder_core::document::Value::Bool(true))
}

/// The whole number under a key, where it is not negative.
pub(crate) fn count(node: &Node, key: &str) -> Option<u64> {
    let text = node.get(key)?.scalar_text()?;
    text.strip_suffix(".0").unwrap_or(text).parse().ok()
}

/// The free labels of an element.
pub(crate) fn tags(node: &Node) -> Vec<String> {
    texts(node, "tags")
}

/// The texts of a list under a key.
pub(crate) fn texts(node: &Node, key: &str) -> Vec<String> {
    let texts = items(node, key).iter().filter_map(Node::as_str);
    texts.map(str::to_owned).collect()
}

/// The items of the list under a key; empty where there is none.
pub(crate) fn items<'n>(node: &'n Node, key: &str) -> &'n [Node] {
    node.get(key).and_then(Node::as_list).unwrap_or_default()
}
