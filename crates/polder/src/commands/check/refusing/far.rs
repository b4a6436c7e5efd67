//! Where values go by more than one step, or in another form: through datasets that keep less than what came, through
//! what is computed from them, and to rules in SQL. All of it is followed, and nothing of it is said to be sure.

mod way;

use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;

use polder_contract::diff::{Guarantees, Kept, asks_of_text, demanded_key, refuses_null, refuses_only_null};
use polder_contract::{RowCheck, RowTest, Rule, RuleKind};
use polder_engine::{ColumnEdge, DatasetColumn, Dependency, Target, Words};

use self::way::{Arrived, Lost, Seen, Step};
use super::apart::Below;
use super::tightened::is_kept;
use super::{Handed, Loosened, ROWS, Refusing, chooses, sql};

impl Handed<'_> {
    /// Whoever may refuse what comes now by more than one step, computed, or by a rule in SQL.
    pub(super) fn far(&self, loosened: &Loosened<'_>, refusing: &mut Refusing) {
        let own = loosened.own();
        let lost = match own {
            Some(own) if sql::of(own).is_some() => Lost::Said,
            Some(own) if demanded_key(own).is_some() => Lost::Keys,
            Some(_) => Lost::Values,
            None if loosened.change.code.starts_with("type-") => Lost::Values,
            None => return,
        };
        let source = &loosened.column.dataset;
        // It is kept still, by another rule.
        if own.is_some_and(|own| is_kept(&loosened.now, own, &loosened.was)) {
            return;
        }
        let mut begin: BTreeSet<_> = loosened.change.column.clone().into_iter().collect();
        if let Some(own) = own {
            begin.extend(demanded_key(own).unwrap_or_default().iter().cloned());
            let leaving = self.mesh.analysis.lineage.leaving(source);
            let named = leaving.filter(|edge| sql::names(own, &edge.from.column));
            begin.extend(named.map(|edge| edge.from.column.clone()));
        }
        for column in begin {
            self.follow(loosened, lost, &column, refusing);
        }
    }

    fn follow(&self, loosened: &Loosened<'_>, lost: Lost, column: &str, refusing: &mut Refusing) {
        let at = DatasetColumn {
            dataset: loosened.column.dataset.clone(),
            column: column.to_owned(),
        };
        let only_null = lost == Lost::Values && loosened.own().is_some_and(refuses_only_null);
        let mut seen = Seen::default();
        let begin = Arrived {
            // What was null before is no news, unless a rule in SQL said that it is not.
            null: match lost {
                Lost::Values => loosened.own().is_some_and(refuses_null) && !loosened.now.require(&at.column),
                Lost::Said => !loosened.now.require(&at.column),
                Lost::Keys => false,
            },
            at,
            between: Vec::new(),
            certain: Vec::new(),
            computed: false,
            others: !only_null,
            by_choice: false,
            within: false,
            chosen: false,
            is_first: true,
        };
        let mut open: VecDeque<_> = seen.goes_on(begin).into_iter().collect();
        while let Some(here) = open.pop_front() {
            let edges: Vec<_> = self.mesh.analysis.lineage.readers(&here.at).collect();
            for edge in &edges {
                let Target::Column(to) = &edge.to else { continue };
                let conditional = edge.how == Dependency::Conditional;
                let Some(target) = self.now(&to.dataset).filter(|_| edge.how.is_direct() || conditional) else {
                    continue;
                };
                let inside = here.at.column.strip_prefix(edge.from.column.as_str());
                // Where there is none, there is none of what is inside; and what was put inside comes out again.
                if inside.is_none() && !here.within && (!only_null || here.others) {
                    continue;
                }
                let comes_out = inside.is_none() && here.within;
                let in_place =
                    here.null && edge.how.is_direct() && self.mesh.analysis.lineage.replaces_null(to, &edge.from);
                // Others go on as they come, beside what the query gives in the place of null.
                // Of what is counted it only counts whether it is null.
                let counts = lost != Lost::Keys && edge.how.is_direct() && self.mesh.analysis.lineage.counts(to);
                let ways: &[bool] = match (conditional || in_place, !conditional && !counts && here.others) {
                    (true, true) => &[false, true],
                    (true, false) => &[true],
                    (false, _) if counts => &[],
                    (false, _) => &[false],
                };
                for &chooses_anew in ways {
                    let keeps_values = edge.keeps_values && !chooses_anew;
                    let as_they_are = keeps_values && !here.computed && !comes_out;
                    let path = match as_they_are {
                        true => format!("{}{}", to.column, inside.unwrap_or_default()),
                        false => to.column.clone(),
                    };
                    if comes_out && !loosened.now.may_be_at(column, &target, &path) {
                        continue;
                    }
                    let mut certain = match keeps_values {
                        true => here.certain.clone(),
                        false => Vec::new(),
                    };
                    if path == to.column {
                        certain.extend(self.chosen_among(edge, to).filter(|_| chooses_anew));
                        certain.extend(self.mesh.analysis.lineage.certain(to).iter().cloned());
                    }
                    // What is computed of a value may be null; what is chosen, too.
                    let computes = !edge.keeps_values && here.others && self.mesh.analysis.lineage.brings_null(to);
                    let null = here.null || conditional || computes;
                    let mut between = match keeps_values {
                        true => here.between.clone(),
                        false => Vec::new(),
                    };
                    if let Some((_, there)) = between.last_mut().filter(|_| comes_out) {
                        there.clone_from(&edge.from.column);
                    }
                    let within = !comes_out && (here.within || self.mesh.analysis.lineage.puts_inside(to));
                    let next = Arrived {
                        certain,
                        null: null && (within || path != to.column || self.mesh.analysis.lineage.may_be_null(to)),
                        at: DatasetColumn {
                            dataset: to.dataset.clone(),
                            column: path.clone(),
                        },
                        between,
                        computed: !as_they_are,
                        others: here.others || chooses_anew,
                        by_choice: here.by_choice || conditional,
                        within,
                        chosen: here.chosen || chooses(&edges, &edge.via, ROWS),
                        is_first: here.is_first,
                    };
                    let step = Step {
                        edge,
                        to,
                        path: &path,
                        target: &target,
                        chooses: chooses_anew,
                    };
                    self.by_sql(loosened, (lost, column), &next, &step, refusing);
                    match lost {
                        // What tells rows apart is told for itself.
                        Lost::Keys => {}
                        Lost::Values if next.computed => self.computed(loosened, column, &next, &step, refusing),
                        Lost::Values if next.is_first => {}
                        Lost::Values => {
                            if next.within {
                                self.computed(loosened, column, &next, &step, refusing);
                            }
                            self.by_steps(loosened, &next, &step, refusing);
                        }
                        Lost::Said => self.said(loosened, column, &next, &step, refusing),
                    }
                    let ends = match lost {
                        Lost::Keys => target.tell_apart(&BTreeSet::from([path.as_str()])),
                        Lost::Values => !next.computed && keeps_as_much(loosened, &step),
                        Lost::Said => false,
                    };
                    if ends {
                        continue;
                    }
                    if let Some(mut next) = seen.goes_on(next) {
                        next.goes_through(Rc::clone(&target), path);
                        open.push_back(next);
                    }
                }
            }
        }
    }

    /// What goes directly into the same column by the same query.
    fn beside<'e>(&'e self, edge: &'e ColumnEdge) -> impl Iterator<Item = &'e ColumnEdge> {
        let entering = edge
            .to
            .dataset()
            .map(|dataset| self.mesh.analysis.lineage.entering(dataset));
        entering.into_iter().flatten().filter(move |other| {
            other.via == edge.via && other.to == edge.to && other.how.is_direct() && other.from != edge.from
        })
    }

    /// What is known of the values that a query gives in the place of others, or chooses by them, where all are constants.
    fn chosen_among(&self, edge: &ColumnEdge, to: &DatasetColumn) -> Option<RowCheck> {
        let lineage = &self.mesh.analysis.lineage;
        let constants = lineage.constants(to)?;
        let alone = self.beside(edge).next().is_none() && !lineage.sums(to) && !lineage.puts_inside(to);
        alone.then(|| RowCheck::OneOf(constants.iter().cloned().collect()))
    }

    /// Whether all that a query chooses among, the values aside that it chooses by, keeps a rule.
    fn choices_keep(&self, step: &Step<'_>, rule: &Rule) -> bool {
        let (to, target) = (step.to, step.target);
        let is_here = rule.column.as_ref() == Some(&to.column);
        let Some(constants) = self.mesh.analysis.lineage.constants(to) else {
            return false;
        };
        let listed = [RowCheck::OneOf(constants.iter().cloned().collect())];
        let parts = || target.keep_by_checks(&to.column, &listed, rule);
        let sums = self.mesh.analysis.lineage.sums(to);
        // A sum of some of the values is one all the same.
        let adds_none = || constants.iter().all(|constant| constant == "0") && self.beside(step.edge).next().is_none();
        if sums && !is_about_sign(rule) && !adds_none() {
            return false;
        }
        let constants_keep = constants.is_empty() || is_here && parts().into_iter().all(|part| part == Kept::Surely);
        constants_keep
            && self.beside(step.edge).all(|other| {
                let Some(source) = self.now(&other.from.dataset).filter(|_| other.keeps_values || sums) else {
                    return false;
                };
                self.values_kept(&source, (&other.from.column, to), rule, target) == Kept::Surely
            })
    }

    /// Rules in SQL that name a column to which the values come.
    fn by_sql(
        &self,
        loosened: &Loosened<'_>,
        (lost, column): (Lost, &str),
        next: &Arrived,
        step: &Step<'_>,
        refusing: &mut Refusing,
    ) {
        let (edge, to) = (step.edge, step.to);
        let rules = step.target.rules().iter().filter(|rule| sql::names(rule, &to.column));
        for rule in rules {
            // A row alone does not know of others.
            if lost == Lost::Keys && matches!(rule.kind, RuleKind::Row(_)) {
                continue;
            }
            if loosened.own().is_some_and(refuses_only_null) && lost == Lost::Values && sql::passes_null(rule) {
                continue;
            }
            // The same is asked where they come from, before and now.
            let asked = match next.is_first {
                true => sql::asks(&loosened.was, rule) && sql::asks(&loosened.now, rule),
                false => self.now(&edge.from.dataset).is_some_and(|kept| sql::asks(&kept, rule)),
            };
            if asked && self.names_alike(&edge.via.name, &to.dataset, rule) {
                continue;
            }
            let why = format!(
                "rule {} of {} ({}) looks at what comes of {}.{column}; whether all that may come now keeps it cannot be told",
                rule.id, to.dataset, rule.says, loosened.column.dataset
            );
            refusing.unsure.entry(edge.via.to_string()).or_insert(why);
        }
    }

    /// What is computed from values that were others before, or null where it is chosen by them; and what was put inside of
    /// what is handed on as it is.
    fn computed(
        &self,
        loosened: &Loosened<'_>,
        column: &str,
        next: &Arrived,
        step: &Step<'_>,
        refusing: &mut Refusing,
    ) {
        let Some(own) = loosened.own() else { return };
        // What a rule asks inside is kept at the same place inside of what came.
        let inside = |rule: &Rule| {
            let there = rule.column.as_deref().and_then(|there| there.strip_prefix(step.path));
            there.filter(|_| !next.computed).unwrap_or_default().to_owned()
        };
        let kept = |rule: &Rule| {
            let inside = inside(rule);
            let by = next.between.iter();
            let by = by.map(|(kept, path)| kept.keep(&format!("{path}{inside}"), rule, step.target));
            by.max() == Some(Kept::Surely) || next.certainly_keep(rule, step.target)
        };
        let mut about = step.target.about_inside(&step.to.column).filter(|rule| {
            let there = rule.column.as_deref().unwrap_or_default();
            next.computed || loosened.now.may_be_at(column, step.target, there)
        });
        let refuses = about.any(|rule| {
            let inside = inside(rule);
            let mut between = next.between.iter();
            let has_value = between.any(|(kept, path)| kept.require(&format!("{path}{inside}")));
            // Null for null is told for itself where it comes first.
            let is_told = next.is_first && !next.by_choice && refuses_only_null(own);
            let by_null = refuses_null(rule) && next.null && !has_value && !is_told;
            // What is computed has a type of its own.
            let is_limit = !refuses_only_null(rule) && !rule.id.ends_with(".physicalType");
            let by_value = is_limit && next.others && !kept(rule) && !(step.chooses && self.choices_keep(step, rule));
            by_null || by_value
        });
        if refuses {
            refusing.perhaps.insert(step.edge.via.to_string());
        }
    }

    /// Values that come as they are through datasets which keep less of them than what came.
    fn by_steps(&self, loosened: &Loosened<'_>, next: &Arrived, step: &Step<'_>, refusing: &mut Refusing) {
        let column = loosened.column.column.as_str();
        let (was, now) = (&loosened.was, &loosened.now);
        let has_value =
            |by: &Guarantees| by.require(column) || next.between.iter().any(|(between, path)| between.require(path));
        let null = next.null && has_value(was) && !has_value(now) && loosened.restores(has_value);
        let about_texts = !was.same_texts(now, column) && loosened.own().is_some_and(asks_of_text);
        for rule in step.target.about(step.path) {
            let kept = |by: &Guarantees| {
                let mut all = by.keep_each(column, rule, step.target);
                for (between, path) in &next.between {
                    let there = between.keep_each(path, rule, step.target);
                    all = all.into_iter().zip(there).map(|(one, other)| one.max(other)).collect();
                }
                all
            };
            let worse = kept(was)
                .into_iter()
                .zip(kept(now))
                .enumerate()
                .any(|(part, (before, after))| {
                    let is_worse = after < before || (about_texts && (before, after) == (Kept::Unsure, Kept::Unsure));
                    is_worse && loosened.restores(|by| kept(by).get(part) >= Some(&before))
                });
            let worse = worse && !next.certainly_keep(rule, step.target);
            if !(worse || null && refuses_null(rule)) {
                continue;
            }
            let via = step.edge.via.to_string();
            if next.chosen || step.edge.how != Dependency::Identity {
                refusing.perhaps.insert(via);
                continue;
            }
            let why = format!(
                "{} of {} asks: {}; {} does not keep that any more, and what comes by way of others is not refused before",
                rule.id, step.to.dataset, rule.says, loosened.column
            );
            refusing.unsure.entry(via).or_insert(why);
        }
    }

    /// Limits of what comes of a column that a rule in SQL named.
    fn said(&self, loosened: &Loosened<'_>, column: &str, next: &Arrived, step: &Step<'_>, refusing: &mut Refusing) {
        let now = &loosened.now;
        for rule in step.target.about(step.path) {
            let mut by: Vec<(&Guarantees, &str)> = next.between.iter().map(|(kept, path)| (&**kept, &**path)).collect();
            if !next.computed {
                by.push((now, column));
            }
            let kept = by.iter().map(|(kept, path)| kept.keep(path, rule, step.target));
            let kept = kept.max() == Some(Kept::Surely) || next.certainly_keep(rule, step.target);
            let has_value = !next.null || by.iter().any(|(kept, path)| kept.require(path));
            // What is computed has a type of its own.
            let of_other_type = next.computed && rule.id.ends_with(".physicalType");
            let chosen = || step.chooses && self.choices_keep(step, rule);
            let by_value = next.others && !refuses_only_null(rule) && !of_other_type && !kept && !chosen();
            let by_null = refuses_null(rule) && !has_value;
            if !by_value && !by_null {
                continue;
            }
            let why = format!(
                "whether a rule in SQL that is not kept any more kept {} of {} ({}) cannot be told",
                rule.id, step.to.dataset, rule.says
            );
            refusing.unsure.entry(step.edge.via.to_string()).or_insert(why);
        }
        if next.is_first && loosened.own().is_some_and(|own| matches!(own.kind, RuleKind::Set(_))) {
            self.said_of_all(loosened, step, refusing);
        }
    }

    /// Keys of what a pipeline makes of a column that a query over all rows named.
    fn said_of_all(&self, loosened: &Loosened<'_>, step: &Step<'_>, refusing: &mut Refusing) {
        let source = &loosened.column.dataset;
        let datasets = self.made_of(source);
        let now = Below::new(self, source, &loosened.now, &datasets);
        let pipelines = self.mesh.engine.pipelines().iter();
        for pipeline in pipelines.filter(|pipeline| pipeline.name == step.edge.via.name) {
            let keys = step.target.rules().iter();
            for (rule, key) in keys.filter_map(|rule| Some((rule, demanded_key(rule)?))) {
                if !key.iter().any(|column| column == step.path) || now.are_apart(pipeline, key, Words::Exact) {
                    continue;
                }
                let why = format!(
                    "whether a query that is not kept any more kept {} of {} ({}) cannot be told",
                    rule.id, step.to.dataset, rule.says
                );
                refusing.unsure.entry(step.edge.via.to_string()).or_insert(why);
            }
        }
    }
}

/// Whether values that break what is not kept any more go no further, since what they come to refuses them for the same.
fn keeps_as_much(loosened: &Loosened<'_>, step: &Step<'_>) -> bool {
    loosened.own().is_some_and(|own| {
        let kept = step.target.keep(step.path, own, &loosened.was) == Kept::Surely;
        kept && (!refuses_null(own) || step.target.require(step.path))
    })
}

/// Whether a rule asks for numbers none of which is below zero, or none above: their sums keep it too.
pub(super) fn is_about_sign(rule: &Rule) -> bool {
    let RuleKind::Row(RowTest::Value { check, .. }) = &rule.kind else {
        return false;
    };
    matches!(
        check,
        RowCheck::Minimum { value, exclusive: false } | RowCheck::Maximum { value, exclusive: false } if value == "0"
    )
}
