//! Tables whose columns came one after the other, and queries that take columns by their place: an old lake gives what
//! a new one gives.

use polder_contract::rule::Figure;
use polder_gate::table::RuleVerdict;
use polder_lake::Version;

use super::*;

/// `x` with an optional column `n` in the middle, and what is made of it by place.
fn amended() -> Declared {
    bronze()
        .contract_version("a.silver.x", "a bigint, n bigint, b bigint", "1.1.0")
        .contract("a.gold.v", "first bigint, second bigint, last bigint")
        .contract("a.gold.u", "a bigint, b bigint")
        .pipeline(
            "x",
            "a.silver.x",
            "materialization: append",
            "SELECT v AS a, w AS b, 300 AS n FROM a.bronze.e",
        )
        .pipeline(
            "v",
            "a.gold.v",
            "materialization: replace_groups\nkey: [first]",
            "WITH q(first, second, last) AS (SELECT * FROM a.silver.x) \
             SELECT first, max(second) AS second, sum(last) AS last FROM q GROUP BY first",
        )
        .pipeline(
            "u",
            "a.gold.u",
            "materialization: replace_groups",
            "SELECT b AS a, a AS b FROM (SELECT 0 AS a, 0 AS n, 0 AS b WHERE false UNION ALL SELECT * FROM a.silver.x)",
        )
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_stand_where_the_contract_says_however_the_table_grew() {
    let lake = lake();
    let before = bronze()
        .contract("a.silver.x", "a bigint, b bigint")
        .pipeline(
            "x",
            "a.silver.x",
            "materialization: append",
            "SELECT v AS a, w AS b FROM a.bronze.e",
        )
        .engine(&lake);
    Writer::new(&before).add("a.bronze.e", &[row("r", 1, 20)]).await;
    run(&before).await;

    let engine = amended().engine(&lake);
    run(&engine).await;
    let grown = lake.load(&name("a.silver.x")).await.unwrap().unwrap().schema();
    let grown: Vec<_> = grown.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(grown, ["a", "b", "n"], "Delta appends what is new");
    let expected = ["1 300 20"];
    assert_eq!(
        rows(&engine, "SELECT first, second, last FROM a.gold.v").await,
        expected
    );
    assert_eq!(rows(&engine, "SELECT a, b FROM a.gold.u").await, ["20 1"]);

    // The same of what comes and goes later.
    let mut writer = Writer::new(&engine);
    writer.offset = 1;
    writer.add("a.bronze.e", &[row("r", 1, 5), row("r", 2, 7)]).await;
    run(&engine).await;
    let expected = ["1 300 25", "2 300 7"];
    assert_eq!(
        rows(&engine, "SELECT first, second, last FROM a.gold.v").await,
        expected
    );
    let files = lake.load(&name("a.bronze.e")).await.unwrap().unwrap().files().unwrap();
    writer.replace("a.bronze.e", files, &[row("r", 1, 6)]).await;
    run(&engine).await;
    assert_eq!(
        rows(&engine, "SELECT first, second, last FROM a.gold.v").await,
        ["1 300 6"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_contract_no_longer_names_is_not_read_by_a_star() {
    let lake = lake();
    let copy = |columns: &str, version: &str| {
        bronze()
            .contract_version("a.silver.x", columns, version)
            .contract("a.gold.v", "a bigint")
            .pipeline(
                "v",
                "a.gold.v",
                "materialization: replace_groups",
                "SELECT a FROM (SELECT * FROM a.silver.x)",
            )
    };
    let sql = "SELECT v AS a, w AS b FROM a.bronze.e";
    let before = copy("a bigint, b bigint", "1.0.0")
        .pipeline("x", "a.silver.x", "materialization: append", sql)
        .engine(&lake);
    Writer::new(&before).add("a.bronze.e", &[row("r", 1, 20)]).await;
    run(&before).await;
    let after = copy("a bigint", "2.0.0")
        .pipeline(
            "x",
            "a.silver.x",
            "materialization: append",
            "SELECT v AS a FROM a.bronze.e",
        )
        .pipeline(
            "all",
            "a.gold.all",
            "materialization: replace_groups",
            "SELECT * FROM a.silver.x",
        )
        .contract("a.gold.all", "a bigint")
        .engine(&lake);
    run(&after).await;
    assert_eq!(rows(&after, "SELECT a FROM a.gold.all").await, ["1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_sees_another_dataset_in_the_order_of_its_contract() {
    let lake = lake();
    let silver = |columns: &str, version: &str, sql: &str| {
        bronze().contract_version("a.silver.x", columns, version).pipeline(
            "x",
            "a.silver.x",
            "materialization: append",
            sql,
        )
    };
    let sql = "SELECT v AS a, w AS b FROM a.bronze.e";
    let before = silver("a bigint, b bigint", "1.0.0", sql).engine(&lake);
    Writer::new(&before).add("a.bronze.e", &[row("r", 1, 20)]).await;
    run(&before).await;

    let key = "{name: id, logicalType: integer, physicalType: bigint, relationships: [{to: a.silver.x.a}]}";
    let sql = "SELECT v AS a, w AS b, 300 AS n FROM a.bronze.e";
    let mut declared = silver("a bigint, n bigint, b bigint", "1.1.0", sql)
        .contract_of("a.gold.g", &[key])
        .pipeline(
            "g",
            "a.gold.g",
            "materialization: append",
            "SELECT a AS id FROM a.silver.x",
        );
    let (_, source) = declared.contracts.last_mut().unwrap();
    let by_place = "WITH q(first, second, last) AS (SELECT * FROM a.silver.x) SELECT sum(second) FROM q";
    let rule = format!("    quality: [{{id: by_place, type: sql, query: '{by_place}', mustBe: 300}}]\n    properties:");
    *source = Source::new(source.path.clone(), source.text.replace("    properties:", &rule));
    let engine = declared.engine(&lake);
    assert_eq!(engine.check().await.unwrap(), []);

    // At the write, where another figure would refuse the commit.
    run(&engine).await;
    let grown = lake.load(&name("a.silver.x")).await.unwrap().unwrap().schema();
    let grown: Vec<_> = grown.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(grown, ["a", "b", "n"], "Delta appends what is new");
    assert_eq!(rows(&engine, "SELECT id FROM a.gold.g").await, ["1"]);

    // In the table.
    let verified = engine.verify(&name("a.gold.g"), Version::Latest, 0).await.unwrap();
    let results = verified.report.results;
    let judged = results.iter().find(|result| result.rule == "by_place").unwrap();
    assert_eq!(judged.figure, Some(Figure::Whole(300)), "{:?}", judged.note);
    assert_eq!(judged.verdict, RuleVerdict::Passed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_a_source_does_not_have_yet_is_null_in_its_old_rows_and_in_those_that_come() {
    let lake = lake();
    // What writes keeps to the old contract.
    let before = bronze().engine(&lake);
    let mut writer = Writer::new(&before);
    writer.add("a.bronze.e", &[row("r", 1, 20)]).await;
    let columns = "k string, d bigint, v bigint, w bigint";
    let engine = Declared::default()
        .contract_version("a.bronze.e", columns, "1.1.0")
        .contract("a.silver.all", "v bigint, d bigint")
        .contract("a.silver.first", "v bigint, d bigint")
        .contract("a.gold.sums", "v bigint, w bigint")
        .pipeline(
            "all",
            "a.silver.all",
            "materialization: append",
            "SELECT v, d FROM a.bronze.e WHERE d IS NULL OR d > 3",
        )
        .pipeline(
            "first",
            "a.silver.first",
            "materialization: append_distinct\nkey: [v]",
            "SELECT v, d FROM a.bronze.e",
        )
        .pipeline(
            "sums",
            "a.gold.sums",
            "materialization: replace_groups\nkey: [v]",
            "SELECT v, sum(w - coalesce(d, 0)) AS w FROM a.bronze.e GROUP BY v",
        )
        .engine(&lake);
    run(&engine).await;
    for (offset, new, sums) in [
        (1, [row("r", 1, 5), row("r", 2, 7)], ["1 25", "2 7"]),
        (3, [row("r", 1, 1), row("r", 2, 1)], ["1 26", "2 8"]),
    ] {
        writer.offset = offset;
        writer.add("a.bronze.e", &new).await;
        let table = lake.load(&name("a.bronze.e")).await.unwrap().unwrap();
        assert!(table.schema().index_of("d").is_err(), "nobody who writes knows of it");
        let results = run(&engine).await;
        assert!(
            results.iter().all(|result| result.action == Action::Incremental),
            "{:?}",
            actions(&results)
        );
        assert_eq!(rows(&engine, "SELECT v, w FROM a.gold.sums").await, sums);
        assert_eq!(rows(&engine, "SELECT v, d FROM a.silver.first").await, ["1 ∅", "2 ∅"]);
        let all = number(&engine, "SELECT count(*) FROM a.silver.all WHERE d IS NULL").await;
        assert_eq!(all, 1 + offset + 1);
    }
    // A group whose rows went.
    let files = lake.load(&name("a.bronze.e")).await.unwrap().unwrap().files().unwrap();
    writer.replace("a.bronze.e", files, &[row("r", 1, 6)]).await;
    run(&engine).await;
    assert_eq!(rows(&engine, "SELECT v, w FROM a.gold.sums").await, ["1 6"]);
    assert_eq!(rows(&engine, "SELECT v, d FROM a.silver.all").await, ["1 ∅"]);
}
