//! Doubles beside decimals.
//!
//! A literal with a point is a decimal, so that products of money stay exact. The engine compares a double with a decimal as
//! decimals of 15 digits on each side of the point, which fails for NaN and for what is larger, and takes sums such as
//! 0.1 + 0.2 for what they are not quite. Here a double is compared as a double, however the comparison is written. A choice
//! among doubles and decimals (`coalesce`, `CASE`) has the type that the engine gives it, but is compared as a double, too.

use std::iter;

use arrow::datatypes::DataType;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::expr::{Between, Case, Cast, InList, InSubquery, ScalarFunction};
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, LogicalPlan, Operator, Projection, Subquery, cast};

pub(super) const COMPARISONS: [Operator; 8] = [
    Operator::Eq,
    Operator::NotEq,
    Operator::Lt,
    Operator::LtEq,
    Operator::Gt,
    Operator::GtEq,
    Operator::IsDistinctFrom,
    Operator::IsNotDistinctFrom,
];

/// Functions that give one of their arguments.
const CHOICES: [&str; 4] = ["coalesce", "greatest", "least", "nullif"];

/// Comparisons of a double with decimals, made as doubles.
pub(super) fn floating(expression: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let made = match &expression {
        Expr::BinaryExpr(comparison) => of_two(comparison, schema),
        Expr::Between(between) => of_between(between, schema),
        Expr::InList(list) => of_list(list, schema),
        Expr::InSubquery(inside) => of_subquery(inside, schema)?,
        Expr::Case(case) => of_case(case, schema),
        Expr::ScalarFunction(call) if call.name() == "nullif" => of_nullif(call, schema)?,
        // Of which nobody needs the digits.
        Expr::IsNull(part) => choice_of_doubles(part, schema).map(Expr::is_null),
        Expr::IsNotNull(part) => choice_of_doubles(part, schema).map(Expr::is_not_null),
        Expr::Cast(Cast { expr, field }) if *field.data_type() == DataType::Float64 => choice_of_doubles(expr, schema),
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

/// The engine casts what the subquery gives in a projection above it.
fn of_subquery(inside: &InSubquery, schema: &DFSchema) -> Result<Option<Expr>> {
    let LogicalPlan::Projection(given) = inside.subquery.subquery.as_ref() else {
        return Ok(None);
    };
    let [column] = given.expr.as_slice() else {
        return Ok(None);
    };
    let sides = [(inside.expr.as_ref(), schema), (column, given.input.schema().as_ref())];
    let Some([expr, column]) = doubles_of(sides).and_then(|sides| <[Expr; 2]>::try_from(sides).ok()) else {
        return Ok(None);
    };
    let given = Projection::try_new(vec![column], given.input.clone())?;
    let subquery = Subquery {
        subquery: LogicalPlan::Projection(given).into(),
        ..inside.subquery.clone()
    };
    let inside = InSubquery::new(Box::new(expr), subquery, inside.negated);
    Ok(Some(Expr::InSubquery(inside)))
}

/// What is compared in a `CASE x WHEN`.
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

/// A `nullif` that gives a double compares it as one. What it gives keeps the type that its surroundings were made for; a
/// decimal keeps its digits.
fn of_nullif(call: &ScalarFunction, schema: &DFSchema) -> Result<Option<Expr>> {
    let gives_a_double = call
        .args
        .first()
        .and_then(inside)
        .map(|given| given.get_type(schema))
        .transpose()?;
    let Some(doubles) = doubles(&call.args, schema).filter(|_| gives_a_double == Some(DataType::Float64)) else {
        return Ok(None);
    };
    let kind = Expr::ScalarFunction(call.clone()).get_type(schema)?;
    let call = ScalarFunction::new_udf(call.func.clone(), doubles);
    Ok(Some(cast(Expr::ScalarFunction(call), kind)))
}

/// A choice among doubles and decimals as one among doubles, for those who need no digit more: its value elsewhere is a
/// decimal with all of them.
fn choice_of_doubles(expression: &Expr, schema: &DFSchema) -> Option<Expr> {
    match inside(expression).unwrap_or(expression) {
        Expr::ScalarFunction(call) if CHOICES.contains(&call.name()) => {
            // One that was made of doubles already.
            let kind = |part: &Expr| part.get_type(schema).is_ok_and(|kind| kind == DataType::Float64);
            let arguments = match call.args.iter().all(kind) {
                true => call.args.clone(),
                false => doubles(&call.args, schema)?,
            };
            let call = ScalarFunction::new_udf(call.func.clone(), arguments);
            Some(Expr::ScalarFunction(call))
        }
        Expr::Case(case) => {
            let thens = case.when_then_expr.iter().map(|(_, then)| then.as_ref());
            let mut given = doubles(thens.chain(case.else_expr.as_deref()), schema)?
                .into_iter()
                .map(Box::new);
            let whens = case.when_then_expr.iter().map(|(when, _)| when.clone());
            Some(Expr::Case(Case {
                expr: case.expr.clone(),
                when_then_expr: whens
                    .zip(given.by_ref().take(case.when_then_expr.len()))
                    .collect::<Vec<_>>(),
                else_expr: given.next(),
            }))
        }
        _ => None,
    }
}

/// All parts of a comparison as doubles, where the engine made decimals of doubles for it.
fn doubles<'e>(parts: impl IntoIterator<Item = &'e Expr>, schema: &DFSchema) -> Option<Vec<Expr>> {
    doubles_of(parts.into_iter().map(|part| (part, schema)))
}

/// The same of parts that are of several tables.
pub(super) fn doubles_of<'e>(parts: impl IntoIterator<Item = (&'e Expr, &'e DFSchema)>) -> Option<Vec<Expr>> {
    let mut any = false;
    let mut all = Vec::new();
    for (part, schema) in parts {
        if let Some(choice) = choice_of_doubles(part, schema) {
            any = true;
            all.push(choice);
            continue;
        }
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
