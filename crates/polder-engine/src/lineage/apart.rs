//! What tells the rows of a query apart: the candidate keys of what it gives, from those of the datasets that it reads.

mod reading;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};

use datafusion::common::DFSchema;
use datafusion::logical_expr::{Expr, LogicalPlan};
use polder_core::DatasetName;

use self::reading::{Reading, is_constant, is_equal, unaliased};

/// Sets of columns: no two rows have the same values in all columns of one of them. By the empty set there is one row at most.
pub type Keys = Vec<BTreeSet<String>>;

/// What counts as the same value in other words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Words {
    /// Columns as they are.
    Exact,
    /// What is computed of a column too, as if no two values gave the same.
    Computed,
    /// And what is compared with it in any way, as if it were equal.
    Compared,
}

impl Words {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Exact, Self::Computed, Self::Compared];
}

/// What tells the rows of a query apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Apart {
    words: Words,
    columns: Vec<String>,
    rows: Rows,
    /// Whether each of its scalar subqueries gives one row at most.
    pub is_scalar: bool,
}

impl Apart {
    /// Whether no two rows have the same values in these columns. A value inside of a column counts as the column, but for
    /// exact words: of rows that differ in the column some may have the same inside.
    pub fn by(&self, columns: &[String]) -> bool {
        let is_whole = |path: &&String| self.words > Words::Exact || self.columns.contains(path);
        let places = columns.iter().filter(is_whole);
        let places = places.filter_map(|path| place(&self.columns, path));
        self.rows.are_apart_by(&places.collect())
    }

    /// The least sets of columns that tell them apart: one may do without another, and the other without the one.
    pub fn keys(&self) -> Keys {
        let mut least = BTreeSet::new();
        for key in &self.rows.keys {
            least.insert(self.without_needless(key, None));
            least.extend(key.iter().map(|wanted| self.without_needless(key, Some(*wanted))));
        }
        let named = |key: &BTreeSet<usize>| key.iter().filter_map(|at| self.columns.get(*at).cloned()).collect();
        least.iter().take(MOST_KEYS).map(named).collect()
    }

    /// What is left of a key without the columns that it can do without, one that is wanted tried last.
    fn without_needless(&self, key: &BTreeSet<usize>, wanted: Option<usize>) -> BTreeSet<usize> {
        let mut least = key.clone();
        let others = key.iter().copied().filter(|at| Some(*at) != wanted);
        for at in others.chain(wanted) {
            least.remove(&at);
            if !self.rows.are_apart_by(&least) {
                least.insert(at);
            }
        }
        least
    }
}

/// What tells the rows of a plan as it is written apart, where these are the keys of the datasets that it reads.
pub(super) fn apart(plan: &LogicalPlan, words: Words, sources: &dyn Fn(&DatasetName) -> Keys) -> Apart {
    let mut reading = Reading::new(words, sources);
    let rows = reading.rows(plan, &[]);
    let names = plan.schema().fields().iter().map(|field| field.name().clone());
    Apart {
        words,
        columns: names.collect(),
        rows,
        is_scalar: reading.is_scalar,
    }
}

/// Where a column stands, or the one that it is inside of.
fn place(columns: &[String], path: &str) -> Option<usize> {
    columns.iter().position(|column| {
        let inside = path.strip_prefix(column.as_str());
        inside.is_some_and(|inside| inside.is_empty() || inside.starts_with(['.', '[', '{']))
    })
}

/// Of more keys than these the first ones count.
const MOST_KEYS: usize = 16;

/// Of more of what determines what, too.
const MOST_DETERMINED: usize = 64;

/// What is known of the rows of a plan, by the places of its columns.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rows {
    keys: Vec<BTreeSet<usize>>,
    /// Of each column, the first one that has the same value in each row.
    same: Vec<usize>,
    /// Sets of columns, each with those of which rows have the same values that have the same in the set.
    determined: Vec<(BTreeSet<usize>, BTreeSet<usize>)>,
    /// Sets of columns of a row from elsewhere: whoever knows one of them is taken to know all.
    alike: Vec<BTreeSet<usize>>,
    /// Columns of which all rows have the same value.
    fixed: BTreeSet<usize>,
    /// Columns that count from one.
    numbers: BTreeSet<usize>,
}

impl Rows {
    /// Rows of which nothing is known.
    fn any(width: usize) -> Self {
        Self {
            keys: Vec::new(),
            same: (0..width).collect(),
            determined: Vec::new(),
            alike: Vec::new(),
            fixed: BTreeSet::new(),
            numbers: BTreeSet::new(),
        }
    }

    /// One row at most.
    fn one(width: usize) -> Self {
        Self {
            keys: vec![BTreeSet::new()],
            ..Self::any(width)
        }
    }

    fn first_same(&self, at: usize) -> usize {
        self.same.get(at).copied().unwrap_or(at)
    }

    fn is_fixed(&self, at: usize) -> bool {
        let first = self.first_same(at);
        self.fixed.iter().any(|fixed| self.first_same(*fixed) == first)
    }

    fn are_apart_by(&self, columns: &BTreeSet<usize>) -> bool {
        let mut known: BTreeSet<_> = columns.iter().map(|at| self.first_same(*at)).collect();
        loop {
            let is_there = |at: &usize| known.contains(&self.first_same(*at)) || self.is_fixed(*at);
            if self.keys.iter().any(|key| key.iter().all(is_there)) {
                return true;
            }
            let by = self.determined.iter().filter(|(by, _)| by.iter().all(is_there));
            let alike = self.alike.iter().filter(|all| all.iter().any(is_there));
            let more = by.map(|(_, of)| of).chain(alike).flatten();
            let more: BTreeSet<_> = more.map(|at| self.first_same(*at)).collect();
            if more.is_subset(&known) {
                return false;
            }
            known.extend(more);
        }
    }

