//! Writing down what became of rows: files that hold them are written again.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::builder::{Int32Builder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder};
use arrow::array::{
    Array, ArrayRef, AsArray, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int32Type, Int64Type, SchemaRef, TimestampMicrosecondType};
use datafusion::prelude::{SessionConfig, SessionContext, ident};
use futures::TryStreamExt;
use polder_core::{Error, ErrorKind, Result, ResultExt, RunId, clock};
use polder_lake::{Commit, DataFile, FileWriter, Operation, Progress};

use super::{OPEN, Quarantine, REPLAYED, REPLAYING};

/// What decides whether a row is meant.
pub(super) struct Row<'a> {
    pub(super) id: &'a str,
    pub(super) origin: &'a str,
    pub(super) rule: &'a str,
    pub(super) state: Option<&'a str>,
    pub(super) replay: Option<i64>,
}

impl Row<'_> {
    pub(super) fn is_open(&self) -> bool {
        self.state.is_none_or(|state| state == OPEN)
    }

    pub(super) fn is_of_replay(&self, number: i64) -> bool {
        self.state == Some(REPLAYING) && self.replay == Some(number)
    }
}

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
    /// The replay did not take it after all, or it is refused again.
    Reopen,
    /// A replay judged it, and it was refused again.
    Refused {
        rule: &'a str,
        reason: &'a str,
        contract_version: &'a str,
    },
}

/// The columns by which rows are chosen.
const CHOOSING: [&str; 5] = ["_quarantine_id", "_origin", "rule", "state", "replay"];

/// Those columns of a batch.
struct Choosing {
    id: StringArray,
    origin: StringArray,
    rule: StringArray,
    state: StringArray,
    replay: Int64Array,
}

impl Choosing {
    fn of(batch: &RecordBatch) -> Result<Self> {
        Ok(Self {
            id: text(batch, "_quarantine_id")?,
            origin: text(batch, "_origin")?,
            rule: text(batch, "rule")?,
            state: text(batch, "state")?,
            replay: column(batch, "replay", &DataType::Int64)?
                .as_primitive::<Int64Type>()
                .clone(),
        })
    }

    fn row(&self, row: usize) -> Row<'_> {
        Row {
            id: self.id.value(row),
            origin: self.origin.value(row),
            rule: self.rule.value(row),
            state: self.state.is_valid(row).then(|| self.state.value(row)),
            replay: self.replay.is_valid(row).then(|| self.replay.value(row)),
        }
    }
}

impl Quarantine {
    /// Changes the rows for which `decide` says so, in one commit with the count. Gives how many rows changed; where
    /// none does, nothing is committed, unless the count ends a replay.
    ///
    /// # Errors
    /// `Conflict`, where somebody else decided since the table was read; what the lake reports.
    pub(super) async fn mark<'c>(
        &mut self,
        run: RunId,
        progress: Progress,
        decide: impl Fn(&Row<'_>) -> Option<Change<'c>>,
    ) -> Result<u64> {
        let files = self.files_with(&decide).await?;
        if files.is_empty() && progress.expected.is_none_or(|count| count % 2 != 0) {
            return Ok(0);
        }
        let mut writer = (!files.is_empty()).then(|| self.table.writer()).transpose()?;
        let changed = match &mut writer {
            Some(writer) => self.rewrite(&files, writer, run, &decide).await,
            None => Ok(0),
        };
        let changed = match (changed, writer) {
            (Ok(changed), Some(writer)) => writer.finish().await.map(|add| (changed, add))?,
            (Ok(changed), None) => (changed, Vec::new()),
            (Err(error), writer) => {
                if let Some(writer) = writer
                    && let Err(left) = writer.discard().await
                {
                    tracing::warn!(error = %left.report(), "uploads are left behind");
                }
                return Err(error);
            }
        };
        let (changed, add) = changed;
        let commit = Commit {
            run,
            operation: Operation::Update,
            add,
            remove: files,
            progress: vec![progress],
            metadata: BTreeMap::from([("changed".to_owned(), changed.to_string())]),
        };
        let written = commit.add.clone();
        match self.table.commit(commit).await {
            Ok(_) => Ok(changed),
            Err(error) => {
                // A conflict says that nothing was committed; after other errors that is not certain.
                if error.kind() == ErrorKind::Conflict
                    && let Err(left) = self.table.forget(&written).await
                {
                    tracing::warn!(error = %left.report(), "rewritten files that nobody took are left behind");
                }
                Err(error)
            }
        }
    }

