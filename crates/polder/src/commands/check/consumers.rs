//! Registered consumers (`catalog/consumers/<name>.yaml`).

use std::path::Path;

use polder_contract::Consumer;
use polder_core::config::Mesh;
use polder_core::document::{Diagnostic, Source};
use polder_core::{ErrorKind, Result, ResultExt};

use super::Declared;

/// The folder of a mesh that registers its consumers.
pub(super) const FOLDER: &str = "catalog/consumers";

/// All registered consumers, with what is wrong with their documents.
///
/// # Errors
/// `Refused` where the folder cannot be read; as [`Source::read`] for its files.
pub(crate) fn consumers(mesh: &Mesh) -> Result<(Vec<Consumer>, Vec<Diagnostic>)> {
    let unreadable = || format!("cannot read the folder {FOLDER}");
    let listing = match std::fs::read_dir(mesh.path(FOLDER)) {
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok((Vec::new(), Vec::new())),
        other => other.context(ErrorKind::Refused, unreadable)?,
    };
    let mut names = Vec::new();
    for entry in listing {
        let name = entry.context(ErrorKind::Refused, unreadable)?.file_name();
        names.push(name.to_string_lossy().into_owned());
    }
    names.retain(|name| name.ends_with(".yaml") && !name.starts_with('.'));
    names.sort();
    let sources: Result<Vec<_>> = names
        .iter()
        .map(|name| Source::read(&mesh.root, &Path::new(FOLDER).join(name)))
        .collect();
    let (mut consumers, mut diagnostics) = (Vec::new(), Vec::new());
    for source in sources? {
        let (consumer, found) = Consumer::parse(&source);
        consumers.extend(consumer);
        diagnostics.extend(found);
    }
    Ok((consumers, diagnostics))
}

/// Consumers that read what no contract promises.
pub(super) fn check(mesh: &Declared<'_>) -> Result<Vec<Diagnostic>> {
    let consumers = mesh.consumers.iter();
    Ok(consumers
        .flat_map(|consumer| consumer.problems(mesh.contracts))
        .collect())
}
