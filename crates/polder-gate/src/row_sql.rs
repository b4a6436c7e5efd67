//! SQL expressions over one row: planned once, run over batches.

#[cfg(test)]
mod tests;

use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, DataFusionError};
use datafusion::logical_expr::{Expr, ExprSchemable, Volatility};
use datafusion::optimizer::simplify_expressions::{ExprSimplifier, SimplifyContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::BinaryExpr;
use datafusion::sql::sqlparser::ast::{Expr as Ast, ExprWithAlias, visit_expressions};
use polder_core::{Error, ErrorKind, Result};

use crate::engine::ENGINE;
use crate::engine_words::{self, Asked};
use crate::schema::in_words;
use crate::sql_numbers::by_itself::{coerced, with_known_places};
use crate::{sql_limits, sql_numbers};

/// Rows without a value after which each row is judged alone at once: to look for more by halves would cost more.
const ALONE: usize = 64;

/// A boolean expression over columns. A row for which it is false breaks it; null does not, as in a SQL CHECK.
pub(crate) struct RowSql {
    expression: Arc<dyn PhysicalExpr>,
    /// The columns that it reads, in the order of `schema`.
    columns: Vec<String>,
    schema: SchemaRef,
}

/// Rows that break an expression.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Broken {
    /// The rows, ascending.
    pub(crate) rows: Vec<usize>,
    /// Rows of those for which it has no value, with why.
    pub(crate) failed: Vec<(usize, String)>,
}

impl RowSql {
    /// Plans an expression over a contract's columns.
    ///
    /// # Errors
    /// What is wrong with it: no expression, unknown columns, subqueries, aggregates, functions whose value changes from
    /// one call to the next, a value that is not true or false.
    pub(crate) fn compile(sql: &str, contract: &Schema) -> std::result::Result<Self, String> {
        let columns = Some(contract.fields());
        let said = |error: &DataFusionError| engine_words::said(error, Asked { sql, columns }).in_one();
        let parsed = parsed(sql, columns)?;
        let engine = &*ENGINE;
        // Nulls arrive in columns that must not have them, and must not be planned away.
        let fields: Vec<_> = contract
            .fields()
            .iter()
            .map(|field| field.as_ref().clone().with_nullable(true))
            .collect();
        let all = Schema::new(fields);
        let schema = DFSchema::try_from(all.clone()).map_err(|error| plain(&error))?;
        let logical = engine
            .create_logical_expr_from_sql_expr(parsed, &schema)
            .map_err(|error| said(&error))?;
        allowed(&logical)?;
        let logical = with_known_places(logical, &schema);
        let mut columns: Vec<String> = logical.column_refs().iter().map(|column| column.name.clone()).collect();
        columns.sort_by_key(|name| all.index_of(name).unwrap_or(usize::MAX));
        let read: Vec<Field> = columns
            .iter()
            .map(|name| all.field_with_name(name).cloned())
            .collect::<std::result::Result<_, _>>()
            .map_err(|error| error.to_string())?;
        let read = Schema::new(read);
        let schema = DFSchema::try_from(read.clone()).map_err(|error| plain(&error))?;
        let kind = engine
            .create_physical_expr(logical.clone(), &schema)
            .and_then(|expression| expression.data_type(&read))
            .map_err(|error| said(&error))?;
        if kind != DataType::Boolean {
            let kind = logical.get_type(&schema).unwrap_or(kind);
            return Err(format!(
                "the expression must be true or false, but is {}",
                in_words(&kind)
            ));
        }
        // Some functions (coalesce) are only names for other expressions until they are simplified.
        let context = SimplifyContext::builder()
            .with_schema(Arc::new(schema.clone()))
            .with_config_options(Arc::clone(engine.config_options()))
            .build();
        let simplifier = ExprSimplifier::new(context);
        let expression = coerced(&simplifier, logical, &schema)
            // First of all: simplifying computes constants, and moves NOT into comparisons.
            .and_then(|logical| sql_numbers::of_rule(logical, &schema))
            .and_then(|logical| simplifier.simplify(logical))
            .and_then(|logical| engine.create_physical_expr(logical, &schema))
            .and_then(checked)
            .map_err(|error| said(&error))?;
        Ok(Self {
            expression,
            columns,
            schema: Arc::new(read),
        })
    }

    /// Reads an expression as far as that goes without knowing any column.
    ///
    /// # Errors
    /// No expression, more of it than a rule may have, a name, a subquery.
    pub(crate) fn read(sql: &str) -> std::result::Result<(), String> {
        parsed(sql, None).map(drop)
    }

