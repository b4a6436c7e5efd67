//! Whole deliveries into a lake in memory: streams, pipelines, and crashes between the two commits.

mod crashes;
mod foreign;
mod groups;
mod increments;
mod landing;
mod pipelines;
mod replays;
mod rivals;
mod rules;
mod streams;
mod uploads;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::prelude::SessionContext;
use object_store::memory::InMemory;
use polder_contract::{DatasetContract, parse};
use polder_core::document::Source;
use polder_core::{DatasetName, Result, RunId};
use polder_lake::{Lake, Progress};

use crate::{Delivery, Outcome, RawRecord, Receipt, Reject, STREAM_COLUMNS, Shipment};

const STREAM: &str = "sales.events";
const TOPIC: &str = "retail.events";
const PROGRESS: &str = "stream/sales.events/retail.events/0";

fn lake() -> Lake {
    Lake::over(Arc::new(InMemory::new()), "memory:///lake".parse().unwrap()).unwrap()
}

/// A contract for `sales.bronze.events` that refuses numbers below a minimum.
fn contract(minimum: i32) -> DatasetContract {
    let text = format!(
        "apiVersion: v3.1.0\nkind: DataContract\nid: events\nname: events\nversion: 1.0.{minimum}\nstatus: active\n\
         domain: sales\nschema:\n  - name: events\n    physicalName: sales.bronze.events\n    properties:\n\
         \x20     - {{name: name, logicalType: string, required: true}}\n\
         \x20     - {{name: n, logicalType: integer, physicalType: int, logicalTypeOptions: {{minimum: {minimum}}}}}\n"
    );
    let parsed = parse(&Source::new("contracts/sales/events.odcs.yaml", text));
    let contract = parsed.contract.unwrap_or_else(|| panic!("{:?}", parsed.diagnostics));
    DatasetContract {
        contract: Arc::new(contract),
        object: 0,
    }
}

/// One message of a topic with one partition. `None` for bytes that do not decode.
#[derive(Debug, Clone)]
struct Message {
    offset: i64,
    number: Option<i32>,
    bytes: Vec<u8>,
}

/// Messages with these numbers at the offsets 0, 1, ….
fn topic(numbers: impl IntoIterator<Item = Option<i32>>) -> Vec<Message> {
    numbers
        .into_iter()
        .enumerate()
        .map(|(offset, number)| Message {
            offset: offset as i64,
            number,
            bytes: format!("{offset}:{number:?}").into_bytes(),
        })
        .collect()
}

impl Message {
    fn raw(&self) -> RawRecord<'_> {
        RawRecord {
            topic: TOPIC,
            partition: 0,
            offset: self.offset,
            key: Some(b"key"),
            timestamp: Some(2_000_000),
            event_time: Some(1_000_000),
            schema_header: Some(b"named"),
            schema_id: Some(7),
            bytes: Some(&self.bytes),
        }
    }
}

/// The batch that a stream decodes from messages, all of which decode.
fn decoded(messages: &[Message]) -> RecordBatch {
    let times = || -> ArrayRef {
        Arc::new(TimestampMicrosecondArray::from(vec![1_000_000; messages.len()]).with_timezone("UTC"))
    };
    let text = |value: &str| -> ArrayRef { Arc::new(StringArray::from(vec![value; messages.len()])) };
    RecordBatch::try_from_iter_with_nullable(vec![
        ("name", text("x"), true),
        (
            "n",
            Arc::new(messages.iter().map(|message| message.number).collect::<Int32Array>()) as ArrayRef,
            true,
        ),
        ("_topic", text(TOPIC), true),
        ("_partition", Arc::new(Int32Array::from(vec![0; messages.len()])), true),
        (
            "_offset",
            Arc::new(
                messages
                    .iter()
                    .map(|message| Some(message.offset))
                    .collect::<Int64Array>(),
            ),
            true,
        ),
        ("_event_time", times(), true),
        ("_ingested_at", times(), true),
        ("_run_id", text("run"), true),
    ])
    .unwrap()
}

async fn open(lake: &Lake, minimum: i32) -> Delivery {
    Delivery::open(lake, &contract(minimum), STREAM_COLUMNS.as_slice(), STREAM)
        .await
        .unwrap()
}

