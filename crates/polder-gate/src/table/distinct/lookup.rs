//! Finding fingerprints in small tables, partition after partition, on every core.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};

use polder_core::{Error, ErrorKind, Result};

use super::{AT_ONCE, PARTITIONS};

/// Sums a figure over all partitions, on every core.
pub(super) fn in_parallel(count: impl Fn(usize, &mut Table, &mut Vec<u8>) -> Result<u64> + Sync) -> Result<u64> {
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
pub(super) struct Table {
    /// 0 is an empty place.
    places: Vec<u128>,
    mask: usize,
    used: usize,
    zero: bool,
}

impl Table {
    /// Empties it, and makes room for so many, or for one pass of more.
    pub(super) fn clear(&mut self, len: usize) {
        let size = (len.min(AT_ONCE) * 2).next_power_of_two().max(64);
        self.places.clear();
        self.places.resize(size, 0);
        self.mask = size - 1;
        self.used = 0;
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
    pub(super) fn insert(&mut self, fingerprint: u128) -> bool {
        if fingerprint == 0 {
            return !std::mem::replace(&mut self.zero, true);
        }
        let place = self.find(fingerprint);
        let new = self.places[place] == 0;
        self.places[place] = fingerprint;
        self.used += usize::from(new);
        // A pass may have somewhat more than its share.
        if self.used * 4 > self.places.len() * 3 {
            self.grow();
        }
        new
    }

    fn grow(&mut self) {
        let size = self.places.len() * 2;
        let before = std::mem::replace(&mut self.places, vec![0; size]);
        self.mask = size - 1;
        for fingerprint in before.into_iter().filter(|fingerprint| *fingerprint != 0) {
            let place = self.find(fingerprint);
            self.places[place] = fingerprint;
        }
    }

    pub(super) fn contains(&self, fingerprint: u128) -> bool {
        if fingerprint == 0 {
            self.zero
        } else {
            self.places[self.find(fingerprint)] != 0
        }
    }
}

/// Which fingerprints of a table were met elsewhere.
pub(super) struct Met {
    /// By place, and the last for zero.
    places: Vec<bool>,
}

impl Met {
    pub(super) fn new(table: &Table) -> Self {
        Self {
            places: vec![false; table.places.len() + 1],
        }
    }

    /// Whether it is in the table and was not met before.
    pub(super) fn is_first(&mut self, table: &Table, fingerprint: u128) -> bool {
        if !table.contains(fingerprint) {
            return false;
        }
        let place = if fingerprint == 0 {
            table.places.len()
        } else {
            table.find(fingerprint)
        };
        !std::mem::replace(&mut self.places[place], true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_grows_with_what_it_is_given() {
        let mut table = Table::default();
        table.clear(10);
        assert!((1..10_000u128).all(|value| table.insert(value)));
        assert!((1..10_000u128).all(|value| !table.insert(value)));
        assert!(!table.contains(10_000));
    }
}
