//! Whether the groups that a change touches can be found by running a query over the changed rows alone.
//!
//! The engine runs the query with one scan replaced by the rows that changed there (all others in full) and takes the
//! keys that come out as touched. That finds every touched group when the key's values of each changed result row also
//! come out of that reduced run. So each column of each node gets a [`Mark`]: [`Mark::Own`] columns come out with the
//! same values in the reduced run; what was computed over several rows ([`Mark::Other`]) does not, and must therefore
//! neither filter nor join rows nor be part of the key.

use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, JoinType, ScalarValue};
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{
    Aggregate, BinaryExpr, Distinct, DistinctOn, Expr, LogicalPlan, Operator, WindowFunctionDefinition,
};

/// Where a column is from that not every row has, in the reasons of [`check`].
pub(crate) const OPTIONAL: &str = "from the optional side of an outer join";

/// What is known of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark<'p> {
    /// Depends on nothing but the rows that each result row comes from.
    Own,
    /// A `row_number()`: each partition that has a row has number 1.
    RowNumber,
    /// Stands beside what this window function computes, and is not among what it partitions by.
    Beside(&'p WindowFunction),
    /// From the optional side of an outer join: whether there is a value depends on other rows.
    Optional,
    /// Depends on other rows too.
    Other,
}

impl Mark<'_> {
    /// What is known of a value that is made of two.
    fn with(self, other: Self) -> Self {
        match (self, other) {
            (mark, Mark::Own) | (mark @ Mark::Beside(_), _) => mark,
            (_, Mark::Beside(window)) => Mark::Beside(window),
            (Mark::Own | Mark::Optional, Mark::Optional) => Mark::Optional,
            _ => Mark::Other,
        }
    }
}

/// Whether touched groups of `key` can be found by running the query over changed rows alone.
///
/// # Errors
/// Why not, in words that complete "the query …".
pub(crate) fn check(plan: &LogicalPlan, key: &[String]) -> Result<(), String> {
    let marks = marks(plan, None)?;
    for column in key {
        let position = plan.schema().fields().iter().position(|field| field.name() == column);
        // A key column that the query does not give is reported with the other missing columns.
        if let Some(mark) = position.and_then(|i| marks.get(i))
            && *mark != Mark::Own
        {
            return Err(match mark {
                Mark::Beside(window) => format!(
                    "has a window that reaches over groups: the PARTITION BY of `{}` must hold what the key column `{column}` is \
                     made of",
                    written(window)
                ),
                Mark::Optional => {
                    format!("takes the key column `{column}` {OPTIONAL}")
                }
                _ => format!("computes the key column `{column}` from several rows"),
            });
        }
    }
    Ok(())
}

/// A window as people write it: `sum(…) OVER (PARTITION BY a, b)`.
fn written(window: &WindowFunction) -> String {
    let arguments = if window.params.args.is_empty() { "" } else { "…" };
    let by = window.params.partition_by.iter().map(|by| match by {
        Expr::Column(column) => column.name.clone(),
        other => other.to_string(),
    });
    let by: Vec<_> = by.collect();
    let by = match by.is_empty() {
        true => String::new(),
        false => format!("PARTITION BY {}", by.join(", ")),
    };
    format!("{}({arguments}) OVER ({by})", window.fun.name())
}

/// The columns that a subquery sees around itself.
struct Scope<'a, 'p> {
    schema: &'a DFSchema,
    marks: &'a [Mark<'p>],
    around: Option<&'a Scope<'a, 'p>>,
}

impl<'p> Scope<'_, 'p> {
    fn mark(&self, column: &Column) -> Option<Mark<'p>> {
        mark_of(column, self.schema, self.marks).or_else(|| self.around?.mark(column))
    }
}

fn mark_of<'p>(column: &Column, schema: &DFSchema, marks: &[Mark<'p>]) -> Option<Mark<'p>> {
    schema.maybe_index_of_column(column).and_then(|i| marks.get(i)).copied()
}

