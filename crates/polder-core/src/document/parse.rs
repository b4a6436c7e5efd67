//! From text to nodes, over the events of `saphyr-parser`, within bounds that no hostile document can exceed.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::path::Path;

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};

use super::mistake::explained;
use super::position::Positions;
use super::reader::MAX_FINDINGS;
use super::{Diagnostic, Entry, Node, Severity, Source, Span, Value};

/// Largest document in bytes.
pub const MAX_BYTES: usize = 16 << 20;
/// Deepest nesting of lists and mappings.
pub const MAX_DEPTH: usize = 64;
/// Most nodes that anchors and aliases may hold and expand to in one document.
pub const MAX_EXPANDED_NODES: usize = 100_000;

/// Reads one document. An empty document is a null.
///
/// # Errors
/// Everything that is wrong with its syntax: YAML's own errors, duplicate keys, keys that are no text, unknown tags,
/// several documents in one file, and documents beyond [`MAX_BYTES`], [`MAX_DEPTH`] or [`MAX_EXPANDED_NODES`].
pub fn parse(source: &Source) -> Result<Node, Vec<Diagnostic>> {
    if source.text.len() > MAX_BYTES {
        return Err(vec![too_large(&source.path)]);
    }
    let text = without_mark(&source.text);
    let positions = Positions::new(text, source.text.len() - text.len());
    let mut builder = Builder {
        source,
        positions,
        stack: Vec::new(),
        root: None,
        anchors: HashMap::new(),
        expanded: 0,
        documents: 0,
        diagnostics: Vec::new(),
    };
    // The parser takes a NUL for the end of the text and would drop what follows.
    if let Some((index, control)) = text.chars().enumerate().find(|(_, c)| forbidden(*c)) {
        let span = builder.positions.span(index, index + 1);
        let message = format!("the control character U+{:04X} is not allowed", control as u32);
        builder
            .diagnostics
            .push(diagnostic(source, span, "syntax", message, None));
        return Err(builder.diagnostics);
    }
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let outcome = match event {
            Ok((event, span)) => {
                let span = builder.positions.span(span.start.index(), span.end.index());
                builder.event(event, span)
            }
            Err(error) => {
                let mistake = explained(text, error.info(), error.marker().index());
                let span = builder.positions.span(mistake.index, mistake.index + 1);
                let message = format!("not valid YAML: {}", mistake.message);
                Err(Stop::new(span, "syntax", message, Some(&mistake.help)))
            }
        };
        if let Err(stop) = outcome {
            builder
                .diagnostics
                .push(diagnostic(source, stop.span, stop.code, stop.message, stop.help));
            break;
        }
    }
    if builder.diagnostics.is_empty() {
        Ok(builder.root.unwrap_or_else(|| Node {
            value: Value::Null,
            span: builder.positions.span(0, 0),
        }))
    } else {
        Err(builder.diagnostics)
    }
}

/// A text without the byte order mark (U+FEFF) that some editors write before it.
pub fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

pub(super) fn too_large(path: &Path) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        code: "document-too-large".into(),
        message: format!("the document is larger than {} MiB", MAX_BYTES >> 20),
        help: None,
        file: path.to_owned(),
        span: None,
    }
}

fn diagnostic(source: &Source, span: Span, code: &'static str, message: String, help: Option<String>) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        code: code.into(),
        message,
        help,
        file: source.path.clone(),
        span: Some(span),
    }
}

/// A finding after which the rest of the document cannot be read.
struct Stop {
    span: Span,
    code: &'static str,
    message: String,
    help: Option<String>,
}

impl Stop {
    fn new(span: Span, code: &'static str, message: impl Into<String>, help: Option<&str>) -> Self {
        Self {
            span,
            code,
            message: message.into(),
            help: help.map(str::to_owned),
        }
    }
}

/// A list or mapping that is not closed yet.
struct Frame {
    anchor: usize,
    span: Span,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map {
        entries: Vec<Entry>,
        keys: HashSet<String>,
        pending: Option<(String, Span)>,
    },
}

struct Anchored {
    node: Node,
    nodes: usize,
    depth: usize,
}

struct Builder<'s> {
    source: &'s Source,
    positions: Positions,
    stack: Vec<Frame>,
    root: Option<Node>,
    anchors: HashMap<usize, Anchored>,
    expanded: usize,
    documents: usize,
    diagnostics: Vec<Diagnostic>,
}

