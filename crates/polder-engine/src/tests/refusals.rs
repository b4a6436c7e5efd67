//! What runs of one pipeline after the other refuse: each row once, whatever is equal to it.

use std::sync::atomic::{AtomicBool, Ordering};

use futures::TryStreamExt as _;
use object_store::{ObjectStore as _, ObjectStoreExt as _};
use polder_delivery::{Discard, Quarantine, Selection};

use super::outages::Fragile;
use super::*;

const STRICT: &str = "k string, v positive, n bigint";
const LINES: &str = "SELECT k, v, w AS n FROM a.bronze.e";
const UNTOLD: &str = "the last run ended before it brought quarantine up to date, or quarantine was made anew";
const OPEN: &str = "SELECT record FROM a.quarantine.silver_s WHERE coalesce(state, 'open') = 'open'";

fn lines(document: &str) -> Declared {
    bronze()
        .contract("a.silver.s", STRICT)
        .pipeline("s", "a.silver.s", document, LINES)
}

/// What the last step did: how, how many rows it added and refused.
fn did(results: &[StepResult]) -> (&'static str, u64, u64) {
    let last = results.last().unwrap();
    (last.action.as_str(), last.rows, last.rejected)
}

/// A lake in which no path that holds this can be written while it is said to be away.
fn fragile(unwritten: &'static str) -> (Lake, Arc<AtomicBool>) {
    let away = Arc::new(AtomicBool::new(false));
    let store = Fragile {
        away: Arc::clone(&away),
        unwritten: Some(unwritten),
        ..Fragile::default()
    };
    let lake = Lake::over(Arc::new(store), "memory:///lake".parse().unwrap()).unwrap();
    (lake, away)
}

