//! Many fingerprints in little memory, and how many of them occur before.
//!
//! Fingerprints lie in partitions by their first byte, 16 bytes each. What goes beyond the memory that a check may take
//! is written to a temporary file, partition after partition. To count, one partition at a time is put into a small
//! table of its own, which stays in the processor's cache.

use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::buffer::NullBuffer;
use polder_core::{Error, ErrorKind, Result, ResultExt};

const PARTITIONS: usize = 256;
/// Bytes of a fingerprint.
const WIDTH: usize = size_of::<u128>();
/// A bag of fewer fingerprints is copied when it is merged into another.
const COPIED: usize = 1 << 16;
/// A bag with less than this part of the limit is not worth a stretch of file.
const SPILLED_PART: usize = 16;

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

    /// Whether so many more bytes went over the limit.
    fn take(&self, bytes: usize) -> bool {
        self.used.fetch_add(bytes, Ordering::Relaxed) + bytes > self.limit
    }

    fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// A bag of fingerprints.
#[derive(Debug)]
pub(crate) struct Fingerprints {
    budget: Arc<Budget>,
    partitions: Vec<Vec<u128>>,
    /// The partitions of large bags that were merged into this one, as they were.
    merged: Vec<Vec<Vec<u128>>>,
    /// Fingerprints in memory.
    held: usize,
    /// Where this bag puts what it does not hold. The file has no name, so it goes with the process.
    file: Option<Arc<Mutex<File>>>,
    runs: Vec<Run>,
}

/// Fingerprints on disk.
#[derive(Debug, Clone)]
struct Run {
    file: Arc<Mutex<File>>,
    /// Where each partition begins in the file, and where the last one ends; bytes.
    starts: Arc<[u64]>,
}

impl Fingerprints {
    pub(crate) fn new(budget: &Arc<Budget>) -> Self {
        Self {
            budget: Arc::clone(budget),
            partitions: vec![Vec::new(); PARTITIONS],
            merged: Vec::new(),
            held: 0,
            file: None,
            runs: Vec::new(),
        }
    }

    /// Takes in the fingerprints of a batch; those of nulls are left out.
    pub(crate) fn extend(&mut self, fingerprints: &[u128], nulls: Option<&NullBuffer>) -> Result<()> {
        let added = match nulls {
            None => {
                fingerprints.iter().for_each(|fingerprint| self.put(*fingerprint));
                fingerprints.len()
            }
            Some(nulls) => {
                let mut added = 0;
                for (place, fingerprint) in fingerprints.iter().enumerate() {
                    if nulls.is_valid(place) {
                        self.put(*fingerprint);
                        added += 1;
                    }
                }
                added
            }
        };
        self.held += added;
        let over = self.budget.take(added * WIDTH);
        if over && self.held * WIDTH >= self.budget.limit / SPILLED_PART {
            self.spill()?;
        }
        Ok(())
    }

    fn put(&mut self, fingerprint: u128) {
        let partition = &mut self.partitions[(fingerprint >> 120) as usize];
        if partition.len() == partition.capacity() {
            // Doubling would hold twice of what is needed just after it.
            partition.reserve_exact((partition.len() / 2).max(64));
        }
        partition.push(fingerprint);
    }

    /// Takes in all of another bag.
    pub(crate) fn merge(&mut self, mut other: Self) {
        if other.held < COPIED {
            for (mine, theirs) in self.partitions.iter_mut().zip(&mut other.partitions) {
                mine.append(theirs);
            }
        } else {
            self.merged.push(std::mem::take(&mut other.partitions));
        }
        self.merged.append(&mut other.merged);
        self.runs.append(&mut other.runs);
        // Both count on one budget, unless somebody merges bags of different checks.
        if !Arc::ptr_eq(&self.budget, &other.budget) {
            other.budget.give_back(other.held * WIDTH);
            self.budget.take(other.held * WIDTH);
        }
        self.held += std::mem::take(&mut other.held);
    }

