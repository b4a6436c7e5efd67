//! The two commits: refused rows into quarantine, then accepted rows with their progress into the table.

use std::collections::BTreeMap;

use polder_core::{ErrorKind, Result, ResultExt};
use polder_lake::{Commit, DataFile, Operation, Progress};

use super::{Outcome, Receipt, Shipment};
use crate::delivery::rejudged_progress;
use crate::extent::Extent;
use crate::known::Known;
use crate::resolution::{Rejudged, gone};

impl Shipment<'_> {
    /// Commits: first what was refused, then the accepted rows with their progress. After a crash between the two
    /// the same records come again, and those that are in quarantine are recognised.
    ///
    /// # Errors
    /// `Conflict`, where somebody else delivered from this origin in the meantime: nothing of this shipment is in the
    /// table then. What the lake reports otherwise; whether the commit landed is known after
    /// [`Delivery::refresh`](crate::Delivery::refresh) from the progress.
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
        let (receipt, rejudged) = self.commit_and_announce(outcome).await?;
        // The rows are in the table whatever becomes of this, and it says that this is due.
        if let Some(rejudged) = rejudged
            && let Err(error) = rejudged.tell(&self.delivery.lake, &self.delivery.dataset).await
        {
            tracing::warn!(
                dataset = %self.delivery.dataset, error = %error.report(),
                "what is open in quarantine was not brought up to date; the next run makes up for it"
            );
        }
        Ok(receipt)
    }

    /// Both commits; what quarantine is to be told afterwards is announced in the second one.
    pub(crate) async fn commit_and_announce(&mut self, mut outcome: Outcome) -> Result<(Receipt, Option<Rejudged>)> {
        let written = self.receipt.accepted;
        self.receipt.accepted = self.receipt.accepted.saturating_sub(outcome.kept);
        self.rows.keep(outcome.kept);
        self.begins_where_the_table_is(&outcome).await?;
        // Before anything is committed, refused rows neither: what the table would be decides about all of it.
        self.judge_table(&outcome.remove).await?;
        self.receipt
            .remarks
            .extend(self.searched.remarks(self.delivery, written));
        // What takes long comes first, so that little time lies between the two commits.
        self.close().await?;
        let rejudged = self.rejudged(&outcome.extent).await?;
        outcome.progress.extend(rejudged.as_ref().map(Rejudged::announced));
        let quarantined = self.commit_refused().await?;
        let receipt = self.commit_accepted(outcome, quarantined).await?;
        Ok((receipt, rejudged))
    }

    /// What quarantine is to be told of a pipeline's rows that it holds already; nothing where all of them stay what they
    /// are. A build of everything also makes up for what an earlier one announced and did not tell; one of some groups
    /// begins where nothing is to be made up for.
    async fn rejudged(&mut self, extent: &Extent) -> Result<Option<Rejudged>> {
        let again = match &self.delivery.known {
            Known::Positions(_) => return Ok(None),
            Known::Contents(Some(contents)) => self.met.iter().any(|key| contents.replayed.contains(key)),
            Known::Contents(None) => false,
        };
        if matches!(extent, Extent::Groups(_)) && !self.delivery.is_settled().await? {
            return Err(self.another_process());
        }
        let Some(quarantine) = &self.delivery.quarantine else {
            return Ok(None);
        };
        let id = rejudged_progress(&self.stamp.origin);
        let before = self.delivery.table.progress(&id).await?;
        let told = quarantine.progress(&id).await?;
        let gone = gone(quarantine, &self.stamp.origin, extent, &self.met, &self.delivery.schema).await?;
        let owed = before != told && matches!(extent, Extent::Everything);
        if gone.is_empty() && !again && !owed {
            return Ok(None);
        }
        Ok(Some(Rejudged {
            origin: self.stamp.origin.clone(),
            refused: std::mem::take(&mut self.met),
            gone,
            number: before.max(told).map_or(1, |count| count + 1),
            before,
            resolution: format!("built anew under contract version {}", self.stamp.contract_version),
            run: self.run,
        }))
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
            next: self.next_sequence().await?,
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
        Ok(Some(committed.version()))
    }

    /// The origin's count of quarantine commits with that of this shipment. It goes on where a quarantine was made
    /// anew, so that no count is taken for one that is settled.
    async fn next_sequence(&mut self) -> Result<i64> {
        let last = match self.sequence {
            None => self.delivery.settled_sequence().await?,
            sequence => sequence,
        };
        Ok(last.map_or(1, |count| count + 1))
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

    /// Notes in the table what of this origin is settled in quarantine. For a stream that is quarantine's version, so that
    /// the next process need not read the rows before it; left out while records of an earlier attempt are still to
    /// come. For a pipeline it is the count of its commits there: every one of them was completed, or its rows came
    /// again with this shipment.
    async fn settlement(&mut self, quarantined: Option<u64>) -> Result<Option<Progress>> {
        let Known::Positions(positions) = &self.delivery.known else {
            let count = match quarantined {
                Some(_) => Some(self.next_sequence().await?),
                None => self.sequence,
            };
            let expected = self.delivery.settled_sequence().await?;
            let id = self.delivery.settled_progress();
            let settled = count.filter(|count| expected != Some(*count));
            return Ok(settled.map(|next| Progress { id, expected, next }));
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

    /// Rows of what was judged that were refused. Where a build judges rows again, those that quarantine holds are among
    /// them, as the accepted ones that the table held are among the accepted; what a stream reads again after a crash it
    /// counted before.
    fn refused(&self) -> u64 {
        match self.delivery.known {
            Known::Contents(_) => self.receipt.rejected + self.receipt.recognised,
            Known::Positions(_) => self.receipt.rejected,
        }
    }

    /// What both commits say about themselves.
    fn metadata(&self) -> Result<BTreeMap<String, String>> {
        let mut metadata: BTreeMap<_, _> = [
            ("origin", self.stamp.origin.clone()),
            ("contract_version", self.stamp.contract_version.clone()),
            ("accepted", self.receipt.accepted.to_string()),
            ("rejected", self.refused().to_string()),
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
        metadata.extend(self.searched.metadata(self.delivery));
        Ok(metadata)
    }
}
