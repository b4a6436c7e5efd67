//! A contract's rules held against whole tables: all of them in one pass over the columns that they need, or in none
//! where the table's log answers.
//!
//! A [`TableCheck`] is compiled once. [`check_table`] holds it against a table; delivery keeps a [`TableState`] of the
//! rows that a table has and adds those that are to come. Row rules are counted by the rows that fail them, with the
//! very checks that the gate runs at the write, so both give one verdict.

mod answer;
mod broken;
mod comparing;
mod distinct;
mod distinct_text;
mod facts;
mod fingerprint;
mod keys;
mod orphans;
mod plan;
mod queries;
mod report;
mod scan;
mod state;
mod table_check;
#[cfg(test)]
mod tests;

pub use broken::BrokenRows;
pub use comparing::{Unlike, unlike};
pub use facts::{Facts, NoFacts};
pub use keys::{KeyRule, Keys};
pub use queries::{NoQueries, Queries, QueryColumns};
pub use report::{How, RuleResult, RuleVerdict, TableReport};
pub use state::{TableState, same};
pub use table_check::{TableCheck, check_table, scan_into};
