use chrono::{DateTime, TimeDelta, Utc};
use polder_contract::{ContractSet, DatasetContract, Promise, Promised, Span, Subject};
use polder_core::document::{Severity, Source};
use proptest::prelude::*;

use crate::history::{ColumnSpan, DataCommit, Delivered, History, RunRecord, Window};
use crate::measure::measure;
use crate::outcome::{Basis, Figure, Outcome, Verdict};
use crate::{Breach, assess};

/// Noon of a day in January 2026, and hours after it.
pub(super) fn at(day: u32, hours: i64) -> DateTime<Utc> {
    let noon: DateTime<Utc> = format!("2026-01-{day:02}T12:00:00Z").parse().unwrap();
    noon + TimeDelta::hours(hours)
}

const fn days(days: u64) -> Span {
    hours(days * 24)
}

const fn hours(hours: u64) -> Span {
    Span {
        months: 0,
        seconds: hours * 3_600,
    }
}

/// The ten days up to noon of the 20th.
pub(super) fn window() -> Window {
    Window {
        from: at(10, 0),
        to: at(20, 0),
    }
}

pub(super) fn commits(at: &[DateTime<Utc>]) -> Vec<DataCommit> {
    let commit = |at: &DateTime<Utc>| DataCommit {
        at: *at,
        takes_away: false,
    };
    at.iter().map(commit).collect()
}

/// A run of an hour that ends then.
pub(super) fn run(ended: DateTime<Utc>, succeeded: bool) -> RunRecord {
    RunRecord {
        step: "pipeline sales.lines".to_owned(),
        started: ended - TimeDelta::hours(1),
        ended: Some(ended),
        succeeded,
        accepted: if succeeded { 7_200 } else { 0 },
        rejected: 0,
        committed: succeeded,
    }
}

pub(super) fn history(commits: Vec<DataCommit>, runs: Vec<RunRecord>) -> History {
    History {
        commits,
        whole: true,
        runs,
        ..History::default()
    }
}

/// A column of timestamps between two moments, by the statistics.
fn between(oldest: DateTime<Utc>, newest: DateTime<Utc>) -> ColumnSpan {
    ColumnSpan {
        values: Some((oldest, newest)),
        lasts: TimeDelta::zero(),
        read: false,
    }
}

fn held(subject: Subject, promised: Promised, history: &History) -> Outcome {
    measure(&Promise { subject, promised }, &[], history, window(), None)
}

fn within(subject: Subject, span: Span, history: &History) -> Outcome {
    held(subject, Promised::Span(span), history)
}

