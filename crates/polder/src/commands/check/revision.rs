//! A revision of the git repository that the mesh lies in, read through the `git` program.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use polder_core::document::{MAX_BYTES, Source};
use polder_core::{Error, ErrorKind, Result, ResultExt};

/// The folders of a mesh that hold documents.
const FOLDERS: [&str; 3] = ["contracts", "pipelines", "catalog"];

/// What the names of documents end in.
const ENDINGS: [&str; 2] = [".yaml", ".sql"];

/// The documents of a mesh in one revision.
#[derive(Debug)]
pub(super) struct Revision {
    /// The revision as it was named.
    pub(super) name: String,
    /// The commit's hash.
    pub(super) commit: String,
    /// The documents by their path in the mesh.
    documents: BTreeMap<PathBuf, Source>,
}

impl Revision {
    /// Reads the documents of the mesh in `root`, which may be any folder of a repository.
    ///
    /// # Errors
    /// `Usage` without git or outside of a repository, `NotFound` for a revision that there is not, `Document` for
    /// documents that are too large or not UTF-8.
    pub(super) fn read(root: &Path, name: &str) -> Result<Self> {
        let prefix = text(git(root, &["rev-parse", "--show-prefix"], None)?, || {
            Error::new(ErrorKind::Usage, format!("{} is in no git repository", root.display()))
                .with_help("--base compares with a revision of the repository that the mesh lies in")
        })?;
        let wanted = format!("{name}^{{commit}}");
        let find = ["rev-parse", "--verify", "--quiet", "--end-of-options", &wanted];
        let commit = text(git(root, &find, None)?, || {
            Error::new(ErrorKind::NotFound, format!("there is no revision `{name}`"))
                .with_help("name a branch, tag or commit that is here; CI has to fetch it (a full fetch, not depth 1)")
        })?;
        let documents = documents(root, &prefix, &commit)?;
        Ok(Self {
            name: name.to_owned(),
            commit,
            documents,
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

    /// Earlier texts of a document, the newest first: as it is in this revision, then as each commit before left it.
    ///
    /// # Errors
    /// As [`Revision::read`].
    pub(super) fn history(&self, root: &Path, path: &Path) -> Result<Vec<Source>> {
        let file = path.display().to_string();
        let list = ["log", "--format=%H", "--max-count=500", &self.commit, "--", &file];
        let commits = succeeded(git(root, &list, None)?, "git cannot list the document's history")?;
        let mut sources = Vec::new();
        for commit in String::from_utf8_lossy(&commits).lines() {
            let object = format!("{commit}:./{file}");
            let output = git(root, &["cat-file", "blob", &object], None)?;
            // Where a commit deleted it there is none.
            if output.status.success() && output.stdout.len() <= MAX_BYTES {
                sources.extend(
                    String::from_utf8(output.stdout)
                        .ok()
                        .map(|text| Source::new(path, text)),
                );
            }
        }
        Ok(sources)
    }

    /// A document of this revision as git names it: `main:contracts/sales/orders.odcs.yaml`.
    pub(super) fn path(&self, path: &Path) -> PathBuf {
        PathBuf::from(format!("{}:{}", self.name, path.display()))
    }
}

/// Every document below the mesh's folders, in a commit.
fn documents(root: &Path, prefix: &str, commit: &str) -> Result<BTreeMap<PathBuf, Source>> {
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
fn contents(root: &Path, wanted: Vec<(String, PathBuf)>) -> Result<BTreeMap<PathBuf, Source>> {
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
    let mut documents = BTreeMap::new();
    for (_, path) in wanted {
        // `<hash> blob <size>\n<text>\n`
        let end = rest.iter().position(|byte| *byte == b'\n').ok_or_else(broken)?;
        let size: usize = std::str::from_utf8(&rest[..end])
            .ok()
            .and_then(|head| head.rsplit(' ').next()?.parse().ok())
            .ok_or_else(broken)?;
        let text = rest.get(end + 1..end + 1 + size).ok_or_else(broken)?;
        if size > MAX_BYTES {
            let message = format!("{} is too large in the base revision: {size} bytes", path.display());
            return Err(Error::new(ErrorKind::Document, message));
        }
        let text = std::str::from_utf8(text).context(ErrorKind::Document, || {
            format!("{} is not UTF-8 in the base revision", path.display())
        })?;
        documents.insert(path.clone(), Source::new(path, text));
        rest = rest.get(end + 2 + size..).unwrap_or_default();
    }
    Ok(documents)
}

/// Runs git in a folder. What a hook's environment says of another repository is not heeded: the mesh's folder says
/// which one is meant.
fn git(root: &Path, arguments: &[&str], input: Option<String>) -> Result<Output> {
    let mut command = Command::new("git");
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"] {
        command.env_remove(variable);
    }
    command.env("GIT_OPTIONAL_LOCKS", "0").env("LC_ALL", "C");
    command.arg("-C").arg(root).args(arguments);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let failed = || "git cannot be run".to_owned();
    let mut child = match command.spawn() {
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
            return Err(Error::new(ErrorKind::Usage, "there is no git here")
                .with_help("--base reads the base revision through git: install it, or check without --base"));
        }
        other => other.context(ErrorKind::Usage, failed)?,
    };
    // What is asked and what is answered go through pipes of limited size: both ends at once.
    let input = input.unwrap_or_default();
    let asking = child.stdin.take().map(|mut pipe| {
        std::thread::spawn(move || {
            // A git that ends early says why itself.
            let _ = pipe.write_all(input.as_bytes());
        })
    });
    let output = child.wait_with_output().context(ErrorKind::Usage, failed)?;
    if let Some(asking) = asking {
        let _ = asking.join();
    }
    Ok(output)
}

/// What git printed, as one line.
fn text(output: Output, refused: impl FnOnce() -> Error) -> Result<String> {
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        tracing::debug!(said = %said.trim(), "git refused");
        return Err(refused());
    }
    Ok(String::from_utf8_lossy(&output.stdout)
        .trim_end_matches(['\n', '\r'])
        .to_owned())
}

fn succeeded(output: Output, what: &str) -> Result<Vec<u8>> {
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Error::new(ErrorKind::Refused, format!("{what}: {}", said.trim())))
}
