//! A contract, perhaps one that is not merged yet, held against the past of its dataset: what it would have refused.

mod others;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use datafusion::error::DataFusionError;
use datafusion::prelude::ident;
use futures::TryStreamExt;
use polder_contract::DatasetContract;
use polder_contract::rule::OnFailure;
use polder_core::{Error, ErrorKind, Result};
use polder_delivery::{Arrival, Hindsight, PastCommit};
use polder_gate::Gate;
use polder_gate::table::{RuleResult, RuleVerdict};
use polder_lake::{CommitRecord, REPLAY_ORIGIN, Table, Version};
use polder_query::{RuleQueries, query_error};

use crate::engine::Engine;
use others::Others;

/// Where a stream's rows came from: of those of one key the first by these stays.
const POSITION: [&str; 3] = ["_topic", "_partition", "_offset"];

/// Examples that are kept of each rule.
const EXAMPLES: usize = 3;

/// From when on the past counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// The commits after this version of the table.
    Version(u64),
    /// The commits at this time and later.
    Time(DateTime<Utc>),
}

/// What a contract would have made of a dataset's past.
#[derive(Debug, Clone)]
pub struct Backtest {
    /// The commits that brought rows, oldest first.
    pub commits: Vec<BacktestCommit>,
    /// By rule: values that it would have refused, in words; what it says where not everybody may see them.
    pub examples: BTreeMap<Arc<str>, Vec<String>>,
    /// What of the time that was asked about could not be looked at: nothing is known of these commits.
    pub unseen: Vec<Unseen>,
}

/// Commits that could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unseen {
    /// The versions that they made.
    pub versions: RangeInclusive<u64>,
    /// Why.
    pub why: String,
}

impl Unseen {
    fn of(commit: &CommitRecord, why: &str) -> Self {
        Self {
            versions: commit.version..=commit.version,
            why: why.to_owned(),
        }
    }
}

/// One commit of the past under the contract.
#[derive(Debug, Clone)]
pub struct BacktestCommit {
    /// The version that it made.
    pub version: u64,
    /// When.
    pub timestamp: DateTime<Utc>,
    /// Rows that it brought; rows that it only wrote again, to other files, count as well.
    pub rows: u64,
    /// How many of them the contract would have refused: all, where it would have refused the commit.
    pub refused: u64,
    /// How many of those that it would have taken break rules that only warn.
    pub warned: u64,
    /// Rows that break each rule. Of rows with a key that was there before, in this commit or in the table, the later
    /// ones do where they are a stream's.
    pub by_rule: BTreeMap<Arc<str>, u64>,
    /// The rules about the whole table, and those that nobody can run, on the table as it would have been after this
    /// commit and at its time: without the rows that it would have refused, with all that were there. Other datasets are
    /// read as they were then; rules about one of which that is not known any more are not run.
    pub table: Vec<RuleResult>,
    /// The rules that would have refused the commit as a whole: those about rows that refuse the shipment, and those
    /// about the table.
    pub refused_by: BTreeSet<String>,
    /// Rules about the table that fail and would not have refused it, because it is not to blame, and why.
    pub excused: BTreeMap<String, String>,
}

/// What looking at a commit gave.
enum Look {
    Judged(OfCommit),
    /// It brought no rows.
    NoRows,
    /// It cannot be judged, for this reason.
    Unknown(&'static str),
}

/// What one commit adds to a backtest.
struct OfCommit {
    judged: BacktestCommit,
    examples: BTreeMap<Arc<str>, Vec<String>>,
}

impl Backtest {
    fn take(&mut self, of_commit: OfCommit) {
        for (rule, reasons) in of_commit.examples {
            let kept = self.examples.entry(rule).or_default();
            for reason in reasons {
                if kept.len() < EXAMPLES && !kept.contains(&reason) {
                    kept.push(reason);
                }
            }
        }
        self.commits.push(of_commit.judged);
    }

    /// The rules that would have refused commits as a whole, each with how many.
    pub fn refusing_rules(&self) -> BTreeMap<&str, usize> {
        let mut rules = BTreeMap::new();
        for rule in self.commits.iter().flat_map(|commit| &commit.refused_by) {
            *rules.entry(rule.as_str()).or_default() += 1;
        }
        rules
    }

