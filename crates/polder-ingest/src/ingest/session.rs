//! One run of a stream: chunks from the reader into shipments, and these into commits.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use polder_contract::DatasetContract;
use polder_core::units::counted;
use polder_core::{Error, ErrorKind, Result};
use polder_delivery::{Delivery, Misread, Outcome, RawRecords, Receipt, Reject, STREAM_COLUMNS, Shipment};
use polder_gate::arrival_schema;
use polder_lake::{Operation, Progress, Table};
use polder_query::RuleQueries;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::batch::Batch;
use super::{Ending, Ingest};
use crate::chunk::Chunk;
use crate::decode::{Decoder, Received};
use crate::observer::{CommitSummary, Mode, Observer, Summary};
use crate::renamed;
use crate::rows::{PartRecords, batch, batch_schema, refused_record};
use crate::source::{Event, Reader};
use crate::stream::StreamSpec;

/// One run of a stream.
pub(super) struct Session<'a> {
    pub(super) ingest: &'a Ingest,
    pub(super) stream: &'a StreamSpec,
    pub(super) mode: Mode,
    pub(super) shutdown: CancellationToken,
    pub(super) observer: &'a dyn Observer,
    pub(super) summary: Summary,
    /// What the table holds for each lane that was asked for, as of this attempt's last commit.
    pub(super) progress: BTreeMap<String, Option<i64>>,
}

/// Why a batch of chunks is committed now.
enum Due {
    /// A trigger was reached.
    Trigger,
    /// The source's end, or shutdown.
    End,
    /// Nothing more can be read.
    Failed(Error),
}

/// What the reader has next.
enum Next {
    Chunk(Chunk),
    Due(Due),
}

