//! Tables that need the Delta library to be read.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::datasource::TableType;
use datafusion::logical_expr::{Expr, Operator, TableProviderFilterPushDown};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{BinaryExpr, CaseExpr, Column, Literal};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::projection::ProjectionExec;
use deltalake::delta_datafusion::DeltaScanNext;

use crate::provider::StoreAddress;

/// A table that uses what plain files cannot say (deletion vectors, partitions, column mapping; other engines may turn
/// them on), read by the Delta library. Read only.
///
/// Delta's protocol writes a null partition value as an empty one, of texts and bytes too; the library reads those as
/// empty values, and counts them as nulls. Here they are nulls.
#[derive(Debug)]
pub(crate) struct DeltaProvider {
    address: StoreAddress,
    scan: DeltaScanNext,
    schema: SchemaRef,
    /// Partition columns that have empty values.
    emptiable: BTreeSet<String>,
}

impl DeltaProvider {
    /// `partitions` are the names of the table's partition columns.
    pub(crate) fn new(address: StoreAddress, scan: DeltaScanNext, partitions: &[String]) -> Self {
        let mut emptiable = BTreeSet::new();
        let schema = scan.schema();
        let fields = schema.fields().iter().map(|field| {
            if partitions.contains(field.name()) && has_empty_value(field.data_type()) {
                emptiable.insert(field.name().clone());
                return Arc::new(Field::new(field.name(), field.data_type().clone(), true));
            }
            Arc::clone(field)
        });
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        Self {
            address,
            scan,
            schema,
            emptiable,
        }
    }

    /// Whether an expression looks at a column whose empty values are nulls.
    fn concerns(&self, filter: &Expr) -> bool {
        let columns = filter.column_refs();
        columns.iter().any(|column| self.emptiable.contains(&column.name))
    }

    /// Whether a filter may choose from the files as they are: it lets no row pass for a null in those columns, so that it
    /// does not matter that they are empty there.
    fn may_choose(&self, filter: &Expr) -> bool {
        if !self.concerns(filter) {
            return true;
        }
        let plain = |side: &Expr| matches!(side, Expr::Column(_) | Expr::Literal(..));
        match filter {
            Expr::BinaryExpr(both) => match both.op {
                Operator::And | Operator::Or => self.may_choose(&both.left) && self.may_choose(&both.right),
                Operator::Eq | Operator::NotEq | Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq => {
                    plain(&both.left) && plain(&both.right)
                }
                _ => false,
            },
            Expr::InList(list) => plain(&list.expr) && list.list.iter().all(plain),
            Expr::Between(between) => plain(&between.expr) && plain(&between.low) && plain(&between.high),
            Expr::Like(like) => plain(&like.expr) && plain(&like.pattern),
            _ => false,
        }
    }

    /// The plan's rows with nulls for empty values.
    fn with_nulls(&self, plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        let schema = plan.schema();
        if !schema
            .fields()
            .iter()
            .any(|field| self.emptiable.contains(field.name()))
        {
            return Ok(plan);
        }
        let columns = schema.fields().iter().enumerate().map(|(place, field)| {
            let column: Arc<dyn PhysicalExpr> = Arc::new(Column::new(field.name(), place));
            let read = match self.emptiable.contains(field.name()) {
                true => null_if_empty(column, field.data_type())?,
                false => column,
            };
            Ok((read, field.name().clone()))
        });
        let columns = columns.collect::<Result<Vec<_>, DataFusionError>>()?;
        Ok(Arc::new(ProjectionExec::try_new(columns, plan)?))
    }
}

fn has_empty_value(data_type: &DataType) -> bool {
    use DataType::{Binary, BinaryView, LargeBinary, LargeUtf8, Utf8, Utf8View};
    matches!(
        data_type,
        Utf8 | LargeUtf8 | Utf8View | Binary | LargeBinary | BinaryView
    )
}

/// `CASE WHEN column = '' THEN NULL ELSE column END`
fn null_if_empty(
    column: Arc<dyn PhysicalExpr>,
    data_type: &DataType,
) -> Result<Arc<dyn PhysicalExpr>, DataFusionError> {
    let literal = |value: ScalarValue| -> Arc<dyn PhysicalExpr> { Arc::new(Literal::new(value)) };
    let empty = ScalarValue::from("").cast_to(data_type)?;
    let is_empty = BinaryExpr::new(Arc::clone(&column), Operator::Eq, literal(empty));
    let null = literal(ScalarValue::try_from(data_type)?);
    Ok(Arc::new(CaseExpr::try_new(
        None,
        vec![(Arc::new(is_empty), null)],
        Some(column),
    )?))
}

#[async_trait]
impl TableProvider for DeltaProvider {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        self.address.register(session);
        let choosing: Vec<Expr> = filters
            .iter()
            .filter(|filter| self.may_choose(filter))
            .cloned()
            .collect();
        // What is filtered once more above this must not be cut short here.
        let limit = limit.filter(|_| !filters.iter().any(|filter| self.concerns(filter)));
        let plan = self.scan.scan(session, projection, &choosing, limit).await?;
        self.with_nulls(plan)
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>, DataFusionError> {
        let supported = self.scan.supports_filters_pushdown(filters)?;
        let here = supported.into_iter().zip(filters).map(|(supported, filter)| {
            match (supported, self.concerns(filter), self.may_choose(filter)) {
                (supported, false, _) => supported,
                (TableProviderFilterPushDown::Unsupported, ..) | (_, _, false) => {
                    TableProviderFilterPushDown::Unsupported
                }
                _ => TableProviderFilterPushDown::Inexact,
            }
        });
        Ok(here.collect())
    }
}
