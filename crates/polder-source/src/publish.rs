//! Publishing: events to a topic, each acknowledged by the brokers, none twice.

use std::time::{Duration, Instant};

use polder_core::config::KafkaConfig;
use polder_core::units::counted;
use polder_core::{Error, ErrorKind, Result};
use polder_registry::Registry;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::producer::{BaseRecord, Producer, ThreadedProducer};

use crate::broker::{Heard, PATIENCE, client_config, kafka_error};
use crate::encode::{Encoder, FOREIGN_SCHEMA, FOREIGN_SUBJECT, SCHEMA, SUBJECT};
use crate::event::{Event, EventSource, TOPIC};
use crate::topic;

/// How to publish.
#[derive(Debug, Clone, PartialEq)]
pub struct PublisherOptions {
    /// The topic; created where it does not exist.
    pub topic: String,
    /// Partitions of the topic, where it is created.
    pub partitions: u16,
    /// Events a second; as fast as the brokers take them where there is none.
    pub rate: Option<f64>,
}

impl Default for PublisherOptions {
    /// `retail.invoice_line` with three partitions, at full speed.
    fn default() -> Self {
        Self {
            topic: TOPIC.to_owned(),
            partitions: 3,
            rate: None,
        }
    }
}

/// Where one call of [`Publisher::publish`] stops, if the source does not end before; whichever comes first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limit {
    /// Stop after so many events.
    pub events: Option<u64>,
    /// Stop once so many bytes (keys and messages, not compressed) have been published.
    pub bytes: Option<u64>,
}

/// What has been published.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Events, the faulty ones among them.
    pub events: u64,
    /// Events that are faulty on purpose.
    pub faulty: u64,
    /// Bytes of keys and messages, not compressed.
    pub bytes: u64,
}

impl Totals {
    fn add(&mut self, event: &Event, message: &[u8]) {
        self.events += 1;
        self.faulty += u64::from(event.fault.is_some());
        self.bytes += (event.key().len() + message.len()) as u64;
    }
}

/// The outcome of one call of [`Publisher::publish`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// What this call published.
    pub totals: Totals,
    /// The source has no more events.
    pub finished: bool,
}

/// Sends events to one topic with an idempotent producer: in order within a key, each once, acknowledged by all
/// in-sync replicas.
pub struct Publisher {
    kafka: KafkaConfig,
    options: PublisherOptions,
    producer: ThreadedProducer<Heard>,
    encoder: Encoder,
    topic_created: bool,
    partitions: usize,
    sent: u64,
    totals: Totals,
    message: Vec<u8>,
}

impl Publisher {
    /// Finds or creates the topic, registers the schemas and starts the producer.
    ///
    /// # Errors
    /// `Unreachable` where brokers or registry do not answer within about ten seconds, `Refused` where they refuse,
    /// `Document` for a wrong Kafka property, `Usage` for a rate or number of partitions that makes no sense.
    pub async fn open(kafka: &KafkaConfig, registry: &Registry, options: PublisherOptions) -> Result<Self> {
        if options.rate.is_some_and(|rate| !(rate > 0.0 && rate.is_finite())) {
            return Err(Error::new(ErrorKind::Usage, "the rate must be above 0 events a second"));
        }
        if options.partitions == 0 {
            return Err(Error::new(ErrorKind::Usage, "a topic has at least one partition"));
        }
        let topic = topic::ensure(kafka, &options.topic, i32::from(options.partitions)).await?;
        let schema_id = registry.register(SUBJECT, SCHEMA).await?;
        let foreign_schema_id = registry.register(FOREIGN_SUBJECT, FOREIGN_SCHEMA).await?;
        let producer = ThreadedProducer::from_config_and_context(&client_config(kafka), Heard::default())
            .map_err(|error| kafka_error(kafka, error, "cannot start a producer"))?;
        Ok(Self {
            kafka: kafka.clone(),
            producer,
            encoder: Encoder::new(schema_id, foreign_schema_id)?,
            topic_created: topic.created,
            partitions: topic.partitions,
            sent: 0,
            totals: Totals::default(),
            message: Vec::new(),
            options,
        })
    }

    /// Whether the topic was created, and how many partitions it has.
    pub fn topic(&self) -> (bool, usize) {
        (self.topic_created, self.partitions)
    }

