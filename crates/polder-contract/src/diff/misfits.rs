//! What happens to rows with a value that the type of its column cannot hold, by the rule `<column>.type`. A column and
//! all that is inside of it have one such rule, and the strictest of their words counts, also where no other rule is.

use polder_core::document::Node;

use super::pairing::{COLUMN_IDENTITIES, by_physical_name, pair as pair_items};
use super::policies::{Policies, own, own_word};
use super::walk::{At, Pair, Walk};
use crate::place::items;
use crate::rule::OnFailure;

impl Walk {
    /// Tells of each column of an object of which that changed, at the word that did it.
    pub(super) fn misfits(&mut self, object: Pair<'_>, at: &At) {
        let properties = object.under("properties");
        let (old, new) = properties.items();
        for column in &pair_items(old, new, &COLUMN_IDENTITIES, false) {
            let (Some((_, old)), Some((_, new))) = (column.old, column.new) else {
                continue;
            };
            let policies = misfits(old, new, at.policies);
            if policies.old == policies.new {
                continue;
            }
            let said = match [rejecting(old), rejecting(new)] {
                // It is the object's word.
                [None, None] => object.of(object.old.and_then(own_word), object.new.and_then(own_word)),
                [old_word, new_word] => properties.of(Some(old), Some(new)).of(old_word, new_word),
            };
            let at = at.field(&by_physical_name(old).unwrap_or_default());
            let at = At {
                policies,
                ..at.rule(at.rule_id("type"))
            };
            self.quality_failure(said, &at);
        }
    }

    /// Whether the word of an element changed what happens to such rows, of one of its columns where it is an object: then
    /// that is told of these.
    pub(super) fn moves_misfits(&self, element: Pair<'_>, at: &At) -> bool {
        let rejects = |policies: Policies| {
            let rejects = |policy| policy == OnFailure::Reject;
            (rejects(policies.old), rejects(policies.new))
        };
        let moved = rejects(at.policies);
        if moved.0 == moved.1 {
            return false;
        }
        if at.column.is_some() {
            return rejects(at.misfits) == moved;
        }
        let properties = element.under("properties");
        let (old, new) = properties.items();
        pair_items(old, new, &COLUMN_IDENTITIES, false).iter().any(|column| {
            let both = column.old.zip(column.new);
            both.is_some_and(|((_, old), (_, new))| rejects(misfits(old, new, at.policies)) == moved)
        })
    }
}

/// What happens to such rows of a column on either side, in an object that says this.
pub(super) fn misfits(old: &Node, new: &Node, around: Policies) -> Policies {
    let of = |column, around| match rejects_within(column, around) {
        true => OnFailure::Reject,
        // Never a warning: such a value cannot be written.
        false => OnFailure::Quarantine,
    };
    Policies {
        old: of(old, around.old),
        new: of(new, around.new),
    }
}

fn rejects_within(value: &Node, around: OnFailure) -> bool {
    let policy = own(Some(value)).unwrap_or(around);
    policy == OnFailure::Reject || inside(value).any(|value| rejects_within(value, policy))
}

/// The first word in a column by which it rejects.
fn rejecting(value: &Node) -> Option<&Node> {
    match own(Some(value)) {
        Some(OnFailure::Reject) => own_word(value),
        _ => inside(value).find_map(rejecting),
    }
}

/// The fields of a value, its items, or what its map is made of.
fn inside(value: &Node) -> impl Iterator<Item = &Node> {
    let map = value.get("map");
    let others = [
        value.get("items"),
        map.and_then(|map| map.get("key")),
        map.and_then(|map| map.get("value")),
    ];
    items(value, "properties").iter().chain(others.into_iter().flatten())
}
