//! A document that the command line names: a file, or `<git revision>:<path>`.

use std::path::Path;

use polder_core::document::{MAX_BYTES, Source};
use polder_core::{Error, ErrorKind, Result, ResultExt};

use crate::git::{git, no_revision};

/// What can be named.
pub(super) const FILES: &str = "name a file, or a revision and a path, such as main:contracts/sales/orders.odcs.yaml";

/// Reads a file; where there is none of this name and it holds a colon, the file of that path in a revision of the git
/// repository around the current folder. Paths are relative to the current folder, in revisions also to the
/// repository's root. `help` says what can be named.
pub(super) fn read(name: &str, help: &str) -> Result<Source> {
    let path = Path::new(name);
    if path.is_file() {
        return Source::read(Path::new(""), path);
    }
    match name.split_once(':') {
        Some((revision, path)) if !revision.is_empty() && !path.is_empty() => in_revision(revision, path),
        _ => Err(Error::new(ErrorKind::NotFound, format!("there is no file {name}")).with_help(help)),
    }
}

fn in_revision(revision: &str, path: &str) -> Result<Source> {
    if revision.starts_with('-') {
        return Err(Error::new(ErrorKind::Usage, format!("`{revision}` is no git revision")));
    }
    // The plumbing command: no filter, no external diff, no pager of the user's.
    let read = |object: String| git(Path::new("."), &["cat-file", "blob", &object], None);
    let mut output = read(format!("{revision}:./{path}"))?;
    if !output.status.success() {
        output = read(format!("{revision}:{path}"))?;
    }
    if !output.status.success() {
        // In no repository, git says so with another code.
        let wanted = format!("{revision}^{{tree}}");
        let find = ["rev-parse", "--verify", "--quiet", "--end-of-options", &wanted];
        if git(Path::new("."), &find, None)?.status.code() == Some(1) {
            return Err(no_revision(revision));
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.trim().trim_start_matches("fatal: ");
        return Err(Error::new(
            ErrorKind::NotFound,
            format!("git finds no {path} in the revision {revision}: {said}"),
        ));
    }
    if output.stdout.len() > MAX_BYTES {
        return Err(Error::new(
            ErrorKind::Document,
            format!("{revision}:{path} is larger than 16 MiB"),
        ));
    }
    let text =
        String::from_utf8(output.stdout).context(ErrorKind::Document, || format!("{revision}:{path} is not UTF-8"))?;
    Ok(Source::new(format!("{revision}:{path}"), text))
}
