//! What a run tells while it works, and what it says at its end.

use std::collections::{BTreeMap, BTreeSet};

use polder_core::RunId;
use polder_core::units::counted;

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

/// Names that [`Unnamed`] keeps at most: whoever writes records chooses them.
const NAMES: usize = 20;

/// Fields of records that the contract does not have, at the top or inside its columns: the rows do not have them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unnamed {
    records: u64,
    fields: BTreeSet<String>,
    more: bool,
}

impl Unnamed {
    /// Takes in so many records with these fields each; `inside` says that they have others, which [`name`](Self::name)
    /// tells.
    pub(crate) fn note<'n>(&mut self, records: u64, inside: bool, fields: impl Iterator<Item = &'n str>) {
        let mut any = inside;
        for field in fields {
            any = true;
            self.keep(field);
        }
        if any {
            self.records += records;
        }
    }

    /// Takes in fields of records that are counted already.
    pub(crate) fn name(&mut self, fields: impl IntoIterator<Item = String>) {
        fields.into_iter().for_each(|field| self.keep(&field));
    }

    /// Takes in what was noted elsewhere.
    pub(crate) fn add(&mut self, other: &Self) {
        self.records += other.records;
        self.more |= other.more;
        other.fields.iter().for_each(|field| self.keep(field));
    }

    fn keep(&mut self, field: &str) {
        if self.fields.contains(field) {
            return;
        }
        match self.fields.len() < NAMES {
            true => {
                self.fields.insert(field.to_owned());
            }
            false => self.more = true,
        }
    }

    /// How many records have such fields.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// What they are, as a sentence without its beginning; nothing where there are none.
    pub fn says(&self) -> Option<String> {
        let names: Vec<&str> = self.fields.iter().map(String::as_str).collect();
        let more = if self.more { ", …" } else { "" };
        (self.records > 0).then(|| {
            format!(
                "the contract does not have: {}{more} ({})",
                names.join(", "),
                counted(self.records, "record")
            )
        })
    }
}

/// Records that may say when their event happened, in the field that their stream names for that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dated {
    records: u64,
    dated: u64,
}

impl Dated {
    /// Takes in a record, and whether it has the field.
    pub(crate) fn note(&mut self, has_field: bool) {
        self.records += 1;
        self.dated += u64::from(has_field);
    }

    /// Takes in what was noted elsewhere.
    pub(crate) fn add(&mut self, other: Self) {
        self.records += other.records;
        self.dated += other.dated;
    }

    /// How many records there were, where none of them has the field.
    pub fn never(self) -> Option<u64> {
        (self.dated == 0 && self.records > 0).then_some(self.records)
    }
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
    /// What was said last of rules about the whole table that only warn and do not hold, and of every rule that was not
    /// run, by rule; and of what policies let no row hold and was found.
    pub remarks: BTreeMap<String, String>,
    /// Tombstones that the stream passes over.
    pub ignored: u64,
    /// What records said that the contract has no column for.
    pub unnamed: Unnamed,
    /// Whether JSON records have the field that the stream names for `_event_time`; of other streams nothing is counted.
    pub dated: Dated,
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
            unnamed: Unnamed::default(),
            dated: Dated::default(),
            lost: 0,
            commits: 0,
            versions: Vec::new(),
        }
    }
}
