//! From Protobuf to contracts.

mod fields;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, HashSet};

use polder_core::{Error, ErrorKind, Result};
use prost_types::{DescriptorProto, EnumDescriptorProto, FileDescriptorProto};
use serde_json::{Map, Value, json};

use super::beside;
use crate::bounds::{Bounds, refuse_deep_brackets};
use crate::document::Document;
use crate::draft::{Draft, ImportOptions};
use crate::loss::{Converted, Tracker, describe};

/// A contract of a file's messages: those at its top that no other message contains.
pub(crate) fn import(source: &Document<'_>, options: &ImportOptions) -> Result<Converted<String>> {
    let text = source.text;
    refuse_deep_brackets(text)?;
    let file = protox_parse::parse("the schema", text).map_err(|cause| {
        let message = format!("the Protobuf schema cannot be read: {cause}");
        match cause.span() {
            Some(span) => Error::document(vec![source.wrong(span.start, span.end, message)]),
            None => Error::new(ErrorKind::Document, message),
        }
    })?;
    let tracker = Tracker::default();
    let reader = Reader::new(&file, &tracker);
    beside::file(&tracker, &file);
    let contained = reader.contained();
    let mut draft = Draft::default();
    for (index, message) in file.message_type.iter().enumerate() {
        let full = reader.full(message.name());
        if contained.contains(&full) {
            continue;
        }
        let mut object = Map::from_iter([("name".to_owned(), json!(message.name()))]);
        if file.package.is_some() {
            object.insert("physicalName".to_owned(), json!(full));
        }
        let path = vec![4, i32::try_from(index).unwrap_or(i32::MAX)];
        if let Some(comment) = reader.comment(&path) {
            object.insert("description".to_owned(), json!(comment));
        }
        reader.used.borrow_mut().insert(full.clone());
        let fields = reader.fields(&full, message, &path, 0)?;
        object.insert("properties".to_owned(), Value::Array(fields));
        draft.objects.push(object);
    }
    if draft.objects.is_empty() && !file.message_type.is_empty() {
        return Err(Error::new(
            ErrorKind::Document,
            "every message is contained in another: none of them is a table",
        ));
    }
    reader.name_unused();
    reader.name_comments();
    let value = draft.write(options, &tracker)?;
    let losses = tracker.finish(&Value::Null, |_| String::new());
    Ok(Converted { value, losses })
}

enum Named<'f> {
    Message(&'f DescriptorProto, Vec<i32>),
    Enum(&'f EnumDescriptorProto),
}

/// A comment of the file.
struct Comment {
    /// The line of what it stands at, from 1.
    line: i32,
    /// What stands right before or behind it.
    text: String,
    /// What stands further above.
    detached: Vec<String>,
    is_used: Cell<bool>,
}

fn plain(comment: &str) -> String {
    let lines: Vec<_> = comment
        .lines()
        .map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end())
        .collect();
    lines.join("\n").trim().to_owned()
}

struct Reader<'f> {
    file: &'f FileDescriptorProto,
    tracker: &'f Tracker,
    /// Messages and enumerations by full name.
    named: HashMap<String, Named<'f>>,
    comments: BTreeMap<&'f [i32], Comment>,
    open: RefCell<Vec<String>>,
    /// Messages and enumerations that are in the contract.
    used: RefCell<HashSet<String>>,
    bounds: Bounds,
    proto3: bool,
}

/// Numbers of fields in the descriptors' own schema, which paths are made of.
const MESSAGE_FIELD: i32 = 2;
const MESSAGE_NESTED: i32 = 3;

fn child(path: &[i32], field: i32, index: usize) -> Vec<i32> {
    let mut path = path.to_vec();
    path.extend([field, i32::try_from(index).unwrap_or(i32::MAX)]);
    path
}

