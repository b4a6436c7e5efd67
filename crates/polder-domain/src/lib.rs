//! What a domain's crate is written against: models as traits, Polars frames in, artefacts and frames out.
//!
//! A domain's crate depends on this crate alone. It names what it offers in a [`Domain`]; the `polder` binary lists all
//! domains, and the engine calls them with the frames that their `*.model.yaml` documents declare.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod bridge;
mod model;
mod parameters;

pub use bridge::{batch_from_frame, frame_from_batches};
pub use model::{Domain, Inputs, Model, Trained};
pub use parameters::Parameters;
pub use polder_core::{Error, ErrorKind, Result, ResultExt};
pub use polder_learn as learn;
