//! The declared files of a mesh.

use std::path::{Path, PathBuf};

use crate::document::{Diagnostic, Severity, Source};
use crate::{Error, ErrorKind, ObjectName, Result, ResultExt};

pub(super) fn sources(root: &Path, folder: &str, suffix: &str) -> Result<Vec<(String, Source)>> {
    let mut found = Vec::new();
    let mut misplaced = Vec::new();
    for (name, path) in entries(root, Path::new(folder))? {
        if !root.join(&path).is_dir() {
            if name.ends_with(suffix) {
                let message = format!("the file lies outside of a domain's folder ({folder}/<domain>/{name})");
                misplaced.push(refusal("misplaced-file", message, &path));
            }
            continue;
        }
        let files: Vec<_> = entries(root, &path)?
            .into_iter()
            .filter(|(file, _)| file.ends_with(suffix))
            .collect();
        // Any name will do for the second part: only the domain is looked at.
        if let (Some((_, first)), Err(error)) = (files.first(), ObjectName::new(name.as_str(), "x")) {
            misplaced.push(refusal("domain-name", error.to_string(), first));
        }
        for (_, file) in files {
            found.push((name.clone(), Source::read(root, &file)?));
        }
    }
    if misplaced.is_empty() {
        Ok(found)
    } else {
        Err(Error::document(misplaced))
    }
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
