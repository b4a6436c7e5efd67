//! The Kafka client: configuration, what the brokers say, errors in Polder's terms.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use polder_core::config::KafkaConfig;
use polder_core::{Error, ErrorKind};
use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{DeliveryResult, ProducerContext};

/// How long brokers may be silent before they count as unreachable.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// The configured properties with those that a producer without loss and doubles needs.
pub(crate) fn client_config(kafka: &KafkaConfig) -> ClientConfig {
    let mut config = ClientConfig::new();
    // The same partition for a key as Java clients choose.
    config.set("partitioner", "murmur2_random");
    config.set("compression.type", "lz4");
    config.set("linger.ms", "20");
    config.set("client.id", "polder-source");
    for (name, value) in &kafka.properties {
        config.set(name, value.expose());
    }
    config.set("bootstrap.servers", &kafka.brokers);
    config.set("enable.idempotence", "true");
    config.set("acks", "all");
    config
}

/// What the client heard from the brokers.
#[derive(Default)]
pub(crate) struct Heard {
    delivered: AtomicU64,
    failure: Mutex<Option<KafkaError>>,
    complaint: Mutex<Option<String>>,
}

impl Heard {
    /// Messages that the brokers acknowledged.
    pub(crate) fn delivered(&self) -> u64 {
        self.delivered.load(Ordering::Acquire)
    }

    /// The first message that could not be delivered, as an error.
    pub(crate) fn failure(&self, kafka: &KafkaConfig) -> Option<Error> {
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure
            .clone()
            .map(|error| kafka_error(kafka, error, "the brokers did not take an event"))
    }

    /// The brokers are silent: an error with the last thing that the client complained of.
    pub(crate) fn unreachable(&self, kafka: &KafkaConfig, what: &str) -> Error {
        let complaint = self.complaint.lock().unwrap_or_else(PoisonError::into_inner);
        let because = complaint.as_ref().map(|text| format!(": {text}")).unwrap_or_default();
        Error::new(
            ErrorKind::Unreachable,
            format!("{what} (kafka.brokers {}){because}", kafka.brokers),
        )
        .with_help("start the brokers, or set kafka.brokers in polder.yaml or POLDER_KAFKA__BROKERS")
    }
}

impl ClientContext for Heard {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        // A lost connection is said once, in the error of the operation that it broke.
        tracing::debug!(?level, facility, "{message}");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, "{reason}");
        // "All brokers are down" follows the reason and says less.
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::AllBrokersDown) {
            *self.complaint.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason.to_owned());
        }
    }
}

impl ProducerContext for Heard {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): Self::DeliveryOpaque) {
        match result {
            Ok(_) => {
                self.delivered.fetch_add(1, Ordering::AcqRel);
            }
            Err((error, _)) => {
                self.failure
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .get_or_insert_with(|| error.clone());
            }
        }
    }
}

/// An error of the client in Polder's terms.
pub(crate) fn kafka_error(kafka: &KafkaConfig, error: KafkaError, what: &str) -> Error {
    // The value is left out: it may be a password.
    if let KafkaError::ClientConfig(_, description, name, _) = &error {
        return Error::new(
            ErrorKind::Document,
            format!("kafka.properties: {name}: {}", description.trim()),
        );
    }
    let kind = match error.rdkafka_error_code() {
        Some(
            RDKafkaErrorCode::BrokerTransportFailure
            | RDKafkaErrorCode::AllBrokersDown
            | RDKafkaErrorCode::OperationTimedOut
            | RDKafkaErrorCode::RequestTimedOut
            | RDKafkaErrorCode::MessageTimedOut
            | RDKafkaErrorCode::Resolve
            | RDKafkaErrorCode::NetworkException,
        ) => ErrorKind::Unreachable,
        _ => ErrorKind::Refused,
    };
    Error::new(kind, format!("{what} (kafka.brokers {})", kafka.brokers)).with_source(error)
}

#[cfg(test)]
mod tests {
    use rdkafka::config::FromClientConfigAndContext;
    use rdkafka::producer::BaseProducer;

    use super::*;

    fn refused(name: &str, value: &str) -> Error {
        let kafka = KafkaConfig {
            brokers: "127.0.0.1:1".to_owned(),
            properties: [(name.to_owned(), value.into())].into(),
        };
        let created = BaseProducer::from_config_and_context(&client_config(&kafka), Heard::default());
        let created: Result<BaseProducer<Heard>, _> = created;
        kafka_error(&kafka, created.err().unwrap(), "cannot start")
    }

    #[test]
    fn a_wrong_property_is_an_error_of_the_configuration() {
        let error = refused("sasl.pasword", "hunter2");
        assert_eq!(error.kind(), ErrorKind::Document);
        assert!(error.to_string().contains("sasl.pasword"), "{error}");
        assert!(!error.report().contains("hunter2"), "{error}");
    }
}
