//! Refused rows judged anew: what passes, and what is refused by which rule.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use futures::TryStreamExt;
use polder_core::{Error, ErrorKind, Result, ResultExt, clock};
use polder_lake::{DataFile, FileWriter};

use super::cells::{column, unread};
use super::change::Read;
use super::kept::Kept;
use super::patch::Patch;
use super::patched::{self, Texts};
use super::received::{Gap, Received};
use super::replay::{Replay, Replayed};
use super::reread::Misfit;
use super::selected::{NO_POSITION, select};
use super::{Quarantine, reading};
use crate::columns::STREAM_COLUMNS;
use crate::delivery::Delivery;
use crate::known::fingerprint;
use crate::rules::{Fresh, Rules};
use crate::searched::Searched;

/// What became of a selected row.
#[derive(Debug, Clone)]
pub(super) enum Fate {
    Passes,
    Refused(Again),
}

/// How a row is refused again.
#[derive(Debug, Clone)]
pub(super) struct Again {
    pub(super) rule: Arc<str>,
    pub(super) reason: String,
    /// Whether that is said of the row as it was received.
    pub(super) as_received: bool,
    /// What its bytes say, where they could not be read before.
    pub(super) read: Option<Read>,
}

/// Rows that are refused again: by which rule, and why.
type Refusals = BTreeMap<usize, (Arc<str>, String)>;

/// Rows that were judged, and are written to files that no commit names yet.
pub(crate) struct Judged {
    pub(super) delivery: Delivery,
    pub(super) fresh: Fresh,
    pub(super) add: Vec<DataFile>,
    pub(super) searched: Searched,
    pub(super) fates: HashMap<u128, Fate>,
    pub(super) report: Replayed,
}

impl Quarantine {
    /// Judges the selected rows. With `write`, those that pass are written to files.
    pub(crate) async fn judge(&self, replay: &Replay<'_>, write: bool) -> Result<Judged> {
        if let Some(table) = self.lake.load(&self.dataset).await?
            && table.schema().index_of(STREAM_COLUMNS[0].name()).is_err()
        {
            let message = format!("the refused rows of {} are not replayed: {NO_POSITION}", self.dataset);
            return Err(
                Error::new(ErrorKind::Usage, message).with_help("`polder run --select … --full` builds it anew")
            );
        }
        let origin = self.progress_id();
        let columns = STREAM_COLUMNS.as_slice();
        let delivery = match write {
            true => Delivery::open(&self.lake, replay.contract, columns, &origin).await?,
            false => Delivery::open_as_it_is(&self.lake, replay.contract, columns, &origin).await?,
        };
        let mut delivery = delivery
            .with_queries(Arc::clone(&replay.queries))
            .with_discretion(self.discretion.clone())
            .with_policies(&self.policies);
        delivery.is_terse = true;
        delivery.rules = Rules::of_replay(replay.contract)?;
        delivery.catch_up().await?;
        let fresh = delivery.fresh();
        let mut judged = Judged {
            delivery,
            fresh,
            add: Vec::new(),
            searched: Searched::default(),
            fates: HashMap::new(),
            report: Replayed::default(),
        };
        let mut writer = None;
        match self.judge_all(replay, &mut judged, write.then_some(&mut writer)).await {
            Ok(()) => {
                let passed = judged.report.passed;
                judged.report.remarks = judged.searched.remarks(&judged.delivery, passed);
                if let Some(writer) = writer {
                    judged.add = writer.finish().await?;
                }
                Ok(judged)
            }
            Err(error) => {
                if let Some(writer) = writer
                    && let Err(left) = writer.discard().await
                {
                    tracing::warn!(error = %left.report(), "uploads are left behind");
                }
                Err(error)
            }
        }
    }

