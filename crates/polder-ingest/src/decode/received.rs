//! Decoded records as JSON, with the values that they came with: what quarantine shows of a record that does not fit.

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, Decimal256Array};
use arrow::datatypes::{DataType, Field, FieldRef, Int32Type};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use serde_json::{Map, Number, Value};

use super::cast::is_uuid;

/// One row of columns as a JSON object under the names of `columns`, without nulls. A column comes with what it is named,
/// how its writer describes it, and its values. A column with a map that has a key twice is left out: an object would have
/// one of them alone, and whoever misses the column has the record's bytes.
pub(super) fn object(columns: &[(FieldRef, FieldRef, ArrayRef)], row: usize) -> Result<String, ArrowError> {
    let mut object = Map::new();
    for (named, field, array) in columns {
        let mut whole = true;
        let value = value(array, field, row, &mut whole)?;
        if whole && !value.is_null() {
            object.insert(named.name().clone(), value);
        }
    }
    Ok(Value::Object(object).to_string())
}

/// A value of an array. Decimals keep their digits; bytes are hexadecimal, times ISO 8601. It is not `whole` where a map in
/// it has a key twice.
fn value(array: &dyn Array, field: &Field, row: usize, whole: &mut bool) -> Result<Value, ArrowError> {
    if array.is_null(row) {
        return Ok(Value::Null);
    }
    Ok(match array.data_type() {
        DataType::Boolean => Value::Bool(array.as_boolean().value(row)),
        DataType::Utf8 => Value::from(array.as_string::<i32>().value(row)),
        DataType::Decimal128(..) => number(&decimal(array, row)),
        DataType::Decimal256(..) => number(&decimal256(array, row)),
        DataType::FixedSizeBinary(16) if is_uuid(field) => {
            let bytes = array.as_fixed_size_binary().value(row);
            uuid::Uuid::from_slice(bytes).map_or(Value::Null, |uuid| Value::from(uuid.to_string()))
        }
        DataType::Dictionary(key, item) if **key == DataType::Int32 => {
            let dictionary = array.as_dictionary::<Int32Type>();
            match dictionary.key(row) {
                Some(key) => value(
                    dictionary.values(),
                    &Field::new("", item.as_ref().clone(), true),
                    key,
                    whole,
                )?,
                None => Value::Null,
            }
        }
        DataType::Struct(fields) => {
            let mut object = Map::new();
            for (field, column) in fields.iter().zip(array.as_struct().columns()) {
                let value = value(column, field, row, whole)?;
                if !value.is_null() {
                    object.insert(field.name().clone(), value);
                }
            }
            Value::Object(object)
        }
        DataType::List(item) => {
            let items = array.as_list::<i32>().value(row);
            let each = (0..items.len()).map(|place| value(&items, item, place, whole));
            Value::Array(each.collect::<Result<_, _>>()?)
        }
        DataType::Map(..) => {
            let map = array.as_map();
            let (key_field, value_field) = map.entries_fields();
            let entries = map.value(row);
            let mut object = Map::new();
            for place in 0..entries.len() {
                let key = match value(entries.column(0), key_field, place, whole)? {
                    Value::String(text) => text,
                    other => other.to_string(),
                };
                let value = value(entries.column(1), value_field, place, whole)?;
                *whole &= object.insert(key, value).is_none();
            }
            Value::Object(object)
        }
        DataType::Union(fields, _) => {
            let union = array.as_union();
            let id = union.type_id(row);
            match fields.iter().find(|(of_field, _)| *of_field == id) {
                Some((_, field)) => value(union.child(id), field, union.value_offset(row), whole)?,
                None => Value::Null,
            }
        }
        numeric if numeric.is_numeric() => number(&text(array, row)?),
        _ => Value::from(text(array, row)?),
    })
}

fn decimal(array: &dyn Array, row: usize) -> String {
    array
        .as_any()
        .downcast_ref::<Decimal128Array>()
        .map_or_else(String::new, |decimals| decimals.value_as_string(row))
}

fn decimal256(array: &dyn Array, row: usize) -> String {
    array
        .as_any()
        .downcast_ref::<Decimal256Array>()
        .map_or_else(String::new, |decimals| decimals.value_as_string(row))
}

/// Digits as a number; as text what JSON has no number for (infinities).
fn number(text: &str) -> Value {
    match text.parse::<Number>() {
        Ok(number) => Value::Number(number),
        Err(_) => Value::from(text),
    }
}

