//! Pipelines and models: type-checked against contracts, planned, run incrementally, trained.
//!
//! A pipeline is one SQL query from datasets to a dataset. How far each source is built in stands in the commits of the
//! dataset's own table, so that rows and progress land together or not at all. The engine knows tables, queries and the
//! domains' models; it knows neither sources nor wire formats, and whoever wants to keep runs in a catalog watches it
//! through an [`Observer`].
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod admission;
mod assess;
mod backtest;
mod build;
mod check;
mod checker;
mod columns;
mod declared_rules;
mod definition;
mod engine;
mod graph;
mod lineage;
mod meaning;
mod model;
mod plan;
mod progress;
mod rule_order;
mod run;
mod source;
mod sql;
mod step;
#[cfg(test)]
mod tests;
mod training;
mod verification;
mod watched;

pub use backtest::{Backtest, BacktestCommit, Since, Unseen};
pub use check::Analysis;
pub use declared_rules::{dangling_references, incomparable_within, unread_readable, unread_rules};
pub use definition::{
    Materialization, ModelDefinition, ModelInput, Pipeline, load_models, load_pipelines, read_models, read_pipelines,
};
pub use engine::{Engine, RunOptions};
pub use lineage::{
    Altered, Apart, Asker, Broken, Chain, ColumnEdge, ColumnLineage, DatasetColumn, Dependency, Hop, Keys, LineageEdge,
    Reach, Reached, Reader, Renamed, Retyped, Step, Still, Target, Words, altered, may_name,
};
pub use model::{ModelRecord, ModelStore, Promotion};
pub use source::{misfit_columns, unreadable_columns};
pub use step::{Action, Observer, PlannedStep, StartedStep, StepKind, StepOutcome, StepResult};
pub use verification::{FailingRow, Verification, verify_files};
