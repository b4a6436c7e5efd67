//! Sample rows as Arrow batches in the contract's types, read as a stream's are.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema};
use polder_contract::{DatasetContract, Place};
use polder_core::document::{Diagnostic, Entry, Node, Severity, Span, Value, nearest};
use polder_core::{ErrorKind, Result, ResultExt};

use super::SampleRow;
use crate::reading::{self, Cast, column};
use crate::{arrival_schema, arrow_schema, map_keys};

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
    /// `Internal` where what was found right cannot be put together. Values that are none of their column's type, and columns
    /// that the contract does not have, are in `problems`; then there are no rows.
    pub(super) fn batch(&self, rows: &[SampleRow], problems: &mut Vec<Diagnostic>) -> Result<Option<RecordBatch>> {
        let before = problems.len();
        for row in rows {
            self.check(row, problems);
        }
        if problems.len() > before {
            return Ok(None);
        }
        let failed = || "the sample rows cannot be read".to_owned();
        let mut columns = Vec::with_capacity(self.schema.fields().len());
        for (read, field) in self.arrival.fields().iter().zip(self.schema.fields()) {
            let values: Vec<Option<&Node>> = rows.iter().map(|row| row.node.get(read.name())).collect();
            let values = column(&values, read.data_type()).context(ErrorKind::Internal, failed)?;
            columns.push(cast(&values.array, field.data_type()).context(ErrorKind::Internal, failed)?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options);
        batch.map(Some).context(ErrorKind::Internal, failed)
    }

    /// What is wrong with a row.
    pub(super) fn check(&self, row: &SampleRow, problems: &mut Vec<Diagnostic>) {
        for entry in row.node.as_map().unwrap_or_default() {
            let at = |span: Span| Place {
                span,
                ..row.place.clone()
            };
            let Some((_, column)) = self.arrival.column_with_name(&entry.key) else {
                let names = self.arrival.fields().iter().map(|column| column.name().as_str());
                let names: Vec<&str> = names.collect();
                let help = match nearest(&entry.key, names.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("there are: {}", names.join(", ")),
                };
                let message = no_column(&entry.key);
                problems.push(problem(&at(entry.key_span), UNKNOWN_COLUMN, message, Some(help)));
                continue;
            };
            if let Some(wrong) = misread(&entry.value, column.data_type()) {
                let message = format!("`{}` of a sample row: {}", column.name(), wrong.reason);
                problems.push(problem(&at(wrong.span), "sample-value", message, wrong.help));
            }
        }
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

/// What is wrong with a value, and where.
struct Wrong {
    span: Span,
    reason: String,
    help: Option<String>,
}

/// The innermost part of a value that the reader of streams would not take into this type, or that the type has no place for.
fn misread(node: &Node, wanted: &DataType) -> Option<Wrong> {
    match (wanted, node.as_list(), node.as_map()) {
        (DataType::List(item), Some(nodes), _) => {
            if let Some(wrong) = nodes.iter().find_map(|node| misread(node, item.data_type())) {
                return Some(wrong);
            }
        }
        (DataType::Struct(fields), _, Some(entries)) => {
            let inside = entries.iter().find_map(|entry| match fields.find(&entry.key) {
                Some((_, field)) => misread(&entry.value, field.data_type()),
                // A stream would pass it over; here it is misspelt.
                None => Some(Wrong {
                    span: entry.key_span,
                    reason: format!("there is no field `{}`", entry.key),
                    help: None,
                }),
            });
            if inside.is_some() {
                return inside;
            }
        }
        (DataType::Map(..), _, Some(entries)) => {
            let value = reading::sides(wanted).and_then(|(_, sides)| sides.get(1));
            let inside = value.and_then(|value| {
                let mut entries = entries.iter();
                entries.find_map(|entry| misread(&entry.value, value.data_type()))
            });
            if inside.is_some() {
                return inside;
            }
        }
        _ => {}
    }
    let reason = match column(&[Some(node)], wanted) {
        Ok(Cast { array, failures }) => match failures.into_iter().next() {
            Some((_, reason)) => reason,
            None => match map_keys::repeated(&array) {
                Ok(repeated) => repeated.into_iter().next()?.1,
                Err(error) => error.to_string(),
            },
        },
        Err(error) => error.to_string(),
    };
    let form = match wanted {
        DataType::Date32 => Some("2026-01-31"),
        DataType::Timestamp(_, Some(_)) => Some("2026-01-31T12:00:00Z"),
        DataType::Timestamp(_, None) => Some("2026-01-31T12:00:00"),
        _ => None,
    };
    Some(Wrong {
        span: node.span,
        reason,
        help: form.map(|form| format!("write it as `{form}`")),
    })
}
