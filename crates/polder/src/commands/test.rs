//! `polder test`: datasets, or files, held against their contracts.

mod levels;
mod print;
mod shown;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use polder_contract::rule::Figure;
use polder_contract::{ContractSet, DatasetContract};
use polder_core::document::Source;
use polder_core::units::counted;
use polder_core::{DatasetName, Error, ErrorKind, Result};
use polder_delivery::Discretion;
use polder_engine::{Verification, verify_files};
use polder_gate::table::{RuleResult, RuleVerdict};
use polder_lake::Version;
use polder_policy::Policies;
use polder_query::{Session, SessionOptions};

use crate::commands::missing_file;
use crate::findings::{Case, Findings, Outcome, Paths, Report, beginning, or_report};
use crate::options::{Format, FormatArg, Global};
use crate::output;
use crate::platform::Platform;
use levels::{not_measured, remark_broken, service_levels};
use print::print;

/// What to test.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// The datasets (domain.layer.name), all under contract when none is named; or, with --data, the contract's file.
    #[arg(value_name = "DATASET|CONTRACT")]
    targets: Vec<String>,
    /// Hold the rows of this file against the contract, instead of the dataset's table: Parquet, or JSON lines (.jsonl,
    /// .ndjson), or a folder with such files in it or below. May be given several times; all rows are judged together.
    #[arg(long, value_name = "FILE|FOLDER")]
    data: Vec<PathBuf>,
    /// Which of the contract's objects the rows are of, where it has several.
    #[arg(long, value_name = "NAME", requires = "data")]
    object: Option<String>,
    /// The version of the dataset's table; the newest without it.
    #[arg(long, value_name = "N", conflicts_with = "data")]
    version: Option<u64>,
    /// Also show this many rows of each rule that does not hold, where failing rows are counted; 1000 at most.
    #[arg(long, value_name = "ROWS", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=1000))]
    show: u64,
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

/// The command, as reports name it.
const COMMAND: &str = "polder test";

/// Where rows come from.
const HOW_TO_BUILD: &str =
    "`polder ingest` lands bronze, `polder run` builds silver and gold (and see `lake` in polder.yaml)";

/// Everything that the command line names, held against its contracts.
async fn all(global: &Global, args: &Args) -> Result<Tested> {
    if args.data.is_empty() {
        return of_datasets(global, args).await;
    }
    let verification = of_files(global, args).await?;
    if !global.quiet {
        remark_columns(&verification, &args.data);
    }
    let levels = not_measured(&verification.contract, "a file has no history");
    Ok(Tested {
        tables: vec![verification],
        levels,
        unread: Vec::new(),
        absent: Vec::new(),
    })
}

/// Tests; 1 where a rule fails or too few were run.
pub(crate) async fn run(global: &Global, args: &Args) -> Result<ExitCode> {
    Report::refuse_several(&args.report)?;
    args.refuse_what_cannot_be_shown()?;
    let root = beginning(global)?;
    let tested = or_report(COMMAND, &args.report, &root, all(global, args).await)?;
    let Tested {
        tables: tested,
        levels,
        unread,
        absent,
    } = tested;
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
    unread
        .iter()
        .for_each(|(dataset, error)| findings.add(unread_case(dataset, error)));
    if !Report::takes_output(&args.report) {
        print(&tested, &levels, args)?;
    }
    if !global.quiet {
        remark_nothing(&tested, args);
        remark_broken(&levels);
    }
    let verdict = verdict(&findings, args, global.quiet);
    let mut tables = tested.iter();
    if !global.quiet
        && args.data.is_empty()
        && args.targets.is_empty()
        && !tested.is_empty()
        && unread.is_empty()
        && tables.all(|verification| verification.version.is_none())
    {
        output::remark(&format!(
            "nothing was tested: no dataset has a table yet; {HOW_TO_BUILD}"
        ));
    }
    // Nothing of what they declare was run: they are no part of what is counted.
    absent
        .iter()
        .for_each(|(dataset, error)| findings.add(unread_case(dataset, error)));
    findings.write(COMMAND, &args.report, &root)?;
    // What could not be judged is told last, and decides how this ends.
    let mut errors = unread.into_iter().chain(absent).map(|(_, error)| error);
    let Some(first) = errors.next() else { return verdict };
    errors.for_each(|error| crate::report::error(&error, Some(&root)));
    Err(first)
}

/// What was tested.
#[derive(Default)]
struct Tested {
    tables: Vec<Verification>,
    /// Service levels.
    levels: Vec<Case>,
    /// Datasets that could not be held against their contracts, and why.
    unread: Vec<(DatasetName, Error)>,
    /// Datasets that were named and have no table: whoever names one counts on its rows.
    absent: Vec<(DatasetName, Error)>,
}

