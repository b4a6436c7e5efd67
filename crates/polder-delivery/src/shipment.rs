//! Rows on their way, and the two commits that deliver them.

use std::collections::{BTreeMap, HashMap, HashSet};

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::TimestampMicrosecondType;
use polder_core::{Error, ErrorKind, Result, ResultExt, RunId, clock};
use polder_gate::Violation;
use polder_lake::{Commit, DataFile, FileWriter, Operation, Progress, Table};

use crate::delivery::{Delivery, Known};
use crate::known::{Seen, fingerprint};
use crate::quarantine::{Buffer, Refused, Stamp, content_id, contents, json_rows, position_id};
use crate::record::{RawRecord, RawRecords, Reject};

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
    refused_writer: Option<FileWriter>,
    buffer: Buffer,
    /// Keys of the rows that this shipment refuses, where rows are recognised by content.
    fresh: HashSet<u128>,
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
}

impl Default for Outcome {
    fn default() -> Self {
        Self {
            progress: Vec::new(),
            remove: Vec::new(),
            operation: Operation::Append,
            kept: 0,
        }
    }
}

/// What was delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Receipt {
    /// The table's version that holds the accepted rows; `None` where there was nothing to commit.
    pub version: Option<u64>,
    /// Rows that came into the table, without the copies that were [kept](Outcome::kept).
    pub accepted: u64,
    /// Rows that went to quarantine.
    pub rejected: u64,
    /// Refused rows that quarantine held already.
    pub recognised: u64,
}

impl<'d> Shipment<'d> {
    pub(crate) fn new(delivery: &'d mut Delivery, run: RunId, sequence: Option<i64>) -> Self {
        let stamp = Stamp {
            origin: delivery.origin.clone(),
            run: run.to_string(),
            contract_version: delivery.contract_version.clone(),
            ingested_at: clock::now().timestamp_micros(),
        };
        Self {
            delivery,
            run,
            stamp,
            sequence,
            writer: None,
            refused_writer: None,
            buffer: Buffer::default(),
            fresh: HashSet::new(),
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

    /// Lets the gate judge the rows of a batch. Its columns are found by name; columns that are missing and may be
    /// null are null. A shipment takes the records of a partition in any order, but all of them from its beginning to
    /// its largest offset.
    ///
    /// # Errors
    /// `Document`, where a column is not the contract's or its type cannot become the contract's; `Conflict`, where
    /// quarantine holds another record at the same position; what the lake reports. The shipment is to be dropped
    /// then.
    pub async fn push(&mut self, batch: &RecordBatch, raw: &dyn RawRecords) -> Result<()> {
        let schema = batch.schema();
        if let Some(field) = schema
            .fields()
            .iter()
            .find(|field| self.delivery.schema.index_of(field.name()).is_err())
        {
            let message = format!(
                "column `{}` is not in the contract of {}",
                field.name(),
                self.delivery.dataset
            );
            return Err(Error::new(ErrorKind::Document, message).with_help("add it to the contract, or leave it out"));
        }
        let verdict = self.delivery.gate.check(batch)?;
        let known = self.recognise(batch.num_rows(), raw)?;
        self.refuse(batch, raw, &verdict.violations, &known).await?;
        let accepted = if known.is_empty() {
            verdict.accepted
        } else {
            (0..batch.num_rows())
                .map(|row| Some(verdict.accepted.value(row) && !known.contains(&row)))
                .collect()
        };
        self.accept(&verdict.batch, &accepted).await
    }

    /// Sends a record that does not decode to quarantine.
    ///
    /// # Errors
    /// As for [`push`](Self::push).
    pub async fn reject(&mut self, reject: Reject<'_>) -> Result<()> {
        if self.recognise_record(&reject.record)? {
            return Ok(());
        }
        let id = position_id(&self.stamp.origin, &reject.record);
        self.buffer.push(&Refused {
            id: &id,
            record: Some(reject.record),
            event_time: reject.record.event_time,
            rule: reject.rule,
            reason: reject.reason,
            json: None,
        });
        self.receipt.rejected += 1;
        self.write_refused(false).await
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
        let quarantined = self.commit_refused().await?;
        self.commit_accepted(outcome, quarantined).await
    }

    /// Gives up what was pushed, and the uploads that were begun.
    ///
    /// # Errors
    /// What the lake reports when the store fails; nothing was delivered in any case.
    pub async fn discard(self) -> Result<()> {
        for writer in [self.writer, self.refused_writer].into_iter().flatten() {
            writer.discard().await?;
        }
        Ok(())
    }

    /// The rows of a batch that quarantine holds since an earlier attempt.
    fn recognise(&mut self, rows: usize, raw: &dyn RawRecords) -> Result<HashSet<usize>> {
        let mut known = HashSet::new();
        if matches!(&self.delivery.known, Known::Positions(positions) if !positions.window.is_empty()) {
            for row in 0..rows {
                let record = self.record(raw, row)?;
                if let Some(record) = record
                    && self.recognise_record(&record)?
                {
                    known.insert(row);
                }
            }
        }
        Ok(known)
    }

    /// Whether quarantine holds this record since an earlier attempt.
    fn recognise_record(&mut self, record: &RawRecord<'_>) -> Result<bool> {
        let Known::Positions(positions) = &self.delivery.known else {
            return Ok(false);
        };
        if positions.window.is_empty() {
            return Ok(false);
        }
        self.seen.note(record);
        let known = positions.window.holds(record)?;
        self.receipt.recognised += u64::from(known);
        Ok(known)
    }

    /// The record behind a row: there must be one where rows are recognised by position.
    fn record<'r>(&self, raw: &'r dyn RawRecords, row: usize) -> Result<Option<RawRecord<'r>>> {
        match (raw.record(row), &self.delivery.known) {
            (None, Known::Positions(_)) => Err(self.without_record(row)),
            (record, _) => Ok(record),
        }
    }

