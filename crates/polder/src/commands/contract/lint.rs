//! `polder contract lint`: contracts and data products, each by its standard; once, or again whenever one changes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use polder_contract::{
    Contract, ContractSet, DatasetContract, Metric, Property, Quality, QualityKind, Readable, Rule, RuleKind,
    SchemaObject, product,
};
use polder_core::document::{Diagnostic, Severity, Source};
use polder_core::units::counted;
use polder_core::{ErrorKind, Result, ResultExt, clock};
use polder_gate::samples::{contract_of, gather};
use polder_gate::{Gate, wrong_row_sql};
use polder_query::{Session, SessionOptions};

use super::test::wrong_samples;
use crate::commands::check::documents::{misspelt_contract, strangers_in};
use crate::commands::policy::SAMPLES;
use crate::findings::{Findings, Paths, Report, Telling, beginning, or_report};
use crate::options::Global;
use crate::platform::Platform;
use crate::{output, report};

/// How contracts and products end; samples end in [`SAMPLES`].
const CONTRACT: &str = ".odcs.yaml";
pub(super) const PRODUCT: &str = ".odps.yaml";

/// How often watched documents are looked at.
const LOOK: Duration = Duration::from_millis(300);

/// What to lint.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// Files, or folders to search for *.odcs.yaml, *.odps.yaml and *.samples.yaml; samples beside a named contract are
    /// linted with it. Without one: all of the mesh's contracts folder, with what its documents say of each other (references, ports of products).
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Lint again whenever a document changes, until Ctrl-C.
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    telling: Telling,
}

/// The command, as reports name it.
const COMMAND: &str = "polder contract lint";

/// Documents by path, and the domain of those that lie in a mesh.
struct Documents {
    sources: Vec<(Option<String>, Source)>,
    /// What is said of documents that are left out or cannot be read.
    told: Vec<Diagnostic>,
    root: PathBuf,
}

