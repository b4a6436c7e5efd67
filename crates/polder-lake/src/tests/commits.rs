//! Exactly once, whatever the store and other writers do.

use polder_core::ErrorKind;

use super::faults::Fault;
use super::*;
use crate::Committed;

const ID: &str = "stream/sales.lines/lines/0";

#[tokio::test]
async fn rows_and_progress_land_together() {
    let (lake, _) = faulty_lake();
    let mut table = table(&lake).await;
    assert_eq!(table.progress(ID).await.unwrap(), None);
    let commit = append(&table, 0..3, step(None, 3)).await;
    assert_eq!(table.commit(commit).await.unwrap(), Committed::Now(1));
    assert_eq!(table.progress(ID).await.unwrap(), Some(3));
    assert_eq!((table.version(), table.row_count()), (1, Some(3)));
    let fresh = lake.load(&name()).await.unwrap().unwrap();
    assert_eq!(fresh.progress(ID).await.unwrap(), Some(3));
    assert_eq!(fresh.progress("another").await.unwrap(), None);
    assert_eq!(stored(&lake).await, [0, 1, 2]);
}

#[tokio::test]
async fn a_write_that_did_not_land_is_written_again() {
    let (lake, store) = faulty_lake();
    let mut table = table(&lake).await;
    store.plan(&[Fault::Before, Fault::Before]);
    let commit = append(&table, 0..3, step(None, 3)).await;
    assert_eq!(table.commit(commit).await.unwrap(), Committed::Now(1));
    assert_eq!(stored(&lake).await, [0, 1, 2]);
}

#[tokio::test]
async fn a_write_that_landed_though_it_looked_failed_is_not_written_again() {
    for fault in [Fault::After, Fault::Repeated] {
        for progress in [step(None, 3), Vec::new()] {
            let (lake, store) = faulty_lake();
            let mut table = table(&lake).await;
            let before = store.attempts();
            store.plan(&[fault]);
            let commit = append(&table, 0..3, progress).await;
            assert_eq!(table.commit(commit).await.unwrap(), Committed::Earlier(1), "{fault:?}");
            assert_eq!(store.attempts(), before + 1, "{fault:?}");
            assert_eq!(table.version(), 1);
            assert_eq!(stored(&lake).await, [0, 1, 2]);
        }
    }
}

#[tokio::test]
async fn an_unclear_commit_is_settled_by_committing_it_again() {
    for reopen in [false, true] {
        let (lake, store) = faulty_lake();
        let mut table = table(&lake).await;
        store.plan(&[Fault::AfterThenDown]);
        let commit = append(&table, 0..3, step(None, 3)).await;
        let error = table.commit(commit.clone()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreachable, "{}", error.report());
        assert!(error.to_string().contains("is not known"), "{error}");
        store.set_down(false);
        if reopen {
            table = lake.load(&name()).await.unwrap().unwrap();
        }
        assert_eq!(table.commit(commit).await.unwrap(), Committed::Earlier(1));
        let next = append(&table, 3..5, step(Some(3), 5)).await;
        assert_eq!(table.commit(next).await.unwrap(), Committed::Now(2));
        assert_eq!(stored(&lake).await, [0, 1, 2, 3, 4]);
    }
}

#[tokio::test]
async fn the_same_step_of_another_run_is_a_conflict() {
    let (lake, store) = faulty_lake();
    let mut first = table(&lake).await;
    let mut second = first.clone();
    let (one, other) = (
        append(&first, 0..3, step(None, 3)).await,
        append(&second, 0..3, step(None, 3)).await,
    );
    store.plan(&[Fault::After]);
    assert_eq!(first.commit(one).await.unwrap(), Committed::Earlier(1));
    let error = second.commit(other).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("is 3, not nothing"), "{error}");
    assert_eq!(stored(&lake).await, [0, 1, 2]);
}