fn marks<'p>(plan: &'p LogicalPlan, around: Option<&Scope<'_, 'p>>) -> Result<Vec<Mark<'p>>, String> {
    match plan {
        LogicalPlan::TableScan(scan) if scan.fetch.is_some() => refuse("has a limit"),
        LogicalPlan::TableScan(_) | LogicalPlan::Values(_) | LogicalPlan::EmptyRelation(_) => {
            Ok(vec![Mark::Own; plan.schema().fields().len()])
        }
        LogicalPlan::SubqueryAlias(alias) => marks(&alias.input, around),
        LogicalPlan::Projection(projection) => {
            let input = marks(&projection.input, around)?;
            let inside = Inside {
                schema: projection.input.schema(),
                marks: &input,
                around,
            };
            projection.expr.iter().map(|expr| inside.passed_on(expr)).collect()
        }
        LogicalPlan::Filter(filter) => {
            let input = marks(&filter.input, around)?;
            let inside = Inside {
                schema: filter.input.schema(),
                marks: &input,
                around,
            };
            for conjunct in split_conjunction(&filter.predicate) {
                inside.filter(conjunct)?;
            }
            Ok(input)
        }
        LogicalPlan::Window(window) => window_marks(window, around),
        LogicalPlan::Aggregate(aggregate) => aggregate_marks(aggregate, around),
        LogicalPlan::Distinct(Distinct::All(input)) => {
            // Whether a row is kept depends on equal rows alone, so that marks stay; a row number does not: it may be
            // the one column in which rows differ, as before.
            marks(input, around)
        }
        LogicalPlan::Distinct(Distinct::On(distinct)) => distinct_on_marks(distinct, around),
        LogicalPlan::Union(union) => {
            let mut output = vec![Mark::Own; union.schema.fields().len()];
            for input in &union.inputs {
                for (mark, other) in output.iter_mut().zip(marks(input, around)?) {
                    // A row number of several inputs numbers none of them.
                    let other = if other == Mark::RowNumber { Mark::Other } else { other };
                    *mark = mark.with(other);
                }
            }
            Ok(output)
        }
        LogicalPlan::Join(join) => join_marks(join, around),
        LogicalPlan::Sort(sort) if sort.fetch.is_none() => {
            // The order of a result is not kept in a table.
            marks(&sort.input, around)
        }
        LogicalPlan::Sort(_) | LogicalPlan::Limit(_) => refuse("has a limit"),
        LogicalPlan::Unnest(unnest) => {
            let input = marks(&unnest.input, around)?;
            // An empty list drops its row: it must not come from other rows.
            if unnest
                .list_type_columns
                .iter()
                .any(|(i, _)| input.get(*i) != Some(&Mark::Own))
            {
                return refuse("unnests a list that is made of several rows");
            }
            Ok(unnest
                .dependency_indices
                .iter()
                .map(|i| input.get(*i).copied().unwrap_or(Mark::Other))
                .collect())
        }
        LogicalPlan::Subquery(_) => refuse("has a lateral join"),
        LogicalPlan::RecursiveQuery(_) => refuse("is recursive"),
        _ => refuse("has a construct whose groups cannot be followed"),
    }
}

fn refuse<T>(reason: &str) -> Result<T, String> {
    Err(reason.to_owned())
}

fn aggregate_marks<'p>(aggregate: &'p Aggregate, around: Option<&Scope<'_, 'p>>) -> Result<Vec<Mark<'p>>, String> {
    let input = marks(&aggregate.input, around)?;
    let inside = Inside {
        schema: aggregate.input.schema(),
        marks: &input,
        around,
    };
    let mut output = Vec::with_capacity(aggregate.schema.fields().len());
    for expr in &aggregate.group_expr {
        if matches!(expr, Expr::GroupingSet(_)) {
            return refuse("has grouping sets, a cube or a rollup");
        }
        output.push(inside.mark(expr)?);
    }
    for expr in &aggregate.aggr_expr {
        inside.mark(expr)?;
        output.push(Mark::Other);
    }
    Ok(output)
}

