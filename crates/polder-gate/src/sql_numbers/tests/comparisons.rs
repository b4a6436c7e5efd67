//! Comparisons of numbers that are not whole.

use super::*;

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
