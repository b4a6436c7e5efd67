//! `polder contract backtest`: a changed contract over the past of its dataset.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use polder_contract::DatasetContract;
use polder_core::document::Source;
use polder_core::units::counted;
use polder_core::units::parse_duration;
use polder_core::{DatasetName, Error, ErrorKind, Result, ResultExt, clock};
use polder_engine::{Backtest, Since};
use polder_gate::table::RuleVerdict;

use crate::cli::{Cli, Format, FormatArg, worded};
use crate::commands::missing_file;
use crate::output::{self, Listing};
use crate::platform::Platform;

/// Which contract, over which past.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// The changed contract's file, or the dataset whose contract in the mesh is meant.
    #[arg(value_name = "CONTRACT|DATASET")]
    contract: String,
    /// Only this of the contract's datasets.
    #[arg(long, value_name = "DATASET", value_parser = worded::<DatasetName>)]
    dataset: Option<DatasetName>,
    /// How far back: a version of the table (`12`: what came after it), a time (`2026-01-31` or RFC 3339), or a
    /// duration (`30d`).
    #[arg(long, value_name = "WHEN", default_value = "30d", value_parser = since)]
    since: Since,
    #[command(flatten)]
    format: FormatArg,
}

fn since(text: &str) -> std::result::Result<Since, String> {
    if let Ok(version) = text.parse() {
        return Ok(Since::Version(version));
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(Since::Time(time.with_timezone(&Utc)));
    }
    if let Ok(day) = text.parse::<NaiveDate>() {
        return Ok(Since::Time(day.and_time(chrono::NaiveTime::MIN).and_utc()));
    }
    let span = parse_duration(text).map_err(|_| {
        format!("`{text}` is no version, time or duration: write 12, 2026-01-31, 2026-01-31T08:00:00Z or 30d")
    })?;
    let span = chrono::Duration::from_std(span).map_err(|_| format!("`{text}` is too long"))?;
    clock::now()
        .checked_sub_signed(span)
        .map(Since::Time)
        .ok_or_else(|| format!("`{text}` is too long"))
}

/// Runs the contract over the past and shows what it would have refused; 1 where it would have refused anything.
pub(crate) async fn run(cli: &Cli, args: &Args) -> Result<ExitCode> {
    let platform = Platform::open(cli)?;
    let engine = platform.engine()?;
    let mut refused = false;
    let mut listing = Listing::new(["dataset", "version", "time", "rows", "refused", "warned", "rules"]);
    let mut examples = Listing::new(["dataset", "rule", "examples"]);
    let mut summaries = Vec::new();
    for contract in contracts(&platform, args)? {
        let backtest = engine.backtest(&contract, args.since).await?;
        let dataset = contract.dataset().to_string();
        refused |= row_per_commit(&dataset, &backtest, &mut listing);
        for (rule, texts) in &backtest.examples {
            examples.row([dataset.clone(), rule.to_string(), texts.join("; ")]);
        }
        let sum = |figure: fn(&polder_engine::BacktestCommit) -> u64| backtest.commits.iter().map(figure).sum::<u64>();
        summaries.push(format!(
            "{dataset}: {} of {} in {} would have been refused",
            sum(|commit| commit.refused),
            counted(sum(|commit| commit.rows), "row"),
            counted(backtest.commits.len(), "commit")
        ));
    }
    listing.print(args.format.format, "no commit brought rows in that time")?;
    if args.format.format == Format::Table && !examples.is_empty() {
        examples.print(Format::Table, "")?;
    }
    if !cli.quiet {
        summaries.iter().for_each(|summary| output::remark(summary));
    }
    Ok(ExitCode::from(u8::from(refused)))
}

/// Adds a row for each commit; tells whether anything would have been refused.
fn row_per_commit(dataset: &str, backtest: &Backtest, listing: &mut Listing) -> bool {
    let mut refused = false;
    for commit in &backtest.commits {
        let mut rules: Vec<String> = commit
            .by_rule
            .iter()
            .map(|(rule, rows)| format!("{rule}: {rows}"))
            .collect();
        for result in &commit.table {
            if matches!(result.verdict, RuleVerdict::Failed | RuleVerdict::Warned) {
                let figure = result
                    .figure
                    .as_ref()
                    .map_or_else(String::new, |figure| format!(" ({figure})"));
                rules.push(format!("{}: {}{figure}", result.rule, verdict(&result.verdict)));
            }
        }
        refused |= commit.refused > 0 || commit.table.iter().any(|result| result.verdict == RuleVerdict::Failed);
        listing.row([
            dataset.to_owned(),
            commit.version.to_string(),
            commit.timestamp.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
            commit.rows.to_string(),
            commit.refused.to_string(),
            commit.warned.to_string(),
            rules.join(", "),
        ]);
    }
    refused
}

fn verdict(verdict: &RuleVerdict) -> &'static str {
    match verdict {
        RuleVerdict::Failed => "fails",
        _ => "warns",
    }
}

/// The contract that is named, for each of its datasets or the one that is asked for.
fn contracts(platform: &Platform, args: &Args) -> Result<Vec<DatasetContract>> {
    let path = PathBuf::from(&args.contract);
    let mut contracts = if path.is_file() {
        let here =
            std::env::current_dir().context(ErrorKind::Usage, || "the current folder cannot be read".to_owned())?;
        let parsed = polder_contract::parse(&Source::read(&here, Path::new(&args.contract))?);
        let Some(contract) = parsed.contract else {
            return Err(Error::document(parsed.diagnostics));
        };
        DatasetContract::all(&Arc::new(contract))
    } else {
        let dataset: DatasetName = args.contract.parse().map_err(|error: Error| {
            missing_file(&args.contract)
                .unwrap_or(error)
                .with_help("name a contract's file, or a dataset as domain.layer.name")
        })?;
        let contracts = platform.contracts()?;
        let bound = contracts.get(&dataset).ok_or_else(|| {
            let error = Error::new(ErrorKind::NotFound, format!("{dataset} has no contract"));
            match contracts.nearest(&args.contract) {
                Some(near) => error.with_help(format!("did you mean {near}?")),
                None => error,
            }
        })?;
        vec![bound]
    };
    if let Some(wanted) = &args.dataset {
        contracts.retain(|contract| contract.dataset() == wanted);
    }
    if contracts.is_empty() {
        let message = format!("{} binds no such dataset", args.contract);
        return Err(Error::new(ErrorKind::NotFound, message)
            .with_help("an object is bound by its physicalName, such as sales.bronze.invoice_lines"));
    }
    Ok(contracts)
}
