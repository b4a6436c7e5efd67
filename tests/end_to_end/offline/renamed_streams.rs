//! A stream keeps its progress by its name: what `polder check` says of one that goes on under another, and what becomes of
//! a run.

use std::fs;

use crate::offline::table_fitness::{Copy, said};

const OLD: &str = "pipelines/shop/orders.stream.yaml";
const NEW: &str = "pipelines/shop/sales.stream.yaml";
const CODE: &str = "error[renamed-stream]";
const AGAIN: &str = "after shop.orders again";

#[test]
fn a_stream_under_a_new_name_is_told_before_a_run_refuses_it() {
    let base = Copy::built(&[]);
    fs::rename(base.path(OLD), base.path(NEW)).unwrap();
    for arguments in [
        ["check", "--base", "main"].as_slice(),
        &["check", "--connect"],
        &["check", "--base", "main", "--connect"],
    ] {
        let ended = base.polder.run(arguments);
        assert_eq!(ended.code, Some(1), "{arguments:?}: {}", said(&ended));
        assert_eq!(ended.stderr.matches(CODE).count(), 1, "{}", said(&ended));
        for part in [&format!("{NEW}:2:10"), "shop.sales", AGAIN] {
            assert!(ended.stderr.contains(part), "{arguments:?}: {part}: {}", said(&ended));
        }
    }
    let run = base.polder.run(&["ingest", "--until-end"]);
    assert_eq!(run.code, Some(2), "{}", said(&run));
    assert!(run.stderr.contains(AGAIN), "{}", said(&run));
    // The same as a report.
    let report = base.polder.run(&["check", "--base", "main", "--format", "json"]);
    assert!(
        report.stdout.contains("renamed-stream") && report.stdout.contains(NEW),
        "{}",
        said(&report)
    );
    // Where nothing was read yet, the name is free.
    fs::remove_dir_all(base.path(".polder/lake")).unwrap();
    let ended = base.polder.run(&["check", "--base", "main", "--connect"]);
    assert_eq!(ended.code, Some(0), "{}", said(&ended));
    base.polder.expect(&["ingest", "--until-end"]);
}

#[test]
fn another_stream_may_take_a_dataset_over_but_not_a_second_time_what_was_read() {
    let base = Copy::built(&[]);
    let text = fs::read_to_string(base.path(OLD)).unwrap();
    let stream = |name: &str, text: &str| fs::write(base.path(name), text).unwrap();
    let checked = |code: Option<i32>, part: &str| {
        let ended = base.polder.run(&["check", "--base", "main"]);
        let is_told = ended.stderr.contains(CODE);
        assert_eq!((ended.code, is_told), (code, code != Some(0)), "{}", said(&ended));
        assert!(ended.stderr.contains(part), "{part}: {}", said(&ended));
    };
    // Files with other names are other files.
    fs::remove_file(base.path(OLD)).unwrap();
    stream(NEW, &text.replace("*.jsonl", "2020-0?.jsonl"));
    checked(Some(1), AGAIN);
    stream(NEW, &text.replace("*.jsonl", "*.ndjson"));
    checked(Some(0), "");
    stream(NEW, &text.replace("data/orders/", "data/sales/"));
    checked(Some(0), "");
    // Another domain's folder is another name.
    fs::remove_file(base.path(NEW)).unwrap();
    fs::create_dir_all(base.path("pipelines/sales")).unwrap();
    stream("pipelines/sales/orders.stream.yaml", &text);
    checked(Some(1), AGAIN);
}

#[test]
fn a_second_stream_beside_one_that_stays_is_refused_only_for_what_was_read_already() {
    let base = Copy::built(&[]);
    let text = fs::read_to_string(base.path(OLD)).unwrap();
    let checked = |arguments: &[&str], code: Option<i32>, part: &str| {
        let ended = base.polder.run(arguments);
        let is_told = ended.stderr.contains(CODE);
        assert_eq!(
            (ended.code, is_told),
            (code, code != Some(0)),
            "{arguments:?}: {}",
            said(&ended)
        );
        assert!(ended.stderr.contains(part), "{part}: {}", said(&ended));
    };
    let of_base = ["check", "--base", "main"].as_slice();
    // A file's name could fit both patterns, but none that is there does.
    fs::write(base.path(NEW), text.replace("*.jsonl", "*shop.jsonl")).unwrap();
    checked(of_base, Some(0), "");
    checked(&["check", "--base", "main", "--connect"], Some(0), "");
    // One pattern is split into two: the new stream's files are yet to come.
    fs::write(base.path(OLD), text.replace("*.jsonl", "2*.jsonl")).unwrap();
    fs::write(base.path(NEW), text.replace("*.jsonl", "3*.jsonl")).unwrap();
    checked(of_base, Some(0), "");
    checked(&["check", "--base", "main", "--connect"], Some(0), "");
    base.polder.expect(&["ingest", "--until-end"]);
    // Both read the same: the table says that it is there.
    fs::write(base.path(OLD), &text).unwrap();
    fs::write(base.path(NEW), &text).unwrap();
    checked(of_base, Some(0), "");
    for arguments in [
        ["check", "--connect"].as_slice(),
        &["check", "--base", "main", "--connect"],
    ] {
        checked(arguments, Some(1), "let one of the two feed another dataset");
    }
    let run = base.polder.run(&["ingest", "--until-end"]);
    assert_eq!(run.code, Some(2), "{}", said(&run));
    assert!(
        run.stderr.contains("let one of the two feed another dataset"),
        "{}",
        said(&run)
    );
}