    /// What all calls of [`Publisher::publish`] published.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// Publishes events until the source ends or the limit is reached, and returns when the brokers have
    /// acknowledged every one of them. Call it again with the same source to go on.
    ///
    /// `progress` is called after every event that was handed to the producer, with the totals of all calls; these
    /// are acknowledged only when this function returns.
    ///
    /// # Errors
    /// What the source gives; `Unreachable` where the brokers acknowledge nothing for about ten seconds, `Refused`
    /// where they refuse an event. Events that were handed over before may have been published; publishing the
    /// source again from its beginning gives the same ids.
    pub async fn publish(
        &mut self,
        source: &mut dyn EventSource,
        limit: Limit,
        progress: &mut (dyn FnMut(&Totals) + Send),
    ) -> Result<Published> {
        let before = self.totals;
        let pace = Pace::new(self.options.rate);
        let mut silence = Silence::new();
        let mut finished = false;
        loop {
            let events = self.totals.events - before.events;
            let bytes = self.totals.bytes - before.bytes;
            if limit.events.is_some_and(|limit| events >= limit) || limit.bytes.is_some_and(|limit| bytes >= limit) {
                break;
            }
            // Sources work and the producer queues without waiting, so others get a turn now and then.
            if events.is_multiple_of(256) {
                tokio::task::yield_now().await;
            }
            self.check(&mut silence)?;
            let event = match source.next_event() {
                Ok(Some(event)) => event,
                Ok(None) => {
                    finished = true;
                    break;
                }
                Err(error) => {
                    self.settle().await?;
                    return Err(error);
                }
            };
            pace.wait(events).await;
            self.encoder.encode(&event, &mut self.message)?;
            self.send(&event).await?;
            self.totals.add(&event, &self.message);
            progress(&self.totals);
        }
        self.settle().await?;
        let totals = Totals {
            events: self.totals.events - before.events,
            faulty: self.totals.faulty - before.faulty,
            bytes: self.totals.bytes - before.bytes,
        };
        Ok(Published { totals, finished })
    }

    /// Hands the encoded message to the producer; waits while its queue is full.
    async fn send(&mut self, event: &Event) -> Result<()> {
        let mut silence = Silence::new();
        loop {
            // No timestamp: the broker's retention would count an old invoice date and delete the event.
            let record = BaseRecord::to(&self.options.topic)
                .key(event.key())
                .payload(&self.message);
            match self.producer.send(record) {
                Ok(()) => {
                    self.sent += 1;
                    return Ok(());
                }
                Err((error, _)) if error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull) => {
                    self.wait(&mut silence).await?;
                }
                Err((error, _)) => {
                    let what = format!("cannot publish to the topic `{}`", self.options.topic);
                    return Err(kafka_error(&self.kafka, error, &what));
                }
            }
        }
    }

    /// Waits until every event that was sent is acknowledged.
    async fn settle(&self) -> Result<()> {
        let mut silence = Silence::new();
        while self.heard().delivered() < self.sent {
            self.wait(&mut silence).await?;
        }
        Ok(())
    }

    async fn wait(&self, silence: &mut Silence) -> Result<()> {
        self.check(silence)?;
        tokio::time::sleep(Duration::from_millis(2)).await;
        Ok(())
    }

    /// An error where an event failed or the brokers have been silent for too long.
    fn check(&self, silence: &mut Silence) -> Result<()> {
        if let Some(failure) = self.heard().failure(&self.kafka) {
            return Err(failure);
        }
        let delivered = self.heard().delivered();
        if silence.too_long(delivered, self.sent) {
            let what = format!(
                "the brokers have acknowledged nothing for {} s; {delivered} of {} acknowledged before",
                PATIENCE.as_secs(),
                counted(self.sent, "event")
            );
            return Err(self.heard().unreachable(&self.kafka, &what));
        }
        Ok(())
    }

    fn heard(&self) -> &Heard {
        self.producer.client().context()
    }
}

/// Keeps to a rate by waiting until an event is due.
struct Pace {
    start: Instant,
    seconds_an_event: Option<f64>,
}

impl Pace {
    fn new(rate: Option<f64>) -> Self {
        Self {
            start: Instant::now(),
            seconds_an_event: rate.map(|rate| 1.0 / rate),
        }
    }

    async fn wait(&self, events: u64) {
        let Some(seconds) = self.seconds_an_event else { return };
        let due = Duration::try_from_secs_f64(seconds * events as f64).unwrap_or(Duration::MAX);
        let early = due.saturating_sub(self.start.elapsed());
        // Timers are about a millisecond coarse: shorter waits add up to the next one.
        if early > Duration::from_millis(1) {
            tokio::time::sleep(early).await;
        }
    }
}

/// Tells when something was sent and nothing was acknowledged for too long.
struct Silence {
    delivered: u64,
    since: Instant,
}

impl Silence {
    fn new() -> Self {
        Self {
            delivered: 0,
            since: Instant::now(),
        }
    }

    fn too_long(&mut self, delivered: u64, sent: u64) -> bool {
        if delivered != self.delivered || delivered == sent {
            *self = Self {
                delivered,
                since: Instant::now(),
            };
        }
        self.since.elapsed() > PATIENCE
    }
}

#[cfg(test)]
mod tests;
