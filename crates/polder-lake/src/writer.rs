//! Rows to data files. What is written here belongs to no version until a commit names it.

use std::num::NonZeroU64;

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::SchemaRef;
use deltalake::datafile::writer::{DeltaWriter, WriterConfig};
use deltalake::table::config::TablePropertiesExt;
use object_store::ObjectStoreExt as _;
use object_store::path::Path;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use polder_core::{DatasetName, Error, ErrorKind, Result, ResultExt};

use crate::failure::failure;
use crate::file::DataFile;
use crate::schema::conform;
use crate::table::Table;

/// Where a file ends and the next begins.
const FILE_BYTES: u64 = 128 * 1024 * 1024;
/// Encoded bytes of a row group; it is what a writer holds in memory besides the parts of 5 MiB that are on their way.
const ROW_GROUP_BYTES: usize = 32 * 1024 * 1024;
/// Rows between two looks at the size.
const SLICE_ROWS: usize = 8192;

/// Writes rows to new files of a table: Parquet with zstd, with statistics, about 128 MiB each.
///
/// Rows are streamed out: memory is bounded by a row group and the parts in flight. Ends with [`FileWriter::finish`],
/// whose files go into a [`Commit`](crate::Commit), or [`FileWriter::discard`]. Files of a writer that ended otherwise
/// are no part of the table and are removed by maintenance.
pub struct FileWriter {
    inner: DeltaWriter,
    name: DatasetName,
    schema: SchemaRef,
    rows: u64,
    bytes: u64,
}

impl Table {
    /// A writer of new files for this table.
    ///
    /// # Errors
    /// `Data`, when another engine gave the table partitions or column mapping, which Polder does not write.
    pub fn writer(&self) -> Result<FileWriter> {
        if !self.is_plain() {
            let message = format!(
                "{} has partitions or column mapping, which Polder does not write",
                self.name
            );
            return Err(Error::new(ErrorKind::Data, message));
        }
        FileWriter::new(self)
    }

    /// Removes files that a [`FileWriter`] of this table closed and that no commit names, nor will.
    ///
    /// # Errors
    /// `Unreachable` or `Refused` when the store fails.
    pub async fn forget(&self, files: &[DataFile]) -> Result<()> {
        for file in files {
            let path = Path::parse(format!("{}/{}", self.folder, file.path()))
                .context(ErrorKind::Internal, || format!("a file of {} has no path", self.name))?;
            match self.address.store.delete(&path).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(cause) => return Err(failure(format!("cannot remove {path}"), cause)),
            }
        }
        Ok(())
    }
}

impl FileWriter {
    fn new(table: &Table) -> Result<Self> {
        let state = table.state()?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_bytes(Some(ROW_GROUP_BYTES))
            .set_statistics_enabled(EnabledStatistics::Page)
            .set_created_by(concat!("polder ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let config = WriterConfig::new(
            table.schema(),
            Vec::new(),
            Some(properties),
            NonZeroU64::new(FILE_BYTES),
            Some(SLICE_ROWS),
            state.table_config().num_indexed_cols(),
            None,
        );
        let inner = DeltaWriter::new(table.log_store().object_store(None), config);
        Ok(Self {
            inner,
            name: table.name().clone(),
            schema: table.schema(),
            rows: 0,
            bytes: 0,
        })
    }

    /// Writes rows; columns are taken by name, encodings cast to the table's, missing nullable columns are null.
    ///
    /// # Errors
    /// `Data` for rows that do not fit the table (nothing of the batch is written); `Unreachable` or `Refused` when the
    /// store fails, after which the writer is to be discarded.
    pub async fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let batch = conform(&self.name, batch, &self.schema)?;
        self.inner
            .write(&batch)
            .await
            .map_err(|cause| failure(format!("cannot write rows of {}", self.name), cause))?;
        self.rows += batch.num_rows() as u64;
        self.bytes += batch
            .columns()
            .iter()
            .map(|column| slice_bytes(column.as_ref()))
            .sum::<u64>();
        Ok(())
    }

    /// Rows taken so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Bytes of the rows taken so far, in memory and not compressed.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Closes the files. They are complete and durable, and no part of the table yet. No rows, no files.
    ///
    /// # Errors
    /// `Unreachable` or `Refused` when the store fails.
    pub async fn finish(self) -> Result<Vec<DataFile>> {
        let adds = self
            .inner
            .close()
            .await
            .map_err(|cause| failure(format!("cannot write rows of {}", self.name), cause))?;
        Ok(adds.into_iter().map(DataFile::from_add).collect())
    }

    /// Gives up what was written.
    ///
    /// # Errors
    /// `Unreachable` or `Refused` when the store fails to forget a started upload.
    pub async fn discard(self) -> Result<()> {
        self.inner
            .abort()
            .await
            .map_err(|cause| failure(format!("cannot give up an upload of {}", self.name), cause))
    }
}

/// The bytes that these rows take, not those of a larger array that they are a slice of.
fn slice_bytes(array: &dyn Array) -> u64 {
    array
        .to_data()
        .get_slice_memory_size()
        .unwrap_or_else(|_| array.get_array_memory_size()) as u64
}
