//! Numbers in SQL as people mean them, where the query engine's own way would give wrong ones in silence: arithmetic and
//! sums of whole numbers fail where they overflow, text becomes no decimal or day that nobody asked for, a rounded decimal can be
//! compared, and in rules no comparison holds of NaN.

mod arithmetic;
pub mod by_itself;
mod comparison;
mod keys;
mod literal;
pub(crate) mod rewrite;
mod rounded;
mod said;
mod sum;
#[cfg(test)]
mod tests;
mod unpruned;

use std::sync::Arc;

use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::{AggregateUDF, Expr};
use datafusion::prelude::SessionContext;

pub use comparison::is_floating;
use rewrite::Rewrite;

/// Makes whole numbers exact in all statements of a context: what is beyond the type of a result (`bigint + bigint`,
/// `-bigint`, `sum(bigint)`) is an error and not another number. A sum is beyond only where the whole of it is, in whatever
/// order the rows come. What is compared with a double
/// is compared as one, also a literal such as `0.5`, which is a decimal elsewhere; and by the rows, not by files' statistics.
/// What would make a decimal of text, of as many digits as what is beside it, or a day, is no plan.
pub fn exact(context: &SessionContext) {
    by_itself::settle(context);
    context.register_udaf(AggregateUDF::from(sum::ExactSum::default()));
    context.add_analyzer_rule(Arc::new(Rewrite::new("floating_literals", literal::floating)));
    context.add_analyzer_rule(Arc::new(keys::FloatingKeys));
    context.add_analyzer_rule(Arc::new(Rewrite::new("exact_arithmetic", arithmetic::exact)));
    context.add_analyzer_rule(Arc::new(Rewrite::new("rounded_as_planned", rounded::as_planned)));
    context.add_analyzer_rule(Arc::new(Rewrite::new("unpruned_floats", unpruned::unpruned)));
}

/// Makes comparisons of floating-point numbers those of IEEE 754 in all statements of a context: whatever is compared with
/// NaN, only `<>` holds. Elsewhere NaN is greater than all, as in Postgres and Spark.
pub fn nan_is_unordered(context: &SessionContext) {
    context.add_analyzer_rule(Arc::new(Rewrite::new("unordered_nan", comparison::unordered)));
}

/// An expression with the types of its operands settled, under [`exact`].
///
/// # Errors
/// What the engine says of an expression that is none.
pub fn exact_expression(expression: Expr, schema: &DFSchema) -> Result<Expr> {
    let expression = rewrite::expression(expression, schema, literal::floating)?;
    let expression = rewrite::expression(expression, schema, arithmetic::exact)?;
    rewrite::expression(expression, schema, rounded::as_planned)
}

/// An expression of a rule, with the types of its operands settled, under both.
pub(crate) fn of_rule(expression: Expr, schema: &DFSchema) -> Result<Expr> {
    rewrite::expression(exact_expression(expression, schema)?, schema, comparison::unordered)
}
