//! Datasets that leave the contracts, with their contract or while others of it stay.

use std::collections::BTreeSet;

use polder_contract::Contract;
use polder_contract::diff::Change;
use polder_contract::lifecycle::departure_problem;
use polder_core::DatasetName;
use polder_core::document::{Diagnostic, Severity};

use super::compatibility::Compared;
use super::judge::Judge;
use super::meaning::Alterations;
use super::summary::Concerned;
use super::telling::{breaking, head, nobody, untouched};

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

    /// A dataset whose contract went.
    pub(super) fn removed(&self, old: &Contract, dataset: &DatasetName, compared: &mut Compared) {
        let object = old
            .objects
            .iter()
            .find(|object| object.dataset.as_ref() == Some(dataset));
        let at = |found: &mut Diagnostic| {
            found.file = self.base.path(&old.source_path);
            found.span = object.map(|object| object.place.span);
        };
        let what = format!("the contract of {dataset} was removed");
        let reads = self.reads.iter().enumerate();
        let direct = reads.filter(|(_, (_, read))| read.dataset == *dataset);
        let mut reached = self.reach.of(dataset, None, &direct.map(|(i, _)| i).collect());
        reached.unaffected = self.elsewhere(dataset, reached.unaffected);
        reached.waiting = self.elsewhere(dataset, reached.waiting);
        Alterations::without(self.altered, dataset).reach(dataset, None, &mut reached);
        let concerned = Concerned::of(&reached);
        compared.summary.dataset(dataset, "contract-removed", &what, concerned);
        if reached.broken.is_empty() {
            let untouched = untouched(&reached);
            compared.lines.push(format!("  {what}: breaks nobody{untouched}"));
            let mut note = nobody(format!("{what}: breaks nobody"), &BTreeSet::new(), &reached);
            at(&mut note);
            compared.notes.push(note);
        } else {
            let mut found = breaking(&what, Some(&dataset.to_string()), "removed", reached);
            at(&mut found);
            compared.diagnostics.push(found);
        }
        if old.in_force() {
            let mut found = Diagnostic {
                severity: Severity::Error,
                code: "lifecycle".into(),
                message: format!("{what}, and it was {}", old.status),
                help: Some("retire it first: deprecated with notice, then retired; then it may go".to_owned()),
                file: old.source_path.clone(),
                span: None,
            };
            at(&mut found);
            compared.diagnostics.push(found);
        }
    }
}
