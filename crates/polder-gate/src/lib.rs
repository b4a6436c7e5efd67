//! Contracts compiled to checks over Arrow batches: the same verdicts at write time, in tests and in CI.
//!
//! A [`Gate`] is compiled once from a contract and then judges batches column by column. It does not know where
//! batches come from nor where they go. A rule that it cannot run is listed by [`Gate::not_run`], never passed in
//! silence; a rule that makes no sense for its column is an error when the gate is compiled.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod check;
mod conform;
mod gate;
mod nested;
mod number;
mod schema;
#[cfg(test)]
mod tests;

pub use gate::{Gate, Verdict, Violation};
pub use schema::arrow_schema;
