//! `polder contract lint --watch`: documents are linted again as they are written.

use std::fs;
use std::process::Command;

use polder_testkit::Polder;

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
