//! Registrations that a change ends: whoever makes a change that breaks a consumer cannot strike the consumer off in the
//! same change.

use polder_contract::cancellation::Canceller;
use polder_contract::{Consumer, ContractSet, Read, Written};

use super::Declared;

/// What consumers read in the base and are not registered for any more, each with its consumer's name. What a consumer has
/// cancelled itself on record is left out.
pub(super) fn lost(mesh: &Declared<'_>, before: &[Consumer], contracts: &ContractSet) -> Vec<(String, Read)> {
    let mut lost = Vec::new();
    for old in before {
        let now = mesh.consumers.iter().find(|now| now.name == old.name);
        for read in &old.reads {
            let cancelled = mesh.cancellations.iter().any(|cancellation| {
                cancellation.by == Canceller::Consumer
                    && cancellation.party == old.name
                    && cancellation.is_of(&read.dataset, contracts)
            });
            if cancelled {
                continue;
            }
            let now = now.iter().flat_map(|now| &now.reads);
            let now: Vec<_> = now.filter(|now| now.dataset == read.dataset).collect();
            lost.extend(rest(read, &now, contracts).map(|rest| (old.name.clone(), rest)));
        }
    }
    lost
}

/// What of a registration is not registered now.
fn rest(old: &Read, now: &[&Read], contracts: &ContractSet) -> Option<Read> {
    if now.is_empty() {
        return Some(old.clone());
    }
    let kept = |column: &str| {
        now.iter().any(|read| {
            let columns = read.columns.as_ref();
            columns.is_none_or(|columns| columns.iter().any(|kept| kept.text == column))
        })
    };
    let columns: Vec<Written> = match &old.columns {
        Some(columns) => columns.iter().filter(|column| !kept(&column.text)).cloned().collect(),
        None => {
            let contract = contracts.get(&old.dataset);
            let properties = contract.iter().flat_map(|contract| &contract.object().properties);
            let names = properties.map(|property| &property.name).filter(|name| !kept(name));
            names
                .map(|name| Written {
                    text: name.clone(),
                    place: old.place.clone(),
                })
                .collect()
        }
    };
    let relied_on = |guarantee: &&Written| {
        let mut kept = now.iter().flat_map(|read| &read.guarantees);
        !kept.any(|kept| kept.text == guarantee.text)
    };
    let guarantees: Vec<_> = old.guarantees.iter().filter(relied_on).cloned().collect();
    (!columns.is_empty() || !guarantees.is_empty()).then(|| Read {
        columns: Some(columns),
        guarantees,
        // A consumer that says for which version it is made is made for it with all that it reads.
        version: now.iter().map(|read| read.version).max().flatten(),
        ..old.clone()
    })
}
