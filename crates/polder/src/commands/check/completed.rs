//! Documents that cannot be read now and could be in the base: what a change breaks is followed through them as they were
//! there, so that a mistake in one of them hides nobody behind it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use polder_contract::cancellation::end_registrations;
use polder_contract::product::{self, Product};
use polder_contract::{Consumer, ContractSet};
use polder_core::document::{Diagnostic, Severity, Source};
use polder_core::{DatasetName, ObjectName};
use polder_engine::{ColumnLineage, ModelDefinition, Pipeline, read_models, read_pipelines};

use super::Declared;
use super::consumers::FOLDER;
use super::revision::Revision;

/// What the mesh declares, with what cannot be read now as it is in the base.
pub(super) struct Completed {
    contracts: ContractSet,
    consumers: Vec<Consumer>,
    products: Vec<Product>,
    /// The contracts of the base that stand in for what they became, with where they are told.
    uncompared: Vec<(String, PathBuf)>,
    /// The datasets of those.
    datasets: BTreeSet<DatasetName>,
    /// Pipelines and models of the base that cannot be read now.
    steps: BTreeSet<ObjectName>,
    /// What those pipelines build.
    unbuilt: BTreeSet<DatasetName>,
    /// The documents that are taken as they are in the base.
    from_base: BTreeSet<PathBuf>,
    /// Documents that can be read neither now nor in the base.
    gaps: BTreeSet<PathBuf>,
}

impl Completed {
    /// `before` and `consumers` are what the base has.
    pub(super) fn of(mesh: &Declared<'_>, base: &Revision, before: &ContractSet, consumers: &[Consumer]) -> Self {
        let mut completed = Self {
            contracts: mesh.contracts.clone(),
            consumers: mesh.consumers.to_vec(),
            products: mesh.products.to_vec(),
            uncompared: Vec::new(),
            datasets: BTreeSet::new(),
            steps: BTreeSet::new(),
            unbuilt: BTreeSet::new(),
            from_base: BTreeSet::new(),
            gaps: unread(mesh),
        };
        completed.contracts(mesh, base, before);
        completed.steps(mesh, base);
        let unread = consumers
            .iter()
            .filter(|old| completed.gaps.contains(old.place.file.as_ref()));
        let mut old: Vec<_> = unread.cloned().collect();
        end_registrations(&mut old, mesh.cancellations, &completed.contracts, mesh.now);
        for consumer in &old {
            completed.take(&consumer.place.file);
        }
        completed.consumers.extend(old);
        for (_, source) in base.sources("contracts", ".odps.yaml") {
            if completed.gaps.contains(&source.path)
                && let (Some(old), _) = product::parse(&source)
                && !mesh.products.iter().any(|new| new.id == old.id)
            {
                completed.take(&source.path);
                completed.products.push(old);
            }
        }
        completed
    }

    fn contracts(&mut self, mesh: &Declared<'_>, base: &Revision, before: &ContractSet) {
        let mut paths = BTreeSet::new();
        for old in before.contracts() {
            let known = mesh.contracts.find(&old.id).is_some();
            let is_there = self.gaps.contains(&old.source_path);
            // A document that was moved says its id there.
            if known || !(is_there || mesh.contracts.is_unreadable(&old.id)) {
                continue;
            }
            let file = match is_there {
                true => old.source_path.clone(),
                false => base.path(&old.source_path),
            };
            self.uncompared.push((old.id.clone(), file));
            self.datasets.extend(old.datasets().cloned());
            self.take(&old.source_path);
            paths.insert(old.source_path.clone());
        }
        if paths.is_empty() {
            return;
        }
        let (now, _) = mesh.platform.mesh.readable("contracts", ".odcs.yaml");
        let now = now.into_iter().filter(|(_, source)| !paths.contains(&source.path));
        let old = base.sources("contracts", ".odcs.yaml").into_iter();
        let old = old.filter(|(_, source)| paths.contains(&source.path));
        // What is wrong with the documents was told.
        (self.contracts, _) = ContractSet::load_past(now.chain(old));
    }

    fn steps(&mut self, mesh: &Declared<'_>, base: &Revision) {
        let (pipelines, _) = read_pipelines(self.unread_in(base, Pipeline::SUFFIX), |path| base.document(path));
        let (models, _) = read_models(self.unread_in(base, ModelDefinition::SUFFIX));
        for pipeline in pipelines {
            self.take(&pipeline.document.path);
            let mut builders = mesh.engine.pipelines().iter();
            if !builders.any(|now| now.dataset == pipeline.dataset) {
                self.unbuilt.insert(pipeline.dataset);
            }
            self.steps.insert(pipeline.name);
        }
        for model in models {
            self.take(&model.document.path);
            self.steps.insert(model.name);
        }
    }

