//! Records of a topic as bytes: to take good ones, spoil them and send them.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use polder_testkit::service::Kafka;
use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    producer::{BaseProducer, BaseRecord, Producer},
};
use serde_json::{Value, json};

/// How long a broker may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The ends of a topic's partitions.
pub(crate) fn ends(kafka: &Kafka, topic: &str) -> Vec<i64> {
    let consumer: BaseConsumer = kafka.client().create().unwrap();
    let metadata = consumer.fetch_metadata(Some(topic), PATIENCE).unwrap();
    let partitions = metadata.topics()[0].partitions().iter().map(|partition| partition.id());
    partitions
        .map(|id| consumer.fetch_watermarks(topic, id, PATIENCE).unwrap().1)
        .collect()
}

/// The values of all records of a topic, by partition and offset.
pub(crate) fn values(kafka: &Kafka, topic: &str) -> Vec<Vec<u8>> {
    let mut client: ClientConfig = kafka.client();
    let consumer: BaseConsumer = client.set("group.id", "polder-tests").create().unwrap();
    let ends = ends(kafka, topic);
    let mut list = TopicPartitionList::new();
    for partition in 0..ends.len() {
        let id = i32::try_from(partition).unwrap();
        list.add_partition_offset(topic, id, Offset::Beginning).unwrap();
    }
    consumer.assign(&list).unwrap();
    let wanted = usize::try_from(ends.iter().sum::<i64>()).unwrap();
    let start = Instant::now();
    let mut values = Vec::new();
    while values.len() < wanted {
        assert!(
            start.elapsed() < PATIENCE,
            "{} of {wanted} records of {topic} came",
            values.len()
        );
        if let Some(Ok(message)) = consumer.poll(Duration::from_millis(100)) {
            let place = (message.partition(), message.offset());
            values.push((place, message.payload().unwrap_or_default().to_vec()));
        }
    }
    values.sort();
    values.into_iter().map(|(_, value)| value).collect()
}

/// Sends values to a partition of a topic.
pub(crate) fn send<'a>(kafka: &Kafka, topic: &str, partition: i32, values: impl IntoIterator<Item = &'a [u8]>) {
    let producer: BaseProducer = kafka.client().create().unwrap();
    for value in values {
        let record = BaseRecord::<[u8], [u8]>::to(topic)
            .partition(partition)
            .key(b"spoilt")
            .payload(value);
        producer.send(record).map_err(|(error, _)| error).unwrap();
        producer.poll(Duration::ZERO);
    }
    producer.flush(PATIENCE).unwrap();
}

/// The same value under another schema id.
pub(crate) fn with_schema_id(value: &[u8], id: u32) -> Vec<u8> {
    let mut value = value.to_vec();
    value[1..5].copy_from_slice(&id.to_be_bytes());
    value
}

/// The schema id that a value names.
pub(crate) fn schema_id(value: &[u8]) -> u32 {
    assert_eq!(value[0], 0, "the value is in Confluent's wire format");
    u32::from_be_bytes(value[1..5].try_into().unwrap())
}

/// Registers an Avro schema and gives its id.
pub(crate) fn register(registry: &str, subject: &str, schema: &Value) -> u32 {
    let body = json!({ "schema": schema.to_string() }).to_string();
    let answer = http(registry, "POST", &format!("/subjects/{subject}/versions"), &body);
    answer["id"]
        .as_u64()
        .and_then(|id| id.try_into().ok())
        .unwrap_or_else(|| panic!("no id in {answer}"))
}

/// The schema with an id.
pub(crate) fn schema(registry: &str, id: u32) -> Value {
    let answer = http(registry, "GET", &format!("/schemas/ids/{id}"), "");
    serde_json::from_str(answer["schema"].as_str().unwrap()).unwrap()
}

/// The address (`host:port`) and the path of a registry's URL.
pub(crate) fn parts(registry: &str) -> (&str, &str) {
    let place = registry
        .strip_prefix("http://")
        .expect("the registry of tests speaks plain HTTP");
    let (address, path) = place.split_at(place.find('/').unwrap_or(place.len()));
    (address, path.trim_end_matches('/'))
}

/// One request. Version 1.0 of the protocol: the answer comes whole, and the connection ends.
fn http(registry: &str, method: &str, path: &str, body: &str) -> Value {
    let (address, root) = parts(registry);
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} {root}{path} HTTP/1.0\r\nHost: {address}\r\nContent-Type: application/vnd.schemaregistry.v1+json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {head}\n{body}"))
}
