//! Rows as JSON, one object each, and the keys of maps back out of it.
//!
//! JSON's objects have texts for keys, and so have maps here whatever their keys are: numbers in digits, times in ISO 8601,
//! bytes in hexadecimal digits.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, Decimal128Array, ListArray, MapArray, RecordBatch, StringArray, StructArray,
    UInt64Array,
};
use arrow::compute::{cast, take_record_batch};
use arrow::datatypes::{DataType, Decimal128Type, Field, FieldRef, Fields};
use arrow::error::ArrowError;
use arrow::json::WriterBuilder;
use arrow::json::writer::{Encoder, EncoderFactory, EncoderOptions, LineDelimited, NullableEncoder, make_encoder};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use polder_core::{ErrorKind, Result, ResultExt};
use polder_gate::digits;
use polder_gate::reading::{from_text, sides};

/// These rows of a batch as JSON, one object each, without null values. Decimals keep their digits, binary values
/// are hexadecimal.
///
/// # Errors
/// `Internal`, where a column's type has no JSON form.
pub fn json_rows(batch: &RecordBatch, rows: &[usize]) -> Result<Vec<String>> {
    written(batch, rows, Maps { whole: true })
}

/// The values of a column as JSON, each as [`json_rows`] writes it; null where there is none.
///
/// # Errors
/// As [`json_rows`].
pub fn json_values(column: &ArrayRef) -> Result<StringArray> {
    let failure = || "cannot write values as JSON".to_owned();
    let rows: Vec<usize> = (0..column.len()).collect();
    let batch = RecordBatch::try_from_iter_with_nullable([(VALUE, Arc::clone(column), true)]);
    let rows = json_rows(&batch.context(ErrorKind::Internal, failure)?, &rows)?;
    // `{"value":…}`, or `{}` without a value.
    let value = |row: &String| {
        let value = row.strip_prefix("{\"value\":")?.strip_suffix('}')?;
        Some(value.to_owned())
    };
    Ok(rows.iter().map(value).collect())
}

/// The name of a column that has no other.
const VALUE: &str = "value";

/// [`json_rows`] without the entries of maps that have no value: the form of which fingerprints are taken. It never
/// changes, for who refused a row must recognise it ever after.
///
/// # Errors
/// As [`json_rows`].
pub(crate) fn fingerprinted(batch: &RecordBatch, rows: &[usize]) -> Result<Vec<String>> {
    written(batch, rows, Maps { whole: false })
}

/// Writes maps of any keys as [`json_rows`] does, for other writers of JSON.
pub fn json_maps() -> Arc<dyn EncoderFactory> {
    Arc::new(Maps { whole: true })
}

fn written(batch: &RecordBatch, rows: &[usize], maps: Maps) -> Result<Vec<String>> {
    let failure = || "cannot write refused rows as JSON".to_owned();
    let indices = UInt64Array::from_iter_values(rows.iter().map(|row| *row as u64));
    let batch = take_record_batch(batch, &indices).context(ErrorKind::Internal, failure)?;
    let builder = WriterBuilder::new().with_encoder_factory(Arc::new(maps));
    let mut writer = builder.build::<_, LineDelimited>(Vec::new());
    writer.write(&batch).context(ErrorKind::Internal, failure)?;
    writer.finish().context(ErrorKind::Internal, failure)?;
    // Line breaks inside of values are escaped in JSON, so a line is a row.
    let text = String::from_utf8(writer.into_inner()).context(ErrorKind::Internal, failure)?;
    Ok(text.lines().map(str::to_owned).collect())
}

/// Writes maps of any keys, and decimals with all their digits.
#[derive(Debug)]
struct Maps {
    /// Whether an entry without a value is written, as `null`, or left out.
    whole: bool,
}

impl EncoderFactory for Maps {
    fn make_default_encoder<'a>(
        &self,
        _field: &'a FieldRef,
        array: &'a dyn Array,
        options: &'a EncoderOptions,
    ) -> Result<Option<NullableEncoder<'a>>, ArrowError> {
        if let Some(decimals) = array.as_primitive_opt::<Decimal128Type>()
            && digits::outgrown(decimals)
        {
            let encoder = LongDecimals(decimals);
            return Ok(Some(NullableEncoder::new(Box::new(encoder), decimals.nulls().cloned())));
        }
        let Some(map) = array.as_map_opt() else { return Ok(None) };
        let Some((_, sides)) = sides(map.data_type()) else {
            return Ok(None);
        };
        let field = &sides[1];
        let encoder = MapEncoder {
            map,
            whole: self.whole,
            keys: texts(map.keys())?,
            values: make_encoder(field, map.values().as_ref(), options)?,
        };
        Ok(Some(NullableEncoder::new(Box::new(encoder), map.nulls().cloned())))
    }
}

