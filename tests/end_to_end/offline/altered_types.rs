//! What `polder check --base` says of queries that are as they were (however they are written, and whatever their pipeline is
//! called) and do something else with values of another type; and that it says nothing where they do the same.

use std::fs;

use super::altered_queries::{contract, mesh, rewrite, with_properties};
use super::pull_requests::{Repository, said};

const ID: &str = "      - {name: id, logicalType: integer, physicalType: bigint}\n";
const BROKEN: &str = "it breaks consumer board, pipeline s.g";

/// A column of a type, as in a contract; `o(a b)` is an object of whole numbers.
fn column(name: &str, kind: &str) -> String {
    if let Some(fields) = kind.strip_prefix("o(").and_then(|fields| fields.strip_suffix(')')) {
        let fields = fields.split(' ');
        let fields: Vec<_> = fields
            .map(|name| format!("{{name: {name}, logicalType: integer, physicalType: bigint}}"))
            .collect();
        let fields = fields.join(", ");
        return format!("      - {{name: {name}, logicalType: object, properties: [{fields}]}}\n");
    }
    let logical = match kind {
        "int" | "bigint" => "integer",
        "double" => "number",
        decimal if decimal.starts_with("decimal") => "number",
        text if text.starts_with("varchar") => "string",
        other => other,
    };
    format!("      - {{name: {name}, logicalType: {logical}, physicalType: \"{kind}\"}}\n")
}

/// `s.silver.a` with `x` of a type, or what of gold it makes.
fn of(dataset: &str, version: &str, kind: &str) -> String {
    with_properties(dataset, version, &format!("{ID}{}", column("x", kind)), "")
}

fn of_types(x: &str, gold: &str, sql: &str) -> Repository {
    let b = contract("s.silver.b", "1.0.0", "id", "");
    mesh(&of("s.silver.a", "1.0.0", x), &b, &of("s.gold.g", "1.0.0", gold), sql)
}

#[test]
fn a_query_that_does_something_else_with_values_of_another_type_is_broken() {
    for (was, is, gold, sql, told) in [
        (
            "string",
            "bigint",
            "bigint",
            "SELECT id, count(*) AS x FROM s.silver.a WHERE x > '10' GROUP BY id",
            "the rows of s.gold.g are chosen by s.silver.a.x by `>`, which takes exact numbers now, and took text",
        ),
        (
            "bigint",
            "double",
            "double",
            "SELECT id, CAST(x / 2 AS double) AS x FROM s.silver.a",
            "s.gold.g.x is made of s.silver.a.x by `/`, which takes numbers of 64 bits (double) now, and took whole numbers",
        ),
        (
            "date",
            "timestamp",
            "bigint",
            "SELECT 1 AS id, count(*) AS x FROM s.silver.a WHERE x <= DATE '2026-01-01'",
            "the rows of s.gold.g are chosen by s.silver.a.x by `<=`",
        ),
        (
            "string",
            "bigint",
            "bigint",
            "SELECT id, CAST(max(x) AS bigint) AS x FROM s.silver.a GROUP BY id",
            "s.gold.g.x is made of s.silver.a.x by max",
        ),
        (
            "date",
            "timestamp",
            "bigint",
            "SELECT 1 AS id, count(DISTINCT x) AS x FROM s.silver.a",
            "s.gold.g.x is made of s.silver.a.x by count of DISTINCT",
        ),
        (
            "string",
            "bigint",
            "string",
            "SELECT id, CAST(x AS varchar) AS x FROM s.silver.a WHERE character_length(CAST(x AS varchar)) = 5",
            "by character_length, which takes the digits of whole numbers now, and took text",
        ),
        (
            "bigint",
            "int",
            "bigint",
            "SELECT id, x * x AS x FROM s.silver.a",
            "s.gold.g.x is made of s.silver.a.x by `*`, which takes whole numbers of 32 bits now, and took exact numbers",
        ),
        (
            "string",
            "double",
            "bigint",
            "SELECT id, TRY_CAST(x AS bigint) AS x FROM s.silver.a WHERE TRY_CAST(x AS bigint) IS NOT NULL",
            "by TRY_CAST to whole numbers, which takes numbers of 64 bits (double) now, and took text",
        ),
        // Objects that are taken whole.
        (
            "o(a b c)",
            "o(a b)",
            "bigint",
            "SELECT id, count(*) AS x FROM (SELECT DISTINCT id, x FROM s.silver.a) GROUP BY id",
            "the column `x.c` was removed: it breaks consumer board, pipeline s.g",
        ),
        (
            "o(a b)",
            "o(a b c)",
            "bigint",
            "SELECT id, count(DISTINCT x) AS x FROM s.silver.a GROUP BY id",
            "the column `x.c` was added and is optional: it breaks consumer board, pipeline s.g",
        ),
        (
            "o(a b)",
            "o(b a)",
            "bigint",
            "SELECT max(id) AS id, max(x)['a'] AS x FROM s.silver.a",
            "the columns of s.silver.a stand in other places: it breaks consumer board, pipeline s.g",
        ),
    ] {
        let repository = of_types(was, gold, sql);
        rewrite(&repository, "contracts/s/a.odcs.yaml", &of("s.silver.a", "2.0.0", is));
        let ended = repository.check();
        assert_eq!(ended.code, Some(1), "{sql}\n{}", said(&ended));
        for part in [BROKEN, told] {
            assert!(ended.stderr.contains(part), "{sql}\n{part}\n{}", said(&ended));
        }
    }
}