impl<'f> Reader<'f> {
    fn new(file: &'f FileDescriptorProto, tracker: &'f Tracker) -> Self {
        let locations = file.source_code_info.iter().flat_map(|info| &info.location);
        let comments = locations.filter_map(|location| {
            let detached = location.leading_detached_comments.iter().map(|text| plain(text));
            let own = location.leading_comments.iter().chain(&location.trailing_comments);
            let own: Vec<String> = own.map(|text| plain(text)).filter(|text| !text.is_empty()).collect();
            let comment = Comment {
                line: location.span.first().copied().unwrap_or_default() + 1,
                text: own.join("\n"),
                detached: detached.filter(|text| !text.is_empty()).collect(),
                is_used: Cell::new(false),
            };
            let says = !comment.text.is_empty() || !comment.detached.is_empty();
            says.then_some((location.path.as_slice(), comment))
        });
        let mut reader = Self {
            file,
            tracker,
            named: HashMap::new(),
            comments: comments.collect(),
            open: RefCell::default(),
            used: RefCell::default(),
            bounds: Bounds::default(),
            proto3: file.syntax.as_deref() == Some("proto3"),
        };
        for (index, message) in file.message_type.iter().enumerate() {
            let full = reader.full(message.name());
            reader.register(full, message, vec![4, i32::try_from(index).unwrap_or(i32::MAX)]);
        }
        for kind in &file.enum_type {
            reader.named.insert(reader.full(kind.name()), Named::Enum(kind));
        }
        reader
    }

    /// Names the messages and enumerations that no column is of.
    fn name_unused(&self) {
        let used = self.used.borrow();
        let mut unused: Vec<_> = self.named.iter().filter(|(full, _)| !used.contains(*full)).collect();
        unused.sort_by_key(|(full, _)| *full);
        for (full, named) in unused {
            let what = match named {
                // The entries of a map are its key and value.
                Named::Message(message, _) if message.options.as_ref().is_some_and(|options| options.map_entry()) => {
                    continue;
                }
                Named::Message(..) => "a message",
                Named::Enum(_) => "an enumeration",
            };
            self.tracker.lose(full, what, "no field of a table is of it");
        }
    }

    fn register(&mut self, full: String, message: &'f DescriptorProto, path: Vec<i32>) {
        for (index, nested) in message.nested_type.iter().enumerate() {
            self.register(
                format!("{full}.{}", nested.name()),
                nested,
                child(&path, MESSAGE_NESTED, index),
            );
        }
        for kind in &message.enum_type {
            self.named.insert(format!("{full}.{}", kind.name()), Named::Enum(kind));
        }
        self.named.insert(full, Named::Message(message, path));
    }

    fn full(&self, name: &str) -> String {
        match self.file.package.as_deref() {
            Some(package) => format!("{package}.{name}"),
            None => name.to_owned(),
        }
    }

    fn comment(&self, path: &[i32]) -> Option<&str> {
        let comment = self.comments.get(path).filter(|comment| !comment.text.is_empty())?;
        comment.is_used.set(true);
        Some(&comment.text)
    }

    /// Names the comments that describe no table and no column.
    fn name_comments(&self) {
        for comment in self.comments.values() {
            let own = (!comment.is_used.get())
                .then_some(&comment.text)
                .filter(|text| !text.is_empty());
            for text in comment.detached.iter().chain(own) {
                let what = format!("// {}", describe(&json!(text)));
                let why = "it describes no table and no column";
                self.tracker.lose(format!("line {}", comment.line), what, why);
            }
        }
    }

    /// The full names of messages that are fields of others.
    fn contained(&self) -> HashSet<String> {
        let mut contained = HashSet::new();
        for (full, named) in &self.named {
            let Named::Message(message, _) = named else { continue };
            for field in &message.field {
                let target = field.type_name.as_deref().and_then(|name| self.resolve(full, name));
                // One that contains itself alone is a table that will be refused with its name.
                contained.extend(target.filter(|target| target != full && !full.starts_with(&format!("{target}."))));
            }
        }
        contained
    }

    /// The full name that a name means within a message: the innermost scope first.
    fn resolve(&self, scope: &str, name: &str) -> Option<String> {
        if let Some(absolute) = name.strip_prefix('.') {
            return self.named.contains_key(absolute).then(|| absolute.to_owned());
        }
        let mut scope = Some(scope);
        while let Some(within) = scope {
            let candidate = format!("{within}.{name}");
            if self.named.contains_key(&candidate) {
                return Some(candidate);
            }
            scope = within.rsplit_once('.').map(|(outer, _)| outer);
        }
        self.named.contains_key(name).then(|| name.to_owned())
    }
}
