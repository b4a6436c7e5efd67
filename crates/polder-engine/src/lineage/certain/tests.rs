use super::*;
use crate::sql::testing::plan;

async fn of(sql: &str) -> Certain {
    certain(&plan(sql).await).last().unwrap()
}

#[tokio::test]
async fn conditions_that_hold_for_no_null_leave_values_alone() {
    for (condition, expected) in [
        ("v IS NOT NULL", true),
        ("NOT v IS NULL", true),
        ("v > 0", true),
        ("0 < v", true),
        ("v <> 0 AND k = 'a'", true),
        ("v BETWEEN 1 AND 2", true),
        ("v IN (1, 2)", true),
        ("v NOT IN (1, 2)", true),
        ("v > 0 OR k = 'a'", false),
        ("v IS NULL", false),
        ("v IS DISTINCT FROM 1", false),
        ("k > 'a'", false),
        ("NOT (v > 0 OR k = 'a')", false),
    ] {
        for select in [
            "SELECT v + 1 AS x FROM a.silver.t",
            "SELECT upper(CAST(v AS varchar)) AS x FROM a.silver.t",
            "SELECT v FROM a.silver.t",
            "SELECT k, v AS x FROM a.silver.t",
            "SELECT CAST(v AS bigint) FROM a.silver.t",
        ] {
            let found = of(&format!("{select} WHERE {condition}")).await;
            assert_eq!(found.have_value, expected, "{select} WHERE {condition}");
        }
        let within = format!("SELECT q.v FROM (SELECT * FROM a.silver.t WHERE {condition}) AS q ORDER BY q.k LIMIT 5");
        assert_eq!(of(&within).await.have_value, expected, "{within}");
        let grouped = format!("SELECT v FROM a.silver.t WHERE {condition} GROUP BY v");
        assert_eq!(of(&grouped).await.have_value, expected, "{grouped}");
        // There is no group of no rows, but there may be no rows at all.
        for value in ["sum(v)", "avg(v)", "max(v + 1)", "first_value(v)"] {
            let sums = format!("SELECT {value} AS s FROM a.silver.t WHERE {condition} GROUP BY k");
            assert_eq!(of(&sums).await.have_value, expected, "{sums}");
            let all = format!("SELECT {value} AS s FROM a.silver.t WHERE {condition}");
            assert!(!of(&all).await.have_value, "{all}");
        }
        let joined = format!(
            "SELECT q.v FROM a.silver.u LEFT JOIN (SELECT * FROM a.silver.t WHERE {condition}) AS q ON q.k = u.k"
        );
        assert!(!of(&joined).await.have_value, "{joined}");
    }
    for (value, expected) in [
        ("1", true),
        ("CAST(NULL AS bigint)", false),
        ("TRY_CAST(k AS bigint)", false),
        ("count(*)", true),
    ] {
        let found = of(&format!("SELECT {value} AS x FROM a.silver.t WHERE k > 'a'")).await;
        assert_eq!(found.have_value, expected, "{value}");
    }
}

