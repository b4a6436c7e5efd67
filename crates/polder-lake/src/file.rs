//! One data file of a table, as the Delta log describes it.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use deltalake::kernel::{Add, DeletionVectorDescriptor, LogicalFileView, Remove};
use serde_json::Value;

/// A Parquet file of a table: added by a commit, in its snapshot, or removed by one.
///
/// Files are immutable; two descriptions of one path are the same data.
#[derive(Debug, Clone, PartialEq)]
pub struct DataFile {
    add: Add,
    rows: Option<u64>,
}

impl DataFile {
    pub(crate) fn from_add(add: Add) -> Self {
        let rows = add
            .stats
            .as_deref()
            .and_then(|stats| serde_json::from_str::<Value>(stats).ok())
            .and_then(|stats| stats.get("numRecords").and_then(Value::as_u64));
        let rows = left(rows, add.deletion_vector.as_ref());
        Self { add, rows }
    }

    /// A removed file: the log keeps its size at best, not its statistics.
    pub(crate) fn from_remove(remove: Remove) -> Self {
        let add = Add {
            path: remove.path,
            partition_values: remove.partition_values.unwrap_or_default(),
            size: remove.size.unwrap_or_default(),
            modification_time: remove.deletion_timestamp.unwrap_or_default(),
            data_change: remove.data_change,
            deletion_vector: remove.deletion_vector,
            ..Add::default()
        };
        Self { add, rows: None }
    }

    pub(crate) fn from_view(view: &LogicalFileView) -> Self {
        let add = Add {
            path: view.path().into_owned(),
            partition_values: view.partition_values_map(),
            size: view.size(),
            modification_time: view.modification_time(),
            data_change: true,
            stats: view.stats(),
            deletion_vector: view.deletion_vector_descriptor(),
            ..Add::default()
        };
        let rows = view.num_records().and_then(|rows| u64::try_from(rows).ok());
        let rows = left(rows, add.deletion_vector.as_ref());
        Self { add, rows }
    }

    /// Where the file is: relative to the table's folder, not percent-encoded.
    pub fn path(&self) -> &str {
        &self.add.path
    }

    /// The file's size in bytes; 0 where a removal did not say.
    pub fn size_bytes(&self) -> u64 {
        u64::try_from(self.add.size).unwrap_or_default()
    }

    /// How many rows the file holds for the table, where its statistics tell; never known of a removed file.
    pub fn rows(&self) -> Option<u64> {
        self.rows
    }

    /// When the file was written (of a removed file: when it was removed).
    pub fn modified(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.add.modification_time).unwrap_or_default()
    }

    /// The Delta statistics as JSON text.
    pub(crate) fn statistics(&self) -> Option<&str> {
        self.add.stats.as_deref()
    }

    /// Whether its rows cannot be read from the file alone.
    pub(crate) fn needs_delta_reader(&self) -> bool {
        self.add.deletion_vector.is_some() || !self.add.partition_values.is_empty() || self.add.path.contains("://")
    }

    /// Whether it is the file that another description tells of, with the same rows gone from it.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.add.path == other.add.path && self.add.deletion_vector == other.add.deletion_vector
    }

    /// Whether the Delta library can read it alone: from the table's folder, without rows that are gone.
    pub(crate) fn is_holed(&self) -> bool {
        self.add.deletion_vector.is_some() && !self.add.path.contains("://")
    }

    /// Whether a deletion vector of it lies in a snapshot's list, or its path is not the table's own.
    pub(crate) fn view_needs_delta_reader(view: &LogicalFileView) -> bool {
        view.deletion_vector_descriptor().is_some() || view.path().contains("://")
    }

    pub(crate) fn to_add(&self, data_change: bool) -> Add {
        Add {
            data_change,
            ..self.add.clone()
        }
    }

    pub(crate) fn to_remove(&self, data_change: bool, at: DateTime<Utc>) -> Remove {
        Remove {
            path: self.add.path.clone(),
            data_change,
            deletion_timestamp: Some(at.timestamp_millis()),
            extended_file_metadata: Some(true),
            partition_values: Some(HashMap::clone(&self.add.partition_values)),
            size: Some(self.add.size),
            deletion_vector: self.add.deletion_vector.clone(),
            ..Remove::default()
        }
    }
}

/// The rows of a file that are left beside those that a deletion vector takes out.
fn left(rows: Option<u64>, gone: Option<&DeletionVectorDescriptor>) -> Option<u64> {
    let gone = gone.map_or(0, |vector| u64::try_from(vector.cardinality).unwrap_or_default());
    rows?.checked_sub(gone)
}

/// Files by their path, in the order in which they came.
#[derive(Debug, Clone, Default)]
pub(crate) struct FileList {
    next: u64,
    files: BTreeMap<u64, DataFile>,
    places: HashMap<String, u64>,
}

impl FileList {
    /// Takes in a file; a repeated description of a file that is there replaces the first.
    pub(crate) fn put(&mut self, file: DataFile) {
        let place = *self.places.entry(file.path().to_owned()).or_insert(self.next);
        self.next += 1;
        self.files.insert(place, file);
    }

    /// Takes out a file; tells whether it was there.
    pub(crate) fn take(&mut self, path: &str) -> bool {
        let place = self.places.remove(path);
        place.and_then(|place| self.files.remove(&place)).is_some()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &DataFile> {
        self.files.values()
    }

    pub(crate) fn into_vec(self) -> Vec<DataFile> {
        self.files.into_values().collect()
    }
}
