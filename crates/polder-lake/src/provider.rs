//! Tables and chosen files of them for the query engine.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, DataFusionError, Statistics};
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};
use serde_json::Value;

use crate::file::DataFile;
use crate::statistics::{FileStatistics, exact};

/// The store of a lake under the address by which the query engine asks for it.
#[derive(Debug, Clone)]
pub(crate) struct StoreAddress {
    pub(crate) url: ObjectStoreUrl,
    pub(crate) store: Arc<dyn ObjectStore>,
}

impl StoreAddress {
    /// Makes the store known to a session. Local files are known by default, to a store that reads the same way.
    pub(crate) fn register(&self, session: &dyn Session) {
        if session.runtime_env().object_store(&self.url).is_err() {
            session
                .runtime_env()
                .register_object_store(self.url.as_ref(), Arc::clone(&self.store));
        }
    }
}

/// Exactly the rows of some Parquet files, in a table's columns. A column that a file does not have is null.
#[derive(Debug)]
pub(crate) struct FilesProvider {
    address: StoreAddress,
    schema: SchemaRef,
    files: Vec<PartitionedFile>,
    statistics: Statistics,
}

impl FilesProvider {
    /// `folder` is the table's place in the store.
    pub(crate) fn new(
        address: StoreAddress,
        folder: &Path,
        schema: SchemaRef,
        files: &[DataFile],
    ) -> Result<Self, DataFusionError> {
        let mut all = Vec::with_capacity(files.len());
        let files = files
            .iter()
            .map(|file| {
                let statistics = Arc::new(statistics_of(file, &schema));
                all.push(Arc::clone(&statistics));
                Ok(PartitionedFile::new_from_meta(ObjectMeta {
                    location: Path::parse(format!("{folder}/{}", file.path()))?,
                    last_modified: file.modified(),
                    size: file.size_bytes(),
                    e_tag: None,
                    version: None,
                })
                .with_statistics(statistics))
            })
            .collect::<Result<Vec<_>, object_store::path::Error>>()
            .map_err(|cause| DataFusionError::External(Box::new(cause)))?;
        let statistics = if all.is_empty() {
            Statistics::new_unknown(&schema).with_num_rows(Precision::Exact(0))
        } else {
            Statistics::try_merge_iter(all.iter().map(AsRef::as_ref), &schema)?
        };
        Ok(Self {
            address,
            schema,
            files,
            statistics,
        })
    }
}

#[async_trait]
impl TableProvider for FilesProvider {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        if self.files.is_empty() {
            let schema = match projection {
                Some(columns) => Arc::new(self.schema.project(columns)?),
                None => Arc::clone(&self.schema),
            };
            return Ok(Arc::new(EmptyExec::new(schema)));
        }
        self.address.register(session);
        let runtime = session.runtime_env();
        let reader = CachedParquetFileReaderFactory::new(
            runtime.object_store(&self.address.url)?,
            runtime.cache_manager.get_file_metadata_cache(),
        );
        let mut options = datafusion::config::TableParquetOptions::default();
        options.global = session.config().options().execution.parquet.clone();
        let source = ParquetSource::new(Arc::clone(&self.schema))
            .with_table_parquet_options(options)
            .with_parquet_file_reader_factory(Arc::new(reader));
        let groups = FileGroup::new(self.files.clone()).split_files(session.config().target_partitions());
        let scan = FileScanConfigBuilder::new(self.address.url.clone(), Arc::new(source))
            .with_file_groups(groups)
            .with_statistics(self.statistics.clone())
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(scan))
    }

    /// Filters skip files, row groups and pages by their statistics; the engine still applies them.
    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>, DataFusionError> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    fn statistics(&self) -> Option<Statistics> {
        Some(self.statistics.clone())
    }
}

/// The file's Delta statistics for planning. Least and greatest values are taken for whole numbers and dates only: of
/// other types Delta keeps text that may be cut or rounded, and the engine takes what it is given for exact.
fn statistics_of(file: &DataFile, schema: &SchemaRef) -> Statistics {
    let mut statistics = Statistics::new_unknown(schema);
    statistics.total_byte_size = Precision::Absent;
    let Some(rows) = file.rows().and_then(|rows| usize::try_from(rows).ok()) else {
        return statistics;
    };
    statistics.num_rows = Precision::Exact(rows);
    let told = FileStatistics::of(file);
    for (field, column) in schema.fields().iter().zip(&mut statistics.column_statistics) {
        let null_count = told.nulls(field.name()).and_then(|count| usize::try_from(count).ok());
        let Some(null_count) = null_count else {
            continue;
        };
        let bound = |value: Option<&Value>| {
            value
                .and_then(|value| exact(value, field.data_type()))
                .map_or(Precision::Absent, Precision::Exact)
        };
        *column = ColumnStatistics {
            null_count: Precision::Exact(null_count),
            min_value: bound(told.least(field.name())),
            max_value: bound(told.greatest(field.name())),
            ..ColumnStatistics::new_unknown()
        };
    }
    statistics
}
