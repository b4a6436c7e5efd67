use datafusion::arrow::array::{Array, ArrayRef, AsArray as _, Int64Array, RecordBatch, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, Fields, Int64Type, TimeUnit};
use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;

use super::*;

fn table() -> Arc<dyn TableProvider> {
    let columns: [(&str, ArrayRef); 3] = [
        ("a", Arc::new(Int64Array::from(vec![1, 10]))),
        ("b", Arc::new(Int64Array::from(vec![2, 20]))),
        ("c", Arc::new(StringArray::from(vec!["x", "y"]))),
    ];
    let rows = RecordBatch::try_from_iter(columns).unwrap();
    Arc::new(MemTable::try_new(rows.schema(), vec![vec![rows]]).unwrap())
}

fn field(name: &str, kind: DataType, nullable: bool) -> FieldRef {
    Arc::new(Field::new(name, kind, nullable))
}

fn built() -> Otherwise {
    Otherwise::Built(Arc::new(Building {
        dataset: "a.bronze.t".parse().unwrap(),
        required: BTreeSet::from(["x.must".to_owned()]),
    }))
}

fn names(table: &Arc<dyn TableProvider>) -> Vec<String> {
    let schema = table.schema();
    schema.fields().iter().map(|field| field.name().clone()).collect()
}

async fn answer(table: &Arc<dyn TableProvider>, sql: &str) -> Vec<RecordBatch> {
    let context = SessionContext::new();
    context.register_table("t", Arc::clone(table)).unwrap();
    context.sql(sql).await.unwrap().collect().await.unwrap()
}

/// The first column of the second row.
async fn number(table: &Arc<dyn TableProvider>, sql: &str) -> i64 {
    answer(table, sql).await[0]
        .column(0)
        .as_primitive::<Int64Type>()
        .value(0)
}

#[tokio::test]
async fn columns_stand_where_the_fields_say() {
    let wanted = [("b", true), ("must", false), ("a", false)].map(|(name, null)| field(name, DataType::Int64, null));
    let arranged = arranged(table(), &wanted, &built());
    assert_eq!(
        names(&arranged),
        ["b", "a"],
        "what must be there and is not is passed over"
    );
    let sql = "WITH q(k, m) AS (SELECT * FROM t) SELECT 100 * k + m FROM q WHERE m = 10";
    assert_eq!(number(&arranged, sql).await, 100 * 20 + 10);
    // Some of them, in either order, and none at all.
    assert_eq!(number(&arranged, "SELECT a FROM t WHERE b > 2").await, 10);
    assert_eq!(number(&arranged, "SELECT count(*) FROM t").await, 2);
}

#[test]
fn a_table_in_that_order_is_given_back() {
    let table = table();
    let other = ["a", "b", "c"].map(|name| field(name, DataType::Boolean, true));
    for otherwise in [Otherwise::Shown, Otherwise::Judged] {
        assert!(Arc::ptr_eq(&arranged(Arc::clone(&table), &other, &otherwise), &table));
    }
    let schema = table.schema();
    assert!(Arc::ptr_eq(
        &arranged(Arc::clone(&table), schema.fields(), &built()),
        &table
    ));
}

#[tokio::test]
async fn a_column_that_is_not_there_is_of_nulls() {
    let wanted = [("new", true), ("b", false), ("a", false)].map(|(name, null)| field(name, DataType::Int64, null));
    let arranged = arranged(table(), &wanted, &built());
    assert_eq!(names(&arranged), ["new", "b", "a"]);
    for (sql, expected) in [
        ("SELECT sum(b - coalesce(new, 0)) FROM t", 22),
        ("SELECT count(*) FROM t WHERE new > 100", 0),
        ("SELECT count(*) FROM t WHERE new > 100 AND a > 1", 0),
        ("SELECT count(*) FROM t WHERE new IS NULL AND a > 1", 1),
        ("SELECT count(*) FROM t WHERE new IS NULL OR a > 1", 2),
        // Only that one, and none beside the count of rows.
        ("SELECT count(*) FROM (SELECT new FROM t)", 2),
        ("SELECT count(new) FROM t", 0),
        ("SELECT count(DISTINCT new) FROM t", 0),
        (
            "SELECT count(*) FROM (SELECT max(new) AS most, min(new) AS least FROM t) WHERE most IS NULL AND least IS NULL",
            1,
        ),
        (
            "SELECT count(*) FROM (SELECT sum(new) AS all FROM t) WHERE all IS NULL",
            1,
        ),
        (
            "SELECT count(*) FROM (SELECT new, count(*) AS n FROM t GROUP BY new) WHERE n = 2 AND new IS NULL",
            1,
        ),
        ("SELECT count(*) FROM t JOIN t AS u ON t.new = u.new", 0),
        (
            "SELECT count(*) FROM t JOIN t AS u ON t.new IS NOT DISTINCT FROM u.new",
            4,
        ),
        ("SELECT count(*) FROM t WHERE new IN (SELECT a FROM t)", 0),
        ("SELECT a FROM t ORDER BY new DESC, a DESC LIMIT 1", 10),
        ("SELECT a FROM t WHERE b > 2 LIMIT 1", 10),
    ] {
        assert_eq!(number(&arranged, sql).await, expected, "{sql}");
    }
}

