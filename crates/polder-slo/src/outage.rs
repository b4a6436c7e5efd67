//! Times in which something was not as it should be.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use polder_contract::Span;

use crate::history::{History, RunRecord, Window};

/// A stretch of time in which something was wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Outage {
    pub(crate) from: DateTime<Utc>,
    pub(crate) to: DateTime<Utc>,
    /// Whether it was over at `to`; else nobody knows how long it lasts.
    pub(crate) over: bool,
}

impl Outage {
    pub(crate) fn length(self) -> TimeDelta {
        self.to - self.from
    }
}

/// From the end of a failed run to the end of the next run of the same step that succeeded, by step. A failure before
/// that one is over does not begin another.
pub(crate) fn of_runs(runs: &[RunRecord], now: DateTime<Utc>) -> Vec<Outage> {
    let mut open: BTreeMap<&str, DateTime<Utc>> = BTreeMap::new();
    let mut outages = Vec::new();
    let mut ended: Vec<_> = runs.iter().filter_map(|run| Some((run.ended?, run))).collect();
    ended.sort_by_key(|(ended, _)| *ended);
    for (ended, run) in ended.into_iter().filter(|(ended, _)| *ended <= now) {
        if !run.succeeded {
            open.entry(&run.step).or_insert(ended);
        } else if let Some(from) = open.remove(run.step.as_str()) {
            outages.push(Outage {
                from,
                to: ended,
                over: true,
            });
        }
    }
    outages.extend(open.into_values().map(|from| Outage {
        from,
        to: now,
        over: false,
    }));
    outages.sort();
    outages
}

/// When the newest data commit was older than it may be.
pub(crate) fn of_latency(history: &History, latency: Span, now: DateTime<Utc>) -> Vec<Outage> {
    let commits = &history.commits;
    let ends = commits.iter().skip(1).map(|commit| (commit.at, true));
    let late = commits
        .iter()
        .zip(ends.chain([(now, false)]))
        .filter_map(|(commit, (next, over))| {
            let from = next - (next - commit.at - latency.until(next)).max(TimeDelta::zero());
            (from < next).then_some(Outage { from, to: next, over })
        });
    late.collect()
}

/// The parts inside a window, overlaps counted once.
pub(crate) fn merged(mut outages: Vec<Outage>, window: Window) -> Vec<Outage> {
    outages.sort();
    let mut merged: Vec<Outage> = Vec::new();
    for outage in outages {
        let clipped = Outage {
            from: outage.from.max(window.from),
            to: outage.to.min(window.to),
            over: outage.over,
        };
        if clipped.from >= clipped.to {
            continue;
        }
        match merged.last_mut() {
            Some(last) if clipped.from <= last.to => {
                if clipped.to >= last.to {
                    last.over = if clipped.to == last.to {
                        last.over && clipped.over
                    } else {
                        clipped.over
                    };
                    last.to = clipped.to;
                }
            }
            _ => merged.push(clipped),
        }
    }
    merged
}
