//! Refused records: what quarantine keeps of them, and how they are read again.

use polder_contract::DatasetContract;
use polder_delivery::{Quarantine, Replay, Replayed, Selection};
use polder_query::{RuleQueries, Session, SessionOptions};

use super::avro::{SCHEMA, SECOND, frame, line, second_line};
use super::*;
use crate::Rereader;

const TRIGGER: &str = "{rows: 1000}";

/// The same stream, whose records are JSON.
fn json_stream() -> StreamSpec {
    spec(&kafka_stream(TRIGGER).replace("encoding: avro, record: retail.InvoiceLine", "encoding: json"))
}

/// Replays everything that is open as `spec` reads it.
pub(super) async fn replay(shop: &Shop, spec: &StreamSpec) -> Result<Replayed> {
    let lake = &shop.ingest.lake;
    let contract: DatasetContract = shop.ingest.contracts.get(&BRONZE.parse().unwrap()).unwrap();
    // A replay is another process: what this one remembers of the registry it does not.
    let registry = Registry::connect(&RegistryConfig {
        url: shop.ingest.registry.url().to_owned(),
        username: None,
        password: None,
    });
    let rereader = Rereader::new(
        std::slice::from_ref(spec),
        contract.dataset(),
        contract.object(),
        &registry.unwrap(),
    )
    .unwrap();
    let session = Session::new(lake, &SessionOptions::default()).unwrap();
    let replay = Replay {
        contract: &contract,
        queries: Arc::new(RuleQueries::new(&session, &contract)),
        selection: Selection::default(),
        patch: None,
        reread: Some(&rereader),
        resolution: "registered".to_owned(),
        by: "ann".to_owned(),
        run: RunId::new(),
        judged: None,
    };
    let quarantine = Quarantine::open(lake, contract.dataset()).await.unwrap();
    quarantine.unwrap().replay(&replay).await
}

