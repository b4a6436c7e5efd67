//! Rules that look at the clock or at earlier commits: freshness and volume.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::{CONTRACT, DATASET, Mesh, contract, good, sets::unwrapped};

/// The instant of [`OLD`], in seconds since 1970.
const OLD_SECONDS: u64 = 1_767_323_045;
const OLD: &str = "2026-01-02T03:04:05Z";

const FRESH: &str = "    quality: [{id: fresh, type: custom, engine: polder, implementation: {freshness: {column: seen, \
                     within: 1h}}}]\n";

/// An hour from now: no age, and within the day that a newest value may lie ahead.
fn in_an_hour() -> String {
    let seconds = now() + 3_600;
    // From days since 1970 to a date, by years of 365 or 366 days.
    let (mut day, mut year) = (seconds / 86_400, 1970);
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let length = |year| if leap(year) { 366 } else { 365 };
    while day >= length(year) {
        day -= length(year);
        year += 1;
    }
    let february = if leap(year) { 29 } else { 28 };
    let mut month = 1;
    for days in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if day < days {
            break;
        }
        day -= days;
        month += 1;
    }
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", day + 1)
}

pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// An age was measured between two moments: it is that of the old instant then.
pub(super) fn is_age_of_old(age: &str, before: u64) {
    let age: u64 = age.parse().unwrap_or_else(|_| panic!("{age} is no number of seconds"));
    let (least, most) = (before - OLD_SECONDS, now() - OLD_SECONDS);
    assert!((least..=most).contains(&age), "{age} is not between {least} and {most}");
}

/// What a gate says of an age between two moments is that of the old instant then, as far as its words go: `it would be 3
/// hours 2 minutes since the newest seen`.
pub(super) fn says_age_of_old(text: &str, before: u64) {
    let text = unwrapped(text);
    let (age, _) = text
        .split_once(" since the newest seen, asked: at most 1 hour")
        .unwrap_or_else(|| panic!("{text}"));
    let (mut seconds, mut exact_to) = (0, u64::MAX);
    let mut words = age.rsplit(' ');
    while let (Some(unit), Some(count)) = (words.next(), words.next()) {
        let unit = match unit.trim_end_matches('s') {
            "second" => 1,
            "minute" => 60,
            "hour" => 3_600,
            "day" => 86_400,
            _ => break,
        };
        seconds += count.parse::<u64>().unwrap() * unit;
        exact_to = exact_to.min(unit);
    }
    assert_ne!(exact_to, u64::MAX, "there is no age: {text}");
    let (least, most) = (before - OLD_SECONDS, now() - OLD_SECONDS);
    assert!(
        seconds <= most && seconds + exact_to > least,
        "{seconds} is not between {least} and {most}"
    );
}

/// A pipeline that takes rows of the stream's table into the dataset that is judged.
fn with_pipeline(mesh: &Mesh, strict: &str, filter: &str) {
    mesh.write(
        "contracts/sales/picked.odcs.yaml",
        &strict.replace(DATASET, "sales.silver.picked"),
    );
    mesh.write(
        "pipelines/sales/picked.pipeline.yaml",
        "description: Some of the rows.\ndataset: sales.silver.picked\nmaterialization: append\n",
    );
    let columns: Vec<&str> = super::COLUMNS.iter().map(|(name, _)| *name).collect();
    let sql = format!("SELECT {} FROM {DATASET} WHERE {filter}\n", columns.join(", "));
    mesh.write("pipelines/sales/picked.sql", &sql);
}

