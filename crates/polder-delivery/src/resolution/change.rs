//! What a decision writes into the rows of a quarantine table.

use std::sync::Arc;

use arrow::array::builder::{Int32Builder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder};
use arrow::array::{Array, ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{Field, Schema};
use polder_core::{ErrorKind, Result, ResultExt};

use super::cells::{instants, longs, numbers, text};
use super::history::{Entry, extended};
use crate::states::{OPEN, REPLAYED, REPLAYING};

/// How histories call a row that did not get into the table.
const REFUSED: &str = "refused";

/// What becomes of a row.
#[derive(Debug, Clone, Copy)]
pub(super) enum Change<'a> {
    /// It is decided about, now.
    Resolve {
        state: &'static str,
        resolution: &'a str,
        by: &'a str,
    },
    /// A replay is about to take it into the table.
    Replaying {
        number: i64,
        resolution: &'a str,
        by: &'a str,
    },
    /// The replay took it.
    Replayed,
    /// The replay did not take it after all.
    Reopen,
    /// A build that did not refuse it any more was followed by one that does.
    RefusedAgain { by: &'a str },
    /// A replay judged it, and it was refused again.
    Refused(Refused<'a>),
}

/// How a replay refused a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Refused<'a> {
    pub(super) rule: &'a str,
    pub(super) reason: &'a str,
    pub(super) contract_version: &'a str,
    /// What was tried, and by whom.
    pub(super) how: &'a str,
    pub(super) by: &'a str,
    /// Whether that is said of the row as it was received, so that it is what the row is refused by from now on. What is
    /// said of a patched row is not: the row stays refused by what it was.
    pub(super) as_received: bool,
    /// What its bytes say, where they could not be read before.
    pub(super) read: Option<&'a Read>,
}

/// What is known of a record since its bytes could be read.
#[derive(Debug, Clone)]
pub(super) struct Read {
    pub(super) record: String,
    /// Microseconds since 1970 in UTC.
    pub(super) event_time: Option<i64>,
    pub(super) schema_id: Option<i32>,
}

/// The columns that changes write, one value a row.
#[derive(Default)]
struct Written {
    event_time: TimestampMicrosecondBuilder,
    schema_id: Int32Builder,
    rule: StringBuilder,
    reason: StringBuilder,
    contract_version: StringBuilder,
    record: StringBuilder,
    state: StringBuilder,
    attempts: Int32Builder,
    resolved_at: TimestampMicrosecondBuilder,
    resolution: StringBuilder,
    resolved_by: StringBuilder,
    resolved_by_run: StringBuilder,
    replay: Int64Builder,
    history: StringBuilder,
}

/// The same columns as they were, and what a history begins with.
struct Before {
    origin: StringArray,
    ingested_at: TimestampMicrosecondArray,
    run: StringArray,
    event_time: TimestampMicrosecondArray,
    schema_id: Int32Array,
    rule: StringArray,
    reason: StringArray,
    contract_version: StringArray,
    record: StringArray,
    state: StringArray,
    attempts: Int32Array,
    resolved_at: TimestampMicrosecondArray,
    resolution: StringArray,
    resolved_by: StringArray,
    resolved_by_run: StringArray,
    replay: Int64Array,
    history: StringArray,
}

impl Before {
    fn of(batch: &RecordBatch) -> Result<Self> {
        Ok(Self {
            origin: text(batch, "_origin")?,
            ingested_at: instants(batch, "_ingested_at")?,
            run: text(batch, "_run_id")?,
            event_time: instants(batch, "_event_time")?,
            schema_id: numbers(batch, "_schema_id")?,
            rule: text(batch, "rule")?,
            reason: text(batch, "reason")?,
            contract_version: text(batch, "contract_version")?,
            record: text(batch, "record")?,
            state: text(batch, "state")?,
            attempts: numbers(batch, "attempts")?,
            resolved_at: instants(batch, "resolved_at")?,
            resolution: text(batch, "resolution")?,
            resolved_by: text(batch, "resolved_by")?,
            resolved_by_run: text(batch, "resolved_by_run")?,
            replay: longs(batch, "replay")?,
            history: text(batch, "history")?,
        })
    }

    /// One row's values, to be changed.
    fn row(&self, row: usize) -> Values<'_> {
        fn text(array: &StringArray, row: usize) -> Option<&str> {
            array.is_valid(row).then(|| array.value(row))
        }
        let instant = |array: &TimestampMicrosecondArray| array.is_valid(row).then(|| array.value(row));
        let number = |array: &Int32Array| array.is_valid(row).then(|| array.value(row));
        Values {
            came: Came {
                by: self.origin.value(row),
                at: self.ingested_at.value(row),
                run: self.run.value(row),
            },
            event_time: instant(&self.event_time),
            schema_id: number(&self.schema_id),
            rule: self.rule.value(row),
            reason: self.reason.value(row),
            contract_version: self.contract_version.value(row),
            record: text(&self.record, row),
            state: text(&self.state, row),
            attempts: number(&self.attempts),
            resolved_at: instant(&self.resolved_at),
            resolution: text(&self.resolution, row),
            resolved_by: text(&self.resolved_by, row),
            resolved_by_run: text(&self.resolved_by_run, row),
            replay: self.replay.is_valid(row).then(|| self.replay.value(row)),
            history: text(&self.history, row),
            said: None,
        }
    }
}

