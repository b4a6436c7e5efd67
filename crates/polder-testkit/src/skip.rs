//! Tests that cannot run here say so, and are counted.

use std::{
    env,
    io::{Write, stderr},
};

/// Notes that a test of `suite` does not run, and why.
///
/// The line goes past libtest's capture, so that it is seen although the test passes; `cargo xtask test` counts it.
/// Call it once a test, and return.
pub fn skip(suite: &str, reason: &str) {
    let line = format!("skipped: {suite}: {}\n", reason.replace('\n', " "));
    // In one write, so that lines of tests that run side by side do not mix. Without a terminal there is nobody to tell.
    drop(stderr().lock().write_all(line.as_bytes()));
}

/// An environment variable that `cargo xtask test` sets when it has what it stands for; else a skip.
#[must_use]
pub fn variable(suite: &str, name: &str, what: &str) -> Option<String> {
    let value = env::var(name).ok().filter(|value| !value.is_empty());
    if value.is_none() {
        skip(
            suite,
            &format!("no {what} ({name} is not set; `cargo xtask services status --env` prints it)"),
        );
    }
    value
}

/// The Python interpreter that has other makers' readers (`deltalake`, DuckDB, PySpark); else a skip.
#[must_use]
pub fn python(suite: &str) -> Option<String> {
    variable(suite, "POLDER_TEST_PYTHON", "Python with Delta readers")
}

/// The jars that let Spark read Delta tables, as `spark.jars` takes them; else a skip.
#[must_use]
pub fn spark_jars(suite: &str) -> Option<String> {
    variable(suite, "POLDER_TEST_SPARK_JARS", "jars of Delta for Spark")
}