/// Decimals of which some have more digits than their type: the engine's writer would cut them.
struct LongDecimals<'a>(&'a Decimal128Array);

impl Encoder for LongDecimals<'_> {
    fn encode(&mut self, row: usize, out: &mut Vec<u8>) {
        let text = digits::written(self.0.value(row), self.0.scale());
        out.extend_from_slice(text.as_bytes());
    }
}

struct MapEncoder<'a> {
    map: &'a MapArray,
    whole: bool,
    /// Of all entries, as JSON.
    keys: Vec<String>,
    values: NullableEncoder<'a>,
}

impl Encoder for MapEncoder<'_> {
    fn encode(&mut self, row: usize, out: &mut Vec<u8>) {
        let offsets = self.map.offsets();
        let (start, end) = (offsets[row] as usize, offsets[row + 1] as usize);
        out.push(b'{');
        let mut is_first = true;
        for entry in start..end {
            if !self.whole && self.values.is_null(entry) {
                continue;
            }
            if !is_first {
                out.push(b',');
            }
            is_first = false;
            out.extend_from_slice(self.keys[entry].as_bytes());
            out.push(b':');
            match self.values.is_null(entry) {
                true => out.extend_from_slice(b"null"),
                false => self.values.encode(entry, out),
            }
        }
        out.push(b'}');
    }
}

/// Keys as JSON's texts. An instant is the same text in every zone: nobody looks for a key by what it means.
fn texts(keys: &ArrayRef) -> Result<Vec<String>, ArrowError> {
    let options = FormatOptions::new();
    let keys = match keys.data_type() {
        DataType::Timestamp(unit, Some(_)) => &cast(keys, &DataType::Timestamp(*unit, Some("UTC".into())))?,
        _ => keys,
    };
    let formatter = ArrayFormatter::try_new(keys.as_ref(), &options)?;
    let texts = (0..keys.len()).map(|entry| {
        let text = formatter.value(entry).try_to_string()?;
        serde_json::to_string(&text).map_err(|cause| ArrowError::JsonError(cause.to_string()))
    });
    texts.collect()
}

/// The type in which JSON of this type is read: all keys of maps are texts.
pub(crate) fn with_text_keys(data_type: &DataType) -> DataType {
    let inside = |field: &FieldRef| -> FieldRef {
        let data_type = with_text_keys(field.data_type());
        Arc::new(field.as_ref().clone().with_data_type(data_type))
    };
    match data_type {
        DataType::List(item) => DataType::List(inside(item)),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(inside).collect()),
        DataType::Map(entries, sorted) => match sides(data_type) {
            Some((_, sides)) => {
                let key: Field = sides[0].as_ref().clone().with_data_type(DataType::Utf8);
                let sides = Fields::from(vec![Arc::new(key), inside(&sides[1])]);
                let entries = entries.as_ref().clone().with_data_type(DataType::Struct(sides));
                DataType::Map(Arc::new(entries), *sorted)
            }
            None => data_type.clone(),
        },
        _ => data_type.clone(),
    }
}

/// What was read [with texts for keys](with_text_keys), with the keys of the wanted type.
///
/// # Errors
/// Where a text is no key of the type.
pub(crate) fn with_keys(array: &ArrayRef, wanted: &DataType) -> Result<ArrayRef, ArrowError> {
    if array.data_type() == wanted {
        return Ok(Arc::clone(array));
    }
    let not = || ArrowError::JsonError(format!("{} is not {wanted}", array.data_type()));
    Ok(match wanted {
        DataType::List(item) => {
            let list = array.as_list_opt::<i32>().ok_or_else(not)?;
            let values = with_keys(list.values(), item.data_type())?;
            let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
            Arc::new(ListArray::try_new(Arc::clone(item), offsets, values, nulls)?)
        }
        DataType::Struct(fields) => {
            let record = array.as_struct_opt().ok_or_else(not)?;
            let columns = record.columns().iter().zip(fields);
            let columns = columns.map(|(column, field)| with_keys(column, field.data_type()));
            let columns = columns.collect::<Result<_, _>>()?;
            let nulls = record.nulls().cloned();
            Arc::new(StructArray::try_new_with_length(
                fields.clone(),
                columns,
                nulls,
                record.len(),
            )?)
        }
        DataType::Map(entries, sorted) => {
            let map = array.as_map_opt().ok_or_else(not)?;
            let (_, sides) = sides(wanted).ok_or_else(not)?;
            let keys = map.keys().as_string_opt::<i32>().ok_or_else(not)?;
            let keys = keys_from(keys, sides[0].data_type())?;
            let values = with_keys(map.values(), sides[1].data_type())?;
            Arc::new(MapArray::try_new(
                Arc::clone(entries),
                map.offsets().clone(),
                StructArray::try_new(sides.clone(), vec![keys, values], None)?,
                map.nulls().cloned(),
                *sorted,
            )?)
        }
        _ => return Err(not()),
    })
}

