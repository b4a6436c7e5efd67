//! Avro by hand, after the specification, so that nothing is decoded by what encoded it.

use polder_registry::Registry;

/// The stream's record, first version.
pub(super) const SCHEMA: &str = r#"{"type":"record","name":"InvoiceLine","namespace":"retail","fields":[
  {"name":"event_id","type":"string"},
  {"name":"timestamp","type":{"type":"long","logicalType":"timestamp-millis"}},
  {"name":"payload","type":{"type":"record","name":"Line","fields":[
    {"name":"invoice_no","type":"string"},
    {"name":"quantity","type":"int"},
    {"name":"unit_price","type":{"type":"bytes","logicalType":"decimal","precision":12,"scale":3}},
    {"name":"country","type":["null","string"]}]}}]}"#;

/// A later version: another order, a scale of four, microseconds, a new field, and no country.
pub(super) const SECOND: &str = r#"{"type":"record","name":"InvoiceLine","namespace":"retail","fields":[
  {"name":"timestamp","type":{"type":"long","logicalType":"timestamp-micros"}},
  {"name":"event_id","type":{"type":"string","logicalType":"uuid"}},
  {"name":"payload","type":{"type":"record","name":"Line","fields":[
    {"name":"quantity","type":"long"},
    {"name":"unit_price","type":{"type":"bytes","logicalType":"decimal","precision":14,"scale":4}},
    {"name":"invoice_no","type":"string"},
    {"name":"note","type":"string"}]}}]}"#;

/// A record of somebody else.
pub(super) const FOREIGN: &str =
    r#"{"type":"record","name":"Payment","namespace":"bank","fields":[{"name":"id","type":"string"}]}"#;

pub(super) async fn register(registry: &Registry) -> (u32, u32, u32) {
    let first = registry.register("retail.invoice_line-value", SCHEMA).await.unwrap();
    let second = registry.register("other-value", SECOND).await.unwrap();
    let foreign = registry.register("bank.payment-value", FOREIGN).await.unwrap();
    (first, second, foreign)
}

fn long(value: i64) -> Vec<u8> {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    let mut bytes = Vec::new();
    while rest > 0x7f {
        bytes.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
    bytes
}

fn bytes(value: &[u8]) -> Vec<u8> {
    [long(value.len() as i64), value.to_vec()].concat()
}

pub(super) fn frame(id: u32, body: &[u8]) -> Vec<u8> {
    [&[0][..], &id.to_be_bytes(), body].concat()
}

/// A line of the first version; the price in thousandths.
pub(super) fn line(id: u32, number: i64, price: i64) -> Vec<u8> {
    let body = [
        bytes(format!("e{number}").as_bytes()),
        long(1_291_191_960_000 + number),
        bytes(b"536365"),
        long(number),
        bytes(&price.to_be_bytes()),
        long(1),
        bytes(b"United Kingdom"),
    ];
    frame(id, &body.concat())
}

/// A line of the second version; the price in ten-thousandths.
pub(super) fn second_line(id: u32, number: i64, price: i64) -> Vec<u8> {
    let body = [
        long(1_291_191_960_000_000 + number),
        bytes(b"00000000-0000-0000-0000-00000000abcd"),
        long(number),
        bytes(&price.to_be_bytes()),
        bytes(b"536366"),
        bytes(b"hello"),
    ];
    frame(id, &body.concat())
}
