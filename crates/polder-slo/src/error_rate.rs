//! Rows that were rejected, of all that were delivered.

use chrono::{DateTime, Utc};

use crate::history::{History, Window};
use crate::looked::Looked;
use crate::outcome::{Basis, Figure, Outcome};

/// Up to when runs tell of all rows, where commits of the time before the log begins are missing: the end of the last run
/// that reached into it. Nothing where a run that did has not ended.
fn told_by_runs(history: &History, cut: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let mut until = cut;
    loop {
        let reaching = history.runs.iter().filter(|run| run.started < until);
        let ends: Option<Vec<_>> = reaching.map(|run| run.ended).collect();
        match ends?.into_iter().max() {
            Some(end) if end > until => until = end,
            _ => return Some(until),
        }
    }
}

pub(crate) fn errors(promised: f64, history: &History, window: Window) -> Outcome {
    let inside = |at: DateTime<Utc>| at > window.from && at <= window.to;
    let first_commit = history.commits.first().map(|commit| commit.at);
    let first_delivered = history.delivered.first().map(|delivered| delivered.at);
    let (looked, by_runs) = match history.cut_after(window.from) {
        None => {
            let first = history.first_run().into_iter().chain(first_commit);
            let first = first.chain(first_delivered).min();
            (Looked::since(first, window), None)
        }
        Some(cut) => match (history.first_run(), told_by_runs(history, cut)) {
            (Some(first), Some(until)) if first < cut => (Looked::after(first, window), Some(until)),
            _ => (Looked::after(cut, window), None),
        },
    };
    if looked.little {
        return looked.too_little();
    }
    let by_runs = by_runs.unwrap_or(window.from);
    let noted = history
        .delivered
        .iter()
        .filter(|delivered| inside(delivered.at) && delivered.at > by_runs)
        .map(|delivered| (delivered.at, delivered.accepted, delivered.rejected));
    // A run that only quarantined rows made no commit in the table.
    let counted = |ended: DateTime<Utc>, committed: bool, rejected: u64| match committed {
        true => ended <= by_runs,
        false => rejected > 0,
    };
    let runs = history.runs.iter().filter_map(|run| Some((run.ended?, run)));
    let runs = runs.filter(|(ended, run)| inside(*ended) && counted(*ended, run.committed, run.rejected));
    let of_runs = runs.map(|(ended, run)| (ended, if run.committed { run.accepted } else { 0 }, run.rejected));
    let (mut rejected, mut accepted, mut since, mut used) = (0, 0, None, (false, false));
    for (at, of_accepted, of_rejected) in noted {
        (accepted, rejected) = (accepted + of_accepted, rejected + of_rejected);
        since = since.max((of_rejected > 0).then_some(at));
        used.0 = true;
    }
    for (at, of_accepted, of_rejected) in of_runs {
        (accepted, rejected) = (accepted + of_accepted, rejected + of_rejected);
        since = since.max((of_rejected > 0).then_some(at));
        used.1 = true;
    }
    let all: u64 = accepted + rejected;
    if all == 0 {
        return Outcome::not_measured("no row was delivered in the window, or nobody noted how many");
    }
    let basis = match used {
        (_, false) => Basis::Commits,
        (true, true) => Basis::CommitsAndRuns,
        (false, true) => Basis::Runs,
    };
    let share = 100.0 * rejected as f64 / all as f64;
    Outcome::of(share <= promised, Figure::Percent(share), basis)
        .with_budget("rows", all as f64 * promised / 100.0, rejected as f64)
        .since(since)
        .over(&looked, window)
}
