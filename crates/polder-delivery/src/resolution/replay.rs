//! Taking refused rows into the table after all: judged anew, under the contract of now, each once.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch, StringArray, TimestampMicrosecondArray, UInt64Array};
use arrow::compute::{filter_record_batch, take_record_batch};
use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::prelude::{SessionConfig, SessionContext, ident, lit};
use futures::TryStreamExt;
use polder_contract::DatasetContract;
use polder_core::{Error, ErrorKind, Result, ResultExt, RunId, clock};
use polder_gate::table::Queries;
use polder_lake::{Commit, DataFile, FileWriter, Operation, Progress};

use super::marks::{Change, Row, text, unread};
use super::records::{self, Records};
use super::{ATTEMPTS, OPEN, Quarantine, Selection};
use crate::columns::STREAM_COLUMNS;
use crate::delivery::Delivery;
use crate::known::fingerprint;
use crate::rules::Fresh;

/// A change that a replay makes to rows before they are judged.
pub trait Patch: Send + Sync {
    /// The columns that it sets.
    fn columns(&self) -> &[String];

    /// These rows, in the contract's columns (all of them nullable), with those columns set anew; row for row.
    ///
    /// # Errors
    /// `Data`, where it cannot be done for one of the rows at least.
    fn apply(&self, rows: &RecordBatch) -> Result<RecordBatch>;
}

/// What is to be replayed, and how.
pub struct Replay<'a> {
    /// The contract that judges now.
    pub contract: &'a DatasetContract,
    /// Answers the contract's rules that ask other tables.
    pub queries: Arc<dyn Queries>,
    /// Which rows.
    pub selection: Selection,
    /// What is mended in them.
    pub patch: Option<&'a dyn Patch>,
    /// What made them pass, in words: stays on record.
    pub resolution: String,
    /// Who decided.
    pub by: String,
    /// The run: the rows that get into the table name it.
    pub run: RunId,
    /// Is told how many more rows were judged. When a replay begins anew, rows come a second time.
    pub judged: Option<&'a (dyn Fn(u64) + Sync)>,
}

/// What a replay did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Replayed {
    /// Open rows that were selected.
    pub selected: u64,
    /// Rows that pass: they are in the table now.
    pub passed: u64,
    /// Rows that were refused again, by the first rule that they break: how many, and what one of them says. They stay
    /// open.
    pub refused: BTreeMap<String, (u64, String)>,
    /// Rows that cannot be replayed at all, by why. They stay open as they were.
    pub unfit: BTreeMap<String, u64>,
    /// Rows that pass although they break rules which only warn, by rule.
    pub warned: BTreeMap<String, u64>,
    /// What set rules say of the table with these rows where that refuses nothing, by rule: a broken rule that only
    /// warns, a rule that was not run.
    pub remarks: BTreeMap<String, String>,
    /// The table's version that holds the rows; `None` where there was nothing to commit.
    pub version: Option<u64>,
}

/// What became of a selected row.
#[derive(Debug, Clone)]
enum Fate {
    Passes,
    Refused { rule: Arc<str>, reason: String },
}

/// Rows that are refused again: by which rule, and why.
type Refusals = HashMap<usize, (Arc<str>, String)>;

/// Rows that were judged, and are written to files that no commit names yet.
pub(crate) struct Judged {
    delivery: Delivery,
    fresh: Fresh,
    add: Vec<DataFile>,
    fates: HashMap<u128, Fate>,
    report: Replayed,
}

/// The columns of quarantine that a replay reads; not the bytes as they were received.
const READ: [&str; 10] = [
    "_quarantine_id",
    "_origin",
    "rule",
    "record",
    "_topic",
    "_partition",
    "_offset",
    "_key",
    "_event_time",
    "_schema_id",
];
const NO_POSITION: &str =
    "a pipeline computed them: mend the contract or the SQL and build anew, which judges every row again";
