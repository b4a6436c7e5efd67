//! Keys that are lost above: where rows meet others by them, and where they are keys more than one step further on.

use super::{Breaks, Mesh, Nothing, Perhaps, contract, number};

/// The rows of `s.silver.b`, each as often as a row of what is joined has the same `x`.
fn joined(with: &str, on: &str) -> String {
    format!("SELECT b.id, b.x FROM s.silver.b AS b LEFT JOIN {with} AS a ON {on}")
}

impl Mesh {
    /// A mesh of which `s.silver.b` is built from `s.bronze.c` alone.
    fn of_two() -> Self {
        let mesh = Self::new();
        let any = number("");
        mesh.between("b", &any, "SELECT id, x FROM s.bronze.c");
        mesh.write("contracts/s/c.odcs.yaml", &contract("s.bronze.c", "1.0.0", &any));
        mesh
    }
}

#[test]
fn rows_meet_by_them_in_joins_in_whatever_words() {
    let mesh = Mesh::of_two();
    let (any, unique) = (number(""), number(", unique: true"));
    let described = any.replace('}', ", description: X}");
    let same = "a.x = b.x";
    let fans = joined("s.bronze.a", same);
    for (was, is, gold, sql, expected) in [
        (&unique, &any, &unique, fans.as_str(), Perhaps),
        (&unique, &any, &any, &fans, Nothing),
        (&any, &described, &unique, &fans, Nothing),
        (
            &unique,
            &any,
            &unique,
            "SELECT b.id, b.x FROM s.silver.b AS b, s.bronze.a AS a WHERE a.x = b.x",
            Perhaps,
        ),
        (
            &unique,
            &any,
            &unique,
            "SELECT b.id, b.x FROM s.silver.b AS b LEFT SEMI JOIN s.bronze.a AS a ON a.x = b.x",
            Nothing,
        ),
        (
            &unique,
            &any,
            &unique,
            "SELECT max(b.id) AS id, b.x FROM s.silver.b AS b LEFT JOIN s.bronze.a AS a ON a.x = b.x GROUP BY b.x",
            Nothing,
        ),
    ] {
        let (told, all) = mesh.loosened([was, is], gold, sql);
        assert_eq!(told, expected, "{was} → {is}, {gold}, {sql}: {all}");
    }
    let numbered = |by: &str, only: &str| {
        format!(
            "(SELECT x FROM (SELECT x, row_number() OVER (PARTITION BY {by} ORDER BY id) AS n FROM s.bronze.a) AS q WHERE {only})"
        )
    };
    for (with, on, expected) in [
        ("s.bronze.a", "abs(a.x) = abs(b.x)", Perhaps),
        ("s.bronze.a", "a.x + 0 = b.x", Perhaps),
        ("s.bronze.a", "a.x IS NOT DISTINCT FROM b.x", Perhaps),
        ("s.bronze.a", "a.x = b.x OR a.x = b.x + 1", Perhaps),
        ("s.bronze.a", "a.x BETWEEN b.x AND b.x", Perhaps),
        ("(SELECT x FROM s.bronze.a ORDER BY id LIMIT 9)", same, Perhaps),
        ("(SELECT x + 0 AS x FROM s.bronze.a)", same, Perhaps),
        (
            "(SELECT x FROM s.bronze.a UNION ALL SELECT x FROM s.bronze.a)",
            same,
            Perhaps,
        ),
        ("(SELECT DISTINCT id, x FROM s.bronze.a)", same, Perhaps),
        ("(SELECT DISTINCT x FROM s.bronze.a)", same, Nothing),
        ("(SELECT x, max(id) AS n FROM s.bronze.a GROUP BY x)", same, Nothing),
        (&numbered("x", "n = 1"), same, Nothing),
        (&numbered("x", "n <= 2"), same, Perhaps),
        (&numbered("id", "n = 1"), same, Perhaps),
    ] {
        let (told, all) = mesh.loosened([&unique, &any], &unique, &joined(with, on));
        assert_eq!(told, expected, "{with}, {on}: {all}");
    }
}

