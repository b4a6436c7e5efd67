//! Whole tables: the same rows give the same figures through the gate, a scan, statistics and increments.

mod asked;
mod broken;
mod log;
mod readings;
mod reports;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, Decimal128Array, Float64Array, Int32Array, Int64Array, ListArray,
    RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::compute::{cast, max, min};
use arrow::datatypes::{DataType, Date32Type, Int32Type, Int64Type, TimestampMicrosecondType};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use datafusion::catalog::{MemTable, TableProvider};
use datafusion::common::ScalarValue;
use polder_contract::rule::Figure;
use polder_contract::{DatasetContract, OnFailure, parse};
use polder_core::document::Source;
use polder_core::{DatasetName, Error, ErrorKind, Result};
use proptest::prelude::*;

use super::{
    Facts, How, Keys, NoFacts, NoQueries, Queries, RuleResult, RuleVerdict, TableCheck, TableReport, check_table,
    scan_into,
};
use crate::{Gate, arrow_schema};

/// The contract of `sales.bronze.t`: properties and rules of the object, each a flow mapping.
fn contract(properties: &[&str], quality: &[&str]) -> DatasetContract {
    let list =
        |items: &[&str], indent: &str| -> String { items.iter().map(|item| format!("{indent}- {item}\n")).collect() };
    let quality = if quality.is_empty() {
        String::new()
    } else {
        format!("    quality:\n{}", list(quality, "      "))
    };
    let text = format!(
        "apiVersion: v3.1.0\nkind: DataContract\nid: t\nname: t\nversion: 1.2.0\nstatus: active\ndomain: sales\n\
         schema:\n  - name: t\n    physicalName: sales.bronze.t\n    properties:\n{}{quality}",
        list(properties, "      ")
    );
    let parsed = parse(&Source::new("contracts/sales/t.odcs.yaml", text));
    let contract = parsed.contract.unwrap_or_else(|| panic!("{:?}", parsed.diagnostics));
    DatasetContract {
        contract: Arc::new(contract),
        object: 0,
    }
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true))).unwrap()
}

fn table(partitions: Vec<Vec<RecordBatch>>) -> Arc<dyn TableProvider> {
    let schema = partitions.iter().flatten().next().unwrap().schema();
    Arc::new(MemTable::try_new(schema, partitions).unwrap())
}

fn noon() -> DateTime<Utc> {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn report(check: &TableCheck, table: Arc<dyn TableProvider>, facts: &dyn Facts, queries: &dyn Queries) -> TableReport {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime
        .block_on(check_table(check, table, facts, queries, noon()))
        .unwrap()
}

fn result<'r>(report: &'r TableReport, rule: &str) -> &'r RuleResult {
    let found = report.results.iter().find(|result| result.rule == rule);
    found.unwrap_or_else(|| panic!("no result of {rule}: {report:#?}"))
}

/// What must be the same however a table is read.
fn outcome(report: &TableReport) -> Vec<(String, RuleVerdict, Option<Figure>, Option<u64>)> {
    let results = report.results.iter();
    results
        .map(|result| {
            (
                result.rule.clone(),
                result.verdict.clone(),
                result.figure.clone(),
                result.failing_rows,
            )
        })
        .collect()
}

/// Columns of every kind with rules of every kind.
fn rich() -> DatasetContract {
    contract(
        &[
            "{name: id, logicalType: integer, physicalType: bigint, required: true, unique: true}",
            "{name: small, logicalType: integer, required: true, logicalTypeOptions: {minimum: 0, maximum: 9}, \
              quality: [{metric: nullValues, mustBeLessThan: 25, unit: percent}]}",
            "{name: code, logicalType: string, logicalTypeOptions: {pattern: '^[a-z]+$', maxLength: 3}, \
              quality: [{metric: invalidValues, arguments: {validValues: [a, ab, abc]}, mustBe: 0}, \
                        {metric: missingValues, arguments: {missingValues: ['', 'x']}, mustBeLessOrEqualTo: 2}, \
                        {metric: duplicateValues, mustBeLessThan: 3}]}",
            "{name: price, logicalType: number, physicalType: 'decimal(10,2)', logicalTypeOptions: {minimum: 0.01}}",
            "{name: ratio, logicalType: number, logicalTypeOptions: {maximum: 1}}",
            "{name: day, logicalType: date, logicalTypeOptions: {minimum: '1970-01-05'}}",
            "{name: at, logicalType: timestamp, logicalTypeOptions: {maximum: '1970-01-01T00:00:00.500Z'}}",
            "{name: tags, logicalType: array, logicalTypeOptions: {maxItems: 2}, \
              items: {name: tag, logicalType: string, logicalTypeOptions: {maxLength: 1}}}",
        ],
        &[
            "{metric: rowCount, mustBeBetween: [3, 20]}",
            "{metric: duplicateValues, arguments: {properties: [small, code]}, mustBeLessThan: 10, unit: percent}",
            "{id: fresh, type: custom, engine: polder, implementation: {freshness: {column: at, within: 24h}}}",
            "{id: sane, type: custom, engine: polder, implementation: {row: 'small <= 5 OR price > 1'}}",
            "{id: words, type: text, description: prices are net}",
        ],
    )
}

