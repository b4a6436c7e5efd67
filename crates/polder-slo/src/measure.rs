//! One promise held against a history. Pure: the same history and window give the same outcome.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use polder_contract::lifecycle::day;
use polder_contract::{Promise, Promised, Span, Subject};
use polder_core::clock::AHEAD;
use serde::Serialize;

use crate::history::{History, Window};
use crate::outage;

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
}

impl Outcome {
    pub(crate) fn not_measured(why: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::NotMeasured(why.into()),
            measured: None,
            basis: None,
            budget: None,
            since: None,
        }
    }

    fn of(met: bool, measured: Figure, basis: Basis) -> Self {
        Self {
            verdict: if met { Verdict::Met } else { Verdict::Breached },
            measured: Some(measured),
            basis: Some(basis),
            budget: None,
            since: None,
        }
    }

    fn with_budget(self, unit: &'static str, allowed: f64, spent: f64) -> Self {
        let budget = Some(Budget { unit, allowed, spent });
        Self { budget, ..self }
    }

    /// Where it is broken: since when.
    fn since(self, since: Option<DateTime<Utc>>) -> Self {
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

/// Holds a promise against a history. `columns` are the columns that it is about; `latency` is what the same contract
/// promises about latency, which availability is measured by too.
pub fn measure(
    promise: &Promise,
    columns: &[String],
    history: &History,
    window: Window,
    latency: Option<Span>,
) -> Outcome {
    match (&promise.subject, &promise.promised) {
        (Subject::Latency, Promised::Span(span)) => age(*span, columns, history, window),
        (Subject::Frequency, Promised::Span(span)) => gap(*span, history, window),
        (Subject::Retention, Promised::Span(span)) => retention(*span, columns, history, window),
        (Subject::TimeToRepair, Promised::Span(span)) => repair(*span, history, window),
        (Subject::Availability, Promised::Percent(percent)) => availability(*percent, history, window, latency),
        (Subject::ErrorRate, Promised::Percent(percent)) => errors(*percent, history, window),
        (Subject::Throughput, Promised::Rate { rows, seconds }) => throughput(rows / *seconds as f64, history, window),
        (Subject::GeneralAvailability, Promised::Instant(instant)) => begins(*instant, history, window),
        (Subject::EndOfSupport | Subject::EndOfLife, Promised::Instant(instant)) => {
            if window.to < *instant {
                Outcome::of(true, Figure::End(*instant), Basis::Calendar)
            } else {
                Outcome::not_measured("the moment is past: nothing is promised any more")
            }
        }
        (Subject::TimeToDetect | Subject::TimeToNotify, _) => {
            Outcome::not_measured("Polder notes when something fails, not when somebody learns of it")
        }
        (subject, _) => match subject {
            Subject::Other(name) => Outcome::not_measured(format!("Polder does not measure `{name}`")),
            _ => Outcome::not_measured("the promise is of another kind than its subject"),
        },
    }
}

/// The instants of all the columns, where every one is known and there is one at all.
fn all_known(
    columns: &[String],
    known: &std::collections::BTreeMap<String, DateTime<Utc>>,
) -> Option<Vec<DateTime<Utc>>> {
    let instants: Option<Vec<_>> = columns.iter().map(|column| known.get(column).copied()).collect();
    instants.filter(|instants| !instants.is_empty())
}

fn age(allowed: Span, columns: &[String], history: &History, window: Window) -> Outcome {
    // Of several columns the one that lags behind counts.
    let of_columns = all_known(columns, &history.newest).and_then(|instants| instants.into_iter().min());
    let (newest, basis) = match (of_columns, history.last_commit()) {
        (Some(newest), _) => (newest, Basis::Statistics),
        (None, Some(newest)) => (newest, Basis::Commits),
        (None, None) => return Outcome::not_measured("the table has no data yet"),
    };
    if newest - window.to > AHEAD {
        let why = format!(
            "the newest value is of {}, which is yet to come: it tells nothing of how old the rest is",
            newest.format("%Y-%m-%d")
        );
        return Outcome::not_measured(why);
    }
    // Of today's date the end counts, and clocks differ: what is dated a little ahead is not older than now.
    let age = (window.to - newest).max(TimeDelta::zero());
    let limit = allowed.until(window.to);
    Outcome::of(age <= limit, Figure::Time(age), basis)
        .with_budget("seconds", seconds(limit), seconds(age))
        .since(newest.checked_add_signed(limit))
}

fn gap(allowed: Span, history: &History, window: Window) -> Outcome {
    let commits = history.commits.iter().map(|commit| commit.at);
    let moments: Vec<_> = commits.filter(|at| *at <= window.to).collect();
    if moments.is_empty() {
        return Outcome::not_measured("the table has no data yet");
    }
    let next = moments.iter().skip(1).copied().chain([window.to]);
    let gaps = moments.iter().copied().zip(next).filter(|(_, end)| *end > window.from);
    let longest = gaps.max_by_key(|(begin, end)| *end - *begin);
    // Where nothing is after the window's beginning, the last commit is a gap up to its end all the same.
    let (begin, end) = longest.unwrap_or((moments[moments.len() - 1], window.to));
    let (longest, limit) = (end - begin, allowed.until(end));
    Outcome::of(longest <= limit, Figure::Time(longest), Basis::Commits)
        .with_budget("seconds", seconds(limit), seconds(longest))
        .since(begin.checked_add_signed(limit))
}

fn retention(promised: Span, columns: &[String], history: &History, window: Window) -> Outcome {
    let Some(first) = history.commits.first() else {
        return Outcome::not_measured("the table has no data yet");
    };
    let Some(reach) = promised.before(window.to) else {
        return Outcome::not_measured("the promise reaches beyond the calendar");
    };
    // Before the first there was nothing to take away.
    let nothing_gone = history.whole && !history.commits.iter().skip(1).any(|commit| commit.takes_away);
    let of_columns = all_known(columns, &history.oldest).and_then(|instants| instants.into_iter().max());
    let (oldest, basis) = match of_columns {
        Some(oldest) => (oldest, Basis::Statistics),
        None if nothing_gone => (first.at, Basis::Commits),
        None if !history.whole => {
            let why = "the log does not reach back to the beginning: name a column of dates as the element";
            return Outcome::not_measured(why);
        }
        None => {
            let why = "rows were replaced or deleted: name a column of dates as the element";
            return Outcome::not_measured(why);
        }
    };
    // A table that is younger than the promise keeps it as long as nothing was taken away.
    let met = oldest <= reach || nothing_gone;
    if !met && history.whole && first.at > reach {
        let why = "the table is younger than the promise, and rows were replaced or deleted: nobody can tell which";
        return Outcome::not_measured(why);
    }
    Outcome::of(met, Figure::Time(window.to - oldest), basis)
}

fn repair(allowed: Span, history: &History, window: Window) -> Outcome {
    if history.runs.is_empty() {
        return Outcome::not_measured("no run is known");
    }
    let outages = outage::of_runs(&history.runs, window.to);
    let outages = outages.into_iter().filter(|outage| outage.to > window.from);
    let Some(longest) = outages.max_by_key(|outage| outage.length()) else {
        return Outcome::of(true, Figure::Time(TimeDelta::zero()), Basis::Runs);
    };
    let limit = allowed.until(longest.to);
    Outcome::of(longest.length() <= limit, Figure::Time(longest.length()), Basis::Runs)
        .with_budget("seconds", seconds(limit), seconds(longest.length()))
        .since(longest.from.checked_add_signed(limit))
}

fn availability(promised: f64, history: &History, window: Window, latency: Option<Span>) -> Outcome {
    let first_run = history.runs.iter().map(|run| run.started).min();
    let first_commit = history.commits.first().map(|commit| commit.at);
    if history.runs.is_empty() && (latency.is_none() || first_commit.is_none()) {
        let why = "no run is known, and no latency is promised by which the data would be there or not";
        return Outcome::not_measured(why);
    }
    let begin = first_run.into_iter().chain(first_commit).min();
    let from = begin.map_or(window.from, |begin| begin.max(window.from));
    let observed = Window { from, ..window };
    let whole = window.to - from;
    if whole <= TimeDelta::zero() {
        return Outcome::not_measured("nothing happened in the window");
    }
    let mut outages = outage::of_runs(&history.runs, window.to);
    if let Some(latency) = latency {
        outages.extend(outage::of_latency(history, latency, window.to));
    }
    // Not cut to the window, so that it stays the same while the window moves on.
    let newest = outages
        .iter()
        .filter(|outage| outage.to > from)
        .max_by_key(|outage| outage.to);
    let since = newest.map(|outage| outage.from);
    let outages = outage::merged(outages, observed);
    let down: TimeDelta = outages.iter().map(|outage| outage.length()).sum();
    let share = 100.0 * (1.0 - seconds(down) / seconds(whole));
    let basis = match (history.runs.is_empty(), latency.is_some()) {
        (true, _) => Basis::Commits,
        (false, true) => Basis::CommitsAndRuns,
        (false, false) => Basis::Runs,
    };
    let allowed = seconds(whole) * (1.0 - promised / 100.0);
    Outcome::of(share >= promised, Figure::Percent(share), basis)
        .with_budget("seconds", allowed, seconds(down))
        .since(since)
}

fn errors(promised: f64, history: &History, window: Window) -> Outcome {
    let inside = |at: DateTime<Utc>| at > window.from && at <= window.to;
    let commits = history.commits.iter().filter(|commit| inside(commit.at));
    let noted = commits.filter_map(|commit| Some((commit.at, commit.accepted?, commit.rejected?)));
    // A run that only quarantined rows made no commit in the table.
    let quarantined = history.runs.iter().filter(|run| !run.committed && run.rejected > 0);
    let quarantined = quarantined.filter_map(|run| Some((run.ended?, 0, run.rejected)));
    let counted: Vec<_> = noted.chain(quarantined.filter(|(at, ..)| inside(*at))).collect();
    let rejected: u64 = counted.iter().map(|(.., rejected)| rejected).sum();
    let all = rejected + counted.iter().map(|(_, accepted, _)| accepted).sum::<u64>();
    if all == 0 {
        return Outcome::not_measured("no row was delivered in the window, or nobody noted how many");
    }
    let share = 100.0 * rejected as f64 / all as f64;
    let since = counted
        .iter()
        .filter(|(.., rejected)| *rejected > 0)
        .map(|(at, ..)| *at)
        .max();
    Outcome::of(share <= promised, Figure::Percent(share), Basis::Commits)
        .with_budget("rows", all as f64 * promised / 100.0, rejected as f64)
        .since(since)
}

fn throughput(promised: f64, history: &History, window: Window) -> Outcome {
    let runs = history.runs.iter().filter(|run| run.succeeded && run.accepted > 0);
    let counted = runs.filter_map(|run| Some((run.ended?, run.started, run.accepted)));
    let (mut rows, mut time, mut last) = (0, TimeDelta::zero(), None);
    for (ended, started, accepted) in counted.filter(|(ended, ..)| *ended > window.from && *ended <= window.to) {
        rows += accepted;
        time += ended - started;
        last = last.max(Some(ended));
    }
    if time <= TimeDelta::zero() {
        return Outcome::not_measured("no run that brought rows is known in the window");
    }
    let rate = rows as f64 / seconds(time);
    Outcome::of(rate >= promised, Figure::RowsPerSecond(rate), Basis::Runs).since(last)
}

fn begins(promised: DateTime<Utc>, history: &History, window: Window) -> Outcome {
    match history.commits.first() {
        Some(first) if first.at <= promised || history.whole => {
            Outcome::of(first.at <= promised, Figure::Instant(first.at), Basis::Commits).since(Some(promised))
        }
        Some(_) => Outcome::not_measured("the log does not reach back to the first commit"),
        None if window.to < promised => Outcome::of(true, Figure::Instant(promised), Basis::Calendar),
        None => Outcome::of(false, Figure::Instant(window.to), Basis::Commits).since(Some(promised)),
    }
}

fn seconds(time: TimeDelta) -> f64 {
    time.as_seconds_f64()
}
