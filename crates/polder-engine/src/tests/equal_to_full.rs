//! The property that increments stand on: whatever comes in whatever order, with runs in between, the tables end as
//! the query itself says over everything that is there.

use std::cell::Cell;

use proptest::prelude::*;

use super::*;
use crate::engine::Limits;

/// What happens to the sources.
#[derive(Debug, Clone)]
enum Event {
    /// A commit of new rows.
    Add {
        to: &'static str,
        rows: Vec<Row>,
        /// How far the writer's clock is behind.
        behind: i64,
    },
    /// A commit that replaces some files: of their rows some are dropped, and others come.
    Rewrite {
        of: &'static str,
        files: Vec<bool>,
        keep: Vec<bool>,
        rows: Vec<Row>,
    },
    /// A run of all pipelines.
    Run,
}

fn value() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![1 => Just(None), 6 => (0..5_i64).prop_map(Some)]
}

fn a_row() -> impl Strategy<Value = Row> {
    let key = prop_oneof![1 => Just(None), 6 => "[abcd]".prop_map(Some)];
    (key, value(), value())
}

fn some_rows() -> impl Strategy<Value = Vec<Row>> {
    prop::collection::vec(a_row(), 0..6)
}

fn source() -> impl Strategy<Value = &'static str> {
    prop_oneof![2 => Just("a.bronze.e"), 1 => Just("a.bronze.d")]
}

/// Limits that nothing here reaches, and such that everything does.
fn limits() -> impl Strategy<Value = Limits> {
    let small = (0..6_usize, 0..3_usize, 0..400_usize, 0..3_u64);
    let small = small.prop_map(|(changed_rows, touched_groups, held_bytes, hashed_rows)| Limits {
        changed_rows,
        touched_groups,
        held_bytes,
        hashed_rows,
        ..Limits::default()
    });
    prop_oneof![2 => Just(Limits::default()), 1 => small]
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let behind = prop_oneof![3 => Just(0), 1 => 1..20_i64];
    let add = (source(), some_rows(), behind).prop_map(|(to, rows, behind)| Event::Add { to, rows, behind });
    let rewrite = (
        source(),
        prop::collection::vec(any::<bool>(), 4),
        prop::collection::vec(any::<bool>(), 12),
        some_rows(),
    )
        .prop_map(|(of, files, keep, rows)| Event::Rewrite { of, files, keep, rows });
    let event = prop_oneof![
        4 => add,
        2 => rewrite,
        3 => Just(Event::Run),
    ];
    prop::collection::vec(event, 3..12)
}

/// The rows `(k, v, w)` of some files.
async fn rows_in(engine: &Engine, table: &Table, files: &[DataFile]) -> Vec<Row> {
    let provider = table.files_provider(files).unwrap();
    let session = engine.session.with_tables([(name("a.bronze.e"), provider)]);
    let frame = session
        .sql("SELECT k, v, w FROM a.bronze.e ORDER BY _offset")
        .await
        .unwrap();
    let mut rows = Vec::new();
    for batch in frame.collect().await.unwrap() {
        let (k, v, w) = (
            batch.column(0).as_string::<i32>(),
            batch.column(1).as_primitive::<Int64Type>(),
            batch.column(2).as_primitive::<Int64Type>(),
        );
        for i in 0..batch.num_rows() {
            let number = |column: &Int64Array| column.is_valid(i).then(|| column.value(i));
            rows.push((k.is_valid(i).then(|| k.value(i).to_owned()), number(v), number(w)));
        }
    }
    rows
}

async fn happen(writer: &mut Writer<'_>, event: &Event) {
    match event {
        Event::Add { to, rows, behind } => {
            writer.behind = *behind;
            writer.add(to, rows).await;
            writer.behind = 0;
        }
        Event::Rewrite { of, files, keep, rows } => {
            let table = writer.table(of).await;
            let chosen: Vec<_> = table
                .files()
                .unwrap()
                .into_iter()
                .zip(files.iter().cycle())
                .filter_map(|(file, chosen)| chosen.then_some(file))
                .collect();
            if chosen.is_empty() {
                return;
            }
            let old = rows_in(writer.engine, &table, &chosen).await;
            let kept = old
                .into_iter()
                .zip(keep.iter().cycle())
                .filter_map(|(row, keep)| keep.then_some(row));
            let rows: Vec<_> = kept.chain(rows.iter().cloned()).collect();
            writer.replace(of, chosen, &rows).await;
        }
        Event::Run => {}
    }
}

