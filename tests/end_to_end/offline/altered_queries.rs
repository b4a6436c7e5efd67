//! What `polder check --base` says of queries that are as they were and ask something else after a change: names that mean
//! another column, rows that are told apart by others, rules of other contracts; and that it says nothing of all others.

use std::fs;

use polder_testkit::Ended;

use super::pull_requests::{Repository, said};

/// A contract of whole numbers: `id k v`, with the columns' ids as `i2=v`.
pub(super) fn contract(dataset: &str, version: &str, columns: &str, more: &str) -> String {
    let property = |column: &str| match column.split_once('=') {
        Some((id, name)) => {
            format!("      - {{id: {id}, name: {name}, logicalType: integer, physicalType: bigint}}\n")
        }
        None => format!("      - {{name: {column}, logicalType: integer, physicalType: bigint}}\n"),
    };
    let properties: String = columns.split_whitespace().map(property).collect();
    with_properties(dataset, version, &properties, more)
}

pub(super) fn with_properties(dataset: &str, version: &str, properties: &str, more: &str) -> String {
    let name = dataset.rsplit('.').next().unwrap();
    format!(
        "apiVersion: v3.1.0\nkind: DataContract\nid: {dataset}\nname: {name}\nversion: {version}\nstatus: active\ndomain: s\n\
         schema:\n  - name: {name}\n    physicalName: {dataset}\n    properties:\n{properties}{more}"
    )
}

/// A mesh of `s.silver.a` and `s.silver.b`, and of `s.gold.g`, which the query makes and a consumer reads.
pub(super) fn mesh(a: &str, b: &str, gold: &str, sql: &str) -> Repository {
    Repository::of(&[
        ("polder.yaml", "name: m\nlake: {location: .polder/lake}\n"),
        (
            "catalog/domains.yaml",
            "domains:\n  s: {description: S., owner: you@s.example}\n",
        ),
        (
            "catalog/consumers/board.yaml",
            "consumer: board\nowner: board@s.example\ndescription: It.\nreads:\n  - dataset: s.gold.g\n    since: 2026-01-01\n",
        ),
        ("contracts/s/a.odcs.yaml", a),
        ("contracts/s/b.odcs.yaml", b),
        ("contracts/s/g.odcs.yaml", gold),
        (
            "pipelines/s/g.pipeline.yaml",
            "description: It.\ndataset: s.gold.g\nmaterialization: replace_groups\n",
        ),
        ("pipelines/s/g.sql", sql),
    ])
}

pub(super) fn rewrite(repository: &Repository, document: &str, text: &str) {
    fs::write(repository.path(document), text).unwrap();
}

/// Checks a change of one of the two sources, and of gold with it.
fn changed(a: &str, b: &str, gold: [&str; 2], sql: &str, change: (&str, &str, &str)) -> Ended {
    let of = |name: &str, columns: &str| contract(&format!("s.silver.{name}"), "1.0.0", columns, "");
    let made = |version: &str, columns: &str| contract("s.gold.g", version, columns, "");
    let repository = mesh(&of("a", a), &of("b", b), &made("1.0.0", gold[0]), sql);
    let (dataset, version, columns) = change;
    rewrite(
        &repository,
        &format!("contracts/s/{dataset}.odcs.yaml"),
        &contract(&format!("s.silver.{dataset}"), version, columns, ""),
    );
    if gold[0] != gold[1] {
        rewrite(&repository, "contracts/s/g.odcs.yaml", &made(version, gold[1]));
    }
    repository.check()
}

