//! `polder contract import` and `infer`: what is said on the command line gets into the contract, a loss fails where it is
//! asked to, and no contract that is there is written over.

use std::fs;
use std::path::PathBuf;

use polder_testkit::{Ended, Polder};
use tempfile::TempDir;

use crate::mesh::expect_refusal;
use crate::new_mesh::NewMesh;

/// A table that loses nothing as a contract; what its timestamp means is said by the dialect.
const PLAIN: &str = "CREATE TABLE people (\n  id integer NOT NULL,\n  seen timestamp,\n  CHECK (id > 0)\n);\n";
/// One with a type that no contract has.
const LOSSY: &str = "CREATE TABLE people (\n  id integer NOT NULL,\n  extra jsonb\n);\n";
/// What the losses of that one are told as.
const LOST: &str = "lost: line 3: people.extra: JSONB";

/// A folder without a mesh.
struct Desk {
    folder: TempDir,
    polder: Polder,
}

impl Desk {
    fn with(documents: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in documents {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let polder = Polder::in_folder(folder.path());
        Self { folder, polder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The import of a document, with more said.
    fn import(&self, file: &str, from: &str, more: &[&str]) -> Ended {
        self.polder
            .run(&[&["contract", "import", file, "--from", from][..], more].concat())
    }

    /// Every name in the folder.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

#[test]
fn types_mean_what_they_mean_in_the_dialect_that_is_named() {
    let model = "version: 2\nmodels:\n  - name: people\n    columns:\n      - {name: seen, data_type: timestamp}\n";
    let desk = Desk::with(&[("people.sql", PLAIN), ("people.yml", model)]);
    for (file, from) in [("people.sql", "sql"), ("people.yml", "dbt")] {
        // Of no zone in PostgreSQL, an instant in Spark.
        for (dialect, has_no_zone) in [("postgres", true), ("spark", false)] {
            let ended = desk.import(file, from, &["--dialect", dialect]);
            assert_eq!(ended.code, Some(0), "{ended:?}");
            assert!(ended.stdout.contains("- name: seen"), "{ended:?}");
            assert_eq!(ended.stdout.contains("timestamp_ntz"), has_no_zone, "{ended:?}");
        }
    }
    let ended = desk.import("people.sql", "avro", &["--dialect", "spark"]);
    expect_refusal(&["contract", "import"], &ended, 2, &["only sql and dbt have dialects"]);
}

#[test]
fn the_owner_and_the_domain_that_no_format_knows_are_in_the_contract() {
    let desk = Desk::with(&[("people.sql", PLAIN)]);
    let unsaid = desk.import("people.sql", "sql", &[]).stdout;
    assert!(
        unsaid.contains("id: people\n") && !unsaid.contains("domain:") && !unsaid.contains("team:"),
        "{unsaid}"
    );
    let said = desk
        .import("people.sql", "sql", &["--owner", "ada", "--domain", "hr"])
        .stdout;
    assert!(said.contains("\ndomain: hr\n"), "{said}");
    assert!(
        said.ends_with("team:\n  members:\n    - username: ada\n      role: owner\n"),
        "{said}"
    );
    let bound = desk
        .import("people.sql", "sql", &["--dataset", "hr.bronze.staff"])
        .stdout;
    assert!(
        bound.contains("\nid: hr.bronze.staff\n") && bound.contains("physicalName: hr.bronze.staff\n"),
        "{bound}"
    );
}

#[test]
fn a_loss_fails_a_strict_import_and_leaves_nothing_behind() {
    let desk = Desk::with(&[("lossy.sql", LOSSY), ("people.sql", PLAIN)]);
    let postgres = ["--dialect", "postgres"];
    // Named, and no failure where none was asked for.
    let ended = desk.import("lossy.sql", "sql", &postgres);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.stderr.contains(LOST) && ended.stdout.contains("- name: extra"),
        "{ended:?}"
    );

    let strict = [&postgres[..], &["--strict"]].concat();
    for to in [&[][..], &["-o", "lossy.odcs.yaml"]] {
        let ended = desk.import("lossy.sql", "sql", &[&strict[..], to].concat());
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{ended:?}");
        let words = [LOST, "nothing was written: 1 thing would be lost"];
        assert!(words.iter().all(|words| ended.stderr.contains(words)), "{ended:?}");
    }
    assert_eq!(desk.names(), ["lossy.sql", "people.sql"]);

    // Where nothing is lost, it is an import like any other.
    let ended = desk.import(
        "people.sql",
        "sql",
        &[&strict[..], &["-o", "people.odcs.yaml"]].concat(),
    );
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(
        desk.read("people.odcs.yaml"),
        desk.import("people.sql", "sql", &postgres).stdout
    );
    let linted = desk.polder.run(&["contract", "lint", "people.odcs.yaml"]);
    assert_eq!(linted.code, Some(0), "{linted:?}");
}

#[test]
fn a_strict_export_of_what_a_format_cannot_say_writes_nothing() {
    let mesh = NewMesh::landed();
    // Avro has no pattern of texts.
    let export = [
        "contract",
        "export",
        "shop.bronze.orders",
        "--to",
        "avro",
        "-o",
        "orders.avsc",
    ];
    let strict = [&export[..], &["--strict"]].concat();
    mesh.refused(&strict, 1, &["lost: ", "pattern", "nothing was written"]);
    assert!(!mesh.path("orders.avsc").exists());
    mesh.polder.expect(&export);
    assert!(mesh.path("orders.avsc").is_file());
}

#[test]
fn a_contract_that_is_there_is_replaced_only_where_that_is_said() {
    let mesh = NewMesh::landed();
    fs::write(mesh.path("people.sql"), PLAIN).unwrap();
    let import = [
        "contract",
        "import",
        "people.sql",
        "--from",
        "sql",
        "-o",
        "kept.odcs.yaml",
    ];
    let infer = ["contract", "infer", "shop.bronze.orders", "-o", "kept.odcs.yaml"];
    let kept = mesh.path("kept.odcs.yaml");
    for (command, wrote) in [(&import[..], "id: people\n"), (&infer[..], "id: shop.bronze.orders\n")] {
        let written_by_people = "id: ours\n";
        fs::write(&kept, written_by_people).unwrap();
        mesh.refused(command, 2, &["kept.odcs.yaml is there already", "--force"]);
        assert_eq!(fs::read_to_string(&kept).unwrap(), written_by_people);
        mesh.polder.expect(&[command, &["--force"]].concat());
        let text = fs::read_to_string(&kept).unwrap();
        assert!(text.contains(wrote) && !text.contains("id: ours"), "{text}");
        // A file that is not there needs no force.
        fs::remove_file(&kept).unwrap();
        mesh.polder.expect(command);
        assert_eq!(fs::read_to_string(&kept).unwrap(), text);
    }
}