    async fn judge_all(
        &self,
        replay: &Replay<'_>,
        judged: &mut Judged,
        mut writer: Option<&mut Option<FileWriter>>,
    ) -> Result<()> {
        let now = clock::now().timestamp_micros();
        let mut rows = self.open_rows(&replay.selection).await?;
        while let Some(batch) = rows.try_next().await.context(ErrorKind::Unreachable, unread)? {
            let selected = select(&batch, replay, &mut judged.report)?;
            if selected.num_rows() == 0 {
                continue;
            }
            let kept = Kept::of(&selected)?;
            let contract = (judged.delivery.gate.schema(), replay.contract.version());
            let received = reading::read(&kept, contract, replay.reread).await?;
            let (verdict, violations) = judged.rows((&selected, &kept), &received, replay, now)?;
            if let Some(told) = replay.judged {
                told(selected.num_rows() as u64);
            }
            for row in 0..selected.num_rows() {
                let fate = judged.fate(row, violations.get(&row), (&kept, &received), replay)?;
                judged.fates.insert(fingerprint(kept.ids.value(row).as_bytes()), fate);
            }
            let passing: BooleanArray = (0..selected.num_rows())
                .map(|row| Some(!violations.contains_key(&row)))
                .collect();
            let id = |row| Some(format!("the row {}", kept.ids.value(row)));
            judged.searched.search(&judged.delivery, &verdict, &passing, id)?;
            let passing = filter_record_batch(&verdict, &passing).context(ErrorKind::Internal, unread)?;
            if passing.num_rows() == 0 {
                continue;
            }
            judged.fresh.measure(&passing)?;
            if let Some(writer) = &mut writer {
                let writer = match writer {
                    Some(writer) => writer,
                    none => none.insert(judged.delivery.table.writer()?),
                };
                writer.write(&passing).await?;
            }
        }
        Ok(())
    }
}

impl Judged {
    /// What becomes of a row that is refused by this rule and for this reason, or by none. It is counted.
    fn fate(
        &mut self,
        row: usize,
        refusal: Option<&(Arc<str>, String)>,
        (kept, received): (&Kept, &Received),
        replay: &Replay<'_>,
    ) -> Result<Fate> {
        let Some((rule, reason)) = refusal else {
            self.report.passed += 1;
            return Ok(Fate::Passes);
        };
        let refused = self.report.refused.entry(rule.to_string());
        refused.or_insert_with(|| (0, reason.clone())).0 += 1;
        // Bytes that still cannot be read say nothing new.
        let unread = matches!(received.gaps[row], Some(Gap::Record { .. }));
        let same = unread && kept.rules.value(row) == rule.as_ref();
        let as_received = replay.patch.is_none() && !same;
        let read = match as_received {
            true => received.news(row)?,
            false => None,
        };
        Ok(Fate::Refused(Again {
            rule: Arc::clone(rule),
            reason: reason.clone(),
            as_received,
            read,
        }))
    }

