//! What happens to what breaks a rule: rows that are warned of or refuse their shipment, keys, and rules about the
//! whole table.

use polder_core::ErrorKind;
use polder_lake::{Commit, Operation};
use proptest::prelude::*;

use super::*;
use crate::NoRecords;

const PIPELINE: &str = "sales.build";

/// A contract for `sales.bronze.events` whose object says this besides, with this column `n`.
pub(super) fn declared(n: &str, object: &str) -> DatasetContract {
    written(n, object, "version: 1.0.0\nstatus: active\n")
}

fn written(n: &str, object: &str, fundamentals: &str) -> DatasetContract {
    let text = format!(
        "apiVersion: v3.1.0\nkind: DataContract\nid: events\nname: events\n{fundamentals}domain: sales\nschema:\n  \
         - name: events\n    physicalName: sales.bronze.events\n{object}    properties:\n      \
         - {{name: name, logicalType: string, required: true}}\n      \
         - {{name: n, logicalType: integer, physicalType: int{n}}}\n"
    );
    let parsed = parse(&Source::new("contracts/sales/events.odcs.yaml", text));
    let contract = parsed.contract.unwrap_or_else(|| panic!("{:?}", parsed.diagnostics));
    DatasetContract {
        contract: Arc::new(contract),
        object: 0,
    }
}

pub(super) const UNIQUE: &str = ", unique: true";

fn on_failure(word: &str) -> String {
    format!(", customProperties: [{{property: polder.onFailure, value: {word}}}]")
}

pub(super) async fn stream(lake: &Lake, contract: &DatasetContract) -> Delivery {
    Delivery::open(lake, contract, STREAM_COLUMNS.as_slice(), STREAM)
        .await
        .unwrap()
}

pub(super) async fn pipeline(lake: &Lake, contract: &DatasetContract) -> Delivery {
    Delivery::open(lake, contract, &[], PIPELINE).await.unwrap()
}

fn batch(numbers: &[Option<i32>]) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(vec![
        ("n", Arc::new(Int32Array::from(numbers.to_vec())) as ArrayRef, true),
        ("name", Arc::new(StringArray::from(vec!["x"; numbers.len()])), false),
    ])
    .unwrap()
}

fn some(numbers: &[i32]) -> Vec<Option<i32>> {
    numbers.iter().copied().map(Some).collect()
}

pub(super) async fn build(delivery: &mut Delivery, numbers: &[i32], replace: bool) -> Result<Receipt> {
    let mut shipment = delivery.shipment(RunId::new()).await?;
    let remove = if replace { shipment.table().files()? } else { Vec::new() };
    let operation = if replace { Operation::Replace } else { Operation::Append };
    shipment.push(&batch(&some(numbers)), &NoRecords).await?;
    shipment
        .commit(Outcome {
            remove,
            operation,
            ..Outcome::default()
        })
        .await
}

pub(super) async fn numbers(lake: &Lake, dataset: &str) -> Vec<i32> {
    let Some(rows) = rows(lake, dataset).await else {
        return Vec::new();
    };
    let column = cast(rows.column_by_name("n").unwrap(), &DataType::Int32).unwrap();
    let mut numbers = column.as_primitive::<arrow::datatypes::Int32Type>().values().to_vec();
    numbers.sort_unstable();
    numbers
}

async fn refused(lake: &Lake, column: &str) -> Vec<String> {
    let rows = rows(lake, "sales.quarantine.bronze_events").await;
    let mut texts: Vec<_> = rows.map_or_else(Vec::new, |rows| texts(&rows, column).into_iter().flatten().collect());
    texts.sort_unstable();
    texts
}

/// Names of all data files of a dataset, whether a commit names them or not.
async fn stored_files(lake: &Lake, folder: &str) -> usize {
    use futures::TryStreamExt;
    let all: Vec<_> = lake.objects().list(Some(&folder.into())).try_collect().await.unwrap();
    all.iter()
        .filter(|file| file.location.as_ref().ends_with(".parquet"))
        .count()
}

