//! `polder contract backtest`: a changed contract over the past of its dataset.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use polder_contract::DatasetContract;
use polder_core::document::Source;
use polder_core::units::counted;
use polder_core::{DatasetName, Error, ErrorKind, Result, ResultExt, clock};
use polder_engine::{Backtest, Since, Unseen};
use polder_gate::table::RuleVerdict;
use serde_json::{Value, json};

use crate::commands::missing_file;
use crate::options::{Format, FormatArg, Global, worded};
use crate::output::{self, Cell, Listing, cells};
use crate::past::Past;
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
    /// How far back: a version of the table (`12`: what came after it), a time (`2026-01-31` or ISO 8601; UTC), or
    /// a duration (`30d`).
    #[arg(long, value_name = "WHEN", default_value = "30d", value_parser = since)]
    since: Since,
    #[command(flatten)]
    format: FormatArg,
}

fn since(text: &str) -> std::result::Result<Since, String> {
    if let Ok(version) = text.parse() {
        return Ok(Since::Version(version));
    }
    let none = || {
        Err(format!(
            "`{text}` is no version, time or duration: write 12, {}",
            Past::AS_IN
        ))
    };
    let past = Past::read(text).unwrap_or_else(none)?;
    Ok(Since::Time(past.begin(clock::now())))
}

/// Runs the contract over the past and shows what it would have refused; 1 where it would have refused anything, and
/// where a part of that past could not be looked at.
pub(crate) async fn run(global: &Global, args: &Args) -> Result<ExitCode> {
    let platform = Platform::open(global)?;
    let engine = platform.engine()?;
    let (mut refused, mut unseen) = (false, Vec::new());
    let mut listing = Listing::new(["dataset", "version", "time", "rows", "refused", "warned", "rules"]);
    let mut examples = Listing::new(["dataset", "rule", "examples"]);
    let mut summaries = Vec::new();
    for contract in contracts(&platform, args)? {
        let backtest = engine.backtest(&contract, args.since).await?;
        let dataset = contract.dataset().to_string();
        refused |= row_per_commit(&dataset, &backtest, &mut listing);
        for (rule, texts) in &backtest.examples {
            examples.row(cells![dataset.as_str(), rule.to_string(), texts.join("; ")]);
        }
        let sum = |figure: fn(&polder_engine::BacktestCommit) -> u64| backtest.commits.iter().map(figure).sum::<u64>();
        let commits = counted(backtest.commits.len(), "commit");
        summaries.push(format!(
            "{dataset}: {} of {} in {} would have been refused",
            sum(|commit| commit.refused),
            counted(sum(|commit| commit.rows), "row"),
            commits
        ));
        for (rule, (times, why)) in excused(&backtest) {
            summaries.push(format!(
                "{dataset}: rule {rule} fails on {times} of {commits} and would not have refused them: {why}"
            ));
        }
        for (rule, (times, why)) in noted(&backtest) {
            summaries.push(format!("{dataset}: rule {rule} fails on {times} of {commits}: {why}"));
        }
        for (rule, (times, why)) in backtest.rules_not_run() {
            summaries.push(format!(
                "{dataset}: rule {rule} was not run on {times} of {commits}: {why}"
            ));
        }
        summaries.extend(refused_whole(&dataset, &backtest));
        unseen.extend(backtest.unseen.iter().map(|part| not_seen(&dataset, part)));
    }
    let nothing = match unseen.is_empty() {
        true => "no commit brought rows in that time",
        false => "no commit that is known brought rows in that time",
    };
    listing.print(args.format.format, nothing)?;
    if args.format.format == Format::Table && !examples.is_empty() {
        examples.print(Format::Table, "")?;
    }
    if !global.quiet {
        summaries.iter().for_each(|summary| output::remark(summary));
    }
    // Whoever sees no more than this must not take it for the whole.
    unseen.iter().for_each(|part| output::remark(part));
    Ok(ExitCode::from(u8::from(refused || !unseen.is_empty())))
}

