//! What unchanged queries ask once names, or the places of columns, mean others.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::catalog::{CatalogProvider as _, MemoryCatalogProvider, MemorySchemaProvider, SchemaProvider as _};
use datafusion::datasource::empty::EmptyTable;
use datafusion::prelude::SessionContext;

use super::super::*;
use super::step;

/// The lineage of one pipeline over `a.silver.t` and `a.silver.u` of these columns, all numbers.
async fn of(t: &str, u: &str, sql: &str) -> ColumnLineage {
    let silver = MemorySchemaProvider::new();
    for (name, columns) in [("t", t), ("u", u)] {
        let columns = columns.split(' ');
        let fields: Vec<_> = columns.map(|name| Field::new(name, DataType::Int64, true)).collect();
        let table = EmptyTable::new(Arc::new(Schema::new(fields)));
        silver.register_table(name.to_owned(), Arc::new(table)).unwrap();
    }
    let catalog = MemoryCatalogProvider::new();
    catalog.register_schema("silver", Arc::new(silver)).unwrap();
    let session = SessionContext::new();
    session.register_catalog("a", Arc::new(catalog));
    let plan = session.sql(sql).await.unwrap().into_unoptimized_plan();
    let reading = Reading::of(Asker::Step(step("a.x")), "", sql, &plan).unwrap();
    let read = LineageEdge {
        from: "a.silver.t".parse().unwrap(),
        via: "a.x".parse().unwrap(),
        kind: StepKind::Pipeline,
        to: Some("a.gold.x".parse().unwrap()),
    };
    ColumnLineage::new(Vec::new(), vec![read]).with_readings(vec![reading])
}

/// What was altered, a line each: `part: was → is`.
async fn shown(before: (&str, &str), after: (&str, &str), renamed: &Renamed, sql: &str) -> Vec<String> {
    let (before, after) = (of(before.0, before.1, sql).await, of(after.0, after.1, sql).await);
    let found = altered(&before, &after, renamed, &BTreeSet::new());
    let short = |column: &DatasetColumn| format!("{}.{}", column.dataset.name(), column.column);
    let line = |one: Altered| {
        let was: Vec<_> = one.was.iter().map(short).collect();
        let is: Vec<_> = one.is.keys().map(short).collect();
        let part = match &one.to {
            Some(Target::Column(column)) => column.column.clone(),
            _ => "rows".to_owned(),
        };
        format!("{part}: {} → {}", was.join(" "), is.join(" "))
    };
    found.into_iter().map(line).collect()
}

#[tokio::test]
async fn a_name_or_a_place_that_means_another_column_alters_a_query() {
    let none = Renamed::default();
    for (before, after, sql, expected) in [
        // The name is the one of the query around now.
        (
            ("id k", "id k"),
            ("id k", "id"),
            "SELECT id FROM a.silver.t AS t WHERE EXISTS (SELECT 1 FROM a.silver.u AS u WHERE u.id = t.id AND k = 1)",
            vec!["rows: u.k → t.k"],
        ),
        (
            ("id v", "w"),
            ("id v", "w v"),
            "SELECT id FROM a.silver.t WHERE EXISTS (SELECT 1 FROM a.silver.u AS u WHERE u.w < v)",
            vec!["rows: t.v → u.v"],
        ),
        (
            ("id v", "id w"),
            ("id v", "id w v"),
            "SELECT id FROM a.silver.t NATURAL JOIN a.silver.u",
            vec!["rows:  → t.v u.v"],
        ),
        (
            ("id k", "id k"),
            ("id k", "id"),
            "SELECT id FROM a.silver.t NATURAL JOIN a.silver.u",
            vec!["rows: t.k u.k → "],
        ),
        (
            ("id k w", "id"),
            ("id k", "id"),
            "SELECT id, count(*) AS n FROM (SELECT DISTINCT * FROM a.silver.t) GROUP BY id",
            vec!["rows: t.w → "],
        ),
        (
            ("id w", "id"),
            ("id", "id"),
            "SELECT count(*) AS n FROM (SELECT * FROM a.silver.t UNION SELECT * FROM a.silver.t)",
            vec!["rows: t.w → "],
        ),
        (
            ("k v", "id"),
            ("v k", "id"),
            "WITH q(a, b) AS (SELECT * FROM a.silver.t) SELECT a, b FROM q",
            vec!["a: t.k → t.v", "b: t.v → t.k"],
        ),
    ] {
        assert_eq!(shown(before, after, &none, sql).await, expected, "{sql}");
        assert_eq!(shown(before, before, &none, sql).await, Vec::<String>::new(), "{sql}");
    }
}

