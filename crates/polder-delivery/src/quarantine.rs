//! Refused rows on their way into a quarantine table.

use std::sync::Arc;

use arrow::array::builder::{BinaryBuilder, Int32Builder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder};
use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Schema};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use polder_core::{ErrorKind, Result, ResultExt};

use crate::columns::{REFUSED_COLUMNS, quarantine_schema};
use crate::known::fingerprint;
use crate::record::RawRecord;
use crate::row_json::fingerprinted;
use crate::states::OPEN;

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
    timestamp: TimestampMicrosecondBuilder,
    schema_header: BinaryBuilder,
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
        self.timestamp.append_option(record.and_then(|record| record.timestamp));
        let schema_header = record.and_then(|record| record.schema_header);
        self.schema_header.append_option(schema_header);
        self.rows += 1;
        self.bytes += refused.id.len() + refused.reason.len() + refused.json.map_or(0, str::len);
        let kept = [key, raw, schema_header];
        self.bytes += kept.into_iter().flatten().map(<[u8]>::len).sum::<usize>();
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
        let state = text(OPEN);
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
            Arc::new(self.timestamp.finish().with_timezone("UTC")),
            Arc::new(self.schema_header.finish()),
            state,
        ];
        (self.rows, self.bytes) = (0, 0);
        let schema = quarantine_schema();
        let written = Schema::new(schema.fields()[..REFUSED_COLUMNS].to_vec());
        RecordBatch::try_new(Arc::new(written), columns)
            .map(Some)
            .context(ErrorKind::Internal, || "cannot put refused rows together".to_owned())
    }
}

/// The key of a stream's record.
pub(crate) fn position_id(origin: &str, record: &RawRecord<'_>) -> String {
    format!("{origin}/{}/{}/{}", record.topic, record.partition, record.offset)
}

/// The key of a pipeline's row: the fingerprint of its [content](contents), so the same row has the same key in every
/// build. Equal rows of one build are told apart by their `occurrence`, which counts from 1.
pub(crate) fn content_id(origin: &str, content: u128, occurrence: u64) -> String {
    match occurrence {
        1 => format!("{origin}/{content:032x}"),
        _ => format!("{origin}/{content:032x}#{occurrence}"),
    }
}

/// Fingerprints of these rows of a batch: of [their JSON](fingerprinted), and of what JSON does not say, which is numbers
/// that are not finite. Nulls are left out of it: a column added later does not change what stands for the rows before
/// it. So are entries of maps without a value, though the record that is kept has them: rows that differ in nothing else
/// are told apart by their [occurrence](content_id).
///
/// # Errors
/// `Internal`, where a column's type has no text form.
pub(crate) fn contents(batch: &RecordBatch, rows: &[usize]) -> Result<Vec<u128>> {
    let failure = || "cannot write refused rows as text".to_owned();
    let options = FormatOptions::new();
    let schema = batch.schema();
    let mut floats = Vec::new();
    for (field, column) in schema.fields().iter().zip(batch.columns()) {
        if has_floats(field.data_type()) {
            let formatter = ArrayFormatter::try_new(column.as_ref(), &options).context(ErrorKind::Internal, failure)?;
            floats.push((field.name(), formatter));
        }
    }
    let json = fingerprinted(batch, rows)?;
    let fingerprints = rows.iter().zip(json).map(|(row, mut said)| {
        for (name, formatter) in &floats {
            let value = formatter.value(*row).try_to_string()?;
            if ["NaN", "inf"].iter().any(|word| value.contains(word)) {
                said.extend(["\n", name, "=", &value]);
            }
        }
        Ok(fingerprint(said.as_bytes()))
    });
    fingerprints
        .collect::<Result<_, arrow::error::ArrowError>>()
        .context(ErrorKind::Internal, failure)
}

