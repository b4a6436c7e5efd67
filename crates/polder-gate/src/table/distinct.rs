//! Many fingerprints in little memory, and how many of them occur before.
//!
//! Fingerprints lie in partitions by their first byte, 16 bytes each. A bag is made of layers that never change, so its
//! copies share them, and of a head that takes in what comes. What goes beyond the memory that a check may take is
//! written to a temporary file, partition after partition. To count, one partition at a time is put into a small table
//! of its own, which stays in the processor's cache; of a bag that was counted before, only what came since is.

mod lookup;
mod pieces;

mod some;

use std::fs::File;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use arrow::buffer::NullBuffer;
use polder_core::{ErrorKind, Result, ResultExt};

use lookup::{Met, in_parallel};
use pieces::{Layer, Pass, Pieces};

const PARTITIONS: usize = 256;
/// Bytes of a fingerprint.
const WIDTH: usize = size_of::<u128>();
/// Fingerprints at which a head becomes a layer.
const HEAD: usize = 1 << 22;
/// A head of fewer fingerprints is copied into another's when bags are merged.
const COPIED: usize = 1 << 16;
/// A bag with less than this part of the limit is not worth a stretch of file.
const SPILLED_PART: usize = 64;
/// Fingerprints that came since the last count are counted anew with each question until there are so many, or an
/// eighth of all.
const RECENT: usize = 1 << 16;
/// Fingerprints of a partition that are put into a table at once.
const AT_ONCE: usize = 1 << 20;

/// Memory that all fingerprints of one check share.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: usize,
    used: AtomicUsize,
}

impl Budget {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        let used = AtomicUsize::new(0);
        Arc::new(Self { limit, used })
    }

    fn take(&self, bytes: usize) {
        self.used.fetch_add(bytes, Ordering::Relaxed);
    }

    fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Whether more than the limit is taken.
    fn is_over(&self) -> bool {
        self.used.load(Ordering::Relaxed) > self.limit
    }
}

/// A bag of fingerprints. A clone shares all but the newest of them.
#[derive(Debug, Clone)]
pub(crate) struct Fingerprints {
    budget: Arc<Budget>,
    /// What was counted.
    counted: Pieces,
    /// How many of those occur before.
    known: u64,
    /// What came since.
    since: Pieces,
    /// The newest.
    head: Layer,
    /// Where this bag puts what it does not hold. The file has no name, so it goes with the process.
    file: Option<Arc<Mutex<File>>>,
}

impl Fingerprints {
    pub(crate) fn new(budget: &Arc<Budget>) -> Self {
        Self {
            budget: Arc::clone(budget),
            counted: Pieces::default(),
            known: 0,
            since: Pieces::default(),
            head: Layer::new(budget),
            file: None,
        }
    }

    /// Takes in the fingerprints of a batch; those of nulls are left out.
    ///
    /// # Errors
    /// `Refused`, where they cannot be put on disk.
    pub(crate) fn extend(&mut self, fingerprints: &[u128], nulls: Option<&NullBuffer>) -> Result<()> {
        let before = self.head.held;
        match nulls {
            None => fingerprints.iter().for_each(|fingerprint| self.head.put(*fingerprint)),
            Some(nulls) => {
                let valid = |(place, _): &(usize, &u128)| nulls.is_valid(*place);
                let there = fingerprints.iter().enumerate().filter(valid);
                there.for_each(|(_, fingerprint)| self.head.put(*fingerprint));
            }
        }
        self.budget.take((self.head.held - before) * WIDTH);
        self.settle_memory()
    }

    /// Takes in all of another bag.
    ///
    /// # Errors
    /// As [`Self::extend`]; then nobody knows what the bag holds.
    pub(crate) fn merge(&mut self, mut other: Self) -> Result<()> {
        if self.is_empty() {
            self.known = other.known;
            self.counted = other.counted;
        } else {
            self.since.append(other.counted);
        }
        self.since.append(other.since);
        if other.head.held < COPIED {
            self.head.append(&mut other.head);
        } else {
            self.since.layers.push(Arc::new(other.head));
        }
        self.settle_memory()
    }

