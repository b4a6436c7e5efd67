//! Quarantined rows as they were received, in the columns of the contract of now.
//!
//! A row's `record` is what was read of it when it came, in the columns that the contract had then. What it does not say,
//! because nothing could be read, a value had no place in its type, or the column is new, its bytes may say now.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::compute::interleave;
use arrow::datatypes::{DataType, Int32Type, Int64Type, SchemaRef, TimeUnit, TimestampMicrosecondType};
use polder_core::{Error, ErrorKind, Result, ResultExt};
use serde_json::{Map, Value};

use super::change::Read;
use super::marks::{column, text};
use super::records::{self, Loss, Records};
use super::reread::{Again, Misfit, Reread, Unread};
use crate::quarantine::json_rows;
use crate::record::RawRecord;

/// The rule of event times that are no times.
const EVENT_TIME_RULE: &str = "_event_time.type";

/// Rows as they were received.
pub(super) struct Received {
    /// In the contract's columns, all of them nullable.
    pub(super) rows: RecordBatch,
    pub(super) event_time: TimestampMicrosecondArray,
    pub(super) schema_id: Int32Array,
    /// What is not known of a row.
    pub(super) gaps: Vec<Option<Gap>>,
    /// Rows that had no record, and whose bytes can be read now: with the JSON where columns are missing.
    news: BTreeMap<usize, Option<String>>,
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

/// The columns of quarantine from which rows are read.
pub(super) struct Kept {
    pub(super) ids: StringArray,
    pub(super) rules: StringArray,
    versions: StringArray,
    origins: StringArray,
    topics: StringArray,
    partitions: Int32Array,
    offsets: Int64Array,
    keys: BinaryArray,
    event_times: TimestampMicrosecondArray,
    schema_ids: Int32Array,
    records: StringArray,
    raw: BinaryArray,
}

impl Kept {
    pub(super) fn of(rows: &RecordBatch) -> Result<Self> {
        let instant = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let bytes = |name: &str| Ok::<_, Error>(column(rows, name, &DataType::Binary)?.as_binary::<i32>().clone());
        let numbers = |name: &str| {
            Ok::<_, Error>(
                column(rows, name, &DataType::Int32)?
                    .as_primitive::<Int32Type>()
                    .clone(),
            )
        };
        Ok(Self {
            ids: text(rows, "_quarantine_id")?,
            rules: text(rows, "rule")?,
            versions: text(rows, "contract_version")?,
            origins: text(rows, "_origin")?,
            topics: text(rows, "_topic")?,
            partitions: numbers("_partition")?,
            offsets: column(rows, "_offset", &DataType::Int64)?
                .as_primitive::<Int64Type>()
                .clone(),
            keys: bytes("_key")?,
            event_times: column(rows, "_event_time", &instant)?
                .as_primitive::<TimestampMicrosecondType>()
                .clone(),
            schema_ids: numbers("_schema_id")?,
            records: text(rows, "record")?,
            raw: bytes("raw")?,
        })
    }

    /// These fields of the records as text; what is no text is JSON.
    pub(super) fn fields(&self, names: &[String]) -> Vec<StringArray> {
        let records: Vec<Option<Map<String, Value>>> = self
            .records
            .iter()
            .map(|record| serde_json::from_str(record?).ok())
            .collect();
        let of = |name: &String| {
            let values = records.iter().map(|record| said(record.as_ref()?.get(name)?));
            values.collect::<StringArray>()
        };
        names.iter().map(of).collect()
    }

    fn record(&self, row: usize) -> RawRecord<'_> {
        RawRecord {
            topic: self.topics.value(row),
            partition: self.partitions.value(row),
            offset: self.offsets.value(row),
            key: self.keys.is_valid(row).then(|| self.keys.value(row)),
            event_time: self.event_times.is_valid(row).then(|| self.event_times.value(row)),
            schema_id: self.schema_ids.is_valid(row).then(|| self.schema_ids.value(row)),
            bytes: self.raw.is_valid(row).then(|| self.raw.value(row)),
        }
    }
}