#[test]
fn they_are_keys_further_on_unless_a_query_leaves_one_of_each() {
    let mesh = Mesh::of_two();
    let (any, unique) = (number(""), number(", unique: true"));
    // The rows come twice before they come to the key.
    mesh.between("y", &any, &joined("s.bronze.a", "a.x = b.x"));
    let (told, all) = mesh.loosened([&unique, &any], &unique, "SELECT id, x FROM s.silver.y");
    assert_eq!(told, Perhaps, "{all}");
    let numbered = |by: &str| {
        format!(
            "SELECT id, x FROM (SELECT *, row_number() OVER (PARTITION BY {by} ORDER BY id) AS n FROM s.bronze.a) AS q WHERE n = 1"
        )
    };
    for (first, expected) in [
        ("SELECT id, x FROM s.bronze.a", Perhaps),
        (&numbered("x"), Nothing),
        (&numbered("id"), Perhaps),
        (&numbered("id, x"), Perhaps),
        ("SELECT max(id) AS id, x FROM s.bronze.a GROUP BY x", Nothing),
        ("SELECT id, x FROM s.bronze.a GROUP BY id, x", Perhaps),
        ("SELECT id, max(x) AS x FROM s.bronze.a GROUP BY id", Perhaps),
        ("SELECT DISTINCT id, x FROM s.bronze.a", Perhaps),
        ("SELECT DISTINCT 1 AS id, x FROM s.bronze.a", Nothing),
        ("SELECT DISTINCT ON (x) id, x FROM s.bronze.a ORDER BY x, id", Nothing),
        ("SELECT DISTINCT ON (id) id, x FROM s.bronze.a ORDER BY id, x", Perhaps),
        (
            "SELECT id, x FROM s.bronze.a UNION SELECT id, x FROM s.bronze.a",
            Perhaps,
        ),
    ] {
        mesh.between("y", &any, first);
        let (told, all) = mesh.loosened([&unique, &any], &unique, "SELECT id, x FROM s.silver.y");
        assert_eq!(told, expected, "{first}: {all}");
    }
    // Rows from elsewhere are one again, by each of their columns.
    for group in ["c.id, c.x", "c.x, c.id"] {
        mesh.between(
            "y",
            &any,
            &format!(
                "SELECT c.id, c.x FROM s.bronze.c AS c LEFT JOIN s.bronze.a AS a ON a.x = c.x GROUP BY {group} HAVING sum(a.id) > 9"
            ),
        );
        for columns in ["id, x", "x AS id, id AS x"] {
            let sql = format!("SELECT {columns} FROM s.silver.y");
            let (told, all) = mesh.loosened([&unique, &any], &unique, &sql);
            assert_eq!(told, Nothing, "{group}, {columns}: {all}");
        }
    }
}

#[test]
fn keys_are_made_of_them_in_other_words() {
    let mesh = Mesh::new();
    let (any, unique) = (number(""), number(", unique: true"));
    for (value, expected) in [
        ("CAST(CAST(x AS int) AS bigint)", Perhaps),
        ("x + 1", Perhaps),
        ("coalesce(x, 0)", Perhaps),
        ("x * 1000 + id", Perhaps),
        ("CASE WHEN x > 0 THEN x ELSE id END", Perhaps),
        // What is chosen by it was not apart before.
        ("CASE WHEN x > 0 THEN id ELSE -id END", Nothing),
        ("count(x) OVER (ORDER BY id)", Nothing),
        ("id", Nothing),
    ] {
        let sql = |from: &str| format!("SELECT id, {value} AS x FROM {from}");
        let (told, all) = mesh.loosened([&unique, &any], &unique, &sql("s.bronze.a"));
        assert_eq!(told, expected, "{value}: {all}");
    }
    let far = |first: &str, then: &str, expected| {
        mesh.between("y", &any, first);
        let (told, all) = mesh.loosened([&unique, &any], &unique, then);
        assert_eq!(told, expected, "{first}; {then}: {all}");
    };
    far(
        "SELECT id, x + 1 AS x FROM s.bronze.a",
        "SELECT id, x FROM s.silver.y",
        Perhaps,
    );
    far(
        "SELECT id, x FROM s.bronze.a",
        "SELECT id, x * 2 AS x FROM s.silver.y",
        Perhaps,
    );
    far(
        "SELECT max(id) AS id, x + 1 AS x FROM s.bronze.a GROUP BY x",
        "SELECT id, x FROM s.silver.y",
        Nothing,
    );
    far(
        "SELECT id, CASE WHEN x > 0 THEN 1 ELSE 0 END AS x FROM s.bronze.a",
        "SELECT id, x FROM s.silver.y",
        Nothing,
    );
    far(
        "SELECT id, sum(x) AS x FROM s.bronze.a GROUP BY id",
        "SELECT id, x FROM s.silver.y",
        Nothing,
    );
}

