//! Sample rows as Arrow batches in the contract's types, without a value being rounded or guessed.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema};
use arrow::json::ReaderBuilder;
use chrono::{DateTime, NaiveDate};
use polder_contract::{DatasetContract, Place};
use polder_core::document::{Diagnostic, Entry, Node, Severity, Value, nearest};
use polder_core::{ErrorKind, Result, ResultExt};

use super::SampleRow;
use crate::{arrival_schema, arrow_schema, in_words, times};

/// The code of findings about columns that the contract does not have.
pub(super) const UNKNOWN_COLUMN: &str = "unknown-column";

/// What is said of such a column.
pub(super) fn no_column(name: &str) -> String {
    format!("there is no column `{name}`")
}

/// What reads the rows of one dataset's samples.
pub(super) struct Rows {
    schema: Arc<Schema>,
    /// The types in which texts are read: an instant has the zone of those without an offset.
    arrival: Arc<Schema>,
}

impl Rows {
    /// # Errors
    /// `Document`, where a column has no type that a table can hold.
    pub(super) fn new(contract: &DatasetContract) -> Result<Self> {
        let object = contract.object();
        // Whether a null is refused is what the samples are to show.
        let fields = arrow_schema(object)?;
        let fields: Vec<Field> = fields
            .fields()
            .iter()
            .map(|field| field.as_ref().clone().with_nullable(true))
            .collect();
        Ok(Self {
            schema: Arc::new(Schema::new(fields)),
            arrival: arrival_schema(object)?,
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

    /// What is wrong with a row.
    pub(super) fn check(&self, row: &SampleRow, problems: &mut Vec<Diagnostic>) {
        self.json(row, &mut String::new(), problems);
    }

    fn json(&self, row: &SampleRow, text: &mut String, problems: &mut Vec<Diagnostic>) {
        let entries = row.node.as_map().unwrap_or_default();
        for entry in entries {
            if self.arrival.index_of(&entry.key).is_err() {
                let names = self.arrival.fields().iter().map(|column| column.name().as_str());
                let names: Vec<&str> = names.collect();
                let help = match nearest(&entry.key, names.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("there are: {}", names.join(", ")),
                };
                let place = Place {
                    span: entry.key_span,
                    ..row.place.clone()
                };
                problems.push(problem(&place, UNKNOWN_COLUMN, no_column(&entry.key), Some(help)));
            }
        }
        let mut object = serde_json::Map::new();
        for column in self.arrival.fields() {
            let name = column.name();
            let Some(value) = entries
                .iter()
                .find(|entry| entry.key == *name)
                .map(|entry| &entry.value)
            else {
                continue;
            };
            match json(value, column.data_type()) {
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

/// A value as Arrow reads it into this type, where it is one of the type to the last digit. A time without an offset is
/// one of the type's zone, as it is at the write.
fn json(node: &Node, wanted: &DataType) -> std::result::Result<serde_json::Value, Refusal> {
    use serde_json::Value as Json;
    if node.is_null() {
        return Ok(Json::Null);
    }
    let refuse = |form: &str| Err((node.span, format!("{} is no {}{form}", shown(node), in_words(wanted))));
    let text = node.scalar_text().unwrap_or_default();
    let number = matches!(node.value, Value::Number(_));
    match wanted {
        DataType::Boolean => match node.value {
            Value::Bool(value) => Ok(Json::Bool(value)),
            _ => refuse(""),
        },
        DataType::Int32 if number && text.parse::<i32>().is_ok() => Ok(node.to_json()),
        DataType::Int64 if number && text.parse::<i64>().is_ok() => Ok(node.to_json()),
        DataType::Float64 if number => Ok(node.to_json()),
        DataType::Decimal128(precision, scale) => match decimal(text, (*precision).into(), scale.unsigned_abs().into())
        {
            true => Ok(Json::String(text.trim_start_matches('+').to_owned())),
            false => refuse(""),
        },
        DataType::Utf8 if node.scalar_text().is_some() => Ok(Json::String(text.to_owned())),
        // Arrow reads bytes from hexadecimal digits.
        DataType::Binary
            if text.len().is_multiple_of(2) && text.bytes().all(|b| b.is_ascii_hexdigit()) && !text.is_empty() =>
        {
            Ok(Json::String(text.to_owned()))
        }
        DataType::Binary => refuse(" in hexadecimal digits"),
        DataType::Date32 if NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok() => Ok(Json::String(text.to_owned())),
        DataType::Date32 => refuse(", such as 2026-01-31"),
        DataType::Timestamp(_, Some(zone)) => {
            let instant = zone.parse().ok().and_then(|zone| times::instant(text, &zone));
            match instant.and_then(DateTime::from_timestamp_micros) {
                Some(instant) if is_of_microseconds(text) => Ok(Json::String(instant.to_rfc3339())),
                None if times::local(text).is_some() => refuse(&format!(
                    " without an offset: clocks in {zone} are put forward or back then"
                )),
                _ => refuse(" to the microsecond, such as 2026-01-31T12:00:00Z"),
            }
        }
        DataType::Timestamp(_, None) => match times::local(text).and_then(DateTime::from_timestamp_micros) {
            Some(local) if is_of_microseconds(text) => Ok(Json::String(local.naive_utc().to_string())),
            _ => refuse(" to the microsecond, such as 2026-01-31T12:00:00"),
        },
        DataType::List(item) => match node.as_list() {
            Some(nodes) => nodes.iter().map(|node| json(node, item.data_type())).collect(),
            None => refuse(""),
        },
        DataType::Struct(fields) => {
            let Some(entries) = node.as_map() else {
                return refuse("");
            };
            let mut object = serde_json::Map::new();
            for entry in entries {
                let Some((_, field)) = fields.find(&entry.key) else {
                    return Err((entry.key_span, format!("there is no field `{}`", entry.key)));
                };
                object.insert(entry.key.clone(), json(&entry.value, field.data_type())?);
            }
            Ok(Json::Object(object))
        }
        DataType::Map(pair, _) => {
            let (Some(entries), DataType::Struct(sides)) = (node.as_map(), pair.data_type()) else {
                return refuse("");
            };
            let Some(value) = sides.get(1) else { return refuse("") };
            let values = entries
                .iter()
                .map(|entry| Ok((entry.key.clone(), json(&entry.value, value.data_type())?)));
            Ok(Json::Object(values.collect::<std::result::Result<_, Refusal>>()?))
        }
        _ => refuse(""),
    }
}

/// Whether a time has no digits behind the microsecond.
fn is_of_microseconds(text: &str) -> bool {
    let fraction = text.split_once('.').map_or("", |(_, fraction)| fraction);
    let digits = fraction.bytes().take_while(u8::is_ascii_digit);
    digits.skip(6).all(|digit| digit == b'0')
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
