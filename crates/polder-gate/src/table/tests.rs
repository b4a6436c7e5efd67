//! Whole tables: the same rows give the same figures through the gate, a scan, statistics and increments.

mod broken;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

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
use polder_contract::{DatasetContract, parse};
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

    fn recent_commits(&self) -> &[u64] {
        &[]
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// The gate judges row by row, a table's check counts: no rule may tell them apart.
    #[test]
    fn failing_rows_are_those_that_the_gate_finds(rows in rows(), size in 1usize..12) {
        let contract = rich();
        let verdict = Gate::compile(&contract).unwrap().check(&rows).unwrap();
        let mut expected: BTreeMap<String, u64> = BTreeMap::new();
        for violation in verdict.violations.iter().chain(&verdict.warnings) {
            *expected.entry(violation.rule.to_string()).or_default() += 1;
        }
        let check = TableCheck::compile(&contract).unwrap();
        let report = report(&check, table(pieces(&rows, size)), &NoFacts, &NoQueries);
        let gate = Gate::compile(&contract).unwrap();
        for rule in gate.rules() {
            let found = result(&report, &rule.id);
            let failing = expected.get(&rule.id).copied().unwrap_or_default();
            prop_assert_eq!(found.failing_rows, Some(failing), "{}", &rule.id);
            prop_assert_eq!(found.verdict == RuleVerdict::Passed, failing == 0, "{}", &rule.id);
        }
    }

    #[test]
    fn statistics_and_encodings_and_splits_change_no_figure(rows in rows(), size in 1usize..12) {
        let check = TableCheck::compile(&rich()).unwrap();
        let plain = report(&check, table(vec![vec![rows.clone()]]), &NoFacts, &NoQueries);
        let known = report(&check, table(vec![vec![rows.clone()]]), &TrueFacts(rows.clone()), &NoQueries);
        prop_assert_eq!(outcome(&plain), outcome(&known));
        prop_assert_eq!(result(&known, "id.required").how, How::Statistics);
        prop_assert_eq!(result(&known, "fresh").how, How::Statistics);
        let split = report(&check, table(pieces(&rows, size)), &NoFacts, &NoQueries);
        prop_assert_eq!(outcome(&plain), outcome(&split));
        for text in [DataType::Utf8View, DataType::Dictionary(Box::new(DataType::Int16), Box::new(DataType::Utf8))] {
            let columns = rows.schema().fields().iter().zip(rows.columns()).map(|(field, column)| {
                let column = if field.name() == "code" { cast(column, &text).unwrap() } else { Arc::clone(column) };
                (field.name().clone(), column, true)
            }).collect::<Vec<_>>();
            let encoded = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
            let found = report(&check, table(pieces(&encoded, size)), &NoFacts, &NoQueries);
            prop_assert_eq!(outcome(&plain), outcome(&found));
        }
    }

    #[test]
    fn existing_rows_and_new_ones_make_the_whole_table(rows in rows(), at in 0usize..40) {
        let check = TableCheck::compile(&rich()).unwrap();
        let at = at.min(rows.num_rows());
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        let found = runtime.block_on(async {
            let mut existing = check.state();
            scan_into(&check, &table(vec![vec![rows.slice(0, at)]]), &mut existing).await.unwrap();
            let mut all = existing.clone();
            all.push(&rows.slice(at, rows.num_rows() - at)).unwrap();
            assert_eq!(existing.rows(), at as u64);
            check.report(all, None, &NoFacts, &NoQueries, noon()).await.unwrap()
        });
        let whole = report(&check, table(vec![vec![rows]]), &NoFacts, &NoQueries);
        prop_assert_eq!(outcome(&found), outcome(&whole));
    }

    #[test]
    fn duplicates_are_counted_beyond_the_first_of_each_key(rows in rows(), size in 1usize..12) {
        let contract = rich();
        let keys = Keys::of(&contract).unwrap();
        prop_assert_eq!(keys.len(), 1);
        let (mut seen, mut expected) = (HashSet::new(), 0);
        let mut fingerprints = HashMap::new();
        let hashes = keys[0].fingerprints(&rows).unwrap();
        let ids = rows.column_by_name("id").unwrap().as_primitive::<Int64Type>().iter();
        for (id, fingerprint) in ids.zip(hashes) {
            prop_assert_eq!(id.is_some(), fingerprint.is_some());
            let (Some(id), Some(fingerprint)) = (id, fingerprint) else { continue };
            expected += u64::from(!seen.insert(id));
            prop_assert_eq!(*fingerprints.entry(id).or_insert(fingerprint), fingerprint);
        }
        for memory in [0, 1 << 20] {
            let check = TableCheck::compile(&contract).unwrap().with_memory(memory);
            let report = report(&check, table(pieces(&rows, size)), &NoFacts, &NoQueries);
            prop_assert_eq!(result(&report, "id.unique").failing_rows, Some(expected));
        }
    }
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

#[test]
fn a_table_whose_log_answers_everything_is_not_read() {
    /// A table that nobody may read.
    #[derive(Debug)]
    struct Closed(arrow::datatypes::SchemaRef);
    #[async_trait]
    impl TableProvider for Closed {
        fn schema(&self) -> arrow::datatypes::SchemaRef {
            Arc::clone(&self.0)
        }
        fn table_type(&self) -> datafusion::datasource::TableType {
            datafusion::datasource::TableType::Base
        }
        async fn scan(
            &self,
            _session: &dyn datafusion::catalog::Session,
            projection: Option<&Vec<usize>>,
            _filters: &[datafusion::logical_expr::Expr],
            _limit: Option<usize>,
        ) -> datafusion::error::Result<Arc<dyn datafusion::physical_plan::ExecutionPlan>> {
            assert!(projection.is_none(), "planned for its statistics alone");
            Ok(Arc::new(datafusion::physical_plan::empty::EmptyExec::new(
                self.schema(),
            )))
        }
    }
    let contract = contract(
        &["{name: id, logicalType: integer, physicalType: bigint, required: true, logicalTypeOptions: {minimum: 1}}"],
        &["{metric: rowCount, mustBeGreaterThan: 1}"],
    );
    let rows = integers("id", vec![Some(1), Some(2)]);
    let closed = Arc::new(Closed(arrow_schema(contract.object()).unwrap()));
    let report = report(
        &TableCheck::compile(&contract).unwrap(),
        closed,
        &TrueFacts(rows),
        &NoQueries,
    );
    assert_eq!(report.rows, Some(2));
    assert!(
        report
            .results
            .iter()
            .all(|result| result.verdict == RuleVerdict::Passed),
        "{report:#?}"
    );
    assert!(
        report.results.iter().all(|result| result.how == How::Statistics),
        "{report:#?}"
    );
}

#[test]
fn every_declared_rule_is_in_the_report_once() {
    let contract = rich();
    let check = TableCheck::compile(&contract).unwrap();
    let id: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let report = report(&check, table(vec![vec![batch(vec![("id", id)])]]), &NoFacts, &NoQueries);
    let names: HashSet<_> = report.results.iter().map(|result| &result.rule).collect();
    assert_eq!(names.len(), report.results.len());
    let declared = contract.rules().unwrap().len();
    assert_eq!(report.results.len(), declared + contract.object().properties.len());
    assert!(matches!(&result(&report, "words").verdict, RuleVerdict::NotRun(why) if why.contains("words")));
    // Columns that the table lacks are columns of nulls.
    assert_eq!(result(&report, "small.required").failing_rows, Some(1));
    assert_eq!(result(&report, "fresh").verdict, RuleVerdict::Failed);
}

#[test]
fn values_that_do_not_fit_break_the_type_and_nothing_else() {
    let contract = contract(
        &[
            "{name: n, logicalType: integer, required: true, logicalTypeOptions: {maximum: 5}, \
            quality: [{metric: nullValues, mustBeLessThan: 1}]}",
        ],
        &[],
    );
    let check = TableCheck::compile(&contract).unwrap();
    let rows = integers("n", vec![Some(1), Some(i64::MAX), None, Some(6)]);
    let found = report(&check, table(vec![vec![rows]]), &NoFacts, &NoQueries);
    assert_eq!(result(&found, "n.type").failing_rows, Some(1));
    assert_eq!(result(&found, "n.required").failing_rows, Some(1));
    assert_eq!(result(&found, "n.maximum").failing_rows, Some(1));
    let texts = batch(vec![("n", Arc::new(StringArray::from(vec!["1"])))]);
    let found = report(&check, table(vec![vec![texts]]), &NoFacts, &NoQueries);
    assert_eq!(result(&found, "n.type").verdict, RuleVerdict::Failed);
    assert!(matches!(&result(&found, "n.maximum").verdict, RuleVerdict::NotRun(why) if why.contains("string")));
}

#[test]
fn queries_are_asked_and_what_fails_to_run_has_failed() {
    let contract = contract(
        &["{name: id, logicalType: integer, physicalType: bigint}"],
        &["{id: sql, type: sql, query: 'SELECT count(*) FROM {object}', mustBeLessThan: 5}"],
    );
    let check = TableCheck::compile(&contract).unwrap();
    let rows = || table(vec![vec![integers("id", vec![Some(1)])]]);
    let verdict = |figure: Option<Figure>| {
        let told = Told {
            figure,
            ..Told::default()
        };
        result(&report(&check, rows(), &NoFacts, &told), "sql").clone()
    };
    assert_eq!(verdict(Some(Figure::Whole(4))).verdict, RuleVerdict::Passed);
    assert_eq!(verdict(Some(Figure::Real(5.0))).verdict, RuleVerdict::Failed);
    assert_eq!(verdict(Some(Figure::Null)).verdict, RuleVerdict::Failed);
    let failed = verdict(None);
    assert_eq!((failed.verdict, failed.how), (RuleVerdict::Failed, How::Query));
    assert!(failed.note.unwrap().contains("2 columns"));
    let alone = report(&check, rows(), &NoFacts, &NoQueries);
    assert!(matches!(&result(&alone, "sql").verdict, RuleVerdict::NotRun(_)));
}

#[test]
fn keys_that_another_dataset_lacks_are_counted() {
    let text = "apiVersion: v3.1.0\nkind: DataContract\nid: t\nname: t\nversion: 1.0.0\nstatus: active\n\
        schema:\n\
        \x20 - name: lines\n    physicalName: sales.bronze.lines\n    properties:\n\
        \x20     - {name: id, logicalType: integer, physicalType: bigint, relationships: [{to: orders.number}]}\n\
        \x20 - name: orders\n    physicalName: sales.bronze.orders\n    properties:\n\
        \x20     - {name: number, logicalType: integer}\n";
    let parsed = parse(&Source::new("contracts/sales/t.odcs.yaml", text.to_owned()));
    let contract = Arc::new(parsed.contract.unwrap_or_else(|| panic!("{:?}", parsed.diagnostics)));
    let check = TableCheck::compile(&DatasetContract { contract, object: 0 }).unwrap();
    let lines = || {
        table(vec![vec![integers(
            "id",
            vec![Some(1), Some(2), Some(2), None, Some(3)],
        )]])
    };
    // Narrower there than here: values are compared, not bytes.
    let orders = batch(vec![(
        "number",
        Arc::new(Int32Array::from(vec![Some(1), Some(3), None])),
    )]);
    let orders = ("sales.bronze.orders".parse().unwrap(), table(vec![vec![orders]]));
    let told = Told {
        tables: BTreeMap::from([orders]),
        ..Told::default()
    };
    let orphans = |queries: &dyn Queries| {
        let report = report(&check, lines(), &NoFacts, queries);
        let found = report
            .results
            .iter()
            .find(|result| !result.rule.ends_with(".type"))
            .cloned();
        found.unwrap()
    };
    let found = orphans(&told);
    assert_eq!((found.verdict, found.failing_rows), (RuleVerdict::Failed, Some(2)));
    let missing = orphans(&Told::default());
    assert_eq!((missing.verdict, missing.failing_rows), (RuleVerdict::Failed, Some(4)));
    assert!(matches!(orphans(&NoQueries).verdict, RuleVerdict::NotRun(_)));
}

#[test]
fn volume_is_held_against_the_commits_before() {
    struct Commits(Vec<u64>, bool);
    impl Facts for Commits {
        fn rows(&self) -> Option<u64> {
            None
        }
        fn nulls(&self, _: &str) -> Option<u64> {
            None
        }
        fn minimum(&self, _: &str) -> Option<ScalarValue> {
            None
        }
        fn maximum(&self, _: &str) -> Option<ScalarValue> {
            None
        }
        fn recent_commits(&self) -> &[u64] {
            &self.0
        }
        fn commits_cut(&self) -> bool {
            self.1
        }
    }
    let contract = contract(
        &["{name: id, logicalType: integer, physicalType: bigint}"],
        &["{id: volume, type: custom, engine: polder, implementation: {volume: {commits: 5, deviation: 2}}}"],
    );
    let check = TableCheck::compile(&contract).unwrap();
    assert_eq!(check.recent_commits(), 5);
    let told = |commits: &[u64], cut: bool| {
        let rows = table(vec![vec![integers("id", vec![Some(1)])]]);
        result(
            &report(&check, rows, &Commits(commits.to_vec(), cut), &NoQueries),
            "volume",
        )
        .clone()
    };
    let verdict = |commits: &[u64]| told(commits, false);
    // Mean 100, standard deviation of the sample 10: (10² + 10² + 10² + 10² + 0) / 4 = 100.
    let before = [90, 110, 90, 110, 100, 7_777];
    let with = |newest: u64| verdict(&[&[newest], before.as_slice()].concat());
    assert_eq!(with(120).figure, Some(Figure::Real(2.0)));
    assert_eq!(with(120).verdict, RuleVerdict::Passed);
    assert_eq!(with(121).verdict, RuleVerdict::Failed);
    assert_eq!(with(70).figure, Some(Figure::Real(3.0)));
    assert!(matches!(verdict(&[1, 2, 3, 4, 5]).verdict, RuleVerdict::NotRun(_)));
    assert_eq!(verdict(&[5, 5, 5, 5, 5, 5]).verdict, RuleVerdict::Passed);
    assert_eq!(verdict(&[6, 5, 5, 5, 5, 5]).verdict, RuleVerdict::Failed);
    // Where there were more commits than the log can tell, fewer than were asked for are no answer.
    assert_eq!(told(&[6, 5, 5, 5, 5, 5], true).verdict, RuleVerdict::Failed);
    assert!(matches!(told(&[6, 5, 5, 5, 5], true).verdict, RuleVerdict::NotRun(why) if why.contains("4 of the 5")));
}

#[test]
fn a_list_column_is_read_only_where_a_rule_needs_it() {
    let all = TableCheck::compile(&rich()).unwrap();
    assert_eq!(
        all.columns(),
        ["id", "small", "code", "price", "ratio", "day", "at", "tags"]
    );
    let sets = TableCheck::of_sets(&rich()).unwrap();
    assert_eq!(sets.columns(), ["id", "small", "code", "at"]);
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1)])]);
    let state = sets.state().push(&batch(vec![("tags", Arc::new(lists))]));
    assert!(state.is_ok(), "columns that no rule reads may have any type");
}

