use super::*;
use crate::sql::testing::plan;

/// Whether rows are apart by columns, where `t` and `u` have the key `k`.
async fn of(sql: &str, columns: &[&str], words: Words) -> bool {
    let keys = |dataset: &DatasetName| match dataset.to_string().as_str() {
        "a.silver.t" | "a.silver.u" => Keys::from_iter([BTreeSet::from(["k".to_owned()])]),
        _ => Keys::default(),
    };
    let columns: Vec<_> = columns.iter().map(ToString::to_string).collect();
    apart(&plan(sql).await, words, &keys).by(&columns)
}

#[tokio::test]
async fn keys_go_where_rows_meet_one_at_most() {
    for (sql, columns, are) in [
        ("SELECT k, v FROM a.silver.t", &["k"][..], true),
        ("SELECT k, v FROM a.silver.t", &["v"], false),
        ("SELECT k AS x, k AS y, v FROM a.silver.t", &["y"], true),
        (
            "SELECT t.k, u.w FROM a.silver.t JOIN a.silver.u ON u.k = t.k",
            &["k"],
            true,
        ),
        (
            "SELECT t.k, u.w FROM a.silver.t, a.silver.u WHERE u.k = t.k",
            &["k"],
            true,
        ),
        (
            "SELECT u.k, t.v FROM a.silver.t JOIN a.silver.u ON u.k = t.k",
            &["k"],
            true,
        ),
        (
            "SELECT u.k, t.v FROM a.silver.t LEFT JOIN a.silver.u ON u.k = t.k",
            &["k"],
            false,
        ),
        (
            "SELECT t.k, u.w FROM a.silver.t LEFT JOIN a.silver.u ON u.w = t.v",
            &["k"],
            false,
        ),
        (
            "SELECT t.k, u.k AS x FROM a.silver.t JOIN a.silver.u ON u.w > t.v",
            &["k", "x"],
            true,
        ),
        (
            "SELECT t.k, u.w FROM a.silver.t FULL JOIN a.silver.u ON u.k = t.k",
            &["k"],
            false,
        ),
        (
            "SELECT t.k FROM a.silver.t WHERE EXISTS (SELECT 1 FROM a.silver.u WHERE u.w = t.v)",
            &["k"],
            true,
        ),
        (
            "SELECT t.k, u.w FROM a.silver.t CROSS JOIN a.silver.u WHERE u.k = 'a'",
            &["k"],
            true,
        ),
        (
            "SELECT t.k, u.w FROM a.silver.t LEFT JOIN a.silver.u ON u.k = 'a'",
            &["k"],
            true,
        ),
        ("SELECT v, count(*) AS n FROM a.silver.t GROUP BY v", &["v"], true),
        (
            "SELECT q.v, u.w FROM (SELECT v FROM a.silver.t GROUP BY v) AS q JOIN a.silver.u ON u.w = q.v",
            &["v"],
            false,
        ),
        ("SELECT k, v, count(*) AS n FROM a.silver.t GROUP BY k, v", &["k"], true),
        // Of one `t` the same `v`, however often it comes.
        (
            "SELECT t.k, t.v, sum(u.w) AS s FROM a.silver.t LEFT JOIN a.silver.u ON u.w = t.v GROUP BY t.k, t.v",
            &["k"],
            true,
        ),
        ("SELECT DISTINCT v FROM a.silver.t", &["v"], true),
        (
            "SELECT DISTINCT t.k, u.k AS x FROM a.silver.t JOIN a.silver.u ON u.w = t.v",
            &["k"],
            false,
        ),
        (
            "SELECT DISTINCT ON (v) v, k FROM a.silver.t ORDER BY v, k",
            &["v"],
            true,
        ),
        (
            "SELECT k FROM a.silver.t UNION ALL SELECT k FROM a.silver.u",
            &["k"],
            false,
        ),
        ("SELECT k FROM a.silver.t UNION SELECT k FROM a.silver.u", &["k"], true),
        (
            "SELECT 't' AS o, k FROM a.silver.t UNION ALL SELECT 'u' AS o, k FROM a.silver.u",
            &["o", "k"],
            true,
        ),
        (
            "SELECT CASE WHEN v > 1 THEN 't' END AS o, k FROM a.silver.t UNION ALL \
             SELECT CASE WHEN w > 1 THEN 'u' END AS o, k FROM a.silver.u",
            &["o", "k"],
            false,
        ),
        ("SELECT v FROM a.silver.t LIMIT 1", &["v"], true),
        ("SELECT max(v) AS v FROM a.silver.t", &["v"], true),
        (
            "SELECT v FROM a.silver.t QUALIFY row_number() OVER (PARTITION BY v ORDER BY k) = 1",
            &["v"],
            true,
        ),
        (
            "SELECT v FROM a.silver.t QUALIFY row_number() OVER (PARTITION BY v ORDER BY k) < 3",
            &["v"],
            false,
        ),
        (
            "SELECT v FROM a.silver.t QUALIFY rank() OVER (PARTITION BY v ORDER BY k) = 1",
            &["v"],
            true,
        ),
        (
            "SELECT k FROM a.silver.t QUALIFY rank() OVER (PARTITION BY k ORDER BY v) = 1",
            &["k"],
            true,
        ),
        (
            "SELECT v FROM a.silver.t QUALIFY rank() OVER (PARTITION BY v ORDER BY v) = 1",
            &["v"],
            false,
        ),
        ("SELECT rank() OVER (ORDER BY k) AS n FROM a.silver.t", &["n"], true),
        ("SELECT count(v) OVER (ORDER BY k) AS n FROM a.silver.t", &["n"], false),
        (
            "SELECT t.k, q.w FROM a.silver.t LEFT JOIN (SELECT k, w FROM a.silver.u LIMIT 1) AS q ON q.k = t.v GROUP BY t.k, q.w",
            &["k"],
            true,
        ),
        (
            "SELECT t.v, q.w FROM a.silver.t LEFT JOIN (SELECT k, w FROM a.silver.u LIMIT 1) AS q ON q.k = t.k GROUP BY t.v, q.w",
            &["v"],
            false,
        ),
        ("SELECT count(*) OVER (ORDER BY v) AS n FROM a.silver.t", &["n"], false),
        ("SELECT k FROM a.silver.t GROUP BY ROLLUP(k)", &["k"], false),
        ("SELECT lower(k) AS x FROM a.silver.t", &["x"], false),
        ("SELECT k, unnest([1, 2]) AS n FROM a.silver.t", &["k"], false),
        ("SELECT k FROM a.bronze.e", &["k"], false),
    ] {
        assert_eq!(of(sql, columns, Words::Exact).await, are, "{sql}");
    }
}

