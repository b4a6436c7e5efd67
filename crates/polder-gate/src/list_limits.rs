//! How much may come of lists that a query takes apart (`unnest`): a row comes once for each item of its list, with all
//! that is beside the list, and the items of one row come all at once, outside of every pool.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, LogicalPlan, Unnest};

/// Whether a plan takes lists apart.
pub fn takes_apart(plan: &LogicalPlan) -> bool {
    any_step(plan, |step| matches!(step, LogicalPlan::Unnest(_)))
}

/// Refuses a plan, from which what it does not need was taken out, where what comes of a list can be far larger than the
/// list: one that is made of many rows, lists within lists at once, and lists that are repeated for each item.
///
/// # Errors
/// What is too much, in words.
pub fn taken_apart(plan: &LogicalPlan) -> Result<(), String> {
    let mut found = Ok(());
    any_step(plan, |step| {
        if let LogicalPlan::Unnest(unnest) = step {
            found = bounded(unnest);
        }
        found.is_err()
    });
    found
}

fn bounded(unnest: &Unnest) -> Result<(), String> {
    if unnest.list_type_columns.is_empty() {
        return Ok(());
    }
    if any_step(&unnest.input, gathers) {
        return Err(
            "it takes a list apart beside what is made of many rows (array_agg, string_agg), and each item would come with all of it"
                .to_owned(),
        );
    }
    if unnest.list_type_columns.iter().any(|(_, list)| list.depth > 1) {
        return Err(
            "it takes lists within lists apart at once: take the outer ones apart in a query inside".to_owned(),
        );
    }
    for (output, input) in unnest.dependency_indices.iter().enumerate() {
        let is_apart = unnest.list_type_columns.iter().any(|(list, _)| list == input);
        let field = unnest.schema.field(output);
        if !is_apart && holds_many(field.data_type()) {
            return Err(format!(
                "it repeats the list or map `{}` for each item of another: take that one apart in a query of its own",
                field.name()
            ));
        }
    }
    Ok(())
}

/// Whether a step makes one value of many rows.
fn gathers(step: &LogicalPlan) -> bool {
    let mut found = false;
    // Nothing can fail: the walk only looks.
    let _walked = step.apply_expressions(|expression| {
        expression.apply(|part| {
            let name = match part {
                Expr::AggregateFunction(call) => call.func.name().to_owned(),
                Expr::WindowFunction(call) => call.fun.name().to_owned(),
                _ => return Ok(TreeNodeRecursion::Continue),
            };
            found |= matches!(name.as_str(), "array_agg" | "string_agg");
            Ok(if found {
                TreeNodeRecursion::Stop
            } else {
                TreeNodeRecursion::Continue
            })
        })
    });
    found
}

fn holds_many(kind: &DataType) -> bool {
    match kind {
        DataType::List(_)
        | DataType::LargeList(_)
        | DataType::FixedSizeList(..)
        | DataType::ListView(_)
        | DataType::LargeListView(_)
        | DataType::Map(..) => true,
        DataType::Struct(fields) => fields.iter().any(|field| holds_many(field.data_type())),
        _ => false,
    }
}

/// Whether something holds for a step of the plan, its subqueries among them; it is asked of no more steps then.
fn any_step(plan: &LogicalPlan, mut holds: impl FnMut(&LogicalPlan) -> bool) -> bool {
    let mut found = false;
    let _walked = plan.apply_with_subqueries(|step| {
        found = holds(step);
        Ok(if found {
            TreeNodeRecursion::Stop
        } else {
            TreeNodeRecursion::Continue
        })
    });
    found
}
