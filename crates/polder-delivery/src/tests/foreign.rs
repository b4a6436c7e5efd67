//! What other engines do to tables meanwhile.

use object_store::ObjectStoreExt as _;
use polder_core::ErrorKind;
use polder_lake::{Commit, Operation};
use serde_json::json;

use super::rules::{UNIQUE, build, declared, numbers, pipeline, stream};
use super::*;

/// Another engine deletes the rows 3, 4, 7, 11, 18 and 29 of the only file of a table of thirty rows, as a deletion
/// vector beside it.
async fn delete_rows(lake: &Lake, dataset: &str, folder: &str) {
    let table = lake.load(&dataset.parse().unwrap()).await.unwrap().unwrap();
    let files = table.files().unwrap();
    let [file] = files.as_slice() else { panic!("{files:?}") };
    let features = ["deletionVectors"];
    let vector = json!({
        "storageType": "i", "pathOrInlineDv": "^Bg9^0rr910000000000iXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L",
        "sizeInBytes": 44, "cardinality": 6,
    });
    let actions = [
        json!({"protocol": {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": features,
            "writerFeatures": features}}),
        json!({"remove": {"path": file.path(), "dataChange": true, "deletionTimestamp": 1, "size": file.size_bytes(),
            "extendedFileMetadata": true, "partitionValues": {}}}),
        json!({"add": {"path": file.path(), "dataChange": true, "size": file.size_bytes(), "partitionValues": {},
            "modificationTime": 1, "stats": "{\"numRecords\":30}", "deletionVector": vector}}),
    ];
    let text: Vec<_> = actions.iter().map(ToString::to_string).collect();
    let path = format!("{folder}/_delta_log/{:020}.json", table.version() + 1);
    let entry = text.join("\n").into();
    lake.objects().put(&path.into(), entry).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_which_rows_went_by_deletion_vector_still_takes_rows_and_keeps_its_keys() {
    let lake = lake();
    let contract = declared(UNIQUE, "");
    let all: Vec<i32> = (0..30).collect();
    build(&mut pipeline(&lake, &contract).await, &all, false).await.unwrap();
    delete_rows(&lake, "sales.bronze.events", "sales/bronze/events").await;
    let mut delivery = pipeline(&lake, &contract).await;
    build(&mut delivery, &[3, 40], false).await.unwrap();
    let error = build(&mut delivery, &[5], false).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CheckFailed, "{error}");
    assert!(error.to_string().contains(r#"{"n":5}"#), "{error}");
    let left = (0..30).filter(|row| ![4, 7, 11, 18, 29].contains(row)).chain([40]);
    assert_eq!(numbers(&lake, "sales.bronze.events").await, left.collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_about_a_quarantine_with_deletion_vectors_is_about_the_rows_that_are_left() {
    let lake = lake();
    let mut delivery = open(&lake, 100).await;
    let refused = topic((0..30).map(Some));
    deliver(&mut delivery, &refused, 30, Crash::Never).await.unwrap();
    let name = "sales.quarantine.bronze_events";
    delete_rows(&lake, name, "sales/quarantine/bronze_events").await;
    let dataset = "sales.bronze.events".parse().unwrap();
    let mut quarantine = crate::Quarantine::open(&lake, &dataset).await.unwrap().unwrap();
    let discard = crate::Discard {
        selection: crate::Selection::default(),
        reason: "test data".to_owned(),
        by: "ada".to_owned(),
        run: RunId::new(),
    };
    assert_eq!(quarantine.discard(&discard).await.unwrap(), 24);
    let table = lake.load(&name.parse().unwrap()).await.unwrap().unwrap();
    let rows = SessionContext::new().read_table(table.provider().unwrap()).unwrap();
    assert_eq!(rows.count().await.unwrap(), 24);
}

#[tokio::test]
async fn rows_of_files_that_were_rewritten_and_removed_since_are_read_from_the_table() {
    let lake = lake();
    let contract = declared(
        UNIQUE,
        "    quality: [{name: small, type: library, metric: rowCount, mustBeLessThan: 5}]\n",
    );
    let mut delivery = stream(&lake, &contract).await;
    deliver(&mut delivery, &topic([Some(1), Some(2)]), 1, Crash::Never)
        .await
        .unwrap();
    // Somebody adds two rows, writes the table again as one file, and removes the old ones.
    let mut table = lake
        .load(&"sales.bronze.events".parse().unwrap())
        .await
        .unwrap()
        .unwrap();
    let mut messages = topic([Some(2), Some(3)]);
    messages.iter_mut().for_each(|message| message.offset += 100);
    let mut writer = table.writer().unwrap();
    writer.write(&decoded(&messages)).await.unwrap();
    let mut commit = Commit::new(RunId::new(), Operation::Append);
    commit.add = writer.finish().await.unwrap();
    table.commit(commit).await.unwrap();
    let old = table.files().unwrap();
    let all = rows(&lake, "sales.bronze.events").await.unwrap();
    let mut writer = table.writer().unwrap();
    writer.write(&all).await.unwrap();
    let mut commit = Commit::new(RunId::new(), Operation::Compact);
    commit.add = writer.finish().await.unwrap();
    commit.remove = old.clone();
    table.commit(commit).await.unwrap();
    for file in old {
        let path = format!("sales/bronze/events/{}", file.path());
        lake.objects().delete(&path.into()).await.unwrap();
    }
    // The second message repeats a key that came with them; a third and a fourth row are one too many.
    deliver(&mut delivery, &topic([Some(1), Some(2)]), 1, Crash::Never)
        .await
        .unwrap();
    assert_eq!(placed(&lake).await, (vec![0, 100, 101], vec![1]));
    let more = topic([Some(1), Some(2), Some(4), Some(5)]);
    let error = deliver(&mut delivery, &more, 2, Crash::Never).await.unwrap_err();
    assert!(error.to_string().contains("small"), "{error}");
    deliver(&mut delivery, &more, 1, Crash::Never).await.unwrap();
    assert_eq!(placed(&lake).await, (vec![0, 2, 100, 101], vec![1]));
}