/// Lets events happen; after each run, tables hold what the expectation says, and another run writes nothing. Gives
/// how many increments were built.
async fn live(engine: Engine, limits: Limits, events: &[Event], expected: &[(&str, String)]) -> usize {
    let engine = &Engine { limits, ..engine };
    let mut increments = 0;
    let mut writer = Writer::new(engine);
    // Both sources are there, or a query could not be asked for the expectation.
    for dataset in ["a.bronze.e", "a.bronze.d"] {
        writer.table(dataset).await;
    }
    for event in events.iter().chain([&Event::Run]) {
        happen(&mut writer, event).await;
        if !matches!(event, Event::Run) {
            continue;
        }
        increments += run(engine)
            .await
            .iter()
            .filter(|result| result.action == Action::Incremental)
            .count();
        for (dataset, sql) in expected {
            let columns = "k, v, n";
            let built = rows(engine, &format!("SELECT {columns} FROM {dataset}")).await;
            assert_eq!(
                built,
                rows(engine, &format!("SELECT {columns} FROM ({sql})")).await,
                "{dataset}"
            );
        }
        let before = versions(engine).await;
        let again = run(engine).await;
        assert!(
            again.iter().all(|result| result.action == Action::Skip),
            "{:?}",
            actions(&again)
        );
        assert_eq!(versions(engine).await, before, "a run with nothing new wrote something");
    }
    increments
}