impl Builder<'_> {
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Stop> {
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    let help = "put each document into its own file";
                    return Err(Stop::new(
                        span,
                        "several-documents",
                        "a second document begins here",
                        Some(help),
                    ));
                }
            }
            Event::Scalar(text, style, anchor, tag) => self.scalar(text, style, anchor, tag.as_deref(), span)?,
            Event::Alias(anchor) => self.alias(anchor, span)?,
            Event::SequenceStart(anchor, tag) => self.open(anchor, tag.as_deref(), span, Content::List(Vec::new()))?,
            Event::MappingStart(anchor, tag) => {
                let content = Content::Map {
                    entries: Vec::new(),
                    keys: HashSet::new(),
                    pending: None,
                };
                self.open(anchor, tag.as_deref(), span, content)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span)?,
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn open(&mut self, anchor: usize, tag: Option<&Tag>, span: Span, content: Content) -> Result<(), Stop> {
        if self.expects_key() {
            return Err(Stop::new(
                span,
                "key-not-text",
                "a key must be text, not a list or mapping",
                None,
            ));
        }
        let expected = if matches!(content, Content::List(_)) {
            "seq"
        } else {
            "map"
        };
        if let Some(tag) = tag
            && !(tag.is_yaml_core_schema() && tag.suffix == expected)
        {
            return Err(unknown_tag(tag, span));
        }
        if self.stack.len() >= MAX_DEPTH {
            let message = format!("lists and mappings are nested deeper than {MAX_DEPTH} levels");
            return Err(Stop::new(span, "nested-too-deep", message, None));
        }
        self.stack.push(Frame { anchor, span, content });
        Ok(())
    }

    fn close(&mut self, end: Span) -> Result<(), Stop> {
        let Some(frame) = self.stack.pop() else { return Ok(()) };
        let mut span = frame.span;
        let value = match frame.content {
            Content::List(items) => {
                span.end = items.last().map_or(span.end, |last| last.span.end.max(span.end));
                Value::List(items)
            }
            Content::Map { entries, .. } => {
                span.end = entries
                    .last()
                    .map_or(span.end, |last| last.value.span.end.max(span.end));
                Value::Map(entries)
            }
        };
        // Only a closing bracket has an extent; the end of a block is wherever the next token begins.
        if end.end > end.start {
            span.end = span.end.max(end.end);
        }
        self.place(frame.anchor, Node { value, span })
    }

    fn scalar(
        &mut self,
        text: Cow<'_, str>,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        span: Span,
    ) -> Result<(), Stop> {
        if self.expects_key() {
            return self.key(text.into_owned(), style, span);
        }
        let value = match tag {
            None if style == ScalarStyle::Plain => plain(&text),
            None => Value::String(text.into_owned()),
            Some(tag) if tag.is_yaml_core_schema() => match (tag.suffix.as_str(), plain(&text)) {
                ("str", _) => Value::String(text.into_owned()),
                ("null", Value::Null) => Value::Null,
                ("bool", Value::Bool(value)) => Value::Bool(value),
                ("int" | "float", Value::Number(number)) => Value::Number(number),
                _ => return Err(unknown_tag(tag, span)),
            },
            Some(tag) => return Err(unknown_tag(tag, span)),
        };
        // The place of nothing is just behind its key, not where the next token happens to begin.
        let span = match (&value, self.stack.last()) {
            (
                Value::Null,
                Some(Frame {
                    content:
                        Content::Map {
                            pending: Some((_, key)),
                            ..
                        },
                    ..
                }),
            ) if text_is_empty(&span) => *key,
            _ => span,
        };
        self.place(anchor, Node { value, span })
    }

    fn key(&mut self, text: String, style: ScalarStyle, span: Span) -> Result<(), Stop> {
        if style == ScalarStyle::Plain && text == "<<" {
            let help = "repeat the keys, or use an alias for the whole value";
            return Err(Stop::new(
                span,
                "merge-key",
                "merge keys (`<<`) are not part of YAML 1.2",
                Some(help),
            ));
        }
        let source = self.source;
        if let Some(Frame {
            content: Content::Map { keys, pending, .. },
            ..
        }) = self.stack.last_mut()
        {
            if !keys.insert(text.clone()) && self.diagnostics.len() < MAX_FINDINGS {
                let message = format!("the key `{text}` is here twice");
                let help = Some("keep one of them".to_owned());
                self.diagnostics
                    .push(diagnostic(source, span, "duplicate-key", message, help));
            }
            *pending = Some((text, span));
        }
        Ok(())
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), Stop> {
        if self.expects_key() {
            return Err(Stop::new(
                span,
                "key-not-text",
                "a key must be text, not an alias",
                None,
            ));
        }
        let Some(anchored) = self.anchors.get(&anchor) else {
            return Err(Stop::new(
                span,
                "alias-of-itself",
                "the alias stands within the value that it names",
                None,
            ));
        };
        if self.stack.len() + anchored.depth > MAX_DEPTH {
            let message = format!("the alias expands to more than {MAX_DEPTH} levels");
            return Err(Stop::new(span, "nested-too-deep", message, None));
        }
        let nodes = anchored.nodes;
        self.spend(nodes, span)?;
        let Some(anchored) = self.anchors.get(&anchor) else {
            return Ok(());
        };
        let node = Node {
            value: anchored.node.value.clone(),
            span,
        };
        self.place(0, node)
    }

    fn place(&mut self, anchor: usize, node: Node) -> Result<(), Stop> {
        if anchor != 0 {
            let (nodes, depth) = measure(&node);
            self.spend(nodes, node.span)?;
            self.anchors.insert(
                anchor,
                Anchored {
                    node: node.clone(),
                    nodes,
                    depth,
                },
            );
        }
        match self.stack.last_mut().map(|frame| &mut frame.content) {
            None => self.root = Some(node),
            Some(Content::List(items)) => items.push(node),
            Some(Content::Map { entries, pending, .. }) => {
                if let Some((key, key_span)) = pending.take() {
                    entries.push(Entry {
                        key,
                        key_span,
                        value: node,
                    });
                }
            }
        }
        Ok(())
    }

    fn spend(&mut self, nodes: usize, span: Span) -> Result<(), Stop> {
        self.expanded += nodes;
        if self.expanded > MAX_EXPANDED_NODES {
            let message = format!("anchors and aliases expand to more than {MAX_EXPANDED_NODES} values");
            return Err(Stop::new(span, "aliases-explode", message, None));
        }
        Ok(())
    }

    fn expects_key(&self) -> bool {
        matches!(
            self.stack.last(),
            Some(Frame {
                content: Content::Map { pending: None, .. },
                ..
            })
        )
    }
}

