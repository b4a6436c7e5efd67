//! The crossing between the platform's Arrow and Polars' own, by the Arrow C data interface: buffers are shared, not copied
//! (<https://arrow.apache.org/docs/format/CDataInterface.html>).
#![allow(unsafe_code)] // the C data interface is a contract between two libraries that no type can express

use arrow::array::{Array as _, ArrayRef, RecordBatch, make_array};
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi, to_ffi};
use polars::prelude::{Column, CompatLevel, DataFrame, Series};

use crate::{ErrorKind, Result, ResultExt};

/// A frame with the rows of all batches, column for column. Batches of no rows keep the columns' types.
///
/// # Errors
/// [`ErrorKind::Data`] for a column whose type Polars does not have.
pub fn frame_from_batches(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<DataFrame> {
    let empty = RecordBatch::new_empty(schema.clone());
    let batches = if batches.is_empty() {
        std::slice::from_ref(&empty)
    } else {
        batches
    };
    let columns = schema
        .fields()
        .iter()
        .enumerate()
        .map(|(i, field)| {
            let chunks = batches
                .iter()
                .map(|batch| import(batch.column(i)))
                .collect::<Result<Vec<_>>>()
                .context(ErrorKind::Data, || column_message(field))?;
            Series::from_arrow_chunks(field.name().as_str().into(), chunks)
                .map(Column::from)
                .context(ErrorKind::Data, || column_message(field))
        })
        .collect::<Result<Vec<_>>>()?;
    let rows = batches.iter().map(RecordBatch::num_rows).sum();
    DataFrame::new(rows, columns).context(ErrorKind::Internal, || {
        "columns of one batch differ in length".to_owned()
    })
}

/// The rows of a frame as one Arrow batch.
///
/// # Errors
/// [`ErrorKind::Data`] for a column whose type Arrow does not have.
pub fn batch_from_frame(frame: &DataFrame) -> Result<RecordBatch> {
    let mut fields = Vec::with_capacity(frame.width());
    let mut arrays = Vec::with_capacity(frame.width());
    for column in frame.columns() {
        let series = column.as_materialized_series().rechunk();
        let (field, array) = export(&series)?;
        fields.push(field);
        arrays.push(array);
    }
    RecordBatch::try_new(Schema::new(fields).into(), arrays)
        .context(ErrorKind::Internal, || "a frame's columns differ in length".to_owned())
}

fn column_message(field: &Field) -> String {
    format!(
        "column `{}` ({}) cannot become a Polars column",
        field.name(),
        field.data_type()
    )
}

/// Hands one array to Polars.
fn import(array: &ArrayRef) -> Result<polars_arrow::array::ArrayRef> {
    let (array, schema) =
        to_ffi(&array.to_data()).context(ErrorKind::Data, || "the array cannot be handed over".to_owned())?;
    // SAFETY: both types are the C data interface's own structs (`repr(C)`, the same fields in the same order), and
    // ownership moves: the source value is not used, nor dropped, again.
    let array = unsafe { std::mem::transmute::<FFI_ArrowArray, polars_arrow::ffi::ArrowArray>(array) };
    // SAFETY: as above.
    let schema = unsafe { std::mem::transmute::<FFI_ArrowSchema, polars_arrow::ffi::ArrowSchema>(schema) };
    // SAFETY: the schema was made by arrow-rs just now and is valid by the C data interface.
    let field = unsafe { polars_arrow::ffi::import_field_from_c(&schema) }
        .context(ErrorKind::Data, || "the type is not known to Polars".to_owned())?;
    // SAFETY: array and schema were made together by arrow-rs just now.
    unsafe { polars_arrow::ffi::import_array_from_c(array, field.dtype) }
        .context(ErrorKind::Data, || "the array is not known to Polars".to_owned())
}

/// Takes one series, of one chunk, from Polars.
fn export(series: &Series) -> Result<(Field, ArrayRef)> {
    let field = series
        .dtype()
        .to_arrow_field(series.name().clone(), CompatLevel::oldest());
    let array = series.to_arrow(0, CompatLevel::oldest());
    let schema = polars_arrow::ffi::export_field_to_c(&field);
    let array = polars_arrow::ffi::export_array_to_c(array);
    // SAFETY: as in `import`, in the other direction.
    let schema = unsafe { std::mem::transmute::<polars_arrow::ffi::ArrowSchema, FFI_ArrowSchema>(schema) };
    // SAFETY: as above.
    let array = unsafe { std::mem::transmute::<polars_arrow::ffi::ArrowArray, FFI_ArrowArray>(array) };
    let message = || format!("column `{}` cannot become an Arrow column", series.name());
    let field = Field::try_from(&schema).context(ErrorKind::Data, message)?;
    // SAFETY: array and schema were made together by Polars just now.
    let data = unsafe { from_ffi(array, &schema) }.context(ErrorKind::Data, message)?;
    Ok((field, make_array(data)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use arrow::array::{
        Date32Array, Decimal128Array, Float64Array, Int32Array, Int64Array, StringArray, TimestampMicrosecondArray,
    };
    use arrow::datatypes::{DataType, TimeUnit};

    #[test]
    fn every_column_type_of_a_contract_crosses_over_and_back_with_its_nulls() {
        let batch = RecordBatch::try_from_iter([
            ("text", Arc::new(StringArray::from(vec![Some("a"), None])) as ArrayRef),
            ("int", Arc::new(Int32Array::from(vec![Some(-1), None])) as ArrayRef),
            (
                "long",
                Arc::new(Int64Array::from(vec![Some(i64::MIN), Some(2)])) as ArrayRef,
            ),
            ("float", Arc::new(Float64Array::from(vec![Some(1.5), None])) as ArrayRef),
            (
                "date",
                Arc::new(Date32Array::from(vec![Some(14_944), None])) as ArrayRef,
            ),
            (
                "time",
                Arc::new(TimestampMicrosecondArray::from(vec![Some(1), None]).with_timezone("UTC")) as ArrayRef,
            ),
            (
                "money",
                Arc::new(
                    Decimal128Array::from(vec![Some(-1_050), None])
                        .with_precision_and_scale(38, 3)
                        .unwrap(),
                ) as ArrayRef,
            ),
        ])
        .unwrap();
        let frame = frame_from_batches(&batch.schema(), &[batch.clone(), batch.clone()]).unwrap();
        assert_eq!(frame.shape(), (4, 7));
        let back = batch_from_frame(&frame).unwrap();
        assert_eq!(
            back.schema().field(5).data_type(),
            &DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
        );
        for (i, field) in batch.schema().fields().iter().enumerate() {
            let returned = arrow::compute::cast(back.column(i), field.data_type()).unwrap();
            assert_eq!(&returned.slice(2, 2), batch.column(i), "{}", field.name());
        }
    }

    #[test]
    fn no_rows_keep_their_columns() {
        let schema: SchemaRef = Schema::new(vec![Field::new("a", DataType::Utf8, true)]).into();
        let frame = frame_from_batches(&schema, &[]).unwrap();
        assert_eq!(frame.shape(), (0, 1));
    }
}
