//! What the names of physical types promise is kept at every gate; what nobody can read or count in them is told.

use serde_json::{Value, json};

use super::{CONTRACT, DATASET, Mesh};

/// Columns with the name of their type, a value that it has, and one that it does not have; none where it is not checked.
const COLUMNS: [(&str, &str, &str, &str, Option<&str>); 6] = [
    (
        "key",
        "string",
        "uuid",
        "\"123e4567-e89b-12d3-a456-426614174000\"",
        Some("\"zzz\""),
    ),
    // One character, however many bytes it has.
    ("letter", "string", "char", "\"ä\"", Some("\"ab\"")),
    // The greatest whole number of 24 bits with a sign, and the next.
    ("medium", "integer", "mediumint", "8388607", Some("8388608")),
    (
        "state",
        "string",
        "\"enum('new','it''s (sent)')\"",
        "\"it's (sent)\"",
        Some("\"lost\""),
    ),
    ("word", "string", "varchar(3 furlongs)", "\"whatever\"", None),
    (
        "seen",
        "timestamp",
        "timestamp(3)",
        "\"2026-01-02T03:04:05.123456Z\"",
        None,
    ),
];

fn contract(version: &str, on_failure: &str) -> String {
    let columns: String = COLUMNS
        .iter()
        .map(|(name, logical, physical, ..)| {
            format!("      - {{name: {name}, logicalType: {logical}, physicalType: {physical}}}\n")
        })
        .collect();
    format!(
        "apiVersion: v3.1.0\nkind: DataContract\nid: {DATASET}\nname: Types\nversion: {version}\nstatus: active\n\
         schema:\n  - name: everything\n    physicalName: {DATASET}\n    \
         customProperties: [{{property: polder.onFailure, value: {on_failure}}}]\n    properties:\n\
         \x20     - {{name: id, logicalType: integer}}\n{columns}"
    )
}

/// A row that keeps everything, then one for each type whose value it does not have.
fn rows() -> Vec<Value> {
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let mut good = json!({"id": 0});
    for (name, _, _, value, _) in COLUMNS {
        good[name] = read(value);
    }
    let mut rows = vec![good.clone()];
    for (name, .., bad) in COLUMNS {
        if let Some(bad) = bad {
            let mut row = good.clone();
            row["id"] = json!(rows.len());
            row[name] = read(bad);
            rows.push(row);
        }
    }
    rows
}

#[test]
fn the_name_of_a_type_keeps_out_what_such_a_column_could_not_hold() {
    let expected: Vec<(u64, String)> = (1..)
        .zip(&COLUMNS[..4])
        .map(|(id, (name, ..))| (id, format!("{name}.physicalType")))
        .collect();
    let mesh = Mesh::under(&contract("1.0.0", "quarantine"), &rows());
    mesh.ingest();
    assert_eq!(mesh.quarantined().into_iter().collect::<Vec<_>>(), expected);

    let mesh = Mesh::under(&contract("1.0.0", "warn"), &rows());
    mesh.ingest();
    let select = format!("SELECT * FROM {DATASET}");
    mesh.polder
        .expect(&["sql", "--format", "parquet", "-o", "rows.parquet", &select]);
    for (_, checks) in [mesh.test(), mesh.tested(&["test", CONTRACT, "--data", "rows.parquet"])] {
        for (name, .., bad) in COLUMNS {
            let check = &checks[&format!("{name}.physicalType")];
            match bad {
                Some(_) => assert_eq!(
                    (&check["outcome"], &check["figure"]),
                    (&json!("warned"), &json!(1)),
                    "{check}"
                ),
                None => assert_eq!(check["outcome"], "not run", "{check}"),
            }
        }
        let why = checks["word.physicalType"]["message"].as_str().unwrap_or_default();
        assert!(
            why.contains("what `varchar(3 furlongs)` allows cannot be read"),
            "{why}"
        );
    }

    let rows = rows();
    let bad = expected.iter().zip(&rows[1..]);
    let bad: Vec<Value> = bad.map(|((_, rule), row)| json!({"rule": rule, "row": row})).collect();
    mesh.samples(&rows[..1], &bad);
    let (_, proved) = mesh.proved();
    for (_, rule) in expected {
        assert_eq!(proved[&rule].0, "proven", "{rule}");
    }
}
