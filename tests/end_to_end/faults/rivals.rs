//! Several processes on one stream, and processes that are asked to end.

use std::time::Instant;

use polder_testkit::{delta, unique};

use super::topic::wait_for_commits;
use crate::{
    invoices::{BRONZE, Days, bronze, once},
    mesh::{Mesh, Services},
};

#[test]
fn two_processes_on_one_stream_never_double_a_record() {
    let suite = "faults rivals";
    let Some(services) = Services::of(suite) else { return };
    let Some(days) = Days::of(suite, 0..8) else { return };
    let topic = unique("faults_rivals");
    let mesh = Mesh::on(&services, &topic).committing_each(1_000, "1s");
    mesh.publish(&topic, days.path());
    let arguments = ["ingest", "--until-end"];
    let rivals = [mesh.polder.start(&arguments), mesh.polder.start(&arguments)];
    for ended in rivals.map(polder_testkit::Running::wait) {
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    }
    assert_eq!(bronze(&mesh), once(&days.totals().all));
}

#[test]
fn a_process_takes_over_from_a_rival_that_is_killed() {
    let suite = "faults takeover";
    let Some(services) = Services::of(suite) else { return };
    let Some([first, second, third, all]) = Days::parts(suite, [0..2, 2..4, 4..6, 0..6]) else {
        return;
    };
    let all = all.totals().all;
    let topic = unique("faults_takeover");
    let mesh = Mesh::on(&services, &topic).committing_each(1_000, "1s");
    mesh.publish(&topic, first.path());
    let mut one = mesh.polder.start(&["ingest"]);
    wait_for_commits(&mesh, &mut one, 2);
    let mut other = mesh.polder.start(&["ingest"]);
    let before = delta::versions(&mesh.table(BRONZE)).len();
    mesh.publish(&topic, second.path());
    wait_for_commits(&mesh, &mut one, before + 1);
    one.kill();
    mesh.publish(&topic, third.path());
    let start = Instant::now();
    while bronze(&mesh).0.lines < all.lines {
        assert!(
            start.elapsed().as_secs() < 120 && other.is_running(),
            "nobody takes over"
        );
    }
    assert_eq!(other.terminate().code, Some(0));
    assert_eq!(bronze(&mesh), once(&all));
}

#[test]
fn a_continuous_ingest_that_is_asked_to_end_commits_what_it_read_and_loses_nothing() {
    let suite = "faults terminate";
    let Some(services) = Services::of(suite) else { return };
    let Some(days) = Days::of(suite, 0..4) else { return };
    let topic = services.kafka.fresh_topic("faults_terminate", 4).unwrap();
    let mesh = Mesh::on(&services, &topic).committing_each(700, "1s");
    let days_folder = days.path().to_str().unwrap();
    // Slow enough that the end comes while events still arrive.
    let publisher = mesh.polder.start(&[
        "source",
        "retail",
        "--dir",
        days_folder,
        "--topic",
        &topic,
        "--rate",
        "1500",
    ]);
    let mut polder = mesh.polder.start(&["ingest"]);
    wait_for_commits(&mesh, &mut polder, 3);
    let ended = polder.terminate();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let (landed, places) = bronze(&mesh);
    assert_eq!(landed.lines, places, "nothing twice");
    assert!(landed.lines < days.totals().all.lines, "it was asked to end midway");
    let published = publisher.wait();
    assert_eq!(published.code, Some(0), "{}", published.stderr);

    mesh.ingest();
    assert_eq!(bronze(&mesh), once(&days.totals().all));
}
