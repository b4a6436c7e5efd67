//! Datasets that leave the contracts while others of the same contract stay.

use polder_contract::Contract;
use polder_contract::diff::Change;
use polder_contract::lifecycle::departure_problem;
use polder_core::document::{Diagnostic, Severity};

use super::judge::Judge;
use super::telling::head;

impl Judge<'_> {
    /// A dataset that its contract no longer describes, nor another one, and whose life was not over.
    pub(super) fn departed(&self, old: &Contract, change: &Change) -> Option<Diagnostic> {
        let dataset = change.dataset.as_ref()?;
        let contracts = self.mesh.contracts;
        let goes = matches!(change.code, "object-removed" | "object-renamed");
        if !goes || contracts.get(dataset).is_some() || contracts.is_unreadable(&dataset.to_string()) {
            return None;
        }
        let why = departure_problem(old, dataset, self.mesh.now)?;
        let help =
            "give it an end of its own first, with notice: endOfLife with its object as `element`; then it may go";
        let stood = change.old.as_ref();
        Some(Diagnostic {
            severity: Severity::Error,
            code: "lifecycle".into(),
            message: format!("{}, and {why}", change.what),
            help: Some(help.to_owned()),
            file: self
                .base
                .path(stood.map_or(old.source_path.as_path(), |place| &place.file)),
            span: stood.map(|place| head(place.span)),
        })
    }
}
