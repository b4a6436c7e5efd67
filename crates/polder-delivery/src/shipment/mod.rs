//! Rows on their way, and the two commits that deliver them.

mod commits;
mod intake;
mod recognised;

use std::collections::{BTreeMap, HashMap, HashSet};

use polder_core::{Error, ErrorKind, Result, RunId, clock};
use polder_lake::{DataFile, FileWriter, Operation, Progress, Table};

use crate::delivery::{Delivery, takes_rows};
use crate::extent::Extent;
use crate::known::{Known, Seen};
use crate::quarantine::{Buffer, Stamp};
use crate::rules::Fresh;
use crate::searched::Searched;
use recognised::Counted;

/// Rows that are delivered together. Accepted rows stream into the table's files, refused rows into quarantine's;
/// neither is visible before [`commit`](Self::commit). A shipment that is dropped leaves nothing but unreferenced
/// files.
pub struct Shipment<'d> {
    delivery: &'d mut Delivery,
    run: RunId,
    stamp: Stamp,
    /// The origin's count of quarantine commits when the shipment began.
    sequence: Option<i64>,
    writer: Option<FileWriter>,
    /// The accepted rows' files, once they are closed.
    closed: Option<Vec<DataFile>>,
    /// Whether a commit may name those files.
    offered: bool,
    /// What the accepted rows mean for the rules about the table.
    rows: Fresh,
    refused_writer: Option<FileWriter>,
    buffer: Buffer,
    /// Whether none of its rows came before, so that those which quarantine holds are others.
    only_new: bool,
    /// Keys of all rows that are refused, where rows are recognised by content.
    met: HashSet<u128>,
    /// How far equal refused rows are counted, where rows are recognised by content.
    occurrences: HashMap<u128, Counted>,
    seen: Seen,
    /// What the first accepted rows hold that they may not.
    searched: Searched,
    receipt: Receipt,
}

/// What is committed together with the accepted rows.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// How far each source got.
    pub progress: Vec<Progress>,
    /// Files whose rows the accepted ones replace.
    pub remove: Vec<DataFile>,
    /// What the commit does to the table.
    pub operation: Operation,
    /// How many of the accepted rows are copies of rows that [`remove`](Self::remove) takes away: they are written
    /// again and are nothing new, so neither the log nor the receipt counts them as accepted.
    pub kept: u64,
    /// Which rows of the origin were pushed without exception, so that refused rows of earlier builds that were not
    /// refused now are not open any more. Only pipelines say that.
    pub extent: Extent,
}

impl Default for Outcome {
    fn default() -> Self {
        Self {
            progress: Vec::new(),
            remove: Vec::new(),
            operation: Operation::Append,
            kept: 0,
            extent: Extent::Some,
        }
    }
}

/// What was delivered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Receipt {
    /// The table's version that holds the accepted rows; `None` where there was nothing to commit.
    pub version: Option<u64>,
    /// Rows that came into the table, without the copies that were [kept](Outcome::kept).
    pub accepted: u64,
    /// Rows that went to quarantine.
    pub rejected: u64,
    /// Refused rows that quarantine held already.
    pub recognised: u64,
    /// Rows that are accepted although they break rules which only warn, by rule.
    pub warned: BTreeMap<String, u64>,
    /// What somebody should know of the contract's rules: those about the table that do not hold and only warn, and
    /// every one that was not run, by rule; and what of that which policies let no row hold was found and landed all the
    /// same.
    pub remarks: BTreeMap<String, String>,
}

impl Delivery {
    /// Begins a shipment. Rows that a crash left in quarantine without their progress are looked up now.
    ///
    /// A stream's shipment begins at the table's newest version. A pipeline's begins at the version that the delivery
    /// shows: what it replaces was computed from that one, and its commit is refused when rows changed since.
    ///
    /// # Errors
    /// `CheckFailed`, where the contract's end of life has come meanwhile; what the lake reports.
    pub async fn shipment(&mut self, run: RunId) -> Result<Shipment<'_>> {
        takes_rows(&self.contract)?;
        match &mut self.known {
            Known::Positions(_) => self.refresh().await?,
            Known::Contents(contents) => {
                *contents = None;
                self.refresh_quarantine().await?;
            }
        }
        let sequence = self.sequence().await?;
        self.read_window(sequence).await?;
        Ok(Shipment::new(self, run, sequence))
    }

    /// The same of rows that no completed shipment held, as a pipeline's increment brings them. A refused one that is
    /// equal to a row in quarantine is another row, whatever became of that one; without this word it would be taken
    /// for the same row that comes again.
    ///
    /// # Errors
    /// As [`shipment`](Self::shipment); `Conflict`, where the rows in quarantine are not
    /// [settled](Self::is_settled).
    pub async fn shipment_of_new_rows(&mut self, run: RunId) -> Result<Shipment<'_>> {
        let mut shipment = self.shipment(run).await?;
        if !shipment.delivery.is_settled().await? {
            return Err(shipment.another_process());
        }
        shipment.only_new = true;
        Ok(shipment)
    }
}

impl<'d> Shipment<'d> {
    fn new(delivery: &'d mut Delivery, run: RunId, sequence: Option<i64>) -> Self {
        let stamp = Stamp {
            origin: delivery.origin.clone(),
            run: run.to_string(),
            contract_version: delivery.contract.version().to_owned(),
            ingested_at: clock::now().timestamp_micros(),
        };
        Self {
            rows: delivery.rules.fresh(),
            delivery,
            run,
            stamp,
            sequence,
            writer: None,
            closed: None,
            offered: false,
            refused_writer: None,
            buffer: Buffer::default(),
            only_new: false,
            met: HashSet::new(),
            occurrences: HashMap::new(),
            seen: Seen::default(),
            searched: Searched::default(),
            receipt: Receipt::default(),
        }
    }

    /// The dataset's table as the shipment found it: what is removed or replaced is to be computed from this version.
    pub fn table(&self) -> &Table {
        &self.delivery.table
    }

    /// How far a source was delivered when the shipment began: where its records go on, and what the outcome expects.
    ///
    /// # Errors
    /// What the lake reports.
    pub fn progress<'a>(&'a self, id: &'a str) -> impl Future<Output = Result<Option<i64>>> + Send + 'a {
        // Not an async function: its future would hold the shipment, whose writers no two threads may share.
        self.delivery.table.progress(id)
    }

    /// Rows that were accepted so far.
    pub fn rows(&self) -> u64 {
        self.receipt.accepted
    }

    /// Rows and records that were refused so far.
    pub fn rejected(&self) -> u64 {
        self.receipt.rejected
    }

    /// Bytes of all rows so far, in memory and not compressed.
    pub fn bytes(&self) -> u64 {
        let written = [&self.writer, &self.refused_writer]
            .into_iter()
            .flatten()
            .map(FileWriter::bytes)
            .sum::<u64>();
        written + self.buffer.bytes() as u64
    }

    /// Gives up what was pushed, and the uploads that were begun.
    ///
    /// # Errors
    /// What the lake reports when the store fails; nothing was delivered in any case.
    pub async fn discard(self) -> Result<()> {
        for writer in [self.writer, self.refused_writer].into_iter().flatten() {
            writer.discard().await?;
        }
        if let Some(files) = self.closed.filter(|_| !self.offered) {
            self.delivery.forget(&files).await;
        }
        Ok(())
    }

    fn another_process(&self) -> Error {
        let message = format!(
            "another process delivers from {} to {}",
            self.delivery.origin, self.delivery.dataset
        );
        Error::new(ErrorKind::Conflict, message).with_help("one process a stream or pipeline is enough")
    }
}
