//! Values that come after a change, and pipelines that hand them on to columns which refuse them: what the contract of a
//! source kept before and keeps no more, held against what is asked where its values go. In which words either side says it
//! makes no difference.

mod apart;
mod far;
mod keys;
mod sql;
mod tightened;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use polder_contract::diff::{Change, Class, Guarantees, Kept, asks_of_text, refuses_null};
use polder_contract::{Contract, OnFailure, Rule, RuleKind};
use polder_core::{DatasetName, ObjectName};
use polder_engine::{ColumnEdge, ColumnLineage, DatasetColumn, Dependency, Step, Target};

pub(super) use self::tightened::Losing;
use super::Declared;

/// Pipelines that cannot go on with values that may come now.
#[derive(Debug, Default)]
pub(super) struct Refusing {
    /// Those whose rows would be refused.
    pub(super) surely: BTreeSet<ObjectName>,
    /// Those that also choose rows by the column, or compute from it, in words.
    pub(super) perhaps: BTreeSet<String>,
    /// Why, in sentences.
    pub(super) reasons: Vec<String>,
    /// Those of which it cannot be told, in words, each with why.
    pub(super) unsure: BTreeMap<String, String>,
}

impl Refusing {
    fn surely(&mut self, via: &Step, rule: &Rule, why: &str) {
        self.surely.insert(via.name.clone());
        let reason = format!("{via} would {}: {why}", refusal(rule));
        if !self.reasons.contains(&reason) {
            self.reasons.push(reason);
        }
    }

    /// Who surely refuses rows is told as that, and who may by its query as that.
    fn sorted(mut self) -> Self {
        let surely: BTreeSet<_> = self.surely.iter().map(|name| format!("pipeline {name}")).collect();
        self.perhaps.retain(|step| !surely.contains(step));
        let perhaps = &self.perhaps;
        self.unsure
            .retain(|step, _| !surely.contains(step) && !perhaps.contains(step));
        self
    }
}

/// What a pipeline does with rows of which each alone breaks a rule.
const REFUSES: &str = "refuse rows";

/// What becomes of rows that break a rule.
fn refusal(rule: &Rule) -> &'static str {
    match (&rule.kind, rule.on_failure) {
        (RuleKind::Row(_), OnFailure::Quarantine) => REFUSES,
        _ => "commit nothing",
    }
}

/// What the contracts keep of the values that pipelines hand on, before the changes of one contract and with them.
pub(super) struct Handed<'m> {
    mesh: &'m Declared<'m>,
    /// The queries of the base.
    before: &'m ColumnLineage,
    /// The contract as it was.
    old: &'m Contract,
    kept_before: RefCell<BTreeMap<DatasetName, Option<Rc<Guarantees>>>>,
    kept_now: RefCell<BTreeMap<DatasetName, Option<Rc<Guarantees>>>>,
}

/// A change of what is kept of a column.
struct Loosened<'c> {
    change: &'c Change,
    column: DatasetColumn,
    was: Rc<Guarantees>,
    now: Rc<Guarantees>,
}

impl<'m> Handed<'m> {
    pub(super) fn new(mesh: &'m Declared<'m>, before: &'m ColumnLineage, old: &'m Contract) -> Self {
        Self {
            mesh,
            before,
            old,
            kept_before: RefCell::default(),
            kept_now: RefCell::default(),
        }
    }

    fn before(&self, dataset: &DatasetName) -> Option<Rc<Guarantees>> {
        let mut known = self.kept_before.borrow_mut();
        let of = || Guarantees::of(self.old, dataset).map(Rc::new);
        known.entry(dataset.clone()).or_insert_with(of).clone()
    }

    fn now(&self, dataset: &DatasetName) -> Option<Rc<Guarantees>> {
        let mut known = self.kept_now.borrow_mut();
        let of = || {
            let contract = self.mesh.contracts.get(dataset)?;
            Guarantees::of(&contract.contract, contract.dataset()).map(Rc::new)
        };
        known.entry(dataset.clone()).or_insert_with(of).clone()
    }

    /// The pipelines that hand on values which may be others now to a column that refuses them.
    pub(super) fn refusing(&self, change: &Change) -> Refusing {
        let mut refusing = Refusing::default();
        let loosens = change.class.breaks_readers() || change.class == Class::QualityLoosened;
        let Some(dataset) = change.dataset.as_ref().filter(|_| loosens) else {
            return refusing;
        };
        let (Some(was), Some(now)) = (self.before(dataset), self.now(dataset)) else {
            return refusing;
        };
        let loosened = Loosened {
            change,
            column: DatasetColumn {
                dataset: dataset.clone(),
                column: change.column.clone().unwrap_or_default(),
            },
            was,
            now,
        };
        if change.column.is_some() {
            self.values(&loosened, &mut refusing);
        }
        self.sets(&loosened, &mut refusing);
        self.far(&loosened, &mut refusing);
        refusing.sorted()
    }

