//! Replays that read the bytes of refused records again.

use std::collections::BTreeMap;

use futures::future::BoxFuture;
use polder_core::{Error, ErrorKind};

use super::*;
use crate::{Again, Misfit, Reread, Unread};

/// What a record's bytes say: by its offset.
#[derive(Default)]
struct Reader {
    says: BTreeMap<i64, Says>,
    code: Option<&'static str>,
    broken: bool,
}

#[derive(Clone)]
enum Says {
    Number(i32),
    /// A number that its type does not hold.
    Misfit,
}

/// Computes the number from the number: one more; from text its letters, where it can.
struct FromNumber {
    columns: Vec<String>,
    counts_letters: bool,
}

impl Patch for FromNumber {
    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn reads(&self) -> &[String] {
        &self.columns
    }

    fn apply(&self, rows: &RecordBatch) -> Result<Patched> {
        let numbers = rows.column_by_name("n").unwrap();
        let numbers = numbers.as_primitive::<arrow::datatypes::Int32Type>();
        Ok(with_numbers(rows, numbers.unary(|n| n + 1)))
    }

    fn apply_to_texts(&self, rows: &RecordBatch, texts: &[String]) -> Result<Patched> {
        assert_eq!(texts, self.columns);
        if !self.counts_letters {
            return Err(Error::new(ErrorKind::Data, "letters are not counted"));
        }
        let texts = rows.column_by_name("n").unwrap().as_string::<i32>().clone();
        let letters = texts
            .iter()
            .map(|text| text.map(|text| i32::try_from(text.len()).unwrap()));
        Ok(with_numbers(rows, letters.collect()))
    }
}

fn with_numbers(rows: &RecordBatch, numbers: Int32Array) -> Patched {
    let place = rows.schema().index_of("n").unwrap();
    let (mut fields, mut columns) = (rows.schema().fields().to_vec(), rows.columns().to_vec());
    fields[place] = Arc::new(arrow::datatypes::Field::new("n", DataType::Int32, true));
    columns[place] = Arc::new(numbers);
    Patched {
        rows: RecordBatch::try_new(Arc::new(arrow::datatypes::Schema::new(fields)), columns).unwrap(),
        misfits: Vec::new(),
    }
}

#[tokio::test]
async fn a_patch_computes_from_the_text_of_what_its_type_does_not_hold() {
    let lake = delivered(&[Some(1), None, Some(2), None], 3).await;
    let reader = Reader::new([(1, Says::Misfit), (3, Says::Number(6))]);
    let contract = contract(0);
    let mut patch = FromNumber {
        columns: vec!["n".to_owned()],
        counts_letters: false,
    };
    let mut replay = all(&contract);
    replay.reread = Some(&reader);
    replay.selection.rule = Some("format.avro".to_owned());
    replay.patch = Some(&patch);
    let rehearsed = quarantine(&lake).await.rehearse(&replay).await.unwrap();
    assert_eq!(rehearsed.passed, 1);
    let (rows, why) = &rehearsed.refused["n.type"];
    assert_eq!(*rows, 1);
    assert!(
        why.contains("`many` is not a 32-bit integer") && why.contains("not counted"),
        "{why}"
    );

    patch.counts_letters = true;
    let mut replay = all(&contract);
    replay.reread = Some(&reader);
    replay.patch = Some(&patch);
    assert_eq!(quarantine(&lake).await.replay(&replay).await.unwrap().passed, 4);
    let rows = self::rows(&lake, DATASET).await.unwrap();
    let mut numbers: Vec<_> = offsets_of(&rows).into_iter().zip(texts(&rows, "n")).collect();
    numbers.sort_unstable();
    assert_eq!(
        numbers,
        [(0, state("2")), (1, state("4")), (2, state("3")), (3, state("7"))]
    );
}

/// Seconds that the reader says of every event.
const EVENT_TIME: i64 = 1_291_191_960;

impl Reader {
    fn new(says: impl IntoIterator<Item = (i64, Says)>) -> Self {
        Self {
            says: says.into_iter().collect(),
            ..Self::default()
        }
    }
}

impl Reread for Reader {
    fn knows(&self, origin: &str) -> bool {
        origin == STREAM
    }

