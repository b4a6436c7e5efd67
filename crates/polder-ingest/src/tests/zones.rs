//! Times without an offset, in columns that say in which zone they are.

use std::fs;

use polder_contract::DatasetContract;
use polder_delivery::{Patch, Patched, Quarantine, Replay, Replayed, Selection};
use polder_query::{RuleQueries, Session, SessionOptions};

use super::avro::{SCHEMA, line};
use super::*;
use crate::Rereader;

pub(super) const ORDERS: &str = "shop.bronze.orders";
pub(super) const REFUSED: &str = "shop.quarantine.bronze_orders";

/// A contract whose times are those of Berlin; the earliest that it takes is half past six in UTC.
fn contract(minimum: &str) -> String {
    let zoned = "logicalType: timestamp, logicalTypeOptions: {defaultTimezone: Europe/Berlin}";
    format!(
        "apiVersion: v3.1.0
kind: DataContract
id: orders
version: 1.0.0
status: active
schema:
  - name: orders
    physicalName: {ORDERS}
    properties:
      - name: at
        logicalType: timestamp
        logicalTypeOptions: {{timezone: false, defaultTimezone: Europe/Berlin, minimum: '{minimum}'}}
      - {{name: n, logicalType: integer}}
      - {{name: lines, logicalType: array, items: {{logicalType: object, properties: [{{name: sent, {zoned}}}]}}}}
      - name: steps
        logicalType: map
        map: {{key: {{name: key, logicalType: string}}, value: {{name: value, {zoned}}}}}
      - {{name: plain, logicalType: timestamp}}
"
    )
}

pub(super) fn contracts(domain: &str, text: &str) -> Arc<ContractSet> {
    let source = Source::new("contracts/domain/orders.odcs.yaml", text);
    let (set, problems) = ContractSet::load([(domain.to_owned(), source)]);
    assert!(problems.is_empty(), "{problems:#?}");
    Arc::new(set)
}

const RECORDS: [&str; 10] = [
    r#"{"at": "2026-07-02T08:30:00"}"#,
    r#"{"at": "2026-07-02T08:29:59"}"#,
    // Clocks go back, and this is there twice; forward, and this is not there.
    r#"{"at": "2026-10-25T02:30:00"}"#,
    r#"{"at": "2027-03-28 02:30:00"}"#,
    r#"{"at": "2026-10-25T02:30:00+01:00"}"#,
    r#"{"at": "2026-07-02T09:00:00", "n": "six"}"#,
    r#"{"at": "2026-12-02T08:30:00", "lines": [{"sent": "2026-12-02T08:31:00"}], "steps": {"a": "2026-12-02T08:32:00"}}"#,
    r#"{"at": "2026-12-02T08:30:00", "plain": "2026-12-02T08:30:00"}"#,
    r#"{"at": "2026-12-02T08:30:00", "lines": [{"sent": "2026-10-25T02:30:00"}]}"#,
    r#"{"at": "2026-12-02T08:30:00", "steps": {"a": "2026-10-25T02:30:00"}}"#,
];

pub(super) struct Orders {
    _folder: tempfile::TempDir,
    pub(super) ingest: Ingest,
    pub(super) spec: StreamSpec,
}

impl Orders {
    fn new(records: &[&str]) -> Self {
        let contract = contract("2026-07-02T08:30:00+02:00");
        Self::under(&contract, records, "{encoding: json, event_time: at}")
    }

    /// A folder with a file of these records, and a stream of this format into a dataset of this contract.
    pub(super) fn under(contract: &str, records: &[&str], format: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("orders.jsonl"), records.join("\n") + "\n").unwrap();
        let mut ingest = ingest(folder.path(), "127.0.0.1:1", "http://127.0.0.1:1");
        ingest.contracts = contracts("shop", contract);
        let spec = spec(&format!(
            "dataset: {ORDERS}\nsource: {{files: {{path: '*.jsonl'}}}}\nformat: {format}\n"
        ));
        Self {
            _folder: folder,
            ingest,
            spec,
        }
    }

    pub(super) async fn run(&self) -> Summary {
        let observer = &Quiet;
        let run = self.ingest.run(
            &self.spec,
            Mode::UntilEnd,
            RunId::new(),
            CancellationToken::new(),
            observer,
        );
        run.await.unwrap()
    }

    pub(super) async fn rows(&self, column: &str) -> BTreeMap<i64, Option<String>> {
        Rows::read(&self.ingest.lake, ORDERS).await.by_offset(column)
    }

    pub(super) async fn replay(&self, patch: Option<&dyn Patch>, streams: &[StreamSpec]) -> Replayed {
        let lake = &self.ingest.lake;
        let contract: DatasetContract = self.ingest.contracts.get(&ORDERS.parse().unwrap()).unwrap();
        let registry = &self.ingest.registry;
        let rereader = Rereader::new(streams, contract.dataset(), contract.object(), registry).unwrap();
        let session = Session::new(lake, &SessionOptions::default()).unwrap();
        let replay = Replay {
            contract: &contract,
            queries: Arc::new(RuleQueries::new(&session, &contract)),
            selection: Selection::default(),
            patch,
            reread: Some(&rereader),
            resolution: "mended".to_owned(),
            by: "ann".to_owned(),
            run: RunId::new(),
            judged: None,
        };
        let quarantine = Quarantine::open(lake, contract.dataset()).await.unwrap();
        quarantine.unwrap().replay(&replay).await.unwrap()
    }
}