    /// The values of a column, or inside of one, wherever they go.
    fn values(&self, loosened: &Loosened<'_>, refusing: &mut Refusing) {
        let column = &loosened.column;
        let edges: Vec<_> = self.mesh.analysis.lineage.readers(column).collect();
        for edge in edges.iter().filter(|edge| edge.how.is_direct()) {
            let Target::Column(to) = &edge.to else { continue };
            let Some(target) = self.now(&to.dataset) else { continue };
            // The column, or a value around it with all that is inside; or a value inside of it, null where it is.
            let inside = column.column.strip_prefix(edge.from.column.as_str());
            let path = format!("{}{}", to.column, inside.unwrap_or_default());
            for rule in target.about(&path).filter(|rule| refuses_null(rule)) {
                self.null(loosened, (edge, to), inside, (rule, &path), &edges, refusing);
            }
            // What is computed from all that is inside may be any value, or inside of it.
            let limits: Vec<_> = match edge.keeps_values {
                true => target.about(&path).collect(),
                false => target.about_inside(&to.column).collect(),
            };
            for rule in limits.into_iter().filter(|_| inside.is_some()) {
                self.limit(loosened, edge, (rule, &target), &edges, refusing);
            }
            if inside.is_some() {
                self.within(loosened, (edge, to, &path), &target, &edges, refusing);
            }
        }
    }

    /// Values that the query may have put into a list or object which it makes: where in there is not known.
    fn within(
        &self,
        loosened: &Loosened<'_>,
        (edge, to, path): (&ColumnEdge, &DatasetColumn, &str),
        target: &Guarantees,
        edges: &[&ColumnEdge],
        refusing: &mut Refusing,
    ) {
        if edge.how == Dependency::Identity {
            return;
        }
        let column = loosened.column.column.as_str();
        let inside = target
            .about_inside(&to.column)
            .filter_map(|rule| Some((rule, rule.column.as_deref()?)));
        for (rule, there) in inside {
            // What is inside of a value that is handed on is there too, and told by its own path.
            let source = there
                .strip_prefix(to.column.as_str())
                .map(|rest| format!("{}{rest}", edge.from.column));
            let is_handed_on = source.is_some_and(|source| loosened.now.may_be_at(&source, target, there));
            if there == path || is_handed_on || !loosened.now.may_be_at(column, target, there) {
                continue;
            }
            let lost = refuses_null(rule) && loosened.was.require(column) && !loosened.now.require(column);
            if lost && loosened.restores(|kept| kept.require(column)) {
                refusing.perhaps.insert(edge.via.to_string());
            }
            if edge.keeps_values {
                self.limit(loosened, edge, (rule, target), edges, refusing);
            }
        }
    }

    /// Null, which goes through most computations too.
    fn null(
        &self,
        loosened: &Loosened<'_>,
        (edge, to): (&ColumnEdge, &DatasetColumn),
        inside: Option<&str>,
        (rule, path): (&Rule, &str),
        edges: &[&ColumnEdge],
        refusing: &mut Refusing,
    ) {
        let column = loosened.column.column.as_str();
        let lost = loosened.was.require(column) && !loosened.now.require(column);
        if !lost || !loosened.restores(|kept| kept.require(column)) {
            return;
        }
        let as_it_is = edge.how == Dependency::Identity;
        let computed = matches!(edge.how, Dependency::Transformation | Dependency::Aggregation);
        let is_whole = inside == Some("");
        // The query may leave out those that are null, or give another value.
        let may_be_null = !is_whole || self.mesh.analysis.lineage.may_be_null(to);
        if !(may_be_null && (as_it_is || computed && is_whole)) {
            return;
        }
        // A query that could give null before says nothing by giving it now, and a group has a value where one row has.
        let is_one = edge.how == Dependency::Transformation;
        let is_new = as_it_is || (is_one && knows(self.before, to) && !self.before.may_be_null(to));
        // Some rows may break one about the table.
        let is_new = is_new && matches!(rule.kind, RuleKind::Row(_));
        if is_new && !chooses(edges, &edge.via, ROWS) {
            refusing.surely(&edge.via, rule, &format!("{}.{path} must have a value", to.dataset));
        } else {
            refusing.perhaps.insert(edge.via.to_string());
        }
    }

