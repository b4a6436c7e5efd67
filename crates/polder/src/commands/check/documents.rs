//! Documents of the mesh beside contracts, pipelines and models: domains, streams, and files that nothing reads.

use std::collections::BTreeSet;
use std::path::Path;

use polder_contract::ContractSet;
use polder_core::document::{Diagnostic, Reader, Severity, Source, Span, nearest, parse};
use polder_core::{Error, Result};
use polder_ingest::StreamSpec;

use super::Declared;

/// What is wrong with the declared domains: their document, and domains of datasets that it does not name. A mesh without the
/// document declares none.
pub(super) fn domains(mesh: &Declared<'_>) -> Result<Vec<Diagnostic>> {
    let platform = mesh.platform;
    let in_use: BTreeSet<String> = mesh
        .contracts
        .datasets()
        .map(|dataset| dataset.domain().to_owned())
        .collect();
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
pub(super) fn strangers(mesh: &Declared<'_>) -> Result<Vec<Diagnostic>> {
    const KNOWN: [&str; 4] = [".stream.yaml", ".pipeline.yaml", ".model.yaml", ".sql"];
    let names = mesh.platform.mesh.sources("pipelines", "")?;
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
pub(super) fn of_documents(error: &Error) -> Vec<Diagnostic> {
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

/// Streams whose dataset has no contract.
pub(super) fn streams(mesh: &Declared<'_>) -> Result<Vec<Diagnostic>> {
    let streams = mesh.streams.iter();
    Ok(streams
        .filter_map(|stream| without_contract(stream, mesh.contracts))
        .collect())
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
