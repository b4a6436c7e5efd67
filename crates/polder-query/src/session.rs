//! The session.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use datafusion::catalog::{MemoryCatalogProviderList, TableProvider};
use datafusion::common::TableReference;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::{DataFrame, SessionConfig, SessionContext};
use futures::future::try_join_all;
use polder_contract::DatasetContract;
use polder_core::{DatasetName, Error, ErrorKind, Result};
use polder_gate::{plan_limits, sql_limits, sql_maps, sql_numbers};
use polder_lake::Lake;

use crate::catalogs::Domains;
use crate::failure::query_error;
use crate::options::SessionOptions;
use crate::statement::{Reference, Statement, is_information_schema};
use crate::tables::Tables;

/// Answers SQL over the datasets of a lake.
///
/// Every statement sees each dataset's newest version at the time when the statement is planned, or the version that
/// it asks for: `FROM sales.gold.orders VERSION AS OF 3`, `… TIMESTAMP AS OF '2026-01-31T08:00:00Z'` (also after `FOR`,
/// and `FOR SYSTEM_TIME AS OF '…'`). Such a table goes by its last name in the rest of the statement.
///
/// Whole numbers that do not fit their type are an error ([`sql_numbers::exact`]).
///
/// A clone is cheap and shares memory and disk with its original.
#[derive(Clone)]
pub struct Session {
    context: SessionContext,
    tables: Arc<Tables>,
    domains: Domains,
    config: SessionConfig,
    runtime: Arc<RuntimeEnv>,
    /// No comparison holds of NaN.
    of_rules: bool,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("tables", &self.tables)
            .finish_non_exhaustive()
    }
}

impl Session {
    /// A session over a lake. Touches no table.
    ///
    /// # Errors
    /// `Refused` where the folder for what does not fit into memory cannot be used.
    pub fn new(lake: &Lake, options: &SessionOptions) -> Result<Self> {
        let tables = Tables {
            lake: Some(lake.clone()),
            ..Tables::default()
        };
        Ok(Self::build(tables, options.config(), options.runtime()?, false))
    }

    /// A session without a lake: it knows only what [`Session::with_tables`] gives it. A dataset of another time is
    /// the table that was given.
    ///
    /// # Errors
    /// As [`Session::new`].
    pub fn without_lake(options: &SessionOptions) -> Result<Self> {
        Ok(Self::build(
            Tables::default(),
            options.config(),
            options.runtime()?,
            false,
        ))
    }

    /// The same session with tables that stand for datasets; they share its memory and disk. A dataset of another
    /// time is still the lake's.
    #[must_use]
    pub fn with_tables(&self, tables: impl IntoIterator<Item = (DatasetName, Arc<dyn TableProvider>)>) -> Self {
        let mut all = Tables::clone(&self.tables);
        all.given.extend(tables);
        Self::build(all, self.config.clone(), Arc::clone(&self.runtime), self.of_rules)
    }

