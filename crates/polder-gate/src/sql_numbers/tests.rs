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

#[tokio::test]
async fn no_comparison_holds_of_nan_but_that_it_is_another_number() {
    let context = context(|context| {
        exact(context);
        nan_is_unordered(context);
    });
    let context = context.await;
    // Of -1.5, 0, 2, NaN and null.
    for (condition, ids) in [
        ("x >= 0", vec!["2", "3"]),
        ("0 <= x", vec!["2", "3"]),
        ("x > -5", vec!["1", "2", "3"]),
        ("x < 5", vec!["1", "2", "3"]),
        ("x <= 0", vec!["1", "2"]),
        ("x = x", vec!["1", "2", "3"]),
        ("x <> 0", vec!["1", "3", "4"]),
        ("NOT (x < 0)", vec!["2", "3", "4"]),
        ("x BETWEEN 0 AND 9", vec!["2", "3"]),
        ("x NOT BETWEEN 0 AND 9", vec!["1"]),
        ("x >= cast(0 AS real)", vec!["2", "3"]),
        // Literals with a point are decimals, which hold no NaN.
        ("x >= 0.5", vec!["3"]),
        ("-1.5 = x", vec!["1"]),
        ("x <> 2.0", vec!["1", "2", "4"]),
        ("x BETWEEN -1.5 AND 1", vec!["1", "2"]),
        ("x NOT BETWEEN -1 AND 1.5", vec!["1", "3"]),
        ("cast('1e20' AS double) + x > 0.5", vec!["1", "2", "3"]),
        (
            "cast(CASE WHEN id = 3 THEN x + 0.04 END AS decimal(10, 1)) = 2.00",
            vec!["3"],
        ),
        ("isnan(x) OR x >= 0", vec!["2", "3", "4"]),
        ("x >= -0.0 AND cast('NaN' AS double) <> 1.0", vec!["2", "3"]),
    ] {
        let sql = format!("SELECT id FROM f WHERE {condition} ORDER BY id");
        assert_eq!(answer(&context, &sql).await.expect(condition), ids, "{condition}");
    }
    let joined = "SELECT count(*) FROM f AS a, f AS b WHERE a.x = b.x";
    let plan = context.sql(joined).await.unwrap().create_physical_plan().await.unwrap();
    let plan = datafusion::physical_plan::displayable(plan.as_ref())
        .indent(false)
        .to_string();
    assert!(plan.contains("HashJoin"), "{plan}");
}

