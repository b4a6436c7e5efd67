//! Lineage by column: from which columns of datasets the columns of other datasets are computed, which columns decide
//! what rows there are, and what is reached from a column by way of all of that.

mod altered;
mod apart;
mod certain;
mod chain;
mod reach;
mod refused;
mod renamed;
mod retyped;
#[cfg(test)]
mod tests;
mod wording;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use datafusion::error::Result as PlanResult;
use datafusion::logical_expr::LogicalPlan;
use polder_contract::RowCheck;
use polder_core::{DatasetName, ObjectName};
use polder_query::lineage::{Dependencies, Origins, Tracer};

pub(crate) use altered::Reading;
pub use altered::{Altered, Asker, Still, altered};
pub use apart::{Apart, Keys, Words};
pub(crate) use certain::{Certain, Constants, certain};
pub use chain::{Chain, Hop};
pub use polder_query::lineage::{DatasetColumn, Dependency};
pub use reach::{Broken, Reach, Reached, Reader};
pub(crate) use refused::add_refused;
pub use renamed::Renamed;
pub use retyped::Retyped;
pub(crate) use retyped::paths;
pub use wording::may_name;

use self::wording::names;
use crate::step::StepKind;

/// A pipeline or model.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Step {
    /// Which of both it is.
    pub kind: StepKind,
    /// Its full name.
    pub name: ObjectName,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{} {}", self.kind.as_str(), self.name))
    }
}

/// One step of the data's way, as declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineageEdge {
    /// The dataset that is read.
    pub from: DatasetName,
    /// The pipeline or model that reads it.
    pub via: ObjectName,
    /// Which of both it is.
    pub kind: StepKind,
    /// The dataset that is built; none for a model.
    pub to: Option<DatasetName>,
}

/// What depends on a column.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// The values of a column.
    Column(DatasetColumn),
    /// Which rows a dataset has.
    Rows(DatasetName),
    /// A model, as a whole.
    Model(ObjectName),
}

impl Target {
    /// The dataset; a model is none.
    pub fn dataset(&self) -> Option<&DatasetName> {
        match self {
            Self::Column(column) => Some(&column.dataset),
            Self::Rows(dataset) => Some(dataset),
            Self::Model(_) => None,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Column(column) => column.fmt(f),
            Self::Rows(dataset) => f.pad(&format!("rows of {dataset}")),
            Self::Model(name) => f.pad(&format!("model {name}")),
        }
    }
}

/// One dependency on a column.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ColumnEdge {
    /// The column.
    pub from: DatasetColumn,
    /// What reads it.
    pub via: Step,
    /// What depends on it.
    pub to: Target,
    /// How.
    pub how: Dependency,
    /// Whether some of the values that depend on it are the column's own, as they are: passed on, or chosen among others.
    pub keeps_values: bool,
}

/// The dependencies of all pipelines and models whose queries plan.
#[derive(Debug, Clone, Default)]
pub struct ColumnLineage {
    /// By step, in the order in which steps are declared; within a step by column. Behind those what comes to refused rows
    /// that some step reads.
    pub edges: Vec<ColumnEdge>,
    /// Who reads which dataset and builds which, also without naming a column of it (`count(*)`), and also where the
    /// query does not plan.
    pub steps: Vec<LineageEdge>,
    /// The edges that leave each dataset.
    leaving: BTreeMap<DatasetName, Vec<usize>>,
    /// The steps that read each dataset.
    reading: BTreeMap<DatasetName, Vec<usize>>,
    /// What queries say of the columns that pipelines make.
    certain: BTreeMap<DatasetColumn, Certain>,
    /// The queries of pipelines, as they are written.
    plans: BTreeMap<ObjectName, LogicalPlan>,
    /// What the queries of steps and rules read.
    readings: Vec<Reading>,
}

impl ColumnLineage {
    pub(crate) fn new(edges: Vec<ColumnEdge>, steps: Vec<LineageEdge>) -> Self {
        Self {
            leaving: positions(edges.iter().map(|edge| &edge.from.dataset)),
            reading: positions(steps.iter().map(|step| &step.from)),
            edges,
            steps,
            certain: BTreeMap::new(),
            plans: BTreeMap::new(),
            readings: Vec::new(),
        }
    }

    /// The same, with what is certain of the columns that pipelines make by the queries that make them.
    pub(crate) fn with_certain(self, certain: BTreeMap<DatasetColumn, Certain>) -> Self {
        Self { certain, ..self }
    }