fn text_is_empty(span: &Span) -> bool {
    span.start == span.end
}

fn unknown_tag(tag: &Tag, span: Span) -> Stop {
    Stop::new(
        span,
        "unknown-tag",
        format!("the tag `{tag}` does not fit here"),
        Some("leave the tag out"),
    )
}

/// Characters that YAML 1.2 does not allow in a document (section 5.1).
fn forbidden(character: char) -> bool {
    matches!(character, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{7f}')
}

/// Number of nodes and of levels below and including this one.
fn measure(node: &Node) -> (usize, usize) {
    let children = |sizes: &mut dyn Iterator<Item = (usize, usize)>| {
        sizes.fold((1, 1), |(nodes, depth), (n, d)| (nodes + n, depth.max(d + 1)))
    };
    match &node.value {
        Value::List(items) => children(&mut items.iter().map(measure)),
        Value::Map(entries) => children(&mut entries.iter().map(|entry| measure(&entry.value))),
        _ => (1, 0),
    }
}

/// An unquoted scalar by the core schema of YAML 1.2 (section 10.3.2).
pub(super) fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ if is_number(text) => Value::Number(text.to_owned()),
        _ => Value::String(text.to_owned()),
    }
}

pub(super) fn is_number(text: &str) -> bool {
    let all = |digits: &str, valid: fn(&u8) -> bool| !digits.is_empty() && digits.as_bytes().iter().all(valid);
    if let Some(digits) = text.strip_prefix("0x") {
        return all(digits, u8::is_ascii_hexdigit);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return all(digits, |byte| (b'0'..=b'7').contains(byte));
    }
    if matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return true;
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let exponent_fits =
        exponent.is_none_or(|digits| all(digits.strip_prefix(['+', '-']).unwrap_or(digits), u8::is_ascii_digit));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    exponent_fits && digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty())
}
