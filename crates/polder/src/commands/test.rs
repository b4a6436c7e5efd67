//! `polder test`: datasets, or a file, held against their contracts.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use chrono::TimeDelta;
use polder_contract::rule::Figure;
use polder_contract::{ContractSet, DatasetContract};
use polder_core::document::Source;
use polder_core::{DatasetName, Error, ErrorKind, Result, ResultExt, clock};
use polder_engine::{Verification, verify_file};
use polder_gate::table::{RuleResult, RuleVerdict};
use polder_lake::Version;
use polder_query::{Session, SessionOptions};
use polder_slo::{Assessed, Verdict, Window, assess, observe};

use crate::cli::{Cli, Format, FormatArg};
use crate::findings::{Case, Findings, Outcome, Report};
use crate::output::{self, Listing};
use crate::platform::Platform;

/// What to test.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// The datasets (domain.layer.name), all under contract when none is named; or, with --data, the contract's file.
    #[arg(value_name = "DATASET|CONTRACT")]
    targets: Vec<String>,
    /// A Parquet file to hold against the contract, instead of the dataset's table.
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// Which of the contract's objects the file is, where it has several.
    #[arg(long, value_name = "NAME", requires = "data")]
    object: Option<String>,
    /// The version of the dataset's table; the newest without it.
    #[arg(long, value_name = "N", conflicts_with = "data")]
    version: Option<u64>,
    /// Also show this many failing rows of each rule about rows.
    #[arg(long, value_name = "ROWS", default_value_t = 0)]
    show: usize,
    /// Fail when less than this share of all declared rules and service levels was run, in percent.
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    min_coverage: Option<f64>,
    #[command(flatten)]
    format: FormatArg,
    /// Also write a report: junit, sarif, json or github, to a file or (alone) to standard output.
    #[arg(long, value_name = "FORMAT[=FILE]")]
    report: Vec<Report>,
}

fn percent(text: &str) -> std::result::Result<f64, String> {
    let share: f64 = text
        .trim_end_matches('%')
        .parse()
        .map_err(|_| format!("`{text}` is no number"))?;
    if (0.0..=100.0).contains(&share) {
        Ok(share)
    } else {
        Err("a share is from 0 to 100 percent".to_owned())
    }
}

/// Tests; 1 where a rule fails or too few were run.
pub(crate) async fn run(cli: &Cli, args: &Args) -> Result<ExitCode> {
    Report::refuse_several(&args.report)?;
    let (tested, levels) = match &args.data {
        Some(file) => {
            let verification = of_file(args, file).await?;
            let levels = not_measured(&verification.contract, "a file has no history");
            (vec![verification], levels)
        }
        None => of_datasets(cli, args).await?,
    };
    let mut findings = Findings::default();
    for verification in &tested {
        let suite = verification.contract.title();
        verification
            .report
            .results
            .iter()
            .for_each(|result| findings.add(case(&suite, result)));
    }
    levels.iter().for_each(|level| findings.add(level.clone()));
    if !Report::takes_output(&args.report) {
        print(&tested, &levels, args)?;
    }
    let root = crate::platform::root(cli).unwrap_or_default();
    findings.write("polder test", &args.report, &root)?;
    verdict(&findings, args, cli.quiet)
}

/// The datasets' rules, and what their contracts promise about delivery.
async fn of_datasets(cli: &Cli, args: &Args) -> Result<(Vec<Verification>, Vec<Case>)> {
    let platform = Platform::open(cli)?;
    let contracts = platform.contracts()?;
    let datasets = selected(&contracts, &args.targets)?;
    if args.version.is_some() && datasets.len() != 1 {
        let message = "--version is of one dataset";
        return Err(Error::new(ErrorKind::Usage, message).with_help("name the dataset"));
    }
    let version = args.version.map_or(Version::Latest, Version::Number);
    let engine = platform.engine()?;
    let (mut tested, mut levels) = (Vec::new(), Vec::new());
    for dataset in datasets {
        let verification = engine.verify(&dataset, version, args.show).await?;
        levels.extend(service_levels(&platform, &verification.contract).await);
        tested.push(verification);
    }
    Ok((tested, levels))
}

