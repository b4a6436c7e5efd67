//! Files with columns of floats, without what their statistics say of those columns' values.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Statistics;
use datafusion::common::stats::Precision;
use datafusion::datasource::listing::ListingTable;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfig, FileScanConfigBuilder};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;

/// A table of files, without bounds of its floats: the least and greatest value that a file tells pass over NaN. The engine
/// would take a column in which both are equal for that one value throughout, and leave out rows by them.
pub(super) fn without_bounds(table: ListingTable) -> Arc<dyn TableProvider> {
    if has_floats(&table.schema()) {
        Arc::new(WithoutBounds(table))
    } else {
        Arc::new(table)
    }
}

fn has_floats(schema: &Schema) -> bool {
    schema.fields().iter().any(|field| field.data_type().is_floating())
}

/// What is known of the columns of a schema, but for the values of its floats.
fn unbounded(mut statistics: Statistics, schema: &Schema) -> Statistics {
    for (field, column) in schema.fields().iter().zip(&mut statistics.column_statistics) {
        if field.data_type().is_floating() {
            column.min_value = Precision::Absent;
            column.max_value = Precision::Absent;
            column.sum_value = Precision::Absent;
        }
    }
    statistics
}

#[derive(Debug)]
struct WithoutBounds(ListingTable);

#[async_trait]
impl TableProvider for WithoutBounds {
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
        let plan = self.0.scan(session, projection, filters, limit).await?;
        let source = plan.downcast_ref::<DataSourceExec>().map(DataSourceExec::data_source);
        let Some(scan) = source.and_then(|source| source.downcast_ref::<FileScanConfig>()) else {
            let message = "files with floats are not read as files".to_owned();
            return Err(DataFusionError::Internal(message));
        };
        let schema = self.schema();
        let groups = scan.file_groups.iter().map(|group| {
            let files = group.files().iter().cloned().map(|mut file| {
                let told = file.statistics.take();
                file.statistics = told.map(|told| Arc::new(unbounded(Statistics::clone(&told), &schema)));
                file
            });
            FileGroup::new(files.collect())
        });
        let scan = FileScanConfigBuilder::from(scan.clone())
            .with_file_groups(groups.collect())
            .with_statistics(unbounded(scan.statistics(), &schema))
            .build();
        Ok(DataSourceExec::from_data_source(scan))
    }

    /// Filters about floats stay with the engine: files would leave out rows in which NaN keeps them.
    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>, DataFusionError> {
        let schema = self.schema();
        let is_float = |name: &str| {
            schema
                .field_with_name(name)
                .is_ok_and(|field| field.data_type().is_floating())
        };
        let mut supported = self.0.supports_filters_pushdown(filters)?;
        for (filter, supported) in filters.iter().zip(&mut supported) {
            if filter.column_refs().iter().any(|column| is_float(&column.name)) {
                *supported = TableProviderFilterPushDown::Unsupported;
            }
        }
        Ok(supported)
    }
}