    /// The selected rows as the table would have them, and which of them the contract refuses, by which rule and why.
    fn rows(
        &mut self,
        (selected, kept): (&RecordBatch, &Kept),
        received: &Received,
        replay: &Replay<'_>,
        now: i64,
    ) -> Result<(RecordBatch, Refusals)> {
        let mut refused = Refusals::new();
        let set = replay.patch.map_or(&[][..], Patch::columns);
        for (row, gap) in received.gaps.iter().enumerate() {
            if let Some(refusal) = gap.as_ref().and_then(|gap| gap.without(set)) {
                refused.insert(row, refusal);
            }
        }
        let mut batch = with_platform_columns(received, selected, now, &replay.run.to_string())?;
        if let Some(patch) = replay.patch {
            let columns: Vec<usize> = (0..batch.num_columns()).collect();
            // What has no place in a column's type is no null for those who compute from it.
            let texts = (0..batch.num_rows()).map(|row| match refused.contains_key(&row) {
                true => Vec::new(),
                false => received.texts(kept, row, patch.reads()).unwrap_or_else(|| {
                    let gap = received.gaps[row].as_ref();
                    refused.extend(gap.and_then(|gap| gap.of(patch.reads())).map(|refusal| (row, refusal)));
                    Vec::new()
                }),
            });
            let texts: Vec<Texts> = texts.collect();
            let applied = patched::apply(patch, &with_fields(&batch, kept, patch.named())?, &texts)?;
            batch = applied.rows.project(&columns).context(ErrorKind::Internal, unread)?;
            for (row, why) in applied.failed {
                let gap = received.gaps[row].as_ref().filter(|_| !texts[row].is_empty());
                let refusal = match gap.and_then(|gap| gap.of(patch.reads())) {
                    Some((rule, reason)) => (
                        rule,
                        format!("{reason}; and with the text that came in its place, {why}"),
                    ),
                    None => (Arc::from("patch"), why),
                };
                refused.entry(row).or_insert(refusal);
            }
            for (row, refusal) in unfit(applied.misfits) {
                refused.entry(row).or_insert(refusal);
            }
        }
        let verdict = self.delivery.gate.check(&batch)?;
        for of_row in verdict.violations.chunk_by(|left, right| left.row == right.row) {
            let reasons: Vec<_> = of_row.iter().map(|violation| violation.reason.as_str()).collect();
            let first = (Arc::clone(&of_row[0].rule), reasons.join("; "));
            refused.entry(of_row[0].row).or_insert(first);
        }
        let passing = (0..batch.num_rows())
            .filter(|row| !refused.contains_key(row))
            .map(|row| (0, row));
        let repeated = self
            .delivery
            .rules
            .repeated(&mut self.fresh, &[&verdict.batch], passing)?;
        let mut warnings: Vec<_> = verdict.warnings;
        for (_, violation) in repeated {
            match violation.on_failure {
                polder_contract::rule::OnFailure::Warn => warnings.push(violation),
                _ => {
                    refused
                        .entry(violation.row)
                        .or_insert((violation.rule, violation.reason));
                }
            }
        }
        for warning in warnings.iter().filter(|warning| !refused.contains_key(&warning.row)) {
            *self.report.warned.entry(warning.rule.to_string()).or_default() += 1;
        }
        Ok((verdict.batch, refused))
    }
}

/// Rows that are refused because what was set does not fit, all reasons of a row together.
fn unfit(misfits: Vec<(usize, Misfit)>) -> Refusals {
    let mut refused = Refusals::new();
    for (row, Misfit { column, reason }) in misfits {
        let rule = format!("{column}.type");
        let reason = format!("{rule}: {reason}");
        match refused.entry(row) {
            Entry::Vacant(first) => {
                first.insert((Arc::from(rule), reason));
            }
            Entry::Occupied(mut other) => {
                let (_, reasons) = other.get_mut();
                reasons.push_str("; ");
                reasons.push_str(&reason);
            }
        }
    }
    refused
}

/// The rows with fields of their records, as text.
fn with_fields(rows: &RecordBatch, kept: &Kept, names: &[String]) -> Result<RecordBatch> {
    if names.is_empty() {
        return Ok(rows.clone());
    }
    let mut fields = rows.schema().fields().to_vec();
    let mut columns = rows.columns().to_vec();
    for (name, column) in names.iter().zip(kept.fields(names)) {
        fields.push(Arc::new(Field::new(name, DataType::Utf8, true)));
        columns.push(Arc::new(column));
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).context(ErrorKind::Internal, unread)
}

/// The rows with the platform columns that they came with, and those of this replay.
fn with_platform_columns(received: &Received, quarantined: &RecordBatch, now: i64, run: &str) -> Result<RecordBatch> {
    let rows = &received.rows;
    let mut fields = rows.schema().fields().to_vec();
    let mut columns = rows.columns().to_vec();
    for platform in STREAM_COLUMNS.iter() {
        let column: ArrayRef = match platform.name().as_str() {
            "_ingested_at" => {
                Arc::new(TimestampMicrosecondArray::from_value(now, rows.num_rows()).with_timezone("UTC"))
            }
            "_run_id" => Arc::new(StringArray::from(vec![run; rows.num_rows()])),
            "_event_time" => Arc::new(received.event_time.clone()),
            "_schema_id" => Arc::new(received.schema_id.clone()),
            name => column(quarantined, name, platform.data_type())?,
        };
        fields.push(Arc::new(Field::new(
            platform.name(),
            platform.data_type().clone(),
            true,
        )));
        columns.push(column);
    }
    let schema: SchemaRef = Arc::new(Schema::new(fields));
    RecordBatch::try_new(schema, columns)
        .context(ErrorKind::Internal, || "cannot put replayed rows together".to_owned())
}
