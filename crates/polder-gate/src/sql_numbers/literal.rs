//! Doubles beside literals with a point.
//!
//! A literal is a decimal, so that products of money stay exact. The engine compares a double with a decimal as decimals of
//! 15 digits on each side of the point, which fails for NaN and for what is larger.

use arrow::datatypes::DataType;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::expr::{Between, Cast};
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, Operator};

const COMPARISONS: [Operator; 6] = [
    Operator::Eq,
    Operator::NotEq,
    Operator::Lt,
    Operator::LtEq,
    Operator::Gt,
    Operator::GtEq,
];

/// Comparisons of a double with literals, made as doubles.
pub(super) fn floating(expression: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    match expression {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if COMPARISONS.contains(&op) => {
            let swapped = match inside(&left, schema) {
                Some(left) => double(&right).map(|right| (left, right)),
                None => double(&left).zip(inside(&right, schema)),
            };
            let transformed = swapped.is_some();
            let (left, right) = swapped.map_or((left, right), |(left, right)| (Box::new(left), Box::new(right)));
            let comparison = Expr::BinaryExpr(BinaryExpr { left, op, right });
            Ok(Transformed::new_transformed(comparison, transformed))
        }
        Expr::Between(between) => {
            let own = inside(&between.expr, schema).and_then(|expr| {
                let (low, high) = (Box::new(double(&between.low)?), Box::new(double(&between.high)?));
                Some(Between::new(Box::new(expr), between.negated, low, high))
            });
            let transformed = own.is_some();
            let between = Expr::Between(own.unwrap_or(between));
            Ok(Transformed::new_transformed(between, transformed))
        }
        other => Ok(Transformed::no(other)),
    }
}

/// The double that the engine made a decimal to compare it. Who casts to so many digits has it taken back, too; casts to
/// fewer stay, because they round.
fn inside(expression: &Expr, schema: &DFSchema) -> Option<Expr> {
    let Expr::Cast(Cast { expr, field }) = expression else {
        return None;
    };
    let DataType::Decimal128(precision, scale) = field.data_type() else {
        return None;
    };
    let before = i32::from(*precision) - i32::from(*scale);
    let as_the_engine = *scale >= 15 && before >= 15;
    let double = as_the_engine && expr.get_type(schema).is_ok_and(|kind| kind == DataType::Float64);
    double.then(|| expr.as_ref().clone())
}

/// A literal number as a double, read from its digits.
fn double(expression: &Expr) -> Option<Expr> {
    let literal = match expression {
        Expr::Cast(Cast { expr, .. }) => expr.as_ref(),
        other => other,
    };
    let Expr::Literal(value, _) = literal else { return None };
    let number = value.data_type().is_decimal() || value.data_type().is_integer();
    let number = (number && !value.is_null()).then(|| value.to_string())?;
    Some(Expr::Literal(ScalarValue::Float64(Some(number.parse().ok()?)), None))
}
