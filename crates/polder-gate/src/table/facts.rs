//! What is known of a table without reading its rows.

use datafusion::common::ScalarValue;

/// What a table's log tells exactly. What is not exact is not told: whoever knows a figure overrides its method.
pub trait Facts: Send + Sync {
    /// Rows.
    fn rows(&self) -> Option<u64> {
        None
    }

    /// Nulls of a column.
    fn nulls(&self, _column: &str) -> Option<u64> {
        None
    }

    /// The column's least value that is not null. Of timestamps it may lie up to a millisecond below it: Delta cuts
    /// them to milliseconds.
    fn minimum(&self, _column: &str) -> Option<ScalarValue> {
        None
    }

    /// The column's greatest value that is not null; null where every value is. Of timestamps it may lie up to a
    /// millisecond below it: Delta cuts them to milliseconds.
    fn maximum(&self, _column: &str) -> Option<ScalarValue> {
        None
    }

    /// Rows that each data commit brought, newest first; commits that only wrote rows again are not among them.
    fn recent_commits(&self) -> &[u64] {
        &[]
    }

    /// Whether there is a log of commits at all: rows of files have none.
    fn is_of_log(&self) -> bool {
        true
    }

    /// Whether there may have been more such commits than [`recent_commits`](Self::recent_commits) could tell.
    fn commits_cut(&self) -> bool {
        false
    }
}

/// Nothing is known.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFacts;

impl Facts for NoFacts {
    fn is_of_log(&self) -> bool {
        false
    }
}
