//! From contracts to proto3.

use std::collections::HashSet;
use std::fmt::Write;

use polder_core::units::counted;
use polder_core::{Error, ErrorKind, Result};
use serde_json::Value;

use super::beside::camel;
use super::enumeration::Enumeration;
use super::{FIELD_NUMBER, is_identifier};
use crate::element::{Column, Table, tables, why_lost};
use crate::kind::{INT32, INT64, Kind, UINT32, UINT64};
use crate::loss::{Converted, Tracker, View};

/// A file with a message for each object.
pub(crate) fn export(contract: &Value) -> Result<Converted<String>> {
    let tracker = Tracker::default();
    let tables = tables(&tracker.root(contract));
    if tables.is_empty() {
        return Err(Error::new(ErrorKind::Document, "the contract has no schema to export"));
    }
    let mut body = String::new();
    let mut writer = Writer { timestamps: false };
    let package = package(&tables);
    let mut names = HashSet::new();
    for table in &tables {
        if package.is_some() {
            table.view.take("physicalName");
        }
        let name = unique(&identifier(table.name), &mut names);
        if name != table.name {
            table
                .view
                .lose_part("name", table.name, format!("the message is named `{name}`"));
        }
        body.push('\n');
        comment(table.view.text("description"), 0, &mut body);
        writer.message(&name, &table.columns, 0, &mut body);
    }
    let mut text = "syntax = \"proto3\";\n".to_owned();
    if let Some(package) = package {
        let _ = write!(text, "\npackage {package};\n");
    }
    if writer.timestamps {
        text.push_str("\nimport \"google/protobuf/timestamp.proto\";\n");
    }
    text.push_str(&body);
    Ok(Converted {
        value: text,
        losses: tracker.finish(contract, |path| why_lost(path, "Protobuf")),
    })
}

/// The package that all physical names are in, where each ends with its object's name.
fn package<'a>(tables: &[Table<'a>]) -> Option<&'a str> {
    let packages: Option<HashSet<&str>> = tables
        .iter()
        .map(|table| {
            let (package, name) = table.physical?.rsplit_once('.')?;
            (name == table.name && package.split('.').all(is_identifier)).then_some(package)
        })
        .collect();
    let packages = packages?;
    packages.iter().next().copied().filter(|_| packages.len() == 1)
}

struct Writer {
    timestamps: bool,
}

/// A message that is being written.
struct Scope<'o> {
    /// Names that are taken in it: fields, types and the values of enumerations share one scope.
    names: HashSet<String>,
    /// The enumerations that it has.
    enumerations: Vec<Enumeration>,
    /// Columns of blanks before its lines.
    indent: usize,
    /// Its lines so far: the types that its fields need.
    out: &'o mut String,
}

impl Scope<'_> {
    /// A name for the type of a field that no other type has.
    fn name(&mut self, field: &str) -> String {
        unique(&pascal(field), &mut self.names)
    }
}

/// Names that a column may be null, or may not, where Protobuf says otherwise.
fn lose_required(column: &Column<'_>, always_given: bool, why: &str) {
    if column.required != always_given {
        let what = if column.required { "true" } else { "may be null" };
        column.view.lose_part("required", what, why);
    }
}

const ALWAYS_ABSENT: &str = "in Protobuf a message may always be absent";

