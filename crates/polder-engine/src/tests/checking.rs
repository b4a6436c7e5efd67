//! What `check` finds without any data.

use polder_core::document::Severity;

use super::*;

async fn findings(declared: Declared) -> Vec<String> {
    let engine = declared.engine(&lake());
    engine.check().await.unwrap().iter().map(ToString::to_string).collect()
}

const SUMS: &str = "SELECT k, sum(v) AS v, count(*) AS n FROM a.bronze.e GROUP BY k";
const BY_GROUP: &str = "materialization: replace_groups\nkey: [k]";
const TARGET: &str = "k string, v bigint, n bigint";

fn silver(document: &str, sql: &str) -> Declared {
    bronze()
        .contract("a.silver.s", TARGET)
        .pipeline("s", "a.silver.s", document, sql)
}

#[tokio::test]
async fn sound_pipelines_pass_and_bronze_has_its_platform_columns() {
    assert_eq!(findings(silver(BY_GROUP, SUMS)).await, Vec::<String>::new());
    let sql = "SELECT k, _offset AS v, CAST(_partition AS BIGINT) AS n FROM a.bronze.e";
    assert_eq!(
        findings(silver("materialization: append", sql)).await,
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn sql_is_reported_with_file_line_and_column() {
    let found = findings(silver(
        BY_GROUP,
        "SELECT k,\n  sum(vv) AS v\nFROM a.bronze.e GROUP BY k",
    ))
    .await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found, ["pipelines/a/s.sql:2:7: there is no column `vv`"]);
    let found = findings(silver(BY_GROUP, "SELECT k\nFROM a.bronze.e e f")).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("pipelines/a/s.sql:2:"), "{found:?}");
    let found = findings(silver(BY_GROUP, "SELECT k, v, n\nFROM a.bronze.ee")).await;
    assert_eq!(
        found,
        ["pipelines/a/s.sql:2:6: there is no dataset a.bronze.ee: no contract declares it"]
    );
}

#[tokio::test]
async fn a_table_of_one_two_or_four_parts_is_told_its_full_name_at_its_place() {
    for name in ["e", "bronze.e", "bronze.ee", "lake.a.bronze.e"] {
        let sql = format!("SELECT k, v, n\nFROM {name}");
        let found = silver(BY_GROUP, &sql).engine(&lake()).check().await.unwrap();
        let told: Vec<_> = found.iter().map(ToString::to_string).collect();
        let expected = format!("pipelines/a/s.sql:2:6: there is no dataset `{name}`");
        assert_eq!(told, [expected]);
        assert_eq!(found[0].help.as_deref(), Some("did you mean a.bronze.e?"), "{name}");
    }
}

#[tokio::test]
async fn a_join_on_an_optional_side_is_told_at_the_column_with_the_side_to_take_instead() {
    let sql = "SELECT x.k, sum(z.v) AS v, count(*) AS n\nFROM a.bronze.e x LEFT JOIN a.bronze.e y ON y.k = x.k\n\
               LEFT JOIN a.bronze.e z ON z.w = y.w\nGROUP BY x.k";
    let found = silver(BY_GROUP, sql).engine(&lake()).check().await.unwrap();
    let told: Vec<_> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "pipelines/a/s.sql:3:33: the groups that a change touches cannot be found: the query joins on `y.w`, which is from the \
             optional side of an outer join"
        ]
    );
    let help = found[0].help.as_deref().unwrap();
    assert!(
        help.starts_with("take the column of the side whose rows are all kept, or drop `key`"),
        "{help}"
    );
}

#[tokio::test]
async fn a_query_with_a_byte_order_mark_is_the_same_query() {
    let marked = format!("\u{feff}{SUMS}");
    assert_eq!(findings(silver(BY_GROUP, &marked)).await, Vec::<String>::new());
    let found = findings(silver(
        BY_GROUP,
        "\u{feff}SELECT k, sum(vv) AS v FROM a.bronze.e GROUP BY k",
    ))
    .await;
    assert_eq!(found, ["pipelines/a/s.sql:1:15: there is no column `vv`"]);
}