#[tokio::test]
async fn rows_that_break_a_rule_which_only_warns_are_taken_and_counted() {
    let lake = lake();
    let contract = declared(
        &format!(", logicalTypeOptions: {{minimum: 0}}{}", on_failure("warn")),
        "",
    );
    let mut delivery = stream(&lake, &contract).await;
    let topic = topic([Some(1), Some(-1), Some(-2), None]);
    let receipt = deliver(&mut delivery, &topic, 10, Crash::Never).await.unwrap().unwrap();
    assert_eq!((receipt.accepted, receipt.rejected), (3, 1));
    assert_eq!(receipt.warned, BTreeMap::from([("n.minimum".to_owned(), 2)]));
    assert_eq!(placed(&lake).await, (vec![0, 1, 2], vec![3]));
    let history = delivery.table().history(1).await.unwrap();
    assert_eq!(history[0].metadata["warned"], r#"{"n.minimum":2}"#);
}

#[tokio::test]
async fn a_row_may_refuse_its_whole_shipment() {
    let lake = lake();
    let contract = declared(
        &format!(", logicalTypeOptions: {{minimum: 0}}{}", on_failure("reject")),
        "",
    );
    let mut delivery = stream(&lake, &contract).await;
    let topic = topic([Some(1), None, Some(2), Some(-7)]);
    deliver(&mut delivery, &topic, 1, Crash::Never).await.unwrap();
    let error = deliver(&mut delivery, &topic, 10, Crash::Never).await.unwrap_err();
    assert_eq!((error.kind(), error.exit_code()), (ErrorKind::CheckFailed, 1));
    let text = error.to_string();
    for part in [
        "n.minimum",
        "sales.bronze.events",
        "version 1.0.0",
        "retail.events/0 offset 3",
        "-7",
    ] {
        assert!(text.contains(part), "{part} not in {text}");
    }
    assert_eq!(placed(&lake).await, (vec![0], vec![]));
    delivery.refresh().await.unwrap();
    assert_eq!(delivery.progress(PROGRESS).await.unwrap(), Some(1));
    // What comes before the row can be delivered by itself.
    deliver(&mut delivery, &topic, 2, Crash::Never).await.unwrap();
    assert_eq!(placed(&lake).await, (vec![0, 2], vec![1]));
}

#[tokio::test]
async fn a_pipelines_row_that_refuses_everything_is_shown() {
    let lake = lake();
    let contract = declared(
        &format!(", logicalTypeOptions: {{minimum: 0}}{}", on_failure("reject")),
        "",
    );
    let error = build(&mut pipeline(&lake, &contract).await, &[1, -7], false)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CheckFailed);
    assert!(error.to_string().contains(r#"{"name":"x","n":-7}"#), "{error}");
}

#[tokio::test]
async fn of_rows_with_one_key_the_first_stays() {
    let lake = lake();
    let contract = declared(UNIQUE, "");
    let topic = topic([Some(1), Some(2), Some(1), Some(3), Some(2), Some(4), Some(1)]);
    let mut delivery = stream(&lake, &contract).await;
    let first = deliver(&mut delivery, &topic, 3, Crash::Never).await.unwrap().unwrap();
    assert_eq!((first.accepted, first.rejected), (2, 1));
    deliver(&mut delivery, &topic, 2, Crash::Never).await.unwrap();
    deliver(&mut stream(&lake, &contract).await, &topic, 2, Crash::Never)
        .await
        .unwrap();
    assert_eq!(placed(&lake).await, (vec![0, 1, 3, 5], vec![2, 4, 6]));
    assert_eq!(refused(&lake, "rule").await, vec!["n.unique"; 3]);
    assert!(refused(&lake, "reason").await[0].contains(r#"{"n":1}"#));
}

#[tokio::test]
async fn rows_without_a_key_do_not_repeat_each_other() {
    let lake = lake();
    let mut delivery = pipeline(&lake, &declared(UNIQUE, "")).await;
    let mut shipment = delivery.shipment(RunId::new()).await.unwrap();
    shipment.push(&batch(&[None, None, Some(1)]), &NoRecords).await.unwrap();
    shipment.commit(Outcome::default()).await.unwrap();
    assert_eq!(rows(&lake, "sales.bronze.events").await.unwrap().num_rows(), 3);
}

#[tokio::test]
async fn a_row_that_another_rule_refuses_does_not_take_its_key() {
    let lake = lake();
    let contract = declared(
        UNIQUE,
        "    quality: [{name: late, type: custom, engine: polder, implementation: {row: \"coalesce(name, 'bad') <> 'bad'\"}}]\n",
    );
    let mut delivery = stream(&lake, &contract).await;
    let messages = topic([Some(1), Some(1), Some(1)]);
    let rows = decoded(&messages);
    let names: ArrayRef = Arc::new(StringArray::from(vec!["bad", "good", "late"]));
    let mut columns = rows.columns().to_vec();
    columns[0] = names;
    let rows = RecordBatch::try_new(rows.schema(), columns).unwrap();
    let raw: Vec<_> = messages.iter().map(Message::raw).collect();
    let mut shipment = delivery.shipment(RunId::new()).await.unwrap();
    shipment.push(&rows, &raw).await.unwrap();
    shipment.commit(Outcome::default()).await.unwrap();
    assert_eq!(placed(&lake).await, (vec![1], vec![0, 2]));
    assert_eq!(refused(&lake, "rule").await, ["late", "n.unique"]);
}

#[tokio::test]
async fn the_first_by_position_stays_however_batches_are_cut() {
    let lake = lake();
    let mut delivery = stream(&lake, &declared(UNIQUE, "")).await;
    let messages = topic([Some(1), Some(2), Some(2), Some(1)]);
    // Records of two schemas lie between each other.
    let (left, right) = (
        [messages[1].clone(), messages[3].clone()],
        [messages[0].clone(), messages[2].clone()],
    );
    let (left_rows, right_rows) = (decoded(&left), decoded(&right));
    let first: Vec<_> = left.iter().map(Message::raw).collect();
    let second: Vec<_> = right.iter().map(Message::raw).collect();
    let mut shipment = delivery.shipment(RunId::new()).await.unwrap();
    shipment
        .push_together(&[(&left_rows, &first), (&right_rows, &second)])
        .await
        .unwrap();
    shipment.commit(Outcome::default()).await.unwrap();
    assert_eq!(placed(&lake).await, (vec![0, 1], vec![2, 3]));
}

#[tokio::test]
async fn a_repeated_key_may_refuse_the_shipment_or_only_be_warned_of() {
    for word in ["reject", "warn"] {
        let lake = lake();
        let contract = declared(&format!("{UNIQUE}{}", on_failure(word)), "");
        let mut delivery = stream(&lake, &contract).await;
        let topic = topic([Some(1), Some(1)]);
        let delivered = deliver(&mut delivery, &topic, 10, Crash::Never).await;
        if word == "reject" {
            let error = delivered.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::CheckFailed);
            assert!(
                error.to_string().contains("offset 1") && error.to_string().contains(r#"{"n":1}"#),
                "{error}"
            );
            assert_eq!(placed(&lake).await, (vec![], vec![]));
        } else {
            let receipt = delivered.unwrap().unwrap();
            assert_eq!(receipt.warned, BTreeMap::from([("n.unique".to_owned(), 1)]));
            assert_eq!(placed(&lake).await, (vec![0, 1], vec![]));
        }
    }
}

#[tokio::test]
async fn keys_that_others_bring_count_and_keys_that_go_are_free_again() {
    let lake = lake();
    let contract = declared(UNIQUE, "");
    let topic = topic([Some(1), Some(2), Some(3), Some(1), Some(4)]);
    let mut delivery = stream(&lake, &contract).await;
    deliver(&mut delivery, &topic, 1, Crash::Never).await.unwrap();
    // Another engine adds a row.
    let mut table = lake
        .load(&"sales.bronze.events".parse().unwrap())
        .await
        .unwrap()
        .unwrap();
    let mut writer = table.writer().unwrap();
    let mut foreign = self::topic([Some(2)]);
    foreign[0].offset = 100;
    writer.write(&decoded(&foreign)).await.unwrap();
    let mut commit = Commit::new(RunId::new(), Operation::Append);
    commit.add = writer.finish().await.unwrap();
    table.commit(commit).await.unwrap();
    deliver(&mut delivery, &topic, 2, Crash::Never).await.unwrap();
    assert_eq!(placed(&lake).await, (vec![0, 2, 100], vec![1]));
    // And takes all rows away.
    table.refresh().await.unwrap();
    let mut commit = Commit::new(RunId::new(), Operation::Delete);
    commit.remove = table.files().unwrap();
    table.commit(commit).await.unwrap();
    deliver(&mut delivery, &topic, 2, Crash::Never).await.unwrap();
    assert_eq!(placed(&lake).await, (vec![3, 4], vec![1]));
}

#[tokio::test]
async fn a_key_that_comes_into_the_table_between_judging_and_committing_is_not_doubled() {
    let lake = lake();
    let contract = declared(UNIQUE, "");
    let topic = topic([Some(1), Some(2)]);
    let mut delivery = stream(&lake, &contract).await;
    let mut shipment = delivery.shipment(RunId::new()).await.unwrap();
    let outcome = load(&mut shipment, &topic, None, 10).await.unwrap().unwrap();
    let mut other = Delivery::open(&lake, &contract, STREAM_COLUMNS.as_slice(), "sales.other")
        .await
        .unwrap();
    let mut rival = other.shipment(RunId::new()).await.unwrap();
    let mut messages = self::topic([Some(2), Some(9)]);
    messages.iter_mut().for_each(|message| message.offset += 50);
    let raw: Vec<_> = messages.iter().map(Message::raw).collect();
    rival.push(&decoded(&messages), &raw).await.unwrap();
    rival.commit(Outcome::default()).await.unwrap();
    let error = shipment.commit(outcome).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    deliver(&mut delivery, &topic, 10, Crash::Never).await.unwrap();
    assert_eq!(numbers(&lake, "sales.bronze.events").await, [1, 2, 9]);
    assert_eq!(placed(&lake).await, (vec![0, 50, 51], vec![1]));
}

#[tokio::test]
async fn a_pipeline_that_repeats_a_key_is_refused_and_the_key_named() {
    let lake = lake();
    let mut delivery = pipeline(&lake, &declared(UNIQUE, "")).await;
    build(&mut delivery, &[1, 2], false).await.unwrap();
    for (numbers, replace) in [(vec![3, 2], false), (vec![7, 8, 7], true)] {
        let error = build(&mut delivery, &numbers, replace).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CheckFailed);
        let wanted = if replace { r#"{"n":7}"# } else { r#"{"n":2}"# };
        assert!(
            error.to_string().contains(wanted) && error.to_string().contains("n.unique"),
            "{error}"
        );
        assert_eq!(self::numbers(&lake, "sales.bronze.events").await, [1, 2]);
        assert_eq!(stored_files(&lake, "sales/bronze/events").await, 1);
    }
    // What is replaced does not count.
    build(&mut delivery, &[2, 3], true).await.unwrap();
    assert_eq!(numbers(&lake, "sales.bronze.events").await, [2, 3]);
    let warning = declared(&format!("{UNIQUE}{}", on_failure("warn")), "");
    let receipt = build(&mut pipeline(&lake, &warning).await, &[3], false).await.unwrap();
    assert!(
        receipt.remarks["n.unique"].contains("would be 1"),
        "{:?}",
        receipt.remarks
    );
}

fn at_most(rows: u32, word: &str) -> String {
    let custom = on_failure(word);
    format!("    quality: [{{name: small, type: library, metric: rowCount, mustBeLessThan: {rows}{custom}}}]\n")
}

#[tokio::test]
async fn a_rule_about_the_table_refuses_the_commit_and_leaves_nothing() {
    let lake = lake();
    let contract = declared(", logicalTypeOptions: {minimum: 0}", &at_most(4, "quarantine"));
    let topic = topic([Some(1), Some(-1), Some(2), Some(-2), Some(3), Some(4)]);
    let mut delivery = stream(&lake, &contract).await;
    deliver(&mut delivery, &topic, 3, Crash::Never).await.unwrap();
    let error = deliver(&mut delivery, &topic, 3, Crash::Never).await.unwrap_err();
    assert_eq!((error.kind(), error.exit_code()), (ErrorKind::CheckFailed, 1));
    for part in ["small", "4", "sales.events", "1.0.0"] {
        assert!(error.to_string().contains(part), "{error}");
    }
    assert_eq!(placed(&lake).await, (vec![0, 2], vec![1]));
    assert_eq!(stored_files(&lake, "sales/bronze/events").await, 1);
    let mut again = stream(&lake, &contract).await;
    assert_eq!(again.progress(PROGRESS).await.unwrap(), Some(3));
    // One row more is fine, also where the rows before it were read by nobody yet.
    deliver(&mut again, &topic, 2, Crash::Never).await.unwrap();
    assert_eq!(placed(&lake).await, (vec![0, 2, 4], vec![1, 3]));
    // Progress alone changes no row.
    let late = declared(", logicalTypeOptions: {minimum: 100}", &at_most(1, "reject"));
    deliver(&mut stream(&lake, &late).await, &topic, 2, Crash::Never)
        .await
        .unwrap();
    assert_eq!(placed(&lake).await, (vec![0, 2, 4], vec![1, 3, 5]));
}

#[tokio::test]
async fn a_rule_about_the_table_may_only_warn() {
    let lake = lake();
    let mut delivery = stream(&lake, &declared("", &at_most(2, "warn"))).await;
    let topic = topic([Some(1), Some(2), Some(3)]);
    let first = deliver(&mut delivery, &topic, 1, Crash::Never).await.unwrap().unwrap();
    assert!(first.remarks.is_empty());
    let second = deliver(&mut delivery, &topic, 2, Crash::Never).await.unwrap().unwrap();
    assert!(second.remarks["small"].contains("would be 3"), "{:?}", second.remarks);
}

/// A contract whose rows have a time `at`, of which the newest is at most so old.
fn fresh_within(within: &str) -> DatasetContract {
    fresh(within, "")
}

fn fresh(within: &str, more: &str) -> DatasetContract {
    let custom = format!("{{freshness: {{column: at, within: {within}}}}}{more}");
    let text = format!(
        "apiVersion: v3.1.0\nkind: DataContract\nid: events\nname: events\nversion: 1.0.0\nstatus: active\n\
         domain: sales\nschema:\n  - name: events\n    physicalName: sales.bronze.events\n    quality: [{{name: fresh, \
         type: custom, engine: polder, implementation: {custom}}}]\n    properties:\n      \
         - {{name: at, logicalType: timestamp, physicalType: timestamp}}\n"
    );
    let parsed = parse(&Source::new("contracts/sales/events.odcs.yaml", text));
    DatasetContract {
        contract: Arc::new(parsed.contract.unwrap_or_else(|| panic!("{:?}", parsed.diagnostics))),
        object: 0,
    }
}

/// One row of so many hours ago.
async fn bring(delivery: &mut Delivery, hours: i64, replace: bool) -> Result<Receipt> {
    let at = polder_core::clock::now().timestamp_micros() - hours * 3_600_000_000;
    let at: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![at]).with_timezone("UTC"));
    let rows = RecordBatch::try_from_iter_with_nullable(vec![("at", at, true)]).unwrap();
    let mut shipment = delivery.shipment(RunId::new()).await?;
    let remove = if replace { shipment.table().files()? } else { Vec::new() };
    let operation = if replace { Operation::Replace } else { Operation::Append };
    shipment.push(&rows, &NoRecords).await?;
    shipment
        .commit(Outcome {
            remove,
            operation,
            ..Outcome::default()
        })
        .await
}

#[tokio::test]
async fn a_newest_value_that_is_yet_to_come_is_refused_and_once_there_stops_nobody() {
    let lake = lake();
    let mut delivery = pipeline(&lake, &fresh_within("24h")).await;
    // The first rows of a table may be old, but not of the future; nor is that better than being too old.
    for before in [None, Some(90)] {
        if let Some(hours) = before {
            bring(&mut delivery, hours, false).await.unwrap();
        }
        let error = bring(&mut delivery, -49, false).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CheckFailed);
        assert!(error.report().contains("ahead of the clock"), "{}", error.report());
    }
    bring(&mut delivery, -2, true).await.unwrap();
    // It came when the rule only warned.
    let mut lax = pipeline(&lake, &fresh("24h", ", severity: warning")).await;
    bring(&mut lax, -49, false).await.unwrap();
    let mut delivery = pipeline(&lake, &fresh_within("24h")).await;
    let receipt = bring(&mut delivery, 1, false).await.unwrap();
    assert!(
        receipt.remarks["fresh"].contains("not refused"),
        "{:?}",
        receipt.remarks
    );
}

#[tokio::test]
async fn a_backlog_that_is_too_old_lands_with_remarks_and_older_rows_replace_nothing() {
    let lake = lake();
    let mut delivery = pipeline(&lake, &fresh_within("24h")).await;
    for hours in [90, 60, 30] {
        let receipt = bring(&mut delivery, hours, false).await.unwrap();
        assert!(
            receipt.remarks["fresh"].contains("not refused"),
            "{:?}",
            receipt.remarks
        );
    }
    assert!(bring(&mut delivery, 1, false).await.unwrap().remarks.is_empty());
    // What is fresh is not replaced by what is not.
    let error = bring(&mut delivery, 30, true).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CheckFailed, "{error}");
    assert!(error.to_string().contains("fresh"), "{error}");
    assert_eq!(rows(&lake, "sales.bronze.events").await.unwrap().num_rows(), 4);
}

