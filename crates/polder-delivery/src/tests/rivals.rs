//! Two processes that deliver the same stream, step by step in any order.

use polder_core::ErrorKind;
use proptest::prelude::*;
use tokio::sync::{mpsc, oneshot};

use super::*;

/// A word to take one step; answered when it is taken.
type Turn = oneshot::Sender<()>;

/// A process that fills a shipment, commits what it refuses, and commits what it accepts, each when it is told to.
/// After a conflict it begins again; when nobody tells it any more it is gone, wherever it is.
async fn process(lake: &Lake, topic: &[Message], count: usize, mut turns: mpsc::Receiver<Turn>) {
    let mut delivery = open(lake, 0).await;
    while let Some(done) = turns.recv().await {
        let mut shipment = delivery.shipment(RunId::new()).await.unwrap();
        let from = shipment.progress(PROGRESS).await.unwrap();
        let outcome = load(&mut shipment, topic, from, count).await.unwrap();
        done.send(()).unwrap();
        let Some(outcome) = outcome else { continue };

        let Some(done) = turns.recv().await else { return };
        let first = match shipment.begins_where_the_table_is(&outcome).await {
            Ok(()) => shipment.commit_refused().await,
            Err(error) => Err(error),
        };
        done.send(()).unwrap();
        let quarantined = match first {
            Ok(quarantined) => quarantined,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
                continue;
            }
        };

        let Some(done) = turns.recv().await else { return };
        if let Err(error) = shipment.commit_accepted(outcome, quarantined).await {
            assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
        }
        done.send(()).unwrap();
    }
}

async fn take_turns(order: &[bool], processes: [mpsc::Sender<Turn>; 2]) {
    for second in order {
        let (done, taken) = oneshot::channel();
        processes[usize::from(*second)].send(done).await.unwrap();
        taken.await.unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn two_processes_in_any_order_deliver_every_message_once(
        numbers in prop::collection::vec(prop::option::weighted(0.8, -2i32..6), 1..24),
        counts in (1usize..8, 1usize..8),
        order in prop::collection::vec(any::<bool>(), 1..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let topic = topic(numbers.clone());
        let (accepted, refused) = runtime.block_on(async {
            let lake = lake();
            let (first, first_turns) = mpsc::channel(1);
            let (second, second_turns) = mpsc::channel(1);
            tokio::join!(
                take_turns(&order, [first, second]),
                process(&lake, &topic, counts.0, first_turns),
                process(&lake, &topic, counts.1, second_turns),
            );
            let mut last = open(&lake, 0).await;
            while deliver(&mut last, &topic, 5, Crash::Never).await.unwrap().is_some() {}
            placed(&lake).await
        });
        let good = |wanted: bool| {
            let offsets = numbers.iter().enumerate();
            let offsets = offsets.filter(move |(_, number)| number.is_some_and(|number| number >= 0) == wanted);
            offsets.map(|(offset, _)| offset as i64).collect::<Vec<_>>()
        };
        prop_assert_eq!(accepted, good(true));
        prop_assert_eq!(refused, good(false));
    }
}
