//! What becomes of refused rows: replayed once, whatever crashes, or discarded for a reason.

use std::collections::HashSet;

use polder_core::ErrorKind;
use polder_gate::table::NoQueries;
use polder_lake::TableOptions;
use proptest::prelude::*;

use super::*;
use crate::{Discard, NoRecords, Patch, Quarantine, Replay, Replayed, Selection, quarantine_schema};

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
        [(1, state("replayed")), (2, state("open")), (3, None)]
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

    // Nothing is left to do, and a second replay does nothing.
    let again = quarantine.replay(&all(&contract)).await.unwrap();
    assert_eq!((again.selected, again.passed, again.version), (2, 0, None));
    assert_eq!(placed(&lake).await, (vec![0, 1], vec![1, 2, 3]));
}

/// Turns numbers round; fails for 13.
struct Absolute(Vec<String>);

impl Patch for Absolute {
    fn columns(&self) -> &[String] {
        &self.0
    }

    fn apply(&self, rows: &RecordBatch) -> Result<RecordBatch> {
        let place = rows.schema().index_of("n").unwrap();
        let numbers = rows.column(place).as_primitive::<arrow::datatypes::Int32Type>();
        if numbers.values().contains(&-13) {
            return Err(polder_core::Error::new(ErrorKind::Data, "bad luck"));
        }
        let mut columns = rows.columns().to_vec();
        columns[place] = Arc::new(numbers.unary::<_, arrow::datatypes::Int32Type>(i32::abs));
        Ok(RecordBatch::try_new(rows.schema(), columns).unwrap())
    }
}

