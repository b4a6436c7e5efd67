//! What quarantine kept of rows: their records, their bytes, where they came from.

use arrow::array::{Array, BinaryArray, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use polder_core::Result;
use serde_json::{Map, Value};

use super::cells::{bytes, instants, longs, numbers, text};
use crate::record::RawRecord;

/// The columns of quarantine from which rows are read.
pub(super) struct Kept {
    pub(super) ids: StringArray,
    pub(super) rules: StringArray,
    pub(super) versions: StringArray,
    pub(super) origins: StringArray,
    topics: StringArray,
    partitions: Int32Array,
    offsets: Int64Array,
    keys: BinaryArray,
    timestamps: TimestampMicrosecondArray,
    pub(super) event_times: TimestampMicrosecondArray,
    schema_headers: BinaryArray,
    pub(super) schema_ids: Int32Array,
    pub(super) records: StringArray,
    pub(super) raw: BinaryArray,
}

impl Kept {
    pub(super) fn of(rows: &RecordBatch) -> Result<Self> {
        Ok(Self {
            ids: text(rows, "_quarantine_id")?,
            rules: text(rows, "rule")?,
            versions: text(rows, "contract_version")?,
            origins: text(rows, "_origin")?,
            topics: text(rows, "_topic")?,
            partitions: numbers(rows, "_partition")?,
            offsets: longs(rows, "_offset")?,
            keys: bytes(rows, "_key")?,
            timestamps: instants(rows, "_timestamp")?,
            event_times: instants(rows, "_event_time")?,
            schema_headers: bytes(rows, "_schema_header")?,
            schema_ids: numbers(rows, "_schema_id")?,
            records: text(rows, "record")?,
            raw: bytes(rows, "raw")?,
        })
    }

    /// These fields of the records as text; what is no text is JSON.
    pub(super) fn fields(&self, names: &[String]) -> Vec<StringArray> {
        let records: Vec<Option<Map<String, Value>>> = self
            .records
            .iter()
            .map(|record| serde_json::from_str(record?).ok())
            .collect();
        let of = |name: &String| {
            let values = records.iter().map(|record| said(record.as_ref()?.get(name)?));
            values.collect::<StringArray>()
        };
        names.iter().map(of).collect()
    }

    pub(super) fn record(&self, row: usize) -> RawRecord<'_> {
        fn bytes(array: &BinaryArray, row: usize) -> Option<&[u8]> {
            array.is_valid(row).then(|| array.value(row))
        }
        let time = |array: &TimestampMicrosecondArray| array.is_valid(row).then(|| array.value(row));
        RawRecord {
            topic: self.topics.value(row),
            partition: self.partitions.value(row),
            offset: self.offsets.value(row),
            key: bytes(&self.keys, row),
            timestamp: time(&self.timestamps),
            event_time: time(&self.event_times),
            schema_header: bytes(&self.schema_headers, row),
            schema_id: self.schema_ids.is_valid(row).then(|| self.schema_ids.value(row)),
            bytes: bytes(&self.raw, row),
        }
    }
}

/// A value of a record as text.
pub(super) fn said(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}
