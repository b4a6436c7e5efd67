//! A revision of the git repository that the mesh lies in, read through the `git` program.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Output;

use chrono::NaiveDate;
use polder_core::document::Source;
use polder_core::{Error, ErrorKind, Result};

use super::past::{History, history};
use super::reading::Reading;
use crate::git::{git, line, no_revision};

/// The documents of a mesh in one revision.
#[derive(Debug)]
pub(super) struct Revision {
    /// The revision as it was named, or the commit that is compared with in its place.
    pub(super) name: String,
    /// What the revision is, in words.
    pub(super) says: String,
    /// The commit that is compared with.
    pub(super) commit: String,
    /// The day of the commit.
    pub(super) day: Option<NaiveDate>,
    /// The documents by their path in the mesh.
    documents: BTreeMap<PathBuf, Source>,
    /// Documents that cannot be read, and why.
    pub(super) unread: Vec<(PathBuf, String)>,
    /// Paths that lead to nothing that could be compared, although something stands there on disk, and why.
    pub(super) unfound: Vec<(PathBuf, String)>,
    /// The repository, and those of submodules that documents are read from: where git is run, and the commit.
    repositories: Vec<(PathBuf, String)>,
}

impl Revision {
    /// Reads the documents of the mesh in `root`, which may be any folder of a repository: as they were where what is
    /// checked out left the revision, so that what came to the revision since then is no change of this side. A revision
    /// without common history is taken as it is.
    ///
    /// # Errors
    /// `Usage` without git or outside of a repository, `NotFound` for a revision that there is not.
    pub(super) fn read(root: &Path, name: &str) -> Result<Self> {
        let place = git(root, &["rev-parse", "--show-prefix"], None)?;
        let prefix = line(&place).ok_or_else(|| outside(root, &place))?;
        let wanted = format!("{name}^{{commit}}");
        let find = ["rev-parse", "--verify", "--quiet", "--end-of-options", &wanted];
        let tip = line(&git(root, &find, None)?).ok_or_else(|| no_revision(name))?;
        let shared = line(&git(root, &["merge-base", &tip, "HEAD"], None)?);
        let commit = shared
            .filter(|shared| !shared.is_empty())
            .unwrap_or_else(|| tip.clone());
        let (name, says) = match commit == tip {
            true => (name.to_owned(), format!("{name} ({commit:.10})")),
            false => (
                format!("{commit:.10}"),
                format!("{name} where this branch left it ({commit:.10})"),
            ),
        };
        let day = line(&git(root, &["show", "-s", "--format=%cI", &commit], None)?);
        let day = day.and_then(|day| chrono::DateTime::parse_from_rfc3339(&day).ok());
        let mut reading = Reading::of(root, &prefix, &commit)?;
        reading.documents()?;
        reading.queries()?;
        Ok(Self {
            name,
            says,
            day: day.map(|day| day.to_utc().date_naive()),
            repositories: reading.repositories(),
            commit: commit.clone(),
            documents: reading.documents,
            unread: reading.unread,
            unfound: reading.unfound,
        })
    }

    /// The documents `<folder>/<domain>/*<suffix>`, each with its domain, as [`polder_core::config::Mesh::sources`]
    /// gives those on disk.
    pub(super) fn sources(&self, folder: &str, suffix: &str) -> Vec<(String, Source)> {
        let found = self.documents.iter().filter_map(|(path, source)| {
            let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
            match parts.as_slice() {
                [first, domain, file] if first == folder && file.ends_with(suffix) && !file.starts_with('.') => {
                    Some((domain.clone().into_owned(), source.clone()))
                }
                _ => None,
            }
        });
        found.collect()
    }

    /// One document.
    ///
    /// # Errors
    /// `NotFound` where the revision does not have it.
    pub(super) fn document(&self, path: &Path) -> Result<Source> {
        self.documents.get(path).cloned().ok_or_else(|| {
            let message = format!("there is no file {} in {}", path.display(), self.name);
            Error::new(ErrorKind::NotFound, message)
        })
    }

    /// Earlier texts of all documents in which one of these names stands, now or once: the newest first, whatever their
    /// path was. They are shown under `path`.
    ///
    /// # Errors
    /// As [`Revision::read`].
    pub(super) fn history(&self, path: &Path, names: &[String]) -> Result<History> {
        history(&self.repositories, path, names)
    }

    /// A document of this revision as git names it: `main:contracts/sales/orders.odcs.yaml`.
    pub(super) fn path(&self, path: &Path) -> PathBuf {
        PathBuf::from(format!("{}:{}", self.name, path.display()))
    }
}

/// Why git names no place in a repository.
fn outside(root: &Path, asked: &Output) -> Error {
    let said = String::from_utf8_lossy(&asked.stderr);
    if said.contains("not a git repository") {
        return Error::new(ErrorKind::Usage, format!("{} is in no git repository", root.display()))
            .with_help("--base compares with a revision of the repository that the mesh lies in");
    }
    // Such as the folder of somebody else, with what git wants to be told about it.
    let said = said.trim().trim_start_matches("fatal: ");
    Error::new(
        ErrorKind::Usage,
        format!("git does not read the repository of {}: {said}", root.display()),
    )
}
