//! Rules held against their samples.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::datatypes::{DataType, TimestampMicrosecondType};
use chrono::{DateTime, Utc};
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;
use polder_contract::rule::{Figure, Metric, Rule, RuleKind, RuleSeverity, SetTest};
use polder_contract::{DatasetContract, Place};
use polder_core::document::Diagnostic;
use polder_core::{DatasetName, ErrorKind, Result, ResultExt};

use super::mistakes::wrong;
use super::rows::{Rows, changed};
use super::{BadRow, BadSample, SampleRow, Samples};
use crate::Gate;
use crate::table::{NoFacts, Queries, RuleVerdict, TableCheck, check_table};

/// What the samples show of one rule.
#[derive(Debug, Clone, PartialEq)]
pub struct SampleResult {
    /// The dataset.
    pub dataset: DatasetName,
    /// The rule's id.
    pub rule: String,
    /// What it asks, in words.
    pub says: String,
    /// What the samples show.
    pub verdict: SampleVerdict,
    /// Good rows that it was held against.
    pub good: usize,
    /// Bad samples that name it.
    pub bad: usize,
    /// Where the rule is declared, or, where it failed, the sample.
    pub place: Place,
    /// How much a failure weighs.
    pub severity: RuleSeverity,
    /// The dimension of quality, as declared.
    pub dimension: Option<String>,
}

/// What samples show of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SampleVerdict {
    /// It accepts every good row and fires on its bad ones, and no other rule does.
    Proven,
    /// It does not; each way in which it does not, in words.
    Failed(Vec<String>),
    /// There is no good row, or no bad one that names it.
    NoSample,
    /// The contract says why no sample can show it.
    Skipped(String),
    /// Nobody here runs it, and why.
    NotRun(String),
}

impl SampleVerdict {
    /// The verdict's word in reports.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Proven => "proven",
            Self::Failed(_) => "failed",
            Self::NoSample => "no sample",
            Self::Skipped(_) => "skipped",
            Self::NotRun(_) => "not run",
        }
    }
}

/// Which rules fired, with the reason of the first time.
type Fired = BTreeMap<String, String>;

/// Proves each rule of a dataset's contract by its samples. Row rules are asked by the gate, as at a write; rules about
/// the table by the check of tables, over the good rows and those bad rows that the gate lets in.
///
/// The findings are about the samples themselves: values that are none of their column's type, rules that the contract
/// does not have. Where there are any, there are no results.
///
/// # Errors
/// `Document`, where the contract cannot be enforced; otherwise what keeps rules from being run at all.
pub async fn prove(
    contract: &DatasetContract,
    samples: &Samples,
    queries: &dyn Queries,
) -> Result<(Vec<SampleResult>, Vec<Diagnostic>)> {
    let rules = contract.rules().map_err(polder_core::Error::document)?;
    let rows = Rows::new(contract)?;
    let mut problems = wrong(&rules, &rows, samples);
    if !problems.is_empty() {
        return Ok((Vec::new(), problems));
    }
    let mut bad = Vec::new();
    for sample in &samples.bad {
        let whole = whole_rows(sample, samples.good.first());
        bad.push((sample, rows.batch(&whole, &mut problems)?));
    }
    let Some(good) = rows.batch(&samples.good, &mut problems)? else {
        return Ok((Vec::new(), problems));
    };
    let prover = Prover {
        gate: Gate::compile(contract)?,
        sets: TableCheck::of_sets(contract)?,
        now: samples.now.or_else(|| newest(&good)).unwrap_or_else(Utc::now),
        queries,
        skipped: samples.skip.iter().map(|skipped| skipped.rule.clone()).collect(),
        too_few: too_few(&rules, samples),
        keys: keys(&rules),
    };
    let mut found = Findings::default();
    let good = prover.good(samples, &good, &mut found).await?;
    for (sample, batch) in bad {
        if let Some(batch) = batch {
            prover.bad(sample, &good, &batch, &mut found).await?;
        }
    }
    let results = rules.iter().map(|rule| found.result(contract, rule, samples)).collect();
    Ok((results, problems))
}

/// Rules by which no two rows are alike.
fn keys(rules: &[Rule]) -> BTreeSet<String> {
    let counts_doubles = |rule: &&Rule| {
        let RuleKind::Set(set) = &rule.kind else { return false };
        matches!(set.metric, Metric::Duplicates { .. })
    };
    rules
        .iter()
        .filter(counts_doubles)
        .map(|rule| rule.id.clone())
        .collect()
}

