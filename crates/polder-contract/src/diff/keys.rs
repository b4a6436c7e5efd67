//! The primary key.

use std::collections::BTreeSet;

use super::pairing::{Paired, by_physical_name};
use super::policies::Policies;
use super::shift::Shift;
use super::walk::{At, Pair, Walk};
use crate::place::{count, flag};
use crate::rule::OnFailure;

/// The primary keys of both sides, as positions among the pairs of columns.
pub(super) struct Keys {
    pub(super) old: Vec<usize>,
    pub(super) new: Vec<usize>,
    /// Whether a change of them was told.
    pub(super) are_said: bool,
}

impl Walk {
    /// The primary key.
    pub(super) fn keys(&mut self, pair: Pair<'_>, pairs: &[Paired<'_>], at: &At) -> Keys {
        let key = |new: bool| {
            let mut key: Vec<(u64, usize)> = pairs
                .iter()
                .enumerate()
                .filter_map(|(index, paired)| {
                    let (_, node) = if new { paired.new } else { paired.old }?;
                    let position = count(node, "primaryKeyPosition").filter(|position| *position > 0);
                    flag(node, "primaryKey").then_some((position.unwrap_or(1), index))
                })
                .collect();
            key.sort_by_key(|(position, _)| *position);
            key.into_iter().map(|(_, index)| index).collect::<Vec<_>>()
        };
        let (old, new) = (key(false), key(true));
        // A key of one column goes by what that says of failures; of several columns none is nearer than the object.
        let policy = |key: &[usize], side: fn(Policies) -> OnFailure| match key {
            [only] => {
                let column = &pairs[*only];
                let column = pair.of(column.old.map(|(_, node)| node), column.new.map(|(_, node)| node));
                side(at.policies.of(column.old, column.new))
            }
            _ => side(at.policies),
        };
        let policies = Policies {
            old: policy(&old, |policies| policies.old),
            new: policy(&new, |policies| policies.new),
        };
        let at = &At {
            policies,
            ..at.rule(at.rule_id("primaryKey"))
        };
        let as_set = |key: &[usize]| key.iter().copied().collect::<BTreeSet<_>>();
        if as_set(&old) == as_set(&new) {
            // Values inside of others make no key.
            if !old.is_empty() && at.column.is_none() {
                self.limit_failure(pair, at);
            }
            return Keys {
                old,
                new,
                are_said: false,
            };
        }
        let name = |index: &usize, new: bool| {
            let paired = &pairs[*index];
            let side = if new { paired.new } else { paired.old };
            side.and_then(|(_, node)| by_physical_name(node)).unwrap_or_default()
        };
        let shown = |key: &[usize], new: bool| key.iter().map(|index| name(index, new)).collect::<Vec<_>>().join(", ");
        let sides = (!old.is_empty(), !new.is_empty());
        let (shift, what) = if old.is_empty() {
            let what = format!("{} has the primary key ({}) now", at.shown(), shown(&new, true));
            (Shift::Tightened, what)
        } else if new.is_empty() {
            let what = format!(
                "{} has no primary key any more; it was ({})",
                at.shown(),
                shown(&old, false)
            );
            (Shift::Loosened, what)
        } else {
            let (before, now) = (shown(&old, false), shown(&new, true));
            let what = format!("the primary key of {} changed from ({before}) to ({now})", at.shown());
            (Shift::Changed, what)
        };
        self.limited(|_| "primary-key-changed", shift, sides, pair, at, &what);
        Keys {
            old,
            new,
            are_said: true,
        }
    }
}
