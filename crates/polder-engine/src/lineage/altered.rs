//! Queries whose text is as it was and that ask something else: their names, or the places of columns that they take by
//! their place, mean other columns than before.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use datafusion::error::Result as PlanResult;
use datafusion::logical_expr::LogicalPlan;
use polder_core::{DatasetName, ObjectName};
use polder_query::lineage::{Origins, Tracer};

use super::renamed::{Named, Renamed};
use super::retyped::{Retyped, Typed, retyped};
use super::wording::wording;
use super::{ColumnEdge, ColumnLineage, DatasetColumn, Dependency, Step, Target, overlap};
use crate::step::StepKind;

/// Whose query it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asker {
    /// A pipeline or model.
    Step(Step),
    /// A rule of a contract: a query, or a reference to another dataset.
    Rule {
        /// The dataset that the rule is of.
        dataset: DatasetName,
        /// The rule's id.
        id: String,
    },
}

impl fmt::Display for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Step(step) => step.fmt(f),
            Self::Rule { dataset, id } => f.pad(&format!("rule {id} of {dataset}")),
        }
    }
}

/// A part of what a query gives.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Rows,
    Column(String),
}

/// Columns, each with a way in which something depends on it.
type Uses = BTreeSet<(Dependency, DatasetColumn)>;

/// A step or a dataset, the name of an input, and what the query says.
type Key<'r> = (
    Option<&'r Step>,
    Option<(Option<StepKind>, &'r DatasetName)>,
    &'r str,
    &'r str,
);

/// What a query reads.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    pub(crate) asker: Asker,
    /// Which of the asker's queries: the name of a model's input.
    pub(crate) input: String,
    /// What the query says, however it is written.
    pub(crate) text: String,
    /// The dataset that is made of it.
    target: Option<DatasetName>,
    /// What each part is made of; nothing where the query does not plan.
    made: Option<BTreeMap<Part, Uses>>,
    /// The plan, of a query that has one.
    typed: Option<Typed>,
    /// Whether it holds values of different kinds against each other.
    unlike: bool,
}

impl Reading {
    /// What tells it apart from all others whatever it asks: a pipeline may have another name, and is the same by what it
    /// builds; a rule may go by another id.
    fn key(&self) -> Key<'_> {
        let (step, dataset) = match (&self.asker, &self.target) {
            (Asker::Step(step), None) => (Some(step), None),
            (Asker::Step(_), Some(target)) => (None, Some((Some(StepKind::Pipeline), target))),
            (Asker::Rule { dataset, .. }, _) => (None, Some((None, dataset))),
        };
        (step, dataset, &self.input, &self.text)
    }

    /// The same, of the query that makes a dataset.
    pub(crate) fn making(self, target: &DatasetName) -> Self {
        Self {
            target: Some(target.clone()),
            ..self
        }
    }

    /// Of a query that plans.
    ///
    /// # Errors
    /// The engine's, for plans that contradict themselves.
    pub(crate) fn of(asker: Asker, input: &str, text: &str, plan: &LogicalPlan) -> PlanResult<Self> {
        let mut tracer = Tracer::default();
        let traced = tracer.query(plan)?;
        let mut made = BTreeMap::from([(Part::Rows, uses(&tracer, &traced.rows))]);
        for (field, origins) in plan.schema().fields().iter().zip(&traced.columns) {
            made.insert(Part::Column(field.name().clone()), uses(&tracer, origins));
        }
        Ok(Self {
            made: Some(made),
            typed: Some(Typed::of(plan)),
            ..Self::unplanned(asker, input, text)
        })
    }

    /// Of what chooses rows by columns and asks for nothing else.
    /// Where these are `unlike`, values of different kinds are held against each other.
    pub(crate) fn of_columns(
        asker: Asker,
        text: &str,
        columns: impl IntoIterator<Item = DatasetColumn>,
        unlike: bool,
    ) -> Self {
        let uses = columns.into_iter().map(|column| (Dependency::Join, column)).collect();
        Self {
            made: Some(BTreeMap::from([(Part::Rows, uses)])),
            unlike,
            ..Self::unplanned(asker, "", text)
        }
    }

    /// Of a query that does not plan.
    pub(crate) fn unplanned(asker: Asker, input: &str, text: &str) -> Self {
        Self {
            asker,
            input: input.to_owned(),
            text: wording(text),
            target: None,
            made: None,
            typed: None,
            unlike: false,
        }
    }
}

/// Columns with how they are used: of values only that they are.
fn uses(tracer: &Tracer, origins: &Origins) -> Uses {
    let mut uses = Uses::new();
    for (id, dependencies) in origins.iter() {
        let Some(column) = tracer.columns().get(id) else {
            continue;
        };
        for how in dependencies.iter().filter(|how| *how != Dependency::Named) {
            let how = if how.is_direct() { Dependency::Identity } else { how };
            uses.insert((how, column.clone()));
        }
    }
    uses
}

