//! Arithmetic of whole numbers that fails where it overflows, and of decimals that fails where the result needs more digits
//! than the longest decimal has: the engine itself looks at decimals only once they do not fit its integers.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array as _, ArrayRef, AsArray as _, Datum};
use arrow::compute::kernels::numeric::{add, div, mul, neg, sub};
use arrow::datatypes::{
    DECIMAL128_MAX_PRECISION, DECIMAL256_MAX_PRECISION, DataType, Decimal128Type, Decimal256Type, Field, FieldRef,
};
use arrow::error::ArrowError;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result, ScalarValue, exec_datafusion_err, plan_err};
use datafusion::logical_expr::binary::BinaryTypeCoercer;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::interval_arithmetic::Interval;
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
static BY: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Checked::function("exact_divide", Some(Operator::Divide)));
static NEGATIVE: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Checked::function("exact_negate", None));

/// `+`, `-` and `*` of two whole numbers of one type, and `-` before one, with overflow as an error; also these and `/` of
/// two decimals.
pub(super) fn exact(expression: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    // What has no type here, such as a variable of a lambda, is left to the engine.
    let whole = |part: &Expr| part.get_type(schema).is_ok_and(|kind| kind.is_integer());
    let function = match &expression {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let function = match op {
                Operator::Plus => &PLUS,
                Operator::Minus => &MINUS,
                Operator::Multiply => &TIMES,
                Operator::Divide => &BY,
                _ => return Ok(Transformed::no(expression)),
            };
            let (Ok(left), Ok(right)) = (left.get_type(schema), right.get_type(schema)) else {
                return Ok(Transformed::no(expression));
            };
            let whole = left.is_integer() && left == right && *op != Operator::Divide;
            let fits = whole || decimal(*op, &left, &right).is_some_and(|result| is_longest(&result));
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

/// The type of what is computed of two decimals; nothing of other types.
fn decimal(operator: Operator, left: &DataType, right: &DataType) -> Option<DataType> {
    let both = left.is_decimal() && std::mem::discriminant(left) == std::mem::discriminant(right);
    both.then(|| BinaryTypeCoercer::new(left, &operator, right).get_result_type().ok())?
}

/// Whether it is a decimal of as many digits as there can be: of others no result outgrows its type.
fn is_longest(kind: &DataType) -> bool {
    matches!(
        kind,
        DataType::Decimal128(DECIMAL128_MAX_PRECISION, _) | DataType::Decimal256(DECIMAL256_MAX_PRECISION, _)
    )
}

/// An error where a decimal has more digits than its type.
fn fit(values: &ArrayRef) -> Result<()> {
    let fits = match values.data_type() {
        DataType::Decimal128(precision, _) => values
            .as_primitive::<Decimal128Type>()
            .validate_decimal_precision(*precision),
        DataType::Decimal256(precision, _) => values
            .as_primitive::<Decimal256Type>()
            .validate_decimal_precision(*precision),
        _ => return Ok(()),
    };
    let too_long = |_| {
        let kind = crate::in_words(values.data_type());
        exec_datafusion_err!("the result needs more digits than {kind} has")
    };
    fits.map_err(too_long)
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
        match (arguments, self.operator) {
            ([left, right], Some(operator)) if left.is_decimal() => match decimal(operator, left, right) {
                Some(result) => Ok(result),
                None => plan_err!("{} needs two decimals", self.name),
            },
            ([kind, ..], _) => Ok(kind.clone()),
            ([], _) => plan_err!("{} needs a number", self.name),
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

    fn evaluate_bounds(&self, arguments: &[&Interval]) -> Result<Interval> {
        let kinds: Vec<_> = arguments.iter().map(|argument| argument.data_type()).collect();
        Interval::make_unbounded(&self.return_type(&kinds)?)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match (self.operator, arguments.args.as_slice()) {
            (Some(operator), [left, right]) => {
                let kernel: Kernel = match operator {
                    Operator::Minus => sub,
                    Operator::Multiply => mul,
                    Operator::Divide => div,
                    _ => add,
                };
                let result = apply(left, right, kernel)?;
                match &result {
                    ColumnarValue::Array(values) => fit(values)?,
                    ColumnarValue::Scalar(value) if value.data_type().is_decimal() => fit(&value.to_array()?)?,
                    ColumnarValue::Scalar(_) => {}
                }
                Ok(result)
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
