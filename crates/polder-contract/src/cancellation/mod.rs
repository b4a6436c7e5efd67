//! Cancellations of contracts, by their provider or by a consumer: recorded as documents
//! (`catalog/cancellations/<id>.yaml`), so that everybody knows what ends when and who has to move.

mod check;
mod effects;

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Days, NaiveDate, Utc};
use polder_core::document::{self, Diagnostic, MapReader, Reader, Source};
use polder_core::units::counted;
use polder_core::{DatasetName, Error, ErrorKind, Result};

pub use check::check;
pub use effects::Effect;

use crate::consumer::{Consumer, Read};
use crate::dates::days;
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
        place: Place::of(source, map.span_of("contract")),
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
            || contracts.find(&self.contract).is_some_and(|contract| {
                let mut objects = contract.objects.iter();
                objects.any(|object| object.dataset.as_ref() == Some(dataset))
            })
    }
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
        let name = &consumer.name;
        consumer
            .reads
            .retain(|read| last_day(name, read, cancellations, contracts).is_none_or(|last| last >= today));
    }
}

/// The last day of a registration, by what its consumer has cancelled itself; none where it has not, or where what it reads
/// is registered to begin after that day.
pub fn last_day(
    consumer: &str,
    read: &Read,
    cancellations: &[Cancellation],
    contracts: &ContractSet,
) -> Option<NaiveDate> {
    let own = cancellations.iter().filter(|cancellation| {
        cancellation.by == Canceller::Consumer
            && cancellation.party == consumer
            && read.since.is_none_or(|since| since <= cancellation.effective)
            && cancellation.is_of(&read.dataset, contracts)
    });
    own.map(|cancellation| cancellation.effective).min()
}
