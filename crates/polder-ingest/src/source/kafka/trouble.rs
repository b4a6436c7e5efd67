//! While no records come: what an error means, and whether brokers are still there.

use std::time::{Duration, Instant};

use polder_core::{Error, ErrorKind};
use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use super::Reading;
use super::broker::is_refusal;
use crate::observer::Mode;
use crate::source::Halt;

/// How long a broker may take to answer whether it is still there.
const PROBE: Duration = Duration::from_secs(3);

/// Brokers that do not answer.
pub(super) struct Trouble {
    since: Instant,
    /// When they are asked again, and how long to wait after that.
    ask: Instant,
    wait: Duration,
    told: bool,
}

impl Reading<'_> {
    /// A broker showed a sign of life.
    pub(super) fn lives(&mut self) -> Result<(), Halt> {
        self.alive = Instant::now();
        if self.trouble.take().is_some_and(|trouble| trouble.told) {
            self.port
                .notice(format!("kafka brokers {} answer again", self.source.connection.brokers))?;
        }
        Ok(())
    }

    /// What an error means: the end of the run, or only that brokers should be asked whether they are there.
    pub(super) fn weigh(&mut self, error: KafkaError) -> Result<(), Halt> {
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
    pub(super) fn watch(&mut self) -> Result<(), Halt> {
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