    /// Every rule that was not held against all of the commits that were looked at: against how many it was not, and
    /// why, in the words of the newest.
    pub fn rules_not_run(&self) -> BTreeMap<&str, (usize, &str)> {
        let mut rules: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
        for result in self.commits.iter().flat_map(|commit| &commit.table) {
            if let RuleVerdict::NotRun(why) = &result.verdict {
                let (commits, newest) = rules.entry(&result.rule).or_default();
                *commits += 1;
                *newest = why;
            }
        }
        rules
    }
}

/// The commits of the time that is asked about of which the log does not tell any more.
fn before_the_log(history: &[CommitRecord], newest: u64, since: Since) -> Option<Unseen> {
    let oldest = history.last();
    let first = match (since, oldest) {
        (Since::Version(version), _) => version + 1,
        (Since::Time(time), Some(oldest)) if oldest.timestamp < time => return None,
        // Which of them came after that time is not known either.
        (Since::Time(_), _) => 0,
    };
    let known = oldest.map_or(newest + 1, |oldest| oldest.version);
    (first < known).then(|| Unseen {
        versions: first..=known - 1,
        why: "the log does not hold them any more".to_owned(),
    })
}

/// Whether something is missing in the store that the log names.
fn is_gone(error: &Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<Error>()
            && error.kind() == ErrorKind::NotFound
        {
            return true;
        }
        if let Some(error) = error.downcast_ref::<DataFusionError>()
            && let DataFusionError::ObjectStore(store) = error.find_root()
            && matches!(**store, object_store::Error::NotFound { .. })
        {
            return true;
        }
        cause = error.source();
    }
    false
}

impl Engine {
    /// Runs a contract over the commits of its dataset's table. Nothing is written.
    ///
    /// # Errors
    /// `NotFound`, where the dataset has no table, or the table has no such version yet; `Document` for a contract that
    /// cannot be compiled; what the lake reports. What the log or the files do not tell any more is
    /// [not seen](Backtest::unseen).
    pub async fn backtest(&self, contract: &DatasetContract, since: Since) -> Result<Backtest> {
        let dataset = contract.dataset();
        let gate = Gate::compile(contract)?;
        let table = self.lake.load(dataset).await?.ok_or_else(|| {
            let message = format!("{dataset} has no table: it has no past");
            Error::new(ErrorKind::NotFound, message)
        })?;
        if let Since::Version(version) = since
            && version > table.version()
        {
            let message = format!("{dataset} has no version {version}");
            return Err(Error::new(ErrorKind::NotFound, message)
                .with_help(format!("the newest version is {}", table.version())));
        }
        let mut backtest = Backtest {
            commits: Vec::new(),
            examples: BTreeMap::new(),
            unseen: Vec::new(),
        };
        let mut history = table.history(usize::MAX).await?;
        backtest.unseen.extend(before_the_log(&history, table.version(), since));
        history.retain(|commit| match since {
            Since::Version(version) => commit.version > version,
            Since::Time(time) => commit.timestamp >= time,
        });
        history.reverse();
        let mut others = Others::of(self, contract).await?;
        let mut hindsight = Hindsight::compile(
            contract,
            self.is_by_position(&table),
            &self.discretion,
            self.limits.taken_bytes,
        )?;
        for commit in history {
            let judged = self.of_commit(contract, &gate, &mut hindsight, &commit, &mut others);
            match judged.await {
                Ok(Look::Judged(of_commit)) => backtest.take(of_commit),
                Ok(Look::NoRows) => {}
                Ok(Look::Unknown(why)) => backtest.unseen.push(Unseen::of(&commit, why)),
                Err(error) if is_gone(&error) => {
                    backtest
                        .unseen
                        .push(Unseen::of(&commit, "its files are not there any more"));
                }
                Err(error) => return Err(error),
            }
        }
        for (rule, reasons) in &mut backtest.examples {
            if let Some(instead) = self.discretion.in_place_of_reasons(contract, &gate, rule) {
                *reasons = vec![instead];
            }
        }
        Ok(backtest)
    }

    /// Whether the rows of a table are a stream's: they have positions, and no pipeline computes them.
    fn is_by_position(&self, table: &Table) -> bool {
        let schema = table.schema();
        POSITION.iter().all(|column| schema.index_of(column).is_ok())
            && self.pipelines.iter().all(|pipeline| pipeline.dataset != *table.name())
    }