#[tokio::test]
async fn a_double_is_compared_as_a_double_however_it_is_written() {
    for of_rule in [false, true] {
        let prepare = |context: &SessionContext| {
            exact(context);
            if of_rule {
                nan_is_unordered(context);
            }
        };
        let context = context(prepare).await;
        let x: ArrayRef = Arc::new(Float64Array::from(vec![0.1 + 0.2, 0.3, 1e300, f64::NAN]));
        let id: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3, 4]));
        let rows = RecordBatch::try_from_iter([("id", id), ("x", x)]).unwrap();
        context.register_batch("s", rows).unwrap();
        // Of the sum of 0.1 and 0.2, which is 0.30000000000000004, of 0.3, 1e300 and NaN. What says more of NaN than that it is
        // another number is left to the test above.
        for (condition, ids) in [
            ("x = 0.3", vec!["2"]),
            ("x <= 0.3", vec!["2"]),
            ("x IN (0.3)", vec!["2"]),
            ("x IN (0.3, 7.0)", vec!["2"]),
            ("x IN (0.5, 0.3, 1.5, 2.5, 3.5, 4)", vec!["2"]),
            ("x NOT IN (0.3, 7.0)", vec!["1", "3", "4"]),
            ("x IS NOT DISTINCT FROM 0.3", vec!["2"]),
            ("x IS DISTINCT FROM 0.3", vec!["1", "3", "4"]),
            ("CASE x WHEN 0.3 THEN true WHEN 7.0 THEN true ELSE false END", vec!["2"]),
            ("nullif(x, 0.3) IS NULL AND id < 3", vec!["2"]),
            ("nullif(x, 0.3) > 0 AND id < 4", vec!["1", "3"]),
            ("x BETWEEN 0.1 AND 0.3", vec!["2"]),
            ("x BETWEEN 0.1 AND 0.1 + 0.2", vec!["2"]),
            ("x <= 0.1 * 3", vec!["2"]),
            ("x <= 0.6 * 0.5", vec!["2"]),
            ("x <= cast(0.3 AS decimal(10, 2))", vec!["2"]),
            ("x <= (SELECT 0.3)", vec!["2"]),
            ("x - 0 IN (0.3, 1.0 / 4)", vec!["2"]),
            ("0.3 IN (x, 7.0)", vec!["2"]),
            ("x IN (SELECT 0.3)", vec!["2"]),
            ("x NOT IN (SELECT 0.3 UNION ALL SELECT 7.0)", vec!["1", "3", "4"]),
            ("x IN (SELECT y FROM (SELECT 0.3 AS y) AS l)", vec!["2"]),
            (
                "x IN (SELECT y FROM (SELECT 0.3 AS y, 2 AS own) AS l WHERE own = s.id)",
                vec!["2"],
            ),
            ("EXISTS (SELECT 1 FROM (SELECT 0.3 AS y) AS l WHERE y = s.x)", vec!["2"]),
            ("0.3 IN (SELECT x FROM s WHERE id < 2) OR id = 3", vec!["3"]),
            ("0.3 IN (SELECT x FROM s WHERE id <> 1) AND id = 3", vec!["3"]),
            ("greatest(x, 0.3) > 0.3 AND id < 4", vec!["1", "3"]),
            ("least(x, 0.3) = 0.3 AND id < 4", vec!["1", "2", "3"]),
            ("coalesce(x, 0.0) = 0.3", vec!["2"]),
            ("coalesce(nullif(x, 0.3), 0.3) = 0.3", vec!["2"]),
            ("coalesce(x, 0.0) IS NULL", vec![]),
            ("CASE WHEN id > 0 THEN x ELSE 0.5 END = 0.3", vec!["2"]),
            ("CASE x WHEN 0.3 THEN x ELSE 0.5 END = 0.3", vec!["2"]),
            ("CASE WHEN id > 2 THEN 0.5 WHEN id = 2 THEN x END = 0.3", vec!["2"]),
            ("cast(coalesce(x, 0.0) AS double) = 0.3", vec!["2"]),
            ("x - x IN (0.0, 7.5)", vec!["1", "2", "3"]),
            ("x * -0 IN (0.0, 7.5) AND id < 3", vec!["1", "2"]),
            // A column of decimals.
            ("x <= cast(id * 0.15 AS decimal(10, 2)) AND id = 2", vec!["2"]),
            (
                "x = cast(id * 0.3 AS decimal(10, 2)) OR x = cast(id * 0.15 AS decimal(10, 2))",
                vec!["2"],
            ),
        ] {
            let sql = format!("SELECT id FROM s WHERE {condition} ORDER BY id");
            assert_eq!(answer(&context, &sql).await.expect(condition), ids, "{condition}");
        }
        for (joined, ids) in [
            ("s JOIN (SELECT 0.3 AS x) AS o USING (x)", vec!["2"]),
            ("(SELECT 0.3 AS x) AS o JOIN s USING (x)", vec!["2"]),
            ("s NATURAL JOIN (SELECT 0.3 AS x) AS o", vec!["2"]),
            ("s JOIN (SELECT 0.3 AS y) AS o ON s.x = o.y", vec!["2"]),
            (
                "s LEFT JOIN (SELECT 0.3 AS x, 1 AS found) AS o USING (x) WHERE found IS NULL",
                vec!["1", "3", "4"],
            ),
        ] {
            let sql = format!("SELECT s.id FROM {joined} ORDER BY s.id");
            assert_eq!(answer(&context, &sql).await.expect(joined), ids, "{joined}");
        }
        for (both, rows) in [("INTERSECT SELECT 0.3", 1), ("EXCEPT SELECT 0.3", 3)] {
            let sql = format!("SELECT count(*) FROM (SELECT x FROM s {both}) AS o");
            assert_eq!(answer(&context, &sql).await.expect(both), [rows.to_string()], "{both}");
        }
        let rounded = "SELECT count(*) FROM s WHERE cast(CASE WHEN id < 3 THEN x END AS decimal(10, 1)) = 0.3";
        assert_eq!(answer(&context, rounded).await.unwrap(), ["2"]);
        // Money stays exact.
        let money = "SELECT 0.1 + 0.2 <= 0.3, 0.1 + 0.2 IN (0.3, 7.0), nullif(0.1 + 0.2, 0.3)";
        assert_eq!(answer(&context, money).await.unwrap(), ["true|true|"]);
        let kept = "SELECT coalesce(nullif(x, 0.3), 7.25) FROM s WHERE id = 2";
        assert_eq!(answer(&context, kept).await.unwrap(), ["7.250000000000000"]);
    }
}