const NO_RECORD: &str = "the bytes do not decode: have them sent again, or discard them";

impl Quarantine {
    /// Judges the selected open rows under the contract of now and takes those that pass into the dataset's table, each
    /// exactly once, whatever crashes and whoever else is at work. They keep the position and times that they came
    /// with; `_ingested_at` and `_run_id` are this replay's. The others stay open, with one more attempt and the new
    /// reason.
    ///
    /// # Errors
    /// `CheckFailed`, where a set rule of the contract would not hold of the table with these rows, or the contract
    /// takes no rows any more; `Conflict`, where others keep writing or deciding; what gate and lake report.
    pub async fn replay(&mut self, replay: &Replay<'_>) -> Result<Replayed> {
        for attempt in 1.. {
            self.settle(replay.run).await?;
            match self.replay_once(replay).await {
                Err(error) if error.kind() == ErrorKind::Conflict && attempt < ATTEMPTS => {
                    tracing::info!(dataset = %self.dataset, error = %error.report(), "the replay begins anew");
                }
                replayed => return replayed,
            }
        }
        Err(self.busy())
    }

    /// What a replay would do now. Writes nothing.
    ///
    /// # Errors
    /// As [`replay`](Self::replay), but for set rules, which are not asked.
    pub async fn rehearse(&mut self, replay: &Replay<'_>) -> Result<Replayed> {
        self.table.refresh().await?;
        Ok(self.judge(replay, false).await?.report)
    }