fn why(outcome: &Outcome) -> &str {
    match &outcome.verdict {
        Verdict::NotMeasured(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn latency_is_the_age_of_the_newest_data() {
    let mut past = history(commits(&[at(1, 0), at(19, 0)]), Vec::new());
    let outcome = within(Subject::Latency, days(1), &past);
    assert_eq!(
        (&outcome.verdict, outcome.measured, outcome.basis),
        (
            &Verdict::Met,
            Some(Figure::Time(TimeDelta::hours(24))),
            Some(Basis::Commits)
        )
    );
    assert_eq!(
        outcome
            .budget
            .map(|budget| (budget.allowed, budget.spent, budget.left())),
        Some((86_400.0, 86_400.0, 0.0))
    );
    let outcome = within(Subject::Latency, hours(23), &past);
    assert_eq!((outcome.verdict, outcome.since), (Verdict::Breached, Some(at(19, 23))));

    // The element's column counts more than the commit, and of several the one that lags behind.
    for (column, newest) in [
        ("sold_at", at(18, 0)),
        ("paid_at", at(20, 20)),
        ("valid_until", at(25, 0)),
    ] {
        past.columns.insert(column.to_owned(), between(at(1, 0), newest));
    }
    let none = ColumnSpan {
        values: None,
        ..between(at(1, 0), at(1, 0))
    };
    past.columns.insert("never".to_owned(), none);
    let read = ColumnSpan {
        read: true,
        ..between(at(1, 0), at(19, 0))
    };
    past.columns.insert("read_at".to_owned(), read);
    let promise = Promise {
        subject: Subject::Latency,
        promised: Promised::Span(days(1)),
    };
    let on = |columns: &[&str]| {
        let columns: Vec<_> = columns.iter().map(|column| (*column).to_owned()).collect();
        let outcome = measure(&promise, &columns, &past, window(), None);
        let why = match outcome.verdict {
            Verdict::NotMeasured(why) => why,
            _ => String::new(),
        };
        ((outcome.measured, outcome.basis), why)
    };
    let age = |hours| Some(Figure::Time(TimeDelta::hours(hours)));
    assert_eq!(on(&["sold_at", "paid_at"]).0, (age(48), Some(Basis::Statistics)));
    assert_eq!(on(&["read_at", "paid_at"]).0, (age(24), Some(Basis::Scan)));
    // Up to a day ahead of the clock is of age 0; what is further ahead tells nothing.
    assert_eq!(on(&["paid_at"]).0, (age(0), Some(Basis::Statistics)));
    assert_eq!(on(&["valid_until"]).0, (None, None));
    // The newest commit tells nothing of a column that does not.
    assert_eq!(
        on(&["sold_at", "unknown"]),
        (
            (None, None),
            "`unknown` is no column of dates or timestamps in the table".to_owned()
        )
    );
    assert_eq!(
        on(&["never"]),
        ((None, None), "`never` has no value whose age could be told".to_owned())
    );
    assert_eq!(
        why(&within(Subject::Latency, days(1), &history(Vec::new(), Vec::new()))),
        "the table has no data yet"
    );
}

#[test]
fn a_date_grows_old_from_the_end_of_its_day_on() {
    let midnight = |day| at(day, -12);
    let promise = Promise {
        subject: Subject::Latency,
        promised: Promised::Span(days(1)),
    };
    // At noon of the 20th the 19th is over for half a day; the 21st begins in half a day, the 22nd in more than one.
    for (newest, hours) in [(18, Some(36)), (19, Some(12)), (20, Some(0)), (21, Some(0)), (22, None)] {
        let mut past = history(commits(&[at(20, 0)]), Vec::new());
        let dates = ColumnSpan {
            lasts: TimeDelta::days(1),
            ..between(midnight(1), midnight(newest))
        };
        past.columns.insert("day".to_owned(), dates);
        let outcome = measure(&promise, &["day".to_owned()], &past, window(), None);
        let age = hours.map(|hours| Figure::Time(TimeDelta::hours(hours)));
        assert_eq!(outcome.measured, age, "{newest}");
        let since = (newest == 18).then(|| midnight(20));
        assert_eq!(outcome.since, since, "{newest}");
    }
}

#[test]
fn frequency_is_the_longest_time_without_data() {
    let past = history(commits(&[at(1, 0), at(12, 0), at(15, 0), at(19, 0)]), Vec::new());
    // From the 1st to the 12th: the gap reaches into the window.
    let outcome = within(Subject::Frequency, days(10), &past);
    assert_eq!(
        (&outcome.verdict, outcome.measured, outcome.since),
        (
            &Verdict::Breached,
            Some(Figure::Time(TimeDelta::days(11))),
            Some(at(11, 0))
        )
    );
    let past = history(commits(&[at(9, 0), at(12, 0), at(15, 0), at(16, 0)]), Vec::new());
    // Since the last commit four days passed.
    let outcome = within(Subject::Frequency, days(4), &past);
    assert_eq!(
        (outcome.verdict, outcome.measured),
        (Verdict::Met, Some(Figure::Time(TimeDelta::days(4))))
    );
    // A gap that was over before the window does not count.
    let past = history(commits(&[at(1, 0), at(9, 0), at(15, 0), at(19, 0)]), Vec::new());
    let outcome = within(Subject::Frequency, days(6), &past);
    assert_eq!(
        (outcome.verdict, outcome.measured),
        (Verdict::Met, Some(Figure::Time(TimeDelta::days(6))))
    );
}

#[test]
fn availability_is_the_share_without_failures_and_late_data() {
    // Ten days, one of them between a failure and the next success.
    let runs = vec![
        run(at(11, 0), true),
        run(at(12, 0), false),
        run(at(12, 6), false),
        run(at(13, 0), true),
    ];
    let past = history(commits(&[at(5, 0), at(13, 0)]), runs);
    let percent = |promised, latency, past: &History| {
        let promise = Promise {
            subject: Subject::Availability,
            promised: Promised::Percent(promised),
        };
        measure(&promise, &[], past, window(), latency)
    };
    let outcome = percent(90.0, None, &past);
    assert_eq!((&outcome.verdict, outcome.basis), (&Verdict::Met, Some(Basis::Runs)));
    assert_eq!(outcome.measured, Some(Figure::Percent(90.0)));
    let budget = outcome.budget.unwrap();
    assert!((budget.allowed - 86_400.0).abs() < 1e-6 && budget.spent == 86_400.0);
    let outcome = percent(90.1, None, &past);
    assert_eq!((outcome.verdict, outcome.since), (Verdict::Breached, Some(at(12, 0))));
    // Data of the 13th may be four days old: from the 17th to the 20th it is late. That of the 5th was late from the 9th
    // to the 13th, three days of the window, in one of which the run had failed too.
    let outcome = percent(90.0, Some(days(4)), &past);
    assert_eq!(
        (outcome.measured, outcome.basis),
        (Some(Figure::Percent(40.0)), Some(Basis::CommitsAndRuns))
    );
    // A failure that nobody mended lasts until now.
    let past = history(commits(&[at(15, 0)]), vec![run(at(15, 0), true), run(at(18, 0), false)]);
    let outcome = percent(99.0, None, &past);
    // The table is there since the 15th less the hour of its first run: 121 hours, 48 of them down.
    assert_eq!(outcome.measured, Some(Figure::Percent(100.0 * (1.0 - 48.0 / 121.0))));
    assert!(why(&percent(99.0, None, &history(commits(&[at(1, 0)]), Vec::new()))).starts_with("no run is known"));
}

#[test]
fn repair_takes_from_the_failure_to_the_next_success() {
    let runs = vec![
        run(at(11, 0), false),
        run(at(11, 3), false),
        run(at(11, 5), true),
        run(at(14, 0), false),
        run(at(14, 2), true),
    ];
    let outcome = within(
        Subject::TimeToRepair,
        hours(4),
        &history(commits(&[at(1, 0)]), runs.clone()),
    );
    assert_eq!(
        (outcome.verdict, outcome.measured, outcome.since),
        (
            Verdict::Breached,
            Some(Figure::Time(TimeDelta::hours(5))),
            Some(at(11, 4))
        )
    );
    let outcome = within(Subject::TimeToRepair, hours(5), &history(commits(&[at(1, 0)]), runs));
    assert_eq!(outcome.verdict, Verdict::Met);
    // Another step's success mends nothing.
    let mut other = run(at(13, 0), true);
    other.step = "stream sales.lines".to_owned();
    let outcome = within(
        Subject::TimeToRepair,
        hours(5),
        &history(commits(&[at(1, 0)]), vec![run(at(12, 0), false), other]),
    );
    assert_eq!(outcome.measured, Some(Figure::Time(TimeDelta::days(8))));
    let fine = within(
        Subject::TimeToRepair,
        hours(5),
        &history(commits(&[at(1, 0)]), vec![run(at(12, 0), true)]),
    );
    assert_eq!(
        (fine.verdict, fine.measured),
        (Verdict::Met, Some(Figure::Time(TimeDelta::zero())))
    );
    assert_eq!(
        why(&within(
            Subject::TimeToRepair,
            hours(5),
            &history(commits(&[at(1, 0)]), Vec::new())
        )),
        "no run is known"
    );
}

#[test]
fn the_error_rate_counts_rows_of_the_window() {
    let noted = |day, accepted, rejected| Delivered {
        at: at(day, 0),
        accepted,
        rejected,
    };
    let mut quarantined = run(at(17, 0), true);
    (quarantined.accepted, quarantined.rejected, quarantined.committed) = (0, 10, false);
    let past = History {
        delivered: vec![noted(5, 10, 1_000), noted(12, 900, 20), noted(15, 70, 0)],
        ..history(commits(&[at(5, 0), at(12, 0), at(15, 0)]), vec![quarantined])
    };
    let rate = |percent| held(Subject::ErrorRate, Promised::Percent(percent), &past);
    let outcome = rate(3.0);
    assert_eq!(
        (&outcome.verdict, outcome.measured),
        (&Verdict::Met, Some(Figure::Percent(3.0)))
    );
    assert_eq!(
        outcome.budget.map(|budget| (budget.unit, budget.allowed, budget.spent)),
        Some(("rows", 30.0, 30.0))
    );
    assert_eq!(
        (rate(2.9).verdict, rate(2.9).since),
        (Verdict::Breached, Some(at(17, 0)))
    );
    let nothing = held(
        Subject::ErrorRate,
        Promised::Percent(1.0),
        &history(commits(&[at(12, 0)]), Vec::new()),
    );
    assert!(why(&nothing).starts_with("no row was delivered"));
}

#[test]
fn a_delivery_of_which_every_row_was_refused_counts_in_the_error_rate_and_makes_no_data_newer() {
    let refused = |day, rejected| Delivered {
        at: at(day, 0),
        accepted: 0,
        rejected,
    };
    let rate = |past: &History| held(Subject::ErrorRate, Promised::Percent(50.0), past);
    // Three rows of which one is refused, then twenty of twenty: 21 of 23.
    let first = Delivered {
        accepted: 2,
        ..refused(12, 1)
    };
    let past = History {
        delivered: vec![first, refused(19, 20)],
        ..history(commits(&[at(12, 0)]), Vec::new())
    };
    let outcome = rate(&past);
    assert_eq!(outcome.measured, Some(Figure::Percent(100.0 * 21.0 / 23.0)));
    assert_eq!((outcome.verdict, outcome.since), (Verdict::Breached, Some(at(19, 0))));
    let age = within(Subject::Latency, days(30), &past).measured;
    assert_eq!(age, Some(Figure::Time(TimeDelta::days(8))));
    // Nothing else came: the table has no data commit.
    let alone = History {
        delivered: vec![refused(15, 5)],
        ..history(Vec::new(), Vec::new())
    };
    assert_eq!(rate(&alone).measured, Some(Figure::Percent(100.0)));
}

#[test]
fn retention_is_known_where_nothing_was_taken_away_or_a_column_tells() {
    let years = |years: u32| Span {
        months: years * 12,
        seconds: 0,
    };
    let young = history(commits(&[at(1, 0), at(2, 0)]), Vec::new());
    let outcome = within(Subject::Retention, years(3), &young);
    assert_eq!(
        (outcome.verdict, outcome.measured),
        (Verdict::Met, Some(Figure::Time(TimeDelta::days(19))))
    );

    let mut replaced = young.clone();
    replaced.commits[0].takes_away = true;
    assert_eq!(within(Subject::Retention, years(3), &replaced).verdict, Verdict::Met);
    replaced.commits[1].takes_away = true;
    assert!(why(&within(Subject::Retention, years(3), &replaced)).starts_with("rows were replaced"));
    replaced.whole = false;
    assert!(why(&within(Subject::Retention, years(3), &replaced)).starts_with("the log does not reach back"));

    let on = |oldest: &str, past: &History| {
        let mut past = past.clone();
        let oldest: DateTime<Utc> = oldest.parse().unwrap();
        past.columns.insert("day".to_owned(), between(oldest, at(19, 0)));
        let promise = Promise {
            subject: Subject::Retention,
            promised: Promised::Span(years(3)),
        };
        measure(&promise, &["day".to_owned()], &past, window(), None)
    };
    assert_eq!(on("2023-01-20T12:00:00Z", &replaced).verdict, Verdict::Met);
    assert_eq!(on("2023-01-20T12:00:01Z", &replaced).verdict, Verdict::Breached);
    replaced.whole = true;
    assert!(why(&on("2023-01-20T12:00:01Z", &replaced)).starts_with("the table is younger"));
}

#[test]
fn throughput_and_moments_are_measured_too() {
    let past = history(
        commits(&[at(12, 0)]),
        vec![run(at(12, 0), true), run(at(13, 0), true), run(at(14, 0), false)],
    );
    let rows = |rows| held(Subject::Throughput, Promised::Rate { rows, seconds: 60 }, &past);
    assert_eq!(
        (rows(120.0).verdict, rows(120.0).measured),
        (Verdict::Met, Some(Figure::RowsPerSecond(2.0)))
    );
    assert_eq!(rows(121.0).verdict, Verdict::Breached);
    let moment = |subject, day| held(subject, Promised::Instant(at(day, 0)), &past).verdict;
    assert_eq!(moment(Subject::GeneralAvailability, 12), Verdict::Met);
    assert_eq!(moment(Subject::GeneralAvailability, 11), Verdict::Breached);
    assert_eq!(moment(Subject::EndOfLife, 21), Verdict::Met);
    assert!(matches!(moment(Subject::EndOfLife, 20), Verdict::NotMeasured(_)));
    assert!(matches!(
        within(Subject::TimeToDetect, hours(1), &past).verdict,
        Verdict::NotMeasured(_)
    ));
}

pub(super) fn contract(status: &str, levels: &str) -> DatasetContract {
    let text = format!(
        "apiVersion: v3.1.0\nkind: DataContract\nid: sums\nversion: 1.2.0\nstatus: {status}\nteam: {{name: core}}\nschema:\n  \
         - name: sums\n    physicalName: sales.gold.sums\n    properties:\n      - {{name: day, logicalType: date}}\n\
         slaProperties:\n{levels}"
    );
    let (set, findings) = ContractSet::load([("sales".to_owned(), Source::new("sums.odcs.yaml", text))]);
    assert!(
        findings.iter().all(|finding| finding.severity != Severity::Error),
        "{findings:?}"
    );
    set.iter().next().unwrap().clone()
}

const LEVELS: &str = "  - {property: latency, value: 1, unit: d, element: sums.day, driver: regulatory}\n  - {property: \
                      availability, value: 99, unit: percent}\n  - {property: timeOfAvailability, value: 09:00-08:00}\n  \
                      - {property: retention, value: soon, unit: y}\n  - {property: latency, value: 1, unit: d, element: \
                      other.day}\n";

#[test]
fn of_several_latencies_the_shortest_tells_what_is_there_in_whatever_order() {
    let day = "  - {property: latency, value: 1, unit: d}\n";
    let week = "  - {property: freshness, value: 7, unit: d}\n";
    let availability = "  - {property: availability, value: 50, unit: percent}\n";
    // Of the ten days from the 10th to the 20th the data was there for one: it came on the 9th and 18th, for a day each.
    let past = history(commits(&[at(9, 0), at(18, 0)]), Vec::new());
    for [first, second] in [[day, week], [week, day]] {
        let contract = contract("active", &format!("{first}{second}{availability}"));
        let measured = assess(&contract, Some(&past), window())[2].outcome.measured;
        let Some(Figure::Percent(share)) = measured else {
            panic!("{measured:?} is no share");
        };
        assert!((share - 10.0).abs() < 1e-9, "{share}");
    }
}

/// The past of a table in which columns are as old as the commits.
fn aged(past: History) -> History {
    let span = between(past.commits[0].at, past.commits[past.commits.len() - 1].at);
    let columns = ["day", "_ingested_at"].map(|column| (column.to_owned(), span));
    History {
        columns: columns.into(),
        ..past
    }
}

#[test]
fn every_service_level_is_reported_and_a_breach_is_an_event() {
    let contract = contract("active", LEVELS);
    let past = aged(history(commits(&[at(1, 0), at(18, 0)]), vec![run(at(18, 0), true)]));
    let assessed = assess(&contract, Some(&past), window());
    let told: Vec<_> = assessed
        .iter()
        .map(|one| (one.property.as_str(), one.verdict(), one.why()))
        .collect();
    assert_eq!(
        told,
        [
            ("latency", "breached", None),
            // By the latency too: late from the 2nd to the 18th, and since the 19th.
            ("availability", "breached", None),
            (
                "timeOfAvailability",
                "not measured",
                Some("Polder does not measure `timeOfAvailability`")
            ),
            (
                "retention",
                "not measured",
                Some("sums.odcs.yaml:16:16: the service level `retention` is `soon y`, which is no length of time")
            ),
            (
                "latency",
                "not measured",
                Some("its element names no object of the contract")
            ),
        ]
    );
    let breach = Breach::of(&assessed[0]).unwrap();
    let event = breach.to_json();
    for (key, value) in [
        ("specversion", "1.0"),
        ("source", "/datasets/sales.gold.sums"),
        ("type", "polder.service-level.breached.v1"),
        ("subject", "latency"),
        ("time", "2026-01-20T12:00:00Z"),
        ("datacontenttype", "application/json"),
    ] {
        assert_eq!(event[key], value, "{key}");
    }
    let data = &event["data"];
    assert_eq!(
        (&data["promised"], &data["shown"], &data["owner"]),
        (&"1d".into(), &"2d".into(), &"core".into())
    );
    assert_eq!(
        (&data["since"], &data["driver"]),
        (&"2026-01-19T12:00:00Z".into(), &"regulatory".into())
    );
    assert!(!event.to_string().contains('\n'));
    // Looked at an hour later it is the same breach; after new data that grew old it is another.
    let later = Window {
        from: at(10, 1),
        to: at(20, 1),
    };
    let id = |past: &History, window| Breach::of(&assess(&contract, Some(past), window)[0]).unwrap().id();
    assert_eq!(id(&past, later), breach.id());
    let newer = aged(history(commits(&[at(1, 0), at(18, 3)]), Vec::new()));
    assert_ne!(id(&newer, window()), breach.id());
    assert!(Breach::of(&assessed[2]).is_none());
}

#[test]
fn what_is_not_in_force_or_not_there_breaks_no_promise() {
    let told = |status, past: Option<&History>| {
        let assessed = assess(&contract(status, LEVELS), past, window());
        assessed[0].why().unwrap_or_default().to_owned()
    };
    let past = history(commits(&[at(1, 0)]), Vec::new());
    assert_eq!(
        told("draft", Some(&past)),
        "the contract is draft: nothing is promised yet"
    );
    assert_eq!(told("retired", Some(&past)), "the contract is retired");
    // How long data is kept is promised for the time after the end too.
    let kept = contract("retired", "  - {property: retention, value: 1, unit: y}\n");
    assert_eq!(assess(&kept, Some(&past), window())[0].verdict(), "met");
    assert_eq!(assess(&kept, None, window())[0].why(), Some("there is no table"));
    assert_eq!(told("active", None), "there is no table yet");
    let due = contract("active", "  - {property: generalAvailability, value: \"2026-01-15\"}\n");
    assert!(assess(&due, None, window())[0].is_breached());
    let later = contract("active", "  - {property: generalAvailability, value: \"2026-02-15\"}\n");
    assert_eq!(assess(&later, None, window())[0].verdict(), "met");
}

#[test]
fn a_service_level_on_an_element_that_is_not_there_is_not_measured() {
    let past = aged(history(commits(&[at(20, 0)]), Vec::new()));
    let told = |element: &str| {
        let level = format!("  - {{property: latency, value: 1, unit: d, element: \"{element}\"}}\n");
        let assessed = assess(&contract("active", &level), Some(&past), window());
        (assessed[0].verdict(), assessed[0].why().map(str::to_owned))
    };
    for element in ["sums.nope", "nope", "sums.day, sums.nope"] {
        let missing = element.rsplit(' ').next().unwrap();
        let why = format!("the schema has no element `{missing}`");
        assert_eq!(told(element), ("not measured", Some(why)));
    }
    for element in ["sums", "sums.day", "day", "sales.gold.sums", "sums._ingested_at"] {
        assert_eq!(told(element), ("met", None), "{element}");
    }
    // Nothing is late by a latency of what is not there.
    let levels = "  - {property: latency, value: 1, unit: s, element: sums.nope}\n  - {property: availability, value: 50, \
                  unit: percent}\n";
    let assessed = assess(&contract("active", levels), Some(&past), window());
    assert_eq!(assessed[1].verdict(), "not measured");
}

#[test]
fn a_service_level_without_an_element_is_measured_on_the_contracts_default() {
    // The newest commit is of the window's last day, its newest value of long ago.
    let past = History {
        columns: [("day".to_owned(), between(at(1, 0), at(2, 0)))].into(),
        ..history(commits(&[at(20, 0)]), Vec::new())
    };
    let told = |element: &str, default: &str| {
        let level = format!("  - {{property: latency, value: 1, unit: d{element}}}\n{default}");
        let assessed = assess(&contract("active", &level), Some(&past), window());
        (assessed[0].verdict(), assessed[0].element.clone())
    };
    let default = "slaDefaultElement: sums.day\n";
    assert_eq!(told("", ""), ("met", None));
    assert_eq!(told("", default), ("breached", Some("sums.day".to_owned())));
    assert_eq!(told(", element: sums", default), ("met", Some("sums".to_owned())));
    assert_eq!(told("", "slaDefaultElement: sums.nope\n").0, "not measured");
}

#[test]
fn an_end_is_shown_as_the_last_day_that_the_contract_writes() {
    let contract = contract("active", "  - {property: endOfLife, value: \"2026-02-28\"}\n");
    let assessed = &assess(&contract, None, window())[0];
    let shown = assessed.outcome.measured.unwrap().to_string();
    assert_eq!(
        (assessed.promised.as_str(), shown.as_str()),
        ("2026-02-28", "2026-02-28")
    );
    assert_eq!(assessed.to_json()["measured"]["instant"], "2026-03-01T00:00:00Z");
}

proptest! {
    /// Whatever happened when, nothing panics, shares are shares, and a laxer promise is never broken where a stricter
    /// one is kept.
    #[test]
    fn any_history_is_measured(
        at_hours in proptest::collection::vec(0_i64..700, 0..12),
        runs in proptest::collection::vec((0_i64..700, any::<bool>()), 0..12),
        latency in proptest::option::of(1_u64..100),
        (strict, more) in (1_u64..300, 0_u64..300),
    ) {
        let mut moments: Vec<_> = at_hours.iter().map(|hours| at(1, *hours)).collect();
        moments.sort();
        let mut runs: Vec<_> = runs.iter().map(|(hours, succeeded)| run(at(1, *hours), *succeeded)).collect();
        runs.sort_by_key(|run| run.started);
        let past = history(commits(&moments), runs);
        for subject in [Subject::Latency, Subject::Frequency, Subject::Retention, Subject::TimeToRepair] {
            let lax = within(subject.clone(), hours(strict + more), &past).verdict;
            let narrow = within(subject.clone(), hours(strict), &past).verdict;
            if subject != Subject::Retention && narrow == Verdict::Met {
                prop_assert_eq!(lax, Verdict::Met);
            }
        }
        let promise = Promise { subject: Subject::Availability, promised: Promised::Percent(99.0) };
        let outcome = measure(&promise, &[], &past, window(), latency.map(hours));
        if let Some(Figure::Percent(share)) = outcome.measured {
            prop_assert!((0.0..=100.0).contains(&share), "{}", share);
        }
    }
}
