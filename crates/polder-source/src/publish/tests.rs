//! Against librdkafka's in-process broker and the embedded registry.

use std::collections::BTreeMap;

use polder_core::config::RegistryConfig;
use polder_registry::Embedded;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};

use super::*;
use crate::shop::{Shop, ShopOptions};

struct Services {
    broker: MockCluster<'static, DefaultProducerContext>,
    registry: Embedded,
}

impl Services {
    async fn start(partitions: i32) -> Self {
        let broker = MockCluster::new(1).unwrap();
        broker.create_topic(TOPIC, partitions, 1).unwrap();
        Self {
            broker,
            registry: Embedded::start().await.unwrap(),
        }
    }

    fn kafka(&self) -> KafkaConfig {
        kafka(&self.broker.bootstrap_servers())
    }

    fn client(&self) -> Registry {
        registry(&self.registry.url())
    }

    async fn publisher(&self, options: PublisherOptions) -> Publisher {
        Publisher::open(&self.kafka(), &self.client(), options).await.unwrap()
    }

    /// Key and message of every record, by partition.
    fn records(&self, partitions: i32, expected: u64) -> BTreeMap<i32, Vec<(String, Vec<u8>)>> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", self.broker.bootstrap_servers())
            .set("group.id", "unused")
            .create()
            .unwrap();
        let mut assignment = TopicPartitionList::new();
        for partition in 0..partitions {
            assignment
                .add_partition_offset(TOPIC, partition, Offset::Beginning)
                .unwrap();
        }
        consumer.assign(&assignment).unwrap();
        let mut records: BTreeMap<i32, Vec<_>> = BTreeMap::new();
        for _ in 0..expected {
            let message = consumer.poll(Duration::from_secs(10)).expect("a record").unwrap();
            let key = String::from_utf8(message.key().unwrap().to_vec()).unwrap();
            records
                .entry(message.partition())
                .or_default()
                .push((key, message.payload().unwrap().to_vec()));
        }
        records
    }
}

fn kafka(brokers: &str) -> KafkaConfig {
    KafkaConfig {
        brokers: brokers.to_owned(),
        properties: BTreeMap::new(),
    }
}

fn registry(url: &str) -> Registry {
    Registry::connect(&RegistryConfig {
        url: url.to_owned(),
        username: None,
        password: None,
    })
    .unwrap()
}