#[test]
fn a_query_that_asks_something_else_under_the_same_names_is_broken() {
    const SWAPPED: &str = "i1=id i2=w i3=v";
    for (a, b, sql, change, told) in [
        // A name that was the inner table's is the outer one's.
        (
            "id k v",
            "id k",
            "SELECT id, v FROM s.silver.a a WHERE EXISTS (SELECT 1 FROM s.silver.b b WHERE b.id = a.id AND k = 7)",
            ("b", "2.0.0", "id"),
            vec![
                "the column `k` was removed: it breaks consumer board, pipeline s.g",
                "s.silver.b.k (removed) → pipeline s.g → s.gold.g → consumer board",
                "the rows of s.gold.g are chosen by s.silver.a.k now, and were chosen by s.silver.b.k",
            ],
        ),
        (
            "id v",
            "id w",
            "SELECT id, v FROM s.silver.a WHERE EXISTS (SELECT 1 FROM s.silver.b b WHERE b.w < v)",
            ("b", "1.1.0", "id w v"),
            vec![
                "the column `v` was added and is optional: it breaks consumer board, pipeline s.g",
                "s.silver.b.v (added) → pipeline s.g → s.gold.g → consumer board",
            ],
        ),
        (
            "id v",
            "id w",
            "SELECT id, v FROM s.silver.a NATURAL JOIN s.silver.b",
            ("b", "1.1.0", "id w v"),
            vec![
                "the column `v` was added and is optional: it breaks consumer board, pipeline s.g",
                "the rows of s.gold.g are chosen by s.silver.a.v, s.silver.b.v too now",
            ],
        ),
        (
            "id k v",
            "id k",
            "SELECT id, v FROM s.silver.a NATURAL JOIN s.silver.b",
            ("b", "2.0.0", "id"),
            vec!["the rows of s.gold.g are chosen by s.silver.a.k, s.silver.b.k no more"],
        ),
        // What told rows apart is gone.
        (
            "id",
            "id k w",
            "SELECT id, count(*) AS v FROM (SELECT DISTINCT * FROM s.silver.b) GROUP BY id",
            ("b", "2.0.0", "id k"),
            vec!["the column `w` was removed: it breaks consumer board, pipeline s.g"],
        ),
        (
            "id",
            "id k w",
            "SELECT id, count(*) AS v FROM (SELECT * FROM s.silver.b UNION SELECT * FROM s.silver.b) GROUP BY id",
            ("b", "2.0.0", "id k"),
            vec!["the column `w` was removed: it breaks consumer board, pipeline s.g"],
        ),
        // The columns changed their names among each other, or one took the name of another.
        (
            "i1=id i2=v i3=w",
            "id",
            "SELECT id, v FROM s.silver.a",
            ("a", "2.0.0", SWAPPED),
            vec![
                "the column `v` was renamed to `w`: it breaks consumer board, pipeline s.g",
                "the column `w` was renamed to `v`: it breaks consumer board, pipeline s.g",
                "s.gold.g.v is made of s.silver.a.v (`w` before) now, and was made of s.silver.a.v",
            ],
        ),
        (
            "i1=id i2=v i3=w",
            "id",
            "SELECT id, v - w AS v FROM s.silver.a",
            ("a", "2.0.0", SWAPPED),
            vec!["the column `v` was renamed to `w`: it breaks consumer board, pipeline s.g"],
        ),
        (
            "i1=id i2=v i3=w",
            "id",
            "SELECT id, v FROM s.silver.a",
            ("a", "2.0.0", "i1=id i3=v"),
            vec!["the column `v` was removed: it breaks consumer board, pipeline s.g"],
        ),
    ] {
        let ended = changed(a, b, ["id v", "id v"], sql, change);
        assert_eq!(ended.code, Some(1), "{sql}\n{}", said(&ended));
        for part in told {
            assert!(ended.stderr.contains(part), "{sql}\n{part}\n{}", said(&ended));
        }
        assert!(!said(&ended).contains("not affected"), "{sql}\n{}", said(&ended));
    }
}

