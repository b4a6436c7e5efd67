//! Refused records, read again by today's declaration of their stream.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, TimestampMicrosecondArray, new_null_array};
use arrow::compute::{cast, interleave};
use arrow::datatypes::{Schema, SchemaRef, TimestampMicrosecondType};
use polder_contract::SchemaObject;
use polder_core::{DatasetName, Error, ErrorKind, Result, ResultExt};
use polder_delivery::{Again, Misfit, RawRecord, Reread, Unread};
use polder_gate::{arrival_schema, arrow_schema};
use polder_registry::Registry;
use tokio::sync::Mutex;

use crate::chunk::{Chunk, Head, Lane, MAX_RECORDS};
use crate::decode::{Decoder, EventTime, Part, Received};
use crate::stream::{StreamSpec, Tombstones};

/// Reads the bytes of records that a dataset refused as its streams would read them today.
pub struct Rereader {
    /// The contract's columns, all of them nullable.
    columns: SchemaRef,
    /// As they are read, each instant in the zone of its column.
    arrival: SchemaRef,
    streams: HashMap<String, Stream>,
}

struct Stream {
    decoder: Mutex<Decoder>,
    declares_time: bool,
}

impl Rereader {
    /// For the streams that feed this dataset, by its contract's object.
    ///
    /// # Errors
    /// `Document`, where a column has no type that a table can hold.
    pub fn new(
        streams: &[StreamSpec],
        dataset: &DatasetName,
        object: &SchemaObject,
        registry: &Registry,
    ) -> Result<Self> {
        let arrival = arrival_schema(object)?;
        let of_dataset = streams.iter().filter(|stream| stream.dataset == *dataset);
        let streams = of_dataset.map(|spec| {
            // Nothing is passed over here: whoever replays a record wants to know what becomes of it.
            let mut spec = spec.clone();
            spec.format.tombstones = Tombstones::Quarantine;
            let stream = Stream {
                decoder: Mutex::new(Decoder::new(&spec, arrival.fields().clone(), registry)),
                declares_time: spec.format.event_time.is_some(),
            };
            (spec.name.to_string(), stream)
        });
        Ok(Self {
            streams: streams.collect(),
            columns: nullable(&*arrow_schema(object)?),
            arrival: nullable(&arrival),
        })
    }

    async fn read(&self, stream: &Stream, records: &[RawRecord<'_>]) -> Result<Again> {
        let mut decoder = stream.decoder.lock().await;
        let mut reading = Reading::new(records.len());
        for (part, records) in records.chunks(MAX_RECORDS).enumerate() {
            let decoded = decoder.decode(&chunk(records)).await?;
            let first = part * MAX_RECORDS;
            for part in decoded.parts.into_iter().chain(decoded.misfits) {
                reading.take(part, first);
            }
            for refused in decoded.refused {
                let place = first + refused.record;
                reading.schema_ids[place] = refused.schema_id;
                reading.unread[place] = Some(match refused.received {
                    Some(received) => misfits(received, &mut reading.times[place]),
                    None => Unread::Record {
                        rule: refused.rule,
                        reason: refused.reason,
                    },
                });
            }
        }
        if !stream.declares_time {
            // Rows that an earlier Polder refused have no timestamp of their own.
            let times = records.iter().map(|record| record.timestamp.or(record.event_time));
            reading.times = times.collect();
        }
        reading.finish(&self.arrival, &self.columns)
    }
}

impl Reread for Rereader {
    fn knows(&self, origin: &str) -> bool {
        self.streams.contains_key(origin)
    }

    fn reread<'a>(
        &'a self,
        origin: &'a str,
        records: &'a [RawRecord<'a>],
    ) -> Pin<Box<dyn Future<Output = Result<Again>> + Send + 'a>> {
        Box::pin(async move {
            let failed = || format!("refused records of stream {origin} cannot be read again");
            let Some(stream) = self.streams.get(origin) else {
                return Err(Error::new(ErrorKind::Internal, failed()));
            };
            match self.read(stream, records).await {
                Err(error) => {
                    let kind = error.kind();
                    Err(error).context(kind, failed)
                }
                again => again,
            }
        })
    }
}

