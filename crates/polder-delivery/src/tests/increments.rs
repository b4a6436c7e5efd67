//! Increments of pipelines: their rows never came before, so one that is equal to a row in quarantine is another row.

use futures::TryStreamExt;
use object_store::{ObjectStore, ObjectStoreExt};
use polder_core::ErrorKind;
use polder_lake::Operation;
use proptest::prelude::*;

use super::pipelines::{batch, pipeline, quarantined, states};
use super::*;
use crate::{Discard, Extent, NoRecords, Quarantine, Selection};

const SOURCE: &str = "pipeline/sales.build/0000000000000000/sales.bronze.source";

/// What a build delivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Build {
    /// New rows.
    Increment,
    /// All rows that there are, in place of what the table has.
    Everything,
}

/// Puts rows into a shipment.
async fn begun<'d>(delivery: &'d mut Delivery, build: Build, numbers: &[i32]) -> Result<(Shipment<'d>, Outcome)> {
    let mut shipment = match build {
        Build::Increment => delivery.shipment_of_new_rows(RunId::new()).await?,
        Build::Everything => delivery.shipment(RunId::new()).await?,
    };
    let expected = shipment.progress(SOURCE).await?;
    let remove = match build {
        Build::Increment => Vec::new(),
        Build::Everything => shipment.table().files()?,
    };
    shipment.push(&batch(numbers), &NoRecords).await?;
    let progress = Progress {
        id: SOURCE.to_owned(),
        expected,
        next: expected.map_or(1, |version| version + 1),
    };
    let outcome = Outcome {
        progress: vec![progress],
        remove,
        operation: match build {
            Build::Increment => Operation::Append,
            Build::Everything => Operation::Replace,
        },
        extent: match build {
            Build::Increment => Extent::Some,
            Build::Everything => Extent::Everything,
        },
        ..Outcome::default()
    };
    Ok((shipment, outcome))
}

async fn deliver(lake: &Lake, build: Build, numbers: &[i32]) -> Result<Receipt> {
    let mut delivery = pipeline(lake).await;
    let (shipment, outcome) = begun(&mut delivery, build, numbers).await?;
    shipment.commit(outcome).await
}

/// The same by a process that ends between the two commits.
async fn deliver_half(lake: &Lake, build: Build, numbers: &[i32]) {
    let mut delivery = pipeline(lake).await;
    let (mut shipment, _) = begun(&mut delivery, build, numbers).await.unwrap();
    shipment.commit_refused().await.unwrap();
}

pub(super) async fn discard_all(lake: &Lake) -> u64 {
    let dataset = "sales.bronze.events".parse().unwrap();
    let Some(mut quarantine) = Quarantine::open(lake, &dataset).await.unwrap() else {
        return 0;
    };
    let discard = Discard {
        selection: Selection::default(),
        reason: "noise".to_owned(),
        by: "ada".to_owned(),
        run: RunId::new(),
    };
    quarantine.discard(&discard).await.unwrap()
}

async fn accepted(lake: &Lake) -> usize {
    let rows = rows(lake, "sales.bronze.events").await;
    rows.map_or(0, |rows| rows.num_rows())
}

fn record(n: i32) -> String {
    format!(r#"{{"name":"x","n":{n}}}"#)
}

#[tokio::test]
async fn each_of_equal_rows_that_come_one_after_the_other_is_quarantined() {
    let lake = lake();
    let numbers = [-1, 5];
    let first = deliver(&lake, Build::Everything, &numbers).await.unwrap();
    assert_eq!((first.accepted, first.rejected, first.recognised), (1, 1, 0));
    for _ in 0..2 {
        let next = deliver(&lake, Build::Increment, &numbers).await.unwrap();
        assert_eq!((next.accepted, next.rejected, next.recognised), (1, 1, 0));
    }
    // Several of them at once as well.
    let next = deliver(&lake, Build::Increment, &[-1, -1]).await.unwrap();
    assert_eq!((next.accepted, next.rejected, next.recognised), (0, 2, 0));
    assert_eq!(quarantined(&lake).await, vec![record(-1); 5]);
    let held = rows(&lake, "sales.quarantine.bronze_events").await.unwrap();
    let mut ids: Vec<_> = texts(&held, "_quarantine_id").into_iter().flatten().collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 5);

    // All of them are met again by a build of everything.
    let whole = deliver(&lake, Build::Everything, &[-1, 5, -1, 5, -1, 5, -1, -1]).await;
    let whole = whole.unwrap();
    assert_eq!((whole.accepted, whole.rejected, whole.recognised), (3, 0, 5));
    assert_eq!(states(&lake).await, vec![(record(-1), Some("open".to_owned())); 5]);
    assert_eq!(accepted(&lake).await, 3);
}

