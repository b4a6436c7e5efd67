//! Doubles beside decimals.
//!
//! A literal with a point is a decimal, so that products of money stay exact. The engine compares a double with a decimal as
//! decimals of 15 digits on each side of the point, which fails for NaN and for what is larger, and takes sums such as
//! 0.1 + 0.2 for what they are not quite. Here a double is compared as a double, however the comparison is written.

use std::iter;

use arrow::datatypes::DataType;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::expr::{Between, Case, Cast, InList, ScalarFunction};
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, Operator, cast};

const COMPARISONS: [Operator; 8] = [
    Operator::Eq,
    Operator::NotEq,
    Operator::Lt,
    Operator::LtEq,
    Operator::Gt,
    Operator::GtEq,
    Operator::IsDistinctFrom,
    Operator::IsNotDistinctFrom,
];

/// Comparisons of a double with decimals, made as doubles.
pub(super) fn floating(expression: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let made = match &expression {
        Expr::BinaryExpr(comparison) => of_two(comparison, schema),
        Expr::Between(between) => of_between(between, schema),
        Expr::InList(list) => of_list(list, schema),
        Expr::Case(case) => of_case(case, schema),
        Expr::ScalarFunction(call) if call.name() == "nullif" => of_nullif(call, schema)?,
        // Of which nobody needs the digits.
        Expr::IsNull(part) => of_a_nullif(part).map(Expr::is_null),
        Expr::IsNotNull(part) => of_a_nullif(part).map(Expr::is_not_null),
        Expr::Cast(Cast { expr, field }) if *field.data_type() == DataType::Float64 => of_a_nullif(expr),
        _ => None,
    };
    Ok(made.map_or_else(|| Transformed::no(expression), Transformed::yes))
}

fn of_two(comparison: &BinaryExpr, schema: &DFSchema) -> Option<Expr> {
    if !COMPARISONS.contains(&comparison.op) {
        return None;
    }
    let mut sides = doubles([comparison.left.as_ref(), comparison.right.as_ref()], schema)?.into_iter();
    let (left, right) = (Box::new(sides.next()?), Box::new(sides.next()?));
    Some(Expr::BinaryExpr(BinaryExpr {
        left,
        op: comparison.op,
        right,
    }))
}

fn of_between(between: &Between, schema: &DFSchema) -> Option<Expr> {
    let parts = [between.expr.as_ref(), between.low.as_ref(), between.high.as_ref()];
    let mut parts = doubles(parts, schema)?.into_iter().map(Box::new);
    let (expr, low, high) = (parts.next()?, parts.next()?, parts.next()?);
    Some(Expr::Between(Between::new(expr, between.negated, low, high)))
}

fn of_list(list: &InList, schema: &DFSchema) -> Option<Expr> {
    let mut parts = doubles(iter::once(list.expr.as_ref()).chain(&list.list), schema)?.into_iter();
    let expr = Box::new(parts.next()?);
    let mut list = InList::new(expr, parts.collect(), list.negated);
    // The engine looks for the same bits, and zero has two signs.
    let zero = |part: &Expr| matches!(part, Expr::Literal(ScalarValue::Float64(Some(number)), _) if *number == 0.0);
    if list.list.iter().any(zero) {
        list.list.push(Expr::Literal(ScalarValue::Float64(Some(-0.0)), None));
    }
    Some(Expr::InList(list))
}

fn of_case(case: &Case, schema: &DFSchema) -> Option<Expr> {
    let whens = case.when_then_expr.iter().map(|(when, _)| when.as_ref());
    let mut parts = doubles(iter::once(case.expr.as_deref()?).chain(whens), schema)?
        .into_iter()
        .map(Box::new);
    let expr = parts.next()?;
    let branches = parts.zip(case.when_then_expr.iter().map(|(_, then)| then.clone()));
    Some(Expr::Case(Case {
        expr: Some(expr),
        when_then_expr: branches.collect(),
        else_expr: case.else_expr.clone(),
    }))
}

/// What it gives keeps the type that its surroundings were made for.
fn of_nullif(call: &ScalarFunction, schema: &DFSchema) -> Result<Option<Expr>> {
    let Some(doubles) = doubles(&call.args, schema) else {
        return Ok(None);
    };
    let kind = Expr::ScalarFunction(call.clone()).get_type(schema)?;
    let call = ScalarFunction::new_udf(call.func.clone(), doubles);
    Ok(Some(cast(Expr::ScalarFunction(call), kind)))
}

/// The doubles of a `nullif` that were made decimals for its surroundings.
fn of_a_nullif(expression: &Expr) -> Option<Expr> {
    let made = inside(expression)?;
    let nullif = matches!(made, Expr::ScalarFunction(call) if call.name() == "nullif");
    nullif.then(|| made.clone())
}

/// All parts of a comparison as doubles, where the engine made decimals of doubles for it.
fn doubles<'e>(parts: impl IntoIterator<Item = &'e Expr>, schema: &DFSchema) -> Option<Vec<Expr>> {
    let mut any = false;
    let mut all = Vec::new();
    for part in parts {
        let inside = inside(part);
        let kind = inside.map(|inside| inside.get_type(schema)).transpose().ok()?;
        all.push(match inside {
            Some(inside) if kind == Some(DataType::Float64) => {
                any = true;
                inside.clone()
            }
            Some(inside) if kind.is_some_and(|kind| kind.is_decimal() || kind.is_integer()) => double(inside),
            _ => double(part),
        });
    }
    any.then_some(all)
}

/// What the engine made a decimal to compare it with one. Who casts to so many digits has it taken back, too; casts to fewer
/// stay, because they round.
fn inside(expression: &Expr) -> Option<&Expr> {
    let Expr::Cast(Cast { expr, field }) = expression else {
        return None;
    };
    let (DataType::Decimal128(precision, scale) | DataType::Decimal256(precision, scale)) = field.data_type() else {
        return None;
    };
    let before = i32::from(*precision) - i32::from(*scale);
    (*scale >= 15 && before >= 15).then(|| inside(expr).unwrap_or(expr))
}

/// A number as a double; of a literal, read from its digits.
fn double(expression: &Expr) -> Expr {
    if let Expr::Literal(value, _) = expression
        && !value.is_null()
        && (value.data_type().is_decimal() || value.data_type().is_integer())
        && let Ok(number) = value.to_string().parse()
    {
        return Expr::Literal(ScalarValue::Float64(Some(number)), None);
    }
    cast(expression.clone(), DataType::Float64)
}
