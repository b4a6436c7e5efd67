//! Records into rows: decoding, and the contract's columns from what was decoded.
//!
//! Every record of a chunk ends in one of three places: a row, a refusal with rule and reason, or (tombstones, where
//! the stream says so) passed over and counted. Nothing is skipped because of trouble elsewhere: when the registry
//! does not answer, the whole chunk fails.

mod avro;
mod cast;
mod json;
mod received;
mod shape;
mod wire;
mod writer_schema;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{Fields, TimestampMicrosecondType};
use arrow::error::ArrowError;
use polder_core::Result;
use polder_registry::Registry;

use crate::chunk::Chunk;
use crate::observer::{Dated, Unnamed};
use crate::stream::{Encoding, StreamSpec, Tombstones};

pub(crate) use cast::exact;
use shape::Shaped;
pub(crate) use wire::SCHEMA_HEADER;

/// What became of a chunk's records.
#[derive(Debug, Default)]
pub(crate) struct Decoded {
    pub(crate) parts: Vec<Part>,
    pub(crate) refused: Vec<Refused>,
    /// Refused records that have fields, as rows: what does not fit is null.
    pub(crate) misfits: Vec<Part>,
    /// Tombstones that the stream passes over.
    pub(crate) ignored: u64,
    /// What the records say that nobody reads.
    pub(crate) unnamed: Unnamed,
    /// Which JSON records have the field of the event time, where the stream names one.
    pub(crate) dated: Dated,
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
    /// What could be read, where the record has fields at all.
    pub(crate) received: Option<Received>,
}

/// The fields of a record that is no row.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Received {
    /// The contract's columns as received: a JSON object.
    pub(crate) json: String,
    /// What does not fit: rules and reasons.
    pub(crate) misfits: Vec<(String, String)>,
    /// The declared event time, where there is one that can be read; without a declaration the broker's timestamp
    /// holds.
    pub(crate) event_time: EventTime,
}

/// When the event of a record happened that is no row, in microseconds since 1970 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EventTime {
    /// The stream declares none: the broker's timestamp.
    OfBroker,
    /// As declared.
    Declared(Option<i64>),
}

impl Decoded {
    /// Takes in decoded records: those that fit as rows, the others as refused, with the JSON that `json` gives for
    /// their places among `records`.
    fn take(
        &mut self,
        shaped: Shaped,
        records: Vec<usize>,
        schema_id: Option<i32>,
        mut json: impl FnMut(usize) -> Result<String, ArrowError>,
    ) -> Result<(), ArrowError> {
        let part = |shaped: Shaped, records: Vec<usize>| Part {
            columns: shaped.columns,
            event_time: shaped.event_time,
            schema_id,
            records,
        };
        if shaped.failures.is_empty() {
            if !records.is_empty() {
                self.parts.push(part(shaped, records));
            }
            return Ok(());
        }
        let (fit, unfit) = shaped.split(records.len())?;
        let times = unfit
            .event_time
            .as_ref()
            .map(AsArray::as_primitive::<TimestampMicrosecondType>);
        let mut misfits = Vec::with_capacity(unfit.failures.len());
        for (place, failure) in unfit.failures.iter().enumerate() {
            let event_time = match times {
                None => EventTime::OfBroker,
                Some(times) => EventTime::Declared(times.is_valid(place).then(|| times.value(place))),
            };
            let record = records[failure.row];
            misfits.push(record);
            self.refused.push(Refused {
                record,
                schema_id,
                rule: failure.rule().to_owned(),
                reason: failure.reason(),
                received: Some(Received {
                    json: json(failure.row)?,
                    misfits: failure.found.clone(),
                    event_time,
                }),
            });
        }
        let mut failed = unfit.failures.iter().map(|failure| failure.row).peekable();
        let fits = |(row, record): (usize, usize)| failed.next_if_eq(&row).is_none().then_some(record);
        let fitting: Vec<usize> = records.into_iter().enumerate().filter_map(fits).collect();
        if !fitting.is_empty() {
            self.parts.push(part(fit, fitting));
        }
        self.misfits.push(part(unfit, misfits));
        Ok(())
    }
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

impl Target {
    /// The fields that are read, from the payload or from beside it.
    fn named(&self) -> impl Iterator<Item = &str> {
        let time = self.event_time.as_deref().and_then(|path| path.split('.').next());
        self.columns.iter().map(|column| column.name().as_str()).chain(time)
    }

    /// Whether the event time is what this field inside a column holds, or is in it.
    fn reads_in(&self, way: &str) -> bool {
        let rest = self.event_time.as_deref().and_then(|time| time.strip_prefix(way));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
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
                    received: None,
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
