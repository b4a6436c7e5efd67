//! Where values go by more than one step, or in another form: through datasets that keep less than what came, through
//! what is computed from them, and to rules in SQL. All of it is followed, and nothing of it is said to be sure.

use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;

use polder_contract::diff::{Guarantees, Kept, asks_of_text, demanded_key, refuses_null, refuses_only_null};
use polder_contract::{RowCheck, Rule, RuleKind};
use polder_engine::{ColumnEdge, DatasetColumn, Dependency, Target};

use super::tightened::is_kept;
use super::{Handed, Loosened, ROWS, Refusing, chooses, sql};

/// What is not kept any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lost {
    /// What was asked of each value.
    Values,
    /// What a rule in SQL said: nobody knows what.
    Said,
    /// That no two rows have the same.
    Keys,
}

/// Values on their way.
struct Arrived {
    at: DatasetColumn,
    /// What is kept of them where they came through, since they are as they are, with their paths there.
    between: Vec<(Rc<Guarantees>, String)>,
    /// What the queries say that they came through since.
    certain: Vec<RowCheck>,
    /// Whether something else was computed from them.
    computed: bool,
    /// Whether only null may have come of them.
    only_null: bool,
    /// Whether null goes all the way.
    null: bool,
    /// Whether a query chose among them.
    chosen: bool,
    /// Whether this is where they begin.
    is_first: bool,
}

impl Arrived {
    /// Whether the queries say that they keep what a rule asks, null aside.
    fn certainly_keep(&self, rule: &Rule, target: &Guarantees) -> bool {
        let is_here = rule.column.as_ref() == Some(&self.at.column);
        let parts = || target.keep_by_checks(&self.at.column, &self.certain, rule);
        is_here && !self.certain.is_empty() && parts().into_iter().all(|part| part == Kept::Surely)
    }
}

/// One step of the way.
struct Step<'s> {
    edge: &'s ColumnEdge,
    to: &'s DatasetColumn,
    /// Where the values are in the target.
    path: &'s str,
    target: &'s Guarantees,
}

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
        let mut seen = BTreeSet::from([(at.clone(), false, false)]);
        let mut open = VecDeque::from([Arrived {
            at,
            between: Vec::new(),
            certain: Vec::new(),
            computed: false,
            only_null: false,
            null: true,
            chosen: false,
            is_first: true,
        }]);
        while let Some(here) = open.pop_front() {
            let edges: Vec<_> = self.mesh.analysis.lineage.readers(&here.at).collect();
            for edge in &edges {
                let Target::Column(to) = &edge.to else { continue };
                let conditional = edge.how == Dependency::Conditional;
                let Some(target) = self.now(&to.dataset).filter(|_| edge.how.is_direct() || conditional) else {
                    continue;
                };
                let Some(inside) = here.at.column.strip_prefix(edge.from.column.as_str()) else {
                    continue;
                };
                let as_they_are = edge.keeps_values && !conditional && !here.computed;
                let path = match as_they_are {
                    true => format!("{}{inside}", to.column),
                    false => to.column.clone(),
                };
                let mut certain = match edge.keeps_values && !conditional {
                    true => here.certain.clone(),
                    false => Vec::new(),
                };
                if path == to.column {
                    certain.extend(self.mesh.analysis.lineage.certain(to).iter().cloned());
                }
                let next = Arrived {
                    certain,
                    at: DatasetColumn {
                        dataset: to.dataset.clone(),
                        column: path.clone(),
                    },
                    between: match edge.keeps_values && !conditional {
                        true => here.between.clone(),
                        false => Vec::new(),
                    },
                    computed: !as_they_are,
                    only_null: here.only_null || conditional,
                    null: here.null && (edge.how == Dependency::Identity || self.mesh.analysis.lineage.may_be_null(to)),
                    chosen: here.chosen || chooses(&edges, &edge.via, ROWS),
                    is_first: here.is_first,
                };
                let step = Step {
                    edge,
                    to,
                    path: &path,
                    target: &target,
                };
                self.by_sql(loosened, (lost, column), &next, &step, refusing);
                match lost {
                    Lost::Keys => {}
                    Lost::Values if next.computed => self.computed(loosened, &next, &step, refusing),
                    // The first step is told for itself.
                    Lost::Values if next.is_first => {}
                    Lost::Values => self.by_steps(loosened, &next, &step, refusing),
                    Lost::Said => self.said(loosened, column, &next, &step, refusing),
                }
                if seen.insert((next.at.clone(), next.computed, next.only_null)) {
                    let mut next = next;
                    next.between.push((Rc::clone(&target), path));
                    next.is_first = false;
                    open.push_back(next);
                }
            }
        }
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
            let asked = match next.between.last() {
                Some((kept, _)) => sql::asks(kept, rule),
                None => next.is_first && sql::asks(&loosened.was, rule) && sql::asks(&loosened.now, rule),
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

    /// What is computed from values that were others before, or null where it is chosen by them.
    fn computed(&self, loosened: &Loosened<'_>, next: &Arrived, step: &Step<'_>, refusing: &mut Refusing) {
        let Some(own) = loosened.own() else { return };
        let kept = |rule: &Rule| {
            let by = next.between.iter();
            let by = by.map(|(kept, path)| kept.keep(path, rule, step.target));
            by.max() == Some(Kept::Surely) || next.certainly_keep(rule, step.target)
        };
        let refuses = step.target.about_inside(&step.to.column).any(|rule| {
            let has_value = next.between.iter().any(|(kept, path)| kept.require(path));
            // Null for null is told for itself.
            let by_null = refuses_null(rule) && next.null && !has_value && (next.only_null || !refuses_only_null(own));
            // What is computed has a type of its own.
            let is_limit = !refuses_only_null(rule) && !rule.id.ends_with(".physicalType");
            let by_value = is_limit && !next.only_null && !refuses_only_null(own) && !kept(rule);
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
            let by_value = !next.only_null && !refuses_only_null(rule) && !of_other_type && !kept;
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
        let pipelines = self.mesh.engine.pipelines().iter();
        for pipeline in pipelines.filter(|pipeline| pipeline.name == step.edge.via.name) {
            let keys = step.target.rules().iter();
            for (rule, key) in keys.filter_map(|rule| Some((rule, demanded_key(rule)?))) {
                let handed = self.handed_key(pipeline, source, key);
                let mine = handed.from.iter().map(|column| (source, column.as_str())).collect();
                let is_kept = loosened.now.tell_apart(&handed.columns()) || self.gives_one(pipeline, key, &mine);
                if is_kept || !key.iter().any(|column| column == step.path) {
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
