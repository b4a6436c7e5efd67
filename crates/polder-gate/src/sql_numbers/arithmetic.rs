//! Arithmetic of whole numbers that fails where it overflows.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, Datum};
use arrow::compute::kernels::numeric::{add, mul, neg, sub};
use arrow::datatypes::{DataType, Field, FieldRef};
use arrow::error::ArrowError;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result, ScalarValue, plan_err};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, ExprSchemable, Operator, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility,
};
use datafusion::physical_expr_common::datum::apply;

type Kernel = fn(&dyn Datum, &dyn Datum) -> std::result::Result<ArrayRef, ArrowError>;

static PLUS: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Checked::function("exact_add", Some(Operator::Plus)));
static MINUS: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Checked::function("exact_subtract", Some(Operator::Minus)));
static TIMES: LazyLock<Arc<ScalarUDF>> =
    LazyLock::new(|| Checked::function("exact_multiply", Some(Operator::Multiply)));
static NEGATIVE: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Checked::function("exact_negate", None));

/// `+`, `-` and `*` of two whole numbers of one type, and `-` before one, with overflow as an error.
pub(super) fn exact(expression: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    // What has no type here, such as a variable of a lambda, is left to the engine.
    let whole = |part: &Expr| part.get_type(schema).is_ok_and(|kind| kind.is_integer());
    let function = match &expression {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let function = match op {
                Operator::Plus => &PLUS,
                Operator::Minus => &MINUS,
                Operator::Multiply => &TIMES,
                _ => return Ok(Transformed::no(expression)),
            };
            let fits = whole(left) && whole(right) && left.get_type(schema)? == right.get_type(schema)?;
            fits.then_some(function)
        }
        Expr::Negative(value) => whole(value).then_some(&NEGATIVE),
        _ => None,
    };
    let Some(function) = function else {
        return Ok(Transformed::no(expression));
    };
    let arguments = match expression {
        Expr::BinaryExpr(BinaryExpr { left, right, .. }) => vec![*left, *right],
        Expr::Negative(value) => vec![*value],
        other => return Ok(Transformed::no(other)),
    };
    let call = ScalarFunction::new_udf(Arc::clone(function), arguments);
    Ok(Transformed::yes(Expr::ScalarFunction(call)))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Checked {
    name: &'static str,
    /// None for the sign before a number.
    operator: Option<Operator>,
    signature: Signature,
}

impl Checked {
    fn function(name: &'static str, operator: Option<Operator>) -> Arc<ScalarUDF> {
        let arguments = if operator.is_some() { 2 } else { 1 };
        Arc::new(ScalarUDF::from(Self {
            name,
            operator,
            signature: Signature::any(arguments, Volatility::Immutable),
        }))
    }
}

impl ScalarUDFImpl for Checked {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        match arguments.first() {
            Some(kind) => Ok(kind.clone()),
            None => plan_err!("{} needs a number", self.name),
        }
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let kinds: Vec<_> = arguments
            .arg_fields
            .iter()
            .map(|field| field.data_type().clone())
            .collect();
        let nullable = arguments.arg_fields.iter().any(|field| field.is_nullable());
        Ok(Arc::new(Field::new(self.name, self.return_type(&kinds)?, nullable)))
    }

    /// As the engine names the operation itself: columns without a name of their own are called by it.
    fn schema_name(&self, arguments: &[Expr]) -> Result<String> {
        Ok(match (self.operator, arguments) {
            (Some(operator), [left, right]) => format!("{} {operator} {}", left.schema_name(), right.schema_name()),
            (_, arguments) => {
                let arguments: Vec<_> = arguments.iter().map(|value| value.schema_name().to_string()).collect();
                format!("(- {})", arguments.join(","))
            }
        })
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match (self.operator, arguments.args.as_slice()) {
            (Some(operator), [left, right]) => {
                let kernel: Kernel = match operator {
                    Operator::Minus => sub,
                    Operator::Multiply => mul,
                    _ => add,
                };
                apply(left, right, kernel)
            }
            (None, [ColumnarValue::Array(value)]) => Ok(ColumnarValue::Array(neg(value)?)),
            (None, [ColumnarValue::Scalar(value)]) => {
                let negative = neg(&value.to_array()?)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&negative, 0)?))
            }
            _ => plan_err!("{} has other arguments", self.name),
        }
    }
}