    /// The same, with the queries of pipelines.
    pub(crate) fn with_plans(self, plans: BTreeMap<ObjectName, LogicalPlan>) -> Self {
        Self { plans, ..self }
    }

    /// The same, with what queries read.
    pub(crate) fn with_readings(self, readings: Vec<Reading>) -> Self {
        Self { readings, ..self }
    }

    /// What tells the rows of a pipeline's query apart, where these are the keys of the datasets that it reads; nothing
    /// where its query does not plan.
    pub fn apart(&self, pipeline: &ObjectName, words: Words, sources: &dyn Fn(&DatasetName) -> Keys) -> Option<Apart> {
        Some(apart::apart(self.plans.get(pipeline)?, words, sources))
    }

    /// Whether the query that makes a column may give null, as far as can be told from what the contracts of its sources
    /// say of theirs.
    pub fn may_be_null(&self, column: &DatasetColumn) -> bool {
        self.certain.get(column).is_some_and(|certain| !certain.have_value)
    }

    /// What the query that makes a column says of its values, null aside: that they are these constants, or between bounds
    /// that it filters by.
    pub fn certain(&self, column: &DatasetColumn) -> &[RowCheck] {
        let certain = self.certain.get(column);
        certain.map(|certain| certain.checks.as_slice()).unwrap_or_default()
    }

    /// Whether the query that makes a column may give null where nothing that the column comes from is null.
    pub fn brings_null(&self, column: &DatasetColumn) -> bool {
        self.certain.get(column).is_some_and(|certain| certain.brings_null)
    }

    /// Whether the query that makes a column puts values into lists, objects or maps.
    pub fn puts_inside(&self, column: &DatasetColumn) -> bool {
        self.certain.get(column).is_some_and(|certain| certain.inside > 0)
    }

    /// Whether the query that makes a column may give another value where a column of its sources, or what it is inside of,
    /// is null.
    pub fn replaces_null(&self, column: &DatasetColumn, of: &DatasetColumn) -> bool {
        let mut replaced = self
            .certain
            .get(column)
            .into_iter()
            .flat_map(|certain| &certain.replaced);
        replaced.any(|null| null.dataset == of.dataset && overlap(&null.column, &of.column))
    }

    /// Whether the query that makes a column adds up values, or gives their mean.
    pub fn sums(&self, column: &DatasetColumn) -> bool {
        self.certain.get(column).is_some_and(|certain| certain.sums)
    }

    /// Whether the query that makes a column counts values, for which it makes no difference what they are, if not null.
    pub fn counts(&self, column: &DatasetColumn) -> bool {
        self.certain.get(column).is_some_and(|certain| certain.counts)
    }

    /// The constants that the query which makes a column gives, beside values that are other columns' own; nothing where it
    /// gives values that are no column's own and that nothing is known of.
    pub fn constants(&self, column: &DatasetColumn) -> Option<&BTreeSet<String>> {
        match self.certain.get(column).map(|certain| &certain.constants)? {
            Constants::These(constants) => Some(constants),
            Constants::Unknown => None,
        }
    }

    /// The steps that read a dataset.
    pub fn reading(&self, dataset: &DatasetName) -> impl Iterator<Item = &LineageEdge> {
        let indices = self.reading.get(dataset).map(Vec::as_slice).unwrap_or_default();
        indices.iter().filter_map(|i| self.steps.get(*i))
    }

    /// The edges that leave a dataset.
    pub fn leaving(&self, dataset: &DatasetName) -> impl Iterator<Item = &ColumnEdge> {
        let indices = self.leaving.get(dataset).map(Vec::as_slice).unwrap_or_default();
        indices.iter().filter_map(|i| self.edges.get(*i))
    }

    /// The edges that go into a dataset.
    pub fn entering<'l>(&'l self, dataset: &'l DatasetName) -> impl Iterator<Item = &'l ColumnEdge> {
        self.edges.iter().filter(move |edge| edge.to.dataset() == Some(dataset))
    }

    /// The edges that leave a column, also by way of a value inside of it or of the value that it is inside of.
    pub fn readers<'l>(&'l self, column: &'l DatasetColumn) -> impl Iterator<Item = &'l ColumnEdge> {
        self.leaving(&column.dataset)
            .filter(|edge| overlap(&edge.from.column, &column.column))
    }
}

