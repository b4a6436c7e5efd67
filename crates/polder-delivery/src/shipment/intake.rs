//! Rows as they come: what the gate and the keys say of them, and where each goes.

use std::collections::HashSet;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::TimestampMicrosecondType;
use polder_contract::rule::OnFailure;
use polder_core::{Error, ErrorKind, Result, ResultExt};
use polder_gate::{Verdict, Violation};

use super::Shipment;
use crate::discretion::HIDDEN;
use crate::known::Known;
use crate::quarantine::{Refused, Stamp, contents, position_id};
use crate::record::{Misread, RawRecord, RawRecords, Reject};
use crate::row_json::json_rows;

/// Characters of a row that a message shows at most.
const SHOWN: usize = 200;

impl Shipment<'_> {
    /// Lets the gate judge the rows of a batch. Its columns are found by name; columns that are missing and may be
    /// null are null. A shipment takes the records of a partition in any order, but all of them from its beginning to
    /// its largest offset.
    ///
    /// # Errors
    /// `CheckFailed`, where a row breaks a rule that refuses the whole shipment, or holds what a policy refuses; `Document`, where a column is not the
    /// contract's or its type cannot become the contract's; `Conflict`, where quarantine holds another record at the
    /// same position; what the lake reports. The shipment is to be dropped then.
    pub async fn push(&mut self, batch: &RecordBatch, raw: &dyn RawRecords) -> Result<()> {
        self.push_together(&[(batch, raw)]).await
    }

    /// As [`push`](Self::push), for batches whose records lie between each other: of rows with the same key, the first
    /// by position stays.
    ///
    /// # Errors
    /// As for [`push`](Self::push).
    pub async fn push_together(&mut self, batches: &[(&RecordBatch, &dyn RawRecords)]) -> Result<()> {
        let mut judged = Vec::with_capacity(batches.len());
        for (batch, raw) in batches {
            self.is_of_contract(batch)?;
            let verdict = self.delivery.gate.check(batch)?;
            let known = self.recognise(batch.num_rows(), *raw)?;
            self.refused_whole(batch, *raw, &verdict.violations, &known)?;
            judged.push(Judged {
                batch,
                raw: *raw,
                verdict,
                known,
            });
        }
        if self.delivery.rules.have_keys() {
            self.keep_first_of_each_key(&mut judged).await?;
        }
        // Before anything is written, refused rows neither.
        for of_batch in &judged {
            self.search(of_batch)?;
        }
        for of_batch in judged {
            let verdict = &of_batch.verdict;
            self.refuse(of_batch.batch, of_batch.raw, &verdict.violations, &of_batch.known)
                .await?;
            if !verdict.warnings.is_empty() {
                self.warn(&of_batch);
            }
            self.accept(&verdict.batch, &of_batch.accepted()).await?;
        }
        Ok(())
    }

    fn is_of_contract(&self, batch: &RecordBatch) -> Result<()> {
        let schema = batch.schema();
        let foreign = schema
            .fields()
            .iter()
            .find(|field| self.delivery.schema.index_of(field.name()).is_err());
        let Some(field) = foreign else { return Ok(()) };
        let message = format!(
            "column `{}` is not in the contract of {}",
            field.name(),
            self.delivery.dataset
        );
        Err(Error::new(ErrorKind::Document, message).with_help("add it to the contract, or leave it out"))
    }

    /// Whether a row breaks a rule that refuses the whole shipment.
    fn refused_whole(
        &self,
        batch: &RecordBatch,
        raw: &dyn RawRecords,
        violations: &[Violation],
        known: &HashSet<usize>,
    ) -> Result<()> {
        let refusing = violations
            .iter()
            .find(|violation| violation.on_failure == OnFailure::Reject && !known.contains(&violation.row));
        let Some(Violation { row, rule, reason, .. }) = refusing else {
            return Ok(());
        };
        let place = match place(raw, *row) {
            Some(place) => place,
            None => {
                let json = json_rows(&self.contract_columns(batch)?, &[*row])?;
                let json = self.told_row(json.first().map_or("", String::as_str));
                format!("the row {}", shortened(&json))
            }
        };
        let instead = self
            .delivery
            .discretion
            .in_place_of_reasons(&self.delivery.contract, &self.delivery.gate, rule);
        let reason = instead.as_ref().unwrap_or(reason);
        let Stamp {
            origin,
            contract_version,
            ..
        } = &self.stamp;
        let message = format!(
            "rule {rule} of the contract of {}, version {contract_version}, refuses the shipment of {origin}: {place}: \
             {reason}",
            self.delivery.dataset
        );
        Err(Error::new(ErrorKind::CheckFailed, message).with_help(
            "nothing was committed: have the row mended where it comes from, or let the contract quarantine such rows \
             (`polder.onFailure: quarantine`)",
        ))
    }

    /// Looks for what policies let no row hold in the accepted rows of a batch, as long as it is among the first.
    fn search(&mut self, judged: &Judged<'_>) -> Result<()> {
        let Verdict { batch, .. } = &judged.verdict;
        let of_row = |row| place(judged.raw, row);
        self.searched.search(self.delivery, batch, &judged.accepted(), of_row)
    }

    /// A row's JSON, without the values that not everybody may see.
    fn told_row(&self, json: &str) -> String {
        match serde_json::from_str(json) {
            _ if self.delivery.discretion.is_open() => json.to_owned(),
            Ok(mut row) => {
                self.delivery.discretion.hide_in_row(&mut row, &self.delivery.contract);
                row.to_string()
            }
            Err(_) => HIDDEN.to_owned(),
        }
    }

    /// Of accepted rows that share a key the first by position stays; the others break the rule of the key.
    async fn keep_first_of_each_key(&mut self, judged: &mut [Judged<'_>]) -> Result<()> {
        let delivery = &mut *self.delivery;
        if delivery.rules.catch_up(&delivery.table).await? && delivery.rules.clash(&self.rows) {
            return Err(self.another_process());
        }
        let mut candidates = Vec::new();
        for (place, of_batch) in judged.iter().enumerate() {
            for row in 0..of_batch.verdict.accepted.len() {
                if of_batch.accepts(row) {
                    let record = self.record(of_batch.raw, row)?;
                    let position = record.map(|record| (record.topic, record.partition, record.offset));
                    candidates.push((position, place, row));
                }
            }
        }
        if !candidates.is_sorted() {
            candidates.sort_unstable();
        }
        let batches: Vec<&RecordBatch> = judged.iter().map(|of_batch| &of_batch.verdict.batch).collect();
        let candidates = candidates.iter().map(|(_, place, row)| (*place, *row));
        let repeated = self.delivery.rules.repeated(&mut self.rows, &batches, candidates)?;
        for (place, violation) in repeated {
            let verdict = &mut judged[place].verdict;
            match violation.on_failure {
                OnFailure::Warn => verdict.warnings.push(violation),
                _ => verdict.violations.push(violation),
            }
        }
        for of_batch in judged {
            of_batch.refuse_what_breaks_rules();
            of_batch.verdict.violations.sort_by_key(|violation| violation.row);
            self.refused_whole(
                of_batch.batch,
                of_batch.raw,
                &of_batch.verdict.violations,
                &of_batch.known,
            )?;
        }
        Ok(())
    }

    /// Counts accepted rows that break rules which only warn.
    fn warn(&mut self, judged: &Judged<'_>) {
        for warning in judged
            .verdict
            .warnings
            .iter()
            .filter(|warning| judged.accepts(warning.row))
        {
            match self.receipt.warned.get_mut(warning.rule.as_ref()) {
                Some(rows) => *rows += 1,
                None => {
                    self.receipt.warned.insert(warning.rule.to_string(), 1);
                }
            }
        }
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

    /// Sends records with values that do not fit their columns to quarantine; `batch` has what does fit of them, in
    /// the same order. The gate judges that as well: its reasons stand beside the others.
    ///
    /// # Errors
    /// As for [`push`](Self::push).
    pub async fn push_misread(&mut self, batch: &RecordBatch, misread: &[Misread<'_>]) -> Result<()> {
        let found: Vec<_> = misread.iter().map(|misread| misread.found).collect();
        let verdict = self.delivery.gate.check_misread(batch, &found)?;
        let records: Vec<RawRecord<'_>> = misread.iter().map(|misread| misread.record).collect();
        let known = self.recognise(misread.len(), &records)?;
        self.refused_whole(batch, &records, &verdict.violations, &known)?;
        let of_rows = verdict.violations.chunk_by(|left, right| left.row == right.row);
        for of_row in of_rows.filter(|of_row| !known.contains(&of_row[0].row)) {
            let Misread { record, found, json } = misread[of_row[0].row];
            let each = found.iter().map(|(rule, reason)| format!("{rule}: {reason}"));
            let others = of_row[found.len()..].iter().map(|violation| violation.reason.clone());
            let reasons: Vec<_> = each.chain(others).collect();
            let id = position_id(&self.stamp.origin, &record);
            self.buffer.push(&Refused {
                id: &id,
                record: Some(record),
                event_time: record.event_time,
                rule: &of_row[0].rule,
                reason: &reasons.join("; "),
                json: Some(json),
            });
            self.receipt.rejected += 1;
            self.write_refused(false).await?;
        }
        Ok(())
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
            Known::Contents(_) => contents(&said, &numbers)?,
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
                (_, Some(content)) => match self.unknown_content(content).await? {
                    Some(id) => id,
                    None => continue,
                },
                (Some(record), None) => position_id(&self.stamp.origin, record),
                (None, None) => return Err(self.without_record(row)),
            };
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
        self.rows.measure(batch)?;
        self.receipt.accepted += batch.num_rows() as u64;
        Ok(())
    }

    /// Writes waiting refused rows to quarantine's files: when there are many, or all of them at the end.
    pub(super) async fn write_refused(&mut self, all: bool) -> Result<()> {
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
}

/// A batch that was judged.
struct Judged<'a> {
    batch: &'a RecordBatch,
    raw: &'a dyn RawRecords,
    verdict: Verdict,
    /// Rows that quarantine holds since an earlier attempt.
    known: HashSet<usize>,
}

impl Judged<'_> {
    fn accepts(&self, row: usize) -> bool {
        self.verdict.accepted.value(row) && !self.known.contains(&row)
    }

    /// For each row whether it goes into the table.
    fn accepted(&self) -> BooleanArray {
        if self.known.is_empty() {
            return self.verdict.accepted.clone();
        }
        let rows = 0..self.verdict.accepted.len();
        rows.map(|row| Some(self.accepts(row))).collect()
    }

    /// Rows that got a violation later are not accepted any more.
    fn refuse_what_breaks_rules(&mut self) {
        let Verdict {
            accepted, violations, ..
        } = &mut self.verdict;
        if violations.is_empty() {
            return;
        }
        let breaking: HashSet<usize> = violations.iter().map(|violation| violation.row).collect();
        *accepted = (0..accepted.len())
            .map(|row| Some(accepted.value(row) && !breaking.contains(&row)))
            .collect();
    }
}

/// Where the record of a row was read; pipelines' rows have none.
fn place(raw: &dyn RawRecords, row: usize) -> Option<String> {
    let record = raw.record(row)?;
    Some(format!(
        "{}/{} offset {}",
        record.topic, record.partition, record.offset
    ))
}

/// A row's JSON, cut where it is long.
fn shortened(json: &str) -> String {
    match json.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &json[..end]),
        None => json.to_owned(),
    }
}
