//! Null that may come now, and in the place of which a query gives another value.

use super::{Breaks, Mesh, Nothing, Perhaps, number, text};

/// A column of whole numbers beside one of text that may be null.
fn columns(x: &str) -> String {
    format!(
        "{}, {}, {{name: y, logicalType: integer, physicalType: bigint}}",
        number(x),
        text("")
    )
}

const WAS: &str = ", required: true, logicalTypeOptions: {minimum: 0, maximum: 10}";
const IS: &str = ", logicalTypeOptions: {minimum: 0, maximum: 10}";

#[test]
fn null_is_replaced_whatever_rows_the_query_chooses_by_it_unless_it_leaves_them_out() {
    let mesh = Mesh::new();
    let least = number(", logicalTypeOptions: {minimum: 0}");
    let value = "coalesce(a.x, -1) AS x";
    for (rest, expected) in [
        ("FROM s.bronze.a AS a", Perhaps),
        ("FROM s.bronze.a AS a LEFT JOIN s.bronze.a AS r ON r.id = a.x", Perhaps),
        ("FROM s.bronze.a AS a WHERE a.x < 1000 OR a.x IS NULL", Perhaps),
        ("FROM s.bronze.a AS a WHERE coalesce(a.x, 0) < 1000", Perhaps),
        (
            "FROM s.bronze.a AS a WHERE a.id IN (SELECT q.id FROM s.bronze.a AS q WHERE q.x > 1)",
            Perhaps,
        ),
        ("FROM s.bronze.a AS a WHERE a.x IS NOT NULL", Nothing),
        ("FROM s.bronze.a AS a WHERE a.x < 1000", Nothing),
        ("FROM s.bronze.a AS a WHERE a.x < 5 OR a.x > 6", Nothing),
        ("FROM s.bronze.a AS a WHERE NOT a.x > 6", Nothing),
        ("FROM s.bronze.a AS a JOIN s.bronze.a AS r ON r.id = a.x", Nothing),
        ("FROM (SELECT * FROM s.bronze.a WHERE x > 1) AS a", Nothing),
    ] {
        let sql = format!("SELECT a.id, {value} {rest}");
        let (told, all) = mesh.loosened([&columns(WAS), &columns(IS)], &least, &sql);
        assert_eq!(told, expected, "{sql}: {all}");
    }
    let elsewhere = "WITH few AS (SELECT id FROM s.bronze.a WHERE x > 1), every AS (SELECT id, coalesce(x, -1) AS x FROM s.bronze.a) \
                     SELECT every.id, every.x FROM every LEFT JOIN few ON few.id = every.id";
    let (told, all) = mesh.loosened([&columns(WAS), &columns(IS)], &least, elsewhere);
    assert_eq!(told, Perhaps, "{all}");
}

#[test]
fn null_is_replaced_within_aggregates_and_around_them() {
    let mesh = Mesh::new();
    let least = number(", logicalTypeOptions: {minimum: 0}");
    let most = number(", logicalTypeOptions: {maximum: 10}");
    for (value, gold, expected) in [
        ("coalesce(max(x), -1)", &least, Perhaps),
        ("coalesce(min(x), -1)", &least, Perhaps),
        ("coalesce(first_value(x ORDER BY id), -1)", &least, Perhaps),
        ("max(coalesce(x, -1))", &least, Perhaps),
        ("min(coalesce(x, -1))", &least, Perhaps),
        ("sum(coalesce(x, -1))", &least, Perhaps),
        ("CAST(avg(coalesce(x, -1)) AS bigint)", &least, Perhaps),
        ("max(least(x, 99))", &most, Perhaps),
        ("coalesce(max(x), 0)", &least, Nothing),
        ("max(coalesce(x, 0))", &least, Nothing),
        ("sum(coalesce(x, 0))", &least, Nothing),
        ("sum(coalesce(x, 0))", &most, Nothing),
        ("CAST(avg(coalesce(x, 0)) AS bigint)", &least, Nothing),
        ("max(coalesce(x, -1))", &most, Nothing),
        ("max(x)", &least, Nothing),
    ] {
        let grouped = format!("SELECT id, {value} AS x FROM s.bronze.a GROUP BY id");
        let (told, all) = mesh.loosened([&columns(WAS), &columns(IS)], gold, &grouped);
        assert_eq!(told, expected, "{grouped}: {all}");
    }
    for (value, expected) in [
        ("max(coalesce(x, -1)) OVER (PARTITION BY k)", Perhaps),
        ("sum(coalesce(x, -1)) OVER (PARTITION BY k)", Perhaps),
        ("coalesce(max(x) OVER (PARTITION BY k), -1)", Perhaps),
        ("max(coalesce(x, 0)) OVER (PARTITION BY k)", Nothing),
        ("lag(x, 1, -1) OVER (ORDER BY id)", Nothing),
    ] {
        let sql = format!("SELECT id, {value} AS x FROM s.bronze.a");
        let (told, all) = mesh.loosened([&columns(WAS), &columns(IS)], &least, &sql);
        assert_eq!(told, expected, "{sql}: {all}");
    }
}

