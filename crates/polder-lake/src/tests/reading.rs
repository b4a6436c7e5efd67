//! What others read of a table: rows, files, changes and history.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray, Decimal128Array, TimestampMicrosecondArray};
use arrow::datatypes::{Decimal128Type, Int64Type};
use datafusion::physical_plan::displayable;
use polder_core::ErrorKind;

use super::*;

async fn commit(table: &mut Table, operation: Operation, add: Vec<DataFile>, remove: Vec<DataFile>) {
    table
        .commit(Commit {
            add,
            remove,
            ..Commit::new(RunId::new(), operation)
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn changes_tell_rows_that_came_and_went() {
    let (lake, _) = faulty_lake();
    let mut table = table(&lake).await;
    let (first, second, third) = (
        files(&table, 0..2).await,
        files(&table, 2..4).await,
        files(&table, 4..6).await,
    );
    let both = files(&table, 0..4).await;
    commit(&mut table, Operation::Append, first.clone(), Vec::new()).await; // 1
    commit(&mut table, Operation::Append, second.clone(), Vec::new()).await; // 2
    commit(
        &mut table,
        Operation::Compact,
        both.clone(),
        [first.clone(), second.clone()].concat(),
    )
    .await; // 3
    commit(&mut table, Operation::Append, third.clone(), Vec::new()).await; // 4
    commit(&mut table, Operation::Delete, Vec::new(), both.clone()).await; // 5
    let paths = |files: &[DataFile]| files.iter().map(|file| file.path().to_owned()).collect::<Vec<_>>();

    let all = table.changes(0).await.unwrap().unwrap();
    assert_eq!(all.to, 5);
    assert_eq!(
        paths(&all.added),
        paths(&[first, second.clone(), third.clone()].concat())
    );
    assert_eq!(paths(&all.removed), paths(&both));
    // Files that are not part of the table any more can still be read.
    assert_eq!(
        numbers(table.files_provider(&all.added).unwrap()).await,
        [0, 1, 2, 3, 4, 5]
    );
    assert_eq!(numbers(table.files_provider(&all.removed).unwrap()).await, [0, 1, 2, 3]);

    let compacted = table.changes(2).await.unwrap().unwrap();
    assert_eq!(
        (paths(&compacted.added), paths(&compacted.removed)),
        (paths(&third), paths(&both))
    );
    assert!(table.changes(5).await.unwrap().unwrap().is_empty());
    assert_eq!(table.changes(6).await.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(stored(&lake).await, [4, 5]);
}

#[tokio::test]
async fn a_file_that_came_and_went_is_not_told() {
    let (lake, _) = faulty_lake();
    let mut table = table(&lake).await;
    let (first, second) = (files(&table, 0..2).await, files(&table, 2..4).await);
    commit(&mut table, Operation::Append, first.clone(), Vec::new()).await;
    commit(&mut table, Operation::Replace, second.clone(), first).await;
    let changes = table.changes(0).await.unwrap().unwrap();
    assert_eq!(
        changes.added.iter().map(DataFile::path).collect::<Vec<_>>(),
        [second[0].path()]
    );
    assert_eq!(changes.removed, []);
}

#[tokio::test]
async fn history_names_operation_run_and_notes() {
    let (lake, _) = faulty_lake();
    let mut table = table(&lake).await;
    let mut first = append(&table, 0..2, step(None, 2)).await;
    first.metadata = BTreeMap::from([("contract_version".to_owned(), "1.2.0".to_owned())]);
    table.commit(first.clone()).await.unwrap();
    let history = table.history(10).await.unwrap();
    assert_eq!(history.iter().map(|record| record.version).collect::<Vec<_>>(), [1, 0]);
    assert_eq!(history[0].run_id, Some(first.run));
    assert_eq!(history[0].operation, "append");
    assert_eq!(history[0].metadata, first.metadata);
    assert_eq!(
        (history[1].operation.as_str(), history[1].run_id),
        ("CREATE TABLE", None)
    );
    assert!(history[0].timestamp >= history[1].timestamp);
    assert_eq!(table.history(1).await.unwrap().len(), 1);
}

#[tokio::test]
async fn statistics_answer_counts_and_leave_out_files() {
    let (lake, _) = faulty_lake();
    let mut table = table(&lake).await;
    for start in [0, 100, 200] {
        let add = files(&table, start..start + 100).await;
        assert_eq!(add[0].rows(), Some(100));
        commit(&mut table, Operation::Append, add, Vec::new()).await;
    }
    assert_eq!(table.row_count(), Some(300));
    assert_eq!(
        table.size_bytes(),
        table.files().unwrap().iter().map(DataFile::size_bytes).sum::<u64>()
    );
    let context = SessionContext::new();
    context.register_table("lines", table.provider().unwrap()).unwrap();
    let plan = context
        .sql("SELECT count(*) FROM lines")
        .await
        .unwrap()
        .create_physical_plan()
        .await
        .unwrap();
    let text = displayable(plan.as_ref()).indent(false).to_string();
    assert!(
        !text.contains("DataSourceExec: file_groups"),
        "the count is known from the log: {text}"
    );
    for (sql, expected) in [
        ("SELECT count(*) FROM lines", 300),
        ("SELECT count(*) FROM lines WHERE number >= 150", 150),
        ("SELECT max(number) FROM lines", 299),
        ("SELECT min(number) FROM lines WHERE text LIKE 'row 2%'", 2),
        ("SELECT sum(number) FROM lines WHERE number BETWEEN 99 AND 101", 300),
        ("SELECT count(*) FROM lines WHERE number IS NULL", 0),
    ] {
        let batches = context.sql(sql).await.unwrap().collect().await.unwrap();
        assert_eq!(
            batches[0].column(0).as_primitive::<Int64Type>().value(0),
            expected,
            "{sql}"
        );
    }
}

#[tokio::test]
async fn money_bytes_times_and_nested_values_come_back_as_they_were() {
    let (lake, _) = faulty_lake();
    let utc = DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, Some("UTC".into()));
    let schema = Arc::new(Schema::new(vec![
        Field::new("price", DataType::Decimal128(12, 3), true),
        Field::new("at", utc, true),
        Field::new("key", DataType::Binary, true),
        Field::new("tags", DataType::new_list(DataType::Utf8, true), true),
    ]));
    let mut tags = arrow::array::ListBuilder::new(arrow::array::StringBuilder::new());
    tags.append_value([Some("a"), None]);
    tags.append_null();
    let batch = RecordBatch::try_new(
        Arc::clone(&schema),
        vec![
            Arc::new(
                Decimal128Array::from(vec![Some(-12_345), None])
                    .with_precision_and_scale(12, 3)
                    .unwrap(),
            ),
            Arc::new(TimestampMicrosecondArray::from(vec![Some(1_291_192_560_000_001), None]).with_timezone("UTC")),
            Arc::new(arrow::array::BinaryArray::from(vec![Some(&[0_u8, 255][..]), None])),
            Arc::new(tags.finish()),
        ],
    )
    .unwrap();
    let mut table = lake.ensure(&name(), schema, &TableOptions::default()).await.unwrap();
    let mut writer = table.writer().unwrap();
    writer.write(&batch).await.unwrap();
    assert_eq!(writer.rows(), 2);
    assert!(writer.bytes() > 0);
    let add = writer.finish().await.unwrap();
    commit(&mut table, Operation::Append, add, Vec::new()).await;
    let context = SessionContext::new();
    context.register_table("t", table.provider().unwrap()).unwrap();
    let read = context
        .sql("SELECT * FROM t ORDER BY price NULLS LAST")
        .await
        .unwrap()
        .collect()
        .await
        .unwrap();
    let read = arrow::compute::concat_batches(&read[0].schema(), &read).unwrap();
    assert_eq!(read.column(0).as_primitive::<Decimal128Type>().value(0), -12_345);
    assert_eq!(read.column(1), batch.column(1));
    assert_eq!(read.column(2).as_binary::<i32>().value(0), [0, 255]);
    let list = read.column(3).as_list::<i32>();
    assert!(list.is_null(1));
    assert_eq!(
        list.value(0).as_string::<i32>().iter().collect::<Vec<_>>(),
        [Some("a"), None]
    );
}

#[tokio::test]
async fn an_empty_writer_makes_no_file_and_a_discarded_one_leaves_none() {
    let (lake, _) = faulty_lake();
    let table = table(&lake).await;
    assert_eq!(table.writer().unwrap().finish().await.unwrap(), []);
    let mut writer = table.writer().unwrap();
    writer.write(&rows(0..10)).await.unwrap();
    writer.discard().await.unwrap();
    assert_eq!(stored(&lake).await, [0_i64; 0]);
    let error = table
        .writer()
        .unwrap()
        .write(&RecordBatch::try_from_iter([("number", Arc::new(Int64Array::from(vec![None])) as ArrayRef)]).unwrap())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("`number` is required"), "{error}");
}
