//! What Delta's statistics say of a file.

use arrow::datatypes::DataType;
use chrono::NaiveDate;
use datafusion::common::ScalarValue;
use serde_json::Value;

use crate::file::DataFile;

/// The statistics of one file, parsed; nothing is known where there are none.
pub(crate) struct FileStatistics(Value);

impl FileStatistics {
    pub(crate) fn of(file: &DataFile) -> Self {
        let parsed = file.statistics().and_then(|text| serde_json::from_str(text).ok());
        Self(parsed.unwrap_or_default())
    }

    /// Nulls of a column.
    pub(crate) fn nulls(&self, column: &str) -> Option<u64> {
        self.0.get("nullCount")?.get(column)?.as_u64()
    }

    /// A column's least value, as it is written.
    pub(crate) fn least(&self, column: &str) -> Option<&Value> {
        self.0.get("minValues")?.get(column)
    }

    /// A column's greatest value, as it is written.
    pub(crate) fn greatest(&self, column: &str) -> Option<&Value> {
        self.0.get("maxValues")?.get(column)
    }
}

/// A value that is exactly what is in the file: whole numbers and dates. Of other types Delta keeps text that may be
/// cut or rounded.
pub(crate) fn exact(value: &Value, data_type: &DataType) -> Option<ScalarValue> {
    Some(match data_type {
        DataType::Int8 => ScalarValue::Int8(Some(value.as_i64()?.try_into().ok()?)),
        DataType::Int16 => ScalarValue::Int16(Some(value.as_i64()?.try_into().ok()?)),
        DataType::Int32 => ScalarValue::Int32(Some(value.as_i64()?.try_into().ok()?)),
        DataType::Int64 => ScalarValue::Int64(Some(value.as_i64()?)),
        DataType::Date32 => {
            let date = value.as_str()?.parse::<NaiveDate>().ok()?;
            let days = date.signed_duration_since(NaiveDate::default()).num_days();
            ScalarValue::Date32(Some(days.try_into().ok()?))
        }
        _ => return None,
    })
}
