//! A dataset's past as it is read from a table and a catalog.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, RecordBatch, TimestampMicrosecondArray};
use chrono::{DateTime, TimeDelta, Utc};
use polder_catalog::{Catalog, RunEnd, RunStart, RunStatus, Step, StepKind};
use polder_core::config::{CatalogConfig, LakeConfig};
use polder_core::{DatasetName, RunId, clock};
use polder_lake::{Commit, Lake, Operation, Table, TableOptions};

use crate::{Window, observe};

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
    assert_eq!(observe(&lake, &catalog, &dataset(), window).await.unwrap(), None);

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

    let step = Step::new(StepKind::Pipeline, "sales.lines".parse().unwrap());
    for (hours, status, version) in [(3, RunStatus::Failed, None), (1, RunStatus::Succeeded, Some(2))] {
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

    let history = observe(&lake, &catalog, &dataset(), window).await.unwrap().unwrap();
    assert!(history.whole);
    let commits: Vec<_> = history
        .commits
        .iter()
        .map(|commit| (commit.accepted, commit.rejected, commit.takes_away))
        .collect();
    // Neither the making of the table nor the compaction changed rows; a replay's were delivered before.
    assert_eq!(
        commits,
        [(Some(2), Some(1), false), (None, None, true), (None, None, false)]
    );
    assert!(
        history
            .commits
            .iter()
            .all(|commit| commit.at >= now && commit.at <= window.to)
    );
    let day = |day: i64, seconds| DateTime::<Utc>::from_timestamp(day * 86_400 + seconds, 0).unwrap();
    // The newest day counts to its end.
    assert_eq!(
        (history.oldest["day"], history.newest["day"]),
        (day(20_000, 0), day(20_011, 0))
    );
    assert_eq!(
        (history.oldest["sold_at"], history.newest["sold_at"]),
        (day(20_000, 43_200), day(20_010, 43_200))
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
