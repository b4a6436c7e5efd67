//! Contracts: rules over millions of rows beside other checkers, documents by the thousand.

mod documents;
mod tables;

use anyhow::Result;

use super::{Options, Programs};

/// Checks a file against a contract, finds keys to be unique, and reads a thousand contracts and pipelines.
pub(super) fn run(programs: &Programs, options: Options) -> Result<()> {
    let scratch = super::scratch("contracts")?;
    tables::run(programs, options, &scratch)?;
    documents::run(programs, options, &scratch)
}