#[test]
fn values_inside_of_others_that_change_names_break_who_reads_them() {
    let nested = |version: &str, around: &str, names: [&str; 2]| {
        let field =
            |id: &str, name: &str| format!("{{id: {id}, name: {name}, logicalType: integer, physicalType: bigint}}");
        let fields = format!("{}, {}", field("i2", names[0]), field("i3", names[1]));
        let object = format!("logicalType: object, properties: [{fields}]");
        let kind = match around {
            "map" => format!("logicalType: map, map: {{key: {{logicalType: string}}, value: {{{object}}}}}"),
            "list" => format!("logicalType: array, items: {{{object}}}"),
            _ => object,
        };
        let properties =
            format!("      - {{name: id, logicalType: integer, physicalType: bigint}}\n      - {{name: o, {kind}}}\n");
        with_properties("s.silver.a", version, &properties, "")
    };
    let whole = "      - {name: id, logicalType: integer, physicalType: bigint}\n";
    let (v, id) = (
        contract("s.gold.g", "1.0.0", "id v", ""),
        with_properties("s.gold.g", "1.0.0", whole, ""),
    );
    for (around, sql, gold, broken) in [
        ("object", "SELECT id, o['x'] AS v FROM s.silver.a", &v, true),
        ("list", "SELECT id, o[1]['x'] AS v FROM s.silver.a", &v, true),
        ("map", "SELECT id, o['k']['x'] AS v FROM s.silver.a", &v, true),
        ("object", "SELECT id FROM s.silver.a", &id, false),
        ("map", "SELECT id FROM s.silver.a", &id, false),
    ] {
        let b = contract("s.silver.b", "1.0.0", "id", "");
        let repository = mesh(&nested("1.0.0", around, ["x", "y"]), &b, gold, sql);
        rewrite(
            &repository,
            "contracts/s/a.odcs.yaml",
            &nested("2.0.0", around, ["y", "x"]),
        );
        let ended = repository.check();
        let told = "it breaks consumer board, pipeline s.g";
        assert_eq!(said(&ended).contains(told), broken, "{sql}\n{}", said(&ended));
    }
}

#[test]
fn a_query_that_asks_the_same_is_not_broken_by_columns_that_come_and_go() {
    for (sql, gold) in [
        ("SELECT id, v FROM s.silver.a", ["id v", "id v"]),
        ("SELECT id, v FROM (SELECT * FROM s.silver.a)", ["id v", "id v"]),
        ("SELECT * FROM s.silver.a", ["id v", "id v z"]),
        ("SELECT DISTINCT * FROM s.silver.a", ["id v", "id v z"]),
        ("SELECT id, sum(v) AS v FROM s.silver.a GROUP BY id", ["id v", "id v"]),
        (
            "SELECT a.id, a.v FROM s.silver.a a JOIN s.silver.b b USING (id) WHERE b.w > 1",
            ["id v", "id v"],
        ),
        (
            "SELECT id, v FROM s.silver.a a WHERE EXISTS (SELECT * FROM s.silver.b b WHERE b.id = a.id)",
            ["id v", "id v"],
        ),
        ("SELECT id, w AS v FROM s.silver.b", ["id v", "id v"]),
    ] {
        let ended = changed("id v", "id w", gold, sql, ("a", "1.1.0", "id v z"));
        assert_eq!(ended.code, Some(0), "{sql}\n{}", said(&ended));
        let mut back = gold;
        back.reverse();
        let ended = changed("id v z", "id w", back, sql, ("a", "2.0.0", "id v"));
        let breaks = said(&ended).contains("it breaks consumer board, pipeline s.g");
        assert!(!breaks, "{sql}\n{}", said(&ended));
    }
    // Names that changed along with what is built, and a query that changed along.
    let swapped = ("a", "2.0.0", "i1=id i2=w i3=v");
    let (a, star) = ("i1=id i2=v i3=w", "SELECT * FROM s.silver.a");
    let ended = changed(a, "id", ["j1=id j2=v j3=w", "j1=id j2=w j3=v"], star, swapped);
    assert!(!said(&ended).contains("pipeline s.g → "), "{}", said(&ended));
    let repository = mesh(
        &contract("s.silver.a", "1.0.0", a, ""),
        &contract("s.silver.b", "1.0.0", "id", ""),
        &contract("s.gold.g", "1.0.0", "id v", ""),
        "SELECT id, v FROM s.silver.a",
    );
    let text = contract("s.silver.a", swapped.1, swapped.2, "");
    rewrite(&repository, "contracts/s/a.odcs.yaml", &text);
    rewrite(&repository, "pipelines/s/g.sql", "SELECT id, w AS v FROM s.silver.a");
    let ended = repository.check();
    assert_eq!(ended.code, Some(0), "{}", said(&ended));
}