#[test]
fn null_is_replaced_in_what_may_be_null_by_another_column() {
    let mesh = Mesh::new();
    let least = number(", logicalTypeOptions: {minimum: 0}");
    let short = text(", logicalTypeOptions: {maxLength: 3}");
    for (value, gold, expected) in [
        ("upper(coalesce(CAST(x AS varchar), 'unknown')) AS k", &short, Perhaps),
        (
            "coalesce(CAST(x AS varchar), 'unknown') || '-' || k AS k",
            &short,
            Perhaps,
        ),
        ("concat('v', CAST(x AS varchar)) AS k", &short, Perhaps),
        ("concat_ws('-', CAST(x AS varchar), k) AS k", &short, Perhaps),
        ("array_to_string([CAST(x AS varchar), k], '-') AS k", &short, Perhaps),
        ("coalesce(x, -1) * y AS x", &least, Perhaps),
        ("x * y AS x", &least, Nothing),
        ("upper(CAST(x AS varchar)) AS k", &short, Nothing),
        ("CAST(x AS varchar) || k AS k", &short, Nothing),
        ("x * coalesce(y, 1) AS x", &least, Nothing),
    ] {
        let sql = format!("SELECT id, {value} FROM s.bronze.a");
        let (told, all) = mesh.loosened([&columns(WAS), &columns(IS)], gold, &sql);
        assert_eq!(told, expected, "{sql}: {all}");
    }
    let sums = "SELECT id, sum(coalesce(x, -1) * y) AS x FROM s.bronze.a GROUP BY id";
    let (told, all) = mesh.loosened([&columns(WAS), &columns(IS)], &least, sums);
    assert_eq!(told, Perhaps, "{all}");
}

#[test]
fn null_that_is_asked_for_before_does_not_come() {
    let mesh = Mesh::new();
    let (any, required) = (number(""), number(", required: true"));
    for (sql, expected) in [
        (
            "SELECT id, CASE WHEN x IS NULL THEN 0 ELSE x END AS x FROM s.bronze.a",
            Nothing,
        ),
        (
            "WITH q AS (SELECT id, CASE WHEN x IS NULL THEN 0 ELSE x END AS x FROM s.bronze.a) SELECT id, x FROM q",
            Nothing,
        ),
        (
            "SELECT id, CASE WHEN id > 5 THEN 0 ELSE x END AS x FROM s.bronze.a",
            Breaks,
        ),
    ] {
        let (told, all) = mesh.loosened([&required, &any], &required, sql);
        assert_eq!(told, expected, "{sql}: {all}");
    }
}

