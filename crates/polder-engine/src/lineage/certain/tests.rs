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
        // Of values that are never null, a sum is none; of some that are, it is one all the same: nothing is said of it.
        let sums = format!("SELECT sum(v) AS s FROM a.silver.t WHERE {condition} GROUP BY k");
        assert!(!of(&sums).await.have_value, "{sums}");
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
        ("CAST(v AS int) AS x FROM a.silver.t WHERE v <= 10", vec![]),
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
        ("v FROM a.silver.t GROUP BY ROLLUP(v)", Constants::Unknown, true),
    ] {
        let found = of(&format!("SELECT {rest}")).await;
        assert_eq!((found.constants, found.brings_null), (constants, brings_null), "{rest}");
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
    let casts = format!("SELECT 5{} AS x FROM a.silver.t", "::int::bigint".repeat(15));
    assert_eq!(of(&casts).await.checks, vec![RowCheck::OneOf(vec!["5".to_owned()])]);
    let signs = format!("SELECT {}5 AS x FROM a.silver.t", "- ".repeat(30));
    assert_eq!(of(&signs).await.checks, vec![RowCheck::OneOf(vec!["5".to_owned()])]);
}
