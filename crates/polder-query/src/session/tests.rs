//! Against a lake in a temporary folder.

use std::collections::BTreeMap;

use arrow::array::{Decimal128Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::util::pretty::pretty_format_batches;
use datafusion::datasource::MemTable;
use polder_core::config::LakeConfig;
use polder_core::{Error, ErrorKind, RunId};
use polder_lake::{Commit, Operation, TableOptions};

use super::*;
use crate::query_error;

struct Fixture {
    lake: Lake,
    _folder: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = LakeConfig {
            location: "lake".to_owned(),
            options: BTreeMap::new(),
        };
        Self {
            lake: Lake::open(&config, folder.path()).unwrap(),
            _folder: folder,
        }
    }

    /// Adds rows with these ids to a dataset; gives the version that holds them.
    async fn append(&self, dataset: &str, ids: &[i64]) -> u64 {
        let name = dataset.parse().unwrap();
        let mut table = self
            .lake
            .ensure(&name, schema(), &TableOptions::default())
            .await
            .unwrap();
        let mut writer = table.writer().unwrap();
        writer.write(&batch(ids)).await.unwrap();
        let mut commit = Commit::new(RunId::new(), Operation::Append);
        commit.add = writer.finish().await.unwrap();
        table.commit(commit).await.unwrap();
        table.version()
    }

    fn session(&self) -> Session {
        Session::new(&self.lake, &SessionOptions::default()).unwrap()
    }
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::Int64, false),
        Field::new("name", DataType::Utf8, true),
        Field::new("price", DataType::Decimal128(12, 3), true),
    ]))
}

fn batch(ids: &[i64]) -> RecordBatch {
    let names = StringArray::from_iter_values(ids.iter().map(|id| format!("n{id}")));
    let prices = Decimal128Array::from_iter_values(ids.iter().map(|id| i128::from(*id) * 1000));
    let prices = prices.with_precision_and_scale(12, 3).unwrap();
    RecordBatch::try_new(
        schema(),
        vec![
            Arc::new(Int64Array::from_iter_values(ids.iter().copied())),
            Arc::new(names),
            Arc::new(prices),
        ],
    )
    .unwrap()
}

fn memory(ids: &[i64]) -> Arc<dyn TableProvider> {
    Arc::new(MemTable::try_new(schema(), vec![vec![batch(ids)]]).unwrap())
}

async fn answer(session: &Session, sql: &str) -> String {
    let batches = session
        .sql(sql)
        .await
        .unwrap()
        .collect()
        .await
        .map_err(query_error)
        .unwrap();
    pretty_format_batches(&batches).unwrap().to_string()
}

/// The first column's numbers, in order.
async fn numbers(session: &Session, sql: &str) -> Vec<i64> {
    let batches = session
        .sql(sql)
        .await
        .unwrap()
        .collect()
        .await
        .map_err(query_error)
        .unwrap();
    let mut numbers: Vec<i64> = Vec::new();
    for batch in &batches {
        let column = batch
            .column(0)
            .as_any()
            .downcast_ref::<Int64Array>()
            .expect("a column of 64-bit numbers");
        numbers.extend(column.values());
    }
    numbers.sort_unstable();
    numbers
}

async fn refusal(session: &Session, sql: &str) -> Error {
    match session.sql(sql).await {
        Ok(frame) => query_error(frame.collect().await.expect_err(sql)),
        Err(error) => error,
    }
}

#[tokio::test]
async fn names_are_datasets_of_the_lake_at_their_newest_version() {
    let fixture = Fixture::new();
    fixture.append("sales.gold.orders", &[1, 2]).await;
    let session = fixture.session();
    assert_eq!(numbers(&session, "SELECT id FROM sales.gold.orders").await, [1, 2]);
    fixture.append("sales.gold.orders", &[3]).await;
    assert_eq!(
        numbers(&session, "SELECT id FROM Sales.Gold.Orders o WHERE o.id > 1").await,
        [2, 3]
    );
    assert_eq!(
        numbers(&session, "SELECT sales.gold.orders.id FROM sales.gold.orders").await,
        [1, 2, 3]
    );
}

