//! Partitions that other engines made.

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use datafusion::common::stats::Precision;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};

use super::foreign::partitioned;
use super::*;

/// The `number`s for which a condition holds, in order.
async fn numbers_where(table: &Table, condition: &str) -> Vec<i64> {
    let context = SessionContext::new();
    context.register_table("t", table.provider().unwrap()).unwrap();
    let query = format!("SELECT number FROM t WHERE {condition} ORDER BY number");
    let batches = context.sql(&query).await.unwrap().collect().await.unwrap();
    let numbers = batches
        .iter()
        .map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec());
    numbers.flatten().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_text_of_a_partition_is_null_however_it_is_asked() {
    let (lake, _) = faulty_lake();
    let texts = [Some("a"), Some(""), None, Some("a"), Some("")];
    let rows = RecordBatch::try_from_iter_with_nullable([
        (
            "number",
            Arc::new(Int64Array::from_iter_values(0..5)) as ArrayRef,
            false,
        ),
        ("text", Arc::new(StringArray::from(texts.to_vec())) as ArrayRef, true),
    ])
    .unwrap();
    let table = partitioned(&lake, rows).await;
    // The log does say both.
    let files = table.files().unwrap();
    let values = files
        .iter()
        .map(|file| file.to_add(true).partition_values["text"].clone());
    let values: std::collections::BTreeSet<_> = values.collect();
    assert_eq!(values, [None, Some(String::new()), Some("a".to_owned())].into());

    for (condition, wanted) in [
        ("text IS NULL", vec![1, 2, 4]),
        ("text IS NOT NULL", vec![0, 3]),
        ("text = ''", vec![]),
        ("text <> 'a'", vec![]),
        ("text < 'b'", vec![0, 3]),
        ("text IN ('', 'a')", vec![0, 3]),
        ("text NOT IN ('b', 'c')", vec![0, 3]),
        ("NOT (text = 'a')", vec![]),
        ("text LIKE '%'", vec![0, 3]),
        ("text BETWEEN '' AND 'b'", vec![0, 3]),
        ("coalesce(text, 'none') = 'none'", vec![1, 2, 4]),
        ("text = 'a' OR number = 4", vec![0, 3, 4]),
        ("text <> '' OR number = 1", vec![0, 1, 3]),
        ("(text IS NULL OR text = 'a') AND number > 0", vec![1, 2, 3, 4]),
        ("text IS NOT DISTINCT FROM NULL", vec![1, 2, 4]),
        ("number >= 3", vec![3, 4]),
    ] {
        assert_eq!(numbers_where(&table, condition).await, wanted, "{condition}");
    }
    let context = SessionContext::new();
    context.register_table("t", table.provider().unwrap()).unwrap();
    let counted = context
        .sql("SELECT count(text), count(*) FROM t")
        .await
        .unwrap()
        .collect()
        .await
        .unwrap();
    let figure = |place: usize| counted[0].column(place).as_primitive::<Int64Type>().value(0);
    assert_eq!((figure(0), figure(1)), (2, 5));
    // Nor do statistics say anything else of the rows.
    let state = context.state();
    let plan = table.provider().unwrap().scan(&state, None, &[], None).await.unwrap();
    let statistics = StatisticsContext::new()
        .compute(plan.as_ref(), &StatisticsArgs::new())
        .unwrap();
    let place = plan.schema().index_of("text").unwrap();
    let nulls = statistics.column_statistics[place].null_count;
    assert!(matches!(nulls, Precision::Absent | Precision::Exact(3)), "{nulls}");
    // A limit does not cut off rows before they are filtered.
    let limited = context
        .sql("SELECT number FROM t WHERE text IS NULL LIMIT 3")
        .await
        .unwrap();
    assert_eq!(limited.count().await.unwrap(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_on_a_text_partition_still_leaves_out_files() {
    let (lake, _) = faulty_lake();
    let table = partitioned(&lake, rows(0..3)).await;
    let context = SessionContext::new();
    context.register_table("t", table.provider().unwrap()).unwrap();
    let frame = context.sql("SELECT number FROM t WHERE text = 'row 1'").await.unwrap();
    let plan = frame.create_physical_plan().await.unwrap();
    let shown = datafusion::physical_plan::displayable(plan.as_ref())
        .indent(true)
        .to_string();
    assert_eq!(shown.matches(".parquet").count(), 1, "{shown}");
}