#[test]
fn what_else_is_in_a_query_neither_hides_them_nor_keeps_them() {
    let mesh = Mesh::of_two();
    let (any, unique) = (number(""), number(", unique: true"));
    let fans = joined("s.bronze.a", "a.x = b.x");
    for (sql, expected) in [
        // Grouped below the join that they come twice in, or beside it.
        (
            "SELECT q.n AS id, q.x FROM (SELECT x, count(*) AS n FROM s.silver.b GROUP BY x) AS q LEFT JOIN s.bronze.a AS a ON a.x = q.x",
            Perhaps,
        ),
        (
            "SELECT a.id, a.x FROM s.bronze.a AS a JOIN (SELECT x, count(*) AS n FROM s.bronze.a GROUP BY x) AS q ON q.x = a.x",
            Perhaps,
        ),
        (
            &format!("{fans} LEFT JOIN (SELECT x, count(*) AS n FROM s.silver.b GROUP BY x) AS q ON q.x = b.x"),
            Perhaps,
        ),
        (&format!("{fans} GROUP BY b.id, b.x"), Nothing),
        // What is looked up is another value of each row that looks.
        (
            "SELECT a.x, b.id FROM s.bronze.a AS a LEFT JOIN s.silver.b AS b ON b.x = a.id GROUP BY a.x, b.id",
            Perhaps,
        ),
        (
            "SELECT DISTINCT a.x, b.id FROM s.bronze.a AS a JOIN s.silver.b AS b ON b.x = a.id",
            Perhaps,
        ),
        (
            "SELECT b.id, b.x FROM s.silver.b AS b LEFT JOIN (SELECT -1 AS x UNION ALL SELECT x FROM s.bronze.a) AS q ON q.x = b.x",
            Perhaps,
        ),
        // One row is looked up.
        (
            "SELECT b.id, b.x FROM s.silver.b AS b, s.bronze.a AS a WHERE a.x = 1",
            Perhaps,
        ),
        (
            "SELECT b.id, b.x FROM s.silver.b AS b LEFT JOIN s.bronze.a AS a ON a.x = 1",
            Perhaps,
        ),
        (
            "SELECT id, (SELECT id FROM s.bronze.a WHERE x = 1) AS x FROM s.silver.b",
            Perhaps,
        ),
        (
            "SELECT id, (SELECT max(id) FROM s.bronze.a WHERE x = 1) AS x FROM s.silver.b",
            Nothing,
        ),
        ("SELECT id, rank() OVER (ORDER BY x) AS x FROM s.bronze.a", Perhaps),
        (
            "SELECT id, row_number() OVER (ORDER BY x) AS x FROM s.bronze.a",
            Nothing,
        ),
        // The first of each is taken.
        (
            "SELECT id, x FROM (SELECT *, row_number() OVER (PARTITION BY x ORDER BY id) AS n FROM s.bronze.a) AS q WHERE n = 1",
            Nothing,
        ),
        (
            "SELECT b.id, b.x FROM s.silver.b AS b LEFT JOIN (SELECT x, row_number() OVER (PARTITION BY x ORDER BY id) AS n \
             FROM s.bronze.a) AS a ON a.x = b.x AND a.n = 1",
            Nothing,
        ),
        ("SELECT id, x FROM s.bronze.a ORDER BY id LIMIT 1", Nothing),
    ] {
        let (told, all) = mesh.loosened([&unique, &any], &unique, sql);
        assert_eq!(told, expected, "{sql}: {all}");
    }
}

