//! Queries that would take all time or memory.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, StringArray};
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session as CatalogSession, TableProvider};
use datafusion::datasource::TableType;
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::ExecutionPlan;
use polder_contract::rule::Figure;
use polder_core::ErrorKind;
use polder_gate::table::Queries;

use super::{ask, queries, table};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_that_never_ends_is_stopped() {
    let (queries, lines) = queries();
    let start = Instant::now();
    let endless = "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 0 FROM n) SELECT count(*) FROM n";
    let error = queries
        .with_limit(Duration::from_millis(200))
        .figure(endless, None, lines)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("0.2 s"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(20));
}

/// A table over which the query engine breaks down.
#[derive(Debug)]
struct Broken(Arc<dyn TableProvider>);

#[async_trait]
impl TableProvider for Broken {
    fn schema(&self) -> SchemaRef {
        self.0.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _: &dyn CatalogSession,
        _: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> datafusion::error::Result<Arc<dyn ExecutionPlan>> {
        panic!("over the row 4711")
    }
}

#[tokio::test]
async fn an_engine_that_breaks_down_is_named_without_what_it_says_of_rows() {
    let (queries, lines) = queries();
    let asked = queries.figure("SELECT count(*) FROM {object}", None, Arc::new(Broken(lines)));
    let error = asked.await.unwrap_err();
    assert!(error.to_string().contains("the query engine broke down"), "{error}");
    assert!(!error.to_string().contains("4711"), "{error}");
}

#[test]
fn a_query_that_never_pauses_keeps_nobody_waiting() {
    let start = Instant::now();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let error = runtime.block_on(async {
        let (queries, _) = queries();
        let text: ArrayRef = Arc::new(StringArray::from(vec!["ab".repeat(400_000)]));
        queries
            .with_limit(Duration::from_millis(300))
            .figure(
                "SELECT sum(levenshtein(t, 'b' || t)) FROM {object}",
                None,
                table(vec![("t", text)]),
            )
            .await
            .unwrap_err()
    });
    drop(runtime);
    assert!(error.to_string().contains("0.3 s"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn queries_that_are_meant_to_hurt_are_refused() {
    let cases = [
        (format!("SELECT count(*){} FROM {{object}}", "+1".repeat(20_000)), "longer than 16 KiB"),
        (format!("SELECT count(*){} FROM {{object}}", "+1".repeat(5_000)), "more than 600 operators"),
        ("SELECT length(repeat('x', 2000000000))".to_owned(), "make much of little"),
        (
            "SELECT length(x || x || x || x || x || x || x || x || x || x || x || x) FROM \
             (SELECT y || y || y || y || y || y || y || y || y || y || y || y AS x FROM (SELECT \"Code\" AS y FROM {object}))"
                .to_owned(),
            "128 times as long",
        ),
        (
            "WITH RECURSIVE n AS (SELECT 'a' AS x UNION ALL SELECT x || x FROM n) SELECT max(length(x)) FROM n".to_owned(),
            "each round of a recursion",
        ),
    ];
    for (sql, why) in cases {
        let error = ask(&sql, None)
            .await
            .err()
            .unwrap_or_else(|| panic!("{sql:.80} is taken"));
        assert!(error.to_string().contains(why), "{sql:.80}: {error}");
    }
}

#[tokio::test]
async fn lists_that_could_become_far_more_than_they_hold_are_refused() {
    let cases = [
        (
            "SELECT count(*) FROM (SELECT unnest(a) AS i, a FROM (SELECT array_agg(id) AS a FROM lines)) \
             WHERE i > array_length(a)",
            "made of many rows",
        ),
        (
            "SELECT sum(x) FROM (SELECT unnest(unnest(make_array(make_array(id, 2), make_array(3)))) AS x FROM lines)",
            "lists within lists",
        ),
        (
            "SELECT count(*) FROM (SELECT unnest(xs) AS x, xs FROM (SELECT make_array(id, id) AS xs FROM lines)) \
             WHERE x > array_max(xs)",
            "it repeats the list",
        ),
    ];
    for (sql, why) in cases {
        let error = ask(sql, None).await.expect_err(sql);
        assert!(error.to_string().contains(why), "{sql}: {error}");
    }
    for (sql, expected) in [
        (
            "SELECT count(*) FROM (SELECT unnest(make_array(id, id + 1)) AS x, id FROM lines) WHERE x > id",
            3,
        ),
        (
            "SELECT count(*) FROM (SELECT unnest(make_array(id, id)) AS x FROM (SELECT *, make_array(1) AS y FROM lines))",
            6,
        ),
        (
            "SELECT count(*) FROM (SELECT unnest(inner_) FROM \
             (SELECT unnest(make_array(make_array(id, 2), make_array(3))) AS inner_ FROM lines))",
            9,
        ),
    ] {
        let found = ask(sql, None).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert_eq!(found, Figure::Whole(expected), "{sql}");
    }
}

/// Each step reads the one before it twice.
fn doubled(first: &str, step: &str, last: &str) -> String {
    let steps = (1..=28).map(|i| format!(", x{i} AS ({})", step.replace("before", &format!("x{}", i - 1))));
    format!("WITH x0 AS ({first}){} {last}", steps.collect::<String>())
}

#[tokio::test]
async fn what_would_take_all_time_or_memory_is_refused_before_it_is_planned() {
    let start = Instant::now();
    let (queries, lines) = queries();
    let steps = doubled(
        "SELECT id FROM lines",
        "SELECT a.id FROM before AS a JOIN before AS b ON a.id = b.id",
        "SELECT count(*) FROM x28",
    );
    let expressions = doubled(
        "SELECT id AS v FROM lines",
        "SELECT v + v AS v FROM before",
        "SELECT count(*) FROM x28 WHERE v > 1",
    );
    for (sql, why) in [
        (
            "SELECT count(*) FROM unnest(generate_series(1, 1000000000))",
            "much of little",
        ),
        ("SELECT length(lpad('x', 2000000000))", "much of little"),
        ("SELECT array_length(range(0, 1000000000))", "much of little"),
        (
            "SELECT count(*) FROM {object} WHERE repeat('x', 2000000000) = 'y'",
            "much of little",
        ),
        (
            "SELECT count(*) FROM generate_series(1, length(repeat('x', 2000000000)))",
            "arguments of a table function",
        ),
        (steps.as_str(), "more than 2000 tables"),
        (expressions.as_str(), "more than 100000 operators"),
    ] {
        let planned = queries.plan(sql, None).await.expect_err(sql);
        assert!(planned.to_string().contains(why), "{sql}: {planned}");
        let asked = queries.figure(sql, None, Arc::clone(&lines)).await.expect_err(sql);
        assert_eq!(asked.to_string(), planned.to_string(), "{sql}");
    }
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
    for sql in [
        "SELECT sum(column1) FROM generate_series(1, 10 * 2) AS s(column1)",
        "SELECT length(lpad('x', 20))",
    ] {
        queries
            .plan(sql, None)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}
