//! Sources for trials: invoice line events of a shop, real or generated, published to Kafka.
//!
//! [`RetailFiles`] reads the UCI Online Retail invoices from CSV files; [`Shop`] makes up a small web shop from a
//! seed, with some faulty events on purpose. Both are an [`EventSource`]; a [`Publisher`] sends either to a topic,
//! Avro-encoded in Confluent's wire format. Nothing here knows tables, contracts or how streams are read.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr))]

mod broker;
mod encode;
mod event;
mod publish;
mod retail;
mod shop;
mod topic;

pub use encode::{Encoder, FOREIGN_SCHEMA, FOREIGN_SUBJECT, RECORD_NAME, SCHEMA, SUBJECT, UNKNOWN_SCHEMA_ID};
pub use event::{Event, EventSource, Fault, InvoiceLine, Price, TOPIC};
pub use publish::{Limit, Published, Publisher, PublisherOptions, Totals};
pub use retail::RetailFiles;
pub use shop::{Shop, ShopOptions};