#[tokio::test]
async fn each_reference_is_answered_from_the_version_that_it_asks_for() {
    let fixture = Fixture::new();
    let first = fixture.append("sales.gold.orders", &[1]).await;
    let second = fixture.append("sales.gold.orders", &[2]).await;
    fixture.append("sales.gold.orders", &[3]).await;
    let session = fixture.session();

    let of = |version: u64| format!("SELECT id FROM sales.gold.orders VERSION AS OF {version}");
    assert_eq!(numbers(&session, &of(first)).await, [1]);
    assert_eq!(numbers(&session, &of(second)).await, [1, 2]);
    assert_eq!(
        numbers(&session, "SELECT id FROM sales.gold.orders VERSION AS OF 0").await,
        [0; 0]
    );
    assert_eq!(
        numbers(
            &session,
            &format!("SELECT orders.id FROM sales.gold.orders VERSION AS OF {first} WHERE orders.id = 1")
        )
        .await,
        [1]
    );

    // What is new since the second version, in four ways of writing it.
    for sql in [
        format!(
            "SELECT id FROM sales.gold.orders WHERE id NOT IN (SELECT id FROM sales.gold.orders VERSION AS OF {second})"
        ),
        format!(
            "WITH old AS (SELECT id FROM sales.gold.orders VERSION AS OF {second}) SELECT n.id FROM sales.gold.orders n LEFT JOIN old ON n.id = old.id WHERE old.id IS NULL"
        ),
        format!(
            "SELECT n.id FROM sales.gold.orders AS n LEFT ANTI JOIN sales.gold.orders VERSION AS OF {second} AS o ON n.id = o.id"
        ),
        format!("SELECT id FROM sales.gold.orders EXCEPT SELECT id FROM sales.gold.orders FOR VERSION AS OF {second}"),
    ] {
        assert_eq!(numbers(&session, &sql).await, [3], "{sql}");
    }
}

#[tokio::test]
async fn a_time_means_the_newest_version_of_that_time() {
    let fixture = Fixture::new();
    fixture.append("sales.gold.orders", &[1]).await;
    let session = fixture.session();
    assert_eq!(
        numbers(
            &session,
            "SELECT id FROM sales.gold.orders TIMESTAMP AS OF '2999-01-01'"
        )
        .await,
        [1]
    );
    let error = refusal(
        &session,
        "SELECT id FROM sales.gold.orders TIMESTAMP AS OF '1999-01-01T00:00:00Z'",
    )
    .await;
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}

#[tokio::test]
async fn a_version_that_is_not_there_is_not_found() {
    let fixture = Fixture::new();
    let newest = fixture.append("sales.gold.orders", &[1]).await;
    let error = refusal(&fixture.session(), "SELECT id FROM sales.gold.orders VERSION AS OF 99").await;
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(
        error.to_string().contains(&format!("the newest is {newest}")),
        "{error}"
    );
}

#[tokio::test]
async fn an_unknown_name_is_not_found_and_the_nearest_is_proposed() {
    let fixture = Fixture::new();
    fixture.append("sales.gold.orders", &[1]).await;
    fixture.append("sales.silver.customers", &[1]).await;
    let session = fixture.session();
    for (name, near) in [
        ("sales.gold.oders", "sales.gold.orders"),
        ("sale.gold.orders", "sales.gold.orders"),
        ("sales.silvr.customers", "sales.silver.customers"),
        ("customer", "sales.silver.customers"),
        ("gold.orders", "sales.gold.orders"),
        ("gold.order", "sales.gold.orders"),
        ("silver.customer", "sales.silver.customers"),
        ("lake.sales.gold.orders", "sales.gold.orders"),
        (
            "sales.silver.customers VERSION AS OF 1 JOIN sales.gold.order",
            "sales.gold.orders",
        ),
    ] {
        let error = refusal(&session, &format!("SELECT 1 FROM {name}")).await;
        assert_eq!(error.kind(), ErrorKind::NotFound, "{name}: {error}");
        assert_eq!(error.help(), Some(format!("did you mean {near}?").as_str()), "{name}");
    }
    let error = refusal(&session, "SELECT 1 FROM x.gold.zzzzzzz").await;
    assert!(error.help().unwrap().contains("domain.layer.name"), "{error:?}");
}