/// How an unchanged query goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Still {
    /// It asks for other columns.
    Asks,
    /// It does with values of another kind what it did with those that were there.
    Takes,
    /// It holds values against values of another kind, and did not.
    Compares,
    /// Not at all: it does not plan.
    Fails,
}

/// Something that an unchanged query makes of other columns than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Altered {
    /// Whose query it is.
    pub asker: Asker,
    /// What it makes; nothing for the figure of a rule.
    pub to: Option<Target>,
    /// Columns that it was made of and is not any more, by the names that they had; where it no longer plans or compares
    /// what it did, all.
    pub was: BTreeSet<DatasetColumn>,
    /// Those that it is made of now and was not, by the names that they have, each with the name that it had.
    pub is: BTreeMap<DatasetColumn, Option<DatasetColumn>>,
    /// How it goes on.
    pub still: Still,
    /// Where it takes values of another kind, what it does with them.
    pub retyped: Vec<Retyped>,
}

impl Altered {
    /// The pipeline or model whose query it is.
    pub fn step(&self) -> Option<&ObjectName> {
        match &self.asker {
            Asker::Step(step) => Some(&step.name),
            Asker::Rule { .. } => None,
        }
    }

    /// Whether the query asked a dataset.
    pub fn asked(&self, dataset: &DatasetName) -> bool {
        self.was.iter().any(|column| column.dataset == *dataset)
    }

    /// Whether it is by a column that was `gone` or renamed, by its old name.
    pub fn is_by_old(&self, dataset: &DatasetName, gone: &str) -> bool {
        let of = |column: &DatasetColumn| column.dataset == *dataset && overlap(&column.column, gone);
        self.was.iter().any(of)
            || self
                .is
                .iter()
                .any(|(now, before)| before.as_ref().is_some_and(|b| b != now && of(b)))
    }

    /// Whether it is by a column that came.
    pub fn is_by_new(&self, dataset: &DatasetName, come: &str) -> bool {
        let of = |column: &DatasetColumn| column.dataset == *dataset;
        match self.still {
            Still::Asks => self.is.keys().any(|column| of(column) && overlap(&column.column, come)),
            // A name of which there are two now.
            Still::Fails => self.was.iter().any(of) && self.was.iter().any(|column| column.column == come),
            // A field of an object that is taken as a whole.
            Still::Takes => self
                .was
                .iter()
                .any(|column| of(column) && overlap(&column.column, come)),
            Still::Compares => false,
        }
    }

    /// The dependencies on the columns, by the names that they had.
    pub(super) fn edges(&self) -> impl Iterator<Item = ColumnEdge> {
        let columns = self.is.iter().map(|(now, before)| before.as_ref().unwrap_or(now));
        let columns: BTreeSet<_> = self.was.iter().chain(columns).collect();
        let ends = match (&self.asker, &self.to) {
            (Asker::Step(via), Some(to)) => Some((via, to)),
            _ => None,
        };
        ends.into_iter().flat_map(move |(via, to)| {
            let edge = |from: &&DatasetColumn| ColumnEdge {
                from: (*from).clone(),
                via: via.clone(),
                to: to.clone(),
                how: match to {
                    Target::Rows(_) => Dependency::Filter,
                    _ => Dependency::Transformation,
                },
                keeps_values: false,
            };
            columns.iter().map(edge).collect::<Vec<_>>()
        })
    }
}