#[tokio::test]
async fn what_is_computed_of_keys_or_compared_with_them_counts_where_asked() {
    for (sql, column, computed, compared) in [
        ("SELECT lower(k) AS x FROM a.silver.t", "x", true, true),
        ("SELECT k || '-' || v AS x FROM a.silver.t", "x", true, true),
        ("SELECT v + 1 AS x FROM a.silver.t", "x", false, false),
        (
            "SELECT CASE WHEN v > 1 THEN k ELSE 'a' END AS x FROM a.silver.t",
            "x",
            true,
            true,
        ),
        (
            "SELECT CASE WHEN k > 'a' THEN v ELSE 0 END AS x FROM a.silver.t",
            "x",
            false,
            false,
        ),
        (
            "SELECT CASE k WHEN 'a' THEN 1 WHEN 'b' THEN 2 END AS x FROM a.silver.t",
            "x",
            true,
            true,
        ),
        (
            "SELECT CASE WHEN k = 'a' THEN 1 ELSE 0 END AS x FROM a.silver.t",
            "x",
            false,
            false,
        ),
        ("SELECT v, max(k) AS x FROM a.silver.t GROUP BY v", "x", true, true),
        ("SELECT v, count(k) AS x FROM a.silver.t GROUP BY v", "x", false, false),
        ("SELECT lag(k) OVER (ORDER BY v) AS x FROM a.silver.t", "x", true, true),
        (
            "SELECT t.k FROM a.silver.t JOIN a.silver.u ON upper(u.k) = t.v",
            "k",
            true,
            true,
        ),
        (
            "SELECT t.k FROM a.silver.t JOIN a.silver.u ON u.k LIKE t.v",
            "k",
            false,
            true,
        ),
        (
            "SELECT t.k FROM a.silver.t JOIN a.silver.u ON u.k = t.k OR u.w = t.v",
            "k",
            false,
            true,
        ),
        (
            "SELECT k FROM a.silver.t UNION ALL SELECT k FROM a.silver.u",
            "k",
            true,
            true,
        ),
        ("SELECT unnest([k]) AS x FROM a.silver.t", "x", true, true),
    ] {
        let found = (
            of(sql, &[column], Words::Computed).await,
            of(sql, &[column], Words::Compared).await,
        );
        assert_eq!(found, (computed, compared), "{sql}");
        assert!(!of(sql, &[column], Words::Exact).await, "{sql}");
    }
}

