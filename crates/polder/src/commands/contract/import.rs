//! `polder contract import`: a contract from a document of another format.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use polder_convert::{Binding, Dialect, ImportOptions};
use polder_core::Result;
use polder_core::document::Source;

use super::conversion::{FormatName, OutputArgs};

/// What is imported, and what only people know about it.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// The document.
    file: PathBuf,
    /// Its format.
    #[arg(long, value_enum)]
    from: FormatName,
    /// The dialect of its SQL: ansi (the default), postgres, spark, snowflake, bigquery or duckdb.
    #[arg(long)]
    dialect: Option<Dialect>,
    #[command(flatten)]
    about: AboutArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// What a contract says that no other format knows.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct AboutArgs {
    /// The domain that owns the data.
    #[arg(long)]
    domain: Option<String>,
    /// The dataset that it describes (domain.layer.name); for several tables a domain and layer: each becomes a dataset
    /// of its own name.
    #[arg(long, value_name = "DATASET|DOMAIN.LAYER")]
    dataset: Option<Binding>,
    /// The user name of its owner.
    #[arg(long)]
    owner: Option<String>,
}

impl AboutArgs {
    /// The options of an import of something of this name.
    pub(super) fn options(&self, name: Option<String>) -> ImportOptions {
        ImportOptions {
            name,
            domain: self.domain.clone(),
            dataset: self.dataset.clone(),
            owner: self.owner.clone(),
            ..ImportOptions::default()
        }
    }
}

/// Prints the contract, or writes it to a file.
pub(crate) fn run(args: &Args, quiet: bool) -> Result<ExitCode> {
    let format = args.from.in_dialect(args.dialect)?;
    let source = Source::read(Path::new(""), &args.file)?;
    let options = args.about.options(stem(&args.file));
    args.output
        .give(&polder_convert::import(format, &source.text, &options)?, quiet)
}

/// The file's name without what says its format: `orders.schema.json` is `orders`.
pub(super) fn stem(file: &Path) -> Option<String> {
    let name = file.file_name()?.to_str()?;
    name.split('.').find(|part| !part.is_empty()).map(str::to_owned)
}
