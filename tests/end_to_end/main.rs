//! End to end: the `polder` binary against real services, judged by what other programs say.
//!
//! Expected values come from the CSV files and the data's own README. A suite that lacks a service or data says
//! `skipped: SUITE: reason`; `cargo xtask test` starts what is needed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on ends with a panic"
)]

mod faults;
mod invoices;
mod kill;
mod lake;
mod mesh;
mod new_mesh;
mod offline;
mod readers;
mod records;
mod retail;