#[tokio::test]
async fn columns_that_come_and_go_alter_no_query_that_means_the_same() {
    for sql in [
        "SELECT id FROM a.silver.t",
        "SELECT * FROM a.silver.t",
        "SELECT DISTINCT * FROM a.silver.t",
        "SELECT * FROM a.silver.t UNION SELECT * FROM a.silver.t",
        "SELECT id, sum(k) AS k FROM (SELECT * FROM a.silver.t) GROUP BY id",
        "SELECT t.* FROM a.silver.t AS t JOIN a.silver.u AS u ON u.id = t.id",
        "SELECT t.id FROM a.silver.t AS t JOIN a.silver.u AS u USING (id) WHERE t.k > 1",
        "SELECT id FROM a.silver.t AS t WHERE EXISTS (SELECT * FROM a.silver.u AS u WHERE u.id = t.id)",
        "SELECT id FROM a.silver.t NATURAL JOIN a.silver.u",
        "SELECT id, row_number() OVER (PARTITION BY id ORDER BY k) AS k FROM (SELECT * FROM a.silver.t)",
        "SELECT id, count(*) AS k FROM a.silver.t GROUP BY id",
        "WITH q AS (SELECT * FROM a.silver.t) SELECT id FROM q EXCEPT SELECT id FROM a.silver.u",
    ] {
        let none = Renamed::default();
        let (few, many) = (("id k", "id"), ("id k z", "id"));
        assert_eq!(shown(few, many, &none, sql).await, Vec::<String>::new(), "{sql}");
        assert_eq!(shown(many, few, &none, sql).await, Vec::<String>::new(), "{sql}");
    }
}

#[tokio::test]
async fn columns_are_the_same_by_what_they_were_called() {
    let silver: DatasetName = "a.silver.t".parse().unwrap();
    let names = |names: &[(&str, Option<&str>)]| -> Vec<(String, Option<String>)> {
        let names = names.iter();
        names
            .map(|(now, was)| ((*now).to_owned(), was.map(str::to_owned)))
            .collect()
    };
    let (all, rest) = (("v w", "id"), ("v", "id"));
    let mut swapped = Renamed::default();
    swapped.add(&silver, names(&[("v", Some("w")), ("w", Some("v"))]));
    let mut taken = Renamed::default();
    taken.add(&silver, names(&[("v", Some("w"))]));
    let mut replaced = Renamed::default();
    replaced.add(&silver, names(&[("v", None)]));
    for (renamed, after, sql, expected) in [
        (&swapped, all, "SELECT v FROM a.silver.t", vec!["v: t.v → t.v"]),
        (
            &swapped,
            all,
            "SELECT v - w AS d FROM a.silver.t",
            vec!["d: t.v t.w → t.v t.w"],
        ),
        (
            &swapped,
            all,
            "SELECT 1 AS one FROM a.silver.t WHERE v < w",
            vec!["rows: t.v t.w → t.v t.w"],
        ),
        (&swapped, all, "SELECT id FROM a.silver.u", vec![]),
        (&taken, rest, "SELECT v FROM a.silver.t", vec!["v: t.v → t.v"]),
        (
            &replaced,
            all,
            "SELECT max(v) AS m FROM a.silver.t",
            vec!["m: t.v → t.v"],
        ),
    ] {
        assert_eq!(shown(all, after, renamed, sql).await, expected, "{sql}");
    }
    // What is built changed its names along.
    swapped.add(
        &"a.gold.x".parse().unwrap(),
        names(&[("v", Some("w")), ("w", Some("v"))]),
    );
    let star = "SELECT * FROM a.silver.t";
    assert_eq!(shown(all, all, &swapped, star).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_query_that_changed_knows_what_it_asks() {
    let before = of("id k", "id k", "SELECT id FROM a.silver.t WHERE k = 1").await;
    let after = of("id k", "id k", "SELECT id FROM a.silver.u WHERE k = 1").await;
    assert_eq!(altered(&before, &after, &Renamed::default(), &BTreeSet::new()), []);
}
