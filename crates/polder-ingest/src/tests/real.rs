//! What the in-process broker cannot show: transactions, new partitions, deleted records. Needs a real Kafka.

use polder_core::ErrorKind;
use rdkafka::TopicPartitionList;
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::topic_partition_list::Offset;
use tokio_util::sync::CancellationToken;

use super::avro::{line, register};
use super::*;

/// A topic of its own on a real broker.
struct Real {
    folder: tempfile::TempDir,
    embedded: Embedded,
    brokers: String,
    topic: String,
    admin: AdminClient<DefaultClientContext>,
    ingest: Ingest,
    spec: StreamSpec,
}

impl Real {
    /// Nothing, visibly, where no broker is named.
    async fn new(partitions: i32) -> Option<Self> {
        let brokers = polder_testkit::skip::variable("polder-ingest", "POLDER_KAFKA__BROKERS", "Kafka")?;
        let topic = format!("polder.test.{}", RunId::new());
        let admin: AdminClient<_> = ClientConfig::new().set("bootstrap.servers", &brokers).create().unwrap();
        let new = NewTopic::new(&topic, partitions, TopicReplication::Fixed(1));
        let made = admin.create_topics([&new], &AdminOptions::new()).await.unwrap();
        assert!(made.iter().all(Result::is_ok), "{made:?}");
        let folder = tempfile::tempdir().unwrap();
        let embedded = Embedded::start().await.unwrap();
        let ingest = ingest(folder.path(), &brokers, &embedded.url());
        let spec = spec(&kafka_stream("{bytes: 1B}").replace(TOPIC, &topic));
        Some(Self {
            folder,
            embedded,
            brokers,
            topic,
            admin,
            ingest,
            spec,
        })
    }

