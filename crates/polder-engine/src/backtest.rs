//! A contract, perhaps one that is not merged yet, held against the past of its dataset: what it would have refused.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use polder_contract::DatasetContract;
use polder_core::{Error, ErrorKind, Result};
use polder_gate::Gate;
use polder_gate::table::{RuleResult, TableCheck, check_table};
use polder_lake::{Table, Version};
use polder_query::{RuleQueries, query_error};

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
    /// By rule: values that it would have refused, in words.
    pub examples: BTreeMap<Arc<str>, Vec<String>>,
}

/// One commit of the past under the contract.
#[derive(Debug, Clone)]
pub struct BacktestCommit {
    /// The version that it made.
    pub version: u64,
    /// When.
    pub timestamp: DateTime<Utc>,
    /// Rows that it brought; rows that it only moved to other files count as well, for the log does not tell them apart.
    pub rows: u64,
    /// How many of them the contract would have refused.
    pub refused: u64,
    /// How many of them break rules that only warn.
    pub warned: u64,
    /// Rows that break each rule.
    pub by_rule: BTreeMap<Arc<str>, u64>,
    /// The rules about the whole table, on the table as it was after this commit and at its time.
    pub table: Vec<RuleResult>,
}

impl Engine {
    /// Runs a contract over the commits of its dataset's table. Nothing is written.
    ///
    /// # Errors
    /// `NotFound`, where the dataset has no table, or the table has no such version yet; `Document` for a contract that cannot be compiled; `Data`, where the
    /// log does not reach back that far; what the lake reports.
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
        };
        let mut history = table.history(usize::MAX).await?;
        history.retain(|commit| match since {
            Since::Version(version) => commit.version > version,
            Since::Time(time) => commit.timestamp >= time,
        });
        history.reverse();
        for commit in history {
            let Some(at) = self.lake.load_at(dataset, Version::Number(commit.version)).await? else {
                continue;
            };
            let mut judged = BacktestCommit {
                version: commit.version,
                timestamp: commit.timestamp,
                rows: 0,
                refused: 0,
                warned: 0,
                by_rule: BTreeMap::new(),
                table: Vec::new(),
            };
            self.judge(&gate, &at, &mut judged, &mut backtest.examples).await?;
            if judged.rows == 0 {
                continue;
            }
            if !check.is_empty() {
                let facts = polder_delivery::LogFacts::of(&at, check.recent_commits()).await?;
                let queries = RuleQueries::new(&self.session, contract);
                let report = check_table(&check, at.provider()?, &facts, &queries, commit.timestamp).await?;
                judged.table = report.results;
            }
            backtest.commits.push(judged);
        }
        Ok(backtest)
    }

    /// The rows that one commit brought, through the gate.
    async fn judge(
        &self,
        gate: &Gate,
        at: &Table,
        judged: &mut BacktestCommit,
        examples: &mut BTreeMap<Arc<str>, Vec<String>>,
    ) -> Result<()> {
        let files = match at.version() {
            0 => at.files()?,
            version => {
                let changes = at.changes(version - 1).await?;
                changes.map(|changes| changes.added).ok_or_else(|| {
                    let message = format!(
                        "what version {version} of {} changed cannot be told any more",
                        at.name()
                    );
                    Error::new(ErrorKind::Data, message).with_help("begin later: --since")
                })?
            }
        };
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