#[tokio::test]
async fn a_row_that_is_equal_to_a_discarded_one_is_open() {
    let lake = lake();
    deliver(&lake, Build::Everything, &[-1, 5]).await.unwrap();
    assert_eq!(discard_all(&lake).await, 1);
    let next = deliver(&lake, Build::Increment, &[-1]).await.unwrap();
    assert_eq!((next.rejected, next.recognised), (1, 0));
    let discarded = (record(-1), Some("discarded".to_owned()));
    assert_eq!(
        states(&lake).await,
        [discarded.clone(), (record(-1), Some("open".to_owned()))]
    );
    // What was decided stays, whatever is built.
    deliver(&lake, Build::Everything, &[-1, 5, -1]).await.unwrap();
    assert_eq!(states(&lake).await, [discarded, (record(-1), Some("open".to_owned()))]);
}

#[tokio::test]
async fn what_was_decided_about_a_row_that_went_and_came_again_stays() {
    let lake = lake();
    deliver(&lake, Build::Everything, &[-1]).await.unwrap();
    deliver(&lake, Build::Everything, &[]).await.unwrap();
    deliver(&lake, Build::Increment, &[-1]).await.unwrap();
    let word = |word: &str| (record(-1), Some(word.to_owned()));
    assert_eq!(states(&lake).await, [word("open"), word("replayed")]);
    assert_eq!(discard_all(&lake).await, 1);
    // The one row that is there is the one that was decided about.
    deliver(&lake, Build::Everything, &[-1]).await.unwrap();
    assert_eq!(states(&lake).await, [word("discarded"), word("replayed")]);
    let receipt = deliver(&lake, Build::Everything, &[-1, -1]).await.unwrap();
    assert_eq!((receipt.rejected, receipt.recognised), (0, 2));
    assert_eq!(states(&lake).await, [word("discarded"), word("open")]);
    let receipt = deliver(&lake, Build::Everything, &[-1, -1, -1]).await.unwrap();
    assert_eq!((receipt.rejected, receipt.recognised), (1, 2));
}

#[tokio::test]
async fn of_equal_rows_of_which_some_went_those_that_nobody_decided_about_stay_open() {
    let lake = lake();
    deliver(&lake, Build::Everything, &[-1]).await.unwrap();
    assert_eq!(discard_all(&lake).await, 1);
    deliver(&lake, Build::Increment, &[-1]).await.unwrap();
    let word = |word: &str| (record(-1), Some(word.to_owned()));
    assert_eq!(states(&lake).await, [word("discarded"), word("open")]);
    // One of both went, nobody knows which.
    let receipt = deliver(&lake, Build::Everything, &[-1]).await.unwrap();
    assert_eq!((receipt.rejected, receipt.recognised), (0, 1));
    assert_eq!(states(&lake).await, [word("open"), word("replayed")]);
    let receipt = deliver(&lake, Build::Everything, &[-1, -1, -1]).await.unwrap();
    assert_eq!((receipt.rejected, receipt.recognised), (1, 2));
    assert_eq!(states(&lake).await, [word("open"), word("open"), word("open")]);
    // A discarded one is met before those that are replayed.
    deliver(&lake, Build::Everything, &[]).await.unwrap();
    assert_eq!(states(&lake).await, vec![word("replayed"); 3]);
    deliver(&lake, Build::Increment, &[-1]).await.unwrap();
    assert_eq!(discard_all(&lake).await, 1);
    deliver(&lake, Build::Everything, &[-1]).await.unwrap();
    let mut three = vec![word("discarded")];
    three.extend(vec![word("replayed"); 3]);
    assert_eq!(states(&lake).await, three);
}

#[tokio::test]
async fn after_a_crash_between_the_commits_a_build_of_everything_recognises_what_is_there() {
    let lake = lake();
    deliver(&lake, Build::Everything, &[-1, 5]).await.unwrap();
    deliver_half(&lake, Build::Increment, &[-1, -2, 6]).await;
    assert_eq!(quarantined(&lake).await, [record(-1), record(-1), record(-2)]);
    assert_eq!(accepted(&lake).await, 1);
    // Nobody can tell an increment's rows from those of the attempt.
    assert!(!pipeline(&lake).await.is_settled().await.unwrap());
    let error = deliver(&lake, Build::Increment, &[-1, -2, 6]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    // More came in the meantime, of which one is equal to what was refused.
    let whole = deliver(&lake, Build::Everything, &[-1, 5, -1, -2, 6, -2, 7]).await;
    let whole = whole.unwrap();
    assert_eq!((whole.accepted, whole.rejected, whole.recognised), (3, 1, 3));
    assert!(pipeline(&lake).await.is_settled().await.unwrap());
    let next = deliver(&lake, Build::Increment, &[-1]).await.unwrap();
    assert_eq!((next.rejected, next.recognised), (1, 0));
    let all = [record(-1), record(-1), record(-1), record(-2), record(-2)];
    assert_eq!(quarantined(&lake).await, all);
    assert_eq!(accepted(&lake).await, 3);
}

#[tokio::test]
async fn of_two_increments_at_once_one_lands_and_its_rows_are_there_once() {
    let lake = lake();
    deliver(&lake, Build::Everything, &[-1, 5]).await.unwrap();
    let (mut first, mut second) = (pipeline(&lake).await, pipeline(&lake).await);
    let (mut slow, outcome) = begun(&mut first, Build::Increment, &[-1, 6]).await.unwrap();
    // One that began before the other refused anything, and one that came when it had.
    let (early, early_outcome) = begun(&mut second, Build::Increment, &[-1, 6]).await.unwrap();
    let quarantined_at = slow.commit_refused().await.unwrap();
    assert_eq!(
        early.commit(early_outcome).await.unwrap_err().kind(),
        ErrorKind::Conflict
    );
    let late = deliver(&lake, Build::Increment, &[-1, 6]).await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Conflict);
    deliver(&lake, Build::Everything, &[-1, 5, -1, 6]).await.unwrap();
    let error = slow.commit_accepted(outcome, quarantined_at).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(quarantined(&lake).await, [record(-1), record(-1)]);
    assert_eq!(accepted(&lake).await, 2);
    assert!(pipeline(&lake).await.is_settled().await.unwrap());
}

