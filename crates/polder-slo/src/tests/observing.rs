//! A dataset's past as it is read from a table and a catalog.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, RecordBatch, TimestampMicrosecondArray};
use chrono::{DateTime, TimeDelta, Utc};
use polder_catalog::{Catalog, RunEnd, RunStart, RunStatus, Step, StepKind};
use polder_contract::{ContractSet, DatasetContract};
use polder_core::config::{CatalogConfig, LakeConfig};
use polder_core::document::{Severity, Source};
use polder_core::{DatasetName, RunId, clock};
use polder_lake::{Commit, Lake, Operation, Progress, Table, TableOptions};
use serde_json::{Value, json};

use crate::{ColumnSpan, History, Window, observe};

fn dataset() -> DatasetName {
    "sales.silver.lines".parse().unwrap()
}

/// Rows of these days, each at noon.
fn rows(days: &[i32]) -> RecordBatch {
    let noon = |day: &i32| (i64::from(*day) * 86_400 + 43_200) * 1_000_000;
    let instants = TimestampMicrosecondArray::from_iter_values(days.iter().map(noon)).with_timezone("UTC");
    RecordBatch::try_from_iter([
        ("day", Arc::new(Date32Array::from(days.to_vec())) as ArrayRef),
        ("sold_at", Arc::new(instants) as ArrayRef),
    ])
    .unwrap()
}

/// Promises about columns of the table.
fn contract(elements: &str) -> DatasetContract {
    let text = format!(
        "apiVersion: v3.1.0\nkind: DataContract\nid: lines\nversion: 1.0.0\nstatus: active\nschema:\n  - name: lines\n    \
         physicalName: sales.silver.lines\n    properties:\n      - {{name: day, logicalType: date}}\n      \
         - {{name: sold_at, logicalType: timestamp}}\nslaProperties:\n  \
         - {{property: latency, value: 1, unit: d, element: \"{elements}\"}}\n"
    );
    let (set, findings) = ContractSet::load([("sales".to_owned(), Source::new("lines.odcs.yaml", text))]);
    assert!(
        findings.iter().all(|finding| finding.severity != Severity::Error),
        "{findings:?}"
    );
    set.iter().next().unwrap().clone()
}

async fn commit(table: &mut Table, operation: Operation, days: &[i32], notes: &[(&str, &str)]) {
    let mut writer = table.writer().unwrap();
    writer.write(&rows(days)).await.unwrap();
    let notes: BTreeMap<_, _> = notes
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    let commit = Commit {
        add: writer.finish().await.unwrap(),
        metadata: notes,
        ..Commit::new(RunId::new(), operation)
    };
    table.commit(commit).await.unwrap();
}

/// A commit without a row, only with how far somebody is.
async fn note(table: &mut Table, next: i64, notes: &[(&str, &str)]) {
    let notes = notes
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let commit = Commit {
        metadata: notes.collect(),
        progress: vec![Progress {
            id: "stream/sales.lines".to_owned(),
            expected: table.progress("stream/sales.lines").await.unwrap(),
            next,
        }],
        ..Commit::new(RunId::new(), Operation::Append)
    };
    table.commit(commit).await.unwrap();
}

