//! Tables that other engines made or changed.

use deltalake::DeltaTable;
use deltalake::protocol::SaveMode;
use object_store::{ObjectStoreExt, PutPayload};
use polder_core::ErrorKind;

use super::*;

/// A table with partitions, made and filled by the Delta library alone.
async fn partitioned(lake: &Lake) -> Table {
    let plain = table(lake).await;
    let (_, made) = (plain.version(), plain.delta.log_store());
    let other = made.root_url().join("../partitioned/").unwrap();
    let store = deltalake::logstore::default_logstore(
        Arc::new(object_store::prefix::PrefixStore::new(
            made.root_object_store(None),
            object_store::path::Path::from_url_path(other.path()).unwrap(),
        )),
        made.root_object_store(None),
        &other,
        &Default::default(),
    );
    DeltaTable::new(store)
        .write([rows(0..3)])
        .with_partition_columns(["text"])
        .with_save_mode(SaveMode::Append)
        .await
        .unwrap();
    lake.load(&"sales.bronze.partitioned".parse().unwrap())
        .await
        .unwrap()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partitioned_table_is_read_as_a_whole_and_not_written() {
    let (lake, _) = faulty_lake();
    let table = partitioned(&lake).await;
    let context = SessionContext::new();
    context.register_table("t", table.provider().unwrap()).unwrap();
    let frame = context.sql("SELECT number FROM t WHERE text = 'row 2'").await.unwrap();
    assert_eq!(frame.count().await.unwrap(), 1);
    assert_eq!(numbers(table.provider().unwrap()).await, [0, 1, 2]);
    assert_eq!(
        table.files_provider(&table.files().unwrap()).unwrap_err().kind(),
        ErrorKind::Data
    );
    assert_eq!(table.writer().err().unwrap().kind(), ErrorKind::Data);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_another_engine_appends_are_read_and_told() {
    let (lake, _) = faulty_lake();
    let mut table = table(&lake).await;
    let commit = append(&table, 0..2, step(None, 2)).await;
    table.commit(commit).await.unwrap();
    table
        .delta
        .clone()
        .write([rows(5..7)])
        .with_save_mode(SaveMode::Append)
        .await
        .unwrap();
    let next = append(&table, 2..4, step(Some(2), 4)).await;
    assert_eq!(table.commit(next).await.unwrap().version(), 3);
    assert_eq!(stored(&lake).await, [0, 1, 2, 3, 5, 6]);
    let changes = table.changes(1).await.unwrap().unwrap();
    assert_eq!(
        numbers(table.files_provider(&changes.added).unwrap()).await,
        [2, 3, 5, 6]
    );
}

#[tokio::test]
async fn notes_of_other_engines_are_passed_over_and_broken_rows_are_not() {
    let (lake, _) = faulty_lake();
    let mut table = table(&lake).await;
    let log = table.log_store().object_store(None);
    let write = async |version: u64, text: &'static str| {
        let path = format!("_delta_log/{version:020}.json").into();
        log.put(&path, PutPayload::from_static(text.as_bytes())).await.unwrap();
    };
    write(1, "{\"commitInfo\":{\"timestamp\":\"soon\"}}\n\n{\"somethingNew\":{\"a\":1}}\n{\"txn\":{\"appId\":\"x\",\"version\":7}}").await;
    table.refresh().await.unwrap();
    assert_eq!((table.version(), table.progress("x").await.unwrap()), (1, Some(7)));
    write(2, "{\"remove\":{\"path\":7}}").await;
    assert_eq!(table.refresh().await.unwrap_err().kind(), ErrorKind::Data);
    assert_eq!(table.version(), 1);
}
