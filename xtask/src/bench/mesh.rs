//! A mesh to measure: this repository's contracts, streams and pipelines, with a lake of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use super::process;
use crate::{checkout, processes};

/// The topic of the repository's stream.
pub(super) const TOPIC: &str = "retail.invoice_line";

/// A mesh in a folder.
pub(super) struct Mesh {
    folder: PathBuf,
    polder: PathBuf,
    environment: Vec<(String, String)>,
}

impl Mesh {
    /// Copies the repository's declarations, without models, into `folder`.
    pub(super) fn create(folder: PathBuf, polder: &Path, environment: &[(String, String)]) -> Result<Self> {
        let root = checkout::root()?;
        for part in ["contracts", "pipelines", "catalog"] {
            copy(&root.join(part), &folder.join(part), &|file| {
                !file.ends_with(".model.yaml")
            })?;
        }
        let mesh = "name: bench\nlake:\n  location: lake\ncatalog:\n  database: sqlite:catalog.db\n\
                    kafka:\n  brokers: localhost:9092\nregistry:\n  url: http://localhost:8081\n";
        fs::write(folder.join("polder.yaml"), mesh)?;
        Ok(Self {
            folder,
            polder: polder.to_owned(),
            environment: environment.to_vec(),
        })
    }

    /// `polder` for this mesh.
    pub(super) fn polder(&self) -> Command {
        let mut command = Command::new(&self.polder);
        command.arg("--quiet").arg("--mesh").arg(&self.folder);
        without_settings(&mut command);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// The lake's folder.
    pub(super) fn lake(&self) -> PathBuf {
        self.folder.join("lake")
    }

    /// Deletes the lake and the catalog.
    pub(super) fn forget(&self) -> Result<()> {
        super::delete(&self.lake())?;
        for entry in fs::read_dir(&self.folder)?.flatten() {
            if entry.file_name().to_string_lossy().starts_with("catalog.db") {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// `polder ingest --until-end`; the lake must then hold `events` rows, and none in quarantine.
    pub(super) fn ingest(&self, events: u64) -> Result<process::Run> {
        let run = process::measure(self.polder().args(["ingest", "--until-end"]))?;
        let rows = self.ask("SELECT count(*) FROM sales.bronze.invoice_lines")?;
        if rows != events.to_string() {
            bail!(
                "the topic holds {events} events, bronze holds {rows} rows: {}",
                run.output
            );
        }
        Ok(run)
    }

    /// `polder run`: every pipeline, from all data.
    pub(super) fn run(&self) -> Result<process::Run> {
        process::measure(self.polder().arg("run"))
    }

    /// The answer to a query of one row, its values with commas between.
    pub(super) fn ask(&self, query: &str) -> Result<String> {
        let text = processes::output(self.polder().args(["sql", "--format", "csv", query]))?;
        let answer = text.lines().nth(1).context("the query gave no row")?;
        Ok(answer.to_owned())
    }
}

/// Takes away what the user's environment says of other meshes, as `POLDER_LAKE__LOCATION`.
pub(super) fn without_settings(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("POLDER_") {
            command.env_remove(name);
        }
    }
}

/// Copies a folder with the files that are wanted by name.
pub(super) fn copy(from: &Path, to: &Path, wanted: &dyn Fn(&str) -> bool) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy(&source, &target, wanted)?;
        } else if wanted(&entry.file_name().to_string_lossy()) {
            fs::copy(&source, &target)?;
        }
    }
    Ok(())
}
