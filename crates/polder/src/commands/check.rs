//! `polder check`: everything that can be known without data, and with --connect whether the services answer.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;

use polder_contract::ContractSet;
use polder_core::document::{Diagnostic, Reader, Severity, Source, Span, nearest, parse};
use polder_core::{Error, Result};
use polder_engine::{Engine, load_models, load_pipelines};
use polder_ingest::{SourceSpec, StreamSpec, probe_kafka};

use crate::cli::CheckArgs;
use crate::platform::Platform;
use crate::{domains, output, report};

/// The code of diagnostics about declared rules that no gate runs.
const NOT_RUN: &str = "not-run";

/// Checks the mesh; every problem is shown, not the first only.
pub(crate) async fn run(platform: &Platform, args: &CheckArgs, verbose: bool) -> Result<ExitCode> {
    let mut diagnostics = Vec::new();
    let (contracts, found) = ContractSet::load(platform.mesh.sources("contracts", ".odcs.yaml")?);
    diagnostics.extend(found);
    let streams = platform.streams().unwrap_or_else(|error| {
        diagnostics.extend(of_documents(&error));
        Vec::new()
    });
    diagnostics.extend(streams.iter().filter_map(|stream| without_contract(stream, &contracts)));
    let (pipelines, found) = load_pipelines(&platform.mesh)?;
    diagnostics.extend(found);
    let (models, found) = load_models(&platform.mesh)?;
    diagnostics.extend(found);
    let domains_in_use: BTreeSet<String> = contracts
        .datasets()
        .map(|dataset| dataset.domain().to_owned())
        .collect();
    let counted = (
        contracts.datasets().count(),
        streams.len(),
        pipelines.len(),
        models.len(),
    );
    let engine = Engine::new(
        platform.lake()?,
        platform.session()?,
        contracts,
        pipelines,
        models,
        domains::all(),
    );
    diagnostics.extend(engine.check().await?);
    diagnostics.extend(strangers(platform)?);
    diagnostics.extend(domain_catalog(platform, &domains_in_use)?);
    let (not_run, diagnostics): (Vec<_>, Vec<_>) = diagnostics.into_iter().partition(|found| found.code == NOT_RUN);
    report::diagnostics(&diagnostics, Some(&platform.mesh.root));
    if verbose {
        report::diagnostics(&not_run, Some(&platform.mesh.root));
    }
    let errors = diagnostics
        .iter()
        .filter(|found| found.severity == Severity::Error)
        .count();
    let warnings = diagnostics
        .iter()
        .filter(|found| found.severity == Severity::Warning)
        .count();
    let (datasets, streams_count, pipelines, models) = counted;
    output::line(&format!(
        "{datasets} datasets under contract, {streams_count} streams, {pipelines} pipelines, {models} models: {errors} errors, {warnings} warnings"
    ))?;
    if !not_run.is_empty() {
        let hint = if verbose { "" } else { "; -v lists them" };
        output::line(&format!(
            "{} declared rules are not run yet (keys and other rules over whole tables){hint}",
            not_run.len()
        ))?;
    }
    let mut code = if errors > 0 { 2 } else { 0 };
    if args.connect {
        code = code.max(connect(platform, &streams).await?);
    }
    Ok(ExitCode::from(code))
}

/// What is wrong with the declared domains: their document, and domains of datasets that it does not name. A mesh without the
/// document declares none.
fn domain_catalog(platform: &Platform, in_use: &BTreeSet<String>) -> Result<Vec<Diagnostic>> {
    let path = Path::new("catalog/domains.yaml");
    if !platform.mesh.path(path).is_file() {
        return Ok(Vec::new());
    }
    let source = Source::read(&platform.mesh.root, path)?;
    let document = match parse(&source) {
        Ok(document) => document,
        Err(found) => return Ok(found),
    };
    let reader = Reader::new(&source);
    if let Some(top) = reader.map(&document) {
        if let Some(declared) = top.required_map("domains") {
            for entry in declared.entries() {
                if let Some(domain) = reader.map(&entry.value) {
                    domain.required_string("description");
                    domain.required_string("owner");
                    domain.finish();
                }
            }
            let named: Vec<&str> = declared.entries().iter().map(|entry| entry.key.as_str()).collect();
            for missing in in_use.iter().filter(|domain| !named.contains(&domain.as_str())) {
                let near =
                    nearest(missing, named.iter().copied()).map(|near| format!("is `{near}` meant to be `{missing}`?"));
                let help = near.unwrap_or_else(|| "add it, with `description` and `owner`".to_owned());
                let message = format!("the domain `{missing}` has datasets and is not declared here");
                reader.warning(declared.span(), "undeclared-domain", message, Some(help));
            }
        }
        // Domains are any names: only the top's own keys are held against what is known.
        top.finish();
    }
    Ok(reader.finish())
}

