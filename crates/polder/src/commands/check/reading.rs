//! Reads the documents of a commit, as they lie on disk once it is checked out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use polder_core::Result;
use polder_core::document::{MAX_BYTES, Node, Source, parse};
use polder_engine::Pipeline;

use super::tree::{Found, Trees, blobs, listing};
use crate::git::{git, line, succeeded};

/// The folders of a mesh that hold documents.
const FOLDERS: [&str; 3] = ["contracts", "pipelines", "catalog"];

/// What the names of documents end in.
const ENDINGS: [&str; 2] = [".yaml", ".sql"];

/// Reads the documents of a commit.
pub(super) struct Reading<'r> {
    /// The mesh.
    root: &'r Path,
    /// Where the mesh lies in its repository.
    prefix: &'r str,
    commit: &'r str,
    /// Where the repository's files lie.
    top: PathBuf,
    /// All of the commit's files: where there are links or submodules, or files of other folders are asked for.
    trees: Option<Trees>,
    /// What was read, by the path in the mesh.
    pub(super) documents: BTreeMap<PathBuf, Source>,
    /// Documents that cannot be read, and why.
    pub(super) unread: Vec<(PathBuf, String)>,
    /// Paths that lead to nothing that could be read, although something stands there on disk, and why.
    pub(super) unfound: Vec<(PathBuf, String)>,
}

impl<'r> Reading<'r> {
    pub(super) fn of(root: &'r Path, prefix: &'r str, commit: &'r str) -> Result<Self> {
        let top = line(&git(root, &["rev-parse", "--show-toplevel"], None)?);
        Ok(Self {
            root,
            prefix,
            commit,
            top: top.map_or_else(|| root.to_owned(), PathBuf::from),
            trees: None,
            documents: BTreeMap::new(),
            unread: Vec::new(),
            unfound: Vec::new(),
        })
    }

    /// Every document below the mesh's folders.
    pub(super) fn documents(&mut self) -> Result<()> {
        let folders = FOLDERS.map(|folder| format!("{}{folder}", self.prefix));
        let mut list = vec!["ls-tree", "-r", "-z", "--full-tree", self.commit, "--"];
        list.extend(folders.iter().map(String::as_str));
        let listed = succeeded(git(self.root, &list, None)?, "git cannot list the revision's files")?;
        let mut wanted = Vec::new();
        for listed in listing(&listed) {
            if !listed.mode.starts_with("100") {
                // Links and submodules: what they lead to are documents as on disk.
                return self.documents_behind_links();
            }
            if ENDINGS.iter().any(|ending| listed.path.ends_with(ending))
                && let Some(path) = listed.path.strip_prefix(self.prefix)
            {
                wanted.push((listed.hash.to_owned(), PathBuf::from(path)));
            }
        }
        let folder = self.root;
        self.read(folder, wanted)
    }

    /// The documents `<folder>/<domain>/<file>`, whatever leads to them.
    fn documents_behind_links(&mut self) -> Result<()> {
        let mut wanted = Vec::new();
        let mesh = self.prefix.trim_end_matches('/');
        let there = self.trees()?.names(0, mesh);
        for folder in FOLDERS.into_iter().filter(|folder| there.contains(*folder)) {
            for domain in self.names(folder)? {
                let domain = format!("{folder}/{domain}");
                for file in self.names(&domain)? {
                    let file = format!("{domain}/{file}");
                    if ENDINGS.iter().any(|ending| file.ends_with(ending))
                        && let Some(Found::File(tree, hash)) = self.find(&file)?
                    {
                        wanted.push((tree, hash, PathBuf::from(file)));
                    }
                }
            }
        }
        self.read_of_trees(wanted)
    }

