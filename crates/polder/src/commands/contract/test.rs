//! `polder contract test`: every rule proven by the contract's good and bad sample rows.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::ExitCode;

use polder_contract::{ContractSet, DatasetContract};
use polder_core::document::{Diagnostic, Severity, Source, nearest};
use polder_core::units::counted;
use polder_core::{DatasetName, Error, ErrorKind, Result};
use polder_gate::samples::{SampleResult, SampleVerdict, Samples, gather, problems, prove};
use polder_query::{RuleQueries, Session, SessionOptions};

use crate::commands::named_dataset;
use crate::commands::policy::SAMPLES;
use crate::findings::{Case, Findings, Outcome, Report, or_report};
use crate::options::{Format, FormatArg};
use crate::output::{self, Listing, cells};
use crate::platform::Platform;
use crate::report;

/// What to test.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// Only these datasets (domain.layer.name); by default all that have a contract.
    #[arg(value_name = "DATASET")]
    datasets: Vec<String>,
    /// A rule without a sample is a failure (exit code 1), not a remark.
    #[arg(long)]
    require_all: bool,
    #[command(flatten)]
    format: FormatArg,
    /// Also write a report: junit, sarif, json or github, to a file or (alone) to standard output.
    #[arg(long, value_name = "FORMAT[=FILE]")]
    report: Vec<Report>,
}

/// The command, as reports name it.
const COMMAND: &str = "polder contract test";

/// Tests, and prints a result for each rule; 1 where a rule is not what its samples say, 2 where samples are wrong.
pub(crate) async fn run(platform: &Platform, args: &Args, quiet: bool) -> Result<ExitCode> {
    Report::refuse_several(&args.report)?;
    let tested = async {
        let contracts = platform.contracts()?;
        let wanted = wanted(platform, &contracts, &args.datasets)?;
        test(platform, &contracts, &wanted).await
    };
    let tested = tested.await;
    let (results, diagnostics) = or_report(COMMAND, &args.report, &platform.mesh.root, tested)?;
    report::diagnostics(&diagnostics, Some(&platform.mesh.root));
    let wrong = diagnostics.iter().any(|found| found.severity == Severity::Error);
    let mut checks = Findings::of_documents(&diagnostics, []);
    checks.extend(findings(&results, args.require_all));
    checks.write(COMMAND, &args.report, &platform.mesh.root)?;
    if wrong && results.is_empty() {
        return Ok(ExitCode::from(2));
    }
    if !Report::takes_output(&args.report) {
        print(&results, args.format.format)?;
        if args.format.format == Format::Table && !quiet {
            output::line(&summary(&results))?;
        }
    }
    let without = results
        .iter()
        .filter(|result| result.verdict == SampleVerdict::NoSample)
        .count();
    if without > 0 && !quiet {
        let hint = if args.require_all {
            ""
        } else {
            "; --require-all fails on such rules"
        };
        output::remark(&format!(
            "no sample: {without}; each rule needs a good row, and a bad row that names it{hint}"
        ));
    }
    let failed = results.iter().any(|result| match result.verdict {
        SampleVerdict::Failed(_) => true,
        SampleVerdict::NoSample => args.require_all,
        _ => false,
    });
    Ok(ExitCode::from(if wrong { 2 } else { u8::from(failed) }))
}

/// Holds the rules of these datasets against their samples, each dataset in the order of names. References to other
/// datasets are looked up in the good rows of those.
pub(crate) async fn test(
    platform: &Platform,
    contracts: &ContractSet,
    wanted: &BTreeSet<DatasetName>,
) -> Result<(Vec<SampleResult>, Vec<Diagnostic>)> {
    let (samples, mut diagnostics) = samples(platform, contracts)?;
    let mut tables = Vec::new();
    for contract in contracts.iter() {
        let Some(samples) = samples.get(contract.dataset()) else {
            continue;
        };
        // What keeps rows from being read is found below, or when their own dataset is tested.
        if let Ok(Some(table)) = samples.table(contract) {
            tables.push((contract.dataset().clone(), table));
        }
    }
    let session = Session::without_lake(&SessionOptions::default())?.with_tables(tables);
    let mut results = Vec::new();
    for contract in contracts.iter().filter(|contract| wanted.contains(contract.dataset())) {
        let none = Samples::default();
        let samples = samples.get(contract.dataset()).unwrap_or(&none);
        let queries = RuleQueries::new(&session, contract);
        let (found, wrong) = prove(contract, samples, &queries).await?;
        results.extend(found);
        diagnostics.extend(wrong);
    }
    Ok((results, diagnostics))
}

