//! Rows that a replay mends before they are judged.

use polder_core::ErrorKind;

use super::*;

/// Turns numbers round; fails for 13.
struct Absolute(Vec<String>);

impl Patch for Absolute {
    fn columns(&self) -> &[String] {
        &self.0
    }

    fn apply(&self, rows: &RecordBatch) -> Result<Patched> {
        let place = rows.schema().index_of("n").unwrap();
        let numbers = rows.column(place).as_primitive::<arrow::datatypes::Int32Type>();
        if numbers.values().contains(&-13) {
            return Err(polder_core::Error::new(ErrorKind::Data, "bad luck"));
        }
        let mut columns = rows.columns().to_vec();
        columns[place] = Arc::new(numbers.unary::<_, arrow::datatypes::Int32Type>(i32::abs));
        Ok(patched(rows, columns))
    }
}

fn patched(rows: &RecordBatch, columns: Vec<ArrayRef>) -> Patched {
    Patched {
        rows: RecordBatch::try_new(rows.schema(), columns).unwrap(),
        misfits: Vec::new(),
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
async fn a_patch_that_does_not_help_leaves_a_row_refused_by_what_it_was_and_is_in_its_history() {
    let lake = delivered(&[Some(-13), Some(-1)], 0).await;
    let (strict, patch) = (contract(2), Absolute(vec!["n".to_owned()]));
    let mut replay = all(&strict);
    replay.patch = Some(&patch);
    replay.resolution = "set n = abs(n)".to_owned();
    assert_eq!(quarantine(&lake).await.replay(&replay).await.unwrap().passed, 0);
    for offset in [0, 1] {
        let column = async |name| of_quarantine(&lake, offset, name).await.unwrap();
        assert_eq!(column("rule").await, "n.minimum");
        assert_eq!(column("contract_version").await, "1.0.0");
        assert_eq!(column("attempts").await, "1");
    }
    assert!(of_quarantine(&lake, 1, "reason").await.unwrap().contains("-1"));
    let parts = ["by", "outcome", "how", "rule", "contract_version"];
    let came = [STREAM, "refused", "", "n.minimum", "1.0.0"];
    let tried = |rule| ["ann", "refused", "set n = abs(n)", rule, "1.0.2"];
    assert_eq!(history_of(&lake, 0, &parts).await, [came, tried("patch")]);
    assert_eq!(history_of(&lake, 1, &parts).await, [came, tried("n.minimum")]);
    let reasons = history_of(&lake, 0, &["reason"]).await;
    assert!(reasons[1][0].contains("bad luck"), "{reasons:?}");

    // Its rule still selects it. As received it breaks the rule of now, and what it came with stays in its history.
    let mut replay = all(&strict);
    replay.selection.rule = Some("n.minimum".to_owned());
    assert_eq!(quarantine(&lake).await.replay(&replay).await.unwrap().selected, 2);
    assert_eq!(of_quarantine(&lake, 0, "contract_version").await.unwrap(), "1.0.2");
    let entries = history_of(&lake, 0, &parts).await;
    assert_eq!(entries[..2], [came, tried("patch")]);
    assert_eq!(entries[2], ["ann", "refused", "mended", "n.minimum", "1.0.2"]);
}

/// Sets a number that does not fit where it was negative: of the row -13 two values.
struct Wide(Vec<String>);

impl Patch for Wide {
    fn columns(&self) -> &[String] {
        &self.0
    }

    fn apply(&self, rows: &RecordBatch) -> Result<Patched> {
        let place = rows.schema().index_of("n").unwrap();
        let numbers = rows.column(place).as_primitive::<arrow::datatypes::Int32Type>().clone();
        let mut columns = rows.columns().to_vec();
        columns[place] = Arc::new(
            numbers
                .iter()
                .map(|n| n.filter(|n| *n == -1).map(|_| 5))
                .collect::<Int32Array>(),
        );
        let misfit = |column: &str| crate::Misfit {
            column: column.to_owned(),
            reason: format!("{column} does not fit"),
        };
        let mut patched = patched(rows, columns);
        for (row, n) in numbers.iter().enumerate() {
            match n {
                Some(-13) => patched.misfits.extend([(row, misfit("n")), (row, misfit("name"))]),
                Some(-1) => {}
                _ => patched.misfits.push((row, misfit("n"))),
            }
        }
        Ok(patched)
    }
}

#[tokio::test]
async fn what_a_patch_sets_that_does_not_fit_its_column_leaves_the_row_open() {
    let lake = delivered(&[Some(-1), Some(-13)], 0).await;
    let (contract, patch) = (contract(2), Wide(vec!["n".to_owned()]));
    let mut replay = all(&contract);
    replay.patch = Some(&patch);
    let replayed = quarantine(&lake).await.replay(&replay).await.unwrap();
    assert_eq!(replayed.passed, 1);
    let (rows, why) = &replayed.refused["n.type"];
    assert_eq!(*rows, 1);
    assert_eq!(why, "n.type: n does not fit; name.type: name does not fit");
    assert_eq!(of_quarantine(&lake, 1, "rule").await.unwrap(), "n.minimum");
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

    fn apply(&self, rows: &RecordBatch) -> Result<Patched> {
        let place = rows.schema().index_of("n").unwrap();
        let numbers = rows.column(place).as_primitive::<arrow::datatypes::Int32Type>();
        let mut columns = rows.columns().to_vec();
        columns[place] = Arc::new(numbers.unary::<_, arrow::datatypes::Int32Type>(|n| n + 5));
        Ok(patched(rows, columns))
    }
}
