//! From which columns the figure of a rule's query comes, by the plan: aliases, subqueries and other datasets are
//! followed. A count of rows of datasets comes from none; any other figure comes from what chooses it, too: whoever looks
//! for the row of a table of all numbers that equals a secret, or counts those up to it, has the secret.

use std::collections::BTreeSet;

use datafusion::logical_expr::LogicalPlan;
use polder_core::Result;
use polder_gate::table::QueryColumns;

use crate::failure::query_error;
use crate::lineage::Tracer;

/// The columns that a query is about.
pub(super) fn of(plan: &LogicalPlan) -> Result<QueryColumns> {
    let mut tracer = Tracer::of_values();
    let traced = tracer.query(plan).map_err(query_error)?;
    let all = tracer.columns();
    let mut columns = QueryColumns {
        figure: BTreeSet::new(),
        named: all.named(tracer.named()),
    };
    columns.named.extend(all.named(&traced.rows));
    for column in traced.into_values() {
        columns.figure.extend(all.named(&column));
    }
    columns.named.extend(columns.figure.iter().cloned());
    Ok(columns)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::datasource::{ViewTable, provider_as_source};
    use datafusion::logical_expr::LogicalPlanBuilder;
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
                vec!["invoice_lines.id", "orders.id"],
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
    async fn a_table_that_is_a_view_of_others_has_its_own_columns() {
        let (queries, table) = queries();
        let rows = LogicalPlanBuilder::scan("rows", provider_as_source(table), None).unwrap();
        let view = Arc::new(ViewTable::new(rows.build().unwrap(), None));
        let columns = queries.columns("SELECT max(id) FROM {object}", None, view).await;
        let figure: Vec<_> = columns.unwrap().unwrap().figure.into_iter().collect();
        assert_eq!(figure.len(), 1);
        assert_eq!(figure[0].1, "id");
    }

    #[tokio::test]
    async fn a_figure_that_is_no_count_comes_from_what_chooses_it() {
        for sql in [
            "SELECT max(x) FROM generate_series(1, 99) AS g(x) JOIN {object} AS o ON o.id = g.x",
            "SELECT min(x) FROM generate_series(1, 99) AS g(x) WHERE x >= (SELECT max(id) FROM {object})",
            "SELECT max(x) FROM generate_series(1, 99) AS g(x) WHERE x IN (SELECT id FROM {object})",
            "SELECT max(x) FROM generate_series(1, 99) AS g(x) WHERE EXISTS (SELECT 1 FROM {object} AS o WHERE o.id = x)",
            "SELECT CASE max(id) WHEN 7 THEN 'is 7' ELSE 'no' END FROM {object}",
            "SELECT CASE WHEN max(id) = 7 THEN count(*) ELSE 0 END FROM {object}",
            "SELECT max(x) FROM generate_series(1, 99) AS g(x) HAVING max(x) > (SELECT max(id) FROM {object})",
            "SELECT max(x) FROM generate_series(1, 99) AS g(x) CROSS JOIN {object} AS o GROUP BY o.id HAVING max(id) > 3",
            "SELECT row_number() OVER (ORDER BY id) FROM {object} LIMIT 1",
            "SELECT first_value(x) OVER (PARTITION BY id) FROM {object} CROSS JOIN generate_series(1, 9) AS g(x)",
            "SELECT first_value(x ORDER BY id) FROM {object} CROSS JOIN generate_series(1, 9) AS g(x)",
            "SELECT max(x) FILTER (WHERE id = x) FROM {object} CROSS JOIN generate_series(1, 9) AS g(x)",
            "SELECT x FROM {object} CROSS JOIN generate_series(1, 9) AS g(x) ORDER BY id LIMIT 1",
            "SELECT max(CASE WHEN id = x THEN x END) FROM {object} CROSS JOIN generate_series(1, 9) AS g(x)",
            "SELECT sum(CASE WHEN id = 7 THEN 7 ELSE 0 END) FROM {object}",
            "SELECT max(CASE WHEN id = 7 THEN 1 ELSE 0 END) FROM {object}",
            "SELECT 7 FROM {object} WHERE id = 7 LIMIT 1",
            "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < (SELECT max(id) FROM {object})) \
             SELECT max(n) FROM r",
        ] {
            assert_eq!(columns(sql).await.0, ["invoice_lines.id"], "{sql}");
        }
    }

    #[tokio::test]
    async fn a_count_comes_from_no_column_in_whatever_words() {
        for sql in [
            "SELECT sum(cast(id > 3 AS int)) FROM {object}",
            "SELECT sum((id IS NULL)::int) FROM {object}",
            "SELECT avg(CASE WHEN id > 3 THEN 1.0 ELSE 0.0 END) FROM {object}",
            "SELECT sum(f) FROM (SELECT CASE WHEN id > 3 THEN 1 ELSE 0 END AS f FROM {object})",
            "SELECT coalesce(sum(CASE id WHEN 3 THEN 1 END), 0) FROM {object} WHERE id > 3",
            "SELECT CASE WHEN count(*) = 0 THEN 0 ELSE 100.0 * sum((id > 3)::int) / count(*) END FROM {object}",
            "SELECT round(100.0 * count(id) / nullif(count(*), 0), 2) FROM {object} HAVING max(id) > 3",
            "SELECT max(n) FROM (SELECT id, count(*) AS n FROM {object} GROUP BY id HAVING id > 3)",
            "SELECT max(x) FROM generate_series(1, 9) AS g(x) WHERE x > (SELECT count(*) FROM {object} WHERE id > 3)",
            "SELECT count(*) - (SELECT count(DISTINCT id) FROM {object} WHERE id > 3) FROM {object}",
            "SELECT sum(n) FROM (SELECT count(*) AS n FROM {object} WHERE id > 3 UNION ALL SELECT 0)",
            "SELECT count(*) FROM {object} AS o WHERE EXISTS (SELECT 1 FROM generate_series(1, 9) AS g(x) WHERE g.x = o.id)",
            "SELECT count(*) FROM {object} WHERE id IN (SELECT x FROM (VALUES (1), (2)) AS v(x))",
            "WITH least AS (SELECT 3 AS x) SELECT count(*) FROM {object}, least WHERE id > x",
            "SELECT count(*) FROM {object} AS a JOIN {object} AS b ON a.id < b.id",
            "SELECT count(*) FROM (SELECT id FROM {object} UNION SELECT id FROM {object}) WHERE id > 3",
            "SELECT count(*) OVER () FROM {object} WHERE id > 3 LIMIT 1",
            "SELECT 100.0 * count(*) / (SELECT count(*) FROM (VALUES (1), (2)) AS v(x)) FROM {object} WHERE id > 3",
            "SELECT count(*) FROM (SELECT id, row_number() OVER (PARTITION BY id) AS n FROM {object}) WHERE n > 1",
        ] {
            let (figure, others) = columns(sql).await;
            assert_eq!((figure, others), (vec![], vec!["invoice_lines.id".to_owned()]), "{sql}");
        }
    }

    #[tokio::test]
    async fn a_count_of_rows_that_the_query_makes_comes_from_what_chooses_them() {
        for sql in [
            "SELECT count(*) FROM generate_series(1, 9999) AS g(x) WHERE x <= (SELECT max(id) FROM {object})",
            "SELECT count(*) FROM {object} AS o JOIN generate_series(1, 9999) AS g(x) ON g.x <= o.id",
            "SELECT count(*) FROM generate_series(1, 9999) AS g(x), {object} AS o WHERE g.x <= o.id",
            "SELECT sum((x <= (SELECT max(id) FROM {object}))::int) FROM generate_series(1, 9999) AS g(x)",
            "SELECT count(*) FILTER (WHERE x <= (SELECT max(id) FROM {object})) FROM generate_series(1, 9999) AS g(x)",
            "SELECT count(CASE WHEN x <= o.id THEN 1 END) FROM generate_series(1, 9999) AS g(x) CROSS JOIN {object} AS o",
            "SELECT count(*) OVER () FROM generate_series(1, 9999) AS g(x) JOIN {object} AS o ON g.x <= o.id LIMIT 1",
            "SELECT 1 + max(n) FROM (SELECT count(*) AS n FROM {object} AS o JOIN generate_series(1, 99) AS g(x) \
             ON g.x <= o.id GROUP BY o.id)",
            "SELECT count(*) FROM (VALUES (1), (2), (3)) AS v(x) WHERE x <= (SELECT max(id) FROM {object})",
            "SELECT count(*) FROM (SELECT 1 AS x UNION ALL SELECT 2 UNION ALL SELECT 3) \
             WHERE x <= (SELECT max(id) FROM {object})",
            "SELECT count(*) FROM (SELECT unnest([1, 2, 3]) AS x) WHERE x <= (SELECT max(id) FROM {object})",
            "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 9) \
             SELECT count(*) FROM r WHERE n <= (SELECT max(id) FROM {object})",
            "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < (SELECT max(id) FROM {object})) \
             SELECT count(*) FROM r",
        ] {
            assert_eq!(columns(sql).await.0, ["invoice_lines.id"], "{sql}");
        }
        let unchosen =
            "SELECT count(*) + (SELECT count(*) FROM {object} WHERE id > 3) FROM generate_series(1, 9) AS g(x)";
        assert_eq!(columns(unchosen).await.0, Vec::<String>::new());
    }

    #[tokio::test]
    async fn a_count_still_names_what_it_counts() {
        let (figure, others) = columns("SELECT count(*) FROM {object} WHERE cast(id AS varchar) = '7'").await;
        assert_eq!((figure, others), (vec![], vec!["invoice_lines.id".to_owned()]));
    }
}
