//! Cancellations held against the contracts that they end.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use polder_core::DatasetName;
use polder_core::document::{Diagnostic, Severity};
use polder_core::units::counted;

use super::{Cancellation, Canceller};
use crate::contract::Contract;
use crate::dates::last_day;
use crate::lifecycle::replacement_problem;
use crate::set::ContractSet;
use crate::status::Status;

impl Cancellation {
    /// What is wrong with cancelling this contract so: it is over, the party has no say in it, or less notice than it
    /// promises.
    pub fn problem(&self, contract: &Contract) -> Option<Diagnostic> {
        let life = contract.lifecycle();
        if self.by == Canceller::Provider && matches!(life.status, Status::Draft | Status::Proposed) {
            let message = format!(
                "{} is {}: nothing is promised that could be cancelled",
                contract.name, life.status
            );
            let help = Some("withdraw it by the status `retired`");
            return Some(self.place.error("cancellation", message, help));
        }
        let providers = providers(contract);
        let same = |name: &&str| name.eq_ignore_ascii_case(self.party.trim());
        if self.by == Canceller::Provider && !providers.is_empty() && !providers.iter().any(same) {
            let message = format!("`{}` does not provide {}: it cannot end it", self.party, contract.name);
            let help = format!(
                "its team, its owner or its domain can: {}",
                providers.iter().copied().collect::<Vec<_>>().join(", ")
            );
            return Some(self.place.error("cancellation", message, Some(&help)));
        }
        let promised = life.notice_days.filter(|promised| *promised > self.notice_days)?;
        let message = format!(
            "a notice of {} is shorter than the {} that {} promises",
            counted(self.notice_days, "day"),
            counted(promised, "day"),
            contract.name
        );
        let help = format!("give notice of {promised}d");
        Some(self.place.error("cancellation", message, Some(&help)))
    }
}

/// Who can end a contract: its team, its owner, and the domains that it and its datasets belong to.
fn providers(contract: &Contract) -> BTreeSet<&str> {
    let team = contract.team.as_ref().and_then(|team| team.name.as_deref());
    let datasets = contract.objects.iter().filter_map(|object| object.dataset.as_ref());
    let names = [team, contract.owner.as_deref(), contract.domain.as_deref()];
    names
        .into_iter()
        .flatten()
        .chain(datasets.map(DatasetName::domain))
        .collect()
}

/// Holds cancellations against the contracts: contracts and replacements that are not there, less notice than promised,
/// contracts that do not say that they end, or not when.
pub fn check(cancellations: &[Cancellation], contracts: &ContractSet, now: DateTime<Utc>) -> Vec<Diagnostic> {
    let mut problems = contradictions(cancellations, contracts);
    for cancellation in cancellations {
        let place = &cancellation.place;
        let near = |name: &str| {
            contracts
                .nearest_name(name)
                .map(|near| format!("did you mean `{near}`?"))
        };
        let Some(contract) = contracts.find(&cancellation.contract) else {
            // What is over may have left the repository; what is still to come may not.
            if now.date_naive() <= cancellation.effective && !contracts.is_unreadable(&cancellation.contract) {
                let message = format!("there is no contract `{}`", cancellation.contract);
                problems.push(place.error("cancellation", message, near(&cancellation.contract).as_deref()));
            }
            continue;
        };
        problems.extend(cancellation.problem(&contract));
        // Who moved before the end was told of a replacement that may be over by now.
        let wrong = cancellation
            .replacement
            .as_deref()
            .filter(|_| now.date_naive() <= cancellation.effective)
            .and_then(|name| replacement_problem(&contract, name, contracts, now));
        problems.extend(wrong.map(|wrong| place.error("cancellation", wrong.message, wrong.help.as_deref())));
        if cancellation.by == Canceller::Provider {
            let later = cancellations.iter().any(|other| {
                other.by == Canceller::Provider
                    && other.effective > cancellation.effective
                    && contracts
                        .find(&other.contract)
                        .is_some_and(|other| other.id == contract.id)
            });
            problems.extend(unfollowed(cancellation, &contract, later, now));
        }
    }
    problems
}

/// Cancellations by which a provider ends a contract that another one on record already ends.
fn contradictions(cancellations: &[Cancellation], contracts: &ContractSet) -> Vec<Diagnostic> {
    let by_provider = cancellations.iter().filter(|one| one.by == Canceller::Provider);
    let mut ending: Vec<_> = by_provider
        .filter_map(|one| Some((contracts.find(&one.contract)?, one)))
        .collect();
    ending.sort_by_key(|(_, one)| (one.announced, one.place.file.clone()));
    let mut problems = Vec::new();
    for (index, (contract, later)) in ending.iter().enumerate() {
        let first = ending[..index]
            .iter()
            .find(|(other, earlier)| other.id == contract.id && later.meets(earlier));
        if let Some((_, earlier)) = first {
            let message = format!(
                "{} has cancelled {} already, for {}",
                earlier.party, contract.name, earlier.effective
            );
            let help = format!(
                "a contract ends once: keep one of the two; the other is {}",
                earlier.place.file.display()
            );
            problems.push(later.place.error("cancellation", message, Some(&help)));
        }
    }
    problems
}

/// A provider's cancellation that the contract does not know of, or does not follow with all its objects. Where another one
/// is for a `later` day, the contract may end then.
fn unfollowed(cancellation: &Cancellation, contract: &Contract, later: bool, now: DateTime<Utc>) -> Option<Diagnostic> {
    let life = contract.lifecycle();
    let over = now.date_naive() > cancellation.effective;
    // What was over already when it was cancelled is no concern of the cancellation.
    let days = contract.ends().into_iter().flatten().map(last_day);
    let days: BTreeSet<_> = days.filter(|day| *day >= cancellation.announced).collect();
    let late = days
        .last()
        .filter(|last| !later && **last > cancellation.effective.max(now.date_naive()));
    let (severity, message, help) = match life.status {
        Status::Retired => return None,
        Status::Deprecated if !over && days.first().is_some_and(|first| *first < cancellation.effective) => (
            Severity::Error,
            format!(
                "{} says that it ends before its cancellation takes effect",
                contract.name
            ),
            format!("write endOfLife: {}", cancellation.effective),
        ),
        // Later than announced harms nobody who moves in time, but the two say different things.
        Status::Deprecated if late.is_some() => (
            Severity::Warning,
            format!(
                "{} says that it ends at {}, and it was cancelled for {}",
                contract.name,
                late.unwrap_or(&cancellation.effective),
                cancellation.effective
            ),
            format!(
                "write endOfLife: {}; where it goes on longer on purpose, the contract's date holds",
                cancellation.effective
            ),
        ),
        Status::Deprecated if over => (
            Severity::Warning,
            format!(
                "{} ended on {} and is not retired",
                contract.name, cancellation.effective
            ),
            "write status: retired".to_owned(),
        ),
        Status::Deprecated => return None,
        _ => (
            Severity::Error,
            format!("{} is cancelled, and its status is {}", contract.name, life.status),
            format!(
                "write status: deprecated, the service level endOfLife with the value \"{}\", and what replaces it",
                cancellation.effective
            ),
        ),
    };
    Some(Diagnostic {
        severity,
        ..contract.status_place().error("cancellation", message, Some(&help))
    })
}
