//! Quarantine tables that an earlier Polder made and wrote.

use arrow::array::{BinaryArray, new_null_array};
use arrow::datatypes::Schema;
use futures::future::BoxFuture;
use polder_lake::{Commit, Operation};

use super::*;
use crate::{Again, Reread};

const QUARANTINE: &str = "sales.quarantine.bronze_events";

#[tokio::test]
async fn a_quarantine_of_an_earlier_polder_gets_the_columns_that_it_lacks() {
    let lake = lake();
    let name: DatasetName = QUARANTINE.parse().unwrap();
    let older = Schema::new(quarantine_schema().fields()[..15].to_vec());
    lake.ensure(&name, Arc::new(older), &TableOptions::default())
        .await
        .unwrap();
    let topic = topic([Some(1), Some(5), Some(2)]);
    let mut stream = open(&lake, 3).await;
    deliver(&mut stream, &topic, 1, Crash::Never).await.unwrap();
    let contract = contract(0);
    assert_eq!(quarantine(&lake).await.replay(&all(&contract)).await.unwrap().passed, 1);
    // The stream at work writes on.
    deliver(&mut stream, &topic, 2, Crash::Never).await.unwrap();
    assert_eq!(placed(&lake).await, (vec![0, 1], vec![0, 2]));
    assert_eq!(states(&lake).await, [(0, state("replayed")), (2, state("open"))]);
}

#[tokio::test]
async fn a_rehearsal_writes_nothing_also_where_a_replay_would_add_columns() {
    let lake = lake();
    let (dataset, name): (DatasetName, DatasetName) = (
        DATASET.parse().unwrap(),
        "sales.quarantine.bronze_events".parse().unwrap(),
    );
    let older = Schema::new(quarantine_schema().fields()[..15].to_vec());
    lake.ensure(&name, Arc::new(older), &TableOptions::default())
        .await
        .unwrap();
    let mut stream = open(&lake, 3).await;
    deliver(&mut stream, &topic([Some(1), Some(5)]), 2, Crash::Never)
        .await
        .unwrap();
    let versions = async || {
        let of = async |name| lake.load(name).await.unwrap().unwrap().version();
        [of(&dataset).await, of(&name).await]
    };
    let before = versions().await;
    // The contract of now has a column, and a key, that the table lacks.
    let text = "apiVersion: v3.1.0\nkind: DataContract\nid: events\nname: events\nversion: 2.0.0\nstatus: active\n\
                domain: sales\nschema:\n  - name: events\n    physicalName: sales.bronze.events\n    properties:\n      \
                - {name: name, logicalType: string, required: true}\n      \
                - {name: n, logicalType: integer, physicalType: int}\n      \
                - {name: code, logicalType: string, unique: true}\n";
    let parsed = parse(&Source::new("contracts/sales/events.odcs.yaml", text));
    let contract = DatasetContract {
        contract: Arc::new(parsed.contract.unwrap()),
        object: 0,
    };
    let mut quarantine = Quarantine::open_as_it_is(&lake, &dataset).await.unwrap().unwrap();
    assert_eq!(quarantine.rehearse(&all(&contract)).await.unwrap().passed, 1);
    assert_eq!(versions().await, before);
    assert_eq!(
        self::quarantine(&lake)
            .await
            .replay(&all(&contract))
            .await
            .unwrap()
            .passed,
        1
    );
}

/// The columns before records came with their own timestamps and the header that names their schema.
fn without_headers() -> Arc<Schema> {
    let schema = quarantine_schema();
    let fields = schema.fields().iter();
    let kept = fields.filter(|field| !["_timestamp", "_schema_header"].contains(&field.name().as_str()));
    Arc::new(Schema::new(kept.cloned().collect::<Vec<_>>()))
}

