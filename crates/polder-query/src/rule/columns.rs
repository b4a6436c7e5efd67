//! From which columns the figure of a rule's query comes, by the plan: aliases, subqueries and other datasets are
//! followed.

use std::collections::BTreeSet;

use datafusion::logical_expr::LogicalPlan;
use polder_core::{DatasetName, Result};
use polder_gate::table::QueryColumns;

use crate::failure::query_error;
use crate::lineage::{Columns, Dependency, Origins, Tracer};

/// The columns that a query is about.
pub(super) fn of(plan: &LogicalPlan) -> Result<QueryColumns> {
    let mut tracer = Tracer::of_values();
    let traced = tracer.query(plan).map_err(query_error)?;
    let all = tracer.columns();
    let mut columns = QueryColumns {
        figure: BTreeSet::new(),
        named: named(all, tracer.named()),
    };
    columns.named.extend(named(all, &traced.rows));
    for column in &traced.columns {
        columns.named.extend(named(all, column));
        let values = column.iter().filter(|(_, how)| {
            let is_value = |how| {
                matches!(
                    how,
                    Dependency::Identity | Dependency::Transformation | Dependency::Aggregation
                )
            };
            how.iter().any(is_value)
        });
        let values = values.filter_map(|(id, _)| all.get(id));
        columns
            .figure
            .extend(values.map(|column| (column.dataset.clone(), column.column.clone())));
    }
    Ok(columns)
}

fn named(all: &Columns, origins: &Origins) -> BTreeSet<(DatasetName, String)> {
    let columns = origins.iter().filter_map(|(id, _)| all.get(id));
    columns
        .map(|column| (column.dataset.clone(), column.column.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use polder_gate::table::Queries;

    use super::super::tests::queries;

    /// What is read off a rule's query: the columns of its figure, and all others that it names.
    async fn columns(sql: &str) -> (Vec<String>, Vec<String>) {
        let (queries, table) = queries();
        let columns = queries.columns(sql, None, table).await.unwrap().unwrap();
        let shown = |(dataset, column): &(polder_core::DatasetName, String)| format!("{}.{column}", dataset.name());
        let others = columns.named.difference(&columns.figure).map(shown).collect();
        (columns.figure.iter().map(shown).collect(), others)
    }

    #[tokio::test]
    async fn a_figure_comes_from_the_columns_whose_values_it_holds_under_whatever_name() {
        for (sql, figure) in [
            ("SELECT max(x) FROM {object} AS t(x, y, z)", vec!["invoice_lines.id"]),
            (
                "SELECT count(*) + (SELECT max(id) FROM lines) FROM {object}",
                vec!["invoice_lines.id"],
            ),
            (
                "SELECT max(n) FROM (SELECT id AS n FROM {object} UNION ALL SELECT 1)",
                vec!["invoice_lines.id"],
            ),
            (
                "WITH w AS (SELECT * FROM lines) SELECT (SELECT min(id) FROM w)",
                vec!["invoice_lines.id"],
            ),
            (
                "SELECT CASE WHEN count(*) > 1 THEN max(id) END FROM {object}",
                vec!["invoice_lines.id"],
            ),
            (
                "SELECT first_value(id) OVER (ORDER BY id) FROM {object} LIMIT 1",
                vec!["invoice_lines.id"],
            ),
            (
                "SELECT max(o.id) FROM {object} AS l JOIN orders AS o ON o.id = l.id",
                vec!["orders.id"],
            ),
            ("SELECT count(id) FROM {object}", vec![]),
            (
                "SELECT 100.0 * count(DISTINCT id) / count(*) FROM {object} WHERE id > 3",
                vec![],
            ),
            ("SELECT sum(CASE WHEN id = 7 THEN 1 ELSE 0 END) FROM {object}", vec![]),
            ("SELECT count(*) FILTER (WHERE id > 1) FROM {object}", vec![]),
            (
                "SELECT sum(n) FROM (SELECT id, count(*) AS n FROM {object} GROUP BY id)",
                vec![],
            ),
        ] {
            assert_eq!(columns(sql).await.0, figure, "{sql}");
        }
    }

    #[tokio::test]
    async fn a_count_still_names_what_it_counts() {
        let (figure, others) = columns("SELECT count(*) FROM {object} WHERE cast(id AS varchar) = '7'").await;
        assert_eq!((figure, others), (vec![], vec!["invoice_lines.id".to_owned()]));
    }
}
