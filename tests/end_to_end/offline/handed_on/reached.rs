//! Limits that values reach in a new way: by what a query gives in the place of others, by two ways to one column and out of
//! what they were put into.

use super::{Breaks, Mesh, Nothing, Perhaps, contract, listed, number, text};

fn most(most: u32) -> String {
    number(&format!(", logicalTypeOptions: {{maximum: {most}}}"))
}

fn least(least: i32) -> String {
    number(&format!(", logicalTypeOptions: {{minimum: {least}}}"))
}

#[test]
fn values_that_a_query_gives_in_the_place_of_others_are_held_against_limits() {
    let mesh = Mesh::new();
    let (any, required) = (number(""), number(", required: true"));
    let both = number(", required: true, logicalTypeOptions: {minimum: 0}");
    let (two, three) = (listed("a, b"), listed("a, b, c"));
    let of_a = |value: &str| format!("SELECT id, {value} FROM s.bronze.a");
    for (was, is, gold, sql, expected) in [
        (&both, &least(0), &least(0), of_a("coalesce(x, -1) AS x"), Perhaps),
        (&both, &least(0), &least(0), of_a("coalesce(x, 0) AS x"), Nothing),
        (&both, &least(0), &most(9), of_a("coalesce(x, -1) AS x"), Nothing),
        (
            &required,
            &any,
            &listed("y"),
            of_a("CASE WHEN x IS NULL THEN 'n' ELSE 'y' END AS k"),
            Perhaps,
        ),
        (
            &required,
            &any,
            &listed("y, n"),
            of_a("CASE WHEN x IS NULL THEN 'n' ELSE 'y' END AS k"),
            Nothing,
        ),
        (
            &required,
            &any,
            &"{name: x, logicalType: boolean, enum: [{value: false}]}".to_owned(),
            of_a("x IS NULL AS x"),
            Perhaps,
        ),
        (
            &required,
            &any,
            &least(1),
            "SELECT id, count(x) AS x FROM s.bronze.a GROUP BY id".to_owned(),
            Perhaps,
        ),
        (
            &required,
            &any,
            &least(1),
            "SELECT id, count(*) AS x FROM s.bronze.a GROUP BY id".to_owned(),
            Nothing,
        ),
        (
            &most(3),
            &most(20),
            &most(50),
            of_a("CASE WHEN x > 10 THEN 99 ELSE 0 END AS x"),
            Perhaps,
        ),
        (
            &most(3),
            &most(20),
            &most(50),
            of_a("CASE WHEN x > 10 THEN x ELSE 0 END AS x"),
            Nothing,
        ),
        (
            &two,
            &three,
            &listed("one, two"),
            of_a("CASE WHEN k = 'a' THEN 'one' WHEN k = 'b' THEN 'two' ELSE 'other' END AS k"),
            Perhaps,
        ),
        (
            &two,
            &three,
            &most(0),
            "SELECT id, sum(CASE WHEN k IN ('a', 'b') THEN 0 ELSE 1 END) AS x FROM s.bronze.a GROUP BY id".to_owned(),
            Perhaps,
        ),
    ] {
        let (told, all) = mesh.loosened([was, is], gold, &sql);
        assert_eq!(told, expected, "{was} → {is}, {gold}, {sql}: {all}");
    }
}

