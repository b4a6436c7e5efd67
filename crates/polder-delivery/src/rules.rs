//! Rules that more than one row keeps: keys, and what the table as a whole must be.
//!
//! Of a stream's rows the first of each key stays: keys of the table's rows are held as fingerprints, read when the
//! first row comes and kept up to date from then on. Whatever else a contract asks of the table is measured on it as it
//! would be with the new rows; what was measured of the rows that are there is held, so that a stream reads them once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::RecordBatch;
use chrono::{DateTime, Utc};
use datafusion::catalog::TableProvider;
use futures::TryStreamExt;
use polder_contract::DatasetContract;
use polder_contract::rule::{Metric, OnFailure, RuleKind, SetTest};
use polder_core::{DatasetName, Error, ErrorKind, Result, ResultExt};
use polder_gate::Violation;
use polder_gate::table::{Keys, Queries, RuleResult, TableCheck, TableReport, TableState, scan_into};
use polder_lake::Table;

use crate::facts::Added;
use crate::fingerprints::{FingerprintSet, Fingerprints};
use crate::key::{Key, unread};
use crate::tolerance::{Tolerance, tolerated};
use crate::would_be::WouldBe;

/// Keys that a refusal names.
const EXAMPLES: usize = 3;

/// The rules of one contract that more than one row keeps, and what they know of the table.
pub(crate) struct Rules {
    /// Keys of which the first row stays; those of pipelines are rules about the table.
    keys: Vec<Key>,
    dataset: DatasetName,
    /// Everything else that the table must be; none where the contract asks for nothing.
    check: Option<TableCheck>,
    /// What those rules ask, by id.
    asked: BTreeMap<String, SetTest>,
    need_files: bool,
    /// What was measured of the rows in the table; read when the first shipment is committed.
    measured: Option<TableState>,
    /// The version of the table up to which keys and measurements were read.
    read_to: Option<u64>,
}

/// What rows bring that are not committed yet.
#[derive(Default)]
pub(crate) struct Fresh {
    keys: Vec<FingerprintSet>,
    measured: Option<TableState>,
    rows: u64,
    /// How many of them are copies of rows that go with the same commit.
    kept: u64,
}

impl Fresh {
    pub(crate) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// So many of the rows are copies of rows that go with the same commit: nothing new.
    pub(crate) fn keep(&mut self, rows: u64) {
        self.kept = rows;
    }

    /// Takes in rows that are accepted.
    pub(crate) fn measure(&mut self, rows: &RecordBatch) -> Result<()> {
        self.rows += rows.num_rows() as u64;
        match &mut self.measured {
            Some(measured) => measured.push(rows),
            None => Ok(()),
        }
    }
}

/// Whether what the rows of the table are decides about a test, beside what is measured of each.
fn reads_own_rows(test: &SetTest, own: &DatasetName) -> bool {
    match &test.metric {
        Metric::Sql { .. } => true,
        Metric::Orphans { dataset, .. } => dataset == own,
        _ => false,
    }
}

impl Rules {
    /// `by_position`: rows are a stream's, and of one key the first stays.
    pub(crate) fn compile(contract: &DatasetContract, by_position: bool) -> Result<Self> {
        Self::compile_where(contract, by_position, |_| true)
    }

    /// Those that a replay of a stream's rows keeps: all but `volume`, which judges how much a source brings at a time.
    pub(crate) fn of_replay(contract: &DatasetContract) -> Result<Self> {
        Self::compile_where(contract, true, |test| !matches!(test.metric, Metric::Volume { .. }))
    }

    fn compile_where(contract: &DatasetContract, by_position: bool, wanted: impl Fn(&SetTest) -> bool) -> Result<Self> {
        let keys: Vec<Key> = match by_position {
            true => Keys::of(contract)?.into_iter().map(Key::new).collect(),
            false => Vec::new(),
        };
        let check = TableCheck::of_sets_where(contract, |rule| {
            matches!(&rule.kind, RuleKind::Set(test) if wanted(test)) && keys.iter().all(|key| key.rule.id != rule.id)
        })?;
        let rules = contract.rules().map_err(Error::document)?.into_iter();
        let asked: BTreeMap<String, SetTest> = rules
            .filter_map(|rule| match rule.kind {
                RuleKind::Set(test) => Some((rule.id, test)),
                _ => None,
            })
            .collect();
        Ok(Self {
            keys,
            check: (!check.is_empty()).then_some(check),
            need_files: asked.values().any(|test| {
                let names_keys = !by_position && matches!(test.metric, Metric::Duplicates { .. });
                reads_own_rows(test, contract.dataset()) || names_keys
            }),
            dataset: contract.dataset().clone(),
            asked,
            measured: None,
            read_to: None,
        })
    }

