//! Ends of contracts that somebody still uses.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use polder_core::document::{Diagnostic, Severity};

use crate::contract::Contract;
use crate::dates::{day, last_day};
use crate::status::Status;

/// Somebody who uses one of a contract's objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct User<'n> {
    /// The object, by its position.
    pub object: usize,
    /// The name; that of one of the mesh's own steps begins with what it is (`pipeline shop.sales`, `model shop.forecast`).
    pub name: &'n str,
    /// The last day of use, where it is known by a cancellation.
    pub until: Option<NaiveDate>,
}

impl User<'_> {
    /// Whether the use ends with the object's life at the latest, so that nothing is left to do.
    fn leaves_in_time(&self, end: Option<DateTime<Utc>>) -> bool {
        self.until
            .is_some_and(|until| end.is_none_or(|end| until <= last_day(end)))
    }

    fn words(&self) -> String {
        match self.until {
            Some(until) => format!("{} (cancelled for {until})", self.name),
            None => self.name.to_owned(),
        }
    }
}

/// What is wrong with the end of a contract while consumers remain: a contract that is retired, or whose life or one of
/// whose objects' lives is over, and that somebody still uses; or that is to end, and whose users have not said that they
/// leave until then.
pub fn retirement_problems(contract: &Contract, users: &[User<'_>], now: DateTime<Utc>) -> Vec<Diagnostic> {
    let whole = contract.lifecycle();
    let mut ends: BTreeMap<_, BTreeSet<User<'_>>> = BTreeMap::new();
    for user in users {
        // What is retired is over with all its objects, whatever date they had.
        let end = contract.lifecycle_of(user.object).end_of_life;
        let end = end.filter(|_| whole.status != Status::Retired);
        let is_over = whole.status == Status::Retired || end.is_some_and(|end| end <= now);
        if is_over || !user.leaves_in_time(end) {
            ends.entry(end).or_default().insert(*user);
        }
    }
    let mut problems = Vec::new();
    for (end, users) in ends {
        let objects: BTreeSet<usize> = users.iter().map(|user| user.object).collect();
        let steps = users.iter().filter(|user| is_of_mesh(user.name)).count();
        let move_to = match whole.replacement.as_deref() {
            None | Some("none") => {
                let leave = leave(contract, &users);
                let read_another = "let pipelines and models read another dataset first";
                match steps {
                    0 => leave,
                    all if all == users.len() => read_another.to_owned(),
                    _ => format!("{read_another}; for consumers, {leave}"),
                }
            }
            Some(replacement) => format!("move them to {replacement} first"),
        };
        let names: BTreeSet<String> = users.iter().map(User::words).collect();
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

/// How consumers stop being registered. What is retired has nothing left to cancel.
fn leave(contract: &Contract, users: &BTreeSet<User<'_>>) -> String {
    if contract.lifecycle().status == Status::Retired {
        return "take it out of their registrations (catalog/consumers/), or leave it deprecated until they are gone"
            .to_owned();
    }
    let mut consumers = users.iter().filter(|user| !is_of_mesh(user.name));
    if let Some(last) = users.iter().filter_map(|user| user.until).max()
        && consumers.all(|user| user.until.is_some())
    {
        return format!("let it end when the last of them has left (endOfLife: {last}), or let them leave earlier");
    }
    let dataset = contract.objects.iter().find_map(|object| object.dataset.as_ref());
    let name = dataset.map_or_else(|| contract.id.clone(), ToString::to_string);
    format!("record that they leave: polder contract cancel {name} --by consumer --party NAME --reason WHY")
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