async fn full(engine: &Engine) -> Vec<StepResult> {
    let options = RunOptions {
        full: true,
        ..RunOptions::default()
    };
    run_with(engine, &options).await
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_rows_of_several_runs_are_refused_once_each() {
    for document in [
        "materialization: append",
        "materialization: append_distinct\nkey: [k, n]",
    ] {
        let engine = lines(document).engine(&lake());
        let mut writer = Writer::new(&engine);
        let mut actions = Vec::new();
        for n in 1..=3 {
            writer.add("a.bronze.e", &[row("a", -1, 0), row("b", 5, n)]).await;
            actions.push(did(&run(&engine).await));
        }
        assert_eq!(
            actions,
            [("full", 1, 1), ("incremental", 1, 1), ("incremental", 1, 1)],
            "{document}"
        );
        let refused = vec![r#"{"k":"a","v":-1,"n":0}"#; 3];
        assert_eq!(rows(&engine, OPEN).await, refused);
        // A build of everything meets the same rows.
        assert_eq!(did(&full(&engine).await), ("full", 3, 3));
        assert_eq!(rows(&engine, OPEN).await, refused);

        // Somebody decides about them; whoever comes later is another row.
        let mut quarantine = Quarantine::open(&engine.lake, &name("a.silver.s"))
            .await
            .unwrap()
            .unwrap();
        let discard = Discard {
            selection: Selection::default(),
            reason: "noise".to_owned(),
            by: "ada".to_owned(),
            run: RunId::new(),
        };
        assert_eq!(quarantine.discard(&discard).await.unwrap(), 3);
        writer.add("a.bronze.e", &[row("a", -1, 0)]).await;
        assert_eq!(did(&run(&engine).await), ("incremental", 0, 1));
        assert_eq!(rows(&engine, OPEN).await.len(), 1);
        assert_eq!(did(&full(&engine).await), ("full", 3, 4));
        assert_eq!(rows(&engine, OPEN).await.len(), 1);
        assert_eq!(number(&engine, "SELECT count(*) FROM a.quarantine.silver_s").await, 4);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn discarded_rows_that_a_build_accepts_are_in_the_table_and_nowhere_else() {
    let lake = lake();
    let engine = lines("materialization: append").engine(&lake);
    let mut writer = Writer::new(&engine);
    writer
        .add("a.bronze.e", &[row("a", -1, 0), row("c", -2, 0), row("b", 5, 1)])
        .await;
    assert_eq!(did(&run(&engine).await), ("full", 1, 2));
    let mut quarantine = Quarantine::open(&lake, &name("a.silver.s")).await.unwrap().unwrap();
    let discard = Discard {
        selection: Selection::default(),
        reason: "noise".to_owned(),
        by: "ada".to_owned(),
        run: RunId::new(),
    };
    assert_eq!(quarantine.discard(&discard).await.unwrap(), 2);

    let query = "SELECT k, CASE k WHEN 'a' THEN 1 ELSE v END AS v, w AS n FROM a.bronze.e";
    let loose = bronze()
        .contract("a.silver.s", STRICT)
        .pipeline("s", "a.silver.s", "materialization: append", query)
        .engine(&lake);
    assert_eq!(did(&run(&loose).await), ("full", 2, 1));
    let states = "SELECT record, state, history FROM a.quarantine.silver_s ORDER BY record";
    let states = rows(&loose, states).await;
    assert!(
        states[0].starts_with(r#"{"k":"a","v":-1,"n":0} replayed"#),
        "{states:?}"
    );
    assert!(states[0].contains("noise"), "{states:?}");
    assert!(
        states[1].starts_with(r#"{"k":"c","v":-2,"n":0} discarded"#),
        "{states:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_that_are_computed_again_refuse_the_same_rows() {
    let engine = bronze()
        .contract("a.silver.s", STRICT)
        .pipeline("s", "a.silver.s", "materialization: replace_groups\nkey: [k]", LINES)
        .engine(&lake());
    let mut writer = Writer::new(&engine);
    writer.add("a.bronze.e", &[row("a", -1, 0), row("b", 5, 1)]).await;
    assert_eq!(did(&run(&engine).await), ("full", 1, 1));
    writer.add("a.bronze.e", &[row("a", 2, 0)]).await;
    assert_eq!(did(&run(&engine).await), ("incremental", 1, 1));
    writer.add("a.bronze.e", &[row("a", -1, 0)]).await;
    assert_eq!(did(&run(&engine).await), ("incremental", 1, 2));
    assert_eq!(rows(&engine, OPEN).await, [r#"{"k":"a","v":-1,"n":0}"#; 2]);
}

/// The sum of each `k`, of which those below 1 are refused.
fn sums() -> Declared {
    let sql = "SELECT k, sum(v) AS v, count(*) AS n FROM a.bronze.e GROUP BY k";
    bronze().contract("a.silver.s", STRICT).pipeline(
        "s",
        "a.silver.s",
        "materialization: replace_groups\nkey: [k]",
        sql,
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_an_increment_accepts_is_open_no_more() {
    let engine = sums().engine(&lake());
    let mut writer = Writer::new(&engine);
    let record = |k: &str, v: i64, n: u64| format!(r#"{{"k":"{k}","v":{v},"n":{n}}}"#);
    writer.add("a.bronze.e", &[row("a", -5, 0), row("b", -1, 0)]).await;
    assert_eq!(did(&run(&engine).await), ("full", 0, 2));
    // Each run that computes it anew leaves the row of now.
    writer.add("a.bronze.e", &[row("a", 2, 0)]).await;
    assert_eq!(did(&run(&engine).await), ("incremental", 0, 1));
    let other = record("b", -1, 1);
    assert_eq!(rows(&engine, OPEN).await, [record("a", -3, 2), other.clone()]);
    writer.add("a.bronze.e", &[row("a", 4, 0)]).await;
    assert_eq!(did(&run(&engine).await), ("incremental", 1, 0));
    assert_eq!(rows(&engine, OPEN).await, std::slice::from_ref(&other));
    assert_eq!(rows(&engine, "SELECT k, v FROM a.silver.s").await, ["a 1"]);
    let all = "SELECT record, state FROM a.quarantine.silver_s";
    let states = rows(&engine, all).await;
    let replayed = |said: String| format!("{said} replayed");
    let wanted = [
        replayed(record("a", -3, 2)),
        replayed(record("a", -5, 1)),
        format!("{other} open"),
    ];
    assert_eq!(states, wanted);
    // As a build of everything leaves it.
    full(&engine).await;
    assert_eq!(rows(&engine, all).await, states);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_is_gone_is_open_no_more_though_the_table_stays_as_it_is() {
    // Few groups, and so many that everything is built.
    for touched_groups in [100, 0] {
        let limits = crate::engine::Limits {
            touched_groups,
            ..crate::engine::Limits::default()
        };
        let engine = Engine {
            limits,
            ..sums().engine(&lake())
        };
        let mut writer = Writer::new(&engine);
        writer.add("a.bronze.e", &[row("a", -5, 0)]).await;
        let refused = writer.table("a.bronze.e").await.files().unwrap();
        writer.add("a.bronze.e", &[row("b", -1, 0), row("c", 1, 0)]).await;
        assert_eq!(did(&run(&engine).await), ("full", 1, 2));
        writer.commit("a.bronze.e", refused, &[], Operation::Replace).await;
        run(&engine).await;
        assert_eq!(rows(&engine, OPEN).await, [r#"{"k":"b","v":-1,"n":1}"#]);
        assert_eq!(run(&engine).await[0].action, Action::Skip);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_ended_before_quarantine_was_up_to_date_is_made_up_for_by_the_next() {
    let (lake, away) = fragile("a/quarantine/silver_s/_delta_log");
    let engine = sums().engine(&lake);
    let mut writer = Writer::new(&engine);
    writer.add("a.bronze.e", &[row("a", -5, 0)]).await;
    run(&engine).await;
    writer.add("a.bronze.e", &[row("a", 6, 0)]).await;
    away.store(true, Ordering::SeqCst);
    assert_eq!(did(&run(&engine).await), ("incremental", 1, 0));
    away.store(false, Ordering::SeqCst);
    assert_eq!(rows(&engine, OPEN).await.len(), 1);

    let planned = engine.plan(&RunOptions::default()).await.unwrap();
    let results = run(&engine).await;
    let why = UNTOLD;
    assert_eq!((results[0].action, results[0].why.as_str()), (Action::Full, why));
    assert_eq!((planned[0].action, planned[0].why.as_str()), (Action::Full, why));
    assert_eq!(rows(&engine, OPEN).await.len(), 0);
    assert_eq!(rows(&engine, "SELECT k, v FROM a.silver.s").await, ["a 1"]);
    assert_eq!(run(&engine).await[0].action, Action::Skip);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quarantine_that_was_made_anew_is_filled_by_a_full_build_which_says_why() {
    let store = Arc::new(InMemory::new());
    let lake = Lake::over(Arc::clone(&store) as _, "memory:///lake".parse().unwrap()).unwrap();
    let engine = sums().engine(&lake);
    let mut writer = Writer::new(&engine);
    writer.add("a.bronze.e", &[row("a", -5, 0), row("b", -1, 0)]).await;
    assert_eq!(did(&run(&engine).await), ("full", 0, 2));
    // From here on the table counts what quarantine is told.
    writer.add("a.bronze.e", &[row("a", 6, 0)]).await;
    assert_eq!(did(&run(&engine).await), ("incremental", 1, 0));
    let folder = "lake/a/quarantine/silver_s".into();
    let files: Vec<_> = store.list(Some(&folder)).try_collect().await.unwrap();
    assert!(!files.is_empty());
    for file in files {
        store.delete(&file.location).await.unwrap();
    }
    writer.add("a.bronze.e", &[row("c", -2, 0)]).await;
    assert_eq!(did(&run(&engine).await), ("incremental", 0, 1));
    let results = run(&engine).await;
    assert_eq!((results[0].action, results[0].why.as_str()), (Action::Full, UNTOLD));
    let open = [r#"{"k":"b","v":-1,"n":1}"#, r#"{"k":"c","v":-2,"n":1}"#];
    assert_eq!(rows(&engine, OPEN).await, open);
    assert_eq!(run(&engine).await[0].action, Action::Skip);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_broken_run_refused_is_not_left_open_though_its_source_is_what_it_was_before() {
    let (lake, away) = fragile("a/silver/s/_delta_log");
    let engine = sums().engine(&lake);
    let mut writer = Writer::new(&engine);
    writer.add("a.bronze.e", &[row("a", -5, 0)]).await;
    run(&engine).await;
    let before = writer.table("a.bronze.e").await.files().unwrap();
    writer.add("a.bronze.e", &[row("a", 2, 0)]).await;
    away.store(true, Ordering::SeqCst);
    let results = engine.run(&RunOptions::default(), &Unobserved).await.unwrap();
    assert!(matches!(results[0].outcome, StepOutcome::Failed(_)), "{results:?}");
    away.store(false, Ordering::SeqCst);
    assert_eq!(rows(&engine, OPEN).await.len(), 2);

    let mut added = writer.table("a.bronze.e").await.files().unwrap();
    added.retain(|file| before.iter().all(|other| other.path() != file.path()));
    writer.commit("a.bronze.e", added, &[], Operation::Replace).await;
    assert_eq!(did(&run(&engine).await), ("full", 0, 1));
    assert_eq!(rows(&engine, OPEN).await, [r#"{"k":"a","v":-5,"n":1}"#]);
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_are_found_in_quarantine_by_keys_of_every_type_and_by_nulls() {
    let parts = "SELECT CAST(to_timestamp(w * 86400) AS date) AS d, CAST(CAST(w AS double) / 4 AS decimal(10,2)) AS p, \
                 named_struct('k', k, 'w', w) AS o, to_timestamp(w) AT TIME ZONE 'UTC' AS t, CAST(w AS double) / 3 AS f, v \
                 FROM a.bronze.e";
    let engine = bronze()
        .contract_of(
            "a.silver.s",
            &[
                "{name: d, logicalType: date}",
                "{name: p, logicalType: number, physicalType: \"decimal(10,2)\"}",
                "{name: o, logicalType: object, properties: [{name: k, logicalType: string}, {name: w, logicalType: integer, \
                 physicalType: bigint}]}",
                "{name: t, logicalType: timestamp}",
                "{name: f, logicalType: number, physicalType: double}",
                "{name: v, logicalType: integer, physicalType: bigint, logicalTypeOptions: {minimum: 1}}",
            ],
        )
        .pipeline(
            "s",
            "a.silver.s",
            "materialization: replace_groups\nkey: [d, p, o, t, f]",
            &format!("SELECT d, p, o, t, f, sum(v) AS v FROM ({parts}) GROUP BY d, p, o, t, f"),
        )
        .engine(&lake());
    let mut writer = Writer::new(&engine);
    let nothing = |v| (None, Some(v), None);
    let refused = [row("a", -1, 1), nothing(-1), row("b", -1, 1), row("a", -1, 2)];
    writer.add("a.bronze.e", &refused).await;
    assert_eq!(did(&run(&engine).await), ("full", 0, 4));
    writer.add("a.bronze.e", &[row("a", 5, 1), nothing(5)]).await;
    assert_eq!(did(&run(&engine).await), ("incremental", 2, 0));
    let left = [
        r#"{"d":"1970-01-02","p":0.25,"o":{"k":"b","w":1},"t":"1970-01-01T00:00:01Z","f":0.3333333333333333,"v":-1}"#,
        r#"{"d":"1970-01-03","p":0.50,"o":{"k":"a","w":2},"t":"1970-01-01T00:00:02Z","f":0.6666666666666666,"v":-1}"#,
    ];
    assert_eq!(rows(&engine, OPEN).await, left);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_ended_between_its_commits_is_made_up_for_by_a_build_of_everything() {
    let (lake, away) = fragile("a/silver/s/_delta_log");
    let engine = lines("materialization: append").engine(&lake);
    let mut writer = Writer::new(&engine);
    let both = [row("a", -1, 0), row("b", 5, 0)];
    writer.add("a.bronze.e", &both).await;
    assert_eq!(did(&run(&engine).await), ("full", 1, 1));
    writer.add("a.bronze.e", &both).await;
    away.store(true, Ordering::SeqCst);
    let results = engine.run(&RunOptions::default(), &Unobserved).await.unwrap();
    assert!(matches!(results[0].outcome, StepOutcome::Failed(_)), "{results:?}");
    away.store(false, Ordering::SeqCst);
    // The run had written down what it refused, and nothing else.
    assert_eq!(rows(&engine, OPEN).await.len(), 2);
    assert_eq!(number(&engine, "SELECT count(*) FROM a.silver.s").await, 1);

    writer.add("a.bronze.e", &both).await;
    let planned = engine.plan(&RunOptions::default()).await.unwrap();
    let results = run(&engine).await;
    assert_eq!(did(&results), ("full", 3, 3));
    let why = "it is not known whether the run that refused rows last was completed";
    assert_eq!(results[0].why, why);
    assert_eq!((planned[0].action, planned[0].why.as_str()), (Action::Full, why));
    assert_eq!(rows(&engine, OPEN).await, [r#"{"k":"a","v":-1,"n":0}"#; 3]);
    writer.add("a.bronze.e", &both).await;
    assert_eq!(did(&run(&engine).await), ("incremental", 1, 1));
    assert_eq!(rows(&engine, OPEN).await.len(), 4);
    assert_eq!(number(&engine, "SELECT count(*) FROM a.silver.s").await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_floats_is_one_whatever_the_sign_of_zero_and_the_bits_of_nan() {
    // Few rows are joined by hash, many by sorting.
    for hashed_rows in [0, 1_000] {
        let engine = bronze()
            .contract("a.silver.s", "f double, v bigint")
            .pipeline(
                "s",
                "a.silver.s",
                "materialization: append_distinct\nkey: [f]",
                "SELECT CASE w WHEN 0 THEN CAST(0 AS double) WHEN 1 THEN -CAST(0 AS double) WHEN 2 THEN CAST('NaN' AS double) \
                 WHEN 3 THEN -CAST('NaN' AS double) ELSE CAST(w AS double) END AS f, v FROM a.bronze.e",
            )
            .engine(&lake());
        let limits = crate::engine::Limits {
            hashed_rows,
            ..crate::engine::Limits::default()
        };
        let engine = Engine { limits, ..engine };
        let mut writer = Writer::new(&engine);
        writer
            .add("a.bronze.e", &[row("a", 1, 1), row("a", 2, 2), row("a", 3, 0)])
            .await;
        assert_eq!(did(&run(&engine).await), ("full", 2, 0));
        writer
            .add("a.bronze.e", &[row("a", 4, 0), row("a", 5, 3), row("a", 6, 7)])
            .await;
        assert_eq!(did(&run(&engine).await), ("incremental", 1, 0));
        let kept = "SELECT v FROM a.silver.s";
        assert_eq!(rows(&engine, kept).await, ["1", "2", "6"]);
        assert_eq!(did(&full(&engine).await), ("full", 3, 0));
        assert_eq!(rows(&engine, kept).await, ["1", "2", "6"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_equal_rows_with_zeros_of_both_signs_every_build_keeps_the_same_one() {
    // One key is all columns; the source of the second step does not say when its rows arrived.
    for key in ["[f]", "[k, f]"] {
        let engine = bronze()
            .contract("a.silver.r", "k string, v bigint, w bigint")
            .contract("a.silver.s", "k string, f double")
            .pipeline(
                "r",
                "a.silver.r",
                "materialization: append",
                "SELECT k, v, w FROM a.bronze.e",
            )
            .pipeline(
                "s",
                "a.silver.s",
                &format!("materialization: append_distinct\nkey: {key}"),
                "SELECT k, CASE w WHEN 1 THEN -CAST(0 AS double) ELSE CAST(0 AS double) END AS f FROM a.silver.r",
            )
            .engine(&lake());
        let kept = "SELECT k, f FROM a.silver.s";
        let mut writer = Writer::new(&engine);
        writer.add("a.bronze.e", &[row("a", 0, 0)]).await;
        run(&engine).await;
        assert_eq!(rows(&engine, kept).await, ["a 0.0"], "{key}");
        // Ascending, the one with the sign comes first.
        writer.add("a.bronze.e", &[row("a", 0, 1), row("a", 0, 0)]).await;
        let results = run(&engine).await;
        assert_eq!(
            results[1].why,
            "new rows in a.silver.r come before rows that are built in"
        );
        assert_eq!(rows(&engine, kept).await, ["a -0.0"], "{key}");
        for _ in 0..3 {
            full(&engine).await;
            assert_eq!(rows(&engine, kept).await, ["a -0.0"], "{key}");
        }
        // One that comes behind it stays out.
        writer.add("a.bronze.e", &[row("a", 0, 0)]).await;
        assert_eq!(did(&run(&engine).await), ("incremental", 0, 0), "{key}");
        assert_eq!(rows(&engine, kept).await, ["a -0.0"], "{key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_of_floats_are_touched_whatever_the_sign_of_zero() {
    let engine = bronze()
        .contract("a.silver.s", "f double, n bigint")
        .pipeline(
            "s",
            "a.silver.s",
            "materialization: replace_groups\nkey: [f]",
            "SELECT f, count(*) AS n FROM (SELECT CASE w WHEN 0 THEN CAST(0 AS double) WHEN 1 THEN -CAST(0 AS double) \
             WHEN 2 THEN CAST('NaN' AS double) ELSE -CAST('NaN' AS double) END AS f FROM a.bronze.e) GROUP BY f",
        )
        .engine(&lake());
    let mut writer = Writer::new(&engine);
    writer.add("a.bronze.e", &[row("a", 1, 1), row("a", 2, 2)]).await;
    run(&engine).await;
    writer.add("a.bronze.e", &[row("a", 4, 0), row("a", 5, 3)]).await;
    assert_eq!(did(&run(&engine).await).0, "incremental");
    assert_eq!(rows(&engine, "SELECT n FROM a.silver.s WHERE f = 0").await, ["2"]);
    let counts = "SELECT n FROM a.silver.s";
    let built = rows(&engine, counts).await;
    full(&engine).await;
    assert_eq!(rows(&engine, counts).await, built);
}
