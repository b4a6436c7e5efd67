//! Avro in Confluent's wire format.

use std::collections::{BTreeMap, HashMap};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::error::ArrowError;
use arrow_avro::reader::{Decoder as ArrowDecoder, ReaderBuilder};
use arrow_avro::schema::{AvroSchema, Fingerprint, FingerprintAlgorithm, SchemaStore};
use polder_core::{ErrorKind, Result, ResultExt};
use polder_registry::{Registry, SchemaKind, SchemaName};

use super::shape::Shape;
use super::wire::{self, Frame};
use super::writer_schema::WriterSchema;
use super::{Decoded, Refused, Target, received};
use crate::chunk::{Chunk, MAX_RECORDS};

/// Decodes framed records by their writers' schemas, which it keeps.
pub(crate) struct AvroDecoder {
    target: Target,
    /// The full name that writers' records must have.
    record: String,
    registry: Registry,
    writers: HashMap<SchemaName, Known>,
}

/// What is known of a schema.
struct Known {
    /// Its id in the registry, as rows keep it.
    id: Option<i32>,
    writer: Result<Writer, Refusal>,
}

/// Why no record of a schema is accepted.
#[derive(Debug, Clone)]
struct Refusal {
    rule: String,
    reason: String,
}

impl Refusal {
    fn schema(reason: impl Into<String>) -> Self {
        Self {
            rule: "format.schema".to_owned(),
            reason: reason.into(),
        }
    }
}

struct Writer {
    name: SchemaName,
    id: Option<i32>,
    text: String,
    schema: WriterSchema,
    decoder: ArrowDecoder,
    shape: Shape,
}

/// One record's body, and its place in the chunk.
struct Datum<'c> {
    record: usize,
    body: &'c [u8],
}

impl AvroDecoder {
    pub(crate) fn new(target: Target, record: String, registry: Registry) -> Self {
        Self {
            target,
            record,
            registry,
            writers: HashMap::new(),
        }
    }

    /// Decodes these records of the chunk.
    ///
    /// # Errors
    /// `Unreachable` or `Refused`, when the registry cannot be asked for a schema.
    pub(crate) async fn decode(&mut self, chunk: &Chunk, records: Vec<usize>, decoded: &mut Decoded) -> Result<()> {
        let mut by_schema: BTreeMap<SchemaName, Vec<Datum<'_>>> = BTreeMap::new();
        for record in records {
            let value = chunk.value(record).unwrap_or_default();
            match wire::frame(value, chunk.schema_header(record)) {
                Ok(Frame { schema, body }) => by_schema.entry(schema).or_default().push(Datum { record, body }),
                Err(reason) => decoded.refused.push(Refused {
                    record,
                    schema_id: None,
                    rule: "format.frame".to_owned(),
                    reason,
                    received: None,
                }),
            }
        }
        // Not kept: a schema that is unknown now can be registered later.
        let mut unknown = HashMap::new();
        for name in by_schema.keys() {
            if let Some(refusal) = self.prepare(*name).await? {
                unknown.insert(*name, refusal);
            }
        }
        for (name, data) in by_schema {
            let (schema_id, refusal) = match self.writers.get_mut(&name) {
                Some(Known { writer: Ok(writer), .. }) => {
                    writer.decode(data, decoded)?;
                    continue;
                }
                Some(Known {
                    id,
                    writer: Err(refusal),
                }) => (*id, refusal.clone()),
                None => (id_of(name), unknown.remove(&name).unwrap_or_else(|| not_known(name))),
            };
            decoded
                .refused
                .extend(data.into_iter().map(|Datum { record, .. }| Refused {
                    record,
                    schema_id,
                    rule: refusal.rule.clone(),
                    reason: refusal.reason.clone(),
                    received: None,
                }));
        }
        Ok(())
    }

    /// Makes sure that the writer's schema is at hand; gives why not, where the registry does not know it.
    async fn prepare(&mut self, name: SchemaName) -> Result<Option<Refusal>> {
        if self.writers.contains_key(&name) {
            return Ok(None);
        }
        let (id, writer) = match self.registry.schema(name).await {
            Ok(registered) => {
                let id = registered.id.and_then(|id| i32::try_from(id).ok());
                let writer = match registered.kind {
                    SchemaKind::Avro => Writer::new(name, id, &registered.text, &self.record, &self.target),
                    _ => Err(Refusal::schema(format!(
                        "schema {name} is {}, not Avro",
                        registered.kind
                    ))),
                };
                (id, writer)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let mut refusal = not_known(name);
                if let Some(help) = error.help() {
                    refusal.reason.push_str(": ");
                    refusal.reason.push_str(help);
                }
                return Ok(Some(refusal));
            }
            Err(error) if error.kind() == ErrorKind::Data => (id_of(name), Err(Refusal::schema(error.report()))),
            Err(error) => return Err(error),
        };
        if let Err(refusal) = &writer {
            tracing::info!(schema = %name, reason = %refusal.reason, "records of this schema are refused");
        }
        self.writers.insert(name, Known { id, writer });
        Ok(None)
    }
}

/// The id that records name themselves.
fn id_of(name: SchemaName) -> Option<i32> {
    match name {
        SchemaName::Id(id) => i32::try_from(id).ok(),
        SchemaName::Guid(_) => None,
    }
}

fn not_known(name: SchemaName) -> Refusal {
    Refusal::schema(format!("the registry does not know schema {name}"))
}

