//! Every service level of a dataset's contract, with what became of it.

use polder_contract::lifecycle::day;
use polder_contract::{DatasetContract, Promise, Promised, ServiceLevel, Span, Status, Subject};
use polder_core::DatasetName;
use serde_json::{Value, json};

use crate::history::{History, Window};
use crate::measure::measure;
use crate::outcome::{Figure, Outcome, Verdict};

/// One service level, held against what happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Assessed {
    /// The dataset that promises it.
    pub dataset: DatasetName,
    /// The contract's id.
    pub contract: String,
    /// The contract's version.
    pub contract_version: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Its place among the contract's service levels.
    pub place: usize,
    /// The service level's property, as written.
    pub property: String,
    /// What it is measured on, as written.
    pub element: Option<String>,
    /// Why it matters, as written.
    pub driver: Option<String>,
    /// What is promised, in words.
    pub promised: String,
    /// What became of it.
    pub outcome: Outcome,
    /// The time that was looked at: less than what was asked about, where less is known.
    pub window: Window,
}

/// Holds every service level of a dataset's contract against the dataset's past; `None` where it has no table yet.
/// Nothing is left out: what cannot be measured is there with why.
pub fn assess(contract: &DatasetContract, history: Option<&History>, window: Window) -> Vec<Assessed> {
    let document = &contract.contract;
    let only = document.objects.len() == 1;
    // What is about no object of the contract is told once, with its first dataset.
    let first = document.objects.iter().position(|object| object.dataset.is_some()) == Some(contract.object);
    let strays = |level: &ServiceLevel| {
        let meant = |object| level.columns_of(object, only).is_some();
        first && !document.objects.iter().any(meant)
    };
    let meant: Vec<_> = document
        .service_levels
        .iter()
        .enumerate()
        .filter_map(|(place, level)| {
            let columns = level.columns_of(contract.object(), only);
            (columns.is_some() || strays(level)).then_some((place, level, columns))
        })
        .collect();
    let about = meant
        .iter()
        .filter(|(_, level, columns)| columns.is_some() && level.missing_elements(&document.objects).is_empty());
    let latencies = about.filter_map(|(_, level, _)| latency(&level.promise().ok()?));
    // Of several the shortest: data that is older is not there as promised.
    let latency = latencies.min_by_key(|span| span.until(window.to));
    let retired = Status::read(&document.status) == Status::Retired;
    let in_force = match Status::read(&document.status) {
        Status::Proposed | Status::Draft => {
            Err(format!("the contract is {}: nothing is promised yet", document.status))
        }
        // How long data is kept is promised for the time after the end too.
        Status::Retired => Err("the contract is retired".to_owned()),
        Status::Active | Status::Deprecated | Status::Other(_) => Ok(()),
    };
    let empty = History {
        whole: true,
        ..History::default()
    };
    let assessed = meant.into_iter().map(|(place, level, columns)| {
        let promise = level.promise();
        let missing: Vec<_> = level.missing_elements(&document.objects);
        let missing: Vec<_> = missing.iter().map(|name| format!("`{name}`")).collect();
        let written = format!("{} {}", level.value, level.unit.as_deref().unwrap_or_default());
        let promised = match &promise {
            Ok(promise) => told(promise),
            Err(_) => written.trim().to_owned(),
        };
        let outcome = match (&in_force, promise) {
            (Err(why), promise) if !(retired && promise.as_ref().is_ok_and(keeps)) => {
                Outcome::not_measured(why.clone())
            }
            (_, Err(finding)) => Outcome::not_measured(finding.to_string()),
            (_, Ok(promise)) => match (columns, history) {
                (None, _) => Outcome::not_measured("its element names no object of the contract"),
                (Some(_), _) if !missing.is_empty() => {
                    Outcome::not_measured(format!("the schema has no element {}", missing.join(", ")))
                }
                (Some(columns), Some(history)) => measure(&promise, &columns, history, window, latency),
                (Some(columns), None) if by_calendar(&promise) => measure(&promise, &columns, &empty, window, latency),
                (Some(_), None) if retired => Outcome::not_measured("there is no table"),
                (Some(_), None) => Outcome::not_measured("there is no table yet"),
            },
        };
        Assessed {
            dataset: contract.dataset().clone(),
            contract: document.id.clone(),
            contract_version: document.version.clone(),
            owner: document.owner.clone(),
            place,
            property: level.property.clone(),
            element: level.element.clone(),
            driver: level.driver.clone(),
            promised,
            window: Window {
                from: outcome.from.unwrap_or(window.from),
                ..window
            },
            outcome,
        }
    });
    assessed.collect()
}

fn latency(promise: &Promise) -> Option<Span> {
    match (&promise.subject, &promise.promised) {
        (Subject::Latency, Promised::Span(span)) => Some(*span),
        _ => None,
    }
}

/// Whether it says how long data is kept.
fn keeps(promise: &Promise) -> bool {
    promise.subject == Subject::Retention
}

/// What is promised, in words: an end is its last day, as contracts write it.
fn told(promise: &Promise) -> String {
    match (&promise.subject, &promise.promised) {
        (Subject::EndOfSupport | Subject::EndOfLife, Promised::Instant(end)) => day(*end),
        (_, promised) => promised.to_string(),
    }
}

/// Whether the calendar alone can tell.
fn by_calendar(promise: &Promise) -> bool {
    matches!(promise.promised, Promised::Instant(_))
}

impl Assessed {
    /// Whether the promise is broken.
    pub fn is_breached(&self) -> bool {
        self.outcome.verdict == Verdict::Breached
    }

    /// The verdict in one word.
    pub fn verdict(&self) -> &'static str {
        match self.outcome.verdict {
            Verdict::Met => "met",
            Verdict::Breached => "breached",
            Verdict::NotMeasured(_) => "not measured",
        }
    }

    /// Why it was not measured, or what to know of the figure beside it.
    pub fn why(&self) -> Option<&str> {
        match &self.outcome.verdict {
            Verdict::NotMeasured(why) => Some(why),
            _ => self.outcome.note.as_deref(),
        }
    }

    /// Everything as JSON: times in seconds, shares in percent, instants by RFC 3339.
    pub fn to_json(&self) -> Value {
        let outcome = &self.outcome;
        let measured = outcome.measured.map(|figure| match figure {
            Figure::Time(time) => json!({ "seconds": time.as_seconds_f64() }),
            Figure::Percent(percent) => json!({ "percent": percent }),
            Figure::RowsPerSecond(rows) => json!({ "rows_per_second": rows }),
            Figure::Instant(instant) | Figure::End(instant) => json!({ "instant": instant }),
        });
        let budget = outcome.budget.map(|budget| {
            json!({
                "unit": budget.unit, "allowed": budget.allowed, "spent": budget.spent, "left": budget.left(),
            })
        });
        json!({
            "dataset": self.dataset, "contract": self.contract, "contract_version": self.contract_version,
            "owner": self.owner, "property": self.property, "element": self.element, "driver": self.driver,
            "promised": self.promised, "verdict": self.verdict(), "why": self.why(),
            "measured": measured, "shown": outcome.measured.map(|figure| figure.to_string()),
            "basis": outcome.basis, "since": outcome.since, "budget": budget,
            "window": { "from": self.window.from, "to": self.window.to },
        })
    }
}
