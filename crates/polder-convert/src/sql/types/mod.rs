//! Types of columns, to and from SQL.

mod vendor;
mod write;

use std::collections::HashMap;

use polder_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};
use sqlparser::ast::{ArrayElemTypeDef, CommentDef, DataType, ExactNumberInfo, Expr, SqlOption, Value as Literal};
use sqlparser::parser::Parser;

use super::inside::{self, Fields};
use super::parser;
use crate::bounds::{Bounds, refuse_deep_brackets};
use crate::dialect::Dialect;
use crate::draft::allowed_values;
use crate::kind::{Kind, option};
use crate::loss::Tracker;

pub(crate) use write::{column_type, declared_type};

/// The types that a script makes itself.
#[derive(Default)]
pub(super) struct OwnTypes {
    /// Labels of enumerations, by the type's last name.
    pub(super) enums: HashMap<String, Vec<String>>,
    /// Fields of composite types.
    pub(super) composites: HashMap<String, Vec<(String, DataType)>>,
    /// What domains stand for.
    pub(super) domains: HashMap<String, DataType>,
}

pub(super) struct TypeReader<'t> {
    pub(super) dialect: Dialect,
    pub(super) own: &'t OwnTypes,
    pub(super) fields: &'t Fields,
    pub(super) tracker: &'t Tracker,
    pub(super) bounds: &'t Bounds,
}

/// Reads the text of a type, such as `array<decimal(12,2)>`, into a property.
///
/// # Errors
/// `Document` where it is no type of the dialect.
pub(crate) fn read_type_text(
    text: &str,
    dialect: Dialect,
    tracker: &Tracker,
    bounds: &Bounds,
    path: &str,
    out: &mut Map<String, Value>,
) -> Result<()> {
    let wrong = |why: String| {
        Error::new(
            ErrorKind::Document,
            format!("{path}: `{text}` is no type of {dialect}{why}"),
        )
    };
    refuse_deep_types(text)?;
    let of_vendor = super::vendor::data_type(text, dialect);
    for lost in of_vendor.iter().flat_map(|read| &read.lost) {
        tracker.lose(path, lost.what.as_str(), lost.why);
    }
    let text = of_vendor.as_ref().map_or(text, |read| read.text.as_str());
    let rules = parser(dialect);
    let parse = |text: &str| Parser::new(rules.as_ref()).try_with_sql(text)?.parse_data_type();
    let readable = inside::readable(text, dialect).and_then(|(text, fields)| Some((parse(&text).ok()?, fields)));
    let (data_type, fields) = match readable {
        Some(read) => read,
        None => (
            parse(text).map_err(|cause| wrong(format!(" ({cause})")))?,
            Fields::new(),
        ),
    };
    let own = OwnTypes::default();
    let reader = TypeReader {
        dialect,
        own: &own,
        fields: &fields,
        tracker,
        bounds,
    };
    reader.read(&data_type, path, 0, out)
}

/// Refuses types whose nesting could exhaust the stack of a parser.
pub(super) fn refuse_deep_types(text: &str) -> Result<()> {
    const DEEPEST: usize = 100;
    refuse_deep_brackets(text)?;
    let mut angles = 0_usize;
    let mut arrays = 0_usize;
    for byte in text.bytes() {
        match byte {
            b'<' => angles += 1,
            b'>' => angles = angles.saturating_sub(1),
            b']' => arrays += 1,
            b'[' | b' ' | b'\n' | b'0'..=b'9' => {}
            _ => arrays = 0,
        }
        if angles > DEEPEST || arrays > DEEPEST {
            return Err(Error::new(
                ErrorKind::Document,
                format!("types are nested deeper than {DEEPEST}"),
            ));
        }
    }
    Ok(())
}