    /// The rules about the volume of a commit.
    pub(crate) fn about_volume(&self) -> impl Iterator<Item = &str> {
        let volume = |(_, test): &(&String, &SetTest)| matches!(test.metric, Metric::Volume { .. });
        self.asked.iter().filter(volume).map(|(rule, _)| rule.as_str())
    }

    /// Whether rows are to be looked at in the order of their positions.
    pub(crate) fn have_keys(&self) -> bool {
        !self.keys.is_empty()
    }

    /// Whether a commit depends on the rows that the table has.
    pub(crate) fn guard(&self) -> bool {
        self.have_keys() || self.check.is_some()
    }

    pub(crate) fn fresh(&self) -> Fresh {
        Fresh {
            keys: self.keys.iter().map(|_| FingerprintSet::default()).collect(),
            measured: self.check.as_ref().map(TableCheck::state),
            rows: 0,
            kept: 0,
        }
    }

    /// Rows that repeat a key: of the table, of these batches, or of fresh rows before them. Rows are looked at in the
    /// order in which `candidates` names them, as batch and row; a row that is not refused has its keys from then on.
    pub(crate) fn repeated(
        &self,
        fresh: &mut Fresh,
        batches: &[&RecordBatch],
        candidates: impl Iterator<Item = (usize, usize)>,
    ) -> Result<Vec<(usize, Violation)>> {
        let mut found = Vec::new();
        if self.keys.is_empty() {
            return Ok(found);
        }
        let mut fingerprints = Vec::with_capacity(self.keys.len());
        for key in &self.keys {
            let each = batches.iter().map(|batch| key.rule.fingerprints(batch));
            fingerprints.push(each.collect::<Result<Vec<_>>>()?);
        }
        for (batch, row) in candidates {
            let mut refused = false;
            for (place, key) in self.keys.iter().enumerate() {
                let Some(fingerprint) = fingerprints[place][batch][row] else {
                    continue;
                };
                let held = key.held.as_ref().is_some_and(|held| held.contains(fingerprint));
                if !held && !fresh.keys[place].contains(&fingerprint) {
                    continue;
                }
                refused |= key.rule.on_failure != OnFailure::Warn;
                found.push((batch, key.violation(batches[batch], row)?));
            }
            if refused {
                continue;
            }
            for (keys, fingerprints) in fresh.keys.iter_mut().zip(&fingerprints) {
                keys.extend(fingerprints[batch][row]);
            }
        }
        Ok(found)
    }

    /// Reads the keys that came into the table since they were last read. Gives whether fresh rows must be compared
    /// with them anew.
    ///
    /// Where something cannot be read, what was known before stays as it was.
    pub(crate) async fn catch_up(&mut self, table: &Table) -> Result<bool> {
        let version = table.version();
        if !self.guard() || self.read_to == Some(version) {
            return Ok(false);
        }
        let changes = match self.read_to {
            Some(since) if since <= version => table.changes(since).await?,
            _ => None,
        };
        let news = match changes {
            Some(changes) if changes.is_empty() => {
                self.read_to = Some(version);
                return Ok(false);
            }
            // Other engines may have rewritten the files and removed them since; the whole table holds their rows too.
            Some(changes) if changes.removed.is_empty() => match table.files_provider(&changes.added) {
                Ok(added) => self.read(&added).await.ok(),
                Err(_) => None,
            },
            _ => None,
        };
        match news {
            Some((keys, measured)) => {
                for (key, news) in self.keys.iter_mut().zip(keys) {
                    match &mut key.held {
                        Some(held) => held.extend(news),
                        none => *none = Some(Fingerprints::of(news)),
                    }
                }
                self.add_measured(measured);
            }
            None => {
                let keys = match self.have_keys() {
                    true => self.read_keys(&table.provider()?).await?,
                    false => Vec::new(),
                };
                self.measured = None;
                for (key, all) in self.keys.iter_mut().zip(keys) {
                    key.held = Some(Fingerprints::of(all));
                }
            }
        }
        self.read_to = Some(version);
        Ok(true)
    }

