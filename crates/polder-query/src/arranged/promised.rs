//! A column as its contract promises it, where the table has it otherwise.

use std::fmt::{self, Display, Formatter};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, FieldRef, Schema};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use polder_gate::{convert, in_words};

use super::unreadable::{WhyUnreadable, obstacles};
use super::{Building, Otherwise};

/// The values of a column in the type that its contract promises, changed in nothing but their form.
#[derive(Debug, Eq)]
pub(super) struct Promised {
    pub(super) column: Arc<dyn PhysicalExpr>,
    pub(super) field: FieldRef,
    pub(super) otherwise: Otherwise,
}

impl Promised {
    fn fails(&self, path: &str, how: &str) -> Result<ColumnarValue> {
        let message = match &self.otherwise {
            Otherwise::Built(building) => {
                let dataset = &building.dataset;
                format!("`{path}` of {dataset} {how}: `polder test {dataset} --show 3` tells more")
            }
            _ => format!("`{path}` {how}"),
        };
        Err(DataFusionError::Execution(message))
    }
}

fn is_another(kind: &DataType, wanted: &DataType) -> String {
    let [is, wanted] = [kind, wanted].map(in_words);
    format!("is {is} and not {wanted}, as its contract promises")
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
        let (kind, wanted) = (own.data_type(), self.field.data_type());
        let building: Option<&Building> = match &self.otherwise {
            Otherwise::Built(building) => Some(building),
            Otherwise::Judged | Otherwise::Shown => None,
        };
        let obstacles = building.map(|building| obstacles(kind, &self.field, &building.required));
        if let Some((path, why)) = obstacles.into_iter().flatten().next() {
            return match why {
                WhyUnreadable::OtherCase(other) => self.fails(
                    &path,
                    &format!("is `{other}` in the table, which differs by case alone"),
                ),
                WhyUnreadable::NoField | WhyUnreadable::Missing => {
                    self.fails(&path, "is required by its contract, and the table does not have it")
                }
                WhyUnreadable::OtherType { table, promised } => self.fails(&path, &is_another(&table, &promised)),
            };
        }
        let name = self.field.name();
        let Ok(converted) = convert(&own, &self.field) else {
            return self.fails(name, &is_another(kind, wanted));
        };
        Ok(ColumnarValue::Array(match converted {
            None => own,
            // Which value it is may be nobody's to see.
            Some((_, unfit)) if building.is_some() && !unfit.is_empty() => {
                let wanted = in_words(wanted);
                return self.fails(
                    name,
                    &format!("holds a value that is not {wanted}, as its contract promises"),
                );
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
