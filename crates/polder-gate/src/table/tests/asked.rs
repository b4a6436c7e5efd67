//! Rules that ask others: queries, and keys that another dataset has.

use super::*;

#[test]
fn queries_are_asked_and_what_fails_to_run_has_failed() {
    let contract = contract(
        &["{name: id, logicalType: integer, physicalType: bigint}"],
        &["{id: sql, type: sql, query: 'SELECT count(*) FROM {object}', mustBeLessThan: 5}"],
    );
    let check = TableCheck::compile(&contract).unwrap();
    let rows = || table(vec![vec![integers("id", vec![Some(1)])]]);
    let verdict = |figure: Option<Figure>| {
        let told = Told {
            figure,
            ..Told::default()
        };
        result(&report(&check, rows(), &NoFacts, &told), "sql").clone()
    };
    assert_eq!(verdict(Some(Figure::Whole(4))).verdict, RuleVerdict::Passed);
    assert_eq!(verdict(Some(Figure::Real(5.0))).verdict, RuleVerdict::Failed);
    assert_eq!(verdict(Some(Figure::Null)).verdict, RuleVerdict::Failed);
    let failed = verdict(None);
    assert_eq!((failed.verdict, failed.how), (RuleVerdict::Failed, How::Query));
    assert!(failed.note.unwrap().contains("2 columns"));
    let alone = report(&check, rows(), &NoFacts, &NoQueries);
    assert!(matches!(&result(&alone, "sql").verdict, RuleVerdict::NotRun(_)));
}

