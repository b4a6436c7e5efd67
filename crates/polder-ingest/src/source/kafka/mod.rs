//! A topic of Kafka: all partitions, assigned, from the offsets that the Delta table holds.
//!
//! Consumer groups and their offsets play no part. Where a partition goes on is asked for; that its offset is still
//! there is checked against the partition's watermarks before anything is read. A topic that was deleted and made anew
//! shows by that as long as it is shorter than what was read of the old one; one that has outgrown it does not show.

mod broker;
mod offsets;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use polder_core::{Error, ErrorKind, Result};
use rdkafka::Message;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{BorrowedMessage, Headers};
use rdkafka::metadata::MetadataPartition;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use self::broker::{Consumer, START, hear_errors, is_refusal, partitions};
use self::offsets::{Gap, begin, listed, lost};
use super::{Event, Halt, Port};
use crate::chunk::{Bounds, Chunk, Head, Lane};
use crate::decode::GUID_HEADER;
use crate::observer::Mode;
use crate::stream::OnLost;

pub(crate) use self::broker::Connection;
pub use self::broker::{KafkaProbe, probe_kafka, probe_topics};

/// How long to wait for a record while none is at hand, and while some are.
const IDLE: Duration = Duration::from_millis(100);
const LINGER: Duration = Duration::from_millis(5);
/// How long a broker may take to answer whether it is still there.
const PROBE: Duration = Duration::from_secs(3);

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

/// Brokers that do not answer.
struct Trouble {
    since: Instant,
    /// When they are asked again, and how long to wait after that.
    ask: Instant,
    wait: Duration,
    told: bool,
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

    /// The topic's partitions, as the brokers know them.
    fn look(&mut self, patience: Duration) -> Result<Vec<i32>> {
        self.looked = Instant::now();
        let connection = &self.source.connection;
        // All topics: asking for one by name can make brokers create it.
        let metadata = self.consumer.fetch_metadata(None, patience).map_err(|cause| {
            if self.partitions.is_empty() {
                hear_errors(&self.consumer);
            }
            connection.failure(&self.consumer, "do not answer", cause)
        })?;
        let found = partitions(&self.source.topic, &connection.brokers, &metadata)?;
        let mut ids: Vec<i32> = found.iter().map(MetadataPartition::id).collect();
        ids.sort_unstable();
        Ok(ids)
    }

    /// Takes partitions in: asks where they go on, checks that the offsets are there, and assigns all anew.
    fn add(&mut self, ids: Vec<i32>) -> Result<(), Halt> {
        let lanes: Vec<Arc<Lane>> = ids
            .iter()
            .map(|partition| {
                let progress = format!("{}{partition}", self.source.progress);
                Arc::new(Lane {
                    topic: Arc::clone(&self.topic),
                    partition: *partition,
                    progress,
                })
            })
            .collect();
        let positions = self.port.positions(&lanes)?;
        let mut expected = 0;
        let mut gaps = Vec::new();
        for ((id, lane), stored) in ids.into_iter().zip(lanes).zip(positions) {
            self.port.check()?;
            let (low, high) = self.watermarks(id)?;
            let (next, gap) = begin(&self.topic, id, stored, low, high)?;
            gaps.extend(gap);
            expected += u64::try_from(high - next).unwrap_or_default();
            let end = (self.source.mode == Mode::UntilEnd).then_some(high);
            let done = end.is_some_and(|end| next >= end);
            self.partitions.insert(
                id,
                Partition {
                    lane,
                    next,
                    end,
                    done,
                    fresh: stored.is_none(),
                },
            );
        }
        self.pass_over(&gaps)?;
        self.port.send(Event::Expected(expected))?;
        self.assign()
    }

    /// The first offset of a partition, and the one behind its last.
    fn watermarks(&self, id: i32) -> Result<(i64, i64)> {
        self.consumer.fetch_watermarks(&self.topic, id, START).map_err(|cause| {
            let what = format!("do not tell the offsets of {}/{id}", self.topic);
            self.source.connection.failure(&self.consumer, &what, cause)
        })
    }

