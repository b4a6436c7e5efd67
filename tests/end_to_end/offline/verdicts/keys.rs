//! Columns of the primary key have a value although they do not say so: every gate says that the key asks for it.

use serde_json::{Value, json};

use super::{DATASET, Mesh, contract, good};

/// Both columns are the key; one of them says itself that it is required.
const KEY: [(&str, &str); 2] = [
    ("must", "primaryKey: true, primaryKeyPosition: 1"),
    ("size", "primaryKey: true, primaryKeyPosition: 2, required: true"),
];

/// The rules, and what each asks for.
const ASKED: [(&str, &str); 2] = [
    ("must.required", "a value is required (part of the primary key)"),
    ("size.required", "a value is required"),
];

/// A good row, then one without the first and one without the second column of the key.
fn rows() -> Vec<Value> {
    let without = |id: usize, column: &str| {
        let mut row = good(id);
        row[column] = Value::Null;
        row
    };
    vec![good(0), without(1, "must"), without(2, "size")]
}

#[test]
fn that_a_column_is_required_as_part_of_the_primary_key_is_said_at_every_gate() {
    let strict = contract("2.0.0", &KEY, "");

    // The write.
    let mesh = Mesh::under(&strict, &rows());
    mesh.ingest();
    let (_, refused) = mesh.json(&["quarantine", "show", DATASET, "--format", "json"]);
    for (rule, asked) in ASKED {
        let refused = refused.as_array().unwrap().iter();
        let of_rule: Vec<&Value> = refused.filter(|row| row["rule"] == rule).collect();
        let column = rule.trim_end_matches(".required");
        assert_eq!(of_rule.len(), 1, "{rule}");
        assert_eq!(of_rule[0]["reason"], format!("{column} is missing: {asked}"));
    }

    // `polder test`, on the rows in a table, and on a file that lacks the columns.
    let mesh = Mesh::landed_before(&strict, &rows());
    let (_, checks) = mesh.test();
    for (rule, asked) in ASKED {
        assert_eq!(checks[rule]["outcome"], "failed", "{rule}");
        assert_eq!(checks[rule]["message"], format!("{asked}: 1 row fails"), "{rule}");
    }
    let select = format!("SELECT id FROM {DATASET}");
    mesh.polder
        .expect(&["sql", "--format", "parquet", "-o", "ids.parquet", &select]);
    let (_, checks) = mesh.tested(&["test", super::CONTRACT, "--data", "ids.parquet"]);
    for (rule, asked) in ASKED {
        let message = checks[rule]["message"].as_str().unwrap();
        assert!(message.starts_with(&format!("{asked}: ")), "{rule}: {message}");
    }

    // Samples: each rule fires on the rows that break it, and says so of a row that was meant to be good.
    mesh.samples(
        &rows()[..1],
        &[
            json!({"rule": "must.required", "change": {"must": null}}),
            json!({"rule": "size.required", "change": {"size": null}}),
        ],
    );
    let (ended, proved) = mesh.proved();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for (rule, _) in ASKED {
        assert_eq!(proved[rule].0, "proven", "{rule}");
    }
    mesh.samples(&rows(), &[]);
    let (ended, proved) = mesh.proved();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for (rule, asked) in ASKED {
        let (verdict, why) = &proved[rule];
        assert!(
            verdict == "failed" && why.ends_with(&format!("is missing: {asked}")),
            "{rule}: {why}"
        );
    }
}
