//! Streams: declared sources of records, read into bronze datasets exactly once.
//!
//! [`load_streams`] reads the declarations, [`Ingest::run`] runs one: a source ([Kafka](probe_kafka) or files) hands
//! over chunks of records, they are decoded (Avro by their writers' schemas from the registry, JSON by the contract),
//! brought into the contract's columns, and shipped by `polder-delivery` together with how far the source was read.
//! [`Rereader`] reads the bytes of refused records again when they are replayed.
//! This crate knows no pipelines and no other domain than the stream's; sessions of `polder-query` only serve rules in SQL.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod chunk;
mod computed;
mod decode;
mod ingest;
mod observer;
mod renamed;
mod reread;
mod rows;
mod source;
mod stream;
#[cfg(test)]
mod tests;

pub use computed::read_exactly;
pub use ingest::Ingest;
pub use observer::{CommitSummary, Dated, Mode, Observer, Quiet, Summary, Unnamed};
pub use renamed::{Feed, refused_as_renamed};
pub use reread::Rereader;
pub use source::kafka::{KafkaProbe, Patience, probe_kafka, probe_topics};
pub use stream::{
    Encoding, Format, OnLost, SUFFIX, SourceSpec, StreamSpec, Tombstones, Trigger, load_streams, read_streams,
};
