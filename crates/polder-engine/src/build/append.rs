//! `append` and `append_distinct`: rows of new rows are added; what is there stays.

use std::sync::Arc;

use datafusion::common::{Column, JoinType, NullEquality};
use datafusion::error::DataFusionError;
use datafusion::execution::SessionState;
use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::{Expr, ExprFunctionExt as _, LogicalPlan, LogicalPlanBuilder, ident, lit};
use polder_core::{ErrorKind, Result, ResultExt as _};
use polder_lake::Operation;

use crate::sql::scans::rows_of;

use super::{Build, Built, Deltas, stream};

const RANK: &str = "__polder_rank";

/// The same session with joins that sort.
fn sorting(state: &SessionState) -> SessionState {
    let mut state = state.clone();
    state.config_mut().options_mut().optimizer.prefer_hash_join = false;
    state
}

impl Build<'_> {
    /// Adds the rows that new rows give.
    pub(super) async fn append(&mut self, deltas: &Deltas) -> Result<Built> {
        let rows = self.stream(self.query.of_new_rows(deltas)?).await?;
        self.deliver(rows, Vec::new(), Operation::Append).await
    }

    /// Adds the first row of each key that the table does not have; without deltas, builds the table from all rows.
    pub(super) async fn append_distinct(&mut self, deltas: Option<&Deltas>) -> Result<Built> {
        let (rows, arrival) = self.query.with_arrival(deltas)?;
        let message = || self.message();
        let first = self
            .first_of_each_key(rows, &arrival)
            .context(ErrorKind::Internal, message)?;
        let files = self.delivery.table().files()?;
        if deltas.is_none() {
            let rows = self.stream(first).await?;
            return self.deliver(rows, files, Operation::Replace).await;
        }
        let plan = match files.is_empty() {
            true => first,
            false => self.without_known_keys(first).context(ErrorKind::Internal, message)?,
        };
        let message = || self.message();
        let rows = match self
            .assessment
            .new_rows()
            .is_some_and(|rows| rows <= self.limits.hashed_rows)
        {
            true => self.stream(plan).await?,
            false => stream(&sorting(self.query.state()), plan, message).await?,
        };
        self.deliver(rows, Vec::new(), Operation::Append).await
    }

    /// Of the rows of one key the one that arrived first. Rows that arrived together, or whose arrival is not known,
    /// are ordered by their values, so that the same rows always give the same table.
    fn first_of_each_key(&self, rows: LogicalPlan, arrival: &[String]) -> Result<LogicalPlan, DataFusionError> {
        let key: Vec<Expr> = self.pipeline.key.iter().map(ident).collect();
        let columns: Vec<Expr> = self.schema.fields().iter().map(|field| ident(field.name())).collect();
        let order = arrival
            .iter()
            .map(ident)
            .chain(columns.iter().filter(|column| !key.contains(column)).cloned())
            .map(|column| column.sort(true, false))
            .collect::<Vec<_>>();
        let rank = row_number().partition_by(key).order_by(order).build()?.alias(RANK);
        LogicalPlanBuilder::from(rows)
            .window([rank])?
            .filter(ident(RANK).eq(lit(1_u64)))?
            .project(columns)?
            .build()
    }

    /// Rows whose key no row of the table has; null is equal to null.
    fn without_known_keys(&self, rows: LogicalPlan) -> Result<LogicalPlan, DataFusionError> {
        let provider = self
            .delivery
            .table()
            .provider()
            .map_err(|error| DataFusionError::External(Box::new(error)))?;
        let key: Vec<Expr> = self.pipeline.key.iter().map(ident).collect();
        let known = LogicalPlanBuilder::from(rows_of(Arc::clone(&provider))?)
            .project(key)?
            .alias("__polder_known")?
            .build()?;
        let side = |qualifier: &str| -> Vec<Column> {
            self.pipeline
                .key
                .iter()
                .map(|name| Column::new(Some(qualifier), name))
                .collect()
        };
        LogicalPlanBuilder::from(rows)
            .alias("__polder_new")?
            .join_detailed(
                known,
                JoinType::LeftAnti,
                (side("__polder_new"), side("__polder_known")),
                None,
                NullEquality::NullEqualsNull,
            )?
            .build()
    }
}