/// Skipped rules about the table that may refuse the good rows only because they are so few. Not one that counts wrong
/// rows and accepts none of them: what these rows break, every table with them breaks.
fn too_few(rules: &[Rule], samples: &Samples) -> BTreeSet<String> {
    let may_be_few = |rule: &&Rule| match &rule.kind {
        RuleKind::Set(SetTest {
            metric: Metric::Nulls { .. } | Metric::Missing { .. } | Metric::Invalid { .. } | Metric::Duplicates { .. },
            operator,
            percent: false,
        }) => !operator.holds(&Figure::Whole(0)),
        RuleKind::Set(_) => true,
        RuleKind::Row(_) | RuleKind::NotRun { .. } => false,
    };
    let skipped = |rule: &&Rule| samples.skip.iter().any(|skipped| skipped.rule == rule.id);
    let rules = rules.iter().filter(skipped).filter(may_be_few);
    rules.map(|rule| rule.id.clone()).collect()
}

/// The rows of a bad sample with all their values.
fn whole_rows(sample: &BadSample, first: Option<&SampleRow>) -> Vec<SampleRow> {
    let rows = sample.rows.iter().map(|row| match (row, first) {
        (BadRow::Changed(change), Some(first)) => changed(first, change),
        (BadRow::Whole(row) | BadRow::Changed(row), _) => row.clone(),
    });
    rows.collect()
}

/// The newest instant in the rows: where nothing else is said, a table of samples is looked at then.
fn newest(batch: &RecordBatch) -> Option<DateTime<Utc>> {
    let columns = batch
        .columns()
        .iter()
        .filter(|column| matches!(column.data_type(), DataType::Timestamp(_, _)));
    let values = columns.filter_map(|column| column.as_primitive_opt::<TimestampMicrosecondType>());
    values
        .flat_map(|values| values.iter().flatten())
        .max()
        .and_then(DateTime::from_timestamp_micros)
}

struct Prover<'q> {
    gate: Gate,
    sets: TableCheck,
    now: DateTime<Utc>,
    queries: &'q dyn Queries,
    /// Rules that no sample shows: whether they fire on bad samples means nothing.
    skipped: BTreeSet<String>,
    /// Those of them that good rows may break, too.
    too_few: BTreeSet<String>,
    /// Those that a row breaks whose key another one has.
    keys: BTreeSet<String>,
}

impl Prover<'_> {
    /// Holds every rule against the good rows; gives them with the contract's columns.
    async fn good(&self, samples: &Samples, good: &RecordBatch, found: &mut Findings) -> Result<RecordBatch> {
        let verdict = self.gate.check(good)?;
        for violation in verdict.violations.iter().chain(&verdict.warnings) {
            let place = samples.good.get(violation.row).map(|row| row.place.clone());
            found.refuses_good.insert(violation.rule.to_string());
            found.fail(
                &violation.rule,
                format!("it refuses the good row {}: {}", violation.row + 1, violation.reason),
                place,
            );
        }
        // A row that is refused was told: what only follows from its absence is no other mistake.
        let rows = verdict.batch;
        let (fired, not_run) = self.table(&rows, self.now).await?;
        for (rule, figure) in fired {
            let place = samples.good.first().map(|row| row.place.clone());
            found.refuses_good.insert(rule.clone());
            found.fail(&rule, format!("it refuses the good rows together: {figure}"), place);
        }
        found.not_run.extend(not_run);
        Ok(rows)
    }

    /// Holds every rule against the rows of one bad sample.
    async fn bad(
        &self,
        sample: &BadSample,
        good: &RecordBatch,
        batch: &RecordBatch,
        found: &mut Findings,
    ) -> Result<()> {
        let verdict = self.gate.check(batch)?;
        let mut fired = Fired::new();
        for violation in verdict.violations.iter().chain(&verdict.warnings) {
            fired
                .entry(violation.rule.to_string())
                .or_insert_with(|| violation.reason.clone());
        }
        let let_in = accepted(&verdict.batch, &verdict.accepted)?;
        if let_in.num_rows() > 0 || sample.now.is_some() {
            let together = concat_batches(&good.schema(), [good, &let_in])
                .context(ErrorKind::Internal, || "sample rows cannot be put together".to_owned())?;
            fired.extend(self.table(&together, sample.now.unwrap_or(self.now)).await?.0);
        }
        let named: BTreeSet<&str> = sample.rules.iter().map(|(rule, _)| rule.as_str()).collect();
        for (rule, place) in &sample.rules {
            if !fired.contains_key(rule) {
                found.fail(
                    rule,
                    "it does not fire on its bad sample".to_owned(),
                    Some(place.clone()),
                );
            }
            // A rule that refuses good rows refuses what is made of them: that was said.
            let told = found.refuses_good.clone();
            let others = fired
                .iter()
                .filter(|(other, _)| !told.contains(*other) && !self.skipped.contains(*other));
            for (other, reason) in others.filter(|(other, _)| !named.contains(other.as_str())) {
                // What is made of the first good row has its key.
                let own = match self.keys.contains(other) {
                    true => "; give it a key of its own",
                    false => "",
                };
                let message = format!("its bad sample breaks `{other}` too: {reason}{own}");
                found.fail(rule, message, Some(sample.place.clone()));
            }
        }
        Ok(())
    }

    /// The rules about the table that these rows break, with what was measured, and those that were not run.
    async fn table(&self, rows: &RecordBatch, now: DateTime<Utc>) -> Result<(Fired, Fired)> {
        let (mut fired, mut not_run) = (Fired::new(), Fired::new());
        if self.sets.is_empty() {
            return Ok((fired, not_run));
        }
        let report = check_table(&self.sets, table(rows)?, &NoFacts, self.queries, now).await?;
        for result in report
            .results
            .into_iter()
            .filter(|result| !self.too_few.contains(&result.rule))
        {
            let said = result.measured.or(result.note).unwrap_or(result.says);
            match result.verdict {
                RuleVerdict::Failed | RuleVerdict::Warned => {
                    fired.insert(result.rule, said);
                }
                RuleVerdict::NotRun(why) => {
                    not_run.insert(result.rule, why);
                }
                RuleVerdict::Passed => {}
            }
        }
        Ok((fired, not_run))
    }
}

