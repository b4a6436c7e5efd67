//! What lands, what is refused, and where reading goes on.

use std::task::Poll;

use polder_core::ErrorKind;
use tokio_util::sync::CancellationToken;

use super::avro::{frame, line, register, second_line};
use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn every_record_lands_once_with_where_it_came_from() {
    let shop = Shop::new(2, "{rows: 1000}").await;
    let (id, ..) = register(&shop.ingest.registry).await;
    for number in 0..7 {
        shop.send(0, &line(id, number, 2_550)).await;
    }
    for number in 0..5 {
        shop.send(1, &line(id, number, -11_062_060)).await;
    }
    let watch = Watch::default();
    let run = RunId::new();
    let summary = shop
        .ingest
        .run(&shop.spec, Mode::UntilEnd, run, CancellationToken::new(), &watch)
        .await
        .unwrap();
    assert_eq!((summary.accepted, summary.rejected, summary.commits), (12, 0, 1));
    assert_eq!((watch.told().expected, watch.told().read), (12, 12));
    let rows = shop.bronze().await;
    assert_eq!(rows.places(), all_places(&[7, 5]));
    let batch = &rows.batches[0];
    let row = (0..batch.num_rows())
        .find(|row| {
            let at = |name: &str| array_value_to_string(batch.column_by_name(name).unwrap(), *row).unwrap();
            at("_partition") == "1" && at("_offset") == "4"
        })
        .unwrap();
    let at = |name: &str| array_value_to_string(batch.column_by_name(name).unwrap(), row).unwrap();
    assert_eq!(at("event_id"), "e4");
    assert_eq!(at("invoice_no"), "536365");
    assert_eq!(at("quantity"), "4");
    assert_eq!(at("unit_price"), "-11062.060");
    assert_eq!(at("country"), "United Kingdom");
    assert_eq!(at("_topic"), TOPIC);
    assert_eq!(at("_event_time"), "2010-12-01T08:26:00.004Z");
    assert_eq!(at("_schema_id"), id.to_string());
    assert_eq!(at("_run_id"), run.to_string());
    assert_eq!(at("_key"), "353336333635");

    let again = shop.run().await.unwrap();
    assert_eq!((again.accepted, again.commits), (0, 0));
    shop.send(1, &line(id, 5, 1)).await;
    assert_eq!(shop.run().await.unwrap().accepted, 1);
    assert_eq!(shop.bronze().await.places(), all_places(&[7, 6]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_in_quarantine_once_with_its_bytes() {
    let shop = Shop::new(1, "{rows: 1000}").await;
    let (id, second, foreign) = register(&shop.ingest.registry).await;
    let good = line(id, 1, 2_550);
    let mut bad_branch = good.clone();
    let at = bad_branch.len() - 16;
    assert_eq!(bad_branch[at], 2, "the union's branch");
    bad_branch[at] = 34;
    let values: Vec<(&str, Vec<u8>)> = vec![
        ("", good.clone()),
        ("format.avro", good[..good.len() - 3].to_vec()),
        ("format.avro", [&good[..], &[0, 0, 0, 0, id as u8]].concat()),
        ("format.avro", bad_branch),
        ("format.schema", frame(4711, &good[5..])),
        ("format.record", frame(foreign, &[2, b'x'])),
        ("format.frame", b"{\"no\": \"avro\"}".to_vec()),
        ("format.frame", vec![0, 0, 0]),
        ("format.schema", [&[1_u8][..], &[9; 16], &good[5..]].concat()),
        ("unit_price.type", second_line(second, 1, 25_501)),
        ("unit_price.type", line(id, 1, 10_i64.pow(13))),
        ("quantity.type", second_line(second, 1 << 40, 10)),
        ("quantity.minimum", line(id, -1001, 1)),
        ("", second_line(second, 3, 25_500)),
    ];
    for (_, value) in &values {
        shop.send(0, value).await;
    }
    send(&shop.producer, 0, None, &[]).await;
    send(&shop.producer, 0, Some(&good[5..]), &[("__value_schema_id", b"guid")]).await;
    let summary = shop.run().await.unwrap();
    assert_eq!((summary.accepted, summary.rejected), (2, 14));

    assert_eq!(shop.bronze().await.places(), [(0, 0), (0, 13)]);
    let quarantine = shop.quarantine().await;
    let rules = quarantine.by_offset("rule");
    let reasons = quarantine.by_offset("reason");
    let raw = quarantine.bytes_by_offset("raw");
    for (offset, (rule, value)) in (0..).zip(&values) {
        if rule.is_empty() {
            assert!(!rules.contains_key(&offset));
            continue;
        }
        assert_eq!(
            rules[&offset].as_deref(),
            Some(*rule),
            "{offset}: {:?}",
            reasons[&offset]
        );
        assert_eq!(raw[&offset].as_deref(), Some(value.as_slice()), "{offset}");
    }
    let reason = |offset: i64| reasons[&offset].clone().unwrap();
    assert_eq!(rules[&14].as_deref(), Some("format.tombstone"));
    assert_eq!(raw[&14], None);
    assert_eq!(rules[&15].as_deref(), Some("format.frame"));
    assert!(
        reason(15).contains("__value_schema_id begins with byte 103"),
        "{}",
        reason(15)
    );
    // The registry in the process has no GUIDs, and no stream ends for that.
    assert!(
        reason(8).contains("schema 09090909-0909-0909-0909-090909090909")
            && reason(8).contains("it has no schemas by GUID"),
        "{}",
        reason(8)
    );
    assert!(reason(4).contains("4711"), "{}", reason(4));
    assert!(
        reason(5).contains("`bank.Payment`") && reason(5).contains("`retail.InvoiceLine`"),
        "{}",
        reason(5)
    );
    assert!(reason(9).contains("`2.5501` is not a decimal(12,3)"), "{}", reason(9));
    assert_eq!(quarantine.by_offset("contract_version")[&1].as_deref(), Some("1.2.3"));

    assert_eq!(shop.run().await.unwrap().rejected, 0);
    assert_eq!(shop.quarantine().await.len(), 14);
}

#[tokio::test(flavor = "multi_thread")]
async fn schemas_may_change_from_record_to_record() {
    let shop = Shop::new(1, "{rows: 1000}").await;
    let (id, second, _) = register(&shop.ingest.registry).await;
    for number in 0..20 {
        let value = if number % 3 == 0 {
            second_line(second, number, 25_500)
        } else {
            line(id, number, 2_550)
        };
        shop.send(0, &value).await;
    }
    assert_eq!(shop.run().await.unwrap().accepted, 20);
    let rows = shop.bronze().await;
    let (prices, quantities) = (rows.by_offset("unit_price"), rows.by_offset("quantity"));
    let (ids, countries) = (rows.by_offset("_schema_id"), rows.by_offset("country"));
    for number in 0..20 {
        let is_second = number % 3 == 0;
        assert_eq!(prices[&number].as_deref(), Some("2.550"));
        assert_eq!(quantities[&number], Some(number.to_string()));
        assert_eq!(ids[&number], Some(if is_second { second } else { id }.to_string()));
        assert_eq!(countries[&number].is_none(), is_second);
    }
    let times = rows.by_offset("_event_time");
    assert_eq!(times[&3].as_deref(), Some("2010-12-01T08:26:00.000003Z"));
    assert_eq!(times[&4].as_deref(), Some("2010-12-01T08:26:00.004Z"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_is_no_uuid_is_found_among_its_neighbours() {
    let shop = Shop::new(1, "{rows: 1000}").await;
    let (_, second, _) = register(&shop.ingest.registry).await;
    let good = second_line(second, 1, 10);
    let at = good.windows(4).position(|bytes| bytes == b"abcd").unwrap();
    let bad = [&good[..at], b"wxyz", &good[at + 4..]].concat();
    for value in [&good, &bad, &good, &good, &bad] {
        shop.send(0, value).await;
    }
    let summary = shop.run().await.unwrap();
    assert_eq!((summary.accepted, summary.rejected), (3, 2));
    assert_eq!(shop.bronze().await.places(), [(0, 0), (0, 2), (0, 3)]);
    assert_eq!(shop.quarantine().await.places(), [(0, 1), (0, 4)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tombstones_are_passed_over_where_the_stream_says_so() {
    let mut shop = Shop::new(1, "{rows: 1000}").await;
    shop.spec = spec(&kafka_stream("{rows: 1000}").replace("encoding: avro", "tombstones: ignore, encoding: avro"));
    let (id, ..) = register(&shop.ingest.registry).await;
    shop.send(0, &line(id, 0, 1)).await;
    send(&shop.producer, 0, None, &[]).await;
    let summary = shop.run().await.unwrap();
    assert_eq!((summary.accepted, summary.rejected, summary.ignored), (1, 0, 1));
    assert_eq!(shop.run().await.unwrap().ignored, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn json_is_read_with_the_contract_s_types() {
    let mut shop = Shop::new(1, "{rows: 1000}").await;
    let json = kafka_stream("{rows: 1000}").replace("encoding: avro, record: retail.InvoiceLine", "encoding: json");
    shop.spec = spec(&json);
    let line = r#"{"event_id": "e", "timestamp": "2010-12-01T08:26:00Z",
        "payload": {"invoice_no": "536365", "quantity": 6, "unit_price": 2.550, "country": null}}"#;
    shop.send(0, line.as_bytes()).await;
    shop.send(0, line.replace("2.550", "2.5501").as_bytes()).await;
    shop.send(0, b"{").await;
    let summary = shop.run().await.unwrap();
    assert_eq!((summary.accepted, summary.rejected), (1, 2));
    assert_eq!(
        shop.bronze().await.by_offset("unit_price")[&0].as_deref(),
        Some("2.550")
    );
    let rules = shop.quarantine().await.by_offset("rule");
    assert_eq!(
        (rules[&1].as_deref(), rules[&2].as_deref()),
        (Some("unit_price.type"), Some("format.json"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn triggers_cut_a_topic_into_commits() {
    let shop = Shop::new(1, "{bytes: 1B}").await;
    let (id, ..) = register(&shop.ingest.registry).await;
    shop.send(0, &line(id, 0, 1)).await;
    assert_eq!(shop.run().await.unwrap().commits, 1);
    // A continuous run with a trigger of one byte commits what it has as soon as it has it.
    let (watch, shutdown) = (Watch::default(), CancellationToken::new());
    let run = shop
        .ingest
        .run(&shop.spec, Mode::Continuous, RunId::new(), shutdown.clone(), &watch);
    let drive = async {
        for number in 1..4 {
            shop.send(0, &line(id, number, 1)).await;
            watch.until(|told| told.commits.len() as i64 == number).await;
        }
        shutdown.cancel();
    };
    let (summary, ()) = tokio::join!(run, drive);
    let summary = summary.unwrap();
    assert_eq!((summary.accepted, summary.commits, summary.versions.len()), (3, 3, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_interval_commits_what_is_there() {
    let shop = Shop::new(1, "{interval: 200ms}").await;
    let (id, ..) = register(&shop.ingest.registry).await;
    let (watch, shutdown) = (Watch::default(), CancellationToken::new());
    let run = shop
        .ingest
        .run(&shop.spec, Mode::Continuous, RunId::new(), shutdown.clone(), &watch);
    let drive = async {
        shop.send(0, &line(id, 0, 1)).await;
        watch.until(|told| told.commits.len() == 1).await;
        shutdown.cancel();
    };
    let (summary, ()) = tokio::join!(run, drive);
    assert_eq!(summary.unwrap().accepted, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_commits_what_was_read() {
    let shop = Shop::new(2, "{interval: 1h}").await;
    let (id, ..) = register(&shop.ingest.registry).await;
    for number in 0..5 {
        shop.send(0, &line(id, number, 1)).await;
        shop.send(1, &line(id, number, 1)).await;
    }
    let (watch, shutdown) = (Watch::default(), CancellationToken::new());
    let run = shop
        .ingest
        .run(&shop.spec, Mode::Continuous, RunId::new(), shutdown.clone(), &watch);
    let drive = async {
        watch.until(|told| told.read == 10).await;
        shutdown.cancel();
    };
    let (summary, ()) = tokio::join!(run, drive);
    let summary = summary.unwrap();
    assert_eq!((summary.accepted, summary.commits), (10, 1));
    assert_eq!(shop.bronze().await.places(), all_places(&[5, 5]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_does_not_exist_is_not_found_with_the_nearest_name() {
    let mut shop = Shop::new(1, "{rows: 1000}").await;
    shop.spec = spec(&kafka_stream("{rows: 1000}").replace(TOPIC, "retail.invoice_lin"));
    let error = shop.run().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("`retail.invoice_lin`"), "{error}");
    assert!(
        error.help().unwrap().contains("`retail.invoice_line`"),
        "{:?}",
        error.help()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dataset_without_a_contract_is_not_fed() {
    let mut shop = Shop::new(1, "{rows: 1000}").await;
    shop.spec = spec(&kafka_stream("{rows: 1000}").replace(BRONZE, "sales.bronze.invoice_line"));
    let error = shop.run().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.help().unwrap().contains(BRONZE), "{:?}", error.help());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_was_renamed_doubles_nothing() {
    let shop = Shop::new(1, "{rows: 1000}").await;
    let (id, ..) = register(&shop.ingest.registry).await;
    shop.send(0, &line(id, 0, 1)).await;
    assert_eq!(shop.run().await.unwrap().accepted, 1);
    let mut renamed = shop.spec.clone();
    renamed.name = "sales.invoice_lines_2".parse().unwrap();
    let run = shop
        .ingest
        .run(&renamed, Mode::UntilEnd, RunId::new(), CancellationToken::new(), &Quiet);
    let error = run.await.unwrap_err();
    assert_eq!((error.kind(), error.exit_code()), (ErrorKind::Document, 2));
    assert!(error.to_string().contains("by stream sales.invoice_lines:"), "{error}");
    // Whoever asks before a run is told the same, and nothing of the stream that reads on.
    let table = shop.ingest.lake.load(&BRONZE.parse().unwrap()).await.unwrap().unwrap();
    let asked = async |stream| refused_as_renamed(stream, &table, shop.folder.path(), &shop.ingest.kafka).await;
    assert_eq!(asked(&renamed).await.unwrap().unwrap().to_string(), error.to_string());
    assert!(asked(&shop.spec).await.unwrap().is_none());
    let mut elsewhere = spec(&kafka_stream("{rows: 1000}").replace(TOPIC, "nowhere"));
    elsewhere.name = renamed.name.clone();
    assert!(asked(&elsewhere).await.unwrap().is_none());
    // What the table holds is known without the brokers.
    let nobody = KafkaConfig {
        brokers: "127.0.0.1:1".to_owned(),
        properties: BTreeMap::new(),
    };
    let refused = refused_as_renamed(&renamed, &table, shop.folder.path(), &nobody).await;
    assert_eq!(refused.unwrap().unwrap().to_string(), error.to_string());
    assert_eq!(shop.bronze().await.places(), [(0, 0)]);
    // Under its own name it goes on.
    shop.send(0, &line(id, 1, 1)).await;
    assert_eq!(shop.run().await.unwrap().accepted, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_was_made_anew_stops_the_stream() {
    let shop = Shop::new(1, "{rows: 1000}").await;
    let (id, ..) = register(&shop.ingest.registry).await;
    for number in 0..5 {
        shop.send(0, &line(id, number, 1)).await;
    }
    assert_eq!(shop.run().await.unwrap().accepted, 5);
    let anew = cluster(1);
    let producer = producer(&anew);
    for number in 0..3 {
        send(&producer, 0, Some(&line(id, number, 1)), &[]).await;
    }
    let other = ingest(shop.folder.path(), &anew.bootstrap_servers(), &shop.embedded.url());
    let error = other
        .run(
            &shop.spec,
            Mode::UntilEnd,
            RunId::new(),
            CancellationToken::new(),
            &Quiet,
        )
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("made anew"), "{error}");
    assert!(
        error.help().unwrap().contains("`source.kafka.topic`"),
        "{:?}",
        error.help()
    );
    assert_eq!(shop.bronze().await.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_retention_took_before_they_were_read_stop_the_stream() {
    let mut shop = Shop::new(1, "{rows: 1000}").await;
    let (id, ..) = register(&shop.ingest.registry).await;
    shop.send(0, &line(id, 0, 1)).await;
    assert_eq!(shop.run().await.unwrap().accepted, 1);
    // The in-process broker keeps 5 MiB a partition.
    let large = vec![b'x'; 900_000];
    for _ in 0..8 {
        shop.send(0, &large).await;
    }
    let error = shop.run().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("retention took records"), "{error}");
    // The in-process broker drops from the front; what is left is behind the one record that was read.
    let text = error.to_string();
    let gap = text.split("offsets 1 to ").nth(1).unwrap();
    let last: i64 = gap.split(' ').next().unwrap().parse().unwrap();
    assert!((1..8).contains(&last), "{text}");
    assert!(error.help().unwrap().contains("on_lost: skip"), "{:?}", error.help());

    shop.spec = spec(&kafka_stream("{rows: 1000}").replace(TOPIC, &format!("{TOPIC}, on_lost: skip")));
    let (watch, shutdown) = (Watch::default(), CancellationToken::new());
    let run = shop
        .ingest
        .run(&shop.spec, Mode::UntilEnd, RunId::new(), shutdown, &watch);
    let summary = run.await.unwrap();
    assert_eq!(
        (summary.lost as i64, summary.rejected as i64),
        (last, 8 - last),
        "{summary:?}"
    );
    let notices = watch.told().notices;
    assert!(
        notices
            .iter()
            .any(|text| text.contains(&format!("offsets 1 to {last} of partition 0")) && text.contains("skipped")),
        "{notices:?}"
    );
    // What was skipped is skipped once.
    let again = shop.run().await.unwrap();
    assert_eq!((again.lost, again.commits), (0, 0));
    assert_eq!(shop.bronze().await.places(), [(0, 0)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_retention_takes_under_way_are_skipped_where_the_stream_says_so() {
    let mut shop = Shop::new(1, "{rows: 1}").await;
    shop.spec = spec(&kafka_stream("{rows: 1}").replace(TOPIC, &format!("{TOPIC}, on_lost: skip")));
    // One record in each fetch, and the fetches take a while.
    shop.ingest
        .kafka
        .properties
        .insert("fetch.message.max.bytes".to_owned(), "64".into());
    let (id, ..) = register(&shop.ingest.registry).await;
    shop.send(0, &line(id, 0, 1)).await;
    shop.cluster
        .broker_round_trip_time(-1, Duration::from_millis(300))
        .unwrap();
    let (watch, shutdown) = (Watch::default(), CancellationToken::new());
    let run = shop
        .ingest
        .run(&shop.spec, Mode::Continuous, RunId::new(), shutdown.clone(), &watch);
    let large = vec![b'x'; 900_000];
    let drive = async {
        watch.until(|told| told.commits.len() == 1).await;
        let count = 12;
        let sends = (0..count).map(|_| shop.send(0, &large));
        futures_all(sends).await;
        let skipped = |told: &Told| told.notices.iter().any(|text| text.contains("skipped"));
        watch.until(skipped).await;
        // The last one that there is has come.
        watch
            .until(|told| told.commits.iter().map(|commit| commit.rejected).sum::<u64>() >= 5)
            .await;
        shutdown.cancel();
        count
    };
    let (summary, count) = tokio::join!(run, drive);
    let summary = summary.unwrap();
    assert!(summary.lost > 0, "{summary:?}");
    assert_eq!(summary.lost + summary.rejected, count, "{summary:?}");
}

/// Waits for all of them, side by side.
async fn futures_all(futures: impl Iterator<Item = impl Future<Output = ()>>) {
    let mut waiting: Vec<_> = futures.map(Box::pin).collect();
    std::future::poll_fn(|context| {
        waiting.retain_mut(|future| future.as_mut().poll(context).is_pending());
        if waiting.is_empty() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}
