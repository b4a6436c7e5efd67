//! Values that come after a change, and pipelines that hand them on to columns which refuse them.

use std::collections::BTreeSet;

use polder_contract::diff::{Change, Class, ColumnOf, refuses};
use polder_contract::{Contract, DatasetContract, OnFailure, RowCheck, RowTest, Rule, RuleKind, RuleSeverity};
use polder_core::{DatasetName, ObjectName};
use polder_engine::{ColumnEdge, ColumnLineage, DatasetColumn, Dependency, Step, Target};

use super::Declared;
use super::nulls::{allows_null, needs_value};

/// Pipelines that cannot go on with values that may come now.
#[derive(Debug, Default)]
pub(super) struct Refusing {
    /// Those whose rows would be refused.
    pub(super) surely: BTreeSet<ObjectName>,
    /// Those that also choose rows by the column, or compute from it, in words.
    pub(super) perhaps: BTreeSet<String>,
    /// Why, in sentences.
    pub(super) reasons: Vec<String>,
}

impl Refusing {
    fn surely(&mut self, via: &Step, why: &str) {
        self.surely.insert(via.name.clone());
        let reason = format!("{via} would refuse rows: {why}");
        if !self.reasons.contains(&reason) {
            self.reasons.push(reason);
        }
    }
}

/// The pipelines that hand on the values of a column that may be others now to a column that refuses them. `before` are the
/// queries of the base.
pub(super) fn refusing(mesh: &Declared<'_>, before: &ColumnLineage, old: &Contract, change: &Change) -> Refusing {
    let mut refusing = Refusing::default();
    let concerns = change.class.breaks_readers() || change.class == Class::QualityLoosened;
    let Some(dataset) = change.dataset.as_ref().filter(|_| concerns) else {
        return refusing;
    };
    match &change.column {
        Some(column) => {
            let column = DatasetColumn {
                dataset: dataset.clone(),
                column: column.clone(),
            };
            if change.class == Class::QualityLoosened {
                quality(mesh, &column, old, change, &mut refusing);
            } else {
                if allows_null(change) {
                    null(mesh, before, &column, &mut refusing);
                }
                limit(mesh, &column, change, &mut refusing);
            }
        }
        None if change.class.breaks_readers() && change.rule.as_deref() == Some("primaryKey") => {
            let reported = change.code == "on-failure-changed";
            key(mesh, old, dataset, reported, &mut refusing);
        }
        None => {}
    }
    // Who surely refuses rows is told as that.
    let surely = &refusing.surely;
    refusing
        .perhaps
        .retain(|step| !surely.iter().any(|name| *step == format!("pipeline {name}")));
    refusing
}

/// Null, which goes through most computations too.
fn null(mesh: &Declared<'_>, before: &ColumnLineage, column: &DatasetColumn, refusing: &mut Refusing) {
    let now = &mesh.analysis.lineage;
    let edges: Vec<_> = now.readers(column).collect();
    for edge in edges.iter().filter(|edge| edge.from == *column) {
        let Target::Column(to) = &edge.to else { continue };
        let computed = matches!(edge.how, Dependency::Transformation | Dependency::Aggregation);
        if !(computed && now.may_be_null(to) || edge.how == Dependency::Identity) || !needs_value(mesh, to) {
            continue;
        }
        // A query that could give null before says nothing by giving it now.
        let is_new = edge.how == Dependency::Identity || (knows(before, to) && !before.may_be_null(to));
        if is_new && !chooses(&edges, &edge.via, ROWS) {
            refusing.surely(&edge.via, &format!("{to} must have a value"));
        } else {
            refusing.perhaps.insert(edge.via.to_string());
        }
    }
}

/// Whether the query that makes a column is known.
fn knows(lineage: &ColumnLineage, column: &DatasetColumn) -> bool {
    lineage
        .entering(&column.dataset)
        .any(|edge| matches!(&edge.to, Target::Column(to) if to == column))
}

