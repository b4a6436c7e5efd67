//! The Arrow schema that a contract describes.

use std::sync::Arc;

use arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType, Field, Schema, SchemaRef, TimeUnit};
use polder_contract::{ColumnType, SchemaObject};
use polder_core::{Error, ErrorKind, Result};

/// The columns that a contract object promises, in its order: the schema of the Delta table without platform columns.
///
/// A column is nullable unless it is required. Values inside structs, lists and maps are always nullable: the gate checks
/// what is required in there, and a reader of the table need not.
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
            Ok(Field::new(&property.name, data_type, !property.required))
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Arc::new(Schema::new(fields)))
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