/// Writes the refused record at offset 0 as the Polder of then did.
async fn refuse_as_then(lake: &Lake) {
    let name = QUARANTINE.parse().unwrap();
    let schema = without_headers();
    let mut table = lake
        .ensure(&name, Arc::clone(&schema), &TableOptions::default())
        .await
        .unwrap();
    let columns = schema.fields().iter().map(|field| -> ArrayRef {
        let text = |text: &str| -> ArrayRef { Arc::new(StringArray::from(vec![text])) };
        match field.name().as_str() {
            "_quarantine_id" => text("sales.events/retail.events/0/0"),
            "_origin" => text(STREAM),
            "_topic" => text(TOPIC),
            "_partition" => Arc::new(Int32Array::from(vec![0])),
            "_offset" => Arc::new(Int64Array::from(vec![0])),
            "_event_time" | "_ingested_at" => {
                Arc::new(TimestampMicrosecondArray::from(vec![1_000_000]).with_timezone("UTC"))
            }
            "rule" => text("format.avro"),
            "reason" | "_run_id" | "contract_version" => text("then"),
            "raw" => Arc::new(BinaryArray::from_vec(vec![b"0:None"])),
            _ => new_null_array(field.data_type(), 1),
        }
    });
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns.collect()).unwrap();
    let mut writer = table.writer().unwrap();
    writer.write(&batch).await.unwrap();
    let mut commit = Commit::new(RunId::new(), Operation::Append);
    commit.add = writer.finish().await.unwrap();
    table.commit(commit).await.unwrap();
}

/// Reads every record, and holds what it came with against what is kept of it.
struct Reader;

impl Reread for Reader {
    fn knows(&self, origin: &str) -> bool {
        origin == STREAM
    }

    fn reread<'a>(&'a self, _: &'a str, records: &'a [RawRecord<'a>]) -> BoxFuture<'a, Result<Again>> {
        for record in records {
            let kept = (record.timestamp, record.schema_header);
            match record.offset {
                0 => assert_eq!(kept, (None, None)),
                _ => assert_eq!(kept, (Some(2_000_000), Some(&b"named"[..]))),
            }
        }
        let names: ArrayRef = Arc::new(StringArray::from(vec!["x"; records.len()]));
        let numbers: ArrayRef = Arc::new(Int32Array::from(vec![5; records.len()]));
        let times: TimestampMicrosecondArray = records.iter().map(|record| record.event_time).collect();
        let again = Again {
            rows: RecordBatch::try_from_iter_with_nullable([("name", names, true), ("n", numbers, true)]).unwrap(),
            event_times: times.with_timezone("UTC"),
            schema_ids: vec![None; records.len()],
            unread: vec![None; records.len()],
        };
        Box::pin(async move { Ok(again) })
    }
}

#[tokio::test]
async fn rows_of_then_are_replayed_beside_those_of_now() {
    let lake = lake();
    refuse_as_then(&lake).await;
    let contract = contract(3);
    let mut replay = all(&contract);
    replay.reread = Some(&Reader);
    open(&lake, 3).await;
    // A rehearsal adds no columns, and does without them.
    let dataset = DATASET.parse().unwrap();
    let mut as_it_is = Quarantine::open_as_it_is(&lake, &dataset).await.unwrap().unwrap();
    assert_eq!(as_it_is.rehearse(&replay).await.unwrap().passed, 1);
    assert_eq!(
        as_it_is.table().schema().fields().len(),
        without_headers().fields().len()
    );

    let topic: Vec<_> = topic([None, None]).split_off(1);
    deliver(&mut open(&lake, 3).await, &topic, 1, Crash::Never)
        .await
        .unwrap();
    let headers = [
        of_quarantine(&lake, 0, "_schema_header").await,
        of_quarantine(&lake, 1, "_schema_header").await,
    ];
    assert_eq!(headers, [None, state("named")]);
    assert_eq!(quarantine(&lake).await.replay(&replay).await.unwrap().passed, 2);
    assert_eq!(placed(&lake).await, (vec![0, 1], vec![0, 1]));
}

#[tokio::test]
async fn rows_of_then_are_decided_about_before_any_of_now_came() {
    let lake = lake();
    refuse_as_then(&lake).await;
    let contract = contract(3);
    let mut replay = all(&contract);
    replay.reread = Some(&Reader);
    assert_eq!(quarantine(&lake).await.replay(&replay).await.unwrap().passed, 1);
    assert_eq!(placed(&lake).await, (vec![0], vec![0]));
    assert_eq!(of_quarantine(&lake, 0, "raw").await, state("0:None"));
}
