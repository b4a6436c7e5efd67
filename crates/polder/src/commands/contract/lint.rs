//! `polder contract lint`: contracts and data products, each by its standard; once, or again whenever one changes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use polder_contract::{Contract, ContractSet, DatasetContract, Property, Quality, QualityKind, SchemaObject};
use polder_core::document::{Diagnostic, Severity, Source};
use polder_core::{Error, ErrorKind, Result, ResultExt};
use polder_gate::Gate;

use crate::cli::Cli;
use crate::findings::{Findings, Report};
use crate::output::counted;
use crate::platform::Platform;
use crate::{output, report};

/// How contracts and products end.
const CONTRACT: &str = ".odcs.yaml";
const PRODUCT: &str = ".odps.yaml";

/// How often watched documents are looked at.
const LOOK: Duration = Duration::from_millis(300);

/// What to lint.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// Files, or folders with *.odcs.yaml and *.odps.yaml files; by default the mesh's contracts folder.
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Lint again whenever a document changes, until Ctrl-C.
    #[arg(long)]
    watch: bool,
    /// Also write a report: junit, sarif, json or github, to a file or (alone) to standard output.
    #[arg(long, value_name = "FORMAT[=FILE]")]
    report: Vec<Report>,
}

/// Documents by path, and the domain of those that lie in a mesh.
struct Documents {
    sources: Vec<(Option<String>, Source)>,
    root: PathBuf,
}

