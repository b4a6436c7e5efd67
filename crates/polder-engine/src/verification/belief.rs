//! What is believed of what Parquet files tell of their columns.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, Statistics};
use datafusion::datasource::listing::ListingTable;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfig, FileScanConfigBuilder};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::parquet::errors::ParquetError;
use datafusion::parquet::file::metadata::ColumnChunkMetaData;
use datafusion::parquet::file::reader::{FileReader, SerializedFileReader};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use polder_gate::sql_numbers::is_floating;

/// The columns of which some files tell too little. The engine takes what is left out for zero nulls, and the bounds of one
/// part of a file for those of the whole.
#[derive(Debug, Default)]
pub(super) struct Untold {
    nulls: BTreeSet<String>,
    bounds: BTreeSet<String>,
    /// Of these nothing is believed.
    nothing: BTreeSet<String>,
}

impl Untold {
    /// Looks at one more file.
    ///
    /// # Errors
    /// Where its footer cannot be read.
    pub(super) fn look_at(&mut self, file: &Path) -> Result<(), ParquetError> {
        let reader = SerializedFileReader::new(File::open(file)?)?;
        for group in reader.metadata().row_groups() {
            for chunk in group.columns() {
                let name = || chunk.column_path().parts().first().cloned().unwrap_or_default();
                if !tells_nulls(chunk) {
                    self.nulls.insert(name());
                }
                if !tells_bounds(chunk) {
                    self.bounds.insert(name());
                }
            }
        }
        Ok(())
    }

    /// Forgets all that is told of these columns.
    pub(super) fn forget<'c>(&mut self, columns: impl Iterator<Item = &'c String>) {
        self.nothing.extend(columns.cloned());
    }

    /// Whether parts of files can be left out by what they tell.
    pub(super) fn may_choose(&self) -> bool {
        self.nulls.is_empty() && self.nothing.is_empty()
    }

    /// What is known of a column, but for what is no such knowledge.
    fn leave_out(&self, name: &str, kind: &DataType, mut told: ColumnStatistics) -> ColumnStatistics {
        if self.nothing.contains(name) {
            return ColumnStatistics::new_unknown();
        }
        if self.nulls.contains(name) {
            told.null_count = Precision::Absent;
        }
        // Least and greatest value pass over NaN: the engine would take a column in which both are equal for that one value.
        if self.bounds.contains(name) || is_floating(kind) {
            told.min_value = Precision::Absent;
            told.max_value = Precision::Absent;
            told.sum_value = Precision::Absent;
        }
        told
    }

    fn leave_out_of_all(&self, mut statistics: Statistics, schema: &Schema) -> Statistics {
        for (field, column) in schema.fields().iter().zip(&mut statistics.column_statistics) {
            *column = self.leave_out(field.name(), field.data_type(), std::mem::take(column));
        }
        statistics
    }
}

fn tells_nulls(chunk: &ColumnChunkMetaData) -> bool {
    chunk.statistics().is_some_and(|told| told.null_count_opt().is_some())
}

fn tells_bounds(chunk: &ColumnChunkMetaData) -> bool {
    let values = u64::try_from(chunk.num_values()).unwrap_or_default();
    chunk.statistics().is_some_and(|told| {
        let both = told.min_bytes_opt().is_some() && told.max_bytes_opt().is_some();
        both || told.null_count_opt() == Some(values)
    })
}

/// A table of files that tells the engine only what is so.
#[derive(Debug)]
pub(super) struct Believed {
    pub(super) table: ListingTable,
    pub(super) untold: Untold,
}

#[async_trait]
impl TableProvider for Believed {
    fn schema(&self) -> SchemaRef {
        self.table.schema()
    }

    fn table_type(&self) -> TableType {
        self.table.table_type()
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        let plan = self.table.scan(session, projection, filters, limit).await?;
        if plan.is::<EmptyExec>() {
            return Ok(plan);
        }
        let source = plan.downcast_ref::<DataSourceExec>().map(DataSourceExec::data_source);
        let Some(scan) = source.and_then(|source| source.downcast_ref::<FileScanConfig>()) else {
            return Err(DataFusionError::Internal("files are not read as files".to_owned()));
        };
        let schema = self.schema();
        let groups = scan.file_groups.iter().map(|group| {
            let files = group.files().iter().cloned().map(|mut file| {
                let told = file.statistics.take().map(Arc::unwrap_or_clone);
                file.statistics = told.map(|told| Arc::new(self.untold.leave_out_of_all(told, &schema)));
                file
            });
            FileGroup::new(files.collect())
        });
        let scan = FileScanConfigBuilder::from(scan.clone())
            .with_file_groups(groups.collect())
            .with_statistics(self.untold.leave_out_of_all(scan.statistics(), &schema))
            .build();
        Ok(DataSourceExec::from_data_source(scan))
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>, DataFusionError> {
        self.table.supports_filters_pushdown(filters)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use datafusion::arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch};
    use datafusion::arrow::compute::cast;
    use datafusion::parquet::arrow::ArrowWriter;
    use datafusion::parquet::file::metadata::{ParquetMetaDataWriter, RowGroupMetaData};
    use datafusion::parquet::file::properties::WriterProperties;
    use datafusion::parquet::file::statistics::Statistics as Told;
    use polder_contract::DatasetContract;
    use polder_core::document::Source;
    use polder_delivery::Discretion;
    use polder_query::{Session, SessionOptions};

    use super::*;
    use crate::verify_files;

    const CONTRACT: &str = "apiVersion: v3.1.0\nkind: DataContract\nid: t\nname: t\nversion: 1.0.0\nstatus: active\n\
        schema:\n  - name: returns\n    physicalName: shop.bronze.returns\n    properties:\n\
        \x20     - {name: id, logicalType: integer, required: true}\n\
        \x20     - {name: price, logicalType: integer, logicalTypeOptions: {maximum: 100}}\n\
        \x20     - {name: rate, logicalType: number, physicalType: double, logicalTypeOptions: {maximum: 1}}\n    quality:\n\
        \x20     - {id: unnamed, type: sql, query: 'SELECT count(*) FROM {object} WHERE id IS NULL', mustBe: 0}\n\
        \x20     - {id: dear, type: sql, query: 'SELECT max(price) FROM {object}', mustBeLessThan: 100}\n";

    /// A file of two row groups, with what it tells of itself changed.
    fn file(path: &Path, column: ArrayRef, change: impl Fn(usize, ColumnChunkMetaData) -> ColumnChunkMetaData) {
        let rows = RecordBatch::try_from_iter([
            (
                "id",
                Arc::new(Int64Array::from(vec![Some(1), Some(2), None, Some(4)])) as ArrayRef,
            ),
            ("price", Arc::new(Int64Array::from(vec![1, 2, 3, 1000]))),
            ("rate", column),
        ]);
        let rows = rows.unwrap();
        let properties = WriterProperties::builder().set_max_row_group_row_count(Some(2)).build();
        let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), rows.schema(), Some(properties)).unwrap();
        writer.write(&rows).unwrap();
        writer.close().unwrap();

