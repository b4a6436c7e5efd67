//! Tables that no stream or pipeline here writes: whether they can be read as their contracts promise, before a run finds out.
//! What is said is what a run of who reads them would end with.

use std::collections::BTreeSet;

use futures::StreamExt as _;
use polder_contract::DatasetContract;
use polder_core::document::{Diagnostic, Severity};
use polder_core::{DatasetName, Error, ErrorKind, Layer, Result};
use polder_delivery::declared_at;
use polder_engine::{ColumnLineage, DatasetColumn, Dependency, misfit_columns, unreadable_columns};
use polder_gate::in_words;
use polder_lake::Lake;
use polder_query::{Unreadable, WhyUnreadable};

use super::Declared;
use super::tables::PARALLEL;

/// The code of what cannot be read in a table.
const TABLE_UNREADABLE: &str = "table-unreadable";

/// What is known of the tables that somebody else writes.
#[derive(Debug, Default)]
pub(super) struct Foreign {
    /// The datasets under contract that no stream or pipeline writes.
    pub(super) promised: usize,
    /// Those that have a table.
    pub(super) there: usize,
    /// Those of them with something that a run would end with.
    pub(super) stopping: usize,
    /// What cannot be read of them, an error where somebody reads it.
    pub(super) diagnostics: Vec<Diagnostic>,
    /// Tables that are not there or cannot be opened: which, who reads them, why, and whether a run ends with it.
    pub(super) failed: Vec<(String, Error, bool)>,
}

impl Foreign {
    /// Opens the tables of all datasets but those that are `written` here. Nothing is written.
    pub(super) async fn look(mesh: &Declared<'_>, lake: &Lake, written: impl Fn(&DatasetName) -> bool) -> Self {
        let others = mesh.contracts.iter();
        let others = others.filter(|of| of.dataset().layer() != Layer::Quarantine && !written(of.dataset()));
        let others: Vec<_> = others.collect();
        let mut foreign = Self {
            promised: others.len(),
            ..Self::default()
        };
        let lineage = &mesh.analysis.lineage;
        let mut looked = futures::stream::iter(&others)
            .map(async |contract| (contract.dataset(), look_at(lake, contract, lineage).await))
            .buffered(PARALLEL);
        while let Some((dataset, found)) = looked.next().await {
            let readers = steps(lineage, dataset);
            let place = match readers.is_empty() {
                true => dataset.to_string(),
                false => format!("{dataset} (read by {})", listed(&readers)),
            };
            match found {
                Ok(Some(found)) => {
                    foreign.there += 1;
                    let stops = found.iter().any(|found| found.severity == Severity::Error);
                    foreign.stopping += usize::from(stops);
                    foreign.diagnostics.extend(found);
                }
                // Without a table there are no rows, which stops nobody.
                Ok(None) if readers.is_empty() => {}
                Ok(None) => foreign.failed.push((place, no_table(lake, dataset), false)),
                Err(error) => {
                    let away = matches!(error.kind(), ErrorKind::Unreachable | ErrorKind::Refused);
                    foreign.failed.push((place, error, away || !readers.is_empty()));
                    // A store that does not answer for one does not for the others.
                    if away {
                        break;
                    }
                }
            }
        }
        foreign
    }
}

fn no_table(lake: &Lake, dataset: &DatasetName) -> Error {
    let parts = [dataset.domain(), dataset.layer().as_str(), dataset.name()];
    let help = format!("have its maker write it: {}{}", lake.url(), parts.join("/"));
    Error::new(ErrorKind::NotFound, "there is no table, and nobody here writes it").with_help(help)
}

/// What of a dataset's table cannot be read; nothing where there is no table.
async fn look_at(lake: &Lake, contract: &DatasetContract, lineage: &ColumnLineage) -> Result<Option<Vec<Diagnostic>>> {
    let dataset = contract.dataset();
    let Some(table) = lake.load(dataset).await? else {
        return Ok(None);
    };
    let has_rows = table.has_files()?;
    let mut found: Vec<_> = unreadable_columns(contract, &table)?
        .iter()
        .filter_map(|one| told(contract, one, lineage, has_rows))
        .collect();
    for column in misfit_columns(contract, &table).await? {
        let readers = readers(lineage, dataset, &column, false);
        if readers.is_empty() {
            continue;
        }
        let message = format!(
            "{dataset}: column `{column}` holds a value that is not what the contract promises: a run of {} that comes to its \
             row fails",
            listed(&readers)
        );
        let help = format!("`polder test {dataset} --show 3` tells more");
        found.push(Diagnostic {
            severity: Severity::Warning,
            ..at(contract, &column, &column, message, help)
        });
    }
    Ok(Some(found))
}

