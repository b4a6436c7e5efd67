//! Cancellations of contracts, by their provider or by a consumer: recorded as documents
//! (`catalog/cancellations/<id>.yaml`), so that everybody knows what ends when and who has to move.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use chrono::{DateTime, Days, NaiveDate, Utc};
use polder_core::document::{self, Diagnostic, MapReader, Reader, Severity, Source, nearest};
use polder_core::units::counted;
use polder_core::{DatasetName, Error, ErrorKind, Result};

use crate::consumer::Consumer;
use crate::contract::Contract;
use crate::lifecycle::{Status, day, days};
use crate::place::Place;
use crate::set::ContractSet;

/// Who cancels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Canceller {
    /// The contract ends for everybody.
    Provider,
    /// One consumer goes; the contract goes on for the others.
    Consumer,
}

impl Canceller {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Consumer => "consumer",
        }
    }
}

impl fmt::Display for Canceller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Canceller {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "provider" => Ok(Self::Provider),
            "consumer" => Ok(Self::Consumer),
            _ => Err(Error::new(ErrorKind::Usage, format!("`{text}` can cancel nothing"))
                .with_help("a contract is cancelled by its `provider` or by a `consumer`")),
        }
    }
}

/// One cancellation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancellation {
    /// The contract: its id, or the name of a dataset that it describes.
    pub contract: String,
    /// Which side cancels.
    pub by: Canceller,
    /// Who it is.
    pub party: String,
    /// The day on which it was said.
    pub announced: NaiveDate,
    /// How many days before the end that was.
    pub notice_days: u32,
    /// The last day on which the contract holds for those concerned.
    pub effective: NaiveDate,
    /// Why.
    pub reason: String,
    /// What takes its place, where something does.
    pub replacement: Option<String>,
    /// Where the contract is named.
    pub place: Place,
}

/// Something that follows from a cancellation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// The day.
    pub day: NaiveDate,
    /// What happens, in a sentence.
    pub what: String,
}

/// Reads one cancellation; everything that is wrong with it is reported at once.
pub fn parse(source: &Source) -> (Option<Cancellation>, Vec<Diagnostic>) {
    let document = match document::parse(source) {
        Ok(document) => document,
        Err(found) => return (None, found),
    };
    let reader = Reader::new(source);
    let cancellation = reader.map(&document).and_then(|map| {
        let read = read(&map, source);
        map.finish();
        read
    });
    let cancellation = cancellation.filter(|_| !reader.has_errors());
    (cancellation, reader.finish())
}

fn read(map: &MapReader<'_, '_, '_>, source: &Source) -> Option<Cancellation> {
    let contract = map.required_string("contract");
    let by = map.required_parsed("by");
    let party = filled(map, "party");
    let announced = date(map, "announced");
    let notice = map.required_node("notice").and_then(|node| {
        let notice = node.scalar_text().and_then(days);
        if notice.is_none() {
            let help = Some("write it as 90d".to_owned());
            map.reader()
                .error(node.span, "wrong-value", "`notice` must be a number of days", help);
        }
        notice
    });
    let effective = date(map, "effective");
    let reason = filled(map, "reason");
    let replacement = map.optional_string("replacement");
    if let (Some(announced), Some(notice), Some(effective)) = (announced, notice, effective)
        && end(announced, notice).is_none_or(|end| effective < end)
    {
        let message = format!(
            "the notice of {} from {announced} has not run out on {effective}",
            counted(notice, "day")
        );
        let help = end(announced, notice).map(|end| format!("write effective: {end}, or later"));
        map.reader()
            .error(map.span_of("effective"), "cancellation", message, help);
    }
    Some(Cancellation {
        contract: contract?,
        by: by?,
        party: party?,
        announced: announced?,
        notice_days: notice?,
        effective: effective?,
        reason: reason?,
        replacement,
        place: Place {
            file: Arc::from(source.path.as_path()),
            span: map.span_of("contract"),
        },
    })
}

fn filled(map: &MapReader<'_, '_, '_>, key: &'static str) -> Option<String> {
    let text = map.required_string(key)?;
    if text.trim().is_empty() {
        map.reader()
            .error(map.span_of(key), "missing-value", format!("`{key}` is empty"), None);
        return None;
    }
    Some(text)
}

fn date(map: &MapReader<'_, '_, '_>, key: &'static str) -> Option<NaiveDate> {
    let node = map.required_node(key)?;
    let date = node
        .as_str()
        .and_then(|text| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok());
    if date.is_none() {
        let help = Some("write it as 2026-01-31".to_owned());
        map.reader()
            .error(node.span, "wrong-value", format!("`{key}` must be a date"), help);
    }
    date
}

