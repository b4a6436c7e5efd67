//! A table in the columns that a contract gives it, in their order.
//!
//! Delta appends new columns at a table's end, and a table gets the new ones of its contract only when somebody writes to
//! it: which columns it has, and where, is its history. A query must not depend on that, whether it takes columns by their
//! place (`SELECT *` under a list of names, or in a `UNION`) or by their name: what is declared is checked, and gives the
//! same in an old lake and in a new one.

mod nulls;
mod promised;
mod unreadable;

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Constraints, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};
use polder_core::DatasetName;
use polder_gate::{becomes, same};

use nulls::Nulls;
use promised::Promised;
use unreadable::missing;

pub use unreadable::{Unreadable, WhyUnreadable, unreadable};

/// How columns are read that a table of other makers has in another type than its contract says: whole numbers in fewer bits,
/// instants in a zone, the fields of objects in another order.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Otherwise {
    /// In the contract's type; a value that this cannot hold, and a field that an object lacks, is null. For rules, which are told
    /// of both by others, and where another rule says that the type cannot become the contract's, as the table has them.
    Judged,
    /// In the contract's type, or the query fails and names the dataset: nothing may be built of what was not promised. A
    /// field that an object lacks is null where it may be, as a column is.
    Built(Arc<Building>),
    /// As the table has them, for people who look at it.
    Shown,
}

/// A dataset of which something is built.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Building {
    /// The dataset.
    pub dataset: DatasetName,
    /// The paths of the values inside its columns that must be there (`address.city`, `lines[].price`, `totals.value`). Their
    /// Arrow fields may be null for all that.
    pub required: BTreeSet<String>,
}

/// The same rows in these columns, in this order.
///
/// A column that the table does not have is of nulls, of the field's type, where the field may be null. Where it may not, it is
/// passed over: rows without a value are not what was promised, and who asks for it is told that it is not there. So is one
/// that the table writes in other case.
pub fn arranged<'f>(
    table: Arc<dyn TableProvider>,
    columns: impl IntoIterator<Item = &'f FieldRef>,
    otherwise: &Otherwise,
) -> Arc<dyn TableProvider> {
    let own = table.schema();
    let (mut fields, mut places) = (Vec::new(), Vec::new());
    for field in columns {
        if let Some((at, there)) = own.column_with_name(field.name()) {
            let kind = there.data_type();
            let as_it_is = match otherwise {
                Otherwise::Shown => true,
                Otherwise::Judged => same(kind, field.data_type()) || !becomes(kind, field),
                Otherwise::Built(_) => same(kind, field.data_type()) || *field.data_type() == DataType::Null,
            };
            if as_it_is {
                fields.push(Arc::clone(&own.fields()[at]));
                places.push(Place::Own(at));
            } else {
                fields.push(Arc::new(field.as_ref().clone().with_nullable(true)));
                places.push(Place::Read(at));
            }
        } else if missing(&own, field).is_none()
            && let Ok(null) = ScalarValue::try_from(field.data_type())
        {
            fields.push(Arc::clone(field));
            places.push(Place::Nulls(null));
        }
    }
    let as_it_is = (0..own.fields().len()).map(Place::Own);
    if as_it_is.eq(places.iter().cloned()) {
        return table;
    }
    Arc::new(Arranged {
        table,
        schema: Arc::new(Schema::new_with_metadata(fields, own.metadata().clone())),
        places,
        otherwise: otherwise.clone(),
    })
}

/// Some of a table's columns, and some that it lacks.
#[derive(Debug)]
struct Arranged {
    table: Arc<dyn TableProvider>,
    schema: SchemaRef,
    /// Where each column is from.
    places: Vec<Place>,
    otherwise: Otherwise,
}

/// Where a column is from.
#[derive(Debug, Clone, PartialEq)]
enum Place {
    /// The table's column at this place.
    Own(usize),
    /// The same, in the type of the field.
    Read(usize),
    /// The table has none: this null in every row.
    Nulls(ScalarValue),
}

impl Arranged {
    /// Whether an expression names a column that the table has otherwise, or not at all.
    fn names_another(&self, expr: &Expr) -> bool {
        let mut columns = self.schema.fields().iter().zip(&self.places);
        let named = expr.column_refs();
        columns.any(|(field, place)| {
            !matches!(place, Place::Own(_)) && named.iter().any(|column| column.name == *field.name())
        })
    }
}

#[async_trait]
impl TableProvider for Arranged {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn constraints(&self) -> Option<&Constraints> {
        // They would name other places.
        None
    }

    fn table_type(&self) -> TableType {
        self.table.table_type()
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let ask = |filter: &&Expr| match self.names_another(filter) {
            // The table would read something else in it.
            true => Ok(vec![TableProviderFilterPushDown::Unsupported]),
            false => self.table.supports_filters_pushdown(&[*filter]),
        };
        let answers: Vec<_> = filters.iter().map(ask).collect::<Result<_>>()?;
        Ok(answers.into_iter().flatten().collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let wanted: Vec<usize> = match projection {
            Some(projection) => projection.clone(),
            None => (0..self.places.len()).collect(),
        };
        let wanted: Vec<(&FieldRef, &Place)> = wanted
            .into_iter()
            .filter_map(|at| Some((self.schema.fields().get(at)?, self.places.get(at)?)))
            .collect();
        // Scans are asked for columns in the table's own order, as every query does.
        let own = wanted.iter().filter_map(|(_, place)| match place {
            Place::Own(at) | Place::Read(at) => Some(*at),
            Place::Nulls(_) => None,
        });
        let mut asked: Vec<usize> = own.collect();
        asked.sort_unstable();
        asked.dedup();
        let rows = self.table.scan(state, Some(&asked), filters, limit).await?;
        let as_asked = asked.iter().copied().map(Place::Own);
        if as_asked.eq(wanted.iter().map(|(_, place)| Place::clone(place))) {
            return Ok(rows);
        }
        let columns = wanted.into_iter().filter_map(|(field, place)| {
            let own = |at| Some(Arc::new(Column::new(field.name(), asked.binary_search(at).ok()?)));
            let expr: Arc<dyn PhysicalExpr> = match place {
                Place::Own(at) => own(at)?,
                Place::Read(at) => Arc::new(Promised {
                    column: own(at)?,
                    field: Arc::clone(field),
                    otherwise: self.otherwise.clone(),
                }),
                Place::Nulls(null) => Arc::new(Nulls(null.clone())),
            };
            Some(ProjectionExpr {
                expr,
                alias: field.name().clone(),
            })
        });
        Ok(Arc::new(ProjectionExec::try_new(columns.collect::<Vec<_>>(), rows)?))
    }
}

#[cfg(test)]
mod tests;