#[tokio::test]
async fn a_column_of_nulls_has_any_type() {
    let inner: Fields = vec![
        Field::new("city", DataType::Utf8, true),
        Field::new("zips", DataType::List(field("element", DataType::Int32, true)), true),
    ]
    .into();
    let entries: Fields = vec![
        Field::new("key", DataType::Utf8, false),
        Field::new("value", DataType::Decimal128(12, 3), true),
    ]
    .into();
    let kinds = [
        DataType::Boolean,
        DataType::Binary,
        DataType::Date32,
        DataType::Decimal128(38, 9),
        DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        DataType::Timestamp(TimeUnit::Microsecond, None),
        DataType::Struct(inner.clone()),
        DataType::List(field("element", DataType::Struct(inner), true)),
        DataType::Map(field("key_value", DataType::Struct(entries), false), false),
    ];
    let mut wanted: Vec<_> = (0..)
        .zip(kinds)
        .map(|(at, kind)| field(&format!("n{at}"), kind, true))
        .collect();
    wanted.push(field("a", DataType::Int64, true));
    let arranged = arranged(table(), &wanted, &built());
    let rows = answer(&arranged, "SELECT * FROM t ORDER BY a").await;
    let (nulls, own) = rows[0].columns().split_at(wanted.len() - 1);
    assert_eq!(own[0].as_primitive::<Int64Type>().values(), &[1, 10]);
    for (column, field) in nulls.iter().zip(&wanted) {
        assert_eq!(column.data_type(), field.data_type());
        assert_eq!(column.logical_null_count(), 2, "{field}");
    }
}

#[test]
fn a_name_in_other_case_is_no_new_column() {
    let wanted = ["A", "a"].map(|name| field(name, DataType::Int64, true));
    assert_eq!(names(&arranged(table(), &wanted, &built())), ["a"]);
    // A contract that is ahead of the table gives the new name alone: its rows have values, so nulls would be wrong.
    assert!(names(&arranged(table(), &wanted[..1], &built())).is_empty());
}

#[test]
fn filters_on_what_is_not_there_stay_above_the_table() {
    use datafusion::logical_expr::TableProviderFilterPushDown::{Exact, Unsupported};
    use datafusion::logical_expr::{col, lit};

    #[derive(Debug)]
    struct TakesAll(Arc<dyn TableProvider>);

    #[async_trait]
    impl TableProvider for TakesAll {
        fn schema(&self) -> SchemaRef {
            self.0.schema()
        }

        fn table_type(&self) -> TableType {
            TableType::Base
        }

        fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
            Ok(vec![Exact; filters.len()])
        }

        async fn scan(
            &self,
            state: &dyn Session,
            projection: Option<&Vec<usize>>,
            filters: &[Expr],
            limit: Option<usize>,
        ) -> Result<Arc<dyn ExecutionPlan>> {
            self.0.scan(state, projection, filters, limit).await
        }
    }

    let mut wanted = ["new", "a"].map(|name| field(name, DataType::Int64, true)).to_vec();
    wanted.push(field("b", DataType::Float64, true));
    let arranged = arranged(Arc::new(TakesAll(table())), &wanted, &built());
    let [own, new] = [col("a").gt(lit(1)), col("new").is_null()];
    let both = own.clone().or(new.clone());
    let otherwise = col("b").gt(lit(1.5));
    let answers = arranged
        .supports_filters_pushdown(&[&new, &own, &both, &otherwise])
        .unwrap();
    assert_eq!(answers, [Unsupported, Exact, Unsupported, Unsupported]);
}

/// What a query gives over one column that is promised otherwise, as text; or what it fails with.
async fn promised(column: ArrayRef, kind: DataType, otherwise: Otherwise, select: &str) -> Result<String, String> {
    let rows = RecordBatch::try_from_iter([("x", column)]).unwrap();
    let table = MemTable::try_new(rows.schema(), vec![vec![rows]]).unwrap();
    let table = arranged(Arc::new(table), &[field("x", kind, true)], &otherwise);
    let context = SessionContext::new();
    context.register_table("t", table).unwrap();
    let sql = format!("SELECT cast({select} AS varchar) FROM t");
    let frame = context.sql(&sql).await.map_err(|error| error.to_string())?;
    let rows = frame.collect().await.map_err(|error| error.to_string())?;
    let text = cast(rows[0].column(0), &DataType::Utf8).unwrap();
    Ok(text.as_string::<i32>().value(0).to_owned())
}