fn text(value: &str) -> Option<String> {
    Some(value.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_avro_record_that_does_not_fit_keeps_its_fields_and_its_time() {
    let shop = Shop::new(1, TRIGGER).await;
    let id = shop.ingest.registry.register("other-value", SECOND).await.unwrap();
    // 2.5501 has a digit too many for the contract's decimal(12,3).
    shop.send(0, &second_line(id, 1, 25_501)).await;
    shop.send(0, &second_line(id, 2, 25_500)).await;
    let summary = shop.run().await.unwrap();
    assert_eq!((summary.accepted, summary.rejected), (1, 1));
    let refused = shop.quarantine().await;
    assert_eq!(refused.by_offset("rule")[&0], text("unit_price.type"));
    assert_eq!(
        refused.by_offset("record")[&0],
        text(
            r#"{"event_id":"00000000-0000-0000-0000-00000000abcd","invoice_no":"536366","quantity":1,"unit_price":2.5501}"#
        )
    );
    // Its own time, not the broker's.
    assert_eq!(
        refused.by_offset("_event_time")[&0],
        text("2010-12-01T08:26:00.000001Z")
    );
    // Read again it does not fit either: nothing is cut.
    let again = replay(&shop, &shop.spec).await.unwrap();
    assert_eq!((again.passed, again.refused["unit_price.type"].0), (0, 1));
    assert!(
        again.refused["unit_price.type"]
            .1
            .contains("`2.5501` is not a decimal(12,3)")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn records_come_back_when_their_schema_is_registered() {
    let shop = Shop::new(1, TRIGGER).await;
    // The registry gives its first schema the number 1.
    shop.send(0, &line(1, 3, 2_550)).await;
    shop.send(0, &line(1, -2000, 2_550)).await;
    shop.send(0, &frame(1, b"no record")).await;
    shop.send(0, &line(99, 4, 2_550)).await;
    assert_eq!(shop.run().await.unwrap().rejected, 4);
    assert_eq!(replay(&shop, &shop.spec).await.unwrap().refused["format.schema"].0, 4);

    let id = shop
        .ingest
        .registry
        .register("retail.invoice_line-value", SCHEMA)
        .await
        .unwrap();
    assert_eq!(id, 1);
    let replayed = replay(&shop, &shop.spec).await.unwrap();
    let refused: Vec<_> = replayed
        .refused
        .iter()
        .map(|(rule, (rows, _))| (rule.as_str(), *rows))
        .collect();
    assert_eq!(
        (replayed.passed, refused),
        (
            1,
            vec![("format.avro", 1), ("format.schema", 1), ("quantity.minimum", 1)]
        )
    );
    let bronze = shop.bronze().await;
    assert_eq!(bronze.places(), [(0, 0)]);
    assert_eq!(bronze.by_offset("unit_price")[&0], text("2.550"));
    assert_eq!(bronze.by_offset("_schema_id")[&0], text("1"));
    assert_eq!(bronze.by_offset("_event_time")[&0], text("2010-12-01T08:26:00.003Z"));
    assert_eq!(bronze.bytes_by_offset("_key")[&0], Some(b"536365".to_vec()));
    // What could be read for the first time is shown from now on.
    let refused = shop.quarantine().await;
    assert_eq!(refused.by_offset("rule")[&1], text("quantity.minimum"));
    let record = refused.by_offset("record")[&1].clone().unwrap();
    assert!(record.contains(r#""quantity":-2000"#), "{record}");
    assert_eq!(refused.by_offset("record")[&3], None);
    // Neither a second replay nor the stream brings it again.
    assert_eq!(replay(&shop, &shop.spec).await.unwrap().passed, 0);
    assert_eq!(shop.run().await.unwrap().accepted, 0);
    assert_eq!(shop.bronze().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_come_back_when_their_stream_is_declared_as_they_are() {
    let shop = Shop::new(1, TRIGGER).await;
    let event = r#"{"event_id":"e1","timestamp":"2010-12-01T08:26:00Z","payload":{"invoice_no":"1","quantity":6}}"#;
    shop.send(0, event.as_bytes()).await;
    shop.send(0, br#"{"event_id":"e2",}"#).await;
    send(&shop.producer, 0, None, &[]).await;
    assert_eq!(shop.run().await.unwrap().rejected, 3);
    let replayed = replay(&shop, &json_stream()).await.unwrap();
    assert_eq!((replayed.passed, replayed.refused["format.json"].0), (1, 1));
    // A record without a value is none, however it is read.
    assert_eq!(replayed.unfit.values().sum::<u64>(), 1);
    let bronze = shop.bronze().await;
    assert_eq!(bronze.by_offset("quantity")[&0], text("6"));
    assert_eq!(bronze.by_offset("_event_time")[&0], text("2010-12-01T08:26:00Z"));
    assert_eq!(bronze.places(), [(0, 0)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_without_a_time_of_its_own_comes_back_with_the_broker_s() {
    let mut shop = Shop::new(1, TRIGGER).await;
    shop.spec = json_stream();
    let event = r#"{"event_id":"e1","timestamp":"yesterday","payload":{"invoice_no":"1","quantity":6}}"#;
    shop.send(0, event.as_bytes()).await;
    assert_eq!(shop.run().await.unwrap().rejected, 1);
    let refused = shop.quarantine().await;
    assert_eq!(refused.by_offset("rule")[&0], text("_event_time.type"));
    assert_eq!(refused.by_offset("_event_time")[&0], None);
    assert_eq!(replay(&shop, &shop.spec).await.unwrap().passed, 0);
    // The stream's owner gives up the field: what is read from now on has the broker's time.
    let mut without = json_stream();
    without.format.event_time = None;
    assert_eq!(replay(&shop, &without).await.unwrap().passed, 1);
    assert_eq!(
        shop.bronze().await.by_offset("_event_time")[&0],
        text("2010-12-01T08:26:00Z")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_does_not_answer_ends_a_replay_without_a_trace() {
    let mut shop = Shop::new(1, TRIGGER).await;
    shop.send(0, &line(1, 3, 2_550)).await;
    shop.run().await.unwrap();
    let registry = RegistryConfig {
        url: "http://127.0.0.1:1".to_owned(),
        username: None,
        password: None,
    };
    shop.ingest.registry = Registry::connect(&registry).unwrap();
    let error = replay(&shop, &shop.spec).await.unwrap_err();
    assert_eq!(error.kind(), polder_core::ErrorKind::Unreachable, "{}", error.report());
    assert!(error.to_string().contains("sales.invoice_lines"), "{error}");
    assert_eq!(shop.quarantine().await.by_offset("attempts")[&0], None);
}
