//! What pipelines deliver: rows without records, recognised by their content.

use polder_core::ErrorKind;
use polder_lake::Operation;

use super::*;
use crate::{Extent, NoRecords};

const PIPELINE: &str = "sales.build";

pub(super) fn batch(numbers: &[i32]) -> RecordBatch {
    RecordBatch::try_from_iter(vec![
        ("n", Arc::new(Int32Array::from(numbers.to_vec())) as ArrayRef),
        ("name", Arc::new(StringArray::from(vec!["x"; numbers.len()]))),
    ])
    .unwrap()
}

pub(super) async fn pipeline(lake: &Lake) -> Delivery {
    Delivery::open(lake, &contract(0), &[], PIPELINE).await.unwrap()
}

/// Builds the whole dataset anew from these numbers.
async fn build(delivery: &mut Delivery, numbers: &[i32], version: i64) -> Result<Receipt> {
    let progress_id = "pipeline/sales.build/0000000000000000/sales.bronze.source".to_owned();
    let mut shipment = delivery.shipment(RunId::new()).await?;
    let expected = shipment.progress(&progress_id).await?;
    let remove = shipment.table().files()?;
    shipment.push(&batch(numbers), &NoRecords).await?;
    let progress = vec![Progress {
        id: progress_id,
        expected,
        next: version,
    }];
    shipment
        .commit(Outcome {
            progress,
            remove,
            operation: Operation::Replace,
            ..Outcome::default()
        })
        .await
}

pub(super) async fn quarantined(lake: &Lake) -> Vec<String> {
    let Some(rows) = rows(lake, "sales.quarantine.bronze_events").await else {
        return Vec::new();
    };
    let mut records: Vec<_> = texts(&rows, "record").into_iter().flatten().collect();
    records.sort_unstable();
    records
}

#[tokio::test]
async fn a_rebuild_quarantines_the_same_row_only_once() {
    let lake = lake();
    let mut delivery = pipeline(&lake).await;
    let first = build(&mut delivery, &[1, -1, -2], 1).await.unwrap();
    assert_eq!((first.accepted, first.rejected, first.recognised), (1, 2, 0));
    let again = build(&mut delivery, &[1, -1, -3], 2).await.unwrap();
    assert_eq!((again.accepted, again.rejected, again.recognised), (1, 1, 1));
    let elsewhere = build(&mut pipeline(&lake).await, &[2, 3, -3, -1], 3).await.unwrap();
    assert_eq!(
        (elsewhere.accepted, elsewhere.rejected, elsewhere.recognised),
        (2, 0, 2)
    );
    let record = |n: i32| format!(r#"{{"name":"x","n":{n}}}"#);
    assert_eq!(quarantined(&lake).await, [record(-1), record(-2), record(-3)]);
    assert_eq!(rows(&lake, "sales.bronze.events").await.unwrap().num_rows(), 2);
}

#[tokio::test]
async fn a_crash_between_the_commits_does_not_double_refused_rows() {
    let lake = lake();
    let mut delivery = pipeline(&lake).await;
    let mut shipment = delivery.shipment(RunId::new()).await.unwrap();
    shipment.push(&batch(&[1, -1]), &NoRecords).await.unwrap();
    shipment.commit_refused().await.unwrap();
    drop(shipment);
    build(&mut delivery, &[1, -1], 1).await.unwrap();
    build(&mut pipeline(&lake).await, &[1, -1], 2).await.unwrap();
    assert_eq!(quarantined(&lake).await.len(), 1);
    assert_eq!(rows(&lake, "sales.bronze.events").await.unwrap().num_rows(), 1);
}

#[tokio::test]
async fn every_one_of_equal_rows_is_quarantined_once() {
    let lake = lake();
    let mut delivery = pipeline(&lake).await;
    let first = build(&mut delivery, &[-1, -2, -1], 1).await.unwrap();
    assert_eq!((first.rejected, first.recognised), (3, 0));
    let again = build(&mut delivery, &[-1, -1, -1, -2], 2).await.unwrap();
    assert_eq!((again.rejected, again.recognised), (1, 3));
    let elsewhere = build(&mut pipeline(&lake).await, &[-2, -1, -1, -1], 3).await.unwrap();
    assert_eq!((elsewhere.rejected, elsewhere.recognised), (0, 4));
    assert_eq!(quarantined(&lake).await.len(), 4);
    let rows = rows(&lake, "sales.quarantine.bronze_events").await.unwrap();
    let mut ids: Vec<_> = texts(&rows, "_quarantine_id").into_iter().flatten().collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 4);
    let suffixes: Vec<_> = ids.iter().filter_map(|id| id.split_once('#')).map(|(_, n)| n).collect();
    assert_eq!(suffixes, ["2", "3"]);
}

#[tokio::test]
async fn kept_copies_are_not_counted_as_accepted() {
    let lake = lake();
    let mut delivery = pipeline(&lake).await;
    build(&mut delivery, &[1, 2], 1).await.unwrap();
    let mut shipment = delivery.shipment(RunId::new()).await.unwrap();
    let remove = shipment.table().files().unwrap();
    shipment.push(&batch(&[1, 2, 3, -1]), &NoRecords).await.unwrap();
    let outcome = Outcome {
        remove,
        operation: Operation::Replace,
        kept: 2,
        ..Outcome::default()
    };
    let receipt = shipment.commit(outcome).await.unwrap();
    assert_eq!((receipt.accepted, receipt.rejected), (1, 1));
    for dataset in ["sales.bronze.events", "sales.quarantine.bronze_events"] {
        let table = lake.load(&dataset.parse().unwrap()).await.unwrap().unwrap();
        let history = table.history(1).await.unwrap();
        assert_eq!(history[0].metadata["accepted"], "1", "{dataset}");
    }
    assert_eq!(rows(&lake, "sales.bronze.events").await.unwrap().num_rows(), 3);
}

