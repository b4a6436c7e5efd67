//! The blast radius of a change: what no longer works when a column or dataset is not as it was, and what does.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;

use polder_core::{DatasetName, ObjectName};

use super::chain::Hop;
use super::origins::{DatasetColumn, Dependency};
use super::{ColumnLineage, Step, Target, overlap};
use crate::engine::LineageEdge;

/// Something that reads datasets and is no pipeline or model: a registered consumer, an output port of a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    /// What it is, in words: `consumer finance-dashboard`.
    pub name: String,
    /// The dataset.
    pub dataset: DatasetName,
    /// The columns that it reads; all of them where it does not say.
    pub columns: Option<Vec<String>>,
}

impl Reader {
    fn reads(&self, column: &str) -> bool {
        self.columns
            .as_ref()
            .is_none_or(|columns| columns.iter().any(|own| overlap(own, column)))
    }
}

/// A mesh as a change leaves it, to follow what the change breaks.
#[derive(Debug)]
pub struct Reach<'a> {
    /// Who reads what once the change is made.
    lineage: ColumnLineage,
    /// Pipelines and models that do not check with the change.
    unsound: &'a BTreeSet<ObjectName>,
    readers: &'a [Reader],
}

/// What a change reaches.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reached {
    /// For each end of what breaks the way to it.
    pub chains: Vec<String>,
    /// Every pipeline, model and reader that breaks, in words.
    pub broken: BTreeSet<String>,
    /// Everything else that is made from the dataset or reads it, also by way of others, in words.
    pub unaffected: BTreeSet<String>,
}

/// A place that a change reaches.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Column(DatasetColumn),
    Dataset(DatasetName),
    Model(Step),
    Reader(usize),
}

/// A place, and how it was reached.
struct Visit {
    place: Place,
    from: Option<(usize, Option<Step>)>,
    leads_on: bool,
}

impl<'a> Reach<'a> {
    /// The mesh with a change. A pipeline or model that checks reads what it reads now; one that does not check
    /// (`unsound`) reads what it read before; one that was deleted reads nothing.
    pub fn new(
        before: &ColumnLineage,
        after: &ColumnLineage,
        unsound: &'a BTreeSet<ObjectName>,
        readers: &'a [Reader],
    ) -> Self {
        let kept = before.edges.iter().filter(|edge| unsound.contains(&edge.via.name));
        let now = after.edges.iter().filter(|edge| !unsound.contains(&edge.via.name));
        let edges = now.chain(kept).cloned().collect();
        let kept = before.steps.iter().filter(|step| unsound.contains(&step.via));
        let now = after.steps.iter().filter(|step| !unsound.contains(&step.via));
        Self {
            lineage: ColumnLineage::new(edges, now.chain(kept).cloned().collect()),
            unsound,
            readers,
        }
    }

    /// What breaks when a column (or, without one, a whole dataset) changes: pipelines and models that read it and do
    /// not check any more, and whatever is made of what they made. `direct` are the readers that the change itself
    /// breaks, by their position.
    pub fn of(&self, dataset: &DatasetName, column: Option<&str>, direct: &BTreeSet<usize>) -> Reached {
        self.with_refusing(dataset, column, direct, &BTreeSet::new())
    }

    /// As [`Reach::of`], where some steps check but cannot go on with the column's values (`refusing`): the contract of
    /// what they build refuses them.
    pub fn with_refusing(
        &self,
        dataset: &DatasetName,
        column: Option<&str>,
        direct: &BTreeSet<usize>,
        refusing: &BTreeSet<ObjectName>,
    ) -> Reached {
        let start = match column {
            Some(column) => Place::Column(DatasetColumn {
                dataset: dataset.clone(),
                column: column.to_owned(),
            }),
            None => Place::Dataset(dataset.clone()),
        };
        let mut walk = Walk {
            reach: self,
            seen: BTreeSet::from([start.clone()]),
            visits: vec![Visit {
                place: start,
                from: None,
                leads_on: false,
            }],
            open: VecDeque::from([0]),
            broken: BTreeSet::new(),
            refusing,
        };
        for reader in direct {
            walk.visit(Place::Reader(*reader), 0, None);
        }
        while let Some(at) = walk.open.pop_front() {
            walk.go_on(at);
        }
        let unaffected = self.behind(dataset);
        Reached {
            chains: walk.chains(),
            unaffected: unaffected.difference(&walk.broken).cloned().collect(),
            broken: walk.broken,
        }
    }

