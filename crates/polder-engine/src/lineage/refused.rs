//! Lineage of refused rows: whatever builds a dataset writes the rows that its contract refuses, too.

use std::collections::{BTreeMap, BTreeSet};

use polder_core::DatasetName;

use super::{ColumnEdge, DatasetColumn, Dependency, LineageEdge, Target};

/// The columns of a quarantine table that the values of a refused row make; the first holds the row.
const MADE_OF_VALUES: [&str; 3] = ["record", "reason", "rule"];

/// Adds what comes to the quarantine tables that steps read, from what is computed into the datasets whose refused rows they
/// keep. Of tables that nobody reads nothing is said, which would be as much again for each pipeline.
pub(crate) fn add_refused(edges: &mut Vec<ColumnEdge>, steps: &mut Vec<LineageEdge>) {
    let mut read: BTreeMap<DatasetName, BTreeSet<&str>> = BTreeMap::new();
    for step in steps.iter().filter(|step| step.from.refused().is_some()) {
        read.entry(step.from.clone()).or_default();
    }
    for edge in edges.iter() {
        if let Some(columns) = read.get_mut(&edge.from.dataset) {
            columns.extend(MADE_OF_VALUES.iter().filter(|column| **column == edge.from.column));
        }
    }
    read.values_mut()
        .filter(|columns| columns.is_empty())
        .for_each(|columns| columns.extend(&MADE_OF_VALUES[..1]));
    let refused = |dataset: Option<&DatasetName>| {
        let (table, columns) = read.get_key_value(&dataset?.quarantine())?;
        Some((table, columns))
    };
    let more: BTreeSet<_> = edges
        .iter()
        .filter_map(|edge| Some((edge, refused(edge.to.dataset())?)))
        .flat_map(|(edge, (table, columns))| to_refused(edge, table, columns))
        .collect();
    let more_steps: Vec<_> = steps
        .iter()
        .filter_map(|step| {
            Some(LineageEdge {
                to: Some(refused(step.to.as_ref())?.0.clone()),
                ..step.clone()
            })
        })
        .collect();
    edges.extend(more);
    steps.extend(more_steps);
}

/// An edge into a dataset, as one into the table that keeps its refused rows.
fn to_refused(edge: &ColumnEdge, table: &DatasetName, columns: &BTreeSet<&str>) -> Vec<ColumnEdge> {
    let targets: Vec<Target> = match &edge.to {
        Target::Column(_) => {
            let columns = columns.iter().map(|column| DatasetColumn {
                dataset: table.clone(),
                column: (*column).to_owned(),
            });
            columns.map(Target::Column).collect()
        }
        Target::Rows(_) => vec![Target::Rows(table.clone())],
        Target::Model(_) => Vec::new(),
    };
    let how = match edge.how {
        // The row is kept as text.
        Dependency::Identity => Dependency::Transformation,
        how => how,
    };
    let edges = targets.into_iter().map(|to| ColumnEdge {
        to,
        how,
        keeps_values: false,
        ..edge.clone()
    });
    edges.collect()
}
