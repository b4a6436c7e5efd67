//! The rules that more than one row keeps, asked of commits that were made long ago: what each would have met at the write.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use chrono::{DateTime, Utc};
use datafusion::catalog::TableProvider;
use polder_contract::DatasetContract;
use polder_contract::rule::{OnFailure, RuleKind};
use polder_core::{ErrorKind, Result, ResultExt};
use polder_gate::Verdict;
use polder_gate::table::{NoFacts, NoQueries, Queries, RuleResult, RuleVerdict, TableCheck, check_table};
use polder_lake::{DataFile, Table};

use crate::discretion::Discretion;
use crate::facts::LogFacts;
use crate::judge::is_hidden;
use crate::rules::{Fresh, Rules};
use crate::taken::Taken;
use crate::would_be::WouldBe;

/// A contract's rules about keys and about the whole table, held against commits of the past, oldest first. What they say
/// and what excuses a commit is told by what a [`Delivery`](crate::Delivery) asks.
pub struct Hindsight {
    contract: DatasetContract,
    discretion: Discretion,
    rules: Rules,
    /// How many bytes of a commit's accepted rows may be held.
    most: usize,
    /// Those that nobody can run.
    unknown: TableCheck,
}

/// One commit of the past.
#[derive(Debug, Clone, Copy)]
pub struct PastCommit<'a> {
    /// The table before it; nothing where it made the table.
    pub before: Option<&'a Table>,
    /// The table as it left it.
    pub after: &'a Table,
    /// Files in which rows came.
    pub added: &'a [DataFile],
    /// Files whose rows went.
    pub removed: &'a [DataFile],
    /// How many rows it brought, where its writer noted that; else all that it wrote.
    pub brought: Option<u64>,
    /// Whether it took rows in that were refused before: how many come at a time says nothing then.
    pub replays: bool,
    /// When it was made.
    pub at: DateTime<Utc>,
}

/// The rows of a commit, while they are looked at.
pub struct Arrival {
    fresh: Fresh,
    rows: u64,
    refused: u64,
    /// The accepted rows; nothing where no rule asks for them.
    taken: Option<Taken>,
}

/// What the rules about the table make of a commit.
#[derive(Debug, Clone, Default)]
pub struct Judged {
    /// Each rule on the table as it would have been, and those that nobody can run. Without what not everybody may see.
    pub results: Vec<RuleResult>,
    /// Why rules that fail would not have refused the commit, by rule: it is not to blame.
    pub excused: BTreeMap<String, String>,
}

impl Hindsight {
    /// Compiles a contract. `by_position`: the rows are a stream's, so that of one key the first stays. `most`: so
    /// many bytes of a commit's accepted rows are held, for rules that read them where others of the commit are refused.
    ///
    /// # Errors
    /// `Document`, where a rule makes no sense or a property has no type that a table can hold.
    pub fn compile(
        contract: &DatasetContract,
        by_position: bool,
        discretion: &Discretion,
        most: usize,
    ) -> Result<Self> {
        Ok(Self {
            contract: contract.clone(),
            discretion: discretion.clone(),
            rules: Rules::compile(contract, by_position)?,
            most,
            unknown: TableCheck::of_sets_where(contract, |rule| matches!(rule.kind, RuleKind::NotRun { .. }))?,
        })
    }

    /// Whether what becomes of a commit depends on the rows that the table had.
    pub fn depends_on_the_table(&self) -> bool {
        self.rules.guard()
    }

    /// Whether rows must be [taken](Self::take) in the order of their positions.
    pub fn needs_order(&self) -> bool {
        self.rules.have_keys()
    }

    /// Begins to look at a commit: reads the keys that the table had.
    ///
    /// # Errors
    /// What the lake reports.
    pub async fn begin(&mut self, commit: &PastCommit<'_>) -> Result<Arrival> {
        match commit.before {
            None => self.rules.hold_nothing(),
            Some(_) if !commit.removed.is_empty() => self.rules.hold_what_stays(&commit.would_be()).await?,
            Some(before) => {
                self.rules.catch_up(before).await?;
            }
        }
        Ok(Arrival {
            fresh: self.rules.fresh(),
            rows: 0,
            refused: 0,
            taken: self.rules.need_files().then(|| Taken::at_most(self.most)),
        })
    }

