//! What a table's log tells, in the form in which the gate asks for it.

use datafusion::common::ScalarValue;
use polder_core::Result;
use polder_gate::table::Facts;
use polder_lake::{Table, TableFacts};

/// Commits before the newest whose rows rules about volume may ask for.
pub(crate) const RECENT_COMMITS: usize = 100;

/// Exact figures of one version of a table, from its log.
#[derive(Debug, Clone, Default)]
pub struct LogFacts(TableFacts);

impl LogFacts {
    /// Reads them.
    ///
    /// # Errors
    /// What the lake reports.
    pub async fn of(table: &Table) -> Result<Self> {
        table.facts(RECENT_COMMITS).await.map(Self)
    }
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
}
