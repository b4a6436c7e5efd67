//! Row-local queries: each row of the source gives its rows of the result, whatever the other rows are.

use datafusion::common::Column;
use datafusion::common::tree_node::TreeNode as _;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, Projection};

/// Whether a query is row-local over exactly one scan.
///
/// # Errors
/// What in it is not, in words that complete "the query …".
pub(crate) fn check(plan: &LogicalPlan) -> Result<(), String> {
    let mut scans = 0;
    walk(plan, &mut scans)?;
    match scans {
        1 => Ok(()),
        0 => Err("reads no dataset".to_owned()),
        _ => Err("reads more than one dataset, or one more than once".to_owned()),
    }
}

fn walk(plan: &LogicalPlan, scans: &mut usize) -> Result<(), String> {
    let refused = match plan {
        LogicalPlan::Projection(_)
        | LogicalPlan::Filter(_)
        | LogicalPlan::SubqueryAlias(_)
        | LogicalPlan::Unnest(_) => None,
        LogicalPlan::TableScan(scan) => {
            *scans += 1;
            scan.fetch.is_some().then_some("has a limit")
        }
        LogicalPlan::Aggregate(_) => Some("aggregates"),
        LogicalPlan::Window(_) => Some("has a window function"),
        LogicalPlan::Join(_) => Some("joins"),
        LogicalPlan::Sort(_) => Some("sorts"),
        LogicalPlan::Limit(_) => Some("has a limit"),
        LogicalPlan::Distinct(_) => Some("has DISTINCT or UNION"),
        LogicalPlan::Union(_) => Some("has a UNION"),
        LogicalPlan::Values(_) | LogicalPlan::EmptyRelation(_) => Some("gives rows that come from no dataset"),
        _ => Some("has a construct that looks at more than one row"),
    };
    if let Some(reason) = refused {
        return Err(reason.to_owned());
    }
    for expr in plan.expressions() {
        let subquery = expr.exists(|part| {
            Ok(matches!(
                part,
                Expr::Exists(_) | Expr::InSubquery(_) | Expr::ScalarSubquery(_) | Expr::SetComparison(_)
            ))
        });
        if subquery.unwrap_or(true) {
            return Err("has a subquery".to_owned());
        }
    }
    plan.inputs().into_iter().try_for_each(|input| walk(input, scans))
}

/// Columns of the source that say in which order its rows arrived, in the order of their weight.
pub(crate) const ARRIVAL: [&str; 3] = ["_ingested_at", "_partition", "_offset"];

/// The names under which [`with_arrival`] gives [`ARRIVAL`].
pub(crate) fn arrival_name(i: usize) -> String {
    format!("__polder_arrival_{i}")
}

/// A row-local query whose rows also carry the arrival columns of the source row that they come from, behind their own
/// columns. Nothing, when the source has no such columns or they cannot be carried.
///
/// # Errors
/// The engine's, when a plan cannot be rebuilt.
pub(crate) fn with_arrival(plan: &LogicalPlan) -> Result<Option<LogicalPlan>> {
    Ok(match plan {
        LogicalPlan::TableScan(scan) => {
            let schema = &scan.projected_schema;
            if !ARRIVAL.iter().all(|name| schema.has_column_with_unqualified_name(name)) {
                return Ok(None);
            }
            let own = schema.columns().into_iter().map(Expr::Column);
            let arrival = ARRIVAL.iter().enumerate().map(|(i, name)| {
                Expr::Column(Column::new(Some(scan.table_name.clone()), *name)).alias(arrival_name(i))
            });
            Some(
                LogicalPlanBuilder::from(plan.clone())
                    .project(own.chain(arrival).collect::<Vec<_>>())?
                    .build()?,
            )
        }
        LogicalPlan::Projection(projection) => {
            let Some(input) = with_arrival(&projection.input)? else {
                return Ok(None);
            };
            let arrival = arrival_columns(&input)?;
            let expr = projection.expr.iter().cloned().chain(arrival).collect();
            Some(LogicalPlan::Projection(Projection::try_new(expr, input.into())?))
        }
        LogicalPlan::Filter(filter) => match with_arrival(&filter.input)? {
            Some(input) => Some(
                LogicalPlanBuilder::from(input)
                    .filter(filter.predicate.clone())?
                    .build()?,
            ),
            None => None,
        },
        LogicalPlan::SubqueryAlias(alias) => match with_arrival(&alias.input)? {
            Some(input) => Some(LogicalPlanBuilder::from(input).alias(alias.alias.clone())?.build()?),
            None => None,
        },
        _ => None,
    })
}

fn arrival_columns(plan: &LogicalPlan) -> Result<Vec<Expr>> {
    (0..ARRIVAL.len())
        .map(|i| {
            let name = arrival_name(i);
            match plan.schema().columns_with_unqualified_name(&name).as_slice() {
                // The alias drops the qualifier, so that every level finds the column by its plain name.
                [column] => Ok(Expr::Column(column.clone()).alias(name)),
                _ => Err(DataFusionError::Internal(format!("`{name}` is not carried"))),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::plan;
    use super::*;

    #[tokio::test]
    async fn rows_of_one_dataset_may_be_computed_and_filtered() {
        for sql in [
            "SELECT * FROM a.silver.t",
            "SELECT upper(k) AS k, v + 1 AS v FROM a.silver.t WHERE v > 3 OR k IS NULL",
            "WITH x AS (SELECT k FROM a.silver.t) SELECT k FROM x WHERE k <> 'a'",
            "SELECT unnest(make_array(k, 'x')) AS k FROM a.silver.t",
        ] {
            assert_eq!(check(&plan(sql).await), Ok(()), "{sql}");
        }
    }

    #[tokio::test]
    async fn whatever_looks_at_other_rows_is_not_row_local() {
        for (sql, reason) in [
            ("SELECT k, sum(v) AS v FROM a.silver.t GROUP BY k", "aggregates"),
            ("SELECT DISTINCT k FROM a.silver.t", "DISTINCT"),
            ("SELECT k FROM a.silver.t ORDER BY k", "sorts"),
            ("SELECT k FROM a.silver.t LIMIT 1", "limit"),
            ("SELECT k, row_number() OVER () AS n FROM a.silver.t", "window"),
            ("SELECT t.k FROM a.silver.t JOIN a.silver.u ON t.k = u.k", "joins"),
            (
                "SELECT k FROM a.silver.t WHERE k IN (SELECT k FROM a.silver.u)",
                "subquery",
            ),
            ("SELECT k FROM a.silver.t UNION ALL SELECT k FROM a.silver.t", "UNION"),
            ("SELECT 1 AS k", "no dataset"),
        ] {
            let verdict = check(&plan(sql).await);
            assert!(
                verdict.as_ref().is_err_and(|given| given.contains(reason)),
                "{sql}: {verdict:?}"
            );
        }
    }

    #[tokio::test]
    async fn arrival_columns_are_carried_through_projections_and_subqueries() {
        let sql = "WITH x AS (SELECT k, v FROM a.bronze.e WHERE v > 1) SELECT upper(k) AS k FROM x";
        let carried = with_arrival(&plan(sql).await).unwrap().unwrap();
        let names: Vec<_> = carried
            .schema()
            .fields()
            .iter()
            .map(|field| field.name().clone())
            .collect();
        assert_eq!(
            names,
            ["k", "__polder_arrival_0", "__polder_arrival_1", "__polder_arrival_2"]
        );
        assert!(with_arrival(&plan("SELECT k FROM a.silver.t").await).unwrap().is_none());
    }
}
