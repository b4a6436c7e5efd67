//! What changed since another revision of the repository, and what each change breaks: pipelines and models by their
//! query plans, consumers by what they registered.

use std::collections::BTreeSet;
use std::sync::Arc;

use polder_contract::cancellation;
use polder_contract::product::{OutputPort, Product};
use polder_contract::{Consumer, ContractSet, Read};
use polder_core::document::{Diagnostic, Severity};
use polder_core::{DatasetName, Result};
use polder_engine::{Engine, ModelDefinition, Pipeline, Reach, Reader, StepKind, altered, read_models, read_pipelines};

use super::Declared;
use super::builders::Builders;
use super::completed::Completed;
use super::judge::Judge;
use super::pairs::Pairs;
use super::revision::Revision;
use super::summary::Summary;
use super::tables::{self, Refusals, Tables};
use super::{meaning, record, registrations, renamed};
use crate::{domains, output};

/// What a comparison with a base revision found.
pub(super) struct Compared {
    /// What is wrong: changes that break somebody, versions that were not raised, steps that a contract may not take.
    pub(super) diagnostics: Vec<Diagnostic>,
    /// What is in reports alone, as people are told it in lines: changes that can break readers, and break nobody.
    pub(super) notes: Vec<Diagnostic>,
    pub(super) lines: Vec<String>,
    /// All of it, as programs read it.
    pub(super) summary: Summary,
    /// What stands before the path of a document that is only in the base.
    pub(super) base: String,
    /// What tables do not take of the changes, as far as it is not told yet.
    pub(super) refusals: Refusals,
    /// Datasets of which it is told as an error that nobody builds them any more.
    pub(super) unbuilt: BTreeSet<DatasetName>,
}

/// An output port of a product.
pub(super) struct Port {
    /// The product, by its id.
    pub(super) product: String,
    /// The port with the dataset that it offers.
    pub(super) reader: Reader,
}

/// What is said of a consumer whose registration the change ends.
pub(super) const STRUCK: &str = " (unregistered by this change)";

impl Compared {
    /// A diagnostic with the path in the mesh of its document, also where that is only in the base.
    pub(super) fn in_mesh(&self, mut found: Diagnostic) -> Diagnostic {
        if let Some(path) = found.file.to_str().and_then(|path| path.strip_prefix(&self.base)) {
            found.file = path.into();
        }
        found
    }

    /// Says what changed.
    pub(super) fn print(&self) -> Result<()> {
        self.lines.iter().try_for_each(|line| output::line(line))
    }
}

