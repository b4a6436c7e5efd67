//! Which numbers a column holds: by the width that it declares, by the name of its type and by its bounds.

use std::cmp::Ordering;

use polder_core::document::Node;

use super::bounds::{bound, whole};
use super::pairing::word;
use crate::column_type::ColumnType;
use crate::format::NumberWidth;
use crate::physical_limit::PhysicalLimit;
use crate::place::items;

/// The limit in the name of a column's type. A bare `enum` beside listed values has none: it names what they are in the
/// store.
pub(super) fn physical_limit(column: &Node) -> Option<PhysicalLimit> {
    let compound = |logical: String| matches!(logical.as_str(), "object" | "array" | "map");
    // What is inside says its own.
    if word(column, "logicalType").is_some_and(compound) {
        return None;
    }
    let limit = PhysicalLimit::read(&word(column, "physicalType")?)?;
    let names_the_list = limit.is_bare_enum() && !items(column, "enum").is_empty();
    (!names_the_list).then_some(limit)
}

/// The least and the greatest whole number that the width of a column allows, by its format and by the name of its type;
/// nothing where neither says one.
pub(super) fn declared_range(column: &Node) -> Option<(i128, i128)> {
    let format = width(column).and_then(|word| NumberWidth::from_word(&word)?.range());
    let named = match physical_limit(column) {
        Some(PhysicalLimit::Width(width)) => width.range(),
        _ => None,
    };
    match (format, named) {
        (Some(one), Some(other)) => Some((one.0.max(other.0), one.1.min(other.1))),
        (one, other) => one.or(other),
    }
}

/// The least and the greatest whole number that the bounds of a column allow.
pub(super) fn whole_bounds(column: &Node) -> (Option<i128>, Option<i128>) {
    let options = column.get("logicalTypeOptions");
    let low = bound(options, "minimum", "exclusiveMinimum", Ordering::Greater);
    let high = bound(options, "maximum", "exclusiveMaximum", Ordering::Less);
    (
        low.and_then(|low| whole(low, true)),
        high.and_then(|high| whole(high, false)),
    )
}

/// The least and the greatest whole number that a column of this type can store; nothing of columns that hold other
/// things.
fn stored_range(column_type: &ColumnType) -> Option<(i128, i128)> {
    Some(match column_type {
        ColumnType::Int32 => (i128::from(i32::MIN), i128::from(i32::MAX)),
        ColumnType::Int64 => (i128::from(i64::MIN), i128::from(i64::MAX)),
        ColumnType::Decimal { precision, scale: 0 } => {
            let most = 10_i128.checked_pow(*precision)? - 1;
            (-most, most)
        }
        _ => return None,
    })
}

/// The least and the greatest whole number of a column of this type: by the type, the width and the bounds. Nothing of
/// columns that hold other things.
pub(super) fn whole_values(column_type: &ColumnType, column: &Node) -> Option<(i128, i128)> {
    stored_range(column_type)?;
    let (least, greatest) = width_range(Some(column_type), column)?;
    let (low, high) = whole_bounds(column);
    Some((least.max(low.unwrap_or(least)), greatest.min(high.unwrap_or(greatest))))
}

/// The least and the greatest whole number by the type of a column and the width that it declares, bounds aside. A width
/// that the column has by its type takes nothing away.
pub(super) fn width_range(column_type: Option<&ColumnType>, column: &Node) -> Option<(i128, i128)> {
    match (column_type.and_then(stored_range), declared_range(column)) {
        (Some(stored), Some(declared)) => Some((stored.0.max(declared.0), stored.1.min(declared.1))),
        (one, other) => one.or(other),
    }
}

/// Whether the width that a column declares leaves out none of the whole numbers that its type and its bounds allow.
pub(super) fn is_idle(column_type: Option<&ColumnType>, column: &Node) -> bool {
    let Some((least, greatest)) = declared_range(column) else {
        return true;
    };
    let stored = column_type.and_then(stored_range);
    let (low, high) = whole_bounds(column);
    let low = low.max(stored.map(|(low, _)| low));
    let high = match (high, stored.map(|(_, high)| high)) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    };
    low.is_some_and(|low| low >= least) && high.is_some_and(|high| high <= greatest)
}

/// Whether the format of a column of numbers, which need not be whole, keeps out some of those that its type holds: 32
/// bits have no numbers as great as 64 bits have. Every decimal is smaller than the greatest of them.
pub(super) fn keeps_floats_out(column_type: Option<&ColumnType>, column: &Node) -> bool {
    let wide = matches!(column_type, None | Some(ColumnType::Float64));
    wide && width(column).as_deref() == Some(NumberWidth::F32.as_str())
}

/// The format of a column of numbers, which is part of its type.
pub(super) fn width(column: &Node) -> Option<String> {
    let numbers = word(column, "logicalType").is_some_and(|logical| matches!(logical.as_str(), "integer" | "number"));
    column
        .get("logicalTypeOptions")
        .filter(|_| numbers)
        .and_then(|options| word(options, "format"))
}