prop_compose! {
    fn rows()(count in 1usize..40)(
        id in prop::collection::vec(prop::option::weighted(0.95, 0i64..60), count),
        small in prop::collection::vec(prop::option::weighted(0.9, -1i32..11), count),
        code in prop::collection::vec(prop::option::weighted(0.9, "|x|a|ab|abc|abcd|Z"), count),
        price in prop::collection::vec(prop::option::weighted(0.9, -5i128..300), count),
        ratio in prop::collection::vec(
            prop::option::weighted(0.9, prop::sample::select(vec![0.0, 0.5, 1.0, 1.5, f64::NAN])), count),
        day in prop::collection::vec(prop::option::weighted(0.9, 0i32..40), count),
        at in prop::collection::vec(prop::option::weighted(0.9, 0i64..500_500), count),
        tags in prop::collection::vec(
            prop::option::weighted(0.9, prop::collection::vec(prop::option::weighted(0.9, "|t|tt"), 0..4)), count),
    ) -> RecordBatch {
        let tags = {
            let mut lists = arrow::array::ListBuilder::new(arrow::array::StringBuilder::new())
                .with_field(Arc::new(arrow::datatypes::Field::new("element", DataType::Utf8, true)));
            for list in tags {
                match list {
                    Some(list) => lists.append_value(list),
                    None => lists.append_null(),
                }
            }
            lists.finish()
        };
        batch(vec![
            ("id", Arc::new(Int64Array::from(id)) as ArrayRef),
            ("small", Arc::new(Int32Array::from(small))),
            ("code", Arc::new(StringArray::from(code))),
            ("price", Arc::new(Decimal128Array::from(price).with_precision_and_scale(10, 2).unwrap())),
            ("ratio", Arc::new(Float64Array::from(ratio))),
            ("day", Arc::new(Date32Array::from(day))),
            ("at", Arc::new(TimestampMicrosecondArray::from(at).with_timezone("UTC"))),
            ("tags", Arc::new(tags) as ArrayRef),
        ])
    }
}

/// Exact facts of a batch, timestamps cut as Delta cuts them.
struct TrueFacts(RecordBatch);

impl TrueFacts {
    fn bound(&self, column: &str, greatest: bool) -> Option<ScalarValue> {
        fn of<T: arrow::datatypes::ArrowPrimitiveType>(array: &ArrayRef, greatest: bool) -> Option<T::Native>
        where
            T::Native: Ord,
        {
            let array = array.as_primitive::<T>();
            if greatest { max(array) } else { min(array) }
        }
        let array = self.0.column_by_name(column)?;
        Some(match array.data_type() {
            DataType::Int32 => ScalarValue::Int32(of::<Int32Type>(array, greatest)),
            DataType::Int64 => ScalarValue::Int64(of::<Int64Type>(array, greatest)),
            DataType::Date32 => ScalarValue::Date32(of::<Date32Type>(array, greatest)),
            DataType::Timestamp(_, zone) => {
                let value = of::<TimestampMicrosecondType>(array, greatest);
                ScalarValue::TimestampMicrosecond(value.map(|value| value / 1_000 * 1_000), zone.clone())
            }
            _ => return None,
        })
    }
}

impl Facts for TrueFacts {
    fn rows(&self) -> Option<u64> {
        Some(self.0.num_rows() as u64)
    }

    fn nulls(&self, column: &str) -> Option<u64> {
        self.0.column_by_name(column).map(|column| column.null_count() as u64)
    }

    fn minimum(&self, column: &str) -> Option<ScalarValue> {
        self.bound(column, false)
    }

    fn maximum(&self, column: &str) -> Option<ScalarValue> {
        self.bound(column, true)
    }
}

/// Rows in pieces, spread over partitions.
fn pieces(batch: &RecordBatch, size: usize) -> Vec<Vec<RecordBatch>> {
    let mut partitions = vec![Vec::new(), Vec::new(), Vec::new()];
    for (index, start) in (0..batch.num_rows()).step_by(size).enumerate() {
        let length = size.min(batch.num_rows() - start);
        partitions[index % 3].push(batch.slice(start, length));
    }
    partitions
}

/// Answers as it was told, and counts how often it was asked.
#[derive(Default)]
struct Told {
    figure: Option<Figure>,
    tables: BTreeMap<DatasetName, Arc<dyn TableProvider>>,
}

#[async_trait]
impl Queries for Told {
    async fn figure(&self, sql: &str, column: Option<&str>, table: Arc<dyn TableProvider>) -> Result<Figure> {
        assert!(sql.contains("{object}") && table.schema().field_with_name("id").is_ok());
        assert_eq!(column, None);
        self.figure
            .clone()
            .ok_or_else(|| Error::new(ErrorKind::Usage, "the query gives 2 columns"))
    }

    async fn provider(&self, dataset: &DatasetName) -> Result<Option<Arc<dyn TableProvider>>> {
        Ok(self.tables.get(dataset).cloned())
    }
}

fn integers(name: &'static str, values: Vec<Option<i64>>) -> RecordBatch {
    batch(vec![(name, Arc::new(Int64Array::from(values)))])
}
