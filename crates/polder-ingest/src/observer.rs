//! What a run tells while it works, and what it says at its end.

use std::collections::BTreeMap;

use polder_core::RunId;

use crate::stream::StreamSpec;

/// How long a run goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// To the end of the source as it was when the run began.
    UntilEnd,
    /// Until it is shut down.
    Continuous,
}

/// Follows a run: for progress bars and plain lines. Called from the run's task, never twice at a time; must not block.
pub trait Observer: Send + Sync {
    /// So many more records are known to lie ahead; only for topics. Gaps in offsets count too, so it is a bound.
    fn expected(&self, stream: &StreamSpec, records: u64) {
        let _ = (stream, records);
    }

    /// So many more records, of so many bytes together, were read and judged; they are not committed yet. When a run
    /// begins again from the table's progress, records can come a second time.
    fn read(&self, stream: &StreamSpec, records: u64, bytes: u64) {
        let _ = (stream, records, bytes);
    }

    /// A commit landed.
    fn committed(&self, stream: &StreamSpec, commit: &CommitSummary) {
        let _ = (stream, commit);
    }

    /// Something that people should know, such as a broker that does not answer; the run goes on.
    fn notice(&self, stream: &StreamSpec, text: &str) {
        let _ = (stream, text);
    }
}

/// An observer that looks away.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;

impl Observer for Quiet {}

/// One commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommitSummary {
    /// The bronze table's version.
    pub version: u64,
    /// Rows that are in bronze with it.
    pub accepted: u64,
    /// Records that went to quarantine with it.
    pub rejected: u64,
}

/// What a run did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The run's id, as it is in every commit and row.
    pub run: RunId,
    /// Rows that are in bronze now.
    pub accepted: u64,
    /// Records that went to quarantine.
    pub rejected: u64,
    /// Refused records that quarantine held already, from an attempt that a crash cut off.
    pub recognised: u64,
    /// Rows in bronze that break rules which only warn, by rule.
    pub warned: BTreeMap<String, u64>,
    /// What was said last of rules about the whole table that only warn and do not hold, or that were not run; by rule.
    pub remarks: BTreeMap<String, String>,
    /// Tombstones that the stream passes over.
    pub ignored: u64,
    /// Offsets that brokers no longer had and that were passed over, because the stream says so (`on_lost: skip`).
    pub lost: u64,
    /// Commits to the bronze table.
    pub commits: u64,
    /// The versions of the bronze table that this run made, in order.
    pub versions: Vec<u64>,
}

impl Summary {
    pub(crate) fn new(run: RunId) -> Self {
        Self {
            run,
            accepted: 0,
            rejected: 0,
            recognised: 0,
            warned: BTreeMap::new(),
            remarks: BTreeMap::new(),
            ignored: 0,
            lost: 0,
            commits: 0,
            versions: Vec::new(),
        }
    }
}
