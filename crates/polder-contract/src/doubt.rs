//! Where in a document an error leaves nothing more to be said: what is found there later is a consequence of the error,
//! not another mistake. Everything else can be told at once with it.

use std::collections::HashSet;

use polder_core::document::{Diagnostic, Node, Severity, Span, nearest};

use crate::place::{items, text};

/// Keys of a property that say what column it is.
const SHAPING: [&str; 9] = [
    "name",
    "physicalName",
    "logicalType",
    "physicalType",
    "logicalTypeOptions",
    "enum",
    "properties",
    "items",
    "map",
];

/// The stretches of a document that errors put in doubt: columns, rules and references with an error in them, and rules of
/// an object and references that name such a column.
#[derive(Debug, Clone, Default)]
pub(crate) struct Doubt {
    /// From and to, in bytes; ordered, none overlaps another.
    stretches: Vec<(usize, usize)>,
}

impl Doubt {
    /// What these errors put in doubt in the schema of this contract.
    pub(crate) fn of(document: &Node, found: &[Diagnostic]) -> Self {
        Self::walked(document, found, false)
    }

    /// The same, but a rule of SQL with a key that is not known is not in doubt for that alone.
    pub(crate) fn of_readable(document: &Node, found: &[Diagnostic]) -> Self {
        Self::walked(document, found, true)
    }

    fn walked(document: &Node, found: &[Diagnostic], forgives_keys: bool) -> Self {
        let errors = found.iter().filter(|found| found.severity == Severity::Error);
        let mut errors: Vec<_> = errors
            .filter_map(|error| Some((error.span?.start, error.code == "unknown-key")))
            .collect();
        if errors.is_empty() {
            return Self::default();
        }
        errors.sort_unstable();
        let mut walk = Walk {
            errors,
            forgives_keys,
            ..Walk::default()
        };
        for object in items(document, "schema") {
            walk.object(object);
        }
        walk.finish()
    }

    /// Whether a finding lies in one of the stretches.
    pub(crate) fn covers(&self, finding: &Diagnostic) -> bool {
        finding.span.is_some_and(|span| self.covers_start(span))
    }

    /// Whether what begins there lies in one of the stretches.
    pub(crate) fn covers_start(&self, span: Span) -> bool {
        let behind = self.stretches.partition_point(|(from, _)| *from <= span.start);
        behind > 0 && span.start < self.stretches[behind - 1].1
    }
}

#[derive(Default)]
struct Walk<'n> {
    /// Where errors begin, and whether each is a key that is not known; ordered.
    errors: Vec<(usize, bool)>,
    /// A key that is not known leaves the rule of SQL around it as it is.
    forgives_keys: bool,
    stretches: Vec<(usize, usize)>,
    /// What can name columns: rules of objects, and references.
    naming: Vec<&'n Node>,
    /// Names of columns that are in doubt.
    names: HashSet<String>,
    /// Whether a column is in doubt whose name is not known, or is no plain word.
    nameless: bool,
}

impl<'n> Walk<'n> {
    fn object(&mut self, object: &'n Node) {
        let columns = items(object, "properties");
        let rules = items(object, "quality");
        let references = items(object, "relationships");
        let parts: Vec<_> = rules
            .iter()
            .chain(references)
            .chain(items(object, "customProperties"))
            .collect();
        let inside: usize = parts.iter().copied().chain(columns).map(|part| self.count(part)).sum();
        let harmless = self.harmless(object, &["name", "physicalName", "properties"]);
        if self.count(object) > inside + harmless {
            // Its columns stand for themselves.
            let mut from = object.span.start;
            for column in columns {
                self.stretches.push((from, column.span.start));
                from = column.span.end;
            }
            self.stretches.push((from, end(object.span)));
            self.nameless = true;
        } else {
            for part in parts {
                self.doubt_if_wrong(part);
            }
        }
        self.naming.extend(rules.iter().chain(references));
        for column in columns {
            self.column(column);
        }
    }

