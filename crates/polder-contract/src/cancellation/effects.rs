//! What follows from a cancellation, day by day.

use chrono::NaiveDate;

use super::{Cancellation, Canceller};
use crate::contract::Contract;
use crate::dates::day;
use crate::status::Status;

/// Something that follows from a cancellation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// The day.
    pub day: NaiveDate,
    /// What happens, in a sentence.
    pub what: String,
}

impl Cancellation {
    /// What follows, in the order of days: the contract's end for a provider's cancellation, one registration's for a
    /// consumer's. `consumers` are the names of those who are registered: for a provider's now, for a consumer's on the day
    /// after it. `ends` is the day for which the provider has cancelled.
    pub fn effects<S: AsRef<str>>(&self, contract: &Contract, consumers: &[S], ends: Option<NaiveDate>) -> Vec<Effect> {
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
                    let declared = life.end_of_life.filter(|_| life.status == Status::Deprecated);
                    let next = match declared.map(day).or(ends.map(|end| end.to_string())) {
                        Some(end) => format!("retired when its life ends at {end}"),
                        None if life.status == Status::Deprecated => "retired".to_owned(),
                        None => "deprecated".to_owned(),
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
