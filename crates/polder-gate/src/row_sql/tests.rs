//! Which rows break an expression, and which expressions are none.

use std::sync::Arc;

use arrow::array::{Int32Array, Int64Array, StringArray};

use super::*;

fn contract() -> Schema {
    Schema::new(vec![
        Field::new("net", DataType::Int64, false),
        Field::new("gross", DataType::Int64, true),
        Field::new("Code", DataType::Utf8, true),
        Field::new("small", DataType::Int32, true),
    ])
}

fn rows(net: Vec<Option<i64>>, gross: Vec<Option<i64>>) -> RecordBatch {
    let count = net.len();
    RecordBatch::try_from_iter_with_nullable(vec![
        ("net", Arc::new(Int64Array::from(net)) as ArrayRef, true),
        ("gross", Arc::new(Int64Array::from(gross)) as ArrayRef, true),
        (
            "Code",
            Arc::new(StringArray::from(vec![Some("x"); count])) as ArrayRef,
            true,
        ),
        (
            "small",
            Arc::new(Int32Array::from(vec![Some(i32::MAX); count])) as ArrayRef,
            true,
        ),
    ])
    .unwrap()
}

fn broken(sql: &str, batch: &RecordBatch) -> Broken {
    RowSql::compile(sql, &contract()).unwrap().broken(batch).unwrap()
}

#[test]
fn only_false_breaks_a_rule() {
    let batch = rows(
        vec![Some(1), Some(3), None, Some(2)],
        vec![Some(2), Some(2), Some(2), None],
    );
    assert_eq!(broken("net <= gross", &batch).rows, [1]);
    assert_eq!(broken("net <= gross AND net IS NOT NULL", &batch).rows, [1, 2]);
    assert_eq!(broken("net = 1 OR \"Code\" = 'y'", &batch).rows, [1, 3]);
    assert_eq!(broken("true", &batch).rows, Vec::<usize>::new());
}

#[test]
fn text_beside_a_number_with_a_point_is_no_rule() {
    for sql in [
        "\"Code\" > 10.5",
        "\"Code\" = net OR coalesce(\"Code\", 1.5) > 1",
        "\"Code\" IN ('1', 1.5)",
    ] {
        let error = RowSql::compile(sql, &contract()).err().unwrap_or_default();
        let help = "write CAST(\"Code\" AS DECIMAL(38,10)), with as many digits as it may have, or the number as text";
        assert!(
            error.contains("text is not taken for a decimal(") && error.contains(help),
            "{sql}: {error}"
        );
    }
    let mut batch = rows(vec![Some(1); 2], vec![None; 2]);
    let codes: ArrayRef = Arc::new(StringArray::from(vec!["10.54", "10.5"]));
    let columns = batch.columns().iter().enumerate();
    let columns = columns.map(|(place, column)| if place == 2 { codes.clone() } else { column.clone() });
    batch = RecordBatch::try_new(batch.schema(), columns.collect()).unwrap();
    assert_eq!(broken("CAST(\"Code\" AS DECIMAL(38,10)) > 10.5", &batch).rows, [1]);
    assert_eq!(
        broken("CAST(\"Code\" AS DECIMAL(3,1)) = 10.5", &batch).rows,
        Vec::<usize>::new()
    );
    assert_eq!(broken("\"Code\" = '10.5'", &batch).rows, [0]);
}

#[test]
fn a_rounded_decimal_is_compared_with_others() {
    let batch = rows(vec![Some(155), Some(154)], vec![None, None]);
    let d = "cast(net AS DECIMAL(10,2)) / 100";
    for places in ["1", "2 - 1", "cast(1 AS int)"] {
        let sql = format!("round(cast({d} AS DECIMAL(10,2)), {places}) <= cast({d} AS DECIMAL(12,4))");
        assert_eq!(broken(&sql, &batch).rows, [0], "{sql}");
        // As in queries, and in Postgres.
        let sql = format!("cast(round(cast({d} AS DECIMAL(10,2)), {places}) AS varchar) = '1.5'");
        assert_eq!(broken(&sql, &batch).rows, [0], "{sql}");
    }
    let of_list = format!("array_position([1.60, 1.50], round(cast({d} AS DECIMAL(10,2)), 2 - 1)) = 2");
    assert_eq!(broken(&of_list, &batch).rows, [0]);
    // Where a column might have a say, it has the digits that it could have, as in queries.
    for places in ["net - net + 1", "CASE WHEN true THEN 1 ELSE net END"] {
        let sql = format!("cast(round(cast({d} AS DECIMAL(10,2)), {places}) AS varchar) = '1.50'");
        assert_eq!(broken(&sql, &batch).rows, [0], "{sql}");
    }
}

