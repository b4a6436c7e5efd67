//! `round` of a decimal. The engine tells its type from the places that it keeps, and sees these only where they are written
//! out as a number: it settles the operands of a comparison for one type and computes another once `CAST(1 AS INT)` is
//! 1, and then cannot compare them. Of an expression by itself, types are settled once more before it is computed. So places
//! that need no row are computed first of all, and others leave the type as it was told.

use std::collections::HashMap;

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, Result, ScalarValue};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, Volatility, cast};
use datafusion::optimizer::simplify_expressions::{ExprSimplifier, SimplifyContext};

use super::rewrite::Rewrite;
use super::{arithmetic, by_itself, comparison, literal, rewrite};
use crate::sql_limits;

/// The type of the places that the engine rounds to; it casts others.
const PLACES: DataType = DataType::Int32;

/// Written places in the type that the engine takes, before it settles types: no cast hides them.
pub(super) fn places(expression: Expr, _schema: &DFSchema) -> Result<Transformed<Expr>> {
    Ok(with_places(expression, |places| match places {
        // What does not fit is left to the engine, which says so.
        Expr::Literal(value, _) if value.data_type() != PLACES => in_type(value),
        _ => None,
    }))
}

/// The same, and places without columns are written out.
pub(super) fn known_places(expression: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let computed = with_places(expression, |places| match needs_no_row(places) {
        true => in_type(&value(places)?),
        false => None,
    });
    match computed.transformed {
        true => Ok(computed),
        false => places(computed.data, schema),
    }
}

/// A plan in which places without columns are written out. Not where the plan has said before which types its rows have, in
/// `VALUES` and recursion.
pub(super) fn with_known_places(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let rewrite = Rewrite::new("known_places", known_places);
    plan.transform_down_with_subqueries(|plan| match plan {
        LogicalPlan::Values(_) => Ok(Transformed::no(plan)),
        LogicalPlan::RecursiveQuery(_) => Ok(Transformed::new(plan, false, TreeNodeRecursion::Jump)),
        plan => rewrite.node(plan),
    })
}

/// Whether a plan has places that [`with_known_places`] may write out.
pub(super) fn has_known_places(plan: &LogicalPlan) -> Result<bool> {
    let mut found = false;
    plan.apply_with_subqueries(|plan| {
        plan.apply_expressions(|expression| {
            found =
                found || expression.exists(|part| Ok(matches!(part, Expr::ScalarFunction(call) if is_known(call))))?;
            Ok(match found {
                true => TreeNodeRecursion::Stop,
                false => TreeNodeRecursion::Continue,
            })
        })
    })?;
    Ok(found)
}

/// Whether all that queries inside of others name of these has the type that it is named with: the engine notes it when it
/// reads them.
pub(super) fn outer_columns_are_known(plan: &LogicalPlan) -> Result<bool> {
    let mut named: HashMap<Column, DataType> = HashMap::new();
    plan.apply_with_subqueries(|plan| {
        plan.apply_expressions(|expression| {
            expression.apply(|part| {
                if let Expr::OuterReferenceColumn(field, column) = part {
                    named.insert(column.clone(), field.data_type().clone());
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    let mut known = true;
    if !named.is_empty() {
        plan.apply_with_subqueries(|plan| {
            known = plan
                .schema()
                .columns()
                .iter()
                .zip(plan.schema().fields())
                .all(|(column, field)| named.get(column).is_none_or(|kind| kind == field.data_type()));
            Ok(match known {
                true => TreeNodeRecursion::Continue,
                false => TreeNodeRecursion::Stop,
            })
        })?;
    }
    Ok(known)
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

/// A call of `round` with other places, where there are some.
fn with_places(expression: Expr, other: impl Fn(&Expr) -> Option<ScalarValue>) -> Transformed<Expr> {
    let Expr::ScalarFunction(mut call) = expression else {
        return Transformed::no(expression);
    };
    let other = written(&call).and_then(other);
    match (other, call.args.get_mut(1)) {
        (Some(other), Some(places)) => {
            *places = Expr::Literal(other, None);
            Transformed::yes(Expr::ScalarFunction(call))
        }
        _ => Transformed::no(Expr::ScalarFunction(call)),
    }
}

fn in_type(places: &ScalarValue) -> Option<ScalarValue> {
    let kind = places.data_type();
    (kind.is_integer() || kind.is_null()).then(|| places.cast_to(&PLACES).ok())?
}

fn is_known(call: &ScalarFunction) -> bool {
    written(call).is_some_and(needs_no_row)
}

/// Whether it is an expression that has one value, whoever asks, and is not written out. What makes much of little is not
/// computed where queries are only looked at.
fn needs_no_row(places: &Expr) -> bool {
    let others = places.exists(|part| {
        Ok(!match part {
            Expr::Literal(..)
            | Expr::Alias(_)
            | Expr::BinaryExpr(_)
            | Expr::Not(_)
            | Expr::Negative(_)
            | Expr::IsNull(_)
            | Expr::IsNotNull(_)
            | Expr::Between(_)
            | Expr::InList(_)
            | Expr::Case(_)
            | Expr::Cast(_)
            | Expr::TryCast(_) => true,
            Expr::ScalarFunction(call) => {
                // Those inside have been looked at before.
                let told = written(call).is_none_or(|places| matches!(places, Expr::Literal(..)));
                let settled = call.func.signature().volatility == Volatility::Immutable;
                told && settled && !sql_limits::makes_more(call.name())
            }
            _ => false,
        })
    });
    !matches!(places, Expr::Literal(..)) && !others.unwrap_or(true)
}

/// What an expression without columns gives; nothing where the engine has to say what is wrong with it, and where it depends
/// on what holds of NaN.
fn value(places: &Expr) -> Option<ScalarValue> {
    let schema = DFSchema::empty();
    let simplifier = ExprSimplifier::new(SimplifyContext::builder().build());
    // Functions that go by another name have it around them.
    let places = places.clone().unalias_nested().data;
    let settled = by_itself::coerced(&simplifier, places, &schema).ok()?;
    let settled = rewrite::expression(settled, &schema, literal::floating).ok()?;
    let exact = rewrite::expression(settled, &schema, arithmetic::exact).ok()?;
    let unordered = exact
        .clone()
        .transform_up(|part| comparison::unordered(part, &schema))
        .ok()?;
    match simplifier.simplify(exact).ok()? {
        Expr::Literal(value, _) if !unordered.transformed => Some(value),
        _ => None,
    }
}
