//! One key of a table: its columns in rows, and what is known of those that are there.

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::catalog::TableProvider;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::prelude::{SessionConfig, SessionContext, ident};
use polder_core::{ErrorKind, Result, ResultExt};
use polder_gate::Violation;
use polder_gate::table::KeyRule;

use crate::fingerprints::Fingerprints;
use crate::row_json::json_rows;

/// A key of which no value may occur twice, and those that the table has.
pub(crate) struct Key {
    pub(crate) rule: KeyRule,
    id: Arc<str>,
    /// The table's columns that hold the key.
    columns: Vec<String>,
    /// `None` until the first row comes.
    pub(crate) held: Option<Fingerprints>,
}

pub(crate) fn unread() -> String {
    "cannot read the keys of the rows in the table".to_owned()
}

impl Key {
    pub(crate) fn new(rule: KeyRule) -> Self {
        Self {
            id: Arc::from(rule.id.as_str()),
            columns: rule.top_columns(),
            rule,
            held: None,
        }
    }

    /// The key's columns of these rows; none where the table lacks one of them, so that no row has the key.
    pub(crate) async fn rows(&self, provider: &Arc<dyn TableProvider>) -> Result<Option<SendableRecordBatchStream>> {
        let schema = provider.schema();
        if self.columns.iter().any(|column| schema.index_of(column).is_err()) {
            return Ok(None);
        }
        let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(1));
        let columns: Vec<_> = self.columns.iter().map(ident).collect();
        let rows = context
            .read_table(Arc::clone(provider))
            .and_then(|frame| frame.select(columns))
            .context(ErrorKind::Internal, unread)?;
        let rows = rows.execute_stream().await.context(ErrorKind::Unreachable, unread)?;
        Ok(Some(rows))
    }

    pub(crate) fn violation(&self, batch: &RecordBatch, row: usize) -> Result<Violation> {
        Ok(Violation {
            row,
            rule: Arc::clone(&self.id),
            reason: format!("an earlier row has the key {}", self.shown(batch, row)?),
            on_failure: self.rule.on_failure,
        })
    }

    /// A row's key in words.
    pub(crate) fn shown(&self, batch: &RecordBatch, row: usize) -> Result<String> {
        let schema = batch.schema();
        let columns = self.columns.iter();
        let places: Vec<usize> = columns.filter_map(|column| schema.index_of(column).ok()).collect();
        let key = batch
            .project(&places)
            .context(ErrorKind::Internal, || "cannot take a row's key".to_owned())?;
        Ok(json_rows(&key, &[row])?.pop().unwrap_or_default())
    }
}
