//! Columns that stand in the names of folders (`day=2026-01-31`), as Hive lays tables out, and not in the files.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::array::StringArray;
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{ColumnStatistics, ScalarValue, Statistics};
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfig, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use object_store::path::Path as ObjectPath;
use polder_contract::SchemaObject;
use polder_core::{Error, ErrorKind, Result, ResultExt};
use polder_gate::reading::from_text;
use polder_gate::{arrival_schema, arrow_schema};

use super::parquet::Known;

/// What Hive writes where there is no value.
const NO_VALUE: &str = "__HIVE_DEFAULT_PARTITION__";

/// The columns that the folders of a path are named after, each with its value there; of two of one name the inner one.
pub(super) fn named_by_folders(file: &Path) -> BTreeMap<String, Option<String>> {
    let folders = file.parent().into_iter().flat_map(Path::iter);
    let named = folders.filter_map(|folder| {
        let (name, value) = folder.to_str()?.split_once('=')?;
        let value = match value {
            NO_VALUE => None,
            value => Some(unescaped(value)?),
        };
        Some((unescaped(name)?, value))
    });
    named.collect()
}

/// A name with its escapes (`%3A`) as what they stand for; nothing where that is no text.
fn unescaped(text: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let Some((first, more)) = rest.split_first() {
        let digits = more
            .get(..2)
            .filter(|_| *first == b'%')
            .and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &more[2..];
            }
            None => {
                bytes.push(*first);
                rest = more;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

/// The columns of a contract that only folders have, with their values for each file.
pub(super) struct FolderColumns {
    fields: Vec<Arc<Field>>,
    values: HashMap<ObjectPath, Vec<ScalarValue>>,
}

impl FolderColumns {
    /// Nothing where the files have all that their folders name, or the contract does not ask for it. Values are read as
    /// those of a stream.
    ///
    /// # Errors
    /// `Usage`, where files do not agree on what stands in folders, and for a value that does not fit its column's type.
    pub(super) fn of(files: &Known<'_>, object: &SchemaObject) -> Result<Option<Self>> {
        let (arrival, types) = (arrival_schema(object)?, arrow_schema(object)?);
        let named: Vec<_> = files
            .each()
            .map(|(file, place, schema)| {
                let mut named = named_by_folders(file);
                named.retain(|name, _| types.field_with_name(name).is_ok() && schema.field_with_name(name).is_err());
                (file, place, named)
            })
            .collect();
        let names: BTreeSet<&String> = named.iter().flat_map(|(_, _, named)| named.keys()).collect();
        let (mut fields, mut values) = (Vec::new(), HashMap::<ObjectPath, Vec<ScalarValue>>::new());
        for name in names {
            let (Ok(read), Ok(field)) = (arrival.field_with_name(name), types.field_with_name(name)) else {
                continue;
            };
            let mut texts = Vec::with_capacity(named.len());
            for (file, _, named) in &named {
                texts.push(named.get(name).cloned().ok_or_else(|| not_there(name, file))?);
            }
            let unread = || format!("the folders named after `{name}` cannot be read");
            let found = from_text(&StringArray::from(texts), read.data_type()).context(ErrorKind::Internal, unread)?;
            if let Some((place, reason)) = found.failures.first() {
                let file = named[*place].0.display();
                let message = format!("`{name}` stands in the name of a folder of {file}, and {reason}");
                return Err(Error::new(ErrorKind::Usage, message));
            }
            let array = cast(&found.array, field.data_type()).context(ErrorKind::Internal, unread)?;
            for (row, (_, place, _)) in named.iter().enumerate() {
                let value = ScalarValue::try_from_array(&array, row).context(ErrorKind::Internal, unread)?;
                values.entry((*place).clone()).or_default().push(value);
            }
            fields.push(Arc::new(field.clone().with_nullable(true)));
        }
        Ok((!fields.is_empty()).then_some(Self { fields, values }))
    }

    /// The rows of the files with these columns behind their own.
    pub(super) fn beside(self, table: Arc<dyn TableProvider>) -> Arc<dyn TableProvider> {
        let of_files = table.schema();
        let fields = of_files.fields().iter().chain(&self.fields).cloned();
        Arc::new(Beside {
            schema: Arc::new(Schema::new(fields.collect::<Vec<_>>())),
            table,
            columns: self,
        })
    }
}

fn not_there(name: &str, file: &Path) -> Error {
    let message = format!(
        "`{name}` stands in the names of other files' folders, and not in those of {}",
        file.display()
    );
    Error::new(ErrorKind::Usage, message).with_help("hold the files against the contract one after the other")
}

struct Beside {
    table: Arc<dyn TableProvider>,
    schema: SchemaRef,
    columns: FolderColumns,
}

impl std::fmt::Debug for Beside {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Beside").field(&self.table).finish()
    }
}

impl Beside {
    /// What is known of the files' columns, and that nothing is known of these.
    fn widened(&self, mut statistics: Statistics) -> Statistics {
        let unknown = std::iter::repeat_with(ColumnStatistics::new_unknown);
        statistics
            .column_statistics
            .extend(unknown.take(self.columns.fields.len()));
        statistics
    }
}

#[async_trait]
impl TableProvider for Beside {
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
        let plan = self.table.scan(session, None, &[], None).await?;
        let source = plan.downcast_ref::<DataSourceExec>().map(DataSourceExec::data_source);
        let Some(scan) = source.and_then(|source| source.downcast_ref::<FileScanConfig>()) else {
            let message = "files in folders are not read as files".to_owned();
            return Err(DataFusionError::Internal(message));
        };
        let mut groups = Vec::with_capacity(scan.file_groups.len());
        for group in &scan.file_groups {
            let mut files = group.files().to_vec();
            for file in &mut files {
                let Some(values) = self.columns.values.get(&file.object_meta.location) else {
                    let message = format!("no folder is known of {}", file.object_meta.location);
                    return Err(DataFusionError::Internal(message));
                };
                file.partition_values.clone_from(values);
                let told = file.statistics.take();
                file.statistics = told.map(|told| Arc::new(self.widened(Statistics::clone(&told))));
            }
            groups.push(FileGroup::new(files));
        }
        let columns = TableSchema::builder(self.table.schema())
            .with_table_partition_cols(self.columns.fields.clone())
            .build();
        let source = ParquetSource::new(columns);
        let source = match scan.file_source().downcast_ref::<ParquetSource>() {
            Some(inner) => source.with_table_parquet_options(inner.table_parquet_options().clone()),
            None => source,
        };
        let scan = FileScanConfigBuilder::new(scan.object_store_url.clone(), Arc::new(source))
            .with_file_groups(groups)
            .with_statistics(self.widened(scan.statistics()))
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .with_expr_adapter(scan.expr_adapter_factory.clone())
            .build();
        Ok(DataSourceExec::from_data_source(scan))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_name_columns_and_their_values() {
        let path = "/lake/day=2026-01-31/x/land=DE%2FAT/land%20code=/none=__HIVE_DEFAULT_PARTITION__/a=b.parquet";
        let named = named_by_folders(Path::new(path));
        let text = |text: &str| Some(text.to_owned());
        let expected = [
            ("day", text("2026-01-31")),
            ("land", text("DE/AT")),
            ("land code", text("")),
            ("none", None),
        ];
        assert_eq!(named, expected.map(|(name, value)| (name.to_owned(), value)).into());
        assert_eq!(unescaped("50%_%zz%4").as_deref(), Some("50%_%zz%4"));
        assert_eq!(unescaped("%ff"), None);
    }
}
