//! Running a stream: from its source into its bronze dataset, exactly once.
//!
//! One commit holds rows, rejects and the next offset of each partition that they came from. Before it a crash loses
//! nothing, since reading begins where the table says; after it nothing comes twice, for the same reason. A commit
//! that finds other progress than it expects is not made: another process is at work on the stream.

mod batch;
mod rivals;
mod session;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use polder_contract::{ContractSet, DatasetContract};
use polder_core::config::KafkaConfig;
use polder_core::{Error, ErrorKind, Result, RunId};
use polder_delivery::Discretion;
use polder_lake::Lake;
use polder_policy::Policies;
use polder_query::Session as QuerySession;
use polder_registry::Registry;
use tokio_util::sync::CancellationToken;

use self::session::Session;
use crate::chunk::Bounds;
use crate::observer::{Mode, Observer, Summary};
use crate::source::Reader;
use crate::source::files::FilesSource;
use crate::source::kafka::{Connection, KafkaSource, Patience};
use crate::stream::{SourceSpec, StreamSpec};

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
    /// What of rows refusals and remarks may tell.
    pub discretion: Discretion,
    /// What no row may hold that lands; an empty set asks for nothing.
    pub policies: Arc<Policies>,
}

/// How one attempt at a stream ended.
enum Ending {
    /// At its end, or because it was shut down.
    Done,
    /// Another process committed first.
    Conflict(Error),
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
    /// the contract cannot be enforced, or does not fit the table, or another stream has read the source into the same
    /// dataset already (a stream was renamed). `CheckFailed`: the contract takes no rows any more,
    /// a row breaks a rule that refuses the whole shipment or holds what a policy refuses, or the table would break a rule about all of its rows; what
    /// that commit would have held is not committed, and comes again with the next run. `Conflict`: the source is not
    /// what was read before (a topic that ends before what was read, records lost by retention where the stream does
    /// not skip them, a file that became shorter).
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
