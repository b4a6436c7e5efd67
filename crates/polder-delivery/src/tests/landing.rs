//! What policies let no row hold: told of or refused, for streams, pipelines and replays.

use polder_core::ErrorKind;
use polder_gate::table::NoQueries;
use polder_policy::Policies;
use serde_json::{Value, json};

use super::*;
use crate::{Discretion, NoRecords, Quarantine, Replay, Selection};

const CARD: &str = "4111111111111111";
const MASK: &str = "************1111";

/// A contract for `sales.bronze.events` with a free text, classified so, and a number from a minimum on.
fn commented(minimum: i32, class: &str) -> DatasetContract {
    let text = format!(
        "apiVersion: v3.1.0\nkind: DataContract\nid: events\nname: events\nversion: 1.0.{minimum}\nstatus: active\n\
         domain: sales\nschema:\n  - name: events\n    physicalName: sales.bronze.events\n    properties:\n\
         \x20     - {{name: comment, logicalType: string, classification: {class}}}\n\
         \x20     - {{name: n, logicalType: integer, physicalType: int, logicalTypeOptions: {{minimum: {minimum}}}}}\n"
    );
    let parsed = parse(&Source::new("contracts/sales/events.odcs.yaml", text));
    let contract = parsed.contract.unwrap_or_else(|| panic!("{:?}", parsed.diagnostics));
    DatasetContract {
        contract: Arc::new(contract),
        object: 0,
    }
}

fn policies(severity: &str, more: &str) -> Policies {
    let text = format!(
        "policies:\n  - {{id: cards, description: d, reason: r, remedy: leave it out, severity: {severity}, \
         rule: no-secrets-landed{more}}}\n"
    );
    let (policies, problems) = Policies::load([Source::new("catalog/policies/own.yaml", text)]);
    assert!(problems.is_empty(), "{problems:?}");
    policies
}

/// Rows of a comment and a number, as a pipeline computes them.
fn computed(rows: &[(&str, i32)]) -> RecordBatch {
    let comments: StringArray = rows.iter().map(|(comment, _)| Some(*comment)).collect();
    let numbers: Int32Array = rows.iter().map(|(_, number)| Some(*number)).collect();
    RecordBatch::try_from_iter_with_nullable(vec![
        ("comment", Arc::new(comments) as ArrayRef, true),
        ("n", Arc::new(numbers) as ArrayRef, true),
    ])
    .unwrap()
}

/// The same as they come from a topic, at the offsets from `first` on; and their records.
fn arrived(rows: &[(&str, i32)], first: i64) -> (RecordBatch, Vec<Message>) {
    let numbers = rows.iter().map(|(_, number)| Some(*number));
    let mut messages = topic(numbers);
    messages.iter_mut().for_each(|message| message.offset += first);
    let platform = decoded(&messages);
    let said = computed(rows);
    let schema = platform.schema();
    let columns = schema.fields().iter().zip(platform.columns()).skip(2);
    let columns = columns.map(|(field, column)| (field.name().clone(), Arc::clone(column), true));
    let said_columns = ["comment", "n"].into_iter().zip(said.columns());
    let said_columns = said_columns.map(|(name, column)| (name.to_owned(), Arc::clone(column), true));
    let batch = RecordBatch::try_from_iter_with_nullable(said_columns.chain(columns)).unwrap();
    (batch, messages)
}

async fn land(delivery: &mut Delivery, rows: &[(&str, i32)]) -> Result<Receipt> {
    delivery.refresh().await?;
    let from = delivery.progress(PROGRESS).await?;
    let (batch, messages) = arrived(rows, from.unwrap_or(0));
    let raw: Vec<_> = messages.iter().map(Message::raw).collect();
    let mut shipment = delivery.shipment(RunId::new()).await?;
    shipment.push(&batch, &raw).await?;
    let progress = Progress {
        id: PROGRESS.to_owned(),
        expected: from,
        next: from.unwrap_or(0) + rows.len() as i64,
    };
    let outcome = Outcome {
        progress: vec![progress],
        ..Outcome::default()
    };
    shipment.commit(outcome).await
}

