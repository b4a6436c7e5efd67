//! What the log tells of rows, held against the rows.

use std::sync::Arc;

use arrow::array::{Date32Array, Float64Array, Int32Array, TimestampMicrosecondArray};
use arrow::datatypes::TimeUnit;
use datafusion::common::ScalarValue;

use super::*;
use crate::TableFacts;

fn wide() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("number", DataType::Int32, true),
        Field::new("day", DataType::Date32, true),
        Field::new(
            "at",
            DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            true,
        ),
        Field::new("ratio", DataType::Float64, true),
        Field::new("text", DataType::Utf8, true),
    ]))
}

fn lines(numbers: Vec<Option<i32>>) -> RecordBatch {
    let days: Vec<_> = numbers.iter().map(|number| number.map(|number| number + 100)).collect();
    let moments: Vec<_> = numbers
        .iter()
        .map(|number| number.map(|number| i64::from(number) * 1_000_000 + 1_999))
        .collect();
    let ratios: Vec<_> = numbers.iter().map(|number| number.map(f64::from)).collect();
    let texts: Vec<_> = numbers
        .iter()
        .map(|number| number.map(|number| number.to_string()))
        .collect();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int32Array::from(numbers)),
        Arc::new(Date32Array::from(days)),
        Arc::new(TimestampMicrosecondArray::from(moments).with_timezone("UTC")),
        Arc::new(Float64Array::from(ratios)),
        Arc::new(StringArray::from(texts)),
    ];
    RecordBatch::try_new(wide(), columns).unwrap()
}

async fn put(table: &mut Table, rows: RecordBatch, operation: Operation, remove: Vec<DataFile>) -> Vec<DataFile> {
    let mut writer = table.writer().unwrap();
    writer.write(&rows).await.unwrap();
    let add = writer.finish().await.unwrap();
    let commit = Commit {
        add: add.clone(),
        remove,
        ..Commit::new(RunId::new(), operation)
    };
    table.commit(commit).await.unwrap();
    add
}

async fn facts(table: &Table) -> TableFacts {
    table.facts(10).await.unwrap()
}

#[tokio::test]
async fn facts_are_those_of_all_files_together() {
    let (lake, _) = faulty_lake();
    let mut table = lake.ensure(&name(), wide(), &TableOptions::default()).await.unwrap();
    assert_eq!(facts(&table).await.rows, Some(0));
    let first = put(
        &mut table,
        lines(vec![Some(5), None, Some(-3)]),
        Operation::Append,
        Vec::new(),
    )
    .await;
    let second = put(&mut table, lines(vec![None, None]), Operation::Append, Vec::new()).await;
    put(&mut table, lines(vec![Some(7)]), Operation::Append, Vec::new()).await;
    // Rewritten files bring no rows.
    let both = lines(vec![Some(5), None, Some(-3), None, None]);
    put(&mut table, both, Operation::Compact, [first, second].concat()).await;
    for table in [&table, &lake.load(&name()).await.unwrap().unwrap()] {
        let facts = facts(table).await;
        assert_eq!(facts.rows, Some(6));
        assert_eq!((&facts.recent_commits[..], facts.commits_cut), (&[1, 2, 3][..], false));
        let number = &facts.columns["number"];
        assert_eq!(number.nulls, Some(3));
        assert_eq!(number.minimum, Some(ScalarValue::Int32(Some(-3))));
        assert_eq!(number.maximum, Some(ScalarValue::Int32(Some(7))));
        assert_eq!(facts.columns["day"].maximum, Some(ScalarValue::Date32(Some(107))));
        let Some(ScalarValue::TimestampMicrosecond(Some(newest), _)) = facts.columns["at"].maximum else {
            panic!("{facts:?}");
        };
        // Cut to milliseconds, never above the truth.
        assert_eq!(newest / 1_000, 7_001);
        assert!(newest <= 7_001_999, "{newest}");
        assert_eq!(facts.columns["text"].nulls, Some(3));
        assert_eq!(facts.columns["text"].maximum, None, "texts are cut");
        assert_eq!(facts.columns["ratio"].maximum, None, "no number is not counted");
    }
}

#[tokio::test]
async fn a_column_of_nulls_has_a_null_as_its_bounds() {
    let (lake, _) = faulty_lake();
    let mut table = lake.ensure(&name(), wide(), &TableOptions::default()).await.unwrap();
    put(&mut table, lines(vec![None, None]), Operation::Append, Vec::new()).await;
    let facts = facts(&table).await;
    assert_eq!(facts.columns["number"].nulls, Some(2));
    assert_eq!(facts.columns["number"].minimum, Some(ScalarValue::Int32(None)));
}

#[tokio::test]
async fn a_file_without_statistics_tells_nothing() {
    let (lake, _) = faulty_lake();
    let mut table = table(&lake).await;
    let commit = append(&table, 0..5, Vec::new()).await;
    table.commit(commit).await.unwrap();
    let silent = serde_json::json!({"add": {
        "path": "elsewhere.parquet", "partitionValues": {}, "size": 1, "modificationTime": 0, "dataChange": true,
    }});
    put_entry(&table, 2, &[silent]).await;
    table.refresh().await.unwrap();
    let facts = facts(&table).await;
    let nothing = TableFacts {
        commits_cut: true,
        ..TableFacts::default()
    };
    assert_eq!(facts, nothing);
}

#[tokio::test]
async fn the_bounds_of_a_column_of_times_are_read_where_somebody_asks() {
    let (lake, _) = faulty_lake();
    let mut table = lake.ensure(&name(), wide(), &TableOptions::default()).await.unwrap();
    let none = (ScalarValue::Date32(None), ScalarValue::Date32(None));
    assert_eq!(table.read_bounds("day").await.unwrap(), Some(none));
    for numbers in [vec![Some(5), None], vec![Some(-3), Some(7)]] {
        put(&mut table, lines(numbers), Operation::Append, Vec::new()).await;
    }
    let days = (ScalarValue::Date32(Some(97)), ScalarValue::Date32(Some(107)));
    assert_eq!(table.read_bounds("day").await.unwrap(), Some(days));
    // Not cut to milliseconds as statistics are.
    let at = |micros| ScalarValue::TimestampMicrosecond(Some(micros), Some("UTC".into()));
    let moments = (at(-3_000_000 + 1_999), at(7_000_000 + 1_999));
    assert_eq!(table.read_bounds("at").await.unwrap(), Some(moments));
    for other in ["number", "text", "nope", "day.inside"] {
        assert_eq!(table.read_bounds(other).await.unwrap(), None, "{other}");
    }
}

#[tokio::test]
async fn rows_are_the_same_with_texts_as_views() {
    let (lake, _) = faulty_lake();
    let mut table = lake.ensure(&name(), wide(), &TableOptions::default()).await.unwrap();
    put(&mut table, lines(vec![Some(1), None]), Operation::Append, Vec::new()).await;
    let provider = table.view_provider().unwrap();
    assert_eq!(
        provider.schema().field_with_name("text").unwrap().data_type(),
        &DataType::Utf8View
    );
    let context = SessionContext::new();
    let rows = |provider| {
        let frame = context.read_table(provider).unwrap();
        frame
            .sort_by(vec![datafusion::prelude::col("number")])
            .unwrap()
            .to_string()
    };
    assert_eq!(
        rows(provider).await.unwrap(),
        rows(table.provider().unwrap()).await.unwrap()
    );
}
