//! The structure that the standard demands of a document: tables of keys and rules, and the walk that holds a
//! document against them.

mod cron;
mod editor;
mod hints;
mod product;
mod property;
mod quality;
mod relationship;
mod server;
mod tables;
mod words;

use chrono::{DateTime, NaiveDate};
use polder_core::document::{Entry, Node, Reader, Value, nearest};

pub use editor::editor_schema;
pub(crate) use product::check_product;
pub(crate) use quality::{OPERATORS, dimension};
pub(crate) use server::is_common as is_common_to_servers;
use words::Words;
pub(crate) use words::{STATUSES, plain, slip};

/// What a value must be.
pub(crate) enum Rule {
    /// Any value, null too.
    Any,
    /// Any value but lists and mappings.
    Scalar,
    /// Text, a number or a boolean.
    Single,
    Text,
    /// Text that begins with this.
    Beginning(&'static str),
    /// An identifier that references can name.
    StableId,
    Bool,
    /// A whole number, at least this.
    Whole(i64),
    Number,
    /// A number above 0.
    Positive,
    /// A date as text, `YYYY-MM-DD`.
    Date,
    /// An instant as text, by RFC 3339.
    Instant,
    OneOf(&'static [&'static str]),
    /// Text: a known word, or one of one's own.
    Word(&'static Words),
    List(&'static Rule),
    /// A list of at least one item, all distinct.
    Set(&'static Rule),
    Map(&'static [Field]),
    /// A mapping of which nothing more is said.
    OpenMap,
    /// A mapping that may have more keys than these.
    OpenMapOf(&'static [Field]),
    /// A mapping, or a list of such mappings: two forms of one thing.
    TextOr(&'static Rule),
    /// What only code can decide, and the name under which the editors' schema describes it.
    Special(fn(&Walk<'_, '_>, &Node, &str), &'static str),
}

/// One key of a mapping.
pub(crate) struct Field {
    key: &'static str,
    rule: Rule,
    required: bool,
}

const fn optional(key: &'static str, rule: Rule) -> Field {
    Field {
        key,
        rule,
        required: false,
    }
}

const fn required(key: &'static str, rule: Rule) -> Field {
    Field {
        key,
        rule,
        required: true,
    }
}

/// A walk over one document.
pub(crate) struct Walk<'r, 'a> {
    reader: &'r Reader<'a>,
    version: Version,
}

/// The generation of the standard that a document is written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Version {
    V3_0,
    V3_1,
    V3_2,
}

const VERSIONS: [(&str, Version); 5] = [
    ("v3.2.0", Version::V3_2),
    ("v3.1.0", Version::V3_1),
    ("v3.0.2", Version::V3_0),
    ("v3.0.1", Version::V3_0),
    ("v3.0.0", Version::V3_0),
];

/// Holds a document against the standard; findings go to the reader.
pub(crate) fn check(reader: &Reader<'_>, document: &Node) {
    let written = document.get("apiVersion").and_then(Node::as_str);
    let known = VERSIONS.iter().find(|(name, _)| Some(*name) == written);
    let version = known.map_or(Version::V3_2, |(_, version)| *version);
    let walk = Walk { reader, version };
    if document.as_map().is_none() {
        walk.wrong_type(document, "", "a mapping");
        return;
    }
    let of_other_standard = document.as_map().unwrap_or_default().iter();
    if let Some(entry) = of_other_standard
        .filter(|_| document.get("apiVersion").is_none())
        .find(|entry| entry.key == "dataContractSpecification")
    {
        let message = "this is a contract by the Data Contract Specification, not by ODCS";
        let help = "convert it: polder contract import FILE --from dcs";
        reader.error(entry.key_span, "other-standard", message, Some(help.to_owned()));
        return;
    }
    if let Some(kind) = kind_of(document, "DataProduct") {
        let message = "this is a data product, not a contract";
        let help = "products end in .odps.yaml; two of them compare with: polder product diff OLD NEW";
        reader.error(kind.span, "other-standard", message, Some(help.to_owned()));
        return;
    }
    let mut tables = vec![tables::CONTRACT];
    if version < Version::V3_2 {
        tables.push(tables::BEFORE_3_2);
    }
    walk.map(&tables, false, document, "");
}

/// What the document calls itself, where that is this kind.
fn kind_of<'n>(document: &'n Node, kind: &str) -> Option<&'n Node> {
    document.get("kind").filter(|node| node.as_str() == Some(kind))
}

fn api_version(walk: &Walk<'_, '_>, node: &Node, path: &str) {
    walk.check(&Rule::Text, node, path);
    if let Some(text) = node.as_str()
        && !VERSIONS.iter().any(|(name, _)| *name == text)
    {
        let help = if text.starts_with("v2.") {
            "versions 2 of the standard have another structure: rewrite the contract for v3.1.0".to_owned()
        } else {
            format!("known versions: {}", VERSIONS.map(|(name, _)| name).join(", "))
        };
        walk.reader.error(
            node.span,
            "wrong-value",
            format!("`{text}` is no version of the standard"),
            Some(help),
        );
    }
}

impl Walk<'_, '_> {
    /// Checks one value.
    fn check(&self, rule: &Rule, node: &Node, path: &str) {
        if self.reader.is_full() {
            return;
        }
        match rule {
            Rule::Any => {}
            Rule::Scalar => {
                if matches!(node.value, Value::List(_) | Value::Map(_)) {
                    self.wrong_type(node, path, "a single value");
                }
            }
            Rule::Single => {
                if node.scalar_text().is_none() {
                    self.wrong_type(node, path, "a single value");
                }
            }
            Rule::Text => {
                self.text(node, path);
            }
            Rule::Beginning(head) => {
                if let Some(text) = self.text(node, path)
                    && !text.starts_with(head)
                {
                    let help = format!("it begins with `{head}`");
                    self.wrong_value(node, path, &format!("`{text}` is not allowed"), &help);
                }
            }
            Rule::StableId => {
                if let Some(text) = self.text(node, path)
                    && (text.is_empty()
                        || !text
                            .bytes()
                            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-'))
                {
                    let help = "an id has letters, digits, `_` and `-`, so that references can name it";
                    self.wrong_value(node, path, &format!("`{text}` is no id"), help);
                }
            }
            Rule::Bool => {
                if !matches!(node.value, Value::Bool(_)) {
                    self.wrong_type(node, path, "true or false");
                }
            }
            Rule::Whole(least) => match &node.value {
                Value::Number(text) => {
                    if whole_number(text).is_none_or(|number| number < *least) {
                        let problem = if *least == i64::MIN {
                            String::new()
                        } else {
                            format!(" from {least}")
                        };
                        self.wrong_value(node, path, &format!("`{text}` is not a whole number{problem}"), "");
                    }
                }
                _ => self.wrong_type(node, path, "a whole number"),
            },
            Rule::Number => self.number(node, path, false),
            Rule::Positive => self.number(node, path, true),
            Rule::Date => {
                if let Some(text) = self.text(node, path)
                    && (text.len() != 10 || NaiveDate::parse_from_str(text, "%Y-%m-%d").is_err())
                {
                    self.wrong_value(node, path, &format!("`{text}` is not a date"), "write it as 2026-01-31");
                }
            }
            Rule::Instant => {
                if let Some(text) = self.text(node, path)
                    && DateTime::parse_from_rfc3339(text).is_err()
                {
                    let help = "write it as 2026-01-31T12:00:00Z";
                    self.wrong_value(node, path, &format!("`{text}` is not an instant"), help);
                }
            }
            Rule::OneOf(words) => {
                if let Some(text) = self.text(node, path)
                    && !words.contains(&text)
                {
                    let help = match nearest(text, words.iter().copied()) {
                        Some(word) => format!("did you mean `{word}`?"),
                        None => format!("known here: {}", words.join(", ")),
                    };
                    self.wrong_value(node, path, &format!("`{text}` is not allowed"), &help);
                }
            }
            Rule::Word(words) => self.word(words, node, path),
            Rule::List(rule) => {
                self.list(rule, node, path);
            }
            Rule::Set(rule) => {
                let items = self.list(rule, node, path);
                if items.is_some_and(<[Node]>::is_empty) {
                    self.wrong_value(node, path, "the list is empty", "give an item or leave the key out");
                }
                self.distinct(items.unwrap_or_default(), path);
            }
            Rule::Map(fields) => self.map(&[fields], false, node, path),
            Rule::OpenMapOf(fields) => self.map(&[fields], true, node, path),
            Rule::OpenMap => self.map(&[], true, node, path),
            Rule::TextOr(rule) => {
                if node.as_str().is_none() {
                    self.check(rule, node, path);
                }
            }
            Rule::Special(check, _) => check(self, node, path),
        }
    }

    /// Checks a mapping against several tables of keys; a later table's word on a key counts.
    fn map(&self, tables: &[&[Field]], open: bool, node: &Node, path: &str) {
        let Some(entries) = self.entries(node, path) else {
            return;
        };
        for entry in entries {
            let field = tables
                .iter()
                .rev()
                .flat_map(|table| table.iter())
                .find(|field| field.key == entry.key);
            match field {
                Some(field) => self.check(&field.rule, &entry.value, &join(path, &entry.key)),
                None if open => {}
                None if matches!(entry.key.as_str(), "properties" | "items" | "map")
                    && node.get("logicalType").is_some() =>
                {
                    let message = format!("`{}` does not go with this logical type", join(path, &entry.key));
                    let help = "only `object` has properties, `array` items and `map` a map";
                    self.reader
                        .error(entry.key_span, "unknown-key", message, Some(help.to_owned()));
                }
                None => self.unknown(entry, tables, path),
            }
        }
        let mut missing: Vec<&str> = Vec::new();
        for field in tables
            .iter()
            .flat_map(|table| table.iter())
            .filter(|field| field.required)
        {
            if !missing.contains(&field.key) && !entries.iter().any(|entry| entry.key == field.key) {
                missing.push(field.key);
                let known = || tables.iter().flat_map(|table| table.iter()).map(|field| field.key);
                let unknown = entries.iter().filter(|entry| !known().any(|key| key == entry.key));
                // What it was probably meant to be is told with the unknown key.
                let misspelt = || {
                    unknown
                        .filter_map(|entry| nearest(&entry.key, known()))
                        .any(|key| key == field.key)
                };
                if open || !misspelt() {
                    self.missing(node, path, field.key, None);
                }
            }
        }
    }

    fn entries<'n>(&self, node: &'n Node, path: &str) -> Option<&'n [Entry]> {
        let entries = node.as_map();
        if entries.is_none() {
            self.wrong_type(node, path, "a mapping");
        }
        entries
    }

    fn list<'n>(&self, rule: &Rule, node: &'n Node, path: &str) -> Option<&'n [Node]> {
        let Some(items) = node.as_list() else {
            self.wrong_type(node, path, "a list");
            return None;
        };
        let mut ids = std::collections::HashSet::new();
        for (index, item) in items.iter().enumerate() {
            self.check(rule, item, &format!("{path}[{index}]"));
            if !matches!(rule, Rule::Any)
                && let Some(id) = item.get("id")
                && let Some(text) = id.as_str()
                && !ids.insert(text)
            {
                let message = format!("the id `{text}` is in `{path}` twice");
                let help = "references name elements by id: give each its own";
                self.reader
                    .error(id.span, "duplicate-item", message, Some(help.to_owned()));
            }
        }
        Some(items)
    }

    fn distinct(&self, items: &[Node], path: &str) {
        let mut seen = std::collections::HashSet::new();
        for (index, item) in items.iter().enumerate() {
            if !seen.insert(canonical(item)) {
                let message = format!("`{path}[{index}]` is here twice");
                self.reader.error(
                    item.span,
                    "duplicate-item",
                    message,
                    Some("keep one of them".to_owned()),
                );
            }
        }
    }

    fn text<'n>(&self, node: &'n Node, path: &str) -> Option<&'n str> {
        let text = node.as_str();
        if text.is_none() {
            self.wrong_type(node, path, "text");
        }
        text
    }

    fn number(&self, node: &Node, path: &str, positive: bool) {
        match &node.value {
            Value::Number(text) => {
                let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
                let hexadecimal = text.starts_with("0x") || text.starts_with("0o");
                if number.is_none() && !hexadecimal {
                    self.wrong_value(node, path, &format!("`{text}` is not a number"), "");
                } else if positive && number.is_some_and(|number| number <= 0.0) {
                    self.wrong_value(node, path, &format!("`{text}` is not above 0"), "");
                }
            }
            _ => self.wrong_type(node, path, "a number"),
        }
    }

    fn unknown(&self, entry: &Entry, tables: &[&[Field]], path: &str) {
        if self.reader.is_full() {
            return;
        }
        let keys = || tables.iter().flat_map(|table| table.iter()).map(|field| field.key);
        let argument = ["validValues", "missingValues", "pattern", "properties"].contains(&entry.key.as_str());
        let help = match nearest(&entry.key, keys()) {
            _ if argument && keys().any(|key| key == "arguments") => {
                format!("write it under `arguments:`: arguments: {{{}: …}}", entry.key)
            }
            Some(key) => format!("did you mean `{key}`?"),
            None if keys().any(|key| key == "logicalTypeOptions")
                && let Some(option) = nearest(&entry.key, property::options()) =>
            {
                format!("`{option}` stands under `logicalTypeOptions`")
            }
            None => "the standard has no such key here; what is your own goes to `customProperties`".to_owned(),
        };
        let message = format!("`{}` is not known", join(path, &entry.key));
        self.reader.error(entry.key_span, "unknown-key", message, Some(help));
    }

    /// Whether a key of the mapping, none of which is one of these, was probably meant to be one.
    fn has_misspelt(node: &Node, keys: &[&str]) -> bool {
        let mut entries = node.as_map().unwrap_or_default().iter();
        entries.any(|entry| nearest(&entry.key, keys.iter().copied()).is_some())
    }

    fn missing(&self, node: &Node, path: &str, key: &str, help: Option<&str>) {
        let span = polder_core::document::Span {
            end: node.span.start,
            ..node.span
        };
        let message = format!("`{}` is missing", join(path, key));
        self.reader
            .error(span, "missing-value", message, help.map(str::to_owned));
    }

    fn wrong_type(&self, node: &Node, path: &str, expected: &str) {
        let name = if path.is_empty() {
            "the document".to_owned()
        } else {
            format!("`{path}`")
        };
        let help = match node.value {
            Value::Null => Some("give a value or leave the key out"),
            Value::Number(_) | Value::Bool(_) if expected == "text" => Some("put it in quotes"),
            _ => None,
        };
        let message = format!("{name} must be {expected}, but is {}", node.kind());
        self.reader
            .error(node.span, "wrong-type", message, help.map(str::to_owned));
    }

    fn wrong_value(&self, node: &Node, path: &str, problem: &str, help: &str) {
        let help = (!help.is_empty()).then(|| help.to_owned());
        self.reader
            .error(node.span, "wrong-value", format!("`{path}`: {problem}"), help);
    }
}

/// A whole number however it is written: `3`, `3.0` and `3e0` are the same. Beyond 64 bits: the nearest bound.
fn whole_number(text: &str) -> Option<i64> {
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let number = text.parse::<f64>().ok()?;
    // A cast saturates, and the bounds of the rules are small.
    (number.is_finite() && number.fract() == 0.0).then_some(number as i64)
}

/// A text that is the same for values that are equal: keys in any order, numbers however they are written.
fn canonical(node: &Node) -> String {
    match &node.value {
        Value::Number(text) => text
            .parse::<f64>()
            .map_or_else(|_| text.clone(), |number| number.to_string()),
        Value::List(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        Value::Map(entries) => {
            let mut pairs: Vec<_> = entries
                .iter()
                .map(|entry| format!("{:?}:{}", entry.key, canonical(&entry.value)))
                .collect();
            pairs.sort_unstable();
            format!("{{{}}}", pairs.join(","))
        }
        Value::String(text) => format!("{text:?}"),
        Value::Null | Value::Bool(_) => node.to_json().to_string(),
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}
