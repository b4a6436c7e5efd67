mod comparisons;
mod texts;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch};
use arrow::util::display::array_value_to_string;
use datafusion::prelude::{SessionConfig, SessionContext};

use super::*;

/// A context of several partitions and small batches with `n` (bigint, also null), `k` (bigint from 0 to 6), `i` (int), `d`
/// (decimal of 38 digits) in `t`, and `x` (double, also NaN and null) in `f`.
async fn context(prepare: impl Fn(&SessionContext)) -> SessionContext {
    let mut config = SessionConfig::new().with_target_partitions(3).with_batch_size(64);
    // As in Polder's sessions.
    config.options_mut().sql_parser.parse_float_as_decimal = true;
    let context = SessionContext::new_with_config(config);
    prepare(&context);
    let statements = [
        "CREATE TABLE t AS SELECT CASE WHEN value % 11 = 0 THEN null ELSE value * 1000003 - 500000000 END AS n, \
         value % 7 AS k, cast(value AS int) AS i, cast(value AS decimal(38, 2)) AS d FROM generate_series(1, 1000)",
        "CREATE TABLE big AS SELECT * FROM (VALUES (9223372036854775807, 1, cast(2147483647 AS int)), \
         (5, 1, cast(1 AS int)), (-10, 2, cast(2 AS int))) AS b(n, k, i)",
    ];
    for statement in statements {
        context.sql(statement).await.unwrap().collect().await.unwrap();
    }
    let x: ArrayRef = Arc::new(Float64Array::from(vec![
        Some(-1.5),
        Some(0.0),
        Some(2.0),
        Some(f64::NAN),
        None,
    ]));
    let id: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3, 4, 5]));
    let rows = RecordBatch::try_from_iter([("id", id), ("x", x)]).unwrap();
    context.register_batch("f", rows).unwrap();
    context
}

/// As row rules are.
fn rules(context: &SessionContext) {
    exact(context);
    nan_is_unordered(context);
}

/// All values of a query, row by row, or why there are none.
async fn answer(context: &SessionContext, sql: &str) -> std::result::Result<Vec<String>, String> {
    let frame = context.sql(sql).await.map_err(|error| error.to_string())?;
    let rows = frame.collect().await.map_err(|error| error.to_string())?;
    let mut found = Vec::new();
    for batch in rows {
        for row in 0..batch.num_rows() {
            let values = batch
                .columns()
                .iter()
                .map(|column| array_value_to_string(column, row).unwrap());
            found.push(values.collect::<Vec<_>>().join("|"));
        }
    }
    Ok(found)
}

#[tokio::test]
async fn what_overflows_is_an_error_and_not_another_number() {
    let context = context(exact).await;
    let failing = [
        "SELECT 9223372036854775807 + 1",
        "SELECT n + 1 FROM big",
        "SELECT max(n + 1) FROM big",
        "SELECT max(1 + n) FROM big",
        "SELECT -9223372036854775807 - n FROM big",
        "SELECT n * 2 FROM big",
        "SELECT i * i FROM big",
        "SELECT i + cast(1 AS int) FROM big",
        "SELECT -(-n - 1) FROM big",
        "SELECT k FROM big WHERE n + k > 0",
        "SELECT count(*) FROM big WHERE NOT (i * i <= 2000000000)",
        "SELECT k FROM big GROUP BY k HAVING sum(n) > 0",
        "SELECT b.k FROM big AS a JOIN big AS b ON a.n + 1 = b.n",
        "SELECT (SELECT max(o.n + o.k) FROM big AS o)",
        "SELECT sum(n) FROM big WHERE k = 1",
        "SELECT sum(DISTINCT n) FROM big WHERE k = 1",
        "SELECT sum(DISTINCT n), sum(DISTINCT k) FROM big WHERE k = 1",
        "SELECT k, sum(n) FROM big GROUP BY k",
        "SELECT sum(n) OVER (ORDER BY n DESC) FROM big WHERE k = 1",
        "SELECT sum(n) OVER (ORDER BY n ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM big",
        "SELECT sum(cast(9e37 AS decimal(38, 0))) FROM generate_series(1, 3)",
        "SELECT k % 2, sum(cast(9e37 AS decimal(38, 0))) FROM t GROUP BY k % 2",
    ];
    for sql in failing {
        let why = answer(&context, sql).await.expect_err(sql);
        assert!(
            [
                "verflow",
                "which does not fit bigint",
                "needs more digits than decimal(38,0) has"
            ]
            .iter()
            .any(|words| why.contains(words)),
            "{sql}: {why}"
        );
    }
    let why = answer(&context, "SELECT sum(n) FROM big WHERE k = 1")
        .await
        .unwrap_err();
    assert!(
        why.contains("the sum is 9223372036854775812, which does not fit bigint"),
        "{why}"
    );
}

