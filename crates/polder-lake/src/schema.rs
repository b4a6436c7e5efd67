//! Between Arrow's schemas and Delta's: which columns a table gets, and batches in its form.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use deltalake::kernel::engine::arrow_conversion::{TryIntoArrow, TryIntoKernel};
use deltalake::kernel::{StructType, normalize_for_delta};
use deltalake::table::state::DeltaTableState;
use polder_core::{DatasetName, Error, ErrorKind, Result};

/// How a table says by what the columns of its files are found.
pub(crate) const COLUMN_MAPPING: &str = "delta.columnMapping.mode";

/// The Delta schema of Arrow columns.
///
/// # Errors
/// `Document`, for a type that Delta tables do not have.
pub(crate) fn to_delta(name: &DatasetName, schema: &SchemaRef) -> Result<StructType> {
    let plain: Vec<_> = schema.fields().iter().map(|field| plain_field(field)).collect();
    for (field, plain) in schema.fields().iter().zip(&plain) {
        if let DataType::Time32(_) | DataType::Time64(_) | DataType::Duration(_) | DataType::Interval(_) =
            plain.data_type()
        {
            let message = format!(
                "{name}: column `{}` is {}, which tables do not have",
                field.name(),
                field.data_type()
            );
            return Err(Error::new(ErrorKind::Document, message).with_help("keep it as text or as a number"));
        }
    }
    let normal = normalize_for_delta(&Arc::new(Schema::new(plain)));
    normal.as_ref().try_into_kernel().map_err(|cause| {
        Error::new(
            ErrorKind::Document,
            format!("{name}: these columns cannot be kept in a table"),
        )
        .with_source(cause)
    })
}

/// The Arrow columns of a table as its log tells them.
///
/// # Errors
/// `Data` for a column that no type of Arrow holds, and for a table whose files name their columns by numbers alone: read by
/// name, as the Delta library reads them, all of their values would be null.
pub(crate) fn columns_of(name: &DatasetName, state: &DeltaTableState) -> Result<SchemaRef> {
    let mapping = state.metadata().configuration().get(COLUMN_MAPPING);
    if mapping.is_some_and(|mode| mode == "id") {
        let message = format!("{name} cannot be read: its columns are mapped by id (`{COLUMN_MAPPING}`)");
        let help = "have its maker write it anew with columns mapped by name, or without a mapping";
        return Err(Error::new(ErrorKind::Data, message).with_help(help));
    }
    to_arrow(name, state.schema().as_ref())
}

/// The Arrow columns of a Delta schema.
pub(crate) fn to_arrow(name: &DatasetName, schema: &StructType) -> Result<SchemaRef> {
    let schema: Schema = schema.try_into_arrow().map_err(|cause| {
        Error::new(
            ErrorKind::Data,
            format!("{name}: the table has a column that cannot be read"),
        )
        .with_source(cause)
    })?;
    Ok(Arc::new(schema))
}

/// A field without metadata and with plain strings and bytes instead of views, large and dictionary encodings.
fn plain_field(field: &Field) -> Field {
    Field::new(field.name(), plain_type(field.data_type()), field.is_nullable())
}

fn plain_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Utf8View | DataType::LargeUtf8 => DataType::Utf8,
        DataType::BinaryView | DataType::LargeBinary => DataType::Binary,
        DataType::Dictionary(_, value) => plain_type(value),
        DataType::RunEndEncoded(_, value) => plain_type(value.data_type()),
        DataType::List(item) | DataType::LargeList(item) | DataType::ListView(item) => {
            DataType::List(Arc::new(plain_field(item).with_name("element")))
        }
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(|field| plain_field(field)).collect()),
        // Any zone names the same instant; Delta's timestamps are UTC.
        DataType::Timestamp(unit, Some(_)) => DataType::Timestamp(*unit, Some("UTC".into())),
        other => other.clone(),
    }
}

