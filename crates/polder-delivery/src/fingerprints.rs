//! A set of keys that may be as large as the table, in sixteen bytes each.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

/// New fingerprints wait in a hash table until there are so many, or an eighth of all.
const RECENT: usize = 1 << 16;

/// Fingerprints of keys: sorted, with the newest in a small table beside them. They are hashes, so they lie evenly, and
/// each is found close to where its value says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fingerprints {
    sorted: Vec<u128>,
    recent: FingerprintSet,
}

/// A hash table of fingerprints, which need no hashing.
pub(crate) type FingerprintSet = HashSet<u128, BuildHasherDefault<Folded>>;

/// The two halves of a fingerprint, folded.
#[derive(Debug, Clone, Default)]
pub(crate) struct Folded(u64);

impl Hasher for Folded {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u128(&mut self, value: u128) {
        self.0 ^= (value >> 64) as u64 ^ value as u64;
    }
}

impl Fingerprints {
    /// A set of these; each may come several times.
    pub(crate) fn of(mut all: Vec<u128>) -> Self {
        all.sort_unstable();
        all.dedup();
        Self {
            sorted: all,
            recent: FingerprintSet::default(),
        }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.sorted.len() + self.recent.len()
    }

    pub(crate) fn contains(&self, key: u128) -> bool {
        self.recent.contains(&key) || holds(&self.sorted, key)
    }

    pub(crate) fn extend(&mut self, keys: impl IntoIterator<Item = u128>) {
        self.recent.extend(keys);
        if self.recent.len() > RECENT.max(self.sorted.len() / 8) {
            self.fold();
        }
    }

    /// Merges the newest into the sorted ones, from the end, without a second copy.
    fn fold(&mut self) {
        let mut recent: Vec<u128> = std::mem::take(&mut self.recent).into_iter().collect();
        recent.sort_unstable();
        recent.retain(|key| !holds(&self.sorted, *key));
        let (mut old, mut new) = (self.sorted.len(), recent.len());
        self.sorted.reserve_exact(new);
        self.sorted.resize(old + new, 0);
        while new > 0 {
            let place = old + new - 1;
            if old > 0 && self.sorted[old - 1] > recent[new - 1] {
                self.sorted[place] = self.sorted[old - 1];
                old -= 1;
            } else {
                self.sorted[place] = recent[new - 1];
                new -= 1;
            }
        }
    }
}

/// Looks where an even distribution would have the key, and from there in steps that double.
fn holds(sorted: &[u128], key: u128) -> bool {
    if sorted.is_empty() {
        return false;
    }
    // The upper half of the key is below 2^64, so the place is below the length.
    let guess = (((key >> 64) * sorted.len() as u128) >> 64) as usize;
    let mut step = 1;
    let (mut low, mut high) = (guess, guess);
    if sorted[guess] < key {
        while high < sorted.len() && sorted[high] < key {
            (low, high) = (high, high.saturating_add(step));
            step *= 2;
        }
    } else {
        while low > 0 && sorted[low] > key {
            (high, low) = (low, low.saturating_sub(step));
            step *= 2;
        }
    }
    let high = high.saturating_add(1).min(sorted.len());
    sorted[low..high].binary_search(&key).is_ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever the distribution: what was put in is there, and nothing else.
        #[test]
        fn it_holds_what_was_put_in(
            base in prop::collection::vec(prop_oneof![any::<u128>(), 0u128..50, u128::MAX - 50..u128::MAX], 0..200),
            rounds in prop::collection::vec(prop::collection::vec(prop_oneof![any::<u128>(), 0u128..50], 0..40), 0..6),
            asked in prop::collection::vec(prop_oneof![any::<u128>(), 0u128..50, u128::MAX - 50..u128::MAX], 0..50),
        ) {
            let mut model: BTreeSet<u128> = base.iter().copied().collect();
            let mut set = Fingerprints::of(base);
            for round in rounds {
                model.extend(&round);
                set.extend(round);
                set.fold();
            }
            prop_assert_eq!(set.len(), model.len());
            prop_assert!(set.sorted.is_sorted());
            for key in asked.iter().chain(&model) {
                prop_assert_eq!(set.contains(*key), model.contains(key));
            }
        }
    }

    #[test]
    fn a_million_keys_take_sixteen_bytes_each_and_a_little() {
        // Multiplication by an odd constant spreads consecutive numbers over the whole range.
        let key = |n: u128| n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        let mut set = Fingerprints::default();
        for part in 0..100u128 {
            set.extend((0..10_000).map(|n| key(part * 10_000 + n)));
        }
        assert_eq!(set.len(), 1_000_000);
        assert!((0..1_000_000).all(|n| set.contains(key(n))));
        assert!((1_000_000..1_100_000).all(|n| !set.contains(key(n))));
        assert!(set.sorted.capacity() <= 1_000_000);
        assert!(set.recent.len() <= set.sorted.len() / 8 + RECENT);
    }
}