/// A file of NaN and 0.5 tells that its least and greatest value are 0.5.
#[tokio::test]
async fn what_a_file_tells_of_its_floats_decides_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.parquet").display().to_string();
    // The engine's order, in which NaN is greater than all, and that of IEEE 754.
    for (prepare, greater) in [(exact as fn(&SessionContext), "4"), (rules, "")] {
        let context = context(prepare).await;
        let written = format!(
            "COPY (SELECT id, CASE id WHEN 4 THEN x ELSE cast(0.5 AS double) END AS x FROM f WHERE id IN (3, 4)) TO '{path}'"
        );
        context.sql(&written).await.unwrap().collect().await.unwrap();
        // Polder's tables of files give no statistics of floats to planning (a column of one value would be that value).
        let planned = "SET datafusion.execution.collect_statistics = false";
        context.sql(planned).await.unwrap().collect().await.unwrap();
        context
            .register_parquet("told", &path, Default::default())
            .await
            .unwrap();
        for (condition, found) in [
            ("x > 0.5", greater),
            ("x > 7", greater),
            ("7 < x", greater),
            ("x NOT BETWEEN 0 AND 1", greater),
            ("NOT x <= 0.5", "4"),
            ("x <> 0.5", "4"),
            ("x IS DISTINCT FROM 0.5", "4"),
            ("x NOT IN (0.5)", "4"),
            ("x NOT IN (0.25, 0.5, 1, 2, 3)", "4"),
            ("0.5 NOT IN (x)", "4"),
            ("x = 0.5", "3"),
            ("x >= 0.5 AND x < 1", "3"),
            ("CAST(x AS text) > '5'", "4"),
            ("NOT array_has(make_array(0.5::double, 1.0::double), x)", "4"),
            ("NOT (x = ANY(ARRAY[0.5::double]))", "4"),
            ("try_cast(x AS bigint) IS NULL", "4"),
        ] {
            let found: Vec<_> = found.split_terminator(',').collect();
            let sql = format!("SELECT id FROM told WHERE {condition}");
            assert_eq!(answer(&context, &sql).await.expect(condition), found, "{condition}");
        }
        // A file may leave out how many nulls it holds.
        for condition in [
            "id IS NULL",
            "NOT (id IS NOT NULL)",
            "NOT (id IS NOT NULL) OR x IS NULL",
        ] {
            let plan = format!("EXPLAIN SELECT id FROM told WHERE {condition}");
            let plan = answer(&context, &plan).await.unwrap().concat();
            assert!(
                plan.contains("DataSourceExec") && !plan.contains("null_count"),
                "{plan}"
            );
        }
        // NaN is no whole number, whoever asks.
        let failing = "SELECT id FROM told WHERE cast(x AS bigint) > 10";
        let failed = answer(&context, failing).await.unwrap_err();
        assert!(failed.contains("NaN"), "{failed}");
    }
}

