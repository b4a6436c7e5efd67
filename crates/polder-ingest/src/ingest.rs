//! Running a stream: from its source into its bronze dataset, exactly once.
//!
//! One commit holds rows, rejects and the next offset of each partition that they came from. Before it a crash loses
//! nothing, since reading begins where the table says; after it nothing comes twice, for the same reason. A commit
//! that finds other progress than it expects is not made: another process is at work on the stream.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use polder_contract::{ContractSet, DatasetContract};
use polder_core::config::KafkaConfig;
use polder_core::{Error, ErrorKind, Result, RunId};
use polder_delivery::{Delivery, Outcome, RawRecords, Receipt, Reject, STREAM_COLUMNS, Shipment};
use polder_gate::arrival_schema;
use polder_lake::{Lake, Operation, Progress, Table};
use polder_query::{RuleQueries, Session as QuerySession};
use polder_registry::Registry;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::chunk::{Bounds, Chunk};
use crate::decode::{Decoded, Decoder};
use crate::observer::{CommitSummary, Mode, Observer, Summary, Unnamed};
use crate::renamed;
use crate::rows::{PartRecords, batch, batch_schema, refused_record};
use crate::source::files::FilesSource;
use crate::source::kafka::{Connection, KafkaSource, Patience};
use crate::source::{Event, Reader};
use crate::stream::{SourceSpec, StreamSpec};

/// For at most so many triggers another process must have been still before this one goes on.
const STILL: u32 = 3;
/// After a first conflict it must have been still for about this long.
const FIRST_STILLNESS: Duration = Duration::from_millis(500);

/// How long another process must have been still: longer with each conflict, up to [`STILL`] triggers, and by chance
/// between half and all of it. Two that stood in each other's way, each on another partition, would otherwise wait for
/// each other and wake together.
fn stillness(conflicts: u32, interval: Duration) -> Duration {
    let most = (interval * STILL).max(FIRST_STILLNESS);
    let wait = FIRST_STILLNESS.saturating_mul(1 << conflicts.min(16)).min(most);
    let chance = (Uuid::new_v4().as_u128() % 1_000) as u32;
    wait / 2 + wait / 2 * chance / 1_000
}

/// Everything that streams of one mesh need to run.
#[derive(Clone)]
pub struct Ingest {
    /// Where tables are.
    pub lake: Lake,
    /// The mesh's contracts.
    pub contracts: Arc<ContractSet>,
    /// Where writers' schemas are.
    pub registry: Registry,
    /// The brokers.
    pub kafka: KafkaConfig,
    /// The mesh's root, where paths of files begin.
    pub root: PathBuf,
    /// How long to wait for brokers.
    pub patience: Patience,
    /// Answers rules of contracts that are queries or ask other datasets; without it they are not run, and reported as
    /// that.
    pub session: Option<QuerySession>,
}

/// How one attempt at a stream ended.
enum Ending {
    /// At its end, or because it was shut down.
    Done,
    /// Another process committed first.
    Conflict(Error),
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

impl Ingest {
    /// Runs one stream.
    ///
    /// In [`Mode::UntilEnd`] it ends with what the source held when it began; in [`Mode::Continuous`] it goes on until
    /// `shutdown` is cancelled. Either way, what was read is committed before it returns, also on an error of the
    /// source. Several processes may run the same stream: one of them works, the others wait.
    ///
    /// The run works under the contract that it was given, whatever becomes of the document meanwhile: every commit
    /// names that version.
    ///
    /// `run` names this run in every row and commit; the caller makes it, so that it can name a run that fails too.
    ///
    /// # Errors
    /// `NotFound`: no contract for the dataset, no such topic, folder or file. `Unreachable`: brokers, registry or
    /// lake do not answer. `Refused`: they refuse us. `Usage`: a property that librdkafka does not know. `Document`:
    /// the contract cannot be enforced, or does not fit the table. `CheckFailed`: the contract takes no rows any more,
    /// a row breaks a rule that refuses the whole shipment, or the table would break a rule about all of its rows; what
    /// that commit would have held is not committed, and comes again with the next run. `Conflict`: the source is not
    /// what was read before (a topic that ends before what was read, records lost by retention where the stream does
    /// not skip them, a file that became shorter), or another stream has read it into the same dataset already (a
    /// stream was renamed).
    pub async fn run(
        &self,
        stream: &StreamSpec,
        mode: Mode,
        run: RunId,
        shutdown: CancellationToken,
        observer: &dyn Observer,
    ) -> Result<Summary> {
        let contract = self.contract(stream)?;
        let mut session = Session {
            ingest: self,
            stream,
            mode,
            shutdown,
            observer,
            summary: Summary::new(run),
            progress: BTreeMap::new(),
        };
        let mut conflicts = 0;
        loop {
            match session.attempt(&contract).await? {
                Ending::Done => return Ok(session.finish()),
                Ending::Conflict(error) => {
                    tracing::info!(stream = %stream.name, error = %error.report(), "another process is at work");
                    if conflicts == 0 {
                        observer.notice(
                            stream,
                            "another process is at work on this stream: waiting while it goes on",
                        );
                    }
                    if session.wait_for_stillness(&contract, conflicts).await? {
                        return Ok(session.finish());
                    }
                    conflicts += 1;
                }
            }
        }
    }

