//! Decimals with more digits than their type. Arrow and Parquet keep the longest ones in 128 bits, which hold a few more, and
//! look at them no further: what shows such a value cuts it to the digits that the type has, and a tenth of it is read.

use arrow::array::{Array, ArrayRef, AsArray, PrimitiveArray};
use arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType, Decimal128Type, DecimalType as _};

use crate::map_keys::outside;

/// Whether values of this type are decimals of as many digits as there can be, or have such inside. Into the bits of others
/// no writer puts what they cannot hold.
pub(crate) fn has_longest(data_type: &DataType) -> bool {
    match data_type {
        DataType::Decimal128(precision, _) => *precision == DECIMAL128_MAX_PRECISION,
        DataType::List(item) | DataType::Map(item, _) => has_longest(item.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| has_longest(field.data_type())),
        _ => false,
    }
}

/// Whether a column of the longest decimals has values with more digits than they have.
pub fn outgrown(decimals: &PrimitiveArray<Decimal128Type>) -> bool {
    let precision = decimals.precision();
    let fits = |value: &i128| Decimal128Type::is_valid_decimal_precision(*value, precision);
    precision == DECIMAL128_MAX_PRECISION && !decimals.values().iter().all(fits)
}

/// The rows in which a decimal, however deep inside, has more digits than its type, in order, each with what is wrong.
pub(crate) fn too_many(array: &ArrayRef) -> Vec<(usize, String)> {
    if !has_longest(array.data_type()) {
        return Vec::new();
    }
    let mut found = Vec::new();
    match array.data_type() {
        DataType::Struct(fields) => {
            for (field, column) in fields.iter().zip(array.as_struct().columns()) {
                let inside = too_many(column).into_iter();
                found.extend(inside.map(|(row, reason)| (row, format!("{}: {reason}", field.name()))));
            }
            found.retain(|(row, _)| array.is_valid(*row));
        }
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            found = outside(too_many(list.values()), list.offsets(), list.nulls(), "item");
        }
        DataType::Map(..) => {
            let map = array.as_map();
            found = outside(too_many(map.keys()), map.offsets(), map.nulls(), "key");
            found.extend(outside(too_many(map.values()), map.offsets(), map.nulls(), "value"));
        }
        _ => return of_column(array.as_primitive()),
    }
    found.sort_by_key(|(row, _)| *row);
    found.dedup_by_key(|(row, _)| *row);
    found
}

fn of_column(decimals: &PrimitiveArray<Decimal128Type>) -> Vec<(usize, String)> {
    let (precision, scale) = (decimals.precision(), decimals.scale());
    if !outgrown(decimals) {
        return Vec::new();
    }
    let fits = |value: i128| Decimal128Type::is_valid_decimal_precision(value, precision);
    let rows = decimals.iter().enumerate();
    let long = rows.filter_map(|(row, value)| value.filter(|value| !fits(*value)).map(|value| (row, value)));
    long.map(|(row, value)| {
        let kind = crate::in_words(decimals.data_type());
        (row, format!("{} has more digits than {kind}", written(value, scale)))
    })
    .collect()
}

/// A decimal with all its digits, `scale` of them behind the point; what is cut to a type's is another number.
pub fn written(value: i128, scale: i8) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let scale = usize::try_from(scale).unwrap_or(0);
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let point = if scale > 0 { "." } else { "" };
    format!("{sign}{whole}{point}{fraction}")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Decimal128Array, ListArray};
    use arrow::buffer::OffsetBuffer;
    use arrow::datatypes::Field;

    use super::*;

    const NINES: i128 = 99_999_999_999_999_999_999_999_999_999_999_999_999;

    fn decimals(values: Vec<Option<i128>>, scale: i8) -> ArrayRef {
        let decimals = Decimal128Array::from(values).with_precision_and_scale(38, scale);
        Arc::new(decimals.unwrap())
    }

    #[test]
    fn a_value_of_39_digits_is_told_with_all_of_them() {
        let column = decimals(
            vec![Some(NINES), Some(NINES + 1), None, Some(-NINES - 1), Some(-NINES)],
            0,
        );
        let hundred = "100000000000000000000000000000000000000";
        let said = |sign: &str| format!("{sign}{hundred} has more digits than decimal(38,0)");
        assert_eq!(too_many(&column), [(1, said("")), (3, said("-"))]);
        let column = decimals(vec![Some(NINES + 1)], 2);
        let of_cents = "1000000000000000000000000000000000000.00 has more digits than decimal(38,2)";
        assert_eq!(too_many(&column), [(0, of_cents.to_owned())]);
        let short: ArrayRef = Arc::new(Decimal128Array::from(vec![1]).with_precision_and_scale(10, 2).unwrap());
        assert_eq!(too_many(&short), []);
    }

    #[test]
    fn a_value_inside_of_another_is_found_in_its_row() {
        let items = decimals(vec![Some(1), Some(2), Some(NINES + 1)], 0);
        let field = Arc::new(Field::new("element", items.data_type().clone(), true));
        let list = ListArray::new(field, OffsetBuffer::from_lengths([1, 0, 2]), items, None);
        let list: ArrayRef = Arc::new(list);
        assert!(has_longest(list.data_type()));
        let found = too_many(&list);
        assert_eq!(found.len(), 1);
        assert!(found[0].0 == 2 && found[0].1.starts_with("item 2: 1000"), "{found:?}");
    }
}
