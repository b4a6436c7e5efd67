//! The platform of one mesh: what commands need, made from its configuration and documents.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use polder_catalog::Catalog;
use polder_contract::ContractSet;
use polder_core::config::Mesh;
use polder_core::document::{Diagnostic, Severity};
use polder_core::{Error, ErrorKind, ObjectName, Result, ResultExt};
use polder_delivery::Discretion;
use polder_engine::{Engine, load_models, load_pipelines};
use polder_ingest::{Ingest, Patience, StreamSpec, load_streams};
use polder_lake::Lake;
use polder_policy::Policies;
use polder_query::{Session, SessionOptions};
use polder_registry::Registry;

use crate::options::Global;
use crate::{domains, output, report};

/// A mesh and what runs it. Services are only reached for when a command uses them.
pub(crate) struct Platform {
    /// The mesh: its folder and configuration.
    pub(crate) mesh: Mesh,
    /// The warnings that were shown: documents are read more than once in a run, and each warning is news once.
    told: Mutex<HashSet<String>>,
}

impl From<Mesh> for Platform {
    fn from(mesh: Mesh) -> Self {
        Self {
            mesh,
            told: Mutex::default(),
        }
    }
}

/// The folder that a command line names or stands in, for showing excerpts of documents.
pub(crate) fn root(global: &Global) -> Option<PathBuf> {
    let start = match &global.mesh {
        Some(root) => return Some(root.clone()),
        None => std::env::current_dir().ok()?,
    };
    start
        .ancestors()
        .find(|folder| folder.join(polder_core::config::FILE_NAME).is_file())
        .map(Path::to_path_buf)
}

impl Platform {
    /// The mesh that the command line names, or the nearest one from the current folder upwards.
    pub(crate) fn open(global: &Global) -> Result<Self> {
        let mesh = match &global.mesh {
            Some(root) if !root.join(polder_core::config::FILE_NAME).is_file() => {
                return Err(Error::new(
                    ErrorKind::NotFound,
                    format!("there is no {} in {}", polder_core::config::FILE_NAME, root.display()),
                )
                .with_help("name the folder of a mesh, or begin one with `polder new mesh DIR`"));
            }
            Some(root) => Mesh::load(root)?,
            None => {
                let here = std::env::current_dir()
                    .context(ErrorKind::Usage, || "the current folder cannot be read".to_owned())?;
                Mesh::find(&here)?
            }
        };
        Ok(Self::from(mesh))
    }

    /// Where the tables are.
    pub(crate) fn lake(&self) -> Result<Lake> {
        Lake::open(&self.mesh.config.lake, &self.mesh.root)
    }

    /// The schema registry.
    pub(crate) fn registry(&self) -> Result<Registry> {
        Registry::connect(&self.mesh.config.registry)
    }

    /// The catalog's database.
    pub(crate) async fn catalog(&self) -> Result<Catalog> {
        Catalog::connect(&self.mesh.config.catalog, &self.mesh.root).await
    }

    /// The contracts; what is wrong with any of them is an error.
    pub(crate) fn contracts(&self) -> Result<Arc<ContractSet>> {
        let (set, diagnostics) = ContractSet::load(self.mesh.sources("contracts", ".odcs.yaml")?);
        self.refuse_errors(diagnostics)?;
        Ok(Arc::new(set))
    }

    /// The declared streams.
    pub(crate) fn streams(&self) -> Result<Vec<StreamSpec>> {
        load_streams(&self.mesh)
    }

    /// A SQL session over the lake, with the configured memory: what is under contract has its columns in the contract's order.
    /// Contracts that cannot be read, or have errors, are told of by the commands that are about them; their datasets are as their tables are.
    pub(crate) fn session(&self) -> Result<Session> {
        let (sources, _) = self.mesh.readable("contracts", ".odcs.yaml");
        let (contracts, _) = ContractSet::load(sources);
        self.session_under(&contracts)
    }

    /// The same with contracts that are at hand.
    fn session_under(&self, contracts: &ContractSet) -> Result<Session> {
        let options = SessionOptions {
            memory_bytes: self.mesh.config.engine.memory_bytes,
            ..SessionOptions::default()
        };
        Ok(Session::new(&self.lake()?, &options)?.under(contracts.iter()))
    }

