//! Avro in Confluent's wire format.

use std::collections::{BTreeMap, HashMap};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::error::ArrowError;
use arrow_avro::reader::{Decoder as ArrowDecoder, ReaderBuilder};
use arrow_avro::schema::{AvroSchema, Fingerprint, FingerprintAlgorithm, SchemaStore};
use polder_core::{ErrorKind, Result, ResultExt};
use polder_registry::{Registry, SchemaKind};

use super::shape::Shape;
use super::writer_schema::WriterSchema;
use super::{Decoded, Refused, Target, received, wire};
use crate::chunk::{Chunk, MAX_RECORDS};

/// Decodes framed records by their writers' schemas, which it keeps.
pub(crate) struct AvroDecoder {
    target: Target,
    /// The full name that writers' records must have.
    record: String,
    registry: Registry,
    writers: HashMap<u32, Result<Writer, Refusal>>,
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
    id: u32,
    text: String,
    schema: WriterSchema,
    decoder: ArrowDecoder,
    shape: Shape,
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
        let mut by_schema: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for record in records {
            let value = chunk.value(record).unwrap_or_default();
            match wire::schema_id(value, chunk.record(record).guid) {
                Ok(id) => by_schema.entry(id).or_default().push(record),
                Err(reason) => decoded.refused.push(Refused {
                    record,
                    schema_id: None,
                    rule: "format.frame".to_owned(),
                    reason,
                    received: None,
                }),
            }
        }
        for id in by_schema.keys() {
            self.prepare(*id).await?;
        }
        for (id, records) in by_schema {
            let schema_id = i32::try_from(id).ok();
            let refuse = |record: usize, refusal: Refusal| Refused {
                record,
                schema_id,
                rule: refusal.rule,
                reason: refusal.reason,
                received: None,
            };
            match self.writers.get_mut(&id) {
                Some(Ok(writer)) => writer.decode(chunk, records, schema_id, decoded)?,
                Some(Err(refusal)) => {
                    decoded
                        .refused
                        .extend(records.into_iter().map(|record| refuse(record, refusal.clone())));
                }
                // Not kept: a schema that is unknown now can be registered later.
                None => {
                    let unknown = Refusal::schema(format!("the registry does not know schema {id}"));
                    decoded
                        .refused
                        .extend(records.into_iter().map(|record| refuse(record, unknown.clone())));
                }
            }
        }
        Ok(())
    }

    /// Makes sure that the writer's schema is at hand, unless the registry does not know it.
    async fn prepare(&mut self, id: u32) -> Result<()> {
        if self.writers.contains_key(&id) {
            return Ok(());
        }
        let registered = match self.registry.schema(id).await {
            Ok(registered) => registered,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) if error.kind() == ErrorKind::Data => {
                self.writers.insert(id, Err(Refusal::schema(error.report())));
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let writer = if registered.kind == SchemaKind::Avro {
            Writer::new(id, &registered.text, &self.record, &self.target)
        } else {
            Err(Refusal::schema(format!("schema {id} is {}, not Avro", registered.kind)))
        };
        if let Err(refusal) = &writer {
            tracing::info!(schema_id = id, reason = %refusal.reason, "records of this schema are refused");
        }
        self.writers.insert(id, writer);
        Ok(())
    }
}

impl Writer {
    fn new(id: u32, text: &str, record: &str, target: &Target) -> Result<Self, Refusal> {
        let schema = WriterSchema::parse(text).map_err(|why| Refusal::schema(format!("schema {id}: {why}")))?;
        if schema.name != record {
            return Err(Refusal {
                rule: "format.record".to_owned(),
                reason: format!(
                    "schema {id} is of record `{}`, the stream takes `{record}`",
                    schema.name
                ),
            });
        }
        let unusable = |cause: ArrowError| Refusal::schema(format!("schema {id} cannot be decoded: {cause}"));
        let decoder = build(id, text).map_err(unusable)?;
        let shape = Shape::new(&decoder.schema(), target).map_err(|(rule, reason)| Refusal {
            rule,
            reason: format!("schema {id}: {reason}"),
        })?;
        Ok(Self {
            id,
            text: text.to_owned(),
            schema,
            decoder,
            shape,
        })
    }

