//! Numbers without a sign, as what ranks and counts gives them, in files: as integers like others, which every other engine and
//! each contract has.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Schema, SchemaRef, UInt64Type};
use polder_core::{Error, ErrorKind, Result};

/// The columns with a sign.
pub(super) fn signed(schema: &SchemaRef) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| match field.data_type() {
        DataType::UInt64 => Arc::new(field.as_ref().clone().with_data_type(DataType::Int64)),
        _ => Arc::clone(field),
    });
    Arc::new(Schema::new_with_metadata(
        fields.collect::<Vec<_>>(),
        schema.metadata().clone(),
    ))
}

/// The values of a result in these columns.
///
/// # Errors
/// `Data`, where a number is too large for one with a sign.
pub(super) fn columns(schema: &Schema, rows: &RecordBatch) -> Result<Vec<ArrayRef>> {
    let columns = rows.columns().iter().zip(schema.fields());
    let held = columns.map(|(column, field)| match (column.data_type(), field.data_type()) {
        (DataType::UInt64, DataType::Int64) => {
            let numbers = column.as_primitive::<UInt64Type>().iter();
            let numbers = numbers.map(|number| number.map(i64::try_from).transpose());
            let numbers: Int64Array = numbers
                .collect::<std::result::Result<_, _>>()
                .map_err(|_| too_large(field.name()))?;
            Ok(Arc::new(numbers) as ArrayRef)
        }
        _ => Ok(Arc::clone(column)),
    });
    held.collect()
}

fn too_large(name: &str) -> Error {
    let message = format!("`{name}` holds a number that is too large for a bigint");
    Error::new(ErrorKind::Data, message).with_help(format!("make it a decimal: CAST(… AS DECIMAL(20,0)) AS {name}"))
}

#[cfg(test)]
mod tests {
    use arrow::array::UInt64Array;
    use arrow::datatypes::Int64Type;

    use super::*;

    #[test]
    fn numbers_without_a_sign_keep_their_values_or_are_refused() {
        let rows = |numbers: Vec<Option<u64>>| {
            let column: ArrayRef = Arc::new(UInt64Array::from(numbers));
            RecordBatch::try_from_iter([("nth", column)]).unwrap()
        };
        let largest = i64::MAX.cast_unsigned();
        let good = rows(vec![Some(1), None, Some(largest)]);
        let schema = signed(&good.schema());
        assert_eq!(*schema.field(0).data_type(), DataType::Int64);
        let held = columns(&schema, &good).unwrap();
        let held: Vec<_> = held[0].as_primitive::<Int64Type>().iter().collect();
        assert_eq!(held, [Some(1), None, Some(i64::MAX)]);
        let error = columns(&schema, &rows(vec![Some(1), Some(largest + 1)])).unwrap_err();
        assert_eq!(error.to_string(), "`nth` holds a number that is too large for a bigint");
    }
}