#[test]
fn a_key_of_several_columns_is_lost_as_a_whole() {
    let mesh = Mesh::of_two();
    let column = |name: &str, more: &str| format!("{{name: {name}, logicalType: integer, physicalType: bigint{more}}}");
    let (y, unique) = (column("y", ""), number(", unique: true"));
    let (any, both) = (
        format!("{}, {y}", number("")),
        format!(
            "{}, {}",
            number(", required: true, primaryKey: true, primaryKeyPosition: 1"),
            column("y", ", required: true, primaryKey: true, primaryKeyPosition: 2")
        ),
    );
    let joined = |on: &str| format!("SELECT b.id, b.x FROM s.silver.b AS b LEFT JOIN s.silver.y AS a ON {on}");
    for (first, then, expected) in [
        (
            "SELECT id, x, y FROM s.bronze.a",
            joined("a.x = b.x AND a.y = b.id"),
            Perhaps,
        ),
        (
            "SELECT id, x, y FROM s.bronze.a",
            joined("a.x = b.x AND a.y = 1"),
            Perhaps,
        ),
        // Its rows could meet several before.
        ("SELECT id, x, y FROM s.bronze.a", joined("a.x = b.x"), Nothing),
        (
            "SELECT max(id) AS id, x, y FROM s.bronze.a GROUP BY x, y",
            joined("a.x = b.x AND a.y = b.id"),
            Nothing,
        ),
        (
            "SELECT id, x, y FROM s.bronze.a",
            "SELECT id, 1000 * x + y AS x FROM s.silver.y".to_owned(),
            Perhaps,
        ),
        (
            "SELECT id, x, y FROM s.bronze.a WHERE y = 1",
            "SELECT id, x FROM s.silver.y".to_owned(),
            Perhaps,
        ),
    ] {
        mesh.between("y", &any, first);
        let (told, all) = mesh.loosened([&both, &any], &unique, &then);
        assert_eq!(told, expected, "{first}; {then}: {all}");
    }
}

#[test]
fn a_key_that_is_kept_stands_in_for_no_other() {
    let mesh = Mesh::of_two();
    let (any, unique) = (number(""), number(", unique: true"));
    let y = "{name: y, logicalType: integer, physicalType: bigint, unique: true}";
    let [both, one] = [&unique, &any].map(|x| format!("{x}, {y}"));
    // Of another dataset each row meets one by `y`.
    let met = "SELECT a.id, a.x FROM s.bronze.a AS a JOIN s.bronze.c AS c ON c.id = a.y";
    for (sql, expected) in [
        (met, Breaks),
        (&format!("{met} GROUP BY a.id, a.y, a.x"), Perhaps),
        (
            "SELECT c.id, a.x FROM s.bronze.c AS c LEFT JOIN s.bronze.a AS a ON a.y = c.id",
            Breaks,
        ),
        (
            "SELECT a.id, c.x FROM s.bronze.c AS c LEFT JOIN s.bronze.a AS a ON a.y = c.id",
            Nothing,
        ),
        (
            "SELECT c.id, c.x FROM s.bronze.c AS c LEFT JOIN s.bronze.a AS a ON a.y = c.id OR a.x = c.x",
            Perhaps,
        ),
        (
            "SELECT c.id, c.x FROM s.bronze.c AS c LEFT JOIN (SELECT *, row_number() OVER (PARTITION BY x ORDER BY id) AS n \
             FROM s.bronze.a) AS a ON a.x = c.x WHERE a.n = 1",
            Nothing,
        ),
        ("SELECT id, coalesce(x, y) AS x FROM s.bronze.a", Perhaps),
        ("SELECT id, coalesce(y, x) AS x FROM s.bronze.a", Perhaps),
        (
            "SELECT id, CASE WHEN id > 0 THEN y ELSE x END AS x FROM s.bronze.a",
            Perhaps,
        ),
        ("SELECT id, coalesce(y, id) AS x FROM s.bronze.a", Nothing),
        ("SELECT id, 1000 * x + y AS x FROM s.bronze.a", Nothing),
    ] {
        let (told, all) = mesh.loosened([&both, &one], &unique, sql);
        assert_eq!(told, expected, "{sql}: {all}");
    }
    mesh.between("y", &any, met);
    let sql = "SELECT c.id, c.x FROM s.bronze.c AS c LEFT JOIN s.silver.y AS y ON y.x = c.x";
    let (told, all) = mesh.loosened([&both, &one], &unique, sql);
    assert_eq!(told, Perhaps, "{all}");
}

#[test]
fn groups_that_are_built_anew_by_a_key_have_no_key_by_that() {
    let mesh = Mesh::new();
    let (any, unique) = (number(""), number(", unique: true"));
    for (materialization, expected) in [("replace_groups", Breaks), ("append_distinct", Nothing)] {
        mesh.builds_gold_by(&format!("materialization: {materialization}\nkey: [x]\n"));
        let (told, all) = mesh.loosened([&unique, &any], &unique, "SELECT id, x FROM s.bronze.a");
        assert_eq!(told, expected, "{materialization}: {all}");
    }
}
