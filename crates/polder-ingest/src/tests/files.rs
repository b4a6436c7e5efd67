//! Folders of JSON lines.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;

use polder_core::{Error, ErrorKind};
use tokio_util::sync::CancellationToken;

use super::*;

struct Folder {
    folder: tempfile::TempDir,
    ingest: Ingest,
    spec: StreamSpec,
}

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("data")).unwrap();
        let ingest = ingest(folder.path(), "127.0.0.1:1", "http://127.0.0.1:1");
        let spec = spec(&format!(
            "dataset: {BRONZE}\nsource: {{files: {{path: data/*.jsonl}}}}\nformat: {{encoding: json}}\n"
        ));
        Self { folder, ingest, spec }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("data").join(name)
    }

    fn append(&self, name: &str, text: &str) {
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.path(name))
            .unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    async fn run(&self) -> Result<Summary> {
        self.ingest
            .run(
                &self.spec,
                Mode::UntilEnd,
                RunId::new(),
                CancellationToken::new(),
                &Quiet,
            )
            .await
    }

    /// A run of a stream, and what it told meanwhile.
    async fn watched(&self, stream: &StreamSpec) -> (Result<Summary>, Vec<String>) {
        let (watch, shutdown) = (Watch::default(), CancellationToken::new());
        let run = self.ingest.run(stream, Mode::UntilEnd, RunId::new(), shutdown, &watch);
        (run.await, watch.told().notices)
    }

    async fn fails(&self) -> Error {
        let error = self.run().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{}", error.report());
        error
    }

    /// File and line of each row of a table.
    async fn lines(&self, dataset: &str) -> Vec<(String, i64)> {
        let mut lines = Vec::new();
        for batch in Rows::read(&self.ingest.lake, dataset).await.batches {
            let topics = batch.column_by_name("_topic").unwrap();
            let offsets = batch.column_by_name("_offset").unwrap().as_primitive::<Int64Type>();
            lines.extend(
                (0..batch.num_rows()).map(|row| (array_value_to_string(topics, row).unwrap(), offsets.value(row))),
            );
        }
        lines.sort();
        lines
    }
}

const GOOD: &str = "{\"event_id\": \"e\", \"invoice_no\": \"1\", \"quantity\": 6}\n";

