//! Text beside numbers and days.

use super::*;

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
