//! Rules of contracts that are queries: what they may read, how long they may take, and the one figure that they give.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use datafusion::arrow::array::RecordBatch;
use datafusion::catalog::TableProvider;
use datafusion::common::ScalarValue;
use datafusion::datasource::empty::EmptyTable;
use datafusion::prelude::DataFrame;
use datafusion::sql::parser::Statement as Parsed;
use datafusion::sql::sqlparser::ast::Statement as Ast;
use polder_contract::DatasetContract;
use polder_contract::rule::{Figure, Metric, RuleKind};
use polder_core::{DatasetName, Error, ErrorKind, Result};
use polder_gate::table::{Queries, QueryColumns};
use polder_gate::{list_limits, sql_limits};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

use crate::failure::query_error;
use crate::placeholder;
use crate::session::Session;
use crate::statement::{Reference, Statement};

/// How long a rule's query may take where nobody says.
const LIMIT: Duration = Duration::from_secs(60);
/// Stack of a query's threads, bytes: planning goes as deep as the query is nested.
const STACK: usize = 16 << 20;

/// Answers the queries of one contract's rules with a session: they only read, and only the contract's own datasets and
/// those that its relationships name.
#[derive(Debug, Clone)]
pub struct RuleQueries {
    session: Session,
    contract: DatasetContract,
    /// Datasets that its rules may read.
    readable: BTreeSet<DatasetName>,
    limit: Duration,
    /// No other dataset is there to be read.
    alone: bool,
    /// Datasets that cannot be read, with why.
    absent: BTreeMap<DatasetName, String>,
}

impl RuleQueries {
    /// For the rules of a dataset's contract. Queries share the session's memory and disk.
    pub fn new(session: &Session, contract: &DatasetContract) -> Self {
        let all = DatasetContract::all(&contract.contract);
        let mut readable: BTreeSet<_> = all.iter().map(|own| own.dataset().clone()).collect();
        // What is wrong with rules is said where they are compiled.
        let rules = all.iter().flat_map(DatasetContract::rules_that_make_sense);
        readable.extend(rules.filter_map(|rule| match rule.kind {
            RuleKind::Set(test) => match test.metric {
                Metric::Orphans { dataset, .. } => Some(dataset),
                _ => None,
            },
            _ => None,
        }));
        Self {
            session: session.of_rules(&all),
            contract: contract.clone(),
            readable,
            limit: LIMIT,
            alone: false,
            absent: BTreeMap::new(),
        }
    }

    /// With another limit for the time that a query takes; 60 s otherwise.
    #[must_use]
    pub fn with_limit(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// For rows that no lake is around: rules about other datasets are not run.
    #[must_use]
    pub fn alone(self) -> Self {
        Self { alone: true, ..self }
    }

    /// Where some datasets cannot be read, for the reasons that are given: rules about them are not run.
    #[must_use]
    pub fn without(self, absent: BTreeMap<DatasetName, String>) -> Self {
        Self { absent, ..self }
    }

    /// The query as it is written, with its placeholders replaced.
    fn written(&self, sql: &str, column: Option<&str>) -> Result<Statement> {
        let refused = |why: String| Error::new(ErrorKind::Usage, why);
        let column = match column {
            Some(path) => placeholder::column(path),
            None => None,
        };
        let own = self.contract.dataset().to_string();
        let sql = placeholder::replaced(sql, &own, column.as_deref()).map_err(refused)?;
        sql_limits::query_text(&sql).map_err(refused)?;
        let statement = Statement::parse(&sql)?;
        if !matches!(&statement.parsed, Parsed::Statement(parsed) if matches!(parsed.as_ref(), Ast::Query(_))) {
            return Err(refused("a rule's query is a SELECT that gives one figure".to_owned()));
        }
        statement.plannable()?;
        Ok(statement)
    }

    /// The query as it is run: the contract's objects known by their short names.
    fn prepared(&self, sql: &str, column: Option<&str>) -> Result<Statement> {
        let mut statement = self.written(sql, column)?;
        let unknown = |parts: &[String]| {
            let message = format!(
                "the query reads `{}`, which is no dataset of the contract",
                parts.join(".")
            );
            Error::new(ErrorKind::Usage, message).with_help("write {object} for the rule's own dataset")
        };
        names::resolve(&mut statement, |name| self.by_short_name(name), unknown)?;
        for Reference { dataset, .. } in &statement.datasets {
            self.readable_only(dataset)?;
        }
        Ok(statement)
    }

    /// The dataset of the contract's object that goes by this name.
    fn by_short_name(&self, name: &str) -> Option<DatasetName> {
        let all = DatasetContract::all(&self.contract.contract);
        let named = |own: &&DatasetContract| {
            own.object().name.eq_ignore_ascii_case(name) || own.dataset().name().eq_ignore_ascii_case(name)
        };
        all.iter().find(named).map(|own| own.dataset().clone())
    }

    /// A session in which this table is the contract's own: in the contract's columns and their order, as the query was
    /// checked; what the contract does not name follows.
    fn over(&self, table: Arc<dyn TableProvider>) -> Session {
        let table = self.session.arranged(self.contract.dataset(), table);
        self.session.with_tables([(self.contract.dataset().clone(), table)])
    }

    fn readable_only(&self, dataset: &DatasetName) -> Result<()> {
        if self.readable.contains(dataset) {
            return Ok(());
        }
        let message =
            format!("the query reads {dataset}, which is neither the contract's nor named by its relationships");
        Err(Error::new(ErrorKind::Usage, message)
            .with_help("declare a relationship to it, or check it in its own contract"))
    }
}

#[async_trait]
impl Queries for RuleQueries {
    async fn figure(&self, sql: &str, column: Option<&str>, table: Arc<dyn TableProvider>) -> Result<Figure> {
        let statement = self.prepared(sql, column)?;
        let session = self.over(table);
        let threads = Threads::start()?;
        let mut task = threads.spawn(async move { ask(&session, statement).await });
        match tokio::time::timeout(self.limit, &mut task).await {
            Ok(Ok(figure)) => figure,
            // What it says of its end may show values of rows.
            Ok(Err(cause)) => {
                let message = "the query engine broke down over it, as it may where memory runs out";
                Err(Error::new(ErrorKind::Internal, message)
                    .with_help("raise engine.memory in polder.yaml or POLDER_ENGINE__MEMORY, or ask for less at once")
                    .with_source(cause))
            }
            Err(_) => {
                task.abort();
                let message = format!(
                    "the query took longer than {} s and was stopped",
                    self.limit.as_secs_f64()
                );
                Err(Error::new(ErrorKind::Refused, message))
            }
        }
    }