impl Writer {
    fn new(name: SchemaName, id: Option<i32>, text: &str, record: &str, target: &Target) -> Result<Self, Refusal> {
        let schema = WriterSchema::parse(text).map_err(|why| Refusal::schema(format!("schema {name}: {why}")))?;
        if schema.name != record {
            return Err(Refusal {
                rule: "format.record".to_owned(),
                reason: format!(
                    "schema {name} is of record `{}`, the stream takes `{record}`",
                    schema.name
                ),
            });
        }
        let unusable = |cause: ArrowError| Refusal::schema(format!("schema {name} cannot be decoded: {cause}"));
        let decoder = build(text).map_err(unusable)?;
        let shape = Shape::new(&decoder.schema(), target).map_err(|(rule, reason)| Refusal {
            rule,
            reason: format!("schema {name}: {reason}"),
        })?;
        Ok(Self {
            name,
            id,
            text: text.to_owned(),
            schema,
            decoder,
            shape,
        })
    }

    fn decode(&mut self, data: Vec<Datum<'_>>, decoded: &mut Decoded) -> Result<()> {
        let mut whole = Vec::with_capacity(data.len());
        for datum in data {
            match self.schema.check(datum.body) {
                Ok(()) => whole.push(datum),
                Err(reason) => decoded.refused.push(self.refused(&datum, reason)),
            }
        }
        let Some((batch, rows)) = self.batch(whole, decoded)? else {
            return Ok(());
        };
        let unnamed = self.shape.unnamed.iter().map(String::as_str);
        decoded.unnamed.note(batch.num_rows() as u64, false, unnamed);
        let failure = || {
            format!(
                "cannot bring records of schema {} into the contract's columns",
                self.name
            )
        };
        let shaped = self.shape.apply(&batch).context(ErrorKind::Internal, failure)?;
        let sources = match shaped.failures.is_empty() {
            true => Vec::new(),
            false => self.shape.sources(&batch).context(ErrorKind::Internal, failure)?,
        };
        decoded
            .take(shaped, rows, self.id, |row| received::object(&sources, row))
            .context(ErrorKind::Internal, failure)
    }

    fn refused(&self, datum: &Datum<'_>, reason: String) -> Refused {
        Refused {
            record: datum.record,
            schema_id: self.id,
            rule: "format.avro".to_owned(),
            reason,
            received: None,
        }
    }

    /// The rows of these records, which the schema's check let pass. What Arrow's decoder cannot take all the same
    /// (text that is no UUID, a decimal beyond 128 bits) is found record by record.
    fn batch(&mut self, data: Vec<Datum<'_>>, decoded: &mut Decoded) -> Result<Option<(RecordBatch, Vec<usize>)>> {
        let fed = data.iter().try_for_each(|datum| self.feed(datum.body));
        let batch = match fed {
            Ok(()) => self.decoder.flush().map_err(|cause| cause.to_string()),
            Err(reason) => Err(reason),
        };
        match batch {
            Ok(batch) => {
                let rows = data.iter().map(|datum| datum.record).collect();
                return Ok(batch.map(|batch| (batch, rows)));
            }
            // The columns of the failed record may be uneven: this decoder has had its day.
            Err(_) => self.renew()?,
        }
        let (mut batches, mut rows) = (Vec::new(), Vec::new());
        for datum in data {
            let fed = self.feed(datum.body);
            let batch = fed.and_then(|()| self.decoder.flush().map_err(|cause| cause.to_string()));
            match batch {
                Ok(Some(batch)) => {
                    batches.push(batch);
                    rows.push(datum.record);
                }
                Ok(None) => {}
                Err(reason) => {
                    decoded.refused.push(self.refused(&datum, reason));
                    self.renew()?;
                }
            }
        }
        let Some(first) = batches.first() else { return Ok(None) };
        let batch = concat_batches(&first.schema(), &batches).context(ErrorKind::Internal, || {
            format!("cannot join records of schema {}", self.name)
        })?;
        Ok(Some((batch, rows)))
    }

    fn feed(&mut self, body: &[u8]) -> Result<(), String> {
        let room = self.decoder.capacity();
        for part in [&PREFIX, body] {
            let read = self.decoder.decode(part).map_err(|cause| cause.to_string())?;
            if read != part.len() {
                return Err(PARTIAL.to_owned());
            }
        }
        match self.decoder.capacity() + 1 == room {
            true => Ok(()),
            false => Err(PARTIAL.to_owned()),
        }
    }

    fn renew(&mut self) -> Result<()> {
        self.decoder = build(&self.text).context(ErrorKind::Internal, || {
            format!("cannot make a decoder for schema {} again", self.name)
        })?;
        Ok(())
    }
}

/// What Arrow's decoder wants to see before a body: it has one schema, under the id 0, however the writer named it.
const PREFIX: [u8; 5] = [0; 5];
const PARTIAL: &str = "the bytes are not one whole record";

fn build(text: &str) -> Result<ArrowDecoder, ArrowError> {
    let mut store = SchemaStore::new_with_type(FingerprintAlgorithm::Id);
    store.set(Fingerprint::Id(0), AvroSchema::new(text.to_owned()))?;
    // Larger than any chunk: the decoder stops taking records where a batch is full.
    ReaderBuilder::new()
        .with_batch_size(MAX_RECORDS + 1)
        .with_writer_schema_store(store)
        .build_decoder()
}
