//! Streams from end to end: an in-process broker, a registry on loopback, a lake in a temporary folder.

mod avro;
mod brokers;
mod crashes;
mod files;
mod guids;
mod maps;
mod real;
mod refused;
mod topics;
mod zones;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int32Type, Int64Type};
use arrow::util::display::array_value_to_string;
use datafusion::prelude::SessionContext;
use polder_contract::ContractSet;
use polder_core::config::{KafkaConfig, LakeConfig, References, RegistryConfig};
use polder_core::document::Source;
use polder_core::{Result, RunId};
use polder_delivery::Discretion;
use polder_lake::Lake;
use polder_registry::{Embedded, Registry};
use rdkafka::config::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{DefaultProducerContext, FutureProducer, FutureRecord};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{CommitSummary, Ingest, Mode, Observer, Patience, Quiet, StreamSpec, Summary, refused_as_renamed};

const TOPIC: &str = "retail.invoice_line";
const BRONZE: &str = "sales.bronze.invoice_lines";
const QUARANTINE: &str = "sales.quarantine.bronze_invoice_lines";

const CONTRACT: &str = "\
apiVersion: v3.1.0
kind: DataContract
id: invoice-lines
name: invoice lines
version: 1.2.3
status: active
domain: sales
schema:
  - name: invoice_lines
    physicalName: sales.bronze.invoice_lines
    properties:
      - {name: event_id, logicalType: string, required: true}
      - {name: invoice_no, logicalType: string, required: true}
      - {name: quantity, logicalType: integer, physicalType: int, logicalTypeOptions: {minimum: -1000}}
      - {name: unit_price, logicalType: number, physicalType: 'decimal(12,3)'}
      - {name: country, logicalType: string}
";

fn kafka_stream(trigger: &str) -> String {
    format!(
        "dataset: {BRONZE}\nsource: {{kafka: {{topic: {TOPIC}}}}}\n\
         format: {{encoding: avro, record: retail.InvoiceLine, payload: payload, event_time: timestamp}}\n\
         trigger: {trigger}\n"
    )
}

fn spec(text: &str) -> StreamSpec {
    let source = Source::new("pipelines/sales/invoice_lines.stream.yaml", text);
    let references = References::new(Path::new("."), &|_| None);
    StreamSpec::parse("sales", &source, references).unwrap_or_else(|found| panic!("{found:#?}"))
}

fn contracts() -> Arc<ContractSet> {
    let source = Source::new("contracts/sales/invoice_lines.odcs.yaml", CONTRACT);
    let (set, diagnostics) = ContractSet::load([("sales".to_owned(), source)]);
    assert!(diagnostics.is_empty(), "{diagnostics:#?}");
    Arc::new(set)
}

/// A lake in `folder`, brokers and registry at these addresses.
fn ingest(folder: &Path, brokers: &str, registry: &str) -> Ingest {
    let lake = LakeConfig {
        location: "lake".to_owned(),
        options: BTreeMap::new(),
    };
    let registry = RegistryConfig {
        url: registry.to_owned(),
        username: None,
        password: None,
    };
    Ingest {
        lake: Lake::open(&lake, folder).unwrap(),
        contracts: contracts(),
        registry: Registry::connect(&registry).unwrap(),
        kafka: KafkaConfig {
            brokers: brokers.to_owned(),
            properties: BTreeMap::new(),
        },
        root: folder.to_owned(),
        patience: Patience {
            lost: Duration::from_secs(2),
            silence: Duration::from_millis(300),
            partitions: Duration::from_millis(300),
        },
        session: None,
        discretion: Discretion::default(),
        policies: Arc::default(),
    }
}

/// A broker with one topic, a registry, and a lake.
struct Shop {
    folder: tempfile::TempDir,
    cluster: MockCluster<'static, DefaultProducerContext>,
    producer: FutureProducer,
    embedded: Embedded,
    ingest: Ingest,
    spec: StreamSpec,
}

impl Shop {
    async fn new(partitions: i32, trigger: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cluster = cluster(partitions);
        let embedded = Embedded::start().await.unwrap();
        let ingest = ingest(folder.path(), &cluster.bootstrap_servers(), &embedded.url());
        let producer = producer(&cluster);
        Self {
            folder,
            cluster,
            producer,
            embedded,
            ingest,
            spec: spec(&kafka_stream(trigger)),
        }
    }

    async fn send(&self, partition: i32, value: &[u8]) {
        send(&self.producer, partition, Some(value), &[]).await;
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

    async fn quarantine(&self) -> Rows {
        Rows::read(&self.ingest.lake, QUARANTINE).await
    }
}

fn cluster(partitions: i32) -> MockCluster<'static, DefaultProducerContext> {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic(TOPIC, partitions, 1).unwrap();
    cluster
}

fn producer(cluster: &MockCluster<'static, DefaultProducerContext>) -> FutureProducer {
    ClientConfig::new()
        .set("bootstrap.servers", cluster.bootstrap_servers())
        .set("linger.ms", "1")
        .create()
        .unwrap()
}