/// Lints, and says how many documents there were; 2 where one is wrong.
pub(crate) async fn run(global: &Global, args: &Args) -> Result<ExitCode> {
    let reports = args.telling.reports()?;
    if !args.watch {
        return once(global, args, &reports);
    }
    let mut seen = None;
    let mut interrupted = std::pin::pin!(tokio::signal::ctrl_c());
    loop {
        let stamps = stamps(global, args);
        if seen.as_ref() != Some(&stamps) {
            seen = Some(stamps);
            // What is wrong while somebody is writing is news, not an end.
            if let Err(error) = once(global, args, &reports) {
                report::error(&error, crate::platform::root(global).as_deref());
            }
            output::remark("watching; Ctrl-C ends");
        }
        tokio::select! {
            _ = &mut interrupted => return Ok(ExitCode::SUCCESS),
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

fn once(global: &Global, args: &Args, reports: &[Report]) -> Result<ExitCode> {
    let documents = read(global, args).and_then(|documents| {
        let mut diagnostics = documents.told.clone();
        diagnostics.extend(lint(&documents)?);
        Ok((documents, diagnostics))
    });
    let root = beginning(global)?;
    let (documents, diagnostics) = or_report(COMMAND, reports, &root, documents)?;
    report::diagnostics(&diagnostics, Some(&documents.root));
    if documents.sources.is_empty() && diagnostics.is_empty() {
        output::remark("there is no contract, product or file of samples to lint");
    }
    if !reports.is_empty() {
        findings(args, &documents, &diagnostics, &root).write(COMMAND, reports, &root)?;
    }
    let count = |severity| diagnostics.iter().filter(|found| found.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    if !Report::takes_output(reports) {
        let number = documents.sources.len();
        output::line(&format!(
            "{}: {}, {}",
            counted(number, "document"),
            counted(errors, "error"),
            counted(warnings, "warning")
        ))?;
    }
    Ok(ExitCode::from(if errors > 0 { 2 } else { 0 }))
}

/// What was found, for reports, with paths from `root` on: people are told of files that they name by the names that they use.
fn findings(args: &Args, documents: &Documents, diagnostics: &[Diagnostic], root: &Path) -> Findings {
    let paths = Paths::from(root);
    let placed = |path: &Path| match args.paths.is_empty() {
        true => path.to_owned(),
        false => paths.to(path),
    };
    let found = diagnostics.iter().map(|found| Diagnostic {
        file: placed(&found.file),
        ..found.clone()
    });
    let found: Vec<Diagnostic> = found.collect();
    let checked = documents.sources.iter().map(|(_, source)| placed(&source.path));
    let checked: Vec<PathBuf> = checked.collect();
    Findings::of_documents(&found, checked.iter().map(PathBuf::as_path))
}

/// Everything that is wrong with the documents, by file. Those of a mesh are held against each other too.
fn lint(documents: &Documents) -> Result<Vec<Diagnostic>> {
    let (mut contracts, mut products, mut samples) = (Vec::new(), Vec::new(), Vec::new());
    for (domain, source) in &documents.sources {
        match source.path.to_string_lossy() {
            path if path.ends_with(PRODUCT) => products.push((domain, source)),
            path if path.ends_with(SAMPLES) => samples.push(source.clone()),
            _ => contracts.push((domain, source)),
        }
    }
    let in_mesh = |found: &[(&Option<String>, &Source)]| -> Vec<(String, Source)> {
        let of_mesh = found
            .iter()
            .filter_map(|(domain, source)| Some(((*domain).clone()?, (*source).clone())));
        of_mesh.collect()
    };
    let (set, mut diagnostics) = ContractSet::load_beside(in_mesh(&contracts), &documents.told);
    let mut sound = set.contracts().to_vec();
    let of_mesh = sound.len();
    let mut readable = set.readable().to_vec();
    for (_, source) in contracts.iter().filter(|(domain, _)| domain.is_none()) {
        let parsed = polder_contract::parse(source);
        diagnostics.extend(parsed.diagnostics);
        sound.extend(parsed.contract.map(Arc::new));
        readable.extend(parsed.readable);
    }
    let mut session = None;
    for contract in &sound {
        diagnostics.extend(sql(contract, &mut session)?);
        diagnostics.extend(contract.lifecycle_problems());
    }
    diagnostics.extend(wrong_sql(&readable, &mut session)?);
    // Rules are compiled anew for this: most contracts refer to no other.
    let referring = set
        .iter()
        .filter(|contract| contract.contract.text.contains("relationships"));
    diagnostics.extend(referring.flat_map(|contract| polder_engine::dangling_references(contract, &set)));
    let outside = sound.iter().skip(of_mesh);
    diagnostics.extend(outside.flat_map(polder_engine::incomparable_within));
    diagnostics.extend(product::check(in_mesh(&products), &set, clock::now()).1);
    for (_, source) in products.iter().filter(|(domain, _)| domain.is_none()) {
        let (product, found) = product::parse(source);
        diagnostics.extend(found);
        diagnostics.extend(product.iter().flat_map(product::unbound_ports));
    }
    diagnostics.extend(samples_beside(&sound, &samples, documents));
    diagnostics.sort_by(|a, b| (&a.file, a.span.map(|span| span.start)).cmp(&(&b.file, b.span.map(|span| span.start))));
    Ok(diagnostics)
}

/// What is wrong with samples. A contract that is not linted is read all the same, to hold samples beside it against it.
fn samples_beside(contracts: &[Arc<Contract>], samples: &[Source], documents: &Documents) -> Vec<Diagnostic> {
    let linted = |path: &Path| documents.sources.iter().any(|(_, source)| source.path == path);
    let others = samples.iter().filter_map(|samples| contract_of(&samples.path));
    let others = others.filter(|path| !linted(path));
    let others = others.filter_map(|path| polder_contract::parse(&Source::read(&documents.root, &path).ok()?).contract);
    let others: Vec<_> = others.map(Arc::new).collect();
    let all = contracts.iter().chain(&others).flat_map(DatasetContract::all);
    let all: Vec<DatasetContract> = all.collect();
    let is_contract = |path: &Path| linted(path) || documents.root.join(path).is_file();
    let (samples, mut diagnostics) = gather(&all, samples, is_contract);
    diagnostics.extend(wrong_samples(all.iter(), &samples));
    // What a contract carries itself is of interest where that is linted.
    diagnostics.retain(|found| linted(&found.file));
    diagnostics
}

/// What is wrong with the SQL of a contract's rules, which only the gate's compiler and the query's parser can tell. The
/// session is made for the first query: most contracts have none.
fn sql(contract: &Arc<Contract>, session: &mut Option<Session>) -> Result<Vec<Diagnostic>> {
    let mut found = Vec::new();
    for contract in DatasetContract::all(contract) {
        let has = |kind: fn(&QualityKind) -> bool| has_rule(contract.object(), kind);
        if has(is_row_sql) {
            found.extend(
                Gate::compile(&contract)
                    .err()
                    .iter()
                    .flat_map(|error| error.diagnostics().to_vec()),
            );
        }
        if has(|kind| matches!(kind, QualityKind::Sql { .. })) {
            found.extend(polder_engine::unread_rules(&contract, opened(session)?));
        }
    }
    Ok(found)
}

/// What is wrong with the SQL of rules beside other mistakes of their contracts.
pub(crate) fn wrong_sql(readable: &[Readable], session: &mut Option<Session>) -> Result<Vec<Diagnostic>> {
    let mut found = Vec::new();
    for readable in readable.iter().flat_map(Readable::rules) {
        found.extend(wrong_row_sql(&readable));
        if readable.rules.iter().any(is_query) {
            found.extend(polder_engine::unread_readable(&readable, opened(session)?));
        }
    }
    Ok(found)
}

/// The session, made where there is none yet.
fn opened(session: &mut Option<Session>) -> Result<&Session> {
    Ok(match session {
        Some(session) => session,
        None => session.insert(Session::without_lake(&SessionOptions::default())?),
    })
}

fn is_query(rule: &Rule) -> bool {
    matches!(&rule.kind, RuleKind::Set(test) if matches!(test.metric, Metric::Sql { .. }))
}

/// SQL over single rows. Compiling is dear, and most contracts have none.
fn is_row_sql(kind: &QualityKind) -> bool {
    match kind {
        QualityKind::Custom { implementation, .. } => implementation
            .as_ref()
            .is_some_and(|implementation| implementation.get("row").is_some()),
        _ => false,
    }
}

/// Whether an object declares a rule of this kind.
fn has_rule(object: &SchemaObject, kind: fn(&QualityKind) -> bool) -> bool {
    let mut columns: Vec<&Property> = object.properties.iter().collect();
    let mut rules: Vec<&Quality> = object.quality.iter().collect();
    while let Some(column) = columns.pop() {
        rules.extend(&column.quality);
        columns.extend(&column.properties);
        columns.extend(column.items.as_deref());
        columns.extend(column.map.as_deref().into_iter().flat_map(|(key, value)| [key, value]));
    }
    rules.iter().any(|rule| kind(&rule.kind))
}

fn read(global: &Global, args: &Args) -> Result<Documents> {
    if args.paths.is_empty() {
        let platform = Platform::open(global)?;
        let (mut sources, mut told) = (Vec::new(), Vec::new());
        for ending in [CONTRACT, PRODUCT, SAMPLES] {
            let (found, unread) = platform.mesh.readable("contracts", ending);
            sources.extend(found.into_iter().map(|(domain, source)| (Some(domain), source)));
            told.extend(unread);
        }
        told.extend(strangers_in(&platform.mesh, &["contracts"]));
        return Ok(Documents {
            sources,
            told,
            root: platform.mesh.root,
        });
    }
    let root = std::env::current_dir().context(ErrorKind::Usage, || "the current folder cannot be read".to_owned())?;
    let (files, mut told) = files(&args.paths);
    let mut sources = Vec::new();
    for path in files {
        match Source::read_or_tell(&root, &path) {
            Ok(source) => sources.push((None, source)),
            Err(found) => told.extend(found),
        }
    }
    Ok(Documents { sources, told, root })
}

/// The files that are named, with the samples beside them, and those in named folders whose names end as contracts, products
/// and samples do; and what is wrong with others.
fn files(paths: &[PathBuf]) -> (Vec<PathBuf>, Vec<Diagnostic>) {
    let (mut found, mut told) = (Vec::new(), Vec::new());
    for path in paths {
        if path.is_dir() {
            let before = found.len();
            in_folder(path, &mut found, &mut told);
            found[before..].sort();
        } else {
            found.push(path.clone());
        }
    }
    let plain = |path: &Path| -> PathBuf { path.components().filter(|part| *part != Component::CurDir).collect() };
    let mut known: BTreeSet<PathBuf> = found.iter().map(|path| plain(path)).collect();
    let beside = found.iter().filter_map(|contract| samples_of(contract));
    let beside: Vec<_> = beside
        .filter(|samples| samples.is_file() && known.insert(plain(samples)))
        .collect();
    found.extend(beside);
    (found, told)
}

/// Where the samples beside a contract are, if it has any.
fn samples_of(contract: &Path) -> Option<PathBuf> {
    let name = contract.file_name()?.to_str()?.strip_suffix(CONTRACT)?;
    Some(contract.with_file_name(format!("{name}{SAMPLES}")))
}

fn in_folder(folder: &Path, found: &mut Vec<PathBuf>, told: &mut Vec<Diagnostic>) {
    let entries = match fs::read_dir(folder).and_then(Iterator::collect::<std::io::Result<Vec<_>>>) {
        Ok(entries) => entries,
        Err(cause) => {
            told.push(Diagnostic {
                severity: Severity::Error,
                code: "unreadable".into(),
                message: format!("the folder cannot be read: {cause}"),
                help: None,
                file: folder.to_owned(),
                span: None,
            });
            return;
        }
    };
    for entry in entries {
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_string_lossy();
        // A link to a folder could lead in a circle.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            if !name.starts_with('.') {
                in_folder(&path, found, told);
            }
        } else if [CONTRACT, PRODUCT, SAMPLES].iter().any(|ending| name.ends_with(ending)) && !path.is_dir() {
            found.push(path);
        } else {
            told.extend(misspelt_contract(&path));
        }
    }
}

/// When each document was changed last; what cannot be read now is linted, and told, when it can.
fn stamps(global: &Global, args: &Args) -> BTreeMap<PathBuf, Option<(SystemTime, u64)>> {
    let paths = if args.paths.is_empty() {
        crate::platform::root(global)
            .map(|root| vec![root.join("contracts")])
            .unwrap_or_default()
    } else {
        args.paths.clone()
    };
    let stamp = |path: &Path| {
        let metadata = fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    };
    let (files, _) = files(&paths);
    files.into_iter().map(|path| (path.clone(), stamp(&path))).collect()
}

#[cfg(test)]
mod tests;
