//! Expected lineage is reasoned from the SQL by hand.

mod altered;
mod reached;
mod retyped;

use insta::assert_snapshot;

use super::*;
use crate::sql::testing::plan;

fn step(name: &str) -> Step {
    Step {
        kind: StepKind::Pipeline,
        name: name.parse().unwrap(),
    }
}

fn column(dataset: &str, column: &str) -> DatasetColumn {
    DatasetColumn {
        dataset: dataset.parse().unwrap(),
        column: column.to_owned(),
    }
}

/// A line for each output column, and one for the rows: `k: identity t.k, filter t.v`.
async fn lineage(sql: &str) -> String {
    let target = "a.gold.x".parse().unwrap();
    let edges = of_pipeline(&step("a.x"), &target, sql, &plan(sql).await).unwrap();
    shown(&edges)
}

fn shown(edges: &[ColumnEdge]) -> String {
    let mut lines: Vec<(String, Vec<String>)> = Vec::new();
    for edge in edges {
        let to = match &edge.to {
            Target::Column(column) => column.column.clone(),
            Target::Rows(_) => "rows".to_owned(),
            Target::Model(name) => format!("model {name}"),
        };
        let from = format!(
            "{} {}.{}",
            edge.how.as_str(),
            edge.from.dataset.name(),
            edge.from.column
        );
        match lines.iter_mut().find(|(name, _)| *name == to) {
            Some((_, froms)) => froms.push(from),
            None => lines.push((to, vec![from])),
        }
    }
    let lines: Vec<_> = lines
        .into_iter()
        .map(|(to, from)| format!("{to}: {}", from.join(", ")))
        .collect();
    lines.join("\n")
}

