//! Rows that told each other apart and need not any more, where they are handed on to a dataset in which they must.

use std::collections::BTreeSet;

use polder_contract::diff::{Guarantees, demanded_key, key};
use polder_contract::{Metric, RowTest, Rule, RuleKind, SetTest};
use polder_core::DatasetName;
use polder_engine::{ColumnEdge, Dependency, Pipeline, Target, Words};

use super::apart::Below;
use super::{Declared, GROUPS, Handed, Loosened, Refusing, chooses};

/// The columns of one source that come as they are into those of a key, by one pipeline.
pub(super) struct HandedKey<'l> {
    pub(super) from: BTreeSet<String>,
    /// All that the pipeline takes of the source.
    edges: Vec<&'l ColumnEdge>,
}

impl HandedKey<'_> {
    pub(super) fn columns(&self) -> BTreeSet<&str> {
        self.from.iter().map(String::as_str).collect()
    }

    /// Whether the pipeline joins, filters or groups by one of the columns.
    pub(super) fn is_chosen_by(&self) -> bool {
        let mine = |edge: &&&ColumnEdge| self.from.contains(&edge.from.column);
        let edges: Vec<_> = self.edges.iter().filter(mine).copied().collect();
        edges.first().is_some_and(|edge| chooses(&edges, &edge.via, GROUPS))
    }
}

impl<'m> Handed<'m> {
    /// The columns of a source that come as they are into these columns.
    pub(super) fn handed_key(&self, pipeline: &Pipeline, source: &DatasetName, key: &[String]) -> HandedKey<'m> {
        let leaving = self.mesh.analysis.lineage.leaving(source);
        let edges: Vec<_> = leaving.filter(|edge| edge.via.name == pipeline.name).collect();
        let identical = edges.iter().filter(|edge| edge.how == Dependency::Identity);
        let from = identical.flat_map(|edge| {
            key.iter().filter_map(|column| match &edge.to {
                // The column, or the value around it with all that is inside.
                Target::Column(to) if to.dataset == pipeline.dataset => {
                    let inside = column.strip_prefix(to.column.as_str())?;
                    let is_inside = inside.is_empty() || inside.starts_with(['.', '[']);
                    is_inside.then(|| format!("{}{inside}", edge.from.column))
                }
                _ => None,
            })
        });
        let from = from.collect();
        HandedKey { from, edges }
    }

    /// The same of each dataset that the pipeline reads.
    pub(super) fn handed_by_all(&self, pipeline: &Pipeline, key: &[String]) -> Vec<(&'m DatasetName, HandedKey<'m>)> {
        let mesh: &'m Declared<'m> = self.mesh;
        let reading = mesh
            .analysis
            .lineage
            .steps
            .iter()
            .filter(|read| read.via == pipeline.name);
        let sources: BTreeSet<_> = reading.map(|read| &read.from).collect();
        let handed = sources
            .into_iter()
            .map(|source| (source, self.handed_key(pipeline, source, key)));
        handed.collect()
    }

    /// Rules about all rows of a source that is not kept any more, where a pipeline makes rows of which the same is asked.
    pub(super) fn sets(&self, loosened: &Loosened<'_>, refusing: &mut Refusing) {
        let source = &loosened.column.dataset;
        let lineage = &self.mesh.analysis.lineage;
        let pipelines = self.mesh.engine.pipelines().iter();
        let reading: BTreeSet<_> = lineage.reading(source).map(|read| &read.via).collect();
        for pipeline in pipelines.clone().filter(|own| reading.contains(&own.name)) {
            let target = self.now(&pipeline.dataset);
            let rules = target.iter().flat_map(|target| target.rules());
            for rule in rules.filter(|rule| demanded_key(rule).is_none()) {
                alike(loosened, pipeline, rule, refusing);
            }
        }
        let mut keys = loosened.was.rules().iter().filter_map(key);
        let lost = keys.any(|key| !loosened.now.tell_apart(&key.iter().map(String::as_str).collect()));
        if !lost {
            return;
        }
        let datasets = self.made_of(source);
        let reading: BTreeSet<_> = datasets
            .iter()
            .chain([source])
            .flat_map(|dataset| lineage.reading(dataset).map(|read| &read.via))
            .collect();
        let lost = LostKeys {
            handed: self,
            loosened,
            datasets: &datasets,
            was: Below::new(self, source, &loosened.was, &datasets),
            now: Below::new(self, source, &loosened.now, &datasets),
        };
        for pipeline in pipelines.filter(|own| reading.contains(&own.name)) {
            if lost.breaks(|below, words| below.are_scalar(pipeline, words)) {
                refusing.perhaps.insert(format!("pipeline {}", pipeline.name));
            }
            let target = self.now(&pipeline.dataset);
            let rules = target.iter().flat_map(|target| target.rules());
            for (rule, columns) in rules.filter_map(|rule| Some((rule, demanded_key(rule)?))) {
                lost.of_pipeline(pipeline, (rule, columns), refusing);
            }
        }
    }
}