#[test]
fn a_row_without_a_value_breaks_it_and_no_other_row_does() {
    let batch = rows(
        vec![Some(4), Some(1), Some(i64::MAX), Some(9)],
        vec![Some(2), Some(0), Some(1), Some(3)],
    );
    let found = broken("net / gross > 0", &batch);
    assert_eq!(found.rows, [1]);
    assert!(found.failed[0].1.contains("division by zero"), "{found:?}");
    let found = broken("net + gross > 0", &batch);
    assert_eq!(found.rows, [2]);
    assert!(found.failed[0].1.contains("out of range"), "{found:?}");
    assert_eq!(
        broken("small + 1 > 0", &batch).rows,
        Vec::<usize>::new(),
        "32 bits and a literal of 64"
    );
    // Alone, such a row is not divided at all; so it must not be among others either.
    assert_eq!(broken("gross = 0 OR net / gross > 0", &batch).rows, Vec::<usize>::new());
}

#[test]
fn verdicts_do_not_depend_on_how_rows_are_split() {
    let net: Vec<_> = (0..257).map(|n| (n % 11 != 0).then_some(n)).collect();
    let gross: Vec<_> = (0..257).map(|n| (n % 7 != 1).then_some(n % 13)).collect();
    let batch = rows(net, gross);
    for sql in [
        "net / gross < 40",
        "gross <> 0 AND 100 / gross > 20",
        "CASE WHEN gross > 3 THEN net / gross > 9 END",
    ] {
        let rule = RowSql::compile(sql, &contract()).unwrap();
        let whole = rule.broken(&batch).unwrap();
        let alone: Vec<_> = (0..257)
            .flat_map(|row| {
                rule.broken(&batch.slice(row, 1))
                    .unwrap()
                    .rows
                    .into_iter()
                    .map(move |_| row)
            })
            .collect();
        assert_eq!(whole.rows, alone, "{sql}");
    }
}

#[test]
fn what_is_no_rule_about_one_row_is_refused_with_why() {
    let cases = [
        ("", "no expression"),
        ("net <= ", "no expression"),
        ("net <= gross; DROP TABLE x", "no expression"),
        ("net <= gross, net", "no expression"),
        ("net", "true or false, but is bigint"),
        ("nett > 1", "did you mean `net`?"),
        ("code = 'x'", "write \"Code\" in double quotes"),
        ("\"Code\" = EUR", "`eur`; text goes in single quotes: 'EUR'"),
        ("net > 1 AND \"Code\" =\"in transit\"", "quotes: 'in transit'"),
        ("other.net > 1", "there is no column `other.net`"),
        ("_offset > 1", "there is no column `_offset`"),
        ("net > (SELECT 1)", "no subqueries"),
        ("net IN (SELECT net FROM t)", "no subqueries"),
        ("EXISTS (SELECT 1)", "no subqueries"),
        ("sum(net) > 1", "over many rows"),
        ("row_number() OVER (ORDER BY net) > 1", "over many rows"),
        ("random() > 0.5", "another value at another time"),
        ("now() > TIMESTAMP '2020-01-01'", "another value at another time"),
        ("net > $1", "have no value here"),
        ("net > 1 AS x", "needs no name"),
        ("nosuch(net) > 1", "nosuch"),
    ];
    for (sql, why) in cases {
        let error = RowSql::compile(sql, &contract())
            .err()
            .unwrap_or_else(|| panic!("{sql} is taken"));
        assert!(error.contains(why), "{sql}: {error}");
    }
}

