//! The lake as others use it: over a store in memory that fails on request, and over local files.

mod commits;
mod facts;
mod faults;
mod foreign;
mod maps;
mod partitions;
mod reading;
mod s3;
mod tables;

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::prelude::SessionContext;
use object_store::ObjectStoreExt;
use object_store::memory::InMemory;
use polder_core::{DatasetName, RunId};
use url::Url;

use self::faults::FaultyStore;
use crate::{Commit, DataFile, Lake, Operation, Progress, Table, TableOptions};

fn name() -> DatasetName {
    "sales.bronze.lines".parse().unwrap()
}

fn columns() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("number", DataType::Int64, false),
        Field::new("text", DataType::Utf8, true),
    ]))
}

fn rows(numbers: impl IntoIterator<Item = i64>) -> RecordBatch {
    let numbers: Vec<_> = numbers.into_iter().collect();
    let texts: Vec<_> = numbers.iter().map(|number| format!("row {number}")).collect();
    RecordBatch::try_from_iter([
        ("number", Arc::new(Int64Array::from(numbers)) as ArrayRef),
        ("text", Arc::new(StringArray::from(texts)) as ArrayRef),
    ])
    .unwrap()
}

/// A lake in memory and the switch of its faults.
fn faulty_lake() -> (Lake, Arc<FaultyStore>) {
    let store = Arc::new(FaultyStore::new(Arc::new(InMemory::new())));
    let lake = Lake::over(Arc::clone(&store) as _, Url::parse("memory:///the/lake").unwrap()).unwrap();
    (lake, store)
}

async fn table(lake: &Lake) -> Table {
    lake.ensure(&name(), columns(), &TableOptions::default()).await.unwrap()
}

async fn files(table: &Table, numbers: impl IntoIterator<Item = i64>) -> Vec<DataFile> {
    let mut writer = table.writer().unwrap();
    writer.write(&rows(numbers)).await.unwrap();
    writer.finish().await.unwrap()
}

fn step(expected: Option<i64>, next: i64) -> Vec<Progress> {
    vec![Progress {
        id: "stream/sales.lines/lines/0".to_owned(),
        expected,
        next,
    }]
}

async fn append(table: &Table, numbers: impl IntoIterator<Item = i64>, progress: Vec<Progress>) -> Commit {
    Commit {
        add: files(table, numbers).await,
        progress,
        ..Commit::new(RunId::new(), Operation::Append)
    }
}

/// Writes a commit as another engine would.
async fn put_entry(table: &Table, version: u64, actions: &[serde_json::Value]) {
    let text: Vec<_> = actions.iter().map(ToString::to_string).collect();
    let path = format!("_delta_log/{version:020}.json").into();
    let log = table.log_store().object_store(None);
    ObjectStoreExt::put(log.as_ref(), &path, text.join("\n").into())
        .await
        .unwrap();
}

/// Every `number` that a provider gives, in order.
async fn numbers(provider: Arc<dyn TableProvider>) -> Vec<i64> {
    let frame = SessionContext::new().read_table(provider).unwrap();
    let batches = frame.select_columns(&["number"]).unwrap().collect().await.unwrap();
    let mut numbers: Vec<i64> = batches
        .iter()
        .flat_map(|batch| {
            let column = batch.column(0).as_any().downcast_ref::<Int64Array>().unwrap();
            column.values().to_vec()
        })
        .collect();
    numbers.sort_unstable();
    numbers
}

async fn stored(lake: &Lake) -> Vec<i64> {
    numbers(lake.load(&name()).await.unwrap().unwrap().provider().unwrap()).await
}
