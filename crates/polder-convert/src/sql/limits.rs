//! Limits of a column's values as conditions in SQL.

use serde_json::Value;

use super::types::column_type;
use super::words::literal;
use crate::dialect::Dialect;
use crate::element::Column;
use crate::kind::Kind;
use crate::loss::scalar_text;

/// The bounds of a column of this name (in quotes where it needs them), and of its length, each as a condition; they are
/// taken.
pub(crate) fn limits(column: &Column<'_>, name: &str, dialect: Dialect) -> Vec<String> {
    let mut conditions = Vec::new();
    let ordered = matches!(
        column.kind,
        Kind::Integer { .. }
            | Kind::Float32
            | Kind::Float64
            | Kind::Decimal { .. }
            | Kind::Date
            | Kind::Timestamp
            | Kind::TimestampLocal
            | Kind::Time
    );
    for (key, operator) in [
        ("minimum", ">="),
        ("exclusiveMinimum", ">"),
        ("maximum", "<="),
        ("exclusiveMaximum", "<"),
    ] {
        if let Some(bound) = column.option(key).filter(|_| ordered) {
            bound.keep();
            conditions.push(format!("{name} {operator} {}", value(bound.value, dialect)));
        }
    }
    for (key, operator) in [("minLength", ">="), ("maxLength", "<=")] {
        let is_in_type = || key == "maxLength" && column_type(column, dialect).contains('(');
        if let Some(bound) = column
            .option(key)
            .filter(|_| column.kind == Kind::String && !is_in_type())
        {
            bound.keep();
            conditions.push(format!("char_length({name}) {operator} {}", bound.value));
        }
    }
    conditions
}

/// A value as a literal.
pub(super) fn value(value: &Value, dialect: Dialect) -> String {
    match value {
        Value::String(text) => literal(text, dialect),
        other => scalar_text(other).unwrap_or_default(),
    }
}
