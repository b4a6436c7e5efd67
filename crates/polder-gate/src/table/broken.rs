//! Some of the rows that break rules about the table, for people to look at.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, new_null_array};
use arrow::datatypes::DataType;
use datafusion::catalog::TableProvider;
use polder_contract::rule::{Metric, OnFailure, PathStep, RuleKind};
use polder_core::Result;

use crate::gate::Violation;
use crate::row_tests::{CompiledTest, shown};
use crate::table::orphans;
use crate::table::plan::{Measure, Plan};
use crate::table::queries::Queries;
use crate::table::report::{RuleVerdict, TableReport};
use crate::table::state::{TableState, Wanted, fingerprints, inside, whole};
use crate::table::table_check::{TableCheck, scan_into};

/// Finds rows that break rules about the table: those beyond the first of a key, those whose key another dataset does not
/// have, and those that a threshold counts.
pub struct BrokenRows {
    plan: Arc<Plan>,
    searches: Vec<Search>,
}

/// What is looked for on behalf of one rule.
struct Search {
    rule: Arc<str>,
    subject: String,
    says: String,
    on_failure: OnFailure,
    wanted: SearchedFor,
}

enum SearchedFor {
    /// Rows that fail a test.
    Failing(CompiledTest),
    Keys(SearchedKeys),
}

/// Rows with certain keys.
struct SearchedKeys {
    /// The values' paths, as declared.
    names: Vec<String>,
    paths: Vec<Vec<PathStep>>,
    /// The columns that they are read from.
    columns: Vec<String>,
    /// Fingerprints.
    keys: HashSet<u128>,
    /// Keys that were there already, where the first row of each is not looked for.
    seen: Option<HashSet<u128>>,
}

impl BrokenRows {
    /// For the rules that do not hold and of which a report counted failing rows. Keys are gathered anew, so the table is read once for
    /// this.
    ///
    /// # Errors
    /// As [`check_table`](crate::table::check_table), and what keeps other datasets from being read.
    pub async fn of(
        check: &TableCheck,
        table: &Arc<dyn TableProvider>,
        report: &TableReport,
        queries: &dyn Queries,
    ) -> Result<Self> {
        let plan = Arc::clone(&check.plan);
        let broken: HashSet<&str> = report
            .results
            .iter()
            .filter(|result| result.failing_rows > Some(0) && result.verdict != RuleVerdict::Passed)
            .map(|result| result.rule.as_str())
            .collect();
        let mut rules = Vec::new();
        let mut wanted = Wanted::all(&plan, false);
        for (rule, measure) in &plan.rules {
            let RuleKind::Set(test) = &rule.kind else { continue };
            if !broken.contains(rule.id.as_str()) {
                continue;
            }
            if let Measure::Duplicates(key) | Measure::Orphans { key, .. } = measure {
                wanted.keys[*key] = true;
            }
            rules.push((rule, test, measure));
        }
        let mut state = TableState::new(&plan, wanted, &check.budget);
        if state.wanted().keys.contains(&true) {
            scan_into(check, table, &mut state).await?;
        }
        let mut searches = Vec::new();
        for (rule, test, measure) in rules {
            let wanted = match (measure, &test.metric) {
                (Measure::Count(counted), _) => {
                    let test = &plan.counted[*counted].test;
                    let compiled = CompiledTest::compile(test, plan.contract.object(), &plan.schema);
                    compiled.ok().map(SearchedFor::Failing)
                }
                (Measure::Duplicates(key), Metric::Duplicates { columns }) => {
                    let keys = state.keys[*key].some_duplicated(KEPT)?;
                    Some(searched(&plan, *key, columns, keys, Some(HashSet::new())))
                }
                (Measure::Orphans { key, dataset, to }, Metric::Orphans { columns, .. }) => {
                    let other = match dataset == plan.contract.dataset() {
                        true => Some(Arc::clone(table)),
                        false => queries.provider(dataset).await?,
                    };
                    let types = orphans::types(&plan, *key);
                    let mine = &state.keys[*key];
                    let keys = orphans::some(mine, &types, other.as_ref(), to, check.memory, KEPT).await?;
                    Some(searched(&plan, *key, columns, keys, None))
                }
                _ => None,
            };
            searches.extend(wanted.map(|wanted| Search {
                rule: rule.id.as_str().into(),
                subject: rule.column.clone().unwrap_or_default(),
                says: rule.says.clone(),
                on_failure: rule.on_failure,
                wanted,
            }));
        }
        Ok(Self { plan, searches })
    }