#[test]
fn rules_of_other_contracts_are_broken_by_what_they_ask_for() {
    const QUERY: &str = "    quality:\n      - {id: open, type: sql, mustBe: 0, query: \"SELECT count(*) FROM {object} a WHERE \
                         EXISTS (SELECT 1 FROM s.silver.b b WHERE b.id = a.id AND k = 7)\"}\n";
    let a = |query: &str| {
        let properties = "      - {name: id, logicalType: integer, physicalType: bigint, relationships: [{to: \
                          s.silver.b.id}]}\n      - {name: k, logicalType: integer, physicalType: bigint, relationships: \
                          [{to: s.silver.b.m}]}\n";
        with_properties("s.silver.a", "1.0.0", properties, query)
    };
    let (b, gold) = (
        contract("s.silver.b", "1.0.0", "id k m z", ""),
        contract("s.gold.g", "1.0.0", "id", ""),
    );
    let repository = mesh(&a(QUERY), &b, &gold, "SELECT id FROM s.silver.b");
    let text_key =
        "      - {name: m, logicalType: string}\n      - {name: z, logicalType: integer, physicalType: bigint}\n";
    let numbers = |names: &[&str]| -> String {
        let column = |name: &&str| format!("      - {{name: {name}, logicalType: integer, physicalType: bigint}}\n");
        names.iter().map(column).collect()
    };
    for (properties, code, told) in [
        (
            numbers(&["id", "k", "m"]),
            0,
            "the column `z` was removed: breaks nobody; not affected: consumer board",
        ),
        (
            numbers(&["id", "m", "z"]),
            1,
            "the column `k` was removed: it breaks rule open of s.silver.a",
        ),
        (
            numbers(&["id", "k", "z"]),
            2,
            "the column `m` was removed: it breaks rule k.foreignKey of s.silver.a",
        ),
        (
            format!("{}{text_key}", numbers(&["id", "k"])),
            2,
            "the type of the column `m` changed from bigint to string: it breaks rule k.foreignKey of s.silver.a",
        ),
    ] {
        let text = with_properties("s.silver.b", "2.0.0", &properties, "");
        rewrite(&repository, "contracts/s/b.odcs.yaml", &text);
        let ended = repository.check();
        assert_eq!(ended.code, Some(code), "{told}\n{}", said(&ended));
        assert!(said(&ended).contains(told), "{told}\n{}", said(&ended));
    }
    fs::remove_file(repository.path("contracts/s/b.odcs.yaml")).unwrap();
    let ended = repository.check();
    for part in [
        "the contract of s.silver.b was removed: it breaks",
        "s.silver.b (removed) → rule open of s.silver.a",
    ] {
        assert!(said(&ended).contains(part), "{part}\n{}", said(&ended));
    }
    // A rule that changed along says what is meant.
    let text = with_properties("s.silver.b", "2.0.0", &numbers(&["id", "m", "z"]), "");
    rewrite(&repository, "contracts/s/b.odcs.yaml", &text);
    let other = QUERY.replace("AND k = 7", "AND a.k = 7");
    rewrite(
        &repository,
        "contracts/s/a.odcs.yaml",
        &a(&other).replace("1.0.0", "1.1.0"),
    );
    let ended = repository.check();
    assert_eq!(ended.code, Some(0), "{}", said(&ended));
}

