//! `polder quarantine`: what was rejected, why, and what becomes of it.

mod decide;
mod history;
mod look;
mod set;
mod who;

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use polder_core::Result;

use crate::options::FormatArg;
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
    /// Rejected rows, whole, with rule, reason, source position, and what was decided and tried since.
    #[command(after_help = SHOW_EXAMPLES)]
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
    ///
    /// A row is read from its record, and from the bytes as they were received where the record does not say everything
    /// that the contract of now asks for. Rows that are refused again stay open, with the attempt in their history; exit
    /// code 1 says that there are such rows.
    #[command(after_help = REPLAY_EXAMPLES)]
    Replay(ReplayArgs),
    /// Decide that open rows stay out for good; they are kept, with the reason.
    #[command(after_help = DISCARD_EXAMPLES)]
    Discard(DiscardArgs),
}

const SHOW_EXAMPLES: &str = "Examples:
  polder quarantine show shop.bronze.orders --rule amount.minimum --limit 5
  polder quarantine show shop.bronze.orders --where \"record LIKE '%GBR%'\" --all --format json";

const REPLAY_EXAMPLES: &str = "Examples:
  polder quarantine replay shop.bronze.orders --dry-run
  polder quarantine replay shop.bronze.orders --rule amount.minimum --set \"amount = abs(amount)\"
  polder quarantine replay shop.bronze.orders --where \"_offset < 5000\" --set \"country = 'GB'\"
  polder quarantine replay shop.bronze.orders --rule day.type --set \"day = '2026-01-03'\"

Columns that --set may set: the contract's, and _event_time, which follows the column that the stream declares as the \
event time. Expressions may name these, _topic, _partition, _offset, _key and _schema_id, and, as text, what the records \
say in fields that the contract does not have (any more). Names with capital letters go into double quotes.";

const DISCARD_EXAMPLES: &str = "Examples:
  polder quarantine discard shop.bronze.orders --rule format.json --reason \"noise, ticket 4711\"
  polder quarantine discard shop.bronze.orders --all --reason \"they are sent anew\" --by ada";

/// Which rejected rows are meant: those that all of these hold for.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Which {
    /// Only rows that this rule refuses, as `polder quarantine list` names it.
    #[arg(long)]
    rule: Option<String>,
    /// Only rows for which this holds: SQL over the quarantine's columns (_topic, _partition, _offset, _key, _event_time,
    /// _ingested_at, rule, reason, record, attempts, …), e.g. "_partition = 0 AND record LIKE '%GB%'".
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
    /// Mend rows first: new values for columns, as behind SET in an UPDATE; each expression sees the row as received,
    /// e.g. "quantity = abs(quantity), country = coalesce(country, 'none')".
    #[arg(long, value_name = "SQL")]
    set: Option<String>,
    /// Show what would pass and what not; change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Who decides; by default git's user here, or the user of this session.
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
    /// Who decides; by default git's user here, or the user of this session.
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
