//! Types of columns, to and from SQL.

use std::collections::HashMap;

use polder_core::units::counted;
use polder_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};
use sqlparser::ast::{ArrayElemTypeDef, DataType, ExactNumberInfo};
use sqlparser::parser::Parser;

use super::parser;
use crate::bounds::{Bounds, refuse_deep_brackets};
use crate::dialect::Dialect;
use crate::draft::allowed_values;
use crate::element::Column;
use crate::kind::{Kind, option};
use crate::loss::Tracker;

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
    let rules = parser(dialect);
    let mut parser = Parser::new(rules.as_ref())
        .try_with_sql(text)
        .map_err(|cause| wrong(format!(" ({cause})")))?;
    let data_type = parser.parse_data_type().map_err(|cause| wrong(format!(" ({cause})")))?;
    let own = OwnTypes::default();
    let reader = TypeReader {
        dialect,
        own: &own,
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
                        self.tracker
                            .lose(&inner_path, option.to_string(), "a contract has no place for it");
                    }
                    self.read(&field.field_type, &inner_path, depth + 1, &mut property)?;
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
            .trim_matches(['"', '`'])
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
            (Kind::Binary, Some(length)) => {
                self.tracker.lose(
                    path,
                    format!("{} at most", counted(length, "byte")),
                    "a contract has no length of bytes",
                );
            }
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
    inside.split_whitespace().next()?.parse().ok()
}

/// The text of a column's type in a dialect. What the type cannot say is named as lost.
pub(crate) fn column_type(column: &Column<'_>, dialect: Dialect) -> String {
    use Dialect as D;
    let physical = column.view.get("physicalType").filter(|_| column.kind == Kind::String);
    let in_type = physical.as_ref().and_then(|view| argument(view.value.as_str()?));
    let length = column
        .max_length()
        .or(in_type)
        .filter(|length| (1..=10_000).contains(length));
    let with_length = |word: &str| length.map_or(word.to_owned(), |length| format!("{word}({length})"));
    let text = match column.kind {
        Kind::Boolean if dialect == D::BigQuery => "BOOL".to_owned(),
        Kind::Boolean => "BOOLEAN".to_owned(),
        Kind::Integer { bits, signed } => integer(bits, signed, dialect),
        Kind::Float32 => match dialect {
            D::Spark => "FLOAT",
            D::Snowflake => "FLOAT",
            D::BigQuery => "FLOAT64",
            D::Ansi | D::Postgres | D::DuckDb => "REAL",
        }
        .to_owned(),
        Kind::Float64 => match dialect {
            D::BigQuery => "FLOAT64",
            D::Spark | D::DuckDb | D::Snowflake => "DOUBLE",
            D::Ansi | D::Postgres => "DOUBLE PRECISION",
        }
        .to_owned(),
        Kind::Decimal { precision, scale } => match dialect {
            D::Postgres => format!("NUMERIC({precision}, {scale})"),
            D::BigQuery if scale <= 9 && precision - scale <= 29 => format!("NUMERIC({precision}, {scale})"),
            D::BigQuery => format!("BIGNUMERIC({precision}, {scale})"),
            _ => format!("DECIMAL({precision}, {scale})"),
        },
        Kind::String => match dialect {
            D::Postgres if length.is_none() => "TEXT".to_owned(),
            D::Spark if length.is_none() => "STRING".to_owned(),
            D::BigQuery => with_length("STRING"),
            _ => with_length("VARCHAR"),
        },
        Kind::Uuid => match dialect {
            D::Postgres | D::DuckDb => "UUID",
            D::Spark | D::BigQuery => "STRING",
            D::Ansi | D::Snowflake => "VARCHAR",
        }
        .to_owned(),
        Kind::Binary => match dialect {
            D::Postgres => "BYTEA",
            D::BigQuery => "BYTES",
            D::Spark | D::Snowflake => "BINARY",
            D::Ansi | D::DuckDb => "BLOB",
        }
        .to_owned(),
        Kind::Date => "DATE".to_owned(),
        Kind::Timestamp => match dialect {
            D::Spark | D::BigQuery => "TIMESTAMP",
            D::Snowflake => "TIMESTAMP_LTZ",
            D::Ansi | D::Postgres | D::DuckDb => "TIMESTAMP WITH TIME ZONE",
        }
        .to_owned(),
        Kind::TimestampLocal => match dialect {
            D::Spark | D::Snowflake => "TIMESTAMP_NTZ",
            D::BigQuery => "DATETIME",
            D::Ansi | D::Postgres | D::DuckDb => "TIMESTAMP",
        }
        .to_owned(),
        Kind::Time if dialect == D::Spark => "STRING".to_owned(),
        Kind::Time => "TIME".to_owned(),
        Kind::Object | Kind::Array | Kind::Map => return compound(column, dialect),
    };
    let back = Kind::from_sql(&text, dialect).unwrap_or(Kind::String);
    column
        .kind
        .settle(back, &column.view, &format!("{dialect} has no such type"));
    if column.kind == Kind::String && text.contains('(') {
        if let Some(option) = column.option("maxLength") {
            option.keep();
        }
        if let Some(physical) = physical.filter(|_| in_type == length) {
            physical.keep();
        }
    }
    text
}