    /// The keys of these rows, and what the rules measure of them where that is known of the rows before them.
    async fn read(&self, provider: &Arc<dyn TableProvider>) -> Result<(Vec<Vec<u128>>, Option<TableState>)> {
        let keys = self.read_keys(provider).await?;
        let measured = match (&self.check, &self.measured) {
            (Some(check), Some(_)) => {
                let mut state = check.state();
                scan_into(check, provider, &mut state).await?;
                Some(state)
            }
            _ => None,
        };
        Ok((keys, measured))
    }

    /// The fingerprints in these rows, by key.
    async fn read_keys(&self, provider: &Arc<dyn TableProvider>) -> Result<Vec<Vec<u128>>> {
        let mut keys = Vec::with_capacity(self.keys.len());
        for key in &self.keys {
            let mut all = Vec::new();
            if let Some(mut rows) = key.rows(provider).await? {
                while let Some(batch) = rows.try_next().await.context(ErrorKind::Unreachable, unread)? {
                    all.extend(key.rule.fingerprints(&batch)?.into_iter().flatten());
                }
            }
            keys.push(all);
        }
        Ok(keys)
    }

    /// Takes the rows that stay for those of the table, as long as nobody [catches up](Self::catch_up).
    pub(crate) async fn hold_what_stays(&mut self, would_be: &WouldBe<'_>) -> Result<()> {
        let keys = match self.have_keys() {
            true => self.read_keys(&would_be.surviving_rows()?).await?,
            false => Vec::new(),
        };
        for (key, all) in self.keys.iter_mut().zip(keys) {
            key.held = Some(Fingerprints::of(all));
        }
        (self.measured, self.read_to) = (None, None);
        Ok(())
    }

    /// The same where there was no table: no row is there.
    pub(crate) fn hold_nothing(&mut self) {
        self.keys.iter_mut().for_each(|key| key.held = None);
        (self.measured, self.read_to) = (self.check.as_ref().map(TableCheck::state), None);
    }

    /// The rules about the table as a whole.
    pub(crate) fn of_table(&self) -> Option<&TableCheck> {
        self.check.as_ref()
    }

    /// Whether a fresh row has a key that the table got meanwhile.
    pub(crate) fn clash(&self, fresh: &Fresh) -> bool {
        self.keys.iter().zip(&fresh.keys).any(|(key, fresh)| {
            let held = key.held.as_ref();
            key.rule.on_failure != OnFailure::Warn
                && held.is_some_and(|held| fresh.iter().any(|fingerprint| held.contains(*fingerprint)))
        })
    }

    /// Asks the rules about the table as it would be; none where the contract has no such rule.
    pub(crate) async fn report(
        &mut self,
        would_be: &WouldBe<'_>,
        fresh: &Fresh,
        queries: &dyn Queries,
        now: DateTime<Utc>,
    ) -> Result<Option<TableReport>> {
        let rows = self.need_files.then(|| would_be.rows()).transpose()?;
        self.report_over(would_be, rows.as_ref(), fresh, queries, now).await
    }

    /// The same where queries are asked of these rows; of none they are not run.
    pub(crate) async fn report_over(
        &mut self,
        would_be: &WouldBe<'_>,
        rows: Option<&Arc<dyn TableProvider>>,
        fresh: &Fresh,
        queries: &dyn Queries,
        now: DateTime<Utc>,
    ) -> Result<Option<TableReport>> {
        let Some(check) = &self.check else { return Ok(None) };
        let mut state = match would_be.remove.is_empty() {
            true => {
                if self.measured.is_none() {
                    let mut measured = check.state();
                    scan_into(check, &would_be.surviving_rows()?, &mut measured).await?;
                    self.measured = Some(measured);
                }
                match &mut self.measured {
                    // The copy shares what was read, and adds what the new rows bring.
                    Some(measured) => {
                        measured.settle()?;
                        measured.clone()
                    }
                    None => check.state(),
                }
            }
            false => {
                let mut measured = check.state();
                scan_into(check, &would_be.surviving_rows()?, &mut measured).await?;
                measured
            }
        };
        if let Some(fresh) = &fresh.measured {
            state.merge(fresh.clone())?;
        }
        let news = fresh.rows.saturating_sub(fresh.kept);
        let facts = Added::with(news, would_be.table, check.recent_commits()).await?;
        check.report(state, rows, &facts, queries, now).await.map(Some)
    }

