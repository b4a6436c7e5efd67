//! Runs that are cut off, and runs at the same time.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use tokio_util::sync::CancellationToken;

use super::avro::{line, register};
use super::*;

/// Polls a future so many times, then drops it where it stands: what it was doing is not finished, as in a crash.
async fn cut_off<T>(future: impl Future<Output = T>, polls: usize) -> Option<T> {
    let mut future = pin!(future);
    let mut left = polls;
    std::future::poll_fn(move |context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_moment_a_run_is_cut_off_at_each_record_ends_in_one_place() {
    let mut shop = Shop::new(2, "{bytes: 1B}").await;
    // Small chunks: one record in each fetch.
    shop.ingest
        .kafka
        .properties
        .insert("fetch.message.max.bytes".to_owned(), "64".into());
    let (id, ..) = register(&shop.ingest.registry).await;
    let count = 16;
    for number in 0..count {
        // Every fourth record is refused, one of them by the gate, the other undecodable.
        let value = match number % 8 {
            0 => line(id, -2000, 1),
            4 => line(id, number, 1)[..20].to_vec(),
            _ => line(id, number, 1),
        };
        shop.send(0, &value).await;
        shop.send(1, &value).await;
    }
    // A fetch brings one record and takes a while: each becomes a commit.
    shop.cluster
        .broker_round_trip_time(-1, Duration::from_millis(15))
        .unwrap();
    let mut cuts = 0;
    loop {
        let run = shop.ingest.run(
            &shop.spec,
            Mode::UntilEnd,
            RunId::new(),
            CancellationToken::new(),
            &Quiet,
        );
        match cut_off(run, cuts + 1).await {
            Some(summary) => {
                summary.unwrap();
                break;
            }
            None => cuts += 1,
        }
    }
    assert!(cuts > 20, "only {cuts} runs were cut off");
    let table = shop.ingest.lake.load(&BRONZE.parse().unwrap()).await.unwrap().unwrap();
    println!("{cuts} runs were cut off, {} commits", table.version());
    assert!(table.version() > 10, "only {} commits", table.version());
    let (bronze, quarantine) = (shop.bronze().await, shop.quarantine().await);
    let is_refused = |offset: i64| offset % 4 == 0;
    let all = all_places(&[count, count]);
    let wanted = |refused: bool| -> Vec<(i32, i64)> {
        all.iter()
            .copied()
            .filter(|(_, offset)| is_refused(*offset) == refused)
            .collect()
    };
    assert_eq!(bronze.places(), wanted(false));
    assert_eq!(quarantine.places(), wanted(true));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_at_once_share_the_work_and_double_nothing() {
    let shop = Shop::new(2, "{bytes: 1B, interval: 200ms}").await;
    let (id, ..) = register(&shop.ingest.registry).await;
    for number in 0..60 {
        shop.send(0, &line(id, number, 1)).await;
        shop.send(1, if number % 5 == 0 { b"no avro" } else { b"neither" })
            .await;
    }
    let run = || async {
        let ingest = ingest(
            shop.folder.path(),
            &shop.cluster.bootstrap_servers(),
            &shop.embedded.url(),
        );
        ingest
            .run(
                &shop.spec,
                Mode::UntilEnd,
                RunId::new(),
                CancellationToken::new(),
                &Quiet,
            )
            .await
            .unwrap()
    };
    let (one, two) = tokio::join!(run(), run());
    assert_eq!(one.accepted + two.accepted, 60, "{one:?} {two:?}");
    assert_eq!(shop.bronze().await.places(), all_places(&[60]));
    let refused: Vec<_> = (0..60).map(|offset| (1, offset)).collect();
    assert_eq!(shop.quarantine().await.places(), refused);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_continuous_run_stands_by_while_another_works_and_takes_over() {
    let shop = Shop::new(1, "{bytes: 1B, interval: 100ms}").await;
    let (id, ..) = register(&shop.ingest.registry).await;
    let other = ingest(
        shop.folder.path(),
        &shop.cluster.bootstrap_servers(),
        &shop.embedded.url(),
    );
    let (watches, stops) = (
        [Watch::default(), Watch::default()],
        [CancellationToken::new(), CancellationToken::new()],
    );
    let runs = async {
        tokio::join!(
            shop.ingest.run(
                &shop.spec,
                Mode::Continuous,
                RunId::new(),
                stops[0].clone(),
                &watches[0]
            ),
            other.run(
                &shop.spec,
                Mode::Continuous,
                RunId::new(),
                stops[1].clone(),
                &watches[1]
            )
        )
    };
    let committed = || -> u64 {
        watches
            .iter()
            .flat_map(|watch| watch.told().commits)
            .map(|commit| commit.accepted)
            .sum()
    };
    let drive = async {
        // Both see each record; until one has lost a race, records go on coming.
        let mut number = 0;
        let waits = |watch: &Watch| watch.told().notices.iter().any(|text| text.contains("another process"));
        while !watches.iter().any(waits) {
            shop.send(0, &line(id, number, 1)).await;
            number += 1;
            while committed() < number as u64 {
                tokio::select! {
                    () = watches[0].changed.notified() => {}
                    () = watches[1].changed.notified() => {}
                    () = tokio::time::sleep(Duration::from_millis(20)) => {}
                }
            }
        }
        let loser = usize::from(waits(&watches[1]));
        stops[1 - loser].cancel();
        shop.send(0, &line(id, number, 1)).await;
        let before: u64 = watches[loser].told().commits.iter().map(|commit| commit.accepted).sum();
        watches[loser]
            .until(|told| told.commits.iter().map(|commit| commit.accepted).sum::<u64>() > before)
            .await;
        stops[loser].cancel();
        number + 1
    };
    let ((one, two), count) = tokio::join!(runs, drive);
    assert_eq!(one.unwrap().accepted + two.unwrap().accepted, count as u64);
    assert_eq!(shop.bronze().await.places(), all_places(&[count]));
}