#[tokio::test]
async fn names_aliases_and_stars_pass_columns_on() {
    assert_snapshot!(lineage("SELECT * FROM a.silver.t").await, @r"
    k: identity t.k
    v: identity t.v
    ");
    assert_snapshot!(lineage("SELECT x.v AS b, x.k AS a FROM (SELECT * FROM a.silver.t AS y) AS x").await, @r"
    b: identity t.v
    a: identity t.k
    ");
    assert_snapshot!(lineage("SELECT 1 AS one, upper(k) AS k, CAST(v AS DOUBLE) AS v FROM a.silver.t").await, @r"
    k: transformation t.k
    v: transformation t.v
    ");
}

#[tokio::test]
async fn values_of_maps_go_by_one_path_whatever_their_key() {
    assert_snapshot!(lineage("SELECT prices['a']['net'] AS v, prices['b'] AS w, prices FROM a.silver.m").await, @r"
    v: identity m.prices.value.net
    w: identity m.prices.value
    prices: identity m.prices
    ");
}

#[tokio::test]
async fn conditions_choose_values_and_filters_choose_rows() {
    let sql = "SELECT CASE WHEN k = 'a' THEN v ELSE 0 END AS v FROM a.silver.t WHERE v > 1 OR v < 0 OR k IS NULL";
    assert_snapshot!(lineage(sql).await, @r"
    v: conditional t.k, transformation t.v
    rows: filter t.k, filter t.v
    ");
}

#[tokio::test]
async fn joins_bring_columns_of_both_sides_and_their_keys_decide() {
    let sql = "SELECT t.k, u.w FROM a.silver.t LEFT JOIN a.silver.u ON t.k = u.k AND u.w > t.v";
    assert_snapshot!(lineage(sql).await, @r"
    k: identity t.k
    w: identity u.w
    rows: join t.k, join t.v, join u.k, join u.w
    ");
    assert_snapshot!(lineage("SELECT k, v, w FROM a.silver.t JOIN a.silver.u USING (k)").await, @r"
    k: identity t.k
    v: identity t.v
    w: identity u.w
    rows: join t.k, join u.k
    ");
}

#[tokio::test]
async fn groups_decide_rows_and_aggregates_are_computed_over_them() {
    let sql = "SELECT k, sum(v + 1) AS s, count(*) AS n, max(k) FILTER (WHERE v > 0) AS m \
               FROM a.silver.t GROUP BY k HAVING sum(v) > 3";
    assert_snapshot!(lineage(sql).await, @r"
    k: identity t.k
    s: aggregation t.v
    m: aggregation t.k, conditional t.v
    rows: group_by t.k, filter t.v
    ");
    let sql = "SELECT k, v, count(*) AS n FROM a.silver.t GROUP BY ROLLUP (k, v)";
    assert_snapshot!(lineage(sql).await, @r"
    k: identity t.k
    v: identity t.v
    rows: group_by t.k, group_by t.v
    ");
    assert_snapshot!(lineage("SELECT first_value(k ORDER BY v) AS k FROM a.silver.t").await, @"k: aggregation t.k, sort t.v");
}

#[tokio::test]
async fn windows_are_steered_by_partition_and_order() {
    let sql = "SELECT k, row_number() OVER (PARTITION BY k ORDER BY v) AS n, lag(v) OVER (ORDER BY k) AS before, \
               sum(v) OVER (PARTITION BY k) AS s FROM a.silver.t";
    assert_snapshot!(lineage(sql).await, @r"
    k: identity t.k
    n: window t.k, window t.v
    before: window t.k, transformation t.v
    s: window t.k, aggregation t.v
    ");
    let sql = "SELECT k FROM (SELECT k, row_number() OVER (ORDER BY v) AS n FROM a.silver.t) WHERE n = 1";
    assert_snapshot!(lineage(sql).await, @r"
    k: identity t.k
    rows: filter t.v
    ");
}

#[tokio::test]
async fn unions_take_each_column_from_all_branches_by_position() {
    let sql = "SELECT k AS a, v AS b FROM a.silver.t WHERE v > 0 UNION ALL SELECT upper(k), w FROM a.silver.u";
    assert_snapshot!(lineage(sql).await, @r"
    a: identity t.k, transformation u.k
    b: identity t.v, identity u.w
    rows: filter t.v
    ");
    assert_snapshot!(lineage("SELECT k FROM a.silver.t UNION SELECT k FROM a.silver.u").await, @r"
    k: identity t.k, identity u.k
    rows: group_by t.k, group_by u.k
    ");
    assert_snapshot!(lineage("SELECT k FROM a.silver.t EXCEPT SELECT k FROM a.silver.u").await, @r"
    k: identity t.k
    rows: join t.k, group_by t.k, join u.k
    ");
}

#[tokio::test]
async fn tables_of_with_are_followed_and_what_they_name_in_vain_is_kept() {
    let sql = "WITH x AS (SELECT k, v * 2 AS double, upper(k) AS idle FROM a.silver.t), \
               y AS (SELECT k, sum(double) AS total FROM x GROUP BY k) \
               SELECT u.w + y.total AS sum FROM y CROSS JOIN a.silver.u";
    assert_snapshot!(lineage(sql).await, @r"
    sum: aggregation t.v, transformation u.w
    rows: group_by t.k
    ");
    let sql = "WITH x AS (SELECT k, v FROM a.silver.t) SELECT k FROM x";
    assert_snapshot!(lineage(sql).await, @r"
    k: identity t.k
    rows: named t.v
    ");
}

#[tokio::test]
async fn subqueries_are_followed_correlated_ones_too() {
    let sql = "SELECT k, (SELECT max(w) FROM a.silver.u WHERE u.k = t.k) AS m FROM a.silver.t";
    assert_snapshot!(lineage(sql).await, @r"
    k: identity t.k
    m: filter t.k, filter u.k, aggregation u.w
    ");
    let sql = "SELECT v FROM a.silver.t WHERE EXISTS (SELECT 1 FROM a.silver.u WHERE u.k = t.k AND w > 0)";
    assert_snapshot!(lineage(sql).await, @r"
    v: identity t.v
    rows: filter t.k, filter u.k, filter u.w
    ");
    let sql = "SELECT v FROM a.silver.t WHERE k NOT IN (SELECT k FROM a.silver.u)";
    assert_snapshot!(lineage(sql).await, @r"
    v: identity t.v
    rows: filter t.k, filter u.k
    ");
    let sql = "SELECT t.k, l.w FROM a.silver.t CROSS JOIN LATERAL (SELECT w FROM a.silver.u WHERE u.k = t.k) AS l";
    assert_snapshot!(lineage(sql).await, @r"
    k: identity t.k
    w: identity u.w
    rows: filter t.k, filter u.k
    ");
}

#[tokio::test]
async fn values_inside_of_columns_have_their_paths() {
    let sql =
        "SELECT address['city'] AS city, upper(n.address['zip']) AS zip, lines[1]['price'] AS first FROM a.silver.n";
    assert_snapshot!(lineage(sql).await, @r"
    city: identity n.address.city
    zip: transformation n.address.zip
    first: identity n.lines[].price
    ");
    let sql = "SELECT place['city'] AS city FROM (SELECT address AS place FROM a.silver.n)";
    assert_snapshot!(lineage(sql).await, @"city: identity n.address.city");
    let sql = "SELECT id, line['code'] AS code FROM (SELECT id, unnest(lines) AS line FROM a.silver.n)";
    assert_snapshot!(lineage(sql).await, @r"
    id: identity n.id
    code: identity n.lines[].code
    rows: join n.lines
    ");
    let sql = "SELECT named_struct('a', k, 'b', v)['b'] AS b FROM a.silver.t";
    assert_snapshot!(lineage(sql).await, @"b: transformation t.k, transformation t.v");
}

#[tokio::test]
async fn distinct_on_order_and_limit_decide_rows() {
    let sql = "SELECT DISTINCT ON (k) k, v FROM a.silver.t ORDER BY k, v";
    assert_snapshot!(lineage(sql).await, @r"
    k: identity t.k
    v: identity t.v
    rows: sort t.k, group_by t.k, sort t.v
    ");
    assert_snapshot!(lineage("SELECT k FROM a.silver.t ORDER BY v DESC LIMIT 3").await, @r"
    k: identity t.k
    rows: sort t.v
    ");
}

#[tokio::test]
async fn recursion_brings_what_each_round_adds() {
    let sql = "WITH RECURSIVE r AS (SELECT k, v FROM a.silver.t UNION ALL \
               SELECT r.k, u.w FROM r JOIN a.silver.u ON u.k = r.k WHERE r.v < 9) SELECT k, v FROM r";
    assert_snapshot!(lineage(sql).await, @r"
    k: identity t.k
    v: identity t.v, identity u.w
    rows: join t.k, filter t.v, join u.k, filter u.w
    ");
}

#[tokio::test]
async fn long_conditions_do_not_nest_calls() {
    let terms: Vec<_> = (0..1000).map(|i| format!("v = {i}")).collect();
    let sql = format!("SELECT k FROM a.silver.t WHERE {}", terms.join(" OR "));
    assert_snapshot!(lineage(&sql).await, @r"
    k: identity t.k
    rows: filter t.v
    ");
}

#[tokio::test]
async fn a_model_depends_on_all_that_its_inputs_read() {
    let queries = [
        "SELECT k, sum(v) AS v FROM a.silver.t GROUP BY k",
        "SELECT k FROM a.silver.u WHERE w > 0",
    ];
    let plans = [plan(queries[0]).await, plan(queries[1]).await];
    let edges = of_model(&step("a.m"), queries.into_iter().zip(&plans)).unwrap();
    assert_snapshot!(shown(&edges), @"model a.m: identity t.k, group_by t.k, aggregation t.v, identity u.k, filter u.w");
}

/// Of each output column whether some of its values are those of `k`, as they are.
async fn keeps(sql: &str) -> bool {
    let target = "a.gold.x".parse().unwrap();
    let edges = of_pipeline(&step("a.x"), &target, sql, &plan(sql).await).unwrap();
    edges.iter().any(|edge| edge.keeps_values && edge.from.column == "k")
}

#[tokio::test]
async fn what_chooses_among_values_keeps_them_and_what_computes_does_not() {
    for value in [
        "k",
        "CAST(k AS VARCHAR)",
        "coalesce(k, 'a')",
        "nullif(k, 'a')",
        "greatest(k, 'a')",
        "CASE WHEN v > 1 THEN k ELSE 'a' END",
        "first_value(k) OVER (ORDER BY v)",
        "lag(k) OVER (ORDER BY v)",
        "coalesce(lag(k) OVER (ORDER BY v), 'a')",
        "max(k)",
        "array_agg(k)",
        "unnest(array_agg(k))",
        "(SELECT max(k) FROM a.silver.t)",
    ] {
        assert!(keeps(&format!("SELECT {value} AS x FROM a.silver.t")).await, "{value}");
    }
    for value in [
        "trim(k)",
        "k || ''",
        "length(k)",
        "CAST(k AS BIGINT)",
        "CASE WHEN k = 'a' THEN 1 ELSE 2 END",
        "count(k)",
        "string_agg(k, ',')",
        "nullif(1, length(k))",
        "k IN (SELECT k FROM a.silver.u)",
        "max(trim(k))",
        "CASE WHEN v > 1 THEN upper(k) END",
    ] {
        assert!(!keeps(&format!("SELECT {value} AS x FROM a.silver.t")).await, "{value}");
    }
}

#[tokio::test]
async fn what_only_a_star_brought_and_nobody_took_is_no_dependency() {
    let star = "WITH q AS (SELECT t.* FROM a.silver.t AS t) SELECT k FROM q";
    assert_snapshot!(lineage(star).await, @"k: identity t.k");
    // Without it the query fails.
    for named in [
        "WITH q AS (SELECT k, v FROM a.silver.t) SELECT k FROM q",
        "WITH q AS (SELECT k, v + 1 AS w FROM a.silver.t) SELECT k FROM q",
        "WITH q(a, b) AS (SELECT * FROM a.silver.t) SELECT a AS k FROM q",
    ] {
        assert_eq!(lineage(named).await, "k: identity t.k\nrows: named t.v", "{named}");
    }
}