/// A batch with exactly the table's columns, in its order: by name, encodings cast, missing nullable columns null.
///
/// # Errors
/// `Data`, for a column that the table does not have, a type that would not keep its value, a value that does not fit,
/// and a null in a required column.
pub(crate) fn conform(name: &DatasetName, batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let refuse = |message: String| Error::new(ErrorKind::Data, format!("{name}: {message}"));
    let given = batch.schema();
    if let Some(extra) = given
        .fields()
        .iter()
        .find(|field| schema.field_with_name(field.name()).is_err())
    {
        return Err(refuse(format!("column `{}` is not in the table", extra.name())));
    }
    let options = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    let columns = schema.fields().iter().map(|field| -> Result<ArrayRef> {
        let column = match batch.column_by_name(field.name()) {
            Some(column) if column.data_type() == field.data_type() => Arc::clone(column),
            Some(column) if keeps_value(column.data_type(), field.data_type()) => {
                cast_with_options(column, field.data_type(), &options).map_err(|cause| {
                    refuse(format!(
                        "a value of column `{}` does not fit {}",
                        field.name(),
                        field.data_type()
                    ))
                    .with_source(cause)
                })?
            }
            Some(column) => {
                let (from, to) = (column.data_type(), field.data_type());
                return Err(
                    refuse(format!("column `{}` is {from}, the table has {to}", field.name()))
                        .with_help("cast it in the query"),
                );
            }
            None => new_null_array(field.data_type(), batch.num_rows()),
        };
        if !field.is_nullable() && column.null_count() > 0 {
            return Err(refuse(format!(
                "column `{}` is required and holds a null",
                field.name()
            )));
        }
        Ok(column)
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
        .map_err(|cause| refuse("rows do not fit the table".to_owned()).with_source(cause))
}

/// Whether a cast keeps every value or fails; nothing is rounded, cut or given another meaning. One exception:
/// timestamps finer than a microsecond lose what tables cannot keep.
fn keeps_value(from: &DataType, to: &DataType) -> bool {
    let from = &plain_type(from);
    match (from, to) {
        (DataType::Null, _) => true,
        (DataType::Float32, DataType::Float64) => true,
        (DataType::Date64, DataType::Date32) => true,
        (DataType::Timestamp(_, from_zone), DataType::Timestamp(TimeUnit::Microsecond, to_zone)) => {
            from_zone.is_some() == to_zone.is_some()
        }
        (DataType::Decimal128(_, from_scale), DataType::Decimal128(_, to_scale))
        | (DataType::Decimal256(_, from_scale), DataType::Decimal128(_, to_scale)) => from_scale <= to_scale,
        (from, DataType::Decimal128(..)) => from.is_integer(),
        (from, to) if from.is_integer() && to.is_integer() => true,
        (DataType::FixedSizeBinary(_), DataType::Binary) => true,
        (DataType::List(a), DataType::List(b)) => keeps_value(a.data_type(), b.data_type()),
        // Of the names of a map's parts each maker has its own.
        (DataType::Map(a, false), DataType::Map(b, false)) => match (a.data_type(), b.data_type()) {
            (DataType::Struct(a), DataType::Struct(b)) if a.len() == b.len() => {
                a.iter().zip(b).all(|(a, b)| keeps_value(a.data_type(), b.data_type()))
            }
            _ => false,
        },
        (DataType::Struct(a), DataType::Struct(b)) => {
            a.len() == b.len()
                && a.iter()
                    .zip(b)
                    .all(|(a, b)| a.name() == b.name() && keeps_value(a.data_type(), b.data_type()))
        }
        (from, to) => from == to,
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray, Decimal128Array, Float64Array, Int64Array, StringViewArray};
    use arrow::datatypes::Int32Type;

    use super::*;

    fn name() -> DatasetName {
        "sales.bronze.lines".parse().unwrap()
    }

    fn schema(fields: Vec<Field>) -> SchemaRef {
        Arc::new(Schema::new(fields))
    }

    #[test]
    fn every_type_of_contracts_survives_the_way_there_and_back() {
        let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let fields = vec![
            Field::new("a", DataType::Boolean, true),
            Field::new("b", DataType::Int32, false),
            Field::new("c", DataType::Int64, true),
            Field::new("d", DataType::Float64, true),
            Field::new("e", DataType::Decimal128(12, 3), true),
            Field::new("f", DataType::Utf8, true),
            Field::new("g", DataType::Binary, true),
            Field::new("h", DataType::Date32, true),
            Field::new("i", utc, true),
            Field::new("j", DataType::Timestamp(TimeUnit::Microsecond, None), true),
            Field::new(
                "k",
                DataType::List(Arc::new(Field::new("element", DataType::Utf8, true))),
                true,
            ),
            Field::new(
                "l",
                DataType::Struct(vec![Field::new("x", DataType::Int32, true)].into()),
                true,
            ),
        ];
        let there = schema(fields);
        assert_eq!(to_arrow(&name(), &to_delta(&name(), &there).unwrap()).unwrap(), there);
    }

    #[test]
    fn a_time_of_day_is_refused() {
        let error = to_delta(
            &name(),
            &schema(vec![Field::new("t", DataType::Time64(TimeUnit::Microsecond), true)]),
        );
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Document);
    }

    #[test]
    fn a_batch_is_brought_into_the_tables_form() {
        let table = schema(vec![
            Field::new("text", DataType::Utf8, true),
            Field::new("number", DataType::Int32, true),
            Field::new("later", DataType::Utf8, true),
        ]);
        let batch = RecordBatch::try_from_iter([
            ("number", Arc::new(Int64Array::from(vec![7])) as ArrayRef),
            ("text", Arc::new(StringViewArray::from(vec!["seven"])) as ArrayRef),
        ])
        .unwrap();
        let conformed = conform(&name(), &batch, &table).unwrap();
        assert_eq!(conformed.schema(), table);
        assert_eq!(conformed.column(0).as_string::<i32>().value(0), "seven");
        assert_eq!(conformed.column(1).as_primitive::<Int32Type>().value(0), 7);
        assert_eq!(conformed.column(2).null_count(), 1);
    }

    #[test]
    fn nothing_is_rounded_cut_or_dropped() {
        let cases: Vec<(ArrayRef, DataType)> = vec![
            (Arc::new(Float64Array::from(vec![1.5])), DataType::Decimal128(12, 3)),
            (Arc::new(Float64Array::from(vec![1.5])), DataType::Int64),
            (Arc::new(Int64Array::from(vec![i64::MAX])), DataType::Int32),
            (
                Arc::new(
                    Decimal128Array::from(vec![12345])
                        .with_precision_and_scale(10, 4)
                        .unwrap(),
                ),
                DataType::Decimal128(10, 2),
            ),
            (Arc::new(StringViewArray::from(vec!["1"])), DataType::Int32),
        ];
        for (column, to) in cases {
            let batch = RecordBatch::try_from_iter([("x", column)]).unwrap();
            let error = conform(&name(), &batch, &schema(vec![Field::new("x", to.clone(), true)])).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Data, "{to}");
        }
        let batch = RecordBatch::try_from_iter([("y", Arc::new(Int64Array::from(vec![1])) as ArrayRef)]).unwrap();
        let error = conform(&name(), &batch, &schema(vec![Field::new("x", DataType::Int64, true)])).unwrap_err();
        assert!(error.to_string().contains("`y` is not in the table"), "{error}");
    }
}
