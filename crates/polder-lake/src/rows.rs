//! The rows of a table for the query engine.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::prelude::SessionContext;
use deltalake::delta_datafusion::{DeltaScanConfig, DeltaScanNext};
use polder_core::{Error, ErrorKind, Result, ResultExt};

use crate::delta_provider::DeltaProvider;
use crate::file::DataFile;
use crate::provider::FilesProvider;
use crate::table::Table;

impl Table {
    /// The rows of this version for the query engine. Reads nothing yet.
    ///
    /// # Errors
    /// `Data`, when the table uses a Delta feature that cannot be read.
    pub fn provider(&self) -> Result<Arc<dyn TableProvider>> {
        let files = self.files()?;
        if self.is_plain() && !files.iter().any(DataFile::needs_delta_reader) {
            return self.files_provider(&files);
        }
        self.delta_provider(|all| all)
    }

    /// As [`Table::provider`], with texts and bytes as views: a scan that only looks at values copies none of them.
    ///
    /// # Errors
    /// As [`Table::provider`].
    pub fn view_provider(&self) -> Result<Arc<dyn TableProvider>> {
        let files = self.files()?;
        if !self.is_plain() || files.iter().any(DataFile::needs_delta_reader) {
            return self.provider();
        }
        let provider = FilesProvider::new(self.address.clone(), &self.folder, viewed(&self.schema()), &files)
            .context(ErrorKind::Data, || format!("cannot read files of {}", self.name))?;
        Ok(Arc::new(provider))
    }

    /// The rows of exactly these files, in this version's columns; also of files that were removed, as long as nobody
    /// vacuumed them (reading then ends with the store's "not found"). Of a file with a deletion vector, which another
    /// engine wrote, these are the rows that are left; it must be one of this version.
    ///
    /// # Errors
    /// `Data`, when another engine gave the table partitions or column mapping, or a file a deletion vector that is not
    /// this version's: single files do not show its rows then.
    pub fn files_provider(&self, files: &[DataFile]) -> Result<Arc<dyn TableProvider>> {
        let unreadable = |what: &str| {
            let message = format!("{} has {what}: single files do not show its rows", self.name);
            Error::new(ErrorKind::Data, message).with_help(
                "write the table again without (deletion vectors go with `REORG TABLE … APPLY (PURGE)` in Spark)",
            )
        };
        if !self.is_plain() {
            return Err(unreadable("partitions or column mapping"));
        }
        let unread = || format!("cannot read files of {}", self.name);
        let of_whole = |files: &[DataFile]| -> Result<Arc<dyn TableProvider>> {
            let provider = FilesProvider::new(self.address.clone(), &self.folder, self.schema(), files);
            Ok(Arc::new(provider.context(ErrorKind::Data, unread)?))
        };
        if !files.iter().any(DataFile::needs_delta_reader) {
            return of_whole(files);
        }
        let (holed, whole): (Vec<_>, Vec<_>) = files.iter().cloned().partition(DataFile::needs_delta_reader);
        let here = self.files()?;
        let known = |file: &DataFile| file.is_holed() && here.iter().any(|own| own.is_same(file));
        if !holed.iter().all(known) {
            return Err(unreadable(
                "deletion vectors of another version, or files in other places",
            ));
        }
        let adds = holed.iter().map(|file| file.to_add(true));
        let holed = self.delta_provider(|scan| scan.with_adds(adds))?;
        if whole.is_empty() {
            return Ok(holed);
        }
        let context = SessionContext::new();
        let both = context
            .read_table(of_whole(&whole)?)
            .and_then(|rows| rows.union_by_name(context.read_table(holed)?))
            .context(ErrorKind::Internal, unread)?;
        Ok(both.into_view())
    }

    /// The rows of this version as the Delta library reads them.
    fn delta_provider(&self, narrow: impl FnOnce(DeltaScanNext) -> DeltaScanNext) -> Result<Arc<dyn TableProvider>> {
        let config = DeltaScanConfig {
            schema_force_view_types: false,
            wrap_partition_values: false,
            ..DeltaScanConfig::new()
        };
        let state = self.state()?;
        let scan = DeltaScanNext::new(state.snapshot().clone(), config).context(ErrorKind::Data, || {
            format!("{} uses a Delta feature that cannot be read", self.name)
        })?;
        let partitions = state.metadata().partition_columns();
        Ok(Arc::new(DeltaProvider::new(
            self.address.clone(),
            narrow(scan),
            partitions,
        )))
    }
}

/// The columns with their texts and bytes as views.
fn viewed(schema: &SchemaRef) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| match field.data_type() {
        DataType::Utf8 => Field::clone(field).with_data_type(DataType::Utf8View),
        DataType::Binary => Field::clone(field).with_data_type(DataType::BinaryView),
        _ => Field::clone(field),
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}