#[test]
fn what_was_chosen_on_the_way_is_chosen_again_further_on() {
    let mesh = Mesh::new();
    let (any, both) = (
        number(""),
        number(", required: true, logicalTypeOptions: {maximum: 10}"),
    );
    let capped = "SELECT id, CASE WHEN x > 10 THEN 10 ELSE x END AS x FROM s.bronze.a";
    for (first, then, expected) in [
        (capped, "coalesce(x, 99)", Perhaps),
        ("SELECT id, x FROM s.bronze.a", "coalesce(x, 9)", Nothing),
        ("SELECT id, least(x, 10) AS x FROM s.bronze.a", "x", Nothing),
        ("SELECT id, x FROM s.bronze.a", "lag(x) OVER (ORDER BY id)", Nothing),
        ("SELECT id, x FROM s.bronze.a WHERE x IS NOT NULL", "x + 0", Nothing),
    ] {
        mesh.between("y", &any, first);
        let sql = format!("SELECT id, {then} AS x FROM s.silver.y");
        let (told, all) = mesh.loosened([&both, &most(10)], &most(10), &sql);
        assert_eq!(told, expected, "{first}, {then}: {all}");
    }
    let (few, more) = (listed("a, b"), listed("a, b, c"));
    let sign = format!("{}, {}", few, least(0));
    let grown = format!("{}, {}", more, least(0));
    for (value, expected) in [
        ("sum(CASE WHEN k = 'a' THEN x ELSE 0 END)", Nothing),
        ("sum(x) FILTER (WHERE k = 'a')", Nothing),
        ("sum(CASE WHEN k = 'a' THEN x ELSE -1 END)", Perhaps),
        ("CAST(sum(CASE WHEN k = 'a' THEN x ELSE -1 END) AS bigint)", Perhaps),
        ("coalesce(sum(CASE WHEN k = 'a' THEN x ELSE -1 END), 0)", Perhaps),
        (
            "coalesce(CAST(sum(CASE WHEN k = 'a' THEN x ELSE 0 END) AS bigint), 0)",
            Nothing,
        ),
    ] {
        let sql = format!("SELECT id, {value} AS x FROM s.bronze.a GROUP BY id");
        let (told, all) = mesh.loosened([&sign, &grown], &least(0), &sql);
        assert_eq!(told, expected, "{value}: {all}");
    }
}

#[test]
fn constants_that_were_given_on_the_way_are_held_against_limits_further_on() {
    let mesh = Mesh::new();
    let listed = |values: &str, more: &str| listed(values).replacen("enum", &format!("{more}enum"), 1);
    let (was, is) = (listed("a, b", "required: true, "), listed("a, b", ""));
    for (value, expected) in [
        ("k", Nothing),
        ("coalesce(k, 'a')", Nothing),
        ("coalesce(k, 'n')", Perhaps),
        ("CASE WHEN k IS NULL THEN 'b' ELSE k END", Nothing),
        ("CASE WHEN k IS NULL THEN 'n' ELSE k END", Perhaps),
    ] {
        mesh.between("y", &text(""), &format!("SELECT id, {value} AS k FROM s.bronze.a"));
        let (told, all) = mesh.loosened([&was, &is], &is, "SELECT id, k FROM s.silver.y");
        assert_eq!(told, expected, "{value}: {all}");
    }
}

#[test]
fn what_is_counted_counts_by_null_alone_and_bounds_stay_with_what_is_made_of_them() {
    let mesh = Mesh::new();
    let limited = |least: i32| number(&format!(", required: true, logicalTypeOptions: {{minimum: {least}}}"));
    let (some, none) = (limited(1), limited(0));
    let nullable = number(", logicalTypeOptions: {minimum: 1}");
    for (is, value, expected) in [
        (&none, "count(x)", Nothing),
        (&none, "CAST(count(x) AS bigint)", Nothing),
        (&none, "count(nullif(x, 0))", Perhaps),
        (&none, "max(x)", Breaks),
        (&none, "max(greatest(x, 1))", Nothing),
        (&none, "CAST(max(greatest(x, 1)) AS bigint)", Nothing),
        (&none, "coalesce(max(greatest(x, 1)), 1)", Nothing),
        (&none, "max(least(greatest(x, 1), 10))", Nothing),
        (&none, "max(greatest(x, 0))", Breaks),
        (&nullable, "count(x)", Perhaps),
    ] {
        let sql = format!("SELECT id, {value} AS x FROM s.bronze.a GROUP BY id");
        let (told, all) = mesh.loosened([&some, is], &least(1), &sql);
        assert_eq!(told, expected, "{is}, {value}: {all}");
    }
    let (two, three) = (listed("a, b"), listed("a, b, c"));
    let sql = "SELECT id, count(k) AS x FROM s.bronze.a GROUP BY id";
    let (told, all) = mesh.loosened([&two, &three], &least(1), sql);
    assert_eq!(told, Nothing, "{all}");
}

