//! Refused rows on their way into a quarantine table.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::builder::{BinaryBuilder, Int32Builder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder};
use arrow::array::{ArrayRef, RecordBatch, UInt64Array};
use arrow::compute::take_record_batch;
use arrow::json::LineDelimitedWriter;
use polder_core::{ErrorKind, Result, ResultExt};
use sha2::{Digest, Sha256};

use crate::columns::quarantine_schema;
use crate::record::RawRecord;

/// Buffered rows and bytes after which a buffer should be written out.
const FULL_ROWS: usize = 4096;
const FULL_BYTES: usize = 4 << 20;

/// A refused row.
pub(crate) struct Refused<'a> {
    pub(crate) id: &'a str,
    pub(crate) record: Option<RawRecord<'a>>,
    /// Microseconds since 1970 in UTC.
    pub(crate) event_time: Option<i64>,
    pub(crate) rule: &'a str,
    pub(crate) reason: &'a str,
    /// The decoded row as JSON.
    pub(crate) json: Option<&'a str>,
}

/// What all rows of one shipment share.
pub(crate) struct Stamp {
    pub(crate) origin: String,
    pub(crate) run: String,
    pub(crate) contract_version: String,
    /// Microseconds since 1970 in UTC.
    pub(crate) ingested_at: i64,
}

/// Refused rows that wait to be written, as columns.
#[derive(Default)]
pub(crate) struct Buffer {
    id: StringBuilder,
    topic: StringBuilder,
    partition: Int32Builder,
    offset: Int64Builder,
    key: BinaryBuilder,
    event_time: TimestampMicrosecondBuilder,
    schema_id: Int32Builder,
    rule: StringBuilder,
    reason: StringBuilder,
    json: StringBuilder,
    raw: BinaryBuilder,
    rows: usize,
    bytes: usize,
}

impl Buffer {
    pub(crate) fn push(&mut self, refused: &Refused<'_>) {
        let record = refused.record.as_ref();
        let (key, raw) = (
            record.and_then(|record| record.key),
            record.and_then(|record| record.bytes),
        );
        self.id.append_value(refused.id);
        self.topic.append_option(record.map(|record| record.topic));
        self.partition.append_option(record.map(|record| record.partition));
        self.offset.append_option(record.map(|record| record.offset));
        self.key.append_option(key);
        self.event_time.append_option(refused.event_time);
        self.schema_id.append_option(record.and_then(|record| record.schema_id));
        self.rule.append_value(refused.rule);
        self.reason.append_value(refused.reason);
        self.json.append_option(refused.json);
        self.raw.append_option(raw);
        self.rows += 1;
        self.bytes += refused.id.len() + refused.reason.len() + refused.json.map_or(0, str::len);
        self.bytes += key.map_or(0, <[u8]>::len) + raw.map_or(0, <[u8]>::len);
    }

    /// Whether the rows should be written out now, so that memory stays bounded.
    pub(crate) fn is_full(&self) -> bool {
        self.rows >= FULL_ROWS || self.bytes >= FULL_BYTES
    }

    /// Bytes of the waiting rows, about.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The waiting rows in the quarantine table's columns, where there are any; the buffer is empty afterwards.
    pub(crate) fn take(&mut self, stamp: &Stamp) -> Result<Option<RecordBatch>> {
        if self.rows == 0 {
            return Ok(None);
        }
        let text = |value: &str| -> ArrayRef {
            let mut builder = StringBuilder::with_capacity(self.rows, self.rows * value.len());
            (0..self.rows).for_each(|_| builder.append_value(value));
            Arc::new(builder.finish())
        };
        let (origin, run, contract_version) = (text(&stamp.origin), text(&stamp.run), text(&stamp.contract_version));
        let mut ingested_at = TimestampMicrosecondBuilder::with_capacity(self.rows);
        ingested_at.append_value_n(stamp.ingested_at, self.rows);
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.id.finish()),
            origin,
            Arc::new(self.topic.finish()),
            Arc::new(self.partition.finish()),
            Arc::new(self.offset.finish()),
            Arc::new(self.key.finish()),
            Arc::new(self.event_time.finish().with_timezone("UTC")),
            Arc::new(self.schema_id.finish()),
            Arc::new(ingested_at.finish().with_timezone("UTC")),
            run,
            Arc::new(self.rule.finish()),
            Arc::new(self.reason.finish()),
            contract_version,
            Arc::new(self.json.finish()),
            Arc::new(self.raw.finish()),
        ];
        (self.rows, self.bytes) = (0, 0);
        RecordBatch::try_new(quarantine_schema(), columns)
            .map(Some)
            .context(ErrorKind::Internal, || "cannot put refused rows together".to_owned())
    }
}

/// The key of a stream's record.
pub(crate) fn position_id(origin: &str, record: &RawRecord<'_>) -> String {
    format!("{origin}/{}/{}/{}", record.topic, record.partition, record.offset)
}

/// The key of a pipeline's row: the first half of the SHA-256 of its JSON, so the same row has the same key in every
/// build. Nulls are left out of the JSON: a column added later does not change the keys of the rows before it.
pub(crate) fn content_id(origin: &str, json: &str) -> String {
    let mut id = format!("{origin}/");
    for byte in Sha256::digest(json.as_bytes()).iter().take(16) {
        // Writing to a string does not fail.
        let _ = write!(id, "{byte:02x}");
    }
    id
}

/// These rows of a batch as JSON, one object each, without null values. Decimals keep their digits, binary values
/// are hexadecimal.
///
/// # Errors
/// `Internal`, where a column's type has no JSON form.
pub(crate) fn json_rows(batch: &RecordBatch, rows: &[usize]) -> Result<Vec<String>> {
    let failure = || "cannot write refused rows as JSON".to_owned();
    let indices = UInt64Array::from_iter_values(rows.iter().map(|row| *row as u64));
    let batch = take_record_batch(batch, &indices).context(ErrorKind::Internal, failure)?;
    let mut writer = LineDelimitedWriter::new(Vec::new());
    writer.write(&batch).context(ErrorKind::Internal, failure)?;
    writer.finish().context(ErrorKind::Internal, failure)?;
    // Line breaks inside of values are escaped in JSON, so a line is a row.
    let text = String::from_utf8(writer.into_inner()).context(ErrorKind::Internal, failure)?;
    Ok(text.lines().map(str::to_owned).collect())
}
