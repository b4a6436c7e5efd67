//! The files of a commit as they lie on disk once it is checked out: through links, and in the commits that it names of
//! its submodules.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use polder_core::{Error, ErrorKind, Result};

use crate::git::{git, line, succeeded};

/// How many links lead to a file at most.
const MOST_LINKS: usize = 40;

/// What stands in a commit under a path.
#[derive(Debug)]
pub(super) enum Entry {
    /// A file, by its blob.
    File(String),
    /// A link, by the path that it leads to.
    Link(String),
    /// A submodule, by the commit that is meant.
    Module(String),
}

/// A commit of one repository.
#[derive(Debug)]
pub(super) struct Tree {
    /// Where git is run for it.
    pub(super) folder: PathBuf,
    pub(super) commit: String,
    entries: BTreeMap<String, Entry>,
}

/// What a path leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// A file: which commit has it, and its blob.
    File(usize, String),
    /// A folder of one of the commits.
    Folder(usize, String),
}

/// A commit and the commits of submodules that paths lead into.
#[derive(Debug)]
pub(super) struct Trees {
    /// The commit itself is the first.
    pub(super) all: Vec<Tree>,
}

impl Trees {
    /// A commit of the repository that `folder` is the top of.
    ///
    /// # Errors
    /// What git reports.
    pub(super) fn of(folder: &Path, commit: &str) -> Result<Self> {
        let all = vec![Tree::read(folder, commit)?];
        Ok(Self { all })
    }

    /// What a path from the top of the repository leads to; in words why a link or submodule leads nowhere, and without
    /// words where the commit has nothing there.
    ///
    /// # Errors
    /// What git reports.
    pub(super) fn find(&mut self, path: &str) -> Result<Result<Found, Option<String>>> {
        let mut rest: VecDeque<String> = path.split('/').map(str::to_owned).collect();
        let (mut tree, mut here, mut links) = (0, String::new(), 0);
        while let Some(part) = rest.pop_front() {
            let nowhere = || (links > 0 || tree > 0).then(|| "which leads nowhere".to_owned());
            match part.as_str() {
                "" | "." => continue,
                ".." if here.is_empty() => return Ok(Err(Some("which leads out of the repository".to_owned()))),
                ".." => {
                    here.truncate(here.rfind('/').unwrap_or_default());
                    continue;
                }
                _ => {}
            }
            let next = match here.as_str() {
                "" => part,
                here => format!("{here}/{part}"),
            };
            let Tree { folder, entries, .. } = &self.all[tree];
            match entries.get(&next) {
                Some(Entry::Link(target)) => {
                    links += 1;
                    if links > MOST_LINKS {
                        return Ok(Err(Some(
                            "which is one of too many links in a row, or of a circle".to_owned(),
                        )));
                    }
                    // An absolute path may lead into the same checkout.
                    let inside = Path::new(target).strip_prefix(folder).ok().and_then(Path::to_str);
                    let target = match inside {
                        Some(inside) => {
                            here.clear();
                            inside
                        }
                        None if target.starts_with('/') => {
                            return Ok(Err(Some(format!("which leads out of the repository, to {target}"))));
                        }
                        None => target,
                    };
                    for part in target.split('/').rev() {
                        rest.push_front(part.to_owned());
                    }
                }
                Some(Entry::Module(commit)) => {
                    let (at, commit) = (folder.join(&next), commit.clone());
                    match self.module(at, &commit)? {
                        Some(module) => (tree, here) = (module, String::new()),
                        None => {
                            return Ok(Err(Some(format!(
                                "which is in the submodule {next}, whose commit {commit:.10} is not here"
                            ))));
                        }
                    }
                }
                Some(Entry::File(hash)) => {
                    let file = Found::File(tree, hash.clone());
                    let ends = rest.iter().all(|part| matches!(part.as_str(), "" | "."));
                    return Ok(ends.then_some(file).ok_or_else(nowhere));
                }
                None if self.all[tree].children(&next).next().is_some() => here = next,
                None => return Ok(Err(nowhere())),
            }
        }
        Ok(Ok(Found::Folder(tree, here)))
    }