#[tokio::test]
async fn a_table_grows_towards_its_least_number_of_rows_and_does_not_shrink_below_it() {
    let lake = lake();
    let least = "    quality: [{name: many, type: library, metric: rowCount, mustBeGreaterThan: 3}]\n";
    let mut delivery = pipeline(&lake, &declared("", least)).await;
    for more in [[1, 2], [3, 4]] {
        let remarks = build(&mut delivery, &more, false).await.unwrap().remarks;
        assert_eq!(remarks.contains_key("many"), more[0] == 1, "{remarks:?}");
    }
    let error = build(&mut delivery, &[1, 2, 3], true).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CheckFailed, "{error}");
    assert_eq!(numbers(&lake, "sales.bronze.events").await, [1, 2, 3, 4]);
}

#[tokio::test]
async fn a_rule_that_the_table_breaks_refuses_only_what_breaks_it_further() {
    let lake = lake();
    build(&mut pipeline(&lake, &declared("", "")).await, &[1, 1], false)
        .await
        .unwrap();
    let mut delivery = pipeline(&lake, &declared(UNIQUE, "")).await;
    let receipt = build(&mut delivery, &[2], false).await.unwrap();
    assert!(
        receipt.remarks["n.unique"].contains("no better"),
        "{:?}",
        receipt.remarks
    );
    let error = build(&mut delivery, &[2], false).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CheckFailed, "{error}");
    assert_eq!(numbers(&lake, "sales.bronze.events").await, [1, 1, 2]);
}

