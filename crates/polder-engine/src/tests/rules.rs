//! What a contract says of the table as a whole, while it is built.

use polder_core::ErrorKind;

use super::*;

const LINES: &str = "SELECT k, v, w AS n FROM a.bronze.e";
const LATEST: &str = "materialization: append\n";

/// A contract of `a.silver.s` whose object says this besides.
fn target(mut declared: Declared, properties: &[&str], object: &str) -> Declared {
    declared = declared.contract_of("a.silver.s", properties);
    let (_, source) = declared.contracts.last_mut().unwrap();
    let text = source
        .text
        .replace("    properties:", &format!("{object}    properties:"));
    *source = Source::new(source.path.clone(), text);
    declared
}

const COLUMNS: [&str; 3] = [
    "{name: k, logicalType: string}",
    "{name: v, logicalType: integer, physicalType: bigint}",
    "{name: n, logicalType: integer, physicalType: bigint}",
];

/// A run of which steps may fail.
async fn tried(engine: &Engine) -> Vec<StepResult> {
    engine.run(&RunOptions::default(), &Unobserved).await.unwrap()
}

fn failure(result: &StepResult) -> &polder_core::Error {
    match &result.outcome {
        StepOutcome::Failed(error) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_comes_twice_refuses_the_build_and_is_named() {
    let properties = [
        "{name: k, logicalType: string, primaryKey: true}",
        COLUMNS[1],
        COLUMNS[2],
    ];
    let engine = target(bronze(), &properties, "")
        .pipeline("s", "a.silver.s", LATEST, LINES)
        .engine(&lake());
    let mut writer = Writer::new(&engine);
    writer.add("a.bronze.e", &[row("a", 1, 0), row("b", 2, 0)]).await;
    assert!(matches!(run(&engine).await[0].outcome, StepOutcome::Succeeded));
    writer.add("a.bronze.e", &[row("c", 3, 0), row("b", 4, 0)]).await;
    let results = tried(&engine).await;
    let error = failure(&results[0]);
    assert_eq!(error.kind(), ErrorKind::CheckFailed);
    assert!(error.to_string().contains(r#"{"k":"b"}"#), "{error}");
    assert_eq!(rows(&engine, "SELECT k, v FROM a.silver.s").await, ["a 1", "b 2"]);
    // It stays where it was: the next run says the same.
    assert_eq!(failure(&tried(&engine).await[0]).kind(), ErrorKind::CheckFailed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_sees_the_table_as_it_would_be() {
    let rule = |word: &str| {
        format!(
            "    quality:\n      - {{name: total, type: sql, query: 'SELECT sum(v) FROM {{object}}', mustBeLessThan: 10, \
             customProperties: [{{property: polder.onFailure, value: {word}}}]}}\n"
        )
    };
    for (document, sql) in [
        (LATEST, LINES),
        (
            "materialization: replace_groups\nkey: [k]\n",
            "SELECT k, sum(v) AS v, count(*) AS n FROM a.bronze.e GROUP BY k",
        ),
    ] {
        let lake = lake();
        let engine = target(bronze(), &COLUMNS, &rule("reject"))
            .pipeline("s", "a.silver.s", document, sql)
            .engine(&lake);
        let mut writer = Writer::new(&engine);
        writer.add("a.bronze.e", &[row("a", 1, 0), row("b", 8, 0)]).await;
        assert!(matches!(run(&engine).await[0].outcome, StepOutcome::Succeeded));
        writer.add("a.bronze.e", &[row("a", 1, 0)]).await;
        let results = tried(&engine).await;
        let error = failure(&results[0]);
        assert_eq!(error.kind(), ErrorKind::CheckFailed);
        assert!(
            error.to_string().contains("total") && error.to_string().contains("10"),
            "{error}"
        );
        assert_eq!(number(&engine, "SELECT sum(v) FROM a.silver.s").await, 9);

        let warned = target(bronze(), &COLUMNS, &rule("warn"))
            .pipeline("s", "a.silver.s", document, sql)
            .engine(&lake);
        let results = run(&warned).await;
        assert!(matches!(results[0].outcome, StepOutcome::Succeeded), "{results:?}");
        assert!(
            results[0].remarks["total"].contains("would be 10"),
            "{:?}",
            results[0].remarks
        );
        assert_eq!(number(&warned, "SELECT sum(v) FROM a.silver.s").await, 10);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_only_warned_of_are_counted() {
    let warned = "{name: v, logicalType: integer, physicalType: bigint, logicalTypeOptions: {minimum: 1}, \
                  customProperties: [{property: polder.onFailure, value: warn}]}";
    let engine = target(bronze(), &[COLUMNS[0], warned, COLUMNS[2]], "")
        .pipeline("s", "a.silver.s", LATEST, LINES)
        .engine(&lake());
    let mut writer = Writer::new(&engine);
    writer
        .add("a.bronze.e", &[row("a", 1, 0), row("b", -2, 0), row("c", -3, 0)])
        .await;
    let results = run(&engine).await;
    assert_eq!((results[0].rows, results[0].rejected), (3, 0));
    assert_eq!(results[0].warned, BTreeMap::from([("v.minimum".to_owned(), 2)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_of_everything_closes_what_a_mended_contract_takes() {
    let lake = lake();
    let declared = |minimum: &str| {
        let v = format!(
            "{{name: v, logicalType: integer, physicalType: bigint, logicalTypeOptions: {{minimum: {minimum}}}}}"
        );
        target(bronze(), &[COLUMNS[0], &v, COLUMNS[2]], "").pipeline("s", "a.silver.s", LATEST, LINES)
    };
    let engine = declared("1").engine(&lake);
    let mut writer = Writer::new(&engine);
    writer
        .add("a.bronze.e", &[row("a", 1, 0), row("b", -2, 0), row("c", -3, 0)])
        .await;
    assert_eq!(run(&engine).await[0].rejected, 2);
    let open = "SELECT record FROM a.quarantine.silver_s WHERE coalesce(state, 'open') = 'open'";
    assert_eq!(rows(&engine, open).await.len(), 2);
    let mended = declared("-2").engine(&lake);
    let full = RunOptions {
        full: true,
        ..RunOptions::default()
    };
    assert_eq!(run_with(&mended, &full).await[0].rows, 2);
    assert_eq!(rows(&mended, open).await, [r#"{"k":"c","v":-3,"n":0}"#]);
}
