//! Chains: the way of a column's values to everything that is computed from them, and from everything that they are computed
//! from.

use std::collections::BTreeSet;
use std::fmt;

use polder_core::DatasetName;

use super::{ColumnEdge, ColumnLineage, Step, Target, overlap};
use super::{DatasetColumn, Dependency};

/// How many chains are given at most: meshes of diamonds have more than anybody reads.
const MOST_CHAINS: usize = 1000;

/// One step on a column's way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// What reads.
    pub via: Step,
    /// What depends on it.
    pub to: Target,
    /// How: all ways in which this step depends on what comes before.
    pub how: Vec<Dependency>,
}

/// The way from a column to something that is computed from it: `a.b.c.col → pipeline x.y → d.e.f.col2 → …`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// Where it begins.
    pub from: DatasetColumn,
    /// The steps, at least one.
    pub hops: Vec<Hop>,
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.from)?;
        self.hops.iter().try_for_each(|hop| match &hop.to {
            // A model is what reads and what depends on it in one.
            Target::Model(_) => write!(f, " → {}", hop.via),
            to => write!(f, " → {} → {to}", hop.via),
        })
    }
}

impl ColumnLineage {
    /// Everything that a column reaches: whole chains, to where they end. A column that only decides which rows there
    /// are ends its chain: from there on every column depends on it.
    pub fn downstream(&self, dataset: &DatasetName, column: &str) -> Vec<Chain> {
        let from = DatasetColumn {
            dataset: dataset.clone(),
            column: column.to_owned(),
        };
        let mut walk = Walk {
            lineage: self,
            on_the_way: BTreeSet::from([from.clone()]),
            hops: Vec::new(),
            chains: Vec::new(),
            from: from.clone(),
        };
        walk.go_on(&from);
        walk.chains
    }

    /// Everything that a column is computed from, step by step: first what it is computed from itself, then what that is
    /// computed from, to where data comes in; each dependency once. What only decides which rows a dataset on the way has
    /// is among its step, and not followed further.
    pub fn upstream(&self, dataset: &DatasetName, column: &str) -> Vec<Vec<ColumnEdge>> {
        let first = DatasetColumn {
            dataset: dataset.clone(),
            column: column.to_owned(),
        };
        let mut seen = BTreeSet::from([first.clone()]);
        let mut told = BTreeSet::new();
        let mut steps = Vec::new();
        let mut here = vec![first];
        while !here.is_empty() && seen.len() <= MOST_CHAINS {
            let (mut step, mut next) = (Vec::new(), Vec::new());
            for column in &here {
                for edge in self.entering(&column.dataset) {
                    let edge = match &edge.to {
                        Target::Column(to) if overlap(&to.column, &column.column) => brought(edge, to, column),
                        Target::Rows(_) => edge.clone(),
                        Target::Column(_) | Target::Model(_) => continue,
                    };
                    if matches!(edge.to, Target::Column(_)) && seen.insert(edge.from.clone()) {
                        next.push(edge.from.clone());
                    }
                    if told.insert(edge.clone()) {
                        step.push(edge);
                    }
                }
            }
            if !step.is_empty() {
                steps.push(step);
            }
            here = next;
        }
        steps
    }

    /// What depends on a column in one step, each with all ways in which it does; row-level dependencies only where a
    /// step has no other.
    pub(crate) fn next(&self, column: &DatasetColumn) -> Vec<Hop> {
        let mut hops: Vec<Hop> = Vec::new();
        for edge in self.readers(column) {
            let to = carried(edge, column);
            match hops.iter_mut().find(|hop| hop.via == edge.via && hop.to == to) {
                Some(hop) if hop.how.contains(&edge.how) => {}
                Some(hop) => hop.how.push(edge.how),
                None => hops.push(Hop {
                    via: edge.via.clone(),
                    to,
                    how: vec![edge.how],
                }),
            }
        }
        let by_value: BTreeSet<_> = hops
            .iter()
            .filter(|hop| matches!(hop.to, Target::Column(_)))
            .map(|hop| hop.via.clone())
            .collect();
        hops.retain(|hop| !matches!(hop.to, Target::Rows(_)) || !by_value.contains(&hop.via));
        hops
    }
}

/// Where a value comes out: of a struct that is passed on as it is, the same value inside of it.
fn carried(edge: &ColumnEdge, column: &DatasetColumn) -> Target {
    match (&edge.to, column.column.strip_prefix(edge.from.column.as_str())) {
        (Target::Column(to), Some(rest)) if edge.how == Dependency::Identity && !rest.is_empty() => {
            Target::Column(DatasetColumn {
                dataset: to.dataset.clone(),
                column: format!("{}{rest}", to.column),
            })
        }
        (to, _) => to.clone(),
    }
}

/// The edge by which a value came: into a struct that is passed on as it is, from the same value inside of what it was.
fn brought(edge: &ColumnEdge, to: &DatasetColumn, column: &DatasetColumn) -> ColumnEdge {
    match column.column.strip_prefix(to.column.as_str()) {
        Some(rest) if edge.how == Dependency::Identity && !rest.is_empty() => ColumnEdge {
            from: DatasetColumn {
                dataset: edge.from.dataset.clone(),
                column: format!("{}{rest}", edge.from.column),
            },
            to: Target::Column(column.clone()),
            ..edge.clone()
        },
        _ => edge.clone(),
    }
}

struct Walk<'l> {
    lineage: &'l ColumnLineage,
    from: DatasetColumn,
    /// Columns of the chain so far, so that circles end.
    on_the_way: BTreeSet<DatasetColumn>,
    hops: Vec<Hop>,
    chains: Vec<Chain>,
}

impl Walk<'_> {
    fn go_on(&mut self, column: &DatasetColumn) {
        let next = self.lineage.next(column);
        let mut ends = true;
        for hop in next {
            if self.chains.len() >= MOST_CHAINS {
                return;
            }
            let to = hop.to.clone();
            match to {
                Target::Column(to) if !self.on_the_way.insert(to.clone()) => continue,
                Target::Column(to) => {
                    self.hops.push(hop);
                    self.go_on(&to);
                    self.on_the_way.remove(&to);
                }
                Target::Rows(_) | Target::Model(_) => {
                    self.hops.push(hop);
                    self.end();
                }
            }
            self.hops.pop();
            ends = false;
        }
        if ends {
            self.end();
        }
    }

    fn end(&mut self) {
        if !self.hops.is_empty() {
            self.chains.push(Chain {
                from: self.from.clone(),
                hops: self.hops.clone(),
            });
        }
    }
}
