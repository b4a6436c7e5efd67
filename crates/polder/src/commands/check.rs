//! `polder check`: everything that can be known without data, with --base also what a change breaks, and with --connect
//! whether the services answer and the tables take what is declared, or can be read as it.

mod builders;
pub(crate) mod catalog;
mod compatibility;
mod completed;
mod connect;
mod consumers;
mod departed;
pub(crate) mod documents;
mod event_times;
mod foreign;
mod judge;
mod lifecycle;
mod meaning;
mod nulls;
mod order;
mod pairs;
mod past;
mod products;
mod reading;
mod record;
mod refusing;
mod registrations;
mod renamed;
mod revision;
mod summary;
mod tables;
mod telling;
mod tree;

use std::collections::HashSet;
use std::path::Path;
use std::process::ExitCode;

use chrono::{DateTime, Utc};
use polder_contract::cancellation::{Cancellation, end_registrations};
use polder_contract::product::{self, Product};
use polder_contract::{Consumer, ContractSet};
use polder_core::document::{Diagnostic, Severity};
use polder_core::units::counted;
use polder_core::{Error, Result, clock};
use polder_engine::{Analysis, Engine, load_models, load_pipelines};
use polder_ingest::{StreamSpec, read_streams};

use crate::commands::contract::parties::cancellations;
use crate::findings::{Findings, NOT_RUN, Report, Telling, or_report};
use crate::options::Global;
use crate::platform::Platform;
use crate::{domains, output, report};

use tables::Tables;

pub(crate) use consumers::consumers;

/// What to check.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// Compare with this revision of the git repository (a branch, tag or commit), as it was where the present branch left
    /// it, and say what each change breaks, and what the tables that are there would not take.
    #[arg(long, value_name = "REVISION")]
    base: Option<String>,
    /// Also try every configured service, hold the tables (also those that others write) and topics that are there against what
    /// is declared, and say what is wrong.
    #[arg(long)]
    connect: bool,
    #[command(flatten)]
    telling: Telling,
}

/// Everything that the mesh declares, as far as it could be read.
pub(crate) struct Declared<'a> {
    pub(crate) platform: &'a Platform,
    pub(crate) contracts: &'a ContractSet,
    pub(crate) streams: &'a [StreamSpec],
    /// With what they read still: what they have cancelled is over.
    pub(crate) consumers: &'a [Consumer],
    pub(crate) cancellations: &'a [Cancellation],
    pub(crate) products: &'a [Product],
    pub(crate) engine: &'a Engine,
    pub(crate) analysis: &'a Analysis,
    pub(crate) now: DateTime<Utc>,
}