        let told = SerializedFileReader::new(File::open(path).unwrap())
            .unwrap()
            .metadata()
            .clone();
        let groups: Vec<RowGroupMetaData> = told
            .row_groups()
            .iter()
            .enumerate()
            .map(|(place, group)| {
                let columns = group.columns().iter().map(|chunk| {
                    let chunk = chunk.clone().into_builder();
                    let chunk = chunk.set_offset_index_offset(None).set_offset_index_length(None);
                    let chunk = chunk
                        .set_column_index_offset(None)
                        .set_column_index_length(None)
                        .build();
                    change(place, chunk.unwrap())
                });
                group
                    .clone()
                    .into_builder()
                    .set_column_metadata(columns.collect())
                    .build()
                    .unwrap()
            })
            .collect();
        assert_eq!(groups.len(), 2);
        let data = groups
            .iter()
            .flat_map(RowGroupMetaData::columns)
            .map(|chunk| chunk.byte_range());
        let end = data.map(|(start, length)| start + length).max().unwrap();
        let told = told.into_builder().set_row_groups(groups).build();
        let mut bytes = fs::read(path).unwrap()[..usize::try_from(end).unwrap()].to_vec();
        ParquetMetaDataWriter::new(&mut bytes, &told).finish().unwrap();
        fs::write(path, bytes).unwrap();
    }

    async fn figures(path: &Path) -> Vec<String> {
        let parsed = polder_contract::parse(&Source::new("contracts/shop/t.odcs.yaml", CONTRACT.to_owned()));
        let contract = Arc::new(parsed.contract.unwrap_or_else(|| panic!("{:?}", parsed.diagnostics)));
        let contract = DatasetContract { contract, object: 0 };
        let session = Session::without_lake(&SessionOptions::default()).unwrap();
        let found = verify_files(&session, contract, &[path.to_owned()], 0, &Discretion::default())
            .await
            .unwrap();
        let results = found
            .report
            .results
            .iter()
            .filter(|result| !result.rule.ends_with(".type"));
        results
            .map(|result| format!("{} {}", result.rule, result.figure.as_ref().unwrap()))
            .collect()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_files_do_not_tell_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.parquet");
        let rates: ArrayRef = Arc::new(Float64Array::from(vec![0.5, f64::NAN, f64::NAN, 0.5]));
        let kinds = [
            rates.clone(),
            cast(&rates, &DataType::Float32).unwrap(),
            cast(
                &rates,
                &DataType::Dictionary(DataType::Int32.into(), DataType::Float64.into()),
            )
            .unwrap(),
        ];
        let changes: [fn(usize, ColumnChunkMetaData) -> ColumnChunkMetaData; 4] = [
            |_, chunk| chunk,
            |_, chunk| chunk.into_builder().clear_statistics().build().unwrap(),
            |place, chunk| match place {
                0 => chunk,
                _ => chunk.into_builder().clear_statistics().build().unwrap(),
            },
            // Bounds, and no count of nulls.
            |_, chunk| match chunk.statistics() {
                Some(Told::Int64(told)) => {
                    let told = Told::int64(told.min_opt().copied(), told.max_opt().copied(), None, None, false);
                    chunk.into_builder().set_statistics(told).build().unwrap()
                }
                _ => chunk,
            },
        ];
        for kind in kinds {
            for (number, change) in changes.iter().enumerate() {
                file(&path, kind.clone(), change);
                let found = figures(&path).await;
                let counted = [
                    "id.required 1",
                    "price.maximum 1",
                    "rate.maximum 2",
                    "unnamed 1",
                    "dear 1000",
                ];
                assert_eq!(found, counted, "{number} of {}", kind.data_type());
            }
        }
    }
}