/// The samples of every dataset, with what is wrong with the documents that hold them.
fn samples(platform: &Platform, contracts: &ContractSet) -> Result<(BTreeMap<DatasetName, Samples>, Vec<Diagnostic>)> {
    let (documents, mut diagnostics) = platform.mesh.readable("contracts", SAMPLES);
    let documents: Vec<Source> = documents.into_iter().map(|(_, source)| source).collect();
    let is_contract = |path: &Path| platform.mesh.path(path).is_file();
    let (samples, found) = gather(contracts.iter(), &documents, is_contract);
    diagnostics.extend(found);
    Ok((samples, diagnostics))
}

/// What can be known of all samples without running a rule, for `polder check`.
pub(crate) fn findings_without_rules(platform: &Platform, contracts: &ContractSet) -> Result<Vec<Diagnostic>> {
    let (samples, mut diagnostics) = samples(platform, contracts)?;
    diagnostics.extend(wrong_samples(contracts.iter(), &samples));
    Ok(diagnostics)
}

/// What is wrong with the samples of these contracts.
pub(crate) fn wrong_samples<'c>(
    contracts: impl Iterator<Item = &'c DatasetContract>,
    samples: &BTreeMap<DatasetName, Samples>,
) -> Vec<Diagnostic> {
    let with_samples = contracts.filter_map(|contract| Some((contract, samples.get(contract.dataset())?)));
    with_samples
        .flat_map(|(contract, samples)| problems(contract, samples))
        .collect()
}

/// The datasets that are named, or all; an unknown name is an error with the nearest one.
fn wanted(platform: &Platform, contracts: &ContractSet, names: &[String]) -> Result<BTreeSet<DatasetName>> {
    if names.is_empty() {
        return Ok(contracts.datasets().cloned().collect());
    }
    let known: Vec<String> = contracts.datasets().map(ToString::to_string).collect();
    names
        .iter()
        .map(|name| {
            let dataset = named_dataset(platform, contracts, name)?;
            if contracts.get(&dataset).is_some() {
                return Ok(dataset);
            }
            let error = Error::new(ErrorKind::NotFound, format!("there is no contract of `{name}`"));
            Err(match nearest(name, known.iter().map(String::as_str)) {
                Some(near) => error.with_help(format!("did you mean `{near}`?")),
                None => error.with_help(format!("the datasets are: {}", known.join(", "))),
            })
        })
        .collect()
}

fn print(results: &[SampleResult], format: Format) -> Result<()> {
    let mut listing = Listing::new([
        "dataset",
        "rule",
        "result",
        "good",
        "bad",
        "why",
        "place",
        "severity",
        "dimension",
    ])
    .for_programs(&["severity", "dimension"]);
    for result in results {
        let why = match &result.verdict {
            SampleVerdict::Failed(reasons) => Some(reasons.join("; ")),
            SampleVerdict::Skipped(why) | SampleVerdict::NotRun(why) => Some(why.clone()),
            // The figures beside it say what is missing, and the remark below what is needed.
            SampleVerdict::NoSample | SampleVerdict::Proven => None,
        };
        let place = format!(
            "{}:{}:{}",
            result.place.file.display(),
            result.place.span.line,
            result.place.span.column
        );
        listing.row(cells![
            result.dataset.to_string(),
            result.rule.as_str(),
            result.verdict.as_str(),
            result.good,
            result.bad,
            why,
            place,
            result.severity.as_str(),
            result.dimension.as_deref(),
        ]);
    }
    listing.print(format, "no rules")
}

/// The results as checks, for the forms that other tools read.
fn findings(results: &[SampleResult], require_all: bool) -> Findings {
    let mut findings = Findings::default();
    for result in results {
        let (outcome, message) = match &result.verdict {
            SampleVerdict::Proven => (Outcome::Passed, result.says.clone()),
            SampleVerdict::Failed(reasons) => (Outcome::Failed, reasons.join("; ")),
            SampleVerdict::NoSample if require_all => (Outcome::Failed, "no sample shows it".to_owned()),
            SampleVerdict::NoSample => (Outcome::Warned, "no sample shows it".to_owned()),
            SampleVerdict::Skipped(why) | SampleVerdict::NotRun(why) => (Outcome::NotRun, why.clone()),
        };
        findings.add(Case {
            suite: result.dataset.to_string(),
            name: result.rule.clone(),
            outcome,
            message,
            help: None,
            place: Some((result.place.file.to_path_buf(), Some(result.place.span))),
            severity: Some(result.severity),
            dimension: result.dimension.clone(),
        });
    }
    findings
}

fn summary(results: &[SampleResult]) -> String {
    let count = |word: &str| results.iter().filter(|result| result.verdict.as_str() == word).count();
    let words = ["proven", "failed", "no sample", "skipped", "not run"];
    let counts: Vec<String> = words
        .iter()
        .map(|word| (count(word), word))
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    format!(
        "{}: {}",
        counted(results.len(), "rule"),
        if counts.is_empty() {
            "nothing to test".to_owned()
        } else {
            counts.join(", ")
        }
    )
}
