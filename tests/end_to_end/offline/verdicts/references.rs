//! References to other datasets: the same figure and verdict at every gate.

use serde_json::{Value, json};

use super::{CONTRACT, DATASET, Mesh, contract, good, mesh::failing_rows, sets::unwrapped, ten_rows};

/// The dataset that is referred to: one code, with one level.
const KNOWN: &str = "apiVersion: v3.1.0
kind: DataContract
id: sales.bronze.known
name: Known
version: 1.0.0
status: active
schema:
  - name: known
    physicalName: sales.bronze.known
    properties:
      - {name: code, logicalType: string, physicalType: string}
      - {name: level, logicalType: integer, physicalType: int}
";

/// What it holds.
const ONE: &str = "{\"code\": \"ABC\", \"level\": 5}\n";

/// References of the rows: of their codes, and of codes with levels. Which rows have no match, by id.
const REFERENCES: [(&str, &str, &[u64], u64, &str); 2] = [
    (
        "code.foreignKey",
        "{from: everything.code, to: sales.bronze.known.code}",
        &[1, 3, 5, 7],
        4,
        "4 rows without a match in code of sales.bronze.known, asked: none",
    ),
    (
        "foreignKey",
        "{from: [everything.code, everything.level], to: [sales.bronze.known.code, sales.bronze.known.level]}",
        &[1, 2, 3, 5, 6, 7, 8],
        7,
        "7 rows without a match in code, level of sales.bronze.known, asked: none",
    ),
];

/// Ten rows, of which the last has no code: five have the known one, two of these with the known level.
fn rows() -> Vec<Value> {
    let mut rows = ten_rows();
    rows[9]["code"] = Value::Null;
    rows
}

/// Declares what is known and lands it: JSON lines with codes and levels.
pub(super) fn with_known(mesh: &Mesh, lines: &str) {
    known(mesh, lines);
    mesh.polder.expect(&["ingest", "sales.known", "--until-end"]);
}

/// Declares what is known and delivers it; it is not read yet.
fn known(mesh: &Mesh, lines: &str) {
    mesh.write("contracts/sales/known.odcs.yaml", KNOWN);
    mesh.write(
        "pipelines/sales/known.stream.yaml",
        "description: What is known.\ndataset: sales.bronze.known\nsource: {files: {path: known/*.jsonl}}\nformat: \
         {encoding: json}\n",
    );
    mesh.write("known/known.jsonl", lines);
}

#[test]
fn references_to_other_datasets_give_the_same_figure_and_verdict_at_every_gate() {
    let rows = rows();
    for (rule, reference, without_match, figure, said) in REFERENCES {
        let strict = contract("2.0.0", &[], &format!("    relationships: [{reference}]\n"));

        // The write.
        let mesh = Mesh::under(&strict, &rows);
        with_known(&mesh, ONE);
        let refused = mesh.polder.run(&["ingest", "sales.everything", "--until-end"]);
        assert_eq!(refused.code, Some(1), "{rule}: {refused:?}");
        let sentence = format!("rule {rule}: it would be {said}");
        assert!(
            unwrapped(&refused.stderr).contains(&sentence),
            "{sentence}: {refused:?}"
        );

        // The same rows under a contract that does not ask, then `polder test`.
        mesh.write(CONTRACT, &contract("2.0.1", &[], ""));
        mesh.ingest();
        assert_eq!(mesh.count(), "10");
        mesh.write(CONTRACT, &strict);
        let (ended, checks) = mesh.test();
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert_eq!(checks[rule]["outcome"], "failed", "{rule}");
        assert_eq!(checks[rule]["figure"], figure, "{rule}");
        let without = without_match.iter().map(|id| (*id, rule.to_owned()));
        assert_eq!(failing_rows(&checks), without.collect());

        // Samples of both.
        mesh.samples(&rows, &[]);
        let known = json!({"known": {"good": [{"code": "ABC", "level": 5}]}});
        mesh.write("contracts/sales/known.samples.yaml", &known.to_string());
        let (ended, proved) = mesh.proved();
        assert_eq!(ended.code, Some(1), "{ended:?}");
        let why = format!("it refuses the good rows together: {said}");
        assert_eq!(proved[rule], ("failed".to_owned(), why));

        // Whoever has a file alone cannot ask the other dataset, and says so.
        let select = format!("SELECT * FROM {DATASET}");
        mesh.polder
            .expect(&["sql", "--format", "parquet", "-o", "rows.parquet", &select]);
        let (_, checks) = mesh.tested(&["test", CONTRACT, "--data", "rows.parquet"]);
        assert_eq!(checks[rule]["outcome"], "not run", "{}", checks[rule]);
    }
}

/// A row with this id and level; what is wrong with it is its price.
fn of_level(id: usize, level: Option<usize>, price: u32) -> Value {
    let mut row = good(id);
    row["level"] = json!(level);
    row["price"] = json!(price);
    row
}

