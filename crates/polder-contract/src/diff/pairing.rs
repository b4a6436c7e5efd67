//! Which item of the old list is which of the new one, in lists whose order has no meaning.

use std::collections::HashMap;

use polder_core::document::Node;

use super::meaning;

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

/// Pairs equal items first, then by each identity in turn, the first with the first. Items with two different `id`s
/// are two things where `ids_decide`. Gives the pairs in the new list's order, then what is gone.
pub(super) fn pair<'n>(old: &'n [Node], new: &'n [Node], identities: &[Identity], ids_decide: bool) -> Vec<Paired<'n>> {
    let mut taken: Vec<Option<usize>> = vec![None; new.len()];
    let mut left: Vec<bool> = vec![true; old.len()];
    let equal: Identity = |node| Some(meaning::of("", node));
    for identity in std::iter::once(&equal).chain(identities) {
        let mut waiting: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, item) in old.iter().enumerate().rev().filter(|(at, _)| left[*at]) {
            if let Some(name) = identity(item) {
                waiting.entry(name).or_default().push(at);
            }
        }
        for (at, item) in new.iter().enumerate() {
            if taken[at].is_some() {
                continue;
            }
            let Some(candidates) = identity(item).and_then(|name| waiting.get_mut(&name)) else {
                continue;
            };
            let fits = |from: usize| !ids_decide || !apart(&old[from], item);
            if let Some(position) = candidates.iter().rposition(|from| fits(*from)) {
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
