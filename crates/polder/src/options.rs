//! The options of commands, and what they share.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand, ValueEnum};
use polder_core::Error;

/// Under what the options of every command stand, behind a command's own.
pub(crate) const EVERYWHERE: &str = "Options of every command";

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// The mesh's folder (the one with polder.yaml); by default the nearest one from here upwards.
    #[arg(long, global = true, value_name = "DIR", env = "POLDER_MESH", help_heading = EVERYWHERE)]
    pub(crate) mesh: Option<PathBuf>,

    /// Say more: -v what is done, -vv every detail. RUST_LOG takes precedence.
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = EVERYWHERE)]
    pub(crate) verbose: u8,

    /// No progress bars and no closing remarks.
    #[arg(short, long, global = true, help_heading = EVERYWHERE)]
    pub(crate) quiet: bool,
}

/// Reads an option's value by its own type, with the words that are allowed: clap prints no error's help.
pub(crate) fn worded<T: FromStr<Err = Error>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: Error| match error.help() {
        Some(help) => format!("{error}: {help}"),
        None => error.to_string(),
    })
}

/// How lists are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Table,
    /// One array of objects.
    Json,
    /// Comma separated, with a header.
    Csv,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct FormatArg {
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct DemoArgs {
    /// The folder to build the demo's mesh in; rebuilt at each run.
    #[arg(long, value_name = "DIR", default_value = "polder-demo")]
    pub(crate) dir: PathBuf,
    /// Use the real invoices: a folder with the UCI Online Retail CSVs, one a trading day.
    #[arg(long, value_name = "DIR")]
    pub(crate) retail: Option<PathBuf>,
    /// The seed of the generated shop.
    #[arg(long, default_value_t = 7)]
    pub(crate) seed: u64,
    /// How many weeks the generated shop trades; the forecast needs some to learn from.
    #[arg(long, default_value_t = 104, value_parser = clap::value_parser!(u32).range(20..=1000))]
    pub(crate) weeks: u32,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct PlanArgs {
    /// Only these pipelines and models (domain.name, or the dataset that is built); may be given several times.
    #[arg(long, value_name = "NAME")]
    pub(crate) select: Vec<String>,
    /// Plan as if nothing had been built.
    #[arg(long)]
    pub(crate) full: bool,
    #[command(flatten)]
    pub(crate) format: FormatArg,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct RunArgs {
    /// Only these pipelines and models (domain.name, or the dataset that is built); may be given several times.
    #[arg(long, value_name = "NAME")]
    pub(crate) select: Vec<String>,
    /// Rebuild from all data, even what is up to date.
    #[arg(long)]
    pub(crate) full: bool,
    #[command(flatten)]
    pub(crate) format: FormatArg,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct IngestArgs {
    /// The streams to run (domain.name); all of them when none is named.
    #[arg(value_name = "STREAM")]
    pub(crate) streams: Vec<String>,
    /// Stop at what is there now; without it, run until SIGTERM or Ctrl-C.
    #[arg(long)]
    pub(crate) until_end: bool,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct SqlArgs {
    /// The query. Datasets are named domain.layer.name; `VERSION AS OF n` and `TIMESTAMP AS OF '…'` travel in time.
    #[arg(value_name = "QUERY")]
    pub(crate) query: Option<String>,
    /// How to print; without it, a table on the terminal, and in a file what its ending says.
    #[arg(long, value_enum)]
    pub(crate) format: Option<SqlFormat>,
    /// Write to a file instead of the terminal (needed for Parquet), which is made or overwritten: .parquet, .csv, .json,
    /// .jsonl or .ndjson, or any other with --format.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Rows that a table shows at most; 0 shows all. Other formats always give all rows.
    #[arg(long, default_value_t = 1000)]
    pub(crate) limit: usize,
}

/// How the rows of a query are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum SqlFormat {
    /// For people.
    #[default]
    Table,
    /// One array of objects.
    Json,
    /// One object a line.
    Jsonl,
    /// Comma separated, with a header.
    Csv,
    /// A Parquet file (with --output).
    Parquet,
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum CatalogCommand {
    /// All datasets.
    List {
        #[command(flatten)]
        format: FormatArg,
    },
    /// One dataset: contract, owner, columns, version, runs, neighbours.
    Show {
        /// The dataset, domain.layer.name.
        dataset: String,
        #[command(flatten)]
        format: FormatArg,
    },
    /// Rebuild the catalog from the repository and the lake, and say what could not be known.
    Sync,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct LineageArgs {
    /// The dataset, or the stream, pipeline or model that builds something. With a column behind the dataset
    /// (shop.gold.sales.revenue) it is the same as --columns --column.
    pub(crate) name: String,
    /// Show columns: what each is computed from, and what is computed from it; read from the queries, not the catalog.
    #[arg(long)]
    pub(crate) columns: bool,
    /// Only this column (or value inside one: address.city), with everything that it is computed from and everything that is
    /// computed from it, to the ends.
    #[arg(long, value_name = "NAME", requires = "columns")]
    pub(crate) column: Option<String>,
    #[command(flatten)]
    pub(crate) format: FormatArg,
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum ModelCommand {
    /// All models and their versions.
    List {
        #[command(flatten)]
        format: FormatArg,
    },
    /// One model's versions, metrics, parameters and the dataset versions that it learned from.
    Show {
        /// The model, domain.name.
        model: String,
        #[command(flatten)]
        format: FormatArg,
    },
    /// Make a version the one that answers.
    Promote {
        /// The model, domain.name.
        model: String,
        /// The version.
        version: u64,
    },
    /// Ask a model: the promoted version, else the newest.
    Predict {
        /// The model, domain.name.
        model: String,
        /// What is asked, as name=value (e.g. customer=17850).
        #[arg(value_name = "NAME=VALUE")]
        request: Vec<String>,
        /// Ask this version.
        #[arg(long)]
        version: Option<u64>,
        #[command(flatten)]
        format: FormatArg,
    },
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum SourceCommand {
    /// The UCI Online Retail invoice lines, as events in their order.
    Retail {
        /// The folder of CSVs, one a trading day; by default online_retail/by-day under POLDER_DATA or ../shared/data.
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
        #[command(flatten)]
        publish: PublishArgs,
    },
    /// A small web shop, made up from a seed, with a share of faulty events on purpose.
    Shop {
        /// The same seed gives the same events.
        #[arg(long, default_value_t = 7)]
        seed: u64,
        /// How many weeks it trades.
        #[arg(long, default_value_t = 104, value_parser = clap::value_parser!(u32).range(1..=1000))]
        weeks: u32,
        #[command(flatten)]
        publish: PublishArgs,
    },
}

#[derive(Debug, Clone, Args)]
pub(crate) struct PublishArgs {
    /// The topic; made if it is not there.
    #[arg(long, default_value = "retail.invoice_line")]
    pub(crate) topic: String,
    /// Partitions of a topic that is made.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(i32).range(1..=1000))]
    pub(crate) partitions: i32,
    /// Events a second; full speed without it.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rate: Option<u32>,
    /// Only the first N events.
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<u64>,
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum NewCommand {
    /// A small mesh of one's own that runs without any service.
    Mesh {
        /// The folder; made, and refused if it holds anything.
        dir: PathBuf,
    },
}
