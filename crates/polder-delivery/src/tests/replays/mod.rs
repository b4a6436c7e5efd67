//! What becomes of refused rows: replayed once, whatever crashes, or discarded for a reason.

mod bytes;
mod earlier;
mod maps;
mod patches;
mod races;

use std::collections::HashSet;

use polder_core::ErrorKind;
use polder_gate::table::NoQueries;
use polder_lake::TableOptions;
use serde_json::Value;

use super::*;
use crate::{Discard, NoRecords, Patch, Patched, Quarantine, Replay, Replayed, Selection, quarantine_schema};

const DATASET: &str = "sales.bronze.events";

async fn quarantine(lake: &Lake) -> Quarantine {
    Quarantine::open(lake, &DATASET.parse().unwrap())
        .await
        .unwrap()
        .unwrap()
}

/// A replay of all open rows under a contract.
fn all(contract: &DatasetContract) -> Replay<'_> {
    Replay {
        contract,
        queries: Arc::new(NoQueries),
        selection: Selection::default(),
        patch: None,
        reread: None,
        resolution: "mended".to_owned(),
        by: "ann".to_owned(),
        run: RunId::new(),
        judged: None,
    }
}

fn discard(reason: &str, rule: Option<&str>) -> Discard {
    Discard {
        selection: Selection {
            rule: rule.map(str::to_owned),
            ids: None,
        },
        reason: reason.to_owned(),
        by: "bob".to_owned(),
        run: RunId::new(),
    }
}

/// The states of all quarantined rows, by offset.
async fn states(lake: &Lake) -> Vec<(i64, Option<String>)> {
    let rows = rows(lake, "sales.quarantine.bronze_events").await.unwrap();
    let offsets = rows
        .column_by_name("_offset")
        .unwrap()
        .as_primitive::<Int64Type>()
        .clone();
    let mut states: Vec<_> = offsets.values().iter().copied().zip(texts(&rows, "state")).collect();
    states.sort_unstable();
    states
}

/// A column of quarantine as text, of the row with this offset.
async fn of_quarantine(lake: &Lake, offset: i64, column: &str) -> Option<String> {
    let rows = rows(lake, "sales.quarantine.bronze_events").await.unwrap();
    let offsets = rows.column_by_name("_offset").unwrap().as_primitive::<Int64Type>();
    let row = offsets.values().iter().position(|found| *found == offset).unwrap();
    texts(&rows, column).swap_remove(row)
}

/// The history of the row with this offset: the named parts of each entry; what an entry does not say is empty.
async fn history_of(lake: &Lake, offset: i64, parts: &[&str]) -> Vec<Vec<String>> {
    let Some(text) = of_quarantine(lake, offset, "history").await else {
        return Vec::new();
    };
    let entries: Vec<Value> = serde_json::from_str(&text).unwrap();
    let said = |entry: &Value, part: &&str| entry.get(*part).map_or("", |said| said.as_str().unwrap()).to_owned();
    let of_entry = |entry: &Value| parts.iter().map(|part| said(entry, part)).collect();
    entries.iter().map(of_entry).collect()
}

fn state(word: &str) -> Option<String> {
    Some(word.to_owned())
}

/// Delivers everything under a contract that refuses what is below a minimum.
async fn delivered(numbers: &[Option<i32>], minimum: i32) -> Lake {
    let lake = lake();
    deliver(
        &mut open(&lake, minimum).await,
        &topic(numbers.to_vec()),
        100,
        Crash::Never,
    )
    .await
    .unwrap();
    lake
}