    fn producer(&self, transactions: bool) -> BaseProducer {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.brokers);
        if transactions {
            config.set("transactional.id", &self.topic);
        }
        config.create().unwrap()
    }

    fn send(&self, producer: &BaseProducer, partition: i32, values: impl IntoIterator<Item = Vec<u8>>) {
        for value in values {
            let record: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(&self.topic).partition(partition).payload(&value);
            producer.send(record).map_err(|(error, _)| error).unwrap();
        }
        producer.flush(Duration::from_secs(30)).unwrap();
    }

    async fn run(&self) -> Result<Summary> {
        self.ingest
            .run(
                &self.spec,
                Mode::UntilEnd,
                RunId::new(),
                CancellationToken::new(),
                &Quiet,
            )
            .await
    }

    async fn bronze(&self) -> Rows {
        Rows::read(&self.ingest.lake, BRONZE).await
    }

    async fn end(self) {
        self.admin
            .delete_topics(&[&self.topic], &AdminOptions::new())
            .await
            .unwrap();
        self.embedded.stop().await;
        self.folder.close().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn control_and_aborted_records_leave_gaps_that_neither_hang_nor_count() {
    let Some(real) = Real::new(1).await else { return };
    let (id, ..) = register(&real.ingest.registry).await;
    let producer = real.producer(true);
    let timeout = Duration::from_secs(30);
    let begin = || producer.begin_transaction().unwrap();
    producer.init_transactions(timeout).unwrap();
    begin();
    real.send(&producer, 0, [line(id, 0, 1), line(id, 1, 1)]);
    producer.commit_transaction(timeout).unwrap();
    begin();
    real.send(&producer, 0, [line(id, 7, 1), line(id, 8, 1)]);
    producer.abort_transaction(timeout).unwrap();
    // Offsets 0 and 1, a commit, two records that do not count, an abort: the end is at 6.
    assert_eq!(real.run().await.unwrap().accepted, 2);
    assert_eq!(real.bronze().await.places(), [(0, 0), (0, 1)]);
    assert_eq!(real.run().await.unwrap().commits, 0);
    // While a transaction is open, its records are not read, and nobody waits for them.
    begin();
    real.send(&producer, 0, [line(id, 2, 1)]);
    assert_eq!(real.run().await.unwrap().accepted, 0);
    producer.commit_transaction(timeout).unwrap();
    assert_eq!(real.run().await.unwrap().accepted, 1);
    assert_eq!(real.bronze().await.places(), [(0, 0), (0, 1), (0, 6)]);
    // Behind the last record is a commit, at 7: with it gone too, nothing is lost.
    let mut offsets = TopicPartitionList::new();
    offsets.add_partition_offset(&real.topic, 0, Offset::Offset(8)).unwrap();
    real.admin.delete_records(&offsets, &AdminOptions::new()).await.unwrap();
    assert_eq!(real.run().await.unwrap().commits, 0);
    real.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_that_are_added_are_read_too() {
    let Some(real) = Real::new(1).await else { return };
    let (id, ..) = register(&real.ingest.registry).await;
    let producer = real.producer(false);
    real.send(&producer, 0, (0..3).map(|number| line(id, number, 1)));
    let (watch, shutdown) = (Watch::default(), CancellationToken::new());
    let run = real
        .ingest
        .run(&real.spec, Mode::Continuous, RunId::new(), shutdown.clone(), &watch);
    let drive = async {
        let accepted = |told: &Told| told.commits.iter().map(|commit| commit.accepted).sum::<u64>();
        watch.until(|told| accepted(told) == 3).await;
        let more = NewPartitions::new(&real.topic, 3);
        let made = real
            .admin
            .create_partitions([&more], &AdminOptions::new())
            .await
            .unwrap();
        assert!(made.iter().all(Result::is_ok), "{made:?}");
        watch
            .until(|told| told.notices.iter().any(|text| text.contains("2 new partitions")))
            .await;
        // A client that knew the topic before learns late of its partitions.
        let producer = real.producer(false);
        real.send(&producer, 2, (0..2).map(|number| line(id, number, 1)));
        real.send(&producer, 0, [line(id, 3, 1)]);
        watch.until(|told| accepted(told) == 6).await;
        shutdown.cancel();
    };
    let (summary, ()) = tokio::join!(run, drive);
    assert_eq!(summary.unwrap().accepted, 6);
    assert_eq!(real.bronze().await.places(), all_places(&[4, 0, 2]));
    real.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_were_deleted_before_they_were_read_stop_the_stream() {
    let Some(real) = Real::new(1).await else { return };
    let (id, ..) = register(&real.ingest.registry).await;
    let producer = real.producer(false);
    real.send(&producer, 0, (0..3).map(|number| line(id, number, 1)));
    assert_eq!(real.run().await.unwrap().accepted, 3);
    real.send(&producer, 0, (3..9).map(|number| line(id, number, 1)));
    let mut offsets = TopicPartitionList::new();
    offsets.add_partition_offset(&real.topic, 0, Offset::Offset(5)).unwrap();
    real.admin.delete_records(&offsets, &AdminOptions::new()).await.unwrap();
    let error = real.run().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("retention took records"), "{error}");
    assert_eq!(real.bronze().await.len(), 3);
    real.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_goes_away_while_it_is_read_stops_the_stream() {
    let Some(real) = Real::new(1).await else { return };
    let (id, ..) = register(&real.ingest.registry).await;
    real.send(&real.producer(false), 0, [line(id, 0, 1)]);
    let watch = Watch::default();
    let run = real.ingest.run(
        &real.spec,
        Mode::Continuous,
        RunId::new(),
        CancellationToken::new(),
        &watch,
    );
    let drive = async {
        watch.until(|told| !told.commits.is_empty()).await;
        real.admin
            .delete_topics(&[&real.topic], &AdminOptions::new())
            .await
            .unwrap();
    };
    let (ended, ()) = tokio::join!(run, drive);
    assert_eq!(ended.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(real.bronze().await.len(), 1);
}