#[tokio::test]
async fn constants_and_bounds_are_what_the_query_says_they_are() {
    let most = |value: &str, exclusive| RowCheck::Maximum {
        value: value.to_owned(),
        exclusive,
    };
    let least = |value: &str, exclusive| RowCheck::Minimum {
        value: value.to_owned(),
        exclusive,
    };
    let listed = |values: &[&str]| RowCheck::OneOf(values.iter().map(ToString::to_string).collect());
    for (rest, expected) in [
        ("99 AS x FROM a.silver.t", vec![listed(&["99"])]),
        ("CAST(-99 AS bigint) AS x FROM a.silver.t", vec![listed(&["-99"])]),
        ("1 + 2 * 3 AS x FROM a.silver.t", vec![listed(&["7"])]),
        ("'a' || 'b' AS x FROM a.silver.t", vec![listed(&["ab"])]),
        ("CAST('a' AS varchar) AS x FROM a.silver.t", vec![listed(&["a"])]),
        (
            "CAST('1.25' AS decimal(10, 2)) AS x FROM a.silver.t",
            vec![listed(&["1.25"])],
        ),
        ("DATE '2024-01-31' AS x FROM a.silver.t", vec![listed(&["2024-01-31"])]),
        (
            "1 AS x UNION ALL SELECT 2 UNION ALL SELECT 3",
            vec![listed(&["1", "2", "3"])],
        ),
        ("column1 FROM (VALUES (1), (2))", vec![listed(&["1", "2"])]),
        ("count(*) AS x FROM a.silver.t GROUP BY k", vec![least("1", false)]),
        ("count(v) AS x FROM a.silver.t GROUP BY k", vec![least("0", false)]),
        (
            "count(*) FILTER (WHERE v > 1) AS x FROM a.silver.t GROUP BY k",
            vec![least("0", false)],
        ),
        // Not a number is above all numbers to the engine.
        ("greatest(CAST(v AS double), 10) AS x FROM a.silver.t", vec![]),
        (
            "x FROM (SELECT CAST(v AS double) AS x FROM a.silver.t) WHERE x >= 0 AND x <= 9",
            vec![most("9", false)],
        ),
        ("CAST(NULL AS bigint) AS x FROM a.silver.t", vec![listed(&[])]),
        ("'EUR' AS x FROM a.silver.t", vec![listed(&["EUR"])]),
        (
            "CASE WHEN v > 1 THEN 'a' ELSE 'b' END AS x FROM a.silver.t",
            vec![listed(&["a", "b"])],
        ),
        ("CASE WHEN v > 1 THEN k ELSE 'b' END AS x FROM a.silver.t", vec![]),
        ("least(v, 10) AS x FROM a.silver.t", vec![most("10", false)]),
        ("greatest(v, 10) AS x FROM a.silver.t", vec![least("10", false)]),
        ("count(*) AS x FROM a.silver.t", vec![least("0", false)]),
        (
            "row_number() OVER (ORDER BY k) AS x FROM a.silver.t",
            vec![least("1", false)],
        ),
        ("v FROM a.silver.t WHERE v <= 10", vec![most("10", false)]),
        ("v FROM a.silver.t WHERE 10 > v", vec![most("10", true)]),
        (
            "v FROM a.silver.t WHERE v BETWEEN 1 AND 9",
            vec![least("1", false), most("9", false)],
        ),
        ("v FROM a.silver.t WHERE v NOT BETWEEN 1 AND 9", vec![]),
        ("k FROM a.silver.t WHERE k IN ('a', 'b')", vec![listed(&["a", "b"])]),
        ("k FROM a.silver.t WHERE k NOT IN ('a', 'b')", vec![]),
        ("k FROM a.silver.t WHERE k = 'a'", vec![listed(&["a"])]),
        ("k FROM a.silver.t WHERE k = 1", vec![]),
        ("v FROM a.silver.t WHERE v IN ('1', '2')", vec![]),
        ("v FROM a.silver.t WHERE v <= 10 OR k = 'a'", vec![]),
        ("v + 1 AS x FROM a.silver.t WHERE v <= 10", vec![]),
        (
            "CAST(v AS int) AS x FROM a.silver.t WHERE v <= 10",
            vec![most("10", false)],
        ),
        // 9.9 is rounded to 10.
        (
            "CAST(x AS bigint) AS x FROM (SELECT CAST(v AS decimal(10, 2)) AS x FROM a.silver.t) WHERE x < 10",
            vec![most("10", false)],
        ),
        ("CAST(v AS varchar) AS x FROM a.silver.t WHERE v <= 10", vec![]),
        // As texts '9' is above '10'.
        ("CAST(least(k, '10') AS bigint) AS x FROM a.silver.t", vec![]),
        (
            "CAST(least(v, 10) AS bigint) AS x FROM a.silver.t",
            vec![most("10", false)],
        ),
        (
            "max(greatest(v, 1)) AS x FROM a.silver.t GROUP BY k",
            vec![least("1", false)],
        ),
        (
            "coalesce(greatest(v, 1), 5) AS x FROM a.silver.t",
            vec![least("1", false)],
        ),
        (
            "coalesce(nullif(greatest(v, 1), 5), 0) AS x FROM a.silver.t",
            vec![least("0", false)],
        ),
        ("coalesce(nullif(greatest(v, 1), 5), v) AS x FROM a.silver.t", vec![]),
        (
            "least(greatest(v, 1), 10) AS x FROM a.silver.t",
            vec![least("1", false), most("10", false)],
        ),
        ("sum(greatest(v, 1)) AS x FROM a.silver.t GROUP BY k", vec![]),
        (
            "lag(least(v, 3), 1, 7) OVER (ORDER BY k) AS x FROM a.silver.t",
            vec![most("7", false)],
        ),
        (
            "CASE WHEN k = 'a' THEN least(v, 3) WHEN k = 'b' THEN NULL ELSE -1 END AS x FROM a.silver.t",
            vec![most("3", false)],
        ),
        (
            "v FROM a.silver.t WHERE v < 10 UNION ALL SELECT w FROM a.silver.u WHERE w <= 10",
            vec![most("10", false)],
        ),
        (
            "count(k) AS x FROM a.silver.t WHERE k > 'a' GROUP BY v",
            vec![least("1", false)],
        ),
    ] {
        assert_eq!(of(&format!("SELECT {rest}")).await.checks, expected, "{rest}");
    }
}