#[tokio::test]
async fn a_column_that_the_table_has_otherwise_is_read_as_it_is_promised() {
    use datafusion::arrow::array::{Decimal128Array, Int32Array, TimestampMicrosecondArray, UInt64Array};

    // 2026-06-01T02:00:00Z, which is the day before in New York.
    let instant = TimestampMicrosecondArray::from(vec![1_780_279_200_000_000]);
    let zoned = Arc::new(instant.with_timezone("America/New_York"));
    let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let cents = Decimal128Array::from(vec![1_000])
        .with_precision_and_scale(10, 2)
        .unwrap();
    let whole: ArrayRef = Arc::new(Int32Array::from(vec![1, 5, 7]));
    let cases: [(ArrayRef, DataType, &str, &str); 4] = [
        (Arc::clone(&whole), DataType::Float64, "sum(x / 2)", "6.5"),
        (zoned, utc, "max(cast(x AS date))", "2026-06-01"),
        (
            Arc::new(UInt64Array::from(vec![3, 4])),
            DataType::Int64,
            "min(-x)",
            "-4",
        ),
        (Arc::new(cents), DataType::Decimal128(20, 5), "max(x)", "10.00000"),
    ];
    for (column, kind, select, expected) in cases {
        for otherwise in [built(), Otherwise::Judged] {
            let answer = promised(Arc::clone(&column), kind.clone(), otherwise, select).await;
            assert_eq!(answer.as_deref(), Ok(expected), "{select}");
        }
    }
    // Numbers are not read as texts: that is for a person to say.
    let answer = promised(whole, DataType::Utf8, Otherwise::Judged, "sum(x + 1)").await;
    assert_eq!(answer.as_deref(), Ok("16"));
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["10", "9"]));
    let failed = promised(texts, DataType::Int64, built(), "max(x)").await.unwrap_err();
    assert!(
        failed.contains("`x` of a.bronze.t is string and not bigint"),
        "{failed}"
    );
}

#[tokio::test]
async fn fields_that_objects_lack_are_null_and_nothing_is_built_of_them_where_they_are_required() {
    use datafusion::arrow::array::StructArray;

    let object = |names: [&str; 2]| -> DataType {
        let fields: Fields = names.iter().map(|name| field(name, DataType::Int64, true)).collect();
        DataType::Struct(fields)
    };
    let ones: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let own = |name| -> ArrayRef {
        let fields = vec![
            (field(name, DataType::Int64, true), Arc::clone(&ones)),
            (field("b", DataType::Int64, true), Arc::clone(&ones)),
        ];
        Arc::new(StructArray::from(fields))
    };
    let sum = "coalesce(sum(x['price']), 0)";
    for otherwise in [Otherwise::Judged, built()] {
        let answer = promised(own("other"), object(["price", "b"]), otherwise, sum).await;
        assert_eq!(answer.as_deref(), Ok("0"));
    }
    let sum_of = |name: &str| sum.replace("price", name);
    let judged = promised(own("other"), object(["must", "b"]), Otherwise::Judged, &sum_of("must")).await;
    assert_eq!(judged.as_deref(), Ok("0"));
    // Also to who does not look at it.
    for name in ["must", "b"] {
        let failed = promised(own("other"), object(["must", "b"]), built(), &sum_of(name)).await;
        let failed = failed.unwrap_err();
        assert!(
            failed.contains("`x.must` of a.bronze.t is required by its contract, and the table"),
            "{failed}"
        );
    }
    // Values under a name in other case are no nulls, to nobody.
    for otherwise in [Otherwise::Judged, built()] {
        let failed = promised(own("Price"), object(["price", "b"]), otherwise, sum).await;
        assert!(failed.is_err(), "{failed:?}");
    }
    let turned = promised(own("a"), object(["b", "a"]), built(), "max(x['a'] + x['b'])").await;
    assert_eq!(turned.as_deref(), Ok("2"));
}

#[tokio::test]
async fn a_value_that_the_promised_type_cannot_hold_is_an_error_or_null_and_never_another() {
    let large: ArrayRef = Arc::new(Int64Array::from(vec![1, 1 << 40]));
    let answer = |otherwise| promised(Arc::clone(&large), DataType::Int32, otherwise, "count(x)");
    assert_eq!(answer(Otherwise::Judged).await.as_deref(), Ok("1"));
    let failed = answer(built()).await.unwrap_err();
    assert!(
        failed.contains("`x` of a.bronze.t holds a value that is not int, as its contract promises"),
        "{failed}"
    );
}