    /// The files that hold a row that changes.
    async fn files_with<'c>(&self, decide: &impl Fn(&Row<'_>) -> Option<Change<'c>>) -> Result<Vec<DataFile>> {
        let mut found = Vec::new();
        for file in self.table.files()? {
            let mut rows = self.rows(std::slice::from_ref(&file), Some(&CHOOSING)).await?;
            'file: while let Some(batch) = rows.try_next().await.context(ErrorKind::Unreachable, unread)? {
                let choosing = Choosing::of(&batch)?;
                for row in 0..batch.num_rows() {
                    if decide(&choosing.row(row)).is_some() {
                        found.push(file);
                        break 'file;
                    }
                }
            }
        }
        Ok(found)
    }

    /// Writes all rows of these files again, some of them changed.
    async fn rewrite<'c>(
        &self,
        files: &[DataFile],
        writer: &mut FileWriter,
        run: RunId,
        decide: &impl Fn(&Row<'_>) -> Option<Change<'c>>,
    ) -> Result<u64> {
        let (run, now) = (run.to_string(), clock::now().timestamp_micros());
        let mut changed = 0;
        let mut rows = self.rows(files, None).await?;
        while let Some(batch) = rows.try_next().await.context(ErrorKind::Unreachable, unread)? {
            let choosing = Choosing::of(&batch)?;
            let changes: Vec<_> = (0..batch.num_rows()).map(|row| decide(&choosing.row(row))).collect();
            changed += changes.iter().flatten().count() as u64;
            writer.write(&apply(&batch, &changes, &run, now)?).await?;
        }
        Ok(changed)
    }

    async fn rows(
        &self,
        files: &[DataFile],
        columns: Option<&[&str]>,
    ) -> Result<datafusion::execution::SendableRecordBatchStream> {
        let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(1));
        let provider = self.table.files_provider(files).map_err(|cause| {
            let message = format!(
                "another engine changed {} so that what becomes of its rows cannot be written down",
                self.table.name()
            );
            Error::new(ErrorKind::Data, message)
                .with_help(
                    "write that table again without deletion vectors (in Delta: `REORG TABLE … APPLY (PURGE)`) or \
                     restore it to the version before, then run again: nothing was changed here",
                )
                .with_source(cause)
        })?;
        let mut frame = context.read_table(provider).context(ErrorKind::Internal, unread)?;
        if let Some(columns) = columns {
            let columns: Vec<_> = columns.iter().map(|name| ident(*name)).collect();
            frame = frame.select(columns).context(ErrorKind::Internal, unread)?;
        }
        frame.execute_stream().await.context(ErrorKind::Unreachable, unread)
    }
}

pub(super) fn unread() -> String {
    "cannot read quarantined rows".to_owned()
}

/// A column of a batch in this type; the engine reads text and bytes as views.
pub(super) fn column(batch: &RecordBatch, name: &str, data_type: &DataType) -> Result<ArrayRef> {
    let column = batch
        .column_by_name(name)
        .ok_or_else(|| Error::new(ErrorKind::Data, format!("a quarantine table has no column `{name}`")))?;
    cast(column, data_type).context(ErrorKind::Data, unread)
}

pub(super) fn text(batch: &RecordBatch, name: &str) -> Result<StringArray> {
    Ok(column(batch, name, &DataType::Utf8)?.as_string::<i32>().clone())
}

/// The columns that changes write, one value a row.
#[derive(Default)]
struct Written {
    rule: StringBuilder,
    reason: StringBuilder,
    contract_version: StringBuilder,
    state: StringBuilder,
    attempts: Int32Builder,
    resolved_at: TimestampMicrosecondBuilder,
    resolution: StringBuilder,
    resolved_by: StringBuilder,
    resolved_by_run: StringBuilder,
    replay: Int64Builder,
}

/// The same columns as they were.
struct Before {
    rule: StringArray,
    reason: StringArray,
    contract_version: StringArray,
    state: StringArray,
    attempts: Int32Array,
    resolved_at: TimestampMicrosecondArray,
    resolution: StringArray,
    resolved_by: StringArray,
    resolved_by_run: StringArray,
    replay: Int64Array,
}