    /// Takes in rows, as they are and as a gate has judged them: of those that it accepts, the ones whose key is there
    /// already break the rule of the key.
    ///
    /// # Errors
    /// `Internal`, where keys cannot be computed.
    pub fn take(&self, arrival: &mut Arrival, rows: &RecordBatch, verdict: &mut Verdict) -> Result<()> {
        let accepted = verdict.accepted.clone();
        let candidates = (0..accepted.len()).filter(|row| accepted.value(*row));
        let repeated = self
            .rules
            .repeated(&mut arrival.fresh, &[&verdict.batch], candidates.map(|row| (0, row)))?;
        if !repeated.is_empty() {
            for (_, violation) in repeated {
                match violation.on_failure {
                    OnFailure::Warn => verdict.warnings.push(violation),
                    _ => verdict.violations.push(violation),
                }
            }
            verdict.warnings.sort_by_key(|violation| violation.row);
            verdict.violations.sort_by_key(|violation| violation.row);
            let breaking: BTreeSet<usize> = verdict.violations.iter().map(|violation| violation.row).collect();
            let keeps = (0..accepted.len()).map(|row| Some(accepted.value(row) && !breaking.contains(&row)));
            verdict.accepted = keeps.collect::<BooleanArray>();
        }
        arrival.rows += accepted.len() as u64;
        arrival.refused += verdict.accepted.false_count() as u64;
        if let Some(taken) = &mut arrival.taken {
            taken.push(rows, &verdict.accepted)?;
        }
        let kept = filter_record_batch(&verdict.batch, &verdict.accepted)
            .context(ErrorKind::Internal, || "cannot take the accepted rows".to_owned())?;
        arrival.fresh.measure(&kept)
    }

    /// Asks the rules about the table as it would have been with the rows that were taken and are not refused. Queries,
    /// and references of the dataset to itself, are not run where these are too many to be held without those that are
    /// refused.
    ///
    /// # Errors
    /// What keeps the table from being read.
    pub async fn judge(
        &mut self,
        commit: &PastCommit<'_>,
        mut arrival: Arrival,
        queries: &dyn Queries,
    ) -> Result<Judged> {
        let would_be = commit.would_be();
        let mut judged = Judged::default();
        // As at the write: refused rows change no table.
        let changes = !arrival.fresh.is_empty() || !commit.removed.is_empty();
        if let Some(check) = self.rules.of_table().filter(|_| changes) {
            let mut unasked = false;
            let report = if arrival.refused == 0 {
                let facts = LogFacts::of(commit.after, check.recent_commits()).await?;
                let rows = commit.after.provider()?;
                Some(check_table(check, rows, &facts, queries, commit.at).await?)
            } else {
                let again = commit.brought.map_or(0, |brought| arrival.rows.saturating_sub(brought));
                arrival.fresh.keep(again);
                let rows = match arrival.taken {
                    Some(taken) => taken.beside(commit.stays()?)?,
                    None => None,
                };
                unasked = rows.is_none();
                let fresh = &arrival.fresh;
                self.rules
                    .report_over(&would_be, rows.as_ref(), fresh, queries, commit.at)
                    .await?
            };
            judged.results = report.map(|report| report.results).unwrap_or_default();
            if unasked {
                self.name_unasked(&mut judged.results);
            }
            if commit.replays {
                let volume: BTreeSet<&str> = self.rules.about_volume().collect();
                judged.results.retain(|result| !volume.contains(result.rule.as_str()));
            }
            let failed = judged
                .results
                .iter()
                .filter(|result| result.verdict == RuleVerdict::Failed);
            let failed: Vec<RuleResult> = failed.cloned().collect();
            let excused = self.rules.tolerated(&would_be, &failed, queries, commit.at).await?;
            self.discretion
                .hide_figures(&self.contract, &mut judged.results, queries, &commit.after.provider()?)
                .await;
            let results = judged.results.iter();
            judged.excused = results
                .filter_map(|result| {
                    let why = excused.get(&result.rule)?.in_words(!is_hidden(result));
                    Some((result.rule.clone(), why))
                })
                .collect();
        }
        if !self.unknown.is_empty() {
            let (state, now) = (self.unknown.state(), commit.at);
            let unknown = self.unknown.report(state, None, &NoFacts, &NoQueries, now).await?;
            judged.results.extend(unknown.results);
        }
        Ok(judged)
    }

    /// Says of the rules that read the table's own rows why they were not run.
    fn name_unasked(&self, results: &mut [RuleResult]) {
        let rules = &self.rules;
        for result in results.iter_mut().filter(|result| rules.reads_own_rows(&result.rule)) {
            result.verdict = RuleVerdict::NotRun(format!(
                "rows of the commit would have been refused, and the others take more than {} MiB, too much to read them \
                 alone",
                self.most >> 20
            ));
        }
    }
}

impl<'a> PastCommit<'a> {
    /// The rows that were there before it and stay, in the columns that it left: it may have brought some, inside of
    /// others too. Nothing where it made the table.
    fn stays(&self) -> Result<Option<Arc<dyn TableProvider>>> {
        if self.before.is_none() {
            return Ok(None);
        }
        let would_be = self.would_be();
        match self.after.files_provider(&would_be.surviving()?) {
            // Single files do not show them.
            Err(_) => would_be.surviving_rows().map(Some),
            rows => rows.map(Some),
        }
    }

    fn would_be(&self) -> WouldBe<'a> {
        match self.before {
            Some(table) => WouldBe {
                table,
                add: self.added,
                remove: self.removed,
            },
            None => WouldBe {
                table: self.after,
                add: &[],
                remove: &[],
            },
        }
    }
}
