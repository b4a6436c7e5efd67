//! Ends of contracts that somebody still uses.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use polder_core::document::{Diagnostic, Severity};

use crate::contract::Contract;
use crate::dates::day;
use crate::status::Status;

/// What is wrong with the end of a contract while consumers remain: a contract that is retired, or whose life or one of
/// whose objects' lives is over, and that somebody still uses. `users` are those of each object, by its position: their
/// names; those of the mesh's own steps begin with what they are (`pipeline shop.sales`, `model shop.forecast`).
pub fn retirement_problems<S: AsRef<str>>(
    contract: &Contract,
    users: &[(usize, S)],
    now: DateTime<Utc>,
) -> Vec<Diagnostic> {
    let whole = contract.lifecycle();
    let mut ends: BTreeMap<_, (BTreeSet<usize>, BTreeSet<&str>)> = BTreeMap::new();
    for (object, name) in users {
        // What is retired is over with all its objects, whatever date they had.
        let end = contract.lifecycle_of(*object).end_of_life;
        let end = end.filter(|_| whole.status != Status::Retired);
        let (objects, names) = ends.entry(end).or_default();
        objects.insert(*object);
        names.insert(name.as_ref());
    }
    let mut problems = Vec::new();
    for (end, (objects, names)) in ends {
        let is_of_mesh = names.iter().any(|name| is_of_mesh(name));
        let move_to = match whole.replacement.as_deref() {
            None | Some("none") if is_of_mesh => {
                "end the registrations of consumers first, and let pipelines and models read another dataset".to_owned()
            }
            None | Some("none") => {
                "end their registrations first: `polder contract cancel DATASET --by consumer`".to_owned()
            }
            Some(replacement) => format!("move them to {replacement} first"),
        };
        let names = names.into_iter().collect::<Vec<_>>().join(", ");
        let what = subject(contract, &objects);
        let (severity, message) = if whole.status == Status::Retired {
            let message = format!("{what} is retired while consumers remain: {names}");
            (Severity::Error, message)
        } else if let Some(end) = end.filter(|end| *end <= now) {
            let message = format!(
                "the life of {what} ended at {}, and consumers remain: {names}",
                day(end)
            );
            (Severity::Error, message)
        } else if whole.status == Status::Deprecated {
            let until = end.map_or_else(String::new, |end| format!(" until {}", day(end)));
            let message = format!("{what} is deprecated; these have to move{until}: {names}");
            (Severity::Warning, message)
        } else {
            continue;
        };
        problems.push(Diagnostic {
            severity,
            ..contract
                .status_place()
                .error("consumers-remain", message, Some(&move_to))
        });
    }
    problems
}

/// Of what the life is told: the contract, or those of its datasets that end otherwise than others.
fn subject(contract: &Contract, objects: &BTreeSet<usize>) -> String {
    let end = |object| contract.lifecycle_of(object).end_of_life;
    let first = objects.first().copied().and_then(end);
    if contract.lifecycle().status == Status::Retired || (0..contract.objects.len()).all(|object| end(object) == first)
    {
        return contract.name.clone();
    }
    let named = objects.iter().filter_map(|object| contract.objects.get(*object));
    let names = named.map(|object| match &object.dataset {
        Some(dataset) => dataset.to_string(),
        None => object.name.clone(),
    });
    names.collect::<Vec<_>>().join(", ")
}

/// Whether a user of a dataset is a step of the mesh, which nobody registers.
fn is_of_mesh(name: &str) -> bool {
    name.starts_with("pipeline ") || name.starts_with("model ")
}