#[tokio::test]
async fn what_is_rounded_can_be_compared_however_its_places_are_said() {
    let context = context(exact).await;
    let table = "CREATE TABLE money AS SELECT column1 AS d, column2 AS places FROM (VALUES \
                 (cast(1.55 AS decimal(10, 2)), 1), (cast(1.54 AS decimal(10, 2)), 1))";
    context.sql(table).await.unwrap().collect().await.unwrap();
    for (condition, wanted) in [
        ("round(d, 1) > d", "1.55"),
        ("round(d, 1) = 1.6", "1.55"),
        ("round(d, 1) IN (1.5, 7.25)", "1.54"),
        ("round(d, 2) < 1.545", "1.54"),
        ("round(d, 1) + 1 > 2.5", "1.55"),
        ("round(d, -1) + 1.6 > round(d, 1) AND d < 1.55", "1.54"),
        ("round(d, cast(1 AS int)) > d", "1.55"),
        ("round(d, 2 - 1) > d", "1.55"),
        ("round(d, places) > d", "1.55"),
        ("round(d, cast(1 AS smallint)) BETWEEN 1.51 AND d + 1", "1.55"),
        (
            "round(d) = 2.0 AND trunc(d, 1) < 1.51 AND ceil(d) > d AND floor(d) < d AND d > 1.54",
            "1.55",
        ),
    ] {
        let sql = format!("SELECT d FROM money WHERE {condition}");
        assert_eq!(
            answer(&context, &sql).await.as_deref(),
            Ok(&[wanted.to_owned()][..]),
            "{sql}"
        );
    }
    // With no more digits than it asks for.
    assert_eq!(
        answer(
            &context,
            "SELECT round(d, 1), count(*) FROM money GROUP BY round(d, 1) ORDER BY 1"
        )
        .await,
        Ok(vec!["1.5|1".to_owned(), "1.6|1".to_owned()])
    );
    for (sets, wanted) in [
        ("ROLLUP(round(d, 1))", ["1.5|1|0", "1.6|1|0", "|2|1"]),
        ("CUBE(round(d, 1))", ["1.5|1|0", "1.6|1|0", "|2|1"]),
        ("GROUPING SETS ((round(d, 1)), ())", ["1.5|1|0", "1.6|1|0", "|2|1"]),
    ] {
        let sql = format!("SELECT round(d, 1), count(*), grouping(round(d, 1)) FROM money GROUP BY {sets} ORDER BY 1");
        let wanted = wanted.map(ToOwned::to_owned).to_vec();
        assert_eq!(answer(&context, &sql).await, Ok(wanted), "{sql}");
    }
    let by_comparison = "SELECT round(d, 1) > d, count(*) FROM money GROUP BY ROLLUP(round(d, 1) > d) ORDER BY 1";
    assert_eq!(
        answer(&context, by_comparison).await,
        Ok(["false|1", "true|1", "|2"].map(ToOwned::to_owned).to_vec())
    );
    let frame = context.sql("SELECT round(d, 1) FROM money").await.unwrap();
    let batches = frame.collect().await.unwrap();
    let column = batches.first().unwrap().schema();
    assert_eq!(column.field(0).name(), "round(money.d,Int64(1))");
    assert_eq!(
        *column.field(0).data_type(),
        arrow::datatypes::DataType::Decimal128(10, 1)
    );
}

