//! What tells the rows of datasets apart below one of which a contract keeps certain keys: what their own contracts keep, and
//! what the queries that make them leave.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use polder_contract::diff::{Guarantees, key};
use polder_core::{DatasetName, ObjectName};
use polder_engine::{Apart, Keys, Materialization, Pipeline, Words};

use super::Handed;

/// The datasets below one.
pub(super) struct Below<'h> {
    handed: &'h Handed<'h>,
    source: &'h DatasetName,
    /// What the contract of that one keeps.
    kept: &'h Guarantees,
    /// All that is made of it.
    datasets: &'h BTreeSet<DatasetName>,
    keys: RefCell<BTreeMap<(DatasetName, Words), Keys>>,
    queries: RefCell<Queries>,
    /// Among how many columns a query chooses at most, of those looked at so far.
    choices: Cell<usize>,
}

/// Of more columns that a query chooses among the first ones count.
const MOST_CHOICES: usize = 4;

/// What was found of pipelines' queries; nothing of those that do not plan.
type Queries = BTreeMap<(ObjectName, Words), Option<Rc<Apart>>>;

impl<'h> Below<'h> {
    pub(super) fn new(
        handed: &'h Handed<'h>,
        source: &'h DatasetName,
        kept: &'h Guarantees,
        datasets: &'h BTreeSet<DatasetName>,
    ) -> Self {
        Self {
            handed,
            source,
            kept,
            datasets,
            keys: RefCell::default(),
            queries: RefCell::default(),
            choices: Cell::default(),
        }
    }

    /// In how many ways the queries that were looked at choose among columns, where they do.
    pub(super) fn choices(&self) -> usize {
        match self.choices.get() {
            0 | 1 => 0,
            some => some.min(MOST_CHOICES),
        }
    }

    /// Whether no two rows that a pipeline makes have the same values in these columns. What comes from elsewhere is taken
    /// for one row wherever it is met, of which only its own columns tell which one it is.
    pub(super) fn are_apart(&self, pipeline: &Pipeline, columns: &[String], words: Words) -> bool {
        is_keyed(pipeline, columns) || self.query(pipeline, words).is_some_and(|apart| apart.by(columns))
    }

    /// Whether each scalar subquery of a pipeline gives one row at most.
    pub(super) fn are_scalar(&self, pipeline: &Pipeline, words: Words) -> bool {
        self.query(pipeline, words).is_some_and(|apart| apart.is_scalar)
    }

    fn query(&self, pipeline: &Pipeline, words: Words) -> Option<Rc<Apart>> {
        let place = (pipeline.name.clone(), words);
        if let Some(found) = self.queries.borrow().get(&place) {
            return found.clone();
        }
        let lineage = &self.handed.mesh.analysis.lineage;
        let apart = lineage.apart(&pipeline.name, words, &|dataset| self.keys(dataset, words));
        let apart = apart.map(Rc::new);
        let choices = apart.as_ref().map_or(0, |apart| apart.choices);
        self.choices.set(self.choices.get().max(choices));
        self.queries.borrow_mut().insert(place, apart.clone());
        apart
    }

    fn keys(&self, dataset: &DatasetName, words: Words) -> Keys {
        if dataset == self.source {
            return keys_of(self.kept);
        }
        if !self.datasets.contains(dataset) {
            return Keys::elsewhere();
        }
        let place = (dataset.clone(), words);
        if let Some(found) = self.keys.borrow().get(&place) {
            return found.clone();
        }
        let kept = self.handed.now(dataset);
        let mut keys = kept.map(|kept| keys_of(&kept)).unwrap_or_default();
        // Where pipelines go round in a circle, that is all.
        self.keys.borrow_mut().insert(place.clone(), keys.clone());
        let pipelines = self.handed.mesh.engine.pipelines().iter();
        for pipeline in pipelines.filter(|pipeline| pipeline.dataset == *dataset) {
            if pipeline.materialization == Materialization::AppendDistinct {
                keys.sets.push(pipeline.key.iter().cloned().collect());
            }
            let Some(apart) = self.query(pipeline, words) else {
                continue;
            };
            let left = apart.keys();
            keys.sets.extend(left.sets);
            keys.alike.extend(left.alike);
        }
        self.keys.borrow_mut().insert(place, keys.clone());
        keys
    }
}

impl Handed<'_> {
    /// The datasets that are made of one, by any number of steps.
    pub(super) fn made_of(&self, source: &DatasetName) -> BTreeSet<DatasetName> {
        let mut made = BTreeSet::new();
        let mut open = vec![source.clone()];
        while let Some(dataset) = open.pop() {
            for read in self.mesh.analysis.lineage.reading(&dataset) {
                let to = read.to.iter().filter(|to| !made.contains(*to)).cloned();
                let to: Vec<_> = to.collect();
                made.extend(to.iter().cloned());
                open.extend(to);
            }
        }
        made
    }

    /// Whether no two rows that a pipeline makes have the same values in these columns, by what all contracts keep.
    pub(super) fn are_apart(&self, pipeline: &Pipeline, columns: &[String]) -> bool {
        let keys = |dataset: &DatasetName| self.now(dataset).map(|kept| keys_of(&kept)).unwrap_or_default();
        let apart = || self.mesh.analysis.lineage.apart(&pipeline.name, Words::Exact, &keys);
        is_keyed(pipeline, columns) || apart().is_some_and(|apart| apart.by(columns))
    }
}

/// Whether a pipeline keeps its rows by some of these columns. That groups are built anew by them says nothing of their rows.
fn is_keyed(pipeline: &Pipeline, columns: &[String]) -> bool {
    pipeline.materialization == Materialization::AppendDistinct
        && pipeline.key.iter().all(|column| columns.contains(column))
}

fn keys_of(kept: &Guarantees) -> Keys {
    let keys = kept.rules().iter().filter_map(key);
    keys.map(|key| key.iter().cloned().collect()).collect()
}
