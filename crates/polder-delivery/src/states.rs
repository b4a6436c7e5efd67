//! The words in quarantine's column `state`: what became of a refused row.

/// A row that nobody decided about yet.
pub(crate) const OPEN: &str = "open";
/// A row of a replay that was begun and not settled.
pub(crate) const REPLAYING: &str = "replaying";
/// A row that a replay took into the table.
pub(crate) const REPLAYED: &str = "replayed";
/// A row that stays out for good.
pub(crate) const DISCARDED: &str = "discarded";