    /// One commit under the contract, and examples of what it would have refused; nothing where it brought no rows.
    async fn of_commit(
        &self,
        contract: &DatasetContract,
        gate: &Gate,
        hindsight: &mut Hindsight,
        commit: &CommitRecord,
        others: &mut Others,
    ) -> Result<Look> {
        let gone = |version: u64| Error::new(ErrorKind::NotFound, format!("version {version} is gone"));
        let load = async |version: u64| {
            let table = self.lake.load_at(contract.dataset(), Version::Number(version)).await?;
            table.ok_or_else(|| gone(version))
        };
        let after = load(commit.version).await?;
        let changes = after.own_changes().await?.ok_or_else(|| gone(commit.version))?;
        if changes.added.is_empty() {
            return Ok(Look::NoRows);
        }
        let before = match commit.version.checked_sub(1) {
            Some(before) if hindsight.depends_on_the_table() => match load(before).await {
                Ok(before) => Some(before),
                Err(error) if is_gone(&error) => {
                    return Ok(Look::Unknown("what the table was before it is not known any more"));
                }
                Err(error) => return Err(error),
            },
            _ => None,
        };
        let noted = |key: &str| commit.metadata.get(key);
        let past = PastCommit {
            before: before.as_ref(),
            after: &after,
            added: &changes.added,
            removed: &changes.removed,
            brought: noted("accepted").and_then(|rows| rows.parse().ok()),
            replays: noted("origin").is_some_and(|origin| origin.starts_with(REPLAY_ORIGIN)),
            at: commit.timestamp,
        };
        let judged = BacktestCommit {
            version: commit.version,
            timestamp: commit.timestamp,
            rows: 0,
            refused: 0,
            warned: 0,
            by_rule: BTreeMap::new(),
            table: Vec::new(),
            refused_by: BTreeSet::new(),
            excused: BTreeMap::new(),
        };
        let mut of_commit = OfCommit {
            judged,
            examples: BTreeMap::new(),
        };
        let mut arrival = hindsight.begin(&past).await?;
        self.judge(gate, hindsight, &mut arrival, &past, &mut of_commit).await?;
        let judged = &mut of_commit.judged;
        if judged.rows == 0 {
            return Ok(Look::NoRows);
        }
        let (tables, absent) = others.at(self, commit.timestamp).await?;
        let queries = RuleQueries::new(&others.session.with_tables(tables), contract).without(absent);
        let of_table = hindsight.judge(&past, arrival, &queries).await?;
        (judged.table, judged.excused) = (of_table.results, of_table.excused);
        for result in &judged.table {
            if result.verdict == RuleVerdict::Failed && !judged.excused.contains_key(&result.rule) {
                judged.refused_by.insert(result.rule.clone());
            }
        }
        if !judged.refused_by.is_empty() {
            (judged.refused, judged.warned) = (judged.rows, 0);
        }
        Ok(Look::Judged(of_commit))
    }

    /// The rows that one commit brought, through the gate and past the keys that were there.
    async fn judge(
        &self,
        gate: &Gate,
        hindsight: &Hindsight,
        arrival: &mut Arrival,
        commit: &PastCommit<'_>,
        OfCommit { judged, examples }: &mut OfCommit,
    ) -> Result<()> {
        let mut frame = self
            .session
            .context()
            .read_table(commit.after.files_provider(commit.added)?)
            .map_err(query_error)?;
        if hindsight.needs_order() {
            let order = POSITION.map(|column| ident(column).sort(true, false));
            frame = frame.sort(order.to_vec()).map_err(query_error)?;
        }
        let mut batches = frame.execute_stream().await.map_err(query_error)?;
        while let Some(batch) = batches.try_next().await.map_err(query_error)? {
            let mut verdict = gate.check(&batch)?;
            hindsight.take(arrival, &batch, &mut verdict)?;
            judged.rows += batch.num_rows() as u64;
            judged.refused += verdict.accepted.false_count() as u64;
            judged.warned += verdict
                .warnings
                .chunk_by(|left, right| left.row == right.row)
                .filter(|of_row| verdict.accepted.value(of_row[0].row))
                .count() as u64;
            for violation in verdict.violations.iter().chain(&verdict.warnings) {
                *judged.by_rule.entry(Arc::clone(&violation.rule)).or_default() += 1;
                if violation.on_failure == OnFailure::Reject && !judged.refused_by.contains(&*violation.rule) {
                    judged.refused_by.insert(violation.rule.to_string());
                }
                let kept = examples.entry(Arc::clone(&violation.rule)).or_default();
                if kept.len() < EXAMPLES && !kept.contains(&violation.reason) {
                    kept.push(violation.reason.clone());
                }
            }
        }
        Ok(())
    }
}