/// Postgres gives the same texts.
#[tokio::test]
async fn places_that_need_no_row_are_as_good_as_written_ones() {
    let context = context(exact).await;
    let table = "CREATE TABLE money AS SELECT cast(column1 AS decimal(10, 2)) AS d, column2 AS id \
                 FROM (VALUES (1.55, 1), (1.54, 2)) AS v";
    context.sql(table).await.unwrap().collect().await.unwrap();
    for places in [
        "1",
        "2 - 1",
        "cast(1 AS int)",
        "cast('1' AS smallint)",
        "-(-1)",
        "abs(-1)",
        "length('x')",
        "CASE WHEN 1 < 2 THEN 1 ELSE 2 END",
        "coalesce(null, 1)",
        "round(1.4, 3 - 3)::bigint",
    ] {
        for (query, found) in [
            (
                format!("SELECT cast(round(d, {places}) AS varchar) FROM money ORDER BY id"),
                ["1.6", "1.5"],
            ),
            (
                format!("SELECT concat(round(d, {places}), ' EUR') FROM money ORDER BY id"),
                ["1.6 EUR", "1.5 EUR"],
            ),
            (
                format!("SELECT round(d, {places}) FROM money GROUP BY round(d, {places}) ORDER BY 1 DESC"),
                ["1.6", "1.5"],
            ),
            (
                format!("SELECT arrow_typeof(round(d, {places})) FROM money"),
                ["Decimal128(10, 1)", "Decimal128(10, 1)"],
            ),
            (
                format!(
                    "SELECT round(cast('999999999999999999999999999999999999.99' AS decimal(38, 2)), {places}) FROM money"
                ),
                [
                    "1000000000000000000000000000000000000.0",
                    "1000000000000000000000000000000000000.0",
                ],
            ),
        ] {
            assert_eq!(answer(&context, &query).await.expect(&query), found, "{query}");
        }
        for (condition, id) in [
            (format!("cast(round(d, {places}) AS varchar) = '1.6'"), "1"),
            (format!("round(d, {places}) IN (SELECT 1.6)"), "1"),
            (format!("CASE round(d, {places}) WHEN 1.6 THEN true END"), "1"),
            (format!("round(d, {places}) < d"), "2"),
            (
                format!("EXISTS (SELECT 1 FROM money AS m WHERE m.d > round(money.d, {places}))"),
                "2",
            ),
        ] {
            let query = format!("SELECT id FROM money WHERE {condition}");
            assert_eq!(answer(&context, &query).await.expect(&query), [id], "{query}");
        }
    }
    // What the plan says of types in other places stays true.
    for (query, found) in [
        (
            "SELECT v.r + 1 FROM (VALUES (round(1.55, 2 - 1)), (2.25)) AS v(r)",
            vec!["2.60", "3.25"],
        ),
        (
            "WITH RECURSIVE r AS (SELECT round(1.55, 2 - 1) AS x UNION ALL SELECT x + 1 FROM r WHERE x < 3) SELECT x FROM r",
            vec!["1.60", "2.60", "3.60"],
        ),
        (
            "WITH x AS (SELECT id, round(d, 2 - 1) AS r FROM money) SELECT id FROM x \
             WHERE EXISTS (SELECT 1 FROM money AS b WHERE b.d > x.r) ORDER BY id",
            vec!["2"],
        ),
        ("SELECT round(d, 2 - 1) FROM money INTERSECT SELECT 1.60", vec!["1.6"]),
        (
            "SELECT round(d, 2 - 1) + 1 FROM money UNION ALL SELECT 9.25 WHERE false ORDER BY 1",
            vec!["2.50", "2.60"],
        ),
        ("SELECT round(d, cast(null AS int)) FROM money", vec!["", ""]),
        (
            "SELECT coalesce(round(d, nullif(1, 1)), d) FROM money ORDER BY id",
            vec!["1.55", "1.54"],
        ),
        (
            "SELECT round(d, places) > d FROM money, (SELECT 2 - 1 AS places) ORDER BY id",
            vec!["true", "false"],
        ),
    ] {
        assert_eq!(answer(&context, query).await.expect(query), found, "{query}");
    }
    let names = context.sql("SELECT round(d, 2 - 1) FROM money").await.unwrap();
    let rows = names.collect().await.unwrap();
    assert_eq!(
        rows.first().unwrap().schema().field(0).name(),
        "round(money.d,Int64(2) - Int64(1))"
    );
    for (places, why) in [
        ("9223372036854775807 + 1", "verflow"),
        ("1 / 0", "zero"),
        ("3000000000 + 1", "Int32"),
    ] {
        let failed = answer(&context, &format!("SELECT round(d, {places}) FROM money")).await;
        let failed = failed.expect_err(places);
        assert!(failed.contains(why), "{places}: {failed}");
    }
    let of_text = "SELECT round(d, CASE WHEN '1.54' = 1.5 THEN 1 ELSE 2 END) FROM money";
    let failed = answer(&context, of_text).await.unwrap_err();
    assert!(failed.contains("text is not taken for a"), "{failed}");
}