fn line(file: &str, number: i64) -> (String, i64) {
    (format!("data/{file}"), number)
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_land_once_by_file_and_number() {
    let folder = Folder::new();
    folder.append("b.jsonl", &GOOD.repeat(2));
    folder.append(
        "a.jsonl",
        &format!("{GOOD}\n  \nno json\n{}{GOOD}", GOOD.replace('6', "\"six\"")),
    );
    folder.append("c.txt", GOOD);
    let summary = folder.run().await.unwrap();
    assert_eq!((summary.accepted, summary.rejected, summary.commits), (4, 2, 1));
    assert_eq!(
        folder.lines(BRONZE).await,
        [
            line("a.jsonl", 1),
            line("a.jsonl", 6),
            line("b.jsonl", 1),
            line("b.jsonl", 2)
        ]
    );
    assert_eq!(folder.lines(QUARANTINE).await, [line("a.jsonl", 4), line("a.jsonl", 5)]);

    assert_eq!(folder.run().await.unwrap().commits, 0);
    folder.append("b.jsonl", GOOD);
    folder.append("0.jsonl", GOOD);
    assert_eq!(folder.run().await.unwrap().accepted, 2);
    assert_eq!(folder.lines(BRONZE).await.len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_last_line_without_an_end_is_read_when_it_is_whole() {
    let folder = Folder::new();
    folder.append("a.jsonl", GOOD.trim_end());
    assert_eq!(folder.run().await.unwrap().accepted, 1);
    // Its end comes later, and the beginning of the next line.
    folder.append("a.jsonl", "\n{\"event_id\": \"e\", ");
    assert_eq!(folder.run().await.unwrap().accepted, 0);
    folder.append("a.jsonl", "\"invoice_no\": \"2\"}\n");
    assert_eq!(folder.run().await.unwrap().accepted, 1);
    assert_eq!(folder.lines(BRONZE).await, [line("a.jsonl", 1), line("a.jsonl", 2)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_last_line_that_is_any_whole_value_is_judged_and_one_without_an_end_is_told() {
    let folder = Folder::new();
    let list = format!("[{0},{0}]", GOOD.trim_end());
    for (name, text) in [
        ("a.jsonl", list.as_str()),
        ("b.jsonl", "\"text\""),
        ("c.jsonl", "null"),
        // More digits may come.
        ("d.jsonl", "12"),
        ("e.jsonl", "[1, 2"),
    ] {
        folder.append(name, text);
    }
    let (summary, notices) = folder.watched(&folder.spec).await;
    let summary = summary.unwrap();
    assert_eq!((summary.accepted, summary.rejected), (0, 3));
    let refused = ["a.jsonl", "b.jsonl", "c.jsonl"].map(|name| line(name, 1));
    assert_eq!(folder.lines(QUARANTINE).await, refused);
    let left: Vec<_> = notices.iter().filter(|text| text.contains("has no end yet")).collect();
    assert_eq!(left.len(), 2, "{notices:?}");
    for (told, name) in left.into_iter().zip(["d.jsonl", "e.jsonl"]) {
        assert!(
            told.contains(name) && told.contains("once a line break ends it"),
            "{told}"
        );
    }
    folder.append("d.jsonl", "3\n");
    folder.append("e.jsonl", "]\n");
    assert_eq!(folder.run().await.unwrap().rejected, 2);
    assert_eq!(folder.lines(BRONZE).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_stream_of_files_is_refused_by_what_is_there_to_read() {
    let folder = Folder::new();
    folder.append("a.jsonl", GOOD);
    folder.run().await.unwrap();
    let mut renamed = folder.spec.clone();
    renamed.name = "sales.lines".parse().unwrap();
    let table = folder
        .ingest
        .lake
        .load(&BRONZE.parse().unwrap())
        .await
        .unwrap()
        .unwrap();
    let asked = async |stream: &StreamSpec| {
        let kafka = &folder.ingest.kafka;
        let refused = refused_as_renamed(stream, &table, folder.folder.path(), kafka)
            .await
            .unwrap();
        refused.map(|error| error.to_string())
    };
    let error = folder.watched(&renamed).await.0.unwrap_err();
    assert_eq!((error.kind(), error.exit_code()), (ErrorKind::Document, 2));
    assert_eq!(asked(&renamed).await, Some(error.to_string()));
    assert_eq!(asked(&folder.spec).await, None);
    // What was read is gone: nothing is read twice.
    fs::rename(folder.path("a.jsonl"), folder.path("a.done")).unwrap();
    assert_eq!(asked(&renamed).await, None);
    folder.append("b.jsonl", GOOD);
    assert_eq!(asked(&renamed).await, None);
    assert_eq!(folder.watched(&renamed).await.0.unwrap().accepted, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_for_the_event_time_that_no_record_has_is_told() {
    let folder = Folder::new();
    let timed = |field: &str| {
        let format = format!("format: {{encoding: json, event_time: {field}}}\n");
        spec(&format!(
            "dataset: {BRONZE}\nsource: {{files: {{path: data/*.jsonl}}}}\n{format}"
        ))
    };
    folder.append("a.jsonl", &GOOD.repeat(2));
    let (summary, notices) = folder.watched(&timed("createdat")).await;
    assert_eq!(summary.unwrap().accepted, 2);
    let told = "no record has the field `createdat`, which `format.event_time` names (2 records): _event_time is null";
    assert_eq!(notices, [told]);
    // One that has it, if without a value, says that the name is right.
    let one = GOOD.replace("{", "{\"created_at\": null, ");
    folder.append("a.jsonl", &format!("{one}{GOOD}"));
    let (summary, notices) = folder.watched(&timed("created_at")).await;
    assert_eq!(summary.unwrap().accepted, 2);
    assert!(notices.is_empty(), "{notices:?}");
    // Of nothing new nothing is said.
    assert!(folder.watched(&timed("createdat")).await.1.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_became_shorter_stops_the_stream() {
    let folder = Folder::new();
    folder.append("a.jsonl", &GOOD.repeat(3));
    assert_eq!(folder.run().await.unwrap().accepted, 3);
    fs::write(folder.path("a.jsonl"), GOOD.repeat(2)).unwrap();
    let error = folder.fails().await;
    assert!(
        error.to_string().contains("has only 2 lines, but 3 were read before"),
        "{error}"
    );
    assert_eq!(folder.lines(BRONZE).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_continuous_run_sees_new_lines_new_files_and_a_cut() {
    let folder = Folder::new();
    let mut spec = folder.spec.clone();
    spec.trigger.bytes = 1;
    let watch = Watch::default();
    let run = folder
        .ingest
        .run(&spec, Mode::Continuous, RunId::new(), CancellationToken::new(), &watch);
    let drive = async {
        let committed = |count: u64| {
            watch.until(move |told| told.commits.iter().map(|commit| commit.accepted).sum::<u64>() == count)
        };
        folder.append("a.jsonl", GOOD);
        committed(1).await;
        folder.append("a.jsonl", GOOD);
        folder.append("b.jsonl", GOOD);
        committed(3).await;
        fs::write(folder.path("a.jsonl"), GOOD).unwrap();
    };
    let (ended, ()) = tokio::join!(run, drive);
    let error = ended.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("became shorter"), "{error}");
    assert_eq!(folder.lines(BRONZE).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_read_may_go_and_comes_back_as_it_was() {
    let folder = Folder::new();
    let archive = folder.folder.path().join("archive.jsonl");
    let mut spec = folder.spec.clone();
    spec.trigger.bytes = 1;
    let (watch, shutdown) = (Watch::default(), CancellationToken::new());
    let run = folder
        .ingest
        .run(&spec, Mode::Continuous, RunId::new(), shutdown.clone(), &watch);
    let drive = async {
        let committed = |count: u64| {
            watch.until(move |told| told.commits.iter().map(|commit| commit.accepted).sum::<u64>() == count)
        };
        folder.append("a.jsonl", &GOOD.repeat(2));
        committed(2).await;
        fs::rename(folder.path("a.jsonl"), &archive).unwrap();
        // The reader has looked at the folder without the file when this has come.
        folder.append("b.jsonl", GOOD);
        committed(3).await;
        fs::rename(&archive, folder.path("a.jsonl")).unwrap();
        folder.append("a.jsonl", GOOD);
        committed(4).await;
        shutdown.cancel();
    };
    let (ended, ()) = tokio::join!(run, drive);
    assert_eq!(ended.unwrap().accepted, 4);
    fs::remove_file(folder.path("a.jsonl")).unwrap();
    assert_eq!(folder.run().await.unwrap().commits, 0);
    let lines = [
        line("a.jsonl", 1),
        line("a.jsonl", 2),
        line("a.jsonl", 3),
        line("b.jsonl", 1),
    ];
    assert_eq!(folder.lines(BRONZE).await, lines);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_goes_before_all_of_it_is_read_stops_the_stream() {
    let folder = Folder::new();
    let mut spec = folder.spec.clone();
    spec.trigger.bytes = 1;
    let watch = Watch::default();
    let run = folder
        .ingest
        .run(&spec, Mode::Continuous, RunId::new(), CancellationToken::new(), &watch);
    let drive = async {
        folder.append("a.jsonl", &format!("{GOOD}{{\"event_id\": "));
        watch.until(|told| told.commits.len() == 1).await;
        fs::remove_file(folder.path("a.jsonl")).unwrap();
    };
    let (ended, ()) = tokio::join!(run, drive);
    let error = ended.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("went away before all"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_one_name_in_two_folders_are_two_files() {
    let mut folder = Folder::new();
    fs::create_dir(folder.folder.path().join("more")).unwrap();
    folder.append("a.jsonl", GOOD);
    assert_eq!(folder.run().await.unwrap().accepted, 1);
    fs::write(folder.folder.path().join("more/a.jsonl"), GOOD.repeat(2)).unwrap();
    folder.spec = spec(&format!(
        "dataset: {BRONZE}\nsource: {{files: {{path: more/*.jsonl}}}}\nformat: {{encoding: json}}\n"
    ));
    assert_eq!(folder.run().await.unwrap().accepted, 2);
    let more = |number| ("more/a.jsonl".to_owned(), number);
    assert_eq!(folder.lines(BRONZE).await, [line("a.jsonl", 1), more(1), more(2)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_not_there_is_not_found() {
    let folder = Folder::new();
    fs::remove_dir(folder.folder.path().join("data")).unwrap();
    let error = folder.run().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{}", error.report());
}

/// The usual contract with other rules for the quantity and the whole table.
fn contract_with(quantity: &str, object: &str) -> Arc<ContractSet> {
    let text = CONTRACT
        .replace("logicalTypeOptions: {minimum: -1000}", quantity)
        .replace("    properties:", &format!("{object}    properties:"));
    let source = Source::new("contracts/sales/invoice_lines.odcs.yaml", text);
    let (set, diagnostics) = ContractSet::load([("sales".to_owned(), source)]);
    assert!(diagnostics.is_empty(), "{diagnostics:#?}");
    Arc::new(set)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_refuses_its_shipment_stops_its_stream_until_somebody_mends_it() {
    let mut folder = Folder::new();
    let rejecting = "logicalTypeOptions: {minimum: 1}, customProperties: [{property: polder.onFailure, value: reject}]";
    folder.ingest.contracts = contract_with(rejecting, "");
    folder.append("a.jsonl", GOOD);
    folder.run().await.unwrap();
    folder.append("a.jsonl", &format!("no json\n{GOOD}{}", GOOD.replace('6', "-6")));
    let error = folder.run().await.unwrap_err();
    assert_eq!((error.kind(), error.exit_code()), (ErrorKind::CheckFailed, 1));
    for part in ["quantity.minimum", "data/a.jsonl/0 offset 4", "-6"] {
        assert!(error.to_string().contains(part), "{error}");
    }
    assert_eq!(folder.lines(BRONZE).await, [line("a.jsonl", 1)]);
    assert!(folder.lines(QUARANTINE).await.is_empty());
    folder.ingest.contracts = contract_with("logicalTypeOptions: {minimum: 1}", "");
    let summary = folder.run().await.unwrap();
    assert_eq!((summary.accepted, summary.rejected), (1, 2));
    assert_eq!(folder.lines(QUARANTINE).await, [line("a.jsonl", 2), line("a.jsonl", 4)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_about_the_table_stops_its_stream_or_is_told_once() {
    let mut folder = Folder::new();
    let rule = |word: &str| {
        format!(
            "    quality: [{{name: small, metric: rowCount, mustBeLessThan: 2, customProperties: \
             [{{property: polder.onFailure, value: {word}}}]}}]\n"
        )
    };
    let usual = "logicalTypeOptions: {minimum: -1000}";
    folder.ingest.contracts = contract_with(usual, &rule("reject"));
    folder.append("a.jsonl", GOOD);
    folder.run().await.unwrap();
    folder.append("a.jsonl", &format!("no json\n{GOOD}"));
    let error = folder.run().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CheckFailed);
    assert_eq!(folder.lines(BRONZE).await, [line("a.jsonl", 1)]);
    assert!(folder.lines(QUARANTINE).await.is_empty());
    folder.ingest.contracts = contract_with(usual, &rule("warn"));
    let summary = folder.run().await.unwrap();
    assert_eq!((summary.accepted, summary.rejected), (1, 1));
    assert!(summary.remarks["small"].contains("would be 2"), "{:?}", summary.remarks);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_lines_with_one_key_the_first_by_position_lands() {
    let mut folder = Folder::new();
    let unique = CONTRACT.replace("name: event_id,", "name: event_id, primaryKey: true,");
    let source = Source::new("contracts/sales/invoice_lines.odcs.yaml", unique);
    folder.ingest.contracts = Arc::new(ContractSet::load([("sales".to_owned(), source)]).0);
    let other = GOOD.replace("\"e\"", "\"f\"");
    folder.append("a.jsonl", &format!("{GOOD}{GOOD}{other}"));
    let summary = folder.run().await.unwrap();
    assert_eq!((summary.accepted, summary.rejected), (2, 1));
    folder.append("b.jsonl", &format!("{other}{GOOD}"));
    assert_eq!(folder.run().await.unwrap().rejected, 2);
    assert_eq!(folder.lines(BRONZE).await, [line("a.jsonl", 1), line("a.jsonl", 3)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_byte_order_mark_at_the_start_of_a_file_is_no_part_of_its_first_record() {
    let folder = Folder::new();
    folder.append("a.jsonl", &format!("\u{feff}{}", GOOD.repeat(2)));
    folder.append("b.jsonl", "\u{feff}\n");
    // Without an end, but a whole object.
    folder.append("c.jsonl", &format!("\u{feff}{}", GOOD.trim_end()));
    let summary = folder.run().await.unwrap();
    assert_eq!((summary.accepted, summary.rejected), (3, 0));
    // What comes later is behind it.
    for name in ["a.jsonl", "b.jsonl"] {
        folder.append(name, GOOD);
    }
    assert_eq!(folder.run().await.unwrap().accepted, 2);
    assert_eq!(
        folder.lines(BRONZE).await,
        [
            line("a.jsonl", 1),
            line("a.jsonl", 2),
            line("a.jsonl", 3),
            line("b.jsonl", 2),
            line("c.jsonl", 1)
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_in_utf_16_is_refused_as_that() {
    let folder = Folder::new();
    let wide: Vec<u8> = format!("\u{feff}{}", GOOD.repeat(2))
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    fs::write(folder.path("a.jsonl"), wide).unwrap();
    let summary = folder.run().await.unwrap();
    assert_eq!((summary.accepted, summary.rejected), (0, 2));
    for batch in Rows::read(&folder.ingest.lake, QUARANTINE).await.batches {
        let reasons = batch.column_by_name("reason").unwrap();
        for row in 0..batch.num_rows() {
            let reason = array_value_to_string(reasons, row).unwrap();
            let expected = "the record is no JSON: it is text in UTF-16: write it in UTF-8";
            assert!(reason.contains(expected), "{reason}");
        }
    }
}