/// The last day of a notice.
pub fn end(announced: NaiveDate, notice_days: u32) -> Option<NaiveDate> {
    announced.checked_add_days(Days::new(u64::from(notice_days)))
}

impl Cancellation {
    /// The document that says this.
    pub fn to_yaml(&self) -> String {
        // Text in JSON's quotes is text in YAML, whatever it holds.
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let mut text = format!(
            "contract: {}\nby: {}\nparty: {}\nannounced: \"{}\"\nnotice: {}d\neffective: \"{}\"\nreason: {}\n",
            quoted(&self.contract),
            self.by,
            quoted(&self.party),
            self.announced,
            self.notice_days,
            self.effective,
            quoted(&self.reason),
        );
        if let Some(replacement) = &self.replacement {
            text.push_str(&format!("replacement: {}\n", quoted(replacement)));
        }
        text
    }

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

    /// Whether this and another cancellation of the same contract, both by its provider or both by the same consumer, are
    /// under way at the same time: only one of them can hold.
    pub fn meets(&self, other: &Self) -> bool {
        let same_side = match self.by {
            Canceller::Provider => other.by == Canceller::Provider,
            Canceller::Consumer => other.by == Canceller::Consumer && other.party == self.party,
        };
        same_side && other.effective >= self.announced && self.effective >= other.announced
    }

    /// Whether it is about the contract of this dataset.
    pub fn is_of(&self, dataset: &DatasetName, contracts: &ContractSet) -> bool {
        // The contract itself may be gone already.
        self.contract == dataset.to_string()
            || find(contracts, &self.contract).is_some_and(|contract| {
                let mut objects = contract.objects.iter();
                objects.any(|object| object.dataset.as_ref() == Some(dataset))
            })
    }

