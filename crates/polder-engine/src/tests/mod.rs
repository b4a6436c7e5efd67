//! Whole builds in a lake in memory.

mod backtest;
mod building;
mod checking;
mod definitions;
mod equal_to_full;
mod evolved;
mod nested;
mod outages;
mod refusals;
mod repository;
mod rules;
mod training;
mod types;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, AsArray as _, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::Int64Type;
use object_store::memory::InMemory;
use polder_contract::ContractSet;
use polder_core::document::Source;
use polder_core::{DatasetName, RunId};
use polder_domain::Domain;
use polder_lake::{Commit, DataFile, Lake, Operation, Table, TableOptions};
use polder_query::{Session, SessionOptions};

use crate::definition::{ModelDefinition, Pipeline, parse_model, parse_pipeline};
use crate::source::dataset_columns;
use crate::{Action, Engine, Observer, RunOptions, StepOutcome, StepResult};

/// Looks at nothing.
struct Unobserved;

impl Observer for Unobserved {}

/// A row of a test's table: a text and two numbers, all of which may be null.
type Row = (Option<String>, Option<i64>, Option<i64>);

/// Everything that a test declares.
#[derive(Default)]
struct Declared {
    contracts: Vec<(String, Source)>,
    pipelines: Vec<Pipeline>,
    models: Vec<ModelDefinition>,
    domains: Vec<Domain>,
}

impl Declared {
    /// A contract with columns such as `k string, v bigint`.
    fn contract(self, dataset: &str, columns: &str) -> Self {
        self.contract_version(dataset, columns, "1.0.0")
    }

    fn contract_version(mut self, dataset: &str, columns: &str, version: &str) -> Self {
        let name: DatasetName = dataset.parse().unwrap();
        let properties: String = columns
            .split(", ")
            .map(|column| {
                let (name, kind) = column.split_once(' ').unwrap();
                let logical = match kind {
                    "string" => "logicalType: string".to_owned(),
                    "positive" => {
                        "logicalType: integer, physicalType: bigint, logicalTypeOptions: {minimum: 1}".to_owned()
                    }
                    "double" => "logicalType: number, physicalType: double".to_owned(),
                    other if other.starts_with("decimal") => format!("logicalType: number, physicalType: \"{other}\""),
                    other => format!("logicalType: integer, physicalType: {other}"),
                };
                format!("      - {{name: {name}, {logical}}}\n")
            })
            .collect();
        let text = format!(
            "apiVersion: v3.1.0\nkind: DataContract\nid: {dataset}\nname: {dataset}\nversion: {version}\n\
             status: active\nschema:\n  - name: rows\n    physicalName: {dataset}\n    properties:\n{properties}"
        );
        let path = format!("contracts/{}/{}_{}.odcs.yaml", name.domain(), name.layer(), name.name());
        self.contracts.push((name.domain().to_owned(), Source::new(path, text)));
        self
    }

    /// A pipeline of the domain `a`; `document` is what its YAML says besides the dataset.
    fn pipeline(mut self, name: &str, dataset: &str, document: &str, sql: &str) -> Self {
        let yaml = format!("dataset: {dataset}\n{document}\n");
        let source = Source::new(format!("pipelines/a/{name}.pipeline.yaml"), yaml);
        let read = |path: &Path| Ok(Source::new(path, sql));
        let (pipeline, diagnostics) = parse_pipeline("a", &source, read);
        self.pipelines
            .push(pipeline.unwrap_or_else(|| panic!("{diagnostics:?}")));
        self
    }

    /// A contract whose properties are as written, each in one line.
    fn contract_of(mut self, dataset: &str, properties: &[&str]) -> Self {
        let lines: String = properties.iter().map(|line| format!("      - {line}\n")).collect();
        let text = format!(
            "apiVersion: v3.1.0\nkind: DataContract\nid: {dataset}\nname: {dataset}\nversion: 1.0.0\n\
             status: active\nschema:\n  - name: rows\n    physicalName: {dataset}\n    properties:\n{lines}"
        );
        let path = format!("contracts/a/{dataset}.odcs.yaml");
        self.contracts.push(("a".to_owned(), Source::new(path, text)));
        self
    }

    fn model(mut self, name: &str, document: &str) -> Self {
        let source = Source::new(format!("pipelines/a/{name}.model.yaml"), document);
        let (model, diagnostics) = parse_model("a", &source);
        self.models.push(model.unwrap_or_else(|| panic!("{diagnostics:?}")));
        self
    }

    fn domain(mut self, domain: Domain) -> Self {
        self.domains.push(domain);
        self
    }

    fn engine(self, lake: &Lake) -> Engine {
        let (contracts, findings) = ContractSet::load(self.contracts);
        assert_eq!(findings, []);
        let session = Session::new(lake, &SessionOptions::default()).unwrap();
        Engine::new(
            lake.clone(),
            session,
            contracts,
            self.pipelines,
            self.models,
            self.domains,
        )
    }
}

fn lake() -> Lake {
    Lake::over(Arc::new(InMemory::new()), "memory:///lake".parse().unwrap()).unwrap()
}

fn name(dataset: &str) -> DatasetName {
    dataset.parse().unwrap()
}

