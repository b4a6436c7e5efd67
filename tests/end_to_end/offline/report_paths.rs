//! Where reports say that files are, whichever folder a command is called in and however it names them: code hosts show
//! what is said of a file only by its place in the repository.

use std::fs;
use std::path::Path;
use std::process::Command;

use polder_testkit::{Ended, Polder};
use serde_json::Value;
use tempfile::TempDir;

use crate::mesh::copy_folder;
use crate::new_mesh::NewMesh;

/// What each report writes.
const REPORTS: [&str; 4] = ["github", "sarif", "junit", "json"];

/// A repository with a mesh in `mesh` and a contract beside it, in `plain`.
struct Repository(TempDir);

impl Repository {
    fn new() -> Self {
        let new = NewMesh::landed();
        let folder = tempfile::tempdir().unwrap();
        copy_folder(&new.path(""), &folder.path().join("mesh"));
        fs::create_dir(folder.path().join("plain")).unwrap();
        let contract = "contracts/shop/orders.odcs.yaml";
        fs::copy(new.path(contract), folder.path().join("plain/orders.odcs.yaml")).unwrap();
        let git = Command::new("git")
            .args(["init", "--quiet"])
            .arg(folder.path())
            .status();
        assert!(git.unwrap().success());
        Self(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    /// What a command writes as each report, called in a folder of the repository.
    fn reports(&self, folder: &str, arguments: &[&str]) -> (Ended, [String; 4]) {
        let out = tempfile::tempdir().unwrap();
        let file = |report: &str| out.path().join(report);
        let options = REPORTS.map(|report| format!("--report={report}={}", file(report).display()));
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let polder = Polder::in_folder(&self.0.path().join(folder));
        let ended = polder.run(&[arguments, &options].concat());
        let read = |report: &str| fs::read_to_string(file(report)).unwrap_or_else(|_| panic!("{report}: {ended:?}"));
        let written = REPORTS.map(read);
        (ended, written)
    }

    /// Expects reports whose findings are all in one file: `placed` in the repository, `begun` from the mesh on.
    fn expect(&self, folder: &str, arguments: &[&str], placed: &str, begun: &str) -> Ended {
        let (ended, [github, sarif, junit, json]) = self.reports(folder, arguments);
        let what = format!("{arguments:?} in {folder}");
        assert!(github.contains(&format!("::error file={placed},")), "{what}: {github}");
        let sarif: Value = serde_json::from_str(&sarif).unwrap();
        let results = sarif["runs"][0]["results"].as_array().unwrap();
        assert!(!results.is_empty(), "{what}: {ended:?}");
        for result in results {
            let uri = &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
            assert_eq!(uri, placed, "{what}");
        }
        assert!(junit.contains(&format!("{placed}:")), "{what}: {junit}");
        let json: Value = serde_json::from_str(&json).unwrap();
        for check in json["checks"].as_array().unwrap() {
            assert_eq!(check["file"], begun, "{what}: {check}");
        }
        for report in [github, sarif.to_string(), junit, json.to_string()] {
            let machine = self.path("");
            assert!(!report.contains(&machine), "{what} names {machine}: {report}");
        }
        ended
    }
}

const MESH: &str = "contracts/shop/orders.odcs.yaml";
const PLACED: &str = "mesh/contracts/shop/orders.odcs.yaml";

#[test]
fn a_test_of_a_file_places_its_contract_in_the_repository() {
    let repository = Repository::new();
    let data = repository.path("mesh/data/orders/2026-01.jsonl");
    let test = |folder: &str, contract: &str, placed: &str, begun: &str| {
        let ended = repository.expect(folder, &["test", contract, "--data", &data], placed, begun);
        assert_eq!(ended.code, Some(1), "{ended:?}");
    };
    test("mesh", MESH, PLACED, MESH);
    test("mesh/contracts/shop", "orders.odcs.yaml", PLACED, MESH);
    test("mesh/data", "../contracts/./shop/orders.odcs.yaml", PLACED, MESH);
    test("mesh/data", &repository.path(PLACED), PLACED, MESH);
    // Beside the mesh, and where there is no mesh: from the current folder on.
    let plain = "plain/orders.odcs.yaml";
    test(
        "mesh/data",
        "../../plain/orders.odcs.yaml",
        plain,
        "../plain/orders.odcs.yaml",
    );
    test("mesh", &repository.path(plain), plain, "../plain/orders.odcs.yaml");
    test("plain", "orders.odcs.yaml", plain, "orders.odcs.yaml");
    test("", &repository.path(plain), plain, plain);
}

#[test]
fn a_contract_that_cannot_be_read_is_placed_and_shown_in_every_folder() {
    let repository = Repository::new();
    let path = repository.path(PLACED);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("kind: DataContract", "kind: DataContrct")).unwrap();
    // Samples beside a contract are linted with it.
    fs::remove_file(repository.path("mesh/contracts/shop/orders.samples.yaml")).unwrap();
    let data = repository.path("mesh/data/orders/2026-01.jsonl");
    for (folder, contract) in [
        ("mesh/contracts/shop", "orders.odcs.yaml"),
        ("mesh/data", "../contracts/shop/orders.odcs.yaml"),
        ("mesh", &path),
    ] {
        let test = ["test", contract, "--data", &data];
        let lint = ["contract", "lint", contract];
        for arguments in [&test[..], &lint] {
            let ended = repository.expect(folder, arguments, PLACED, MESH);
            assert_eq!(ended.code, Some(2), "{ended:?}");
            assert!(ended.stderr.contains(" | kind: DataContrct\n"), "{ended:?}");
        }
    }
}

#[test]
fn lint_names_files_outside_of_the_repository_as_they_are_named() {
    let repository = Repository::new();
    let elsewhere = tempfile::tempdir().unwrap();
    let contract = elsewhere.path().join("wrong.odcs.yaml");
    fs::write(&contract, "id: x\n").unwrap();
    let named = contract.display().to_string();
    let (ended, [github, sarif, ..]) = repository.reports("mesh/contracts", &["contract", "lint", &named]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(github.contains(&format!("file={named},")), "{github}");
    assert!(
        Path::new(&named).is_absolute() && sarif.contains(&format!("\"file://{named}\"")),
        "{sarif}"
    );
}

/// Expects of a command that what it writes for code hosts is about this file.
fn placed_from(folder: &Path, arguments: &[&str], placed: &str) {
    let run = |report: &str| Polder::in_folder(folder).run(&[arguments, &["--report", report]].concat());
    let ended = run("github");
    assert!(
        ended.stdout.contains(&format!("file={placed},")),
        "{arguments:?}: {ended:?}"
    );
    let sarif: Value = serde_json::from_str(&run("sarif").stdout).unwrap();
    for result in sarif["runs"][0]["results"].as_array().unwrap() {
        let uri = &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
        assert_eq!(uri, placed, "{arguments:?}");
    }
    let junit = run("junit").stdout;
    assert!(junit.contains(&format!("{placed}:")), "{arguments:?}: {junit}");
}

#[test]
fn files_are_placed_in_their_own_repository_from_wherever_they_are_named() {
    let repository = Repository::new();
    // Samples beside a contract are linted with it.
    fs::remove_file(repository.path("mesh/contracts/shop/orders.samples.yaml")).unwrap();
    let (contract, data) = (
        repository.path(PLACED),
        repository.path("mesh/data/orders/2026-01.jsonl"),
    );
    let around = repository.0.path().parent().unwrap();
    let from_around = Path::new(&contract).strip_prefix(around).unwrap().display().to_string();
    let elsewhere = tempfile::tempdir().unwrap();
    let other = Repository::new();
    for (folder, named) in [
        (around, &contract),
        (around, &from_around),
        (elsewhere.path(), &contract),
        (&other.0.path().join("mesh"), &contract),
        (other.0.path(), &contract),
    ] {
        placed_from(folder, &["test", named, "--data", &data], PLACED);
        let text = fs::read_to_string(&contract).unwrap();
        fs::write(&contract, text.replace("kind: DataContract", "kind: DataContrct")).unwrap();
        placed_from(folder, &["contract", "lint", named], PLACED);
        fs::write(&contract, text).unwrap();
    }
}

#[test]
fn lint_places_every_document_of_a_named_folder() {
    let repository = Repository::new();
    let (_, [.., json]) = repository.reports("mesh/contracts/shop", &["contract", "lint", "../shop"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    let checks = json["checks"].as_array().unwrap();
    let files: Vec<&str> = checks.iter().filter_map(|check| check["file"].as_str()).collect();
    assert!(files.contains(&MESH), "{files:?}");
    assert!(
        files.iter().all(|file| file.starts_with("contracts/shop/")),
        "{files:?}"
    );
    let subjects = checks.iter().filter_map(|check| check["subject"].as_str());
    assert_eq!(subjects.collect::<Vec<_>>(), files);
}