    fn contract(&self, stream: &StreamSpec) -> Result<DatasetContract> {
        self.contracts.get(&stream.dataset).ok_or_else(|| {
            let wanted = stream.dataset.to_string();
            let message = format!("stream {} feeds {wanted}, which has no contract", stream.name);
            let help = match self.contracts.nearest(&wanted) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("write a contract with `physicalName: {wanted}`"),
            };
            Error::new(ErrorKind::NotFound, message).with_help(help)
        })
    }

    fn start(&self, stream: &StreamSpec, mode: Mode) -> Result<Reader> {
        match &stream.source {
            SourceSpec::Kafka {
                topic,
                properties,
                on_lost,
            } => {
                let group = format!("polder.{}", stream.name);
                let source = KafkaSource {
                    connection: Connection::new(&self.kafka, properties, &group)?,
                    topic: topic.clone(),
                    on_lost: *on_lost,
                    progress: stream.progress_id(&format!("{topic}/")),
                    mode,
                    patience: self.patience,
                    bounds: Bounds::of(&stream.trigger),
                };
                Reader::start("polder-kafka", move |port| source.read(port))
            }
            SourceSpec::Files { path } => {
                let source = FilesSource::new(
                    &self.root,
                    path,
                    stream.progress_id(""),
                    mode,
                    Bounds::of(&stream.trigger),
                );
                Reader::start("polder-files", move |port| source.read(port))
            }
        }
    }
}

struct Session<'a> {
    ingest: &'a Ingest,
    stream: &'a StreamSpec,
    mode: Mode,
    shutdown: CancellationToken,
    observer: &'a dyn Observer,
    summary: Summary,
    /// What the table holds for each lane that was asked for, as of this attempt's last commit.
    progress: BTreeMap<String, Option<i64>>,
}

/// Chunks on their way to one commit.
struct Batch {
    next: BTreeMap<String, i64>,
    records: u64,
    bytes: u64,
    ignored: u64,
    unnamed: Unnamed,
    lost: u64,
    deadline: Instant,
}

impl Session<'_> {
    /// What the run did, when it is over; what its rows do not have of their records is said once.
    fn finish(self) -> Summary {
        if let Some(fields) = self.summary.unnamed.says() {
            let text = format!("records have fields that {fields}; no row has them");
            tracing::info!(stream = %self.stream.name, "{text}");
            self.observer.notice(self.stream, &text);
        }
        self.summary
    }

    /// Reads and commits until the end, or until another process commits first.
    async fn attempt(&mut self, contract: &DatasetContract) -> Result<Ending> {
        let origin = self.stream.name.to_string();
        let lake = &self.ingest.lake;
        let mut delivery = Delivery::open(lake, contract, STREAM_COLUMNS.as_slice(), &origin).await?;
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
        schema: &arrow::datatypes::SchemaRef,
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
        for refused in &decoded.refused {
            let record = refused_record(&chunk, refused);
            shipment
                .reject(Reject {
                    record,
                    rule: &refused.rule,
                    reason: &refused.reason,
                    json: refused.received.as_ref().map(|received| received.json.as_str()),
                })
                .await?;
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

    /// Waits until nobody else makes progress on this stream for some triggers. Gives whether it was shut down.
    async fn wait_for_stillness(&self, contract: &DatasetContract, mut conflicts: u32) -> Result<bool> {
        let lanes: Vec<&String> = self.progress.keys().collect();
        let Some(mut table) = self.ingest.lake.load(contract.dataset()).await? else {
            return Ok(false);
        };
        let mut last = None;
        loop {
            table.refresh().await?;
            let mut now = Vec::with_capacity(lanes.len());
            for lane in &lanes {
                now.push(table.progress(lane).await?);
            }
            if last.as_ref() == Some(&now) {
                return Ok(false);
            }
            last = Some(now);
            tokio::select! {
                () = self.shutdown.cancelled() => return Ok(true),
                () = tokio::time::sleep(stillness(conflicts, self.stream.trigger.interval)) => {}
            }
            conflicts += 1;
        }
    }
}

enum Next {
    Chunk(Chunk),
    Due(Due),
}

impl Batch {
    fn new(stream: &StreamSpec) -> Self {
        let deadline = Instant::now() + stream.trigger.interval;
        Self {
            next: BTreeMap::new(),
            records: 0,
            bytes: 0,
            ignored: 0,
            unnamed: Unnamed::default(),
            lost: 0,
            deadline,
        }
    }

    fn add(&mut self, chunk: &Chunk, decoded: &Decoded) {
        for (id, next) in chunk.next() {
            self.next.insert(id.clone(), *next);
        }
        self.records += chunk.len() as u64;
        self.bytes += chunk.size() as u64;
        self.ignored += decoded.ignored;
        self.unnamed.add(&decoded.unnamed);
        self.lost += chunk.lost();
    }
}

#[cfg(test)]
mod stillness_tests {
    use super::*;

    #[test]
    fn two_that_collide_do_not_wake_together_and_wait_longer_each_time_up_to_three_triggers() {
        let interval = Duration::from_secs(10);
        for (conflicts, most) in [(0, 500), (1, 1_000), (3, 4_000), (20, 30_000)] {
            let waits: Vec<Duration> = (0..200).map(|_| stillness(conflicts, interval)).collect();
            let most = Duration::from_millis(most);
            assert!(
                waits.iter().all(|wait| *wait >= most / 2 && *wait <= most),
                "{conflicts}: {waits:?}"
            );
            let different: std::collections::BTreeSet<_> = waits.iter().collect();
            assert!(different.len() > 100);
        }
    }
}