/// When a row came, from where, in which run.
struct Came<'a> {
    by: &'a str,
    at: i64,
    run: &'a str,
}

struct Values<'a> {
    came: Came<'a>,
    event_time: Option<i64>,
    schema_id: Option<i32>,
    rule: &'a str,
    reason: &'a str,
    contract_version: &'a str,
    record: Option<&'a str>,
    state: Option<&'a str>,
    attempts: Option<i32>,
    resolved_at: Option<i64>,
    resolution: Option<&'a str>,
    resolved_by: Option<&'a str>,
    resolved_by_run: Option<&'a str>,
    replay: Option<i64>,
    history: Option<&'a str>,
    /// The history with what is said now.
    said: Option<String>,
}

impl<'a> Values<'a> {
    /// The same with one more entry in its history.
    fn saying(mut self, entry: &Entry<'_>) -> Self {
        let first = Entry {
            at: self.came.at,
            by: Some(self.came.by),
            run: Some(self.came.run),
            outcome: REFUSED,
            how: None,
            rule: Some(self.rule),
            reason: Some(self.reason),
            contract_version: Some(self.contract_version),
        };
        self.said = Some(extended(self.history, &first, entry));
        self
    }

    fn change(self, change: Change<'a>, run: &'a str, now: i64) -> Self {
        let attempts = Some(self.attempts.unwrap_or(0).saturating_add(1));
        let entry = Entry {
            at: now,
            run: Some(run),
            ..Entry::default()
        };
        match change {
            Change::Resolve { state, resolution, by } => Self {
                state: Some(state),
                resolved_at: Some(now),
                resolution: Some(resolution),
                resolved_by: Some(by),
                resolved_by_run: Some(run),
                ..self.saying(&Entry {
                    by: Some(by),
                    outcome: state,
                    how: Some(resolution),
                    ..entry
                })
            },
            Change::Replaying { number, resolution, by } => Self {
                state: Some(REPLAYING),
                replay: Some(number),
                resolution: Some(resolution),
                resolved_by: Some(by),
                resolved_by_run: Some(run),
                ..self
            },
            Change::Replayed => {
                // Whoever settles it may be another run than that which took it.
                let entry = Entry {
                    by: self.resolved_by,
                    run: self.resolved_by_run,
                    outcome: REPLAYED,
                    how: self.resolution,
                    ..entry
                };
                Self {
                    state: Some(REPLAYED),
                    attempts,
                    resolved_at: Some(now),
                    ..self.saying(&entry)
                }
            }
            Change::Reopen => self.reopened(),
            Change::RefusedAgain { by } => self
                .saying(&Entry {
                    by: Some(by),
                    outcome: REFUSED,
                    ..entry
                })
                .reopened(),
            Change::Refused(refused) => {
                let said = self.saying(&Entry {
                    by: Some(refused.by),
                    outcome: REFUSED,
                    how: Some(refused.how),
                    rule: Some(refused.rule),
                    reason: Some(refused.reason),
                    contract_version: Some(refused.contract_version),
                    ..entry
                });
                said.refused(refused, attempts)
            }
        }
    }

