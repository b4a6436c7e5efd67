//! Products with the same id in two revisions: what changed, their versions and their steps in life.

use polder_contract::Status;
use polder_contract::diff::Mode;
use polder_contract::product::{self, Product};
use polder_core::document::{Diagnostic, Severity};

use super::compatibility::Compared;
use super::judge::Judge;
use super::telling::{BREAKS_READERS, classes, head, versions};
use crate::commands::contract::diff::Side;

impl Judge<'_> {
    /// What changed of all products.
    pub(super) fn products(&self, compared: &mut Compared) {
        for (_, source) in self.base.sources("contracts", ".odps.yaml") {
            let (Some(old), _) = product::parse(&source) else {
                continue;
            };
            match self.mesh.products.iter().find(|new| new.id == old.id) {
                Some(new) => self.product(&old, new, compared),
                None => compared.diagnostics.extend(self.removed_product(&old)),
            }
        }
    }

    fn product(&self, old: &Product, new: &Product, compared: &mut Compared) {
        let comparison = product::compare(old, new);
        let mode = Mode::default();
        if !comparison.is_empty() {
            let version = |product: &Product| match &product.version {
                Some(version) => version.clone(),
                None => "without version".to_owned(),
            };
            let version = versions(&version(old), &version(new));
            let classes = classes(&comparison);
            compared
                .lines
                .push(format!("  product {} {version}: {classes}", new.name));
            let old_file = self.base.path(&old.source_path);
            let sides = [Side::product(old, &old_file), Side::product(new, &new.source_path)];
            compared.summary.product(self.base, &sides, &comparison, mode);
        }
        for change in comparison.changes.iter().filter(|change| change.class.breaks_readers()) {
            compared.lines.push(format!("    {}", change.what));
            let (file, span) = self.place(change, &new.source_path);
            compared.notes.push(Diagnostic {
                severity: Severity::Note,
                code: BREAKS_READERS.into(),
                message: format!("product {}: {}", new.name, change.what),
                help: None,
                file,
                span,
            });
        }
        let problems = product::problems(&comparison, mode, old, new);
        compared.diagnostics.extend(problems);
    }

    /// A product that is gone, with what it promised.
    fn removed_product(&self, old: &Product) -> Option<Diagnostic> {
        let path = old.source_path.as_path();
        let promised = matches!(old.status, Status::Active | Status::Deprecated);
        // Its contracts were retired with notice: nothing is left that it could offer.
        let over = !old.output_ports.is_empty()
            && old.output_ports.iter().all(|port| {
                let contract = port.contract_id.as_deref().and_then(|id| self.mesh.contracts.find(id));
                contract.is_some_and(|contract| contract.lifecycle().status == Status::Retired)
            });
        (promised && !over).then(|| Diagnostic {
            severity: Severity::Error,
            code: "lifecycle".into(),
            message: format!(
                "the product {} ({}) was removed, and it was {}",
                old.name, old.id, old.status
            ),
            help: Some("retire it first: deprecated with notice, then retired; then it may go".to_owned()),
            file: self.base.path(path),
            span: Some(head(old.document.span)),
        })
    }
}