impl Before {
    fn of(batch: &RecordBatch) -> Result<Self> {
        let instant = DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, Some("UTC".into()));
        Ok(Self {
            rule: text(batch, "rule")?,
            reason: text(batch, "reason")?,
            contract_version: text(batch, "contract_version")?,
            state: text(batch, "state")?,
            attempts: column(batch, "attempts", &DataType::Int32)?
                .as_primitive::<Int32Type>()
                .clone(),
            resolved_at: column(batch, "resolved_at", &instant)?
                .as_primitive::<TimestampMicrosecondType>()
                .clone(),
            resolution: text(batch, "resolution")?,
            resolved_by: text(batch, "resolved_by")?,
            resolved_by_run: text(batch, "resolved_by_run")?,
            replay: column(batch, "replay", &DataType::Int64)?
                .as_primitive::<Int64Type>()
                .clone(),
        })
    }

    /// One row's values, to be changed.
    fn row(&self, row: usize) -> Values<'_> {
        fn text(array: &StringArray, row: usize) -> Option<&str> {
            array.is_valid(row).then(|| array.value(row))
        }
        Values {
            rule: self.rule.value(row),
            reason: self.reason.value(row),
            contract_version: self.contract_version.value(row),
            state: text(&self.state, row),
            attempts: self.attempts.is_valid(row).then(|| self.attempts.value(row)),
            resolved_at: self.resolved_at.is_valid(row).then(|| self.resolved_at.value(row)),
            resolution: text(&self.resolution, row),
            resolved_by: text(&self.resolved_by, row),
            resolved_by_run: text(&self.resolved_by_run, row),
            replay: self.replay.is_valid(row).then(|| self.replay.value(row)),
        }
    }
}

struct Values<'a> {
    rule: &'a str,
    reason: &'a str,
    contract_version: &'a str,
    state: Option<&'a str>,
    attempts: Option<i32>,
    resolved_at: Option<i64>,
    resolution: Option<&'a str>,
    resolved_by: Option<&'a str>,
    resolved_by_run: Option<&'a str>,
    replay: Option<i64>,
}

impl<'a> Values<'a> {
    fn change(self, change: Change<'a>, run: &'a str, now: i64) -> Self {
        let attempts = Some(self.attempts.unwrap_or(0).saturating_add(1));
        match change {
            Change::Resolve { state, resolution, by } => Self {
                state: Some(state),
                resolved_at: Some(now),
                resolution: Some(resolution),
                resolved_by: Some(by),
                resolved_by_run: Some(run),
                ..self
            },
            Change::Replaying { number, resolution, by } => Self {
                state: Some(REPLAYING),
                replay: Some(number),
                resolution: Some(resolution),
                resolved_by: Some(by),
                resolved_by_run: Some(run),
                ..self
            },
            Change::Replayed => Self {
                state: Some(REPLAYED),
                attempts,
                resolved_at: Some(now),
                ..self
            },
            Change::Reopen => Self {
                state: Some(OPEN),
                resolved_at: None,
                resolution: None,
                resolved_by: None,
                resolved_by_run: None,
                replay: None,
                ..self
            },
            Change::Refused {
                rule,
                reason,
                contract_version,
            } => Self {
                rule,
                reason,
                contract_version,
                state: Some(OPEN),
                attempts,
                ..self
            },
        }
    }
}

impl Written {
    fn push(&mut self, values: &Values<'_>) {
        self.rule.append_value(values.rule);
        self.reason.append_value(values.reason);
        self.contract_version.append_value(values.contract_version);
        self.state.append_option(values.state);
        self.attempts.append_option(values.attempts);
        self.resolved_at.append_option(values.resolved_at);
        self.resolution.append_option(values.resolution);
        self.resolved_by.append_option(values.resolved_by);
        self.resolved_by_run.append_option(values.resolved_by_run);
        self.replay.append_option(values.replay);
    }

    fn finish(mut self) -> [(&'static str, ArrayRef); 10] {
        [
            ("rule", Arc::new(self.rule.finish()) as ArrayRef),
            ("reason", Arc::new(self.reason.finish())),
            ("contract_version", Arc::new(self.contract_version.finish())),
            ("state", Arc::new(self.state.finish())),
            ("attempts", Arc::new(self.attempts.finish())),
            ("resolved_at", Arc::new(self.resolved_at.finish().with_timezone("UTC"))),
            ("resolution", Arc::new(self.resolution.finish())),
            ("resolved_by", Arc::new(self.resolved_by.finish())),
            ("resolved_by_run", Arc::new(self.resolved_by_run.finish())),
            ("replay", Arc::new(self.replay.finish())),
        ]
    }
}

/// The batch with some rows changed.
fn apply(batch: &RecordBatch, changes: &[Option<Change<'_>>], run: &str, now: i64) -> Result<RecordBatch> {
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
        fields.push(arrow::datatypes::Field::new(
            field.name(),
            column.data_type().clone(),
            field.is_nullable(),
        ));
        columns.push(column);
    }
    let schema: SchemaRef = Arc::new(arrow::datatypes::Schema::new(fields));
    RecordBatch::try_new(schema, columns).context(ErrorKind::Internal, || "cannot change quarantined rows".to_owned())
}