fn shop(lines: u64) -> Shop {
    Shop::new(ShopOptions {
        weeks: 4,
        lines,
        fault_share: 0.05,
        ..ShopOptions::default()
    })
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_is_in_the_topic_in_order_of_its_key() {
    let services = Services::start(3).await;
    let mut publisher = services.publisher(PublisherOptions::default()).await;
    assert_eq!(publisher.topic(), (false, 3));
    let mut calls = 0;
    let published = publisher
        .publish(&mut shop(1_000), Limit::default(), &mut |_| calls += 1)
        .await
        .unwrap();
    assert!(published.finished);
    assert_eq!(published.totals.events, calls);
    assert!(published.totals.faulty > 0);

    let mut expected: BTreeMap<String, usize> = BTreeMap::new();
    let mut source = shop(1_000);
    while let Some(event) = source.next_event().unwrap() {
        *expected.entry(event.key().to_owned()).or_default() += 1;
    }
    let records = services.records(3, published.totals.events);
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    for (key, _) in records.values().flatten() {
        *found.entry(key.clone()).or_default() += 1;
    }
    assert_eq!(found, expected);
    let bytes: usize = records
        .values()
        .flatten()
        .map(|(key, message)| key.len() + message.len())
        .sum();
    assert_eq!(published.totals.bytes, bytes as u64);
    for keys in records.values() {
        assert!(keys.is_sorted_by_key(|(key, _)| key.trim_start_matches('C').parse::<u32>().unwrap()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn publishing_in_parts_gives_the_same_as_at_once() {
    let services = Services::start(1).await;
    let mut publisher = services.publisher(PublisherOptions::default()).await;
    let mut source = shop(500);
    let part = publisher
        .publish(
            &mut source,
            Limit {
                events: Some(100),
                bytes: None,
            },
            &mut |_| {},
        )
        .await
        .unwrap();
    assert_eq!((part.totals.events, part.finished), (100, false));
    let part = publisher
        .publish(
            &mut source,
            Limit {
                events: None,
                bytes: Some(10_000),
            },
            &mut |_| {},
        )
        .await
        .unwrap();
    assert!(
        (10_000..10_400).contains(&part.totals.bytes) && !part.finished,
        "{part:?}"
    );
    let rest = publisher
        .publish(&mut source, Limit::default(), &mut |_| {})
        .await
        .unwrap();
    assert!(rest.finished);

    let mut whole = shop(500);
    let encoder = Encoder::new(1, 2).unwrap();
    let (mut expected, mut message) = (Vec::new(), Vec::new());
    while let Some(event) = whole.next_event().unwrap() {
        encoder.encode(&event, &mut message).unwrap();
        expected.push((event.key().to_owned(), message.clone()));
    }
    assert_eq!(publisher.totals().events, expected.len() as u64);
    assert_eq!(services.records(1, expected.len() as u64)[&0], expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_is_kept() {
    let services = Services::start(1).await;
    let mut publisher = services
        .publisher(PublisherOptions {
            rate: Some(200.0),
            ..PublisherOptions::default()
        })
        .await;
    let start = Instant::now();
    let limit = Limit {
        events: Some(101),
        bytes: None,
    };
    // In a task of its own, as a demo publishes beside ingest.
    let task = tokio::spawn(async move { publisher.publish(&mut shop(500), limit, &mut |_| {}).await });
    assert_eq!(task.await.unwrap().unwrap().totals.events, 101);
    let seconds = start.elapsed().as_secs_f64();
    assert!(
        (0.49..3.0).contains(&seconds),
        "100 events after the first at 200/s took {seconds} s"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn brokers_that_are_down_are_unreachable_within_seconds() {
    let embedded = Embedded::start().await.unwrap();
    let start = Instant::now();
    let error = Publisher::open(
        &kafka("127.0.0.1:1"),
        &registry(&embedded.url()),
        PublisherOptions::default(),
    )
    .await
    .err()
    .unwrap();
    assert_eq!(error.kind(), ErrorKind::Unreachable, "{}", error.report());
    assert!(error.to_string().contains("127.0.0.1:1"), "{error}");
    assert!(error.to_string().contains("Connection refused"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(15));
}

#[tokio::test(flavor = "multi_thread")]
async fn brokers_that_go_away_midway_are_unreachable_and_the_error_counts_what_they_took() {
    let services = Services::start(1).await;
    let mut publisher = services.publisher(PublisherOptions::default()).await;
    let mut source = shop(500);
    publisher
        .publish(
            &mut source,
            Limit {
                events: Some(100),
                bytes: None,
            },
            &mut |_| {},
        )
        .await
        .unwrap();
    services.broker.broker_down(1).unwrap();
    let error = publisher
        .publish(&mut source, Limit::default(), &mut |_| {})
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable, "{}", error.report());
    assert!(error.to_string().contains("; 100 of "), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_senseless_rate_or_number_of_partitions_is_refused() {
    let services = Services::start(1).await;
    for options in [
        PublisherOptions {
            rate: Some(0.0),
            ..PublisherOptions::default()
        },
        PublisherOptions {
            rate: Some(f64::NAN),
            ..PublisherOptions::default()
        },
        PublisherOptions {
            partitions: 0,
            ..PublisherOptions::default()
        },
    ] {
        let error = Publisher::open(&services.kafka(), &services.client(), options)
            .await
            .err()
            .unwrap();
        assert_eq!(error.kind(), ErrorKind::Usage);
    }
}
