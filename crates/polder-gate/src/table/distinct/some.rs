//! Some of the fingerprints that are counted, for whoever looks for their rows.

use std::collections::HashSet;

use polder_core::Result;

use super::lookup::Table;
use super::pieces::Pass;
use super::{Fingerprints, PARTITIONS};

impl Fingerprints {
    /// Fingerprints that occur more than once, each once; not more than so many.
    ///
    /// # Errors
    /// As [`Self::duplicates`].
    pub(crate) fn some_duplicated(&self, most: usize) -> Result<Vec<u128>> {
        let mut found = HashSet::new();
        self.passes(|partition, len, pass, table, buffer| {
            table.clear(len);
            self.each(partition, buffer, pass, |fingerprint| {
                if !table.insert(fingerprint) && found.len() < most {
                    found.insert(fingerprint);
                }
            })?;
            Ok(found.len() < most)
        })?;
        Ok(found.into_iter().collect())
    }

    /// Fingerprints that are not among the others, each once; not more than so many.
    ///
    /// # Errors
    /// As [`Self::duplicates`].
    pub(crate) fn some_absent_from(&self, others: &Self, most: usize) -> Result<Vec<u128>> {
        let mut found = HashSet::new();
        others.passes(|partition, len, pass, table, buffer| {
            table.clear(len);
            others.each(partition, buffer, pass, |fingerprint| {
                table.insert(fingerprint);
            })?;
            self.each(partition, buffer, pass, |fingerprint| {
                if !table.contains(fingerprint) && found.len() < most {
                    found.insert(fingerprint);
                }
            })?;
            Ok(found.len() < most)
        })?;
        Ok(found.into_iter().collect())
    }

    /// Looks at each partition, one after the other, as long as more is wanted.
    fn passes(&self, mut look: impl FnMut(usize, usize, Pass, &mut Table, &mut Vec<u8>) -> Result<bool>) -> Result<()> {
        let (mut table, mut buffer) = (Table::default(), Vec::new());
        for partition in 0..PARTITIONS {
            let len = self.len_of(partition);
            for pass in Pass::all(len) {
                if !look(partition, len, pass, &mut table, &mut buffer)? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use xxhash_rust::xxh3::xxh3_128;

    use super::*;
    use crate::table::distinct::Budget;

    fn bag(limit: usize, values: &[u16]) -> Fingerprints {
        let budget = Budget::new(limit);
        let mut bag = Fingerprints::new(&budget);
        for part in values.chunks(7) {
            let hashes: Vec<_> = part.iter().map(hashed).collect();
            bag.extend(&hashes, None).unwrap();
        }
        bag
    }

    fn hashed(value: &u16) -> u128 {
        xxh3_128(&value.to_le_bytes())
    }

    proptest! {
        #[test]
        fn what_is_found_is_what_is_counted_until_there_is_enough(
            mine in prop::collection::vec(0u16..60, 0..120),
            theirs in prop::collection::vec(0u16..60, 0..60),
            limit in prop::sample::select(vec![0, 500, 1 << 20]),
        ) {
            let (bag, others) = (bag(limit, &mine), bag(limit, &theirs));
            let twice = |value: &&u16| mine.iter().filter(|other| other == value).count() > 1;
            let duplicated: HashSet<_> = mine.iter().filter(twice).map(hashed).collect();
            let absent: HashSet<_> = mine.iter().filter(|value| !theirs.contains(value)).map(hashed).collect();
            for most in [3, 1_000] {
                for (found, expected) in [
                    (bag.some_duplicated(most).unwrap(), &duplicated),
                    (bag.some_absent_from(&others, most).unwrap(), &absent),
                ] {
                    prop_assert_eq!(found.len(), expected.len().min(most));
                    prop_assert!(found.iter().all(|one| expected.contains(one)));
                }
            }
        }
    }
}