/// The datasets that are named, or all; an unknown name is an error with the nearest one.
fn selected(contracts: &Arc<ContractSet>, names: &[String]) -> Result<Vec<DatasetName>> {
    if names.is_empty() {
        return Ok(contracts.datasets().cloned().collect());
    }
    names
        .iter()
        .map(|name| {
            let dataset: DatasetName = name.parse().map_err(|error: Error| {
                if Path::new(name).is_file() {
                    error.with_help("to hold a file against this contract, name it: --data FILE")
                } else {
                    error
                }
            })?;
            if contracts.get(&dataset).is_some() {
                return Ok(dataset);
            }
            let error = Error::new(ErrorKind::NotFound, format!("{dataset} has no contract"));
            Err(match contracts.nearest(name) {
                Some(near) => error.with_help(format!("did you mean {near}?")),
                None => error.with_help("`polder contract status` lists what has one"),
            })
        })
        .collect()
}

async fn of_file(args: &Args, file: &Path) -> Result<Verification> {
    let [path] = args.targets.as_slice() else {
        let message = "--data needs the file of one contract";
        return Err(
            Error::new(ErrorKind::Usage, message).with_help("polder test CONTRACT.odcs.yaml --data FILE.parquet")
        );
    };
    let here = std::env::current_dir().context(ErrorKind::Usage, || "the current folder cannot be read".to_owned())?;
    let source = Source::read(&here, Path::new(path))?;
    let parsed = polder_contract::parse(&source);
    let Some(contract) = parsed.contract else {
        return Err(Error::document(parsed.diagnostics));
    };
    let contract = Arc::new(contract);
    let names: Vec<&str> = contract.objects.iter().map(|object| object.name.as_str()).collect();
    let object = match (&args.object, names.as_slice()) {
        (Some(name), _) => names.iter().position(|known| known == name),
        (None, [_]) => Some(0),
        (None, _) => None,
    };
    let Some(object) = object else {
        let message = format!("the contract has the objects {}", names.join(", "));
        return Err(Error::new(ErrorKind::Usage, message).with_help("name the one that the file is: --object NAME"));
    };
    let session = Session::without_lake(&SessionOptions::default())?;
    verify_file(&session, DatasetContract { contract, object }, file, args.show).await
}

fn case(suite: &str, result: &RuleResult) -> Case {
    let (outcome, why) = match &result.verdict {
        RuleVerdict::Passed => (Outcome::Passed, None),
        RuleVerdict::Failed => (Outcome::Failed, None),
        RuleVerdict::Warned => (Outcome::Warned, None),
        RuleVerdict::NotRun(why) => (Outcome::NotRun, Some(why.clone())),
    };
    Case {
        suite: suite.to_owned(),
        name: result.rule.clone(),
        outcome,
        message: why.unwrap_or_else(|| measured(result)),
        help: None,
        place: Some((result.place.file.to_path_buf(), Some(result.place.span))),
    }
}

/// What was asked and what was found, in one line.
fn measured(result: &RuleResult) -> String {
    let rows = result.failing_rows.map(|rows| match rows {
        1 => "1 row fails".to_owned(),
        _ => format!("{rows} rows fail"),
    });
    let figure = match (&result.figure, rows) {
        (Some(Figure::Whole(figure)), Some(rows)) if result.failing_rows == u64::try_from(*figure).ok() => rows,
        (Some(figure), Some(rows)) => format!("it is {figure}, {rows}"),
        (Some(figure), None) => format!("it is {figure}"),
        (None, Some(rows)) => rows,
        (None, None) => "there is no figure".to_owned(),
    };
    let note = result
        .note
        .as_ref()
        .map_or_else(String::new, |note| format!(" ({note})"));
    format!("{}: {figure}{note}", result.says)
}

/// How far back service levels are looked at, in days; `polder slo --since` takes other times.
const WINDOW_DAYS: i64 = 30;

/// What the contracts of datasets promise about delivery, as measured now. A breach is a warning here: it is no fault of
/// the rows, and `polder slo` is what fails on it.
async fn service_levels(platform: &Platform, contract: &DatasetContract) -> Vec<Case> {
    let to = clock::now();
    let window = Window {
        from: to - TimeDelta::days(WINDOW_DAYS),
        to,
    };
    let history = match (platform.lake(), platform.catalog().await) {
        (Ok(lake), Ok(catalog)) => observe(&lake, &catalog, contract.dataset(), window).await,
        (Err(error), _) | (_, Err(error)) => Err(error),
    };
    match history {
        Ok(history) => assess(contract, history.as_ref(), window)
            .iter()
            .map(|one| measured_level(contract, one))
            .collect(),
        Err(error) => not_measured(contract, &error.report()),
    }
}

