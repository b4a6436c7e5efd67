//! The connection to brokers: properties, errors in words, a probe.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use polder_core::config::KafkaConfig;
use polder_core::document::nearest;
use polder_core::{Error, ErrorKind, Result, ResultExt, Secret};
use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::metadata::{Metadata, MetadataPartition, MetadataTopic};

/// How long brokers may take to answer for the first time.
pub(crate) const START: Duration = Duration::from_secs(10);

/// What keeps memory bounded whatever the topic holds; a user's own properties win.
const BOUNDS: [(&str, &str); 5] = [
    // The queue of fetched records, over all partitions.
    ("queued.max.messages.kbytes", "32768"),
    // How long fetching rests once the queue is full, in milliseconds. librdkafka's own second is longer than a full queue
    // lasts, so that two thirds of a backlog's time would be waiting; in this time no queue of 32 MiB runs dry.
    ("fetch.queue.backoff.ms", "50"),
    // One answer of a broker, and a partition's part of it.
    ("fetch.max.bytes", "16777216"),
    ("fetch.message.max.bytes", "1048576"),
    ("client.id", "polder"),
];

/// What exactly once rests on; nobody else sets these.
const OWN: [(&str, &str); 4] = [
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("enable.partition.eof", "true"),
    // An offset that is gone is reported; it must not be replaced by another one.
    ("auto.offset.reset", "error"),
];

/// A consumer as the kafka source uses it.
pub(super) type Consumer = BaseConsumer<Context>;

/// Collects what librdkafka says of its connections.
#[derive(Debug, Default)]
pub(crate) struct Context {
    trouble: Mutex<Option<(Option<Code>, String)>>,
}

impl Context {
    /// The last error of a connection, taken away.
    fn take(&self) -> Option<(Option<Code>, String)> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(target: "librdkafka", ?level, facility, "{message}");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let code = error.rdkafka_error_code();
        if code == Some(Code::PartitionEOF) {
            return;
        }
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        // "All brokers are down" says less than the failure before it.
        if code != Some(Code::AllBrokersDown) || trouble.is_none() {
            *trouble = Some((code, reason.to_owned()));
        }
    }
}

impl ConsumerContext for Context {}

/// What brokers answered to [`probe_kafka`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaProbe {
    /// The cluster's brokers, as `host:port`.
    pub brokers: Vec<String>,
    /// The topics that this client may see.
    pub topics: usize,
}

/// Asks brokers, with the properties of a stream, whether they know the topics that it reads; gives the number of each
/// topic's partitions, in their order. No topic is made by asking.
///
/// # Errors
/// As [`probe_kafka`]; of a topic `NotFound`, where there is none of its name that this client may see: the stream would
/// end with the same.
pub async fn probe_topics(
    config: &KafkaConfig,
    properties: &BTreeMap<String, Secret>,
    topics: Vec<String>,
) -> Result<Vec<Result<usize>>> {
    let connection = Connection::new(config, properties, "polder")?;
    let asked = tokio::task::spawn_blocking(move || {
        let consumer = connection.consumer()?;
        let metadata = connection.metadata(&consumer)?;
        let partitions = |topic: String| partitions(&topic, &connection.brokers, &metadata).map(<[_]>::len);
        Ok(topics.into_iter().map(partitions).collect())
    });
    asked
        .await
        .context(ErrorKind::Internal, || "the probe of the topics was cut off".to_owned())?
}

/// A topic's partitions.
///
/// # Errors
/// `NotFound` where the brokers have no such topic.
pub(super) fn partitions<'m>(name: &str, brokers: &str, metadata: &'m Metadata) -> Result<&'m [MetadataPartition]> {
    let found = metadata.topics().iter().find(|topic| topic.name() == name);
    found
        .map(MetadataTopic::partitions)
        .filter(|partitions| !partitions.is_empty())
        .ok_or_else(|| unknown_topic(name, brokers, metadata))
}

fn unknown_topic(name: &str, brokers: &str, metadata: &Metadata) -> Error {
    // Names with two underscores are the cluster's own.
    let topics = metadata
        .topics()
        .iter()
        .map(MetadataTopic::name)
        .filter(|topic| !topic.starts_with("__"));
    let error = Error::new(
        ErrorKind::NotFound,
        format!("kafka brokers {brokers} have no topic `{name}`"),
    );
    match nearest(name, topics) {
        Some(near) => error.with_help(format!("did you mean `{near}`?")),
        None => error.with_help("create the topic, or correct `source.kafka.topic` of the stream"),
    }
}