    async fn replay_once(&mut self, replay: &Replay<'_>) -> Result<Replayed> {
        let mut judged = self.judge(replay, true).await?;
        if judged.fates.is_empty() {
            return Ok(judged.report);
        }
        let number = match self.begin(&mut judged, replay).await {
            Ok(number) => number,
            Err(error) => {
                judged.delivery.forget(&judged.add).await;
                return Err(error);
            }
        };
        let Some(number) = number else {
            return Ok(judged.report);
        };
        match self.enter(&mut judged, number, replay).await {
            Ok(version) => judged.report.version = Some(version),
            Err(error) => {
                // Nothing was committed where the table says so; else it tells when it can be asked again, and the files
                // stay: they may be named by it.
                if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::CheckFailed) {
                    self.settle(replay.run).await?;
                    if self.is_fenced(number).await? {
                        judged.delivery.forget(&judged.add).await;
                    }
                }
                return Err(error);
            }
        }
        self.settle(replay.run).await?;
        Ok(judged.report)
    }

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
        let mut delivery = delivery.with_queries(Arc::clone(&replay.queries));
        delivery.catch_up().await?;
        let fresh = delivery.fresh();
        let mut judged = Judged {
            delivery,
            fresh,
            add: Vec::new(),
            fates: HashMap::new(),
            report: Replayed::default(),
        };
        let mut writer = None;
        match self.judge_all(replay, &mut judged, write.then_some(&mut writer)).await {
            Ok(()) => {
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
        let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(1));
        let schema = self.table.schema();
        let open = match schema.index_of("state") {
            Ok(_) => ident("state").is_null().or(ident("state").eq(lit(OPEN))),
            // Of an earlier Polder, where nobody could decide about rows.
            Err(_) => lit(true),
        };
        let order = ["_topic", "_partition", "_offset", "_quarantine_id"];
        // Of rows with one key the first by position passes.
        let frame = context
            .read_table(self.table.provider()?)
            .and_then(|frame| frame.filter(open))
            .and_then(|frame| frame.select(READ.iter().map(|name| ident(*name)).collect::<Vec<_>>()))
            .and_then(|frame| frame.sort(order.iter().map(|name| ident(*name).sort(true, false)).collect()))
            .context(ErrorKind::Internal, unread)?;
        let mut rows = frame.execute_stream().await.context(ErrorKind::Unreachable, unread)?;
        while let Some(batch) = rows.try_next().await.context(ErrorKind::Unreachable, unread)? {
            let selected = Selected::of(&batch, &replay.selection, &mut judged.report)?;
            if selected.ids.is_empty() {
                continue;
            }
            let (verdict, violations) = judged.rows(&selected, replay, now)?;
            if let Some(told) = replay.judged {
                told(selected.ids.len() as u64);
            }
            for (row, id) in selected.ids.iter().enumerate() {
                let fate = match violations.get(&row) {
                    None => {
                        judged.report.passed += 1;
                        Fate::Passes
                    }
                    Some((rule, reason)) => {
                        let refused = judged.report.refused.entry(rule.to_string());
                        refused.or_insert_with(|| (0, reason.clone())).0 += 1;
                        Fate::Refused {
                            rule: Arc::clone(rule),
                            reason: reason.clone(),
                        }
                    }
                };
                judged.fates.insert(fingerprint(id.as_bytes()), fate);
            }
            let passing: BooleanArray = (0..selected.ids.len())
                .map(|row| Some(!violations.contains_key(&row)))
                .collect();
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

    /// The first step: the rows that pass are marked with the replay's number, the others get their new reason. Gives
    /// the number, where any row passes.
    pub(crate) async fn begin(&mut self, judged: &mut Judged, replay: &Replay<'_>) -> Result<Option<i64>> {
        let passes = judged.fates.values().any(|fate| matches!(fate, Fate::Passes));
        if passes {
            // Before anything is marked: the rows that pass may not be fit for the table all together.
            judged.report.remarks = judged.delivery.judge_table(&judged.fresh, &judged.add, &[]).await?;
        }
        let last = self
            .count()
            .await?
            .unwrap_or(-1)
            .max(judged.delivery.progress(&self.progress_id()).await?.unwrap_or(-1));
        // The next even number, or the odd one behind it where nothing is to be settled.
        let number = if last % 2 == 0 { last + 2 } else { last + 1 };
        let progress = self.step(if passes { number } else { number + 1 }).await?;
        let version = replay.contract.version();
        let decide = |row: &Row<'_>| {
            if !replay.selection.holds(row) {
                return None;
            }
            Some(match judged.fates.get(&fingerprint(row.id.as_bytes()))? {
                Fate::Passes => Change::Replaying {
                    number,
                    resolution: &replay.resolution,
                    by: &replay.by,
                },
                Fate::Refused { rule, reason } => Change::Refused {
                    rule,
                    reason,
                    contract_version: version,
                },
            })
        };
        self.mark(replay.run, progress, decide).await?;
        Ok(passes.then_some(number))
    }

    /// The second step: the rows that pass come into the table, with the number as its progress.
    pub(crate) async fn enter(&self, judged: &mut Judged, number: i64, replay: &Replay<'_>) -> Result<u64> {
        let id = self.progress_id();
        let mut commit = Commit::new(replay.run, Operation::Append);
        commit.add = judged.add.clone();
        commit.progress.push(Progress {
            expected: judged.delivery.progress(&id).await?,
            id: id.clone(),
            next: number,
        });
        commit.metadata = BTreeMap::from([
            ("origin".to_owned(), id),
            ("contract_version".to_owned(), replay.contract.version().to_owned()),
            ("accepted".to_owned(), judged.report.passed.to_string()),
            ("rejected".to_owned(), "0".to_owned()),
        ]);
        let fresh = std::mem::take(&mut judged.fresh);
        judged.delivery.commit_judged(commit, fresh).await
    }
}