/// The error with the dataset that it is about; one with diagnostics names its places.
fn named(dataset: &DatasetName, error: Error) -> Error {
    if !error.diagnostics().is_empty() {
        return error;
    }
    let told = Error::new(error.kind(), format!("{dataset} cannot be held against its contract"));
    match error.help().map(str::to_owned) {
        Some(help) => told.with_help(help).with_source(error),
        None => told.with_source(error),
    }
}

/// A dataset that could not be held against its contract, among the checks.
fn unread_case(dataset: &DatasetName, error: &Error) -> Case {
    Case {
        suite: dataset.to_string(),
        name: "read".to_owned(),
        outcome: Outcome::Failed,
        message: error.report(),
        help: error.help().map(str::to_owned),
        place: None,
        severity: None,
        dimension: None,
    }
}

impl Args {
    /// Refuses `--show` where there is no place for rows.
    fn refuse_what_cannot_be_shown(&self) -> Result<()> {
        let (message, help) = match self.format.format {
            _ if self.show == 0 => return Ok(()),
            _ if Report::takes_output(&self.report) => (
                "--show prints rows to standard output, which the report takes",
                "name a file for the report: --report json=report.json",
            ),
            Format::Csv => (
                "--show prints rows under their rules, for which CSV has no place",
                "use --format json, or leave --show out",
            ),
            Format::Table | Format::Json => return Ok(()),
        };
        Err(Error::new(ErrorKind::Usage, message).with_help(help))
    }

    fn show(&self) -> usize {
        usize::try_from(self.show).unwrap_or(usize::MAX)
    }
}

/// What of files' rows everybody may be told: as the mesh around says, or as the default policies do where there is
/// none.
fn discretion(global: &Global) -> Result<Discretion> {
    match Platform::open(global) {
        Ok(platform) => platform.discretion(&Arc::default()),
        Err(_) => {
            let policies = Policies::defaults();
            Ok(Discretion::new(Arc::default(), move |property| {
                policies.hides(property)
            }))
        }
    }
}

/// Tells which columns files and their contract do not share: no rule would.
fn remark_columns(verification: &Verification, data: &[PathBuf]) {
    let file = match data {
        [one] => one.display().to_string(),
        _ => "what --data names".to_owned(),
    };
    if !verification.lacking.is_empty() {
        let properties = &verification.contract.object().properties;
        let is_required = |name: &&String| {
            let mut properties = properties.iter();
            properties.any(|property| property.name == **name && property.required)
        };
        let (required, optional): (Vec<_>, Vec<_>) = verification.lacking.iter().partition(is_required);
        let says = [(required, "required by the contract"), (optional, "counted as nulls")];
        for (lacking, what) in says.into_iter().filter(|(lacking, _)| !lacking.is_empty()) {
            let lacking: Vec<_> = lacking.into_iter().map(String::as_str).collect();
            output::remark(&format!("{file} does not have {}: {what}", lacking.join(", ")));
        }
    }
    if !verification.unknown.is_empty() {
        let unknown = verification.unknown.join(", ");
        output::remark(&format!("{file} has {unknown}, of which the contract says nothing"));
    }
}

/// Tells of datasets of which there was nothing to test.
fn remark_nothing(tested: &[Verification], args: &Args) {
    for verification in tested {
        let title = verification.contract.title();
        // Of one that was named it is an error.
        if verification.version.is_none() && args.data.is_empty() && args.targets.is_empty() {
            output::remark(&format!("{title} has no table yet"));
        }
        if verification.contract.rules().is_ok_and(|rules| rules.is_empty()) {
            output::remark(&format!("the contract of {title} declares no rule"));
        }
    }
}

