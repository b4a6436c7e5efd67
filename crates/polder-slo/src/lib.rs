//! Service levels: what contracts promise about delivery, held against what happened.
//!
//! [`observe`] reads a dataset's past from its Delta log and from the catalog's runs; [`assess`] holds each service level
//! of a contract against it, without any I/O. What cannot be measured is reported so, with why.
//!
//! # What is measured
//! A *data commit* is a commit that brings, changes or takes away rows; one that only rewrites files is none. All figures
//! are as of the end of the window. Where the log, or what is known of runs, does not reach back to its beginning, the
//! part that is known is measured and told; where that is less than half, no share or rhythm is told of the whole.
//!
//! | service level | measured as |
//! |---|---|
//! | `latency`, `freshness` | time since the newest value of the element's column, from statistics where every file has exact ones, else read; without an element since the newest data commit |
//! | `frequency` | the longest time between two data commits, or since the last |
//! | `retention` | age of the oldest value of the element's column; without one, of the first data commit, as long as no commit took rows away |
//! | `availability` | share of the window in which no step that builds the dataset had failed without having succeeded again, and in which the newest data commit was no older than the promised latency, where one is promised |
//! | `errorRate` | rows that were rejected, of all rows that were delivered in the window |
//! | `timeToRepair` | the longest time from the end of a failed run to the end of the next that succeeded, or since it where none did |
//! | `throughput` | rows accepted by successful runs, by the time that these ran |
//! | `generalAvailability` | the first data commit |
//! | `endOfSupport`, `endOfLife` | kept while the moment is not there |
//!
//! `timeToDetect`, `timeToNotify` and everything that is not in this list is not measured.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod ages;
mod assess;
mod error_rate;
mod event;
mod history;
mod looked;
mod measure;
mod observe;
mod outage;
mod outcome;
#[cfg(test)]
mod tests;

pub use assess::{Assessed, assess};
pub use event::{Breach, EVENT_TYPE};
pub use history::{ColumnSpan, DataCommit, Delivered, History, RunRecord, Window};
pub use measure::measure;
pub use observe::observe;
pub use outcome::{Basis, Budget, Figure, Outcome, Verdict};