/// Where each dataset stands in a list.
fn positions<'d>(datasets: impl Iterator<Item = &'d DatasetName>) -> BTreeMap<DatasetName, Vec<usize>> {
    let mut positions: BTreeMap<DatasetName, Vec<usize>> = BTreeMap::new();
    for (i, dataset) in datasets.enumerate() {
        match positions.get_mut(dataset) {
            Some(known) => known.push(i),
            None => drop(positions.insert(dataset.clone(), vec![i])),
        }
    }
    positions
}

/// Whether one path is the other, or a value inside of it.
pub(crate) fn overlap(one: &str, other: &str) -> bool {
    let (short, long) = if one.len() <= other.len() {
        (one, other)
    } else {
        (other, one)
    };
    long.strip_prefix(short)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[', '{']))
}

/// The edges of a pipeline's query, of its text and plan.
///
/// # Errors
/// The engine's, for plans that contradict themselves.
pub(crate) fn of_pipeline(
    via: &Step,
    dataset: &DatasetName,
    sql: &str,
    plan: &LogicalPlan,
) -> PlanResult<Vec<ColumnEdge>> {
    let mut tracer = Tracer::default();
    let traced = tracer.query(plan)?;
    let mut edges = Edges::new(via, &tracer);
    for (field, origins) in plan.schema().fields().iter().zip(&traced.columns) {
        let column = DatasetColumn {
            dataset: dataset.clone(),
            column: field.name().clone(),
        };
        edges.add(origins, &Target::Column(column));
    }
    let rows = Target::Rows(dataset.clone());
    edges.add(&traced.rows, &rows);
    Ok(edges.finish(&[sql], &rows))
}

/// The edges of a model's inputs, each with its text and plan.
///
/// # Errors
/// As [`of_pipeline`].
pub(crate) fn of_model<'p>(
    via: &Step,
    inputs: impl IntoIterator<Item = (&'p str, &'p LogicalPlan)>,
) -> PlanResult<Vec<ColumnEdge>> {
    let mut tracer = Tracer::default();
    let mut all = Origins::default();
    let mut texts = Vec::new();
    for (sql, plan) in inputs {
        texts.push(sql);
        let traced = tracer.query(plan)?;
        traced.columns.iter().for_each(|column| all.add(column));
        all.add(&traced.rows);
    }
    let model = Target::Model(via.name.clone());
    let mut edges = Edges::new(via, &tracer);
    edges.add(&all, &model);
    Ok(edges.finish(&texts, &model))
}

/// Collects the edges of a step.
struct Edges<'t> {
    via: &'t Step,
    tracer: &'t Tracer,
    edges: Vec<ColumnEdge>,
    used: Origins,
}

impl<'t> Edges<'t> {
    fn new(via: &'t Step, tracer: &'t Tracer) -> Self {
        Self {
            via,
            tracer,
            edges: Vec::new(),
            used: Origins::default(),
        }
    }

    fn add(&mut self, origins: &Origins, to: &Target) {
        self.used.add(origins);
        self.extend(origins, to);
    }

    fn extend(&mut self, origins: &Origins, to: &Target) {
        let first = self.edges.len();
        for (id, dependencies) in origins.iter() {
            let Some(from) = self.tracer.columns().get(id) else {
                continue;
            };
            self.edges.extend(dependencies.iter().map(|how| ColumnEdge {
                from: from.clone(),
                via: self.via.clone(),
                to: to.clone(),
                how,
                keeps_values: how.is_direct() && dependencies.keep_values(),
            }));
        }
        self.edges[first..].sort();
    }

    /// Adds what the queries of these texts name without use. A struct of which a field is used is not named in vain, and
    /// what only a `*` brought and nobody took is not named.
    fn finish(mut self, texts: &[&str], to: &Target) -> Vec<ColumnEdge> {
        let columns = self.tracer.columns();
        let used: Vec<_> = self.used.iter().filter_map(|(id, _)| columns.get(id)).collect();
        let spelt: BTreeSet<_> = self.tracer.spelt().iter().map(|(id, _)| id).collect();
        let mut idle = self
            .tracer
            .named()
            .without(&self.used, Dependencies::of(Dependency::Named));
        idle.retain(|id| {
            columns.get(id).is_some_and(|idle| {
                let inside =
                    |used: &&DatasetColumn| used.dataset == idle.dataset && overlap(&used.column, &idle.column);
                let stands = || spelt.contains(&id) || texts.iter().any(|text| names(text, &idle.column));
                !used.iter().any(inside) && stands()
            })
        });
        self.extend(&idle, to);
        self.edges
    }
}