#[tokio::test]
async fn volume_at_the_write_is_what_a_test_of_the_table_finds_afterwards() {
    use polder_gate::table::{NoQueries, RuleVerdict, TableCheck, check_table};
    let lake = lake();
    let volume = |word: &str| {
        let custom = on_failure(word);
        format!(
            "    quality: [{{name: usual, type: custom, engine: polder, \
             implementation: {{volume: {{commits: 6, deviation: 2}}}}{custom}}}]\n"
        )
    };
    let contract = declared("", &volume("warn"));
    let mut delivery = pipeline(&lake, &contract).await;
    // The first is beyond the six that count.
    for rows in [90, 3, 4, 3, 4, 3, 4] {
        build(&mut delivery, &vec![1; rows], false).await.unwrap();
    }
    let receipt = build(&mut delivery, &[1; 9], false).await.unwrap();
    let said = &receipt.remarks["usual"];
    let check = TableCheck::compile(&contract).unwrap();
    let facts = crate::LogFacts::of(delivery.table(), check.recent_commits())
        .await
        .unwrap();
    let provider = delivery.table().provider().unwrap();
    let report = check_table(&check, provider, &facts, &NoQueries, polder_core::clock::now())
        .await
        .unwrap();
    let found = report.results.iter().find(|result| result.rule == "usual").unwrap();
    assert_eq!(found.verdict, RuleVerdict::Warned);
    // Six of 3.5 on average, whose standard deviation is the root of 0.3.
    let Some(polder_contract::rule::Figure::Real(figure)) = &found.figure else {
        panic!("{found:?}");
    };
    assert!((figure - 5.5 / 0.3_f64.sqrt()).abs() < 1e-9, "{figure}");
    assert!(said.contains(found.note.as_ref().unwrap()), "{said} / {found:?}");
    // The same refuses, where it is to.
    let mut strict = pipeline(&lake, &declared("", &volume("reject"))).await;
    let error = build(&mut strict, &[1; 99], false).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CheckFailed, "{error}");
}

