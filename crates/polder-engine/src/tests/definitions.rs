//! Which definition built a table: what its names mean, queries that plan no more, tables of an earlier Polder.

use polder_core::{Error, ErrorKind};
use polder_lake::Progress;

use super::building::{BY_GROUP, SUMS, TARGET, said, sums};
use super::*;
use crate::progress::{Definition, TableMark};

#[tokio::test(flavor = "multi_thread")]
async fn a_query_whose_names_mean_other_columns_builds_everything() {
    // As long as `d` has no `w`, it is that of `e`.
    const QUERY: &str = "SELECT k, sum(v) AS v, count(*) AS n FROM a.bronze.e e \
                         WHERE EXISTS (SELECT 1 FROM a.bronze.d d WHERE d.k = e.k AND w > 0) GROUP BY k";
    let lake = lake();
    let declared = |columns_of_d: &str| {
        Declared::default()
            .contract("a.bronze.e", "k string, v bigint, w bigint")
            .contract("a.bronze.d", columns_of_d)
            .contract("a.silver.s", TARGET)
            .pipeline("s", "a.silver.s", BY_GROUP, QUERY)
            .engine(&lake)
    };
    let engine = declared("k string");
    Writer::new(&engine).add("a.bronze.e", &[row("a", 1, 0)]).await;
    assert_eq!(said(&run(&engine).await), ["a.s full: first build"]);
    assert_eq!(
        said(&run(&declared("k string, u bigint")).await),
        ["a.s skip: nothing new"]
    );
    assert_eq!(
        said(&run(&declared("k string, w bigint")).await),
        ["a.s full: definition changed"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn values_of_another_kind_build_everything() {
    const TARGET: &str = "k string, v double";
    let lake = lake();
    let declared = |columns: &str| {
        Declared::default()
            .contract("a.bronze.e", columns)
            .contract("a.silver.s", TARGET)
            .pipeline(
                "s",
                "a.silver.s",
                "materialization: append",
                "SELECT k, CAST(v / 2 AS double) AS v FROM a.bronze.e",
            )
            .engine(&lake)
    };
    let whole = declared("k string, v bigint, w bigint");
    Writer::new(&whole).add("a.bronze.e", &[row("a", 5, 0)]).await;
    assert_eq!(said(&run(&whole).await), ["a.s full: first build"]);
    // What the query does not use may be of any kind.
    let other = declared("k string, v bigint, w double");
    assert_eq!(said(&run(&other).await), ["a.s skip: nothing new"]);
    let double = declared("k string, v double, w bigint");
    assert_eq!(said(&run(&double).await), ["a.s full: definition changed"]);
    assert_eq!(rows(&double, "SELECT * FROM a.silver.s").await, ["a 2.5"]);
}

/// What a plan would do, or why there is none.
async fn planned(engine: &Engine) -> Result<Vec<String>, Error> {
    let steps = engine.plan(&RunOptions::default()).await?;
    let said = steps
        .iter()
        .map(|step| format!("{} {}: {}", step.name, step.action.as_str(), step.why));
    Ok(said.collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_no_longer_plans_fails_and_leaves_the_table_as_it_was() {
    let lake = lake();
    let engine = sums().engine(&lake);
    let mut writer = Writer::new(&engine);
    writer.add("a.bronze.e", &[row("a", 1, 0)]).await;
    run(&engine).await;
    let built = versions(&engine).await;

    // With nothing new, and with new rows.
    let broken = Declared::default()
        .contract("a.bronze.e", "k string, w bigint")
        .contract("a.silver.s", TARGET)
        .pipeline("s", "a.silver.s", BY_GROUP, SUMS)
        .engine(&lake);
    let failures = async || {
        let plan = planned(&broken).await.unwrap_err();
        let results = broken.run(&RunOptions::default(), &Unobserved).await.unwrap();
        let StepOutcome::Failed(run) = &results[0].outcome else {
            panic!("{results:?}")
        };
        // No other definition, and nothing began.
        assert_eq!((said(&results), results[0].run), (vec!["a.s skip: ".to_owned()], None));
        for error in [&plan, run] {
            assert_eq!(error.kind(), ErrorKind::Document);
            let said: Vec<_> = error.diagnostics().iter().map(ToString::to_string).collect();
            assert_eq!(said.len(), 1, "{said:?}");
            assert!(said[0].starts_with("pipelines/a/s.sql:1:15: "), "{said:?}");
            assert!(said[0].contains("`v`"), "{said:?}");
        }
    };
    failures().await;
    assert_eq!(versions(&engine).await, built);
    writer.add("a.bronze.e", &[row("a", 2, 0)]).await;
    failures().await;
    // Once it plans again it goes on where it was.
    assert_eq!(said(&run(&engine).await), ["a.s incremental: new rows in a.bronze.e"]);
    assert_eq!(rows(&engine, "SELECT * FROM a.silver.s").await, ["a 3 2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_takes_what_is_built_before_as_it_will_be() {
    const COPY: &str = "materialization: append";
    let lake = lake();
    let declared = |silver: &[&str], sql: &str, gold: &str| {
        bronze()
            .contract_of("a.silver.s", silver)
            .contract("a.gold.g", "k string, n bigint")
            .pipeline("s", "a.silver.s", COPY, sql)
            .pipeline("g", "a.gold.g", COPY, gold)
            .engine(&lake)
    };
    const K: &str = "{name: k, logicalType: string}";
    let before = declared(
        &[K],
        "SELECT k FROM a.bronze.e",
        "SELECT k, CAST(1 AS bigint) AS n FROM a.silver.s",
    );
    Writer::new(&before).add("a.bronze.e", &[row("a", 1, 0)]).await;
    run(&before).await;
    // The table that is there has no such column, and would not do without it.
    let n = "{name: n, logicalType: integer, physicalType: bigint, required: true}";
    let after = declared(
        &[K, n],
        "SELECT k, v AS n FROM a.bronze.e WHERE v IS NOT NULL",
        "SELECT k, n FROM a.silver.s",
    );
    let only = RunOptions {
        select: vec!["a.g".to_owned()],
        full: false,
    };
    let alone = after.plan(&only).await.unwrap_err();
    assert!(
        alone.diagnostics()[0].message.contains("no column `n`"),
        "{}",
        alone.report()
    );
    let expected = ["a.s full: definition changed", "a.g full: definition changed"];
    assert_eq!(planned(&after).await.unwrap(), expected);
}

/// Lets a table tell who built it, and how far, as an earlier Polder did.
async fn recorded_formerly(engine: &Engine) {
    let pipeline = &engine.pipelines()[0];
    let contract = engine.contract(&pipeline.dataset).unwrap();
    let former = Definition::former(pipeline, &contract);
    let source = engine.lake.load(&name("a.bronze.e")).await.unwrap().unwrap();
    let mark = TableMark::of(source.id());
    let mut target = engine.lake.load(&pipeline.dataset).await.unwrap().unwrap();
    let mut progress = Vec::new();
    for (id, next) in [
        (former.builder_id(), former.builder()),
        (former.source_id(source.name()), mark.number()),
        (former.version_id(source.name(), &mark), source.version() as i64),
    ] {
        let expected = target.progress(&id).await.unwrap();
        progress.push(Progress { id, expected, next });
    }
    let commit = Commit {
        progress,
        ..Commit::new(RunId::new(), Operation::Append)
    };
    target.commit(commit).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_an_earlier_polder_built_is_known_by_its_definition() {
    let lake = lake();
    let engine = sums().engine(&lake);
    let mut writer = Writer::new(&engine);
    writer.add("a.bronze.e", &[row("a", 1, 0)]).await;
    run(&engine).await;

    // New rows are built in, and it is recorded anew.
    recorded_formerly(&engine).await;
    writer.add("a.bronze.e", &[row("a", 2, 0)]).await;
    assert_eq!(said(&run(&engine).await), ["a.s incremental: new rows in a.bronze.e"]);
    assert_eq!(rows(&engine, "SELECT * FROM a.silver.s").await, ["a 3 2"]);
    let current = versions(&engine).await;
    assert_eq!(said(&run(&engine).await), ["a.s skip: nothing new"]);
    assert_eq!(versions(&engine).await, current);

    // So it is where nothing is new, once.
    recorded_formerly(&engine).await;
    for _ in 0..2 {
        assert_eq!(planned(&engine).await.unwrap(), ["a.s skip: nothing new"]);
        assert_eq!(said(&run(&engine).await), ["a.s skip: nothing new"]);
        let renewed = lake.load(&name("a.silver.s")).await.unwrap().unwrap().version();
        assert_eq!(
            renewed,
            current[&name("a.silver.s")] + 2,
            "one commit as formerly, one as now"
        );
    }
    let table = lake.load(&name("a.silver.s")).await.unwrap().unwrap();
    assert_eq!(table.history(1).await.unwrap()[0].metadata["accepted"], "0", "no news");
    writer.add("a.bronze.e", &[row("a", 4, 0)]).await;
    assert_eq!(said(&run(&engine).await), ["a.s incremental: new rows in a.bronze.e"]);
    assert_eq!(rows(&engine, "SELECT * FROM a.silver.s").await, ["a 7 3"]);

    // Another definition is another one in either form.
    recorded_formerly(&engine).await;
    let changed = bronze()
        .contract("a.silver.s", TARGET)
        .pipeline("s", "a.silver.s", BY_GROUP, &SUMS.replace("sum(v)", "max(v)"))
        .engine(&lake);
    assert_eq!(said(&run(&changed).await), ["a.s full: definition changed"]);
}