/// Each commit of a stream is judged on a copy of what was read, with the rows that are to come.
#[test]
fn commit_after_commit_finds_what_a_whole_reading_finds() {
    const ROWS: i64 = 70_000;
    let id = "{name: id, logicalType: integer, physicalType: bigint, \
               quality: [{metric: duplicateValues, mustBeLessThan: 1000000}]}";
    for memory in [1 << 20, 1 << 30] {
        let check = TableCheck::compile(&contract(&[id], &[])).unwrap().with_memory(memory);
        let mut landed = check.state();
        for commit in 0..4 {
            // Two fifths of each commit's keys are in the one before.
            let first = commit * ROWS * 3 / 5;
            let mut fresh = check.state();
            fresh
                .push(&integers("id", (first..first + ROWS).map(Some).collect()))
                .unwrap();
            landed.settle().unwrap();
            let mut would_be = landed.clone();
            would_be.merge(fresh.clone()).unwrap();
            let report = futures::executor::block_on(check.report(would_be, None, &NoFacts, &NoQueries, noon()));
            let found = result(&report.unwrap(), "id.duplicateValues").failing_rows;
            assert_eq!(found, Some((commit * ROWS * 2 / 5) as u64), "{memory} {commit}");
            landed.merge(fresh).unwrap();
        }
    }
}
