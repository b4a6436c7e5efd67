//! Records whose schema is named by its GUID, as newer clients name it in a header.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::avro::{SCHEMA, line, second_line};
use super::refused::replay;
use super::*;

const HEADER: &str = "__value_schema_id";
const GUID: &str = "cc0e0e0e-53c1-4a1a-8f1a-000000000001";
/// Magic byte 1, and the GUID's digits.
const NAMED: [u8; 17] = [
    1, 0xcc, 0x0e, 0x0e, 0x0e, 0x53, 0xc1, 0x4a, 0x1a, 0x8f, 0x1a, 0, 0, 0, 0, 0, 1,
];

/// A registry that has [`SCHEMA`] as schema 1, and by its GUID from the time on that it is told to.
struct ByGuid {
    url: String,
    knows: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
}

impl ByGuid {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (knows, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (known, count) = (Arc::clone(&knows), Arc::clone(&asked));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    if stream.read(&mut byte).await.unwrap_or(0) == 0 {
                        break;
                    }
                    request.push(byte[0]);
                }
                let request = String::from_utf8_lossy(&request).into_owned();
                let by_guid = request.starts_with(&format!("GET /schemas/guids/{GUID}"));
                count.fetch_add(usize::from(by_guid), Ordering::SeqCst);
                let is_known = by_guid && known.load(Ordering::SeqCst);
                let (status, body) = match is_known || request.starts_with("GET /schemas/ids/1?") {
                    // Confluent's answer by GUID tells no id.
                    true => ("200 OK", serde_json::json!({ "schema": SCHEMA }).to_string()),
                    false => (
                        "404 Not Found",
                        r#"{"error_code":40403,"message":"Schema not found"}"#.to_owned(),
                    ),
                };
                let answer = format!(
                    "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
                     connection: close\r\n\r\n{body}",
                    body.len()
                );
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self { url, knows, asked }
    }

    fn learn(&self) {
        self.knows.store(true, Ordering::SeqCst);
    }

    /// A shop with this registry.
    async fn shop(&self) -> Shop {
        let mut shop = Shop::new(1, "{rows: 1000}").await;
        let config = RegistryConfig {
            url: self.url.clone(),
            username: None,
            password: None,
        };
        shop.ingest.registry = Registry::connect(&config).unwrap();
        shop
    }
}

fn text(value: &str) -> Option<String> {
    Some(value.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_may_be_named_in_the_header_and_in_the_value_by_guid_and_by_id() {
    let registry = ByGuid::start().await;
    registry.learn();
    let shop = registry.shop().await;
    let body = |number: i64| line(1, number, 2_550)[5..].to_vec();
    send(&shop.producer, 0, Some(&body(0)), &[(HEADER, &NAMED)]).await;
    send(&shop.producer, 0, Some(&[&NAMED[..], &body(1)].concat()), &[]).await;
    send(&shop.producer, 0, Some(&body(2)), &[(HEADER, &[0, 0, 0, 0, 1])]).await;
    send(&shop.producer, 0, Some(&line(1, 3, 2_550)), &[]).await;
    // Of several headers the last one counts.
    send(&shop.producer, 0, Some(&body(4)), &[(HEADER, b"?"), (HEADER, &NAMED)]).await;
    let summary = shop.run().await.unwrap();
    assert_eq!((summary.accepted, summary.rejected), (5, 0));
    let bronze = shop.bronze().await;
    let (prices, times) = (bronze.by_offset("unit_price"), bronze.by_offset("_event_time"));
    for offset in 0..5 {
        assert_eq!(prices[&offset], text("2.550"));
        assert_eq!(bronze.by_offset("quantity")[&offset], Some(offset.to_string()));
    }
    assert_eq!(times[&4], text("2010-12-01T08:26:00.004Z"));
    let ids: Vec<_> = bronze.by_offset("_schema_id").into_values().collect();
    assert_eq!(ids, [None, None, text("1"), text("1"), None]);
    assert_eq!(registry.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_come_back_by_the_header_that_quarantine_keeps() {
    let registry = ByGuid::start().await;
    let shop = registry.shop().await;
    let other = [&[1][..], &[9; 16]].concat();
    let body = line(1, 7, 2_550)[5..].to_vec();
    let secret = ("authorization", &b"Bearer hunter2"[..]);
    send(&shop.producer, 0, Some(&body), &[secret, (HEADER, &NAMED)]).await;
    send(&shop.producer, 0, Some(&body), &[(HEADER, &other)]).await;
    send(&shop.producer, 0, Some(b"no record"), &[(HEADER, &NAMED)]).await;
    send(&shop.producer, 0, Some(&second_line(1, 7, 1)[5..]), &[]).await;
    assert_eq!(shop.run().await.unwrap().rejected, 4);
    let refused = shop.quarantine().await;
    let rules = refused.by_offset("rule");
    let rules: Vec<_> = rules.values().map(|rule| rule.as_deref().unwrap()).collect();
    assert_eq!(
        rules,
        ["format.schema", "format.schema", "format.schema", "format.frame"]
    );
    let reason = refused.by_offset("reason")[&0].clone().unwrap();
    assert_eq!(reason, format!("the registry does not know schema {GUID}"));
    let named = Some(NAMED.to_vec());
    let headers: Vec<_> = refused.bytes_by_offset("_schema_header").into_values().collect();
    assert_eq!(headers, [named.clone(), Some(other), named, None]);
    for batch in &refused.batches {
        for column in batch.columns() {
            let texts = cast(column, &DataType::Utf8).unwrap();
            let said = texts.as_string::<i32>().iter().flatten();
            assert!(said.into_iter().all(|text| !text.contains("hunter2")));
        }
    }

    // As long as the registry does not know it, nothing comes back.
    assert_eq!(replay(&shop, &shop.spec).await.unwrap().passed, 0);
    registry.learn();
    let replayed = replay(&shop, &shop.spec).await.unwrap();
    let refused: Vec<_> = replayed
        .refused
        .iter()
        .map(|(rule, (rows, _))| (rule.as_str(), *rows))
        .collect();
    assert_eq!(
        (replayed.passed, refused),
        (1, vec![("format.avro", 1), ("format.frame", 1), ("format.schema", 1)])
    );
    let bronze = shop.bronze().await;
    assert_eq!(bronze.places(), [(0, 0)]);
    assert_eq!(bronze.by_offset("quantity")[&0], text("7"));
    assert_eq!(bronze.by_offset("_event_time")[&0], text("2010-12-01T08:26:00.007Z"));
}
