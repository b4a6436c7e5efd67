//! Pasts of which the log does not tell everything any more.

use chrono::{DateTime, TimeDelta, Utc};

use super::measuring::{at, commits, contract, history, run, window};
use crate::assess;
use crate::history::{Delivered, History, RunRecord};
use crate::outcome::Figure;

/// A past of which only what came from a moment on is left in the log.
fn cut(log_begins: DateTime<Utc>, past: &History) -> History {
    let kept = past.commits.iter().filter(|commit| commit.at >= log_begins);
    let delivered = past.delivered.iter().filter(|delivered| delivered.at >= log_begins);
    History {
        commits: kept.cloned().collect(),
        delivered: delivered.cloned().collect(),
        whole: false,
        log_begins: Some(log_begins),
        ..past.clone()
    }
}

#[test]
fn what_the_log_does_not_hold_any_more_is_neither_met_nor_shown_as_looked_at() {
    // A gap from the 5th to the 13th, which a log that begins on the 13th does not tell of.
    let whole = history(commits(&[at(5, 0), at(13, 0), at(15, 0), at(18, 0)]), Vec::new());
    let level = |past: &History, text: &str| {
        let contract = contract("active", &format!("  - {{property: {text}}}\n"));
        assess(&contract, Some(past), window()).remove(0)
    };
    let weekly = "frequency, value: 7, unit: d";
    let known = level(&whole, weekly);
    assert_eq!(
        (known.verdict(), known.why(), known.window.from),
        ("breached", None, at(10, 0))
    );
    let left = level(&cut(at(13, 0), &whole), weekly);
    assert_eq!((left.verdict(), left.window.from), ("met", at(13, 0)));
    let note = "measured since 2026-01-13T12:00:00Z: nothing is known of the time before";
    assert_eq!(
        (left.why(), left.to_json()["window"]["from"].as_str()),
        (Some(note), Some("2026-01-13T12:00:00Z"))
    );
    // Of less than half of the window nothing is met; a gap that is too long is there all the same.
    let little = cut(at(16, 0), &whole);
    assert_eq!(level(&little, weekly).verdict(), "not measured");
    assert!(level(&little, weekly).why().unwrap().contains("more than half"));
    assert_eq!(level(&little, "frequency, value: 1, unit: d").verdict(), "breached");
    // A log that reaches back to where the window begins has all of it, as has a table that is younger.
    let enough = cut(
        at(9, 0),
        &history(commits(&[at(9, 0), at(13, 0), at(18, 0)]), Vec::new()),
    );
    let measured = level(&enough, weekly);
    assert_eq!(
        (measured.verdict(), measured.why(), measured.window.from),
        ("met", None, at(10, 0))
    );
    let young = history(commits(&[at(17, 0), at(18, 0)]), Vec::new());
    let measured = level(&young, weekly);
    assert_eq!(
        (measured.verdict(), measured.why(), measured.window.from),
        ("met", None, at(17, 0))
    );
    // Late data before the log begins is as unknown.
    let available = "availability, value: 10, unit: percent}\n  - {property: latency, value: 4, unit: d";
    assert_eq!(level(&little, available).verdict(), "not measured");
    let left = level(&cut(at(13, 0), &whole), available);
    assert_eq!(
        (left.verdict(), left.why(), left.window.from),
        ("met", Some(note), at(13, 0))
    );
}

#[test]
fn a_first_commit_that_is_gone_was_before_the_oldest_that_is_left() {
    let past = cut(at(13, 0), &history(commits(&[at(5, 0), at(13, 0)]), Vec::new()));
    let level = |day: &str| {
        let text = format!("  - {{property: generalAvailability, value: \"2026-01-{day}\"}}\n");
        let level = assess(&contract("active", &text), Some(&past), window()).remove(0);
        (level.verdict(), level.why().unwrap_or_default().to_owned())
    };
    assert_eq!(level("14").0, "met");
    assert!(level("14").1.starts_with("then or before"), "{:?}", level("14"));
    assert_eq!(level("07").0, "not measured");
}

#[test]
fn a_log_without_a_data_commit_makes_no_table_empty() {
    let past = cut(at(19, 0), &history(commits(&[at(5, 0)]), Vec::new()));
    for text in [
        "latency, value: 1, unit: d",
        "frequency, value: 1, unit: d",
        "retention, value: 1, unit: y",
    ] {
        let contract = contract("active", &format!("  - {{property: {text}}}\n"));
        let level = assess(&contract, Some(&past), window()).remove(0);
        assert_eq!(
            (level.verdict(), level.why()),
            (
                "not measured",
                Some("the log does not reach back to a commit that changed rows")
            ),
            "{text}"
        );
    }
}

#[test]
fn rows_of_commits_that_are_gone_are_counted_by_their_runs_or_not_at_all() {
    // A hundred rows in each commit, of which 40, 10, 50 and none were rejected.
    let all = [(11, 60, 40), (14, 90, 10), (16, 50, 50), (19, 100, 0)];
    let noted = |(day, accepted, rejected)| Delivered {
        at: at(day, 0),
        accepted,
        rejected,
    };
    let ran = |(day, accepted, rejected)| RunRecord {
        accepted,
        rejected,
        ..run(at(day, 0) + TimeDelta::minutes(1), true)
    };
    let past = |runs: Vec<RunRecord>| History {
        delivered: all.map(noted).to_vec(),
        ..history(commits(&all.map(|(day, ..)| at(day, 0))), runs)
    };
    let alone = past(Vec::new());
    let with_runs = past(all.map(ran).to_vec());
    let rate = |past: &History| {
        let contract = contract("active", "  - {property: errorRate, value: 22, unit: percent}\n");
        let level = assess(&contract, Some(past), window()).remove(0);
        (level.verdict(), level.outcome.measured, level.window.from)
    };
    let percent = |percent| Some(Figure::Percent(percent));
    assert_eq!(rate(&alone), ("breached", percent(25.0), at(11, 0)));
    assert_eq!(rate(&cut(at(14, 0), &alone)), ("met", percent(20.0), at(14, 0)));
    assert_eq!(rate(&cut(at(16, 0), &alone)), ("not measured", None, at(10, 0)));
    // Runs tell of all of them, also of the one whose commit is the oldest that is left.
    let from_the_first_run = at(11, -1) + TimeDelta::minutes(1);
    assert_eq!(rate(&with_runs).1, percent(25.0));
    assert_eq!(
        rate(&cut(at(16, 0), &with_runs)),
        ("breached", percent(25.0), from_the_first_run)
    );
    // Nobody knows how many rows one brought that has not ended.
    let mut running = cut(at(14, 0), &with_runs);
    running.runs[1].ended = None;
    assert_eq!(rate(&running), ("met", percent(20.0), at(14, 0)));
}
