//! How large a query may become while it is planned: what is short as a text can be without end as a plan.
//!
//! A definition that is read twice, by one that is read twice, doubles with each step; an expression over columns that are
//! expressions is put together where filters are pushed down; texts of constants are joined before anything runs. Each of
//! these is measured on the plan as written, before an optimiser makes it so.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema};
use datafusion::logical_expr::{Expr, LogicalPlan, Operator, Subquery};

/// Most steps of a plan, its subqueries among them.
const MOST_STEPS: usize = 5_000;
/// Largest expression, once the columns that it reads are what they stand for: operators, functions and values.
const LARGEST: u64 = 100_000;
/// Longest text of constants, bytes.
const LONGEST_CONSTANT: u64 = 16 << 20;

/// Refuses a plan that becomes too large to be worked on.
///
/// # Errors
/// What is too much, in words.
pub fn size(plan: &LogicalPlan) -> Result<(), String> {
    let mut walk = Walk { left: MOST_STEPS };
    walk.step(plan).map(drop)
}

/// Refuses a plan in which joined constants become too long. What functions make of constants is not looked at.
///
/// # Errors
/// What is too much, in words.
pub fn joined_constants(plan: &LogicalPlan) -> Result<(), String> {
    let mut longest = 1;
    let walked = plan.apply_with_subqueries(|step| {
        step.apply_expressions(|expression| {
            expression.apply(|part| {
                if let Expr::Literal(value, _) = part {
                    longest = longest.max(value.size() as u64);
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    });
    walked.map_err(|error| error.strip_backtrace())?;
    if joined(plan).saturating_mul(longest) > LONGEST_CONSTANT {
        return Err(format!(
            "texts that it joins with || could become longer than {} MiB",
            LONGEST_CONSTANT >> 20
        ));
    }
    Ok(())
}

/// How many texts are one in the end, at most.
fn joined(plan: &LogicalPlan) -> u64 {
    let below = plan.inputs().into_iter().map(joined).max().unwrap_or(1);
    let mut own = 1;
    let _walked = plan.apply_expressions(|expression| {
        own = joined_in(expression).max(own);
        Ok(TreeNodeRecursion::Continue)
    });
    below.saturating_mul(own)
}

fn joined_in(expression: &Expr) -> u64 {
    if let Some(subquery) = subquery(expression) {
        return joined(&subquery.subquery);
    }
    let (mut most, mut sum) = (1, 0u64);
    let _walked = expression.apply_children(|part| {
        let part = joined_in(part);
        most = part.max(most);
        sum = sum.saturating_add(part);
        Ok(TreeNodeRecursion::Continue)
    });
    match expression {
        Expr::BinaryExpr(binary) if binary.op == Operator::StringConcat => sum,
        _ => most,
    }
}

fn subquery(expression: &Expr) -> Option<&Subquery> {
    match expression {
        Expr::ScalarSubquery(subquery) => Some(subquery),
        Expr::Exists(exists) => Some(&exists.subquery),
        Expr::InSubquery(inside) => Some(&inside.subquery),
        Expr::SetComparison(compared) => Some(&compared.subquery),
        _ => None,
    }
}

struct Walk {
    /// How many steps more there may be.
    left: usize,
}

impl Walk {
    /// How large what each column of a step stands for is.
    fn step(&mut self, plan: &LogicalPlan) -> Result<Vec<u64>, String> {
        self.left = self.left.checked_sub(1).ok_or_else(|| {
            format!("it becomes more than {MOST_STEPS} steps: what it defines is read again by what reads it again")
        })?;
        let mut inputs = Vec::new();
        for input in plan.inputs() {
            inputs.push(self.step(input)?);
        }
        let mut found = Vec::new();
        let walked = plan.apply_expressions(|expression| {
            expression.apply(|part| {
                if let Some(subquery) = subquery(part) {
                    found.push(subquery.clone());
                }
                Ok(TreeNodeRecursion::Continue)
            })
        });
        walked.map_err(|error| error.strip_backtrace())?;
        for subquery in found {
            self.step(&subquery.subquery)?;
        }
        let columns = plan.schema().fields().len();
        let of_input = |expressions: &[Expr], input: &LogicalPlan| -> Result<Vec<u64>, String> {
            let sizes = inputs.first().map(Vec::as_slice).unwrap_or_default();
            let each = expressions
                .iter()
                .map(|expression| bounded(expanded(expression, input.schema(), sizes)));
            each.collect()
        };
        let mut given = match plan {
            LogicalPlan::Projection(projection) => of_input(&projection.expr, &projection.input)?,
            LogicalPlan::Aggregate(aggregate) => of_input(&aggregate.group_expr, &aggregate.input)?,
            LogicalPlan::Filter(filter) => {
                of_input(std::slice::from_ref(&filter.predicate), &filter.input)?;
                inputs.concat()
            }
            LogicalPlan::Union(_) => {
                let largest = |place: usize| inputs.iter().filter_map(|input| input.get(place)).max();
                (0..columns).map(|place| largest(place).copied().unwrap_or(1)).collect()
            }
            _ => inputs.concat(),
        };
        given.resize(columns, 1);
        Ok(given)
    }
}

fn bounded(size: u64) -> Result<u64, String> {
    if size > LARGEST {
        return Err(format!(
            "an expression becomes more than {LARGEST} operators and values, once the columns that it reads are what \
             they stand for"
        ));
    }
    Ok(size)
}

fn expanded(expression: &Expr, schema: &DFSchema, sizes: &[u64]) -> u64 {
    let of = |column: &Column| {
        let place = schema.maybe_index_of_column(column);
        place.and_then(|place| sizes.get(place)).copied().unwrap_or(1)
    };
    match expression {
        Expr::Column(column) => of(column),
        Expr::Alias(alias) => expanded(&alias.expr, schema, sizes),
        _ => {
            let mut sum = 1u64;
            let _walked = expression.apply_children(|part| {
                sum = sum.saturating_add(expanded(part, schema, sizes));
                Ok(TreeNodeRecursion::Continue)
            });
            sum
        }
    }
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::SessionContext;

    use super::*;

    async fn plan(sql: &str) -> LogicalPlan {
        let frame = SessionContext::new().sql(sql).await;
        frame
            .unwrap_or_else(|error| panic!("{sql}: {error}"))
            .into_unoptimized_plan()
    }

    /// Each of so many steps reads the one before it.
    fn chain(length: usize, step: &str) -> String {
        let steps = (1..=length).map(|i| format!(", x{i} AS ({})", step.replace("before", &format!("x{}", i - 1))));
        let steps: String = steps.collect();
        format!("WITH x0 AS (SELECT 1 AS v, 'ab' AS c){steps} SELECT * FROM x{length}")
    }

    #[tokio::test]
    async fn what_is_read_twice_counts_twice_at_each_step() {
        let twice = "SELECT a.v, b.c FROM before AS a CROSS JOIN before AS b";
        assert_eq!(size(&plan(&chain(6, twice)).await), Ok(()));
        assert!(size(&plan(&chain(16, twice)).await).unwrap_err().contains("steps"));
        let hidden = "SELECT v, c FROM before WHERE v IN (SELECT v FROM before)";
        assert!(size(&plan(&chain(16, hidden)).await).unwrap_err().contains("steps"));
    }

    #[tokio::test]
    async fn expressions_count_with_what_their_columns_stand_for() {
        let sum = "SELECT v + v AS v, c FROM before";
        assert_eq!(size(&plan(&chain(10, sum)).await), Ok(()));
        assert!(size(&plan(&chain(20, sum)).await).unwrap_err().contains("operators"));
        // Nothing is put together through an aggregate.
        let aggregate = "SELECT sum(v + v) AS v, max(c) AS c FROM before";
        assert_eq!(size(&plan(&chain(20, aggregate)).await), Ok(()));
    }

    #[tokio::test]
    async fn joined_constants_count_with_each_step_too() {
        let joined = "SELECT v, c || c || c || c || c || c || c || c AS c FROM before";
        assert_eq!(joined_constants(&plan(&chain(3, joined)).await), Ok(()));
        assert!(
            joined_constants(&plan(&chain(7, joined)).await)
                .unwrap_err()
                .contains("||")
        );
    }
}
