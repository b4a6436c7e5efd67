//! Queries must give the same answer from the same dataset versions: what depends on the clock or on chance is refused.

use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlan, Volatility};

/// The first function whose value depends on more than its arguments, such as `now` or `random`.
pub(crate) fn volatile_function(plan: &LogicalPlan) -> Option<String> {
    let mut found = None;
    let walked: Result<_> = plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|part| {
                if let Expr::ScalarFunction(call) = part
                    && call.func.signature().volatility != Volatility::Immutable
                {
                    found = Some(call.name().to_owned());
                    return Ok(TreeNodeRecursion::Stop);
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    });
    debug_assert!(walked.is_ok(), "the walk itself cannot fail");
    found
}
