//! Tables that somebody else writes: what a run cannot read of them is told before, and nothing else.

use std::fs;

use polder_testkit::Ended;
use serde_json::{Value, json};

use super::table_fitness::said;
use crate::new_mesh::NewMesh;

const PARTS: &str = "shop.bronze.parts";
const CONTRACT: &str = "contracts/shop/parts.odcs.yaml";
const TABLE: &str = ".polder/lake/shop/bronze/parts";
const QUERY: &str = "pipelines/shop/kept.sql";

/// A contract with these columns, each a line of YAML.
fn contract(dataset: &str, columns: &[&str]) -> String {
    let name = dataset.rsplit('.').next().unwrap();
    let columns: String = columns.iter().map(|column| format!("      - {{{column}}}\n")).collect();
    format!(
        "apiVersion: v3.1.0\nkind: DataContract\nid: {dataset}\nname: {name}\nversion: 1.0.0\nstatus: active\ndomain: shop\n\
         description: {{purpose: What is bought.}}\n\
         team: {{name: shop, members: [{{username: you@shop.example, role: owner}}]}}\n\
         servers: [{{server: suppliers, type: s3, location: s3://suppliers/parts, format: delta}}]\n\
         schema:\n  - name: {name}\n    physicalName: {dataset}\n    description: One row each.\n    properties:\n{columns}"
    )
}

/// A mesh with a pipeline that reads `shop.bronze.parts`, of which another engine makes the table.
fn mesh() -> NewMesh {
    let mesh = NewMesh::landed();
    let kept = contract(
        "shop.silver.kept",
        &[
            "name: id, logicalType: integer, physicalType: bigint",
            "name: h, logicalType: string",
        ],
    );
    fs::write(mesh.path("contracts/shop/kept.odcs.yaml"), kept).unwrap();
    let pipeline = "description: Parts.\ndataset: shop.silver.kept\nmaterialization: replace_groups\n";
    fs::write(mesh.path("pipelines/shop/kept.pipeline.yaml"), pipeline).unwrap();
    mesh
}

/// What the pipeline asks of the parts.
fn asks(mesh: &NewMesh, query: &str) {
    fs::write(mesh.path(QUERY), query.replace("parts", PARTS)).unwrap();
}

/// The parts' contract, with the column `id` and these.
fn promises(mesh: &NewMesh, columns: &[&str]) {
    let id = "name: id, logicalType: integer, physicalType: bigint";
    fs::write(mesh.path(CONTRACT), contract(PARTS, &[&[id], columns].concat())).unwrap();
}