    fn decode(
        &mut self,
        chunk: &Chunk,
        records: Vec<usize>,
        schema_id: Option<i32>,
        decoded: &mut Decoded,
    ) -> Result<()> {
        let refuse = |record: usize, rule: String, reason: String| Refused {
            record,
            schema_id,
            rule,
            reason,
            received: None,
        };
        let mut whole = Vec::with_capacity(records.len());
        for record in records {
            let body = chunk
                .value(record)
                .and_then(|value| value.get(wire::HEAD..))
                .unwrap_or_default();
            match self.schema.check(body) {
                Ok(()) => whole.push(record),
                Err(reason) => decoded.refused.push(refuse(record, "format.avro".to_owned(), reason)),
            }
        }
        let Some((batch, rows)) = self.batch(chunk, whole, schema_id, decoded)? else {
            return Ok(());
        };
        let unnamed = self.shape.unnamed.iter().map(String::as_str);
        decoded.unnamed.note(batch.num_rows() as u64, unnamed);
        let failure = || format!("cannot bring records of schema {} into the contract's columns", self.id);
        let shaped = self.shape.apply(&batch).context(ErrorKind::Internal, failure)?;
        let sources = match shaped.failures.is_empty() {
            true => Vec::new(),
            false => self.shape.sources(&batch).context(ErrorKind::Internal, failure)?,
        };
        decoded
            .take(shaped, rows, schema_id, |row| received::object(&sources, row))
            .context(ErrorKind::Internal, failure)
    }

    /// The rows of these records, which the schema's check let pass. What Arrow's decoder cannot take all the same
    /// (text that is no UUID, a decimal beyond 128 bits) is found record by record.
    fn batch(
        &mut self,
        chunk: &Chunk,
        records: Vec<usize>,
        schema_id: Option<i32>,
        decoded: &mut Decoded,
    ) -> Result<Option<(RecordBatch, Vec<usize>)>> {
        let fed = records
            .iter()
            .try_for_each(|record| self.feed(chunk.value(*record).unwrap_or_default()));
        let batch = match fed {
            Ok(()) => self.decoder.flush().map_err(|cause| cause.to_string()),
            Err(reason) => Err(reason),
        };
        match batch {
            Ok(batch) => return Ok(batch.map(|batch| (batch, records))),
            // The columns of the failed record may be uneven: this decoder has had its day.
            Err(_) => self.renew()?,
        }
        let (mut batches, mut rows) = (Vec::new(), Vec::new());
        for record in records {
            let fed = self.feed(chunk.value(record).unwrap_or_default());
            let batch = fed.and_then(|()| self.decoder.flush().map_err(|cause| cause.to_string()));
            match batch {
                Ok(Some(batch)) => {
                    batches.push(batch);
                    rows.push(record);
                }
                Ok(None) => {}
                Err(reason) => {
                    let rule = "format.avro".to_owned();
                    decoded.refused.push(Refused {
                        record,
                        schema_id,
                        rule,
                        reason,
                        received: None,
                    });
                    self.renew()?;
                }
            }
        }
        let Some(first) = batches.first() else { return Ok(None) };
        let batch = concat_batches(&first.schema(), &batches).context(ErrorKind::Internal, || {
            format!("cannot join records of schema {}", self.id)
        })?;
        Ok(Some((batch, rows)))
    }

    fn feed(&mut self, frame: &[u8]) -> Result<(), String> {
        let room = self.decoder.capacity();
        let read = self.decoder.decode(frame).map_err(|cause| cause.to_string())?;
        if read != frame.len() || self.decoder.capacity() + 1 != room {
            return Err("the bytes are not one whole record".to_owned());
        }
        Ok(())
    }

    fn renew(&mut self) -> Result<()> {
        self.decoder = build(self.id, &self.text).context(ErrorKind::Internal, || {
            format!("cannot make a decoder for schema {} again", self.id)
        })?;
        Ok(())
    }
}

fn build(id: u32, text: &str) -> Result<ArrowDecoder, ArrowError> {
    let mut store = SchemaStore::new_with_type(FingerprintAlgorithm::Id);
    store.set(Fingerprint::Id(id), AvroSchema::new(text.to_owned()))?;
    // Larger than any chunk: the decoder stops taking records where a batch is full.
    ReaderBuilder::new()
        .with_batch_size(MAX_RECORDS + 1)
        .with_writer_schema_store(store)
        .build_decoder()
}