    fn is_empty(&self) -> bool {
        self.counted.is_empty() && self.since.is_empty() && self.head.held == 0
    }

    /// Gets ready for clones. Where their duplicates are asked for, they are counted here if many are not yet, so that
    /// clones only look for what came since.
    ///
    /// # Errors
    /// As [`Self::duplicates`].
    pub(crate) fn settle(&mut self, count: bool) -> Result<()> {
        self.freeze();
        if count && self.since.len() > RECENT.max(self.counted.len() / 8) {
            self.count()?;
        }
        Ok(())
    }

    fn count(&mut self) -> Result<()> {
        self.known = self.duplicates()?;
        self.freeze();
        self.counted.append(std::mem::take(&mut self.since));
        self.counted.join_small(HEAD);
        Ok(())
    }

    /// Makes a layer of a large head, and puts what is beyond the memory on disk.
    fn settle_memory(&mut self) -> Result<()> {
        if self.head.held >= HEAD {
            self.freeze();
        }
        // What others hold too stays in memory whatever this one does.
        if self.budget.is_over() {
            let own = self.counted.own() + self.since.own() + self.head.held;
            if own * WIDTH >= (self.budget.limit / SPILLED_PART).max(1) {
                return self.spill();
            }
        }
        Ok(())
    }

    fn freeze(&mut self) {
        if self.head.held > 0 {
            let mut layer = std::mem::replace(&mut self.head, Layer::new(&self.budget));
            layer.partitions.iter_mut().for_each(Vec::shrink_to_fit);
            self.since.layers.push(Arc::new(layer));
            self.since.join_small(HEAD);
        }
    }

    /// Puts on disk what this bag alone has in memory.
    fn spill(&mut self) -> Result<()> {
        self.freeze();
        let failure = || "cannot put fingerprints of keys into a temporary file".to_owned();
        let file = match &self.file {
            Some(file) => Arc::clone(file),
            None => Arc::new(Mutex::new(tempfile::tempfile().context(ErrorKind::Refused, failure)?)),
        };
        self.file = Some(Arc::clone(&file));
        // What was counted stays apart from what was not.
        self.counted.spill(&file).context(ErrorKind::Refused, failure)?;
        self.since.spill(&file).context(ErrorKind::Refused, failure)
    }

    /// Fingerprints that occurred before: all but the first of each value.
    ///
    /// # Errors
    /// `Refused`, where what was put on disk cannot be read.
    pub(crate) fn duplicates(&self) -> Result<u64> {
        let found = in_parallel(|partition, table, buffer| {
            let len = self.since_of(partition);
            let mut duplicates = 0;
            if len == 0 {
                return Ok(duplicates);
            }
            for pass in Pass::all(len) {
                table.clear(len);
                self.each_since(partition, buffer, pass, |fingerprint| {
                    duplicates += u64::from(!table.insert(fingerprint));
                })?;
                if self.counted.is_empty() {
                    continue;
                }
                // The first of a value is one too where that was counted before.
                let mut met = Met::new(table);
                self.counted.each(partition, buffer, pass, |fingerprint| {
                    duplicates += u64::from(met.is_first(table, fingerprint));
                })?;
            }
            Ok(duplicates)
        });
        Ok(self.known + found?)
    }

    /// Fingerprints that are not among the others.
    ///
    /// # Errors
    /// As [`Self::duplicates`].
    pub(crate) fn absent_from(&self, others: &Self) -> Result<u64> {
        in_parallel(|partition, table, buffer| {
            let len = others.len_of(partition);
            let mut absent = 0;
            for pass in Pass::all(len) {
                table.clear(len);
                others.each(partition, buffer, pass, |fingerprint| {
                    table.insert(fingerprint);
                })?;
                self.each(partition, buffer, pass, |fingerprint| {
                    absent += u64::from(!table.contains(fingerprint));
                })?;
            }
            Ok(absent)
        })
    }