#[test]
fn freshness_gives_the_same_age_and_verdict_at_every_gate() {
    let (mut old, mut later) = (good(0), good(1));
    old["seen"] = json!(OLD);
    later["seen"] = json!(in_an_hour());
    let (lax, strict) = (contract("1.0.0", &[], ""), contract("2.0.0", &[], FRESH));
    let mesh = Mesh::under(&lax, &[old.clone(), later]);
    mesh.ingest();

    // The write: a build that takes the newer row away is refused.
    with_pipeline(&mesh, &strict, "true");
    mesh.polder.expect(&["run"]);
    with_pipeline(&mesh, &strict, "id = 0");
    let before = now();
    let refused = mesh.polder.run(&["run"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(
        unwrapped(&refused.stderr).contains("rule fresh: it would be"),
        "{refused:?}"
    );
    says_age_of_old(&refused.stderr, before);

    // `polder test`, of the table that the build would have made.
    with_pipeline(&mesh, &lax, "id = 0");
    mesh.polder.expect(&["run"]);
    with_pipeline(&mesh, &strict, "id = 0");
    let before = now();
    let (ended, checks) = mesh.tested(&["test", "sales.silver.picked"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(checks["fresh"]["outcome"], "failed");
    is_age_of_old(&checks["fresh"]["figure"].to_string(), before);

    // Samples, which stop the clock.
    mesh.write(CONTRACT, &strict);
    mesh.samples(std::slice::from_ref(&old), &[]);
    let samples = mesh.read("contracts/sales/everything.samples.yaml");
    let mut samples: Value = serde_json::from_str(&samples).unwrap();
    samples["everything"]["now"] = json!("2026-01-02T05:04:05Z");
    mesh.write("contracts/sales/everything.samples.yaml", &samples.to_string());
    let said = "it refuses the good rows together: 2 hours since the newest seen, asked: at most 1 hour";
    assert_eq!(mesh.proved().1["fresh"], ("failed".to_owned(), said.to_owned()));
}

#[test]
fn the_first_rows_of_a_table_may_be_old_and_that_is_said_at_the_write_and_fails_in_a_test() {
    let mut old = good(0);
    old["seen"] = json!(OLD);
    let mesh = Mesh::under(&contract("2.0.0", &[], FRESH), &[old]);
    let before = now();
    let landed = mesh.ingest();
    let said = unwrapped(&landed.stderr);
    assert!(
        said.contains("the table has no rows yet, so it is not refused"),
        "{said}"
    );
    says_age_of_old(&landed.stderr, before);
    let before = now();
    let (ended, checks) = mesh.test();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(checks["fresh"]["outcome"], "failed");
    is_age_of_old(&checks["fresh"]["figure"].to_string(), before);
}

const USUAL: &str = "    quality: [{id: usual, type: custom, engine: polder, implementation: {volume: {commits: 5, \
                     deviation: 2}}}]\n";

/// Rows of the commits one after the other: their mean is 10, and their standard deviation (of a sample) is 2.
const USUALLY: [usize; 5] = [8, 8, 12, 12, 10];

#[test]
fn volume_gives_the_same_distance_and_verdict_at_every_gate() {
    let strict = contract("2.0.0", &[], USUAL);
    let rows = |count: usize| vec![good(0); count];
    let mesh = Mesh::under(&strict, &[]);
    for (place, count) in USUALLY.iter().enumerate() {
        mesh.rows(&format!("usual-{place}"), &rows(*count));
        let landed = mesh.ingest();
        // With fewer than five commits before, neither gate runs the rule, for the same reason.
        let (_, checks) = mesh.test();
        assert_eq!(checks["usual"]["outcome"], "not run", "{place}");
        let why = checks["usual"]["message"].as_str().unwrap();
        let said = unwrapped(&landed.stderr);
        assert!(
            said.contains(&format!("rule usual was not run: {why}")),
            "{place}: {why}: {said}"
        );
    }

    // Two standard deviations are allowed, and three are not.
    let said = "3 standard deviations from the mean of the 5 commits before, asked: at most 2";
    mesh.rows("unusual", &rows(16));
    let refused = mesh.polder.run(&["ingest", "--until-end"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(
        unwrapped(&refused.stderr).contains(&format!("rule usual: it would be {said}")),
        "{refused:?}"
    );
    mesh.write(CONTRACT, &contract("2.0.1", &[], ""));
    mesh.ingest();
    assert_eq!(mesh.count(), "66");
    mesh.write(CONTRACT, &strict);
    let (ended, checks) = mesh.test();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(checks["usual"]["outcome"], "failed");
    assert_eq!(checks["usual"]["figure"], 3);
    // Of the commits 8, 12, 12, 10 and 16 the mean is 11.6, and the rows before the newest are what counts: a commit of 14
    // rows is 0.81 standard deviations away.
    mesh.rows("usual-again", &rows(14));
    mesh.ingest();
    let (ended, checks) = mesh.test();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(checks["usual"]["outcome"], "passed");
    let distance = checks["usual"]["figure"].as_f64().unwrap();
    assert!((distance - 0.809_040).abs() < 0.000_001, "{distance}");

    // Samples have no history.
    mesh.samples(&rows(1), &[]);
    assert_eq!(mesh.proved().1["usual"].0, "not run");
}

#[test]
fn a_test_of_an_earlier_version_judges_the_rows_of_then() {
    let mesh = Mesh::under(&contract("1.0.0", &[], ""), &[good(0)]);
    mesh.ingest();
    mesh.rows("1", &[good(1), good(2)]);
    mesh.ingest();
    let one = "    quality: [{id: one, metric: rowCount, mustBe: 1}]\n";
    mesh.write(CONTRACT, &contract("1.1.0", &[], one));
    for (version, code, verdict, rows) in [
        (None, 1, "failed", 3),
        (Some("1"), 0, "passed", 1),
        (Some("2"), 1, "failed", 3),
    ] {
        let named = version.iter().flat_map(|version| ["--version", version]);
        let arguments: Vec<&str> = ["test", DATASET].into_iter().chain(named).collect();
        let (ended, checks) = mesh.tested(&arguments);
        assert_eq!(ended.code, Some(code), "{version:?}: {ended:?}");
        let one = &checks["one"];
        assert_eq!(
            (&one["outcome"], &one["figure"]),
            (&json!(verdict), &json!(rows)),
            "{version:?}"
        );
    }
    let unknown = mesh.polder.run(&["test", DATASET, "--version", "77"]);
    assert_eq!(unknown.code, Some(2), "{unknown:?}");
    assert!(unknown.stderr.contains("77"), "{unknown:?}");
}
