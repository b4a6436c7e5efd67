//! All contracts of a mesh, by dataset.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use polder_core::document::{Diagnostic, Severity, Source, nearest};
use polder_core::{DatasetName, Layer};

use crate::contract::Contract;
use crate::dataset_contract::DatasetContract;
use crate::files;
use crate::parse::{Parsed, parse, parse_past};
use crate::quarantine;
use crate::readable::Readable;
use crate::schema::SchemaObject;
use crate::unheeded;

/// The contracts of a mesh.
#[derive(Debug, Clone, Default)]
pub struct ContractSet {
    contracts: Vec<Arc<Contract>>,
    datasets: BTreeMap<DatasetName, DatasetContract>,
    /// Where in `contracts` each id is.
    ids: HashMap<String, usize>,
    /// Documents that are wrong, as far as they could be read.
    readable: Vec<Readable>,
    /// Ids and names of datasets in documents that are wrong: what they would declare is not known for sure.
    unreadable: HashSet<String>,
}

impl ContractSet {
    /// Reads the contracts of a mesh, each document with the domain in whose folder it lies. What is right is in the
    /// set, beside the findings about what is not: documents that are no contracts, objects that name no dataset of
    /// their domain, a dataset with two contracts, a contract id that is used twice. See [`ContractSet::is_unreadable`] for
    /// what is lost with the former.
    pub fn load(sources: impl IntoIterator<Item = (String, Source)>) -> (Self, Vec<Diagnostic>) {
        Self::load_beside(sources, &[])
    }

    /// As [`ContractSet::load`], of contracts of the past (see [`parse_past`]).
    pub fn load_past(sources: impl IntoIterator<Item = (String, Source)>) -> (Self, Vec<Diagnostic>) {
        Self::load_as(sources, &[], parse_past, files::resolve_past)
    }

    /// As [`ContractSet::load`], beside documents that are not even text, of which these findings tell. What is called like a
    /// contract and is told as an error counts: of anything else nobody would hear that it is no contract.
    pub fn load_beside(
        sources: impl IntoIterator<Item = (String, Source)>,
        unread: &[Diagnostic],
    ) -> (Self, Vec<Diagnostic>) {
        Self::load_as(sources, unread, parse, files::resolve)
    }

    fn load_as(
        sources: impl IntoIterator<Item = (String, Source)>,
        unread: &[Diagnostic],
        parse: fn(&Source) -> Parsed,
        resolve: files::Resolve,
    ) -> (Self, Vec<Diagnostic>) {
        let sources: Vec<_> = sources.into_iter().collect();
        let mut set = Self::default();
        let is_contract = |finding: &&Diagnostic| {
            finding.severity == Severity::Error && finding.file.to_string_lossy().ends_with(".odcs.yaml")
        };
        for finding in unread.iter().filter(is_contract) {
            let folder = finding.file.parent().and_then(Path::file_name);
            if let Some(domain) = folder.and_then(OsStr::to_str) {
                set.lose_named(domain, &finding.file);
            }
        }
        let mut parsed = parse_all(&sources, parse);
        resolve(&sources, &mut parsed, unread);
        let mut diagnostics = Vec::new();
        for ((domain, source), parsed) in sources.iter().zip(parsed) {
            diagnostics.extend(parsed.diagnostics);
            match parsed.contract {
                Some(contract) => set.add(domain, Arc::new(contract), &mut diagnostics),
                None => {
                    set.lose(domain, &source.text);
                    set.lose_named(domain, &source.path);
                    set.readable.extend(parsed.readable);
                }
            }
        }
        (set, diagnostics)
    }