#[tokio::test]
async fn a_quarantine_that_somebody_removed_is_counted_on() {
    let store = Arc::new(InMemory::new());
    let lake = Lake::over(
        Arc::clone(&store) as Arc<dyn ObjectStore>,
        "memory:///lake".parse().unwrap(),
    )
    .unwrap();
    deliver(&lake, Build::Everything, &[-1]).await.unwrap();
    let files: Vec<_> = store.list(None).try_collect().await.unwrap();
    let of_quarantine = files
        .iter()
        .filter(|file| file.location.as_ref().contains("quarantine"));
    let mut removed = 0;
    for file in of_quarantine {
        store.delete(&file.location).await.unwrap();
        removed += 1;
    }
    assert!(removed > 0);
    // Nothing is there that could come again, until a process ends between its commits.
    deliver_half(&lake, Build::Increment, &[-2]).await;
    let error = deliver(&lake, Build::Increment, &[-2]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    deliver(&lake, Build::Everything, &[-1, -2]).await.unwrap();
    assert_eq!(quarantined(&lake).await, [record(-1), record(-2)]);
    assert_eq!(deliver(&lake, Build::Increment, &[-2]).await.unwrap().rejected, 1);
}

/// What happens to a pipeline.
#[derive(Debug, Clone)]
enum Event {
    /// Rows come to its source.
    Rows(Vec<i32>),
    /// It is built, as far as there is something to build.
    Build { whole: bool, crash: Crash },
    /// All open rows are discarded.
    Discard,
}

fn event() -> impl Strategy<Value = Event> {
    let crash = prop_oneof![
        3 => Just(Crash::Never),
        1 => Just(Crash::BeforeAnyCommit),
        1 => Just(Crash::BetweenTheCommits)
    ];
    prop_oneof![
        3 => prop::collection::vec(-3i32..3, 0..5).prop_map(Event::Rows),
        4 => (prop::bool::weighted(0.2), crash).prop_map(|(whole, crash)| Event::Build { whole, crash }),
        1 => Just(Event::Discard),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever crashes, is built anew or discarded in between: each row that came is in exactly one table, as often as
    /// it came, and the receipts of all builds tell no more of them.
    #[test]
    fn every_row_ends_in_exactly_one_table(events in prop::collection::vec(event(), 1..16)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (source, good, refused, discarded, told) = runtime.block_on(async {
            let lake = lake();
            let (mut source, mut built) = (Vec::new(), None);
            let (mut discarded, mut told) = (0, 0);
            let last = Event::Build { whole: false, crash: Crash::Never };
            for event in events.iter().chain([&last]) {
                let (whole, crash) = match event {
                    Event::Rows(rows) => {
                        source.extend_from_slice(rows);
                        continue;
                    }
                    Event::Discard => {
                        discarded += discard_all(&lake).await;
                        continue;
                    }
                    Event::Build { whole, crash } => (*whole, *crash),
                };
                let mut delivery = pipeline(&lake).await;
                let since = built.filter(|_| !whole);
                let (build, from) = match since {
                    Some(since) if delivery.is_settled().await.unwrap() => (Build::Increment, since),
                    _ => (Build::Everything, 0),
                };
                let (mut shipment, outcome) = begun(&mut delivery, build, &source[from..]).await.unwrap();
                told += match crash {
                    Crash::BeforeAnyCommit => 0,
                    Crash::BetweenTheCommits => {
                        shipment.commit_refused().await.unwrap();
                        shipment.rejected()
                    }
                    Crash::Never => {
                        built = Some(source.len());
                        shipment.commit(outcome).await.unwrap().rejected
                    }
                };
            }
            let discards = states(&lake).await;
            let discards = discards.iter().filter(|(_, state)| state.as_deref() == Some("discarded")).count();
            assert_eq!(discards as u64, discarded);
            (source, accepted(&lake).await, quarantined(&lake).await, discarded, told)
        });
        let mut bad: Vec<_> = source.iter().filter(|n| **n < 0).map(|n| record(*n)).collect();
        bad.sort_unstable();
        prop_assert_eq!(good, source.len() - bad.len());
        prop_assert_eq!(told, bad.len() as u64);
        prop_assert!(discarded <= told);
        prop_assert_eq!(refused, bad);
    }
}