    /// Puts what is in memory on disk.
    fn spill(&mut self) -> Result<()> {
        if self.held == 0 {
            return Ok(());
        }
        let failure = || "cannot put fingerprints of keys into a temporary file".to_owned();
        let file = match &self.file {
            Some(file) => Arc::clone(file),
            None => Arc::new(Mutex::new(tempfile::tempfile().context(ErrorKind::Refused, failure)?)),
        };
        self.file = Some(Arc::clone(&file));
        let mut open = file.lock().unwrap_or_else(PoisonError::into_inner);
        let mut place = open.seek(SeekFrom::End(0)).context(ErrorKind::Refused, failure)?;
        let mut out = BufWriter::new(&mut *open);
        let mut starts = vec![place];
        let mut all = std::mem::take(&mut self.merged);
        all.push(std::mem::replace(&mut self.partitions, vec![Vec::new(); PARTITIONS]));
        for partition in 0..PARTITIONS {
            for fingerprint in all
                .iter_mut()
                .flat_map(|partitions| std::mem::take(&mut partitions[partition]))
            {
                out.write_all(&fingerprint.to_le_bytes())
                    .context(ErrorKind::Refused, failure)?;
                place += WIDTH as u64;
            }
            starts.push(place);
        }
        out.flush().context(ErrorKind::Refused, failure)?;
        drop(out);
        drop(open);
        let starts = starts.into();
        self.runs.push(Run { file, starts });
        self.budget.give_back(self.held * WIDTH);
        self.held = 0;
        Ok(())
    }

    /// Fingerprints that occurred before: all but the first of each value.
    ///
    /// # Errors
    /// `Refused`, where what was put on disk cannot be read.
    pub(crate) fn duplicates(&self) -> Result<u64> {
        in_parallel(|partition, table, buffer| {
            table.clear(self.len_of(partition));
            let mut duplicates = 0;
            self.each(partition, buffer, |fingerprint| {
                duplicates += u64::from(!table.insert(fingerprint))
            })?;
            Ok(duplicates)
        })
    }

    /// Fingerprints that are not among the others.
    ///
    /// # Errors
    /// As [`Self::duplicates`].
    pub(crate) fn absent_from(&self, others: &Self) -> Result<u64> {
        in_parallel(|partition, table, buffer| {
            table.clear(others.len_of(partition));
            others.each(partition, buffer, |fingerprint| {
                table.insert(fingerprint);
            })?;
            let mut absent = 0;
            self.each(partition, buffer, |fingerprint| {
                absent += u64::from(!table.contains(fingerprint))
            })?;
            Ok(absent)
        })
    }

    fn in_memory(&self, partition: usize) -> impl Iterator<Item = &[u128]> {
        let merged = self
            .merged
            .iter()
            .map(move |partitions| partitions[partition].as_slice());
        merged.chain([self.partitions[partition].as_slice()])
    }

    fn len_of(&self, partition: usize) -> usize {
        let on_disk = self
            .runs
            .iter()
            .map(|run| run.starts[partition + 1] - run.starts[partition]);
        let in_memory: usize = self.in_memory(partition).map(<[u128]>::len).sum();
        in_memory + usize::try_from(on_disk.sum::<u64>()).unwrap_or(usize::MAX) / WIDTH
    }

    fn each(&self, partition: usize, buffer: &mut Vec<u8>, mut visit: impl FnMut(u128)) -> Result<()> {
        self.in_memory(partition)
            .flatten()
            .for_each(|fingerprint| visit(*fingerprint));
        for run in &self.runs {
            run.read(partition, buffer)?;
            for chunk in buffer.as_chunks::<WIDTH>().0 {
                visit(u128::from_le_bytes(*chunk));
            }
        }
        Ok(())
    }
}

impl Clone for Fingerprints {
    fn clone(&self) -> Self {
        self.budget.take(self.held * WIDTH);
        Self {
            budget: Arc::clone(&self.budget),
            partitions: self.partitions.clone(),
            merged: self.merged.clone(),
            held: self.held,
            file: self.file.clone(),
            runs: self.runs.clone(),
        }
    }
}

impl Drop for Fingerprints {
    fn drop(&mut self) {
        self.budget.give_back(self.held * WIDTH);
    }
}