/// Any other limit of a column, which goes where its values go as they are.
fn limit(mesh: &Declared<'_>, column: &DatasetColumn, change: &Change, refusing: &mut Refusing) {
    let (Some(rule), Some(source)) = (&change.rule, mesh.contracts.get(&column.dataset)) else {
        return;
    };
    // It is still asked for, and what breaks it is reported only.
    let reported = change.code == "on-failure-changed";
    let is_unique = *rule == format!("{}.unique", column.column);
    let edges: Vec<_> = mesh.analysis.lineage.readers(column).collect();
    for edge in edges.iter().filter(|edge| edge.how.is_direct()) {
        // What is chosen among values is no value less for that; that each is there once is another matter, and null another.
        let as_it_is = edge.how == Dependency::Identity;
        if !as_it_is && (is_unique || *rule == format!("{}.required", column.column)) {
            continue;
        }
        // The column, or a value around it with all that is inside.
        let (Target::Column(to), Some(inside)) = (&edge.to, column.column.strip_prefix(edge.from.column.as_str()))
        else {
            continue;
        };
        let Some(target) = mesh.contracts.get(&to.dataset) else {
            continue;
        };
        let path = format!("{}{inside}", to.column);
        if !refuses(of(&source, &column.column), of(&target, &path), rule, reported) {
            continue;
        }
        let key = rule
            .strip_prefix(column.column.as_str())
            .unwrap_or(rule)
            .trim_start_matches('.');
        if !edge.keeps_values && key == "physicalType" {
            // What is computed has a type of its own.
            continue;
        }
        let conditional = edges
            .iter()
            .any(|other| other.via == edge.via && other.to == edge.to && other.how == Dependency::Conditional);
        let chooses = match is_unique {
            // One row of each value is what such a query gives.
            true if keeps_one(mesh, &edges, edge, &to.column) => continue,
            true => chooses(&edges, &edge.via, GROUPS),
            false => !edge.keeps_values || conditional || chooses(&edges, &edge.via, ROWS),
        };
        if chooses {
            refusing.perhaps.insert(edge.via.to_string());
        } else {
            let shown = DatasetColumn {
                dataset: to.dataset.clone(),
                column: path,
            };
            let why = match key {
                "required" => format!("{shown} must have a value"),
                key => format!("`{key}` of {shown} allows less than that of {column}"),
            };
            refusing.surely(&edge.via, &why);
        }
    }
}

/// A rule of `quality` about the values of a column, such as those that it may have, where a rule of the same kind refuses what
/// comes now.
fn quality(mesh: &Declared<'_>, column: &DatasetColumn, old: &Contract, change: &Change, refusing: &mut Refusing) {
    let mut objects = old.objects.iter();
    let before = objects.find(|object| object.dataset.as_ref() == Some(&column.dataset));
    let before = before.and_then(|object| object.rules().ok()).unwrap_or_default();
    let changed = before.iter().find(|rule| change.rule.as_ref() == Some(&rule.id));
    let Some(was) = changed.and_then(|rule| check_of(rule, &column.column)) else {
        return;
    };
    let now = mesh.contracts.get(&column.dataset);
    let now = now.and_then(|contract| contract.rules().ok()).unwrap_or_default();
    let kept: Vec<_> = now.iter().filter_map(|rule| check_of(rule, &column.column)).collect();
    let edges: Vec<_> = mesh.analysis.lineage.readers(column).collect();
    for edge in edges.iter().filter(|edge| edge.how.is_direct()) {
        let (Target::Column(to), Some(inside)) = (&edge.to, column.column.strip_prefix(edge.from.column.as_str()))
        else {
            continue;
        };
        let target = mesh.contracts.get(&to.dataset);
        let rules = target.and_then(|contract| contract.rules().ok()).unwrap_or_default();
        let path = format!("{}{inside}", to.column);
        let refuses = |check: &RowCheck| {
            std::mem::discriminant(check) == std::mem::discriminant(was) && !kept.iter().any(|kept| within(kept, check))
        };
        let refused = rules.iter().find(|rule| check_of(rule, &path).is_some_and(refuses));
        let Some(rule) = refused else { continue };
        let conditional = edges
            .iter()
            .any(|other| other.via == edge.via && other.to == edge.to && other.how == Dependency::Conditional);
        if !edge.keeps_values || conditional || chooses(&edges, &edge.via, ROWS) {
            refusing.perhaps.insert(edge.via.to_string());
        } else {
            let why = format!("rule {} of {} allows less than that of {column}", rule.id, to.dataset);
            refusing.surely(&edge.via, &why);
        }
    }
}

/// What a rule that refuses rows asks of the values of a column.
fn check_of<'r>(rule: &'r Rule, column: &str) -> Option<&'r RowCheck> {
    let refuses = rule.severity == RuleSeverity::Error && rule.on_failure != OnFailure::Warn;
    match &rule.kind {
        RuleKind::Row(RowTest::Value { check, .. }) if refuses && rule.column.as_deref() == Some(column) => Some(check),
        _ => None,
    }
}

