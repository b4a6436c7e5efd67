//! Documents of `catalog/` that nothing reads: a registration or cancellation that is left out in silence protects nobody.

use std::fs;
use std::path::{Path, PathBuf};

use polder_core::Result;
use polder_core::config::Mesh;
use polder_core::document::{Diagnostic, Severity, nearest};

use super::{Declared, consumers};
use crate::commands::contract::parties::CANCELLATIONS;

/// The folder of everything declared that is neither contract nor pipeline.
const FOLDER: &str = "catalog";

/// The folders whose documents are read, `<folder>/<name>.yaml`.
const KNOWN: [&str; 3] = [consumers::FOLDER, CANCELLATIONS, polder_policy::FOLDER];

/// Their names as one might have them in mind.
const WORDS: [(&str, &str); 6] = [
    ("consumers", consumers::FOLDER),
    ("consumer", consumers::FOLDER),
    ("cancellations", CANCELLATIONS),
    ("cancellation", CANCELLATIONS),
    ("policies", polder_policy::FOLDER),
    ("policy", polder_policy::FOLDER),
];

/// The documents that lie in [`FOLDER`] itself.
const ALONE: [&str; 1] = ["domains.yaml"];

/// Nobody nests documents deeper.
const DEEPEST: usize = 16;

/// Every document of the catalog that is left out.
pub(super) fn strangers(mesh: &Declared<'_>) -> Result<Vec<Diagnostic>> {
    Ok(strangers_in(&mesh.platform.mesh, FOLDER))
}

/// The registrations and cancellations that are left out.
pub(crate) fn parties_left_out(mesh: &Mesh) -> Vec<Diagnostic> {
    let folders = [consumers::FOLDER, CANCELLATIONS];
    folders
        .into_iter()
        .flat_map(|folder| strangers_in(mesh, folder))
        .collect()
}

/// The documents of policies that are left out.
pub(crate) fn policies_left_out(mesh: &Mesh) -> Vec<Diagnostic> {
    strangers_in(mesh, polder_policy::FOLDER)
}

/// Of one folder of the catalog. One that cannot be listed is told where its documents are read.
fn strangers_in(mesh: &Mesh, folder: &str) -> Vec<Diagnostic> {
    let mut files = Vec::new();
    list(mesh, Path::new(folder), DEEPEST, &mut files);
    files.sort();
    files.into_iter().filter_map(stranger).collect()
}

/// The files of a folder and of those within, hidden ones left out.
fn list(mesh: &Mesh, folder: &Path, deep: usize, files: &mut Vec<PathBuf>) {
    let listing = fs::read_dir(mesh.path(folder)).into_iter().flatten();
    for entry in listing.flatten() {
        let path = folder.join(entry.file_name());
        // A link to a folder may lead back here: only those that are read are followed.
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir())
            || (KNOWN.iter().any(|known| path == Path::new(known)) && mesh.path(&path).is_dir());
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if !is_folder {
            files.push(path);
        } else if deep > 0 {
            list(mesh, &path, deep - 1, files);
        }
    }
}

/// What is said of a document that nothing reads.
fn stranger(file: PathBuf) -> Option<Diagnostic> {
    let name = file.file_name()?.to_string_lossy().into_owned();
    let lower = name.to_lowercase();
    if ![".yaml", ".yml", ".json"].iter().any(|ending| lower.ends_with(ending)) {
        return None;
    }
    let folder = file.parent()?;
    let (message, help) = if folder == Path::new(FOLDER) {
        if ALONE.contains(&name.as_str()) {
            return None;
        }
        let near = nearest(&name, ALONE).map(|near| format!("did you mean `{near}`?"));
        ("nothing reads a document of this name here", near.unwrap_or_else(whole))
    } else if KNOWN.iter().any(|known| folder == Path::new(known)) {
        if name.ends_with(".yaml") {
            return None;
        }
        let help = format!("documents of {} end in .yaml", folder.display());
        ("Polder reads no document with this ending", help)
    } else if let Some(known) = KNOWN.iter().find(|known| folder.starts_with(known)) {
        let help = format!("move it to {known}/{name}: folders within are not read");
        ("it lies too deep", help)
    } else {
        // The folder right below the catalog's.
        let first = folder.iter().nth(1)?.to_string_lossy().into_owned();
        let near = nearest(&first, WORDS.iter().map(|(word, _)| *word));
        let meant = WORDS.iter().find(|(word, _)| near == Some(word));
        let near = meant.map(|(_, known)| format!("did you mean {known}?"));
        ("nothing reads this folder", near.unwrap_or_else(whole))
    };
    Some(Diagnostic {
        severity: Severity::Warning,
        code: "unknown-document".into(),
        message: format!("this document is left out: {message}"),
        help: Some(help),
        file,
        span: None,
    })
}

/// All that is read.
fn whole() -> String {
    let folders = KNOWN.map(|known| format!("{known}/*.yaml")).join(", ");
    format!("{folders} and {FOLDER}/{} are read", ALONE.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_that_nothing_reads_are_told_with_where_they_belong() {
        let told = |file: &str| stranger(PathBuf::from(file)).and_then(|found| found.help);
        for read in [
            "catalog/domains.yaml",
            "catalog/consumers/bi.yaml",
            "catalog/cancellations/x.yaml",
            "catalog/policies/own.yaml",
            "catalog/policies/README.md",
        ] {
            assert_eq!(told(read), None, "{read}");
        }
        for (file, help) in [
            (
                "catalog/consumers/bi.yml",
                "documents of catalog/consumers end in .yaml",
            ),
            (
                "catalog/policies/own.JSON",
                "documents of catalog/policies end in .yaml",
            ),
            (
                "catalog/consumers/team/bi.yaml",
                "move it to catalog/consumers/bi.yaml: folders within are not read",
            ),
            (
                "catalog/policies/a/b/own.yaml",
                "move it to catalog/policies/own.yaml: folders within are not read",
            ),
            ("catalog/consumer/bi.yaml", "did you mean catalog/consumers?"),
            ("catalog/policy/own.yaml", "did you mean catalog/policies?"),
            ("catalog/domain.yaml", "did you mean `domains.yaml`?"),
        ] {
            assert_eq!(told(file).as_deref(), Some(help), "{file}");
        }
        assert!(
            told("catalog/other/x.yaml")
                .unwrap()
                .contains("catalog/cancellations/*.yaml")
        );
    }
}
