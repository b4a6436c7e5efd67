//! Building the `polder` binary.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::checkout;

/// Builds `polder` as tests and the demo use it, and gives its file. cargo's progress is shown.
pub(crate) fn build() -> Result<PathBuf> {
    let mut command = checkout::cargo();
    // The whole workspace chooses the features of other makers' crates, as it does for tests: with `--package polder`
    // cargo would choose a few others, and compile most of those crates a second time.
    command
        .current_dir(checkout::root()?)
        .args(["build", "--workspace", "--bin", "polder"]);
    let status = command.status().context("cannot start cargo")?;
    if !status.success() {
        bail!("polder does not build");
    }
    Ok(checkout::target()?.join("debug/polder"))
}
