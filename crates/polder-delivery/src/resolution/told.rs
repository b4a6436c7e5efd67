//! Values as they were received, for whoever computes from them: what its type does not hold is text.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use polder_core::{ErrorKind, Result, ResultExt};
use polder_gate::reading;
use serde_json::{Map, Value};

use super::kept::said;
use super::records;

/// What was received of a column of one row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Told {
    /// The column.
    pub(super) name: String,
    /// The column's type with text for what it does not hold: for a field of an object, the items of a list, or all of it.
    pub(super) data_type: DataType,
    value: Value,
}

impl Told {
    /// What was received of a column of this type, which does not hold it; nothing where that cannot be told.
    pub(super) fn of(name: &str, wanted: &DataType, value: &Value) -> Option<Self> {
        let wanted = with_nulls(wanted);
        let mut found = false;
        let data_type = match &wanted {
            DataType::Struct(_) | DataType::List(_) => held(&[value], &wanted, &mut found)?,
            _ => DataType::Utf8,
        };
        // Where no part of it is to blame all of it is text, for somebody says that it does not fit.
        let data_type = if found { data_type } else { DataType::Utf8 };
        Some(Self {
            name: name.to_owned(),
            value: written(value, &data_type),
            data_type,
        })
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
        other => other.clone(),
    }
}

/// The wanted type with text where it does not hold one of these values, of which `found` tells; nothing where that cannot
/// be told.
fn held(values: &[&Value], wanted: &DataType, found: &mut bool) -> Option<DataType> {
    let values: Vec<&Value> = values.iter().copied().filter(|value| !value.is_null()).collect();
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
        (value, DataType::Utf8) => said(value).map_or(Value::Null, Value::String),
        (value, _) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray};
    use arrow::datatypes::{Decimal128Type, Fields, TimeUnit};
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
