//! Models: training from pinned dataset versions, keeping versions in the lake, answering requests.

mod store;
mod train;

pub use store::{ModelRecord, ModelStore, Promotion};
pub(crate) use train::Learned;