/// What cannot be read, with who reads it. What Polder's own tables have besides their contract is only told to who reads it.
fn told(contract: &DatasetContract, one: &Unreadable, lineage: &ColumnLineage, has_rows: bool) -> Option<Diagnostic> {
    let Unreadable { column, path, why } = one;
    let dataset = contract.dataset();
    let is_declared = contract
        .object()
        .properties
        .iter()
        .any(|property| property.name == *column);
    let is_there = path != column || matches!(why, WhyUnreadable::OtherType { .. });
    // What is not there stops whoever names it; what is there only those who come to its values.
    let readers = match is_there {
        true if !has_rows => BTreeSet::new(),
        _ => readers(lineage, dataset, column, !is_there),
    };
    if readers.is_empty() && !is_declared {
        return None;
    }
    let (what, help) = in_the_contract(one, is_declared);
    let (severity, consequence) = match readers.is_empty() {
        false => (Severity::Error, format!("a run of {} fails", listed(&readers))),
        true if !has_rows => (Severity::Warning, "the table has no rows yet".to_owned()),
        true => (Severity::Warning, "no pipeline or model reads it".to_owned()),
    };
    let message = format!("{dataset}: {what}: {consequence}");
    Some(Diagnostic {
        severity,
        ..at(contract, column, path, message, help)
    })
}

/// What the table has and what the contract promises, and what to do about it.
fn in_the_contract(one: &Unreadable, is_declared: bool) -> (String, String) {
    let Unreadable { column, path, why } = one;
    match why {
        WhyUnreadable::Missing if !is_declared => (
            format!("column `{column}` is of tables that a stream feeds, and the table does not have it"),
            "leave it out of the queries".to_owned(),
        ),
        WhyUnreadable::Missing => (
            format!("column `{column}` is required in the contract, and the table does not have it"),
            "have its maker add it, or leave out `required: true`: then it is null".to_owned(),
        ),
        WhyUnreadable::OtherCase(known) => (
            format!("the table does not have `{path}`, but `{known}`, which differs by case alone"),
            format!("write `{known}` in the contract and the queries, or have its maker rename it"),
        ),
        WhyUnreadable::NoField => (
            format!(
                "`{path}` is required in the contract, and the table's values of `{column}` do not have that field"
            ),
            "have its maker add it, or leave out `required: true`: then it is null".to_owned(),
        ),
        WhyUnreadable::OtherType { table, promised } => {
            let (table, promised) = (in_words(table), in_words(promised));
            (
                format!("column `{path}` is {table} in the table and {promised} in the contract"),
                format!(
                    "have its maker write it as {promised}, or promise {table} in the contract and cast it in the queries"
                ),
            )
        }
    }
}

fn at(contract: &DatasetContract, column: &str, path: &str, message: String, help: String) -> Diagnostic {
    let object = contract.object();
    let property = object.properties.iter().find(|property| property.name == column);
    let place = property.map_or(&object.place, |property| declared_at(property, path));
    place.error(TABLE_UNREADABLE, message, Some(&help))
}

/// The pipelines and models that read a column or a value inside of it; with `named` also those whose queries name it and do
/// nothing with it.
fn readers(lineage: &ColumnLineage, dataset: &DatasetName, column: &str, named: bool) -> BTreeSet<String> {
    let column = DatasetColumn {
        dataset: dataset.clone(),
        column: column.to_owned(),
    };
    let edges = lineage.readers(&column);
    let edges = edges.filter(|edge| named || edge.how != Dependency::Named);
    edges.map(|edge| edge.via.to_string()).collect()
}

/// The pipelines and models that read a dataset.
fn steps(lineage: &ColumnLineage, dataset: &DatasetName) -> BTreeSet<String> {
    let steps = lineage.reading(dataset);
    steps
        .map(|step| format!("{} {}", step.kind.as_str(), step.via))
        .collect()
}

fn listed(steps: &BTreeSet<String>) -> String {
    steps.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}