    /// The files with queries that pipelines name, where they are not among the documents by their own names.
    pub(super) fn queries(&mut self) -> Result<()> {
        let mut named = Vec::new();
        for (path, source) in &self.documents {
            let is_pipeline = path.to_string_lossy().ends_with(Pipeline::SUFFIX);
            if !is_pipeline || !source.text.contains("sql") {
                continue;
            }
            let Ok(document) = parse(source) else { continue };
            if let Some(file) = document.get("sql").and_then(Node::as_str) {
                // As the pipeline asks for it.
                let file = path.parent().unwrap_or(Path::new("")).join(file);
                if !self.documents.contains_key(&file) {
                    named.push(file);
                }
            }
        }
        let mut wanted = Vec::new();
        for file in named {
            // What is no path of the mesh is no file on disk either.
            let Some(path) = file.to_str().filter(|_| file.is_relative()) else {
                continue;
            };
            if let Some(Found::File(tree, hash)) = self.find(path)? {
                wanted.push((tree, hash, file));
            }
        }
        self.read_of_trees(wanted)
    }

    fn trees(&mut self) -> Result<&mut Trees> {
        Ok(match &mut self.trees {
            Some(trees) => trees,
            none => none.insert(Trees::of(&self.top, self.commit)?),
        })
    }

    /// What a path of the mesh leads to. Where it leads to nothing that can be read but something stands there on disk,
    /// that is noted: it must not pass for new.
    fn find(&mut self, path: &str) -> Result<Option<Found>> {
        let path_there = format!("{}{path}", self.prefix);
        let found = self.trees()?.find(&path_there)?;
        let why = match found {
            Ok(found) => return Ok(Some(found)),
            Err(None) => return Ok(None),
            Err(Some(why)) => why,
        };
        if self.root.join(path).exists() {
            self.unfound.push((path.into(), why));
        } else {
            self.unread.push((path.into(), why));
        }
        Ok(None)
    }

    /// The names in a folder of the mesh.
    fn names(&mut self, folder: &str) -> Result<BTreeSet<String>> {
        let found = self.find(folder)?;
        Ok(match (found, &self.trees) {
            (Some(Found::Folder(tree, path)), Some(trees)) => trees.names(tree, &path),
            _ => BTreeSet::new(),
        })
    }

    fn read_of_trees(&mut self, wanted: Vec<(usize, String, PathBuf)>) -> Result<()> {
        let mut by_tree: BTreeMap<usize, Vec<(String, PathBuf)>> = BTreeMap::new();
        for (tree, hash, path) in wanted {
            by_tree.entry(tree).or_default().push((hash, path));
        }
        for (tree, wanted) in by_tree {
            let trees = self.trees.iter().flat_map(|trees| &trees.all);
            if let Some(folder) = trees.map(|tree| tree.folder.clone()).nth(tree) {
                self.read(&folder, wanted)?;
            }
        }
        Ok(())
    }

    /// The texts of blobs.
    fn read(&mut self, folder: &Path, wanted: Vec<(String, PathBuf)>) -> Result<()> {
        let given = blobs(folder, wanted.iter().map(|(hash, _)| hash.as_str()))?;
        for ((_, path), text) in wanted.into_iter().zip(given) {
            // What is wrong in the base is no concern of this change, which may be what mends it.
            match text.map(String::from_utf8) {
                None => self
                    .unread
                    .push((path, "which the repository does not hold".to_owned())),
                Some(Ok(text)) if text.len() > MAX_BYTES => {
                    let why = format!("which is too large ({} bytes)", text.len());
                    self.unread.push((path, why));
                }
                Some(Ok(text)) => drop(self.documents.insert(path.clone(), Source::new(path, text))),
                Some(Err(_)) => self.unread.push((path, "which is not UTF-8".to_owned())),
            }
        }
        Ok(())
    }

    /// The repositories that documents were read from.
    pub(super) fn repositories(&self) -> Vec<(PathBuf, String)> {
        let own = (self.top.clone(), self.commit.to_owned());
        let modules = self.trees.iter().flat_map(|trees| trees.all.iter().skip(1));
        let modules = modules.map(|tree| (tree.folder.clone(), tree.commit.clone()));
        std::iter::once(own).chain(modules).collect()
    }
}