#[tokio::test]
async fn constants_beside_other_values_are_known_and_null_that_the_query_brings() {
    let these = |values: &[&str]| Constants::These(values.iter().map(ToString::to_string).collect());
    for (rest, constants, brings_null) in [
        ("v FROM a.silver.t", these(&[]), false),
        ("coalesce(v, 99) AS x FROM a.silver.t", these(&["99"]), false),
        (
            "CASE WHEN v > 1 THEN v ELSE 7 END AS x FROM a.silver.t",
            these(&["7"]),
            false,
        ),
        ("CASE WHEN v > 1 THEN v END AS x FROM a.silver.t", these(&[]), true),
        (
            "CASE WHEN v > 1 THEN now() END AS x FROM a.silver.t",
            Constants::Unknown,
            true,
        ),
        (
            "max(CASE WHEN v > 1 THEN 9 ELSE 0 END) AS x FROM a.silver.t GROUP BY k",
            these(&["0", "9"]),
            false,
        ),
        (
            "lag(v, 1, 5) OVER (ORDER BY k) AS x FROM a.silver.t",
            these(&["5"]),
            true,
        ),
        (
            "CAST(coalesce(v, 7) AS double) AS x FROM a.silver.t",
            these(&["7"]),
            false,
        ),
        ("v FROM a.silver.t UNION ALL SELECT 5", these(&["5"]), false),
        ("v FROM a.silver.t UNION ALL SELECT NULL", these(&[]), true),
        ("upper(k) AS x FROM a.silver.t", Constants::Unknown, false),
        ("sum(v) AS x FROM a.silver.t GROUP BY k", these(&[]), false),
        ("sum(v) AS x FROM a.silver.t", these(&[]), true),
        ("nullif(v, 1) AS x FROM a.silver.t", these(&[]), true),
        ("TRY_CAST(k AS bigint) AS x FROM a.silver.t", Constants::Unknown, true),
        (
            "t.v FROM a.silver.u LEFT JOIN a.silver.t ON t.k = u.k",
            these(&[]),
            true,
        ),
        ("t.v FROM a.silver.u JOIN a.silver.t ON t.k = u.k", these(&[]), false),
        ("v FROM a.silver.t GROUP BY ROLLUP(v)", these(&[]), true),
        ("sum(v) AS x FROM a.silver.t GROUP BY ROLLUP(k)", these(&[]), true),
        ("count(*) AS x FROM a.silver.t", Constants::Unknown, false),
        ("count(v) AS x FROM a.silver.t", Constants::Unknown, false),
        ("stddev(v) AS x FROM a.silver.t GROUP BY k", Constants::Unknown, true),
        (
            "nth_value(v, 2 ORDER BY v) AS x FROM a.silver.t GROUP BY k",
            these(&[]),
            true,
        ),
        (
            "max(v) FILTER (WHERE v > 1) AS x FROM a.silver.t GROUP BY k",
            these(&[]),
            true,
        ),
        (
            "CAST(coalesce(v, CAST('0.5' AS decimal(2, 1))) AS decimal(10, 2)) AS x FROM a.silver.t",
            these(&["0.50"]),
            false,
        ),
        (
            "CAST(coalesce(v, CAST('0.5' AS decimal(2, 1))) AS decimal(10, 0)) AS x FROM a.silver.t",
            these(&["1"]),
            false,
        ),
        (
            "CAST(coalesce(k, 'n') AS varchar) AS x FROM a.silver.t",
            these(&["n"]),
            false,
        ),
        ("coalesce(v, (SELECT 7)) AS x FROM a.silver.t", these(&["7"]), true),
        (
            "k FROM a.silver.t UNION ALL SELECT upper('web')",
            Constants::Unknown,
            false,
        ),
        ("id FROM (SELECT id, unnest(lines) FROM a.silver.n)", these(&[]), false),
        ("unnest([v, 0]) AS x FROM a.silver.t", these(&["0"]), true),
        (
            "v IN (SELECT w FROM a.silver.u) AS x FROM a.silver.t",
            Constants::Unknown,
            true,
        ),
    ] {
        let found = of(&format!("SELECT {rest}")).await;
        assert_eq!((found.constants, found.brings_null), (constants, brings_null), "{rest}");
    }
}

