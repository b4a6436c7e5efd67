//! Values as they were received, for whoever computes from them: what its type does not hold is text.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};
use polder_core::{ErrorKind, Result, ResultExt};
use polder_gate::reading::{self, sides};
use serde_json::{Map, Value};

use super::kept::said;
use super::records;

/// What was received of a column of one row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Told {
    /// The column.
    pub(super) name: String,
    /// The column's type with text for what it does not hold: for a field of an object, the items of a list, the keys or
    /// values of a map, or all of it.
    pub(super) data_type: DataType,
    value: Value,
    /// The value as JSON, where only parts of it are text.
    received: Option<String>,
}

impl Told {
    /// What was received of a column of this type, which does not hold it; nothing where that cannot be told.
    pub(super) fn of(name: &str, wanted: &DataType, value: &Value) -> Option<Self> {
        let wanted = with_nulls(wanted);
        let mut found = false;
        let data_type = match &wanted {
            DataType::Struct(_) | DataType::List(_) | DataType::Map(..) => held(&[value], &wanted, &mut found)?,
            _ => DataType::Utf8,
        };
        // Where no part of it is to blame all of it is text, for somebody says that it does not fit.
        let data_type = if found { data_type } else { DataType::Utf8 };
        Some(Self {
            name: name.to_owned(),
            value: written(value, &data_type),
            received: (data_type != DataType::Utf8).then(|| value.to_string()),
            data_type,
        })
    }

    /// What was received in these values as JSON, where only parts of them are text; nothing where all of it is.
    pub(super) fn as_json(rows: &[&Self]) -> Option<StringArray> {
        let texts: Option<Vec<&str>> = rows.iter().map(|told| told.received.as_deref()).collect();
        texts.map(StringArray::from)
    }

    /// The column of these values, which are of one type.
    ///
    /// # Errors
    /// `Internal`, where they are not.
    pub(super) fn column(rows: &[&Self]) -> Result<ArrayRef> {
        let apart = || "cannot put what was received together".to_owned();
        let Some(Self { data_type, .. }) = rows.first() else {
            return Ok(Arc::new(StringArray::from(Vec::<Option<&str>>::new())));
        };
        let records: Vec<String> = rows.iter().map(|told| record(&told.value)).collect();
        let records: Vec<&str> = records.iter().map(String::as_str).collect();
        let rows: RecordBatch = records::decode(&records, &alone(data_type)).context(ErrorKind::Internal, apart)?;
        Ok(Arc::clone(rows.column(0)))
    }
}

/// The type of one column of records that have no other.
fn alone(data_type: &DataType) -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new(VALUE, data_type.clone(), true)]))
}

fn record(value: &Value) -> String {
    Value::Object(Map::from_iter([(VALUE.to_owned(), value.clone())])).to_string()
}

/// The name of a value that has none.
const VALUE: &str = "value";

/// The type as those who compute see it: null may be everywhere.
fn with_nulls(data_type: &DataType) -> DataType {
    let inside = |field: &FieldRef| -> FieldRef {
        let data_type = with_nulls(field.data_type());
        Arc::new(field.as_ref().clone().with_data_type(data_type).with_nullable(true))
    };
    match data_type {
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(inside).collect()),
        DataType::List(item) => DataType::List(inside(item)),
        DataType::Map(_, sorted) => match sides(data_type) {
            Some((entries, sides)) => map(entries, &sides[0], &inside(&sides[1]), *sorted),
            None => data_type.clone(),
        },
        other => other.clone(),
    }
}

/// The type of maps of such keys and values.
fn map(entries: &FieldRef, key: &FieldRef, value: &FieldRef, sorted: bool) -> DataType {
    let both = Fields::from(vec![Arc::clone(key), Arc::clone(value)]);
    let entries = entries.as_ref().clone().with_data_type(DataType::Struct(both));
    DataType::Map(Arc::new(entries), sorted)
}

