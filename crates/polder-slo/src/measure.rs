//! One promise held against a history. Pure: the same history and window give the same outcome.

use chrono::{DateTime, TimeDelta, Utc};
use polder_contract::{Promise, Promised, Span, Subject};

use crate::ages::{age, retention};
use crate::error_rate::errors;
use crate::history::{History, Window};
use crate::looked::Looked;
use crate::outage;
use crate::outcome::{Basis, Figure, Outcome, no_commit, seconds};

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

fn gap(allowed: Span, history: &History, window: Window) -> Outcome {
    let commits = history.commits.iter().map(|commit| commit.at);
    let moments: Vec<_> = commits.filter(|at| *at <= window.to).collect();
    let Some(first) = moments.first() else {
        return no_commit(history);
    };
    let looked = match history.cut_after(window.from) {
        Some(cut) => Looked::after(cut, window),
        None => Looked::since(Some(*first), window),
    };
    let next = moments.iter().skip(1).copied().chain([window.to]);
    let gaps = moments.iter().copied().zip(next).filter(|(_, end)| *end > window.from);
    let longest = gaps.max_by_key(|(begin, end)| *end - *begin);
    // Where nothing is after the window's beginning, the last commit is a gap up to its end all the same.
    let (begin, end) = longest.unwrap_or((moments[moments.len() - 1], window.to));
    let (longest, limit) = (end - begin, allowed.until(end));
    // A gap that is too long is one, whatever was before.
    if looked.little && longest <= limit {
        return looked.too_little();
    }
    Outcome::of(longest <= limit, Figure::Time(longest), Basis::Commits)
        .with_budget("seconds", seconds(limit), seconds(longest))
        .since(begin.checked_add_signed(limit))
        .over(&looked, window)
}

fn repair(allowed: Span, history: &History, window: Window) -> Outcome {
    if history.runs.is_empty() {
        return Outcome::not_measured("no run is known");
    }
    let looked = Looked::since(history.first_run(), window);
    let outages = outage::of_runs(&history.runs, window.to);
    let outages = outages.into_iter().filter(|outage| outage.to > window.from);
    let Some(longest) = outages.max_by_key(|outage| outage.length()) else {
        return Outcome::of(true, Figure::Time(TimeDelta::zero()), Basis::Runs).over(&looked, window);
    };
    let limit = allowed.until(longest.to);
    Outcome::of(longest.length() <= limit, Figure::Time(longest.length()), Basis::Runs)
        .with_budget("seconds", seconds(limit), seconds(longest.length()))
        .since(longest.from.checked_add_signed(limit))
        .over(&looked, window)
}

fn availability(promised: f64, history: &History, window: Window, latency: Option<Span>) -> Outcome {
    let first_run = history.first_run();
    let first_commit = history.commits.first().map(|commit| commit.at);
    if history.runs.is_empty() && (latency.is_none() || first_commit.is_none()) {
        let why = "no run is known, and no latency is promised by which the data would be there or not";
        return Outcome::not_measured(why);
    }
    let looked = match (latency, history.cut_after(window.from)) {
        // How late data was before the log begins, nobody knows.
        (Some(_), Some(cut)) => Looked::after(cut, window),
        (None, Some(_)) => Looked::since(first_run, window),
        (_, None) => Looked::since(first_run.into_iter().chain(first_commit).min(), window),
    };
    if looked.little {
        return looked.too_little();
    }
    let from = looked.from;
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
        .over(&looked, window)
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
    Outcome::of(rate >= promised, Figure::RowsPerSecond(rate), Basis::Runs)
        .since(last)
        .over(&Looked::since(history.first_run(), window), window)
}

fn begins(promised: DateTime<Utc>, history: &History, window: Window) -> Outcome {
    match history.commits.first() {
        Some(first) if first.at <= promised || history.whole => {
            let outcome = Outcome::of(first.at <= promised, Figure::Instant(first.at), Basis::Commits);
            let note =
                (!history.whole).then(|| "then or before: the log does not reach back to the first commit".to_owned());
            Outcome { note, ..outcome }.since(Some(promised))
        }
        Some(_) => Outcome::not_measured("the log does not reach back to the first commit"),
        None if window.to < promised => Outcome::of(true, Figure::Instant(promised), Basis::Calendar),
        None => Outcome::of(false, Figure::Instant(window.to), Basis::Commits).since(Some(promised)),
    }
}
