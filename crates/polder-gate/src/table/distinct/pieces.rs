//! What a bag of fingerprints is made of: layers in memory and runs on disk.

use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::sync::{Arc, Mutex, PoisonError};

use polder_core::{ErrorKind, Result, ResultExt};

use super::{AT_ONCE, Budget, PARTITIONS, WIDTH};

/// Parts of a bag that change no more.
#[derive(Debug, Clone, Default)]
pub(super) struct Pieces {
    pub(super) layers: Vec<Arc<Layer>>,
    pub(super) runs: Vec<Run>,
}

/// Fingerprints in memory, by partition.
#[derive(Debug)]
pub(super) struct Layer {
    budget: Arc<Budget>,
    pub(super) partitions: Vec<Vec<u128>>,
    pub(super) held: usize,
}

/// Fingerprints on disk.
#[derive(Debug, Clone)]
pub(super) struct Run {
    file: Arc<Mutex<File>>,
    /// Where each partition begins in the file, and where the last one ends; bytes.
    starts: Arc<[u64]>,
}

impl Pieces {
    pub(super) fn is_empty(&self) -> bool {
        self.layers.is_empty() && self.runs.is_empty()
    }

    pub(super) fn append(&mut self, mut other: Self) {
        self.layers.append(&mut other.layers);
        self.runs.append(&mut other.runs);
    }

    /// Joins the newest layers with those before them that are not much larger, up to `most` fingerprints: so many small
    /// commits leave few layers, and a fingerprint is copied once for each time that its layer doubles.
    pub(super) fn join_small(&mut self, most: usize) {
        while let [.., before, last] = self.layers.as_slice() {
            let held = before.held + last.held;
            if before.held > 2 * last.held || held > most {
                break;
            }
            let mut joined = Layer::new(&last.budget);
            for (place, partition) in joined.partitions.iter_mut().enumerate() {
                partition.reserve_exact(before.partitions[place].len() + last.partitions[place].len());
                partition.extend_from_slice(&before.partitions[place]);
                partition.extend_from_slice(&last.partitions[place]);
            }
            joined.held = held;
            joined.budget.take(held * WIDTH);
            self.layers.truncate(self.layers.len() - 2);
            self.layers.push(Arc::new(joined));
        }
    }

    pub(super) fn len(&self) -> usize {
        let in_memory: usize = self.layers.iter().map(|layer| layer.held).sum();
        in_memory + self.runs.iter().map(|run| run.len(0, PARTITIONS)).sum::<usize>()
    }

    pub(super) fn len_of(&self, partition: usize) -> usize {
        let in_memory: usize = self.layers.iter().map(|layer| layer.partitions[partition].len()).sum();
        let on_disk: usize = self.runs.iter().map(|run| run.len(partition, partition + 1)).sum();
        in_memory + on_disk
    }

    /// Fingerprints in memory that no other bag has.
    pub(super) fn own(&self) -> usize {
        let own = self.layers.iter().filter(|layer| Arc::strong_count(layer) == 1);
        own.map(|layer| layer.held).sum()
    }

    pub(super) fn each(
        &self,
        partition: usize,
        buffer: &mut Vec<u8>,
        pass: Pass,
        mut visit: impl FnMut(u128),
    ) -> Result<()> {
        self.layers
            .iter()
            .for_each(|layer| layer.each(partition, pass, &mut visit));
        for run in &self.runs {
            run.read(partition, buffer)?;
            for chunk in buffer.as_chunks::<WIDTH>().0 {
                let fingerprint = u128::from_le_bytes(*chunk);
                if pass.has(fingerprint) {
                    visit(fingerprint);
                }
            }
        }
        Ok(())
    }

    /// Writes the layers that nobody else has to the end of a file, in their place. After an error they are as before.
    pub(super) fn spill(&mut self, file: &Arc<Mutex<File>>) -> std::io::Result<()> {
        let (own, shared): (Vec<_>, Vec<_>) = std::mem::take(&mut self.layers)
            .into_iter()
            .partition(|layer| Arc::strong_count(layer) == 1);
        self.layers = shared;
        if own.is_empty() {
            return Ok(());
        }
        match Run::write(file, &own) {
            Ok(run) => {
                self.runs.push(run);
                Ok(())
            }
            Err(error) => {
                self.layers.extend(own);
                Err(error)
            }
        }
    }
}

