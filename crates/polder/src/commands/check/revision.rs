//! A revision of the git repository that the mesh lies in, read through the `git` program.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use polder_core::document::{MAX_BYTES, Source};
use polder_core::{Error, ErrorKind, Result};

use crate::git::{git, line, succeeded};

/// The folders of a mesh that hold documents.
const FOLDERS: [&str; 3] = ["contracts", "pipelines", "catalog"];

/// What the names of documents end in.
const ENDINGS: [&str; 2] = [".yaml", ".sql"];

/// How many commits of a document's history are read.
const MOST_COMMITS: usize = 2000;

/// The documents of a mesh in one revision.
#[derive(Debug)]
pub(super) struct Revision {
    /// The revision as it was named, or the commit that is compared with in its place.
    pub(super) name: String,
    /// The commit's hash.
    pub(super) commit: String,
    /// What the revision is, in words.
    pub(super) says: String,
    /// The day of the commit.
    pub(super) day: Option<NaiveDate>,
    /// The documents by their path in the mesh.
    documents: BTreeMap<PathBuf, Source>,
    /// Documents that cannot be read, and why.
    pub(super) unread: Vec<(PathBuf, String)>,
}

/// What a document was before.
#[derive(Debug)]
pub(super) struct History {
    /// Its texts, the newest first.
    pub(super) texts: Vec<Source>,
    /// Why there may be earlier ones, where there may.
    pub(super) gap: Option<String>,
}

