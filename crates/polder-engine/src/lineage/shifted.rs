//! Queries that take columns by their place (`SELECT *` under a list of names, or in a `UNION`), and what they take when
//! the columns of a dataset stand in another order.

use std::collections::{BTreeMap, BTreeSet};

use polder_core::{DatasetName, ObjectName};

use super::{ColumnEdge, ColumnLineage, Dependency, Step, Target};

/// Something that an unchanged query makes of other columns than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shifted {
    /// The pipeline.
    pub via: Step,
    /// What it makes.
    pub to: Target,
    /// The columns of the dataset that it was made of and is not any more.
    pub was: BTreeSet<String>,
    /// Those that it is made of instead.
    pub is: BTreeSet<String>,
}

/// What a step makes, and whether of values or by choosing among them.
type Made<'l> = (&'l Step, &'l Target, bool);

/// What each of these steps makes of a dataset's columns.
fn made<'l>(
    lineage: &'l ColumnLineage,
    dataset: &'l DatasetName,
    steps: &BTreeSet<ObjectName>,
) -> BTreeMap<Made<'l>, BTreeSet<&'l str>> {
    let mut made: BTreeMap<Made<'l>, BTreeSet<&str>> = BTreeMap::new();
    let edges = lineage.leaving(dataset).filter(|edge| steps.contains(&edge.via.name));
    for edge in edges.filter(|edge| edge.how != Dependency::Named) {
        let of = made.entry((&edge.via, &edge.to, is_direct(edge))).or_default();
        of.insert(outermost(&edge.from.column));
    }
    made
}

fn is_direct(edge: &ColumnEdge) -> bool {
    matches!(
        edge.how,
        Dependency::Identity | Dependency::Transformation | Dependency::Aggregation
    )
}

/// The column of a path: `address` of `address.city`.
fn outermost(path: &str) -> &str {
    path.split(['.', '[', '{']).next().unwrap_or(path)
}

/// What steps whose queries are as they were (`unchanged`) make of other columns of a dataset than before.
pub fn shifted(
    before: &ColumnLineage,
    after: &ColumnLineage,
    dataset: &DatasetName,
    unchanged: &BTreeSet<ObjectName>,
) -> Vec<Shifted> {
    let now = made(after, dataset, unchanged);
    let none = BTreeSet::new();
    let were = made(before, dataset, unchanged).into_iter();
    let found = were.filter_map(|(key, were)| {
        let are = now.get(&key).unwrap_or(&none);
        let names = |one: &BTreeSet<&str>, other: &BTreeSet<&str>| -> BTreeSet<String> {
            one.difference(other).map(|name| (*name).to_owned()).collect()
        };
        let (was, is) = (names(&were, are), names(are, &were));
        // What is made of fewer columns lost them by their names: a place always has a column.
        (!was.is_empty() && !is.is_empty()).then(|| Shifted {
            via: key.0.clone(),
            to: key.1.clone(),
            was,
            is,
        })
    });
    found.collect()
}
