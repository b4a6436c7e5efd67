//! A table with its columns in the order that a contract gives them.
//!
//! Delta appends new columns at a table's end, so the order of a table's columns is its history. A query that takes
//! columns by their place (`SELECT *` under a list of names, or in a `UNION`) must not depend on that: what is declared
//! is checked, and gives the same in an old lake and in a new one.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Constraints;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};

/// The same rows in these columns, in this order. Names that the table does not have are passed over.
pub fn arranged<'n>(table: Arc<dyn TableProvider>, names: impl IntoIterator<Item = &'n str>) -> Arc<dyn TableProvider> {
    let schema = table.schema();
    let columns: Vec<_> = names
        .into_iter()
        .filter_map(|name| schema.column_with_name(name).map(|(at, _)| at))
        .collect();
    if columns.iter().copied().eq(0..schema.fields().len()) {
        return table;
    }
    match schema.project(&columns) {
        Ok(schema) => Arc::new(Arranged {
            table,
            schema: Arc::new(schema),
            columns,
        }),
        // Its own columns are all there.
        Err(_) => table,
    }
}

/// Some of a table's columns.
#[derive(Debug)]
struct Arranged {
    table: Arc<dyn TableProvider>,
    schema: SchemaRef,
    /// For each column its place in the table.
    columns: Vec<usize>,
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
        self.table.supports_filters_pushdown(filters)
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let wanted: Vec<usize> = match projection {
            Some(projection) => projection
                .iter()
                .filter_map(|at| self.columns.get(*at).copied())
                .collect(),
            None => self.columns.clone(),
        };
        // Scans are asked for columns in the table's own order, as every query does.
        let mut asked = wanted.clone();
        asked.sort_unstable();
        asked.dedup();
        let rows = self.table.scan(state, Some(&asked), filters, limit).await?;
        if asked == wanted {
            return Ok(rows);
        }
        let given = rows.schema();
        let columns = wanted.iter().filter_map(|at| asked.binary_search(at).ok());
        let columns = columns.map(|at| ProjectionExpr {
            expr: Arc::new(Column::new(given.field(at).name(), at)),
            alias: given.field(at).name().clone(),
        });
        Ok(Arc::new(ProjectionExec::try_new(columns.collect::<Vec<_>>(), rows)?))
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{ArrayRef, AsArray as _, Int64Array, RecordBatch, StringArray};
    use datafusion::arrow::datatypes::Int64Type;
    use datafusion::datasource::MemTable;
    use datafusion::prelude::SessionContext;

    use super::*;

    fn table() -> Arc<dyn TableProvider> {
        let columns: [(&str, ArrayRef); 3] = [
            ("a", Arc::new(Int64Array::from(vec![1, 10]))),
            ("b", Arc::new(Int64Array::from(vec![2, 20]))),
            ("c", Arc::new(StringArray::from(vec!["x", "y"]))),
        ];
        let rows = RecordBatch::try_from_iter(columns).unwrap();
        Arc::new(MemTable::try_new(rows.schema(), vec![vec![rows]]).unwrap())
    }

    /// The first column of the second row.
    async fn number(table: Arc<dyn TableProvider>, sql: &str) -> i64 {
        let context = SessionContext::new();
        context.register_table("t", table).unwrap();
        let batches = context.sql(sql).await.unwrap().collect().await.unwrap();
        batches[0].column(0).as_primitive::<Int64Type>().value(0)
    }

    #[tokio::test]
    async fn columns_stand_where_the_names_say() {
        let arranged = arranged(table(), ["b", "nowhere", "a"]);
        let names: Vec<_> = arranged
            .schema()
            .fields()
            .iter()
            .map(|field| field.name().clone())
            .collect();
        assert_eq!(names, ["b", "a"]);
        let sql = "WITH q(k, m) AS (SELECT * FROM t) SELECT 100 * k + m FROM q WHERE m = 10";
        assert_eq!(number(Arc::clone(&arranged), sql).await, 100 * 20 + 10);
        // Some of them, in either order, and none at all.
        assert_eq!(number(Arc::clone(&arranged), "SELECT a FROM t WHERE b > 2").await, 10);
        assert_eq!(number(arranged, "SELECT count(*) FROM t").await, 2);
    }

    #[test]
    fn a_table_in_that_order_is_given_back() {
        let table = table();
        assert!(Arc::ptr_eq(&arranged(Arc::clone(&table), ["a", "b", "c"]), &table));
    }
}