    /// A limit of values, which goes where they go as they are.
    fn limit(
        &self,
        loosened: &Loosened<'_>,
        edge: &ColumnEdge,
        (rule, target): (&Rule, &Guarantees),
        edges: &[&ColumnEdge],
        refusing: &mut Refusing,
    ) {
        let (column, was, now) = (&loosened.column, &loosened.was, &loosened.now);
        let kept = |by: &Guarantees| by.keep_each(&column.column, rule, target);
        // Where it could not be told before either, what is about texts may make it worse all the same.
        let about_texts = !was.same_texts(now, &column.column) && loosened.own().is_some_and(asks_of_text);
        let parts = kept(was).into_iter().zip(kept(now)).enumerate();
        // What was refused before is no news.
        let worse = parts.filter(|(_, (before, after))| {
            after < before || (about_texts && (*before, *after) == (Kept::Unsure, Kept::Unsure))
        });
        let Some((part, (before, after))) = worse.min_by_key(|(_, (_, after))| *after) else {
            return;
        };
        if !loosened.restores(|by| kept(by).get(part) >= Some(&before)) {
            return;
        }
        let path = rule.column.as_deref().unwrap_or_default();
        let Target::Column(to) = &edge.to else { return };
        if self.mesh.analysis.lineage.counts(to) {
            return;
        }
        if to.column == path {
            // What the query itself says keeps it, whatever comes.
            let certain = self.mesh.analysis.lineage.certain(to);
            if target.keep_by_checks(path, certain, rule).get(part) == Some(&Kept::Surely) {
                return;
            }
        }
        // Inside of a list or object that the query makes, where it put them is not known.
        let inside = column.column.strip_prefix(edge.from.column.as_str());
        let is_within = path.strip_prefix(to.column.as_str()) != inside;
        let own = rule.id.strip_prefix(path).and_then(|rest| rest.strip_prefix('.'));
        if !edge.keeps_values && own == Some("physicalType") {
            // What is computed has a type of its own.
            return;
        }
        let conditional = edges
            .iter()
            .any(|other| other.via == edge.via && other.to == edge.to && other.how == Dependency::Conditional);
        if !edge.keeps_values || is_within || conditional || chooses(edges, &edge.via, ROWS) {
            refusing.perhaps.insert(edge.via.to_string());
            return;
        }
        let dataset = &to.dataset;
        let limit = match own {
            Some(own) => format!("`{own}` of {dataset}.{path}"),
            None => format!("rule {} of {dataset}", rule.id),
        };
        match (before, after, &rule.kind) {
            (Kept::Surely, Kept::Not, RuleKind::Row(_)) => {
                refusing.surely(&edge.via, rule, &format!("{limit} allows less than that of {column}"));
            }
            _ => {
                let why = format!(
                    "whether all values that {column} may have now keep {limit} ({}) cannot be told",
                    rule.says
                );
                refusing.unsure.entry(edge.via.to_string()).or_insert(why);
            }
        }
    }
}

impl Loosened<'_> {
    /// The rule of before that changed.
    fn own(&self) -> Option<&Rule> {
        let rule = self.change.rule.as_ref()?;
        self.was.rules().iter().find(|own| own.id == *rule)
    }

    /// Whether what was kept would be kept still without this change: by the rule that it took away, or by the type. What
    /// only several changes together took away is by each of them.
    fn restores(&self, is_kept: impl Fn(&Guarantees) -> bool) -> bool {
        let (was, now) = (&self.was, &self.now);
        let by_rule = |rule: &Rule| is_kept(&now.with(rule));
        let by_type = || is_kept(&now.with_types_of(was));
        match self.own() {
            Some(own) if by_rule(own) => true,
            None if !self.change.code.starts_with("type-") => false,
            None if by_type() => true,
            _ => {
                let column = self.change.column.as_ref();
                let mut about = was
                    .rules()
                    .iter()
                    .filter(|rule| rule.column.is_none() || rule.column.as_ref() == column);
                !by_type() && !about.any(by_rule)
            }
        }
    }
}

/// Whether the query that makes a column is known.
fn knows(lineage: &ColumnLineage, column: &DatasetColumn) -> bool {
    lineage
        .entering(&column.dataset)
        .any(|edge| matches!(&edge.to, Target::Column(to) if to == column))
}

const ROWS: &[Dependency] = &[Dependency::Filter, Dependency::Join];
const GROUPS: &[Dependency] = &[Dependency::Filter, Dependency::Join, Dependency::GroupBy];

/// Whether a step decides by a column which rows there are: rows with other values may never come so far.
fn chooses(edges: &[&ColumnEdge], via: &Step, by: &[Dependency]) -> bool {
    edges.iter().any(|other| other.via == *via && by.contains(&other.how))
}
