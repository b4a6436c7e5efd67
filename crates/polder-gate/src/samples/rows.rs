//! Sample rows as Arrow batches in the contract's types, without a value being rounded or guessed.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema};
use arrow::json::ReaderBuilder;
use chrono::{DateTime, NaiveDate, NaiveDateTime};
use polder_contract::{ColumnType, DatasetContract, Place};
use polder_core::document::{Diagnostic, Entry, Node, Severity, Value, nearest};
use polder_core::{ErrorKind, Result, ResultExt};

use super::SampleRow;
use crate::arrow_schema;

/// What reads the rows of one dataset's samples.
pub(super) struct Rows {
    schema: Arc<Schema>,
    columns: Vec<(String, ColumnType)>,
}

impl Rows {
    /// # Errors
    /// `Document`, where a column has no type that a table can hold.
    pub(super) fn new(contract: &DatasetContract) -> Result<Self> {
        let object = contract.object();
        let columns = object
            .properties
            .iter()
            .map(|property| Ok((property.name.clone(), property.column_type()?)));
        // Whether a null is refused is what the samples are to show.
        let fields = arrow_schema(object)?;
        let fields: Vec<Field> = fields
            .fields()
            .iter()
            .map(|field| field.as_ref().clone().with_nullable(true))
            .collect();
        Ok(Self {
            schema: Arc::new(Schema::new(fields)),
            columns: columns.collect::<Result<_>>()?,
        })
    }

    /// The rows, one after the other. A column that a row does not name is null.
    ///
    /// # Errors
    /// `Document`, where a value is none of its column's type or a column is not the contract's; each is in
    /// `problems`. `Internal` where Arrow refuses what was found right.
    pub(super) fn batch(&self, rows: &[SampleRow], problems: &mut Vec<Diagnostic>) -> Result<Option<RecordBatch>> {
        let before = problems.len();
        let mut text = String::new();
        for row in rows {
            self.json(row, &mut text, problems);
        }
        if problems.len() > before {
            return Ok(None);
        }
        let failed = || "the sample rows cannot be read".to_owned();
        let builder = ReaderBuilder::new(Arc::clone(&self.schema)).with_batch_size(rows.len().max(1));
        let mut decoder = builder.build_decoder().context(ErrorKind::Internal, failed)?;
        decoder.decode(text.as_bytes()).context(ErrorKind::Internal, failed)?;
        let batch = decoder.flush().context(ErrorKind::Internal, failed)?;
        Ok(Some(
            batch.unwrap_or_else(|| RecordBatch::new_empty(Arc::clone(&self.schema))),
        ))
    }

    fn json(&self, row: &SampleRow, text: &mut String, problems: &mut Vec<Diagnostic>) {
        let entries = row.node.as_map().unwrap_or_default();
        for entry in entries {
            if !self.columns.iter().any(|(name, _)| *name == entry.key) {
                let names = self.columns.iter().map(|(name, _)| name.as_str());
                let help = nearest(&entry.key, names).map(|near| format!("did you mean `{near}`?"));
                let place = Place {
                    span: entry.key_span,
                    ..row.place.clone()
                };
                problems.push(problem(
                    &place,
                    "unknown-column",
                    format!("there is no column `{}`", entry.key),
                    help,
                ));
            }
        }
        let mut object = serde_json::Map::new();
        for (name, column) in &self.columns {
            let Some(value) = entries
                .iter()
                .find(|entry| entry.key == *name)
                .map(|entry| &entry.value)
            else {
                continue;
            };
            match json(value, column) {
                Ok(value) => {
                    object.insert(name.clone(), value);
                }
                Err((span, why)) => {
                    let place = Place {
                        span,
                        ..row.place.clone()
                    };
                    let message = format!("`{name}` of a sample row: {why}");
                    problems.push(problem(&place, "sample-value", message, None));
                }
            }
        }
        // Writing to a string does not fail.
        let _ = writeln!(text, "{}", serde_json::Value::Object(object));
    }
}

pub(super) fn problem(place: &Place, code: &'static str, message: String, help: Option<String>) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        code: code.into(),
        message,
        help,
        file: place.file.to_path_buf(),
        span: Some(place.span),
    }
}