#[test]
fn a_dataset_may_refer_to_itself_and_a_shipment_is_judged_as_a_whole() {
    let own = "    relationships: [{from: everything.level, to: everything.id}]\n";
    let asks = "    quality: [{id: some, type: sql, query: 'SELECT count(*) FROM {object}', mustBeGreaterThan: 0}]\n";
    for beside in ["", asks] {
        let cheap = [("price", "logicalTypeOptions: {maximum: 100}")];
        let strict = contract("2.0.0", &cheap, &format!("{own}{beside}"));
        // Rows refer to one beside them, to themselves, and then to one that is there.
        let first = [of_level(1, None, 1), of_level(2, Some(1), 1), of_level(3, Some(3), 1)];
        let mesh = Mesh::under(&strict, &first);
        mesh.ingest();
        mesh.rows("1", &[of_level(5, Some(4), 1), of_level(4, Some(2), 1)]);
        mesh.ingest();
        assert_eq!(mesh.count(), "5");
        let (ended, checks) = mesh.test();
        let found = &checks["level.foreignKey"];
        assert_eq!(
            (ended.code, &found["outcome"]),
            (Some(0), &json!("passed")),
            "{ended:?}"
        );

        // One that is not there refuses the shipment, one that is refused is not there, and `polder test` would say so.
        let missing =
            "rule level.foreignKey: it would be 1 row without a match in id of sales.bronze.everything, asked: none";
        for rows in [
            &[of_level(6, Some(9), 1)][..],
            &[of_level(7, None, 101), of_level(8, Some(7), 1)],
        ] {
            mesh.rows("2", rows);
            let refused = mesh.polder.run(&["ingest", "--until-end"]);
            assert_eq!(refused.code, Some(1), "{refused:?}");
            assert!(unwrapped(&refused.stderr).contains(missing), "{refused:?}");
            assert_eq!(mesh.count(), "5");
        }
        // Without the row that refers to it the refused one is kept out alone.
        mesh.rows("2", &[of_level(7, None, 101), of_level(8, Some(5), 1)]);
        mesh.ingest();
        assert_eq!(mesh.count(), "6");
    }
}