    /// What follows, in the order of days: the contract's end for a provider's cancellation, one registration's for a
    /// consumer's. `consumers` are the names of those registered now.
    pub fn effects<S: AsRef<str>>(&self, contract: &Contract, consumers: &[S]) -> Vec<Effect> {
        let at = |day: NaiveDate, what: String| Effect { day, what };
        let life = contract.lifecycle();
        let replacement = self
            .replacement
            .clone()
            .or(life.replacement)
            .filter(|name| name != "none");
        let instead = replacement.map_or_else(String::new, |name| format!(" to {name}"));
        let mut effects = Vec::new();
        match self.by {
            Canceller::Provider => {
                effects.push(at(
                    self.announced,
                    format!(
                        "{} is deprecated: status `deprecated`, endOfLife {}",
                        contract.name, self.effective
                    ),
                ));
                let support = life
                    .end_of_support
                    .map(|end| end.date_naive())
                    .filter(|end| *end < self.effective);
                let support = support.unwrap_or(self.effective);
                effects.push(at(support, "support ends".to_owned()));
                for consumer in consumers {
                    effects.push(at(self.effective, format!("{} has moved{instead}", consumer.as_ref())));
                }
                effects.push(at(
                    self.effective,
                    format!("{} ends; from the next day on nothing is written to it", contract.name),
                ));
            }
            Canceller::Consumer => {
                effects.push(at(
                    self.announced,
                    format!("{} goes on being served until {}", self.party, self.effective),
                ));
                effects.push(at(
                    self.effective,
                    format!("{} has moved{instead}; its registration ends", self.party),
                ));
                let others: Vec<&str> = consumers
                    .iter()
                    .map(AsRef::as_ref)
                    .filter(|name| *name != self.party)
                    .collect();
                let rest = if others.is_empty() {
                    let next = match (&life.status, life.end_of_life) {
                        (Status::Deprecated, Some(end)) => format!("retired when its life ends at {}", day(end)),
                        (Status::Deprecated, None) => "retired".to_owned(),
                        _ => "deprecated".to_owned(),
                    };
                    format!("nobody is registered for {} any more: it can be {next}", contract.name)
                } else {
                    format!("{} goes on for {}", contract.name, others.join(", "))
                };
                effects.push(at(self.effective, rest));
            }
        }
        effects.sort_by_key(|effect| effect.day);
        effects
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

/// Takes out of registrations what their consumers have cancelled themselves, where the last day is over. What is
/// registered to begin after that day stays.
pub fn end_registrations(
    consumers: &mut [Consumer],
    cancellations: &[Cancellation],
    contracts: &ContractSet,
    now: DateTime<Utc>,
) {
    let today = now.date_naive();
    for consumer in consumers {
        let own: Vec<_> = cancellations
            .iter()
            .filter(|cancellation| {
                cancellation.by == Canceller::Consumer
                    && cancellation.party == consumer.name
                    && cancellation.effective < today
            })
            .collect();
        consumer.reads.retain(|read| {
            let ended = |cancellation: &&Cancellation| {
                read.since.is_none_or(|since| since <= cancellation.effective)
                    && cancellation.is_of(&read.dataset, contracts)
            };
            !own.iter().any(ended)
        });
    }
}

/// The contract of this id, or of the dataset of this name.
pub fn find(contracts: &ContractSet, name: &str) -> Option<Arc<Contract>> {
    let by_id = contracts.contracts().iter().find(|contract| contract.id == name);
    by_id.cloned().or_else(|| {
        let dataset: DatasetName = name.parse().ok()?;
        contracts.get(&dataset).map(|bound| bound.contract)
    })
}

/// What was probably meant by a name that no contract and no dataset has.
pub fn nearest_name(contracts: &ContractSet, name: &str) -> Option<String> {
    let datasets = contracts.datasets().map(ToString::to_string);
    let ids = contracts.contracts().iter().map(|contract| contract.id.clone());
    let names: Vec<String> = datasets.chain(ids).collect();
    nearest(name, names.iter().map(String::as_str)).map(str::to_owned)
}

/// Holds cancellations against the contracts: contracts and replacements that are not there, less notice than promised,
/// contracts that do not say that they end, or not when.
pub fn check(cancellations: &[Cancellation], contracts: &ContractSet, now: DateTime<Utc>) -> Vec<Diagnostic> {
    let mut problems = contradictions(cancellations, contracts);
    for cancellation in cancellations {
        let place = &cancellation.place;
        let near = |name: &str| nearest_name(contracts, name).map(|near| format!("did you mean `{near}`?"));
        let Some(contract) = find(contracts, &cancellation.contract) else {
            // What is over may have left the repository; what is still to come may not.
            if now.date_naive() <= cancellation.effective && !contracts.is_unreadable(&cancellation.contract) {
                let message = format!("there is no contract `{}`", cancellation.contract);
                problems.push(place.error("cancellation", message, near(&cancellation.contract).as_deref()));
            }
            continue;
        };
        problems.extend(cancellation.problem(&contract));
        if let Some(replacement) = cancellation.replacement.as_deref().filter(|name| *name != "none")
            && replacement.parse::<DatasetName>().is_ok()
            && find(contracts, replacement).is_none()
            && !contracts.is_unreadable(replacement)
        {
            let message = format!("the replacement `{replacement}` has no contract");
            problems.push(place.error("cancellation", message, near(replacement).as_deref()));
        }
        if cancellation.by == Canceller::Provider {
            problems.extend(unfollowed(cancellation, &contract, now));
        }
    }
    problems
}

/// Cancellations by which a provider ends a contract that another one on record already ends.
fn contradictions(cancellations: &[Cancellation], contracts: &ContractSet) -> Vec<Diagnostic> {
    let by_provider = cancellations.iter().filter(|one| one.by == Canceller::Provider);
    let mut ending: Vec<_> = by_provider
        .filter_map(|one| Some((find(contracts, &one.contract)?, one)))
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

/// A provider's cancellation that the contract does not know of.
fn unfollowed(cancellation: &Cancellation, contract: &Contract, now: DateTime<Utc>) -> Option<Diagnostic> {
    let life = contract.lifecycle();
    let over = now.date_naive() > cancellation.effective;
    let (severity, message, help) = match life.status {
        Status::Retired => return None,
        Status::Deprecated if over => (
            Severity::Warning,
            format!(
                "{} ended on {} and is not retired",
                contract.name, cancellation.effective
            ),
            "write status: retired".to_owned(),
        ),
        Status::Deprecated => {
            // The contract's end is the first moment behind its last day.
            let last = life
                .end_of_life
                .and_then(|end| (end - chrono::TimeDelta::microseconds(1)).date_naive().into());
            if last.is_none_or(|last| last >= cancellation.effective) {
                return None;
            }
            (
                Severity::Error,
                format!(
                    "{} says that it ends before its cancellation takes effect",
                    contract.name
                ),
                format!("write endOfLife: {}", cancellation.effective),
            )
        }
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
