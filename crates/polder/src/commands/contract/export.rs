//! `polder contract export`: a contract in another format; a contract or data product as a page for people.

use std::process::ExitCode;
use std::sync::Arc;

use clap::ValueEnum;
use polder_contract::product::{self, Product};
use polder_contract::{Contract, DatasetContract};
use polder_convert::{Converted, Dialect};
use polder_core::document::{Severity, Source};
use polder_core::{DatasetName, Error, ErrorKind, Result};

use super::conversion::{FormatName, OutputArgs};
use super::document;
use super::lint::PRODUCT;
use crate::options::{Global, worded};
use crate::platform::Platform;
use crate::report;

/// What is exported, and how.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// A contract's file, `<git revision>:<path>`, or a dataset (domain.layer.name) of the mesh; for a page (markdown or html)
    /// also a data product's file.
    #[arg(value_name = "CONTRACT|DATASET")]
    contract: String,
    /// The format.
    #[arg(long, value_enum)]
    to: Target,
    /// The dialect of its SQL: ansi (the default), postgres, spark, snowflake, bigquery, duckdb, mysql or redshift.
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

/// What can be named.
const NAMED: &str = "name a dataset (domain.layer.name), a file, or a revision and a path, such as \
                     main:contracts/sales/orders.odcs.yaml";

/// Prints the contract in the other format, or writes it to a file.
pub(crate) fn run(global: &Global, args: &Args) -> Result<ExitCode> {
    let mut documents = Vec::new();
    let exported = find(global, &args.contract, &mut documents).and_then(|found| export(global, args, &found));
    report::or_told(exported, &documents)
}

fn export(global: &Global, args: &Args, found: &Found) -> Result<ExitCode> {
    let (contract, object) = match found {
        Found::Contract(contract, object) => (contract, *object),
        Found::Product(product) => return of_product(global, args, product),
    };
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
                Target::Markdown => polder_convert::markdown(contract),
                _ => polder_convert::html(contract, None),
            };
            return page(global, args, value);
        }
    };
    let converted = polder_convert::export(contract, object, format.in_dialect(args.dialect)?)?;
    args.output.give(&converted, global.quiet)
}

fn page(global: &Global, args: &Args, value: String) -> Result<ExitCode> {
    let page = Converted {
        value,
        losses: Vec::new(),
    };
    args.output.give(&page, global.quiet)
}

/// A product promises nothing of columns itself: what other formats describe is in the contracts of its ports.
fn of_product(global: &Global, args: &Args, product: &Product) -> Result<ExitCode> {
    match args.to {
        Target::Markdown => page(global, args, polder_convert::product_markdown(product)),
        Target::Html => page(global, args, polder_convert::product_html(product, None)),
        to => {
            let contracts = product
                .output_ports
                .iter()
                .filter_map(|port| port.contract_id.as_deref());
            let contracts: Vec<_> = contracts.collect();
            let message = format!(
                "{} is a data product, which has no columns that {} could say",
                args.contract,
                to.to_possible_value()
                    .map_or_else(String::new, |to| to.get_name().to_owned())
            );
            let help = format!(
                "write it as a page (--to markdown or html), or export the contracts of its output ports: {}",
                contracts.join(", ")
            );
            Err(Error::new(ErrorKind::Usage, message).with_help(help))
        }
    }
}

/// What is exported.
enum Found {
    /// A contract; for a dataset, with its object.
    Contract(Arc<Contract>, Option<usize>),
    Product(Box<Product>),
}

/// What is named; a document is put out, too.
fn find(global: &Global, name: &str, documents: &mut Vec<Source>) -> Result<Found> {
    if let Ok(dataset) = name.parse::<DatasetName>()
        && !std::path::Path::new(name).is_file()
    {
        let contracts = Platform::open(global)?.contracts()?;
        let found: Option<DatasetContract> = contracts.get(&dataset);
        return match found {
            Some(found) => Ok(Found::Contract(found.contract, Some(found.object))),
            None => {
                let error = Error::new(ErrorKind::NotFound, format!("there is no contract of {dataset}"));
                Err(match contracts.nearest(name) {
                    Some(near) => error.with_help(format!("did you mean `{near}`?")),
                    None => error.with_help("`polder catalog list` shows the datasets"),
                })
            }
        };
    }
    let source = document::read(name, NAMED)?;
    let (found, diagnostics) = match name.ends_with(PRODUCT) {
        true => {
            let (product, diagnostics) = product::parse(&source);
            (product.map(|product| Found::Product(Box::new(product))), diagnostics)
        }
        false => {
            let parsed = polder_contract::parse(&source);
            let contract = parsed
                .contract
                .map(|contract| Found::Contract(Arc::new(contract), None));
            (contract, parsed.diagnostics)
        }
    };
    documents.push(source);
    match found {
        Some(found) => Ok(found),
        None => Err(Error::document(
            diagnostics
                .into_iter()
                .filter(|found| found.severity == Severity::Error)
                .collect(),
        )),
    }
}