fn text(value: &str) -> Option<String> {
    Some(value.to_owned())
}

/// Sets `n` to nothing.
struct WithoutN([String; 1]);

impl Patch for WithoutN {
    fn columns(&self) -> &[String] {
        &self.0
    }

    fn apply(&self, rows: &RecordBatch) -> Result<Patched> {
        let mut columns = rows.columns().to_vec();
        let place = rows.schema().index_of("n").unwrap();
        columns[place] = arrow::array::new_null_array(&DataType::Int32, rows.num_rows());
        Ok(Patched {
            rows: RecordBatch::try_new(rows.schema(), columns).unwrap(),
            misfits: Vec::new(),
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_without_an_offset_is_judged_and_kept_as_the_instant_that_it_is_there() {
    let orders = Orders::new(&RECORDS);
    let summary = orders.run().await;
    assert_eq!((summary.accepted, summary.rejected), (4, 6));
    let at = orders.rows("at").await;
    assert_eq!(at[&1], text("2026-07-02T06:30:00Z"));
    assert_eq!(at[&5], text("2026-10-25T01:30:00Z"));
    assert_eq!(orders.rows("_event_time").await, at);
    assert_eq!(orders.rows("lines").await[&7], text("[{sent: 2026-12-02T07:31:00Z}]"));
    assert_eq!(orders.rows("steps").await[&7], text("{a: 2026-12-02T07:32:00Z}"));
    // A column that names no zone is in UTC, whatever others say.
    assert_eq!(orders.rows("plain").await[&8], text("2026-12-02T08:30:00Z"));
    let refused = Rows::read(&orders.ingest.lake, REFUSED).await;
    let rules = refused.by_offset("rule");
    let rule = |line: i64| rules[&line].as_deref().unwrap();
    assert_eq!(
        [2, 3, 4, 6, 9, 10].map(rule),
        ["at.minimum", "at.type", "at.type", "n.type", "lines.type", "steps.type"]
    );
    let reason = refused.by_offset("reason")[&3].clone().unwrap();
    let why = "at.type: `2026-10-25T02:30:00` has no offset, and clocks in Europe/Berlin show it twice or never";
    assert!(reason.starts_with(why), "{reason}");
    assert_eq!(
        refused.by_offset("record")[&2],
        text(r#"{"at":"2026-07-02T08:29:59+02:00"}"#)
    );
    assert_eq!(refused.by_offset("_event_time")[&6], text("2026-07-02T07:00:00Z"));
}

#[tokio::test(flavor = "multi_thread")]
async fn replayed_it_is_the_same_instant() {
    let mut orders = Orders::new(&RECORDS);
    orders.run().await;
    // Without its stream nobody reads the bytes again, and no instant is guessed for what the record says.
    let n = WithoutN(["n".to_owned()]);
    let replayed = orders.replay(Some(&n), &[]).await;
    assert_eq!((replayed.passed, replayed.refused["at.type"].0), (0, 5), "{replayed:?}");
    let spec = orders.spec.clone();
    let replayed = orders.replay(Some(&n), std::slice::from_ref(&spec)).await;
    assert_eq!(
        (replayed.passed, replayed.refused["at.minimum"].0),
        (1, 1),
        "{replayed:?}"
    );
    assert_eq!(orders.rows("at").await[&6], text("2026-07-02T07:00:00Z"));
    // Under a contract that takes what is earlier.
    orders.ingest.contracts = contracts("shop", &contract("2026-07-02T00:00:00+02:00").replace("1.0.0", "2.0.0"));
    let replayed = orders.replay(None, std::slice::from_ref(&spec)).await;
    let refused: Vec<_> = replayed
        .refused
        .iter()
        .map(|(rule, (rows, _))| (rule.as_str(), *rows))
        .collect();
    assert_eq!(
        (replayed.passed, refused),
        (1, vec![("at.type", 2), ("lines.type", 1), ("steps.type", 1)])
    );
    assert_eq!(orders.rows("at").await[&2], text("2026-07-02T06:29:59Z"));
    assert_eq!(orders.rows("_event_time").await[&2], text("2026-07-02T06:29:59Z"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instant_of_avro_is_the_same_in_every_zone() {
    let mut shop = Shop::new(1, "{rows: 1000}").await;
    let column = "      - {name: timestamp, logicalType: timestamp, \
                  logicalTypeOptions: {defaultTimezone: Europe/Berlin}}\n";
    shop.ingest.contracts = contracts("sales", &format!("{CONTRACT}{column}"));
    let subject = "retail.invoice_line-value";
    let id = shop.ingest.registry.register(subject, SCHEMA).await.unwrap();
    shop.send(0, &line(id, 3, 2_550)).await;
    assert_eq!(shop.run().await.unwrap().accepted, 1);
    let bronze = shop.bronze().await;
    for column in ["timestamp", "_event_time"] {
        assert_eq!(
            bronze.by_offset(column)[&0],
            text("2010-12-01T08:26:00.003Z"),
            "{column}"
        );
    }
}
