//! Rules that are queries, held against tables in memory.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, StructArray};
use arrow::datatypes::{DataType, Field};
use datafusion::catalog::{MemTable, TableProvider};
use polder_contract::rule::Figure;
use polder_contract::{DatasetContract, parse};
use polder_core::document::Source;
use polder_core::{DatasetName, ErrorKind};
use polder_gate::table::Queries;

use super::RuleQueries;
use crate::{Session, SessionOptions};

const CONTRACT: &str = "
apiVersion: v3.1.0
kind: DataContract
id: t
name: t
version: 1.0.0
status: active
schema:
  - name: Lines
    physicalName: sales.bronze.invoice_lines
    properties:
      - {name: id, logicalType: integer, physicalType: bigint}
      - {name: Code, logicalType: string}
      - name: address
        logicalType: object
        properties: [{name: city, logicalType: string}]
  - name: orders
    physicalName: sales.bronze.orders
    properties:
      - {name: id, logicalType: integer, physicalType: bigint}
";

fn table(columns: Vec<(&str, ArrayRef)>) -> Arc<dyn TableProvider> {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    Arc::new(MemTable::try_new(batch.schema(), vec![vec![batch]]).unwrap())
}

fn name(text: &str) -> DatasetName {
    text.parse().unwrap()
}

/// The contract's lines: 1, 2, 3; its orders and somebody's wages lie in the session.
fn queries() -> (RuleQueries, Arc<dyn TableProvider>) {
    let parsed = parse(&Source::new("contracts/sales/t.odcs.yaml", CONTRACT.to_owned()));
    let contract = Arc::new(parsed.contract.unwrap_or_else(|| panic!("{:?}", parsed.diagnostics)));
    let numbers = |numbers: Vec<i64>| -> ArrayRef { Arc::new(Int64Array::from(numbers)) };
    let session = Session::without_lake(&SessionOptions::default()).unwrap().with_tables([
        (name("sales.bronze.orders"), table(vec![("id", numbers(vec![1, 2]))])),
        (name("staff.silver.wages"), table(vec![("wage", numbers(vec![9]))])),
        // An older state: the rows that are judged are those that the rule is given.
        (name("sales.bronze.invoice_lines"), table(vec![("id", numbers(vec![]))])),
    ]);
    let cities: ArrayRef = Arc::new(StringArray::from(vec![Some("Kyiv"), None, Some("Oslo")]));
    let address = StructArray::from(vec![(Arc::new(Field::new("city", DataType::Utf8, true)), cities)]);
    let lines = table(vec![
        ("id", numbers(vec![1, 2, 3])),
        ("Code", Arc::new(StringArray::from(vec!["a", "b", "b"]))),
        ("address", Arc::new(address)),
    ]);
    (
        RuleQueries::new(&session, &DatasetContract { contract, object: 0 }),
        lines,
    )
}

async fn ask(sql: &str, column: Option<&str>) -> polder_core::Result<Figure> {
    let (queries, lines) = queries();
    queries.figure(sql, column, lines).await
}

#[tokio::test]
async fn a_query_gives_the_one_figure_of_its_one_row() {
    let whole = Figure::Whole;
    let cases = [
        ("SELECT count(*) FROM {object}", None, whole(3)),
        (
            "SELECT count(DISTINCT {property}) FROM ${table}",
            Some("Code"),
            whole(2),
        ),
        ("SELECT count({property}) FROM {object}", Some("address.city"), whole(2)),
        ("SELECT avg({column}) FROM {object}", Some("id"), Figure::Real(2.0)),
        ("SELECT max(\"Code\") FROM {object}", None, Figure::Text("b".to_owned())),
        ("SELECT sum(id) FROM {object} WHERE false", None, Figure::Null),
        ("SELECT count(*) > 2 FROM {object}", None, whole(1)),
        ("SELECT cast(1.50 AS decimal(10,2))", None, Figure::Real(1.5)),
        ("SELECT cast(7 AS decimal(38,0))", None, whole(7)),
        (
            "SELECT count(*) FROM sales.bronze.invoice_lines JOIN sales.bronze.orders USING (id)",
            None,
            whole(2),
        ),
        // By the short names that other tools know.
        ("SELECT count(*) FROM invoice_lines", None, whole(3)),
        (
            "SELECT count(*) FROM lines WHERE id NOT IN (SELECT id FROM orders)",
            None,
            whole(1),
        ),
        (
            "WITH few AS (SELECT * FROM Lines WHERE id < 3) SELECT count(*) FROM few",
            None,
            whole(2),
        ),
        (
            "-- how many\n/* there */ WITH few AS (SELECT * FROM lines WHERE id < 3) SELECT count(*) FROM few",
            None,
            whole(2),
        ),
        (
            "with recursive n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 4) \
             SELECT count(*) FROM n, lines",
            None,
            whole(12),
        ),
    ];
    for (sql, column, expected) in cases {
        let found = ask(sql, column).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert_eq!(found, expected, "{sql}");
    }
}

#[tokio::test]
async fn queries_that_write_or_read_what_is_not_theirs_or_give_no_figure_fail_with_why() {
    let cases = [
        ("SELECT id, 1 AS one FROM {object}", "2 columns"),
        ("SELECT id FROM {object}", "more than one row"),
        ("SELECT id FROM {object} WHERE id > 9", "no row"),
        ("SELECT address FROM {object} LIMIT 1", "one figure"),
        (
            "SELECT max(wage) FROM staff.silver.wages",
            "neither the contract's nor named",
        ),
        (
            "SELECT count(*) FROM (SELECT 1) a JOIN staff.silver.wages ON true",
            "staff.silver.wages",
        ),
        (
            "SELECT count(*) FROM information_schema.tables",
            "no dataset of the contract",
        ),
        ("SELECT count(*) FROM elsewhere", "no dataset of the contract"),
        ("DELETE FROM sales.bronze.invoice_lines", "only read"),
        ("WITH x AS (DELETE FROM sales.bronze.orders RETURNING 1) SELECT 1", ""),
        ("SELECT 1; DROP TABLE sales.bronze.orders", "one statement at a time"),
        ("EXPLAIN SELECT 1", "a SELECT that gives one figure"),
        ("SHOW TABLES", "a SELECT that gives one figure"),
        ("COPY sales.bronze.orders TO '/tmp/x.csv'", "only read"),
        ("SELEC 1", "cannot be read"),
        (
            "SELECT count({property}) FROM {object}",
            "{property} stands for nothing",
        ),
        ("SELECT nosuch FROM {object}", "nosuch"),
        ("SELECT 1 / (count(*) - 3) FROM {object}", "ivide"),
    ];
    for (sql, why) in cases {
        let error = ask(sql, None).await.expect_err(sql);
        let told = format!("{error} {}", error.help().unwrap_or_default());
        assert!(told.contains(why), "{sql}: {told}");
    }
}

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

#[tokio::test]
async fn other_datasets_are_those_that_the_contract_names() {
    let (queries, _) = queries();
    assert!(queries.provider(&name("sales.bronze.orders")).await.unwrap().is_some());
    assert!(queries.provider(&name("staff.silver.wages")).await.is_err());
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
