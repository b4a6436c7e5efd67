//! Whether tables take what the contracts promise now: the tables as the contracts of a base revision make them, and with
//! --connect the tables as they are, also those that somebody else writes. What is said is what a stream or pipeline that writes the table would end with.

use std::collections::{BTreeMap, BTreeSet};

use arrow::datatypes::FieldRef;
use futures::StreamExt as _;
use polder_contract::diff::Change;
use polder_contract::{ContractSet, DatasetContract};
use polder_core::document::{Diagnostic, Node, Span, parse};
use polder_core::{DatasetName, Error, ErrorKind, Result};
use polder_delivery::{STREAM_COLUMNS, Unfit, table_columns, unfit, unfit_table, unnamed_columns};
use polder_engine::Pipeline;
use polder_ingest::SUFFIX;
use polder_lake::Lake;

use super::Declared;
use super::foreign::Foreign;
use super::renamed;
use super::revision::Revision;

/// Tables that are opened at the same time.
pub(super) const PARALLEL: usize = 8;

/// Who writes a dataset, as far as its table is concerned: the columns that Polder adds.
type Platform = &'static [FieldRef];

/// What is known of the lake's tables.
#[derive(Debug, Default)]
pub(super) struct Tables {
    /// The datasets that a stream or pipeline writes.
    pub(super) written: usize,
    /// Those that have a table, with what it does not take.
    pub(super) unfit: BTreeMap<DatasetName, Vec<Unfit>>,
    /// Columns that no contract names any more.
    pub(super) unnamed: BTreeMap<DatasetName, Vec<String>>,
    /// Tables that cannot be looked at, or not be written for a reason of their own.
    pub(super) failed: Vec<(DatasetName, Error)>,
    /// Streams that the tables refuse, for they hold by another name what is read.
    pub(super) renamed: Vec<Diagnostic>,
    /// Written datasets of which it is known whether there is a table, and what it takes.
    pub(super) looked_at: BTreeSet<DatasetName>,
    /// Those that no stream or pipeline writes.
    pub(super) foreign: Foreign,
}

/// The datasets that somebody writes, each with the columns that Polder adds to its table.
fn written(mesh: &Declared<'_>) -> BTreeMap<DatasetName, Platform> {
    let pipelines = mesh.engine.pipelines().iter();
    let built = pipelines.map(|pipeline| (pipeline.dataset.clone(), [].as_slice()));
    let streams = mesh.streams.iter();
    let fed = streams.map(|stream| (stream.dataset.clone(), STREAM_COLUMNS.as_slice()));
    built.chain(fed).collect()
}

/// The same of a base revision. What its documents say beside the dataset may be wrong by now: the environment that they
/// refer to, for one.
fn written_before(base: &Revision) -> BTreeMap<DatasetName, Platform> {
    let datasets = |suffix: &str, platform: Platform| {
        let documents = base.sources("pipelines", suffix).into_iter();
        let named = documents.filter_map(|(_, source)| {
            let document = parse(&source).ok()?;
            document.get("dataset").and_then(Node::as_str)?.parse().ok()
        });
        named.map(move |dataset| (dataset, platform)).collect::<Vec<_>>()
    };
    let built = datasets(Pipeline::SUFFIX, &[]);
    built
        .into_iter()
        .chain(datasets(SUFFIX, STREAM_COLUMNS.as_slice()))
        .collect()
}

impl Tables {
    /// Opens the tables of all datasets, and compares them with their contracts: whether those that somebody writes take what is
    /// promised, and whether the others can be read as it. Nothing is written.
    pub(super) async fn look(mesh: &Declared<'_>) -> Result<Self> {
        let lake = mesh.platform.lake()?;
        let written = written(mesh);
        let mut tables = Self {
            written: written.len(),
            ..Self::default()
        };
        let under_contract = written
            .iter()
            .filter_map(|(dataset, platform)| Some((mesh.contracts.get(dataset)?, *platform)));
        let mut looked = futures::stream::iter(under_contract)
            .map(async |(contract, platform)| {
                let looked = look_at(mesh, &lake, &contract, platform).await;
                (contract.dataset().clone(), looked)
            })
            .buffered(PARALLEL);
        while let Some((dataset, found)) = looked.next().await {
            match found {
                Ok(None) => drop(tables.looked_at.insert(dataset)),
                Ok(Some(Looked {
                    unfit,
                    unnamed,
                    renamed,
                })) => {
                    tables.looked_at.insert(dataset.clone());
                    tables.renamed.extend(renamed);
                    tables.unfit.insert(dataset.clone(), unfit);
                    if !unnamed.is_empty() {
                        tables.unnamed.insert(dataset, unnamed);
                    }
                }
                Err(error) => {
                    let away = matches!(error.kind(), ErrorKind::Unreachable | ErrorKind::Refused);
                    tables.failed.push((dataset, error));
                    // A store that does not answer for one does not for the others.
                    if away {
                        return Ok(tables);
                    }
                }
            }
        }
        tables.foreign = Foreign::look(mesh, &lake, |dataset| written.contains_key(dataset)).await;
        Ok(tables)
    }

    /// What the tables do not take, dataset by dataset.
    pub(super) fn diagnostics(&self) -> impl Iterator<Item = &Diagnostic> {
        self.unfit.values().flatten().map(|unfit| &unfit.diagnostic)
    }

    /// How many tables do not take what their contract promises.
    pub(super) fn refusing(&self) -> usize {
        self.unfit.values().filter(|unfit| !unfit.is_empty()).count()
    }
}

