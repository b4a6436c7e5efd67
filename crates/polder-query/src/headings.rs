//! Which columns of a query's result have a name that somebody gave them.

use datafusion::common::JoinType;
use datafusion::logical_expr::{Aggregate, Distinct, Expr, Join, LogicalPlan, Window};

/// For each column of a plan as written, whether its name is that of a table's column or an alias; else the engine made it
/// of the expression.
pub fn given_names(plan: &LogicalPlan) -> Vec<bool> {
    match plan {
        LogicalPlan::Projection(projection) => of_expressions(&projection.expr, &projection.input),
        LogicalPlan::Aggregate(Aggregate {
            input,
            group_expr,
            aggr_expr,
            ..
        }) if !matches!(group_expr.first(), Some(Expr::GroupingSet(_))) => {
            of_expressions(group_expr.iter().chain(aggr_expr), input)
        }
        LogicalPlan::Window(Window { input, window_expr, .. }) => {
            let mut given = given_names(input);
            given.extend(of_expressions(window_expr, input));
            given
        }
        LogicalPlan::Join(Join {
            left,
            right,
            join_type: JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full,
            ..
        }) => [given_names(left), given_names(right)].concat(),
        LogicalPlan::Sort(sort) => given_names(&sort.input),
        LogicalPlan::Limit(limit) => given_names(&limit.input),
        LogicalPlan::Filter(filter) => given_names(&filter.input),
        LogicalPlan::SubqueryAlias(alias) => given_names(&alias.input),
        LogicalPlan::Distinct(Distinct::All(input)) => given_names(input),
        LogicalPlan::Distinct(Distinct::On(distinct)) => of_expressions(&distinct.select_expr, &distinct.input),
        LogicalPlan::Union(union) => match union.inputs.first() {
            Some(first) => given_names(first),
            None => Vec::new(),
        },
        LogicalPlan::TableScan(_) => vec![true; plan.schema().fields().len()],
        _ => vec![false; plan.schema().fields().len()],
    }
}

fn of_expressions<'e>(expressions: impl IntoIterator<Item = &'e Expr>, input: &LogicalPlan) -> Vec<bool> {
    let below = given_names(input);
    let given = expressions.into_iter().map(|expression| match expression {
        Expr::Alias(_) => true,
        Expr::Column(column) => {
            let index = input.schema().maybe_index_of_column(column);
            index.and_then(|index| below.get(index)).copied().unwrap_or(false)
        }
        _ => false,
    });
    given.collect()
}

#[cfg(test)]
mod tests {
    use crate::{Session, SessionOptions};

    use super::*;

    #[tokio::test]
    async fn names_are_given_by_aliases_and_made_by_expressions_wherever_they_come_from() {
        let session = Session::without_lake(&SessionOptions::default()).unwrap();
        for (sql, expected) in [
            (r#"SELECT 1 AS "a Int64(1)", 2"#, vec![true, false]),
            (r#"SELECT * FROM (SELECT 1 AS "Int64(1)", 2)"#, vec![true, false]),
            (
                r#"SELECT k AS "Int64(2)", k, sum(k + 1), sum(k + 1) AS s FROM (VALUES (1)) AS t(k) GROUP BY k ORDER BY 3 LIMIT 1"#,
                vec![true, true, false, true],
            ),
            (
                "SELECT a.x, b.x + 1 FROM (SELECT 1 AS x) AS a JOIN (SELECT 1 AS x) AS b ON a.x = b.x",
                vec![true, false],
            ),
            ("SELECT DISTINCT 1 AS x, 2 UNION ALL SELECT 1, 2", vec![true, false]),
        ] {
            let frame = session.sql(sql).await.unwrap();
            assert_eq!(given_names(frame.logical_plan()), expected, "{sql}");
        }
    }
}
