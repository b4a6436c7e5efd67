//! Which item of the old list is which of the new one, in lists whose order has no meaning.

use std::collections::HashMap;

use polder_core::document::Node;

use super::meaning;
use super::walk::Pair;
use crate::place::items;
use crate::service_level::service_level_name;

/// An item of one list and the one of the other that it became; at least one of them is there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paired<'n> {
    /// Position and item of the old list.
    pub(super) old: Option<(usize, &'n Node)>,
    /// Position and item of the new list.
    pub(super) new: Option<(usize, &'n Node)>,
}

/// What tells an item apart from its like; nothing where it does not say.
pub(super) type Identity = fn(&Node) -> Option<String>;

/// What tells columns apart.
pub(super) const COLUMN_IDENTITIES: [Identity; 3] = [by_id, by_physical_name, by_name];

/// What tells objects apart.
pub(super) const OBJECT_IDENTITIES: [Identity; 3] = [by_id, by_physical_name, by_name];

/// What tells service levels apart.
pub(super) const LEVEL_IDENTITIES: [Identity; 4] = [by_id, level_whole, level_driven, level_property];

/// Pairs equal items first, then by each identity in turn, the first with the first. Items with two different `id`s
/// are two things where `ids_decide`. Gives the pairs in the new list's order, then what is gone.
pub(super) fn pair<'n>(old: &'n [Node], new: &'n [Node], identities: &[Identity], ids_decide: bool) -> Vec<Paired<'n>> {
    let equal: Identity = |node| Some(meaning::of("", node));
    let all: Vec<Identity> = std::iter::once(equal).chain(identities.iter().copied()).collect();
    let name = |turn: usize, _, node: &Node| all[turn](node);
    paired(old, new, all.len(), name, |old, new| !ids_decide || !apart(old, new))
}

/// Pairs items by what they name in their document (`new` says which it is): of several the equal ones first. What is
/// written alike may name two things.
pub(super) fn pair_by<'n>(old: &'n [Node], new: &'n [Node], named: impl Fn(bool, &Node) -> String) -> Vec<Paired<'n>> {
    let name = |turn: usize, new: bool, node: &Node| {
        let named = named(new, node);
        Some(match turn {
            0 => format!("{named} {}", meaning::of("", node)),
            _ => named,
        })
    };
    paired(old, new, 2, name, |_, _| true)
}

/// Pairs items by their names, which `name` gives by the turn and the side, in so many turns.
fn paired<'n>(
    old: &'n [Node],
    new: &'n [Node],
    turns: usize,
    name: impl Fn(usize, bool, &Node) -> Option<String>,
    fits: impl Fn(&Node, &Node) -> bool,
) -> Vec<Paired<'n>> {
    let mut taken: Vec<Option<usize>> = vec![None; new.len()];
    let mut left: Vec<bool> = vec![true; old.len()];
    for turn in 0..turns {
        let mut waiting: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, item) in old.iter().enumerate().rev().filter(|(at, _)| left[*at]) {
            if let Some(name) = name(turn, false, item) {
                waiting.entry(name).or_default().push(at);
            }
        }
        for (at, item) in new.iter().enumerate() {
            if taken[at].is_some() {
                continue;
            }
            let Some(candidates) = name(turn, true, item).and_then(|name| waiting.get_mut(&name)) else {
                continue;
            };
            if let Some(position) = candidates.iter().rposition(|from| fits(&old[*from], item)) {
                let from = candidates.remove(position);
                taken[at] = Some(from);
                left[from] = false;
            }
        }
    }
    let kept = new.iter().enumerate().map(|(at, item)| Paired {
        old: taken[at].map(|from| (from, &old[from])),
        new: Some((at, item)),
    });
    let gone = old
        .iter()
        .enumerate()
        .filter(|(at, _)| left[*at])
        .map(|(at, item)| Paired {
            old: Some((at, item)),
            new: None,
        });
    kept.chain(gone).collect()
}

/// An object that both contracts have.
pub(super) struct Kept {
    /// Its position in the old contract.
    pub(super) old: usize,
    /// Its position in the new one.
    pub(super) new: usize,
    /// The position of the old column that each new one is or was.
    pub(super) became: Vec<Option<usize>>,
}

impl Kept {
    /// All objects that both contracts have.
    pub(super) fn all(schema: Pair<'_>) -> Vec<Self> {
        let (old, new) = schema.items();
        let both = pair(old, new, &OBJECT_IDENTITIES, false).into_iter();
        let both = both.filter_map(|paired| Some((paired.old?, paired.new?)));
        both.map(|((old, old_node), (new, new_node))| {
            let (old_columns, new_columns) = (items(old_node, "properties"), items(new_node, "properties"));
            let mut became = vec![None; new_columns.len()];
            for paired in pair(old_columns, new_columns, &COLUMN_IDENTITIES, false) {
                if let (Some((from, _)), Some((to, _))) = (paired.old, paired.new) {
                    became[to] = Some(from);
                }
            }
            Self { old, new, became }
        })
        .collect()
    }
}

fn apart(old: &Node, new: &Node) -> bool {
    matches!((word(old, "id"), word(new, "id")), (Some(old), Some(new)) if old != new)
}

/// Text, number or boolean under a key, as written.
pub(super) fn word(node: &Node, key: &str) -> Option<String> {
    node.get(key)?.scalar_text().map(str::to_owned)
}

/// The `id` of an element.
pub(super) fn by_id(node: &Node) -> Option<String> {
    word(node, "id")
}

/// The `name` of an element.
pub(super) fn by_name(node: &Node) -> Option<String> {
    word(node, "name")
}

/// The name that a store knows: the physical one where it is given, else the declared one.
pub(super) fn by_physical_name(node: &Node) -> Option<String> {
    word(node, "physicalName").or_else(|| word(node, "name"))
}

/// The standard's name of a service level.
pub(super) fn level_name(node: &Node) -> String {
    service_level_name(&word(node, "property").unwrap_or_default())
}

fn level_whole(node: &Node) -> Option<String> {
    let part = |key| word(node, key).unwrap_or_default();
    Some(format!("{} {} {}", level_name(node), part("element"), part("driver")))
}

fn level_driven(node: &Node) -> Option<String> {
    let driver = word(node, "driver").unwrap_or_default();
    Some(format!("{} {driver}", level_name(node)))
}

fn level_property(node: &Node) -> Option<String> {
    Some(level_name(node))
}
