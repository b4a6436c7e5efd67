//! Quarantined rows as they were received, in the columns of the contract of now.
//!
//! A row's `record` is what was read of it when it came, in the columns that the contract had then. What it does not say,
//! because nothing could be read, a value had no place in its type, or the column is new, its bytes may say now.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, Int32Array, RecordBatch, TimestampMicrosecondArray};
use arrow::compute::interleave;
use arrow::datatypes::{DataType, SchemaRef};
use polder_core::{Error, ErrorKind, Result, ResultExt};

use super::kept::Kept;
use super::received::{Gap, Received};
use super::records::{self, Loss, Records};
use super::reread::{Again, Misfit, Reread, Unread};

/// The rule of event times that are no times.
const EVENT_TIME_RULE: &str = "_event_time.type";

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
        let counts = [
            again.rows.num_rows(),
            again.event_times.len(),
            again.schema_ids.len(),
            again.unread.len(),
        ];
        if counts.iter().any(|count| *count != places.len()) || !of_contract() {
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
            let told = again.event_times.is_valid(n).then(|| again.event_times.value(n));
            // A known row keeps its own, although its stream may declare another field by now.
            self.event_times[row] = match self.known[row] {
                true => self.event_times[row].or(told),
                false => told,
            };
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

fn apart() -> String {
    "cannot put quarantined rows together".to_owned()
}

fn unheld(column: &str) -> Misfit {
    Misfit {
        column: column.to_owned(),
        reason: format!("the contract's types do not hold what the record says in `{column}`"),
    }
}