#[tokio::test]
async fn rows_come_back_as_they_were_under_a_mended_contract() {
    let lake = delivered(&[Some(5), Some(1), Some(-4), None], 3).await;
    assert_eq!(placed(&lake).await, (vec![0], vec![1, 2, 3]));
    let mut quarantine = quarantine(&lake).await;
    let contract = contract(0);
    let replay = all(&contract);
    let rehearsed = quarantine.rehearse(&replay).await.unwrap();
    assert_eq!(placed(&lake).await, (vec![0], vec![1, 2, 3]));
    let replayed = quarantine.replay(&replay).await.unwrap();
    assert_eq!((replayed.selected, replayed.passed), (3, 1));
    assert_eq!(replayed.refused["n.minimum"].0, 1);
    assert!(replayed.refused["n.minimum"].1.contains("-4"));
    assert_eq!(replayed.unfit.values().sum::<u64>(), 1);
    let version = replayed.version;
    assert_eq!(
        Replayed {
            version: None,
            ..replayed
        },
        rehearsed
    );
    assert_eq!(placed(&lake).await, (vec![0, 1], vec![1, 2, 3]));
    assert_eq!(
        states(&lake).await,
        [(1, state("replayed")), (2, state("open")), (3, state("open"))]
    );

    let rows = rows(&lake, DATASET).await.unwrap();
    let of_row = |column: &str| {
        let offsets = rows.column_by_name("_offset").unwrap().as_primitive::<Int64Type>();
        let row = offsets.values().iter().position(|offset| *offset == 1).unwrap();
        texts(&rows, column).swap_remove(row)
    };
    assert_eq!(of_row("n"), Some("1".to_owned()));
    assert_eq!(of_row("_topic"), Some(TOPIC.to_owned()));
    assert_eq!(of_row("_schema_id"), Some("7".to_owned()));
    assert_eq!(of_row("_event_time"), Some("1970-01-01T00:00:01Z".to_owned()));
    assert_eq!(of_row("_run_id"), Some(replay.run.to_string()));
    let table = lake.load(&DATASET.parse().unwrap()).await.unwrap().unwrap();
    let history = table.history(1).await.unwrap();
    assert_eq!(
        (Some(history[0].version), history[0].run_id),
        (version, Some(replay.run))
    );
    assert_eq!(history[0].metadata["contract_version"], "1.0.0");
    assert_eq!(history[0].metadata["by"], "ann");

    // Its decision stays on record, and who is refused again says what the contract of now says.
    let rows = self::rows(&lake, "sales.quarantine.bronze_events").await.unwrap();
    let mut record: Vec<_> = ["resolution", "resolved_by", "attempts", "contract_version"]
        .map(|column| texts(&rows, column))
        .into_iter()
        .collect();
    for column in &mut record {
        column.sort_unstable();
    }
    assert_eq!(record[0], [None, None, state("mended")]);
    assert_eq!(record[1], [None, None, state("ann")]);
    assert_eq!(record[2], [None, state("1"), state("1")]);
    assert_eq!(record[3], [state("1.0.0"), state("1.0.3"), state("1.0.3")]);

    let parts = ["by", "outcome", "how", "rule", "contract_version"];
    let came = [STREAM, "refused", "", "n.minimum", "1.0.3"];
    assert_eq!(
        history_of(&lake, 1, &parts).await,
        [came, ["ann", "replayed", "mended", "", ""]]
    );
    assert_eq!(
        history_of(&lake, 2, &parts).await,
        [came, ["ann", "refused", "mended", "n.minimum", "1.0.0"]]
    );
    assert!(history_of(&lake, 3, &parts).await.is_empty());

    // Nothing is left to do, and a second replay does nothing.
    let again = quarantine.replay(&all(&contract)).await.unwrap();
    assert_eq!((again.selected, again.passed, again.version), (2, 0, None));
    assert_eq!(placed(&lake).await, (vec![0, 1], vec![1, 2, 3]));
}

#[tokio::test]
async fn only_the_selected_rows_are_replayed() {
    let lake = delivered(&[Some(0), Some(1), Some(2)], 3).await;
    let contract = contract(0);
    let mut replay = all(&contract);
    replay.selection.ids = Some(HashSet::from([format!("{STREAM}/{TOPIC}/0/1")]));
    let mut quarantine = quarantine(&lake).await;
    assert_eq!(quarantine.replay(&replay).await.unwrap().passed, 1);
    assert_eq!(placed(&lake).await.0, [1]);
    replay.selection = Selection {
        rule: Some("n.required".to_owned()),
        ids: None,
    };
    assert_eq!(quarantine.replay(&replay).await.unwrap().selected, 0);
}