#[test]
fn expressions_that_are_meant_to_hurt_are_refused() {
    let many = |part: &str, times: usize| format!("net > 1{}", part.repeat(times));
    let nested =
        |function: &str, times: usize| (0..times).fold("\"Code\"".to_owned(), |inner, _| function.replace('@', &inner));
    let long = |text: String| format!("length({text}) > 0");
    let cases = [
        (many(" OR net > 1", 2_000), "longer than 16 KiB"),
        (many(" OR net > 1", 1_400), "more than 200 operators"),
        (many("+1", 8_000), "more than 200 operators"),
        (
            format!("{}net > 1{}", "(".repeat(5_000), ")".repeat(5_000)),
            "more than 200 operators",
        ),
        (format!("{}net > 1", "NOT ".repeat(4_000)), "more than 200 operators"),
        (
            format!("CASE WHEN net > 1 THEN {}true", "CASE WHEN net > 1 THEN ".repeat(600)),
            "more than 200 operators",
        ),
        (long("repeat(\"Code\", 2000000000)".to_owned()), "make much of little"),
        (long("repeat(\"Code\", net)".to_owned()), "make much of little"),
        (long("lpad(\"Code\", 2000000000)".to_owned()), "make much of little"),
        (
            long("replace(\"Code\", 'a', \"Code\")".to_owned()),
            "must be written out",
        ),
        (long(nested("replace(@, 'a', 'aaaaaaaaaa')", 14)), "128 times as long"),
        (
            long(nested("regexp_replace(@, '', 'aaaaaaaaaa', 'g')", 3)),
            "128 times as long",
        ),
        (long(nested("encode(@, 'hex')", 8)), "128 times as long"),
        (
            long(format!("concat({})", vec!["\"Code\""; 150].join(", "))),
            "128 times as long",
        ),
        (
            long(nested("array_to_string(string_to_array(@, NULL), 'aaaaaaaaaa')", 3)),
            "128 times as long",
        ),
        (
            long("arrow_cast(\"Code\", 'FixedSizeBinary(2000000000)')".to_owned()),
            "no function that a rule may use",
        ),
        (
            "net IN (SELECT * FROM generate_series(1, 1000000000))".to_owned(),
            "no subqueries",
        ),
    ];
    // No more stack than the worker threads of a server have.
    let judged = std::thread::Builder::new().stack_size(2 << 20).spawn(move || {
        for (sql, why) in cases {
            let error = RowSql::compile(&sql, &contract())
                .err()
                .unwrap_or_else(|| panic!("{sql:.60} is taken"));
            assert!(error.contains(why), "{sql:.60}: {error:.200}");
        }
        let wide = format!("net IN ({}1)", "1, ".repeat(5_000));
        let batch = rows(vec![Some(1)], vec![None]);
        assert_eq!(broken(&wide, &batch).rows, Vec::<usize>::new());
        let deep = format!("net > 0{}", " OR net > 0".repeat(90));
        assert_eq!(broken(&deep, &batch).rows, Vec::<usize>::new());
    });
    judged.unwrap().join().unwrap();
}

#[test]
fn texts_are_cleaned_and_put_together_as_rules_do() {
    let batch = rows(vec![Some(1)], vec![None]);
    for sql in [
        "replace(replace(replace(\"Code\", ' ', ''), '-', ''), ',', '.') = 'x'",
        "regexp_replace(\"Code\", '^(.)$', '\\1') = 'x'",
        "lpad(\"Code\", 3, '0') = '00x'",
        "\"Code\" || '-' || cast(net AS text) = 'x-1'",
        "upper(trim(\"Code\")) IN ('X', 'Y') AND length(\"Code\") = 1",
        "array_length(string_to_array(\"Code\", ',')) = 1",
    ] {
        assert_eq!(broken(sql, &batch), Broken::default(), "{sql}");
    }
}

#[test]
fn a_pattern_that_cannot_be_used_is_refused_with_its_reason() {
    let schema = Schema::new(vec![Field::new("c", DataType::Utf8, true)]);
    let why = RowSql::compile("c ~ '^(?=x)'", &schema).err().unwrap();
    assert!(why.starts_with("the pattern cannot be used: look-around"), "{why}");
}

#[test]
fn many_rows_without_a_value_each_get_their_own_verdict() {
    let net: Vec<_> = (0..1_000).map(Some).collect();
    let gross: Vec<_> = (0..1_000).map(|n| Some(i64::from(n % 3 == 0))).collect();
    let found = broken("net / gross >= 0", &rows(net, gross));
    let expected: Vec<_> = (0..1_000).filter(|n| n % 3 != 0).collect();
    assert_eq!(found.rows, expected);
    assert_eq!(found.failed.len(), expected.len());
}