/// Keys out of the texts that [`texts`] wrote.
fn keys_from(texts: &StringArray, wanted: &DataType) -> Result<ArrayRef, ArrowError> {
    if *wanted == DataType::Binary {
        let bytes = texts.iter().map(|text| text.map(bytes_of).transpose());
        return Ok(Arc::new(bytes.collect::<Result<BinaryArray, _>>()?));
    }
    let read = from_text(texts, wanted)?;
    match read.failures.into_iter().next() {
        Some((_, reason)) => Err(ArrowError::JsonError(format!("a key does not fit: {reason}"))),
        None => Ok(read.array),
    }
}

/// Bytes that are written in hexadecimal digits.
fn bytes_of(digits: &str) -> Result<Vec<u8>, ArrowError> {
    let byte = |pair: &[u8]| {
        let text = std::str::from_utf8(pair).ok().filter(|text| text.len() == 2)?;
        let digits = text.bytes().all(|digit| digit.is_ascii_hexdigit());
        digits.then(|| u8::from_str_radix(text, 16).ok())?
    };
    let bytes: Option<Vec<u8>> = digits.as_bytes().chunks(2).map(byte).collect();
    bytes.ok_or_else(|| ArrowError::JsonError(format!("`{digits}` is not bytes in hexadecimal digits")))
}

#[cfg(test)]
mod tests {
    use arrow::array::{BooleanArray, Date32Array, Decimal128Array, Int32Array, Int64Array, TimestampMicrosecondArray};
    use arrow::buffer::{NullBuffer, OffsetBuffer};

    use super::*;

