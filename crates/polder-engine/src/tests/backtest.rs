//! A contract over the past of its dataset: what can be told of it, and what cannot.

use object_store::ObjectStoreExt as _;
use polder_contract::DatasetContract;
use polder_core::clock;
use polder_gate::table::RuleVerdict;

use super::*;
use crate::{Backtest, Since};

const KEYS: &str = "{name: k, logicalType: string, relationships: [{to: a.bronze.d.k}]}";
const VALUES: &str = "{name: v, logicalType: integer, physicalType: bigint, logicalTypeOptions: {minimum: 0}}";
const OTHERS: &str = "{name: w, logicalType: integer, physicalType: bigint}";

/// An engine over a store, with a contract of `a.bronze.e` as it is changed.
fn engine(store: &Arc<InMemory>, key: &str, object: &str) -> (Engine, DatasetContract) {
    let lake = Lake::over(Arc::clone(store) as _, "memory:///lake".parse().unwrap()).unwrap();
    let mut declared = Declared::default()
        .contract("a.bronze.d", "k string, v bigint, w bigint")
        .contract_of("a.bronze.e", &[key, VALUES, OTHERS]);
    let (_, source) = declared.contracts.last_mut().unwrap();
    let text = source
        .text
        .replace("    properties:", &format!("{object}    properties:"));
    *source = Source::new(source.path.clone(), text);
    let engine = declared.engine(&lake);
    let contract = engine.contract(&name("a.bronze.e")).unwrap();
    (engine, contract)
}

/// Commits note their time in milliseconds: the next one is later than those before.
fn later() {
    let now = clock::now().timestamp_millis();
    while clock::now().timestamp_millis() == now {
        std::hint::spin_loop();
    }
}

fn seen(backtest: &Backtest) -> Vec<(u64, u64)> {
    let commits = backtest.commits.iter();
    commits.map(|commit| (commit.version, commit.refused)).collect()
}

