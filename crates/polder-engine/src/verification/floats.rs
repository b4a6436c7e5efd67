//! Files with columns of floats, read without their statistics.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::listing::ListingTable;
use datafusion::error::DataFusionError;
use datafusion::execution::SessionState;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;

/// A table of files, by its rows alone where it has floats: the least and greatest value that a file tells of them pass over
/// NaN, and the engine would take a column in which both are equal for that one value throughout.
pub(super) fn by_rows(table: ListingTable) -> Arc<dyn TableProvider> {
    let schema = table.schema();
    if schema.fields().iter().any(|field| field.data_type().is_floating()) {
        Arc::new(ByRows(table))
    } else {
        Arc::new(table)
    }
}

#[derive(Debug)]
struct ByRows(ListingTable);

#[async_trait]
impl TableProvider for ByRows {
    fn schema(&self) -> SchemaRef {
        self.0.schema()
    }

    fn table_type(&self) -> TableType {
        self.0.table_type()
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        let Some(state) = session.as_any().downcast_ref::<SessionState>() else {
            return Err(DataFusionError::Internal("the session has no state".to_owned()));
        };
        let mut state = state.clone();
        state.config_mut().options_mut().execution.collect_statistics = false;
        self.0.scan(&state, projection, filters, limit).await
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>, DataFusionError> {
        self.0.supports_filters_pushdown(filters)
    }
}