/// The datasets' rules, and what their contracts promise about delivery.
async fn of_datasets(global: &Global, args: &Args) -> Result<Tested> {
    let platform = Platform::open(global)?;
    let contracts = platform.contracts()?;
    let datasets = selected(&contracts, &args.targets)?;
    if args.version.is_some() && datasets.len() != 1 {
        let message = "--version is of one dataset";
        return Err(Error::new(ErrorKind::Usage, message).with_help("name the dataset"));
    }
    let version = args.version.map_or(Version::Latest, Version::Number);
    let engine = platform.engine()?;
    let mut tested = Tested::default();
    let several = datasets.len() > 1;
    for dataset in datasets {
        match engine.verify(&dataset, version, args.show()).await {
            Ok(verification) => {
                if verification.version.is_none() && !args.targets.is_empty() {
                    tested.absent.push((dataset, without_table(&verification)));
                }
                let levels = service_levels(&platform, &verification.contract).await;
                tested.levels.extend(levels);
                tested.tables.push(verification);
            }
            // What is wrong with one dataset does not keep the others from being judged.
            Err(error) if several && !matches!(error.kind(), ErrorKind::Unreachable | ErrorKind::Refused) => {
                let error = named(&dataset, error);
                tested.unread.push((dataset, error));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(tested)
}

/// That a dataset which was named has no table.
fn without_table(verification: &Verification) -> Error {
    let title = verification.contract.title();
    Error::new(
        ErrorKind::CheckFailed,
        format!("{title} has no table yet: nothing was tested"),
    )
    .with_help(HOW_TO_BUILD)
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
                    missing_file(name).unwrap_or(error)
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

/// The file of a dataset's contract, where the folder is a mesh's.
fn contract_file(global: &Global, dataset: &DatasetName) -> Option<String> {
    let platform = Platform::open(global).ok()?;
    let (sources, _) = platform.mesh.readable("contracts", ".odcs.yaml");
    let (contracts, _) = ContractSet::load(sources);
    Some(contracts.get(dataset)?.contract.source_path.display().to_string())
}

async fn of_files(global: &Global, args: &Args) -> Result<Verification> {
    let [path] = args.targets.as_slice() else {
        let message = "--data needs the file of one contract";
        return Err(Error::new(ErrorKind::Usage, message).with_help(
            "polder test CONTRACT.odcs.yaml --data FILE.parquet; each further file has its own --data, or name a folder",
        ));
    };
    // Everything that is told of the contract, in reports too, names it as documents of the mesh are named.
    let root = beginning(global)?;
    let source = Source::read(&root, &Paths::from(&root).to(Path::new(path))).map_err(|error| {
        let named = path
            .parse::<DatasetName>()
            .ok()
            .filter(|_| error.kind() == ErrorKind::NotFound);
        match named.and_then(|dataset| contract_file(global, &dataset)) {
            Some(file) => error.with_help(format!("with --data, name the contract's file: {file}")),
            None => error.with_help("with --data, name the contract's file, such as contracts/sales/orders.odcs.yaml"),
        }
    })?;
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
        return Err(Error::new(ErrorKind::Usage, message).with_help("name the one that the rows are of: --object NAME"));
    };
    let session = Session::without_lake(&SessionOptions::default())?;
    let bound = DatasetContract { contract, object };
    verify_files(&session, bound, &args.data, args.show(), &discretion(global)?).await
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
        severity: Some(result.severity),
        dimension: result.dimension.clone(),
    }
}

/// What was asked and what was found, in one line.
fn measured(result: &RuleResult) -> String {
    let rows = result.failing_rows.map(|rows| {
        let fail = if rows == 1 { "fails" } else { "fail" };
        format!("{} {fail}", counted(rows, "row"))
    });
    let figure = match (&result.figure, rows) {
        (Some(Figure::Whole(figure)), Some(rows)) if result.failing_rows == u64::try_from(*figure).ok() => rows,
        (Some(figure), rows) => {
            let figure = result.figure_in_words.clone().unwrap_or_else(|| figure.to_string());
            let rows = rows.map_or_else(String::new, |rows| format!(", {rows}"));
            format!("it is {figure}{rows}")
        }
        (None, Some(rows)) => rows,
        (None, None) => "there is no figure".to_owned(),
    };
    let note = result
        .note
        .as_ref()
        .map_or_else(String::new, |note| format!(" ({note})"));
    format!("{}: {figure}{note}", result.says)
}

fn verdict(findings: &Findings, args: &Args, quiet: bool) -> Result<ExitCode> {
    let [passed, failed, warned, not_run] =
        [Outcome::Passed, Outcome::Failed, Outcome::Warned, Outcome::NotRun].map(|outcome| findings.count(outcome));
    let coverage = findings.coverage();
    if !quiet {
        let share = coverage.map_or_else(
            || "nothing is declared, so nothing was run".to_owned(),
            |coverage| format!("{coverage:.1} % of what is declared was run"),
        );
        output::remark(&format!(
            "{passed} passed, {failed} failed, {warned} warned, {not_run} not run: {share}"
        ));
    }
    // Who asks for a share of what is declared does not mean that of nothing: a contract that lost its rules, say.
    let missed = args.min_coverage.filter(|least| coverage.unwrap_or(0.0) < *least);
    if let Some(least) = missed {
        output::remark(&format!("that is less than the {least} % that --min-coverage asks for"));
    }
    Ok(ExitCode::from(u8::from(failed > 0 || missed.is_some())))
}