#[tokio::test]
async fn what_a_pipeline_computed_is_not_replayed() {
    let lake = lake();
    let mut delivery = Delivery::open(&lake, &contract(0), &[], "sales.build").await.unwrap();
    let batch = RecordBatch::try_from_iter(vec![
        ("n", Arc::new(Int32Array::from(vec![-1])) as ArrayRef),
        ("name", Arc::new(StringArray::from(vec!["x"]))),
    ])
    .unwrap();
    let mut shipment = delivery.shipment(RunId::new()).await.unwrap();
    shipment.push(&batch, &NoRecords).await.unwrap();
    shipment.commit(Outcome::default()).await.unwrap();
    let error = quarantine(&lake).await.rehearse(&all(&contract(-5))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(error.to_string().contains("pipeline"), "{error}");
    let table = lake.load(&DATASET.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(table.schema().fields().len(), 2);
}

#[tokio::test]
async fn rows_are_discarded_for_a_reason_that_stays() {
    let lake = delivered(&[Some(0), Some(1), None], 3).await;
    let mut quarantine = quarantine(&lake).await;
    let error = quarantine.discard(&discard(" ", None)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert_eq!(
        quarantine
            .discard(&discard("test data", Some("n.minimum")))
            .await
            .unwrap(),
        2
    );
    assert_eq!(
        quarantine.discard(&discard("again", Some("n.minimum"))).await.unwrap(),
        0
    );
    assert_eq!(
        states(&lake).await,
        [(0, state("discarded")), (1, state("discarded")), (2, state("open"))]
    );
    let rows = rows(&lake, "sales.quarantine.bronze_events").await.unwrap();
    let mut said = texts(&rows, "resolution");
    said.sort_unstable();
    assert_eq!(said, [None, state("test data"), state("test data")]);
    assert_eq!(texts(&rows, "resolved_at").iter().flatten().count(), 2);
    assert_eq!(
        history_of(&lake, 0, &["by", "outcome", "how"]).await,
        [[STREAM, "refused", ""], ["bob", "discarded", "test data"]]
    );
    // Nobody brings them back.
    let contract = contract(0);
    assert_eq!(quarantine.replay(&all(&contract)).await.unwrap().passed, 0);
    assert_eq!(placed(&lake).await, (vec![], vec![0, 1, 2]));
}

#[tokio::test]
async fn a_rule_that_only_warns_is_told_where_the_replay_made_it_worse() {
    let lake = delivered(&[Some(0), Some(5)], 3).await;
    let text = "apiVersion: v3.1.0\nkind: DataContract\nid: events\nname: events\nversion: 2.0.0\nstatus: active\n\
                domain: sales\nschema:\n  - name: events\n    physicalName: sales.bronze.events\n    quality:\n      \
                - {name: few, metric: rowCount, mustBeLessThan: 2, severity: warning}\n      \
                - {name: many, metric: rowCount, mustBeGreaterThan: 1000, severity: warning}\n    properties:\n      \
                - {name: name, logicalType: string, required: true}\n      \
                - {name: n, logicalType: integer, physicalType: int}\n";
    let parsed = parse(&Source::new("contracts/sales/events.odcs.yaml", text));
    let contract = DatasetContract {
        contract: Arc::new(parsed.contract.unwrap()),
        object: 0,
    };
    let replayed = quarantine(&lake).await.replay(&all(&contract)).await.unwrap();
    assert_eq!(replayed.passed, 1);
    let told: Vec<_> = replayed.remarks.keys().collect();
    assert_eq!(told, ["few"]);
    assert!(
        replayed.remarks["few"].contains("it would be 2 rows"),
        "{:?}",
        replayed.remarks
    );
}

#[tokio::test]
async fn how_much_a_source_brings_is_not_asked_of_a_replay() {
    let lake = lake();
    let contract = |minimum: i32| {
        let text = format!(
            "apiVersion: v3.1.0\nkind: DataContract\nid: events\nname: events\nversion: 1.0.{minimum}\nstatus: active\n\
             domain: sales\nschema:\n  - name: events\n    physicalName: sales.bronze.events\n    quality:\n      \
             - {{name: usual, type: custom, engine: polder, implementation: {{volume: {{commits: 6, deviation: 2}}}}}}\n    \
             properties:\n      - {{name: name, logicalType: string, required: true}}\n      \
             - {{name: n, logicalType: integer, physicalType: int, logicalTypeOptions: {{minimum: {minimum}}}}}\n"
        );
        let parsed = parse(&Source::new("contracts/sales/events.odcs.yaml", text));
        DatasetContract {
            contract: Arc::new(parsed.contract.unwrap()),
            object: 0,
        }
    };
    let mut stream = Delivery::open(&lake, &contract(3), STREAM_COLUMNS.as_slice(), STREAM)
        .await
        .unwrap();
    let topic = topic((0..22).map(|n| Some(if n == 21 { 0 } else { 5 })));
    for count in [3, 4, 3, 4, 3, 4, 1] {
        deliver(&mut stream, &topic, count, Crash::Never).await.unwrap();
    }
    let of_now = contract(0);
    let replayed = quarantine(&lake).await.replay(&all(&of_now)).await.unwrap();
    assert_eq!(replayed.passed, 1);
    assert!(replayed.remarks["usual"].contains("not run"), "{:?}", replayed.remarks);
    // Nor is what it brought one of the commits that later ones are compared with.
    let table = lake.load(&DATASET.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(table.recent_additions(10).await.unwrap().rows, [4, 3, 4, 3, 4, 3]);
    // The stream is still asked.
    let more = self::topic((0..42).map(|_| Some(5)));
    let error = deliver(&mut stream, &more, 20, Crash::Never).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CheckFailed, "{error}");
}

#[tokio::test]
async fn rows_that_the_table_may_not_have_all_together_stay_open() {
    let lake = delivered(&[Some(0), Some(1), Some(5)], 3).await;
    let text = "apiVersion: v3.1.0\nkind: DataContract\nid: events\nname: events\nversion: 2.0.0\nstatus: active\n\
                domain: sales\nschema:\n  - name: events\n    physicalName: sales.bronze.events\n    \
                quality: [{name: small, type: library, metric: rowCount, mustBeLessThan: 3}]\n    properties:\n      \
                - {name: name, logicalType: string, required: true}\n      \
                - {name: n, logicalType: integer, physicalType: int}\n";
    let parsed = parse(&Source::new("contracts/sales/events.odcs.yaml", text));
    let contract = DatasetContract {
        contract: Arc::new(parsed.contract.unwrap()),
        object: 0,
    };
    let error = quarantine(&lake).await.replay(&all(&contract)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CheckFailed);
    assert_eq!(placed(&lake).await, (vec![2], vec![0, 1]));
    assert_eq!(states(&lake).await, [(0, state("open")), (1, state("open"))]);
}
