//! How many rows commits brought, as far as the log tells.

use std::collections::HashSet;

use deltalake::kernel::{Action, Add};
use futures::{StreamExt, TryStreamExt};
use polder_core::{ErrorKind, Result};
use serde_json::Value;

use crate::failure::failure;
use crate::file::DataFile;
use crate::log::KEY_PREFIX;
use crate::table::Table;

/// Commits that are read at the same time.
const READ_AHEAD: usize = 8;
/// How the `origin` of a commit begins that took rows in which were refused before. What it brings says nothing of how
/// much a source brings at a time, and its rows were counted when they came.
pub const REPLAY_ORIGIN: &str = "replay/";
/// How many commits are looked at to find those that brought rows.
pub const LOOKED_AT: usize = 1_000;

/// What data commits brought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Additions {
    /// Rows that each of them brought, newest first.
    pub rows: Vec<u64>,
    /// Whether these are fewer than were asked for although the table may have had more: the log does not reach back to
    /// the table's beginning (any more), a commit has no statistics, or [`LOOKED_AT`] commits were looked at.
    pub cut: bool,
}

impl Table {
    /// What the newest `limit` commits that brought rows added. Costs a read for each, and for those between them.
    ///
    /// Where Polder wrote, its own count of new rows is taken. Of what other engines wrote, rows that they only wrote
    /// again do not count: what a commit took away is taken off, and deleting, updating and restoring bring nothing.
    /// Overwriting, all of a table or a part of it, brings all that it wrote, for these rows came from its writer; where
    /// the part is not whole files, other rows of the same files that it wrote again count with them.
    ///
    /// # Errors
    /// As [`facts`](Table::facts).
    pub async fn recent_additions(&self, limit: usize) -> Result<Additions> {
        let mut found = Additions::default();
        if limit == 0 {
            return Ok(found);
        }
        let mut commits = futures::stream::iter((0..=self.version()).rev().take(LOOKED_AT))
            .map(async |version| self.actions(version).await.map(|actions| (version, actions)))
            .buffered(READ_AHEAD);
        while let Some((version, actions)) = commits.try_next().await? {
            let Some(actions) = actions else {
                found.cut = true;
                return Ok(found);
            };
            let rows = match news(actions) {
                News::Nothing => continue,
                News::Rows(rows) => Some(rows),
                News::Unknown => None,
                News::Less { written, gone } => match self.rows_before(version, &gone).await? {
                    Some(gone) if written <= gone => continue,
                    Some(gone) => Some(written - gone),
                    None => None,
                },
            };
            let Some(rows) = rows else {
                found.cut = true;
                return Ok(found);
            };
            found.rows.push(rows);
            if found.rows.len() == limit {
                return Ok(found);
            }
        }
        found.cut = self.version() >= LOOKED_AT as u64;
        Ok(found)
    }

    /// How many rows these files held in the version before this one; nothing where nobody can tell (any more).
    async fn rows_before(&self, version: u64, files: &HashSet<String>) -> Result<Option<u64>> {
        let Some(before) = version.checked_sub(1) else {
            return Ok(None);
        };
        let mut delta = self.delta.clone();
        if let Err(cause) = delta.load_version(before).await {
            let error = failure(format!("cannot read version {before} of {}", self.name), cause);
            return match error.kind() {
                ErrorKind::Unreachable | ErrorKind::Refused => Err(error),
                _ => Ok(None),
            };
        }
        let Ok(state) = delta.snapshot() else { return Ok(None) };
        let mut missing = files.len();
        let mut rows = 0;
        for view in state.log_data().iter() {
            let file = DataFile::from_view(&view);
            if files.contains(file.path()) {
                let Some(of_file) = file.rows() else { return Ok(None) };
                rows += of_file;
                missing -= 1;
            }
        }
        Ok((missing == 0).then_some(rows))
    }
}

/// What one commit brought.
enum News {
    Nothing,
    Rows(u64),
    /// Files whose rows nobody counted.
    Unknown,
    /// So many rows in new files, less those of the files that went.
    Less {
        written: u64,
        gone: HashSet<String>,
    },
}

fn news(actions: Vec<Action>) -> News {
    /// Delta's words for what brings no rows, whatever files it writes.
    const BRING_NOTHING: [&str; 4] = ["DELETE", "UPDATE", "RESTORE", "OPTIMIZE"];
    /// Delta's words for what takes rows over from no file that goes.
    const BRING_ALL: [&str; 5] = ["WRITE", "CREATE", "REPLACE", "COPY", "STREAMING"];

    let (mut operation, mut noted) = (String::new(), None);
    let (mut added, mut removed) = (Vec::new(), HashSet::new());
    for action in actions {
        match action {
            Action::CommitInfo(info) => {
                let note = |key: &str| info.info.get(&format!("{KEY_PREFIX}{key}")).and_then(Value::as_str);
                if note("origin").is_some_and(|origin| origin.starts_with(REPLAY_ORIGIN)) {
                    return News::Nothing;
                }
                noted = note("accepted").and_then(|rows| rows.parse().ok());
                operation = info.operation.unwrap_or_default().to_uppercase();
            }
            Action::Add(add) if add.data_change => added.push(add),
            Action::Remove(file) => {
                removed.insert(file.path);
            }
            _ => {}
        }
    }
    // A file that goes and comes again has lost rows to a deletion vector, or got them back.
    let (again, added): (Vec<_>, Vec<_>) = added.into_iter().partition(|add| removed.contains(&add.path));
    if added.is_empty() {
        return News::Nothing;
    }
    match noted {
        Some(0) => return News::Nothing,
        Some(rows) => return News::Rows(rows),
        None => {}
    }
    if BRING_NOTHING.contains(&operation.as_str()) {
        return News::Nothing;
    }
    let count = |files: Vec<Add>| files.into_iter().map(|add| DataFile::from_add(add).rows()).sum();
    let brings_all = BRING_ALL.iter().any(|word| operation.starts_with(word));
    if removed.is_empty() || brings_all {
        let written: Option<u64> = count(added);
        return written.map_or(
            News::Unknown,
            |rows| if rows == 0 { News::Nothing } else { News::Rows(rows) },
        );
    }
    match count([added, again].concat()) {
        Some(written) => News::Less { written, gone: removed },
        None => News::Unknown,
    }
}