    fn determine(&mut self, by: BTreeSet<usize>, of: BTreeSet<usize>) {
        let mut known = self.determined.iter();
        let is_known = known.any(|(known, all)| known.is_subset(&by) && of.is_subset(all));
        if !is_known && self.determined.len() < MOST_DETERMINED {
            self.determined.push((by, of));
        }
    }

    fn add_key(&mut self, key: BTreeSet<usize>) {
        // Fewer columns that tell rows apart do it all the more.
        if self.keys.iter().any(|known| known.is_subset(&key)) {
            return;
        }
        self.keys.retain(|known| !key.is_subset(known));
        if self.keys.len() < MOST_KEYS {
            self.keys.push(key);
        }
    }

    fn unite(&mut self, one: usize, other: usize) {
        let (one, other) = (self.first_same(one), self.first_same(other));
        let (first, second) = (one.min(other), one.max(other));
        self.same
            .iter_mut()
            .filter(|same| **same == second)
            .for_each(|same| *same = first);
    }

    /// Takes in conditions that hold of each row.
    fn hold(&mut self, conditions: &[&Expr], schema: &DFSchema) {
        let index = |expr: &Expr| match expr {
            Expr::Column(column) => schema.maybe_index_of_column(column),
            _ => None,
        };
        for condition in conditions {
            match condition {
                Expr::BinaryExpr(binary) if is_equal(binary.op) => match (index(&binary.left), index(&binary.right)) {
                    (Some(one), Some(other)) => self.unite(one, other),
                    (Some(at), None) if is_constant(&binary.right) => drop(self.fixed.insert(at)),
                    (None, Some(at)) if is_constant(&binary.left) => drop(self.fixed.insert(at)),
                    (Some(at), None) => self.asked_by(&binary.right, at, schema),
                    (None, Some(at)) => self.asked_by(&binary.left, at, schema),
                    _ => {}
                },
                Expr::InList(list) if !list.negated => {
                    let only = matches!(list.list.as_slice(), [only] if is_constant(only));
                    self.fixed.extend(index(&list.expr).filter(|_| only));
                }
                _ => {}
            }
        }
    }

    /// Takes in that a column is what a subquery gives for other columns.
    fn asked_by(&mut self, expr: &Expr, at: usize, schema: &DFSchema) {
        let Expr::ScalarSubquery(subquery) = unaliased(expr) else {
            return;
        };
        let asked = subquery.outer_ref_columns.iter().map(|outer| match outer {
            Expr::OuterReferenceColumn(_, column) => schema.maybe_index_of_column(column),
            _ => None,
        });
        if let Some(by) = asked.collect() {
            self.determine(by, BTreeSet::from([at]));
        }
    }

    /// The rows of a plan that gives columns of these, each as it is or made of several.
    fn through(&self, given: &[Given]) -> Self {
        let mut rows = Self::any(given.len());
        let first = |at: &usize| self.first_same(*at);
        let made: Vec<BTreeSet<usize>> = given.iter().map(|given| given.of.iter().map(first).collect()).collect();
        // Each set of columns that hold all of these.
        let holding = |columns: &BTreeSet<usize>| {
            let mut found = vec![BTreeSet::new()];
            for column in columns.iter().filter(|at| !self.is_fixed(**at)).map(first) {
                let holds = |at: &usize| made.get(*at).is_some_and(|made| made.contains(&column));
                let mut longer = Vec::new();
                for key in found {
                    if key.iter().any(holds) {
                        longer.push(key);
                        continue;
                    }
                    let with = (0..made.len()).filter(holds).map(|at| {
                        let mut with = key.clone();
                        with.insert(at);
                        with
                    });
                    longer.extend(with);
                }
                longer.truncate(MOST_KEYS);
                found = longer;
            }
            found
        };
        for key in self.keys.iter().flat_map(holding) {
            rows.add_key(key);
        }
        let given_of = |of: &BTreeSet<usize>| {
            let of: BTreeSet<_> = of.iter().map(first).collect();
            let own = |given: &Given| given.own.is_some_and(|own| of.contains(&self.first_same(own)));
            let places = given.iter().enumerate().filter(|(_, given)| own(given));
            places.map(|(at, _)| at).collect::<BTreeSet<_>>()
        };
        let alike = self.alike.iter().map(given_of);
        rows.alike.extend(alike.filter(|all| all.len() > 1));
        for (by, of) in &self.determined {
            let of = given_of(of);
            for by in holding(by).into_iter().filter(|_| !of.is_empty()) {
                rows.determine(by, of.clone());
            }
        }
        let mut firsts: HashMap<usize, usize> = HashMap::new();
        for (at, given) in given.iter().enumerate() {
            if given.is_constant {
                rows.fixed.insert(at);
            }
            let Some(own) = given.own else { continue };
            if self.is_fixed(own) {
                rows.fixed.insert(at);
            }
            if self.numbers.contains(&own) {
                rows.numbers.insert(at);
            }
            let same = *firsts.entry(self.first_same(own)).or_insert(at);
            rows.unite(same, at);
        }
        rows
    }
}

/// A column that a plan gives.
#[derive(Default)]
struct Given {
    /// The columns that it is made of.
    of: BTreeSet<usize>,
    /// The one that it is.
    own: Option<usize>,
    is_constant: bool,
}
