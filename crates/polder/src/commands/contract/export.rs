//! `polder contract export`: a contract in another format, or as a page for people.

use std::process::ExitCode;

use clap::ValueEnum;
use polder_contract::DatasetContract;
use polder_convert::{Converted, Dialect};
use polder_core::document::Severity;
use polder_core::{DatasetName, Error, ErrorKind, Result};

use super::conversion::{FormatName, OutputArgs};
use super::document;
use crate::cli::{Cli, worded};
use crate::platform::Platform;

/// What is exported, and how.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// A contract's file, `<git revision>:<path>`, or a dataset (domain.layer.name) of the mesh.
    #[arg(value_name = "CONTRACT|DATASET")]
    contract: String,
    /// The format.
    #[arg(long, value_enum)]
    to: Target,
    /// The dialect of its SQL: ansi (the default), postgres, spark, snowflake, bigquery or duckdb.
    #[arg(long, value_parser = worded::<Dialect>)]
    dialect: Option<Dialect>,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Target {
    /// An Avro schema.
    Avro,
    /// SQL DDL; --dialect names which.
    Sql,
    /// JSON Schema.
    #[value(name = "jsonschema")]
    JsonSchema,
    /// A .proto file.
    Protobuf,
    /// dbt's schema.yml; --dialect names that of its types.
    Dbt,
    /// The Data Contract Specification.
    Dcs,
    /// A page of documentation.
    Markdown,
    /// A self-contained page of documentation.
    Html,
}

/// Prints the contract in the other format, or writes it to a file.
pub(crate) fn run(cli: &Cli, args: &Args) -> Result<ExitCode> {
    let (contract, object) = find(cli, &args.contract)?;
    let format = match args.to {
        Target::Avro => FormatName::Avro,
        Target::Sql => FormatName::Sql,
        Target::JsonSchema => FormatName::JsonSchema,
        Target::Protobuf => FormatName::Protobuf,
        Target::Dbt => FormatName::Dbt,
        Target::Dcs => FormatName::Dcs,
        Target::Markdown | Target::Html => {
            // A page is about the contract as a whole.
            let value = match args.to {
                Target::Markdown => polder_convert::markdown(&contract),
                _ => polder_convert::html(&contract, None),
            };
            return args.output.give(
                &Converted {
                    value,
                    losses: Vec::new(),
                },
                cli.quiet,
            );
        }
    };
    let converted = polder_convert::export(&contract, object, format.in_dialect(args.dialect)?)?;
    args.output.give(&converted, cli.quiet)
}

/// The contract that is named; for a dataset, with its object.
fn find(cli: &Cli, name: &str) -> Result<(std::sync::Arc<polder_contract::Contract>, Option<usize>)> {
    if let Ok(dataset) = name.parse::<DatasetName>()
        && !std::path::Path::new(name).is_file()
    {
        let contracts = Platform::open(cli)?.contracts()?;
        let found: Option<DatasetContract> = contracts.get(&dataset);
        return match found {
            Some(found) => Ok((found.contract, Some(found.object))),
            None => {
                let error = Error::new(ErrorKind::NotFound, format!("there is no contract of {dataset}"));
                Err(match contracts.nearest(name) {
                    Some(near) => error.with_help(format!("did you mean `{near}`?")),
                    None => error.with_help("`polder catalog list` shows the datasets"),
                })
            }
        };
    }
    let parsed = polder_contract::parse(&document::read(name)?);
    match parsed.contract {
        Some(contract) => Ok((std::sync::Arc::new(contract), None)),
        None => Err(Error::document(
            parsed
                .diagnostics
                .into_iter()
                .filter(|found| found.severity == Severity::Error)
                .collect(),
        )),
    }
}
