//! Where rows of datasets go by themselves into what a query makes, and by which of their columns they meet others there:
//! where two of them have the same value in such a column, the others come twice.

use std::collections::BTreeSet;

use datafusion::common::Column;
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{BinaryExpr, Expr, JoinType, LogicalPlan, Operator};
use polder_core::DatasetName;
use polder_query::lineage::{DatasetColumn, dataset_of};

/// What becomes of rows in a query.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Meeting {
    /// The columns that rows meet others by.
    pub(crate) by: BTreeSet<DatasetColumn>,
    /// The datasets of which each row may be one of what the query makes: nothing groups them or chooses one of several.
    pub(crate) alone: BTreeSet<DatasetName>,
}

/// What becomes of rows in a plan as it is written.
pub(crate) fn meeting(plan: &LogicalPlan) -> Meeting {
    let mut meeting = Meeting::default();
    let mut open = vec![plan];
    while let Some(plan) = open.pop() {
        match plan {
            // One row is made of several, or one of them chosen.
            LogicalPlan::Aggregate(_) | LogicalPlan::Distinct(_) => continue,
            LogicalPlan::Filter(filter) => {
                if numbers_rows(&filter.input) {
                    continue;
                }
                // `FROM a, b WHERE a.x = b.x`
                meeting.equal(&filter.predicate, &filter.input);
            }
            LogicalPlan::Join(join) => match join.join_type {
                JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full => {
                    for (left, right) in &join.on {
                        meeting
                            .by
                            .extend(of_expression(left, &join.left).map(|(_, column)| column));
                        meeting
                            .by
                            .extend(of_expression(right, &join.right).map(|(_, column)| column));
                    }
                    if let Some(filter) = &join.filter {
                        meeting.equal(filter, plan);
                    }
                }
                // Rows of one side only ask for the other.
                JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => {
                    open.push(&join.left);
                    continue;
                }
                JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => {
                    open.push(&join.right);
                    continue;
                }
            },
            LogicalPlan::TableScan(scan) => meeting.alone.extend(dataset_of(&scan.table_name)),
            _ => {}
        }
        open.extend(plan.inputs());
    }
    meeting
}

impl Meeting {
    /// Takes in columns of different tables that a condition asks to be equal.
    fn equal(&mut self, condition: &Expr, input: &LogicalPlan) {
        for conjunct in split_conjunction(condition) {
            let Expr::BinaryExpr(BinaryExpr {
                left,
                op: Operator::Eq,
                right,
            }) = conjunct
            else {
                continue;
            };
            if !is_column(left) || !is_column(right) {
                continue;
            }
            let both = [of_expression(left, input), of_expression(right, input)];
            if let [Some((one, _)), Some((other, _))] = &both
                && std::ptr::eq(*one, *other)
            {
                continue;
            }
            self.by.extend(both.into_iter().flatten().map(|(_, column)| column));
        }
    }
}

fn is_column(expr: &Expr) -> bool {
    match expr {
        Expr::Alias(alias) => is_column(&alias.expr),
        Expr::Cast(cast) => is_column(&cast.expr),
        expr => matches!(expr, Expr::Column(_)),
    }
}

/// The column of a table that an expression over a plan is, with where the table is read.
fn of_expression<'p>(expr: &Expr, input: &'p LogicalPlan) -> Option<(&'p LogicalPlan, DatasetColumn)> {
    match expr {
        Expr::Alias(alias) => of_expression(&alias.expr, input),
        Expr::Cast(cast) => of_expression(&cast.expr, input),
        Expr::Column(column) => of_column(column, input),
        _ => None,
    }
}

fn of_column<'p>(column: &Column, plan: &'p LogicalPlan) -> Option<(&'p LogicalPlan, DatasetColumn)> {
    let at = plan.schema().maybe_index_of_column(column)?;
    of_place(at, plan)
}

