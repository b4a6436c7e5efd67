//! The life of a contract: proposed or draft, active, deprecated, retired; with notice, replacement and end.
//!
//! The standard has words for the status and service levels for the dates (`generalAvailability`, `endOfSupport`,
//! `endOfLife`). Notice and replacement are custom properties of the contract: `polder.noticePeriod` (`90d`) and
//! `polder.replacement` (a dataset's name or a contract's id; `none` where nothing takes its place), or a definition of
//! the type `replacement` under `authoritativeDefinitions`.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use polder_core::DatasetName;
use polder_core::document::{Diagnostic, Node, Severity, Span};
use polder_core::units::counted;

use crate::cancellation;
use crate::contract::Contract;
use crate::diff::is_draft;
use crate::ends::{AVAILABLE, LIFE, LifeDate, SUPPORT};
use crate::place::{Place, items, text};
use crate::set::ContractSet;

/// Where a contract is in its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// Somebody wants it.
    Proposed,
    /// It is being written: nothing is promised yet.
    Draft,
    /// It is in force.
    Active,
    /// It is in force until its end; a replacement is there.
    Deprecated,
    /// It is over: nothing is written any more.
    Retired,
    /// A word of one's own.
    Other(String),
}

impl Status {
    /// The status that a word means.
    pub fn read(word: &str) -> Self {
        match word.to_lowercase().as_str() {
            "proposed" => Self::Proposed,
            "draft" => Self::Draft,
            "active" => Self::Active,
            "deprecated" => Self::Deprecated,
            "retired" => Self::Retired,
            _ => Self::Other(word.to_owned()),
        }
    }