fn integer(bits: u8, signed: bool, dialect: Dialect) -> String {
    match (dialect, bits, signed) {
        (Dialect::BigQuery, 64, false) => "NUMERIC(20, 0)",
        (Dialect::BigQuery, ..) => "INT64",
        (Dialect::DuckDb, 8, false) => "UTINYINT",
        (Dialect::DuckDb, 16, false) => "USMALLINT",
        (Dialect::DuckDb, 32, false) => "UINTEGER",
        (Dialect::DuckDb, 64, false) => "UBIGINT",
        (Dialect::DuckDb | Dialect::Spark | Dialect::Snowflake, 8, true) => "TINYINT",
        (_, 8, _) | (_, 16, true) => "SMALLINT",
        (Dialect::Spark, 16, false) | (Dialect::Spark, 32, true) => "INT",
        (_, 16, false) | (_, 32, true) => "INTEGER",
        (_, 32, false) | (_, 64, true) => "BIGINT",
        (Dialect::Postgres, ..) => "NUMERIC(20, 0)",
        _ => "DECIMAL(20, 0)",
    }
    .to_owned()
}

/// A list, object or map. Where the dialect has none it is written as JSON, and all that is inside is lost.
fn compound(column: &Column<'_>, dialect: Dialect) -> String {
    use Dialect as D;
    let nested = |inside: &Column<'_>| {
        if inside.required {
            inside.view.lose_part(
                "required",
                "true",
                format!("{dialect} does not say it of values inside others"),
            );
        }
        column_type(inside, dialect)
    };
    match (column.kind, dialect) {
        (Kind::Array, D::Postgres | D::DuckDb) => {
            if let Some(items) = column.items() {
                return format!("{}[]", nested(&items));
            }
        }
        (Kind::Array, D::Spark | D::BigQuery) => {
            if let Some(items) = column.items() {
                return format!("ARRAY<{}>", nested(&items));
            }
        }
        (Kind::Map, D::Spark) => {
            if let Some((key, value)) = column.map() {
                return format!("MAP<{}, {}>", nested(&key), nested(&value));
            }
        }
        (Kind::Object, D::Spark | D::BigQuery | D::DuckDb) => {
            let fields: Vec<String> = column
                .fields()
                .iter()
                .map(|field| {
                    let colon = if dialect == D::Spark { ":" } else { "" };
                    format!(
                        "{}{colon} {}",
                        super::export::quoted(field.name, dialect),
                        nested(field)
                    )
                })
                .collect();
            if !fields.is_empty() {
                let (open, close) = if dialect == D::DuckDb { ('(', ')') } else { ('<', '>') };
                return format!("STRUCT{open}{}{close}", fields.join(", "));
            }
        }
        _ => {}
    }
    column
        .kind
        .settle(Kind::String, &column.view, &format!("{dialect} has no such type: JSON"));
    match dialect {
        D::Postgres => "JSONB",
        D::Snowflake => "VARIANT",
        D::Spark => "STRING",
        D::Ansi | D::BigQuery | D::DuckDb => "JSON",
    }
    .to_owned()
}
