//! Columns of a table, with their types, as properties of a contract.

use std::collections::BTreeMap;

use arrow::datatypes::{DataType, Field, TimeUnit};
use polder_core::Result;
use serde_json::{Map, Value, json};

use super::NO_PLACE;
use crate::bounds::Bounds;
use crate::kind::{INT64, Kind};
use crate::loss::{Tracker, describe};

/// Takes the description out of a field's metadata, and names the rest.
fn about(field: &Field, path: &str, tracker: &Tracker, property: &mut Map<String, Value>) {
    let metadata: BTreeMap<_, _> = field.metadata().iter().collect();
    for (key, value) in metadata {
        match key.as_str() {
            "comment" | "description" if !property.contains_key("description") => {
                property.insert("description".to_owned(), json!(value));
            }
            _ => tracker.lose(path, format!("{key}: {}", describe(&json!(value))), NO_PLACE),
        }
    }
}

/// A column, or a value inside one, with its type.
pub(super) fn property(
    field: &Field,
    path: &str,
    depth: usize,
    tracker: &Tracker,
    bounds: &Bounds,
) -> Result<Map<String, Value>> {
    let mut property = Map::from_iter([("name".to_owned(), json!(field.name()))]);
    about(field, path, tracker, &mut property);
    typed(field.data_type(), path, depth, tracker, bounds, &mut property)?;
    if !field.is_nullable() {
        property.insert("required".to_owned(), json!(true));
    }
    Ok(property)
}

fn inside(field: &Field, path: &str, depth: usize, tracker: &Tracker, bounds: &Bounds) -> Result<Value> {
    let mut inside = property(field, path, depth, tracker, bounds)?;
    inside.remove("name");
    Ok(Value::Object(inside))
}

fn typed(
    data_type: &DataType,
    path: &str,
    depth: usize,
    tracker: &Tracker,
    bounds: &Bounds,
    out: &mut Map<String, Value>,
) -> Result<()> {
    bounds.enter(depth, path)?;
    let integer = |bits, signed| Kind::Integer { bits, signed };
    let lose = |why: &str| tracker.lose(path, data_type.to_string(), why);
    let kind = match data_type {
        DataType::Boolean => Kind::Boolean,
        DataType::Int8 => integer(8, true),
        DataType::Int16 => integer(16, true),
        DataType::Int32 => integer(32, true),
        DataType::Int64 => INT64,
        DataType::UInt8 => integer(8, false),
        DataType::UInt16 => integer(16, false),
        DataType::UInt32 => integer(32, false),
        DataType::UInt64 => integer(64, false),
        DataType::Float16 | DataType::Float32 => Kind::Float32,
        DataType::Float64 => Kind::Float64,
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => match u32::try_from(*scale) {
            Ok(scale) if *precision <= 38 => Kind::Decimal {
                precision: u32::from(*precision),
                scale,
            },
            _ => {
                lose("a contract has decimals of up to 38 digits: written as a float");
                Kind::Float64
            }
        },
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Kind::String,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => Kind::Binary,
        DataType::FixedSizeBinary(_) => {
            lose("a contract has no length of bytes");
            Kind::Binary
        }
        DataType::Date32 | DataType::Date64 => Kind::Date,
        DataType::Timestamp(unit, zone) => {
            if *unit != TimeUnit::Microsecond {
                lose("times in a contract are of microseconds");
            }
            if let Some(zone) = zone {
                if !matches!(zone.as_ref(), "UTC" | "+00:00" | "Z") {
                    lose("instants in a contract are of no other zone than UTC");
                }
                Kind::Timestamp
            } else {
                Kind::TimestampLocal
            }
        }
        DataType::Time32(unit) | DataType::Time64(unit) => {
            if *unit != TimeUnit::Microsecond {
                lose("times in a contract are of microseconds");
            }
            Kind::Time
        }
        DataType::Dictionary(_, values) => return typed(values, path, depth + 1, tracker, bounds, out),
        DataType::RunEndEncoded(_, values) => return typed(values.data_type(), path, depth + 1, tracker, bounds, out),
        DataType::List(items)
        | DataType::LargeList(items)
        | DataType::ListView(items)
        | DataType::LargeListView(items)
        | DataType::FixedSizeList(items, _) => {
            if let DataType::FixedSizeList(..) = data_type {
                lose("a list of no fixed length");
            }
            Kind::Array.write(out);
            let items = inside(items, &format!("{path}.items"), depth + 1, tracker, bounds)?;
            out.insert("items".to_owned(), items);
            return Ok(());
        }
        DataType::Struct(fields) => {
            Kind::Object.write(out);
            let fields: Result<Vec<Value>> = fields
                .iter()
                .map(|field| {
                    let path = format!("{path}.{}", field.name());
                    property(field, &path, depth + 1, tracker, bounds).map(Value::Object)
                })
                .collect();
            out.insert("properties".to_owned(), Value::Array(fields?));
            return Ok(());
        }
        DataType::Map(entries, _) => {
            Kind::Map.write(out);
            if let DataType::Struct(sides) = entries.data_type()
                && let [key, value] = sides.iter().as_slice()
            {
                let key = inside(key, &format!("{path}.key"), depth + 1, tracker, bounds)?;
                let value = inside(value, &format!("{path}.value"), depth + 1, tracker, bounds)?;
                out.insert("map".to_owned(), json!({"key": key, "value": value}));
            }
            return Ok(());
        }
        DataType::Null | DataType::Duration(_) | DataType::Interval(_) | DataType::Union(_, _) => {
            lose("a contract has no such type: written as text");
            Kind::String
        }
    };
    kind.write(out);
    Ok(())
}