    fn without_record(&self, row: usize) -> Error {
        let message = format!("row {row} of {} came without its record", self.delivery.origin);
        Error::new(ErrorKind::Internal, message)
    }

    /// Writes the rows with violations to quarantine, one row each, unless it holds them.
    async fn refuse(
        &mut self,
        batch: &RecordBatch,
        raw: &dyn RawRecords,
        violations: &[Violation],
        known: &HashSet<usize>,
    ) -> Result<()> {
        let rows: Vec<&[Violation]> = violations
            .chunk_by(|left, right| left.row == right.row)
            .filter(|of_row| !known.contains(&of_row[0].row))
            .collect();
        if rows.is_empty() {
            return Ok(());
        }
        let numbers: Vec<usize> = rows.iter().map(|of_row| of_row[0].row).collect();
        let said = self.contract_columns(batch)?;
        let json = json_rows(&said, &numbers)?;
        let contents = match &self.delivery.known {
            Known::Contents(_) => contents(&said, &numbers, &json)?,
            Known::Positions(_) => Vec::new(),
        };
        let mut contents = contents.into_iter();
        let event_times = batch.column_by_name("_event_time").cloned();
        let event_times = event_times
            .as_ref()
            .and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>());
        for ((of_row, row), json) in rows.into_iter().zip(numbers).zip(&json) {
            let record = self.record(raw, row)?;
            let id = match (&record, contents.next()) {
                (_, Some(content)) => {
                    let occurrence = self.occurrences.entry(content).or_default();
                    *occurrence += 1;
                    content_id(&self.stamp.origin, content, *occurrence)
                }
                (Some(record), None) => position_id(&self.stamp.origin, record),
                (None, None) => return Err(self.without_record(row)),
            };
            if self.is_known_content(&id).await? {
                continue;
            }
            let event_time = match event_times {
                Some(times) => times.is_valid(row).then(|| times.value(row)),
                None => record.and_then(|record| record.event_time),
            };
            let reasons: Vec<_> = of_row.iter().map(|violation| violation.reason.as_str()).collect();
            self.buffer.push(&Refused {
                id: &id,
                record,
                event_time,
                rule: &of_row[0].rule,
                reason: &reasons.join("; "),
                json: Some(json),
            });
            self.receipt.rejected += 1;
            self.write_refused(false).await?;
        }
        Ok(())
    }

    /// Whether a pipeline's row is in quarantine already.
    async fn is_known_content(&mut self, id: &str) -> Result<bool> {
        let unread = matches!(self.delivery.known, Known::Contents(None));
        if unread {
            let contents = self.delivery.read_contents().await?;
            self.delivery.known = Known::Contents(Some(contents));
        }
        let Known::Contents(Some(contents)) = &self.delivery.known else {
            return Ok(false);
        };
        let key = fingerprint(id.as_bytes());
        let known = contents.contains(&key);
        if !known {
            self.fresh.insert(key);
        }
        self.receipt.recognised += u64::from(known);
        Ok(known)
    }

    /// What the source said, without platform columns: in the contract's order, so that rows have the same key
    /// however a query orders its columns.
    fn contract_columns(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let schema = batch.schema();
        let contract = self.delivery.gate.schema().fields();
        let columns: Vec<usize> = contract
            .iter()
            .filter_map(|field| schema.index_of(field.name()).ok())
            .collect();
        batch
            .project(&columns)
            .context(ErrorKind::Internal, || "cannot take the contract's columns".to_owned())
    }

    /// Streams the accepted rows into the table's files.
    async fn accept(&mut self, batch: &RecordBatch, accepted: &BooleanArray) -> Result<()> {
        let filtered = accepted
            .has_false()
            .then(|| filter_record_batch(batch, accepted))
            .transpose();
        let filtered = filtered.context(ErrorKind::Internal, || "cannot take the accepted rows".to_owned())?;
        let batch = filtered.as_ref().unwrap_or(batch);
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => none.insert(self.delivery.table.writer()?),
        };
        writer.write(batch).await?;
        self.receipt.accepted += batch.num_rows() as u64;
        Ok(())
    }

    /// Writes waiting refused rows to quarantine's files: when there are many, or all of them at the end.
    async fn write_refused(&mut self, all: bool) -> Result<()> {
        if !all && !self.buffer.is_full() {
            return Ok(());
        }
        let Some(batch) = self.buffer.take(&self.stamp)? else {
            return Ok(());
        };
        let writer = match &mut self.refused_writer {
            Some(writer) => writer,
            none => none.insert(self.delivery.quarantine_table().await?.writer()?),
        };
        writer.write(&batch).await
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
            metadata: self.metadata(),
        };
        let committed = self.delivery.quarantine_table().await?.commit(commit).await?;
        if let Known::Contents(Some(contents)) = &mut self.delivery.known {
            contents.extend(self.fresh.drain());
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
        let add = match self.writer.take() {
            Some(writer) => writer.finish().await?,
            None => Vec::new(),
        };
        let mut progress = outcome.progress;
        if add.is_empty() && outcome.remove.is_empty() && progress.is_empty() {
            return Ok(self.receipt);
        }
        progress.extend(self.settlement(quarantined).await?);
        let commit = Commit {
            run: self.run,
            operation: outcome.operation,
            add,
            remove: outcome.remove,
            progress,
            metadata: self.metadata(),
        };
        let committed = self.delivery.table.commit(commit).await?;
        self.settle(quarantined);
        self.receipt.version = Some(committed.version());
        tracing::debug!(
            dataset = %self.delivery.dataset,
            origin = %self.delivery.origin,
            version = self.receipt.version,
            accepted = self.receipt.accepted,
            rejected = self.receipt.rejected,
            "delivered"
        );
        Ok(self.receipt)
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
    fn metadata(&self) -> BTreeMap<String, String> {
        [
            ("origin", self.stamp.origin.clone()),
            ("contract_version", self.stamp.contract_version.clone()),
            ("accepted", self.receipt.accepted.to_string()),
            ("rejected", self.receipt.rejected.to_string()),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
    }
}