#[tokio::test]
async fn a_name_that_the_statement_defines_hides_no_dataset() {
    let fixture = Fixture::new();
    fixture.append("sales.gold.orders", &[1, 2]).await;
    let sql = "WITH orders AS (SELECT id FROM sales.gold.orders WHERE id = 2) SELECT id FROM orders";
    assert_eq!(numbers(&fixture.session(), sql).await, [2]);
    let sql = "WITH orders AS (SELECT id FROM orders) SELECT id FROM orders";
    assert_eq!(refusal(&fixture.session(), sql).await.kind(), ErrorKind::Usage);
}

#[tokio::test]
async fn a_wrong_column_is_an_error_of_usage_that_names_it() {
    let fixture = Fixture::new();
    fixture.append("sales.gold.orders", &[1]).await;
    let error = refusal(&fixture.session(), "SELECT nme FROM sales.gold.orders").await;
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(error.to_string().contains("nme"), "{error}");
}

#[tokio::test]
async fn tables_and_columns_can_be_listed() {
    let fixture = Fixture::new();
    fixture.append("sales.gold.orders", &[1]).await;
    fixture.append("finance.silver.ledger", &[1]).await;
    let session = fixture.session();
    let sql = "SELECT table_catalog, table_schema, table_name FROM information_schema.tables \
               WHERE table_schema <> 'information_schema' ORDER BY 1, 2, 3";
    let listed = answer(&session, sql).await;
    assert!(
        listed.contains("finance") && listed.contains("ledger") && listed.contains("orders"),
        "{listed}"
    );
    assert_eq!(listed.lines().count(), 6, "{listed}");
    assert!(answer(&session, "SHOW TABLES").await.contains("orders"));
    let columns = answer(&session, "DESCRIBE sales.gold.orders").await;
    assert!(
        columns.contains("Decimal128(12, 3)") && columns.contains("Utf8 "),
        "{columns}"
    );
    assert!(
        answer(&session, "SHOW COLUMNS FROM sales.gold.orders")
            .await
            .contains("price")
    );
    assert!(
        answer(&session, "EXPLAIN SELECT id FROM sales.gold.orders VERSION AS OF 1")
            .await
            .contains("orders@v1")
    );
    assert_eq!(session.datasets().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_table_that_cannot_be_read_is_listed_and_hides_no_other() {
    let fixture = Fixture::new();
    fixture.append("sales.gold.orders", &[1]).await;
    let version = fixture.append("sales.gold.mapped", &[1]).await;
    let column = r#"{\"name\":\"id\",\"type\":\"long\",\"nullable\":true,\"metadata\":{\"delta.columnMapping.id\":1,\"delta.columnMapping.physicalName\":\"c1\"}}"#;
    let entries = format!(
        r#"{{"protocol":{{"minReaderVersion":2,"minWriterVersion":5}}}}
{{"metaData":{{"id":"x","format":{{"provider":"parquet","options":{{}}}},"schemaString":"{{\"type\":\"struct\",\"fields\":[{column}]}}","partitionColumns":[],"configuration":{{"delta.columnMapping.mode":"id"}}}}}}"#
    );
    let log = fixture._folder.path().join("lake/sales/gold/mapped/_delta_log");
    std::fs::write(log.join(format!("{:020}.json", version + 1)), entries).unwrap();
    let session = fixture.session();
    let listed = answer(&session, "SHOW TABLES").await;
    assert!(listed.contains("orders") && listed.contains("mapped"), "{listed}");
    let columns = "SELECT DISTINCT table_name FROM information_schema.columns WHERE table_catalog = 'sales'";
    let columns = answer(&session, columns).await;
    assert!(columns.contains("orders") && !columns.contains("mapped"), "{columns}");
    let refused = refusal(&session, "SELECT id FROM sales.gold.mapped").await;
    assert_eq!(refused.kind(), ErrorKind::Data);
}

#[tokio::test]
async fn given_tables_stand_for_datasets_but_not_for_their_past() {
    let fixture = Fixture::new();
    let version = fixture.append("sales.gold.orders", &[1]).await;
    let session = fixture.session();
    let name: DatasetName = "sales.gold.orders".parse().unwrap();
    let other: DatasetName = "sales.gold.more".parse().unwrap();
    let given = session.with_tables([(name, memory(&[7])), (other, memory(&[8]))]);
    let sql = format!(
        "SELECT id FROM sales.gold.orders UNION ALL SELECT id FROM sales.gold.more \
         UNION ALL SELECT id FROM sales.gold.orders VERSION AS OF {version}"
    );
    assert_eq!(numbers(&given, &sql).await, [1, 7, 8]);
    assert_eq!(numbers(&session, "SELECT id FROM sales.gold.orders").await, [1]);
}

#[tokio::test]
async fn without_a_lake_only_given_tables_are_known() {
    let session = Session::without_lake(&SessionOptions::default()).unwrap();
    let session = session.with_tables([("sales.gold.orders".parse().unwrap(), memory(&[7]))]);
    assert_eq!(
        numbers(&session, "SELECT id FROM sales.gold.orders VERSION AS OF 3").await,
        [7]
    );
    let error = refusal(&session, "SELECT id FROM sales.gold.order").await;
    assert_eq!(error.help(), Some("did you mean sales.gold.orders?"));
}

#[tokio::test]
async fn references_are_read_from_the_text_alone() {
    let session = Session::without_lake(&SessionOptions::default()).unwrap();
    let sql = "SELECT * FROM b.gold.y JOIN a.silver.x VERSION AS OF 1 ON true JOIN a.silver.x x ON true";
    let names: Vec<_> = session
        .references(sql)
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(names, ["a.silver.x", "b.gold.y"]);
    assert_eq!(
        session.references("DROP TABLE a.silver.x").unwrap_err().kind(),
        ErrorKind::Usage
    );
}

#[tokio::test]
async fn money_stays_decimal() {
    let fixture = Fixture::new();
    fixture.append("sales.gold.orders", &[1, 2]).await;
    let frame = fixture
        .session()
        .sql("SELECT sum(price * 0.2) AS tax FROM sales.gold.orders")
        .await
        .unwrap();
    let data_type = frame.schema().field(0).data_type().clone();
    assert!(matches!(data_type, DataType::Decimal128(_, 4)), "{data_type}");
    let tax = answer(
        &fixture.session(),
        "SELECT sum(price * 0.2) AS tax FROM sales.gold.orders",
    )
    .await;
    assert!(tax.contains("0.6000"), "{tax}");
}

#[tokio::test]
async fn a_number_as_text_is_not_rounded_for_what_is_beside_it() {
    let session = Session::without_lake(&SessionOptions::default()).unwrap();
    let error = refusal(&session, "SELECT '1.54' = 1.5").await;
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert_eq!(
        error.to_string(),
        "text is not taken for a decimal(2,1) by itself, which might round or cut it: write a number without quotes, or \
         CAST the text where that is meant"
    );
    let written = answer(&session, "SELECT '1.54'::decimal(2, 1) = 1.5").await;
    assert!(written.contains("true"), "{written}");
}

#[tokio::test]
async fn a_query_larger_than_memory_spills_and_one_that_cannot_is_refused() {
    let options = SessionOptions {
        memory_bytes: 24 << 20,
        partitions: 1,
        ..SessionOptions::default()
    };
    let session = Session::without_lake(&options).unwrap();
    // Four million numbers of 8 bytes are 32 MB.
    let sql = "SELECT max(position) FROM (SELECT row_number() OVER (ORDER BY value DESC) AS position \
               FROM generate_series(1, 4000000))";
    let analysed = answer(&session, &format!("EXPLAIN ANALYZE {sql}")).await;
    assert!(
        analysed.contains("spill_count=") && !analysed.contains("spill_count=0,"),
        "{analysed}"
    );
    let tiny = SessionOptions {
        memory_bytes: 1 << 10,
        ..options
    };
    let session = Session::without_lake(&tiny).unwrap();
    let error = refusal(&session, sql).await;
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    assert!(error.help().unwrap().contains("engine.memory"));
}

#[tokio::test]
async fn names_resolve_in_the_context_too_and_tables_can_be_registered() {
    let fixture = Fixture::new();
    fixture.append("sales.gold.orders", &[1, 2]).await;
    let session = fixture.session();
    let frame = session.context().table("sales.gold.orders").await.unwrap();
    assert_eq!(frame.count().await.unwrap(), 2);

    let scratch = Arc::new(datafusion::catalog::MemoryCatalogProvider::new());
    session.context().register_catalog("scratch", scratch);
    let schema = Arc::new(datafusion::catalog::MemorySchemaProvider::new());
    session
        .context()
        .catalog("scratch")
        .unwrap()
        .register_schema("inputs", schema)
        .unwrap();
    session
        .context()
        .register_table("scratch.inputs.orders", memory(&[5]))
        .unwrap();
    assert_eq!(numbers(&session, "SELECT id FROM scratch.inputs.orders").await, [5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_can_be_used_from_other_tasks() {
    let fixture = Fixture::new();
    fixture.append("sales.gold.orders", &[1]).await;
    let session = fixture.session();
    let task = tokio::spawn(async move {
        let frame = session.sql("SELECT id FROM sales.gold.orders").await.unwrap();
        frame.count().await.unwrap()
    });
    assert_eq!(task.await.unwrap(), 1);
}

#[tokio::test]
async fn a_dataset_has_its_contracts_columns_before_its_table_has_them() {
    let contract = "
apiVersion: v3.1.0
kind: DataContract
id: t
name: t
version: 1.1.0
status: active
schema:
  - name: orders
    physicalName: sales.gold.orders
    properties:
      - {name: id, logicalType: integer, physicalType: bigint, required: true}
      - {name: note, logicalType: string}
      - {name: must, logicalType: string, required: true}
      - {name: should, logicalType: string, required: true, customProperties: [{property: polder.onFailure, value: warn}]}
      - {name: rebate, logicalType: number, physicalType: 'decimal(12,3)'}
      - {name: price, logicalType: number, physicalType: 'decimal(12,3)'}
      - {name: name, logicalType: string}
";
    let source = polder_core::document::Source::new("contracts/sales/t.odcs.yaml", contract.to_owned());
    let parsed = polder_contract::parse(&source);
    let contract = Arc::new(parsed.contract.unwrap_or_else(|| panic!("{:?}", parsed.diagnostics)));
    let fixture = Fixture::new();
    let first = fixture.append("sales.gold.orders", &[1, 2]).await;
    fixture.append("sales.gold.orders", &[3]).await;
    let session = fixture.session().under(&DatasetContract::all(&contract));
    assert_eq!(
        answer(
            &session,
            "SELECT * FROM sales.gold.orders WHERE id > 1 ORDER BY note, id"
        )
        .await,
        "+----+------+--------+--------+-------+------+\n\
         | id | note | should | rebate | price | name |\n\
         +----+------+--------+--------+-------+------+\n\
         | 2  |      |        |        | 2.000 | n2   |\n\
         | 3  |      |        |        | 3.000 | n3   |\n\
         +----+------+--------+--------+-------+------+"
    );
    let error = refusal(&session, "SELECT must FROM sales.gold.orders").await;
    assert!(error.to_string().contains("no column `must`"), "{error}");
    for (sql, expected) in [
        (
            "SELECT id FROM {t} WHERE rebate > 1 OR note LIKE 'n%' OR id = 2",
            vec![2],
        ),
        ("SELECT id FROM {t} WHERE rebate IS NULL AND price > 2", vec![3]),
        ("SELECT id FROM {t} WHERE rebate IS NULL LIMIT 5", vec![1, 2, 3]),
        ("SELECT count(rebate) FROM {t}", vec![0]),
        ("SELECT count(DISTINCT note) FROM {t}", vec![0]),
        ("SELECT count(*) FROM {t} WHERE note IS NULL", vec![3]),
        // What a join or an order finds out while it runs goes down to the files.
        (
            "SELECT t.id FROM {t} AS t JOIN (SELECT id, name FROM {t} WHERE id < 3) AS u ON t.note = u.name",
            vec![],
        ),
        (
            "SELECT t.id FROM {t} AS t JOIN (SELECT note FROM {t} LIMIT 1) AS u ON t.note IS NOT DISTINCT FROM u.note",
            vec![1, 2, 3],
        ),
        (
            "SELECT id FROM (SELECT id, note FROM {t} ORDER BY note DESC, id DESC LIMIT 2)",
            vec![2, 3],
        ),
        (
            "SELECT id FROM {t} VERSION AS OF {first} WHERE coalesce(rebate, price) > 0",
            vec![1, 2],
        ),
    ] {
        let sql = sql
            .replace("{t}", "sales.gold.orders")
            .replace("{first}", &first.to_string());
        assert_eq!(numbers(&session, &sql).await, expected, "{sql}");
    }
}
