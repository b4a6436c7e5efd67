//! Increments of queries that take fields of objects and maps.

use arrow::array::{Int64Builder, MapBuilder, MapFieldNames, StringBuilder, StructArray};
use arrow::datatypes::{DataType, Field};

use super::*;

const TARGET: &str = "k string, v bigint, n bigint";

/// Rows `k`, `o {a, b}`, `m {x: …}` and `w`.
fn nested() -> Declared {
    let fields = "{name: a, logicalType: integer, physicalType: bigint}, {name: b, logicalType: string}";
    let value = "{logicalType: integer, physicalType: bigint}";
    bronze().contract_of(
        "a.bronze.n",
        &[
            "{name: k, logicalType: string}",
            &format!("{{name: o, logicalType: object, properties: [{fields}]}}"),
            &format!("{{name: m, logicalType: map, map: {{key: {{logicalType: string}}, value: {value}}}}}"),
            "{name: w, logicalType: integer, physicalType: bigint}",
        ],
    )
}

/// Commits rows `(k, v, w)` with `v` and `k` in an object (null where `w` is) and `v` in a map under `x`.
async fn add(writer: &mut Writer<'_>, rows: &[Row]) {
    let flat = writer.batch(rows);
    let column = |name: &str| Arc::clone(flat.column_by_name(name).unwrap());
    let field = |name: &str, kind| Field::new(name, kind, true);
    let object = StructArray::new(
        vec![field("a", DataType::Int64), field("b", DataType::Utf8)].into(),
        vec![column("v"), column("k")],
        column("w").nulls().cloned(),
    );
    let names = MapFieldNames {
        entry: "key_value".to_owned(),
        key: "key".to_owned(),
        value: "value".to_owned(),
    };
    let mut map = MapBuilder::new(Some(names), StringBuilder::new(), Int64Builder::new());
    for (_, v, _) in rows {
        map.keys().append_value("x");
        map.values().append_option(*v);
        map.append(true).unwrap();
    }
    let (object, map): (ArrayRef, ArrayRef) = (Arc::new(object), Arc::new(map.finish()));
    let contract = writer.engine.contract(&name("a.bronze.n")).unwrap();
    let schema = dataset_columns(&contract).unwrap();
    let columns = schema.fields().iter().filter_map(|field| {
        let values = match field.name().as_str() {
            "o" => &object,
            "m" => &map,
            other => flat.column_by_name(other)?,
        };
        Some((field.name(), arrow::compute::cast(values, field.data_type()).unwrap()))
    });
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    writer
        .commit_batch("a.bronze.n", Vec::new(), batch, Operation::Append)
        .await;
}

/// Builds over three commits, of which the last two are increments; then the table holds these rows, and the same after a
/// full build.
async fn increments_end_as(document: &str, sql: &str, expected: Option<&[&str]>) {
    let engine = nested()
        .contract("a.silver.t", TARGET)
        .pipeline("t", "a.silver.t", document, sql)
        .engine(&lake());
    let mut writer = Writer::new(&engine);
    writer.add("a.bronze.e", &[row("a", 1, 100), row("b", 2, 200)]).await;
    let commits = [
        vec![row("a", 1, 10), row("b", 2, 20)],
        vec![row("a", 3, 30), row("c", 4, 40), (Some("b".to_owned()), Some(5), None)],
        vec![row("c", 6, 60), row("d", 1, 70), (Some("e".to_owned()), None, Some(80))],
    ];
    for (i, rows) in commits.iter().enumerate() {
        add(&mut writer, rows).await;
        let action = if i == 0 { Action::Full } else { Action::Incremental };
        assert_eq!(run(&engine).await[0].action, action, "{document}: {sql}");
    }
    let shown = "SELECT k, v, n FROM a.silver.t";
    let built = rows(&engine, shown).await;
    match expected {
        Some(expected) => assert_eq!(built, expected, "{document}: {sql}"),
        None => assert_eq!(
            built,
            rows(&engine, &format!("SELECT k, v, n FROM ({sql})")).await,
            "{document}: {sql}"
        ),
    }
    let whole = RunOptions {
        full: true,
        ..RunOptions::default()
    };
    assert_eq!(run_with(&engine, &whole).await[0].action, Action::Full);
    assert_eq!(rows(&engine, shown).await, built, "{document}: {sql}");
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_are_taken_from_rows_that_are_added() {
    let document = "materialization: append";
    let expected = [
        "a 1 10",
        "a 3 30",
        "b 2 20",
        "c 4 40",
        "c 6 60",
        "d 1 70",
        "e ∅ 80",
        "b ∅ ∅",
    ];
    let mut sorted = expected.to_vec();
    sorted.sort_unstable();
    increments_end_as(document, "SELECT k, o.a AS v, w AS n FROM a.bronze.n", Some(&sorted)).await;
    for sql in [
        "SELECT k, m['x'] AS v, w AS n FROM a.bronze.n",
        "SELECT o['b'] AS k, m['x'] + o['a'] AS v, w AS n FROM a.bronze.n WHERE o.a > 0",
        "SELECT x.k, coalesce(x.o.a, 0) AS v, w AS n FROM a.bronze.n AS x WHERE x.o.b <> 'a'",
        "WITH y AS (SELECT k, o, w FROM a.bronze.n) SELECT k, o.a AS v, w AS n FROM y",
    ] {
        increments_end_as(document, sql, None).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_are_taken_from_the_first_rows_of_keys() {
    let document = "materialization: append_distinct\nkey: [k]";
    for sql in [
        "SELECT k, o.a AS v, w AS n FROM a.bronze.n WHERE w IS NOT NULL",
        "SELECT o.b AS k, m['x'] AS v, w AS n FROM a.bronze.n WHERE o.b IS NOT NULL",
    ] {
        increments_end_as(document, sql, Some(&["a 1 10", "b 2 20", "c 4 40", "d 1 70", "e ∅ 80"])).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_are_taken_from_groups_that_are_replaced() {
    let document = "materialization: replace_groups\nkey: [k]";
    for sql in [
        "SELECT k, sum(o.a) AS v, count(*) AS n FROM a.bronze.n GROUP BY k",
        "SELECT k, sum(m['x']) AS v, max(o['a']) AS n FROM a.bronze.n GROUP BY k",
        "SELECT x.o.b AS k, min(x.o.a) AS v, sum(x.w) AS n FROM a.bronze.n AS x GROUP BY x.o.b",
        "WITH y AS (SELECT k, o.a AS a FROM a.bronze.n) SELECT k, sum(a) AS v, count(a) AS n FROM y GROUP BY k",
        "SELECT n.k, sum(n.o.a) AS v, max(e.w) AS n FROM a.bronze.n JOIN a.bronze.e ON e.v = n.o.a GROUP BY n.k",
    ] {
        increments_end_as(document, sql, None).await;
    }
    increments_end_as(
        "materialization: replace_groups\nkey: [v]",
        "SELECT CAST(o.a AS bigint) AS v, min(k) AS k, count(*) AS n FROM a.bronze.n GROUP BY CAST(o.a AS bigint)",
        None,
    )
    .await;
}