/// Rules about the whole table that fail and say why beside their figure: on how many commits, and why, in the words of the newest.
fn noted(backtest: &Backtest) -> BTreeMap<&str, (usize, &str)> {
    let mut rules: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
    for result in backtest.commits.iter().flat_map(|commit| &commit.table) {
        if let (RuleVerdict::Failed | RuleVerdict::Warned, Some(why)) = (&result.verdict, &result.note) {
            let (commits, newest) = rules.entry(&result.rule).or_default();
            *commits += 1;
            *newest = why;
        }
    }
    rules
}

/// Rules about the whole table that fail on commits which are not to blame: on how many, and why they would have been taken, in the words of
/// the newest.
fn excused(backtest: &Backtest) -> BTreeMap<&str, (usize, &str)> {
    let mut rules: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
    for (rule, why) in backtest.commits.iter().flat_map(|commit| &commit.excused) {
        let (commits, newest) = rules.entry(rule).or_default();
        *commits += 1;
        *newest = why;
    }
    rules
}

/// How many commits would have been refused as a whole, and by which rules.
fn refused_whole(dataset: &str, backtest: &Backtest) -> Option<String> {
    let whole = backtest.commits.iter().filter(|commit| !commit.refused_by.is_empty());
    let whole = whole.count();
    let rules: Vec<_> = backtest
        .refusing_rules()
        .into_iter()
        .map(|(rule, commits)| format!("{rule} ({commits})"))
        .collect();
    (whole > 0).then(|| {
        let commits = counted(backtest.commits.len(), "commit");
        let rules = rules.join(", ");
        format!("{dataset}: {whole} of {commits} would have been refused as a whole, by {rules}")
    })
}

/// That some commits were not looked at, and what to ask instead.
fn not_seen(dataset: &str, part: &Unseen) -> String {
    let (first, last) = (part.versions.start(), part.versions.end());
    let versions = match first == last {
        true => format!("version {first}"),
        false => format!("versions {first} to {last}"),
    };
    format!(
        "{dataset}: nothing is known of {versions}: {} (exit code 1; `--since {last}` asks for what came after)",
        part.why
    )
}

/// Adds a row for each commit; tells whether anything would have been refused.
fn row_per_commit(dataset: &str, backtest: &Backtest, listing: &mut Listing) -> bool {
    let mut refused = false;
    for commit in &backtest.commits {
        let (mut rules, mut words): (Vec<Value>, Vec<String>) = commit
            .by_rule
            .iter()
            .map(|(rule, rows)| {
                let of_rows = json!({
                    "rule": &**rule, "rows": rows, "verdict": null, "figure": null, "why": null,
                    "refuses_commit": commit.refused_by.contains(&**rule),
                });
                (of_rows, format!("{rule}: {rows}"))
            })
            .unzip();
        for result in &commit.table {
            if matches!(result.verdict, RuleVerdict::Failed | RuleVerdict::Warned) {
                let failed = result.verdict == RuleVerdict::Failed;
                let excuse = commit.excused.get(&result.rule);
                rules.push(json!({
                    "rule": result.rule, "rows": result.failing_rows, "verdict": if failed { "failed" } else { "warned" },
                    "figure": Cell::from(result.figure.as_ref()).into_value(),
                    "why": result.note.as_ref().or(excuse), "refuses_commit": failed && excuse.is_none(),
                }));
                let figure = result
                    .figure
                    .as_ref()
                    .map_or_else(String::new, |figure| format!(" ({figure})"));
                words.push(format!(
                    "{}: {}{figure}",
                    result.rule,
                    match (failed, excuse) {
                        (false, _) => "warns",
                        (true, None) => "fails",
                        (true, Some(_)) => "fails, not to blame",
                    }
                ));
            }
        }
        let not_run = commit.table.iter().filter_map(|result| match &result.verdict {
            RuleVerdict::NotRun(why) => Some((&result.rule, why)),
            _ => None,
        });
        for (rule, why) in not_run {
            rules.push(json!({
                "rule": rule, "rows": null, "verdict": "not run", "figure": null, "why": why, "refuses_commit": false,
            }));
            words.push(format!("{rule}: not run"));
        }
        refused |= commit.refused > 0;
        listing.row(cells![
            dataset,
            commit.version,
            commit.timestamp,
            commit.rows,
            commit.refused,
            commit.warned,
            Cell::from(Value::Array(rules)).in_words(words.join(", ")),
        ]);
    }
    refused
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