#[tokio::test]
async fn comparisons_of_floats_order_rows_and_find_keys() {
    for prepare in [exact as fn(&SessionContext), rules] {
        let context = context(prepare).await;
        let folder = tempfile::tempdir().unwrap();
        for (file, rows) in [("a", "id < 3"), ("b", "id >= 3")] {
            let path = folder.path().join(file).with_extension("parquet").display().to_string();
            let written = format!("COPY (SELECT id, x, id * 2 AS n FROM f WHERE {rows}) TO '{path}'");
            context.sql(&written).await.unwrap().collect().await.unwrap();
        }
        let path = folder.path().display().to_string();
        context.register_parquet("s", &path, Default::default()).await.unwrap();
        for (query, answers) in [
            (
                "SELECT id FROM s WHERE x IS NOT NULL AND NOT isnan(x) ORDER BY x > 1, id",
                vec!["1", "2", "3"],
            ),
            (
                "SELECT id FROM s WHERE id < 4 ORDER BY (x >= 2)::int DESC, id LIMIT 2",
                vec!["3", "1"],
            ),
            ("SELECT id FROM s ORDER BY n + 1 > 6, id LIMIT 3", vec!["1", "2", "3"]),
            (
                "SELECT id FROM s WHERE id < 4 ORDER BY CASE WHEN x < 0 THEN 1 ELSE 0 END, id",
                vec!["2", "3", "1"],
            ),
            (
                "SELECT array_agg(id ORDER BY x > 1, id) FROM s WHERE id < 4",
                vec!["[1, 2, 3]"],
            ),
            (
                "SELECT id FROM (SELECT id, rank() OVER (ORDER BY x >= 2) AS r FROM s WHERE id < 4) WHERE r > 1",
                vec!["3"],
            ),
            (
                "SELECT count(*) FROM s a JOIN s b ON a.x IS NOT DISTINCT FROM b.x",
                vec!["5"],
            ),
            (
                "SELECT count(*) FROM s a LEFT JOIN f b ON a.x IS NOT DISTINCT FROM b.x",
                vec!["5"],
            ),
            (
                "SELECT count(*) FROM s a WHERE EXISTS (SELECT 1 FROM f b WHERE b.x IS NOT DISTINCT FROM a.x)",
                vec!["5"],
            ),
            (
                "SELECT count(*) FROM s a WHERE NOT EXISTS (SELECT 1 FROM f b WHERE b.x = a.x AND b.id < 3)",
                vec!["3"],
            ),
        ] {
            assert_eq!(answer(&context, query).await.expect(query), answers, "{query}");
        }
    }
}

/// A choice among doubles and decimals has the digits that it chose, wherever it is not compared.
#[tokio::test]
async fn amounts_keep_their_digits_beside_doubles() {
    for prepare in [exact as fn(&SessionContext), rules] {
        let context = context(prepare).await;
        let amounts = "CREATE TABLE m AS SELECT id, x, cast(CASE id WHEN 1 THEN 123456789.12 WHEN 2 THEN 999999999999998.37 END \
             AS decimal(17, 2)) AS p FROM f WHERE id < 4";
        context.sql(amounts).await.unwrap().collect().await.unwrap();
        for (value, found) in [
            ("coalesce(p, x)", "999999999999998.370000000000000"),
            (
                "CASE WHEN p IS NULL THEN x ELSE p END",
                "999999999999998.370000000000000",
            ),
            ("greatest(p, x)", "999999999999998.370000000000000"),
            ("least(p, x + 999999999999999)", "999999999999998.370000000000000"),
            ("nullif(p, x)", "999999999999998.370000000000000"),
            ("coalesce(p, x) - p", "0.000000000000000"),
        ] {
            let sql = format!("SELECT cast({value} AS decimal(30, 15)) FROM m WHERE id = 2");
            assert_eq!(answer(&context, &sql).await.expect(value), [found], "{value}");
        }
        let compared = "SELECT id FROM m WHERE coalesce(x, p, 0.0) >= 0 ORDER BY id";
        assert_eq!(answer(&context, compared).await.unwrap(), ["2", "3"]);
    }
}

fn rules(context: &SessionContext) {
    exact(context);
    nan_is_unordered(context);
}

