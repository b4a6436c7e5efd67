//! What every part of Polder shares: names, errors, secrets, declared documents, configuration, units and the clock.
//!
//! Nothing here knows tables, brokers, engines or contracts.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod clock;
pub mod config;
pub mod document;
mod error;
mod name;
pub mod plain;
mod secret;
pub mod units;

pub use error::{Error, ErrorKind, Result, ResultExt};
pub use name::{DatasetName, Layer, ObjectName, RunId};
pub use secret::Secret;
