//! Contracts compiled to checks over Arrow batches: the same verdicts at write time, in tests and in CI.
//!
//! A [`Gate`] is compiled once from a contract and then judges the rows of batches, column by column. It does not know
//! where batches come from nor where they go. A rule that nothing can run is listed by [`Gate::not_run`], never passed
//! in silence; a rule that makes no sense for its column is an error when the gate is compiled.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod check;
mod conform;
pub mod digits;
mod engine;
pub mod engine_words;
mod fields;
mod format;
mod gate;
mod items;
mod length;
pub mod list_limits;
mod listed;
pub mod map_keys;
mod multiple;
mod nested;
mod pattern;
pub mod plan_limits;
pub mod reading;
mod row_sql;
mod row_tests;
pub mod samples;
mod schema;
pub mod sql_limits;
pub mod sql_maps;
pub mod sql_numbers;
pub mod table;
#[cfg(test)]
mod tests;
pub mod times;
mod values;

pub use conform::{becomes, convert, convert_telling, holds_all};
pub use engine::read_as_everywhere;
pub use gate::{Gate, Verdict, Violation, wrong_row_sql};
pub use schema::{arrival_schema, arrow_schema, in_words};
pub use table::same;
