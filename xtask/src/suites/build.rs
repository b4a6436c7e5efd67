//! One compile for lints and tests alike.

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::Stdio,
};

use anyhow::{Context, Result};
use serde_json::Value;

use super::{executable::Executable, report::Outcome};
use crate::checkout;

/// What the build made.
pub(super) struct Products {
    /// Whether everything was built.
    pub(super) is_complete: bool,
    /// The test executables, as cargo's packages come.
    pub(super) tests: Vec<Executable>,
    /// The `polder` binary.
    pub(super) polder: Option<PathBuf>,
}

/// Builds all targets of all packages with clippy's lints denied.
///
/// `cargo clippy` would compile everything a second time, as it only checks. Its driver is a full compiler, so cargo is
/// told to use it for the workspace's own crates; what it makes are ordinary libraries and executables.
pub(super) fn run() -> Result<(Outcome, Products)> {
    let mut command = checkout::cargo();
    command.current_dir(checkout::root()?);
    command.args([
        "build",
        "--workspace",
        "--all-targets",
        "--message-format=json-render-diagnostics",
    ]);
    command.env("RUSTC_WORKSPACE_WRAPPER", "clippy-driver");
    // How cargo-clippy hands arguments to its driver: each ends with this mark.
    command.env("CLIPPY_ARGS", "-Dwarnings__CLIPPY_HACKERY__");
    let mut child = command.stdout(Stdio::piped()).spawn().context("cannot start cargo")?;
    let mut products = Products {
        is_complete: false,
        tests: Vec::new(),
        polder: None,
    };
    let messages = child.stdout.take().context("cargo has no output")?;
    for line in BufReader::new(messages).lines() {
        let Ok(message) = serde_json::from_str::<Value>(&line?) else {
            continue;
        };
        note(&mut products, &message);
    }
    products.is_complete = child.wait()?.success();
    products.tests.sort_by_key(Executable::name);
    Ok((Outcome::of(products.is_complete), products))
}

fn note(products: &mut Products, message: &Value) {
    if message["reason"] != "compiler-artifact" {
        return;
    }
    let Some(file) = message["executable"].as_str().map(PathBuf::from) else {
        return;
    };
    let target = message["target"]["name"].as_str().unwrap_or_default();
    if message["profile"]["test"] == true {
        let manifest = PathBuf::from(message["manifest_path"].as_str().unwrap_or_default());
        let package = package_name(message["package_id"].as_str().unwrap_or_default()).to_owned();
        products.tests.push(Executable {
            package,
            target: target.to_owned(),
            file,
            manifest,
        });
    } else if target == "polder" {
        products.polder = Some(file);
    }
}

/// The name in a package id, `path+file:///folder/name#0.1.0` or `path+file:///folder#name@0.1.0`.
fn package_name(id: &str) -> &str {
    let (folder, rest) = id.rsplit_once('#').unwrap_or(("", id));
    match rest.split_once('@') {
        Some((name, _)) => name,
        None => folder.rsplit('/').next().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Products, note, package_name};

    #[test]
    fn package_names_are_found_in_both_forms_of_an_id() {
        assert_eq!(
            package_name("path+file:///house/crates/polder-core#0.1.0"),
            "polder-core"
        );
        assert_eq!(
            package_name("path+file:///house/tests#polder-tests@0.1.0"),
            "polder-tests"
        );
    }

    #[test]
    fn test_executables_and_the_binary_are_told_apart() {
        let mut products = Products {
            is_complete: false,
            tests: Vec::new(),
            polder: None,
        };
        let artifact = |test: bool, file: &str| {
            json!({
                "reason": "compiler-artifact", "package_id": "path+file:///house/crates/polder#0.1.0",
                "manifest_path": "/house/crates/polder/Cargo.toml", "target": {"name": "polder"},
                "profile": {"test": test}, "executable": file,
            })
        };
        note(&mut products, &artifact(true, "/target/debug/deps/polder-1"));
        note(&mut products, &artifact(false, "/target/debug/polder"));
        assert_eq!(products.tests.len(), 1);
        assert_eq!(
            products.polder.as_deref(),
            Some(std::path::Path::new("/target/debug/polder"))
        );
    }
}