    /// The columns that it reads.
    pub(crate) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The rows of a batch that break it. A column that the batch lacks counts as nulls. A row for which the expression
    /// has no value (a division by zero, an overflow) breaks it.
    pub(crate) fn broken(&self, batch: &RecordBatch) -> Result<Broken> {
        let columns = self
            .schema
            .fields()
            .iter()
            .map(|field| match batch.column_by_name(field.name()) {
                Some(column) => column.clone(),
                None => new_null_array(field.data_type(), batch.num_rows()),
            });
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let read = RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns.collect(), &options).map_err(
            |cause| Error::new(ErrorKind::Internal, "cannot put the columns of a rule together").with_source(cause),
        )?;
        let mut broken = Broken::default();
        self.judge(&read, 0, &mut broken);
        Ok(broken)
    }

    /// Judges a stretch of rows, the first of which is `first`. Where an error strikes, halves are judged apart until
    /// the rows that it comes from are alone: each row gets the verdict that it would get alone.
    fn judge(&self, rows: &RecordBatch, first: usize, broken: &mut Broken) {
        match self.values(rows) {
            Ok(values) => broken.rows.extend(falses(&values).map(|row| first + row)),
            Err(error) if rows.num_rows() <= 1 => {
                broken.rows.push(first);
                broken.failed.push((first, plain(&error)));
            }
            Err(_) => {
                if broken.failed.len() >= ALONE {
                    for row in 0..rows.num_rows() {
                        self.judge(&rows.slice(row, 1), first + row, broken);
                    }
                    return;
                }
                let half = rows.num_rows() / 2;
                self.judge(&rows.slice(0, half), first, broken);
                self.judge(&rows.slice(half, rows.num_rows() - half), first + half, broken);
            }
        }
    }

    fn values(&self, rows: &RecordBatch) -> std::result::Result<BooleanArray, DataFusionError> {
        let values: ArrayRef = self.expression.evaluate(rows)?.into_array(rows.num_rows())?;
        values
            .as_boolean_opt()
            .cloned()
            .ok_or_else(|| DataFusionError::Internal(format!("the expression gave {}", values.data_type())))
    }
}

/// An expression as it is written; `columns` are those that may be meant.
fn parsed(sql: &str, columns: Option<&Fields>) -> std::result::Result<ExprWithAlias, String> {
    sql_limits::text("expression", sql, sql_limits::IN_EXPRESSION)?;
    let engine = &*ENGINE;
    let dialect = engine.config_options().sql_parser.dialect;
    let parsed = engine.sql_to_expr_with_alias(sql, &dialect).map_err(|error| {
        let said = engine_words::said(&error, Asked { sql, columns }).in_one();
        format!("`{sql}` is no expression: {said}")
    })?;
    if parsed.alias.is_some() {
        return Err("an expression needs no name".to_owned());
    }
    if has_query(&parsed.expr) {
        return Err("a row is judged alone: no subqueries; a rule over tables is `type: sql`".to_owned());
    }
    Ok(parsed)
}

/// The rows that are false and not null.
fn falses(values: &BooleanArray) -> impl Iterator<Item = usize> + '_ {
    let some = values.has_false();
    (0..if some { values.len() } else { 0 }).filter(|row| values.is_valid(*row) && !values.value(*row))
}

/// Whether there is a query anywhere in the expression.
fn has_query(expression: &Ast) -> bool {
    let found = visit_expressions(expression, |expression| match expression {
        Ast::Subquery(_) | Ast::InSubquery { .. } | Ast::Exists { .. } => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    found.is_break()
}

/// Refuses what is no function of the row alone.
fn allowed(expression: &Expr) -> std::result::Result<(), String> {
    let mut problem = None;
    let walked = expression.apply(|part| {
        problem = match part {
            Expr::AggregateFunction(call) => Some(format!("`{}` is over many rows", call.func.name())),
            Expr::WindowFunction(_) => Some("window functions are over many rows".to_owned()),
            Expr::ScalarFunction(call) if call.func.signature().volatility != Volatility::Immutable => Some(format!(
                "`{}` gives another value at another time, and a rule must not change its mind",
                call.func.name()
            )),
            Expr::Exists(_) | Expr::InSubquery(_) | Expr::SetComparison(_) | Expr::ScalarSubquery(_) => {
                Some("a row is judged alone: no subqueries".to_owned())
            }
            Expr::Unnest(_) => Some("a row must not become several".to_owned()),
            Expr::Placeholder(_) | Expr::ScalarVariable(..) | Expr::OuterReferenceColumn(..) | Expr::GroupingSet(_) => {
                Some("parameters and variables have no value here".to_owned())
            }
            _ => None,
        };
        Ok(match problem {
            Some(_) => TreeNodeRecursion::Stop,
            None => TreeNodeRecursion::Continue,
        })
    });
    match (problem, walked) {
        (Some(problem), _) => Err(problem),
        (None, Err(error)) => Err(plain(&error)),
        (None, Ok(_)) => sql_limits::growth(expression).map(|_| ()),
    }
}

/// The expression with arithmetic of times that fails on overflow, too, where the engine's own would wrap around.
fn checked(expression: Arc<dyn PhysicalExpr>) -> std::result::Result<Arc<dyn PhysicalExpr>, DataFusionError> {
    let transformed = expression.transform_up(|part| {
        let Some(binary) = part.downcast_ref::<BinaryExpr>() else {
            return Ok(Transformed::no(part));
        };
        let strict = BinaryExpr::new(Arc::clone(binary.left()), *binary.op(), Arc::clone(binary.right()));
        Ok(Transformed::yes(
            Arc::new(strict.with_fail_on_overflow(true)) as Arc<dyn PhysicalExpr>
        ))
    });
    transformed.map(|transformed| transformed.data)
}

/// The error's own words.
fn plain(error: &DataFusionError) -> String {
    engine_words::said(error, Asked::default()).in_one()
}
