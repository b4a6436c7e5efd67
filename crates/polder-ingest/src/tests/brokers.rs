//! Brokers and registries that are not there, go away, and come back.

use std::time::Instant;

use polder_core::{ErrorKind, Secret};
use tokio_util::sync::CancellationToken;

use super::avro::{line, register};
use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn brokers_that_are_down_at_the_start_are_unreachable_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let ingest = ingest(folder.path(), "127.0.0.1:1", "http://127.0.0.1:1");
    let begun = Instant::now();
    let spec = spec(&kafka_stream("{rows: 1000}"));
    for mode in [Mode::UntilEnd, Mode::Continuous] {
        let error = ingest
            .run(&spec, mode, RunId::new(), CancellationToken::new(), &Quiet)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreachable);
        assert!(error.to_string().contains("127.0.0.1:1"), "{error}");
    }
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_property_that_librdkafka_does_not_know_is_named() {
    let mut shop = Shop::new(1, "{rows: 1000}").await;
    shop.ingest
        .kafka
        .properties
        .insert("fetch.wait.ms".to_owned(), Secret::new("1"));
    let error = shop.run().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(error.to_string().contains("`fetch.wait.ms`"), "{error}");
}

/// A topic that is read slowly: each fetch takes a while and brings one record.
async fn slow_shop(records: i64) -> (Shop, u32) {
    let shop = Shop::new(1, "{rows: 1}").await;
    let (id, ..) = register(&shop.ingest.registry).await;
    for number in 0..records {
        shop.send(0, &line(id, number, 1)).await;
    }
    shop.cluster
        .broker_round_trip_time(-1, Duration::from_millis(100))
        .unwrap();
    (shop, id)
}

#[tokio::test(flavor = "multi_thread")]
async fn brokers_that_go_away_end_a_run_to_the_end_and_nothing_is_lost() {
    let (shop, _) = slow_shop(30).await;
    let watch = Watch::default();
    let run = shop.ingest.run(
        &shop.spec,
        Mode::UntilEnd,
        RunId::new(),
        CancellationToken::new(),
        &watch,
    );
    let drive = async {
        watch.until(|told| !told.commits.is_empty()).await;
        shop.cluster.broker_down(-1).unwrap();
    };
    let (ended, ()) = tokio::join!(run, drive);
    let error = ended.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable, "{}", error.report());
    assert!(error.to_string().contains(&shop.cluster.bootstrap_servers()), "{error}");
    let before = shop.bronze().await.len();
    assert!(before > 0 && before < 30, "{before}");
    shop.cluster.broker_up(-1).unwrap();
    shop.cluster.broker_round_trip_time(-1, Duration::ZERO).unwrap();
    let rest = shop.run().await.unwrap();
    assert_eq!(rest.accepted, 30 - before as u64);
    assert_eq!(shop.bronze().await.places(), all_places(&[30]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_continuous_run_outlives_its_brokers_and_says_so() {
    let (shop, id) = slow_shop(10).await;
    let (watch, shutdown) = (Watch::default(), CancellationToken::new());
    let run = shop
        .ingest
        .run(&shop.spec, Mode::Continuous, RunId::new(), shutdown.clone(), &watch);
    let drive = async {
        watch.until(|told| !told.commits.is_empty()).await;
        shop.cluster.broker_down(-1).unwrap();
        watch
            .until(|told| told.notices.iter().any(|text| text.contains("do not answer")))
            .await;
        shop.cluster.broker_up(-1).unwrap();
        shop.send(0, &line(id, 10, 1)).await;
        watch
            .until(|told| told.notices.iter().any(|text| text.contains("answer again")))
            .await;
        watch
            .until(|told| told.commits.iter().map(|commit| commit.accepted).sum::<u64>() == 11)
            .await;
        shutdown.cancel();
    };
    let (summary, ()) = tokio::join!(run, drive);
    assert_eq!(summary.unwrap().accepted, 11);
    assert_eq!(shop.bronze().await.places(), all_places(&[11]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_is_down_stops_the_stream_and_nothing_is_skipped() {
    let mut shop = Shop::new(1, "{rows: 1000}").await;
    let (id, ..) = register(&shop.ingest.registry).await;
    for number in 0..5 {
        shop.send(0, &line(id, number, 1)).await;
    }
    let here = shop.ingest.registry.clone();
    let nowhere = RegistryConfig {
        url: "http://127.0.0.1:1".to_owned(),
        username: None,
        password: None,
    };
    shop.ingest.registry = Registry::connect(&nowhere).unwrap();
    let error = shop.run().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.to_string().contains("http://127.0.0.1:1"), "{error}");
    assert_eq!((shop.bronze().await.len(), shop.quarantine().await.len()), (0, 0));
    shop.ingest.registry = here;
    assert_eq!(shop.run().await.unwrap().accepted, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_probe_tells_the_cluster_s_state() {
    let cluster = cluster(1);
    let config = KafkaConfig {
        brokers: cluster.bootstrap_servers(),
        properties: BTreeMap::new(),
    };
    let probe = crate::probe_kafka(&config).await.unwrap();
    assert_eq!((probe.brokers, probe.topics), (vec![cluster.bootstrap_servers()], 1));
    let near = format!("{TOPIC}s");
    let own = BTreeMap::new();
    let asked = crate::probe_topics(&config, &own, vec![TOPIC.to_owned(), near.clone()]);
    let found = asked.await.unwrap();
    assert_eq!(found[0].as_ref().unwrap(), &1);
    let error = found[1].as_ref().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(error.help(), Some(format!("did you mean `{TOPIC}`?").as_str()));
    // Asking made none.
    let again = crate::probe_topics(&config, &own, vec![near]).await.unwrap();
    assert!(again[0].is_err());
}
