//! Plans whose functions are not evaluated while they are planned: an optimiser computes what is constant, and a call such
//! as `repeat('x', 2000000000)` takes all memory before a query runs at all.

use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, LogicalPlan, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};
use polder_gate::sql_limits;

/// What a function says that is asked for its value.
const LATER: &str = "a function's value is not needed to check a query";

/// The plan with functions in it that keep their types and give no values, as far as their values may be large.
///
/// # Errors
/// What the engine says of a plan that is none.
pub(crate) fn unevaluated(plan: LogicalPlan) -> Result<LogicalPlan> {
    let plan = plan.transform_up_with_subqueries(|step| {
        step.map_expressions(|expression| {
            expression.transform_up(|part| match part {
                Expr::ScalarFunction(mut call) if sql_limits::makes_more(call.func.name()) => {
                    call.func = Arc::new(ScalarUDF::new_from_impl(Unevaluated {
                        inner: Arc::clone(&call.func),
                    }));
                    Ok(Transformed::yes(Expr::ScalarFunction(call)))
                }
                part => Ok(Transformed::no(part)),
            })
        })
    })?;
    Ok(plan.data)
}

/// Whether an error is one of a function that was asked for its value.
pub(crate) fn is_of_value(error: &DataFusionError) -> bool {
    error.to_string().contains(LATER)
}

/// A function that gives no value.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Unevaluated {
    inner: Arc<ScalarUDF>,
}

impl ScalarUDFImpl for Unevaluated {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        self.inner.schema_name(args)
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(arg_types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(arg_types)
    }

    fn simplify(&self, args: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        self.inner.simplify(args, info)
    }

    fn short_circuits(&self) -> bool {
        self.inner.short_circuits()
    }

    fn conditional_arguments<'a>(&self, args: &'a [Expr]) -> Option<(Vec<&'a Expr>, Vec<&'a Expr>)> {
        self.inner.conditional_arguments(args)
    }

    fn invoke_with_args(&self, _args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Err(DataFusionError::Execution(LATER.to_owned()))
    }
}