impl Session<'_> {
    /// What the run did, when it is over; what its rows do not have of their records is said once.
    pub(super) fn finish(self) -> Summary {
        let fields = self.summary.unnamed.says();
        let left_out = fields.map(|fields| format!("records have fields that {fields}; they are left out of the rows"));
        let undated = self.summary.dated.never().zip(self.stream.format.event_time.as_deref());
        let undated = undated.map(|(records, field)| {
            format!(
                "no record has the field `{field}`, which `format.event_time` names ({}): _event_time is null",
                counted(records, "record")
            )
        });
        for text in left_out.into_iter().chain(undated) {
            tracing::info!(stream = %self.stream.name, "{text}");
            self.observer.notice(self.stream, &text);
        }
        self.summary
    }

    /// Reads and commits until the end, or until another process commits first.
    pub(super) async fn attempt(&mut self, contract: &DatasetContract) -> Result<Ending> {
        let origin = self.stream.name.to_string();
        let lake = &self.ingest.lake;
        let mut delivery = Delivery::open(lake, contract, STREAM_COLUMNS.as_slice(), &origin)
            .await?
            .with_discretion(self.ingest.discretion.clone())
            .with_policies(&self.ingest.policies);
        if let Some(session) = &self.ingest.session {
            delivery = delivery.with_queries(Arc::new(RuleQueries::new(session, contract)));
        }
        self.progress.clear();
        let mut reader = self.ingest.start(self.stream, self.mode)?;
        let ending = self.deliver(&mut delivery, contract, &mut reader).await;
        reader.close().await;
        ending
    }

    async fn deliver(
        &mut self,
        delivery: &mut Delivery,
        contract: &DatasetContract,
        reader: &mut Reader,
    ) -> Result<Ending> {
        let columns = arrival_schema(contract.object())?;
        let schema = batch_schema(&columns);
        let mut decoder = Decoder::new(self.stream, columns.fields().clone(), &self.ingest.registry);
        loop {
            // A shipment holds the delivery; progress is asked of the table as it was before.
            let table = delivery.table().clone();
            let chunk = match self.next(reader, &table, None).await? {
                Next::Chunk(chunk) => chunk,
                Next::Due(Due::Trigger) => continue,
                Next::Due(Due::End) => return Ok(Ending::Done),
                Next::Due(Due::Failed(error)) => return Err(error),
            };
            let mut shipment = delivery.shipment(self.summary.run).await?;
            let mut batch = Batch::new(self.stream);
            let gathered = async {
                let mut due = self
                    .load(&mut shipment, &mut decoder, &schema, chunk, &mut batch)
                    .await?;
                loop {
                    if let Some(due) = due {
                        return Ok(due);
                    }
                    due = match self.next(reader, &table, Some(batch.deadline)).await? {
                        Next::Chunk(chunk) => {
                            self.load(&mut shipment, &mut decoder, &schema, chunk, &mut batch)
                                .await?
                        }
                        Next::Due(due) => Some(due),
                    };
                }
            };
            let due = match gathered.await {
                Ok(due) => due,
                Err(error) => {
                    self.discard(shipment).await;
                    return Err(error);
                }
            };
            let committed = self.commit(shipment, batch).await;
            match (due, committed) {
                // What stopped the source matters more; what is not committed is read again.
                (Due::Failed(error), Ok(())) => return Err(error),
                (Due::Failed(error), Err(uncommitted)) => {
                    tracing::warn!(
                        stream = %self.stream.name, error = %uncommitted.report(),
                        "what was read before the source failed is not committed either"
                    );
                    return Err(error);
                }
                (_, Err(error)) if error.kind() == ErrorKind::Conflict => return Ok(Ending::Conflict(error)),
                (_, Err(error)) => return Err(error),
                (Due::End, Ok(())) => return Ok(Ending::Done),
                (Due::Trigger, Ok(())) => {}
            }
        }
    }

    /// Takes back uploads of a shipment that is given up, so that stores do not keep halves of files. What stands in
    /// the way of that is told, and matters no more: another error ends the run.
    async fn discard(&self, shipment: Shipment<'_>) {
        if let Err(error) = shipment.discard().await {
            tracing::warn!(stream = %self.stream.name, error = %error.report(), "uploads are left behind");
        }
    }

    /// The next chunk, or why there is none.
    async fn next(&mut self, reader: &mut Reader, table: &Table, deadline: Option<Instant>) -> Result<Next> {
        let far = Instant::now() + Duration::from_secs(86_400);
        loop {
            let event = tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return Ok(Next::Due(Due::End)),
                () = sleep_until(deadline.unwrap_or(far)) => return Ok(Next::Due(Due::Trigger)),
                event = reader.events.recv() => event,
            };
            match event {
                Some(Event::Chunk(chunk)) => return Ok(Next::Chunk(chunk)),
                Some(Event::Positions { lanes, reply }) => {
                    let first = self.progress.is_empty();
                    let mut positions = Vec::with_capacity(lanes.len());
                    for lane in &lanes {
                        let position = table.progress(&lane.progress).await?;
                        self.progress.insert(lane.progress.clone(), position);
                        positions.push(position);
                    }
                    if first && positions.iter().all(Option::is_none) {
                        renamed::refuse(self.stream, table, &lanes).await?;
                    }
                    // A reader that does not wait any more has ended, and says so itself.
                    let _ = reply.send(positions);
                }
                Some(Event::Expected(records)) => self.observer.expected(self.stream, records),
                Some(Event::Notice(text)) => {
                    tracing::info!(stream = %self.stream.name, "{text}");
                    self.observer.notice(self.stream, &text);
                }
                Some(Event::End) => return Ok(Next::Due(Due::End)),
                Some(Event::Failed(error)) => return Ok(Next::Due(Due::Failed(error))),
                None => {
                    let message = format!("the reader of stream {} ended without a word", self.stream.name);
                    return Ok(Next::Due(Due::Failed(Error::new(ErrorKind::Internal, message))));
                }
            }
        }
    }

    /// Decodes a chunk and puts it into the shipment. Gives why a commit is due now, if one is.
    async fn load(
        &mut self,
        shipment: &mut Shipment<'_>,
        decoder: &mut Decoder,
        schema: &SchemaRef,
        chunk: Chunk,
        batch_of_chunks: &mut Batch,
    ) -> Result<Option<Due>> {
        // A chunk that cannot be decoded leaves no trace: what came before it is committed, then the stream stops.
        let decoded = match decoder.decode(&chunk).await {
            Ok(decoded) => decoded,
            Err(error) => return Ok(Some(Due::Failed(error))),
        };
        let run = self.summary.run.to_string();
        // Records of the parts lie between each other, and of those with one key the first stays.
        let mut parts = Vec::with_capacity(decoded.parts.len());
        for part in &decoded.parts {
            parts.push((batch(schema, &chunk, part, &run)?, PartRecords { chunk: &chunk, part }));
        }
        let batches: Vec<_> = parts.iter().map(|(rows, raw)| (rows, raw as &dyn RawRecords)).collect();
        shipment.push_together(&batches).await?;
        let mut misread = BTreeMap::new();
        for refused in &decoded.refused {
            let record = refused_record(&chunk, refused);
            let (rule, reason) = (&refused.rule, &refused.reason);
            match &refused.received {
                None => shipment.reject(Reject { record, rule, reason }).await?,
                Some(Received { json, misfits, .. }) => {
                    let found = misfits.as_slice();
                    misread.insert(refused.record, Misread { record, found, json });
                }
            }
        }
        for part in &decoded.misfits {
            let rows = batch(schema, &chunk, part, &run)?;
            let of_rows: Vec<_> = part
                .records
                .iter()
                .filter_map(|record| misread.get(record).copied())
                .collect();
            shipment.push_misread(&rows, &of_rows).await?;
        }
        batch_of_chunks.add(&chunk, &decoded);
        self.observer.read(self.stream, chunk.len() as u64, chunk.size() as u64);
        let trigger = self.stream.trigger;
        let due = batch_of_chunks.records >= trigger.rows || batch_of_chunks.bytes >= trigger.bytes;
        Ok(due.then_some(Due::Trigger))
    }

    async fn commit(&mut self, shipment: Shipment<'_>, batch: Batch) -> Result<()> {
        let progress = batch.next.iter().map(|(id, next)| {
            let expected = self.progress.get(id).copied().flatten();
            Progress {
                id: id.clone(),
                expected,
                next: *next,
            }
        });
        let outcome = Outcome {
            progress: progress.collect(),
            operation: Operation::Append,
            ..Outcome::default()
        };
        if outcome.progress.is_empty() {
            return shipment.discard().await;
        }
        let Receipt {
            version,
            accepted,
            rejected,
            recognised,
            warned,
            remarks,
        } = shipment.commit(outcome).await?;
        for (id, next) in batch.next {
            self.progress.insert(id, Some(next));
        }
        self.summary.accepted += accepted;
        self.summary.rejected += rejected;
        self.summary.recognised += recognised;
        for (rule, rows) in warned {
            *self.summary.warned.entry(rule).or_default() += rows;
        }
        for (rule, remark) in remarks {
            if !self.summary.remarks.contains_key(&rule) {
                self.observer.notice(self.stream, &remark);
            }
            self.summary.remarks.insert(rule, remark);
        }
        self.summary.ignored += batch.ignored;
        self.summary.unnamed.add(&batch.unnamed);
        self.summary.dated.add(batch.dated);
        self.summary.lost += batch.lost;
        if let Some(version) = version {
            self.summary.commits += 1;
            self.summary.versions.push(version);
            tracing::debug!(stream = %self.stream.name, version, accepted, rejected, "committed");
            self.observer.committed(
                self.stream,
                &CommitSummary {
                    version,
                    accepted,
                    rejected,
                },
            );
        }
        Ok(())
    }
}