    /// The same session, in which datasets of the lake have the columns of these contracts, in their order, at all times;
    /// what a contract does not name follows. An optional column that a table does not have yet is one of nulls. Tables that
    /// were given stay as they are.
    #[must_use]
    pub fn under<'c>(&self, contracts: impl IntoIterator<Item = &'c DatasetContract>) -> Self {
        let mut all = Tables::clone(&self.tables);
        all.arrange(contracts, false);
        Self::build(all, self.config.clone(), Arc::clone(&self.runtime), self.of_rules)
    }

    /// A dataset's table, wherever it is from, as the session presents those of the lake: in the columns of its contract.
    pub fn arranged(&self, dataset: &DatasetName, table: Arc<dyn TableProvider>) -> Arc<dyn TableProvider> {
        self.tables.arranged(dataset, table)
    }

    /// The same session for queries of the rules of these contracts: no comparison holds of NaN, as in the SQL over one
    /// row, and a column that a table of theirs does not have is one of nulls, also where a value is required.
    #[must_use]
    pub(crate) fn of_rules<'c>(&self, contracts: impl IntoIterator<Item = &'c DatasetContract>) -> Self {
        let mut all = Tables::clone(&self.tables);
        all.arrange(contracts, true);
        Self::build(all, self.config.clone(), Arc::clone(&self.runtime), true)
    }

    fn build(tables: Tables, config: SessionConfig, runtime: Arc<RuntimeEnv>, of_rules: bool) -> Self {
        let tables = Arc::new(tables);
        let domains = Domains::new(Arc::clone(&tables), Arc::new(MemoryCatalogProviderList::new()));
        let state = SessionStateBuilder::new()
            .with_config(config.clone())
            .with_runtime_env(Arc::clone(&runtime))
            .with_default_features()
            .with_catalog_list(Arc::new(domains.clone()))
            .build();
        let context = SessionContext::new_with_state(state);
        sql_numbers::exact(&context);
        sql_maps::keys_apart(&context);
        if of_rules {
            sql_numbers::nan_is_unordered(&context);
        }
        Self {
            context,
            tables,
            domains,
            config,
            runtime,
            of_rules,
        }
    }

    /// The engine's context, for what goes beyond statements. Names resolve in it too; what statements may do is not
    /// limited by it.
    pub fn context(&self) -> &SessionContext {
        &self.context
    }

    /// Plans one statement that reads: `SELECT`, `WITH`, `VALUES`, `EXPLAIN`, `DESCRIBE`, `SHOW`. Nothing runs before
    /// the result is collected; errors of the run are translated by [`query_error`](crate::query_error).
    ///
    /// # Errors
    /// `Usage` for statements that are wrong or do more than read, `NotFound` for unknown datasets and versions, and
    /// what the lake says where it cannot be read.
    pub async fn sql(&self, sql: &str) -> Result<DataFrame> {
        self.plan(Statement::parse(sql)?).await
    }

    /// Plans a statement that was parsed, as [`Session::sql`] does.
    pub(crate) async fn plan(&self, statement: Statement) -> Result<DataFrame> {
        let (state, plan) = self.unverified(statement).await?;
        only_reads(&plan)?;
        Ok(DataFrame::new(state, plan))
    }

    /// The same of a statement of somebody who is not trusted: a plan that could not be worked on is refused.
    pub(crate) async fn plan_bounded(&self, statement: Statement) -> Result<DataFrame> {
        statement.plannable()?;
        let (state, plan) = self.unverified(statement).await?;
        // First of all: the others walk all of it.
        plan_limits::size(&plan).map_err(|why| Error::new(ErrorKind::Usage, why))?;
        only_reads(&plan)?;
        Ok(DataFrame::new(state, plan))
    }

    async fn unverified(&self, statement: Statement) -> Result<(SessionState, LogicalPlan)> {
        let found = self.find(&statement).await?;
        let listed = if statement.lists_tables {
            self.tables.names().await?
        } else {
            Vec::new()
        };
        let mut state = self.context.state();
        state.register_catalog_list(Arc::new(self.domains.with(found, listed)));
        let plan = state.statement_to_plan(statement.parsed).await.map_err(query_error)?;
        Ok((state, plan))
    }

    /// Plans a declared query, whoever proposed it, as [`Session::sql`] does: nothing of it runs while it is planned, and a plan
    /// that could not be worked on is refused.
    ///
    /// # Errors
    /// As [`Session::sql`], and `Usage` for what is too much.
    pub async fn written(&self, sql: &str) -> Result<LogicalPlan> {
        let refused = |why: String| Error::new(ErrorKind::Usage, why);
        sql_limits::pipeline_text(sql).map_err(refused)?;
        let frame = self.plan_bounded(Statement::parse(sql)?).await?;
        let plan = frame.into_unoptimized_plan();
        plan_limits::joined_constants(&plan).map_err(refused)?;
        Ok(plan)
    }

    /// The datasets that a declared query names, in order, without looking whether they exist.
    ///
    /// # Errors
    /// `Usage` as [`Session::sql`], for more text than a declared query may be, and for a query of which a part would run
    /// while it is planned.
    pub fn references(&self, sql: &str) -> Result<Vec<DatasetName>> {
        sql_limits::pipeline_text(sql).map_err(|why| Error::new(ErrorKind::Usage, why))?;
        let statement = Statement::parse(sql)?;
        statement.plannable()?;
        let mut names: Vec<_> = statement
            .datasets
            .into_iter()
            .map(|reference| reference.dataset)
            .collect();
        names.dedup();
        Ok(names)
    }

    /// All datasets that the session knows, in order.
    ///
    /// # Errors
    /// What the lake says where it cannot be listed.
    pub async fn datasets(&self) -> Result<Vec<DatasetName>> {
        self.tables.names().await
    }

    /// The table of a dataset as it is now; nothing where there is none.
    pub(crate) async fn table(&self, dataset: &DatasetName) -> Result<Option<Arc<dyn TableProvider>>> {
        let reference = Reference {
            dataset: dataset.clone(),
            moment: None,
        };
        self.tables.find(&reference).await
    }

    /// Looks up all tables of a statement at the same time.
    async fn find(&self, statement: &Statement) -> Result<BTreeMap<Reference, Arc<dyn TableProvider>>> {
        for parts in &statement.others {
            if !self.is_registered(parts) {
                return Err(self.tables.unknown(&parts.join(".")).await);
            }
        }
        let found =
            try_join_all(
                statement
                    .datasets
                    .iter()
                    .map(async |reference| match self.tables.find(reference).await? {
                        Some(table) => Ok((reference.clone(), table)),
                        None => Err(self.tables.unknown(&reference.dataset.to_string()).await),
                    }),
            );
        Ok(found.await?.into_iter().collect())
    }

    /// Whether a name is one of the engine's own tables or was registered with the context.
    fn is_registered(&self, parts: &[String]) -> bool {
        let reference = match parts {
            [table] => TableReference::bare(table.as_str()),
            [schema, table] => TableReference::partial(schema.as_str(), table.as_str()),
            [catalog, schema, table] => TableReference::full(catalog.as_str(), schema.as_str(), table.as_str()),
            _ => return false,
        };
        is_information_schema(parts) || self.context.table_exist(reference).unwrap_or(false)
    }
}

/// The statement was judged by its text; whatever it plans to is judged again.
fn only_reads(plan: &LogicalPlan) -> Result<()> {
    let only_reads = SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false);
    only_reads.verify_plan(plan).map_err(query_error)
}

#[cfg(test)]
mod tests;