/// Asks the brokers of a configuration for the cluster's state, and thereby whether they are there and let us in.
///
/// # Errors
/// `Usage`, for a property that librdkafka does not know; `Unreachable`, when no broker answers within ten seconds;
/// `Refused`, when they refuse us.
pub async fn probe_kafka(config: &KafkaConfig) -> Result<KafkaProbe> {
    let connection = Connection::new(config, &BTreeMap::new(), "polder")?;
    let asked = tokio::task::spawn_blocking(move || {
        let consumer = connection.consumer()?;
        let metadata = connection.metadata(&consumer)?;
        let brokers = metadata
            .brokers()
            .iter()
            .map(|broker| format!("{}:{}", broker.host(), broker.port()))
            .collect();
        Ok(KafkaProbe {
            brokers,
            topics: metadata.topics().len(),
        })
    });
    asked.await.context(ErrorKind::Internal, || {
        "the probe of the brokers was cut off".to_owned()
    })?
}

/// How to reach brokers.
#[derive(Clone)]
pub(crate) struct Connection {
    pub(crate) brokers: String,
    config: ClientConfig,
}

impl Connection {
    /// Puts properties together: a stream's win over the mesh's.
    ///
    /// # Errors
    /// `Usage`, for a property that librdkafka does not know, or that is not the user's to set.
    pub(crate) fn new(kafka: &KafkaConfig, stream: &BTreeMap<String, Secret>, group: &str) -> Result<Self> {
        let mut config = ClientConfig::new();
        for (key, value) in BOUNDS {
            config.set(key, value);
        }
        // Partitions are assigned, never shared by a group; librdkafka wants a name all the same.
        config.set("group.id", group);
        for (key, value) in kafka.properties.iter().chain(stream) {
            let own = OWN.iter().any(|(own, _)| own == key);
            if own || matches!(key.as_str(), "bootstrap.servers" | "metadata.broker.list") {
                let error = Error::new(ErrorKind::Usage, format!("kafka property `{key}` cannot be set here"));
                return Err(error.with_help(if own {
                    "Polder sets it itself: offsets are kept in the Delta table"
                } else {
                    "write `kafka.brokers` in polder.yaml"
                }));
            }
            config.set(key, value.expose());
        }
        for (key, value) in OWN {
            config.set(key, value);
        }
        config.set("bootstrap.servers", &kafka.brokers);
        let chatty = tracing::enabled!(target: "librdkafka", tracing::Level::DEBUG);
        config.set_log_level(if chatty {
            RDKafkaLogLevel::Debug
        } else {
            RDKafkaLogLevel::Error
        });
        config.create_native_config().map_err(property)?;
        Ok(Self {
            brokers: kafka.brokers.clone(),
            config,
        })
    }

    pub(super) fn consumer(&self) -> Result<Consumer> {
        self.config.create_with_context(Context::default()).map_err(property)
    }

    /// What the brokers know of all topics: asking for one by name can make brokers create it.
    fn metadata(&self, consumer: &Consumer) -> Result<Metadata> {
        consumer.fetch_metadata(None, START).map_err(|cause| {
            hear_errors(consumer);
            self.failure(consumer, "do not answer", cause)
        })
    }

    /// Names the brokers and what the connection said last, if it said anything.
    pub(super) fn failure(&self, consumer: &Consumer, what: &str, cause: KafkaError) -> Error {
        let said = consumer.client().context().take();
        let code = said.as_ref().and_then(|(code, _)| *code).or(cause.rdkafka_error_code());
        let reason = said.map(|(_, reason)| format!(" ({reason})")).unwrap_or_default();
        if code.is_some_and(is_refusal) {
            let message = format!("kafka brokers {} refuse access{reason}", self.brokers);
            return Error::new(ErrorKind::Refused, message)
                .with_help("check security.protocol, sasl.* and ssl.* under kafka.properties")
                .with_source(cause);
        }
        Error::new(
            ErrorKind::Unreachable,
            format!("kafka brokers {} {what}{reason}", self.brokers),
        )
        .with_help("check that they run and that kafka.brokers of polder.yaml names them")
        .with_source(cause)
    }
}

/// Lets a consumer's context hear the errors that wait. Only while nothing is assigned: records would be lost.
pub(super) fn hear_errors(consumer: &Consumer) {
    for _ in 0..100 {
        if consumer.poll(Duration::ZERO).is_none() {
            break;
        }
    }
}

/// Whether brokers are there, but do not let us in.
pub(super) fn is_refusal(code: Code) -> bool {
    matches!(
        code,
        Code::Authentication
            | Code::SaslAuthenticationFailed
            | Code::UnsupportedSASLMechanism
            | Code::TopicAuthorizationFailed
            | Code::ClusterAuthorizationFailed
    )
}