#[test]
fn rules_in_sql_are_held_against_what_the_step_itself_reads() {
    let mesh = Mesh::new();
    let two = |x: &str, rule: &str| format!("{x}, {{name: k, logicalType: integer, physicalType: bigint{rule}}}");
    let rule = ", quality: [{id: r, type: custom, engine: polder, implementation: {row: 'x > k'}}]";
    let any = number("");
    mesh.between("b", &two(&any, rule), "SELECT id, x, k FROM s.bronze.a");
    mesh.between(
        "c",
        &two(&any, ""),
        "SELECT id, x, greatest(k, -1) AS k FROM s.silver.b",
    );
    let (told, all) = mesh.loosened(
        [&two(&least(0), ""), &two(&any, "")],
        &two(&any, rule),
        "SELECT id, x, k FROM s.silver.c",
    );
    assert_eq!(told, Perhaps, "{all}");
}

#[test]
fn null_that_cannot_come_of_other_values_is_no_news() {
    let mesh = Mesh::new();
    let listed = |values: &str| listed(values).replacen("enum", "required: true, enum", 1);
    let (two, three) = (listed("a, b"), listed("a, b, c"));
    let required = text(", required: true");
    for value in [
        "upper(k)",
        "trim(k)",
        "substr(k, 1, 1)",
        "concat(k, '!')",
        "replace(k, 'a', 'b')",
    ] {
        let sql = format!("SELECT id, {value} AS k FROM s.bronze.a");
        let (told, all) = mesh.loosened([&two, &three], &required, &sql);
        assert_eq!(told, Nothing, "{value}: {all}");
    }
    let (few, more) = (
        number(", required: true, logicalTypeOptions: {maximum: 5}"),
        number(", required: true, logicalTypeOptions: {maximum: 6}"),
    );
    let must = number(", required: true");
    for (sql, expected) in [
        ("SELECT id, sum(x) AS x FROM s.bronze.a GROUP BY id", Nothing),
        ("SELECT id, abs(x) AS x FROM s.bronze.a", Nothing),
        ("SELECT id, nullif(x, 6) AS x FROM s.bronze.a", Perhaps),
        (
            "SELECT id, TRY_CAST(CAST(x AS varchar) || 'a' AS bigint) AS x FROM s.bronze.a",
            Perhaps,
        ),
    ] {
        let (told, all) = mesh.loosened([&few, &more], &must, sql);
        assert_eq!(told, expected, "{sql}: {all}");
    }
    // A group has a value where one of its rows has.
    for function in ["sum", "max", "avg"] {
        let whole = if function == "avg" {
            "CAST(avg(x) AS bigint)".to_owned()
        } else {
            format!("{function}(x)")
        };
        let sql = format!("SELECT id, {whole} AS x FROM s.bronze.a GROUP BY id");
        let (told, all) = mesh.loosened([&must, &number("")], &must, &sql);
        assert_eq!(told, Perhaps, "{sql}: {all}");
    }
    let ruled = |rule: &str| {
        number(&format!(
            ", required: true, quality: [{{id: q, type: sql, query: 'SELECT count(*) FROM {{object}} WHERE x < 0', {rule}}}]"
        ))
    };
    let sums = "SELECT id, sum(x) AS x FROM s.bronze.a GROUP BY id";
    let (told, all) = mesh.loosened([&ruled("mustBe: 0"), &must], &must, sums);
    assert_eq!(told, Nothing, "{all}");
}