#[tokio::test]
async fn a_refused_write_is_reported_as_refused() {
    let (lake, store) = faulty_lake();
    let mut table = table(&lake).await;
    store.plan(&[Fault::Denied]);
    let commit = append(&table, 0..3, step(None, 3)).await;
    let error = table.commit(commit.clone()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().starts_with("cannot write version 1"), "{error}");
    assert_eq!(stored(&lake).await, [0_i64; 0]);
    // A refusal after silence: the commit was looked for and is not there.
    store.plan(&[Fault::Before, Fault::Denied]);
    let error = table.commit(commit.clone()).await.unwrap_err();
    assert!(error.to_string().starts_with("cannot write version 1"), "{error}");
    assert_eq!(table.commit(commit).await.unwrap(), Committed::Now(1));
}

#[tokio::test]
async fn a_commit_of_nothing_is_refused() {
    let (lake, _) = faulty_lake();
    let mut table = table(&lake).await;
    let error = table
        .commit(Commit::new(RunId::new(), Operation::Append))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
}

/// Two writers race on one id, each answer may be lost: every number is there once and in no other order of progress.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_writers_of_one_stream_never_double_a_row() {
    let (lake, store) = faulty_lake();
    drop(table(&lake).await);
    store.plan(&[
        Fault::After,
        Fault::Before,
        Fault::Repeated,
        Fault::After,
        Fault::Before,
        Fault::After,
    ]);
    let writers = (0..2).map(|_| {
        let lake = lake.clone();
        tokio::spawn(async move {
            let mut table = lake.load(&name()).await.unwrap().unwrap();
            let mut conflicts = 0;
            loop {
                table.refresh().await.unwrap();
                let at = table.progress(ID).await.unwrap();
                let next = at.unwrap_or(0);
                if next >= 30 {
                    return conflicts;
                }
                let commit = append(&table, [next], step(at, next + 1)).await;
                match table.commit(commit).await {
                    Ok(_) => {}
                    Err(error) if error.kind() == ErrorKind::Conflict => conflicts += 1,
                    Err(error) => panic!("{}", error.report()),
                }
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    assert_eq!(stored(&lake).await, (0..30).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn unrelated_appends_all_land_and_a_checkpoint_keeps_opening_short() {
    let folder = tempfile::tempdir().unwrap();
    let config = polder_core::config::LakeConfig {
        location: folder.path().join("my läke #1").to_string_lossy().into_owned(),
        options: Default::default(),
    };
    let lake = Lake::open(&config, folder.path()).unwrap();
    let mut first = table(&lake).await;
    let mut behind = first.clone();
    let writers = (0..4_i64).map(|writer| {
        let lake = lake.clone();
        tokio::spawn(async move {
            let mut table = lake.load(&name()).await.unwrap().unwrap();
            let id = format!("stream/sales.lines/lines/{writer}");
            for step in 0..30 {
                let expected = table.progress(&id).await.unwrap();
                assert_eq!(expected, (step > 0).then_some(step));
                let progress = vec![Progress {
                    id: id.clone(),
                    expected,
                    next: step + 1,
                }];
                let commit = append(&table, [writer * 1000 + step], progress).await;
                table.commit(commit).await.unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let expected: Vec<i64> = (0..4)
        .flat_map(|writer| (0..30).map(move |step| writer * 1000 + step))
        .collect();
    assert_eq!(stored(&lake).await, expected);
    let fresh = lake.load(&name()).await.unwrap().unwrap();
    assert_eq!(fresh.version(), 120);
    for writer in 0..4 {
        assert_eq!(
            fresh
                .progress(&format!("stream/sales.lines/lines/{writer}"))
                .await
                .unwrap(),
            Some(30)
        );
    }
    let log = folder.path().join("my läke #1/sales/bronze/lines/_delta_log");
    assert!(log.join("00000000000000000100.checkpoint.parquet").exists());
    assert!(log.join("_last_checkpoint").exists());
    behind.refresh().await.unwrap();
    assert_eq!((behind.version(), behind.row_count()), (120, Some(120)));
    // With the checkpoint, the commits before it are not needed to open the table.
    for version in 0..100 {
        std::fs::remove_file(log.join(format!("{version:020}.json"))).unwrap();
    }
    let fresh = lake.load(&name()).await.unwrap().unwrap();
    assert_eq!(numbers(fresh.provider().unwrap()).await, expected);
    // A handle that stood still finds the newest version without the log's beginning, as it did with it.
    first.refresh().await.unwrap();
    assert_eq!((first.version(), first.row_count()), (120, Some(120)));
    assert_eq!(numbers(first.provider().unwrap()).await, expected);
    assert_eq!(fresh.progress("stream/sales.lines/lines/2").await.unwrap(), Some(30));
    assert_eq!(fresh.changes(50).await.unwrap(), None);
    assert_eq!(fresh.changes(110).await.unwrap().unwrap().added.len(), 10);
}

#[tokio::test]
async fn a_checkpoint_leaves_the_log_whole() {
    let (lake, _) = faulty_lake();
    let mut table = table(&lake).await;
    let mut metadata = serde_json::to_value(table.state().unwrap().metadata()).unwrap();
    metadata["configuration"]["delta.logRetentionDuration"] = "interval 0 days".into();
    put_entry(&table, 1, &[serde_json::json!({"metaData": metadata})]).await;
    for next in 1..100 {
        let commit = Commit {
            progress: step((next > 1).then_some(next - 1), next),
            ..Commit::new(RunId::new(), Operation::Append)
        };
        table.commit(commit).await.unwrap();
    }
    assert_eq!(table.version(), 100);
    let log = table.log_store().object_store(None);
    let checkpoint = "_delta_log/00000000000000000100.checkpoint.parquet".into();
    ObjectStoreExt::head(log.as_ref(), &checkpoint).await.unwrap();
    assert_eq!(table.history(1000).await.unwrap().len(), 101);
}

/// The same dataset, dropped and made anew with as many rows as commits.
async fn made_anew(lake: &Lake, old: &Table, commits: i64) -> Table {
    let store = old.log_store().object_store(None);
    let all = futures::StreamExt::boxed(futures::StreamExt::map(store.list(None), |meta| {
        meta.map(|meta| meta.location)
    }));
    let gone: Vec<_> = futures::StreamExt::collect(store.delete_stream(all)).await;
    assert!(!gone.is_empty());
    let mut new = table(lake).await;
    for number in 0..commits {
        let commit = append(&new, [1000 + number], Vec::new()).await;
        new.commit(commit).await.unwrap();
    }
    new
}

#[tokio::test]
async fn a_handle_does_not_follow_a_table_that_was_made_anew() {
    for commits in [0, 2, 4] {
        let (lake, _) = faulty_lake();
        let mut old = table(&lake).await;
        for number in 0..2 {
            let commit = append(&old, [number], Vec::new()).await;
            old.commit(commit).await.unwrap();
        }
        let mut opened = lake.load(&name()).await.unwrap().unwrap();
        assert_eq!(opened.id(), old.id());
        let late = append(&old, [7], Vec::new()).await;
        let new = made_anew(&lake, &old, commits).await;
        assert_ne!(new.id(), old.id());
        for handle in [&mut old, &mut opened] {
            for _ in 0..2 {
                let error = handle.refresh().await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Conflict, "{commits} commits");
                assert!(error.to_string().contains("made anew"), "{error}");
                assert_eq!(handle.version(), 2);
            }
        }
        let error = old.commit(late).await.unwrap_err();
        assert!(error.to_string().contains("made anew"), "{error}");
        let expected: Vec<_> = (1000..1000 + commits).collect();
        assert_eq!(stored(&lake).await, expected);
    }
}

#[tokio::test]
async fn rows_are_replaced_only_if_none_changed_since_they_were_read() {
    let (lake, _) = faulty_lake();
    let mut table = table(&lake).await;
    let commit = append(&table, 0..3, Vec::new()).await;
    table.commit(commit).await.unwrap();
    let mut other = table.clone();
    let replace = |table: &Table, add| Commit {
        add,
        remove: table.files().unwrap(),
        ..Commit::new(RunId::new(), Operation::Replace)
    };
    let ours = replace(&table, files(&table, 10..12).await);
    let commit = append(&other, 5..6, Vec::new()).await;
    other.commit(commit).await.unwrap();
    let error = table.commit(ours).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("rows changed in version 2"), "{error}");
    assert_eq!(stored(&lake).await, [0, 1, 2, 5]);
    let ours = replace(&table, files(&table, 10..12).await);
    assert_eq!(table.commit(ours).await.unwrap(), Committed::Now(3));
    assert_eq!(stored(&lake).await, [10, 11]);
    // The files went with the replacement; another one that names them is too late.
    let late = Commit {
        remove: other.files().unwrap(),
        ..Commit::new(RunId::new(), Operation::Delete)
    };
    assert_eq!(other.commit(late).await.unwrap_err().kind(), ErrorKind::Conflict);
}

#[tokio::test]
async fn rows_that_were_judged_with_the_tables_land_only_where_none_changed() {
    let (lake, _) = faulty_lake();
    let mut table = table(&lake).await;
    let mut other = table.clone();
    let judged = append(&table, 0..1, step(None, 1)).await;
    let commit = append(&other, 5..6, Vec::new()).await;
    other.commit(commit).await.unwrap();
    let error = table.commit_if_unchanged(judged.clone()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(stored(&lake).await, [5]);
    // Progress of others changes no row.
    let mut noted = Commit::new(RunId::new(), Operation::Append);
    noted.progress.push(Progress {
        id: "another".to_owned(),
        expected: None,
        next: 1,
    });
    other.commit(noted).await.unwrap();
    assert_eq!(table.commit_if_unchanged(judged).await.unwrap(), Committed::Now(3));
    assert_eq!(stored(&lake).await, [0, 5]);
}

#[tokio::test]
async fn values_are_updated_although_rows_came_meanwhile_unless_their_file_went() {
    let (lake, _) = faulty_lake();
    let mut table = table(&lake).await;
    let commit = append(&table, 0..2, Vec::new()).await;
    table.commit(commit).await.unwrap();
    let update = Commit {
        add: files(&table, 10..12).await,
        remove: table.files().unwrap(),
        ..Commit::new(RunId::new(), Operation::Update)
    };
    let mut other = table.clone();
    let commit = append(&other, 5..6, Vec::new()).await;
    other.commit(commit).await.unwrap();
    let again = Commit {
        add: files(&table, 20..22).await,
        ..update.clone()
    };
    table.commit(update).await.unwrap();
    assert_eq!(stored(&lake).await, [5, 10, 11]);
    assert_eq!(other.commit(again).await.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(table.history(1).await.unwrap()[0].operation, "update");
}

#[tokio::test]
async fn files_that_no_commit_names_can_be_removed() {
    let (lake, _) = faulty_lake();
    let table = table(&lake).await;
    let files = files(&table, 0..2).await;
    let provider = table.files_provider(&files).unwrap();
    table.forget(&files).await.unwrap();
    table.forget(&files).await.unwrap();
    let frame = SessionContext::new().read_table(provider).unwrap();
    assert!(frame.collect().await.is_err());
}

#[tokio::test]
async fn files_written_before_a_column_was_added_land_after_it() {
    let (lake, _) = faulty_lake();
    let mut table = table(&lake).await;
    let commit = append(&table, 0..2, Vec::new()).await;
    let mut fields = columns().fields().to_vec();
    fields.push(Arc::new(Field::new("later", DataType::Utf8, true)));
    lake.ensure(&name(), Arc::new(Schema::new(fields)), &TableOptions::default())
        .await
        .unwrap();
    assert_eq!(table.commit(commit).await.unwrap(), Committed::Now(2));
    assert_eq!(table.schema().fields().len(), 3);
    assert_eq!(stored(&lake).await, [0, 1]);
}

/// Others run all of it on tasks of their own.
#[tokio::test]
async fn everything_can_be_spawned() {
    let (lake, _) = faulty_lake();
    let task = tokio::spawn(async move {
        let mut table = table(&lake).await;
        let commit = append(&table, 0..1, step(None, 1)).await;
        table.commit(commit).await?;
        table.refresh().await?;
        lake.probe().await?;
        let names = lake.datasets().await?;
        let newest = lake
            .load_at(&names[0], crate::Version::Number(1))
            .await?
            .map(|table| table.version());
        let changes = table.changes(0).await?.map(|changes| changes.added.len());
        Ok::<_, polder_core::Error>((newest, changes, table.history(9).await?.len()))
    });
    assert_eq!(task.await.unwrap().unwrap(), (Some(1), Some(1), 2));
}