/// Postgres refuses all of it, too, but for the literals.
#[tokio::test]
async fn text_becomes_no_decimal_or_day_that_nobody_asked_for() {
    for prepare in [exact as fn(&SessionContext), rules] {
        let context = context(prepare).await;
        let texts = "CREATE TABLE s AS SELECT t, day, cast(a AS decimal(3, 1)) AS a, cast(d AS date) AS d, [a] AS \"L\" FROM (VALUES \
             ('10.54', '2026-01-01T10:00:00', 10.5, '2026-01-01'), ('9', '2026-01-02', 1.0, '2026-01-03')) AS v(t, day, a, d)";
        context.sql(texts).await.unwrap().collect().await.unwrap();
        for query in [
            "SELECT '1.54' = 1.5",
            "SELECT 1 FROM s WHERE t > 10.5",
            "SELECT 1 FROM s WHERE a = '10.54'",
            "SELECT 1 FROM s WHERE t BETWEEN 9 AND 10.5",
            "SELECT 1 FROM s WHERE a BETWEEN '10.46' AND 11",
            "SELECT 1 FROM s WHERE t IN ('9', 10.5)",
            "SELECT 1 FROM s WHERE t NOT IN (SELECT a FROM s)",
            "SELECT 1 FROM s WHERE a IN (SELECT t FROM s)",
            "SELECT 1 FROM s o WHERE EXISTS (SELECT 1 FROM s i WHERE i.a = o.t)",
            "SELECT coalesce(t, 1.5) FROM s",
            "SELECT nullif(t, 1.5) FROM s",
            "SELECT greatest(t, 1.5) FROM s",
            "SELECT CASE t WHEN 1.5 THEN 1 END FROM s",
            "SELECT CASE WHEN upper(t) = 1.5 THEN 1 END FROM s",
            "SELECT [1.5, t] FROM s",
            "SELECT 1 FROM s WHERE \"L\" = [t]",
            "SELECT * FROM s l JOIN s r ON l.t = r.a",
            "SELECT * FROM s JOIN (SELECT 10.5 AS t) AS o USING (t)",
            "SELECT t FROM s INTERSECT SELECT 10.5",
            "SELECT * FROM (VALUES (1.5), ('1.54')) AS v(x)",
            "SELECT count(*) FILTER (WHERE t > 10.5) FROM s",
            "SELECT a FROM s GROUP BY a HAVING min(t) > 10.5",
            "SELECT 1 FROM s ORDER BY t = 10.5",
            "WITH c AS (SELECT t AS x FROM s) SELECT 1 FROM c WHERE x = 10.5",
            // A cast that is written elsewhere changes nothing.
            "SELECT cast(t AS decimal(3, 1)) FROM s WHERE t = 10.5",
            "SELECT 1 FROM s WHERE day > DATE '2026-01-01'",
            "SELECT 1 FROM s WHERE d = day",
            "SELECT DATE '2026-01-01' = '2026-01-01T10:00:00'",
        ] {
            let error = answer(&context, query).await.expect_err(query);
            assert!(error.contains("text is not taken for a"), "{query}: {error}");
        }
        for (query, answers) in [
            ("SELECT a FROM s WHERE a = '10.5'", vec!["10.5"]),
            ("SELECT a FROM s WHERE a IN ('10.50', '-7')", vec!["10.5"]),
            ("SELECT t FROM s WHERE t = '10.54'", vec!["10.54"]),
            ("SELECT t FROM s WHERE cast(t AS decimal(10, 2)) > 10.5", vec!["10.54"]),
            (
                "SELECT t FROM s WHERE cast(t AS decimal(3, 1)) = 10.5 OR t::decimal(2, 0) = 1.5",
                vec!["10.54"],
            ),
            (
                "SELECT t FROM s WHERE try_cast(t AS decimal(3, 1)) IN (10.5)",
                vec!["10.54"],
            ),
            (
                "SELECT cast(x AS decimal(2, 1)) FROM (VALUES ('1.54')) AS v(x)",
                vec!["1.5"],
            ),
            (
                "SELECT x FROM (VALUES (cast('1.54' AS decimal(2, 1)))) AS v(x)",
                vec!["1.5"],
            ),
            ("SELECT t FROM s WHERE t > cast(10.5 AS double)", vec!["10.54"]),
            ("SELECT t || 1.5 FROM s WHERE t = '9'", vec!["91.5"]),
            // All numbers are texts.
            (
                "SELECT a FROM s UNION ALL SELECT t FROM s ORDER BY 1",
                vec!["1.0", "10.5", "10.54", "9"],
            ),
            ("SELECT d FROM s WHERE d >= '2026-01-02'", vec!["2026-01-03"]),
            (
                "SELECT d FROM s WHERE d BETWEEN '2026-01-01' AND '2026-01-02T00:00:00'",
                vec!["2026-01-01"],
            ),
            ("SELECT d FROM s WHERE cast(day AS date) = d", vec!["2026-01-01"]),
            (
                "SELECT t FROM s WHERE day > TIMESTAMP '2026-01-01T09:00:00' AND t <> '9'",
                vec!["10.54"],
            ),
            (
                "SELECT t FROM s WHERE TIMESTAMP '2026-01-01T09:00:00' < '2026-01-01T09:00:00.000000001' AND t = '9'",
                vec!["9"],
            ),
        ] {
            assert_eq!(answer(&context, query).await.expect(query), answers, "{query}");
        }
        for (query, refused) in [("t = 10", "'10.54'"), ("a <> 'many'", "'many'")] {
            let failed = answer(&context, &format!("SELECT 1 FROM s WHERE {query}")).await;
            assert!(
                failed
                    .expect_err(query)
                    .contains(&format!("Cannot cast string {refused}"))
            );
        }
    }
}

