//! Values that somebody computed, read as those that a stream brings.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef};
use polder_core::{ErrorKind, Result, ResultExt};
use polder_gate::reading::sides;

use crate::decode::exact;

/// The values in the type of a column, exactly as a stream would read them: never rounded or cut. A decimal in a column of
/// doubles is the double that JSON's text of it is: in SQL `1.5` is a decimal. `arrives` is the type
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
    let written = as_written(values.data_type(), arrives);
    let values = match written == *values.data_type() {
        true => values,
        false => &cast(values, &written).context(ErrorKind::Internal, failed)?,
    };
    let field = Field::new("", written, true);
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

/// The type of values in which decimals that become doubles are text, however deep they lie.
fn as_written(found: &DataType, wanted: &DataType) -> DataType {
    use DataType::*;
    let of = |found: &FieldRef, wanted: &DataType| -> FieldRef {
        let written = as_written(found.data_type(), wanted);
        Arc::new(found.as_ref().clone().with_data_type(written))
    };
    match (found, wanted) {
        (Decimal32(..) | Decimal64(..) | Decimal128(..) | Decimal256(..), Float64) => Utf8,
        (Struct(fields), Struct(known)) => {
            let written = fields.iter().map(|field| match known.find(field.name()) {
                Some((_, known)) => of(field, known.data_type()),
                None => Arc::clone(field),
            });
            Struct(written.collect())
        }
        (List(item), List(known)) => List(of(item, known.data_type())),
        (LargeList(item), List(known)) => LargeList(of(item, known.data_type())),
        (FixedSizeList(item, length), List(known)) => FixedSizeList(of(item, known.data_type()), *length),
        (Map(entries, sorted), Map(..)) => match (sides(found), sides(wanted)) {
            (Some((_, found)), Some((_, known))) => {
                let both = found.iter().zip(known);
                let both = both.map(|(found, known)| of(found, known.data_type())).collect();
                let entries = entries.as_ref().clone().with_data_type(Struct(both));
                Map(Arc::new(entries), *sorted)
            }
            _ => found.clone(),
        },
        _ => found.clone(),
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, Decimal128Array, Int32Array, ListArray, StructArray};
    use arrow::buffer::OffsetBuffer;
    use arrow::datatypes::{Fields, Float64Type};

    use super::*;

    fn decimals() -> ArrayRef {
        let decimals = Decimal128Array::from(vec![Some(10_i128), None, Some(-5), Some(12_345_678_901_234_567_891)]);
        Arc::new(decimals.with_precision_and_scale(38, 1).unwrap())
    }

    #[test]
    fn a_decimal_goes_into_a_column_of_doubles_as_its_text_would() {
        let (read, failures) = read_exactly(&decimals(), &DataType::Float64, &DataType::Float64).unwrap();
        assert_eq!(failures, []);
        let doubles: Vec<_> = read.as_primitive::<Float64Type>().iter().collect();
        assert_eq!(
            doubles,
            [Some(1.0), None, Some(-0.5), Some(1_234_567_890_123_456_789.1)]
        );
    }

    #[test]
    fn so_it_does_inside_of_lists_of_objects_beside_fields_of_other_types() {
        let decimal = || Field::new("x", decimals().data_type().clone(), true);
        let number = || Field::new("n", DataType::Int32, true);
        let numbers: ArrayRef = Arc::new(Int32Array::from(vec![1, 2, 3, 4]));
        let objects = StructArray::new(Fields::from(vec![decimal(), number()]), vec![decimals(), numbers], None);
        let item = |fields: Vec<Field>| Arc::new(Field::new("item", DataType::Struct(fields.into()), true));
        let lists = ListArray::new(
            item(vec![decimal(), number()]),
            OffsetBuffer::from_lengths([3, 1]),
            Arc::new(objects),
            None,
        );
        let wanted = DataType::List(item(vec![number(), Field::new("x", DataType::Float64, true)]));
        let lists: ArrayRef = Arc::new(lists);
        let (read, failures) = read_exactly(&lists, &wanted, &wanted).unwrap();
        assert_eq!(failures, []);
        let first = read.as_list::<i32>().value(0);
        let doubles: Vec<_> = first
            .as_struct()
            .column(1)
            .as_primitive::<Float64Type>()
            .iter()
            .collect();
        assert_eq!(doubles, [Some(1.0), None, Some(-0.5)]);
    }

    #[test]
    fn a_decimal_is_not_rounded_into_a_shorter_one() {
        let wanted = DataType::Decimal128(38, 0);
        let (_, failures) = read_exactly(&decimals(), &wanted, &wanted).unwrap();
        let rows: Vec<_> = failures.iter().map(|(row, _)| *row).collect();
        assert_eq!(rows, [2, 3]);
    }
}
