//! Writing down what became of rows: files that hold them are written again.

use std::collections::BTreeMap;

use arrow::array::{Array, Int64Array, RecordBatch, StringArray};
use datafusion::prelude::{SessionConfig, SessionContext, ident};
use futures::TryStreamExt;
use polder_core::{Error, ErrorKind, Result, ResultExt, RunId, clock};
use polder_lake::{Commit, DataFile, FileWriter, Operation, Progress};

use super::Quarantine;
use super::cells::{longs, text, unread};
use super::change::{Change, apply};
use crate::states::{OPEN, REPLAYING};

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
            replay: longs(batch, "replay")?,
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
        self.mark_and_tell(run, progress, None, decide).await
    }

    /// The same in a commit that also tells further progress, where there is any: that is committed in any case.
    pub(super) async fn mark_and_tell<'c>(
        &mut self,
        run: RunId,
        progress: Progress,
        told: Option<Progress>,
        decide: impl Fn(&Row<'_>) -> Option<Change<'c>>,
    ) -> Result<u64> {
        let files = self.files_with(&decide).await?;
        if files.is_empty() && told.is_none() && progress.expected.is_none_or(|count| count % 2 != 0) {
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
            progress: std::iter::once(progress).chain(told).collect(),
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
                    "write that table again without partitions and column mapping, or restore it to the version before, \
                     then run again: nothing was changed here",
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
