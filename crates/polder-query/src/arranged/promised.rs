//! A column as its contract promises it, where the table has it otherwise.

use std::fmt::{self, Display, Formatter};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, FieldRef, Schema};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use polder_gate::{convert, has_fields, in_words};

use super::Otherwise;

/// The values of a column in the type that its contract promises, changed in nothing but their form.
#[derive(Debug, Eq)]
pub(super) struct Promised {
    pub(super) column: Arc<dyn PhysicalExpr>,
    pub(super) field: FieldRef,
    pub(super) otherwise: Otherwise,
}

impl Promised {
    fn fails(&self, how: &str) -> Result<ColumnarValue> {
        let name = self.field.name();
        let message = match &self.otherwise {
            Otherwise::Built(dataset) => format!(
                "`{name}` of {dataset} {how}, as its contract promises: `polder test {dataset} --show 3` tells more"
            ),
            _ => format!("`{name}` {how}, as its contract promises"),
        };
        Err(DataFusionError::Execution(message))
    }
}

impl PartialEq for Promised {
    fn eq(&self, other: &Self) -> bool {
        self.column.eq(&other.column) && self.field == other.field && self.otherwise == other.otherwise
    }
}

impl Hash for Promised {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.column.hash(state);
        self.field.hash(state);
        self.otherwise.hash(state);
    }
}

impl Display for Promised {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "promised({})", self.column)
    }
}

impl PhysicalExpr for Promised {
    fn data_type(&self, _input: &Schema) -> Result<DataType> {
        Ok(self.field.data_type().clone())
    }

    fn nullable(&self, _input: &Schema) -> Result<bool> {
        Ok(true)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        let own = self.column.evaluate(batch)?.into_array(batch.num_rows())?;
        let is_built = matches!(self.otherwise, Otherwise::Built(_));
        let wanted = self.field.data_type();
        if is_built && !has_fields(own.data_type(), wanted) {
            return self.fails(&format!("lacks fields of {}", in_words(wanted)));
        }
        let converted = match convert(&own, &self.field) {
            Ok(converted) => converted,
            Err(_) => {
                return self.fails(&format!(
                    "is {} and not {}",
                    in_words(own.data_type()),
                    in_words(wanted)
                ));
            }
        };
        Ok(ColumnarValue::Array(match converted {
            None => own,
            // Which value it is may be nobody's to see.
            Some((_, unfit)) if is_built && !unfit.is_empty() => {
                return self.fails(&format!("holds a value that is not {}", in_words(wanted)));
            }
            Some((array, _)) => array,
        }))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.column]
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        Ok(match children.into_iter().next() {
            Some(column) => Arc::new(Self {
                column,
                field: Arc::clone(&self.field),
                otherwise: self.otherwise.clone(),
            }),
            None => self,
        })
    }

    fn fmt_sql(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        Display::fmt(self, formatter)
    }
}