    /// The rows of a batch that are such. Of one key the first row that is given is the one that stays, so batches come
    /// in the table's order.
    ///
    /// # Errors
    /// As [`TableState::push`].
    pub fn find(&mut self, batch: &RecordBatch) -> Result<Vec<Violation>> {
        let mut all = Vec::new();
        for search in &mut self.searches {
            let (rows, reasons) = match &mut search.wanted {
                SearchedFor::Failing(test) => {
                    let (columns, unfit) = whole(batch, test.columns(), &self.plan.schema)?;
                    let mut broken = test.broken(&columns)?;
                    CompiledTest::retain(&mut broken, |row| !unfit.contains(&row));
                    let reasons = test.reasons(&broken, &search.subject, &search.says, &columns)?;
                    (broken.rows, reasons)
                }
                SearchedFor::Keys(keys) => keys.find(batch, &self.plan, &search.says)?,
            };
            all.extend(rows.into_iter().zip(reasons).map(|(row, reason)| Violation {
                row,
                rule: Arc::clone(&search.rule),
                reason,
                on_failure: search.on_failure,
            }));
        }
        Ok(all)
    }
}

/// Keys that are looked for at most; of more, some.
const KEPT: usize = 1 << 16;

fn searched(plan: &Plan, key: usize, names: &[String], keys: Vec<u128>, seen: Option<HashSet<u128>>) -> SearchedFor {
    let paths = plan.keys[key].clone();
    let mut columns = Vec::new();
    for path in &paths {
        if let Some(PathStep::Field(name)) = path.first()
            && !columns.contains(name)
        {
            columns.push(name.clone());
        }
    }
    SearchedFor::Keys(SearchedKeys {
        names: names.to_vec(),
        paths,
        columns,
        keys: keys.into_iter().collect(),
        seen,
    })
}

impl SearchedKeys {
    /// The rows, and what to say about each: `id is 7 and day is 2026-01-05: no duplicate values`.
    fn find(&mut self, batch: &RecordBatch, plan: &Plan, says: &str) -> Result<(Vec<usize>, Vec<String>)> {
        let (columns, _) = whole(batch, &self.columns, &plan.schema)?;
        let value = |path: &Vec<PathStep>| match path.first() {
            Some(PathStep::Field(name)) => columns.column_by_name(name).map(|column| inside(column, &path[1..])),
            _ => None,
        };
        let values: Vec<ArrayRef> = self
            .paths
            .iter()
            .map(|path| value(path).unwrap_or_else(|| new_null_array(&DataType::Int32, batch.num_rows())))
            .collect();
        let (hashes, nulls) = fingerprints(&values)?;
        let mut rows = Vec::new();
        for (row, key) in hashes.into_iter().enumerate() {
            let has_key = nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
            if !has_key || !self.keys.contains(&key) {
                continue;
            }
            if self.seen.as_mut().is_none_or(|seen| !seen.insert(key)) {
                rows.push(row);
            }
        }
        let mut reasons = vec![String::new(); rows.len()];
        for (name, values) in self.names.iter().zip(&values) {
            for (reason, value) in reasons.iter_mut().zip(shown(values, &rows)?) {
                let and = if reason.is_empty() { "" } else { " and " };
                *reason = format!("{reason}{and}{name} {value}");
            }
        }
        for reason in &mut reasons {
            *reason = format!("{reason}: {says}");
        }
        Ok((rows, reasons))
    }
}
