//! The places in a plan where datasets are read, and how one of them is given other rows.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::tree_node::{Transformed, TreeNodeRecursion};
use datafusion::common::{Column, ScalarValue};
use datafusion::datasource::provider_as_source;
use datafusion::error::Result;
use datafusion::logical_expr::{
    EmptyRelation, Expr, JoinType, LogicalPlan, LogicalPlanBuilder, TableScan, Union, cast, lit,
};
use polder_core::DatasetName;
use polder_query::lineage::dataset_of;

/// The datasets that a plan reads, one entry for each place, in the order in which [`substitute`] meets them.
pub(crate) fn scans(plan: &LogicalPlan) -> Result<Vec<DatasetName>> {
    let mut found = Vec::new();
    plan.clone().transform_up_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = &node {
            found.extend(dataset_of(&scan.table_name));
        }
        Ok(Transformed::no(node))
    })?;
    Ok(found)
}

/// Replaces scans of datasets: `replacement` is asked for each place, counted from 0, with the scan itself; it gives
/// other rows of the same columns, or nothing to leave the scan as it is.
///
/// # Errors
/// The engine's, when columns of a replacement do not fit.
pub(crate) fn substitute(
    plan: &LogicalPlan,
    mut replacement: impl FnMut(usize, &DatasetName, &LogicalPlan) -> Result<Option<LogicalPlan>>,
) -> Result<LogicalPlan> {
    let mut place = 0;
    let changed = plan.clone().transform_up_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = &node
            && let Some(dataset) = dataset_of(&scan.table_name)
        {
            place += 1;
            if let Some(rows) = replacement(place - 1, &dataset, &node)? {
                return Ok(Transformed::yes(in_place_of(scan, rows)?));
            }
        }
        Ok(Transformed::no(node))
    })?;
    recomputed(changed.data)
}

/// `rows` under the scan's name with the scan's columns and types. A scan has what the dataset's contract promises, files
/// what their table has: a column that they do not have yet is of nulls, where the scan's may be null.
fn in_place_of(scan: &TableScan, rows: LogicalPlan) -> Result<LogicalPlan> {
    let columns = scan
        .projected_schema
        .fields()
        .iter()
        .map(|wanted| {
            if wanted.is_nullable() && !rows.schema().has_column_with_unqualified_name(wanted.name()) {
                return Ok(lit(ScalarValue::try_from(wanted.data_type())?).alias(wanted.name()));
            }
            let given = rows.schema().qualified_field_with_unqualified_name(wanted.name())?;
            let column = Expr::Column(Column::from(given));
            Ok(match given.1.data_type() == wanted.data_type() {
                true => column.alias(wanted.name()),
                false => cast(column, wanted.data_type().clone()).alias(wanted.name()),
            })
        })
        .collect::<Result<Vec<_>>>()?;
    LogicalPlanBuilder::from(rows)
        .project(columns)?
        .alias(scan.table_name.clone())?
        .build()
}

/// Other rows of the dataset that a scan reads, in the scan's columns.
pub(crate) fn as_scanned(scan: &LogicalPlan, rows: LogicalPlan) -> Result<LogicalPlan> {
    match scan {
        LogicalPlan::TableScan(scan) => in_place_of(scan, rows),
        _ => Ok(rows),
    }
}

/// All rows of a provider.
pub(crate) fn rows_of(provider: Arc<dyn TableProvider>) -> Result<LogicalPlan> {
    LogicalPlanBuilder::scan("__polder_rows", provider_as_source(provider), None)?.build()
}

/// Rows of two plans with the same columns, as a bag.
pub(crate) fn both(left: LogicalPlan, right: LogicalPlan) -> Result<LogicalPlan> {
    LogicalPlanBuilder::from(left).union(right)?.build()
}

const CHANGED: &str = "__polder_changed";

/// Marks the rows that [`narrow`] follows.
pub(crate) fn changed_rows(rows: LogicalPlan) -> Result<LogicalPlan> {
    LogicalPlanBuilder::from(rows).alias(CHANGED)?.build()
}

/// Leaves only the results that the marked rows take part in: other branches of a union are emptied, and an outer join
/// whose optional side holds the marked rows becomes an inner one. Sound for plans that
/// [`check`](super::group_safe::check) accepts.
pub(crate) fn narrow(plan: LogicalPlan) -> Result<LogicalPlan> {
    let narrowed = plan.transform_down_with_subqueries(|node| {
        Ok(match node {
            LogicalPlan::Union(union) => {
                let holds = union
                    .inputs
                    .iter()
                    .map(|input| holds_changed(input))
                    .collect::<Result<Vec<_>>>()?;
                if !holds.contains(&true) {
                    return Ok(Transformed::no(LogicalPlan::Union(union)));
                }
                let inputs = union
                    .inputs
                    .iter()
                    .zip(&holds)
                    .map(|(input, holds)| match holds {
                        true => Arc::clone(input),
                        false => Arc::new(LogicalPlan::EmptyRelation(EmptyRelation {
                            produce_one_row: false,
                            schema: Arc::clone(input.schema()),
                        })),
                    })
                    .collect();
                Transformed::yes(LogicalPlan::Union(Union {
                    inputs,
                    schema: union.schema,
                }))
            }
            LogicalPlan::Join(mut join) => {
                let optional = match join.join_type {
                    JoinType::Left => Some(&join.right),
                    JoinType::Right => Some(&join.left),
                    _ => None,
                };
                if !optional.map_or(Ok(false), |side| holds_changed(side))? {
                    return Ok(Transformed::no(LogicalPlan::Join(join)));
                }
                join.join_type = JoinType::Inner;
                Transformed::yes(LogicalPlan::Join(join))
            }
            other => Transformed::no(other),
        })
    })?;
    recomputed(narrowed.data)
}

