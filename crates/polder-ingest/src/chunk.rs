//! What sources hand over: records with their places, a bounded number at a time.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use crate::stream::Trigger;

/// Records in a chunk at most.
pub(crate) const MAX_RECORDS: usize = 8192;
/// Bytes of keys and values at which a chunk is full; one record may exceed it.
pub(crate) const MAX_BYTES: usize = 4 << 20;

/// How large a chunk grows: what makes a commit due also ends a chunk, so that small triggers are kept to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    records: usize,
    bytes: usize,
}

impl Bounds {
    pub(crate) fn of(trigger: &Trigger) -> Self {
        let least = |due: u64, most: usize| usize::try_from(due).map_or(most, |due| due.clamp(1, most));
        Self {
            records: least(trigger.rows, MAX_RECORDS),
            bytes: least(trigger.bytes, MAX_BYTES),
        }
    }
}

/// What progress is kept for: a partition of a topic, or a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Lane {
    /// The topic, or the file's name.
    pub(crate) topic: Arc<str>,
    /// The partition; 0 for files.
    pub(crate) partition: i32,
    /// The id under which its next offset is kept in the Delta log.
    pub(crate) progress: String,
}

/// One record's place in its chunk and in its source.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) lane: Arc<Lane>,
    /// The offset, or the line's number from 1.
    pub(crate) offset: i64,
    /// The broker's timestamp in milliseconds since 1970.
    pub(crate) timestamp: Option<i64>,
    schema_header: Option<Range<usize>>,
    key: Option<Range<usize>>,
    value: Option<Range<usize>>,
}

/// Records in the order of their source, their bytes in one buffer.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    bytes: Vec<u8>,
    records: Vec<Record>,
    /// Where each lane goes on, also behind records that are passed over (blank lines).
    next: BTreeMap<String, i64>,
    /// Offsets that are passed over because their records are gone.
    lost: u64,
}

impl Chunk {
    /// Adds a record.
    pub(crate) fn push(&mut self, head: Head<'_>, key: Option<&[u8]>, value: Option<&[u8]>) {
        let schema_header = head.schema_header.map(|bytes| self.keep(bytes));
        let key = key.map(|bytes| self.keep(bytes));
        let value = value.map(|bytes| self.keep(bytes));
        self.pass(head.lane, head.offset);
        let Head {
            lane,
            offset,
            timestamp,
            schema_header: _,
        } = head;
        self.records.push(Record {
            lane: Arc::clone(lane),
            offset,
            timestamp,
            schema_header,
            key,
            value,
        });
    }

    /// Notes that a lane goes on behind `offset`.
    pub(crate) fn pass(&mut self, lane: &Lane, offset: i64) {
        match self.next.get_mut(&lane.progress) {
            Some(next) => *next = offset + 1,
            None => {
                self.next.insert(lane.progress.clone(), offset + 1);
            }
        }
    }

    /// Notes that a lane goes on at `to`, because what lay before it from `from` on is gone.
    pub(crate) fn lose(&mut self, lane: &Lane, from: i64, to: i64) {
        self.pass(lane, to - 1);
        self.lost += u64::try_from(to - from).unwrap_or_default();
    }

    fn keep(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        start..self.bytes.len()
    }

    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there is nothing to hand over, not even a place.
    pub(crate) fn is_empty(&self) -> bool {
        self.next.is_empty()
    }

    pub(crate) fn is_full(&self, bounds: Bounds) -> bool {
        self.records.len() >= bounds.records || self.bytes.len() >= bounds.bytes
    }

    /// Bytes of keys, values and the headers that are kept.
    pub(crate) fn size(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn record(&self, row: usize) -> &Record {
        &self.records[row]
    }

    pub(crate) fn key(&self, row: usize) -> Option<&[u8]> {
        self.bytes_at(&self.records[row].key)
    }

    pub(crate) fn value(&self, row: usize) -> Option<&[u8]> {
        self.bytes_at(&self.records[row].value)
    }

    /// The header that names the value's schema, where there is one.
    pub(crate) fn schema_header(&self, row: usize) -> Option<&[u8]> {
        self.bytes_at(&self.records[row].schema_header)
    }

    fn bytes_at(&self, range: &Option<Range<usize>>) -> Option<&[u8]> {
        range.clone().map(|range| &self.bytes[range])
    }

    /// Offsets that are passed over because their records are gone.
    pub(crate) fn lost(&self) -> u64 {
        self.lost
    }

    /// Where each lane of this chunk goes on behind it, by progress id.
    pub(crate) fn next(&self) -> &BTreeMap<String, i64> {
        &self.next
    }
}

/// What a record is beside its key and value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head<'a> {
    pub(crate) lane: &'a Arc<Lane>,
    pub(crate) offset: i64,
    pub(crate) timestamp: Option<i64>,
    pub(crate) schema_header: Option<&'a [u8]>,
}
