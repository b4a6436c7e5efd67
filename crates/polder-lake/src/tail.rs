//! What happened to a table after the snapshot that is in memory.
//!
//! A snapshot lists every file. Following it commit by commit would touch that list each time; so the commits since are
//! kept beside it, and the snapshot is taken anew once in a while.

use std::collections::HashSet;

use deltalake::kernel::Action;

use crate::file::{DataFile, FileList};

/// The effects of the commits after a snapshot.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tail {
    commits: u64,
    added: FileList,
    removed: HashSet<String>,
    reshaped: bool,
    vectors: bool,
}

impl Tail {
    /// How many commits it holds.
    pub(crate) fn commits(&self) -> u64 {
        self.commits
    }

    /// Whether columns, properties or the protocol changed: then only a new snapshot tells.
    pub(crate) fn is_reshaped(&self) -> bool {
        self.reshaped
    }

    /// Whether a file came whose rows only the Delta library can read, from a whole snapshot; or went: Delta knows
    /// files by path and deletion vector, this list by path.
    pub(crate) fn needs_delta_reader(&self) -> bool {
        self.vectors || self.added.iter().any(DataFile::needs_delta_reader)
    }

    /// Files that came and are still there, in the order of their commits.
    pub(crate) fn added(&self) -> impl Iterator<Item = &DataFile> {
        self.added.iter()
    }

    /// Whether a file of the snapshot is still there as the snapshot describes it.
    pub(crate) fn keeps(&self, path: &str) -> bool {
        !self.removed.contains(path)
    }

    /// Takes in the next commit.
    pub(crate) fn apply(&mut self, actions: &[Action]) {
        self.commits += 1;
        for action in actions {
            self.vectors |= has_deletion_vector(action);
            match action {
                Action::Add(add) => {
                    self.forget(&add.path);
                    self.added.put(DataFile::from_add(add.clone()));
                }
                Action::Remove(remove) => self.forget(&remove.path),
                Action::Metadata(_) | Action::Protocol(_) => self.reshaped = true,
                _ => {}
            }
        }
    }

    /// A file goes; also when it is described anew.
    fn forget(&mut self, path: &str) {
        self.added.take(path);
        self.removed.insert(path.to_owned());
    }
}

/// Whether only some of a file's rows come or go with this action.
pub(crate) fn has_deletion_vector(action: &Action) -> bool {
    match action {
        Action::Add(add) => add.deletion_vector.is_some(),
        Action::Remove(remove) => remove.deletion_vector.is_some(),
        _ => false,
    }
}
