//! Who builds each dataset: a stream or a pipeline. A contract in force whose dataset nobody builds promises rows that never
//! come.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use polder_contract::diff::is_draft;
use polder_contract::{ContractSet, DatasetContract, Status};
use polder_core::document::{Diagnostic, Node, Severity, Source, Span, parse};
use polder_core::{DatasetName, Layer};
use polder_engine::Pipeline;
use polder_ingest::SUFFIX;

use super::Declared;
use super::revision::Revision;

/// What builders are called, with what the names of their documents end in.
const KINDS: [(&str, &str); 2] = [("pipeline", Pipeline::SUFFIX), ("stream", SUFFIX)];

/// The code of datasets under contract that nobody builds.
pub(super) const NOBODY_BUILDS: &str = "nobody-builds";

/// Who builds what now.
pub(super) struct Builders {
    /// The datasets that a stream or pipeline builds, also by documents with something wrong in them.
    built: BTreeSet<DatasetName>,
    /// Those of them whose builder cannot be read.
    broken: BTreeSet<DatasetName>,
    /// Documents that do not even say what they build.
    unknown: BTreeSet<PathBuf>,
}

/// A dataset that had a builder in the base and has none now.
pub(super) struct Lost {
    pub(super) dataset: DatasetName,
    /// What happened, in words.
    pub(super) what: String,
    pub(super) file: PathBuf,
    pub(super) span: Option<Span>,
    /// Whether its contract promised something already.
    pub(super) promised: bool,
}

impl Builders {
    pub(super) fn of(mesh: &Declared<'_>) -> Self {
        let pipelines = mesh.engine.pipelines().iter();
        let pipelines = pipelines.map(|pipeline| (&pipeline.dataset, pipeline.document.path.as_path()));
        let streams = mesh
            .streams
            .iter()
            .map(|stream| (&stream.dataset, stream.path.as_path()));
        let (mut built, mut read) = (BTreeSet::new(), BTreeSet::new());
        for (dataset, path) in pipelines.chain(streams) {
            built.insert(dataset.clone());
            read.insert(path);
        }
        let root = &mesh.platform.mesh;
        let is_builder = |name: &str| KINDS.iter().any(|(_, suffix)| name.ends_with(suffix));
        let unread = root.files("pipelines", is_builder).into_iter();
        let (mut broken, mut unknown) = (BTreeSet::new(), BTreeSet::new());
        for path in unread.filter(|path| !read.contains(path.as_path())) {
            let source = Source::read_or_tell(&root.root, &path).ok();
            match source.and_then(|source| builds(&source)) {
                Some((dataset, _)) => drop(broken.insert(dataset)),
                None => drop(unknown.insert(path)),
            }
        }
        broken.retain(|dataset| !built.contains(dataset));
        built.extend(broken.iter().cloned());
        Self { built, broken, unknown }
    }

    /// Datasets that had a builder in the base and have none now, and are under a contract that goes on. What is wrong with a
    /// document that cannot be read is told; that it went is not known.
    pub(super) fn lost(&self, mesh: &Declared<'_>, base: &Revision, before: &ContractSet) -> Vec<Lost> {
        let mut lost: Vec<Lost> = Vec::new();
        for (kind, suffix) in KINDS {
            for (domain, source) in base.sources("pipelines", suffix) {
                let Some((dataset, span)) = builds(&source) else {
                    continue;
                };
                let gone = !self.built.contains(&dataset) && !self.unknown.contains(&source.path);
                let (Some(old), Some(new)) = (before.get(&dataset), mesh.contracts.get(&dataset)) else {
                    continue;
                };
                if !gone || has_ended(mesh, &new) || lost.iter().any(|known| known.dataset == dataset) {
                    continue;
                }
                let who = named(kind, suffix, &domain, &source.path);
                let instead = Source::read_or_tell(&mesh.platform.mesh.root, &source.path).ok();
                let (what, file, span) = match instead.as_ref().and_then(builds) {
                    Some((other, span)) => (format!("the {who} builds {other} now"), source.path, span),
                    None => (format!("the {who} was removed"), base.path(&source.path), span),
                };
                lost.push(Lost {
                    what: format!("nobody builds {dataset} any more: {what}"),
                    dataset,
                    file,
                    span: Some(span),
                    promised: !is_draft(&old.contract),
                });
            }
        }
        lost
    }

    /// The datasets that get no rows: nobody builds them any more (`lost`), or their builder cannot be read.
    pub(super) fn unbuilt(&self, lost: &[Lost]) -> BTreeSet<DatasetName> {
        let lost = lost.iter().map(|lost| &lost.dataset);
        lost.chain(&self.broken).cloned().collect()
    }
}

/// Warns of contracts in force whose dataset nobody builds, unless they say under `servers` where it comes from, or it is
/// `told` already.
pub(super) fn check(mesh: &Declared<'_>, told: &BTreeSet<&DatasetName>) -> Vec<Diagnostic> {
    let builders = Builders::of(mesh);
    // What cannot be read may build anything.
    if !builders.unknown.is_empty() {
        return Vec::new();
    }
    let untold = mesh.contracts.iter().filter(|of| !told.contains(of.dataset()));
    let idle = untold.filter(|of| is_idle(mesh, &builders, of));
    idle.map(nobody_builds).collect()
}

fn is_idle(mesh: &Declared<'_>, builders: &Builders, of: &DatasetContract) -> bool {
    let contract = &of.contract;
    !builders.built.contains(of.dataset())
        && of.dataset().layer() != Layer::Quarantine
        && contract.servers.is_empty()
        && !is_draft(contract)
        && matches!(contract.lifecycle().status, Status::Active | Status::Deprecated)
        && !has_ended(mesh, of)
}

fn nobody_builds(of: &DatasetContract) -> Diagnostic {
    let message = format!(
        "nobody builds {}: no stream or pipeline writes it, and its contract is {}",
        of.dataset(),
        of.contract.status
    );
    let help =
        "declare one in pipelines/, leave the contract a draft until there is one, or say under `servers` who keeps it";
    Diagnostic {
        severity: Severity::Warning,
        ..of.object().place.error(NOBODY_BUILDS, message, Some(help))
    }
}

/// Whether nothing is to be written under the contract any more.
fn has_ended(mesh: &Declared<'_>, of: &DatasetContract) -> bool {
    of.contract.lifecycle_of(of.object).refuses_writing(mesh.now).is_some()
}

/// What a document builds, and where it says so. What else it says may be wrong.
pub(super) fn builds(source: &Source) -> Option<(DatasetName, Span)> {
    let document = parse(source).ok()?;
    let named = document.get("dataset")?;
    Some((Node::as_str(named)?.parse().ok()?, named.span))
}

/// `pipeline shop.orders`, by its document.
fn named(kind: &str, suffix: &str, domain: &str, path: &Path) -> String {
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    format!("{kind} {domain}.{}", file.strip_suffix(suffix).unwrap_or(&file))
}