impl Revision {
    /// Reads the documents of the mesh in `root`, which may be any folder of a repository: as they were where what is
    /// checked out left the revision, so that what came to the revision since then is no change of this side. A revision
    /// without common history is taken as it is.
    ///
    /// # Errors
    /// `Usage` without git or outside of a repository, `NotFound` for a revision that there is not.
    pub(super) fn read(root: &Path, name: &str) -> Result<Self> {
        let prefix = line(&git(root, &["rev-parse", "--show-prefix"], None)?).ok_or_else(|| {
            Error::new(ErrorKind::Usage, format!("{} is in no git repository", root.display()))
                .with_help("--base compares with a revision of the repository that the mesh lies in")
        })?;
        let wanted = format!("{name}^{{commit}}");
        let find = ["rev-parse", "--verify", "--quiet", "--end-of-options", &wanted];
        let tip = line(&git(root, &find, None)?).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, format!("there is no revision `{name}`"))
                .with_help("name a branch, tag or commit that is here; CI has to fetch it (a full fetch, not depth 1)")
        })?;
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
        let (documents, unread) = documents(root, &prefix, &commit)?;
        Ok(Self {
            name,
            commit,
            says,
            day: day.map(|day| day.to_utc().date_naive()),
            documents,
            unread,
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

    /// Earlier texts of a document, the newest first: as it is in this revision, then as each commit before left it, also
    /// under the names that it had then.
    ///
    /// # Errors
    /// As [`Revision::read`].
    pub(super) fn history(&self, root: &Path, path: &Path) -> Result<History> {
        let file = path.display().to_string();
        let most = format!("--max-count={}", MOST_COMMITS + 1);
        let list = [
            "log",
            "--follow",
            "--format=commit %H",
            "--name-only",
            &most,
            &self.commit,
            "--",
            &file,
        ];
        let listed = succeeded(git(root, &list, None)?, "git cannot list the document's history")?;
        let listed = String::from_utf8_lossy(&listed);
        let mut texts = Vec::new();
        let mut commits = 0;
        let mut commit = "";
        for line in listed.lines().filter(|line| !line.is_empty()) {
            if let Some(next) = line.strip_prefix("commit ") {
                (commit, commits) = (next, commits + 1);
                continue;
            }
            // Names are those of the repository, not of the mesh's folder.
            let object = format!("{commit}:{line}");
            let output = git(root, &["cat-file", "blob", &object], None)?;
            // Where a commit deleted it there is none.
            if output.status.success() && output.stdout.len() <= MAX_BYTES {
                let text = String::from_utf8(output.stdout).ok();
                texts.extend(text.map(|text| Source::new(path, text)));
            }
        }
        let shallow = line(&git(root, &["rev-parse", "--is-shallow-repository"], None)?);
        let gap = if shallow.as_deref() == Some("true") {
            Some("this is a shallow clone".to_owned())
        } else if commits > MOST_COMMITS {
            Some(format!("it has more than {MOST_COMMITS} commits"))
        } else {
            None
        };
        Ok(History { texts, gap })
    }

    /// A document of this revision as git names it: `main:contracts/sales/orders.odcs.yaml`.
    pub(super) fn path(&self, path: &Path) -> PathBuf {
        PathBuf::from(format!("{}:{}", self.name, path.display()))
    }
}

/// Documents by path, and those that cannot be read, with why.
type Documents = (BTreeMap<PathBuf, Source>, Vec<(PathBuf, String)>);

/// Every document below the mesh's folders, in a commit.
fn documents(root: &Path, prefix: &str, commit: &str) -> Result<Documents> {
    let folders = FOLDERS.map(|folder| format!("{prefix}{folder}"));
    let mut list = vec!["ls-tree", "-r", "-z", "--full-tree", commit, "--"];
    list.extend(folders.iter().map(String::as_str));
    let listed = succeeded(git(root, &list, None)?, "git cannot list the revision's files")?;
    let mut wanted = Vec::new();
    for line in listed.split(|byte| *byte == 0).filter(|line| !line.is_empty()) {
        // `100644 blob <hash>\t<path>`; links and submodules are no documents.
        let line = String::from_utf8_lossy(line);
        let Some((entry, path)) = line.split_once('\t') else {
            continue;
        };
        let mut words = entry.split(' ');
        let (mode, kind, hash) = (words.next(), words.next(), words.next());
        let plain = kind == Some("blob") && mode.is_some_and(|mode| mode.starts_with("100"));
        if plain
            && ENDINGS.iter().any(|ending| path.ends_with(ending))
            && let (Some(hash), Some(path)) = (hash, path.strip_prefix(prefix))
        {
            wanted.push((hash.to_owned(), PathBuf::from(path)));
        }
    }
    contents(root, wanted)
}

/// The texts of blobs, by one process for all of them.
fn contents(root: &Path, wanted: Vec<(String, PathBuf)>) -> Result<Documents> {
    let mut asked = String::new();
    for (hash, _) in &wanted {
        asked.push_str(hash);
        asked.push('\n');
    }
    let given = succeeded(
        git(root, &["cat-file", "--batch"], Some(asked))?,
        "git cannot read the revision's files",
    )?;
    let broken = || Error::new(ErrorKind::Internal, "git answered in a form that is not known");
    let mut rest = given.as_slice();
    let (mut documents, mut unread) = (BTreeMap::new(), Vec::new());
    for (_, path) in wanted {
        // `<hash> blob <size>\n<text>\n`
        let end = rest.iter().position(|byte| *byte == b'\n').ok_or_else(broken)?;
        let size: usize = std::str::from_utf8(&rest[..end])
            .ok()
            .and_then(|head| head.rsplit(' ').next()?.parse().ok())
            .ok_or_else(broken)?;
        let text = rest.get(end + 1..end + 1 + size).ok_or_else(broken)?;
        // What is wrong in the base is no concern of this change, which may be what mends it.
        match std::str::from_utf8(text) {
            _ if size > MAX_BYTES => unread.push((path, format!("which is too large ({size} bytes)"))),
            Ok(text) => drop(documents.insert(path.clone(), Source::new(path, text))),
            Err(_) => unread.push((path, "which is not UTF-8".to_owned())),
        }
        rest = rest.get(end + 2 + size..).unwrap_or_default();
    }
    Ok((documents, unread))
}
