//! The catalog: which datasets and models a mesh has, who owns them, where they come from, and what ran when.
//!
//! Kept in SQLite or PostgreSQL. It opens no table and reads no file of the mesh: others record what they did, and
//! [`Catalog::replace_all`] is handed an inventory of what is there. Progress never lives here, so that the database
//! can be deleted at any time and rebuilt from the lake and the repository.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod address;
#[cfg(test)]
mod conformance;
mod database;
mod dataset;
mod failure;
mod lineage;
mod migration;
mod model;
mod row;
mod run;
mod sync;
mod word;

pub use database::Catalog;
pub use dataset::{ContractStatus, Dataset};
pub use lineage::{Edge, Node, Traced};
pub use model::{ModelState, ModelVersion};
pub use run::{Run, RunEnd, RunFilter, RunStart, RunStatus, Step, StepKind};
pub use sync::{Difference, Inventory, SyncReport};