    /// Keeps the names in a document that is wrong, wherever in it they stand: the mistake may be the key before them.
    fn lose(&mut self, domain: &str, text: &str) {
        let quotes: &[char] = &['"', '\'', ',', '[', ']', '{', '}'];
        for line in text.lines() {
            let bare = line.trim_start().trim_start_matches("- ");
            if let Some(id) = bare.strip_prefix("id:") {
                self.unreadable.insert(id.trim().trim_matches(quotes).to_owned());
            }
            let words = line.split(|c: char| c.is_whitespace() || quotes.contains(&c));
            let names = words.filter(|word| word.parse().is_ok_and(|name: DatasetName| name.domain() == domain));
            self.unreadable.extend(names.map(str::to_owned));
        }
    }

    /// Keeps the names of datasets by which people call a document that says none: `crm/customers.odcs.yaml` is about
    /// `crm.<layer>.customers`.
    fn lose_named(&mut self, domain: &str, file: &Path) {
        let name = file.file_name().and_then(OsStr::to_str).unwrap_or_default();
        let name = name.split('.').next().unwrap_or_default();
        let layers = [Layer::Bronze, Layer::Silver, Layer::Gold];
        self.unreadable
            .extend(layers.map(|layer| format!("{domain}.{layer}.{name}")));
    }

    /// Whether a dataset, or the id of a contract, is not known because the document that would declare it is wrong, which
    /// was reported: that nobody declares it is no other mistake.
    pub fn is_unreadable(&self, name: &str) -> bool {
        self.unreadable.contains(name)
    }

    fn add(&mut self, domain: &str, contract: Arc<Contract>, diagnostics: &mut Vec<Diagnostic>) {
        let root = |code: &'static str, message: String, help: &str| Diagnostic {
            severity: Severity::Error,
            code: code.into(),
            message,
            help: Some(help.to_owned()),
            file: contract.source_path.clone(),
            span: contract.document.get("id").map(|id| id.span),
        };
        let position = self.contracts.len();
        let first = *self.ids.entry(contract.id.clone()).or_insert(position);
        if let Some(other) = self.contracts.get(first) {
            let path = other.source_path.display();
            let message = format!("the id `{}` is that of {path} too", contract.id);
            diagnostics.push(root(
                "duplicate-contract",
                message,
                "give each contract an id of its own",
            ));
        }
        if contract.objects.is_empty() {
            let message = format!("the contract `{}` has no schema", contract.name);
            diagnostics.push(root("no-columns", message, "describe the dataset under `schema`"));
        }
        for (object, schema) in contract.objects.iter().enumerate() {
            match bind(domain, schema) {
                Ok(dataset) => {
                    if let Some(other) = self.datasets.get(dataset) {
                        let path = other.contract.source_path.display();
                        let message = format!("{dataset} has another contract in {path}");
                        let help = Some("a dataset has one contract: keep one");
                        diagnostics.push(schema.place.error("duplicate-dataset", message, help));
                    } else {
                        let contract = Arc::clone(&contract);
                        self.datasets
                            .insert(dataset.clone(), DatasetContract { contract, object });
                    }
                }
                Err(problem) => {
                    diagnostics.push(*problem);
                    self.lose(domain, &contract.text);
                    self.unreadable.extend(schema.dataset.iter().map(ToString::to_string));
                }
            }
        }
        let place = contract.at(contract.document.span);
        diagnostics.extend(unheeded::domain(&contract, domain, &place));
        diagnostics.extend(unheeded::id(&contract, &place));
        self.contracts.push(contract);
    }

    /// The contract of a dataset. That of the refused rows of a dataset under contract is built in: it is found here, and is not
    /// among [`ContractSet::datasets`] and [`ContractSet::contracts`], which are what the mesh declares.
    pub fn get(&self, dataset: &DatasetName) -> Option<DatasetContract> {
        let declared = |dataset| self.datasets.get(dataset);
        match dataset.refused() {
            Some(refused) => quarantine::contract(declared(&refused)?),
            None => declared(dataset).cloned(),
        }
    }

    /// The contract of this id, or of the dataset of this name.
    pub fn find(&self, name: &str) -> Option<Arc<Contract>> {
        let by_id = self.contracts.iter().find(|contract| contract.id == name);
        by_id.cloned().or_else(|| {
            let dataset: DatasetName = name.parse().ok()?;
            self.get(&dataset).map(|bound| bound.contract)
        })
    }

    /// What was probably meant by a name that no contract and no dataset has.
    pub fn nearest_name(&self, name: &str) -> Option<String> {
        let datasets = self.datasets().map(ToString::to_string);
        let ids = self.contracts.iter().map(|contract| contract.id.clone());
        let names: Vec<String> = datasets.chain(ids).collect();
        nearest(name, names.iter().map(String::as_str)).map(str::to_owned)
    }

    /// The dataset that was probably meant by a name that has no contract.
    pub fn nearest(&self, name: &str) -> Option<&DatasetName> {
        let names: Vec<_> = self.datasets.keys().map(ToString::to_string).collect();
        let found = nearest(name, names.iter().map(String::as_str))?;
        self.datasets.keys().find(|dataset| dataset.to_string() == found)
    }

    /// Every dataset with a contract, by name.
    pub fn datasets(&self) -> impl Iterator<Item = &DatasetName> {
        self.datasets.keys()
    }

    /// Every dataset's contract, by the dataset's name.
    pub fn iter(&self) -> impl Iterator<Item = &DatasetContract> {
        self.datasets.values()
    }

    /// The documents that are wrong, as far as they could be read: none of them is a contract of the set.
    pub fn readable(&self) -> &[Readable] {
        &self.readable
    }

    /// Every contract, in the order read.
    pub fn contracts(&self) -> &[Arc<Contract>] {
        &self.contracts
    }
}

