//! The schema registry, from both sides: a client for any registry that speaks Confluent's API, and a small one in
//! memory that runs inside the process on loopback, so that a mesh works with no service installed.
//!
//! Knows nothing of Kafka: it maps ids and GUIDs to schemas and subjects to versions, and leaves the wire format to its callers.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod client;
mod embedded;
mod failure;
mod references;
mod schema;

pub use client::Registry;
pub use embedded::Embedded;
pub use schema::{RegisteredSchema, SchemaKind, SchemaName};