#[tokio::test]
async fn a_frame_without_the_row_that_it_is_of_may_be_empty() {
    for (frame, expected) in [
        ("PARTITION BY k", false),
        ("ORDER BY v", false),
        ("ORDER BY v ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW", false),
        ("ORDER BY v ROWS BETWEEN 3 PRECEDING AND 1 FOLLOWING", false),
        ("ORDER BY v ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING", true),
        ("ORDER BY v ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING", true),
    ] {
        for (value, expected) in [
            ("max(v)", expected),
            ("sum(v)", expected),
            ("first_value(v)", expected),
            ("nth_value(v, 2)", true),
            ("max(v) FILTER (WHERE k = 'a')", true),
            ("count(v)", false),
        ] {
            let sql = format!("SELECT {value} OVER ({frame}) AS x FROM a.silver.t WHERE v > 0");
            let found = of(&sql).await;
            assert_eq!((found.brings_null, found.have_value), (expected, !expected), "{sql}");
            let sql = format!("SELECT coalesce({value} OVER ({frame}), 0) AS x FROM a.silver.t WHERE v > 0");
            let given = of(&sql).await.constants;
            let is_given = given == Constants::These(BTreeSet::from(["0".to_owned()]));
            assert_eq!(is_given, expected, "{sql}");
        }
    }
}

#[tokio::test]
async fn what_is_met_is_not_null() {
    for (rest, expected) in [
        ("t.v FROM a.silver.t JOIN a.silver.u ON u.w = t.v", true),
        ("t.v FROM a.silver.t JOIN a.silver.u ON u.w = t.v + 1", true),
        ("u.w FROM a.silver.t JOIN a.silver.u ON u.w = t.v", true),
        ("t.v FROM a.silver.t JOIN a.silver.u ON u.k = t.k", false),
        ("t.v FROM a.silver.t LEFT JOIN a.silver.u ON u.w = t.v", false),
        ("u.w FROM a.silver.t LEFT JOIN a.silver.u ON u.w = t.v", false),
        (
            "u.w FROM a.silver.t LEFT JOIN a.silver.u ON u.w = t.v WHERE u.w > 0",
            true,
        ),
        (
            "t.v FROM a.silver.t JOIN a.silver.u ON u.w IS NOT DISTINCT FROM t.v",
            false,
        ),
        ("v FROM a.silver.t WHERE v IN (SELECT w FROM a.silver.u)", true),
        ("v FROM a.silver.t WHERE v NOT IN (SELECT w FROM a.silver.u)", false),
        ("v FROM a.silver.t WHERE v + 1 > 0", true),
        ("md5(k) AS x FROM a.silver.t WHERE k = 'a'", true),
        ("v % 7 AS x FROM a.silver.t WHERE v > 0", true),
        ("v % 7 AS x FROM a.silver.t", false),
        ("coalesce(v, 0) % 7 AS x FROM a.silver.t", true),
    ] {
        assert_eq!(of(&format!("SELECT {rest}")).await.have_value, expected, "{rest}");
    }
}