#[tokio::test]
async fn a_scalar_subquery_gives_one_row_where_a_key_says_so() {
    let keys = |_: &DatasetName| Keys::from_iter([BTreeSet::from(["k".to_owned()])]);
    for (condition, is) in [
        ("k = 'a'", true),
        ("w = 1", false),
        ("k IN ('a')", true),
        ("k > 'a'", false),
    ] {
        let sql = format!("SELECT k, (SELECT w FROM a.silver.u WHERE {condition}) AS x FROM a.silver.t");
        assert_eq!(apart(&plan(&sql).await, Words::Exact, &keys).is_scalar, is, "{sql}");
    }
}

#[tokio::test]
async fn a_query_that_is_named_again_and_again_is_looked_at_once() {
    let mut sql = "SELECT k FROM a.silver.t".to_owned();
    for _ in 0..12 {
        sql = format!("WITH q AS ({sql}) SELECT one.k FROM q AS one JOIN q AS other ON one.k = other.k");
    }
    assert!(of(&sql, &["k"], Words::Exact).await);
}

#[tokio::test]
async fn of_columns_that_are_known_together_one_is_enough() {
    let keys = |dataset: &DatasetName| match dataset.to_string().as_str() {
        "a.silver.t" => Keys::from_iter([BTreeSet::from(["k".to_owned(), "v".to_owned()])]),
        "a.silver.u" => Keys::elsewhere(),
        _ => Keys::default(),
    };
    for (sql, column, are) in [
        // The newest of each.
        (
            "SELECT o.k FROM a.silver.t AS o WHERE o.v = (SELECT max(i.v) FROM a.silver.t AS i WHERE i.k = o.k)",
            "k",
            true,
        ),
        (
            "SELECT o.k FROM a.silver.t AS o WHERE o.v = (SELECT max(i.v) FROM a.silver.t AS i WHERE i.v = o.v)",
            "k",
            false,
        ),
        (
            "SELECT DISTINCT k, sum(1) OVER (PARTITION BY k) AS n FROM a.silver.t",
            "k",
            true,
        ),
        (
            "SELECT DISTINCT k, first_value(v) OVER (PARTITION BY k ORDER BY v) AS n FROM a.silver.t",
            "k",
            true,
        ),
        (
            "SELECT DISTINCT k, sum(1) OVER (PARTITION BY k ORDER BY v) AS n FROM a.silver.t",
            "k",
            false,
        ),
        // Rows from elsewhere keep what tells them apart, and give others nothing of it.
        (
            "SELECT u.w, t.v FROM a.silver.u JOIN (SELECT k, max(v) AS v FROM a.silver.t GROUP BY k) AS t USING (k)",
            "w",
            true,
        ),
        (
            "SELECT u.w, t.v FROM a.silver.u JOIN (SELECT k, max(v) AS v FROM a.silver.t GROUP BY k) AS t USING (k)",
            "v",
            false,
        ),
        (
            "SELECT u.w, t.v FROM a.silver.u LEFT JOIN a.silver.t USING (k)",
            "w",
            false,
        ),
        (
            "SELECT u.w + 1 AS w FROM a.silver.u JOIN (SELECT k FROM a.silver.t GROUP BY k) AS t USING (k)",
            "w",
            true,
        ),
    ] {
        let found = apart(&plan(sql).await, Words::Computed, &keys).by(&[column.to_owned()]);
        assert_eq!(found, are, "{sql}, {column}");
    }
}

#[tokio::test]
async fn what_is_chosen_among_counts_one_after_the_other() {
    let keys = |_: &DatasetName| Keys::from_iter([BTreeSet::from(["k".to_owned()])]);
    for (sql, first, second) in [
        ("SELECT coalesce(k, v) AS x FROM a.silver.t", true, false),
        ("SELECT coalesce(v, k) AS x FROM a.silver.t", false, true),
        ("SELECT coalesce(k, 'a') AS x FROM a.silver.t", true, true),
        (
            "SELECT CASE WHEN v > 1 THEN v ELSE k END AS x FROM a.silver.t",
            false,
            true,
        ),
        ("SELECT concat(k, v) AS x FROM a.silver.t", true, true),
        (
            "SELECT t.k AS x FROM a.silver.t JOIN a.silver.u ON u.k = t.k OR u.w = t.v",
            true,
            false,
        ),
    ] {
        let plan = plan(sql).await;
        let found = [0, 1].map(|at| apart(&plan, Words::Chosen(at), &keys).by(&["x".to_owned()]));
        assert_eq!(found, [first, second], "{sql}");
    }
}