impl Writer {
    fn message(&mut self, name: &str, columns: &[Column<'_>], indent: usize, out: &mut String) {
        let _ = writeln!(out, "{:indent$}message {name} {{", "");
        let mut scope = Scope {
            names: HashSet::from([name.to_owned()]),
            enumerations: Vec::new(),
            indent: indent + 2,
            out,
        };
        let mut names = HashSet::new();
        let mut json_names = HashSet::new();
        let named: Vec<String> = columns
            .iter()
            .map(|column| field_name(column.name, &mut names, &mut json_names))
            .collect();
        scope.names.extend(names);
        let mut numbers = Numbers::of(columns);
        let mut fields = String::new();
        for (column, field) in columns.iter().zip(named) {
            if field != column.name {
                column
                    .view
                    .lose_part("name", column.name, format!("the field is named `{field}`"));
            }
            let number = numbers.next(column);
            comment(column.view.text("description"), indent + 2, &mut fields);
            let kind = self.field_type(column, &field, &mut scope);
            let _ = writeln!(fields, "{:width$}{kind} {field} = {number};", "", width = indent + 2);
        }
        out.push_str(&fields);
        let _ = writeln!(out, "{:indent$}}}", "");
    }

    /// Label and type of a field. Messages and enumerations that it needs are written to the scope.
    fn field_type(&mut self, column: &Column<'_>, name: &str, scope: &mut Scope<'_>) -> String {
        match column.kind {
            Kind::Array => {
                lose_required(column, true, "in Protobuf no list is an empty one");
                match column.items() {
                    Some(items) => format!("repeated {}", self.inside(&items, name, scope)),
                    None => "repeated string".to_owned(),
                }
            }
            Kind::Map => {
                lose_required(column, true, "in Protobuf no map is an empty one");
                match column.map() {
                    Some((key, value)) => {
                        let word = self.key(&key);
                        format!("map<{word}, {}>", self.inside(&value, name, scope))
                    }
                    None => "map<string, string>".to_owned(),
                }
            }
            Kind::Object => {
                lose_required(column, false, ALWAYS_ABSENT);
                self.nested(column, name, scope)
            }
            _ => {
                let word = self.named_or_scalar(column, name, scope);
                if word.contains('.') {
                    lose_required(column, false, ALWAYS_ABSENT);
                    return word;
                }
                // Without presence a field always has a value, be it the default.
                if column.required {
                    word
                } else {
                    format!("optional {word}")
                }
            }
        }
    }

    /// The key of a map.
    fn key(&mut self, key: &Column<'_>) -> &'static str {
        match key.kind {
            Kind::Boolean | Kind::String | Kind::Integer { .. } => self.scalar(key),
            other => {
                other.settle(Kind::String, &key.view, "keys in Protobuf are numbers or text");
                "string"
            }
        }
    }

    /// The items of a list, the values of a map: neither lists nor maps, and never null.
    fn inside(&mut self, column: &Column<'_>, name: &str, scope: &mut Scope<'_>) -> String {
        lose_required(column, true, "items in Protobuf are never null");
        match column.kind {
            Kind::Array | Kind::Map => {
                column
                    .kind
                    .settle(Kind::String, &column.view, "Protobuf has no lists within lists");
                "string".to_owned()
            }
            Kind::Object => self.nested(column, name, scope),
            _ => self.named_or_scalar(column, name, scope),
        }
    }

    fn nested(&mut self, column: &Column<'_>, name: &str, scope: &mut Scope<'_>) -> String {
        let message = scope.name(name);
        self.message(&message, &column.fields(), scope.indent, scope.out);
        scope.out.push('\n');
        message
    }

    /// An enumeration, where one has exactly the allowed values; else the scalar type.
    fn named_or_scalar(&mut self, column: &Column<'_>, name: &str, scope: &mut Scope<'_>) -> String {
        let allowed = column.allowed();
        let values = allowed.as_ref().and_then(|allowed| allowed.texts());
        let (Some(allowed), Some(values), Kind::String) = (&allowed, values, column.kind) else {
            return self.scalar(column).to_owned();
        };
        if let Some(same) = scope.enumerations.iter().find(|known| known.is_of(&values)) {
            let kind = same.name.clone();
            same.keep(allowed);
            return kind;
        }
        let kind = scope.name(name);
        let Some(made) = Enumeration::of(&kind, &values, &scope.names) else {
            scope.names.remove(&kind);
            let why = "names in Protobuf are identifiers, each once in a message: written as text";
            allowed.lose(counted(values.len(), "allowed value"), why);
            return self.scalar(column).to_owned();
        };
        scope.names.extend(made.values().map(str::to_owned));
        made.write(scope.indent, scope.out);
        made.keep(allowed);
        scope.enumerations.push(made);
        kind
    }

    fn scalar(&mut self, column: &Column<'_>) -> &'static str {
        let (word, back) = match column.kind {
            Kind::Boolean => ("bool", Kind::Boolean),
            UINT64 => ("uint64", UINT64),
            INT64 => ("int64", INT64),
            Kind::Integer { signed: false, .. } => ("uint32", UINT32),
            Kind::Integer { .. } => ("int32", INT32),
            Kind::Float32 => ("float", Kind::Float32),
            Kind::Float64 => ("double", Kind::Float64),
            Kind::Binary => ("bytes", Kind::Binary),
            Kind::Timestamp => {
                self.timestamps = true;
                ("google.protobuf.Timestamp", Kind::Timestamp)
            }
            _ => ("string", Kind::String),
        };
        column.kind.settle(back, &column.view, "Protobuf has no such type");
        word
    }
}

/// A name for the field of a column that no other field has, nor its name in JSON: two fields whose names differ by case
/// and underscores alone are refused, whatever `json_name` says.
fn field_name(column: &str, names: &mut HashSet<String>, json_names: &mut HashSet<String>) -> String {
    let own = identifier(column);
    let mut candidate = own.clone();
    let mut number = 2;
    while names.contains(&candidate) || json_names.contains(&camel(&candidate)) {
        candidate = format!("{own}{number}");
        number += 1;
    }
    json_names.insert(camel(&candidate));
    names.insert(candidate.clone());
    candidate
}

/// Gives fields their numbers: the declared ones, and what is free for the others.
struct Numbers {
    used: HashSet<i64>,
    last: i64,
}

impl Numbers {
    fn of(columns: &[Column<'_>]) -> Self {
        let mut used = HashSet::new();
        for column in columns {
            used.extend(declared(column));
        }
        Self { used, last: 0 }
    }

    fn next(&mut self, column: &Column<'_>) -> i64 {
        if let Some(own) = own_number(column) {
            own.keep();
        }
        if let Some(number) = declared(column) {
            self.last = self.last.max(0) + 1;
            return number;
        }
        loop {
            self.last += 1;
            // These belong to the implementation.
            if self.last == 19_000 {
                self.last = 20_000;
            }
            if !self.used.contains(&self.last) {
                return self.last;
            }
        }
    }
}

/// The custom property that keeps a field's number.
fn own_number<'a>(column: &Column<'a>) -> Option<View<'a>> {
    let mut properties = column.view.items("customProperties").into_iter();
    properties.find(|item| item.value.get("property").and_then(Value::as_str) == Some(FIELD_NUMBER))
}

/// The number that a column keeps, where a field can have it.
fn declared(column: &Column<'_>) -> Option<i64> {
    let own = own_number(column)?;
    let number = own.value.get("value")?.as_i64()?;
    ((1..=536_870_911).contains(&number) && !(19_000..20_000).contains(&number)).then_some(number)
}

fn comment(text: Option<&str>, indent: usize, out: &mut String) {
    for line in text.unwrap_or_default().lines() {
        let _ = writeln!(out, "{}", format!("{:indent$}// {line}", "").trim_end());
    }
}

fn identifier(text: &str) -> String {
    let name: String = text
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    if is_identifier(&name) {
        name
    } else {
        format!("f_{name}")
    }
}

/// `order_line` as `OrderLine`.
fn pascal(name: &str) -> String {
    let words = name.split('_').filter(|word| !word.is_empty());
    let joined: String = words
        .map(|word| {
            let mut characters = word.chars();
            characters
                .next()
                .map_or(String::new(), |first| first.to_uppercase().chain(characters).collect())
        })
        .collect();
    identifier(&joined)
}

fn unique(name: &str, names: &mut HashSet<String>) -> String {
    let mut candidate = name.to_owned();
    let mut number = 2;
    while !names.insert(candidate.clone()) {
        candidate = format!("{name}{number}");
        number += 1;
    }
    candidate
}
