//! The blast radius of a change: what no longer works when a column or dataset is not as it was, and what does.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;

use polder_core::{DatasetName, ObjectName};

use super::altered::Altered;
use super::chain::Hop;
use super::{ColumnLineage, LineageEdge, Step, Target, overlap};
use super::{DatasetColumn, Dependency};

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
    /// Everything that nothing new comes to, in words: steps that do not check, and all that is made of what they built.
    waiting: BTreeSet<String>,
}

/// What a change reaches.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reached {
    /// For each end of what breaks the way to it.
    pub chains: Vec<String>,
    /// Every pipeline, model and reader that breaks, in words.
    pub broken: BTreeSet<String>,
    /// What is made from the dataset or reads it and does not break by the change itself, but gets nothing new either: a
    /// step that does not check gives none of its columns.
    pub waiting: BTreeSet<String>,
    /// Everything else that is made from the dataset or reads it, also by way of others, in words.
    pub unaffected: BTreeSet<String>,
}

/// Steps that check and that a change breaks all the same.
#[derive(Debug, Clone, Default)]
pub struct Broken {
    /// Those of which rows go, or others come: with all their columns.
    pub rows: BTreeSet<ObjectName>,
    /// Those that make other values of the changed column.
    pub values: BTreeSet<ObjectName>,
}

impl Broken {
    fn has(&self, step: &ObjectName) -> bool {
        self.rows.contains(step) || self.values.contains(step)
    }
}

