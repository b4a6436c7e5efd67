//! What a stream delivers when nothing goes wrong, and when two deliver at once.

use polder_core::ErrorKind;

use super::*;

#[tokio::test]
async fn accepted_rows_and_refused_ones_part_ways() {
    let lake = lake();
    let topic = topic([Some(5), Some(-1), None, Some(0)]);
    let mut delivery = open(&lake, 0).await;
    let receipt = deliver(&mut delivery, &topic, 10, Crash::Never).await.unwrap().unwrap();
    assert_eq!((receipt.accepted, receipt.rejected, receipt.recognised), (2, 2, 0));
    assert_eq!(placed(&lake).await, (vec![0, 3], vec![1, 2]));
    assert_eq!(delivery.progress(PROGRESS).await.unwrap(), Some(4));
    assert_eq!(receipt.version, Some(delivery.table().version()));
}

#[tokio::test]
async fn a_refused_row_is_kept_whole_with_rule_reason_and_position() {
    let lake = lake();
    deliver(&mut open(&lake, 3).await, &topic([Some(2), None]), 10, Crash::Never)
        .await
        .unwrap();
    let rows = rows(&lake, "sales.quarantine.bronze_events").await.unwrap();
    let column = |name: &str| {
        texts(&rows, name)
            .into_iter()
            .map(|text| text.unwrap_or_default())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        column("_quarantine_id"),
        ["sales.events/retail.events/0/0", "sales.events/retail.events/0/1"]
    );
    assert_eq!(column("_origin"), [STREAM, STREAM]);
    assert_eq!(column("_topic"), [TOPIC, TOPIC]);
    assert_eq!(column("_key"), ["key", "key"]);
    assert_eq!(column("_schema_id"), ["7", "7"]);
    assert_eq!(column("_event_time"), ["1970-01-01T00:00:01Z", "1970-01-01T00:00:01Z"]);
    assert_eq!(column("_timestamp"), ["1970-01-01T00:00:02Z", "1970-01-01T00:00:02Z"]);
    assert_eq!(column("_schema_header"), ["named", "named"]);
    assert_eq!(column("rule"), ["n.minimum", "format.avro"]);
    assert_eq!(column("reason"), ["n is 2: the minimum is 3", "not Avro"]);
    assert_eq!(column("contract_version"), ["1.0.3", "1.0.3"]);
    assert_eq!(column("record"), [r#"{"name":"x","n":2}"#, ""]);
    assert_eq!(column("raw"), ["0:Some(2)", "1:None"]);
}

#[tokio::test]
async fn a_dataset_without_refused_rows_has_no_quarantine() {
    let lake = lake();
    deliver(&mut open(&lake, 0).await, &topic([Some(1)]), 10, Crash::Never)
        .await
        .unwrap();
    assert!(rows(&lake, "sales.quarantine.bronze_events").await.is_none());
}

#[tokio::test]
async fn progress_moves_when_every_row_is_refused() {
    let lake = lake();
    let mut delivery = open(&lake, 0).await;
    let receipt = deliver(&mut delivery, &topic([None, None]), 10, Crash::Never)
        .await
        .unwrap()
        .unwrap();
    assert!(receipt.version.is_some());
    assert_eq!(delivery.progress(PROGRESS).await.unwrap(), Some(2));
    assert_eq!(placed(&lake).await, (vec![], vec![0, 1]));
}

#[tokio::test]
async fn more_refused_rows_than_a_buffer_holds_all_arrive() {
    let lake = lake();
    let topic = topic((0..10_000).map(|_| None));
    let receipt = deliver(&mut open(&lake, 0).await, &topic, 10_000, Crash::Never)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(receipt.rejected, 10_000);
    assert_eq!(placed(&lake).await, (vec![], (0..10_000).collect()));
}

#[tokio::test]
async fn the_second_of_two_deliveries_of_the_same_rows_is_refused() {
    for numbers in [[Some(1), Some(2)], [Some(1), Some(-1)], [None, None]] {
        let lake = lake();
        let topic = topic(numbers);
        let (mut first, mut second) = (open(&lake, 0).await, open(&lake, 0).await);
        let from = second.progress(PROGRESS).await.unwrap();
        deliver(&mut first, &topic, 10, Crash::Never).await.unwrap();
        let error = deliver_from(&mut second, &topic, from, 10, Crash::Never)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
        assert_eq!(deliver(&mut second, &topic, 10, Crash::Never).await.unwrap(), None);
        assert!(occurrences(&lake).await.values().eq(&[1, 1]), "{numbers:?}");
    }
}

#[tokio::test]
async fn a_shipment_is_refused_when_another_process_quarantined_in_the_meantime() {
    let lake = lake();
    let topic = topic([Some(1), Some(5)]);
    let (mut lax, mut strict) = (open(&lake, 0).await, open(&lake, 3).await);
    let from = lax.progress(PROGRESS).await.unwrap();
    let mut shipment = lax.shipment(RunId::new()).await.unwrap();
    let raw: Vec<_> = topic.iter().map(Message::raw).collect();
    shipment.push(&decoded(&topic), &raw).await.unwrap();
    deliver(&mut strict, &topic, 10, Crash::BetweenTheCommits)
        .await
        .unwrap();
    let progress = vec![Progress {
        id: PROGRESS.to_owned(),
        expected: from,
        next: 2,
    }];
    let error = shipment
        .commit(Outcome {
            progress,
            ..Outcome::default()
        })
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    deliver(&mut lax, &topic, 10, Crash::Never).await.unwrap();
    assert_eq!(placed(&lake).await, (vec![1], vec![0]));
}

#[tokio::test]
async fn two_streams_may_feed_one_dataset() {
    let lake = lake();
    let topic = topic([Some(1), Some(-1)]);
    let other = "sales.other";
    let mut first = open(&lake, 0).await;
    let mut second = Delivery::open(&lake, &contract(0), STREAM_COLUMNS.as_slice(), other)
        .await
        .unwrap();
    let from = first.progress(PROGRESS).await.unwrap();
    let mut shipment = second.shipment(RunId::new()).await.unwrap();
    let raw: Vec<_> = topic.iter().map(Message::raw).collect();
    shipment.push(&decoded(&topic), &raw).await.unwrap();
    deliver_from(&mut first, &topic, from, 10, Crash::Never).await.unwrap();
    let progress = vec![Progress {
        id: "stream/sales.other/retail.events/0".to_owned(),
        expected: None,
        next: 2,
    }];
    shipment
        .commit(Outcome {
            progress,
            ..Outcome::default()
        })
        .await
        .unwrap();
    assert_eq!(placed(&lake).await, (vec![0, 0], vec![1, 1]));
}

#[tokio::test]
async fn a_column_that_the_contract_does_not_know_is_refused() {
    let lake = lake();
    let mut delivery = open(&lake, 0).await;
    let mut shipment = delivery.shipment(RunId::new()).await.unwrap();
    let batch = RecordBatch::try_from_iter(vec![("odd", Arc::new(Int32Array::from(vec![1])) as ArrayRef)]).unwrap();
    let topic = topic([Some(1)]);
    let error = shipment.push(&batch, &vec![topic[0].raw()]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Document);
    assert!(error.to_string().contains("`odd`"), "{error}");
}

#[tokio::test]
async fn a_delivery_can_run_on_any_thread() {
    let lake = lake();
    let topic = topic([Some(1), None]);
    let task = tokio::spawn({
        let lake = lake.clone();
        async move { deliver(&mut open(&lake, 0).await, &topic, 10, Crash::Never).await }
    });
    assert!(task.await.unwrap().unwrap().is_some());
    assert_eq!(placed(&lake).await, (vec![0], vec![1]));
}

#[tokio::test]
async fn a_discarded_shipment_leaves_nothing() {
    let lake = lake();
    let topic = topic([Some(1), None]);
    let mut delivery = open(&lake, 0).await;
    let mut shipment = delivery.shipment(RunId::new()).await.unwrap();
    load(&mut shipment, &topic, None, 10).await.unwrap();
    assert_eq!((shipment.rows(), shipment.rejected()), (1, 1));
    assert!(shipment.bytes() > 0);
    shipment.discard().await.unwrap();
    assert_eq!(placed(&lake).await, (vec![], vec![]));
}