    fn reopened(self) -> Self {
        Self {
            state: Some(OPEN),
            resolved_at: None,
            resolution: None,
            resolved_by: None,
            resolved_by_run: None,
            replay: None,
            ..self
        }
    }

    fn refused(mut self, refused: Refused<'a>, attempts: Option<i32>) -> Self {
        if refused.as_received {
            self.rule = refused.rule;
            self.reason = refused.reason;
            self.contract_version = refused.contract_version;
        }
        if let Some(read) = refused.read {
            self.record = Some(&read.record);
            (self.event_time, self.schema_id) = (read.event_time, read.schema_id);
        }
        Self {
            state: Some(OPEN),
            attempts,
            ..self
        }
    }
}

impl Written {
    fn push(&mut self, values: &Values<'_>) {
        self.event_time.append_option(values.event_time);
        self.schema_id.append_option(values.schema_id);
        self.rule.append_value(values.rule);
        self.reason.append_value(values.reason);
        self.contract_version.append_value(values.contract_version);
        self.record.append_option(values.record);
        self.state.append_option(values.state);
        self.attempts.append_option(values.attempts);
        self.resolved_at.append_option(values.resolved_at);
        self.resolution.append_option(values.resolution);
        self.resolved_by.append_option(values.resolved_by);
        self.resolved_by_run.append_option(values.resolved_by_run);
        self.replay.append_option(values.replay);
        self.history.append_option(values.said.as_deref().or(values.history));
    }

    fn finish(mut self) -> [(&'static str, ArrayRef); 14] {
        let instants =
            |mut builder: TimestampMicrosecondBuilder| -> ArrayRef { Arc::new(builder.finish().with_timezone("UTC")) };
        [
            ("_event_time", instants(self.event_time)),
            ("_schema_id", Arc::new(self.schema_id.finish())),
            ("rule", Arc::new(self.rule.finish())),
            ("reason", Arc::new(self.reason.finish())),
            ("contract_version", Arc::new(self.contract_version.finish())),
            ("record", Arc::new(self.record.finish())),
            ("state", Arc::new(self.state.finish())),
            ("attempts", Arc::new(self.attempts.finish())),
            ("resolved_at", instants(self.resolved_at)),
            ("resolution", Arc::new(self.resolution.finish())),
            ("resolved_by", Arc::new(self.resolved_by.finish())),
            ("resolved_by_run", Arc::new(self.resolved_by_run.finish())),
            ("replay", Arc::new(self.replay.finish())),
            ("history", Arc::new(self.history.finish())),
        ]
    }
}

/// The batch with some rows changed, in this run, now (microseconds since 1970 in UTC).
pub(super) fn apply(batch: &RecordBatch, changes: &[Option<Change<'_>>], run: &str, now: i64) -> Result<RecordBatch> {
    let before = Before::of(batch)?;
    let mut written = Written::default();
    for (row, change) in changes.iter().enumerate() {
        let values = before.row(row);
        written.push(&match change {
            Some(change) => values.change(*change, run, now),
            None => values,
        });
    }
    let written = written.finish();
    let schema = batch.schema();
    let (mut fields, mut columns) = (Vec::new(), Vec::new());
    for (field, column) in schema.fields().iter().zip(batch.columns()) {
        let column = match written.iter().find(|(name, _)| name == field.name()) {
            Some((_, written)) => Arc::clone(written),
            None => Arc::clone(column),
        };
        fields.push(Field::new(
            field.name(),
            column.data_type().clone(),
            field.is_nullable(),
        ));
        columns.push(column);
    }
    let schema = Arc::new(Schema::new(fields));
    RecordBatch::try_new(schema, columns).context(ErrorKind::Internal, || "cannot change quarantined rows".to_owned())
}
