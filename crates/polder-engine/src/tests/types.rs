//! What a query gives on its way into the contract's types.

use super::*;

const NTZ: &str = "{name: at, logicalType: timestamp, physicalType: timestamp_ntz}";
const N: &str = "{name: n, logicalType: integer, physicalType: bigint}";
const REFUSED: &str = "SELECT rule, record FROM a.quarantine.silver_t";

#[tokio::test(flavor = "multi_thread")]
async fn a_query_makes_maps_whatever_the_engine_calls_their_entries() {
    let map = "{name: m, logicalType: map, map: {key: {logicalType: string}, \
               value: {logicalType: integer, physicalType: bigint}}}";
    let engine = bronze()
        .contract_of("a.silver.t", &["{name: k, logicalType: string}", map])
        .contract_of("a.gold.t", &["{name: k, logicalType: string}", map])
        .pipeline(
            "t",
            "a.silver.t",
            "materialization: append",
            "SELECT k, map([k, 'w'], [cast(v AS int), cast(w AS int)]) AS m FROM a.bronze.e",
        )
        .pipeline(
            "u",
            "a.gold.t",
            "materialization: append",
            "SELECT k, map(map_keys(m), map_values(m)) AS m FROM a.silver.t",
        )
        .engine(&lake());
    let mut writer = Writer::new(&engine);
    writer.add("a.bronze.e", &[row("a", 1, 2), row("b", 3, 4)]).await;
    run(&engine).await;
    for dataset in ["a.silver.t", "a.gold.t"] {
        let found = rows(
            &engine,
            &format!("SELECT k, m['a'] AS a, m['b'] AS b, m['w'] AS w FROM {dataset}"),
        )
        .await;
        assert_eq!(found, ["a 1 ∅ 2", "b ∅ 3 4"], "{dataset}");
    }
}

/// A pipeline of nanoseconds since 1970 into times of microseconds.
fn times(document: &str, sql: &str) -> Engine {
    bronze()
        .contract_of("a.silver.t", &[NTZ, N])
        .pipeline("t", "a.silver.t", document, sql)
        .engine(&lake())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_that_is_finer_than_tables_keep_is_refused_and_never_cut() {
    let engine = times(
        "materialization: append",
        "SELECT to_timestamp_nanos(v) AS at, w AS n FROM a.bronze.e",
    );
    let mut writer = Writer::new(&engine);
    writer
        .add("a.bronze.e", &[row("a", 5_000, 1), row("a", 5_001, 2)])
        .await;
    let results = run(&engine).await;
    assert_eq!((results[0].rows, results[0].rejected), (1, 1));
    let taken = "SELECT at, n FROM a.silver.t";
    assert_eq!(rows(&engine, taken).await, ["1970-01-01T00:00:00.000005 1"]);
    let refused = r#"at.type {"at":"1970-01-01T00:00:00.000005001","n":2}"#;
    assert_eq!(rows(&engine, REFUSED).await, [refused]);
    writer
        .add("a.bronze.e", &[row("a", 6_000, 3), row("a", 6_999, 4)])
        .await;
    let results = run(&engine).await;
    assert_eq!((results[0].rows, results[0].rejected), (1, 1));

    let cut = times(
        "materialization: append",
        "SELECT date_trunc('microsecond', to_timestamp_nanos(v)) AS at, w AS n FROM a.bronze.e",
    );
    Writer::new(&cut).add("a.bronze.e", &[row("a", 5_001, 2)]).await;
    run(&cut).await;
    assert_eq!(rows(&cut, taken).await, ["1970-01-01T00:00:00.000005 2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn finer_times_are_refused_as_keys_too_and_by_increments() {
    for (document, sql) in [
        (
            "materialization: append_distinct\nkey: [at]",
            "SELECT to_timestamp_nanos(v) AS at, w AS n FROM a.bronze.e",
        ),
        (
            "materialization: replace_groups\nkey: [at]",
            "SELECT to_timestamp_nanos(v) AS at, min(w) AS n FROM a.bronze.e GROUP BY to_timestamp_nanos(v)",
        ),
    ] {
        let engine = times(document, sql);
        let mut writer = Writer::new(&engine);
        writer
            .add("a.bronze.e", &[row("a", 5_000, 1), row("a", 7_000, 2)])
            .await;
        run(&engine).await;
        writer
            .add(
                "a.bronze.e",
                &[row("a", 5_000, 3), row("a", 5_001, 4), row("a", 8_000, 5)],
            )
            .await;
        let results = run(&engine).await;
        assert_eq!(
            (results[0].action, results[0].rejected),
            (Action::Incremental, 1),
            "{document}"
        );
        let taken = rows(&engine, "SELECT at, n FROM a.silver.t").await;
        let day = "1970-01-01T00:00:00.00000";
        assert_eq!(
            taken,
            [format!("{day}5 1"), format!("{day}7 2"), format!("{day}8 5")],
            "{document}"
        );
        let refused = format!(r#"at.type {{"at":"{day}5001","n":4}}"#);
        assert_eq!(rows(&engine, REFUSED).await, [refused], "{document}");
    }
}
