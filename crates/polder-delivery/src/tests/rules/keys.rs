//! Keys: of a stream's rows the first stays, a pipeline that repeats one is refused.

use polder_lake::Commit;
use proptest::prelude::*;

use super::*;

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
