//! What became of a promise: the verdict, the figure, and what it was taken from.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use polder_contract::lifecycle::day;
use serde::Serialize;

use crate::history::History;

/// A measured figure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Figure {
    /// A length of time.
    Time(TimeDelta),
    /// A share in percent.
    Percent(f64),
    /// Rows in a second.
    RowsPerSecond(f64),
    /// A moment.
    Instant(DateTime<Utc>),
    /// The first moment that something is over; one at midnight is shown as the day before, the last one.
    End(DateTime<Utc>),
}

/// How a promise stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is kept.
    Met,
    /// It is broken.
    Breached,
    /// Nobody can tell, with why.
    NotMeasured(String),
}

/// What a figure was taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The statistics of a column.
    Statistics,
    /// The values of a column.
    Scan,
    /// The table's commits.
    Commits,
    /// The catalog's runs.
    Runs,
    /// Commits and runs.
    CommitsAndRuns,
    /// The calendar.
    Calendar,
}

/// How much may go wrong within the promise, and how much did: seconds, or rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Budget {
    /// What `allowed` and `spent` are counted in.
    pub unit: &'static str,
    /// How much may go wrong.
    pub allowed: f64,
    /// How much did.
    pub spent: f64,
}

impl Budget {
    /// What is left; below 0 where more went wrong than may.
    pub fn left(&self) -> f64 {
        self.allowed - self.spent
    }
}

/// What became of a promise.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// How it stands.
    pub verdict: Verdict,
    /// The figure, where it was measured.
    pub measured: Option<Figure>,
    /// What it was taken from.
    pub basis: Option<Basis>,
    /// How much of what is allowed is spent.
    pub budget: Option<Budget>,
    /// Since when the promise is broken, or since the newest failure that broke it.
    pub since: Option<DateTime<Utc>>,
    /// Where the time begins that was looked at, where that is after the window's beginning.
    pub from: Option<DateTime<Utc>>,
    /// What else to know of the figure.
    pub note: Option<String>,
}

impl Outcome {
    pub(crate) fn not_measured(why: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::NotMeasured(why.into()),
            measured: None,
            basis: None,
            budget: None,
            since: None,
            from: None,
            note: None,
        }
    }

    pub(crate) fn of(met: bool, measured: Figure, basis: Basis) -> Self {
        Self {
            verdict: if met { Verdict::Met } else { Verdict::Breached },
            measured: Some(measured),
            basis: Some(basis),
            budget: None,
            since: None,
            from: None,
            note: None,
        }
    }

    pub(crate) fn with_budget(self, unit: &'static str, allowed: f64, spent: f64) -> Self {
        let budget = Some(Budget { unit, allowed, spent });
        Self { budget, ..self }
    }

    /// Where it is broken: since when.
    pub(crate) fn since(self, since: Option<DateTime<Utc>>) -> Self {
        let since = since.filter(|_| self.verdict == Verdict::Breached);
        Self { since, ..self }
    }
}

impl fmt::Display for Figure {
    /// Times in the two largest units (`3d 4h`), shares with at most four digits behind the point.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(time) => f.write_str(&shown(time.num_seconds())),
            Self::Percent(percent) => write!(f, "{} %", rounded(*percent)),
            Self::RowsPerSecond(rows) => write!(f, "{} rows/s", rounded(*rows)),
            Self::End(end) => f.write_str(&day(*end)),
            Self::Instant(instant) => write!(f, "{}", instant.format("%Y-%m-%dT%H:%M:%SZ")),
        }
    }
}

/// Cut, not rounded, to four digits behind the point: 99.99999 % is not shown as 100 %.
fn rounded(number: f64) -> f64 {
    (number * 10_000.0).trunc() / 10_000.0
}

/// A number of seconds in its two largest units.
pub(crate) fn shown(seconds: i64) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let mut rest = seconds.abs();
    let mut parts = Vec::new();
    for (size, name) in units {
        if rest >= size && parts.len() < 2 {
            parts.push(format!("{}{name}", rest / size));
        }
        rest %= size;
    }
    let sign = if seconds < 0 { "-" } else { "" };
    if parts.is_empty() {
        return "0s".to_owned();
    }
    format!("{sign}{}", parts.join(" "))
}

/// Where no commit is known that changed rows.
pub(crate) fn no_commit(history: &History) -> Outcome {
    Outcome::not_measured(match history.whole {
        true => "the table has no data yet",
        false => "the log does not reach back to a commit that changed rows",
    })
}

pub(crate) fn seconds(time: TimeDelta) -> f64 {
    time.as_seconds_f64()
}