/// A row with the values of another put over its own.
pub(super) fn changed(row: &SampleRow, change: &SampleRow) -> SampleRow {
    let mut entries: Vec<Entry> = row.node.as_map().unwrap_or_default().to_vec();
    for entry in change.node.as_map().unwrap_or_default() {
        match entries.iter_mut().find(|own| own.key == entry.key) {
            Some(own) => *own = entry.clone(),
            None => entries.push(entry.clone()),
        }
    }
    SampleRow {
        node: Node {
            value: Value::Map(entries),
            span: change.node.span,
        },
        place: change.place.clone(),
    }
}

type Refusal = (polder_core::document::Span, String);

/// A value as Arrow reads it into this type, where it is one of the type to the last digit.
fn json(node: &Node, column: &ColumnType) -> std::result::Result<serde_json::Value, Refusal> {
    use serde_json::Value as Json;
    if node.is_null() {
        return Ok(Json::Null);
    }
    let refuse = |form: &str| Err((node.span, format!("{} is no {column}{form}", shown(node))));
    let text = node.scalar_text().unwrap_or_default();
    let number = matches!(node.value, Value::Number(_));
    match column {
        ColumnType::Boolean => match node.value {
            Value::Bool(value) => Ok(Json::Bool(value)),
            _ => refuse(""),
        },
        ColumnType::Int32 if number && text.parse::<i32>().is_ok() => Ok(node.to_json()),
        ColumnType::Int64 if number && text.parse::<i64>().is_ok() => Ok(node.to_json()),
        ColumnType::Float64 if number => Ok(node.to_json()),
        ColumnType::Decimal { precision, scale } => match decimal(text, *precision, *scale) {
            true => Ok(Json::String(text.trim_start_matches('+').to_owned())),
            false => refuse(""),
        },
        ColumnType::String if node.scalar_text().is_some() => Ok(Json::String(text.to_owned())),
        // Arrow reads bytes from hexadecimal digits.
        ColumnType::Binary
            if text.len().is_multiple_of(2) && text.bytes().all(|b| b.is_ascii_hexdigit()) && !text.is_empty() =>
        {
            Ok(Json::String(text.to_owned()))
        }
        ColumnType::Binary => refuse(" in hexadecimal digits"),
        ColumnType::Date if NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok() => Ok(Json::String(text.to_owned())),
        ColumnType::Date => refuse(", such as 2026-01-31"),
        ColumnType::Timestamp => match DateTime::parse_from_rfc3339(text) {
            Ok(instant) if instant.timestamp_subsec_nanos().is_multiple_of(1000) => {
                Ok(Json::String(instant.to_utc().to_rfc3339()))
            }
            _ => refuse(" to the microsecond, such as 2026-01-31T12:00:00Z"),
        },
        ColumnType::TimestampLocal => match NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f") {
            Ok(local) if local.and_utc().timestamp_subsec_nanos().is_multiple_of(1000) => {
                Ok(Json::String(text.to_owned()))
            }
            _ => refuse(" to the microsecond, such as 2026-01-31T12:00:00"),
        },
        ColumnType::List(items) => match node.as_list() {
            Some(nodes) => nodes.iter().map(|node| json(node, items)).collect(),
            None => refuse(""),
        },
        ColumnType::Struct(fields) => {
            let Some(entries) = node.as_map() else {
                return refuse("");
            };
            let mut object = serde_json::Map::new();
            for entry in entries {
                let Some((name, field, _)) = fields.iter().find(|(name, _, _)| *name == entry.key) else {
                    return Err((entry.key_span, format!("there is no field `{}`", entry.key)));
                };
                object.insert(name.clone(), json(&entry.value, field)?);
            }
            Ok(Json::Object(object))
        }
        ColumnType::Map(_, value) => {
            let Some(entries) = node.as_map() else {
                return refuse("");
            };
            let values = entries
                .iter()
                .map(|entry| Ok((entry.key.clone(), json(&entry.value, value)?)));
            Ok(Json::Object(values.collect::<std::result::Result<_, Refusal>>()?))
        }
        _ => refuse(""),
    }
}

fn shown(node: &Node) -> String {
    match node.scalar_text() {
        Some(text) => format!("`{text}`"),
        None => node.kind().to_owned(),
    }
}

/// Whether the text is a decimal number that the type holds exactly.
fn decimal(text: &str, precision: u32, scale: u32) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = !whole.is_empty() && whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit());
    let (whole, fraction) = (
        whole.trim_start_matches('0').len(),
        fraction.trim_end_matches('0').len(),
    );
    all_digits && fraction <= scale as usize && whole <= (precision - scale.min(precision)) as usize
}
