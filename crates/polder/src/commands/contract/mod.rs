//! `polder contract`: the life of contracts, one module a word.

mod backtest;
mod cancel;
mod conversion;
pub(crate) mod diff;
mod docs;
mod document;
mod export;
mod import;
mod infer;
pub(crate) mod lint;
pub(crate) mod parties;
mod schema;
mod status;
pub(crate) mod test;

use std::process::ExitCode;

use clap::Subcommand;
use polder_core::Result;

use crate::options::Global;
use crate::platform::Platform;

/// What can be done with contracts.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum ContractCommand {
    /// Read contracts, data products and samples, and say everything that is wrong; exit code 2 where something is.
    Lint(lint::Args),
    /// Run a changed contract over the past of its dataset, and show what it would have refused.
    Backtest(backtest::Args),
    /// What changed between two contracts, what it means and to whom, and whether the version says so.
    Diff(diff::Args),
    /// End a contract, or one's use of it, with notice.
    Cancel(cancel::Args),
    /// Print the JSON schema by which editors complete and check contracts.
    Schema(schema::Args),
    /// Every contract: version, status, dates, notice, replacement, cancellations.
    Status(status::Args),
    /// Prove every rule by good and bad sample rows, in contracts or beside them (x.samples.yaml); exit code 1 where one fails.
    Test(test::Args),
    /// Write a contract for a table that is there: a dataset of the lake, a Parquet file, or the folder of a Delta table.
    Infer(infer::Args),
    /// Make a contract of an Avro schema, SQL DDL, JSON Schema, Protobuf, dbt models or another contract format.
    Import(import::Args),
    /// Give a contract in another format, or as a page (a data product too); what the format cannot say is named.
    Export(export::Args),
    /// Write a page for each contract and data product of the mesh, and an index.
    Docs(docs::Args),
}

/// What the command names. Each word opens the mesh itself where it needs one.
pub(crate) async fn run(global: &Global, command: &ContractCommand) -> Result<ExitCode> {
    match command {
        ContractCommand::Test(args) => return test::run(&Platform::open(global)?, args, global.quiet).await,
        ContractCommand::Lint(args) => return lint::run(global, args).await,
        ContractCommand::Backtest(args) => return backtest::run(global, args).await,
        ContractCommand::Diff(args) => return diff::run(args),
        ContractCommand::Infer(args) => return infer::run(global, args).await,
        ContractCommand::Import(args) => return import::run(args, global.quiet),
        ContractCommand::Export(args) => return export::run(global, args),
        ContractCommand::Docs(args) => docs::run(&Platform::open(global)?, args, global.quiet)?,
        ContractCommand::Cancel(args) => cancel::run(&Platform::open(global)?, args)?,
        ContractCommand::Schema(args) => schema::run(args, global.quiet)?,
        ContractCommand::Status(args) => status::run(&Platform::open(global)?, args)?,
    }
    Ok(ExitCode::SUCCESS)
}