/// Keys that the contract of a dataset keeps no more.
struct LostKeys<'l> {
    handed: &'l Handed<'l>,
    loosened: &'l Loosened<'l>,
    /// What is made of the dataset.
    datasets: &'l BTreeSet<DatasetName>,
    was: Below<'l>,
    now: Below<'l>,
}

impl LostKeys<'_> {
    /// Whether something was so by the keys of before, is not by those of now, and would be with the one that this change
    /// took away.
    fn breaks(&self, is_so: impl Fn(&Below<'_>, Words) -> bool) -> bool {
        let source = &self.loosened.column.dataset;
        let is_lost = |words| {
            is_so(&self.was, words)
                && !is_so(&self.now, words)
                && self
                    .loosened
                    .restores(|kept| is_so(&Below::new(self.handed, source, kept, self.datasets), words))
        };
        // Known only after the queries were looked at.
        Words::ALL.into_iter().any(is_lost) || (0..self.was.choices()).map(Words::Chosen).any(is_lost)
    }

    /// Rows of a pipeline of which a rule asks that no two have the same values in these columns.
    fn of_pipeline(&self, pipeline: &Pipeline, (rule, columns): (&Rule, &[String]), refusing: &mut Refusing) {
        let (handed, loosened) = (self.handed, self.loosened);
        let source = &loosened.column.dataset;
        let own = handed.handed_key(pipeline, source, columns);
        let from = own.columns();
        let is_lost = loosened.was.tell_apart(&from)
            && !loosened.now.tell_apart(&from)
            && loosened.restores(|kept| kept.tell_apart(&from))
            && !self.now.are_apart(pipeline, columns, Words::Exact);
        let via = format!("pipeline {}", pipeline.name);
        if !is_lost {
            if self.breaks(|below, words| below.are_apart(pipeline, columns, words)) {
                refusing.perhaps.insert(via);
            }
            return;
        }
        // A rule that takes some duplicates is not broken by each.
        let Some(first) = own.edges.first().filter(|_| !own.is_chosen_by() && key(rule).is_some()) else {
            refusing.perhaps.insert(via);
            return;
        };
        let (to, columns) = (&pipeline.dataset, columns.join(", "));
        let why = format!(
            "no two rows of {to} may have the same {columns} ({}), and those of {source} may now",
            rule.id
        );
        refusing.surely(&first.via, rule, &why);
    }
}

/// A rule about whole rows or all of them that is word for word the one which the source keeps no more.
fn alike(loosened: &Loosened<'_>, pipeline: &Pipeline, rule: &Rule, refusing: &mut Refusing) {
    let keeps = |kept: &Guarantees| kept.rules().iter().any(|own| own.kind == rule.kind);
    let of_rows = match &rule.kind {
        RuleKind::Row(RowTest::Sql(_)) => true,
        RuleKind::Set(_) => rule.column.is_none() || matches!(&rule.kind, RuleKind::Set(test) if !is_of_values(test)),
        _ => false,
    };
    let lost = of_rows && keeps(&loosened.was) && !keeps(&loosened.now);
    if lost && loosened.restores(keeps) {
        let (to, source) = (&pipeline.dataset, &loosened.column.dataset);
        let why = format!(
            "rule {} of {to} asks what {source} does not keep any more ({}); whether the rows that come break it cannot be told",
            rule.id, rule.says
        );
        refusing
            .unsure
            .entry(format!("pipeline {}", pipeline.name))
            .or_insert(why);
    }
}

/// Whether a rule about a table counts values that break a check, which is told by that check.
fn is_of_values(test: &SetTest) -> bool {
    matches!(
        test.metric,
        Metric::Nulls { .. } | Metric::Missing { .. } | Metric::Invalid { .. }
    )
}