/// The wanted type with text where it does not hold one of these values, of which `found` tells; nothing where that cannot
/// be told.
fn held(values: &[&Value], wanted: &DataType, found: &mut bool) -> Option<DataType> {
    let values: Vec<&Value> = values.iter().copied().filter(|value| !value.is_null()).collect();
    if let Some((entries, sides)) = sides(wanted)
        && values.iter().all(|value| value.is_object())
    {
        let inside = values.iter().filter_map(|value| value.as_object());
        let (keys, values): (Vec<Value>, Vec<&Value>) = inside
            .flatten()
            .map(|(key, value)| (Value::String(key.clone()), value))
            .unzip();
        let of = |side: &FieldRef, values: &[&Value], found: &mut bool| -> Option<FieldRef> {
            let data_type = held(values, side.data_type(), found)?;
            Some(Arc::new(side.as_ref().clone().with_data_type(data_type)))
        };
        let key = of(&sides[0], &keys.iter().collect::<Vec<_>>(), found)?;
        let value = of(&sides[1], &values, found)?;
        let parts = map(entries, &key, &value, matches!(wanted, DataType::Map(_, true)));
        // Keys and values may fit one by one, and not together: where a key comes twice.
        if parts != *wanted {
            return Some(parts);
        }
    }
    let present: Vec<Option<&Value>> = values.iter().copied().map(Some).collect();
    match wanted {
        DataType::Struct(fields) if values.iter().all(|value| value.is_object()) => {
            let fields = fields.iter().map(|field| {
                let inside: Vec<&Value> = values.iter().filter_map(|value| value.get(field.name())).collect();
                let data_type = held(&inside, field.data_type(), found)?;
                Some(field.as_ref().clone().with_data_type(data_type))
            });
            Some(DataType::Struct(fields.collect::<Option<_>>()?))
        }
        DataType::List(item) if values.iter().all(|value| value.is_array()) => {
            let items: Vec<&Value> = values.iter().filter_map(|value| value.as_array()).flatten().collect();
            let data_type = held(&items, item.data_type(), found)?;
            let item = item.as_ref().clone().with_data_type(data_type);
            Some(DataType::List(Arc::new(item)))
        }
        // As a stream reads it, which is soon told.
        _ if reading::column(&present, wanted).is_ok_and(|read| !read.failures.is_empty()) => {
            *found = true;
            Some(DataType::Utf8)
        }
        _ => {
            let records: Vec<String> = values.iter().map(|value| record(value)).collect();
            let records: Vec<&str> = records.iter().map(String::as_str).collect();
            let read = records::read(&records, &alone(wanted)).ok()?;
            if read.lost.iter().all(Option::is_none) {
                return Some(wanted.clone());
            }
            *found = true;
            Some(DataType::Utf8)
        }
    }
}