async fn stream(lake: &Lake, contract: &DatasetContract, policies: &Policies) -> Delivery {
    let delivery = Delivery::open(lake, contract, STREAM_COLUMNS.as_slice(), STREAM);
    delivery.await.unwrap().with_policies(policies)
}

#[tokio::test]
async fn what_is_only_warned_of_lands_and_is_told_and_logged_without_its_value() {
    let lake = lake();
    let mut delivery = stream(&lake, &commented(0, "internal"), &policies("warning", "")).await;
    let rows = [("fine", 1), (CARD, -1), ("paid by 4111 1111 1111 1111", 2), (CARD, 3)];
    let receipt = land(&mut delivery, &rows).await.unwrap();
    assert_eq!((receipt.accepted, receipt.rejected), (3, 1));
    let remarks: Vec<_> = receipt.remarks.iter().collect();
    let text = format!(
        "policy cards: `comment` holds a card number ({MASK}), in 2 values of 3 rows searched; `polder policy show \
         cards` says what to do"
    );
    assert_eq!(remarks, [(&"cards: comment card-number".to_owned(), &text)]);
    let history = delivery.table().history(1).await.unwrap();
    let found: Value = serde_json::from_str(&history[0].metadata["found"]).unwrap();
    let expected = json!([{"policy": "cards", "column": "comment", "holds": "card-number", "values": 2, "rows": 3}]);
    assert_eq!(found, expected);
    // A shipment without any has nothing to say.
    let receipt = land(&mut delivery, &[("fine", 4)]).await.unwrap();
    assert!(receipt.remarks.is_empty());
    let history = delivery.table().history(1).await.unwrap();
    assert!(!history[0].metadata.contains_key("found"));
}

#[tokio::test]
async fn only_the_first_accepted_rows_are_searched() {
    let contract = commented(0, "internal");
    for (rows, of) in [(2, None), (3, Some("in 1 value of the first 3 of 4 rows searched"))] {
        let lake = lake();
        let policies = policies("warning", &format!(", parameters: {{rows: {rows}}}"));
        let mut delivery = stream(&lake, &contract, &policies).await;
        let receipt = land(&mut delivery, &[("a", 1), (CARD, -1), ("b", 2), (CARD, 3), (CARD, 4)])
            .await
            .unwrap();
        let told = receipt.remarks.values().next();
        assert_eq!(told.is_some(), of.is_some(), "{told:?}");
        assert!(
            of.is_none_or(|of| told.is_some_and(|told| told.contains(of))),
            "{told:?}"
        );
    }
}

#[tokio::test]
async fn what_is_refused_leaves_neither_rows_nor_progress_and_lands_once_it_is_excused() {
    let lake = lake();
    let contract = commented(0, "internal");
    let mut delivery = stream(&lake, &contract, &policies("error", "")).await;
    land(&mut delivery, &[("fine", 1)]).await.unwrap();
    let rows = [("fine", -1), ("fine", 2), (CARD, 3), ("DE89370400440532013000", 4)];
    let refusal = async |delivery: &mut Delivery| land(delivery, &rows).await.unwrap_err();
    let error = refusal(&mut delivery).await;
    assert_eq!((error.kind(), error.exit_code()), (ErrorKind::CheckFailed, 1));
    assert_eq!(
        error.to_string(),
        format!(
            "policy cards refuses what sales.events delivers to sales.bronze.events: `comment` holds a card number \
             ({MASK}), first in retail.events/0 offset 3"
        )
    );
    assert_eq!(error.help(), Some("nothing was committed. leave it out"));
    assert_eq!(placed(&lake).await, (vec![0], vec![]));
    delivery.refresh().await.unwrap();
    assert_eq!(delivery.progress(PROGRESS).await.unwrap(), Some(1));
    // An exception for another column does not help; one for this does.
    for (column, refused) in [("n", true), ("comment", false)] {
        let excused = format!(", exceptions: [{{dataset: 'sales.*', column: {column}, reason: r, until: 9999-12-31}}]");
        let mut delivery = stream(&lake, &contract, &policies("error", &excused)).await;
        match refused {
            true => drop(refusal(&mut delivery).await),
            false => assert!(land(&mut delivery, &rows).await.unwrap().remarks.is_empty()),
        }
    }
    assert_eq!(placed(&lake).await, (vec![0, 2, 3, 4], vec![1]));
}

