//! What a commit is: files and progress that land together.

use std::collections::{BTreeMap, BTreeSet};

use deltalake::kernel::Action;
use deltalake::protocol::{DeltaOperation, SaveMode};
use polder_core::RunId;

use crate::file::DataFile;
use crate::log::run_of;

/// What a commit does to the table's rows; told to other engines in Delta's own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation {
    /// New rows are added.
    Append,
    /// Rows are replaced by others.
    Replace,
    /// Rows get other values in some columns; none comes or goes. Lands also where other rows came meanwhile.
    Update,
    /// Rows are taken away.
    Delete,
    /// The same rows in other files.
    Compact,
}

impl Operation {
    /// The operation's word in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Append => "append",
            Self::Replace => "replace",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Compact => "compact",
        }
    }

    pub(crate) fn to_delta(self) -> DeltaOperation {
        let write = |mode| DeltaOperation::Write {
            mode,
            partition_by: None,
            predicate: None,
        };
        match self {
            Self::Append => write(SaveMode::Append),
            Self::Replace => write(SaveMode::Overwrite),
            Self::Update => DeltaOperation::Update { predicate: None },
            Self::Delete => DeltaOperation::Delete { predicate: None },
            Self::Compact => DeltaOperation::Optimize {
                predicate: None,
                target_size: 0,
            },
        }
    }
}

/// How far a stream or pipeline got, written in the same commit as its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Who it is: one id for each stream, topic and partition, or pipeline and source.
    pub id: String,
    /// What the table must hold for this commit to be the next one.
    pub expected: Option<i64>,
    /// What it holds afterwards.
    pub next: i64,
}

/// A change of a table, to be committed at once.
///
/// To settle an unclear outcome of a commit with progress, commit the **same** value again.
#[derive(Debug, Clone, PartialEq)]
pub struct Commit {
    /// The run that makes it; stamped into the log.
    pub run: RunId,
    /// What it does.
    pub operation: Operation,
    /// New files, from a [`FileWriter`](crate::FileWriter) of this table.
    pub add: Vec<DataFile>,
    /// Files that go, as this table listed them.
    pub remove: Vec<DataFile>,
    /// Progress that is made with it.
    pub progress: Vec<Progress>,
    /// What else the log shall say of it.
    pub metadata: BTreeMap<String, String>,
}

impl Commit {
    /// A commit of nothing yet.
    pub fn new(run: RunId, operation: Operation) -> Self {
        Self {
            run,
            operation,
            add: Vec::new(),
            remove: Vec::new(),
            progress: Vec::new(),
            metadata: BTreeMap::new(),
        }
    }

    pub(crate) fn identity(&self) -> Identity {
        Identity {
            run: self.run.to_string(),
            add: self.add.iter().map(|file| file.path().to_owned()).collect(),
            remove: self.remove.iter().map(|file| file.path().to_owned()).collect(),
            progress: self
                .progress
                .iter()
                .map(|progress| (progress.id.clone(), progress.next))
                .collect(),
        }
    }
}

/// How a commit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// It landed as this version.
    Now(u64),
    /// It had landed as this version already, in an attempt that looked failed.
    Earlier(u64),
}

impl Committed {
    /// The version that holds the commit.
    pub fn version(self) -> u64 {
        match self {
            Self::Now(version) | Self::Earlier(version) => version,
        }
    }
}

/// What makes a commit itself: new files have unique names, and a run makes each step of progress once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    run: String,
    add: BTreeSet<String>,
    remove: BTreeSet<String>,
    progress: BTreeMap<String, i64>,
}

impl Identity {
    pub(crate) fn of_actions(actions: &[Action]) -> Option<Self> {
        let mut run = None;
        let (mut add, mut remove, mut progress) = (BTreeSet::new(), BTreeSet::new(), BTreeMap::new());
        for action in actions {
            match action {
                Action::CommitInfo(info) => run = run_of(info),
                Action::Add(file) => {
                    add.insert(file.path.clone());
                }
                Action::Remove(file) => {
                    remove.insert(file.path.clone());
                }
                Action::Txn(txn) => {
                    progress.insert(txn.app_id.clone(), txn.version);
                }
                _ => {}
            }
        }
        Some(Self {
            run: run?,
            add,
            remove,
            progress,
        })
    }
}
