//! DuckDB doing what the pipelines do: the same steps in its own SQL, over the same Parquet files.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use super::process::{self, Run};
use crate::{checkout::Cache, readers};

/// DuckDB in its Python package.
pub(super) struct DuckDb {
    python: PathBuf,
    script: PathBuf,
    sql: PathBuf,
    out: PathBuf,
    threads: usize,
}

impl DuckDb {
    /// Installs it, if need be, and writes its scripts into `folder`.
    pub(super) fn install(folder: &Path, threads: usize) -> Result<Self> {
        let duckdb = Self {
            python: readers::python(&Cache::open()?)?,
            // Not by its own name, which the script would import in place of the package.
            script: folder.join("peer.py"),
            sql: folder.join("duckdb.sql"),
            out: folder.join("duckdb"),
            threads,
        };
        fs::write(&duckdb.script, include_str!("duckdb.py"))?;
        fs::write(&duckdb.sql, include_str!("duckdb.sql"))?;
        Ok(duckdb)
    }

    /// Builds everything anew from the Parquet files in `bronze`.
    pub(super) fn build(&self, bronze: &Path) -> Result<Run> {
        super::delete(&self.out)?;
        fs::create_dir_all(&self.out)?;
        process::measure(&mut self.command(&self.sql, bronze))
    }

    /// The answer to a query of one row over the files that were built (`OUT/NAME.parquet`).
    pub(super) fn ask(&self, query: &str) -> Result<String> {
        let nothing = Path::new("/dev/null");
        let run = process::measure(self.command(nothing, nothing).arg(query))?;
        let answers: Vec<String> = serde_json::from_str(&run.output).context("DuckDB gave no answer")?;
        answers.into_iter().next().context("DuckDB gave no answer")
    }

    fn command(&self, sql: &Path, bronze: &Path) -> Command {
        let mut command = Command::new(&self.python);
        command.arg(&self.script).arg(sql).arg(bronze.join("*.parquet"));
        command.arg(&self.out).arg(self.threads.to_string());
        command
    }
}
