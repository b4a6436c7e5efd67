//! Records into rows: decoding, and the contract's columns from what was decoded.
//!
//! Every record of a chunk ends in one of three places: a row, a refusal with rule and reason, or (tombstones, where
//! the stream says so) passed over and counted. Nothing is skipped because of trouble elsewhere: when the registry
//! does not answer, the whole chunk fails.

mod avro;
mod cast;
mod json;
mod maps;
mod shape;
mod text;
mod wire;
mod writer_schema;

use arrow::array::ArrayRef;
use arrow::datatypes::Fields;
use polder_core::Result;
use polder_registry::Registry;

use crate::chunk::Chunk;
use crate::stream::{Encoding, StreamSpec, Tombstones};

pub(crate) use wire::GUID_HEADER;

/// What became of a chunk's records.
#[derive(Debug, Default)]
pub(crate) struct Decoded {
    pub(crate) parts: Vec<Part>,
    pub(crate) refused: Vec<Refused>,
    /// Tombstones that the stream passes over.
    pub(crate) ignored: u64,
}

/// Rows that were decoded together.
#[derive(Debug)]
pub(crate) struct Part {
    /// The contract's columns, in its order.
    pub(crate) columns: Vec<ArrayRef>,
    /// The declared event time; without a declaration the broker's timestamps hold.
    pub(crate) event_time: Option<ArrayRef>,
    pub(crate) schema_id: Option<i32>,
    /// The records of the rows, by their place in the chunk.
    pub(crate) records: Vec<usize>,
}

/// A record that is no row.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// Its place in the chunk.
    pub(crate) record: usize,
    pub(crate) schema_id: Option<i32>,
    pub(crate) rule: String,
    pub(crate) reason: String,
    /// The contract's columns as received, a JSON object, where the record has fields at all.
    pub(crate) json: Option<String>,
}

/// What rows are made of.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// The contract's columns.
    pub(crate) columns: Fields,
    /// The nested record whose fields become columns.
    pub(crate) payload: Option<String>,
    /// The field that becomes the event time.
    pub(crate) event_time: Option<String>,
}

/// Decodes the chunks of one stream.
pub(crate) struct Decoder {
    tombstones: Tombstones,
    encoding: Kind,
}

enum Kind {
    Avro(Box<avro::AvroDecoder>),
    Json(json::JsonDecoder),
}

impl Decoder {
    pub(crate) fn new(stream: &StreamSpec, columns: Fields, registry: &Registry) -> Self {
        let target = Target {
            columns,
            payload: stream.format.payload.clone(),
            event_time: stream.format.event_time.clone(),
        };
        let encoding = match &stream.format.encoding {
            Encoding::Avro { record } => Kind::Avro(Box::new(avro::AvroDecoder::new(
                target,
                record.clone(),
                registry.clone(),
            ))),
            Encoding::Json => Kind::Json(json::JsonDecoder::new(target)),
        };
        Self {
            tombstones: stream.format.tombstones,
            encoding,
        }
    }

    /// Decodes a chunk whole.
    ///
    /// # Errors
    /// `Unreachable` or `Refused`, when the registry cannot be asked; nothing of the chunk is decoded then.
    pub(crate) async fn decode(&mut self, chunk: &Chunk) -> Result<Decoded> {
        let mut decoded = Decoded::default();
        let mut present = Vec::with_capacity(chunk.len());
        for record in 0..chunk.len() {
            match (chunk.value(record), self.tombstones) {
                (Some(_), _) => present.push(record),
                (None, Tombstones::Ignore) => decoded.ignored += 1,
                (None, Tombstones::Quarantine) => decoded.refused.push(Refused {
                    record,
                    schema_id: None,
                    rule: "format.tombstone".to_owned(),
                    reason: "the record has no value (a tombstone)".to_owned(),
                    json: None,
                }),
            }
        }
        match &mut self.encoding {
            Kind::Avro(avro) => avro.decode(chunk, present, &mut decoded).await?,
            Kind::Json(json) => json.decode(chunk, present, &mut decoded)?,
        }
        Ok(decoded)
    }
}