    async fn columns(
        &self,
        sql: &str,
        column: Option<&str>,
        table: Arc<dyn TableProvider>,
    ) -> Result<Option<QueryColumns>> {
        // By name and type alone: a plan looks through a view to tables that are no datasets.
        let named: Arc<dyn TableProvider> = Arc::new(EmptyTable::new(table.schema()));
        let answer = self.over(named).plan_bounded(self.prepared(sql, column)?).await?;
        columns::of(answer.logical_plan()).map(Some)
    }

    fn out_of_reach(&self, dataset: &DatasetName) -> Option<String> {
        if let Some(why) = self.absent.get(dataset) {
            return Some(why.clone());
        }
        let other = self.alone && dataset != self.contract.dataset();
        other.then(|| format!("it is about {dataset} too, which is not at hand beside a file"))
    }

    fn query_out_of_reach(&self, sql: &str, column: Option<&str>) -> Option<String> {
        // What is wrong with a query is told when it is asked.
        let statement = self.prepared(sql, column).ok()?;
        let mut read = statement.datasets.iter();
        read.find_map(|reference| self.out_of_reach(&reference.dataset))
    }

    async fn provider(&self, dataset: &DatasetName) -> Result<Option<Arc<dyn TableProvider>>> {
        self.readable_only(dataset)?;
        self.session.table(dataset).await
    }
}

/// Threads of one query. A query that never pauses cannot be stopped: it keeps neither the clock from being looked at
/// nor the process from ending.
struct Threads(Option<Runtime>);

impl Threads {
    fn start() -> Result<Self> {
        let failure =
            |cause| Error::new(ErrorKind::Refused, "cannot start threads for a rule's query").with_source(cause);
        let runtime = Builder::new_multi_thread()
            .thread_name("polder-rule")
            .thread_stack_size(STACK)
            .enable_all()
            .build()
            .map_err(failure)?;
        Ok(Self(Some(runtime)))
    }

    /// Runs a future there, or here once they have ended.
    fn spawn<T: Send + 'static>(&self, future: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        match &self.0 {
            Some(runtime) => runtime.spawn(future),
            None => tokio::spawn(future),
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// The one figure of a statement.
async fn ask(session: &Session, statement: Statement) -> Result<Figure> {
    let shape = |what: String| {
        let message = format!("the query gives {what}, and a rule needs one figure");
        Error::new(ErrorKind::Usage, message).with_help("one row of one column, such as SELECT count(*) FROM {object}")
    };
    let answer = session.plan_bounded(statement).await?;
    sql_limits::query_plan(answer.logical_plan()).map_err(|why| Error::new(ErrorKind::Usage, why))?;
    lists_are_bounded(&answer)?;
    let columns = answer.schema().fields().len();
    if columns != 1 {
        return Err(shape(format!("{columns} columns")));
    }
    let rows: Vec<RecordBatch> = answer
        .limit(0, Some(2))
        .map_err(query_error)?
        .collect()
        .await
        .map_err(query_error)?;
    match rows.iter().map(RecordBatch::num_rows).sum() {
        1 => {}
        0 => return Err(shape("no row".to_owned())),
        _ => return Err(shape("more than one row".to_owned())),
    }
    let Some(batch) = rows.iter().find(|batch| batch.num_rows() > 0) else {
        return Err(shape("no row".to_owned()));
    };
    let value = ScalarValue::try_from_array(batch.column(0), 0).map_err(query_error)?;
    value::figure(&value)
}

/// Refuses a query that could make far more of lists than they hold. What it does not need of the tables does not count,
/// so the plan is looked at as it will run.
fn lists_are_bounded(answer: &DataFrame) -> Result<()> {
    if !list_limits::takes_apart(answer.logical_plan()) {
        return Ok(());
    }
    let optimised = answer.clone().into_optimized_plan().map_err(query_error)?;
    list_limits::taken_apart(&optimised).map_err(|why| Error::new(ErrorKind::Usage, why))
}

mod columns;
mod names;
mod plan;
mod value;

#[cfg(test)]
mod tests;