#[test]
fn constants_that_a_query_gives_beside_its_source_keep_to_a_tightened_limit_or_not() {
    let mesh = Mesh::new();
    let least = |least: u32| number(&format!(", logicalTypeOptions: {{minimum: {least}}}"));
    let required = number(", required: true, logicalTypeOptions: {minimum: 1}");
    let loses = |bronze: &str, gold: [&str; 2], sql: &str| {
        let ended = mesh.check([bronze, bronze], gold, sql);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let loses = ended.stderr.contains("pipeline s.g may lose rows to quarantine");
        (loses, ended.stderr)
    };
    let of_a = |value: &str| format!("SELECT id, {value} AS x FROM s.bronze.a");
    let grouped = |value: &str| format!("{} GROUP BY id", of_a(value));
    for (bronze, gold, sql, told) in [
        (&least(1), 1, of_a("coalesce(x, 0)"), true),
        (&least(1), 1, grouped("coalesce(max(x), 0)"), true),
        (&least(1), 1, grouped("max(coalesce(x, 0))"), true),
        (&least(1), 1, of_a("CASE WHEN id > 5 THEN x ELSE 0 END"), true),
        (&least(1), 1, of_a("least(x, 0)"), true),
        (&least(1), 1, of_a("lag(x, 1, 0) OVER (ORDER BY id)"), true),
        (&least(1), 1, format!("{} UNION ALL SELECT 9, 0", of_a("x")), true),
        // Of a constant nothing is known, and a frame before the row may hold none.
        (&least(1), 1, of_a("coalesce(x, abs(0))"), true),
        (&least(1), 1, of_a("coalesce(x, (SELECT 0))"), true),
        (
            &required,
            1,
            of_a("coalesce(max(x) OVER (ORDER BY id ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING), 0)"),
            true,
        ),
        (
            &required,
            1,
            of_a("coalesce(max(x) OVER (ORDER BY id ROWS BETWEEN 2 PRECEDING AND CURRENT ROW), 0)"),
            false,
        ),
        (&required, 0, grouped("sum(x)"), false),
        (&required, 0, grouped("coalesce(sum(x), 0)"), false),
        (&required, 0, grouped("coalesce(sum(x), -1)"), false),
        (&least(1), 0, grouped("coalesce(sum(x), -1)"), true),
        (&required, 0, grouped("sum(x - 1)"), true),
        (&least(1), 0, of_a("coalesce(x, 0)"), false),
        (&least(1), 1, of_a("coalesce(x, 1)"), false),
        (&least(1), 1, of_a("coalesce(x, NULL)"), false),
        (&least(1), 1, of_a("greatest(coalesce(x, 0), 1)"), false),
        // It is never given.
        (&required, 1, of_a("coalesce(x, 0)"), false),
        (&required, 1, grouped("coalesce(max(x), 0)"), false),
        (&required, 1, of_a("CASE WHEN x IS NULL THEN 0 ELSE x END"), false),
        (&least(1), 1, format!("{} WHERE x > 2", of_a("coalesce(x, 0)")), false),
    ] {
        let (found, all) = loses(bronze, [&number(""), &least(gold)], &sql);
        assert_eq!(found, told, "{bronze}: {sql}: {all}");
    }
    let few = super::listed("a, b");
    let short = text(", logicalTypeOptions: {maxLength: 1}");
    let one = text(", logicalTypeOptions: {pattern: '^[ab]$'}");
    for (gold, value, told) in [
        (&few, "coalesce(k, 'none')", true),
        (&short, "coalesce(k, 'none')", true),
        (&one, "coalesce(k, 'none')", true),
        (&few, "CASE WHEN k IS NULL THEN 'none' ELSE k END", true),
        (&few, "coalesce(k, 'a')", false),
        (&short, "coalesce(k, 'x')", false),
        (&one, "CASE WHEN k IS NULL THEN 'b' ELSE k END", false),
    ] {
        let sql = format!("SELECT id, {value} AS k FROM s.bronze.a");
        let (found, all) = loses(&few, [&text(""), gold], &sql);
        assert_eq!(found, told, "{gold}: {sql}: {all}");
    }
    let decimal = |more: &str| format!("{{name: d, logicalType: number, physicalType: 'decimal(10,2)'{more}}}");
    let bound = decimal(", logicalTypeOptions: {minimum: 1}");
    for (value, told) in [("0.0", true), ("0.5", true), ("1.5", false)] {
        let sql = format!("SELECT id, CAST(coalesce(d, {value}) AS decimal(10, 2)) AS d FROM s.bronze.a");
        let (found, all) = loses(&bound, [&decimal(""), &bound], &sql);
        assert_eq!(found, told, "{value}: {all}");
    }
    // Null is none of them.
    let (any, must) = (number(""), number(", required: true"));
    for (bronze, sql, told) in [
        (&any, of_a("coalesce(x, 0)"), false),
        (&must, grouped("sum(x)"), false),
        (&must, grouped("CAST(avg(x) AS bigint)"), false),
        (&must, grouped("sum(x) FILTER (WHERE x > 1)"), true),
        (
            &must,
            "SELECT sum(x) AS x, max(id) AS id FROM s.bronze.a".to_owned(),
            true,
        ),
        (&any, grouped("max(x)"), true),
        (
            &any,
            "SELECT id, max(x) AS x FROM s.bronze.a WHERE x IS NOT NULL GROUP BY id".to_owned(),
            false,
        ),
        (&any, grouped("sum(coalesce(x, 0))"), false),
        (
            &any,
            "SELECT a.id, a.x FROM s.bronze.a AS a JOIN s.bronze.a AS b ON b.id = a.x".to_owned(),
            false,
        ),
        (
            &any,
            "SELECT a.id, a.x FROM s.bronze.a AS a LEFT JOIN s.bronze.a AS b ON b.id = a.x".to_owned(),
            true,
        ),
        (
            &any,
            format!("{} WHERE x IN (SELECT id FROM s.bronze.a)", of_a("x")),
            false,
        ),
        (&any, format!("{} WHERE x + id > 0", of_a("x")), false),
    ] {
        let (found, all) = loses(bronze, [&any, &must], &sql);
        assert_eq!(found, told, "{bronze}: {sql}: {all}");
    }
}
