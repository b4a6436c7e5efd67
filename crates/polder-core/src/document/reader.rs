//! Reads the values of one document by name and type, and collects everything that is wrong with them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::str::FromStr;

use super::{Diagnostic, Entry, Node, Severity, Source, Span, Value, nearest, shortened};
use crate::{Error, Result};

/// Most findings in one document.
pub const MAX_FINDINGS: usize = 10_000;

/// Reads one document. Everything that is wrong is collected; what could not be read is given as `None`, so that
/// reading goes on.
pub struct Reader<'a> {
    source: &'a Source,
    diagnostics: RefCell<Vec<Diagnostic>>,
}

impl<'a> Reader<'a> {
    /// A reader of this document with nothing found yet.
    pub fn new(source: &'a Source) -> Self {
        Self {
            source,
            diagnostics: RefCell::new(Vec::new()),
        }
    }

    /// The document that is read.
    pub fn source(&self) -> &'a Source {
        self.source
    }

    /// The entries of a mapping. Anything else is an error (`wrong-type`).
    pub fn map<'r, 'n>(&'r self, node: &'n Node) -> Option<MapReader<'r, 'a, 'n>> {
        self.map_at(node, String::new())
    }

    /// The entries of a mapping that messages call `path`.
    pub fn map_at<'r, 'n>(&'r self, node: &'n Node, path: String) -> Option<MapReader<'r, 'a, 'n>> {
        match &node.value {
            Value::Map(entries) => Some(MapReader {
                reader: self,
                entries,
                span: node.span,
                path,
                known: RefCell::default(),
            }),
            _ => {
                let name = if path.is_empty() {
                    "the document".to_owned()
                } else {
                    format!("`{path}`")
                };
                self.error(
                    node.span,
                    "wrong-type",
                    format!("{name} must be a mapping, but is {}", node.kind()),
                    path.is_empty()
                        .then(|| "a document is lines of `key: value`".to_owned()),
                );
                None
            }
        }
    }

    /// Adds an error.
    pub fn error(&self, span: Span, code: &'static str, message: impl Into<String>, help: Option<String>) {
        self.report(Severity::Error, span, code, message.into(), help);
    }

    /// Adds a warning.
    pub fn warning(&self, span: Span, code: &'static str, message: impl Into<String>, help: Option<String>) {
        self.report(Severity::Warning, span, code, message.into(), help);
    }

    fn report(&self, severity: Severity, span: Span, code: &'static str, message: String, help: Option<String>) {
        let file = self.source.path.clone();
        if self.is_full() {
            return;
        }
        self.diagnostics.borrow_mut().push(Diagnostic {
            severity,
            code: code.into(),
            message: shortened(message),
            help,
            file,
            span: Some(span),
        });
    }

    /// Whether so much was found that nobody reads more: what is found after [`MAX_FINDINGS`] is left out.
    pub fn is_full(&self) -> bool {
        self.diagnostics.borrow().len() >= MAX_FINDINGS
    }

    /// Whether an error (not only warnings) was found so far.
    pub fn has_errors(&self) -> bool {
        self.diagnostics
            .borrow()
            .iter()
            .any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Everything that was found, by place.
    pub fn finish(self) -> Vec<Diagnostic> {
        let mut diagnostics = self.diagnostics.into_inner();
        diagnostics.sort_by_key(|diagnostic| diagnostic.span.map(|span| span.start));
        diagnostics
    }
}

/// The entries of one mapping. Each key that is asked for is known; [`MapReader::finish`] reports all others.
#[must_use = "call finish, or unknown keys pass unseen"]
pub struct MapReader<'r, 'a, 'n> {
    reader: &'r Reader<'a>,
    entries: &'n [Entry],
    span: Span,
    path: String,
    known: RefCell<Vec<&'static str>>,
}

impl<'r, 'a, 'n> MapReader<'r, 'a, 'n> {
    /// The place of the whole mapping.
    pub fn span(&self) -> Span {
        self.span
    }

    /// The place of a key's value, or of the mapping where it has no such key.
    pub fn span_of(&self, key: &str) -> Span {
        self.entry(key).map_or(self.span, |entry| entry.value.span)
    }

    /// The name of `key` in messages: the way from the document's root.
    pub fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// The reader of the whole document, to add findings.
    pub fn reader(&self) -> &'r Reader<'a> {
        self.reader
    }

