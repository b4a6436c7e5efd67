//! What a table's log tells, in the form in which the gate asks for it.

use datafusion::common::ScalarValue;
use polder_core::Result;
use polder_gate::table::Facts;
use polder_lake::{Additions, Table, TableFacts};

/// Exact figures of one version of a table, from its log.
#[derive(Debug, Clone, Default)]
pub struct LogFacts(TableFacts);

impl LogFacts {
    /// Reads them: of the commits that brought rows the newest, and as many before it as rules about volume ask for
    /// ([`TableCheck::recent_commits`](polder_gate::table::TableCheck::recent_commits)).
    ///
    /// # Errors
    /// What the lake reports.
    pub async fn of(table: &Table, commits: usize) -> Result<Self> {
        table.facts(with_newest(commits)).await.map(Self)
    }
}

/// Those before the newest, and the newest; none where nobody asks.
fn with_newest(commits: usize) -> usize {
    if commits == 0 { 0 } else { commits.saturating_add(1) }
}

impl Facts for LogFacts {
    fn rows(&self) -> Option<u64> {
        self.0.rows
    }

    fn nulls(&self, column: &str) -> Option<u64> {
        self.0.columns.get(column)?.nulls
    }

    fn minimum(&self, column: &str) -> Option<ScalarValue> {
        self.0.columns.get(column)?.minimum.clone()
    }

    fn maximum(&self, column: &str) -> Option<ScalarValue> {
        self.0.columns.get(column)?.maximum.clone()
    }

    fn recent_commits(&self) -> &[u64] {
        &self.0.recent_commits
    }

    fn commits_cut(&self) -> bool {
        self.0.commits_cut
    }
}

/// What the newest commits brought, and nothing else.
pub(crate) struct Added(Additions);

impl Added {
    /// Of the table as it is: its newest commit and so many before it.
    pub(crate) async fn of(table: &Table, commits: usize) -> Result<Self> {
        table.recent_additions(with_newest(commits)).await.map(Self)
    }

    /// Of the table as it would be after a commit of so many new rows, and so many commits before that. One without new
    /// rows is none of those that the log counts.
    pub(crate) async fn with(rows: u64, table: &Table, commits: usize) -> Result<Self> {
        if rows == 0 {
            return Self::of(table, commits).await;
        }
        let mut added = table.recent_additions(commits).await?;
        added.rows.insert(0, rows);
        Ok(Self(added))
    }
}

impl Facts for Added {
    fn recent_commits(&self) -> &[u64] {
        &self.0.rows
    }

    fn commits_cut(&self) -> bool {
        self.0.cut
    }
}