/// Whether what keeps one check keeps the other.
fn within(kept: &RowCheck, asked: &RowCheck) -> bool {
    let among = |some: &[String], all: &[String]| some.iter().all(|one| all.contains(one));
    match (kept, asked) {
        (RowCheck::OneOf(kept), RowCheck::OneOf(asked)) => among(kept, asked),
        (RowCheck::NotMissing(kept), RowCheck::NotMissing(asked)) => among(asked, kept),
        (kept, asked) => kept == asked,
    }
}

/// A primary key that is not kept any more, or only asked for (`reported`), of which a pipeline makes another one.
fn key(mesh: &Declared<'_>, old: &Contract, dataset: &DatasetName, reported: bool, refusing: &mut Refusing) {
    let mut objects = old.objects.iter();
    let Some(object) = objects.find(|object| object.dataset.as_ref() == Some(dataset)) else {
        return;
    };
    let keys = object
        .properties
        .iter()
        .filter(|property| property.primary_key.is_some());
    let old_key: BTreeSet<&str> = keys.map(|property| property.name.as_str()).collect();
    // Fewer columns that tell rows apart do it all the more.
    let kept = mesh.contracts.get(dataset).is_some_and(|now| {
        let mine = |name: &str| old_key.contains(name);
        let properties = &now.object().properties;
        let mut key = properties
            .iter()
            .filter(|property| property.primary_key.is_some())
            .peekable();
        let by_key = !reported && key.peek().is_some() && key.all(|property| mine(&property.name));
        by_key
            || properties
                .iter()
                .any(|property| property.unique && mine(&property.name))
    });
    if kept {
        return;
    }
    for pipeline in mesh.engine.pipelines() {
        let Some(target) = mesh.contracts.get(&pipeline.dataset) else {
            continue;
        };
        let keys = target
            .object()
            .properties
            .iter()
            .filter(|property| property.primary_key.is_some());
        let key: BTreeSet<&str> = keys.map(|property| property.name.as_str()).collect();
        let edges: Vec<_> = mesh.analysis.lineage.leaving(dataset).collect();
        let mine = edges
            .iter()
            .filter(|edge| edge.via.name == pipeline.name && edge.how == Dependency::Identity);
        let handed_on: Vec<_> = mine
            .filter_map(|edge| match &edge.to {
                Target::Column(to) if key.contains(to.column.as_str()) => Some((to.column.as_str(), *edge)),
                _ => None,
            })
            .collect();
        let from: BTreeSet<&str> = handed_on.iter().map(|(_, edge)| edge.from.column.as_str()).collect();
        let to: BTreeSet<&str> = handed_on.iter().map(|(to, _)| *to).collect();
        let (Some((_, edge)), true) = (handed_on.first(), !key.is_empty() && to == key && from == old_key) else {
            continue;
        };
        if pipeline.key.iter().any(|column| key.contains(column.as_str())) {
            continue;
        }
        if chooses(&edges, &edge.via, GROUPS) {
            refusing.perhaps.insert(edge.via.to_string());
        } else {
            refusing.surely(&edge.via, &format!("{} has the same primary key", pipeline.dataset));
        }
    }
}

const ROWS: &[Dependency] = &[Dependency::Filter, Dependency::Join];
const GROUPS: &[Dependency] = &[Dependency::Filter, Dependency::Join, Dependency::GroupBy];

/// Whether a step decides by a column which rows there are: rows with other values may never come so far.
fn chooses(edges: &[&ColumnEdge], via: &Step, by: &[Dependency]) -> bool {
    edges.iter().any(|other| other.via == *via && by.contains(&other.how))
}

/// Whether a step gives one row of each value: it keeps its rows by that column, or groups by nothing else.
fn keeps_one(mesh: &Declared<'_>, edges: &[&ColumnEdge], edge: &ColumnEdge, column: &str) -> bool {
    let mut pipelines = mesh.engine.pipelines().iter();
    let keyed = pipelines.any(|pipeline| pipeline.name == edge.via.name && pipeline.key == [column]);
    let groups = |other: &&ColumnEdge| other.via == edge.via && other.how == Dependency::GroupBy;
    let all = mesh.analysis.lineage.edges.iter().filter(groups).count();
    keyed || (all == 1 && edges.iter().copied().any(|other| groups(&other)))
}

fn of<'c>(contract: &'c DatasetContract, column: &'c str) -> ColumnOf<'c> {
    ColumnOf {
        contract: &contract.contract,
        dataset: contract.dataset(),
        column,
    }
}