    /// The entries as written.
    pub fn entries(&self) -> &'n [Entry] {
        self.entries
    }

    /// The value under a key; nothing where it is absent or null.
    pub fn node(&self, key: &'static str) -> Option<&'n Node> {
        let mut known = self.known.borrow_mut();
        if !known.contains(&key) {
            known.push(key);
        }
        self.entry(key).map(|entry| &entry.value).filter(|node| !node.is_null())
    }

    /// As [`MapReader::node`]; an absent value is an error (`missing-value`).
    pub fn required_node(&self, key: &'static str) -> Option<&'n Node> {
        let node = self.node(key);
        if node.is_none() {
            let span = self.entry(key).map_or(self.head(), |entry| entry.key_span);
            self.reader.error(
                span,
                "missing-value",
                format!("`{}` is missing", self.path_of(key)),
                Some(format!("add the line `{key}: …`")),
            );
        }
        node
    }

    /// Text; an absent value is an error.
    pub fn required_string(&self, key: &'static str) -> Option<String> {
        self.required_node(key).and_then(|node| self.text(key, node))
    }

    /// Text, where it is given.
    pub fn optional_string(&self, key: &'static str) -> Option<String> {
        self.node(key).and_then(|node| self.text(key, node))
    }

    /// A boolean, where it is given.
    pub fn optional_bool(&self, key: &'static str) -> Option<bool> {
        let node = self.node(key)?;
        match &node.value {
            Value::Bool(value) => Some(*value),
            _ => self.wrong_type(key, node, "true or false"),
        }
    }

    /// A whole number from 0, where it is given.
    pub fn optional_u64(&self, key: &'static str) -> Option<u64> {
        let node = self.node(key)?;
        match &node.value {
            Value::Number(text) => text
                .parse()
                .ok()
                .or_else(|| self.wrong_value(key, node, "a whole number from 0")),
            _ => self.wrong_type(key, node, "a whole number"),
        }
    }

    /// A number as written, where it is given.
    pub fn optional_number(&self, key: &'static str) -> Option<String> {
        let node = self.node(key)?;
        match &node.value {
            Value::Number(text) => Some(text.clone()),
            _ => self.wrong_type(key, node, "a number"),
        }
    }

    /// Text that is read into another type; an absent value is an error.
    pub fn required_parsed<T: FromStr<Err = Error>>(&self, key: &'static str) -> Option<T> {
        self.required_node(key)
            .and_then(|node| self.parsed(key, node, T::from_str))
    }

    /// Text that is read into another type, where it is given.
    pub fn optional_parsed<T: FromStr<Err = Error>>(&self, key: &'static str) -> Option<T> {
        self.optional_with(key, T::from_str)
    }

    /// Text (a number is taken as written) that a function reads, where it is given; its error is shown at the value.
    pub fn optional_with<T>(&self, key: &'static str, read: impl FnOnce(&str) -> Result<T>) -> Option<T> {
        self.node(key).and_then(|node| self.parsed(key, node, read))
    }

    /// Items of a list of texts; empty where it is not given.
    pub fn string_list(&self, key: &'static str) -> Vec<String> {
        self.list(key).iter().filter_map(|node| self.text(key, node)).collect()
    }

    /// Items of a list; empty where it is not given.
    pub fn list(&self, key: &'static str) -> &'n [Node] {
        let Some(node) = self.node(key) else { return &[] };
        match &node.value {
            Value::List(items) => items,
            _ => {
                let message = format!("`{}` must be a list, but is {}", self.path_of(key), node.kind());
                let help = format!("write its items in brackets: {key}: […]");
                self.reader.error(node.span, "wrong-type", message, Some(help));
                &[]
            }
        }
    }

    /// A mapping, where it is given.
    pub fn map(&self, key: &'static str) -> Option<MapReader<'r, 'a, 'n>> {
        let node = self.node(key)?;
        self.reader.map_at(node, self.path_of(key))
    }

    /// A mapping; an absent value is an error.
    pub fn required_map(&self, key: &'static str) -> Option<MapReader<'r, 'a, 'n>> {
        let node = self.required_node(key)?;
        self.reader.map_at(node, self.path_of(key))
    }

    /// A mapping of free keys to text; numbers and booleans are taken as written. Empty where it is not given.
    pub fn string_map(&self, key: &'static str) -> BTreeMap<String, String> {
        let Some(map) = self.map(key) else {
            return BTreeMap::new();
        };
        let mut values = BTreeMap::new();
        for entry in map.entries {
            match entry.value.scalar_text() {
                Some(text) => {
                    values.insert(entry.key.clone(), text.to_owned());
                }
                None => {
                    let message = format!(
                        "`{}` must be text, but is {}",
                        map.path_of(&entry.key),
                        entry.value.kind()
                    );
                    self.reader.error(entry.value.span, "wrong-type", message, None);
                }
            }
        }
        values
    }

    /// Reports each key that nobody asked for (`unknown-key`), with the nearest right name.
    pub fn finish(self) {
        let known = self.known.borrow();
        for entry in self.entries.iter().filter(|entry| !known.contains(&entry.key.as_str())) {
            let help = match nearest(&entry.key, known.iter().copied()) {
                Some(name) => format!("did you mean `{name}`?"),
                None => format!("known here: {}", known.join(", ")),
            };
            let message = format!("`{}` is not known", self.path_of(&entry.key));
            self.reader.error(entry.key_span, "unknown-key", message, Some(help));
        }
    }

    fn entry(&self, key: &str) -> Option<&'n Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// The first character of the mapping: what is missing has no place of its own.
    fn head(&self) -> Span {
        Span {
            end: self.span.start,
            ..self.span
        }
    }

    fn text(&self, key: &str, node: &Node) -> Option<String> {
        match &node.value {
            Value::String(text) => Some(text.clone()),
            Value::Number(_) | Value::Bool(_) => {
                let message = format!("`{}` must be text, but is {}", self.path_of(key), node.kind());
                self.reader
                    .error(node.span, "wrong-type", message, Some("put it in quotes".to_owned()));
                None
            }
            _ => self.wrong_type(key, node, "text"),
        }
    }

    fn parsed<T>(&self, key: &str, node: &Node, read: impl FnOnce(&str) -> Result<T>) -> Option<T> {
        let Some(text) = node.scalar_text() else {
            return self.wrong_type(key, node, "text");
        };
        read(text)
            .map_err(|error| {
                let help = error.help().map(str::to_owned);
                self.reader.error(
                    node.span,
                    "wrong-value",
                    format!("`{}`: {error}", self.path_of(key)),
                    help,
                );
            })
            .ok()
    }

    fn wrong_type<T>(&self, key: &str, node: &Node, expected: &str) -> Option<T> {
        let message = format!("`{}` must be {expected}, but is {}", self.path_of(key), node.kind());
        self.reader.error(node.span, "wrong-type", message, None);
        None
    }

    fn wrong_value<T>(&self, key: &str, node: &Node, expected: &str) -> Option<T> {
        let message = format!("`{}` must be {expected}", self.path_of(key));
        self.reader.error(node.span, "wrong-value", message, None);
        None
    }
}