#[tokio::test]
async fn a_decimal_of_more_digits_than_there_can_be_is_an_error_and_not_a_tenth_of_it() {
    let context = context(exact).await;
    // 38 nines, the greatest of decimal(38,0).
    let nines = format!(
        "CREATE TABLE l AS SELECT cast('{}' AS decimal(38, 0)) AS x, 1 AS n",
        "9".repeat(38)
    );
    context.sql(&nines).await.unwrap().collect().await.unwrap();
    let failing = [
        "SELECT x + 1 FROM l",
        "SELECT 1 + x FROM l",
        "SELECT x - (-1) FROM l",
        "SELECT -1 - x FROM l",
        "SELECT x + cast(5e37 AS decimal(38, 0)) FROM l",
        "SELECT cast(5e37 AS decimal(38, 0)) + cast(5e37 AS decimal(38, 0))",
        "SELECT cast(2e19 AS decimal(20, 0)) * cast(5e18 AS decimal(20, 0))",
        "SELECT x * 1.5 FROM l",
        "SELECT cast(12 AS decimal(38, 0)) / cast(0.00000000000000000000000000000000001 AS decimal(38, 35))",
        "SELECT cast(1.5e34 AS decimal(38, 0)) / 1",
        "SELECT n FROM l WHERE x + 1 > x",
        "SELECT round(x, -1) FROM l",
        "SELECT cast(x AS decimal(38, 1)) FROM l",
    ];
    for sql in failing {
        let why = answer(&context, sql).await.expect_err(sql);
        let words = [
            "the result needs more digits than decimal(38,",
            "verflow",
            "too large to store",
        ];
        assert!(words.iter().any(|words| why.contains(words)), "{sql}: {why}");
    }
    let why = answer(&context, failing[0]).await.unwrap_err();
    assert!(
        why.contains("the result needs more digits than decimal(38,0) has"),
        "{why}"
    );
    for (sql, found) in [
        ("SELECT x - 1 FROM l", format!("{}8", "9".repeat(37))),
        ("SELECT -x + 1 - 1 FROM l", format!("-{}", "9".repeat(38))),
        ("SELECT x * 1 FROM l", "9".repeat(38)),
        ("SELECT x % 10 + 1 FROM l", "10".to_owned()),
        (
            "SELECT cast(9e33 AS decimal(38, 0)) / 1",
            format!("9{}.0000", "0".repeat(33)),
        ),
        ("SELECT sum(x) - x FROM l GROUP BY x", "0".to_owned()),
    ] {
        assert_eq!(answer(&context, sql).await.expect(sql), [found], "{sql}");
    }
}

