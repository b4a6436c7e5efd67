//! Records with maps.

use super::zones::{ORDERS, Orders, REFUSED, contracts};
use super::*;

/// A contract with maps by numbers of this type, by instants and by bytes, and a column that must be there.
fn contract(number: &str, required: bool, version: &str) -> String {
    let map = |key: &str| format!("logicalType: map, map: {{key: {{{key}}}, value: {{logicalType: integer}}}}");
    let (numbers, bytes) = (map(number), map("logicalType: string, physicalType: binary"));
    let instants = map("logicalType: timestamp, logicalTypeOptions: {defaultTimezone: Europe/Berlin}");
    format!(
        "apiVersion: v3.1.0
kind: DataContract
id: orders
version: {version}
status: active
schema:
  - name: orders
    physicalName: {ORDERS}
    properties:
      - {{name: id, logicalType: integer, required: {required}}}
      - {{name: m, {numbers}}}
      - {{name: at, {instants}}}
      - {{name: b, {bytes}}}
"
    )
}

const RECORDS: [&str; 5] = [
    r#"{"id": 1, "m": {"1": 1, "2": null}, "at": {"2026-07-02T08:30:00": 1}}"#,
    r#"{"m": {"1": 1, "2": null}, "at": {"2026-07-02T08:30:00": 1, "2026-07-02T07:30:00": 2}, "b": {"ab": 1}}"#,
    r#"{"id": 3, "m": {"1": 1, "01": 2}}"#,
    r#"{"id": 4, "at": {"2026-07-02T08:30:00": 1, "2026-07-02T06:30:00Z": 2}}"#,
    r#"{"id": "five", "b": {"ab": 5}}"#,
];

#[tokio::test(flavor = "multi_thread")]
async fn refused_maps_stop_no_stream_and_come_back() {
    const INTEGER: &str = "logicalType: integer, physicalType: int";
    let mut orders = Orders::under(&contract(INTEGER, true, "1.0.0"), &RECORDS, "{encoding: json}");
    let summary = orders.run().await;
    assert_eq!((summary.accepted, summary.rejected), (1, 4));
    let refused = Rows::read(&orders.ingest.lake, REFUSED).await;
    let (rules, reasons) = (refused.by_offset("rule"), refused.by_offset("reason"));
    let found = |line: i64| (rules[&line].as_deref().unwrap(), reasons[&line].as_deref().unwrap());
    assert_eq!(found(2).0, "id.required");
    assert_eq!(found(3), ("m.type", "m: the key `1` is there twice"));
    assert_eq!(
        found(4),
        ("at.type", "at: the key `2026-07-02T06:30:00Z` is there twice")
    );
    assert_eq!(found(5).0, "id.type");
    let record = refused.by_offset("record")[&2].clone().unwrap();
    assert_eq!(
        record,
        r#"{"m":{"1":1,"2":null},"at":{"2026-07-02T06:30:00Z":1,"2026-07-02T05:30:00Z":2},"b":{"6162":1}}"#
    );
    // Bytes are hexadecimal in every record: `printf ab | xxd -p`.
    let record = refused.by_offset("record")[&5].clone().unwrap();
    assert_eq!(record, r#"{"id":"five","b":{"6162":5}}"#);

    // By their records alone, which say all that there was.
    orders.ingest.contracts = contracts("shop", &contract(INTEGER, false, "1.1.0"));
    let replayed = orders.replay(None, &[]).await;
    assert_eq!(replayed.passed, 1, "{replayed:?}");
    for column in ["m", "at"] {
        let landed = orders.rows(column).await;
        assert!(
            landed[&2]
                .as_ref()
                .unwrap()
                .starts_with(landed[&1].as_deref().unwrap().trim_end_matches('}')),
            "{landed:?}"
        );
    }
    assert_eq!(orders.rows("b").await[&2].as_deref(), Some("{6162: 1}"));
}