async fn texts(prepare: impl Fn(&SessionContext)) -> SessionContext {
    let context = context(prepare).await;
    let table = "CREATE TABLE s AS SELECT t, day, cast(a AS decimal(3, 1)) AS a, cast(d AS date) AS d FROM (VALUES \
         ('10.54', '2026-01-01T10:00:00', 10.5, '2026-01-01'), ('9', '2026-01-02', 1.0, '2026-01-03')) AS v(t, day, a, d)";
    context.sql(table).await.unwrap().collect().await.unwrap();
    context
}

#[tokio::test]
async fn text_stays_where_literals_say_exactly_that_from_afar() {
    for prepare in [exact as fn(&SessionContext), rules] {
        let context = texts(prepare).await;
        for (query, answers) in [
            (
                "WITH p AS (SELECT '2026-01-02' AS since) SELECT d FROM s CROSS JOIN p WHERE s.d >= p.since",
                vec!["2026-01-03"],
            ),
            (
                "WITH h(day) AS (VALUES ('2026-01-01'), ('2026-12-25')) SELECT s.d FROM s JOIN h ON s.d = h.day",
                vec!["2026-01-01"],
            ),
            (
                "SELECT r.v FROM s JOIN (VALUES ('10.50', 1), ('7', 2)) AS r(k, v) ON s.a = r.k",
                vec!["1"],
            ),
            (
                "SELECT d FROM s WHERE d >= CASE WHEN a > 5 THEN '2026-01-01' ELSE '2026-01-04' END",
                vec!["2026-01-01"],
            ),
            ("SELECT d FROM s WHERE d >= '2026-01-' || '02'", vec!["2026-01-03"]),
            (
                "SELECT d FROM s WHERE d >= concat(2026, '-01-', lower('02'))",
                vec!["2026-01-03"],
            ),
            (
                "SELECT d FROM s WHERE d > coalesce(null, '2026-01-01')",
                vec!["2026-01-03"],
            ),
            (
                "SELECT d FROM s LEFT JOIN (SELECT '2026' AS y) AS c ON true WHERE d > c.y || '-01-01'",
                vec!["2026-01-03"],
            ),
            (
                "WITH x AS (SELECT '2026-01-01' AS v UNION SELECT '2026-01-02'), \
                 y AS (SELECT max(v) AS v FROM (SELECT DISTINCT v FROM x LIMIT 9) AS z) SELECT d FROM s, y WHERE d > y.v",
                vec!["2026-01-03"],
            ),
            (
                "SELECT d FROM s WHERE d IN (SELECT v FROM (VALUES ('2026-01-03'), (null)) AS w(v) GROUP BY v)",
                vec!["2026-01-03"],
            ),
            (
                "SELECT d FROM s UNION ALL SELECT v FROM (SELECT '2026-02-01' AS v) AS w ORDER BY 1 DESC LIMIT 1",
                vec!["2026-02-01"],
            ),
            ("SELECT DATE '9999-12-31' <= '9999-12-31 00:00:00'", vec!["true"]),
            (
                "SELECT d FROM s CROSS JOIN (VALUES ('2026-01-02'), ('')) AS v(since) WHERE d >= nullif(since, '')",
                vec!["2026-01-03"],
            ),
        ] {
            assert_eq!(answer(&context, query).await.expect(query), answers, "{query}");
        }
        for query in [
            "WITH p AS (SELECT '2026-01-02 10:00:00' AS since) SELECT d FROM s CROSS JOIN p WHERE s.d >= p.since",
            "WITH p AS (SELECT day AS since FROM s) SELECT s.d FROM s CROSS JOIN p WHERE s.d >= p.since",
            "SELECT 1 FROM s JOIN (VALUES ('10.50', 1), ('7.25', 2)) AS r(k, v) ON s.a = r.k",
            "SELECT 1 FROM s WHERE d >= CASE WHEN a > 5 THEN '2026-01-01' ELSE day END",
            "SELECT 1 FROM s WHERE d >= CASE WHEN a > 5 THEN '2026-01-01' ELSE '2026-01-04T01:00:00' END",
            "SELECT 1 FROM s WHERE d >= '2026-01-02' || ' 10:00:00'",
            "SELECT 1 FROM s WHERE d >= concat('2026-01-02', null, 'T10:00:00')",
            "SELECT 1 FROM s WHERE d >= '2026-01-0' || t",
            "SELECT 1 FROM s WHERE d > coalesce(day, '2026-01-01')",
            "SELECT 1 FROM s WHERE d > upper('2026-01-01t10:00:00')",
            "SELECT 1 FROM s, (SELECT '2026-01-01' AS v UNION SELECT day FROM s) AS x WHERE d > x.v",
            "SELECT 1 FROM s, (SELECT '2026-01-01' AS v) AS x, (SELECT day AS v FROM s) AS y WHERE s.d > y.v",
            "SELECT 1 FROM s WHERE d > (SELECT max(v) FROM (VALUES ('2026-01-01'), ('2026-01-01T10:00:00')) AS w(v))",
            "SELECT d FROM s UNION ALL SELECT v FROM (SELECT '2026-02-01 01:00:00' AS v) AS w",
            "SELECT DATE '9999-12-31' < '9999-12-31 23:59:59'",
            "SELECT DATE '9999-12-31' < '9999-12-31 00:00:00.000000001'",
            // No decimal(3,1), and no day, is any of these: such a query would fail each time that it runs.
            "WITH l(k, x) AS (VALUES (1, '5.0'), (2, '100.5')) SELECT 1 FROM s JOIN l ON s.a < l.x",
            "WITH p AS (SELECT '31.12.2026' AS x) SELECT 1 FROM s, p WHERE d < p.x",
            "SELECT 1 FROM s WHERE a < CASE WHEN a > 5 THEN '9' ELSE 'n/a' END",
            "SELECT 1 FROM s WHERE d < CASE WHEN a > 5 THEN '2026-01-01' ELSE '2026-02-30' END",
            "SELECT 1 FROM s WHERE d < concat('31.12.', '2026')",
            "SELECT 1 FROM s WHERE a < (SELECT max(x) FROM (VALUES ('1'), ('100')) AS v(x))",
            "SELECT a FROM s UNION ALL SELECT 1.5 INTERSECT SELECT v FROM (SELECT 'n/a' AS v) AS w",
        ] {
            let error = answer(&context, query).await.expect_err(query);
            assert!(error.contains("text is not taken for a"), "{query}: {error}");
        }
    }
}

