//! The accepted rows of a commit of the past, held beside those that would have been refused: no file has them alone.

use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;
use polder_core::{ErrorKind, Result, ResultExt};

/// Accepted rows, as long as they are not too many to be held.
pub(crate) struct Taken {
    /// At least one batch, of which the columns are known, once rows came; nothing where they are too many.
    batches: Option<Vec<RecordBatch>>,
    bytes: usize,
    most: usize,
}

impl Taken {
    /// Holds rows of so many bytes.
    pub(crate) fn at_most(most: usize) -> Self {
        Self {
            batches: Some(Vec::new()),
            bytes: 0,
            most,
        }
    }

    /// Takes in the accepted ones of these rows.
    pub(crate) fn push(&mut self, rows: &RecordBatch, accepted: &BooleanArray) -> Result<()> {
        let Some(batches) = &mut self.batches else {
            return Ok(());
        };
        let kept = filter_record_batch(rows, accepted).context(ErrorKind::Internal, unheld)?;
        if kept.num_rows() > 0 || batches.is_empty() {
            self.bytes += kept.get_array_memory_size();
            batches.push(kept);
        }
        if self.bytes > self.most {
            self.batches = None;
        }
        Ok(())
    }

    /// These rows and those that stay beside them, if any do; nothing where they were too many.
    pub(crate) fn beside(self, stays: Option<Arc<dyn TableProvider>>) -> Result<Option<Arc<dyn TableProvider>>> {
        let Some(batches) = self.batches else {
            return Ok(None);
        };
        let Some(columns) = batches.first().map(RecordBatch::schema) else {
            return Ok(stays);
        };
        let taken = MemTable::try_new(columns, vec![batches]).context(ErrorKind::Internal, unheld)?;
        let taken: Arc<dyn TableProvider> = Arc::new(taken);
        let Some(stays) = stays else {
            return Ok(Some(taken));
        };
        let context = SessionContext::new();
        let taken = context.read_table(taken).context(ErrorKind::Internal, unheld)?;
        let both = context
            .read_table(stays)
            .and_then(|stays| stays.union_by_name(taken))
            .context(ErrorKind::Internal, unheld)?;
        Ok(Some(both.into_view()))
    }
}

fn unheld() -> String {
    "cannot put the accepted rows beside those that stay".to_owned()
}