#[tokio::test]
async fn a_sum_fits_where_the_whole_of_it_does_whatever_comes_first() {
    let context = context(exact).await;
    for sql in [
        "SELECT sum(n) FROM big",
        "SELECT sum(n) FROM (SELECT * FROM big ORDER BY n)",
        "SELECT sum(DISTINCT n) FROM big",
        "SELECT sum(n) FROM big GROUP BY k * 0",
        "SELECT sum(n) OVER () FROM big LIMIT 1",
        "SELECT sum(cast(n AS decimal(38, 0))) FROM big",
    ] {
        assert_eq!(
            answer(&context, sql).await.expect(sql),
            ["9223372036854775802"],
            "{sql}"
        );
    }
    let wide = "SELECT sum(cast(n AS decimal(38, 0))) FROM big WHERE k = 1";
    assert_eq!(answer(&context, wide).await.unwrap(), ["9223372036854775812"]);
}

#[tokio::test]
async fn what_does_not_overflow_is_as_the_engine_has_it() {
    let (ours, engines) = (context(exact).await, context(|_| {}).await);
    for sql in [
        "SELECT sum(n), sum(i), sum(d), sum(cast(k AS bigint unsigned)) FROM t",
        "SELECT sum(cast(i AS double)), sum(cast(k AS decimal(10, 2))) FROM t",
        "SELECT sum(n) FROM t WHERE false",
        "SELECT k, sum(n), sum(i * 2 - 1), sum(d), sum(d) FILTER (WHERE i > 500), count(*) FROM t GROUP BY k ORDER BY k",
        "SELECT i, sum(n), sum(d) FROM t GROUP BY i ORDER BY i",
        "SELECT k, sum(DISTINCT i % 13), sum(DISTINCT n), sum(DISTINCT d) FROM t GROUP BY k ORDER BY k",
        "SELECT sum(n) FILTER (WHERE k = 9), sum(i) FILTER (WHERE n IS NULL) FROM t",
        "SELECT i, sum(n) OVER (ORDER BY i ROWS BETWEEN 20 PRECEDING AND 3 FOLLOWING) FROM t ORDER BY i",
        "SELECT i, sum(DISTINCT k) OVER (ORDER BY i ROWS BETWEEN 3 PRECEDING AND CURRENT ROW) FROM t ORDER BY i",
        "SELECT i, sum(d) OVER (PARTITION BY k ORDER BY i) FROM t ORDER BY i",
        "SELECT n + 1, n - 2, n * 3, -n, i + i, i - 7, -i, i * 1.5, n + i FROM t ORDER BY i",
        "SELECT i + 1 AS next, sum(-n) FROM t GROUP BY i + 1 HAVING sum(-n) > 0 ORDER BY i + 1",
        "SELECT a.i FROM t AS a JOIN t AS b ON a.i + 1 = b.i WHERE a.k * 2 = b.k + 1 ORDER BY a.i",
        "SELECT i FROM t WHERE n = (SELECT max(o.n - 0) FROM t AS o WHERE o.k = t.k + 0) ORDER BY i",
        "SELECT CASE WHEN k = 0 THEN -1 ELSE i * 10 / k END FROM t ORDER BY i",
        "SELECT d + d, d - 1, d * 2, 100.0 * d, d / 7, -d, d + 0.5, d * d, d / d FROM t ORDER BY i",
        "SELECT sum(d + 1), sum(d) / count(*), k + 1.5 FROM t GROUP BY k ORDER BY k",
    ] {
        assert_eq!(answer(&ours, sql).await, answer(&engines, sql).await, "{sql}");
        let schema = |frame: datafusion::prelude::DataFrame| {
            let plan = frame.into_optimized_plan().unwrap();
            plan.schema().as_arrow().clone()
        };
        let (own, engines) = (ours.sql(sql).await.unwrap(), engines.sql(sql).await.unwrap());
        assert_eq!(schema(own), schema(engines), "columns of {sql}");
    }
}
