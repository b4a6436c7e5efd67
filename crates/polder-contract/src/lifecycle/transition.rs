//! Steps from one version of a contract to the next: which status may follow, and with how much notice it may end.

use chrono::{DateTime, TimeDelta, Utc};
use polder_core::document::Diagnostic;
use polder_core::units::counted;

use super::ends::{LIFE, LifeDate, SUPPORT};
use crate::contract::Contract;
use crate::custom_property::custom_property;
use crate::dates::{day, last_day};
use crate::diff::is_draft;
use crate::status::Status;

impl Contract {
    /// Whether it is in force: who reads its datasets relies on them. Under a word of one's own it is, as soon as it has a
    /// version of its own (1.0.0 or later).
    pub fn in_force(&self) -> bool {
        match Status::read(&self.status) {
            Status::Active | Status::Deprecated => true,
            Status::Other(_) => !never_in_force(self),
            Status::Proposed | Status::Draft | Status::Retired => false,
        }
    }
}

/// Whether a contract says by a word of one's own where it is, and never was in force: it may go anywhere.
fn never_in_force(contract: &Contract) -> bool {
    matches!(Status::read(&contract.status), Status::Other(_)) && is_draft(contract)
}

/// What is wrong with the step from one version of a contract to the next: a status that may not follow, a deprecation
/// with less notice than was promised, an end of life or support that is new or closer and leaves less than the notice, a
/// notice that is shortened while the contract is ending, a contract that is retired before its end.
pub fn transition_problems(old: &Contract, new: &Contract, now: DateTime<Utc>) -> Vec<Diagnostic> {
    let (before, after) = (old.lifecycle(), new.lifecycle());
    let place = new.status_place();
    let mut problems = Vec::new();
    if !never_in_force(old) && !before.status.may_become(&after.status) {
        let message = format!("a contract that is {} cannot become {}", before.status, after.status);
        let help = match (&before.status, &after.status) {
            (Status::Active, Status::Retired) => {
                "deprecate it first, with a notice period, an end and a replacement".to_owned()
            }
            (status, _) => format!("after {status} comes {}", status.next()),
        };
        problems.push(place.error("lifecycle", message, Some(&help)));
        return problems;
    }
    if before.status == Status::Deprecated
        && after.status == Status::Retired
        && let Some(end) = old.last_end().filter(|end| *end > now)
    {
        let message = format!("the contract is retired before its end at {}", day(end));
        let help = "those who use it were promised the time until then";
        problems.push(place.error("lifecycle", message, Some(help)));
    }
    if !old.in_force() || after.status == Status::Retired {
        return problems;
    }
    // The notice is what was promised before, not what the same change makes of it.
    let notice = before.notice_days.or(after.notice_days);
    let deprecated_now = before.status != Status::Deprecated && after.status == Status::Deprecated;
    for scope in new.scopes() {
        let same = scope.and_then(|object| {
            let name = &new.objects[object].name;
            old.objects.iter().position(|old| old.name == *name)
        });
        for (name, what, key) in [
            (LIFE, "the contract ends", "endOfLife"),
            (SUPPORT, "support ends", "endOfSupport"),
        ] {
            let then = old.life_date(name, same).and_then(|date| date.instant);
            let Some((
                LifeDate {
                    instant: Some(end),
                    span,
                    ..
                },
                notice,
            )) = new.life_date(name, scope).zip(notice)
            else {
                continue;
            };
            let announced = then.is_some_and(|then| then <= end);
            if announced && !(deprecated_now && name == LIFE) {
                continue;
            }
            let earliest = (now + TimeDelta::days(i64::from(notice))).date_naive();
            // A day counts whole: what ends on the last day of the notice is in time.
            if last_day(end) < earliest {
                let message = format!(
                    "{what} at {}, but its notice of {} runs until {earliest}",
                    day(end),
                    counted(notice, "day"),
                );
                let help = format!("move {key} to {earliest} or later");
                let found = place.at(span).error("lifecycle", message, Some(&help));
                if !problems.contains(&found) {
                    problems.push(found);
                }
            }
        }
    }
    let ending = after.status == Status::Deprecated || before.end_of_life.is_some() || after.end_of_life.is_some();
    if let (true, Some(promised)) = (ending, before.notice_days)
        && after.notice_days.is_none_or(|days| days < promised)
    {
        let is_now = match after.notice_days {
            None => "none".to_owned(),
            Some(days) => counted(days, "day"),
        };
        let promised = counted(promised, "day");
        let message = format!("the contract is ending, and its notice of {promised} is now {is_now}");
        let help = format!("keep {promised}, as was promised to those who have to move");
        let span = custom_property(&new.document, "polder.noticePeriod").map_or(place.span, |value| value.span);
        problems.push(place.at(span).error("lifecycle", message, Some(&help)));
    }
    problems
}
