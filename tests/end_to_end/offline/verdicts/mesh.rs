//! A mesh with one stream of JSON lines into the dataset, and what its gates say.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use polder_testkit::{Ended, Polder};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{CONTRACT, DATASET, contract};

/// Id and rule of each row that `polder test` shows as one that breaks a rule.
pub(super) fn failing_rows(checks: &BTreeMap<String, Value>) -> BTreeSet<(u64, String)> {
    let mut failing = BTreeSet::new();
    for (rule, check) in checks {
        for shown in check["rows"].as_array().into_iter().flatten() {
            failing.insert((shown["row"]["id"].as_u64().unwrap(), rule.clone()));
        }
    }
    failing
}

/// A mesh with one stream of JSON lines.
pub(in crate::offline) struct Mesh {
    folder: TempDir,
    pub(super) polder: Polder,
}

impl Mesh {
    /// These rows wait to be written under this contract.
    pub(super) fn under(contract: &str, rows: &[Value]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let polder = Polder::in_folder(folder.path());
        let mesh = Self { folder, polder };
        mesh.write(
            "polder.yaml",
            "name: verdicts\nlake: {location: .polder/lake}\ncatalog: {database: 'sqlite:.polder/catalog.db'}\n",
        );
        mesh.write(CONTRACT, contract);
        mesh.write(
            "pipelines/sales/everything.stream.yaml",
            &format!(
                "description: Rows for every rule.\ndataset: {DATASET}\nsource:\n  files:\n    path: data/*.jsonl\n\
                 format:\n  encoding: json\n"
            ),
        );
        mesh.rows("0", rows);
        mesh
    }

    /// The rows in a table whose contract asked for nothing when they came; then the contract that is tested.
    pub(super) fn landed_before(contract_now: &str, rows: &[Value]) -> Self {
        let mesh = Self::under(&contract("1.0.0", &[], ""), rows);
        mesh.ingest();
        mesh.write(CONTRACT, contract_now);
        mesh
    }

    /// Another file of rows for the stream.
    pub(super) fn rows(&self, name: &str, rows: &[Value]) {
        let lines: String = rows.iter().map(|row| format!("{row}\n")).collect();
        self.write(&format!("data/{name}.jsonl"), &lines);
    }

    /// Samples of the contract: rows that its rules accept, and rows with the rule that each breaks.
    pub(super) fn samples(&self, good: &[Value], bad: &[Value]) {
        let samples = json!({"everything": {"good": good, "bad": bad}});
        self.write("contracts/sales/everything.samples.yaml", &samples.to_string());
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Writes what waits; it is taken.
    pub(super) fn ingest(&self) -> Ended {
        let ended = self.polder.run(&["ingest", "--until-end"]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        ended
    }

    pub(super) fn json(&self, arguments: &[&str]) -> (Ended, Value) {
        let ended = self.polder.run(arguments);
        let value = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended:?}"));
        (ended, value)
    }

    /// What a report of `polder test` on the dataset says of each check, and beside it the figure and the rows that break
    /// it.
    pub(super) fn test(&self) -> (Ended, BTreeMap<String, Value>) {
        self.tested(&["test", DATASET])
    }

    /// The same of other arguments.
    pub(super) fn tested(&self, arguments: &[&str]) -> (Ended, BTreeMap<String, Value>) {
        let mut arguments = arguments.to_vec();
        arguments.extend(["--show", "1000", "--format", "json", "--report", "json=report.json"]);
        let (ended, listed) = self.json(&arguments);
        let report: Value = serde_json::from_str(&self.read("report.json")).unwrap();
        let mut checks: BTreeMap<String, Value> = BTreeMap::new();
        for check in report["checks"].as_array().unwrap() {
            checks.insert(check["check"].as_str().unwrap().to_owned(), check.clone());
        }
        for row in listed.as_array().unwrap() {
            let check = checks
                .get_mut(row["rule"].as_str().unwrap())
                .unwrap_or_else(|| panic!("{row} is not in the report"));
            assert_eq!(check["outcome"], row["verdict"], "{row}");
            check["figure"] = row["figure"].clone();
            check["rows"] = row["rows"].clone();
        }
        (ended, checks)
    }

    /// Id and rule of each row in quarantine.
    pub(super) fn quarantined(&self) -> BTreeSet<(u64, String)> {
        let (_, refused) = self.json(&["quarantine", "show", DATASET, "--limit", "1000", "--format", "json"]);
        let refused = refused.as_array().unwrap().iter();
        refused
            .map(|row| {
                let record: Value = serde_json::from_str(row["record"].as_str().unwrap()).unwrap();
                (record["id"].as_u64().unwrap(), row["rule"].as_str().unwrap().to_owned())
            })
            .collect()
    }

    /// Verdict and reason of each rule by `polder contract test`.
    pub(super) fn proved(&self) -> (Ended, BTreeMap<String, (String, String)>) {
        let (ended, results) = self.json(&["contract", "test", DATASET, "--format", "json"]);
        let text = |result: &Value, key: &str| result[key].as_str().unwrap_or_default().to_owned();
        let results = results.as_array().unwrap().iter();
        let results = results.map(|result| (text(result, "rule"), (text(result, "result"), text(result, "why"))));
        (ended, results.collect())
    }

    /// How many rows the table has.
    pub(super) fn count(&self) -> String {
        let sql = format!("SELECT count(*) AS n FROM {DATASET}");
        let counted = self.polder.expect(&["sql", "--format", "csv", &sql]);
        counted.lines().nth(1).unwrap().to_owned()
    }
}