    /// Does with records that are gone what the stream says.
    fn pass_over(&mut self, gaps: &[Gap]) -> Result<(), Halt> {
        if gaps.is_empty() {
            return Ok(());
        }
        if self.source.on_lost == OnLost::Stop {
            return Err(lost(&self.topic, gaps).into());
        }
        for gap in gaps {
            if let Some(partition) = self.partitions.get(&gap.partition) {
                self.chunk.lose(&partition.lane, gap.from, gap.to);
            }
        }
        let text = format!(
            "topic {} lost records that were not read: {}; they are skipped, as the stream says",
            self.topic,
            listed(gaps)
        );
        tracing::warn!("{text}");
        Ok(self.port.notice(text)?)
    }

    /// The brokers do not have what comes next: finds out which records are gone.
    fn regain(&mut self, error: Error) -> Result<(), Halt> {
        // What was read is handed over, whatever comes of this.
        self.hand_over()?;
        let open: Vec<i32> = self
            .partitions
            .iter()
            .filter(|(_, partition)| !partition.done)
            .map(|(id, _)| *id)
            .collect();
        let mut gaps = Vec::new();
        for id in open {
            let (low, high) = self.watermarks(id)?;
            if let Some(partition) = self.partitions.get_mut(&id) {
                let stored = (!partition.fresh).then_some(partition.next);
                let (next, gap) = begin(&self.topic, id, stored, low, high)?;
                partition.next = next;
                partition.done = partition.end.is_some_and(|end| next >= end);
                gaps.extend(gap);
            }
        }
        if gaps.is_empty() {
            return Err(error.into());
        }
        self.pass_over(&gaps)?;
        self.assign()
    }