#[tokio::test]
async fn a_rule_is_asked_again_when_others_brought_rows() {
    let contract = declared("", &at_most(4, "reject"));
    for (theirs, fits) in [(1, true), (2, false)] {
        let lake = lake();
        let topic = topic([Some(1), Some(2)]);
        let mut delivery = stream(&lake, &contract).await;
        let mut shipment = delivery.shipment(RunId::new()).await.unwrap();
        let outcome = load(&mut shipment, &topic, None, 10).await.unwrap().unwrap();
        let mut other = Delivery::open(&lake, &contract, STREAM_COLUMNS.as_slice(), "sales.other")
            .await
            .unwrap();
        let mut rival = other.shipment(RunId::new()).await.unwrap();
        let messages = self::topic((0..theirs).map(Some));
        let raw: Vec<_> = messages.iter().map(Message::raw).collect();
        rival.push(&decoded(&messages), &raw).await.unwrap();
        rival.commit(Outcome::default()).await.unwrap();
        let committed = shipment.commit(outcome).await;
        if fits {
            assert_eq!(committed.unwrap().accepted, 2);
        } else {
            assert_eq!(committed.unwrap_err().kind(), ErrorKind::CheckFailed);
            assert_eq!(rows(&lake, "sales.bronze.events").await.unwrap().num_rows(), 2);
        }
    }
}

