//! Rows that told each other apart and need not any more, where they are handed on to a dataset in which they must.

use std::collections::BTreeSet;

use polder_contract::diff::{Guarantees, demanded_key, key};
use polder_contract::{Metric, RowTest, Rule, RuleKind, SetTest};
use polder_core::DatasetName;
use polder_engine::{ColumnEdge, Dependency, Pipeline, Target};

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

/// Whether what told rows apart may do so in what it comes to.
pub(super) fn makes_keys(edge: &ColumnEdge) -> bool {
    match edge.how {
        Dependency::Identity | Dependency::Transformation => true,
        Dependency::Aggregation => edge.keeps_values,
        _ => false,
    }
}

impl<'m> Handed<'m> {
    /// The columns of a source that come as they are into these columns.
    pub(super) fn handed_key(&self, pipeline: &Pipeline, source: &DatasetName, key: &[String]) -> HandedKey<'m> {
        self.key_of(pipeline, source, key, |edge| edge.how == Dependency::Identity)
    }

    /// The columns of a source that each value of these columns is made of: as they are, computed, or chosen of several.
    pub(super) fn made_key(&self, pipeline: &Pipeline, source: &DatasetName, key: &[String]) -> HandedKey<'m> {
        self.key_of(pipeline, source, key, makes_keys)
    }

    fn key_of(
        &self,
        pipeline: &Pipeline,
        source: &DatasetName,
        key: &[String],
        takes: impl Fn(&ColumnEdge) -> bool,
    ) -> HandedKey<'m> {
        let leaving = self.mesh.analysis.lineage.leaving(source);
        let edges: Vec<_> = leaving.filter(|edge| edge.via.name == pipeline.name).collect();
        let taken = edges.iter().filter(|edge| takes(edge));
        let from = taken.flat_map(|edge| {
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

    /// Whether a pipeline gives one row of each key, from wherever its columns come.
    pub(super) fn gives_one_of_all(
        &self,
        pipeline: &Pipeline,
        key: &[String],
        handed: &[(&DatasetName, HandedKey<'_>)],
    ) -> bool {
        let columns = handed
            .iter()
            .flat_map(|(source, key)| key.from.iter().map(|column| (*source, column.as_str())));
        self.gives_one(pipeline, key, &columns.collect())
    }

    /// Whether a pipeline gives one row of each key: it keeps its rows by it, or groups by nothing else.
    pub(super) fn gives_one(
        &self,
        pipeline: &Pipeline,
        key: &[String],
        handed: &BTreeSet<(&DatasetName, &str)>,
    ) -> bool {
        let keyed = !pipeline.key.is_empty() && pipeline.key.iter().all(|column| key.contains(column));
        let edges = self.mesh.analysis.lineage.edges.iter();
        let mut groups = edges
            .filter(|edge| edge.via.name == pipeline.name && edge.how == Dependency::GroupBy)
            .map(|edge| (&edge.from.dataset, edge.from.column.as_str()))
            .peekable();
        keyed || (groups.peek().is_some() && groups.all(|column| handed.contains(&column)))
    }

    /// Rules about all rows of a source that is not kept any more, where a pipeline makes rows of which the same is asked.
    pub(super) fn sets(&self, loosened: &Loosened<'_>, refusing: &mut Refusing) {
        let source = &loosened.column.dataset;
        let reading: BTreeSet<_> = self
            .mesh
            .analysis
            .lineage
            .reading(source)
            .map(|read| &read.via)
            .collect();
        for pipeline in self
            .mesh
            .engine
            .pipelines()
            .iter()
            .filter(|own| reading.contains(&own.name))
        {
            let Some(target) = self.now(&pipeline.dataset) else {
                continue;
            };
            for rule in target.rules() {
                match demanded_key(rule) {
                    Some(key) => self.key(loosened, pipeline, (rule, key), refusing),
                    None => alike(loosened, pipeline, rule, refusing),
                }
            }
        }
    }

    /// What is unique no more, or no key any more, of which a pipeline makes another one.
    fn key(
        &self,
        loosened: &Loosened<'_>,
        pipeline: &Pipeline,
        (rule, columns): (&Rule, &[String]),
        refusing: &mut Refusing,
    ) {
        let source = &loosened.column.dataset;
        let is_lost = |handed: &HandedKey<'_>| {
            let from = handed.columns();
            let mine = from.iter().map(|column| (source, *column)).collect();
            let lost = loosened.was.tell_apart(&from) && !loosened.now.tell_apart(&from);
            lost && loosened.restores(|kept| kept.tell_apart(&from)) && !self.gives_one(pipeline, columns, &mine)
        };
        let handed = self.handed_key(pipeline, source, columns);
        let Some(via) = handed.edges.first().map(|edge| &edge.via) else {
            return;
        };
        if !is_lost(&handed) {
            // What is computed of others may be the same of two all the same.
            if is_lost(&self.made_key(pipeline, source, columns)) {
                refusing.perhaps.insert(via.to_string());
            }
            return;
        }
        // A rule that takes some duplicates is not broken by each.
        if handed.is_chosen_by() || key(rule).is_none() {
            refusing.perhaps.insert(via.to_string());
            return;
        }
        let (to, columns) = (&pipeline.dataset, columns.join(", "));
        let why = format!(
            "no two rows of {to} may have the same {columns} ({}), and those of {source} may now",
            rule.id
        );
        refusing.surely(via, rule, &why);
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
