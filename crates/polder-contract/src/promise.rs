//! Service levels as figures: what is promised, in which unit, and of which part of the data.

use std::fmt;

use chrono::{DateTime, Months, TimeDelta, Utc};
use polder_core::document::Diagnostic;
use polder_core::units::counted;

use crate::dates::instant;
use crate::schema::{Property, SchemaObject};
use crate::service_level::{ServiceLevel, service_level_name};

/// What one service level promises.
#[derive(Debug, Clone, PartialEq)]
pub struct Promise {
    /// Of what.
    pub subject: Subject,
    /// How much.
    pub promised: Promised,
}

/// What a promise is about. The standard's names are not case-sensitive and have synonyms, such as `ly` for `latency`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// How old the newest data is at most (`latency`, `freshness`).
    Latency,
    /// How long data is kept at least.
    Retention,
    /// How long it takes at most from one update to the next.
    Frequency,
    /// In what share of the time the data is there, at least.
    Availability,
    /// How many rows come in a time, at least.
    Throughput,
    /// What share of the rows is refused, at most.
    ErrorRate,
    /// How long a failure lasts at most.
    TimeToRepair,
    /// How long it takes at most until a failure is noticed.
    TimeToDetect,
    /// How long it takes at most until consumers are told of a failure.
    TimeToNotify,
    /// From when on the data is there.
    GeneralAvailability,
    /// Until when somebody helps.
    EndOfSupport,
    /// Until when the data is there.
    EndOfLife,
    /// Anything else: kept, and nobody here measures it.
    Other(String),
}

/// How much is promised.
#[derive(Debug, Clone, PartialEq)]
pub enum Promised {
    /// A length of time.
    Span(Span),
    /// A share in percent, 0 to 100.
    Percent(f64),
    /// Rows in a time.
    Rate {
        /// How many rows.
        rows: f64,
        /// In how many seconds.
        seconds: u64,
    },
    /// A moment.
    Instant(DateTime<Utc>),
    /// What is written, of subjects that nobody here measures.
    Text(String),
}

/// A length of time. Months and years are those of the calendar, so that they have no fixed number of seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// Months of the calendar.
    pub months: u32,
    /// Seconds beside them.
    pub seconds: u64,
}

impl Span {
    /// The instant that lies so long before another; nothing where the calendar ends.
    pub fn before(self, instant: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let seconds = TimeDelta::try_seconds(i64::try_from(self.seconds).ok()?)?;
        instant
            .checked_sub_months(Months::new(self.months))?
            .checked_sub_signed(seconds)
    }

    /// How long it is when it ends at this instant.
    pub fn until(self, instant: DateTime<Utc>) -> TimeDelta {
        self.before(instant)
            .map_or(TimeDelta::MAX, |beginning| instant - beginning)
    }
}

impl fmt::Display for Span {
    /// In the largest unit that leaves no rest: `3y`, `4d`, `90min`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.months {
            0 => {}
            months if months % 12 == 0 => write!(f, "{}y", months / 12)?,
            months => write!(f, "{months}mo")?,
        }
        if self.months > 0 && self.seconds == 0 {
            return Ok(());
        }
        let units = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
        let unit = units
            .iter()
            .find(|(size, _)| self.seconds > 0 && self.seconds.is_multiple_of(*size));
        let (size, name) = unit.copied().unwrap_or((1, "s"));
        write!(f, "{}{name}", self.seconds / size)
    }
}

impl fmt::Display for Promised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Span(span) => write!(f, "{span}"),
            Self::Percent(percent) => write!(f, "{percent} %"),
            Self::Rate { rows, seconds } => {
                let span = Span {
                    months: 0,
                    seconds: *seconds,
                };
                write!(f, "{} in {span}", counted(rows, "row"))
            }
            Self::Instant(instant) => write!(f, "{}", instant.format("%Y-%m-%dT%H:%M:%SZ")),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl Subject {
    pub(crate) fn of(property: &str) -> Self {
        match service_level_name(property).as_str() {
            "latency" | "freshness" => Self::Latency,
            "retention" => Self::Retention,
            "frequency" => Self::Frequency,
            "availability" => Self::Availability,
            "throughput" => Self::Throughput,
            "errorrate" => Self::ErrorRate,
            "timetorepair" => Self::TimeToRepair,
            "timetodetect" => Self::TimeToDetect,
            "timetonotify" => Self::TimeToNotify,
            "generalavailability" => Self::GeneralAvailability,
            "endofsupport" => Self::EndOfSupport,
            "endoflife" => Self::EndOfLife,
            _ => Self::Other(property.to_owned()),
        }
    }
}