    /// The word.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Proposed => "proposed",
            Self::Draft => "draft",
            Self::Active => "active",
            Self::Deprecated => "deprecated",
            Self::Retired => "retired",
            Self::Other(word) => word,
        }
    }

    /// How much a contract of this status promises, to be compared; words of one's own promise nothing.
    pub(crate) fn promise(&self) -> u8 {
        match self {
            Self::Proposed | Self::Draft | Self::Retired | Self::Other(_) => 0,
            Self::Deprecated => 1,
            Self::Active => 2,
        }
    }

    /// Whether a contract may go from this status to that one. Words of one's own lead anywhere but to the end, which
    /// is announced by a deprecation.
    pub fn may_become(&self, next: &Self) -> bool {
        match (self, next) {
            (from, to) if from == to => true,
            (Self::Other(_), to) => *to != Self::Retired,
            // Nothing comes back from the end.
            (from, Self::Other(_)) => *from != Self::Retired,
            // Before it is in force, a contract may be anything but deprecated.
            (Self::Proposed | Self::Draft, to) => *to != Self::Deprecated,
            (Self::Active, to) => *to == Self::Deprecated,
            // A deprecation can be taken back.
            (Self::Deprecated, to) => matches!(to, Self::Active | Self::Retired),
            (Self::Retired, _) => false,
        }
    }

    /// The statuses that may follow.
    fn next(&self) -> &'static str {
        match self {
            Self::Proposed | Self::Draft => "proposed, draft, active or retired",
            Self::Active => "deprecated",
            Self::Deprecated => "active again, or retired",
            Self::Retired => "nothing: write a new contract",
            Self::Other(_) => "anything but retired: deprecate it first",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

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

    fn at(&self, span: Span) -> Place {
        Place {
            file: Arc::from(self.source_path.as_path()),
            span,
        }
    }

    /// The contract as a whole, and each of its objects.
    fn scopes(&self) -> impl Iterator<Item = Option<usize>> + use<> {
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

/// What is wrong with the step from one version of a contract to the next: a status that may not follow, a deprecation
/// with less notice than was promised, an end of life or support that is new or closer and leaves less than the notice, a
/// notice that is shortened while the contract is ending, a contract that is retired before its end.
pub fn transition_problems(old: &Contract, new: &Contract, now: DateTime<Utc>) -> Vec<Diagnostic> {
    let (before, after) = (old.lifecycle(), new.lifecycle());
    let place = new.status_place();
    let mut problems = Vec::new();
    // Before it was ever in force, a contract may end under any word.
    let never_in_force = matches!(before.status, Status::Other(_)) && is_draft(old);
    if !never_in_force && !before.status.may_become(&after.status) {
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
        && let Some(end) = before.end_of_life.filter(|end| *end > now)
    {
        let message = format!("the contract is retired before its end at {}", day(end));
        let help = "those who use it were promised the time until then";
        problems.push(place.error("lifecycle", message, Some(help)));
    }
    let in_force = match &before.status {
        Status::Active | Status::Deprecated => true,
        Status::Other(_) => !never_in_force,
        Status::Proposed | Status::Draft | Status::Retired => false,
    };
    if !in_force || after.status == Status::Retired {
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

/// What is wrong with the end of a contract while consumers remain: a contract that is retired, or whose life is over,
/// and that somebody still uses. `consumers` are their names; those of the mesh's own steps begin with what they are
/// (`pipeline shop.sales`, `model shop.forecast`).
pub fn retirement_problems<S: AsRef<str>>(contract: &Contract, consumers: &[S], now: DateTime<Utc>) -> Vec<Diagnostic> {
    let life = contract.lifecycle();
    if consumers.is_empty() {
        return Vec::new();
    }
    let names = consumers.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", ");
    let move_to = match life.replacement.as_deref() {
        None | Some("none") if consumers.iter().any(|name| is_of_mesh(name.as_ref())) => {
            "end the registrations of consumers first, and let pipelines and models read another dataset".to_owned()
        }
        None | Some("none") => "end their registrations first".to_owned(),
        Some(replacement) => format!("move them to {replacement} first"),
    };
    let (severity, message) = if life.status == Status::Retired {
        let message = format!("{} is retired while consumers remain: {names}", contract.name);
        (Severity::Error, message)
    } else if let Some(end) = life.end_of_life.filter(|end| *end <= now) {
        let message = format!(
            "the life of {} ended at {}, and consumers remain: {names}",
            contract.name,
            day(end)
        );
        (Severity::Error, message)
    } else if life.status == Status::Deprecated {
        let until = life
            .end_of_life
            .map_or_else(String::new, |end| format!(" until {}", day(end)));
        let message = format!("{} is deprecated; these have to move{until}: {names}", contract.name);
        (Severity::Warning, message)
    } else {
        return Vec::new();
    };
    vec![Diagnostic {
        severity,
        ..contract
            .status_place()
            .error("consumers-remain", message, Some(&move_to))
    }]
}

/// Whether a user of a dataset is a step of the mesh, which nobody registers.
fn is_of_mesh(name: &str) -> bool {
    name.starts_with("pipeline ") || name.starts_with("model ")
}

/// What is wrong with the replacements that contracts name: datasets without a contract, and ways from one replacement to
/// the next that come back or end at a contract that is retired.
pub fn replacement_problems(contracts: &ContractSet) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for contract in contracts.contracts() {
        let Some(value) = custom_property(&contract.document, "polder.replacement") else {
            continue;
        };
        let place = contract.at(value.span);
        let mut way = vec![contract.id.clone()];
        let mut next = value.as_str().map(str::to_owned);
        while let Some(name) = next.take().filter(|name| name != "none") {
            let Some(found) = cancellation::find(contracts, &name) else {
                // What is no dataset may be named by an address or be the id of somebody else's contract.
                let names_dataset = name.parse::<DatasetName>().is_ok() && !contracts.is_unreadable(&name);
                if names_dataset && way.len() == 1 {
                    let near = cancellation::nearest_name(contracts, &name);
                    let help = near.map(|near| format!("did you mean `{near}`?"));
                    let message = format!("the replacement `{name}` has no contract");
                    problems.push(place.error("lifecycle", message, help.as_deref()));
                }
                break;
            };
            if way.contains(&found.id) {
                let message = format!("the replacements go in a circle: {} → {}", way.join(" → "), found.id);
                let help = "name what people really move to, or `none`";
                problems.push(place.error("lifecycle", message, Some(help)));
                break;
            }
            way.push(found.id.clone());
            let life = found.lifecycle();
            if life.status == Status::Retired && life.replacement.as_deref().is_none_or(|name| name == "none") {
                let message = format!("the replacement `{}` is retired", found.id);
                problems.push(place.error("lifecycle", message, Some("name one that is in force, or `none`")));
            }
            next = life.replacement;
        }
    }
    problems
}

/// The value of a custom property of a mapping.
pub(crate) fn custom_property<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    items(node, "customProperties")
        .iter()
        .find(|property| property.get("property").and_then(Node::as_str) == Some(name))?
        .get("value")
}

fn definition(document: &Node, kind: &str) -> Option<String> {
    items(document, "authoritativeDefinitions")
        .iter()
        .find(|definition| definition.get("type").and_then(Node::as_str) == Some(kind))
        .and_then(|definition| text(definition, "url"))
}

/// A notice period in days: `90d`, `12w`, `6mo`, `1y`; a bare number is days, a month 30 of them, a year 365.
pub fn days(text: &str) -> Option<u32> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let factor = match unit.trim().to_lowercase().as_str() {
        "" | "d" | "day" | "days" => 1,
        "w" | "week" | "weeks" => 7,
        "mo" | "month" | "months" => 30,
        "y" | "yr" | "year" | "years" => 365,
        _ => return None,
    };
    // A hundred years are notice enough, and stay within what dates can hold.
    number
        .parse::<u32>()
        .ok()?
        .checked_mul(factor)
        .filter(|days| *days <= 36_500)
}

/// The instant that a date means; one without a time is its first moment, or where it ends something its last.
pub(crate) fn instant(text: &str, ends: bool) -> Option<DateTime<Utc>> {
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Some(instant.to_utc());
    }
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    let date = if ends {
        date.checked_add_days(Days::new(1))?
    } else {
        date
    };
    Some(date.and_time(NaiveTime::MIN).and_utc())
}

/// The last day before or on which an end is: the one before, where it is the first moment of a day.
fn last_day(end: DateTime<Utc>) -> NaiveDate {
    let whole_days = end.time() == NaiveTime::MIN;
    (end - TimeDelta::days(i64::from(whole_days))).date_naive()
}

/// The day that an end is on: the one before, where it is the first moment of a day.
pub fn day(end: DateTime<Utc>) -> String {
    if end.time() == NaiveTime::MIN {
        last_day(end).to_string()
    } else {
        end.format("%Y-%m-%dT%H:%M:%SZ").to_string()
    }
}
