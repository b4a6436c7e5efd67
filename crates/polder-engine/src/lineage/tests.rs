//! Expected lineage is reasoned from the SQL by hand.

use std::collections::{BTreeMap, BTreeSet};

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
    let edges = of_pipeline(&step("a.x"), &target, &plan(sql).await).unwrap();
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
    let plans = [
        plan("SELECT k, sum(v) AS v FROM a.silver.t GROUP BY k").await,
        plan("SELECT k FROM a.silver.u WHERE w > 0").await,
    ];
    let edges = of_model(&step("a.m"), &plans).unwrap();
    assert_snapshot!(shown(&edges), @"model a.m: identity t.k, group_by t.k, aggregation t.v, identity u.k, filter u.w");
}

/// Edges by value: `from column → step → to column`, all in `a.silver`.
fn mesh(edges: &[(&str, &str, &str)]) -> ColumnLineage {
    let split = |name: &str| {
        let (dataset, path) = name.split_once('.').unwrap();
        column(&format!("a.silver.{dataset}"), path)
    };
    let edge = |(from, via, to): &(&str, &str, &str)| ColumnEdge {
        from: split(from),
        via: step(&format!("p.{via}")),
        to: match to.split_once('.') {
            Some(_) => Target::Column(split(to)),
            None => Target::Rows(format!("a.silver.{to}").parse().unwrap()),
        },
        how: Dependency::Identity,
    };
    let edges: Vec<_> = edges.iter().map(edge).collect();
    let reads: BTreeSet<_> = edges
        .iter()
        .map(|edge| {
            (
                edge.from.dataset.clone(),
                edge.via.name.clone(),
                edge.to.dataset().cloned(),
            )
        })
        .collect();
    let steps = reads.into_iter().map(|(from, via, to)| LineageEdge {
        from,
        via,
        kind: StepKind::Pipeline,
        to,
    });
    let steps = steps.collect();
    ColumnLineage::new(edges, steps)
}

fn chains(lineage: &ColumnLineage, from: &str, path: &str) -> Vec<String> {
    let chains = lineage.downstream(&from.parse().unwrap(), path);
    chains.iter().map(ToString::to_string).collect()
}

#[test]
fn chains_lead_to_every_end_and_through_structs() {
    let lineage = mesh(&[
        ("x.address", "one", "y.place"),
        ("y.place.city", "two", "z.city"),
        ("y.place.zip", "two", "z.zip"),
        ("z.city", "three", "w"),
    ]);
    assert_eq!(
        chains(&lineage, "a.silver.x", "address.city"),
        [
            "a.silver.x.address.city → pipeline p.one → a.silver.y.place.city → pipeline p.two → a.silver.z.city \
             → pipeline p.three → rows of a.silver.w"
        ]
    );
    assert_eq!(chains(&lineage, "a.silver.x", "address").len(), 2);
    assert_eq!(chains(&lineage, "a.silver.x", "addr"), Vec::<String>::new());
}

#[test]
fn circles_end() {
    let lineage = mesh(&[("x.k", "one", "y.k"), ("y.k", "two", "x.k")]);
    assert_eq!(
        chains(&lineage, "a.silver.x", "k"),
        ["a.silver.x.k → pipeline p.one → a.silver.y.k"]
    );
}

fn reader(name: &str, dataset: &str, columns: Option<&[&str]>) -> Reader {
    Reader {
        name: format!("consumer {name}"),
        dataset: format!("a.silver.{dataset}").parse().unwrap(),
        columns: columns.map(|columns| columns.iter().map(|one| (*one).to_owned()).collect()),
    }
}

#[test]
fn a_change_breaks_what_is_made_of_what_no_longer_checks_and_nothing_else() {
    let before = mesh(&[
        ("x.k", "one", "y.k"),
        ("x.v", "one", "y.v"),
        ("y.k", "two", "z.k"),
        ("y.v", "other", "o.v"),
        ("x.k", "adapted", "q.k"),
    ]);
    let after = mesh(&[
        ("y.k", "two", "z.k"),
        ("y.v", "other", "o.v"),
        ("x.v", "adapted", "q.k"),
    ]);
    let unsound = BTreeSet::from(["p.one".parse().unwrap()]);
    let readers = [
        reader("board", "z", Some(&["k"])),
        reader("crm", "z", Some(&["n"])),
        reader("all", "y", None),
        reader("later", "q", None),
    ];
    let reached = Reach::new(&before, &after, &unsound, &BTreeSet::new(), &readers).of(
        &"a.silver.x".parse().unwrap(),
        Some("k"),
        &BTreeSet::new(),
    );
    assert_eq!(
        reached.chains,
        [
            "a.silver.x.k → pipeline p.one → a.silver.y.k → consumer all",
            "a.silver.x.k → pipeline p.one → a.silver.y.k → pipeline p.two → a.silver.z.k → consumer board",
        ]
    );
    let words = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(", ");
    assert_eq!(
        words(&reached.broken),
        "consumer all, consumer board, pipeline p.one, pipeline p.two"
    );
    assert_eq!(words(&reached.unaffected), "consumer later, pipeline p.adapted");
    // What is not built gives none of its columns.
    assert_eq!(words(&reached.waiting), "consumer crm, pipeline p.other");
}

