//! Files of one contract that keep a column in different types, held against it together.

use std::collections::BTreeMap;
use std::fs;

use polder_testkit::Ended;
use serde_json::{Value, json};

use crate::new_mesh::NewMesh;

const CONTRACT: &str = "parts.odcs.yaml";

/// A mesh with a contract of these columns and rules.
fn mesh(columns: &[&str], rules: &[&str]) -> NewMesh {
    let mesh = NewMesh::landed();
    let lines = |of: &[&str]| of.iter().map(|line| format!("      - {line}\n")).collect::<String>();
    let contract = format!(
        "apiVersion: v3.1.0\nkind: DataContract\nid: parts\nname: Parts\nversion: 1.0.0\nstatus: active\n\
         schema:\n  - name: parts\n    physicalName: shop.silver.parts\n    properties:\n{}    quality:\n{}",
        lines(columns),
        lines(rules)
    );
    fs::write(mesh.path(CONTRACT), contract).unwrap();
    mesh
}

/// Writes rows, which SQL gives, to a file.
fn write(mesh: &NewMesh, file: &str, query: &str) {
    let path = mesh.path(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    mesh.polder.expect(&["sql", "-o", file, query]);
}

/// What `polder test` gives of each rule.
fn tested(mesh: &NewMesh, data: &[&str]) -> (Ended, BTreeMap<String, Value>) {
    let data: Vec<&str> = data.iter().flat_map(|data| ["--data", *data]).collect();
    let asked = [&["test", CONTRACT, "--format", "json", "--show", "9"][..], &data].concat();
    let ended = mesh.polder.run(&asked);
    let rules: Vec<Value> = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended:?}"));
    let by_name = rules
        .into_iter()
        .map(|rule| (rule["rule"].as_str().unwrap().to_owned(), rule));
    (ended, by_name.collect())
}

/// Verdict and figure of a rule.
fn verdict<'r>(rules: &'r BTreeMap<String, Value>, rule: &str) -> (&'r str, Value) {
    let found = rules.get(rule).unwrap_or_else(|| panic!("{rule}: {rules:?}"));
    (found["verdict"].as_str().unwrap(), found["figure"].clone())
}