    fn reread<'a>(&'a self, _: &'a str, records: &'a [RawRecord<'a>]) -> BoxFuture<'a, Result<Again>> {
        Box::pin(async move {
            if self.broken {
                return Err(Error::new(ErrorKind::Unreachable, "nobody answers"));
            }
            let says: Vec<_> = records
                .iter()
                .map(|record| {
                    assert_eq!(
                        (record.timestamp, record.schema_header),
                        (Some(2_000_000), Some(&b"named"[..]))
                    );
                    assert!(
                        record
                            .bytes
                            .unwrap()
                            .starts_with(format!("{}:", record.offset).as_bytes())
                    );
                    self.says.get(&record.offset)
                })
                .collect();
            let numbers = says.iter().map(|says| match says {
                Some(Says::Number(number)) => Some(*number),
                _ => None,
            });
            let names = says.iter().map(|says| says.map(|_| "y"));
            let mut columns: Vec<(&str, ArrayRef, bool)> = vec![
                ("name", Arc::new(names.collect::<StringArray>()), true),
                ("n", Arc::new(numbers.collect::<Int32Array>()), true),
            ];
            if self.code.is_some() {
                columns.push(("code", Arc::new(StringArray::from(vec![self.code; says.len()])), true));
            }
            let unread = says.iter().map(|says| match says {
                Some(Says::Number(_)) => None,
                Some(Says::Misfit) => Some(Unread::Columns {
                    misfits: vec![Misfit {
                        column: "n".to_owned(),
                        reason: "`many` is not a 32-bit integer".to_owned(),
                    }],
                    json: r#"{"name":"y","n":"many"}"#.to_owned(),
                }),
                None => Some(Unread::Record {
                    rule: "format.avro".to_owned(),
                    reason: "not Avro either".to_owned(),
                }),
            });
            let times = TimestampMicrosecondArray::from(vec![EVENT_TIME * 1_000_000; says.len()]);
            Ok(Again {
                unread: unread.collect(),
                rows: RecordBatch::try_from_iter_with_nullable(columns).unwrap(),
                event_times: times.with_timezone("UTC"),
                schema_ids: vec![Some(9); says.len()],
            })
        })
    }
}

/// Sets the number.
struct Nine(Vec<String>);

impl Patch for Nine {
    fn columns(&self) -> &[String] {
        &self.0
    }

