//! What unchanged queries do with values whose type is another: whether the same values give the same is reasoned by hand.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Fields, Schema, TimeUnit};
use datafusion::catalog::{CatalogProvider as _, MemoryCatalogProvider, MemorySchemaProvider, SchemaProvider as _};
use datafusion::datasource::empty::EmptyTable;
use datafusion::prelude::SessionContext;

use super::super::*;
use super::step;

fn kind(name: &str) -> DataType {
    if let Some(fields) = name.strip_prefix("o:") {
        let fields = fields.split('+').map(|field| match field.split_once('/') {
            Some((name, inside)) => Field::new(name, kind(inside), true),
            None => Field::new(field, DataType::Int64, true),
        });
        return DataType::Struct(fields.collect::<Fields>());
    }
    match name {
        "int" => DataType::Int32,
        "bigint" => DataType::Int64,
        "double" => DataType::Float64,
        "text" => DataType::Utf8,
        "date" => DataType::Date32,
        "instant" => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        "flag" => DataType::Boolean,
        "money" => DataType::Decimal128(10, 2),
        "more" => DataType::Decimal128(18, 2),
        "exact" => DataType::Decimal128(18, 4),
        "texts" => DataType::List(Arc::new(Field::new("item", DataType::Utf8, true))),
        "bigints" => DataType::List(Arc::new(Field::new("item", DataType::Int64, true))),
        other => panic!("no type {other}"),
    }
}

/// The lineage of one pipeline over `a.silver.t (id, x, y)`, with `x` of this type and the others whole numbers.
async fn of(x: &str, sql: &str) -> ColumnLineage {
    let fields = [("id", "bigint"), ("x", x), ("y", "bigint")].map(|(name, of)| Field::new(name, kind(of), true));
    let silver = MemorySchemaProvider::new();
    let table = EmptyTable::new(Arc::new(Schema::new(fields.to_vec())));
    silver.register_table("t".to_owned(), Arc::new(table)).unwrap();
    let catalog = MemoryCatalogProvider::new();
    catalog.register_schema("silver", Arc::new(silver)).unwrap();
    let session = SessionContext::new();
    session.register_catalog("a", Arc::new(catalog));
    let plan = session
        .state()
        .create_logical_plan(sql)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    let reading = Reading::of(Asker::Step(step("a.x")), "", sql, &plan).unwrap();
    let read = LineageEdge {
        from: "a.silver.t".parse().unwrap(),
        via: "a.x".parse().unwrap(),
        kind: StepKind::Pipeline,
        to: Some("a.gold.x".parse().unwrap()),
    };
    ColumnLineage::new(Vec::new(), vec![read]).with_readings(vec![reading.making(&"a.gold.x".parse().unwrap())])
}

/// The parts that are altered, each with what is done with which values, a line each.
async fn shown(was: &str, is: &str, sql: &str, renamed: &Renamed) -> Vec<String> {
    let found = altered(&of(was, sql).await, &of(is, sql).await, renamed, &BTreeSet::new());
    let line = |one: Altered| {
        assert_eq!(one.still, Still::Takes, "{sql}");
        let part = match &one.to {
            Some(Target::Column(column)) => column.column.clone(),
            _ => "rows".to_owned(),
        };
        let uses: Vec<_> = one
            .retyped
            .iter()
            .map(|one| format!("{} {}", one.column.column, one.by))
            .collect();
        format!("{part}: {}", uses.join(", "))
    };
    found.into_iter().map(line).collect()
}