/// The queries of steps and rules that are as they were and ask something else than before. `unsound` are steps in which
/// there is an error.
pub fn altered(
    before: &ColumnLineage,
    after: &ColumnLineage,
    renamed: &Renamed,
    unsound: &BTreeSet<ObjectName>,
) -> Vec<Altered> {
    let now: BTreeMap<_, _> = after.readings.iter().map(|now| (now.key(), now)).collect();
    let built = after
        .steps
        .iter()
        .filter_map(|read| Some((&read.via, read.to.as_ref()?)));
    let targets: BTreeMap<_, _> = built.collect();
    let mut found = Vec::new();
    for before in &before.readings {
        let (Some(old), Some(now)) = (&before.made, now.get(&before.key())) else {
            continue;
        };
        if matches!(&now.asker, Asker::Step(step) if unsound.contains(&step.name)) {
            continue;
        }
        let (step, target) = match &now.asker {
            Asker::Step(step) => (Some(step), targets.get(&step.name).copied()),
            Asker::Rule { .. } => (None, None),
        };
        let alter = |part: &Part, was, is, still| Altered {
            asker: now.asker.clone(),
            to: step.map(|step| match (target, part) {
                (None, _) => Target::Model(step.name.clone()),
                (Some(dataset), Part::Rows) => Target::Rows(dataset.clone()),
                (Some(dataset), Part::Column(name)) => Target::Column(DatasetColumn {
                    dataset: dataset.clone(),
                    column: name.clone(),
                }),
            }),
            was,
            is,
            still,
            retyped: Vec::new(),
        };
        let all = || old.values().flatten().map(|(_, column)| column.clone()).collect();
        match &now.made {
            Some(_) if now.unlike && !before.unlike => {
                found.push(alter(&Part::Rows, all(), BTreeMap::new(), Still::Compares));
            }
            Some(new) => {
                let typed = before.typed.as_ref().zip(now.typed.as_ref());
                let kinds = typed.and_then(|(before, now)| retyped(before, now, renamed).ok());
                let kinds = kinds.unwrap_or_default().into_iter();
                found.extend(kinds.map(|(part, retyped)| {
                    let was = retyped.iter().map(|one| one.column.clone()).collect();
                    Altered {
                        retyped,
                        ..alter(&part, was, BTreeMap::new(), Still::Takes)
                    }
                }));
                let new = Now::of(new, renamed, target);
                let parts = old.iter().filter_map(|(part, uses)| {
                    let (was, is) = new.differs(part, uses, old)?;
                    Some(alter(part, was, is, Still::Asks))
                });
                found.extend(parts);
            }
            None => found.push(alter(&Part::Rows, all(), BTreeMap::new(), Still::Fails)),
        }
    }
    found
}

/// How a column is used now, its old name if it has one, and its name.
type NowUsed<'n> = (Dependency, Option<DatasetColumn>, &'n DatasetColumn);

/// What a query is made of now, by the names of before.
struct Now<'n> {
    /// Of each part the columns by their old names, with their names.
    made: BTreeMap<Part, Vec<NowUsed<'n>>>,
}

impl<'n> Now<'n> {
    fn of(made: &'n BTreeMap<Part, Uses>, renamed: &Renamed, target: Option<&DatasetName>) -> Self {
        let by_old_name = |part: &Part| match (part, target) {
            (Part::Column(name), Some(target)) => {
                let column = DatasetColumn {
                    dataset: target.clone(),
                    column: name.clone(),
                };
                Some(Part::Column(renamed.before(&column)?.column))
            }
            (part, _) => Some(part.clone()),
        };
        let made = made.iter().filter_map(|(part, uses)| {
            let uses = uses.iter().map(|(how, column)| (*how, renamed.before(column), column));
            Some((by_old_name(part)?, uses.collect()))
        });
        Self { made: made.collect() }
    }

    /// How a part differs from what it was: what it was made of, and what it is made of instead. A part that is not given any
    /// more, or was not, is a change of what the step builds, and told there.
    fn differs(&self, part: &Part, old: &Uses, all: &BTreeMap<Part, Uses>) -> Option<(BTreeSet<DatasetColumn>, Named)> {
        let new = self.made.get(part)?;
        let known: BTreeSet<_> = new
            .iter()
            .filter_map(|(how, before, _)| Some((*how, before.as_ref()?)))
            .collect();
        // `SELECT DISTINCT *`: that rows differ by a column is no news where the column itself comes or goes with it.
        let went = |column: &DatasetColumn| {
            let mut gone = all.iter().filter(|(part, _)| !self.made.contains_key(part));
            gone.any(|(_, uses)| uses.contains(&(Dependency::Identity, column.clone())))
        };
        let came = |column: &DatasetColumn| {
            let mut come = self.made.iter().filter(|(part, _)| !all.contains_key(part));
            come.any(|(_, uses)| {
                uses.iter()
                    .any(|(how, _, own)| *how == Dependency::Identity && *own == column)
            })
        };
        let was = old
            .iter()
            .filter(|(how, column)| !(known.contains(&(*how, column)) || *how == Dependency::GroupBy && went(column)));
        let is = new.iter().filter(|(how, before, column)| {
            let mut kept = before.iter().filter(|before| old.contains(&(*how, (*before).clone())));
            kept.next().is_none() && !(*how == Dependency::GroupBy && came(column))
        });
        let mut was: BTreeSet<_> = was.map(|(_, column)| column.clone()).collect();
        let mut is: Named = is
            .map(|(_, before, column)| ((*column).clone(), before.clone()))
            .collect();
        if was.is_empty() && is.is_empty() {
            // The same columns that changed their names among each other stand for each other.
            let swapped = new.iter().filter(|(how, before, column)| {
                *how != Dependency::GroupBy
                    && before.as_ref() != Some(*column)
                    && old.contains(&(*how, (*column).clone()))
            });
            for (_, before, column) in swapped {
                was.insert((*column).clone());
                is.insert((*column).clone(), before.clone());
            }
        }
        (!was.is_empty() || !is.is_empty()).then_some((was, is))
    }
}
