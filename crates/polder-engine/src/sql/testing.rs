//! Plans over two small tables, for tests of this module.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::catalog::{CatalogProvider as _, MemoryCatalogProvider, MemorySchemaProvider, SchemaProvider as _};
use datafusion::datasource::empty::EmptyTable;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionContext;

/// A session that knows `a.silver.t (k, v)`, `a.silver.u (k, w)`, `a.bronze.e (k, v, _ingested_at, …)` `a.silver.n (id, address (city, zip),
/// lines [(code, price)])` and `a.silver.m (id, prices {text: (net, gross)})`.
pub(crate) fn session() -> SessionContext {
    let columns = |columns: &[(&str, DataType)]| {
        let fields: Vec<_> = columns
            .iter()
            .map(|(name, kind)| Field::new(*name, kind.clone(), true))
            .collect();
        Arc::new(EmptyTable::new(Arc::new(Schema::new(fields))))
    };
    let (text, number) = (DataType::Utf8, DataType::Int64);
    let silver = MemorySchemaProvider::new();
    silver
        .register_table("t".to_owned(), columns(&[("k", text.clone()), ("v", number.clone())]))
        .unwrap();
    silver
        .register_table("u".to_owned(), columns(&[("k", text.clone()), ("w", number.clone())]))
        .unwrap();
    let inside = |names: [&str; 2]| {
        let fields = names.map(|name| Field::new(name, DataType::Utf8, true));
        DataType::Struct(fields.to_vec().into())
    };
    let items = Field::new("item", inside(["code", "price"]), true);
    let nested = columns(&[
        ("id", number.clone()),
        ("address", inside(["city", "zip"])),
        ("lines", DataType::List(Arc::new(items))),
    ]);
    silver.register_table("n".to_owned(), nested).unwrap();
    let entry = [
        Field::new("key", DataType::Utf8, false),
        Field::new("value", inside(["net", "gross"]), true),
    ];
    let entries = Field::new("entries", DataType::Struct(entry.to_vec().into()), false);
    let prices = DataType::Map(Arc::new(entries), false);
    let mapped = columns(&[("id", number.clone()), ("prices", prices)]);
    silver.register_table("m".to_owned(), mapped).unwrap();
    let bronze = MemorySchemaProvider::new();
    let events = columns(&[
        ("k", text),
        ("v", number.clone()),
        ("_ingested_at", number.clone()),
        ("_partition", number.clone()),
        ("_offset", number),
    ]);
    bronze.register_table("e".to_owned(), events).unwrap();
    let catalog = MemoryCatalogProvider::new();
    catalog.register_schema("silver", Arc::new(silver)).unwrap();
    catalog.register_schema("bronze", Arc::new(bronze)).unwrap();
    let session = SessionContext::new();
    session.register_catalog("a", Arc::new(catalog));
    session
}

/// The plan of a query as it is before any optimisation.
pub(crate) async fn plan(sql: &str) -> LogicalPlan {
    session().sql(sql).await.unwrap().into_unoptimized_plan()
}