/// A value as it is written where some of it is text.
fn written(value: &Value, data_type: &DataType) -> Value {
    match (value, data_type) {
        (Value::Object(object), DataType::Struct(fields)) => {
            let fields = fields.iter().filter_map(|field| {
                let value = object.get(field.name())?;
                Some((field.name().clone(), written(value, field.data_type())))
            });
            Value::Object(fields.collect())
        }
        (Value::Array(items), DataType::List(item)) => {
            items.iter().map(|value| written(value, item.data_type())).collect()
        }
        (Value::Object(object), DataType::Map(..)) => {
            let entries = object.iter().map(|(key, value)| {
                let value = match sides(data_type) {
                    Some((_, sides)) => written(value, sides[1].data_type()),
                    None => value.clone(),
                };
                (key.clone(), value)
            });
            Value::Object(entries.collect())
        }
        (value, DataType::Utf8) => said(value).map_or(Value::Null, Value::String),
        (value, _) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray};
    use arrow::datatypes::{Decimal128Type, Int32Type, TimeUnit};
    use serde_json::json;

    use super::*;

    fn amount() -> DataType {
        DataType::Struct(Fields::from(vec![
            Field::new("value", DataType::Decimal128(12, 2), false),
            Field::new("currency", DataType::Utf8, true),
        ]))
    }

    fn told(value: Value, wanted: &DataType) -> Told {
        Told::of("c", wanted, &value).unwrap()
    }

    #[test]
    fn a_field_that_does_not_fit_is_text_beside_those_that_do() {
        let amounts = [
            told(json!({"value": 1.005, "currency": "EUR", "other": 1}), &amount()),
            told(json!({"value": "two", "currency": null}), &amount()),
        ];
        assert_eq!(amounts[0].data_type, amounts[1].data_type);
        let column = Told::column(&[&amounts[0], &amounts[1]]).unwrap();
        let values = column.as_struct().column(0).as_string::<i32>();
        assert_eq!((values.value(0), values.value(1)), ("1.005", "two"));
        let currencies = column.as_struct().column(1).as_string::<i32>();
        assert_eq!((currencies.value(0), currencies.is_null(1)), ("EUR", true));
        // The other way round the number is a number.
        let other = told(json!({"value": 1.5, "currency": {"x": 1}}), &amount());
        let column = Told::column(&[&other]).unwrap();
        let values = column.as_struct().column(0).as_primitive::<Decimal128Type>();
        assert_eq!(values.value(0), 150);
        assert_eq!(column.as_struct().column(1).as_string::<i32>().value(0), r#"{"x":1}"#);
    }

    #[test]
    fn what_is_of_another_kind_is_text_as_a_whole() {
        for (value, text) in [(json!(5), "5"), (json!("5 EUR"), "5 EUR"), (json!([1]), "[1]")] {
            let told = told(value, &amount());
            assert_eq!(told.data_type, DataType::Utf8);
            assert_eq!(Told::column(&[&told]).unwrap().as_string::<i32>().value(0), text);
        }
        let day = told(json!("03.01.2026"), &DataType::Date32);
        assert_eq!(day.data_type, DataType::Utf8);
    }

    #[test]
    fn the_items_of_a_list_are_of_one_type() {
        let lists = DataType::List(Arc::new(Field::new("element", amount(), false)));
        let list = told(json!([{"value": 1}, null, {"value": "x", "currency": "EUR"}]), &lists);
        let column = Told::column(&[&list]).unwrap();
        let items = column.as_list::<i32>().value(0);
        let values = items.as_struct().column(0).as_string::<i32>();
        assert_eq!((values.value(0), values.value(2)), ("1", "x"));
        assert!(items.is_null(1));
    }

    fn maps(key: DataType, value: DataType) -> DataType {
        let sides = Fields::from(vec![Field::new("key", key, false), Field::new("value", value, false)]);
        DataType::Map(Arc::new(Field::new("key_value", DataType::Struct(sides), false)), false)
    }

    /// The types of a map's keys and values.
    fn kinds(map: &Told) -> (DataType, DataType) {
        let (_, sides) = sides(&map.data_type).unwrap();
        (sides[0].data_type().clone(), sides[1].data_type().clone())
    }

    #[test]
    fn the_values_of_a_map_are_text_where_one_of_them_does_not_fit_and_so_are_its_keys() {
        let rates = told(
            json!({"de": "0,19", "at": 0.2, "fr": null}),
            &maps(DataType::Utf8, DataType::Float64),
        );
        assert_eq!(kinds(&rates), (DataType::Utf8, DataType::Utf8));
        let column = Told::column(&[&rates]).unwrap();
        let map = column.as_map();
        let keys: Vec<_> = map.keys().as_string::<i32>().iter().flatten().collect();
        assert_eq!(keys, ["de", "at", "fr"]);
        let values: Vec<_> = map.values().as_string::<i32>().iter().collect();
        assert_eq!(values, [Some("0,19"), Some("0.2"), None]);
        let numbered = told(json!({"1": 5, "two": 6}), &maps(DataType::Int32, DataType::Int32));
        assert_eq!(kinds(&numbered), (DataType::Utf8, DataType::Int32));
        // Of objects only the field that does not fit.
        let amounts = told(
            json!({"1": {"value": "x", "currency": "EUR"}}),
            &maps(DataType::Int32, amount()),
        );
        let (key, value) = kinds(&amounts);
        assert_eq!(key, DataType::Int32);
        let DataType::Struct(fields) = value else {
            panic!("{value}");
        };
        assert_eq!(fields[0].data_type(), &DataType::Utf8);
        let column = Told::column(&[&amounts]).unwrap();
        assert_eq!(column.as_map().keys().as_primitive::<Int32Type>().values(), &[1]);
    }

    #[test]
    fn a_map_that_has_a_key_twice_is_text_as_a_whole() {
        let days = maps(DataType::Decimal128(4, 2), DataType::Int32);
        let twice = told(json!({"1": 5, "1.0": 6}), &days);
        assert_eq!(twice.data_type, DataType::Utf8);
        // Also beside something else that does not fit.
        let object = DataType::Struct(Fields::from(vec![
            Field::new("m", days.clone(), true),
            Field::new("n", DataType::Int32, true),
        ]));
        let both = told(json!({"m": {"1": 5, "1.0": 6}, "n": "x"}), &object);
        let column = Told::column(&[&both]).unwrap();
        assert_eq!(
            column.as_struct().column(0).as_string::<i32>().value(0),
            r#"{"1":5,"1.0":6}"#
        );
        let none = told(json!(["x"]), &days);
        assert_eq!(Told::column(&[&none]).unwrap().as_string::<i32>().value(0), r#"["x"]"#);
    }

    #[test]
    fn what_is_text_in_parts_keeps_how_it_came() {
        let received = r#"{"other":[1],"value":1.0050,"currency":"EUR"}"#;
        let partly = told(serde_json::from_str(received).unwrap(), &amount());
        let texts = Told::as_json(&[&partly]).unwrap();
        assert_eq!(texts.value(0), received);
        assert!(Told::as_json(&[&told(json!("5 EUR"), &amount())]).is_none());
    }

    #[test]
    fn a_time_whose_zone_the_record_does_not_say_is_text() {
        let at = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let o = DataType::Struct(Fields::from(vec![
            Field::new("at", at, true),
            Field::new("n", DataType::Int32, true),
        ]));
        let told = told(json!({"at": "2026-07-02T08:30:00", "n": "six"}), &o);
        let column = Told::column(&[&told]).unwrap();
        let times = column.as_struct().column(0).as_string::<i32>();
        assert_eq!(times.value(0), "2026-07-02T08:30:00");
    }
}