#[test]
fn a_query_that_does_the_same_with_values_of_another_type_is_not_broken() {
    for (was, is, gold, sql) in [
        (
            "int",
            "bigint",
            "bigint",
            "SELECT id, sum(x / 2) AS x FROM s.silver.a WHERE x > 10 GROUP BY id",
        ),
        (
            "decimal(10,2)",
            "decimal(12,2)",
            "decimal(38,2)",
            "SELECT id, CAST(x / 3 AS decimal(38,2)) AS x FROM s.silver.a WHERE x > 10",
        ),
        (
            "varchar(10)",
            "varchar(20)",
            "string",
            "SELECT id, upper(x) AS x FROM s.silver.a WHERE x > '10'",
        ),
        (
            "bigint",
            "double",
            "double",
            "SELECT id, CAST(x AS double) AS x FROM s.silver.a",
        ),
        (
            "int",
            "double",
            "double",
            "SELECT id, CAST(x AS double) AS x FROM s.silver.a WHERE x > 0",
        ),
        (
            "string",
            "bigint",
            "bigint",
            "SELECT id, CAST(x AS bigint) AS x FROM s.silver.a WHERE CAST(x AS bigint) > 10",
        ),
        (
            "string",
            "bigint",
            "bigint",
            "SELECT id, count(x) AS x FROM s.silver.a GROUP BY id",
        ),
        (
            "date",
            "timestamp",
            "date",
            "SELECT id, CAST(date_trunc('month', x) AS date) AS x FROM s.silver.a",
        ),
        (
            "o(a b)",
            "o(a b c)",
            "bigint",
            "SELECT DISTINCT id, x['a'] AS x FROM s.silver.a",
        ),
        (
            "o(a b)",
            "o(b a)",
            "bigint",
            "SELECT max(id) AS id, max(x['a']) AS x FROM s.silver.a",
        ),
    ] {
        let repository = of_types(was, gold, sql);
        rewrite(&repository, "contracts/s/a.odcs.yaml", &of("s.silver.a", "2.0.0", is));
        let ended = repository.check();
        assert!(!said(&ended).contains("it breaks"), "{sql}\n{}", said(&ended));
        assert_eq!(ended.code, Some(0), "{sql}\n{}", said(&ended));
    }
    // A query that changed along says what is meant.
    let repository = of_types(
        "bigint",
        "double",
        "SELECT id, CAST(x / 2 AS double) AS x FROM s.silver.a",
    );
    rewrite(
        &repository,
        "contracts/s/a.odcs.yaml",
        &of("s.silver.a", "2.0.0", "double"),
    );
    rewrite(
        &repository,
        "pipelines/s/g.sql",
        "SELECT id, CAST(floor(x / 2) AS double) AS x FROM s.silver.a",
    );
    let ended = repository.check();
    assert_eq!(ended.code, Some(0), "{}", said(&ended));
}

#[test]
fn a_rule_that_does_something_else_with_values_of_another_type_is_broken() {
    const RULE: &str = "    quality:\n      - {id: few, type: sql, mustBe: 0, query: \"SELECT count(*) FROM s.silver.a WHERE x > \
                        '10'\"}\n";
    let id = ID.replace('}', ", relationships: [{to: s.silver.a.id}]}");
    let b = with_properties("s.silver.b", "1.0.0", &id, RULE);
    let gold = contract("s.gold.g", "1.0.0", "id", "");
    let query = "SELECT id FROM s.silver.b";
    let repository = mesh(&of("s.silver.a", "1.0.0", "string"), &b, &gold, query);
    rewrite(
        &repository,
        "contracts/s/a.odcs.yaml",
        &of("s.silver.a", "2.0.0", "bigint"),
    );
    let ended = repository.check();
    assert_eq!(ended.code, Some(1), "{}", said(&ended));
    let told = "from string to bigint: it breaks rule few of s.silver.b";
    assert!(ended.stderr.contains(told), "{}", said(&ended));
}