fn nullable(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter();
    let fields = fields.map(|field| field.as_ref().clone().with_nullable(true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// Records in the order in which they are given.
fn chunk(records: &[RawRecord<'_>]) -> Chunk {
    let mut lanes: HashMap<(&str, i32), Arc<Lane>> = HashMap::new();
    let mut chunk = Chunk::default();
    for record in records {
        let lane = lanes.entry((record.topic, record.partition)).or_insert_with(|| {
            Arc::new(Lane {
                topic: record.topic.into(),
                partition: record.partition,
                progress: String::new(),
            })
        });
        let head = Head {
            lane,
            offset: record.offset,
            timestamp: record.timestamp.map(|micros| micros / 1000),
            schema_header: record.schema_header,
        };
        chunk.push(head, record.key, record.bytes);
    }
    chunk
}

fn misfits(received: Received, time: &mut Option<i64>) -> Unread {
    if let EventTime::Declared(declared) = received.event_time {
        *time = declared;
    }
    let misfits = received.misfits.into_iter().map(|(rule, reason)| Misfit {
        column: rule.strip_suffix(".type").unwrap_or(&rule).to_owned(),
        reason,
    });
    Unread::Columns {
        misfits: misfits.collect(),
        json: received.json,
    }
}

/// What was read so far of records.
struct Reading {
    parts: Vec<Vec<ArrayRef>>,
    /// Which part and row a record became.
    places: Vec<Option<(usize, usize)>>,
    times: Vec<Option<i64>>,
    schema_ids: Vec<Option<i32>>,
    unread: Vec<Option<Unread>>,
}

impl Reading {
    fn new(records: usize) -> Self {
        Self {
            parts: Vec::new(),
            places: vec![None; records],
            times: vec![None; records],
            schema_ids: vec![None; records],
            unread: vec![None; records],
        }
    }

    /// Takes in rows of the records behind `first`.
    fn take(&mut self, part: Part, first: usize) {
        let times = part
            .event_time
            .as_ref()
            .map(|times| times.as_primitive::<TimestampMicrosecondType>());
        for (row, record) in part.records.iter().enumerate() {
            let place = first + record;
            self.places[place] = Some((self.parts.len(), row));
            self.schema_ids[place] = part.schema_id;
            self.times[place] = times.filter(|times| times.is_valid(row)).map(|times| times.value(row));
        }
        self.parts.push(part.columns);
    }

    /// Puts together what was read in `arrival`, in the types of `columns`: of the same instants in UTC.
    fn finish(self, arrival: &SchemaRef, columns: &SchemaRef) -> Result<Again> {
        let apart = || "cannot put records together that were read again".to_owned();
        // What was not read is null.
        let picks: Vec<_> = self
            .places
            .iter()
            .map(|place| place.map_or((0, 0), |(part, row)| (part + 1, row)))
            .collect();
        let mut rows = Vec::with_capacity(columns.fields().len());
        for (place, (field, wanted)) in arrival.fields().iter().zip(columns.fields()).enumerate() {
            let nothing = new_null_array(field.data_type(), 1);
            let sources = std::iter::once(&nothing).chain(self.parts.iter().map(|part| &part[place]));
            let sources: Vec<&dyn Array> = sources.map(AsRef::as_ref).collect();
            let read = interleave(&sources, &picks).and_then(|read| match field.data_type() == wanted.data_type() {
                true => Ok(read),
                false => cast(&read, wanted.data_type()),
            });
            rows.push(read.context(ErrorKind::Internal, apart)?);
        }
        let times = TimestampMicrosecondArray::from(self.times).with_timezone("UTC");
        Ok(Again {
            rows: RecordBatch::try_new(Arc::clone(columns), rows).context(ErrorKind::Internal, apart)?,
            event_times: times,
            schema_ids: self.schema_ids,
            unread: self.unread,
        })
    }
}
