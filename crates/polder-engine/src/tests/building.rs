//! What a run does and says, step by step.

use futures::TryStreamExt as _;
use object_store::ObjectStoreExt as _;

use super::*;

pub(super) const SUMS: &str = "SELECT k, sum(v) AS v, count(*) AS n FROM a.bronze.e GROUP BY k";
pub(super) const BY_GROUP: &str = "materialization: replace_groups\nkey: [k]";
pub(super) const TARGET: &str = "k string, v bigint, n bigint";

pub(super) fn sums() -> Declared {
    bronze()
        .contract("a.silver.s", TARGET)
        .pipeline("s", "a.silver.s", BY_GROUP, SUMS)
}

pub(super) fn said(results: &[StepResult]) -> Vec<String> {
    results
        .iter()
        .map(|result| format!("{} {}: {}", result.name, result.action.as_str(), result.why))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_run_says_why_it_builds() {
    let lake = lake();
    let engine = sums().engine(&lake);
    let waiting = run(&engine).await;
    assert_eq!(said(&waiting), ["a.s skip: no data yet in a.bronze.e"]);
    assert_eq!(waiting[0].outcome.as_str(), "waiting for data");
    let mut writer = Writer::new(&engine);
    writer.add("a.bronze.e", &[row("a", 1, 0), row("b", 2, 0)]).await;
    assert_eq!(said(&run(&engine).await), ["a.s full: first build"]);
    let current = run(&engine).await;
    assert_eq!(said(&current), ["a.s skip: nothing new"]);
    assert_eq!(current[0].outcome.as_str(), "up to date");
    writer.add("a.bronze.e", &[row("a", 5, 0)]).await;
    assert_eq!(said(&run(&engine).await), ["a.s incremental: new rows in a.bronze.e"]);
    assert_eq!(rows(&engine, "SELECT * FROM a.silver.s").await, ["a 6 2", "b 2 1"]);
    let forced = RunOptions {
        full: true,
        ..RunOptions::default()
    };
    assert_eq!(said(&run_with(&engine, &forced).await), ["a.s full: forced"]);

    let changed = bronze()
        .contract("a.silver.s", TARGET)
        .pipeline("s", "a.silver.s", BY_GROUP, &SUMS.replace("sum(v)", "max(v)"))
        .engine(&lake);
    assert_eq!(said(&run(&changed).await), ["a.s full: definition changed"]);
    assert_eq!(rows(&changed, "SELECT * FROM a.silver.s").await, ["a 5 2", "b 2 1"]);
    // Progress of the first definition is still in the table, but the table is no longer of that definition.
    assert_eq!(said(&run(&engine).await), ["a.s full: definition changed"]);
    assert_eq!(rows(&engine, "SELECT * FROM a.silver.s").await, ["a 6 2", "b 2 1"]);

    let renewed = bronze()
        .contract_version("a.silver.s", TARGET, "1.1.0")
        .pipeline("s", "a.silver.s", BY_GROUP, SUMS)
        .engine(&lake);
    assert_eq!(said(&run(&renewed).await), ["a.s full: definition changed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_files_with_touched_groups_are_rewritten() {
    let engine = sums().engine(&lake());
    let mut writer = Writer::new(&engine);
    writer.add("a.bronze.e", &[row("a", 1, 0), row("b", 2, 0)]).await;
    run(&engine).await;
    writer.add("a.bronze.e", &[row("c", 3, 0), row("d", 4, 0)]).await;
    run(&engine).await;
    let table = engine.lake.load(&name("a.silver.s")).await.unwrap().unwrap();
    let before: Vec<_> = table
        .files()
        .unwrap()
        .iter()
        .map(|file| file.path().to_owned())
        .collect();
    assert_eq!(before.len(), 2);
    writer.add("a.bronze.e", &[row("c", 30, 0)]).await;
    let results = run(&engine).await;
    assert_eq!((results[0].rows, results[0].rejected), (1, 0));
    let table = engine.lake.load(&name("a.silver.s")).await.unwrap().unwrap();
    let after: Vec<_> = table
        .files()
        .unwrap()
        .iter()
        .map(|file| file.path().to_owned())
        .collect();
    assert_eq!(after.iter().filter(|path| before.contains(path)).count(), 1);
    assert_eq!(
        rows(&engine, "SELECT * FROM a.silver.s").await,
        ["a 1 1", "b 2 1", "c 33 2", "d 4 1"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_without_effect_moves_progress_and_nothing_behind_it() {
    let maxima = "SELECT k, max(v) AS v, 1 AS n FROM a.bronze.e GROUP BY k";
    let engine = bronze()
        .contract("a.silver.s", TARGET)
        .contract("a.gold.g", TARGET)
        .pipeline("s", "a.silver.s", BY_GROUP, maxima)
        .pipeline(
            "g",
            "a.gold.g",
            "materialization: replace_groups",
            "SELECT k, v, n FROM a.silver.s",
        )
        .engine(&lake());
    let mut writer = Writer::new(&engine);
    writer.add("a.bronze.e", &[row("a", 5, 0)]).await;
    run(&engine).await;
    let before = versions(&engine).await;
    writer.add("a.bronze.e", &[row("a", 3, 0)]).await;
    let results = run(&engine).await;
    assert_eq!(
        said(&results),
        ["a.s incremental: new rows in a.bronze.e", "a.g skip: nothing new"]
    );
    let after = versions(&engine).await;
    let (silver, gold) = (name("a.silver.s"), name("a.gold.g"));
    assert_eq!(after[&silver], before[&silver] + 1);
    assert_eq!(after[&gold], before[&gold]);
    assert_eq!(
        said(&run(&engine).await),
        ["a.s skip: nothing new", "a.g skip: nothing new"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_the_contract_refuses_go_to_quarantine_once() {
    let engine = bronze()
        .contract("a.silver.s", "k string, v positive, n bigint")
        .pipeline("s", "a.silver.s", BY_GROUP, SUMS)
        .engine(&lake());
    let mut writer = Writer::new(&engine);
    writer
        .add("a.bronze.e", &[row("a", 1, 0), row("b", -2, 0), row("c", 3, 0)])
        .await;
    let results = run(&engine).await;
    assert_eq!((results[0].rows, results[0].rejected), (2, 1));
    writer.add("a.bronze.e", &[row("c", 4, 0)]).await;
    let results = run(&engine).await;
    assert_eq!((results[0].rows, results[0].rejected), (1, 0));
    let forced = RunOptions {
        full: true,
        ..RunOptions::default()
    };
    let results = run_with(&engine, &forced).await;
    // It was judged and refused again, so the share of refused rows is what it was.
    assert_eq!((results[0].rows, results[0].rejected), (2, 1));
    assert_eq!(rows(&engine, "SELECT k, v FROM a.silver.s").await, ["a 1", "c 7"]);
    assert_eq!(number(&engine, "SELECT count(*) FROM a.quarantine.silver_s").await, 1);
    // The group mends, breaks in another way, and mends again.
    writer.add("a.bronze.e", &[row("b", 5, 0)]).await;
    run(&engine).await;
    writer.add("a.bronze.e", &[row("b", -9, 0)]).await;
    assert_eq!(run(&engine).await[0].rejected, 1);
    assert_eq!(rows(&engine, "SELECT k, v FROM a.silver.s").await, ["a 1", "c 7"]);
    writer.add("a.bronze.e", &[row("b", 7, 0)]).await;
    run(&engine).await;
    assert_eq!(
        rows(&engine, "SELECT k, v FROM a.silver.s").await,
        ["a 1", "b 1", "c 7"]
    );
    assert_eq!(number(&engine, "SELECT count(*) FROM a.quarantine.silver_s").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_step_blocks_what_reads_from_it_and_nothing_else() {
    let engine = bronze()
        .contract("a.silver.s", TARGET)
        .contract("a.gold.g", TARGET)
        .contract("a.gold.h", TARGET)
        .contract("a.gold.i", TARGET)
        .pipeline(
            "s",
            "a.silver.s",
            BY_GROUP,
            "SELECT k, sum(v / (w - 1)) AS v, count(*) AS n FROM a.bronze.e GROUP BY k",
        )
        .pipeline("g", "a.gold.g", BY_GROUP, "SELECT k, v, n FROM a.silver.s")
        .pipeline("h", "a.gold.h", BY_GROUP, SUMS)
        .pipeline(
            "i",
            "a.gold.i",
            BY_GROUP,
            "SELECT rule AS k, count(*) AS v, count(*) AS n FROM a.quarantine.silver_s GROUP BY rule",
        )
        .engine(&lake());
    let mut writer = Writer::new(&engine);
    writer.add("a.bronze.e", &[row("a", 5, 1)]).await;
    let results = engine.run(&RunOptions::default(), &Unobserved).await.unwrap();
    let outcomes: BTreeMap<_, _> = results
        .iter()
        .map(|result| (result.name.to_string(), result.outcome.as_str()))
        .collect();
    assert_eq!(outcomes["a.s"], "failed");
    assert_eq!(outcomes["a.g"], "blocked");
    assert_eq!(outcomes["a.h"], "succeeded");
    // What it refuses is not known either.
    assert_eq!(outcomes["a.i"], "blocked");
    let failed = results.iter().find(|result| result.name.to_string() == "a.s").unwrap();
    let StepOutcome::Failed(error) = &failed.outcome else {
        panic!("{failed:?}")
    };
    assert!(error.report().contains("division by zero"), "{}", error.report());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_reads_refused_rows_is_built_after_what_refuses_them() {
    let refusals = "SELECT rule AS k, count(*) AS v, count(*) AS n FROM a.quarantine.silver_s GROUP BY rule";
    let engine = bronze()
        .contract("a.gold.g", TARGET)
        .contract("a.silver.s", "k string, v positive, n bigint")
        .pipeline("g", "a.gold.g", BY_GROUP, refusals)
        .pipeline("s", "a.silver.s", BY_GROUP, SUMS)
        .engine(&lake());
    let mut writer = Writer::new(&engine);
    writer.add("a.bronze.e", &[row("a", 1, 0), row("b", -2, 0)]).await;
    let plan = engine.plan(&RunOptions::default()).await.unwrap();
    let planned: Vec<_> = plan.iter().map(|step| format!("{}: {}", step.name, step.why)).collect();
    assert_eq!(
        planned,
        ["a.s: first build", "a.g: a.quarantine.silver_s is built before"]
    );
    run(&engine).await;
    assert_eq!(rows(&engine, "SELECT k, v FROM a.gold.g").await, ["v.minimum 1"]);
    writer.add("a.bronze.e", &[row("c", -3, 0)]).await;
    run(&engine).await;
    assert_eq!(rows(&engine, "SELECT k, v FROM a.gold.g").await, ["v.minimum 2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plan_is_what_the_run_then_does() {
    let engine = sums()
        .contract("a.gold.g", TARGET)
        .pipeline("g", "a.gold.g", BY_GROUP, "SELECT k, v, n FROM a.silver.s")
        .engine(&lake());
    let planned = |steps: Vec<crate::PlannedStep>| -> Vec<_> {
        steps
            .iter()
            .map(|step| format!("{} {}: {}", step.name, step.action.as_str(), step.why))
            .collect()
    };
    let all = RunOptions::default();
    let mut writer = Writer::new(&engine);
    writer.add("a.bronze.e", &[row("a", 5, 1)]).await;
    let plan = planned(engine.plan(&all).await.unwrap());
    assert_eq!(plan, ["a.s full: first build", "a.g full: a.silver.s is built before"]);
    run(&engine).await;
    let plan = planned(engine.plan(&all).await.unwrap());
    assert_eq!(plan, ["a.s skip: nothing new", "a.g skip: nothing new"]);
    writer.add("a.bronze.e", &[row("a", 6, 1)]).await;
    let plan = planned(engine.plan(&all).await.unwrap());
    assert_eq!(
        plan,
        [
            "a.s incremental: new rows in a.bronze.e",
            "a.g incremental: a.silver.s is built before"
        ]
    );
    let only = RunOptions {
        select: vec!["a.gold.g".to_owned()],
        full: true,
    };
    assert_eq!(planned(engine.plan(&only).await.unwrap()), ["a.g full: forced"]);
    let unknown = RunOptions {
        select: vec!["a.ss".to_owned()],
        full: false,
    };
    assert_eq!(
        engine.plan(&unknown).await.unwrap_err().help(),
        Some("did you mean `a.s`?")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_touched_when_both_rows_that_made_it_went() {
    let pairs = "SELECT e.k, sum(d.v) AS v, count(*) AS n FROM a.bronze.e JOIN a.bronze.d ON e.w = d.w GROUP BY e.k";
    let engine = bronze()
        .contract("a.silver.s", TARGET)
        .pipeline("s", "a.silver.s", BY_GROUP, pairs)
        .engine(&lake());
    let mut writer = Writer::new(&engine);
    for dataset in ["a.bronze.e", "a.bronze.d"] {
        writer.add(dataset, &[row("a", 1, 1)]).await;
        writer.add(dataset, &[row("b", 2, 2)]).await;
    }
    run(&engine).await;
    assert_eq!(rows(&engine, "SELECT * FROM a.silver.s").await, ["a 1 1", "b 2 1"]);
    for dataset in ["a.bronze.e", "a.bronze.d"] {
        let table = writer.table(dataset).await;
        writer.replace(dataset, table.files().unwrap(), &[row("b", 2, 2)]).await;
    }
    assert_eq!(
        said(&run(&engine).await),
        ["a.s incremental: changed rows in a.bronze.d, changed rows in a.bronze.e"]
    );
    assert_eq!(rows(&engine, "SELECT * FROM a.silver.s").await, ["b 2 1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_whose_old_files_are_gone_is_built_in_full() {
    let engine = sums().engine(&lake());
    let mut writer = Writer::new(&engine);
    writer.add("a.bronze.e", &[row("a", 5, 1), row("b", 1, 1)]).await;
    run(&engine).await;
    let old = writer.table("a.bronze.e").await.files().unwrap();
    let path = format!("a/bronze/e/{}", old[0].path());
    writer.replace("a.bronze.e", old, &[row("a", 6, 1)]).await;
    engine.lake.objects().delete(&path.into()).await.unwrap();
    assert_eq!(
        said(&run(&engine).await),
        ["a.s full: changed files of a.bronze.e cannot be read"]
    );
    assert_eq!(rows(&engine, "SELECT * FROM a.silver.s").await, ["a 6 1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn new_files_that_were_compacted_since_are_built_in_full() {
    for vacuumed in [false, true] {
        let engine = sums().engine(&lake());
        let mut writer = Writer::new(&engine);
        writer.add("a.bronze.e", &[row("a", 1, 0)]).await;
        run(&engine).await;
        writer.add("a.bronze.e", &[row("a", 5, 0)]).await;
        let old = writer.table("a.bronze.e").await.files().unwrap();
        let paths: Vec<_> = old.iter().map(|file| format!("a/bronze/e/{}", file.path())).collect();
        writer
            .commit("a.bronze.e", old, &[row("a", 1, 0), row("a", 5, 0)], Operation::Compact)
            .await;
        for path in paths.into_iter().filter(|_| vacuumed) {
            engine.lake.objects().delete(&path.into()).await.unwrap();
        }
        assert_eq!(
            said(&run(&engine).await),
            ["a.s full: new files of a.bronze.e were rewritten since"]
        );
        assert_eq!(rows(&engine, "SELECT * FROM a.silver.s").await, ["a 6 2"]);
        assert_eq!(said(&run(&engine).await), ["a.s skip: nothing new"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_was_made_anew_is_built_in_full_whatever_its_version() {
    let lake = lake();
    let engine = sums().engine(&lake);
    let mut writer = Writer::new(&engine);
    writer.add("a.bronze.e", &[row("a", 1, 0)]).await;
    run(&engine).await;
    let before = writer.table("a.bronze.e").await.version();
    let objects = lake.objects();
    let listed: Vec<_> = objects.list(Some(&"a/bronze/e".into())).try_collect().await.unwrap();
    for object in listed {
        objects.delete(&object.location).await.unwrap();
    }
    assert_eq!(said(&run(&engine).await), ["a.s skip: no data yet in a.bronze.e"]);
    writer.add("a.bronze.e", &[row("b", 2, 0)]).await;
    writer.add("a.bronze.e", &[row("c", 3, 0)]).await;
    assert!(writer.table("a.bronze.e").await.version() > before);
    assert_eq!(said(&run(&engine).await), ["a.s full: a.bronze.e was made anew"]);
    assert_eq!(rows(&engine, "SELECT * FROM a.silver.s").await, ["b 2 1", "c 3 1"]);
    writer.add("a.bronze.e", &[row("c", 4, 0)]).await;
    assert_eq!(said(&run(&engine).await), ["a.s incremental: new rows in a.bronze.e"]);
    assert_eq!(rows(&engine, "SELECT * FROM a.silver.s").await, ["b 2 1", "c 7 2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_does_not_round_what_the_contract_wants_exactly() {
    let engine = bronze()
        .contract("a.silver.s", "k string, v decimal(12,3)")
        .pipeline(
            "s",
            "a.silver.s",
            BY_GROUP,
            "SELECT k, sum(v / 3.0e0) AS v, 1 AS more FROM a.bronze.e GROUP BY k",
        )
        .engine(&lake());
    Writer::new(&engine).add("a.bronze.e", &[row("a", 1, 0)]).await;
    let results = engine.run(&RunOptions::default(), &Unobserved).await.unwrap();
    let StepOutcome::Failed(error) = &results[0].outcome else {
        panic!("{:?}", results[0])
    };
    let codes: Vec<_> = error.diagnostics().iter().map(|found| found.code.as_ref()).collect();
    assert_eq!(codes, ["wrong-type", "extra-column"]);
    assert!(engine.lake.load(&name("a.silver.s")).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_as_it_is_counts_where_its_contract_changed() {
    // The source was written when its contract still said double.
    let lake = lake();
    let old = Declared::default()
        .contract("a.silver.r", "k string, v double")
        .engine(&lake);
    let schema = dataset_columns(&old.contract(&name("a.silver.r")).unwrap()).unwrap();
    let mut table = lake
        .ensure(&name("a.silver.r"), Arc::clone(&schema), &TableOptions::default())
        .await
        .unwrap();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec!["a"])),
        Arc::new(arrow::array::Float64Array::from(vec![0.0005])),
    ];
    let mut files = table.writer().unwrap();
    files
        .write(&RecordBatch::try_new(schema, columns).unwrap())
        .await
        .unwrap();
    let commit = Commit {
        add: files.finish().await.unwrap(),
        ..Commit::new(RunId::new(), Operation::Append)
    };
    table.commit(commit).await.unwrap();
    let engine = Declared::default()
        .contract("a.silver.r", "k string, v decimal(12,3)")
        .contract("a.silver.s", "k string, v decimal(12,3)")
        .pipeline(
            "s",
            "a.silver.s",
            "materialization: append",
            "SELECT k, v FROM a.silver.r",
        )
        .engine(&lake);
    assert_eq!(engine.check().await.unwrap(), []);
    let results = engine.run(&RunOptions::default(), &Unobserved).await.unwrap();
    let StepOutcome::Failed(error) = &results[0].outcome else {
        panic!("{:?}", results[0])
    };
    let told = error.report();
    assert!(
        told.contains("`v` of a.silver.r is double and not decimal(12,3), as its contract promises"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_row_does_not_hide_a_later_good_one_of_its_key() {
    let engine = bronze()
        .contract("a.silver.s", "k string, v positive, n bigint")
        .pipeline(
            "s",
            "a.silver.s",
            "materialization: append_distinct\nkey: [k]",
            "SELECT k, v, w AS n FROM a.bronze.e",
        )
        .engine(&lake());
    let mut writer = Writer::new(&engine);
    writer
        .add("a.bronze.e", &[row("a", -1, 0), row("a", 7, 1), row("a", 8, 2)])
        .await;
    let results = run(&engine).await;
    assert_eq!((results[0].rows, results[0].rejected), (1, 1));
    writer.add("a.bronze.e", &[row("a", -2, 3), row("b", 3, 4)]).await;
    let results = run(&engine).await;
    assert_eq!(results[0].action, Action::Incremental);
    assert_eq!((results[0].rows, results[0].rejected), (1, 1));
    assert_eq!(rows(&engine, "SELECT * FROM a.silver.s").await, ["a 7 1", "b 3 4"]);
    assert_eq!(number(&engine, "SELECT count(*) FROM a.quarantine.silver_s").await, 2);
    // A writer whose clock is behind brings a row that arrived before the one that is there.
    writer.behind = 100;
    writer.add("a.bronze.e", &[row("a", 9, 5)]).await;
    assert_eq!(
        said(&run(&engine).await),
        ["a.s full: new rows in a.bronze.e come before rows that are built in"]
    );
    assert_eq!(rows(&engine, "SELECT * FROM a.silver.s").await, ["a 9 5", "b 3 4"]);
    writer.add("a.bronze.e", &[row("c", 1, 6)]).await;
    assert_eq!(said(&run(&engine).await), ["a.s incremental: new rows in a.bronze.e"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_counts_no_row_that_was_kept_as_accepted() {
    let engine = sums().engine(&lake());
    let mut writer = Writer::new(&engine);
    writer
        .add("a.bronze.e", &[row("a", 1, 0), row("b", 2, 0), row("c", 3, 0)])
        .await;
    run(&engine).await;
    writer.add("a.bronze.e", &[row("a", 5, 0)]).await;
    assert_eq!(run(&engine).await[0].rows, 1);
    let table = engine.lake.load(&name("a.silver.s")).await.unwrap().unwrap();
    assert_eq!(table.row_count(), Some(3));
    let history = table.history(1).await.unwrap();
    assert_eq!(history[0].metadata["accepted"], "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_runs_at_the_same_time_one_builds_and_the_other_says_conflict() {
    let lake = lake();
    let (one, other) = (sums().engine(&lake), sums().engine(&lake));
    let mut writer = Writer::new(&one);
    writer.add("a.bronze.e", &[row("a", 5, 1)]).await;
    run(&one).await;
    writer.add("a.bronze.e", &[row("a", 6, 1), row("b", 7, 1)]).await;
    let all = RunOptions::default();
    let (left, right) = tokio::join!(one.run(&all, &Unobserved), other.run(&all, &Unobserved));
    for results in [left.unwrap(), right.unwrap()] {
        if let StepOutcome::Failed(error) = &results[0].outcome {
            assert_eq!(error.kind(), polder_core::ErrorKind::Conflict, "{}", error.report());
        }
    }
    assert_eq!(rows(&one, "SELECT * FROM a.silver.s").await, ["a 11 2", "b 7 1"]);
}
