//! Comparisons of floating-point numbers that do not hold of NaN.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type};
use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, DFSchema, Result, ScalarValue, plan_err};
use datafusion::logical_expr::expr::{Between, ScalarFunction};
use datafusion::logical_expr::interval_arithmetic::Interval;
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, ExprSchemable, Operator, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility, and, binary_expr, or,
};

static FUNCTIONS: LazyLock<Vec<(Operator, Arc<ScalarUDF>)>> = LazyLock::new(|| {
    let functions = [
        (Operator::Eq, "number_eq"),
        (Operator::NotEq, "number_ne"),
        (Operator::Lt, "number_lt"),
        (Operator::LtEq, "number_le"),
        (Operator::Gt, "number_gt"),
        (Operator::GtEq, "number_ge"),
    ];
    let function = |(operator, name)| {
        let signature = Signature::any(2, Volatility::Immutable);
        let comparison = Comparison {
            name,
            operator,
            signature,
        };
        (operator, Arc::new(ScalarUDF::from(comparison)))
    };
    functions.into_iter().map(function).collect()
});

/// Comparisons of two floating-point numbers, also by `BETWEEN`.
pub(super) fn unordered(expression: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let floating = |part: &Expr| part.get_type(schema).is_ok_and(|kind| is_floating(&kind));
    match expression {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let function = FUNCTIONS.iter().find(|(operator, _)| *operator == op);
            match function {
                Some((_, function))
                    if floating(&left) && floating(&right) && !(op == Operator::Eq && joins(&left, &right)) =>
                {
                    let call = ScalarFunction::new_udf(Arc::clone(function), vec![*left, *right]);
                    Ok(Transformed::yes(Expr::ScalarFunction(call)))
                }
                _ => Ok(Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right }))),
            }
        }
        Expr::Between(Between {
            expr,
            negated,
            low,
            high,
        }) if floating(&expr) && floating(&low) && floating(&high) => {
            let part = |operator, bound: Expr| {
                let comparison = binary_expr(expr.as_ref().clone(), operator, bound);
                unordered(comparison, schema).map(|part| part.data)
            };
            let both = if negated {
                or(part(Operator::Lt, *low)?, part(Operator::Gt, *high)?)
            } else {
                and(part(Operator::GtEq, *low)?, part(Operator::LtEq, *high)?)
            };
            Ok(Transformed::yes(both))
        }
        other => Ok(Transformed::no(other)),
    }
}

/// Floating-point numbers, also those of a dictionary.
pub fn is_floating(kind: &DataType) -> bool {
    match kind {
        DataType::Dictionary(_, kind) => is_floating(kind),
        DataType::RunEndEncoded(_, values) => is_floating(values.data_type()),
        kind => kind.is_floating(),
    }
}

/// Equality of columns of two tables is how the engine finds the key of a join.
pub(super) fn joins(left: &Expr, right: &Expr) -> bool {
    let (left, right) = (left.column_refs(), right.column_refs());
    let other = |of: &Column| right.iter().any(|column| column.relation != of.relation);
    left.iter().any(|column| other(column))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Comparison {
    name: &'static str,
    operator: Operator,
    signature: Signature,
}

impl ScalarUDFImpl for Comparison {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let nullable = arguments.arg_fields.iter().any(|field| field.is_nullable());
        Ok(Arc::new(Field::new(self.name, DataType::Boolean, nullable)))
    }

    /// As the engine names the comparison itself.
    fn schema_name(&self, arguments: &[Expr]) -> Result<String> {
        match arguments {
            [left, right] => Ok(format!(
                "{} {} {}",
                left.schema_name(),
                self.operator,
                right.schema_name()
            )),
            _ => plan_err!("{} compares two numbers", self.name),
        }
    }

    fn evaluate_bounds(&self, _arguments: &[&Interval]) -> Result<Interval> {
        Interval::make_unbounded(&DataType::Boolean)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [left, right] = arguments.args.as_slice() else {
            return plan_err!("{} compares two numbers", self.name);
        };
        let constant = matches!((left, right), (ColumnarValue::Scalar(_), ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { arguments.number_rows };
        let (left, right) = (doubles(left, rows)?, doubles(right, rows)?);
        let (left, right) = (left.as_primitive::<Float64Type>(), right.as_primitive::<Float64Type>());
        // The comparisons of the language are those of IEEE 754.
        let holds: fn(f64, f64) -> bool = match self.operator {
            Operator::Eq => |left, right| left == right,
            Operator::NotEq => |left, right| left != right,
            Operator::Lt => |left, right| left < right,
            Operator::LtEq => |left, right| left <= right,
            Operator::Gt => |left, right| left > right,
            _ => |left, right| left >= right,
        };
        let held = BooleanArray::from_binary(left, right, holds);
        if constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&held, 0)?));
        }
        Ok(ColumnarValue::Array(Arc::new(held)))
    }
}

/// Narrower numbers as doubles, which hold them all.
fn doubles(value: &ColumnarValue, rows: usize) -> Result<ArrayRef> {
    let array = value.to_array(rows)?;
    Ok(match array.data_type() {
        DataType::Float64 => array,
        _ => cast(&array, &DataType::Float64)?,
    })
}