/// The contracts that most tests build on: bronze `e` and `d` of rows `(k, v, w)`.
fn bronze() -> Declared {
    Declared::default()
        .contract("a.bronze.e", "k string, v bigint, w bigint")
        .contract("a.bronze.d", "k string, v bigint, w bigint")
}

/// Writes to bronze tables as streams do: each commit one file, offsets counting up.
struct Writer<'e> {
    engine: &'e Engine,
    offset: i64,
    /// How far the clock is behind, as that of a second writer may be.
    behind: i64,
}

impl<'e> Writer<'e> {
    fn new(engine: &'e Engine) -> Self {
        Self {
            engine,
            offset: 0,
            behind: 0,
        }
    }

    async fn table(&self, dataset: &str) -> Table {
        let contract = self.engine.contract(&name(dataset)).unwrap();
        let schema = dataset_columns(&contract).unwrap();
        self.engine
            .lake
            .ensure(&name(dataset), schema, &TableOptions::default())
            .await
            .unwrap()
    }

    async fn add(&mut self, dataset: &str, rows: &[Row]) {
        self.replace(dataset, Vec::new(), rows).await;
    }

    /// Commits new rows in place of files.
    async fn replace(&mut self, dataset: &str, remove: Vec<DataFile>, rows: &[Row]) {
        let operation = if remove.is_empty() {
            Operation::Append
        } else {
            Operation::Replace
        };
        self.commit(dataset, remove, rows, operation).await;
    }

    async fn commit(&mut self, dataset: &str, remove: Vec<DataFile>, rows: &[Row], operation: Operation) {
        if remove.is_empty() && rows.is_empty() {
            return;
        }
        let batch = self.batch(rows);
        self.commit_batch(dataset, remove, batch, operation).await;
    }

    async fn commit_batch(&self, dataset: &str, remove: Vec<DataFile>, batch: RecordBatch, operation: Operation) {
        let mut table = self.table(dataset).await;
        let mut writer = table.writer().unwrap();
        if batch.num_rows() > 0 {
            writer.write(&batch).await.unwrap();
        }
        let commit = Commit {
            add: writer.finish().await.unwrap(),
            remove,
            ..Commit::new(RunId::new(), operation)
        };
        table.commit(commit).await.unwrap();
    }

    fn batch(&mut self, rows: &[Row]) -> RecordBatch {
        let first = self.offset;
        self.offset += rows.len() as i64;
        let count = rows.len();
        let text = |value: &str| -> ArrayRef { Arc::new(StringArray::from(vec![value; count])) };
        let columns: Vec<(&str, ArrayRef)> = vec![
            (
                "k",
                Arc::new(rows.iter().map(|row| row.0.clone()).collect::<StringArray>()),
            ),
            ("v", Arc::new(rows.iter().map(|row| row.1).collect::<Int64Array>())),
            ("w", Arc::new(rows.iter().map(|row| row.2).collect::<Int64Array>())),
            ("_topic", text("t")),
            ("_partition", Arc::new(Int32Array::from(vec![0; count]))),
            ("_offset", Arc::new((first..self.offset).collect::<Int64Array>())),
            // The time of the commit: all rows of one have the same.
            (
                "_ingested_at",
                Arc::new(TimestampMicrosecondArray::from(vec![first - self.behind; count]).with_timezone("UTC")),
            ),
            ("_run_id", text("run")),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    }
}

fn row(k: &str, v: i64, w: i64) -> Row {
    (Some(k.to_owned()), Some(v), Some(w))
}

async fn run(engine: &Engine) -> Vec<StepResult> {
    run_with(engine, &RunOptions::default()).await
}

async fn run_with(engine: &Engine, options: &RunOptions) -> Vec<StepResult> {
    let results = engine.run(options, &Unobserved).await.unwrap();
    for result in &results {
        if let StepOutcome::Failed(error) = &result.outcome {
            panic!("{} failed: {}", result.name, error.report());
        }
    }
    results
}

fn actions(results: &[StepResult]) -> Vec<(String, Action, String)> {
    results
        .iter()
        .map(|result| (result.name.to_string(), result.action, result.why.clone()))
        .collect()
}

/// The version of each table.
async fn versions(engine: &Engine) -> BTreeMap<DatasetName, u64> {
    let mut versions = BTreeMap::new();
    for dataset in engine.lake.datasets().await.unwrap() {
        let table = engine.lake.load(&dataset).await.unwrap().unwrap();
        versions.insert(dataset, table.version());
    }
    versions
}

/// The rows of a query as text, sorted.
async fn rows(engine: &Engine, sql: &str) -> Vec<String> {
    let batches = engine.session.sql(sql).await.unwrap().collect().await.unwrap();
    let mut rows = Vec::new();
    for batch in &batches {
        for i in 0..batch.num_rows() {
            let values = batch.columns().iter().map(|column| {
                let column = arrow::compute::cast(column, &arrow::datatypes::DataType::Utf8).unwrap();
                match column.is_null(i) {
                    true => "∅".to_owned(),
                    false => column.as_string::<i32>().value(i).to_owned(),
                }
            });
            rows.push(values.collect::<Vec<_>>().join(" "));
        }
    }
    rows.sort();
    rows
}

async fn number(engine: &Engine, sql: &str) -> i64 {
    let batches = engine.session.sql(sql).await.unwrap().collect().await.unwrap();
    batches[0].column(0).as_primitive::<Int64Type>().value(0)
}
