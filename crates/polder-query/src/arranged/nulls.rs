//! A null for every row.

use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, Schema};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;

/// A null of its type.
///
/// The engine's own constant will not do: what the engine tells of one is that its column has one distinct value, also
/// where it is null, and `count(DISTINCT …)` would be answered by that.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Nulls(pub(super) ScalarValue);

impl Display for Nulls {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str("NULL")
    }
}

impl PhysicalExpr for Nulls {
    fn data_type(&self, _input: &Schema) -> Result<DataType> {
        Ok(self.0.data_type())
    }

    fn nullable(&self, _input: &Schema) -> Result<bool> {
        Ok(true)
    }

    fn evaluate(&self, _batch: &RecordBatch) -> Result<ColumnarValue> {
        Ok(ColumnarValue::Scalar(self.0.clone()))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        Vec::new()
    }

    fn with_new_children(self: Arc<Self>, _children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        Ok(self)
    }

    fn fmt_sql(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        Display::fmt(self, formatter)
    }
}
