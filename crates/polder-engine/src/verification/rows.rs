//! Rows that were read from JSON, or from files of several types, as their two readers see them: rules, which are told what
//! did not fit, and queries, for which that is null.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::TableProvider;
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::error::DataFusionError;
use datafusion::functions::core::expr_fn::{get_field, named_struct};
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, lit};
use datafusion::prelude::ident;
use polder_contract::rule::Figure;
use polder_core::{DatasetName, ErrorKind, Result, ResultExt};
use polder_gate::reading::{MISREAD, READ, tells_misread};
use polder_gate::table::{Queries, QueryColumns};
use polder_query::{Otherwise, RuleQueries, arranged};

use super::lines::{Lines, misread_column};

/// The same rows twice.
pub(super) struct Rows {
    /// Columns in which something did not fit tell so.
    pub(super) told: Arc<dyn TableProvider>,
    /// The values alone.
    pub(super) plain: Arc<dyn TableProvider>,
}

impl Rows {
    /// `table` is the file of the lines, `names` are the contract's columns.
    ///
    /// # Errors
    /// `Internal`, where the engine cannot plan this.
    pub(super) fn of(lines: &Lines, table: Arc<dyn TableProvider>, names: &[String]) -> Result<Self> {
        let schema = table.schema();
        let values = names.iter().filter_map(|name| schema.column_with_name(name));
        let values = values.map(|(place, _)| &schema.fields()[place]);
        let plain = arranged(Arc::clone(&table), values, &Otherwise::Judged);
        let told = match lines.columns.iter().any(|column| column.misread) {
            true => view(lines, table, names).context(ErrorKind::Internal, || {
                "what did not fit cannot be put beside the values".to_owned()
            })?,
            false => Arc::clone(&plain),
        };
        Ok(Self { told, plain })
    }
}

fn view(
    lines: &Lines,
    table: Arc<dyn TableProvider>,
    names: &[String],
) -> std::result::Result<Arc<dyn TableProvider>, DataFusionError> {
    let columns = names.iter().zip(&lines.columns).enumerate();
    let columns = columns.map(|(place, (name, found))| match found.misread {
        true => named_struct(vec![lit(READ), ident(name), lit(MISREAD), ident(misread_column(place))]).alias(name),
        false => ident(name),
    });
    let columns: Vec<Expr> = columns.collect();
    let plan = LogicalPlanBuilder::scan("rows", provider_as_source(table), None)?
        .project(columns)?
        .build()?;
    Ok(Arc::new(ViewTable::new(plan, None)))
}

/// The values alone of rows whose columns tell what did not fit; nothing where none does.
///
/// # Errors
/// `Internal`, where the engine cannot plan this.
pub(super) fn values_alone(told: &Arc<dyn TableProvider>) -> Result<Option<Arc<dyn TableProvider>>> {
    let schema = told.schema();
    if !schema.fields().iter().any(|field| tells_misread(field.data_type())) {
        return Ok(None);
    }
    let columns = schema
        .fields()
        .iter()
        .map(|field| match tells_misread(field.data_type()) {
            true => get_field(ident(field.name()), READ).alias(field.name()),
            false => ident(field.name()),
        });
    let columns: Vec<Expr> = columns.collect();
    let plan = LogicalPlanBuilder::scan("rows", provider_as_source(Arc::clone(told)), None)
        .and_then(|rows| rows.project(columns)?.build())
        .context(ErrorKind::Internal, || {
            "the values cannot be told from what did not fit".to_owned()
        })?;
    Ok(Some(Arc::new(ViewTable::new(plan, None))))
}

/// Answers queries about the rows with the values alone.
pub(super) struct OverValues {
    pub(super) queries: RuleQueries,
    pub(super) plain: Arc<dyn TableProvider>,
}

#[async_trait]
impl Queries for OverValues {
    fn answers(&self) -> bool {
        self.queries.answers()
    }

    fn out_of_reach(&self, dataset: &DatasetName) -> Option<String> {
        self.queries.out_of_reach(dataset)
    }

    fn query_out_of_reach(&self, sql: &str, column: Option<&str>) -> Option<String> {
        self.queries.query_out_of_reach(sql, column)
    }

    async fn figure(&self, sql: &str, column: Option<&str>, _table: Arc<dyn TableProvider>) -> Result<Figure> {
        self.queries.figure(sql, column, Arc::clone(&self.plain)).await
    }

    async fn columns(
        &self,
        sql: &str,
        column: Option<&str>,
        _table: Arc<dyn TableProvider>,
    ) -> Result<Option<QueryColumns>> {
        self.queries.columns(sql, column, Arc::clone(&self.plain)).await
    }

    async fn provider(&self, dataset: &DatasetName) -> Result<Option<Arc<dyn TableProvider>>> {
        self.queries.provider(dataset).await
    }
}
