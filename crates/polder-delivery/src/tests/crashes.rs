//! Crashes between the commit to quarantine and the commit to the table.

use polder_core::ErrorKind;
use proptest::prelude::*;

use super::*;

#[tokio::test]
async fn a_crash_between_the_commits_neither_loses_nor_doubles() {
    let lake = lake();
    let topic = topic([Some(1), Some(-1), None, Some(2)]);
    deliver(&mut open(&lake, 0).await, &topic, 10, Crash::BetweenTheCommits)
        .await
        .unwrap();
    assert_eq!(placed(&lake).await, (vec![], vec![1, 2]));
    let receipt = deliver(&mut open(&lake, 0).await, &topic, 10, Crash::Never)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((receipt.accepted, receipt.rejected, receipt.recognised), (2, 0, 2));
    assert_eq!(placed(&lake).await, (vec![0, 3], vec![1, 2]));
}

#[tokio::test]
async fn rows_in_quarantine_stay_there_when_the_contract_would_take_them_now() {
    let lake = lake();
    let topic = topic([Some(1), Some(5)]);
    deliver(&mut open(&lake, 3).await, &topic, 10, Crash::BetweenTheCommits)
        .await
        .unwrap();
    deliver(&mut open(&lake, 0).await, &topic, 10, Crash::Never)
        .await
        .unwrap();
    assert_eq!(placed(&lake).await, (vec![1], vec![0]));
}

#[tokio::test]
async fn a_stricter_contract_refuses_what_the_crashed_attempt_had_not() {
    let lake = lake();
    let topic = topic([Some(-1), Some(1), Some(5)]);
    deliver(&mut open(&lake, 0).await, &topic, 10, Crash::BetweenTheCommits)
        .await
        .unwrap();
    let receipt = deliver(&mut open(&lake, 3).await, &topic, 10, Crash::Never)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((receipt.accepted, receipt.rejected, receipt.recognised), (1, 1, 1));
    assert_eq!(placed(&lake).await, (vec![2], vec![0, 1]));
}

#[tokio::test]
async fn recovery_in_smaller_steps_with_another_crash_stays_exact() {
    let lake = lake();
    let topic = topic([None, Some(1), None, Some(2), None]);
    deliver(&mut open(&lake, 0).await, &topic, 5, Crash::BetweenTheCommits)
        .await
        .unwrap();
    let mut again = open(&lake, 0).await;
    deliver(&mut again, &topic, 2, Crash::Never).await.unwrap();
    deliver(&mut again, &topic, 2, Crash::BetweenTheCommits).await.unwrap();
    let mut last = open(&lake, 0).await;
    while deliver(&mut last, &topic, 1, Crash::Never).await.unwrap().is_some() {}
    assert_eq!(placed(&lake).await, (vec![1, 3], vec![0, 2, 4]));
}

#[tokio::test]
async fn the_same_process_goes_on_after_a_failure_between_the_commits() {
    let lake = lake();
    let topic = topic([None, Some(1), None, Some(2)]);
    let mut delivery = open(&lake, 0).await;
    deliver(&mut delivery, &topic, 2, Crash::Never).await.unwrap();
    deliver(&mut delivery, &topic, 2, Crash::BetweenTheCommits)
        .await
        .unwrap();
    deliver(&mut delivery, &topic, 2, Crash::Never).await.unwrap();
    assert_eq!(placed(&lake).await, (vec![1, 3], vec![0, 2]));
}

#[tokio::test]
async fn a_new_process_does_not_read_quarantine_that_is_settled() {
    let lake = lake();
    let topic = topic([None, Some(1), Some(2)]);
    let mut first = open(&lake, 0).await;
    deliver(&mut first, &topic, 2, Crash::Never).await.unwrap();
    let settled = first.settled().await.unwrap();
    assert_eq!(settled, first.quarantine.as_ref().map(polder_lake::Table::version));
    // Another record at a position that is settled is nobody's business any more.
    let mut changed = topic.clone();
    changed[0].bytes = b"other".to_vec();
    let mut second = open(&lake, 0).await;
    let from = second.progress(PROGRESS).await.unwrap();
    let mut shipment = second.shipment(RunId::new()).await.unwrap();
    shipment
        .reject(Reject {
            record: changed[0].raw(),
            rule: "r",
            reason: "r",
        })
        .await
        .unwrap();
    drop(shipment);
    assert_eq!(from, Some(2));
}

#[tokio::test]
async fn another_record_at_a_quarantined_position_stops_the_delivery() {
    let lake = lake();
    let mut topic = topic([None, Some(1)]);
    deliver(&mut open(&lake, 0).await, &topic, 10, Crash::BetweenTheCommits)
        .await
        .unwrap();
    topic[0].bytes = b"another".to_vec();
    let error = deliver(&mut open(&lake, 0).await, &topic, 10, Crash::Never)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(placed(&lake).await, (vec![], vec![0]));
}

/// One step of a stream's life.
#[derive(Debug, Clone, Copy)]
struct Life {
    count: usize,
    crash: Crash,
    minimum: i32,
    new_process: bool,
}

fn life() -> impl Strategy<Value = Life> {
    let crash = prop_oneof![
        Just(Crash::Never),
        Just(Crash::BeforeAnyCommit),
        Just(Crash::BetweenTheCommits)
    ];
    (1usize..8, crash, 0i32..4, any::<bool>()).prop_map(|(count, crash, minimum, new_process)| Life {
        count,
        crash,
        minimum,
        new_process,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever crashes and whichever contract was in force: each message ends in exactly one of both tables, and
    /// those that no contract takes in quarantine.
    #[test]
    fn every_message_ends_in_exactly_one_table(
        numbers in prop::collection::vec(prop::option::weighted(0.8, -2i32..6), 1..24),
        lives in prop::collection::vec(life(), 1..12),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let topic = topic(numbers.clone());
        let (accepted, refused) = runtime.block_on(async {
            let lake = lake();
            let mut delivery = open(&lake, 0).await;
            for life in &lives {
                if life.new_process {
                    delivery = open(&lake, life.minimum).await;
                }
                deliver(&mut delivery, &topic, life.count, life.crash).await.unwrap();
            }
            while deliver(&mut delivery, &topic, 5, Crash::Never).await.unwrap().is_some() {}
            placed(&lake).await
        });
        let mut all: Vec<_> = accepted.iter().chain(&refused).copied().collect();
        all.sort_unstable();
        prop_assert_eq!(all, (0..numbers.len() as i64).collect::<Vec<_>>());
        for offset in accepted {
            prop_assert!(numbers[offset as usize].is_some_and(|number| number >= 0));
        }
        for offset in refused {
            prop_assert!(numbers[offset as usize].is_none_or(|number| number < 3));
        }
    }
}