/// Documents among the pipelines whose names end in nothing that is known: a misspelt ending would leave them out in silence.
fn strangers(platform: &Platform) -> Result<Vec<Diagnostic>> {
    const KNOWN: [&str; 4] = [".stream.yaml", ".pipeline.yaml", ".model.yaml", ".sql"];
    let names = platform.mesh.sources("pipelines", "")?;
    let strange = names.into_iter().filter(|(_, source)| {
        let name = source.path.to_string_lossy();
        !KNOWN.iter().any(|ending| name.ends_with(ending)) && (name.ends_with(".yaml") || name.ends_with(".yml"))
    });
    Ok(strange
        .map(|(_, source)| Diagnostic {
            severity: Severity::Warning,
            code: "unknown-document".into(),
            message: "this document is left out: its name ends in nothing that is known".to_owned(),
            help: Some("streams end in .stream.yaml, pipelines in .pipeline.yaml, models in .model.yaml".to_owned()),
            file: source.path,
            span: None,
        })
        .collect())
}

/// The diagnostics of an error about documents, or the error itself as one.
fn of_documents(error: &Error) -> Vec<Diagnostic> {
    if error.diagnostics().is_empty() {
        return vec![Diagnostic {
            severity: Severity::Error,
            code: "document".into(),
            message: error.report(),
            help: error.help().map(str::to_owned),
            file: "pipelines".into(),
            span: None::<Span>,
        }];
    }
    error.diagnostics().to_vec()
}

fn without_contract(stream: &StreamSpec, contracts: &ContractSet) -> Option<Diagnostic> {
    if contracts.get(&stream.dataset).is_some() {
        return None;
    }
    let near = contracts.nearest(&stream.dataset.to_string());
    Some(Diagnostic {
        severity: Severity::Error,
        code: "no-contract".into(),
        message: format!("{} has no contract", stream.dataset),
        help: Some(near.map_or_else(
            || "write one in contracts/<domain>/: its schema's physicalName is the dataset's name".to_owned(),
            |near| format!("did you mean `{near}`?"),
        )),
        file: stream.path.clone(),
        span: None,
    })
}

/// Tries every service that the mesh uses; gives the highest exit code.
async fn connect(platform: &Platform, streams: &[StreamSpec]) -> Result<u8> {
    let mut code = 0;
    let mut tell = |what: &str, place: &str, result: Result<String>| match result {
        Ok(detail) => output::line(&format!("ok      {what:9} {place}{detail}")),
        Err(error) => {
            code = code.max(error.exit_code());
            let help = error
                .help()
                .map_or_else(String::new, |help| format!("\n        {:9} {help}", ""));
            output::line(&format!("failed  {what:9} {place}: {}{help}", error.report()))
        }
    };
    let config = &platform.mesh.config;
    let lake = match platform.lake() {
        Ok(lake) => lake
            .probe()
            .await
            .map(|()| ": writes, reads and commits once".to_owned()),
        Err(error) => Err(error),
    };
    tell("lake", &config.lake.location, lake)?;
    match platform.catalog().await {
        Ok(catalog) => {
            let answer = catalog.probe().await.map(|()| String::new());
            tell("catalog", catalog.location(), answer)?;
        }
        Err(error) => tell("catalog", "database", Err(error))?,
    }
    let uses_kafka = streams
        .iter()
        .any(|stream| matches!(stream.source, SourceSpec::Kafka { .. }));
    if !uses_kafka {
        return Ok(code);
    }
    let kafka = probe_kafka(&config.kafka)
        .await
        .map(|probe| format!(": brokers {}", probe.brokers.join(", ")));
    tell("kafka", &config.kafka.brokers, kafka)?;
    match platform.registry() {
        Ok(registry) => tell(
            "registry",
            registry.url(),
            registry.probe().await.map(|()| String::new()),
        )?,
        Err(error) => tell("registry", "registry.url", Err(error))?,
    }
    Ok(code)
}
