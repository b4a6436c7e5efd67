//! Rows on their way, and the two commits that deliver them.

mod intake;

use std::collections::{BTreeMap, HashMap, HashSet};

use polder_core::{Error, ErrorKind, Result, ResultExt, RunId, clock};
use polder_lake::{Commit, DataFile, FileWriter, Operation, Progress, Table};

use crate::delivery::{Delivery, Known};
use crate::known::Seen;
use crate::quarantine::{Buffer, Stamp};
use crate::resolution::{Quarantine, Rejudged};
use crate::rules::Fresh;

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
    /// Keys of the rows that this shipment refuses, where rows are recognised by content.
    fresh: HashSet<u128>,
    /// Keys of all rows that are refused, where rows are recognised by content.
    met: HashSet<u128>,
    /// How often each refused row came, where rows are recognised by content.
    occurrences: HashMap<u128, u64>,
    seen: Seen,
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
    /// Whether every row of the origin that there is was pushed, so that refused rows of earlier builds that were not
    /// refused now are not open any more. Only pipelines do that.
    pub everything: bool,
}

impl Default for Outcome {
    fn default() -> Self {
        Self {
            progress: Vec::new(),
            remove: Vec::new(),
            operation: Operation::Append,
            kept: 0,
            everything: false,
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
    /// every one that was not run. By rule.
    pub remarks: BTreeMap<String, String>,
}

impl<'d> Shipment<'d> {
    pub(crate) fn new(delivery: &'d mut Delivery, run: RunId, sequence: Option<i64>) -> Self {
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
            fresh: HashSet::new(),
            met: HashSet::new(),
            occurrences: HashMap::new(),
            seen: Seen::default(),
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

    /// Commits: first what was refused, then the accepted rows with their progress. After a crash between the two
    /// the same records come again, and those that are in quarantine are recognised.
    ///
    /// # Errors
    /// `Conflict`, where somebody else delivered from this origin in the meantime: nothing of this shipment is in the
    /// table then. What the lake reports otherwise; whether the commit landed is known after
    /// [`Delivery::refresh`] from the progress.
    pub async fn commit(mut self, outcome: Outcome) -> Result<Receipt> {
        let committed = self.commit_both(outcome).await;
        if committed.is_err()
            && let Err(error) = self.discard().await
        {
            tracing::warn!(error = %error.report(), "uploads of a shipment that was not delivered were not given up");
        }
        committed
    }

    async fn commit_both(&mut self, outcome: Outcome) -> Result<Receipt> {
        self.receipt.accepted = self.receipt.accepted.saturating_sub(outcome.kept);
        self.begins_where_the_table_is(&outcome).await?;
        // Before anything is committed, refused rows neither: what the table would be decides about all of it.
        self.judge_table(&outcome.remove).await?;
        let quarantined = self.commit_refused().await?;
        let everything = outcome.everything;
        let receipt = self.commit_accepted(outcome, quarantined).await?;
        // The rows are in the table whatever becomes of this; a full build decides about all of them again.
        if let Err(error) = self.rejudge(everything).await {
            tracing::warn!(
                dataset = %self.delivery.dataset, error = %error.report(),
                "what is open in quarantine was not brought up to date; a full build makes up for it (`polder run --full`)"
            );
        }
        Ok(receipt)
    }

    /// Brings up to date which refused rows of a pipeline are open.
    async fn rejudge(&mut self, everything: bool) -> Result<()> {
        let again = match &self.delivery.known {
            Known::Positions(_) => return Ok(()),
            Known::Contents(Some(contents)) => self.met.iter().any(|key| contents.replayed.contains(key)),
            Known::Contents(None) => false,
        };
        if self.delivery.quarantine.is_none() || !(everything || again) {
            return Ok(());
        }
        let Some(mut quarantine) = Quarantine::open(&self.delivery.lake, &self.delivery.dataset).await? else {
            return Ok(());
        };
        let resolution = format!("built anew under contract version {}", self.stamp.contract_version);
        let judged = Rejudged {
            origin: &self.stamp.origin,
            refused: &self.met,
            everything,
            resolution: &resolution,
            run: self.run,
        };
        if quarantine.rejudge(&judged).await? > 0 {
            self.delivery.known = Known::Contents(None);
        }
        Ok(())
    }

    /// Asks the rules about the table, as it would be with the accepted rows and without these files.
    async fn judge_table(&mut self, remove: &[DataFile]) -> Result<()> {
        if self.rows.is_empty() && remove.is_empty() {
            // Refused rows do not change the table, but they are judged by the same contract.
            if self.receipt.rejected > 0 {
                self.receipt.remarks = self.delivery.not_run();
            }
            return Ok(());
        }
        if self.delivery.rules.need_files() {
            self.close().await?;
        }
        let add = self.closed.as_deref().unwrap_or_default();
        self.receipt.remarks = self.delivery.judge_table(&self.rows, add, remove).await?;
        Ok(())
    }

    /// Closes the accepted rows' files.
    async fn close(&mut self) -> Result<Vec<DataFile>> {
        if let Some(writer) = self.writer.take() {
            self.closed = Some(writer.finish().await?);
        }
        Ok(self.closed.clone().unwrap_or_default())
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

    /// Progress that was read before the shipment began may be old: rows that others delivered and settled since would
    /// be refused, and quarantined, a second time before the table's own commit notices.
    pub(crate) async fn begins_where_the_table_is(&mut self, outcome: &Outcome) -> Result<()> {
        for progress in &outcome.progress {
            if self.delivery.table.progress(&progress.id).await? != progress.expected {
                return Err(self.another_process());
            }
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

    /// The first commit: refused rows into quarantine. Gives the quarantine's new version, where there were any.
    pub(crate) async fn commit_refused(&mut self) -> Result<Option<u64>> {
        self.write_refused(true).await?;
        let Some(writer) = self.refused_writer.take() else {
            self.nobody_else_refused().await?;
            return Ok(None);
        };
        let add = writer.finish().await?;
        let progress = Progress {
            id: self.delivery.quarantine_progress(),
            expected: self.sequence,
            next: self.sequence.map_or(1, |count| count + 1),
        };
        let commit = Commit {
            run: self.run,
            operation: Operation::Append,
            add,
            remove: Vec::new(),
            progress: vec![progress],
            metadata: self.metadata()?,
        };
        let committed = self.delivery.quarantine_table().await?.commit(commit).await?;
        if let Known::Contents(Some(contents)) = &mut self.delivery.known {
            contents.all.extend(self.fresh.drain());
        }
        Ok(Some(committed.version()))
    }

    /// Another process on the same stream may have refused, under another contract, what this shipment accepts: it is
    /// asked before the accepted rows become visible. What remains is the moment between this look and the table's
    /// commit, and only for two processes under different contracts: under one contract both refuse the same rows.
    async fn nobody_else_refused(&mut self) -> Result<()> {
        if matches!(self.delivery.known, Known::Contents(_)) {
            return Ok(());
        }
        self.delivery.refresh_quarantine().await?;
        if self.delivery.sequence().await? == self.sequence {
            return Ok(());
        }
        Err(self.another_process())
    }

    /// The second commit: accepted rows with progress into the table.
    pub(crate) async fn commit_accepted(&mut self, outcome: Outcome, quarantined: Option<u64>) -> Result<Receipt> {
        let add = self.close().await?;
        let mut progress = outcome.progress;
        if add.is_empty() && outcome.remove.is_empty() && progress.is_empty() {
            return Ok(std::mem::take(&mut self.receipt));
        }
        progress.extend(self.settlement(quarantined).await?);
        let commit = Commit {
            run: self.run,
            operation: outcome.operation,
            add,
            remove: outcome.remove,
            progress,
            metadata: self.metadata()?,
        };
        self.offered = true;
        let rows = std::mem::take(&mut self.rows);
        let version = self.delivery.commit_judged(commit, rows).await?;
        self.settle(quarantined);
        self.receipt.version = Some(version);
        tracing::debug!(
            dataset = %self.delivery.dataset,
            origin = %self.delivery.origin,
            version = self.receipt.version,
            accepted = self.receipt.accepted,
            rejected = self.receipt.rejected,
            "delivered"
        );
        Ok(std::mem::take(&mut self.receipt))
    }

    /// Notes in the table up to which version of quarantine this origin's rows are settled, so that the next process
    /// need not read them; left out while records of an earlier attempt are still to come.
    async fn settlement(&mut self, quarantined: Option<u64>) -> Result<Option<Progress>> {
        let Known::Positions(positions) = &self.delivery.known else {
            return Ok(None);
        };
        let Some(version) = quarantined.or(positions.read_to) else {
            return Ok(None);
        };
        if !positions.window.closes_with(&self.seen) {
            return Ok(None);
        }
        let id = self.delivery.quarantine_progress();
        let expected = self.delivery.table.progress(&id).await?;
        let next = i64::try_from(version).context(ErrorKind::Internal, || {
            format!("version {version} of quarantine is out of range")
        })?;
        Ok((expected != Some(next)).then_some(Progress { id, expected, next }))
    }

    /// After the last commit: what this shipment refused, and what it passed, does not come again.
    fn settle(&mut self, quarantined: Option<u64>) {
        let Known::Positions(positions) = &mut self.delivery.known else {
            return;
        };
        positions.window.close(&self.seen);
        if let Some(version) = quarantined {
            positions.read_to = Some(version);
            positions.sequence = Some(self.sequence.map_or(1, |count| count + 1));
        }
    }

    /// What both commits say about themselves.
    fn metadata(&self) -> Result<BTreeMap<String, String>> {
        let mut metadata: BTreeMap<_, _> = [
            ("origin", self.stamp.origin.clone()),
            ("contract_version", self.stamp.contract_version.clone()),
            ("accepted", self.receipt.accepted.to_string()),
            ("rejected", self.receipt.rejected.to_string()),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect();
        if !self.receipt.warned.is_empty() {
            let warned = serde_json::to_string(&self.receipt.warned);
            let warned = warned.context(ErrorKind::Internal, || {
                "cannot write down what was warned of".to_owned()
            })?;
            metadata.insert("warned".to_owned(), warned);
        }
        Ok(metadata)
    }
}