/// One check of everything declared.
type Check = fn(&Declared<'_>) -> Result<Vec<Diagnostic>>;

/// The checks, in the order in which their findings are shown; what is wrong with contracts, pipelines and models comes
/// before.
const CHECKS: &[Check] = &[
    |mesh| super::contract::lint::wrong_sql(mesh.contracts.readable(), &mut None),
    documents::streams,
    event_times::check,
    documents::partitions,
    documents::strangers,
    catalog::strangers,
    |mesh| super::contract::test::findings_without_rules(mesh.platform, mesh.contracts),
    documents::domains,
    consumers::check,
    lifecycle::check,
    |mesh| super::product::findings(mesh.platform, mesh.contracts),
    |mesh| super::policy::findings(&mesh.platform.mesh, mesh.contracts),
];

/// Checks the mesh; every problem is shown, not the first only. 2 where a document is wrong, else 1 where a change breaks
/// somebody, a table does not take what its contract promises, or one that others write cannot be read as it by who reads it.
pub(crate) async fn run(platform: &Platform, args: &Args, verbose: bool) -> Result<ExitCode> {
    let reports = args.telling.reports()?;
    let mut found = Found::default();
    match inspect(platform, args, &reports, verbose, &mut found).await {
        Err(error) if !found.told => {
            // What was found until then is told with what broke it off.
            let mut diagnostics = found.diagnostics;
            diagnostics.extend(error.diagnostics().iter().cloned());
            let error = error.with_diagnostics(diagnostics);
            or_report(COMMAND, &reports, &platform.mesh.root, Err(error)).map_err(|error| match verbose {
                true => error,
                false => without_not_run(error),
            })
        }
        other => other,
    }
}

/// The error without the rules that cannot be run, which people are shown only where they ask for them.
fn without_not_run(error: Error) -> Error {
    let shown = error.diagnostics().iter().filter(|found| found.code != NOT_RUN);
    let shown = shown.cloned().collect();
    error.with_diagnostics(shown)
}

/// The command, as reports name it.
const COMMAND: &str = "polder check";

/// The mesh that the command line names; why there is none is told in the reports too.
pub(crate) fn open(global: &Global, args: &Args) -> Result<Platform> {
    let root = crate::platform::root(global).unwrap_or_default();
    or_report(COMMAND, &args.telling.reports()?, &root, Platform::open(global))
}

/// What is known so far.
#[derive(Default)]
struct Found {
    diagnostics: Vec<Diagnostic>,
    /// It was printed and reported.
    told: bool,
}

async fn inspect(
    platform: &Platform,
    args: &Args,
    reports: &[Report],
    verbose: bool,
    so_far: &mut Found,
) -> Result<ExitCode> {
    let diagnostics = &mut so_far.diagnostics;
    let (sources, found) = platform.mesh.readable("contracts", ".odcs.yaml");
    let (contracts, about_them) = ContractSet::load_beside(sources, &found);
    diagnostics.extend(found);
    diagnostics.extend(about_them);
    let (streams, found) = read_streams(&platform.mesh);
    diagnostics.extend(found);
    let (pipelines, found) = load_pipelines(&platform.mesh);
    diagnostics.extend(found);
    let (models, found) = load_models(&platform.mesh);
    diagnostics.extend(found);
    let (mut consumers, found) = consumers(&platform.mesh)?;
    diagnostics.extend(found);
    let (cancellations, found) = cancellations(platform)?;
    diagnostics.extend(found);
    let now = clock::now();
    end_registrations(&mut consumers, &cancellations, &contracts, now);
    // What is wrong with products is one of the checks.
    let (products, _) = product::check(platform.mesh.readable("contracts", ".odps.yaml").0, &contracts, now);
    let engine = Engine::new(
        platform.lake()?,
        platform.session()?,
        contracts.clone(),
        pipelines,
        models,
        domains::all(),
    );
    let analysis = engine.analyse().await?;
    diagnostics.extend(analysis.diagnostics.iter().cloned());
    let mesh = Declared {
        platform,
        contracts: &contracts,
        streams: &streams,
        consumers: &consumers,
        cancellations: &cancellations,
        products: &products,
        engine: &engine,
        analysis: &analysis,
        now,
    };
    for check in CHECKS {
        diagnostics.extend(check(&mesh)?);
    }
    // Some files are read by several checks.
    let mut seen = HashSet::new();
    diagnostics.retain(|found| {
        let Diagnostic {
            code,
            message,
            file,
            span,
            ..
        } = found;
        seen.insert((code.clone(), message.clone(), file.clone(), *span))
    });
    let tables = match args.connect {
        true => Some(Tables::look(&mesh).await?),
        false => None,
    };
    let compared = match &args.base {
        Some(base) => Some(compatibility::compare(&mesh, base, tables.as_ref()).await?),
        None => None,
    };
    // A comparison tells what tables refuse with what it comes from.
    let mut of_change: Vec<_> = match (&compared, &tables) {
        (Some(compared), _) => compared.diagnostics.clone(),
        (None, Some(tables)) => tables.diagnostics().cloned().collect(),
        (None, None) => Vec::new(),
    };
    let renamed = tables.iter().flat_map(|tables| &tables.renamed);
    of_change.extend(renamed.cloned());
    let unreadable = tables.iter().flat_map(|tables| &tables.foreign.diagnostics);
    of_change.extend(unreadable.cloned());
    // What a comparison tells as an error needs no warning.
    let told = compared.iter().flat_map(|compared| &compared.unbuilt).collect();
    diagnostics.extend(builders::check(&mesh, &told));
    let wrong_by_change = errors(&of_change, Severity::Error);
    diagnostics.extend(of_change);
    so_far.told = true;
    let diagnostics = std::mem::take(diagnostics).into_iter();
    let (not_run, diagnostics): (Vec<_>, Vec<_>) = diagnostics.partition(|found| found.code == NOT_RUN);
    report::diagnostics(&diagnostics, Some(&platform.mesh.root));
    if verbose {
        report::diagnostics(&not_run, Some(&platform.mesh.root));
    }
    let for_people = !Report::takes_output(reports);
    if for_people {
        if let Some(compared) = &compared {
            compared.print()?;
        }
        print(&mesh, &diagnostics, not_run.len(), verbose)?;
    }
    if !reports.is_empty() {
        let notes = compared.iter().flat_map(|compared| &compared.notes);
        let found = diagnostics.iter().chain(notes).chain(&not_run).cloned();
        let found: Vec<_> = found
            .map(|found| match &compared {
                Some(compared) => compared.in_mesh(found),
                None => found,
            })
            .collect();
        let mut findings = Findings::of_documents(&found, checked(&mesh));
        if let Some(compared) = &compared {
            findings.compared(compared.summary.to_json());
        }
        findings.write(COMMAND, reports, &platform.mesh.root)?;
    }
    let mut code = match errors(&diagnostics, Severity::Error) {
        0 => 0,
        // A wrong document is wrong whatever else was found.
        all if all == wrong_by_change => 1,
        _ => 2,
    };
    if let Some(tables) = tables {
        code = code.max(connect::connect(platform, &streams, tables, for_people).await?);
    }
    Ok(ExitCode::from(code))
}

fn print(mesh: &Declared<'_>, diagnostics: &[Diagnostic], not_run: usize, verbose: bool) -> Result<()> {
    output::line(&format!(
        "{} under contract, {}, {}, {}: {}, {}",
        counted(mesh.contracts.datasets().count(), "dataset"),
        counted(mesh.streams.len(), "stream"),
        counted(mesh.engine.pipelines().len(), "pipeline"),
        counted(mesh.engine.models().len(), "model"),
        counted(errors(diagnostics, Severity::Error), "error"),
        counted(errors(diagnostics, Severity::Warning), "warning"),
    ))?;
    if not_run > 0 {
        let hint = if verbose { "" } else { "; -v lists them" };
        output::line(&format!("{} cannot be run{hint}", counted(not_run, "declared rule")))?;
    }
    Ok(())
}

fn errors(diagnostics: &[Diagnostic], severity: Severity) -> usize {
    diagnostics.iter().filter(|found| found.severity == severity).count()
}

/// The documents that were checked.
fn checked<'m>(mesh: &'m Declared<'_>) -> Vec<&'m Path> {
    let contracts = mesh
        .contracts
        .contracts()
        .iter()
        .map(|contract| contract.source_path.as_path());
    let pipelines = mesh.engine.pipelines().iter();
    let pipelines = pipelines.flat_map(|pipeline| [pipeline.document.path.as_path(), pipeline.sql.path.as_path()]);
    let models = mesh.engine.models().iter().map(|model| model.document.path.as_path());
    let streams = mesh.streams.iter().map(|stream| stream.path.as_path());
    let consumers = mesh.consumers.iter().map(|consumer| consumer.place.file.as_ref());
    let products = mesh.products.iter().map(|product| product.source_path.as_path());
    contracts
        .chain(pipelines)
        .chain(models)
        .chain(streams)
        .chain(consumers)
        .chain(products)
        .collect()
}