#[test]
fn keys_that_another_dataset_lacks_are_counted() {
    let text = "apiVersion: v3.1.0\nkind: DataContract\nid: t\nname: t\nversion: 1.0.0\nstatus: active\n\
        schema:\n\
        \x20 - name: lines\n    physicalName: sales.bronze.lines\n    properties:\n\
        \x20     - {name: id, logicalType: integer, physicalType: bigint, relationships: [{to: orders.number}]}\n\
        \x20 - name: orders\n    physicalName: sales.bronze.orders\n    properties:\n\
        \x20     - {name: number, logicalType: integer}\n";
    let parsed = parse(&Source::new("contracts/sales/t.odcs.yaml", text.to_owned()));
    let contract = Arc::new(parsed.contract.unwrap_or_else(|| panic!("{:?}", parsed.diagnostics)));
    let check = TableCheck::compile(&DatasetContract { contract, object: 0 }).unwrap();
    let lines = || {
        table(vec![vec![integers(
            "id",
            vec![Some(1), Some(2), Some(2), None, Some(3)],
        )]])
    };
    // Narrower there than here: values are compared, not bytes.
    let orders = batch(vec![(
        "number",
        Arc::new(Int32Array::from(vec![Some(1), Some(3), None])),
    )]);
    let orders = ("sales.bronze.orders".parse().unwrap(), table(vec![vec![orders]]));
    let told = Told {
        tables: BTreeMap::from([orders]),
        ..Told::default()
    };
    let orphans = |queries: &dyn Queries| {
        let report = report(&check, lines(), &NoFacts, queries);
        let found = report
            .results
            .iter()
            .find(|result| !result.rule.ends_with(".type"))
            .cloned();
        found.unwrap()
    };
    let found = orphans(&told);
    assert_eq!((found.verdict, found.failing_rows), (RuleVerdict::Failed, Some(2)));
    let missing = orphans(&Told::default());
    assert_eq!((missing.verdict, missing.failing_rows), (RuleVerdict::Failed, Some(4)));
    assert!(matches!(orphans(&NoQueries).verdict, RuleVerdict::NotRun(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_the_dataset_itself_are_looked_up_in_the_rows_that_are_judged_and_nowhere_else() {
    let reference =
        "{name: boss, logicalType: integer, physicalType: bigint, relationships: [{to: sales.bronze.t.id}]}";
    let contract = contract(
        &["{name: id, logicalType: integer, physicalType: bigint}", reference],
        &[],
    );
    let check = TableCheck::of_sets(&contract).unwrap();
    let rows = batch(vec![
        (
            "id",
            Arc::new(Int64Array::from(vec![Some(1), Some(2), Some(3)])) as ArrayRef,
        ),
        ("boss", Arc::new(Int64Array::from(vec![None, Some(1), Some(9)]))),
    ]);
    // Whoever has the dataset as it is has a 9 there.
    let elsewhere = table(vec![vec![integers("id", vec![Some(9)])]]);
    let told = Told {
        tables: BTreeMap::from([(contract.dataset().clone(), elsewhere)]),
        ..Told::default()
    };
    let verdict = async |rows_at_hand: bool| {
        let mut state = check.state();
        state.push(&rows).unwrap();
        let own = rows_at_hand.then(|| table(vec![vec![rows.clone()]]));
        let report = check
            .report(state, own.as_ref(), &NoFacts, &told, noon())
            .await
            .unwrap();
        let found = report
            .results
            .into_iter()
            .find(|found| found.rule == "boss.foreignKey")
            .unwrap();
        (found.verdict, found.failing_rows)
    };
    assert_eq!(verdict(true).await, (RuleVerdict::Failed, Some(1)));
    assert!(matches!(verdict(false).await, (RuleVerdict::NotRun(_), None)));
}

/// Gives 0, but where it is asked for an end that never comes.
struct Endless;

#[async_trait]
impl Queries for Endless {
    async fn figure(&self, sql: &str, _column: Option<&str>, _table: Arc<dyn TableProvider>) -> Result<Figure> {
        match sql.contains("endless") {
            true => std::future::pending().await,
            false => Ok(Figure::Whole(0)),
        }
    }

    async fn provider(&self, _dataset: &DatasetName) -> Result<Option<Arc<dyn TableProvider>>> {
        Ok(None)
    }
}

#[test]
fn all_queries_of_a_judgement_have_one_time_together() {
    let contract = contract(
        &["{name: id, logicalType: integer, physicalType: bigint, required: true}"],
        &[
            "{id: before, type: sql, query: 'SELECT count(*) FROM {object}', mustBe: 0}",
            "{id: one, type: sql, query: 'SELECT endless FROM {object}', mustBe: 0}",
            "{id: other, type: sql, query: 'SELECT endless + 1 FROM {object}', mustBe: 0}",
            "{id: after, type: sql, query: 'SELECT count(id) FROM {object}', mustBe: 0, severity: warning}",
            "{id: rows, metric: rowCount, mustBe: 1}",
        ],
    );
    let check = TableCheck::compile(&contract)
        .unwrap()
        .with_time(Duration::from_millis(250));
    let rows = table(vec![vec![integers("id", vec![Some(1)])]]);
    let began = Instant::now();
    let found = report(&check, rows, &NoFacts, &Endless);
    assert!(began.elapsed() < Duration::from_secs(60), "nobody waits for the end");
    let of = |rule| {
        let result = result(&found, rule);
        (result.verdict.clone(), result.note.as_deref(), result.note_quotes)
    };
    let stopped = "it failed to run: the dataset's queries took longer than 0.25 s together, and this one was stopped";
    let not_begun =
        "it failed to run: the dataset's queries took longer than 0.25 s together, and this one was not begun";
    assert_eq!(of("before"), (RuleVerdict::Passed, None, false));
    assert_eq!(of("one"), (RuleVerdict::Failed, Some(stopped), false));
    assert_eq!(of("other"), (RuleVerdict::Failed, Some(not_begun), false));
    assert_eq!(of("after"), (RuleVerdict::Warned, Some(not_begun), false));
    // What needs no query is told all the same, and the next judgement has its own time.
    assert_eq!(of("rows"), (RuleVerdict::Passed, None, false));
    assert_eq!(of("id.required"), (RuleVerdict::Passed, None, false));
    let again = report(
        &check,
        table(vec![vec![integers("id", vec![Some(1)])]]),
        &NoFacts,
        &Endless,
    );
    assert_eq!(result(&again, "before").verdict, RuleVerdict::Passed);
}
