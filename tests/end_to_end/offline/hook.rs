//! The hooks of `docs/ci`, run by git.

use std::env;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Output};

use polder_testkit::Polder;

use crate::mesh::repository;

const CONTRACT: &str = "apiVersion: v3.1.0
kind: DataContract
id: refunds
version: 1.0.0
status: active
schema:
  - name: refunds
    physicalName: shop.silver.refunds
    properties:
      - {name: refund, logicalType: integer}
";
const SAMPLES: &str = "refunds:\n  good: [{refund: 1}]\n";

/// Git in this folder, with the binary on the path that hooks are run with.
fn git(folder: &Path, arguments: &[&str]) -> Output {
    let bin = folder.join(".git/bin");
    if !bin.is_dir() {
        fs::create_dir_all(&bin).unwrap();
        symlink(Polder::in_folder(folder).file(), bin.join("polder")).unwrap();
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths([bin].into_iter().chain(env::split_paths(&path))).unwrap();
    Command::new("git")
        .current_dir(folder)
        .args(["-c", "user.name=Test", "-c", "user.email=test@shop.example"])
        .args(arguments)
        .env("PATH", path)
        .output()
        .unwrap()
}

fn done(folder: &Path, arguments: &[&str]) {
    let ended = git(folder, arguments);
    assert!(ended.status.success(), "{arguments:?}: {ended:?}");
}

/// What the hook says of what is staged; nothing where the commit is made.
fn refused(folder: &Path) -> Option<String> {
    done(folder, &["add", "--all"]);
    let ended = git(folder, &["commit", "--quiet", "--message", "a state"]);
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    (!ended.status.success()).then_some(said)
}

#[test]
fn the_hook_lints_what_is_staged_and_what_lies_beside() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    done(folder, &["init", "--quiet", "--initial-branch=main"]);
    let hook = folder.join(".git/hooks/pre-commit");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::copy(repository().join("docs/ci/pre-commit"), &hook).unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
    let (contract, samples) = ("re funds.odcs.yaml", "re funds.samples.yaml");
    write(contract, CONTRACT);
    write(samples, SAMPLES);
    // A name that begins like an option.
    write("-v.odcs.yaml", &CONTRACT.replace("refunds", "other"));
    write("notes.md", "Nothing that is linted.");
    assert_eq!(refused(folder), None);
    // The contract alone is staged, and the samples do not fit it any more.
    write(contract, &CONTRACT.replace("name: refund,", "name: amount,"));
    let said = refused(folder).unwrap();
    assert!(
        said.contains("there is no column `refund`") && said.contains("re funds.samples.yaml"),
        "{said}"
    );
    write(contract, CONTRACT);
    let nobodys = "there is no contract beside these samples";
    fs::rename(folder.join(contract), folder.join("moved.odcs.yaml")).unwrap();
    let said = refused(folder).unwrap();
    assert!(said.contains(nobodys), "{said}");
    fs::remove_file(folder.join("moved.odcs.yaml")).unwrap();
    let said = refused(folder).unwrap();
    assert!(said.contains(nobodys), "{said}");
    // Both go, and nothing is left to lint.
    fs::remove_file(folder.join(samples)).unwrap();
    assert_eq!(refused(folder), None);
    write("notes.md", "Nothing that is linted either.");
    assert_eq!(refused(folder), None);
    fs::remove_file(folder.join("-v.odcs.yaml")).unwrap();
    assert_eq!(refused(folder), None);
    assert_eq!(
        String::from_utf8_lossy(&git(folder, &["ls-files"]).stdout),
        "notes.md\n"
    );
}
