//! Contracts: rules over millions of rows beside other checkers, documents by the thousand, and what the rules cost at the
//! write.

mod documents;
mod tables;

use anyhow::Result;

use super::{Options, Programs, gate};

/// Checks a file against a contract, finds keys to be unique, reads a thousand contracts and pipelines, and ingests with
/// rules and without.
pub(super) fn run(programs: &Programs, options: Options) -> Result<()> {
    // The last part needs them: better to know it at once.
    super::retail()?;
    let scratch = super::scratch("contracts")?;
    tables::run(programs, options, &scratch)?;
    documents::run(programs, options, &scratch)?;
    println!(
        "\n{} events from Kafka into bronze, with rules and without:",
        options.events
    );
    let runs = options.runs.max(gate::RUNS);
    gate::run(programs, Options { runs, ..options })
}
