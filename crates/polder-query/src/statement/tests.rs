//! Which statements only read, and what they name.

use super::*;

fn datasets(sql: &str) -> Vec<String> {
    let statement = Statement::parse(sql).unwrap();
    let text = |reference: &Reference| {
        let moment = reference.moment.map(|moment| moment.to_string()).unwrap_or_default();
        format!("{}{moment}", reference.dataset)
    };
    statement.datasets.iter().map(text).collect()
}

fn others(sql: &str) -> Vec<String> {
    Statement::parse(sql)
        .unwrap()
        .others
        .iter()
        .map(|parts| parts.join("."))
        .collect()
}

#[test]
fn functions_that_would_run_while_a_statement_is_planned_are_noted() {
    let cases = [
        ("SELECT * FROM generate_series(1, -5 + 2)", None),
        ("SELECT * FROM unnest(generate_series(1, length('x')))", None),
        ("SELECT length('x') FROM generate_series(1, 2)", None),
        ("SELECT * FROM generate_series(1, length('x'))", Some("length")),
        (
            "SELECT * FROM a.silver.x, LATERAL range(1, 2 + length('x'))",
            Some("length"),
        ),
        (
            "WITH w AS (SELECT * FROM range((SELECT 1))) SELECT * FROM w",
            Some("SELECT"),
        ),
    ];
    for (sql, called) in cases {
        let statement = Statement::parse(sql).unwrap();
        assert_eq!(statement.runs_early.as_deref(), called, "{sql}");
        assert_eq!(statement.plannable().is_ok(), called.is_none(), "{sql}");
    }
}

#[test]
fn what_is_read_again_by_what_is_read_again_is_refused() {
    let steps = |many: usize| -> String {
        (1..=many)
            .map(|i| format!(", x{i} AS (SELECT 1 FROM x{0}, (SELECT 1 FROM x{0}) AS y)", i - 1))
            .collect()
    };
    let sql = |many: usize| {
        format!(
            "WITH x0 AS (SELECT 1 FROM a.silver.x){} SELECT 1 FROM x{many}",
            steps(many)
        )
    };
    assert!(Statement::parse(&sql(10)).unwrap().plannable().is_ok());
    assert!(Statement::parse(&sql(11)).unwrap().plannable().is_err());
    assert!(Statement::parse(&sql(60)).unwrap().plannable().is_err());
    let many = format!(
        "SELECT 1 FROM a.silver.x{}",
        " UNION ALL SELECT 1 FROM a.silver.x".repeat(100)
    );
    assert!(Statement::parse(&many).unwrap().plannable().is_ok());
}

#[test]
fn datasets_are_found_in_joins_subqueries_and_definitions() {
    let sql = "WITH recent AS (SELECT * FROM a.silver.x VERSION AS OF 4 WHERE id IN (SELECT id FROM a.gold.w)) \
               SELECT (SELECT max(v) FROM c.gold.scalar) FROM recent JOIN b.gold.y USING (id) \
               UNION ALL SELECT * FROM (SELECT * FROM \"b\".\"gold\".\"z\" TIMESTAMP AS OF '1970-01-01') AS q \
               WHERE EXISTS (SELECT 1 FROM A.Silver.X)";
    assert_eq!(
        datasets(sql),
        [
            "a.silver.x",
            "a.silver.x@v4",
            "a.gold.w",
            "b.gold.y",
            "b.gold.z@t0",
            "c.gold.scalar"
        ]
    );
    assert!(others(sql).is_empty());
}

#[test]
fn names_that_the_statement_defines_hide_tables() {
    assert!(others("WITH t AS (SELECT 1), U AS (SELECT * FROM t) SELECT * FROM u, T").is_empty());
    assert_eq!(others("WITH t AS (SELECT 1) SELECT * FROM t JOIN v ON true"), ["v"]);
    assert_eq!(
        others("WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n) SELECT * FROM n"),
        [""; 0]
    );
    assert!(others("SELECT * FROM generate_series(1, 3)").is_empty());
}

#[test]
fn what_is_no_dataset_is_told_apart() {
    assert_eq!(others("SELECT * FROM orders"), ["orders"]);
    assert_eq!(others("SELECT * FROM sales.brnze.orders"), ["sales.brnze.orders"]);
    let statement = Statement::parse("SELECT * FROM information_schema.tables").unwrap();
    assert!(statement.lists_tables);
}

#[test]
fn a_table_of_another_time_keeps_its_name_for_columns() {
    let sql = "SELECT t.id FROM a.gold.t VERSION AS OF 2 WHERE t.id > 1";
    assert_eq!(
        Statement::parse(sql).unwrap().parsed.to_string(),
        r#"SELECT t.id FROM a.gold."t@v2" AS t WHERE t.id > 1"#
    );
    let sql = "SELECT old.id FROM a.gold.t VERSION AS OF 2 AS old";
    assert_eq!(
        Statement::parse(sql).unwrap().parsed.to_string(),
        r#"SELECT old.id FROM a.gold."t@v2" AS old"#
    );
}

