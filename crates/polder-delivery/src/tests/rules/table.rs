//! Rules about the whole table: what they refuse at the write, and what they only remark.

use super::*;

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
    land(delivery, &rows, replace).await
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
async fn volume_counts_no_row_that_replaced_files_only_hold_again() {
    let lake = lake();
    let custom = on_failure("warn");
    let volume = format!(
        "    quality: [{{name: usual, type: custom, engine: polder, \
         implementation: {{volume: {{commits: 5, deviation: 3}}}}{custom}}}]\n"
    );
    let mut delivery = pipeline(&lake, &declared("", &volume)).await;
    // Fifty rows that are written again each time, among them so many new ones.
    let mut usual = async |new: u64| {
        let mut shipment = delivery.shipment(RunId::new()).await.unwrap();
        let remove = shipment.table().files().unwrap();
        shipment.push(&batch(&[Some(1); 50]), &NoRecords).await.unwrap();
        let outcome = Outcome {
            remove,
            operation: Operation::Replace,
            kept: 50 - new,
            ..Outcome::default()
        };
        shipment.commit(outcome).await.unwrap().remarks.remove("usual")
    };
    for new in [50, 1, 2, 1, 2] {
        let said = usual(new).await.unwrap();
        assert!(said.contains("not run"), "{new}: {said}");
    }
    usual(1).await;
    // Five of 1.4 on average.
    assert_eq!(usual(2).await, None);
    let said = usual(50).await.unwrap();
    assert!(
        said.contains("the newest commit brought 50 rows, the 5 before it 1.6 on average"),
        "{said}"
    );
    // What only writes the same again is none of the commits that brought rows: the newest is still that one.
    let said = usual(0).await.unwrap();
    assert!(said.contains("the newest commit brought 50 rows"), "{said}");
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