fn text(array: &dyn Array, row: usize) -> Result<String, ArrowError> {
    let options = FormatOptions::new();
    ArrayFormatter::try_new(array, &options)?.value(row).try_to_string()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        BinaryArray, Date32Array, DictionaryArray, FixedSizeBinaryArray, Float64Array, Int32Array, ListArray,
        MapBuilder, StringArray, StringBuilder, StructArray, TimestampMicrosecondArray, UnionArray,
    };
    use arrow::buffer::ScalarBuffer;
    use arrow::datatypes::{Fields, UnionFields};

    use super::*;

    fn said(array: impl Array + 'static, field: Option<Field>) -> String {
        let array: ArrayRef = Arc::new(array);
        let field = field.unwrap_or_else(|| Field::new("x", array.data_type().clone(), true));
        let columns = [(Arc::new(Field::new("c", DataType::Null, true)), Arc::new(field), array)];
        object(&columns, 1).unwrap()
    }

    #[test]
    fn values_of_every_kind_keep_what_they_say() {
        let decimals = Decimal128Array::from(vec![None, Some(-12_340)])
            .with_precision_and_scale(12, 3)
            .unwrap();
        assert_eq!(said(decimals, None), r#"{"c":-12.340}"#);
        assert_eq!(said(Float64Array::from(vec![0.0, 0.1]), None), r#"{"c":0.1}"#);
        assert_eq!(
            said(Float64Array::from(vec![0.0, f64::INFINITY]), None),
            r#"{"c":"inf"}"#
        );
        assert_eq!(said(Int32Array::from(vec![1, i32::MIN]), None), r#"{"c":-2147483648}"#);
        assert_eq!(said(Int32Array::from(vec![Some(1), None]), None), "{}");
        let at = TimestampMicrosecondArray::from(vec![0, 1_291_191_960_000_001]);
        assert_eq!(said(at.clone(), None), r#"{"c":"2010-12-01T08:26:00.000001"}"#);
        assert_eq!(
            said(at.with_timezone("UTC"), None),
            r#"{"c":"2010-12-01T08:26:00.000001Z"}"#
        );
        assert_eq!(said(Date32Array::from(vec![0, 14_944]), None), r#"{"c":"2010-12-01"}"#);
        let bytes = BinaryArray::from(vec![b"".as_slice(), b"\x00\xff".as_slice()]);
        assert_eq!(said(bytes, None), r#"{"c":"00ff"}"#);
        let words: DictionaryArray<Int32Type> = vec!["a", "b"].into_iter().collect();
        assert_eq!(said(words, None), r#"{"c":"b"}"#);
        let uuids = FixedSizeBinaryArray::try_from_iter([[0_u8; 16], [7; 16]].into_iter()).unwrap();
        let uuid = Field::new("x", DataType::FixedSizeBinary(16), true)
            .with_metadata([("logicalType".to_owned(), "uuid".to_owned())].into());
        assert_eq!(
            said(uuids, Some(uuid)),
            r#"{"c":"07070707-0707-0707-0707-070707070707"}"#
        );
    }

    #[test]
    fn nested_values_are_nested() {
        let lists = ListArray::from_iter_primitive::<Int32Type, _, _>([None, Some(vec![Some(1), None])]);
        assert_eq!(said(lists, None), r#"{"c":[1,null]}"#);
        let inner: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), Some("b\"")]));
        let fields = Fields::from(vec![Field::new("s", DataType::Utf8, true)]);
        assert_eq!(
            said(StructArray::new(fields, vec![inner], None), None),
            r#"{"c":{"s":"b\""}}"#
        );
        let mut maps = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
        maps.append(true).unwrap();
        maps.keys().append_value("k");
        maps.values().append_null();
        maps.append(true).unwrap();
        assert_eq!(said(maps.finish(), None), r#"{"c":{"k":null}}"#);
        let mut maps = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
        maps.append(true).unwrap();
        for value in ["1", "2"] {
            maps.keys().append_value("k");
            maps.values().append_value(value);
        }
        maps.append(true).unwrap();
        assert_eq!(said(maps.finish(), None), "{}");
        let union = UnionArray::try_new(
            UnionFields::try_new(
                [3, 5],
                [
                    Field::new("n", DataType::Int32, true),
                    Field::new("t", DataType::Utf8, true),
                ],
            )
            .unwrap(),
            ScalarBuffer::from(vec![3_i8, 5]),
            Some(ScalarBuffer::from(vec![0, 0])),
            vec![
                Arc::new(Int32Array::from(vec![1])),
                Arc::new(StringArray::from(vec!["two"])),
            ],
        )
        .unwrap();
        assert_eq!(said(union, None), r#"{"c":"two"}"#);
    }
}
