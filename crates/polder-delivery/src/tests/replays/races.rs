//! Replays that crash, and that meet streams and each other.

use std::collections::HashSet;

use polder_core::ErrorKind;
use proptest::prelude::*;

use super::*;

#[tokio::test]
async fn a_crash_between_any_steps_neither_loses_nor_doubles() {
    for steps in 0..=3 {
        let lake = delivered(&[Some(0), Some(1), Some(-1)], 3).await;
        let contract = contract(0);
        let replay = all(&contract);
        let mut first = quarantine(&lake).await;
        let mut judged = first.judge(&replay, true).await.unwrap();
        if steps > 0 {
            let number = first.begin(&mut judged, &replay).await.unwrap().unwrap();
            assert_eq!(states(&lake).await[0], (0, state("replaying")));
            if steps > 1 {
                first.enter(&mut judged, number, &replay).await.unwrap();
            }
        }
        if steps > 2 {
            first.settle(replay.run).await.unwrap();
        }
        let before = placed(&lake).await.0;
        assert_eq!(before, if steps > 1 { vec![0, 1] } else { vec![] }, "{steps}");
        let table = first.table().clone();
        let under_way = Quarantine::under_way(&lake, &DATASET.parse().unwrap(), &table)
            .await
            .unwrap();
        assert_eq!(
            under_way.map(|(_, landed)| landed),
            [None, Some(false), Some(true), None][steps]
        );
        // The next process goes on.
        let replayed = quarantine(&lake).await.replay(&all(&contract)).await.unwrap();
        assert_eq!(replayed.passed, if steps > 1 { 0 } else { 2 }, "{steps}");
        assert_eq!(placed(&lake).await.0, [0, 1], "{steps}");
        assert_eq!(
            states(&lake).await,
            [(0, state("replayed")), (1, state("replayed")), (2, state("open"))]
        );
    }
}

#[tokio::test]
async fn a_replay_that_others_took_for_dead_does_not_get_its_rows_in() {
    let lake = delivered(&[Some(0), Some(1)], 3).await;
    let contract = contract(0);
    let replay = all(&contract);
    let mut slow = quarantine(&lake).await;
    let mut judged = slow.judge(&replay, true).await.unwrap();
    let number = slow.begin(&mut judged, &replay).await.unwrap().unwrap();
    quarantine(&lake).await.replay(&all(&contract)).await.unwrap();
    let error = slow.enter(&mut judged, number, &replay).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(slow.settle(replay.run).await.unwrap(), 0);
    assert_eq!(placed(&lake).await.0, [0, 1]);
}