#[test]
fn what_a_pipeline_builds_may_refer_to_itself() {
    let mesh = Mesh::under(
        &contract("1.0.0", &[], ""),
        &[of_level(1, None, 1), of_level(2, Some(1), 1), of_level(3, Some(3), 1)],
    );
    mesh.write(
        "contracts/sales/built.odcs.yaml",
        "apiVersion: v3.1.0\nkind: DataContract\nid: sales.silver.built\nname: Built\nversion: 1.0.0\nstatus: active\n\
         schema:\n  - name: built\n    physicalName: sales.silver.built\n    properties:\n      \
         - {name: id, logicalType: integer, physicalType: int}\n      \
         - {name: boss, logicalType: integer, physicalType: int, relationships: [{to: built.id}]}\n",
    );
    mesh.write(
        "pipelines/sales/built.sql",
        "SELECT id, level AS boss FROM sales.bronze.everything\n",
    );
    for materialization in ["append", "replace_groups\nkey: [id]", "replace_groups"] {
        mesh.write(
            "pipelines/sales/built.pipeline.yaml",
            &format!("description: Some.\ndataset: sales.silver.built\nmaterialization: {materialization}\n"),
        );
        mesh.ingest();
        mesh.polder.expect(&["run", "--full"]);
        let bosses = "SELECT count(boss) AS bosses FROM sales.silver.built";
        let (_, built) = mesh.json(&["sql", "--format", "json", bosses]);
        assert_eq!(built[0]["bosses"], 2, "{materialization}");
    }
    // What comes later refers to what is there, and to what is not.
    mesh.rows("1", &[of_level(4, Some(2), 1), of_level(5, Some(4), 1)]);
    mesh.ingest();
    mesh.polder.expect(&["run"]);
    mesh.rows("2", &[of_level(6, Some(9), 1)]);
    mesh.ingest();
    let refused = mesh.polder.run(&["run"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    let missing = "rule boss.foreignKey: it would be 1 row without a match in id of sales.silver.built, asked: none";
    let said = unwrapped(&format!("{}{}", refused.stdout, refused.stderr));
    assert!(said.contains(missing), "{refused:?}");
}

#[test]
fn streams_up_to_their_end_land_what_others_refer_to_first() {
    // `everything` comes before `known` by its name, and refers to it.
    let mut rows = ten_rows();
    rows.truncate(1);
    rows[0]["code"] = json!("ABC");
    let strict = contract(
        "2.0.0",
        &[],
        "    relationships: [{from: everything.code, to: sales.bronze.known.code}]\n",
    );
    let mesh = Mesh::under(&strict, &rows);
    known(&mesh, ONE);
    let alone = mesh.polder.run(&["ingest", "sales.everything", "--until-end"]);
    assert_eq!(alone.code, Some(1), "{alone:?}");
    assert!(
        unwrapped(&alone.stderr).contains("sales.everything refers to what sales.known lands: run that first"),
        "{alone:?}"
    );
    mesh.polder.expect(&["ingest", "--until-end"]);
    assert_eq!(mesh.count(), "1");
}

/// A contract of two objects, of which the first asks the second one by a query; `extra` is what its streams and pipelines
/// need of it.
const PAIR: &str = "apiVersion: v3.1.0
kind: DataContract
id: sales.bronze.orders
name: Orders
version: 1.0.0
status: active
schema:
  - name: orders
    physicalName: sales.LAYER.orders
    properties:
      - {name: code, logicalType: string, physicalType: string}
    quality:
      - id: known
        type: sql
        query: SELECT count(*) FROM {object} o LEFT JOIN codes k ON o.code = k.code WHERE k.code IS NULL
        mustBe: 0
  - name: codes
    physicalName: sales.LAYER.zcodes
    properties:
      - {name: code, logicalType: string, physicalType: string}
";

/// A mesh of orders and codes beside what it has, and their rows.
fn orders_and_codes() -> Mesh {
    let mesh = Mesh::under(&contract("1.0.0", &[], ""), &[]);
    mesh.write("contracts/sales/orders.odcs.yaml", &PAIR.replace("LAYER", "bronze"));
    for (stream, dataset) in [("orders", "orders"), ("zcodes", "zcodes")] {
        mesh.write(
            &format!("pipelines/sales/{stream}.stream.yaml"),
            &format!(
                "description: Some.\ndataset: sales.bronze.{dataset}\nsource: {{files: {{path: {stream}/*.jsonl}}}}\n\
                 format: {{encoding: json}}\n"
            ),
        );
        mesh.write(&format!("{stream}/0.jsonl"), "{\"code\": \"ABC\"}\n");
    }
    mesh
}

#[test]
fn streams_up_to_their_end_land_what_queries_of_rules_read_first() {
    let mesh = orders_and_codes();
    let alone = mesh.polder.run(&["ingest", "sales.orders", "--until-end"]);
    assert_eq!(alone.code, Some(1), "{alone:?}");
    assert!(
        unwrapped(&alone.stderr).contains("sales.orders refers to what sales.zcodes lands: run that first"),
        "{alone:?}"
    );
    let both = mesh
        .polder
        .expect(&["ingest", "sales.orders", "sales.zcodes", "--until-end"]);
    let place = |said: &str| both.find(said).unwrap_or_else(|| panic!("{said}: {both:?}"));
    assert!(place("sales.zcodes: 1 row") < place("sales.orders: 1 row"), "{both:?}");
}

#[test]
fn pipelines_are_run_after_those_that_build_what_their_rules_ask() {
    let mesh = orders_and_codes();
    mesh.write("contracts/sales/built.odcs.yaml", &{
        let built = PAIR
            .replace("LAYER", "silver")
            .replace("id: sales.bronze.orders", "id: sales.silver.orders");
        built.replace("name: Orders", "name: Built")
    });
    mesh.polder
        .expect(&["ingest", "sales.orders", "sales.zcodes", "--until-end"]);
    for (pipeline, from) in [("orders_built", "orders"), ("zcodes_built", "zcodes")] {
        mesh.write(
            &format!("pipelines/sales/{pipeline}.pipeline.yaml"),
            &format!("description: Some.\ndataset: sales.silver.{from}\nmaterialization: replace_groups\n"),
        );
        mesh.write(
            &format!("pipelines/sales/{pipeline}.sql"),
            &format!("SELECT code FROM sales.bronze.{from}\n"),
        );
    }
    let (_, planned) = mesh.json(&["plan", "--format", "json"]);
    let steps: Vec<&str> = planned
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["step"].as_str().unwrap())
        .collect();
    assert_eq!(steps, ["sales.zcodes_built", "sales.orders_built"]);
    mesh.polder.expect(&["run"]);

    // A circle leaves the order of the queries, and is told.
    mesh.write(
        "pipelines/sales/zcodes_built.sql",
        "SELECT code FROM sales.silver.orders\n",
    );
    let around = mesh.polder.run(&["run"]);
    let said = unwrapped(&around.stderr);
    assert!(
        !said.contains("its rules ask sales.silver.zcodes"),
        "nothing is built, so there is nothing to tell: {said}"
    );
    let around = mesh.polder.run(&["run", "--full"]);
    assert!(
        unwrapped(&around.stderr)
            .contains("sales.orders_built: its rules ask sales.silver.zcodes, which waits for this step"),
        "{around:?}"
    );
}