impl Layer {
    pub(super) fn new(budget: &Arc<Budget>) -> Self {
        Self {
            budget: Arc::clone(budget),
            partitions: vec![Vec::new(); PARTITIONS],
            held: 0,
        }
    }

    /// Takes one in. The budget hears of it from who calls.
    pub(super) fn put(&mut self, fingerprint: u128) {
        let partition = &mut self.partitions[(fingerprint >> 120) as usize];
        if partition.len() == partition.capacity() {
            // Doubling would hold twice of what is needed just after it.
            partition.reserve_exact((partition.len() / 2).max(64));
        }
        partition.push(fingerprint);
        self.held += 1;
    }

    pub(super) fn append(&mut self, other: &mut Self) {
        for (mine, theirs) in self.partitions.iter_mut().zip(&mut other.partitions) {
            mine.append(theirs);
        }
        let moved = std::mem::take(&mut other.held);
        other.budget.give_back(moved * WIDTH);
        self.budget.take(moved * WIDTH);
        self.held += moved;
    }

    pub(super) fn each(&self, partition: usize, pass: Pass, mut visit: impl FnMut(u128)) {
        for fingerprint in &self.partitions[partition] {
            if pass.has(*fingerprint) {
                visit(*fingerprint);
            }
        }
    }
}

impl Clone for Layer {
    fn clone(&self) -> Self {
        self.budget.take(self.held * WIDTH);
        Self {
            budget: Arc::clone(&self.budget),
            partitions: self.partitions.clone(),
            held: self.held,
        }
    }
}

impl Drop for Layer {
    fn drop(&mut self) {
        self.budget.give_back(self.held * WIDTH);
    }
}

impl Run {
    fn write(file: &Arc<Mutex<File>>, layers: &[Arc<Layer>]) -> std::io::Result<Self> {
        let mut open = file.lock().unwrap_or_else(PoisonError::into_inner);
        let mut place = open.seek(SeekFrom::End(0))?;
        let mut out = BufWriter::new(&mut *open);
        let mut starts = vec![place];
        for partition in 0..PARTITIONS {
            for fingerprint in layers.iter().flat_map(|layer| &layer.partitions[partition]) {
                out.write_all(&fingerprint.to_le_bytes())?;
                place += WIDTH as u64;
            }
            starts.push(place);
        }
        out.flush()?;
        drop(out);
        drop(open);
        let (file, starts) = (Arc::clone(file), starts.into());
        Ok(Self { file, starts })
    }

    /// Fingerprints of the partitions from the first to before the last.
    pub(super) fn len(&self, first: usize, last: usize) -> usize {
        usize::try_from(self.starts[last] - self.starts[first]).unwrap_or(usize::MAX) / WIDTH
    }

    fn read(&self, partition: usize, buffer: &mut Vec<u8>) -> Result<()> {
        let failure = || "cannot read fingerprints of keys from a temporary file".to_owned();
        buffer.resize(self.len(partition, partition + 1) * WIDTH, 0);
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.starts[partition]))
            .and_then(|_| file.read_exact(buffer))
            .context(ErrorKind::Refused, failure)
    }
}

/// One look at a partition: of a large one at a part only, so that the table for it stays small.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pass {
    number: usize,
    mask: usize,
}

impl Pass {
    /// All that it takes to see so many fingerprints.
    pub(super) fn all(len: usize) -> impl Iterator<Item = Self> {
        let passes = len.div_ceil(AT_ONCE).next_power_of_two();
        (0..passes).map(move |number| Self {
            number,
            mask: passes - 1,
        })
    }

    fn has(self, fingerprint: u128) -> bool {
        // The first byte is the partition, the last ones are the place in a table.
        (fingerprint >> 64) as usize & self.mask == self.number
    }
}