/// A record that came at 2010-12-01T08:26:00Z, with headers.
async fn send(producer: &FutureProducer, partition: i32, value: Option<&[u8]>, headers: &[(&str, &[u8])]) {
    let mut record: FutureRecord<'_, [u8], [u8]> = FutureRecord::to(TOPIC)
        .partition(partition)
        .key(b"536365".as_slice())
        .timestamp(1_291_191_960_000);
    if let Some(value) = value {
        record = record.payload(value);
    }
    if !headers.is_empty() {
        let headers = headers.iter().fold(OwnedHeaders::new(), |headers, (key, value)| {
            headers.insert(Header {
                key,
                value: Some(*value),
            })
        });
        record = record.headers(headers);
    }
    producer.send(record, Duration::from_secs(10)).await.unwrap();
}

/// A table's rows, columns as text.
struct Rows {
    batches: Vec<RecordBatch>,
}

impl Rows {
    async fn read(lake: &Lake, dataset: &str) -> Self {
        let Some(table) = lake.load(&dataset.parse().unwrap()).await.unwrap() else {
            return Self { batches: Vec::new() };
        };
        let context = SessionContext::new();
        let batches = context
            .read_table(table.provider().unwrap())
            .unwrap()
            .collect()
            .await
            .unwrap();
        Self { batches }
    }

    fn len(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// Partition and offset of each row, in order; a row that is there twice is here twice.
    fn places(&self) -> Vec<(i32, i64)> {
        let mut places = Vec::new();
        for batch in &self.batches {
            let partitions = batch.column_by_name("_partition").unwrap().as_primitive::<Int32Type>();
            let offsets = batch.column_by_name("_offset").unwrap().as_primitive::<Int64Type>();
            places.extend((0..batch.num_rows()).map(|row| (partitions.value(row), offsets.value(row))));
        }
        places.sort_unstable();
        places
    }

    /// A column as text by offset, of a table that has each offset once. Null is nothing.
    fn by_offset(&self, column: &str) -> BTreeMap<i64, Option<String>> {
        let mut found = BTreeMap::new();
        for batch in &self.batches {
            let offsets = batch.column_by_name("_offset").unwrap().as_primitive::<Int64Type>();
            let values = batch.column_by_name(column).unwrap();
            for row in 0..batch.num_rows() {
                let text = values
                    .is_valid(row)
                    .then(|| array_value_to_string(values, row).unwrap());
                assert!(
                    found.insert(offsets.value(row), text).is_none(),
                    "offset {} twice",
                    offsets.value(row)
                );
            }
        }
        found
    }

    fn bytes_by_offset(&self, column: &str) -> BTreeMap<i64, Option<Vec<u8>>> {
        let mut found = BTreeMap::new();
        for batch in &self.batches {
            let offsets = batch.column_by_name("_offset").unwrap().as_primitive::<Int64Type>();
            let values = cast(batch.column_by_name(column).unwrap(), &DataType::Binary).unwrap();
            let values = values.as_binary::<i32>();
            for row in 0..batch.num_rows() {
                found.insert(
                    offsets.value(row),
                    values.is_valid(row).then(|| values.value(row).to_vec()),
                );
            }
        }
        found
    }
}

/// Every place of partitions that hold these numbers of records.
fn all_places(counts: &[i64]) -> Vec<(i32, i64)> {
    let partitions = counts.iter().enumerate();
    partitions
        .flat_map(|(partition, count)| (0..*count).map(move |offset| (partition as i32, offset)))
        .collect()
}

/// Notes what a run tells, and wakes whoever waits for it.
#[derive(Default)]
struct Watch {
    told: Mutex<Told>,
    changed: Notify,
}

#[derive(Debug, Clone, Default)]
struct Told {
    expected: u64,
    read: u64,
    commits: Vec<CommitSummary>,
    notices: Vec<String>,
}

impl Watch {
    fn note(&self, note: impl FnOnce(&mut Told)) {
        note(&mut self.told.lock().unwrap());
        self.changed.notify_waiters();
    }

    fn told(&self) -> Told {
        self.told.lock().unwrap().clone()
    }

    /// Waits until what was told so far is enough.
    async fn until(&self, enough: impl Fn(&Told) -> bool) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if enough(&self.told()) {
                return;
            }
            changed.await;
        }
    }
}

impl Observer for Watch {
    fn expected(&self, _: &StreamSpec, records: u64) {
        self.note(|told| told.expected += records);
    }

    fn read(&self, _: &StreamSpec, records: u64, _: u64) {
        self.note(|told| told.read += records);
    }

    fn committed(&self, _: &StreamSpec, commit: &CommitSummary) {
        self.note(|told| told.commits.push(*commit));
    }

    fn notice(&self, _: &StreamSpec, text: &str) {
        self.note(|told| told.notices.push(text.to_owned()));
    }
}