#[tokio::test]
async fn numbers_of_values_depend_on_null_alone() {
    for (value, expected) in [
        ("count(v)", true),
        ("CAST(count(v) AS int)", true),
        ("count(upper(k))", true),
        ("count(DISTINCT v)", false),
        ("count(nullif(v, 1))", false),
        ("count(CASE WHEN v > 1 THEN 1 END)", false),
        ("count(v) + sum(v)", false),
        ("max(v)", false),
    ] {
        let sql = format!("SELECT {value} AS x FROM a.silver.t GROUP BY k");
        assert_eq!(of(&sql).await.counts, expected, "{sql}");
    }
}

#[tokio::test]
async fn a_column_that_is_named_again_and_again_is_looked_at_once() {
    let mut sql = "SELECT v AS x FROM a.silver.t".to_owned();
    for _ in 0..20 {
        sql = format!("SELECT coalesce(x, x, 1) AS x FROM ({sql}) AS q");
    }
    let constants = Constants::These(BTreeSet::from(["1".to_owned()]));
    assert_eq!(of(&sql).await.constants, constants);
    let mut nested = "v".to_owned();
    for most in 0..8 {
        nested = format!("CASE WHEN v IS NULL THEN 1 WHEN v > {most} THEN 1 ELSE coalesce({nested}, 1) END");
    }
    let constants = Constants::These(BTreeSet::from(["1".to_owned()]));
    let found = of(&format!("SELECT {nested} AS x FROM a.silver.t")).await;
    assert_eq!((found.constants, found.replaced.len()), (constants, 1));
    let casts = format!("SELECT 5{} AS x FROM a.silver.t", "::int::bigint".repeat(15));
    assert_eq!(of(&casts).await.checks, vec![RowCheck::OneOf(vec!["5".to_owned()])]);
    let signs = format!("SELECT {}5 AS x FROM a.silver.t", "- ".repeat(30));
    assert_eq!(of(&signs).await.checks, vec![RowCheck::OneOf(vec!["5".to_owned()])]);
}