#[test]
fn files_that_keep_their_values_otherwise_are_judged_as_one() {
    let mesh = mesh(
        &[
            "{name: id, logicalType: integer, physicalType: bigint, primaryKey: true}",
            "{name: n, logicalType: number, logicalTypeOptions: {maximum: 4}}",
            "{name: at, logicalType: timestamp, logicalTypeOptions: {maximum: '2026-06-01T00:00:00Z'}}",
            "{name: s, logicalType: string, required: true, logicalTypeOptions: {maxLength: 2}}",
            "{name: l, logicalType: array, items: {logicalType: integer, logicalTypeOptions: {maximum: 8}}}",
            "{name: o, logicalType: object, properties: [\
             {name: a, logicalType: integer, logicalTypeOptions: {maximum: 4}}, {name: b, logicalType: string}]}",
        ],
        &[
            "{id: halves, type: sql, query: 'SELECT sum(n / 2) FROM {object}', mustBe: 6}",
            "{id: days, type: sql, query: 'SELECT count(DISTINCT cast(at AS date)) FROM {object}', mustBe: 2}",
            "{id: deep, type: sql, query: \"SELECT sum(o['a']) FROM {object} WHERE o['b'] IS NOT NULL\", mustBe: 13}",
            "{id: longest, type: sql, query: 'SELECT max(length(s)) FROM {object}', mustBe: 3}",
            "{id: seventh, type: sql, query: 'SELECT count(*) FROM {object} WHERE id = 7', mustBe: 1}",
            "{id: greatest, type: sql, query: 'SELECT max(id) FROM {object}', mustBe: 8}",
            "{id: none, type: sql, query: 'SELECT count(*) FROM {object} WHERE n IS NULL', mustBe: 2}",
            "{id: whole, type: custom, engine: polder, implementation: {row: 'n / 2 = 2.5'}}",
        ],
    );
    // Two rows each. The instants are one, in Berlin it is the next day.
    let at =
        |unit: &str, zone: &str| format!("arrow_cast('2026-05-31T22:30:00Z', 'Timestamp({unit}, Some(\"{zone}\"))')");
    let files = [
        (
            "parts/a.parquet",
            format!(
                "SELECT cast(x AS int) AS id, cast(x AS double) AS n, {} AS at, 'abc' AS s, make_array(x, x + 1) AS l, \
                 named_struct('a', cast(x AS int), 'b', 'b') AS o FROM (VALUES (1), (5)) AS v(x)",
                at("Microsecond", "UTC")
            ),
        ),
        (
            "parts/deep/b.parquet",
            format!(
                "SELECT named_struct('b', arrow_cast('b', 'LargeUtf8'), 'a', x) AS o, arrow_cast('ab', 'LargeUtf8') AS s, \
                 {} AS at, cast(x AS smallint) AS n, x AS id, \
                 arrow_cast(make_array(x, x + 2), 'FixedSizeList(2, Int64)') AS l FROM (VALUES (1), (6)) AS v(x)",
                at("Millisecond", "Europe/Berlin")
            ),
        ),
        (
            "parts/deep/c.parquet",
            "SELECT arrow_cast(x, 'UInt16') AS id, NULL AS n, \
             to_timestamp('2026-06-02T00:00:00Z') AT TIME ZONE 'UTC' AS at, \
             arrow_cast('a', 'Dictionary(Int8, Utf8)') AS s, NULL AS l, named_struct('a', x) AS o \
             FROM (VALUES (7), (8)) AS v(x)"
                .to_owned(),
        ),
    ];
    for (file, query) in &files {
        write(&mesh, file, query);
    }
    // By hand: rows of a, of b, of c; and of all, where 1 is in both a and b.
    let figures = [
        ("n.maximum", [1, 1, 0], 2),
        ("at.maximum", [0, 0, 2], 2),
        ("s.maxLength", [2, 0, 0], 2),
        ("l[].maximum", [0, 0, 0], 0),
        ("o.a.maximum", [1, 1, 2], 4),
        ("primaryKey", [0, 0, 0], 1),
        ("s.required", [0, 0, 0], 0),
        ("whole", [1, 2, 0], 3),
        ("none", [0, 0, 2], 2),
        ("seventh", [0, 0, 1], 1),
        ("greatest", [5, 6, 8], 8),
        ("deep", [6, 7, -1], 13),
        ("longest", [3, 2, 1], 3),
        ("days", [1, 1, 1], 2),
    ];
    let types = ["id.type", "n.type", "at.type", "s.type", "l.type", "o.type"];
    let is = |rules: &BTreeMap<String, Value>, rule: &str, figure: i64, of: &str| {
        let figure = if figure < 0 { Value::Null } else { json!(figure) };
        assert_eq!(verdict(rules, rule).1, figure, "{rule} of {of}: {rules:?}");
    };
    for (at, (file, _)) in files.iter().enumerate() {
        let (ended, rules) = tested(&mesh, &[file]);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        figures
            .iter()
            .for_each(|(rule, each, _)| is(&rules, rule, each[at], file));
        types.iter().for_each(|rule| is(&rules, rule, 0, file));
    }
    let [a, b, c] = ["parts/a.parquet", "parts/deep/b.parquet", "parts/deep/c.parquet"];
    for data in [&["parts"][..], &[a, b, c], &[c, b, a]] {
        let (ended, rules) = tested(&mesh, data);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        figures
            .iter()
            .for_each(|(rule, _, all)| is(&rules, rule, *all, &format!("{data:?}")));
        types.iter().for_each(|rule| is(&rules, rule, 0, &format!("{data:?}")));
        assert_eq!(verdict(&rules, "halves"), ("failed", json!(6.5)), "{data:?}");
        assert_eq!(verdict(&rules, "deep").0, "passed", "{data:?}");
        // Rows come in the order of their files' names.
        let shown = rules["o.a.maximum"]["rows"].as_array().unwrap().iter();
        let ids: Vec<&Value> = shown.map(|row| &row["row"]["id"]).collect();
        assert_eq!(ids, [5, 6, 7, 8], "{data:?}");
    }
}