    /// Asks those rules that would not hold about the table as it is. Gives why they do not refuse the commit, by rule;
    /// those that are not named do. A rule without a figure (its query failed, or took too long) is not asked again:
    /// nothing excuses it.
    pub(crate) async fn tolerated(
        &self,
        would_be: &WouldBe<'_>,
        failed: &[RuleResult],
        queries: &dyn Queries,
        now: DateTime<Utc>,
    ) -> Result<BTreeMap<String, Tolerance>> {
        let measured: BTreeSet<&str> = failed
            .iter()
            .filter(|result| result.figure.is_some())
            .map(|result| result.rule.as_str())
            .collect();
        let Some(check) = self.check.as_ref().filter(|_| !measured.is_empty()) else {
            return Ok(BTreeMap::new());
        };
        let state = match (&self.measured, would_be.remove.is_empty()) {
            (Some(state), true) => state.clone(),
            _ => {
                let mut state = check.state();
                scan_into(check, &would_be.table.provider()?, &mut state).await?;
                state
            }
        };
        let facts = Added::of(would_be.table, check.recent_commits()).await?;
        let rows = self.need_files.then(|| would_be.table.provider()).transpose()?;
        let wanted = |rule: &str| measured.contains(rule);
        let before = check
            .report_where(state, rows.as_ref(), &facts, queries, now, wanted)
            .await?;
        let reasons = failed.iter().filter_map(|result| {
            let why = tolerated(self.asked.get(&result.rule)?, &before, result)?;
            Some((result.rule.clone(), why))
        });
        Ok(reasons.collect())
    }

    /// After a commit: the fresh rows are in the table as of this version. Where others went, everything is read anew.
    pub(crate) fn settle(&mut self, fresh: Fresh, version: u64, replaced: bool) {
        if replaced {
            self.read_to = None;
            self.measured = None;
            return;
        }
        for (key, fresh) in self.keys.iter_mut().zip(fresh.keys) {
            if let Some(held) = &mut key.held {
                held.extend(fresh);
            }
        }
        self.add_measured(fresh.measured);
        self.read_to = Some(version);
    }

    /// Adds what was measured of rows that came into the table, where those before them were measured too.
    fn add_measured(&mut self, news: Option<TableState>) {
        if let (Some(measured), Some(news)) = (&mut self.measured, news)
            && measured.merge(news).is_err()
        {
            // Nobody knows what it holds: the table is read anew, and who then fails says why.
            self.measured = None;
        }
    }

    /// Whether the commit's files must be whole before the rules are asked: a query reads them, so does a reference of
    /// the dataset to itself, and who looks for a key that comes twice.
    pub(crate) fn need_files(&self) -> bool {
        self.need_files
    }

    /// Whether a rule reads the rows of the table as it would be: it is a query, or a reference of the dataset to itself.
    pub(crate) fn reads_own_rows(&self, rule: &str) -> bool {
        let test = self.asked.get(rule);
        test.is_some_and(|test| reads_own_rows(test, &self.dataset))
    }

    /// Whether everything that is in the table was read.
    pub(crate) fn know(&self, table: &Table) -> bool {
        self.read_to == Some(table.version())
    }

    /// Some keys that come more than once in the table as it would be, where the rule is one about keys.
    pub(crate) async fn repeated_keys(
        &self,
        contract: &DatasetContract,
        rule: &str,
        would_be: &WouldBe<'_>,
    ) -> Result<Vec<String>> {
        let mut found = Vec::new();
        let Some(rule) = Keys::of(contract)?.into_iter().find(|key| key.id == rule) else {
            return Ok(found);
        };
        let key = Key::new(rule);
        let mut seen = FingerprintSet::default();
        let Some(mut rows) = key.rows(&would_be.rows()?).await? else {
            return Ok(found);
        };
        while let Some(batch) = rows.try_next().await.context(ErrorKind::Unreachable, unread)? {
            for (row, fingerprint) in key.rule.fingerprints(&batch)?.into_iter().enumerate() {
                if fingerprint.is_some_and(|fingerprint| !seen.insert(fingerprint)) {
                    found.push(key.shown(&batch, row)?);
                    if found.len() == EXAMPLES {
                        return Ok(found);
                    }
                }
            }
        }
        Ok(found)
    }
}