#[test]
fn a_query_that_only_counts_rows_goes_with_its_dataset_all_the_same() {
    let mut before = mesh(&[("y.n", "two", "z.n")]);
    let counts = LineageEdge {
        from: "a.silver.x".parse().unwrap(),
        via: "p.counts".parse().unwrap(),
        kind: StepKind::Pipeline,
        to: Some("a.silver.y".parse().unwrap()),
    };
    before = ColumnLineage::new(before.edges, [before.steps, vec![counts]].concat());
    let unsound = BTreeSet::from(["p.counts".parse().unwrap()]);
    let reached = Reach::new(&before, &before, &unsound, &BTreeSet::new(), &[]).of(
        &"a.silver.x".parse().unwrap(),
        None,
        &BTreeSet::new(),
    );
    assert_eq!(
        reached.chains,
        ["a.silver.x → pipeline p.counts → a.silver.y → pipeline p.two → a.silver.z"]
    );
}

#[test]
fn a_dataset_that_goes_takes_along_all_that_is_made_of_it() {
    let before = mesh(&[("x.k", "one", "y.k"), ("y.v", "two", "z.v")]);
    let after = mesh(&[("y.v", "two", "z.v")]);
    let unsound = BTreeSet::from(["p.one".parse().unwrap()]);
    let readers = [reader("board", "z", Some(&["v"])), reader("own", "x", None)];
    let reach = Reach::new(&before, &after, &unsound, &BTreeSet::new(), &readers);
    let reached = reach.of(&"a.silver.x".parse().unwrap(), None, &BTreeSet::from([1]));
    assert_eq!(
        reached.chains,
        [
            "a.silver.x → consumer own",
            "a.silver.x → pipeline p.one → a.silver.y → pipeline p.two → a.silver.z → consumer board",
        ]
    );
    let only = BTreeMap::from([("pipeline", 2), ("consumer", 2)]);
    for (kind, count) in only {
        assert_eq!(
            reached.broken.iter().filter(|name| name.starts_with(kind)).count(),
            count
        );
    }
    assert_eq!(reached.unaffected, BTreeSet::new());
}

#[test]
fn a_dataset_that_nobody_builds_breaks_everything_that_reads_it() {
    let mesh = mesh(&[("x.k", "one", "y.k"), ("x.v", "other", "z.v"), ("w.k", "third", "q.k")]);
    let readers = [reader("board", "y", Some(&["n"])), reader("own", "x", Some(&["k"]))];
    let unbuilt = "a.silver.x".parse().unwrap();
    let all = BTreeSet::from([unbuilt]);
    let none = BTreeSet::new();
    let reach = Reach::new(&mesh, &mesh, &none, &all, &readers);
    let reached = reach.unbuilt(all.first().unwrap());
    assert_eq!(
        reached.chains,
        [
            "a.silver.x → consumer own",
            "a.silver.x → pipeline p.other → a.silver.z",
            "a.silver.x → pipeline p.one → a.silver.y → consumer board",
        ]
    );
    // A change that breaks nobody does not say of them that they are not affected.
    let reached = reach.by_promise(all.first().unwrap(), Some("k"), &BTreeSet::new(), &none);
    assert_eq!(reached.broken, BTreeSet::new());
    assert_eq!(reached.unaffected, BTreeSet::new());
    assert_eq!(reached.waiting.len(), 4);
}

#[test]
fn a_row_that_is_refused_is_missing_with_all_its_columns() {
    let mesh = mesh(&[("x.k", "one", "y.k"), ("x.v", "one", "y.v"), ("x.k", "other", "z.k")]);
    let readers = [reader("board", "y", Some(&["v"])), reader("crm", "z", None)];
    let (sound, unbuilt) = (BTreeSet::new(), BTreeSet::new());
    let reach = Reach::new(&mesh, &mesh, &sound, &unbuilt, &readers);
    let refusing = BTreeSet::from(["p.one".parse().unwrap()]);
    let dataset = "a.silver.x".parse().unwrap();
    let reached = reach.by_promise(&dataset, Some("k"), &BTreeSet::new(), &refusing);
    assert_eq!(
        reached.chains,
        ["a.silver.x.k → pipeline p.one → a.silver.y → consumer board"]
    );
    let words: Vec<_> = reached.unaffected.iter().map(String::as_str).collect();
    assert_eq!(words, ["consumer crm", "pipeline p.other"]);
}
