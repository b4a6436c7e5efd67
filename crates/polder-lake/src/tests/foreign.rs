//! Tables that other engines made or changed.

use deltalake::DeltaTable;
use deltalake::protocol::SaveMode;
use object_store::PutPayload;
use polder_core::ErrorKind;
use serde_json::{Value, json};

use super::*;

/// A table with these rows and partitions of its texts, made and filled by the Delta library alone.
pub(super) async fn partitioned(lake: &Lake, rows: RecordBatch) -> Table {
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
        .write([rows])
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
    let table = partitioned(&lake, rows(0..3)).await;
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
async fn a_table_whose_columns_are_mapped_by_id_is_refused_and_not_read_as_nulls() {
    let (lake, _) = faulty_lake();
    let mut table = table(&lake).await;
    let columns: Vec<_> = [("number", "long"), ("text", "string")]
        .iter()
        .zip(1..)
        .map(|((name, kind), id)| {
            let mapping = json!({"delta.columnMapping.id": id, "delta.columnMapping.physicalName": name});
            json!({"name": name, "type": kind, "nullable": true, "metadata": mapping})
        })
        .collect();
    let schema = json!({"type": "struct", "fields": columns}).to_string();
    let mapped = |mode: &str| {
        json!({"metaData": {"id": table.id(), "format": {"provider": "parquet", "options": {}}, "schemaString": schema,
            "partitionColumns": [], "configuration": {"delta.columnMapping.mode": mode}}})
    };
    let features = ["columnMapping"];
    let protocol = json!({"protocol": {
        "minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": features, "writerFeatures": features,
    }});
    let (by_name, by_id) = ([protocol, mapped("name")], [mapped("id")]);
    put_entry(&table, 1, &by_name).await;
    table.refresh().await.unwrap();
    put_entry(&table, 2, &by_id).await;
    for refused in [
        table.refresh().await.unwrap_err(),
        lake.load(&name()).await.unwrap_err(),
    ] {
        assert_eq!(refused.kind(), ErrorKind::Data, "{refused:?}");
        assert!(refused.to_string().contains("mapped by id"), "{refused:?}");
    }
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

/// An inline deletion vector of the rows 3, 4, 7, 11, 18 and 29, as other engines write it.
fn deletion_vector() -> Value {
    json!({
        "storageType": "i",
        "pathOrInlineDv": "^Bg9^0rr910000000000iXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L",
        "sizeInBytes": 44,
        "cardinality": 6,
    })
}

/// Another engine takes the rows of [`deletion_vector`] out of the table's only file, in the next version.
async fn delete_rows(table: &mut Table) {
    let files = table.files().unwrap();
    let [file] = files.as_slice() else { panic!("{files:?}") };
    let entry = [protocol(), remove(file, None), add(file, Some(deletion_vector()))];
    put_entry(table, table.version() + 1, &entry).await;
    table.refresh().await.unwrap();
}

fn protocol() -> Value {
    let features = ["deletionVectors"];
    json!({"protocol": {
        "minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": features, "writerFeatures": features,
    }})
}

fn remove(file: &DataFile, vector: Option<Value>) -> Value {
    let mut remove = json!({"path": file.path(), "dataChange": true, "deletionTimestamp": 1, "size": file.size_bytes(),
        "extendedFileMetadata": true, "partitionValues": {}});
    if let Some(vector) = vector {
        remove["deletionVector"] = vector;
    }
    json!({ "remove": remove })
}

fn add(file: &DataFile, vector: Option<Value>) -> Value {
    let file = file.to_add(true);
    let mut add = json!({"path": file.path, "dataChange": true, "size": file.size, "partitionValues": {},
        "modificationTime": file.modification_time, "stats": file.stats});
    if let Some(vector) = vector {
        add["deletionVector"] = vector;
    }
    json!({ "add": add })
}

/// What is left of the rows 0 to 29.
fn left() -> Vec<i64> {
    (0..30).filter(|row| ![3, 4, 7, 11, 18, 29].contains(row)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_which_rows_went_are_read_one_by_one_and_replaced_as_they_are() {
    let (lake, _) = faulty_lake();
    let mut table = table(&lake).await;
    let commit = append(&table, 0..30, step(None, 30)).await;
    table.commit(commit).await.unwrap();
    delete_rows(&mut table).await;
    let commit = append(&table, 50..52, step(Some(30), 32)).await;
    table.commit(commit).await.unwrap();
    assert_eq!(table.row_count(), Some(26));

    let files = table.files().unwrap();
    let (holed, whole): (Vec<_>, Vec<_>) = files.iter().cloned().partition(|file| file.rows() == Some(24));
    assert_eq!((holed.len(), whole.len()), (1, 1));
    assert_eq!(numbers(table.files_provider(&holed).unwrap()).await, left());
    assert_eq!(numbers(table.files_provider(&whole).unwrap()).await, [50, 51]);
    let all = [left(), vec![50, 51]].concat();
    assert_eq!(numbers(table.files_provider(&files).unwrap()).await, all);
    // Together with rows that no commit names yet.
    let new = super::files(&table, 60..61).await;
    let with_new = [files.clone(), new.clone()].concat();
    assert_eq!(
        numbers(table.files_provider(&with_new).unwrap()).await,
        [all, vec![60]].concat()
    );

    let commit = Commit {
        add: new,
        remove: holed,
        ..Commit::new(RunId::new(), Operation::Replace)
    };
    table.commit(commit).await.unwrap();
    assert_eq!(numbers(table.provider().unwrap()).await, [50, 51, 60]);
    assert_eq!(stored(&lake).await, [50, 51, 60]);
    assert_eq!(table.row_count(), Some(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_lost_rows_meanwhile_is_not_taken_for_the_one_that_was_read() {
    let (lake, _) = faulty_lake();
    let mut table = table(&lake).await;
    let commit = append(&table, 0..30, step(None, 30)).await;
    table.commit(commit).await.unwrap();
    let read = table.clone();
    delete_rows(&mut table).await;
    for operation in [Operation::Replace, Operation::Update, Operation::Compact] {
        let mut late = read.clone();
        let commit = Commit {
            add: files(&late, 0..30).await,
            remove: late.files().unwrap(),
            ..Commit::new(RunId::new(), operation)
        };
        assert_eq!(
            late.commit(commit).await.unwrap_err().kind(),
            ErrorKind::Conflict,
            "{operation:?}"
        );
    }
    assert_eq!(stored(&lake).await, left());
    // Nor does the old description show rows that are there no more.
    let later = table.files().unwrap();
    assert_eq!(read.files_provider(&later).unwrap_err().kind(), ErrorKind::Data);
}

#[tokio::test(flavor = "multi_thread")]
async fn taking_rows_away_is_no_commit_that_brought_some() {
    let (lake, _) = faulty_lake();
    let mut table = table(&lake).await;
    let commit = append(&table, 0..30, step(None, 30)).await;
    table.commit(commit).await.unwrap();
    delete_rows(&mut table).await;
    let commit = append(&table, 50..52, step(Some(30), 32)).await;
    table.commit(commit).await.unwrap();
    assert_eq!(table.recent_additions(10).await.unwrap().rows, [2, 30]);
}

/// A version in which another engine writes some rows for files that go.
async fn rewrite(table: &mut Table, operation: &str, gone: &[DataFile], rows: std::ops::Range<i64>) -> Vec<DataFile> {
    let mut entry = vec![json!({"commitInfo": {"timestamp": 1, "operation": operation, "operationParameters": {}}})];
    entry.extend(gone.iter().map(|file| remove(file, None)));
    let new = match rows.is_empty() {
        true => Vec::new(),
        false => files(table, rows).await,
    };
    entry.extend(new.iter().map(|file| add(file, None)));
    put_entry(table, table.version() + 1, &entry).await;
    table.refresh().await.unwrap();
    new
}

#[tokio::test]
async fn rows_that_were_only_written_again_are_brought_by_no_commit() {
    let (lake, _) = faulty_lake();
    let mut table = table(&lake).await;
    let mut first = Vec::new();
    for (from, step_from) in [(0, None), (100, Some(30))] {
        let commit = append(&table, from..from + 30, step(step_from, from + 30)).await;
        first.extend(commit.add.clone());
        table.commit(commit).await.unwrap();
    }
    let brought = async |table: &Table| table.recent_additions(10).await.unwrap().rows;
    assert_eq!(brought(&table).await, [30, 30]);
    // A row is deleted, some are changed, all are deleted and come back: nothing came.
    let rest = rewrite(&mut table, "DELETE", &first[..1], 1..30).await;
    let changed = rewrite(&mut table, "UPDATE", &rest, 1..30).await;
    rewrite(&mut table, "DELETE", &[&changed[..], &first[1..]].concat(), 0..0).await;
    let mut entry = vec![json!({"commitInfo": {"timestamp": 1, "operation": "RESTORE", "operationParameters": {}}})];
    entry.extend(first.iter().map(|file| add(file, None)));
    put_entry(&table, table.version() + 1, &entry).await;
    table.refresh().await.unwrap();
    assert_eq!(brought(&table).await, [30, 30]);
    // Of a merge the rows that are more than before.
    let merged = rewrite(&mut table, "MERGE", &first[..1], 0..37).await;
    assert_eq!(brought(&table).await, [7, 30, 30]);
    rewrite(&mut table, "MERGE", &merged, 0..37).await;
    assert_eq!(brought(&table).await, [7, 30, 30]);
    // Who overwrites the table brings all that he writes.
    let all = table.files().unwrap();
    rewrite(&mut table, "WRITE", &all, 0..12).await;
    assert_eq!(brought(&table).await, [12, 7, 30, 30]);
    assert_eq!(table.own_changes().await.unwrap().unwrap().added.len(), 1);
}

#[tokio::test]
async fn overwriting_a_part_of_a_table_brings_what_it_wrote() {
    let (lake, _) = faulty_lake();
    let mut table = table(&lake).await;
    let commit = append(&table, 0..31, step(None, 31)).await;
    let part = commit.add.clone();
    table.commit(commit).await.unwrap();
    // As delta-rs notes an overwrite of one partition, with fewer rows than there were.
    let parameters = json!({"mode": "Overwrite", "predicate": "p = 'a b%/é'"});
    let mut entry =
        vec![json!({"commitInfo": {"timestamp": 1, "operation": "WRITE", "operationParameters": parameters}})];
    entry.extend(part.iter().map(|file| remove(file, None)));
    entry.extend(files(&table, 0..12).await.iter().map(|file| add(file, None)));
    put_entry(&table, table.version() + 1, &entry).await;
    table.refresh().await.unwrap();
    assert_eq!(table.recent_additions(10).await.unwrap().rows, [12, 31]);
}

#[tokio::test]
async fn where_polder_wrote_its_own_count_of_new_rows_is_taken() {
    let (lake, _) = faulty_lake();
    let mut table = table(&lake).await;
    let commit = append(&table, 0..30, step(None, 30)).await;
    table.commit(commit).await.unwrap();
    for (new, to) in [(2, 32), (0, 32)] {
        let replaced = Commit {
            add: files(&table, 0..to).await,
            remove: table.files().unwrap(),
            metadata: [("accepted".to_owned(), new.to_string())].into(),
            ..Commit::new(RunId::new(), Operation::Replace)
        };
        table.commit(replaced).await.unwrap();
    }
    assert_eq!(table.recent_additions(10).await.unwrap().rows, [2, 30]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrived_with_a_commit_is_known_of_one_that_only_took_rows_away_inside_of_files() {
    let (lake, _) = faulty_lake();
    let mut table = table(&lake).await;
    let commit = append(&table, 0..30, step(None, 30)).await;
    table.commit(commit).await.unwrap();
    assert_eq!(table.own_changes().await.unwrap().unwrap().added.len(), 1);
    delete_rows(&mut table).await;
    assert_eq!(table.changes(1).await.unwrap(), None);
    assert_eq!(table.own_changes().await.unwrap().unwrap().added, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_went_by_deletion_vector_are_gone_and_the_changes_are_not_guessed() {
    let (lake, _) = faulty_lake();
    let mut ours = table(&lake).await;
    let commit = append(&ours, 0..30, step(None, 30)).await;
    ours.commit(commit.clone()).await.unwrap();
    let mut behind = ours.clone();
    let file = &commit.add[0];
    delete_rows(&mut ours).await;
    let left = left();
    assert_eq!(ours.version(), 2);
    assert_eq!(numbers(ours.provider().unwrap()).await, left);
    assert_eq!(ours.changes(1).await.unwrap(), None);
    // Polder's own commit does not hide what went.
    let next = append(&ours, 50..52, step(Some(30), 32)).await;
    ours.commit(next).await.unwrap();
    assert_eq!(numbers(ours.provider().unwrap()).await, [left, vec![50, 51]].concat());
    // The rows come back: the same file, without its deletion vector.
    put_entry(&ours, 4, &[remove(file, Some(deletion_vector())), add(file, None)]).await;
    for table in [&mut ours, &mut behind] {
        table.refresh().await.unwrap();
        assert_eq!(
            numbers(table.provider().unwrap()).await,
            (0..30).chain(50..52).collect::<Vec<_>>()
        );
        assert_eq!(table.changes(1).await.unwrap(), None);
        assert_eq!(table.changes(3).await.unwrap(), None);
        assert_eq!(table.changes(2).await.unwrap(), None);
        assert!(table.changes(4).await.unwrap().unwrap().is_empty());
    }
}

#[tokio::test]
async fn commits_that_brought_rows_are_looked_for_among_the_newest_thousand() {
    let (lake, _) = faulty_lake();
    let mut table = table(&lake).await;
    let commit = append(&table, 0..30, step(None, 30)).await;
    table.commit(commit).await.unwrap();
    assert_eq!(table.version(), 1);
    // Nothing comes any more, and each version says so in a commit of its own.
    let nothing = [json!({"commitInfo": {"timestamp": 1, "operation": "OPTIMIZE", "operationParameters": {}}})];
    let grown = async |table: &mut Table, to: u64| {
        for version in table.version() + 1..=to {
            put_entry(table, version, &nothing).await;
        }
        table.refresh().await.unwrap();
        assert_eq!(table.version(), to);
        table.recent_additions(10).await.unwrap()
    };
    // The versions 0 to 999 are all that there are, and 1 to 1000 are the newest thousand.
    for (newest, rows, cut) in [(999, &[30][..], false), (1_000, &[30], true), (1_001, &[], true)] {
        let additions = grown(&mut table, newest).await;
        assert_eq!((&additions.rows[..], additions.cut), (rows, cut), "version {newest}");
    }
    // What was asked for was found: nobody needs what lies before.
    let commit = append(&table, 30..32, step(Some(30), 32)).await;
    table.commit(commit).await.unwrap();
    let additions = table.recent_additions(1).await.unwrap();
    assert_eq!((&additions.rows[..], additions.cut), (&[2][..], false));
}