    /// The names in a folder.
    pub(super) fn names(&self, tree: usize, folder: &str) -> BTreeSet<String> {
        let inside = self.all[tree].children(folder);
        let names = inside.filter_map(|path| path.split('/').next().map(str::to_owned));
        names.collect()
    }

    /// A submodule's commit, where its repository is here and has it.
    fn module(&mut self, folder: PathBuf, commit: &str) -> Result<Option<usize>> {
        let known = |tree: &Tree| tree.folder == folder && tree.commit == commit;
        if let Some(at) = self.all.iter().position(known) {
            return Ok(Some(at));
        }
        // The folder of a submodule that was not fetched is empty, and git takes it for one of the repository around it.
        let top = |folder: &Path| git(folder, &["rev-parse", "--show-prefix"], None);
        let is_top = folder.is_dir() && line(&top(&folder)?).is_some_and(|prefix| prefix.is_empty());
        let wanted = format!("{commit}^{{commit}}");
        if !is_top || !git(&folder, &["cat-file", "-e", &wanted], None)?.status.success() {
            return Ok(None);
        }
        self.all.push(Tree::read(&folder, commit)?);
        Ok(Some(self.all.len() - 1))
    }
}

impl Tree {
    fn read(folder: &Path, commit: &str) -> Result<Self> {
        let list = ["ls-tree", "-r", "-z", "--full-tree", commit];
        let listed = succeeded(git(folder, &list, None)?, "git cannot list the revision's files")?;
        let (mut entries, mut links) = (BTreeMap::new(), Vec::new());
        for listed in listing(&listed) {
            match listed.mode {
                "120000" => links.push((listed.path.to_owned(), listed.hash.to_owned())),
                "160000" => drop(entries.insert(listed.path.to_owned(), Entry::Module(listed.hash.to_owned()))),
                _ => drop(entries.insert(listed.path.to_owned(), Entry::File(listed.hash.to_owned()))),
            }
        }
        let targets = blobs(folder, links.iter().map(|(_, hash)| hash.as_str()))?;
        for ((path, _), target) in links.into_iter().zip(targets) {
            let target = target.and_then(|target| String::from_utf8(target).ok());
            entries.insert(path, Entry::Link(target.unwrap_or_default()));
        }
        Ok(Self {
            folder: folder.to_owned(),
            commit: commit.to_owned(),
            entries,
        })
    }

    /// The paths below a folder, from there.
    fn children(&self, folder: &str) -> impl Iterator<Item = &str> {
        let head = match folder {
            "" => String::new(),
            folder => format!("{folder}/"),
        };
        let below = self.entries.range(head.clone()..).map(|(path, _)| path.as_str());
        below.map_while(move |path| path.strip_prefix(head.as_str()))
    }
}

/// A line of what `git ls-tree -z` prints.
pub(super) struct Listed<'l> {
    pub(super) mode: &'l str,
    pub(super) hash: &'l str,
    pub(super) path: &'l str,
}

/// What `git ls-tree -z` printed; names that are not UTF-8 are no documents.
pub(super) fn listing(listed: &[u8]) -> impl Iterator<Item = Listed<'_>> {
    // `100644 blob <hash>\t<path>`
    let lines = listed.split(|byte| *byte == 0).filter(|line| !line.is_empty());
    lines.filter_map(|line| {
        let (entry, path) = std::str::from_utf8(line).ok()?.split_once('\t')?;
        let mut words = entry.split(' ');
        let (mode, _, hash) = (words.next()?, words.next()?, words.next()?);
        Some(Listed { mode, hash, path })
    })
}

