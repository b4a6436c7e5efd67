//! What tells the rows of a query apart: the candidate keys of what it gives, from those of the datasets that it reads.

mod reading;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};

use datafusion::common::DFSchema;
use datafusion::logical_expr::{Expr, LogicalPlan};
use polder_core::DatasetName;

use self::reading::{Reading, is_constant, is_equal, unaliased};

/// What tells the rows of a dataset apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keys {
    /// No two rows have the same values in all columns of one of these sets. By the empty set there is one row at most.
    pub sets: Vec<BTreeSet<String>>,
    /// Sets of columns of a row from elsewhere: whoever knows one of them is taken to know all.
    pub alike: Vec<BTreeSet<String>>,
    /// Whether all rows are from elsewhere: each is taken for the only one wherever it is met.
    pub is_elsewhere: bool,
}

impl Keys {
    /// Those of a dataset of which nothing changes.
    pub fn elsewhere() -> Self {
        Self {
            sets: vec![BTreeSet::new()],
            is_elsewhere: true,
            ..Self::default()
        }
    }
}

impl FromIterator<BTreeSet<String>> for Keys {
    fn from_iter<I: IntoIterator<Item = BTreeSet<String>>>(sets: I) -> Self {
        Self {
            sets: sets.into_iter().collect(),
            ..Self::default()
        }
    }
}

/// What counts as the same value in other words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Words {
    /// Columns as they are.
    Exact,
    /// What is computed of a column too, as if no two values gave the same.
    Computed,
    /// And what is compared with it in any way, as if it were equal.
    Compared,
    /// The same, as if of all that a query chooses among (`coalesce`, `CASE`, `OR`) it chose the one that is counted from zero.
    Chosen(usize),
}

impl Words {
    /// Those that do not ask what is chosen.
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
    /// Among how many columns it chooses at most.
    pub choices: usize,
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

    /// What tells them apart, as that of a dataset which they make.
    pub fn keys(&self) -> Keys {
        let named = |places: &BTreeSet<usize>| places.iter().filter_map(|at| self.columns.get(*at).cloned()).collect();
        Keys {
            sets: self.rows.least_keys().iter().map(named).collect(),
            alike: self.rows.alike.iter().map(named).collect(),
            is_elsewhere: self.rows.is_elsewhere,
        }
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
        choices: reading.choices.get(),
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
    /// Whether all come from elsewhere: each is taken for the only one wherever it is met.
    is_elsewhere: bool,
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
            is_elsewhere: false,
        }
    }

    /// One row at most.
    fn one(width: usize) -> Self {
        Self {
            keys: vec![BTreeSet::new()],
            ..Self::any(width)
        }
    }

    /// Rows of which nothing changes.
    fn elsewhere(width: usize) -> Self {
        let mut rows = Self::one(width);
        rows.alike.push((0..width).collect());
        rows.is_elsewhere = true;
        rows
    }

    /// The keys that they bring into a join with others of which each meets one of them at most.
    fn keys_met_by(&self, others: &Self) -> Vec<BTreeSet<usize>> {
        match self.is_elsewhere && !others.is_elsewhere {
            // What tells them apart is one of their own columns, whichever it is.
            true => vec![(0..self.same.len()).collect()],
            false => self.keys.clone(),
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

    /// The least sets of columns that tell them apart: one may do without another, and the other without the one.
    fn least_keys(&self) -> Vec<BTreeSet<usize>> {
        let own: Vec<_> = (0..self.same.len()).map(Given::column).collect();
        let mut least = BTreeSet::new();
        for key in self.keys.iter().flat_map(|key| self.in_words_of(key, &own)) {
            least.insert(self.without_needless(&key, None));
            least.extend(key.iter().map(|wanted| self.without_needless(&key, Some(*wanted))));
        }
        least.into_iter().collect()
    }

    /// What is left of a key without the columns that it can do without, one that is wanted tried last.
    fn without_needless(&self, key: &BTreeSet<usize>, wanted: Option<usize>) -> BTreeSet<usize> {
        let mut least = key.clone();
        let others = key.iter().copied().filter(|at| Some(*at) != wanted);
        for at in others.chain(wanted) {
            least.remove(&at);
            if !self.are_apart_by(&least) {
                least.insert(at);
            }
        }
        least
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

    /// A key as a plan that gives these columns can say it: of columns of one row from elsewhere it needs one, and has another
    /// one where that is not given.
    fn in_words_of(&self, key: &BTreeSet<usize>, given: &[Given]) -> Vec<BTreeSet<usize>> {
        let mut found = vec![key.clone()];
        for alike in self.alike.iter().filter(|alike| !alike.is_disjoint(key)) {
            let is_own = |at: &&usize| {
                let own = given.iter().filter_map(|given| given.own);
                own.into_iter().any(|own| self.first_same(own) == self.first_same(**at))
            };
            let is_in = |at: &&usize| {
                let mut of = given.iter().flat_map(|given| &given.of);
                of.any(|of| self.first_same(*of) == self.first_same(**at))
            };
            let own = alike.iter().find(is_own);
            let words: BTreeSet<_> = own
                .into_iter()
                .chain(alike.iter().filter(|at| !is_own(at) && is_in(at)))
                .collect();
            if words.is_empty() {
                continue;
            }
            let with = |key: &BTreeSet<usize>| {
                let rest = key.difference(alike);
                let with = words.iter().map(|word| rest.clone().copied().chain([**word]).collect());
                with.collect::<Vec<_>>()
            };
            found = found.iter().flat_map(with).take(MOST_KEYS).collect();
        }
        found
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
        rows.is_elsewhere = self.is_elsewhere;
        for key in self.least_keys().iter().flat_map(|key| self.in_words_of(key, given)) {
            holding(&key).into_iter().for_each(|key| rows.add_key(key));
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
            if of.is_empty() {
                continue;
            }
            for by in self.in_words_of(by, given).iter().flat_map(holding) {
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

impl Given {
    fn column(at: usize) -> Self {
        Self {
            of: BTreeSet::from([at]),
            own: Some(at),
            is_constant: false,
        }
    }
}