fn has_floats(data_type: &DataType) -> bool {
    match data_type {
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::FixedSizeList(item, _)
        | DataType::Map(item, _) => has_floats(item.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| has_floats(field.data_type())),
        DataType::Dictionary(_, value) => has_floats(value),
        other => other.is_floating(),
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::builder::MapBuilder;
    use arrow::array::{
        BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int32Array, Int64Array,
        ListArray, StringArray, StructArray, TimestampMicrosecondArray, new_null_array,
    };
    use arrow::datatypes::{Field, Float64Type, Int64Type};

    use super::*;
    use crate::row_json::json_rows;

    /// Every row differs from every other, though JSON says `null` of all of them.
    fn assert_told_apart(column: ArrayRef) {
        let batch = RecordBatch::try_from_iter_with_nullable([("x", column, true)]).unwrap();
        let rows: Vec<usize> = (0..batch.num_rows()).collect();
        let json = json_rows(&batch, &rows).unwrap();
        let mut found = contents(&batch, &rows).unwrap();
        assert_eq!(found, contents(&batch, &rows).unwrap());
        // Ordinary rows stand for themselves by their JSON alone.
        assert_eq!(found[0], fingerprint(json[0].as_bytes()));
        found.sort_unstable();
        found.dedup();
        assert_eq!(found.len(), rows.len(), "{json:?}");
    }

    #[test]
    fn numbers_that_are_not_finite_are_no_nulls_and_not_each_other() {
        let values = [
            Some(1.5),
            None,
            Some(f64::NAN),
            Some(f64::INFINITY),
            Some(f64::NEG_INFINITY),
        ];
        assert_told_apart(Arc::new(Float64Array::from(values.to_vec())));
        let lists = values.map(|value| Some(vec![value]));
        assert_told_apart(Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>(lists)));
    }

    #[test]
    fn a_key_is_the_first_half_of_the_sha_256_of_the_row() {
        // `printf '{"n":-1}' | sha256sum`
        let id = content_id("sales.build", fingerprint(br#"{"n":-1}"#), 1);
        assert_eq!(id, "sales.build/0c31e9341837b3869856e8ea000cdc26");
    }

    /// A row with a value of every type, and rows with nothing, with numbers that are not finite, and with a map alone.
    fn rows_of_every_type() -> RecordBatch {
        let some = |first: ArrayRef| arrow::compute::concat(&[&first, &new_null_array(first.data_type(), 4)]).unwrap();
        let amounts = Decimal128Array::from(vec![250; 5]).with_precision_and_scale(12, 2);
        let doubles = [Some(-0.1), None, Some(f64::NAN), Some(f64::NEG_INFINITY), None];
        let instant = TimestampMicrosecondArray::from(vec![1_291_191_960_000_001]).with_timezone("UTC");
        let list = ListArray::from_iter_primitive::<Int64Type, _, _>([Some([Some(1), None])]);
        let (x, y): (ArrayRef, ArrayRef) = (Arc::new(Int64Array::from(vec![3])), Arc::new(StringArray::new_null(1)));
        let fields = [
            (Arc::new(Field::new("x", DataType::Int64, true)), x),
            (Arc::new(Field::new("y", DataType::Utf8, true)), y),
        ];
        let mut maps = MapBuilder::new(None, StringBuilder::new(), Int64Builder::new());
        for has_map in [true, false, false, false, true] {
            if has_map {
                for (key, value) in [("x", Some(1)), ("y", None)] {
                    maps.keys().append_value(key);
                    maps.values().append_option(value);
                }
            }
            maps.append(has_map).unwrap();
        }
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("id", Arc::new(StringArray::from(vec!["ar", "an", "aq", "ai", "am"]))),
            ("amount", Arc::new(amounts.unwrap())),
            ("i", some(Arc::new(Int32Array::from(vec![-7])))),
            ("b", some(Arc::new(Int64Array::from(vec![9_007_199_254_740_993])))),
            ("f", some(Arc::new(Float32Array::from(vec![0.5])))),
            ("d", Arc::new(Float64Array::from(doubles.to_vec()))),
            ("t", some(Arc::new(BooleanArray::from(vec![true])))),
            ("s", some(Arc::new(StringArray::from(vec!["a\"b\né"])))),
            ("day", some(Arc::new(Date32Array::from(vec![14_944])))),
            ("moment", some(Arc::new(instant))),
            (
                "local",
                some(Arc::new(TimestampMicrosecondArray::from(vec![1_291_191_960_500_000]))),
            ),
            ("bytes", some(Arc::new(BinaryArray::from(vec![b"\x00\xff".as_slice()])))),
            ("l", some(Arc::new(list))),
            ("o", some(Arc::new(StructArray::from(fields.to_vec())))),
            ("m", Arc::new(maps.finish())),
        ];
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)))
            .unwrap()
    }

    #[test]
    fn a_row_that_was_refused_by_an_earlier_release_has_the_key_that_it_had() {
        // As the release before stored them in a pipeline's quarantine table.
        let keys = [
            "shop.mm/6cca2a884f522de376a7b02b69c53a70",
            "shop.mm/fb54446113b826337ab436dd9cc7b7b6",
            "shop.mm/2dc8190e100d5418d0e68b37ca873bd7",
            "shop.mm/e37691c2f0931814e06783fbd91c6a00",
            "shop.mm/8a99defee5cd3a983712cabe4ea4a72f",
        ];
        let batch = rows_of_every_type();
        let found = contents(&batch, &[0, 1, 2, 3, 4]).unwrap();
        let found: Vec<_> = found.iter().map(|content| content_id("shop.mm", *content, 1)).collect();
        assert_eq!(found, keys);
        // What is kept of them is all that they are.
        let kept = json_rows(&batch, &[4]).unwrap();
        assert_eq!(kept, [r#"{"id":"am","amount":2.50,"m":{"x":1,"y":null}}"#]);
    }
}