impl ServiceLevel {
    /// What is promised, as a figure with its unit. A property that the standard does not name is kept as
    /// [`Subject::Other`].
    ///
    /// Units: `s`, `min` (also `m`), `h`, `d`, `w`, `mo`, `y` and their names; `percent` or `%`; `rows/s` and the like.
    /// The unit may stand behind the value (`4d`, `99.9%`), and lengths of time may be written by ISO 8601 (`P4D`).
    ///
    /// # Errors
    /// The finding, where the value or its unit is none that fits the property.
    pub fn promise(&self) -> Result<Promise, Box<Diagnostic>> {
        let subject = Subject::of(&self.property);
        let refuse = |problem: &str, help: &str| {
            let message = format!("the service level `{}` {problem}", self.property);
            Box::new(self.place.error("service-level", message, Some(help)))
        };
        let told = format!("{} {}", self.value, self.unit.as_deref().unwrap_or_default());
        let told = told.trim();
        let promised = match &subject {
            Subject::Latency
            | Subject::Retention
            | Subject::Frequency
            | Subject::TimeToRepair
            | Subject::TimeToDetect
            | Subject::TimeToNotify => span(told).map(Promised::Span).ok_or_else(|| {
                let problem = format!("is `{told}`, which is no length of time");
                refuse(&problem, "write a value with a unit: s, min, h, d, w, mo or y")
            })?,
            Subject::Availability | Subject::ErrorRate => {
                let percent = percent(told, subject == Subject::Availability);
                percent.map(Promised::Percent).ok_or_else(|| {
                    let problem = format!("is `{told}`, which is no share");
                    refuse(&problem, "write a value from 0 to 100 with the unit `percent`")
                })?
            }
            Subject::Throughput => rate(told).ok_or_else(|| {
                let problem = format!("is `{told}`, which is no number of rows in a time");
                refuse(
                    &problem,
                    "write a value with the unit rows/s, rows/min, rows/h or rows/d",
                )
            })?,
            Subject::GeneralAvailability | Subject::EndOfSupport | Subject::EndOfLife => {
                let ends = subject != Subject::GeneralAvailability;
                let instant = instant(&self.value, ends);
                instant.map(Promised::Instant).ok_or_else(|| {
                    let problem = format!("is `{told}`, which is no moment");
                    refuse(&problem, "write it as 2026-01-31 or 2026-01-31T12:00:00Z")
                })?
            }
            Subject::Other(_) => Promised::Text(told.to_owned()),
        };
        Ok(Promise { subject, promised })
    }

    /// Whether the promise is about an object, and about which of its columns: nothing where it is about other objects,
    /// an empty list where about the object as a whole. `only` tells that the contract has no other object.
    ///
    /// Elements are named `object.column`, separated by commas; the object's name may be left out where it is the only
    /// one. Columns are given by their names in the table.
    pub fn columns_of(&self, object: &SchemaObject, only: bool) -> Option<Vec<String>> {
        let Some(elements) = self.element.as_deref().map(str::trim).filter(|text| !text.is_empty()) else {
            return Some(Vec::new());
        };
        let names = [Some(object.name.as_str()), object.physical_name.as_deref()];
        let mut columns = Vec::new();
        let mut meant = false;
        for element in elements.split(',').map(str::trim) {
            if names.contains(&Some(element)) {
                meant = true;
                continue;
            }
            let inside = names
                .iter()
                .flatten()
                .find_map(|name| element.strip_prefix(*name)?.strip_prefix('.'));
            let bare = || {
                let head = element.split_once('.').map_or(element, |(head, _)| head);
                let known = object
                    .properties
                    .iter()
                    .any(|property| property.name == head || property.declared_name.as_deref() == Some(head));
                // With a point before a name that is no column, another object is meant.
                (only && (known || head == element)).then_some(element)
            };
            let Some(column) = inside.or_else(bare) else { continue };
            meant = true;
            let head = column.split('.').next().unwrap_or_default();
            let declared = |property: &&Property| property.declared_name.as_deref() == Some(head);
            match object.properties.iter().find(declared) {
                Some(property) => columns.push(format!("{}{}", property.name, &column[head.len()..])),
                None => columns.push(column.to_owned()),
            }
        }
        meant.then_some(columns)
    }

    /// The elements that it names and that none of a contract's objects is or has.
    pub fn missing_elements(&self, objects: &[SchemaObject]) -> Vec<&str> {
        let named = self.element.as_deref().unwrap_or_default().split(',').map(str::trim);
        named
            .filter(|name| !name.is_empty() && !is_there(objects, name))
            .collect()
    }
}