#[test]
fn a_query_is_as_it_was_however_it_is_written_and_its_pipeline_is_called() {
    const QUERY: &str =
        "SELECT id, v FROM s.silver.a a WHERE EXISTS (SELECT 1 FROM s.silver.b b WHERE b.id = a.id AND k = 7)";
    let of = |b: &str| {
        mesh(
            &contract("s.silver.a", "1.0.0", "id k v", ""),
            &contract("s.silver.b", "1.0.0", b, ""),
            &contract("s.gold.g", "1.0.0", "id v", ""),
            QUERY,
        )
    };
    let written: [(&str, String); 5] = [
        ("g", format!("-- it\n{QUERY} /* all */\n;")),
        ("g", QUERY.replace(" WHERE", "\n WHERE")),
        ("g", QUERY.to_lowercase()),
        ("g", QUERY.replace("s.silver.a a", "s.silver.a AS a")),
        ("gg", QUERY.to_owned()),
    ];
    for (name, text) in &written {
        for (before, after, version, broken) in [("id k", "id", "2.0.0", true), ("id k", "id k z", "1.1.0", false)] {
            let repository = of(before);
            for suffix in ["pipeline.yaml", "sql"] {
                let path = |name: &str| repository.path(&format!("pipelines/s/{name}.{suffix}"));
                fs::rename(path("g"), path(name)).unwrap();
            }
            rewrite(&repository, &format!("pipelines/s/{name}.sql"), text);
            let b = contract("s.silver.b", version, after, "");
            rewrite(&repository, "contracts/s/b.odcs.yaml", &b);
            let ended = repository.check();
            let told = format!("it breaks consumer board, pipeline s.{name}\n");
            assert_eq!(said(&ended).contains(&told), broken, "{text}\n{}", said(&ended));
            assert_eq!(ended.code, Some(i32::from(broken)), "{text}\n{}", said(&ended));
        }
    }
    // A column that came takes a name over, in a pipeline of another name.
    let repository = mesh(
        &contract("s.silver.a", "1.0.0", "id v", ""),
        &contract("s.silver.b", "1.0.0", "id w", ""),
        &contract("s.gold.g", "1.0.0", "id v", ""),
        "SELECT id, v FROM s.silver.a WHERE EXISTS (SELECT 1 FROM s.silver.b b WHERE b.w < v)",
    );
    for suffix in ["pipeline.yaml", "sql"] {
        let path = |name: &str| repository.path(&format!("pipelines/s/{name}.{suffix}"));
        fs::rename(path("g"), path("gg")).unwrap();
    }
    let b = contract("s.silver.b", "1.1.0", "id w v", "");
    rewrite(&repository, "contracts/s/b.odcs.yaml", &b);
    let ended = repository.check();
    let told = "is optional: it breaks consumer board, pipeline s.gg\n";
    assert!(ended.stderr.contains(told), "{}", said(&ended));
    // Another column, another literal: the query is another.
    for adapted in ["a.k = 7", "k = 8"] {
        let repository = of("id k");
        rewrite(&repository, "pipelines/s/g.sql", &QUERY.replace("k = 7", adapted));
        let b = contract("s.silver.b", "2.0.0", "id", "");
        rewrite(&repository, "contracts/s/b.odcs.yaml", &b);
        let ended = repository.check();
        assert_eq!(ended.code, Some(0), "{adapted}\n{}", said(&ended));
    }
}

#[test]
fn what_only_a_star_brings_and_nobody_takes_breaks_nobody() {
    let query = "WITH q AS (SELECT a.* FROM s.silver.a a) SELECT id, sum(v) AS v FROM q GROUP BY id";
    let repository = mesh(
        &contract("s.silver.a", "1.0.0", "id k v", ""),
        &contract("s.silver.b", "1.0.0", "id note", ""),
        &contract("s.gold.g", "1.0.0", "id v", ""),
        query,
    );
    // `k` is made by a pipeline that does not plan any more.
    for (path, text) in [
        (
            "pipelines/s/a.pipeline.yaml",
            "description: It.\ndataset: s.silver.a\nmaterialization: append\n",
        ),
        ("pipelines/s/a.sql", "SELECT id, note AS k, id AS v FROM s.silver.b"),
    ] {
        rewrite(&repository, path, text);
    }
    repository.commit();
    let b = contract("s.silver.b", "2.0.0", "id", "");
    rewrite(&repository, "contracts/s/b.odcs.yaml", &b);
    let ended = repository.check();
    assert!(
        ended.stderr.contains("was removed: it breaks pipeline s.a\n"),
        "{}",
        said(&ended)
    );
    let waiting = "not built until mended: consumer board, pipeline s.g";
    assert!(said(&ended).contains(waiting), "{}", said(&ended));
}
