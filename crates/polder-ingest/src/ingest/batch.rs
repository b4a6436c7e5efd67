//! What a commit is made of.

use std::collections::BTreeMap;

use tokio::time::Instant;

use crate::chunk::Chunk;
use crate::decode::Decoded;
use crate::observer::{Dated, Unnamed};
use crate::stream::StreamSpec;

/// Chunks on their way to one commit.
pub(super) struct Batch {
    pub(super) next: BTreeMap<String, i64>,
    pub(super) records: u64,
    pub(super) bytes: u64,
    pub(super) ignored: u64,
    pub(super) unnamed: Unnamed,
    pub(super) dated: Dated,
    pub(super) lost: u64,
    pub(super) deadline: Instant,
}

impl Batch {
    pub(super) fn new(stream: &StreamSpec) -> Self {
        let deadline = Instant::now() + stream.trigger.interval;
        Self {
            next: BTreeMap::new(),
            records: 0,
            bytes: 0,
            ignored: 0,
            unnamed: Unnamed::default(),
            dated: Dated::default(),
            lost: 0,
            deadline,
        }
    }

    pub(super) fn add(&mut self, chunk: &Chunk, decoded: &Decoded) {
        for (id, next) in chunk.next() {
            self.next.insert(id.clone(), *next);
        }
        self.records += chunk.len() as u64;
        self.bytes += chunk.size() as u64;
        self.ignored += decoded.ignored;
        self.unnamed.add(&decoded.unnamed);
        self.dated.add(decoded.dated);
        self.lost += chunk.lost();
    }
}
