//! Rules that are queries, held against tables in memory.

mod figures;
mod limits;

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, StructArray};
use arrow::datatypes::{DataType, Field};
use datafusion::catalog::{MemTable, TableProvider};
use polder_contract::rule::Figure;
use polder_contract::{DatasetContract, parse};
use polder_core::DatasetName;
use polder_core::document::Source;
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
pub(super) fn queries() -> (RuleQueries, Arc<dyn TableProvider>) {
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
async fn short_names_are_the_contracts_objects_wherever_nothing_else_is_defined_by_that_name() {
    let cases = [
        (
            "WITH lines AS (SELECT * FROM lines WHERE id < 3) SELECT count(*) FROM lines",
            2,
        ),
        ("WITH orders AS (SELECT * FROM lines) SELECT count(*) FROM orders", 3),
        (
            "WITH a AS (SELECT * FROM lines), lines AS (SELECT * FROM a WHERE id = 1) SELECT count(*) FROM lines",
            1,
        ),
        (
            "SELECT count(*) FROM orders AS lines JOIN lines AS orders USING (id)",
            2,
        ),
        (
            "SELECT sum(lines.id) FROM orders lines WHERE lines.id IN (SELECT lines.id FROM lines WHERE lines.id > 1)",
            2,
        ),
        (r#"SELECT count(*) FROM "Lines" WHERE "Lines".id > 1"#, 2),
        ("SELECT count(*) FROM LINES WHERE Lines.id > 1", 2),
        (
            r#"WITH "Lines" AS (SELECT 1 AS id) SELECT (SELECT count(*) FROM "Lines") + 10 * (SELECT count(*) FROM lines)"#,
            31,
        ),
        (
            "SELECT count(*) FROM (SELECT id FROM lines EXCEPT SELECT id FROM orders UNION ALL SELECT id FROM Orders)",
            3,
        ),
        (
            "SELECT count(*) FROM lines WHERE NOT EXISTS (SELECT 1 FROM orders WHERE orders.id = lines.id)",
            1,
        ),
        // Definitions inside of others of the same name, and only as far as they reach.
        (
            "WITH a AS (SELECT 5 AS id) \
             SELECT (WITH a AS (SELECT a.id FROM lines AS a) SELECT count(a.id) FROM a) + (SELECT sum(a.id) FROM a)",
            8,
        ),
        (
            "SELECT count(*) FROM (WITH lines AS (SELECT * FROM orders) SELECT * FROM lines) few, lines",
            6,
        ),
        (
            "WITH RECURSIVE lines AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM lines WHERE i < 4) \
             SELECT count(*) FROM lines, orders",
            8,
        ),
        (
            "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 4) \
             SELECT (WITH RECURSIVE n AS (SELECT 10 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 12) SELECT max(i) FROM n) \
             + max(i) FROM n",
            16,
        ),
        (
            r#"WITH "sales.bronze.orders" AS (SELECT 1 AS id) SELECT count(*) FROM orders"#,
            2,
        ),
        (
            r#"SELECT count(*) FROM "sales"."bronze"."orders", SALES.Bronze.invoice_lines"#,
            6,
        ),
        ("SELECT count(*) FROM lines, UNNEST(make_array(1, 2)) AS two(n)", 6),
        (
            "SELECT count(*) FROM orders, LATERAL (SELECT * FROM lines WHERE lines.id = orders.id) AS own",
            2,
        ),
        (
            "SELECT count(*) FROM ((lines JOIN orders USING (id)) CROSS JOIN orders AS again)",
            4,
        ),
    ];
    for (sql, expected) in cases {
        let found = ask(sql, None).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert_eq!(found, Figure::Whole(expected), "{sql}");
    }
}

#[tokio::test]
async fn no_name_opens_what_is_not_the_contracts() {
    let cases = [
        ("SELECT count(*) FROM lines JOIN wages ON true", "`wages`"),
        (
            "SELECT (WITH wages AS (SELECT 1 AS x) SELECT count(*) FROM wages) + (SELECT count(*) FROM wages)",
            "`wages`",
        ),
        (
            "WITH a AS (SELECT * FROM wages), wages AS (SELECT 1 AS x) SELECT count(*) FROM a",
            "`wages`",
        ),
        (
            "WITH wages AS (SELECT * FROM staff.silver.wages) SELECT count(*) FROM wages",
            "staff.silver.wages",
        ),
        (
            "SELECT count(*) FROM lines WHERE id IN (SELECT wage FROM STAFF.\"silver\".wages)",
            "staff.silver.wages",
        ),
        (
            "SELECT count(*) FROM lines UNION SELECT count(*) FROM staff.silver.wages VERSION AS OF 0",
            "staff.silver.wages",
        ),
        ("TABLE staff.silver.wages", ""),
        ("SELECT count(*) FROM bronze.orders", "`bronze.orders`"),
        ("SELECT count(*) FROM '/etc/passwd'", "/etc/passwd"),
        (r#"SELECT count(*) FROM "rows.parquet""#, "rows.parquet"),
        ("SELECT count(*) FROM 's3://bucket/rows.parquet'", "rows.parquet"),
        ("SELECT count(*) FROM read_csv('/etc/passwd')", "read_csv"),
        (
            "SELECT count(*) FROM parquet_metadata('rows.parquet')",
            "parquet_metadata",
        ),
        (
            "SELECT count(*) FROM TABLE(read_parquet('rows.parquet'))",
            "read_parquet",
        ),
        (
            "SELECT count(*) FROM lines, LATERAL read_json('rows.json') AS r",
            "read_json",
        ),
        (
            "WITH a AS (SELECT 1), a AS (SELECT 2) SELECT count(*) FROM a",
            "more than once",
        ),
        ("SELECT count(*) FROM (DELETE FROM lines RETURNING id)", ""),
        ("SELECT count(*) INTO copy FROM lines", "only read"),
    ];
    for (sql, why) in cases {
        let error = ask(sql, None).await.expect_err(sql);
        assert!(error.to_string().contains(why), "{sql}: {error}");
        let (queries, _) = queries();
        assert!(queries.plan(sql, None).await.is_err(), "{sql} is planned");
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
        ("SELECT 1 / (count(*) - 3) FROM {object}", "division by zero"),
    ];
    for (sql, why) in cases {
        let error = ask(sql, None).await.expect_err(sql);
        let told = format!("{error} {}", error.help().unwrap_or_default());
        assert!(told.contains(why), "{sql}: {told}");
    }
}

#[tokio::test]
async fn other_datasets_are_those_that_the_contract_names() {
    let (queries, _) = queries();
    assert!(queries.provider(&name("sales.bronze.orders")).await.unwrap().is_some());
    assert!(queries.provider(&name("staff.silver.wages")).await.is_err());
}

#[tokio::test]
async fn beside_a_file_queries_about_other_datasets_are_not_asked() {
    let (queries, _) = queries();
    let reach = |queries: &RuleQueries, sql: &str| queries.query_out_of_reach(sql, None);
    let others = "WITH lines AS (SELECT * FROM orders) SELECT count(*) FROM lines";
    assert_eq!(reach(&queries, others), None);
    let alone = queries.alone();
    assert!(reach(&alone, others).is_some_and(|why| why.contains("sales.bronze.orders")));
    assert!(alone.out_of_reach(&name("sales.bronze.orders")).is_some());
    for own in ["SELECT count(*) FROM {object}", "SELECT count(*) FROM lines", "SELEC"] {
        assert_eq!(reach(&alone, own), None, "{own}");
    }
}

#[tokio::test]
async fn columns_stand_where_the_contract_says() {
    let (queries, _) = queries();
    // The table has them in another order, without one, and with one more that the contract does not name.
    let lines = table(vec![
        ("further", Arc::new(StringArray::from(vec!["x", "y"]))),
        ("Code", Arc::new(StringArray::from(vec!["a", "b"]))),
        ("id", Arc::new(Int64Array::from(vec![4, 5]))),
    ]);
    let sql = "WITH q(first, second, third, fourth) AS (SELECT * FROM {object}) \
               SELECT max(first) FROM q WHERE third IS NULL AND fourth = 'x' OR second = 'b'";
    assert_eq!(queries.figure(sql, None, lines).await.unwrap(), Figure::Whole(5));
}

#[tokio::test]
async fn a_column_that_the_table_lacks_is_of_nulls_also_where_a_value_is_required() {
    let required = CONTRACT.replace(
        "{name: Code, logicalType: string}",
        "{name: Code, logicalType: string, required: true}",
    );
    let parsed = parse(&Source::new("contracts/sales/t.odcs.yaml", required));
    let contract = Arc::new(parsed.contract.unwrap_or_else(|| panic!("{:?}", parsed.diagnostics)));
    let session = Session::without_lake(&SessionOptions::default()).unwrap();
    let queries = RuleQueries::new(&session, &DatasetContract { contract, object: 0 });
    let lines = table(vec![("id", Arc::new(Int64Array::from(vec![4, 5])))]);
    for (sql, column, expected) in [
        ("SELECT count(*) FROM {object} WHERE {property} IS NULL", "Code", 2),
        (
            "SELECT count(*) FROM {object} WHERE {property} = 'Kyiv'",
            "address.city",
            0,
        ),
        ("SELECT count(DISTINCT {property}) FROM {object}", "address.city", 0),
    ] {
        let figure = queries.figure(sql, Some(column), Arc::clone(&lines)).await;
        assert_eq!(figure.unwrap(), Figure::Whole(expected), "{sql}");
    }
}