#[tokio::test]
async fn what_is_done_with_values_of_another_kind_alters_a_query() {
    for (was, is, sql, expected) in [
        // Text is put in order letter by letter.
        (
            "text",
            "bigint",
            "SELECT id FROM a.silver.t WHERE x > '10'",
            vec!["rows: x `>`"],
        ),
        ("text", "bigint", "SELECT max(x) AS m FROM a.silver.t", vec!["m: x max"]),
        (
            "text",
            "bigint",
            "SELECT id, x FROM a.silver.t ORDER BY x LIMIT 1",
            vec!["rows: x ORDER BY"],
        ),
        (
            "text",
            "bigint",
            "SELECT id, row_number() OVER (PARTITION BY y ORDER BY x) AS n FROM a.silver.t",
            vec!["n: x ORDER BY"],
        ),
        (
            "text",
            "bigint",
            "SELECT greatest(x, x) AS g, y FROM a.silver.t",
            vec!["g: x greatest"],
        ),
        // What it is held against is of the type that it was.
        (
            "bigint",
            "double",
            "SELECT id FROM a.silver.t WHERE x > y",
            vec!["rows: x `>`"],
        ),
        // A double does not hold it: 2^53 + 1.
        (
            "bigint",
            "double",
            "SELECT id FROM a.silver.t WHERE x > 9007199254740993",
            vec!["rows: x `>`"],
        ),
        // `01234` is 1234 now.
        (
            "text",
            "bigint",
            "SELECT id, CAST(x AS VARCHAR) AS t FROM a.silver.t WHERE character_length(CAST(x AS VARCHAR)) = 5",
            vec!["rows: x character_length"],
        ),
        (
            "text",
            "bigint",
            "SELECT CASE WHEN concat(x, '') LIKE '0%' THEN 1 ELSE 2 END AS c FROM a.silver.t",
            vec!["c: x LIKE, x concat"],
        ),
        (
            "text",
            "bigint",
            "WITH q AS (SELECT id, CAST(x AS VARCHAR) AS t FROM a.silver.t) SELECT id FROM q WHERE t = '01'",
            vec!["rows: x `=`"],
        ),
        // 2.5 is 2 now, and was nothing.
        (
            "text",
            "double",
            "SELECT TRY_CAST(x AS BIGINT) AS n FROM a.silver.t",
            vec!["n: x TRY_CAST to whole numbers"],
        ),
        (
            "text",
            "money",
            "SELECT id FROM a.silver.t WHERE TRY_CAST(x AS BIGINT) IS NOT NULL",
            vec!["rows: x TRY_CAST to whole numbers"],
        ),
        // Whole numbers are divided without a rest.
        (
            "bigint",
            "double",
            "SELECT id, x / 2 AS h, y FROM a.silver.t",
            vec!["h: x `/`"],
        ),
        (
            "bigint",
            "money",
            "SELECT id, (x + 1) / 2 AS h FROM a.silver.t",
            vec!["h: x `/`"],
        ),
        (
            "money",
            "exact",
            "SELECT id, x / 3 AS h FROM a.silver.t",
            vec!["h: x `/`"],
        ),
        (
            "bigint",
            "double",
            "SELECT CAST(x AS VARCHAR) AS t FROM a.silver.t",
            vec!["t: x cast to text"],
        ),
        (
            "bigint",
            "double",
            "SELECT x, count(*) AS n FROM a.silver.t GROUP BY x",
            vec!["rows: x GROUP BY"],
        ),
        (
            "bigint",
            "double",
            "SELECT t.id FROM a.silver.t t JOIN a.silver.t u ON t.x = u.y",
            vec!["rows: x `=`"],
        ),
        (
            "bigint",
            "double",
            "SELECT id FROM a.silver.t WHERE x IN (SELECT y FROM a.silver.t)",
            vec!["rows: x IN"],
        ),
        (
            "bigint",
            "double",
            "SELECT id FROM a.silver.t WHERE x BETWEEN 1 AND y",
            vec!["rows: x BETWEEN"],
        ),
        (
            "bigint",
            "double",
            "SELECT CASE x WHEN y THEN 1 END AS c FROM a.silver.t",
            vec!["c: x CASE"],
        ),
        (
            "date",
            "instant",
            "SELECT count(*) AS n FROM a.silver.t WHERE x <= DATE '2026-01-01'",
            vec!["rows: x `<=`, x cast to times of no zone"],
        ),
        (
            "date",
            "instant",
            "SELECT DISTINCT id, x FROM a.silver.t",
            vec!["rows: x DISTINCT"],
        ),
        (
            "date",
            "instant",
            "SELECT CAST(date_part('hour', x) AS BIGINT) AS h FROM a.silver.t",
            vec!["h: x date_part"],
        ),
        (
            "date",
            "instant",
            "SELECT count(DISTINCT x) AS n FROM a.silver.t",
            vec!["n: x count of DISTINCT"],
        ),
        (
            "date",
            "instant",
            "SELECT id FROM a.silver.t WHERE x <= TIMESTAMP '2026-01-01T00:00:00Z'",
            vec!["rows: x `<=`, x cast to times of no zone"],
        ),
        (
            "texts",
            "bigints",
            "SELECT id, array_sort(x) AS s FROM a.silver.t",
            vec!["s: x array_sort"],
        ),
        // The type of an object is that of each of its fields.
        (
            "o:a+b",
            "o:a/text+b",
            "SELECT id FROM a.silver.t WHERE x['a'] > '1'",
            vec!["rows: x.a `>`"],
        ),
    ] {
        let found = shown(was, is, sql, &Renamed::default()).await;
        assert_eq!(found, expected, "{sql}");
        let back = shown(is, was, sql, &Renamed::default()).await;
        assert!(!back.is_empty(), "{sql}");
        assert_eq!(
            shown(was, was, sql, &Renamed::default()).await,
            Vec::<String>::new(),
            "{sql}"
        );
    }
}

