//! Doubles beside decimals in the keys of joins.

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::optimizer::AnalyzerRule;

use super::literal::doubles_of;

/// Compares keys of joins that stand apart from conditions (`USING`, `NATURAL`, `INTERSECT`, `EXCEPT`) as doubles where one of
/// a pair is a double.
#[derive(Debug)]
pub(super) struct FloatingKeys;

impl AnalyzerRule for FloatingKeys {
    fn name(&self) -> &str {
        "floating_keys"
    }

    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|plan| Ok(of_join(plan)))
            .map(|plan| plan.data)
    }
}

/// The columns of a join stay what they are.
fn of_join(plan: LogicalPlan) -> Transformed<LogicalPlan> {
    let LogicalPlan::Join(mut join) = plan else {
        return Transformed::no(plan);
    };
    let mut any = false;
    for (left, right) in &mut join.on {
        let sides = [
            (&*left, join.left.schema().as_ref()),
            (&*right, join.right.schema().as_ref()),
        ];
        let sides = doubles_of(sides).map(<[Expr; 2]>::try_from);
        if let Some(Ok([own, other])) = sides {
            (*left, *right) = (own, other);
            any = true;
        }
    }
    let join = LogicalPlan::Join(join);
    match any {
        true => Transformed::yes(join),
        false => Transformed::no(join),
    }
}
