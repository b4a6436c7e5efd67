//! Models: trained after what they read, kept with what they learned from, asked.

use std::sync::atomic::{AtomicBool, Ordering};

use polder_core::{Error, ErrorKind, ObjectName, Result};
use polder_domain::{Inputs, Model, Parameters, Trained, frame_from_batches};

use super::*;

/// Learns how many rows there are; answers with that.
struct Counter;

impl Model for Counter {
    fn name(&self) -> &'static str {
        "counter"
    }

    fn description(&self) -> &'static str {
        "How many rows there are."
    }

    fn train(&self, inputs: &Inputs, parameters: &Parameters) -> Result<Trained> {
        let rows = inputs.frame("rows")?.height();
        let least = parameters.whole("least")?.unwrap_or(0);
        if rows < least {
            return Err(Error::new(ErrorKind::Data, format!("{rows} rows are too few")));
        }
        let metrics = BTreeMap::from([("rows".to_owned(), rows as f64), ("unknown".to_owned(), f64::NAN)]);
        Ok(Trained {
            artifact: rows.to_string().into_bytes(),
            metrics,
            notes: Vec::new(),
        })
    }

    fn predict(&self, artifact: &[u8], request: &Parameters) -> Result<polars::prelude::DataFrame> {
        let rows: i64 = std::str::from_utf8(artifact).unwrap().parse().unwrap();
        let times = request.whole("times")?.unwrap_or(1) as i64;
        let column: ArrayRef = Arc::new(Int64Array::from(vec![rows * times]));
        let batch = RecordBatch::try_from_iter([("rows", column)]).unwrap();
        frame_from_batches(&batch.schema(), &[batch])
    }
}

const MODEL: &str = "implementation: a.counter\ninputs:\n  rows: SELECT k FROM a.silver.s\nparameters: {least: 1}\n";

fn declared(model: &str) -> Declared {
    let sql = "SELECT k, sum(v) AS v, count(*) AS n FROM a.bronze.e GROUP BY k";
    bronze()
        .contract("a.silver.s", "k string, v bigint, n bigint")
        .model("m", model)
        .pipeline("s", "a.silver.s", "materialization: replace_groups\nkey: [k]", sql)
        .domain(Domain {
            name: "a",
            models: vec![Box::new(Counter)],
        })
}

fn model() -> ObjectName {
    "a.m".parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_trained_after_what_it_reads_and_again_only_when_that_changed() {
    let lake = lake();
    let engine = declared(MODEL).engine(&lake);
    let mut writer = Writer::new(&engine);
    writer.add("a.bronze.e", &[row("a", 1, 0), row("b", 2, 0)]).await;
    let results = run(&engine).await;
    assert_eq!(results[1].name, model());
    let record = results[1].model.clone().unwrap();
    let silver = lake.load(&name("a.silver.s")).await.unwrap().unwrap().version();
    assert_eq!(record.inputs, BTreeMap::from([(name("a.silver.s"), silver)]));
    assert_eq!(record.metrics, BTreeMap::from([("rows".to_owned(), 2.0)]));
    assert_eq!(record.notes, ["unknown could not be measured"]);
    assert_eq!(Some(record.run_id), results[1].run);

    assert_eq!(run(&engine).await[1].why, "nothing new");
    writer.add("a.bronze.e", &[row("c", 1, 0)]).await;
    let results = run(&engine).await;
    assert_eq!(results[1].model.as_ref().map(|record| record.version), Some(2));
    let other = declared(&MODEL.replace("least: 1", "least: 2")).engine(&lake);
    assert_eq!(run(&other).await[1].why, "definition changed");
    assert_eq!(other.model_store().versions(&model()).await.unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_without_any_row_trains_nothing() {
    let lake = lake();
    let engine = declared(MODEL).engine(&lake);
    let mut writer = Writer::new(&engine);
    writer.add("a.bronze.e", &[row("a", 1, 0)]).await;
    let learned = run(&engine).await[1].model.clone().unwrap().inputs;
    // Another row that gives the group the same figures.
    let old = writer.table("a.bronze.e").await.files().unwrap();
    writer.replace("a.bronze.e", old, &[row("a", 1, 5)]).await;
    let results = run(&engine).await;
    assert_eq!(
        (results[0].action, results[1].action),
        (Action::Incremental, Action::Skip)
    );
    assert_eq!(results[1].why, "nothing new");
    let silver = lake.load(&name("a.silver.s")).await.unwrap().unwrap().version();
    assert!(silver > learned[&name("a.silver.s")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_promoted_version_answers_else_the_newest() {
    let engine = declared(MODEL).engine(&lake());
    let mut writer = Writer::new(&engine);
    let answer = async |version: Option<u64>| {
        let request = Parameters::from_pairs(["times=10"]).unwrap();
        let batch = engine.predict(&model(), version, request).await.unwrap();
        batch.column(0).as_primitive::<Int64Type>().value(0)
    };
    for key in ["a", "b", "c"] {
        writer.add("a.bronze.e", &[row(key, 1, 0)]).await;
        run(&engine).await;
    }
    assert_eq!(answer(None).await, 30);
    engine.model_store().promote(&model(), 1).await.unwrap();
    assert_eq!(answer(None).await, 10);
    assert_eq!(answer(Some(2)).await, 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn data_that_is_too_little_is_told_and_no_failure() {
    let engine = declared(&MODEL.replace("least: 1", "least: 100")).engine(&lake());
    Writer::new(&engine).add("a.bronze.e", &[row("a", 1, 0)]).await;
    let seen = AtomicBool::new(false);
    struct Watching<'s>(&'s AtomicBool);
    impl Observer for Watching<'_> {
        fn finished(&self, result: &StepResult) {
            let told = result.why == "not enough data yet: 1 rows are too few";
            if matches!(result.outcome, StepOutcome::WaitsForData) && told && result.run.is_none() {
                self.0.store(true, Ordering::Relaxed);
            }
        }
    }
    engine.run(&RunOptions::default(), &Watching(&seen)).await.unwrap();
    assert!(seen.load(Ordering::Relaxed));
    assert_eq!(engine.model_store().versions(&model()).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_learns_from_nulls_where_its_source_does_not_have_a_column_yet() {
    let lake = lake();
    let before = bronze().engine(&lake);
    Writer::new(&before)
        .add("a.bronze.e", &[row("a", 1, 0), row("b", 2, 0)])
        .await;
    let model = MODEL.replace(
        "SELECT k FROM a.silver.s",
        "SELECT k, d FROM a.bronze.e WHERE d IS NULL",
    );
    let mut declared = declared(&model);
    declared
        .contracts
        .retain(|(_, contract)| !contract.text.contains("a.bronze.e"));
    let engine = declared
        .contract_version("a.bronze.e", "k string, d bigint, v bigint, w bigint", "1.1.0")
        .engine(&lake);
    let results = run(&engine).await;
    let learned = results.iter().find_map(|result| result.model.clone()).unwrap();
    assert_eq!(learned.metrics, BTreeMap::from([("rows".to_owned(), 2.0)]));
}