/// A value of a record as text.
fn said(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// Reads rows of quarantine into the columns of a contract of this version, and their bytes again where that may tell
/// more. Where nobody can be asked how to read the bytes, a row whose record says all that there was to say does without.
///
/// # Errors
/// What `reread` reports.
pub(super) async fn read(
    kept: &Kept,
    (contract, version): (&SchemaRef, &str),
    reread: Option<&dyn Reread>,
) -> Result<Received> {
    let texts: Vec<&str> = kept.records.iter().map(|record| record.unwrap_or("{}")).collect();
    let Records { rows, lost } = records::read(&texts, contract)?;
    let mut merging = Merging::new(kept, rows, lost);
    let mut by_origin: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    if let Some(reread) = reread {
        for row in 0..kept.ids.len() {
            let origin = kept.origins.value(row);
            if kept.raw.is_valid(row) && reread.knows(origin) && merging.says_less(row) {
                by_origin.entry(origin).or_default().push(row);
            }
        }
        for (origin, places) in by_origin {
            let records: Vec<_> = places.iter().map(|row| kept.record(*row)).collect();
            match reread.reread(origin, &records).await {
                Ok(again) => merging.take(&places, again, origin)?,
                Err(error) if error.kind() == ErrorKind::Unreachable => {
                    if !places.iter().all(|row| merging.is_complete(*row, version)) {
                        return Err(error);
                    }
                    tracing::info!(origin, error = %error.report(), "rows are judged by their records alone");
                }
                Err(error) => return Err(error),
            }
        }
    }
    merging.finish()
}

/// Rows from their records, into which values come that their bytes tell.
struct Merging<'k> {
    kept: &'k Kept,
    rows: RecordBatch,
    /// The columns of a row's record that are not what the record says.
    lost: Vec<Vec<String>>,
    known: Vec<bool>,
    again: Vec<RecordBatch>,
    /// Where each value is taken from, by column: which batch (0 is the records'), which row.
    picks: Vec<Vec<(usize, usize)>>,
    event_times: Vec<Option<i64>>,
    schema_ids: Vec<Option<i32>>,
    gaps: Vec<Option<Gap>>,
    news: BTreeMap<usize, Option<String>>,
}

impl<'k> Merging<'k> {
    fn new(kept: &'k Kept, rows: RecordBatch, lost: Vec<Option<Loss>>) -> Self {
        let (mut known, mut gaps) = (Vec::with_capacity(lost.len()), Vec::with_capacity(lost.len()));
        let mut columns = Vec::with_capacity(lost.len());
        for (row, lost) in lost.into_iter().enumerate() {
            known.push(kept.records.is_valid(row) && !matches!(lost, Some(Loss::Everything(_))));
            let (gap, lost) = match lost {
                Some(Loss::Everything(reason)) => {
                    let rule = "record".to_owned();
                    (Some(Gap::Record { rule, reason }), Vec::new())
                }
                Some(Loss::Columns(lost)) => {
                    let misfits = lost.iter().map(|column| unheld(column)).collect();
                    (Some(Gap::Columns(misfits)), lost)
                }
                None => (None, Vec::new()),
            };
            gaps.push(gap);
            columns.push(lost);
        }
        Self {
            picks: vec![(0..rows.num_rows()).map(|row| (0, row)).collect(); rows.num_columns()],
            event_times: kept.event_times.iter().collect(),
            schema_ids: kept.schema_ids.iter().collect(),
            lost: columns,
            kept,
            rows,
            known,
            again: Vec::new(),
            gaps,
            news: BTreeMap::new(),
        }
    }

    /// Whether the bytes may tell more of a row than its record.
    fn says_less(&self, row: usize) -> bool {
        !self.known[row]
            || self.gaps[row].is_some()
            || self.event_times[row].is_none()
            || self.kept.rules.value(row) == EVENT_TIME_RULE
            || self.rows.columns().iter().any(|column| column.is_null(row))
    }

    /// Whether a row's record, read under a contract of this version, says all that its bytes do: what is null in it was
    /// null when it came.
    fn is_complete(&self, row: usize, version: &str) -> bool {
        self.known[row]
            && self.gaps[row].is_none()
            && self.event_times[row].is_some()
            && self.kept.rules.value(row) != EVENT_TIME_RULE
            && self.kept.versions.value(row) == version
    }