/// Lints, and says how many documents there were; 2 where one is wrong.
pub(crate) async fn run(cli: &Cli, args: &Args) -> Result<ExitCode> {
    Report::refuse_several(&args.report)?;
    if !args.watch {
        return once(cli, args);
    }
    let mut seen = None;
    let mut interrupted = std::pin::pin!(tokio::signal::ctrl_c());
    loop {
        let stamps = stamps(cli, args);
        if seen.as_ref() != Some(&stamps) {
            seen = Some(stamps);
            // What is wrong while somebody is writing is news, not an end.
            if let Err(error) = once(cli, args) {
                report::error(&error, crate::platform::root(cli).as_deref());
            }
            output::remark("watching; Ctrl-C ends");
        }
        tokio::select! {
            _ = &mut interrupted => return Ok(ExitCode::SUCCESS),
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

fn once(cli: &Cli, args: &Args) -> Result<ExitCode> {
    let documents = read(cli, args)?;
    let diagnostics = lint(&documents);
    report::diagnostics(&diagnostics, Some(&documents.root));
    let checked = documents.sources.iter().map(|(_, source)| source.path.as_path());
    Findings::of_documents(&diagnostics, checked).write("polder contract lint", &args.report, &documents.root)?;
    let count = |severity| diagnostics.iter().filter(|found| found.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    if !Report::takes_output(&args.report) {
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

/// Everything that is wrong with the documents, by file. Those of a mesh are held against each other too.
fn lint(documents: &Documents) -> Vec<Diagnostic> {
    let (contracts, products): (Vec<_>, Vec<_>) = documents
        .sources
        .iter()
        .partition(|(_, source)| !source.path.to_string_lossy().ends_with(PRODUCT));
    let (of_mesh, alone): (Vec<_>, Vec<_>) = contracts.into_iter().partition(|(domain, _)| domain.is_some());
    let in_mesh = of_mesh
        .into_iter()
        .filter_map(|(domain, source)| Some((domain.clone()?, source.clone())));
    let (set, mut diagnostics) = ContractSet::load(in_mesh);
    let mut contracts = set.contracts().to_vec();
    for (_, source) in alone {
        let parsed = polder_contract::parse(source);
        diagnostics.extend(parsed.diagnostics);
        contracts.extend(parsed.contract.map(Arc::new));
    }
    for contract in &contracts {
        diagnostics.extend(row_sql(contract));
        diagnostics.extend(service_levels(contract));
    }
    for (_, source) in products {
        diagnostics.extend(polder_contract::product::parse(source).1);
    }
    diagnostics.sort_by(|a, b| (&a.file, a.span.map(|span| span.start)).cmp(&(&b.file, b.span.map(|span| span.start))));
    diagnostics
}

/// What is wrong with SQL over single rows, which only the gate's compiler can tell.
fn row_sql(contract: &Arc<Contract>) -> Vec<Diagnostic> {
    let with_sql = DatasetContract::all(contract)
        .into_iter()
        .filter(|contract| has_row_sql(contract.object()));
    let refused = with_sql.filter_map(|contract| Gate::compile(&contract).err());
    refused.flat_map(|error| error.diagnostics().to_vec()).collect()
}

/// Whether an object declares SQL over single rows. Compiling is dear, and most contracts have none.
fn has_row_sql(object: &SchemaObject) -> bool {
    let mut columns: Vec<&Property> = object.properties.iter().collect();
    let mut rules: Vec<&Quality> = object.quality.iter().collect();
    while let Some(column) = columns.pop() {
        rules.extend(&column.quality);
        columns.extend(&column.properties);
        columns.extend(column.items.as_deref());
        columns.extend(column.map.as_deref().into_iter().flat_map(|(key, value)| [key, value]));
    }
    rules.iter().any(|rule| match &rule.kind {
        QualityKind::Custom { implementation, .. } => implementation
            .as_ref()
            .is_some_and(|implementation| implementation.get("row").is_some()),
        _ => false,
    })
}

/// Service levels that nobody here can measure as they are written. The standard leaves them open, so they are no errors.
fn service_levels(contract: &Contract) -> Vec<Diagnostic> {
    let levels = contract.service_levels.iter();
    levels
        .filter_map(|level| level.promise().err())
        .map(|problem| Diagnostic {
            severity: Severity::Warning,
            ..*problem
        })
        .collect()
}

fn read(cli: &Cli, args: &Args) -> Result<Documents> {
    if args.paths.is_empty() {
        let platform = Platform::open(cli)?;
        let mut sources = platform.mesh.sources("contracts", CONTRACT)?;
        sources.extend(platform.mesh.sources("contracts", PRODUCT)?);
        return Ok(Documents {
            sources: sources
                .into_iter()
                .map(|(domain, source)| (Some(domain), source))
                .collect(),
            root: platform.mesh.root,
        });
    }
    let root = std::env::current_dir().context(ErrorKind::Usage, || "the current folder cannot be read".to_owned())?;
    let mut sources = Vec::new();
    for path in files(&args.paths)? {
        sources.push((None, Source::read(&root, &path)?));
    }
    Ok(Documents { sources, root })
}

/// The files that are named, and those in named folders whose names end as contracts and products do.
fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            let before = found.len();
            in_folder(path, &mut found)?;
            found[before..].sort();
        } else if path.is_file() {
            found.push(path.clone());
        } else {
            let message = format!("there is no file or folder {}", path.display());
            return Err(Error::new(ErrorKind::NotFound, message));
        }
    }
    Ok(found)
}

fn in_folder(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    let unreadable = || format!("the folder {} cannot be read", folder.display());
    for entry in fs::read_dir(folder).context(ErrorKind::Usage, unreadable)? {
        let entry = entry.context(ErrorKind::Usage, unreadable)?;
        // A link could lead in a circle.
        let kind = entry.file_type().context(ErrorKind::Usage, unreadable)?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if kind.is_dir() && !name.starts_with('.') {
            in_folder(&entry.path(), found)?;
        } else if kind.is_file() && (name.ends_with(CONTRACT) || name.ends_with(PRODUCT)) {
            found.push(entry.path());
        }
    }
    Ok(())
}

/// When each document was changed last; what cannot be read now is linted, and told, when it can.
fn stamps(cli: &Cli, args: &Args) -> BTreeMap<PathBuf, Option<(SystemTime, u64)>> {
    let paths = if args.paths.is_empty() {
        crate::platform::root(cli)
            .map(|root| vec![root.join("contracts")])
            .unwrap_or_default()
    } else {
        args.paths.clone()
    };
    let stamp = |path: &Path| {
        let metadata = fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    };
    let files = files(&paths).unwrap_or(paths);
    files.into_iter().map(|path| (path.clone(), stamp(&path))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_sql_that_cannot_be_compiled_and_service_levels_without_a_unit_are_told() {
        let text = "apiVersion: v3.1.0\nkind: DataContract\nid: x\nversion: 1.0.0\nstatus: active\nschema:\n  - name: refunds\n    \
                    physicalName: shop.silver.refunds\n    properties:\n      - {name: refund, logicalType: number}\n    quality:\n      \
                    - {id: sound, type: custom, engine: polder, implementation: {row: refund BETWEEN 0 AND 500}}\n      \
                    - {id: odd, type: custom, engine: polder, implementation: {row: refnd BETWEEN 0 AND 500}}\n\
                    slaProperties:\n  - {property: retention, value: 3, unit: fortnights}\n  - {property: latency, value: 1, unit: d}\n";
        for domain in [Some("shop".to_owned()), None] {
            let found = lint(&Documents {
                sources: vec![(domain, Source::new("contracts/shop/refunds.odcs.yaml", text))],
                root: PathBuf::new(),
            });
            let lines: Vec<_> = found
                .iter()
                .map(|found| (found.severity, found.span.map(|span| span.line)))
                .collect();
            assert_eq!(
                lines,
                [(Severity::Error, Some(13)), (Severity::Warning, Some(15))],
                "{found:#?}"
            );
            assert!(found[0].message.contains("refnd"), "{found:#?}");
            assert!(found[1].message.contains("`retention`"), "{found:#?}");
        }
    }
}