fn measured_level(contract: &DatasetContract, level: &Assessed) -> Case {
    let figure = level
        .outcome
        .measured
        .map_or_else(String::new, |figure| format!(", measured {figure}"));
    let told = format!("promised {}{figure}", level.promised);
    let (outcome, message) = match &level.outcome.verdict {
        Verdict::Met => (Outcome::Passed, told),
        Verdict::Breached => (Outcome::Warned, told),
        Verdict::NotMeasured(why) => (Outcome::NotRun, why.clone()),
    };
    level_case(contract, &level.property, outcome, message)
}

/// Every service level, not run.
fn not_measured(contract: &DatasetContract, why: &str) -> Vec<Case> {
    let levels = contract.contract.service_levels.iter();
    levels
        .map(|level| level_case(contract, &level.property, Outcome::NotRun, why.to_owned()))
        .collect()
}

fn level_case(contract: &DatasetContract, property: &str, outcome: Outcome, message: String) -> Case {
    let declared = contract
        .contract
        .service_levels
        .iter()
        .find(|level| level.property == property);
    let place = match declared {
        Some(level) => (level.place.file.to_path_buf(), Some(level.place.span)),
        None => (contract.contract.source_path.clone(), None),
    };
    Case {
        suite: contract.title(),
        name: format!("slaProperties.{property}"),
        outcome,
        message,
        help: None,
        place: Some(place),
    }
}

fn print(tested: &[Verification], levels: &[Case], args: &Args) -> Result<()> {
    let mut listing = Listing::new(["dataset", "version", "rule", "verdict", "figure", "asked", "from"]);
    for verification in tested {
        let suite = verification.contract.title();
        let version = verification
            .version
            .map_or_else(String::new, |version| version.to_string());
        for result in &verification.report.results {
            // People are shown what there is to do; programs are given everything.
            if args.format.format == Format::Table && result.verdict == RuleVerdict::Passed {
                continue;
            }
            let (verdict, asked) = match &result.verdict {
                RuleVerdict::Passed => ("passed", result.says.clone()),
                RuleVerdict::Failed => ("failed", noted(result)),
                RuleVerdict::Warned => ("warned", noted(result)),
                RuleVerdict::NotRun(why) => ("not run", why.clone()),
            };
            listing.row([
                suite.clone(),
                version.clone(),
                result.rule.clone(),
                verdict.to_owned(),
                result.figure.as_ref().map_or_else(String::new, Figure::to_string),
                asked,
                result.how.as_str().to_owned(),
            ]);
        }
    }
    for level in levels {
        if args.format.format == Format::Table && level.outcome == Outcome::Passed {
            continue;
        }
        let cells = [
            &level.suite,
            "",
            &level.name,
            level.outcome.as_str(),
            "",
            &level.message,
            "history",
        ];
        listing.row(cells.map(str::to_owned));
    }
    if !listing.is_empty() || args.format.format != Format::Table {
        listing.print(args.format.format, "")?;
    }
    let mut rows = Listing::new(["dataset", "rule", "reason", "row"]);
    for verification in tested {
        for failing in &verification.failing {
            rows.row([
                verification.contract.title(),
                failing.rule.clone(),
                failing.reason.clone(),
                failing.row.clone(),
            ]);
        }
    }
    if args.show > 0 && !rows.is_empty() {
        rows.print(args.format.format, "")?;
    }
    Ok(())
}

fn noted(result: &RuleResult) -> String {
    match &result.note {
        Some(note) => format!("{} ({note})", result.says),
        None => result.says.clone(),
    }
}

fn verdict(findings: &Findings, args: &Args, quiet: bool) -> Result<ExitCode> {
    let [passed, failed, warned, not_run] =
        [Outcome::Passed, Outcome::Failed, Outcome::Warned, Outcome::NotRun].map(|outcome| findings.count(outcome));
    let coverage = findings.coverage();
    if !quiet {
        output::remark(&format!(
            "{passed} passed, {failed} failed, {warned} warned, {not_run} not run: {coverage:.1} % of what is declared was run"
        ));
    }
    let missed = args.min_coverage.filter(|least| coverage < *least);
    if let Some(least) = missed {
        output::remark(&format!("that is less than the {least} % that --min-coverage asks for"));
    }
    Ok(ExitCode::from(u8::from(failed > 0 || missed.is_some())))
}