    fn unread_in(&self, base: &Revision, suffix: &str) -> Vec<(String, Source)> {
        let mut sources = base.sources("pipelines", suffix);
        sources.retain(|(_, source)| self.gaps.contains(&source.path));
        sources
    }

    /// A document is as in the base.
    fn take(&mut self, path: &Path) {
        self.gaps.remove(path);
        self.from_base.insert(path.to_owned());
    }

    /// What is declared with it. The queries, and what was found about them, are those of now.
    pub(super) fn declared<'a>(&'a self, mesh: &Declared<'a>) -> Declared<'a> {
        Declared {
            contracts: &self.contracts,
            consumers: &self.consumers,
            products: &self.products,
            ..*mesh
        }
    }

    /// Whether something of which queries are planned is as in the base.
    pub(super) fn needs_plans(&self) -> bool {
        !self.datasets.is_empty() || !self.steps.is_empty()
    }

    /// How many contracts cannot be compared.
    pub(super) fn uncompared(&self) -> usize {
        self.uncompared.len()
    }

    /// The pipelines and models that read what they read `before`: those that cannot be read, and those around contracts
    /// that cannot be.
    pub(super) fn as_before(&self, before: &ColumnLineage) -> BTreeSet<ObjectName> {
        let around = before.steps.iter().filter(|step| {
            let to = step.to.as_ref();
            self.datasets.contains(&step.from) || to.is_some_and(|to| self.datasets.contains(to))
        });
        around.map(|step| step.via.clone()).chain(self.steps.clone()).collect()
    }

    /// Datasets that get no rows before the documents are mended.
    pub(super) fn unbuilt(&self) -> impl Iterator<Item = DatasetName> {
        self.datasets.iter().chain(&self.unbuilt).cloned()
    }

    /// Contracts that cannot be compared: what changed in them, and whom that breaks, nobody can know.
    pub(super) fn diagnostics(&self, base: &Revision) -> impl Iterator<Item = Diagnostic> {
        self.uncompared.iter().map(|(id, file)| Diagnostic {
            severity: Severity::Error,
            code: "not-compared".into(),
            message: format!("the contract {id} could not be read: not compared with {}", base.name),
            help: Some(
                "mend the document: only then it can be known what changed in it, and whom that breaks".to_owned(),
            ),
            file: file.clone(),
            span: None,
        })
    }

    /// What of the comparison is not by the documents of now.
    pub(super) fn lines(&self, base: &Revision) -> Vec<String> {
        let listed = |paths: &BTreeSet<PathBuf>| {
            let paths: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
            paths.join(", ")
        };
        let mut lines = Vec::new();
        if !self.from_base.is_empty() {
            lines.push(format!(
                "  taken as in {}, as what is there now could not be read: {}",
                base.name,
                listed(&self.from_base)
            ));
        }
        if !self.gaps.is_empty() {
            lines.push(format!(
                "  what changes break is incomplete, because of documents that could not be read: {}",
                listed(&self.gaps)
            ));
        }
        lines
    }
}

/// The documents of the mesh that say who reads what, and could not be read.
fn unread(mesh: &Declared<'_>) -> BTreeSet<PathBuf> {
    let root = &mesh.platform.mesh;
    let mut unread: BTreeSet<_> = root
        .files("contracts", |name| {
            name.ends_with(".odcs.yaml") || name.ends_with(".odps.yaml")
        })
        .into_iter()
        .chain(root.files("pipelines", |name| {
            name.ends_with(Pipeline::SUFFIX) || name.ends_with(ModelDefinition::SUFFIX)
        }))
        .collect();
    let registered = root.files("catalog", |name| name.ends_with(".yaml")).into_iter();
    unread.extend(registered.filter(|path| path.parent() == Some(Path::new(FOLDER))));
    for contract in mesh.contracts.contracts() {
        unread.remove(&contract.source_path);
    }
    for product in mesh.products {
        unread.remove(&product.source_path);
    }
    for pipeline in mesh.engine.pipelines().iter() {
        unread.remove(&pipeline.document.path);
    }
    for model in mesh.engine.models().iter() {
        unread.remove(&model.document.path);
    }
    for consumer in mesh.consumers {
        unread.remove(consumer.place.file.as_ref());
    }
    unread
}