/// Makes the table anew, as another engine would: with the columns that a query gives, `types` as the log names them.
fn made(mesh: &NewMesh, query: &str, types: &[(&str, Value)], configuration: &Value, statistics: Option<Value>) {
    let table = mesh.path(TABLE);
    let _ = fs::remove_dir_all(&table);
    let _ = fs::remove_dir_all(mesh.path(".polder/lake/shop/silver/kept"));
    fs::create_dir_all(table.join("_delta_log")).unwrap();
    let file = table.join("part-0.parquet");
    mesh.polder.expect(&["sql", "-o", &file.display().to_string(), query]);
    let columns: Vec<Value> = types
        .iter()
        .map(|(name, kind)| json!({"name": name, "type": kind, "nullable": true, "metadata": {}}))
        .collect();
    let schema = json!({"type": "struct", "fields": columns}).to_string();
    let mut add = json!({"path": "part-0.parquet", "partitionValues": {}, "modificationTime": 0, "dataChange": true,
        "size": fs::metadata(&file).unwrap().len()});
    if let Some(statistics) = statistics {
        add["stats"] = statistics.to_string().into();
    }
    let entries = [
        json!({"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}}),
        json!({"metaData": {"id": "00000000-0000-4000-8000-000000000001", "format": {"provider": "parquet", "options": {}},
            "schemaString": schema, "partitionColumns": [], "configuration": configuration}}),
        json!({"add": add}),
    ];
    let entries: Vec<_> = entries.iter().map(ToString::to_string).collect();
    fs::write(table.join(format!("_delta_log/{:020}.json", 0)), entries.join("\n")).unwrap();
}

fn object(fields: &[(&str, &str)]) -> Value {
    let fields: Vec<Value> = fields
        .iter()
        .map(|(name, kind)| json!({"name": name, "type": kind, "nullable": true, "metadata": {}}))
        .collect();
    json!({"type": "struct", "fields": fields})
}

fn connect(mesh: &NewMesh) -> Ended {
    mesh.polder.run(&["check", "--connect"])
}

fn run(mesh: &NewMesh) -> Ended {
    mesh.polder.run(&["run", "--select", "shop.kept"])
}

/// What the table is made of beside `id`, what its contract promises, and what is told of it where somebody reads it.
struct Case {
    column: &'static str,
    kind: Value,
    promised: &'static str,
    /// What reads it.
    read: &'static str,
    told: &'static str,
    /// Whether a query that names the column and does nothing with it fails too.
    by_name: bool,
}

fn cases() -> [Case; 8] {
    [
        Case {
            column: "'10' AS i",
            kind: json!("string"),
            promised: "name: i, logicalType: integer, physicalType: int",
            read: "i",
            told: "column `i` is string in the table and int in the contract",
            by_name: false,
        },
        Case {
            column: "CAST(1.5 AS double) AS d",
            kind: json!("double"),
            promised: "name: d, logicalType: number, physicalType: 'decimal(10,2)'",
            read: "d",
            told: "column `d` is double in the table and decimal(10,2) in the contract",
            by_name: false,
        },
        Case {
            column: "1 AS x",
            kind: json!("long"),
            promised: "name: r, logicalType: string, required: true",
            read: "r",
            told: "column `r` is required in the contract, and the table does not have it",
            by_name: true,
        },
        Case {
            column: "'a' AS \"T\"",
            kind: json!("string"),
            promised: "name: t, logicalType: string",
            read: "t",
            told: "the table does not have `t`, but `T`, which differs by case alone",
            by_name: true,
        },
        Case {
            column: "named_struct('a', 'x') AS o",
            kind: object(&[("a", "string")]),
            promised: "name: o, logicalType: object, properties: [{name: a, logicalType: string}, {name: b, logicalType: \
                       string, required: true}]",
            read: "o['a']",
            told: "`o.b` is required in the contract, and the table's values of `o` do not have that field",
            by_name: false,
        },
        Case {
            column: "named_struct('Price', 5, 'b', 'x') AS o",
            kind: object(&[("Price", "long"), ("b", "string")]),
            promised: "name: o, logicalType: object, properties: [{name: price, logicalType: integer, physicalType: bigint}, \
                       {name: b, logicalType: string}]",
            read: "o['b']",
            told: "the table does not have `o.price`, but `Price`, which differs by case alone",
            by_name: false,
        },
        Case {
            column: "named_struct('a', '1') AS o",
            kind: object(&[("a", "string")]),
            promised: "name: o, logicalType: object, properties: [{name: a, logicalType: integer, physicalType: int}]",
            read: "o['a']",
            told: "column `o.a` is string in the table and int in the contract",
            by_name: false,
        },
        Case {
            column: "make_array('1') AS l",
            kind: json!({"type": "array", "elementType": "string", "containsNull": true}),
            promised: "name: l, logicalType: array, items: {logicalType: integer, physicalType: int}",
            read: "l[1]",
            told: "column `l[]` is string in the table and int in the contract",
            by_name: false,
        },
    ]
}

#[test]
fn a_check_tells_what_a_run_cannot_read_and_ends_as_it_does() {
    let mesh = mesh();
    for case in cases() {
        let Case { column, read, told, .. } = case;
        let name = match case.promised.strip_prefix("name: ") {
            Some(rest) => rest.split(',').next().unwrap(),
            None => panic!("{}", case.promised),
        };
        promises(&mesh, &[case.promised]);
        let own = column.rsplit(" AS ").next().unwrap().trim_matches('"');
        let long = ("id", json!("long"));
        let make = || {
            made(
                &mesh,
                &format!("SELECT 1 AS id, {column}"),
                &[long.clone(), (own, case.kind.clone())],
                &json!({}),
                None,
            )
        };
        // What each query asks, and whether it fails.
        for (query, fails) in [
            (format!("SELECT id, CAST({read} AS string) AS h FROM parts"), true),
            (format!("SELECT id, 'x' AS h FROM parts WHERE {read} IS NOT NULL"), true),
            (
                format!("WITH q AS (SELECT id, {name} FROM parts) SELECT id, 'x' AS h FROM q"),
                case.by_name,
            ),
            ("SELECT id, 'x' AS h FROM parts".to_owned(), false),
            ("SELECT count(*) AS id, 'x' AS h FROM parts".to_owned(), false),
        ] {
            make();
            asks(&mesh, &query);
            let what = format!("{told}\n{query}");
            let (connected, runs) = (connect(&mesh), run(&mesh));
            assert_eq!(runs.code == Some(0), !fails, "{what}\n{}", said(&runs));
            assert_eq!(connected.code, Some(i32::from(fails)), "{what}\n{}", said(&connected));
            let ends = match fails {
                true => format!("error[table-unreadable]: {PARTS}: {told}: a run of pipeline shop.kept fails"),
                false => format!("warning[table-unreadable]: {PARTS}: {told}: no pipeline or model reads it"),
            };
            assert!(connected.stderr.contains(&ends), "{what}\n{}", said(&connected));
            assert!(connected.stderr.contains(CONTRACT), "{what}\n{}", said(&connected));
            let summed = match fails {
                true => "failed  tables    1 of 1 that no stream or pipeline writes: 1 of them cannot be read",
                false => "ok      tables    1 of 1 that no stream or pipeline writes: what their contracts promise",
            };
            assert!(connected.stdout.contains(summed), "{what}\n{}", said(&connected));
        }
    }
}

#[test]
fn tables_that_can_be_read_are_told_as_that() {
    let mesh = mesh();
    promises(
        &mesh,
        &[
            "name: i, logicalType: integer, physicalType: int",
            "name: later, logicalType: string",
            "name: o, logicalType: object, properties: [{name: b, logicalType: string}, {name: a, logicalType: integer, \
             physicalType: bigint}, {name: d, logicalType: string}]",
        ],
    );
    made(
        &mesh,
        "SELECT 1 AS id, 7 AS i, named_struct('a', CAST(5 AS int), 'b', 'x', 'c', 'more') AS o",
        &[
            ("id", json!("long")),
            ("i", json!("long")),
            ("o", object(&[("a", "integer"), ("b", "string"), ("c", "string")])),
        ],
        &json!({}),
        None,
    );
    asks(
        &mesh,
        "SELECT id, concat(CAST(i + o['a'] AS string), o['b'], later, coalesce(o['d'], '?')) AS h FROM parts",
    );
    let connected = connect(&mesh);
    assert_eq!(connected.code, Some(0), "{}", said(&connected));
    assert!(!connected.stderr.contains("table-unreadable"), "{}", said(&connected));
    let read = "1 of 1 that no stream or pipeline writes: they can be read as their contracts promise";
    assert!(connected.stdout.contains(read), "{}", said(&connected));
    assert_eq!(run(&mesh).code, Some(0));
    assert_eq!(mesh.csv("SELECT h FROM shop.silver.kept"), "h\n12x?\n");
}

#[test]
fn a_table_without_rows_stops_only_who_names_what_it_lacks() {
    let mesh = mesh();
    promises(&mesh, &["name: i, logicalType: integer, physicalType: int"]);
    let text_under_int = "column `i` is string in the table and int in the contract: the table has no rows yet";
    let of_streams = "column `_topic` is of tables that a stream feeds, and the table does not have it: a run of pipeline \
                      shop.kept fails";
    for (query, told, fails) in [
        ("SELECT id, CAST(i AS string) AS h FROM parts", text_under_int, false),
        ("SELECT id, _topic AS h FROM parts", of_streams, true),
    ] {
        let types = [("id", json!("long")), ("i", json!("string"))];
        made(&mesh, "SELECT 1 AS id, '10' AS i", &types, &json!({}), None);
        let log = mesh.path(TABLE).join(format!("_delta_log/{:020}.json", 0));
        let text = fs::read_to_string(&log).unwrap();
        let (without, _) = text.rsplit_once('\n').unwrap();
        fs::write(&log, without).unwrap();
        asks(&mesh, query);
        let connected = connect(&mesh);
        assert_eq!(connected.code, Some(i32::from(fails)), "{}", said(&connected));
        assert!(connected.stderr.contains(told), "{}", said(&connected));
        let runs = run(&mesh);
        assert_eq!(runs.code == Some(0), !fails, "{query}\n{}", said(&runs));
    }
}

#[test]
fn values_beyond_their_type_are_told_where_the_tables_log_knows_of_them() {
    let mesh = mesh();
    promises(&mesh, &["name: i, logicalType: integer, physicalType: int"]);
    let large = 1_099_511_627_776_i64;
    let make = |known: bool| {
        let statistics = json!({"numRecords": 2, "minValues": {"id": 1, "i": 5}, "maxValues": {"id": 2, "i": large},
            "nullCount": {"id": 0, "i": 0}});
        made(
            &mesh,
            &format!("SELECT * FROM (VALUES (1, 5), (2, {large})) AS t(id, i)"),
            &[("id", json!("long")), ("i", json!("long"))],
            &json!({}),
            known.then_some(statistics),
        );
    };
    let told = format!(
        "warning[table-unreadable]: {PARTS}: column `i` holds a value that is not what the contract promises: a run of pipeline \
         shop.kept that comes to its row fails"
    );
    for (known, query, fails) in [
        (true, "SELECT id, CAST(i AS string) AS h FROM parts", true),
        (false, "SELECT id, CAST(i AS string) AS h FROM parts", true),
        (true, "SELECT id, 'x' AS h FROM parts", false),
    ] {
        make(known);
        asks(&mesh, query);
        let connected = connect(&mesh);
        assert_eq!(connected.code, Some(0), "{}", said(&connected));
        assert_eq!(
            connected.stderr.contains(&told),
            known && fails,
            "{query}\n{}",
            said(&connected)
        );
        assert!(!said(&connected).contains(&large.to_string()), "{}", said(&connected));
        let runs = run(&mesh);
        assert_eq!(runs.code == Some(0), !fails, "{query}\n{}", said(&runs));
    }
}

#[test]
fn tables_that_cannot_be_opened_fail_where_somebody_reads_them() {
    let mesh = mesh();
    promises(&mesh, &[]);
    let by_id = json!({"delta.columnMapping.mode": "id"});
    made(&mesh, "SELECT 1 AS id", &[("id", json!("long"))], &by_id, None);
    asks(&mesh, "SELECT id, 'x' AS h FROM parts");
    let connected = connect(&mesh);
    let failed = format!(
        "failed  tables    {PARTS} (read by pipeline shop.kept): {PARTS} cannot be read: its columns are mapped by id"
    );
    assert!(connected.stdout.contains(&failed), "{}", said(&connected));
    let runs = run(&mesh);
    assert_eq!((connected.code, runs.code), (Some(1), Some(1)), "{}", said(&runs));
    assert!(said(&runs).contains("mapped by id"), "{}", said(&runs));

    asks(&mesh, "SELECT 1 AS id, 'x' AS h FROM shop.bronze.orders");
    let connected = connect(&mesh);
    assert_eq!(connected.code, Some(0), "{}", said(&connected));
    let warned = format!("warning tables    {PARTS}: {PARTS} cannot be read: its columns are mapped by id");
    assert!(connected.stdout.contains(&warned), "{}", said(&connected));
}

#[test]
fn a_table_that_is_not_there_is_told_to_who_waits_for_its_rows() {
    let mesh = mesh();
    promises(&mesh, &[]);
    asks(&mesh, "SELECT id, 'x' AS h FROM parts");
    let connected = connect(&mesh);
    assert_eq!(connected.code, Some(0), "{}", said(&connected));
    let warned = format!("warning tables    {PARTS} (read by pipeline shop.kept): there is no table");
    assert!(connected.stdout.contains(&warned), "{}", said(&connected));
    assert!(
        connected.stdout.contains("lake/shop/bronze/parts"),
        "{}",
        said(&connected)
    );
    assert_eq!(run(&mesh).code, Some(0));

    asks(&mesh, "SELECT 1 AS id, 'x' AS h FROM shop.bronze.orders");
    let connected = connect(&mesh);
    for word in ["read by", "no stream or pipeline writes"] {
        assert!(!connected.stdout.contains(word), "{}", said(&connected));
    }
}

#[test]
fn a_field_that_objects_lack_is_null_where_it_may_be_and_breaks_its_rule_where_it_may_not() {
    let mesh = mesh();
    let object = |more: &str| {
        format!(
            "name: o, logicalType: object, properties: [{{name: a, logicalType: string}}, {{name: b, logicalType: \
             string{more}}}]"
        )
    };
    asks(&mesh, "SELECT id, coalesce(o['b'], o['a']) AS h FROM parts");
    let lacks = "`o.b` of shop.bronze.parts is required by its contract, and the table does not have it";
    let warns = ", customProperties: [{property: polder.onFailure, value: warn}]";
    for (more, is_kept_out) in [
        (String::new(), false),
        (", required: true".to_owned(), true),
        // Rows without it are taken, as they are for a column.
        (format!(", required: true{warns}"), false),
    ] {
        promises(&mesh, &[&object(&more)]);
        made(
            &mesh,
            "SELECT 1 AS id, named_struct('a', 'x') AS o",
            &[("id", json!("long")), ("o", self::object(&[("a", "string")]))],
            &json!({}),
            None,
        );
        let (connected, runs) = (connect(&mesh), run(&mesh));
        let tests = mesh.polder.run(&["test", PARTS]);
        let fails = Some(i32::from(is_kept_out));
        assert_eq!(
            (connected.code, runs.code, tests.code),
            (fails, fails, fails),
            "{more}\n{}\n{}",
            said(&runs),
            said(&tests)
        );
        match is_kept_out {
            true => {
                assert!(said(&runs).contains(lacks), "{}", said(&runs));
                assert!(said(&tests).contains("o.b.required"), "{}", said(&tests));
            }
            false => assert_eq!(mesh.csv("SELECT h FROM shop.silver.kept"), "h\nx\n"),
        }
    }
}

/// Appends to the table, as another engine would that merges the schema: a file of what a query gives, and its columns
/// by the same commit.
fn merged(mesh: &NewMesh, version: u64, query: &str, types: &[(&str, Value)]) {
    let table = mesh.path(TABLE);
    let name = format!("part-{version}.parquet");
    let file = table.join(&name);
    mesh.polder.expect(&["sql", "-o", &file.display().to_string(), query]);
    let columns: Vec<Value> = types
        .iter()
        .map(|(name, kind)| json!({"name": name, "type": kind, "nullable": true, "metadata": {}}))
        .collect();
    let schema = json!({"type": "struct", "fields": columns}).to_string();
    let size = fs::metadata(&file).unwrap().len();
    let entries = [
        json!({"metaData": {"id": "00000000-0000-4000-8000-000000000001", "format": {"provider": "parquet", "options": {}},
            "schemaString": schema, "partitionColumns": [], "configuration": {}}}),
        json!({"add": {"path": name, "partitionValues": {}, "modificationTime": version, "dataChange": true, "size": size}}),
    ];
    let entries = entries.map(|entry| entry.to_string()).join("\n");
    fs::write(table.join(format!("_delta_log/{version:020}.json")), entries).unwrap();
}

#[test]
fn queries_about_a_commit_that_gave_objects_a_field_read_the_rows_before_it_too() {
    let mesh = mesh();
    asks(&mesh, "SELECT id, 'x' AS h FROM parts");
    let object_of = |fields: &[(&str, &str)]| [("id", json!("long")), ("v", json!("long")), ("o", object(fields))];
    let few = object_of(&[("a", "long")]);
    let of_few = |id: u8| {
        format!(
            "SELECT CAST({id} AS bigint) AS id, CAST({id} AS bigint) AS v, named_struct('a', CAST(1 AS bigint)) AS o"
        )
    };
    made(&mesh, &of_few(1), &few, &json!({}), None);
    merged(&mesh, 1, &of_few(2), &few);
    let of_more = |id: u8, v: u8| {
        format!(
            "SELECT CAST({id} AS bigint) AS id, CAST({v} AS bigint) AS v, named_struct('a', CAST(1 AS bigint), 'b', 'x') AS o"
        )
    };
    let rows = format!("{} UNION ALL {}", of_more(3, 3), of_more(4, 50));
    merged(&mesh, 2, &rows, &object_of(&[("a", "long"), ("b", "string")]));
    // The 50 would have been refused. Of the others all have an `a` and one a `b`: 1 + 2 + 3, and 1 + 2, as it was before.
    for (all, without, fail) in [(7, 4, false), (6, 3, true)] {
        let rule = |id: &str, asked: &str, below: u8| {
            format!(
                "{{id: {id}, type: sql, query: 'SELECT sum(v) FROM {{object}} WHERE {asked}', mustBeLessThan: {below}}}"
            )
        };
        let rules = [rule("all", "o.a > 0", all), rule("without", "o.b IS NULL", without)].join(", ");
        let v = format!(
            "name: v, logicalType: integer, physicalType: bigint, logicalTypeOptions: {{maximum: 10}}, quality: [{rules}]"
        );
        let o = "name: o, logicalType: object, properties: [{name: a, logicalType: integer, physicalType: bigint}, \
                 {name: b, logicalType: string}]";
        promises(&mesh, &[&v, o]);
        let asked = ["contract", "backtest", PARTS, "--since", "1", "--format", "json"];
        let past = mesh.polder.run(&asked);
        let commits: Value = serde_json::from_str(&past.stdout).unwrap_or_else(|_| panic!("{}", said(&past)));
        let refused = if fail { 2 } else { 1 };
        assert_eq!(
            (&commits[0]["rows"], &commits[0]["refused"]),
            (&json!(2), &json!(refused)),
            "{}",
            said(&past)
        );
        let rules = commits[0]["rules"].as_array().unwrap().iter();
        let figures: Vec<_> = rules
            .filter(|rule| rule["rule"] != "v.maximum")
            .map(|rule| {
                [&rule["rule"], &rule["figure"], &rule["refuses_commit"]]
                    .map(ToString::to_string)
                    .join(" ")
            })
            .collect();
        let wanted: &[&str] = match fail {
            true => &["\"all\" 6 true", "\"without\" 3 false"],
            false => &[],
        };
        assert_eq!(figures, wanted, "{}", said(&past));
    }
}
