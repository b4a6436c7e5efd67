//! The walk that holds a document against the tables.

use std::collections::HashSet;

use chrono::{DateTime, NaiveDate};
use polder_core::document::{Entry, Node, Span, Value, nearest};

use super::{Field, Shape, Walk, join, property, slips};

/// What a switch must be.
const TRUTH: &str = "true or false";

impl Walk<'_, '_> {
    /// Checks one value.
    pub(super) fn check(&self, shape: &Shape, node: &Node, path: &str) {
        if self.reader.is_full() {
            return;
        }
        match shape {
            Shape::Any => {}
            Shape::Scalar => {
                if matches!(node.value, Value::List(_) | Value::Map(_)) {
                    self.wrong_type(node, path, "a single value");
                }
            }
            Shape::Single => {
                if node.scalar_text().is_none() {
                    self.wrong_type(node, path, "a single value");
                }
            }
            Shape::Text => {
                self.text(node, path);
            }
            Shape::Beginning(head) => {
                if let Some(text) = self.text(node, path)
                    && !text.starts_with(head)
                {
                    let help = format!("it begins with `{head}`");
                    self.wrong_value(node, path, &format!("`{text}` is not allowed"), &help);
                }
            }
            Shape::StableId => {
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
            Shape::Bool => {
                if !matches!(node.value, Value::Bool(_)) {
                    self.wrong_type(node, path, TRUTH);
                }
            }
            Shape::Whole(least) => match &node.value {
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
            Shape::Number => self.number(node, path, false),
            Shape::Positive => self.number(node, path, true),
            Shape::Date => {
                if let Some(text) = self.text(node, path)
                    && (text.len() != 10 || NaiveDate::parse_from_str(text, "%Y-%m-%d").is_err())
                {
                    self.wrong_value(node, path, &format!("`{text}` is not a date"), "write it as 2026-01-31");
                }
            }
            Shape::Instant => {
                if let Some(text) = self.text(node, path)
                    && DateTime::parse_from_rfc3339(text).is_err()
                {
                    let help = "write it as 2026-01-31T12:00:00Z";
                    self.wrong_value(node, path, &format!("`{text}` is not an instant"), help);
                }
            }
            Shape::OneOf(words) => {
                if let Some(text) = self.text(node, path)
                    && !words.contains(&text)
                {
                    let help = match elsewhere(text, words).or_else(|| nearest(text, words.iter().copied())) {
                        Some(word) => format!("did you mean `{word}`?"),
                        None => format!("known here: {}", words.join(", ")),
                    };
                    self.wrong_value(node, path, &format!("`{text}` is not allowed"), &help);
                }
            }
            Shape::Word(words) => self.word(words, node, path),
            Shape::List(shape) => {
                self.list(shape, node, path);
            }
            Shape::Set(shape) => {
                let items = self.list(shape, node, path);
                if items.is_some_and(<[Node]>::is_empty) {
                    self.wrong_value(node, path, "the list is empty", "give an item or leave the key out");
                }
                self.distinct(items.unwrap_or_default(), path);
            }
            Shape::Map(fields) => self.map(&[fields], false, node, path),
            Shape::OpenMapOf(fields) => self.map(&[fields], true, node, path),
            Shape::OpenMap => self.map(&[], true, node, path),
            Shape::TextOr(shape) => {
                if node.as_str().is_none() {
                    self.check(shape, node, path);
                }
            }
            Shape::Special(check, _) => check(self, node, path),
        }
    }

    /// Checks a mapping against several tables of keys; a later table's word on a key counts.
    pub(super) fn map(&self, tables: &[&[Field]], open: bool, node: &Node, path: &str) {
        let Some(entries) = self.entries(node, path) else {
            return;
        };
        for (place, entry) in entries.iter().enumerate() {
            let field = tables
                .iter()
                .rev()
                .flat_map(|table| table.iter())
                .find(|field| field.key == entry.key);
            match field {
                Some(field) => self.check(&field.shape, &entry.value, &join(path, &entry.key)),
                None if open => {}
                None if matches!(entry.key.as_str(), "properties" | "items" | "map")
                    && node.get("logicalType").is_some() =>
                {
                    let message = format!("`{}` does not go with this logical type", join(path, &entry.key));
                    let help = "only `object` has properties, `array` items and `map` a map";
                    self.reader
                        .error(entry.key_span, "unknown-key", message, Some(help.to_owned()));
                }
                None => match cut(entries, place) {
                    // Of several parts the first tells.
                    Some((first, _)) if first + 1 < place => {}
                    Some((first, text)) => {
                        let key = &entries[first].key;
                        let message = format!("`{}` is not known", join(path, &entry.key));
                        let help = format!("a comma ends a text in {{…}}: put it in quotes, {key}: \"{text}\"");
                        self.reader.error(entry.key_span, "unknown-key", message, Some(help));
                    }
                    None => self.unknown(node, entry, tables, path),
                },
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
                        .filter_map(|entry| {
                            let meant = slips::meant(&entry.key, |key| known().any(|known| known == key));
                            meant.or_else(|| nearest(&entry.key, known()))
                        })
                        .any(|key| key == field.key)
                };
                if open || !misspelt() {
                    let help = slips::example(node, field);
                    self.missing(node, path, field.key, help.as_deref());
                }
            }
        }
    }

    /// Whether a document is no mapping at all, which is told. `begins` is how one begins.
    pub(super) fn is_no_mapping(&self, document: &Node, begins: &str) -> bool {
        if document.as_map().is_some() {
            return false;
        }
        let message = format!("the document must be a mapping, but is {}", document.kind());
        self.reader
            .error(document.span, "wrong-type", message, Some(begins.to_owned()));
        true
    }

    pub(super) fn entries<'n>(&self, node: &'n Node, path: &str) -> Option<&'n [Entry]> {
        let entries = node.as_map();
        if entries.is_none() {
            self.wrong_type(node, path, "a mapping");
        }
        entries
    }

    pub(super) fn list<'n>(&self, shape: &Shape, node: &'n Node, path: &str) -> Option<&'n [Node]> {
        let Some(items) = node.as_list() else {
            self.wrong_type(node, path, "a list");
            return None;
        };
        let mut ids = HashSet::new();
        for (index, item) in items.iter().enumerate() {
            self.check(shape, item, &format!("{path}[{index}]"));
            if !matches!(shape, Shape::Any)
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

    pub(super) fn distinct(&self, items: &[Node], path: &str) {
        let mut seen = HashSet::new();
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

    pub(super) fn text<'n>(&self, node: &'n Node, path: &str) -> Option<&'n str> {
        let text = node.as_str();
        if text.is_none() {
            self.wrong_type(node, path, "text");
        }
        text
    }

    pub(super) fn number(&self, node: &Node, path: &str, positive: bool) {
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

    pub(super) fn unknown(&self, mapping: &Node, entry: &Entry, tables: &[&[Field]], path: &str) {
        if self.reader.is_full() {
            return;
        }
        let keys = || tables.iter().flat_map(|table| table.iter()).map(|field| field.key);
        let is_type = entry.key == "type" && keys().any(|key| key == "logicalType");
        let argument = ["validValues", "missingValues", "pattern", "properties"].contains(&entry.key.as_str());
        let slip = slips::instead(mapping, entry, |key| keys().any(|known| known == key), path);
        let help = slip.unwrap_or_else(|| match nearest(&entry.key, keys()) {
            _ if is_type => match entry.value.as_str().and_then(logical) {
                Some(word) => format!("write logicalType: {word}"),
                None => "write `logicalType`, and the store's own type under `physicalType`".to_owned(),
            },
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
        });
        let message = format!("`{}` is not known", join(path, &entry.key));
        self.reader.error(entry.key_span, "unknown-key", message, Some(help));
    }

    /// Whether a key of the mapping, none of which is one of these, was probably meant to be one.
    pub(super) fn has_misspelt(node: &Node, keys: &[&str]) -> bool {
        let mut entries = node.as_map().unwrap_or_default().iter();
        entries.any(|entry| nearest(&entry.key, keys.iter().copied()).is_some())
    }

    pub(super) fn missing(&self, node: &Node, path: &str, key: &str, help: Option<&str>) {
        let span = Span {
            end: node.span.start,
            ..node.span
        };
        let message = format!("`{}` is missing", join(path, key));
        self.reader
            .error(span, "missing-value", message, help.map(str::to_owned));
    }

    pub(super) fn wrong_type(&self, node: &Node, path: &str, expected: &str) {
        let help = match node.value {
            Value::Null => Some("give a value or leave the key out"),
            Value::String(_) if path == "team" => Some("write it under a key: team: {name: …}"),
            Value::String(_) | Value::Number(_) if is_range(path) => {
                Some("write both ends in brackets, as in [0, 100]")
            }
            Value::String(ref text) if expected == "a number" && text.trim().parse::<f64>().is_ok() => {
                Some("leave the quotes out")
            }
            Value::String(_) if expected == "a number" => Some("write it in digits, as in 100"),
            Value::String(_) if expected == "a list" => Some("write its items in brackets, as in [a, b]"),
            Value::String(_) if path == "description" => Some("write it under a key: description: {purpose: …}"),
            // Booleans of YAML 1.1.
            Value::String(ref text) if expected == TRUTH => match text.to_ascii_lowercase().as_str() {
                "yes" | "y" | "on" | "true" => Some("write true"),
                "no" | "n" | "off" | "false" => Some("write false"),
                _ => None,
            },
            Value::Number(_) | Value::Bool(_) if expected == "text" => Some("put it in quotes"),
            _ => None,
        };
        let help = match node.scalar_text() {
            Some(text) if expected == "a mapping" && is_item_of(path, "enum") => {
                let is_plain = text.chars().all(|c| c.is_alphanumeric() || c == '_');
                Some(format!("write it as {{value: {}}}", if is_plain { text } else { "…" }))
            }
            _ => help.map(str::to_owned),
        };
        let message = format!("`{path}` must be {expected}, but is {}", node.kind());
        self.reader.error(node.span, "wrong-type", message, help);
    }

    pub(super) fn wrong_value(&self, node: &Node, path: &str, problem: &str, help: &str) {
        let help = (!help.is_empty()).then(|| help.to_owned());
        self.reader
            .error(node.span, "wrong-value", format!("`{path}`: {problem}"), help);
    }
}

