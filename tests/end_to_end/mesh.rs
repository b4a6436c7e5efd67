//! A mesh of a test's own: the repository's documents in a temporary folder, with a topic and services of its own.

use std::{
    fs,
    path::{Path, PathBuf},
};

use polder_testkit::{Ended, Polder, service};
use serde_json::Value;
use tempfile::TempDir;

use crate::lake::Lake;

/// The stream of the shop's invoice lines.
const STREAM: &str = "pipelines/sales/invoice_lines.stream.yaml";

/// The services that a stream needs.
pub(crate) struct Services {
    pub(crate) kafka: service::Kafka,
    pub(crate) registry: String,
}

impl Services {
    /// Kafka and the registry, or a skip.
    pub(crate) fn of(suite: &str) -> Option<Self> {
        Some(Self {
            kafka: service::kafka(suite)?,
            registry: service::registry(suite)?,
        })
    }
}

/// A mesh in a folder of its own, and `polder` in it.
pub(crate) struct Mesh {
    folder: TempDir,
    pub(crate) polder: Polder,
}

/// The repository, which is the shop's mesh.
pub(crate) fn repository() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("the tests lie in the repository").to_owned()
}

impl Mesh {
    /// The shop's mesh on a local lake; it knows no service.
    pub(crate) fn offline() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let repository = repository();
        fs::copy(repository.join("polder.yaml"), folder.path().join("polder.yaml")).unwrap();
        for documents in ["contracts", "pipelines", "catalog"] {
            copy_folder(&repository.join(documents), &folder.path().join(documents));
        }
        let polder = Polder::in_folder(folder.path());
        Self { folder, polder }
    }

    /// The shop's mesh on a local lake, whose stream reads `topic`.
    pub(crate) fn on(services: &Services, topic: &str) -> Self {
        let mut mesh = Self::offline();
        mesh.polder = mesh
            .polder
            .with("POLDER_KAFKA__BROKERS", &services.kafka.brokers)
            .with("POLDER_REGISTRY__URL", &services.registry);
        mesh.edit(STREAM, "topic: retail.invoice_line\n", &format!("topic: {topic}\n"));
        mesh
    }

    /// The same with another environment variable.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.polder = self.polder.with(name, value);
        self
    }

    /// The same with a stream that commits after so many rows or so long a time.
    pub(crate) fn committing_each(self, rows: u64, interval: &str) -> Self {
        self.edit(STREAM, "rows: 50000\n", &format!("rows: {rows}\n"));
        self.edit(STREAM, "interval: 10s\n", &format!("interval: {interval}\n"));
        self
    }

    /// The same without its models.
    pub(crate) fn without_models(self) -> Self {
        for file in files_below(&self.path("pipelines")) {
            if file.to_string_lossy().ends_with(".model.yaml") {
                fs::remove_file(file).unwrap();
            }
        }
        self
    }

    /// Another mesh with everything that this one holds, its lake too.
    pub(crate) fn twin(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy_folder(self.folder.path(), folder.path());
        let polder = self.polder.clone().in_another_folder(folder.path());
        Self { folder, polder }
    }

    /// A file or folder of the mesh.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Replaces text in a document, which must hold it.
    pub(crate) fn edit(&self, document: &str, old: &str, new: &str) {
        let path = self.path(document);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(old), "{document} does not hold {old:?}");
        fs::write(path, text.replacen(old, new, 1)).unwrap();
    }

    /// The local lake.
    pub(crate) fn lake(&self) -> Lake {
        fs::create_dir_all(self.path(".polder/lake")).unwrap();
        Lake::local(&self.path(".polder/lake"))
    }

    /// The folder of a dataset's table on the local lake.
    pub(crate) fn table(&self, dataset: &str) -> PathBuf {
        self.path(".polder/lake").join(dataset.replace('.', "/"))
    }

    /// Lands all that the topic holds.
    pub(crate) fn ingest(&self) -> String {
        self.polder.expect(&["ingest", "--until-end"])
    }

    /// Builds everything.
    pub(crate) fn run(&self) -> String {
        self.polder.expect(&["run"])
    }

    /// Publishes the invoice lines of a folder to a topic.
    pub(crate) fn publish(&self, topic: &str, days: &Path) -> String {
        let days = days.to_str().unwrap();
        self.polder
            .expect(&["source", "retail", "--dir", days, "--topic", topic])
    }

    /// The rows of a query, by `polder sql --format csv`.
    pub(crate) fn rows(&self, query: &str) -> Vec<Vec<String>> {
        let text = self.polder.expect(&["sql", "--format", "csv", query]);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let rows = reader
            .records()
            .map(|row| row.unwrap().iter().map(str::to_owned).collect());
        rows.collect()
    }

    /// The one row of a query.
    pub(crate) fn row(&self, query: &str) -> Vec<String> {
        let rows = self.rows(query);
        assert_eq!(rows.len(), 1, "one row is expected of {query}");
        rows.into_iter().next().unwrap()
    }

    /// The one value of a query, as a number.
    pub(crate) fn number(&self, query: &str) -> u64 {
        self.row(query)[0].parse().unwrap()
    }

    /// The objects that a command prints with `--format json`.
    pub(crate) fn objects(&self, arguments: &[&str]) -> Vec<Value> {
        let text = self.polder.expect(&[arguments, &["--format", "json"]].concat());
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
    }

    /// Runs a command that must fail in a certain way.
    pub(crate) fn refused(&self, arguments: &[&str], code: i32, names: &[&str]) -> Ended {
        let ended = self.polder.run(arguments);
        expect_refusal(arguments, &ended, code, names);
        ended
    }
}

/// Holds an end against the exit code and the words that it must say.
pub(crate) fn expect_refusal(arguments: &[&str], ended: &Ended, code: i32, names: &[&str]) {
    let said = format!("{}{}", ended.stdout, ended.stderr);
    let command = arguments.join(" ");
    assert_eq!(ended.code, Some(code), "polder {command}\n{said}");
    // How a name is set apart from the sentence is not what is looked for.
    let plain = said.replace('`', "");
    for name in names {
        assert!(
            plain.contains(&name.replace('`', "")),
            "polder {command} does not say {name:?}:\n{said}"
        );
    }
    assert!(!said.contains("panicked"), "polder {command} panics:\n{said}");
}

/// Copies a folder with all that it holds.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let place = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &place);
        } else {
            fs::copy(entry.path(), place).unwrap();
        }
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            files.push(path);
        }
    }
    files
}