/// Which readers of the changed place itself it breaks; whoever reads what those made breaks with them.
#[derive(Debug, Clone, Copy)]
enum Breaks<'s> {
    /// All.
    All,
    /// Steps that do not check, and these.
    Unsound(&'s Broken),
    /// These.
    Only(&'s Broken),
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
    /// (`unsound`) reads what it read before; one that was deleted reads nothing. `unbuilt` are datasets that nobody
    /// builds any more.
    pub fn new(
        before: &ColumnLineage,
        after: &ColumnLineage,
        unsound: &'a BTreeSet<ObjectName>,
        unbuilt: &BTreeSet<DatasetName>,
        readers: &'a [Reader],
    ) -> Self {
        let kept = before.edges.iter().filter(|edge| unsound.contains(&edge.via.name));
        let now = after.edges.iter().filter(|edge| !unsound.contains(&edge.via.name));
        let edges = now.chain(kept).cloned().collect();
        let kept = before.steps.iter().filter(|step| unsound.contains(&step.via));
        // What is known of the query of a step that does not check may be less than it read before.
        let kept = kept.filter(|step| !after.steps.contains(step));
        let mut reach = Self {
            lineage: ColumnLineage::new(edges, after.steps.iter().chain(kept).cloned().collect()),
            unsound,
            readers,
            waiting: BTreeSet::new(),
        };
        let stopped = || reach.lineage.steps.iter().filter(|read| unsound.contains(&read.via));
        let mut waiting: BTreeSet<_> = stopped().map(|read| step(read).to_string()).collect();
        let given = stopped().filter_map(|read| read.to.as_ref());
        // Nothing is refused of them either.
        let refused: Vec<_> = unbuilt.iter().map(DatasetName::quarantine).collect();
        waiting.extend(reach.behind(given.chain(unbuilt).chain(&refused)));
        reach.waiting = waiting;
        reach
    }

    /// The same, where some steps check and ask something else than before: what they read before counts too.
    #[must_use]
    pub fn with_altered(mut self, altered: &[Altered]) -> Self {
        let more: BTreeSet<_> = altered.iter().flat_map(Altered::edges).collect();
        if !more.is_empty() {
            let mut edges = self.lineage.edges;
            edges.extend(more);
            self.lineage = ColumnLineage::new(edges, self.lineage.steps);
        }
        self
    }

    /// What breaks when a column (or, without one, a whole dataset) changes: pipelines and models that read it and do
    /// not check any more, and whatever is made of what they made. `direct` are the readers that the change itself
    /// breaks, by their position.
    pub fn of(&self, dataset: &DatasetName, column: Option<&str>, direct: &BTreeSet<usize>) -> Reached {
        self.with_broken(dataset, column, direct, &Broken::default())
    }

    /// As [`Reach::of`], where some steps check but are `broken`: the contract of what they build refuses the column's
    /// values, or they ask something else than before.
    pub fn with_broken(
        &self,
        dataset: &DatasetName,
        column: Option<&str>,
        direct: &BTreeSet<usize>,
        broken: &Broken,
    ) -> Reached {
        self.from(dataset, column, direct, Breaks::Unsound(broken))
    }

    /// What breaks by a promise that got weaker: that stops no query, so only `direct` and `broken` are broken by it, as
    /// in [`Reach::with_broken`].
    pub fn by_promise(
        &self,
        dataset: &DatasetName,
        column: Option<&str>,
        direct: &BTreeSet<usize>,
        broken: &Broken,
    ) -> Reached {
        self.from(dataset, column, direct, Breaks::Only(broken))
    }

    /// What breaks when a dataset gets no more rows: everything that reads it, or the rows that were refused of it.
    pub fn unbuilt(&self, dataset: &DatasetName) -> Reached {
        let of = |dataset: &DatasetName| {
            let direct = self.readers_of(dataset, None).collect();
            self.from(dataset, None, &direct, Breaks::All)
        };
        let (mut reached, refused) = (of(dataset), of(&dataset.quarantine()));
        reached.chains.extend(refused.chains);
        reached.broken.extend(refused.broken);
        reached
    }

    fn from(
        &self,
        dataset: &DatasetName,
        column: Option<&str>,
        direct: &BTreeSet<usize>,
        breaks: Breaks<'_>,
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
            breaks,
        };
        for reader in direct {
            walk.visit(Place::Reader(*reader), 0, None);
        }
        while let Some(at) = walk.open.pop_front() {
            walk.go_on(at);
        }
        let behind = self.behind([dataset]).into_iter();
        let rest = behind.filter(|name| !walk.broken.contains(name));
        let (waiting, unaffected) = rest.partition(|name| self.waiting.contains(name));
        Reached {
            chains: walk.chains(),
            waiting,
            unaffected,
            broken: walk.broken,
        }
    }

    /// Everything that nothing new comes to, in words: steps that do not check, and all that is made of what they built.
    pub fn waiting(&self) -> &BTreeSet<String> {
        &self.waiting
    }

    /// Whether nothing new comes to this step or reader, by its name in words.
    pub fn is_waiting(&self, name: &str) -> bool {
        self.waiting.contains(name)
    }

    /// Everything that is made from datasets or reads them, also by way of others.
    fn behind<'d>(&'d self, datasets: impl IntoIterator<Item = &'d DatasetName>) -> BTreeSet<String> {
        let mut seen: BTreeSet<_> = datasets.into_iter().collect();
        let mut open: Vec<_> = seen.iter().copied().collect();
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
    breaks: Breaks<'r>,
}

impl Walk<'_, '_> {
    fn go_on(&mut self, at: usize) {
        let place = self.visits[at].place.clone();
        let first = self.visits[at].from.is_none();
        for hop in self.reach.next(&place) {
            // Whoever reads the changed column itself and checks is not broken by it; whoever reads what a broken
            // step made is.
            let name = &hop.via.name;
            let breaks = match self.breaks {
                Breaks::All => true,
                Breaks::Unsound(broken) => self.reach.unsound.contains(name) || broken.has(name),
                Breaks::Only(broken) => broken.has(name),
            };
            if first && !breaks {
                continue;
            }
            self.broken.insert(hop.via.to_string());
            // A row that is refused is missing with all its columns.
            let refused =
                first && matches!(self.breaks, Breaks::Unsound(some) | Breaks::Only(some) if some.rows.contains(name));
            // Of a step that checks more is refused, or something else: whoever reads that is there to tell it.
            let told = hop.to.dataset().is_some_and(|dataset| dataset.refused().is_some());
            if first
                && told
                && matches!(self.breaks, Breaks::Unsound(_) | Breaks::Only(_))
                && !self.reach.unsound.contains(name)
            {
                continue;
            }
            let to = match hop.to {
                Target::Column(column) if refused && !self.reach.unsound.contains(name) => {
                    Place::Dataset(column.dataset)
                }
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
