//! Decoded records as batches with platform columns, and the records behind them.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, Int32Array, Int64Array, RecordBatch, StringBuilder, TimestampMicrosecondArray,
};
use arrow::datatypes::{Schema, SchemaRef};
use polder_core::{ErrorKind, Result, ResultExt, clock};
use polder_delivery::{RawRecord, RawRecords, STREAM_COLUMNS};

use crate::chunk::Chunk;
use crate::decode::{EventTime, Part, Refused};

/// The columns of batches: the contract's, all nullable, since only the gate judges them, then the platform's.
pub(crate) fn batch_schema(contract: &Schema) -> SchemaRef {
    let contract = contract
        .fields()
        .iter()
        .map(|field| Arc::new(field.as_ref().clone().with_nullable(true)));
    Arc::new(Schema::new(
        contract.chain(STREAM_COLUMNS.iter().cloned()).collect::<Vec<_>>(),
    ))
}

/// Rows of one part with where they came from.
pub(crate) fn batch(schema: &SchemaRef, chunk: &Chunk, part: &Part, run: &str) -> Result<RecordBatch> {
    let rows = part.records.len();
    let records = || part.records.iter().map(|record| chunk.record(*record));
    let mut topics = StringBuilder::with_capacity(rows, rows * 16);
    let mut keys = BinaryBuilder::with_capacity(rows, rows * 16);
    let mut runs = StringBuilder::with_capacity(rows, rows * run.len());
    for record in &part.records {
        topics.append_value(&chunk.record(*record).lane.topic);
        keys.append_option(chunk.key(*record));
        runs.append_value(run);
    }
    let event_time: ArrayRef = match &part.event_time {
        Some(declared) => Arc::clone(declared),
        None => {
            let times = records().map(|record| micros(record.timestamp));
            Arc::new(times.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
        }
    };
    let now = TimestampMicrosecondArray::from_value(clock::now().timestamp_micros(), rows);
    let mut columns = part.columns.clone();
    columns.extend([
        Arc::new(topics.finish()) as ArrayRef,
        Arc::new(Int32Array::from_iter_values(
            records().map(|record| record.lane.partition),
        )),
        Arc::new(Int64Array::from_iter_values(records().map(|record| record.offset))),
        Arc::new(keys.finish()),
        event_time,
        Arc::new(now.with_timezone("UTC")),
        Arc::new(std::iter::repeat_n(part.schema_id, rows).collect::<Int32Array>()),
        Arc::new(runs.finish()),
    ]);
    RecordBatch::try_new(Arc::clone(schema), columns)
        .context(ErrorKind::Internal, || "cannot put decoded rows together".to_owned())
}

/// The broker's milliseconds in microseconds.
fn micros(timestamp: Option<i64>) -> Option<i64> {
    timestamp.and_then(|millis| millis.checked_mul(1000))
}

/// The records behind a part's rows.
pub(crate) struct PartRecords<'a> {
    pub(crate) chunk: &'a Chunk,
    pub(crate) part: &'a Part,
}

impl RawRecords for PartRecords<'_> {
    fn record(&self, row: usize) -> Option<RawRecord<'_>> {
        self.part
            .records
            .get(row)
            .map(|record| raw(self.chunk, *record, self.part.schema_id))
    }
}

/// The record that was refused.
pub(crate) fn refused_record<'a>(chunk: &'a Chunk, refused: &Refused) -> RawRecord<'a> {
    let record = raw(chunk, refused.record, refused.schema_id);
    match refused.received.as_ref().map(|received| received.event_time) {
        Some(EventTime::Declared(event_time)) => RawRecord { event_time, ..record },
        _ => record,
    }
}

fn raw(chunk: &Chunk, index: usize, schema_id: Option<i32>) -> RawRecord<'_> {
    let record = chunk.record(index);
    RawRecord {
        topic: &record.lane.topic,
        partition: record.lane.partition,
        offset: record.offset,
        key: chunk.key(index),
        timestamp: micros(record.timestamp),
        event_time: micros(record.timestamp),
        schema_header: chunk.schema_header(index),
        schema_id,
        bytes: chunk.value(index),
    }
}
