//! Tables whose columns came one after the other, and queries that take columns by their place: an old lake gives what
//! a new one gives.

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