/// Fewer documents than this are read sooner than a thread begins.
const WORTH_A_THREAD: usize = 16;

/// Reads all documents, on as many threads as there are processors; in the documents' order.
fn parse_all(sources: &[(String, Source)], parse: fn(&Source) -> Parsed) -> Vec<Parsed> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = processors.min(sources.len() / WORTH_A_THREAD);
    if threads < 2 {
        return sources.iter().map(|(_, source)| parse(source)).collect();
    }
    // Documents are of very different sizes: whoever is done takes the next.
    let next = AtomicUsize::new(0);
    let work = || {
        let mut parsed = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some((_, source)) = sources.get(index) else {
                return parsed;
            };
            parsed.push((index, parse(source)));
        }
    };
    let mut all: Vec<(usize, Parsed)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .flat_map(|worker| match worker.join() {
                Ok(parsed) => parsed,
                Err(panic) => std::panic::resume_unwind(panic),
            })
            .collect()
    });
    all.sort_by_key(|(index, _)| *index);
    all.into_iter().map(|(_, parsed)| parsed).collect()
}

fn bind<'o>(domain: &str, object: &'o SchemaObject) -> Result<&'o DatasetName, Box<Diagnostic>> {
    let help = "its physicalName is the dataset's full name, such as sales.bronze.invoice_lines";
    let Some(dataset) = &object.dataset else {
        let message = match &object.physical_name {
            Some(name) => format!("`{}` is bound to `{name}`, which is no dataset", object.name),
            None => format!("`{}` is bound to no dataset", object.name),
        };
        return Err(Box::new(object.place.error("unbound-object", message, Some(help))));
    };
    if dataset.layer() == Layer::Quarantine {
        let (message, help) = quarantine::of_its_own(dataset);
        return Err(Box::new(object.place.error("built-in-contract", message, Some(&help))));
    }
    if dataset.domain() == domain {
        return Ok(dataset);
    }
    let message = format!(
        "{dataset} belongs to the domain `{}`, not to `{domain}`",
        dataset.domain()
    );
    let help = format!("move the contract to contracts/{}", dataset.domain());
    Err(Box::new(object.place.error("foreign-dataset", message, Some(&help))))
}
