//! The lake: Delta tables on any object store, and commits that land exactly once.
//!
//! A [`Lake`] opens and makes tables; a [`Table`] shows one version: its files, progress, changes and rows; a
//! [`FileWriter`] writes rows to files; [`Table::commit`] makes files, removals and progress one version of the table,
//! or none. It knows neither contracts nor pipelines, sources or statements.
//!
//! # Invariants
//! - Progress is in the commit of the rows that it stands for, and nowhere else.
//! - A commit follows exactly the snapshot in which its conditions were looked at; the store's create-if-absent decides
//!   between writers. A commit whose outcome is unclear is looked for before it is written again.
//! - On local disks a commit that was reported is synced, with every file that it names.
//! - Tables are plain Delta: reader version 1, writer version 2 (`timestamp_ntz` needs its feature), so that other
//!   engines read and write them.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod additions;
mod changes;
mod commit;
mod committing;
mod delta_provider;
mod durable;
mod evolution;
mod facts;
mod failure;
mod file;
mod lake;
mod location;
mod log;
mod provider;
mod rows;
mod schema;
mod statistics;
mod table;
mod tail;
#[cfg(test)]
mod tests;
mod writer;

pub use additions::{Additions, LOOKED_AT, REPLAY_ORIGIN};
pub use changes::{Changes, CommitRecord};
pub use commit::{Commit, Committed, Operation, Progress};
pub use evolution::{Refusal, Why, refusals};
pub use facts::{ColumnFacts, TableFacts};
pub use file::DataFile;
pub use lake::{Lake, TableOptions, Version};
pub use table::Table;
pub use writer::FileWriter;
