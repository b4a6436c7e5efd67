//! All rules of a contract held against a table.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use datafusion::catalog::TableProvider;
use polder_contract::DatasetContract;
use polder_contract::rule::Rule;
use polder_core::Result;

use crate::table::answer::{self, Answers, Others};
use crate::table::distinct::Budget;
use crate::table::facts::Facts;
use crate::table::plan::{Measure, Plan};
use crate::table::queries::Queries;
use crate::table::report::TableReport;
use crate::table::scan::{self, AllFacts};
use crate::table::state::{TableState, Wanted};

/// Memory for fingerprints of keys, bytes: 16 million of them.
const MEMORY: usize = 256 << 20;
/// How long the queries of all rules may take together, each time that a table is judged.
const QUERIES: Duration = Duration::from_secs(120);

/// A contract's rules, compiled to be held against a whole table: one pass over the columns that they need, whatever
/// their number.
pub struct TableCheck {
    pub(crate) plan: Arc<Plan>,
    pub(crate) memory: usize,
    /// For the queries of all rules together.
    time: Duration,
    /// What all of its states share.
    pub(crate) budget: Arc<Budget>,
}

impl TableCheck {
    fn new(plan: Plan) -> Self {
        Self {
            plan: Arc::new(plan),
            memory: MEMORY,
            time: QUERIES,
            budget: Budget::new(MEMORY),
        }
    }

    /// Compiles all rules: those about rows, of which the failing rows are counted, and those about the table.
    ///
    /// # Errors
    /// `Document`, where a rule makes no sense or a property has no type that a table can hold.
    pub fn compile(contract: &DatasetContract) -> Result<Self> {
        Ok(Self::new(Plan::compile(contract, true)?))
    }

    /// Compiles the rules about the table alone, for rows that a gate has judged already.
    ///
    /// # Errors
    /// As [`TableCheck::compile`].
    pub fn of_sets(contract: &DatasetContract) -> Result<Self> {
        Ok(Self::new(Plan::compile(contract, false)?))
    }

    /// As [`of_sets`](Self::of_sets), with those rules only that are wanted.
    ///
    /// # Errors
    /// As [`TableCheck::compile`].
    pub fn of_sets_where(contract: &DatasetContract, wanted: impl Fn(&Rule) -> bool) -> Result<Self> {
        Ok(Self::new(Plan::compile_where(contract, false, wanted)?))
    }

    /// With another limit for what the fingerprints of keys take in memory, bytes, in all states of the check together;
    /// what goes beyond lies in temporary files.
    #[cfg(test)]
    pub(crate) fn with_memory(self, memory: usize) -> Self {
        let budget = Budget::new(memory);
        Self { memory, budget, ..self }
    }

    /// With another limit for the time that the queries of all rules may take together; 120 s otherwise.
    #[cfg(test)]
    pub(crate) fn with_time(self, time: Duration) -> Self {
        Self { time, ..self }
    }

    /// Whether the contract declares no rule of this kind.
    pub fn is_empty(&self) -> bool {
        self.plan.rules.is_empty()
    }

    /// How many commits before the newest one its rules about volume ask for at most; 0 where there are none.
    pub fn recent_commits(&self) -> usize {
        let asked = self.plan.rules.iter().map(|(_, measure)| match measure {
            Measure::Volume(commits) => *commits as usize,
            _ => 0,
        });
        asked.max().unwrap_or(0)
    }

    /// The contract's columns that must be read where nothing is known of the table, in the contract's order.
    pub fn columns(&self) -> Vec<String> {
        let columns = Wanted::all(&self.plan, true).columns(&self.plan, |_| false);
        let names = columns
            .iter()
            .map(|column| self.plan.schema.field(*column).name().clone());
        names.collect()
    }

    /// A state for all figures, before the first row.
    pub fn state(&self) -> TableState {
        TableState::new(&self.plan, Wanted::all(&self.plan, true), &self.budget)
    }

    /// What the rules find in the rows that the state has seen. `table` stands for the contract's own dataset in
    /// queries: it must hold the same rows; without it, rules that are queries are not run.
    ///
    /// # Errors
    /// What keeps fingerprints of keys from being read. What keeps a query or another dataset from being read is the
    /// failure of its rule.
    pub async fn report(
        &self,
        state: TableState,
        table: Option<&Arc<dyn TableProvider>>,
        facts: &dyn Facts,
        queries: &dyn Queries,
        now: DateTime<Utc>,
    ) -> Result<TableReport> {
        self.report_where(state, table, facts, queries, now, |_| true).await
    }

    /// As [`report`](Self::report), of the rules with these ids only: nobody is asked for another's sake.
    ///
    /// # Errors
    /// As [`report`](Self::report).
    pub async fn report_where(
        &self,
        state: TableState,
        table: Option<&Arc<dyn TableProvider>>,
        facts: &dyn Facts,
        queries: &dyn Queries,
        now: DateTime<Utc>,
        wanted: impl Fn(&str) -> bool + Send + Sync,
    ) -> Result<TableReport> {
        let mut answers = Answers::of_commits(&self.plan, facts);
        answers.take(&self.plan, &state)?;
        let others = Others {
            table,
            queries,
            memory: self.memory,
            time: self.time,
        };
        answer::ask(&self.plan, &mut answers, &state, others, &wanted).await?;
        let mut report = answers.report(&self.plan, now);
        report.results.retain(|result| wanted(&result.rule));
        Ok(report)
    }
}

/// Holds all rules of a check against a table. What `facts` (and the statistics of the table's own files) answer exactly
/// is not read; where they answer everything, no row is.
///
/// # Errors
/// What keeps the table from being read, and what keeps fingerprints of keys from being put on disk.
pub async fn check_table(
    check: &TableCheck,
    provider: Arc<dyn TableProvider>,
    facts: &dyn Facts,
    queries: &dyn Queries,
    now: DateTime<Utc>,
) -> Result<TableReport> {
    let plan = &check.plan;
    let session = scan::session();
    let schema = provider.schema();
    let files = scan::plan(&session, &provider, None).await?;
    let facts = AllFacts::new(facts, Arc::clone(&schema), files.as_ref());
    let mut answers = Answers::of_facts(plan, &facts);

    let odd = |column: usize| scan::is_odd(plan, column, &schema);
    let wanted = answers.open(plan, &schema, odd);
    let mut state = TableState::new(plan, wanted, &check.budget);
    if answers.needs_scan(plan, state.wanted()) {
        let columns = state.wanted().columns(plan, odd);
        let projection = scan::projection(plan, &columns, &schema);
        scan::read(&session, &provider, &projection, &mut state).await?;
        answers.take(plan, &state)?;
    }
    let others = Others {
        table: Some(&provider),
        queries,
        memory: check.memory,
        time: check.time,
    };
    answer::ask(plan, &mut answers, &state, others, &|_| true).await?;
    Ok(answers.report(plan, now))
}

/// Adds the rows of a table to a state.
///
/// # Errors
/// As [`check_table`].
pub async fn scan_into(check: &TableCheck, provider: &Arc<dyn TableProvider>, state: &mut TableState) -> Result<()> {
    let schema = provider.schema();
    let columns = state
        .wanted()
        .columns(&check.plan, |column| scan::is_odd(&check.plan, column, &schema));
    let projection = scan::projection(&check.plan, &columns, &schema);
    scan::read(&scan::session(), provider, &projection, state).await
}
