//! References to other datasets: the same figure and verdict at every gate.

use serde_json::{Value, json};

use super::{CONTRACT, DATASET, Mesh, contract, mesh::failing_rows, sets::unwrapped, ten_rows};

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
const REFERENCES: [(&str, &str, &[u64], &str, &str); 2] = [
    (
        "code.foreignKey",
        "{from: everything.code, to: sales.bronze.known.code}",
        &[1, 3, 5, 7],
        "4",
        "4 rows without a match in code of sales.bronze.known, asked: none",
    ),
    (
        "foreignKey",
        "{from: [everything.code, everything.level], to: [sales.bronze.known.code, sales.bronze.known.level]}",
        &[1, 2, 3, 5, 6, 7, 8],
        "7",
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
