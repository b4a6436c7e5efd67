//! What writes with people: `polder contract lint --watch`, which lints documents again as they are written, and the JSON
//! schema by which editors complete them.

use std::fs;
use std::process::Command;

use polder_testkit::Polder;
use serde_json::Value;

const CONTRACT: &str = "apiVersion: v3.1.0
kind: DataContract
id: refunds
version: 1.0.0
status: active
schema:
  - name: refunds
    physicalName: shop.silver.refunds
    properties:
      - {name: refund, logicalType: integer}
";

#[test]
fn a_watched_contract_is_linted_again_whenever_it_changes_until_ctrl_c() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("refunds.odcs.yaml");
    let odd = "slaProperties:\n  - {property: retention, value: 3, unit: fortnights}\n";
    fs::write(&file, format!("{CONTRACT}{odd}")).unwrap();
    let polder = Polder::in_folder(folder.path());
    let mut watching = polder.start(&["contract", "lint", "--watch", "refunds.odcs.yaml"]);
    // Each state has other findings, so that no line of an earlier one can be taken for it.
    watching.wait_for("1 document: 0 errors, 1 warning");
    fs::write(&file, CONTRACT.replace("logicalType: integer", "logicalType: intger")).unwrap();
    let told = watching.wait_for("`intger`");
    assert!(told.starts_with("error"), "{told}");
    watching.wait_for("refunds.odcs.yaml:10:");
    watching.wait_for("1 document: 1 error, 0 warnings");
    fs::write(&file, CONTRACT).unwrap();
    watching.wait_for("1 document: 0 errors, 0 warnings");
    assert!(watching.is_running(), "{}", watching.said());
    // The shell has `kill` built in; the program of that name is not on every machine.
    let interrupt = format!("kill -INT {}", watching.id());
    assert!(Command::new("sh").args(["-c", &interrupt]).status().unwrap().success());
    assert_eq!(watching.wait().code, Some(0));
}

#[test]
fn editors_get_the_schema_of_contracts_without_a_mesh() {
    let folder = tempfile::tempdir().unwrap();
    let polder = Polder::in_folder(folder.path());
    let printed = polder.expect(&["contract", "schema"]);
    let written = polder.expect(&["contract", "schema", "-o", "odcs.json"]);
    assert_eq!(written, "");
    assert_eq!(fs::read_to_string(folder.path().join("odcs.json")).unwrap(), printed);
    let schema: Value = serde_json::from_str(&printed).unwrap();
    assert!(
        schema["$schema"]
            .as_str()
            .unwrap()
            .starts_with("https://json-schema.org/draft/")
    );
    // What each version of the standard requires of every contract, and sections that it has.
    let mut required: Vec<&str> = schema["required"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    required.sort_unstable();
    assert_eq!(required, ["apiVersion", "id", "kind", "version"]);
    for section in [
        "schema",
        "slaProperties",
        "team",
        "servers",
        "roles",
        "price",
        "support",
        "customProperties",
    ] {
        assert!(schema["properties"][section].is_object(), "{section}");
    }
    // A folder is no file.
    let refused = polder.run(&["contract", "schema", "-o", "."]);
    assert_eq!(refused.code, Some(3), "{refused:?}");
}
