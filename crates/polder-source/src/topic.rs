//! The topic that events go to: there already, or created.

use std::sync::Arc;
use std::time::{Duration, Instant};

use polder_core::config::KafkaConfig;
use polder_core::{Error, ErrorKind, Result, ResultExt};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::producer::{BaseProducer, Producer};

use crate::broker::{Heard, PATIENCE, client_config, kafka_error};

/// How the topic was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Topic {
    pub(crate) partitions: usize,
    pub(crate) created: bool,
}

/// Makes sure that the topic exists; a new one gets so many partitions and the cluster's default replication.
pub(crate) async fn ensure(kafka: &KafkaConfig, topic: &str, partitions: i32) -> Result<Topic> {
    let config = client_config(kafka);
    let no_client = |error| kafka_error(kafka, error, "cannot start a client");
    let client: BaseProducer<Heard> =
        BaseProducer::from_config_and_context(&config, Heard::default()).map_err(no_client)?;
    let client = Arc::new(client);
    if let Some(partitions) = find(kafka, &client, topic).await? {
        return Ok(Topic {
            partitions,
            created: false,
        });
    }

    let admin = AdminClient::from_config_and_context(&config, Heard::default()).map_err(no_client)?;
    let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(-1));
    let options = AdminOptions::new()
        .request_timeout(Some(PATIENCE))
        .operation_timeout(Some(PATIENCE));
    let cannot_create = format!("cannot create the topic `{topic}`");
    let answers = admin.create_topics([&new], &options).await;
    for answer in answers.map_err(|error| kafka_error(kafka, error, &cannot_create))? {
        match answer {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((_, code)) => return Err(Error::new(ErrorKind::Refused, cannot_create).with_source(code)),
        }
    }
    // Brokers learn of a new topic one after the other.
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(partitions) = find(kafka, &client, topic).await? {
            return Ok(Topic {
                partitions,
                created: true,
            });
        }
        if Instant::now() > deadline {
            return Err(client
                .context()
                .unreachable(kafka, &format!("the new topic `{topic}` has no leader")));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The topic's partitions, or nothing where there is no such topic or it is not ready.
async fn find(kafka: &KafkaConfig, client: &Arc<BaseProducer<Heard>>, topic: &str) -> Result<Option<usize>> {
    let asked = Arc::clone(client);
    let look_up = move || {
        // All topics are asked for, because asking for one by name may create it.
        let answer = asked.client().fetch_metadata(None, PATIENCE);
        if answer.is_err() {
            // The reason is heard only by who polls.
            asked.poll(Duration::from_millis(100));
        }
        answer
    };
    let answer = tokio::task::spawn_blocking(look_up)
        .await
        .context(ErrorKind::Internal, || "looking up topics ended early".to_owned())?;
    let metadata = answer.map_err(|error| match kafka_error(kafka, error, "cannot look up topics") {
        error if error.kind() == ErrorKind::Unreachable => {
            client.context().unreachable(kafka, "the brokers do not answer")
        }
        error => error,
    })?;
    let found = metadata
        .topics()
        .iter()
        .find(|found| found.name() == topic && found.error().is_none());
    Ok(found.map(|found| found.partitions()).and_then(|partitions| {
        let ready = !partitions.is_empty() && partitions.iter().all(|partition| partition.leader() >= 0);
        ready.then_some(partitions.len())
    }))
}