#[tokio::test]
async fn commits_bounds_and_runs_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let lake = LakeConfig {
        location: "lake".to_owned(),
        options: BTreeMap::new(),
    };
    let lake = Lake::open(&lake, folder.path()).unwrap();
    let catalog = CatalogConfig {
        database: "sqlite:catalog.db".to_owned().into(),
    };
    let catalog = Catalog::connect(&catalog, folder.path()).await.unwrap();
    let now = clock::now();
    let window = Window {
        from: now - TimeDelta::days(1),
        to: now + TimeDelta::hours(1),
    };
    let contract = contract("day, sold_at");
    assert_eq!(observe(&lake, &catalog, &contract, window).await.unwrap(), None);

    let schema = rows(&[]).schema();
    let mut table = lake.ensure(&dataset(), schema, &TableOptions::default()).await.unwrap();
    commit(
        &mut table,
        Operation::Append,
        &[20_000, 20_005],
        &[("accepted", "2"), ("rejected", "1")],
    )
    .await;
    commit(&mut table, Operation::Replace, &[20_010], &[]).await;
    commit(&mut table, Operation::Compact, &[20_010], &[]).await;
    let replay = [
        ("accepted", "1"),
        ("rejected", "0"),
        ("origin", "replay/sales.gold.lines"),
    ];
    commit(&mut table, Operation::Append, &[20_010], &replay).await;
    for (next, rejected) in [(1, "20"), (2, "0")] {
        note(&mut table, next, &[("accepted", "0"), ("rejected", rejected)]).await;
    }

    let step = Step::new(StepKind::Pipeline, "sales.lines".parse().unwrap());
    // What a replay took in later delivered nothing.
    let replay = Step::new(StepKind::Replay, "sales.lines".parse().unwrap());
    for (hours, step, status, version) in [
        (3, &step, RunStatus::Failed, None),
        (2, &replay, RunStatus::Succeeded, Some(4)),
        (1, &step, RunStatus::Succeeded, Some(2)),
    ] {
        let start = RunStart {
            id: RunId::new(),
            step: step.clone(),
            dataset: Some(dataset()),
            started: now - TimeDelta::hours(hours),
        };
        catalog.begin_run(&start).await.unwrap();
        let end = RunEnd {
            status,
            ended: start.started + TimeDelta::minutes(5),
            accepted: 3,
            rejected: 1,
            version,
            message: None,
        };
        catalog.finish_run(start.id, &end).await.unwrap();
    }

    let history = observe(&lake, &catalog, &contract, window).await.unwrap().unwrap();
    assert!(history.whole);
    let commits: Vec<_> = history.commits.iter().map(|commit| commit.takes_away).collect();
    // Neither the making of the table nor the compaction changed rows, nor did a delivery that was refused whole.
    assert_eq!(commits, [false, true, false]);
    // A replay's rows were delivered before, and who only renews a definition delivers none.
    let delivered: Vec<_> = history
        .delivered
        .iter()
        .map(|delivered| (delivered.accepted, delivered.rejected))
        .collect();
    assert_eq!(delivered, [(2, 1), (0, 20)]);
    assert!(
        history
            .commits
            .iter()
            .all(|commit| commit.at >= now && commit.at <= window.to)
    );
    let day = |day: i64, seconds| DateTime::<Utc>::from_timestamp(day * 86_400 + seconds, 0).unwrap();
    let span = |oldest, newest, days| ColumnSpan {
        values: Some((oldest, newest)),
        lasts: TimeDelta::days(days),
        read: false,
    };
    let days = span(day(20_000, 0), day(20_010, 0), 1);
    let moments = span(day(20_000, 43_200), day(20_010, 43_200), 0);
    assert_eq!(
        history.columns,
        BTreeMap::from([("day".to_owned(), days), ("sold_at".to_owned(), moments)])
    );
    let runs: Vec<_> = history
        .runs
        .iter()
        .map(|run| {
            (
                run.step.as_str(),
                run.succeeded,
                run.committed,
                run.ended.map(|ended| ended - run.started),
            )
        })
        .collect();
    let took = Some(TimeDelta::minutes(5));
    assert_eq!(
        runs,
        [
            ("pipeline sales.lines", false, false, took),
            ("pipeline sales.lines", true, true, took)
        ]
    );
}

/// Writes a version of the log as another engine would.
fn put_entry(table: &std::path::Path, version: u64, actions: &[Value]) {
    let text: Vec<_> = actions.iter().map(ToString::to_string).collect();
    std::fs::write(table.join(format!("_delta_log/{version:020}.json")), text.join("\n")).unwrap();
}

#[tokio::test]
async fn a_column_of_which_the_log_does_not_tell_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let lake = LakeConfig {
        location: "lake".to_owned(),
        options: BTreeMap::new(),
    };
    let lake = Lake::open(&lake, folder.path()).unwrap();
    let catalog = CatalogConfig {
        database: "sqlite:catalog.db".to_owned().into(),
    };
    let catalog = Catalog::connect(&catalog, folder.path()).await.unwrap();
    let mut table = lake
        .ensure(&dataset(), rows(&[]).schema(), &TableOptions::default())
        .await
        .unwrap();
    commit(&mut table, Operation::Append, &[20_000, 20_005], &[]).await;
    // The same file, described without statistics.
    let file = table.files().unwrap().remove(0);
    let path = folder.path().join("lake/sales/silver/lines");
    let silent = json!({ "add": {
        "path": file.path(), "partitionValues": {}, "size": file.size_bytes(), "modificationTime": 0, "dataChange": false,
    }});
    put_entry(&path, 2, &[silent]);
    let seen = async |elements: &str| -> History {
        let to = clock::now();
        let window = Window {
            from: to - TimeDelta::days(1),
            to,
        };
        let contract = contract(elements);
        observe(&lake, &catalog, &contract, window).await.unwrap().unwrap()
    };
    let day = |day: i64, seconds| DateTime::<Utc>::from_timestamp(day * 86_400 + seconds, 0).unwrap();
    let history = seen("sold_at").await;
    let read = ColumnSpan {
        values: Some((day(20_000, 43_200), day(20_005, 43_200))),
        lasts: TimeDelta::zero(),
        read: true,
    };
    assert_eq!(history.columns, BTreeMap::from([("sold_at".to_owned(), read)]));
    // Nothing is read that no service level names.
    assert_eq!(seen("lines").await.columns, BTreeMap::new());
    assert!(history.whole);

    // Where its file is gone, that is told, and everything else is known.
    std::fs::remove_file(path.join(file.path())).unwrap();
    let history = seen("sold_at").await;
    assert_eq!((history.commits.len(), history.columns.len()), (1, 0));
    let why = &history.unread["sold_at"];
    assert!(
        why.contains("cannot read the column sold_at of sales.silver.lines"),
        "{why}"
    );
}