/// Compares the mesh with a revision of its repository; of tables that were looked at (`tables`), it is known what they take.
///
/// # Errors
/// As [`Revision::read`]; what planning the base's queries reports.
pub(super) async fn compare(mesh: &Declared<'_>, name: &str, tables: Option<&Tables>) -> Result<Compared> {
    let base = Revision::read(&mesh.platform.mesh.root, name)?;
    let (contracts, found) = ContractSet::load_past(base.sources("contracts", ".odcs.yaml"));
    let unread: BTreeSet<_> = found
        .iter()
        .filter(|found| found.severity == Severity::Error)
        .map(|found| base.path(&found.file))
        .collect();
    let contracts = Arc::new(contracts);
    let before: Vec<_> = base
        .sources("catalog", ".yaml")
        .into_iter()
        .filter(|(folder, _)| folder == "consumers")
        .filter_map(|(_, source)| Consumer::parse(&source).0)
        .collect();
    let completed = Completed::of(mesh, &base, &contracts, &before);
    let whole = completed.declared(mesh);
    let pairs = Pairs::of(&contracts, whole.contracts);
    let (needs_all, altering) = (pairs.needs_plans() || completed.needs_plans(), pairs.altering());
    let lineage = if needs_all || !altering.is_empty() {
        let (mut pipelines, _) =
            read_pipelines(base.sources("pipelines", Pipeline::SUFFIX), |path| base.document(path));
        let (mut models, _) = read_models(base.sources("pipelines", ModelDefinition::SUFFIX));
        if !needs_all {
            // Of queries that are as they were, only those that read such a dataset can ask something else.
            let now = altering
                .iter()
                .flat_map(|dataset| mesh.analysis.lineage.reading(dataset));
            let reading: BTreeSet<_> = now.map(|read| (read.kind, &read.via)).collect();
            // A pipeline may go by another name: it is the same by what it builds.
            let built: BTreeSet<_> = mesh
                .analysis
                .lineage
                .steps
                .iter()
                .filter(|read| reading.contains(&(read.kind, &read.via)))
                .filter_map(|read| read.to.as_ref())
                .collect();
            pipelines.retain(|pipeline| built.contains(&pipeline.dataset));
            models.retain(|model| reading.contains(&(StepKind::Model, &model.name)));
        }
        let engine = Engine::new(
            mesh.platform.lake()?,
            mesh.platform.session()?,
            Arc::clone(&contracts),
            pipelines,
            models,
            domains::all(),
        );
        // What was wrong in the base is no concern of this change.
        engine.analyse().await?.lineage
    } else {
        Default::default()
    };
    let consumers = whole.consumers.iter();
    let mut reads: Vec<(String, &Read)> = consumers
        .flat_map(|consumer| {
            let name = format!("consumer {}", consumer.name);
            consumer.reads.iter().map(move |read| (name.clone(), read))
        })
        .collect();
    let struck = registrations::lost(&whole, &before, &contracts);
    reads.extend(
        struck
            .iter()
            .map(|(name, read)| (format!("consumer {name}{STRUCK}"), read)),
    );
    let mut readers: Vec<_> = reads.iter().map(|(name, read)| reader(name, read)).collect();
    let ports = ports(&whole);
    readers.extend(ports.iter().map(|port| port.reader.clone()));
    let builders = Builders::of(mesh);
    let lost = builders.lost(&whole, &base, &contracts);
    let mut unbuilt = builders.unbuilt(&lost);
    unbuilt.extend(completed.unbuilt());
    let mut unsound = completed.as_before(&lineage);
    unsound.extend(mesh.analysis.unsound.iter().cloned());
    let altered = altered(&lineage, &mesh.analysis.lineage, &meaning::renamed(&pairs), &unsound);
    let reach = Reach::new(&lineage, &mesh.analysis.lineage, &unsound, &unbuilt, &readers);
    let judge = Judge {
        mesh: &whole,
        base: &base,
        reads: &reads,
        ports: &ports,
        reach: reach.with_altered(&altered),
        before: &lineage,
        altered: &altered,
        uncompared: completed.uncompared(),
    };
    let refusals = Refusals::new(tables::since(mesh, &base, &contracts, tables));
    let mut compared = judge.all(&pairs, &lost, refusals)?;
    let recorded: Vec<_> = base
        .sources("catalog", ".yaml")
        .into_iter()
        .filter(|(folder, _)| folder == "cancellations")
        .filter_map(|(_, source)| cancellation::parse(&source).0)
        .collect();
    let problems = record::check(mesh, &base, &recorded, &before);
    compared.diagnostics.extend(problems);
    compared.diagnostics.extend(completed.diagnostics(&base));
    compared.diagnostics.extend(renamed::since(mesh, &base, tables));
    let mut incomplete = completed.lines(&base);
    let unread = unread.iter().map(|path| {
        format!(
            "  not compared: {}, which is no contract that can be read",
            path.display()
        )
    });
    incomplete.extend(unread);
    let unfound = base.unfound.iter().map(|(path, why)| Diagnostic {
        severity: Severity::Error,
        code: "not-compared".into(),
        message: format!("cannot compare {}, {why}", base.path(path).display()),
        help: Some(
            "fetch the submodule's commits (git submodule update --init, and git fetch inside it), or let a link lead to a \
             file of the repository"
                .to_owned(),
        ),
        file: base.path(path),
        span: None,
    });
    compared.diagnostics.extend(unfound);
    let broken = base.unread.iter();
    let broken = broken.map(|(path, why)| format!("  not compared: {}, {why}", base.path(path).display()));
    incomplete.extend(broken);
    let untold = incomplete.iter().map(|line| line.trim_start().to_owned());
    compared.summary.incomplete = untold.collect();
    compared.lines.extend(incomplete);
    compared.summary.revision = name.to_owned();
    compared.summary.commit = base.commit;
    Ok(compared)
}

fn reader(name: &str, read: &Read) -> Reader {
    let columns = read.columns.as_ref();
    Reader {
        name: name.to_owned(),
        dataset: read.dataset.clone(),
        columns: columns.map(|columns| columns.iter().map(|column| column.text.clone()).collect()),
    }
}

/// Output ports of products: what a broken pipeline no longer builds, they no longer offer. A change of their own
/// contract is what they announce, and breaks none of them.
fn ports(mesh: &Declared<'_>) -> Vec<Port> {
    let mut ports = Vec::new();
    for product in mesh.products {
        for port in &product.output_ports {
            let contract = port.contract_id.as_deref().and_then(|id| mesh.contracts.find(id));
            let datasets = contract.iter().flat_map(|contract| contract.datasets());
            ports.extend(datasets.map(|dataset| Port {
                product: product.id.clone(),
                reader: Reader {
                    name: port_name(product, port),
                    dataset: dataset.clone(),
                    columns: None,
                },
            }));
        }
    }
    ports
}

/// What a port is, in words: a share is called that.
fn port_name(product: &Product, port: &OutputPort) -> String {
    let kind = port.kind.as_deref().map(str::trim).filter(|kind| !kind.is_empty());
    let is_share = kind.is_some_and(|kind| {
        let kind = kind.to_lowercase();
        kind.contains("share") || kind.contains("sharing")
    });
    let word = if is_share { "share" } else { "port" };
    let kind = kind.map_or_else(String::new, |kind| format!(", {kind}"));
    format!("product {} ({word} {}{kind})", product.name, port.name)
}
