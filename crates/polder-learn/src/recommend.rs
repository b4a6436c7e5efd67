//! Recommendation from implicit feedback: which items go together, and what a user is likely to take next.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// An item and how strongly it is suggested; scores compare within one list only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scored {
    /// The item's index.
    pub item: usize,
    /// The score; higher is better.
    pub score: f64,
}

/// For each item the items that share most baskets with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Neighbours {
    lists: Vec<Vec<Scored>>,
}

impl Neighbours {
    /// Cosine similarity of items over baskets (or users): shared baskets over the root of the product of both items'
    /// baskets, shrunk for rare pairs: `n / (√(a·b) + shrink)` (Sarwar et al. 2001; shrinkage as in Bell and Koren 2007).
    ///
    /// `baskets` hold item indices below `items`, each item once a basket. The `most` strongest neighbours are kept, of
    /// equals the one with the smaller index.
    pub fn from_baskets(baskets: &[Vec<usize>], items: usize, most: usize, shrink: f64) -> Self {
        let mut count = vec![0_u32; items];
        let mut holders: Vec<Vec<usize>> = vec![Vec::new(); items];
        for (basket, content) in baskets.iter().enumerate() {
            for item in content {
                count[*item] += 1;
                holders[*item].push(basket);
            }
        }
        // One item at a time: the memory is that of one row, whatever the number of pairs.
        let mut shared = vec![0_u32; items];
        let mut seen: Vec<usize> = Vec::new();
        let lists = (0..items)
            .map(|item| {
                for basket in &holders[item] {
                    for other in &baskets[*basket] {
                        if *other != item {
                            if shared[*other] == 0 {
                                seen.push(*other);
                            }
                            shared[*other] += 1;
                        }
                    }
                }
                let scored = seen.iter().map(|other| {
                    let norm = (f64::from(count[item]) * f64::from(count[*other])).sqrt() + shrink;
                    Scored {
                        item: *other,
                        score: f64::from(shared[*other]) / norm,
                    }
                });
                let list = strongest(scored.collect(), most);
                for other in seen.drain(..) {
                    shared[other] = 0;
                }
                list
            })
            .collect();
        Self { lists }
    }

    /// The neighbours of an item, strongest first; empty for an index that is not known.
    pub fn of(&self, item: usize) -> &[Scored] {
        self.lists.get(item).map_or(&[], Vec::as_slice)
    }

    /// What goes with a history: the sum of similarities to its items, each weighted; items of the history left out.
    pub fn suggest(&self, history: &[(usize, f64)], most: usize) -> Vec<Scored> {
        let mut scores: HashMap<usize, f64> = HashMap::new();
        for (item, weight) in history {
            for neighbour in self.of(*item) {
                *scores.entry(neighbour.item).or_default() += weight * neighbour.score;
            }
        }
        for (item, _) in history {
            scores.remove(item);
        }
        strongest(
            scores.into_iter().map(|(item, score)| Scored { item, score }).collect(),
            most,
        )
    }
}

/// Items by how many baskets (or users) hold them, most popular first.
pub fn popularity(baskets: &[Vec<usize>], items: usize) -> Vec<Scored> {
    let mut count = vec![0_u32; items];
    for item in baskets.iter().flatten() {
        count[*item] += 1;
    }
    let scored = count.iter().enumerate().map(|(item, n)| Scored {
        item,
        score: f64::from(*n),
    });
    strongest(scored.collect(), items)
}

fn strongest(mut scored: Vec<Scored>, most: usize) -> Vec<Scored> {
    let order = |a: &Scored, b: &Scored| b.score.total_cmp(&a.score).then(a.item.cmp(&b.item));
    if most == 0 {
        return Vec::new();
    }
    if scored.len() > most {
        scored.select_nth_unstable_by(most - 1, order);
        scored.truncate(most);
    }
    scored.sort_by(order);
    scored
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn items_of_the_same_baskets_are_neighbours() {
        // Items 0 and 1 share 2 baskets of 2 and 3: 2/√6; items 1 and 2 share 1 of 3 and 1: 1/√3.
        let baskets = [vec![0, 1], vec![0, 1], vec![1, 2]];
        let neighbours = Neighbours::from_baskets(&baskets, 3, 5, 0.0);
        assert_eq!(neighbours.of(1).iter().map(|s| s.item).collect::<Vec<_>>(), [0, 2]);
        assert!((neighbours.of(1)[0].score - 2.0 / 6.0_f64.sqrt()).abs() < 1e-12);
        assert!((neighbours.of(2)[0].score - 1.0 / 3.0_f64.sqrt()).abs() < 1e-12);
        let next = neighbours.suggest(&[(2, 1.0)], 5);
        assert_eq!(next.iter().map(|s| s.item).collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn popularity_counts_baskets() {
        let ranked = popularity(&[vec![2, 1], vec![2]], 3);
        assert_eq!(
            ranked.iter().map(|s| (s.item, s.score)).collect::<Vec<_>>(),
            [(2, 2.0), (1, 1.0), (0, 0.0)]
        );
    }

    proptest! {
        #[test]
        fn similarity_is_symmetric_and_within_one(baskets in prop::collection::vec(prop::collection::btree_set(0_usize..8, 0..6), 0..12)) {
            let baskets: Vec<Vec<usize>> = baskets.into_iter().map(|b| b.into_iter().collect()).collect();
            let neighbours = Neighbours::from_baskets(&baskets, 8, 8, 0.0);
            for item in 0..8 {
                for other in neighbours.of(item) {
                    prop_assert!(other.score > 0.0 && other.score <= 1.0 + 1e-12);
                    let back = neighbours.of(other.item).iter().find(|s| s.item == item);
                    prop_assert_eq!(back.map(|s| s.score), Some(other.score));
                }
            }
        }
    }
}
