//! Other makers' readers of Delta tables, in Python: `deltalake`, DuckDB, and Spark with its jars.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::{
    checkout::Cache,
    processes,
    programs::{self, Artifact, JAVA, MAVEN, PYTHON},
};

const PACKAGES: [&str; 5] = [
    "deltalake==1.6.6",
    "duckdb==2.0.0",
    "pyarrow==26.0.1",
    "pyspark==4.1.1",
    "delta-spark==4.1.0",
];
/// Its extra brings the DuckDB that it checks with.
const DATACONTRACT: [&str; 1] = ["datacontract-cli[duckdb]==1.2.8"];
const SPARK_JARS: &str = "io.delta:delta-spark_4.1_2.13:4.1.0";
/// What PySpark brings itself, in the versions that belong together.
const IN_SPARK: [&str; 4] = [
    "org.apache.logging.log4j:*",
    "org.apache.spark:*",
    "org.scala-lang:*",
    "org.slf4j:*",
];

/// The Python interpreter that has the readers; installs them at the first call.
pub(crate) fn python(cache: &Cache) -> Result<PathBuf> {
    Ok(environment(cache, "readers", &PACKAGES)?.join("bin/python"))
}

/// datacontract-cli, which holds files against contracts with DuckDB.
pub(crate) fn datacontract(cache: &Cache) -> Result<PathBuf> {
    Ok(environment(cache, "datacontract", &DATACONTRACT)?.join("bin/datacontract"))
}

/// A virtual environment with these packages; made at the first call.
fn environment(cache: &Cache, name: &str, packages: &[&str]) -> Result<PathBuf> {
    programs::provide(&[PYTHON])?;
    let folder = cache.programs.join(name);
    let _lock = programs::lock(&cache.programs.join(format!("{name}.lock")))?;
    // A virtual environment cannot be moved, so a note tells when it is complete.
    let note = folder.join("installed");
    let wanted = packages.join("\n");
    if fs::read_to_string(&note).is_ok_and(|installed| installed == wanted) {
        return Ok(folder);
    }
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    processes::output(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    let mut pip = Command::new(folder.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
        .args(packages);
    processes::output(&mut pip).with_context(|| format!("pip cannot install the {name}"))?;
    fs::write(note, wanted)?;
    Ok(folder)
}

/// The jars that let Spark read Delta tables, separated by commas as `spark.jars` takes them.
pub(crate) fn spark_jars(cache: &Cache) -> Result<String> {
    programs::provide(&[JAVA, MAVEN])?;
    let folder = cache.programs.join("delta-spark-4.1.0");
    programs::once(&folder, |folder: &Path| {
        programs::maven(
            folder,
            &[Artifact {
                coordinates: SPARK_JARS,
                without: &IN_SPARK,
            }],
        )
    })?;
    let jars: Vec<String> = programs::jars(&folder)?
        .iter()
        .map(|jar| jar.display().to_string())
        .collect();
    Ok(jars.join(","))
}