#[tokio::test]
async fn a_wider_type_and_values_that_are_handed_on_alter_nothing() {
    for (was, is, sql) in [
        (
            "int",
            "bigint",
            "SELECT id, x / 2 AS h, x + y AS s, CAST(x AS VARCHAR) AS t FROM a.silver.t WHERE x > 10",
        ),
        (
            "int",
            "bigint",
            "SELECT x, count(*) AS n, avg(x) AS a, max(x) AS m FROM a.silver.t GROUP BY x ORDER BY x",
        ),
        (
            "int",
            "bigint",
            "SELECT DISTINCT x FROM a.silver.t UNION SELECT y FROM a.silver.t",
        ),
        (
            "money",
            "more",
            "SELECT id, x / 3 AS h, x * 2 AS p, round(x, 1) AS r FROM a.silver.t WHERE x > 10",
        ),
        (
            "money",
            "exact",
            "SELECT id, sum(x) AS s FROM a.silver.t WHERE x > 10 GROUP BY id",
        ),
        // Who compares, adds and orders exact numbers does the same with whole ones.
        (
            "bigint",
            "money",
            "SELECT id, sum(x) AS s, max(x) AS m FROM a.silver.t WHERE x > 10 GROUP BY id",
        ),
        // Handed on, chosen, counted, asked whether they are.
        ("text", "bigint", "SELECT id, x FROM a.silver.t"),
        (
            "bigint",
            "double",
            "SELECT id, coalesce(x, 0) AS x, CASE WHEN y > 1 THEN x END AS c FROM a.silver.t",
        ),
        (
            "text",
            "bigint",
            "SELECT id, count(x) AS n, first_value(x) AS f FROM a.silver.t WHERE x IS NOT NULL GROUP BY id",
        ),
        ("bigint", "double", "SELECT DISTINCT id, x FROM a.silver.t"),
        ("text", "bigint", "SELECT y + 1 AS z FROM a.silver.t WHERE y > 1"),
        (
            "date",
            "instant",
            "SELECT date_part('year', x) AS y, CAST(date_trunc('month', x) AS DATE) AS m, count(*) AS n FROM a.silver.t \
             GROUP BY date_part('year', x), CAST(date_trunc('month', x) AS DATE)",
        ),
        // Computed in a type that it names, or that another operand has.
        ("text", "bigint", "SELECT id FROM a.silver.t WHERE x = y"),
        (
            "text",
            "bigint",
            "SELECT id, CAST(x AS BIGINT) AS x FROM a.silver.t WHERE CAST(x AS BIGINT) > 10",
        ),
        (
            "bigint",
            "double",
            "SELECT CAST(x AS DOUBLE) / 2 AS h, sqrt(x) AS r FROM a.silver.t WHERE x > 1.5",
        ),
        // What comes of a whole number that both types hold.
        (
            "bigint",
            "double",
            "SELECT id, nullif(x, 0) AS n, CASE x WHEN 1 THEN y END AS c FROM a.silver.t \
             WHERE x > 0 AND x <= 9007199254740992 AND x <> -1 AND x BETWEEN 1 AND 3 AND x IN (1, 2)",
        ),
        ("money", "double", "SELECT id FROM a.silver.t WHERE x > 0"),
        // A double holds each of 32 bits.
        (
            "int",
            "double",
            "SELECT x, count(*) AS n, max(x) AS m FROM a.silver.t WHERE x > y AND x < 9007199254740993 GROUP BY x",
        ),
        // Text of whole numbers, as it is given.
        (
            "text",
            "bigint",
            "SELECT id, CAST(x AS VARCHAR) AS t, coalesce(CAST(x AS VARCHAR), '') AS c FROM a.silver.t",
        ),
        (
            "text",
            "bigint",
            "SELECT DISTINCT CAST(x AS VARCHAR) AS t FROM a.silver.t",
        ),
        ("text", "bigint", "SELECT TRY_CAST(x AS BIGINT) AS n FROM a.silver.t"),
        ("bigint", "double", "SELECT TRY_CAST(x AS BIGINT) AS n FROM a.silver.t"),
        ("text", "double", "SELECT TRY_CAST(x AS DOUBLE) AS n FROM a.silver.t"),
        (
            "date",
            "instant",
            "SELECT count(*) AS n FROM a.silver.t WHERE CAST(x AS DATE) <= DATE '2026-01-01'",
        ),
        ("o:a+b", "o:a+b/text", "SELECT id FROM a.silver.t WHERE x['a'] > 1"),
    ] {
        let found = shown(was, is, sql, &Renamed::default()).await;
        assert_eq!(found, Vec::<String>::new(), "{sql}");
        let back = shown(is, was, sql, &Renamed::default()).await;
        assert_eq!(back, Vec::<String>::new(), "{sql}");
    }
}