#[test]
fn numbers_that_are_none_pass_no_limit_from_below() {
    let mesh = Mesh::new();
    let double = |more: &str| format!("{{name: x, logicalType: number, physicalType: double{more}}}");
    let (least, any) = (double(", logicalTypeOptions: {minimum: 0}"), double(""));
    let most = double(", logicalTypeOptions: {maximum: 9}");
    for (was, sql, expected) in [
        (&least, "SELECT id, x FROM s.bronze.a WHERE x >= 0", Perhaps),
        (&least, "SELECT id, greatest(x, 0) AS x FROM s.bronze.a", Breaks),
        (&most, "SELECT id, x FROM s.bronze.a WHERE x <= 9", Nothing),
    ] {
        let (told, all) = mesh.loosened([was, &any], was, sql);
        assert_eq!(told, expected, "{sql}: {all}");
    }
}

#[test]
fn each_way_to_a_column_counts_and_a_filter_on_the_way_too() {
    let mesh = Mesh::new();
    let (any, required) = (number(""), number(", required: true"));
    let union = "SELECT id, x FROM s.silver.one UNION ALL SELECT id + 100 AS id, x FROM s.silver.two";
    mesh.between("two", &any, "SELECT id, x FROM s.bronze.a");
    for (was, filter, other, expected) in [
        (&most(10), "x <= 10", "", Perhaps),
        (&most(10), "x <= 10", "WHERE x <= 10", Nothing),
        (&required, "x IS NOT NULL", "", Perhaps),
        (&required, "x IS NOT NULL", "WHERE x IS NOT NULL", Nothing),
    ] {
        mesh.between("one", &any, &format!("SELECT id, x FROM s.bronze.a WHERE {filter}"));
        mesh.write("pipelines/s/two.sql", &format!("SELECT id, x FROM s.bronze.a {other}"));
        mesh.between("both", &any, union);
        let (told, all) = mesh.loosened([was, &any], was, "SELECT id, x FROM s.silver.both");
        assert_eq!(told, expected, "{was}, {filter}, {other}: {all}");
    }
}

#[test]
fn what_was_put_inside_is_followed_where_it_comes_out() {
    let mesh = Mesh::new();
    let any = number("");
    let object = |more: &str| {
        format!(
            "{{name: m, logicalType: object, properties: [{{name: x, logicalType: integer, physicalType: bigint{more}}}]}}"
        )
    };
    let list = "{name: m, logicalType: array, items: {logicalType: integer, physicalType: bigint}}";
    for (silver, put, taken, gold, expected) in [
        (object(""), "named_struct('x', x)", "m['x']", most(5), Perhaps),
        // It is refused there.
        (
            object(", logicalTypeOptions: {maximum: 5}"),
            "named_struct('x', x)",
            "m['x']",
            most(5),
            Nothing,
        ),
        (object(""), "named_struct('x', x)", "m['x']", any.clone(), Nothing),
        (list.to_owned(), "[x]", "m[1]", most(5), Perhaps),
        (
            object(""),
            "coalesce(named_struct('x', x), named_struct('x', 0))",
            "m['x']",
            most(5),
            Perhaps,
        ),
        (
            list.to_owned(),
            "CASE WHEN x > 0 THEN [x] ELSE [0] END",
            "m[1]",
            most(5),
            Perhaps,
        ),
        (
            list.to_owned(),
            "array_agg(x) OVER (PARTITION BY id)",
            "m[1]",
            most(5),
            Perhaps,
        ),
    ] {
        mesh.between("y", &silver, &format!("SELECT id, {put} AS m FROM s.bronze.a"));
        let sql = format!("SELECT id, {taken} AS x FROM s.silver.y");
        let (told, all) = mesh.loosened([&most(5), &any], &gold, &sql);
        assert_eq!(told, expected, "{silver}, {put}, {taken}, {gold}: {all}");
    }
    // As a whole, too.
    let limited = object(", logicalTypeOptions: {maximum: 5}");
    mesh.between("y", &object(""), "SELECT id, named_struct('x', x) AS m FROM s.bronze.a");
    for (was, is, gold, expected) in [
        (&most(5), &any, &limited, Perhaps),
        (&number(", required: true"), &any, &object(", required: true"), Perhaps),
        (&most(5), &any, &object(""), Nothing),
    ] {
        let (told, all) = mesh.loosened([was, is], gold, "SELECT id, m FROM s.silver.y");
        assert_eq!(told, expected, "{gold}: {all}");
    }
    let address = |more: &str| {
        format!(
            "{{name: x, logicalType: object{more}, properties: [{{name: city, logicalType: string, physicalType: string, required: true}}]}}"
        )
    };
    mesh.between("y", &text(""), "SELECT id, x['city'] AS k FROM s.bronze.a");
    let (told, all) = mesh.loosened(
        [&address(", required: true"), &address("")],
        &text(", required: true"),
        "SELECT id, k FROM s.silver.y",
    );
    assert_eq!(told, Perhaps, "{all}");
}