/// The rows as a table.
pub(super) fn table(rows: &RecordBatch) -> Result<Arc<dyn TableProvider>> {
    let table = MemTable::try_new(rows.schema(), vec![vec![rows.clone()]])
        .context(ErrorKind::Internal, || "sample rows cannot be a table".to_owned())?;
    Ok(Arc::new(table))
}

/// The rows that the gate lets in, with the contract's columns.
fn accepted(batch: &RecordBatch, accepted: &arrow::array::BooleanArray) -> Result<RecordBatch> {
    filter_record_batch(batch, accepted).context(ErrorKind::Internal, || "sample rows cannot be filtered".to_owned())
}

/// What was found, by rule.
#[derive(Default)]
struct Findings {
    failed: BTreeMap<String, (Vec<String>, Option<Place>)>,
    not_run: Fired,
    /// Rules that good rows break.
    refuses_good: BTreeSet<String>,
}

impl Findings {
    fn fail(&mut self, rule: &str, message: String, place: Option<Place>) {
        let (messages, first) = self.failed.entry(rule.to_owned()).or_default();
        if !messages.contains(&message) {
            messages.push(message);
        }
        if first.is_none() {
            *first = place;
        }
    }

    fn result(&mut self, contract: &DatasetContract, rule: &Rule, samples: &Samples) -> SampleResult {
        let bad = samples
            .bad
            .iter()
            .filter(|sample| sample.rules.iter().any(|(named, _)| *named == rule.id))
            .count();
        let skipped = samples.skip.iter().find(|skipped| skipped.rule == rule.id);
        let mut place = rule.place.clone();
        let verdict = if let RuleKind::NotRun { why } = &rule.kind {
            SampleVerdict::NotRun(why.clone())
        } else if let Some(skipped) = skipped.filter(|_| !self.failed.contains_key(&rule.id)) {
            SampleVerdict::Skipped(skipped.reason.clone())
        } else if let Some(why) = self.not_run.remove(&rule.id) {
            SampleVerdict::NotRun(why)
        } else if let Some((messages, sample)) = self.failed.remove(&rule.id) {
            place = sample.unwrap_or(place);
            SampleVerdict::Failed(messages)
        } else if bad == 0 || samples.good.is_empty() {
            SampleVerdict::NoSample
        } else {
            SampleVerdict::Proven
        };
        SampleResult {
            dataset: contract.dataset().clone(),
            rule: rule.id.clone(),
            says: rule.says.clone(),
            verdict,
            good: samples.good.len(),
            bad,
            place,
            severity: rule.severity,
            dimension: rule.dimension.clone(),
        }
    }
}
