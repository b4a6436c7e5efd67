//! What is known of a dataset's past.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

/// The stretch of time that is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Where it begins.
    pub from: DateTime<Utc>,
    /// Where it ends: the moment as of which is measured.
    pub to: DateTime<Utc>,
}

/// A commit that changed rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataCommit {
    /// When, by its writer's clock.
    pub at: DateTime<Utc>,
    /// Rows that it brought, where its writer noted that.
    pub accepted: Option<u64>,
    /// Rows that were quarantined with it, where its writer noted that.
    pub rejected: Option<u64>,
    /// Whether it may have taken rows away.
    pub takes_away: bool,
}

/// One run of a step that builds the dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRecord {
    /// The step: a stream or pipeline.
    pub step: String,
    /// When it began.
    pub started: DateTime<Utc>,
    /// When it ended; nothing while it runs, or where its process was killed.
    pub ended: Option<DateTime<Utc>>,
    /// Whether it came to its end without an error.
    pub succeeded: bool,
    /// Rows that it wrote to the dataset.
    pub accepted: u64,
    /// Rows that it quarantined.
    pub rejected: u64,
    /// Whether it made a version of the table: then its rows are those of a commit.
    pub committed: bool,
}

/// A dataset's past, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// Commits that changed rows, oldest first.
    pub commits: Vec<DataCommit>,
    /// Whether these are all since the table was made; else those before the first are not known.
    pub whole: bool,
    /// Runs, oldest first.
    pub runs: Vec<RunRecord>,
    /// The newest instant of each column of dates or timestamps, where the statistics of every file give it. Of a column
    /// of dates: the end of that day. Timestamps without a zone count as UTC.
    pub newest: BTreeMap<String, DateTime<Utc>>,
    /// The oldest instant of each such column. Of a column of dates: the beginning of that day.
    pub oldest: BTreeMap<String, DateTime<Utc>>,
}

impl History {
    /// The newest commit that changed rows.
    pub(crate) fn last_commit(&self) -> Option<DateTime<Utc>> {
        self.commits.last().map(|commit| commit.at)
    }
}