    /// Takes what the bytes of these rows say where their records do not.
    fn take(&mut self, places: &[usize], again: Again, origin: &str) -> Result<()> {
        let of_contract = || {
            let (wanted, found) = (self.rows.schema(), again.rows.schema());
            let columns = |schema: &SchemaRef| -> Vec<(String, DataType)> {
                let fields = schema.fields().iter();
                fields
                    .map(|field| (field.name().clone(), field.data_type().clone()))
                    .collect()
            };
            columns(&wanted) == columns(&found)
        };
        let counts = [again.rows.num_rows(), again.schema_ids.len(), again.unread.len()];
        if counts != [places.len(); 3] || !of_contract() {
            let message = format!("records of {origin} were not read in the contract's columns");
            return Err(Error::new(ErrorKind::Internal, message));
        }
        let batch = self.again.len() + 1;
        for (n, row) in places.iter().copied().enumerate() {
            let misfits = match &again.unread[n] {
                // A row that is known stays what it is, although its stream reads other records now.
                Some(Unread::Record { .. }) if self.known[row] => continue,
                Some(Unread::Record { rule, reason }) => {
                    let (rule, reason) = (rule.clone(), reason.clone());
                    self.gaps[row] = Some(Gap::Record { rule, reason });
                    continue;
                }
                Some(Unread::Columns { misfits, .. }) => misfits.as_slice(),
                None => &[],
            };
            let left = self.fill(row, batch, n, &again.rows, misfits);
            self.gaps[row] = (!left.is_empty()).then_some(Gap::Columns(left));
            if let Some(times) = &again.event_times {
                let told = times.is_valid(n).then(|| times.value(n));
                // A known row keeps its own, although its stream may declare another field by now.
                self.event_times[row] = match self.known[row] {
                    true => self.event_times[row].or(told),
                    false => told,
                };
            }
            if !self.known[row] {
                self.schema_ids[row] = again.schema_ids[n];
                let json = match &again.unread[n] {
                    Some(Unread::Columns { json, .. }) => Some(json.clone()),
                    _ => None,
                };
                self.news.insert(row, json);
            }
        }
        self.again.push(again.rows);
        Ok(())
    }

    /// Takes from row `n` of a batch what the record of a row does not say, and gives what is still not known.
    fn fill(&mut self, row: usize, batch: usize, n: usize, told: &RecordBatch, misfits: &[Misfit]) -> Vec<Misfit> {
        let mut left = Vec::new();
        for (place, field) in told.schema().fields().iter().enumerate() {
            let name = field.name();
            let lost = self.lost[row].contains(name);
            if self.known[row] && !lost && self.rows.column(place).is_valid(row) {
                continue;
            }
            self.picks[place][row] = (batch, n);
            match misfits.iter().find(|misfit| misfit.column == *name) {
                Some(misfit) => left.push(misfit.clone()),
                None if lost && told.column(place).is_null(n) => left.push(unheld(name)),
                None => {}
            }
        }
        // What is no column of the contract: the event time.
        let has_time = self.event_times[row].is_some() && self.kept.rules.value(row) != EVENT_TIME_RULE;
        if !(self.known[row] && has_time) {
            let is_column = |misfit: &&Misfit| told.schema().index_of(&misfit.column).is_ok();
            left.extend(misfits.iter().filter(|misfit| !is_column(misfit)).cloned());
        }
        left
    }

    fn finish(self) -> Result<Received> {
        let rows = match self.again.is_empty() {
            true => self.rows,
            false => {
                let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.picks.len());
                for (place, picks) in self.picks.iter().enumerate() {
                    let sources = std::iter::once(&self.rows).chain(&self.again);
                    let sources: Vec<&dyn Array> = sources.map(|rows| rows.column(place).as_ref()).collect();
                    columns.push(interleave(&sources, picks).context(ErrorKind::Internal, apart)?);
                }
                RecordBatch::try_new(self.rows.schema(), columns).context(ErrorKind::Internal, apart)?
            }
        };
        Ok(Received {
            rows,
            event_time: TimestampMicrosecondArray::from(self.event_times).with_timezone("UTC"),
            schema_id: Int32Array::from(self.schema_ids),
            gaps: self.gaps,
            news: self.news,
        })
    }
}

impl Received {
    /// The columns among these whose received values their types do not hold, with what was received, as text. None where
    /// that is not known of one of them.
    pub(super) fn texts(&self, kept: &Kept, row: usize, columns: &[String]) -> Option<Vec<(String, String)>> {
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
        misfits
            .map(|misfit| Some((misfit.column.clone(), said(record.get(&misfit.column)?)?)))
            .collect()
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

fn apart() -> String {
    "cannot put quarantined rows together".to_owned()
}

fn unheld(column: &str) -> Misfit {
    Misfit {
        column: column.to_owned(),
        reason: format!("the contract's types do not hold what the record says in `{column}`"),
    }
}