fn distinct_on_marks<'p>(distinct: &'p DistinctOn, around: Option<&Scope<'_, 'p>>) -> Result<Vec<Mark<'p>>, String> {
    let input = marks(&distinct.input, around)?;
    let inside = Inside {
        schema: distinct.input.schema(),
        marks: &input,
        around,
    };
    for sort in distinct.sort_expr.iter().flatten() {
        inside.mark(&sort.expr)?;
    }
    distinct
        .select_expr
        .iter()
        .map(|expr| match distinct.on_expr.contains(unaliased(expr)) {
            true => inside.mark(expr),
            false => inside.mark(expr).map(|_| Mark::Other),
        })
        .collect()
}

fn window_marks<'p>(
    window: &'p datafusion::logical_expr::Window,
    around: Option<&Scope<'_, 'p>>,
) -> Result<Vec<Mark<'p>>, String> {
    let input = marks(&window.input, around)?;
    let inside = Inside {
        schema: window.input.schema(),
        marks: &input,
        around,
    };
    let mut output = input.clone();
    let mut computed = Vec::with_capacity(window.window_expr.len());
    for expr in &window.window_expr {
        inside.mark(expr)?;
        let Expr::WindowFunction(function) = unaliased(expr) else {
            return refuse("has a window function of an unknown form");
        };
        // Every other column may be changed in effect by another row of the partition: a filter on it would look at
        // the changed row and miss that one.
        for (i, mark) in output.iter_mut().enumerate() {
            let partitions = function.params.partition_by.iter().any(|by| match by {
                Expr::Column(column) => window.input.schema().maybe_index_of_column(column) == Some(i),
                _ => false,
            });
            // What reached over groups before does so still, and is named.
            if !partitions && matches!(mark, Mark::Own | Mark::RowNumber) {
                *mark = Mark::Beside(function);
            }
        }
        let numbers = match &function.fun {
            WindowFunctionDefinition::WindowUDF(fun) => fun.name() == "row_number",
            WindowFunctionDefinition::AggregateUDF(_) => false,
        };
        computed.push(if numbers { Mark::RowNumber } else { Mark::Other });
    }
    output.extend(computed);
    Ok(output)
}

fn join_marks<'p>(
    join: &'p datafusion::logical_expr::Join,
    around: Option<&Scope<'_, 'p>>,
) -> Result<Vec<Mark<'p>>, String> {
    let mut left = marks(&join.left, around)?;
    let mut right = marks(&join.right, around)?;
    let left_side = Inside {
        schema: join.left.schema(),
        marks: &left,
        around,
    };
    let right_side = Inside {
        schema: join.right.schema(),
        marks: &right,
        around,
    };
    for (l, r) in &join.on {
        left_side.joins_on(l)?;
        right_side.joins_on(r)?;
    }
    if let Some(filter) = &join.filter {
        let schema = join
            .left
            .schema()
            .join(join.right.schema())
            .map_err(|error| error.to_string())?;
        let both: Vec<_> = left.iter().chain(&right).copied().collect();
        let inside = Inside {
            schema: &schema,
            marks: &both,
            around,
        };
        inside.joins_on(filter)?;
    }
    match join.join_type {
        JoinType::Inner => {}
        JoinType::Left => optional(&mut right),
        JoinType::Right => optional(&mut left),
        JoinType::Full => {
            optional(&mut left);
            optional(&mut right);
        }
        JoinType::LeftSemi => return Ok(left),
        JoinType::RightSemi => return Ok(right),
        _ => return refuse("has an anti join, EXCEPT or NOT IN"),
    }
    left.extend(right);
    Ok(left)
}

