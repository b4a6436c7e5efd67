//! The one way rows reach a table: the contract's gate first, then refused rows into quarantine and accepted rows with
//! their progress into the table, each once.
//!
//! A [`Delivery`] stands for one origin (a stream or a pipeline) that feeds one dataset. Rows travel in a
//! [`Shipment`]: pushed batch by batch, then committed. Two tables cannot be committed in one step, so the refused
//! rows go first, keyed by where they came from; what a crash leaves between the two commits is recognised when the
//! same records come again. This crate knows neither sources nor SQL.
//!
//! The first accepted rows of each shipment are searched for what the mesh's policies let no row hold.
//!
//! What a contract asks of the table as a whole is judged before the commit, on the table as it would be, and the
//! commit lands only on the table that was judged. [`Hindsight`] asks the same of commits of the past. [`Quarantine`] is
//! what becomes of refused rows: they are replayed into the table, once, or discarded for a reason.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod columns;
mod delivery;
mod discretion;
mod extent;
mod facts;
mod fingerprints;
mod fitness;
mod hindsight;
mod judge;
mod key;
mod known;
mod quarantine;
mod record;
mod resolution;
mod row_json;
mod rules;
mod searched;
mod shipment;
mod states;
mod taken;
#[cfg(test)]
mod tests;
mod tolerance;
mod would_be;

pub use columns::{STREAM_COLUMNS, quarantine_schema};
pub use delivery::{Delivery, is_settled, is_told};
pub use discretion::{Discretion, HIDDEN};
pub use extent::{Extent, Groups};
pub use facts::LogFacts;
pub use fitness::{Unfit, declared_at, table_columns, unfit, unfit_table, unnamed_columns};
pub use hindsight::{Arrival, Hindsight, Judged, PastCommit};
pub use record::{Misread, NoRecords, RawRecord, RawRecords, Reject};
pub use resolution::{Again, Discard, Misfit, Patch, Patched, Quarantine, Replay, Replayed, Reread, Selection, Unread};
pub use row_json::{json_maps, json_rows, json_values};
pub use shipment::{Outcome, Receipt, Shipment};
