//! Null after a change.

use polder_contract::diff::Change;

/// Whether a column may be null after a change: also where a value is still asked for, and its lack is reported only.
pub(super) fn allows_null(change: &Change) -> bool {
    let asked = || change.column.as_ref().map(|column| format!("{column}.required"));
    let only_warns = || change.code == "on-failure-changed" && change.rule == asked();
    change.class.breaks_readers() && (change.code == "column-became-optional" || only_warns())
}
