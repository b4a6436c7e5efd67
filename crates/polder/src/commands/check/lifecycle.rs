//! Contracts at the end of their life: who still uses them, and who still writes under them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use chrono::NaiveDate;
use polder_contract::cancellation;
use polder_contract::lifecycle::{User, replacement_problems, retirement_problems};
use polder_contract::{DatasetContract, Status};
use polder_core::document::{Diagnostic, Severity, Span};
use polder_core::{DatasetName, ObjectName, Result};
use polder_engine::StepKind;

use super::Declared;

/// Refuses contracts that end while somebody uses them, and pipelines and streams that write under an ended one.
pub(super) fn check(mesh: &Declared<'_>) -> Result<Vec<Diagnostic>> {
    let readers = readers(mesh);
    let mut diagnostics = Vec::new();
    for contract in mesh.contracts.contracts() {
        let objects = contract.objects.iter().enumerate();
        let users: Vec<_> = objects
            .filter_map(|(at, object)| Some((at, readers.get(object.dataset.as_ref()?)?)))
            .flat_map(|(object, readers)| {
                readers.iter().map(move |(name, until)| User {
                    object,
                    name,
                    until: *until,
                })
            })
            .collect();
        diagnostics.extend(contract.lifecycle_problems());
        diagnostics.extend(retirement_problems(contract, &users, mesh.now));
    }
    diagnostics.extend(replacement_problems(mesh.contracts, mesh.now));
    diagnostics.extend(writers(mesh));
    diagnostics.extend(cancellation::check(mesh.cancellations, mesh.contracts, mesh.now));
    Ok(diagnostics)
}

/// Who uses a dataset, in words (consumers, pipelines and models), with the last day, where a consumer has cancelled.
type Readers = BTreeSet<(String, Option<NaiveDate>)>;

fn readers<'m>(mesh: &'m Declared<'_>) -> BTreeMap<&'m DatasetName, Readers> {
    let mut readers: BTreeMap<_, Readers> = BTreeMap::new();
    for consumer in mesh.consumers {
        for read in &consumer.reads {
            let until = cancellation::last_day(&consumer.name, read, mesh.cancellations, mesh.contracts);
            let reader = (consumer.name.clone(), until);
            readers.entry(&read.dataset).or_default().insert(reader);
        }
    }
    for step in &mesh.analysis.lineage.steps {
        let name = format!("{} {}", step.kind.as_str(), step.via);
        readers.entry(&step.from).or_default().insert((name, None));
    }
    readers
}

/// Pipelines and streams whose rows nothing may be written under any more.
fn writers(mesh: &Declared<'_>) -> Vec<Diagnostic> {
    let pipelines = mesh.engine.pipelines().iter().map(|pipeline| {
        let kind = StepKind::Pipeline.as_str();
        (
            kind,
            &pipeline.name,
            &pipeline.dataset,
            &pipeline.document.path,
            Some(pipeline.dataset_span()),
        )
    });
    let streams = mesh
        .streams
        .iter()
        .map(|stream| ("stream", &stream.name, &stream.dataset, &stream.path, None));
    pipelines
        .chain(streams)
        .filter_map(|writer| ended(mesh, writer))
        .collect()
}

fn ended(
    mesh: &Declared<'_>,
    (kind, name, dataset, file, span): (&str, &ObjectName, &DatasetName, &PathBuf, Option<Span>),
) -> Option<Diagnostic> {
    let contract: DatasetContract = mesh.contracts.get(dataset)?;
    let life = contract.contract.lifecycle_of(contract.object);
    if life.unreadable_end.is_some() && life.status != Status::Retired {
        // The end that is no date is an error of the contract: when its life ends is not known.
        return None;
    }
    let why = life.refuses_writing(mesh.now)?;
    Some(Diagnostic {
        severity: Severity::Error,
        code: "ended-contract".into(),
        message: format!("the {kind} {name} writes {dataset}, and {why}"),
        help: Some(format!("delete the {kind}, or let it write another dataset")),
        file: file.clone(),
        span,
    })
}