#[tokio::test]
async fn a_pipelines_rows_are_held_against_the_same_policies() {
    let lake = lake();
    let contract = commented(0, "internal");
    let opened = Delivery::open(&lake, &contract, &[], "sales.build").await.unwrap();
    let mut delivery = opened.with_policies(&policies("error", ""));
    let mut shipment = delivery.shipment(RunId::new()).await.unwrap();
    shipment.push(&computed(&[("fine", 1)]), &NoRecords).await.unwrap();
    let error = shipment.push(&computed(&[(CARD, 1)]), &NoRecords).await.unwrap_err();
    drop(shipment);
    assert_eq!(error.kind(), ErrorKind::CheckFailed);
    assert!(error.to_string().ends_with(&format!("({MASK})")), "{error}");
    assert_eq!(rows(&lake, "sales.bronze.events").await.unwrap().num_rows(), 0);

    let mut delivery = delivery.with_policies(&policies("warning", ""));
    let mut shipment = delivery.shipment(RunId::new()).await.unwrap();
    shipment.push(&computed(&[(CARD, 1)]), &NoRecords).await.unwrap();
    let receipt = shipment.commit(Outcome::default()).await.unwrap();
    assert_eq!((receipt.accepted, receipt.remarks.len()), (1, 1));
}

#[tokio::test]
async fn a_mask_is_not_told_of_a_column_that_not_everybody_may_see() {
    let lake = lake();
    let contract = commented(0, "restricted");
    let hidden = Discretion::new(Arc::default(), |property| {
        property.classification.as_deref() == Some("restricted")
    });
    let mut delivery = stream(&lake, &contract, &policies("warning", ""))
        .await
        .with_discretion(hidden);
    let receipt = land(&mut delivery, &[(CARD, 1)]).await.unwrap();
    let told = &receipt.remarks["cards: comment card-number"];
    assert!(
        told.contains("`comment` holds a card number, in 1 value") && !told.contains("1111"),
        "{told}"
    );
}

#[tokio::test]
async fn a_replay_is_held_against_the_same_policies() {
    let lake = lake();
    let mut delivery = stream(&lake, &commented(3, "internal"), &Policies::default()).await;
    land(&mut delivery, &[("fine", 5), (CARD, 1), ("fine", 2)])
        .await
        .unwrap();
    assert_eq!(placed(&lake).await, (vec![0], vec![1, 2]));
    let contract = commented(0, "internal");
    let replay = Replay {
        contract: &contract,
        queries: Arc::new(NoQueries),
        selection: Selection::default(),
        patch: None,
        reread: None,
        resolution: "mended".to_owned(),
        by: "ann".to_owned(),
        run: RunId::new(),
        judged: None,
    };
    let name: DatasetName = "sales.bronze.events".parse().unwrap();
    let open = async |severity: &str| {
        let quarantine = Quarantine::open(&lake, &name).await.unwrap().unwrap();
        quarantine.with_policies(Arc::new(policies(severity, "")))
    };
    let mut strict = open("error").await;
    for error in [
        strict.rehearse(&replay).await.unwrap_err(),
        strict.replay(&replay).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::CheckFailed);
        let text = error.to_string();
        let row = "first in the row sales.events/retail.events/0/1";
        assert!(text.contains(MASK) && text.ends_with(row), "{text}");
    }
    assert_eq!(placed(&lake).await, (vec![0], vec![1, 2]));
    let replayed = open("warning").await.replay(&replay).await.unwrap();
    assert_eq!(replayed.passed, 2);
    assert!(replayed.remarks["cards: comment card-number"].contains("in 1 value of 2 rows searched"));
    assert_eq!(placed(&lake).await, (vec![0, 1, 2], vec![1, 2]));
    delivery.refresh().await.unwrap();
    let history = delivery.table().history(1).await.unwrap();
    assert!(history[0].metadata["found"].contains("card-number"));
}