/// Whether an element, as service levels name it, is an object or one of its columns.
pub(crate) fn is_there(objects: &[SchemaObject], element: &str) -> bool {
    let has = |object: &SchemaObject, column: &str| {
        let head = column.split(['.', '[']).next().unwrap_or_default();
        // Platform columns are in no contract.
        head.starts_with('_')
            || object
                .properties
                .iter()
                .any(|property| property.name == head || property.declared_name.as_deref() == Some(head))
    };
    let in_object = |object: &SchemaObject| {
        let names = [Some(object.name.as_str()), object.physical_name.as_deref()];
        names.into_iter().flatten().any(|name| {
            let rest = element.strip_prefix(name);
            rest.is_some_and(|rest| rest.is_empty() || rest.strip_prefix('.').is_some_and(|column| has(object, column)))
        })
    };
    objects.iter().any(in_object) || matches!(objects, [only] if has(only, element))
}

/// A number and the word behind it.
fn quantity(text: &str) -> Option<(f64, String)> {
    let digits = text
        .find(|c: char| !(c.is_ascii_digit() || c == '.'))
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: f64 = number.parse().ok()?;
    number.is_finite().then(|| (number, unit.trim().to_lowercase()))
}

/// Seconds or months of a unit.
fn unit(word: &str) -> Option<Span> {
    let (months, seconds) = match word {
        "s" | "sec" | "second" | "seconds" => (0, 1),
        "m" | "min" | "mins" | "minute" | "minutes" => (0, 60),
        "h" | "hr" | "hrs" | "hour" | "hours" => (0, 3_600),
        "d" | "day" | "days" => (0, 86_400),
        "w" | "wk" | "week" | "weeks" => (0, 604_800),
        "mo" | "mon" | "month" | "months" => (1, 0),
        "y" | "yr" | "yrs" | "year" | "years" | "a" => (12, 0),
        _ => return None,
    };
    Some(Span { months, seconds })
}

fn span(text: &str) -> Option<Span> {
    if let Some(rest) = text.strip_prefix(['P', 'p']) {
        return iso_span(rest.trim());
    }
    let (number, word) = quantity(text)?;
    times(number, unit(&word)?)
}

/// `number` of these, where that is a whole number of months or seconds.
fn times(number: f64, unit: Span) -> Option<Span> {
    let whole = |count: f64| (count.fract() == 0.0 && (0.0..1e12).contains(&count)).then_some(count as u64);
    Some(Span {
        months: u32::try_from(whole(number * f64::from(unit.months))?).ok()?,
        seconds: whole((number * unit.seconds as f64).round())?,
    })
}

/// What follows the `P` of a duration by ISO 8601: `3Y`, `1DT12H`.
fn iso_span(text: &str) -> Option<Span> {
    let (days, clock) = match text.split_once(['T', 't']) {
        Some((days, clock)) => (days, clock),
        None => (text, ""),
    };
    let mut whole = Span::default();
    let mut parts = 0;
    for (mut rest, of_clock) in [(days, false), (clock, true)] {
        while !rest.is_empty() {
            let end = rest.find(|c: char| c.is_ascii_alphabetic())?;
            let number: f64 = rest[..end].parse().ok()?;
            let word = match (rest.as_bytes()[end].to_ascii_lowercase(), of_clock) {
                (b'y', false) => "y",
                (b'm', false) => "mo",
                (b'w', false) => "w",
                (b'd', false) => "d",
                (b'h', true) => "h",
                (b'm', true) => "min",
                (b's', true) => "s",
                _ => return None,
            };
            let part = times(number, unit(word)?)?;
            whole.months = whole.months.checked_add(part.months)?;
            whole.seconds = whole.seconds.checked_add(part.seconds)?;
            rest = &rest[end + 1..];
            parts += 1;
        }
    }
    (parts > 0).then_some(whole)
}

/// A share in percent. Without a unit `bare` shares above 1 are percent; what is less could be meant either way.
fn percent(text: &str, bare: bool) -> Option<f64> {
    let (number, word) = quantity(text)?;
    let known = match word.as_str() {
        "%" | "percent" | "pct" => true,
        "" => bare && number > 1.0,
        _ => false,
    };
    (known && (0.0..=100.0).contains(&number)).then_some(number)
}

fn rate(text: &str) -> Option<Promised> {
    let (rows, word) = quantity(text)?;
    let time = word
        .strip_prefix("rows")
        .or_else(|| word.strip_prefix("row"))
        .or_else(|| word.strip_prefix("records"))
        .unwrap_or(&word)
        .trim()
        .trim_start_matches('/')
        .trim_start_matches("per ")
        .trim();
    match unit(time)? {
        Span { months: 0, seconds } => Some(Promised::Rate { rows, seconds }),
        _ => None,
    }
}
