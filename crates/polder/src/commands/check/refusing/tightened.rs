//! Limits that are tightened on what a pipeline builds: rows that it made so far may be refused.

use std::collections::BTreeSet;

use polder_contract::diff::{Change, Class, Guarantees, Kept, key, refuses_null, refuses_only_null};
use polder_contract::{DatasetContract, RowCheck, Rule};
use polder_engine::{ColumnEdge, DatasetColumn, Dependency, Pipeline, Target};

use super::far::is_about_sign;
use super::{Handed, REFUSES, ROWS, chooses, refusal, sql};

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
                _ if sql::of(rule).is_some() => self.sql_kept(pipeline, rule),
                _ => return None,
            };
            let may = match (kept, from.as_str()) {
                (Kept::Surely, _) => return None,
                (Kept::Not, "") => "its query gives others".to_owned(),
                (Kept::Unsure, "") => "whether what its query gives keeps to that cannot be told".to_owned(),
                (Kept::Not, from) => format!("{from} may have others"),
                (Kept::Unsure, from) => format!("whether what it makes of {from} keeps to that cannot be told"),
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
        let handed = self.handed_by_all(pipeline, key);
        if self.are_apart(pipeline, key) {
            return (Kept::Surely, String::new());
        }
        let from: Vec<_> = handed.iter().map(|(source, _)| source.to_string()).collect();
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
        let mut kept = None;
        let mut from = BTreeSet::new();
        for (edge, to, inside) in made {
            let Some(keeps) = self.now(&edge.from.dataset) else {
                continue;
            };
            let there = format!("{}{inside}", edge.from.column);
            // Inside of a list or object that the query makes, where it put the value is not known.
            let computed = edge.how != Dependency::Identity && !inside.is_empty();
            let is_within = computed && !keeps.may_be_at(&there, target, path);
            let source = if is_within { &edge.from.column } else { &there };
            if is_within && edge.keeps_values && !keeps.may_be_at(source, target, path) {
                // It is of another kind, and elsewhere in there.
                continue;
            }
            // Sums of numbers of one sign have it too.
            let adds_up = || lineage.sums(to) && lineage.constants(to).is_some() && is_about_sign(rule);
            let values = match edge.keeps_values || adds_up() {
                true => self.values_kept(&keeps, (source, to), rule, target),
                false if refuses_only_null(rule) => Kept::Surely,
                // What is computed is as the query says, or may be anything.
                false => self.certainly_kept(to, rule, target).max(Kept::Unsure),
            };
            let edges: Vec<_> = lineage
                .leaving(&edge.from.dataset)
                .filter(|other| other.from == edge.from)
                .collect();
            let has_value = !refuses_null(rule)
                || match is_within {
                    true => keeps.have_value(source),
                    false => self.has_value((edge, to, inside), &keeps),
                };
            let mut one = values.min(if has_value { Kept::Surely } else { Kept::Not });
            if one == Kept::Not && (is_within || chooses(&edges, &edge.via, ROWS)) {
                one = Kept::Unsure;
            }
            if one < Kept::Surely {
                from.insert(format!("{}.{source}", edge.from.dataset));
            }
            kept = Some(kept.map_or(one, |kept: Kept| kept.min(one)));
        }
        let kept = match kept {
            Some(kept) => kept.min(self.constants_kept(pipeline, path, rule, target)),
            None => self.constant_kept(pipeline, path, rule, target),
        };
        (kept, from.into_iter().collect::<Vec<_>>().join(", "))
    }

    /// Whether the values that a column takes from another one keep a rule: by what is kept of them there, or by what the
    /// query says.
    pub(super) fn values_kept(
        &self,
        source: &Guarantees,
        (from, to): (&str, &DatasetColumn),
        rule: &Rule,
        target: &Guarantees,
    ) -> Kept {
        let by_source = source.keep_each(from, rule, target);
        let by_query = match rule.column.as_ref() == Some(&to.column) {
            true => target.keep_by_checks(&to.column, self.mesh.analysis.lineage.certain(to), rule),
            false => Vec::new(),
        };
        let parts = by_source
            .iter()
            .enumerate()
            .map(|(at, kept)| (*kept).max(by_query.get(at).copied().unwrap_or(Kept::Not)));
        parts.min().unwrap_or(Kept::Surely)
    }

    /// Whether values that come from no column, or of which only the query says something, keep a rule, null aside.
    fn certainly_kept(&self, to: &DatasetColumn, rule: &Rule, target: &Guarantees) -> Kept {
        let certain = self.mesh.analysis.lineage.certain(to);
        match certain.is_empty() || rule.column.as_ref() != Some(&to.column) {
            true => Kept::Unsure,
            false => {
                let parts = target.keep_by_checks(&to.column, certain, rule);
                parts.into_iter().min().unwrap_or(Kept::Surely)
            }
        }
    }

    /// Whether the constants that a query gives beside the values of columns keep a rule.
    fn constants_kept(&self, pipeline: &Pipeline, path: &str, rule: &Rule, target: &Guarantees) -> Kept {
        let lineage = &self.mesh.analysis.lineage;
        let to = DatasetColumn {
            dataset: pipeline.dataset.clone(),
            column: path.to_owned(),
        };
        let constants = lineage.constants(&to);
        let none = constants.is_some_and(BTreeSet::is_empty);
        // Of what is inside of a column nothing is known.
        if none || refuses_only_null(rule) || path.contains(['.', '[']) {
            return Kept::Surely;
        }
        let listed = constants.map(|constants| [RowCheck::OneOf(constants.iter().cloned().collect())]);
        let listed = listed.map(|listed| target.keep_by_checks(path, &listed, rule));
        let by_query = target.keep_by_checks(path, lineage.certain(&to), rule);
        let parts = by_query.into_iter().enumerate().map(|(at, kept)| {
            let listed = listed.as_ref().map(|listed| listed.get(at).copied());
            kept.max(listed.flatten().unwrap_or(Kept::Unsure))
        });
        parts.min().unwrap_or(Kept::Surely)
    }

    /// Whether the query lists the values of a column.
    fn is_listed(&self, to: &DatasetColumn) -> bool {
        let mut certain = self.mesh.analysis.lineage.certain(to).iter();
        certain.any(|check| matches!(check, RowCheck::OneOf(_)))
    }

    /// Whether a column that comes from no other one keeps a rule.
    fn constant_kept(&self, pipeline: &Pipeline, path: &str, rule: &Rule, target: &Guarantees) -> Kept {
        let to = DatasetColumn {
            dataset: pipeline.dataset.clone(),
            column: path.to_owned(),
        };
        let is_null = refuses_null(rule) && self.mesh.analysis.lineage.may_be_null(&to);
        match (is_null, refuses_only_null(rule)) {
            (true, _) => Kept::Not,
            (false, true) if !path.contains(['.', '[']) => Kept::Surely,
            // Only values that stand there are known not to keep it.
            (false, _) => match (self.certainly_kept(&to, rule, target), self.is_listed(&to)) {
                (Kept::Not, false) => Kept::Unsure,
                (kept, _) => kept,
            },
        }
    }

    /// Whether a value that a pipeline makes is never null.
    fn has_value(&self, (edge, to, inside): (&ColumnEdge, &DatasetColumn, &str), source: &Guarantees) -> bool {
        let lineage = &self.mesh.analysis.lineage;
        if !inside.is_empty() {
            return source.require(&format!("{}{inside}", edge.from.column));
        }
        // What the plan does not know may be known by a rule, unless the query brings null by itself.
        let is_handed_on = edge.how == Dependency::Identity && !lineage.brings_null(to);
        !lineage.may_be_null(to) || (is_handed_on && source.have_value(&edge.from.column))
    }
}

/// Whether a rule of the new contract says nothing that was not kept before.
pub(super) fn is_kept(before: &Guarantees, rule: &Rule, target: &Guarantees) -> bool {
    if sql::of(rule).is_some() {
        return sql::asks(before, rule);
    }
    match (key(rule), &rule.column) {
        (Some(key), _) => before.tell_apart(&key.iter().map(String::as_str).collect()),
        (None, Some(path)) => {
            before.keep(path, rule, target) == Kept::Surely && (!refuses_null(rule) || before.require(path))
        }
        (None, None) => false,
    }
}