#[tokio::test]
async fn what_is_computed_of_narrower_numbers_alters_a_query_and_of_wider_ones_not() {
    for (wide, sql, expected) in [
        ("bigint", "SELECT id, x * x AS p FROM a.silver.t", "p: x `*`"),
        // `20 << 30` is 0 in 32 bits.
        ("bigint", "SELECT id, x << x AS p FROM a.silver.t", "p: x `<<`"),
        ("bigint", "SELECT id FROM a.silver.t WHERE x + x > 1", "rows: x `+`"),
        ("bigint", "SELECT -x AS n FROM a.silver.t", "n: x `-`"),
        ("more", "SELECT id, x * x AS p FROM a.silver.t", "p: x `*`"),
    ] {
        let found = shown(wide, "int", sql, &Renamed::default()).await;
        assert_eq!(found, vec![expected], "{sql}");
        let back = shown("int", wide, sql, &Renamed::default()).await;
        assert_eq!(back, Vec::<String>::new(), "{sql}");
    }
    for sql in [
        // As whole numbers of 64 bits.
        "SELECT id, x * y AS p, x + 1 AS n, x / 2 AS h FROM a.silver.t",
        "SELECT id, sum(x) AS s, max(x) AS m FROM a.silver.t WHERE x % x = 0 GROUP BY id",
        "SELECT id, x, CAST(x AS BIGINT) * CAST(x AS BIGINT) AS p FROM a.silver.t",
    ] {
        let found = shown("bigint", "int", sql, &Renamed::default()).await;
        assert_eq!(found, Vec::<String>::new(), "{sql}");
    }
}

#[tokio::test]
async fn an_object_that_is_taken_whole_is_taken_with_each_field_and_their_order() {
    for (sql, expected) in [
        (
            "SELECT id, count(*) AS n FROM (SELECT DISTINCT id, x FROM a.silver.t) GROUP BY id",
            "rows: x DISTINCT",
        ),
        (
            "SELECT count(*) AS n FROM (SELECT x FROM a.silver.t UNION SELECT x FROM a.silver.t)",
            "rows: x DISTINCT",
        ),
        (
            "SELECT id, count(DISTINCT x) AS n FROM a.silver.t GROUP BY id",
            "n: x count of DISTINCT",
        ),
        ("SELECT max(x)['a'] AS n FROM a.silver.t", "n: x max"),
        ("SELECT count(*) AS n FROM a.silver.t GROUP BY x", "rows: x GROUP BY"),
        ("SELECT id FROM a.silver.t ORDER BY x LIMIT 1", "rows: x ORDER BY"),
        (
            "SELECT t.id FROM a.silver.t t JOIN a.silver.t u ON t.x = u.x",
            "rows: x ",
        ),
        ("SELECT id FROM a.silver.t WHERE x = x", "rows: x `=`"),
    ] {
        for is in ["o:a+b", "o:a+b+c+d", "o:b+a+c"] {
            let found = shown("o:a+b+c", is, sql, &Renamed::default()).await;
            assert!(
                found.iter().any(|line| line.starts_with(expected)),
                "{sql}, {is}: {found:?}"
            );
        }
    }
    for sql in [
        "SELECT id, x FROM a.silver.t",
        "SELECT DISTINCT id, x FROM a.silver.t",
        "SELECT id, count(x) AS n FROM a.silver.t WHERE x IS NOT NULL GROUP BY id",
        "SELECT DISTINCT x['a'] AS a FROM a.silver.t",
        "SELECT id, first_value(x)['b'] AS b FROM a.silver.t GROUP BY id",
    ] {
        for is in ["o:a+b", "o:a+b+c+d", "o:b+a+c"] {
            let found = shown("o:a+b+c", is, sql, &Renamed::default()).await;
            assert_eq!(found, Vec::<String>::new(), "{sql}, {is}");
        }
    }
    // Only the name is another.
    let mut renamed = Renamed::default();
    let name = ("x.z".to_owned(), Some("x.c".to_owned()));
    renamed.add(&"a.silver.t".parse().unwrap(), [name]);
    let sql = "SELECT id, count(DISTINCT x) AS n FROM a.silver.t GROUP BY id";
    let found = shown("o:a+b+c", "o:a+b+z", sql, &renamed).await;
    assert_eq!(found, Vec::<String>::new());
}