#[tokio::test]
async fn a_stream_at_work_meanwhile_loses_and_doubles_nothing() {
    let lake = lake();
    let topic = topic([Some(0), Some(5), Some(1), Some(6), Some(2), Some(7)]);
    let mut stream = open(&lake, 3).await;
    deliver(&mut stream, &topic, 3, Crash::Never).await.unwrap();
    let contract = contract(0);
    let replay = all(&contract);
    let mut quarantine = quarantine(&lake).await;
    let mut judged = quarantine.judge(&replay, true).await.unwrap();
    deliver(&mut stream, &topic, 1, Crash::Never).await.unwrap();
    let number = quarantine.begin(&mut judged, &replay).await.unwrap().unwrap();
    // This one refuses a row itself, between the steps.
    deliver(&mut stream, &topic, 2, Crash::Never).await.unwrap();
    quarantine.enter(&mut judged, number, &replay).await.unwrap();
    quarantine.settle(replay.run).await.unwrap();
    assert_eq!(placed(&lake).await, (vec![0, 1, 2, 3, 5], vec![0, 2, 4]));
    assert_eq!(
        states(&lake).await,
        [(0, state("replayed")), (2, state("replayed")), (4, state("open"))]
    );
    assert_eq!(quarantine.replay(&all(&contract)).await.unwrap().passed, 1);
    assert_eq!(placed(&lake).await.0, [0, 1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn a_row_that_was_replayed_before_its_stream_went_on_is_not_taken_again() {
    let lake = lake();
    let topic = topic([Some(0), Some(5), Some(1)]);
    deliver(&mut open(&lake, 3).await, &topic, 10, Crash::BetweenTheCommits)
        .await
        .unwrap();
    let contract = contract(0);
    quarantine(&lake).await.replay(&all(&contract)).await.unwrap();
    assert_eq!(placed(&lake).await, (vec![0, 2], vec![0, 2]));
    let receipt = deliver(&mut open(&lake, 0).await, &topic, 10, Crash::Never)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((receipt.accepted, receipt.recognised), (1, 2));
    assert_eq!(placed(&lake).await, (vec![0, 1, 2], vec![0, 2]));
    // Rows that are settled are nobody's business in the next process, although their file is new.
    quarantine(&lake).await.discard(&discard("odd", None)).await.unwrap();
    let mut next = open(&lake, 0).await;
    drop(next.shipment(RunId::new()).await.unwrap());
    assert!(matches!(&next.known, crate::known::Known::Positions(known) if known.window.is_empty()));
}

/// Delivers a topic message by message; after a conflict it begins again, as streams do.
async fn deliver_all(lake: &Lake, topic: &[Message], minimum: i32) {
    let mut stream = open(lake, minimum).await;
    loop {
        match deliver(&mut stream, topic, 1, Crash::Never).await {
            Ok(Some(_)) => {}
            Ok(None) => return,
            Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error}"),
        }
        tokio::task::yield_now().await;
    }
}

/// Replays whatever is open, some times over.
async fn replay_often(lake: &Lake, minimum: i32) {
    let contract = contract(minimum);
    for _ in 0..12 {
        if let Some(mut quarantine) = Quarantine::open(lake, &DATASET.parse().unwrap()).await.unwrap() {
            match quarantine.replay(&all(&contract)).await {
                Ok(_) => {}
                Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error}"),
            }
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn streams_and_replays_at_the_same_time_lose_and_double_nothing() {
    let lake = lake();
    let topic = Arc::new(topic((0..40).map(|n| Some(n % 6))));
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..3 {
        let (lake, topic) = (lake.clone(), Arc::clone(&topic));
        tasks.spawn(async move {
            match task {
                0 => deliver_all(&lake, &topic, 3).await,
                _ => replay_often(&lake, 1).await,
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    replay_often(&lake, 1).await;
    let (accepted, _) = placed(&lake).await;
    let taken: Vec<i64> = (0..40).filter(|n| n % 6 >= 1).collect();
    assert_eq!(accepted, taken);
    for (offset, state) in states(&lake).await {
        let open = state.is_none_or(|state| state == "open");
        assert_eq!(open, offset % 6 == 0, "{offset}");
    }
}

/// One step of two processes that replay and a stream that delivers.
#[derive(Debug, Clone, Copy)]
enum Step {
    Deliver { count: usize, crash: Crash, minimum: i32 },
    Replay { steps: usize, minimum: i32 },
}

fn step() -> impl Strategy<Value = Step> {
    let crash = prop_oneof![Just(Crash::Never), Just(Crash::BetweenTheCommits)];
    prop_oneof![
        (1usize..6, crash, 0i32..4).prop_map(|(count, crash, minimum)| Step::Deliver { count, crash, minimum }),
        (0usize..4, 0i32..4).prop_map(|(steps, minimum)| Step::Replay { steps, minimum }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    /// However streams and replays crash: each message is once in the dataset, or once in quarantine, or in both once
    /// and marked as replayed.
    #[test]
    fn every_message_is_in_the_dataset_once_or_open(
        numbers in prop::collection::vec(prop::option::weighted(0.9, -2i32..5), 1..16),
        steps in prop::collection::vec(step(), 1..10),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let topic = topic(numbers.clone());
        let (accepted, quarantined) = runtime.block_on(async {
            let lake = lake();
            for step in steps {
                match step {
                    Step::Deliver { count, crash, minimum } => {
                        deliver(&mut open(&lake, minimum).await, &topic, count, crash).await.unwrap();
                    }
                    Step::Replay { steps, minimum } => {
                        let Some(mut quarantine) = Quarantine::open(&lake, &DATASET.parse().unwrap()).await.unwrap() else {
                            continue;
                        };
                        let contract = contract(minimum);
                        let replay = all(&contract);
                        quarantine.settle(replay.run).await.unwrap();
                        let mut judged = quarantine.judge(&replay, true).await.unwrap();
                        if steps > 0
                            && let Some(number) = quarantine.begin(&mut judged, &replay).await.unwrap()
                            && steps > 1
                        {
                            quarantine.enter(&mut judged, number, &replay).await.unwrap();
                            if steps > 2 {
                                quarantine.settle(replay.run).await.unwrap();
                            }
                        }
                    }
                }
            }
            let mut last = open(&lake, 0).await;
            while deliver(&mut last, &topic, 5, Crash::Never).await.unwrap().is_some() {}
            let Some(mut quarantine) = Quarantine::open(&lake, &DATASET.parse().unwrap()).await.unwrap() else {
                return (placed(&lake).await.0, Vec::new());
            };
            quarantine.settle(RunId::new()).await.unwrap();
            (placed(&lake).await.0, states(&lake).await)
        });
        let unique: HashSet<_> = accepted.iter().collect();
        prop_assert_eq!(unique.len(), accepted.len());
        let unique: HashSet<_> = quarantined.iter().map(|(offset, _)| offset).collect();
        prop_assert_eq!(unique.len(), quarantined.len());
        for offset in 0..numbers.len() as i64 {
            let of_quarantine = quarantined.iter().find(|(quarantined, _)| *quarantined == offset);
            let in_table = accepted.contains(&offset);
            match of_quarantine {
                None => prop_assert!(in_table),
                Some((_, Some(word))) if word == "replayed" => prop_assert!(in_table),
                Some(_) => prop_assert!(!in_table),
            }
        }
    }
}
