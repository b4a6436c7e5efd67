//! Values that stand in a query, as contracts write them.

use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::util::display::array_value_to_string;
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::TreeNode as _;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{Expr, Operator};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;

pub(super) fn is_text(expr: &Expr) -> bool {
    matches!(expr, Expr::Literal(value, _) if value.data_type().is_string())
}

pub(super) fn is_null(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(value, _) => value.is_null(),
        Expr::Cast(cast) => is_null(&cast.expr),
        Expr::Alias(alias) => is_null(&alias.expr),
        _ => false,
    }
}

/// A whole number that stands in the query.
pub(super) fn constant_number(expr: &Expr) -> Option<String> {
    constant(expr).filter(|text| text.parse::<i128>().is_ok())
}

/// A value that stands in the query, or is computed of such, as contracts write it.
pub(super) fn constant(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Alias(alias) => constant(&alias.expr),
        Expr::Literal(value, _) => written(value),
        Expr::Cast(_) | Expr::Negative(_) | Expr::BinaryExpr(_) => whole(expr).or_else(|| computed(expr)),
        _ => None,
    }
}

/// A whole number, which is the same in any type of numbers that holds it.
fn whole(expr: &Expr) -> Option<String> {
    let (inner, negates) = match expr {
        Expr::Cast(cast) if cast.field.data_type().is_numeric() => (&cast.expr, false),
        Expr::Negative(inner) => (inner, true),
        _ => return None,
    };
    let number = constant_number(inner)?;
    match negates {
        true => Some(number.parse::<i128>().ok()?.checked_neg()?.to_string()),
        false => Some(number),
    }
}

/// What is computed of a few literals.
fn computed(expr: &Expr) -> Option<String> {
    if !is_small(expr) {
        return None;
    }
    let simplifier = ExprSimplifier::new(SimplifyContext::default());
    match simplifier.simplify(expr.clone()).ok()? {
        Expr::Literal(value, _) => written(&value),
        _ => None,
    }
}

/// Whether an expression is a handful of literals that are cast, put together or reckoned with.
fn is_small(expr: &Expr) -> bool {
    const MOST: usize = 32;
    let mut parts = 0;
    let other = expr.exists(|part| {
        parts += 1;
        let is_plain = match part {
            Expr::Literal(..) | Expr::Cast(_) | Expr::Negative(_) => true,
            Expr::BinaryExpr(binary) => matches!(
                binary.op,
                Operator::Plus | Operator::Minus | Operator::Multiply | Operator::StringConcat
            ),
            _ => false,
        };
        Ok(!is_plain || parts > MOST)
    });
    other.is_ok_and(|other| !other)
}

/// A constant as another type has it; nothing where that may be another one.
pub(super) fn as_type(constant: &str, to: &DataType) -> Option<String> {
    let is_whole = constant.parse::<i128>().is_ok();
    let is_short = || constant.len() <= MOST_DIGITS && constant.bytes().all(|one| b"-.0123456789".contains(&one));
    let same = match is_whole {
        true => to.is_numeric(),
        false => to.is_floating() && is_short(),
    };
    match to.is_string() || same {
        true => Some(constant.to_owned()),
        // The number of a day is not written like a day.
        false if is_whole => None,
        false => written(&ScalarValue::try_from_string(constant.to_owned(), to).ok()?),
    }
}

/// So many digits a floating-point number surely keeps.
const MOST_DIGITS: usize = 15;

fn written(value: &ScalarValue) -> Option<String> {
    match value {
        ScalarValue::Int8(Some(_))
        | ScalarValue::Int16(Some(_))
        | ScalarValue::Int32(Some(_))
        | ScalarValue::Int64(Some(_))
        | ScalarValue::UInt8(Some(_))
        | ScalarValue::UInt16(Some(_))
        | ScalarValue::UInt32(Some(_))
        | ScalarValue::UInt64(Some(_))
        | ScalarValue::Boolean(Some(_))
        | ScalarValue::Date32(Some(_)) => Some(value.to_string()),
        ScalarValue::Decimal32(Some(_), ..)
        | ScalarValue::Decimal64(Some(_), ..)
        | ScalarValue::Decimal128(Some(_), ..) => {
            let array = value.to_array().ok()?;
            array_value_to_string(&array, 0).ok()
        }
        other => other.try_as_str().flatten().map(ToOwned::to_owned),
    }
}