#[tokio::test]
async fn null_that_a_query_gives_another_value_for_is_known_by_its_column() {
    for (rest, expected) in [
        ("v FROM a.silver.t", ""),
        ("v + 1 AS x FROM a.silver.t", ""),
        ("coalesce(v, 99) AS x FROM a.silver.t", "v"),
        ("coalesce(v, NULL) AS x FROM a.silver.t", ""),
        ("coalesce(v, v) AS x FROM a.silver.t", ""),
        ("coalesce(1, v) AS x FROM a.silver.t", ""),
        ("coalesce(CAST(v AS varchar), k) AS x FROM a.silver.t", "v"),
        ("upper(coalesce(k, 'n')) AS x FROM a.silver.t", "k"),
        (
            "coalesce(k, 'n') || '-' || CAST(v AS varchar) AS x FROM a.silver.t",
            "k",
        ),
        ("concat('v', k) AS x FROM a.silver.t", "k"),
        ("concat_ws('-', k, CAST(v AS varchar)) AS x FROM a.silver.t", "k v"),
        ("concat_ws(k, CAST(v AS varchar), 'a') AS x FROM a.silver.t", "v"),
        ("array_to_string([k, 'a'], '-') AS x FROM a.silver.t", "k"),
        ("least(v, 99) AS x FROM a.silver.t", "v"),
        ("least(v, v) AS x FROM a.silver.t", ""),
        ("v IS NULL AS x FROM a.silver.t", "v"),
        ("v IS DISTINCT FROM 1 AS x FROM a.silver.t", "v"),
        ("v > 1 AS x FROM a.silver.t", ""),
        ("CASE WHEN v > 1 THEN 1 ELSE 0 END AS x FROM a.silver.t", "v"),
        ("CASE WHEN v IS NULL THEN 0 ELSE v END AS x FROM a.silver.t", "v"),
        ("CASE WHEN k = 'a' THEN v ELSE 0 END AS x FROM a.silver.t", "k"),
        ("nvl2(v, k, 'n') AS x FROM a.silver.t", "v"),
        (
            "coalesce(named_struct('a', v), named_struct('a', 0))['a'] AS x FROM a.silver.t",
            "",
        ),
        ("coalesce(named_struct('a', v)['a'], 0) AS x FROM a.silver.t", "v"),
        ("coalesce([v][1], 0) AS x FROM a.silver.t", "v"),
        ("coalesce(address['city'], 'n') AS x FROM a.silver.n", "address"),
        // Of rows that are left out nothing comes.
        ("coalesce(v, 0) AS x FROM a.silver.t WHERE v IS NOT NULL", ""),
        ("coalesce(v, 0) AS x FROM a.silver.t WHERE v + 1 < 9 AND k = 'a'", ""),
        ("coalesce(v, 0) AS x FROM a.silver.t WHERE NOT v > 9", ""),
        (
            "coalesce(v, 0) AS x FROM a.silver.t WHERE NOT (v IS NULL OR k IS NULL)",
            "",
        ),
        ("coalesce(v, 0) AS x FROM a.silver.t WHERE v < 5 OR v > 9", ""),
        (
            "coalesce(v, 0) AS x FROM a.silver.t WHERE v IN (SELECT w FROM a.silver.u)",
            "",
        ),
        ("coalesce(v, 0) AS x FROM a.silver.t WHERE v < 5 OR v IS NULL", "v"),
        ("coalesce(v, 0) AS x FROM a.silver.t WHERE coalesce(v, 1) < 5", "v"),
        ("coalesce(v, 0) AS x FROM a.silver.t WHERE k = 'a'", "v"),
        ("x FROM (SELECT v, coalesce(v, 0) AS x FROM a.silver.t) WHERE v > 0", ""),
        (
            "x FROM (SELECT v, coalesce(v, 0) AS x FROM a.silver.t) WHERE x > 0",
            "v",
        ),
        ("max(coalesce(v, 0)) OVER () AS x FROM a.silver.t WHERE v > 0", ""),
        (
            "x FROM (SELECT v, max(coalesce(v, 0)) OVER () AS x FROM a.silver.t) WHERE v > 0",
            "v",
        ),
        ("coalesce(t.v, 0) AS x FROM a.silver.t JOIN a.silver.u ON u.w = t.v", ""),
        ("coalesce(t.v, 0) AS x FROM a.silver.t, a.silver.u WHERE u.w = t.v", ""),
        (
            "coalesce(t.v, 0) AS x FROM a.silver.t LEFT JOIN a.silver.u ON u.w = t.v",
            "v",
        ),
        (
            "coalesce(t.v, 0) AS x FROM a.silver.u LEFT JOIN a.silver.t ON u.w = t.v",
            "",
        ),
        (
            "coalesce(t.v, 0) AS x FROM a.silver.t LEFT JOIN a.silver.t AS r ON r.v = t.v WHERE r.v > 0",
            "v",
        ),
        // Several rows.
        ("coalesce(max(v), 0) AS x FROM a.silver.t GROUP BY k", "v"),
        ("coalesce(max(v), 0) AS x FROM a.silver.t WHERE v > 0 GROUP BY k", ""),
        ("max(coalesce(v, 0)) AS x FROM a.silver.t GROUP BY k", "v"),
        (
            "sum(coalesce(v, 0) * 2) OVER (PARTITION BY k) AS x FROM a.silver.t",
            "v",
        ),
        ("sum(v) AS x FROM a.silver.t GROUP BY k", ""),
        ("count(v) AS x FROM a.silver.t GROUP BY k", "v"),
        ("count(*) AS x FROM a.silver.t GROUP BY k", ""),
        ("lag(v, 1, 5) OVER (ORDER BY k) AS x FROM a.silver.t", ""),
        (
            "coalesce(max(v), 0) AS x FROM a.silver.t GROUP BY k HAVING max(v) > 0",
            "",
        ),
        ("max(coalesce(v, 0)) AS x FROM a.silver.t GROUP BY v HAVING v > 0", ""),
        ("coalesce((SELECT max(w) FROM a.silver.u), 0) AS x FROM a.silver.t", "w"),
        // Several ways.
        ("v FROM a.silver.t UNION ALL SELECT coalesce(w, 0) FROM a.silver.u", "w"),
        (
            "x FROM (SELECT v AS x FROM a.silver.t UNION ALL SELECT coalesce(w, 0) FROM a.silver.u) WHERE x > 0",
            "w",
        ),
    ] {
        let found = of(&format!("SELECT {rest}")).await.replaced;
        let names: Vec<_> = found.iter().map(|column| column.column.as_str()).collect();
        assert_eq!(names.join(" "), expected, "{rest}");
    }
}

