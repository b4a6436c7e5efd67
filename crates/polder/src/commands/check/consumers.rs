//! Registered consumers (`catalog/consumers/<name>.yaml`).

use polder_contract::Consumer;
use polder_core::Result;
use polder_core::config::Mesh;
use polder_core::document::Diagnostic;

use super::Declared;
use crate::commands::contract::parties::documents;

/// The folder of a mesh that registers its consumers.
pub(super) const FOLDER: &str = "catalog/consumers";

/// All registered consumers, also those who have gone since, with what is wrong with their documents.
///
/// # Errors
/// As [`documents`].
pub(crate) fn consumers(mesh: &Mesh) -> Result<(Vec<Consumer>, Vec<Diagnostic>)> {
    let (sources, mut diagnostics) = documents(mesh, FOLDER)?;
    let mut consumers = Vec::new();
    for source in sources {
        let (consumer, found) = Consumer::parse(&source);
        consumers.extend(consumer);
        diagnostics.extend(found);
    }
    Ok((consumers, diagnostics))
}

/// Consumers that read what no contract promises.
pub(super) fn check(mesh: &Declared<'_>) -> Result<Vec<Diagnostic>> {
    let consumers = mesh.consumers.iter();
    Ok(consumers
        .flat_map(|consumer| consumer.problems(mesh.contracts))
        .collect())
}
