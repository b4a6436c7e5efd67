//! The life of a contract: proposed or draft, active, deprecated, retired; with notice, replacement and end.
//!
//! The standard has words for the status and service levels for the dates (`generalAvailability`, `endOfSupport`,
//! `endOfLife`). Notice and replacement are custom properties of the contract: `polder.noticePeriod` (`90d`) and
//! `polder.replacement` (a dataset's name or a contract's id; `none` where nothing takes its place), or a definition of
//! the type `replacement` under `authoritativeDefinitions`.

mod departure;
mod ends;
mod replacement;
mod retirement;
mod transition;

use chrono::{DateTime, Utc};
use polder_core::document::{Diagnostic, Node};

use ends::{AVAILABLE, LIFE, SUPPORT};

use crate::contract::Contract;
use crate::custom_property::custom_property;
use crate::place::{Place, items, text};
use crate::status::Status;

pub use crate::dates::{day, days};
pub use departure::departure_problem;
pub use replacement::{WrongReplacement, replacement_problem, replacement_problems};
pub use retirement::{User, retirement_problems};
pub use transition::transition_problems;

/// What a contract says about its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifecycle {
    /// Where it is.
    pub status: Status,
    /// Since when it is in force.
    pub general_availability: Option<DateTime<Utc>>,
    /// Until when it is supported.
    pub end_of_support: Option<DateTime<Utc>>,
    /// When it is over: nothing is written from then on. A day without a time is over when it ends, in UTC.
    pub end_of_life: Option<DateTime<Utc>>,
    /// What is written as its end and is no date: nothing is written until it is mended.
    pub unreadable_end: Option<String>,
    /// How many days before its end notice is given.
    pub notice_days: Option<u32>,
    /// What takes its place: a dataset, a contract or an address; `none` where nothing does.
    pub replacement: Option<String>,
}

impl Contract {
    /// What the contract says about its life as a whole. What cannot be read is left out here and named by
    /// [`Contract::lifecycle_problems`].
    pub fn lifecycle(&self) -> Lifecycle {
        self.life(None)
    }

    /// What it says about the life of one of its objects, by its position: its own dates outrank the contract's.
    pub fn lifecycle_of(&self, object: usize) -> Lifecycle {
        self.life(Some(object))
    }

    fn life(&self, object: Option<usize>) -> Lifecycle {
        let date = |name| self.life_date(name, object).and_then(|date| date.instant);
        let replacement = custom_property(&self.document, "polder.replacement")
            .and_then(Node::scalar_text)
            .map(str::to_owned)
            .or_else(|| definition(&self.document, "replacement"));
        Lifecycle {
            status: Status::read(&self.status),
            general_availability: date(AVAILABLE),
            end_of_support: date(SUPPORT),
            end_of_life: date(LIFE),
            unreadable_end: self
                .life_date(LIFE, object)
                .filter(|end| end.instant.is_none())
                .map(|end| end.written),
            notice_days: custom_property(&self.document, "polder.noticePeriod")
                .and_then(|value| days(value.scalar_text()?)),
            replacement,
        }
    }

    /// What is wrong with the contract's life: dates that are none or in the wrong order, a notice period that is none,
    /// a deprecation without notice period, end or replacement.
    pub fn lifecycle_problems(&self) -> Vec<Diagnostic> {
        let mut problems = self.date_problems(&self.at(self.document.span));
        if let Some(value) = custom_property(&self.document, "polder.noticePeriod")
            && value.scalar_text().and_then(days).is_none()
        {
            let message = "the notice period is no number of days";
            problems.push(self.at(value.span).error("lifecycle", message, Some("write it as 90d")));
        }
        problems.extend(crate::diff::Mode::problem(self));
        let life = self.lifecycle();
        for scope in self.scopes() {
            let (support, end) = (self.life_date(SUPPORT, scope), self.life_date(LIFE, scope));
            if let (Some(support), Some(end)) = (support, end)
                && support
                    .instant
                    .zip(end.instant)
                    .is_some_and(|(support, end)| support > end)
            {
                let help = Some("support ends with the contract's life at the latest");
                let found = self
                    .at(support.span)
                    .error("lifecycle", "support ends after the contract's life", help);
                if !problems.contains(&found) {
                    problems.push(found);
                }
            }
        }
        if life.status == Status::Deprecated {
            let missing = [
                (
                    self.scopes().skip(1).any(|scope| self.life_date(LIFE, scope).is_none())
                        || (self.objects.is_empty() && self.life_date(LIFE, None).is_none()),
                    "says no end",
                    "add the service level `endOfLife` with its date",
                ),
                (
                    custom_property(&self.document, "polder.noticePeriod").is_none(),
                    "says no notice period",
                    "add the custom property `polder.noticePeriod`, such as 90d",
                ),
                (
                    life.replacement.is_none(),
                    "names no replacement",
                    "add the custom property `polder.replacement` with the dataset that takes its place, or `none`",
                ),
            ];
            for (_, what, help) in missing.iter().filter(|(missing, ..)| *missing) {
                let message = format!("the contract is deprecated and {what}");
                problems.push(self.status_place().error("lifecycle", message, Some(help)));
            }
        }
        problems
    }

    /// Where the contract says its status; its head where it says none.
    pub(crate) fn status_place(&self) -> Place {
        let status = self.document.get("status").or_else(|| self.document.get("version"));
        self.at(status.map_or(self.document.span, |node| node.span))
    }

    /// The contract as a whole, and each of its objects.
    pub(super) fn scopes(&self) -> impl Iterator<Item = Option<usize>> + use<> {
        std::iter::once(None).chain((0..self.objects.len()).map(Some))
    }
}

impl Lifecycle {
    /// Why nothing may be written under this contract now, if nothing may.
    pub fn refuses_writing(&self, now: DateTime<Utc>) -> Option<String> {
        if self.status == Status::Retired {
            return Some("the contract is retired".to_owned());
        }
        if let Some(written) = &self.unreadable_end {
            return Some(format!("`{written}`, when the contract's life is to end, is no date"));
        }
        let end = self.end_of_life.filter(|end| *end <= now)?;
        let instead = match self.replacement.as_deref() {
            Some("none") | None => String::new(),
            Some(replacement) => format!("; {replacement} takes its place"),
        };
        Some(format!("the contract's life ended at {}{instead}", day(end)))
    }
}

fn definition(document: &Node, kind: &str) -> Option<String> {
    items(document, "authoritativeDefinitions")
        .iter()
        .find(|definition| definition.get("type").and_then(Node::as_str) == Some(kind))
        .and_then(|definition| text(definition, "url"))
}