#[test]
fn rules_in_sql_are_read_without_their_comments_and_mean_the_rows_that_there_are() {
    let mesh = Mesh::new();
    let any = number("");
    let row = |sql: &str| {
        number(&format!(
            ", quality: [{{id: r, type: custom, engine: polder, implementation: {{row: \"{sql}\"}}}}]"
        ))
    };
    let counts = |sql: &str| {
        number(&format!(
            ", quality: [{{id: q, type: sql, query: \"{sql}\", mustBe: 0}}]"
        ))
    };
    let plain = "SELECT id, x FROM s.bronze.a";
    for gold in [
        row("/* it's */ x >= 0"),
        counts("SELECT count(*) FROM {object} -- don't\\n WHERE x < 0"),
        counts("SELECT count(*) FROM {object} AS t(i, y) WHERE y < 0"),
    ] {
        let (told, all) = mesh.loosened([&least(0), &any], &gold, plain);
        assert_eq!(told, Perhaps, "{gold}: {all}");
    }
    let (asks, twice) = (
        row("x IS NOT NULL"),
        counts("SELECT count(*) - count(DISTINCT x) FROM {object}"),
    );
    mesh.write("contracts/s/c.odcs.yaml", &contract("s.bronze.c", "1.0.0", &any));
    let joins = "SELECT c.id, a.x FROM s.bronze.c AS c LEFT JOIN s.bronze.a AS a ON a.id = c.id";
    let few = "SELECT id, x FROM s.bronze.a WHERE id > 1";
    for (bronze, gold, sql, loses) in [
        (&asks, &asks, plain, false),
        (&asks, &asks, few, false),
        (&asks, &asks, joins, true),
        (&twice, &twice, plain, false),
        (&twice, &twice, joins, true),
        (&twice, &twice, few, true),
    ] {
        let ended = mesh.check([bronze, bronze], [&any, gold], sql);
        let told = ended.stderr.contains("warning[breaks-writers]");
        assert_eq!(told, loses, "{gold}, {sql}: {}", ended.stderr);
    }
}

#[test]
fn what_a_query_makes_of_constants_is_what_it_is() {
    let mesh = Mesh::new();
    let any = number("");
    let day = "{name: x, logicalType: date";
    for (was, is, value) in [
        (any.clone(), least(2), "1 + 1"),
        (any.clone(), least(1), "count(*)"),
        (text(""), listed("a"), "CAST('a' AS varchar)"),
        (text(""), text(", logicalTypeOptions: {maxLength: 2}"), "'a' || 'b'"),
        (
            format!("{day}}}"),
            format!("{day}, logicalTypeOptions: {{minimum: 2020-01-01}}}}"),
            "DATE '2024-01-31'",
        ),
    ] {
        let name = if was == text("") { "k" } else { "x" };
        let sql = format!("SELECT id, {value} AS {name} FROM s.bronze.a GROUP BY id");
        let ended = mesh.check([&any, &any], [&was, &is], &sql);
        assert!(
            ended.code == Some(0) && !ended.stderr.contains("warning[breaks-writers]"),
            "{value}: {}",
            ended.stderr
        );
    }
    // One of them is not.
    let ended = mesh.check([&any, &any], [&any, &least(3)], "SELECT id, 1 + 1 AS x FROM s.bronze.a");
    assert!(ended.stderr.contains("warning[breaks-writers]"), "{}", ended.stderr);
}