fn property(error: KafkaError) -> Error {
    match error {
        KafkaError::ClientConfig(_, said, key, value) => {
            let said = if is_secret(&key) && !value.is_empty() {
                said.replace(&value, "***")
            } else {
                said
            };
            Error::new(ErrorKind::Usage, format!("kafka property `{key}`: {said}"))
                .with_help("properties are those of librdkafka, https://github.com/confluentinc/librdkafka/blob/master/CONFIGURATION.md")
        }
        KafkaError::ClientCreation(said) => {
            Error::new(ErrorKind::Usage, format!("kafka properties do not fit: {said}"))
        }
        other => Error::new(ErrorKind::Usage, "kafka properties do not fit").with_source(other),
    }
}

fn is_secret(key: &str) -> bool {
    ["password", "secret", "pem", "token", "username", "oauthbearer"]
        .iter()
        .any(|word| key.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kafka(properties: &[(&str, &str)]) -> KafkaConfig {
        let properties = properties
            .iter()
            .map(|(key, value)| ((*key).to_owned(), Secret::new(*value)))
            .collect();
        KafkaConfig {
            brokers: "127.0.0.1:1".to_owned(),
            properties,
        }
    }

    fn refused(properties: &[(&str, &str)]) -> Error {
        match Connection::new(&kafka(properties), &BTreeMap::new(), "g") {
            Err(error) => error,
            Ok(_) => panic!("{properties:?} was taken"),
        }
    }

    #[test]
    fn a_property_that_librdkafka_does_not_know_is_an_error_with_its_words() {
        let error = refused(&[("fetch.wait.ms", "5")]);
        assert_eq!(error.kind(), ErrorKind::Usage);
        assert!(
            error
                .to_string()
                .contains("`fetch.wait.ms`: No such configuration property"),
            "{error}"
        );
        let error = refused(&[("security.protocol", "telepathy")]);
        assert!(error.to_string().contains("telepathy"), "{error}");
    }

    #[test]
    fn what_exactly_once_rests_on_cannot_be_set() {
        for key in [
            "enable.auto.commit",
            "auto.offset.reset",
            "enable.partition.eof",
            "bootstrap.servers",
        ] {
            let error = refused(&[(key, "true")]);
            assert_eq!(error.kind(), ErrorKind::Usage);
            assert!(error.to_string().contains("cannot be set here"), "{error}");
        }
    }

    #[test]
    fn a_stream_s_property_wins_over_the_mesh_s() {
        let stream = [("fetch.wait.max.ms".to_owned(), Secret::new("7"))].into();
        let connection = Connection::new(&kafka(&[("fetch.wait.max.ms", "500")]), &stream, "g").unwrap();
        assert_eq!(connection.config.get("fetch.wait.max.ms"), Some("7"));
        assert_eq!(connection.config.get("queued.max.messages.kbytes"), Some("32768"));
    }

    #[test]
    fn a_user_s_property_wins_over_each_bound() {
        let none = BTreeMap::new();
        let default = Connection::new(&kafka(&[]), &none, "g").unwrap();
        assert_eq!(default.config.get("fetch.queue.backoff.ms"), Some("50"));
        for (key, value) in BOUNDS {
            // Each of them may be twice as large.
            let own = value
                .parse::<u64>()
                .map_or("shop".to_owned(), |bound| (bound * 2).to_string());
            let connection = Connection::new(&kafka(&[(key, &own)]), &none, "g").unwrap();
            assert_eq!(connection.config.get(key), Some(own.as_str()), "{key}");
            let stream = [(key.to_owned(), Secret::new(own.as_str()))].into();
            let connection = Connection::new(&kafka(&[]), &stream, "g").unwrap();
            assert_eq!(connection.config.get(key), Some(own.as_str()), "{key}");
        }
    }

    #[test]
    fn a_secret_is_not_in_the_error() {
        let error = property(KafkaError::ClientConfig(
            rdkafka::types::RDKafkaConfRes::RD_KAFKA_CONF_INVALID,
            "Invalid value \"hunter2\" for configuration property".to_owned(),
            "sasl.password".to_owned(),
            "hunter2".to_owned(),
        ));
        assert!(!error.report().contains("hunter2"), "{}", error.report());
    }

    #[tokio::test]
    async fn a_broker_that_is_not_there_is_unreachable_by_name() {
        let error = probe_kafka(&kafka(&[])).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreachable);
        assert!(error.to_string().contains("127.0.0.1:1"), "{error}");
    }
}
