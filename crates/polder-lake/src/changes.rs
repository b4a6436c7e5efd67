//! What happened to a table: which files came and went between two versions, and who committed what.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use deltalake::kernel::{Action, CommitInfo};
use futures::{StreamExt, TryStreamExt};
use polder_core::{Error, ErrorKind, Result, RunId};

use crate::file::{DataFile, FileList};
use crate::log::{KEY_PREFIX, run_of};
use crate::table::Table;
use crate::tail::has_deletion_vector;

/// Commits that are read at the same time.
const READ_AHEAD: usize = 8;

/// The files whose rows are new and those whose rows are gone.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Changes {
    /// The version up to which this tells.
    pub to: u64,
    /// Files whose rows came, in the order of their commits.
    pub added: Vec<DataFile>,
    /// Files whose rows went.
    pub removed: Vec<DataFile>,
}

impl Changes {
    /// Whether no row came or went.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }
}

/// What came and went, commit by commit.
#[derive(Default)]
struct Turnover {
    added: FileList,
    removed: FileList,
}

impl Turnover {
    fn apply(&mut self, action: Action) {
        match action {
            Action::Add(add) if add.data_change => turn(DataFile::from_add(add), &mut self.removed, &mut self.added),
            Action::Remove(remove) if remove.data_change => {
                turn(DataFile::from_remove(remove), &mut self.added, &mut self.removed);
            }
            _ => {}
        }
    }
}

/// A file that turned up on one side cancels out with itself on the other.
fn turn(file: DataFile, back_from: &mut FileList, to: &mut FileList) {
    if !back_from.take(file.path()) {
        to.put(file);
    }
}

/// One commit of a table's log.
#[derive(Debug, Clone, PartialEq)]
pub struct CommitRecord {
    /// The version that it made.
    pub version: u64,
    /// When, by its writer's clock.
    pub timestamp: DateTime<Utc>,
    /// What it did: Polder's word where Polder wrote it, else Delta's.
    pub operation: String,
    /// The run that wrote it, where Polder did.
    pub run_id: Option<RunId>,
    /// What its writer noted besides, where Polder wrote it.
    pub metadata: BTreeMap<String, String>,
}

impl CommitRecord {
    /// Whether it changes rows, as far as its words tell: Polder's own, and those of Delta that other engines write. One
    /// that only notes progress, or a definition, does not, nor does one of a shipment of which every row was refused.
    pub fn changes_rows(&self) -> bool {
        const NONE: [&str; 14] = [
            "compact",
            "optimize",
            "create table",
            "vacuum start",
            "vacuum end",
            "set tblproperties",
            "unset tblproperties",
            "add columns",
            "add column",
            "change column",
            "upgrade protocol",
            "add feature",
            "computestats",
            "unknown",
        ];
        let operation = self.operation.to_lowercase();
        let nothing_new =
            self.metadata.get("accepted").is_some_and(|accepted| accepted == "0") && operation == "append";
        !nothing_new && !NONE.contains(&operation.as_str())
    }
}

impl Table {
    /// What happened after version `since`, up to this handle's version. Commits that only rewrote files tell nothing,
    /// and a file that came and went again is not told.
    ///
    /// `None` when the log does not reach back that far, or another engine deleted rows inside of files (deletion
    /// vectors): then the whole table is to be read.
    ///
    /// # Errors
    /// `Conflict`, when the table has not reached `since` (it was made anew); `Unreachable` or `Refused` when the store
    /// fails; `Data` for a log that cannot be read.
    pub async fn changes(&self, since: u64) -> Result<Option<Changes>> {
        let to = self.version();
        if since > to {
            let message = format!("{} is at version {to} and was at {since} before", self.name);
            return Err(Error::new(ErrorKind::Conflict, message)
                .with_help("the table was made anew; rebuild what was built from it (`polder run --full`)"));
        }
        let mut commits = futures::stream::iter(since + 1..=to)
            .map(|version| self.actions(version))
            .buffered(READ_AHEAD);
        let mut turnover = Turnover::default();
        while let Some(actions) = commits.try_next().await? {
            let Some(actions) = actions else { return Ok(None) };
            if actions.iter().any(has_deletion_vector) {
                return Ok(None);
            }
            actions.into_iter().for_each(|action| turnover.apply(action));
        }
        Ok(Some(Changes {
            to,
            added: turnover.added.into_vec(),
            removed: turnover.removed.into_vec(),
        }))
    }

    /// What the commit that made this handle's version changed: the files in which rows came with it, rows that it only
    /// wrote again among them, and those whose rows went. A file that goes and comes again has lost rows to a deletion
    /// vector, or got them back, and is not told.
    /// `None` where the log does not hold that commit (any more).
    ///
    /// # Errors
    /// `Unreachable` or `Refused` when the store fails; `Data` for a log that cannot be read.
    pub async fn own_changes(&self) -> Result<Option<Changes>> {
        let Some(actions) = self.actions(self.version()).await? else {
            return Ok(None);
        };
        let mut turnover = Turnover::default();
        let (gone, rest): (Vec<_>, Vec<_>) = actions
            .into_iter()
            .partition(|action| matches!(action, Action::Remove(_)));
        gone.into_iter().chain(rest).for_each(|action| turnover.apply(action));
        Ok(Some(Changes {
            to: self.version(),
            added: turnover.added.into_vec(),
            removed: turnover.removed.into_vec(),
        }))
    }

    /// Whether no row was ever in the table: it was made, and nothing that came was accepted. Where the log does not reach
    /// back to its beginning any more, there was something.
    ///
    /// # Errors
    /// As [`history`](Self::history).
    pub async fn is_untouched(&self) -> Result<bool> {
        if self.has_files()? {
            return Ok(false);
        }
        let records = self.history(usize::MAX).await?;
        let whole = records.last().is_some_and(|record| record.version == 0);
        Ok(whole && !records.iter().any(CommitRecord::changes_rows))
    }

    /// The newest commits up to this handle's version, newest first, as far as the log reaches back.
    ///
    /// # Errors
    /// `Unreachable` or `Refused` when the store fails; `Data` for a log that cannot be read.
    pub async fn history(&self, limit: usize) -> Result<Vec<CommitRecord>> {
        let mut commits = futures::stream::iter((0..=self.version()).rev().take(limit))
            .map(async |version| (version, self.actions(version).await))
            .buffered(READ_AHEAD);
        let mut records = Vec::new();
        while let Some((version, actions)) = commits.next().await {
            let Some(actions) = actions? else { break };
            let info = actions.into_iter().find_map(|action| match action {
                Action::CommitInfo(info) => Some(info),
                _ => None,
            });
            records.push(record(version, info.unwrap_or_default()));
        }
        Ok(records)
    }
}

fn record(version: u64, info: CommitInfo) -> CommitRecord {
    let run_id = run_of(&info).and_then(|run| run.parse().ok());
    let mut metadata: BTreeMap<_, _> = info
        .info
        .iter()
        .filter_map(|(key, value)| {
            let key = key.strip_prefix(KEY_PREFIX)?;
            let value = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
            Some((key.to_owned(), value))
        })
        .collect();
    metadata.remove("run_id");
    let operation = metadata
        .remove("operation")
        .or(info.operation)
        .unwrap_or_else(|| "unknown".to_owned());
    let timestamp = info
        .timestamp
        .and_then(DateTime::from_timestamp_millis)
        .unwrap_or_default();
    CommitRecord {
        version,
        timestamp,
        operation,
        run_id,
        metadata,
    }
}
