//! The Arrow schema that a contract describes.

use std::sync::Arc;

use arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType, Field, Schema, SchemaRef, TimeUnit};
use polder_contract::rule::OnFailure;
use polder_contract::{ColumnType, Property, SchemaObject};
use polder_core::{Error, ErrorKind, Result};

/// The columns that a contract object promises, in its order: the schema of the Delta table without platform columns.
///
/// A column is nullable unless it is required and rows without it are kept out: where that only warns, they are taken.
/// Values inside structs, lists and maps are always nullable: the gate checks what is required in there, and a reader of
/// the table need not.
///
/// # Errors
/// `Document`, where a property has no type that a Delta table can hold.
pub fn arrow_schema(object: &SchemaObject) -> Result<SchemaRef> {
    let fields = object
        .properties
        .iter()
        .map(|property| {
            let data_type = data_type(&property.column_type()?)
                .map_err(|what| Error::new(ErrorKind::Document, format!("column `{}` {what}", property.name)))?;
            let nullable = !property.required || object.on_failure(property) == OnFailure::Warn;
            Ok(Field::new(&property.name, data_type, nullable))
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Arc::new(Schema::new(fields)))
}

/// The columns as they are read from records: as [`arrow_schema`] has them, but an instant with a `defaultTimezone` is
/// of that zone, in which texts without an offset are to be read. The gate brings it into UTC.
///
/// # Errors
/// `Document`, as [`arrow_schema`].
pub fn arrival_schema(object: &SchemaObject) -> Result<SchemaRef> {
    let fields = arrow_schema(object)?;
    let fields = fields.fields().iter().zip(&object.properties);
    let zoned = fields.map(|(field, property)| {
        let data_type = in_default_zone(field.data_type(), property);
        field.as_ref().clone().with_data_type(data_type)
    });
    Ok(Arc::new(Schema::new(zoned.collect::<Vec<_>>())))
}

fn in_default_zone(data_type: &DataType, property: &Property) -> DataType {
    let inside = |field: &Field, property: &Property| {
        let data_type = in_default_zone(field.data_type(), property);
        Arc::new(field.clone().with_data_type(data_type))
    };
    match data_type {
        DataType::Timestamp(unit, Some(utc)) => {
            let zone = match property
                .options
                .default_timezone
                .as_ref()
                .map(|zone| zone.text.as_str())
            {
                None | Some("Z") => Arc::clone(utc),
                Some(zone) => zone.into(),
            };
            DataType::Timestamp(*unit, Some(zone))
        }
        DataType::List(item) => match property.items.as_deref() {
            Some(items) => DataType::List(inside(item, items)),
            None => data_type.clone(),
        },
        DataType::Struct(fields) => {
            let fields = fields.iter().map(|field| {
                let property = property.properties.iter().find(|inner| inner.name == *field.name());
                property.map_or_else(|| Arc::clone(field), |property| inside(field, property))
            });
            DataType::Struct(fields.collect())
        }
        DataType::Map(entries, sorted) => match (entries.data_type(), property.map.as_deref()) {
            (DataType::Struct(pair), Some((key, value))) if pair.len() == 2 => {
                let pair = vec![inside(&pair[0], key), inside(&pair[1], value)];
                let entries = entries.as_ref().clone().with_data_type(DataType::Struct(pair.into()));
                DataType::Map(Arc::new(entries), *sorted)
            }
            _ => data_type.clone(),
        },
        _ => data_type.clone(),
    }
}

/// The Arrow type of a value.
///
/// # Errors
/// `Document`, where no Delta table can hold it.
pub(crate) fn property_type(property: &Property) -> Result<DataType> {
    data_type(&property.column_type()?)
        .map_err(|what| Error::new(ErrorKind::Document, format!("`{}` {what}", property.name)))
}

/// The Arrow type of a column, or what is wrong with it.
fn data_type(column: &ColumnType) -> Result<DataType, String> {
    Ok(match column {
        ColumnType::Boolean => DataType::Boolean,
        ColumnType::Int32 => DataType::Int32,
        ColumnType::Int64 => DataType::Int64,
        ColumnType::Float64 => DataType::Float64,
        ColumnType::Decimal { precision, scale } => {
            let precision = u8::try_from(*precision).unwrap_or(u8::MAX);
            match i8::try_from(*scale) {
                Ok(scale)
                    if scale >= 0 && precision <= DECIMAL128_MAX_PRECISION && scale.unsigned_abs() <= precision =>
                {
                    DataType::Decimal128(precision, scale)
                }
                _ => return Err(format!("is no decimal of at most {DECIMAL128_MAX_PRECISION} digits")),
            }
        }
        ColumnType::String => DataType::Utf8,
        ColumnType::Binary => DataType::Binary,
        ColumnType::Date => DataType::Date32,
        ColumnType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        ColumnType::TimestampLocal => DataType::Timestamp(TimeUnit::Microsecond, None),
        ColumnType::Time => return Err("is a time of day, which Delta tables do not know: declare a string".to_owned()),
        // The name that Delta's own Arrow mapping gives to list elements.
        ColumnType::List(items) => DataType::List(Arc::new(Field::new("element", data_type(items)?, true))),
        // The names that Delta's own Arrow mapping gives to the entries of maps.
        ColumnType::Map(key, value) => {
            let entry = vec![
                Field::new("key", data_type(key)?, false),
                Field::new("value", data_type(value)?, true),
            ];
            DataType::Map(
                Arc::new(Field::new("key_value", DataType::Struct(entry.into()), false)),
                false,
            )
        }
        ColumnType::Struct(fields) => DataType::Struct(
            fields
                .iter()
                .map(|(name, column, _)| Ok(Field::new(name, data_type(column)?, true)))
                .collect::<Result<_, String>>()?,
        ),
    })
}

/// A type in the words of contracts (`string`, `decimal(10,2)`), as [`ColumnType`] says it; of a type that no contract
/// can name, Arrow's words.
pub fn in_words(data_type: &DataType) -> String {
    let arrow = || data_type.to_string();
    match data_type {
        DataType::Boolean => "boolean".to_owned(),
        DataType::Int8 => "tinyint".to_owned(),
        DataType::Int16 => "smallint".to_owned(),
        DataType::Int32 => "int".to_owned(),
        DataType::Int64 => "bigint".to_owned(),
        DataType::Float32 => "float".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => format!("decimal({precision},{scale})"),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "string".to_owned(),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            "binary".to_owned()
        }
        DataType::Date32 | DataType::Date64 => "date".to_owned(),
        DataType::Time32(_) | DataType::Time64(_) => "time".to_owned(),
        // No contract can ask for another unit: what a reader must know is whether there is a zone.
        DataType::Timestamp(_, Some(_)) => "timestamp".to_owned(),
        DataType::Timestamp(_, None) => "timestamp_ntz".to_owned(),
        DataType::Dictionary(_, values) => in_words(values),
        DataType::List(items)
        | DataType::LargeList(items)
        | DataType::FixedSizeList(items, _)
        | DataType::ListView(items)
        | DataType::LargeListView(items) => format!("array<{}>", in_words(items.data_type())),
        DataType::Struct(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|field| format!("{}:{}", field.name(), in_words(field.data_type())))
                .collect();
            format!("struct<{}>", fields.join(","))
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(pair) if pair.len() == 2 => {
                format!(
                    "map<{},{}>",
                    in_words(pair[0].data_type()),
                    in_words(pair[1].data_type())
                )
            }
            _ => arrow(),
        },
        _ => arrow(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_named_as_the_contract_names_it() {
        let columns = [
            ColumnType::Boolean,
            ColumnType::Int32,
            ColumnType::Int64,
            ColumnType::Float64,
            ColumnType::Decimal {
                precision: 10,
                scale: 2,
            },
            ColumnType::String,
            ColumnType::Binary,
            ColumnType::Date,
            ColumnType::Timestamp,
            ColumnType::TimestampLocal,
            ColumnType::List(Box::new(ColumnType::Int64)),
            ColumnType::Map(Box::new(ColumnType::String), Box::new(ColumnType::Date)),
            ColumnType::Struct(vec![
                ("city".to_owned(), ColumnType::String, true),
                ("since".to_owned(), ColumnType::Date, false),
            ]),
        ];
        for column in columns {
            assert_eq!(in_words(&data_type(&column).unwrap()), column.to_string());
        }
        assert_eq!(in_words(&DataType::Utf8View), "string");
    }
}
