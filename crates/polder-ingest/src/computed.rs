//! Values that somebody computed, read as those that a stream brings.

use arrow::array::ArrayRef;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field};
use polder_core::{ErrorKind, Result, ResultExt};

use crate::decode::exact;

/// The values in the type of a column, exactly as a stream would read them: never rounded or cut. `arrives` is the type
/// in which the column's values arrive ([`arrival_schema`](polder_gate::arrival_schema)), `column` the one that it holds.
/// Rows whose value does not fit are null and told with why, ascending.
///
/// # Errors
/// `Internal`, where no value of the one type could ever be read as the other.
pub fn read_exactly(
    values: &ArrayRef,
    arrives: &DataType,
    column: &DataType,
) -> Result<(ArrayRef, Vec<(usize, String)>)> {
    let failed = || format!("cannot bring {} into a column of {column}", values.data_type());
    let field = Field::new("", values.data_type().clone(), true);
    let mut read = exact(values, &field, arrives).context(ErrorKind::Internal, failed)?;
    read.failures.sort_by_key(|(row, _)| *row);
    let array = if arrives == column {
        read.array
    } else {
        // The same instants, in another zone.
        cast(&read.array, column).context(ErrorKind::Internal, failed)?
    };
    Ok((array, read.failures))
}
