//! Columns of a quarantine table's rows, in the types in which they are read.

use arrow::array::{
    ArrayRef, AsArray, BinaryArray, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use polder_core::{Error, ErrorKind, Result, ResultExt};

pub(super) fn unread() -> String {
    "cannot read quarantined rows".to_owned()
}

/// A column of a batch in this type; the engine reads text and bytes as views.
pub(super) fn column(batch: &RecordBatch, name: &str, data_type: &DataType) -> Result<ArrayRef> {
    let column = batch
        .column_by_name(name)
        .ok_or_else(|| Error::new(ErrorKind::Data, format!("a quarantine table has no column `{name}`")))?;
    cast(column, data_type).context(ErrorKind::Data, unread)
}

pub(super) fn text(batch: &RecordBatch, name: &str) -> Result<StringArray> {
    Ok(column(batch, name, &DataType::Utf8)?.as_string::<i32>().clone())
}

pub(super) fn instants(batch: &RecordBatch, name: &str) -> Result<TimestampMicrosecondArray> {
    let instant = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    Ok(column(batch, name, &instant)?
        .as_primitive::<TimestampMicrosecondType>()
        .clone())
}

pub(super) fn numbers(batch: &RecordBatch, name: &str) -> Result<Int32Array> {
    Ok(column(batch, name, &DataType::Int32)?
        .as_primitive::<Int32Type>()
        .clone())
}

pub(super) fn longs(batch: &RecordBatch, name: &str) -> Result<Int64Array> {
    Ok(column(batch, name, &DataType::Int64)?
        .as_primitive::<Int64Type>()
        .clone())
}

pub(super) fn bytes(batch: &RecordBatch, name: &str) -> Result<BinaryArray> {
    Ok(column(batch, name, &DataType::Binary)?.as_binary::<i32>().clone())
}