#[tokio::test]
async fn a_patch_mends_rows_and_leaves_those_that_it_fails_for() {
    let lake = delivered(&[Some(-1), Some(-13), Some(-2), Some(-3)], 0).await;
    let (contract, patch) = (contract(2), Absolute(vec!["n".to_owned()]));
    let mut replay = all(&contract);
    replay.patch = Some(&patch);
    let replayed = quarantine(&lake).await.replay(&replay).await.unwrap();
    assert_eq!(replayed.passed, 2);
    assert!(replayed.refused["patch"].1.contains("bad luck"), "{replayed:?}");
    assert_eq!(replayed.refused["n.minimum"].0, 1);
    let rows = rows(&lake, DATASET).await.unwrap();
    let mut numbers = texts(&rows, "n");
    numbers.sort_unstable();
    assert_eq!(numbers, [state("2"), state("3")]);
    // What was received stays as it was.
    let rows = self::rows(&lake, "sales.quarantine.bronze_events").await.unwrap();
    assert!(texts(&rows, "record").contains(&state(r#"{"name":"x","n":-2}"#)));
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
async fn a_crash_between_any_steps_neither_loses_nor_doubles() {
    for steps in 0..=3 {
        let lake = delivered(&[Some(0), Some(1), Some(-1)], 3).await;
        let contract = contract(0);
        let replay = all(&contract);
        let mut first = quarantine(&lake).await;
        let mut judged = first.judge(&replay, true).await.unwrap();
        if steps > 0 {
            let number = first.begin(&mut judged, &replay).await.unwrap().unwrap();
            assert_eq!(states(&lake).await[0], (0, state("replaying")));
            if steps > 1 {
                first.enter(&mut judged, number, &replay).await.unwrap();
            }
        }
        if steps > 2 {
            first.settle(replay.run).await.unwrap();
        }
        let before = placed(&lake).await.0;
        assert_eq!(before, if steps > 1 { vec![0, 1] } else { vec![] }, "{steps}");
        let table = first.table().clone();
        let under_way = Quarantine::under_way(&lake, &DATASET.parse().unwrap(), &table)
            .await
            .unwrap();
        assert_eq!(
            under_way.map(|(_, landed)| landed),
            [None, Some(false), Some(true), None][steps]
        );
        // The next process goes on.
        let replayed = quarantine(&lake).await.replay(&all(&contract)).await.unwrap();
        assert_eq!(replayed.passed, if steps > 1 { 0 } else { 2 }, "{steps}");
        assert_eq!(placed(&lake).await.0, [0, 1], "{steps}");
        assert_eq!(
            states(&lake).await,
            [(0, state("replayed")), (1, state("replayed")), (2, state("open"))]
        );
    }
}

#[tokio::test]
async fn a_replay_that_others_took_for_dead_does_not_get_its_rows_in() {
    let lake = delivered(&[Some(0), Some(1)], 3).await;
    let contract = contract(0);
    let replay = all(&contract);
    let mut slow = quarantine(&lake).await;
    let mut judged = slow.judge(&replay, true).await.unwrap();
    let number = slow.begin(&mut judged, &replay).await.unwrap().unwrap();
    quarantine(&lake).await.replay(&all(&contract)).await.unwrap();
    let error = slow.enter(&mut judged, number, &replay).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(slow.settle(replay.run).await.unwrap(), 0);
    assert_eq!(placed(&lake).await.0, [0, 1]);
}

#[tokio::test]
async fn a_stream_at_work_meanwhile_loses_and_doubles_nothing() {
    let lake = lake();
    let topic = topic([Some(0), Some(5), Some(1), Some(6), Some(2), Some(7)]);
    let mut stream = open(&lake, 3).await;
    deliver(&mut stream, &topic, 3, Crash::Never).await.unwrap();
    let contract = contract(0);
    let replay = all(&contract);
    let mut quarantine = quarantine(&lake).await;
    let mut judged = quarantine.judge(&replay, true).await.unwrap();
    deliver(&mut stream, &topic, 1, Crash::Never).await.unwrap();
    let number = quarantine.begin(&mut judged, &replay).await.unwrap().unwrap();
    // This one refuses a row itself, between the steps.
    deliver(&mut stream, &topic, 2, Crash::Never).await.unwrap();
    quarantine.enter(&mut judged, number, &replay).await.unwrap();
    quarantine.settle(replay.run).await.unwrap();
    assert_eq!(placed(&lake).await, (vec![0, 1, 2, 3, 5], vec![0, 2, 4]));
    assert_eq!(
        states(&lake).await,
        [(0, state("replayed")), (2, state("replayed")), (4, None)]
    );
    assert_eq!(quarantine.replay(&all(&contract)).await.unwrap().passed, 1);
    assert_eq!(placed(&lake).await.0, [0, 1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn a_row_that_was_replayed_before_its_stream_went_on_is_not_taken_again() {
    let lake = lake();
    let topic = topic([Some(0), Some(5), Some(1)]);
    deliver(&mut open(&lake, 3).await, &topic, 10, Crash::BetweenTheCommits)
        .await
        .unwrap();
    let contract = contract(0);
    quarantine(&lake).await.replay(&all(&contract)).await.unwrap();
    assert_eq!(placed(&lake).await, (vec![0, 2], vec![0, 2]));
    let receipt = deliver(&mut open(&lake, 0).await, &topic, 10, Crash::Never)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((receipt.accepted, receipt.recognised), (1, 2));
    assert_eq!(placed(&lake).await, (vec![0, 1, 2], vec![0, 2]));
    // Rows that are settled are nobody's business in the next process, although their file is new.
    quarantine(&lake).await.discard(&discard("odd", None)).await.unwrap();
    let mut next = open(&lake, 0).await;
    drop(next.shipment(RunId::new()).await.unwrap());
    assert!(matches!(&next.known, crate::delivery::Known::Positions(known) if known.window.is_empty()));
}

#[tokio::test]
async fn a_repeated_key_stays_refused_until_it_is_mended() {
    let lake = lake();
    let text = "apiVersion: v3.1.0\nkind: DataContract\nid: events\nname: events\nversion: 1.0.0\nstatus: active\n\
                domain: sales\nschema:\n  - name: events\n    physicalName: sales.bronze.events\n    properties:\n      \
                - {name: name, logicalType: string, required: true}\n      \
                - {name: n, logicalType: integer, physicalType: int, unique: true}\n";
    let parsed = parse(&Source::new("contracts/sales/events.odcs.yaml", text));
    let contract = DatasetContract {
        contract: Arc::new(parsed.contract.unwrap()),
        object: 0,
    };
    let mut delivery = Delivery::open(&lake, &contract, STREAM_COLUMNS.as_slice(), STREAM)
        .await
        .unwrap();
    let topic = topic([Some(-2), Some(-2), Some(2), Some(-2)]);
    deliver(&mut delivery, &topic, 10, Crash::Never).await.unwrap();
    assert_eq!(placed(&lake).await, (vec![0, 2], vec![1, 3]));
    let mut quarantine = quarantine(&lake).await;
    assert_eq!(
        quarantine.replay(&all(&contract)).await.unwrap().refused["n.unique"].0,
        2
    );
    // Of the two rows that would be 3, the first by position passes.
    let patch = Plus(vec!["n".to_owned()]);
    let mut replay = all(&contract);
    replay.patch = Some(&patch);
    let replayed = quarantine.replay(&replay).await.unwrap();
    assert_eq!((replayed.passed, replayed.refused["n.unique"].0), (1, 1));
    assert_eq!(placed(&lake).await.0, [0, 1, 2]);
    // The stream knows the key that came in by the side.
    let more = self::topic([Some(9), Some(9), Some(9), Some(9), Some(3), Some(4)]);
    deliver(&mut delivery, &more, 10, Crash::Never).await.unwrap();
    assert_eq!(placed(&lake).await, (vec![0, 1, 2, 5], vec![1, 3, 4]));
}

/// Adds five.
struct Plus(Vec<String>);

impl Patch for Plus {
    fn columns(&self) -> &[String] {
        &self.0
    }

    fn apply(&self, rows: &RecordBatch) -> Result<RecordBatch> {
        let place = rows.schema().index_of("n").unwrap();
        let numbers = rows.column(place).as_primitive::<arrow::datatypes::Int32Type>();
        let mut columns = rows.columns().to_vec();
        columns[place] = Arc::new(numbers.unary::<_, arrow::datatypes::Int32Type>(|n| n + 5));
        Ok(RecordBatch::try_new(rows.schema(), columns).unwrap())
    }
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
        [(0, state("discarded")), (1, state("discarded")), (2, None)]
    );
    let rows = rows(&lake, "sales.quarantine.bronze_events").await.unwrap();
    let mut said = texts(&rows, "resolution");
    said.sort_unstable();
    assert_eq!(said, [None, state("test data"), state("test data")]);
    assert_eq!(texts(&rows, "resolved_at").iter().flatten().count(), 2);
    // Nobody brings them back.
    let contract = contract(0);
    assert_eq!(quarantine.replay(&all(&contract)).await.unwrap().passed, 0);
    assert_eq!(placed(&lake).await, (vec![], vec![0, 1, 2]));
}

#[tokio::test]
async fn a_quarantine_of_an_earlier_polder_gets_the_columns_that_it_lacks() {
    let lake = lake();
    let name: DatasetName = "sales.quarantine.bronze_events".parse().unwrap();
    let older = arrow::datatypes::Schema::new(quarantine_schema().fields()[..15].to_vec());
    lake.ensure(&name, Arc::new(older), &TableOptions::default())
        .await
        .unwrap();
    let topic = topic([Some(1), Some(5), Some(2)]);
    let mut stream = open(&lake, 3).await;
    deliver(&mut stream, &topic, 1, Crash::Never).await.unwrap();
    let contract = contract(0);
    assert_eq!(quarantine(&lake).await.replay(&all(&contract)).await.unwrap().passed, 1);
    // The stream at work writes on.
    deliver(&mut stream, &topic, 2, Crash::Never).await.unwrap();
    assert_eq!(placed(&lake).await, (vec![0, 1], vec![0, 2]));
    assert_eq!(states(&lake).await, [(0, state("replayed")), (2, None)]);
}

#[tokio::test]
async fn a_rehearsal_writes_nothing_also_where_a_replay_would_add_columns() {
    let lake = lake();
    let (dataset, name): (DatasetName, DatasetName) = (
        DATASET.parse().unwrap(),
        "sales.quarantine.bronze_events".parse().unwrap(),
    );
    let older = arrow::datatypes::Schema::new(quarantine_schema().fields()[..15].to_vec());
    lake.ensure(&name, Arc::new(older), &TableOptions::default())
        .await
        .unwrap();
    let mut stream = open(&lake, 3).await;
    deliver(&mut stream, &topic([Some(1), Some(5)]), 2, Crash::Never)
        .await
        .unwrap();
    let versions = async || {
        let of = async |name| lake.load(name).await.unwrap().unwrap().version();
        [of(&dataset).await, of(&name).await]
    };
    let before = versions().await;
    // The contract of now has a column, and a key, that the table lacks.
    let text = "apiVersion: v3.1.0\nkind: DataContract\nid: events\nname: events\nversion: 2.0.0\nstatus: active\n\
                domain: sales\nschema:\n  - name: events\n    physicalName: sales.bronze.events\n    properties:\n      \
                - {name: name, logicalType: string, required: true}\n      \
                - {name: n, logicalType: integer, physicalType: int}\n      \
                - {name: code, logicalType: string, unique: true}\n";
    let parsed = parse(&Source::new("contracts/sales/events.odcs.yaml", text));
    let contract = DatasetContract {
        contract: Arc::new(parsed.contract.unwrap()),
        object: 0,
    };
    let mut quarantine = Quarantine::open_as_it_is(&lake, &dataset).await.unwrap().unwrap();
    assert_eq!(quarantine.rehearse(&all(&contract)).await.unwrap().passed, 1);
    assert_eq!(versions().await, before);
    assert_eq!(
        self::quarantine(&lake)
            .await
            .replay(&all(&contract))
            .await
            .unwrap()
            .passed,
        1
    );
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
    assert_eq!(states(&lake).await, [(0, None), (1, None)]);
}

/// Delivers a topic message by message; after a conflict it begins again, as streams do.
async fn deliver_all(lake: &Lake, topic: &[Message], minimum: i32) {
    let mut stream = open(lake, minimum).await;
    loop {
        match deliver(&mut stream, topic, 1, Crash::Never).await {
            Ok(Some(_)) => {}
            Ok(None) => return,
            Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error}"),
        }
        tokio::task::yield_now().await;
    }
}

/// Replays whatever is open, some times over.
async fn replay_often(lake: &Lake, minimum: i32) {
    let contract = contract(minimum);
    for _ in 0..12 {
        if let Some(mut quarantine) = Quarantine::open(lake, &DATASET.parse().unwrap()).await.unwrap() {
            match quarantine.replay(&all(&contract)).await {
                Ok(_) => {}
                Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error}"),
            }
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn streams_and_replays_at_the_same_time_lose_and_double_nothing() {
    let lake = lake();
    let topic = Arc::new(topic((0..40).map(|n| Some(n % 6))));
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..3 {
        let (lake, topic) = (lake.clone(), Arc::clone(&topic));
        tasks.spawn(async move {
            match task {
                0 => deliver_all(&lake, &topic, 3).await,
                _ => replay_often(&lake, 1).await,
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    replay_often(&lake, 1).await;
    let (accepted, _) = placed(&lake).await;
    let taken: Vec<i64> = (0..40).filter(|n| n % 6 >= 1).collect();
    assert_eq!(accepted, taken);
    for (offset, state) in states(&lake).await {
        let open = state.is_none_or(|state| state == "open");
        assert_eq!(open, offset % 6 == 0, "{offset}");
    }
}

/// One step of two processes that replay and a stream that delivers.
#[derive(Debug, Clone, Copy)]
enum Step {
    Deliver { count: usize, crash: Crash, minimum: i32 },
    Replay { steps: usize, minimum: i32 },
}

fn step() -> impl Strategy<Value = Step> {
    let crash = prop_oneof![Just(Crash::Never), Just(Crash::BetweenTheCommits)];
    prop_oneof![
        (1usize..6, crash, 0i32..4).prop_map(|(count, crash, minimum)| Step::Deliver { count, crash, minimum }),
        (0usize..4, 0i32..4).prop_map(|(steps, minimum)| Step::Replay { steps, minimum }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    /// However streams and replays crash: each message is once in the dataset, or once in quarantine, or in both once
    /// and marked as replayed.
    #[test]
    fn every_message_is_in_the_dataset_once_or_open(
        numbers in prop::collection::vec(prop::option::weighted(0.9, -2i32..5), 1..16),
        steps in prop::collection::vec(step(), 1..10),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let topic = topic(numbers.clone());
        let (accepted, quarantined) = runtime.block_on(async {
            let lake = lake();
            for step in steps {
                match step {
                    Step::Deliver { count, crash, minimum } => {
                        deliver(&mut open(&lake, minimum).await, &topic, count, crash).await.unwrap();
                    }
                    Step::Replay { steps, minimum } => {
                        let Some(mut quarantine) = Quarantine::open(&lake, &DATASET.parse().unwrap()).await.unwrap() else {
                            continue;
                        };
                        let contract = contract(minimum);
                        let replay = all(&contract);
                        quarantine.settle(replay.run).await.unwrap();
                        let mut judged = quarantine.judge(&replay, true).await.unwrap();
                        if steps > 0
                            && let Some(number) = quarantine.begin(&mut judged, &replay).await.unwrap()
                            && steps > 1
                        {
                            quarantine.enter(&mut judged, number, &replay).await.unwrap();
                            if steps > 2 {
                                quarantine.settle(replay.run).await.unwrap();
                            }
                        }
                    }
                }
            }
            let mut last = open(&lake, 0).await;
            while deliver(&mut last, &topic, 5, Crash::Never).await.unwrap().is_some() {}
            let Some(mut quarantine) = Quarantine::open(&lake, &DATASET.parse().unwrap()).await.unwrap() else {
                return (placed(&lake).await.0, Vec::new());
            };
            quarantine.settle(RunId::new()).await.unwrap();
            (placed(&lake).await.0, states(&lake).await)
        });
        let unique: HashSet<_> = accepted.iter().collect();
        prop_assert_eq!(unique.len(), accepted.len());
        let unique: HashSet<_> = quarantined.iter().map(|(offset, _)| offset).collect();
        prop_assert_eq!(unique.len(), quarantined.len());
        for offset in 0..numbers.len() as i64 {
            let of_quarantine = quarantined.iter().find(|(quarantined, _)| *quarantined == offset);
            let in_table = accepted.contains(&offset);
            match of_quarantine {
                None => prop_assert!(in_table),
                Some((_, Some(word))) if word == "replayed" => prop_assert!(in_table),
                Some(_) => prop_assert!(!in_table),
            }
        }
    }
}