#[tokio::test]
async fn a_quarantined_row_has_the_pipeline_and_no_position() {
    let lake = lake();
    build(&mut pipeline(&lake).await, &[-1], 1).await.unwrap();
    let rows = rows(&lake, "sales.quarantine.bronze_events").await.unwrap();
    let id = texts(&rows, "_quarantine_id").remove(0).unwrap();
    let hash = id.strip_prefix("sales.build/").unwrap();
    assert!(
        hash.len() == 32 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{id}"
    );
    assert_eq!(texts(&rows, "_topic"), [None]);
    assert_eq!(texts(&rows, "raw"), [None]);
    assert_eq!(texts(&rows, "rule"), [Some("n.minimum".to_owned())]);
}

/// The refused numbers of a pipeline, with what became of them.
pub(super) async fn states(lake: &Lake) -> Vec<(String, Option<String>)> {
    let Some(rows) = rows(lake, "sales.quarantine.bronze_events").await else {
        return Vec::new();
    };
    let records = texts(&rows, "record").into_iter().flatten();
    let mut states: Vec<_> = records.zip(texts(&rows, "state")).collect();
    states.sort_unstable();
    states
}

#[tokio::test]
async fn what_a_build_of_everything_refuses_no_more_is_no_longer_open() {
    let lake = lake();
    let everything = async |delivery: &mut Delivery, numbers: &[i32], everything: bool| {
        let mut shipment = delivery.shipment(RunId::new()).await.unwrap();
        let remove = shipment.table().files().unwrap();
        shipment.push(&batch(numbers), &NoRecords).await.unwrap();
        let outcome = Outcome {
            remove,
            operation: Operation::Replace,
            extent: match everything {
                true => Extent::Everything,
                false => Extent::Some,
            },
            ..Outcome::default()
        };
        shipment.commit(outcome).await.unwrap()
    };
    let record = |n: i32| format!(r#"{{"name":"x","n":{n}}}"#);
    let word = |word: &str| Some(word.to_owned());
    let mut delivery = pipeline(&lake).await;
    everything(&mut delivery, &[1, -1, -2], true).await;
    assert_eq!(
        states(&lake).await,
        [(record(-1), word("open")), (record(-2), word("open"))]
    );
    // An increment that does not meet a row says nothing of it.
    everything(&mut delivery, &[-2], false).await;
    assert_eq!(
        states(&lake).await,
        [(record(-1), word("open")), (record(-2), word("open"))]
    );
    everything(&mut delivery, &[1, -2], true).await;
    assert_eq!(
        states(&lake).await,
        [(record(-1), word("replayed")), (record(-2), word("open"))]
    );
    // Refused again, also by an increment: open again, and there once.
    let receipt = everything(&mut delivery, &[-1, -3], false).await;
    assert_eq!((receipt.rejected, receipt.recognised), (1, 1));
    assert_eq!(
        states(&lake).await,
        [
            (record(-1), word("open")),
            (record(-2), word("open")),
            (record(-3), word("open"))
        ]
    );
    let rows = rows(&lake, "sales.quarantine.bronze_events").await.unwrap();
    let place = texts(&rows, "record").iter().position(|said| *said == Some(record(-1)));
    let history = texts(&rows, "history").swap_remove(place.unwrap()).unwrap();
    let history: Vec<serde_json::Value> = serde_json::from_str(&history).unwrap();
    let outcomes: Vec<_> = history.iter().map(|entry| entry["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["refused", "replayed", "refused"]);
}

#[tokio::test]
async fn a_build_is_refused_when_rows_came_after_what_it_replaces_was_computed() {
    let lake = lake();
    let mut delivery = pipeline(&lake).await;
    build(&mut delivery, &[1], 1).await.unwrap();
    let mut other = Delivery::open(&lake, &contract(0), &[], "sales.other").await.unwrap();
    let mut shipment = other.shipment(RunId::new()).await.unwrap();
    shipment.push(&batch(&[2]), &NoRecords).await.unwrap();
    shipment.commit(Outcome::default()).await.unwrap();
    let error = build(&mut delivery, &[3], 2).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    delivery.refresh().await.unwrap();
    build(&mut delivery, &[3], 2).await.unwrap();
    assert_eq!(rows(&lake, "sales.bronze.events").await.unwrap().num_rows(), 1);
}

#[tokio::test]
async fn two_builds_at_once_conflict() {
    let lake = lake();
    let (mut first, mut second) = (pipeline(&lake).await, pipeline(&lake).await);
    let mut shipment = first.shipment(RunId::new()).await.unwrap();
    shipment.push(&batch(&[1, -1]), &NoRecords).await.unwrap();
    build(&mut second, &[1, -1], 1).await.unwrap();
    let error = shipment.commit(Outcome::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
}
