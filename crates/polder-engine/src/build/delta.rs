//! The net change of a source: which rows appeared and which vanished since they were last built in.

use std::sync::Arc;

use arrow::array::{AsArray as _, RecordBatch, UInt64Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::Int64Type;
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;
use datafusion::execution::SessionState;
use datafusion::functions_aggregate::expr_fn::sum;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, ident, lit};
use polder_core::{ErrorKind, Result, ResultExt as _};
use polder_lake::{Changes, Table};

use crate::sql::scans::{both, rows_of};

use super::{next, stream};

/// Rows that came and rows that went.
pub(crate) struct Delta {
    /// Rows that are there now and were not before, each as often as it came.
    pub(crate) appeared: Arc<dyn TableProvider>,
    /// Rows that were there before and are not now; nothing when none went.
    pub(crate) vanished: Option<Arc<dyn TableProvider>>,
}

impl Delta {
    /// All rows of a table that was not there before.
    pub(crate) fn whole(table: &Table) -> Result<Self> {
        Ok(Self {
            appeared: table.provider()?,
            vanished: None,
        })
    }

    /// What files say that came and went. Files that were rewritten hold mostly the same rows: these cancel out.
    /// `None`, when more than `most_rows` of them changed.
    pub(crate) async fn net(
        state: &SessionState,
        table: &Table,
        changes: &Changes,
        most_rows: usize,
    ) -> Result<Option<Self>> {
        let added = table.files_provider(&changes.added)?;
        if changes.removed.is_empty() {
            return Ok(Some(Self {
                appeared: added,
                vanished: None,
            }));
        }
        let removed = table.files_provider(&changes.removed)?;
        let plan = weights(added, removed).context(ErrorKind::Internal, || net_message(table))?;
        let mut rows = stream(state, plan, || net_message(table)).await?;
        let (mut appeared, mut vanished, mut held) = (Vec::new(), Vec::new(), 0);
        while let Some(batch) = next(&mut rows, || net_message(table)).await? {
            held += batch.num_rows();
            if held > most_rows {
                return Ok(None);
            }
            let (came, went) = by_weight(&batch).context(ErrorKind::Internal, || net_message(table))?;
            appeared.push(came);
            vanished.push(went);
        }
        let schema = table.schema();
        let in_memory = |batches: Vec<RecordBatch>| -> Result<Arc<dyn TableProvider>> {
            let batches = batches
                .iter()
                .filter(|batch| batch.num_rows() > 0)
                .map(|batch| {
                    let columns = schema
                        .fields()
                        .iter()
                        .zip(batch.columns())
                        .map(|(field, column)| super::keys::typed(column, field.data_type()))
                        .collect::<Result<Vec<_>>>()?;
                    RecordBatch::try_new(Arc::clone(&schema), columns)
                        .context(ErrorKind::Internal, || net_message(table))
                })
                .collect::<Result<Vec<_>>>()?;
            let rows = MemTable::try_new(Arc::clone(&schema), vec![batches]);
            Ok(Arc::new(rows.context(ErrorKind::Internal, || net_message(table))?))
        };
        let any = vanished.iter().any(|batch| batch.num_rows() > 0);
        let vanished = any.then(|| in_memory(vanished)).transpose()?;
        Ok(Some(Self {
            appeared: in_memory(appeared)?,
            vanished,
        }))
    }

    /// Every row that came or went.
    pub(crate) fn changed(&self) -> datafusion::error::Result<LogicalPlan> {
        let appeared = rows_of(Arc::clone(&self.appeared))?;
        match &self.vanished {
            Some(vanished) => both(appeared, rows_of(Arc::clone(vanished))?),
            None => Ok(appeared),
        }
    }
}

fn net_message(table: &Table) -> String {
    format!("cannot tell which rows of {} changed", table.name())
}

const WEIGHT: &str = "__polder_weight";

/// Each distinct row with how often it came less how often it went, where that is not zero.
fn weights(added: Arc<dyn TableProvider>, removed: Arc<dyn TableProvider>) -> datafusion::error::Result<LogicalPlan> {
    let columns: Vec<_> = added
        .schema()
        .fields()
        .iter()
        .map(|field| ident(field.name()))
        .collect();
    let weighed = |provider, weight: i64| {
        let expr = columns
            .iter()
            .cloned()
            .chain([lit(weight).alias(WEIGHT)])
            .collect::<Vec<Expr>>();
        LogicalPlanBuilder::from(rows_of(provider)?).project(expr)?.build()
    };
    LogicalPlanBuilder::from(both(weighed(added, 1)?, weighed(removed, -1)?)?)
        .aggregate(columns.clone(), [sum(ident(WEIGHT)).alias(WEIGHT)])?
        .filter(ident(WEIGHT).not_eq(lit(0_i64)))?
        .build()
}

/// Splits rows by the sign of their weight, the last column, and repeats each as often as it says.
fn by_weight(batch: &RecordBatch) -> arrow::error::Result<(RecordBatch, RecordBatch)> {
    let weight = batch.num_columns() - 1;
    let weights = batch.column(weight).as_primitive::<Int64Type>();
    let (mut came, mut went) = (Vec::new(), Vec::new());
    for (row, weight) in weights.values().iter().enumerate() {
        let side = if *weight > 0 { &mut came } else { &mut went };
        side.extend((0..weight.unsigned_abs()).map(|_| row as u64));
    }
    let rows = batch.project(&(0..weight).collect::<Vec<_>>())?;
    Ok((
        take_record_batch(&rows, &UInt64Array::from(came))?,
        take_record_batch(&rows, &UInt64Array::from(went))?,
    ))
}
