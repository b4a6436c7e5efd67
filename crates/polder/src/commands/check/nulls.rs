//! Null after a change, and columns that must have a value.

use polder_contract::OnFailure;
use polder_contract::diff::Change;
use polder_engine::DatasetColumn;

use super::Declared;

/// Whether a column may be null after a change: also where a value is still asked for, and its lack is reported only.
pub(super) fn allows_null(change: &Change) -> bool {
    let asked = || change.column.as_ref().map(|column| format!("{column}.required"));
    let only_warns = || change.code == "on-failure-changed" && change.rule == asked();
    change.class.breaks_readers() && (change.code == "column-became-optional" || only_warns())
}

/// Whether a contract refuses null in a column.
pub(super) fn needs_value(mesh: &Declared<'_>, column: &DatasetColumn) -> bool {
    mesh.contracts.get(&column.dataset).is_some_and(|contract| {
        let mut properties = contract.object().properties.iter();
        properties.any(|property| {
            let warns = || contract.object().on_failure(property) == OnFailure::Warn;
            property.name == column.column && property.required && !warns()
        })
    })
}
