//! `polder contract test`: every rule proven by the contract's good and bad sample rows.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use polder_contract::{ContractSet, DatasetContract};
use polder_core::document::{Diagnostic, Severity, Source, nearest};
use polder_core::{DatasetName, Error, ErrorKind, Result};
use polder_gate::samples::{SampleResult, SampleVerdict, Samples, prove};
use polder_query::{RuleQueries, Session, SessionOptions};

use crate::cli::{Format, FormatArg};
use crate::commands::policy::SAMPLES;
use crate::findings::{Case, Findings, Outcome, Report};
use crate::output::{self, Listing, counted};
use crate::platform::Platform;
use crate::report;

/// What to test.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// Only these datasets (domain.layer.name); by default all.
    #[arg(value_name = "DATASET")]
    datasets: Vec<String>,
    /// A rule without a sample is a failure, not a warning.
    #[arg(long)]
    require_all: bool,
    #[command(flatten)]
    format: FormatArg,
    /// Also write a report: junit, sarif, json or github, to a file or (alone) to standard output.
    #[arg(long, value_name = "FORMAT[=FILE]")]
    report: Vec<Report>,
}

/// Tests, and prints a result for each rule; 1 where a rule is not what its samples say, 2 where samples are wrong.
pub(crate) async fn run(platform: &Platform, args: &Args, quiet: bool) -> Result<ExitCode> {
    Report::refuse_several(&args.report)?;
    let contracts = platform.contracts()?;
    let wanted = wanted(&contracts, &args.datasets)?;
    let (results, diagnostics) = test(platform, &contracts, &wanted).await?;
    report::diagnostics(&diagnostics, Some(&platform.mesh.root));
    let wrong = diagnostics.iter().any(|found| found.severity == Severity::Error);
    let mut checks = Findings::of_documents(&diagnostics, []);
    checks.extend(findings(&results, args.require_all));
    checks.write("polder contract test", &args.report, &platform.mesh.root)?;
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
        let (found, problems) = prove(contract, samples, &queries).await?;
        results.extend(found);
        diagnostics.extend(problems);
    }
    Ok((results, diagnostics))
}

/// The samples of every dataset: those in its contract and those in the document beside it.
fn samples(platform: &Platform, contracts: &ContractSet) -> Result<(BTreeMap<DatasetName, Samples>, Vec<Diagnostic>)> {
    let mut all: BTreeMap<DatasetName, Samples> = BTreeMap::new();
    let mut diagnostics = Vec::new();
    let mut add = |contract: &DatasetContract, samples: Samples| {
        let own = all.remove(contract.dataset()).unwrap_or_default();
        all.insert(contract.dataset().clone(), own.join(samples));
    };
    for contract in contracts.iter() {
        let (samples, problems) = Samples::of_contract(contract);
        diagnostics.extend(problems);
        if let Some(samples) = samples {
            add(contract, samples);
        }
    }
    for (_, source) in platform.mesh.sources("contracts", SAMPLES)? {
        let of: Vec<&DatasetContract> = contracts
            .iter()
            .filter(|contract| is_beside(&source, contract))
            .collect();
        if of.is_empty() {
            let message = "there is no contract beside these samples".to_owned();
            diagnostics.push(finding(
                &source,
                message,
                "name the document like the contract: x.samples.yaml beside x.odcs.yaml",
            ));
            continue;
        }
        let (samples, problems) = Samples::of_document(&source);
        diagnostics.extend(problems);
        for (object, samples) in samples {
            match of.iter().find(|contract| contract.object().name == object) {
                Some(contract) => add(contract, samples),
                None => {
                    let names = of.iter().map(|contract| contract.object().name.as_str());
                    let help = format!("its objects are: {}", names.collect::<Vec<_>>().join(", "));
                    diagnostics.push(finding(
                        &source,
                        format!("the contract has no object `{object}`"),
                        &help,
                    ));
                }
            }
        }
    }
    Ok((all, diagnostics))
}

/// Whether the document of samples belongs to the contract: the same path but for the ending.
fn is_beside(samples: &Source, contract: &DatasetContract) -> bool {
    let stem = |path: &std::path::Path, ending: &str| {
        path.to_str()
            .and_then(|path| path.strip_suffix(ending))
            .map(str::to_owned)
    };
    let of = stem(&contract.contract.source_path, ".odcs.yaml");
    of.is_some() && of == stem(&samples.path, SAMPLES)
}

fn finding(source: &Source, message: String, help: &str) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        code: "samples".into(),
        message,
        help: Some(help.to_owned()),
        file: source.path.clone(),
        span: None,
    }
}

/// The datasets that are named, or all; an unknown name is an error with the nearest one.
fn wanted(contracts: &ContractSet, names: &[String]) -> Result<BTreeSet<DatasetName>> {
    if names.is_empty() {
        return Ok(contracts.datasets().cloned().collect());
    }
    let known: Vec<String> = contracts.datasets().map(ToString::to_string).collect();
    names
        .iter()
        .map(|name| {
            let dataset: DatasetName = name.parse()?;
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
    let mut listing = Listing::new(["dataset", "rule", "result", "good", "bad", "why", "place"]);
    for result in results {
        let why = match &result.verdict {
            SampleVerdict::Failed(reasons) => reasons.join("; "),
            SampleVerdict::Skipped(why) | SampleVerdict::NotRun(why) => why.clone(),
            // The figures beside it say what is missing, and the remark below what is needed.
            SampleVerdict::NoSample | SampleVerdict::Proven => String::new(),
        };
        let place = format!(
            "{}:{}:{}",
            result.place.file.display(),
            result.place.span.line,
            result.place.span.column
        );
        listing.row([
            result.dataset.to_string(),
            result.rule.clone(),
            result.verdict.as_str().to_owned(),
            result.good.to_string(),
            result.bad.to_string(),
            why,
            place,
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