/// The columns of the optional side of an outer join.
fn optional(marks: &mut [Mark<'_>]) {
    for mark in marks {
        if *mark != Mark::Other {
            *mark = Mark::Optional;
        }
    }
}

/// Expressions over the columns of one input.
struct Inside<'a, 'p> {
    schema: &'a DFSchema,
    marks: &'a [Mark<'p>],
    around: Option<&'a Scope<'a, 'p>>,
}

impl<'p> Inside<'_, 'p> {
    /// The mark of an output column: a row number stays one when it is only given another name.
    fn passed_on(&self, expr: &Expr) -> Result<Mark<'p>, String> {
        match unaliased(expr) {
            Expr::Column(column) => Ok(mark_of(column, self.schema, self.marks).unwrap_or(Mark::Other)),
            other => self.mark(other),
        }
    }

    /// Whether an expression is made of [`Mark::Own`] columns alone.
    fn mark(&self, expr: &Expr) -> Result<Mark<'p>, String> {
        let mut mark = Mark::Own;
        let mut refused = None;
        let walked = expr.apply(|part| {
            let found = match part {
                Expr::Column(column) => mark_of(column, self.schema, self.marks).unwrap_or(Mark::Other),
                Expr::OuterReferenceColumn(_, column) => {
                    self.around.and_then(|scope| scope.mark(column)).unwrap_or(Mark::Other)
                }
                Expr::ScalarSubquery(_) | Expr::SetComparison(_) => {
                    refused = Some("has a scalar subquery");
                    return Ok(TreeNodeRecursion::Stop);
                }
                Expr::Exists(_) | Expr::InSubquery(_) => {
                    refused = Some("has EXISTS or IN (SELECT …) elsewhere than among the conditions of WHERE");
                    return Ok(TreeNodeRecursion::Stop);
                }
                _ => Mark::Own,
            };
            // A row number is one only as it is.
            let found = if found == Mark::RowNumber { Mark::Other } else { found };
            mark = mark.with(found);
            Ok(TreeNodeRecursion::Continue)
        });
        match (walked, refused) {
            (Ok(_), None) => Ok(mark),
            (Ok(_), Some(reason)) => refuse(reason),
            (Err(error), _) => Err(error.to_string()),
        }
    }

    /// A condition of a join, which must be made of [`Mark::Own`] columns alone.
    fn joins_on(&self, condition: &Expr) -> Result<(), String> {
        if self.mark(condition)? == Mark::Own {
            return Ok(());
        }
        let columns = condition.column_refs();
        let mut named: Vec<_> = columns
            .into_iter()
            .filter_map(|column| Some((column.flat_name(), mark_of(column, self.schema, self.marks)?)))
            .filter(|(_, mark)| *mark != Mark::Own)
            .collect();
        named.sort_by(|(left, _), (right, _)| left.cmp(right));
        match named.first() {
            Some((name, Mark::Optional)) => Err(format!("joins on `{name}`, which is {OPTIONAL}")),
            Some((name, _)) => Err(format!("joins on `{name}`, which is computed from several rows")),
            None => refuse("joins on a column that is computed from several rows"),
        }
    }

    /// One condition of a WHERE, HAVING or QUALIFY.
    fn filter(&self, condition: &'p Expr) -> Result<(), String> {
        let scope = Scope {
            schema: self.schema,
            marks: self.marks,
            around: self.around,
        };
        match condition {
            Expr::InSubquery(within) if !within.negated => {
                let given = marks(&within.subquery.subquery, Some(&scope))?;
                if self.mark(&within.expr)? != Mark::Own || given.first() != Some(&Mark::Own) {
                    return refuse("compares with IN (SELECT …) what is computed from several rows");
                }
                Ok(())
            }
            Expr::Exists(exists) if !exists.negated => marks(&exists.subquery.subquery, Some(&scope)).map(drop),
            Expr::InSubquery(_) | Expr::Exists(_) => refuse("has NOT IN or NOT EXISTS"),
            Expr::Not(inner) if matches!(**inner, Expr::InSubquery(_) | Expr::Exists(_)) => {
                refuse("has NOT IN or NOT EXISTS")
            }
            _ if self.keeps_first_rows(condition) => Ok(()),
            _ => match self.mark(condition)? {
                Mark::Own => Ok(()),
                Mark::Beside(window) => Err(format!(
                    "filters, behind the window function `{}`, on what its PARTITION BY does not hold",
                    written(window)
                )),
                Mark::Optional => Err(format!("filters on what is {OPTIONAL}")),
                _ => refuse("filters on what is computed from several rows (HAVING, or a window function)"),
            },
        }
    }

    /// `row_number() = 1`, `<= n` or `< n` that keeps at least the first row of each partition.
    fn keeps_first_rows(&self, condition: &Expr) -> bool {
        let Expr::BinaryExpr(BinaryExpr { left, op, right }) = condition else {
            return false;
        };
        let (Expr::Column(column), Expr::Literal(number, _)) = (left.as_ref(), right.as_ref()) else {
            return false;
        };
        if mark_of(column, self.schema, self.marks) != Some(Mark::RowNumber) {
            return false;
        }
        let number = match number {
            ScalarValue::Int64(Some(number)) => *number,
            ScalarValue::UInt64(Some(number)) => i64::try_from(*number).unwrap_or(i64::MAX),
            _ => return false,
        };
        match op {
            Operator::Eq => number == 1,
            Operator::LtEq => number >= 1,
            Operator::Lt => number >= 2,
            _ => false,
        }
    }
}

