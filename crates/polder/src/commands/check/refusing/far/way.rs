//! Values on their way: where they arrived, and what is known of them there.

use std::collections::BTreeMap;
use std::rc::Rc;

use polder_contract::diff::{Guarantees, Kept};
use polder_contract::{RowCheck, Rule};
use polder_engine::{ColumnEdge, DatasetColumn};

/// What is not kept any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lost {
    /// What was asked of each value.
    Values,
    /// What a rule in SQL said: nobody knows what.
    Said,
    /// That no two rows have the same.
    Keys,
}

/// Values on their way.
#[derive(Clone)]
pub(super) struct Arrived {
    pub(super) at: DatasetColumn,
    /// What is kept of them where they came through, since they are as they are, with their paths there.
    pub(super) between: Vec<(Rc<Guarantees>, String)>,
    /// What the queries say that they came through since.
    pub(super) certain: Vec<RowCheck>,
    /// Whether something else was computed from them.
    pub(super) computed: bool,
    /// Whether others may come than before, and not null alone.
    pub(super) others: bool,
    /// Whether they were chosen by what is another value now, among others or null.
    pub(super) by_choice: bool,
    /// Whether a query may have put them into a list or object.
    pub(super) within: bool,
    /// Whether null may come all the way.
    pub(super) null: bool,
    /// Whether a query chose among them.
    pub(super) chosen: bool,
    /// Whether this is where they begin.
    pub(super) is_first: bool,
}

impl Arrived {
    /// Whether the queries say that they keep what a rule asks, null aside.
    pub(super) fn certainly_keep(&self, rule: &Rule, target: &Guarantees) -> bool {
        let is_here = rule.column.as_ref() == Some(&self.at.column);
        let parts = || target.keep_by_checks(&self.at.column, &self.certain, rule);
        is_here && !self.certain.is_empty() && parts().into_iter().all(|part| part == Kept::Surely)
    }

    /// Takes in what is kept of them in a dataset. What keeps the same as another one adds nothing, and of many the first
    /// ones count.
    pub(super) fn goes_through(&mut self, target: Rc<Guarantees>, path: String) {
        let mut between = self.between.iter();
        // Of what is inside of a value more may be kept.
        let is_kept = !self.within && between.any(|(kept, there)| kept.keep_alike(there, &target, &path));
        if !is_kept && self.between.len() < MOST_BETWEEN {
            self.between.push((target, path));
        }
        self.is_first = false;
    }

    /// Whether all that may be told of another arrival at the same place is told of this one: it came through no dataset
    /// that the other one passed by, and no query says more of it.
    pub(super) fn tells_all_of(&self, other: &Self) -> bool {
        let passed = |(kept, path): &(Rc<Guarantees>, String)| {
            let mut others = other.between.iter();
            others.any(|(other, there)| Rc::ptr_eq(kept, other) && path == there)
        };
        let between = self.between.iter().all(passed);
        let certain = self.certain.iter().all(|check| other.certain.contains(check));
        let flags = [
            self.null >= other.null,
            self.by_choice >= other.by_choice,
            self.within >= other.within,
            self.chosen <= other.chosen,
        ];
        between && certain && flags.iter().all(|tells| *tells)
    }
}

/// So many datasets on the way are asked what they keep.
const MOST_BETWEEN: usize = 8;

/// As many ways to one place are told apart; of more, all is told that may be.
const MOST_WAYS: usize = 32;

/// Where values arrived, and by which ways.
#[derive(Default)]
pub(super) struct Seen(BTreeMap<(DatasetColumn, bool, bool), Vec<Arrived>>);

impl Seen {
    /// What goes on from here; nothing where all of it did before.
    pub(super) fn goes_on(&mut self, mut next: Arrived) -> Option<Arrived> {
        let place = (next.at.clone(), next.computed, next.others);
        let ways = self.0.entry(place).or_default();
        if ways.iter().any(|way| way.tells_all_of(&next)) {
            return None;
        }
        if ways.len() == MOST_WAYS {
            next = Arrived {
                between: Vec::new(),
                certain: Vec::new(),
                null: true,
                chosen: false,
                ..next
            };
        }
        ways.push(next.clone());
        Some(next)
    }
}

/// One step of the way.
pub(super) struct Step<'s> {
    pub(super) edge: &'s ColumnEdge,
    pub(super) to: &'s DatasetColumn,
    /// Where the values are in the target.
    pub(super) path: &'s str,
    pub(super) target: &'s Guarantees,
    /// Whether the query gives other values of its own choice where another value comes.
    pub(super) chooses: bool,
}