/// Runs a test over random events; it gives how many increments it built, of which there must be some.
fn check(cases: u32, test: impl AsyncFn(Vec<Event>, Limits) -> usize) -> usize {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let config = ProptestConfig {
        cases: std::env::var("PROPTEST_CASES").map_or(cases, |asked| asked.parse().unwrap()),
        max_shrink_iters: 60,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(20_101_201),
        ..ProptestConfig::default()
    };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let increments = Cell::new(0);
    let result = runner.run(&(events(), limits()), |(events, limits)| {
        increments.set(increments.get() + runtime.block_on(test(events, limits)));
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    increments.get()
}

const TARGET: &str = "k string, v bigint, n bigint";

#[test]
fn append_ends_as_one_full_build() {
    let sql = "SELECT upper(k) AS k, v + 1 AS v, w AS n FROM a.bronze.e WHERE v IS NULL OR v > 1";
    let increments = check(12, async |events, limits| {
        let declared = bronze().contract("a.silver.s", TARGET);
        let engine = declared
            .pipeline("s", "a.silver.s", "materialization: append", sql)
            .engine(&lake());
        live(engine, limits, &events, &[("a.silver.s", sql.to_owned())]).await
    });
    assert!(increments > 0);
}

/// Rows with `v` from 1 are accepted.
const STRICT: &str = "k string, v positive, n bigint";

#[test]
fn append_distinct_ends_as_one_full_build() {
    let sql = "SELECT k, v, w AS n FROM a.bronze.e WHERE w IS DISTINCT FROM 0";
    let first = |accepted: &str| {
        format!(
            "SELECT k, v, n FROM (SELECT *, row_number() OVER (PARTITION BY k ORDER BY _ingested_at, _partition, \
             _offset) AS first FROM (SELECT * FROM ({}) WHERE {accepted})) WHERE first = 1",
            sql.replace("SELECT", "SELECT _ingested_at, _partition, _offset,")
        )
    };
    for (contract, expected) in [(TARGET, first("true")), (STRICT, first("v IS NULL OR v >= 1"))] {
        let increments = check(30, async |events, limits| {
            let declared = bronze().contract("a.silver.s", contract);
            let document = "materialization: append_distinct\nkey: [k]";
            let engine = declared.pipeline("s", "a.silver.s", document, sql).engine(&lake());
            live(engine, limits, &events, &[("a.silver.s", expected.clone())]).await
        });
        assert!(increments > 0);
    }
}

#[test]
fn what_is_refused_is_open_in_quarantine_as_often_as_it_is_there() {
    let given = "k IS NOT NULL AND v IS NOT NULL AND w IS NOT NULL";
    let sql = format!("SELECT k, v, w AS n FROM a.bronze.e WHERE {given}");
    let open = "(SELECT record AS k, 0 AS v, 0 AS n FROM a.quarantine.silver_s WHERE coalesce(state, 'open') = 'open')";
    let refused = format!(
        "SELECT concat('{{\"k\":\"', k, '\",\"v\":', v, ',\"n\":', w, '}}') AS k, 0 AS v, 0 AS n FROM a.bronze.e \
         WHERE v < 1 AND {given}"
    );
    for document in ["materialization: append", "materialization: append_distinct\nkey: [k]"] {
        let increments = check(12, async |events, limits| {
            let declared = bronze().contract("a.silver.s", STRICT);
            let engine = declared.pipeline("s", "a.silver.s", document, &sql).engine(&lake());
            let quarantine = name("a.silver.s").quarantine();
            let schema = polder_delivery::quarantine_schema();
            engine
                .lake
                .ensure(&quarantine, schema, &TableOptions::default())
                .await
                .unwrap();
            live(engine, limits, &events, &[(open, refused.clone())]).await
        });
        assert!(increments > 0);
    }
}

#[test]
fn what_groups_refuse_is_open_in_quarantine_as_often_as_the_query_gives_it() {
    let open = "(SELECT record AS k, 0 AS v, 0 AS n FROM a.quarantine.silver_s WHERE coalesce(state, 'open') = 'open')";
    for sql in [
        "SELECT k, v, w AS n FROM a.bronze.e",
        "SELECT k, sum(v) - 6 AS v, count(*) AS n FROM a.bronze.e GROUP BY k",
        "SELECT e.k, sum(d.w) - 3 AS v, count(d.w) AS n FROM a.bronze.e LEFT JOIN a.bronze.d ON e.k = d.k GROUP BY e.k",
    ] {
        let refused = format!(
            "SELECT concat('{{', CASE WHEN k IS NULL THEN '' ELSE concat('\"k\":\"', k, '\",') END, '\"v\":', v, \
             CASE WHEN n IS NULL THEN '' ELSE concat(',\"n\":', n) END, '}}') AS k, 0 AS v, 0 AS n FROM ({sql}) WHERE v < 1"
        );
        let accepted = format!("SELECT * FROM ({sql}) WHERE v IS NULL OR v >= 1");
        let increments = check(12, async |events, limits| {
            let engine = bronze()
                .contract("a.silver.s", STRICT)
                .pipeline("s", "a.silver.s", "materialization: replace_groups\nkey: [k]", sql)
                .engine(&lake());
            let quarantine = name("a.silver.s").quarantine();
            let schema = polder_delivery::quarantine_schema();
            let options = TableOptions::default();
            engine.lake.ensure(&quarantine, schema, &options).await.unwrap();
            let expected = [("a.silver.s", accepted.clone()), (open, refused.clone())];
            live(engine, limits, &events, &expected).await
        });
        assert!(increments > 0, "{sql}");
    }
}

#[test]
fn append_distinct_of_a_source_without_arrival_ends_as_one_full_build() {
    let copied = "SELECT k, v, w AS n FROM a.bronze.e";
    let first = format!(
        "SELECT k, v, n FROM (SELECT *, row_number() OVER (PARTITION BY k ORDER BY v ASC NULLS LAST, n ASC NULLS LAST) \
         AS first FROM ({copied}) WHERE v IS NULL OR v >= 1) WHERE first = 1"
    );
    let increments = check(30, async |events, limits| {
        let engine = bronze()
            .contract("a.silver.r", TARGET)
            .contract("a.silver.s", STRICT)
            .pipeline("r", "a.silver.r", "materialization: append", copied)
            .pipeline(
                "s",
                "a.silver.s",
                "materialization: append_distinct\nkey: [k]",
                "SELECT k, v, n FROM a.silver.r",
            )
            .engine(&lake());
        live(engine, limits, &events, &[("a.silver.s", first.clone())]).await
    });
    assert!(increments > 0);
}

/// Queries with the key `k` whose groups can be followed, each of another form.
const GROUPED: [&str; 11] = [
    "SELECT k, sum(v) AS v, count(*) AS n FROM a.bronze.e GROUP BY k",
    "SELECT d.k, sum(e.v) AS v, count(*) AS n FROM a.bronze.e JOIN a.bronze.d ON e.v = d.v GROUP BY d.k",
    "SELECT e.k, sum(d.w) AS v, count(d.w) AS n FROM a.bronze.e LEFT JOIN a.bronze.d ON e.k = d.k GROUP BY e.k",
    "SELECT x.k, count(*) AS v, sum(y.v) AS n FROM a.bronze.e x JOIN a.bronze.e y ON x.w = y.w AND x.v < y.v GROUP BY x.k",
    "SELECT k, v, w AS n FROM (SELECT k, v, w, row_number() OVER (PARTITION BY k ORDER BY v DESC, w) AS r \
     FROM a.bronze.e) WHERE r = 1",
    "SELECT k, v, count(*) AS n FROM a.bronze.e WHERE v IN (SELECT v FROM a.bronze.d WHERE w > 1) GROUP BY k, v",
    "SELECT k, v, 1 AS n FROM a.bronze.e UNION ALL SELECT k, w, 2 FROM a.bronze.d WHERE v > 0",
    "WITH t AS (SELECT w, sum(v) AS total FROM a.bronze.e GROUP BY w) \
     SELECT e.k, t.total AS v, e.v AS n FROM a.bronze.e JOIN t ON t.w = e.w",
    "SELECT d.k, max(e.v) AS v, count(e.w) AS n FROM a.bronze.e RIGHT JOIN a.bronze.d ON d.k = e.k GROUP BY d.k",
    "SELECT k, v, unnest(make_array(v, w)) AS n FROM a.bronze.e",
    "SELECT DISTINCT e.k, max(d.v) OVER (PARTITION BY e.k) AS v, e.w AS n FROM a.bronze.e \
     JOIN a.bronze.d ON d.w = e.w WHERE EXISTS (SELECT 1 FROM a.bronze.d x WHERE x.k = e.k)",
];

#[test]
fn replaced_groups_end_as_one_full_build_by_way_of_two_levels() {
    for sql in GROUPED {
        let gold = "SELECT v % 3 AS v, min(k) AS k, sum(n) AS n FROM a.silver.s GROUP BY v % 3";
        let over_bronze = gold.replace("a.silver.s", &format!("({sql})"));
        let increments = check(6, async |events, limits| {
            let engine = bronze()
                .contract("a.silver.s", TARGET)
                .contract("a.gold.g", TARGET)
                .pipeline("g", "a.gold.g", "materialization: replace_groups\nkey: [v]", gold)
                .pipeline("s", "a.silver.s", "materialization: replace_groups\nkey: [k]", sql)
                .engine(&lake());
            live(
                engine,
                limits,
                &events,
                &[("a.silver.s", sql.to_owned()), ("a.gold.g", over_bronze.clone())],
            )
            .await
        });
        assert!(increments > 0, "{sql}");
    }
}

#[test]
fn a_whole_table_as_one_group_follows_every_change() {
    let sql = "SELECT k, v, (SELECT max(w) FROM a.bronze.d) AS n FROM a.bronze.e WHERE k NOT IN (SELECT k FROM \
               a.bronze.d WHERE k IS NOT NULL AND v = 0) ORDER BY v LIMIT 1000";
    check(8, async |events, limits| {
        let declared = bronze().contract("a.silver.s", TARGET);
        let engine = declared
            .pipeline("s", "a.silver.s", "materialization: replace_groups", sql)
            .engine(&lake());
        live(engine, limits, &events, &[("a.silver.s", sql.to_owned())]).await
    });
}
