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
    programs::provide(&[PYTHON])?;
    let folder = cache.programs.join("readers");
    let _lock = programs::lock(&cache.programs.join("readers.lock"))?;
    // A virtual environment cannot be moved, so a note tells when it is complete.
    let note = folder.join("installed");
    let wanted = PACKAGES.join("\n");
    let interpreter = folder.join("bin/python");
    if fs::read_to_string(&note).is_ok_and(|installed| installed == wanted) {
        return Ok(interpreter);
    }
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    processes::output(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    let mut pip = Command::new(&interpreter);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
        .args(PACKAGES);
    processes::output(&mut pip).context("pip cannot install the readers")?;
    fs::write(note, wanted)?;
    Ok(interpreter)
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