/// Where a delivery is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Crash {
    Never,
    BeforeAnyCommit,
    BetweenTheCommits,
}

/// Delivers up to `count` messages from where the table says that the stream got.
async fn deliver(delivery: &mut Delivery, topic: &[Message], count: usize, crash: Crash) -> Result<Option<Receipt>> {
    delivery.refresh().await?;
    let from = delivery.progress(PROGRESS).await?;
    deliver_from(delivery, topic, from, count, crash).await
}

/// Delivers up to `count` messages from a position that was read earlier.
async fn deliver_from(
    delivery: &mut Delivery,
    topic: &[Message],
    from: Option<i64>,
    count: usize,
    crash: Crash,
) -> Result<Option<Receipt>> {
    let mut shipment = delivery.shipment(RunId::new()).await?;
    let Some(outcome) = load(&mut shipment, topic, from, count).await? else {
        return Ok(None);
    };
    match crash {
        Crash::Never => shipment.commit(outcome).await.map(Some),
        Crash::BeforeAnyCommit => Ok(None),
        Crash::BetweenTheCommits => shipment.commit_refused().await.map(|_| None),
    }
}

/// Puts up to `count` messages into a shipment; `None` where there are no more.
async fn load(
    shipment: &mut Shipment<'_>,
    topic: &[Message],
    from: Option<i64>,
    count: usize,
) -> Result<Option<Outcome>> {
    let start = from.unwrap_or(0);
    let messages: Vec<_> = topic
        .iter()
        .filter(|message| message.offset >= start)
        .take(count)
        .cloned()
        .collect();
    let Some(last) = messages.last() else { return Ok(None) };
    for part in messages.chunk_by(|left, right| left.number.is_some() == right.number.is_some()) {
        if part[0].number.is_some() {
            let raw: Vec<_> = part.iter().map(Message::raw).collect();
            shipment.push(&decoded(part), &raw).await?;
        } else {
            for message in part {
                shipment
                    .reject(Reject {
                        record: message.raw(),
                        rule: "format.avro",
                        reason: "not Avro",
                    })
                    .await?;
            }
        }
    }
    let progress = Progress {
        id: PROGRESS.to_owned(),
        expected: from,
        next: last.offset + 1,
    };
    Ok(Some(Outcome {
        progress: vec![progress],
        ..Outcome::default()
    }))
}

/// All rows of a dataset; `None` where it has no table.
async fn rows(lake: &Lake, dataset: &str) -> Option<RecordBatch> {
    let name: DatasetName = dataset.parse().unwrap();
    let table = lake.load(&name).await.unwrap()?;
    let frame = SessionContext::new().read_table(table.provider().unwrap()).unwrap();
    let batches = frame.collect().await.unwrap();
    let schema = batches.first().map_or_else(|| table.schema(), |batch| batch.schema());
    Some(concat_batches(&schema, &batches).unwrap())
}

fn texts(rows: &RecordBatch, column: &str) -> Vec<Option<String>> {
    let column = cast(rows.column_by_name(column).unwrap(), &DataType::Utf8).unwrap();
    column
        .as_string::<i32>()
        .iter()
        .map(|text| text.map(str::to_owned))
        .collect()
}

fn offsets(rows: Option<&RecordBatch>) -> Vec<i64> {
    let Some(rows) = rows else { return Vec::new() };
    let mut offsets: Vec<_> = rows
        .column_by_name("_offset")
        .unwrap()
        .as_primitive::<Int64Type>()
        .values()
        .to_vec();
    offsets.sort_unstable();
    offsets
}

/// Accepted and quarantined offsets, ascending, with repetitions.
async fn placed(lake: &Lake) -> (Vec<i64>, Vec<i64>) {
    let accepted = rows(lake, "sales.bronze.events").await;
    let refused = rows(lake, "sales.quarantine.bronze_events").await;
    (offsets(accepted.as_ref()), offsets(refused.as_ref()))
}

/// How often each offset is in one of both tables.
async fn occurrences(lake: &Lake) -> BTreeMap<i64, usize> {
    let (accepted, refused) = placed(lake).await;
    let mut counts = BTreeMap::new();
    accepted
        .into_iter()
        .chain(refused)
        .for_each(|offset| *counts.entry(offset).or_default() += 1);
    counts
}