fn unaliased(expr: &Expr) -> &Expr {
    match expr {
        Expr::Alias(alias) => unaliased(&alias.expr),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::plan;
    use super::*;

    async fn verdict(sql: &str, key: &[&str]) -> Result<(), String> {
        let key: Vec<_> = key.iter().map(|column| (*column).to_owned()).collect();
        check(&plan(sql).await, &key)
    }

    #[tokio::test]
    async fn groups_of_joined_and_aggregated_rows_can_be_followed() {
        for sql in [
            "SELECT k, sum(v) AS s FROM a.silver.t GROUP BY k",
            "SELECT t.k, u.w, count(*) AS n FROM a.silver.t JOIN a.silver.u ON t.k = u.k WHERE t.v > 3 GROUP BY t.k, u.w",
            "SELECT t.k, max(u.w) AS w FROM a.silver.t LEFT JOIN a.silver.u ON t.k = u.k GROUP BY t.k",
            "SELECT DISTINCT k FROM a.silver.t ORDER BY k",
            "SELECT k, v FROM a.silver.t UNION ALL SELECT k, w FROM a.silver.u",
            "SELECT k, v FROM (SELECT k, v, row_number() OVER (PARTITION BY k ORDER BY v DESC) AS n FROM a.silver.t) WHERE n = 1",
            "SELECT k, v, sum(v) OVER (PARTITION BY k) AS total FROM a.silver.t",
            "SELECT k, v FROM a.silver.t WHERE k IN (SELECT k FROM a.silver.u WHERE w > 1)",
            "SELECT k, v FROM a.silver.t WHERE EXISTS (SELECT 1 FROM a.silver.u WHERE u.k = t.k)",
            "WITH s AS (SELECT k, sum(v) AS s FROM a.silver.t GROUP BY k) SELECT t.k, t.v, s.s FROM a.silver.t JOIN s ON s.k = t.k",
        ] {
            assert_eq!(verdict(sql, &["k"]).await, Ok(()), "{sql}");
        }
    }

    #[tokio::test]
    async fn what_depends_on_other_rows_neither_filters_nor_joins_nor_groups() {
        for (sql, reason) in [
            (
                "SELECT k, sum(v) AS s FROM a.silver.t GROUP BY k HAVING sum(v) > 3",
                "HAVING",
            ),
            ("SELECT k FROM a.silver.t ORDER BY v LIMIT 3", "limit"),
            (
                "SELECT k, v FROM a.silver.t WHERE k NOT IN (SELECT k FROM a.silver.u)",
                "NOT IN",
            ),
            (
                "SELECT k, v FROM a.silver.t WHERE NOT EXISTS (SELECT 1 FROM a.silver.u WHERE u.k = t.k)",
                "NOT",
            ),
            (
                "SELECT k, v FROM a.silver.t LEFT ANTI JOIN a.silver.u ON t.k = u.k",
                "anti join",
            ),
            ("SELECT k FROM a.silver.t EXCEPT SELECT k FROM a.silver.u", "anti join"),
            (
                "SELECT t.k FROM a.silver.t LEFT JOIN a.silver.u ON t.k = u.k WHERE u.k IS NULL",
                "outer join",
            ),
            (
                "SELECT k, v, (SELECT max(w) FROM a.silver.u) AS m FROM a.silver.t",
                "scalar subquery",
            ),
            (
                "SELECT k, sum(v) OVER () AS total FROM a.silver.t",
                "a window that reaches over groups: the PARTITION BY of `sum(…) OVER ()` must hold what the key column `k` is made of",
            ),
            (
                "SELECT k, sum(v) OVER (PARTITION BY v) AS total FROM a.silver.t",
                "`sum(…) OVER (PARTITION BY v)` must hold what the key column `k`",
            ),
            // The first window that does it, however far below, and under whatever name and expression.
            (
                "WITH p AS (SELECT *, row_number() OVER (PARTITION BY v ORDER BY k) AS pick FROM a.silver.t), \
                 q AS (SELECT concat(k, 'x') AS m, v, sum(v) OVER (PARTITION BY v, k) AS s FROM p) \
                 SELECT m AS k, count(*) AS n FROM q GROUP BY m",
                "`row_number() OVER (PARTITION BY v)` must hold what the key column `k`",
            ),
            (
                "SELECT k, v FROM a.silver.t UNION ALL SELECT k, rank() OVER (PARTITION BY v ORDER BY v) AS v FROM a.silver.t",
                "`rank() OVER (PARTITION BY v)` must hold",
            ),
            (
                "SELECT concat(k, CAST(count(v) AS varchar)) AS k FROM a.silver.t GROUP BY k",
                "computes the key column `k` from several rows",
            ),
            (
                "SELECT k FROM (SELECT k, v, row_number() OVER (PARTITION BY k ORDER BY v) AS n FROM a.silver.t) WHERE n = 2",
                "window function",
            ),
            (
                "SELECT k FROM (SELECT k, v, row_number() OVER (PARTITION BY k ORDER BY v) AS n FROM a.silver.t) WHERE n = 1 AND v > 3",
                "behind the window function `row_number() OVER (PARTITION BY k)`",
            ),
            (
                "SELECT u.k FROM a.silver.t LEFT JOIN a.silver.u ON t.k = u.k",
                "optional side",
            ),
            ("SELECT max(k) AS k FROM a.silver.t GROUP BY v", "key column `k`"),
            (
                "SELECT t.k FROM a.silver.t JOIN (SELECT k, max(v) AS v FROM a.silver.t GROUP BY k) m ON t.k = m.k AND t.v = m.v",
                "joins on `m.v`, which is computed from several rows",
            ),
            (
                "SELECT t.k, x.w FROM a.silver.t LEFT JOIN a.silver.u u ON t.k = u.k LEFT JOIN a.silver.u x ON x.w = u.w",
                "joins on `u.w`, which is from the optional side of an outer join",
            ),
            ("SELECT k, sum(v) AS s FROM a.silver.t GROUP BY ROLLUP(k)", "rollup"),
        ] {
            let verdict = verdict(sql, &["k"]).await;
            assert!(
                verdict.as_ref().is_err_and(|given| given.contains(reason)),
                "{sql}: {verdict:?}"
            );
        }
    }
}