#[tokio::test]
async fn what_to_write_instead_is_what_the_query_can_say() {
    let context = texts(exact).await;
    for (query, hint) in [
        ("SELECT 1 FROM s WHERE d > day", "write CAST(day AS TIMESTAMP)"),
        (
            "SELECT 1 FROM s WHERE d > (SELECT max(s.day) FROM s)",
            "write CAST(max(day) AS TIMESTAMP)",
        ),
        (
            "SELECT a FROM s GROUP BY a HAVING min(t) > 10.5",
            "write CAST(min(t) AS DECIMAL(38,10))",
        ),
        (
            "SELECT 1 FROM s, (SELECT max(day) FROM s) AS m(last) WHERE d > last",
            "write CAST(last AS TIMESTAMP)",
        ),
        (
            "SELECT 1 FROM s, (SELECT max(day) FROM s) AS m WHERE d > m.\"max(s.day)\"",
            "write CAST(\"max(s.day)\" AS TIMESTAMP)",
        ),
        (
            "SELECT 1 FROM s WHERE d > (SELECT upper(day) FROM s)",
            ": CAST it where",
        ),
        (
            "WITH l(x) AS (VALUES ('5.0'), ('100.5')) SELECT 1 FROM s, l WHERE a < l.x",
            "write CAST(x AS DECIMAL(38,10))",
        ),
        (
            "WITH p AS (SELECT '31.12.2026' AS x) SELECT 1 FROM s, p WHERE d < p.x",
            "CAST(x AS DATE) where that is meant",
        ),
    ] {
        let error = answer(&context, query).await.expect_err(query);
        assert!(error.contains(hint), "{query}: {error}");
    }
}