/// The contents of objects, by one process for all of them; nothing for what is not there.
///
/// # Errors
/// What git reports.
pub(super) fn blobs<'n>(folder: &Path, names: impl IntoIterator<Item = &'n str>) -> Result<Vec<Option<Vec<u8>>>> {
    let (mut asked, mut count) = (String::new(), 0);
    for name in names {
        asked.push_str(name);
        asked.push('\n');
        count += 1;
    }
    if count == 0 {
        return Ok(Vec::new());
    }
    let given = succeeded(
        git(folder, &["cat-file", "--batch"], Some(asked))?,
        "git cannot read the revision's files",
    )?;
    let broken = || Error::new(ErrorKind::Internal, "git answered in a form that is not known");
    let mut rest = given.as_slice();
    let mut blobs = Vec::with_capacity(count);
    for _ in 0..count {
        // `<hash> blob <size>\n<text>\n`, or `<name> missing\n`
        let end = rest.iter().position(|byte| *byte == b'\n').ok_or_else(broken)?;
        let head = String::from_utf8_lossy(&rest[..end]).into_owned();
        rest = rest.get(end + 1..).unwrap_or_default();
        if head.ends_with(" missing") {
            blobs.push(None);
            continue;
        }
        let size: usize = head
            .rsplit(' ')
            .next()
            .and_then(|size| size.parse().ok())
            .ok_or_else(broken)?;
        blobs.push(Some(rest.get(..size).ok_or_else(broken)?.to_vec()));
        rest = rest.get(size + 1..).unwrap_or_default();
    }
    Ok(blobs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(entries: &[(&str, Entry)]) -> Tree {
        let copy = |entry: &Entry| match entry {
            Entry::File(text) => Entry::File(text.clone()),
            Entry::Link(text) => Entry::Link(text.clone()),
            Entry::Module(text) => Entry::Module(text.clone()),
        };
        Tree {
            folder: "/checkout".into(),
            commit: "c".to_owned(),
            entries: entries
                .iter()
                .map(|(path, entry)| ((*path).to_owned(), copy(entry)))
                .collect(),
        }
    }

    #[test]
    fn links_are_followed_as_on_disk() {
        let link = |to: &str| Entry::Link(to.to_owned());
        let mut trees = Trees {
            all: vec![tree(&[
                ("shared/src.yaml", Entry::File("one".to_owned())),
                ("shared.txt", Entry::File("two".to_owned())),
                ("contracts/s/src.yaml", link("../../shared/src.yaml")),
                ("contracts/t", link("../shared")),
                ("contracts/u", link("t/")),
                ("contracts/abs.yaml", link("/checkout/shared/src.yaml")),
                ("contracts/out.yaml", link("/etc/passwd")),
                ("contracts/up.yaml", link("../../x.yaml")),
                ("contracts/none.yaml", link("nothing.yaml")),
                ("contracts/one", link("two")),
                ("contracts/two", link("one")),
            ])],
        };
        let mut found = |path: &str| trees.find(path).unwrap();
        let file = Ok(Found::File(0, "one".to_owned()));
        for path in [
            "contracts/s/src.yaml",
            "contracts/t/src.yaml",
            "contracts/u/src.yaml",
            "contracts/abs.yaml",
        ] {
            assert_eq!(found(path), file, "{path}");
        }
        assert_eq!(found("contracts/u"), Ok(Found::Folder(0, "shared".to_owned())));
        assert_eq!(found("shared"), Ok(Found::Folder(0, "shared".to_owned())));
        for (path, why) in [
            (
                "contracts/out.yaml",
                "which leads out of the repository, to /etc/passwd",
            ),
            ("contracts/up.yaml", "which leads out of the repository"),
            ("contracts/none.yaml", "which leads nowhere"),
            (
                "contracts/one",
                "which is one of too many links in a row, or of a circle",
            ),
        ] {
            assert_eq!(found(path), Err(Some(why.to_owned())), "{path}");
        }
        assert_eq!(found("shared/src.yaml/x"), Err(None));
        assert_eq!(trees.names(0, "contracts/s"), BTreeSet::from(["src.yaml".to_owned()]));
    }
}