    /// The engine over all declared pipelines and models.
    pub(crate) fn engine(&self) -> Result<Engine> {
        let (pipelines, mut diagnostics) = load_pipelines(&self.mesh);
        let (models, more) = load_models(&self.mesh);
        diagnostics.extend(more);
        self.refuse_errors(diagnostics)?;
        let contracts = self.contracts()?;
        let (discretion, policies) = self.governed(&contracts)?;
        let engine = Engine::new(
            self.lake()?,
            self.session_under(&contracts)?,
            contracts,
            pipelines,
            models,
            domains::all(),
        );
        Ok(engine.with_discretion(discretion).with_policies(policies))
    }

    /// What of rows everybody may be told, as contracts and policies say. As long as the policies cannot be read nobody
    /// says who may see what, and no value is told.
    pub(crate) fn discretion(&self, contracts: &Arc<ContractSet>) -> Result<Discretion> {
        Ok(self.governed(contracts)?.0)
    }

    /// The same, and the policies that rows which land are held against. Of policies that cannot all be read the others
    /// hold; where none of these asks anything of rows, those that come with Polder do.
    pub(crate) fn governed(&self, contracts: &Arc<ContractSet>) -> Result<(Discretion, Arc<Policies>)> {
        let (policies, mut diagnostics) = Policies::of_mesh(&self.mesh)?;
        diagnostics.retain(|found| found.severity == Severity::Error);
        if diagnostics.is_empty() {
            let policies = Arc::new(policies);
            let hiding = Arc::clone(&policies);
            let discretion = Discretion::new(Arc::clone(contracts), move |property| hiding.hides(property));
            return Ok((discretion, policies));
        }
        report::diagnostics(&diagnostics, Some(&self.mesh.root));
        output::remark("no value of a row is shown until these policies can be read: they say who may see what");
        let policies = match policies.ask_of_rows() {
            true => policies,
            false => Policies::defaults(),
        };
        let discretion = Discretion::new(Arc::clone(contracts), |_| true);
        Ok((discretion, Arc::new(policies)))
    }

    /// What runs streams.
    pub(crate) fn ingest(&self) -> Result<Ingest> {
        let contracts = self.contracts()?;
        let session = self.session_under(&contracts)?;
        let (discretion, policies) = self.governed(&contracts)?;
        Ok(Ingest {
            session: Some(session),
            lake: self.lake()?,
            discretion,
            policies,
            contracts,
            registry: self.registry()?,
            kafka: self.mesh.config.kafka.clone(),
            root: self.mesh.root.clone(),
            patience: Patience::default(),
        })
    }

    /// Keeps what was not shown before in this run.
    fn keep_news(&self, diagnostics: &mut Vec<Diagnostic>) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        diagnostics.retain(|found| told.insert(format!("{found:?}")));
    }

    /// Errors among diagnostics end the command; warnings are shown, once a run, and it goes on.
    pub(crate) fn refuse_errors(&self, mut diagnostics: Vec<Diagnostic>) -> Result<()> {
        if diagnostics.iter().any(|found| found.severity == Severity::Error) {
            return Err(Error::document(diagnostics));
        }
        // Notes are for who looks at documents, not for each use of them.
        diagnostics.retain(|found| found.severity != Severity::Note);
        self.keep_news(&mut diagnostics);
        report::diagnostics(&diagnostics, Some(&self.mesh.root));
        Ok(())
    }
}

/// The streams that are named, or all; an unknown name is an error with the nearest one.
pub(crate) fn select_streams(streams: Vec<StreamSpec>, names: &[String]) -> Result<Vec<StreamSpec>> {
    if names.is_empty() {
        return Ok(streams);
    }
    names
        .iter()
        .map(|name| {
            let wanted: ObjectName = name.parse()?;
            streams
                .iter()
                .find(|stream| stream.name == wanted)
                .cloned()
                .ok_or_else(|| {
                    let known: Vec<String> = streams.iter().map(|stream| stream.name.to_string()).collect();
                    let error = Error::new(ErrorKind::NotFound, format!("there is no stream `{name}`"));
                    match polder_core::document::nearest(name, known.iter().map(String::as_str)) {
                        Some(near) => error.with_help(format!("did you mean `{near}`?")),
                        None => error.with_help(format!("the streams are: {}", known.join(", "))),
                    }
                })
        })
        .collect()
}
