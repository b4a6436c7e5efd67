//! How old the newest and the oldest data are.

use chrono::TimeDelta;
use polder_contract::Span;
use polder_core::clock::{self, AHEAD};

use crate::history::{ColumnSpan, History, Window};
use crate::outcome::{Basis, Figure, Outcome, no_commit, seconds};

/// What is known of all the columns, with their names; why one of them tells nothing.
fn spans<'h>(columns: &'h [String], history: &'h History) -> Result<Vec<(&'h str, ColumnSpan)>, String> {
    let known = columns.iter().map(|column| match history.columns.get(column) {
        Some(span) => Ok((column.as_str(), *span)),
        None => Err(match history.unread.get(column) {
            Some(why) => why.clone(),
            None => format!("`{column}` is no column of dates or timestamps in the table"),
        }),
    });
    known.collect()
}

fn basis(spans: &[(&str, ColumnSpan)]) -> Basis {
    match spans.iter().any(|(_, span)| span.read) {
        true => Basis::Scan,
        false => Basis::Statistics,
    }
}

fn without_value(column: &str, history: &History) -> Outcome {
    match history.commits.is_empty() && history.whole {
        true => no_commit(history),
        false => Outcome::not_measured(format!("`{column}` has no value whose age could be told")),
    }
}

pub(crate) fn age(allowed: Span, columns: &[String], history: &History, window: Window) -> Outcome {
    let spans = match spans(columns, history) {
        Ok(spans) => spans,
        Err(why) => return Outcome::not_measured(why),
    };
    let mut newest = Vec::new();
    for (column, span) in &spans {
        match span.values {
            Some((_, newest_value)) => newest.push((newest_value, span.lasts)),
            None => return without_value(column, history),
        }
    }
    // Of several columns the one that lags behind counts.
    let lagging = newest.into_iter().min_by_key(|(begins, lasts)| *begins + *lasts);
    let (begins, lasts, basis) = match (lagging, history.last_commit()) {
        (Some((begins, lasts)), _) => (begins, lasts, basis(&spans)),
        (None, Some(newest)) => (newest, TimeDelta::zero(), Basis::Commits),
        (None, None) => return no_commit(history),
    };
    let ends = begins.checked_add_signed(lasts).unwrap_or(begins);
    let age: TimeDelta = clock::age(begins, ends, window.to);
    if age < -AHEAD {
        let why = format!(
            "the newest value is of {}, which is yet to come: it tells nothing of how old the rest is",
            begins.format("%Y-%m-%d")
        );
        return Outcome::not_measured(why);
    }
    // Clocks differ: what is dated a little ahead is not older than now.
    let age = age.max(TimeDelta::zero());
    let limit = allowed.until(window.to);
    Outcome::of(age <= limit, Figure::Time(age), basis)
        .with_budget("seconds", seconds(limit), seconds(age))
        .since(ends.checked_add_signed(limit))
}

pub(crate) fn retention(promised: Span, columns: &[String], history: &History, window: Window) -> Outcome {
    let Some(first) = history.commits.first() else {
        return no_commit(history);
    };
    let Some(reach) = promised.before(window.to) else {
        return Outcome::not_measured("the promise reaches beyond the calendar");
    };
    // Before the first there was nothing to take away.
    let nothing_gone = history.whole && !history.commits.iter().skip(1).any(|commit| commit.takes_away);
    let spans = match spans(columns, history) {
        Ok(spans) => spans,
        Err(why) => return Outcome::not_measured(why),
    };
    let mut youngest = None;
    for (column, span) in &spans {
        match span.values {
            Some((oldest, _)) => youngest = youngest.max(Some(oldest)),
            None => return without_value(column, history),
        }
    }
    let (oldest, basis) = match youngest {
        Some(oldest) => (oldest, basis(&spans)),
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
