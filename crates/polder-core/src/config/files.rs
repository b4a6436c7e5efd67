//! The declared files of a mesh.

use std::path::{Path, PathBuf};

use crate::document::{Diagnostic, Severity, Source};
use crate::{Error, ErrorKind, ObjectName, Result, ResultExt};

/// What was found, each with its domain, and what is wrong with where files lie or with those that cannot be read.
type Found<T> = (Vec<(String, T)>, Vec<Diagnostic>);

/// The files `<folder>/<domain>/*` for whose names `wanted` holds, each with its domain, and what is wrong with where files
/// lie.
pub(super) fn files(root: &Path, folder: &str, wanted: impl Fn(&str) -> bool) -> Result<Found<PathBuf>> {
    let mut found = Vec::new();
    let mut misplaced = Vec::new();
    for (name, path) in entries(root, Path::new(folder))? {
        if !root.join(&path).is_dir() {
            if wanted(&name) {
                let message = format!("the file lies outside of a domain's folder ({folder}/<domain>/{name})");
                misplaced.push(refusal("misplaced-file", message, &path));
            }
            continue;
        }
        let (files, others): (Vec<_>, Vec<_>) = entries(root, &path)?.into_iter().partition(|(file, _)| wanted(file));
        let files: Vec<_> = files.into_iter().map(|(_, path)| (name.clone(), path)).collect();
        for (_, path) in others {
            let mut deeper = Vec::new();
            deeper_files(root, &path, DEEPEST, &wanted, &mut deeper)?;
            misplaced.extend(deeper.iter().map(|file| {
                let message = format!("files of the folder {} are not read", path.display());
                Diagnostic {
                    help: Some(format!("put it into {folder}/{name}")),
                    ..refusal("misplaced-file", message, file)
                }
            }));
        }
        // Any name will do for the second part: only the domain is looked at.
        if let (Some((_, first)), Err(error)) = (files.first(), ObjectName::new(name.as_str(), "x")) {
            misplaced.push(refusal("domain-name", error.to_string(), first));
        }
        found.extend(files);
    }
    Ok((found, misplaced))
}

/// How many folders below a domain's are looked into for what was meant to be read.
const DEEPEST: usize = 4;

/// The wanted files of a folder and those within it.
fn deeper_files(
    root: &Path,
    folder: &Path,
    depth: usize,
    wanted: &impl Fn(&str) -> bool,
    found: &mut Vec<PathBuf>,
) -> Result<()> {
    if depth == 0 || !root.join(folder).is_dir() {
        return Ok(());
    }
    for (name, path) in entries(root, folder)? {
        if wanted(&name) {
            found.push(path);
        } else {
            deeper_files(root, &path, depth - 1, wanted, found)?;
        }
    }
    Ok(())
}

/// The files that can be read, and what is wrong with the others and with where they lie.
pub(super) fn sources(root: &Path, folder: &str, suffix: &str) -> Result<Found<Source>> {
    let (files, mut wrong) = files(root, folder, |name| name.ends_with(suffix))?;
    let mut found = Vec::new();
    for (domain, path) in files {
        match Source::read_or_tell(root, &path) {
            Ok(source) => found.push((domain, source)),
            Err(told) => wrong.extend(told),
        }
    }
    Ok((found, wrong))
}

/// An error of a folder as a finding about it.
pub(super) fn of_folder(folder: &str, error: &Error) -> Diagnostic {
    refusal("unreadable", error.report(), Path::new(folder))
}

/// Names and paths (relative to `root`) of what a folder holds, sorted, without hidden ones.
fn entries(root: &Path, folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    let unreadable = || format!("cannot read the folder {}", folder.display());
    let listing = match std::fs::read_dir(root.join(folder)) {
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.context(ErrorKind::Refused, unreadable)?,
    };
    let mut entries = Vec::new();
    for entry in listing {
        let entry = entry.context(ErrorKind::Refused, unreadable)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            let path = folder.join(entry.file_name());
            entries.push((name, path));
        }
    }
    entries.sort();
    Ok(entries)
}

fn refusal(code: &'static str, message: String, file: &Path) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        code: code.into(),
        message,
        help: None,
        file: file.to_owned(),
        span: None,
    }
}