    fn assign(&mut self) -> Result<(), Halt> {
        let mut list = TopicPartitionList::new();
        let refused = |cause: KafkaError| {
            Error::new(
                ErrorKind::Internal,
                format!("cannot assign partitions of {}", self.topic),
            )
            .with_source(cause)
        };
        for (id, partition) in self.partitions.iter().filter(|(_, partition)| !partition.done) {
            // Retention may move the beginning until the first fetch; whoever never read misses nothing.
            let offset = if partition.fresh {
                Offset::Beginning
            } else {
                Offset::Offset(partition.next)
            };
            list.add_partition_offset(&self.topic, *id, offset).map_err(refused)?;
        }
        self.consumer.assign(&list).map_err(refused)?;
        let now = Instant::now();
        (self.alive, self.moved) = (now, now);
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

    fn lives(&mut self) -> Result<(), Halt> {
        self.alive = Instant::now();
        if self.trouble.take().is_some_and(|trouble| trouble.told) {
            self.port
                .notice(format!("kafka brokers {} answer again", self.source.connection.brokers))?;
        }
        Ok(())
    }

    /// What an error means: the end of the run, or only that brokers should be asked whether they are there.
    fn weigh(&mut self, error: KafkaError) -> Result<(), Halt> {
        let code = error.rdkafka_error_code();
        let topic = &self.topic;
        let end = |kind: ErrorKind, message: String| Error::new(kind, message).with_source(error.clone());
        Err(Halt::Failed(match code {
            Some(Code::OffsetOutOfRange | Code::AutoOffsetReset | Code::NoOffset | Code::LogTruncation) => {
                let message = format!("topic {topic} does not have the next records of this stream");
                return self.regain(end(ErrorKind::Conflict, message));
            }
            Some(Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition) => end(
                ErrorKind::NotFound,
                format!("topic {topic}, or a partition of it, went away"),
            ),
            Some(Code::GroupAuthorizationFailed) => {
                // No group is used; that its coordinator does not talk to us does not matter.
                return Ok(());
            }
            Some(code) if is_refusal(code) => {
                let brokers = &self.source.connection.brokers;
                end(
                    ErrorKind::Refused,
                    format!("kafka brokers {brokers} refuse access to topic {topic}"),
                )
                .with_help("check security.protocol, sasl.* and ssl.* under kafka.properties, and the user's rights")
            }
            Some(Code::InvalidMessage | Code::BadMessage | Code::BadCompression | Code::UnsupportedCompressionType) => {
                end(
                    ErrorKind::Data,
                    format!("topic {topic} holds a batch that cannot be read"),
                )
            }
            Some(Code::MessageSizeTooLarge | Code::InvalidMessageSize) => end(
                ErrorKind::Refused,
                format!("topic {topic} holds a record that is larger than the limits"),
            )
            .with_help("raise receive.message.max.bytes and fetch.message.max.bytes under kafka.properties"),
            _ if matches!(error, KafkaError::MessageConsumptionFatal(_)) => end(
                ErrorKind::Internal,
                format!("the consumer of topic {topic} cannot go on"),
            ),
            _ => {
                tracing::debug!(topic = %topic, error = %error, "kafka reports");
                self.doubt();
                return self.watch();
            }
        }))
    }

    fn doubt(&mut self) {
        let now = Instant::now();
        let since = self.alive;
        self.trouble.get_or_insert(Trouble {
            since,
            ask: now,
            wait: Duration::from_secs(1),
            told: false,
        });
    }

    /// While nothing comes: asks brokers whether they are there, and looks for new partitions.
    fn watch(&mut self) -> Result<(), Halt> {
        let patience = self.source.patience;
        let waits = self
            .partitions
            .values()
            .any(|partition| !partition.done && partition.end.is_some());
        if waits && self.alive.elapsed() > patience.silence {
            self.doubt();
        }
        if self
            .trouble
            .as_ref()
            .is_some_and(|trouble| trouble.ask <= Instant::now())
        {
            self.ask()?;
        }
        // A broker that answers, but sends nothing of what it says it has.
        if waits && self.moved.elapsed() > patience.lost * 4 {
            let message = format!(
                "kafka brokers {} answer, but send no records of {}",
                self.source.connection.brokers, self.topic
            );
            return Err(Error::new(ErrorKind::Unreachable, message).into());
        }
        let continuous = self.source.mode == Mode::Continuous;
        if continuous && self.trouble.is_none() && self.looked.elapsed() > patience.partitions {
            match self.look(PROBE) {
                Ok(ids) => {
                    let new: Vec<i32> = ids.into_iter().filter(|id| !self.partitions.contains_key(id)).collect();
                    if !new.is_empty() {
                        self.port
                            .notice(format!("topic {} has {} new partitions", self.topic, new.len()))?;
                        self.add(new)?;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Unreachable => self.doubt(),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn ask(&mut self) -> Result<(), Halt> {
        let waiting = self
            .partitions
            .iter()
            .find(|(_, partition)| !partition.done)
            .or(self.partitions.first_key_value());
        let Some((id, _)) = waiting else { return Ok(()) };
        let answer = self.consumer.fetch_watermarks(&self.topic, *id, PROBE);
        let (Err(cause), Some(trouble)) = (answer, self.trouble.as_mut()) else {
            return self.lives();
        };
        let brokers = &self.source.connection.brokers;
        if self.source.mode == Mode::UntilEnd && trouble.since.elapsed() >= self.source.patience.lost {
            return Err(self
                .source
                .connection
                .failure(&self.consumer, "went away and do not come back", cause)
                .into());
        }
        if !trouble.told {
            trouble.told = true;
            self.port
                .notice(format!("kafka brokers {brokers} do not answer; trying again"))?;
        }
        trouble.ask = Instant::now() + trouble.wait;
        trouble.wait = (trouble.wait * 2)
            .min(Duration::from_secs(30))
            .min(self.source.patience.lost / 4);
        Ok(())
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
    let guid = message
        .headers()
        .is_some_and(|headers| headers.iter().any(|header| header.key == GUID_HEADER));
    let head = Head {
        lane: &partition.lane,
        offset,
        timestamp: message.timestamp().to_millis(),
        guid,
    };
    chunk.push(head, message.key(), message.payload());
    partition.next = offset + 1;
    partition.fresh = false;
    partition.done = partition.end.is_some_and(|end| partition.next >= end);
    partition.done
}