#[tokio::test]
async fn a_contract_that_is_retired_takes_no_rows() {
    let lake = lake();
    let retired = written("", "", "version: 1.0.0\nstatus: retired\n");
    let opened = Delivery::open(&lake, &retired, &[], PIPELINE).await;
    let error = opened.map(|_| ()).unwrap_err();
    assert_eq!((error.kind(), error.exit_code()), (ErrorKind::CheckFailed, 1));
    assert!(error.to_string().contains("retired"), "{error}");
    assert!(lake.datasets().await.unwrap().is_empty());
}

#[tokio::test]
async fn each_shipment_names_the_version_of_the_contract_that_judged_it() {
    let lake = lake();
    let topic = topic([Some(1), Some(2), Some(-1), Some(3)]);
    // A stream keeps the contract that it began with, also while another one works under the next version.
    let (mut old, mut new) = (open(&lake, 0).await, open(&lake, 2).await);
    deliver(&mut old, &topic, 1, Crash::Never).await.unwrap();
    deliver(&mut new, &topic, 2, Crash::Never).await.unwrap();
    deliver(&mut old, &topic, 1, Crash::Never).await.unwrap();
    let history = old.table().history(3).await.unwrap();
    let versions: Vec<_> = history
        .iter()
        .map(|commit| commit.metadata["contract_version"].as_str())
        .collect();
    assert_eq!(versions, ["1.0.0", "1.0.2", "1.0.0"]);
    assert_eq!(refused(&lake, "contract_version").await, ["1.0.2"]);
    assert_eq!(placed(&lake).await, (vec![0, 1, 3], vec![2]));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    /// Whatever crashes: every message is in exactly one table, no key twice in the dataset, and each key of a decoded
    /// message is there by its first message.
    #[test]
    fn the_first_of_each_key_is_in_the_table_whatever_crashes(
        numbers in prop::collection::vec(prop::option::weighted(0.9, 0i32..5), 1..20),
        lives in prop::collection::vec((1usize..6, prop::sample::select(vec![
            Crash::Never, Crash::BeforeAnyCommit, Crash::BetweenTheCommits,
        ]), any::<bool>()), 1..8),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let topic = topic(numbers.clone());
        let (accepted, refused) = runtime.block_on(async {
            let lake = lake();
            let contract = declared(UNIQUE, "");
            let mut delivery = stream(&lake, &contract).await;
            for (count, crash, new_process) in lives {
                if new_process {
                    delivery = stream(&lake, &contract).await;
                }
                deliver(&mut delivery, &topic, count, crash).await.unwrap();
            }
            while deliver(&mut delivery, &topic, 5, Crash::Never).await.unwrap().is_some() {}
            placed(&lake).await
        });
        let mut seen = std::collections::HashSet::new();
        let (first, others): (Vec<_>, Vec<_>) = numbers
            .iter()
            .enumerate()
            .partition(|(_, number)| number.is_some_and(|number| seen.insert(number)));
        let offsets = |rows: Vec<(usize, &Option<i32>)>| rows.into_iter().map(|(offset, _)| offset as i64).collect::<Vec<_>>();
        prop_assert_eq!(accepted, offsets(first));
        prop_assert_eq!(refused, offsets(others));
    }
}
