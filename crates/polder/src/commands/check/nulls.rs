//! Values that may be null after a change, and pipelines whose results may not.

use std::collections::BTreeSet;

use polder_contract::OnFailure;
use polder_contract::diff::Change;
use polder_core::ObjectName;
use polder_engine::{DatasetColumn, Dependency, Target};

use super::Declared;

/// Pipelines that cannot go on with a column that may be null.
#[derive(Debug, Default)]
pub(super) struct Refusing {
    /// Those whose rows would be refused.
    pub(super) surely: BTreeSet<ObjectName>,
    /// Those that also choose rows by the column, in words.
    pub(super) perhaps: BTreeSet<String>,
    /// Why, in sentences.
    pub(super) reasons: Vec<String>,
}

/// The pipelines that hand on the values of a column that may be null now to a column that may not.
pub(super) fn refusing(mesh: &Declared<'_>, change: &Change) -> Refusing {
    let mut refusing = Refusing::default();
    let (Some(dataset), Some(column)) = (&change.dataset, &change.column) else {
        return refusing;
    };
    // Also a value that is still asked for, and whose lack is reported only.
    let asked = format!("{column}.required");
    let only_warns = change.code == "on-failure-changed" && change.rule.as_ref() == Some(&asked);
    if !change.class.breaks_readers() || !(change.code == "column-became-optional" || only_warns) {
        return refusing;
    }
    let column = DatasetColumn {
        dataset: dataset.clone(),
        column: column.clone(),
    };
    let edges: Vec<_> = mesh.analysis.lineage.readers(&column).collect();
    for edge in &edges {
        let Target::Column(to) = &edge.to else { continue };
        if edge.how != Dependency::Identity || edge.from != column || !needs_value(mesh, to) {
            continue;
        }
        // Rows without the value may never come so far.
        let chosen = edges
            .iter()
            .any(|other| other.via == edge.via && matches!(other.how, Dependency::Filter | Dependency::Join));
        if chosen {
            refusing.perhaps.insert(edge.via.to_string());
        } else {
            refusing.surely.insert(edge.via.name.clone());
            refusing
                .reasons
                .push(format!("{} would refuse rows: {to} must have a value", edge.via));
        }
    }
    refusing
}

/// Whether a contract refuses null in a column.
fn needs_value(mesh: &Declared<'_>, column: &DatasetColumn) -> bool {
    mesh.contracts.get(&column.dataset).is_some_and(|contract| {
        let mut properties = contract.object().properties.iter();
        properties.any(|property| {
            let asked = property.required || property.primary_key.is_some();
            let warns = || contract.object().on_failure(property) == OnFailure::Warn;
            property.name == column.column && asked && !warns()
        })
    })
}
