//! What gives one of the values that it is given, as it is, and computes none.

use datafusion::arrow::datatypes::DataType;

/// Whether a function of one row gives one of its arguments, or holds them as they are.
pub(super) fn of_arguments(name: &str) -> bool {
    matches!(
        name,
        "coalesce" | "nvl" | "ifnull" | "greatest" | "least" | "make_array" | "named_struct" | "struct"
    )
}

/// Whether an aggregate or window function gives its argument of one of the rows, or holds them as they are.
pub(super) fn of_rows(name: &str) -> bool {
    matches!(
        name,
        "min" | "max" | "first_value" | "last_value" | "nth_value" | "any_value" | "lag" | "lead" | "array_agg"
    )
}

/// Whether a type holds every value of another one, as it is.
pub(super) fn holds(from: &DataType, to: &DataType) -> bool {
    use DataType::{Decimal32, Decimal64, Decimal128, Decimal256, Float32, Float64, LargeUtf8, Utf8, Utf8View};
    let is_text = |of: &DataType| matches!(of, Utf8 | LargeUtf8 | Utf8View);
    // Digits before and behind the point.
    let digits = |of: &DataType| match of {
        Decimal32(all, behind) | Decimal64(all, behind) | Decimal128(all, behind) | Decimal256(all, behind) => {
            Some((i16::from(*all) - i16::from(*behind), i16::from(*behind)))
        }
        DataType::Int8 => Some((3, 0)),
        DataType::Int16 => Some((5, 0)),
        DataType::Int32 => Some((10, 0)),
        DataType::Int64 => Some((19, 0)),
        _ => None,
    };
    let wider = || match (digits(from), digits(to)) {
        (Some(from), Some(to)) => from.0 <= to.0 && from.1 <= to.1,
        _ => false,
    };
    from == to || (is_text(from) && is_text(to)) || matches!((from, to), (Float32, Float64)) || wider()
}