#[test]
fn what_some_files_have_in_a_type_that_cannot_be_the_contracts_fails_in_their_rows() {
    let mesh = mesh(
        &["{name: i, logicalType: integer, required: true, logicalTypeOptions: {minimum: 2}}"],
        &[
            "{id: sum, type: sql, query: 'SELECT sum(i) FROM {object}', mustBe: 6}",
            "{id: rows, type: sql, query: 'SELECT count(*) FROM {object}', mustBe: 0}",
            "{id: held, type: sql, query: 'SELECT count(*) FROM {object} WHERE i >= 2', mustBe: 0}",
        ],
    );
    write(
        &mesh,
        "a.parquet",
        "SELECT cast(x AS int) AS i FROM (VALUES (1), (2)) AS v(x)",
    );
    // One value is more than 32 bits.
    write(
        &mesh,
        "b.parquet",
        "SELECT x AS i FROM (VALUES (3), (1099511627776)) AS v(x)",
    );
    write(
        &mesh,
        "c.parquet",
        "SELECT x AS i FROM (VALUES ('7'), ('y'), (NULL)) AS v(x)",
    );
    write(&mesh, "d.parquet", "SELECT DATE '2026-01-01' AS i");
    write(
        &mesh,
        "e.parquet",
        "SELECT x AS i FROM (VALUES ('7')) AS v(x) WHERE x = ''",
    );

    let (ended, rules) = tested(&mesh, &["a.parquet", "b.parquet"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(verdict(&rules, "i.type"), ("failed", json!(1)));
    assert_eq!(rules["i.type"]["note"], Value::Null, "{rules:?}");
    assert_eq!(verdict(&rules, "i.required"), ("passed", json!(0)));
    assert_eq!(verdict(&rules, "i.minimum"), ("failed", json!(1)));
    assert_eq!(verdict(&rules, "sum"), ("passed", json!(6)));
    assert_eq!(verdict(&rules, "held").1, json!(2));
    let row = &rules["i.type"]["rows"][0];
    assert_eq!(row["row"], json!({"i": 1_099_511_627_776_u64}), "{row}");
    assert!(row["reason"].as_str().unwrap().contains("1099511627776"), "{row}");

    // Text is no number, whatever it says; null is none either, and missing.
    let (ended, rules) = tested(&mesh, &["a.parquet", "b.parquet", "c.parquet"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(verdict(&rules, "i.type"), ("failed", json!(3)));
    assert_eq!(verdict(&rules, "i.required"), ("failed", json!(1)));
    assert_eq!(verdict(&rules, "i.minimum"), ("failed", json!(1)));
    assert_eq!(verdict(&rules, "sum"), ("passed", json!(6)));
    assert_eq!(
        (verdict(&rules, "rows").1, verdict(&rules, "held").1),
        (json!(7), json!(2))
    );
    let shown = rules["i.type"]["rows"].as_array().unwrap().iter();
    let shown: Vec<Value> = shown.map(|row| row["row"]["i"].clone()).collect();
    assert_eq!(shown, [json!(1_099_511_627_776_u64), json!("7"), json!("y")]);
    let says = "the column is string in c.parquet, the contract says int";
    assert!(ended.stdout.contains(says), "{ended:?}");
    let plain = mesh
        .polder
        .run(&["test", CONTRACT, "--data", "a.parquet", "--data", "c.parquet"]);
    assert!(plain.code == Some(1) && plain.stdout.contains(says), "{plain:?}");

    // Such a file fails without a row, too, as it does alone.
    assert_eq!(verdict(&tested(&mesh, &["e.parquet"]).1, "i.type").0, "failed");
    let (ended, rules) = tested(&mesh, &["a.parquet", "e.parquet"]);
    assert_eq!((ended.code, verdict(&rules, "i.type")), (Some(1), ("failed", json!(0))));
    assert_eq!(verdict(&rules, "i.minimum"), ("failed", json!(1)));

    // Where no file has the type, other rules are not run.
    let (ended, rules) = tested(&mesh, &["c.parquet", "d.parquet"]);
    assert_eq!((ended.code, verdict(&rules, "i.type").0), (Some(1), "failed"));
    let why = "the column is string in c.parquet and date in d.parquet, the contract says int";
    for rule in ["i.required", "i.minimum"] {
        assert_eq!(verdict(&rules, rule).0, "not run", "{rules:?}");
        assert!(rules[rule].to_string().contains(why), "{rules:?}");
    }
}

#[test]
fn folders_hold_columns_of_files_of_several_types() {
    let mesh = mesh(
        &[
            "{name: day, logicalType: date, required: true, logicalTypeOptions: {minimum: '2026-01-02'}}",
            "{name: i, logicalType: integer, required: true, logicalTypeOptions: {maximum: 3}}",
        ],
        &[
            "{id: late, type: sql, query: \"SELECT sum(i) FROM {object} WHERE day = DATE '2026-01-02'\", mustBe: 7}",
            "{id: days, type: sql, query: 'SELECT count(DISTINCT day) FROM {object}', mustBe: 2}",
            "{id: more, type: sql, query: 'SELECT sum(size) FROM {object}', mustBe: 3}",
            "{id: other, type: sql, query: 'SELECT count(mixed) FROM {object}', mustBe: 4}",
        ],
    );
    // What the contract does not name is there for queries, where one type holds it.
    let rows = |query: &str| format!("{query} FROM (VALUES (3), (4)) AS v(x)");
    let first = rows("SELECT cast(x AS int) AS i, cast(1 AS int) AS size, 'm' AS mixed");
    let second = rows("SELECT x AS i, 0.5 AS size, 1 AS mixed");
    write(&mesh, "parts/day=2026-01-01/a.parquet", &first);
    write(&mesh, "parts/day=2026-01-02/b.parquet", &second);
    let (ended, rules) = tested(&mesh, &["parts"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for (rule, found) in [
        ("day.type", ("passed", json!(0))),
        ("day.minimum", ("failed", json!(2))),
        ("i.type", ("passed", json!(0))),
        ("i.required", ("passed", json!(0))),
        ("i.maximum", ("failed", json!(2))),
        ("late", ("passed", json!(7))),
        ("days", ("passed", json!(2))),
    ] {
        assert_eq!(verdict(&rules, rule), found, "{rule}: {rules:?}");
    }
    assert_eq!(verdict(&rules, "more").0, "passed", "{rules:?}");
    assert_eq!(verdict(&rules, "other"), ("failed", Value::Null), "{rules:?}");
    assert!(
        ended
            .stderr
            .contains("has size, mixed, of which the contract says nothing"),
        "{ended:?}"
    );
}

#[test]
fn lists_of_a_fixed_size_are_lists() {
    let mesh = mesh(
        &["{name: l, logicalType: array, logicalTypeOptions: {minItems: 2}, \
           items: {logicalType: integer, logicalTypeOptions: {maximum: 4}}}"],
        &["{id: items, type: sql, query: 'SELECT sum(array_length(l)) FROM {object}', mustBe: 4}"],
    );
    let lists = "(VALUES (make_array(1, 2)), (make_array(4, 5)), (NULL)) AS v(l)";
    write(&mesh, "plain.parquet", &format!("SELECT l FROM {lists}"));
    for (file, kind) in [
        ("fixed.parquet", "FixedSizeList(2, Int64)"),
        ("large.parquet", "LargeList(Int64)"),
    ] {
        write(
            &mesh,
            file,
            &format!("SELECT arrow_cast(l, '{kind}') AS l FROM {lists}"),
        );
    }
    for file in ["plain.parquet", "fixed.parquet", "large.parquet"] {
        let (ended, rules) = tested(&mesh, &[file]);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert_eq!(verdict(&rules, "l.type"), ("passed", json!(0)), "{file}: {rules:?}");
        assert_eq!(verdict(&rules, "l.minItems"), ("passed", json!(0)), "{file}");
        assert_eq!(verdict(&rules, "l[].maximum"), ("failed", json!(1)), "{file}");
        assert_eq!(verdict(&rules, "items"), ("passed", json!(4)), "{file}");
    }
    let (_, rules) = tested(&mesh, &["plain.parquet", "fixed.parquet", "large.parquet"]);
    assert_eq!(verdict(&rules, "l.type"), ("passed", json!(0)), "{rules:?}");
    assert_eq!(verdict(&rules, "l[].maximum"), ("failed", json!(3)), "{rules:?}");
    assert_eq!(verdict(&rules, "items").1, json!(12), "{rules:?}");
}

#[test]
fn what_the_contract_hides_is_hidden_in_files_that_keep_other_columns_otherwise() {
    let mesh = mesh(
        &[
            "{name: id, logicalType: integer, physicalType: int}",
            "{name: pin, logicalType: integer, classification: restricted}",
            "{name: word, logicalType: string, classification: restricted}",
        ],
        &[
            "{id: greatest, type: sql, query: 'SELECT max(pin) FROM {object}', mustBe: 1}",
            "{id: read, type: sql, query: 'SELECT max(CAST(word AS bigint)) FROM {object}', mustBe: 1}",
        ],
    );
    write(
        &mesh,
        "a.parquet",
        "SELECT CAST(1 AS int) AS id, CAST(1234567 AS int) AS pin, 'SECRET' AS word",
    );
    write(
        &mesh,
        "b.parquet",
        "SELECT CAST(2 AS bigint) AS id, CAST(5 AS int) AS pin, '7' AS word",
    );
    for data in [&["a.parquet"][..], &["a.parquet", "b.parquet"]] {
        let (ended, rules) = tested(&mesh, data);
        assert_eq!(verdict(&rules, "greatest"), ("failed", json!("***")), "{ended:?}");
        assert_eq!(verdict(&rules, "read").0, "failed", "{ended:?}");
        for hidden in ["1234567", "SECRET"] {
            assert!(
                !ended.stdout.contains(hidden) && !ended.stderr.contains(hidden),
                "{ended:?}"
            );
        }
    }
}