impl Judged {
    /// The selected rows as the table would have them, and which of them the contract refuses, by which rule and why.
    fn rows(&mut self, selected: &Selected, replay: &Replay<'_>, now: i64) -> Result<(RecordBatch, Refusals)> {
        let records: Vec<&str> = selected.records.iter().flatten().collect();
        let Records { mut rows, lost } = records::read(&records, self.delivery.gate.schema())?;
        let mut refused = Refusals::new();
        let set = replay.patch.map_or(&[][..], Patch::columns);
        for (row, lost) in lost.iter().enumerate() {
            if let Some(why) = lost.as_ref().and_then(|lost| lost.without(set)) {
                refused.insert(row, (Arc::from("record"), why));
            }
        }
        if let Some(patch) = replay.patch {
            let (patched, failed) = apply(patch, &rows)?;
            rows = patched;
            for (row, why) in failed {
                refused.entry(row).or_insert((Arc::from("patch"), why));
            }
        }
        let batch = with_platform_columns(&rows, &selected.rows, now, &replay.run.to_string())?;
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

/// Rows of a quarantine table that can be judged.
struct Selected {
    rows: RecordBatch,
    ids: Vec<String>,
    records: StringArray,
}

impl Selected {
    fn of(batch: &RecordBatch, selection: &Selection, report: &mut Replayed) -> Result<Self> {
        let (id, origin, rule) = (
            text(batch, "_quarantine_id")?,
            text(batch, "_origin")?,
            text(batch, "rule")?,
        );
        let (topic, record) = (text(batch, "_topic")?, text(batch, "record")?);
        let mut taken = Vec::new();
        for row in 0..batch.num_rows() {
            let view = Row {
                id: id.value(row),
                origin: origin.value(row),
                rule: rule.value(row),
                state: None,
                replay: None,
            };
            if !selection.holds(&view) {
                continue;
            }
            report.selected += 1;
            let unfit = match (topic.is_valid(row), record.is_valid(row)) {
                (false, _) => NO_POSITION,
                (true, false) => NO_RECORD,
                (true, true) => {
                    taken.push(row as u64);
                    continue;
                }
            };
            *report.unfit.entry(unfit.to_owned()).or_default() += 1;
        }
        let rows = take_record_batch(batch, &UInt64Array::from(taken)).context(ErrorKind::Internal, unread)?;
        Ok(Self {
            ids: text(&rows, "_quarantine_id")?
                .iter()
                .flatten()
                .map(str::to_owned)
                .collect(),
            records: text(&rows, "record")?,
            rows,
        })
    }
}

/// The patch applied to all rows; those that it fails for are as they were, and told with why.
fn apply(patch: &dyn Patch, rows: &RecordBatch) -> Result<(RecordBatch, Vec<(usize, String)>)> {
    match patch.apply(rows) {
        Ok(patched) => return Ok((patched, Vec::new())),
        Err(error) if error.kind() != ErrorKind::Data => return Err(error),
        Err(_) => {}
    }
    let mut failed = Vec::new();
    let mut patched = Vec::with_capacity(rows.num_rows());
    for row in 0..rows.num_rows() {
        let one = rows.slice(row, 1);
        patched.push(match patch.apply(&one) {
            Ok(one) => one,
            Err(error) => {
                failed.push((row, format!("the patch fails: {}", error.report())));
                one
            }
        });
    }
    let together = arrow::compute::concat_batches(&rows.schema(), &patched);
    let together = together.context(ErrorKind::Internal, || "cannot put patched rows together".to_owned())?;
    Ok((together, failed))
}

/// The rows with the platform columns that they came with, and those of this replay.
fn with_platform_columns(rows: &RecordBatch, quarantined: &RecordBatch, now: i64, run: &str) -> Result<RecordBatch> {
    let mut fields = rows.schema().fields().to_vec();
    let mut columns = rows.columns().to_vec();
    for platform in STREAM_COLUMNS.iter() {
        let column: ArrayRef = match platform.name().as_str() {
            "_ingested_at" => {
                Arc::new(TimestampMicrosecondArray::from_value(now, rows.num_rows()).with_timezone("UTC"))
            }
            "_run_id" => Arc::new(StringArray::from(vec![run; rows.num_rows()])),
            name => super::marks::column(quarantined, name, platform.data_type())?,
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
