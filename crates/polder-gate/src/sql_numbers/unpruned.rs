//! Comparisons of floating-point numbers, and questions for null, by the rows alone.
//!
//! The least and greatest value that files, row groups and pages tell of floats pass over NaN. The engine leaves out rows by
//! them, so whether `x > 1` finds a NaN (which is greater than all) would hang on what lies beside it in its file. And files
//! need not tell how many nulls they hold, which the engine takes for none.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::DataType;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result, plan_err};
use datafusion::logical_expr::expr::{Between, Cast, InList, ScalarFunction, TryCast};
use datafusion::logical_expr::interval_arithmetic::Interval;
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, ExprSchemable, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::comparison::{is_floating, joins};
use super::literal::COMPARISONS;

static NUMBER: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    Arc::new(ScalarUDF::from(Number {
        signature: Signature::any(1, Volatility::Immutable),
    }))
});

/// Comparisons of floats, also by `BETWEEN` and `IN`, numbers that are made of them, and `IS NULL`, in a form of which the
/// engine knows no bounds.
pub(super) fn unpruned(expression: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let floating = |part: &Expr| part.get_type(schema).is_ok_and(|kind| is_floating(&kind));
    match expression {
        Expr::BinaryExpr(BinaryExpr { left, op, right })
            if COMPARISONS.contains(&op) && floating(&left) && floating(&right) && !is_key(op, &left, &right) =>
        {
            let (left, right) = (number(left), number(right));
            Ok(Transformed::yes(Expr::BinaryExpr(BinaryExpr { left, op, right })))
        }
        Expr::Between(Between {
            expr,
            negated,
            low,
            high,
        }) if floating(&expr) => {
            let between = Between::new(number(expr), negated, number(low), number(high));
            Ok(Transformed::yes(Expr::Between(between)))
        }
        Expr::InList(InList { expr, list, negated }) if floating(&expr) => {
            let list = list.into_iter().map(|part| *number(Box::new(part))).collect();
            let list = InList::new(number(expr), list, negated);
            Ok(Transformed::yes(Expr::InList(list)))
        }
        Expr::IsNull(part) if !part.contains_outer() => Ok(Transformed::yes(Expr::IsNull(number(part)))),
        Expr::Not(part) => Ok(match *part {
            Expr::IsNotNull(part) if !part.contains_outer() => Transformed::yes(Expr::IsNull(number(part))),
            part => Transformed::no(Expr::Not(Box::new(part))),
        }),
        // The engine makes `IN` of it.
        Expr::ScalarFunction(mut call) if call.name() == "array_has" && call.args.iter().any(floating) => {
            for argument in call.args.iter_mut().filter(|argument| floating(argument)) {
                *argument = *number(Box::new(std::mem::take(argument)));
            }
            Ok(Transformed::yes(Expr::ScalarFunction(call)))
        }
        // Of a number that is made of a float the engine knows bounds, too.
        Expr::Cast(Cast { expr, field }) if floating(&expr) && !is_floating(field.data_type()) => {
            let made = Cast::new_from_field(number(expr), field);
            Ok(Transformed::yes(Expr::Cast(made)))
        }
        Expr::TryCast(TryCast { expr, field }) if floating(&expr) && !is_floating(field.data_type()) => {
            let made = TryCast::new_from_field(number(expr), field);
            Ok(Transformed::yes(Expr::TryCast(made)))
        }
        other => Ok(Transformed::no(other)),
    }
}

/// Whether the engine may make a key of a join of it: also of a column of the query around, and where null equals null.
fn is_key(operator: Operator, left: &Expr, right: &Expr) -> bool {
    let equal = matches!(operator, Operator::Eq | Operator::IsNotDistinctFrom);
    equal && (joins(left, right) || left.contains_outer() != right.contains_outer())
}

fn number(part: Box<Expr>) -> Box<Expr> {
    if !part.any_column_refs() {
        return part;
    }
    let call = ScalarFunction::new_udf(Arc::clone(&NUMBER), vec![*part]);
    Box::new(Expr::ScalarFunction(call))
}

/// Gives its argument.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Number {
    signature: Signature,
}

impl ScalarUDFImpl for Number {
    fn name(&self) -> &str {
        "number"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        match arguments {
            [kind] => Ok(kind.clone()),
            _ => plan_err!("number takes one"),
        }
    }

    /// As the engine names the argument itself.
    fn schema_name(&self, arguments: &[Expr]) -> Result<String> {
        match arguments {
            [argument] => Ok(argument.schema_name().to_string()),
            _ => plan_err!("number takes one"),
        }
    }

    fn evaluate_bounds(&self, arguments: &[&Interval]) -> Result<Interval> {
        match arguments {
            [argument] => Interval::make_unbounded(&argument.data_type()),
            _ => plan_err!("number takes one"),
        }
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match arguments.args.as_slice() {
            [value] => Ok(value.clone()),
            _ => plan_err!("number takes one"),
        }
    }
}