fn of_place(at: usize, plan: &LogicalPlan) -> Option<(&LogicalPlan, DatasetColumn)> {
    match plan {
        LogicalPlan::TableScan(scan) => {
            let column = DatasetColumn {
                dataset: dataset_of(&scan.table_name)?,
                column: plan.schema().fields().get(at)?.name().clone(),
            };
            Some((plan, column))
        }
        LogicalPlan::Projection(projection) => of_expression(projection.expr.get(at)?, &projection.input),
        LogicalPlan::Filter(filter) if !numbers_rows(&filter.input) => of_place(at, &filter.input),
        LogicalPlan::SubqueryAlias(alias) => of_place(at, &alias.input),
        LogicalPlan::Sort(sort) if sort.fetch.is_none() => of_place(at, &sort.input),
        LogicalPlan::Window(window) if at < window.input.schema().fields().len() => of_place(at, &window.input),
        LogicalPlan::Join(join) => {
            let left = join.left.schema().fields().len();
            match (join.join_type, at.checked_sub(left)) {
                (JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark, _) => None,
                (_, None) => of_place(at, &join.left),
                (JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full, Some(at)) => {
                    of_place(at, &join.right)
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// Whether rows are numbered, so that a filter above may leave one of several.
fn numbers_rows(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Window(_) => true,
        LogicalPlan::Projection(projection) => numbers_rows(&projection.input),
        LogicalPlan::SubqueryAlias(alias) => numbers_rows(&alias.input),
        LogicalPlan::Filter(filter) => numbers_rows(&filter.input),
        LogicalPlan::Sort(sort) => numbers_rows(&sort.input),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::testing::plan;

    /// The columns that rows meet by, and the datasets whose rows come alone.
    async fn of(rest: &str) -> (Vec<String>, Vec<String>) {
        let found = meeting(&plan(&format!("SELECT {rest}")).await);
        let by = found.by.iter().map(ToString::to_string).collect();
        (by, found.alone.iter().map(ToString::to_string).collect())
    }

    #[tokio::test]
    async fn rows_meet_by_what_a_join_compares_unless_there_is_one_of_each() {
        const T: &str = "a.silver.t";
        const U: &str = "a.silver.u";
        const BOTH: [&str; 2] = ["a.silver.t.k", "a.silver.u.k"];
        for (rest, by, alone) in [
            (
                "t.v FROM a.silver.u LEFT JOIN a.silver.t ON t.k = u.k",
                &BOTH[..],
                &[T, U][..],
            ),
            ("t.v FROM a.silver.u, a.silver.t WHERE t.k = u.k", &BOTH, &[T, U]),
            (
                "q.v FROM a.silver.u JOIN (SELECT k AS x, v FROM a.silver.t WHERE v > 1) AS q ON q.x = u.k",
                &BOTH,
                &[T, U],
            ),
            (
                "q.v FROM a.silver.u JOIN (SELECT k, max(v) AS v FROM a.silver.t GROUP BY k) AS q ON q.k = u.k",
                &BOTH[1..],
                &[U],
            ),
            (
                "q.k FROM a.silver.u JOIN (SELECT DISTINCT k FROM a.silver.t) AS q ON q.k = u.k",
                &BOTH[1..],
                &[U],
            ),
            (
                "q.k FROM a.silver.u JOIN (SELECT k FROM (SELECT k, row_number() OVER (PARTITION BY k ORDER BY v) AS n \
                 FROM a.silver.t) AS w WHERE n = 1) AS q ON q.k = u.k",
                &BOTH[1..],
                &[U],
            ),
            (
                "DISTINCT u.k FROM a.silver.u LEFT JOIN a.silver.t ON t.k = u.k",
                &[],
                &[],
            ),
            ("u.k FROM a.silver.u LEFT SEMI JOIN a.silver.t ON t.k = u.k", &[], &[U]),
            ("v FROM a.silver.t WHERE k = k", &[], &[T]),
        ] {
            let found = of(rest).await;
            assert_eq!(
                (&*found.0, &*found.1),
                (
                    &*by.iter().map(ToString::to_string).collect::<Vec<_>>(),
                    &*alone.iter().map(ToString::to_string).collect::<Vec<_>>()
                ),
                "{rest}"
            );
        }
    }
}