fn unseen(backtest: &Backtest) -> Vec<(u64, u64)> {
    let parts = backtest.unseen.iter();
    parts
        .map(|part| (*part.versions.start(), *part.versions.end()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_that_the_log_does_not_hold_any_more_are_named() {
    let store = Arc::new(InMemory::new());
    let (engine, contract) = engine(&store, "{name: k, logicalType: string}", "");
    let mut writer = Writer::new(&engine);
    // A checkpoint is written at version 100: what is before it may go.
    for n in 1..=102 {
        writer
            .add("a.bronze.e", &[row("a", if n % 2 == 0 { -1 } else { 1 }, 0)])
            .await;
    }
    let whole = engine.backtest(&contract, Since::Version(98)).await.unwrap();
    assert_eq!(seen(&whole), [(99, 0), (100, 1), (101, 0), (102, 1)]);
    assert_eq!(unseen(&whole), []);
    let before = clock::now() - chrono::TimeDelta::days(1);
    assert_eq!(
        engine.backtest(&contract, Since::Time(before)).await.unwrap().unseen,
        []
    );
    for version in 0..=99 {
        let path = format!("lake/a/bronze/e/_delta_log/{version:020}.json").into();
        store.delete(&path).await.unwrap();
    }
    for (since, expected) in [
        (Since::Version(0), vec![(1, 99)]),
        (Since::Version(98), vec![(99, 99)]),
        (Since::Version(99), vec![]),
        (Since::Time(before), vec![(0, 99)]),
    ] {
        let backtest = engine.backtest(&contract, since).await.unwrap();
        assert_eq!(seen(&backtest), [(100, 1), (101, 0), (102, 1)], "{since:?}");
        assert_eq!(unseen(&backtest), expected, "{since:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_hangs_on_a_table_which_the_log_does_not_hold_any_more_is_named() {
    let store = Arc::new(InMemory::new());
    let (engine, contract) = engine(&store, "{name: k, logicalType: string, unique: true}", "");
    let mut writer = Writer::new(&engine);
    for _ in 1..=102 {
        writer.add("a.bronze.e", &[row("a", 1, 0)]).await;
    }
    // The checkpoint at version 100 holds the table as it was then, and nothing before; commits that hang on ones that are
    // gone tell nothing either.
    for (deleted, unknown) in [(0..=97, vec![(99, 99), (100, 100)]), (98..=99, vec![(100, 100)])] {
        for version in deleted {
            let path = format!("lake/a/bronze/e/_delta_log/{version:020}.json").into();
            store.delete(&path).await.unwrap();
        }
        let since = Since::Version(if unknown.len() == 2 { 98 } else { 99 });
        let backtest = engine.backtest(&contract, since).await.unwrap();
        assert_eq!(
            (seen(&backtest), unseen(&backtest)),
            (vec![(101, 1), (102, 1)], unknown)
        );
        let why = &backtest.unseen.last().unwrap().why;
        assert_eq!(why, "what the table was before it is not known any more");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_files_are_gone_does_not_end_the_others() {
    let store = Arc::new(InMemory::new());
    let (engine, contract) = engine(&store, "{name: k, logicalType: string}", "");
    let mut writer = Writer::new(&engine);
    writer.add("a.bronze.e", &[row("a", 1, 0)]).await;
    let first = writer.table("a.bronze.e").await.files().unwrap();
    let path = format!("lake/a/bronze/e/{}", first[0].path()).into();
    writer.replace("a.bronze.e", first, &[row("a", -1, 0)]).await;
    store.delete(&path).await.unwrap();
    let backtest = engine.backtest(&contract, Since::Version(0)).await.unwrap();
    assert_eq!((seen(&backtest), unseen(&backtest)), (vec![(2, 1)], vec![(1, 1)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn other_datasets_are_read_as_they_were_then() {
    let store = Arc::new(InMemory::new());
    let known = "    quality:\n      - {id: known, type: sql, query: 'SELECT count(*) FROM a.bronze.d', mustBe: 1}\n";
    let (engine, contract) = engine(&store, KEYS, known);
    let mut writer = Writer::new(&engine);
    writer.add("a.bronze.e", &[row("a", 1, 0)]).await;
    later();
    for other in ["b", "a"] {
        writer.add("a.bronze.d", &[row(other, 1, 0)]).await;
        later();
        writer.add("a.bronze.e", &[row("a", 2, 0)]).await;
        later();
    }
    let backtest = engine.backtest(&contract, Since::Version(0)).await.unwrap();
    let verdicts = |rule: &str| -> Vec<RuleVerdict> {
        let commits = backtest.commits.iter();
        let found = commits.filter_map(|commit| commit.table.iter().find(|result| result.rule.contains(rule)));
        found.map(|result| result.verdict.clone()).collect()
    };
    // Before `d` was there nobody knows; with `b` alone in it two rows refer to nothing, and now none does.
    let not_yet = RuleVerdict::NotRun("what a.bronze.d was then is not known: it had no table yet".to_owned());
    assert_eq!(
        verdicts("foreignKey"),
        [not_yet.clone(), RuleVerdict::Failed, RuleVerdict::Passed]
    );
    assert_eq!(verdicts("known"), [not_yet, RuleVerdict::Passed, RuleVerdict::Failed]);
    let not_run = backtest.rules_not_run();
    assert_eq!(not_run["known"].0, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_held_against_what_was_there_as_the_write_holds_them() {
    for computed in [false, true] {
        let store = Arc::new(InMemory::new());
        let lake = Lake::over(Arc::clone(&store) as _, "memory:///lake".parse().unwrap()).unwrap();
        let unique = "{name: k, logicalType: string, unique: true}";
        let mut declared = bronze().contract_of("a.silver.e", &[unique, VALUES, OTHERS]);
        if computed {
            declared = declared.pipeline(
                "e",
                "a.silver.e",
                "materialization: append",
                "SELECT k, v, w FROM a.bronze.e",
            );
        }
        let engine = declared.engine(&lake);
        let contract = engine.contract(&name("a.silver.e")).unwrap();
        let mut writer = Writer::new(&engine);
        let table = async || {
            let schema = writer_schema(&engine);
            let (dataset, options) = (name("a.silver.e"), TableOptions::default());
            engine.lake.ensure(&dataset, schema, &options).await.unwrap()
        };
        for keys in [&["a"][..], &["b"], &["b", "c"], &["d"], &["a", "b", "c", "d"]] {
            let rows: Vec<_> = keys.iter().map(|key| row(key, 1, 0)).collect();
            let mut table = table().await;
            let mut files = table.writer().unwrap();
            files.write(&writer.batch(&rows)).await.unwrap();
            // The last one has the same rows again, without the second `b`: nothing else is there any more.
            let remove = match keys.len() {
                4 => table.files().unwrap(),
                _ => Vec::new(),
            };
            let operation = match remove.is_empty() {
                true => Operation::Append,
                false => Operation::Replace,
            };
            let commit = Commit {
                add: files.finish().await.unwrap(),
                remove,
                ..Commit::new(RunId::new(), operation)
            };
            table.commit(commit).await.unwrap();
        }
        let backtest = engine.backtest(&contract, Since::Version(0)).await.unwrap();
        let failing = |commit: usize| {
            let results = backtest.commits[commit].table.iter();
            let failing = results.filter(|result| result.verdict == RuleVerdict::Failed);
            failing.map(|result| result.rule.as_str()).collect::<Vec<_>>()
        };
        let excused: Vec<_> = backtest.commits.iter().map(|commit| commit.excused.len()).collect();
        let refusing: Vec<_> = backtest.refusing_rules().into_iter().collect();
        if computed {
            // No row is the first: the commit that brings a key again is refused, and the next one is not to blame.
            assert_eq!(seen(&backtest), [(1, 0), (2, 0), (3, 2), (4, 0), (5, 0)]);
            assert_eq!([2, 3, 4].map(failing), [vec!["k.unique"], vec!["k.unique"], vec![]]);
            assert_eq!((excused, refusing), (vec![0, 0, 0, 1, 0], vec![("k.unique", 1)]));
        } else {
            assert_eq!(seen(&backtest), [(1, 0), (2, 0), (3, 1), (4, 0), (5, 0)]);
            assert_eq!(
                backtest.commits[2].by_rule.clone().into_iter().collect::<Vec<_>>(),
                [("k.unique".into(), 1)]
            );
            assert_eq!((failing(2), excused, refusing), (vec![], vec![0; 5], vec![]));
        }
    }
}

/// The columns of what a [`Writer`] writes.
fn writer_schema(engine: &Engine) -> arrow::datatypes::SchemaRef {
    dataset_columns(&engine.contract(&name("a.bronze.e")).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_that_nobody_ran_are_told() {
    let store = Arc::new(InMemory::new());
    let object = "    quality:\n      - {id: usual, type: custom, engine: polder, implementation: {volume: {commits: 5, \
                  deviation: 3}}}\n      - {id: polite, type: text, description: be polite}\n";
    let (engine, contract) = engine(&store, "{name: k, logicalType: string}", object);
    let mut writer = Writer::new(&engine);
    for _ in 0..6 {
        writer.add("a.bronze.e", &[row("a", 1, 0)]).await;
    }
    let backtest = engine.backtest(&contract, Since::Version(0)).await.unwrap();
    let not_run: Vec<_> = backtest
        .rules_not_run()
        .into_iter()
        .map(|(rule, (commits, _))| (rule, commits))
        .collect();
    assert_eq!(not_run, [("polite", 6), ("usual", 5)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_see_the_rows_that_stay_and_those_that_would_have_been_taken() {
    let store = Arc::new(InMemory::new());
    let sum = "    quality:\n      - {id: sum, type: sql, query: 'SELECT sum(w) FROM {object}', mustBeLessThan: 90}\n";
    let (mut engine, contract) = engine(&store, "{name: k, logicalType: string}", sum);
    let mut writer = Writer::new(&engine);
    // A negative `v` is refused.
    writer.add("a.bronze.e", &[row("a", 1, 5), row("b", -1, 100)]).await;
    let first = writer.table("a.bronze.e").await.files().unwrap();
    writer
        .replace(
            "a.bronze.e",
            first,
            &[row("a", 1, 6), row("b", -1, 200), row("c", 1, 30)],
        )
        .await;
    let second = writer.table("a.bronze.e").await.files().unwrap();
    writer.add("a.bronze.e", &[row("d", 1, 7)]).await;
    writer.replace("a.bronze.e", second, &[row("e", -1, 300)]).await;
    writer.add("a.bronze.e", &[row("f", -1, 1), row("g", 1, 84)]).await;
    let backtest = engine.backtest(&contract, Since::Version(0)).await.unwrap();
    let sums = |backtest: &Backtest| -> Vec<(Option<String>, bool)> {
        let commits = backtest.commits.iter();
        let result = |commit: &crate::BacktestCommit| {
            let result = commit.table.iter().find(|result| result.rule == "sum").unwrap();
            (
                result.figure.as_ref().map(ToString::to_string),
                commit.refused_by.contains("sum"),
            )
        };
        commits.map(result).collect()
    };
    let figure = |sum: u64, refuses: bool| (Some(sum.to_string()), refuses);
    // The third brings a row to all that was there: 6 + 200 + 30 + 7. The fourth leaves that row alone, and the last one,
    // of which 84 comes to 300 and 7, makes a sum worse that was too great.
    let wanted = [
        figure(5, false),
        figure(36, false),
        figure(243, true),
        figure(7, false),
        figure(391, true),
    ];
    assert_eq!(sums(&backtest), wanted);
    assert_eq!(seen(&backtest), [(1, 1), (2, 1), (3, 1), (4, 1), (5, 2)]);

    // Those that are too many to be held are not asked, and say nothing against the commit.
    engine.limits.taken_bytes = 0;
    let backtest = engine.backtest(&contract, Since::Version(0)).await.unwrap();
    let not_run = (None, false);
    let unasked = [
        not_run.clone(),
        not_run.clone(),
        figure(243, true),
        not_run.clone(),
        not_run,
    ];
    assert_eq!(sums(&backtest), unasked);
    assert_eq!(seen(&backtest), [(1, 1), (2, 1), (3, 1), (4, 1), (5, 1)]);
    let (commits, why) = backtest.rules_not_run()["sum"];
    assert_eq!(commits, 4);
    assert!(why.starts_with("rows of the commit would have been refused"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dataset_that_refers_to_itself_does_so_without_the_rows_that_would_have_been_refused() {
    let store = Arc::new(InMemory::new());
    let own = "    relationships: [{from: rows.w, to: a.bronze.e.v}]\n";
    let (mut engine, contract) = engine(&store, "{name: k, logicalType: string}", own);
    let mut writer = Writer::new(&engine);
    // `w` is a `v`: of the row itself, of one beside it, of one before. A negative `v` is refused.
    writer.add("a.bronze.e", &[row("a", 1, 1), row("b", 2, 1)]).await;
    writer.add("a.bronze.e", &[row("c", 3, 2), row("d", -1, 1)]).await;
    // The 9 comes with the next commit.
    writer.add("a.bronze.e", &[row("e", 4, 9), row("f", -2, 1)]).await;
    writer.add("a.bronze.e", &[row("g", 9, 1)]).await;
    // What is refused is not there.
    writer.add("a.bronze.e", &[row("h", 5, -3), row("i", -3, 1)]).await;
    let verdicts = |backtest: &Backtest| -> Vec<RuleVerdict> {
        let commits = backtest.commits.iter();
        let found = commits.map(|commit| commit.table.iter().find(|result| result.rule == "w.foreignKey"));
        found.map(|result| result.unwrap().verdict.clone()).collect()
    };
    let backtest = engine.backtest(&contract, Since::Version(0)).await.unwrap();
    let [passed, failed] = [RuleVerdict::Passed, RuleVerdict::Failed];
    assert_eq!(
        verdicts(&backtest),
        [passed.clone(), passed.clone(), failed.clone(), passed.clone(), failed]
    );
    assert_eq!(seen(&backtest), [(1, 0), (2, 1), (3, 2), (4, 0), (5, 2)]);
    let refusing: Vec<_> = backtest.refusing_rules().into_iter().collect();
    assert_eq!(refusing, [("w.foreignKey", 2)]);

    // Where the rows that would have been taken are too many to be held, nobody knows.
    engine.limits.taken_bytes = 0;
    let backtest = engine.backtest(&contract, Since::Version(0)).await.unwrap();
    let held: Vec<bool> = verdicts(&backtest).iter().map(|verdict| *verdict == passed).collect();
    assert_eq!(held, [true, false, false, true, false]);
    let (commits, why) = backtest.rules_not_run()["w.foreignKey"];
    assert_eq!(commits, 3);
    assert!(why.starts_with("rows of the commit would have been refused"), "{why}");
    assert_eq!(seen(&backtest), [(1, 0), (2, 1), (3, 1), (4, 0), (5, 1)]);
}
