//! Which numbers a column holds by the width that it declares and by the name of its type.

use polder_core::document::Node;

use super::number::Number;
use super::pairing::word;
use super::range::Values;
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

/// The width of numbers by the format of a column; nothing where it says none.
pub(super) fn format_width(column: &Node) -> Option<NumberWidth> {
    NumberWidth::from_word(&width(column)?)
}

/// The width of numbers by the name of a column's type, `smallint`; nothing where that limits none.
pub(super) fn named_width(column: &Node) -> Option<NumberWidth> {
    match physical_limit(column) {
        Some(PhysicalLimit::Width(width)) => Some(width),
        _ => None,
    }
}

/// The greatest floating-point number of 32 bits.
pub(super) fn greatest_float() -> Option<Number> {
    Number::read(&f64::from(f32::MAX).to_string())
}

/// Whether the width of a column of numbers, which need not be whole, keeps out some of those that its type and its bounds
/// let in: 32 bits have no numbers as great as 64 bits have. Every decimal is smaller than the greatest of them.
pub(super) fn keeps_floats_out(column_type: Option<&ColumnType>, column: &Node) -> bool {
    let wide = matches!(column_type, None | Some(ColumnType::Float64));
    let bounded = || {
        Values::of(column_type, column)
            .zip(greatest_float())
            .is_some_and(|(values, most)| values.are_bounded_by(&most))
    };
    let narrow = || [format_width(column), named_width(column)].contains(&Some(NumberWidth::F32));
    wide && narrow() && !bounded()
}

/// The format of a column of numbers, which is part of its type.
pub(super) fn width(column: &Node) -> Option<String> {
    let numbers = word(column, "logicalType").is_some_and(|logical| matches!(logical.as_str(), "integer" | "number"));
    column
        .get("logicalTypeOptions")
        .filter(|_| numbers)
        .and_then(|options| word(options, "format"))
}
