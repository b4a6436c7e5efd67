//! The one figure of a query: exact numbers, moments, and what is no figure.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray};
use datafusion::common::ScalarValue;
use polder_contract::rule::Figure;
use polder_contract::{ColumnType, Operator};
use polder_core::ErrorKind;
use polder_gate::table::Queries;

use super::{ask, queries, table};
use crate::{Session, SessionOptions};

#[tokio::test]
async fn whole_numbers_and_decimals_of_figures_are_exact() {
    let most = "SELECT max(id + 9223372036854775807) FROM {object}";
    for sql in [
        most,
        "SELECT 9223372036854775807 + 1",
        "SELECT sum(id + 9223372036854775800) FROM {object}",
        "SELECT count(*) FROM {object} WHERE NOT (id * 9223372036854775807 <= 5)",
    ] {
        let error = ask(sql, None).await.expect_err(sql);
        assert_eq!(error.kind(), ErrorKind::Data, "{sql}: {error}");
    }
    let why = ask("SELECT sum(id + 9223372036854775800) FROM {object}", None)
        .await
        .unwrap_err();
    assert!(
        why.to_string()
            .starts_with("the sum is 27670116110564327406, which does not fit bigint"),
        "{why}"
    );
    let cents = ask(
        "SELECT sum(cast('12345678901234567.89' AS decimal(20,2))) FROM {object} WHERE id = 1",
        None,
    );
    let cents = cents.await.unwrap();
    assert_eq!(cents.to_string(), "12345678901234567.89");
    assert!(!Operator::LessOrEqual("12345678901234567.88".to_owned()).holds(&cents));
}

/// What is computed once for several uses is null where it may be: the engine is mistaken about that, and refused its own plan.
#[tokio::test]
async fn a_condition_that_is_asked_twice_is_computed_once() {
    let (queries, _) = queries();
    let found = vec![Some(true), Some(false), None, Some(false)];
    let column: ArrayRef = Arc::new(BooleanArray::from(found));
    for (sql, figure) in [
        (
            "SELECT sum(CASE WHEN b IS NOT FALSE THEN 0 WHEN NOT (b IS NOT FALSE) THEN 1 ELSE 0 END) FROM {object}",
            Figure::Whole(2),
        ),
        (
            "SELECT sum(CASE WHEN b IS NOT FALSE THEN 10 ELSE 1 END) + count(CASE WHEN b IS NOT FALSE THEN 1 END) FROM {object}",
            Figure::Whole(24),
        ),
        (
            "SELECT max(CASE WHEN b IS TRUE THEN 3 WHEN NOT (b IS TRUE) THEN 7 END) FROM {object} WHERE b IS NOT FALSE",
            Figure::Whole(7),
        ),
        (
            "SELECT count(CASE WHEN b IS NOT FALSE THEN b WHEN NOT (b IS NOT FALSE) THEN b END) FROM {object}",
            Figure::Whole(3),
        ),
    ] {
        let rows = table(vec![("b", Arc::clone(&column))]);
        assert_eq!(queries.figure(sql, None, rows).await.expect(sql), figure, "{sql}");
    }
}

#[tokio::test]
async fn times_are_figures_as_contracts_write_them_and_spans_are_none() {
    for (sql, text) in [
        (
            "SELECT max(arrow_cast('2001-09-09T01:46:40', 'Timestamp(Microsecond, Some(\"UTC\"))'))",
            "2001-09-09T01:46:40Z",
        ),
        (
            "SELECT cast('1969-12-31T23:59:59.25' AS timestamp)",
            "1969-12-31T23:59:59.250",
        ),
        ("SELECT cast('1969-12-31' AS date)", "1969-12-31"),
        ("SELECT cast('08:30:00' AS time)", "08:30:00"),
    ] {
        // What rules may not call is not what is asked here.
        let (queries, _) = queries();
        let answer = queries.session.sql(sql).await.unwrap().collect().await.unwrap();
        let value = ScalarValue::try_from_array(answer[0].column(0), 0).unwrap();
        assert_eq!(
            super::super::value::figure(&value).unwrap(),
            Figure::Moment(text.to_owned()),
            "{sql}"
        );
    }
    let (queries, lines) = queries();
    for sql in [
        "SELECT cast('2026-01-02' AS timestamp) - cast('2026-01-01' AS timestamp)",
        "SELECT interval '1 day'",
    ] {
        for error in [
            queries.plan(sql, None).await.unwrap_err(),
            queries.figure(sql, None, Arc::clone(&lines)).await.unwrap_err(),
        ] {
            assert!(
                error.to_string().starts_with("the query gives a span of time"),
                "{sql}: {error}"
            );
        }
    }
    let seconds = "SELECT date_part('epoch', cast('2026-01-02' AS timestamp)) - date_part('epoch', cast('2026-01-01' AS timestamp))";
    assert_eq!(
        queries.figure(seconds, None, lines).await.unwrap(),
        Figure::Real(86_400.0)
    );
    let kind = queries.plan("SELECT cast('2026-01-02' AS date)", None).await.unwrap();
    assert_eq!(kind, Some(ColumnType::Date));
}

#[tokio::test]
async fn no_comparison_of_a_rule_holds_of_nan_and_all_others_are_the_engines() {
    let nan = "FROM (VALUES (cast('NaN' AS double)), (cast(1.5 AS double))) AS v(x)";
    let (queries, lines) = queries();
    let rule = format!("SELECT count(*) {nan} WHERE NOT (x >= 0.5)");
    assert_eq!(queries.figure(&rule, None, lines).await.unwrap(), Figure::Whole(1));
    let session = Session::without_lake(&SessionOptions::default()).unwrap();
    let rows = session.sql(&rule).await.unwrap().count().await.unwrap();
    assert_eq!(rows, 1, "one count");
    let greater = format!("SELECT x {nan} WHERE x >= 0.5");
    assert_eq!(session.sql(&greater).await.unwrap().count().await.unwrap(), 2);
}
