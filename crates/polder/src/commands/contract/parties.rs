//! Who is concerned by the end of a contract: the registered consumers, and the cancellations that are recorded.

use std::path::{Path, PathBuf};

use polder_contract::cancellation::{self, Cancellation};
use polder_contract::{Consumer, Contract};
use polder_core::config::Mesh;
use polder_core::document::{Diagnostic, Source};
use polder_core::{Error, ErrorKind, Result, ResultExt};

use crate::platform::Platform;

/// The folder of cancellations.
pub(crate) const CANCELLATIONS: &str = "catalog/cancellations";

/// Every cancellation that is recorded, with what is wrong with the documents.
pub(crate) fn cancellations(platform: &Platform) -> Result<(Vec<Cancellation>, Vec<Diagnostic>)> {
    let mut found = Vec::new();
    let mut diagnostics = Vec::new();
    let (sources, unread) = documents(&platform.mesh, CANCELLATIONS)?;
    diagnostics.extend(unread);
    for source in sources {
        let (cancellation, problems) = cancellation::parse(&source);
        found.extend(cancellation);
        diagnostics.extend(problems);
    }
    Ok((found, diagnostics))
}

/// The names of the consumers that are registered for any dataset of a contract.
pub(super) fn consumers_of(consumers: &[Consumer], contract: &Contract) -> Vec<String> {
    let datasets: Vec<_> = contract.datasets().collect();
    let concerned = |consumer: &&Consumer| consumer.reads.iter().any(|read| datasets.contains(&&read.dataset));
    consumers
        .iter()
        .filter(concerned)
        .map(|consumer| consumer.name.clone())
        .collect()
}

/// The documents of a folder that needs no domains, in the order of their names, and what is wrong with those that cannot be
/// read; none where there is no such folder.
///
/// # Errors
/// `Refused` where the folder cannot be read.
pub(crate) fn documents(mesh: &Mesh, folder: &str) -> Result<(Vec<Source>, Vec<Diagnostic>)> {
    let unreadable = || format!("cannot read the folder {folder}");
    let listing = match std::fs::read_dir(mesh.path(folder)) {
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
    let (mut sources, mut unread) = (Vec::new(), Vec::new());
    for name in names {
        match Source::read_or_tell(&mesh.root, &Path::new(folder).join(name)) {
            Ok(source) => sources.push(source),
            Err(found) => unread.extend(found),
        }
    }
    Ok((sources, unread))
}

/// Writes a new document of the mesh; one that is there already is an error.
pub(super) fn write_new(platform: &Platform, path: &Path, text: &str) -> Result<()> {
    let full: PathBuf = platform.mesh.path(path);
    let failed = || format!("cannot write {}", path.display());
    if let Some(folder) = full.parent() {
        std::fs::create_dir_all(folder).context(ErrorKind::Refused, failed)?;
    }
    let mut file = match std::fs::OpenOptions::new().write(true).create_new(true).open(&full) {
        Err(cause) if cause.kind() == std::io::ErrorKind::AlreadyExists => {
            let error = Error::new(ErrorKind::Usage, format!("{} is there already", path.display()));
            return Err(error.with_help("this was cancelled today: change or delete that document"));
        }
        other => other.context(ErrorKind::Refused, failed)?,
    };
    std::io::Write::write_all(&mut file, text.as_bytes()).context(ErrorKind::Refused, failed)
}