impl Run {
    fn read(&self, partition: usize, buffer: &mut Vec<u8>) -> Result<()> {
        let failure = || "cannot read fingerprints of keys from a temporary file".to_owned();
        let length = self.starts[partition + 1] - self.starts[partition];
        buffer.resize(usize::try_from(length).context(ErrorKind::Internal, failure)?, 0);
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.starts[partition]))
            .and_then(|_| file.read_exact(buffer))
            .context(ErrorKind::Refused, failure)
    }
}

/// Sums a figure over all partitions, on every core.
fn in_parallel(count: impl Fn(usize, &mut Table, &mut Vec<u8>) -> Result<u64> + Sync) -> Result<u64> {
    let threads = std::thread::available_parallelism()
        .map_or(1, NonZeroUsize::get)
        .min(16);
    let next = AtomicUsize::new(0);
    let work = || {
        let (mut table, mut buffer) = (Table::default(), Vec::new());
        let mut sum = 0;
        loop {
            let partition = next.fetch_add(1, Ordering::Relaxed);
            if partition >= PARTITIONS {
                return Ok(sum);
            }
            sum += count(partition, &mut table, &mut buffer)?;
        }
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut sum = work()?;
        for other in others {
            let failure = || Error::new(ErrorKind::Internal, "a thread that counts keys ended badly");
            sum += other.join().map_err(|_| failure())??;
        }
        Ok(sum)
    })
}

/// A set of fingerprints by linear probing. They are evenly spread as they are, so their own bits are the place.
#[derive(Default)]
struct Table {
    /// 0 is an empty place.
    places: Vec<u128>,
    mask: usize,
    zero: bool,
}

impl Table {
    /// Empties it, and makes room for so many.
    fn clear(&mut self, len: usize) {
        let size = (len * 2).next_power_of_two().max(64);
        self.places.clear();
        self.places.resize(size, 0);
        self.mask = size - 1;
        self.zero = false;
    }

    /// The place of a fingerprint, or the empty one where it would go.
    fn find(&self, fingerprint: u128) -> usize {
        let mut place = fingerprint as usize & self.mask;
        while self.places[place] != 0 && self.places[place] != fingerprint {
            place = (place + 1) & self.mask;
        }
        place
    }

    /// Whether it is new.
    fn insert(&mut self, fingerprint: u128) -> bool {
        if fingerprint == 0 {
            return !std::mem::replace(&mut self.zero, true);
        }
        let place = self.find(fingerprint);
        let new = self.places[place] == 0;
        self.places[place] = fingerprint;
        new
    }

    fn contains(&self, fingerprint: u128) -> bool {
        if fingerprint == 0 {
            self.zero
        } else {
            self.places[self.find(fingerprint)] != 0
        }
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

    fn bag(limit: usize, batches: &[Vec<u16>]) -> Fingerprints {
        let budget = Budget::new(limit);
        let mut all = Fingerprints::new(&budget);
        for batch in batches {
            let mut part = Fingerprints::new(&budget);
            part.extend(&hashed(batch), None).unwrap();
            all.merge(part);
        }
        all
    }

    proptest! {
        #[test]
        fn duplicates_are_the_values_beyond_the_first(
            batches in prop::collection::vec(prop::collection::vec(0u16..300, 0..80), 0..12),
            limit in prop::sample::select(vec![0, 500, 1 << 20]),
        ) {
            let values: Vec<u16> = batches.concat();
            let distinct: HashSet<_> = values.iter().collect();
            let bag = bag(limit, &batches);
            prop_assert_eq!(bag.duplicates().unwrap(), (values.len() - distinct.len()) as u64);
            prop_assert_eq!(bag.clone().duplicates().unwrap(), (values.len() - distinct.len()) as u64);
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
        let copy = bag.clone();
        assert_eq!(budget.used.load(Ordering::Relaxed), 8 * WIDTH);
        drop((bag, copy));
        assert_eq!(budget.used.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn beyond_its_memory_a_bag_lies_on_disk() {
        let values: Vec<u16> = (0..5_000).collect();
        let bag = bag(1_000, &[values.clone(), values]);
        assert_eq!((bag.held, bag.runs.len()), (0, 2));
        assert_eq!(bag.duplicates().unwrap(), 5_000);
    }
}