#[test]
fn a_reference_by_file_is_broken_like_one_by_dataset() {
    let a = "      - {name: id, logicalType: integer, physicalType: bigint, relationships: [{to: b.odcs.yaml#b.id}]}\n      - {name: \
             k, logicalType: integer, physicalType: bigint, relationships: [{to: b.odcs.yaml#/schema/b_id/properties/k_id}]}\n";
    let b = |version: &str, columns: &str| {
        contract("s.silver.b", version, columns, "").replace("- name: b\n", "- id: b_id\n    name: b\n")
    };
    let gold = contract("s.gold.g", "1.0.0", "id", "");
    let a = with_properties("s.silver.a", "1.0.0", a, "");
    let repository = mesh(&a, &b("1.0.0", "id k_id=k z"), &gold, "SELECT id FROM s.silver.a");
    let ended = repository.check();
    assert_eq!(ended.code, Some(0), "{}", said(&ended));
    for (columns, told, wrong) in [
        ("id k_id=k", "the column `z` was removed: breaks nobody", None),
        (
            "k_id=k z",
            "the column `id` was removed: it breaks rule id.foreignKey of s.silver.a",
            Some("`b.odcs.yaml#b.id`: there is no property `id` in contracts/s/b.odcs.yaml"),
        ),
        (
            "id z",
            "the column `k` was removed: it breaks rule k.foreignKey of s.silver.a",
            Some("`b.odcs.yaml#/schema/b_id/properties/k_id`: there is no property `k_id` in contracts/s/b.odcs.yaml"),
        ),
    ] {
        rewrite(&repository, "contracts/s/b.odcs.yaml", &b("2.0.0", columns));
        let ended = repository.check();
        assert_eq!(
            ended.code,
            Some(if wrong.is_some() { 2 } else { 0 }),
            "{told}\n{}",
            said(&ended)
        );
        for part in std::iter::once(told).chain(wrong) {
            assert!(said(&ended).contains(part), "{part}\n{}", said(&ended));
        }
    }
    fs::remove_file(repository.path("contracts/s/b.odcs.yaml")).unwrap();
    let ended = repository.check();
    for part in [
        "s.silver.b (removed) → rule id.foreignKey of s.silver.a",
        "there is no contract in contracts/s/b.odcs.yaml",
    ] {
        assert!(said(&ended).contains(part), "{part}\n{}", said(&ended));
    }
}

#[test]
fn values_that_are_only_chosen_come_to_the_limits_that_they_break() {
    let listed = |values: &str| format!("      - {{name: k, logicalType: string, enum: [{values}]}}\n");
    let of = |dataset: &str, version: &str, values: &str| {
        let id = "      - {name: id, logicalType: integer, physicalType: bigint}\n";
        with_properties(dataset, version, &format!("{id}{}", listed(values)), "")
    };
    let (few, more) = ("{value: a}, {value: b}", "{value: a}, {value: b}, {value: c}");
    let repository = mesh(
        &of("s.silver.a", "1.0.0", few),
        &of("s.silver.b", "1.0.0", few),
        &with_properties("s.gold.g", "1.0.0", &listed(few), ""),
        "SELECT k FROM s.silver.a",
    );
    rewrite(&repository, "contracts/s/a.odcs.yaml", &of("s.silver.a", "2.0.0", more));
    let (surely, perhaps) = ("it breaks consumer board, pipeline s.g", "pipeline s.g may lose rows");
    for (query, told) in [
        ("SELECT CAST(k AS varchar) AS k FROM s.silver.a", surely),
        ("SELECT coalesce(k, 'a') AS k FROM s.silver.a", surely),
        ("SELECT max(k) AS k FROM s.silver.a GROUP BY id", surely),
        ("SELECT first_value(k) OVER (ORDER BY id) AS k FROM s.silver.a", surely),
        (
            "SELECT coalesce(lag(k) OVER (ORDER BY id), k) AS k FROM s.silver.a",
            surely,
        ),
        (
            "SELECT CASE WHEN id > 1 THEN k ELSE 'a' END AS k FROM s.silver.a",
            surely,
        ),
        // Which of them come is another matter.
        ("SELECT unnest(array_agg(k)) AS k FROM s.silver.a", perhaps),
        (
            "SELECT CASE WHEN k IN ('a', 'b') THEN k ELSE 'a' END AS k FROM s.silver.a",
            perhaps,
        ),
        ("SELECT nullif(k, 'c') AS k FROM s.silver.a", perhaps),
        ("SELECT trim(k) AS k FROM s.silver.a", perhaps),
        ("SELECT k || '' AS k FROM s.silver.a", perhaps),
    ] {
        rewrite(&repository, "pipelines/s/g.sql", query);
        let ended = repository.check();
        assert!(said(&ended).contains(told), "{query}\n{}", said(&ended));
        assert_eq!(ended.code, Some(i32::from(told == surely)), "{query}\n{}", said(&ended));
    }
    // Nothing of the column comes to the limit.
    rewrite(
        &repository,
        "pipelines/s/g.sql",
        "SELECT CASE WHEN k = 'a' THEN 'a' ELSE 'b' END AS k FROM s.silver.a",
    );
    let ended = repository.check();
    let untouched = "breaks nobody; not affected: consumer board, pipeline s.g";
    assert!(ended.stdout.contains(untouched), "{}", said(&ended));
}
