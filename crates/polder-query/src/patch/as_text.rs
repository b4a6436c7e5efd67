//! Objects, lists and maps as text: a cast of them gives JSON, which the engine's own does not, or not of all.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, StringArray};
use datafusion::arrow::datatypes::{DataType, Schema};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchema, ScalarValue};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::expr::{Cast, TryCast};
use datafusion::logical_expr::{ColumnarValue, Expr, ExprSchemable, ScalarUDF, Signature, SimpleScalarUDF, Volatility};
use polder_core::Result;
use polder_gate::reading::RECEIVED;

/// Writes the values of a column as JSON; null where there is none.
pub type AsJson = fn(&ArrayRef) -> Result<StringArray>;

/// An expression with JSON in the place of casts to text of what is none: of a column that is text in parts as it was
/// received, where the schema has that, and of all others as they are.
pub(super) fn with_json(
    expression: Expr,
    columns: &DFSchema,
    schema: &Schema,
    as_json: AsJson,
) -> Result<Expr, DataFusionError> {
    let function = Arc::new(json_text(as_json));
    let replaced = expression.transform_up(|expression| {
        let (Expr::Cast(Cast { expr, field }) | Expr::TryCast(TryCast { expr, field })) = &expression else {
            return Ok(Transformed::no(expression));
        };
        // What has no type fails later, with the engine's words.
        let of_many = expr.get_type(columns).is_ok_and(|kind| {
            use DataType::{FixedSizeList, LargeList, List, Map, Struct};
            matches!(kind, Struct(_) | List(_) | LargeList(_) | FixedSizeList(..) | Map(..))
        });
        if !of_many || *field.data_type() != DataType::Utf8 {
            return Ok(Transformed::no(expression));
        }
        Ok(Transformed::yes(match received(expr, schema) {
            Some(text) => Expr::Column(text),
            None => function.call(vec![expr.as_ref().clone()]),
        }))
    })?;
    Ok(replaced.data)
}

/// The column that has what was received for this one.
fn received(expression: &Expr, schema: &Schema) -> Option<Column> {
    let Expr::Column(column) = expression else {
        return None;
    };
    let mut fields = schema.fields().iter();
    let of = fields.find(|field| field.metadata().get(RECEIVED) == Some(&column.name))?;
    Some(Column::new_unqualified(of.name()))
}

fn json_text(as_json: AsJson) -> ScalarUDF {
    let external = |error| DataFusionError::External(Box::new(error));
    let written = move |values: &[ColumnarValue]| match values {
        [ColumnarValue::Array(array)] => Ok(ColumnarValue::Array(Arc::new(as_json(array).map_err(external)?))),
        [ColumnarValue::Scalar(value)] => {
            let texts: ArrayRef = Arc::new(as_json(&value.to_array()?).map_err(external)?);
            Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&texts, 0)?))
        }
        _ => Err(DataFusionError::Internal("one value is written as JSON".to_owned())),
    };
    let one = Signature::any(1, Volatility::Immutable);
    ScalarUDF::from(SimpleScalarUDF::new_with_signature(
        "json_text",
        one,
        DataType::Utf8,
        Arc::new(written),
    ))
}