    /// Three rows of maps (two entries, the second without a value; none; null) with these two keys.
    fn maps(keys: ArrayRef) -> ArrayRef {
        let sides = Fields::from(vec![
            Field::new("key", keys.data_type().clone(), false),
            Field::new("value", DataType::Int32, true),
        ]);
        let values: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), None]));
        let entries = StructArray::new(sides.clone(), vec![keys, values], None);
        let field = Arc::new(Field::new("key_value", DataType::Struct(sides), false));
        let (offsets, nulls) = (OffsetBuffer::new(vec![0, 2, 2, 2].into()), vec![true, true, false]);
        Arc::new(MapArray::new(
            field,
            offsets,
            entries,
            Some(NullBuffer::from(nulls)),
            false,
        ))
    }

    #[test]
    fn a_decimal_of_more_digits_than_its_type_keeps_them() {
        let nines = 99_999_999_999_999_999_999_999_999_999_999_999_999_i128;
        let decimals = |values: Vec<Option<i128>>| -> ArrayRef {
            let decimals = Decimal128Array::from(values).with_precision_and_scale(38, 2);
            Arc::new(decimals.unwrap())
        };
        let written = |values: Vec<Option<i128>>| {
            let rows: Vec<usize> = (0..values.len()).collect();
            let batch = RecordBatch::try_from_iter_with_nullable([("x", decimals(values), true)]).unwrap();
            json_rows(&batch, &rows).unwrap()
        };
        let usual = vec![Some(nines), Some(-5), None, Some(0), Some(1_250)];
        let mut long = usual.clone();
        long.push(Some(nines + 1));
        let mut wanted = written(usual);
        wanted.push(r#"{"x":1000000000000000000000000000000000000.00}"#.to_owned());
        assert_eq!(written(long), wanted);
        assert_eq!(wanted[1..3], [r#"{"x":-0.05}"#, "{}"]);
    }

    #[test]
    fn values_are_written_one_by_one() {
        let sides = maps(Arc::new(StringArray::from(vec!["a\"", "b}"])));
        let texts = json_values(&sides).unwrap();
        let texts: Vec<_> = texts.iter().collect();
        assert_eq!(texts, [Some(r#"{"a\"":1,"b}":null}"#), Some("{}"), None]);
        assert!(json_values(&sides.slice(0, 0)).unwrap().is_empty());
    }

    fn keys() -> Vec<(ArrayRef, &'static str)> {
        let decimals = Decimal128Array::from(vec![-1_250, 10]).with_precision_and_scale(9, 3);
        let instants = || TimestampMicrosecondArray::from(vec![1_291_191_960_000_001, -1]);
        vec![
            (Arc::new(StringArray::from(vec!["a\"\n", ""])), r#"{"a\"\n":1,"":null}"#),
            (Arc::new(Int32Array::from(vec![-1, 7])), r#"{"-1":1,"7":null}"#),
            (
                Arc::new(Int64Array::from(vec![i64::MIN, 0])),
                r#"{"-9223372036854775808":1,"0":null}"#,
            ),
            (
                Arc::new(Date32Array::from(vec![14_944, -1])),
                r#"{"2010-12-01":1,"1969-12-31":null}"#,
            ),
            (
                Arc::new(instants().with_timezone("UTC")),
                r#"{"2010-12-01T08:26:00.000001Z":1,"1969-12-31T23:59:59.999999Z":null}"#,
            ),
            (
                Arc::new(instants()),
                r#"{"2010-12-01T08:26:00.000001":1,"1969-12-31T23:59:59.999999":null}"#,
            ),
            (Arc::new(decimals.unwrap()), r#"{"-1.250":1,"0.010":null}"#),
            (
                Arc::new(BooleanArray::from(vec![true, false])),
                r#"{"true":1,"false":null}"#,
            ),
            (
                Arc::new(BinaryArray::from(vec![b"\x00\xff".as_slice(), b""])),
                r#"{"00ff":1,"":null}"#,
            ),
        ]
    }

    #[test]
    fn maps_are_objects_whatever_their_keys_and_wherever_they_are() {
        for (keys, said) in keys() {
            let maps = maps(keys);
            let item = Arc::new(Field::new("element", maps.data_type().clone(), true));
            let offsets = OffsetBuffer::new(vec![0, 1, 3, 3].into());
            let lists: ArrayRef = Arc::new(ListArray::new(item, offsets, Arc::clone(&maps), None));
            let fields = Fields::from(vec![Field::new("m", maps.data_type().clone(), true)]);
            let records: ArrayRef = Arc::new(StructArray::new(fields, vec![Arc::clone(&maps)], None));
            let columns = [("m", maps), ("l", lists), ("r", records)];
            let batch = RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true)));
            let batch = batch.unwrap();
            let wanted = [
                format!(r#"{{"m":{said},"l":[{said}],"r":{{"m":{said}}}}}"#),
                r#"{"m":{},"l":[{},null],"r":{"m":{}}}"#.to_owned(),
                r#"{"l":[],"r":{}}"#.to_owned(),
            ];
            assert_eq!(json_rows(&batch, &[0, 1, 2]).unwrap(), wanted);

            for (column, field) in batch.columns().iter().zip(batch.schema().fields()) {
                let texts = with_text_keys(field.data_type());
                let mut reader = arrow::json::ReaderBuilder::new_with_field(Field::new("x", texts, true))
                    .build_decoder()
                    .unwrap();
                let rows = json_rows(
                    &batch
                        .project(&[batch.schema().index_of(field.name()).unwrap()])
                        .unwrap(),
                    &[0, 1, 2],
                );
                for row in rows.unwrap() {
                    let object: serde_json::Value = serde_json::from_str(&row).unwrap();
                    let value = object.get(field.name()).unwrap_or(&serde_json::Value::Null);
                    reader.decode(format!("{value}\n").as_bytes()).unwrap();
                }
                let read = reader.flush().unwrap().unwrap();
                let read = with_keys(read.column(0), field.data_type()).unwrap();
                assert_eq!(&read, column, "{said}");
            }
        }
    }

    #[test]
    fn a_text_that_is_no_key_is_told() {
        for (text, wanted) in [
            ("x", DataType::Int32),
            ("0f0", DataType::Binary),
            ("+1", DataType::Binary),
        ] {
            let error = keys_from(&StringArray::from(vec![text]), &wanted).unwrap_err();
            assert!(error.to_string().contains(&format!("`{text}`")), "{error}");
        }
    }
}