fn holds_changed(plan: &LogicalPlan) -> Result<bool> {
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::SubqueryAlias(alias) = node
            && alias.alias.table() == CHANGED
        {
            found = true;
            return Ok(TreeNodeRecursion::Stop);
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(found)
}

/// Replaced parts may differ in nullability: every node above takes it up.
fn recomputed(plan: LogicalPlan) -> Result<LogicalPlan> {
    Ok(plan
        .transform_up_with_subqueries(|node| node.recompute_schema().map(Transformed::yes))?
        .data)
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, Field, Schema};
    use datafusion::datasource::empty::EmptyTable;

    use super::super::testing::plan;
    use super::*;

    fn none() -> LogicalPlan {
        let schema = Schema::new(vec![
            Field::new("k", DataType::Utf8, true),
            Field::new("v", DataType::Int64, true),
        ]);
        rows_of(Arc::new(EmptyTable::new(Arc::new(schema)))).unwrap()
    }

    #[tokio::test]
    async fn each_place_is_counted_even_where_one_dataset_is_read_twice() {
        let plan = plan(
            "WITH x AS (SELECT k FROM a.silver.t) SELECT t.k FROM a.silver.t JOIN x ON t.k = x.k \
             WHERE t.k IN (SELECT k FROM a.silver.u)",
        )
        .await;
        let mut names: Vec<_> = scans(&plan).unwrap().iter().map(ToString::to_string).collect();
        names.sort();
        assert_eq!(names, ["a.silver.t", "a.silver.t", "a.silver.u"]);
        let mut asked = Vec::new();
        substitute(&plan, |place, dataset, _| {
            asked.push((place, dataset.clone()));
            Ok(None)
        })
        .unwrap();
        let listed: Vec<_> = scans(&plan).unwrap().into_iter().enumerate().collect();
        assert_eq!(asked, listed);
    }

    #[tokio::test]
    async fn a_column_that_other_rows_do_not_have_is_null_where_it_may_be() {
        let of = |fields: &[(&str, bool)]| {
            let fields = fields
                .iter()
                .map(|(name, null)| Field::new(*name, DataType::Utf8, *null));
            let table = EmptyTable::new(Arc::new(Schema::new(fields.collect::<Vec<_>>())));
            LogicalPlanBuilder::scan("a.silver.t", provider_as_source(Arc::new(table)), None)
        };
        let without = || of(&[("k", false)]).and_then(LogicalPlanBuilder::build).unwrap();
        let wanted = of(&[("note", true), ("k", false)])
            .and_then(LogicalPlanBuilder::build)
            .unwrap();
        let rows = as_scanned(&wanted, without()).unwrap();
        assert!(
            rows.display_indent().to_string().contains("Utf8(NULL) AS note"),
            "{rows:?}"
        );
        assert_eq!(rows.schema().field(0), wanted.schema().field(0));
        let wanted = of(&[("must", false), ("k", false)])
            .and_then(LogicalPlanBuilder::build)
            .unwrap();
        let refused = as_scanned(&wanted, without()).unwrap_err().to_string();
        assert!(refused.contains("must"), "{refused}");
    }

    #[tokio::test]
    async fn changed_rows_of_an_optional_side_make_the_join_an_inner_one() {
        let plan = plan("SELECT u.k, t.v FROM a.silver.u LEFT JOIN a.silver.t ON t.k = u.k").await;
        let changed = substitute(&plan, |_, dataset, _| match dataset.name() {
            "t" => changed_rows(none()).map(Some),
            _ => Ok(None),
        })
        .unwrap();
        let text = narrow(changed).unwrap().display_indent().to_string();
        assert!(text.contains("Inner Join"), "{text}");
    }

    #[tokio::test]
    async fn branches_of_a_union_without_changed_rows_are_emptied() {
        let plan = plan("SELECT k, v FROM a.silver.t UNION ALL SELECT k, w FROM a.silver.u").await;
        let changed = substitute(&plan, |_, dataset, _| match dataset.name() {
            "t" => changed_rows(none()).map(Some),
            _ => Ok(None),
        })
        .unwrap();
        let text = narrow(changed).unwrap().display_indent().to_string();
        assert!(text.contains("EmptyRelation") && !text.contains("a.silver.u"), "{text}");
    }
}