    fn apply(&self, rows: &RecordBatch) -> Result<Patched> {
        let place = rows.schema().index_of("n").unwrap();
        let mut columns = rows.columns().to_vec();
        columns[place] = Arc::new(Int32Array::from(vec![9; rows.num_rows()]));
        let rows = RecordBatch::try_new(rows.schema(), columns).unwrap();
        let misfits = Vec::new();
        Ok(Patched { rows, misfits })
    }
}

#[tokio::test]
async fn records_that_can_be_read_now_come_once_and_the_others_stay_with_their_history() {
    let lake = delivered(&[Some(5), None, None, None, None], 3).await;
    let reader = Reader::new([(1, Says::Number(4)), (2, Says::Number(1)), (4, Says::Misfit)]);
    let contract = contract(3);
    let mut replay = all(&contract);
    replay.reread = Some(&reader);
    let replayed = quarantine(&lake).await.replay(&replay).await.unwrap();
    assert_eq!((replayed.selected, replayed.passed), (4, 1));
    let refused: Vec<_> = replayed
        .refused
        .iter()
        .map(|(rule, (rows, _))| (rule.as_str(), *rows))
        .collect();
    assert_eq!(refused, [("format.avro", 1), ("n.minimum", 1), ("n.type", 1)]);
    assert!(replayed.unfit.is_empty());
    assert_eq!(placed(&lake).await, (vec![0, 1], vec![1, 2, 3, 4]));
    let rows = rows(&lake, DATASET).await.unwrap();
    let place = offsets_of(&rows).iter().position(|offset| *offset == 1).unwrap();
    let of_row = |column: &str| texts(&rows, column).swap_remove(place).unwrap();
    // Seconds from `date -u -d @1291191960`.
    assert_eq!(of_row("_event_time"), "2010-12-01T08:26:00Z");
    assert_eq!([of_row("n"), of_row("_schema_id"), of_row("_topic")], ["4", "9", TOPIC]);

    // What could be read now is what the row is from now on; its bytes stay.
    let column = async |offset, name| of_quarantine(&lake, offset, name).await;
    assert_eq!(column(2, "rule").await.unwrap(), "n.minimum");
    assert_eq!(column(2, "record").await.unwrap(), r#"{"name":"y","n":1}"#);
    assert_eq!(column(2, "_event_time").await.unwrap(), "2010-12-01T08:26:00Z");
    assert_eq!(column(2, "_schema_id").await.unwrap(), "9");
    assert_eq!(column(4, "rule").await.unwrap(), "n.type");
    assert_eq!(column(4, "record").await.unwrap(), r#"{"name":"y","n":"many"}"#);
    // What still cannot be read is what it was.
    assert_eq!(column(3, "reason").await.unwrap(), "not Avro");
    assert_eq!(column(3, "record").await, None);
    assert_eq!(column(3, "attempts").await.unwrap(), "1");
    assert_eq!(
        history_of(&lake, 3, &["by", "rule", "reason"]).await,
        [
            [STREAM, "format.avro", "not Avro"],
            ["ann", "format.avro", "not Avro either"]
        ]
    );
    assert_eq!(
        history_of(&lake, 4, &["rule", "contract_version"]).await,
        [["format.avro", "1.0.3"], ["n.type", "1.0.3"]]
    );

    // A patch mends what has fields, and nothing comes twice.
    let patch = Nine(vec!["n".to_owned()]);
    replay.patch = Some(&patch);
    let replayed = quarantine(&lake).await.replay(&replay).await.unwrap();
    assert_eq!((replayed.selected, replayed.passed), (3, 2));
    assert_eq!(placed(&lake).await, (vec![0, 1, 2, 4], vec![1, 2, 3, 4]));
    assert_eq!(
        states(&lake).await,
        [
            (1, state("replayed")),
            (2, state("replayed")),
            (3, state("open")),
            (4, state("replayed"))
        ]
    );
}

fn offsets_of(rows: &RecordBatch) -> Vec<i64> {
    let offsets = rows.column_by_name("_offset").unwrap();
    offsets.as_primitive::<Int64Type>().values().to_vec()
}

#[tokio::test]
async fn bytes_tell_what_a_record_does_not_say_and_no_more() {
    let lake = delivered(&[Some(1), Some(2)], 3).await;
    let text = "apiVersion: v3.1.0\nkind: DataContract\nid: events\nname: events\nversion: 2.0.0\nstatus: active\n\
                domain: sales\nschema:\n  - name: events\n    physicalName: sales.bronze.events\n    properties:\n      \
                - {name: name, logicalType: string, required: true}\n      \
                - {name: n, logicalType: integer, physicalType: int}\n      \
                - {name: code, logicalType: string, required: true}\n";
    let parsed = parse(&Source::new("contracts/sales/events.odcs.yaml", text));
    let contract = DatasetContract {
        contract: Arc::new(parsed.contract.unwrap()),
        object: 0,
    };
    // The second record is one that the stream cannot read any more.
    let mut reader = Reader::new([(0, Says::Number(99))]);
    reader.code = Some("c");
    let mut replay = all(&contract);
    replay.reread = Some(&reader);
    let replayed = quarantine(&lake).await.replay(&replay).await.unwrap();
    assert_eq!((replayed.passed, replayed.refused["code.required"].0), (1, 1));
    let rows = rows(&lake, DATASET).await.unwrap();
    assert_eq!(texts(&rows, "code"), [state("c")]);
    assert_eq!([texts(&rows, "n"), texts(&rows, "name")], [[state("1")], [state("x")]]);
    // The event happened when it was first said to: the stream may declare another field by now.
    let times = rows.column_by_name("_event_time").unwrap();
    assert_eq!(
        times
            .as_primitive::<arrow::datatypes::TimestampMicrosecondType>()
            .values(),
        &[1_000_000]
    );
}

#[tokio::test]
async fn whoever_cannot_be_asked_leaves_everything_as_it_was() {
    let lake = delivered(&[Some(1), None], 3).await;
    let contract = contract(0);
    let mut replay = all(&contract);
    let broken = Reader {
        broken: true,
        ..Reader::default()
    };
    replay.reread = Some(&broken);
    let error = quarantine(&lake).await.replay(&replay).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert_eq!(placed(&lake).await, (vec![], vec![0, 1]));
    assert_eq!(states(&lake).await, [(0, state("open")), (1, state("open"))]);
}

#[tokio::test]
async fn bytes_are_not_needed_where_no_column_is_newer_than_the_record() {
    let lake = delivered(&[Some(1)], 3).await;
    let broken = Reader {
        broken: true,
        ..Reader::default()
    };
    // Under the version that refused the row nothing was said of `code`; a later one may have gained it.
    for (version, comes) in [("2.0.0", false), ("1.0.3", true)] {
        let text = format!(
            "apiVersion: v3.1.0\nkind: DataContract\nid: events\nname: events\nversion: {version}\nstatus: active\n\
             domain: sales\nschema:\n  - name: events\n    physicalName: sales.bronze.events\n    properties:\n      \
             - {{name: name, logicalType: string, required: true}}\n      \
             - {{name: n, logicalType: integer, physicalType: int}}\n      \
             - {{name: code, logicalType: string}}\n"
        );
        let parsed = parse(&Source::new("contracts/sales/events.odcs.yaml", text));
        let contract = DatasetContract {
            contract: Arc::new(parsed.contract.unwrap()),
            object: 0,
        };
        let mut replay = all(&contract);
        replay.reread = Some(&broken);
        let replayed = quarantine(&lake).await.replay(&replay).await;
        match comes {
            true => assert_eq!(replayed.unwrap().passed, 1),
            false => assert_eq!(replayed.unwrap_err().kind(), ErrorKind::Unreachable),
        }
    }
}

#[tokio::test]
async fn a_crash_between_any_steps_takes_a_record_that_is_read_again_once() {
    for steps in 0..=2 {
        let lake = delivered(&[None, None], 3).await;
        let reader = Reader::new([(0, Says::Number(4)), (1, Says::Number(5))]);
        let contract = contract(3);
        let mut replay = all(&contract);
        replay.reread = Some(&reader);
        let mut first = quarantine(&lake).await;
        let mut judged = first.judge(&replay, true).await.unwrap();
        if steps > 0 {
            let number = first.begin(&mut judged, &replay).await.unwrap().unwrap();
            if steps > 1 {
                first.enter(&mut judged, number, &replay).await.unwrap();
            }
        }
        quarantine(&lake).await.replay(&replay).await.unwrap();
        assert_eq!(placed(&lake).await, (vec![0, 1], vec![0, 1]), "{steps}");
        assert_eq!(
            history_of(&lake, 0, &["by", "outcome"]).await,
            [[STREAM, "refused"], ["ann", "replayed"]],
            "{steps}"
        );
    }
}