impl TypeReader<'_> {
    /// Writes a type into a property.
    pub(super) fn read(
        &self,
        data_type: &DataType,
        path: &str,
        depth: usize,
        out: &mut Map<String, Value>,
    ) -> Result<()> {
        self.bounds.enter(depth, path)?;
        match data_type {
            DataType::Array(
                ArrayElemTypeDef::AngleBracket(items)
                | ArrayElemTypeDef::SquareBracket(items, _)
                | ArrayElemTypeDef::Parenthesis(items),
            ) => {
                if let DataType::Array(ArrayElemTypeDef::SquareBracket(_, Some(size))) = data_type {
                    self.tracker
                        .lose(path, format!("[{size}]"), "a list of no fixed length");
                }
                Kind::Array.write(out);
                let mut inside = Map::new();
                self.read(items, &format!("{path}.items"), depth + 1, &mut inside)?;
                out.insert("items".to_owned(), Value::Object(inside));
            }
            DataType::Map(key, value) => {
                Kind::Map.write(out);
                let mut sides = Map::new();
                for (name, side) in [("key", key), ("value", value)] {
                    let mut property = Map::new();
                    self.read(side, &format!("{path}.{name}"), depth + 1, &mut property)?;
                    sides.insert(name.to_owned(), Value::Object(property));
                }
                out.insert("map".to_owned(), Value::Object(sides));
            }
            DataType::Struct(fields, _) if !fields.is_empty() => {
                Kind::Object.write(out);
                let mut properties = Vec::new();
                for (index, field) in fields.iter().enumerate() {
                    let declared = field.field_name.as_ref().map(|name| name.value.clone());
                    let name = declared.clone().unwrap_or_else(|| format!("field_{}", index + 1));
                    let inner_path = format!("{path}.{name}");
                    if declared.is_none() {
                        self.tracker
                            .lose(&inner_path, "a field without a name", "a contract names every field");
                    }
                    let mut property = Map::from_iter([("name".to_owned(), json!(name))]);
                    for option in field.options.iter().flatten() {
                        match described(option) {
                            Some(text) => drop(property.insert("description".to_owned(), json!(text))),
                            None => {
                                let why = "a contract has no place for it";
                                self.tracker.lose(&inner_path, option.to_string(), why);
                            }
                        }
                    }
                    self.read(&field.field_type, &inner_path, depth + 1, &mut property)?;
                    let place = field.field_name.as_ref().map(|name| name.span.start);
                    let words = place.and_then(|place| self.fields.get(&(place.line, place.column)));
                    if words.is_some_and(|words| words.required) {
                        property.insert("required".to_owned(), json!(true));
                    }
                    if let Some(comment) = words.and_then(|words| words.comment.as_ref()) {
                        property.insert("description".to_owned(), json!(comment));
                    }
                    properties.push(Value::Object(property));
                }
                out.insert("properties".to_owned(), Value::Array(properties));
            }
            DataType::Nullable(inner) => self.read(inner, path, depth + 1, out)?,
            DataType::LowCardinality(inner) => {
                self.tracker
                    .lose(path, "LowCardinality", "a contract has no place for it");
                self.read(inner, path, depth + 1, out)?;
            }
            DataType::Enum(members, _) => {
                Kind::String.write(out);
                let labels = members.iter().map(|member| match member {
                    sqlparser::ast::EnumMember::Name(name) | sqlparser::ast::EnumMember::NamedValue(name, _) => {
                        json!(name)
                    }
                });
                allowed_values(out, labels.collect());
            }
            DataType::Set(members) => self.set(members, path, out),
            scalar => self.scalar(scalar, path, depth, out)?,
        }
        Ok(())
    }

    fn scalar(&self, data_type: &DataType, path: &str, depth: usize, out: &mut Map<String, Value>) -> Result<()> {
        let text = data_type.to_string();
        let last = text
            .rsplit('.')
            .next()
            .unwrap_or(&text)
            .trim_matches(['"', '`', '[', ']'])
            .to_lowercase();
        if let Some(labels) = self.own.enums.get(&last) {
            Kind::String.write(out);
            allowed_values(out, labels.iter().map(|label| json!(label)).collect());
            return Ok(());
        }
        if let Some(fields) = self.own.composites.get(&last) {
            Kind::Object.write(out);
            let mut properties = Vec::new();
            for (name, data_type) in fields {
                let mut property = Map::from_iter([("name".to_owned(), json!(name))]);
                self.read(data_type, &format!("{path}.{name}"), depth + 1, &mut property)?;
                properties.push(Value::Object(property));
            }
            out.insert("properties".to_owned(), Value::Array(properties));
            return Ok(());
        }
        if let Some(base) = self.own.domains.get(&last) {
            return self.read(base, path, depth + 1, out);
        }
        let Some(kind) = Kind::from_sql(&text, self.dialect) else {
            let (kind, why) = match data_type {
                DataType::Numeric(digits)
                | DataType::Decimal(digits)
                | DataType::Dec(digits)
                | DataType::BigNumeric(digits)
                | DataType::BigDecimal(digits) => (
                    Kind::Float64,
                    match digits {
                        ExactNumberInfo::None => {
                            "it has no digits to hold to, and so no lossless type: written as a float; give \
                             physicalType: decimal(p,s)"
                        }
                        _ => "a contract has decimals of 1 to 38 digits: written as a float",
                    },
                ),
                _ => (Kind::String, "a contract has no such type: written as text"),
            };
            self.tracker.lose(path, text, why);
            kind.write(out);
            return Ok(());
        };
        kind.write(out);
        if self.said_by_vendor(&text, kind, path, out) {
            return Ok(());
        }
        let lower = text.to_lowercase();
        let head = lower.split(['(', ' ']).next().unwrap_or_default();
        if head.ends_with("serial") || head.starts_with("serial") {
            out.insert("required".to_owned(), json!(true));
            let why = "a contract says what values are, not that a sequence counts them";
            self.tracker.lose(path, text.as_str(), why);
        }
        let padded = matches!(head, "char" | "nchar" | "character" | "bpchar") && !lower.contains("varying");
        if padded {
            let why = "a contract says how long a text is at most, not that blanks fill it up";
            self.tracker.lose(path, text.as_str(), why);
        }
        if matches!(head, "hugeint" | "int128") {
            let why = "a contract has numbers of 38 digits at most, and it has some of 39";
            self.tracker.lose(path, text.as_str(), why);
        }
        if head == "citext" {
            self.tracker.lose(
                path,
                text.as_str(),
                "texts of a contract differ where their case differs",
            );
        }
        if lower.contains(" octets)") || lower.contains(" byte)") {
            self.tracker
                .lose(path, text.as_str(), "a contract counts characters, not bytes");
        }
        match (kind, argument(&text)) {
            (Kind::String, Some(length)) => option(out, "maxLength", json!(length)),
            // One character, where no number is given.
            (Kind::String, None) if padded && head != "bpchar" => option(out, "maxLength", json!(1)),
            (Kind::Integer { .. }, Some(width)) => {
                self.tracker
                    .lose(path, format!("({width})"), "a width of display, not of the values");
            }
            // A length of bytes.
            (Kind::Binary, Some(length)) => option(out, "maxLength", json!(length)),
            (Kind::Timestamp | Kind::TimestampLocal | Kind::Time, Some(digits)) if digits != 6 => {
                self.tracker.lose(path, text, "times in a contract are of microseconds");
            }
            _ => {}
        }
        Ok(())
    }
}

/// The one number in a type's brackets.
fn argument(text: &str) -> Option<u64> {
    let inside = text.split_once('(')?.1.split_once(')')?.0;
    let first = inside
        .split(|c: char| c.is_whitespace() || c == ',')
        .find(|part| !part.is_empty());
    first?.parse().ok()
}

/// The text of BigQuery's `description = "…"`, or of a comment.
pub(super) fn described(option: &SqlOption) -> Option<String> {
    match option {
        SqlOption::KeyValue {
            key,
            value: Expr::Value(value),
        } if key.value.eq_ignore_ascii_case("description") => match &value.value {
            Literal::SingleQuotedString(text) | Literal::DoubleQuotedString(text) => Some(text.clone()),
            _ => None,
        },
        SqlOption::Comment(CommentDef::WithEq(text) | CommentDef::WithoutEq(text)) => Some(text.clone()),
        _ => None,
    }
}
