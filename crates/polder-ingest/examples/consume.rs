//! Reads a topic to its end and counts: what a consumer costs that does nothing with what it reads.
//!
//! `consume BROKERS TOPIC` prints `RECORDS BYTES`, the bytes of keys and values. `cargo xtask bench ingest` runs it
//! beside `polder ingest`. It rests as long as Polder does once its queue is full; else librdkafka's defaults hold, so it
//! may buffer more than Polder lets it.
#![allow(clippy::print_stdout, reason = "a program of its own")]

use std::collections::BTreeSet;
use std::error::Error;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

/// How long brokers may be silent.
const PATIENCE: Duration = Duration::from_secs(30);

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(brokers), Some(topic)) = (arguments.next(), arguments.next()) else {
        return Err("say `consume BROKERS TOPIC`".into());
    };
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "consume")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("fetch.queue.backoff.ms", "50")
        .create()?;
    let metadata = consumer.fetch_metadata(Some(&topic), PATIENCE)?;
    let partitions = metadata.topics().first().ok_or("no such topic")?.partitions();
    let mut waiting: BTreeSet<i32> = partitions.iter().map(|partition| partition.id()).collect();
    let mut assignment = TopicPartitionList::new();
    for partition in &waiting {
        assignment.add_partition_offset(&topic, *partition, Offset::Beginning)?;
    }
    consumer.assign(&assignment)?;

    let (mut records, mut bytes) = (0_u64, 0_u64);
    while !waiting.is_empty() {
        match consumer.poll(PATIENCE) {
            Some(Ok(message)) => {
                records += 1;
                bytes += (message.key_len() + message.payload_len()) as u64;
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                waiting.remove(&partition);
            }
            Some(Err(error)) => return Err(error.into()),
            None => return Err("the brokers send nothing".into()),
        }
    }
    println!("{records} {bytes}");
    Ok(())
}
