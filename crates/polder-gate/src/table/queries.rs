//! What rules ask of other tables, and of the query engine.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::TableProvider;
use polder_contract::rule::Figure;
use polder_core::{DatasetName, Result};

/// The columns, of whatever datasets, that a rule's query is about. A value inside of one has its path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueryColumns {
    /// Those whose values the figure is or is computed from. A count is computed from none.
    pub figure: BTreeSet<(DatasetName, String)>,
    /// All that the query names.
    pub named: BTreeSet<(DatasetName, String)>,
}

/// Answers the rules that a scan of their own table cannot.
#[async_trait]
pub trait Queries: Send + Sync {
    /// Whether queries are answered at all; where they are not, such rules are not run.
    fn answers(&self) -> bool {
        true
    }

    /// Why another dataset cannot be read here, so that rules about it are not run. Nothing where it is to be tried.
    fn out_of_reach(&self, _dataset: &DatasetName) -> Option<String> {
        None
    }

    /// The same of a query: why what it reads cannot be read here.
    fn query_out_of_reach(&self, _sql: &str, _column: Option<&str>) -> Option<String> {
        None
    }

    /// The one figure of a rule's query; `table` stands for the contract's own dataset. `column` is the path of the
    /// value that the rule is about, for its placeholders.
    ///
    /// # Errors
    /// Whatever keeps the query from giving one figure: no SQL, a statement that writes, a dataset that the contract
    /// does not name, another shape than one row of one column, too much time or memory. The rule has then failed to
    /// run.
    async fn figure(&self, sql: &str, column: Option<&str>, table: Arc<dyn TableProvider>) -> Result<Figure>;

    /// The columns that a rule's query is about, by the same arguments as for [`figure`](Self::figure). Nothing where
    /// that cannot be told.
    ///
    /// # Errors
    /// Whatever keeps the query from being planned.
    async fn columns(
        &self,
        _sql: &str,
        _column: Option<&str>,
        _table: Arc<dyn TableProvider>,
    ) -> Result<Option<QueryColumns>> {
        Ok(None)
    }

    /// The rows of another dataset; nothing where it has no table yet.
    ///
    /// # Errors
    /// What keeps the dataset from being read.
    async fn provider(&self, dataset: &DatasetName) -> Result<Option<Arc<dyn TableProvider>>>;
}

/// Nobody answers: rules with queries and references to other datasets are not run.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoQueries;

#[async_trait]
impl Queries for NoQueries {
    fn answers(&self) -> bool {
        false
    }

    async fn figure(&self, _sql: &str, _column: Option<&str>, _table: Arc<dyn TableProvider>) -> Result<Figure> {
        Ok(Figure::Null)
    }

    async fn provider(&self, _dataset: &DatasetName) -> Result<Option<Arc<dyn TableProvider>>> {
        Ok(None)
    }
}
