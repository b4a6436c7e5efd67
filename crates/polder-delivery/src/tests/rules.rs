//! What happens to what breaks a rule: rows that are warned of or refuse their shipment, keys, and rules about the
//! whole table.

mod asked;
mod keys;
mod table;

use polder_core::ErrorKind;
use polder_lake::Operation;

use super::*;
use crate::{Discretion, NoRecords};

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
    land(delivery, &batch(&some(numbers)), replace).await
}

/// Delivers a pipeline's rows: in place of all that are there, or besides them.
async fn land(delivery: &mut Delivery, rows: &RecordBatch, replace: bool) -> Result<Receipt> {
    let mut shipment = delivery.shipment(RunId::new()).await?;
    let remove = if replace { shipment.table().files()? } else { Vec::new() };
    let operation = if replace { Operation::Replace } else { Operation::Append };
    shipment.push(rows, &NoRecords).await?;
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
async fn no_refusal_tells_what_not_everybody_may_see() {
    let discreet = || {
        Discretion::new(Arc::default(), |property| {
            property.classification.as_deref() == Some("restricted")
        })
    };
    let restricted = ", classification: restricted";
    let limited = format!(
        "{restricted}, logicalTypeOptions: {{minimum: 0}}{}",
        on_failure("reject")
    );
    for (column, rows, said) in [
        (limited, [1, -7], r#""n":"***""#),
        (format!("{restricted}{UNIQUE}"), [-7, -7], "rule n.unique"),
    ] {
        let lake = lake();
        let contract = declared(&column, "");
        let told = build(&mut pipeline(&lake, &contract).await, &rows, false)
            .await
            .unwrap_err();
        assert!(told.to_string().contains("-7"), "{told}");
        let mut delivery = pipeline(&lake, &contract).await.with_discretion(discreet());
        let error = build(&mut delivery, &rows, false).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CheckFailed);
        let text = error.to_string();
        assert!(!text.contains("-7") && text.contains(said), "{text}");
    }
    // A stream names the record's place, and its reason quotes the value.
    let lake = lake();
    let contract = declared(&format!("{restricted}{UNIQUE}{}", on_failure("reject")), "");
    let mut delivery = stream(&lake, &contract).await.with_discretion(discreet());
    let error = deliver(&mut delivery, &topic([Some(-7), Some(-7)]), 10, Crash::Never)
        .await
        .unwrap_err();
    let text = error.to_string();
    assert!(
        !text.contains("-7") && text.contains("retail.events/0 offset 1"),
        "{text}"
    );
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

/// A contract whose life ended, or ends, on this day.
fn ending(day: &str) -> DatasetContract {
    let end = format!("version: 1.0.0\nstatus: active\nslaProperties: [{{property: endOfLife, value: '{day}'}}]\n");
    written("", "", &end)
}

#[tokio::test]
async fn a_delivery_that_is_open_takes_no_rows_once_the_life_of_its_contract_is_over() {
    let lake = lake();
    let topic = topic([Some(1), Some(2), Some(-1)]);
    let (running, over) = (ending("2999-12-31"), ending("2020-01-01"));
    let mut opened = [stream(&lake, &running).await, pipeline(&lake, &running).await];
    deliver(&mut opened[0], &topic, 1, Crash::Never).await.unwrap();
    let version = opened[0].table().version();
    for delivery in &mut opened {
        // Years go by while it is open.
        delivery.contract = over.clone();
        for only_new in [false, true] {
            let begun = match only_new {
                false => delivery.shipment(RunId::new()).await,
                true => delivery.shipment_of_new_rows(RunId::new()).await,
            };
            let error = begun.map(|_| ()).unwrap_err();
            assert_eq!(
                (error.kind(), error.exit_code()),
                (ErrorKind::CheckFailed, 1),
                "{error}"
            );
            let told = "sales.bronze.events takes no rows any more: the contract's life ended at 2020-01-01";
            assert!(error.to_string().contains(told), "{error}");
        }
    }
    // What it wrote before is there, what came later waits at its source, and nothing was refused.
    let [stream, _] = &mut opened;
    let error = deliver(stream, &topic, 2, Crash::Never).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CheckFailed, "{error}");
    stream.refresh().await.unwrap();
    assert_eq!(stream.progress(PROGRESS).await.unwrap(), Some(1));
    assert_eq!(stream.table().version(), version);
    assert_eq!(placed(&lake).await, (vec![0], vec![]));
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
