//! What is known of a dataset's past.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

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
    /// Whether it may have taken rows away.
    pub takes_away: bool,
}

/// Rows that came, as a commit notes them: one of which every row was refused changes none of the table's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// When, by its writer's clock.
    pub at: DateTime<Utc>,
    /// Rows that the commit brought.
    pub accepted: u64,
    /// Rows that were quarantined with it.
    pub rejected: u64,
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
    /// What commits note of the rows that came, oldest first.
    pub delivered: Vec<Delivered>,
    /// Whether the commits are all since the table was made; else those before the first are not known.
    pub whole: bool,
    /// The oldest commit that is known, one that changed no rows too; what came before it is told by nothing but
    /// [`whole`](Self::whole).
    pub log_begins: Option<DateTime<Utc>>,
    /// Runs, oldest first.
    pub runs: Vec<RunRecord>,
    /// Columns of dates or timestamps, as far as they are known.
    pub columns: BTreeMap<String, ColumnSpan>,
    /// Columns that were asked for and could not be read, with why.
    pub unread: BTreeMap<String, String>,
}

/// From when to when the values of a column are. Timestamps without a zone count as UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColumnSpan {
    /// The oldest value and the newest, of dates the beginnings of these days; nothing where the column has no value.
    pub values: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// How long what a value names lasts: a day, where the column is one of dates.
    pub lasts: TimeDelta,
    /// Whether the rows were read for it; else the statistics of every file gave it.
    pub read: bool,
}

impl History {
    /// When the runs begin that are known.
    pub(crate) fn first_run(&self) -> Option<DateTime<Utc>> {
        self.runs.iter().map(|run| run.started).min()
    }

    /// Where commits are known from on, where that is after a moment and not because there were none before.
    pub(crate) fn cut_after(&self, moment: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.log_begins.filter(|begins| !self.whole && *begins > moment)
    }

    /// The newest commit that changed rows.
    pub(crate) fn last_commit(&self) -> Option<DateTime<Utc>> {
        self.commits.last().map(|commit| commit.at)
    }
}