    /// Everything that is made from a dataset or reads it, also by way of others.
    fn behind(&self, dataset: &DatasetName) -> BTreeSet<String> {
        let mut open = vec![dataset];
        let mut seen = BTreeSet::from([dataset]);
        let mut found = BTreeSet::new();
        while let Some(dataset) = open.pop() {
            found.extend(self.readers_of(dataset, None).map(|i| self.readers[i].name.clone()));
            for read in self.lineage.reading(dataset) {
                found.insert(step(read).to_string());
                open.extend(read.to.as_ref().filter(|to| seen.insert(to)));
            }
        }
        found
    }

    fn readers_of(&self, dataset: &DatasetName, column: Option<&str>) -> impl Iterator<Item = usize> {
        let all = self.readers.iter().enumerate();
        all.filter(move |(_, reader)| reader.dataset == *dataset && column.is_none_or(|column| reader.reads(column)))
            .map(|(i, _)| i)
    }

    /// The steps that read a place, each with what it makes of it.
    fn next(&self, place: &Place) -> Vec<Hop> {
        match place {
            Place::Column(column) => self.lineage.next(column),
            Place::Dataset(dataset) => {
                let hop = |read: &LineageEdge| Hop {
                    via: step(read),
                    to: match &read.to {
                        Some(dataset) => Target::Rows(dataset.clone()),
                        None => Target::Model(read.via.clone()),
                    },
                    how: vec![Dependency::Named],
                };
                self.lineage.reading(dataset).map(hop).collect()
            }
            Place::Model(_) | Place::Reader(_) => Vec::new(),
        }
    }
}

fn step(read: &LineageEdge) -> Step {
    Step {
        kind: read.kind,
        name: read.via.clone(),
    }
}

struct Walk<'r, 'a> {
    reach: &'r Reach<'a>,
    seen: BTreeSet<Place>,
    visits: Vec<Visit>,
    open: VecDeque<usize>,
    broken: BTreeSet<String>,
    refusing: &'r BTreeSet<ObjectName>,
}

impl Walk<'_, '_> {
    fn go_on(&mut self, at: usize) {
        let place = self.visits[at].place.clone();
        let first = self.visits[at].from.is_none();
        for hop in self.reach.next(&place) {
            // Whoever reads the changed column itself and checks is not broken by it; whoever reads what a broken
            // step made is.
            let stops = |steps: &BTreeSet<ObjectName>| steps.contains(&hop.via.name);
            if first && !stops(self.reach.unsound) && !stops(self.refusing) {
                continue;
            }
            self.broken.insert(hop.via.to_string());
            let to = match hop.to {
                Target::Column(column) => Place::Column(column),
                Target::Rows(dataset) => Place::Dataset(dataset),
                Target::Model(_) => Place::Model(hop.via.clone()),
            };
            self.visit(to, at, Some(hop.via));
        }
        if first {
            return;
        }
        let readers: Vec<_> = match &place {
            Place::Column(column) => self.reach.readers_of(&column.dataset, Some(&column.column)).collect(),
            Place::Dataset(dataset) => self.reach.readers_of(dataset, None).collect(),
            Place::Model(_) | Place::Reader(_) => Vec::new(),
        };
        for reader in readers {
            self.visit(Place::Reader(reader), at, None);
        }
    }

    fn visit(&mut self, place: Place, from: usize, via: Option<Step>) {
        if !self.seen.insert(place.clone()) {
            return;
        }
        if let Place::Reader(reader) = place {
            self.broken.insert(self.reach.readers[reader].name.clone());
        }
        self.visits[from].leads_on = true;
        self.open.push_back(self.visits.len());
        self.visits.push(Visit {
            place,
            from: Some((from, via)),
            leads_on: false,
        });
    }

    /// The way to each place that leads nowhere else.
    fn chains(&self) -> Vec<String> {
        let ends = self
            .visits
            .iter()
            .filter(|visit| !visit.leads_on && visit.from.is_some());
        ends.map(|end| self.chain(end)).collect()
    }

    fn chain(&self, end: &Visit) -> String {
        let mut parts = Vec::new();
        let mut visit = end;
        loop {
            // A model is what reads and what is reached in one.
            if !matches!(visit.place, Place::Model(_)) {
                parts.push(self.name(&visit.place));
            }
            let Some((from, via)) = &visit.from else { break };
            parts.extend(via.as_ref().map(ToString::to_string));
            visit = &self.visits[*from];
        }
        parts.reverse();
        parts.join(" → ")
    }

    fn name(&self, place: &Place) -> String {
        match place {
            Place::Reader(i) => self.reach.readers[*i].name.clone(),
            other => other.to_string(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Column(column) => column.fmt(f),
            Self::Dataset(dataset) => dataset.fmt(f),
            Self::Model(step) => step.fmt(f),
            Self::Reader(i) => write!(f, "reader {i}"),
        }
    }
}