/// Whether a path is that of a range.
fn is_range(path: &str) -> bool {
    ["mustBeBetween", "mustNotBeBetween"].contains(&path.rsplit('.').next().unwrap_or(path))
}

/// Whether a path is that of an item of a list under this key.
fn is_item_of(path: &str, key: &str) -> bool {
    let list = path.strip_suffix(']').and_then(|path| path.rsplit_once('['));
    list.is_some_and(|(list, _)| list.rsplit('.').next() == Some(key))
}

/// A text that commas have cut into several keys of a mapping in one line (`{physicalType: NUMERIC(12,2)}`), of which
/// `place` is one: where it begins, and the whole text.
fn cut(entries: &[Entry], place: usize) -> Option<(usize, String)> {
    let opened = |text: &str| text.matches('(').count() > text.matches(')').count();
    let has_value = |entry: &Entry| !entry.value.is_null();
    let first = entries[..place].iter().rposition(has_value)?;
    let mut text = entries[first].value.as_str().filter(|text| opened(text))?.to_owned();
    for (nth, part) in entries.iter().enumerate().skip(first + 1) {
        if has_value(part) {
            break;
        }
        text = format!("{text},{}", part.key);
        if !opened(&text) {
            return (nth >= place).then_some((first, text));
        }
    }
    None
}

/// The logical type that is meant by a type's name.
fn logical(text: &str) -> Option<&'static str> {
    elsewhere(text, property::LOGICAL_TYPES)
        .or_else(|| property::LOGICAL_TYPES.iter().copied().find(|known| *known == text))
}

/// The word of a list that other tools call so.
fn elsewhere(text: &str, words: &[&'static str]) -> Option<&'static str> {
    let word = match text.to_ascii_lowercase().as_str() {
        "int" | "int32" | "int64" | "bigint" | "smallint" | "long" | "short" => "integer",
        "float" | "double" | "decimal" | "numeric" | "real" => "number",
        "text" | "str" | "varchar" | "char" | "uuid" => "string",
        "bool" => "boolean",
        "datetime" | "timestamptz" | "timestamp_ntz" => "timestamp",
        "struct" | "record" => "object",
        "list" => "array",
        _ => return None,
    };
    words.iter().copied().find(|known| *known == word)
}

/// A whole number however it is written: `3`, `3.0` and `3e0` are the same. Beyond 64 bits: the nearest bound.
fn whole_number(text: &str) -> Option<i64> {
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let number = text.parse::<f64>().ok()?;
    // A cast saturates, and the bounds of the shapes are small.
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
