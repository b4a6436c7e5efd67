//! Limits that are tightened on what a pipeline builds: rows that it made so far may be refused.

use std::collections::BTreeSet;

use polder_contract::diff::{Change, Class, Guarantees, Kept, key, refuses_null, refuses_only_null};
use polder_contract::{DatasetContract, Rule};
use polder_core::DatasetName;
use polder_engine::{ColumnEdge, DatasetColumn, Dependency, Pipeline, Target};

use super::{Handed, REFUSES, ROWS, chooses, refusal};

/// A pipeline that may lose rows by a limit of what it builds.
#[derive(Debug)]
pub(in super::super) struct Losing {
    /// What becomes of it, in words.
    pub(in super::super) what: String,
    /// Why.
    pub(in super::super) why: String,
}

impl Handed<'_> {
    /// The pipelines that build what a limit was tightened of, as far as their sources do not keep to it.
    pub(in super::super) fn losing(&self, change: &Change, new: Option<&DatasetContract>) -> Vec<Losing> {
        let tightens = change.class.breaks_writers() || change.class == Class::QualityTightened;
        let (Some(dataset), Some(id), true) = (&change.dataset, &change.rule, tightens) else {
            return Vec::new();
        };
        let Some(target) = new.and_then(|new| self.now(new.dataset())) else {
            return Vec::new();
        };
        let Some(rule) = target.rules().iter().find(|rule| rule.id == *id) else {
            return Vec::new();
        };
        if self
            .before(dataset)
            .is_some_and(|before| is_kept(&before, rule, &target))
        {
            return Vec::new();
        }
        let pipelines = self.mesh.engine.pipelines().iter();
        let mine = pipelines.filter(|pipeline| pipeline.dataset == *dataset);
        mine.filter_map(|pipeline| {
            let (kept, from) = match (key(rule), &rule.column) {
                (Some(key), _) => self.key_kept(pipeline, key),
                (None, Some(path)) if target.about(path).any(|about| about == rule) => {
                    self.value_kept(pipeline, path, rule, &target)
                }
                _ => return None,
            };
            let may = match kept {
                Kept::Surely => return None,
                Kept::Not => format!("{from} may have others"),
                Kept::Unsure => format!("whether what it makes of {from} keeps to that cannot be told"),
            };
            let what = match refusal(rule) {
                REFUSES => format!("pipeline {} may lose rows to quarantine", pipeline.name),
                other => format!("pipeline {} may {other}", pipeline.name),
            };
            Some(Losing {
                what,
                why: format!("{} of {dataset} asks: {}; {may}", rule.id, rule.says),
            })
        })
        .collect()
    }

    /// Whether no two rows that a pipeline makes have the same key, and from where that comes.
    fn key_kept(&self, pipeline: &Pipeline, key: &[String]) -> (Kept, String) {
        let lineage = &self.mesh.analysis.lineage;
        let reading = lineage.steps.iter().filter(|read| read.via == pipeline.name);
        let sources: BTreeSet<&DatasetName> = reading.map(|read| &read.from).collect();
        let handed: Vec<_> = sources
            .iter()
            .map(|source| (*source, self.handed_key(pipeline, source, key)))
            .collect();
        let columns = handed
            .iter()
            .flat_map(|(source, key)| key.from.iter().map(|column| (*source, column.as_str())));
        if self.gives_one(pipeline, key, &columns.collect()) {
            return (Kept::Surely, String::new());
        }
        let from: Vec<_> = sources.iter().map(ToString::to_string).collect();
        let kept = match handed.as_slice() {
            [(source, key)] => {
                let apart = self.now(source).is_some_and(|kept| kept.tell_apart(&key.columns()));
                match (apart, key.is_chosen_by()) {
                    (true, false) => Kept::Surely,
                    (false, false) if !key.from.is_empty() => Kept::Not,
                    _ => Kept::Unsure,
                }
            }
            _ => Kept::Unsure,
        };
        (kept, from.join(", "))
    }

    /// Whether the values that a pipeline makes keep a rule, and from where they come.
    fn value_kept(&self, pipeline: &Pipeline, path: &str, rule: &Rule, target: &Guarantees) -> (Kept, String) {
        let lineage = &self.mesh.analysis.lineage;
        let mine = |edge: &&ColumnEdge| edge.via.name == pipeline.name;
        let entering = lineage.entering(&pipeline.dataset).filter(mine);
        // The column, or the one around it.
        let made = entering.filter_map(|edge| match &edge.to {
            Target::Column(to) if edge.how.is_direct() => {
                let inside = path.strip_prefix(to.column.as_str())?;
                let is_inside = inside.is_empty() || inside.starts_with(['.', '[']);
                is_inside.then_some((edge, to, inside))
            }
            _ => None,
        });
        let mut kept = Kept::Surely;
        let mut from = BTreeSet::new();
        for (edge, to, inside) in made {
            let source = format!("{}{inside}", edge.from.column);
            let Some(keeps) = self.now(&edge.from.dataset) else {
                continue;
            };
            let values = match edge.keeps_values {
                true => keeps.keep(&source, rule, target),
                false if refuses_only_null(rule) => Kept::Surely,
                // What is computed may be anything.
                false => Kept::Unsure,
            };
            let edges: Vec<_> = lineage
                .leaving(&edge.from.dataset)
                .filter(|other| other.from == edge.from)
                .collect();
            let has_value = !refuses_null(rule) || self.has_value((edge, to, inside), &keeps, pipeline);
            let mut one = values.min(if has_value { Kept::Surely } else { Kept::Not });
            if one == Kept::Not && chooses(&edges, &edge.via, ROWS) {
                one = Kept::Unsure;
            }
            if one < Kept::Surely {
                from.insert(format!("{}.{source}", edge.from.dataset));
            }
            kept = kept.min(one);
        }
        (kept, from.into_iter().collect::<Vec<_>>().join(", "))
    }

    /// Whether a value that a pipeline makes is never null.
    fn has_value(
        &self,
        (edge, to, inside): (&ColumnEdge, &DatasetColumn, &str),
        source: &Guarantees,
        pipeline: &Pipeline,
    ) -> bool {
        let lineage = &self.mesh.analysis.lineage;
        if !inside.is_empty() {
            return source.require(&format!("{}{inside}", edge.from.column));
        }
        // What the plan does not know may be known by a rule, unless rows meet others or none.
        let mut edges = lineage.edges.iter();
        let joined = edges.any(|other| other.via.name == pipeline.name && other.how == Dependency::Join);
        !lineage.may_be_null(to)
            || (edge.how == Dependency::Identity && !joined && source.have_value(&edge.from.column))
    }
}

/// Whether a rule of the new contract says nothing that was not kept before.
fn is_kept(before: &Guarantees, rule: &Rule, target: &Guarantees) -> bool {
    match (key(rule), &rule.column) {
        (Some(key), _) => before.tell_apart(&key.iter().map(String::as_str).collect()),
        (None, Some(path)) => {
            before.keep(path, rule, target) == Kept::Surely && (!refuses_null(rule) || before.require(path))
        }
        (None, None) => false,
    }
}
