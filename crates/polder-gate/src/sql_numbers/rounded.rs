//! `round` of a decimal. The engine tells its type from the places that it keeps, and sees these only where they are written
//! out as a number: it settles the operands of a comparison for one type and computes another once `CAST(1 AS INT)` is
//! 1, and then cannot compare them. Of an expression by itself, types are settled once more before it is computed.

use arrow::datatypes::DataType;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{Expr, ExprSchemable, cast};

/// The type of the places that the engine rounds to; it casts others.
const PLACES: DataType = DataType::Int32;

/// Written places in the type that the engine takes, before it settles types: no cast hides them.
pub(super) fn places(expression: Expr, _schema: &DFSchema) -> Result<Transformed<Expr>> {
    let Expr::ScalarFunction(mut call) = expression else {
        return Ok(Transformed::no(expression));
    };
    let taken = match written(&call) {
        Some(Expr::Literal(places, notes)) if places.data_type() != PLACES && places.data_type().is_integer() => {
            // What does not fit is left to the engine, which says so.
            let places = places.cast_to(&PLACES).ok();
            places.map(|places| Expr::Literal(places, notes.clone()))
        }
        _ => None,
    };
    if let (Some(taken), Some(places)) = (taken, call.args.get_mut(1)) {
        *places = taken;
        return Ok(Transformed::yes(Expr::ScalarFunction(call)));
    }
    Ok(Transformed::no(Expr::ScalarFunction(call)))
}

/// A rounded decimal keeps the type that its surroundings were made for, also where its places are computed before it runs.
pub(super) fn as_planned(expression: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let Expr::ScalarFunction(call) = &expression else {
        return Ok(Transformed::no(expression));
    };
    if matches!(written(call), None | Some(Expr::Literal(..))) {
        return Ok(Transformed::no(expression));
    }
    // What has no type here, such as a variable of a lambda, is left to the engine.
    match expression.get_type(schema) {
        Ok(kind) if kind.is_decimal() => Ok(Transformed::yes(cast(expression, kind))),
        _ => Ok(Transformed::no(expression)),
    }
}

/// The places that a call of `round` names.
fn written(call: &ScalarFunction) -> Option<&Expr> {
    match call.args.as_slice() {
        [_, places] if call.name() == "round" => Some(places),
        _ => None,
    }
}
