//! A contract, perhaps one that is not merged yet, held against the past of its dataset: what it would have refused.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use datafusion::catalog::TableProvider;
use datafusion::error::DataFusionError;
use futures::TryStreamExt;
use polder_contract::DatasetContract;
use polder_core::{DatasetName, Error, ErrorKind, Result};
use polder_gate::Gate;
use polder_gate::table::{RuleResult, RuleVerdict, TableCheck, check_table};
use polder_lake::{CommitRecord, Table, Version};
use polder_query::{RuleQueries, Session, query_error};

use crate::engine::Engine;

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

/// One commit of the past under the contract.
#[derive(Debug, Clone)]
pub struct BacktestCommit {
    /// The version that it made.
    pub version: u64,
    /// When.
    pub timestamp: DateTime<Utc>,
    /// Rows that it brought; rows that it only wrote again, to other files, count as well.
    pub rows: u64,
    /// How many of them the contract would have refused.
    pub refused: u64,
    /// How many of them break rules that only warn.
    pub warned: u64,
    /// Rows that break each rule.
    pub by_rule: BTreeMap<Arc<str>, u64>,
    /// The rules about the whole table, and those that nobody can run, on the table as it was after this commit and at its time. Other datasets are
    /// read as they were then; rules about one of which that is not known any more are not run.
    pub table: Vec<RuleResult>,
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

/// The other datasets that a contract's rules read, as they were.
struct Others {
    /// Where they are read: in the order of the mesh's contracts, but for those of the contract itself.
    session: Session,
    /// Their commits, newest first; none of a dataset without a table.
    histories: BTreeMap<DatasetName, Vec<CommitRecord>>,
    /// The versions that were asked for last.
    loaded: BTreeMap<DatasetName, (u64, Table)>,
}

/// Tables that stand for datasets.
type Given = Vec<(DatasetName, Arc<dyn TableProvider>)>;

impl Others {
    async fn of(engine: &Engine, contract: &DatasetContract) -> Result<Self> {
        let mut histories = BTreeMap::new();
        for dataset in RuleQueries::new(&engine.session, contract).others().into_keys() {
            let history = match engine.lake.load(&dataset).await? {
                Some(table) => table.history(usize::MAX).await?,
                None => Vec::new(),
            };
            histories.insert(dataset, history);
        }
        let own = DatasetContract::all(&contract.contract);
        Ok(Self {
            session: engine.session.under(&own),
            histories,
            loaded: BTreeMap::new(),
        })
    }

    /// Each of them as of the newest commit at that time or before, and those of which that is not known, with why.
    async fn at(&mut self, engine: &Engine, time: DateTime<Utc>) -> Result<(Given, BTreeMap<DatasetName, String>)> {
        let (mut given, mut absent) = (Vec::new(), BTreeMap::new());
        for (dataset, history) in &self.histories {
            let Some(commit) = history.iter().find(|commit| commit.timestamp <= time) else {
                let why = match history.last() {
                    Some(oldest) if oldest.version > 0 => "is not in its log any more",
                    _ => "is not known: it had no table yet",
                };
                absent.insert(dataset.clone(), format!("what {dataset} was then {why}"));
                continue;
            };
            let table = match self.loaded.remove(dataset) {
                Some((version, table)) if version == commit.version => Some(table),
                _ => match engine.lake.load_at(dataset, Version::Number(commit.version)).await {
                    Ok(table) => table,
                    Err(error) if error.kind() == ErrorKind::NotFound => None,
                    Err(error) => return Err(error),
                },
            };
            let Some(table) = table else {
                absent.insert(
                    dataset.clone(),
                    format!("what {dataset} was then is not in its log any more"),
                );
                continue;
            };
            given.push((dataset.clone(), self.session.arranged(dataset, table.provider()?)));
            self.loaded.insert(dataset.clone(), (commit.version, table));
        }
        Ok((given, absent))
    }
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
        let check = TableCheck::of_sets(contract)?;
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
        for commit in history {
            match self.of_commit(contract, (&gate, &check), &commit, &mut others).await {
                Ok(Some(of_commit)) => backtest.take(of_commit),
                Ok(None) => {}
                Err(error) if is_gone(&error) => backtest.unseen.push(Unseen {
                    versions: commit.version..=commit.version,
                    why: "its files are not there any more".to_owned(),
                }),
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

    /// One commit under the contract, and examples of what it would have refused; nothing where it brought no rows.
    async fn of_commit(
        &self,
        contract: &DatasetContract,
        (gate, check): (&Gate, &TableCheck),
        commit: &CommitRecord,
        others: &mut Others,
    ) -> Result<Option<OfCommit>> {
        let version = Version::Number(commit.version);
        let at = self.lake.load_at(contract.dataset(), version).await?;
        let gone = || Error::new(ErrorKind::NotFound, format!("version {} is gone", commit.version));
        let at = at.ok_or_else(gone)?;
        let mut judged = BacktestCommit {
            version: commit.version,
            timestamp: commit.timestamp,
            rows: 0,
            refused: 0,
            warned: 0,
            by_rule: BTreeMap::new(),
            table: Vec::new(),
        };
        let mut examples = BTreeMap::new();
        self.judge(gate, &at, &mut judged, &mut examples).await?;
        if judged.rows == 0 {
            return Ok(None);
        }
        if !check.is_empty() {
            let facts = polder_delivery::LogFacts::of(&at, check.recent_commits()).await?;
            let (tables, absent) = others.at(self, commit.timestamp).await?;
            let queries = RuleQueries::new(&others.session.with_tables(tables), contract).without(absent);
            let rows = at.provider()?;
            let report = check_table(check, Arc::clone(&rows), &facts, &queries, commit.timestamp).await?;
            judged.table = report.results;
            self.discretion
                .hide_figures(contract, &mut judged.table, &queries, &rows)
                .await;
        }
        Ok(Some(OfCommit { judged, examples }))
    }

    /// The rows that one commit brought, through the gate.
    async fn judge(
        &self,
        gate: &Gate,
        at: &Table,
        judged: &mut BacktestCommit,
        examples: &mut BTreeMap<Arc<str>, Vec<String>>,
    ) -> Result<()> {
        let files = at.arrived().await?.ok_or_else(|| {
            let message = format!("what version {} of {} brought is gone", at.version(), at.name());
            Error::new(ErrorKind::NotFound, message)
        })?;
        if files.is_empty() {
            return Ok(());
        }
        let frame = self
            .session
            .context()
            .read_table(at.files_provider(&files)?)
            .map_err(query_error)?;
        let mut batches = frame.execute_stream().await.map_err(query_error)?;
        while let Some(batch) = batches.try_next().await.map_err(query_error)? {
            let verdict = gate.check(&batch)?;
            judged.rows += batch.num_rows() as u64;
            judged.refused += verdict.accepted.false_count() as u64;
            judged.warned += verdict
                .warnings
                .chunk_by(|left, right| left.row == right.row)
                .filter(|of_row| verdict.accepted.value(of_row[0].row))
                .count() as u64;
            for violation in verdict.violations.iter().chain(&verdict.warnings) {
                *judged.by_rule.entry(Arc::clone(&violation.rule)).or_default() += 1;
                let kept = examples.entry(Arc::clone(&violation.rule)).or_default();
                if kept.len() < EXAMPLES && !kept.contains(&violation.reason) {
                    kept.push(violation.reason.clone());
                }
            }
        }
        Ok(())
    }
}
