//! Documents of the mesh beside contracts, pipelines and models: domains, streams, and files that nothing reads.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use polder_contract::{ContractSet, DatasetContract};
use polder_core::config::Mesh;
use polder_core::document::{Diagnostic, Reader, Severity, Source, nearest, parse};
use polder_core::{DatasetName, Result};
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
    // A link to nowhere is there, and wrong.
    if platform.mesh.path(path).symlink_metadata().is_err() {
        return Ok(Vec::new());
    }
    let source = match Source::read_or_tell(&platform.mesh.root, path) {
        Ok(source) => source,
        Err(found) => return Ok(found),
    };
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

/// Folders of the mesh, with the endings of the documents in them that are read, and those in words.
const FOLDERS: [(&str, &[&str], &str); 2] = [
    (
        "pipelines",
        &[".stream.yaml", ".pipeline.yaml", ".model.yaml"],
        "streams end in .stream.yaml, pipelines in .pipeline.yaml, models in .model.yaml",
    ),
    (
        "contracts",
        &[".odcs.yaml", ".odps.yaml", ".samples.yaml"],
        "contracts end in .odcs.yaml, data products in .odps.yaml, samples in .samples.yaml",
    ),
];

/// Documents whose names end in nothing that is known: a misspelt ending would leave them out in silence.
pub(super) fn strangers(mesh: &Declared<'_>) -> Result<Vec<Diagnostic>> {
    Ok(strangers_in(&mesh.platform.mesh, &["pipelines", "contracts"]))
}

/// The same, of these folders alone.
pub(crate) fn strangers_in(mesh: &Mesh, folders: &[&str]) -> Vec<Diagnostic> {
    let mut strange = Vec::new();
    for (folder, known, help) in FOLDERS.into_iter().filter(|(folder, ..)| folders.contains(folder)) {
        let files = mesh.files(folder, |name| is_stranger(name, known)).into_iter();
        strange.extend(files.map(|file| stranger(file, help)));
    }
    strange
}

/// The same of a file in any folder, where its name nearly is that of a contract, product or of samples.
pub(crate) fn misspelt_contract(file: &Path) -> Option<Diagnostic> {
    let (_, known, help) = FOLDERS.into_iter().find(|(folder, ..)| *folder == "contracts")?;
    let name = file.file_name()?.to_string_lossy();
    (is_stranger(&name, known) && nearly(&name, known)).then(|| stranger(file.to_owned(), help))
}

/// JSON is YAML, but only what is called like a document is meant to be one.
fn is_stranger(name: &str, known: &[&str]) -> bool {
    let lower = name.to_lowercase();
    let is_document = lower.ends_with(".yaml") || lower.ends_with(".yml") || nearly(name, known);
    is_document && !known.iter().any(|ending| name.ends_with(ending))
}

/// Whether a name ends as known ones do but for capitals and the form of the text.
fn nearly(name: &str, known: &[&str]) -> bool {
    let lower = name.to_lowercase();
    let forms = [".yaml", ".yml", ".json"];
    let mut rests = forms.iter().filter_map(|form| lower.strip_suffix(form));
    rests.any(|rest| {
        let mut middles = known.iter().filter_map(|ending| ending.strip_suffix(".yaml"));
        middles.any(|middle| rest.ends_with(middle))
    })
}

fn stranger(file: PathBuf, help: &str) -> Diagnostic {
    Diagnostic {
        severity: Severity::Warning,
        code: "unknown-document".into(),
        message: "this document is left out: Polder reads no document with this ending".to_owned(),
        help: Some(help.to_owned()),
        file,
        span: None,
    }
}

/// Datasets that Polder writes and whose contracts declare partitions, which it does not make.
pub(super) fn partitions(mesh: &Declared<'_>) -> Result<Vec<Diagnostic>> {
    let streams = mesh.streams.iter().map(|stream| &stream.dataset);
    let pipelines = mesh.engine.pipelines().iter().map(|pipeline| &pipeline.dataset);
    let written: BTreeSet<&DatasetName> = streams.chain(pipelines).collect();
    let contracts = written.into_iter().filter_map(|dataset| mesh.contracts.get(dataset));
    Ok(contracts.filter_map(|contract| unpartitioned(&contract)).collect())
}

fn unpartitioned(contract: &DatasetContract) -> Option<Diagnostic> {
    let columns = contract.object().properties.iter();
    let partitions: Vec<_> = columns.filter(|column| column.partition_key.is_some()).collect();
    let names: Vec<_> = partitions.iter().map(|column| format!("`{}`", column.name)).collect();
    let message = format!(
        "{} is written without partitions, though its contract declares them by {}",
        contract.dataset(),
        names.join(", ")
    );
    let help =
        "leave `partitioned` out: files are left out by the least and greatest value of each column that they tell";
    let found = partitions.first()?.place.error("not-followed", message, Some(help));
    Some(Diagnostic {
        severity: Severity::Warning,
        ..found
    })
}

/// Streams whose dataset has no contract.
pub(super) fn streams(mesh: &Declared<'_>) -> Result<Vec<Diagnostic>> {
    let streams = mesh.streams.iter();
    Ok(streams
        .filter_map(|stream| without_contract(stream, mesh.contracts))
        .collect())
}

fn without_contract(stream: &StreamSpec, contracts: &ContractSet) -> Option<Diagnostic> {
    if contracts.get(&stream.dataset).is_some() || contracts.is_unreadable(&stream.dataset.to_string()) {
        return None;
    }
    let near = contracts.nearest(&stream.dataset.to_string());
    Some(Diagnostic {
        severity: Severity::Error,
        code: "missing-contract".into(),
        message: format!("{} has no contract", stream.dataset),
        help: Some(near.map_or_else(
            || "write one in contracts/<domain>/: its schema's physicalName is the dataset's name".to_owned(),
            |near| format!("did you mean `{near}`?"),
        )),
        file: stream.path.clone(),
        span: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_nearly_are_those_of_documents_are_told() {
        let (_, known, _) = FOLDERS[1];
        let nearly = |name: &str| misspelt_contract(&Path::new("contracts/shop").join(name)).is_some();
        for name in [
            "orders.odcs.yml",
            "Orders.ODCS.YAML",
            "o.odcs.json",
            "o.ODPS.JSON",
            "o.Samples.yaml",
        ] {
            assert!(is_stranger(name, known) && nearly(name), "{name}");
        }
        for name in ["orders.yaml", "o.YML"] {
            assert!(is_stranger(name, known) && !nearly(name), "{name}");
        }
        for name in [
            "orders.odcs.yaml",
            "p.odps.yaml",
            "o.samples.yaml",
            "README.md",
            "schema.json",
            "o.sql",
        ] {
            assert!(!is_stranger(name, known) && !nearly(name), "{name}");
        }
    }
}