/// What a table tells.
struct Looked {
    /// What it does not take.
    unfit: Vec<Unfit>,
    /// Its columns that nobody names.
    unnamed: Vec<String>,
    /// Streams that it refuses.
    renamed: Vec<Diagnostic>,
}

/// What a dataset's table tells; nothing where there is no table.
async fn look_at(
    mesh: &Declared<'_>,
    lake: &Lake,
    contract: &DatasetContract,
    platform: Platform,
) -> Result<Option<Looked>> {
    let Some(table) = lake.load(contract.dataset()).await? else {
        return Ok(None);
    };
    let feeding = mesh
        .streams
        .iter()
        .filter(|stream| stream.dataset == *contract.dataset());
    let feeding: Vec<_> = feeding.collect();
    Ok(Some(Looked {
        unfit: unfit_table(contract, platform, &table)?,
        unnamed: unnamed_columns(contract, platform, &table)?,
        renamed: renamed::of_table(mesh, &feeding, &table).await?,
    }))
}

/// What the tables that streams and pipelines made by the base's contracts do not take of the contracts now. The tables
/// are taken to hold rows; of those that were looked at, it is known better.
pub(super) fn since(
    mesh: &Declared<'_>,
    base: &Revision,
    before: &ContractSet,
    known: Option<&Tables>,
) -> BTreeMap<DatasetName, Vec<Unfit>> {
    let mut found = known.map(|known| known.unfit.clone()).unwrap_or_default();
    let made_by = written_before(base);
    for (dataset, platform) in written(mesh) {
        let (Some(old), Some(new)) = (before.get(&dataset), mesh.contracts.get(&dataset)) else {
            continue;
        };
        let Some(made_for) = made_by.get(&dataset).filter(|_| !found.contains_key(&dataset)) else {
            continue;
        };
        if old.contract.text == new.contract.text && made_for.len() == platform.len() {
            continue;
        }
        // Columns that no table can hold are told by whoever checks the contract.
        let judged = table_columns(&old, made_for).and_then(|table| unfit(&new, platform, &table, true));
        let mut judged = judged.unwrap_or_default();
        for unfit in &mut judged {
            let taken = format!(
                "the table is taken to be as {} makes it, and to hold rows: check --connect looks at it",
                base.says
            );
            let help = unfit.diagnostic.help.take();
            unfit.diagnostic.help = Some(help.map_or_else(|| taken.clone(), |help| format!("{help}\n{taken}")));
        }
        found.insert(dataset, judged);
    }
    found.retain(|_, unfit| !unfit.is_empty());
    found
}

/// Tables' refusals, as a comparison tells them: each once, with the change that it comes from where that is told anyway.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    of: BTreeMap<DatasetName, Vec<Unfit>>,
    /// Those that were told with a change: the dataset, and which of its refusals.
    told: BTreeSet<(DatasetName, usize)>,
}

impl Refusals {
    pub(super) fn new(of: BTreeMap<DatasetName, Vec<Unfit>>) -> Self {
        let told = BTreeSet::new();
        Self { of, told }
    }

    /// How many there are, told or not.
    pub(super) fn count(&self) -> usize {
        self.of.values().map(Vec::len).sum()
    }

    fn place(&self, change: &Change) -> Option<(&DatasetName, usize)> {
        let dataset = change.dataset.as_ref()?;
        let (dataset, unfit) = self.of.get_key_value(dataset)?;
        let at = unfit.iter().position(|unfit| concerns(change, unfit))?;
        Some((dataset, at))
    }

    /// What a table does not take of what a change made.
    pub(super) fn by(&self, change: &Change) -> Option<&Diagnostic> {
        let (dataset, at) = self.place(change)?;
        self.of.get(dataset)?.get(at).map(|unfit| &unfit.diagnostic)
    }

    /// The refusal was told with this change.
    pub(super) fn tell(&mut self, change: &Change) {
        let told = self.place(change).map(|(dataset, at)| (dataset.clone(), at));
        self.told.extend(told);
    }

    /// Those that were not told with a change.
    pub(super) fn rest(self) -> impl Iterator<Item = Diagnostic> {
        let Self { of, told } = self;
        of.into_iter().flat_map(move |(dataset, unfit)| {
            let untold = |(at, _): &(usize, Unfit)| !told.contains(&(dataset.clone(), *at));
            let rest: Vec<_> = unfit.into_iter().enumerate().filter(untold).collect();
            rest.into_iter().map(|(_, unfit)| unfit.diagnostic)
        })
    }
}

/// Whether a refusal comes from a change: it stands at the same name, or is about the type of the same column.
fn concerns(change: &Change, unfit: &Unfit) -> bool {
    let start = |span: Span| span.start;
    let place = change
        .new
        .as_ref()
        .map(|place| (place.file.as_ref(), start(place.span)));
    let here = unfit
        .diagnostic
        .span
        .map(|span| (unfit.diagnostic.file.as_path(), start(span)));
    if here.is_some() && place == here && unfit.column.is_some() {
        return true;
    }
    let (Some(changed), Some(column)) = (&change.column, &unfit.column) else {
        return false;
    };
    let inside = changed.strip_prefix(column.as_str());
    let of_type = change.code.starts_with("type-");
    let of_fields = [
        "column-added",
        "required-column-added",
        "column-removed",
        "column-renamed",
    ]
    .contains(&change.code);
    inside.is_some_and(|inside| match inside {
        "" => of_type,
        inside => inside.starts_with(['.', '[']) && (of_type || of_fields),
    })
}