#[test]
fn whatever_reads_is_allowed() {
    for sql in [
        "SELECT 1",
        "VALUES (1), (2)",
        "WITH x AS (SELECT 1) SELECT * FROM x;",
        "EXPLAIN SELECT 1",
        "EXPLAIN ANALYZE SELECT 1",
        "DESCRIBE a.gold.t",
        "SHOW TABLES",
        "SHOW COLUMNS FROM a.gold.t",
        "SHOW FUNCTIONS",
        "SHOW ALL",
    ] {
        assert!(
            Statement::parse(sql).is_ok(),
            "{sql}: {:?}",
            Statement::parse(sql).err()
        );
    }
}

#[test]
fn whatever_does_more_than_read_is_refused() {
    for sql in [
        "INSERT INTO a.gold.t VALUES (1)",
        "UPDATE a.gold.t SET x = 1",
        "DELETE FROM a.gold.t",
        "MERGE INTO a.gold.t USING b.gold.u ON true WHEN MATCHED THEN DELETE",
        "TRUNCATE TABLE a.gold.t",
        "CREATE TABLE t (x INT)",
        "CREATE TABLE t AS SELECT 1",
        "CREATE VIEW v AS SELECT 1",
        "CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION '/etc'",
        "CREATE FUNCTION f() RETURNS INT RETURN 1",
        "CREATE SCHEMA s",
        "DROP TABLE a.gold.t",
        "ALTER TABLE a.gold.t ADD COLUMN x INT",
        "COPY (SELECT 1) TO '/tmp/x.csv'",
        "COPY a.gold.t TO '/tmp/x.csv'",
        "SET datafusion.execution.batch_size = 1",
        "RESET datafusion.execution.batch_size",
        "BEGIN",
        "COMMIT",
        "PREPARE p AS SELECT 1",
        "EXECUTE p",
        "SELECT 1 INTO t",
        "WITH x AS (INSERT INTO a.gold.t VALUES (1) RETURNING 1) SELECT * FROM x",
        "EXPLAIN INSERT INTO a.gold.t VALUES (1)",
        "EXPLAIN ANALYZE DELETE FROM a.gold.t",
        "EXPLAIN COPY (SELECT 1) TO '/tmp/x.csv'",
        "SELECT 1; SELECT 2",
        "SELECT 1; DROP TABLE a.gold.t",
        "",
        "-- nothing",
        "SELEC 1",
        "SELECT 'open",
    ] {
        let error = Statement::parse(sql)
            .map(|statement| statement.parsed.to_string())
            .expect_err(sql);
        assert_eq!(error.kind(), ErrorKind::Usage, "{sql}: {error}");
    }
}

#[test]
fn joins_that_would_lose_keys_of_the_right_side_are_refused() {
    let refused = [
        (
            "SELECT k FROM a.silver.x RIGHT JOIN a.silver.y USING (k)",
            "RIGHT JOIN … USING (k)",
        ),
        (
            "SELECT 1 FROM a.silver.x FULL OUTER JOIN a.silver.y USING (k, n)",
            "FULL JOIN … USING (k, n)",
        ),
        (
            "SELECT 1 FROM a.silver.x NATURAL RIGHT JOIN a.silver.y",
            "NATURAL RIGHT JOIN",
        ),
        (
            "WITH w AS (SELECT k FROM a.silver.x FULL JOIN a.silver.y USING (k)) SELECT k FROM w",
            "FULL JOIN … USING (k)",
        ),
        (
            "SELECT 1 FROM (a.silver.x FULL JOIN a.silver.y USING (k))",
            "FULL JOIN … USING (k)",
        ),
        (
            "SELECT (SELECT max(k) FROM a.silver.x RIGHT JOIN a.silver.y USING (k))",
            "RIGHT JOIN … USING (k)",
        ),
    ];
    for (sql, join) in refused {
        let error = Statement::parse(sql).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage, "{sql}");
        let said = error.to_string();
        assert!(
            said.starts_with(&format!("{join} would lose the keys")),
            "{sql}: {said}"
        );
        assert!(error.help().unwrap().contains("coalesce(l.k, r.k) AS k"), "{sql}");
    }
    for sql in [
        "SELECT k FROM a.silver.x JOIN a.silver.y USING (k)",
        "SELECT k FROM a.silver.x LEFT JOIN a.silver.y USING (k)",
        "SELECT 1 FROM a.silver.x FULL JOIN a.silver.y ON x.k = y.k",
        "SELECT 1 FROM a.silver.x NATURAL LEFT JOIN a.silver.y",
    ] {
        Statement::parse(sql).unwrap();
    }
}
