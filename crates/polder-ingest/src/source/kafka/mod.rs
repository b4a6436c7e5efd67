//! A topic of Kafka: all partitions, assigned, from the offsets that the Delta table holds.
//!
//! Consumer groups and their offsets play no part. Where a partition goes on is asked for; that its offset is still
//! there is checked against the partition's watermarks before anything is read. A topic that was deleted and made anew
//! shows by that as long as it is shorter than what was read of the old one; one that has outgrown it does not show.

mod assignment;
mod broker;
mod offsets;
mod trouble;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use polder_core::{Error, ErrorKind};
use rdkafka::Message;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use self::broker::{Consumer, START};
use self::trouble::Trouble;
use super::{Event, Halt, Port};
use crate::chunk::{Bounds, Chunk, Head, Lane};
use crate::decode::SCHEMA_HEADER;
use crate::observer::Mode;
use crate::stream::OnLost;

pub(crate) use self::broker::Connection;
pub use self::broker::{KafkaProbe, probe_kafka, probe_topics};

/// How long to wait for a record while none is at hand, and while some are.
const IDLE: Duration = Duration::from_millis(100);
const LINGER: Duration = Duration::from_millis(5);

/// How long the source waits for what, before it does something.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Until brokers that do not answer end a run that reads to the end.
    pub lost: Duration,
    /// Until silence, while there is more to read, makes the source ask whether brokers are there.
    pub silence: Duration,
    /// Between looks for new partitions.
    pub partitions: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            lost: Duration::from_secs(30),
            silence: Duration::from_secs(5),
            partitions: Duration::from_secs(30),
        }
    }
}

/// A topic to read.
pub(crate) struct KafkaSource {
    pub(crate) connection: Connection,
    pub(crate) topic: String,
    pub(crate) on_lost: OnLost,
    /// Progress ids are this and the partition.
    pub(crate) progress: String,
    pub(crate) mode: Mode,
    pub(crate) patience: Patience,
    pub(crate) bounds: Bounds,
}

/// A partition on its way.
struct Partition {
    lane: Arc<Lane>,
    /// The offset that is read next.
    next: i64,
    /// Where reading ends.
    end: Option<i64>,
    done: bool,
    /// Nothing was read yet, nor is anything known: it begins at the first record that there is.
    fresh: bool,
}

impl Partition {
    /// Goes on at `position`, but not behind the end, if that is further than it was.
    fn pass(&mut self, position: i64, chunk: &mut Chunk) {
        let position = self.end.map_or(position, |end| position.min(end));
        if !self.done && position > self.next {
            chunk.pass(&self.lane, position - 1);
            self.next = position;
            self.fresh = false;
        }
    }
}

struct Reading<'a> {
    source: &'a KafkaSource,
    port: &'a Port,
    consumer: Consumer,
    topic: Arc<str>,
    partitions: BTreeMap<i32, Partition>,
    chunk: Chunk,
    /// When a broker last showed a sign of life, and when the last record came.
    alive: Instant,
    moved: Instant,
    trouble: Option<Trouble>,
    looked: Instant,
}

impl KafkaSource {
    /// Reads to the end of the topic as it is now, or until it is stopped.
    pub(crate) fn read(self, port: &Port) -> Result<(), Halt> {
        let consumer = self.connection.consumer()?;
        let now = Instant::now();
        let mut reading = Reading {
            topic: self.topic.as_str().into(),
            source: &self,
            port,
            consumer,
            partitions: BTreeMap::new(),
            chunk: Chunk::default(),
            alive: now,
            moved: now,
            trouble: None,
            looked: now,
        };
        let ids = reading.look(START)?;
        reading.add(ids)?;
        reading.run()
    }
}

impl Reading<'_> {
    fn run(&mut self) -> Result<(), Halt> {
        loop {
            if self.partitions.values().all(|partition| partition.done) && self.source.mode == Mode::UntilEnd {
                return self.hand_over();
            }
            self.port.check()?;
            let wait = if self.chunk.is_empty() { IDLE } else { LINGER };
            match self.consumer.poll(wait) {
                Some(Ok(message)) => {
                    let partition = message.partition();
                    let done = take(&message, self.partitions.get_mut(&partition), &mut self.chunk);
                    drop(message);
                    self.moved = Instant::now();
                    self.lives()?;
                    if done {
                        self.pause(partition)?;
                    }
                    if self.chunk.is_full(self.source.bounds) {
                        self.hand_over()?;
                    }
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    self.lives()?;
                    self.at_end(partition);
                }
                Some(Err(error)) => self.weigh(error)?,
                None => {
                    self.hand_over()?;
                    self.watch()?;
                }
            }
        }
    }

    /// A partition has nothing more for now.
    fn at_end(&mut self, id: i32) {
        let position = self
            .consumer
            .position()
            .ok()
            .and_then(|list| list.find_partition(&self.topic, id).map(|element| element.offset()));
        let Some(found) = self.partitions.get_mut(&id) else {
            return;
        };
        // Behind the last record there can be a transaction's end, or records that do not count. They are passed, or
        // retention of them would look like records that are lost.
        if let Some(Offset::Offset(position)) = position {
            found.pass(position, &mut self.chunk);
        }
        found.done = found.end.is_some();
    }

    fn hand_over(&mut self) -> Result<(), Halt> {
        if !self.chunk.is_empty() {
            self.port.send(Event::Chunk(std::mem::take(&mut self.chunk)))?;
            // Time spent waiting for the lake is no silence of the broker.
            let now = Instant::now();
            (self.alive, self.moved) = (now, now);
        }
        Ok(())
    }

    /// Fetches no more of a partition that is read to its end.
    fn pause(&mut self, partition: i32) -> Result<(), Halt> {
        let mut list = TopicPartitionList::new();
        list.add_partition(&self.topic, partition);
        self.consumer.pause(&list).map_err(|cause| {
            let message = format!("cannot pause {}/{partition}", self.topic);
            Halt::Failed(Error::new(ErrorKind::Internal, message).with_source(cause))
        })
    }
}

/// Adds a record to the chunk; gives whether its partition is read to its end now.
fn take(message: &BorrowedMessage<'_>, partition: Option<&mut Partition>, chunk: &mut Chunk) -> bool {
    let Some(partition) = partition else { return false };
    let offset = message.offset();
    // What was fetched before a new assignment, or came after the end was fixed.
    if offset < partition.next || partition.done {
        return false;
    }
    if let Some(end) = partition.end.filter(|end| offset >= *end) {
        partition.pass(end, chunk);
        partition.done = true;
        return true;
    }
    // Of several the last one counts, as it does for Confluent's readers.
    let schema_header = message.headers().and_then(|headers| {
        let named = headers.iter().filter(|header| header.key == SCHEMA_HEADER);
        named.last().map(|header| header.value.unwrap_or_default())
    });
    let head = Head {
        lane: &partition.lane,
        offset,
        timestamp: message.timestamp().to_millis(),
        schema_header,
    };
    chunk.push(head, message.key(), message.payload());
    partition.next = offset + 1;
    partition.fresh = false;
    partition.done = partition.end.is_some_and(|end| partition.next >= end);
    partition.done
}