#[tokio::test]
async fn what_can_never_be_null_gives_way_to_no_constant() {
    for (rest, expected) in [
        ("coalesce(v, 9) AS x FROM a.silver.t WHERE v > 0", &[][..]),
        ("coalesce(max(v), 9) AS x FROM a.silver.t WHERE v > 0 GROUP BY k", &[]),
        ("coalesce(max(v), 9) AS x FROM a.silver.t WHERE v > 0", &["9"]),
        (
            "CASE WHEN v IS NULL THEN 9 ELSE v END AS x FROM a.silver.t WHERE v > 0",
            &[],
        ),
        ("CASE WHEN v IS NULL THEN 9 ELSE v END AS x FROM a.silver.t", &["9"]),
        (
            "coalesce(t.v, 9) AS x FROM a.silver.u LEFT JOIN a.silver.t ON t.v = u.w",
            &["9"],
        ),
    ] {
        let constants = Constants::These(expected.iter().map(ToString::to_string).collect());
        assert_eq!(of(&format!("SELECT {rest}")).await.constants, constants, "{rest}");
    }
}

#[tokio::test]
async fn what_was_asked_for_null_before_is_a_value_behind() {
    for (value, expected) in [
        ("CASE WHEN v IS NULL THEN 0 ELSE v END", true),
        ("CASE WHEN v IS NULL OR k IS NULL THEN 0 ELSE v + 1 END", true),
        ("CASE WHEN v IS NOT NULL THEN v ELSE 0 END", true),
        ("CASE WHEN v IS NULL THEN 0 WHEN v > 9 THEN 9 ELSE v END", true),
        ("CASE WHEN k IS NULL THEN 0 ELSE v END", false),
        ("CASE WHEN v IS NULL THEN 0 END", false),
        ("CASE WHEN v IS NULL THEN v ELSE v END", false),
        ("CASE v WHEN 1 THEN 0 ELSE v END", false),
    ] {
        let plain = format!("SELECT {value} AS x FROM a.silver.t");
        let named = format!("WITH q AS ({plain}) SELECT x FROM q");
        for sql in [plain, named] {
            assert_eq!(of(&sql).await.have_value, expected, "{sql}");
        }
    }
}

#[tokio::test]
async fn what_was_put_into_lists_and_objects_is_inside_until_it_is_taken_out() {
    for (value, expected) in [
        ("v", 0),
        ("[v]", 1),
        ("[v][1]", 0),
        ("named_struct('a', v)['a']", 0),
        ("named_struct('a', [v])['a']", 1),
        ("[[v]][1]", 1),
        ("[[v]][1][1]", 0),
        ("array_append([v], 1)", 1),
        ("array_sort([v])[1]", 0),
        ("CASE WHEN v > 1 THEN [v] ELSE [0] END", 1),
        ("array_agg(v) OVER ()", 1),
        ("(array_agg(v) OVER ())[1]", 0),
        ("string_to_array(k, ',')", 1),
    ] {
        assert_eq!(
            of(&format!("SELECT {value} AS x FROM a.silver.t")).await.inside,
            expected,
            "{value}"
        );
    }
}
