//! `polder quarantine`: what was rejected, why, and what becomes of it.

mod decide;
mod look;

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use polder_core::Result;

use crate::cli::FormatArg;
use crate::platform::Platform;

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum QuarantineCommand {
    /// Rejected rows that nobody decided about yet, counted by dataset, rule and contract version.
    List {
        /// Only of this dataset.
        dataset: Option<String>,
        /// Rows that were replayed or discarded too.
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        format: FormatArg,
    },
    /// Rejected rows, whole, with rule, reason and source position.
    Show {
        /// The dataset that refused them.
        dataset: String,
        #[command(flatten)]
        which: Which,
        /// Rows that were replayed or discarded too.
        #[arg(long)]
        all: bool,
        /// How many rows.
        #[arg(long, default_value_t = 20)]
        limit: usize,
        #[command(flatten)]
        format: FormatArg,
    },
    /// How many rows were rejected, and their share of all rows of the dataset.
    Stats {
        /// Only of this dataset.
        dataset: Option<String>,
        /// What rows are counted by, besides the dataset; by rule and state where nothing is said.
        #[arg(long, value_enum, value_delimiter = ',')]
        by: Vec<Dimension>,
        #[command(flatten)]
        format: FormatArg,
    },
    /// Judge open rows by the contract of now and take those that pass into the dataset, each once, as they were.
    Replay(ReplayArgs),
    /// Decide that open rows stay out for good; they are kept, with the reason.
    Discard(DiscardArgs),
}

/// Which rejected rows are meant: those that all of these hold for.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Which {
    /// Only rows that this rule refused.
    #[arg(long)]
    rule: Option<String>,
    /// Only rows for which this holds: SQL over the quarantine's columns, e.g. "_partition = 0 AND record LIKE '%GB%'".
    #[arg(long = "where", value_name = "SQL")]
    condition: Option<String>,
    /// Only these rows, by their `_quarantine_id`.
    #[arg(long, value_name = "ID")]
    id: Vec<String>,
}

impl Which {
    fn is_everything(&self) -> bool {
        self.rule.is_none() && self.condition.is_none() && self.id.is_empty()
    }
}

#[derive(Debug, Clone, Args)]
pub(crate) struct ReplayArgs {
    /// The dataset that refused them.
    dataset: String,
    #[command(flatten)]
    which: Which,
    /// Mend rows first: new values for columns, e.g. "quantity = abs(quantity), country = coalesce(country, 'none')".
    #[arg(long, value_name = "SQL")]
    set: Option<String>,
    /// Show what would pass and what not; change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Who decides; by default the user of this session.
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    #[command(flatten)]
    format: FormatArg,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct DiscardArgs {
    /// The dataset that refused them.
    dataset: String,
    #[command(flatten)]
    which: Which,
    /// All open rows of the dataset.
    #[arg(long)]
    all: bool,
    /// Why: stays on record.
    #[arg(long)]
    reason: String,
    /// Who decides; by default the user of this session.
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

/// What rejected rows are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Dimension {
    /// The rule that refused them.
    Rule,
    /// What became of them.
    State,
    /// The day on which they came, in UTC.
    Day,
    /// The version of the contract that refused them.
    ContractVersion,
}

impl Dimension {
    fn column(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::State => "state",
            Self::Day => "day",
            Self::ContractVersion => "contract_version",
        }
    }
}

/// What the command names.
pub(crate) async fn run(platform: &Platform, command: &QuarantineCommand, quiet: bool) -> Result<ExitCode> {
    match command {
        QuarantineCommand::List { dataset, all, format } => {
            look::list(platform, dataset.as_deref(), *all, format.format).await?;
        }
        QuarantineCommand::Show {
            dataset,
            which,
            all,
            limit,
            format,
        } => look::show(platform, &dataset.parse()?, which, *all, *limit, format.format).await?,
        QuarantineCommand::Stats { dataset, by, format } => {
            look::stats(platform, dataset.as_deref(), by, format.format).await?;
        }
        QuarantineCommand::Replay(args) => return decide::replay(platform, args, quiet).await,
        QuarantineCommand::Discard(args) => decide::discard(platform, args, quiet).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Text as a SQL literal.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
