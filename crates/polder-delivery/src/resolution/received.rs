//! Quarantined rows as they were received, and what is not known of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, Int32Array, RecordBatch, TimestampMicrosecondArray};
use polder_core::Result;
use serde_json::{Map, Value};

use super::change::Read;
use super::kept::Kept;
use super::reread::Misfit;
use super::told::Told;
use crate::row_json::json_rows;

/// Rows as they were received.
pub(super) struct Received {
    /// In the contract's columns, all of them nullable.
    pub(super) rows: RecordBatch,
    pub(super) event_time: TimestampMicrosecondArray,
    pub(super) schema_id: Int32Array,
    /// What is not known of a row.
    pub(super) gaps: Vec<Option<Gap>>,
    /// Rows that had no record, and whose bytes can be read now: with the JSON where columns are missing.
    pub(super) news: BTreeMap<usize, Option<String>>,
}

impl Received {
    /// The columns among these whose received values their types do not hold, with what was received. None where that is
    /// not known of one of them.
    pub(super) fn texts(&self, kept: &Kept, row: usize, columns: &[String]) -> Option<Vec<Told>> {
        let Some(Gap::Columns(misfits)) = &self.gaps[row] else {
            return Some(Vec::new());
        };
        let named = |misfit: &&Misfit| columns.contains(&misfit.column);
        let mut misfits = misfits.iter().filter(named).peekable();
        if misfits.peek().is_none() {
            return Some(Vec::new());
        }
        let json = match self.news.get(&row) {
            Some(json) => json.as_deref(),
            None => kept.records.is_valid(row).then(|| kept.records.value(row)),
        };
        let record: Map<String, Value> = serde_json::from_str(json?).ok()?;
        let schema = self.rows.schema();
        let told = |misfit: &Misfit| {
            let value = record.get(&misfit.column).filter(|value| !value.is_null())?;
            let column = schema.field_with_name(&misfit.column).ok()?;
            Told::of(column.name(), column.data_type(), value)
        };
        misfits.map(told).collect()
    }

    /// What is known of a row for the first time; none where its record was known before.
    ///
    /// # Errors
    /// `Internal`, where a type has no JSON form.
    pub(super) fn news(&self, row: usize) -> Result<Option<Read>> {
        let Some(json) = self.news.get(&row) else {
            return Ok(None);
        };
        let record = match json {
            Some(json) => json.clone(),
            None => json_rows(&self.rows, &[row])?.concat(),
        };
        Ok(Some(Read {
            record,
            event_time: self.event_time.is_valid(row).then(|| self.event_time.value(row)),
            schema_id: self.schema_id.is_valid(row).then(|| self.schema_id.value(row)),
        }))
    }
}

/// What is not known of a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Gap {
    /// Anything, by which rule and why.
    Record { rule: String, reason: String },
    /// These values: their types do not hold them.
    Columns(Vec<Misfit>),
}

impl Gap {
    /// By which rule, and why, a row is refused for what is not known of it when these columns are set anew.
    pub(super) fn without(&self, set: &[String]) -> Option<(Arc<str>, String)> {
        match self {
            Self::Record { rule, reason } => Some((Arc::from(rule.as_str()), reason.clone())),
            Self::Columns(misfits) => together(misfits.iter().filter(|misfit| !set.contains(&misfit.column))),
        }
    }

    /// By which rule, and why, a row is refused for what is not known of these columns.
    pub(super) fn of(&self, columns: &[String]) -> Option<(Arc<str>, String)> {
        match self {
            Self::Record { .. } => None,
            Self::Columns(misfits) => together(misfits.iter().filter(|misfit| columns.contains(&misfit.column))),
        }
    }
}

/// The first one's rule, with the reasons of all.
fn together<'m>(misfits: impl Iterator<Item = &'m Misfit>) -> Option<(Arc<str>, String)> {
    let misfits: Vec<_> = misfits.collect();
    let rule = format!("{}.type", misfits.first()?.column);
    let reasons = misfits
        .iter()
        .map(|misfit| format!("{}.type: {}", misfit.column, misfit.reason));
    Some((Arc::from(rule), reasons.collect::<Vec<_>>().join("; ")))
}
