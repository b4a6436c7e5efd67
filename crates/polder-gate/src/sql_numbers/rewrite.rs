//! Parts of expressions put in the place of others, in whole plans.

use std::fmt;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::optimizer::AnalyzerRule;

/// What stands in for an expression whose parts were looked at before; the expression itself where nothing does.
pub(crate) type Replace = fn(Expr, &DFSchema) -> Result<Transformed<Expr>>;

/// Replaces parts of all expressions of a plan, once their types are settled. Names of columns stay.
pub(crate) struct Rewrite {
    name: &'static str,
    replace: Replace,
}

impl Rewrite {
    pub(crate) fn new(name: &'static str, replace: Replace) -> Self {
        Self { name, replace }
    }

    pub(super) fn node(&self, plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
        let schema = of_inputs(&plan)?;
        let names = NamePreserver::new(&plan);
        let mut named = |expression: Expr| {
            let name = names.save(&expression);
            let replaced = expression.transform_up(|part| (self.replace)(part, &schema))?;
            Ok(replaced.update_data(|expression| name.restore(expression)))
        };
        let rewritten = plan.map_expressions(|expression| match expression {
            // What is grouped by has names, the sets have none.
            sets @ Expr::GroupingSet(_) => sets.map_children(&mut named),
            expression => named(expression),
        })?;
        if !rewritten.transformed {
            return Ok(rewritten);
        }
        rewritten.map_data(LogicalPlan::recompute_schema)
    }
}

impl fmt::Debug for Rewrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl AnalyzerRule for Rewrite {
    fn name(&self) -> &str {
        self.name
    }

    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|plan| self.node(plan))
            .map(|plan| plan.data)
    }
}

/// The columns that the expressions of a plan's first node may name.
pub(super) fn of_inputs(plan: &LogicalPlan) -> Result<DFSchema> {
    let mut schema = merge_schema(&plan.inputs());
    if let LogicalPlan::TableScan(scan) = plan {
        let source = DFSchema::try_from_qualified_schema(scan.table_name.clone(), &scan.source.schema())?;
        schema.merge(&source);
    }
    Ok(schema)
}

/// The same of one expression.
pub(super) fn expression(expression: Expr, schema: &DFSchema, replace: Replace) -> Result<Expr> {
    expression
        .transform_up(|part| replace(part, schema))
        .map(|expression| expression.data)
}