    /// How many fingerprints a partition has.
    fn len_of(&self, partition: usize) -> usize {
        self.counted.len_of(partition) + self.since_of(partition)
    }

    /// How many of them were not counted yet.
    fn since_of(&self, partition: usize) -> usize {
        self.since.len_of(partition) + self.head.partitions[partition].len()
    }

    fn each(&self, partition: usize, buffer: &mut Vec<u8>, pass: Pass, mut visit: impl FnMut(u128)) -> Result<()> {
        self.counted.each(partition, buffer, pass, &mut visit)?;
        self.each_since(partition, buffer, pass, visit)
    }

    /// What was not counted yet.
    fn each_since(
        &self,
        partition: usize,
        buffer: &mut Vec<u8>,
        pass: Pass,
        mut visit: impl FnMut(u128),
    ) -> Result<()> {
        self.since.each(partition, buffer, pass, &mut visit)?;
        self.head.each(partition, pass, visit);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;
    use xxhash_rust::xxh3::xxh3_128;

    use super::*;

    fn hashed(values: &[u16]) -> Vec<u128> {
        values.iter().map(|value| xxh3_128(&value.to_le_bytes())).collect()
    }

    fn of(budget: &Arc<Budget>, values: &[u16]) -> Fingerprints {
        let mut part = Fingerprints::new(budget);
        part.extend(&hashed(values), None).unwrap();
        part
    }

    fn bag(limit: usize, batches: &[Vec<u16>]) -> Fingerprints {
        let budget = Budget::new(limit);
        let mut all = Fingerprints::new(&budget);
        for batch in batches {
            all.merge(of(&budget, batch)).unwrap();
        }
        all
    }

    fn beyond_the_first(values: &[u16]) -> u64 {
        (values.len() - values.iter().collect::<HashSet<_>>().len()) as u64
    }

    proptest! {
        #[test]
        fn duplicates_are_the_values_beyond_the_first(
            batches in prop::collection::vec(prop::collection::vec(0u16..300, 0..80), 0..12),
            limit in prop::sample::select(vec![0, 500, 1 << 20]),
        ) {
            let bag = bag(limit, &batches);
            let expected = beyond_the_first(&batches.concat());
            prop_assert_eq!(bag.duplicates().unwrap(), expected);
            prop_assert_eq!(bag.clone().duplicates().unwrap(), expected);
        }

        /// A stream's commits: each is judged on a copy with its rows, and some do not come to be.
        #[test]
        fn what_was_counted_before_gives_the_figure_of_a_whole_count(
            commits in prop::collection::vec(
                (prop::collection::vec(0u16..300, 0..80), any::<bool>(), any::<bool>()), 0..12),
            limit in prop::sample::select(vec![0, 500, 1 << 20]),
        ) {
            let budget = Budget::new(limit);
            let (mut bag, mut values) = (Fingerprints::new(&budget), Vec::new());
            for (fresh, counted, lands) in commits {
                if counted {
                    bag.count().unwrap();
                }
                let mut would_be = bag.clone();
                would_be.merge(of(&budget, &fresh)).unwrap();
                let together = [values.as_slice(), &fresh].concat();
                prop_assert_eq!(would_be.duplicates().unwrap(), beyond_the_first(&together));
                prop_assert_eq!(bag.duplicates().unwrap(), beyond_the_first(&values));
                drop(would_be);
                if lands {
                    bag.merge(of(&budget, &fresh)).unwrap();
                    values = together;
                }
            }
            let expected = values.iter().filter(|value| **value >= 150).count() as u64;
            let others = of(&budget, &(0..150).collect::<Vec<_>>());
            prop_assert_eq!(bag.absent_from(&others).unwrap(), expected);
            prop_assert_eq!(of(&budget, &[1_000]).absent_from(&bag).unwrap(), 1);
        }

        #[test]
        fn orphans_are_the_values_that_the_others_lack(
            mine in prop::collection::vec(prop::collection::vec(0u16..60, 0..50), 0..4),
            theirs in prop::collection::vec(prop::collection::vec(0u16..60, 0..50), 0..4),
            limit in prop::sample::select(vec![0, 1 << 20]),
        ) {
            let known: HashSet<u16> = theirs.concat().into_iter().collect();
            let expected = mine.concat().iter().filter(|value| !known.contains(value)).count();
            let absent = bag(limit, &mine).absent_from(&bag(limit, &theirs)).unwrap();
            prop_assert_eq!(absent, expected as u64);
        }
    }

    #[test]
    fn memory_is_given_back_and_zero_is_a_fingerprint_like_others() {
        let budget = Budget::new(1 << 20);
        let mut bag = Fingerprints::new(&budget);
        bag.extend(&[0, 0, 7, 0], None).unwrap();
        assert_eq!(bag.duplicates().unwrap(), 2);
        assert_eq!(bag.absent_from(&Fingerprints::new(&budget)).unwrap(), 4);
        bag.count().unwrap();
        bag.extend(&[0, 8], None).unwrap();
        assert_eq!(bag.duplicates().unwrap(), 3);
        drop(bag);
        assert_eq!(budget.used.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_copy_shares_what_was_settled() {
        let budget = Budget::new(1 << 30);
        let values: Vec<u128> = (0..200_000u64).map(|value| xxh3_128(&value.to_le_bytes())).collect();
        let mut bag = Fingerprints::new(&budget);
        bag.extend(&values, None).unwrap();
        bag.settle(true).unwrap();
        assert_eq!(bag.counted.len(), values.len());
        let copies = [bag.clone(), bag.clone()];
        assert_eq!(budget.used.load(Ordering::Relaxed), values.len() * WIDTH);
        drop((bag, copies));
        assert_eq!(budget.used.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn beyond_its_memory_a_bag_lies_on_disk() {
        let values: Vec<u16> = (0..5_000).collect();
        let bag = bag(1_000, &[values.clone(), values]);
        assert_eq!((bag.head.held, bag.since.own(), bag.since.runs.len()), (0, 0, 2));
        assert_eq!(bag.duplicates().unwrap(), 5_000);
    }

    /// Parts that are small enough each to stay in memory do not stay there together.
    #[test]
    fn merged_bags_keep_to_the_limit() {
        let limit = 1 << 20;
        let budget = Budget::new(limit);
        let mut all = Fingerprints::new(&budget);
        for part in 0..200u64 {
            let values = (0..1_000u64).map(|value| xxh3_128(&(part * 900 + value).to_le_bytes()));
            let mut bag = Fingerprints::new(&budget);
            bag.extend(&values.collect::<Vec<_>>(), None).unwrap();
            all.merge(bag).unwrap();
            assert!(budget.used.load(Ordering::Relaxed) <= limit, "{part}");
        }
        assert_eq!(all.duplicates().unwrap(), 199 * 100);
    }

    #[test]
    fn many_small_commits_leave_few_layers() {
        let budget = Budget::new(1 << 30);
        let mut bag = Fingerprints::new(&budget);
        for commit in 0..1_000_u128 {
            let values: Vec<u128> = (0..10)
                .map(|n| (commit * 10 + n) << 64 | (commit % 256) << 120)
                .collect();
            bag.extend(&values, None).unwrap();
            bag.settle(true).unwrap();
        }
        let layers = bag.counted.layers.len() + bag.since.layers.len();
        assert!(layers <= 20, "{layers}");
        assert_eq!(bag.counted.len() + bag.since.len() + bag.head.held, 10_000);
        assert_eq!(bag.duplicates().unwrap(), 0);
    }
}