    fn column(&mut self, column: &'n Node) {
        let mut parts = Vec::new();
        let mut options = Vec::new();
        self.inside(column, &mut parts, &mut options);
        let apart: usize = parts.iter().chain(&options).map(|part| self.count(part)).sum();
        if self.count(column) > apart + self.harmless(column, &SHAPING) {
            self.stretches.push((column.span.start, end(column.span)));
            let names: Vec<_> = ["name", "physicalName"]
                .iter()
                .filter_map(|key| text(column, key))
                .collect();
            let plain = |name: &String| name.chars().all(is_of_word);
            self.nameless |= text(column, "name").is_none() || !names.iter().all(plain);
            self.names.extend(names);
            return;
        }
        for part in parts {
            self.doubt_if_wrong(part);
        }
        for options in options {
            // A key that is not known says nothing about those beside it.
            if self.within(options.span).iter().any(|(_, unknown_key)| !unknown_key) {
                self.stretches.push((options.span.start, end(options.span)));
            }
        }
    }

    /// Everything in a property, and in those inside it, that can be wrong without the property being so.
    fn inside(&mut self, property: &'n Node, parts: &mut Vec<&'n Node>, options: &mut Vec<&'n Node>) {
        let references = items(property, "relationships");
        self.naming.extend(references);
        parts.extend(items(property, "quality").iter().chain(references));
        parts.extend(items(property, "customProperties"));
        options.extend(property.get("logicalTypeOptions"));
        let map = property.get("map");
        let sides = ["key", "value"].iter().filter_map(|side| map?.get(side));
        let children = items(property, "properties")
            .iter()
            .chain(property.get("items"))
            .chain(sides);
        for child in children {
            self.inside(child, parts, options);
        }
    }

    /// How many of its keys are not known, and look like none of those on which something else depends.
    fn harmless(&self, node: &Node, shaping: &[&str]) -> usize {
        let entries = node.as_map().unwrap_or_default().iter();
        let unknown = entries.filter(|entry| self.errors.binary_search(&(entry.key_span.start, true)).is_ok());
        unknown
            .filter(|entry| nearest(&entry.key, shaping.iter().copied()).is_none())
            .count()
    }

    fn doubt_if_wrong(&mut self, part: &Node) {
        let has_sql = || ["query", "implementation"].iter().any(|key| part.get(key).is_some());
        let forgives = self.forgives_keys && has_sql();
        let within = self.within(part.span);
        if within.iter().any(|(_, unknown_key)| !(*unknown_key && forgives)) {
            self.stretches.push((part.span.start, end(part.span)));
        }
    }

    fn count(&self, node: &Node) -> usize {
        self.within(node.span).len()
    }

    fn within(&self, span: Span) -> &[(usize, bool)] {
        let from = self.errors.partition_point(|(start, _)| *start < span.start);
        let to = self.errors.partition_point(|(start, _)| *start < end(span));
        &self.errors[from..to.max(from)]
    }

    fn finish(mut self) -> Doubt {
        for node in &self.naming {
            if self.nameless || (!self.names.is_empty() && self.is_named(node)) {
                self.stretches.push((node.span.start, end(node.span)));
            }
        }
        self.stretches.sort_unstable();
        let mut stretches: Vec<(usize, usize)> = Vec::new();
        for (from, to) in self.stretches {
            match stretches.last_mut() {
                Some(last) if from < last.1 => last.1 = last.1.max(to),
                _ => stretches.push((from, to)),
            }
        }
        Doubt { stretches }
    }

    /// Whether a text in the node has the name of a column that is in doubt.
    fn is_named(&self, node: &Node) -> bool {
        if let Some(list) = node.as_list() {
            return list.iter().any(|node| self.is_named(node));
        }
        if let Some(entries) = node.as_map() {
            return entries.iter().any(|entry| self.is_named(&entry.value));
        }
        let text = node.as_str().unwrap_or_default();
        text.split(|c| !is_of_word(c)).any(|word| self.names.contains(word))
    }
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The end of a stretch, which is never empty.
fn end(span: Span) -> usize {
    span.end.max(span.start + 1)
}