#[tokio::test]
async fn a_missing_column_is_named_with_the_one_that_was_meant_or_those_that_are_there() {
    let help = async |sql: &str| {
        let found = silver(BY_GROUP, sql).engine(&lake()).check().await.unwrap();
        found[0].help.clone()
    };
    let near = help("SELECT k, sum(vv) AS v, count(*) AS n FROM a.bronze.e GROUP BY k").await;
    assert_eq!(near.as_deref(), Some("did you mean `v`?"));
    let far = help("SELECT k, sum(refund) AS v, count(*) AS n FROM a.bronze.e GROUP BY k").await;
    assert_eq!(far.as_deref(), Some("the columns here are k, v, w"));
}

#[tokio::test]
async fn columns_are_held_against_the_contract() {
    let found = findings(silver(
        BY_GROUP,
        "SELECT k, sum(v) AS v,\n avg(v) AS n, 1 AS m FROM a.bronze.e GROUP BY k",
    ))
    .await;
    assert_eq!(
        found,
        [
            "pipelines/a/s.sql:2:12: `n` is double, but a.silver.s promises integer (64 bits)",
            "pipelines/a/s.sql:2:20: `m` is not in the contract of a.silver.s",
        ]
    );
}

#[tokio::test]
async fn queries_must_be_of_the_kind_that_their_materialization_needs() {
    let found = findings(silver("materialization: append", SUMS)).await;
    assert!(
        found[0].contains("row-local query over one dataset: the query aggregates"),
        "{found:?}"
    );
    let having = format!("{SUMS} HAVING sum(v) > 3");
    assert!(
        findings(silver(BY_GROUP, &having)).await[0].contains("groups that a change touches"),
        "{found:?}"
    );
    assert_eq!(
        findings(silver("materialization: replace_groups", &having)).await,
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn answers_must_not_depend_on_the_clock_or_on_another_time() {
    let clock = "SELECT k, v,\n CAST(date_part('year', now()) AS BIGINT) AS n FROM a.bronze.e";
    let found = findings(silver("materialization: append", clock)).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with("pipelines/a/s.sql:2:25: `now` gives another answer each time"),
        "{found:?}"
    );
}

#[tokio::test]
async fn what_only_shows_when_a_query_is_made_to_run_is_found_too() {
    for (query, reason) in [
        (
            "SELECT k, nth_value(v, w) OVER (PARTITION BY k) AS v, w AS n FROM a.bronze.e",
            "literal",
        ),
        (
            "SELECT k, v, CASE WHEN EXISTS (SELECT 1 FROM a.bronze.d WHERE d.k = e.k) THEN w END AS n FROM a.bronze.e",
            "a subquery cannot stand there",
        ),
        (
            "SELECT k, v, w AS n FROM a.bronze.e WHERE v = $1",
            "parameters have no value here: `$1`",
        ),
    ] {
        let found = findings(silver("materialization: replace_groups", query)).await;
        assert_eq!(found.len(), 1, "{query}: {found:?}");
        assert!(found[0].contains(reason), "{query}: {found:?}");
    }
}

#[tokio::test]
async fn the_order_of_steps_must_be_possible() {
    let declared = bronze()
        .contract("a.silver.s", TARGET)
        .contract("a.silver.t", TARGET)
        .pipeline("s", "a.silver.s", BY_GROUP, "SELECT k, v, n FROM a.silver.t")
        .pipeline("t", "a.silver.t", BY_GROUP, "SELECT k, v, n FROM a.silver.s")
        .pipeline("u", "a.silver.t", BY_GROUP, SUMS)
        .pipeline("w", "a.silver.w", BY_GROUP, SUMS);
    let found = findings(declared).await;
    assert_eq!(
        found,
        [
            "pipelines/a/s.sql:1:21: a.silver.s and a.silver.t are built from each other",
            "pipelines/a/t.sql:1:21: a.silver.t and a.silver.s are built from each other",
            "pipelines/a/u.pipeline.yaml:1:10: a.silver.t is built by a.t already",
            "pipelines/a/w.pipeline.yaml:1:10: a.silver.w has no contract",
        ]
    );
}

#[tokio::test]
async fn refused_rows_are_read_under_their_built_in_contract_without_any_lake() {
    let refusals = "SELECT rule AS k, count(*) AS v, count(state) AS n FROM a.quarantine.silver_s GROUP BY rule";
    let declared = |sql: &str| {
        silver(BY_GROUP, SUMS)
            .contract("a.gold.g", TARGET)
            .pipeline("g", "a.gold.g", BY_GROUP, sql)
    };
    assert_eq!(findings(declared(refusals)).await, Vec::<String>::new());
    let wrong = refusals
        .replace("rule AS k", "attempts AS k")
        .replace("BY rule", "BY attempts");
    assert_eq!(
        findings(declared(&wrong)).await,
        ["pipelines/a/g.sql:1:20: `k` is integer (32 bits), but a.gold.g promises string"]
    );
    // Rules ask it, too, whatever the case in which they write it.
    let asks = "{name: k, logicalType: string, relationships: [{to: a.quarantine.bronze_e.rule}], \
                quality: [{type: sql, query: 'SELECT count(attempts) FROM A.Quarantine.bronze_e', mustBeLessThan: 9}]}";
    assert_eq!(
        findings(bronze().contract_of("a.silver.s", &[asks])).await,
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn lineage_goes_on_through_refused_rows_that_somebody_reads() {
    let declared = |read: &str| {
        silver(BY_GROUP, SUMS)
            .contract("a.gold.g", TARGET)
            .pipeline("g", "a.gold.g", BY_GROUP, read)
    };
    let chains = async |read: &str| -> Vec<String> {
        let lineage = declared(read).engine(&lake()).column_lineage().await.unwrap();
        let chains = lineage.downstream(&name("a.bronze.e"), "v");
        chains.iter().map(ToString::to_string).collect()
    };
    let by_rule = "SELECT rule AS k, count(*) AS v, count(state) AS n FROM a.quarantine.silver_s GROUP BY rule";
    assert_eq!(
        chains(by_rule).await,
        [
            "a.bronze.e.v → pipeline a.s → a.silver.s.v",
            "a.bronze.e.v → pipeline a.s → a.quarantine.silver_s.rule → pipeline a.g → a.gold.g.k"
        ]
    );
    let lineage = declared(by_rule).engine(&lake()).column_lineage().await.unwrap();
    let steps = lineage.upstream(&name("a.gold.g"), "k");
    assert!(steps[1].iter().any(|edge| edge.from.to_string() == "a.bronze.e.v"));
    // Of refused rows that nobody reads nothing is told.
    let others = "SELECT k, v, n FROM a.silver.s";
    assert_eq!(
        chains(others).await,
        ["a.bronze.e.v → pipeline a.s → a.silver.s.v → pipeline a.g → a.gold.g.v"]
    );
}

#[tokio::test]
async fn nothing_is_built_from_the_rows_that_are_refused_of_it() {
    let refused = |dataset: &str| {
        format!("SELECT rule AS k, count(*) AS v, count(*) AS n FROM a.quarantine.{dataset} GROUP BY rule")
    };
    assert_eq!(
        findings(silver(BY_GROUP, &refused("silver_s"))).await,
        ["pipelines/a/s.sql:1:53: a.silver.s is built from the rows that are refused of it"]
    );
    let round = silver(BY_GROUP, &refused("silver_t"))
        .contract("a.silver.t", TARGET)
        .pipeline("t", "a.silver.t", BY_GROUP, "SELECT k, v, n FROM a.silver.s");
    assert_eq!(
        findings(round).await,
        [
            "pipelines/a/s.sql:1:53: a.silver.s and a.quarantine.silver_t are built from each other",
            "pipelines/a/t.sql:1:21: a.silver.t and a.silver.s are built from each other",
        ]
    );
}

#[tokio::test]
async fn a_pipeline_without_a_contract_is_told_how_to_get_one() {
    let help = async |dataset: &str| {
        let declared = bronze()
            .contract("a.silver.s", TARGET)
            .contract("a.silver.free", TARGET)
            .pipeline("s", "a.silver.s", BY_GROUP, SUMS)
            .pipeline("t", dataset, BY_GROUP, SUMS);
        let found = declared.engine(&lake()).check().await.unwrap();
        let found = found.into_iter().find(|found| found.code == "missing-contract");
        found.unwrap().help.unwrap()
    };
    let draft = |name: &str| {
        format!(
            "declare its contract in contracts/a/; the result of the query can write the first draft:\n\
             polder sql --format parquet -o rows.parquet \"$(cat pipelines/a/t.sql)\"\n\
             polder contract infer rows.parquet --dataset a.silver.{name} -o contracts/a/{name}.odcs.yaml"
        )
    };
    // What another pipeline builds is not meant.
    assert_eq!(help("a.silver.t").await, draft("t"));
    assert_eq!(
        help("a.silver.fre").await,
        format!("{}\nOr did you mean a.silver.free?", draft("fre"))
    );
}

#[tokio::test]
async fn keys_and_models_are_checked() {
    let found = findings(silver("materialization: replace_groups\nkey: [kk]", SUMS)).await;
    assert_eq!(
        found,
        ["pipelines/a/s.pipeline.yaml:3:7: `kk` is not in the contract of a.silver.s"]
    );
    let model = "implementation: a.forecast\ninputs:\n  sales: SELECT nope FROM a.bronze.e\n";
    let found = findings(bronze().model("m", model)).await;
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(
        found[0],
        "pipelines/a/m.model.yaml:1:17: no domain implements a.forecast"
    );
    assert!(found[1].starts_with("pipelines/a/m.model.yaml:3:10: "), "{found:?}");
}

#[tokio::test]
async fn rules_that_nothing_runs_are_warned_of() {
    let declared = Declared::default().contract_of(
        "a.bronze.e",
        &[
            "{name: k, logicalType: string, unique: true, quality: [{id: nice, type: text, description: looks nice}]}",
            "{name: v, logicalType: integer, logicalTypeOptions: {minimum: 1}}",
        ],
    );
    let found = declared.engine(&lake()).check().await.unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        (found[0].severity, found[0].code.as_ref()),
        (Severity::Warning, "not-run")
    );
    assert_eq!(
        found[0].to_string(),
        "contracts/a/a.bronze.e.odcs.yaml:11:64: a rule of a.bronze.e is not run: nice: a rule in words, for people"
    );
}

#[tokio::test]
async fn references_and_sql_of_rules_are_held_against_all_contracts() {
    let declared = Declared::default()
        .contract_of("a.bronze.e", &["{name: k, logicalType: string}"])
        .contract_of(
            "a.bronze.f",
            &[
                "{name: k, logicalType: string, relationships: [{to: a.bronze.e.k}]}",
                "{name: l, logicalType: string, relationships: [{to: a.bronze.e.kk}]}",
                "{name: m, logicalType: string, relationships: [{to: a.bronze.ee.k}]}",
                "{name: n, logicalType: string, quality: [{type: custom, engine: polder, implementation: {row: \"nn > 1\"}}]}",
            ],
        );
    let found: Vec<_> = declared.engine(&lake()).check().await.unwrap();
    let shown: Vec<_> = found
        .iter()
        .map(|found| format!("{found} {}", found.help.as_deref().unwrap_or_default()))
        .collect();
    assert_eq!(shown.len(), 3, "{shown:#?}");
    assert!(
        shown[0].ends_with("l.foreignKey: a.bronze.e has no column `kk` did you mean `k`?"),
        "{shown:#?}"
    );
    assert!(
        shown[1].ends_with("m.foreignKey: there is no contract of a.bronze.ee did you mean `a.bronze.e`?"),
        "{shown:#?}"
    );
    assert!(
        shown[2].contains("there is no column `nn`; did you mean `n`?"),
        "{shown:#?}"
    );
}

#[tokio::test]
async fn queries_of_rules_that_can_give_no_figure_are_found_at_their_place() {
    for (query, says) in [
        ("SELECT count(*) FROM {object} WHERE {property} > 0", None),
        ("SELECT max(v) FROM rows", None),
        ("WITH s AS (SELECT v FROM {object}) SELECT count(*) FROM s", None),
        ("INSERT INTO {object} VALUES (1)", Some("bad: ")),
        ("DROP TABLE {object}", Some("bad: ")),
        ("COPY {object} TO 'x.csv'", Some("bad: ")),
        ("SET datafusion.execution.batch_size = 1", Some("bad: ")),
        ("SELECT 1; SELECT 2", Some("one statement at a time")),
        ("SELEC 1", Some("bad: ")),
        (
            "SELECT count(*) FROM a.bronze.d",
            Some("neither the contract's nor named"),
        ),
        (
            "SELECT count(*) FROM information_schema.tables",
            Some("no dataset of the contract"),
        ),
        ("SELECT count(*) FROM '/etc/passwd'", Some("bad: ")),
        ("SELECT count(*), max(v) FROM {object}", Some("2 columns")),
        ("SELECT array_agg(v) FROM {object}", Some("one figure")),
        ("SELECT max(vv) FROM {object}", Some("vv")),
    ] {
        let column = format!(
            "{{name: v, logicalType: integer, quality: [{{id: bad, type: sql, query: \"{query}\", mustBe: 0}}]}}"
        );
        let declared = Declared::default()
            .contract("a.bronze.d", "k string")
            .contract_of("a.bronze.e", &[&column]);
        let found = declared.engine(&lake()).check().await.unwrap();
        match says {
            None => assert_eq!(found, [], "{query}"),
            Some(says) => {
                assert_eq!(found.len(), 1, "{query}: {found:?}");
                let shown = found[0].to_string();
                let place = "contracts/a/a.bronze.e.odcs.yaml:11:79: bad: ";
                assert!(shown.starts_with(place) && shown.contains(says), "{query}: {shown}");
            }
        }
    }
}

#[tokio::test]
async fn references_in_a_circle_that_lets_no_row_be_first_are_errors() {
    let check = async |required: bool, back: &str| {
        let to = |dataset: &str, more: &str| {
            format!(
                "{{name: k, logicalType: integer, required: {required}, relationships: [{{to: {dataset}.k{more}}}]}}"
            )
        };
        let declared = Declared::default()
            .contract_of("a.bronze.orders", &[&to("a.silver.days", "")])
            .contract_of("a.silver.days", &[&to("a.bronze.orders", back)])
            .contract_of("a.silver.own", &[&to("a.silver.own", "")])
            .contract_of("a.silver.late", &[&to("a.bronze.orders", "")]);
        declared.engine(&lake()).check().await.unwrap()
    };
    let found = check(true, "").await;
    let shown: Vec<_> = found.iter().map(|found| (found.severity, found.to_string())).collect();
    assert_eq!(shown.len(), 2, "{shown:#?}");
    assert!(shown.iter().all(|(severity, _)| *severity == Severity::Error));
    assert!(
        shown[0].1.starts_with("contracts/a/a.bronze.orders.odcs.yaml:11:")
            && shown[0]
                .1
                .ends_with(": a.bronze.orders → a.silver.days → a.bronze.orders"),
        "{shown:#?}"
    );
    // Rows without a key can be first.
    let found = check(false, "").await;
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found.iter().all(|found| found.severity == Severity::Warning));
    let warns = ", customProperties: [{property: polder.onFailure, value: warn}]";
    assert_eq!(check(true, warns).await, []);
}

#[tokio::test]
async fn nothing_of_a_query_runs_while_it_is_checked() {
    let passes = [
        // Each would take gigabytes, or fail, were it computed.
        "SELECT k, length(repeat('x', 2000000000)) AS v, 1 AS n FROM a.bronze.e WHERE repeat('x', 2000000000) <> k",
        "SELECT column1 AS k, length(column1) AS v, 1 AS n FROM (VALUES (lpad('x', 2000000000)))",
        "SELECT k, v, array_length(range(0, 1000000000)) AS n FROM a.bronze.e",
        "SELECT k, v, 1 AS n FROM a.bronze.e WHERE concat(replace(replace(k, 'x', repeat('y', 99)), 'z', k), 'a') = 'b'",
        // What only full planning resolves.
        "SELECT k, v, 1 AS n FROM a.bronze.e WHERE k = concat('a', lpad('b', 5, '*')) AND v IN (SELECT v FROM a.bronze.e)",
    ];
    for sql in passes {
        let found = findings(silver("materialization: append", &casts(sql))).await;
        let foreign: Vec<_> = found.iter().filter(|line| !line.contains("append")).collect();
        assert!(foreign.is_empty(), "{sql}: {foreign:?}");
    }
    let long = format!(
        "SELECT k, v, n FROM ({})",
        "SELECT k, v, 1 AS n FROM a.bronze.e UNION ALL ".repeat(2000)
    );
    let joined = format!(
        "WITH a AS (SELECT '{}' AS c) SELECT {} AS k, 1 AS v, 1 AS n FROM a",
        "x".repeat(100_000),
        vec!["c"; 200].join(" || ")
    );
    for (sql, why) in [
        (
            "SELECT k, v, value AS n FROM a.bronze.e, generate_series(1, length(repeat('x', 2000000000)))",
            "table function",
        ),
        (long.as_str(), "more than 5000 operators"),
        (joined.as_str(), "joins with ||"),
    ] {
        let found = findings(silver("materialization: append", sql)).await;
        assert!(found.len() == 1 && found[0].contains(why), "{sql:.200}: {found:?}");
    }
}

/// With columns of the types that the contract has.
fn casts(sql: &str) -> String {
    format!("SELECT k, CAST(v AS BIGINT) AS v, CAST(n AS BIGINT) AS n FROM ({sql})")
}
